"""One number for each window: the greatest element, or the mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import pool as k
from nanograd.ops.creation import tensor
from nanograd.ops.extents import Sizes, by, each, expect_tensor, outputs
from nanograd.ops.kinds import expect_floats, expect_numbers
from nanograd.ops.op import op, record, records, titled
from nanograd.ops.resampling import Along, resample
from nanograd.ops.scattering import gather
from nanograd.ops.shape import to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["adaptive_avg_pool1d", "avg_pool1d", "max_pool1d", "max_pool2d", "max_pool3d"]

Windows = tuple[Sizes, Sizes, Sizes, Sizes, Sizes]
"""size, stride, padding, dilation, and how many there are"""


def _inputs(name: str, x: Tensor, dims: int, empty_channels: bool = False) -> Tensor:
    """x with a batch.  Raises ShapeError for other dimensions, and where one but the batch is empty."""
    expect_tensor(name, x)
    shape = x.array.shape
    places = shape[1:] if len(shape) == dims + 2 else shape
    if len(shape) not in (dims + 1, dims + 2) or 0 in (places[1:] if empty_channels else places):
        raise ShapeError(
            f"{name}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for "
            f"input, but got:{list(shape)}. Dimensions are (batch, channels, {', '.join('DHW'[-dims:])}), none "
            "empty but the batch."
        )
    return x if len(shape) == dims + 2 else to_shape(x, (1, *shape))


def _pooled(y: Tensor, like: Tensor, kind: str) -> Tensor:
    """y as the result of pooling ``like``: without the batch that was added, its node named as torch's."""
    dims = y.array.ndim - 2
    if like.array.ndim == dims + 1:
        y = to_shape(y, y.array.shape[1:])
    # torch pools a signal as an image of one row
    return titled(y, "SqueezeBackward1" if dims == 1 else f"{kind.format(f'{dims}D')}Backward0")


