"""Many elements to one: sums, products, extremes, and whether all or any hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd import return_types
from nanograd.dtypes import DType, int64, to_dtype, uint8
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import memory
from nanograd.kernels import reduce as k
from nanograd.kernels.index import gather as gather_kernel
from nanograd.ops.broadcasting import expand
from nanograd.ops.comparison import maximum, minimum, where
from nanograd.ops.joining import cat
from nanograd.ops.kinds import expect_numbers, floating
from nanograd.ops.naming import numpy_names
from nanograd.ops.op import op, record, records, titled, wrap
from nanograd.ops.refusing import no_tensor
from nanograd.ops.scattering import spread
from nanograd.ops.shape import every_dim, one_dim, sizes, to_shape
from nanograd.tape import names

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "logsumexp", "max", "mean", "min",
    "nanmean", "nansum", "prod", "sum",
]  # fmt: skip

Dims = int | Sequence[int] | None


class NoElementsError(ShapeError, IndexError):
    """An extreme of no elements was asked for: torch raises an IndexError or a RuntimeError."""


def with_ones(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with size 1 in ``dims``."""
    return tuple([1 if d in dims else s for d, s in enumerate(shape)])


def cast(input: Tensor, dtype: DType | None) -> tuple[Tensor, DType]:
    """``input`` as ``dtype`` if one is given, and the dtype of its sum: integers and truth values add up in int64."""
    try:
        x = input if dtype is None else input.to(to_dtype(dtype))
    except AttributeError as error:
        raise no_tensor(error) from None
    return x, x.dtype if x.array.dtype.kind == "f" or dtype is not None else int64


# Sums and products


@op
@numpy_names
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """y = Σ x over ``dim`` (all dimensions when None); integers and truth values add up in int64.

    >>> torch.tensor([[1, 2], [3, 4]]).sum(0)
    tensor([4, 6])
    """
    x = input if dtype is None else input.to(to_dtype(dtype))
    full = x.array.shape
    dims = tuple(range(len(full))) if dim is None else every_dim("sum", dim, len(full))
    total = None if x.array.dtype.kind == "f" or dtype is not None else int64
    y = record(k.sum(x.array, dims, keepdim, total), (x, lambda g: stretch(g, dims, full)))
    return y if dim is None else titled(y, "SumBackward1")


@op("Expand")
def stretch(g: Tensor, dims: tuple[int, ...], full: tuple[int, ...]) -> Tensor:
    """g repeated over the dimensions that a sum took away, or kept with size 1: the adjoint of sum."""
    keepdim = g.array.ndim == len(full)
    return record(k.stretch(g.array, dims, full), (g, lambda h: sum(h, dims, keepdim)))


@op
@numpy_names
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """y = Σ x / n over ``dim``; NaN for no elements.  Raises DTypeError for integers."""
    x = input if dtype is None else input.to(to_dtype(dtype))
    expect_floats("mean", x)
    full = x.array.shape
    dims = tuple(range(len(full))) if dim is None else every_dim("mean", dim, len(full))
    count = math.prod([full[d] for d in dims])
    y = record(k.mean(x.array, dims, keepdim), (x, lambda g: stretch(g / count, dims, full)))
    return y if dim is None else titled(y, "MeanBackward1")


def expect_floats(name: str, x: Tensor) -> None:
    """Raises DTypeError for integers and truth values."""
    try:
        if x.array.dtype.kind != "f":
            raise DTypeError(f"{name}: expected a floating-point tensor, got {x.dtype}. Use x.float().{name}(...).")
    except AttributeError as error:
        raise no_tensor(error) from None


@op
@numpy_names
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """y = Σ x over ``dim``, NaN left out.

    >>> torch.tensor([1., torch.nan, 2.]).nansum()
    tensor(3.)
    """
    if dtype is not None and not dtype.is_floating_point and input.is_floating_point():
        input = where(input == input, input, 0)  # no integer stands for NaN
    x, total = cast(input, dtype)
    dims, full = every_dim("nansum", dim, x.array.ndim), x.array.shape
    y = k.nansum(x.array, dims, keepdim, total)
    return record(y, (x, lambda g: stretch(g, dims, full) * (x == x).to(g.dtype)))


@numpy_names
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """y = Σ x / n over the n elements that are not NaN.  Raises DTypeError for integers."""
    expect_floats("nanmean", input)
    return nansum(input, dim, keepdim, dtype=dtype) / sum(input == input, dim, keepdim)


@op
@numpy_names
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """y = Π x over ``dim``, or over all elements; of integers and truth values in int64."""
    x, total = cast(input, dtype)
    full = x.array.shape
    dims = every_dim("prod", dim if dim is None else one_dim("prod", dim, len(full)), len(full))
    kept = with_ones(full, dims)
    y = record(
        k.prod(x.array, dims, keepdim, total),
        (x, lambda g, y: to_shape(g, kept) * others(x, to_shape(y, kept), dims)),
    )
    return y if dim is None else titled(y, "ProdBackward1")


