"""Functions of one number: exponentials, logarithms, angles, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.curves import exp32, sigmoid32
from nanograd.kernels.elementwise import single
from nanograd.kernels.kernel import Array, kernel


@kernel
def reciprocal(x: Array) -> Array:
    """1 / x"""
    return np.true_divide(x.dtype.type(1), x)


@kernel
def exp(x: Array) -> Array:
    """eˣ"""
    return np.exp(x)


@kernel
def exp2(x: Array) -> Array:
    """2ˣ"""
    return np.exp2(x)


@kernel
def expm1(x: Array) -> Array:
    """eˣ - 1, exact for small x."""
    return np.expm1(x)


@kernel
def log(x: Array) -> Array:
    """ln x; -inf at 0, NaN below."""
    return np.log(x)


@kernel
def log1p(x: Array) -> Array:
    """ln(1 + x), exact for small x; -inf at -1, NaN below."""
    return np.log1p(x)


@kernel
def log2(x: Array) -> Array:
    """log₂ x; -inf at 0, NaN below."""
    return np.log2(x)


@kernel
def log10(x: Array) -> Array:
    """log₁₀ x; -inf at 0, NaN below."""
    return np.log10(x)


@kernel
def logaddexp(a: Array, b: Array) -> Array:
    """ln(eᵃ + eᵇ); nothing overflows."""
    return np.logaddexp(a, b)


@kernel
def logaddexp2(a: Array, b: Array) -> Array:
    """log₂(2ᵃ + 2ᵇ); nothing overflows."""
    return np.logaddexp2(a, b)


@kernel
def sqrt(x: Array) -> Array:
    """√x; NaN below 0."""
    return np.sqrt(x)


@kernel
def rsqrt(x: Array) -> Array:
    """1 / √x; infinite at 0, NaN below."""
    return np.true_divide(x.dtype.type(1), np.sqrt(x))


@kernel
def sin(x: Array) -> Array:
    """sin x, x in radians."""
    return np.sin(x)


@kernel
def cos(x: Array) -> Array:
    """cos x, x in radians."""
    return np.cos(x)


@kernel
def tan(x: Array) -> Array:
    """tan x, x in radians."""
    return np.tan(x)


@kernel
def asin(x: Array) -> Array:
    """The angle in [-π/2, π/2] whose sine is x; NaN outside [-1, 1]."""
    return np.arcsin(x)


@kernel
def acos(x: Array) -> Array:
    """The angle in [0, π] whose cosine is x; NaN outside [-1, 1]."""
    return np.arccos(x)


@kernel
def atan(x: Array) -> Array:
    """The angle in (-π/2, π/2) whose tangent is x."""
    return np.arctan(x)


@kernel
def atan2(a: Array, b: Array) -> Array:
    """The angle in [-π, π] of the point (b, a)."""
    return np.arctan2(a, b)


@kernel
def hypot(a: Array, b: Array) -> Array:
    """√(a² + b²); no square overflows."""
    return np.hypot(a, b)


@kernel
def sinh(x: Array) -> Array:
    """(eˣ - e⁻ˣ) / 2"""
    return np.sinh(x)


@kernel
def cosh(x: Array) -> Array:
    """(eˣ + e⁻ˣ) / 2"""
    return np.cosh(x)


@kernel
def asinh(x: Array) -> Array:
    """The inverse of sinh."""
    return np.arcsinh(x)


@kernel
def acosh(x: Array) -> Array:
    """The inverse of cosh on [0, ∞); NaN below 1."""
    return np.arccosh(x)


@kernel
def atanh(x: Array) -> Array:
    """The inverse of tanh; ±inf at ±1, NaN outside."""
    return np.arctanh(x)


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
    """1 / (1 + e⁻ˣ); e⁻ˣ may be infinite, and its reciprocal is 0 then."""
    z = single(x)
    y = np.negative(z, out=np.empty_like(z))
    np.exp(y, out=y)
    np.add(y, 1, out=y)
    return np.true_divide(1, y, out=y).astype(x.dtype, copy=False)


@kernel
def logit(x: Array, eps: float | None) -> Array:
    """ln(x / (1 - x)); ∓inf at 0 and 1, NaN outside; x is clamped to [eps, 1 - eps] where eps is given."""
    z = single(x) if eps is None else np.clip(single(x), eps, 1 - eps)
    return np.log(z / (1 - z)).astype(x.dtype, copy=False)


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


def dense_from(count: int, kinds: str = "fd") -> Callable[..., bool]:
    """Whether a flat compiled loop can run: one shape, one dtype of the kinds, contiguous, and at least ``count``."""

    def dense(*arrays: Array) -> bool:
        first = arrays[0]
        dtype, shape = first.dtype, first.shape
        can = first.size >= count and dtype.char in kinds
        for x in arrays:  # all() takes three times as long
            can = can and x.flags.c_contiguous and x.dtype is dtype and x.shape == shape
        return can

    return dense


dense = dense_from(4096)  # from this many elements on, a compiled loop beats NumPy
curved = dense_from(1024, "f")


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
def _exp(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = exp32(x[i])


@jit
def _sigmoid(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = sigmoid32(x[i])


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


@exp.cpu(curved)
def _(x: Array) -> Array:
    out = np.empty_like(x)
    _exp(x.reshape(-1), out.reshape(-1))
    return out


@sigmoid.cpu(curved)
def _(x: Array) -> Array:
    out = np.empty_like(x)
    _sigmoid(x.reshape(-1), out.reshape(-1))
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
