"""Powers, roots, exponentials and logarithms, and the curves of activations made of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nanograd.dtypes import float64
from nanograd.errors import DTypeError
from nanograd.kernels import elementary as k
from nanograd.kernels import elementwise
from nanograd.ops.comparison import where
from nanograd.ops.kinds import expect_floats, expect_numbers, floating, is_number, none
from nanograd.ops.op import Number, lift, lift_float, op, record, titled
from nanograd.ops.refusing import no_tensor
from nanograd.tape import TORCH_NAMES

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "exp", "exp2", "expm1", "float_power", "ldexp", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logit",
    "pow", "reciprocal", "relu", "rsqrt", "sigmoid", "sqrt", "square", "tanh",
]  # fmt: skip

LN2, LN10 = math.log(2), math.log(10)


# Powers and roots


@op
def pow(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """y = aᵇ.  Raises DTypeError for truth values, and for integers to negative powers.

    The derivative in b where a = 0 is 0 for b ≥ 0, as torch has it.
    """
    if isinstance(exponent, (int, float)) and not isinstance(exponent, bool):
        return _power(input, exponent)  # type: ignore[arg-type]
    a, b = lift(input, exponent)
    expect_numbers("pow", a)
    if a.array.dtype.kind in "iu" and bool((b < 0).any()):
        raise DTypeError("pow: integers to negative powers are not integers; convert to floats first.")
    y = record(
        elementwise.pow(a.array, b.array),
        (a, lambda g: g * where(b == 0, 0.0, b * pow(a, b - 1))),
        (b, lambda g, y: g * where((a == 0) & (b >= 0), 0.0, y * log(a))),
    )
    return titled(y, "PowBackward2") if is_number(input) else y


TORCH_NAMES["pow"] = "PowBackward1"


@op("Pow")
def _power(x: Tensor, n: Number) -> Tensor:
    a, b = lift(x, n)
    expect_numbers("pow", a)
    if n < 0 and a.array.dtype.kind in "iu":
        raise DTypeError(f"pow: integers to negative powers ({n}) are not integers; convert to floats first.")
    y = elementwise.mul(a.array, a.array) if n == 2 else elementwise.pow(a.array, b.array)
    if n == 0:
        return record(y, (a, lambda g: none(g)))
    return record(y, (a, lambda g: g * (a * n if n == 2 else _power(a, n - 1) * n)))


def rpow(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = bᵃ"""
    return pow(other, input)


def float_power(input: Tensor | Number, exponent: Tensor | Number) -> Tensor:
    """y = aᵇ in float64, whatever a and b are; NaN for fractional powers of negative numbers.

    >>> float_power(torch.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=torch.float64)
    """
    a, b = (float(v) if isinstance(v, (int, float)) else v.to(float64) for v in (input, exponent))
    return pow(a, b)


@op
def square(input: Tensor) -> Tensor:
    """y = x²"""
    return pow(input, 2)


@op
def sqrt(input: Tensor) -> Tensor:
    """y = √x; NaN below 0."""
    x = floating(input)
    return record(k.sqrt(x.array), (x, lambda g, y: g / (2 * y)))


@op
def rsqrt(input: Tensor) -> Tensor:
    """y = 1 / √x; infinite at 0, NaN below."""
    x = floating(input)
    return record(k.rsqrt(x.array), (x, lambda g, y: g * (-0.5 * (y * y * y))))


@op
def reciprocal(input: Tensor) -> Tensor:
    """y = 1 / x"""
    x = floating(input)
    return record(k.reciprocal(x.array), (x, lambda g, y: -g * y * y))


# Exponentials


@op
def exp(input: Tensor) -> Tensor:
    """y = eˣ

    >>> exp(torch.tensor([0., 1.]))
    tensor([1.0000, 2.7183])
    """
    x = floating(input)
    return record(k.exp(x.array), (x, lambda g, y: g * y))


@op
def exp2(input: Tensor) -> Tensor:
    """y = 2ˣ"""
    x = floating(input)
    return record(k.exp2(x.array), (x, lambda g, y: g * y * LN2))


@op
def expm1(input: Tensor) -> Tensor:
    """y = eˣ - 1, exact for small x."""
    x = floating(input)
    return record(k.expm1(x.array), (x, lambda g, y: g * (y + 1)))


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """y = a · 2ᵇ"""
    a, b = lift_float(input, other)
    return titled(a * exp2(b), "LdexpBackward0")


