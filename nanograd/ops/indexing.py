"""Parts of tensors: reading, writing, gathering.  Reading and adding back are each other's adjoint."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from nanograd.dtypes import int64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import index as k
from nanograd.kernels import memory
from nanograd.ops.op import (
    as_operand,
    op,
    record,
    same_device,
    tensor_class,
    titled,
    view,
    wrap,
)
from nanograd.ops.refusing import no_tensor
from nanograd.ops.shape import one_dim
from nanograd.ops.writing import check_writable, written
from nanograd.tape import GROWING, mode

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["narrow", "narrow_copy", "select"]

Places = tuple[Any, ...]
Steps = tuple[Places, ...]


def steps_of(x: Tensor, index: Any) -> Steps:
    """The index in one or two steps: integers, slices and None first, then arrays of indices, as torch orders them.

    Raises IndexError for too many, out of bounds, or of another kind.
    """
    if type(index) is list and not all(isinstance(i, (int, np.integer)) for i in index):
        raise IndexError(
            f"index: a list of lists or tensors can be read in two ways, got {index!r:.60}. "
            "Write x[tuple(index)] for one index per dimension, or x[torch.tensor(index)] for one array of indices."
        )
    first: list[Any] = []  # integers, slices, None, Ellipsis
    then: list[Any] = []  # what is left for arrays of indices
    arrays, used = False, 0
    for item in index if type(index) is tuple else (index,):
        if type(item) is int:
            used += 1
        elif isinstance(item, slice):
            item = _slice(item)
            used += 1
            then.append(slice(None))
        elif item is None:
            then.append(slice(None))
        elif item is Ellipsis:
            then.append(Ellipsis)
        else:
            item, dims = _index_array(item, x)
            used += dims
            if type(item) is not int:
                arrays = True
                then.append(item)
                first += [slice(None)] * dims
                continue
        first.append(item)
    _check_integers(x, first, used)
    if used == x.array.ndim:  # an Ellipsis for no dimension does not part the arrays of indices
        then = [place for place in then if place is not Ellipsis]
    if not any(place is Ellipsis for place in first):
        first.append(Ellipsis)  # so that NumPy gives a view of a single element too
    if not arrays:
        return (tuple(first),)
    plain = all(place is Ellipsis or place == slice(None) for place in first)
    return (tuple(then),) if plain else (tuple(first), tuple(then))


def _slice(s: slice) -> slice:
    if s.step is not None and s.step <= 0:
        raise ShapeError(f"index: slice steps must be greater than 0, got {s.step}. Use .flip(dim) to reverse.")
    parts = (p if p is None else p.__index__() for p in (s.start, s.stop, s.step))
    return slice(*parts)


def _index_array(item: Any, x: Tensor) -> tuple[Any, int]:
    """(an index array of the device or a plain int, how many dimensions it takes)."""
    if hasattr(item, "array"):
        tensor = item
    elif isinstance(item, (bool, np.bool_)):
        tensor = wrap(memory.full.on(x.device)((), bool(item), _bool()))
    elif isinstance(item, (list, tuple, np.ndarray, range)):
        tensor = wrap(memory.from_host.on(x.device)(*_host_index(item)))
    elif hasattr(item, "__index__"):
        return item.__index__(), 1
    else:
        raise IndexError(
            f"index: only integers, slices, Ellipsis, None, and integer or bool tensors or lists are valid indices; "
            f"got {type(item).__name__} {item!r:.40}."
        )
    kind = tensor.array.dtype.kind
    if kind == "f":
        raise IndexError(f"index: tensors used as indices must be integer or bool, got {tensor.dtype}. Use .long().")
    if kind == "b":
        return memory.copy(tensor.array), tensor.array.ndim
    if tensor.array.dtype == np.uint8:  # torch reads uint8 as a mask
        return memory.cast(tensor.array, _bool()), tensor.array.ndim
    if not tensor.array.ndim:
        return int(tensor.item()), 1
    return memory.cast(tensor.array, int64), 1  # a copy: what is written into the index later changes nothing here


def _bool() -> Any:
    from nanograd.dtypes import bool_

    return bool_


def _host_index(item: Any) -> tuple[Any, Any]:
    array = np.asarray(
        [int(i) if hasattr(i, "array") else i for i in item] if isinstance(item, (list, tuple)) else item
    )
    if not array.size:
        return array.astype(np.int64), int64
    if array.dtype.kind == "b":
        return array, _bool()
    if array.dtype.kind not in "iu":
        raise IndexError(f"index: lists used as indices must hold integers or truth values, got {item!r:.60}.")
    return array, int64


def _check_integers(x: Tensor, places: list[Any], used: int) -> None:
    """Refuse too many indices, and integers out of range with torch's words."""
    shape = x.array.shape
    if used > len(shape):
        more = "" if shape else " A number has no parts: use tensor.item() for it."
        raise IndexError(
            f"index: too many indices for tensor of dimension {len(shape)}: got {used} for shape {tuple(shape)}.{more}"
        )
    dim = 0
    for place in places:
        if type(place) is int and not -shape[dim] <= place < shape[dim]:
            raise IndexError(f"index {place} is out of bounds for dimension {dim} with size {shape[dim]}")
        dim += len(shape) - used if place is Ellipsis else place is not None


