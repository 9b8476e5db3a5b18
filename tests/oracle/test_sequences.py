"""Recurrent layers, packed sequences, attention and transformers beside torch: results, gradients, states, texts."""

import copy
import itertools
import warnings

import numpy as np
import pytest

import nanograd as ours

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
BOTH = (ours, theirs)


@pytest.fixture(autouse=True)
def quiet():
    """Hints about speed are not what is tested here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="enable_nested_tensor is True")
        warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
        yield


def values(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def pair(*shape, seed=0, grad=True):
    """The same numbers as a tensor of each library."""
    data = values(*shape, seed=seed)
    return ours.tensor(data).requires_grad_(grad), theirs.tensor(data).requires_grad_(grad)


def both(make):
    """The module that ``make`` makes of each library in float64, with torch's weights, through the state_dict."""
    reference = make(theirs.nn).double()
    for p in reference.parameters():
        p.data.uniform_(-0.7, 0.7)
    module = make(ours.nn).double()
    state = {name: ours.tensor(value.numpy()) for name, value in reference.state_dict().items()}
    assert str(module.load_state_dict(state)) == "<All keys matched successfully>"
    return module, reference


def flat(y):
    """The tensors in nested results, those of a packed sequence too."""
    if y is None:
        return []
    return [y] if hasattr(y, "dtype") else [t for part in y for t in flat(part)]


def same(y, u, tolerance=1e-9):
    ys, us = flat(y), flat(u)
    assert len(ys) == len(us)
    for a, b in zip(ys, us, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        assert str(a.dtype) == str(b.dtype)
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


def check(module, reference, mine, other, inputs):
    """Results and the gradients of inputs and parameters agree.  ``inputs`` are pairs that require grad."""
    same(mine, other)
    total = [0, 0]
    for i, results in enumerate((mine, other)):
        for j, t in enumerate(r for r in flat(results) if r.dtype.is_floating_point and r.requires_grad):
            weight = values(*t.shape, seed=j + 50)
            total[i] = total[i] + (t * BOTH[i].tensor(weight)).sum()
        total[i].backward()
    for x, t in inputs:
        assert (x.grad is None) == (t.grad is None)
        if x.grad is not None:
            same(x.grad, t.grad)
    if module is not None:
        for (n, p), (m, q) in zip(module.named_parameters(), reference.named_parameters(), strict=True):
            assert n == m
            assert (p.grad is None) == (q.grad is None), n
            if p.grad is not None:
                same(p.grad, q.grad)


# Recurrent layers

OPTIONS = [
    {},
    {"num_layers": 2},
    {"bias": False, "batch_first": True},
    {"bidirectional": True},
    {"num_layers": 3, "bidirectional": True, "batch_first": True},
    {"nonlinearity": "relu", "num_layers": 2},
    {"proj_size": 2},
    {"proj_size": 3, "num_layers": 2, "bidirectional": True, "batch_first": True, "bias": False},
]
CASES = [
    (kind, options)
    for kind, options in itertools.product(("RNN", "GRU", "LSTM"), OPTIONS)
    if (kind == "RNN" or "nonlinearity" not in options) and (kind == "LSTM" or "proj_size" not in options)
]


def make(kind, options):
    return lambda nn: getattr(nn, kind)(3, 5, **options)


def initial(kind, module, batch, seed=3):
    """Pairs of the first hidden (and cell) state."""
    count = module.num_layers * (2 if module.bidirectional else 1)
    lead = (count,) if batch is None else (count, batch)
    pairs = [pair(*lead, module.proj_size or 5, seed=seed)]
    if kind == "LSTM":
        pairs.append(pair(*lead, 5, seed=seed + 1))
    return pairs


def as_hx(pairs, i):
    states = tuple(p[i] for p in pairs)
    return states if len(states) == 2 else states[0]


@pytest.mark.parametrize(("kind", "options"), CASES)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
@pytest.mark.parametrize("batched", [True, False], ids=["batch", "one"])
def test_recurrent_layers_agree_forward_and_backward(kind, options, given, batched):
    module, reference = both(make(kind, options))
    shape = ((2, 4, 3) if options.get("batch_first") else (4, 2, 3)) if batched else (4, 3)
    inputs = [pair(*shape)]
    if given:
        inputs += initial(kind, module, 2 if batched else None)
    (x, t), states = inputs[0], inputs[1:]
    mine = module(x, as_hx(states, 0)) if given else module(x)
    other = reference(t, as_hx(states, 1)) if given else reference(t)
    check(module, reference, mine, other, inputs)


@pytest.mark.parametrize(("kind", "options"), CASES)
@pytest.mark.parametrize("lengths", [[4, 4, 4], [5, 3, 3, 1], [1, 4, 2]], ids=str)
def test_packed_sequences_agree_through_recurrent_layers(kind, options, lengths):
    module, reference = both(make(kind, options))
    seqs = [pair(n, 3, seed=i) for i, n in enumerate(lengths)]
    states = initial(kind, module, len(lengths))
    results = []
    for i, (torch, layer) in enumerate(((ours, module), (theirs, reference))):
        packed = torch.nn.utils.rnn.pack_sequence([s[i] for s in seqs], enforce_sorted=False)
        y, state = layer(packed, as_hx(states, i))
        assert type(y).__name__ == "PackedSequence"
        results.append((y, state, torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, padding_value=-2.0)))
    check(module, reference, *results, [*seqs, *states])


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_recurrent_layers_print_name_and_save_alike(kind, options):
    module, reference = make(kind, options)(ours.nn), make(kind, options)(theirs.nn)
    assert repr(module) == repr(reference)
    assert shapes(module) == shapes(reference)
    assert [[tuple(w.shape) for w in ws] for ws in module.all_weights] == [
        [tuple(w.shape) for w in ws] for ws in reference.all_weights
    ]
    reference.load_state_dict({n: theirs.tensor(t.numpy()) for n, t in module.state_dict().items()})
    x, t = (torch.tensor(values(4, 2, 3, dtype=np.float32)) for torch in BOTH)
    (y, state), (u, other) = module(x), reference(t)
    same((y, state), (u, other), 1e-5)
    assert node(y) == node(u)
    assert [node(s) for s in flat(state)] == [node(s) for s in flat(other)]


