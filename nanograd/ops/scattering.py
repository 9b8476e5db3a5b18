"""Gathering by tensors of indices, and its adjoint, scattering; writing at indices; choosing by a mask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nanograd.dtypes import bool_, int64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import index as k
from nanograd.kernels import memory
from nanograd.ops.indexing import Steps, erase, pick, read, steps_of
from nanograd.ops.op import Number, op, record, same_device, titled, wrap
from nanograd.ops.shape import Shape, common_shape, expand, one_dim, to_shape
from nanograd.ops.writing import in_place

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "argwhere", "gather", "index_add", "index_copy", "index_fill", "index_put", "index_reduce", "index_select",
    "masked_scatter", "masked_select", "nonzero", "nonzero_static", "put", "scatter", "scatter_add", "scatter_reduce",
    "select_scatter", "slice_scatter", "take", "take_along_dim", "unravel_index",
]  # fmt: skip


# An index for every element


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
    _check_integers(name, index)
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
    _check_bounds(name, index, dim, shape[dim])


def _check_integers(name: str, index: Tensor) -> None:
    if index.array.dtype not in (np.int32, np.int64):
        raise DTypeError(
            f"{name}: expected an index of torch.int64 (Expected dtype int32/int64 for index), got {index.dtype}. "
            "Use index.long()."
        )


class _OutOfRange(IndexError, RuntimeError):
    """An index out of range, which torch reports as a RuntimeError here and as an IndexError there."""


def _check_bounds(name: str, index: Tensor, dim: int, size: int, least: int = 0) -> None:
    if index.array.size and (int(index.amin()) < least or int(index.amax()) >= size):
        worst = int(index.amin()) if int(index.amin()) < least else int(index.amax())
        raise _OutOfRange(f"{name}: index {worst} is out of bounds for dimension {dim} with size {size}.")


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
    if indices.array.dtype != int64.numpy:
        raise DTypeError(
            f"take_along_dim: dtype of indices should be Long but got {indices.dtype}. Use indices.long()."
        )
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
    Raises as ``gather``; ShapeError where src is smaller than the index, DTypeError where it has another dtype.

    >>> torch.zeros(2, 3).scatter(1, torch.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    number = not hasattr(src, "array")
    if number:
        src = _number("scatter", src if value is None else value, input, index)
    assert src is not None
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise ShapeError(f"scatter: reduce argument must be either add or multiply, got {reduce!r}.")
        return scatter_reduce(input, dim, index, src, "sum" if reduce == "add" else "prod")
    d, x, where_, v = _scattered("scatter", input, dim, index, src)
    y = record(
        k.scatter(x.array, d, where_.array, v.array),
        (x, lambda g: scatter(g, d, where_, 0)),
        (v, lambda g: gather(g, d, where_)),
    )
    return titled(_as_before(y, input, "Scatter"), f"ScatterBackward{int(number)}")


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


def _as_before(y: Tensor, x: Tensor, title: str) -> Tensor:
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
    return _as_before(y, input, "ScatterAdd")


_REDUCE = ("sum", "prod", "mean", "amax", "amin")


@op
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy of x in which what goes to one place is combined: reduce is "sum", "prod", "mean", "amax" or "amin".

    The element of x counts as one of them, unless ``include_self`` is False.

    >>> torch.ones(2).scatter_reduce(0, torch.tensor([0, 0]), torch.tensor([5.0, 3.0]), "amax")
    tensor([5., 1.])
    """
    if reduce not in _REDUCE:
        raise ShapeError(
            f"scatter_reduce: reduce argument must be either sum, prod, mean, amax or amin, got {reduce}."
        )
    return _combined("scatter_reduce", input, dim, index, src, reduce, include_self)


def _combined(
    name: str, input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool
) -> Tensor:
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
    return _as_before(z, input, "ScatterReduce")


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


