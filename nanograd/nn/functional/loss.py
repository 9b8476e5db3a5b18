"""How far a prediction is from its target."""

from __future__ import annotations

import math
import warnings
from typing import Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.nn.functional.activation import logsigmoid
from nanograd.ops import losses as ops
from nanograd.ops.comparison import where
from nanograd.ops.creation import full_like
from nanograd.ops.normalization import cross_entropy, legacy, nll_loss, reduced
from nanograd.ops.op import Number, titled
from nanograd.ops.special import xlogy
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "gaussian_nll_loss", "huber_loss",
    "kl_div", "l1_loss", "mse_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss",
]  # fmt: skip


# Of numbers


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """loss = mean of (x - t)² over all elements; "sum" adds up, "none" leaves them; ``weight`` scales each.

    Warns where the shapes differ: they broadcast, which is seldom meant.
    """
    _warn_sizes("mse_loss", input, target)
    reduction = legacy(size_average, reduce, reduction)
    if weight is None:
        return ops.squared_error(input, target, reduction)
    return _weighted("mse_loss", ops.squared_error(input, target, "none"), weight, reduction)


def _weighted(name: str, losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """The losses, scaled and reduced; the mean divides by the sum of the weights."""
    if weight is None:
        return reduced(losses, reduction, name)
    scaled = losses * _fitting(name, weight, losses)
    return scaled.sum() / weight.sum() if reduction == "mean" else reduced(scaled, reduction, name)


def _fitting(name: str, weight: Tensor, losses: Tensor) -> Tensor:
    """The weight.  Raises ShapeError unless there is one for each loss."""
    if weight.array.shape != losses.array.shape:
        raise ShapeError(f"{name}: Weights and input must have the same size, got {weight.shape} and {losses.shape}.")
    return weight


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """loss = mean of |x - t| over all elements."""
    _warn_sizes("l1_loss", input, target)
    return _weighted("l1_loss", (input - target).abs(), weight, legacy(size_average, reduce, reduction))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """loss = mean of d²/(2β) where d = |x - t| < β, of d - β/2 elsewhere.  Raises ShapeError for a negative beta."""
    if beta < 0:
        raise ShapeError(f"smooth_l1_loss does not support negative values for beta: got {beta}.")
    _warn_sizes("smooth_l1_loss", input, target)
    reduction = legacy(size_average, reduce, reduction)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    away = input - target
    d = away.abs()
    losses = where(d < beta, away * away * (0.5 / beta), d - 0.5 * beta)
    return titled(reduced(losses, reduction, "smooth_l1_loss"), "SmoothL1LossBackward0")


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """loss = mean of d²/2 where d = |x - t| < δ, of δ (d - δ/2) elsewhere.

    Raises ShapeError for a delta of 0 or less.
    """
    if not delta > 0:
        raise ShapeError(f"huber_loss does not support non-positive values for delta: got {delta}.")
    _warn_sizes("huber_loss", input, target)
    away = input - target
    d = away.abs()
    losses = where(d < delta, away * away * 0.5, (d - 0.5 * delta) * delta)
    if weight is None:
        return titled(reduced(losses, reduction, "huber_loss"), "HuberLossBackward0")
    return reduced(losses * _fitting("huber_loss", weight, losses), reduction, "huber_loss")


def _warn_sizes(name: str, x: Tensor, t: Tensor) -> None:
    if not (isinstance(x, Tensor) and isinstance(t, Tensor)):
        given = " and ".join(type(v).__name__ for v in (x, t))
        raise DTypeError(f"{name}: expected two tensors, got {given}. Use torch.tensor(...).")
    if x.array.shape == t.array.shape:
        return
    warnings.warn(
        f"Using a target size ({t.shape}) that is different to the input size ({x.shape}). This will likely lead to "
        "incorrect results due to broadcasting. Please ensure they have the same size: with (N, 1) and (N,) every "
        "prediction meets every target, (N, N) differences. Use target.unsqueeze(1), or output.squeeze(1).",
        stacklevel=outside(),
    )


# Of probabilities


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = -(t ln x + (1 - t) ln(1 - x)) of probabilities x in [0, 1]; logarithms are never below -100.

    Raises ShapeError for different shapes and for x outside [0, 1].  For scores use
    ``binary_cross_entropy_with_logits``.
    """
    _same_sizes("binary_cross_entropy", input, target)
    if target.array.dtype != input.array.dtype:
        raise DTypeError(
            f"binary_cross_entropy: Found dtype {target.dtype} but expected {input.dtype}: input and target must have "
            f"one dtype. Use target.to({input.dtype})."
        )
    if not bool(((input >= 0) & (input <= 1)).all()):
        raise ShapeError(
            "binary_cross_entropy: all elements of input should be between 0 and 1: apply torch.sigmoid first, or use "
            "binary_cross_entropy_with_logits."
        )
    losses = ops.binary_cross_entropy(input, target)
    losses = losses if weight is None else losses * weight
    loss = reduced(losses, legacy(size_average, reduce, reduction), "binary_cross_entropy")
    return titled(loss, "BinaryCrossEntropyBackward0")


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """loss = -(w t ln σ(x) + (1 - t) ln(1 - σ(x))) of scores x, computed without overflow; w is ``pos_weight``."""
    _same_sizes("binary_cross_entropy_with_logits", input, target)
    positive = 1.0 if pos_weight is None else 1 + (pos_weight - 1) * target
    losses = (1 - target) * input - positive * logsigmoid(input)
    losses = losses if weight is None else losses * weight
    loss = reduced(losses, legacy(size_average, reduce, reduction), "binary_cross_entropy_with_logits")
    return titled(loss, "BinaryCrossEntropyWithLogitsBackward0")


def _same_sizes(name: str, x: Tensor, t: Tensor) -> None:
    if not (isinstance(x, Tensor) and isinstance(t, Tensor)):
        given = " and ".join(type(v).__name__ for v in (x, t))
        raise DTypeError(f"{name}: expected two tensors, got {given}. Use torch.tensor(...).")
    if x.array.shape != t.array.shape:
        raise ShapeError(
            f"{name}: Target size ({t.shape}) must be the same as input size ({x.shape}). "
            "Use target.unsqueeze(1) or output.squeeze(1) where one has a dimension more."
        )
    if t.array.dtype.kind != "f":
        raise DTypeError(f"{name}: expected a floating-point target, got {t.dtype}. Use target.float().")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """loss = mean of t (ln t - x), x log-probabilities and t probabilities, or their logarithms with ``log_target``.

    reduction="batchmean" divides the sum by the size of the first dimension: the divergence itself; "mean", by the
    number of elements.
    """
    reduction = legacy(size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition. 'mean' will be changed to behave the "
            "same as 'batchmean' in the next major release.",
            stacklevel=outside(),
        )
    losses = target.exp() * (target - input) if log_target else xlogy(target, target) - target * input
    if reduction != "batchmean":
        return reduced(losses, reduction, "kl_div")
    return losses.sum() / input.array.shape[0] if input.array.ndim else losses.sum()


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of eˣ - t x, counts t with rate eˣ; or of x - t ln(x + eps) where the input is the rate itself.

    ``full`` adds what does not depend on x, t ln t - t + ln(2πt)/2 where t > 1 (Stirling).
    """
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        t = where(target > 1, target, 1.0)
        losses = losses + where(target > 1, t * t.log() - t + 0.5 * (2 * math.pi * t).log(), 0.0)
    return reduced(losses, legacy(size_average, reduce, reduction), "poisson_nll_loss")


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | Number,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of (ln v + (x - t)²/v) / 2, v the predicted variance, at least eps; ``full`` adds ln(2π)/2.

    Shapes: x and t alike; var alike, with a last dimension of 1, or without the last dimension.  No gradient knows of
    the least variance.  Raises ValueError for negative variances, and for a var of another shape.
    """
    v = full_like(input, var) if isinstance(var, (int, float)) else var
    if bool((v < 0).any()):
        raise ValueError("gaussian_nll_loss: var has negative entry/entries: variances are 0 or more.")
    v = _variances(v, input)
    clamped = v + (v.detach().clamp(min=eps) - v.detach())
    losses = 0.5 * (clamped.log() + (input - target) ** 2 / clamped)
    losses = losses + 0.5 * math.log(2 * math.pi) if full else losses
    return reduced(losses, reduction, "gaussian_nll_loss")


def _variances(v: Tensor, x: Tensor) -> Tensor:
    have, want = tuple(v.array.shape), tuple(x.array.shape)
    if have == want:
        return v
    if have == want[:-1]:
        return v.unsqueeze(-1)
    if len(have) == len(want) and sum(n for m, n in zip(want, have, strict=True) if m != n) == 1:
        return v
    raise ValueError(
        f"gaussian_nll_loss: var is of incorrect size: got {have} for an input of shape {want}; expected {want}, "
        f"{want[:-1]} or one with a dimension of size 1."
    )
