"""Chance as regularization."""

from __future__ import annotations

from nanograd.nn.functional.activation import placed
from nanograd.ops.creation import rand_like
from nanograd.tensors import Tensor

__all__ = ["dropout"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """y = x m / (1 - p), m = 0 with probability p, else 1; x itself when not training.

    Raises ValueError for p outside [0, 1].
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    kept = (rand_like(input.detach()) >= p).to(input.dtype)
    return placed(input, input * (kept / (1.0 - p) if p < 1.0 else kept), inplace, "dropout_")
