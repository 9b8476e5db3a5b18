"""Convolution and pooling beside torch, over random settings: values, gradients, second gradients, places, errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import nanograd as ng

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Array = np.ndarray[Any, Any]
Call = Callable[..., Any]


def traced(m: Any, call: Call, arrays: Sequence[Array], orders: int) -> list[Array | None]:
    """Results, gradients of a random weight of them, and gradients of a random weight of those."""
    xs = [m.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    ys = call(m, *xs)
    ys = list(ys) if isinstance(ys, tuple) else [ys]
    found, above = list(ys), [y for y in ys if y.requires_grad]
    wanted = [x for x in xs if x.requires_grad]
    for order in range(orders if above else 0):
        rng = np.random.default_rng(order)
        weights = [m.tensor(rng.standard_normal(tuple(y.shape)), dtype=y.dtype) for y in above]
        grads = m.autograd.grad(above, wanted, weights, create_graph=order + 1 < orders, allow_unused=True)
        found += grads
        above = [g for g in grads if g is not None and g.requires_grad]
        if not above:
            break
    return [None if t is None else t.detach().numpy() for t in found]


def compare(call: Call, arrays: Sequence[Array], what: str, orders: int = 2, rtol: float = 1e-9) -> None:
    theirs, ours = traced(torch, call, arrays, orders), traced(ng, call, arrays, orders)
    for i in range(max(len(theirs), len(ours))):
        a, b = (found[i] if i < len(found) else None for found in (theirs, ours))
        if a is None or b is None:  # no gradient and a gradient of zeros are the same
            assert all(t is None or not t.any() for t in (a, b)), f"{what}: {i}"
            continue
        assert a.shape == b.shape, f"{what}: {i}: torch {a.shape}, nanograd {b.shape}"
        assert a.dtype == b.dtype, f"{what}: {i}: torch {a.dtype}, nanograd {b.dtype}"
        np.testing.assert_allclose(b, a, rtol, rtol, err_msg=f"{what}: {i}")


def normal(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def numbers(rng: np.random.Generator, dims: int, low: int, high: int) -> Any:
    """An integer, or one for each dimension."""
    values = tuple(int(v) for v in rng.integers(low, high, dims))
    return values[0] if rng.random() < 0.4 else values


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_conv(dims: int) -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        groups = int(rng.choice([1, 1, 2, 3]))
        w = normal(groups * int(rng.integers(1, 3)), int(rng.integers(1, 3)), *rng.integers(1, 4, dims), seed=1)
        x = normal(int(rng.integers(0 if seed == 7 else 1, 3)), groups * w.shape[1], *rng.integers(5, 8, dims))
        given = dict(
            stride=numbers(rng, dims, 1, 4), padding=numbers(rng, dims, 0, 3), dilation=numbers(rng, dims, 1, 3),
            groups=groups,
        )  # fmt: skip
        if rng.random() < 0.3:
            given |= dict(stride=1, padding=str(rng.choice(["valid", "same"])))
        arrays = [x if rng.random() < 0.8 or not len(x) else x[0], w, normal(len(w), seed=2)]
        arrays = arrays[: 2 + (seed % 3 > 0)]
        call = lambda m, *ts: getattr(m.nn.functional, f"conv{dims}d")(*ts, **given)  # noqa: B023, E731
        compare(call, arrays, f"conv{dims}d {x.shape} {w.shape} {given}")


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_conv_transpose(dims: int) -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        groups = int(rng.choice([1, 1, 2, 3]))
        w = normal(groups * int(rng.integers(1, 3)), int(rng.integers(1, 3)), *rng.integers(1, 4, dims), seed=1)
        x = normal(int(rng.integers(1, 3)), len(w), *rng.integers(3, 5, dims))
        stride, dilation = (tuple(int(v) for v in rng.integers(1, 4, dims)) for _ in range(2))
        given = dict(
            stride=stride, dilation=dilation, padding=numbers(rng, dims, 0, 2), groups=groups,
            output_padding=tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)),
        )  # fmt: skip
        arrays = [x if rng.random() < 0.8 else x[0], w, normal(w.shape[1] * groups, seed=2)][: 2 + seed % 2]
        call = lambda m, *ts: getattr(m.nn.functional, f"conv_transpose{dims}d")(*ts, **given)  # noqa: B023, E731
        compare(call, arrays, f"conv_transpose{dims}d {x.shape} {w.shape} {given}")


def windows(rng: np.random.Generator, dims: int, dilated: bool) -> dict[str, Any]:
    size = tuple(int(v) for v in rng.integers(1, 5, dims))
    given = dict(
        kernel_size=size, stride=None if rng.random() < 0.3 else numbers(rng, dims, 1, 4),
        padding=tuple(int(rng.integers(0, s // 2 + 1)) for s in size), ceil_mode=bool(rng.random() < 0.5),
    )  # fmt: skip
    return given | (dict(dilation=numbers(rng, dims, 1, 3)) if dilated else {})


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_max_pool_and_its_way_back(dims: int) -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        given = windows(rng, dims, dilated=True)
        x = normal(2, 3, *rng.integers(8, 11, dims), seed=seed)
        x = np.round(x, 1) if seed % 2 else x
        if seed % 5 == 0:
            x[0, 0, :6] = -np.inf
        x = x if seed % 4 else x[0]
        call = lambda m, t: getattr(m.nn.functional, f"max_pool{dims}d")(t, **given, return_indices=True)  # noqa: B023, E731
        compare(call, [x], f"max_pool{dims}d {x.shape} {given}")


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_avg_pool(dims: int) -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        given = windows(rng, dims, dilated=False) | dict(count_include_pad=bool(seed % 2))
        if dims > 1 and seed % 3 == 0:
            given["divisor_override"] = 3
        x = normal(2, 3, *rng.integers(6, 13, dims), seed=seed)
        x = x if seed % 4 else x[0]
        call = lambda m, t: getattr(m.nn.functional, f"avg_pool{dims}d")(t, **given)  # noqa: B023, E731
        compare(call, [x], f"avg_pool{dims}d {x.shape} {given}")
        if not given["count_include_pad"]:
            whole = np.random.default_rng(seed).integers(-9, 9, x.shape)
            compare(call, [whole], f"avg_pool{dims}d of integers {x.shape} {given}")


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_adaptive_pool(dims: int, kind: str) -> None:
    for seed in range(15):
        rng = np.random.default_rng(seed)
        size = tuple(int(v) for v in rng.integers(1, 9, dims))
        size = 1 if seed == 3 else (None, *size[1:]) if seed % 4 == 1 and dims > 1 else size
        x = np.round(normal(2, 3, *rng.integers(4, 9, dims), seed=seed), 1 if seed % 2 else 9)
        x = x if seed % 3 else x[0]
        if seed == 5 and kind == "max":
            x[:, :, 2] = np.nan
        more = dict(return_indices=True) if kind == "max" else {}
        call = lambda m, t: getattr(m.nn.functional, f"adaptive_{kind}_pool{dims}d")(t, size, **more)  # noqa: B023, E731
        compare(call, [x], f"adaptive_{kind}_pool{dims}d {x.shape} {size}")


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_lp_pool_and_unpool(dims: int) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x = np.abs(normal(2, 3, *rng.integers(6, 9, dims), seed=seed)) + 0.1
        size, p = numbers(rng, dims, 1, 4) if dims > 1 else int(rng.integers(1, 4)), float(rng.choice([1.0, 2.0, 3.0]))
        lp = lambda m, t: getattr(m.nn.functional, f"lp_pool{dims}d")(t, p, size, ceil_mode=bool(seed % 2))  # noqa: B023, E731
        compare(lp, [x], f"lp_pool{dims}d {x.shape} {p} {size}", rtol=1e-8)
        given = dict(kernel_size=3, stride=2, padding=seed % 2)

        def around(m: Any, t: Any) -> Any:
            y, places = getattr(m.nn.functional, f"max_pool{dims}d")(t, **given, return_indices=True)  # noqa: B023
            more = dict(output_size=tuple(t.shape[2:])) if seed % 3 else dict(output_size=tuple(t.shape))  # noqa: B023
            return getattr(m.nn.functional, f"max_unpool{dims}d")(y, places, **given, **more)  # noqa: B023

        compare(around, [x], f"max_unpool{dims}d {x.shape} {given}", orders=1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_other_floats(dtype: Any) -> None:
    x, w, b = normal(2, 3, 6, 7, dtype=dtype), normal(4, 3, 3, 3, dtype=dtype), normal(4, dtype=dtype)
    rtol = 5e-3 if dtype == np.float16 else 2e-5
    for name, call, arrays in (
        ("conv2d", lambda m, *ts: m.nn.functional.conv2d(*ts, padding=1), [x, w, b]),
        ("conv_transpose2d", lambda m, *ts: m.nn.functional.conv_transpose2d(*ts, stride=2), [x, w.swapaxes(0, 1), b]),
        ("avg_pool2d", lambda m, t: m.nn.functional.avg_pool2d(t, 2, padding=1, count_include_pad=False), [x]),
        ("max_pool2d", lambda m, t: m.nn.functional.max_pool2d(t, 2, return_indices=True), [x]),
        ("adaptive_avg_pool2d", lambda m, t: m.nn.functional.adaptive_avg_pool2d(t, (4, 3)), [x]),
        ("unfold", lambda m, t: m.nn.functional.unfold(t, 3, padding=1), [x]),
    ):
        compare(call, arrays, f"{name} {dtype.__name__}", orders=1, rtol=rtol)


# What torch prints and refuses


def f(m: Any) -> Any:
    return m.nn.functional


def full(m: Any, *shape: int, grad: bool = False) -> Any:
    return m.ones(*shape, requires_grad=grad)


def printed(y: Any) -> str:
    """The name of the node as the printed tensor has it."""
    return re.findall(r"grad_fn=<(\w+)>", repr(y))[0]


def test_nodes_have_torchs_names() -> None:
    calls: list[Call] = []
    for d in (1, 2, 3):
        sizes = (1, 2) + (6,) * d
        for shape in (sizes, sizes[1:]):
            x = lambda m, shape=shape: full(m, *shape, grad=True)  # noqa: E731
            calls += [
                lambda m, d=d, x=x: getattr(f(m), f"conv{d}d")(x(m), full(m, 3, 2, *(3,) * d)),
                lambda m, d=d, x=x: getattr(f(m), f"conv{d}d")(x(m), full(m, 3, 2, *(3,) * d), full(m, 3)),
                lambda m, d=d, x=x: getattr(f(m), f"conv_transpose{d}d")(x(m), full(m, 2, 3, *(3,) * d), full(m, 3)),
                lambda m, d=d, x=x: getattr(f(m), f"max_pool{d}d")(x(m), 2),
                lambda m, d=d, x=x: getattr(f(m), f"avg_pool{d}d")(x(m), 2),
                lambda m, d=d, x=x: getattr(f(m), f"adaptive_max_pool{d}d")(x(m), 2),
                lambda m, d=d, x=x: getattr(f(m), f"adaptive_avg_pool{d}d")(x(m), 2),
                lambda m, d=d, x=x: getattr(f(m), f"adaptive_avg_pool{d}d")(x(m), 1),
            ]
        calls.append(lambda m, d=d, s=sizes: getattr(f(m), f"lp_pool{d}d")(full(m, *s, grad=True), 2, 2))
        calls.append(
            lambda m, d=d, s=sizes: getattr(f(m), f"max_unpool{d}d")(
                *getattr(f(m), f"max_pool{d}d")(full(m, *s, grad=True), 2, return_indices=True), 2
            )
        )
    for number, call in enumerate(calls):
        assert printed(call(ng)) == printed(call(torch)), number


REFUSED: dict[str, Call] = {
    "channels": lambda m: f(m).conv2d(full(m, 1, 3, 32, 32), full(m, 6, 1, 3, 3)),
    "channels of one image": lambda m: f(m).conv2d(full(m, 3, 32, 32), full(m, 6, 1, 3, 3)),
    "channels in groups": lambda m: f(m).conv1d(full(m, 1, 3, 8), full(m, 6, 1, 3), groups=2),
    "groups do not divide": lambda m: f(m).conv2d(full(m, 1, 4, 8, 8), full(m, 5, 2, 3, 3), groups=2),
    "no groups": lambda m: f(m).conv2d(full(m, 1, 4, 8, 8), full(m, 5, 4, 3, 3), groups=0),
    "no outputs": lambda m: f(m).conv2d(full(m, 1, 1, 8, 8), full(m, 0, 1, 3, 3)),
    "dimensions": lambda m: f(m).conv2d(full(m, 5, 5), full(m, 1, 1, 3, 3)),
    "kernel too large": lambda m: f(m).conv2d(full(m, 1, 1, 2, 2), full(m, 1, 1, 5, 5), padding=1),
    "kernel too large for a signal": lambda m: f(m).conv1d(full(m, 1, 1, 2), full(m, 1, 1, 3)),
    "stride": lambda m: f(m).conv2d(full(m, 1, 1, 5, 5), full(m, 1, 1, 3, 3), stride=0),
    "dilation": lambda m: f(m).conv2d(full(m, 1, 1, 5, 5), full(m, 1, 1, 3, 3), dilation=0),
    "padding": lambda m: f(m).conv2d(full(m, 1, 1, 5, 5), full(m, 1, 1, 3, 3), padding=-1),
    "padding in words": lambda m: f(m).conv2d(full(m, 1, 1, 5, 5), full(m, 1, 1, 3, 3), padding="full"),
    "same with a stride": lambda m: f(m).conv2d(full(m, 1, 1, 5, 5), full(m, 1, 1, 3, 3), padding="same", stride=2),
    "bias": lambda m: f(m).conv2d(full(m, 1, 1, 5, 5), full(m, 1, 1, 3, 3), full(m, 2)),
    "empty": lambda m: f(m).conv2d(full(m, 1, 1, 0, 5), full(m, 1, 1, 1, 3), padding=1),
    "transposed channels": lambda m: f(m).conv_transpose2d(full(m, 1, 3, 5, 5), full(m, 2, 3, 3, 3)),
    "transposed bias": lambda m: f(m).conv_transpose2d(full(m, 1, 2, 5, 5), full(m, 2, 3, 3, 3), full(m, 2)),
    "output padding": lambda m: f(m).conv_transpose2d(full(m, 1, 2, 5, 5), full(m, 2, 3, 3, 3), output_padding=1),
    "transposed to nothing": lambda m: f(m).conv_transpose2d(full(m, 1, 2, 1, 1), full(m, 2, 3, 1, 1), padding=1),
    "pool too large": lambda m: f(m).avg_pool2d(full(m, 1, 2, 4, 4), 5),
    "max pool too large": lambda m: f(m).max_pool2d(full(m, 2, 4, 4), 5),
    "pool padding": lambda m: f(m).max_pool2d(full(m, 1, 2, 4, 4), 2, padding=2),
    "no channels": lambda m: f(m).max_pool2d(full(m, 1, 0, 4, 4), 2),
    "no places": lambda m: f(m).avg_pool2d(full(m, 1, 2, 0, 4), 2),
    "divisor": lambda m: f(m).avg_pool2d(full(m, 1, 2, 4, 4), 2, divisor_override=0),
    "adaptive size": lambda m: f(m).adaptive_avg_pool2d(full(m, 1, 2, 4, 4), (1, 2, 3)),
    "adaptive below nothing": lambda m: f(m).adaptive_avg_pool2d(full(m, 1, 2, 4, 4), -1),
    "unpooled place": lambda m: f(m).max_unpool2d(full(m, 1, 1, 2, 2), full(m, 1, 1, 2, 2).long() * 99, 2),
    "unpooled size": lambda m: f(m).max_unpool2d(
        full(m, 1, 1, 2, 2), full(m, 1, 1, 2, 2).long(), 2, output_size=(9, 9)
    ),
    "unpooled shape": lambda m: f(m).max_unpool2d(full(m, 1, 1, 2, 2), full(m, 1, 1, 2, 1).long(), 2),
}
FREE = re.compile(r"[\w.]+\(\):? |[\[\](){}'\"]")


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_refuses_is_refused_with_its_words(name: str) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        REFUSED[name](torch)
    with pytest.raises(type(theirs.value)) as ours:
        REFUSED[name](ng)
    first = re.split(r", but got|: \[|\. |; ", str(theirs.value))[0]
    said, wanted = (FREE.sub("", s) for s in (str(ours.value), first))
    assert wanted in said, f"torch: {theirs.value}\nnanograd: {ours.value}"
