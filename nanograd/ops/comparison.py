"""Comparisons, truth values, and choices between elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.dtypes import bool_
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import elementwise as k
from nanograd.kernels import memory
from nanograd.ops.kinds import expect_numbers, is_number, lift_all, none
from nanograd.ops.op import Number, as_operand, lift, op, record, titled, wrap
from nanograd.ops.refusing import no_tensor

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "allclose", "clamp", "clamp_max", "clamp_min", "clip", "eq", "equal", "fill", "fmax", "fmin", "ge", "greater",
    "greater_equal", "gt", "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "le",
    "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "masked_fill", "maximum",
    "minimum", "ne", "not_equal", "where",
]  # fmt: skip


# Of two


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


def equal_to(input: Tensor, other: Any) -> Tensor:
    """a == b: ``eq``; of what is neither a tensor nor a number, NotImplemented, so that Python says False."""
    try:
        return eq(input, other)
    except DTypeError:
        return NotImplemented  # type: ignore[no-any-return]


def unequal_to(input: Tensor, other: Any) -> Tensor:
    """a != b: ``ne``; of what is neither a tensor nor a number, NotImplemented, so that Python says True."""
    try:
        return ne(input, other)
    except DTypeError:
        return NotImplemented  # type: ignore[no-any-return]


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
    a, b = lift(input, other)
    return record(k.logical_xor(a.array, b.array))


# Of one


@op
def logical_not(input: Tensor) -> Tensor:
    """Whether it is zero."""
    return record(k.logical_not(input.array))


@op
def isnan(input: Tensor) -> Tensor:
    """Whether it is not a number."""
    try:
        return record(k.isnan(input.array))
    except AttributeError as error:
        raise no_tensor(error) from None


@op
def isinf(input: Tensor) -> Tensor:
    """Whether it is infinite."""
    try:
        return record(k.isinf(input.array))
    except AttributeError as error:
        raise no_tensor(error) from None


@op
def isfinite(input: Tensor) -> Tensor:
    """Whether it is neither infinite nor NaN."""
    try:
        return record(k.isfinite(input.array))
    except AttributeError as error:
        raise no_tensor(error) from None


@op
def isposinf(input: Tensor) -> Tensor:
    """Whether it is ∞."""
    return record(k.isposinf(input.array))


@op
def isneginf(input: Tensor) -> Tensor:
    """Whether it is -∞."""
    return record(k.isneginf(input.array))


def isreal(input: Tensor) -> Tensor:
    """Whether it has no imaginary part: True everywhere, there are no complex tensors."""
    return wrap(memory.full.on(input.device)(input.array.shape, True, bool_))


# Nearness


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """|a - b| ≤ atol + rtol |b|, element by element; infinities are close to themselves.

    Raises ValueError for negative tolerances.
    """
    if rtol < 0 or atol < 0:
        raise ValueError(f"isclose: expected rtol and atol of at least 0, got {rtol} and {atol}.")
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


@op
def isin(
    elements: Tensor | Number,
    test_elements: Tensor | Number,
    *,
    assume_unique: bool = False,
    invert: bool = False,
) -> Tensor:
    """Whether each element is among ``test_elements`` (``invert``: is not).

    >>> isin(torch.tensor([1, 2, 3]), torch.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    a, b = lift(elements, test_elements)
    return record(k.isin(a.array, b.array, invert))


# Choices


@op
def where(condition: Tensor, input: Tensor | Number | None = None, other: Tensor | Number | None = None) -> Tensor:
    """y = a where the condition holds, else b.  Raises DTypeError unless the condition is a bool tensor.

    ``where(condition)`` alone gives the places where it holds, one tensor of indices per dimension.

    >>> where(torch.tensor([True, False]), 1.5, 0)
    tensor([1.5000, 0.0000])
    """
    try:
        if input is None and other is None:
            places: Tensor = condition.nonzero(as_tuple=True)  # a tuple of tensors
            return places
        if condition.array.dtype.kind != "b":
            raise DTypeError(f"where: expected a condition of torch.bool, got {condition.dtype}. Use condition != 0.")
    except AttributeError as error:
        raise no_tensor(error) from None
    numbers = isinstance(input, (int, float)) and is_number(other)
    a, b = _numbers(condition, input, other) if numbers else lift(input, other)
    return record(
        k.where(condition.array, a.array, b.array),
        (a, lambda g: where(condition, g, 0.0)),
        (b, lambda g: where(condition, 0.0, g)),
    )


def _numbers(like: Tensor, *values: Any) -> tuple[Tensor, ...]:
    """Numbers as tensors on the device of another."""
    return tuple(v.to(like.device) for v in lift_all(*values))


def where_condition(input: Tensor, condition: Tensor, other: Tensor | Number) -> Tensor:
    """x where the condition holds, else ``other``: ``where`` as a method."""
    return where(condition, input, other)


@op
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | Number) -> Tensor:
    """x where the mask does not hold, ``value``, one number, where it does.

    Raises DTypeError unless the mask is a bool tensor, and for numbers that the dtype cannot hold; ShapeError for
    values of a tensor with dimensions.
    """
    try:
        if mask.array.dtype.kind != "b":
            raise DTypeError(f"masked_fill: expected a mask of torch.bool, got {mask.dtype}. Use mask != 0.")
    except AttributeError as error:
        raise no_tensor(error) from None
    if isinstance(value, (int, float)):
        memory.expect_room("masked_fill", value, input.dtype)
    elif value.array.ndim:
        raise ShapeError(f"masked_fill: expected a number or a 0-d tensor, got shape {tuple(value.shape)}. Use where.")
    x, v = input, as_operand(value, input.dtype, input.device)
    y = record(
        k.where(mask.array, v.array, x.array),
        (x, lambda g: where(mask, 0.0, g)),
        (v, lambda g: where(mask, g, 0.0)),
    )
    return y if is_number(value) else titled(y, "MaskedFillBackward1")


