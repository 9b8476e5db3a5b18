"""What is done to an image before it meets the network, under torchvision's names.

Transforms take tensors (…, C, H, W), PIL images, and arrays (H, W) or (H, W, C), and give back the kind that came.
Chance comes from nanograd's generator: ``torch.manual_seed`` governs it.
"""

from typing import NoReturn

from nanograd.errors import MissingError, did_you_mean
from nanograd.ops.refusing import guard as _guard
from nanograd.vision.transforms import functional
from nanograd.vision.transforms.coloring import (
    ColorJitter,
    Grayscale,
    RandomAdjustSharpness,
    RandomAutocontrast,
    RandomEqualize,
    RandomGrayscale,
    RandomInvert,
    RandomPosterize,
    RandomSolarize,
)
from nanograd.vision.transforms.cropping import (
    CenterCrop,
    FiveCrop,
    Pad,
    RandomCrop,
    RandomErasing,
    RandomResizedCrop,
    Resize,
    TenCrop,
)
from nanograd.vision.transforms.geometry import (
    GaussianBlur,
    RandomAffine,
    RandomHorizontalFlip,
    RandomPerspective,
    RandomRotation,
    RandomVerticalFlip,
)
from nanograd.vision.transforms.interpolation import InterpolationMode
from nanograd.vision.transforms.transform import (
    Compose,
    ConvertImageDtype,
    Lambda,
    Normalize,
    PILToTensor,
    RandomApply,
    RandomChoice,
    RandomOrder,
    ToPILImage,
    ToTensor,
)

from nanograd.vision.transforms import v2  # isort: skip

__all__ = [
    "CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "FiveCrop", "GaussianBlur", "Grayscale",
    "InterpolationMode", "Lambda", "Normalize", "PILToTensor", "Pad", "RandomAdjustSharpness", "RandomAffine",
    "RandomApply", "RandomAutocontrast", "RandomChoice", "RandomCrop", "RandomEqualize", "RandomErasing",
    "RandomGrayscale", "RandomHorizontalFlip", "RandomInvert", "RandomOrder", "RandomPerspective", "RandomPosterize",
    "RandomResizedCrop", "RandomRotation", "RandomSolarize", "RandomVerticalFlip", "Resize", "TenCrop", "ToPILImage",
    "ToTensor", "functional", "v2",
]  # fmt: skip

_guard(globals(), __all__, ("__init__", "__call__", "forward"))

_ABSENT = dict.fromkeys(
    ["AugMix", "AutoAugment", "AutoAugmentPolicy", "RandAugment", "TrivialAugmentWide"],
    "Use RandomChoice or RandomOrder over the transforms you want.",
) | {
    "ElasticTransform": "RandomAffine and RandomPerspective bend less.",
    "LinearTransformation": "Use Lambda(lambda x: ((x.flatten() - mean) @ matrix).reshape(x.shape)).",
}


def __getattr__(name: str) -> NoReturn:
    if name in _ABSENT:
        raise MissingError(f"torchvision.transforms.{name}: nanograd does not have this transform. {_ABSENT[name]}")
    hint = did_you_mean(name, __all__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: nanograd does not have this name.{hint}")
