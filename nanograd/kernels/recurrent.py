"""Reading a whole sequence: the steps of an RNN, a GRU or an LSTM over packed rows, and the way back.

Rows are packed as ops/recurrent.py says; ``sizes`` are the numbers of rows of the steps, ``reverse`` begins with the
last step.  The state of a sequence that has ended, or not begun, stays as it is: so what is left in the end is the
state after the last step of each sequence, and on the way back the gradient of the state before the first.

Gates are arrays (gates, N, H), one matrix for each; dz are their gradients before their curves.  The compiled versions
are for float32; NumPy takes the steps of float64.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.tile import padded, panels
from nanograd.kernels.unrolled import (
    add_input,
    gru_steps,
    gru_steps_back,
    lstm_steps,
    lstm_steps_back,
    outer,
    rnn_steps,
    rnn_steps_back,
    total,
)

__all__ = ["grad_bias", "grad_input", "grad_weight", "gru", "gru_grad", "lstm", "lstm_grad", "rnn", "rnn_grad"]

Sizes = tuple[int, ...]
Gates = tuple[int, ...]
Maybe = Array | None


@lru_cache(64)
def steps(sizes: Sizes, reverse: bool) -> Array:
    """(first row, number of rows) of each step, in the order in which they are taken."""
    counts = np.array(sizes, np.int64)
    order = np.stack([np.cumsum(counts) - counts, counts], 1)
    return np.ascontiguousarray(order[::-1]) if reverse else order


def _weighted(x: Array, w: Array, bias: Maybe, count: int) -> Array:
    """x Wᵀ + b as ``count`` matrices, one for each gate."""
    y = np.matmul(x, w.T)
    return (y if bias is None else y + bias).reshape(len(x), count, len(w) // count).swapaxes(0, 1)


def _curve(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)"""
    return 1 / (1 + np.exp(-x))


def _copy(g: Maybe, like: Array, sizes: Sizes) -> Array:
    """The gradient of a last state, (B, H) as ``like`` is (N, H), to be written into: zeros where none came."""
    return np.zeros((sizes[0], like.shape[1]), like.dtype) if g is None else np.array(g, order="C")


def _single(x: Array, *rest: object) -> bool:
    return bool(x.dtype.char == "f" and x.size > 0)


def _wide(x: Array) -> Array:
    """x (…, H), its rows filled up to a multiple of ``WIDTH``: x itself, or the array of which it is the beginning."""
    shape = (*x.shape[:-1], padded(x.shape[-1]))
    for array in (x, x.base):
        if array is not None and array.shape == shape and array.flags.c_contiguous and _begins(x, array):
            return array
    out = np.zeros(shape, np.float32)
    out[..., : x.shape[-1]] = x
    return out


def _begins(x: Array, array: Array) -> bool:
    """Whether x is array[..., :H]."""
    start = x.__array_interface__["data"][0]
    return bool(x.strides == array.strides and start == array.__array_interface__["data"][0])


def _narrow(size: int, *arrays: Array) -> tuple[Array, ...]:
    """The first ``size`` columns, dense."""
    return tuple(np.ascontiguousarray(a[..., :size]) for a in arrays)


def _wide_copy(g: Maybe, rows: int, columns: int) -> Array:
    out = np.zeros((rows, padded(columns)), np.float32)
    if g is not None:
        out[:, :columns] = g
    return out


def _given(gy: Maybe, like: Array) -> Array:
    """The gradient of the outputs, its rows dense; zeros where none came."""
    return np.zeros(like.shape, np.float32) if gy is None else np.ascontiguousarray(gy)


def _empty(*shape: int) -> Array:
    return np.empty(shape, np.float32)


def _forward(w: Array, gates: int) -> Array:
    """The weights of each gate as panels of its hᵀ ↦ W hᵀ: (gates, H / WIDTH, I, WIDTH)."""
    return panels(w.reshape(gates, -1, w.shape[1]).swapaxes(1, 2))


def _backward(w: Array, gates: int) -> Array:
    """The weights of each gate as panels of d ↦ d W: (gates, I / WIDTH, H, WIDTH)."""
    return panels(w.reshape(gates, -1, w.shape[1]))


