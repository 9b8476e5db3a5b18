"""Arithmetic, comparisons, choices and bits, element by element."""

from __future__ import annotations

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel


@kernel
def add(a: Array, b: Array) -> Array:
    """a + b; "or" for truth values."""
    return np.add(a, b)


@kernel
def accumulate(x: Array, y: Array) -> None:
    """x ← x + y, of one shape and dtype."""
    np.add(x, y, x)


@kernel
def add_scaled(a: Array, b: Array, scale: float) -> Array:
    """a + scale · b; "or" for truth values."""
    if a.dtype == np.float16:
        return (a.astype(np.float32) + np.float32(scale) * b.astype(np.float32)).astype(np.float16)
    return np.add(a, np.multiply(b, np.asarray(scale).astype(b.dtype)))


@kernel
def sub(a: Array, b: Array) -> Array:
    """a - b"""
    return np.subtract(a, b)


@kernel
def mul(a: Array, b: Array) -> Array:
    """a · b; "and" for truth values."""
    return np.multiply(a, b)


@kernel
def div(a: Array, b: Array) -> Array:
    """a / b; x / 0 is infinite, 0 / 0 is NaN."""
    return np.true_divide(a, b)


@kernel
def floor_divide(a: Array, b: Array) -> Array:
    """⌊a / b⌋"""
    return np.floor_divide(a, b)


@kernel
def trunc_divide(a: Array, b: Array) -> Array:
    """a / b, towards 0; of integers exactly."""
    if a.dtype.kind == "f":
        return np.trunc(a / b)
    q = np.floor_divide(a, b)
    return q + ((q < 0) & (q * b != a))


@kernel
def remainder(a: Array, b: Array) -> Array:
    """a - b ⌊a / b⌋: it has the sign of b."""
    return np.remainder(a, b)


@kernel
def fmod(a: Array, b: Array) -> Array:
    """a - b trunc(a / b): it has the sign of a."""
    return np.fmod(a, b)


@kernel
def gcd(a: Array, b: Array) -> Array:
    """The greatest common divisor of integers."""
    return np.gcd(a, b)


