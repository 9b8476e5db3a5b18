"""Convolution on the CPU without a matrix of all windows: blocks of sums that stay in registers.

A row of the input, shifted, is what one cell of the window sees while it slides along the row.  So the rows under some
windows are laid out once for each column of the window (``_lay_out``), and there the numbers that a cell sees, at all
places of the window, stand side by side: beginning at ``starts[k]`` for cell k of (channel, kd, kh, kw).  Then

    y[o, p] = b[o] + Σ_k W[o, k] · rows[starts[k] + p]        and        ∂W[o, k] = Σ_p g[o, p] · rows[starts[k] + p]

are matrix products, of which the machine computes four rows and three vectors at a time.  A signal is a volume of one
row, an image one of one plane.  Where an image has few places, p runs over several images, side by side row by row.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array
from nanograd.kernels.vector import fma, lanes, last, load, repeat, store, total, zeros

__all__ = ["Geometry", "convolve", "convolve_weight"]

Sizes = tuple[int, ...]


class Geometry(NamedTuple):
    """Where the windows lie: three sizes each, for depth, height and width."""

    size: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    out: Sizes


# What the cells of the window see


class Layout(NamedTuple):
    """How many places are laid out at once: ``rows`` of windows of each of ``images``.

    ``phases`` and ``reach``: a window that moves ``stride`` rows meets the rows of one remainder only, and sees
    ``reach`` of them more than there are windows.
    """

    images: int
    rows: int
    phases: int
    reach: int

    def plane(self, width: int) -> int:
        """The length of what one column of the window sees in one plane."""
        return self.phases * (self.rows + self.reach) * self.images * width


def _layout(geometry: Geometry, images: int, rows: int) -> Layout:
    span = geometry.dilation[1] * (geometry.size[1] - 1)
    return Layout(images, rows, min(geometry.stride[1], span + 1), span // geometry.stride[1])


@lru_cache(256)
def _starts(channels: int, geometry: Geometry, layout: Layout) -> Array:
    """Where the numbers begin that each cell (channel, kd, kh, kw) of the window sees."""
    depth, height, width = geometry.size
    row = layout.images * geometry.out[2]
    plane = layout.plane(geometry.out[2])
    down = geometry.dilation[1] * np.arange(height)
    within = (down % geometry.stride[1] * (layout.rows + layout.reach) + down // geometry.stride[1]) * row
    columns = np.arange(channels * depth * width).reshape(channels, depth, 1, width) * plane
    return np.ascontiguousarray((columns + within[:, None]).reshape(-1))


@jit
def _lay_out(x, first, channel, channels, deep, top, geometry, layout, rows):  # type: ignore[no-untyped-def]
    """Rows of x (N, C, D, H, W) as the columns of the window see them → (channel, kd, kw, phase, row, image, width)."""
    size, stride, padding, dilation, out = geometry
    images, tall, phases, reach = layout
    _, channels_, depth, height, width = x.shape
    flat, at, row = x.reshape(-1), 0, images * out[2]
    present = min(images, x.shape[0] - first)
    for c in range(channel, channel + channels):
        for a in range(size[0]):
            z = deep * stride[0] + a * dilation[0] - padding[0]
            plane = ((first * channels_ + c) * depth + z) * height
            for b in range(size[2]):
                left = b * dilation[2] - padding[2]
                for phase in range(phases):
                    above = top * stride[1] + phase - padding[1]  # the first row of x, which may not be there
                    begin, end = _between(above, stride[1], height, tall + reach)
                    if not 0 <= z < depth:
                        begin = end = 0
                    _fill(rows, at, begin * row)
                    if begin < end:
                        _lay_rows(
                            flat, (plane + above + begin * stride[1]) * width + left, stride[1] * width,
                            channels_ * depth * height * width, stride[2], _between(left, stride[2], width, out[2]),
                            rows, at + begin * row, end - begin, images, present, out[2],
                        )  # fmt: skip
                    _fill(rows, at + end * row, (tall + reach - end) * row)
                    at += (tall + reach) * row


@jit
def _between(start, step, length, count):  # type: ignore[no-untyped-def]
    """The i from which, and the one to which, 0 <= start + i · step < length, of 0 <= i < count."""
    low = min(max(0, -(start // step)), count)
    return low, max(low, min(count, (length - start + step - 1) // step))


@jit
def _lay_rows(x, source, pitch, apart, step, inside, rows, at, tall, images, present, width):  # type: ignore[no-untyped-def]
    """Rows of several images, which begin ``pitch`` and ``apart`` apart, with zeros where the window leaves x.

    Whole vectors are written: what lies behind the last number is written anew, or of no use.
    """
    low, high = inside
    n, zero = lanes(x), zeros(x)
    for r in range(tall):
        for i in range(images):
            begin = source + r * pitch + i * apart
            for j in range(0, low, n):
                store(rows, at + j, zero)
            if i >= present:
                _fill(rows, at, width)
            elif step == 1 and begin + high + n <= x.size:
                for j in range(low, high, n):
                    store(rows, at + j, load(x, begin + j))
            else:
                for j in range(low, high):
                    rows[at + j] = x[begin + j * step]
            for j in range(high, width, n):
                store(rows, at + j, zero)
            at += width


# Both write whole vectors: what lies behind the last number is written anew, or of no use


@jit
def _fill(y, at, count):  # type: ignore[no-untyped-def]
    """y[at + j] = 0 for j < count"""
    zero = zeros(y)
    for j in range(0, count, lanes(y)):
        store(y, at + j, zero)


@jit
def _copy(x, i, step, y, at, count):  # type: ignore[no-untyped-def]
    """y[at + j] = x[i + j · step] for j < count"""
    n = lanes(x)
    if step == 1 and i + count + n <= x.size:
        for j in range(0, count, n):
            store(y, at + j, load(x, i + j))
    else:
        for j in range(count):
            y[at + j] = x[i + j * step]


# y = b + W · rows


@jit
def _block(weight, k0, k1, k2, k3, bias, o0, o1, o2, o3, rows, starts, p0, p1, p2, y, y0, y1, y2, y3):  # type: ignore[no-untyped-def]
    """Four rows of y at three times as many places as a vector holds."""
    a0 = a1 = a2 = repeat(bias, o0)
    b0 = b1 = b2 = repeat(bias, o1)
    c0 = c1 = c2 = repeat(bias, o2)
    d0 = d1 = d2 = repeat(bias, o3)
    for k in range(starts.size):
        at = starts[k]
        x0, x1, x2 = load(rows, at + p0), load(rows, at + p1), load(rows, at + p2)
        w = repeat(weight, k0 + k)
        a0, a1, a2 = fma(w, x0, a0), fma(w, x1, a1), fma(w, x2, a2)
        w = repeat(weight, k1 + k)
        b0, b1, b2 = fma(w, x0, b0), fma(w, x1, b1), fma(w, x2, b2)
        w = repeat(weight, k2 + k)
        c0, c1, c2 = fma(w, x0, c0), fma(w, x1, c1), fma(w, x2, c2)
        w = repeat(weight, k3 + k)
        d0, d1, d2 = fma(w, x0, d0), fma(w, x1, d1), fma(w, x2, d2)
    _store(y, y0, p0, p1, p2, a0, a1, a2)
    _store(y, y1, p0, p1, p2, b0, b1, b2)
    _store(y, y2, p0, p1, p2, c0, c1, c2)
    _store(y, y3, p0, p1, p2, d0, d1, d2)


@jit
def _store(y, row, p0, p1, p2, x0, x1, x2):  # type: ignore[no-untyped-def]
    store(y, row + p0, x0)
    store(y, row + p1, x1)
    store(y, row + p2, x2)


@jit
def _product(weight, bias, first, count, rows, starts, places, together, y, begin, step):  # type: ignore[no-untyped-def]
    """y[begin + o · step + p] for ``count`` rows of W from ``first`` and all ``places``.

    Blocks that would reach beyond the last row or place begin earlier: they compute some sums twice.
    """
    n, depth, end = lanes(y), starts.size, places - lanes(y)
    for p in range(0, places, together):
        for o in range(0, count, 4):
            r1, r2, r3 = min(o + 1, count - 1), min(o + 2, count - 1), min(o + 3, count - 1)
            o0, o1, o2, o3 = first + o, first + r1, first + r2, first + r3
            for q in range(p, min(p + together, places), 3 * n):
                _block(
                    weight, o0 * depth, o1 * depth, o2 * depth, o3 * depth, bias, o0, o1, o2, o3,
                    rows, starts, min(q, end), min(q + n, end), min(q + 2 * n, end),
                    y, begin + o * step, begin + r1 * step, begin + r2 * step, begin + r3 * step,
                )  # fmt: skip


@jit
def _scatter(found, first, channel, channels, deep, top, images, tall, y):  # type: ignore[no-untyped-def]
    """found (channel, row, image, width) into y (N, O, D, H, W)."""
    _, _, depth, height, width = y.shape
    flat, at = y.reshape(-1), 0
    for c in range(channel, channel + channels):
        for i in range(top, top + tall):
            for n in range(first, first + images):
                if n < y.shape[0]:
                    row = (((n * y.shape[1] + c) * depth + deep) * height + i) * width
                    for j in range(width):
                        flat[row + j] = found[at + j]
                at += width


@jit
def _convolve(x, weight, bias, groups, geometry, layout, starts, together, rows, found, y):  # type: ignore[no-untyped-def]
    images, tall = layout[:2]
    each, count = x.shape[1] // groups, y.shape[1] // groups
    _, channels, deeps, height, width = y.shape
    flat, plane = y.reshape(-1), height * width
    for group in range(groups):
        for n in range(0, x.shape[0], images):
            for deep in range(deeps):
                for band in range(0, height, tall):
                    top = min(band, height - tall)
                    _lay_out(
                        x, n, group * each, each, deep, top, geometry, layout, rows
                    )  # fmt: skip
                    first = group * count
                    if images == 1:
                        begin = ((n * channels + first) * deeps + deep) * plane + top * width
                        _product(
                            weight, bias, first, count, rows, starts, tall * width, together, flat, begin, deeps * plane
                        )  # fmt: skip
                    else:
                        places = images * plane
                        _product(weight, bias, first, count, rows, starts, places, together, found, 0, places)
                        _scatter(found, n, first, count, deep, top, images, tall, y)


SLACK = 64
"""No vector has more numbers."""

NEAR = 1 << 17
"""So many numbers stay near the processor while others pass: half a megabyte of float32."""


def convolve(x: Array, weight: Array, bias: Array | None, geometry: Geometry, groups: int) -> Array:
    """b + x ⋆ W for contiguous x (N, C, D, H, W) and W (O, C/groups, KD, KH, KW) → (N, O, *out)"""
    size, (deep, height, width) = geometry.size, geometry.out
    each, count = weight.shape[1], weight.shape[0] // groups
    columns = each * size[0] * size[2]
    images, tall = _shares(geometry, 64, max(64, NEAR // columns))
    layout = _layout(geometry, images, tall)
    rows = np.empty(columns * layout.plane(width) + SLACK, x.dtype)
    found = np.empty(count * images * height * width + SLACK if images > 1 else 0, x.dtype)
    y = np.empty((x.shape[0], weight.shape[0], deep, height, width), x.dtype)
    if bias is None:
        bias = np.zeros(weight.shape[0], x.dtype)
    starts = _starts(each, geometry, layout)
    together = max(1, NEAR // columns // 48) * 48
    _convolve(
        x, weight.reshape(-1), bias, groups, tuple(geometry), tuple(layout), starts, together, rows,
        found, y,
    )  # fmt: skip
    return y


def _shares(geometry: Geometry, least: int, most: int) -> tuple[int, int]:
    """(how many images, how many rows of windows of each) make between ``least`` and about ``most`` places."""
    _, height, width = geometry.out
    if height * width <= most or width < 16:  # a band of narrow rows could have less places than a vector
        return max(1, math.ceil(least / (height * width))), height
    return 1, min(height, max(1, most // width))


# ∂W = g · rowsᵀ


@jit
def _sums(g, g0, g1, g2, g3, rows, s0, s1, s2, places, out, o0, o1, o2, o3, k0, k1, k2):  # type: ignore[no-untyped-def]
    """out = for each of four rows of g and three cells of the window, the sum of their products at all places."""
    n = lanes(g)
    rest, end = places % n, places - n  # a vector that ends with the last place holds the places that are left
    x0, x1, x2 = last(load(rows, s0 + end), rest), last(load(rows, s1 + end), rest), last(load(rows, s2 + end), rest)
    zero = last(x0, 0)
    u = last(load(g, g0 + end), rest)
    a0, a1, a2 = fma(u, x0, zero), fma(u, x1, zero), fma(u, x2, zero)
    u = last(load(g, g1 + end), rest)
    b0, b1, b2 = fma(u, x0, zero), fma(u, x1, zero), fma(u, x2, zero)
    u = last(load(g, g2 + end), rest)
    c0, c1, c2 = fma(u, x0, zero), fma(u, x1, zero), fma(u, x2, zero)
    u = last(load(g, g3 + end), rest)
    d0, d1, d2 = fma(u, x0, zero), fma(u, x1, zero), fma(u, x2, zero)
    for p in range(0, places - rest, n):
        x0, x1, x2 = load(rows, s0 + p), load(rows, s1 + p), load(rows, s2 + p)
        u = load(g, g0 + p)
        a0, a1, a2 = fma(u, x0, a0), fma(u, x1, a1), fma(u, x2, a2)
        u = load(g, g1 + p)
        b0, b1, b2 = fma(u, x0, b0), fma(u, x1, b1), fma(u, x2, b2)
        u = load(g, g2 + p)
        c0, c1, c2 = fma(u, x0, c0), fma(u, x1, c1), fma(u, x2, c2)
        u = load(g, g3 + p)
        d0, d1, d2 = fma(u, x0, d0), fma(u, x1, d1), fma(u, x2, d2)
    out[o0, k0], out[o0, k1], out[o0, k2] = total(a0), total(a1), total(a2)
    out[o1, k0], out[o1, k1], out[o1, k2] = total(b0), total(b1), total(b2)
    out[o2, k0], out[o2, k1], out[o2, k2] = total(c0), total(c1), total(c2)
    out[o3, k0], out[o3, k1], out[o3, k2] = total(d0), total(d1), total(d2)


@jit
def _outer(g, step, rows, starts, places, part):  # type: ignore[no-untyped-def]
    """part[o, k] = Σ_p g[o · step + p] · rows[starts[k] + p]"""
    count, depth = part.shape
    for o in range(0, count, 4):
        o1, o2, o3 = min(o + 1, count - 1), min(o + 2, count - 1), min(o + 3, count - 1)
        for k in range(0, depth, 3):
            k1, k2 = min(k + 1, depth - 1), min(k + 2, depth - 1)
            _sums(
                g, o * step, o1 * step, o2 * step, o3 * step, rows, starts[k], starts[k1], starts[k2], places,
                part, o, o1, o2, o3, k, k1, k2,
            )  # fmt: skip


@jit
def _gather(g, first, channel, channels, deep, top, images, tall, step, found):  # type: ignore[no-untyped-def]
    """g (N, O, D, H, W) as (channel, step), a step being (row, image, width); images beyond the last are zeros."""
    _, _, depth, height, width = g.shape
    flat = g.reshape(-1)
    for c in range(channels):
        at = c * step
        for i in range(top, top + tall):
            for n in range(first, first + images):
                if n < g.shape[0]:
                    row = (((n * g.shape[1] + channel + c) * depth + deep) * height + i) * width
                    _copy(flat, row, 1, found, at, width)
                else:
                    _fill(found, at, width)
                at += width


@jit
def _convolve_weight(g, x, groups, geometry, layout, starts, step, rows, found, part, out):  # type: ignore[no-untyped-def]
    images, tall = layout[:2]
    count, each = g.shape[1] // groups, x.shape[1] // groups
    _, _, deeps, height, width = g.shape
    cells = geometry[0][0] * geometry[0][1] * geometry[0][2]
    chunk = part.shape[1] // cells
    for group in range(groups):
        for n in range(0, x.shape[0], images):
            for deep in range(deeps):
                for top in range(0, height, tall):
                    here = min(tall, height - top)
                    _gather(g, n, group * count, count, deep, top, images, here, step, found)
                    for c in range(0, each, chunk):
                        held = min(chunk, each - c)
                        _lay_out(x, n, group * each + c, held, deep, top, geometry, layout, rows)
                        sums = part[:, : held * cells]
                        _outer(found, step, rows, starts[: held * cells], here * images * width, sums)
                        out[group, :, c * cells : (c + held) * cells] += sums


def convolve_weight(g: Array, x: Array, geometry: Geometry, groups: int) -> Array:
    """Σ over windows of g times the window, for contiguous g (N, O, *out) and x → (O, C/groups, KD, KH, KW)

    Each sum is of some thousand products in the dtype, and these sums add up in float64.
    """
    size, width = geometry.size, geometry.out[2]
    count, each = g.shape[1] // groups, x.shape[1] // groups
    images, tall = _shares(geometry, 1024, 2048)
    layout = _layout(geometry, images, tall)
    column = size[0] * size[2] * layout.plane(width)
    chunk = min(each, max(1, NEAR // column))
    rows = np.empty(chunk * column + SLACK, x.dtype)
    step = -(-images * tall * width // SLACK) * SLACK
    found = _aligned(count * step + SLACK, x.dtype)
    part = np.empty((count, chunk * math.prod(size)), x.dtype)
    out = np.zeros((groups, count, each * math.prod(size)))
    starts = _starts(chunk, geometry, layout)
    _convolve_weight(g, x, groups, tuple(geometry), tuple(layout), starts, step, rows, found, part, out)
    return out.astype(x.dtype, copy=False).reshape(g.shape[1], each, *size)


def _aligned(n: int, dtype: np.dtype[Any]) -> Array:
    """Room for n numbers that begins where a vector in memory does: loads are faster there."""
    room = np.empty(n * dtype.itemsize + 64, np.uint8)
    first = -room.ctypes.data % 64
    return room[first : first + n * dtype.itemsize].view(dtype)
