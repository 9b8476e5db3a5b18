"""Images resized, blurred, rotated, sheared, and seen at an angle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.tensors import Tensor
from nanograd.vision.picture import Array, find_pillow, on_pictures, opened
from nanograd.vision.transforms import resample
from nanograd.vision.transforms.conversion import get_dimensions
from nanograd.vision.transforms.cutting import Fill, crop, fill_values
from nanograd.vision.transforms.interpolation import InterpolationMode, to_interpolation

__all__ = [
    "affine", "gaussian_blur", "perspective", "resize", "resized_crop", "rotate",
]  # fmt: skip


def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image in another size: (h, w), or the length of its shorter side, the longer at most ``max_size``.

    PIL images are resized by Pillow, arrays by its formula: always with antialias, the columns first, rounded in
    between.
    """
    mode = to_interpolation("resize", interpolation).value
    image, back = opened("resize", img)
    rows, columns = image.shape[-2:]
    height, width = output_size(size, rows, columns, max_size)
    if (height, width) == (rows, columns):
        return img
    pillow = find_pillow()
    if pillow is not None and isinstance(img, pillow.Image):
        return img.resize((width, height), PILLOWS[mode])
    as_pillow = not isinstance(img, Tensor)
    smooth = as_pillow or bool(antialias)
    return back(resample.resized(image, height, width, mode, smooth, as_pillow))


def output_size(size: Any, rows: int, columns: int, max_size: int | None = None) -> tuple[int, int]:
    """(height, width) that ``resize`` gives an image of ``rows`` by ``columns``."""
    wanted = [size] if isinstance(size, int) else list(size) if isinstance(size, (tuple, list)) else None
    if wanted is None:
        raise DTypeError(f"Size should be int or sequence. Got {type(size)}")
    if len(wanted) not in (1, 2):
        raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(wanted)} element tuple/list")
    if min(wanted) < 1:
        raise ShapeError(f"resize: expected a size of at least 1, got {size}.")
    if len(wanted) == 2:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
        return wanted[0], wanted[1]
    short, long = min(rows, columns), max(rows, columns)
    new_short, new_long = wanted[0], int(wanted[0] * long / short)
    if max_size is not None:
        if max_size <= new_short:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge "
                f"size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_short, new_long) if rows <= columns else (new_long, new_short)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A part of the image, as ``crop`` takes it, in another size."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


PILLOWS = {"nearest": 0, "nearest-exact": 0, "bilinear": 2, "bicubic": 3}
"""Pillow's numbers of the ways to find a value between pixels."""


@on_pictures
def gaussian_blur(
    img: Tensor, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None
) -> Tensor:
    """The image, each pixel a mean of its neighbors with the weights of a bell curve; the border reflects.

    ``kernel_size`` is (width, height), odd; ``sigma`` (across, down), or 0.15 · kernel_size + 0.35.

    Raises ValueError for a kernel_size that is not odd, and for a sigma that is not positive, ShapeError for an image
    that is too small.
    """
    wide, high = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
    if not all(isinstance(k, int) and k > 0 and k % 2 for k in (wide, high)):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    rows, columns = img.shape[-2:]
    if wide // 2 >= columns or high // 2 >= rows:
        raise ShapeError(f"gaussian_blur: an image of {rows} by {columns} is too small for a kernel {kernel_size}.")
    spread = [0.15 * wide + 0.35, 0.15 * high + 0.35] if sigma is None else sigma
    across, down = (spread,) * 2 if isinstance(spread, (int, float)) else (spread[0], spread[-1])
    if not (across > 0 and down > 0):
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    return resample.through(img, resample.blur_weights(rows, high, down), resample.blur_weights(columns, wide, across))


def _inverse_affine(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> Array:
    """The inverse (2, 3) of x → T(translate) C R(angle) · scale · Shear C⁻¹ x: where a pixel comes from.

    R turns clockwise (y points down); Shear is [[1, 0], [-tan sy, 1]] · [[1, -tan sx], [0, 1]].
    """
    turn, shear_x, shear_y = (math.radians(a) for a in (angle, *shear))
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    down = np.array([[1, 0], [-math.tan(shear_y), 1]])
    across = np.array([[1, -math.tan(shear_x)], [0, 1]])
    inverse = np.linalg.inv(scale * rotation @ down @ across)
    moved = inverse @ -(np.asarray(center) + np.asarray(translate)) + np.asarray(center)
    return np.concatenate([inverse, moved[:, None]], axis=1)


def _moved(name: str, img: Any, matrix: Array, size: tuple[int, int], mode: str, fill: Any) -> Any:
    """The image of ``size`` whose pixel p, from the middle, is the pixel matrix · (p, 1) of ``img``."""
    _, rows, columns = get_dimensions(img)
    x, y = np.arange(size[1]) - (size[1] - 1) / 2, (np.arange(size[0]) - (size[0] - 1) / 2)[:, None]
    (a, b, c), (d, e, f) = matrix
    at_x, at_y = a * x + b * y + c + (columns - 1) / 2, d * x + e * y + f + (rows - 1) / 2
    return _sampled(name, img, at_x, at_y, mode, fill)


def _sampled(name: str, img: Any, x: Array, y: Array, mode: str, fill: Any) -> Any:
    image, back = opened(name, img)
    as_pillow = not isinstance(img, Tensor)
    return back(resample.at_points(image, x, y, mode, fill_values(name, fill, image), as_pillow))


def _from_middle(center: Sequence[float] | None, rows: int, columns: int) -> list[float]:
    return [0.0, 0.0] if center is None else [center[0] - columns / 2, center[1] - rows / 2]


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Fill = None,
) -> Any:
    """The image turned by ``angle`` degrees counter-clockwise about ``center`` (x, y), by default its middle.

    With ``expand`` the image becomes large enough to hold all of itself.  Raises ValueError for a center of other than
    two numbers.
    """
    mode = to_interpolation("rotate", interpolation, ("nearest", "bilinear")).value
    if center is not None and len(center) != 2:
        raise ValueError("Argument center should be a sequence of length 2")
    _, rows, columns = get_dimensions(img)
    matrix = _inverse_affine(_from_middle(center, rows, columns), -angle, (0, 0), 1.0, (0, 0))
    size = (rows, columns)
    if expand and angle % 90 == 0 and not isinstance(img, Tensor):
        size = (rows, columns) if angle % 180 == 0 else (columns, rows)  # as Pillow: exactly, not one pixel larger
    elif expand:
        size = _expanded(matrix, rows, columns)
    return _moved("rotate", img, matrix, size, mode, fill)


