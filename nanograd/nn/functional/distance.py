"""How far vectors are from each other, and how alike their directions are."""

from __future__ import annotations

from nanograd.errors import ShapeError
from nanograd.ops.broadcasting import broadcast_tensors
from nanograd.ops.diagonals import triu_indices
from nanograd.ops.kinds import expect_floats
from nanograd.ops.op import lift, titled
from nanograd.tensors import Tensor

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """y = a · b / (max(‖a‖, eps) max(‖b‖, eps)) along ``dim``: the cosine of the angle; the inputs broadcast.

    >>> F.cosine_similarity(torch.tensor([[1., 0.]]), torch.tensor([[1., 1.]]))
    tensor([0.7071])
    """
    a, b = lift(x1, x2)
    expect_floats("cosine_similarity", a)
    if a.array.shape != b.array.shape:
        a, b = broadcast_tensors(a, b)
    return ((a / _length(a, dim, eps)) * (b / _length(b, dim, eps))).sum(dim)


def _length(x: Tensor, dim: int, eps: float) -> Tensor:
    """max(‖x‖, eps) with the derivative of ‖x‖."""
    length = x.norm(2, dim, True)
    found = length.detach()
    return length + (found.clamp(min=eps) - found)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """y = ‖a - b + eps‖ₚ over the last dimension: (N, D) (N, D) → (N,); the inputs broadcast.

    >>> F.pairwise_distance(torch.tensor([[0., 0.]]), torch.tensor([[3., 4.]]))
    tensor([5.0000])
    """
    return titled((x1 - x2 + eps).norm(p, -1, keepdim), "NormBackward1")


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """y = ‖x[i] - x[j]‖ₚ for all i < j, row by row: (N, D) → (N (N - 1) / 2,).  Raises ShapeError for a negative p."""
    if input.array.ndim != 2:
        raise ShapeError(f"pdist only supports 2D tensors, got: {input.array.ndim}D")
    if p < 0:
        raise ShapeError(f"pdist only supports non-negative p values, got {p}")
    expect_floats("pdist", input)
    first, second = triu_indices(input.array.shape[0], input.array.shape[0], 1, device=input.device).unbind(0)
    return titled((input[first] - input[second]).norm(p, 1), "PdistBackward0")
