"""Element by element: arithmetic, functions of one number, comparisons, choices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd import settings
from nanograd.errors import DTypeError
from nanograd.kernels import elementwise as k
from nanograd.kernels import memory
from nanograd.ops.op import Number, lift, lift_float, op, record, titled, wrap
from nanograd.tape import TORCH_NAMES

if TYPE_CHECKING:
    from nanograd.tensors import Tensor


__all__ = [
    "abs", "absolute", "add", "allclose", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "ceil",
    "clamp", "clip", "cos", "div", "divide", "e", "eq", "equal", "exp", "floor", "floor_divide", "ge", "gt", "inf",
    "isclose", "isfinite", "isinf", "isnan", "le", "log", "logical_and", "logical_not", "logical_or", "logical_xor",
    "lt", "masked_fill", "maximum", "minimum", "mul", "multiply", "nan", "ne", "neg", "negative", "pi", "pow",
    "reciprocal", "relu", "remainder", "round", "rsqrt", "sigmoid", "sign", "sin", "sqrt", "square", "sub",
    "subtract", "tanh", "true_divide", "where",
]  # fmt: skip


@op
def add(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """y = a + alpha · b, element by element.

    >>> add(torch.tensor([1, 2]), 0.5)
    tensor([1.5000, 2.5000])
    """
    a, b = lift(input, other if alpha == 1 else other * alpha)
    return record(k.add(a.array, b.array), (a, lambda g: g), (b, lambda g: g))


@op
def sub(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """y = a - alpha · b, element by element.  Raises DTypeError for truth values, which have no difference."""
    a, b = lift(input, other if alpha == 1 else other * alpha)
    if a.array.dtype.kind == "b" or (a is not input and _truth(input)) or (b is not other and _truth(other)):
        raise DTypeError("sub: truth values cannot be subtracted; use logical_xor (^), or convert with .int() first.")
    return record(k.sub(a.array, b.array), (a, lambda g: g), (b, lambda g: -g))


def _truth(x: Any) -> bool:
    return x.array.dtype.kind == "b" if hasattr(x, "array") else isinstance(x, bool)


def rsub(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = b - a"""
    return titled(sub(other, input), "RsubBackward1")  # type: ignore[arg-type]


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

    Raises DTypeError (integers by zero, rounded), ValueError for another rounding mode.
    """
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        return _truncated(*lift(input, other))
    if rounding_mode is not None:
        raise ValueError(f"div: expected rounding_mode None, 'trunc' or 'floor', got {rounding_mode!r}.")
    a, b = lift_float(input, other)
    return record(k.div(a.array, b.array), (a, lambda g: g / b), (b, lambda g: -g * ((a / b) / b)))


def _truncated(a: Tensor, b: Tensor) -> Tensor:
    """a / b rounded towards zero; integers stay exact."""
    if a.array.dtype.kind == "f":
        y = div(a, b)
        return where(y < 0, ceil(y), floor(y))
    q = floor_divide(a, b)
    return q + ((q < 0) & (q * b != a)).to(q.dtype)


def rdiv(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = b / a"""
    return div(other, input)  # type: ignore[arg-type]


def _divisor(name: str, b: Tensor) -> None:
    """Refuse truth values, and integers of which one is 0."""
    expect_numbers(name, b)
    if b.array.dtype.kind in "iu" and bool((b == 0).any()):
        raise DTypeError(f"{name}: integer division by zero. Convert to floats for infinities, or mend the divisor.")


