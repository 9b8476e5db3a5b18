"""The ways to find a value between pixels."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

__all__ = ["InterpolationMode", "to_interpolation"]


class InterpolationMode(enum.Enum):
    """How a value between pixels is found: the nearest pixel, or a weighted mean of 2 x 2 or of 4 x 4."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


_PILLOW = {0: "nearest", 2: "bilinear", 3: "bicubic"}  # the numbers of PIL.Image.NEAREST, ...


def to_interpolation(
    name: str, mode: Any, allowed: Sequence[str] = ("nearest", "nearest-exact", "bilinear", "bicubic")
) -> InterpolationMode:
    """The mode for itself, its word, or Pillow's number.  Raises ValueError for others."""
    word = mode.value if isinstance(mode, InterpolationMode) else mode
    word = _PILLOW.get(word, word) if isinstance(word, int) else word
    if word not in allowed:
        known = ", ".join(f"InterpolationMode.{InterpolationMode(w).name}" for w in allowed)
        raise ValueError(f"{name}: expected interpolation to be one of {known}, got {mode!r}.")
    return InterpolationMode(word)
