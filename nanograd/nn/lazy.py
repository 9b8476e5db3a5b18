"""Layers that learn the size of their input from the first one."""

from __future__ import annotations

from typing import Any, ClassVar

from nanograd.errors import ShapeError
from nanograd.nn.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    check_groups,
)
from nanograd.nn.linear import Linear, reset_weight_and_bias
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter, UninitializedParameter
from nanograd.ops.creation import empty
from nanograd.ops.extents import Sizes
from nanograd.tensors import Tensor

__all__ = [
    "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
    "LazyLinear", "LazyModule",
]  # fmt: skip


class LazyModule(Module):
    """A module whose parameters wait for their shapes; after the first call it is of the class ``becomes``.

    A subclass takes from the first input what it needs in ``_fix(input)``, and gives its parameters their shapes there.
    """

    becomes: ClassVar[type[Module]]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take the shapes from the first input, become the plain layer, and run it."""
        self._fix(args[0] if args else kwargs["input"])
        self.__class__ = self.becomes  # type: ignore[assignment]
        return self(*args, **kwargs)

    def _fix(self, input: Tensor) -> None:
        raise NotImplementedError(f"{type(self).__name__}: define _fix(input).")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """As any module's; a parameter that waits for its shape stays the object that an optimizer may hold."""
        old = self.__dict__.get("_parameters", {}).get(name)
        if isinstance(old, UninitializedParameter) and type(param) is Parameter:
            old.data = param
            old.__class__ = Parameter  # type: ignore[assignment]
            return
        super().register_parameter(name, param)

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter still waits for its shape."""
        return any(isinstance(p, UninitializedParameter) for p in self._parameters.values())

    def _expect_state(self, state: dict[str, Any], prefix: str) -> None:
        """Take the shapes from a state that is about to be loaded."""
        for name, p in self._parameters.items():
            value = state.get(prefix + name)
            if isinstance(p, UninitializedParameter) and isinstance(value, Tensor):
                _settle(p, value.shape)


def _settle(p: Parameter | None, shape: Sizes) -> None:
    """Give a parameter its shape: it stays the object that an optimizer may hold."""
    if isinstance(p, UninitializedParameter):
        wanted = p.requires_grad
        p.array = empty(shape, dtype=p.dtype, device=p.device).array
        p.node = p.storage = None
        p.__class__ = Parameter  # type: ignore[assignment]
        p.requires_grad_(wanted)


class LazyLinear(LazyModule, Linear):
    """y = x Wᵀ + b          in_features from the first input

    >>> layer = nn.LazyLinear(2)
    >>> layer(torch.ones(5, 3)).shape
    torch.Size([5, 2])
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    """

    becomes = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False, device, dtype)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.bias = UninitializedParameter(device=device, dtype=dtype) if bias else None

    def _fix(self, input: Tensor) -> None:
        if self.has_uninitialized_params():
            _settle(self.weight, (self.out_features, input.shape[-1]))
            _settle(self.bias, (self.out_features,))
            self.reset_parameters()
        self.in_features = self.weight.shape[1]


class _LazyConv(LazyModule):
    """A convolution that takes its in_channels from the first input."""

    _dims: ClassVar[int]
    _transposed: ClassVar[bool]
    out_channels: int
    in_channels: int
    groups: int
    kernel_size: Sizes
    weight: Parameter
    bias: Parameter | None

    def _wait(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.bias = UninitializedParameter(device=device, dtype=dtype) if bias else None

    def _fix(self, input: Tensor) -> None:
        if self.has_uninitialized_params():
            _settle(self.weight, self._weight_shape(input.shape))
            _settle(self.bias, (self.out_channels,))
            reset_weight_and_bias(self.weight, self.bias)
        shape = self.weight.shape
        self.in_channels = shape[0] if self._transposed else shape[1] * self.groups

    def _weight_shape(self, shape: Sizes) -> Sizes:
        dims, groups, out = self._dims, self.groups, self.out_channels
        if len(shape) not in (dims + 1, dims + 2):
            raise ShapeError(
                f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {type(self).__name__}, but got "
                f"input of size: {shape}"
            )
        have = shape[-dims - 1]
        check_groups(have, out, groups)
        return (*((have, out // groups) if self._transposed else (out, have // groups)), *self.kernel_size)


class _LazyForward(_LazyConv):
    def __init__(
        self,
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
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)  # type: ignore[call-arg]
        self._wait(out_channels, bias, device, dtype)


class LazyConv1d(_LazyForward, Conv1d):
    """Conv1d whose in_channels come from the first input."""

    becomes = Conv1d


class LazyConv2d(_LazyForward, Conv2d):
    """Conv2d whose in_channels come from the first input.

    >>> layer = nn.LazyConv2d(6, kernel_size=3)
    >>> layer(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 6, 6, 6])
    >>> layer
    Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1))
    """

    becomes = Conv2d


class LazyConv3d(_LazyForward, Conv3d):
    """Conv3d whose in_channels come from the first input."""

    becomes = Conv3d


class _LazyTransposed(_LazyConv):
    def __init__(
        self,
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
        super().__init__(  # type: ignore[call-arg]
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode, device, dtype
        )
        self._wait(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyTransposed, ConvTranspose1d):
    """ConvTranspose1d whose in_channels come from the first input."""

    becomes = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposed, ConvTranspose2d):
    """ConvTranspose2d whose in_channels come from the first input."""

    becomes = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposed, ConvTranspose3d):
    """ConvTranspose3d whose in_channels come from the first input."""

    becomes = ConvTranspose3d
