"""Attention: each query takes the mean of the values, weighted by how well their keys fit it (Vaswani et al., 2017)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nanograd.kernels import normalize as k
from nanograd.ops.activation import expect_curve
from nanograd.ops.creation import ones
from nanograd.ops.normalization import softmax
from nanograd.ops.op import op, record

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__: list[str] = []


@op
def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, is_causal: bool = False, scale: float = 1.0
) -> Tensor:
    """y = softmax(q kᵀ · scale + mask) v: q (…, L, E), k (…, S, E), v (…, S, V) → (…, L, V)

    ``mask`` (…, L, S) of floats is added, of truth values allows; ``is_causal`` lets query i see keys 0 … i.
    """
    return attention_weights(query, key, mask, is_causal, scale) @ value


@op
def attention_weights(
    query: Tensor, key: Tensor, mask: Tensor | None = None, is_causal: bool = False, scale: float = 1.0
) -> Tensor:
    """w = softmax(q kᵀ · scale + mask) over the keys: (…, L, S); 0 where a query may see no key at all."""
    if mask is None:
        return scaled_softmax(query @ key.mT, scale, is_causal)
    scores = attention_scores(query, key, mask, is_causal, scale)
    if not scores.array.size:
        return scores
    blind = ~mask.any(-1, True) if mask.array.dtype.kind == "b" else mask.detach().amax(-1, True) == -math.inf
    if not bool(blind.any()):
        return softmax(scores, -1)
    return softmax(scores.masked_fill(blind, 0.0), -1).masked_fill(blind, 0.0)  # softmax of -∞ alone is NaN


@op("Softmax")
def scaled_softmax(scores: Tensor, scale: float = 1.0, is_causal: bool = False) -> Tensor:
    """w = softmax(s · scale) over the last dimension; ``is_causal`` leaves 0 … i of row i, and 0 after them."""
    expect_curve("softmax", scores)
    if not scores.array.size:
        return scores * scale
    y = k.attention_weights(scores.array, scale, is_causal)
    return record(y, (scores, lambda g, y: scaled_softmax_grad(g, y, scale)))


@op("SoftmaxBackwardData")
def scaled_softmax_grad(g: Tensor, y: Tensor, scale: float) -> Tensor:
    """scale · y (g - Σ g y): what flows back through y = softmax(s · scale)."""
    return record(
        k.attention_weights_grad(g.array, y.array, scale),
        (g, lambda h: scaled_softmax_grad(h, y, scale)),
        (y, lambda h: scale * (h * (g - (g * y).sum(-1, True)) - g * (h * y).sum(-1, True))),
    )


def attention_scores(query: Tensor, key: Tensor, mask: Tensor | None, is_causal: bool, scale: float) -> Tensor:
    """s = q kᵀ · scale + mask: (…, L, S); -∞ where a truth value forbids."""
    scores = (query * scale) @ key.mT
    if is_causal:
        scores = scores.masked_fill(~causal_mask(query, key), -math.inf)
    if mask is None:
        return scores  # type: ignore[no-any-return]
    masked: Tensor = scores.masked_fill(~mask, -math.inf) if mask.array.dtype.kind == "b" else scores + mask
    return masked


def causal_mask(query: Tensor, key: Tensor) -> Tensor:
    """True where key j is not after query i: j ≤ i; (L, S)."""
    size = query.array.shape[-2], key.array.shape[-2]
    lower: Tensor = ones(size, device=query.device).tril() > 0
    return lower
