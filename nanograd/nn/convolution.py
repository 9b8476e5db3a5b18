"""Layers for images, and those that only change shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from nanograd.errors import MissingError
from nanograd.nn import functional as F
from nanograd.nn.linear import _size, reset_weight_and_bias
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.ops.extents import each
from nanograd.ops.creation import empty
from nanograd.ops.shape import flatten, one_dim
from nanograd.tensors import Tensor

__all__ = ["Conv2d", "Flatten", "MaxPool2d", "Unflatten"]

Pair = tuple[int, int]


class Conv2d(Module):
    """y[n, o] = b[o] + Σ_c x[n, c] ⋆ W[o, c]          weight (O, C/groups, KH, KW), bias (O,)

    x (N, C, H, W) → (N, O, OH, OW) with OH = ⌊(H + 2 padding - dilation (KH - 1) - 1) / stride⌋ + 1.
    ``padding`` may be "same" or "valid"; ``padding_mode`` says what stands beyond the edge.

    >>> nn.Conv2d(1, 6, kernel_size=3)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 6, 6, 6])
    """

    _function: ClassVar[str] = "nn.functional.conv2d(x, weight, bias)"

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_channels = _size("Conv2d", "in_channels", in_channels)
        self.out_channels = _size("Conv2d", "out_channels", out_channels)
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups or out_channels % groups:
            which = "in_channels" if in_channels % groups else "out_channels"
            raise ValueError(f"{which} must be divisible by groups: {in_channels} -> {out_channels}, groups={groups}.")
        self.kernel_size = each("Conv2d kernel_size", kernel_size, 2)
        self.stride = each("Conv2d stride", stride, 2)
        self.padding = padding if isinstance(padding, str) else each("Conv2d padding", padding, 2)
        self.dilation = each("Conv2d dilation", dilation, 2)
        self.groups = groups
        self.padding_mode = _padding_mode(padding_mode, self.padding, self.stride)
        self.weight = Parameter(
            empty(out_channels, in_channels // groups, *self.kernel_size, device=device, dtype=dtype)
        )
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        reset_weight_and_bias(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """b + x ⋆ W"""
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._edges(), self.padding_mode), 0  # type: ignore[assignment]
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _edges(self) -> tuple[int, ...]:
        """(left, right, top, bottom)"""
        if self.padding == "valid":
            return (0, 0, 0, 0)
        if self.padding == "same":
            reach = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return (reach[1] // 2, reach[1] - reach[1] // 2, reach[0] // 2, reach[0] - reach[0] // 2)
        assert not isinstance(self.padding, str)
        return (self.padding[1], self.padding[1], self.padding[0], self.padding[0])

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


def _padding_mode(mode: str, padding: Any, stride: Pair) -> str:
    modes = ("zeros", "reflect", "replicate", "circular")
    if mode not in modes:
        raise ValueError(f"padding_mode must be one of {modes}, but got padding_mode='{mode}'")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of 'valid', 'same'")
        if padding == "same" and stride != (1, 1):
            raise ValueError("padding='same' is not supported for strided convolutions")
    return mode


class MaxPool2d(Module):
    """y = the greatest element under each window: (N, C, H, W) → (N, C, OH, OW); the stride is the window's size.

    >>> nn.MaxPool2d(2)(torch.zeros(1, 3, 8, 8)).shape
    torch.Size([1, 3, 4, 4])
    """

    _function: ClassVar[str] = "nn.functional.max_pool2d(x, kernel_size)"

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        each("MaxPool2d kernel_size", kernel_size, 2)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """The greatest elements, and with ``return_indices`` their places in H·W."""
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class Flatten(Module):
    """Dimensions start_dim ... end_dim made one: (N, C, H, W) → (N, C·H·W).

    >>> nn.Flatten()(torch.zeros(2, 3, 4)).shape
    torch.Size([2, 12])
    """

    _function: ClassVar[str] = "torch.flatten(x, 1)"

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """The input with those dimensions made one."""
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Dimension ``dim`` split into ``unflattened_size``: the inverse of Flatten.

    >>> nn.Unflatten(1, (3, 4))(torch.zeros(2, 12)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if isinstance(dim, str):
            raise MissingError("Unflatten: named dimensions are not supported; give the number of the dimension.")
        if not isinstance(unflattened_size, (tuple, list)) or not all(isinstance(s, int) for s in unflattened_size):
            raise TypeError(f"unflattened_size must be a tuple of ints, but found {unflattened_size!r}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """The input with that dimension split."""
        shape = input.shape
        d = one_dim("Unflatten", self.dim, len(shape))
        return input.reshape(*shape[:d], *self.unflattened_size, *shape[d + 1 :])

    def extra_repr(self) -> str:
        """The dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
