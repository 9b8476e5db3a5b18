"""Inputs brought to one scale: over the last dimensions, over a batch, over groups of channels, over neighbors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nanograd import dtypes
from nanograd.errors import ShapeError
from nanograd.nn.functional.padding import pad
from nanograd.ops.activation import expect_curve
from nanograd.ops.op import titled
from nanograd.ops.refusing import no_tensor
from nanograd.ops.standardize import batch_norm as standardized
from nanograd.ops.standardize import by_channel, last_dims, layer_norm
from nanograd.tape import no_grad
from nanograd.tensors import Size, Tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm"]


# Over a batch


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - μ) / √(σ² + eps) · w + b for each channel: μ and σ² of this batch in training, else the running ones.

    Shapes: x (N, C, …), all others (C,).  In training the running statistics move by ``momentum`` towards those of the
    batch; the running variance is the unbiased one.  Raises ValueError for one value per channel in training,
    ShapeError for sizes that do not fit.
    """
    _check_channels("batch_norm", input, running_mean, running_var, weight, bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ShapeError(
                "batch_norm: Expected running_mean and running_var to be defined when training=False: give both, or "
                "training=True."
            )
        return _by_statistics(input, running_mean, running_var, weight, bias, eps)
    count = _per_channel(input)
    y, mean, variance = standardized(input, weight, bias, eps)
    _move(running_mean, mean.detach(), momentum)
    _move(running_var, variance.detach() * (count / max(count - 1, 1)), momentum)
    return y


def _check_channels(name: str, x: Tensor, *others: Tensor | None) -> None:
    """Raises ShapeError unless x is (N, C, …) and the others are (C,)."""
    expect_curve(name, x)
    if x.array.ndim < 2:
        raise ShapeError(f"{name}: expected an input (N, C, …), got shape {tuple(x.array.shape)}.")
    channels = x.array.shape[1]
    for what, p in zip(("running_mean", "running_var", "weight", "bias"), others, strict=True):
        if p is not None and tuple(p.array.shape) != (channels,):
            raise ShapeError(
                f"{name}: {what} should contain {channels} elements not {p.array.size}: the input of shape "
                f"{tuple(x.array.shape)} has {channels} channels."
            )


def _per_channel(x: Tensor) -> int:
    """How many values a channel has.  Raises ShapeError for one: its variance is 0, and nothing could be learned."""
    count: int = x.array.size // max(x.array.shape[1], 1)
    if count == 1:
        raise ShapeError(
            f"Expected more than 1 value per channel when training, got input size {Size(x.array.shape)}. Use a batch "
            "of at least 2, DataLoader(..., drop_last=True) where the last one is shorter, or model.eval()."
        )
    return count


def _by_statistics(
    x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """(x - μ) / √(σ² + eps) · w + b, as one product and one sum."""
    factor = (variance + eps).rsqrt()
    factor = factor if weight is None else factor * weight
    shift = -mean * factor if bias is None else bias - mean * factor
    y = x * by_channel(factor, x) + by_channel(shift, x)
    return titled(y.to(x.dtype), "NativeBatchNormBackward0")


def _move(running: Tensor | None, found: Tensor, momentum: float) -> None:
    """running ← (1 - momentum) · running + momentum · found"""
    if running is not None:
        with no_grad():
            running.mul_(1 - momentum).add_(found.to(running.dtype), alpha=momentum)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - μ) / √(σ² + eps) · w + b for each channel of each sample: x (N, C, …), all others (C,).

    With ``use_input_stats`` μ and σ² are those of the channel of the sample, and the running ones move towards their
    mean over the samples; else they are the running ones.  Raises ValueError for one value per channel of a sample.
    """
    _check_channels("instance_norm", input, running_mean, running_var, weight, bias)
    n, channels, *rest = input.array.shape
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ShapeError(
                "instance_norm: Expected running_mean and running_var to be defined when use_input_stats is false."
            )
        return titled(_by_statistics(input, running_mean, running_var, weight, bias, eps), "ViewBackward0")
    count = math.prod(rest)
    if count == 1:
        raise ShapeError(
            f"Expected more than 1 spatial element when training, got input size {Size(input.array.shape)}: the "
            "variance of one value is 0. Use nn.BatchNorm, or a layer before that keeps more."
        )
    w, b = (None if p is None else p.repeat(n) for p in (weight, bias))
    y, mean, variance = standardized(input.reshape(1, n * channels, *rest), w, b, eps)  # every sample's own channels
    if n:
        mean, variance = (s.detach().view(n, channels).mean(0) for s in (mean, variance))
        _move(running_mean, mean, momentum)
        _move(running_var, variance * (count / max(count - 1, 1)), momentum)
    return y.view(input.array.shape)


# Over each sample


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """y = (x - μ) / √(σ² + eps) · w + b, μ and σ² those of a group of channels of a sample.

    Shapes: x (N, C, …), w and b (C,); C channels in num_groups groups.  Raises ShapeError where they do not divide,
    ValueError for one value per group.
    """
    _check_channels("group_norm", input, None, None, weight, bias)
    n, channels, *rest = input.array.shape
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(
            "group_norm: Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.array.shape)} and num_groups={num_groups}."
        )
    size = channels // num_groups * math.prod(rest)
    if n * size == 1:
        grouped = Size((n * channels // num_groups, num_groups, *rest))
        raise ShapeError(f"Expected more than 1 value per channel when training, got input size {grouped}.")
    y = layer_norm(input.reshape(n, num_groups, size), (size,), None, None, eps).view(input.array.shape)
    y = y if weight is None else y * by_channel(weight, input)
    y = y if bias is None else y + by_channel(bias, input)
    return titled(y.to(input.dtype), "NativeGroupNormBackward0")


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """y = x / √(mean x² + eps) · w over the last dimensions; eps is the dtype's smallest step at 1 if None.

    Shapes: x (…, *normalized_shape), w of normalized_shape.  Source: B. Zhang and R. Sennrich, Root Mean Square Layer
    Normalization, NeurIPS 2019.
    """
    dims = last_dims("rms_norm", input, normalized_shape, weight)
    x = input.float() if input.dtype is dtypes.float16 else input
    y = x * ((x * x).mean(dims, True) + (dtypes.finfo(input.dtype).eps if eps is None else eps)).rsqrt()
    y = y if weight is None else y * weight
    return y.to(input.dtype) if x is not input else y


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """y[c] = x[c] / (k + alpha · mean of x² over ``size`` neighboring channels)^beta; channels outside count as 0.

    Shape: (N, C, …), at least three dimensions.  Source: A. Krizhevsky et al., ImageNet Classification with Deep
    Convolutional Neural Networks, NeurIPS 2012.
    """
    if input.array.ndim < 3:
        raise ShapeError(
            "local_response_norm: Expected 3D or higher dimensionality input (got "
            f"{input.array.ndim} dimensions): (N, C, …)."
        )
    if not input.array.size:
        return input
    channels = input.array.shape[1]
    squares = pad(input * input, (0, 0) * (input.array.ndim - 2) + (size // 2, (size - 1) // 2))
    total = squares.narrow(1, 0, channels)
    for i in range(1, size):
        total = total + squares.narrow(1, i, channels)
    return input / (total * (alpha / size) + k) ** beta


def normalize(input: Tensor, p: float = 2.0, dim: int | Sequence[int] = 1, eps: float = 1e-12) -> Tensor:
    """y = x / max(‖x‖ₚ, eps) along ``dim``."""
    try:
        return input / input.norm(p, dim, True).clamp_min(eps)
    except AttributeError as error:
        raise no_tensor(error) from None
