"""One number for each window."""

from __future__ import annotations

from nanograd.ops.convolution import max_pool2d

__all__ = ["max_pool2d"]
