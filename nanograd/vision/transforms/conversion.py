"""Images from one kind to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nanograd.dtypes import DType, float32, uint8
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.creation import from_numpy
from nanograd.ops.creation import tensor as to_numbers
from nanograd.settings import get_default_dtype
from nanograd.tensors import Tensor
from nanograd.vision.picture import is_picture, need_pillow, opened, pixels
from nanograd.vision.transforms import color

__all__ = [
    "convert_image_dtype", "get_dimensions", "get_image_num_channels", "get_image_size", "normalize", "pil_to_tensor",
    "to_pil_image", "to_tensor",
]  # fmt: skip


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width] of an image."""
    if isinstance(img, np.ndarray) and img.ndim in (2, 3):
        return [1 if img.ndim == 2 else img.shape[2], *img.shape[:2]]
    if isinstance(img, Tensor) or not is_picture(img):
        image, _ = opened("get_dimensions", img)
        return [image.shape[-3] if image.ndim > 2 else 1, *image.shape[-2:]]
    return [len(img.getbands()), img.height, img.width]


def get_image_size(img: Any) -> list[int]:
    """[width, height] of an image."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    """The number of channels of an image."""
    return get_dimensions(img)[0]


def to_tensor(pic: Any) -> Tensor:
    """A PIL image or an array (H, W) or (H, W, C) as a float tensor (C, H, W); uint8 in 0 … 255 becomes [0, 1].

    Other dtypes keep their values.  Raises TypeError for what is no image, ShapeError for other dimensions.
    """
    if isinstance(pic, Tensor):
        raise DTypeError("ToTensor: expected an image or an array, got a tensor, which needs no ToTensor.")
    array = pixels("ToTensor", pic)
    image = _channels_first(array)
    return image.to(get_default_dtype()) / 255 if array.dtype == np.uint8 else image


def pil_to_tensor(pic: Any) -> Tensor:
    """A PIL image, or an array (H, W) or (H, W, C), as a tensor (C, H, W) of the same values and dtype."""
    return _channels_first(pixels("pil_to_tensor", pic))


def _channels_first(array: np.ndarray[Any, Any]) -> Tensor:
    array = array[:, :, None] if array.ndim == 2 else array
    return from_numpy(np.array(array.transpose(2, 0, 1), order="C"))


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor (C, H, W) or (H, W), or an array (H, W) or (H, W, C), as a PIL image; floats in [0, 1] become 0 … 255.

    Raises MissingError where Pillow is not installed, TypeError for what is no image, ShapeError for other dimensions.
    """
    if not isinstance(pic, (Tensor, np.ndarray)):
        raise DTypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ShapeError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    pillow = need_pillow("ToPILImage: a PIL image")
    if isinstance(pic, Tensor):
        image = pic.detach() if pic.ndim == 3 else pic.detach().unsqueeze(0)
        if image.is_floating_point() and mode != "F":
            image = (image * 255).to(uint8)
        array = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    else:
        array = pic
    if array.ndim == 3:
        if not 1 <= array.shape[2] <= 4:
            raise ShapeError(f"pic should not have > 4 channels. Got {array.shape[2]} channels.")
        array = array[:, :, 0] if array.shape[2] == 1 else array
    made = pillow.fromarray(array)
    return made if mode in (None, made.mode) else made.convert(mode)


def convert_image_dtype(image: Tensor, dtype: DType = float32) -> Tensor:
    """The image in another dtype, scaled: full brightness is 1 in floats, in integers the largest of their dtype.

    Raises DTypeError for float32 into int32 or int64, and float64 into int64.
    """
    if not isinstance(image, Tensor):
        raise DTypeError(f"convert_image_dtype: Input img should be Tensor Image, got {type(image).__name__}.")
    return color.convert(image, dtype)


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """y = (x - mean) / std, channel by channel, of images (…, C, H, W).

    Raises ValueError for a std of 0, DTypeError for images that are not floats, ShapeError for another number of
    channels.
    """
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        got = f"a tensor of {tensor.dtype}" if isinstance(tensor, Tensor) else type(tensor).__name__
        raise DTypeError(f"Normalize: expected a float tensor, got {got}. Put ToTensor() before it.")
    if tensor.ndim < 3:
        raise ShapeError(f"Normalize: expected an image (..., C, H, W), got {tuple(tensor.shape)}.")
    center, spread = _per_channel("mean", mean, tensor), _per_channel("std", std, tensor)
    if not bool((spread != 0).all()):
        raise ValueError(f"Normalize: std evaluated to zero, leading to division by zero: {std}.")
    return tensor.sub_(center).div_(spread) if inplace else (tensor - center) / spread


def _per_channel(name: str, values: Any, image: Tensor) -> Tensor:
    found = to_numbers(values, dtype=image.dtype).reshape(-1, 1, 1)
    if found.shape[0] not in (1, image.shape[-3]):
        raise ShapeError(
            f"Normalize: {name} has {found.shape[0]} values, the image {tuple(image.shape)} has {image.shape[-3]} "
            "channels."
        )
    return found
