"""How far a prediction is from its target."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.nn.functional.activation import logsigmoid, softplus
from nanograd.nn.functional.distance import pairwise_distance
from nanograd.nn.functional.warned import outside
from nanograd.ops import losses as ops
from nanograd.ops.comparison import minimum, where
from nanograd.ops.creation import full_like, zeros_like
from nanograd.ops.normalization import cross_entropy, legacy, nll_loss, reduced
from nanograd.ops.op import Number, titled
from nanograd.ops.special import xlogy
from nanograd.tensors import Tensor

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy",
    "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss",
    "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
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
    """loss = mean of d²/(2β) where d = |x - t| < β, of d - β/2 elsewhere."""
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
    """loss = mean of d²/2 where d = |x - t| < δ, of δ (d - δ/2) elsewhere."""
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
    the least variance.  Raises ValueError for negative variances and other shapes.
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


# Of margins


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """loss = mean of ln(1 + e^(-t x)), targets t of -1 and 1."""
    losses = softplus(-target * input, threshold=math.inf)
    loss = reduced(losses, legacy(size_average, reduce, reduction), "soft_margin_loss")
    return titled(loss, "SoftMarginLossBackward0")


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of -(t ln σ(x) + (1 - t) ln σ(-x)) over classes, the last dimension, and then over samples."""
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    losses = losses if weight is None else losses * weight
    return reduced(
        losses.sum(-1) / losses.array.shape[-1],
        legacy(size_average, reduce, reduction),
        "multilabel_soft_margin_loss",
    )


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of x where t = 1, of max(0, margin - x) where t = -1: distances x of pairs alike and unlike."""
    unlike = where(target != 1, (margin - input).clamp_min(0), 0.0)
    losses = unlike + where(target != -1, input, 0.0)
    return reduced(losses, legacy(size_average, reduce, reduction), "hinge_embedding_loss")


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of max(0, margin - t (x1 - x2)): x1 is to be above x2 where t = 1, below where t = -1."""
    if not input1.array.ndim == input2.array.ndim == target.array.ndim:
        raise ShapeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    losses = (-target * (input1 - input2) + margin).clamp_min(0)
    return reduced(losses, legacy(size_average, reduce, reduction), "margin_ranking_loss")


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of w[t] Σ_{c≠t} max(0, margin - x[t] + x[c])ᵖ / C, scores x (N, C) or (C,), classes t (N,) or ()."""
    if p not in (1, 2):
        raise ShapeError(f"multi_margin_loss: only p == 1 and p == 2 supported, got {p}")
    single = input.array.ndim < 2
    x, t = (input.reshape(1, -1), target.reshape(-1)) if single else (input, target)
    if x.array.ndim != 2 or t.array.shape != x.array.shape[:1]:
        raise ShapeError(
            f"multi_margin_loss: inconsistent target size, got: {list(target.array.shape)} for an input of shape "
            f"{list(input.array.shape)}: expected (N, C) and (N,), or (C,) and ()."
        )
    _check_classes("multi_margin_loss", t, x.array.shape[1])
    places = t.unsqueeze(1)
    away = (margin - x.gather(1, places) + x).clamp_min(0)
    losses = (away if p == 1 else away * away).scatter(1, places, 0.0)
    losses = losses if weight is None else losses * weight[t].unsqueeze(1)
    losses = losses.sum(1) / x.array.shape[1]
    losses = losses.squeeze(0) if single and not target.array.ndim else losses
    loss = reduced(losses, legacy(size_average, reduce, reduction), "multi_margin_loss")
    return titled(loss, "MultiMarginLossBackward0")


def _check_classes(name: str, t: Tensor, classes: int, least: int = 0) -> None:
    if t.array.dtype.kind not in "iu":
        raise DTypeError(f"{name}: expected class numbers of torch.int64, got {t.dtype}. Use target.long().")
    if t.array.size and (int(t.amin()) < least or int(t.amax()) >= classes):
        raise ShapeError(f"{name}: target out of range: expected class numbers from {least} to {classes - 1}.")


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """loss = mean of Σ_{i, j} max(0, 1 - (x[t[j]] - x[i])) / C, over labels t[j] up to the first -1, and i no label.

    Shapes: scores x (N, C) or (C,), labels t alike.
    """
    if input.array.shape != target.array.shape or not 1 <= input.array.ndim <= 2:
        raise ShapeError(
            f"multilabel_margin_loss: inconsistent target size: {list(target.array.shape)} for an input of shape "
            f"{list(input.array.shape)}: expected (N, C) or (C,) for both."
        )
    single = input.array.ndim == 1
    x, t = (input.unsqueeze(0), target.unsqueeze(0)) if single else (input, target)
    classes = x.array.shape[1]
    _check_classes("multilabel_margin_loss", t, classes, -1)
    named = ((t < 0).long().cumsum(1) == 0).to(x.dtype)  # (N, C): this place holds a label
    places = where(named > 0, t, 0)
    label = zeros_like(x.detach()).scatter_reduce(1, places, named, "amax")  # (N, C): this class is a label
    away = (1 - x.gather(1, places).unsqueeze(2) + x.unsqueeze(1)).clamp_min(0)  # (N, labels, classes)
    losses = (away * named.unsqueeze(2) * (1 - label).unsqueeze(1)).sum((1, 2)) / classes
    losses = losses.squeeze(0) if single else losses
    loss = reduced(losses, legacy(size_average, reduce, reduction), "multilabel_margin_loss")
    return titled(loss, "MultilabelMarginLossBackward0")


# Of distances


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of max(0, margin + ‖a - p‖ - ‖a - n‖): (N, D) each, or (D,).

    With ``swap`` the negative's distance is the lesser of those to the anchor and to the positive.
    """
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda a, b: pairwise_distance(a, b, p, eps),
        margin=margin,
        swap=swap,
        reduction=legacy(size_average, reduce, reduction),
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of max(0, margin + d(a, p) - d(a, n)) for any distance d.  Raises ValueError for margin ≤ 0."""
    if not margin > 0:
        raise ShapeError(f"margin must be greater than 0, got {margin}")
    if not anchor.array.ndim == positive.array.ndim == negative.array.ndim:
        raise ShapeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.array.ndim}D, positive {positive.array.ndim}D, and negative {negative.array.ndim}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    far = minimum(far, distance(positive, negative)) if swap else far
    return reduced((margin + near - far).clamp_min(0), reduction, "triplet_margin_loss")


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = mean of 1 - cos(a, b) where t = 1, of max(0, cos(a, b) - margin) where t = -1.

    Shapes: a, b (N, D) with t (N,), or (D,) with ().
    """
    ndim = input1.array.ndim
    if target.array.ndim not in (0, 1) or ndim != target.array.ndim + 1 or ndim != input2.array.ndim:
        expected = "0D or 1D target tensors" if target.array.ndim > 1 else f"{target.array.ndim}D target tensor"
        raise ShapeError(
            f"cosine_embedding_loss: {expected} expects inputs of one dimension more, got input sizes {input1.shape} "
            f"and {input2.shape} and target size {target.shape}."
        )
    squares = ((input1 * input1).sum(-1) + 1e-12) * ((input2 * input2).sum(-1) + 1e-12)
    cos = (input1 * input2).sum(-1) / squares.sqrt()
    losses = where(target == 1, 1 - cos, 0.0) + where(target == -1, (cos - margin).clamp_min(0), 0.0)
    return reduced(losses, legacy(size_average, reduce, reduction), "cosine_embedding_loss")
