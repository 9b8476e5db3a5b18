"""Softmax and what is built on it."""

from __future__ import annotations

import math

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.reduce import row_major

__all__ = ["cross_entropy", "cross_entropy_grad", "log_softmax", "log_softmax_grad", "softmax", "softmax_grad"]


@kernel
def softmax(x: Array, dim: int) -> Array:
    """eˣ / Σ eˣ along ``dim``."""
    x = row_major(x)
    e = np.exp(x - x.max(dim, keepdims=True))  # subtract the max first: e^1000 overflows
    return e / e.sum(dim, keepdims=True)


@kernel
def softmax_grad(g: Array, y: Array, dim: int) -> Array:
    """y (g - Σ g y): the change of x behind a change g of y = softmax x."""
    return y * (g - (g * y).sum(dim, keepdims=True))


@kernel
def log_softmax(x: Array, dim: int) -> Array:
    """x - ln Σ eˣ along ``dim``."""
    x = row_major(x)
    shifted = x - x.max(dim, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(dim, keepdims=True))


@kernel
def log_softmax_grad(g: Array, y: Array, dim: int) -> Array:
    """g - eʸ Σ g: the change of x behind a change g of y = log_softmax x."""
    return g - np.exp(y) * g.sum(dim, keepdims=True)


@kernel
def cross_entropy(x: Array, target: Array) -> tuple[Array, Array] | None:
    """(mean of -ln softmax(x)[target] over rows, softmax x); x (N, C), target int64 (N,).

    None where a target lies outside [0, C).
    """
    if target.min() < 0 or target.max() >= x.shape[1]:
        return None
    y = log_softmax.reference(x, 1)
    return np.asarray(-np.take_along_axis(y, target[:, None], 1).mean()), np.exp(y)


@kernel
def cross_entropy_grad(g: Array, probabilities: Array, target: Array) -> Array:
    """g / N (softmax - onehot(target)); g () → (N, C)."""
    out = np.array(probabilities)
    out[np.arange(len(target)), target] -= 1
    return out * (g / probabilities.dtype.type(len(target)))


@jit
def _softmax_rows(x, out, total):  # type: ignore[no-untyped-def]
    """out = eˣ⁻ᵐᵃˣ / Σ; total = (max, Σ) of each row."""
    for i in range(x.shape[0]):
        row, y = x[i], out[i]
        top = row[0]
        for j in range(row.size):
            if row[j] > top or row[j] != row[j]:  # NaN wins and stays
                top = row[j]
        s = x.dtype.type(0)
        for j in range(row.size):
            e = math.exp(row[j] - top)
            y[j] = e
            s += e
        for j in range(row.size):
            y[j] /= s
        total[i, 0] = top
        total[i, 1] = s


@jit
def _mean_loss(x, target, total):  # type: ignore[no-untyped-def]
    """The mean loss in float64, or -1 where a target is out of range (a loss is never negative)."""
    s = 0.0
    for i in range(x.shape[0]):
        if target[i] < 0 or target[i] >= x.shape[1]:
            return -1.0
        s += math.log(total[i, 1]) + total[i, 0] - x[i, target[i]]
    return s / x.shape[0]


@jit
def _cross_entropy_grad(scale, p, target, out):  # type: ignore[no-untyped-def]
    for i in range(p.shape[0]):
        row, y = p[i], out[i]
        for j in range(row.size):
            y[j] = scale[0] * row[j]
        y[target[i]] -= scale[0]


def _rows(x: Array, target: Array) -> bool:
    return bool(x.flags.c_contiguous and x.dtype.char in "fd" and 0 < x.shape[1] <= 4096 and len(x))


@cross_entropy.cpu(_rows)
def _(x: Array, target: Array) -> tuple[Array, Array] | None:
    p = np.empty_like(x)
    total = np.empty((len(x), 2), x.dtype)
    _softmax_rows(x, p, total)
    loss = _mean_loss(x, target, total)
    return None if loss == -1.0 else (np.array(loss, x.dtype), p)


@cross_entropy_grad.cpu(lambda g, p, target: len(target) > 0)
def _(g: Array, p: Array, target: Array) -> Array:
    out = np.empty_like(p)
    _cross_entropy_grad(np.divide(g, len(target), dtype=p.dtype).reshape(1), p, target, out)
    return out