@kernel
def lcm(a: Array, b: Array) -> Array:
    """The least common multiple of integers."""
    x, y = (a.astype(np.int64), b.astype(np.int64)) if a.itemsize < 4 else (a, b)  # as in C: it overflows at the end
    return np.abs(x // np.maximum(np.gcd(x, y), 1) * y).astype(a.dtype, copy=False)


@kernel
def lerp(a: Array, b: Array, weight: Array) -> Array:
    """a + weight (b - a), from the nearer end, so that weight 1 gives b exactly."""
    x, y, w = single(a), single(b), single(weight)
    return np.where(np.abs(w) < 0.5, x + w * (y - x), y - (y - x) * (1 - w)).astype(a.dtype)


@kernel
def addcmul(x: Array, a: Array, b: Array, value: float) -> Array:
    """x + value · a · b"""
    y = single(x)
    return (y + y.dtype.type(value) * single(a) * single(b)).astype(x.dtype, copy=False)


@kernel
def addcdiv(x: Array, a: Array, b: Array, value: float) -> Array:
    """x + value · a / b"""
    y = single(x)
    return (y + y.dtype.type(value) * single(a) / single(b)).astype(x.dtype, copy=False)


def single(x: Array) -> Array:
    """float16 as float32, so that a formula rounds once; others as they are."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


@kernel
def pow(a: Array, b: Array) -> Array:
    """aᵇ; 0⁰ is 1, NaN for fractional powers of negative numbers."""
    return np.power(a, b)


@kernel
def neg(x: Array) -> Array:
    """-x"""
    return np.negative(x)


@kernel
def abs(x: Array) -> Array:
    """|x|"""
    return np.absolute(x)


@kernel
def sign(x: Array) -> Array:
    """-1, 0 or 1; 0 for NaN; truth values as they are."""
    return x.copy() if x.dtype.kind == "b" else (x > 0).astype(x.dtype) - (x < 0)


@kernel
def signbit(x: Array) -> Array:
    """Whether the sign is minus; that of -0.0 is."""
    return np.signbit(x) if x.dtype.kind == "f" else np.less(x, 0)


@kernel
def copysign(a: Array, b: Array) -> Array:
    """|a| with the sign of b."""
    return np.copysign(a, b)


@kernel
def floor(x: Array) -> Array:
    """⌊x⌋"""
    return np.floor(x)


@kernel
def ceil(x: Array) -> Array:
    """⌈x⌉"""
    return np.ceil(x)


@kernel
def round(x: Array) -> Array:
    """The nearest integer, halves to the even one."""
    return np.rint(x)


@kernel
def round_to(x: Array, decimals: int) -> Array:
    """The nearest multiple of 10^-decimals, halves to the even one."""
    scale = x.dtype.type(10.0 ** np.abs(decimals))
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


@kernel
def trunc(x: Array) -> Array:
    """The integer part, towards 0."""
    return np.trunc(x)


@kernel
def frac(x: Array) -> Array:
    """x - trunc(x), with the sign of x."""
    return x - np.trunc(x)


@kernel
def frexp(x: Array) -> tuple[Array, Array]:
    """(mantissa, exponent): x = mantissa · 2^exponent, 1/2 ≤ |mantissa| < 1."""
    mantissa, exponent = np.frexp(x)
    return np.asarray(mantissa), np.asarray(exponent, np.int32)


@kernel
def nextafter(a: Array, b: Array) -> Array:
    """The next number that the dtype has after a on the way to b."""
    return np.nextafter(a, b)


@kernel
def heaviside(x: Array, values: Array) -> Array:
    """0 below 0 and for NaN, ``values`` at 0, 1 above."""
    return np.where(x == 0, values, (x > 0).astype(x.dtype))


@kernel
def nan_to_num(x: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
    """x with numbers in the place of NaN, ∞ and -∞; where None, the greatest and the least of the dtype."""
    kind, limits = x.dtype.type, np.finfo(x.dtype)
    high, low = limits.max if posinf is None else kind(posinf), limits.min if neginf is None else kind(neginf)
    return np.where(np.isnan(x), kind(nan), np.where(x == np.inf, high, np.where(x == -np.inf, low, x)))


@kernel
def maximum(a: Array, b: Array) -> Array:
    """The greater; NaN if either is."""
    return np.maximum(a, b)


@kernel
def minimum(a: Array, b: Array) -> Array:
    """The lesser; NaN if either is."""
    return np.minimum(a, b)


@kernel
def fmax(a: Array, b: Array) -> Array:
    """The greater; a NaN does not count."""
    return np.fmax(a, b)


@kernel
def fmin(a: Array, b: Array) -> Array:
    """The lesser; a NaN does not count."""
    return np.fmin(a, b)


@kernel
def clamp(x: Array, low: Array | None, high: Array | None) -> Array:
    """min(max(x, low), high); a bound that is None does not bind; NaN if any is."""
    y = x if low is None else np.maximum(x, low)
    return y if high is None else np.minimum(y, high)


@kernel
def where(condition: Array, a: Array, b: Array) -> Array:
    """a where the condition holds, else b."""
    return np.where(condition, a, b)


@kernel
def eq(a: Array, b: Array) -> Array:
    """a = b"""
    return np.equal(a, b)


@kernel
def ne(a: Array, b: Array) -> Array:
    """a ≠ b"""
    return np.not_equal(a, b)


@kernel
def lt(a: Array, b: Array) -> Array:
    """a < b"""
    return np.less(a, b)


@kernel
def le(a: Array, b: Array) -> Array:
    """a ≤ b"""
    return np.less_equal(a, b)


@kernel
def gt(a: Array, b: Array) -> Array:
    """a > b"""
    return np.greater(a, b)


@kernel
def ge(a: Array, b: Array) -> Array:
    """a ≥ b"""
    return np.greater_equal(a, b)


@kernel
def logical_and(a: Array, b: Array) -> Array:
    """Both are non-zero."""
    return np.logical_and(a, b)


@kernel
def logical_or(a: Array, b: Array) -> Array:
    """Either is non-zero."""
    return np.logical_or(a, b)


@kernel
def logical_xor(a: Array, b: Array) -> Array:
    """Exactly one is non-zero."""
    return np.logical_xor(a, b)


@kernel
def logical_not(x: Array) -> Array:
    """Is zero."""
    return np.logical_not(x)


@kernel
def bitwise_and(a: Array, b: Array) -> Array:
    """a & b, bit by bit."""
    return np.bitwise_and(a, b)


@kernel
def bitwise_or(a: Array, b: Array) -> Array:
    """a | b, bit by bit."""
    return np.bitwise_or(a, b)


@kernel
def bitwise_xor(a: Array, b: Array) -> Array:
    """a ^ b, bit by bit."""
    return np.bitwise_xor(a, b)


@kernel
def left_shift(a: Array, b: Array) -> Array:
    """a · 2ᵇ of integers; 0 where all bits leave, or b is negative."""
    return np.left_shift(a, b)


@kernel
def right_shift(a: Array, b: Array) -> Array:
    """⌊a / 2ᵇ⌋ of integers; 0 or -1 where all bits leave, or b is negative."""
    return np.right_shift(a, b)


@kernel
def bitwise_not(x: Array) -> Array:
    """~x, bit by bit."""
    return np.invert(x)


@kernel
def isnan(x: Array) -> Array:
    """Is not a number."""
    return np.isnan(x)


@kernel
def isinf(x: Array) -> Array:
    """Is infinite."""
    return np.isinf(x)


@kernel
def isposinf(x: Array) -> Array:
    """Is ∞."""
    return np.equal(x, np.inf)


@kernel
def isneginf(x: Array) -> Array:
    """Is -∞."""
    return np.equal(x, -np.inf)


@kernel
def isfinite(x: Array) -> Array:
    """Is neither NaN nor infinite."""
    return np.isfinite(x)


@kernel
def isin(x: Array, among: Array, invert: bool) -> Array:
    """Whether each element is among others (``invert``: is not)."""
    return np.isin(x, among, invert=invert)


# Compiled: a matrix with a row or a column of numbers; NumPy starts anew for every row

LARGE = 1 << 15


def _spreads(a: Array, b: Array) -> bool:
    """Whether b is a row or a column beside a, float32 and contiguous."""
    if a.size < LARGE or a.shape == b.shape or a.dtype.char != "f" or b.dtype is not a.dtype:
        return False
    shape = b.shape
    fits = a.shape[-len(shape) :] == shape or (shape[-1:] == (1,) and a.shape[:-1] == shape[:-1])
    return bool(shape and fits and a.shape[-1] >= 16 and a.flags.c_contiguous and b.flags.c_contiguous)


def _as_rows(a: Array, b: Array) -> tuple[Array, Array]:
    """a as rows, and b as one of them or as one number for each."""
    rows = a.reshape(-1, a.shape[-1] if b.shape[-1] == 1 else b.size)
    return rows, b.reshape(-1, 1) if b.shape[-1] == 1 else b.reshape(1, -1)


@jit
def _add_spread(a, b, out):  # type: ignore[no-untyped-def]
    for i in range(a.shape[0]):
        x, y = a[i], out[i]
        if b.shape[1] == 1:
            one = b[i, 0]
            for j in range(x.size):
                y[j] = x[j] + one
        else:
            row = b[0]
            for j in range(x.size):
                y[j] = x[j] + row[j]


@jit
def _mul_spread(a, b, out):  # type: ignore[no-untyped-def]
    for i in range(a.shape[0]):
        x, y = a[i], out[i]
        if b.shape[1] == 1:
            one = b[i, 0]
            for j in range(x.size):
                y[j] = x[j] * one
        else:
            row = b[0]
            for j in range(x.size):
                y[j] = x[j] * row[j]


@add.cpu(_spreads)
def _(a: Array, b: Array) -> Array:
    out = np.empty_like(a)
    _add_spread(*_as_rows(a, b), _as_rows(out, b)[0])
    return out


@mul.cpu(_spreads)
def _(a: Array, b: Array) -> Array:
    out = np.empty_like(a)
    _mul_spread(*_as_rows(a, b), _as_rows(out, b)[0])
    return out
