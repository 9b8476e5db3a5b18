"""How far a prediction is on the wrong side of a margin, and distances that are to be near or far."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.nn.functional.activation import logsigmoid, softplus
from nanograd.nn.functional.distance import pairwise_distance
from nanograd.ops.comparison import minimum, where
from nanograd.ops.creation import zeros_like
from nanograd.ops.normalization import legacy, reduced
from nanograd.ops.op import titled
from nanograd.tensors import Tensor

__all__ = [
    "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "soft_margin_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip


# Of margins


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """loss = mean of ln(1 + e^(-t x)), targets t of -1 and 1."""
    losses = softplus(-(target * input), threshold=math.inf)
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
    """loss = mean of max(0, margin - t (x1 - x2)): x1 is to be above x2 where t = 1, below where t = -1.

    Raises ShapeError where the numbers of dimensions differ.
    """
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
    """loss = mean of w[t] Σ_{c≠t} max(0, margin - x[t] + x[c])ᵖ / C, scores x (N, C) or (C,), classes t (N,) or ().

    Raises ShapeError for another p, and for a target of another shape.
    """
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
