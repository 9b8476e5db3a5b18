"""Samples of weighted sums along a dimension, of edges, of pixels and of grids."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.nn.functional import image as _image
from nanograd.nn.functional import padding as _padding
from nanograd.ops import resampling as _resampling
from nanograd.testing.sample import Array, Case, Input, Shape, fractional, ones, sample

R: Any = _resampling  # untyped: bad input is among what its functions are given
I: Any = _image
G: Any = _padding
Along = _resampling.Along


# Each rule as a matrix (want, have), element by element


def _keys(x: float, a: float) -> float:
    x = abs(x)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


FILTERS: dict[str, Callable[[float], float]] = {
    "linear": lambda x: max(1 - abs(x), 0.0),
    "cubic": lambda x: _keys(x, -0.5),
    "lanczos": lambda x: float(np.sinc(x) * np.sinc(x / 3)) if abs(x) < 3 else 0.0,
}


def _source(i: int, along: Along) -> float:
    """Where the new place lies among the old ones."""
    corners, scale = along.numbers
    if corners:
        return i * (along.have - 1) / max(along.want - 1, 1)
    return (i + 0.5) * (1 / scale if scale else along.have / along.want) - 0.5


def _row(i: int, along: Along) -> Array:
    n, m = along.have, along.want
    if along.rule == "window":
        size, stride, padding = along.numbers
        return np.array([0 <= j - (i * stride - padding) < size for j in range(n)], float)
    if along.rule == "share":
        return np.array([i * n // m <= j < math.ceil(Fraction((i + 1) * n, m)) for j in range(n)], float)
    if along.rule == "linear":
        return np.array([np.interp(_source(i, along), np.arange(n), e) for e in np.eye(n)])
    row = np.zeros(n)
    if along.rule == "cubic":
        for j in range(-3, n + 3):
            row[min(max(j, 0), n - 1)] += _keys(_source(i, along) - j, -0.75)
    elif along.rule.startswith("smooth_"):
        curve, wide = FILTERS[along.rule.removeprefix("smooth_")], max(n / m, 1)
        row[:] = [curve((_source(i, along) - j) / wide) for j in range(n)]
        row /= row.sum()
    else:
        row[_place(i, along)] = 1
    return row


def _place(i: int, along: Along) -> int:
    n, m, (number, *_) = along.have, along.want, along.numbers
    j = int(i - number)
    if along.rule == "reflect":
        return min(abs(j) % (2 * n - 2), 2 * n - 2 - abs(j) % (2 * n - 2))
    if along.rule == "replicate":
        return min(max(j, 0), n - 1)
    if along.rule == "circular":
        return j % n
    return math.floor((Fraction(i) + (Fraction(1, 2) if along.rule == "nearest_exact" else 0)) * Fraction(n, m))


def _resampled(x: Array, dims: tuple[Along, ...], back: bool = False) -> Array:
    for along in dims:
        matrix = np.stack([_row(i, along) for i in range(along.want)])
        x = np.moveaxis(np.tensordot(matrix.T if back else matrix, x, (1, along.dim)), 0, along.dim)
    return x


RULES = (
    Along(1, "reflect", 5, 9, (3,)), Along(1, "replicate", 5, 8, (2,)), Along(1, "circular", 5, 11, (4,)),
    Along(1, "window", 5, 3, (3, 2, 1)), Along(1, "window", 5, 6, (2, 1, 1)), Along(1, "share", 5, 3),
    Along(1, "nearest", 5, 8, (0.0,)), Along(1, "nearest", 5, 3, (0.0,)), Along(1, "nearest_exact", 5, 7, (0.0,)),
    Along(1, "linear", 5, 8, (0.0, 0.0)), Along(1, "linear", 5, 3, (1.0, 0.0)), Along(1, "linear", 5, 7, (0.0, 1.5)),
    Along(1, "cubic", 5, 8, (0.0, 0.0)), Along(1, "cubic", 5, 3, (1.0, 0.0)),
    Along(1, "smooth_linear", 5, 2, (0.0, 0.0)), Along(1, "smooth_cubic", 5, 3, (0.0, 0.0)),
    Along(1, "smooth_lanczos", 5, 3, (0.0, 0.0)), Along(1, "smooth_linear", 5, 8, (0.0, 0.0)),
)  # fmt: skip
sample(
    "resample",
    R.resample,
    _resampled,
    (Input((2, 5, 2)),),
    (*({"dims": (rule,)} for rule in RULES), {"dims": (RULES[3], Along(2, "linear", 2, 3, (0.0, 0.0)))}),
    empty=(Case(((0, 5, 2),), {"dims": (RULES[9],)}), Case(((2, 5, 0),), {"dims": (RULES[3],)})),
)
sample(
    "constant_pad",
    R.constant_pad,
    lambda x, edges, value: np.pad(x, [(max(a, 0), max(b, 0)) for a, b in edges], constant_values=value)[
        tuple(slice(max(-a, 0), -max(-b, 0) or None) for a, b in edges)
    ],
    (Input((2, 3)),),
    ({"edges": ((1, 0), (0, 2)), "value": 1}, {"edges": ((0, 1), (-1, 2)), "value": 0}),
    empty=(Case(((0, 3),), {"edges": ((0, 1), (1, 1)), "value": 2}),),
)

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _padded(x: Array, pad: tuple[int, ...], mode: str = "constant", value: float = 0) -> Array:
    pairs = [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    edges = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    if not edges:
        return x
    more: Any = {"constant_values": value} if mode == "constant" else {"mode": MODES[mode]}
    return np.asarray(np.pad(x, edges, **more))


sample(
    "pad",
    G.pad,
    _padded,
    (Input((2, 3, 4)),),
    (
        {"pad": (1, 2), "value": 3},
        {"pad": (1, 2), "mode": "reflect"},
        {"pad": (0, 2, 1, 1), "mode": "replicate"},
        {"pad": (4, 1, 2, 0), "mode": "circular"},
    ),
    empty=(Case(((0, 3, 4),), {"pad": (1, 2), "mode": "reflect"}), Case(((0,),), {"pad": (1, 2)})),
    zero_dim=(Case(((),), {"pad": ()}),),
    bad=(
        (lambda: G.pad(ones(4), (1,)), ShapeError, "pad: Padding length must be divisible by 2"),
        (lambda: G.pad(ones(4), (1, 1, 1, 1)), ShapeError, "less than or equal to two times the input dimension"),
        (lambda: G.pad(ones(4), (-3, -3)), ShapeError, "pad: .* negative output size"),
        (lambda: G.pad(ones(4), 1), DTypeError, "pad: expected pad as a tuple of ints"),
        (lambda: G.pad(ones(1, 4), (1, 1), "mirror"), MissingError, "Unrecognised padding mode mirror"),
        (lambda: G.pad(ones(1, 4), (4, 1), "reflect"), ShapeError, "less than the corresponding input dimension"),
        (lambda: G.pad(ones(1, 4), (5, 1), "circular"), ShapeError, "wrapping around more than once"),
        (lambda: G.pad(ones(1, 1, 4, 4), (1, 1), "reflect"), MissingError, "Padding size 2 is not supported for 4D"),
        (lambda: G.pad(ones(3).byte(), (1, 1), value=300), ShapeError, "without overflow"),
    ),
)


# Images


def _interpolated(x: Array, size: Shape, mode: str = "nearest", align_corners: bool = False) -> Array:
    rule = {"nearest": "nearest", "nearest-exact": "nearest_exact", "area": "share", "bicubic": "cubic"}.get(
        mode, "linear"
    )
    numbers = (0.0,) if mode.startswith("nearest") else (float(align_corners), 0.0)
    for d, m in enumerate(size, 2):
        along = Along(d, rule, x.shape[d], m, numbers)
        x = _resampled(x, (along,))
        if mode == "area":
            x = x / np.stack([_row(i, along) for i in range(m)]).sum(1).reshape(-1, *(1,) * (x.ndim - d - 1))
    return x


sample(
    "interpolate",
    I.interpolate,
    _interpolated,
    (Input((1, 2, 3, 4)),),
    (
        {"size": (5, 3)}, {"size": (4, 6), "mode": "nearest-exact"}, {"size": (2, 3), "mode": "area"},
        {"size": (5, 3), "mode": "bilinear"}, {"size": (2, 6), "mode": "bilinear", "align_corners": True},
        {"size": (5, 3), "mode": "bicubic"},
    ),
    takes="f",
    without={"dtypes": "nearest takes torch.uint8 too, the other modes only floats"},
    broadcast=(
        Case(((1, 2, 4),), {"size": (7,), "mode": "linear"}),
        Case(((1, 1, 2, 3, 2),), {"size": (3, 2, 4), "mode": "trilinear"}),
    ),
    empty=(Case(((0, 2, 3, 4),), {"size": (5, 3), "mode": "bilinear"}),),
    bad=(
        (lambda: I.interpolate(ones(1, 1, 4), 3, 2), ValueError, "only one of size or scale_factor"),
        (lambda: I.interpolate(ones(1, 1, 4)), ValueError, "either size or scale_factor"),
        (lambda: I.interpolate(ones(4, 4), 3), MissingError, "Only 3D, 4D and 5D"),
        (lambda: I.interpolate(ones(1, 1, 4), 3, mode="bilinear"), MissingError, "but bilinear mode needs"),
        (lambda: I.interpolate(ones(1, 1, 4), 0), ShapeError, "should be greater than 0"),
        (lambda: I.interpolate(ones(1, 1, 4), (3, 3)), ShapeError, "same number of spatial dimensions"),
        (lambda: I.interpolate(ones(1, 1, 4), "3"), DTypeError, "expected output size as a number"),
        (lambda: I.interpolate(ones(1, 1, 4).long(), 3), DTypeError, "not implemented for torch.int64"),
    ),
)  # fmt: skip


def _shuffled(x: Array, upscale_factor: int) -> Array:
    """Pixel by pixel."""
    r, (c, h, w) = upscale_factor, x.shape
    y = np.empty((c // r**2, h * r, w * r), x.dtype)
    for k, i, j in np.ndindex(y.shape):
        y[k, i, j] = x[k * r**2 + i % r * r + j % r, i // r, j // r]
    return y


def _unshuffled(x: Array, downscale_factor: int) -> Array:
    """Pixel by pixel."""
    r, (c, h, w) = downscale_factor, x.shape
    y = np.empty((c * r**2, h // r, w // r), x.dtype)
    for k, i, j in np.ndindex(x.shape):
        y[k * r**2 + i % r * r + j % r, i // r, j // r] = x[k, i, j]
    return y


sample(
    "pixel_shuffle",
    I.pixel_shuffle,
    _shuffled,
    (Input((8, 2, 3)),),
    ({"upscale_factor": 2},),
    empty=(Case(((0, 2, 3),), {"upscale_factor": 2}),),
    bad=(
        (lambda: I.pixel_shuffle(ones(3, 2, 2), 2), ShapeError, "divisible by the square of upscale_factor"),
        (lambda: I.pixel_shuffle(ones(2, 2), 2), ShapeError, "at least 3 dimensions"),
        (lambda: I.pixel_shuffle(ones(4, 2, 2), 0), ShapeError, "a positive upscale_factor"),
        (lambda: I.pixel_shuffle(ones(4, 2, 2), 2.0), DTypeError, "must be int"),
    ),
)
sample(
    "pixel_unshuffle",
    I.pixel_unshuffle,
    _unshuffled,
    (Input((2, 4, 6)),),
    ({"downscale_factor": 2},),
    empty=(Case(((0, 4, 6),), {"downscale_factor": 2}),),
    bad=(
        (lambda: I.pixel_unshuffle(ones(1, 3, 4), 2), ShapeError, "expects height to be divisible"),
        (lambda: I.pixel_unshuffle(ones(1, 4, 3), 2), ShapeError, "expects width to be divisible"),
    ),
)
sample(
    "channel_shuffle",
    I.channel_shuffle,
    lambda x, groups: x[
        :, [g * (x.shape[1] // groups) + k for k in range(x.shape[1] // groups) for g in range(groups)]
    ],
    (Input((2, 6, 2)),),
    ({"groups": 2}, {"groups": 3}),
    empty=(Case(((0, 6, 2),), {"groups": 2}),),
    bad=(
        (lambda: I.channel_shuffle(ones(1, 3, 2), 2), ShapeError, "Got 3 channels and 2 groups"),
        (lambda: I.channel_shuffle(ones(1, 3, 2), 0), ShapeError, "must be positive"),
        (lambda: I.channel_shuffle(ones(3, 2), 1), ShapeError, "> 2 dims"),
    ),
)


# Grids


def _sampled(
    x: Array, grid: Array, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool = False
) -> Array:
    """Point by point, pixel by pixel."""
    y = np.zeros((*x.shape[:2], *grid.shape[1:3]), x.dtype)
    curve = FILTERS["linear"] if mode == "bilinear" else lambda t: _keys(t, -0.75)
    for n, i, j in np.ndindex(grid.shape[:3]):
        sizes = x.shape[:1:-1]  # (W, H), as a point is (across, down)
        spots = [
            (p + 1) / 2 * (s - 1) if align_corners else ((p + 1) * s - 1) / 2
            for p, s in zip(grid[n, i, j], sizes, strict=True)
        ]
        if padding_mode == "border" and mode == "bilinear":
            spots = [min(max(p, 0), s - 1) for p, s in zip(spots, sizes, strict=True)]
        for r in range(-9, x.shape[2] + 9):
            for c in range(-9, x.shape[3] + 9):
                weight = curve(spots[0] - c) * curve(spots[1] - r)
                inside = 0 <= r < x.shape[2] and 0 <= c < x.shape[3]
                if inside or padding_mode == "border":
                    y[n, :, i, j] += weight * x[n, :, min(max(r, 0), x.shape[2] - 1), min(max(c, 0), x.shape[3] - 1)]
    return y


def _points(rng: np.random.Generator, shape: Shape) -> Array:
    """Between pixels, away from their middles, where the gradient jumps; some outside."""
    across_and_down = np.array([3.0, 4.0])[: shape[-1]]
    return np.asarray(((fractional(rng, shape) + 2) * 2 + 1) / across_and_down - 1)


sample(
    "grid_sample",
    I.grid_sample,
    _sampled,
    (Input((2, 2, 4, 3)), Input((2, 2, 1, 2), _points)),
    ({}, {"padding_mode": "border"}, {"mode": "bicubic"}),
    takes="f",
    without={"dtypes": "both must be of one dtype: the oracle tries every pair"},
    empty=(Case(((0, 2, 4, 3), (0, 2, 1, 2))),),
    bad=(
        (lambda: I.grid_sample(ones(1, 1, 4, 4), ones(1, 2, 2, 2), "linear"), ValueError, "expected mode to be"),
        (
            lambda: I.grid_sample(ones(1, 1, 4, 4), ones(1, 2, 2, 2), padding_mode="a"),
            ValueError,
            "expected padding_mode",
        ),
        (lambda: I.grid_sample(ones(2, 1, 4, 4), ones(1, 2, 2, 2)), ShapeError, "same batch size"),
        (lambda: I.grid_sample(ones(1, 1, 4, 4), ones(1, 2, 2, 3)), ShapeError, "size 2 in last dimension"),
        (lambda: I.grid_sample(ones(1, 1, 4, 4), ones(1, 2, 2, 2).double()), DTypeError, "expected scalar type"),
    ),
)


def _affine(theta: Array, size: Shape, align_corners: bool) -> Array:
    """Point by point."""
    y = np.empty((len(theta), *size[2:], 2), theta.dtype)
    for n, i, j, _ in np.ndindex(*y.shape[:3], 1):
        spots = [
            (k / (m - 1) * 2 - 1) if align_corners else ((2 * k + 1) / m - 1) for k, m in ((j, size[3]), (i, size[2]))
        ]
        y[n, i, j] = theta[n] @ np.array([*spots, 1])
    return y


sample(
    "affine_grid",
    I.affine_grid,
    _affine,
    (Input((2, 2, 3)),),
    ({"size": (2, 1, 2, 3), "align_corners": False}, {"size": (2, 1, 2, 3), "align_corners": True}),
    takes="f",
    bad=(
        (lambda: I.affine_grid(ones(2, 3), (1, 1, 2, 2)), ShapeError, "Expected a batch of 2D affine matrices"),
        (lambda: I.affine_grid(ones(1, 2, 3), (1, 2, 2)), MissingError, "only supports 4D and 5D sizes"),
        (lambda: I.affine_grid(ones(1, 2, 3), (1, 1, 0, 2)), ShapeError, "Expected non-zero, positive output size"),
    ),
)