def _bias(gates: int, like: Array, *given: Maybe) -> Array:
    """The sum of the given biases, (gates, H) with rows as ``like``'s."""
    out = np.zeros((gates, like.shape[1]), np.float32)
    for b in given:
        if b is not None:
            wide = out[:, : b.size // gates]
            wide += b.reshape(gates, -1)
    return out


# RNN


@kernel
def rnn(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(outputs, last h, h before each row) of h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, …)."""
    (y,), h = _weighted(x, w_ih, b_ih, 1), h.copy()
    before = np.empty_like(y)
    for first, n in steps(sizes, reverse):
        rows = slice(first, first + n)
        before[rows] = h[:n]
        z = y[rows] + _weighted(h[:n], w_hh, b_hh, 1)[0]
        y[rows] = h[:n] = np.maximum(z, 0) if relu else np.tanh(z)
    return y, h, before


@rnn.cpu(_single)
def _(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    (n, size), x = (len(x), h.shape[1]), np.ascontiguousarray(x)
    h = _wide_copy(h, *h.shape)
    y, before, bias = _empty(n, h.shape[1]), _empty(n, h.shape[1]), _bias(1, h, b_ih, b_hh)[0]
    w_x, w_h = _forward(w_ih, 1), _forward(w_hh, 1)
    rnn_steps(x, h, w_x[0], w_h[0], bias, relu, steps(sizes, reverse), y, before)
    return *_narrow(size, y, h), before[:, :size]


@kernel
def rnn_grad(y: Array, w_hh: Array, gy: Maybe, gh: Maybe, relu: bool, sizes: Sizes, reverse: bool) -> tuple[Array, ...]:
    """(dz (1, N, H), dh) from the gradients of the outputs and of the last h."""
    dz, dh = np.empty_like(y), _copy(gh, y, sizes)
    for first, n in steps(sizes, not reverse):
        rows = slice(first, first + n)
        d = dh[:n] if gy is None else dh[:n] + gy[rows]
        dz[rows] = np.where(y[rows] <= 0, 0, d) if relu else d * (1 - y[rows] * y[rows])
        dh[:n] = np.matmul(dz[rows], w_hh)
    return dz[None], dh


@rnn_grad.cpu(_single)
def _(y: Array, w_hh: Array, gy: Maybe, gh: Maybe, relu: bool, sizes: Sizes, reverse: bool) -> tuple[Array, ...]:
    size = y.shape[1]
    dh, wide = _wide_copy(gh, sizes[0], size), _wide(y)
    dz = np.empty_like(wide)
    rnn_steps_back(wide, _backward(w_hh, 1)[0], _given(gy, y), dh, relu, steps(sizes, not reverse), dz)
    return dz[None, :, :size], *_narrow(size, dh)


# GRU


@kernel
def gru(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(outputs, last h, gates r z n q, h before each row): h' = n + z (h - n), n = tanh(x + r q), q = W_hn h + b."""
    r, z, new = _weighted(x, w_ih, b_ih, 3)
    q, y, before, h = np.empty_like(r), np.empty_like(r), np.empty_like(r), h.copy()
    for first, n in steps(sizes, reverse):
        rows = slice(first, first + n)
        before[rows] = h[:n]
        h_r, h_z, q[rows] = _weighted(h[:n], w_hh, b_hh, 3)
        r[rows], z[rows] = _curve(r[rows] + h_r), _curve(z[rows] + h_z)
        new[rows] = np.tanh(new[rows] + r[rows] * q[rows])
        y[rows] = h[:n] = new[rows] + z[rows] * (h[:n] - new[rows])
    return y, h, np.stack([r, z, new, q]), before


@gru.cpu(_single)
def _(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    (n, size), x = (len(x), h.shape[1]), np.ascontiguousarray(x)
    h = _wide_copy(h, *h.shape)
    z, y, before = _empty(4, n, h.shape[1]), _empty(n, size), _empty(n, h.shape[1])
    b_x, b_h = _bias(3, h, b_ih), _bias(3, h, b_hh)
    b_x[:2] += b_h[:2]
    gru_steps(x, h, _forward(w_ih, 3), _forward(w_hh, 3), b_x, b_h[2], steps(sizes, reverse), z, y, before)
    return y, *_narrow(size, h), z[..., :size], before[:, :size]


@kernel
def gru_grad(
    gates: Array, before: Array, w_hh: Array, gy: Maybe, gh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(dz (4, N, H), dh): the gradients of r, z, n, q; W_ih sees the first three, W_hh r, z and q."""
    dz, dh = np.empty_like(gates), _copy(gh, before, sizes)
    for first, n in steps(sizes, not reverse):
        rows = slice(first, first + n)
        d = dh[:n] if gy is None else dh[:n] + gy[rows]
        r, z, new, q = gates[:, rows]
        d_n = d * (1 - z) * (1 - new * new)
        dz[:, rows] = d_n * q * r * (1 - r), d * (before[rows] - new) * z * (1 - z), d_n, d_n * r
        dh[:n] = d * z + np.matmul(np.concatenate(dz[[0, 1, 3], rows], 1), w_hh)
    return dz, dh


@gru_grad.cpu(_single)
def _(gates: Array, before: Array, w_hh: Array, gy: Maybe, gh: Maybe, sizes: Sizes, reverse: bool) -> tuple[Array, ...]:
    size = before.shape[1]
    dh, z = _wide_copy(gh, sizes[0], size), _wide(gates)
    dz = np.empty_like(z)
    gru_steps_back(z, _wide(before), _backward(w_hh, 3), _given(gy, before), dh, steps(sizes, not reverse), dz)
    return dz[..., :size], *_narrow(size, dh)


# LSTM


@kernel
def lstm(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(outputs, last h and c, gates i f g o, tanh c', h before each row, c before): c' = f c + i g, h' = o tanh c'."""
    gates, h, c = _weighted(x, w_ih, b_ih, 4), h.copy(), c.copy()
    y, squashed, h_before, c_before = (np.empty((len(x), h.shape[1]), x.dtype) for _ in range(4))
    for first, n in steps(sizes, reverse):
        rows = slice(first, first + n)
        h_before[rows], c_before[rows] = h[:n], c[:n]
        i, f, g, o = gates[:, rows] + _weighted(h[:n], w_hh, b_hh, 4)
        gates[:, rows] = i, f, g, o = _curve(i), _curve(f), np.tanh(g), _curve(o)
        c[:n] = f * c[:n] + i * g
        squashed[rows] = np.tanh(c[:n])
        y[rows] = h[:n] = o * squashed[rows]
    return y, h, c, gates, squashed, h_before, c_before


@lstm.cpu(_single)
def _(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    (n, size), x = (len(x), h.shape[1]), np.ascontiguousarray(x)
    h, c = _wide_copy(h, *h.shape), _wide_copy(c, *c.shape)
    width = h.shape[1]
    z, y, saved = _empty(4, n, width), _empty(n, size), [_empty(n, width) for _ in range(3)]
    bias = _bias(4, h, b_ih, b_hh)
    lstm_steps(x, h, c, _forward(w_ih, 4), _forward(w_hh, 4), bias, steps(sizes, reverse), z, y, *saved)
    return y, *_narrow(size, h, c), *(a[..., :size] for a in (z, *saved))


@kernel
def lstm_grad(
    gates: Array, squashed: Array, before: Array, w_hh: Array,
    gy: Maybe, gh: Maybe, gc: Maybe, sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """(dz (4, N, H), dh, dc); ``before`` is c before each row."""
    dz, dh, dc = np.empty_like(gates), _copy(gh, before, sizes), _copy(gc, before, sizes)
    for first, n in steps(sizes, not reverse):
        rows = slice(first, first + n)
        d = dh[:n] if gy is None else dh[:n] + gy[rows]
        (i, f, g, o), t = gates[:, rows], squashed[rows]
        d_c = dc[:n] + d * o * (1 - t * t)
        d_i, d_f, d_g = d_c * g * i * (1 - i), d_c * before[rows] * f * (1 - f), d_c * i * (1 - g * g)
        dz[:, rows] = d_i, d_f, d_g, d * t * o * (1 - o)
        dc[:n] = d_c * f
        dh[:n] = np.matmul(np.concatenate(dz[:, rows], 1), w_hh)
    return dz, dh, dc


@lstm_grad.cpu(_single)
def _(
    gates: Array, squashed: Array, before: Array, w_hh: Array,
    gy: Maybe, gh: Maybe, gc: Maybe, sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    size = before.shape[1]
    dh, dc, z = _wide_copy(gh, sizes[0], size), _wide_copy(gc, sizes[0], size), _wide(gates)
    dz, w, gy, order = np.empty_like(z), _backward(w_hh, 4), _given(gy, before), steps(sizes, not reverse)
    lstm_steps_back(z, _wide(squashed), _wide(before), w, gy, dh, dc, order, dz)
    return dz[..., :size], *_narrow(size, dh, dc)


# Gradients of what all steps share


@kernel
def grad_input(dz: Array, w: Array, which: Gates) -> Array:
    """Σ dz[g] W[g] over ``which``: (gates, N, H), w (len(which) · H, I) → (N, I)"""
    return np.matmul(np.concatenate([dz[g] for g in which], 1), w)


@grad_input.cpu(_single)
def _(dz: Array, w: Array, which: Gates) -> Array:
    z, weights = _wide(dz), _backward(w, len(which))
    out = np.zeros((z.shape[1], padded(w.shape[1])), np.float32)
    for gate, part in zip(which, weights, strict=True):
        add_input(z[gate], part, out)
    return _narrow(w.shape[1], out)[0]


@kernel
def grad_weight(dz: Array, x: Array, which: Gates) -> Array:
    """dz[g]ᵀ x, one below the other: (gates, N, H), x (N, I) → (len(which) · H, I)"""
    return np.concatenate([np.matmul(dz[g].T, x) for g in which])


@grad_weight.cpu(_single)
def _(dz: Array, x: Array, which: Gates) -> Array:
    z, size, x = _wide(dz), dz.shape[2], x if x.strides[-1] == x.itemsize else np.ascontiguousarray(x)
    out = _empty(len(which), size, x.shape[1])
    for gate, part in zip(which, out, strict=True):
        outer(z[gate], x, part, np.zeros((x.shape[1], z.shape[2]), np.float32))
    return out.reshape(-1, x.shape[1])


@kernel
def grad_bias(dz: Array, which: Gates) -> Array:
    """The sums of the rows of dz[g]: (gates, N, H) → (len(which) · H,); in doubles, that the error does not grow."""
    return np.concatenate([np.sum(dz[g], 0, np.float64) for g in which]).astype(dz.dtype)


@grad_bias.cpu(_single)
def _(dz: Array, which: Gates) -> Array:
    z = _wide(dz)
    sums, part = np.zeros((len(which), z.shape[2])), _empty(z.shape[2])
    for gate, out in zip(which, sums, strict=True):
        total(z[gate], part, out)
    return sums[:, : dz.shape[2]].astype(np.float32).reshape(-1)