def shapes(module):
    return [(n, tuple(t.shape)) for n, t in module.state_dict().items()]


def node(t):
    return t.grad_fn.name()


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_dropout_of_one_layer_warns_and_of_several_drops_in_training_only(kind):
    for torch in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(torch.nn, kind)(3, 5, dropout=0.5)
        assert str(caught[0].message) == (
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            "greater than 1, but got dropout=0.5 and num_layers=1"
        )
        assert torch is theirs or caught[0].filename == __file__
    module, reference = both(lambda nn: getattr(nn, kind)(3, 5, 2, dropout=0.999))
    x, t = pair(4, 2, 3)
    same(module.eval()(x), reference.eval()(t))
    assert not np.allclose(module(x)[0].detach(), module.train()(x)[0].detach())
    cut = copy.deepcopy(module)  # all of layer 0 dropped: what layer 1 gives no longer depends on x
    cut.dropout = 1.0
    assert np.array_equal(cut(x)[0].detach(), cut(x * 2)[0].detach())


CELLS = [(kind, options) for kind in ("RNNCell", "GRUCell", "LSTMCell") for options in ({}, {"bias": False})]


@pytest.mark.parametrize(("kind", "options"), [*CELLS, ("RNNCell", {"nonlinearity": "relu"})])
@pytest.mark.parametrize("batched", [True, False], ids=["batch", "one"])
def test_cells_agree_forward_and_backward(kind, options, batched):
    module, reference = both(lambda nn: getattr(nn, kind)(3, 5, **options))
    assert repr(module) == repr(reference)
    lead = (2,) if batched else ()
    inputs = [pair(*lead, 3), pair(*lead, 5, seed=1)]
    if kind == "LSTMCell":
        inputs.append(pair(*lead, 5, seed=2))
    same(module(inputs[0][0]), reference(inputs[0][1]))
    mine, other = (m(inputs[0][i], as_hx(inputs[1:], i)) for i, m in enumerate((module, reference)))
    assert [node(t) for t in flat(mine)] == [node(t) for t in flat(other)]
    check(module, reference, mine, other, inputs)


@pytest.mark.parametrize(("name", "gates"), [("rnn_tanh_cell", 1), ("rnn_relu_cell", 1), ("gru_cell", 3)])
def test_cells_as_functions_agree(name, gates):
    inputs = [pair(2, 3), pair(2, 4, seed=1), pair(4 * gates, 3, seed=2), pair(4 * gates, 4, seed=3)]
    mine, other = (getattr(torch, name)(*(p[i] for p in inputs)) for i, torch in enumerate(BOTH))
    check(None, None, mine, other, inputs)
    biases = [pair(4 * gates, seed=4), pair(4 * gates, seed=5)]
    mine, other = (getattr(torch, name)(*(p[i] for p in inputs + biases)) for i, torch in enumerate(BOTH))
    same(mine, other)


def test_lstm_cell_as_a_function_agrees():
    x, h, c, w, v = pair(2, 3), pair(2, 4, seed=1), pair(2, 4, seed=2), pair(16, 3, seed=3), pair(16, 4, seed=4)
    mine, other = (torch.lstm_cell(x[i], (h[i], c[i]), w[i], v[i]) for i, torch in enumerate(BOTH))
    check(None, None, mine, other, [x, h, c, w, v])


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM", "RNNCell", "LSTMCell"])
def test_weights_start_from_the_same_distribution(kind):
    """Uniform in ± 1/√H: the extremes and the spread of many."""
    for torch in BOTH:
        torch.manual_seed(0)
        module = getattr(torch.nn, kind)(64, 100)
        for p in module.parameters():
            a = p.detach().numpy()
            assert np.abs(a).max() <= 0.1
            assert abs(a.std() - 0.1 / np.sqrt(3)) < 0.15 / np.sqrt(a.size)


# Sequences of different lengths


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("rest", [(), (2,), (2, 3)])
@pytest.mark.parametrize("seed", range(4))
def test_padding_and_packing_agree(batch_first, rest, seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, rng.integers(1, 6)).tolist()
    seqs = [pair(n, *rest, seed=i) for i, n in enumerate(lengths)]
    results = []
    for i, torch in enumerate(BOTH):
        rnn = torch.nn.utils.rnn
        padded = rnn.pad_sequence([s[i] for s in seqs], batch_first, padding_value=-1.5)
        left = rnn.pad_sequence([s[i] for s in seqs], batch_first, padding_side="left")
        given = lengths if seed % 2 else torch.tensor(lengths)
        packed = rnn.pack_padded_sequence(padded, given, batch_first, enforce_sorted=False)
        again = rnn.pad_packed_sequence(packed, batch_first, 2.5, total_length=7)
        parts = rnn.unpack_sequence(packed)
        unpadded = rnn.unpad_sequence(padded.clone(), torch.tensor(lengths), batch_first)
        results.append((padded, left, packed, again, parts, unpadded))
        assert node(packed.data) == "PackPaddedSequenceBackward0"
    check(None, None, *results, seqs)


