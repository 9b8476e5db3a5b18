"""Running along one dimension: each element of the result depends on those before it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.dtypes import DType
from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "linear", "logcumsumexp"]

WIDE = {"e": np.float32, "f": np.float64}  # what floats are accumulated in, for rounding adds up along the way


@kernel
def cumsum(x: Array, dim: int, dtype: DType) -> Array:
    """y[t] = x[0] + ... + x[t] along ``dim``."""
    return _accumulate(np.add, x, dim, dtype.numpy)


@kernel
def cumprod(x: Array, dim: int, dtype: DType) -> Array:
    """y[t] = x[0] · ... · x[t] along ``dim``."""
    return _accumulate(np.multiply, x, dim, dtype.numpy)


@kernel
def logcumsumexp(x: Array, dim: int) -> Array:
    """y[t] = log (exp x[0] + ... + exp x[t]) along ``dim``."""
    return _accumulate(np.logaddexp, x, dim, x.dtype)


def _accumulate(function: np.ufunc, x: Array, dim: int, wanted: Any) -> Array:
    y = function.accumulate(x, dim, WIDE.get(wanted.char, wanted))
    return y.astype(wanted, copy=False)


@kernel
def cummax(x: Array, dim: int) -> tuple[Array, Array]:
    """(the greatest so far, the int64 index of the last one equal to it) along ``dim``; NaN counts as greatest."""
    return _extreme(np.maximum, x, dim)


@kernel
def cummin(x: Array, dim: int) -> tuple[Array, Array]:
    """(the least so far, the int64 index of the last one equal to it) along ``dim``; NaN counts as least."""
    return _extreme(np.minimum, x, dim)


def _extreme(function: np.ufunc, x: Array, dim: int) -> tuple[Array, Array]:
    values = function.accumulate(x, dim)
    places = np.arange(x.shape[dim]).reshape((-1,) + (1,) * (x.ndim - 1 - dim))
    return values, np.maximum.accumulate(np.where((x == values) | (x != x), places, 0), dim)


@kernel
def linear(a: Array, b: Array, dim: int) -> Array:
    """y[t] = a[t] · y[t - 1] + b[t] along ``dim``, with y[-1] = 0."""
    y = np.array(b, order="C")
    rows, factors = np.moveaxis(y, dim, 0), np.moveaxis(a, dim, 0)
    for t in range(1, len(rows)):
        rows[t] += factors[t] * rows[t - 1]
    return y


@jit
def _linear(a, y):  # type: ignore[no-untyped-def]
    outer, size, inner = y.shape
    for i in range(outer):
        for t in range(1, size):
            for j in range(inner):
                y[i, t, j] += a[i, t, j] * y[i, t - 1, j]


@linear.cpu(lambda a, b, dim: a.dtype.char in "fd" and a.dtype is b.dtype and a.shape == b.shape and a.size > 0)
def _(a: Array, b: Array, dim: int) -> Array:
    y = np.array(b, order="C")
    shape = (-1, y.shape[dim], int(np.prod(y.shape[dim + 1 :])))
    _linear(np.ascontiguousarray(a).reshape(shape), y.reshape(shape))
    return y
