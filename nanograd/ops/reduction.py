"""Many elements to one: sums, means, extremes."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nanograd.dtypes import DType, int64, to_dtype, uint8
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import memory
from nanograd.kernels import reduce as k
from nanograd.kernels.index import gather as gather_kernel
from nanograd.ops.arithmetic import expect_numbers, maximum, minimum, where
from nanograd.ops.indexing import spread
from nanograd.ops.op import op, record, records, titled
from nanograd.ops.shape import every_dim, expand, one_dim, to_shape
from nanograd.tape import names

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "argsort", "cumsum", "max", "mean", "min", "norm", "prod",
    "sort", "std", "sum", "topk", "var",
]  # fmt: skip

Dims = int | Sequence[int] | None


class Pair(NamedTuple):
    """(values, indices), as torch's ``torch.max(x, dim)`` gives."""

    values: Any
    indices: Any


def with_ones(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with size 1 in ``dims``."""
    return tuple([1 if d in dims else s for d, s in enumerate(shape)])


@op
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """y = Σ x over ``dim`` (all dimensions when None); integers and truth values add up in int64.

    >>> torch.tensor([[1, 2], [3, 4]]).sum(0)
    tensor([4, 6])
    """
    x = input if dtype is None else input.to(to_dtype(dtype))
    dims = every_dim("sum", dim, x.array.ndim)
    full = x.array.shape
    total = None if x.array.dtype.kind == "f" or dtype is not None else int64
    return record(k.sum(x.array, dims, keepdim, total), (x, lambda g: stretch(g, dims, full)))


@op("Expand")
def stretch(g: Tensor, dims: tuple[int, ...], full: tuple[int, ...]) -> Tensor:
    """g repeated over the dimensions that a sum took away, or kept with size 1: the adjoint of sum."""
    keepdim = g.array.ndim == len(full)
    return record(k.stretch(g.array, dims, full), (g, lambda h: sum(h, dims, keepdim)))


@op
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """y = Σ x / n over ``dim``; NaN for no elements.  Raises DTypeError for integers."""
    x = input if dtype is None else input.to(to_dtype(dtype))
    _floats("mean", x)
    dims = every_dim("mean", dim, x.array.ndim)
    full = x.array.shape
    count = math.prod([full[d] for d in dims])
    return record(k.mean(x.array, dims, keepdim), (x, lambda g: stretch(g / count, dims, full)))


def _floats(name: str, x: Tensor) -> None:
    if x.array.dtype.kind != "f":
        raise DTypeError(f"{name}: expected a floating-point tensor, got {x.dtype}. Use x.float().{name}().")


@op
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """y = Π x over ``dim``, or over all elements."""
    x = input if dtype is None else input.to(to_dtype(dtype))
    dims = every_dim("prod", dim, x.array.ndim)
    full = x.array.shape
    kept = with_ones(full, dims)
    total = x.dtype if x.array.dtype.kind == "f" or dtype is not None else int64
    return record(k.prod(x.array, dims, keepdim, total), (x, lambda g: to_shape(g, kept) * _others(x, dims)))


def _others(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """For each element the product of the others over ``dims``: right also where elements are 0."""
    zero = x == 0
    zeros = sum(zero, dims, True)
    rest = prod_of(where(zero, 1.0, x), dims)
    return where(zeros == 0, rest / where(zero, 1.0, x), where((zeros == 1) & zero, rest, 0.0))


def prod_of(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The product over several dimensions, kept with size 1."""
    for d in dims:
        x = prod(x, d, True)
    return x


@op
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """Running sums along ``dim``."""
    x = input if dtype is None else input.to(to_dtype(dtype))
    d = one_dim("cumsum", dim, x.array.ndim)
    if not x.array.ndim:
        return x.clone()
    total = x.dtype if x.array.dtype.kind == "f" or dtype is not None else int64
    return record(k.cumsum(x.array, d, total), (x, lambda g: g.flip(d).cumsum(d).flip(d)))


def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The greatest element; with ``dim``, (values, indices) along it; with a tensor, the element-wise maximum.

    NaN counts as greatest.  Of equal elements the first is taken along ``dim``; over all elements they share the
    gradient.

    >>> torch.tensor([[1, 5], [7, 2]]).max(1)
    torch.return_types.max(
    values=tensor([5, 7]),
    indices=tensor([1, 0]))
    """
    if dim is None and other is None:
        return titled(amax(input), "MaxBackward1")
    if other is not None or hasattr(dim, "array"):
        return maximum(input, other if other is not None else dim)
    return MaxPair(*max_along(input, dim, keepdim))


def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The least element; with ``dim``, (values, indices) along it; with a tensor, the element-wise minimum."""
    if dim is None and other is None:
        return titled(amin(input), "MinBackward1")
    if other is not None or hasattr(dim, "array"):
        return minimum(input, other if other is not None else dim)
    return MinPair(*min_along(input, dim, keepdim))


@op("Max")
def max_along(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, ...]:
    """(greatest element, its index) along ``dim``."""
    return _extreme("max", k.argmax, x, dim, keepdim)


@op("Min")
def min_along(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, ...]:
    """(least element, its index) along ``dim``."""
    return _extreme("min", k.argmin, x, dim, keepdim)


def _extreme(name: str, kernel: Any, x: Tensor, dim: int, keepdim: bool) -> tuple[Tensor, ...]:
    if not x.array.ndim:
        one_dim(name, dim, 0)
        values, index = _extreme(name, kernel, to_shape(x, (1,)), 0, False)
        return values, index
    d = one_dim(name, dim, x.array.ndim)
    full = x.array.shape
    kept = with_ones(full, (d,))
    _some(name, x, (d,))
    index = kernel(x.array, d, True)
    shape = kept if keepdim else full[:d] + full[d + 1 :]
    ys = (memory.reshape(gather_kernel(x.array, d, index), shape), memory.reshape(index, shape))
    values, places = records(ys, (x, lambda g1, g2, y1, y2: spread(to_shape(g1, kept), d, to_shape(y2, kept), full)))
    return titled(values, names(name)), places


def _some(name: str, x: Tensor, dims: tuple[int, ...]) -> None:
    if not math.prod([x.array.shape[d] for d in dims]):
        raise ShapeError(
            f"{name}: there is no extreme of no elements: shape {tuple(x.array.shape)}, dimensions {dims}."
        )


@op
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The greatest element over ``dim``; equal ones share the gradient."""
    x = input
    dims = every_dim("amax", dim, x.array.ndim)
    _some("amax", x, dims)
    kept = with_ones(x.array.shape, dims)
    return record(
        k.max(x.array, dims, keepdim), (x, lambda g, y: to_shape(g, kept) * _share(x, to_shape(y, kept), dims))
    )


@op
def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The least element over ``dim``; equal ones share the gradient."""
    x = input
    dims = every_dim("amin", dim, x.array.ndim)
    _some("amin", x, dims)
    kept = with_ones(x.array.shape, dims)
    return record(
        k.min(x.array, dims, keepdim), (x, lambda g, y: to_shape(g, kept) * _share(x, to_shape(y, kept), dims))
    )


def _share(x: Tensor, y: Tensor, dims: tuple[int, ...]) -> Tensor:
    """1 / n for each of the n elements over ``dims`` that equal y, else 0."""
    equal = (x == y).to(x.dtype)
    return equal / sum(equal, dims, True)


@op
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index (int64) of the greatest element along ``dim``, or in the flattened tensor."""
    return _arg("argmax", k.argmax, input, dim, keepdim)


@op
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index (int64) of the least element along ``dim``, or in the flattened tensor."""
    return _arg("argmin", k.argmin, input, dim, keepdim)


def _arg(name: str, kernel: Any, x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    expect_numbers(name, x)
    if dim is None:
        flat = to_shape(x.detach(), (math.prod(x.array.shape),))
        _some(name, flat, (0,))
        index = record(kernel(flat.array, 0, False))
        return to_shape(index, (1,) * x.array.ndim) if keepdim else index
    d = one_dim(name, dim, x.array.ndim)
    if not x.array.ndim:
        return (x.detach() * 0).to(int64)
    _some(name, x, (d,))
    return record(kernel(x.array, d, keepdim))


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """(sorted values, their indices) along ``dim``; equal elements keep their order."""
    return SortPair(*sorted_along(input, dim, descending))


@op("Sort")
def sorted_along(x: Tensor, dim: int, descending: bool) -> tuple[Tensor, ...]:
    """(sorted values, indices) along ``dim``."""
    d = one_dim("sort", dim, x.array.ndim)
    if not x.array.ndim:
        return x.clone(), (x.detach() * 0).to(int64)
    full = x.array.shape
    return records(k.sort(x.array, d, descending), (x, lambda g1, g2, y1, y2: spread(g1, d, y2, full)))


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort along ``dim``."""
    return sorted_along(input.detach(), dim, descending)[1]


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(the k greatest, or least, elements; their indices) along ``dim``, in order."""
    d = one_dim("topk", dim, input.array.ndim)
    size = input.array.shape[d] if input.array.ndim else 1
    if not 0 <= k <= size:
        raise ShapeError(f"topk: k = {k} is out of range for a dimension of size {size}.")
    values, indices = sorted_along(input, d, largest)
    return TopkPair(values.narrow(d, 0, k), indices.narrow(d, 0, k)) if input.array.ndim else TopkPair(values, indices)


@op
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether every element over ``dim`` is non-zero; of uint8 as uint8, as in torch."""
    return _as_truth(input, record(k.all(input.array, every_dim("all", dim, input.array.ndim), keepdim)))


@op
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether some element over ``dim`` is non-zero; of uint8 as uint8, as in torch."""
    return _as_truth(input, record(k.any(input.array, every_dim("any", dim, input.array.ndim), keepdim)))


def _as_truth(x: Tensor, y: Tensor) -> Tensor:
    return y.to(uint8) if x.array.dtype == uint8.numpy else y


@op
def var(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None
) -> Tensor:
    """y = Σ (x - mean)² / (n - correction) over ``dim``; correction 1 unless said otherwise."""
    _floats("var", input)
    dims = every_dim("var", dim, input.array.ndim)
    less = correction if correction is not None else int(unbiased)
    count = math.prod([input.array.shape[d] for d in dims]) - less
    away = input - mean(input, dims, True)
    return titled(sum(away * away, dims, keepdim) / builtins.max(count, 0), "VarBackward0")


@op
def std(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None
) -> Tensor:
    """The square root of ``var``."""
    return titled(var(input, dim, unbiased, keepdim, correction=correction).sqrt(), "StdBackward0")


@op
def norm(input: Tensor, p: Any = "fro", dim: Dims = None, keepdim: bool = False) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over ``dim``; p may be infinite, and "fro" means 2.  Its derivative at 0 is 0."""
    _floats("norm", input)
    if p in ("fro", None):
        p = 2
    if not isinstance(p, (int, float)):
        raise DTypeError(f"norm: expected p as a number or 'fro', got {p!r:.40}.")
    if p in (math.inf, -math.inf):
        return (amax if p > 0 else amin)(input.abs(), dim, keepdim)
    if p == 0:
        return sum((input != 0).to(input.dtype), dim, keepdim)
    if p == 2:
        return _norm2(input, dim, keepdim)
    total = sum(input.abs() ** p, dim, keepdim)
    return total if p == 1 else where(total == 0, 0.0, where(total == 0, 1.0, total) ** (1 / p))


@op("LinalgVectorNorm")
def _norm2(x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    """√Σ x²; its derivative at 0 is 0."""
    dims = every_dim("norm", dim, x.array.ndim)
    kept = with_ones(x.array.shape, dims)
    y = sum(x.detach() * x.detach(), dims, keepdim).sqrt()
    return record(y.array, (x, lambda g, y: _norm2_pull(x, to_shape(g, kept), to_shape(y, kept))))


def _norm2_pull(x: Tensor, g: Tensor, y: Tensor) -> Tensor:
    return where(y == 0, 0.0, g * x / where(y == 0, 1.0, y))


class MaxPair(Pair):
    """What ``torch.max(x, dim)`` gives."""

    def __repr__(self) -> str:
        name = type(self).__name__.removesuffix("Pair").lower()
        return f"torch.return_types.{name}(\nvalues={self[0]!r},\nindices={self[1]!r})"


class MinPair(MaxPair):
    """What ``torch.min(x, dim)`` gives."""


class SortPair(MaxPair):
    """What ``torch.sort(x, dim)`` gives."""


class TopkPair(MaxPair):
    """What ``torch.topk(x, k)`` gives."""


@op
def sum_to(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """g summed to ``shape``, from which broadcasting stretched it: what the tape does to every gradient."""
    full = g.array.shape
    return record(k.sum_to(g.array, shape), (g, lambda h: expand(h, full)))
