"""Tensors out of nothing: data, constants, ranges, shared memory, and the statistics of chance."""

from __future__ import annotations

import doctest
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd as torch
from nanograd.errors import DeviceError, DTypeError, GradError, MissingError, ShapeError


def values(t: Any) -> Any:
    return t.detach().numpy()


# Data


def test_dtypes_of_data() -> None:
    for data, dtype in (
        ([1, 2], torch.int64),
        ([1.0], torch.float32),
        ([True], torch.bool),
        ([1, 2.5], torch.float32),
        ([True, 2], torch.int64),
        ([], torch.float32),
        (3, torch.int64),
        (2.5, torch.float32),
        (np.float32(1), torch.float32),
        (np.arange(2, dtype=np.uint8), torch.uint8),
        ([[1], [2]], torch.int64),
        (np.float64(1.5), torch.float64),
        (range(3), torch.int64),
    ):
        assert torch.tensor(data).dtype is dtype, data


def test_tensor_copies_and_as_tensor_and_from_numpy_share() -> None:
    a = np.arange(3.0)
    copied, shared, same = torch.tensor(a), torch.from_numpy(a), torch.as_tensor(a)
    a[0] = 7
    assert copied[0] == 0
    assert shared[0] == 7
    assert same[0] == 7
    shared[1] = 5
    assert a[1] == 5
    assert torch.as_tensor(shared) is shared
    assert torch.as_tensor(a, dtype=torch.float32).dtype is torch.float32


def test_numpy_shares_and_a_write_through_it_is_seen() -> None:
    x = torch.zeros(3)
    x.numpy()[1] = 4
    assert values(x).tolist() == [0, 4, 0]


def test_nested_tensors_and_arrays() -> None:
    x = torch.tensor([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])])
    assert x.shape == (2, 2)
    assert torch.tensor([np.arange(2), np.arange(2)]).dtype is torch.int64


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2), max_size=4))
def test_integers_survive(data: list[list[int]]) -> None:
    assert torch.tensor(data, dtype=torch.int64).tolist() == data


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: torch.tensor([[1, 2], [3]]),
        ShapeError,
        r"tensor: expected sequence of length 2 at position 1, got length 1",
    ),
    (lambda: torch.tensor([1, [2]]), ShapeError, "expected sequence of a number at position 1, got length 1"),
    (lambda: torch.tensor("text"), DTypeError, "tensor: expected numbers.* got str 'text'"),
    (lambda: torch.tensor(None), DTypeError, "tensor: expected numbers.* got NoneType"),
    (lambda: torch.tensor([1, None]), DTypeError, "tensor: expected numbers"),
    (lambda: torch.tensor([2**70]), DTypeError, "tensor: expected numbers|too large"),
    (lambda: torch.tensor([1 + 2j]), MissingError, "complex numbers are not supported. Keep two real tensors"),
    (
        lambda: torch.tensor([300], dtype=torch.uint8),
        DTypeError,
        "the value 300 cannot be converted to type uint8 without overflow",
    ),
    (
        lambda: torch.tensor([float("nan")], dtype=torch.int64),
        DTypeError,
        "the value nan cannot be converted to type int64",
    ),
    (lambda: torch.full((2,), -1, dtype=torch.uint8), DTypeError, "full: the value -1 cannot be converted"),
    (lambda: torch.tensor([1]) + 2**70, DTypeError, "too large for torch.int64"),
    (
        lambda: torch.tensor([1], dtype="float33"),
        DTypeError,
        "dtype: expected a dtype such as torch.float32, got 'float33'",
    ),
    (lambda: torch.tensor([1], device="cuda"), DeviceError, "no CUDA device"),
    (lambda: torch.tensor([1], device="gpu"), DeviceError, "'gpu' is unknown"),
    (lambda: torch.tensor([1], dtype=torch.int64, requires_grad=True), DTypeError, "only tensors of floating point"),
    (lambda: torch.from_numpy([1, 2]), DTypeError, r"from_numpy: expected np.ndarray \(got list\)"),
    (lambda: torch.from_numpy(np.arange(3)[::-1]), ShapeError, "negative strides"),
    (lambda: torch.from_numpy(np.array(["a"])), DTypeError, "not supported"),
    (lambda: torch.zeros(2, -1), ShapeError, r"sizes must not be negative, got \(2, -1\)"),
    (lambda: torch.zeros(1.5), DTypeError, "zeros: expected sizes that are integers"),
    (lambda: torch.zeros((2, "a")), DTypeError, "zeros: expected sizes that are integers"),
    (lambda: torch.arange(0, 5, 0), ShapeError, "arange: from 0 to 5 is not reached by steps of 0"),
    (lambda: torch.arange(0, 5, -1), ShapeError, "arange: from 0 to 5"),
    (lambda: torch.linspace(0, 1, -1), ShapeError, "linspace: expected steps of 0 or more"),
    (lambda: torch.eye(-1), ShapeError, "eye: sizes must not be negative"),
    (lambda: torch.randint(5, 5, (2,)), ShapeError, "randint: expected low < high"),
    (lambda: torch.randint(5), DTypeError, "randint: expected randint"),
    (lambda: torch.randperm(-1), ShapeError, "randperm: expected n of 0 or more"),
    (lambda: torch.rand(2, dtype=torch.int64), DTypeError, "rand: expected a floating-point dtype"),
    (lambda: torch.normal(0.0, 1.0), TypeError, "normal: with numbers as mean and std, say the size"),
    (
        lambda: torch.multinomial(torch.tensor([1.0, -1.0]), 1),
        ShapeError,
        "multinomial: weights must be finite, not negative",
    ),
    (lambda: torch.multinomial(torch.zeros(3), 1), ShapeError, "positive sum"),
    (lambda: torch.multinomial(torch.tensor([1.0, 0.0]), 2), ShapeError, "cannot draw 2 distinct"),
    (lambda: torch.Generator().manual_seed(2**64), ValueError, "manual_seed: expected a seed"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_input(number: int) -> None:
    call, kind, words = BAD[number]
    with pytest.raises(kind, match=words):
        call()


# Constants and ranges


@settings(deadline=None, max_examples=100)
@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-7, 7).filter(bool))
def test_arange_of_integers(start: int, end: int, step: int) -> None:
    if (end - start) * step < 0:
        return
    x = torch.arange(start, end, step)
    assert x.tolist() == list(range(start, end, step))
    assert x.dtype is torch.int64