# Logarithms


@op
def log(input: Tensor) -> Tensor:
    """y = ln x; -inf at 0, NaN below."""
    x = floating(input)
    return record(k.log(x.array), (x, lambda g: g / x))


@op("Log1P")
def log1p(input: Tensor) -> Tensor:
    """y = ln(1 + x), exact for small x; -inf at -1, NaN below."""
    x = floating(input)
    return record(k.log1p(x.array), (x, lambda g: g / (1 + x)))


@op
def log2(input: Tensor) -> Tensor:
    """y = log₂ x; -inf at 0, NaN below."""
    x = floating(input)
    return record(k.log2(x.array), (x, lambda g: g / (x * LN2)))


@op
def log10(input: Tensor) -> Tensor:
    """y = log₁₀ x; -inf at 0, NaN below."""
    x = floating(input)
    return record(k.log10(x.array), (x, lambda g: g / (x * LN10)))


@op
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """y = ln(eᵃ + eᵇ); nothing overflows.  Raises DTypeError where both are integers."""
    a, b = lift(input, other)
    expect_floats("logaddexp", a)
    y = k.logaddexp(a.array, b.array)
    return record(y, (a, lambda g: g * sigmoid(a - b)), (b, lambda g: g * sigmoid(b - a)))


@op
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """y = log₂(2ᵃ + 2ᵇ); nothing overflows.  Raises DTypeError where both are integers."""
    a, b = lift(input, other)
    expect_floats("logaddexp2", a)
    y = k.logaddexp2(a.array, b.array)
    return record(y, (a, lambda g: g * sigmoid((a - b) * LN2)), (b, lambda g: g * sigmoid((b - a) * LN2)))


# Curves


@op
def tanh(input: Tensor) -> Tensor:
    """y = tanh x, in (-1, 1)."""
    x = floating(input)
    return record(k.tanh(x.array), (x, lambda g, y: tanh_grad(g, y)))


@op("TanhBackward")
def tanh_grad(g: Tensor, y: Tensor) -> Tensor:
    """g (1 - y²): what flows back through y = tanh x."""
    return record(k.tanh_grad(g.array, y.array), (g, lambda h: tanh_grad(h, y)), (y, lambda h: -2 * h * g * y))


@op
def sigmoid(input: Tensor) -> Tensor:
    """y = 1 / (1 + e⁻ˣ), in (0, 1)."""
    x = floating(input)
    return record(k.sigmoid(x.array), (x, lambda g, y: sigmoid_grad(g, y)))


@op("SigmoidBackward")
def sigmoid_grad(g: Tensor, y: Tensor) -> Tensor:
    """g y (1 - y): what flows back through y = sigmoid x."""
    return record(
        k.sigmoid_grad(g.array, y.array), (g, lambda h: sigmoid_grad(h, y)), (y, lambda h: h * g * (1 - 2 * y))
    )


@op
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """y = ln(x / (1 - x)), the inverse of ``sigmoid``; x is clamped to [eps, 1 - eps] where eps is given.

    Raises ValueError for an eps outside [0, 1/2].
    """
    if eps is not None and not 0 <= eps <= 0.5:
        raise ValueError(f"logit: expected eps in [0, 0.5], got {eps}.")
    x = floating(input)
    low, outside = (0.0, math.nan) if eps is None else (eps, 0.0)
    return record(k.logit(x.array, eps), (x, lambda g: where((x >= low) & (x <= 1 - low), g / (x * (1 - x)), outside)))


@op
def relu(input: Tensor) -> Tensor:
    """y = max(x, 0); its derivative at 0 is 0.  Raises DTypeError for truth values.

    >>> relu(torch.tensor([-1., 0., 2.]))
    tensor([0., 0., 2.])
    """
    try:
        x = input
        if x.array.dtype.kind == "b":
            expect_numbers("relu", x)
    except AttributeError as error:
        raise no_tensor(error) from None
    return record(k.relu(x.array), (x, lambda g, y: relu_grad(g, y)))


@op("ThresholdBackward")
def relu_grad(g: Tensor, y: Tensor) -> Tensor:
    """0 where y ≤ 0, else g: what flows back through y = relu x."""
    return record(k.relu_grad(g.array, y.array), (g, lambda h: relu_grad(h, y)))
