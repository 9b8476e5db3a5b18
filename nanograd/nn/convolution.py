"""Convolutions of signals, images and volumes, and their transposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from nanograd.errors import ShapeError
from nanograd.nn import functional as F
from nanograd.nn.linear import _size, reset_weight_and_bias
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.ops.creation import empty
from nanograd.ops.extents import Sizes, each
from nanograd.tensors import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions have: sizes, a weight and a bias."""

    _dims: ClassVar[int]
    _transposed: ClassVar[bool] = False

    in_channels: int
    out_channels: int
    kernel_size: Sizes
    stride: Sizes
    padding: Sizes | str
    dilation: Sizes
    transposed: bool
    output_padding: Sizes
    groups: int
    padding_mode: str
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
        output_padding: Any, groups: int, bias: bool, padding_mode: str, device: Any, dtype: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        name, dims = type(self).__name__, self._dims
        self.in_channels = _size(name, "in_channels", in_channels)
        self.out_channels = _size(name, "out_channels", out_channels)
        check_groups(in_channels, out_channels, groups)
        self.kernel_size = each(f"{name} kernel_size", kernel_size, dims)
        self.stride = each(f"{name} stride", stride, dims)
        self.padding = padding if isinstance(padding, str) else each(f"{name} padding", padding, dims)
        self.dilation = each(f"{name} dilation", dilation, dims)
        self.transposed = self._transposed
        self.output_padding = each(f"{name} output_padding", output_padding, dims)
        self.groups = groups
        self.padding_mode = _padding_mode(padding_mode, self.padding, self.stride)
        wide, high = (in_channels, out_channels) if self._transposed else (out_channels, in_channels)
        self.weight = Parameter(empty(wide, high // groups, *self.kernel_size, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values: uniform in ± 1/√(inputs of one output)."""
        reset_weight_and_bias(self.weight, self.bias)

    def _convolved(self, input: Tensor) -> Tensor:
        """b + x ⋆ W, the edges continued as ``padding_mode`` says."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._edges(), self.padding_mode), (0,) * self._dims
        function = (F.conv1d, F.conv2d, F.conv3d)[self._dims - 1]
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _edges(self) -> Sizes:
        """(before, after) for each dimension, the last one first."""
        if isinstance(self.padding, str):
            spans = zip(self.dilation, self.kernel_size, strict=True)
            reach = [0 if self.padding == "valid" else d * (k - 1) for d, k in spans]
            return tuple(n for r in reversed(reach) for n in (r // 2, r - r // 2))
        return tuple(p for p in reversed(self.padding) for _ in range(2))

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        none, one = (0,) * self._dims, (1,) * self._dims
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != none:
            text += f", padding={self.padding}"
        if self.dilation != one:
            text += f", dilation={self.dilation}"
        if self.output_padding != none:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


def check_groups(in_channels: int, out_channels: int, groups: int) -> None:
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    for which, count in (("in_channels", in_channels), ("out_channels", out_channels)):
        if count % groups:
            raise ValueError(
                f"{which} must be divisible by groups: {which}={count}, groups={groups}: choose a divisor of {count}."
            )


def _padding_mode(mode: str, padding: Any, stride: Sizes) -> str:
    if mode not in MODES:
        raise ValueError(f"padding_mode must be one of {MODES}, but got padding_mode='{mode}'")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of 'valid', 'same'")
        if padding == "same" and any(s != 1 for s in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    return mode


class _Conv(_ConvNd):
    """A convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sizes,
        stride: int | Sizes = 1,
        padding: int | Sizes | str = 0,
        dilation: int | Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        """b + x ⋆ W"""
        return self._convolved(input)


class Conv1d(_Conv):
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c]          weight (O, C/groups, K), bias (O,)

    x (N, C, L) → (N, O, M); see Conv2d.

    >>> nn.Conv1d(3, 6, kernel_size=5)(torch.zeros(2, 3, 20)).shape
    torch.Size([2, 6, 16])
    """

    _function: ClassVar[str] = "nn.functional.conv1d(x, weight, bias)"
    _dims = 1


class Conv2d(_Conv):
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c]          weight (O, C/groups, KH, KW), bias (O,)

    x (N, C, H, W) → (N, O, OH, OW) with OH = ⌊(H + 2 padding - dilation (KH - 1) - 1) / stride⌋ + 1.
    ``padding`` may be "same" or "valid"; ``padding_mode`` says what stands beyond the edge: "zeros", "reflect",
    "replicate" or "circular".

    >>> nn.Conv2d(1, 6, kernel_size=3)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 6, 6, 6])
    """

    _function: ClassVar[str] = "nn.functional.conv2d(x, weight, bias)"
    _dims = 2


class Conv3d(_Conv):
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c]          weight (O, C/groups, KD, KH, KW), bias (O,)

    x (N, C, D, H, W) → (N, O, OD, OH, OW); see Conv2d.

    >>> nn.Conv3d(1, 2, kernel_size=3, padding=1)(torch.zeros(1, 1, 4, 5, 6)).shape
    torch.Size([1, 2, 4, 5, 6])
    """

    _function: ClassVar[str] = "nn.functional.conv3d(x, weight, bias)"
    _dims = 3


class _ConvTranspose(_ConvNd):
    """A transposed convolution."""

    _transposed = True
    padding: Sizes

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sizes,
        stride: int | Sizes = 1,
        padding: int | Sizes = 0,
        output_padding: int | Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        if isinstance(padding, str):
            raise ValueError(f"{type(self).__name__}: expected padding as numbers, got {padding!r}.")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; ``output_size`` says which of the sizes that convolve to the input's."""
        more = self.output_padding if output_size is None else self._beyond(input, tuple(output_size))
        function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self._dims - 1]
        return function(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def _beyond(self, input: Tensor, output_size: Sizes) -> Sizes:
        """The output_padding that gives ``output_size``."""
        dims, ndim = self._dims, input.dim()
        lead = ndim - dims
        wanted = output_size[lead:] if len(output_size) == lead + dims else output_size
        if len(wanted) != dims:
            raise ShapeError(
                f"ConvTranspose{dims}D: for {ndim}D input, output_size must have {dims} or {ndim} elements "
                f"(got {len(output_size)})"
            )
        spans = zip(input.shape[lead:], self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in spans]
        most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
        if not all(a <= n <= b for a, n, b in zip(least, wanted, most, strict=True)):
            raise ShapeError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to {most} (for an input of "
                f"{input.shape[lead:]})"
            )
        return tuple(n - a for n, a in zip(wanted, least, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """Each x[n, c, i] spreads over a window of y: the adjoint of Conv1d.

    weight (C, O/groups, K), bias (O,);  x (N, C, L) → (N, O, M); see ConvTranspose2d.

    >>> nn.ConvTranspose1d(3, 6, kernel_size=4, stride=2)(torch.zeros(2, 3, 5)).shape
    torch.Size([2, 6, 12])
    """

    _function: ClassVar[str] = "nn.functional.conv_transpose1d(x, weight, bias)"
    _dims = 1


class ConvTranspose2d(_ConvTranspose):
    """Each x[n, c, i, j] spreads over a window of y: the adjoint of Conv2d.

    weight (C, O/groups, KH, KW), bias (O,);  x (N, C, H, W) → (N, O, OH, OW) with
    OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1.

    >>> nn.ConvTranspose2d(8, 4, kernel_size=4, stride=2, padding=1)(torch.zeros(1, 8, 7, 7)).shape
    torch.Size([1, 4, 14, 14])
    """

    _function: ClassVar[str] = "nn.functional.conv_transpose2d(x, weight, bias)"
    _dims = 2


class ConvTranspose3d(_ConvTranspose):
    """Each element of x spreads over a window of y: the adjoint of Conv3d.

    weight (C, O/groups, KD, KH, KW), bias (O,);  x (N, C, D, H, W) → (N, O, OD, OH, OW); see ConvTranspose2d.
    """

    _function: ClassVar[str] = "nn.functional.conv_transpose3d(x, weight, bias)"
    _dims = 3