def test_arange_of_floats_counts_from_the_index() -> None:
    x = torch.arange(0, 1, 0.1)
    np.testing.assert_allclose(values(x), np.arange(10) * 0.1, 1e-6)
    assert torch.arange(0, 1e6, 0.1).shape == (10_000_000,)


@settings(deadline=None, max_examples=60)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(2, 30))
def test_linspace(start: float, end: float, steps: int) -> None:
    x = values(torch.linspace(start, end, steps, dtype=torch.float64))
    np.testing.assert_allclose(
        x, [start + (end - start) * i / (steps - 1) for i in range(steps)], 1e-9, 1e-9 * max(abs(start), abs(end), 1)
    )


def test_like() -> None:
    x = torch.ones(2, 3, dtype=torch.int32)
    for make in (torch.zeros_like, torch.ones_like, torch.empty_like):
        assert make(x).dtype is torch.int32
        assert make(x).shape == (2, 3)
        assert make(x, dtype=torch.float64).dtype is torch.float64
    assert torch.full_like(x, 7).tolist() == [[7] * 3] * 2
    assert torch.rand_like(torch.ones(2)).requires_grad is False


def test_sizes_come_one_by_one_or_together() -> None:
    for make in (torch.zeros, torch.ones, torch.empty, torch.rand, torch.randn):
        shapes = {
            make(2, 3).shape,
            make((2, 3)).shape,
            make([2, 3]).shape,
            make(torch.Size([2, 3])).shape,
            make(size=(2, 3)).shape,
        }
        assert shapes == {(2, 3)}
        assert make(()).shape == ()
        assert make(np.int64(2), 3).shape == (2, 3)


# Chance


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(2024)


