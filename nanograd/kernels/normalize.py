"""Softmax and what is built on it."""

from __future__ import annotations

import math

import numpy as np

from nanograd.kernels.compile import exact, jit
from nanograd.kernels.curves import decay32
from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.reduce import row_major

__all__ = [
    "attention_weights",
    "attention_weights_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "log_softmax",
    "log_softmax_grad",
    "softmax",
    "softmax_grad",
]

f4, i4 = np.float32, np.int32
ONE = f4(1)
SIGN, REST = i4(31), i4(0x7FFFFFFF)  # where the sign of a float32 is, and the other bits
RUN = 1024  # so many numbers are added up in float32
FEW = 128  # with fewer numbers NumPy is as fast


@kernel
def softmax(x: Array, dim: int) -> Array:
    """eˣ / Σ eˣ along ``dim``."""
    x = row_major(x)
    e = np.exp(x - x.max(dim, keepdims=True))  # subtract the max first: e^1000 overflows
    return e / np.add.reduce(e, dim, keepdims=True)


@kernel
def softmax_grad(g: Array, y: Array, dim: int) -> Array:
    """y (g - Σ g y): the change of x behind a change g of y = softmax x."""
    return y * (g - np.add.reduce(g * y, dim, keepdims=True))


@kernel
def attention_weights(x: Array, scale: float, causal: bool) -> Array:
    """softmax(x · scale) over the last dimension; ``causal``: over elements 0 … i in row i, 0 after them."""
    z = x * x.dtype.type(scale)
    if not causal:
        return softmax.reference(z, -1)
    seen, zero = np.tri(*x.shape[-2:], dtype=np.bool_), x.dtype.type(0)
    return np.where(seen, softmax.reference(np.where(seen, z, -np.inf), -1), zero).astype(x.dtype, copy=False)


@kernel
def attention_weights_grad(g: Array, y: Array, scale: float) -> Array:
    """scale · y (g - Σ g y): the change of x behind a change g of y = ``attention_weights``."""
    return softmax_grad.reference(g, y, -1) * y.dtype.type(scale)


@kernel
def log_softmax(x: Array, dim: int) -> Array:
    """x - ln Σ eˣ along ``dim``."""
    x = row_major(x)
    shifted = x - x.max(dim, keepdims=True)
    return shifted - np.log(np.add.reduce(np.exp(shifted), dim, keepdims=True))


@kernel
def log_softmax_grad(g: Array, y: Array, dim: int) -> Array:
    """g - eʸ Σ g: the change of x behind a change g of y = log_softmax x."""
    return g - np.exp(y) * np.add.reduce(g, dim, keepdims=True)


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


# Compiled, for rows of float32


@jit
def greatest32(bits):  # type: ignore[no-untyped-def]
    """The greatest of float32, given their bits: integers are compared in vectors, floats are not.

    A NaN may be passed over; e^(NaN - greatest) is NaN all the same.
    """
    top = i4(bits[0] ^ (i4(bits[0] >> SIGN) & REST))
    for j in range(bits.size):
        top = max(top, i4(bits[j] ^ i4(i4(bits[j] >> SIGN) & REST)))  # negative ones count the other way round
    return i4(top ^ i4(i4(top >> SIGN) & REST)).view(f4)


@jit
def _decays(x, scale, top, out):  # type: ignore[no-untyped-def]
    total = f4(0)
    for j in range(x.size):
        e = decay32((x[j] - top) * scale)
        out[j] = e
        total += e
    return total


@jit
def decays32(x, scale, top, out):  # type: ignore[no-untyped-def]
    """out = e^((x - top) · scale); their sum, in float64 from run to run.  Where out is x, no vectors are used."""
    if x.size <= RUN:
        return np.float64(_decays(x, scale, top, out))
    total = 0.0
    for start in range(0, x.size, RUN):
        total += _decays(x[start : start + RUN], scale, top, out[start : start + RUN])
    return total


@jit
def _scale(y, factor):  # type: ignore[no-untyped-def]
    for j in range(y.size):
        y[j] *= factor


@jit
def _softmax(x, bits, out):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        total = decays32(x[i], ONE, greatest32(bits[i]), out[i])
        _scale(out[i], f4(1 / total))


@jit
def _attention_weights(x, bits, scale, length, out):  # type: ignore[no-untyped-def]
    """Row i of every ``length`` rows sees elements 0 … i, all of them where length is 0."""
    for i in range(x.shape[0]):
        seen = min(i % length + 1, x.shape[1]) if length else x.shape[1]
        y = out[i, :seen]
        total = decays32(x[i, :seen], scale, greatest32(bits[i, :seen]), y)
        _scale(y, f4(1 / total))
        out[i, seen:] = f4(0)


@jit
def _attention_weights_grad(g, y, scale, out):  # type: ignore[no-untyped-def]
    for i in range(g.shape[0]):
        up, row, to = g[i], y[i], out[i]
        total = 0.0
        for start in range(0, row.size, RUN):
            total += _dot(up[start : start + RUN], row[start : start + RUN])
        along = f4(total)
        for j in range(row.size):
            to[j] = row[j] * scale * (up[j] - along)


