"""Convolution on the CPU without a matrix of all windows: blocks of sums that stay in registers.

A row of the input, shifted, is what one cell of the window sees while it slides along the row.  So the rows under some
windows are laid out once for each column of the window (``_lay_out``), and there the numbers that a cell sees, at all
places of the window, stand side by side: beginning at ``starts[k]`` for cell k of (channel, kd, kh, kw).  Then

    y[o, p] = b[o] + Σ_k W[o, k] · rows[starts[k] + p]        and        ∂W[o, k] = Σ_p g[o, p] · rows[starts[k] + p]

are matrix products, which are computed in the blocks of blocks.py.  A signal is a volume of one row, an image one of
one plane.  Where an image has few places, p runs over several images, side by side row by row.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from nanograd.kernels.blocks import COLUMNS, outer_block, outer_half, product_block, product_half, rows_of_block
from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array
from nanograd.kernels.vector import every_second, lanes, load, store, zeros
from nanograd.threads import split

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

    Whole vectors are written: what this puts behind the last number is overwritten later, or never read.
    """
    n = lanes(x)
    for r in range(tall):
        for i in range(images):
            low, high = inside
            begin = source + r * pitch + i * apart
            if i >= present:
                low, high = 0, 0
            elif step == 1 and begin >= 0 and begin + width + n <= x.size:
                for j in range(0, width, n):
                    store(rows, at + j, load(x, begin + j))
            elif step == 2 and begin + 2 * (high + n) <= x.size:
                for j in range(low, high, n):
                    store(rows, at + j, every_second(x, begin + 2 * j))
            else:
                for j in range(low, high):
                    rows[at + j] = x[begin + j * step]
            for j in range(low):
                rows[at + j] = 0
            for j in range(high, width):
                rows[at + j] = 0
            at += width


# Both write whole vectors: what they put behind the last number is overwritten later, or never read


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
def _product(weight, bias, group, count, rows, starts, places, together, y, begin, step):  # type: ignore[no-untyped-def]
    """y[begin + o · step + p] for ``count`` rows o of W from ``group`` and all ``places`` p.

    All rows of W meet some places, as many as stay near the processor ``together``, before they meet the next.
    """
    depth, end, many, wide = starts.size, places - lanes(y), rows_of_block(y), COLUMNS * lanes(y)
    for near in range(0, places, together):
        o = 0
        while o < count:
            whole = count - o > many // 2
            for p in range(near, min(near + together, places), wide):
                if whole:
                    product_block(y, begin, step, weight, bias, group, o, count, rows, starts, depth, p, end)
                else:
                    product_half(y, begin, step, weight, bias, group, o, count, rows, starts, depth, p, end)
            o += many if whole else many // 2


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
    """y = b + x ⋆ W, in the room of ``rows`` and ``found``, which a ``Plan`` describes."""
    images, tall = layout[:2]
    each, count = x.shape[1] // groups, y.shape[1] // groups
    _, channels, deeps, height, width = y.shape
    flat, plane = y.reshape(-1), height * width
    for group in range(groups):
        for n in range(0, x.shape[0], images):
            for deep in range(deeps):
                for band in range(0, height, tall):
                    top = min(band, height - tall)
                    _lay_out(x, n, group * each, each, deep, top, geometry, layout, rows)
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


WIDEST = 48
"""No block has more places: three vectors of sixteen."""


class Plan(NamedTuple):
    """What does not depend on the numbers: how places are laid out, and how much room that takes.

    So many places stay near the processor ``together``.  ``rows``: the size of what is laid out; ``found``: that of the
    results of several images, before each goes to its image.
    """

    layout: Layout
    starts: Array
    together: int
    rows: int
    found: int


