"""Bringing groups of numbers to mean 0 and variance 1: rows (the last dimensions) and channels (dimension 1).

The statistics are computed in float32 or better, whatever the dtype of x, and come in the dtype they were computed in:
those of rows as (rows, 1), those of channels as (channels, 1).
"""

from __future__ import annotations

import math

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.elementwise import single
from nanograd.kernels.kernel import Array, kernel

__all__ = [
    "batch_norm", "batch_norm_grad", "batch_norm_grad_weight", "layer_norm", "layer_norm_grad",
    "layer_norm_grad_weight", "layer_norm_grads",
]  # fmt: skip


def _mean(z: Array, dims: tuple[int, ...]) -> Array:
    return np.add.reduce(z, dims, keepdims=True) / z.dtype.type(math.prod(z.shape[d] for d in dims))


def _statistics(z: Array, dims: tuple[int, ...], eps: float) -> tuple[Array, Array, Array]:
    """The mean, the variance, and 1/√(variance + eps) over ``dims``."""
    mean = _mean(z, dims)
    variance = _mean(np.square(z - mean), dims)
    return mean, variance, 1 / np.sqrt(variance + z.dtype.type(eps))


def _back(g: Array, z: Array, scale: Array, dims: tuple[int, ...]) -> Array:
    """scale (g - mean g - z mean(g z)): the change of x behind a change g of z = (x - mean) · scale."""
    return scale * (g - _mean(g, dims) - z * _mean(g * z, dims))


def _affine(z: Array, weight: Array | None, bias: Array | None) -> Array:
    z = z if weight is None else z * single(weight)
    return z if bias is None else z + single(bias)


# Rows of n elements; weight and bias have the shape of a row


def _rows(x: Array, n: int) -> Array:
    return single(x).reshape(-1, n)


@kernel
def layer_norm(x: Array, weight: Array | None, bias: Array | None, n: int, eps: float) -> tuple[Array, Array, Array]:
    """(y, mean, scale): y = (x - mean) · scale · weight + bias, each row of n elements with its own mean and scale."""
    z = _rows(x, n)
    mean, _, scale = _statistics(z, (1,), eps)
    flat = (None if p is None else p.reshape(n) for p in (weight, bias))
    return _affine((z - mean) * scale, *flat).astype(x.dtype, copy=False).reshape(x.shape), mean, scale


@kernel
def layer_norm_grad(g: Array, x: Array, weight: Array | None, mean: Array, scale: Array, n: int) -> Array:
    """The change of x behind a change g of ``layer_norm``."""
    change = _affine(_rows(g, n), None if weight is None else weight.reshape(n), None)
    return _back(change, (_rows(x, n) - mean) * scale, scale, (1,)).astype(x.dtype, copy=False).reshape(x.shape)


@kernel
def layer_norm_grad_weight(g: Array, x: Array, mean: Array, scale: Array, shape: tuple[int, ...], n: int) -> Array:
    """The change of the weight, of ``shape``, behind a change g of ``layer_norm``: Σ g (x - mean) · scale over rows."""
    return (_rows(g, n) * ((_rows(x, n) - mean) * scale)).sum(0).astype(g.dtype, copy=False).reshape(shape)


@kernel
def layer_norm_grads(
    g: Array, x: Array, weight: Array, mean: Array, scale: Array, shape: tuple[int, ...], n: int
) -> tuple[Array, Array, Array]:
    """The changes of x, the weight and the bias behind a change g of ``layer_norm``, in one pass."""
    return (
        layer_norm_grad.reference(g, x, weight, mean, scale, n),
        layer_norm_grad_weight.reference(g, x, mean, scale, shape, n),
        _rows(g, n).sum(0).astype(g.dtype, copy=False).reshape(shape),
    )


# Channels: x (N, C, …), weight and bias (C,)


def _channels(x: Array) -> Array:
    return single(x).reshape(*x.shape[:2], -1)


def _column(p: Array | None) -> Array | None:
    return None if p is None else p[:, None]


@kernel
def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array, Array]:
    """(y, mean, variance, scale): y = (x - mean) · scale · weight + bias, each channel with its own mean and scale."""
    z = _channels(x)
    mean, variance, scale = (s[0] for s in _statistics(z, (0, 2), eps))
    y = _affine((z - mean) * scale, _column(weight), _column(bias))
    return y.astype(x.dtype, copy=False).reshape(x.shape), mean, variance, scale


@kernel
def batch_norm_grad(g: Array, x: Array, weight: Array | None, mean: Array, scale: Array) -> Array:
    """The change of x behind a change g of ``batch_norm``."""
    change = _affine(_channels(g), _column(weight), None)
    return _back(change, (_channels(x) - mean) * scale, scale, (0, 2)).astype(x.dtype, copy=False).reshape(x.shape)


@kernel
def batch_norm_grad_weight(g: Array, x: Array, mean: Array, scale: Array) -> Array:
    """The change of the weight behind a change g of ``batch_norm``: Σ g (x - mean) · scale over all but channels."""
    return (_channels(g) * ((_channels(x) - mean) * scale)).sum((0, 2)).astype(g.dtype, copy=False)


