"""The formulas of color, on tensors (…, C, H, W): floats in [0, 1], or integers up to the largest of their dtype."""

from __future__ import annotations

from nanograd.dtypes import DType, float32, float64, int8, int16, int32, int64, uint8
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.comparison import where
from nanograd.ops.joining import stack
from nanograd.tensors import Tensor

__all__ = ["blend", "convert", "gray", "hue_shifted", "largest"]

_LARGEST = {uint8: 2**8 - 1, int8: 2**7 - 1, int16: 2**15 - 1, int32: 2**31 - 1, int64: 2**63 - 1}


def largest(dtype: DType) -> int:
    """The value of full brightness: 1 for floats, otherwise the largest of the dtype."""
    return _LARGEST.get(dtype, 1)


def convert(image: Tensor, dtype: DType) -> Tensor:
    """The image in another dtype, its values scaled so that full brightness stays full.

    Raises DTypeError for float32 into int32 or int64, and float64 into int64, which have more digits than the floats.
    """
    if image.dtype is dtype:
        return image
    have, want = largest(image.dtype), largest(dtype)
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        if (image.dtype is float32 and dtype in (int32, int64)) or (image.dtype is float64 and dtype is int64):
            raise DTypeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return (image * (want + 1 - 1e-3)).to(dtype)  # almost want + 1: [0, 1] is cut into want + 1 equal parts
    if dtype.is_floating_point:
        return image.to(dtype) / have
    if have > want:
        return (image // ((have + 1) // (want + 1))).to(dtype)
    return image.to(dtype) * ((want + 1) // (have + 1))


def need_channels(name: str, image: Tensor, allowed: tuple[int, ...] = (1, 3)) -> int:
    """The number of channels.  Raises ShapeError for another number than these."""
    channels = image.shape[-3] if image.ndim > 2 else 1
    if channels not in allowed:
        raise ShapeError(
            f"{name}: permitted channel values are {list(allowed)}, but found {channels} in {tuple(image.shape)}."
        )
    return channels


def gray(image: Tensor, as_pillow: bool = False) -> Tensor:
    """0.2989 R + 0.587 G + 0.114 B:  (…, 3, H, W) → (…, 1, H, W); gray images stay.  Source: ITU-R 601.

    Of bytes Pillow rounds the sum, 0.299 R + 0.587 G + 0.114 B, where torchvision cuts off.
    """
    if image.ndim < 3 or image.shape[-3] != 3:
        return image
    red, green, blue = image.unbind(-3)
    if as_pillow and image.dtype is uint8:
        total = 19595 * red.to(int32) + 38470 * green.to(int32) + 7471 * blue.to(int32) + 2**15
        return (total // 2**16).to(uint8).unsqueeze(-3)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).to(image.dtype).unsqueeze(-3)


def blend(image: Tensor, other: Tensor | float, ratio: float) -> Tensor:
    """ratio · image + (1 - ratio) · other, within the range of the dtype."""
    x = image if image.is_floating_point() else image.to(float32)
    return (ratio * x + (1.0 - ratio) * other).clamp(0, largest(image.dtype)).to(image.dtype)


def mean_gray(image: Tensor) -> Tensor:
    """The mean brightness of each image:  (…, C, H, W) → (…, 1, 1, 1)."""
    x = gray(image)
    x = x if x.is_floating_point() else x.to(float32)
    return x.mean((-3, -2, -1) if x.ndim > 2 else (-2, -1), keepdim=True)


def hue_shifted(image: Tensor, shift: float) -> Tensor:
    """The image with every hue turned by ``shift`` of the circle.

    Hue, saturation and value are those of A. R. Smith, "Color gamut transform pairs", 1978.
    """
    x = convert(image, float32) if not image.is_floating_point() else image
    red, green, blue = x.unbind(-3)
    high, low = x.amax(-3), x.amin(-3)
    chroma = high - low
    safe = where(chroma == 0, 1.0, chroma)
    hue = where(
        high == red,
        (green - blue) / safe,
        where(high == green, 2.0 + (blue - red) / safe, 4.0 + (red - green) / safe),
    )
    turned = (hue / 6.0 + shift) % 1.0 * 6.0
    # In each sector one color is at the top, one at the bottom, and one rises or falls between: with k counted from
    # the sector where it is highest, a color is high - chroma · clamp(min(k, 4 - k), 0, 1).
    colors = []
    for start in (5.0, 3.0, 1.0):
        k = (turned + start) % 6.0
        falling = where(k < 4.0 - k, k, 4.0 - k).clamp(0, 1)
        colors.append(high - chroma * falling)
    return convert(stack(colors, -3), image.dtype)
