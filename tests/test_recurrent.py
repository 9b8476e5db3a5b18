"""Recurrent layers and sequences of different lengths: against formulas, and sequence by sequence."""

from __future__ import annotations

import copy
import doctest
import importlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd as torch
from nanograd import nn
from nanograd.autograd import grad, gradcheck, gradgradcheck
from nanograd.errors import DTypeError, ShapeError
from nanograd.nn.utils import rnn
from nanograd.testing import assert_close

unhurried = settings(deadline=None, max_examples=40)
KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
rng = np.random.default_rng(4)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def draw(*shape: int) -> Any:
    return torch.tensor(rng.uniform(-1, 1, shape))


def made(kind: Any, *args: Any, **options: Any) -> Any:
    """A layer of doubles whose weights are large enough to matter."""
    torch.manual_seed(int(rng.integers(1000)))
    layer = kind(*args, **options, dtype=torch.float64)
    for p in layer.parameters():
        p.data.uniform_(-0.8, 0.8)
    return layer


def numbers(layer: Any) -> dict[str, Any]:
    return {name: value.numpy() for name, value in layer.state_dict().items()}


# Against the formulas


def test_rnn_is_its_formula() -> None:
    for nonlinearity, f in (("tanh", np.tanh), ("relu", lambda x: np.maximum(x, 0))):
        layer, x, h0 = made(nn.RNN, 3, 4, nonlinearity=nonlinearity), draw(5, 2, 3), draw(1, 2, 4)
        w, h, expected = numbers(layer), h0.numpy()[0], []
        for t in range(5):
            h = f(x.numpy()[t] @ w["weight_ih_l0"].T + w["bias_ih_l0"] + h @ w["weight_hh_l0"].T + w["bias_hh_l0"])
            expected.append(h)
        y, last = layer(x, h0)
        assert_close(y.detach().numpy(), np.stack(expected))
        assert_close(last.detach().numpy(), h[None])


def test_lstm_is_its_formula_with_the_gates_in_the_order_i_f_g_o() -> None:
    layer, x, h0, c0 = made(nn.LSTM, 3, 4), draw(5, 2, 3), draw(1, 2, 4), draw(1, 2, 4)
    w = numbers(layer)
    w_i, w_f, w_g, w_o = np.split(np.hstack([w["weight_ih_l0"], w["weight_hh_l0"]]), 4)
    b_i, b_f, b_g, b_o = np.split(w["bias_ih_l0"] + w["bias_hh_l0"], 4)
    h, c, expected = h0.numpy()[0], c0.numpy()[0], []
    for t in range(5):
        both = np.hstack([x.numpy()[t], h])
        c = sigmoid(both @ w_f.T + b_f) * c + sigmoid(both @ w_i.T + b_i) * np.tanh(both @ w_g.T + b_g)
        h = sigmoid(both @ w_o.T + b_o) * np.tanh(c)
        expected.append(h)
    y, (last, cell) = layer(x, (h0, c0))
    assert_close(y.detach().numpy(), np.stack(expected))
    assert_close(last.detach().numpy(), h[None])
    assert_close(cell.detach().numpy(), c[None])


def test_gru_is_its_formula_with_the_reset_gate_after_the_product() -> None:
    layer, x, h0 = made(nn.GRU, 3, 4), draw(5, 2, 3), draw(1, 2, 4)
    w = numbers(layer)
    of_x, of_h = np.split(w["weight_ih_l0"], 3), np.split(w["weight_hh_l0"], 3)
    b_x, b_h = np.split(w["bias_ih_l0"], 3), np.split(w["bias_hh_l0"], 3)
    h, expected = h0.numpy()[0], []
    for t in range(5):
        xs = [x.numpy()[t] @ m.T + b for m, b in zip(of_x, b_x, strict=True)]
        hs = [h @ m.T + b for m, b in zip(of_h, b_h, strict=True)]
        r, z = sigmoid(xs[0] + hs[0]), sigmoid(xs[1] + hs[1])
        h = (1 - z) * np.tanh(xs[2] + r * hs[2]) + z * h
        expected.append(h)
    y, last = layer(x, h0)
    assert_close(y.detach().numpy(), np.stack(expected))
    assert_close(last.detach().numpy(), h[None])


