"""Convolution of signals, images and volumes, and its adjoints, as matrix products over unrolled windows (im2col).

One code for one, two and three dimensions: ``*out`` and ``*size`` stand for as many sizes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nanograd.kernels import direct
from nanograd.kernels.kernel import Array, kernel

__all__ = ["convolve", "convolve_input", "convolve_weight", "fold", "unfold"]

Sizes = tuple[int, ...]


def _windows(x: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Array:
    """(N, C, *in) → (N, C, *size, *out): every window under the kernel, as a view of the padded input."""
    if any(padding):
        inner = x
        x = np.zeros((*x.shape[:2], *(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))), x.dtype)
        x[..., *(slice(p, p + n) for n, p in zip(inner.shape[2:], padding, strict=True))] = inner
    spans = zip(x.shape[2:], size, stride, dilation, strict=True)
    out = ((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in spans)
    within = (step * d for step, d in zip(x.strides[2:], dilation, strict=True))
    between = (step * s for step, s in zip(x.strides[2:], stride, strict=True))
    return as_strided(x, (*x.shape[:2], *size, *out), (*x.strides[:2], *within, *between), writeable=False)


def _put_back(windows: Array, shape: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Array:
    """The adjoint of ``_windows``: each window is added where it was read; (C, *size, N, *out) → (N, C, *shape)"""
    dims = len(shape)
    size, (n, *out) = windows.shape[1 : 1 + dims], windows.shape[1 + dims :]
    room = (m + 2 * p for m, p in zip(shape, padding, strict=True))
    x: Array = np.zeros((windows.shape[0], n, *room), windows.dtype)
    steps = zip(size, dilation, stride, out, strict=True)
    lines = [[slice(i * d, i * d + s * (o - 1) + 1, s) for i in range(k)] for k, d, s, o in steps]
    for cell, places in zip(product(*map(range, size)), product(*lines), strict=True):
        x[..., *places] += windows[:, *cell]
    if not any(padding):
        return np.ascontiguousarray(x.swapaxes(0, 1))
    inner = x[..., *(slice(p, p + m) for p, m in zip(padding, shape, strict=True))]
    return np.ascontiguousarray(inner.swapaxes(0, 1))


def _columns(x: Array, size: Sizes, *geometry: Sizes) -> Array:
    """(N, C, *in) → (C, *size, N, *out), dense: the windows side by side, one in each column of a matrix."""
    windows = _windows(x, size, *geometry)
    return np.ascontiguousarray(np.moveaxis(windows, 0, 1 + len(size)))


def _wide(x: Array) -> Array:
    """x in a dtype that adds up well: float32 for float16."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


