"""The steps of recurrent layers, compiled: a whole sequence in one call, for kernels/recurrent.py.

All arrays are float32.  Gates, states and what is kept of them have rows filled up to a multiple of ``WIDTH``: the rows
of a step then lie one behind the other, and a loop runs over all of its elements.  No product reads what fills up.
Every loop starts at 0 and has few arrays: else it would not be vectorized.

Forward, x is (N, I), and the states h and c, which begin as the first and end as the last, are (B, H); w_x and w_h have
each gate's weights as panels (see tile.py), z gets the gates.  ``order`` has (first row, number of rows) of each step.
Back, dh and dc begin as the gradients of the last states and end as those of the first; gy is the outputs' gradient, dz
gets that of the gates before their curves.
"""

from __future__ import annotations

from nanograd.kernels.compile import jit
from nanograd.kernels.curves import sigmoid32
from nanograd.kernels.tangent import tanh32
from nanograd.kernels.tile import add_product, add_transposed

__all__ = [
    "add_input", "gru_steps", "gru_steps_back", "lstm_steps", "lstm_steps_back", "outer", "rnn_steps",
    "rnn_steps_back", "total",
]  # fmt: skip


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


ROWS = 256
"""The inputs of so many rows are weighted at once: then the weights are fetched seldom, and the result stays near."""


@jit
def _group(order, step):  # type: ignore[no-untyped-def]
    """(first row, last row + 1, first step thereafter) of some steps from ``step`` on."""
    first, n = order[step]
    end, last = step + 1, first + n
    while end < order.shape[0] and last - first < ROWS:
        first, last = min(first, order[end, 0]), max(last, order[end, 0] + order[end, 1])
        end += 1
    return first, last, end


@jit
def _weigh(bias, x, w, rows):  # type: ignore[no-untyped-def]
    """rows = x w + b, w as panels."""
    for r in range(rows.shape[0]):
        row = rows[r]
        for j in range(row.size):
            row[j] = bias[j]
    add_product(x, w, rows)


@jit
def _sigmoid(z):  # type: ignore[no-untyped-def]
    """z = σ(z)"""
    for j in range(z.size):
        z[j] = sigmoid32(z[j])


# LSTM


@jit
def _lstm_cell(i, f, g, o, c, t, h):  # type: ignore[no-untyped-def]
    _sigmoid(i)
    _sigmoid(f)
    _sigmoid(o)
    for j in range(g.size):
        g[j] = tanh32(g[j])
    for j in range(c.size):
        c[j] = f[j] * c[j] + i[j] * g[j]
    for j in range(c.size):
        t[j] = tanh32(c[j])
    for j in range(c.size):
        h[j] = o[j] * t[j]


@jit
def lstm_steps(x, h, c, w_x, w_h, bias, order, z, y, squashed, h_before, c_before):  # type: ignore[no-untyped-def]
    """All steps; y gets the outputs, ``squashed`` tanh c, the last two h and c before each row."""
    ready = 0
    for step in range(order.shape[0]):
        if step == ready:
            first, last, ready = _group(order, step)
            for gate in range(4):
                _weigh(bias[gate], x[first:last], w_x[gate], z[gate][first:last])
        first, n = order[step]
        _put(h, 0, n, h_before, first)
        _put(c, 0, n, c_before, first)
        for gate in range(4):
            add_product(h, w_h[gate], z[gate][first : first + n])
        i, f, g, o = _flat(z[0], first, n), _flat(z[1], first, n), _flat(z[2], first, n), _flat(z[3], first, n)
        _lstm_cell(i, f, g, o, _flat(c, 0, n), _flat(squashed, first, n), _flat(h, 0, n))
        _put(h, 0, n, y, first)


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
def lstm_steps_back(z, squashed, before, w, gy, dh, dc, order, dz):  # type: ignore[no-untyped-def]
    """All steps back, from gates z, ``squashed`` tanh c and c ``before`` each row."""
    for step in range(order.shape[0]):
        first, n = order[step]
        _add(gy, first, n, dh)
        i, f, g, o = _flat(z[0], first, n), _flat(z[1], first, n), _flat(z[2], first, n), _flat(z[3], first, n)
        d_i, d_f, d_g = _flat(dz[0], first, n), _flat(dz[1], first, n), _flat(dz[2], first, n)
        t, c, d_o = _flat(squashed, first, n), _flat(before, first, n), _flat(dz[3], first, n)
        _lstm_cell_back(i, f, g, o, t, c, _flat(dh, 0, n), _flat(dc, 0, n), d_i, d_f, d_g, d_o)
        for gate in range(4):
            add_product(dz[gate, first : first + n], w[gate], dh[:n])