@op("Fill")
def blanked(x: Tensor, y: Tensor) -> Tensor:
    """y, in the place of x: no change of x reaches it."""
    return record(y.array, (x, lambda g: none(g)))


def fill(input: Tensor, value: Tensor | Number) -> Tensor:
    """A tensor like x with ``value`` everywhere; no change of x reaches it."""
    return input.clone().fill_(value)


# Bounds


@op
def clamp(input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None) -> Tensor:
    """y = min(max(x, low), high); on a bound the gradient goes to x.  Raises ValueError when both bounds are None.

    >>> clamp(torch.tensor([-2., 0.5, 3.]), min=-1, max=1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise ValueError("clamp: expected at least one of min and max.")
    return titled(_clamped(input, min, max), f"ClampBackward{0 if hasattr(min, 'node') or hasattr(max, 'node') else 1}")


def clamp_min(input: Tensor, min: Tensor | Number) -> Tensor:
    """y = max(x, low); see ``clamp``."""
    return titled(_clamped(input, min, None), f"ClampMinBackward{int(not is_number(min))}")


def clamp_max(input: Tensor, max: Tensor | Number) -> Tensor:
    """y = min(x, high); see ``clamp``."""
    return titled(_clamped(input, None, max), f"ClampMaxBackward{int(not is_number(max))}")


def _clamped(input: Tensor, min: Any, max: Any) -> Tensor:
    x, *bounds = lift_all(*(v for v in (input, min, max) if v is not None))
    expect_numbers("clamp", x)
    low, high = None if min is None else bounds[0], None if max is None else bounds[-1]
    return clamped(x, low, high)


@op
def clamped(x: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
    """``clamp`` between tensors of the dtype of x."""
    bottom, top = None if low is None else low.array, None if high is None else high.array
    edges = [(x, lambda g: where(_inside(x, low, high), g, 0.0))]
    if low is not None:
        edges.append((low, lambda g: where((x < low) if high is None else (x < low) & (low < high), g, 0.0)))
    if high is not None:
        edges.append((high, lambda g: where((x > high) if low is None else (x > high) | (high < low), g, 0.0)))
    return record(k.clamp(x.array, bottom, top), *edges)


def _inside(x: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
    if low is None:
        return x <= high  # type: ignore[operator, arg-type]
    return x >= low if high is None else (x >= low) & (x <= high)


# The greater and the lesser


@op
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The greater of a and b, NaN if either is; equal ones share the gradient in halves."""
    a, b = lift(input, other)
    return record(
        k.maximum(a.array, b.array),
        (a, lambda g: where(a < b, 0.0, where(a == b, 0.5 * g, g))),
        (b, lambda g: where(b < a, 0.0, where(a == b, 0.5 * g, g))),
    )


@op
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The lesser of a and b, NaN if either is; equal ones share the gradient in halves."""
    a, b = lift(input, other)
    return record(
        k.minimum(a.array, b.array),
        (a, lambda g: where(a > b, 0.0, where(a == b, 0.5 * g, g))),
        (b, lambda g: where(b > a, 0.0, where(a == b, 0.5 * g, g))),
    )


@op
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The greater of a and b; a NaN does not count.  Of equal ones the first gets the gradient.

    >>> fmax(torch.tensor([1., float("nan")]), torch.tensor([2., 3.]))
    tensor([2., 3.])
    """
    a, b = lift(input, other)
    return record(
        k.fmax(a.array, b.array),
        (a, lambda g: where((a >= b) | b.isnan(), g, 0.0)),
        (b, lambda g: where((a >= b) | b.isnan(), 0.0, g)),
    )


@op
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The lesser of a and b; a NaN does not count.  Of equal ones the first gets the gradient."""
    a, b = lift(input, other)
    return record(
        k.fmin(a.array, b.array),
        (a, lambda g: where((a <= b) | b.isnan(), g, 0.0)),
        (b, lambda g: where((a <= b) | b.isnan(), 0.0, g)),
    )


clip = clamp
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
