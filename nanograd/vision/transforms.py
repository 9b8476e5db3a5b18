"""What is done to an image before it meets the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.creation import from_numpy, tensor
from nanograd.settings import get_default_dtype
from nanograd.tensors import Tensor

__all__ = ["Compose", "Lambda", "Normalize", "ToTensor"]


class Compose:
    """Several transforms, one after the other.

    >>> transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    Compose(
        ToTensor()
        Normalize(mean=(0.5,), std=(0.5,))
    )
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        for t in transforms:
            if isinstance(t, type) or not callable(t):
                what = f"the class {t.__name__}: make it, {t.__name__}()" if isinstance(t, type) else f"{t!r:.40}"
                raise TypeError(f"Compose: expected a list of transforms, got {what}.")
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for t in self.transforms:
            img = t(img)
        return img

    def __repr__(self) -> str:
        return "Compose(" + "".join(f"\n    {t}" for t in self.transforms) + "\n)"


class ToTensor:
    """An image as a float tensor: (H, W) or (H, W, C) → (C, H, W); uint8 in 0 ... 255 becomes float32 in [0, 1].

    Takes NumPy arrays and PIL images.  Other dtypes keep their values.
    """

    def __call__(self, pic: Any) -> Tensor:
        """Raises TypeError for what is no image, ShapeError for other than two or three dimensions."""
        if isinstance(pic, Tensor):
            raise DTypeError("ToTensor: expected an image or an array, got a tensor, which needs no ToTensor.")
        if isinstance(pic, (int, float, str, list, tuple)) or pic is None:
            raise DTypeError(f"ToTensor: pic should be PIL Image or ndarray. Got {type(pic)}.")
        array = np.asarray(pic)
        if array.ndim not in (2, 3):
            raise ShapeError(f"ToTensor: pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
        array = array[:, :, None] if array.ndim == 2 else array
        image = from_numpy(np.array(array.transpose(2, 0, 1), order="C"))
        return image.to(get_default_dtype()) / 255 if array.dtype == np.uint8 else image

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """y = (x - mean) / std, channel by channel, of images (…, C, H, W).

    Raises ValueError for a std of 0, DTypeError for images that are not floats, ShapeError for another number of
    channels.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace
        if not bool((tensor(std) != 0).all()):
            raise ValueError(f"Normalize: std evaluated to zero, leading to division by zero: {std}.")

    def __call__(self, img: Tensor) -> Tensor:
        """The normalized image."""
        if not isinstance(img, Tensor) or not img.is_floating_point():
            got = f"a tensor of {img.dtype}" if isinstance(img, Tensor) else type(img).__name__
            raise DTypeError(f"Normalize: expected a float tensor, got {got}. Put ToTensor() before it.")
        if img.ndim < 3:
            raise ShapeError(f"Normalize: expected an image (..., C, H, W), got {tuple(img.shape)}.")
        mean = tensor(self.mean, dtype=img.dtype).reshape(-1, 1, 1)
        std = tensor(self.std, dtype=img.dtype).reshape(-1, 1, 1)
        for name, values in (("mean", mean), ("std", std)):
            if values.shape[0] not in (1, img.shape[-3]):
                raise ShapeError(
                    f"Normalize: {name} has {values.shape[0]} values, the image {tuple(img.shape)} has {img.shape[-3]} "
                    "channels."
                )
        return img.sub_(mean).div_(std) if self.inplace else (img - mean) / std

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class Lambda:
    """A function of your own as a transform."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"