# An index for every slice


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along ``dim`` whose numbers stand in ``index`` (1-d, integers).

    >>> torch.tensor([[1, 2], [3, 4]]).index_select(1, torch.tensor([1]))
    tensor([[2],
            [4]])
    """
    x, d, steps = _slices("index_select", input, dim, index)
    _check_bounds("index_select: index out of range in self", index, d, x.array.shape[d])
    return _as_before(pick(x, steps), input, "IndexSelect")


def _slices(name: str, x: Tensor, dim: int, index: Tensor) -> tuple[Tensor, int, Steps]:
    """(x, at least 1-d, the dimension, the steps to its slices)."""
    d = one_dim(name, dim, x.array.ndim)
    if not hasattr(index, "array"):
        raise DTypeError(f"{name}: expected a tensor of indices, got {type(index).__name__}. Use torch.tensor(index).")
    _check_integers(name, index)
    if index.array.ndim > 1:
        raise IndexError(f"{name}: Index is supposed to be a vector, got shape {tuple(index.array.shape)}.")
    same_device(x, index)
    line = index if index.array.ndim else to_shape(index, (1,))
    return x if x.array.ndim else to_shape(x, (1,)), d, ((*(slice(None),) * d, memory.cast(line.array, int64)),)


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """A copy of x to whose slices number ``index`` along ``dim`` alpha · source is added; numbers that repeat add up.

    >>> torch.zeros(3).index_add(0, torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))
    tensor([3., 0., 0.])
    """
    x, steps, v = _into_slices("index_add", input, dim, index, source)
    y = added(x, steps, v if alpha == 1 else v * alpha)
    return _as_before(y, input, "IndexAdd")


def _into_slices(name: str, input: Tensor, dim: int, index: Tensor, v: Tensor) -> tuple[Tensor, Steps, Tensor]:
    x, d, steps = _slices(name, input, dim, index)
    _check_bounds(name, index, d, x.array.shape[d])
    if v.array.dtype != x.array.dtype:
        raise DTypeError(
            f"{name}: self ({x.dtype}) and source ({v.dtype}) must have the same scalar type. Use "
            f"source.to({x.dtype})."
        )
    v = v if v.array.ndim else to_shape(v, (1,))
    wanted = tuple(index.array.size if i == d else n for i, n in enumerate(x.array.shape))
    if v.array.ndim == x.array.ndim and v.array.shape[d] != index.array.size:
        raise _OutOfRange(
            f"{name}: Number of indices ({index.array.size}) should be equal to source.size(dim): "
            f"({v.array.shape[d]}), for dim: {d}."
        )
    if v.array.shape != wanted:
        raise ShapeError(
            f"{name}: source of shape {tuple(v.array.shape)} must have the shape {wanted} of the slices of a tensor of "
            f"shape {tuple(input.array.shape)}."
        )
    return x, steps, v


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of x whose slices number ``index`` along ``dim`` are those of ``source``."""
    x, steps, v = _into_slices("index_copy", input, dim, index, source)
    return _as_before(stored(x, steps, v), input, "IndexCopy")


