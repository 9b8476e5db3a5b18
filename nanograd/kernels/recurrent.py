"""Reading a whole sequence: the steps of an RNN, a GRU or an LSTM over packed rows, and the way back.

Rows are packed as ops/recurrent.py says; ``sizes`` are the numbers of rows of the steps, and ``reverse`` begins with the
last step.  The state of a sequence that has ended, or not begun, stays as it is: so what is left in the end is the state
after the last step of each sequence, and on the way back the gradient of the state before the first.

Gates are arrays (gates, N, H), one matrix for each; dz are their gradients before their curves.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.curves import sigmoid as _sigmoid
from nanograd.kernels.curves import tanh as _tanh
from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.tile import WIDTH, add_product, add_transposed, padded, panels

__all__ = ["grad_bias", "grad_input", "grad_weight", "gru", "gru_grad", "lstm", "lstm_grad", "rnn", "rnn_grad"]

Sizes = tuple[int, ...]
Blocks = tuple[int, ...]
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


# Meanings


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


@kernel
def rnn_grad(
    y: Array, w_hh: Array, gy: Maybe, gh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(dz (1, N, H), dh) from the gradients of the outputs and of the last h."""
    dz, dh = np.empty_like(y), _copy(gh, y, sizes)
    for first, n in steps(sizes, not reverse):
        rows = slice(first, first + n)
        d = dh[:n] if gy is None else dh[:n] + gy[rows]
        dz[rows] = np.where(y[rows] <= 0, 0, d) if relu else d * (1 - y[rows] * y[rows])
        dh[:n] = np.matmul(dz[rows], w_hh)
    return dz[None], dh


@kernel
def gru(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(outputs, last h, gates r z n q, h before each row): h' = n + z (h - n), n = tanh(xₙ + r q), q = W_hn h + b_hn."""
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


@kernel
def lstm(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    """(outputs, last h, last c, gates i f g o, tanh c', h before each row, c before): c' = f c + i g, h' = o tanh c'."""
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


@kernel
def grad_input(dz: Array, w: Array, blocks: Blocks) -> Array:
    """Σ dz[b] W[b] over ``blocks``: (gates, N, H), w (len(blocks) · H, I) → (N, I)"""
    return np.matmul(np.concatenate([dz[b] for b in blocks], 1), w)


@kernel
def grad_weight(dz: Array, x: Array, blocks: Blocks) -> Array:
    """dz[b]ᵀ x, one below the other: (gates, N, H), x (N, I) → (len(blocks) · H, I)"""
    return np.concatenate([np.matmul(dz[b].T, x) for b in blocks])


@kernel
def grad_bias(dz: Array, blocks: Blocks) -> Array:
    """The sums of the rows of dz[b]: (gates, N, H) → (len(blocks) · H,); in doubles, that the error does not grow."""
    return np.concatenate([np.sum(dz[b], 0, np.float64) for b in blocks]).astype(dz.dtype)


# Compiled: all steps in one call.  H is filled up to a multiple of WIDTH: rows then lie one behind the other, and a
# loop runs over all elements of a step.  What fills up stays finite, and no product reads it.


def _single(x: Array, *rest: object) -> bool:
    return x.dtype.char == "f" and x.size > 0


def _wide(x: Array) -> Array:
    """x (…, H), its rows filled up to a multiple of ``WIDTH``; x itself where they are, or its base where that is."""
    shape = (*x.shape[:-1], padded(x.shape[-1]))
    for array in (x, x.base):
        if array is not None and array.shape == shape and array.flags.c_contiguous:
            return array
    out = np.zeros(shape, np.float32)
    out[..., : x.shape[-1]] = x
    return out


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


@jit
def _flat(x, first, n):  # type: ignore[no-untyped-def]
    """Rows as one vector."""
    return x[first : first + n].reshape(n * x.shape[1])


@jit
def _put(x, first, n, out, to):  # type: ignore[no-untyped-def]
    """out[to : to + n] = x[first : first + n], the columns that both have."""
    if x.shape[1] == out.shape[1]:
        rows, place = _flat(x, first, n), _flat(out, to, n)
        for j in range(rows.size):
            place[j] = rows[j]
        return
    for r in range(n):
        row, place = x[first + r], out[to + r]
        for j in range(min(row.size, place.size)):
            place[j] = row[j]


@jit
def _add(x, first, n, out):  # type: ignore[no-untyped-def]
    """out[:n] += x[first : first + n], in the columns of x."""
    if x.shape[1] == out.shape[1]:
        rows, place = _flat(x, first, n), _flat(out, 0, n)
        for j in range(rows.size):
            place[j] += rows[j]
        return
    for r in range(n):
        row, place = x[first + r], out[r]
        for j in range(row.size):
            place[j] += row[j]


@jit
def _weigh(bias, x, w, rows):  # type: ignore[no-untyped-def]
    """rows = x w + b, w as panels."""
    for r in range(rows.shape[0]):
        row = rows[r]
        for j in range(row.size):
            row[j] = bias[j]
    add_product(x, w, rows)


@jit
def _open(z):  # type: ignore[no-untyped-def]
    """z = σ(z)"""
    for j in range(z.size):
        z[j] = _sigmoid(z[j])


# LSTM


@jit
def _lstm_cell(i, f, g, o, c, t, h):  # type: ignore[no-untyped-def]
    _open(i)
    _open(f)
    _open(o)
    for j in range(g.size):
        g[j] = _tanh(g[j])
    for j in range(c.size):
        c[j] = f[j] * c[j] + i[j] * g[j]
    for j in range(c.size):
        t[j] = _tanh(c[j])
    for j in range(c.size):
        h[j] = o[j] * t[j]


@jit
def _lstm_steps(x, h, c, w_x, w_h, bias, order, z, y, squashed, h_before, c_before):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        _put(h, 0, n, h_before, first)
        _put(c, 0, n, c_before, first)
        for gate in range(4):
            rows = z[gate][first : first + n]
            _weigh(bias[gate], x[first : first + n], w_x[gate], rows)
            add_product(h, w_h[gate], rows)
        i, f, g, o = _flat(z[0], first, n), _flat(z[1], first, n), _flat(z[2], first, n), _flat(z[3], first, n)
        _lstm_cell(i, f, g, o, _flat(c, 0, n), _flat(squashed, first, n), _flat(h, 0, n))
        _put(h, 0, n, y, first)


@lstm.cpu(_single)
def _(
    x: Array, h: Array, c: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    (n, size), x = (len(x), h.shape[1]), np.ascontiguousarray(x)
    h, c = _wide_copy(h, *h.shape), _wide_copy(c, *c.shape)
    width = h.shape[1]
    z, y, saved = _empty(4, n, width), _empty(n, size), [_empty(n, width) for _ in range(3)]
    bias = _bias(4, h, b_ih, b_hh)
    _lstm_steps(x, h, c, _forward(w_ih, 4), _forward(w_hh, 4), bias, steps(sizes, reverse), z, y, *saved)
    return y, *(a[..., :size] for a in (h, c, z, *saved))


@jit
def _lstm_cell_back(i, f, g, o, t, before, dh, dc, d_i, d_f, d_g, d_o):  # type: ignore[no-untyped-def]
    one, n = i.dtype.type(1), i.size
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
    for j in range(n):
        dh[j] = i.dtype.type(0)


@jit
def _lstm_steps_back(z, squashed, before, w, gy, dh, dc, order, dz):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        _add(gy, first, n, dh)
        i, f, g, o = _flat(z[0], first, n), _flat(z[1], first, n), _flat(z[2], first, n), _flat(z[3], first, n)
        d_i, d_f, d_g = _flat(dz[0], first, n), _flat(dz[1], first, n), _flat(dz[2], first, n)
        t, c, d_o = _flat(squashed, first, n), _flat(before, first, n), _flat(dz[3], first, n)
        _lstm_cell_back(i, f, g, o, t, c, _flat(dh, 0, n), _flat(dc, 0, n), d_i, d_f, d_g, d_o)
        for gate in range(4):
            add_product(dz[gate, first : first + n], w[gate], dh[:n])


@lstm_grad.cpu(_single)
def _(
    gates: Array, squashed: Array, before: Array, w_hh: Array,
    gy: Maybe, gh: Maybe, gc: Maybe, sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    size = before.shape[1]
    dh, dc, z = _wide_copy(gh, sizes[0], size), _wide_copy(gc, sizes[0], size), _wide(gates)
    dz, w, gy, order = np.empty_like(z), _backward(w_hh, 4), _given(gy, before), steps(sizes, not reverse)
    _lstm_steps_back(z, _wide(squashed), _wide(before), w, gy, dh, dc, order, dz)
    return dz[..., :size], dh[:, :size], dc[:, :size]


# GRU


@jit
def _gru_cell(r, u, new, q, h):  # type: ignore[no-untyped-def]
    _open(r)
    _open(u)
    for j in range(h.size):
        new[j] = _tanh(new[j] + r[j] * q[j])
    for j in range(h.size):
        h[j] = new[j] + u[j] * (h[j] - new[j])


@jit
def _gru_steps(x, h, w_x, w_h, b_x, b_h, order, z, y, before):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        _put(h, 0, n, before, first)
        for gate in range(3):
            rows = z[gate][first : first + n]
            _weigh(b_x[gate], x[first : first + n], w_x[gate], rows)
            if gate < 2:
                add_product(h, w_h[gate], rows)
        _weigh(b_h, h, w_h[2], z[3][first : first + n])
        r, u, new, q = _flat(z[0], first, n), _flat(z[1], first, n), _flat(z[2], first, n), _flat(z[3], first, n)
        _gru_cell(r, u, new, q, _flat(h, 0, n))
        _put(h, 0, n, y, first)


@gru.cpu(_single)
def _(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    (n, size), x = (len(x), h.shape[1]), np.ascontiguousarray(x)
    h = _wide_copy(h, *h.shape)
    z, y, before = _empty(4, n, h.shape[1]), _empty(n, size), _empty(n, h.shape[1])
    b_x, b_h = _bias(3, h, b_ih), _bias(3, h, b_hh)
    b_x[:2] += b_h[:2]
    _gru_steps(x, h, _forward(w_ih, 3), _forward(w_hh, 3), b_x, b_h[2], steps(sizes, reverse), z, y, before)
    return y, *(a[..., :size] for a in (h, z, before))


@jit
def _gru_cell_back(r, u, new, q, before, dh, d_r, d_u, d_n, d_q):  # type: ignore[no-untyped-def]
    one, n = r.dtype.type(1), r.size
    for j in range(n):
        d_n[j] = dh[j] * (one - u[j]) * (one - new[j] * new[j])
    for j in range(n):
        d_q[j] = d_n[j] * r[j]
    for j in range(n):
        d_r[j] = d_q[j] * q[j] * (one - r[j])
    for j in range(n):
        d_u[j] = dh[j] * (before[j] - new[j])
    for j in range(n):
        d_u[j] *= u[j] * (one - u[j])
    for j in range(n):
        dh[j] *= u[j]


@jit
def _gru_steps_back(z, before, w, gy, dh, order, dz):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        _add(gy, first, n, dh)
        r, u, new, q = _flat(z[0], first, n), _flat(z[1], first, n), _flat(z[2], first, n), _flat(z[3], first, n)
        d_r, d_u, d_n = _flat(dz[0], first, n), _flat(dz[1], first, n), _flat(dz[2], first, n)
        _gru_cell_back(r, u, new, q, _flat(before, first, n), _flat(dh, 0, n), d_r, d_u, d_n, _flat(dz[3], first, n))
        for gate in range(3):
            add_product(dz[gate if gate < 2 else 3][first : first + n], w[gate], dh[:n])


@gru_grad.cpu(_single)
def _(
    gates: Array, before: Array, w_hh: Array, gy: Maybe, gh: Maybe, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    size = before.shape[1]
    dh, z = _wide_copy(gh, sizes[0], size), _wide(gates)
    dz = np.empty_like(z)
    _gru_steps_back(z, _wide(before), _backward(w_hh, 3), _given(gy, before), dh, steps(sizes, not reverse), dz)
    return dz[..., :size], dh[:, :size]


# RNN


@jit
def _rnn_cell(z, relu, h):  # type: ignore[no-untyped-def]
    zero = z.dtype.type(0)
    if relu:
        for j in range(z.size):
            h[j] = zero if z[j] < zero else z[j]  # NaN < 0 is false: NaN stays
    else:
        for j in range(z.size):
            h[j] = _tanh(z[j])


@jit
def _rnn_steps(x, h, w_x, w_h, bias, relu, order, z, y, before):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        _put(h, 0, n, before, first)
        _weigh(bias, x[first : first + n], w_x, z[:n])
        add_product(h, w_h, z[:n])
        _rnn_cell(_flat(z, 0, n), relu, _flat(h, 0, n))
        _put(h, 0, n, y, first)


@rnn.cpu(_single)
def _(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Maybe, b_hh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    (n, size), x = (len(x), h.shape[1]), np.ascontiguousarray(x)
    h = _wide_copy(h, *h.shape)
    y, before, bias = _empty(n, h.shape[1]), _empty(n, h.shape[1]), _bias(1, h, b_ih, b_hh)[0]
    w_x, w_h = _forward(w_ih, 1), _forward(w_hh, 1)
    _rnn_steps(x, h, w_x[0], w_h[0], bias, relu, steps(sizes, reverse), np.empty_like(h), y, before)
    return y[:, :size], h[:, :size], before[:, :size]


@jit
def _rnn_cell_back(y, dh, relu, dz):  # type: ignore[no-untyped-def]
    zero, one = y.dtype.type(0), y.dtype.type(1)
    if relu:
        for j in range(y.size):
            dz[j] = zero if y[j] <= zero else dh[j]
    else:
        for j in range(y.size):
            dz[j] = dh[j] * (one - y[j] * y[j])
    for j in range(y.size):
        dh[j] = zero


@jit
def _rnn_steps_back(y, w, gy, dh, relu, order, dz):  # type: ignore[no-untyped-def]
    for step in range(order.shape[0]):
        first, n = order[step]
        _add(gy, first, n, dh)
        _rnn_cell_back(_flat(y, first, n), _flat(dh, 0, n), relu, _flat(dz, first, n))
        add_product(dz[first : first + n], w, dh[:n])


@rnn_grad.cpu(_single)
def _(
    y: Array, w_hh: Array, gy: Maybe, gh: Maybe, relu: bool, sizes: Sizes, reverse: bool
) -> tuple[Array, ...]:
    size = y.shape[1]
    dh, wide = _wide_copy(gh, sizes[0], size), _wide(y)
    dz = np.empty_like(wide)
    _rnn_steps_back(wide, _backward(w_hh, 1)[0], _given(gy, y), dh, relu, steps(sizes, not reverse), dz)
    return dz[None, :, :size], dh[:, :size]


# Gradients of what all steps share


@jit
def _outer(dz, x, out, turned):  # type: ignore[no-untyped-def]
    """out = dzᵀ x, by way of its transpose."""
    add_transposed(x, dz, turned)
    for i in range(out.shape[0]):
        row = out[i]
        for j in range(row.size):
            row[j] = turned[j, i]


@grad_weight.cpu(_single)
def _(dz: Array, x: Array, blocks: Blocks) -> Array:
    z, size, x = _wide(dz), dz.shape[2], x if x.strides[-1] == x.itemsize else np.ascontiguousarray(x)
    out = _empty(len(blocks), size, x.shape[1])
    for block, part in zip(blocks, out, strict=True):
        _outer(z[block], x, part, np.zeros((x.shape[1], z.shape[2]), np.float32))
    return out.reshape(-1, x.shape[1])


@jit
def _product_of_parts(dz, w, out):  # type: ignore[no-untyped-def]
    for first in range(0, dz.shape[0], WIDTH):
        add_product(dz[first : first + WIDTH], w, out[first : first + WIDTH])


@grad_input.cpu(_single)
def _(dz: Array, w: Array, blocks: Blocks) -> Array:
    z, weights = _wide(dz), _backward(w, len(blocks))
    out = np.zeros((z.shape[1], padded(w.shape[1])), np.float32)
    for block, part in zip(blocks, weights, strict=True):
        _product_of_parts(z[block], part, out)
    return out[:, : w.shape[1]]


@jit
def _total(x, part, out):  # type: ignore[no-untyped-def]
    """out += Σ rows: so many at a time in float32, then in doubles."""
    for first in range(0, x.shape[0], WIDTH):
        some = x[first : first + WIDTH]
        for j in range(part.size):
            part[j] = some[0, j]
        for r in range(1, some.shape[0]):
            row = some[r]
            for j in range(part.size):
                part[j] += row[j]
        for j in range(part.size):
            out[j] += part[j]


@grad_bias.cpu(_single)
def _(dz: Array, blocks: Blocks) -> Array:
    z = _wide(dz)
    total, part = np.zeros((len(blocks), z.shape[2])), _empty(z.shape[2])
    for block, out in zip(blocks, total, strict=True):
        _total(z[block], part, out)
    return total[:, : dz.shape[2]].astype(np.float32).reshape(-1)
