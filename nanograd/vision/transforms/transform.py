"""What a transform is, those that hold others, and those that turn one kind of image into another."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from nanograd.dtypes import DType, float32
from nanograd.errors import MissingError
from nanograd.nn.module import Module
from nanograd.ops.creation import tensor
from nanograd.ops.sampling import multinomial, rand, randperm
from nanograd.tensors import Tensor
from nanograd.vision.transforms import functional as F

__all__ = [
    "Compose", "ConvertImageDtype", "Lambda", "Normalize", "PILToTensor", "RandomApply", "RandomChoice", "RandomOrder",
    "ToPILImage", "ToTensor", "Transform",
]  # fmt: skip

Change = Callable[[Any], Any]


def uniform(low: float, high: float) -> float:
    """A number between two, from the generator that ``torch.manual_seed`` seeds."""
    return low + (high - low) * float(rand(1))


def whole(count: int) -> int:
    """A whole number from 0 to count - 1, each as likely."""
    return min(int(uniform(0, count)), count - 1)


def happens(p: float) -> bool:
    """Yes, with probability p."""
    return float(rand(1)) < p


def to_probability(name: str, p: float) -> float:
    """p, which must be from 0 to 1.  Raises ValueError for others."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: expected p, a probability, from 0 to 1, got {p}.")
    return p


class Transform(Module):
    """A change of an image.  A subclass defines ``change(img)``, or ``plan(img)`` if chance is in it.

    ``plan`` draws what is left to chance and returns the change that follows, so that an image and its mask can be
    changed alike.  Transforms are modules, so ``nn.Sequential`` holds them too.
    """

    shown: ClassVar[Sequence[str]] = ()
    """The attributes that the printed form names."""

    def change(self, img: Any) -> Any:
        """The changed image."""
        raise MissingError(f"{type(self).__name__}: define change(self, img), or plan(self, img).")

    def plan(self, img: Any) -> Change:
        """The change for an image and those like it, its chances drawn."""
        return self.change

    def forward(self, img: Any) -> Any:
        """The changed image."""
        return self.plan(img)(img)

    def __repr__(self) -> str:
        values = ((name, getattr(self, name)) for name in self.shown)
        plain = (f"{name}={v.value if isinstance(v, enum.Enum) else v}" for name, v in values)
        return f"{type(self).__name__}({', '.join(plain)})"


def checked(name: str, transforms: Sequence[Change]) -> Sequence[Change]:
    """The transforms of a list.  Raises TypeError for what is no transform, a class that was not made, say."""
    if not hasattr(transforms, "__iter__"):
        raise TypeError(f"{name}: Argument transforms should be a sequence, got {type(transforms).__name__}.")
    for t in transforms:
        if isinstance(t, type) or not callable(t):
            what = f"the class {t.__name__}: make it, {t.__name__}()" if isinstance(t, type) else f"{t!r:.40}"
            raise TypeError(f"{name}: expected a list of transforms, got {what}.")
    return transforms


class Compose:
    """Several transforms, one after the other.

    >>> transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    Compose(
        ToTensor()
        Normalize(mean=(0.5,), std=(0.5,))
    )
    """

    def __init__(self, transforms: Sequence[Change]) -> None:
        self.transforms = checked("Compose", transforms)

    def __call__(self, img: Any) -> Any:
        for t in self.transforms:
            img = t(img)
        return img

    def __repr__(self) -> str:
        return "Compose(" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


class Lambda:
    """A function of your own as a transform."""

    def __init__(self, lambd: Change) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"


class RandomApply(Transform):
    """All of the transforms with probability p, otherwise none."""

    def __init__(self, transforms: Sequence[Change], p: float = 0.5) -> None:
        super().__init__()
        self.transforms = checked("RandomApply", transforms)
        self.p = to_probability("RandomApply", p)

    def plan(self, img: Any) -> Change:
        """All of them, or nothing."""
        return Compose(list(self.transforms)) if happens(self.p) else lambda image: image

    def __repr__(self) -> str:
        return f"RandomApply(\n    p={self.p}" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


class RandomOrder(Transform):
    """All of the transforms, in an order drawn anew for each image."""

    def __init__(self, transforms: Sequence[Change]) -> None:
        super().__init__()
        self.transforms = checked("RandomOrder", transforms)

    def plan(self, img: Any) -> Change:
        """They, in an order."""
        return Compose([self.transforms[i] for i in randperm(len(self.transforms)).tolist()])

    def __repr__(self) -> str:
        return "RandomOrder(" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


class RandomChoice(Transform):
    """One of the transforms, drawn anew for each image; ``p`` are their weights."""

    def __init__(self, transforms: Sequence[Change], p: Sequence[float] | None = None) -> None:
        super().__init__()
        self.transforms = checked("RandomChoice", transforms)
        self.p = p
        if p is not None and len(p) != len(transforms):
            raise ValueError(f"RandomChoice: expected a weight for each transform, got {len(p)} for {len(transforms)}.")

    def plan(self, img: Any) -> Change:
        """One of them."""
        if self.p is None:
            return self.transforms[whole(len(self.transforms))]
        return self.transforms[int(multinomial(tensor(list(self.p), dtype=float32), 1))]

    def __repr__(self) -> str:
        return "RandomChoice(" + "".join(f"\n    {t}" for t in self.transforms) + f"\n)(p={self.p})"


class ToTensor:
    """An image as a float tensor: (H, W) or (H, W, C) → (C, H, W); uint8 in 0 ... 255 becomes float32 in [0, 1].

    Takes NumPy arrays and PIL images.  Other dtypes keep their values.
    """

    def __call__(self, pic: Any) -> Tensor:
        """Raises TypeError for what is no image, ShapeError for other than two or three dimensions."""
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return "ToTensor()"


class PILToTensor:
    """An image as a tensor of the same values: (H, W) or (H, W, C) → (C, H, W)."""

    def __call__(self, pic: Any) -> Tensor:
        """Raises TypeError for what is no image, ShapeError for other than two or three dimensions."""
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return "PILToTensor()"


class ToPILImage:
    """A tensor (C, H, W) or an array (H, W, C) as a PIL image; floats in [0, 1] become 0 … 255.  Needs Pillow."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        """Raises MissingError where Pillow is not installed."""
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return "ToPILImage(" + (f"mode={self.mode}" if self.mode is not None else "") + ")"


class ConvertImageDtype(Transform):
    """The image in another dtype, scaled: full brightness is 1 in floats, in integers the largest of their dtype."""

    def __init__(self, dtype: DType) -> None:
        super().__init__()
        self.dtype = dtype

    def change(self, img: Any) -> Tensor:
        """The scaled image."""
        return F.convert_image_dtype(img, self.dtype)


class Normalize(Transform):
    """y = (x - mean) / std, channel by channel, of images (…, C, H, W).

    Raises ValueError for a std of 0, DTypeError for images that are not floats, ShapeError for another number of
    channels.
    """

    shown = ("mean", "std")

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace
        if not bool((tensor(std) != 0).all()):
            raise ValueError(f"Normalize: std evaluated to zero, leading to division by zero: {std}.")

    def change(self, img: Any) -> Tensor:
        """The normalized image."""
        return F.normalize(img, self.mean, self.std, self.inplace)
