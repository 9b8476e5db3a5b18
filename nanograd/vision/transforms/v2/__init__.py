"""Version 2 of the transforms: they take images in tuples, lists and dicts, with whatever else stands there.

``transform(image, label)`` changes the image and hands the label on.  Images are all PIL images and arrays of two or
three dimensions, or where there is none, the first tensor of two or more.  All images of a call are changed alike.
"""

from __future__ import annotations

import enum
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from nanograd.dtypes import DType
from nanograd.errors import MissingError, did_you_mean
from nanograd.nn.module import Module
from nanograd.ops.creation import tensor
from nanograd.ops.sampling import multinomial, randperm
from nanograd.tensors import Tensor
from nanograd.vision.picture import is_picture
from nanograd.vision.transforms import coloring, cropping, geometry
from nanograd.vision.transforms import transform as first
from nanograd.vision.transforms.interpolation import InterpolationMode
from nanograd.vision.transforms.v2 import functional
from nanograd.warned import outside

__all__ = [
    "CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "FiveCrop", "GaussianBlur", "Grayscale", "Identity",
    "InterpolationMode", "Lambda", "Normalize", "PILToTensor", "Pad", "RandomAdjustSharpness", "RandomAffine",
    "RandomApply", "RandomAutocontrast", "RandomChoice", "RandomCrop", "RandomEqualize", "RandomErasing",
    "RandomGrayscale", "RandomHorizontalFlip", "RandomInvert", "RandomOrder", "RandomPerspective", "RandomPosterize",
    "RandomResizedCrop", "RandomRotation", "RandomSolarize", "RandomVerticalFlip", "Resize", "TenCrop", "ToDtype",
    "ToImage", "ToPILImage", "ToPureTensor", "ToTensor", "Transform", "functional",
]  # fmt: skip


def leaves(sample: Any) -> list[Any]:
    """What stands in a sample of tuples, lists and dicts, in order."""
    if isinstance(sample, (tuple, list)):
        return [leaf for part in sample for leaf in leaves(part)]
    if isinstance(sample, dict):
        return [leaf for part in sample.values() for leaf in leaves(part)]
    return [sample]


def mapped(sample: Any, change: Callable[[Any], Any]) -> Any:
    """The sample with every leaf changed."""
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*(mapped(part, change) for part in sample))
    if isinstance(sample, (tuple, list)):
        return type(sample)(mapped(part, change) for part in sample)
    if isinstance(sample, dict):
        return {key: mapped(part, change) for key, part in sample.items()}
    return change(sample)


def images(sample: Any) -> list[Any]:
    """The images of a sample: its pictures, or else its first tensor of two or more dimensions."""
    found = leaves(sample)
    return [x for x in found if is_picture(x)] or [x for x in found if isinstance(x, Tensor) and x.ndim > 1][:1]


