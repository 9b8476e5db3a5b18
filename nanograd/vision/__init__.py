"""Images: data sets, transforms, files and grids, under torchvision's names."""

import sys
from typing import Any

from nanograd.errors import did_you_mean
from nanograd.vision import datasets, io, models, transforms, utils

__all__ = ["datasets", "io", "models", "transforms", "utils"]


def get_image_backend() -> str:
    """What reads image files: Pillow, where it is installed."""
    return "PIL"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return sys.modules["nanograd"].__version__
    hint = did_you_mean(name, __all__)
    raise AttributeError(f"module 'nanograd.vision' has no attribute {name!r}: nanograd does not have this name.{hint}")
