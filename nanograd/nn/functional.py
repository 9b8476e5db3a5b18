"""The plain functions behind the layers: ``nn.functional``, usually imported as ``F``.

What stands here is a composition of operations; the operations themselves come from ``nanograd.ops``.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.ops.arithmetic import relu, sigmoid, tanh, where
from nanograd.ops.convolution import conv2d, max_pool2d
from nanograd.ops.creation import arange, full, rand_like
from nanograd.ops.indexing import index_select
from nanograd.ops.linalg import linear
from nanograd.ops.normalization import cross_entropy, log_softmax, nll_loss, reduced, softmax
from nanograd.ops.op import in_place, titled
from nanograd.tensors import Tensor

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "conv2d", "cross_entropy", "dropout", "elu",
    "embedding", "gelu", "l1_loss", "leaky_relu", "linear", "log_softmax", "logsigmoid", "max_pool2d", "mse_loss",
    "nll_loss", "normalize", "one_hot", "pad", "relu", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softplus",
    "tanh",
]  # fmt: skip


# Activations


def relu_(input: Tensor) -> Tensor:
    """``relu``, written into the input."""
    return in_place(input, relu(input), "relu_")


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else negative_slope · x."""
    return _placed(input, where(input > 0, input, input * negative_slope), inplace, "leaky_relu_")


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else alpha (eˣ - 1)."""
    below = where(input > 0, 0.0, input)  # e¹⁰⁰⁰ is infinite, and its gradient would be NaN even where not chosen
    return _placed(input, where(input > 0, input, alpha * (below.exp() - 1)), inplace, "elu_")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x σ(x)"""
    return _placed(input, input * sigmoid(input), inplace, "silu_")


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """y = x Φ(x), Φ the normal distribution function (Hendrycks and Gimpel, 2016).

    ``approximate="tanh"``: y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
    """
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input)
        return 0.5 * input * (1 + tanh(inner))
    if approximate != "none":
        raise ValueError(f"gelu: expected approximate 'none' or 'tanh', got {approximate!r}.")
    raise MissingError("gelu: approximate='none' needs erf, which nanograd does not have yet. Use approximate='tanh'.")


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """y = ln(1 + e^(βx)) / β, computed without overflow; x itself where βx > threshold."""
    z = input * beta
    top = relu(z.detach())
    y = (top + ((-top).exp() + (z - top).exp()).log()) / beta
    chosen: Tensor = where(z > threshold, input, y)
    return chosen


def logsigmoid(input: Tensor) -> Tensor:
    """y = ln σ(x)"""
    return -softplus(-input, threshold=math.inf)


def _placed(x: Tensor, y: Tensor, inplace: bool, name: str) -> Tensor:
    return in_place(x, y, name) if inplace else y