@op
def floor_divide(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = ⌊a / b⌋.  Raises DTypeError for integers divided by zero."""
    a, b = lift(input, other)
    _divisor("floor_divide", b)
    return record(k.floor_divide(a.array, b.array), (a, lambda g: none(g)), (b, lambda g: none(g)))


def rfloor_divide(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = ⌊b / a⌋"""
    return floor_divide(other, input)  # type: ignore[arg-type]


@op
def remainder(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = a - b ⌊a / b⌋, with the sign of b.  Raises DTypeError for integers divided by zero."""
    a, b = lift(input, other)
    _divisor("remainder", b)
    return record(k.remainder(a.array, b.array), (a, lambda g: g), (b, lambda g: -g * floor_divide(a, b)))


def rremainder(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = b - a ⌊b / a⌋"""
    return remainder(other, input)  # type: ignore[arg-type]


def expect_numbers(name: str, x: Tensor) -> None:
    """Raises DTypeError for truth values."""
    if x.array.dtype.kind == "b":
        raise DTypeError(
            f"{name}: expected numbers, got truth values (torch.bool). Convert with .int() or .float() first."
        )


def none(g: Tensor) -> Tensor:
    """0: no change of the input reaches the result."""
    return wrap(memory.full.on(g.device)(g.array.shape, 0, g.dtype))


@op
def neg(input: Tensor) -> Tensor:
    """y = -x"""
    if input.array.dtype.kind == "b":
        raise DTypeError("neg: truth values have no negative; use logical_not (~), or convert with .int() first.")
    return record(k.neg(input.array), (input, lambda g: -g))


@op
def pow(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """y = aᵇ.  Raises DTypeError for integers to negative powers.

    The derivative in b where a = 0 is 0 for b ≥ 0, as torch has it.
    """
    if isinstance(exponent, (int, float)) and not isinstance(exponent, bool):
        return _power(input, exponent)
    a, b = lift(input, exponent)
    expect_numbers("pow", a)
    if a.array.dtype.kind in "iu" and bool((b < 0).any()):
        raise DTypeError("pow: integers to negative powers are not integers; convert to floats first.")
    return record(
        k.pow(a.array, b.array),
        (a, lambda g: g * where(b == 0, 0.0, b * pow(a, b - 1))),
        (b, lambda g, y: g * where((a == 0) & (b >= 0), 0.0, y * log(a))),
    )


@op("Pow")
def _power(x: Tensor, n: Number) -> Tensor:
    a, b = lift(x, n)
    expect_numbers("pow", a)
    if n < 0 and a.array.dtype.kind in "iu":
        raise DTypeError("pow: integers to negative powers are not integers; convert to floats first.")
    y = k.mul(a.array, a.array) if n == 2 else k.pow(a.array, b.array)
    if n == 0:
        return record(y, (a, lambda g: none(g)))
    return record(y, (a, lambda g: g * (a * n if n == 2 else _power(a, n - 1) * n)))


def rpow(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = bᵃ"""
    base, exponent = lift(other, input)
    return pow(base, exponent)


@op
def exp(input: Tensor) -> Tensor:
    """y = eˣ

    >>> exp(torch.tensor([0., 1.]))
    tensor([1.0000, 2.7183])
    """
    x = floating(input)
    return record(k.exp(x.array), (x, lambda g, y: g * y))


@op
def log(input: Tensor) -> Tensor:
    """y = ln x; -inf at 0, NaN below."""
    x = floating(input)
    return record(k.log(x.array), (x, lambda g: g / x))


@op
def sqrt(input: Tensor) -> Tensor:
    """y = √x; NaN below 0."""
    x = floating(input)
    return record(k.sqrt(x.array), (x, lambda g, y: g / (2 * y)))


@op
def rsqrt(input: Tensor) -> Tensor:
    """y = 1 / √x"""
    return sqrt(input).reciprocal()


@op
def reciprocal(input: Tensor) -> Tensor:
    """y = 1 / x"""
    x = floating(input)
    return record(k.reciprocal(x.array), (x, lambda g, y: -g * y * y))


@op
def square(input: Tensor) -> Tensor:
    """y = x²"""
    return pow(input, 2)


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
def relu(input: Tensor) -> Tensor:
    """y = max(x, 0); its derivative at 0 is 0.

    >>> relu(torch.tensor([-1., 0., 2.]))
    tensor([0., 0., 2.])
    """
    x = input
    if x.array.dtype.kind == "b":
        expect_numbers("relu", x)
    return record(k.relu(x.array), (x, lambda g, y: relu_grad(g, y)))


@op("ThresholdBackward")
def relu_grad(g: Tensor, y: Tensor) -> Tensor:
    """0 where y ≤ 0, else g: what flows back through y = relu x."""
    return record(k.relu_grad(g.array, y.array), (g, lambda h: relu_grad(h, y)))


@op
def abs(input: Tensor) -> Tensor:
    """y = |x|; its derivative at 0 is 0."""
    x = input
    expect_numbers("abs", x)
    return record(k.abs(x.array), (x, lambda g: g * sign(x)))


@op
def sign(input: Tensor) -> Tensor:
    """y = -1, 0 or 1."""
    return record(k.sign(input.array), (input, lambda g: none(g)))


@op
def floor(input: Tensor) -> Tensor:
    """y = ⌊x⌋"""
    return record(_rounded(k.floor, input), (input, lambda g: none(g)))


@op
def ceil(input: Tensor) -> Tensor:
    """y = ⌈x⌉"""
    return record(_rounded(k.ceil, input), (input, lambda g: none(g)))


@op
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer, or multiple of 10^-decimals; halves go to the even neighbor."""
    if decimals:
        return round(input * 10.0**decimals) / 10.0**decimals
    return record(_rounded(k.round, input), (input, lambda g: none(g)))


def _rounded(kernel: Any, x: Tensor) -> Any:
    expect_numbers(kernel.__name__, x)
    return kernel(x.array) if x.array.dtype.kind == "f" else memory.copy(x.array)  # integers are whole already


@op
def clamp(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """y = min(max(x, low), high).  Raises ValueError when both bounds are None."""
    if min is None and max is None:
        raise ValueError("clamp: expected at least one of min and max.")
    y = input
    if min is not None:
        y = _clamp(y, min, maximum)
    return y if max is None else _clamp(y, max, minimum)


def _clamp(x: Tensor, bound: Any, choose: Any) -> Tensor:
    x, limit = lift(x, bound)
    inside = (x >= limit) if choose is maximum else (x <= limit)
    kernel = k.maximum if choose is maximum else k.minimum
    return clamped(kernel, x, limit, inside)


@op
def clamped(kernel: Any, x: Tensor, limit: Tensor, inside: Tensor) -> Tensor:
    """The greater or lesser of x and a bound; on the bound itself the gradient goes to x."""
    return record(
        kernel(x.array, limit.array),
        (x, lambda g: where(inside, g, 0.0)),
        (limit, lambda g: where(inside, 0.0, g)),
    )


TORCH_NAMES["clamped"] = "ClampBackward1"


@op
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The greater of a and b; equal ones share the gradient in halves."""
    a, b = lift(input, other)
    return record(
        k.maximum(a.array, b.array),
        (a, lambda g: where(a < b, 0.0, where(a == b, 0.5 * g, g))),
        (b, lambda g: where(b < a, 0.0, where(a == b, 0.5 * g, g))),
    )


@op
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The lesser of a and b; equal ones share the gradient in halves."""
    a, b = lift(input, other)
    return record(
        k.minimum(a.array, b.array),
        (a, lambda g: where(a > b, 0.0, where(a == b, 0.5 * g, g))),
        (b, lambda g: where(b > a, 0.0, where(a == b, 0.5 * g, g))),
    )


@op
def where(condition: Tensor, input: Tensor | Number | None = None, other: Tensor | Number | None = None) -> Tensor:
    """y = a where the condition holds, else b.  Raises DTypeError unless the condition is a bool tensor.

    ``where(condition)`` alone gives the places where it holds, one tensor of indices per dimension.
    """
    if input is None and other is None:
        places: Tensor = condition.nonzero(as_tuple=True)  # a tuple of tensors
        return places
    if condition.array.dtype.kind != "b":
        raise DTypeError(f"where: expected a condition of torch.bool, got {condition.dtype}. Use condition != 0.")
    a, b = lift(input, other)
    return record(
        k.where(condition.array, a.array, b.array),
        (a, lambda g: where(condition, g, 0.0)),
        (b, lambda g: where(condition, 0.0, g)),
    )


def where_condition(input: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """x where the condition holds, else ``other``: ``where`` as a method."""
    return where(condition, input, other)


@op
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """x where the mask does not hold, ``value`` where it does."""
    filled = where(mask, value, input)
    return filled if filled.array.dtype is input.array.dtype else filled.to(input.dtype)


@op
def eq(input: Tensor, other: Tensor | Number) -> Tensor:
    """a = b, as truth values."""
    a, b = lift(input, other)
    return record(k.eq(a.array, b.array))


@op
def ne(input: Tensor, other: Tensor | Number) -> Tensor:
    """a ≠ b, as truth values."""
    a, b = lift(input, other)
    return record(k.ne(a.array, b.array))


@op
def lt(input: Tensor, other: Tensor | Number) -> Tensor:
    """a < b, as truth values."""
    a, b = lift(input, other)
    return record(k.lt(a.array, b.array))


@op
def le(input: Tensor, other: Tensor | Number) -> Tensor:
    """a ≤ b, as truth values."""
    a, b = lift(input, other)
    return record(k.le(a.array, b.array))


@op
def gt(input: Tensor, other: Tensor | Number) -> Tensor:
    """a > b, as truth values."""
    a, b = lift(input, other)
    return record(k.gt(a.array, b.array))


@op
def ge(input: Tensor, other: Tensor | Number) -> Tensor:
    """a ≥ b, as truth values."""
    a, b = lift(input, other)
    return record(k.ge(a.array, b.array))


@op
def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Whether both are non-zero."""
    a, b = lift(input, other)
    return record(k.logical_and(a.array, b.array))


@op
def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Whether either is non-zero."""
    a, b = lift(input, other)
    return record(k.logical_or(a.array, b.array))


@op
def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Whether exactly one is non-zero."""
    return ne(input != 0, other != 0)


@op
def logical_not(input: Tensor) -> Tensor:
    """Whether it is zero."""
    return record(k.logical_not(input.array))


@op("Fill")
def blanked(x: Tensor, y: Tensor) -> Tensor:
    """y, in the place of x: no change of x reaches it."""
    return record(y.array, (x, lambda g: none(g)))


def bitwise_and(input: Tensor, other: Tensor | Number) -> Tensor:
    """a & b: "and" of truth values, of the bits of integers."""
    return _bits("bitwise_and", k.bitwise_and, input, other)


def bitwise_or(input: Tensor, other: Tensor | Number) -> Tensor:
    """a | b: "or" of truth values, of the bits of integers."""
    return _bits("bitwise_or", k.bitwise_or, input, other)


def bitwise_xor(input: Tensor, other: Tensor | Number) -> Tensor:
    """a ^ b: "exclusive or" of truth values, of the bits of integers."""
    return _bits("bitwise_xor", k.bitwise_xor, input, other)


def _bits(name: str, kernel: Any, input: Tensor, other: Tensor | Number) -> Tensor:
    a, b = lift(input, other)
    if a.array.dtype.kind == "f":
        raise DTypeError(f"{name}: expected integers or truth values, got {a.dtype}. Compare first: (x > 0) & (y > 0).")
    return record(kernel(a.array, b.array))


def bitwise_not(input: Tensor) -> Tensor:
    """~x: "not" of truth values, the complement of integers."""
    if input.array.dtype.kind == "f":
        raise DTypeError(f"bitwise_not: expected integers or truth values, got {input.dtype}. Use x == 0.")
    return record(k.bitwise_not(input.array))


@op
def isnan(input: Tensor) -> Tensor:
    """Whether it is not a number."""
    return record(k.isnan(input.array))


@op
def isinf(input: Tensor) -> Tensor:
    """Whether it is infinite."""
    return record(k.isinf(input.array))


@op
def isfinite(input: Tensor) -> Tensor:
    """Whether it is neither infinite nor NaN."""
    return record(k.isfinite(input.array))


def floating(x: Tensor) -> Tensor:
    """x, or x as the default floating-point dtype if it holds integers or truth values."""
    return x if x.array.dtype.kind == "f" else x.to(settings.get_default_dtype())


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """|a - b| ≤ atol + rtol |b|, element by element; infinities are close to themselves."""
    a, b = lift(input, other)
    if a.array.dtype.kind != "f":  # differences of integers may wrap around
        a, b = a.double(), b.double()
    close = (a == b) | (((a - b).abs() <= atol + rtol * b.abs()) & b.isfinite())
    return close | (a.isnan() & b.isnan()) if equal_nan else close


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close; see ``isclose``."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and elements."""
    return input.shape == other.shape and bool((input == other).all())


pi, e, inf, nan = math.pi, math.e, math.inf, math.nan
multiply, subtract, divide, true_divide, negative, absolute, clip = mul, sub, div, div, neg, abs, clamp
