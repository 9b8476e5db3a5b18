"""Angles, and the hyperbolic functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nanograd.kernels import elementary as k
from nanograd.kernels import elementwise
from nanograd.ops.comparison import where
from nanograd.ops.kinds import expect_floats, floating
from nanograd.ops.op import lift, lift_float, op, record

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan",
    "atan2", "atanh", "cos", "cosh", "deg2rad", "hypot", "rad2deg", "sin", "sinh", "tan",
]  # fmt: skip


@op
def sin(input: Tensor) -> Tensor:
    """y = sin x, x in radians."""
    x = floating(input)
    return record(k.sin(x.array), (x, lambda g: g * cos(x)))


@op
def cos(input: Tensor) -> Tensor:
    """y = cos x, x in radians."""
    x = floating(input)
    return record(k.cos(x.array), (x, lambda g: -g * sin(x)))


@op
def tan(input: Tensor) -> Tensor:
    """y = tan x, x in radians."""
    x = floating(input)
    return record(k.tan(x.array), (x, lambda g, y: g * (1 + y * y)))


@op
def asin(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] whose sine is x; NaN outside [-1, 1]."""
    x = floating(input)
    return record(k.asin(x.array), (x, lambda g: g * ((1 - x) * (1 + x)).rsqrt()))


@op
def acos(input: Tensor) -> Tensor:
    """The angle in [0, π] whose cosine is x; NaN outside [-1, 1]."""
    x = floating(input)
    return record(k.acos(x.array), (x, lambda g: -g * ((1 - x) * (1 + x)).rsqrt()))


@op
def atan(input: Tensor) -> Tensor:
    """The angle in (-π/2, π/2) whose tangent is x."""
    x = floating(input)
    return record(k.atan(x.array), (x, lambda g: g / (1 + x * x)))


@op
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle in [-π, π] of the point (b, a), that is of atan(a / b) with the signs of both.  Its derivatives at
    the origin are 0.

    >>> atan2(torch.tensor([1., -1.]), torch.tensor([-1., -1.]))
    tensor([ 2.3562, -2.3562])
    """
    a, b = lift_float(input, other)
    return record(
        k.atan2(a.array, b.array),
        (a, lambda g: g * _by_square(b, a, b)),
        (b, lambda g: -g * _by_square(a, a, b)),
    )


def _by_square(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """x / (a² + b²), or 0 at the origin."""
    square = a * a + b * b
    return where(square == 0, 0.0, x / square)


@op
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """y = √(a² + b²); no square overflows.  Raises DTypeError where both are integers."""
    a, b = lift(input, other)
    expect_floats("hypot", a)
    return record(k.hypot(a.array, b.array), (a, lambda g, y: g * (a / y)), (b, lambda g, y: g * (b / y)))


@op("Deg2Rad")
def deg2rad(input: Tensor) -> Tensor:
    """y = π x / 180"""
    x, c = lift(floating(input), math.pi / 180)
    return record(elementwise.mul(x.array, c.array), (x, lambda g: g * c))


@op("Rad2Deg")
def rad2deg(input: Tensor) -> Tensor:
    """y = 180 x / π"""
    x, c = lift(floating(input), 180 / math.pi)
    return record(elementwise.mul(x.array, c.array), (x, lambda g: g * c))


# Hyperbolic


@op
def sinh(input: Tensor) -> Tensor:
    """y = (eˣ - e⁻ˣ) / 2"""
    x = floating(input)
    return record(k.sinh(x.array), (x, lambda g: g * cosh(x)))


@op
def cosh(input: Tensor) -> Tensor:
    """y = (eˣ + e⁻ˣ) / 2"""
    x = floating(input)
    return record(k.cosh(x.array), (x, lambda g: g * sinh(x)))


@op
def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh."""
    x = floating(input)
    return record(k.asinh(x.array), (x, lambda g: g * (1 + x * x).rsqrt()))


@op
def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh on [0, ∞); NaN below 1."""
    x = floating(input)
    return record(k.acosh(x.array), (x, lambda g: g * ((x - 1) * (x + 1)).rsqrt()))


@op
def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh; ±inf at ±1, NaN outside."""
    x = floating(input)
    return record(k.atanh(x.array), (x, lambda g: g / ((1 - x) * (1 + x))))


arccos, arcsin, arctan, arctan2, arccosh, arcsinh, arctanh = acos, asin, atan, atan2, acosh, asinh, atanh
