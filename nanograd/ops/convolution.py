"""Convolution and pooling.

``conv2d``, its adjoint in the input and its adjoint in the weight are a closed family: each differentiates into the
other two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import conv as k
from nanograd.kernels import pool as p
from nanograd.ops.kinds import expect_numbers
from nanograd.ops.op import op, record, records, same_device
from nanograd.ops.scattering import spread
from nanograd.ops.shape import to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

Pair = tuple[int, int]
Geometry = tuple[Pair, Pair, Pair, int]
"""stride, padding, dilation, groups"""


def pair(name: str, value: Any) -> Pair:
    """An integer twice, or two integers.  Raises DTypeError otherwise."""
    if isinstance(value, int):
        return (value, value)
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, "")
    if len(values) == 1:
        values *= 2
    if len(values) != 2 or not all(isinstance(v, int) for v in values):
        raise DTypeError(f"{name}: expected an integer or two integers, got {value!r}.")
    return values


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c], the cross-correlation (the kernel is not flipped).

    Shapes: x (N, C, H, W) or (C, H, W), W (O, C/groups, KH, KW), b (O,) → (N, O, OH, OW) with
    OH = ⌊(H + 2 padding - dilation (KH - 1) - 1) / stride⌋ + 1.  padding "same" keeps H and W, "valid" is 0.
    """
    x = input if input.array.ndim != 3 else to_shape(input, (1, *input.array.shape))
    geometry = _geometry(x, weight, bias, stride, padding, dilation, groups)
    y = convolve(x, weight, geometry)
    if bias is not None:
        y = y + to_shape(bias, (1, bias.array.size, 1, 1))
    return y if input.array.ndim != 3 else to_shape(y, y.array.shape[1:])


