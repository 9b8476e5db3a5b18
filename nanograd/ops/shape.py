"""The same elements in another arrangement: views, joins, copies, casts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nanograd.dtypes import DType
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import memory as k
from nanograd.ops.op import as_operand as as_dtype
from nanograd.ops.op import op, record, result_type, same_device, titled, view
from nanograd.tape import TORCH_NAMES

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "cat", "chunk", "clone", "concat", "concatenate", "flatten", "flip", "movedim", "permute", "reshape", "split",
    "squeeze", "stack", "t", "transpose", "tril", "triu", "unbind", "unsqueeze",
]  # fmt: skip

Shape = tuple[int, ...]
Sizes = int | Sequence[int]
"""Integers as one argument, (2, 3); or the first of several arguments, 2, 3."""


def one_dim(name: str, dim: int, ndim: int) -> int:
    """``dim`` counted from the front.  Raises IndexError outside [-ndim, ndim - 1]; a 0-d tensor counts as 1-d."""
    if type(dim) is not int:
        dim = _whole(name, dim)
    room = max(ndim, 1)
    if not -room <= dim < room:
        raise _no_dim(name, dim, ndim)
    return dim + room if dim < 0 else dim


def _whole(name: str, dim: Any) -> int:
    if not hasattr(dim, "__index__"):
        raise DTypeError(f"{name}: expected a dimension as an integer, or several as a tuple of them, got {dim!r:.60}.")
    return dim.__index__()  # type: ignore[no-any-return]


def _no_dim(name: str, dim: int, ndim: int) -> IndexError:
    room = max(ndim, 1)
    return IndexError(
        f"{name}: Dimension out of range (expected to be in range of [{-room}, {room - 1}], but got {dim}): "
        f"the tensor has {ndim} dimension{'s' * (ndim != 1)}."
    )


def every_dim(name: str, dim: int | Sequence[int] | None, ndim: int) -> Shape:
    """The dimensions meant by ``dim``, all of them for None or ().  Raises IndexError, or ShapeError for repeats."""
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, Sequence):
        return (one_dim(name, dim, ndim),) if ndim else _zero_dim(name, dim)
    dims = tuple(one_dim(name, d, ndim) for d in dim)
    if len(set(dims)) != len(dims):
        raise ShapeError(f"{name}: dim {tuple(dim)} names a dimension twice.")
    return (dims if ndim else ()) or tuple(range(ndim))


def _zero_dim(name: str, dim: int) -> Shape:
    one_dim(name, dim, 0)
    return ()


def sizes(name: str, first: Any, more: Any = ()) -> Shape:
    """Sizes given as ``f(2, 3)`` or ``f((2, 3))``, as a tuple of integers."""
    one = hasattr(first, "__index__") or not isinstance(first, Iterable)
    shape = (first, *more) if more or one else tuple(first)
    try:
        return tuple(s if type(s) is int else s.__index__() for s in shape)
    except (AttributeError, TypeError):
        raise DTypeError(f"{name}: expected sizes that are integers, got {shape!r:.80}.") from None


def infer(name: str, shape: Shape, have: Shape) -> Shape:
    """``shape`` with its one -1 replaced so that it holds as many elements as ``have``."""
    count, known, holes = math.prod(have), 1, 0
    for s in shape:
        if s == -1:
            holes += 1
        elif s < 0:
            raise ShapeError(f"{name}: invalid size {s} in {shape}: sizes are 0 or more, or one -1 to be inferred.")
        else:
            known *= s
    if holes > 1:
        raise ShapeError(f"{name}: only one size can be inferred (-1), got {shape}.")
    if holes:
        if known == 0 or count % known:
            raise ShapeError(
                f"{name}: shape {list(shape)} is invalid for input of size {count}: {count} elements of shape "
                f"{tuple(have)} do not divide into groups of {known}."
            )
        return tuple(count // known if s == -1 else s for s in shape)
    if known != count:
        raise ShapeError(
            f"{name}: shape {list(shape)} is invalid for input of size {count}: it holds {known} elements, "
            f"{tuple(have)} holds {count}."
        )
    return shape


def reshape(input: Tensor, shape: Sizes, *more: int) -> Tensor:
    """The elements in row-major order in another shape; one size may be -1.  A view where strides allow, else a copy.

    >>> torch.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return to_shape(input, infer("reshape", sizes("reshape", shape, more), input.array.shape))


