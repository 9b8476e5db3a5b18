"""The same elements in another shape: views where memory allows, copies and casts where not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nanograd.dtypes import DType
from nanograd.errors import DTypeError, ShapeError
from nanograd.formats import expect_dense
from nanograd.kernels import memory as k
from nanograd.ops.op import op, record, share, titled, view, wrap
from nanograd.ops.refusing import no_tensor

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "adjoint", "clone", "flatten", "movedim", "moveaxis",
    "permute", "ravel", "reshape", "squeeze", "swapaxes", "swapdims", "t", "transpose", "unflatten", "unsqueeze",
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
    if isinstance(dim, (bool, type)) or not hasattr(dim, "__index__"):
        hint = " Did you mean keepdim=True?" if dim is True else ""
        raise DTypeError(
            f"{name}(): argument 'dim' must be int, or a tuple of ints, not {type(dim).__name__}. "
            f"Got {dim!r:.60}.{hint}"
        )
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
        twice = next(d for d in dims if dims.count(d) > 1)
        raise ShapeError(f"{name}: dim {twice} appears multiple times in the list of dims {tuple(dim)}.")
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
            raise ShapeError(
                f"{name}: invalid shape dimension {s} in {list(shape)}: sizes are 0 or more, or one -1 to be inferred."
            )
        else:
            known *= s
    if holes > 1:
        raise ShapeError(f"{name}: only one dimension can be inferred (-1), got {list(shape)}.")
    if holes:
        if known == 0 and count == 0:
            raise ShapeError(
                f"{name}: cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified "
                "dimension size -1 can be any value and is ambiguous. Say the size."
            )
        if known == 0 or count % known:
            raise ShapeError(
                f"{name}: shape '{list(shape)}' is invalid for input of size {count}: {count} elements of shape "
                f"{tuple(have)} do not divide into groups of {known}."
            )
        return tuple(count // known if s == -1 else s for s in shape)
    if known != count:
        raise ShapeError(
            f"{name}: shape '{list(shape)}' is invalid for input of size {count}: it holds {known} elements, "
            f"{tuple(have)} holds {count}."
        )
    return shape


def reshape(input: Tensor, shape: Sizes, *more: int) -> Tensor:
    """The elements in row-major order in another shape; one size may be -1.  A view where strides allow, else a copy.

    Raises ShapeError where the elements do not fill the shape.

    >>> torch.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    try:
        return _reshaped(input, infer("reshape", sizes("reshape", shape, more), input.array.shape))
    except AttributeError as error:
        raise no_tensor(error) from None


def _reshaped(x: Tensor, shape: Shape) -> Tensor:
    y: Tensor = to_shape(x, shape)
    if y.node is not None and y.base is not None and not x.is_contiguous():
        y.node.title = "ReshapeAliasBackward0"  # torch's name where the strides only happen to allow a view
    return y


@op("View")
def to_shape(x: Tensor, shape: Shape) -> Tensor:
    """``x`` with exactly ``shape``."""
    before = x.array.shape
    array = k.as_view(x.array, shape)
    if array is None:
        return titled(record(k.reshape(x.array, shape), (x, lambda g: to_shape(g, before))), "UnsafeViewBackward0")
    return view(x, array, lambda g: to_shape(g, before))


def view_as_shape(input: Tensor, size: Any, *more: int) -> Tensor:
    """The same memory in another shape, in which one size may be -1; or, for a dtype, its bytes read as that dtype.

    Raises ShapeError where strides forbid a view (reshape copies then), or where the bytes do not divide into
    elements of the dtype.

    >>> torch.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    >>> torch.ones(1).view(torch.int32)
    tensor([1065353216], dtype=torch.int32)
    """
    if isinstance(size, DType):
        return _as_bits(input, size)
    wanted = infer("view", sizes("view", size, more), input.array.shape)
    if k.as_view(input.array, wanted) is None:
        raise ShapeError(
            f"view: view size is not compatible with input tensor's size and stride: a tensor of size "
            f"{tuple(input.array.shape)} and strides {input.stride()} cannot be seen as {wanted} without copying. "
            "Use .reshape(...) instead, or .contiguous().view(...)."
        )
    return to_shape(input, wanted)


def _as_bits(x: Tensor, dtype: DType) -> Tensor:
    """x's bytes read as another dtype: a view without a derivative."""
    have, want = x.array.itemsize, dtype.itemsize
    if have != want:
        _check_bits(x, dtype, have, want)
    return share(x, wrap(k.bits(x.array, dtype)))


