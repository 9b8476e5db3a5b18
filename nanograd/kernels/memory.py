"""Making, copying and viewing arrays."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nanograd.dtypes import DType, float64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

TRIM, MAP = -1, -3  # mallopt's numbers for: what to hold back at the top, from which size on to ask the system


def _keep_freed_memory() -> None:
    """Let the C library keep up to 1 GiB that arrays gave back, instead of returning it to the system at once.

    A step that frees as much as the next one takes would else have every page of it mapped, and cleared, anew: a sum of
    two (1000, 1000) tensors and its gradient then take ten times as long.  Settings in the environment hold
    (MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_, GLIBC_TUNABLES); other C libraries have no mallopt.
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return
    with suppress(OSError, AttributeError, TypeError):
        change = ctypes.CDLL(None).mallopt
        change(TRIM, 1 << 30)
        change(MAP, 32 << 20)  # the greatest that it takes


_keep_freed_memory()


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
    if count == 1:
        return np.full(1, start, dtype.numpy)
    return np.linspace(start, end, count, dtype=dtype.numpy)


@kernel
def logspace(start: float, end: float, count: int, base: float, dtype: DType) -> Array:
    """``count`` powers of ``base`` with exponents at equal distances from ``start`` to ``end``."""
    return np.power(base, linspace.reference(start, end, count, float64)).astype(dtype.numpy)


@kernel
def eye(rows: int, columns: int, dtype: DType) -> Array:
    """Ones on the diagonal, zeros elsewhere."""
    return np.eye(rows, columns, dtype=dtype.numpy)


LARGE, STRIP = 1 << 15, 32


@kernel
def copy(x: Array) -> Array:
    """A dense copy."""
    if x.size < LARGE or x.ndim < 2 or not x.strides[-1] > x.strides[-2] == x.itemsize:
        return x.copy()
    out = np.empty(x.shape, x.dtype)
    for start in range(0, x.shape[-1], STRIP):  # transposed: NumPy goes through whole columns, out of the cache
        out[..., start : start + STRIP] = x[..., start : start + STRIP]
    return out


@jit
def _fill_rows(values, out):  # type: ignore[no-untyped-def]
    for i in range(out.shape[0]):
        row, value = out[i], values[i]
        for j in range(row.size):
            row[j] = value


@copy.cpu(lambda x: x.size >= LARGE and x.strides[-1] == 0 and x.dtype.char == "f")
def _(x: Array) -> Array:
    """Of a column that was stretched: what flows back through a sum of rows."""
    out = np.empty(x.shape, x.dtype)
    _fill_rows(np.ascontiguousarray(x[..., 0]).reshape(-1), out.reshape(-1, x.shape[-1]))
    return out


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
    """The arrays one after another along ``dim``, in row-major order."""
    y = np.concatenate((first, *others), dim)
    return y if y.flags.c_contiguous else np.ascontiguousarray(y)


@kernel
def triangle(x: Array, diagonal: int, upper: bool) -> Array:
    """A copy with zeros above (or, ``upper``, below) a diagonal of the last two dimensions."""
    return np.triu(x, diagonal) if upper else np.tril(x, diagonal)


@kernel
def stack(first: Array, others: tuple[Array, ...], dim: int) -> Array:
    """The arrays side by side along a new dimension, in row-major order."""
    y = np.stack((first, *others), dim)
    return y if y.flags.c_contiguous else np.ascontiguousarray(y)


@kernel
def block_diag(first: Array, others: tuple[Array, ...]) -> Array:
    """A matrix with the given matrices along its diagonal, zeros elsewhere."""
    blocks = (first, *others)
    out = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)), first.dtype)
    row = column = 0
    for b in blocks:
        out[row : row + b.shape[0], column : column + b.shape[1]] = b
        row, column = row + b.shape[0], column + b.shape[1]
    return out


@kernel
def tile(x: Array, times: tuple[int, ...]) -> Array:
    """The array laid out so many times along each dimension."""
    return np.tile(x, times)


