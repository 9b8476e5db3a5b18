"""Transforms that change colors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from nanograd.ops.sampling import randperm
from nanograd.vision.transforms import functional as F
from nanograd.vision.transforms.transform import Change, Transform, happens, to_probability, uniform

__all__ = [
    "ColorJitter", "Grayscale", "RandomAdjustSharpness", "RandomAutocontrast", "RandomEqualize", "RandomGrayscale",
    "RandomInvert", "RandomPosterize", "RandomSolarize",
]  # fmt: skip

Range = tuple[float, float] | None


class ColorJitter(Transform):
    """The image with brightness, contrast, saturation and hue changed at random, in random order.

    The first three are factors, from a range (least, most) or 1 ± one number; hue is a turn, from a range within ± 0.5
    or ± one number.
    """

    shown = ("brightness", "contrast", "saturation", "hue")

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
        hue: float | Sequence[float] = 0,
    ) -> None:
        super().__init__()
        self.brightness = _around("brightness", brightness, 1.0, (0.0, float("inf")))
        self.contrast = _around("contrast", contrast, 1.0, (0.0, float("inf")))
        self.saturation = _around("saturation", saturation, 1.0, (0.0, float("inf")))
        self.hue = _around("hue", hue, 0.0, (-0.5, 0.5))

    @staticmethod
    def get_params(
        brightness: Range, contrast: Range, saturation: Range, hue: Range
    ) -> tuple[Any, float | None, float | None, float | None, float | None]:
        """(the order of the four changes, and the value of each, or None)."""
        drawn = [None if r is None else uniform(*r) for r in (brightness, contrast, saturation, hue)]
        return randperm(4), drawn[0], drawn[1], drawn[2], drawn[3]

    def plan(self, img: Any) -> Change:
        """Four changes in an order."""
        order, *values = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        changes: list[Callable[[Any, float], Any]] = [
            F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue,
        ]  # fmt: skip
        chosen = [(changes[i], values[i]) for i in order.tolist() if values[i] is not None]

        def change(image: Any) -> Any:
            for adjust, value in chosen:
                image = adjust(image, value)
            return image

        return change


def _around(name: str, value: Any, center: float, bounds: tuple[float, float]) -> Range:
    """The range (least, most) around ``center``, or None for no change."""
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        low, high = max(center - value, bounds[0]) if center else -float(value), center + float(value)
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        low, high = float(value[0]), float(value[1])
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    if not bounds[0] <= low <= high <= bounds[1]:
        raise ValueError(f"{name} values should be between {bounds}, but got {[low, high]}.")
    return None if low == high == center else (low, high)


class Grayscale(Transform):
    """The image in gray, in one channel or three times."""

    shown = ("num_output_channels",)

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def change(self, img: Any) -> Any:
        """The gray image."""
        return F.rgb_to_grayscale(img, self.num_output_channels)


class _WithProbability(Transform):
    """A change that happens with probability p."""

    shown: ClassVar[Sequence[str]] = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = to_probability(type(self).__name__, p)

    def plan(self, img: Any) -> Change:
        """The change, or nothing."""
        return self.change if happens(self.p) else lambda image: image


class RandomGrayscale(_WithProbability):
    """The image in gray, in as many channels as it has, with probability p."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def change(self, img: Any) -> Any:
        """The gray image."""
        return F.rgb_to_grayscale(img, F.get_image_num_channels(img))


class RandomInvert(_WithProbability):
    """Full brightness minus the image, with probability p."""

    def change(self, img: Any) -> Any:
        """The inverted image."""
        return F.invert(img)


class RandomAutocontrast(_WithProbability):
    """The image with each channel stretched from 0 to full brightness, with probability p."""

    def change(self, img: Any) -> Any:
        """The stretched image."""
        return F.autocontrast(img)


class RandomEqualize(_WithProbability):
    """The uint8 image with each channel's values about equally frequent, with probability p."""

    def change(self, img: Any) -> Any:
        """The equalized image."""
        return F.equalize(img)


class RandomPosterize(_WithProbability):
    """The highest ``bits`` of each value of a uint8 image, with probability p."""

    shown = ("bits", "p")

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def change(self, img: Any) -> Any:
        """The image of fewer bits."""
        return F.posterize(img, self.bits)


class RandomSolarize(_WithProbability):
    """The image with the values from ``threshold`` on inverted, with probability p."""

    shown = ("threshold", "p")

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Any) -> Any:
        """The solarized image."""
        return F.solarize(img, self.threshold)


class RandomAdjustSharpness(_WithProbability):
    """The image made sharper, or softer for a factor below 1, with probability p."""

    shown = ("sharpness_factor", "p")

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Any) -> Any:
        """The sharper image."""
        return F.adjust_sharpness(img, self.sharpness_factor)
