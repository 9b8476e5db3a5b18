"""Rows of a table by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanograd.errors import DTypeError
from nanograd.kernels import embedding as k
from nanograd.ops.comparison import where
from nanograd.ops.op import op, record

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["embedding"]


@op
def embedding(weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False) -> Tensor:
    """y = weight[i]: a table (N, …) and indices (…) in [0, N); the row ``padding_idx`` gets no gradient.

    ``scale_grad_by_freq`` divides the gradient of a row by how often its number occurs.  Raises DTypeError for indices
    that are not integers, IndexError outside [0, N).
    """
    if not hasattr(indices, "array") or indices.array.dtype.char not in "il":
        given = getattr(indices, "dtype", type(indices).__name__)
        raise DTypeError(
            "embedding: expected indices as a tensor with one of the following scalar types: Long, Int; but got "
            f"{given}. Use input.long()."
        )
    rows = weight.array.shape[0]
    return record(
        k.embedding(weight.array, indices.array),
        (weight, lambda g: embedding_grad(g, indices, rows, padding_idx, scale_grad_by_freq)),
    )


@op("EmbeddingDenseBackward")
def embedding_grad(g: Tensor, indices: Tensor, rows: int, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    """Zeros (rows, …) to which g is added at ``indices``: the adjoint of ``embedding``."""

    def back(h: Tensor) -> Tensor:
        y = embedding(h, indices)
        spread = (1,) * (h.array.ndim - 1)
        if scale_grad_by_freq:
            counts = indices.flatten().bincount(minlength=rows).to(h.dtype)
            y = y / embedding(counts, indices).reshape(*indices.array.shape, *spread)
        return where((indices == padding_idx).reshape(*indices.array.shape, *spread), 0.0, y)

    return record(k.embedding_grad(g.array, indices.array, rows, padding_idx, scale_grad_by_freq), (g, back))
