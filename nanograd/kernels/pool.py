"""Pooling: the greatest element under a window of a signal, an image or a volume."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = ["adaptive_max_pool", "max_pool", "to_places"]

Sizes = tuple[int, ...]


def _least(x: Array) -> float:
    return -np.inf if x.dtype.kind == "f" else int(np.iinfo(x.dtype).min)


@kernel
def max_pool(x: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, out: Sizes) -> tuple[Array, Array]:
    """(greatest element, its place in row-major order) under each window: (N, C, *in) → (N, C, *out) twice.

    Padding never wins, not even against -∞; of equal elements the first one wins, of several NaN the last.
    """
    spans = zip(x.shape[2:], size, stride, padding, dilation, out, strict=True)
    edges = [(p, max(s * (o - 1) + d * (k - 1) + 1 - n - p, 0)) for n, k, s, p, d, o in spans]
    where = np.arange(math.prod(x.shape[2:])).reshape(x.shape[2:])
    if any(map(any, edges)):
        x = np.pad(x, ((0, 0), (0, 0), *edges), constant_values=_least(x))
        where = np.pad(where, edges, constant_values=-1)
    values = np.full((*x.shape[:2], *out), _least(x), x.dtype)
    places = np.full(values.shape, -1)
    steps = zip(size, dilation, stride, out, strict=True)
    lines = [[slice(i * d, i * d + s * (o - 1) + 1, s) for i in range(k)] for k, d, s, o in steps]
    for here in product(*lines):
        new, at = x[..., *here], where[here]
        wins = (places < 0) | (new > values) | (new != new)  # places: -1 while only padding was seen
        np.copyto(values, new, where=wins)
        np.copyto(places, at, where=wins)
    return values, np.maximum(places, 0)


@jit
def _max_pool2d(x, kh, kw, sh, sw, ph, pw, dh, dw, values, places):  # type: ignore[no-untyped-def]
    n, h, w = x.shape
    for i in range(n):
        for r in range(values.shape[1]):
            top = r * sh - ph
            for c in range(values.shape[2]):
                left = c * sw - pw
                best = -1
                greatest = x.dtype.type(-np.inf)
                for a in range(kh):
                    row = top + a * dh
                    if row < 0 or row >= h:
                        continue
                    for b in range(kw):
                        column = left + b * dw
                        if column < 0 or column >= w:
                            continue
                        v = x[i, row, column]
                        if best < 0 or v > greatest or v != v:
                            greatest = v
                            best = row * w + column
                values[i, r, c] = greatest
                places[i, r, c] = max(best, 0)


@jit
def _max_pool_squares(x, values, places):  # type: ignore[no-untyped-def]
    """Squares of two by two side by side: compared in pairs, without a branch that depends on a number."""
    width = np.int64(x.shape[2])
    for i in range(x.shape[0]):
        for r in range(values.shape[1]):
            upper, lower, value, place = x[i, 2 * r], x[i, 2 * r + 1], values[i, r], places[i, r]
            for c in range(value.size):
                a, b = upper[2 * c], upper[2 * c + 1]
                right = (b > a) | (b != b)
                above = b if right else a
                a, b = lower[2 * c], lower[2 * c + 1]
                left = (b > a) | (b != b)
                below = b if left else a
                down = (below > above) | (below != below)
                value[c] = below if down else above
                place[c] = 2 * (r * width + c) + (width + left if down else np.int64(right))


@max_pool.cpu(lambda x, size, *_: x.size >= 1024 and x.dtype.char in "fd" and x.flags.c_contiguous and len(size) < 3)
def _(x: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, out: Sizes) -> tuple[Array, Array]:
    planes = x.shape[0] * x.shape[1]
    shape = (*x.shape[:2], *out)
    if len(size) == 1:  # a signal is an image of one row
        size, stride, padding, dilation, out = (1, *size), (1, *stride), (0, *padding), (1, *dilation), (1, *out)
    values = np.empty((planes, *out), x.dtype)
    places = np.empty((planes, *out), np.int64)
    rows = x.reshape(planes, x.shape[2] if x.ndim == 4 else 1, x.shape[-1])
    inside = all(s * o <= n for s, o, n in zip(stride, out, rows.shape[1:], strict=True))
    if size == stride == (2, 2) and padding == (0, 0) and dilation == (1, 1) and inside:
        _max_pool_squares(rows, values, places)
    else:
        _max_pool2d(rows, *size, *stride, *padding, *dilation, values, places)
    return values.reshape(shape), places.reshape(shape)


@kernel
def to_places(g: Array, places: Array, shape: tuple[int, ...]) -> Array:
    """The adjoint of ``max_pool``: zeros of ``shape`` to which g is added at the places of each channel."""
    y = np.zeros((math.prod(shape[:2]), math.prod(shape[2:])), g.dtype)
    flat = (len(y), math.prod(g.shape[2:]))
    np.add.at(y, (np.arange(len(y))[:, None], places.reshape(flat)), g.reshape(flat))
    return y.reshape(shape)


@jit
def _to_places(g, places, y):  # type: ignore[no-untyped-def]
    for i in range(y.shape[0]):
        row, up, at = y[i], g[i], places[i]
        for j in range(row.size):
            row[j] = 0
        for j in range(up.size):
            row[at[j]] += up[j]


@to_places.cpu(lambda g, places, shape: g.size >= 256 and g.dtype.char in "fd" and places.flags.c_contiguous)
def _(g: Array, places: Array, shape: tuple[int, ...]) -> Array:
    y = np.empty((math.prod(shape[:2]), math.prod(shape[2:])), g.dtype)
    flat = (len(y), math.prod(g.shape[2:]))
    _to_places(np.ascontiguousarray(g).reshape(flat), places.reshape(flat), y)
    return y.reshape(shape)


@kernel
def adaptive_max_pool(x: Array, out: Sizes) -> tuple[Array, Array]:
    """As ``max_pool``, where window i of a dimension with n places and m results is ⌊i n/m⌋ ... ⌈(i + 1) n/m⌉."""
    inner = x.shape[2:]
    where = np.arange(math.prod(inner)).reshape(inner)
    values = np.empty((*x.shape[:2], *out), x.dtype)
    places = np.empty(values.shape, np.int64)
    for cell in np.ndindex(out):
        spans = zip(cell, inner, out, strict=True)
        block = tuple(slice(i * n // m, -(-(i + 1) * n // m)) for i, n, m in spans)
        at = where[block].reshape(-1)
        best = _greatest(x[(..., *block)].reshape(*x.shape[:2], at.size))
        places[(..., *cell)] = at[best]
    if values.size:
        flat = x.reshape(*x.shape[:2], where.size)
        values = np.take_along_axis(flat, places.reshape(*x.shape[:2], math.prod(out)), 2).reshape(values.shape)
    return values, places


def _greatest(x: Array) -> Array:
    """The place of the greatest element along the last dimension; of several NaN the last one."""
    best = x.argmax(-1)
    odd = np.isnan(x)
    return np.where(odd.any(-1), x.shape[-1] - 1 - odd[..., ::-1].argmax(-1), best) if odd.any() else best
