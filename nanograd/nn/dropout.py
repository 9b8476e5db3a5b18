"""Layers that drop parts of their input in training, and nothing in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nanograd.nn import functional as F
from nanograd.nn.functional.dropout import check_probability
from nanograd.nn.module import Module
from nanograd.tensors import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    _drop: ClassVar[Callable[..., Any]]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """The input, with parts dropped in training."""
        return type(self)._drop(input, self.p, self.training, self.inplace)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """y = x m / (1 - p) in training, m = 0 with probability p, else 1; y = x in evaluation.

    Raises ValueError for p outside [0, 1].
    """

    _function: ClassVar[str] = "nn.functional.dropout(x)"
    _drop = F.dropout


class Dropout1d(_Dropout):
    """As Dropout, of whole channels          x (N, C, L) or (C, L)"""

    _function: ClassVar[str] = "nn.functional.dropout1d(x)"
    _drop = F.dropout1d


class Dropout2d(_Dropout):
    """As Dropout, of whole channels          x (N, C, H, W)"""

    _function: ClassVar[str] = "nn.functional.dropout2d(x)"
    _drop = F.dropout2d


class Dropout3d(_Dropout):
    """As Dropout, of whole channels          x (N, C, D, H, W) or (C, D, H, W)"""

    _function: ClassVar[str] = "nn.functional.dropout3d(x)"
    _drop = F.dropout3d


class AlphaDropout(_Dropout):
    """As Dropout, for SELU: what is dropped becomes SELU's least value, and the mean and the variance are kept."""

    _function: ClassVar[str] = "nn.functional.alpha_dropout(x)"
    _drop = F.alpha_dropout


class FeatureAlphaDropout(_Dropout):
    """As AlphaDropout, of whole channels          x (N, C, …)"""

    _function: ClassVar[str] = "nn.functional.feature_alpha_dropout(x)"
    _drop = F.feature_alpha_dropout
