"""Tensors out of nothing: from data, constants, ranges, chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nanograd import devices, dtypes, random, settings
from nanograd.dtypes import DType, to_dtype
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import memory as k
from nanograd.kernels import sample
from nanograd.ops.op import result_type, wrap
from nanograd.ops.shape import Sizes, sizes

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "arange", "as_tensor", "bernoulli", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace",
    "multinomial", "normal", "ones", "ones_like", "rand", "rand_like", "randint", "randn", "randn_like", "randperm",
    "tensor", "zeros", "zeros_like",
]  # fmt: skip

Generator = random.Generator


def _finish(array: Any, requires_grad: bool) -> Tensor:
    t = wrap(array)
    return t.requires_grad_() if requires_grad else t


def _float(dtype: Any) -> DType:
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
    if hasattr(data, "array"):
        copied: Tensor = data.detach().to(to_device(device, data), _or(dtype, data.dtype), copy=True)
        return copied.requires_grad_(requires_grad)
    array = _host(data)
    chosen = to_dtype(dtype) if dtype is not None else _natural(data, array)
    if not isinstance(data, (np.ndarray, np.generic)):
        k.expect_room("tensor", array, chosen)
    return _finish(k.from_host.on(devices.to_device(device))(array, chosen), requires_grad)


def _or(dtype: Any, default: DType) -> DType:
    return default if dtype is None else to_dtype(dtype)


def to_device(device: Any, like: Tensor) -> devices.Device:
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
    if array.dtype.kind not in "fiub" or array.dtype == np.uint64:
        raise DTypeError(
            f"tensor: expected numbers, nested lists of numbers or an array, got {type(data).__name__} "
            f"{data!r:.60} (elements of kind {array.dtype})."
        )
    return array


def _plain(data: Any) -> Any:
    """Nested lists with tensors in them replaced by arrays."""
    if hasattr(data, "array"):
        return data.detach().cpu().numpy()
    if isinstance(data, (list, tuple)) and any(isinstance(v, (list, tuple)) or hasattr(v, "array") for v in data):
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
    if hasattr(data, "array"):
        given: Tensor = data
        return given.to(to_device(device, given), _or(dtype, given.dtype))
    if isinstance(data, np.ndarray) and devices.to_device(device) == devices.cpu:
        t = from_numpy(data)
        return t if dtype is None else t.to(to_dtype(dtype))
    return tensor(data, dtype=dtype, device=device)


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
        raise ShapeError("from_numpy: arrays with negative strides are not supported; pass array.copy().")
    if not ndarray.flags.writeable:
        ndarray = ndarray.copy()  # what a tensor holds can be written
    return wrap(np.asarray(ndarray))


def full(
    size: Sequence[int] | int, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of ``size`` filled with one number, whose kind decides the dtype."""
    shape = sizes("full", size)
    value = fill_value.item() if hasattr(fill_value, "item") else fill_value
    chosen = to_dtype(dtype) if dtype is not None else result_type(value)
    k.expect_room("full", np.asarray(value), chosen)
    return _finish(k.full.on(devices.to_device(device))(_positive("full", shape), value, chosen), requires_grad)