def _expanded(matrix: Array, rows: int, columns: int) -> tuple[int, int]:
    """(height, width) that holds all corners of the turned image."""
    corners = np.array([[sx * columns / 2, sy * rows / 2, 1] for sx in (-1, 1) for sy in (-1, 1)])
    found = corners @ matrix.T
    middle = np.array([columns, rows]) / 2
    # Four digits: what is 1e-15 beyond a pixel is not one more pixel.
    low = np.floor(np.trunc((found.min(0) + middle) * 1e4) / 1e4)
    high = np.ceil(np.trunc((found.max(0) + middle) * 1e4) / 1e4)
    width, height = (high - low).astype(int)
    return int(height), int(width)


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: Any = InterpolationMode.NEAREST,
    fill: Fill = None,
    center: Sequence[float] | None = None,
) -> Any:
    """The image turned by ``angle`` degrees clockwise, scaled, sheared by (x, y) degrees and moved by (x, y) pixels.

    All about ``center`` (x, y), by default the middle.  Raises ValueError for other numbers of values.
    """
    mode = to_interpolation("affine", interpolation, ("nearest", "bilinear")).value
    slant = [shear, 0.0] if isinstance(shear, (int, float)) else [*shear, 0.0][:2] if len(shear) == 1 else list(shear)
    for name, values in (("translate", translate), ("shear", slant), ("center", center or (0, 0))):
        if not isinstance(values, (tuple, list)) or len(values) != 2:
            raise ValueError(f"affine: expected {name} to be two numbers (x, y), got {values!r}.")
    if scale <= 0:
        raise ValueError("Argument scale should be positive")
    _, rows, columns = get_dimensions(img)
    matrix = _inverse_affine(_from_middle(center, rows, columns), angle, translate, scale, slant)
    return _moved("affine", img, matrix, (rows, columns), mode, fill)


def perspective(
    img: Any,
    startpoints: Sequence[Sequence[float]],
    endpoints: Sequence[Sequence[float]],
    interpolation: Any = InterpolationMode.BILINEAR,
    fill: Fill = None,
) -> Any:
    """The image seen at an angle: the corners ``startpoints``, four (x, y), come to lie at ``endpoints``.

    Raises ValueError for other than four points each.
    """
    mode = to_interpolation("perspective", interpolation, ("nearest", "bilinear")).value
    start, end = np.asarray(startpoints, float), np.asarray(endpoints, float)
    if start.shape != (4, 2) or end.shape != (4, 2):
        raise ValueError(f"perspective: expected four points (x, y) and four, got {startpoints!r} and {endpoints!r}.")
    a, b, c, d, e, f, g, h = _projection(end, start)
    _, rows, columns = get_dimensions(img)
    x, y = np.arange(columns) + 0.5, (np.arange(rows) + 0.5)[:, None]
    depth = g * x + h * y + 1
    at_x, at_y = (a * x + b * y + c) / depth - 0.5, (d * x + e * y + f) / depth - 0.5
    return _sampled("perspective", img, at_x, at_y, mode, fill)


def _projection(points: Array, to: Array) -> Array:
    """a … h of (x, y) → (ax + by + c, dx + ey + f) / (gx + hy + 1) that takes four points to four."""
    equations = np.zeros((8, 8))
    for i, ((x, y), (u, v)) in enumerate(zip(points, to, strict=True)):
        equations[2 * i] = [x, y, 1, 0, 0, 0, -u * x, -u * y]
        equations[2 * i + 1] = [0, 0, 0, x, y, 1, -v * x, -v * y]
    try:
        return np.asarray(np.linalg.solve(equations, to.reshape(8)))
    except np.linalg.LinAlgError:
        raise ValueError(f"perspective: three of the points lie on a line: {points.tolist()}, {to.tolist()}.") from None
