"""How far predictions are from targets."""

from __future__ import annotations

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.elementary import dense_from
from nanograd.kernels.elementwise import single
from nanograd.kernels.kernel import Array, kernel

__all__ = ["binary_cross_entropy", "squared_error", "squared_error_grad"]


@kernel
def squared_error(x: Array, t: Array, share: float) -> Array:
    """share · Σ (x - t)² of two arrays of one shape."""
    return np.square(x - t).sum() * x.dtype.type(share)


@kernel
def squared_error_grad(g: Array, x: Array, t: Array, scale: float) -> Array:
    """scale · g (x - t), g a single number."""
    away = np.subtract(x, t)
    return np.multiply(away, g * x.dtype.type(scale), out=away if away.ndim else None)


@kernel
def binary_cross_entropy(x: Array, t: Array) -> Array:
    """-(t ln x + (1 - t) ln(1 - x)) of probabilities x; logarithms are never below -100."""
    z, u = single(x), single(t)
    least = z.dtype.type(-100)
    y = (u - 1) * np.maximum(np.log1p(-z), least) - u * np.maximum(np.log(z), least)
    return y.astype(x.dtype, copy=False)


@jit
def _squared_error(x, t):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(x.size):
        away = x[i] - t[i]
        total += away * away
    return total


@jit
def _squared_error_grad(g, scale, x, t, out):  # type: ignore[no-untyped-def]
    factor = out.dtype.type(g[0] * scale)
    for i in range(x.size):
        out[i] = factor * (x[i] - t[i])


MANY = dense_from(16)  # from this many elements on, a compiled loop beats NumPy


@squared_error.cpu(lambda x, t, share: MANY(x, t))
def _(x: Array, t: Array, share: float) -> Array:
    return np.array(_squared_error(x.reshape(-1), t.reshape(-1)) * share, x.dtype)


@squared_error_grad.cpu(lambda g, x, t, scale: MANY(x, t))
def _(g: Array, x: Array, t: Array, scale: float) -> Array:
    out = np.empty_like(x)
    _squared_error_grad(g.reshape(-1), scale, x.reshape(-1), t.reshape(-1), out.reshape(-1))
    return out
