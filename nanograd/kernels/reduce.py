"""Many elements to one: sums, means, spreads, extremes, and the sum that undoes a broadcast.

float16 is accumulated in float32.  float32 is added up in pairs or in runs, so that rounding grows slowly with the
number of elements, along every dimension.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nanograd.dtypes import DType
from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = [
    "all", "any", "argmax", "argmin", "logsumexp", "max", "mean", "min", "nansum", "norm", "prod", "std", "stretch",
    "sum", "sum_to", "total", "var",
]  # fmt: skip

Dims = tuple[int, ...]

# reduce(x, axes, dtype, out, keepdims)
_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce
_and: Any = np.logical_and.reduce
_or: Any = np.logical_or.reduce

least, most = min, max  # before kernels take the names

MANY = 1 << 14  # below, one pass of NumPy's rounds little enough
LONG, RUN = 256, 128  # from this size on, a dimension that is added up one after another is cut into runs
NARROW = 64  # what lies side by side in memory and is no more than this costs NumPy more to find than to add


@kernel
def sum(x: Array, dims: Dims, keepdim: bool, dtype: DType | None) -> Array:
    """Σ x over ``dims``, accumulated and returned as ``dtype``, or as that of x."""
    wanted = dtype.numpy if dtype is not None else x.dtype
    if x.size < MANY and wanted.char != "e":
        y = _add(x, dims, wanted, None, keepdim)
        return y if x.ndim < 3 else row_major(y)
    return row_major(total(x, dims, keepdim, wanted))


def row_major(y: Array) -> Array:
    """y in row-major order, as torch's results are; NumPy's follow the order of their input."""
    return y if y.flags.c_contiguous else np.ascontiguousarray(y)


@kernel
def total(x: Array, dims: Dims, keepdim: bool, wanted: Any) -> Array:
    """Σ x over ``dims`` with little rounding, as NumPy's dtype ``wanted``."""
    if wanted.char == "e":
        return total(x, dims, keepdim, np.dtype(np.float32)).astype(np.float16)
    if wanted.kind == "f" and x.ndim > 1 and x.size >= MANY:
        if dims == (x.ndim - 1,) and x.shape[-1] <= NARROW and x.dtype == wanted and x.flags.c_contiguous:
            y = np.einsum("ij->i", x.reshape(-1, x.shape[-1])).reshape(x.shape[:-1])  # ten times as fast as reduce
            return y[..., None] if keepdim else y
        fastest = least(x.strides)
        for d in dims:
            if x.shape[d] >= LONG and x.strides[d] > fastest:
                x = _in_runs(x, d, wanted)
    return _add(x, dims, wanted, None, keepdim)