# GRU


@jit
def _gru_cell(r, u, new, q, h):  # type: ignore[no-untyped-def]
    _sigmoid(r)
    _sigmoid(u)
    for j in range(h.size):
        new[j] = tanh32(new[j] + r[j] * q[j])
    for j in range(h.size):
        h[j] = new[j] + u[j] * (h[j] - new[j])


@jit
def gru_steps(x, h, w_x, w_h, b_x, b_h, order, z, y, before):  # type: ignore[no-untyped-def]
    """All steps; z gets r, z, n and q, y the outputs, ``before`` h before each row."""
    ready = 0
    for step in range(order.shape[0]):
        if step == ready:
            first, last, ready = _group(order, step)
            for gate in range(3):
                _weigh(b_x[gate], x[first:last], w_x[gate], z[gate][first:last])
        first, n = order[step]
        _put(h, 0, n, before, first)
        for gate in range(2):
            add_product(h, w_h[gate], z[gate][first : first + n])
        _weigh(b_h, h, w_h[2], z[3][first : first + n])
        r, u, new, q = _flat(z[0], first, n), _flat(z[1], first, n), _flat(z[2], first, n), _flat(z[3], first, n)
        _gru_cell(r, u, new, q, _flat(h, 0, n))
        _put(h, 0, n, y, first)


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
def gru_steps_back(z, before, w, gy, dh, order, dz):  # type: ignore[no-untyped-def]
    """All steps back, from gates z and h ``before`` each row."""
    for step in range(order.shape[0]):
        first, n = order[step]
        _add(gy, first, n, dh)
        r, u, new, q = _flat(z[0], first, n), _flat(z[1], first, n), _flat(z[2], first, n), _flat(z[3], first, n)
        d_r, d_u, d_n = _flat(dz[0], first, n), _flat(dz[1], first, n), _flat(dz[2], first, n)
        _gru_cell_back(r, u, new, q, _flat(before, first, n), _flat(dh, 0, n), d_r, d_u, d_n, _flat(dz[3], first, n))
        for gate in range(3):
            add_product(dz[gate if gate < 2 else 3][first : first + n], w[gate], dh[:n])


# RNN


@jit
def _rnn_cell(z, relu):  # type: ignore[no-untyped-def]
    zero = z.dtype.type(0)
    if relu:
        for j in range(z.size):
            z[j] = zero if z[j] < zero else z[j]  # NaN < 0 is false: NaN stays
    else:
        for j in range(z.size):
            z[j] = tanh32(z[j])


@jit
def rnn_steps(x, h, w_x, w_h, bias, relu, order, y, before):  # type: ignore[no-untyped-def]
    """All steps; y gets the outputs, ``before`` h before each row."""
    ready = 0
    for step in range(order.shape[0]):
        if step == ready:
            first, last, ready = _group(order, step)
            _weigh(bias, x[first:last], w_x, y[first:last])
        first, n = order[step]
        _put(h, 0, n, before, first)
        add_product(h, w_h, y[first : first + n])
        _rnn_cell(_flat(y, first, n), relu)
        _put(y, first, n, h, 0)


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
def rnn_steps_back(y, w, gy, dh, relu, order, dz):  # type: ignore[no-untyped-def]
    """All steps back, from the outputs y."""
    for step in range(order.shape[0]):
        first, n = order[step]
        _add(gy, first, n, dh)
        _rnn_cell_back(_flat(y, first, n), _flat(dh, 0, n), relu, _flat(dz, first, n))
        add_product(dz[first : first + n], w, dh[:n])


# Gradients of what all steps share


@jit
def outer(dz, x, out, turned):  # type: ignore[no-untyped-def]
    """out = dzᵀ x, by way of its transpose."""
    add_transposed(x, dz, turned)
    for i in range(out.shape[0]):
        row = out[i]
        for j in range(row.size):
            row[j] = turned[j, i]


@jit
def add_input(dz, w, out):  # type: ignore[no-untyped-def]
    """out += dz w, w as panels."""
    for first in range(0, dz.shape[0], ROWS):
        add_product(dz[first : first + ROWS], w, out[first : first + ROWS])


FEW = 32
"""Of so many rows a sum of float32 is right but for some last places."""


@jit
def total(x, part, out):  # type: ignore[no-untyped-def]
    """out += Σ rows: of a few at a time in float32, of these sums in doubles."""
    for first in range(0, x.shape[0], FEW):
        some = x[first : first + FEW]
        for j in range(part.size):
            part[j] = some[0, j]
        for r in range(1, some.shape[0]):
            row = some[r]
            for j in range(part.size):
                part[j] += row[j]
        for j in range(part.size):
            out[j] += part[j]