DRAWS: dict[str, Callable[[], Any]] = {
    "rand": lambda: torch.rand(1000),
    "randn": lambda: torch.randn(1000),
    "rand64": lambda: torch.rand(1000, dtype=torch.float64),
    "randint": lambda: torch.randint(0, 10, (1000,)),
    "randperm": lambda: torch.randperm(1000),
    "bernoulli": lambda: torch.bernoulli(torch.ones(1000) / 3),
    "multinomial": lambda: torch.multinomial(torch.ones(1000), 100),
    "normal": lambda: torch.normal(1.0, 2.0, (1000,)),
    "normal_": lambda: torch.zeros(1000).normal_(),
    "poisson": lambda: torch.poisson(torch.ones(1000)),
    "bernoulli_": lambda: torch.zeros(1000).bernoulli_(0.3),
    "exponential_": lambda: torch.zeros(1000).exponential_(),
    "geometric_": lambda: torch.zeros(1000).geometric_(0.1),
    "cauchy_": lambda: torch.zeros(1000).cauchy_(),
    "log_normal_": lambda: torch.zeros(1000).log_normal_(),
    "random_": lambda: torch.zeros(1000).random_(100),
    "uniform_": lambda: torch.zeros(1000).uniform_(-1, 1),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_names_the_numbers(name: str) -> None:
    draw = DRAWS[name]
    first, second = values(draw()), values(draw())
    torch.manual_seed(2024)
    again = values(draw())
    torch.manual_seed(2025)
    other = values(draw())
    np.testing.assert_array_equal(again, first)
    assert (first != second).any()
    assert (first != other).any()


@pytest.mark.parametrize("name", ["rand", "randn", "randint", "randperm", "normal"])
def test_a_generator_is_a_stream_of_its_own(name: str) -> None:
    def draw(generator: Any) -> Any:
        if name == "randperm":
            return values(torch.randperm(100, generator=generator))
        if name == "randint":
            return values(torch.randint(0, 1000, (100,), generator=generator))
        if name == "normal":
            return values(torch.normal(0.0, 1.0, (100,), generator=generator))
        return values(getattr(torch, name)(100, generator=generator))

    first = draw(torch.Generator().manual_seed(7))
    before = torch.random.default_generator.get_state()
    np.testing.assert_array_equal(draw(torch.Generator().manual_seed(7)), first)
    assert torch.equal(torch.random.default_generator.get_state(), before)
    g = torch.Generator().manual_seed(7)
    state = g.get_state()
    draw(g)
    np.testing.assert_array_equal(draw(g.set_state(state)), first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_uniform(dtype: Any) -> None:
    x = values(torch.rand(100_000, dtype=dtype)).astype(np.float64)
    assert x.min() >= 0
    assert x.max() < 1
    counts = np.histogram(x, 20, (0, 1))[0]
    assert ((counts - 5000) ** 2 / 5000).sum() < 60  # χ² with 19 degrees of freedom: 1 in 400,000


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_normal(dtype: Any) -> None:
    x = values(torch.randn(100_001, dtype=dtype)).astype(np.float64)
    n = len(x)
    assert abs(x.mean()) < 5 / n**0.5
    assert abs(x.var() - 1) < 5 * (2 / n) ** 0.5
    assert abs((x**3).mean()) < 5 * (15 / n) ** 0.5
    assert abs((x**4).mean() - 3) < 5 * (96 / n) ** 0.5
    assert np.isfinite(x).all()
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 5 / n**0.5


def test_normal_of_tensors() -> None:
    x = values(torch.normal(torch.tensor([0.0, 100.0]).expand(50_000, 2), torch.tensor([1.0, 5.0]).expand(50_000, 2)))
    np.testing.assert_allclose(x.mean(0), [0, 100], atol=0.15)
    np.testing.assert_allclose(x.std(0), [1, 5], rtol=0.03)


@pytest.mark.parametrize(("low", "high"), [(0, 7), (-3, 4), (10, 11), (-(2**62), 2**62)])
def test_integers(low: int, high: int) -> None:
    x = values(torch.randint(low, high, (70_000,)))
    assert x.min() >= low
    assert x.max() < high
    if high - low == 7:
        counts = np.bincount(x - low)
        assert ((counts - 10_000) ** 2 / 10_000).sum() < 40


def test_permutations() -> None:
    assert sorted(torch.randperm(1000).tolist()) == list(range(1000))
    assert torch.randperm(0).tolist() == []
    first = np.array([torch.randperm(4)[0].item() for _ in range(4000)])
    assert ((np.bincount(first) - 1000) ** 2 / 1000).sum() < 30


def test_bernoulli() -> None:
    p = torch.tensor([0.0, 0.25, 1.0]).expand(40_000, 3)
    x = values(torch.bernoulli(p))
    np.testing.assert_allclose(x.mean(0), [0, 0.25, 1], atol=0.012)
    assert set(np.unique(x)) <= {0.0, 1.0}


@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial(replacement: bool) -> None:
    weights = torch.tensor([1.0, 2.0, 0.0, 5.0])
    x = values(torch.multinomial(weights.expand(20_000, 4), 2, replacement=replacement))
    first = np.bincount(x[:, 0], minlength=4) / 20_000
    np.testing.assert_allclose(first, [1 / 8, 2 / 8, 0, 5 / 8], atol=0.02)
    assert (x != 2).all()
    if not replacement:
        assert (x[:, 0] != x[:, 1]).all()
        second_after_3 = x[x[:, 0] == 3, 1]
        np.testing.assert_allclose((second_after_3 == 1).mean(), 2 / 3, atol=0.03)


def test_random_fillings_write_in_place() -> None:
    x = torch.zeros(2, 3)
    assert x.normal_(5, 0.1) is x
    assert abs(x.mean().item() - 5) < 1
    x.uniform_(2, 3)
    assert 2 <= x.min().item() <= x.max().item() < 3


def distribution(x: Any, cumulative: Any) -> float:
    """The greatest distance between the share of numbers below x and the chance of it (Kolmogorov), times √n."""
    x = np.sort(values(x).astype(np.float64))
    n = len(x)
    chance = cumulative(x)
    return float(max(np.abs(chance - np.arange(n) / n).max(), np.abs(chance - np.arange(1, n + 1) / n).max()) * n**0.5)


CONTINUOUS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "exponential_": (lambda x: x.exponential_(2.0), lambda v: 1 - np.exp(-2 * v)),
    "cauchy_": (lambda x: x.cauchy_(1.0, 3.0), lambda v: 0.5 + np.arctan((v - 1) / 3) / np.pi),
    "uniform_": (lambda x: x.uniform_(-2, 6), lambda v: (v + 2) / 8),
    "log_normal_": (lambda x: x.log_normal_(0.5, 0.7).log(), lambda v: _normal((v - 0.5) / 0.7)),
    "normal_": (lambda x: x.normal_(0.5, 0.7), lambda v: _normal((v - 0.5) / 0.7)),
}


def _normal(v: Any) -> Any:
    return np.array([(1 + math.erf(x / 2**0.5)) / 2 for x in v])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distributions(name: str, dtype: Any) -> None:
    draw, cumulative = CONTINUOUS[name]
    assert distribution(draw(torch.zeros(20_000, dtype=dtype)), cumulative) < 2.3  # passed by chance 1 time in 20,000


def test_counting_distributions() -> None:
    x = values(torch.zeros(50_000).geometric_(0.3))
    shares = np.bincount(x.astype(int), minlength=5)[:5] / len(x)
    np.testing.assert_allclose(shares, [0, 0.3, 0.21, 0.147, 0.1029], atol=0.012)
    x = values(torch.poisson(torch.tensor([0.5, 4.0, 300.0]).expand(30_000, 3)))
    np.testing.assert_allclose(x.mean(0), [0.5, 4, 300], rtol=0.03)
    np.testing.assert_allclose(x.var(0), [0.5, 4, 300], rtol=0.06)
    x = values(torch.zeros(30_000, dtype=torch.int8).random_())
    assert (x.min(), x.max()) == (0, 127)
    x = values(torch.zeros(30_000).random_(3, 7))
    assert sorted(set(x.tolist())) == [3, 4, 5, 6]
    assert values(torch.zeros(9, dtype=torch.float16).random_()).max() <= 2**11


def test_no_gradient_flows_through_what_is_drawn() -> None:
    p = torch.tensor([0.25, 0.75], requires_grad=True)
    for drawn in (torch.bernoulli(p), torch.poisson(p), torch.normal(p, 1.0), torch.normal(p, p), p.bernoulli(0.5)):
        (g,) = torch.autograd.grad(drawn.sum(), p)
        assert g.tolist() == [0.0, 0.0]
    for name in ("bernoulli_", "exponential_", "cauchy_", "log_normal_", "random_", "normal_", "uniform_"):
        h = p * 3
        getattr(h, name)()
        assert torch.autograd.grad(h.sum(), p)[0].tolist() == [0.0, 0.0]
        with pytest.raises(GradError, match=f"{name}: a leaf tensor"):
            getattr(p, name)()


def test_states_of_generators() -> None:
    state = torch.get_rng_state()
    assert state.dtype is torch.uint8
    first = values(torch.rand(5))
    torch.set_rng_state(state)
    np.testing.assert_array_equal(values(torch.rand(5)), first)
    g = torch.Generator(device="cpu").manual_seed(5)
    torch.rand(3, generator=g)
    twin = g.clone_state()
    np.testing.assert_array_equal(values(torch.rand(4, generator=twin)), values(torch.rand(4, generator=g)))
    with torch.random.fork_rng():
        inside = values(torch.rand(5))
        torch.manual_seed(1)
    torch.set_rng_state(torch.get_rng_state())
    assert not (inside != values(torch.rand(5))).any()
    assert torch.default_generator is torch.random.default_generator
    with pytest.raises(RuntimeError, match="Expected a state of size 16 but found the input RNG state size to be 3"):
        g.set_state(torch.zeros(3, dtype=torch.uint8))
    with pytest.raises(DeviceError, match="no CUDA device"):
        torch.Generator("cuda")


def test_absent_dtypes_are_named_with_what_to_use() -> None:
    for name, instead in (("bfloat16", "torch.float32"), ("complex64", "two real tensors"), ("qint8", "torch.uint8")):
        with pytest.raises(AttributeError, match=f"torch.{name}: nanograd does not have this dtype. Use {instead}"):
            getattr(torch, name)
        with pytest.raises(MissingError, match=f"torch.{name}: nanograd does not have this dtype"):
            torch.zeros(2, dtype=name)
    with pytest.raises(
        MissingError, match=r"layout torch.sparse_coo is not supported: nanograd has dense tensors only"
    ):
        torch.zeros(2, layout=torch.sparse_coo)


def test_the_default_device() -> None:
    torch.set_default_device("cpu")
    assert torch.get_default_device() == torch.device("cpu")
    with pytest.raises(DeviceError, match="no CUDA device"):
        torch.set_default_device("cuda")
    assert torch.zeros(2).device == torch.device("cpu")


MODULES = (
    "dtypes", "settings", "random", "formats", "ops.shape", "ops.broadcasting", "ops.becoming", "ops.joining",
    "ops.rearranging", "ops.diagonals", "ops.indexing", "ops.scattering", "ops.placing", "ops.choosing", "ops.creation",
    "ops.ranges", "ops.alike", "ops.sampling", "ops.typed", "ops.queries",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_docstrings_run(module: str) -> None:
    found = importlib.import_module(f"nanograd.{module}")
    assert not doctest.testmod(found, extraglobs={"torch": torch}).failed


def test_shared_and_copied_buffers() -> None:
    data = bytearray([1, 0, 2, 0])
    x = torch.frombuffer(data, dtype=torch.int16)
    data[0] = 7
    assert x.tolist() == [7, 2]
    a = np.arange(3.0)
    assert torch.asarray(a).data_ptr() == a.ctypes.data
    assert torch.asarray(a, copy=True).data_ptr() != a.ctypes.data
    with pytest.raises(ValueError, match="a copy is needed here"):
        torch.asarray([1, 2], copy=False)
    base = torch.arange(4)
    assert torch.LongTensor(base).data_ptr() == base.data_ptr()