@pytest.mark.parametrize("dtype", ["int64", "float32", "bool", "uint8"])
def test_packed_sequences_print_and_convert_alike(dtype):
    texts = []
    for torch in BOTH:
        rnn = torch.nn.utils.rnn
        seqs = [torch.tensor(v).to(getattr(torch, dtype)) for v in ([1, 0], [3, 4, 0], [6])]
        packed = rnn.pack_sequence(seqs, enforce_sorted=False)
        plain = rnn.pack_sequence(sorted(seqs, key=len, reverse=True))
        texts.append([repr(packed), repr(plain), repr(packed.to(torch.float64)), repr(packed.double().float().cpu())])
        assert packed.to(getattr(torch, dtype)) is packed
        assert packed._fields == ("data", "batch_sizes", "sorted_indices", "unsorted_indices")
        assert rnn.PackedSequence(packed.data, packed.batch_sizes).unsorted_indices is None
        assert repr(copy.deepcopy(packed)) == repr(packed)
        again = rnn.PackedSequence(packed.data, packed.batch_sizes, packed.sorted_indices)
        assert repr(again) == repr(packed)
        assert not packed.is_cuda
        assert not packed.is_pinned()
    assert texts[0] == texts[1]


def test_padding_mixed_dtypes_takes_the_first():
    for first, second in itertools.product(("float32", "float64", "int64"), repeat=2):
        y, u = (
            torch.nn.utils.rnn.pad_sequence(
                [torch.ones(2, dtype=getattr(torch, first)), torch.ones(3, dtype=getattr(torch, second))]
            )
            for torch in BOTH
        )
        same(y, u)


# Attention

MASKS = {
    "none": None,
    "bool": lambda L, S: values(L, S, seed=9) > -0.8,
    "bool for each": lambda L, S: values(2, 1, L, S, seed=9) > -0.8,
    "bool of keys": lambda L, S: values(1, S, seed=8) > -0.8,
    "float": lambda L, S: values(L, S, seed=9),
    "float with infinities": lambda L, S: np.where(values(1, 3, L, S, seed=9) > 0, -np.inf, 0.5),
    "bool that hides all from one": lambda L, S: np.arange(L)[:, None] != np.zeros(S),
    "float that hides all from one": lambda L, S: np.where(np.arange(L)[:, None] == np.ones(S), -np.inf, 0.0),
    "bool that hides all": lambda L, S: np.zeros((L, S), bool),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("sizes", [(4, 4), (3, 5), (5, 3)])
@pytest.mark.parametrize(("scale", "width"), [(None, 4), (0.3, 6)])
def test_attention_agrees_forward_and_backward(name, sizes, scale, width):
    queries, keys = sizes
    inputs = [pair(2, 3, queries, 4), pair(2, 3, keys, 4, seed=1), pair(2, 3, keys, width, seed=2)]
    mask = None if MASKS[name] is None else MASKS[name](queries, keys)
    mine, other = (
        torch.nn.functional.scaled_dot_product_attention(
            *(p[i] for p in inputs), None if mask is None else torch.tensor(mask), scale=scale
        )
        for i, torch in enumerate(BOTH)
    )
    assert node(mine) == node(other)
    check(None, None, mine, other, inputs)


@pytest.mark.parametrize("name", ["float", "float with infinities", "float that hides all from one"])
def test_a_mask_that_is_learned_gets_torchs_gradient(name):
    mask = MASKS[name](3, 5)
    masks = tuple(torch.tensor(mask).requires_grad_() for torch in BOTH)
    inputs = [pair(2, 3, 3, 4), pair(2, 3, 5, 4, seed=1), pair(2, 3, 5, 4, seed=2), masks]
    mine, other = (
        torch.nn.functional.scaled_dot_product_attention(*(p[i] for p in inputs)) for i, torch in enumerate(BOTH)
    )
    check(None, None, mine, other, inputs)


@pytest.mark.parametrize("sizes", [(4, 4), (3, 5), (5, 3), (1, 1)])
def test_causal_attention_agrees(sizes):
    inputs = [pair(2, sizes[0], 4), pair(2, sizes[1], 4, seed=1), pair(2, sizes[1], 4, seed=2)]
    mine, other = (
        torch.nn.functional.scaled_dot_product_attention(*(p[i] for p in inputs), is_causal=True)
        for i, torch in enumerate(BOTH)
    )
    check(None, None, mine, other, inputs)


@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 4), (5, 4), (5, 6)),
        ((2, 3, 4), (5, 4), (5, 4)),
        ((3, 4), (2, 5, 4), (2, 5, 4)),
        ((2, 1, 3, 4), (1, 6, 5, 4), (2, 6, 5, 4)),
        ((2, 3, 0, 4), (2, 3, 5, 4), (2, 3, 5, 4)),
        ((2, 3, 2, 4), (2, 3, 0, 4), (2, 3, 0, 4)),
        ((2, 3, 2, 0), (2, 3, 5, 0), (2, 3, 5, 4)),
    ],
    ids=str,
)
def test_attention_broadcasts_alike(shapes):
    inputs = [pair(*shape, seed=i) for i, shape in enumerate(shapes)]
    mine, other = (
        torch.nn.functional.scaled_dot_product_attention(*(p[i] for p in inputs)) for i, torch in enumerate(BOTH)
    )
    check(None, None, mine, other, inputs)


