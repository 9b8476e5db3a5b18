"""Kernels: every compiled version against its NumPy reference, and what all kernels promise."""

from __future__ import annotations

import importlib
import math
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nanograd.kernels
from nanograd import dtypes
from nanograd.errors import DeviceError, ShapeError
from nanograd.kernels import (
    activation,
    compile,
    conv,
    elementary,
    elementwise,
    index,
    memory,
    pool,
    reduce,
    resample,
    sample,
    tangent,
    tile,
)
from nanograd.kernels.kernel import KERNELS, kernel
from nanograd.testing import law_kernel

for module in pkgutil.iter_modules(nanograd.kernels.__path__):
    importlib.import_module(f"nanograd.kernels.{module.name}")

Array = np.ndarray[Any, Any]
Make = Callable[[np.random.Generator, Any], tuple[Any, ...]]

COMPILED = [name for name, k in KERNELS.items() if k.versions[np.ndarray] is not k.reference]
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30])
numba = pytest.mark.skipif(not compile.can_compile(), reason="numba cannot be imported: only references run")


def normal(rng: np.random.Generator, dtype: Any, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(dtype)


def peppered(rng: np.random.Generator, dtype: Any, *shape: int) -> Array:
    """Normal numbers with NaN, infinities and signed zeros among them."""
    x = rng.standard_normal(shape)
    return np.where(rng.random(shape) < 0.1, rng.choice(SPECIAL, shape), x).astype(dtype)


def unit(rng: np.random.Generator, dtype: Any, *shape: int) -> Array:
    return rng.random(shape).astype(dtype)


CUBE = (17, 19, 13)
BIG = (71, 61)  # odd primes, and more elements than compiled loops start from


def two(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    return normal(rng, dtype, *BIG), unit(rng, dtype, *BIG)


def maybe(rng: np.random.Generator, x: Array) -> Array | None:
    return x if rng.integers(3) else None


def rows(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """(x, weight, bias) for rows of 61 numbers."""
    weight, bias = (maybe(rng, normal(rng, dtype, 61)) for _ in range(2))
    return normal(rng, dtype, *BIG), weight, bias


def channels(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """(g, x, weight, bias) for 19 channels."""
    weight, bias = (maybe(rng, normal(rng, dtype, 19)) for _ in range(2))
    return normal(rng, dtype, *CUBE), normal(rng, dtype, *CUBE), weight, bias


def statistics(rng: np.random.Generator, dtype: Any, count: int) -> tuple[Any, ...]:
    """(means, scales)"""
    return normal(rng, dtype, count, 1), unit(rng, dtype, count, 1)


def windows(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """Random images and windows: (x, size, stride, padding, dilation, out)."""
    x = peppered(rng, dtype, 3, 5, 13, 11)
    size, stride = rng.integers(1, 5, 2), rng.integers(1, 4, 2)
    padding, dilation = [int(rng.integers(0, s // 2 + 1)) for s in size], rng.integers(1, 3, 2)
    room = [n + 2 * p - d * (s - 1) - 1 for n, p, d, s in zip(x.shape[2:], padding, dilation, size, strict=True)]
    out = tuple(int(r // s + 1) for r, s in zip(room, stride, strict=True))
    size, stride, dilation = (tuple(int(v) for v in pair) for pair in (size, stride, dilation))
    return x, size, stride, tuple(padding), dilation, out


def scores(rng: np.random.Generator, dtype: Any) -> Array:
    """Rows longer than a run: with NaN and infinities, all -∞, finite with some of -∞, finite and far apart."""
    x = 30 * normal(rng, dtype, 7, 2111)
    x[0] = peppered(rng, dtype, 2111)
    x[1] = -np.inf
    x[2, ::3] = -np.inf
    return x - dtype(50)


def convolution(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """A random signal, image or volume and weights for it: (x, weight, bias, stride, padding, dilation, groups)."""
    dims, groups = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    n, each, count = (int(v) for v in rng.integers((1, 1, 1), (6, 5, 8)))
    size, dilation = rng.integers(1, 5, dims), rng.choice([1, 1, 2], dims)
    stride, padding = rng.choice([1, 1, 2, 3], dims), rng.choice([0, 1, 2, 5], dims)
    room = dilation * (size - 1) + 1 + rng.integers(0, (60, 30, 12)[dims - 1], dims)
    x = normal(rng, dtype, max(n, 256 // int(np.prod(room)) + 1), groups * each, *room)
    weight = normal(rng, dtype, groups * count, each, *size)
    numbers = (tuple(int(v) for v in values) for values in (stride, padding, dilation))
    return x, weight, maybe(rng, normal(rng, dtype, groups * count)), *numbers, groups


def convolution_input(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """(g, weight, size of x, stride, padding, dilation, groups), the stride 1"""
    x, weight, _, stride, *rest = convolution(rng, dtype)
    stride = (1,) * len(stride)
    g = conv.convolve.reference(x, weight, None, stride, *rest)
    return np.concatenate([g] * (256 // g.size + 1)), weight, x.shape[2:], stride, *rest


def convolution_weight(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """(g, x, size of the window, stride, padding, dilation, groups)"""
    x, weight, _, *rest = convolution(rng, dtype)
    g = conv.convolve.reference(x, weight, None, *rest)
    return normal(rng, dtype, *g.shape), x, weight.shape[2:], *rest


def optimizer(formula: Any) -> Make:
    """Arguments for an update: as many states and numbers as its formula has."""
    state, numbers = formula.__code__.co_argcount - 2, formula.__code__.co_kwonlyargcount

    def make(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
        arrays = [normal(rng, dtype, *BIG) for _ in range(2)] + [unit(rng, dtype, *BIG) for _ in range(state)]
        return (*arrays, tuple(float(v) for v in rng.uniform(0.1, 0.9, numbers)))

    return make


def sums(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """An image, and what becomes of its rows and columns."""
    rules = [("window", 3, (3, 2, 1)), ("share", 4, ()), ("linear", 9, (0.0, 0.0)), ("replicate", 10, (2,))]
    chosen = zip((2, 3), rng.permutation(4)[:2], strict=True)
    dims = tuple(resample.Along(d, rules[i][0], 6, rules[i][1], rules[i][2]) for d, i in chosen)
    back = bool(rng.integers(2))
    sizes = (along.want if back else along.have for along in dims)
    return normal(rng, dtype, 7, 16, *sizes), dims, back


def sequences(rng: np.random.Generator) -> tuple[tuple[int, ...], bool]:
    """(sizes, reverse) of packed sequences: rows enough for every height of a tile, and for several groups of steps."""
    sizes = np.sort(rng.integers(1, 30, int(rng.integers(1, 30))))[::-1]
    return tuple(int(n) for n in sizes), bool(rng.integers(2))


def hidden(rng: np.random.Generator) -> int:
    """A size below, at and above whole tiles."""
    return int(rng.choice([1, 5, 32, 33, 64, 70]))


def recurrent_layer(gates: int, states: int, *options: Any) -> Make:
    """(inputs, states, weights, biases or none, options, sizes, reverse)"""

    def make(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
        (sizes, reverse), width, size = sequences(rng), int(rng.integers(1, 40)), hidden(rng)
        shapes = [(sum(sizes), width), *[(sizes[0], size)] * states, (gates * size, width), (gates * size, size)]
        biased = bool(rng.integers(2))
        biases = (normal(rng, dtype, gates * size) if biased else None for _ in range(2))
        return (*(dtype(0.1) * normal(rng, dtype, *s) for s in shapes), *biases, *options, sizes, reverse)

    return make


def recurrent_grad(shapes: Any, gates: int, gradients: int, *options: Any) -> Make:
    """(what was kept, as ``shapes`` has it for N rows of H, W_hh, gradients or none, options, sizes, reverse)"""

    def make(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
        (sizes, reverse), size = sequences(rng), hidden(rng)
        kept = (unit(rng, dtype, *shape) for shape in shapes(sum(sizes), size))
        outputs = maybe(rng, normal(rng, dtype, sum(sizes), size))
        last = (maybe(rng, normal(rng, dtype, sizes[0], size)) for _ in range(gradients - 1))
        w_hh = dtype(0.1) * normal(rng, dtype, gates * size, size)
        return (*kept, w_hh, outputs, *last, *options, sizes, reverse)

    return make


def of_gates(*shape: int) -> Make:
    """(dz, another array, gates) for the gradients of what all steps share; the other's shape may name H by -1."""

    def make(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
        n, size = int(rng.integers(1, 600)), hidden(rng)
        others = [normal(rng, dtype, *({-1: 3 * size, 0: n}.get(s, s) for s in shape))] if shape else []
        return (normal(rng, dtype, 4, n, size), *others, (0, 1, 3))

    return make


SINGLE = {
    "elementary.exp", "elementary.sigmoid", "activation.silu", "activation.silu_grad", "activation.gelu",
    "activation.gelu_grad", "normalize.softmax", "normalize.softmax_grad", "normalize.log_softmax",
    "normalize.log_softmax_grad", "normalize.cross_entropy", "normalize.cross_entropy_grad",
    "normalize.attention_weights", "normalize.attention_weights_grad", "elementwise.add", "elementwise.mul",
    "reduce.total", "memory.copy",
}  # fmt: skip
"""Compiled for float32 alone."""


def spread(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """A large array, and a row, some rows, or a column beside it."""
    shapes: list[tuple[int, ...]] = [(61,), (97, 61), (7, 97, 1)]
    return peppered(rng, dtype, 7, 97, 61), normal(rng, dtype, *shapes[rng.integers(3)])


def summed(rng: np.random.Generator, dtype: Any) -> tuple[Any, ...]:
    """An array, and dimensions to add it up over."""
    dims: list[tuple[int, ...]] = [(0,), (1,), (2,), (2, 0), (0, 1), (1, 2), (0, 1, 2)]
    return normal(rng, dtype, 19, 67, 23), dims[rng.integers(7)], bool(rng.integers(2)), np.dtype(dtype)


ARGUMENTS: dict[str, Make] = {
    "elementwise.add": spread,
    "elementwise.mul": spread,
    "reduce.total": summed,
    "memory.copy": lambda rng, dtype: (np.broadcast_to(peppered(rng, dtype, 7, 97, 1), (7, 97, 61)),),
    "elementary.exp": lambda rng, dtype: (peppered(rng, dtype, *BIG),),
    "elementary.sigmoid": lambda rng, dtype: (peppered(rng, dtype, *BIG),),
    "conv.convolve": convolution,
    "conv.convolve_input": convolution_input,
    "conv.convolve_weight": convolution_weight,
    "recurrent.rnn": recurrent_layer(1, 1, False),
    "recurrent.gru": recurrent_layer(3, 1),
    "recurrent.lstm": recurrent_layer(4, 2),
    "recurrent.rnn_grad": recurrent_grad(lambda n, size: [(n, size)], 1, 2, False),
    "recurrent.gru_grad": recurrent_grad(lambda n, size: [(4, n, size), (n, size)], 3, 2),
    "recurrent.lstm_grad": recurrent_grad(lambda n, size: [(4, n, size), (n, size), (n, size)], 4, 3),
    "recurrent.grad_input": of_gates(-1, 37),
    "recurrent.grad_weight": of_gates(0, 37),
    "recurrent.grad_bias": of_gates(),
    "elementary.relu": lambda rng, dtype: (peppered(rng, dtype, *BIG),),
    "elementary.relu_grad": lambda rng, dtype: (peppered(rng, dtype, *BIG), peppered(rng, dtype, *BIG)),
    "activation.silu": lambda rng, dtype: (peppered(rng, dtype, *BIG),),
    "activation.silu_grad": two,
    "activation.gelu": lambda rng, dtype: (peppered(rng, dtype, *BIG), bool(rng.integers(2))),
    "activation.gelu_grad": lambda rng, dtype: (*two(rng, dtype), bool(rng.integers(2))),
    "embedding.embedding": lambda rng, dtype: (normal(rng, dtype, 13, 11), rng.integers(0, 13, (5, 7))),
    "embedding.embedding_grad": lambda rng, dtype: (
        normal(rng, dtype, 5, 7, 11),
        rng.integers(0, 13, (5, 7)),
        13,
        int(rng.integers(-1, 13)),
        False,
    ),
    "losses.squared_error": lambda rng, dtype: (*two(rng, dtype), 0.25),
    "losses.squared_error_grad": lambda rng, dtype: (normal(rng, dtype), *two(rng, dtype), 0.25),
    "standardize.layer_norm": lambda rng, dtype: (*rows(rng, dtype)[:3], 61, 1e-5),
    "standardize.layer_norm_grad": lambda rng, dtype: (
        normal(rng, dtype, *BIG),
        *rows(rng, dtype)[:2],
        *statistics(rng, dtype, 71),
        61,
    ),
    "standardize.layer_norm_grad_weight": lambda rng, dtype: (
        normal(rng, dtype, *BIG),
        normal(rng, dtype, *BIG),
        *statistics(rng, dtype, 71),
        (61,),
        61,
    ),
    "standardize.layer_norm_grads": lambda rng, dtype: (
        normal(rng, dtype, *BIG),
        normal(rng, dtype, *BIG),
        normal(rng, dtype, 61),
        *statistics(rng, dtype, 71),
        (61,),
        61,
    ),
    "standardize.batch_norm": lambda rng, dtype: (*channels(rng, dtype)[1:], 1e-5),
    "standardize.batch_norm_grad": lambda rng, dtype: (*channels(rng, dtype)[:3], *statistics(rng, dtype, 19)),
    "standardize.batch_norm_grad_weight": lambda rng, dtype: (
        *channels(rng, dtype)[:2],
        *statistics(rng, dtype, 19),
    ),
    "elementary.tanh_grad": two,
    "elementary.sigmoid_grad": two,
    "special.erf": lambda rng, dtype: (peppered(rng, dtype, *BIG),),
    "special.erfc": lambda rng, dtype: (peppered(rng, dtype, *BIG),),
    "gamma.lgamma": lambda rng, dtype: (peppered(rng, dtype, *BIG),),
    "gamma.digamma": lambda rng, dtype: (peppered(rng, dtype, *BIG),),
    "matmul.linear": lambda rng, dtype: (normal(rng, dtype, 7, 5), normal(rng, dtype, 3, 5), normal(rng, dtype, 3)),
    "normalize.softmax": lambda rng, dtype: (scores(rng, dtype), 1),
    "normalize.softmax_grad": lambda rng, dtype: (scores(rng, dtype), unit(rng, dtype, 7, 2111), 1),
    "normalize.attention_weights": lambda rng, dtype: (
        peppered(rng, dtype, 3, *rng.integers(7, 40, 2)),
        float(rng.uniform(0.1, 9)),
        bool(rng.integers(2)),
    ),
    "normalize.attention_weights_grad": lambda rng, dtype: (scores(rng, dtype), unit(rng, dtype, 7, 2111), 0.3),
    "normalize.log_softmax": lambda rng, dtype: (scores(rng, dtype), 1),
    "normalize.log_softmax_grad": lambda rng, dtype: (scores(rng, dtype), -5 * unit(rng, dtype, 7, 2111), 1),
    "normalize.cross_entropy": lambda rng, dtype: (scores(rng, dtype)[2:], rng.integers(0, 2111, 5)),
    "normalize.cross_entropy_grad": lambda rng, dtype: (
        normal(rng, dtype),
        unit(rng, dtype, 7, 31),
        rng.integers(0, 31, 7),
    ),
    "pool.max_pool": windows,
    "pool.to_places": lambda rng, dtype: (
        normal(rng, dtype, 3, 5, 13, 11),
        rng.integers(0, 120, (3, 5, 13, 11)),
        (3, 5, 10, 12),
    ),
    "resample.resample": sums,
    "scan.cumsum": lambda rng, dtype: (unit(rng, dtype, *CUBE), int(rng.integers(3)), dtypes.dtype_of(np.dtype(dtype))),
    "scan.cumprod": lambda rng, dtype: (
        unit(rng, dtype, *CUBE) + dtype(0.5),
        int(rng.integers(3)),
        dtypes.dtype_of(np.dtype(dtype)),
    ),
    "scan.cummax": lambda rng, dtype: (peppered(rng, dtype, *CUBE), int(rng.integers(3))),
    "scan.cummin": lambda rng, dtype: (peppered(rng, dtype, *CUBE), int(rng.integers(3))),
    "scan.linear": lambda rng, dtype: (unit(rng, dtype, *CUBE), normal(rng, dtype, *CUBE), int(rng.integers(3))),
    **{name: optimizer(k.reference.formula) for name, k in KERNELS.items() if hasattr(k.reference, "formula")},
}


SINGLE |= {name for name in ARGUMENTS if name.startswith("recurrent.")}
SUMS_OF_MANY = {name for name in ARGUMENTS if name.startswith("recurrent.") and "grad" in name}


@pytest.mark.parametrize("name", COMPILED)
def test_every_compiled_version_has_arguments(name: str) -> None:
    assert name in ARGUMENTS, f"the kernel {name!r} has a compiled version that no test compares with its reference"


@numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_compiled_version_is_the_reference(name: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    if name in SUMS_OF_MANY:
        tolerance *= 50
    for _ in range(5):
        args = ARGUMENTS[name](rng, dtype)
        chooses = KERNELS[name].versions[np.ndarray].__globals__["suits"]
        if name in SINGLE and dtype == np.float64:
            assert not chooses(*args), f"{name}: compiled code for float32 was chosen for float64"
            continue
        assert chooses(*args), f"{name}: these arguments run the reference, not the compiled version"
        law_kernel(KERNELS[name], *args, rtol=tolerance, atol=tolerance)


@numba
def test_cross_entropy_answers_none_for_classes_out_of_range() -> None:
    x = np.zeros((3, 5), np.float32)
    for bad in (5, -1):
        law_kernel(KERNELS["normalize.cross_entropy"], x, np.array([0, bad, 1]))
        assert KERNELS["normalize.cross_entropy"](x, np.array([0, bad, 1])) is None


@numba
@pytest.mark.parametrize(
    "make", [lambda x: x.T, lambda x: x[::2], lambda x: x.astype(np.float16), lambda x: x[:0], lambda x: x[:2, :2]]
)
@pytest.mark.parametrize("name", ["relu", "tanh_grad"])
def test_what_a_compiled_loop_cannot_take_runs_the_reference(name: str, make: Callable[[Array], Array]) -> None:
    x = make(np.random.default_rng(0).standard_normal(BIG))
    args = (x,) if name == "relu" else (x, x)
    np.testing.assert_array_equal(getattr(elementary, name)(*args), getattr(elementary, name).reference(*args))


def units(y: Array, exact: Array) -> float:
    """The greatest distance of float32 numbers from exact ones, in units of the last place of these."""
    return float(np.max(np.abs(y - exact) / np.spacing(np.abs(exact).astype(np.float32))))


@numba
def test_vectorized_curves_beside_float64() -> None:
    """As near as torch's: its exp is within 0.6 units, its sigmoid within 2.4; NumPy's exp within 2.4."""
    x = np.linspace(-87, 88.7, 100_003, dtype=np.float32)
    assert units(elementary.exp(x), np.exp(x.astype(np.float64))) < 1
    x = np.linspace(-80, 80, 100_003, dtype=np.float32)
    assert units(elementary.sigmoid(x), 1 / (1 + np.exp(-x.astype(np.float64)))) < 2.5


@numba
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1)])
def test_sums_round_no_more_for_more_numbers(dims: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random((3000, 3000), np.float32)
    exact = x.sum(dims, dtype=np.float64)
    assert np.max(np.abs(reduce.total(x, dims, False, np.dtype(np.float32)) - exact) / exact) < 1.5e-7


@numba
def test_the_ends_of_exp_and_sigmoid() -> None:
    """Below the normal numbers, and where eˣ is infinite."""
    x = np.tile(np.array([-200, -103.9, -103, -88, 88.7, 88.8, 200, np.inf, -np.inf, np.nan], np.float32), 500)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(elementary.exp(x), np.exp(x), rtol=1e-6, atol=2e-45)
        np.testing.assert_allclose(elementary.sigmoid(x), elementary.sigmoid.reference(x), rtol=1e-6, atol=1e-38)


@numba
def test_gelu_beside_float64() -> None:
    """Φ within 1.8e-7, as torch's; exactly 0 and 1 far away."""
    x = np.linspace(-7, 7, 100_003, dtype=np.float32)
    z = x.astype(np.float64)
    normal_ = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z.tolist()])
    assert np.max(np.abs(activation.gelu(x, False) - z * normal_) / np.maximum(np.abs(z), 1)) < 1.8e-7
    slope = normal_ + z * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    assert np.max(np.abs(activation.gelu_grad(np.ones_like(x), x, False) - slope)) < 4e-7
    far = np.tile(np.array([-1e30, -100, 100, 1e30], np.float32), 500)
    np.testing.assert_array_equal(activation.gelu(far, False), np.maximum(far, 0))


# What all kernels promise


def test_a_kernel_returns_an_array_also_of_no_dimensions() -> None:
    x = np.array(2.0)
    for y in (
        elementwise.add(x, x),
        elementary.exp(x),
        reduce.sum(np.ones(3), (0,), False, dtypes.float64),
        memory.cast(x, dtypes.int32),
    ):
        assert type(y) is np.ndarray
        assert y.shape == ()


def test_a_kernel_names_what_does_not_broadcast() -> None:
    with pytest.raises(
        ShapeError, match=r"add: shapes \(2, 3\) and \(4, 5\) do not broadcast.*\(3\).*\(5\).*dimension 1"
    ):
        elementwise.add(np.ones((2, 3)), np.ones((4, 5)))


def test_a_missing_version_says_which_there_are() -> None:
    class Elsewhere:
        pass

    with pytest.raises(
        DeviceError, match=r"elementwise.add: no version for arrays of class Elsewhere; there is one for: .*ndarray"
    ):
        elementwise.add(Elsewhere(), Elsewhere())


def test_a_subclass_of_ndarray_is_served(tmp_path: Any) -> None:
    mapped = np.memmap(tmp_path / "numbers", np.float32, "w+", shape=(3,))
    np.testing.assert_array_equal(elementwise.add(mapped, mapped), np.zeros(3))


def test_a_kernel_is_registered_under_its_file_and_name() -> None:
    @kernel
    def doubled(x: Array) -> Array:
        """2 x"""
        return 2 * x

    try:
        assert KERNELS[doubled.name] is doubled
        assert doubled.__doc__ == "2 x"
        np.testing.assert_array_equal(doubled(np.ones(2)), [2, 2])
    finally:
        del KERNELS[doubled.name]


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_every_kernel_says_what_it_computes(name: str) -> None:
    assert KERNELS[name].__doc__, f"{name} has no docstring"


# Kernels that no operation's formula pins down entirely


def test_a_written_array_must_not_share_its_elements() -> None:
    stretched = memory.expand(np.zeros((3, 1)), (3, 5))
    with pytest.raises(ShapeError, match="more than one element of the written-to tensor"):
        memory.write(stretched, np.ones((3, 5)))
    memory.write(memory.expand(np.zeros((3, 1)), (3, 1)), np.ones((3, 1)))


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.T,
        lambda x: x[:, ::2].T,
        lambda x: x.reshape(5, 61, -1).mT,
        lambda x: np.broadcast_to(x[:, :1], x.shape),
        lambda x: np.broadcast_to(x.T[::2, None, :1], (166, 3, 305)),
    ],
)
def test_a_copy_of_a_large_view(view: Callable[[Array], Array]) -> None:
    x = view(np.random.default_rng(0).standard_normal((305, 331)).astype(np.float32))
    y = memory.copy(x)
    np.testing.assert_array_equal(y, x)
    assert y.flags.c_contiguous
    assert not np.shares_memory(x, y)


def test_a_view_is_taken_only_where_strides_allow() -> None:
    x = np.arange(6).reshape(2, 3)
    assert memory.as_view(x, (3, 2)) is not None
    assert memory.as_view(x.T, (6,)) is None
    assert np.shares_memory(memory.as_view(x[:, ::2], (2, 1, 2)), x)


def test_places_that_repeat_add_up() -> None:
    steps = ((np.array([0, 0, 1]),),)
    np.testing.assert_array_equal(index.add_at(np.ones((3, 2)), steps, (3, 2)), [[2, 2], [1, 1], [0, 0]])


def test_padding_never_wins_a_window() -> None:
    x = np.full((1, 1, 4, 4), -np.inf, np.float32)
    for images in (x, np.tile(x, (1, 100, 1, 1))):  # the reference, the compiled loop
        values, places = pool.max_pool(images, (3, 3), (1, 1), (1, 1), (1, 1), (4, 4))
        assert np.isneginf(values).all()
        assert places[0, 0, 0, 0] == 0
        assert places[0, 0, 3, 3] == 10


@numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 2, 37, 37), (1, 3, 70, 83), (2, 1, 9, 700), (2, 2, 700, 9), (21, 2, 5, 4)])
def test_convolution_of_places_that_fill_no_whole_vector(shape: tuple[int, ...], dtype: Any) -> None:
    """Bands of rows, images side by side, the last few places; what is not a number stays where it belongs."""
    rng = np.random.default_rng(0)
    weight, numbers = normal(rng, dtype, 5, shape[1], 3, 2), ((1, 1), (1, 0), (1, 1), 1)
    for spoiled in (0, 7):
        x = normal(rng, dtype, *shape)
        x.reshape(-1)[rng.integers(0, x.size, spoiled)] = rng.choice([np.nan, np.inf, -np.inf], spoiled)
        g = normal(rng, dtype, *conv.convolve.reference(x, weight, None, *numbers).shape)
        g.reshape(-1)[rng.integers(0, g.size, spoiled)] = np.nan
        tolerance = 1e-4 if dtype == np.float32 else 1e-11
        law_kernel(conv.convolve, x, weight, None, *numbers, rtol=tolerance, atol=tolerance)
        law_kernel(conv.convolve_input, g, weight, shape[2:], *numbers, rtol=tolerance, atol=tolerance)
        law_kernel(conv.convolve_weight, g, x, (3, 2), *numbers, rtol=tolerance, atol=tolerance)


@numba
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(8, 8), (9, 12), (12, 9), (2, 2)])
def test_squares_side_by_side_are_pooled_as_other_windows(size: tuple[int, int], dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x = np.where(rng.random((17, 19, *size)) < 0.2, rng.choice(SPECIAL, (17, 19, *size)), rng.integers(0, 3, size))
    out = (size[0] // 2, size[1] // 2)
    law_kernel(pool.max_pool, x.astype(dtype), (2, 2), (2, 2), (0, 0), (1, 1), out)


# Within compiled loops: tanh, and products in tiles


@numba
def test_tanh_is_right_to_the_last_places() -> None:
    x = np.concatenate([np.linspace(-80, 80, 20001), np.logspace(-37, 1, 5000), -np.logspace(-37, 1, 5000)])
    x = x.astype(np.float32)
    found = np.array([tangent.tanh32(v) for v in x], np.float64)
    np.testing.assert_allclose(found, np.tanh(x.astype(np.float64)), rtol=3 * np.finfo(np.float32).eps)
    assert np.isnan(tangent.tanh32(np.float32(np.nan)))
    assert tangent.tanh32(np.float32(np.inf)) == 1
    assert tangent.tanh32(np.float32(-np.inf)) == -1


@numba
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 9, 31])
@pytest.mark.parametrize(("k", "m"), [(1, 1), (5, 31), (70, 32), (600, 65)])
def test_products_in_tiles(n: int, k: int, m: int) -> None:
    rng = np.random.default_rng(1)
    a, w = normal(rng, np.float32, n, k + 2)[:, :k], normal(rng, np.float32, k, m)
    z = np.ones((n, tile.padded(m)), np.float32)
    expected = 1 + a.astype(np.float64) @ w
    tile.add_product(a, tile.panels(w[None])[0], z)
    np.testing.assert_allclose(z[:, :m], expected, atol=1e-4)
    assert (z[:, m:] == 1).all()
    wide = np.pad(w, ((0, 0), (0, z.shape[1] - m)))
    z[:] = 1
    tile.add_transposed(np.ascontiguousarray(a.T), wide, z)
    np.testing.assert_allclose(z[:, :m], expected, atol=1e-4)


@numba
@pytest.mark.parametrize("registers", [(16, 32), (16, 16), (32, 16)])  # AVX, SSE, NEON
def test_processors_with_other_vectors(registers: tuple[int, int], tmp_path: Any) -> None:
    """(how many registers, of how many bytes): LLVM writes long vectors for any processor as several short ones."""
    program = f"""
import numpy as np
from nanograd.kernels import blocks, direct, tile, vector
for module in (blocks, tile, vector):
    module.processor = lambda: {registers}
rng = np.random.default_rng(0)
x, w = (rng.standard_normal(shape).astype(np.float32) for shape in ((2, 3, 1, 9, 11), (13, 3, 1, 3, 3)))
y = direct.convolve(x, w, None, direct.Geometry((1, 3, 3), (1, 1, 1), (0, 0, 0), (1, 1, 1), (1, 7, 9)), 1)
windows = np.lib.stride_tricks.sliding_window_view(x, (1, 3, 3), (2, 3, 4))
np.testing.assert_allclose(y, np.einsum("ncdhwijk,ocijk->nodhw", windows, w), atol=1e-4)
for n in (1, 2, 3, 15):
    a, w = rng.standard_normal((n, 70)).astype(np.float32), rng.standard_normal((70, 64)).astype(np.float32)
    z, turned = np.ones((n, 64), np.float32), np.ones((n, 64), np.float32)
    tile.add_product(a, tile.panels(w[None])[0], z)
    tile.add_transposed(np.ascontiguousarray(a.T), w, turned)
    np.testing.assert_allclose(z, 1 + a @ w, atol=1e-4)
    np.testing.assert_allclose(turned, z, atol=1e-4)
print(vector.vector_of(vector.import_module("numba").float32).count)
"""
    environment = {**os.environ, "NANOGRAD_CACHE_DIR": str(tmp_path)}  # what is kept is made for this processor
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout.split() == [str(registers[1] // 4)], done.stderr


# Chance: Philox4x32-10


def test_philox_known_answer() -> None:
    """Counter 0 and key 0, from the known-answer vectors of Random123 (Salmon et al.)."""
    expected = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    np.testing.assert_array_equal(sample.words.reference(0, 0, 1)[0], np.array(expected, np.uint32))


@numba
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**64 - 1])
@pytest.mark.parametrize("offset", [0, 2**32 - 5, 2**40])
def test_compiled_words_are_the_references(seed: int, offset: int) -> None:
    np.testing.assert_array_equal(sample._blocks(seed, offset, 2000), sample.words.reference(seed, offset, 2000))


def test_a_stream_is_the_same_however_it_is_cut() -> None:
    whole = sample.words.reference(7, 0, 10)
    np.testing.assert_array_equal(
        np.concatenate([sample.words.reference(7, 0, 3), sample.words.reference(7, 3, 7)]), whole
    )
    small, large = (sample.uniform.on(nanograd.devices.cpu)((n,), 7, 0, dtypes.float32) for n in (8, 20000))
    np.testing.assert_array_equal(large[:8], small)


# Without numba


def test_everything_runs_without_numba() -> None:
    """With NANOGRAD_JIT=0 every kernel is its reference, and a training step gives the same numbers."""
    program = """
import sys
sys.modules["numba"] = None
import numpy as np
import nanograd as torch
from nanograd.kernels.kernel import KERNELS
from nanograd.nn import functional as F
assert all(k.versions[np.ndarray] is k.reference for k in KERNELS.values())
x = torch.arange(2 * 1 * 40 * 40).reshape(2, 1, 40, 40).float().sin().requires_grad_()
y = F.max_pool2d(F.relu(F.conv2d(x, torch.ones(2, 1, 3, 3))), 2).flatten(1)
F.cross_entropy(y, torch.tensor([3, 5])).backward()
torch.manual_seed(3)
print(float(x.grad.abs().sum()), float(torch.rand(10000).sum()), float(torch.tanh(x).sum()))
"""
    seen = [
        subprocess.run(
            [sys.executable, "-c", text], check=True, capture_output=True, text=True, env={**os.environ}
        ).stdout
        for text in (
            program,
            program.replace('sys.modules["numba"] = None\n', "").replace("assert all", "assert not all"),
        )
    ]
    values = [[float(v) for v in text.split()] for text in seen]
    np.testing.assert_allclose(values[0], values[1], 1e-5)
