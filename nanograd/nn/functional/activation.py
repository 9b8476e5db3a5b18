"""Functions of each element, and of the elements along a dimension."""

from __future__ import annotations

import math
import warnings
from typing import Any

from nanograd.dtypes import DType
from nanograd.errors import ShapeError
from nanograd.ops import activation as ops
from nanograd.ops import elementary
from nanograd.ops.activation import gelu, glu, hardshrink, logsigmoid, prelu, softplus, softshrink
from nanograd.ops.comparison import where
from nanograd.ops.creation import zeros_like
from nanograd.ops.elementary import sigmoid, tanh
from nanograd.ops.normalization import log_softmax as _log_softmax
from nanograd.ops.normalization import softmax as _softmax
from nanograd.ops.op import titled
from nanograd.ops.sampling import rand_like
from nanograd.ops.writing import in_place
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6",
    "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold", "threshold_",
]  # fmt: skip


def placed(x: Tensor, y: Tensor, inplace: bool, name: str) -> Tensor:
    """y, or x with y written into it."""
    return in_place(x, y, name) if inplace else y


def _renamed(x: Tensor, y: Tensor, name: str, title: str) -> Tensor:
    """x with y written into it; torch counts its own formula for the way back: ``EluBackward1``."""
    return in_place(x, titled(y, title), name)


# Straight lines with a bend


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = max(x, 0)"""
    return relu_(input) if inplace else elementary.relu(input)


def relu_(input: Tensor) -> Tensor:
    """``relu``, written into the input."""
    return in_place(input, elementary.relu(input), "relu_")


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """y = min(max(x, 0), 6)"""
    return placed(input, ops.hardtanh(input, 0, 6), inplace, "relu6_")


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else negative_slope · x."""
    return leaky_relu_(input, negative_slope) if inplace else ops.leaky_relu(input, negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """``leaky_relu``, written into the input."""
    return _renamed(input, ops.leaky_relu(input, negative_slope), "leaky_relu_", "LeakyReluBackward1")


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """y = x for x > 0, else a · x: a random in [lower, upper] for each element, their mean when not training.

    Raises ShapeError where lower is above upper, or not finite.
    """
    if not (math.isfinite(lower) and math.isfinite(upper) and lower <= upper):
        raise ShapeError(
            f"rrelu: Lower bound should be less than or equal to the upper bound, both finite, got {lower} and {upper}."
        )
    slope: Any = (lower + upper) / 2
    if training and lower != upper:
        slope = rand_like(input.detach()) * (upper - lower) + lower
        y = where(input > 0, input, input * slope)
    else:
        y = ops.leaky_relu(input, slope)
    y = titled(y, "RreluWithNoiseBackward1" if inplace else "RreluWithNoiseBackward0")
    return placed(input, y, inplace, "rrelu_")


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """``rrelu``, written into the input."""
    return rrelu(input, lower, upper, training, True)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """y = min(max(x, min_val), max_val)"""
    return placed(input, ops.hardtanh(input, min_val, max_val), inplace, "hardtanh_")


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``hardtanh``, written into the input."""
    return hardtanh(input, min_val, max_val, True)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """y = min(max(x + 3, 0), 6) / 6"""
    return placed(input, ops.hardsigmoid(input), inplace, "hardsigmoid_")


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x · min(max(x + 3, 0), 6) / 6"""
    return placed(input, ops.hardswish(input), inplace, "hardswish_")


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """y = x where x > threshold, else value."""
    return threshold_(input, threshold, value) if inplace else ops.threshold(input, threshold, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """``threshold``, written into the input."""
    return _renamed(input, ops.threshold(input, threshold, value), "threshold_", "ThresholdBackward1")


# Curves


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else alpha (eˣ - 1)."""
    return elu_(input, alpha) if inplace else ops.elu(input, alpha)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``elu``, written into the input."""
    return _renamed(input, ops.elu(input, alpha), "elu_", "EluBackward1")


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = 1.0507 · (x for x > 0, else 1.6733 (eˣ - 1))"""
    return selu_(input) if inplace else ops.selu(input)


def selu_(input: Tensor) -> Tensor:
    """``selu``, written into the input."""
    return _renamed(input, ops.selu(input), "selu_", "EluBackward1")


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else alpha (e^(x/alpha) - 1)."""
    return celu_(input, alpha) if inplace else ops.celu(input, alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``celu``, written into the input."""
    return _renamed(input, ops.celu(input, alpha), "celu_", "CeluBackward1")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x σ(x)"""
    return placed(input, ops.silu(input), inplace, "silu_")


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x tanh(ln(1 + eˣ))"""
    return placed(input, ops.mish(input), inplace, "mish_")


def softsign(input: Tensor) -> Tensor:
    """y = x / (1 + |x|)"""
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """y = x - tanh x"""
    return input - tanh(input)


# Along a dimension


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """y = eˣ / Σ eˣ along ``dim``: positive, adding up to 1.  Without ``dim`` it warns and takes torch's old choice."""
    return _softmax(input, _chosen("softmax", input, dim), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """y = e⁻ˣ / Σ e⁻ˣ along ``dim``"""
    return _softmax(-input, _chosen("softmin", input, dim), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None) -> Tensor:
    """y = x - ln Σ eˣ along ``dim``: the logarithm of softmax, finite where softmax underflows."""
    return _log_softmax(input, _chosen("log_softmax", input, dim), dtype)


def _chosen(name: str, x: Tensor, dim: int | None) -> int:
    if dim is not None:
        return dim
    chosen = 0 if x.array.ndim in (0, 1, 3) else 1
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument: "
        f"dim={chosen} is taken for an input of shape {tuple(x.array.shape)}.",
        stacklevel=outside(),
    )
    return chosen


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """y = softmax((x + G) / tau), G random with the Gumbel distribution: a soft draw from the classes of scores x.

    With ``hard`` the result is one-hot, and its gradient that of the soft draw.  Source: E. Jang et al., Categorical
    Reparameterization with Gumbel-Softmax, ICLR 2017.
    """
    noise = -logits.detach().clone().exponential_().log()
    y = softmax((logits + noise) / tau, dim)
    if not hard:
        return y
    places = y.detach().max(dim, keepdim=True)[1]
    drawn = zeros_like(logits.detach()).scatter(dim, places, 1.0)
    return drawn - y.detach() + y
