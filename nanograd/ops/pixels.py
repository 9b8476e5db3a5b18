"""Channels that become pixels, pixels that become channels, and channels in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.extents import expect_tensor
from nanograd.ops.op import titled

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r² channels become a block of r by r pixels: (…, C r², H, W) → (…, C, H r, W r).

    Source: W. Shi et al., "Real-Time Single Image and Video Super-Resolution", 2016.

    >>> torch.pixel_shuffle(torch.arange(4.).reshape(4, 1, 1), 2)
    tensor([[[0., 1.],
             [2., 3.]]])
    """
    r = _factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    *lead, c, h, w = input.array.shape
    if c % (r * r):
        raise ShapeError(
            "pixel_shuffle: pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            f"upscale_factor, but input.size(-3)={c} is not divisible by {r * r}."
        )
    n = len(lead)
    blocks = input.reshape(*lead, c // (r * r), r, r, h, w)
    rows = blocks.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)  # (…, C, H, r, W, r)
    return titled(rows.reshape(*lead, c // (r * r), h * r, w * r), "PixelShuffleBackward0")


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """A block of r by r pixels becomes r² channels: (…, C, H r, W r) → (…, C r², H, W).

    >>> torch.pixel_unshuffle(torch.arange(4.).reshape(1, 2, 2), 2).shape
    torch.Size([4, 1, 1])
    """
    r = _factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    *lead, c, h, w = input.array.shape
    for what, size, dim in (("height", h, -2), ("width", w, -1)):
        if size % r:
            raise ShapeError(
                f"pixel_unshuffle: pixel_unshuffle expects {what} to be divisible by downscale_factor, but "
                f"input.size({dim})={size} is not divisible by {r}."
            )
    n = len(lead)
    rows = input.reshape(*lead, c, h // r, r, w // r, r)
    blocks = rows.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)  # (…, C, r, r, H, W)
    return titled(blocks.reshape(*lead, c * r * r, h // r, w // r), "PixelUnshuffleBackward0")


def _factor(name: str, what: str, x: Tensor, factor: int) -> int:
    expect_tensor(name, x)
    if not hasattr(factor, "__index__"):
        raise DTypeError(f"{name}: argument '{what}' must be int, not {type(factor).__name__}.")
    if x.array.ndim < 3:
        raise ShapeError(
            f"{name}: {name} expects input to have at least 3 dimensions, but got input with {x.array.ndim} "
            "dimension(s)."
        )
    if factor <= 0:
        raise ShapeError(f"{name}: {name} expects a positive {what}, but got {factor}.")
    return int(factor)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of ``groups`` groups, one of each in turn: (N, g k, …) → (N, k g, …).

    Source: X. Zhang et al., "ShuffleNet", 2018.

    >>> torch.channel_shuffle(torch.arange(4.).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    expect_tensor("channel_shuffle", input)
    shape = input.array.shape
    if len(shape) < 3:
        raise ShapeError(
            f"channel_shuffle: channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}."
        )
    if not hasattr(groups, "__index__") or groups <= 0:
        raise ShapeError(
            f"channel_shuffle: Number of groups to divide channels in must be positive. Value of groups:{groups}."
        )
    if shape[1] % groups:
        raise ShapeError(
            f"channel_shuffle: Number of channels must be divisible by groups. Got {shape[1]} channels and {groups} "
            "groups."
        )
    y = input.reshape(shape[0], groups, shape[1] // groups, *shape[2:]).transpose(1, 2)
    return titled(y.reshape(*shape), "ChannelShuffleBackward0")