def _positive(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if any(s < 0 for s in shape):
        raise ShapeError(f"{name}: sizes must not be negative, got {shape}.")
    return shape


def zeros(size: Sizes = (), *more: int, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of shape ``size``.

    >>> zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return full(sizes("zeros", size, more), 0.0, dtype=_float(dtype), device=device, requires_grad=requires_grad)


def ones(size: Sizes = (), *more: int, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of shape ``size``."""
    return full(sizes("ones", size, more), 1.0, dtype=_float(dtype), device=device, requires_grad=requires_grad)


def empty(size: Sizes = (), *more: int, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor to be written before it is read; it holds zeros here."""
    return full(sizes("empty", size, more), 0.0, dtype=_float(dtype), device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the shape, dtype and device of ``input``, filled with one number."""
    device = to_device(device, input)
    return full(
        input.array.shape, fill_value, dtype=_or(dtype, input.dtype), device=device, requires_grad=requires_grad
    )


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape, dtype and device of ``input``."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape, dtype and device of ``input``."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """As ``empty``, of the shape, dtype and device of ``input``."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... before ``end``; int64 if all three are integers.

    >>> arange(1, 4)
    tensor([1, 2, 3])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if hasattr(v, "item") else v for v in (start, end, step))
    if step == 0 or (end - start) * step < 0:
        raise ShapeError(f"arange: from {start} to {end} is not reached by steps of {step}.")
    whole = all(isinstance(v, int) for v in (start, end, step))
    chosen = to_dtype(dtype) if dtype is not None else (dtypes.int64 if whole else settings.get_default_dtype())
    count = math.ceil((end - start) / step)
    return _finish(k.arange.on(devices.to_device(device))(start, step, count, chosen), requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` numbers at equal distances from start to end, both included."""
    if steps < 0:
        raise ShapeError(f"linspace: expected steps of 0 or more, got {steps}.")
    return _finish(k.linspace.on(devices.to_device(device))(start, end, steps, _float(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """An (n, m) matrix with ones on its diagonal."""
    rows, columns = _positive("eye", (n, n if m is None else m))
    return _finish(k.eye.on(devices.to_device(device))(rows, columns, _float(dtype)), requires_grad)


# Chance


def _drawn(kernel: Any, shape: tuple[int, ...], dtype: DType, device: Any, generator: Generator | None) -> Any:
    if not dtype.is_floating_point:
        raise DTypeError(f"random: expected a floating-point dtype, got {dtype}. For integers use torch.randint.")
    words = math.prod(shape) * (1 if dtype.itemsize <= 4 else 2)
    seed, offset = (generator or random.default_generator).take(-(-words // 4) + 1)
    return kernel.on(devices.to_device(device))(_positive("random", shape), seed, offset, dtype)


def rand(
    size: Sizes = (),
    *more: int,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers, equally likely in [0, 1)."""
    return _finish(_drawn(sample.uniform, sizes("rand", size, more), _float(dtype), device, generator), requires_grad)


def randn(
    size: Sizes = (),
    *more: int,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers from the normal distribution with mean 0 and standard deviation 1."""
    return _finish(_drawn(sample.normal, sizes("randn", size, more), _float(dtype), device, generator), requires_grad)


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """As ``rand``, of the shape, dtype and device of ``input``."""
    return rand(
        input.array.shape, dtype=_or(dtype, input.dtype), device=to_device(device, input), requires_grad=requires_grad
    )


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """As ``randn``, of the shape, dtype and device of ``input``."""
    return randn(
        input.array.shape, dtype=_or(dtype, input.dtype), device=to_device(device, input), requires_grad=requires_grad
    )


def normal(
    mean: Any, std: Any, size: Any = None, *, generator: Generator | None = None, dtype: Any = None, device: Any = None
) -> Tensor:
    """Random numbers from normal distributions: of one mean and std with ``size``, or of tensors of them."""
    if size is None:
        like = mean if hasattr(mean, "array") else std
        if not hasattr(like, "array"):
            raise ShapeError("normal: with numbers as mean and std, say the size: torch.normal(0.0, 1.0, (2, 3)).")
        size, dtype, device = like.array.shape, _or(dtype, like.dtype), to_device(device, like)
    drawn: Tensor = randn(size, generator=generator, dtype=dtype, device=device) * std + mean
    return drawn


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Random integers, equally likely in [low, high); ``randint(high, size)`` starts at 0."""
    if size is None:
        low, high, size = 0, low, high
    if size is None or not isinstance(high, int):
        raise DTypeError(
            "randint: expected randint(low, high, size) or randint(high, size), such as randint(0, 10, (3,))."
        )
    if low >= high:
        raise ShapeError(f"randint: expected low < high, got low={low}, high={high}.")
    shape = _positive("randint", sizes("randint", size))
    seed, offset = (generator or random.default_generator).take(-(-math.prod(shape) // 2) + 1)
    chosen = dtypes.int64 if dtype is None else to_dtype(dtype)
    return wrap(sample.integers.on(devices.to_device(device))(shape, low, high, seed, offset, chosen))


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """0 ... n-1 in random order."""
    if n < 0:
        raise ShapeError(f"randperm: expected n of 0 or more, got {n}.")
    seed, offset = (generator or random.default_generator).take(-(-n // 2) + 1)
    chosen = dtypes.int64 if dtype is None else to_dtype(dtype)
    return wrap(sample.permutation.on(devices.to_device(device))(n, seed, offset, chosen))


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element says, else 0."""
    drawn = _drawn(sample.uniform, input.array.shape, input.dtype, input.device, generator)
    return (wrap(drawn) < input).to(input.dtype)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Indices drawn from each row with probabilities proportional to its elements: (…, C) → (…, num_samples) int64.

    Raises ShapeError when more distinct indices are asked for than there are with a positive weight.
    """
    weights = input.detach()
    rows = weights if weights.array.ndim == 2 else weights.reshape(1, -1)
    if bool((rows < 0).any()) or bool((rows.sum(1) <= 0).any()) or not bool(rows.isfinite().all()):
        raise ShapeError("multinomial: weights must be finite, not negative, and of positive sum in each row.")
    if replacement:
        chances = (rows / rows.sum(1, keepdim=True)).cumsum(1)
        drawn = wrap(_drawn(sample.uniform, (rows.shape[0], num_samples, 1), rows.dtype, rows.device, generator))
        top = rows.shape[1] - 1
        index = (drawn >= chances.unsqueeze(1)).sum(2).clamp(max=top)
    else:
        if num_samples > int((rows > 0).sum(1).amin()):
            raise ShapeError(f"multinomial: cannot draw {num_samples} distinct indices from so few positive weights.")
        noise = wrap(_drawn(sample.uniform, rows.array.shape, rows.dtype, rows.device, generator))
        # The k least of Exp(1) / w are drawn without replacement (Efraimidis and Spirakis, 2006).
        keys = -(1 - noise).log() / rows
        index = keys.argsort(1)[:, :num_samples]
    return index if weights.array.ndim == 2 else index.squeeze(0)
