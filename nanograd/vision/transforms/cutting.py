"""Images cut, padded and mirrored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.creation import from_numpy, full, tensor
from nanograd.tensors import Tensor
from nanograd.vision.picture import on_pictures
from nanograd.vision.transforms.conversion import get_dimensions

__all__ = [
    "Fill", "center_crop", "crop", "erase", "fill_values", "five_crop", "hflip", "pad", "ten_crop", "to_padding",
    "to_pair", "vflip",
]  # fmt: skip


Fill = float | Sequence[float] | None


@on_pictures
def hflip(img: Tensor) -> Tensor:
    """The image with left and right exchanged."""
    return img.flip(-1)


@on_pictures
def vflip(img: Tensor) -> Tensor:
    """The image with top and bottom exchanged."""
    return img.flip(-2)


@on_pictures
def crop(img: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """The part of ``height`` by ``width`` pixels whose upper left corner is (top, left); 0 outside the image.

    Raises ShapeError for a height or width below 1.
    """
    rows, columns = img.shape[-2:]
    if min(height, width) < 1:
        raise ShapeError(f"crop: expected a height and a width of at least 1, got {height} and {width}.")
    above, before = max(-top, 0), max(-left, 0)
    below, behind = max(top + height - rows, 0), max(left + width - columns, 0)
    if above or before or below or behind:
        img = _pad(img, (before, above, behind, below), 0, "constant")
    return img[..., top + above : top + above + height, left + before : left + before + width]


def to_pair(name: str, size: Any) -> tuple[int, int]:
    """(height, width) from one number or two.  Raises ValueError for others."""
    pair = [size, size] if isinstance(size, (int, float)) else list(size)
    pair = pair * 2 if len(pair) == 1 else pair
    if len(pair) != 2:
        raise ValueError(f"{name}: Please provide only two dimensions (h, w) for size, got {size}.")
    if min(pair) < 1:
        raise ShapeError(f"{name}: expected a size of at least 1, got {size}.")
    return int(pair[0]), int(pair[1])


@on_pictures
def center_crop(img: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """The middle of the image, ``output_size`` (h, w) large, padded with 0 where the image is smaller."""
    height, width = to_pair("center_crop", output_size)
    rows, columns = img.shape[-2:]
    if height > rows or width > columns:
        wide, high = max(width - columns, 0), max(height - rows, 0)
        img = _pad(img, (wide // 2, high // 2, (wide + 1) // 2, (high + 1) // 2), 0, "constant")
        rows, columns = img.shape[-2:]
    top, left = round((rows - height) / 2), round((columns - width) / 2)
    return img[..., top : top + height, left : left + width]


def five_crop(img: Any, size: int | Sequence[int]) -> tuple[Any, Any, Any, Any, Any]:
    """The four corners and the middle, each ``size`` (h, w) large: upper left, upper right, lower left, lower right.

    Raises ShapeError for an image smaller than a part.
    """
    height, width = to_pair("five_crop", size)
    _, rows, columns = get_dimensions(img)
    if height > rows or width > columns:
        raise ShapeError(f"Requested crop size {(height, width)} is bigger than input size {(rows, columns)}")
    corners = [crop(img, y, x, height, width) for y in (0, rows - height) for x in (0, columns - width)]
    return corners[0], corners[1], corners[2], corners[3], center_crop(img, (height, width))


def ten_crop(img: Any, size: int | Sequence[int], vertical_flip: bool = False) -> tuple[Any, ...]:
    """The five crops of the image, and those of its mirror image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def to_padding(padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from one number for all sides, two (left and right, top and bottom), or four."""
    sides = [padding] if isinstance(padding, int) else list(padding) if isinstance(padding, (tuple, list)) else None
    if sides is None:
        raise DTypeError(f"Got inappropriate padding arg: expected a number or 1, 2 or 4 of them, got {padding!r}.")
    if len(sides) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(sides)} element tuple")
    left, top, right, bottom = (sides * 4)[:4] if len(sides) < 4 else sides
    return left, top, right, bottom


@on_pictures
def pad(img: Tensor, padding: int | Sequence[int], fill: Fill = 0, padding_mode: str = "constant") -> Tensor:
    """The image with a border: (left, top, right, bottom) pixels wide, (left and right, top and bottom), or one number.

    ``padding_mode`` is constant (``fill``, one value or one for each channel), edge (the last pixel), reflect (mirrored
    at the last pixel) or symmetric (mirrored beyond it).  Negative padding cuts off.  Raises ValueError for another
    padding_mode.
    """
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError(f"Padding mode should be either constant, edge, reflect or symmetric, got {padding_mode!r}.")
    return _pad(img, to_padding(padding), fill, padding_mode)


def _pad(img: Tensor, sides: tuple[int, int, int, int], fill: Fill, mode: str) -> Tensor:
    rows, columns = img.shape[-2:]
    cut = [max(-side, 0) for side in sides]
    img = img[..., cut[1] : rows - cut[3], cut[0] : columns - cut[2]] if any(cut) else img
    left, top, right, bottom = (max(side, 0) for side in sides)
    rows, columns = img.shape[-2:]
    if mode != "constant":
        across = _border(columns, left, right, mode)
        return img.index_select(-2, _border(rows, top, bottom, mode)).index_select(-1, across)
    border = tensor(fill_values("pad", fill, img) or [0], dtype=img.dtype)
    shape = (*img.shape[:-2], rows + top + bottom, columns + left + right)
    # A border of 0 is by far the commonest: no tensor of fill values then.
    out = full(shape, border.item() if border.numel() == 1 else 0, dtype=img.dtype)
    if border.numel() > 1:
        out[...] = border.reshape(-1, 1, 1)
    out[..., top : top + rows, left : left + columns] = img
    return out


def _border(size: int, before: int, behind: int, mode: str) -> Tensor:
    """For each pixel of the padded row, the pixel whose value it takes."""
    most = {"edge": math.inf, "reflect": size - 1, "symmetric": size}[mode]
    if max(before, behind) > most:
        raise ShapeError(f"pad: {mode} takes at most {most} pixels of an image of {size}, got {max(before, behind)}.")
    at = np.arange(-before, size + behind)
    if mode == "edge":
        return from_numpy(np.clip(at, 0, size - 1))
    past = 0 if mode == "reflect" else 1
    at = np.where(at < 0, -at - past, at)
    return from_numpy(np.where(at >= size, 2 * (size - 1) + past - at, at))


def fill_values(name: str, fill: Any, img: Tensor) -> list[float] | None:
    if fill is None:
        return None
    if isinstance(fill, (int, float)):
        return [fill]
    if not isinstance(fill, (tuple, list)):
        raise DTypeError(
            f"{name}: Got inappropriate fill arg: expected a number, or one for each channel, got {fill!r}."
        )
    channels = img.shape[-3] if img.ndim > 2 else 1
    if len(fill) not in (1, channels):
        raise ValueError(
            f"{name}: The number of elements in 'fill' cannot broadcast to match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    return list(fill)


@on_pictures
def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """The image with ``v`` in the rectangle of ``h`` by ``w`` pixels whose upper left corner is (i, j)."""
    out = img if inplace else img.clone()
    out[..., i : i + h, j : j + w] = v
    return out
