"""Losses as modules; what they compute stands in ``nn.functional`` and ``ops.normalization``."""

from __future__ import annotations

from typing import Any, ClassVar

from nanograd.nn import functional as F
from nanograd.nn.module import Module
from nanograd.ops.normalization import legacy
from nanograd.tensors import Tensor

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CrossEntropyLoss", "GaussianNLLLoss", "HuberLoss", "KLDivLoss",
    "L1Loss", "MSELoss", "NLLLoss", "PoissonNLLLoss", "SmoothL1Loss",
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
