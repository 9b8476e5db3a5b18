"""Convolution over one, two and three dimensions, and its transpose.

``convolve``, its adjoint in the input and its adjoint in the weight are a closed family: each differentiates into the
other two.  The transposed convolution is the adjoint in the input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import conv as k
from nanograd.ops.extents import Sizes, batched, by, each, expect_tensor, unbatched
from nanograd.ops.kinds import expect_numbers
from nanograd.ops.op import op, record, same_device, titled
from nanograd.ops.resampling import constant_pad
from nanograd.ops.shape import to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


class Geometry(NamedTuple):
    """Where the windows lie: a number for each dimension; in how many groups the channels are."""

    stride: Sizes
    padding: Sizes
    dilation: Sizes
    groups: int


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sizes = 1,
    padding: int | Sizes | str = 0,
    dilation: int | Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c], the cross-correlation of signals.

    Shapes: x (N, C, L) or (C, L), W (O, C/groups, K), b (O,) → (N, O, M); see ``conv2d``.

    >>> F.conv1d(torch.tensor([[1., 2., 3.]]), torch.ones(1, 1, 2))
    tensor([[3., 5.]])
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sizes = 1,
    padding: int | Sizes | str = 0,
    dilation: int | Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c], the cross-correlation (the kernel is not flipped).

    Shapes: x (N, C, H, W) or (C, H, W), W (O, C/groups, KH, KW), b (O,) → (N, O, OH, OW) with
    OH = ⌊(H + 2 padding - dilation (KH - 1) - 1) / stride⌋ + 1.  padding "same" keeps H and W, "valid" is 0.
    Raises ShapeError where channels, groups or sizes do not fit, DTypeError for tensors of different dtypes.

    >>> F.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sizes = 1,
    padding: int | Sizes | str = 0,
    dilation: int | Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c], the cross-correlation of volumes.

    Shapes: x (N, C, D, H, W) or (C, D, H, W), W (O, C/groups, KD, KH, KW), b (O,) → (N, O, OD, OH, OW); see
    ``conv2d``.
    """
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _conv(
    name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any,
    groups: int,
) -> Tensor:  # fmt: skip
    x = batched(name, input, dims)
    _check_tensors(name, x, weight, bias, dims)
    s, d = each(f"{name} stride", stride, dims), each(f"{name} dilation", dilation, dims)
    pad, beyond = _padding(name, padding, weight.array.shape[2:], s, d)
    geometry = Geometry(s, pad, d, groups)
    _check_numbers(name, geometry)
    _check_channels(name, x.array.shape, weight.array.shape, bias, groups)
    if any(beyond):  # "same" with a window of even reach: one more place at the end
        x = constant_pad(x, ((0, 0), (0, 0), *((0, b) for b in beyond)), 0)
    _check_room(name, x.array.shape, weight.array.shape, geometry)
    return unbatched(convolve(x, weight, bias, geometry), input)