def _windows(
    name: str, x: Sizes, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Windows:
    dims = len(x) - 2
    size = each(f"{name} kernel_size", kernel_size, dims)
    step = size if stride is None or stride == [] or stride == () else each(f"{name} stride", stride, dims)
    pad, gap = each(f"{name} padding", padding, dims), each(f"{name} dilation", dilation, dims)
    for what, values, least in (
        ("kernel_size", size, 1),
        ("stride", step, 1),
        ("dilation", gap, 1),
        ("padding", pad, 0),
    ):
        if min(values) < least:
            words = "greater than zero" if least else "non-negative"
            raise ShapeError(f"{name}: {what} must be {words}, but got {what}={values}.")
    for p, n, d in zip(pad, size, gap, strict=True):
        if 2 * p > d * (n - 1) + 1:
            raise ShapeError(
                f"{name}: pad should be at most half of effective kernel size, but got pad={p}, kernel_size={n} and "
                f"dilation={d}."
            )
    out = outputs(x[2:], size, step, pad, gap, ceil_mode)
    if min(out) < 1:
        sizes = "x".join(map(str, x[1:]))
        raise ShapeError(
            f"{name}: Given input size: ({sizes}). Calculated output size: ({'x'.join(map(str, (x[1], *out)))}). "
            f"Output size is too small: a window of {by(size)} does not fit into {by(x[2:])}."
        )
    return size, step, pad, gap, out


# The greatest element


def max_pool1d(
    input: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    dilation: int | Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y = the greatest element under each window: (N, C, L) or (C, L) → (…, M); see ``max_pool2d``.

    >>> F.max_pool1d(torch.tensor([[1., 5., 2., 3.]]), 2)
    tensor([[5., 3.]])
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    dilation: int | Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y = the greatest element under each window: (N, C, H, W) or (C, H, W) → (…, OH, OW).

    The stride is the window's size unless given; padded places never win.  With ``return_indices`` also the places
    in H·W.  Of equal elements the first one receives the gradient.  Raises ShapeError where no window fits.

    >>> F.max_pool2d(torch.arange(16.).reshape(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    dilation: int | Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """y = the greatest element under each window: (N, C, D, H, W) or (C, D, H, W) → (…, OD, OH, OW); see
    ``max_pool2d``."""
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(
    name: str, dims: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    return_indices: bool,
) -> Any:  # fmt: skip
    x = _inputs(name, input, dims)
    expect_numbers(name, x)
    values, places = pool_max(x, _windows(name, x.array.shape, kernel_size, stride, padding, dilation, ceil_mode))
    return _chosen(values, places, input, "MaxPool{}WithIndices", return_indices)


def _chosen(values: Tensor, places: Tensor, like: Tensor, kind: str, return_indices: bool) -> Any:
    if like.array.ndim < values.array.ndim:
        places = to_shape(places, places.array.shape[1:])
    values = _pooled(values, like, kind)
    return (values, places) if return_indices else values


@op("MaxPool2DWithIndices")
def pool_max(x: Tensor, windows: Windows) -> tuple[Tensor, ...]:
    """(greatest elements, their places in row-major order)."""
    shape = x.array.shape
    return records(k.max_pool(x.array, *windows), (x, lambda g1, g2, y1, y2: to_places(g1, y2, shape)))


@op("MaxPool2DWithIndicesBackward")
def to_places(g: Tensor, places: Tensor, shape: Sizes) -> Tensor:
    """Zeros of ``shape`` to which g is added at the places of each channel."""
    return record(k.to_places(g.array, places.array, shape), (g, lambda h: _from_places(h, places)))


def _from_places(h: Tensor, places: Tensor) -> Tensor:
    """What stands at the places of each channel."""
    flat = (*h.array.shape[:2], math.prod(h.array.shape[2:]))
    at = (*flat[:2], math.prod(places.array.shape[2:]))
    return to_shape(gather(to_shape(h, flat), 2, to_shape(places, at)), places.array.shape)


@op("AdaptiveMaxPool2D")
def pool_max_of_shares(x: Tensor, out: Sizes) -> tuple[Tensor, ...]:
    """(greatest elements of equal shares of the input, their places in row-major order)."""
    shape = x.array.shape
    return records(k.adaptive_max_pool(x.array, out), (x, lambda g1, g2, y1, y2: to_places(g1, y2, shape)))


def adaptive_max_pool(name: str, dims: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    """``pool_max_of_shares`` as ``nn.functional`` has it, for ``dims`` dimensions."""
    x = _inputs(name, input, dims)
    expect_floats(name, x)
    values, places = pool_max_of_shares(x, _shares(name, x.array.shape, output_size))
    return _chosen(values, places, input, "AdaptiveMaxPool{}", return_indices)


def adaptive_max_pool1d(input: Tensor, output_size: int | Sizes, return_indices: bool = False) -> Any:
    """y = the greatest element of each of ``output_size`` equal shares of a signal: (N, C, L) or (C, L) → (…, M).

    >>> F.adaptive_max_pool1d(torch.tensor([[1., 5., 2., 3.]]), 2)
    tensor([[5., 3.]])
    """
    return adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def _shares(name: str, x: Sizes, output_size: Any) -> Sizes:
    """The output size, in which None stands for the input's."""
    have = x[2:]
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * len(have)
    if len(given) != len(have):
        raise ShapeError(f"{name}: output_size must be {len(have)} integers, got {output_size!r:.60}.")
    if not all(v is None or hasattr(v, "__index__") for v in given):
        raise DTypeError(f"{name}: expected output_size as integers (tuple of ints) or None, got {output_size!r:.60}.")
    out = tuple(n if v is None else int(v) for v, n in zip(given, have, strict=True))
    if min(out) < 0:
        raise ShapeError(f"{name}: elements of output_size must be greater than or equal to 0 but received {out}.")
    return out


# The mean


def avg_pool1d(
    input: Tensor,
    kernel_size: int | Sizes,
    stride: int | Sizes | None = None,
    padding: int | Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """y = the mean under each window: (N, C, L) or (C, L) → (…, M).  The zeros of the padding count unless
    ``count_include_pad`` is False.

    >>> F.avg_pool1d(torch.tensor([[1., 5., 2., 4.]]), 2)
    tensor([[3., 3.]])
    """
    return avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool(
    name: str, dims: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
    count_include_pad: bool, divisor_override: int | None,
) -> Tensor:  # fmt: skip
    """The mean under each window, for ``dims`` dimensions."""
    x = _inputs(name, input, dims)
    _expect_divisible(name, x)
    if divisor_override == 0:
        raise ShapeError(f"{name}: divisor must be not zero: divisor_override=0.")
    have = x.array.shape[2:]
    windows = _windows(name, x.array.shape, kernel_size, stride, padding, 1, ceil_mode)
    size, step, pad, _, out = windows
    spans = enumerate(zip(have, out, size, step, pad, strict=True))
    total = resample(x, tuple(Along(2 + d, "window", n, m, (k, s, p)) for d, (n, m, k, s, p) in spans))
    counts = [_counts(*numbers, count_include_pad) for numbers in zip(have, out, size, step, pad, strict=True)]
    return _pooled(_divided(total, counts, divisor_override), input, "AvgPool{}")


def _expect_divisible(name: str, x: Tensor) -> None:
    if x.array.dtype.kind != "f" and x.array.dtype.name != "int64":
        raise DTypeError(f"{name}: not implemented for {x.dtype}: expected floats (or torch.int64). Use x.float().")


def _counts(have: int, out: int, size: int, stride: int, padding: int, with_padding: bool) -> list[int]:
    """How many places each window counts."""
    low, high = (-padding, have + padding) if with_padding else (0, have)
    starts = [i * stride - padding for i in range(out)]
    return [min(s + size, have + padding, high) - max(s, low) for s in starts]


def _divided(total: Tensor, counts: list[list[int]], divisor: int | None = None) -> Tensor:
    """Sums by how many they add up: one number where all windows are alike, else one for each place."""
    if divisor is None and all(len(set(c)) == 1 for c in counts):
        divisor = math.prod(c[0] for c in counts)
    if total.array.dtype.kind != "f":
        return _cut(total, counts, divisor)
    if divisor is not None:
        return total / divisor
    return total / _outer(total, counts)


def _outer(total: Tensor, counts: list[list[int]]) -> Tensor:
    """The products of the counts of all dimensions, shaped as the places."""
    product = tensor(counts[0], dtype=total.dtype, device=total.device)
    for more in counts[1:]:
        product = product.unsqueeze(-1) * tensor(more, dtype=total.dtype, device=total.device)
    return product


def _cut(total: Tensor, counts: list[list[int]], divisor: int | None) -> Tensor:
    y: Tensor = total.div(_outer(total, counts) if divisor is None else divisor, rounding_mode="trunc")
    return y


def adaptive_avg_pool(name: str, dims: int, input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of so many equal shares of the input, for ``dims`` dimensions."""
    x = _inputs(name, input, dims, empty_channels=True)
    expect_floats(name, x)
    have, out = x.array.shape[2:], _shares(name, x.array.shape, output_size)
    if dims > 1 and all(m == 1 for m in out):
        y = x.mean(tuple(range(2, 2 + dims)), True)
        return y if input.array.ndim > dims + 1 else titled(y.squeeze(0), "MeanBackward1")
    total = resample(x, tuple(Along(2 + d, "share", n, m) for d, (n, m) in enumerate(zip(have, out, strict=True))))
    counts = [[-(-(i + 1) * n // m) - i * n // m for i in range(m)] for n, m in zip(have, out, strict=True)]
    return _pooled(_divided(total, counts), input, "AdaptiveAvgPool{}")


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sizes) -> Tensor:
    """y = the mean of each of ``output_size`` equal shares of a signal: (N, C, L) or (C, L) → (…, M).

    >>> F.adaptive_avg_pool1d(torch.tensor([[1., 5., 2., 4.]]), 2)
    tensor([[3., 3.]])
    """
    return adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)
