"""One number for each window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.nn.functional.activation import relu
from nanograd.ops import pooling
from nanograd.ops.creation import zeros
from nanograd.ops.extents import Sizes, each, expect_tensor
from nanograd.ops.kinds import expect_floats
from nanograd.ops.op import titled
from nanograd.ops.pooling import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d,
    avg_pool1d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from nanograd.ops.scattering import scatter
from nanograd.tensors import Tensor

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "fractional_max_pool2d", "fractional_max_pool3d",
    "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d",
    "max_unpool3d",
]  # fmt: skip

Shares = int | None | Sequence[int | None]


def avg_pool2d(
    input: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """y = the mean under each window: (N, C, H, W) or (C, H, W) → (…, OH, OW).

    The stride is the window's size unless given.  The zeros of the padding count unless ``count_include_pad`` is
    False; ``divisor_override`` divides the sums by another number.  Raises ShapeError where no window fits.

    >>> F.avg_pool2d(torch.arange(16.).reshape(1, 4, 4), 2)
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """
    return pooling.avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """y = the mean under each window: (N, C, D, H, W) or (C, D, H, W) → (…, OD, OH, OW); see ``avg_pool2d``."""
    return pooling.avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def adaptive_avg_pool2d(input: Tensor, output_size: Shares) -> Tensor:
    """y = the mean of each of so many equal shares of the image: (N, C, H, W) or (C, H, W) → (…, *output_size).

    None stands for the size of the input.

    >>> F.adaptive_avg_pool2d(torch.arange(16.).reshape(1, 4, 4), (1, 2))
    tensor([[[6.5000, 8.5000]]])
    """
    return pooling.adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Shares) -> Tensor:
    """y = the mean of each of so many equal shares of the volume; see ``adaptive_avg_pool2d``."""
    return pooling.adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool2d(input: Tensor, output_size: Shares, return_indices: bool = False) -> Any:
    """y = the greatest element of each of so many equal shares of the image, and its place with ``return_indices``.

    >>> F.adaptive_max_pool2d(torch.arange(16.).reshape(1, 4, 4), (1, 2))
    tensor([[[13., 15.]]])
    """
    return pooling.adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Shares, return_indices: bool = False) -> Any:
    """y = the greatest element of each of so many equal shares of the volume; see ``adaptive_max_pool2d``."""
    return pooling.adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


# The p-norm


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """y = (Σ xᵖ)^(1/p) under each window of a signal: (N, C, L) or (C, L) → (…, M)."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """y = (Σ xᵖ)^(1/p) under each window of an image: (N, C, H, W) or (C, H, W) → (…, OH, OW).

    >>> F.lp_pool2d(torch.tensor([[[3., 4.]]]), 2, (1, 2))
    tensor([[[5.]]])
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """y = (Σ xᵖ)^(1/p) under each window of a volume; see ``lp_pool2d``."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(name: str, dims: int, x: Tensor, p: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    expect_tensor(name, x)
    size = each(f"{name} kernel_size", kernel_size, dims)
    mean = pooling.avg_pool(name, dims, x.pow(p), size, stride, 0, ceil_mode, True, None)
    return (mean.sign() * relu(mean.abs()) * math.prod(size)).pow(1.0 / p)


# The way back from the greatest element


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The values at the places that ``max_pool1d`` took them from, zeros elsewhere: (N, C, M) or (C, M) → (…, L)."""
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The values at the places that ``max_pool2d`` took them from, zeros elsewhere: (…, OH, OW) → (…, H, W).

    The size is (OH - 1) stride - 2 padding + kernel_size; ``output_size`` says which of the sizes that pool to OH.
    Raises ShapeError for an index outside of it.

    >>> y, places = F.max_pool2d(torch.tensor([[[1., 2.], [4., 3.]]]), 2, return_indices=True)
    >>> F.max_unpool2d(y, places, 2)
    tensor([[[0., 0.],
             [4., 0.]]])
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The values at the places that ``max_pool3d`` took them from, zeros elsewhere; see ``max_unpool2d``."""
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    name: str, dims: int, x: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    expect_tensor(name, x)
    expect_tensor(name, indices, "indices")
    shape = x.array.shape
    if len(shape) not in (dims + 1, dims + 2):
        raise ShapeError(f"{name}: Input should be a {dims + 1}d or {dims + 2}d Tensor, but got shape {tuple(shape)}.")
    expect_floats(name, x)
    if indices.array.dtype.name != "int64":
        raise DTypeError(f"{name}: elements in indices should be type int64 but got: {indices.dtype}.")
    if indices.array.shape != shape:
        raise ShapeError(
            f"{name}: Expected shape of indices to be same as that of the input tensor ({list(shape)}) but got indices "
            f"tensor with shape: {list(indices.array.shape)}."
        )
    size = each(f"{name} kernel_size", kernel_size, dims)
    step = size if stride is None else each(f"{name} stride", stride, dims)
    inner = _unpooled_size(name, shape[-dims:], size, step, each(f"{name} padding", padding, dims), output_size)
    lead = shape[:-dims]
    _check_places(name, indices, inner)
    blank = zeros((*lead, math.prod(inner)), dtype=x.dtype, device=x.device)
    y = scatter(blank, len(lead), indices.reshape(*lead, -1), x.reshape(*lead, -1)) if x.array.size else blank
    return titled(y.reshape(*lead, *inner), f"MaxUnpool{dims}DBackward0" if dims > 1 else "SqueezeBackward1")


def _unpooled_size(name: str, have: Sizes, size: Sizes, stride: Sizes, padding: Sizes, output_size: Any) -> Sizes:
    usual = tuple((n - 1) * s + k - 2 * p for n, k, s, p in zip(have, size, stride, padding, strict=True))
    if output_size is None:
        return usual
    dims = len(have)
    given = tuple(output_size)
    given = given[2:] if len(given) == dims + 2 else given
    if len(given) != dims:
        raise ShapeError(
            f"{name}: output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length "
            f"of '{len(tuple(output_size))}'."
        )
    for d, (n, wanted, s) in enumerate(zip(usual, given, stride, strict=True)):
        if not n - s < wanted < n + s:
            raise ShapeError(
                f'{name}: invalid output_size "{given}" (dim {d} must be between {n - s} and {n + s}, both excluded).'
            )
    return given


def _check_places(name: str, indices: Tensor, inner: Sizes) -> None:
    if not indices.array.size:
        return
    low, high = int(indices.amin()), int(indices.amax())
    if low < 0 or high >= math.prod(inner):
        raise ShapeError(
            f"{name}: Found an invalid max index: {low if low < 0 else high} (output volumes are of size "
            f"{'x'.join(map(str, inner))})."
        )


def fractional_max_pool2d(*args: Any, **kwargs: Any) -> NoReturn:
    """Absent: windows of random sizes.  Raises MissingError."""
    raise MissingError("fractional_max_pool2d: nanograd has no fractional pooling. Use F.adaptive_max_pool2d.")


def fractional_max_pool3d(*args: Any, **kwargs: Any) -> NoReturn:
    """Absent: windows of random sizes.  Raises MissingError."""
    raise MissingError("fractional_max_pool3d: nanograd has no fractional pooling. Use F.adaptive_max_pool3d.")
