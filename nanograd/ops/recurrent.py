"""Reading a sequence step by step with a state that is carried on: RNN, GRU, LSTM.

A cell is one step.  A layer first multiplies all inputs of the sequence by its weights, in one product, and then takes
the steps.  Sequences come packed, as rows (N, features): first the rows of step 0, one for each sequence of the batch,
then those of step 1, and so on.  ``sizes`` says how many rows each step has.  Sequences that end early stand last in
the batch, so the sizes never grow; those of a batch of equal lengths are all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import recurrent as k
from nanograd.ops.joining import cat
from nanograd.ops.linalg import linear
from nanograd.ops.op import fuses, op, records, wrap
from nanograd.ops.refusing import no_tensor
from nanograd.storage import tick

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell"]

State = tuple["Tensor", ...]
Step = Callable[["Tensor", State], State]
"""(weighted inputs, state) → the next state, whose first tensor is the output."""
Sizes = tuple[int, ...]


# One step, from inputs x W_ihᵀ + b_ih that were weighted before


def tanh_step(x: Tensor, h: Tensor, w_hh: Tensor, b_hh: Tensor | None) -> State:
    """h' = tanh(x + W_hh h + b_hh)"""
    return ((x + linear(h, w_hh, b_hh)).tanh(),)


def relu_step(x: Tensor, h: Tensor, w_hh: Tensor, b_hh: Tensor | None) -> State:
    """h' = max(0, x + W_hh h + b_hh)"""
    return ((x + linear(h, w_hh, b_hh)).relu(),)


def gru_step(x: Tensor, h: Tensor, w_hh: Tensor, b_hh: Tensor | None) -> State:
    """h' = (1 - z) n + z h with r, z = σ(xᵣ + hᵣ), σ(x_z + h_z) and n = tanh(xₙ + r hₙ), where hₖ = W_hk h + b_hk.

    As torch (and unlike Cho et al., 2014) the reset gate r multiplies after W_hn, not before.
    """
    x_r, x_z, x_n = x.chunk(3, 1)
    h_r, h_z, h_n = linear(h, w_hh, b_hh).chunk(3, 1)
    r = (x_r + h_r).sigmoid()
    z = (x_z + h_z).sigmoid()
    n = (x_n + r * h_n).tanh()
    return (n + z * (h - n),)


def lstm_step(x: Tensor, h: Tensor, c: Tensor, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None = None) -> State:
    """c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c') with i, f, g, o = x + W_hh h + b_hh; W_hr h' where it is given."""
    i, f, g, o = (x + linear(h, w_hh, b_hh)).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else linear(h, w_hr)), c


# Cells


@op
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh): x (B, I), h (B, H), w_ih (H, I), w_hh (H, H) → (B, H)"""
    _check_cell(input, (hx,), w_hh)
    return tanh_step(linear(input, w_ih, b_ih), hx, w_hh, b_hh)[0]


@op
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """h' = max(0, W_ih x + b_ih + W_hh h + b_hh): x (B, I), h (B, H), w_ih (H, I), w_hh (H, H) → (B, H)"""
    _check_cell(input, (hx,), w_hh)
    return relu_step(linear(input, w_ih, b_ih), hx, w_hh, b_hh)[0]


@op
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """h' = (1 - z) n + z h, see ``gru_step``: x (B, I), h (B, H), w_ih (3H, I), w_hh (3H, H) → (B, H)"""
    _check_cell(input, (hx,), w_hh)
    return gru_step(linear(input, w_ih, b_ih), hx, w_hh, b_hh)[0]