@op("View")
def to_shape(x: Tensor, shape: Shape) -> Tensor:
    """``x`` with exactly ``shape``."""
    before = x.array.shape
    array = k.as_view(x.array, shape)
    if array is None:
        return record(k.reshape(x.array, shape), (x, lambda g: to_shape(g, before)))
    return view(x, array, lambda g: to_shape(g, before))


def view_as_shape(input: Tensor, shape: Any, *more: int) -> Tensor:
    """The same memory in another shape; one size may be -1.

    Raises ShapeError where strides forbid a view (reshape copies then).
    """
    if isinstance(shape, DType):
        raise DTypeError("view: reading bytes as another dtype is not supported; use .to(dtype) to convert values.")
    wanted = infer("view", sizes("view", shape, more), input.array.shape)
    if k.as_view(input.array, wanted) is None:
        raise ShapeError(
            f"view: a tensor of shape {tuple(input.array.shape)} and strides {input.stride()} cannot be seen as "
            f"{wanted} without copying. Use .reshape(...), or .contiguous().view(...)."
        )
    return to_shape(input, wanted)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Viewed in the shape of ``other``."""
    return view_as_shape(input, other.array.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Reshaped to the shape of ``other``."""
    return reshape(input, other.array.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim ... end_dim made one.

    >>> torch.zeros(2, 3, 4).flatten(1).shape
    torch.Size([2, 12])
    """
    shape, ndim = input.array.shape, input.array.ndim
    first, last = one_dim("flatten", start_dim, ndim), one_dim("flatten", end_dim, ndim)
    if first > last:
        raise ShapeError(
            f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in a tensor of {ndim} dimensions."
        )
    return to_shape(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


@op
def permute(input: Tensor, dims: Sizes = (), *more: int) -> Tensor:
    """The view with dimensions in the order ``dims``.

    >>> torch.zeros(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    x, given = input, sizes("permute", dims, more)
    order = tuple(one_dim("permute", d, x.array.ndim) for d in given)
    if sorted(order) != list(range(x.array.ndim)):
        raise ShapeError(f"permute: dims {given} do not name each of the {x.array.ndim} dimensions once.")
    back = tuple(order.index(d) for d in range(len(order)))
    return view(x, k.permute(x.array, order), lambda g: permute(g, back))


def movedim(input: Tensor, source: Sizes, destination: Sizes) -> Tensor:
    """The view with dimension (or dimensions) ``source`` moved to ``destination``, the others in their order."""
    n = input.array.ndim
    to = [one_dim("movedim", d, n) for d in sizes("movedim", destination)]
    moved = [one_dim("movedim", d, n) for d in sizes("movedim", source)]
    if len(to) != len(moved) or len(set(to)) != len(to) or len(set(moved)) != len(moved):
        raise ShapeError(
            f"movedim: expected as many sources as destinations, each once, got {source} and {destination}."
        )
    order = [d for d in range(n) if d not in moved]
    for place, d in sorted(zip(to, moved, strict=True)):
        order.insert(place, d)
    return permute(input, order)


@op
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """The view with two dimensions exchanged."""
    x = input
    a, b = one_dim("transpose", dim0, x.array.ndim), one_dim("transpose", dim1, x.array.ndim)
    order = list(range(x.array.ndim))
    if order:
        order[a], order[b] = order[b], order[a]
    return view(x, k.permute(x.array, tuple(order)), lambda g: transpose(g, a, b))


@op
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers as they are.  Raises ShapeError beyond 2 dimensions."""
    x = input
    if x.array.ndim > 2:
        raise ShapeError(
            f"t: expected a tensor of 2 dimensions or fewer, got shape {tuple(x.array.shape)}. "
            "Use .mT for the last two, or .permute(...)."
        )
    return view(x, x.array.T, lambda g: t(g))


def reversed_dims(input: Tensor) -> Tensor:
    """``x.T``: dimensions in reversed order."""
    return permute(input, tuple(range(input.array.ndim))[::-1])


def matrix_transpose(input: Tensor) -> Tensor:
    """``x.mT``: the last two dimensions exchanged."""
    if input.array.ndim < 2:
        raise ShapeError(f"mT: expected at least 2 dimensions, got shape {tuple(input.array.shape)}.")
    return transpose(input, -2, -1)


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1: all of them, or those in ``dim`` that have it.

    >>> torch.zeros(1, 3, 1).squeeze().shape
    torch.Size([3])
    """
    shape = input.array.shape
    dims = every_dim("squeeze", dim, len(shape))
    y: Tensor = to_shape(input, tuple(s for d, s in enumerate(shape) if s != 1 or d not in dims))
    return titled(y, "SqueezeBackward0" if dim is None else "SqueezeBackward1")


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at ``dim``, in [-ndim - 1, ndim].

    >>> torch.zeros(3).unsqueeze(0).shape
    torch.Size([1, 3])
    """
    shape = input.array.shape
    d = one_dim("unsqueeze", dim, len(shape) + 1)
    return titled(to_shape(input, (*shape[:d], 1, *shape[d:])), "UnsqueezeBackward0")


@op
def expand(input: Tensor, size: Sizes, *more: int) -> Tensor:
    """The view in which dimensions of size 1 repeat (stride 0); -1 keeps a size, new dimensions come in front."""
    x = input
    have, want = x.array.shape, sizes("expand", size, more)
    new = len(want) - len(have)
    if new < 0:
        raise ShapeError(f"expand: {want} has fewer dimensions than the tensor's shape {tuple(have)}.")
    full = []
    for d, s in enumerate(want):
        old = have[d - new] if d >= new else None
        if s == -1 and old is not None:
            s = old
        if s < 0 or (old is not None and old != 1 and old != s):
            raise ShapeError(
                f"expand: cannot expand shape {tuple(have)} to {want}: dimension {d} of the result "
                f"({s}) must match, and only sizes of 1 can be repeated."
            )
        full.append(s)
    return view(x, k.expand(x.array, tuple(full)), lambda g: g)  # the tape sums what broadcasting repeated


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of ``other``."""
    return expand(input, other.array.shape)


@op
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after another along ``dim``; the other sizes must agree.

    >>> torch.cat([torch.zeros(2), torch.ones(1)])
    tensor([0., 0., 1.])
    """
    xs = _same_kind("cat", tensors)
    d = one_dim("cat", dim, max(x.array.ndim for x in xs))
    xs = [x for x in xs if x.array.shape != (0,)] or xs[:1]  # torch lets empty vectors join anything
    first = xs[0].array.shape
    for x in xs:
        shape = x.array.shape
        if not shape:
            raise ShapeError("cat: zero-dimensional tensors cannot be concatenated; use torch.stack.")
        if len(shape) != len(first) or shape[:d] + shape[d + 1 :] != first[:d] + first[d + 1 :]:
            raise ShapeError(
                f"cat: sizes must agree except in dimension {d}, got "
                f"{', '.join(str(tuple(x.array.shape)) for x in xs)}."
            )
    y = k.cat(xs[0].array, tuple(x.array for x in xs[1:]), d)
    edges, start = [], 0
    for x in xs:
        size = x.array.shape[d]
        edges.append((x, _slicer(d, start, size)))
        start += size
    return record(y, *edges)


def _slicer(dim: int, start: int, size: int) -> Any:
    return lambda g: g.narrow(dim, start, size)


TORCH_NAMES["_slicer"] = "CatBackward0"


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, side by side along a new dimension.

    >>> torch.stack([torch.zeros(2), torch.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    xs = _same_kind("stack", tensors)
    d = one_dim("stack", dim, xs[0].array.ndim + 1)
    for x in xs:
        if x.array.shape != xs[0].array.shape:
            raise ShapeError(
                f"stack: all tensors must have one shape, got {tuple(xs[0].array.shape)} and {tuple(x.array.shape)}."
            )
    return cat([unsqueeze(x, d) for x in xs], d)


def _same_kind(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    if not isinstance(tensors, (list, tuple)):
        raise DTypeError(f"{name}: expected a list or tuple of tensors, got {type(tensors).__name__}.")
    if not tensors:
        raise ShapeError(f"{name}: expected at least one tensor, got an empty list.")
    for x in tensors:
        if not hasattr(x, "array"):
            raise DTypeError(f"{name}: expected a list of tensors, got a {type(x).__name__} in it.")
    device = same_device(*tensors)
    dtype = tensors[0].dtype
    if any(x.dtype is not dtype for x in tensors):
        dtype = result_type(*tensors)
    return [as_dtype(x, dtype, device) for x in tensors]


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along ``dim``: of one size (the last may be smaller), or of the given sizes."""
    x, d = tensor, one_dim("split", dim, tensor.array.ndim)
    total = x.array.shape[d]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size <= 0:
            raise ShapeError(f"split: expected a positive size, got {size}.")
        parts = [min(size, total - start) for start in range(0, total, size)] or [0]
    else:
        parts = list(split_size_or_sections)
        if sum(parts) != total or min(parts, default=0) < 0:
            raise ShapeError(
                f"split: sections {parts} must add up to the size {total} of dimension {dim}; "
                f"they add up to {sum(parts)}."
            )
    starts = [sum(parts[:i]) for i in range(len(parts))]
    return tuple(x.narrow(d, start, size) for start, size in zip(starts, parts, strict=True))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` views of equal size along ``dim``; the last may be smaller."""
    if chunks <= 0:
        raise ShapeError(f"chunk: expected at least one chunk, got {chunks}.")
    total = input.array.shape[one_dim("chunk", dim, input.array.ndim)]
    return split(input, max(1, -(-total // chunks)), dim)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the slices along ``dim``, without it."""
    return tuple(input.select(dim, i) for i in range(input.array.shape[one_dim("unbind", dim, input.array.ndim)]))


@op("ToCopy")
def to_dtype(x: Tensor, dtype: DType) -> Tensor:
    """The same values as another dtype."""
    edges = ((x, lambda g: g),) if dtype.is_floating_point else ()  # the tape casts the gradient back
    return record(k.cast(x.array, dtype), *edges)


@op
def clone(input: Tensor) -> Tensor:
    """A copy with memory of its own, through which gradients flow."""
    return record(k.copy(input.array), (input, lambda g: g))


@op
def flip(input: Tensor, dims: Sizes, *more: int) -> Tensor:
    """A copy with the elements along ``dims`` in reversed order."""
    x, order = input, every_dim("flip", sizes("flip", dims, more), input.array.ndim)
    return record(k.flip(x.array, order), (x, lambda g: flip(g, order)))


@op
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of the last two dimensions; zeros above the diagonal."""
    _matrices("tril", input)
    return record(k.triangle(input.array, diagonal, False), (input, lambda g: tril(g, diagonal)))


@op
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of the last two dimensions; zeros below the diagonal."""
    _matrices("triu", input)
    return record(k.triangle(input.array, diagonal, True), (input, lambda g: triu(g, diagonal)))


def _matrices(name: str, x: Tensor) -> None:
    if x.array.ndim < 2:
        raise ShapeError(f"{name}: expected at least 2 dimensions, got shape {tuple(x.array.shape)}.")


def repeat(input: Tensor, repeats: Sizes, *more: int) -> Tensor:
    """The tensor laid out ``repeats`` times along each dimension; new dimensions come in front."""
    times = sizes("repeat", repeats, more)
    if min(times, default=0) < 0:
        raise ShapeError(f"repeat: expected counts of 0 or more, got {times}.")
    have = input.array.shape
    if len(times) < len(have):
        raise ShapeError(f"repeat: {times} has fewer entries than the tensor's shape {tuple(have)} has dimensions.")
    have = (1,) * (len(times) - len(have)) + have
    spread = tuple(n for pair in zip((1,) * len(have), have, strict=True) for n in pair)
    repeated = tuple(n for pair in zip(times, have, strict=True) for n in pair)
    return clone(expand(to_shape(input, spread), repeated)).reshape([a * b for a, b in zip(times, have, strict=True)])


concat = concatenate = cat
