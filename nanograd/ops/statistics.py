"""What numbers are like: their spread, how they vary together, how often they occur."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd import return_types
from nanograd.dtypes import float32, float64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import memory, order
from nanograd.kernels import reduce as k
from nanograd.ops.comparison import where
from nanograd.ops.kinds import floating
from nanograd.ops.naming import numpy_names
from nanograd.ops.op import Number, op, record, records, same_device, wrap
from nanograd.ops.reduction import expect_floats, mean, stretch, sum, with_ones
from nanograd.ops.refusing import no_tensor
from nanograd.ops.scan import diff
from nanograd.ops.shape import every_dim, squeeze, to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["bincount", "corrcoef", "cov", "histc", "histogram", "std", "std_mean", "var", "var_mean"]


# Spread


@op
@numpy_names
def var(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    """y = Σ (x - mean)² / (n - correction) over ``dim``; correction 1 unless said otherwise, 0 if not ``unbiased``.

    Raises DTypeError for integers.

    >>> torch.tensor([1., 2., 3.]).var()
    tensor(1.)
    """
    x = input
    dims, less = _spread("var", x, dim, unbiased, correction)
    return record(k.var(x.array, dims, keepdim, less), (x, lambda g: var_back(g, x, dims, less)))


@op
@numpy_names
def std(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    """The square root of ``var``; its derivative is 0 where all elements are equal."""
    x = input
    dims, less = _spread("std", x, dim, unbiased, correction)
    return record(k.std(x.array, dims, keepdim, less), (x, lambda g, y: std_back(g, x, y, dims, less)))


@op
@numpy_names
def var_mean(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> tuple[Tensor, ...]:
    """(``var``, ``mean``) over ``dim``."""
    x = input
    dims, less = _spread("var_mean", x, dim, unbiased, correction)
    ys = (k.var(x.array, dims, keepdim, less), k.mean(x.array, dims, keepdim))
    return records(ys, (x, lambda g1, g2: _both(g1 if g1 is None else var_back(g1, x, dims, less), g2, x, dims)))


@op
@numpy_names
def std_mean(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> tuple[Tensor, ...]:
    """(``std``, ``mean``) over ``dim``."""
    x = input
    dims, less = _spread("std_mean", x, dim, unbiased, correction)
    ys = (k.std(x.array, dims, keepdim, less), k.mean(x.array, dims, keepdim))
    return records(
        ys, (x, lambda g1, g2, y1, y2: _both(g1 if g1 is None else std_back(g1, x, y1, dims, less), g2, x, dims))
    )


def _spread(name: str, x: Tensor, dim: Any, unbiased: bool, correction: Any) -> tuple[tuple[int, ...], float]:
    """(the dimensions, what is subtracted from their number of elements)."""
    expect_floats(name, x)
    if isinstance(dim, bool):  # var(False) is var(unbiased=False)
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased else 0
    return every_dim(name, dim, x.array.ndim), correction


def var_back(g: Tensor, x: Tensor, dims: tuple[int, ...], less: float) -> Tensor:
    """g · 2 (x - mean) / (n - less)"""
    count = math.prod([x.array.shape[d] for d in dims]) - less
    g = to_shape(g, with_ones(x.array.shape, dims))
    return g * (2 / count if count > 0 else math.inf) * (x - mean(x, dims, True))


def std_back(g: Tensor, x: Tensor, y: Tensor, dims: tuple[int, ...], less: float) -> Tensor:
    """g · ∂var / 2 std; 0 where the std is 0."""
    return var_back(where(y == 0, 0.0, g / (where(y == 0, 1.0, y) * 2)), x, dims, less)


def _both(back: Any, of_mean: Any, x: Tensor, dims: tuple[int, ...]) -> Any:
    """The gradient through the spread, if there is one, and through the mean, if there is one."""
    if of_mean is None:
        return back
    full = x.array.shape
    part = stretch(of_mean / math.prod([full[d] for d in dims]), dims, full)
    return part if back is None else back + part


# Together


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """C[i, j] = Σ (x_i - mean)(x_j - mean) / (n - correction) of variables in rows, observations in columns.

    Shapes: x (variables, n) gives (variables, variables); (n,) gives ().  ``fweights`` (n,), whole numbers, say how
    often an observation occurred, ``aweights`` (n,) how much it counts.

    >>> torch.tensor([[1., 2., 3.], [3., 2., 1.]]).cov()
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    x = _variables("cov", input)
    w = _weights(x, fweights, aweights)
    if w is None:
        total: Any = float(x.array.shape[1])
        middle = mean(x, 1, True)
    else:
        total = sum(w)
        middle = sum(x * w, 1, True) / total
    away = x - middle
    if w is not None and aweights is not None:
        spread = total - correction * (sum(w * aweights) / total)
    else:
        spread = total - correction
    factor = away if w is None else away * w
    c = (away @ factor.T) / (spread.clamp(min=0) if hasattr(spread, "array") else max(spread, 0.0))
    return squeeze(c)


