"""Windows of an image laid out as columns, and columns added up to an image: im2col and its adjoint."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd.errors import ShapeError
from nanograd.kernels import conv as k
from nanograd.ops.extents import Sizes, each, expect_tensor, outputs
from nanograd.ops.kinds import expect_floats
from nanograd.ops.op import op, record, titled
from nanograd.ops.shape import to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["col2im", "fold", "im2col", "unfold"]

Windows = tuple[Sizes, Sizes, Sizes, Sizes]
"""size, stride, padding, dilation"""


@op("Im2Col")
def im2col(x: Tensor, windows: Windows) -> Tensor:
    """(N, C, H, W) → (N, C·size, L): one column for each window."""
    shape = x.array.shape[2:]
    return record(k.unfold(x.array, *windows), (x, lambda g: col2im(g, shape, windows)))


@op("Col2Im")
def col2im(x: Tensor, shape: Sizes, windows: Windows) -> Tensor:
    """(N, C·size, L) → (N, C, *shape): what lies in a column is added where its window lies."""
    return record(k.fold(x.array, shape, *windows), (x, lambda g: im2col(g, windows)))


def unfold(
    input: Tensor,
    kernel_size: int | Sizes,
    dilation: int | Sizes = 1,
    padding: int | Sizes = 0,
    stride: int | Sizes = 1,
) -> Tensor:
    """The windows of an image as columns: (N, C, H, W) or (C, H, W) → (…, C·KH·KW, L), row by row of windows.

    Raises ShapeError where no window fits.

    >>> F.unfold(torch.arange(9.).reshape(1, 3, 3), 2).shape
    torch.Size([4, 4])
    """
    expect_tensor("unfold", input)
    shape = input.array.shape
    if len(shape) not in (3, 4) or 0 in shape[len(shape) - 3 :]:
        raise ShapeError(
            "unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions "
            f"for input, but got: {list(shape)}."
        )
    expect_floats("unfold", input)
    windows = _windows("unfold", kernel_size, stride, padding, dilation)
    size, _, pad, gap = windows
    count = outputs(shape[-2:], *windows)
    if min(count) < 1:
        raise ShapeError(
            f"unfold: Given input with spatial size {tuple(shape[-2:])}, kernel_size={size}, dilation={gap}, "
            f"padding={pad}, calculated shape of the array of sliding blocks as {count}, but its components must be at "
            "least one."
        )
    if len(shape) == 4:
        return im2col(input, windows)
    y: Tensor = im2col(to_shape(input, (1, *shape)), windows)
    return _without_batch(y, "Im2ColBackward0")


def fold(
    input: Tensor,
    output_size: int | Sizes,
    kernel_size: int | Sizes,
    dilation: int | Sizes = 1,
    padding: int | Sizes = 0,
    stride: int | Sizes = 1,
) -> Tensor:
    """Columns added up to an image: the adjoint of ``unfold``; (N, C·KH·KW, L) or (C·KH·KW, L) → (…, C, *output_size).

    Raises ShapeError where L is not the number of windows of such an image.

    >>> F.fold(torch.ones(1, 4, 4), (3, 3), 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    expect_tensor("fold", input)
    shape = input.array.shape
    if len(shape) not in (2, 3) or 0 in shape[len(shape) - 2 :]:
        raise ShapeError(
            "fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions "
            f"for input, but got: {list(shape)}."
        )
    expect_floats("fold", input)
    windows, out = _windows("fold", kernel_size, stride, padding, dilation), each("fold output_size", output_size, 2)
    _check_columns(shape[-2:], out, windows)
    if len(shape) == 3:
        return col2im(input, out, windows)
    y: Tensor = col2im(to_shape(input, (1, *shape)), out, windows)
    return _without_batch(y, "Col2ImBackward0")


def _without_batch(y: Tensor, title: str) -> Tensor:
    return titled(to_shape(y, y.array.shape[1:]), title)


def _windows(name: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Windows:
    numbers = (
        ("kernel size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    )
    found = []
    for what, value, least in numbers:
        values = each(f"{name} {what.replace(' ', '_')}", value, 2)
        if min(values) < least:
            words = "greater than zero" if least else "non-negative"
            raise ShapeError(f"{name}: {what} should be {words}, but got {values}.")
        found.append(values)
    return (found[0], found[1], found[2], found[3])


def _check_columns(have: Sizes, out: Sizes, windows: Windows) -> None:
    size, stride, pad, gap = windows
    rows, columns = have
    if rows % math.prod(size):
        raise ShapeError(
            "fold: Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows} and kernel_size={size}."
        )
    count = outputs(out, *windows)
    if min(count) < 1 or count[0] * count[1] != columns:
        raise ShapeError(
            f"fold: Given output_size={out}, kernel_size={size}, dilation={gap}, padding={pad}, stride={stride}, "
            f"expected size of input's dimension 2 to match the calculated number of sliding blocks {count[0]} * "
            f"{count[1]} = {count[0] * count[1]}, but got input.size(2)={columns}."
        )
