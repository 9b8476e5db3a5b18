"""Larger at the edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.ops.extents import expect_tensor
from nanograd.ops.kinds import is_truth
from nanograd.ops.op import titled
from nanograd.ops.resampling import Along, Edges, constant_pad, resample
from nanograd.tensors import Tensor

__all__ = ["pad"]

MODES = {"reflect": "ReflectionPad{}DBackward0", "replicate": "ReplicationPad{}DBackward0", "circular": "CopySlices"}
"""the edges that continue, and torch's names of their nodes"""


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Larger at the edges: ``pad`` names (before, after) of the last dimension, then of the one before it, and so on.

    mode "constant" fills with ``value``, "reflect" mirrors at the edge, "replicate" repeats it, "circular" goes on at
    the other end; negative numbers cut off.  All but "constant" take the last one, two or three dimensions of
    (N, C, …) or (C, …).  Raises ShapeError for numbers that do not fit, MissingError for other modes.

    >>> F.pad(torch.ones(2), (1, 2))
    tensor([0., 1., 1., 0., 0.])
    >>> F.pad(torch.tensor([[1., 2., 3.]]), (2, 1), "reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    """
    edges = _edges(input, pad)
    if mode == "constant":
        return _constant(input, edges, 0.0 if value is None else value)
    if mode not in MODES:
        raise MissingError(
            f"pad: Unrecognised padding mode {mode}: expected 'constant', 'reflect', 'replicate' or 'circular'."
        )
    if value is not None and value != 0:
        raise ShapeError(f'pad: Padding mode "{mode}" doesn\'t take in value argument, got value={value!r}.')
    return _continued(input, edges, len(pad) // 2, mode)


def _edges(x: Tensor, pad: Any) -> Edges:
    """(before, after) for each dimension, the first one first."""
    expect_tensor("pad", x)
    ndim = x.array.ndim
    if not isinstance(pad, Sequence) or not all(hasattr(n, "__index__") for n in pad):
        raise DTypeError(f"pad: expected pad as a tuple of ints, got {pad!r:.60}.")
    if len(pad) % 2:
        raise ShapeError(
            f"pad: Padding length must be divisible by 2: expected pairs (before, after), got {tuple(pad)}."
        )
    if len(pad) > 2 * ndim:
        raise ShapeError(
            "pad: Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {ndim}."
        )
    given = [(int(pad[i]), int(pad[i + 1])) for i in range(len(pad) - 2, -1, -2)]
    edges = (*((0, 0),) * (ndim - len(given)), *given)
    for d, (n, (a, b)) in enumerate(zip(x.array.shape, edges, strict=True)):
        if n + a + b < 0 or max(-a, -b) > n:
            raise ShapeError(
                f"pad: The input size {n}, plus negative padding {a} and {b}, resulted in a negative output size, "
                f"which is invalid: narrow(): length must be non-negative. Check dimension {d} of your input."
            )
    return edges


def _constant(x: Tensor, edges: Edges, value: Any) -> Tensor:
    if x.array.dtype.kind in "iu":
        _expect_room(x, value)
    return constant_pad(x, edges, bool(value) if is_truth(x) else value)


def _expect_room(x: Tensor, value: Any) -> None:
    bits, signed = 8 * x.array.itemsize, x.array.dtype.kind == "i"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if not low <= value <= high:  # so that NaN is refused too
        raise ShapeError(f"pad: value cannot be converted to type {x.dtype} without overflow: {value!r}.")


def _continued(x: Tensor, edges: Edges, count: int, mode: str) -> Tensor:
    shape = x.array.shape
    if count not in (1, 2, 3) or len(shape) not in (count + 1, count + 2):
        raise MissingError(
            f"pad: Padding size {2 * count} is not supported for {len(shape)}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    if mode != "circular" and is_truth(x):
        raise DTypeError(f"pad: mode {mode!r} takes numbers, got truth values (torch.bool). Use x.int() first.")
    if 0 in shape[len(shape) - count :] or (mode != "circular" and 0 in shape[len(shape) - count - 1 :]):
        raise ShapeError(
            f"pad: Expected {count + 1}D or {count + 2}D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {list(shape)}."
        )
    for d in range(len(shape) - count, len(shape)):
        _check_reach(shape, d, edges[d], mode, 2 * (len(shape) - d) + 2)
    dims = range(len(shape) - count, len(shape))
    y = resample(x, tuple(Along(d, mode, shape[d], shape[d] + sum(edges[d]), (edges[d][0],)) for d in dims))
    return titled(y, MODES[mode].format(count))


def _check_reach(shape: tuple[int, ...], d: int, edge: tuple[int, int], mode: str, argument: int) -> None:
    n = shape[d]
    if mode == "reflect" and max(edge) >= n:
        raise ShapeError(
            f"pad: Argument #{argument}: Padding size should be less than the corresponding input dimension, but got: "
            f"padding {edge} at dimension {d} of input {list(shape)}: reflect can add at most {n - 1}."
        )
    left = n - max(-edge[0], 0) - max(-edge[1], 0)
    if mode == "circular" and max(edge) > left:
        raise ShapeError(
            f"pad: Padding value causes wrapping around more than once: circular can add at most {left} to dimension "
            f"{d} of input {list(shape)}, got {edge}."
        )
    if mode != "circular" and n + sum(edge) < 1:
        raise ShapeError(
            f"pad: input ({'WHT'[len(shape) - 1 - d]}: {n}) is too small. Calculated output "
            f"{'WHT'[len(shape) - 1 - d]}: {n + sum(edge)}."
        )