def test_a_projection_shrinks_the_output_and_not_the_cell() -> None:
    layer, x = made(nn.LSTM, 3, 4, proj_size=2), draw(1, 2, 3)
    w = numbers(layer)
    i, _, g, o = np.split(x.numpy()[0] @ w["weight_ih_l0"].T + w["bias_ih_l0"] + w["bias_hh_l0"], 4, axis=1)
    c = sigmoid(i) * np.tanh(g)
    y, (h, cell) = layer(x)
    assert_close(y.detach().numpy()[0], (sigmoid(o) * np.tanh(c)) @ w["weight_hr_l0"].T)
    assert_close(h.detach().numpy()[0], y.detach().numpy()[0])
    assert_close(cell.detach().numpy()[0], c)


CELLS = {"RNN": nn.RNNCell, "GRU": nn.GRUCell, "LSTM": nn.LSTMCell}


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_its_cell_step_by_step_gradients_too(kind: str) -> None:
    """Reading x[:, t] for every t, as the texts do."""
    layer, x = made(KINDS[kind], 3, 4, batch_first=True), draw(2, 6, 3).requires_grad_()
    cell = CELLS[kind](3, 4, dtype=torch.float64)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    state, outputs = None, []
    for t in range(6):
        state = cell(x[:, t], state)
        outputs.append(state[0] if kind == "LSTM" else state)
    y, _ = layer(x)
    stepped = torch.stack(outputs, 1)
    assert_close(y, stepped)
    weight = draw(2, 6, 4)
    for a, b in zip(
        grad((y * weight).sum(), [x, *layer.parameters()]),
        grad((stepped * weight).sum(), [x, *cell.parameters()]),
        strict=True,
    ):
        assert_close(a, b)


def test_layers_and_directions_are_single_ones_stacked_each_with_its_own_state() -> None:
    layer, x, h0 = made(nn.GRU, 3, 4, num_layers=2, bidirectional=True), draw(5, 2, 3), draw(4, 2, 4)
    y, last = x, []
    for k in range(2):
        parts = []
        for reverse, end in enumerate((f"l{k}", f"l{k}_reverse")):
            one = made(nn.GRU, y.shape[2], 4)
            one.load_state_dict({f"{n}_l0": getattr(layer, f"{n}_{end}") for n in WEIGHTS})
            part, h = one(y.flip(0) if reverse else y, h0[2 * k + reverse].unsqueeze(0))
            parts.append(part.flip(0) if reverse else part)
            last.append(h[0])
        y = torch.cat(parts, 2)
    found, states = layer(x, h0)
    assert_close(found, y)
    assert_close(states, torch.stack(last))


WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


# Properties


@st.composite
def settings_of_layers(draw: Any) -> Any:
    kind = draw(st.sampled_from(sorted(KINDS)))
    options: dict[str, Any] = {
        "num_layers": draw(st.integers(1, 3)),
        "bidirectional": draw(st.booleans()),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
    }
    if kind == "RNN":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if kind == "LSTM":
        options["proj_size"] = draw(st.integers(0, 2))
    return kind, options, draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))


@unhurried
@given(settings_of_layers(), st.booleans())
def test_packed_is_each_sequence_for_itself(case: Any, with_state: bool) -> None:
    kind, options, lengths = case
    layer = made(KINDS[kind], 2, 3, **options)
    seqs = [draw(n, 2).requires_grad_() for n in lengths]
    packed = rnn.pack_sequence(seqs, enforce_sorted=False)
    count = options["num_layers"] * (1 + options["bidirectional"])
    widths = [options.get("proj_size") or 3, 3][: 1 + (kind == "LSTM")]
    states = [draw(count, len(lengths), width) for width in widths] if with_state else None
    y, last = layer(packed, pick(states, slice(None)))
    for i, (x, whole) in enumerate(zip(seqs, rnn.unpack_sequence(y), strict=True)):
        alone, end = layer(x, pick(states, i))
        assert_close(whole, alone)
        for a, b in zip(last if kind == "LSTM" else [last], end if kind == "LSTM" else [end], strict=True):
            assert_close(a[:, i], b)
    weight = [draw(*part.shape) for part in rnn.unpack_sequence(y)]
    together = sum((part * w).sum() for part, w in zip(rnn.unpack_sequence(y), weight, strict=True))
    apart = sum((layer(x, pick(states, i))[0] * w).sum() for i, (x, w) in enumerate(zip(seqs, weight, strict=True)))
    wanted = [*seqs, *layer.parameters()]
    for a, b in zip(grad(together, wanted), grad(apart, wanted), strict=True):
        assert_close(a, b, rtol=1e-6, atol=1e-8)