def _geometry(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Geometry:
    xs, ws = x.array.shape, weight.array.shape
    if len(xs) != 4 or len(ws) != 4:
        raise ShapeError(
            f"conv2d: expected an input (N, C, H, W) or (C, H, W) and a weight (O, C, KH, KW), "
            f"got {tuple(xs)} and {tuple(ws)}."
        )
    if groups < 1 or xs[1] != ws[1] * groups or ws[0] % groups:
        raise ShapeError(
            f"conv2d: the input {tuple(xs)} has {xs[1]} channels, the weight {tuple(ws)} with groups={groups} expects "
            f"{ws[1] * groups}; the {ws[0]} output channels must divide into the groups."
        )
    if bias is not None and bias.array.shape != ws[:1]:
        raise ShapeError(f"conv2d: expected a bias of shape ({ws[0]},), got {tuple(bias.array.shape)}.")
    same_device(x, weight)
    if x.array.dtype != weight.array.dtype:
        raise DTypeError(f"conv2d: input is {x.dtype}, weight is {weight.dtype}: convert one, x.to({weight.dtype}).")
    s, d = pair("conv2d stride", stride), pair("conv2d dilation", dilation)
    reach = (d[0] * (ws[2] - 1), d[1] * (ws[3] - 1))
    if padding == "same":
        if s != (1, 1) or reach[0] % 2 or reach[1] % 2:
            raise ShapeError(
                "conv2d: padding='same' needs stride 1 and a window of odd reach; pad explicitly with F.pad."
            )
        pad = (reach[0] // 2, reach[1] // 2)
    elif isinstance(padding, str):
        if padding != "valid":
            raise ValueError(f"conv2d: expected padding as numbers, 'same' or 'valid', got {padding!r}.")
        pad = (0, 0)
    else:
        pad = pair("conv2d padding", padding)
    if min(s) < 1 or min(d) < 1 or min(pad) < 0:
        raise ShapeError(f"conv2d: stride {s} and dilation {d} must be positive, padding {pad} not negative.")
    if xs[2] + 2 * pad[0] <= reach[0] or xs[3] + 2 * pad[1] <= reach[1]:
        raise ShapeError(
            f"conv2d: the window of {reach[0] + 1} by {reach[1] + 1} does not fit into the padded input of "
            f"{xs[2] + 2 * pad[0]} by {xs[3] + 2 * pad[1]}."
        )
    return s, pad, d, groups


@op("Convolution")
def convolve(x: Tensor, w: Tensor, geometry: Geometry) -> Tensor:
    """x ⋆ W, without bias."""
    size, window = x.array.shape[2:], w.array.shape[2:]
    return record(
        k.conv2d(x.array, w.array, *geometry),
        (x, lambda g: convolve_input(g, w, size, geometry)),
        (w, lambda g: convolve_weight(g, x, window, geometry)),
    )


@op("ConvolutionBackward")
def convolve_input(g: Tensor, w: Tensor, size: Pair, geometry: Geometry) -> Tensor:
    """The adjoint of convolving in x, for images of ``size``: the transposed convolution."""
    window = w.array.shape[2:]
    return record(
        k.conv2d_input(g.array, w.array, size, *geometry),
        (g, lambda h: convolve(h, w, geometry)),
        (w, lambda h: convolve_weight(g, h, window, geometry)),
    )


@op("ConvolutionBackward")
def convolve_weight(g: Tensor, x: Tensor, window: Pair, geometry: Geometry) -> Tensor:
    """The adjoint of convolving in W, for kernels of size ``window``."""
    size = x.array.shape[2:]
    return record(
        k.conv2d_weight(g.array, x.array, window, *geometry),
        (g, lambda h: convolve(x, h, geometry)),
        (x, lambda h: convolve_input(g, h, size, geometry)),
    )


def max_pool2d(
    input: Tensor,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y = the greatest element under each window: (N, C, H, W) or (C, H, W) → (…, OH, OW).

    The stride is the window's size unless given; padded places never win.  With ``return_indices`` also the places
    in H·W.  Of equal elements the first one receives the gradient.
    """
    x = input if input.array.ndim != 3 else to_shape(input, (1, *input.array.shape))
    if x.array.ndim != 4:
        raise ShapeError(f"max_pool2d: expected (N, C, H, W) or (C, H, W), got {tuple(input.array.shape)}.")
    expect_numbers("max_pool2d", x)
    size = pair("max_pool2d kernel_size", kernel_size)
    step = size if stride is None else pair("max_pool2d stride", stride)
    pad, dil = pair("max_pool2d padding", padding), pair("max_pool2d dilation", dilation)
    if min(size) < 1 or min(step) < 1 or min(dil) < 1 or any(2 * a > b for a, b in zip(pad, size, strict=True)):
        raise ShapeError(
            f"max_pool2d: kernel_size {size}, stride {step} and dilation {dil} must be positive, and padding {pad} at "
            "most half the kernel size."
        )
    out = tuple(_outputs(*a, ceil_mode) for a in zip(x.array.shape[2:], size, step, pad, dil, strict=True))
    if min(out) < 1:
        raise ShapeError(
            f"max_pool2d: a window of {size} does not fit into an input of shape {tuple(input.array.shape)}."
        )
    values, places = pool_max(x, (size, step, pad, dil, out))  # type: ignore[arg-type]
    if input.array.ndim == 3:
        values, places = values.squeeze(0), places.squeeze(0)
    return (values, places) if return_indices else values


def _outputs(n: int, size: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    room = n + 2 * padding - dilation * (size - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= n + padding else count  # no window starts in the far padding


@op("MaxPool2DWithIndices")
def pool_max(x: Tensor, windows: tuple[Pair, Pair, Pair, Pair, Pair]) -> tuple[Tensor, ...]:
    """(greatest elements, their places in H·W)."""
    n, c, h, w = x.array.shape
    flat = (n, c, h * w)
    return records(
        p.max_pool2d(x.array, *windows),
        (x, lambda g1, g2, y1, y2: to_shape(spread(_flat(g1), 2, _flat(y2), flat), (n, c, h, w))),
    )


def _flat(x: Tensor) -> Tensor:
    n, c, h, w = x.array.shape
    return to_shape(x, (n, c, h * w))