@pytest.mark.parametrize("heads", [(4, 2, 2), (4, 1, 1), (4, 4, 4), (4, 2, 1)])
def test_heads_that_share_keys_agree(heads):
    inputs = [pair(2, h, 3 + (i > 0), 4, seed=i) for i, h in enumerate(heads)]
    mine, other = (
        torch.nn.functional.scaled_dot_product_attention(*(p[i] for p in inputs), enable_gqa=True)
        for i, torch in enumerate(BOTH)
    )
    check(None, None, mine, other, inputs)


HEADS = [
    {},
    {"bias": False},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "kdim": 3},
    {"kdim": 3, "vdim": 5},
    {"vdim": 5, "bias": False, "batch_first": True},
    {"batch_first": True},
]
HEAD_MASKS = {
    "none": {},
    "keys": {"key_padding_mask": lambda L, S: np.arange(S) >= np.array([[S], [S - 1], [2]])},
    "keys by floats": {"key_padding_mask": lambda L, S: values(3, S, seed=5)},
    "bool": {"attn_mask": lambda L, S: np.triu(np.ones((L, S), bool), 2)},
    "float": {"attn_mask": lambda L, S: values(L, S, seed=6)},
    "bool for each head": {"attn_mask": lambda L, S: (values(6, L, S, seed=6) > 0.3) & (np.arange(S) > 0)},
    "both": {
        "key_padding_mask": lambda L, S: np.arange(S) >= np.array([[S], [S - 1], [2]]),
        "attn_mask": lambda L, S: np.triu(np.ones((L, S), bool), 2),
    },
    "both, of floats for each head": {
        "key_padding_mask": lambda L, S: values(3, S, seed=5),
        "attn_mask": lambda L, S: values(6, L, S, seed=6),
    },
}
WANTED = [{}, {"need_weights": False}, {"average_attn_weights": False}]


def masks_for(torch, name, L, S):
    return {key: torch.tensor(mask(L, S)) for key, mask in HEAD_MASKS[name].items()}


@pytest.mark.parametrize("options", HEADS, ids=str)
@pytest.mark.parametrize("mask", HEAD_MASKS)
def test_multihead_attention_agrees_forward_and_backward(options, mask):
    module, reference = both(lambda nn: nn.MultiheadAttention(4, 2, **options))
    widths = (4, options.get("kdim", 4), options.get("vdim", 4))
    for wanted in WANTED:
        inputs = []
        for i, (n, width) in enumerate(zip((3, 5, 5), widths, strict=True)):
            inputs.append(pair(*((3, n) if options.get("batch_first") else (n, 3)), width, seed=i))
        mine, other = (
            layer(*(p[i] for p in inputs), **masks_for(torch, mask, 3, 5), **wanted)
            for i, (torch, layer) in enumerate(((ours, module), (theirs, reference)))
        )
        assert (mine[1] is None) == (other[1] is None)
        check(module, reference, mine, other, inputs)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("mask", [m for m in HEAD_MASKS if m != "none"])
def test_self_attention_agrees(batch_first, mode, mask):
    """Query, key and value the same tensor: one projection; in torch's evaluation without gradients another path."""
    module, reference = both(lambda nn: nn.MultiheadAttention(4, 2, batch_first=batch_first))
    getattr(module, mode)(), getattr(reference, mode)()
    x, t = pair(*((3, 5) if batch_first else (5, 3)), 4)
    mine, other = (
        layer(v, v, v, **masks_for(torch, mask, 5, 5))
        for torch, layer, v in ((ours, module, x), (theirs, reference, t))
    )
    check(module, reference, mine, other, [(x, t)])
    with ours.no_grad(), theirs.no_grad():
        options = {} if "float" not in mask else {"need_weights": False}
        mine, other = (
            layer(v, v, v, **masks_for(torch, mask, 5, 5), **options)
            for torch, layer, v in ((ours, module, x), (theirs, reference, t))
        )
        same(mine, other)


@pytest.mark.parametrize("options", HEADS, ids=str)
@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_multihead_attention_of_one_sequence_agrees(options, wanted):
    module, reference = both(lambda nn: nn.MultiheadAttention(4, 2, **options))
    widths = (4, options.get("kdim", 4), options.get("vdim", 4))
    inputs = [pair(n, w, seed=i) for i, (n, w) in enumerate(zip((3, 5, 5), widths, strict=True))]
    for masks in ({}, {"key_padding_mask": np.arange(5) > 2}, {"attn_mask": values(2, 3, 5) > 0.5}):
        mine, other = (
            layer(*(p[i] for p in inputs), **{k: torch.tensor(m) for k, m in masks.items()}, **wanted)
            for i, (torch, layer) in enumerate(((ours, module), (theirs, reference)))
        )
        same(mine, other)


