"""Images whose pixels are weighted means of another's: resized, blurred, rotated, sheared, seen at an angle.

Resizing and blurring treat rows and columns alike: y = A x Bᵀ, where a row of A holds the weights of one pixel of y.
The others read the image at given points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nanograd.dtypes import float32
from nanograd.ops.comparison import where
from nanograd.ops.creation import from_numpy, tensor, zeros
from nanograd.tensors import Tensor

__all__ = ["as_floats", "at_points", "blur_weights", "nearest", "resize_weights", "resized", "through"]

Array = np.ndarray[Any, Any]


def as_floats(image: Tensor, halves_up: bool = False) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """(the image in floats, what rounds floats back to the dtype it had: a half to the even number, or up)."""
    if image.is_floating_point():
        return image, lambda y: y
    dtype = image.dtype
    low, high = (0, 255) if not dtype.is_signed else (-math.inf, math.inf)
    return image.to(float32), lambda y: ((y + 0.5).floor() if halves_up else y.round()).clamp(low, high).to(dtype)


def through(image: Tensor, rows: Array, columns: Array, as_pillow: bool = False) -> Tensor:
    """y = rows · image · columnsᵀ:  rows (h, H), columns (w, W), image (…, H, W) → (…, h, w), of the image's dtype.

    Pillow rounds to that dtype after the first product too, and halves up; its weights have 22 binary digits.
    """
    if as_pillow:
        x, back = as_floats(image, halves_up=True)
        down, across = (from_numpy(np.round(weights * 2**22) / 2**22) for weights in (rows, columns))
        x = back(x.double() @ across.T.contiguous())
        return back(down @ x.double()).to(image.dtype)
    x, back = as_floats(image)
    x = x @ from_numpy(np.ascontiguousarray(columns.T)).to(x.dtype)
    return back(from_numpy(rows).to(x.dtype) @ x)


def resized(image: Tensor, height: int, width: int, mode: str, antialias: bool, as_pillow: bool) -> Tensor:
    """The image (…, H, W) with ``height`` rows and ``width`` columns."""
    rows, columns = image.shape[-2:]
    if mode.startswith("nearest"):
        down, across = (nearest(*sizes, mode, as_pillow) for sizes in ((rows, height), (columns, width)))
        return image.index_select(-2, from_numpy(down)).index_select(-1, from_numpy(across))
    down, across = (resize_weights(*sizes, mode, antialias) for sizes in ((rows, height), (columns, width)))
    return through(image, down, across, as_pillow)


# Weights


def _triangle(x: Array) -> Array:
    return np.asarray(np.maximum(1 - np.abs(x), 0))


def _cubic(x: Array, a: float) -> Array:
    """Keys' cubic: 1 at 0, 0 at the other integers, of width 4."""
    x = np.abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.asarray(np.where(x < 1, near, np.where(x < 2, far, 0)))


def nearest(have: int, want: int, mode: str, as_pillow: bool) -> Array:
    """For each of ``want`` pixels the one of ``have`` at its left end, or in its middle (nearest-exact, and Pillow).

    Where that is the border of two, rounding decides: torch multiplies in float32, Pillow adds up in float64.
    """
    if as_pillow:
        step = have / want
        source = np.add.accumulate(np.r_[step / 2, np.full(want - 1, step)])
    else:
        start = np.float32(0.5 if mode == "nearest-exact" else 0)
        source = (np.arange(want, dtype=np.float32) + start) * (np.float32(have) / np.float32(want))
    return np.asarray(np.minimum(source.astype(np.int64), have - 1))


