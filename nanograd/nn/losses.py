"""Losses as modules; what they compute stands in ``nn.functional`` and ``ops.normalization``."""

from __future__ import annotations

from typing import Any, ClassVar

from nanograd.nn import functional as F
from nanograd.nn.functional.loss import legacy
from nanograd.nn.module import Module
from nanograd.tensors import Tensor

__all__ = ["BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "L1Loss", "MSELoss", "NLLLoss", "SmoothL1Loss"]


class _Loss(Module):
    """A loss with a reduction: "mean", "sum" or "none"."""

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = legacy(size_average, reduce, reduction)


class _WeightedLoss(_Loss):
    """A loss with weights, kept as a buffer: they move with the module."""

    _tensors_at_init = 1
    weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """loss = mean of (x - t)²          x, t of one shape

    >>> nn.MSELoss()(torch.tensor([1., 2.]), torch.tensor([1., 4.]))
    tensor(2.)
    """

    _function: ClassVar[str] = "nn.functional.mse_loss(output, target)"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of (x - t)²"""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """loss = mean of |x - t|          x, t of one shape"""

    _function: ClassVar[str] = "nn.functional.l1_loss(output, target)"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of |x - t|"""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """loss = mean of d²/(2β) where d = |x - t| < β, of d - β/2 elsewhere"""

    _function: ClassVar[str] = "nn.functional.smooth_l1_loss(output, target)"

    def __init__(
        self, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of d²/(2β), or d - β/2"""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class CrossEntropyLoss(_WeightedLoss):
    """loss = mean of -ln softmax(x)[t]          scores x (N, C, …), class numbers t (N, …) or probabilities (N, C, …)

    Feed it scores: it takes the softmax itself.

    >>> nn.CrossEntropyLoss()(torch.tensor([[2., 0.]]), torch.tensor([0]))
    tensor(0.1269)
    """

    _function: ClassVar[str] = "nn.functional.cross_entropy(output, target)"

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of -ln softmax(x)[t]"""
        return F.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class NLLLoss(_WeightedLoss):
    """loss = mean of -x[t]          log-probabilities x (N, C, …), class numbers t (N, …)"""

    _function: ClassVar[str] = "nn.functional.nll_loss(output, target)"

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of -x[t]"""
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(_WeightedLoss):
    """loss = mean of -(t ln x + (1 - t) ln(1 - x))          probabilities x and targets t of one shape, in [0, 1]"""

    _function: ClassVar[str] = "nn.functional.binary_cross_entropy(output, target)"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of -(t ln x + (1 - t) ln(1 - x))"""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """loss = BCELoss of σ(x), computed without overflow          scores x, targets t in [0, 1] of one shape"""

    _function: ClassVar[str] = "nn.functional.binary_cross_entropy_with_logits(output, target)"
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of -(t ln σ(x) + (1 - t) ln(1 - σ(x)))"""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )
