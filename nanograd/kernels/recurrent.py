"""Reading a whole sequence: the steps of an RNN, a GRU or an LSTM over packed rows, and the way back.

Rows are packed as ops/recurrent.py says; ``sizes`` are the numbers of rows of the steps, and ``reverse`` begins with the
last step.  The state of a sequence that has ended, or not begun, stays as it is: so what is left in the end is the state
after the last step of each sequence, and on the way back the gradient of the state before the first.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.curves import sigmoid as _sigmoid
from nanograd.kernels.curves import tanh as _tanh
from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.tile import padded, product, widened

__all__ = ["gru", "gru_grad", "lstm", "lstm_grad", "rnn", "rnn_grad"]

Sizes = tuple[int, ...]
Maybe = Array | None


@lru_cache(64)
def steps(sizes: Sizes, reverse: bool) -> Array:
    """(first row, number of rows) of each step, in the order in which they are taken."""
    counts = np.array(sizes, np.int64)
    order = np.stack([np.cumsum(counts) - counts, counts], 1)
    return np.ascontiguousarray(order[::-1]) if reverse else order


def _product(x: Array, w: Array, bias: Maybe) -> Array:
    """x Wᵀ + b"""
    y = np.matmul(x, w.T)
    return y if bias is None else y + bias


def _curve(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)"""
    return 1 / (1 + np.exp(-x))


def _total(rows: Array) -> Array:
    """The sum of all rows; one of float32 in doubles, so that its error does not grow with their number."""
    return np.sum(rows, 0, np.float64).astype(rows.dtype)


# RNN


@kernel
def rnn(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(outputs, last h, h before each row) of h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, …)."""
    y, h = _product(x, w_ih, b_ih), h.copy()
    before = np.empty_like(y)
    for first, n in steps(sizes, reverse):
        rows = slice(first, first + n)
        before[rows] = h[:n]
        z = y[rows] + _product(h[:n], w_hh, b_hh)
        y[rows] = h[:n] = np.maximum(z, 0) if relu else np.tanh(z)
    return y, h, before


@kernel
def rnn_grad(
    y: Array, w_hh: Array, gy: Maybe, gh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(dz, Σ dz, dh) from the gradients of the outputs and of the last h, z what tanh or max is taken of."""
    dz, dh = np.empty_like(y), _copy(gh, y, sizes)
    for first, n in steps(sizes, not reverse):
        rows = slice(first, first + n)
        d = dh[:n] if gy is None else dh[:n] + gy[rows]
        dz[rows] = np.where(y[rows] <= 0, 0, d) if relu else d * (1 - y[rows] * y[rows])
        dh[:n] = np.matmul(dz[rows], w_hh)
    return dz, _total(dz), dh


def _copy(g: Maybe, like: Array, sizes: Sizes) -> Array:
    """The gradient of a last state (B, H), to be written into: zeros where none came; H as the columns of ``like``."""
    return np.zeros((sizes[0], like.shape[1]), like.dtype) if g is None else np.array(g, order="C")


# GRU


