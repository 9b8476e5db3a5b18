"""Images read at given points: ``grid_sample``, and the grids of affine maps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.ops.comparison import where
from nanograd.ops.extents import expect_tensor
from nanograd.ops.joining import stack
from nanograd.ops.kinds import expect_floats
from nanograd.ops.op import same_device, titled
from nanograd.ops.ranges import arange
from nanograd.ops.scattering import gather

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["affine_grid", "grid_sample"]

Taps = list[tuple[Any, Any]]
"""(whole places along one dimension, their weights), each (N, L)"""


def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """y[n, c, i, j] = x[n, c] at the point grid[n, i, j] = (across, down), each from -1 to 1.

    Shapes: x (N, C, H, W), grid (N, OH, OW, 2) → (N, C, OH, OW); or x (N, C, D, H, W), grid (N, OD, OH, OW, 3).
    -1 and 1 are the edges of the image, with ``align_corners`` the middles of the pixels there.  ``mode`` "bilinear",
    "nearest" or "bicubic"; outside lie "zeros", the "border" or a "reflection".
    Raises ShapeError for shapes that do not fit, ValueError for other modes.

    >>> F.grid_sample(torch.tensor([[[[1., 3.]]]]), torch.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[2.]]]])
    """
    _check_modes(mode, padding_mode)
    _check_grid(input, grid, mode)
    n, c, *have = input.array.shape
    out, dims = grid.array.shape[1:-1], len(have)
    corners = bool(align_corners)
    points = grid.reshape(n, math.prod(out), dims).unbind(-1)[::-1]  # (across, down) -> (down, across)
    taps = [_taps(p, size, mode, padding_mode, corners) for p, size in zip(points, have, strict=True)]
    flat = input.reshape(n, c, math.prod(have))
    total: Any = 0
    for chosen in itertools.product(*taps):
        total = total + _weighted(flat, chosen, have, padding_mode)
    return titled(total.reshape(n, c, *out), f"GridSampler{dims}DBackward0")


def _weighted(flat: Tensor, chosen: Sequence[tuple[Any, Any]], have: list[int], padding_mode: str) -> Tensor:
    """The values at one whole place near each point, times its weight; nothing for places outside."""
    index: Any = 0
    weight: Any = 1
    inside: Any = True
    for (place, share), size in zip(chosen, have, strict=True):
        inside = (place >= 0) & (place < size) & inside
        index = index * size + place.clamp(0, size - 1).nan_to_num(0.0).long()
        weight = share * weight
    n, c, _ = flat.array.shape
    values = gather(flat, 2, index.unsqueeze(1).expand(n, c, index.array.shape[1]))
    return values * where(inside, weight, 0.0).unsqueeze(1)


def _check_modes(mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: {mode!r}"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"{padding_mode!r}"
        )


def _check_grid(x: Tensor, grid: Tensor, mode: str) -> None:
    expect_tensor("grid_sample", x)
    expect_tensor("grid_sample", grid, "grid")
    p, q = x.array.shape, grid.array.shape
    sizes = f"but got input with sizes {list(p)} and grid with sizes {list(q)}"
    expect_floats("grid_sample", x)
    same_device(x, grid)
    if x.array.dtype != grid.array.dtype:
        raise DTypeError(f"grid_sample: expected scalar type {x.dtype} but found {grid.dtype}. Use grid.to({x.dtype}).")
    if len(p) not in (4, 5) or len(q) != len(p):
        raise ShapeError(f"grid_sample: expected 4D or 5D input and grid with same number of dimensions, {sizes}.")
    if p[0] != q[0]:
        raise ShapeError(f"grid_sample: expected grid and input to have same batch size, {sizes}.")
    if q[-1] != len(p) - 2:
        raise ShapeError(f"grid_sample: expected grid to have size {len(p) - 2} in last dimension, {sizes}.")
    if 0 in p[2:]:
        raise ShapeError(f"grid_sample: expected input to have non-empty spatial dimensions, {sizes}.")
    if mode == "bicubic" and len(p) == 5:
        raise MissingError("grid_sample: bicubic interpolation only supports 4D input: use mode='bilinear'.")


def _taps(p: Tensor, size: int, mode: str, padding_mode: str, corners: bool) -> Taps:
    """The places around the points ``p`` along a dimension, and their weights."""
    x = ((p + 1) * 0.5) * (size - 1) if corners else ((p + 1) * size - 1) * 0.5
    settle = _settled(size, padding_mode, corners)
    if mode == "bicubic":
        left = x.detach().floor()
        return [(settle(left + step), _keys(x - left - step)) for step in (-1, 0, 1, 2)]
    x = settle(x)
    if mode == "nearest":
        place = x.detach().round()
        return [(place, place * 0 + 1)]
    left = x.detach().floor()
    t = x - left
    return [(left, 1 - t), (left + 1, t)]


def _keys(x: Tensor) -> Tensor:
    """Keys' cubic with a = -3/4: 1 at 0, 0 at the other integers, of width 4."""
    x = x.abs()
    near = (1.25 * x - 2.25) * x * x + 1
    far = ((-0.75 * x + 3.75) * x - 6) * x + 3
    return where(x <= 1, near, far)


