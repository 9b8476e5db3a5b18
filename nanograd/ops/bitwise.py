"""The bits of integers, and truth values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError
from nanograd.kernels import elementwise as k
from nanograd.ops.kinds import expect_integers
from nanograd.ops.op import Number, lift, op, record

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
]  # fmt: skip


@op
def bitwise_and(input: Tensor, other: Tensor | Number) -> Tensor:
    """a & b: "and" of truth values, of the bits of integers.  Raises DTypeError for floats."""
    return _bits("bitwise_and", k.bitwise_and, input, other)


@op
def bitwise_or(input: Tensor, other: Tensor | Number) -> Tensor:
    """a | b: "or" of truth values, of the bits of integers.  Raises DTypeError for floats."""
    return _bits("bitwise_or", k.bitwise_or, input, other)


@op
def bitwise_xor(input: Tensor, other: Tensor | Number) -> Tensor:
    """a ^ b: "exclusive or" of truth values, of the bits of integers.  Raises DTypeError for floats."""
    return _bits("bitwise_xor", k.bitwise_xor, input, other)


def _bits(name: str, kernel: Any, input: Tensor, other: Tensor | Number) -> Tensor:
    a, b = lift(input, other)
    if a.array.dtype.kind == "f":
        raise DTypeError(f"{name}: expected integers or truth values, got {a.dtype}. Compare first: (x > 0) & (y > 0).")
    return record(kernel(a.array, b.array))


@op
def bitwise_not(input: Tensor) -> Tensor:
    """~x: "not" of truth values, the complement of integers.  Raises DTypeError for floats."""
    if input.array.dtype.kind == "f":
        raise DTypeError(f"bitwise_not: expected integers or truth values, got {input.dtype}. Use x == 0.")
    return record(k.bitwise_not(input.array))


@op
def bitwise_left_shift(input: Tensor, other: Tensor | Number) -> Tensor:
    """a · 2ᵇ: the bits of integers moved to the left; what leaves is lost.  Raises DTypeError for other than integers.

    >>> torch.tensor([1, 3]) << 2
    tensor([ 4, 12])
    """
    a, b = lift(input, other)
    expect_integers("bitwise_left_shift", a)
    return record(k.left_shift(a.array, b.array))


@op
def bitwise_right_shift(input: Tensor, other: Tensor | Number) -> Tensor:
    """⌊a / 2ᵇ⌋: the bits of integers moved to the right.  Raises DTypeError for other than integers."""
    a, b = lift(input, other)
    expect_integers("bitwise_right_shift", a)
    return record(k.right_shift(a.array, b.array))


def rlshift(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = b << a"""
    return bitwise_left_shift(other, input)  # type: ignore[arg-type]


def rrshift(input: Tensor, other: Tensor | Number) -> Tensor:
    """y = b >> a"""
    return bitwise_right_shift(other, input)  # type: ignore[arg-type]
