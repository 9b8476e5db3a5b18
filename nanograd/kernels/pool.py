"""Pooling: the greatest element under a window of a signal, an image or a volume."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = ["adaptive_max_pool", "max_pool"]

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


@max_pool.cpu(lambda x, size, *_: x.size >= 1024 and x.dtype.char in "fd" and x.flags.c_contiguous and len(size) < 3)
def _(x: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, out: Sizes) -> tuple[Array, Array]:
    planes = x.shape[0] * x.shape[1]
    shape = (*x.shape[:2], *out)
    if len(size) == 1:  # a signal is an image of one row
        size, stride, padding, dilation, out = (1, *size), (1, *stride), (0, *padding), (1, *dilation), (1, *out)
    values = np.empty((planes, *out), x.dtype)
    places = np.empty((planes, *out), np.int64)
    rows = x.reshape(planes, x.shape[2] if x.ndim == 4 else 1, x.shape[-1])
    _max_pool2d(rows, *size, *stride, *padding, *dilation, values, places)
    return values.reshape(shape), places.reshape(shape)


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
