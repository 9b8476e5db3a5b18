"""Losses as modules; what they compute stands in ``nn.functional`` and ``ops.normalization``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nanograd.nn import functional as F
from nanograd.nn.distance import PairwiseDistance
from nanograd.nn.module import Module
from nanograd.ops.normalization import legacy
from nanograd.tensors import Tensor

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "GaussianNLLLoss",
    "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "MarginRankingLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss",
    "TripletMarginLoss", "TripletMarginWithDistanceLoss",
]  # fmt: skip


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


class HuberLoss(_Loss):
    """loss = mean of d²/2 where d = |x - t| < δ, of δ (d - δ/2) elsewhere          x, t of one shape"""

    _function: ClassVar[str] = "nn.functional.huber_loss(output, target)"

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of d²/2, or δ (d - δ/2)"""
        return F.huber_loss(input, target, self.reduction, self.delta)


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
        return F.cross_entropy(
            input, target, self.weight, None, self.ignore_index, None, self.reduction, self.label_smoothing
        )


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
        return F.nll_loss(input, target, self.weight, None, self.ignore_index, None, self.reduction)


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


# Of distributions


class KLDivLoss(_Loss):
    """loss = mean of t (ln t - x)          log-probabilities x and probabilities t of one shape

    reduction="batchmean" gives the divergence itself; see ``F.kl_div``.
    """

    _function: ClassVar[str] = "nn.functional.kl_div(output, target)"

    def __init__(
        self, size_average: Any = None, reduce: Any = None, reduction: str = "mean", log_target: bool = False
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """mean of t (ln t - x)"""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(_Loss):
    """loss = mean of eˣ - t x          logarithms x of rates, counts t of one shape"""

    _function: ClassVar[str] = "nn.functional.poisson_nll_loss(output, target)"

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: Any = None,
        eps: float = 1e-8,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """mean of eˣ - t x"""
        return F.poisson_nll_loss(log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(_Loss):
    """loss = mean of (ln v + (x - t)²/v) / 2          means x, targets t and variances v"""

    _function: ClassVar[str] = "nn.functional.gaussian_nll_loss(output, target, var)"

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """mean of (ln v + (x - t)²/v) / 2"""
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class CTCLoss(_Loss):
    """loss = -ln Σ of the chances of all paths that spell the target          log-probabilities (T, N, C)

    See ``F.ctc_loss``.
    """

    _function: ClassVar[str] = "nn.functional.ctc_loss(log_probs, targets, input_lengths, target_lengths)"

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        """-ln Σ of the chances of all paths"""
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


# Of margins


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
    """loss = mean of Σ_{c≠t} max(0, margin - x[t] + x[c])ᵖ / C          scores x (N, C), class numbers t (N,)"""

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
    """loss = mean of max(0, margin + ‖a - p‖ - ‖a - n‖)          anchors, positives and negatives (N, D)"""

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