@kernel
def roll(x: Array, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Array:
    """The elements moved along ``dims``; those pushed out at one end come in at the other."""
    return np.roll(x, shifts, dims)


@kernel
def rot90(x: Array, times: int, dims: tuple[int, int]) -> Array:
    """A copy turned by so many quarter turns in the plane of two dimensions."""
    return np.rot90(x, times, dims).copy()


@kernel
def repeated_places(counts: Array) -> Array:
    """0 counts[0] times, 1 counts[1] times, and so on; as int64."""
    return np.repeat(np.arange(counts.size), counts)


# Diagonals


@kernel
def diagonal(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    """The view of the elements whose places in two dimensions differ by ``offset``; they come last."""
    view = np.diagonal(x, offset, dim1, dim2)
    view.flags.writeable = x.flags.writeable
    return view


@kernel
def on_diagonal(x: Array, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Array:
    """Zeros of ``shape`` with x on a diagonal."""
    out = np.zeros(shape, x.dtype)
    diagonal.reference(out, offset, dim1, dim2)[...] = x
    return out


@kernel
def put_diagonal(x: Array, value: Array, offset: int, dim1: int, dim2: int) -> Array:
    """A copy of x with ``value`` on a diagonal."""
    out = np.array(x, order="C")
    diagonal.reference(out, offset, dim1, dim2)[...] = value
    return out


@kernel
def triangle_places(rows: int, columns: int, offset: int, upper: bool, dtype: DType) -> Array:
    """(2, n): the rows and columns of the elements of a triangle of a matrix, row by row."""
    places = np.triu_indices(rows, offset, columns) if upper else np.tril_indices(rows, offset, columns)
    return np.stack(places).astype(dtype.numpy)


# Memory as it is: strides, windows, bits

Place = tuple[tuple[int, ...], tuple[int, ...], int]
"""Where elements lie in a memory: (shape, strides, offset), counted in elements."""


def _root(x: Array) -> Array:
    """The array that holds the memory of x; as_strided puts an object with a base of its own in between."""
    while True:
        base = x.base if isinstance(x.base, np.ndarray) else getattr(x.base, "base", None)
        if not isinstance(base, np.ndarray):
            return x
        x = base


@kernel
def offset(x: Array) -> int:
    """How many elements lie in x's memory before its first."""
    start = x.__array_interface__["data"][0] - _root(x).__array_interface__["data"][0]
    return int(start // x.itemsize)


@kernel
def room(x: Array) -> int:
    """How many elements x's memory holds."""
    low, high = np.lib.array_utils.byte_bounds(_root(x))
    return int((high - low) // x.itemsize) if _root(x).size else 0


@kernel
def strided(x: Array, place: Place) -> Array:
    """The view of x's memory, all of it, at ``place``."""
    shape, strides, start = place
    root = _root(x)
    flat = as_strided(root, (room.reference(root),), (root.itemsize,)).view(x.dtype)
    return as_strided(flat[start:], shape, tuple(s * x.itemsize for s in strides))


@kernel
def strided_zeros(shape: tuple[int, ...], strides: tuple[int, ...], dtype: DType) -> Array:
    """Zeros with these strides, counted in elements."""
    count = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) if 0 not in shape else 0
    return as_strided(np.zeros(count, dtype.numpy), shape, tuple(s * dtype.itemsize for s in strides))


@kernel
def lengthened(x: Array, count: int) -> Array:
    """A copy of a line of elements, with zeros up to so many."""
    out = np.zeros(count, x.dtype)
    out[: x.size] = x
    return out


def _places(place: Place) -> Array:
    shape, strides, start = place
    steps = (np.arange(n).reshape((-1,) + (1,) * (len(shape) - d - 1)) * strides[d] for d, n in enumerate(shape))
    return sum(steps, np.asarray(start))


@kernel
def restride(x: Array, source: Place, target: Place) -> Array:
    """What lies at ``target`` in a memory of zeros to which x was added at ``source``."""
    take, give = _places(target), _places(source)
    memory = np.zeros(max(int(p.max(initial=0)) for p in (take, give)) + 1, x.dtype)
    np.add.at(memory, give.reshape(-1), x.reshape(-1))
    return memory[take].reshape(target[0])


@kernel
def windows(x: Array, dim: int, size: int, step: int) -> Array:
    """The view of windows of ``size`` elements that begin ``step`` apart along ``dim``; their elements come last."""
    if not x.ndim:
        return as_strided(x, (size,), (x.itemsize,))
    shape, strides = list(x.shape), list(x.strides)
    shape[dim] = (x.shape[dim] - size) // step + 1
    strides[dim] *= step
    return as_strided(x, (*shape, size), (*strides, x.strides[dim]))


@kernel
def add_windows(g: Array, shape: tuple[int, ...], dim: int, step: int) -> Array:
    """Zeros of ``shape`` to which windows are added where ``windows`` would look."""
    out = np.zeros(shape, g.dtype)
    if not shape:
        return out + g.sum()
    line, parts = np.moveaxis(out, dim, -1), np.moveaxis(g, dim, -2)
    last = step * (g.shape[dim] - 1) + 1
    for j in range(g.shape[-1]):
        line[..., j : j + last : step] += parts[..., j]
    return out


@kernel
def bits(x: Array, dtype: DType) -> Array:
    """The same memory read as another dtype."""
    return x.view(dtype.numpy)