def _padding(name: str, padding: Any, window: Sizes, stride: Sizes, dilation: Sizes) -> tuple[Sizes, Sizes]:
    """(the padding on both sides, what the far side has in addition)."""
    none = (0,) * len(window)
    if not isinstance(padding, str):
        return each(f"{name} padding", padding, len(window)), none
    if padding == "valid":
        return none, none
    if padding != "same":
        raise ShapeError(f"{name}: Invalid padding string: {padding!r}: expected numbers, 'same' or 'valid'.")
    if any(s != 1 for s in stride):
        raise ShapeError(
            f"{name}: padding='same' is not supported for strided convolutions: give the padding as numbers."
        )
    reach = [d * (n - 1) for d, n in zip(dilation, window, strict=True)]
    return tuple(r // 2 for r in reach), tuple(r % 2 for r in reach)


def _check_tensors(name: str, x: Tensor, weight: Tensor, bias: Tensor | None, dims: int) -> None:
    expect_tensor(name, weight, "weight")
    if bias is not None:
        expect_tensor(name, bias, "bias")
    if weight.array.ndim != dims + 2:
        raise ShapeError(
            f"{name}: expected a weight of {dims + 2} dimensions to match the convolution dimensions, got one of size "
            f"{list(weight.array.shape)}."
        )
    expect_numbers(name, x)
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.array.dtype != x.array.dtype:
            raise DTypeError(
                f"{name}: Input type ({x.dtype}) and {what} type ({t.dtype}) should be the same: expected scalar type "
                f"{x.dtype} but found {t.dtype}. Convert one: x.to({t.dtype})."
            )
    same_device(*((x, weight) if bias is None else (x, weight, bias)))


def _check_numbers(name: str, geometry: Geometry) -> None:
    s, p, d, groups = geometry
    if groups <= 0:
        raise ShapeError(f"{name}: non-positive groups is not supported: groups={groups}.")
    if min(s) <= 0:
        raise ShapeError(f"{name}: non-positive stride is not supported: stride={s}.")
    if min(d) <= 0:
        raise ShapeError(f"{name}: dilation should be greater than zero, but got {list(d)}.")
    if min(p) < 0:
        raise ShapeError(
            f"{name}: negative padding is not supported: padding={p}. F.pad with negative numbers cuts off."
        )


def _check_channels(name: str, x: Sizes, weight: Sizes, bias: Tensor | None, groups: int) -> None:
    if weight[0] < groups:
        raise ShapeError(
            f"{name}: Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of "
            f"size {list(weight)} instead."
        )
    if weight[0] % groups:
        raise ShapeError(
            f"{name}: Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got "
            f"weight of size [{list(weight)}] instead."
        )
    if x[1] != weight[1] * groups:
        raise ShapeError(
            f"{name}: Given groups={groups}, weight of size {list(weight)}, expected input{list(x)} to have "
            f"{weight[1] * groups} channels, but got {x[1]} channels instead. The channels stand in dimension 1 of a "
            f"batch; the layer's in_channels must be {x[1]}."
        )
    _check_bias(name, "", weight, weight[0], bias)


def _check_bias(name: str, how: str, weight: Sizes, count: int, bias: Tensor | None) -> None:
    if bias is not None and bias.array.shape != (count,):
        raise ShapeError(
            f"{name}: Given {how}weight of size {list(weight)}, expected bias to be 1-dimensional with {count} "
            f"elements, but got bias of size {list(bias.array.shape)} instead."
        )


def _check_room(name: str, x: Sizes, weight: Sizes, geometry: Geometry) -> None:
    window, (_, p, d, _) = weight[2:], geometry
    if min(window) <= 0:
        raise ShapeError(f"{name}: kernel size should be greater than zero, but got {by(window)}.")
    padded = tuple(n + 2 * q for n, q in zip(x[2:], p, strict=True))
    reach = tuple(e * (n - 1) + 1 for e, n in zip(d, window, strict=True))
    if any(n < r for n, r in zip(padded, reach, strict=True)):
        raise ShapeError(
            f"{name}: Calculated padded input size per channel: {by(padded)}. Kernel size: {by(reach)}. Kernel size "
            "can't be greater than actual input size: use a smaller kernel, or more padding."
        )
    _check_places(name, x)


def _check_places(name: str, x: Sizes) -> None:
    if 0 in x[2:]:
        raise ShapeError(
            f"{name}: Only zero batch or zero channel inputs are supported, but got input shape: {list(x)}."
        )


# The family


@op("Convolution")
def convolve(x: Tensor, w: Tensor, b: Tensor | None, geometry: Geometry) -> Tensor:
    """x ⋆ W + b"""
    size, window = x.array.shape[2:], w.array.shape[2:]
    y = k.convolve(x.array, w.array, None if b is None else b.array, *geometry)
    edges = (
        (x, lambda g: convolve_input(g, w, size, geometry)),
        (w, lambda g: convolve_weight(g, x, window, geometry)),
    )
    return record(y, *edges) if b is None else record(y, *edges, (b, _over_places))


def _over_places(g: Tensor) -> Tensor:
    """Σ g over all but the channels."""
    return g.sum((0, *range(2, g.array.ndim)))


@op("ConvolutionBackward")
def convolve_input(g: Tensor, w: Tensor, size: Sizes, geometry: Geometry) -> Tensor:
    """The adjoint of convolving in x, for inputs of ``size``: the transposed convolution."""
    window, out = w.array.shape[2:], g.array.shape[2:]
    return record(
        k.convolve_input(g.array, w.array, size, *geometry),
        (g, lambda h: _first(convolve(h, w, None, geometry), out)),
        (w, lambda h: convolve_weight(g, h, window, geometry)),
    )


def _first(y: Tensor, out: Sizes) -> Tensor:
    """The first windows: a size that an output_padding made larger has room for more of them than there were."""
    if y.array.shape[2:] == out:
        return y
    return constant_pad(y, ((0, 0), (0, 0), *((0, o - n) for n, o in zip(y.array.shape[2:], out, strict=True))), 0)


@op("ConvolutionBackward")
def convolve_weight(g: Tensor, x: Tensor, window: Sizes, geometry: Geometry) -> Tensor:
    """The adjoint of convolving in W, for kernels of size ``window``."""
    size, out = x.array.shape[2:], g.array.shape[2:]
    return record(
        k.convolve_weight(g.array, x.array, window, *geometry),
        (g, lambda h: _first(convolve(x, h, None, geometry), out)),
        (x, lambda h: convolve_input(g, h, size, geometry)),
    )


# The transpose


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sizes = 1,
    padding: int | Sizes = 0,
    output_padding: int | Sizes = 0,
    groups: int = 1,
    dilation: int | Sizes = 1,
) -> Tensor:
    """Each x[n, c, i] spreads over a window of y, weighted by W[c]: the adjoint of ``conv1d``.

    Shapes: x (N, C, L) or (C, L), W (C, O/groups, K), b (O,) → (N, O, M); see ``conv_transpose2d``.
    """
    return _transposed(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )  # fmt: skip


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sizes = 1,
    padding: int | Sizes = 0,
    output_padding: int | Sizes = 0,
    groups: int = 1,
    dilation: int | Sizes = 1,
) -> Tensor:
    """Each x[n, c, i, j] spreads over a window of y, weighted by W[c]: the adjoint of ``conv2d``.

    Shapes: x (N, C, H, W) or (C, H, W), W (C, O/groups, KH, KW), b (O,) → (N, O, OH, OW) with
    OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1.
    Raises ShapeError where channels, groups or sizes do not fit, and for an output_padding that is not smaller than
    stride or dilation, DTypeError for tensors of different dtypes.

    >>> F.conv_transpose2d(torch.ones(1, 1, 1, 1), torch.tensor([[[[1., 2.]]]]))
    tensor([[[[1., 2.]]]])
    """
    return _transposed(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )  # fmt: skip


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sizes = 1,
    padding: int | Sizes = 0,
    output_padding: int | Sizes = 0,
    groups: int = 1,
    dilation: int | Sizes = 1,
) -> Tensor:
    """Each element of x spreads over a window of y, weighted by W[c]: the adjoint of ``conv3d``.

    Shapes: x (N, C, D, H, W) or (C, D, H, W), W (C, O/groups, KD, KH, KW), b (O,) → (N, O, OD, OH, OW); see
    ``conv_transpose2d``.
    """
    return _transposed(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )  # fmt: skip


