"""How far a prediction is from its target."""

from __future__ import annotations

import warnings
from typing import Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.nn.functional.activation import logsigmoid
from nanograd.nn.functional.warned import outside
from nanograd.ops.comparison import where
from nanograd.ops.normalization import cross_entropy, nll_loss, reduced
from nanograd.ops.op import titled
from nanograd.tensors import Tensor

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "l1_loss", "mse_loss", "nll_loss",
    "smooth_l1_loss",
]  # fmt: skip


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """loss = mean of (x - t)² over all elements; "sum" adds up, "none" leaves them.

    Warns where the shapes differ: they broadcast, which is seldom meant.
    """
    _warn_sizes("mse_loss", input, target)
    away = input - target
    losses = away * away
    losses = losses if weight is None else losses * weight
    return titled(reduced(losses, legacy(size_average, reduce, reduction), "mse_loss"), "MseLossBackward0")


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
    losses = (input - target).abs()
    return reduced(losses if weight is None else losses * weight, legacy(size_average, reduce, reduction), "l1_loss")


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
        raise ValueError(f"smooth_l1_loss: expected beta of 0 or more, got {beta}.")
    _warn_sizes("smooth_l1_loss", input, target)
    away = input - target
    d = away.abs()
    losses = where(d < beta, away * away * (0.5 / beta if beta else 0.0), d - 0.5 * beta)
    return reduced(losses, legacy(size_average, reduce, reduction), "smooth_l1_loss")


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


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = -(t ln x + (1 - t) ln(1 - x)) of probabilities x in [0, 1]; logarithms are never below -100.

    Raises ShapeError for different shapes, ValueError for x outside [0, 1].  For scores use
    ``binary_cross_entropy_with_logits``.
    """
    _same_sizes("binary_cross_entropy", input, target)
    if not bool(((input >= 0) & (input <= 1)).all()):
        raise ShapeError(
            "binary_cross_entropy: all elements of input should be between 0 and 1: apply torch.sigmoid first, or use "
            "binary_cross_entropy_with_logits."
        )
    losses = -(target * _log_above(input) + (1 - target) * _log_above(1 - input))
    losses = losses if weight is None else losses * weight
    loss = reduced(losses, legacy(size_average, reduce, reduction), "binary_cross_entropy")
    return titled(loss, "BinaryCrossEntropyBackward0")


def _log_above(x: Tensor) -> Tensor:
    """ln x, but at least -100."""
    y: Tensor = where(x > 0, where(x > 0, x, 1.0).log().clamp(min=-100.0), -100.0)
    return y


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
    if x.array.shape != t.array.shape:
        raise ShapeError(
            f"{name}: Target size ({t.shape}) must be the same as input size ({x.shape}). "
            "Use target.unsqueeze(1) or output.squeeze(1) where one has a dimension more."
        )
    if t.array.dtype.kind != "f":
        raise DTypeError(f"{name}: expected a floating-point target, got {t.dtype}. Use target.float().")


def legacy(size_average: Any, reduce: Any, reduction: str) -> str:
    """The reduction that torch's old arguments ``size_average`` and ``reduce`` ask for, where they are given."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"
