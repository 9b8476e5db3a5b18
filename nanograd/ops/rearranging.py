"""The same elements in other places: reversed, rolled, turned, repeated, in windows, by strides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, GradError, MissingError, ShapeError
from nanograd.formats import expect_dense
from nanograd.kernels import memory as k
from nanograd.kernels.memory import Place
from nanograd.ops.broadcasting import expand
from nanograd.ops.op import op, record, storage_of, view, wrap
from nanograd.ops.shape import Shape, Sizes, clone, every_dim, one_dim, sizes, to_shape, unsqueeze
from nanograd.ops.writing import written

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["as_strided", "flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile"]


@op
def flip(input: Tensor, dims: Sizes, *more: int) -> Tensor:
    """A copy with the elements along ``dims`` in reversed order.

    >>> torch.arange(3).flip(0)
    tensor([2, 1, 0])
    """
    given = sizes("flip", dims, more)
    x, order = input, every_dim("flip", given, input.array.ndim) if given else ()
    return record(k.flip(x.array, order), (x, lambda g: flip(g, order)))


def fliplr(input: Tensor) -> Tensor:
    """The columns in reversed order: ``flip(1)``.  Raises ShapeError for fewer than 2 dimensions."""
    if input.array.ndim < 2:
        raise ShapeError(f"fliplr: Input must be >= 2-d, got shape {tuple(input.array.shape)}. Use .flip(0).")
    return flip(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """The rows in reversed order: ``flip(0)``.  Raises ShapeError for a 0-d tensor."""
    if not input.array.ndim:
        raise ShapeError("flipud: Input must be >= 1-d, got a 0-d tensor.")
    return flip(input, (0,))


@op
def roll(input: Tensor, shifts: Sizes, dims: Sizes = ()) -> Tensor:
    """The elements moved by ``shifts`` along ``dims``; those pushed out at one end come in at the other.

    Without ``dims`` the elements are rolled as if in one line.

    Raises ShapeError for another number of shifts than of dims.

    >>> torch.arange(4).roll(1)
    tensor([3, 0, 1, 2])
    """
    x, by, along = input, sizes("roll", shifts), sizes("roll", dims)
    if not by or (len(by) != len(along) and (along or len(by) > 1)):
        raise ShapeError(
            f"roll: shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)}: give as many of each."
        )
    if not along:
        line = (x.array.size,)
        y = k.reshape(k.roll(k.reshape(x.array, line), by, (0,)), x.array.shape)
    else:
        along = tuple(one_dim("roll", d, x.array.ndim) for d in along)
        y = k.roll(x.array, by, along) if x.array.ndim else k.copy(x.array)
    back = tuple(-s for s in by)
    return record(y, (x, lambda g: roll(g, back, along)))


@op("Rot90")
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A copy turned by k quarter turns in the plane of two dimensions, from the first towards the second.

    Raises ShapeError for other than two different dims.

    >>> torch.tensor([[1, 2], [3, 4]]).rot90()
    tensor([[2, 4],
            [1, 3]])
    """
    x, times, ndim = input, k, input.array.ndim
    if len(dims) != 2:
        raise ShapeError(f"rot90: expected total rotation dims == 2, but got dims = {len(dims)}.")
    if ndim < 2:
        raise ShapeError(f"rot90: expected total dims >= 2, but got total dims = {ndim}.")
    for d in dims:
        if not -ndim <= d < ndim:
            raise ShapeError(f"rot90: Rotation dim out of range, got dim = {d} for a tensor of {ndim} dimensions.")
    a, b = one_dim("rot90", dims[0], ndim), one_dim("rot90", dims[1], ndim)
    if a == b:
        raise ShapeError(
            f"rot90: expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}."
        )
    plane = a, b
    return record(_rot90(x.array, times, plane), (x, lambda g: rot90(g, -times, plane)))


_rot90 = k.rot90  # ``k`` is torch's name for the number of turns


# Repeated