def _check_bits(x: Tensor, dtype: DType, have: int, want: int) -> None:
    what = f"to view {x.dtype} as {dtype} (different element sizes)"
    if not x.array.ndim:
        raise ShapeError(f"view: self.dim() cannot be 0 {what}. Make it 1-d first: x.reshape(1).")
    strides, times = x.stride(), want // have
    if want > have and x.array.shape[-1] % times:
        raise ShapeError(f"view: self.size(-1) must be divisible by {times} {what}, but got {x.array.shape[-1]}.")
    if strides[-1] != 1:
        raise ShapeError(f"view: self.stride(-1) must be 1 {what}, but got {strides[-1]}. Use .contiguous() first.")
    if want > have and (k.offset(x.array) % times or any(s % times for s in strides[:-1])):
        raise ShapeError(
            f"view: self.storage_offset() and the strides must be divisible by {times} {what}; clone() it."
        )


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Viewed in the shape of ``other``."""
    return view_as_shape(input, other.array.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Reshaped to the shape of ``other``."""
    return reshape(input, other.array.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim ... end_dim made one; itself if that is one dimension already.

    Raises ShapeError for an end_dim before start_dim.

    >>> torch.zeros(2, 3, 4).flatten(1).shape
    torch.Size([2, 12])
    """
    try:
        shape, ndim = input.array.shape, input.array.ndim
    except AttributeError as error:
        raise no_tensor(error) from None
    first, last = one_dim("flatten", start_dim, ndim), one_dim("flatten", end_dim, ndim)
    if first > last:
        raise ShapeError(
            f"flatten: start_dim cannot come after end_dim: start_dim {start_dim} comes after end_dim {end_dim} in a "
            f"tensor of {ndim} dimensions."
        )
    if first == last and ndim:
        return input
    return _reshaped(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """The elements in row-major order in one dimension: a view where strides allow, else a copy."""
    try:
        return to_shape(input if input.is_contiguous() else clone(input), (input.array.size,))
    except AttributeError as error:
        raise no_tensor(error) from None


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension made several; one of ``sizes`` may be -1.

    Raises ShapeError where the sizes do not multiply to that of the dimension.

    >>> torch.zeros(2, 12).unflatten(1, (3, -1)).shape
    torch.Size([2, 3, 4])
    """
    shape, d = input.array.shape, one_dim("unflatten", dim, input.array.ndim)
    wanted = _sizes("unflatten", sizes)
    if not wanted:
        raise ShapeError("unflatten: sizes must be non-empty.")
    if not shape:
        raise ShapeError("unflatten: expected a tensor with dimensions, got a 0-d tensor. Use .reshape(...).")
    known = math.prod(s for s in wanted if s != -1)
    holes = wanted.count(-1)
    if holes > 1:
        raise ShapeError(f"unflatten: only one dimension can be inferred (-1), got {list(wanted)}.")
    if known != shape[d] if not holes else known <= 0 or shape[d] % known:
        raise ShapeError(
            f"unflatten: Provided sizes {list(wanted)} don't multiply up to the size of dim {dim} ({shape[d]}) in the "
            f"input tensor of shape {tuple(shape)}."
        )
    split = tuple(shape[d] // known if s == -1 else s for s in wanted)
    return to_shape(input, (*shape[:d], *split, *shape[d + 1 :]))


_sizes = sizes  # the function, where a parameter of the same name hides it


# Dimensions in another order


@op
def permute(input: Tensor, dims: Sizes = (), *more: int) -> Tensor:
    """The view with dimensions in the order ``dims``.

    Raises ShapeError unless each dimension is named once.

    >>> torch.zeros(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    try:
        x, given = input, sizes("permute", dims, more)
        if len(given) != x.array.ndim:
            raise ShapeError(
                f"permute: dims {given} do not name each of the {x.array.ndim} dimensions once: the number of "
                f"dimensions in the tensor input does not match the length of the desired ordering: input.dim() = "
                f"{x.array.ndim} is not equal to len(dims) = {len(given)}."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    order = tuple(one_dim("permute", d, x.array.ndim) for d in given)
    if len(set(order)) != len(order):
        raise ShapeError(
            f"permute: dims {given} do not name each of the {x.array.ndim} dimensions once: duplicate dims are not "
            "allowed."
        )
    back = tuple(order.index(d) for d in range(len(order)))
    return view(x, k.permute(x.array, order), lambda g: permute(g, back))


def movedim(input: Tensor, source: Sizes, destination: Sizes) -> Tensor:
    """The view with dimension (or dimensions) ``source`` moved to ``destination``, the others in their order.

    Raises ShapeError unless there are as many destinations, each once.

    >>> torch.zeros(2, 3, 4).movedim(0, -1).shape
    torch.Size([3, 4, 2])
    """
    n, given, wanted = input.array.ndim, sizes("movedim", source), sizes("movedim", destination)
    if len(given) != len(wanted):
        raise ShapeError(
            f"movedim: expected as many sources as destinations, each once, got {source} and {destination}."
        )
    moved, to = _distinct("source", given, n), _distinct("destination", wanted, n)
    order = [d for d in range(n) if d not in moved]
    for place, d in sorted(zip(to, moved, strict=True)):
        order.insert(place, d)
    y: Tensor = permute(input, order[:n])
    return y if n else titled(y, "AliasBackward0")


def _distinct(what: str, dims: Shape, ndim: int) -> list[int]:
    found = [one_dim("movedim", d, ndim) for d in dims]
    if len(set(found)) != len(found):
        raise ShapeError(f"movedim: repeated dim in `{what}` ({list(dims)}): name each once.")
    return found


moveaxis = movedim


@op
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """The view with two dimensions exchanged."""
    try:
        x = input
        a, b = one_dim("transpose", dim0, x.array.ndim), one_dim("transpose", dim1, x.array.ndim)
    except AttributeError as error:
        raise no_tensor(error) from None
    order = list(range(x.array.ndim))
    if order:
        order[a], order[b] = order[b], order[a]
    return view(x, k.permute(x.array, tuple(order)), lambda g: transpose(g, a, b))


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """``transpose``, under NumPy's name."""
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """``transpose``."""
    return transpose(input, dim0, dim1)


@op
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers as they are.  Raises ShapeError beyond 2 dimensions."""
    try:
        x = input
        if x.array.ndim > 2:
            raise ShapeError(
                f"t: expects a tensor with <= 2 dimensions, but self is {x.array.ndim}D: got shape "
                f"{tuple(x.array.shape)}. Use .mT for the last two, or .permute(...)."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    return view(x, k.permute(x.array, tuple(range(x.array.ndim))[::-1]), lambda g: t(g))


def reversed_dims(input: Tensor) -> Tensor:
    """``x.T``: dimensions in reversed order."""
    return permute(input, tuple(range(input.array.ndim))[::-1])


def matrix_transpose(input: Tensor) -> Tensor:
    """``x.mT``: the last two dimensions exchanged.  Raises ShapeError for fewer than 2."""
    return _last_two(input, "mT")


def conjugate_transpose(input: Tensor) -> Tensor:
    """``x.H``: a matrix transposed; there are no complex numbers to conjugate."""
    if input.array.ndim not in (0, 2):
        raise ShapeError(
            f"H: tensor.H is only supported on matrices (2-D tensors). Got {input.array.ndim}-D tensor of shape "
            f"{tuple(input.array.shape)}. For batches of matrices use .mH."
        )
    return _last_two(input, "H")


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged; there are no complex numbers to conjugate."""
    return _last_two(input, "adjoint")


def _last_two(x: Tensor, name: str) -> Tensor:
    try:
        if x.array.ndim == 1:
            raise ShapeError(
                f"{name}: expected at least 2 dimensions, matrices or batches of matrices. Got {x.array.ndim}-D tensor "
                f"of shape {tuple(x.array.shape)}."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    return transpose(x, -2, -1) if x.array.ndim else x


# Dimensions of size 1


def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1: all of them, or those in ``dim`` that have it.

    >>> torch.zeros(1, 3, 1).squeeze().shape
    torch.Size([3])
    """
    try:
        shape = input.array.shape
    except AttributeError as error:
        raise no_tensor(error) from None
    several = isinstance(dim, Sequence)
    dims = () if several and not dim else every_dim("squeeze", dim, len(shape))
    y: Tensor = to_shape(input, tuple(s for d, s in enumerate(shape) if s != 1 or d not in dims))
    return titled(y, f"SqueezeBackward{0 if dim is None else 2 if several else 1}")


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at ``dim``, in [-ndim - 1, ndim].

    >>> torch.zeros(3).unsqueeze(0).shape
    torch.Size([1, 3])
    """
    try:
        shape = input.array.shape
    except AttributeError as error:
        raise no_tensor(error) from None
    d = one_dim("unsqueeze", dim, len(shape) + 1)
    return titled(to_shape(input, (*shape[:d], 1, *shape[d:])), "UnsqueezeBackward0")


# Copies


@op("ToCopy")
def to_dtype(x: Tensor, dtype: DType) -> Tensor:
    """The same values as another dtype."""
    edges = ((x, lambda g: g),) if dtype.is_floating_point else ()  # the tape casts the gradient back
    return record(k.cast(x.array, dtype), *edges)


@op
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A dense copy with memory of its own, through which gradients flow."""
    try:
        expect_dense("clone", memory_format)
        return record(k.copy(input.array), (input, lambda g: g))
    except AttributeError as error:
        raise no_tensor(error) from None


def strides_of(array: Any) -> Shape:
    """The strides of an array, counted in elements, as torch has them: where a size is 0 or 1, as if it were dense."""
    strides = [s // array.itemsize for s in array.strides]
    if 0 in strides:
        for d in range(len(strides) - 1, -1, -1):
            if array.shape[d] <= 1 or not array.size:
                dense = max(array.shape[d + 1], 1) * strides[d + 1] if d + 1 < len(strides) else 1
                strides[d] = dense if not strides[d] else strides[d]
    return tuple(strides)


def storage_offset(input: Tensor) -> int:
    """How many elements lie in its memory before its first."""
    return int(k.offset(input.array))