def _in_runs(x: Array, d: int, wanted: Any) -> Array:
    """Σ x over dimension d, kept, by way of the sums of runs, and of their runs: NumPy pairs only the fastest."""
    size, before = x.shape[d], (slice(None),) * d
    if size < LONG:
        return _add(x, d, wanted, None, True)
    whole = size - size % RUN
    head, rest = x[(*before, slice(whole))], x[(*before, slice(whole, None))]
    split = head.reshape(*x.shape[:d], whole // RUN, RUN, *x.shape[d + 1 :])
    inner = math.prod(x.shape[d + 1 :])
    if inner <= NARROW and x.dtype == wanted and x.flags.c_contiguous:  # ten times as fast as reduce
        sums = np.ones(RUN, wanted) @ split.reshape(*split.shape[: d + 2], inner)
        sums = sums.reshape(*split.shape[: d + 1], *x.shape[d + 1 :])
    else:
        sums = _add(split, d + 1, wanted)
    y = _in_runs(sums, d, wanted)
    return y + _add(rest, d, wanted, None, True) if whole < size else y


@kernel
def mean(x: Array, dims: Dims, keepdim: bool) -> Array:
    """Σ x / n over ``dims``; NaN for no elements."""
    if x.size >= MANY or x.dtype.char == "e":
        return row_major(_mean(_wide(x), dims, keepdim).astype(x.dtype))
    count = math.prod([x.shape[d] for d in dims])
    return row_major(np.true_divide(_add(x, dims, x.dtype, None, keepdim), x.dtype.type(count)))


def _wide(x: Array) -> Array:
    """x as what it is accumulated in."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


def _mean(x: Array, dims: Dims, keepdim: bool) -> Array:
    count = math.prod([x.shape[d] for d in dims])
    return np.true_divide(total(x, dims, keepdim, x.dtype), x.dtype.type(count))


def accumulated(formula: Callable[..., Array]) -> Callable[..., Array]:
    """The formula, computed in float32 where x is float16."""

    def computed(x: Array, *rest: Any) -> Array:
        return formula(_wide(x), *rest).astype(x.dtype) if x.dtype.char == "e" else formula(x, *rest)

    return computed


@kernel
def var(x: Array, dims: Dims, keepdim: bool, correction: float) -> Array:
    """Σ (x - mean)² / (n - correction) over ``dims``; NaN for n = 0 and where both are 0."""
    return row_major(_var(x, dims, keepdim, correction))


@kernel
def std(x: Array, dims: Dims, keepdim: bool, correction: float) -> Array:
    """The square root of ``var``."""
    return row_major(_std(x, dims, keepdim, correction))


@accumulated
def _var(x: Array, dims: Dims, keepdim: bool, correction: float) -> Array:
    away = x - _mean(x, dims, True)
    count = math.prod([x.shape[d] for d in dims]) - correction
    return np.true_divide(total(away * away, dims, keepdim, x.dtype), x.dtype.type(count if count > 0 else 0))


@accumulated
def _std(x: Array, dims: Dims, keepdim: bool, correction: float) -> Array:
    return np.asarray(np.sqrt(_var(x, dims, keepdim, correction)))


@kernel
def norm(x: Array, p: float, dims: Dims, keepdim: bool) -> Array:
    """(Σ |x|ᵖ)^(1/p) over ``dims``; p = ±∞ gives the extremes of |x|, p = 0 the number of elements that are not 0."""
    return row_major(_norm(x, p, dims, keepdim))


@accumulated
def _norm(x: Array, p: float, dims: Dims, keepdim: bool) -> Array:
    if p == 2:
        return np.asarray(np.sqrt(total(x * x, dims, keepdim, x.dtype)))
    if p == 0:
        return total((x != 0).astype(x.dtype), dims, keepdim, x.dtype)
    size = np.abs(x)
    if math.isinf(p):
        return np.asarray((_maximum if p > 0 else _minimum)(size, dims, None, None, keepdim))
    if p == 1:
        return total(size, dims, keepdim, x.dtype)
    return np.asarray(np.power(total(np.power(size, x.dtype.type(p)), dims, keepdim, x.dtype), x.dtype.type(1 / p)))


@kernel
def logsumexp(x: Array, dims: Dims, keepdim: bool) -> Array:
    """log Σ eˣ over ``dims``; -∞ for no elements."""
    return row_major(_logsumexp(x, dims, keepdim))


@accumulated
def _logsumexp(x: Array, dims: Dims, keepdim: bool) -> Array:
    low = x.dtype.type(-np.inf)
    top = np.maximum.reduce(x, dims, keepdims=True, initial=low)
    top = np.where(np.isfinite(top), top, x.dtype.type(0))  # subtract the greatest first: e^1000 overflows
    y = np.log(total(np.exp(x - top), dims, True, x.dtype)) + top
    return np.asarray(y if keepdim else y.squeeze(dims))


@kernel
def nansum(x: Array, dims: Dims, keepdim: bool, dtype: DType) -> Array:
    """Σ x over ``dims``, NaN left out."""
    return row_major(total(np.where(np.isnan(x), x.dtype.type(0), x), dims, keepdim, dtype.numpy))


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
    wanted = dtype.numpy if dtype.numpy.char != "e" else np.dtype(np.float32)
    return row_major(np.asarray(_multiply(x, dims, wanted, None, keepdim), dtype.numpy))


@kernel
def max(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The greatest element over ``dims``; NaN if any is."""
    return row_major(_maximum(x, axis=dims, keepdims=keepdim))


@kernel
def min(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The least element over ``dims``; NaN if any is."""
    return row_major(_minimum(x, axis=dims, keepdims=keepdim))


@kernel
def argmax(x: Array, dim: int, keepdim: bool) -> Array:
    """int64 index of the first greatest element along ``dim``; of the first NaN if there is one."""
    return row_major(np.argmax(x, axis=dim, keepdims=keepdim))


@kernel
def argmin(x: Array, dim: int, keepdim: bool) -> Array:
    """int64 index of the first least element along ``dim``; of the first NaN if there is one."""
    return row_major(np.argmin(x, axis=dim, keepdims=keepdim))


@kernel
def all(x: Array, dims: Dims, keepdim: bool) -> Array:
    """Whether every element over ``dims`` is non-zero."""
    return row_major(_and(x, axis=dims, keepdims=keepdim))


@kernel
def any(x: Array, dims: Dims, keepdim: bool) -> Array:
    """Whether some element over ``dims`` is non-zero."""
    return row_major(_or(x, axis=dims, keepdims=keepdim))


@kernel
def sum_to(g: Array, shape: tuple[int, ...]) -> Array:
    """``g`` summed down to ``shape``, which broadcasts to g's: added axes vanish, stretched ones become 1 again."""
    added = g.ndim - len(shape)
    stretched = [added + i for i, size in enumerate(shape) if size == 1 and g.shape[added + i] != 1]
    dims = (*range(added), *stretched)
    if g.size < MANY and g.dtype.char != "e":
        return _add(g, axis=dims, keepdims=True).reshape(shape)
    return total(g, dims, True, g.dtype).reshape(shape)


# Compiled, for float32: runs are added up in float32, and their sums in float64


f4 = np.float32
STEP = 1024  # the run of a row
STACK = 64  # the run of a column


@jit
def _run(x):  # type: ignore[no-untyped-def]
    s = f4(0)
    for j in range(x.size):
        s += x[j]
    return s


@jit
def _row_sums(x, out):  # type: ignore[no-untyped-def]
    """out[i] = Σ x[i]"""
    for i in range(x.shape[0]):
        s = 0.0
        for start in range(0, x.shape[1], STEP):
            s += _run(x[i, start : start + STEP])
        out[i] = f4(s)


@jit
def _column_sums(x, part, out):  # type: ignore[no-untyped-def]
    """out += Σ x over its rows, three of them at a time; ``part`` holds a run."""
    for start in range(0, x.shape[0], STACK):
        part[:] = f4(0)
        end = start + STACK if start + STACK < x.shape[0] else x.shape[0]
        i = start
        while i + 3 <= end:
            a, b, c = x[i], x[i + 1], x[i + 2]
            for j in range(part.size):
                part[j] += a[j] + b[j] + c[j]
            i += 3
        while i < end:
            a = x[i]
            for j in range(part.size):
                part[j] += a[j]
            i += 1
        for j in range(part.size):
            out[j] += part[j]


@jit
def _stacked_sums(x, part, sums, out):  # type: ignore[no-untyped-def]
    """out[i] = Σ x[i] over its rows"""
    for i in range(x.shape[0]):
        sums[:] = 0.0
        _column_sums(x[i], part, sums)
        for j in range(sums.size):
            out[i, j] = f4(sums[j])


def _suits(x: Array, dims: Dims, keepdim: bool, wanted: Any) -> bool:
    if x.dtype.char != "f" or wanted.char != "f" or x.size < MANY or not dims or not x.flags.c_contiguous:
        return False
    inner = math.prod(x.shape[most(dims) + 1 :])
    return bool(inner == 1 or inner >= 16)


@total.cpu(_suits)
def _(x: Array, dims: Dims, keepdim: bool, wanted: Any) -> Array:
    """The last dimensions that lie side by side, and then the others."""
    dims = tuple(sorted(dims))
    low = high = dims[-1]
    while low - 1 in dims:
        low -= 1
    outer, n, inner = (math.prod(s) for s in (x.shape[:low], x.shape[low : high + 1], x.shape[high + 1 :]))
    out = np.empty((outer, inner), f4)
    if inner == 1:
        _row_sums(x.reshape(outer, n), out.reshape(outer))
    else:
        _stacked_sums(x.reshape(outer, n, inner), np.empty(inner, f4), np.empty(inner), out)
    rest = tuple(d for d in dims if d < low)
    y = out.reshape([1 if low <= d <= high else s for d, s in enumerate(x.shape)])
    if rest:
        y = total(y, rest, True, wanted)
    return y if keepdim else y.reshape([s for d, s in enumerate(x.shape) if d not in dims])