# Compiled: a row, or a channel, at a time; sums in float64, of rows from run to run

RUN, STACK = 1024, 64  # so many numbers, or rows, are added up in the dtype of x


@jit
def _layer_norm(x, weight, bias, eps, out, mean, scale):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        row, y = x[i], out[i]
        total = 0.0
        for k in range(0, row.size, RUN):
            run, part = row[k : k + RUN], x.dtype.type(0)
            for j in range(run.size):
                part += run[j]
            total += part
        middle = x.dtype.type(total / row.size)
        squares = 0.0
        for k in range(0, row.size, RUN):
            run, part = row[k : k + RUN], x.dtype.type(0)
            for j in range(run.size):
                away = run[j] - middle
                part += away * away
            squares += part
        factor = x.dtype.type(1 / np.sqrt(squares / row.size + eps))
        for j in range(row.size):
            y[j] = (row[j] - middle) * factor * weight[j] + bias[j]
        mean[i, 0] = middle
        scale[i, 0] = factor


@jit
def _layer_norm_grad(g, x, weight, mean, scale, out):  # type: ignore[no-untyped-def]
    for i in range(x.shape[0]):
        row, up, y = x[i], g[i], out[i]
        middle, factor = mean[i, 0], scale[i, 0]
        total, along = 0.0, 0.0
        for k in range(0, row.size, RUN):
            run, change, w = row[k : k + RUN], up[k : k + RUN], weight[k : k + RUN]
            a, b = x.dtype.type(0), x.dtype.type(0)
            for j in range(run.size):
                scaled = change[j] * w[j]
                a += scaled
                b += scaled * ((run[j] - middle) * factor)
            total += a
            along += b
        share, part = x.dtype.type(total / row.size), x.dtype.type(along / row.size)
        for j in range(row.size):
            y[j] = factor * (up[j] * weight[j] - share - (row[j] - middle) * factor * part)


@jit
def _layer_norm_grad_weight(g, x, mean, scale, part, out):  # type: ignore[no-untyped-def]
    """out += Σ g z over rows; ``part`` holds the sums of a stack of them."""
    for start in range(0, x.shape[0], STACK):
        part[:] = x.dtype.type(0)
        for i in range(start, min(start + STACK, x.shape[0])):
            row, up = x[i], g[i]
            middle, factor = mean[i, 0], scale[i, 0]
            for j in range(row.size):
                part[j] += up[j] * ((row[j] - middle) * factor)
        for j in range(part.size):
            out[j] += part[j]


@jit
def _layer_norm_row(up, row, w, middle, factor, along, plain, out):  # type: ignore[no-untyped-def]
    """out as in _layer_norm_grad, of one row; along += g z, plain += g."""
    total, product = 0.0, 0.0
    for k in range(0, row.size, RUN):
        run, change, weight = row[k : k + RUN], up[k : k + RUN], w[k : k + RUN]
        a, b = row.dtype.type(0), row.dtype.type(0)
        for j in range(run.size):
            scaled = change[j] * weight[j]
            a += scaled
            b += scaled * ((run[j] - middle) * factor)
        total += a
        product += b
    share, part = row.dtype.type(total / row.size), row.dtype.type(product / row.size)
    for j in range(row.size):
        z = (row[j] - middle) * factor
        along[j] += up[j] * z
        plain[j] += up[j]
        out[j] = factor * (up[j] * w[j] - share - z * part)


@jit
def _layer_norm_grads(g, x, weight, mean, scale, parts, sums, out):  # type: ignore[no-untyped-def]
    """sums += Σ g z and Σ g over rows; ``parts`` holds those of a stack of them."""
    for start in range(0, x.shape[0], STACK):
        parts[:] = x.dtype.type(0)
        for i in range(start, min(start + STACK, x.shape[0])):
            _layer_norm_row(g[i], x[i], weight, mean[i, 0], scale[i, 0], parts[0], parts[1], out[i])
        for j in range(weight.size):
            sums[0, j] += parts[0, j]
            sums[1, j] += parts[1, j]


def _dense(*arrays: Array) -> bool:
    """Whether the compiled loops can run: contiguous float32 or float64, all of one dtype, and not a handful."""
    first = arrays[0]
    return bool(
        first.dtype.char in "fd"
        and first.size >= 512
        and all(a is None or (a.dtype is first.dtype and a.flags.c_contiguous) for a in arrays)
    )


def _or(value: float, p: Array | None, x: Array, n: int) -> Array:
    """A row of the parameter, or of a constant where there is none."""
    return np.full(n, value, x.dtype) if p is None else p.reshape(n)


@layer_norm.cpu(lambda x, weight, bias, n, eps: _dense(x, weight, bias))
def _(x: Array, weight: Array | None, bias: Array | None, n: int, eps: float) -> tuple[Array, Array, Array]:
    rows = x.reshape(-1, n)
    out, mean, scale = np.empty_like(rows), *(np.empty((len(rows), 1), x.dtype) for _ in range(2))
    _layer_norm(rows, _or(1, weight, x, n), _or(0, bias, x, n), eps, out, mean, scale)
    return out.reshape(x.shape), mean, scale


