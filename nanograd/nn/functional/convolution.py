"""Windows that slide over signals and images, and the linear map."""

from __future__ import annotations

from nanograd.ops.convolution import conv2d
from nanograd.ops.linalg import linear

__all__ = ["conv2d", "linear"]
