"""Parameters as tensors, and probabilities as logits and back."""

from __future__ import annotations

from typing import Any

from nanograd.dtypes import finfo
from nanograd.ops.broadcasting import broadcast_tensors
from nanograd.ops.creation import tensor
from nanograd.ops.normalization import softmax
from nanograd.settings import get_default_dtype
from nanograd.tensors import Tensor

__all__ = ["broadcast_all", "either", "logits_to_probs", "probs_to_logits"]


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of one shape; numbers take the dtype of the first tensor, or the default one."""
    given = [v for v in values if isinstance(v, Tensor)]
    for v in values:
        if not isinstance(v, (Tensor, int, float)):
            kind = type(v).__name__
            raise ValueError(f"Input arguments must all be instances of Number or torch.Tensor, got {kind}.")
    dtype = given[0].dtype if given else get_default_dtype()
    device = given[0].device if given else None
    return tuple(
        broadcast_tensors(*(v if isinstance(v, Tensor) else tensor(v, dtype=dtype, device=device) for v in values))
    )


def either(probs: Any, logits: Any) -> None:
    """Raises ValueError unless exactly one is given."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


def logits_to_probs(logits: Tensor, binary: bool = False) -> Tensor:
    """softmax along the last dimension; of ``binary`` ones sigmoid."""
    return logits.sigmoid() if binary else softmax(logits, -1)


def probs_to_logits(probs: Tensor, binary: bool = False) -> Tensor:
    """ln p, of ``binary`` ones ln p - ln(1 - p); p is kept away from 0 and 1 by the least step of its dtype."""
    eps = finfo(probs.dtype).eps
    p = probs.clamp(eps, 1 - eps)
    return p.log() - (-p).log1p() if binary else p.log()