def test_keys_that_are_all_hidden_give_what_torch_gives():
    """NaN where the weights are computed, zeros before the last projection where they are not."""
    module, reference = both(lambda nn: nn.MultiheadAttention(4, 2))
    x, t = pair(3, 2, 4)
    hidden = np.array([[True] * 3, [False] * 3])
    for wanted in (True, False):
        mine, other = (
            layer(v, v, v, key_padding_mask=torch.tensor(hidden), need_weights=wanted)
            for torch, layer, v in ((ours, module, x), (theirs, reference, t))
        )
        same(mine, other)


def test_the_causal_hint_agrees():
    module, reference = both(lambda nn: nn.MultiheadAttention(4, 2))
    x, t = pair(5, 2, 4)
    for wanted, padded in itertools.product((True, False), repeat=2):
        padding = {"key_padding_mask": np.arange(5) >= np.array([[5], [3]])} if padded else {}
        mine, other = (
            layer(
                v, v, v, need_weights=wanted, is_causal=True,
                attn_mask=torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64).isinf(),
                **{k: torch.tensor(m) for k, m in padding.items()},
            )
            for torch, layer, v in ((ours, module, x), (theirs, reference, t))
        )  # fmt: skip
        same(mine, other)


@pytest.mark.parametrize("options", HEADS, ids=str)
def test_multihead_attention_prints_names_and_starts_alike(options):
    for torch in BOTH:
        torch.manual_seed(0)
    module, reference = (torch.nn.MultiheadAttention(60, 2, **options) for torch in BOTH)
    assert repr(module) == repr(reference)
    assert sorted(shapes(module)) == sorted(shapes(reference))
    for (_, p), (_, q) in zip(sorted(module.named_parameters()), sorted(reference.named_parameters()), strict=True):
        a, b = p.detach().numpy(), q.detach().numpy()
        assert abs(a.std() - b.std()) <= 4 / np.sqrt(a.size) * b.std()
        if a.size > 1000:  # uniform: the extremes are the bounds
            assert abs(np.abs(a).max() / np.abs(b).max() - 1) < 0.01


# Transformers

STACKS = {
    "encoder layer": lambda nn, **o: nn.TransformerEncoderLayer(8, 2, 12, 0.0, **o),
    "decoder layer": lambda nn, **o: nn.TransformerDecoderLayer(8, 2, 12, 0.0, **o),
    "encoder": lambda nn, **o: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 12, 0.0, **o), 2, norm=nn.LayerNorm(8)
    ),
    "decoder": lambda nn, **o: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 12, 0.0, **o), 2),
    "whole": lambda nn, **o: nn.Transformer(8, 2, 2, 2, 12, 0.0, **o),
}
LAYER_OPTIONS = [
    {},
    {"norm_first": True, "batch_first": True},
    {"activation": "gelu", "bias": False},
    {"batch_first": True, "layer_norm_eps": 0.1},
]


def run_stack(torch, name, model, x, memory, masks, causal=None):
    given = {key: torch.tensor(value) for key, value in masks.items()}
    hint = {} if causal is None else {"is_causal": causal}
    if name.startswith("encoder"):
        first = {"src_mask" if name == "encoder layer" else "mask": given["x"]} if "x" in given else {}
        return model(x, **first, src_key_padding_mask=given.get("x_padding"), **hint)
    rest = {
        "memory_mask": given.get("memory"),
        "tgt_mask": given.get("x"),
        "tgt_key_padding_mask": given.get("x_padding"),
        "memory_key_padding_mask": given.get("memory_padding"),
    }
    if name == "whole":
        return model(memory, x, **rest, src_key_padding_mask=given.get("memory_padding"))
    return model(x, memory, **rest)


STACK_MASKS = {
    "none": {},
    "causal": {"x": np.triu(np.full((4, 4), -np.inf), 1)},
    "causal of truth values": {"x": np.triu(np.ones((4, 4), bool), 1)},
    "padding": {
        "x_padding": np.arange(4) >= np.array([[4], [2], [3]]),
        "memory_padding": np.arange(5) >= np.array([[1], [5], [3]]),
    },
    "all": {
        "x": np.triu(np.ones((4, 4), bool), 1),
        "memory": np.triu(np.ones((4, 5), bool), 3),
        "x_padding": np.arange(4) >= np.array([[4], [2], [3]]),
        "memory_padding": np.arange(5) >= np.array([[1], [5], [3]]),
    },
}


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("options", LAYER_OPTIONS, ids=str)
@pytest.mark.parametrize("masks", STACK_MASKS)
def test_transformers_agree_forward_and_backward(name, options, masks):
    module, reference = both(lambda nn: STACKS[name](nn, **options))
    first = options.get("batch_first")
    x, memory = (pair(*((3, n) if first else (n, 3)), 8, seed=n) for n in (4, 5))
    for mode in ("train", "eval"):
        getattr(module, mode)(), getattr(reference, mode)()
        for p in (*x, *memory, *module.parameters(), *reference.parameters()):
            p.grad = None
        mine, other = (
            run_stack(torch, name, m, x[i], memory[i], STACK_MASKS[masks])
            for i, (torch, m) in enumerate(((ours, module), (theirs, reference)))
        )
        check(module, reference, mine, other, [x] if name.startswith("encoder") else [x, memory])


