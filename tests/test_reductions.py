"""Reductions, orders and scans: what the laws, which try small samples, do not reach."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import nanograd as torch
from nanograd import autograd
from nanograd.kernels import order, reduce

# Rounding


@pytest.mark.parametrize(
    "shape", [(1_000_000,), (300_000, 3), (3, 300_000), (30_000, 100), (3, 90_000, 3), (1000, 1000)]
)
def test_sums_round_little_along_every_dimension(shape: tuple[int, ...]) -> None:
    """0.1 as float32 added up n times one after another would be off by some 1e-7 · n."""
    x = np.full(shape, 0.1, np.float32)
    for layout in (x, np.asfortranarray(x), np.repeat(x, 2, -1)[..., ::2]):
        for d in range(x.ndim):
            exact = layout.astype(np.float64).sum(d)
            np.testing.assert_allclose(reduce.sum(layout, (d,), False, None), exact, 3e-6)
            np.testing.assert_allclose(reduce.mean(layout, (d,), False), exact / x.shape[d], 3e-6)


def test_sums_of_any_layout_and_dimensions() -> None:
    """The fast paths for long and for narrow dimensions, against float64."""
    rng = np.random.default_rng(0)
    for shape in ((700, 40), (40, 700), (5, 600, 7), (600, 5, 7), (3, 4, 1500), (300, 2, 3, 11), (20_000, 1)):
        x = rng.standard_normal(shape).astype(np.float32)
        for dims in [(d,) for d in range(x.ndim)] + [(0, x.ndim - 1), tuple(range(x.ndim))]:
            for layout in (x, x.T.copy().T, x[::-1]):
                for keepdim in (False, True):
                    exact = layout.astype(np.float64).sum(dims, keepdims=keepdim)
                    found = reduce.sum(layout, dims, keepdim, None)
                    assert found.shape == exact.shape
                    np.testing.assert_allclose(found, exact, 1e-5, 1e-3)


def test_long_sums_keep_infinity_and_nan() -> None:
    x = np.ones((9000, 3), np.float32)
    x[5, 0], x[7, 1], x[8, 1], x[9, 2] = np.inf, np.inf, -np.inf, np.nan
    np.testing.assert_array_equal(reduce.sum(x, (0,), False, None), [np.inf, np.nan, np.nan])
    assert reduce.sum(x, (1,), False, None)[5] == np.inf


def test_float16_is_accumulated_in_float32() -> None:
    x = torch.full((10_000,), 0.1, dtype=torch.float16)
    exact = float(np.float16(0.1)) * 10_000
    assert x.sum().dtype is torch.float16
    assert float(x.sum()) == pytest.approx(exact, rel=1e-3)
    assert float(x.cumsum(0)[-1]) == pytest.approx(exact, rel=1e-3)
    assert float(torch.ones(100_000, dtype=torch.float16).mean()) == 1  # whose sum is beyond float16
    assert float(torch.full((300,), 1000.0, dtype=torch.float16).mean()) == 1000
    assert float((x.reshape(100, 100) * 0 + 300).norm()) == pytest.approx(30_000, rel=1e-3)  # whose squares are, too
    assert float(torch.tensor([100.0, -100.0] * 50, dtype=torch.float16).var()) == pytest.approx(10_101, rel=1e-3)


def test_running_sums_of_floats_round_little() -> None:
    y = torch.full((100_000,), 0.1).cumsum(0)
    assert float(y[-1]) == pytest.approx(10_000, rel=1e-6)


# NaN


def test_what_is_left_out_gets_no_gradient() -> None:
    for name in ("nansum", "nanmean"):
        x: Any = torch.tensor([[1.0, math.nan], [3.0, 4.0]], requires_grad=True)
        getattr(x, name)().backward()
        share = 1 if name == "nansum" else 1 / 3
        np.testing.assert_allclose(x.grad.numpy(), [[share, 0], [share, share]], 1e-6)


@pytest.mark.parametrize("name", ["max", "min", "median", "cummax", "cummin"])
def test_nan_is_passed_on(name: str) -> None:
    y = getattr(torch.tensor([1.0, math.nan, 2.0]), name)(0)
    assert math.isnan(y.values.reshape(-1)[-1])
    assert int(y.indices.reshape(-1)[-1]) == 1


# Derivatives of products where factors are 0


@pytest.mark.parametrize("zeros", [[], [1], [1, 3], [0, 1, 2, 3, 4]])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_of_zeros_have_right_derivatives_of_any_order(name: str, zeros: list[int]) -> None:
    """Against the sum over pairs of the products of the others."""
    value = np.array([2.0, -3.0, 0.5, 4.0, -1.5])
    value[zeros] = 0
    x = torch.tensor(value).requires_grad_()
    y = x.prod() if name == "prod" else x.cumprod(0).sum()
    (g,) = autograd.grad(y, x, create_graph=True)
    hessian = np.stack([autograd.grad(g[i], x, retain_graph=True)[0].numpy() for i in range(5)])
    ends = [5] if name == "prod" else range(1, 6)

    def others(*left_out: int) -> Any:
        return sum(
            math.prod(v for i, v in enumerate(value[:end]) if i not in left_out) for end in ends if max(left_out) < end
        )

    np.testing.assert_allclose(g.detach().numpy(), [others(i) for i in range(5)], atol=1e-12)
    expected = [[0.0 if i == j else others(i, j) for j in range(5)] for i in range(5)]
    np.testing.assert_allclose(hessian, expected, atol=1e-12)


def test_products_with_an_infinite_first_factor() -> None:
    x = torch.tensor([math.inf, 0.0, 2.0], requires_grad=True)
    for name, expected in (("prod", [0, math.inf, math.nan]), ("cumprod", [1, math.inf, math.nan])):
        (g,) = autograd.grad(getattr(x, name)(0).sum(), x)
        np.testing.assert_array_equal(g.numpy(), expected)


def test_log_of_running_sums_does_not_overflow_on_the_way_back() -> None:
    x: Any = torch.tensor([1000.0, -1000.0, 1000.0], dtype=torch.float64, requires_grad=True)
    x.logcumsumexp(0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [2.5, 0, 0.5])


# Ties


def test_of_equal_elements_the_place_is_fixed() -> None:
    x = torch.tensor([2, 1, 2, 1, 2])
    assert int(x.argmax()) == int(x.max(0).indices) == 0
    assert int(x.argmin()) == int(x.min(0).indices) == int(x.kthvalue(1).indices) == 1
    assert x.cummax(0).indices.tolist() == [0, 0, 2, 2, 4]
    assert int(x.mode().indices) == 4
    assert x.argsort().tolist() == [1, 3, 0, 2, 4]
    assert x.argsort(descending=True).tolist() == [0, 2, 4, 1, 3]


def test_the_foremost_are_those_of_the_whole_order() -> None:
    """The short way, without sorting everything, finds what sorting finds."""
    rng = np.random.default_rng(0)
    for largest in (True, False):
        x = rng.permutation(3 * 200 * 2).reshape(3, 200, 2).astype(np.float32)
        values, index = order.topk(x, 7, 1, largest)
        whole, places = order.sort(x, 1, largest)
        np.testing.assert_array_equal(values, whole[:, :7])
        np.testing.assert_array_equal(index, places[:, :7])
        with_nan = np.where(x % 50 == 0, np.nan, x)
        np.testing.assert_array_equal(
            order.topk(with_nan, 30, 1, largest)[0], order.sort(with_nan, 1, largest)[0][:, :30]
        )


# Results with names


def test_results_have_names_and_travel() -> None:
    y = torch.tensor([3.0, 1.0]).sort()
    values, indices = y
    assert values is y.values is y[0]
    assert indices is y.indices
    assert isinstance(y, torch.return_types.sort)
    again = pickle.loads(pickle.dumps(y))
    assert type(again) is torch.return_types.sort
    assert again.indices.tolist() == [1, 0]


# NumPy's names of arguments


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: x.sum(0, axis=0), "sum: got both dim= and axis="),
        (lambda x: x.sum(0, True, keepdims=True), "sum: got both keepdim= and keepdims="),
        (lambda x: x.cumsum(), "missing 1 required positional argument: 'dim'"),
        (lambda x: x.sum(axes=0), "unexpected keyword argument 'axes'"),
        (lambda x: x.norm(axis=0), "unexpected keyword argument 'axis'"),
    ],
)
def test_wrong_names_of_arguments(call: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call(torch.ones(2, 2))


def test_numpy_names_of_arguments() -> None:
    x: Any = torch.arange(6.0).reshape(2, 3).requires_grad_()
    assert x.sum(axis=1, keepdims=True).shape == (2, 1)
    assert x.max(axis=0).values.tolist() == [3, 4, 5]
    assert x.cumsum(axis=0).tolist() == x.cumsum(0).tolist()
    assert repr(x.mean(axis=0)) == repr(x.mean(0))
