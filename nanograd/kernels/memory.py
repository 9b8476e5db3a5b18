"""Making, copying and viewing arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.dtypes import DType
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels.kernel import Array, kernel


@kernel
def from_host(data: Any, dtype: DType) -> Array:
    """The device's array with the elements of a NumPy array (or number), copied."""
    return np.array(data, dtype.numpy)


@kernel
def to_host(x: Array) -> Array:
    """The elements of ``x`` as a NumPy array; the CPU's own array, not a copy."""
    return x


@kernel
def full(shape: tuple[int, ...], value: bool | int | float, dtype: DType) -> Array:
    """An array of ``shape`` filled with ``value``; what an integer dtype cannot hold wraps around.

    Raises DTypeError for integers beyond 64 bits.
    """
    if not value:
        return np.zeros(shape, dtype.numpy)
    try:
        exact = dtype.category != 1 or 0 < value < 128
        number = np.array(value, dtype.numpy) if exact else np.asarray(value, np.int64).astype(dtype.numpy)
    except (OverflowError, ValueError):
        raise DTypeError(f"full: the number {value!r:.40} is too large for {dtype}.") from None
    return np.full(shape, number) if shape else number


def expect_room(name: str, value: Any, dtype: DType) -> None:
    """Raises DTypeError for host numbers that an integer dtype cannot hold: they would wrap around."""
    if dtype.numpy.kind not in "iu":
        return
    array = np.asarray(value)
    low, high = np.iinfo(dtype.numpy).min, np.iinfo(dtype.numpy).max
    wrong = ~((array >= low) & (array <= high))  # so that NaN is wrong too
    if array.dtype != dtype.numpy and wrong.any():
        raise DTypeError(
            f"{name}: the value {array[wrong][0]} cannot be converted to type {dtype.name} without overflow: it holds "
            f"{low} to {high}."
        )


@kernel
def ones_like(x: Array) -> Array:
    """Ones, as many as x has."""
    y = np.empty(x.shape, x.dtype)
    y.fill(1)
    return y


@kernel
def arange(start: float, step: float, count: int, dtype: DType) -> Array:
    """start, start + step, ...: ``count`` numbers, each computed from its index."""
    if dtype.is_floating_point:
        return (start + step * np.arange(count, dtype=np.float64)).astype(dtype.numpy)
    return (start + step * np.arange(count)).astype(dtype.numpy)


@kernel
def linspace(start: float, end: float, count: int, dtype: DType) -> Array:
    """``count`` numbers at equal distances from ``start`` to ``end``, both included."""
    return np.linspace(start, end, count, dtype=dtype.numpy)


@kernel
def eye(rows: int, columns: int, dtype: DType) -> Array:
    """Ones on the diagonal, zeros elsewhere."""
    return np.eye(rows, columns, dtype=dtype.numpy)


@kernel
def copy(x: Array) -> Array:
    """A dense copy."""
    return x.copy()


@kernel
def cast(x: Array, dtype: DType) -> Array:
    """The same values as ``dtype``; fractions are cut off towards zero."""
    return x.astype(dtype.numpy)


@kernel
def write(x: Array, value: Array) -> None:
    """x ← value, in place, broadcast and cast.  Raises ShapeError where elements of x share their memory."""
    if 0 in x.strides and x.size and any(s == 0 and n > 1 for s, n in zip(x.strides, x.shape, strict=True)):
        raise ShapeError(
            f"write: the tensor of shape {tuple(x.shape)} was expanded: more than one element of the written-to tensor "
            "refers to a single memory location. clone() it before writing."
        )
    np.copyto(x, value, casting="unsafe")


@kernel
def as_view(x: Array, shape: tuple[int, ...]) -> Array | None:
    """The same memory seen in another shape, or None where its strides forbid that."""
    if x.flags.c_contiguous:
        return x.reshape(shape)
    try:
        return x.reshape(shape, copy=False)
    except ValueError:
        return None


@kernel
def reshape(x: Array, shape: tuple[int, ...]) -> Array:
    """The elements in another shape: a view where possible, else a copy."""
    return x.reshape(shape)


@kernel
def permute(x: Array, dims: tuple[int, ...]) -> Array:
    """The view with its dimensions in another order."""
    return x.transpose(dims)


@kernel
def flip(x: Array, dims: tuple[int, ...]) -> Array:
    """A copy with some dimensions reversed."""
    return np.flip(x, dims).copy()


@kernel
def expand(x: Array, shape: tuple[int, ...]) -> Array:
    """The view in which dimensions of size 1, and new leading ones, repeat without being copied (stride 0)."""
    if not x.ndim and x.flags.c_contiguous:  # ten times as fast as broadcast_to
        return np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    view = np.broadcast_to(x, shape)
    view.flags.writeable = x.flags.writeable
    return view


@kernel
def cat(first: Array, others: tuple[Array, ...], dim: int) -> Array:
    """The arrays one after another along ``dim``."""
    return np.concatenate((first, *others), dim)


@kernel
def triangle(x: Array, diagonal: int, upper: bool) -> Array:
    """A copy with zeros above (or, ``upper``, below) a diagonal of the last two dimensions."""
    return np.triu(x, diagonal) if upper else np.tril(x, diagonal)