@pytest.mark.parametrize("name", STACKS)
def test_transformers_of_one_sequence_agree(name):
    module, reference = both(lambda nn: STACKS[name](nn))
    x, memory = pair(4, 8), pair(5, 8, seed=1)
    mine, other = (
        run_stack(torch, name, m, x[i], memory[i], {})
        for i, (torch, m) in enumerate(((ours, module), (theirs, reference)))
    )
    same(mine, other)


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("options", [*LAYER_OPTIONS, {"norm_first": True}], ids=str)
def test_transformers_print_and_name_their_state_alike(name, options):
    module, reference = (STACKS[name](torch.nn, **options) for torch in BOTH)
    assert repr(module) == repr(reference)
    assert shapes(module) == shapes(reference)
    same([p.double() for n, p in module.named_parameters() if "norm" in n],
         [p.double() for n, p in reference.named_parameters() if "norm" in n])  # fmt: skip


@pytest.mark.parametrize("activation", ["relu", "gelu", "function", "layer"])
def test_activations_of_transformers_agree(activation):
    def build(nn):
        torch = ours if nn is ours.nn else theirs
        chosen = {"function": torch.tanh, "layer": nn.GELU("tanh")}.get(activation, activation)
        return nn.TransformerEncoderLayer(4, 2, 8, 0.0, chosen)

    module, reference = both(build)
    assert repr(module) == repr(reference)
    assert module.activation_relu_or_gelu == reference.activation_relu_or_gelu
    x, t = pair(3, 2, 4)
    check(module, reference, module(x), reference(t), [(x, t)])


def test_copies_of_a_layer_start_equal_and_apart():
    for torch in BOTH:
        layer = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        stack = torch.nn.TransformerEncoder(layer, 2)
        a, b = (s.linear1.weight for s in stack.layers)
        assert a is not b
        assert bool((a == b).all())
        assert bool((a == layer.linear1.weight).all())
        with torch.no_grad():
            a.zero_()
        assert not bool((a == b).all())
        assert not bool((layer.linear1.weight == a).all())


@pytest.mark.parametrize("options", [{}, {"norm_first": True}, {"batch_first": True}, {"bias": False}], ids=str)
def test_encoders_warn_of_nested_tensors_alike(options):
    messages = []
    for torch in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2, 8, **options), 1)
            torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2, 8, **options), 1, None, False)
        messages.append([str(w.message) for w in caught])
    assert messages[0] == messages[1]


def test_subsequent_masks_agree():
    for size in (1, 2, 5):
        y, u = (torch.nn.Transformer.generate_square_subsequent_mask(size) for torch in BOTH)
        same(y, u)
        assert repr(y) == repr(u)


# Errors: torch's class, and its words


def recurrent(torch, kind="LSTM", **options):
    return getattr(torch.nn, kind)(3, 4, **options)


def attend(torch, *shapes, **options):
    return torch.nn.functional.scaled_dot_product_attention(*(torch.ones(s) for s in shapes), **options)


def heads(torch, x=(3, 2, 4), key=None, value=None, **options):
    masks = {k: torch.zeros(v[0]).to(getattr(torch, v[1])) for k, v in options.items() if isinstance(v, tuple)}
    rest = {k: v for k, v in options.items() if not isinstance(v, tuple)}
    q, k, v = torch.ones(x), torch.ones(key or x), torch.ones(value or key or x)
    return torch.nn.MultiheadAttention(4, 2)(q, k, v, **masks, **rest)


def pack(torch, lengths, shape=(4, 3, 2), **options):
    return torch.nn.utils.rnn.pack_padded_sequence(torch.ones(shape), lengths, **options)


def pad(torch, *shapes, **options):
    return torch.nn.utils.rnn.pad_sequence([torch.ones(s) for s in shapes], **options)


def transformer(torch, src, tgt):
    return torch.nn.Transformer(4, 2, 1, 1, 8, batch_first=True)(torch.ones(src), torch.ones(tgt))


