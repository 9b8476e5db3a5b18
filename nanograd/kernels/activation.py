"""Activations: functions of one number between the layers of a network.

They are computed in float32 for float16 and rounded once, as torch does.
"""

from __future__ import annotations

import math

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.curves import bell32, normal32, sigmoid32
from nanograd.kernels.elementary import dense_from
from nanograd.kernels.elementwise import single
from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.special import erf

MANY = dense_from(512, "f")  # from this many elements on, a compiled loop beats NumPy


def _as(x: Array, y: Array) -> Array:
    """y in the dtype of x."""
    return np.asarray(y).astype(x.dtype, copy=False)


@kernel
def leaky_relu(x: Array, slope: float) -> Array:
    """x for x > 0, else slope · x."""
    z = single(x)
    return _as(x, np.where(z > 0, z, z * slope))


@kernel
def elu(x: Array, alpha: float, scale: float, input_scale: float) -> Array:
    """scale · x for x > 0, else scale · alpha (e^(input_scale · x) - 1)."""
    z = single(x)
    return _as(x, np.where(z > 0, z * scale, np.expm1(np.minimum(z, 0) * input_scale) * (alpha * scale)))


@kernel
def silu(x: Array) -> Array:
    """x / (1 + e⁻ˣ)"""
    z = single(x)
    return _as(x, z / (1 + np.exp(-z)))


@kernel
def silu_grad(g: Array, x: Array) -> Array:
    """g σ (1 + x (1 - σ)), σ the sigmoid of x."""
    z = single(x)
    s = 1 / (1 + np.exp(-z))
    return _as(x, single(g) * s * (1 + z * (1 - s)))


SLOPE, CUBE = math.sqrt(2 / math.pi), 0.044715


@kernel
def gelu(x: Array, tanh: bool) -> Array:
    """x Φ(x), Φ the normal distribution function; or x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    z = single(x)
    inner = np.tanh(SLOPE * (z + CUBE * z * z * z)) if tanh else erf(z * math.sqrt(0.5))
    return _as(x, 0.5 * z * (1 + inner))


@kernel
def gelu_grad(g: Array, x: Array, tanh: bool) -> Array:
    """g times the derivative of ``gelu``: Φ(x) + x φ(x), φ the normal density; or that of the tanh formula."""
    z = single(x)
    if tanh:
        t = np.tanh(SLOPE * (z + CUBE * z * z * z))
        slope = 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * (SLOPE * (1 + 3 * CUBE * z * z))
    else:
        slope = 0.5 * (1 + erf(z * math.sqrt(0.5))) + z * np.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))
    return _as(x, single(g) * slope)


@kernel
def mish(x: Array) -> Array:
    """x tanh(ln(1 + eˣ))"""
    z = single(x)
    return _as(x, z * np.tanh(np.logaddexp(z.dtype.type(0), z)))


@kernel
def softplus(x: Array, beta: float, threshold: float) -> Array:
    """ln(1 + e^(βx)) / β; x itself where βx > threshold."""
    z = single(x) * beta
    return _as(x, np.where(z > threshold, single(x), np.logaddexp(z.dtype.type(0), z) / beta))


@kernel
def logsigmoid(x: Array) -> Array:
    """ln σ(x) = min(x, 0) - ln(1 + e^(-|x|))"""
    z = single(x)
    return _as(x, np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z))))


@kernel
def hardswish(x: Array) -> Array:
    """x · min(max(x + 3, 0), 6) / 6"""
    z = single(x)
    return _as(x, z * np.clip(z + 3, 0, 6) / 6)


@kernel
def hardsigmoid(x: Array) -> Array:
    """min(max(x + 3, 0), 6) / 6"""
    return _as(x, np.clip(single(x) + 3, 0, 6) / 6)


@kernel
def hardshrink(x: Array, width: float) -> Array:
    """0 where |x| ≤ width, else x."""
    return np.where((x >= -width) & (x <= width), x.dtype.type(0), x)


@kernel
def softshrink(x: Array, width: float) -> Array:
    """x - width above width, x + width below -width, else 0."""
    z = single(x)
    return _as(x, np.where(z > width, z - width, np.where(z < -width, z + width, z * 0)))


@kernel
def threshold(x: Array, limit: float, value: float) -> Array:
    """x where x > limit, else value."""
    return np.where(x <= limit, np.asarray(value).astype(x.dtype), x)


# Compiled, in float32: one pass over the elements


@jit
def _silu(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = x[i] * sigmoid32(x[i])


@jit
def _silu_grad(g, x, out):  # type: ignore[no-untyped-def]
    one = x.dtype.type(1)
    for i in range(x.size):
        s = sigmoid32(x[i])
        out[i] = g[i] * s * (one + x[i] * (one - s))


@jit
def _gelu(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = x[i] * normal32(x[i])


@jit
def _gelu_grad(g, x, out, density):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = g[i] * (normal32(x[i]) + x[i] * bell32(x[i]) * density)


@jit
def _gelu_tanh(x, out, slope, cube):  # type: ignore[no-untyped-def]
    two = x.dtype.type(2)
    for i in range(x.size):
        z = x[i]
        out[i] = z * sigmoid32(two * slope * (z + cube * z * z * z))  # 1/2 (1 + tanh u) = σ(2u)


@jit
def _gelu_tanh_grad(g, x, out, slope, cube):  # type: ignore[no-untyped-def]
    one, two, three = x.dtype.type(1), x.dtype.type(2), x.dtype.type(3)
    for i in range(x.size):
        z = x[i]
        s = sigmoid32(two * slope * (z + cube * z * z * z))
        out[i] = g[i] * s * (one + two * z * (one - s) * slope * (one + three * cube * z * z))


def _numbers(x: Array, *values: float) -> tuple[Array, ...]:
    """Numbers of the dtype of x, so that compiled code computes in it."""
    return tuple(x.dtype.type(v) for v in values)


@silu.cpu(MANY)
def _(x: Array) -> Array:
    out = np.empty_like(x)
    _silu(x.reshape(-1), out.reshape(-1))
    return out


@silu_grad.cpu(MANY)
def _(g: Array, x: Array) -> Array:
    out = np.empty_like(x)
    _silu_grad(g.reshape(-1), x.reshape(-1), out.reshape(-1))
    return out


@gelu.cpu(lambda x, tanh: MANY(x))
def _(x: Array, tanh: bool) -> Array:
    out = np.empty_like(x)
    if tanh:
        _gelu_tanh(x.reshape(-1), out.reshape(-1), *_numbers(x, SLOPE, CUBE))
    else:
        _gelu(x.reshape(-1), out.reshape(-1))
    return out


@gelu_grad.cpu(lambda g, x, tanh: MANY(g, x))
def _(g: Array, x: Array, tanh: bool) -> Array:
    out = np.empty_like(x)
    if tanh:
        _gelu_tanh_grad(g.reshape(-1), x.reshape(-1), out.reshape(-1), *_numbers(x, SLOPE, CUBE))
    else:
        _gelu_grad(g.reshape(-1), x.reshape(-1), out.reshape(-1), *_numbers(x, 1 / math.sqrt(2 * math.pi)))
    return out