def getitem(input: Tensor, index: Any) -> Tensor:
    """x[index]: a view for integers and slices, a copy for tensors or lists of indices.

    Raises IndexError out of bounds, with too many indices, or for indices of another kind.
    """
    steps = steps_of(input, index)
    if _has_arrays(steps):
        return pick(input, steps)
    y = part(input, steps[0])
    if y.node is None:
        return y
    return titled(y, "SelectBackward0" if type(index) is int else _title(index))


def _title(index: Any) -> str:
    """torch's name for the last of the views that an index is made of."""
    if type(index) is not tuple:
        index = (index,)
    name = "Alias"
    for item in index:
        if item is None:
            name = "Unsqueeze"
        elif item is not Ellipsis and (item != slice(None) if isinstance(item, slice) and len(index) > 1 else True):
            name = "Slice" if isinstance(item, slice) else "Select"
    return f"{name}Backward0"


def _has_arrays(steps: Steps) -> bool:
    return any(hasattr(place, "dtype") for place in steps[-1])


@op("Slice")
def part(x: Tensor, places: Places) -> Tensor:
    """x[places] for integers and slices: a view."""
    shape = x.array.shape
    return view(x, k.part(x.array, places), lambda g: place(g, (places,), shape))


@op("Index")
def pick(x: Tensor, steps: Steps) -> Tensor:
    """The elements at ``steps``, with arrays of indices among them: a copy."""
    shape = x.array.shape
    try:
        y = k.take(x.array, steps)
    except IndexError as error:
        raise IndexError(f"index: {error} (indexing a tensor of shape {tuple(shape)})") from None
    return record(y, (x, lambda g: place(g, steps, shape)))


def place(g: Tensor, steps: Steps, shape: tuple[int, ...]) -> Tensor:
    """``put_zeros``; where nothing is recorded, only once its elements are asked for."""
    return put_zeros(g, steps, shape) if mode.enabled else _placed()(g.array, steps, shape)


@functools.cache
def _placed() -> Any:
    """The class of gradients that are zero except at a place.

    Reading x[:, t] for every t would otherwise make a full-size array of zeros each time: a Placed adds itself into
    what already waits for x.
    """

    class Total(tensor_class()):  # type: ignore[misc]
        """A sum of gradients in memory of its own, to which others may be added in place."""

        def __new__(cls, *args: Any) -> Any:
            return object.__new__(cls)

        def __init__(self, array: Any) -> None:
            self.array = array

        def settled(self) -> Any:
            return wrap(self.array)

    class Placed(Total):
        """The gradient of a part: zeros elsewhere, made when its elements are asked for."""

        def __init__(self, part: Any, steps: Steps, shape: tuple[int, ...]) -> None:
            self.part, self.steps, self.full = part, steps, shape

        @functools.cached_property
        def array(self) -> Any:
            return k.add_at(self.part, self.steps, self.full)

        def fit(self, shape: tuple[int, ...], dtype: Any) -> Any:
            return self if self.part.dtype == dtype else Total(self.array).fit(shape, dtype)

        def owned(self, taken: bool) -> Any:
            return self

        def __radd__(self, waiting: Any) -> Any:
            total = waiting if type(waiting) is Total else Total(memory.copy(waiting.array))
            k.add_into(total.array, self.steps, self.part)
            return total

        def __add__(self, later: Any) -> Any:
            return Total(self.array) + later

    GROWING.update((Total, Placed))
    return Placed


@op("IndexPut")
def put_zeros(g: Tensor, steps: Steps, shape: tuple[int, ...]) -> Tensor:
    """Zeros of ``shape`` to which g is added at ``steps``: the adjoint of reading them."""
    return record(k.add_at(g.array, steps, shape), (g, lambda h: read(h, steps)))