BAD = {
    "width": (lambda t: recurrent(t)(t.ones(5, 2, 4)), "must be equal to input_size. Expected 3, got 4"),
    "dimensions": (lambda t: recurrent(t)(t.ones(5)), "LSTM: Expected input to be 2D or 3D, got 1D"),
    "dimensions of a GRU": (lambda t: recurrent(t, "GRU")(t.ones(5, 2, 3, 1)), "GRU: Expected input to be 2D or 3D"),
    "no steps": (lambda t: recurrent(t)(t.ones(0, 2, 3)), "Expected sequence length to be larger than 0 in RNN"),
    "integers": (lambda t: recurrent(t)(t.ones(5, 2, 3).long()), r"RNN input dtype \(torch.int64\) does not match"),
    "doubles": (lambda t: recurrent(t)(t.ones(5, 2, 3).double()), "Convert input: input.to"),
    "hidden": (
        lambda t: recurrent(t)(t.ones(5, 2, 3), (t.ones(1, 2, 5), t.ones(1, 2, 4))),
        r"Expected hidden\[0\] size \(1, 2, 4\), got \[1, 2, 5\]",
    ),
    "cell": (
        lambda t: recurrent(t)(t.ones(5, 2, 3), (t.ones(1, 2, 4), t.ones(1, 3, 4))),
        r"Expected hidden\[1\] size \(1, 2, 4\), got \[1, 3, 4\]",
    ),
    "hidden of a GRU": (
        lambda t: recurrent(t, "GRU", batch_first=True)(t.ones(5, 2, 3), t.ones(1, 2, 4)),
        r"Expected hidden size \(1, 5, 4\), got \[1, 2, 4\]",
    ),
    "flat hidden": (
        lambda t: recurrent(t, "GRU")(t.ones(5, 2, 3), t.ones(2, 4)),
        "For batched 3-D input, hx should also be 3-D but got 2-D tensor",
    ),
    "deep hidden": (
        lambda t: recurrent(t)(t.ones(5, 3), (t.ones(1, 1, 4), t.ones(1, 1, 4))),
        r"For unbatched 2-D input, hx and cx should also be 2-D but got \(3-D, 3-D\) tensors",
    ),
    "three states": (lambda t: recurrent(t)(t.ones(5, 2, 3), (t.ones(1, 2, 4),) * 3), "lstm expects two hidden states"),
    "packed width": (
        lambda t: recurrent(t, "GRU")(t.nn.utils.rnn.pack_sequence([t.ones(3, 2)])),
        "must be equal to input_size. Expected 3, got 2",
    ),
    "dropout": (lambda t: recurrent(t, dropout=2), r"dropout should be a number in range \[0, 1\]"),
    "bias": (lambda t: recurrent(t, bias=1), "bias should be of type bool, got: int"),
    "batch_first": (lambda t: recurrent(t, batch_first=1), "batch_first should be of type bool, got: int"),
    "nonlinearity": (lambda t: recurrent(t, "RNN", nonlinearity="x"), "Unknown nonlinearity 'x'. Select from"),
    "projected GRU": (lambda t: recurrent(t, "GRU", proj_size=2), "proj_size argument is only supported for LSTM"),
    "wide projection": (lambda t: recurrent(t, proj_size=4), "proj_size has to be smaller than hidden_size"),
    "negative projection": (lambda t: recurrent(t, proj_size=-1), "proj_size should be a positive integer or zero"),
    "float size": (lambda t: t.nn.LSTM(3.0, 4), "input_size should be of type int, got: float"),
    "no size": (lambda t: t.nn.LSTM(3, 0), "hidden_size must be greater than zero"),
    "no layers": (lambda t: t.nn.LSTM(3, 4, 0), "num_layers must be greater than zero"),
    "mode": (lambda t: t.nn.RNNBase("XX", 3, 4), "Unrecognized RNN mode: XX"),
    "cell's width": (lambda t: recurrent(t, "GRUCell")(t.ones(2, 5)), "inconsistent input_size: got 5 expected 3"),
    "cell's dimensions": (lambda t: recurrent(t, "RNNCell")(t.ones(1, 2, 3)), "RNNCell: Expected input to be 1D or 2D"),
    "cell's hidden": (
        lambda t: recurrent(t, "GRUCell")(t.ones(2, 3), t.ones(2, 5)),
        "hidden0 has inconsistent hidden_size: got 5, expected 4",
    ),
    "cell's second": (
        lambda t: recurrent(t, "LSTMCell")(t.ones(2, 3), (t.ones(2, 4), t.ones(2, 5))),
        "hidden1 has inconsistent hidden_size: got 5, expected 4",
    ),
    "cell's batch": (
        lambda t: recurrent(t, "RNNCell")(t.ones(2, 3), t.ones(3, 4)),
        "Input batch size 2 doesn't match hidden0 batch size 3",
    ),
    "cell's pair": (lambda t: recurrent(t, "LSTMCell")(t.ones(2, 3), t.ones(2, 4)), ""),
    "cell's nonlinearity": (
        lambda t: recurrent(t, "RNNCell", nonlinearity="x")(t.ones(2, 3)),
        "Unknown nonlinearity: x",
    ),
    "unsorted": (lambda t: pack(t, [2, 3, 4]), "must be sorted in decreasing order when `enforce_sorted` is True"),
    "unsorted list": (
        lambda t: t.nn.utils.rnn.pack_sequence([t.ones(2), t.ones(3)]),
        "must be sorted in decreasing order",
    ),
    "count": (lambda t: pack(t, [4, 3]), r"Expected `len\(lengths\)` to be equal to batch_size, but got 2"),
    "zero length": (lambda t: pack(t, [4, 3, 0]), "Length of all samples has to be greater than 0"),
    "nothing": (lambda t: pack(t, [], (2, 0, 2)), "Cannot pack empty tensors"),
    "lengths 2-d": (lambda t: pack(t, t.ones(1, 3).long()), "'lengths' argument should be a 1D CPU int64 tensor"),
    "short total": (
        lambda t: t.nn.utils.rnn.pad_packed_sequence(pack(t, [4, 2, 1]), total_length=3),
        "Expected total_length to be at least the length of the longest sequence",
    ),
    "no sequences": (lambda t: pad(t), "received an empty list of sequences"),
    "not a list": (lambda t: t.nn.utils.rnn.pad_sequence(3), "pad_sequence: Expected iterable for input sequences"),
    "widths": (lambda t: pad(t, (2, 2), (3, 3)), "must match"),
    "side": (lambda t: pad(t, (2,), padding_side="up"), "Expected padding_side to be one of left or right, but got up"),
    "0-d sequence": (lambda t: pad(t, ()), ""),
    "features": (lambda t: attend(t, (2, 3, 4), (2, 5, 3), (2, 5, 4)), ""),
    "positions": (lambda t: attend(t, (2, 3, 4), (2, 5, 4), (2, 6, 4)), ""),
    "batches": (lambda t: attend(t, (2, 3, 4), (3, 5, 4), (3, 5, 4)), ""),
    "a vector": (lambda t: attend(t, (4,), (5, 4), (5, 4)), "2 dimensional"),
    "heads": (
        lambda t: attend(t, (2, 4, 3, 4), (2, 3, 5, 4), (2, 3, 5, 4), enable_gqa=True),
        "Number of heads in key and value must divide the number of heads in",
    ),
    "no heads": (lambda t: attend(t, (3, 4), (5, 4), (5, 4), enable_gqa=True), "Dimension out of range"),
    "mask and causal": (
        lambda t: attend(t, (3, 4), (3, 4), (3, 4), attn_mask=t.ones(3, 3).bool(), is_causal=True),
        "Explicit attn_mask should not be set when is_causal=True",
    ),
    "mask's shape": (lambda t: attend(t, (3, 4), (5, 4), (5, 4), attn_mask=t.ones(4, 5)), ""),
    "mask with a batch": (lambda t: attend(t, (3, 4), (5, 4), (5, 4), attn_mask=t.ones(7, 3, 5)), ""),
    "mask of integers": (
        lambda t: attend(t, (3, 4), (5, 4), (5, 4), attn_mask=t.ones(3, 5).long()),
        "Expected attn_mask dtype to be bool or",
    ),
    "mask of doubles": (
        lambda t: attend(t, (3, 4), (5, 4), (5, 4), attn_mask=t.ones(3, 5).double()),
        "Expected attn_mask dtype to be bool or",
    ),
    "mask that is a list": (lambda t: attend(t, (3, 4), (5, 4), (5, 4), attn_mask=[1]), "must be Tensor"),
    "dropout of attention": (
        lambda t: attend(t, (3, 4), (5, 4), (5, 4), dropout_p=1.5),
        "dropout probability has to be between 0 and 1, but got 1.5",
    ),
    "mixed dtypes": (
        lambda t: t.nn.functional.scaled_dot_product_attention(t.ones(2, 2), t.ones(2, 2).double(), t.ones(2, 2)),
        "Expected query, key, and value to have the same dtype",
    ),
    "indivisible": (lambda t: t.nn.MultiheadAttention(5, 2), "embed_dim must be divisible by num_heads"),
    "no embedding": (lambda t: t.nn.MultiheadAttention(0, 2), "embed_dim and num_heads must be greater than 0"),
    "flat key": (lambda t: heads(t, key=(3, 4), value=(3, 2, 4)), "expected `key` and `value` to be 3-D"),
    "flat query": (lambda t: heads(t, (4,), (3, 2, 4)), "query should be unbatched 2D or batched 3D tensor"),
    "wide query": (lambda t: heads(t, (3, 2, 5), (3, 2, 4)), "was expecting embedding dimension of 4, but got 5"),
    "keys and values": (lambda t: heads(t, key=(2, 2, 4), value=(3, 2, 4)), "does not match value shape"),
    "batch of keys": (lambda t: heads(t, key=(3, 1, 4)), ""),
    "padding turned": (lambda t: heads(t, key_padding_mask=((3, 2), "bool")), r"Expected key_padded_mask.shape\[0\]"),
    "padding of 1-d": (lambda t: heads(t, key_padding_mask=((3,), "bool")), "expected `key_padding_mask` to be"),
    "padding of integers": (lambda t: heads(t, key_padding_mask=((2, 3), "int64")), "only bool and floating types of"),
    "2-d mask": (lambda t: heads(t, attn_mask=((2, 3), "bool")), "The shape of the 2D attn_mask is"),
    "3-d mask": (lambda t: heads(t, attn_mask=((2, 3, 3), "bool")), r"but should be \(4, 3, 3\)"),
    "1-d mask": (lambda t: heads(t, attn_mask=((3,), "bool")), "expected `attn_mask` to be `None`, 2-D or 3-D"),
    "causal without mask": (lambda t: heads(t, is_causal=True), "Need attn_mask if specifying the is_causal hint"),
    "unbatched 3-d mask": (
        lambda t: heads(t, (3, 4), attn_mask=((3, 3, 3), "bool")),
        r"Expected `attn_mask` shape to be \(2, 3, 3\)",
    ),
    "activation": (lambda t: t.nn.TransformerEncoderLayer(4, 2, activation="tanh"), "should be relu/gelu, not tanh"),
    "batches of a transformer": (lambda t: transformer(t, (2, 3, 4), (3, 3, 4)), "the batch number of src and tgt"),
    "features of a transformer": (lambda t: transformer(t, (2, 3, 5), (2, 3, 4)), "the feature number of src and tgt"),
    "mixed batches": (lambda t: transformer(t, (2, 3, 4), (3, 4)), "the batch number of src and tgt must be equal"),
}


@pytest.mark.parametrize("name", BAD)
def test_errors_are_of_torchs_class_and_have_its_words(name):
    call, words = BAD[name]
    with pytest.raises(Exception) as reference:  # noqa: PT011 - of whatever class torch raises
        call(theirs)
    if words:
        reference.match(words)
    with pytest.raises(reference.type, match=words or None):
        call(ours)
