"""Matrix products."""

from __future__ import annotations

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = ["linear", "matmul"]


@kernel
def matmul(a: Array, b: Array) -> Array:
    """a b: (…, n, k) (…, k, m) → (…, n, m), leading dimensions broadcast."""
    return np.matmul(a, b)


@kernel
def linear(x: Array, weight: Array, bias: Array | None) -> Array:
    """x Wᵀ + b: (…, in) (out, in) (out,) → (…, out)"""
    y = np.matmul(x, weight.T)
    return y if bias is None else np.add(y, bias, out=y) if y.ndim else y + bias


@jit
def _add_rows(y, bias):  # type: ignore[no-untyped-def]
    for i in range(y.shape[0]):
        row = y[i]
        for j in range(bias.size):
            row[j] += bias[j]


@linear.cpu(lambda x, weight, bias: bias is not None and x.ndim >= 2 and x.dtype.char in "fd" and x.size > 0)
def _(x: Array, weight: Array, bias: Array) -> Array:
    y = np.matmul(x, weight.T)
    _add_rows(y.reshape(-1, y.shape[-1]), bias)
    return y
