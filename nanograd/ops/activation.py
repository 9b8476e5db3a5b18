"""Activations: functions of one number between the layers of a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import activation as k
from nanograd.kernels import elementwise
from nanograd.ops.comparison import where
from nanograd.ops.elementary import exp, sigmoid, tanh
from nanograd.ops.kinds import expect_numbers
from nanograd.ops.op import Number, fuses, op, record, titled, wrap
from nanograd.ops.refusing import no_tensor
from nanograd.ops.special import erf
from nanograd.tape import TORCH_NAMES

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["celu", "hardshrink", "prelu", "selu", "threshold"]


class ActivationError(DTypeError, NotImplementedError):
    """A dtype that an activation is not made for; torch calls it not implemented."""


def expect_curve(name: str, x: Tensor) -> None:
    """Raises ActivationError for what is not a tensor of floats."""
    if not hasattr(x, "array"):
        raise ActivationError(f"{name}: expected a tensor, got {type(x).__name__}: argument 'input' must be Tensor.")
    if x.array.dtype.kind != "f":
        raise ActivationError(f"{name}: expected floats, got {x.dtype}: not implemented for it. Use x.float().")


# Straight lines with a bend


@op
def leaky_relu(input: Tensor, negative_slope: Number = 0.01) -> Tensor:
    """y = x for x > 0, else negative_slope · x."""
    x = input
    expect_curve("leaky_relu", x)
    return record(k.leaky_relu(x.array, negative_slope), (x, lambda g: where(x > 0, g, g * negative_slope)))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """y = x for x > 0, else w · x: one w, or one for each channel (dimension 1).

    Raises ShapeError for another number of weights, DTypeError for different dtypes.
    """
    try:
        x = input
    except AttributeError as error:
        raise no_tensor(error) from None
    if x.array.dtype != weight.array.dtype:
        raise DTypeError(f"prelu: Type promoting not supported. Got {x.dtype} and {weight.dtype}: they must be equal.")
    expect_curve("prelu", x)
    channels = x.array.shape[1] if x.array.ndim > 1 else 1
    if weight.array.ndim > 1 or weight.array.size not in (1, channels):
        raise ShapeError(
            "prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers = "
            f"{weight.array.size} and channel size = {channels}: expected a weight of shape (1,) or ({channels},)."
        )
    w = weight.view((-1,) + (1,) * max(x.array.ndim - 2, 0)) if x.array.ndim > 1 else weight.reshape(())
    return titled(where(x > 0, x, w * x), "PreluKernelBackward0")


@op
def threshold(input: Tensor, threshold: Number, value: Number) -> Tensor:
    """y = x where x > threshold, else value."""
    try:
        x = input
    except AttributeError as error:
        raise no_tensor(error) from None
    if x.array.dtype.kind == "b":
        raise ActivationError("threshold: expected numbers, got torch.bool: not implemented for it. Use x.int().")
    return record(k.threshold(x.array, threshold, value), (x, lambda g: where(x <= threshold, 0.0, g)))


@op
def hardtanh(input: Tensor, min_val: Number = -1.0, max_val: Number = 1.0) -> Tensor:
    """y = min(max(x, min_val), max_val); its derivative at both bounds is 0."""
    x = input
    expect_numbers("hardtanh", x)
    if x.array.dtype.kind == "u" and min_val < 0:
        raise DTypeError(f"hardtanh: cannot do hardtanh on an unsigned type ({x.dtype}) with negative limits.")
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}.")
    low, high = (v.array for v in (x.new_tensor(min_val), x.new_tensor(max_val)))
    y = elementwise.clamp(x.array, low, high)
    return record(y, (x, lambda g: where((x <= min_val) | (x >= max_val), 0.0, g)))


@op
def hardsigmoid(input: Tensor) -> Tensor:
    """y = min(max(x + 3, 0), 6) / 6: straight lines in the place of the sigmoid."""
    x = input
    expect_curve("hardsigmoid", x)
    return record(k.hardsigmoid(x.array), (x, lambda g: where((x > -3) & (x < 3), g / 6, 0.0)))


@op
def hardswish(input: Tensor) -> Tensor:
    """y = x · min(max(x + 3, 0), 6) / 6"""
    x = input
    expect_curve("hardswish", x)
    return record(k.hardswish(x.array), (x, lambda g: where(x <= -3, 0.0, where(x < 3, g * (x / 3 + 0.5), g))))


@op
def hardshrink(input: Tensor, lambd: Number = 0.5) -> Tensor:
    """y = x where |x| > lambd, else 0."""
    x = input
    expect_curve("hardshrink", x)
    return record(k.hardshrink(x.array, lambd), (x, lambda g: where((x >= -lambd) & (x <= lambd), 0.0, g)))


@op
def softshrink(input: Tensor, lambd: Number = 0.5) -> Tensor:
    """y = x - lambd above lambd, x + lambd below -lambd, else 0.  Raises ShapeError for a negative lambd."""
    x = input
    expect_curve("softshrink", x)
    if not lambd >= 0:
        raise ShapeError(f"softshrink: lambda must be greater or equal to 0, but found to be {lambd}.")
    return record(k.softshrink(x.array, lambd), (x, lambda g: where((x >= -lambd) & (x <= lambd), 0.0, g)))


# Curves


@op
def elu(input: Tensor, alpha: Number = 1.0, scale: Number = 1.0, input_scale: Number = 1.0) -> Tensor:
    """y = x for x > 0, else alpha (eˣ - 1); times ``scale``, and eˣ of input_scale · x."""
    x = input
    expect_curve("elu", x)
    slope = alpha * scale * input_scale
    return record(
        k.elu(x.array, alpha, scale, input_scale),
        (x, lambda g: g * where(x > 0, scale, slope * exp(where(x > 0, 0.0, x) * input_scale))),
    )


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(input: Tensor) -> Tensor:
    """y = 1.0507 · (x for x > 0, else 1.6733 (eˣ - 1)): keeps mean 0 and variance 1 from layer to layer.

    Source: G. Klambauer et al., Self-Normalizing Neural Networks, NeurIPS 2017.
    """
    return elu(input, SELU_ALPHA, SELU_SCALE)


def celu(input: Tensor, alpha: Number = 1.0) -> Tensor:
    """y = x for x > 0, else alpha (e^(x/alpha) - 1): its slope is 1 at 0 for every alpha."""
    if alpha == 0:
        raise ShapeError("celu: ZeroDivisionError: alpha cannot be 0 for CELU.")
    return titled(elu(input, alpha, 1.0, 1.0 / alpha), "CeluBackward0")


@op
def silu(input: Tensor) -> Tensor:
    """y = x σ(x)"""
    expect_curve("silu", input)
    return titled(input * sigmoid(input), "SiluBackward0")


@fuses(silu, k.silu, k.silu_grad)
def silu_fused(x: Tensor) -> Any:
    """One pass each way."""
    expect_curve("silu", x)
    return record(k.silu(x.array), (x, lambda g: wrap(k.silu_grad(g.array, x.array))))


@op
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """y = x Φ(x), Φ the normal distribution function (Hendrycks and Gimpel, 2016).

    ``approximate="tanh"``: y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).

    >>> gelu(torch.tensor([-1., 0., 1.]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    _check_gelu(input, approximate)
    if approximate == "tanh":
        inner = tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input))
    else:
        inner = erf(input * math.sqrt(0.5))
    return titled(0.5 * input * (1 + inner), "GeluBackward0")