def pick(states: Any, place: Any) -> Any:
    """The state of one sequence of the batch, or of all."""
    if states is None:
        return None
    chosen = tuple(s[:, place] for s in states)
    return chosen if len(chosen) == 2 else chosen[0]


@unhurried
@given(settings_of_layers())
def test_a_padded_batch_is_each_sequence_for_itself(case: Any) -> None:
    kind, options, lengths = case
    layer, batch, steps = made(KINDS[kind], 2, 3, **options), len(lengths), max(lengths)
    x = draw(*((batch, steps) if options["batch_first"] else (steps, batch)), 2)
    y, _ = layer(x)
    for i in range(batch):
        alone, _ = layer(x[i] if options["batch_first"] else x[:, i])
        assert_close(y[i] if options["batch_first"] else y[:, i], alone)


@unhurried
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5),
    st.lists(st.integers(1, 3), max_size=2),
    st.booleans(),
    st.integers(0, 3),
)
def test_packing_and_padding_undo_each_other(lengths: list[int], rest: list[int], batch_first: bool, more: int) -> None:
    seqs = [draw(n, *rest) for n in lengths]
    padded = rnn.pad_sequence(seqs, batch_first, padding_value=7.0)
    expected = np.full((len(lengths), max(lengths), *rest), 7.0)
    for i, s in enumerate(seqs):
        expected[i, : len(s)] = s.numpy()
    assert_close((padded if batch_first else padded.transpose(0, 1)).numpy(), expected)
    left = rnn.pad_sequence(seqs, True, padding_side="left")
    for row, s in zip(left, seqs, strict=True):
        assert_close(row[max(lengths) - len(s) :], s)
        assert not row[: max(lengths) - len(s)].numpy().any()
    packed = rnn.pack_padded_sequence(padded, lengths, batch_first, enforce_sorted=False)
    assert packed.data.shape == (sum(lengths), *rest)
    order = packed.sorted_indices
    assert order is not None
    assert order.tolist() == sorted(range(len(lengths)), key=lambda i: -lengths[i])  # of equal ones the first is first
    assert packed.batch_sizes.tolist() == [sum(n > t for n in lengths) for t in range(max(lengths))]
    total = max(lengths) + more
    again, found = rnn.pad_packed_sequence(packed, batch_first, 7.0, total_length=total)
    assert found.tolist() == lengths
    again = again if batch_first else again.transpose(0, 1)
    assert_close(again[:, : max(lengths)].numpy(), expected)
    assert (again[:, max(lengths) :].numpy() == 7.0).all()
    for parts in (rnn.unpack_sequence(packed), rnn.unpad_sequence(padded, lengths, batch_first)):
        for part, s in zip(parts, seqs, strict=True):
            assert_close(part, s)


# Gradients of any order


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2}])
def test_first_and_second_gradients_agree_with_differences(kind: str, options: Any) -> None:
    layer, lengths = made(KINDS[kind], 2, 2, **options), (3, 2)
    count = 2 * len(options) or 1
    inputs = [draw(n, 2).requires_grad_() for n in lengths]
    states = [draw(count, 2, 2).requires_grad_() for _ in range(1 + (kind == "LSTM"))]
    weights = list(layer.parameters())

    def run(*values: Any) -> Any:
        hx = values[2] if kind != "LSTM" else (values[2], values[3])
        y, last = layer(rnn.pack_sequence(list(values[:2])), hx)
        return (y.data, *(last if kind == "LSTM" else (last,)))

    assert gradcheck(run, [*inputs, *states, *weights])
    if not options:
        assert gradgradcheck(run, [*inputs, *states, *weights])


