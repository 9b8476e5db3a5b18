"""Matrix products, and distances between rows."""

from __future__ import annotations

import math

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.reduce import sum as sum_

__all__ = [
    "add_product",
    "cross",
    "distances",
    "linear",
    "linear_grad",
    "linear_grad_bias",
    "linear_grad_weight",
    "matmul",
]


@kernel
def matmul(a: Array, b: Array) -> Array:
    """a b: (…, n, k) (…, k, m) → (…, n, m), leading dimensions broadcast."""
    if a.ndim > 2 and b.ndim == 2 and a.flags.c_contiguous and a.size and b.size:  # one product instead of many
        return np.matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])
    return np.matmul(a, b)


@kernel
def add_product(x: Array, a: Array, b: Array, beta: float, alpha: float) -> Array:
    """β x + α a b; where β is 0, x does not count, be it NaN."""
    y = np.asarray(np.matmul(a, b))
    scale, share = np.asarray(alpha).astype(y.dtype), np.asarray(beta).astype(y.dtype)
    if alpha != 1:
        y = y * scale
    if beta == 0:
        return y
    return y + (x if beta == 1 else x * share)


@kernel
def linear(x: Array, weight: Array, bias: Array | None) -> Array:
    """x Wᵀ + b: (…, in) (out, in) (out,) → (…, out)"""
    y = matmul.reference(x, weight.T)
    return y if bias is None else np.add(y, bias, out=y) if y.ndim else y + bias


@kernel
def linear_grad(g: Array, weight: Array) -> Array:
    """g W: the change of x behind a change g of ``linear``."""
    return matmul.reference(g, weight)


@kernel
def linear_grad_weight(g: Array, x: Array) -> Array:
    """gᵀ x over all rows: the change of the weight."""
    return _rows(g).T.dot(_rows(x))


@kernel
def linear_grad_bias(g: Array) -> Array:
    """Σ g over all rows: the change of the bias."""
    return sum_.reference(_rows(g), (0,), False, None)


def _rows(x: Array) -> Array:
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


@jit
def _add_rows(y, bias):  # type: ignore[no-untyped-def]
    for i in range(y.shape[0]):
        row = y[i]
        for j in range(bias.size):
            row[j] += bias[j]


@linear.cpu(lambda x, weight, bias: bias is not None and x.ndim >= 2 and x.dtype.char in "fd" and x.size > 0)
def _(x: Array, weight: Array, bias: Array) -> Array:
    if x.ndim == 2:
        y = x.dot(weight.T)  # the same product as matmul's, found in two thirds of the time
        _add_rows(y, bias)
        return y
    y = matmul.reference(x, weight.T)
    _add_rows(y.reshape(-1, y.shape[-1]), bias)
    return y


@kernel
def cross(a: Array, b: Array, dim: int) -> Array:
    """a × b along a dimension of size 3."""
    a, b = np.moveaxis(a, dim, 0), np.moveaxis(b, dim, 0)
    parts = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    return np.stack(parts, dim)


WHOLE = 1 << 20
"""So many differences are held at once."""


@kernel
def distances(a: Array, b: Array, by_product: bool) -> Array:
    """√Σ (a_i - b_j)²: (…, n, d) (…, m, d) → (…, n, m); ``by_product`` from a² + b² - 2ab, which rounds more."""
    if by_product:
        squares = (a * a).sum(-1)[..., :, None] + (b * b).sum(-1)[..., None, :]
        return np.sqrt(np.maximum(squares - 2 * np.matmul(a, b.swapaxes(-1, -2)), 0))
    if a.size * b.shape[-2] <= WHOLE:
        return np.sqrt(((a[..., :, None, :] - b[..., None, :, :]) ** 2).sum(-1))
    total = (a[..., :, None, 0] - b[..., None, :, 0]) ** 2
    for i in range(1, a.shape[-1]):
        total += (a[..., :, None, i] - b[..., None, :, i]) ** 2
    return np.sqrt(total)