def _check_gelu(x: Tensor, approximate: str) -> None:
    expect_curve("gelu", x)
    if approximate not in ("none", "tanh"):
        raise ShapeError(
            f"gelu: approximate argument must be either none or tanh: expected 'none' or 'tanh', got {approximate!r}."
        )


@fuses(gelu, k.gelu, k.gelu_grad)
def gelu_fused(x: Tensor, approximate: str) -> Any:
    """One pass each way."""
    _check_gelu(x, approximate)
    curved = approximate == "tanh"
    return record(k.gelu(x.array, curved), (x, lambda g: wrap(k.gelu_grad(g.array, x.array, curved))))


@op
def mish(input: Tensor) -> Tensor:
    """y = x tanh(ln(1 + eˣ))"""
    x = input
    expect_curve("mish", x)

    def back(g: Tensor) -> Tensor:
        t = tanh(softplus(x))
        return g * (t + x * sigmoid(x) * (1 - t * t))

    return record(k.mish(x.array), (x, back))


@op
def softplus(input: Tensor, beta: Number = 1.0, threshold: Number = 20.0) -> Tensor:
    """y = ln(1 + e^(βx)) / β, computed without overflow; x itself where βx > threshold."""
    x = input
    expect_curve("softplus", x)
    return record(
        k.softplus(x.array, beta, threshold), (x, lambda g: where(x * beta > threshold, g, g * sigmoid(x * beta)))
    )


@op
def logsigmoid(input: Tensor) -> Tensor:
    """y = ln σ(x), finite for very negative x."""
    x = input
    expect_curve("logsigmoid", x)
    return record(k.logsigmoid(x.array), (x, lambda g: g * sigmoid(-x)))


TORCH_NAMES["logsigmoid"] = "LogSigmoidBackward0"


# Two inputs in one


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """y = a σ(b), a and b the halves of x along ``dim``.  Raises ShapeError for an odd size.

    >>> glu(torch.tensor([2., 0.]))
    tensor([1.])
    """
    x = input
    expect_curve("glu", x)
    if not x.array.ndim:
        raise ShapeError("glu: glu does not support 0-dimensional tensors: it halves a dimension.")
    size = x.size(dim)
    if size % 2:
        raise ShapeError(f"glu: Halving dimension must be even, but dimension {dim} is size {size}.")
    a, b = x.chunk(2, dim)
    return titled(a * sigmoid(b), "GluBackward0")
