"""What an image is before it is a tensor, a *picture*: a PIL image where Pillow is installed, otherwise an array.

torchvision's data sets give PIL images, and scripts use them as such (``img.size``, ``img.convert``).  So do these
where Pillow is installed.  Without it they give the same pixels as a NumPy array, uint8 (H, W) or (H, W, 3), which is
also what ``np.array(img)`` makes of a PIL image.  Every transform takes tensors, PIL images and arrays, computes the
same formula on each, and gives back the kind that came: a script whose transforms end in ToTensor gets the same
numbers either way.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, cast

import numpy as np

from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.ops.creation import from_numpy
from nanograd.tensors import Tensor

__all__ = ["Array", "find_pillow", "is_picture", "need_pillow", "on_pictures", "opened", "picture", "pixels"]

P = ParamSpec("P")
Array = np.ndarray[Any, Any]

MODES = {"1": "bool", "L": "uint8", "LA": "uint8", "RGB": "uint8", "RGBA": "uint8", "I": "int32", "F": "float32",
         "I;16": "uint16"}  # fmt: skip
"""The modes of PIL images whose values are brightness, with the dtype of their pixels."""


@functools.cache
def find_pillow() -> Any:
    """The module PIL.Image, or None where Pillow is not installed."""
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        return None


def need_pillow(what: str) -> Any:
    """The module PIL.Image.  Raises MissingError with ``what`` needs it."""
    found = find_pillow()
    if found is None:
        raise MissingError(f"{what} needs Pillow, which is not installed. Install it: pip install Pillow.")
    return found


def picture(array: Array) -> Any:
    """Pixels, uint8 (H, W) or (H, W, 3), as people hold them: a PIL image, or the array where there is no Pillow."""
    pillow = find_pillow()
    return array if pillow is None else pillow.fromarray(array)


def is_picture(x: Any) -> bool:
    """Whether it is a PIL image or an array of the dimensions of an image."""
    pillow = find_pillow()
    return (isinstance(x, np.ndarray) and x.ndim in (2, 3)) or (pillow is not None and isinstance(x, pillow.Image))


def pixels(name: str, pic: Any) -> Array:
    """The values of a picture, (H, W) or (H, W, C).  Raises DTypeError for what is none, ShapeError for dimensions."""
    pillow = find_pillow()
    if pillow is not None and isinstance(pic, pillow.Image):
        array = np.array(pic)
        array = array.astype(np.uint8) * 255 if array.dtype == bool else array
        return array.astype(np.int32) if array.dtype == np.uint16 else array
    if not isinstance(pic, np.ndarray):
        raise DTypeError(f"{name}: pic should be PIL Image or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ShapeError(f"{name}: pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    return pic


def opened(name: str, img: Any) -> tuple[Tensor, Callable[[Tensor], Any]]:
    """(the image as a tensor (…, C, H, W), what turns such a tensor back into the kind of image that came)."""
    if isinstance(img, Tensor):
        if img.ndim < 2:
            raise ShapeError(f"{name}: expected an image (..., H, W) or (..., C, H, W), got {tuple(img.shape)}.")
        return img, lambda image: image
    if not is_picture(img):
        raise DTypeError(
            f"{name}: expected an image, got {type(img).__name__}. Images are tensors (..., C, H, W), PIL images, and "
            "arrays (H, W) or (H, W, C)."
        )
    mode = getattr(img, "mode", None)
    if mode is not None and mode not in MODES:
        raise DTypeError(f"{name}: PIL images of mode {mode!r} are not supported. Convert it: img.convert('RGB').")
    array = pixels(name, img)
    image = from_numpy(np.ascontiguousarray(array if array.ndim == 3 else array[:, :, None])).permute(2, 0, 1)
    return image, lambda changed: _closed(changed, mode, array.ndim)


def _closed(image: Tensor, mode: str | None, ndim: int) -> Any:
    array = np.ascontiguousarray(image.detach().permute(1, 2, 0).numpy())
    if array.shape[2] == 1 and (ndim == 2 or mode is not None):
        array = array[:, :, 0]
    if mode is None:
        return array
    pillow = find_pillow()
    if mode == "1":
        return pillow.fromarray(array > 127)
    return pillow.fromarray(array.astype(MODES[mode]))


def on_pictures(function: Callable[Concatenate[Tensor, P], Tensor]) -> Callable[Concatenate[Any, P], Any]:
    """Let a function of a tensor (…, C, H, W) take every kind of image and give back the kind that came."""

    @functools.wraps(function)
    def with_pictures(img: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
        if isinstance(img, Tensor) and img.ndim >= 2:
            return function(img, *args, **kwargs)
        image, back = opened(function.__name__, img)
        return back(function(image, *args, **kwargs))

    return cast(Callable[Concatenate[Any, P], Any], with_pictures)