@kernel
def convolve(
    x: Array, weight: Array, bias: Array | None, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Array:
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c]: (N, C, *in) (O, C/groups, *size) (O,) → (N, O, *out)"""
    columns = _columns(_wide(x), weight.shape[2:], stride, padding, dilation)
    n, *out = columns.shape[x.ndim - 1 :]
    rows, depth = weight.shape[0], math.prod(weight.shape[1:])
    y = _wide(weight).reshape(groups, rows // groups, depth) @ columns.reshape(groups, depth, n * math.prod(out))
    y = y.reshape(rows, n, *out).swapaxes(0, 1)
    made = np.empty(y.shape, x.dtype)
    np.add(y, 0 if bias is None else bias.reshape(rows, *(1 for _ in out)), out=made, casting="same_kind")
    return made


@kernel
def convolve_input(
    g: Array, weight: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Array:
    """The adjoint of ``convolve`` in x: each g spreads back over its window; (N, O, *out) → (N, C, *size)"""
    rows, each, *window = weight.shape
    n, out = g.shape[0], g.shape[2:]
    above = _wide(g).swapaxes(0, 1).reshape(groups, rows // groups, n * math.prod(out))
    columns = _wide(weight).reshape(groups, rows // groups, each * math.prod(window)).swapaxes(1, 2) @ above
    columns = columns.reshape(groups * each, *window, n, *out)
    return _put_back(columns, size, stride, padding, dilation).astype(g.dtype, copy=False)


@kernel
def convolve_weight(
    g: Array, x: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Array:
    """The adjoint of ``convolve`` in W: Σ over windows of g times the window; → (O, C/groups, *size)"""
    rows, out, each = g.shape[1], g.shape[2:], x.shape[1] // groups
    windows = _windows(_wide(x), size, stride, padding, dilation)[(..., *map(slice, out))]
    columns = np.moveaxis(windows, 0, 1 + len(size))
    count = g.shape[0] * math.prod(out)
    above = _wide(g).swapaxes(0, 1).reshape(groups, rows // groups, count)
    y = above @ columns.reshape(groups, each * math.prod(size), count).swapaxes(1, 2)
    return y.reshape(rows, each, *size).astype(g.dtype, copy=False)


# Without columns


def _is_direct(x: Array, weight: Array) -> bool:
    """Whether compiled loops pay: floats, and not a handful."""
    return x.dtype.char in "fd" and weight.dtype is x.dtype and x.size >= 256 and weight.size > 0


def _spatial(x: Array) -> Array:
    """x (…, …, *sizes) with three sizes, contiguous: a signal is a volume of one row."""
    return np.ascontiguousarray(x).reshape(*x.shape[:2], *(1,) * (5 - x.ndim), *x.shape[2:])


@lru_cache(256)
def _geometry(size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, out: Sizes) -> direct.Geometry:
    missing = 3 - len(size)
    ones, none = (1,) * missing, (0,) * missing
    return direct.Geometry(
        (*ones, *size), (*ones, *stride), (*none, *padding), (*ones, *dilation), (*ones, *out)
    )  # fmt: skip


@convolve.cpu(lambda x, weight, *_: _is_direct(x, weight))
def _(
    x: Array, weight: Array, bias: Array | None, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Array:
    size = weight.shape[2:]
    spans = zip(x.shape[2:], size, stride, padding, dilation, strict=True)
    out = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in spans)
    geometry = _geometry(size, stride, padding, dilation, out)
    y = direct.convolve(_spatial(x), _spatial(weight), bias, geometry, groups)
    return y.reshape(*y.shape[:2], *out)


@convolve_input.cpu(lambda g, weight, size, stride, *_: _is_direct(g, weight) and max(stride) == 1)
def _(g: Array, weight: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Array:
    rows, each, *window = weight.shape
    cells = weight.reshape(groups, rows // groups, each, math.prod(window))
    turned = cells[..., ::-1].swapaxes(1, 2).reshape(groups * each, rows // groups, *window)
    around = tuple(d * (k - 1) - p for d, k, p in zip(dilation, window, padding, strict=True))
    geometry = _geometry(tuple(window), stride, around, dilation, size)
    return direct.convolve(_spatial(g), _spatial(turned), None, geometry, groups).reshape(*g.shape[:1], -1, *size)


@convolve_weight.cpu(lambda g, x, *_: _is_direct(x, g))
def _(g: Array, x: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Array:
    geometry = _geometry(size, stride, padding, dilation, g.shape[2:])
    y = direct.convolve_weight(_spatial(g), _spatial(x), geometry, groups)
    return y.reshape(*y.shape[:2], *size)


# Columns


@kernel
def unfold(x: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Array:
    """The windows as columns: (N, C, *in) → (N, C·size, L) with one column for each of the L windows."""
    windows = _windows(x, size, stride, padding, dilation)
    n, c = x.shape[:2]
    return windows.reshape(n, c * math.prod(size), math.prod(windows.shape[2 + len(size) :]))


@kernel
def fold(g: Array, shape: Sizes, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Array:
    """The adjoint of ``unfold``: columns are added where their windows lie; (N, C·size, L) → (N, C, *shape)"""
    spans = zip(shape, size, stride, padding, dilation, strict=True)
    out = tuple((m + 2 * p - d * (k - 1) - 1) // s + 1 for m, k, s, p, d in spans)
    n, c = g.shape[0], g.shape[1] // math.prod(size)
    windows = np.moveaxis(_wide(g).reshape(n, c, *size, *out), 0, 1 + len(size))
    return _put_back(windows, shape, stride, padding, dilation).astype(g.dtype, copy=False)
