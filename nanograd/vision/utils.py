"""Grids of images, and images as files: torchvision.utils."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.creation import full
from nanograd.ops.joining import cat, stack
from nanograd.tape import no_grad
from nanograd.tensors import Tensor
from nanograd.vision import png
from nanograd.vision.files import replacing
from nanograd.vision.picture import need_pillow

__all__ = ["make_grid", "save_image"]


@no_grad()
def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images (B, C, H, W), or a list of images of one size, as one image (C, rows · (H + padding) + padding, …).

    ``nrow`` is the number of images in a row.  Gray images become three channels.  ``normalize`` maps ``value_range``,
    or else the smallest and the largest value, to [0, 1]: of all images together, or of each with ``scale_each``.
    Raises TypeError for what is no tensor, ShapeError for other than two to four dimensions.

    >>> make_grid(torch.zeros(5, 1, 4, 6), nrow=3).shape
    torch.Size([3, 14, 26])
    """
    images = _batch(tensor)
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
    if normalize:
        images = (
            stack([_normalized(i, value_range) for i in images]) if scale_each else _normalized(images, value_range)
        )
    count, channels, height, width = images.shape
    if count == 1:
        return images.squeeze(0)
    across = min(nrow, count)
    down = math.ceil(count / across)
    high, wide = height + padding, width + padding
    grid = full((channels, down * high + padding, across * wide + padding), pad_value, dtype=images.dtype)
    for k in range(count):
        top, left = k // across * high + padding, k % across * wide + padding
        grid[:, top : top + height, left : left + width] = images[k]
    return grid


def _batch(tensor: Any) -> Tensor:
    """The images as (B, C, H, W), gray ones in three channels."""
    if isinstance(tensor, (list, tuple)):
        strange = [type(t).__name__ for t in tensor if not isinstance(t, Tensor)]
        if strange or not tensor:
            what = f"a list containing {strange[0]}" if strange else "an empty list"
            raise DTypeError(f"make_grid: tensor or list of tensors expected, got {what}.")
        tensor = stack(list(tensor))
    if not isinstance(tensor, Tensor):
        raise DTypeError(f"make_grid: tensor or list of tensors expected, got {type(tensor)}.")
    if not 2 <= tensor.ndim <= 4 or not tensor.numel():
        raise ShapeError(f"make_grid: expected images (B, C, H, W), (C, H, W) or (H, W), got {tuple(tensor.shape)}.")
    images = tensor if tensor.ndim == 4 else (tensor if tensor.ndim == 3 else tensor.unsqueeze(0)).unsqueeze(0)
    return cat([images, images, images], 1) if images.shape[1] == 1 else images


def _normalized(images: Tensor, value_range: tuple[float, float] | None) -> Tensor:
    low, high = value_range or (float(images.min()), float(images.max()))
    return (images.clamp(low, high) - low) / max(high - low, 1e-5)


@no_grad()
def save_image(
    tensor: Tensor | Sequence[Tensor], fp: str | Path | IO[bytes], format: str | None = None, **kwargs: Any
) -> None:
    """Write images with values in [0, 1] as one file: a grid, made with ``make_grid(tensor, **kwargs)``.

    The format is ``format``, or that of the name's ending, or PNG for a file that is open and has no name.  PNG needs
    nothing, other formats (JPEG, …) need Pillow.  A file at a path is whole or not there at all.
    Raises MissingError where Pillow is needed and absent, ValueError for an unknown ending.

    >>> save_image(torch.rand(16, 1, 8, 8), "grid.png", nrow=4)
    """
    grid = make_grid(tensor, **kwargs)
    if grid.shape[0] not in (2, 3, 4):
        raise ShapeError(f"save_image: expected images of 1 to 4 channels, got {grid.shape[0]}.")
    values = np.nan_to_num(
        (grid * 255 + 0.5).clamp(0, 255).permute(1, 2, 0).detach().numpy()
    )  # what is no number is black
    image = np.ascontiguousarray(values.astype(np.uint8))
    data = _encoded(image, _format(fp, format))
    if isinstance(fp, (str, Path)):
        with replacing(Path(fp)) as file:
            file.write(data)
    else:
        fp.write(data)


def _format(fp: Any, format: str | None) -> str:
    if format is not None:
        return format.lstrip(".").lower()
    if not isinstance(fp, (str, Path)):
        return "png"
    ending = Path(fp).suffix.lstrip(".").lower()
    if not ending:
        raise ValueError(f"save_image: unknown file extension: {str(fp)!r} has none. Say '.png', or format='png'.")
    return ending


def _encoded(image: Any, format: str) -> bytes:
    if format == "png":
        return png.encode(image)
    pillow = need_pillow(f"save_image: writing {format.upper()} (PNG does not)")
    name = pillow.registered_extensions().get(f".{format}", format.upper())
    file = io.BytesIO()
    try:
        pillow.fromarray(image).save(file, name)
    except (KeyError, OSError) as error:
        raise ValueError(f"save_image: cannot write {format!r}: {error}.") from None
    return file.getvalue()
