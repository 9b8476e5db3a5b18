"""Rounding, signs, and the parts of a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd import return_types
from nanograd.errors import DTypeError
from nanograd.kernels import elementwise as k
from nanograd.kernels import memory
from nanograd.ops.comparison import where
from nanograd.ops.kinds import expect_floats, expect_numbers, expect_one_dtype, is_number, lift_all, none
from nanograd.ops.op import Number, lift, lift_float, op, record, records, titled
from nanograd.ops.refusing import no_tensor

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "abs", "absolute", "ceil", "copysign", "fix", "floor", "frac", "frexp", "heaviside", "nan_to_num", "neg",
    "negative", "nextafter", "positive", "round", "sgn", "sign", "signbit", "trunc",
]  # fmt: skip


# Signs


@op
def neg(input: Tensor) -> Tensor:
    """y = -x.  Raises DTypeError for truth values."""
    try:
        if input.array.dtype.kind == "b":
            raise DTypeError("neg: truth values have no negative; use logical_not (~), or convert with .int() first.")
    except AttributeError as error:
        raise no_tensor(error) from None
    return record(k.neg(input.array), (input, lambda g: -g))


def positive(input: Tensor) -> Tensor:
    """The tensor itself.  Raises DTypeError for truth values."""
    expect_numbers("positive", input)
    return input


@op
def abs(input: Tensor) -> Tensor:
    """y = |x|; its derivative at 0 is 0.  Raises DTypeError for truth values."""
    x = input
    expect_numbers("abs", x)
    return record(k.abs(x.array), (x, lambda g: g * sign(x)))


@op
def sign(input: Tensor) -> Tensor:
    """y = -1, 0 or 1."""
    try:
        return record(k.sign(input.array), (input, lambda g: none(g)))
    except AttributeError as error:
        raise no_tensor(error) from None


@op
def sgn(input: Tensor) -> Tensor:
    """y = -1, 0 or 1: ``sign``, which torch tells apart from it for complex numbers only."""
    return record(k.sign(input.array), (input, lambda g: none(g)))


@op
def signbit(input: Tensor) -> Tensor:
    """Whether the sign is minus; that of -0.0 is."""
    return record(k.signbit(input.array))


@op
def copysign(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = |a| with the sign of b; its derivative at a = 0 is 0.

    >>> copysign(torch.tensor([1., -2.]), torch.tensor([-0.0, 5.]))
    tensor([-1.,  2.])
    """
    a, b = lift_float(input, other)
    y = record(
        k.copysign(a.array, b.array),
        (a, lambda g, y: g * where(a == 0, 0.0, sign(a) * sign(y))),
        (b, lambda g: none(g)),
    )
    return titled(y, "CopysignBackward1") if is_number(other) else y


# Rounding


@op
def floor(input: Tensor) -> Tensor:
    """y = ⌊x⌋.  Raises DTypeError for truth values."""
    return record(_rounded(k.floor, input), (input, lambda g: none(g)))


@op
def ceil(input: Tensor) -> Tensor:
    """y = ⌈x⌉.  Raises DTypeError for truth values."""
    return record(_rounded(k.ceil, input), (input, lambda g: none(g)))


@op
def trunc(input: Tensor) -> Tensor:
    """The integer part of x, towards 0.  Raises DTypeError for truth values."""
    return record(_rounded(k.trunc, input), (input, lambda g: none(g)))


@op
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer, or multiple of 10^-decimals; halves go to the even neighbor.

    Raises DTypeError for truth values, and for integers where ``decimals`` is given.

    >>> round(torch.tensor([0.5, 1.5, 2.345])), round(torch.tensor([2.345]), decimals=1)
    (tensor([0., 2., 2.]), tensor([2.3000]))
    """
    if decimals:
        expect_floats("round", input)
        return titled(record(k.round_to(input.array, decimals), (input, lambda g: none(g))), "RoundBackward1")
    return record(_rounded(k.round, input), (input, lambda g: none(g)))


def _rounded(kernel: Any, x: Tensor) -> Any:
    expect_numbers(kernel.__name__, x)
    return kernel(x.array) if x.array.dtype.kind == "f" else memory.copy(x.array)  # integers are whole already


@op
def frac(input: Tensor) -> Tensor:
    """y = x - trunc(x), with the sign of x.  Raises DTypeError for other than floats."""
    expect_floats("frac", input)
    return record(k.frac(input.array), (input, lambda g: g))


# Parts


@op
def frexp(input: Tensor) -> Any:
    """x = mantissa · 2^exponent, 1/2 ≤ |mantissa| < 1; exponents are int32.  Raises DTypeError for integers."""
    expect_floats("frexp", input)
    mantissa, exponent = k.frexp(input.array)
    return return_types.frexp(*records((mantissa, exponent), (input, lambda g, _, m, e: g * (-e).to(g.dtype).exp2())))


@op
def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next number that the dtype has after a on the way to b.  Raises DTypeError where both are integers."""
    a, b = lift(input, other)
    expect_floats("nextafter", a)
    return record(k.nextafter(a.array, b.array), (a, lambda g: g), (b, lambda g: none(g)))


@op
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """y = 0 below 0 and for NaN, ``values`` at 0, 1 above.  Raises DTypeError for different dtypes."""
    a, b = lift_all(input, values) if is_number(values) else (input, values)
    expect_one_dtype("heaviside", a, b)
    return record(k.heaviside(a.array, b.array), (a, lambda g: none(g)), (b, lambda g: where(a == 0, g, 0.0)))


@op
def nan_to_num(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with numbers in the place of NaN, ∞ and -∞; by default 0 and the dtype's greatest and least number.

    >>> nan_to_num(torch.tensor([float("nan"), float("inf"), 2.]), posinf=9)
    tensor([0., 9., 2.])
    """
    x = input
    if x.array.dtype.kind != "f":
        return record(memory.copy(x.array))
    y = k.nan_to_num(x.array, 0.0 if nan is None else nan, posinf, neginf)
    return record(y, (x, lambda g: where(x.isfinite(), g, 0.0)))


negative, absolute, fix = neg, abs, trunc