def read(x: Tensor, steps: Steps) -> Tensor:
    """The elements at steps that were checked before."""
    return pick(x, steps) if _has_arrays(steps) else part(x, steps[0])


def setitem(input: Tensor, index: Any, value: Any) -> None:
    """x[index] ← value, in place; the value is broadcast to the part and cast to x's dtype.

    Raises ShapeError where it does not broadcast, DTypeError for what holds no numbers, IndexError out of bounds, with
    too many indices, or for indices of another kind, GradError for a leaf that requires grad.
    """
    steps = steps_of(input, index)
    if hasattr(value, "array"):
        v = value
    else:
        memory.expect_room("setitem", _plain(value), input.dtype)
        v = as_operand(_plain(value), input.dtype, input.device)
    same_device(input, v)
    shape = k.take(input.array, steps).shape
    put_in(input, steps, _fit_part(v.to(input.dtype), shape))


def _plain(value: Any) -> Any:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple, np.ndarray, np.generic)):
        with suppress(ValueError):  # rows of several lengths
            plain = np.asarray(value)
            if plain.dtype.kind in "biufc":
                return plain
    raise DTypeError(f"setitem: expected a tensor or a number to store, got {type(value).__name__} {value!r:.40}.")


def _fit_part(v: Tensor, shape: tuple[int, ...]) -> Tensor:
    have = v.array.shape
    while len(have) > len(shape) and have[0] == 1:
        v = v.squeeze(0)
        have = v.array.shape
    if len(have) > len(shape) or any(a not in (1, b) for a, b in zip(have[::-1], shape[::-1], strict=False)):
        raise ShapeError(
            f"setitem: the value of shape {tuple(have)} cannot be broadcast to the indexed part of shape "
            f"{tuple(shape)}."
        )
    return v


@op("CopySlices")
def put_in(x: Tensor, steps: Steps, v: Tensor) -> Tensor:
    """The elements at ``steps`` ← v, in place: their gradients go to v, the others to what x was."""
    check_writable(x, v.node is not None, "setitem")
    if v.storage is not None and v.storage is x.storage:
        v = v.clone()  # the value may look at what is written
    k.put(x.array, steps, v.array)
    y = record(x.array, (x, lambda g: erase(g, steps)), (v, lambda g: read(g, steps)))
    written(x, titled(y, "IndexPutBackward0") if _has_arrays(steps) else y)
    return x


@op("IndexFill")
def erase(g: Tensor, steps: Steps) -> Tensor:
    """g with zeros at ``steps``."""
    zero = memory.full.on(g.device)((), 0, g.dtype)
    return record(k.put_at(g.array, steps, zero), (g, lambda h: erase(h, steps)))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The view of slice number ``index`` along ``dim``, without that dimension."""
    try:
        if not input.array.ndim:
            raise IndexError("select: select() cannot be applied to a 0-dim tensor.")
    except AttributeError as error:
        raise no_tensor(error) from None
    d = one_dim("select", dim, input.array.ndim)
    return titled(part(input, _checked(input, d, int(index))), "SelectBackward0")


def _checked(x: Tensor, dim: int, index: int) -> Places:
    size = x.array.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select: index {index} out of range for tensor of size {list(x.array.shape)} at dimension {dim}: index "
            f"{index} is out of bounds."
        )
    return (*(slice(None),) * dim, index, Ellipsis)


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """The view of ``length`` slices along ``dim`` from ``start`` on.

    Raises IndexError for a start outside, ShapeError beyond the end.
    """
    try:
        if not input.array.ndim:
            raise ShapeError("narrow: narrow() cannot be applied to a 0-dim tensor.")
    except AttributeError as error:
        raise no_tensor(error) from None
    d, begin = one_dim("narrow", dim, input.array.ndim), int(start)
    size = input.array.shape[d]
    if length < 0:
        raise ShapeError(f"narrow: length must be non-negative, got {length}.")
    if not -size <= begin <= size:
        raise IndexError(
            f"narrow: start out of range (expected to be in range of [{-size}, {size}], but got {start}) in dimension "
            f"{d} of shape {tuple(input.array.shape)}."
        )
    begin += size if begin < 0 else 0
    if begin + length > size:
        raise ShapeError(f"narrow: start ({begin}) + length ({length}) exceeds dimension {d} of size {size}.")
    return part(input, (slice(None),) * d + (slice(begin, begin + length), Ellipsis))


def narrow_copy(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """``narrow``, in memory of its own."""
    return titled(narrow(input, dim, start, length).clone(), "NarrowCopyBackward0")