@op
def lstm_cell(
    input: Tensor,
    hx: tuple[Tensor, Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """(h', c'), see ``lstm_step``: x (B, I), hx = (h, c) of (B, H), w_ih (4H, I), w_hh (4H, H) → two of (B, H)"""
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise DTypeError(f"lstm_cell: expected hx as a pair (h, c), got {type(hx).__name__}.")
    _check_cell(input, tuple(hx), w_hh)
    h, c = lstm_step(linear(input, w_ih, b_ih), *hx, w_hh, b_hh)
    return h, c


def _check_cell(x: Tensor, state: State, w_hh: Tensor) -> None:
    """Raises ShapeError for a state whose rows or columns do not fit, DTypeError for one of another dtype."""
    try:
        if x.array.dtype.kind != "f" or x.array.ndim != 2:
            raise (DTypeError if x.array.ndim == 2 else ShapeError)(
                f"cell: expected an input of floats of shape (batch, input_size), got {x.dtype} of shape "
                f"{tuple(x.shape)}."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    for i, s in enumerate(state):
        have = s.array.shape
        if len(have) != 2 or have[1] != w_hh.array.shape[1]:
            raise ShapeError(
                f"hidden{i} has inconsistent hidden_size: got {have[-1] if have else 'a number'}, "
                f"expected {w_hh.array.shape[1]}: the state must have shape (batch, hidden_size), got {tuple(have)}."
            )
        if have[0] != x.array.shape[0]:
            raise ShapeError(f"Input batch size {x.array.shape[0]} doesn't match hidden{i} batch size {have[0]}")
        if s.array.dtype != x.array.dtype:
            raise DTypeError(f"hidden{i} is {s.dtype}, the input {x.dtype}: they must have the same dtype.")


# Whole sequences


@op
def rnn_tanh_layer(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    sizes: Sizes, reverse: bool,
) -> State:  # fmt: skip
    """(outputs (N, H), last h (B, H)) of one layer with tanh over packed rows x (N, I), from h (B, H)."""
    return unroll(lambda x, s: tanh_step(x, s[0], w_hh, b_hh), linear(x, w_ih, b_ih), (h,), sizes, reverse)


@op
def rnn_relu_layer(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    sizes: Sizes, reverse: bool,
) -> State:  # fmt: skip
    """(outputs (N, H), last h (B, H)) of one layer with relu over packed rows x (N, I), from h (B, H)."""
    return unroll(lambda x, s: relu_step(x, s[0], w_hh, b_hh), linear(x, w_ih, b_ih), (h,), sizes, reverse)


@op
def gru_layer(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    sizes: Sizes, reverse: bool,
) -> State:  # fmt: skip
    """(outputs (N, H), last h (B, H)) of one GRU layer over packed rows x (N, I), from h (B, H)."""
    return unroll(lambda x, s: gru_step(x, s[0], w_hh, b_hh), linear(x, w_ih, b_ih), (h,), sizes, reverse)


@op
def lstm_layer(
    x: Tensor, h: Tensor, c: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    w_hr: Tensor | None, sizes: Sizes, reverse: bool,
) -> State:  # fmt: skip
    """(outputs (N, P), last h (B, P), last c (B, H)) of one LSTM layer over packed rows x (N, I), from h and c.

    P is H, or the rows of ``w_hr`` (P, H) where it is given.
    """
    return unroll(
        lambda x, s: lstm_step(x, s[0], s[1], w_hh, b_hh, w_hr), linear(x, w_ih, b_ih), (h, c), sizes, reverse
    )


def unroll(step: Step, x: Tensor, state: State, sizes: Sizes, reverse: bool) -> State:
    """(all outputs, in the order of x, *the state after the last step of each sequence)."""
    steps = x.split(sizes)
    outputs, last = (_backward if reverse else _forward)(step, steps, state)
    return cat(outputs), *last


def _forward(step: Step, steps: tuple[Tensor, ...], state: State) -> tuple[list[Tensor], State]:
    """From the first step on; the states of sequences that end are put aside."""
    outputs, ended = [], []
    for x in steps:
        going, rows = x.array.shape[0], state[0].array.shape[0]
        if going < rows:
            ended.append(tuple(s[going:] for s in state))
            state = tuple(s[:going] for s in state)
        state = step(x, state)
        outputs.append(state[0])
    parts = [state, *reversed(ended)]  # the first to end stands last
    return outputs, state if not ended else tuple(cat(s) for s in zip(*parts, strict=True))


def _backward(step: Step, steps: tuple[Tensor, ...], first: State) -> tuple[list[Tensor], State]:
    """From the last step back; the shorter sequences join when it is their turn."""
    outputs: list[Tensor] = []
    state = tuple(s[:0] for s in first)
    for x in reversed(steps):
        going, rows = x.array.shape[0], state[0].array.shape[0]
        if not rows:
            state = first if going == first[0].array.shape[0] else tuple(s[:going] for s in first)
        elif going > rows:
            state = tuple(cat((s, f[rows:going])) for s, f in zip(state, first, strict=True))
        state = step(x, state)
        outputs.append(state[0])
    return outputs[::-1], state


# Whole sequences, fused: all steps in one call, and all steps back


class Shared:
    """What all pullbacks of a node make use of: computed for the first that asks."""

    def __init__(self, function: Callable[..., tuple[Any, ...]]) -> None:
        self.function = function
        self.given: tuple[Tensor | None, ...] = ()
        self.found: tuple[Tensor, ...] = ()
        self.moment = 0

    def __call__(self, of: State, *gradients: Tensor | None) -> tuple[Tensor, ...]:
        """The tensors that ``function`` gives, from the arrays of ``of`` and of the gradients of the outputs."""
        if not self.found or not all(map(self._is_as_it_was, self.given, gradients)):
            self.given, self.moment = gradients, tick()
            arrays = self.function(*(t.array for t in of), *(None if g is None else g.array for g in gradients))
            self.found = tuple(map(wrap, arrays))
        return self.found

    def _is_as_it_was(self, before: Tensor | None, g: Tensor | None) -> bool:
        return before is g and (g is None or g.storage is None or g.storage.written < self.moment)


def _one_dtype(x: Tensor, *others: Tensor | None) -> bool:
    """Whether the kernels take these: numbers of single or double precision, rows, all of one dtype."""
    dtype = x.array.dtype
    return dtype.char in "fd" and x.array.ndim == 2 and all(t is None or t.array.dtype is dtype for t in others)


@fuses(rnn_tanh_layer, k.rnn, k.rnn_grad)
def rnn_tanh_layer_fused(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """All steps in one call."""
    return _rnn(x, h, w_ih, w_hh, b_ih, b_hh, sizes, reverse, relu=False)


@fuses(rnn_relu_layer, k.rnn, k.rnn_grad)
def rnn_relu_layer_fused(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """All steps in one call."""
    return _rnn(x, h, w_ih, w_hh, b_ih, b_hh, sizes, reverse, relu=True)


def _rnn(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    sizes: Sizes, reverse: bool, relu: bool,
) -> Any:  # fmt: skip
    if not _one_dtype(x, h, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    y, last, before = k.rnn(x.array, h.array, *_arrays(w_ih, w_hh, b_ih, b_hh), relu, sizes, reverse)
    h_before = wrap(before)
    back = Shared(lambda w, y, gy, gh: k.rnn_grad(y, w, gy, gh, relu, sizes, reverse))
    total = Shared(lambda dz: (k.grad_bias(dz, ONE),))
    return records(
        (y, last),
        (x, lambda gy, gh, y, _: _to_input(back((w_hh, y), gy, gh)[0], w_ih, ONE)),
        (h, lambda gy, gh, y, _: back((w_hh, y), gy, gh)[1]),
        (w_ih, lambda gy, gh, y, _: _to_weight(back((w_hh, y), gy, gh)[0], x, ONE)),
        (w_hh, lambda gy, gh, y, _: _to_weight(back((w_hh, y), gy, gh)[0], h_before, ONE)),
        *((b, lambda gy, gh, y, _: total((), back((w_hh, y), gy, gh)[0])[0]) for b in (b_ih, b_hh) if b is not None),
    )


Gates = tuple[int, ...]
"""Which of the gates whose gradients are dz (gates, N, H) a weight belongs to, from its first rows to its last."""

ONE: Gates = (0,)
GRU_INPUT: Gates = (0, 1, 2)  # of r, z, n and q = W_hn h + b_hn
GRU_STATE: Gates = (0, 1, 3)
LSTM: Gates = (0, 1, 2, 3)


def _arrays(*tensors: Tensor | None) -> tuple[Any, ...]:
    return tuple(None if t is None else t.array for t in tensors)


def _to_input(dz: Tensor, w_ih: Tensor, gates: Gates) -> Tensor:
    return wrap(k.grad_input(dz.array, w_ih.array, gates))


def _to_weight(dz: Tensor, x: Tensor, gates: Gates) -> Tensor:
    return wrap(k.grad_weight(dz.array, x.array, gates))


def _to_bias(dz: Tensor, gates: Gates) -> Tensor:
    return wrap(k.grad_bias(dz.array, gates))


@fuses(gru_layer, k.gru, k.gru_grad)
def gru_layer_fused(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """All steps in one call."""
    if not _one_dtype(x, h, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    y, last, *saved = k.gru(x.array, h.array, *_arrays(w_ih, w_hh, b_ih, b_hh), sizes, reverse)
    gates, h_before = map(wrap, saved)
    back = Shared(lambda w, gy, gh: k.gru_grad(gates.array, h_before.array, w, gy, gh, sizes, reverse))
    edges: list[Any] = [
        (x, lambda gy, gh: _to_input(back((w_hh,), gy, gh)[0], w_ih, GRU_INPUT)),
        (h, lambda gy, gh: back((w_hh,), gy, gh)[1]),
        (w_ih, lambda gy, gh: _to_weight(back((w_hh,), gy, gh)[0], x, GRU_INPUT)),
        (w_hh, lambda gy, gh: _to_weight(back((w_hh,), gy, gh)[0], h_before, GRU_STATE)),
    ]
    if b_ih is not None:
        edges.append((b_ih, lambda gy, gh: _to_bias(back((w_hh,), gy, gh)[0], GRU_INPUT)))
    if b_hh is not None:
        edges.append((b_hh, lambda gy, gh: _to_bias(back((w_hh,), gy, gh)[0], GRU_STATE)))
    return records((y, last), *edges)


@fuses(lstm_layer, k.lstm, k.lstm_grad)
def lstm_layer_fused(
    x: Tensor, h: Tensor, c: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None,
    w_hr: Tensor | None, sizes: Sizes, reverse: bool,
) -> Any:  # fmt: skip
    """All steps in one call; not those with a projection."""
    if w_hr is not None or not _one_dtype(x, h, c, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    made = k.lstm(x.array, h.array, c.array, *_arrays(w_ih, w_hh, b_ih, b_hh), sizes, reverse)
    gates, squashed, h_before, c_before = map(wrap, made[3:])
    back = Shared(lambda w, *gs: k.lstm_grad(gates.array, squashed.array, c_before.array, w, *gs, sizes, reverse))
    total = Shared(lambda dz: (k.grad_bias(dz, LSTM),))
    return records(
        made[:3],
        (x, lambda gy, gh, gc: _to_input(back((w_hh,), gy, gh, gc)[0], w_ih, LSTM)),
        (h, lambda gy, gh, gc: back((w_hh,), gy, gh, gc)[1]),
        (c, lambda gy, gh, gc: back((w_hh,), gy, gh, gc)[2]),
        (w_ih, lambda gy, gh, gc: _to_weight(back((w_hh,), gy, gh, gc)[0], x, LSTM)),
        (w_hh, lambda gy, gh, gc: _to_weight(back((w_hh,), gy, gh, gc)[0], h_before, LSTM)),
        *((b, lambda gy, gh, gc: total((), back((w_hh,), gy, gh, gc)[0])[0]) for b in (b_ih, b_hh) if b is not None),
    )
