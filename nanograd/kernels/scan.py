"""Running along one dimension: each element of the result depends on those before it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.dtypes import DType
from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.reduce import row_major

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "linear", "logcumsumexp"]

BIG = 4096  # from this many elements on, a compiled loop beats NumPy
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
    y = function.accumulate(row_major(x), dim, WIDE.get(wanted.char, wanted))
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
    x = row_major(x)
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


# Loops, over (outer, size, inner)


def _many(x: Array, dim: int, *_: Any) -> bool:
    return x.size >= BIG and x.dtype.char in "fd"


def _three(x: Array, dim: int) -> Array:
    """x as (outer, size, inner), where the middle one is ``dim``."""
    return np.ascontiguousarray(x).reshape(-1, x.shape[dim], int(np.prod(x.shape[dim + 1 :])))


@jit
def _cumsum(x, y):  # type: ignore[no-untyped-def]
    outer, size, inner = x.shape
    totals = np.empty(inner)
    for i in range(outer):
        if inner == 1:  # in a register
            total = 0.0
            for t in range(size):
                total += x[i, t, 0]
                y[i, t, 0] = total
            continue
        totals[:] = 0.0
        for t in range(size):
            for j in range(inner):
                totals[j] += x[i, t, j]
                y[i, t, j] = totals[j]


@jit
def _cumprod(x, y):  # type: ignore[no-untyped-def]
    outer, size, inner = x.shape
    products = np.empty(inner)
    for i in range(outer):
        if inner == 1:  # in a register
            product = 1.0
            for t in range(size):
                product *= x[i, t, 0]
                y[i, t, 0] = product
            continue
        products[:] = 1.0
        for t in range(size):
            for j in range(inner):
                products[j] *= x[i, t, j]
                y[i, t, j] = products[j]


@jit
def _cummax(x, sign, y, index):  # type: ignore[no-untyped-def]
    outer, size, inner = x.shape
    for i in range(outer):
        for j in range(inner):
            y[i, 0, j] = x[i, 0, j]
            index[i, 0, j] = 0
        for t in range(1, size):
            for j in range(inner):
                new, best = x[i, t, j], y[i, t - 1, j]
                later = new != new or sign * new >= sign * best
                y[i, t, j] = new if later else best
                index[i, t, j] = t if later else index[i, t - 1, j]


@cumsum.cpu(lambda x, dim, dtype: _many(x, dim) and x.dtype == dtype.numpy)
def _(x: Array, dim: int, dtype: DType) -> Array:
    y = np.empty(x.shape, x.dtype)
    _cumsum(_three(x, dim), _three(y, dim))
    return y


@cumprod.cpu(lambda x, dim, dtype: _many(x, dim) and x.dtype == dtype.numpy)
def _(x: Array, dim: int, dtype: DType) -> Array:
    y = np.empty(x.shape, x.dtype)
    _cumprod(_three(x, dim), _three(y, dim))
    return y


def _loop_of_extremes(x: Array, dim: int, sign: int) -> tuple[Array, Array]:
    y, index = np.empty(x.shape, x.dtype), np.empty(x.shape, np.int64)
    _cummax(_three(x, dim), x.dtype.type(sign), _three(y, dim), _three(index, dim))
    return y, index


@cummax.cpu(_many)
def _(x: Array, dim: int) -> tuple[Array, Array]:
    return _loop_of_extremes(x, dim, 1)


@cummin.cpu(_many)
def _(x: Array, dim: int) -> tuple[Array, Array]:
    return _loop_of_extremes(x, dim, -1)


@jit
def _linear(a, y):  # type: ignore[no-untyped-def]
    outer, size, inner = y.shape
    for i in range(outer):
        for t in range(1, size):
            for j in range(inner):
                y[i, t, j] += a[i, t, j] * y[i, t - 1, j]


@linear.cpu(lambda a, b, dim: a.size >= BIG and a.dtype.char in "fd" and a.dtype == b.dtype and a.shape == b.shape)
def _(a: Array, b: Array, dim: int) -> Array:
    y = np.array(b, order="C")
    _linear(_three(a, dim), _three(y, dim))
    return y
