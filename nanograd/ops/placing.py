"""Reading and writing slices and single elements at tensors of indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd.dtypes import int64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import index as k
from nanograd.kernels import memory
from nanograd.ops.broadcasting import expand
from nanograd.ops.indexing import Steps, erase, pick, read, steps_of
from nanograd.ops.op import Number, op, record, same_device, titled, wrap
from nanograd.ops.refusing import no_tensor
from nanograd.ops.scattering import REDUCTIONS, OutOfRange, as_before, check_bounds, check_integers, combined
from nanograd.ops.shape import one_dim, to_shape
from nanograd.ops.writing import in_place

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "index_add", "index_copy", "index_fill", "index_put", "index_reduce", "index_select", "put", "select_scatter",
    "slice_scatter", "take",
]  # fmt: skip


# Slices


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along ``dim`` whose numbers stand in ``index`` (1-d, integers).

    >>> torch.tensor([[1, 2], [3, 4]]).index_select(1, torch.tensor([1]))
    tensor([[2],
            [4]])
    """
    x, d, steps = _slices("index_select", input, dim, index)
    check_bounds("index_select: index out of range in self", index, d, x.array.shape[d])
    return as_before(pick(x, steps), input, "IndexSelect")


def _slices(name: str, x: Tensor, dim: int, index: Tensor) -> tuple[Tensor, int, Steps]:
    """(x, at least 1-d, the dimension, the steps to its slices)."""
    d = one_dim(name, dim, x.array.ndim)
    if not hasattr(index, "array"):
        raise DTypeError(f"{name}: expected a tensor of indices, got {type(index).__name__}. Use torch.tensor(index).")
    check_integers(name, index)
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
    return as_before(y, input, "IndexAdd")


def _into_slices(name: str, input: Tensor, dim: int, index: Tensor, v: Tensor) -> tuple[Tensor, Steps, Tensor]:
    x, d, steps = _slices(name, input, dim, index)
    check_bounds(name, index, d, x.array.shape[d])
    if v.array.dtype != x.array.dtype:
        raise DTypeError(
            f"{name}: self ({x.dtype}) and source ({v.dtype}) must have the same scalar type. Use source.to({x.dtype})."
        )
    v = v if v.array.ndim else to_shape(v, (1,))
    wanted = tuple(index.array.size if i == d else n for i, n in enumerate(x.array.shape))
    if v.array.ndim == x.array.ndim and v.array.shape[d] != index.array.size:
        raise OutOfRange(
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
    return as_before(stored(x, steps, v), input, "IndexCopy")


def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """A copy of x whose slices number ``index`` along ``dim`` hold one number.

    >>> torch.zeros(3).index_fill(0, torch.tensor([0, 2]), 7.0)
    tensor([7., 0., 7.])
    """
    x, d, steps = _slices("index_fill", input, dim, index)
    size = x.array.shape[d]
    once = k.distinct(steps[0][d], size)  # so that each element filled counts once in the gradient of the value
    steps = ((*steps[0][:d], once),)
    check_bounds("index_fill", index, d, size, -size)
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
    return titled(as_before(y, input, "IndexFill"), f"IndexFillBackward{1 - number}")


def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy of x in which slices of ``source`` that go to one slice are combined by "prod", "mean", "amax", "amin"."""
    if reduce not in REDUCTIONS[1:]:
        raise ShapeError(f"index_reduce: Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    x, _, v = _into_slices("index_reduce", input, dim, index, source)
    d = one_dim("index_reduce", dim, x.array.ndim)
    column = to_shape(index, tuple(index.array.size if i == d else 1 for i in range(x.array.ndim)))
    y = combined("index_reduce", x, d, expand(column, v.array.shape), v, reduce, include_self)
    return as_before(y, input, "IndexReduce")


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
    try:
        if index.array.dtype != int64.numpy:
            raise DTypeError(f"{name}: Expected a long tensor for index, but got {index.dtype}. Use index.long().")
    except AttributeError as error:
        raise no_tensor(error) from None
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
    return as_before(y, input, "Put")


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
