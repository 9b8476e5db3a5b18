"""Tensors out of nothing: from data and constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nanograd import devices, dtypes, settings
from nanograd.dtypes import DType, to_dtype
from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.formats import expect_dense, expect_strided
from nanograd.kernels import memory as k
from nanograd.ops.op import result_type, tensor_class, wrap
from nanograd.ops.shape import Sizes, sizes

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "as_tensor", "asarray", "empty", "empty_like", "empty_strided", "from_numpy", "frombuffer", "full", "full_like",
    "ones", "ones_like", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def finish(array: Any, requires_grad: bool) -> Tensor:
    """A new tensor of the array."""
    t = wrap(array)
    return t.requires_grad_() if requires_grad else t


def place(device: Any) -> devices.Device:
    """The device that a program names, or the default one."""
    return settings.get_default_device() if device is None else devices.to_device(device)


def floating(dtype: Any) -> DType:
    """The dtype that a program names, or the default floating-point one."""
    return settings.get_default_dtype() if dtype is None else to_dtype(dtype)


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A tensor with a copy of ``data``: numbers, nested lists, a NumPy array or a tensor.

    Without ``dtype``: Python floats become the default dtype, integers int64, truth values bool; arrays keep theirs.
    Raises ShapeError for lists of unequal lengths, DTypeError for what holds no numbers.

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if isinstance(data, tensor_class()):
        copied: Tensor = data.detach().to(near(device, data), dtype_or(dtype, data.dtype), copy=True)
        return copied.requires_grad_(requires_grad)
    array = _host(data)
    chosen = to_dtype(dtype) if dtype is not None else _natural(data, array)
    if not isinstance(data, (np.ndarray, np.generic)):
        k.expect_room("tensor", array, chosen)
    return finish(k.from_host.on(place(device))(array, chosen), requires_grad)


def dtype_or(dtype: Any, default: DType) -> DType:
    """The dtype that a program names, or ``default``."""
    return default if dtype is None else to_dtype(dtype)


def near(device: Any, like: Tensor) -> devices.Device:
    """The named device, or that of ``like``."""
    return like.device if device is None else devices.to_device(device)


def _natural(data: Any, array: np.ndarray[Any, Any]) -> DType:
    if isinstance(data, (np.ndarray, np.generic)):
        return dtypes.dtype_of(array.dtype)
    if array.dtype.kind == "f":
        if array.dtype == np.float64 and not _holds_numpy(data):
            return settings.get_default_dtype()
        return dtypes.dtype_of(array.dtype)
    return settings.get_default_dtype() if not array.size else dtypes.dtype_of(array.dtype)


def _holds_numpy(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def _host(data: Any) -> np.ndarray[Any, Any]:
    """Nested data as a NumPy array."""
    if isinstance(data, (list, tuple)) and data:
        data = _plain(data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ShapeError(f"tensor: {_ragged(data) or error}") from None
    except OverflowError as error:
        raise DTypeError(f"tensor: a number is too large for torch.int64: {error}.") from None
    if array.dtype.kind == "c":
        raise MissingError("tensor: complex numbers are not supported. Keep two real tensors, of the two parts.")
    if array.dtype.kind not in "fiub" or array.dtype == np.uint64:
        raise DTypeError(
            f"tensor: expected numbers, nested lists of numbers or an array, got {type(data).__name__} "
            f"{data!r:.60} (elements of kind {array.dtype})."
        )
    return array


def _plain(data: Any) -> Any:
    """Nested lists with tensors in them replaced by arrays."""
    if isinstance(data, tensor_class()):
        return data.detach().cpu().numpy()
    if isinstance(data, (list, tuple)) and any(isinstance(v, (list, tuple, tensor_class())) for v in data):
        return [_plain(v) for v in data]
    return data


def _ragged(data: Any, where: str = "") -> str | None:
    if not isinstance(data, (list, tuple)):
        return None
    lengths = [len(v) if isinstance(v, (list, tuple)) else None for v in data]
    for i, n in enumerate(lengths):
        if n != lengths[0]:
            want = "a number" if lengths[0] is None else f"length {lengths[0]}"
            got = "a number" if n is None else f"length {n}"
            return f"expected sequence of {want} at position{where} {i}, got {got}: rows must have equal lengths."
    for i, v in enumerate(data):
        found = _ragged(v, f"{where} {i},")
        if found:
            return found
    return None


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, without a copy where it is one already or an array of the right dtype."""
    if isinstance(data, tensor_class()):
        given: Tensor = data
        return given.to(near(device, given), dtype_or(dtype, given.dtype))
    if isinstance(data, np.ndarray) and place(device) == devices.cpu:
        t = from_numpy(data)
        return t if dtype is None else t.to(to_dtype(dtype))
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """``obj`` as a tensor: shared where possible, copied with ``copy=True``, refused a copy with ``copy=False``."""
    if isinstance(obj, (bytes, bytearray, memoryview)):
        made = frombuffer(obj, dtype=floating(dtype))
    else:
        made = as_tensor(obj, dtype, device)
    shared = made is obj or (isinstance(obj, np.ndarray) and np.shares_memory(made.numpy_of(), obj))
    if copy is False and not shared and not isinstance(obj, (bytes, bytearray, memoryview)):
        raise ShapeError("asarray: a copy is needed here, and copy=False forbids it. Leave copy out.")
    if copy and shared:
        made = made.detach().clone()
    if requires_grad != made.requires_grad:
        made = made.detach().requires_grad_(requires_grad)
    return made


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor that shares the memory of a NumPy array: writing to one changes the other.

    Raises DTypeError for what is not an ndarray or holds no numbers, ShapeError for negative strides.
    """
    if not isinstance(ndarray, np.ndarray):
        raise DTypeError(f"from_numpy: expected np.ndarray (got {type(ndarray).__name__}). Use torch.tensor(...).")
    dtype = dtypes.dtype_of(ndarray.dtype).numpy
    if ndarray.dtype is not dtype:  # equal, but another object (unpickled, say): dtypes are compared by identity
        ndarray = ndarray.view(dtype)
    if any(s < 0 for s in ndarray.strides):
        raise ShapeError(
            "from_numpy: at least one stride in the given numpy array is negative: arrays with negative strides are "
            "not supported; pass array.copy()."
        )
    if not ndarray.flags.writeable:
        ndarray = ndarray.copy()  # what a tensor holds can be written
    return wrap(np.asarray(ndarray))


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A tensor of the bytes of a buffer, whose memory it shares where that can be written.

    Raises ValueError where the bytes after ``offset`` do not divide into elements, or are too few.

    >>> torch.frombuffer(bytearray([1, 0, 2, 0]), dtype=torch.int16)
    tensor([1, 2], dtype=torch.int16)
    """
    chosen, room = to_dtype(dtype), memoryview(buffer).nbytes
    if not room or not count:
        raise ShapeError(f"frombuffer: both buffer length ({room}) and count ({count}) must not be 0.")
    if not 0 <= offset < room:
        raise ShapeError(f"frombuffer: offset ({offset} bytes) must be non-negative and no greater than {room - 1}.")
    if count < 0 and (room - offset) % chosen.itemsize:
        raise ShapeError(
            f"frombuffer: buffer length ({room} bytes) after offset ({offset} bytes) must be a multiple of element "
            f"size ({chosen.itemsize})."
        )
    if count > 0 and offset + count * chosen.itemsize > room:
        raise ShapeError(
            f"frombuffer: requested buffer length ({count} * {chosen.itemsize} bytes) after offset ({offset} bytes) "
            f"must not be greater than actual buffer length ({room} bytes)."
        )
    return from_numpy(np.frombuffer(buffer, chosen.numpy, count, offset)).requires_grad_(requires_grad)