class Transform(first.Transform):
    """A change of the images in a sample.  A subclass defines ``transform``, and ``make_params`` for chance."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """What is left to chance, drawn once for all images of a sample."""
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The changed image."""
        raise MissingError(f"{type(self).__name__}: define transform(self, inpt, params).")

    def plan(self, img: Any) -> Callable[[Any], Any]:
        """The change for an image and those like it, its chances drawn."""
        params = self.make_params([img])
        return lambda inpt: self.transform(inpt, params)

    def forward(self, *inputs: Any) -> Any:
        """The sample with its images changed."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        found = images(sample)
        if not found:
            return sample
        change, chosen = self.plan(found[0]), {id(x) for x in found}
        return mapped(sample, lambda x: change(x) if id(x) in chosen else x)

    def extra_repr(self) -> str:
        """The settings, as the printed form names them."""
        kinds = (bool, int, float, str, tuple, list, enum.Enum)
        named = [(n, v) for n, v in vars(self).items() if not n.startswith("_") and n != "training"]
        return ", ".join(f"{n}={v}" for n, v in named if isinstance(v, kinds))

    __repr__ = Module.__repr__


class _Adopted(Transform):
    """A transform of version 1 in a sample: the class after this one says what it does."""

    def plan(self, img: Any) -> Callable[[Any], Any]:
        """The plan of version 1."""
        return super(Transform, self).plan(img)


class Resize(_Adopted, cropping.Resize):
    __doc__ = cropping.Resize.__doc__

    def __init__(
        self,
        size: int | Sequence[int] | None,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        size = [size] if isinstance(size, int) else size
        if size is None:
            raise MissingError("v2.Resize: size=None is not supported; give the length of the shorter side.")
        super().__init__(list(size), interpolation, max_size, antialias)


class Normalize(_Adopted, first.Normalize):
    __doc__ = first.Normalize.__doc__

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__(list(mean), list(std), inplace)


class CenterCrop(_Adopted, cropping.CenterCrop):
    __doc__ = cropping.CenterCrop.__doc__


class Pad(_Adopted, cropping.Pad):
    __doc__ = cropping.Pad.__doc__


class FiveCrop(_Adopted, cropping.FiveCrop):
    __doc__ = cropping.FiveCrop.__doc__


class TenCrop(_Adopted, cropping.TenCrop):
    __doc__ = cropping.TenCrop.__doc__


class RandomHorizontalFlip(_Adopted, geometry.RandomHorizontalFlip):
    __doc__ = geometry.RandomHorizontalFlip.__doc__


class RandomVerticalFlip(_Adopted, geometry.RandomVerticalFlip):
    __doc__ = geometry.RandomVerticalFlip.__doc__


class RandomCrop(_Adopted, cropping.RandomCrop):
    __doc__ = cropping.RandomCrop.__doc__


class RandomResizedCrop(_Adopted, cropping.RandomResizedCrop):
    __doc__ = cropping.RandomResizedCrop.__doc__


class RandomRotation(_Adopted, geometry.RandomRotation):
    __doc__ = geometry.RandomRotation.__doc__


class RandomAffine(_Adopted, geometry.RandomAffine):
    __doc__ = geometry.RandomAffine.__doc__


class RandomPerspective(_Adopted, geometry.RandomPerspective):
    __doc__ = geometry.RandomPerspective.__doc__


class RandomErasing(_Adopted, cropping.RandomErasing):
    __doc__ = cropping.RandomErasing.__doc__


class GaussianBlur(_Adopted, geometry.GaussianBlur):
    __doc__ = geometry.GaussianBlur.__doc__


class ColorJitter(_Adopted, coloring.ColorJitter):
    __doc__ = coloring.ColorJitter.__doc__


class Grayscale(_Adopted, coloring.Grayscale):
    __doc__ = coloring.Grayscale.__doc__


class RandomGrayscale(_Adopted, coloring.RandomGrayscale):
    __doc__ = coloring.RandomGrayscale.__doc__


class RandomInvert(_Adopted, coloring.RandomInvert):
    __doc__ = coloring.RandomInvert.__doc__


class RandomAutocontrast(_Adopted, coloring.RandomAutocontrast):
    __doc__ = coloring.RandomAutocontrast.__doc__


class RandomEqualize(_Adopted, coloring.RandomEqualize):
    __doc__ = coloring.RandomEqualize.__doc__


class RandomPosterize(_Adopted, coloring.RandomPosterize):
    __doc__ = coloring.RandomPosterize.__doc__


class RandomSolarize(_Adopted, coloring.RandomSolarize):
    __doc__ = coloring.RandomSolarize.__doc__


class RandomAdjustSharpness(_Adopted, coloring.RandomAdjustSharpness):
    __doc__ = coloring.RandomAdjustSharpness.__doc__


class ConvertImageDtype(_Adopted, first.ConvertImageDtype):
    __doc__ = first.ConvertImageDtype.__doc__


class Identity(Transform):
    """The sample as it is."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The image itself."""
        return inpt


class ToImage(Transform):
    """PIL images and arrays (H, W) or (H, W, C) as tensors (C, H, W) of the same values."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The image as a tensor."""
        return functional.to_image(inpt)


class PILToTensor(ToImage):
    """PIL images and arrays (H, W) or (H, W, C) as tensors (C, H, W) of the same values."""


class ToPureTensor(Identity):
    """The sample as it is: every image that is a tensor is a plain one."""


