"""Arithmetic on pairs and triples of elements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nanograd.errors import DTypeError
from nanograd.kernels import elementwise as k
from nanograd.ops.kinds import (
    expect_floats,
    expect_integers,
    expect_numbers,
    expect_one_dtype,
    is_number,
    is_truth,
    lift_all,
    none,
)
from nanograd.ops.op import Number, as_operand, lift, lift_float, op, record, titled
from nanograd.ops.rounding import trunc
from nanograd.tape import TORCH_NAMES

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "add", "addcdiv", "addcmul", "div", "divide", "e", "floor_divide", "fmod", "gcd", "inf", "lcm", "lerp", "mul",
    "multiply", "nan", "pi", "remainder", "rsub", "sub", "subtract", "true_divide",
]  # fmt: skip


# Sums and differences


@op
def add(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """y = a + alpha · b, element by element.  Raises DTypeError for integers with a fractional alpha.

    >>> add(torch.tensor([1, 2]), 0.5)
    tensor([1.5000, 2.5000])
    """
    a, b = lift(input, other)
    if alpha != 1:
        return _add_scaled(a, b, alpha)
    return record(k.add(a.array, b.array), (a, lambda g: g), (b, lambda g: g))


def _expect_whole(name: str, alpha: Number, a: Tensor) -> None:
    """Raises DTypeError for a float that is to scale integers."""
    if isinstance(alpha, float) and a.array.dtype.kind != "f":
        raise DTypeError(f"{name}: alpha must not be a fraction for integers ({a.dtype}), got {alpha}. Use .float().")


@op("Add")
def _add_scaled(a: Tensor, b: Tensor, alpha: Number) -> Tensor:
    _expect_whole("add", alpha, a)
    return record(k.add_scaled(a.array, b.array, alpha), (a, lambda g: g), (b, lambda g: g * alpha))


@op
def sub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """y = a - alpha · b, element by element.

    Raises DTypeError for truth values, which have no difference, and for integers with a fractional alpha.
    """
    a, b = lift(input, other)
    if a.array.dtype.kind == "b" or (a is not input and is_truth(input)) or (b is not other and is_truth(other)):
        raise DTypeError("sub: truth values cannot be subtracted; use logical_xor (^), or convert with .int() first.")
    if alpha != 1:
        _expect_whole("sub", alpha, a)
        return titled(_add_scaled(a, b, -alpha), "SubBackward0")
    return record(k.sub(a.array, b.array), (a, lambda g: g), (b, lambda g: -g))


def rsub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """y = b - alpha · a"""
    title = "RsubBackward1" if is_number(other) else "RsubBackward0"
    return titled(sub(other, input, alpha=alpha), title)  # type: ignore[arg-type]


# Products and quotients


@op
def mul(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = a · b, element by element (the matrix product is ``a @ b``).

    >>> mul(torch.tensor([1., 2.]), torch.tensor([[1.], [10.]]))
    tensor([[ 1.,  2.],
            [10., 20.]])
    """
    a, b = lift(input, other)
    return record(k.mul(a.array, b.array), (a, lambda g: g * b), (b, lambda g: g * a))