@exact
def _lower(x, top, log_total, out):  # type: ignore[no-untyped-def]
    for j in range(x.size):
        out[j] = (x[j] - top) - log_total  # not x - (top + log_total), which rounds more


@jit
def _log_softmax(x, bits, out):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        top = greatest32(bits[i])
        total = decays32(x[i], ONE, top, out[i])
        _lower(x[i], top, f4(math.log(total)), out[i])


@jit
def _dot(a, b):  # type: ignore[no-untyped-def]
    total = f4(0)
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@jit
def _softmax_grad(g, y, out):  # type: ignore[no-untyped-def]
    for i in range(g.shape[0]):
        up, row, to = g[i], y[i], out[i]
        total = 0.0
        for start in range(0, row.size, RUN):
            total += _dot(up[start : start + RUN], row[start : start + RUN])
        along = f4(total)
        for j in range(row.size):
            to[j] = row[j] * (up[j] - along)


@jit
def _run_sum(x):  # type: ignore[no-untyped-def]
    total = f4(0)
    for j in range(x.size):
        total += x[j]
    return total


@jit
def _log_softmax_grad(g, y, out):  # type: ignore[no-untyped-def]
    for i in range(g.shape[0]):
        up, row, to = g[i], y[i], out[i]
        total = 0.0
        for start in range(0, row.size, RUN):
            total += _run_sum(up[start : start + RUN])
        all_ = f4(total)
        for j in range(row.size):
            to[j] = up[j] - decay32(row[j]) * all_


@jit
def _cross_entropy(x, bits, target, out):  # type: ignore[no-untyped-def]
    """The mean loss, out = softmax x; -1 where a target is out of range (a loss is never negative)."""
    loss = 0.0
    for i in range(x.shape[0]):
        if target[i] < 0 or target[i] >= x.shape[1]:
            return -1.0
        top = greatest32(bits[i])
        total = decays32(x[i], ONE, top, out[i])
        _scale(out[i], f4(1 / total))
        loss += math.log(total) + np.float64(top - x[i, target[i]])
    return loss / x.shape[0]


@jit
def _cross_entropy_grad(scale, p, target, out):  # type: ignore[no-untyped-def]
    for i in range(p.shape[0]):
        row, y = p[i], out[i]
        for j in range(row.size):
            y[j] = scale[0] * row[j]
        y[target[i]] -= scale[0]


def _are_rows(x: Array, dim: int) -> bool:
    """Whether compiled code can run along ``dim``: float32, the last dimension, contiguous."""
    return bool(x.dtype.char == "f" and x.size >= FEW and dim == x.ndim - 1 and x.flags.c_contiguous)


def _are_paired(g: Array, y: Array, dim: int) -> bool:
    return _are_rows(g, dim) and g.shape == y.shape and g.dtype is y.dtype and y.flags.c_contiguous


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _bits(x: Array) -> Array:
    """The bits of the rows of x, as integers."""
    return _rows(x).view(i4)


@softmax.cpu(_are_rows)
def _(x: Array, dim: int) -> Array:
    out = np.empty_like(x)
    _softmax(_rows(x), _bits(x), _rows(out))
    return out


@log_softmax.cpu(_are_rows)
def _(x: Array, dim: int) -> Array:
    out = np.empty_like(x)
    _log_softmax(_rows(x), _bits(x), _rows(out))
    return out


@attention_weights.cpu(lambda x, scale, causal: scale > 0 and _are_rows(x, x.ndim - 1))
def _(x: Array, scale: float, causal: bool) -> Array:
    out = np.empty_like(x)
    _attention_weights(_rows(x), _bits(x), f4(scale), x.shape[-2] if causal else 0, _rows(out))
    return out


@attention_weights_grad.cpu(lambda g, y, scale: _are_paired(g, y, g.ndim - 1))
def _(g: Array, y: Array, scale: float) -> Array:
    out = np.empty_like(g)
    _attention_weights_grad(_rows(g), _rows(y), f4(scale), _rows(out))
    return out


@softmax_grad.cpu(_are_paired)
def _(g: Array, y: Array, dim: int) -> Array:
    out = np.empty_like(g)
    _softmax_grad(_rows(g), _rows(y), _rows(out))
    return out


@log_softmax_grad.cpu(_are_paired)
def _(g: Array, y: Array, dim: int) -> Array:
    out = np.empty_like(g)
    _log_softmax_grad(_rows(g), _rows(y), _rows(out))
    return out


@cross_entropy.cpu(lambda x, target: _are_rows(x, 1))
def _(x: Array, target: Array) -> tuple[Array, Array] | None:
    p = np.empty_like(x)
    loss = _cross_entropy(x, x.view(i4), target, p)
    return None if loss == -1.0 else (np.array(loss, x.dtype), p)


@cross_entropy_grad.cpu(lambda g, p, target: p.dtype.char == "f" and p.size >= FEW)
def _(g: Array, p: Array, target: Array) -> Array:
    out = np.empty_like(p)
    _cross_entropy_grad(np.divide(g, len(target), dtype=p.dtype).reshape(1), p, target, out)
    return out
