"""Transforms that cut, pad and resize."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.creation import tensor
from nanograd.ops.sampling import randn
from nanograd.tensors import Tensor
from nanograd.vision.transforms import functional as F
from nanograd.vision.transforms.cutting import to_padding, to_pair
from nanograd.vision.transforms.interpolation import InterpolationMode, to_interpolation
from nanograd.vision.transforms.transform import Change, Transform, happens, to_probability, uniform, whole

__all__ = [
    "CenterCrop", "FiveCrop", "Pad", "RandomCrop", "RandomErasing", "RandomResizedCrop", "Resize", "TenCrop",
]  # fmt: skip

Size = int | Sequence[int]


class Resize(Transform):
    """The image in another size: (h, w), or the length of its shorter side, the longer at most ``max_size``.

    Raises TypeError for a size that is no number or list, ValueError for one of other than 1 or 2 values.
    """

    shown = ("size", "interpolation", "max_size", "antialias")

    def __init__(
        self,
        size: Size,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, list, tuple)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, (list, tuple)) and len(size) not in (1, 2):
            raise ValueError(f"If size is a sequence, it should have 1 or 2 values, got {size}.")
        self.size = size
        self.interpolation = to_interpolation("Resize", interpolation)
        self.max_size = max_size
        self.antialias = antialias

    def change(self, img: Any) -> Any:
        """The resized image."""
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)


class CenterCrop(Transform):
    """The middle of the image, padded with 0 where the image is smaller."""

    shown = ("size",)

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = to_pair("CenterCrop", size)

    def change(self, img: Any) -> Any:
        """The middle."""
        return F.center_crop(img, self.size)


class Pad(Transform):
    """The image with a border; see ``functional.pad``.  Raises ValueError for another padding_mode."""

    shown = ("padding", "fill", "padding_mode")

    def __init__(self, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        to_padding(padding)
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ValueError(
                f"Padding mode should be either constant, edge, reflect or symmetric, got {padding_mode!r}."
            )
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def change(self, img: Any) -> Any:
        """The padded image."""
        return F.pad(img, self.padding, self.fill, self.padding_mode)


class FiveCrop(Transform):
    """The four corners and the middle of the image, as a tuple of images."""

    shown = ("size",)

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = to_pair("FiveCrop", size)

    def change(self, img: Any) -> tuple[Any, ...]:
        """The five crops."""
        return F.five_crop(img, self.size)


class TenCrop(Transform):
    """The five crops of the image and those of its mirror image, as a tuple of images."""

    shown = ("size", "vertical_flip")

    def __init__(self, size: Size, vertical_flip: bool = False) -> None:
        super().__init__()
        self.size = to_pair("TenCrop", size)
        self.vertical_flip = vertical_flip

    def change(self, img: Any) -> tuple[Any, ...]:
        """The ten crops."""
        return F.ten_crop(img, self.size, self.vertical_flip)


class RandomCrop(Transform):
    """A part of the image at a random place, after padding it by ``padding``.

    ``pad_if_needed`` pads an image that is smaller than the part.  Raises ShapeError for such an image unless padded.
    """

    shown = ("size", "padding")

    def __init__(
        self,
        size: Size,
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = to_pair("RandomCrop", size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a part of ``output_size`` at a random place."""
        _, rows, columns = F.get_dimensions(img)
        height, width = output_size
        if rows < height or columns < width:
            raise ShapeError(f"Required crop size {(height, width)} is larger than input image size {(rows, columns)}")
        if (rows, columns) == (height, width):
            return 0, 0, height, width
        return whole(rows - height + 1), whole(columns - width + 1), height, width

    def _padded(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            _, rows, columns = F.get_dimensions(img)
            sides = max(self.size[1] - columns, 0), max(self.size[0] - rows, 0)
            img = F.pad(img, sides, self.fill, self.padding_mode) if any(sides) else img
        return img

    def plan(self, img: Any) -> Change:
        """A place for the part."""
        place = self.get_params(self._padded(img), self.size)
        return lambda image: F.crop(self._padded(image), *place)

    def forward(self, img: Any) -> Any:
        """The part."""
        img = self._padded(img)
        return F.crop(img, *self.get_params(img, self.size))


class RandomResizedCrop(Transform):
    """A part of the image, of random size, shape and place, resized to ``size``.

    Its area is a fraction in ``scale`` of the image's, its width / height lies in ``ratio``.

    Source: C. Szegedy et al., "Going deeper with convolutions", 2014.
    """

    shown = ("size", "scale", "ratio", "interpolation", "antialias")

    def __init__(
        self,
        size: Size,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = to_pair("RandomResizedCrop", size)
        self.interpolation = to_interpolation("RandomResizedCrop", interpolation)
        self.antialias = antialias
        self.scale = to_range("RandomResizedCrop", "scale", scale)
        self.ratio = to_range("RandomResizedCrop", "ratio", ratio)

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a random part; the middle if ten draws do not fit."""
        _, rows, columns = F.get_dimensions(img)
        for _ in range(10):
            height, width = _draw_shape(rows * columns, scale, (1 / ratio[1], 1 / ratio[0]))
            if 0 < width <= columns and 0 < height <= rows:
                return whole(rows - height + 1), whole(columns - width + 1), height, width
        height, width = rows, columns
        if columns / rows < min(ratio):
            height = round(columns / min(ratio))
        elif columns / rows > max(ratio):
            width = round(rows * max(ratio))
        return (rows - height) // 2, (columns - width) // 2, height, width

    def plan(self, img: Any) -> Change:
        """A part."""
        place = self.get_params(img, self.scale, self.ratio)
        return lambda image: F.resized_crop(image, *place, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        rounded = [tuple(round(v, 4) for v in values) for values in (self.scale, self.ratio)]
        return (
            f"RandomResizedCrop(size={self.size}, scale={rounded[0]}, ratio={rounded[1]}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


def to_range(name: str, what: str, values: Sequence[float]) -> Sequence[float]:
    if not isinstance(values, (tuple, list)) or len(values) != 2 or not 0 < values[0] <= values[1]:
        raise ValueError(f"{name}: expected {what} to be (least, most), both above 0, got {values!r}.")
    return values


def _draw_shape(area: int, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int]:
    """(height, width) of a rectangle: its area a fraction of ``area``, its height / width in ``ratio``."""
    part = area * uniform(*scale)
    slender = math.exp(uniform(math.log(ratio[0]), math.log(ratio[1])))
    return round(math.sqrt(part * slender)), round(math.sqrt(part / slender))


class RandomErasing(Transform):
    """A random rectangle of the image (…, C, H, W) erased, with probability p.

    Its area is a fraction in ``scale`` of the image's, its height / width lies in ``ratio``.  ``value`` is what takes
    its place: one number, one for each channel, or "random".

    Source: Z. Zhong et al., "Random erasing data augmentation", 2017.
    """

    shown = ("p", "scale", "ratio", "value", "inplace")

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | str | Sequence[float] = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        if not isinstance(value, (int, float, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        self.p = to_probability("RandomErasing", p)
        self.scale = to_range("RandomErasing", "scale", scale)
        if scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        self.ratio = to_range("RandomErasing", "ratio", ratio)
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, Tensor]:
        """(top, left, height, width, what to put there); all of the image, unchanged, if ten draws do not fit."""
        channels, rows, columns = img.shape[-3:]
        for _ in range(10):
            height, width = _draw_shape(rows * columns, scale, ratio)
            if height < rows and width < columns:
                noise = randn(channels, height, width) if value is None else tensor(list(value)).reshape(-1, 1, 1)
                return whole(rows - height + 1), whole(columns - width + 1), height, width, noise.to(img.dtype)
        return 0, 0, rows, columns, img

    def plan(self, img: Any) -> Change:
        """A rectangle, or nothing."""
        if not isinstance(img, Tensor) or img.ndim < 3:
            what = f"one of shape {tuple(img.shape)}" if isinstance(img, Tensor) else type(img).__name__
            raise DTypeError(f"RandomErasing: expected a tensor (..., C, H, W), got {what}. Put ToTensor() before it.")
        if not happens(self.p):
            return lambda image: image
        value: list[float] | None = None
        if not isinstance(self.value, str):
            value = [self.value] if isinstance(self.value, (int, float)) else list(self.value)
            if len(value) not in (1, img.shape[-3]):
                raise ShapeError(
                    "If value is a sequence, it should have either a single value or "
                    f"{img.shape[-3]} (number of input channels), got {len(value)}."
                )
        place = self.get_params(img, self.scale, self.ratio, value)
        return lambda image: F.erase(image, *place, inplace=self.inplace)