def test_padding_and_packing_have_second_gradients() -> None:
    seqs = [draw(n, 2).requires_grad_() for n in (1, 3, 2)]

    def run(*xs: Any) -> Any:
        packed = rnn.pack_sequence([x * x for x in xs], enforce_sorted=False)
        return rnn.pad_packed_sequence(packed, batch_first=True, padding_value=3.0)[0]

    assert gradcheck(run, seqs)
    assert gradgradcheck(run, seqs)


def test_a_state_that_is_detached_stops_the_gradient() -> None:
    layer, x = made(nn.LSTM, 2, 3), draw(4, 1, 2).requires_grad_()
    _, state = layer(x[:2])
    y, _ = layer(x[2:], tuple(s.detach() for s in state))
    y.sum().backward()
    assert x.grad is not None
    assert not x.grad[:2].numpy().any()
    assert x.grad[2:].numpy().all()


# What the layers hold


def test_all_weights_lists_them_by_layer_and_direction() -> None:
    layer = nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2)
    assert [len(weights) for weights in layer.all_weights] == [5, 5, 5, 5]
    assert layer.all_weights[1][0] is layer.weight_ih_l0_reverse
    assert layer.all_weights[2][4] is layer.weight_hr_l1
    assert layer.flatten_parameters() is None


def test_copies_and_replaced_weights_are_what_runs() -> None:
    layer, x = made(nn.GRU, 2, 3), draw(4, 2, 2)
    twin = copy.deepcopy(layer)
    assert_close(twin(x)[0], layer(x)[0])
    twin.weight_ih_l0 = nn.Parameter(layer.weight_ih_l0.detach() * 0)
    assert not np.allclose(twin(x)[0].detach(), layer(x)[0].detach())
    del twin.weight_hh_l0
    twin.weight_hh_l0 = layer.weight_hh_l0 * 0.5  # a tensor that was computed, such as weights with dropout
    twin(x)[0].sum().backward()
    assert layer.weight_hh_l0.grad is not None


def test_dropout_between_layers_keeps_the_mean_and_spares_the_last() -> None:
    torch.manual_seed(0)
    layer = made(nn.RNN, 2, 200, num_layers=2, dropout=0.4)
    x = torch.ones(1, 1, 2, dtype=torch.float64)
    for p in ("weight_hh_l1", "bias_ih_l1", "bias_hh_l1"):
        getattr(layer, p).data.zero_()
    layer.weight_ih_l1.data.copy_(torch.eye(200) * 1e-3)  # tanh is linear here: the last layer shows what it is given
    hidden = layer.eval()(x)[0].detach().numpy().ravel() * 1e3
    seen = np.array([layer.train()(x)[0].detach().numpy().ravel() * 1e3 for _ in range(200)])
    kept = seen != 0
    assert abs(kept.mean() - 0.6) < 0.02
    assert_close(seen[kept], np.broadcast_to(hidden / 0.6, kept.shape)[kept], rtol=1e-4, atol=1e-4)


def test_half_precision_and_the_last_output_of_a_batch() -> None:
    layer = nn.LSTM(3, 4, batch_first=True).half()
    y, (h, _) = layer(torch.ones(5, 7, 3).half())
    assert y.dtype is h.dtype is torch.float16
    assert y[-1].shape == (7, 4)  # the last sequence, not the last step
    assert_close(y[:, -1], h[0])


def test_a_packed_sequence_survives_a_batch_without_features() -> None:
    y, h = nn.GRU(3, 4)(torch.zeros(5, 0, 3))
    assert y.shape == (5, 0, 4)
    assert h.shape == (1, 0, 4)
    with pytest.raises(ShapeError, match="Cannot pack empty tensors"):
        rnn.pack_padded_sequence(torch.zeros(5, 0, 3), [])


# Beginners' mistakes


def words(ids: Any) -> Any:
    return nn.LSTM(4, 3)(nn.Embedding(9, 4)(ids))


