"""Images in other colors."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.dtypes import float32, uint8
from nanograd.errors import DTypeError
from nanograd.ops.comparison import where
from nanograd.ops.creation import from_numpy
from nanograd.ops.joining import stack
from nanograd.tensors import Tensor
from nanograd.vision.picture import need_pillow, on_pictures, opened
from nanograd.vision.transforms import color, resample

__all__ = [
    "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation", "adjust_sharpness",
    "autocontrast", "equalize", "invert", "posterize", "rgb_to_grayscale", "solarize", "to_grayscale",
]  # fmt: skip


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """0.2989 R + 0.587 G + 0.114 B, in one channel or three times.

    Raises ValueError for another number of channels.
    """
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels should be either 1 or 3, got {num_output_channels}.")
    image, _ = opened("rgb_to_grayscale", img)
    if image.ndim < 3:
        raise DTypeError(f"Input image tensor should have at least 3 dimensions, but found {image.ndim}")
    color.need_channels("rgb_to_grayscale", image)
    one = color.gray(image, as_pillow=not isinstance(img, Tensor))
    made = one if num_output_channels == 1 else one.expand(*one.shape[:-3], 3, *one.shape[-2:])
    if isinstance(img, Tensor):
        return made
    array = np.ascontiguousarray(made.permute(1, 2, 0).numpy())
    array = array[:, :, 0] if num_output_channels == 1 else array
    return array if isinstance(img, np.ndarray) else need_pillow("rgb_to_grayscale").fromarray(array)


to_grayscale = rgb_to_grayscale


def _not_negative(name: str, value: float) -> float:
    if not value >= 0:
        raise ValueError(f"{name} ({value}) is not non-negative.")
    return float(value)


@on_pictures
def adjust_brightness(img: Tensor, brightness_factor: float) -> Tensor:
    """The image times the factor: 0 is black, 1 the image itself."""
    color.need_channels("adjust_brightness", img)
    return color.blend(img, 0.0, _not_negative("brightness_factor", brightness_factor))


@on_pictures
def adjust_contrast(img: Tensor, contrast_factor: float) -> Tensor:
    """The image's distance from its mean brightness times the factor: 0 is gray, 1 the image itself."""
    color.need_channels("adjust_contrast", img)
    return color.blend(img, color.mean_gray(img), _not_negative("contrast_factor", contrast_factor))


@on_pictures
def adjust_saturation(img: Tensor, saturation_factor: float) -> Tensor:
    """The image's distance from its gray version times the factor: 0 is gray, 1 the image itself."""
    if color.need_channels("adjust_saturation", img) == 1:
        return img
    return color.blend(img, color.gray(img), _not_negative("saturation_factor", saturation_factor))


@on_pictures
def adjust_hue(img: Tensor, hue_factor: float) -> Tensor:
    """The image with its hues turned by ``hue_factor`` of the circle of colors, from -0.5 to 0.5.

    Raises ValueError for a hue_factor outside that range.
    """
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    return img if color.need_channels("adjust_hue", img) == 1 else color.hue_shifted(img, hue_factor)


@on_pictures
def adjust_gamma(img: Tensor, gamma: float, gain: float = 1) -> Tensor:
    """gain · imageᵞ, on values in [0, 1].  Raises ValueError for a negative gamma."""
    color.need_channels("adjust_gamma", img)
    if not gamma >= 0:
        raise ValueError(f"Gamma should be a non-negative real number, got {gamma}.")
    x = img if img.is_floating_point() else color.convert(img, float32)
    return color.convert((gain * x**gamma).clamp(0, 1), img.dtype)


@on_pictures
def adjust_sharpness(img: Tensor, sharpness_factor: float) -> Tensor:
    """The image's distance from a blurred version times the factor: 0 is blurred, 1 the image itself."""
    color.need_channels("adjust_sharpness", img)
    factor = _not_negative("sharpness_factor", sharpness_factor)
    if min(img.shape[-2:]) <= 2:
        return img
    x, back = resample.as_floats(img)
    rows, columns = img.shape[-2:]
    near = [x[..., i : rows - 2 + i, j : columns - 2 + j] for i in range(3) for j in range(3)]
    total = near[4] * 4.0  # the pixel itself weighs 5 of 13
    for part in near:
        total = total + part
    blurred = img.clone()
    blurred[..., 1:-1, 1:-1] = back(total / 13.0)
    return color.blend(img, blurred, factor)


@on_pictures
def invert(img: Tensor) -> Tensor:
    """Full brightness minus the image."""
    color.need_channels("invert", img)
    inverted: Tensor = color.largest(img.dtype) - img
    return inverted


@on_pictures
def posterize(img: Tensor, bits: int) -> Tensor:
    """The highest ``bits`` of each value of a uint8 image.

    Raises DTypeError for an image that is not uint8, and for other than 0 to 8 bits.
    """
    if img.dtype is not uint8 or not 0 <= bits <= 8:
        raise DTypeError(f"posterize: expected a uint8 image and 0 to 8 bits, got {img.dtype} and {bits}.")
    kept: Tensor = img & (256 - 2 ** (8 - bits))
    return kept


@on_pictures
def solarize(img: Tensor, threshold: float) -> Tensor:
    """The image with the values from ``threshold`` on inverted.

    Raises DTypeError for a threshold above the largest value.
    """
    top = color.largest(img.dtype)
    if threshold > top:
        raise DTypeError(f"Threshold should be less than bound of img: {threshold} of {top}.")
    return where(img >= threshold, top - img, img)


@on_pictures
def autocontrast(img: Tensor) -> Tensor:
    """The image with each channel stretched from 0 to full brightness."""
    color.need_channels("autocontrast", img)
    x, _ = resample.as_floats(img)
    top = color.largest(img.dtype)
    low, high = x.amin((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
    flat = high == low
    stretched = (x - low) * (top / where(flat, 1.0, high - low))
    return where(flat, x, stretched).clamp(0, top).to(img.dtype)


@on_pictures
def equalize(img: Tensor) -> Tensor:
    """The uint8 image with each channel's values spread so that all are about equally frequent.

    Raises DTypeError for an image that is not uint8.
    """
    if img.dtype is not uint8:
        raise DTypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")
    if img.ndim == 2:
        return _equalized(img)
    return stack([equalize(part) for part in img])


def _equalized(channel: Tensor) -> Tensor:
    values = channel.numpy()
    counts = np.bincount(values.reshape(-1), minlength=256)
    step = int(counts[counts > 0][:-1].sum()) // 255
    if step == 0:
        return channel
    table = np.concatenate([[0], (np.cumsum(counts) + step // 2) // step])[:256].clip(0, 255)
    return from_numpy(table.astype(np.uint8)[values])
