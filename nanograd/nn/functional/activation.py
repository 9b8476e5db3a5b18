"""Functions of each element."""

from __future__ import annotations

import math

from nanograd.errors import MissingError
from nanograd.ops.comparison import where
from nanograd.ops.elementary import relu, sigmoid, tanh
from nanograd.ops.writing import in_place
from nanograd.tensors import Tensor

__all__ = ["elu", "gelu", "leaky_relu", "logsigmoid", "relu", "relu_", "sigmoid", "silu", "softplus", "tanh"]


def placed(x: Tensor, y: Tensor, inplace: bool, name: str) -> Tensor:
    """y, or x with y written into it."""
    return in_place(x, y, name) if inplace else y


def relu_(input: Tensor) -> Tensor:
    """``relu``, written into the input."""
    return in_place(input, relu(input), "relu_")


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else negative_slope · x."""
    return placed(input, where(input > 0, input, input * negative_slope), inplace, "leaky_relu_")


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """y = x for x > 0, else alpha (eˣ - 1)."""
    below = where(input > 0, 0.0, input)  # e¹⁰⁰⁰ is infinite, and its gradient would be NaN even where not chosen
    return placed(input, where(input > 0, input, alpha * (below.exp() - 1)), inplace, "elu_")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = x σ(x)"""
    return placed(input, input * sigmoid(input), inplace, "silu_")


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """y = x Φ(x), Φ the normal distribution function (Hendrycks and Gimpel, 2016).

    ``approximate="tanh"``: y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
    """
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input)
        return 0.5 * input * (1 + tanh(inner))
    if approximate != "none":
        raise ValueError(f"gelu: expected approximate 'none' or 'tanh', got {approximate!r}.")
    raise MissingError("gelu: approximate='none' needs erf, which nanograd does not have yet. Use approximate='tanh'.")


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """y = ln(1 + e^(βx)) / β, computed without overflow; x itself where βx > threshold."""
    z = input * beta
    top = relu(z.detach())
    y = (top + ((-top).exp() + (z - top).exp()).log()) / beta
    chosen: Tensor = where(z > threshold, input, y)
    return chosen


def logsigmoid(input: Tensor) -> Tensor:
    """y = ln σ(x)"""
    return -softplus(-input, threshold=math.inf)
