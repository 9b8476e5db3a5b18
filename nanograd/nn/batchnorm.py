"""Layers that bring channels to one scale, with a memory of what they saw: batch and instance normalization."""

from __future__ import annotations

from typing import Any, ClassVar

from nanograd.errors import ShapeError
from nanograd.nn import functional as F
from nanograd.nn.lazy import LazyModule
from nanograd.nn.normalization import _Affine
from nanograd.nn.parameter import UninitializedParameter
from nanograd.ops.creation import ones, tensor, zeros
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d",
]  # fmt: skip


class _Running(_Affine):
    """A layer that keeps running statistics of its channels, as buffers."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _dims: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._make((num_features,), affine, affine and bias, device, dtype)
        self._remember(num_features, device, dtype)
        self.reset_parameters()

    def _remember(self, channels: int, device: Any, dtype: Any) -> None:
        there = self.track_running_stats
        self.register_buffer("running_mean", zeros(channels, device=device, dtype=dtype) if there else None)
        self.register_buffer("running_var", ones(channels, device=device, dtype=dtype) if there else None)
        self.register_buffer("num_batches_tracked", tensor(0, device=device) if there else None)

    def reset_running_stats(self) -> None:
        """Forget what was seen: mean 0, variance 1."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget what was seen; weights 1, biases 0."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_dims(self, x: Tensor) -> None:
        if x.array.ndim not in self._dims:
            expected = " or ".join(f"{d}D" for d in self._dims)
            raise ShapeError(
                f"{type(self).__name__}: expected {expected} input (got {x.array.ndim}D input, of shape "
                f"{tuple(x.array.shape)})"
            )

    def _expect_state(self, state: dict[str, Any], prefix: str) -> None:
        """A state from before torch 0.4.1 has no count of batches: 0 then."""
        if self.num_batches_tracked is not None and f"{prefix}running_mean" in state:
            state.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Running):
    _function: ClassVar[str] = "nn.functional.batch_norm(x, running_mean, running_var)"

    def forward(self, input: Tensor) -> Tensor:
        """(x - μ) / √(σ² + eps) · w + b"""
        self._check_dims(input)
        counting = self.training and self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if counting or not self.training else None,
            self.running_var if counting or not self.training else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None or self.running_var is None,
            self._count() if counting else 0.0,
            self.eps,
        )

    def _count(self) -> float:
        """Count this batch; how far the running statistics move: ``momentum``, or 1/count for the mean of all."""
        if self.num_batches_tracked is None:
            return self.momentum or 0.0
        with no_grad():
            self.num_batches_tracked.add_(1)
        return 1.0 / self.num_batches_tracked.item() if self.momentum is None else self.momentum


class BatchNorm1d(_BatchNorm):
    """y = (x - μ) / √(σ² + eps) · w + b for each channel          weight and bias (C,);  x (N, C) or (N, C, L)

    In training μ and σ² are those of the batch, and the running ones move by ``momentum`` towards them (None: they are
    the mean over all batches); in evaluation they are the running ones.

    >>> norm = nn.BatchNorm1d(1)
    >>> norm(torch.tensor([[1.], [3.]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    >>> norm.running_mean
    tensor([0.2000])
    """

    _dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """As BatchNorm1d, for images          weight and bias (C,);  x (N, C, H, W)"""

    _dims = (4,)


class BatchNorm3d(_BatchNorm):
    """As BatchNorm1d, for volumes          weight and bias (C,);  x (N, C, D, H, W)"""

    _dims = (5,)


class _LazyBatchNorm(LazyModule, _BatchNorm):
    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, track_running_stats, device, dtype)
        self.affine = affine
        for name, there in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, UninitializedParameter(device=device, dtype=dtype) if there else None)
        self._where = {"device": device, "dtype": dtype}

    def _fix(self, input: Tensor) -> None:
        self._check_dims(input)
        if not self.num_features:
            self._take(input.shape[1])
            self.reset_parameters()

    def _take(self, channels: int) -> None:
        """Make what is kept for each channel."""
        self.num_features = channels
        self._make((channels,), self.weight is not None, self.bias is not None, **self._where)
        self._remember(channels, **self._where)

    def reset_parameters(self) -> None:
        """Nothing, until the number of channels is known."""
        if self.num_features:
            super().reset_parameters()

    def _expect_state(self, state: dict[str, Any], prefix: str) -> None:
        given = next((state[k] for k in (f"{prefix}weight", f"{prefix}running_mean") if k in state), None)
        if not self.num_features and isinstance(given, Tensor) and given.array.size:
            self._take(given.array.size)
        super()._expect_state(state, prefix)


class LazyBatchNorm1d(_LazyBatchNorm):
    """A BatchNorm1d whose number of channels is that of the first input."""

    becomes = BatchNorm1d
    _dims = (2, 3)


class LazyBatchNorm2d(_LazyBatchNorm):
    """A BatchNorm2d whose number of channels is that of the first input."""

    becomes = BatchNorm2d
    _dims = (4,)


class LazyBatchNorm3d(_LazyBatchNorm):
    """A BatchNorm3d whose number of channels is that of the first input."""

    becomes = BatchNorm3d
    _dims = (5,)


class _InstanceNorm(_Running):
    _function: ClassVar[str] = "nn.functional.instance_norm(x)"

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """(x - μ) / √(σ² + eps) · w + b"""
        self._check_dims(input)
        if input.array.ndim == self._dims[0]:  # one sample
            return self._apply_norm(input.unsqueeze(0)).squeeze(0)
        return self._apply_norm(input)

    def _apply_norm(self, x: Tensor) -> Tensor:
        if x.array.shape[1] != self.num_features and (self.affine or self.track_running_stats):
            raise ShapeError(
                f"{type(self).__name__}: expected input's size at dim=1 to match num_features ({self.num_features}), "
                f"but got: {x.array.shape[1]}."
            )
        return F.instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats, self.momentum or 0.0, self.eps,
        )  # fmt: skip


class InstanceNorm1d(_InstanceNorm):
    """y = (x - μ) / √(σ² + eps) · w + b for each channel of each sample          x (N, C, L) or (C, L)"""

    _dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """As InstanceNorm1d, for images          x (N, C, H, W) or (C, H, W)"""

    _dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """As InstanceNorm1d, for volumes          x (N, C, D, H, W) or (C, D, H, W)"""

    _dims = (4, 5)