def _variables(name: str, x: Tensor) -> Tensor:
    """The variables as rows of floats."""
    try:
        if x.array.ndim > 2:
            raise ShapeError(
                f"{name}: expected input to have two or fewer dimensions but got an input with {x.array.ndim} "
                "dimensions."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    if x.array.dtype.kind == "b":
        raise DTypeError(f"{name}: bool dtype is not supported for input. Convert it with .float() first.")
    return floating(x if x.array.ndim == 2 else to_shape(x, (1, x.array.size)))


def _weights(x: Tensor, fweights: Tensor | None, aweights: Tensor | None) -> Tensor | None:
    """The product of both weights."""
    found = None
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is None:
            continue
        if w.array.shape != (x.array.shape[1],):
            raise ShapeError(
                f"cov: expected {name} to have the same numel as there are observations, {x.array.shape[1]}, got shape "
                f"{tuple(w.array.shape)}."
            )
        if (w.array.dtype.kind == "f") == (name == "fweights") or w.array.dtype.kind == "b":
            wish = "integral" if name == "fweights" else "floating point"
            raise DTypeError(f"cov: expected {name} to have {wish} dtype but got {name} with {w.dtype} dtype.")
        if bool((w < 0).any()):
            raise ShapeError(f"cov: {name} cannot be negative.")
        found = w if found is None else found * w
    return found


def corrcoef(input: Tensor) -> Tensor:
    """R[i, j] = C[i, j] / √(C[i, i] C[j, j]) of the covariances C: between -1 and 1.

    >>> torch.tensor([[1., 2., 3.], [3., 2., 1.]]).corrcoef()
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    _variables("corrcoef", input)
    c = cov(input)
    if not c.array.ndim:
        return c / c
    spread = c.diagonal().sqrt()
    return (c / spread.unsqueeze(1) / spread).clamp(-1, 1)


# How often


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """y[i] = how often i occurs among whole numbers ≥ 0, or the sum of the weights where it does.

    Shapes: x (n,), weights (n,); y at least (minlength,), and long enough for the greatest number.

    Raises DTypeError for floats, ShapeError for what is no vector, and for negative numbers.

    >>> torch.tensor([1, 2, 2]).bincount()
    tensor([0, 1, 2])
    """
    x = input
    if x.array.dtype.kind not in "iu":
        raise DTypeError(f"bincount: expected whole numbers, got {x.dtype}: it counts how often each occurs.")
    if x.array.ndim != 1 or (x.array.size and int(x.min()) < 0):
        raise ShapeError(
            f"bincount: bincount only supports 1-d non-negative integral inputs, got shape {tuple(x.array.shape)}"
            f"{'' if x.array.ndim != 1 else f' with {int(x.min())} in it'}."
        )
    if minlength < 0:
        raise ShapeError(f"bincount: minlength should be >= 0, got {minlength}.")
    if weights is None or not x.array.size:
        return wrap(order.bincount(x.array, None, minlength))
    same_device(x, weights)
    if weights.array.shape != x.array.shape:
        raise ShapeError(
            f"bincount: weights should be 1-d and have the same length as input, {x.array.shape[0]}, got shape "
            f"{tuple(weights.array.shape)}."
        )
    counted = wrap(order.bincount(x.array, memory.cast(weights.array, float64), minlength))
    return counted.to(float32) if weights.array.dtype == float32.numpy else counted


def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """How many elements lie in each of ``bins`` equal parts of [min, max]; of their own range where both are equal.

    What lies outside, and NaN, is not counted.

    >>> torch.tensor([1., 2., 1.]).histc(bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    expect_floats("histc", input)
    _expect_bins("histc", bins)
    if max < min:
        raise ShapeError(f"histc: max must be larger than min, got min={min} and max={max}.")
    low, high = _range("histc", input, min, max)
    return wrap(order.histc(input.array, low, high, bins))


def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """(how many elements, or what weight, lies in each bin; the edges of the bins).

    ``bins`` is their number, equal parts of ``range`` or of the elements' own range, or the edges themselves, in
    order.  With ``density`` the area under the histogram is 1.

    >>> torch.histogram(torch.tensor([1., 2., 1.]), bins=2, range=(0., 3.)).hist
    tensor([2., 1.])
    """
    expect_floats("histogram", input)
    if weight is not None and weight.array.shape != input.array.shape:
        raise ShapeError(
            f"histogram: expected weight to have the shape of input, {tuple(input.array.shape)}, got "
            f"{tuple(weight.array.shape)}."
        )
    edges = _edges(input, bins, range)
    weights = None if weight is None else memory.cast(weight.array, float64)
    counts = wrap(order.histogram(input.array, weights, edges.array))
    if density:
        counts = counts / sum(counts) / diff(edges)
    return return_types.histogram(counts, edges)


def _edges(x: Tensor, bins: Any, range_: Any) -> Tensor:
    if not hasattr(bins, "array"):
        _expect_bins("histogram", bins)
        low, high = _range("histogram", x, *(range_ or (0, 0)))
        return wrap(order.edges(x.array, low, high, bins))
    if range_ is not None:
        raise TypeError("histogram: got both the edges of the bins and range=: the edges say what the range is.")
    if bins.array.ndim != 1 or bins.array.size < 2:
        raise ShapeError(f"histogram: expected 2 or more edges in a vector, got shape {tuple(bins.array.shape)}.")
    if bins.array.dtype != x.array.dtype:
        raise DTypeError(f"histogram: expected edges of the input's dtype {x.dtype}, got {bins.dtype}.")
    return bins.detach()  # type: ignore[no-any-return]


def _expect_bins(name: str, bins: Any) -> None:
    if not isinstance(bins, int):
        raise DTypeError(f"{name}: expected the number of bins as an integer, got {bins!r:.40}.")
    if bins < 1:
        raise ShapeError(f"{name}: bins must be > 0, but got {bins}.")


def _range(name: str, x: Tensor, low: Number, high: Number) -> tuple[float, float]:
    """The range of the bins: as given, or that of the elements; never of no width."""
    if low == high and x.array.size:
        low, high = float(x.detach().min()), float(x.detach().max())
    elif low == high and name == "histogram":
        return 0.0, 1.0
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ShapeError(f"{name}: range of [{low}, {high}] is not finite: give min and max, or mend the input.")
    if low == high:
        return (low - 1.0, high + 1.0) if name == "histc" else (low - 0.5, high + 0.5)
    return float(low), float(high)