MISTAKES = {
    "words without an embedding": (
        lambda: nn.LSTM(4, 3)(torch.zeros(5, 2, 4).long()),
        DTypeError,
        r"RNN input dtype \(torch.int64\) .* turn numbers of words into vectors: nn.Embedding",
    ),
    "words as floats": (lambda: words(torch.zeros(5, 2)), DTypeError, r"expected indices .* Use input.long\(\)"),
    "a layer called as a function": (lambda: nn.LSTM(torch.zeros(5, 2, 4)), TypeError, "make it once"),
    "the wrong width": (
        lambda: nn.GRU(4, 3)(torch.zeros(5, 2, 6)),
        ShapeError,
        r"GRU: input.size\(-1\) must be equal to input_size. Expected 4, got 6: the input has shape \(5, 2, 6\)",
    ),
    "the wrong number of dimensions": (
        lambda: nn.GRU(4, 3, batch_first=True)(torch.zeros(5, 2, 6, 4)),
        ValueError,
        r"GRU: Expected input to be 2D or 3D, got 4D .*\(batch, time, input_size\), or \(time, input_size\)",
    ),
    "the batch of the state turned": (
        lambda: nn.GRU(4, 3, batch_first=True)(torch.zeros(5, 2, 4), torch.zeros(5, 1, 3)),
        ShapeError,
        r"Expected hidden size \(1, 5, 3\), got \[5, 1, 3\]: .* whatever batch_first; the batch is 5",
    ),
    "one state for LSTM": (
        lambda: nn.LSTM(4, 3)(torch.zeros(5, 2, 4), torch.zeros(1, 2, 3)),
        TypeError,
        r"a pair \(h_0, c_0\) of tensors, got a tensor of shape \(1, 2, 3\)",
    ),
    "two states for GRU": (
        lambda: nn.GRU(4, 3)(torch.zeros(5, 2, 4), (torch.zeros(1, 2, 3), torch.zeros(1, 2, 3))),
        TypeError,
        "expected the hidden state as one tensor h_0, got tuple. Only LSTM takes a pair",
    ),
    "a state of doubles": (
        lambda: nn.GRU(4, 3)(torch.zeros(5, 2, 4), torch.zeros(1, 2, 3).double()),
        DTypeError,
        r"the hidden state is torch.float64, the input torch.float32: Convert it: hx.to\(torch.float32\)",
    ),
    "what a layer gives, given whole": (
        lambda: nn.LSTM(3, 3)(nn.LSTM(4, 3)(torch.zeros(5, 2, 4))),
        DTypeError,
        "LSTM: expected a tensor or a PackedSequence, got tuple",
    ),
    "a packed sequence that is too deep": (
        lambda: nn.GRU(4, 3)(rnn.pack_sequence([torch.zeros(5, 2, 4)])),
        ShapeError,
        r"input must have 2 dimensions, got 3",
    ),
    "a projected RNN": (lambda: nn.RNN(4, 3, proj_size=2), ValueError, "only supported for LSTM"),
    "an option that is none": (lambda: nn.GRU(4, 3, layers=2), TypeError, "unexpected keyword argument 'layers'"),
    "half a size": (lambda: nn.GRU(4, 3, 1.5), TypeError, "num_layers should be of type int, got: float"),
    "dropout by name": (lambda: nn.GRU(4, 3, 2, dropout="a"), ValueError, "dropout should be a number in range"),
    "a cell over a sequence": (
        lambda: nn.GRUCell(4, 3)(torch.zeros(5, 2, 4)),
        ShapeError,
        r"Expected input to be 1D or 2D, got 3D instead, .* for x in sequence: h = cell\(x, h\)",
    ),
    "a cell and a list": (lambda: nn.GRUCell(4, 3)([1.0]), DTypeError, "GRUCell: expected input as a tensor, got list"),
    "a cell and integers": (lambda: nn.GRUCell(4, 3)(torch.zeros(2, 4).long()), RuntimeError, "torch.int64"),
    "a cell of doubles": (lambda: nn.LSTMCell(4, 3)(torch.zeros(2, 4).double()), DTypeError, "the same dtype"),
    "a cell's size": (lambda: nn.LSTMCell(-4, 3), RuntimeError, "input_size must be 0 or more, got -4"),
    "a list to pack": (lambda: rnn.pack_padded_sequence([torch.ones(2)], [2]), ShapeError, "go into pack_sequence"),
    "a vector to pack": (lambda: rnn.pack_padded_sequence(torch.ones(2), [2]), ShapeError, "at least 2 dimensions"),
    "longer than the padding": (
        lambda: rnn.pack_padded_sequence(torch.ones(2, 3, 4), [4, 1], batch_first=True),
        ShapeError,
        "a length of 4 is more than the 3 steps of the padded tensor: time is dimension 1 under batch_first=True",
    ),
    "lengths of the other dimension": (
        lambda: rnn.pack_padded_sequence(torch.ones(2, 3, 4), [3, 1]),
        ShapeError,
        r"got 2 \(batch_size=3\): batch is dimension 1 under batch_first=False",
    ),
    "a list to unpack": (lambda: rnn.pad_packed_sequence([torch.ones(2)]), DTypeError, "is padded by pad_sequence"),
    "numbers to pad": (lambda: rnn.pad_sequence([[1, 2], [3]]), DTypeError, r"got list \[1, 2\]. Use torch.tensor"),
    "lengths to unpad": (lambda: rnn.unpad_sequence(torch.ones(3, 2), [1]), ShapeError, "1 lengths for a batch of 2"),
    "a packed sequence by hand": (lambda: rnn.PackedSequence(torch.ones(2)), DTypeError, "Make one with pack_padded"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str) -> None:
    call, kind, match = MISTAKES[name]
    with pytest.raises(kind, match=match):
        call()


@pytest.mark.parametrize("module", ["nanograd.nn.recurrent", "nanograd.nn.cells", "nanograd.nn.utils.rnn"])
def test_examples_print_what_they_say(module: str) -> None:
    assert not doctest.testmod(importlib.import_module(module), extraglobs={"torch": torch, "nn": nn}).failed


# All steps in one call


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_is_double_precision_rounded(kind: str) -> None:
    """Whole tiles and rests of them, layers, directions, sequences that end: the compiled steps and NumPy's."""
    exact = made(KINDS[kind], 7, 40, num_layers=2, bidirectional=True)
    for p in exact.parameters():
        p.data.mul_(0.2)
    layer = KINDS[kind](7, 40, num_layers=2, bidirectional=True)
    layer.load_state_dict(exact.state_dict())
    x, lengths = draw(9, 11, 7), torch.tensor([9, 9, 8, 8, 7, 5, 5, 3, 2, 1, 1])
    found = []
    for one, dtype in ((exact, torch.float64), (layer, torch.float32)):
        rows = x.to(dtype).requires_grad_()
        y, state = one(rnn.pack_padded_sequence(rows, lengths))
        last = state if isinstance(state, tuple) else (state,)
        loss = (y.data**2).sum() + sum((s**3).sum() for s in last)
        found.append([y.data, *last, *grad(loss, [rows, *one.parameters()])])
    for a, b in zip(*found, strict=True):
        assert_close(b, a.float(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_way_back_sees_a_gradient_that_was_changed_in_place(kind: str) -> None:
    layer, x, above = made(KINDS[kind], 3, 4), draw(5, 2, 3).requires_grad_(), draw(8, 4)
    y = layer(rnn.pack_padded_sequence(x, torch.tensor([5, 3])))[0].data
    once = grad(y, [x, *layer.parameters()], above, retain_graph=True)
    above.mul_(2)
    twice = grad(y, [x, *layer.parameters()], above, retain_graph=True)
    only = grad(y, layer.weight_hh_l0, above * 3)[0]
    for a, b in zip(once, twice, strict=True):
        assert_close(2 * a, b)
    assert_close(only, 6 * once[2])


def test_states_that_require_grad_and_outputs_that_nobody_uses() -> None:
    layer, x = made(nn.LSTM, 3, 4), draw(5, 2, 3)
    h, c = draw(1, 2, 4).requires_grad_(), draw(1, 2, 4).requires_grad_()
    assert gradcheck(lambda h, c: layer(x, (h, c))[1][1], (h, c))
    assert gradcheck(lambda h, c: layer(x, (h, c))[0][2], (h, c))
