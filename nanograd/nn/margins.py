"""Losses of margins and distances as modules; what they compute stands in ``nn.functional``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nanograd.nn import functional as F
from nanograd.nn.distance import PairwiseDistance
from nanograd.nn.losses import _Loss, _WeightedLoss
from nanograd.tensors import Tensor

__all__ = [
    "CosineEmbeddingLoss", "HingeEmbeddingLoss", "MarginRankingLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "SoftMarginLoss", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]  # fmt: skip


class SoftMarginLoss(_Loss):
    """loss = mean of ln(1 + e^(-t x))          scores x, targets t of -1 and 1, of one shape"""

    _function: ClassVar[str] = "nn.functional.soft_margin_loss(output, target)"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of ln(1 + e^(-t x))"""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """loss = mean of -(t ln σ(x) + (1 - t) ln σ(-x))          scores x and targets t of 0 and 1 (N, C)"""

    _function: ClassVar[str] = "nn.functional.multilabel_soft_margin_loss(output, target)"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of -(t ln σ(x) + (1 - t) ln σ(-x))"""
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """loss = mean of Σ max(0, 1 - (x[label] - x[other])) / C          scores x (N, C), labels t (N, C) up to a -1"""

    _function: ClassVar[str] = "nn.functional.multilabel_margin_loss(output, target)"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of Σ max(0, 1 - (x[label] - x[other])) / C"""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """loss = mean of Σ_{c≠t} max(0, margin - x[t] + x[c])ᵖ / C          scores x (N, C), class numbers t (N,)

    Raises ValueError for another p.
    """

    _function: ClassVar[str] = "nn.functional.multi_margin_loss(output, target)"

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"weight must be 1-dimensional, got {tuple(weight.shape)}")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of Σ_{c≠t} max(0, margin - x[t] + x[c])ᵖ / C"""
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class _MarginLoss(_Loss):
    def __init__(
        self, margin: float = 0.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class HingeEmbeddingLoss(_MarginLoss):
    """loss = mean of x where t = 1, of max(0, margin - x) where t = -1          distances x, t of one shape"""

    _function: ClassVar[str] = "nn.functional.hinge_embedding_loss(output, target)"

    def __init__(
        self, margin: float = 1.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of x, or max(0, margin - x)"""
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(_MarginLoss):
    """loss = mean of max(0, margin - t (x1 - x2))          x1, x2 and t of -1 and 1, of one shape"""

    _function: ClassVar[str] = "nn.functional.margin_ranking_loss(x1, x2, target)"

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """mean of max(0, margin - t (x1 - x2))"""
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_MarginLoss):
    """loss = mean of 1 - cos(a, b) where t = 1, of max(0, cos(a, b) - margin) where t = -1

    Shapes: a, b (N, D) and t (N,), or (D,) and ().
    """

    _function: ClassVar[str] = "nn.functional.cosine_embedding_loss(x1, x2, target)"

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """mean of 1 - cos(a, b), or max(0, cos(a, b) - margin)"""
        return F.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """loss = mean of max(0, margin + ‖a - p‖ - ‖a - n‖)          anchors, positives and negatives (N, D)

    Raises ValueError for a margin of 0 or less.
    """

    _function: ClassVar[str] = "nn.functional.triplet_margin_loss(anchor, positive, negative)"

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if not margin > 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """mean of max(0, margin + ‖a - p‖ - ‖a - n‖)"""
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(_Loss):
    """loss = mean of max(0, margin + d(a, p) - d(a, n)) for any distance d          anchors, positives and negatives"""

    _function: ClassVar[str] = "nn.functional.triplet_margin_with_distance_loss(anchor, positive, negative)"

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if not margin > 0:
            raise ValueError(
                f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead"
            )
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """mean of max(0, margin + d(a, p) - d(a, n))"""
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
