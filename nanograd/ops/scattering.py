"""Gathering by an index for every element, and its adjoint, scattering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nanograd.dtypes import int64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import index as k
from nanograd.kernels import memory
from nanograd.ops.broadcasting import common_shape, expand
from nanograd.ops.op import Number, op, record, same_device, titled, wrap
from nanograd.ops.refusing import no_tensor
from nanograd.ops.shape import Shape, one_dim, to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["gather", "scatter", "scatter_add", "scatter_reduce", "take_along_dim"]


@op
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """y[i, j] = x[index[i, j], j] for dim 0, x[i, index[i, j]] for dim 1, and so on.

    Raises DTypeError unless the index holds integers, ShapeError where dimensions differ, IndexError out of bounds.

    >>> torch.tensor([[1, 2], [3, 4]]).gather(1, torch.tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    if not input.array.ndim or not index.array.ndim:
        return _flat_gather(input, dim, index)
    x = input
    d = one_dim("gather", dim, x.array.ndim)
    _check_index("gather", index, x.array.shape, d)
    full = x.array.shape
    return record(k.gather(x.array, d, index.array), (x, lambda g: spread(g, d, index, full)))


def _flat_gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """``gather`` where the tensor or the index is 0-d, which counts as one element."""
    one_dim("gather", dim, x.array.ndim)
    if x.array.ndim > 1 or index.array.ndim > 1:
        _check_index("gather", index, x.array.shape, 0)
    y: Tensor = gather(to_shape(x, (x.array.size,)), 0, to_shape(index, (index.array.size,)))
    return y if index.array.ndim else titled(to_shape(y, ()), "GatherBackward0")


def _check_index(name: str, index: Tensor, shape: Shape, dim: int) -> None:
    check_integers(name, index)
    have = index.array.shape
    if len(have) != len(shape):
        raise ShapeError(
            f"{name}: Index tensor must have the same number of dimensions as input tensor: the index of shape "
            f"{tuple(have)} must have as many dimensions as the tensor of shape {tuple(shape)}."
        )
    for d, (a, b) in enumerate(zip(have, shape, strict=True) if index.array.size else ()):
        if d != dim and a > b:
            raise ShapeError(
                f"{name}: Size does not match at dimension {d}: the index of shape {tuple(have)} must be no larger "
                f"than the tensor of shape {tuple(shape)} except in dimension {dim}."
            )
    check_bounds(name, index, dim, shape[dim])


def check_integers(name: str, index: Tensor) -> None:
    if index.array.dtype not in (np.int32, np.int64):
        raise DTypeError(
            f"{name}: expected an index of torch.int64 (Expected dtype int32/int64 for index), got {index.dtype}. "
            "Use index.long()."
        )


class OutOfRange(IndexError, RuntimeError):
    """An index out of range, which torch reports as a RuntimeError here and as an IndexError there."""


def check_bounds(name: str, index: Tensor, dim: int, size: int, least: int = 0) -> None:
    if index.array.size and (int(index.amin()) < least or int(index.amax()) >= size):
        worst = int(index.amin()) if int(index.amin()) < least else int(index.amax())
        raise OutOfRange(f"{name}: index {worst} is out of bounds for dimension {dim} with size {size}.")


@op("ScatterAdd")
def spread(g: Tensor, dim: int, index: Tensor, shape: Shape) -> Tensor:
    """Zeros of ``shape`` to which g is added where ``gather`` would read: the adjoint of gather."""
    return record(k.scatter_add(g.array, dim, index.array, shape), (g, lambda h: gather(h, dim, index)))


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """``gather`` where the other dimensions broadcast; without ``dim``, places in row-major order.

    >>> x = torch.tensor([[3, 1], [2, 5]])
    >>> torch.take_along_dim(x, x.argsort(1), 1)
    tensor([[1, 3],
            [2, 5]])
    """
    try:
        if indices.array.dtype != int64.numpy:
            raise DTypeError(
                f"take_along_dim: dtype of indices should be Long but got {indices.dtype}. Use indices.long()."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    if dim is None:
        return gather(to_shape(input, (input.array.size,)), 0, to_shape(indices, (indices.array.size,)))
    ndim = input.array.ndim
    if indices.array.ndim != ndim:
        raise ShapeError(
            f"take_along_dim: input and indices should have the same number of dimensions, but got {ndim} dimensions "
            f"for input, and {indices.array.ndim} dimensions for indices."
        )
    d = one_dim("take_along_dim", dim, ndim)
    both = [tuple(1 if i == d else n for i, n in enumerate(x.array.shape)) for x in (input, indices)]
    full = common_shape("take_along_dim", *(wrap(memory.expand(_zero(input), s)) for s in both))
    own, wanted = input.array.shape[d], indices.array.shape[d]
    return gather(
        expand(input, (*full[:d], own, *full[d + 1 :])), d, expand(indices, (*full[:d], wanted, *full[d + 1 :]))
    )


def _zero(x: Tensor) -> Any:
    return memory.full.on(x.device)((), 0, x.dtype)


@op
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | Number | None = None,
    value: Number | None = None,
    *,
    reduce: str | None = None,
) -> Tensor:
    """A copy of x with y[index[i, j], j] = src[i, j] for dim 0, y[i, index[i, j]] for dim 1; src may be one number.

    Where places repeat, the last one stays.  ``reduce`` "add" or "multiply" combines it with what is there.
    Raises DTypeError unless the index holds integers, and for a src of another dtype, ShapeError where dimensions
    differ, and for a src smaller than the index, IndexError out of bounds.

    >>> torch.zeros(2, 3).scatter(1, torch.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    number = not hasattr(src, "array")
    given: Any = _number("scatter", src if value is None else value, input, index) if number else src
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise ShapeError(f"scatter: reduce argument must be either add or multiply, got {reduce!r}.")
        return scatter_reduce(input, dim, index, given, "sum" if reduce == "add" else "prod")
    d, x, where_, v = _scattered("scatter", input, dim, index, given)
    y = record(
        k.scatter(x.array, d, where_.array, v.array),
        (x, lambda g: scatter(g, d, where_, 0)),
        (v, lambda g: gather(g, d, where_)),
    )
    return titled(as_before(y, input, "Scatter"), f"ScatterBackward{int(number)}")


def _number(name: str, value: Any, x: Tensor, index: Tensor) -> Tensor:
    """One number in the shape of the index."""
    if not isinstance(value, (bool, int, float, np.generic)):
        raise DTypeError(f"{name}: expected a tensor or a number to store, got {type(value).__name__}.")
    memory.expect_room(name, value, x.dtype)
    return expand(wrap(memory.full.on(x.device)((), value, x.dtype)), index.array.shape)


def _scattered(name: str, x: Tensor, dim: int, index: Tensor, v: Tensor) -> tuple[int, Tensor, Tensor, Tensor]:
    """(dim, x, index, the part of v that the index names), at least 1-d; checked."""
    d = one_dim(name, dim, x.array.ndim)
    same_device(x, index, v)
    if v.array.dtype != x.array.dtype:
        raise DTypeError(
            f"{name}: Expected self.dtype to be equal to src.dtype, got {x.dtype} and {v.dtype}. Use src.to({x.dtype})."
        )
    x, index, v = (t if t.array.ndim else to_shape(t, (1,)) for t in (x, index, v))
    _check_index(name, index, x.array.shape, d)
    have, given = tuple(index.array.shape), tuple(v.array.shape)
    if not index.array.size:
        return d, x, index, to_shape(v[(slice(0),) * len(given)], have)
    if len(given) != len(have) or any(a > b for a, b in zip(have, given, strict=True)):
        raise ShapeError(
            f"{name}: Expected index {list(have)} to be no larger than self {list(x.array.shape)} apart from dimension "
            f"{dim} and to be no larger size than src {list(given)}."
        )
    if given != have:
        v = v[tuple(slice(n) for n in have)]
    return d, x, index, v


def as_before(y: Tensor, x: Tensor, title: str) -> Tensor:
    """y under torch's name, without the dimension that a 0-d x was given."""
    return titled(y if x.array.ndim else to_shape(y, ()), f"{title}Backward0")


@op
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of x to which src is added where ``gather`` would read; places that repeat add up.

    >>> torch.zeros(3).scatter_add(0, torch.tensor([0, 2, 0]), torch.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    d, x, where_, v = _scattered("scatter_add", input, dim, index, src)
    y = record(
        k.scatter_reduce(x.array, d, where_.array, v.array, "sum", True),
        (x, lambda g: g),
        (v, lambda g: gather(g, d, where_)),
    )
    return as_before(y, input, "ScatterAdd")


REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@op
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy of x in which what goes to one place is combined: reduce is "sum", "prod", "mean", "amax" or "amin".

    The element of x counts as one of them, unless ``include_self`` is False.

    >>> torch.ones(2).scatter_reduce(0, torch.tensor([0, 0]), torch.tensor([5.0, 3.0]), "amax")
    tensor([5., 1.])
    """
    if reduce not in REDUCTIONS:
        raise ShapeError(f"scatter_reduce: reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.")
    return combined("scatter_reduce", input, dim, index, src, reduce, include_self)


def combined(name: str, input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool) -> Tensor:
    d, x, where_, v = _scattered(name, input, dim, index, src)
    y = k.scatter_reduce(x.array, d, where_.array, v.array, reduce, include_self)
    to_x, to_v = _PULLBACKS[reduce]

    def kept(g: Tensor) -> Tensor:
        return g if include_self else scatter(g, d, where_, 0)

    z = record(
        y,
        (x, lambda g, y: kept(to_x(g, y, x, v, d, where_, include_self))),
        (v, lambda g, y: to_v(g, y, x, v, d, where_, include_self)),
    )
    return as_before(z, input, "ScatterReduce")


def _sum_to_x(g: Tensor, *_: Any) -> Tensor:
    return g


def _sum_to_v(g: Tensor, y: Tensor, x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    return gather(g, d, index)


def _mean_to_x(g: Tensor, y: Tensor, x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    return g / _counts(x, v, d, index, own)


def _mean_to_v(g: Tensor, y: Tensor, x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    return gather(g / _counts(x, v, d, index, own), d, index)


def _counts(x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    """How many numbers each mean is of."""
    ones = wrap(memory.ones_like(v.array))
    return (spread(ones, d, index, x.array.shape) + int(own)).clamp(min=1)


def _prod_to_x(g: Tensor, y: Tensor, x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    zero = x == 0  # where x is 0, y / x is found with 1 in its place
    whole = x.masked_fill(zero, 1)
    return g * scatter_reduce(whole, d, index, v, "prod", include_self=own) / whole


def _prod_to_v(g: Tensor, y: Tensor, x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    zero = v == 0
    zeros = gather(spread(zero.to(v.dtype), d, index, x.array.shape), d, index)
    only = zero & (zeros == 1)  # a zero alone at its place: its gradient is the product of the others
    others = scatter_reduce(x, d, index, v.masked_fill(only, 1), "prod", include_self=own)
    usual = gather(g * y, d, index) / v.masked_fill(zero, 1)
    return gather(g * others, d, index).where(only, usual)


def _extreme_to_x(g: Tensor, y: Tensor, x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    return (x == y) * _shares(g, y, x, v, d, index, own)


def _extreme_to_v(g: Tensor, y: Tensor, x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    return (v == gather(y, d, index)) * gather(_shares(g, y, x, v, d, index, own), d, index)


def _shares(g: Tensor, y: Tensor, x: Tensor, v: Tensor, d: int, index: Tensor, own: bool) -> Tensor:
    """g, divided among those equal to the extreme."""
    equal, mine = (v == gather(y, d, index)).to(v.dtype), (x == y).to(v.dtype)
    counted = mine if own else scatter(mine, d, index, 0)
    return g / (spread(equal, d, index, x.array.shape) + counted).clamp(min=1)


_PULLBACKS = {
    "sum": (_sum_to_x, _sum_to_v),
    "mean": (_mean_to_x, _mean_to_v),
    "prod": (_prod_to_x, _prod_to_v),
    "amax": (_extreme_to_x, _extreme_to_v),
    "amin": (_extreme_to_x, _extreme_to_v),
}
