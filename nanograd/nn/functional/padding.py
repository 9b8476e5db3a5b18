"""Larger at the edges."""

from __future__ import annotations

from collections.abc import Sequence

from nanograd.errors import ShapeError
from nanograd.ops.comparison import where
from nanograd.ops.creation import full
from nanograd.ops.placing import index_select
from nanograd.ops.ranges import arange
from nanograd.tensors import Tensor

__all__ = ["pad"]


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