@kernel
def gru(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(outputs, last h, gates r z n, W_hn h + b_hn, h before each row): h' = n + z (h - n)."""
    gates, h = _product(x, w_ih, b_ih), h.copy()
    y, hidden, before = (np.empty((len(x), h.shape[1]), x.dtype) for _ in range(3))
    for first, n in steps(sizes, reverse):
        rows = slice(first, first + n)
        before[rows] = h[:n]
        x_r, x_z, x_n = np.split(gates[rows], 3, 1)
        h_r, h_z, hidden[rows] = np.split(_product(h[:n], w_hh, b_hh), 3, 1)
        r, z = _curve(x_r + h_r), _curve(x_z + h_z)
        new = np.tanh(x_n + r * hidden[rows])
        gates[rows] = np.concatenate([r, z, new], 1)
        y[rows] = h[:n] = new + z * (h[:n] - new)
    return y, h, gates, hidden, before


@kernel
def gru_grad(
    gates: Array, hidden: Array, before: Array, w_hh: Array, gy: Maybe, gh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(dx, Σ dx, dq, Σ dq, dh): the gradients of x W_ihᵀ + b_ih and of q = h W_hhᵀ + b_hh, which differ in n."""
    dx, dq, dh = np.empty_like(gates), np.empty_like(gates), _copy(gh, hidden, sizes)
    for first, n in steps(sizes, not reverse):
        rows = slice(first, first + n)
        d = dh[:n] if gy is None else dh[:n] + gy[rows]
        r, z, new = np.split(gates[rows], 3, 1)
        d_new = d * (1 - z) * (1 - new * new)
        d_r = d_new * hidden[rows] * r * (1 - r)
        d_z = d * (before[rows] - new) * z * (1 - z)
        dx[rows] = np.concatenate([d_r, d_z, d_new], 1)
        dq[rows] = np.concatenate([d_r, d_z, d_new * r], 1)
        dh[:n] = d * z + np.matmul(dq[rows], w_hh)
    return dx, _total(dx), dq, _total(dq), dh


# LSTM


@kernel
def lstm(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(outputs, last h, last c, gates i f g o, tanh c', h before each row, c before): c' = f c + i g, h' = o tanh c'."""
    gates, h, c = _product(x, w_ih, b_ih), h.copy(), c.copy()
    y, squashed, h_before, c_before = (np.empty((len(x), h.shape[1]), x.dtype) for _ in range(4))
    for first, n in steps(sizes, reverse):
        rows = slice(first, first + n)
        h_before[rows], c_before[rows] = h[:n], c[:n]
        i, f, g, o = np.split(gates[rows] + _product(h[:n], w_hh, b_hh), 4, 1)
        i, f, g, o = _curve(i), _curve(f), np.tanh(g), _curve(o)
        gates[rows] = np.concatenate([i, f, g, o], 1)
        c[:n] = f * c[:n] + i * g
        squashed[rows] = np.tanh(c[:n])
        y[rows] = h[:n] = o * squashed[rows]
    return y, h, c, gates, squashed, h_before, c_before


@kernel
def lstm_grad(
    gates: Array, squashed: Array, before: Array, w_hh: Array,
    gy: Maybe, gh: Maybe, gc: Maybe, sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    """(dz, Σ dz, dh, dc): z are the gates before their curves, ``before`` the c before each row."""
    dz, dh, dc = np.empty_like(gates), _copy(gh, squashed, sizes), _copy(gc, squashed, sizes)
    for first, n in steps(sizes, not reverse):
        rows = slice(first, first + n)
        d = dh[:n] if gy is None else dh[:n] + gy[rows]
        i, f, g, o = np.split(gates[rows], 4, 1)
        t = squashed[rows]
        d_c = dc[:n] + d * o * (1 - t * t)
        d_i, d_f, d_g = d_c * g * i * (1 - i), d_c * before[rows] * f * (1 - f), d_c * i * (1 - g * g)
        dz[rows] = np.concatenate([d_i, d_f, d_g, d * t * o * (1 - o)], 1)
        dc[:n] = d_c * f
        dh[:n] = np.matmul(dz[rows], w_hh)
    return dz, _total(dz), dh, dc


# Compiled: all steps in one call.  Every loop begins at 0 and has few arrays, or it would not be vectorized.


def _single(x: Array, *rest: object) -> bool:
    return x.dtype.char == "f" and x.size > 0


def _biases(b_ih: Maybe, b_hh: Maybe, like: Array) -> Array:
    """b_ih + b_hh, or zeros."""
    return np.zeros(like.shape[1], like.dtype) if b_ih is None else b_ih + b_hh


def _dense(*arrays: Array) -> tuple[Array, ...]:
    return tuple(np.ascontiguousarray(a) for a in arrays)


def _blank(rows: int, columns: int, count: int) -> list[Array]:
    return [np.empty((rows, columns), np.float32) for _ in range(count)]


def _incoming(g: Maybe, like: Array) -> Array:
    """The gradient of the outputs, dense; zeros where none came."""
    return np.zeros(like.shape, like.dtype) if g is None else np.ascontiguousarray(g)


def _wide_copy(g: Maybe, like: Array, sizes: Sizes) -> Array:
    """As ``_copy``, in rows of the width that ``product`` writes."""
    out = np.zeros((sizes[0], padded(like.shape[1])), np.float32)
    if g is not None:
        out[:, : like.shape[1]] = g
    return out


PART = 32


@jit
def _add_rows(rows, part, total):  # type: ignore[no-untyped-def]
    """total += Σ rows: so many at a time in float32, then in doubles."""
    for first in range(0, rows.shape[0], PART):
        some = rows[first : first + PART]
        part[:] = some[0]
        for r in range(1, some.shape[0]):
            row = some[r]
            for j in range(row.size):
                part[j] += row[j]
        for j in range(part.size):
            total[j] += part[j]


@jit
def _lstm_row(z, q, bias, h, c, t):  # type: ignore[no-untyped-def]
    n = h.size
    i, f, g, o, early = z[:n], z[n : 2 * n], z[2 * n : 3 * n], z[3 * n :], z[: 2 * n]
    for j in range(z.size):
        z[j] += q[j] + bias[j]
    for j in range(early.size):
        early[j] = _sigmoid(early[j])
    for j in range(n):
        g[j] = _tanh(g[j])
    for j in range(n):
        o[j] = _sigmoid(o[j])
    for j in range(n):
        c[j] = f[j] * c[j] + i[j] * g[j]
    for j in range(n):
        t[j] = _tanh(c[j])
    for j in range(n):
        h[j] = o[j] * t[j]


@jit
def _lstm_steps(z, bias, w, h, c, order, q, y, squashed, h_before, c_before):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        h_before[first : first + n] = h[:n]
        c_before[first : first + n] = c[:n]
        product(h[:n], w, q)
        for b in range(n):
            _lstm_row(z[first + b], q[b], bias, h[b], c[b], squashed[first + b])
        y[first : first + n] = h[:n]


@lstm.cpu(_single)
def _(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    gates, h, c = np.matmul(x, w_ih.T), np.array(h, order="C"), np.array(c, order="C")
    y, squashed, h_before, c_before = _blank(len(x), h.shape[1], 4)
    w = widened(w_hh.T)
    (q,) = _blank(len(h), w.shape[1], 1)
    bias = _biases(b_ih, b_hh, gates)
    _lstm_steps(gates, bias, w, h, c, steps(sizes, reverse), q, y, squashed, h_before, c_before)
    return y, h, c, gates, squashed, h_before, c_before


@jit
def _lstm_row_back(z, t, before, gy, dh, dc, dz):  # type: ignore[no-untyped-def]
    one = z.dtype.type(1)
    n = t.size
    i, f, g, o = z[:n], z[n : 2 * n], z[2 * n : 3 * n], z[3 * n :]
    d_i, d_f, d_g, d_o = dz[:n], dz[n : 2 * n], dz[2 * n : 3 * n], dz[3 * n :]
    for j in range(n):
        dh[j] += gy[j]
    for j in range(n):
        dc[j] += dh[j] * o[j] * (one - t[j] * t[j])
    for j in range(n):
        d_o[j] = dh[j] * t[j] * o[j] * (one - o[j])
    for j in range(n):
        d_i[j] = dc[j] * g[j] * i[j] * (one - i[j])
    for j in range(n):
        d_g[j] = dc[j] * i[j] * (one - g[j] * g[j])
    for j in range(n):
        d_f[j] = dc[j] * before[j] * f[j] * (one - f[j])
    for j in range(n):
        dc[j] *= f[j]


@jit
def _lstm_steps_back(z, squashed, before, w, gy, dh, dc, order, dz, part, total):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        for b in range(n):
            r = first + b
            _lstm_row_back(z[r], squashed[r], before[r], gy[r], dh[b], dc[b], dz[r])
        product(dz[first : first + n], w, dh)
        _add_rows(dz[first : first + n], part, total)


@lstm_grad.cpu(_single)
def _(
    gates: Array, squashed: Array, before: Array, w_hh: Array,
    gy: Maybe, gh: Maybe, gc: Maybe, sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    dh, dc = _wide_copy(gh, squashed, sizes), _copy(gc, squashed, sizes)
    dz, part, total = np.empty_like(gates), np.empty(gates.shape[1], np.float32), np.zeros(gates.shape[1])
    _lstm_steps_back(
        *_dense(gates, squashed, before), widened(w_hh), _incoming(gy, squashed), dh, dc, steps(sizes, not reverse),
        dz, part, total,
    )  # fmt: skip
    return dz, total.astype(np.float32), np.array(dh[:, : dc.shape[1]], order="C"), dc


@jit
def _gru_row(z, q, bias, h, y, hidden):  # type: ignore[no-untyped-def]
    n = h.size
    r, u, new, early, q_n, b_n = z[:n], z[n : 2 * n], z[2 * n :], z[: 2 * n], q[2 * n : 3 * n], bias[2 * n :]
    for j in range(early.size):
        early[j] = _sigmoid(early[j] + q[j] + bias[j])
    for j in range(n):
        hidden[j] = q_n[j] + b_n[j]
    for j in range(n):
        new[j] = _tanh(new[j] + r[j] * hidden[j])
    for j in range(n):
        h[j] = new[j] + u[j] * (h[j] - new[j])
    for j in range(n):
        y[j] = h[j]


@jit
def _gru_steps(z, bias, w, h, order, q, y, hidden, before):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        before[first : first + n] = h[:n]
        product(h[:n], w, q)
        for b in range(n):
            _gru_row(z[first + b], q[b], bias, h[b], y[first + b], hidden[first + b])


@gru.cpu(_single)
def _(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    gates, h = _product(x, w_ih, b_ih), np.array(h, order="C")
    y, hidden, before = _blank(len(x), h.shape[1], 3)
    w = widened(w_hh.T)
    (q,) = _blank(len(h), w.shape[1], 1)
    bias = np.zeros(gates.shape[1], np.float32) if b_hh is None else np.ascontiguousarray(b_hh)
    _gru_steps(gates, bias, w, h, steps(sizes, reverse), q, y, hidden, before)
    return y, h, gates, hidden, before


@jit
def _gru_row_back(z, hidden, before, gy, dh, q, dx, dq):  # type: ignore[no-untyped-def]
    """q is what W_hh gives to the gradient of h; dh is all of it but that."""
    one = z.dtype.type(1)
    n = hidden.size
    r, u, new = z[:n], z[n : 2 * n], z[2 * n :]
    d_r, d_u, d_new, q_n = dx[:n], dx[n : 2 * n], dx[2 * n :], dq[2 * n :]
    for j in range(n):
        dh[j] += q[j] + gy[j]
    for j in range(n):
        d_new[j] = dh[j] * (one - u[j]) * (one - new[j] * new[j])
    for j in range(n):
        q_n[j] = d_new[j] * r[j]
    for j in range(n):
        d_r[j] = q_n[j] * hidden[j] * (one - r[j])
    for j in range(n):
        d_u[j] = dh[j] * (before[j] - new[j]) * u[j]
    for j in range(n):
        d_u[j] *= one - u[j]
    for j in range(n):
        dh[j] *= u[j]
    dq[: 2 * n] = dx[: 2 * n]


@jit
def _gru_steps_back(z, hidden, before, w, gy, dh, q, order, dx, dq, part, total):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        for b in range(n):
            r = first + b
            _gru_row_back(z[r], hidden[r], before[r], gy[r], dh[b], q[b], dx[r], dq[r])
        product(dq[first : first + n], w, q)
        _add_rows(dx[first : first + n], part, total[0])
        _add_rows(dq[first : first + n], part, total[1])


@gru_grad.cpu(_single)
def _(
    gates: Array, hidden: Array, before: Array, w_hh: Array, gy: Maybe, gh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    dh, q = _copy(gh, hidden, sizes), _wide_copy(None, hidden, sizes)
    dx, dq, part, total = np.empty_like(gates), np.empty_like(gates), np.empty_like(gates[0]), np.zeros((2, gates.shape[1]))
    _gru_steps_back(
        *_dense(gates, hidden, before), widened(w_hh), _incoming(gy, hidden), dh, q, steps(sizes, not reverse),
        dx, dq, part, total,
    )  # fmt: skip
    of_x, of_q = total.astype(np.float32)
    return dx, of_x, dq, of_q, dh + q[:, : dh.shape[1]]


@jit
def _rnn_row(z, q, bias, h, relu):  # type: ignore[no-untyped-def]
    zero = z.dtype.type(0)
    for j in range(z.size):
        z[j] += q[j] + bias[j]
    if relu:
        for j in range(z.size):
            z[j] = zero if z[j] < zero else z[j]  # NaN < 0 is false: NaN stays
    else:
        for j in range(z.size):
            z[j] = _tanh(z[j])
    h[:] = z


@jit
def _rnn_steps(z, bias, w, h, order, q, before, relu):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        before[first : first + n] = h[:n]
        product(h[:n], w, q)
        for b in range(n):
            _rnn_row(z[first + b], q[b], bias, h[b], relu)


@rnn.cpu(_single)
def _(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    y, h = np.matmul(x, w_ih.T), np.array(h, order="C")
    before, w = np.empty_like(y), widened(w_hh.T)
    (q,) = _blank(len(h), w.shape[1], 1)
    _rnn_steps(y, _biases(b_ih, b_hh, y), w, h, steps(sizes, reverse), q, before, relu)
    return y, h, before


@jit
def _rnn_row_back(y, gy, dh, dz, relu):  # type: ignore[no-untyped-def]
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for j in range(y.size):
        dz[j] = dh[j] + gy[j]
    if relu:
        for j in range(y.size):
            dz[j] = zero if y[j] <= zero else dz[j]
    else:
        for j in range(y.size):
            dz[j] *= one - y[j] * y[j]


@jit
def _rnn_steps_back(y, w, gy, dh, order, dz, part, total, relu):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        for b in range(n):
            _rnn_row_back(y[first + b], gy[first + b], dh[b], dz[first + b], relu)
        product(dz[first : first + n], w, dh)
        _add_rows(dz[first : first + n], part, total)


@rnn_grad.cpu(_single)
def _(
    y: Array, w_hh: Array, gy: Maybe, gh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    (y,), dh = _dense(y), _wide_copy(gh, y, sizes)
    dz, part, total = np.empty_like(y), np.empty_like(y[0]), np.zeros(y.shape[1])
    _rnn_steps_back(y, widened(w_hh), _incoming(gy, y), dh, steps(sizes, not reverse), dz, part, total, relu)
    return dz, total.astype(np.float32), np.array(dh[:, : y.shape[1]], order="C")