def scalar_tensor(
    s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor of one number, in the default dtype."""
    return full((), s, dtype=floating(dtype), layout=layout, device=device, requires_grad=requires_grad)


# Constants


def full(
    size: Sequence[int] | int,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of ``size`` filled with one number, whose kind decides the dtype."""
    expect_strided("full", layout)
    shape = sizes("full", size)
    value = fill_value.item() if hasattr(fill_value, "item") else fill_value
    if not isinstance(value, (bool, int, float)):
        raise DTypeError(f"full: argument 'fill_value' must be Number, not {type(value).__name__} {value!r:.40}.")
    chosen = to_dtype(dtype) if dtype is not None else result_type(value)
    k.expect_room("full", np.asarray(value), chosen)
    return finish(k.full.on(place(device))(positive("full", shape), value, chosen), requires_grad)


def positive(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape.  Raises ShapeError for negative sizes."""
    if any(s < 0 for s in shape):
        raise ShapeError(f"{name}: sizes must not be negative, got {shape}: each Dimension size must be non-negative.")
    return shape


def _blank(
    name: str, value: float, size: Any, more: Any, dtype: Any, layout: Any, device: Any, requires_grad: bool
) -> Tensor:
    expect_strided(name, layout)
    shape = positive(name, sizes(name, size, more))
    return finish(k.full.on(place(device))(shape, value, floating(dtype)), requires_grad)


def zeros(
    size: Sizes = (),
    *more: int,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros of shape ``size``.

    >>> zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return _blank("zeros", 0.0, size, more, dtype, layout, device, requires_grad)


def ones(
    size: Sizes = (),
    *more: int,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Ones of shape ``size``."""
    return _blank("ones", 1.0, size, more, dtype, layout, device, requires_grad)


def empty(
    size: Sizes = (),
    *more: int,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor to be written before it is read; it holds zeros here."""
    expect_dense("empty", memory_format)
    return _blank("empty", 0.0, size, more, dtype, layout, device, requires_grad)


def empty_strided(
    size: Sizes,
    stride: Sizes,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor with these strides, counted in elements, to be written before it is read; it holds zeros here."""
    expect_strided("empty_strided", layout)
    shape = positive("empty_strided", sizes("empty_strided", size))
    strides = positive("empty_strided", sizes("empty_strided", stride))
    if len(shape) != len(strides):
        raise ShapeError(
            f"empty_strided: dimensionality of sizes ({len(shape)}) must match dimensionality of strides "
            f"({len(strides)})."
        )
    return finish(k.strided_zeros.on(place(device))(shape, strides, floating(dtype)), requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of the shape, dtype and device of ``input``, filled with one number."""
    if not hasattr(input, "array"):
        raise DTypeError(f"full_like: argument 'input' must be Tensor, not {type(input).__name__}.")
    expect_dense("full_like", memory_format)
    chosen, where = dtype_or(dtype, input.dtype), near(device, input)
    return full(input.array.shape, fill_value, dtype=chosen, layout=layout, device=where, requires_grad=requires_grad)


def zeros_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Zeros of the shape, dtype and device of ``input``."""
    return full_like(
        input, 0, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad, memory_format=memory_format
    )


def ones_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Ones of the shape, dtype and device of ``input``."""
    return full_like(
        input, 1, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad, memory_format=memory_format
    )


def empty_like(
    input: Tensor,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """As ``empty``, of the shape, dtype and device of ``input``."""
    return full_like(
        input, 0, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad, memory_format=memory_format
    )
