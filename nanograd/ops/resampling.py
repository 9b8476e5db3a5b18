"""Weighted sums over a few places along a dimension, and constant edges.

``resample`` with the rules of ``kernels/resample.py`` is what average pooling, interpolation and the edges that
continue have in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanograd.kernels import resample as k
from nanograd.kernels.resample import Along
from nanograd.ops.op import op, record

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["Along", "Edges", "constant_pad", "resample"]

Edges = tuple[tuple[int, int], ...]
"""(before, after) for each dimension"""


@op
def resample(x: Tensor, dims: tuple[Along, ...], back: bool = False) -> Tensor:
    """Each of ``dims`` in turn made a weighted sum over its places; with ``back``, the adjoint of that."""
    return record(k.resample(x.array, dims, back), (x, lambda g: resample(g, dims, not back)))


@op("ConstantPadNd")
def constant_pad(x: Tensor, edges: Edges, value: float) -> Tensor:
    """x with ``edges`` of ``value``; negative ones cut off."""
    other_way = tuple((-a, -b) for a, b in edges)
    return record(k.pad(x.array, edges, value, x.dtype), (x, lambda g: constant_pad(g, other_way, 0)))
