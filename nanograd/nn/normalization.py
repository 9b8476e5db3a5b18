"""Layers that bring their input to one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from nanograd.nn import functional as F
from nanograd.nn import init
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.ops.creation import empty
from nanograd.tensors import Tensor

__all__ = ["GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class _Affine(Module):
    """A layer that ends in · weight + bias, where it has them."""

    weight: Parameter | None
    bias: Parameter | None

    def _make(self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        for name, there in (("weight", weight), ("bias", bias)):
            self.register_parameter(name, Parameter(empty(shape, device=device, dtype=dtype)) if there else None)

    def reset_parameters(self) -> None:
        """Weights 1, biases 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


def _sizes(shape: int | Sequence[int]) -> tuple[int, ...]:
    return (int(shape),) if hasattr(shape, "__index__") else tuple(shape)


class LayerNorm(_Affine):
    """y = (x - μ) / √(σ² + eps) · w + b          weight and bias of normalized_shape;  x (…, *normalized_shape)

    μ and σ² are the mean and the variance of each sample over the last dimensions.

    >>> nn.LayerNorm(3)(torch.tensor([[1., 2., 3.]])).detach()
    tensor([[-1.2247,  0.0000,  1.2247]])
    """

    _function: ClassVar[str] = "nn.functional.layer_norm(x, normalized_shape)"

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """(x - μ) / √(σ² + eps) · w + b"""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """y = x / √(mean x² + eps) · w          weight of normalized_shape;  x (…, *normalized_shape)"""

    _function: ClassVar[str] = "nn.functional.rms_norm(x, normalized_shape)"

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _sizes(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """x / √(mean x² + eps) · w"""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """y = (x - μ) / √(σ² + eps) · w + b          weight and bias (C,);  x (N, C, …)

    μ and σ² are those of a group of channels of each sample.  Raises ValueError where C is not divisible.
    """

    _function: ClassVar[str] = "nn.functional.group_norm(x, num_groups)"

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make((num_channels,), affine, affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """(x - μ) / √(σ² + eps) · w + b"""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """y[c] = x[c] / (k + alpha · mean of x² over ``size`` neighboring channels)^beta          x (N, C, …)"""

    _function: ClassVar[str] = "nn.functional.local_response_norm(x, size)"

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """x / (k + alpha · mean x²)^beta"""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The constants."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
