"""Many elements to one: sums, extremes, and the sum that undoes a broadcast."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nanograd.dtypes import DType
from nanograd.kernels.kernel import Array, kernel

__all__ = ["all", "any", "argmax", "argmin", "cumsum", "max", "mean", "min", "prod", "sort", "sum", "sum_to"]

Dims = tuple[int, ...]

# reduce(x, axes, dtype, out, keepdims)
_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce
_and: Any = np.logical_and.reduce
_or: Any = np.logical_or.reduce


@kernel
def sum(x: Array, dims: Dims, keepdim: bool, dtype: DType | None) -> Array:
    """Σ x over ``dims``, accumulated and returned as ``dtype``, or as that of x."""
    return _add(x, dims, dtype.numpy if dtype is not None else x.dtype, None, keepdim)


@kernel
def mean(x: Array, dims: Dims, keepdim: bool) -> Array:
    """Σ x / n over ``dims``; NaN for no elements."""
    count = math.prod([x.shape[d] for d in dims])
    return np.true_divide(_add(x, dims, x.dtype, None, keepdim), x.dtype.type(count))


@kernel
def stretch(g: Array, dims: Dims, full: tuple[int, ...]) -> Array:
    """``g`` repeated over ``dims`` to the shape ``full``, without copying (stride 0): what a sum's gradient is."""
    if not g.ndim:
        return np.ndarray(full, g.dtype, g, 0, (0,) * len(full))
    if not g.flags.c_contiguous:
        g = np.ascontiguousarray(g)
    kept = iter(g.strides if g.ndim < len(full) else [s for d, s in enumerate(g.strides) if d not in dims])
    strides = tuple([0 if d in dims else next(kept) for d in range(len(full))])
    return np.ndarray(full, g.dtype, g, 0, strides)  # ten times as fast as broadcast_to


@kernel
def prod(x: Array, dims: Dims, keepdim: bool, dtype: DType) -> Array:
    """Π x over ``dims``."""
    return _multiply(x, axis=dims, dtype=dtype.numpy, keepdims=keepdim)


@kernel
def cumsum(x: Array, dim: int, dtype: DType) -> Array:
    """Running sums along ``dim``."""
    return np.add.accumulate(x, dim, dtype.numpy)


@kernel
def max(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The greatest element over ``dims``; NaN if any is."""
    return _maximum(x, axis=dims, keepdims=keepdim)


@kernel
def min(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The least element over ``dims``; NaN if any is."""
    return _minimum(x, axis=dims, keepdims=keepdim)


@kernel
def argmax(x: Array, dim: int, keepdim: bool) -> Array:
    """int64 index of the first greatest element along ``dim``; of the first NaN if there is one."""
    return np.argmax(x, axis=dim, keepdims=keepdim)


@kernel
def argmin(x: Array, dim: int, keepdim: bool) -> Array:
    """int64 index of the first least element along ``dim``; of the first NaN if there is one."""
    return np.argmin(x, axis=dim, keepdims=keepdim)


@kernel
def sort(x: Array, dim: int, descending: bool) -> tuple[Array, Array]:
    """(sorted values, int64 indices) along ``dim``; equal elements keep their order, NaN counts as greatest."""
    if not descending:
        index = np.argsort(x, axis=dim, kind="stable")
    else:  # reversing twice keeps equal elements in their order
        size = x.shape[dim] if x.ndim else 1
        index = size - 1 - np.flip(np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim)
    return np.take_along_axis(x, index, dim), index


@kernel
def all(x: Array, dims: Dims, keepdim: bool) -> Array:
    """Whether every element over ``dims`` is non-zero."""
    return _and(x, axis=dims, keepdims=keepdim)


@kernel
def any(x: Array, dims: Dims, keepdim: bool) -> Array:
    """Whether some element over ``dims`` is non-zero."""
    return _or(x, axis=dims, keepdims=keepdim)


@kernel
def sum_to(g: Array, shape: tuple[int, ...]) -> Array:
    """``g`` summed down to ``shape``, which broadcasts to g's: added axes vanish, stretched ones become 1 again."""
    added = g.ndim - len(shape)
    stretched = [added + i for i, size in enumerate(shape) if size == 1 and g.shape[added + i] != 1]
    return _add(g, axis=(*range(added), *stretched), keepdims=True).reshape(shape)
