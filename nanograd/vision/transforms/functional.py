"""Transforms as plain functions: torchvision.transforms.functional.

Each takes an image of any kind, a tensor (…, C, H, W) or (H, W), a PIL image, or an array (H, W) or (H, W, C), and
gives back the kind that came.  On tensors they carry gradients.
"""

from nanograd.ops.refusing import guard as _guard
from nanograd.vision.transforms.adjusting import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    autocontrast,
    equalize,
    invert,
    posterize,
    rgb_to_grayscale,
    solarize,
    to_grayscale,
)
from nanograd.vision.transforms.conversion import (
    convert_image_dtype,
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from nanograd.vision.transforms.cutting import center_crop, crop, erase, five_crop, hflip, pad, ten_crop, vflip
from nanograd.vision.transforms.interpolation import InterpolationMode
from nanograd.vision.transforms.warping import affine, gaussian_blur, perspective, resize, resized_crop, rotate

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
    "adjust_sharpness", "affine", "autocontrast", "center_crop", "convert_image_dtype", "crop", "equalize", "erase",
    "five_crop", "gaussian_blur", "get_dimensions", "get_image_num_channels", "get_image_size", "hflip", "invert",
    "normalize", "pad", "perspective", "pil_to_tensor", "posterize", "resize", "resized_crop", "rgb_to_grayscale",
    "rotate", "solarize", "ten_crop", "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]  # fmt: skip

_guard(globals(), __all__)
