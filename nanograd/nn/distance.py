"""Distances as modules; what they compute stands in ``nn.functional``."""

from __future__ import annotations

from typing import ClassVar

from nanograd.nn import functional as F
from nanograd.nn.module import Module
from nanograd.tensors import Tensor

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """y = ‖a - b + eps‖ₚ over the last dimension          a, b (N, D) or (D,)"""

    _function: ClassVar[str] = "nn.functional.pairwise_distance(x1, x2)"

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """‖a - b + eps‖ₚ"""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """y = a · b / (max(‖a‖, eps) max(‖b‖, eps)) along ``dim``          a, b of shapes that broadcast"""

    _function: ClassVar[str] = "nn.functional.cosine_similarity(x1, x2)"

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The cosine of the angle."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
