"""Version 2's transforms as plain functions: those of version 1, and the names that are new."""

from __future__ import annotations

from typing import Any

from nanograd.dtypes import DType, float32
from nanograd.errors import DTypeError
from nanograd.tensors import Tensor
from nanograd.vision.transforms.functional import *  # noqa: F403
from nanograd.vision.transforms.functional import __all__ as _version_1
from nanograd.vision.transforms.functional import (
    convert_image_dtype,
    get_dimensions,
    hflip,
    pil_to_tensor,
    vflip,
)

__all__ = [*_version_1, "get_size", "horizontal_flip", "to_dtype", "to_dtype_image", "to_image", "vertical_flip"]

horizontal_flip, vertical_flip = hflip, vflip


def to_image(inpt: Any) -> Tensor:
    """A PIL image, or an array (H, W) or (H, W, C), as a tensor (C, H, W) of the same values; tensors stay."""
    if not isinstance(inpt, Tensor):
        return pil_to_tensor(inpt)
    return inpt if inpt.ndim > 2 else inpt.unsqueeze(0)


def to_dtype(inpt: Tensor, dtype: DType = float32, scale: bool = False) -> Tensor:
    """The image in another dtype; with ``scale``, full brightness stays full, otherwise the values stay."""
    if not isinstance(inpt, Tensor):
        raise DTypeError(f"ToDtype: expected a tensor, got {type(inpt).__name__}. Put v2.ToImage() before it.")
    return convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)


to_dtype_image = to_dtype


def get_size(inpt: Any) -> list[int]:
    """[height, width] of an image."""
    return get_dimensions(inpt)[1:]
