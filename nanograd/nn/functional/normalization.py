"""Inputs brought to one scale."""

from __future__ import annotations

from nanograd.ops.normalization import log_softmax, softmax
from nanograd.ops.standardize import layer_norm
from nanograd.tensors import Tensor

__all__ = ["layer_norm", "log_softmax", "normalize", "softmax"]


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """y = x / max(‖x‖ₚ, eps) along ``dim``."""
    return input / input.norm(p, dim, True).clamp(min=eps)