# Regularization and scale


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """y = x m / (1 - p), m = 0 with probability p, else 1; x itself when not training.

    Raises ValueError for p outside [0, 1].
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    kept = (rand_like(input.detach()) >= p).to(input.dtype)
    return _placed(input, input * (kept / (1.0 - p) if p < 1.0 else kept), inplace, "dropout_")


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """y = x / max(‖x‖ₚ, eps) along ``dim``."""
    return input / input.norm(p, dim, True).clamp(min=eps)


# Lookup


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """y = weight[i]: indices (…) and a table (N, D) → (…, D).  The row ``padding_idx`` gets no gradient.

    Raises DTypeError for indices that are not integers, IndexError outside [0, N).
    """
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise MissingError("embedding: max_norm, scale_grad_by_freq and sparse are not supported; leave them out.")
    if input.array.dtype.kind not in "iu":
        raise DTypeError(f"embedding: expected indices of torch.int64, got {input.dtype}. Use input.long().")
    rows = weight.array.shape[0]
    if input.array.size and not (int(input.amin()) >= 0 and int(input.amax()) < rows):
        worst = int(input.amax()) if int(input.amax()) >= rows else int(input.amin())
        raise IndexError(f"embedding: index out of range in self: got {worst}, the table has {rows} rows.")
    index = input.long()
    y = weight[index]
    if padding_idx is None:
        return y
    chosen: Tensor = where((index == padding_idx % rows).unsqueeze(-1), y.detach(), y)
    return chosen


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """y[…, c] = 1 where c is the class number, else 0: (…) → (…, C) int64.

    >>> F.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if tensor.array.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: expected class numbers of torch.int64, got {tensor.dtype}. Use tensor.long().")
    if not tensor.array.size:
        if num_classes < 1:
            raise ShapeError("one_hot: can not infer total number of classes from empty tensor. Pass num_classes.")
    else:
        low, high = int(tensor.amin()), int(tensor.amax())
        if low < 0:
            raise ShapeError(f"one_hot: Class values must be non-negative, got {low}.")
        if num_classes == -1:
            num_classes = high + 1
        if high >= num_classes:
            raise ShapeError(f"one_hot: Class values must be smaller than num_classes ({num_classes}), got {high}.")
    return (tensor.long().unsqueeze(-1) == arange(num_classes, device=tensor.device)).long()


# Padding


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Larger at the edges: ``pad`` names (before, after) of the last dimension, then of the one before it, and so on.

    mode "constant" fills with ``value``, "reflect" and "replicate" continue the edge, "circular" wraps around;
    negative numbers cut off.  Raises ShapeError for more pairs than dimensions.

    >>> F.pad(torch.ones(2), (1, 2))
    tensor([0., 1., 1., 0., 0.])
    """
    shape = input.array.shape
    if len(pad) % 2 or len(pad) > 2 * len(shape):
        raise ShapeError(f"pad: expected (before, after) for at most {len(shape)} dimensions, got {tuple(pad)}.")
    pairs = [(0, 0)] * (len(shape) - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    if mode == "constant":
        return _pad_constant(input, pairs, 0.0 if value is None else value)
    if mode not in _EDGES:
        raise ValueError(f"pad: expected mode 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}.")
    for d, (before, after) in enumerate(pairs):
        if before or after:
            input = index_select(input, d, _edge_index(mode, shape[d], before, after).to(input.device))
    return input


def _pad_constant(x: Tensor, pairs: list[tuple[int, int]], value: float) -> Tensor:
    for d, (before, after) in enumerate(pairs):
        start, end = max(-before, 0), x.array.shape[d] - max(-after, 0)
        if (start, end) != (0, x.array.shape[d]):
            x = x.narrow(d, start, end - start)
    added = [(max(before, 0), max(after, 0)) for before, after in pairs]
    sizes = tuple(before + n + after for n, (before, after) in zip(x.array.shape, added, strict=True))
    y = full(sizes, value, dtype=x.dtype, device=x.device)
    y[tuple(slice(before, before + n) for n, (before, _) in zip(x.array.shape, added, strict=True))] = x
    return y


_EDGES = ("reflect", "replicate", "circular")


def _edge_index(mode: str, n: int, before: int, after: int) -> Tensor:
    """For each place of the padded dimension, the place that it repeats."""
    limit = {"reflect": n - 1, "circular": n}.get(mode)
    if limit is not None and max(before, after) > limit:
        raise ShapeError(f"pad: {mode} can add at most {limit} to a dimension of size {n}, got ({before}, {after}).")
    i = arange(-before, n + after)
    if mode == "circular":
        return i % n
    if mode == "replicate":
        return i.clamp(0, n - 1)
    i = i.abs()
    y: Tensor = where(i > n - 1, 2 * (n - 1) - i, i)
    return y


# Losses


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
        stacklevel=_outside(),
    )


def _outside() -> int:
    """The stacklevel of a warning that points at the code which called this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("nanograd."):
        level, frame = level + 1, frame.f_back
    return level


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
