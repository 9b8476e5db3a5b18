"""Transforms that turn, move, bend and blur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanograd.vision.transforms import functional as F
from nanograd.vision.transforms.cropping import to_range
from nanograd.vision.transforms.cutting import to_pair
from nanograd.vision.transforms.interpolation import InterpolationMode, to_interpolation
from nanograd.vision.transforms.transform import Change, Transform, happens, to_probability, uniform, whole

__all__ = [
    "GaussianBlur", "RandomAffine", "RandomHorizontalFlip", "RandomPerspective", "RandomRotation", "RandomVerticalFlip",
]  # fmt: skip


class RandomHorizontalFlip(Transform):
    """The mirror image with probability p."""

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = to_probability(type(self).__name__, p)

    def plan(self, img: Any) -> Change:
        """Mirror it, or not."""
        return F.hflip if happens(self.p) else lambda image: image


class RandomVerticalFlip(RandomHorizontalFlip):
    """The image upside down with probability p."""

    def plan(self, img: Any) -> Change:
        """Turn it over, or not."""
        return F.vflip if happens(self.p) else lambda image: image


def _degrees(name: str, what: str, values: Any, lengths: tuple[int, ...] = (2,)) -> list[float]:
    if isinstance(values, (int, float)):
        if values < 0:
            raise ValueError(f"{name}: If {what} is a single number, it must be positive, got {values}.")
        return [-float(values), float(values)]
    if not isinstance(values, (tuple, list)) or len(values) not in lengths:
        raise ValueError(f"{name}: {what} should be a number or a sequence of length {lengths}, got {values!r}.")
    return [float(v) for v in values]


class RandomRotation(Transform):
    """The image turned by a random number of ``degrees``, from a range (least, most) or ± one number."""

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.degrees = _degrees("RandomRotation", "degrees", degrees)
        self.interpolation = to_interpolation("RandomRotation", interpolation)
        self.expand = expand
        self.center = center
        self.fill = fill

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """An angle."""
        return uniform(degrees[0], degrees[1])

    def plan(self, img: Any) -> Change:
        """An angle."""
        angle = self.get_params(self.degrees)
        return lambda image: F.rotate(image, angle, self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        fill = "" if self.fill is None else f", fill={self.fill}"
        kind = self.interpolation.value
        return f"RandomRotation(degrees={self.degrees}, interpolation={kind}, expand={self.expand}{center}{fill})"


class RandomAffine(Transform):
    """The image turned, moved, scaled and sheared at random about its middle, or ``center``.

    ``degrees`` and ``shear``: a range, or ± one number; shear of two ranges slants along x and along y.
    ``translate``: the largest (x, y) fractions of the image.  ``scale``: a range.

    Raises ValueError for a translate outside [0, 1].
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if translate is not None and (len(translate) != 2 or not all(0 <= t <= 1 for t in translate)):
            raise ValueError(f"translation values should be between 0 and 1, one for x and one for y, got {translate}.")
        self.degrees = _degrees("RandomAffine", "degrees", degrees)
        self.translate = translate
        self.scale = None if scale is None else to_range("RandomAffine", "scale", scale)
        self.shear = None if shear is None else _degrees("RandomAffine", "shear", shear, (2, 4))
        self.interpolation = to_interpolation("RandomAffine", interpolation)
        self.fill = fill
        self.center = center

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """(angle, (x, y) to move, scale, (x, y) to shear) for an image of ``img_size`` (width, height)."""
        angle = uniform(degrees[0], degrees[1])
        most = [t * size for t, size in zip(translate or (0, 0), img_size, strict=True)]
        move = [round(uniform(-m, m)) if m else 0 for m in most]
        scale = 1.0 if scale_ranges is None else uniform(scale_ranges[0], scale_ranges[1])
        slant = [uniform(shears[i], shears[i + 1]) for i in range(0, len(shears), 2)] if shears else []
        return angle, (move[0], move[1]), scale, (slant[0] if slant else 0.0, slant[1] if len(slant) > 1 else 0.0)

    def plan(self, img: Any) -> Change:
        """An angle, a move, a scale and a shear."""
        size = F.get_image_size(img)
        angle, move, scale, slant = self.get_params(self.degrees, self.translate, self.scale, self.shear, size)
        return lambda image: F.affine(
            image, angle, move, scale, slant, self.interpolation, fill=self.fill, center=self.center
        )

    def __repr__(self) -> str:
        parts = [f"degrees={self.degrees}"]
        parts += [f"{n}={getattr(self, n)}" for n in ("translate", "scale", "shear") if getattr(self, n) is not None]
        if self.interpolation is not InterpolationMode.NEAREST:
            parts.append(f"interpolation={self.interpolation.value}")
        parts += [f"fill={self.fill}"] if self.fill != 0 else []
        parts += [f"center={self.center}"] if self.center is not None else []
        return f"RandomAffine({', '.join(parts)})"


class RandomPerspective(Transform):
    """The image seen at a random angle, with probability p: its corners move inwards by up to distortion_scale / 2."""

    shown = ("p",)

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: Any = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.p = to_probability("RandomPerspective", p)
        self.distortion_scale = to_probability("RandomPerspective", distortion_scale)
        self.interpolation = to_interpolation("RandomPerspective", interpolation)
        self.fill = fill

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[list[list[int]], list[list[int]]]:
        """(the corners, where they move): upper left, upper right, lower right, lower left, each [x, y]."""
        corners = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
        wide, high = (int(distortion_scale * (size // 2)) for size in (width, height))
        return corners, [
            [
                x + (whole(wide + 1) if x == 0 else -whole(wide + 1)),
                y + (whole(high + 1) if y == 0 else -whole(high + 1)),
            ]
            for x, y in corners
        ]

    def plan(self, img: Any) -> Change:
        """Four corners, or nothing."""
        if not happens(self.p):
            return lambda image: image
        width, height = F.get_image_size(img)
        start, end = self.get_params(width, height, self.distortion_scale)
        return lambda image: F.perspective(image, start, end, self.interpolation, self.fill)


class GaussianBlur(Transform):
    """The image blurred by a bell curve whose ``sigma`` is drawn from a range, or one number.

    Raises ValueError for a kernel_size that is not odd, and for a sigma that is not positive.
    """

    shown = ("kernel_size", "sigma")

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = to_pair("GaussianBlur", kernel_size)
        if any(k % 2 == 0 for k in self.kernel_size):
            raise ValueError(f"Kernel size value should be an odd and positive number, got {kernel_size}.")
        pair = (sigma, sigma) if isinstance(sigma, (int, float)) else tuple(sigma)
        if len(pair) != 2 or not 0 < pair[0] <= pair[1]:
            raise ValueError(f"GaussianBlur: sigma values should be positive and of the form (min, max), got {sigma}.")
        self.sigma = pair

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """A sigma."""
        return uniform(sigma_min, sigma_max)

    def plan(self, img: Any) -> Change:
        """A sigma."""
        sigma = self.get_params(*self.sigma)
        return lambda image: F.gaussian_blur(image, self.kernel_size, [sigma, sigma])