def _settled(size: int, padding_mode: str, corners: bool) -> Callable[[Tensor], Tensor]:
    """What brings a point into the image: the nearest edge, or its mirror image."""
    if padding_mode == "zeros":
        return lambda x: x
    if padding_mode == "border":
        return lambda x: _clipped(x, size)
    low, span = (0.0, float(size - 1)) if corners else (-0.5, float(size))
    return lambda x: _clipped(_mirrored(x, low, span), size)


def _clipped(x: Tensor, size: int) -> Tensor:
    """x between 0 and size - 1; no gradient at the ends."""
    return where((x > 0) & (x < size - 1), x, x.detach().clamp(0, size - 1))


def _mirrored(x: Tensor, low: float, span: float) -> Tensor:
    """x reflected at ``low`` and ``low + span`` until it lies between them."""
    if not span:
        return x * 0
    far = where(x < low, low - x, x - low)
    times = (far.detach() / span).floor()
    rest = far - times * span
    return where(times % 2 == 0, rest, span - rest) + low


# Affine maps


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """grid[n, i, j] = θ[n] (across, down, 1)ᵀ: the points of an image of ``size``, moved by an affine map.

    Shapes: θ (N, 2, 3), size (N, C, H, W) → (N, H, W, 2); or θ (N, 3, 4), size (N, C, D, H, W) → (N, D, H, W, 3).
    Raises ValueError for a θ that does not fit the size.

    >>> F.affine_grid(torch.tensor([[[1., 0., 0.], [0., 1., 0.]]]), (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    n, inner = _check_theta(theta, tuple(size))
    dims = len(inner)
    lines = []
    for d, length in enumerate(inner):
        line = _line(length, bool(align_corners), theta)
        lines.append(line.reshape(*(length if e == d else 1 for e in range(dims))).expand(*inner))
    base = stack([*lines[::-1], lines[0] * 0 + 1], -1).reshape(1, math.prod(inner), dims + 1)
    grid = base.expand(n, math.prod(inner), dims + 1) @ theta.transpose(1, 2)
    return titled(grid.reshape(n, *inner, dims), "AffineGridGeneratorBackward0")


def _line(length: int, corners: bool, like: Tensor) -> Tensor:
    """The middles of ``length`` pixels between -1 and 1; with ``corners``, the outer ones at -1 and 1."""
    i = arange(length, dtype=like.dtype, device=like.device)
    if length == 1:
        return i
    return i * (2 / (length - 1)) - 1 if corners else (2 * i + 1) / length - 1


def _check_theta(theta: Tensor, size: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    expect_tensor("affine_grid", theta, "theta")
    if theta.array.dtype.kind != "f":
        raise DTypeError(f"affine_grid: Expected theta to have floating point type, but got {theta.dtype}.")
    if len(size) not in (4, 5):
        raise MissingError(
            "affine_grid: affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {size}."
        )
    dims, shape = len(size) - 2, theta.array.shape
    if len(shape) != 3 or shape[1:] != (dims, dims + 1):
        raise ShapeError(
            f"affine_grid: Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {size}. "
            f"Got {theta.shape}."
        )
    if min(size) <= 0:
        raise ShapeError(f"affine_grid: Expected non-zero, positive output size. Got {size}.")
    if shape[0] != size[0]:
        raise ShapeError(f"affine_grid: expected {size[0]} matrices for size {size}, got theta of {theta.shape}.")
    return size[0], size[2:]
