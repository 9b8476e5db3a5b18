"""One element at a time: arithmetic, comparisons, functions of one number."""

from __future__ import annotations

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

BIG = 4096  # from this many elements on, a compiled loop beats NumPy


@kernel
def add(a: Array, b: Array) -> Array:
    """a + b; "or" for truth values."""
    return np.add(a, b)


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
def remainder(a: Array, b: Array) -> Array:
    """a - b ⌊a / b⌋: it has the sign of b."""
    return np.remainder(a, b)


@kernel
def pow(a: Array, b: Array) -> Array:
    """aᵇ; 0⁰ is 1, NaN for fractional powers of negative numbers."""
    return np.power(a, b)


@kernel
def neg(x: Array) -> Array:
    """-x"""
    return np.negative(x)


@kernel
def reciprocal(x: Array) -> Array:
    """1 / x"""
    return np.true_divide(x.dtype.type(1), x)


@kernel
def abs(x: Array) -> Array:
    """|x|"""
    return np.absolute(x)


@kernel
def sign(x: Array) -> Array:
    """-1, 0 or 1; 0 for NaN; truth values as they are."""
    return x.copy() if x.dtype.kind == "b" else (x > 0).astype(x.dtype) - (x < 0)


@kernel
def exp(x: Array) -> Array:
    """eˣ"""
    return np.exp(x)


@kernel
def log(x: Array) -> Array:
    """ln x; -inf at 0, NaN below."""
    return np.log(x)


@kernel
def sqrt(x: Array) -> Array:
    """√x; NaN below 0."""
    return np.sqrt(x)


@kernel
def sin(x: Array) -> Array:
    """sin x, x in radians."""
    return np.sin(x)


@kernel
def cos(x: Array) -> Array:
    """cos x, x in radians."""
    return np.cos(x)


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
def tanh(x: Array) -> Array:
    """tanh x"""
    return np.tanh(x)


@kernel
def tanh_grad(g: Array, y: Array) -> Array:
    """g (1 - y²), where y = tanh x."""
    return g * (1 - y * y)


@kernel
def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), which is (1 + tanh(x/2)) / 2: nothing overflows."""
    half = x.dtype.type(0.5)
    return half * np.tanh(half * x) + half


@kernel
def sigmoid_grad(g: Array, y: Array) -> Array:
    """g y (1 - y), where y = sigmoid x."""
    return g * y * (1 - y)


@kernel
def relu(x: Array) -> Array:
    """max(x, 0)"""
    return np.maximum(x, x.dtype.type(0))


@kernel
def relu_grad(g: Array, y: Array) -> Array:
    """0 where y ≤ 0, else g."""
    return np.where(y <= 0, g.dtype.type(0), g)


@kernel
def maximum(a: Array, b: Array) -> Array:
    """The greater; NaN if either is."""
    return np.maximum(a, b)


@kernel
def minimum(a: Array, b: Array) -> Array:
    """The lesser; NaN if either is."""
    return np.minimum(a, b)


@kernel
def clamp(x: Array, low: float | None, high: float | None) -> Array:
    """min(max(x, low), high); a bound that is None does not bind."""
    return np.clip(x, low, high) if x.dtype.kind != "b" else x.copy()


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
def isfinite(x: Array) -> Array:
    """Is neither NaN nor infinite."""
    return np.isfinite(x)


def dense(*arrays: Array) -> bool:
    """Whether a flat compiled loop can run: floats of one shape, contiguous, and many."""
    first = arrays[0]
    if first.size < BIG or first.dtype.char not in "fd":
        return False
    return all(x.flags.c_contiguous and x.shape == first.shape and x.dtype is first.dtype for x in arrays)


@jit
def _relu(x, out):  # type: ignore[no-untyped-def]
    zero = x.dtype.type(0)
    for i in range(x.size):
        out[i] = zero if x[i] < zero else x[i]  # NaN < 0 is false: NaN stays


@jit
def _relu_grad(g, y, out):  # type: ignore[no-untyped-def]
    zero = g.dtype.type(0)
    for i in range(g.size):
        out[i] = zero if y[i] <= zero else g[i]


@jit
def _sigmoid_grad(g, y, out):  # type: ignore[no-untyped-def]
    one = g.dtype.type(1)
    for i in range(g.size):
        out[i] = g[i] * y[i] * (one - y[i])


@jit
def _tanh_grad(g, y, out):  # type: ignore[no-untyped-def]
    one = g.dtype.type(1)
    for i in range(g.size):
        out[i] = g[i] * (one - y[i] * y[i])


@relu.cpu(dense)
def _(x: Array) -> Array:
    out = np.empty_like(x)
    _relu(x.reshape(-1), out.reshape(-1))
    return out


@relu_grad.cpu(dense)
def _(g: Array, y: Array) -> Array:
    out = np.empty_like(g)
    _relu_grad(g.reshape(-1), y.reshape(-1), out.reshape(-1))
    return out


@sigmoid_grad.cpu(dense)
def _(g: Array, y: Array) -> Array:
    out = np.empty_like(g)
    _sigmoid_grad(g.reshape(-1), y.reshape(-1), out.reshape(-1))
    return out


@tanh_grad.cpu(dense)
def _(g: Array, y: Array) -> Array:
    out = np.empty_like(g)
    _tanh_grad(g.reshape(-1), y.reshape(-1), out.reshape(-1))
    return out