class ToPILImage(Transform):
    """Tensors (C, H, W) and arrays (H, W, C) as PIL images; floats in [0, 1] become 0 … 255.  Needs Pillow."""

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The PIL image."""
        return functional.to_pil_image(inpt, self.mode)


class ToDtype(Transform):
    """Images in another dtype; with ``scale``, full brightness stays full, otherwise the values stay."""

    def __init__(self, dtype: DType, scale: bool = False) -> None:
        super().__init__()
        if isinstance(dtype, dict):
            raise MissingError("v2.ToDtype: a dict of dtypes is not supported; give the dtype for images.")
        self.dtype = dtype
        self.scale = scale

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The image in the other dtype."""
        return functional.to_dtype(inpt, self.dtype, self.scale)


class ToTensor(Transform):
    """Images as float tensors (C, H, W) in [0, 1]; torchvision advises ToImage and ToDtype instead."""

    def __init__(self) -> None:
        warnings.warn(
            "The transform `ToTensor()` is deprecated and will be removed in a future release. Instead, please use "
            "`v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])`.",
            stacklevel=outside(),
        )
        super().__init__()

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The image as floats; tensors stay."""
        return inpt if isinstance(inpt, Tensor) else functional.to_tensor(inpt)


class Lambda(Transform):
    """A function of your own for everything in the sample, or only for what is of these ``types``."""

    def __init__(self, lambd: Callable[[Any], Any], *types: type) -> None:
        super().__init__()
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd
        self.types = types or (object,)

    def forward(self, *inputs: Any) -> Any:
        """The sample, changed."""
        sample = inputs if len(inputs) > 1 else inputs[0]
        return mapped(sample, lambda x: self.lambd(x) if isinstance(x, self.types) else x)

    def extra_repr(self) -> str:
        """The function's name and the types."""
        name = getattr(self.lambd, "__name__", None)
        types = f"types={[kind.__name__ for kind in self.types]}"
        return f"{name}, {types}" if name else types


class Compose(Transform):
    """Several transforms, one after the other."""

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        super().__init__()
        self.transforms = first.checked(type(self).__name__, transforms)
        if not transforms:
            raise ValueError("Pass at least one transform")

    def chosen(self) -> list[Callable[..., Any]]:
        """The transforms of this call, in order."""
        return list(self.transforms)

    def forward(self, *inputs: Any) -> Any:
        """The sample after them."""
        for transform in self.chosen():
            changed = transform(*inputs)
            inputs = changed if len(inputs) > 1 else (changed,)
        return inputs if len(inputs) > 1 else inputs[0]

    def extra_repr(self) -> str:
        """One transform a line."""
        return "\n".join(f"    {t}" for t in self.transforms)


class RandomApply(Compose):
    """All of the transforms with probability p, otherwise none."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: float = 0.5) -> None:
        super().__init__(transforms)
        self.p = first.to_probability("RandomApply", p)

    def chosen(self) -> list[Callable[..., Any]]:
        """All or none."""
        return list(self.transforms) if first.happens(self.p) else []


class RandomOrder(Compose):
    """All of the transforms, in an order drawn anew for each sample."""

    def chosen(self) -> list[Callable[..., Any]]:
        """All, in an order."""
        return [self.transforms[i] for i in randperm(len(self.transforms)).tolist()]


class RandomChoice(Compose):
    """One of the transforms, drawn anew for each sample; ``p`` are their weights."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        self.p = [1.0] * len(transforms) if p is None else list(p)
        if len(self.p) != len(transforms):
            raise ValueError(f"RandomChoice: expected one weight for each transform, got {len(self.p)}.")

    def chosen(self) -> list[Callable[..., Any]]:
        """One."""
        return [self.transforms[int(multinomial(tensor(self.p), 1))]]


_ABSENT = {
    "AugMix", "AutoAugment", "CutMix", "ElasticTransform", "GaussianNoise", "JPEG", "LinearTransformation", "MixUp",
    "RandAugment", "RandomIoUCrop", "RandomPhotometricDistort", "RandomShortestSize", "RandomZoomOut", "ScaleJitter",
    "TrivialAugmentWide",
}  # fmt: skip


def __getattr__(name: str) -> NoReturn:
    if name in _ABSENT:
        raise MissingError(
            f"torchvision.transforms.v2.{name}: nanograd does not have this transform. Write it as a v2.Transform with "
            "transform(self, inpt, params), or use v2.Lambda."
        )
    hint = did_you_mean(name, __all__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: nanograd does not have this name.{hint}")
