"""Pooling: the greatest element under a window."""

from __future__ import annotations

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = ["max_pool2d"]

Pair = tuple[int, int]


@kernel
def max_pool2d(x: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, out: Pair) -> tuple[Array, Array]:
    """(greatest element, its int64 place in H·W) under each window: (N, C, H, W) → (N, C, *out) twice."""
    _, _, h, w = x.shape
    rows = np.arange(out[0])[:, None] * stride[0] - padding[0] + np.arange(size[0]) * dilation[0]  # (OH, KH)
    columns = np.arange(out[1])[:, None] * stride[1] - padding[1] + np.arange(size[1]) * dilation[1]  # (OW, KW)
    inside = ((rows >= 0) & (rows < h))[:, None, :, None] & ((columns >= 0) & (columns < w))[None, :, None, :]
    place = rows.clip(0, h - 1)[:, None, :, None] * w + columns.clip(0, w - 1)[None, :, None, :]
    low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    flat = x.reshape(*x.shape[:2], h * w)
    windows = np.where(inside, flat[:, :, place], x.dtype.type(low)).reshape(*x.shape[:2], *out, size[0] * size[1])
    best = windows.argmax(-1)
    odd = np.isnan(windows) if x.dtype.kind == "f" else np.zeros(windows.shape, np.bool_)
    if odd.any():  # of several NaN the last one wins, as in torch
        best = np.where(odd.any(-1), odd.shape[-1] - 1 - odd[..., ::-1].argmax(-1), best)
    inside = np.broadcast_to(inside.reshape(*out, -1), windows.shape)
    won = np.take_along_axis(inside, best[..., None], -1)[..., 0]
    best = np.where(won, best, inside.argmax(-1))  # padding never wins, not even against -inf
    places = np.broadcast_to(place.reshape(*out, -1), windows.shape)
    values = np.take_along_axis(windows, best[..., None], -1)[..., 0]
    return values, np.take_along_axis(places, best[..., None], -1)[..., 0]


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


@max_pool2d.cpu(lambda x, *_: x.size >= 1024 and x.dtype.char in "fd" and x.flags.c_contiguous)
def _(x: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, out: Pair) -> tuple[Array, Array]:
    n, c, h, w = x.shape
    values = np.empty((n * c, *out), x.dtype)
    places = np.empty((n * c, *out), np.int64)
    _max_pool2d(x.reshape(n * c, h, w), *size, *stride, *padding, *dilation, values, places)
    return values.reshape(n, c, *out), places.reshape(n, c, *out)