def others(x: Tensor, y: Tensor, dims: tuple[int, ...]) -> Tensor:
    """For each element the product of the others over ``dims``, where y is the product of all of them."""
    if not bool(any(x == 0)):
        return y / x
    full = x.array.shape
    flat = to_shape(x, (-1,)) if len(dims) > 1 else x
    d = 0 if len(dims) > 1 else dims[0] if dims else None
    if d is None:
        return x * 0 + 1
    return to_shape(before(flat, d) * before(flat.flip(d), d).flip(d), full)


def before(x: Tensor, d: int) -> Tensor:
    """For each element the product of those before it along d."""
    if not x.array.size:
        return x
    one = wrap(memory.ones_like(x.narrow(d, 0, 1).array))
    return cat([one, x.narrow(d, 0, x.array.shape[d] - 1)], d).cumprod(d)


@op
@numpy_names
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """y = log Σ eˣ over ``dim``, in a way that does not overflow; -∞ for no elements.

    >>> torch.tensor([1000., 1000.]).logsumexp(0)
    tensor(1000.6932)
    """
    x = floating(input)
    dims = every_dim("logsumexp", dim, x.array.ndim)
    kept = with_ones(x.array.shape, dims)
    y = k.logsumexp(x.array, dims, keepdim)
    return record(y, (x, lambda g, y: to_shape(g, kept) * (x - to_shape(y, kept)).exp()))


@numpy_names
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over ``dim`` are not 0 (int64)."""
    return sum((input != 0).detach(), dim)


# Extremes


@numpy_names
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
        return of_all("max", "MaxBackward1", input, k.max)
    if other is not None or hasattr(dim, "array"):
        return maximum(input, other if other is not None else dim)
    return return_types.max(*max_along(input, dim, keepdim))


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The least element; with ``dim``, (values, indices) along it; with a tensor, the element-wise minimum."""
    if dim is None and other is None:
        return of_all("min", "MinBackward1", input, k.min)
    if other is not None or hasattr(dim, "array"):
        return minimum(input, other if other is not None else dim)
    return return_types.min(*min_along(input, dim, keepdim))


def of_all(name: str, title: str, x: Tensor, kernel: Any) -> Tensor:
    """The one element of x that ``kernel`` gives; equal ones share the gradient."""
    dims = tuple(range(x.array.ndim))
    expect_some(name, x, dims, False)
    return titled(record(kernel(x.array, dims, False), (x, lambda g, y: g * evenly(x, y))), title)


def evenly(x: Tensor, y: Tensor) -> Tensor:
    """1 / n for each of the n elements of x that equal y, NaN too; else 0."""
    equal = where(y != y, x != x, x == y).to(x.dtype)
    return equal / sum(equal)


@op("Max")
def max_along(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, ...]:
    """(greatest element, its index) along ``dim``."""
    return extreme("max", k.argmax, x, dim, keepdim, True)


@op("Min")
def min_along(x: Tensor, dim: int, keepdim: bool = False) -> tuple[Tensor, ...]:
    """(least element, its index) along ``dim``."""
    return extreme("min", k.argmin, x, dim, keepdim, True)


def extreme(name: str, kernel: Any, x: Tensor, dim: int, keepdim: bool, *more: Any) -> tuple[Tensor, ...]:
    """(the element along ``dim`` whose index ``kernel(x, dim, *more)`` gives with size 1, the index)."""
    try:
        d = one_dim(name, dim, x.array.ndim)
    except AttributeError as error:
        raise no_tensor(error) from None
    if not x.array.ndim:
        return extreme(name, kernel, to_shape(x, (1,)), 0, False, *more)
    full = x.array.shape
    kept = with_ones(full, (d,))
    expect_some(name, x, (d,), True)
    index = kernel(x.array, d, *more)
    shape = kept if keepdim else full[:d] + full[d + 1 :]
    ys = (memory.reshape(gather_kernel(x.array, d, index), shape), memory.reshape(index, shape))
    values, places = records(ys, (x, lambda g1, g2, y1, y2: spread(to_shape(g1, kept), d, to_shape(y2, kept), full)))
    return titled(values, names(name)), places


def expect_some(name: str, x: Tensor, dims: tuple[int, ...], given: bool) -> None:
    """Raises NoElementsError where there is nothing to choose from over ``dims``."""
    shape = x.array.shape
    if math.prod([shape[d] for d in dims]):
        return
    empty = next(d for d in dims if not shape[d])
    wish = (
        f"Expected reduction dim {empty} to have non-zero size"
        if given
        else "Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' "
        "argument"
    )
    raise NoElementsError(f"{name}: {wish}: there is no extreme of no elements, and the shape is {tuple(shape)}.")