@layer_norm_grad.cpu(lambda g, x, weight, mean, scale, n: _dense(g, x, weight, mean, scale))
def _(g: Array, x: Array, weight: Array | None, mean: Array, scale: Array, n: int) -> Array:
    out = np.empty_like(x)
    _layer_norm_grad(g.reshape(-1, n), x.reshape(-1, n), _or(1, weight, x, n), mean, scale, out.reshape(-1, n))
    return out


@layer_norm_grad_weight.cpu(lambda g, x, mean, scale, shape, n: _dense(g, x, mean, scale))
def _(g: Array, x: Array, mean: Array, scale: Array, shape: tuple[int, ...], n: int) -> Array:
    out = np.zeros(n)
    _layer_norm_grad_weight(g.reshape(-1, n), x.reshape(-1, n), mean, scale, np.empty(n, x.dtype), out)
    return out.astype(x.dtype).reshape(shape)


@layer_norm_grads.cpu(lambda g, x, weight, mean, scale, shape, n: _dense(g, x, weight, mean, scale))
def _(
    g: Array, x: Array, weight: Array, mean: Array, scale: Array, shape: tuple[int, ...], n: int
) -> tuple[Array, Array, Array]:
    out, parts, sums = np.empty_like(x), np.empty((2, n), x.dtype), np.zeros((2, n))
    w = weight.reshape(n)
    _layer_norm_grads(g.reshape(-1, n), x.reshape(-1, n), w, mean, scale, parts, sums, out.reshape(-1, n))
    along, plain = sums.astype(x.dtype)
    return out, along.reshape(shape), plain.reshape(shape)


@jit
def _batch_norm(x, weight, bias, eps, out, mean, variance, scale):  # type: ignore[no-untyped-def]
    count = x.shape[0] * x.shape[2]
    for c in range(x.shape[1]):
        total = 0.0
        for n in range(x.shape[0]):
            row = x[n, c]
            for i in range(row.size):
                total += row[i]
        middle = x.dtype.type(total / count)
        squares = 0.0
        for n in range(x.shape[0]):
            row = x[n, c]
            for i in range(row.size):
                away = row[i] - middle
                squares += away * away
        factor = x.dtype.type(1 / np.sqrt(squares / count + eps))
        slope = factor * weight[c]
        for n in range(x.shape[0]):
            row, y = x[n, c], out[n, c]
            for i in range(row.size):
                y[i] = (row[i] - middle) * slope + bias[c]
        mean[c, 0] = middle
        variance[c, 0] = x.dtype.type(squares / count)
        scale[c, 0] = factor


@jit
def _along(g, x, mean, scale, total, along):  # type: ignore[no-untyped-def]
    """For each channel, total = Σ g and along = Σ g (x - mean) · scale."""
    for c in range(x.shape[1]):
        for n in range(x.shape[0]):
            row, up = x[n, c], g[n, c]
            plain, weighted = 0.0, 0.0
            for i in range(row.size):
                plain += up[i]
                weighted += up[i] * ((row[i] - mean[c, 0]) * scale[c, 0])
            total[c] += plain
            along[c] += weighted


@jit
def _batch_norm_grad(g, x, weight, mean, scale, total, along, out):  # type: ignore[no-untyped-def]
    count = x.shape[0] * x.shape[2]
    for c in range(x.shape[1]):
        share, part = x.dtype.type(total[c] / count), x.dtype.type(along[c] / count)
        slope = scale[c, 0] * weight[c]
        for n in range(x.shape[0]):
            row, up, y = x[n, c], g[n, c], out[n, c]
            for i in range(row.size):
                y[i] = slope * (up[i] - share - (row[i] - mean[c, 0]) * scale[c, 0] * part)


def _sums(g: Array, x: Array, mean: Array, scale: Array) -> tuple[Array, Array]:
    total, along = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    _along(_channels(g), _channels(x), mean, scale, total, along)
    return total, along


@batch_norm.cpu(lambda x, weight, bias, eps: _dense(x, weight, bias))
def _(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array, Array]:
    c = x.shape[1]
    out, *found = np.empty_like(x), *(np.empty((c, 1), x.dtype) for _ in range(3))
    _batch_norm(_channels(x), _or(1, weight, x, c), _or(0, bias, x, c), eps, _channels(out), *found)
    return out, *found


@batch_norm_grad.cpu(lambda g, x, weight, mean, scale: _dense(g, x, weight, mean, scale))
def _(g: Array, x: Array, weight: Array | None, mean: Array, scale: Array) -> Array:
    out = np.empty_like(x)
    weights = _or(1, weight, x, x.shape[1])
    _batch_norm_grad(_channels(g), _channels(x), weights, mean, scale, *_sums(g, x, mean, scale), _channels(out))
    return out


@batch_norm_grad_weight.cpu(lambda g, x, mean, scale: _dense(g, x, mean, scale))
def _(g: Array, x: Array, mean: Array, scale: Array) -> Array:
    return _sums(g, x, mean, scale)[1].astype(x.dtype)
