"""Bringing groups of numbers to mean 0 and variance 1: over the last dimensions, or over a batch."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nanograd.errors import ShapeError
from nanograd.kernels import memory
from nanograd.kernels import standardize as k
from nanograd.ops.activation import expect_curve
from nanograd.ops.arithmetic import add
from nanograd.ops.op import fuses, op, record, records, titled, wrap
from nanograd.ops.reduction import sum as sum_
from nanograd.ops.shape import to_shape
from nanograd.ops.statistics import var_mean

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["batch_norm", "by_channel", "last_dims", "layer_norm"]


# Over the last dimensions


@op("NativeLayerNorm")
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """y = (x - μ) / √(σ² + eps) · w + b, μ and σ² the mean and the variance over the last dimensions.

    Shapes: x (…, *normalized_shape); w and b of normalized_shape.  Raises ShapeError where they do not fit, DTypeError
    for what are not floats.

    >>> layer_norm(torch.tensor([[1., 2., 3.]]), (3,))
    tensor([[-1.2247,  0.0000,  1.2247]])
    """
    x, dims = input, last_dims("layer_norm", input, normalized_shape, weight, bias)
    variance, mean = var_mean(x, dims, unbiased=False, keepdim=True)
    y = (x - mean) * (variance + eps).rsqrt()
    y = y if weight is None else y * weight
    return titled((y if bias is None else y + bias).to(x.dtype), "NativeLayerNormBackward0")


def last_dims(
    name: str, x: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None = None
) -> tuple[int, ...]:
    """The dimensions that ``normalized_shape`` means, the last ones.  Raises ShapeError, DTypeError."""
    expect_curve(name, x)
    shape = tuple(normalized_shape)
    if not shape:
        raise ShapeError(f"{name}: Expected normalized_shape to be at least 1-dimensional, got [].")
    for what, p in (("weight", weight), ("bias", bias)):
        if p is not None and tuple(p.array.shape) != shape:
            raise ShapeError(
                f"{name}: Expected {what} to be of same shape as normalized_shape, but got {what} of shape "
                f"{list(p.array.shape)} and normalized_shape = {list(shape)}."
            )
    if tuple(x.array.shape[-len(shape) :]) != shape:
        sizes = "".join(f", {n}" for n in shape)
        raise ShapeError(
            f"{name}: Given normalized_shape={list(shape)}, expected input with shape [*{sizes}], but got input of "
            f"size{list(x.array.shape)}: its last dimensions are the ones that are normalized."
        )
    return tuple(range(-len(shape), 0))


@fuses(layer_norm, k.layer_norm, k.layer_norm_grad, k.layer_norm_grad_weight, k.layer_norm_grads)
def layer_norm_fused(
    x: Tensor, normalized_shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> Any:
    """A pass for the statistics and one for the result, each way."""
    last_dims("layer_norm", x, normalized_shape, weight, bias)
    if not x.array.size:
        return NotImplemented
    n, shape = math.prod(normalized_shape), tuple(normalized_shape)
    w, b = (None if p is None else p.array for p in (weight, bias))
    y, m, s = k.layer_norm(x.array, w, b, n, eps)
    mean, scale = wrap(m), wrap(s)
    if weight is not None and bias is not None and None not in (x.node, weight.node, bias.node):
        back = _layer_all_back(x, weight, mean, scale, shape, n)
        return titled(record(y, (x, back), (weight, back), (bias, back)), "NativeLayerNormBackward0")
    edges: list[Any] = [(x, lambda g: _layer_back(g, x, weight, mean, scale, n))]
    if weight is not None:
        edges.append(
            (weight, lambda g: wrap(k.layer_norm_grad_weight(g.array, x.array, mean.array, scale.array, shape, n)))
        )
    return record(y, *edges) if bias is None else record(y, *edges, (bias, lambda g: g))


def _layer_all_back(
    x: Tensor, weight: Tensor, mean: Tensor, scale: Tensor, shape: tuple[int, ...], n: int
) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """The pullback that x, the weight and the bias share."""

    def back(g: Tensor) -> tuple[Tensor, ...]:
        found = k.layer_norm_grads(g.array, x.array, weight.array, mean.array, scale.array, shape, n)
        return tuple(wrap(change) for change in found)

    return back


def _layer_back(g: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, scale: Tensor, n: int) -> Tensor:
    w = None if weight is None else weight.array
    return wrap(k.layer_norm_grad(g.array, x.array, w, mean.array, scale.array, n))


# Over a batch: the statistics come with the result, for running ones to move towards


@op("NativeBatchNorm")
def batch_norm(
    input: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> tuple[Tensor, ...]:
    """(y, μ, σ²): y = (x - μ) / √(σ² + eps) · w + b, μ and σ² the mean and the variance of each channel.

    Shapes: x (N, C, …); w, b, μ and σ² (C,).  σ² divides by the number of elements.
    """
    x = input
    dims = (0, *range(2, x.array.ndim))
    variance, mean = var_mean(x, dims, unbiased=False, keepdim=True)
    y = (x - mean) * (variance + eps).rsqrt()
    y = y if weight is None else y * by_channel(weight, x)
    y = y if bias is None else y + by_channel(bias, x)
    return titled(y.to(x.dtype), "NativeBatchNormBackward0"), mean.reshape(-1), variance.reshape(-1)


def by_channel(p: Tensor, x: Tensor) -> Tensor:
    """p (C,) as (C, 1, …), which meets the channels of x (N, C, …)."""
    return to_shape(p, (p.array.size,) + (1,) * (x.array.ndim - 2))


@fuses(batch_norm, k.batch_norm, k.batch_norm_grad, k.batch_norm_grad_weight)
def batch_norm_fused(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
    """A pass for the statistics and one for the result, each way."""
    if not x.array.size or x.array.dtype.char not in "fd":
        return NotImplemented
    w, b = (None if p is None else p.array for p in (weight, bias))
    y, m, v, s = k.batch_norm(x.array, w, b, eps)
    mean, scale, dims = wrap(m), wrap(s), (0, *range(2, x.array.ndim))
    edges: list[Any] = [(x, lambda g, gm, gv: _batch_back(g, gm, gv, x, weight, mean, scale))]
    if weight is not None:
        edges.append((weight, lambda g, gm, gv: _scale_back(g, x, mean, scale)))
    if bias is not None:
        edges.append((bias, lambda g, gm, gv: None if g is None else sum_(g, dims)))
    return records((y, memory.copy(memory.reshape(m, m.shape[:1])), memory.reshape(v, m.shape[:1])), *edges)


def _batch_back(
    g: Tensor | None,
    gm: Tensor | None,
    gv: Tensor | None,
    x: Tensor,
    weight: Tensor | None,
    mean: Tensor,
    scale: Tensor,
) -> Tensor | None:
    """What flows back through y, through the mean and through the variance, where something came."""
    n, found = x.array.size // x.array.shape[1], []
    if g is not None:
        w = None if weight is None else weight.array
        found.append(wrap(k.batch_norm_grad(g.array, x.array, w, mean.array, scale.array)))
    if gm is not None:
        found.append((by_channel(gm, x) / n).expand(x.array.shape))
    if gv is not None:
        found.append((x - by_channel(to_shape(mean, gv.array.shape), x)) * by_channel(gv * (2 / n), x))
    return functools.reduce(add, found) if found else None


def _scale_back(g: Tensor | None, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor | None:
    return None if g is None else wrap(k.batch_norm_grad_weight(g.array, x.array, mean.array, scale.array))