@op
def repeat(input: Tensor, repeats: Sizes, *more: int) -> Tensor:
    """The tensor laid out ``repeats`` times along each dimension; new dimensions come in front.

    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    x, times, have = input, sizes("repeat", repeats, more), input.array.shape
    if min(times, default=0) < 0:
        raise ShapeError(f"repeat: expected counts of 0 or more, got {times}: no tensor has a negative dimension.")
    if len(times) < len(have):
        raise ShapeError(
            f"repeat: {times} has fewer entries than the tensor's shape {tuple(have)} has dimensions: Number of "
            "dimensions of repeat dims can not be smaller than number of dimensions of tensor."
        )
    rows = (1,) * (len(times) - len(have)) + tuple(have)
    pairs = tuple(n for pair in zip(times, rows, strict=True) for n in pair)  # (times, size) of each dimension
    again = tuple(range(0, len(pairs), 2))
    return record(k.tile(x.array, times), (x, lambda g: _sum_repeats(g, pairs, again, have)))


def _sum_repeats(g: Tensor, pairs: Shape, again: Shape, shape: Shape) -> Tensor:
    parts = to_shape(g, pairs)
    return to_shape(parts.sum(again) if again else parts, shape)


def tile(input: Tensor, dims: Sizes, *more: int) -> Tensor:
    """``repeat``, where missing counts in front are 1."""
    times = sizes("tile", dims, more)
    return repeat(input, (1,) * (input.array.ndim - len(times)) + times)


def repeat_interleave(input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: Any = None) -> Tensor:
    """Each element (or slice along ``dim``) ``repeats`` times in a row; ``repeats`` may hold a count for each.

    ``repeat_interleave(counts)`` alone gives place number i counts[i] times.

    >>> torch.tensor([1, 2]).repeat_interleave(2)
    tensor([1, 1, 2, 2])
    >>> torch.tensor([1, 2]).repeat_interleave(torch.tensor([1, 3]))
    tensor([1, 2, 2, 2])
    """
    if repeats is None:
        return _counted(input, input.array.size)
    x = input if dim is not None else to_shape(input, (input.array.size,))
    if not x.array.ndim:
        raise IndexError(
            f"repeat_interleave: Dimension specified as {dim} but tensor has no dimensions. Leave dim out."
        )
    d = one_dim("repeat_interleave", 0 if dim is None else dim, x.array.ndim)
    if not hasattr(repeats, "array"):
        return _same_count(x, int(repeats), d)
    if repeats.array.size == 1:
        repeats = expand(to_shape(repeats, (1,)), (x.array.shape[d],))
    return x.index_select(d, _counted(repeats, x.array.shape[d]))


def _same_count(x: Tensor, times: int, d: int) -> Tensor:
    if times < 0:
        raise ShapeError(f"repeat_interleave: Repeats must be non-negative, got {times}.")
    shape = x.array.shape
    wide = expand(unsqueeze(x, d + 1), (*shape[: d + 1], times, *shape[d + 1 :]))
    return to_shape(clone(wide), (*shape[:d], shape[d] * times, *shape[d + 1 :]))


def _counted(counts: Tensor, size: int) -> Tensor:
    """i, counts[i] times, for every i."""
    if counts.array.dtype.kind not in "iu":
        raise DTypeError(f"repeat_interleave: repeats has to be Long or Int tensor, got {counts.dtype}. Use .long().")
    if counts.array.ndim > 1 or counts.array.size != size:
        raise ShapeError(
            f"repeat_interleave: repeats must have the same size as input along dim, but got repeats of shape "
            f"{tuple(counts.array.shape)} and input.size(dim) = {size}."
        )
    if size and int(counts.amin()) < 0:
        raise ShapeError(f"repeat_interleave: repeats can not be negative, got {int(counts.amin())}.")
    return wrap(k.repeated_places(counts.array))


# Windows and strides


@op
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The view of windows of ``size`` elements, ``step`` apart along a dimension; their elements come last.

    >>> torch.arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    x, shape = input, input.array.shape
    d = one_dim("unfold", dimension, len(shape))
    room = shape[d] if shape else 1
    if size < 0:
        raise ShapeError(f"unfold: size is {size} but must be >= 0.")
    if size > room:
        raise ShapeError(f"unfold: maximum size for tensor at dimension {dimension} is {room} but size is {size}.")
    if step <= 0:
        raise ShapeError(f"unfold: step is {step} but must be > 0.")
    return view(x, k.windows(x.array, d, size, step), lambda g: add_windows(g, shape, d, size, step))


@op("UnfoldBackward")
def add_windows(g: Tensor, shape: Shape, dim: int, size: int, step: int) -> Tensor:
    """Zeros of ``shape`` to which windows are added where ``unfold`` looks: its adjoint."""
    return record(k.add_windows(g.array, shape, dim, step), (g, lambda h: unfold(h, dim, size, step)))


@op
def as_strided(input: Tensor, size: Sizes, stride: Sizes, storage_offset: int | None = None) -> Tensor:
    """The view of the tensor's memory with these sizes and strides (in elements), from ``storage_offset`` on.

    Raises ShapeError beyond the memory, and for negative strides.

    >>> torch.arange(6).as_strided((2, 2), (3, 1), 1)
    tensor([[1, 2],
            [4, 5]])
    """
    x, shape, strides = input, sizes("as_strided", size), sizes("as_strided", stride)
    start = k.offset(x.array) if storage_offset is None else storage_offset
    _check_strided(x, shape, strides, start)
    source = (tuple(x.array.shape), x.stride(), k.offset(x.array))
    target = (shape, strides, start)
    y = k.strided(x.array, target)
    if x.is_contiguous():
        return view(x, y, lambda g: restride(g, target, source))
    alike = wrap(
        k.restride(k.ones_like(x.array), source, source)
    )  # elements of x that share a place share its gradient
    return view(x, y, lambda g: restride(g, target, source) / alike)


def _check_strided(x: Tensor, shape: Shape, strides: Shape, start: int) -> None:
    if len(shape) != len(strides):
        raise ShapeError(f"as_strided: mismatch in length of strides and shape: got {strides} and {shape}.")
    if min(strides, default=0) < 0:
        raise ShapeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(strides)}.")
    if min(shape, default=0) < 0 or start < 0:
        raise ShapeError(f"as_strided: sizes and storage offset must not be negative, got {shape} and {start}.")
    room = k.room(x.array)
    need = start + 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if math.prod(shape) else 0
    if need > room:
        raise ShapeError(
            f"as_strided: sizes {list(shape)}, strides {list(strides)}, storage offset {start} require a storage of "
            f"{need} elements and are out of bounds for storage of {room} elements."
        )


@op("AsStridedBackward")
def restride(x: Tensor, source: Place, target: Place) -> Tensor:
    """What lies at the places ``target`` in a memory of zeros to which x was added at the places ``source``."""
    return record(k.restride(x.array, source, target), (x, lambda h: restride(h, target, source)))


def resize_(self: Tensor, size: Sizes, *more: int, memory_format: Any = None) -> Tensor:
    """Give this tensor another shape in place: its first elements stay, what is added is zero here.

    Raises GradError for a tensor that requires grad, ShapeError where it must grow and shares its memory.
    """
    expect_dense("resize_", memory_format)
    shape = sizes("resize_", size, more)
    count, start = math.prod(shape), k.offset(self.array)
    if min(shape, default=0) < 0:
        raise ShapeError(f"resize_: sizes must not be negative, got {shape}.")
    _check_plain("resize_", self)
    if start + count > k.room(self.array):
        if self.base is not None or (self.storage is not None and self.storage.held_by_more_than(1)):
            raise ShapeError(
                f"resize_: the tensor of shape {tuple(self.array.shape)} shares its memory, which is too small for "
                f"{shape}. clone() it first."
            )
        line: Place = ((self.array.size,), (1,), start)
        self.array = k.lengthened(k.strided(self.array, line), count)
        start = 0
    steps = tuple(math.prod(shape[d + 1 :]) for d in range(len(shape)))
    self.array = k.strided(self.array, (shape, steps, start))
    written(self)
    return self


def set_(self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Let this tensor look at the memory of ``source``; without one it becomes empty.

    Raises GradError where one of them requires grad, DTypeError where the dtypes differ.
    """
    _check_plain("set_", self)
    if source is None:
        source = wrap(k.full.on(self.device)((0,), 0, self.dtype))
    if not hasattr(source, "array"):
        raise MissingError(f"set_: expected a Tensor, got {type(source).__name__}: storages are not offered here.")
    _check_plain("set_", source)
    if source.dtype is not self.dtype:
        raise DTypeError(f"set_: expected a tensor of {self.dtype}, got {source.dtype}. Use source.to({self.dtype}).")
    if size is not None:
        strides = tuple(math.prod(size[d + 1 :]) for d in range(len(size))) if stride is None else stride
        source = as_strided(source, size, strides, storage_offset)
    written(self)
    self.array, self.storage, self.base = source.array, storage_of(source), source.base
    written(self)
    return self


def _check_plain(name: str, x: Tensor) -> None:
    if x.node is not None:
        raise GradError(f"{name}: cannot change the memory of a tensor that requires grad. Use x.detach() or x.data.")