@op
def div(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """y = a / b; rounded with ``rounding_mode`` "floor" (down) or "trunc" (towards zero).

    Raises DTypeError for integers by zero where the quotient is rounded, ValueError for another rounding mode.
    """
    if rounding_mode is not None:
        return _rounded_quotient(input, other, rounding_mode)
    a, b = lift_float(input, other)
    return record(k.div(a.array, b.array), (a, lambda g: g / b), (b, lambda g: -g * ((a / b) / b)))


def _rounded_quotient(input: Tensor, other: Tensor | Number, mode: str) -> Tensor:
    if mode == "floor":
        y = floor_divide(input, other)
    elif mode == "trunc":
        a, b = lift(input, other)
        y = _truncated(a, b)
    else:
        raise ValueError(f"div: expected rounding_mode None, 'trunc' or 'floor', got {mode!r}.")
    return titled(y, "DivBackward2")


def _truncated(a: Tensor, b: Tensor) -> Tensor:
    """a / b rounded towards zero; of integers exactly."""
    _divisor("div", a, b)
    return record(k.trunc_divide(a.array, b.array), (a, lambda g: none(g)), (b, lambda g: none(g)))


def rdiv(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = b / a"""
    return titled(div(other, input), "MulBackward0")  # type: ignore[arg-type]


def _divisor(name: str, a: Tensor, b: Tensor) -> None:
    """Refuse truth values, and integers of which one is 0."""
    expect_numbers(name, b)
    if b.array.dtype.kind in "iu" and a.array.size and bool((b == 0).any()):
        raise DTypeError(f"{name}: integer division by zero. Convert to floats for infinities, or mend the divisor.")


@op
def floor_divide(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = ⌊a / b⌋.  Raises DTypeError for integers divided by zero."""
    a, b = lift(input, other)
    _divisor("floor_divide", a, b)
    return record(k.floor_divide(a.array, b.array), (a, lambda g: none(g)), (b, lambda g: none(g)))


def rfloor_divide(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = ⌊b / a⌋"""
    return floor_divide(other, input)  # type: ignore[arg-type]


@op
def remainder(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = a - b ⌊a / b⌋, with the sign of b.  Raises DTypeError for integers divided by zero.

    >>> remainder(torch.tensor([-3, 3]), 2), fmod(torch.tensor([-3, 3]), 2)
    (tensor([1, 1]), tensor([-1,  1]))
    """
    a, b = lift(input, other)
    _divisor("remainder", a, b)
    y = record(k.remainder(a.array, b.array), (a, lambda g: g), (b, lambda g: -g * floor_divide(a, b)))
    return titled(y, "RemainderBackward0") if is_number(other) else y


def rremainder(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = b - a ⌊b / a⌋"""
    return remainder(other, input)  # type: ignore[arg-type]


@op
def fmod(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = a - b trunc(a / b), with the sign of a.  Raises DTypeError for integers divided by zero."""
    a, b = lift(input, other)
    _divisor("fmod", a, b)
    y = record(k.fmod(a.array, b.array), (a, lambda g: g), (b, lambda g: -g * trunc(a / b)))
    return titled(y, "FmodBackward0") if is_number(other) else y


TORCH_NAMES |= {"remainder": "RemainderBackward1", "fmod": "FmodBackward1"}


@op
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor.  Raises DTypeError for other than integers."""
    a, b = lift(input, other)
    expect_integers("gcd", a)
    return record(k.gcd(a.array, b.array))


@op
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple.  Raises DTypeError for other than integers."""
    a, b = lift(input, other)
    expect_integers("lcm", a)
    return record(k.lcm(a.array, b.array))


# Of three


@op
def lerp(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """y = a + weight (b - a), the way from a to b.  Raises DTypeError for integers and for different dtypes.

    >>> lerp(torch.tensor([0., 10.]), torch.tensor([10., 20.]), 0.25)
    tensor([ 2.5000, 12.5000])
    """
    a, b = input, end
    expect_floats("lerp", a)
    fits = is_number(weight) or not weight.array.ndim  # type: ignore[union-attr]
    w: Tensor = as_operand(weight, a.dtype, a.device) if fits else weight  # type: ignore[assignment]
    expect_one_dtype("lerp", a, b, w)
    y = record(
        k.lerp(a.array, b.array, w.array),
        (a, lambda g: g * (1 - w)),
        (b, lambda g: g * w),
        (w, lambda g: g * (b - a)),
    )
    return y if is_number(weight) else titled(y, "LerpBackward1")


@op
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """y = x + value · a · b.  Raises DTypeError for truth values."""
    x, a, b = lift_all(input, tensor1, tensor2)
    expect_numbers("addcmul", x)
    return record(
        k.addcmul(x.array, a.array, b.array, value),
        (x, lambda g: g),
        (a, lambda g: g * (b * value)),
        (b, lambda g: g * (a * value)),
    )


@op
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """y = x + value · a / b.  Raises DTypeError where a and b are integers, whose quotient would be rounded."""
    if all(t.array.dtype.kind != "f" for t in (tensor1, tensor2)):
        raise DTypeError(
            "addcdiv: integer division is not supported. Use input + value * torch.true_divide(tensor1, tensor2), or "
            "rounding_mode='trunc' for the old meaning."
        )
    x, a, b = lift_all(input, tensor1, tensor2)
    return record(
        k.addcdiv(x.array, a.array, b.array, value),
        (x, lambda g: g),
        (a, lambda g: g * (value / b)),
        (b, lambda g: -g * (a / b * (value / b))),
    )


pi, e, inf, nan = math.pi, math.e, math.inf, math.nan
multiply, subtract, divide, true_divide = mul, sub, div, div
