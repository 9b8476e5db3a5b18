"""Elements by their order: sorting, ranks, quantiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd import return_types
from nanograd.dtypes import int64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import index, memory, order
from nanograd.ops.comparison import where
from nanograd.ops.kinds import expect_numbers
from nanograd.ops.naming import numpy_names
from nanograd.ops.op import as_operand, op, record, records, titled
from nanograd.ops.reduction import NoElementsError, any, evenly, expect_some, extreme, sum
from nanograd.ops.refusing import no_tensor
from nanograd.ops.scattering import gather, spread
from nanograd.ops.shape import movedim, one_dim, squeeze, to_shape, unsqueeze
from nanograd.tape import names

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "argsort", "kthvalue", "median", "mode", "msort", "nanmedian", "nanquantile", "quantile", "sort", "topk",
]  # fmt: skip


# In order


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """(sorted values, their indices) along ``dim``; equal elements keep their order, NaN counts as greatest.

    >>> torch.tensor([3, 1, 2]).sort(descending=True).values
    tensor([3, 2, 1])
    """
    values, indices = sorted_along(input, dim, descending)
    return return_types.sort(titled(values, "SortBackward1") if stable else values, indices)


@op("Sort")
def sorted_along(x: Tensor, dim: int, descending: bool) -> tuple[Tensor, ...]:
    """(sorted values, indices) along ``dim``."""
    try:
        d = one_dim("sort", dim, x.array.ndim)
    except AttributeError as error:
        raise no_tensor(error) from None
    if not x.array.ndim:
        return of_one("sort", sorted_along(to_shape(x, (1,)), 0, descending))
    full = x.array.shape
    return records(order.sort(x.array, d, descending), (x, lambda g1, g2, y1, y2: spread(g1, d, y2, full)))


def of_one(name: str, pair: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What ``name`` gave for a vector of one element, as 0-d tensors."""
    return titled(to_shape(pair[0], ()), names(name)), to_shape(pair[1], ())


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The indices that sort along ``dim``; equal elements keep their order."""
    try:
        return sorted_along(input.detach(), dim, descending)[1]
    except AttributeError as error:
        raise no_tensor(error) from None


def msort(input: Tensor) -> Tensor:
    """The values sorted along the first dimension."""
    return sorted_along(input, 0, False)[0]


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(the k greatest, or least, elements; their indices) along ``dim``, in order.

    Raises ShapeError unless 0 ≤ k ≤ the size of the dimension.

    >>> torch.tensor([1., 4., 2., 3.]).topk(2)
    torch.return_types.topk(
    values=tensor([4., 3.]),
    indices=tensor([1, 3]))
    """
    return return_types.topk(*foremost(input, k, dim, largest))


@op("Topk")
def foremost(x: Tensor, k: int, dim: int, largest: bool) -> tuple[Tensor, ...]:
    """(the k greatest, or least; their indices) along ``dim``."""
    try:
        d = one_dim("topk", dim, x.array.ndim)
    except AttributeError as error:
        raise no_tensor(error) from None
    expect_numbers("topk", x)
    full = x.array.shape
    size = full[d] if full else 1
    if not 0 <= k <= size:
        raise ShapeError(f"topk: selected index k out of range: k = {k} for a dimension of size {size}.")
    if not full:
        pair = foremost(to_shape(x, (1,)), k, 0, largest)
        return of_one("topk", pair) if k else pair
    return records(order.topk(x.array, k, d, largest), (x, lambda g1, g2, y1, y2: spread(g1, d, y2, full)))


# Ranks


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(the k-th least element, its index) along ``dim``, counted from 1; NaN counts as greatest.

    Raises ShapeError for a k beyond the size.

    >>> torch.tensor([5, 3, 4]).kthvalue(2).values
    tensor(4)
    """
    d = one_dim("kthvalue", dim, input.array.ndim)
    expect_numbers("kthvalue", input)
    size = input.array.shape[d] if input.array.ndim else 1
    if size and not 1 <= k <= size:
        raise ShapeError(
            f"kthvalue: selected number k out of range for dimension {d}: k = {k}, and its size is {size}."
        )
    return return_types.kthvalue(*ranked(input, d, keepdim, k - 1))


@op("Kthvalue")
def ranked(x: Tensor, dim: int, keepdim: bool, k: int) -> tuple[Tensor, ...]:
    """(the k-th least element from 0 on, its index) along ``dim``."""
    return extreme("kthvalue", order.ranked, x, dim, keepdim, k)


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, of two middle ones the lesser; with ``dim``, (values, indices) along it.  NaN if any is.

    >>> torch.tensor([4., 1., 3., 2.]).median()
    tensor(2.)
    """
    expect_numbers("median", input)
    if dim is None:
        return _median_of_all("median", input, False)
    return return_types.median(*middle(input, dim, keepdim))


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """As ``median``, NaN left out."""
    expect_numbers("nanmedian", input)
    if dim is None:
        return _median_of_all("nanmedian", input, True)
    return return_types.nanmedian(*middle_of_numbers(input, dim, keepdim))


