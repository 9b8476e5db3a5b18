"""Samples of the recurrent cells, and of their layers over packed sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import recurrent as _recurrent
from nanograd.testing.sample import Array, Bad, Case, Input, ones, sample

R: Any = _recurrent  # untyped: bad input is among what its functions are given
State = tuple[Array, ...]


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _tanh(x: Array, h: State, w: Array, v: Array, b: Array, d: Array) -> State:
    return (np.tanh(x @ w.T + b + h[0] @ v.T + d),)


def _relu(x: Array, h: State, w: Array, v: Array, b: Array, d: Array) -> State:
    return (np.maximum(x @ w.T + b + h[0] @ v.T + d, 0),)


def _gru(x: Array, h: State, w: Array, v: Array, b: Array, d: Array) -> State:
    (w_r, w_z, w_n), (v_r, v_z, v_n) = np.split(w, 3), np.split(v, 3)
    (b_r, b_z, b_n), (d_r, d_z, d_n) = np.split(b, 3), np.split(d, 3)
    r = _sigmoid(x @ w_r.T + b_r + h[0] @ v_r.T + d_r)
    z = _sigmoid(x @ w_z.T + b_z + h[0] @ v_z.T + d_z)
    n = np.tanh(x @ w_n.T + b_n + r * (h[0] @ v_n.T + d_n))
    return ((1 - z) * n + z * h[0],)


def _lstm(x: Array, s: State, w: Array, v: Array, b: Array, d: Array) -> State:
    i, f, g, o = (
        x @ w.T + b + s[0] @ v.T + d
        for w, v, b, d in zip(np.split(w, 4), np.split(v, 4), np.split(b, 4), np.split(d, 4), strict=True)
    )
    c = _sigmoid(f) * s[1] + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _small(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """[-0.7, 0.7], so that no gate is saturated."""
    return np.asarray(rng.uniform(-0.7, 0.7, shape))


def weights(gates: int, width: int = 2, hidden: int = 3) -> tuple[Input, ...]:
    """w_ih, w_hh, b_ih and b_hh."""
    rows = gates * hidden
    return tuple(Input(s, _small) for s in ((rows, width), (rows, hidden), (rows,), (rows,)))


def sizes_of(inputs: tuple[Input, ...]) -> tuple[tuple[int, ...], ...]:
    """The shapes alone, for a further case."""
    return tuple(i.shape for i in inputs)


def bad_cell(call: Callable[..., Any]) -> tuple[Bad, ...]:
    """Inputs and states that no cell takes; ``call`` is given x and h."""
    return (
        (lambda: call(ones(2, 2), ones(2, 5)), ShapeError, "hidden0 has inconsistent hidden_size: got 5, expected 3"),
        (lambda: call(ones(2, 2), ones(4, 3)), ShapeError, "Input batch size 2 doesn't match hidden0 batch size 4"),
        (lambda: call(ones(2, 7), ones(2, 3)), ShapeError, "linear: the input has 7 features"),
        (lambda: call(ones(2), ones(3)), ShapeError, r"expected an input of floats of shape \(batch, input_size\)"),
        (lambda: call(ones(2, 2), ones(2, 3, dtype=float)), DTypeError, "hidden0 is torch.float64, the input"),
    )


def cell(name: str, gates: int, formula: Callable[..., State]) -> None:
    """One step of a network whose state is h alone."""
    call = getattr(R, name)
    inputs = (Input((4, 2), _small), Input((4, 3), _small), *weights(gates))
    w, v = ones(gates * 3, 2), ones(gates * 3, 3)
    sample(
        name,
        call,
        lambda x, h, *rest: formula(x, (h,), *rest)[0],
        inputs,
        takes="f",
        empty=(Case(((0, 2), (0, 3), *sizes_of(inputs)[2:])),),
        bad=bad_cell(lambda x, h: call(x, h, w, v)),
    )


cell("rnn_tanh_cell", 1, _tanh)
cell("rnn_relu_cell", 1, _relu)
cell("gru_cell", 3, _gru)

STATES = (Input((4, 2), _small), Input((4, 3), _small), Input((4, 3), _small))
sample(
    "lstm_cell",
    lambda x, h, c, *rest: R.lstm_cell(x, (h, c), *rest),
    lambda x, h, c, *rest: _lstm(x, (h, c), *rest),
    (*STATES, *weights(4)),
    takes="f",
    empty=(Case(((0, 2), (0, 3), (0, 3), *sizes_of(weights(4)))),),
    bad=(
        (
            lambda: R.lstm_cell(ones(2, 2), ones(2, 3), ones(12, 2), ones(12, 3)),
            DTypeError,
            r"lstm_cell: expected hx as a pair \(h, c\)",
        ),
        (
            lambda: R.lstm_cell(ones(2, 2), (ones(2, 3), ones(2, 4)), ones(12, 2), ones(12, 3)),
            ShapeError,
            "hidden1 has inconsistent hidden_size",
        ),
    ),
)


# Layers: one sequence of the batch after the other


def by_sequence(
    step: Callable[..., State], x: Array, state: State, sizes: tuple[int, ...], reverse: bool, *rest: Array
) -> tuple[Array, ...]:
    """Outputs of packed rows and last states, each sequence computed for itself."""
    starts = np.cumsum((0, *sizes))
    outputs: list[Any] = [None] * len(x)
    last = []
    for b in range(sizes[0]):
        rows = [starts[t] + b for t in range(len(sizes)) if b < sizes[t]]
        s: State = tuple(part[b : b + 1] for part in state)
        for row in rows[::-1] if reverse else rows:
            s = step(x[row : row + 1], s, *rest)
            outputs[row] = s[0]
        last.append(s)
    return np.concatenate(outputs), *(np.concatenate(parts) for parts in zip(*last, strict=True))


OPTIONS = (
    {"sizes": (3, 3), "reverse": False},
    {"sizes": (3, 2, 1), "reverse": False},
    {"sizes": (3, 2, 1), "reverse": True},
)
ROWS = Input((6, 2), _small)
CHECKED = "the layers of nn check shapes and dtypes: tests/test_recurrent.py tries them"


def layer(name: str, gates: int, formula: Callable[..., State], states: int) -> None:
    """A layer over packed sequences; its state is h, or h and c."""
    fn = getattr(R, name)

    def call(x: Any, *rest: Any, sizes: Any, reverse: bool) -> Any:
        return fn(x, *rest, *((None,) if states == 2 else ()), sizes, reverse)

    def meaning(x: Array, *rest: Array, sizes: Any, reverse: bool) -> Any:
        return by_sequence(formula, x, rest[:states], sizes, reverse, *rest[states:])

    inputs = (ROWS, *(Input((3, 3), _small),) * states, *weights(gates))
    checked = dict.fromkeys(("bad_input", "dtypes"), CHECKED)
    sample(name, call, meaning, inputs, OPTIONS, takes="f", fused=name, without=checked)


layer("rnn_tanh_layer", 1, _tanh, 1)
layer("rnn_relu_layer", 1, _relu, 1)
layer("gru_layer", 3, _gru, 1)
layer("lstm_layer", 4, _lstm, 2)