def _transposed(
    name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
    output_padding: Any, groups: int, dilation: Any,
) -> Tensor:  # fmt: skip
    x = batched(name, input, dims)
    _check_tensors(name, x, weight, bias, dims)
    s, d = each(f"{name} stride", stride, dims), each(f"{name} dilation", dilation, dims)
    geometry = Geometry(s, each(f"{name} padding", padding, dims), d, groups)
    _check_numbers(name, geometry)
    _check_transposed(name, x.array.shape, weight.array.shape, bias, groups)
    size = _transposed_size(name, x, weight, geometry, each(f"{name} output_padding", output_padding, dims))
    y = convolve_input(x, weight, size, geometry)
    if bias is not None:
        y = y + to_shape(bias, (1, bias.array.size, *(1 for _ in size)))
    return unbatched(titled(y, "ConvolutionBackward0"), input)


def _check_transposed(name: str, x: Sizes, weight: Sizes, bias: Tensor | None, groups: int) -> None:
    if x[1] != weight[0] or weight[0] % groups:
        raise ShapeError(
            f"{name}: Given transposed=1, weight of size {list(weight)}, expected input{list(x)} to have {weight[0]} "
            f"channels, but got {x[1]} channels instead; they must divide into groups={groups}."
        )
    _check_bias(name, "transposed=1, ", weight, weight[1] * groups, bias)
    if min(weight[2:]) <= 0:
        raise ShapeError(f"{name}: kernel size should be greater than zero, but got {by(weight[2:])}.")
    _check_places(name, x)


def _transposed_size(name: str, x: Tensor, weight: Tensor, geometry: Geometry, more: Sizes) -> Sizes:
    s, p, d, _ = geometry
    if min(more) < 0:
        raise ShapeError(f"{name}: negative output_padding is not supported: output_padding={more}.")
    if any(m >= max(a, b) for m, a, b in zip(more, s, d, strict=True)):
        raise ShapeError(
            f"{name}: output padding must be smaller than either stride or dilation, but got output_padding={more}, "
            f"stride={s}, dilation={d}."
        )
    have, window = x.array.shape[2:], weight.array.shape[2:]
    spans = zip(have, window, s, p, d, more, strict=True)
    size = tuple((n - 1) * a - 2 * b + e * (m - 1) + r + 1 for n, m, a, b, e, r in spans)
    if min(size) < 1:
        raise ShapeError(
            f"{name}: Given input size per channel: {by(have)}. Calculated output size per channel: {by(size)}. Output "
            "size is too small: use less padding."
        )
    return size