def _median_of_all(name: str, x: Tensor, skip_nan: bool) -> Tensor:
    """The middle one of all elements, NaN of none; equal ones share the gradient."""
    flat = memory.reshape(x.array, (x.array.size,))
    if x.array.size or x.array.dtype.kind != "f":
        expect_some(name, x, tuple(range(x.array.ndim)), False)
        y = memory.reshape(index.gather(flat, 0, order.median(flat, 0, skip_nan)), ())
    else:
        y = memory.full.on(x.device)((), math.nan, x.dtype)
    return titled(record(y, (x, lambda g, y: g * evenly(x, y))), names(name))


@op("Median")
def middle(x: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, ...]:
    """(the lower median, its index) along ``dim``."""
    values, indices = extreme("median", order.median, x, dim, keepdim, False)
    return titled(values, "MedianBackward1"), indices


@op("Nanmedian")
def middle_of_numbers(x: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, ...]:
    """(the lower median of what is not NaN, its index) along ``dim``."""
    values, indices = extreme("nanmedian", order.median, x, dim, keepdim, True)
    return titled(values, "NanmedianBackward1"), indices


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """(the most frequent element, the index of its last occurrence) along ``dim``; of equally frequent ones the least.

    >>> torch.tensor([3, 1, 3, 2]).mode()
    torch.return_types.mode(
    values=tensor(3),
    indices=tensor(2))
    """
    return return_types.mode(*commonest(input, dim, keepdim))


@op("Mode")
def commonest(x: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, ...]:
    """(the most frequent element, the index of its last occurrence) along ``dim``."""
    return extreme("mode", order.mode, x, dim, keepdim)


@numpy_names
def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The value below which a fraction ``q`` of the elements lies, along ``dim`` or of all; NaN if any is.

    Between two elements ``interpolation`` decides: "linear", "lower", "higher", "midpoint" or "nearest".
    Shapes: q () or (n,), of x's dtype; the results for several q come first, (n, ...).

    >>> torch.tensor([1., 2., 3., 4.]).quantile(0.5)
    tensor(2.5000)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@numpy_names
def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """As ``quantile``, NaN left out."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(name: str, x: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str) -> Tensor:
    fractions, ndim = _fractions(name, x, q, interpolation), x.array.ndim
    d = 0 if dim is None else one_dim(name, dim, ndim)
    rows = to_shape(x, (x.array.size,)) if dim is None or not ndim else movedim(x, d, -1)
    ordered = sorted_along(rows, -1, False)[0]  # (..., n)
    last, missing = ordered.array.shape[-1] - 1, ordered != ordered
    if name == "nanquantile":
        ranks = fractions * (last - sum(missing, -1, True)).clamp(min=0).to(x.dtype)  # (..., number of q)
    else:
        ranks = where(any(missing, -1, True), float(last), fractions * float(last))  # NaN is sorted to the end
    y = movedim(_between(ordered, ranks, interpolation), -1, 0)  # (number of q, ...)
    if keepdim and ndim:
        y = unsqueeze(y, d + 1) if dim is not None else to_shape(y, (y.array.shape[0],) + (1,) * ndim)
    return titled(squeeze(y, 0) if not getattr(q, "ndim", 0) else y, "SqueezeBackward4")


def _fractions(name: str, x: Tensor, q: Any, interpolation: str) -> Tensor:
    """``q`` as a vector.  Raises DTypeError and ShapeError for what no quantile is taken of, or at."""
    if x.array.dtype.char not in "fd":
        raise DTypeError(f"{name}: input tensor must be either float or double dtype, got {x.dtype}. Use x.float().")
    if not x.array.size:
        raise NoElementsError(f"{name}: input tensor must be non-empty, got shape {tuple(x.array.shape)}.")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"{name}: interpolation must be one of {', '.join(INTERPOLATIONS)}, but got {interpolation!r}."
        )
    if not hasattr(q, "array"):
        if not 0 <= q <= 1:
            raise ShapeError(f"{name}: q must be in the range [0, 1] but got {q}.")
        return to_shape(as_operand(float(q), x.dtype, x.device), (1,))
    if q.array.ndim > 1:
        raise ShapeError(f"{name}: q must be a scalar or 1D tensor, got shape {tuple(q.array.shape)}.")
    if q.array.dtype != x.array.dtype:
        raise DTypeError(f"{name}: q tensor must be same dtype as the input tensor, got {q.dtype} for {x.dtype}.")
    if q.array.size and bool(any((q < 0) | (q > 1) | (q != q))):
        raise ShapeError(f"{name}: q values must be in the range [0, 1], got {q.tolist()!r:.60}.")
    return q if q.array.ndim else to_shape(q, (1,))


def _between(ordered: Tensor, ranks: Tensor, interpolation: str) -> Tensor:
    """The elements at ``ranks`` of what is ordered along its last dimension; between two of them as asked."""
    ranks = {"lower": ranks.floor, "higher": ranks.ceil, "nearest": ranks.round}.get(interpolation, lambda: ranks)()
    low = ranks.detach().floor()
    below = gather(ordered, -1, low.to(int64))
    if interpolation not in ("linear", "midpoint"):
        return below
    above = gather(ordered, -1, ranks.detach().ceil().to(int64))
    return below + (above - below) * (ranks - low if interpolation == "linear" else 0.5)