@op
@numpy_names
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The greatest element over ``dim``; equal ones share the gradient."""
    return _shared("amax", input, k.max, dim, keepdim)


@op
@numpy_names
def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The least element over ``dim``; equal ones share the gradient."""
    return _shared("amin", input, k.min, dim, keepdim)


def _shared(name: str, x: Tensor, kernel: Any, dim: Dims, keepdim: bool) -> Tensor:
    dims = every_dim(name, dim, x.array.ndim)
    expect_some(name, x, dims, dim is not None)
    kept = with_ones(x.array.shape, dims)
    y = record(
        kernel(x.array, dims, keepdim),
        (x, lambda g, y: to_shape(g, kept) * share_of(x, to_shape(y, kept), dims)),
    )
    return titled(y, names(name))


def share_of(x: Tensor, y: Tensor, dims: tuple[int, ...]) -> Tensor:
    """1 / n for each of the n elements over ``dims`` that equal y, else 0."""
    equal = (x == y).to(x.dtype)
    return equal / sum(equal, dims, True)


@op
@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """(the least, the greatest element) over ``dim``, or over all; equal ones share the gradient.

    >>> torch.tensor([3., 1., 2.]).aminmax()
    torch.return_types.aminmax(
    min=tensor(1.),
    max=tensor(3.))
    """
    x = input
    dims = every_dim("aminmax", dim if dim is None else one_dim("aminmax", dim, x.array.ndim), x.array.ndim)
    expect_some("aminmax", x, dims, dim is not None)
    kept = with_ones(x.array.shape, dims)

    def back(g1: Any, g2: Any, y1: Tensor, y2: Tensor) -> Any:
        pairs = [(g, y) for g, y in ((g1, y1), (g2, y2)) if g is not None]
        parts = [to_shape(g, kept) * share_of(x, to_shape(y, kept), dims) for g, y in pairs]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    ys = (k.min(x.array, dims, keepdim), k.max(x.array, dims, keepdim))
    return return_types.aminmax(*records(ys, (x, back)))


@op
@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index (int64) of the greatest element along ``dim``, or in the flattened tensor; of equal ones the first."""
    return _arg("argmax", k.argmax, input, dim, keepdim)


@op
@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index (int64) of the least element along ``dim``, or in the flattened tensor; of equal ones the first."""
    return _arg("argmin", k.argmin, input, dim, keepdim)


def _arg(name: str, kernel: Any, x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    expect_numbers(name, x)
    if dim is None:
        flat = to_shape(x.detach(), (math.prod(x.array.shape),))
        expect_some(name, flat, (0,), False)
        index = record(kernel(flat.array, 0, False))
        return to_shape(index, (1,) * x.array.ndim) if keepdim else index
    d = one_dim(name, dim, x.array.ndim)
    if not x.array.ndim:
        return (x.detach() != x.detach()).to(int64) * 0
    expect_some(name, x, (d,), True)
    return record(kernel(x.array, d, keepdim))


# Truth


@op
@numpy_names
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether every element over ``dim`` is non-zero; of uint8 as uint8, as in torch."""
    return _truth("all", k.all, input, dim, keepdim)


@op
@numpy_names
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether some element over ``dim`` is non-zero; of uint8 as uint8, as in torch."""
    return _truth("any", k.any, input, dim, keepdim)


def _truth(name: str, kernel: Any, x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    if dim == ():  # as in torch, which takes no dimensions to mean none here
        y = (x != 0).detach()
    else:
        y = record(kernel(x.array, every_dim(name, dim, x.array.ndim), keepdim))
    return y.to(uint8) if x.array.dtype == uint8.numpy else y


# Undoing a broadcast


@op
def sum_to(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """g summed to ``shape``, from which broadcasting stretched it: what the tape does to every gradient."""
    full = g.array.shape
    return record(k.sum_to(g.array, shape), (g, lambda h: expand(h, full)))


def sum_to_size(input: Tensor, size: Any, *more: int) -> Tensor:
    """The tensor summed to a shape that broadcasts to its own.

    >>> torch.ones(2, 3).sum_to_size(3)
    tensor([2., 2., 2.])
    """
    want, have = sizes("sum_to_size", size, more), tuple(input.array.shape)
    fits = len(want) <= len(have) and not [1 for a, b in zip(want[::-1], have[::-1], strict=False) if a not in (1, b)]
    if not fits:
        raise ShapeError(f"sum_to_size: size {list(want)} is not expandable to size {list(have)}, the tensor's own.")
    if want == have:
        return input
    title = "SumBackward1" if len(want) == len(have) else "ViewBackward0" if want else "SumBackward0"
    x = input if input.array.dtype.kind == "f" else input.to(int64)
    return titled(sum_to(x, want), title)