@lru_cache(256)
def _plan(n: int, each: int, count: int, geometry: Geometry) -> Plan:
    """How ``count`` channels of n results are computed from ``each`` of the input."""
    _, height, width = geometry.out
    columns = each * geometry.size[0] * geometry.size[2]
    images, tall = _shares(geometry, n, 160, max(64, NEAR // columns), WIDEST, 16)
    layout = _layout(geometry, images, tall)
    found = count * images * height * width + SLACK if images > 1 else 0
    together = max(1, NEAR // columns // WIDEST) * WIDEST
    return Plan(layout, _starts(each, geometry, layout), together, columns * layout.plane(width) + SLACK, found)


def convolve(x: Array, weight: Array, bias: Array | None, geometry: Geometry, groups: int) -> Array:
    """b + x ⋆ W for contiguous x (N, C, D, H, W) and W (O, C/groups, KD, KH, KW) → (N, O, *out)"""
    layout, starts, together, room, more = _plan(x.shape[0], weight.shape[1], weight.shape[0] // groups, geometry)
    y = np.empty((x.shape[0], weight.shape[0], *geometry.out), x.dtype)
    if bias is None:
        bias = np.zeros(weight.shape[0], x.dtype)
    flat, numbers, images = weight.reshape(-1), (groups, tuple(geometry), tuple(layout)), layout[0]

    def run(start: int, stop: int) -> None:
        some = slice(start * images, stop * images)
        rows, found = _aligned(room, x.dtype), np.empty(more, x.dtype)
        _convolve(x[some], flat, bias, *numbers, starts, together, rows, found, y[some])

    split(-(-x.shape[0] // images), run, _least(weight.size * math.prod(geometry.out) * images))
    return y


def _least(products: int) -> int:
    """How many steps of so many products are worth a thread: those of a tenth of a millisecond or more."""
    return 1 + WORTH // max(1, products)


WORTH = 10_000_000
"""So many products take about a tenth of a millisecond."""


def _shares(geometry: Geometry, n: int, alone: int, most: int, block: int, more: int) -> tuple[int, int]:
    """(how many of n images, how many rows of windows of each) are laid out at once: about ``most`` places.

    An image of ``alone`` places stands alone.  Of several numbers of images the one is taken that costs least: places
    count in whole blocks, and each time it takes as long as for ``more`` of them to begin.
    """
    _, height, width = geometry.out
    plane = height * width
    if plane > most and width >= 16:  # a band of narrow rows could have fewer places than a vector
        return 1, min(height, max(1, most // width))
    few = math.ceil(SLACK / plane)  # no vector has more places
    many = few if plane >= alone else max(few, most // plane)
    costs = {i: -(-n // i) * (-(-i * plane // block) * block + more) for i in range(few, many + 1)}
    return min(costs, key=costs.__getitem__), height


# ∂W = g · rowsᵀ


@jit
def _outer(g, step, count, rows, starts, depth, places, part):  # type: ignore[no-untyped-def]
    """part[o · depth + k] = Σ_p g[o · step + p] · rows[starts[k] + p] for ``count`` rows o and ``depth`` cells k."""
    o, many = 0, rows_of_block(g)
    while o < count:
        whole = count - o > many // 2
        for k in range(0, depth, COLUMNS):
            if whole:
                outer_block(part, depth, g, step, o, count, rows, starts, k, places)
            else:
                outer_half(part, depth, g, step, o, count, rows, starts, k, places)
        o += many if whole else many // 2


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
def _convolve_weight(g, x, groups, geometry, layout, starts, step, rows, found, part, low, high, out):  # type: ignore[no-untyped-def]
    """out += ∂W, for the channels from ``low`` to ``high`` of each group; ``rows``, ``found``, ``part`` are room."""
    images, tall = layout[:2]
    count, each = g.shape[1] // groups, x.shape[1] // groups
    _, _, deeps, height, width = g.shape
    cells = geometry[0][0] * geometry[0][1] * geometry[0][2]
    chunk = starts.size // cells
    for group in range(groups):
        for n in range(0, x.shape[0], images):
            for deep in range(deeps):
                for top in range(0, height, tall):
                    here = min(tall, height - top)
                    _gather(g, n, group * count, count, deep, top, images, here, step, found)
                    for c in range(low, high, chunk):
                        held = min(chunk, high - c)
                        _lay_out(x, n, group * each + c, held, deep, top, geometry, layout, rows)
                        depth = held * cells
                        _outer(found, step, count, rows, starts, depth, here * images * width, part)
                        for o in range(count):
                            for k in range(depth):
                                out[group, o, c * cells + k] += part[o * depth + k]


def convolve_weight(g: Array, x: Array, geometry: Geometry, groups: int) -> Array:
    """Σ over windows of g times the window, for contiguous g (N, O, *out) and x → (O, C/groups, KD, KH, KW)

    Each sum is of some thousand products in the dtype, and these sums add up in float64.
    """
    size, each = geometry.size, x.shape[1] // groups
    count, depth = g.shape[1] // groups, math.prod(size)
    layout, starts, step, room = _plan_weight(x.shape[0], each, geometry)
    out, numbers = np.zeros((groups, count, each * depth)), (groups, tuple(geometry), tuple(layout))

    def run(low: int, high: int) -> None:
        rows, found = _aligned(room, x.dtype), _aligned(count * step + SLACK, x.dtype)
        part = np.empty(count * starts.size, x.dtype)
        _convolve_weight(g, x, *numbers, starts, step, rows, found, part, low, high, out)

    split(each, run, _least(g.size * depth))
    return out.astype(x.dtype, copy=False).reshape(g.shape[1], each, *size)


@lru_cache(256)
def _plan_weight(n: int, each: int, geometry: Geometry) -> tuple[Layout, Array, int, int]:
    """(the layout, where the cells of a chunk of channels begin, how far rows of g lie apart, room for the rows)."""
    images, tall = _shares(geometry, n, 2048, 2048, 16, 128)
    layout = _layout(geometry, images, tall)
    column = geometry.size[0] * geometry.size[2] * layout.plane(geometry.out[2])
    chunk = min(each, max(1, NEAR // column))
    step = -(-images * tall * geometry.out[2] // SLACK) * SLACK
    return layout, _starts(chunk, geometry, layout), step, chunk * column + SLACK


def _aligned(n: int, dtype: np.dtype[Any]) -> Array:
    """Room for n numbers that begins where a vector in memory does: loads are faster there."""
    room = np.empty(n * dtype.itemsize + 64, np.uint8)
    first = -room.ctypes.data % 64
    return room[first : first + n * dtype.itemsize].view(dtype)