def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of x whose slices number ``index`` along ``dim`` hold one number.

    >>> torch.zeros(3).index_fill(0, torch.tensor([0, 2]), 7.0)
    tensor([7., 0., 7.])
    """
    x, d, steps = _slices("index_fill", input, dim, index)
    size = x.array.shape[d]
    once = k.distinct(steps[0][d], size)  # so that each element filled counts once in the gradient of the value
    steps = ((*steps[0][:d], once),)
    _check_bounds("index_fill", index, d, size, -size)
    number = not hasattr(value, "array")
    if number:
        memory.expect_room("index_fill", value, x.dtype)
        value = wrap(memory.full.on(x.device)((), value, x.dtype))
    assert not isinstance(value, (bool, int, float))
    if value.array.ndim:
        raise ShapeError(
            f"index_fill: only supports a 0-dimensional value tensor, but got tensor with {value.array.ndim} "
            "dimension(s)."
        )
    wanted = tuple(once.size if i == d else n for i, n in enumerate(x.array.shape))
    y = stored(x, steps, expand(value.to(x.dtype), wanted))
    return titled(_as_before(y, input, "IndexFill"), f"IndexFillBackward{1 - number}")


def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy of x in which slices of ``source`` that go to one slice are combined by "prod", "mean", "amax", "amin"."""
    if reduce not in _REDUCE[1:]:
        raise ShapeError(f"index_reduce: Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    x, _, v = _into_slices("index_reduce", input, dim, index, source)
    d = one_dim("index_reduce", dim, x.array.ndim)
    column = to_shape(index, tuple(index.array.size if i == d else 1 for i in range(x.array.ndim)))
    y = _combined("index_reduce", x, d, expand(column, v.array.shape), v, reduce, include_self)
    return _as_before(y, input, "IndexReduce")


# Any index


@op("IndexPut")
def stored(x: Tensor, steps: Steps, v: Tensor) -> Tensor:
    """A copy of x with v, which fits, at ``steps``."""
    return record(k.put_at(x.array, steps, v.array), (x, lambda g: erase(g, steps)), (v, lambda g: read(g, steps)))


@op("IndexPut")
def added(x: Tensor, steps: Steps, v: Tensor) -> Tensor:
    """A copy of x to which v, which fits, is added at ``steps``; places that repeat add up."""
    return record(k.added_at(x.array, steps, v.array), (x, lambda g: g), (v, lambda g: read(g, steps)))


def index_put(input: Tensor, indices: Sequence[Any], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of x with x[indices] = values, or with ``accumulate`` x[indices] + values; places that repeat add up.

    Raises DTypeError where dtypes differ, ShapeError where the values do not broadcast to the part.

    >>> torch.zeros(3).index_put((torch.tensor([0, 2]),), torch.tensor(1.0))
    tensor([1., 0., 1.])
    """
    places = tuple(slice(None) if i is None else i for i in indices)
    steps = steps_of(input, places)
    if values.array.dtype != input.array.dtype:
        raise DTypeError(
            f"index_put: Index put requires the source and destination dtypes match, got {input.dtype} for the "
            f"destination and {values.dtype} for the source. Use values.to({input.dtype})."
        )
    room = tuple(read(input.detach(), steps).array.shape)
    have = tuple(values.array.shape)
    if len(have) > len(room) or any(a not in (1, b) for a, b in zip(have[::-1], room[::-1], strict=False)):
        raise ShapeError(
            f"index_put: shape mismatch: value tensor of shape {list(have)} cannot be broadcast to indexing result of "
            f"shape {list(room)}."
        )
    y: Tensor = (added if accumulate else stored)(input, steps, expand(values, room))
    return y


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at places of the row-major order, in the shape of ``index``.

    >>> torch.tensor([[1, 2], [3, 4]]).take(torch.tensor([3, 0]))
    tensor([4, 1])
    """
    x, steps = _line("take", input, index)
    return titled(pick(x, steps), "TakeBackward0")


def _line(name: str, x: Tensor, index: Tensor) -> tuple[Tensor, Steps]:
    if index.array.dtype != int64.numpy:
        raise DTypeError(f"{name}: Expected a long tensor for index, but got {index.dtype}. Use index.long().")
    n = x.array.size
    if index.array.size and not (int(index.amin()) >= -n and int(index.amax()) < n):
        worst = int(index.amax()) if int(index.amax()) >= n else int(index.amin())
        raise IndexError(f"{name}: out of range: tried to access index {worst} on a tensor of {n} elements.")
    x = x if x.array.ndim else to_shape(x, (1,))
    return x, (k.unravel(index.array, tuple(x.array.shape)),)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of x with the elements of ``source`` at places of the row-major order, or added there.

    >>> torch.zeros(2, 2).put(torch.tensor([3]), torch.tensor([5.0]))
    tensor([[0., 0.],
            [0., 5.]])
    """
    x, steps = _line("put", input, index)
    if source.array.size != index.array.size:
        raise IndexError(
            f"put: Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.array.size}, index.numel() = {index.array.size}."
        )
    if source.array.dtype != x.array.dtype:
        raise DTypeError(
            f"put: self and source expected to have the same dtype, but got {x.dtype} and {source.dtype}. Use "
            f"source.to({x.dtype})."
        )
    v = to_shape(source, tuple(index.array.shape))
    y = added(x, steps, v) if accumulate else stored(x, steps, v)
    return _as_before(y, input, "Put")


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of x with ``src`` as slice number ``index`` along ``dim``."""
    d = one_dim("select_scatter", dim, input.array.ndim)
    steps = steps_of(input, (*(slice(None),) * d, int(index)))
    return titled(_exactly("select_scatter", input, steps, src), "SelectScatterBackward0")


def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of x with ``src`` in the slice start:end:step along ``dim``."""
    d = one_dim("slice_scatter", dim, input.array.ndim)
    steps = steps_of(input, (*(slice(None),) * d, slice(start, end, step)))
    return titled(_exactly("slice_scatter", input, steps, src), "SliceScatterBackward0")


def _exactly(name: str, x: Tensor, steps: Steps, v: Tensor) -> Tensor:
    room = k.part(x.array, steps[0]).shape
    if v.array.shape != room:
        raise ShapeError(
            f"{name}: expected src to have a size equal to the slice of self. src size = {list(v.array.shape)}, slice "
            f"size = {list(room)}."
        )
    return stored(x, steps, v.to(x.dtype))


# Masks and places


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask, broadcast with x, holds: a vector.

    >>> x = torch.tensor([[1, 2], [3, 4]])
    >>> x.masked_select(x > 2)
    tensor([3, 4])
    """
    x, steps = _masked("masked_select", input, mask)
    return titled(pick(x, steps), "MaskedSelectBackward0")


def _masked(name: str, x: Tensor, mask: Tensor) -> tuple[Tensor, Steps]:
    if mask.array.dtype != bool_.numpy:
        raise DTypeError(f"{name}: expected BoolTensor for mask, got {mask.dtype}. Use mask.bool() or a comparison.")
    shape = common_shape(name, x, mask)
    wide = x if x.array.shape == shape else expand(x, shape)
    return wide, ((memory.copy(memory.expand(mask.array, shape)),),)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of x with the elements of ``source``, in order, where the mask holds.

    >>> torch.zeros(3).masked_scatter(torch.tensor([True, False, True]), torch.tensor([5.0, 6.0]))
    tensor([5., 0., 6.])
    """
    if source.array.dtype != input.array.dtype:
        raise DTypeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}. "
            f"Use source.to({input.dtype})."
        )
    x, steps = _masked("masked_scatter", input, mask)
    count = k.take(x.array, steps).size
    if source.array.size < count:
        raise ShapeError(
            f"masked_scatter: Number of elements of source < number of ones in mask: {source.array.size} < {count}."
        )
    line = to_shape(source, (source.array.size,))
    return titled(stored(x, steps, line[:count]), "MaskedScatterBackward0")


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """(n, ndim) places of the elements that are not zero; as a tuple of one tensor per dimension if asked.

    >>> torch.tensor([[0, 5], [7, 0]]).nonzero()
    tensor([[0, 1],
            [1, 0]])
    """
    if as_tuple:
        return tuple(wrap(k.nonzero(input.array if input.array.ndim else memory.reshape(input.array, (1,)))).unbind(1))
    return wrap(k.nonzero(input.array))


def argwhere(input: Tensor) -> Tensor:
    """(n, ndim) places of the elements that are not zero."""
    return nonzero(input)  # type: ignore[no-any-return]


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first ``size`` rows of ``nonzero``; rows of ``fill_value`` where there are fewer."""
    if size < 0:
        raise ShapeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}.")
    found = k.nonzero(input.array)
    blank = memory.full.on(input.device)((size, input.array.ndim), fill_value, int64)
    rows: Steps = ((slice(min(size, found.shape[0])),),)
    return wrap(k.put_at(blank, rows, k.part(found, rows[0])))


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The places along each dimension of places in the row-major order of ``shape``.

    >>> torch.unravel_index(torch.tensor([5]), (2, 3))
    (tensor([1]), tensor([2]))
    """
    sizes = (int(shape),) if hasattr(shape, "__index__") else tuple(int(n) for n in shape)
    if indices.array.dtype.kind not in "iu":
        raise DTypeError(f"unravel_index: expected 'indices' to be integer dtype, but got {indices.dtype}.")
    if min(sizes, default=0) < 0:
        raise ShapeError(f"unravel_index: 'shape' cannot have negative values, but got {sizes}.")
    if indices.array.size and not math.prod(sizes):
        raise ShapeError(f"unravel_index: there is no place in a tensor of shape {sizes}.")
    return tuple(wrap(p) for p in k.unravel(memory.cast(indices.array, int64), sizes))


def fill_diagonal_(self: Tensor, fill_value: Number, wrap: bool = False) -> Tensor:
    """Write one number on the main diagonal; with ``wrap`` a tall matrix starts another one below it.

    >>> torch.zeros(2, 2).fill_diagonal_(1.0)
    tensor([[1., 0.],
            [0., 1.]])
    """
    shape = tuple(self.array.shape)
    if len(shape) < 2:
        raise ShapeError(f"fill_diagonal_: dimensions must larger than 1, got shape {shape}.")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise ShapeError(f"fill_diagonal_: all dimensions of input must be of equal length, got {shape}.")
    step = sum(math.prod(shape[d + 1 :]) for d in range(len(shape)))
    count = min(shape)
    if wrap and len(shape) == 2 and shape[0] > shape[1]:
        count = -(-math.prod(shape) // step)
    places = memory.arange.on(self.device)(0, step, count, int64)
    steps: Steps = (k.unravel(places, shape),)
    memory.expect_room("fill_diagonal_", fill_value, self.dtype)
    number = _wrap(memory.full.on(self.device)((), fill_value, self.dtype))
    y: Tensor = stored(self, steps, expand(number, (count,)))
    return in_place(self, y, "fill_diagonal_")


_wrap = wrap  # ``wrap`` is torch's name of an argument