def resize_weights(have: int, want: int, mode: str, antialias: bool) -> Array:
    """The weights (want, have) that turn ``have`` pixels in a row into ``want``.

    Without antialias a pixel is a mean of its two or four neighbors, however much smaller the image becomes.  With it
    the kernel widens by the scale, so that every pixel counts.  Source: R. Keys, "Cubic convolution interpolation for
    digital image processing", 1981; torch's upsample (a = -3/4, and -1/2 with antialias).
    """
    scale = have / want
    center = (np.arange(want) + 0.5) * scale  # of each new pixel, in old ones
    width = 1 if mode == "bilinear" else 2
    kernel = _triangle if mode == "bilinear" else lambda x: _cubic(x, -0.5 if antialias else -0.75)
    stretch = max(scale, 1.0) if antialias else 1.0
    if antialias:
        distance = (np.arange(have)[None, :] + 0.5 - center[:, None]) / stretch
        first = np.maximum((center - width * stretch + 0.5).astype(np.int64), 0)
        last = np.minimum((center + width * stretch + 0.5).astype(np.int64), have)
        inside = (np.arange(have) >= first[:, None]) & (np.arange(have) < last[:, None])
        weights = np.where(inside, kernel(distance), 0)
        return np.asarray(weights / weights.sum(1, keepdims=True))
    return _of_neighbors(center - 0.5, have, width, kernel)


def _of_neighbors(points: Array, have: int, width: int, kernel: Callable[[Array], Array]) -> Array:
    """Weights (len(points), have) of the 2 · width pixels around each point; the border repeats its pixel."""
    weights = np.zeros((len(points), have))
    base = np.floor(points).astype(np.int64)
    for step in range(1 - width, width + 1):
        at = np.clip(base + step, 0, have - 1)
        np.add.at(weights, (np.arange(len(points)), at), kernel(points - (base + step)))
    return weights


def blur_weights(size: int, kernel_size: int, sigma: float) -> Array:
    """The weights (size, size) of a Gaussian of ``kernel_size`` pixels; the border reflects."""
    reach = kernel_size // 2
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    bell /= bell.sum()
    weights = np.zeros((size, size))
    for step, weight in zip(range(-reach, reach + 1), bell, strict=True):
        at = np.abs(np.arange(size) + step)
        at = size - 1 - np.abs(size - 1 - at)
        np.add.at(weights, (np.arange(size), at), weight)
    return weights


# Points


def at_points(image: Tensor, x: Array, y: Array, mode: str, fill: Sequence[float] | None, as_pillow: bool) -> Tensor:
    """The values (…, C, h, w) of an image (…, C, H, W) at columns ``x`` and rows ``y``, each (h, w).

    Outside the image lies ``fill``, one value for all channels or one for each; None is 0.  torch and Pillow differ at
    two places: in the pixel that a point in the middle of two belongs to, and in whether the border blends with what
    lies outside.
    """
    x, y = x.round(9), y.round(9)  # 2.4999999999 is the middle of two pixels, not a pixel
    outside = tensor([0.0] if fill is None else list(fill), dtype=image.dtype)
    outside = outside.reshape(-1, 1, 1) if image.ndim > 2 else outside[0]
    if mode == "nearest":
        values, inside = _pixels(
            image, *((np.floor(x + 0.5), np.floor(y + 0.5)) if as_pillow else (np.rint(x), np.rint(y)))
        )
        return where(from_numpy(inside), values, outside)
    floats, back = as_floats(image)
    left, top = np.floor(x), np.floor(y)
    total, covered = zeros(1, dtype=floats.dtype), np.zeros(x.shape)
    for dy in (0, 1):
        for dx in (0, 1):
            values, inside = _pixels(floats, left + dx, top + dy)
            weight = (1 - np.abs(x - left - dx)) * (1 - np.abs(y - top - dy)) * (inside | as_pillow)
            covered += weight
            total = total + values * from_numpy(weight).to(floats.dtype)
    if as_pillow:
        height, width = image.shape[-2:]
        inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
        return where(from_numpy(inside), total.to(image.dtype), outside)
    return back(total + outside.to(floats.dtype) * from_numpy(1 - covered).to(floats.dtype))


def _pixels(image: Tensor, x: Array, y: Array) -> tuple[Tensor, Array]:
    """(the pixels at whole columns and rows, the border's for those outside; which lie inside)."""
    height, width = image.shape[-2:]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = np.clip(y, 0, height - 1).astype(np.int64) * width + np.clip(x, 0, width - 1).astype(np.int64)
    flat = image.reshape(*image.shape[:-2], height * width)
    return flat.index_select(-1, from_numpy(place.reshape(-1))).reshape(*image.shape[:-2], *x.shape), inside
