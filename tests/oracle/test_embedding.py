"""Tables of vectors beside torch: rows, bags, their gradients, shortened rows, printed forms and state."""

import numpy as np
import pytest

import nanograd as ours
from nanograd import nn as our_nn
from nanograd.nn import functional as F

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")

TABLE = np.random.default_rng(3).standard_normal((7, 4)).astype(np.float32)
INDEX = np.array([[0, 2, 6], [6, 6, 1], [2, 0, 0]])


def close(a, b, rtol=1e-5, atol=1e-6):
    a, b = a.detach().numpy(), b.detach().numpy()
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol, atol)


def node(y):
    return str(y.grad_fn).split()[0]


def tables(dtype=np.float32):
    data = TABLE.astype(dtype)
    return ours.from_numpy(data.copy()).requires_grad_(), theirs.from_numpy(data.copy()).requires_grad_()


def back(y, u, *pairs):
    g = np.random.default_rng(1).standard_normal(tuple(u.shape)).astype(u.detach().numpy().dtype)
    y.backward(ours.from_numpy(g.copy()))
    u.backward(theirs.from_numpy(g.copy()))
    for a, b in pairs:
        close(a.grad, b.grad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"padding_idx": 2}, {"padding_idx": -1}, {"scale_grad_by_freq": True}])
@pytest.mark.parametrize("index", [INDEX, INDEX[0], INDEX[0, 1], INDEX[:0], INDEX.astype(np.int32)], ids=str)
def test_rows(index, options, dtype):
    w, v = tables(dtype)
    y = F.embedding(ours.from_numpy(np.array(index)), w, **options)
    u = theirs.nn.functional.embedding(theirs.from_numpy(np.array(index)), v, **options)
    close(y, u)
    assert node(y) == node(u)
    back(y, u, (w, v))


@pytest.mark.parametrize("norm", [1.0, 2.0])
def test_long_rows_are_shortened_in_the_table(norm):
    (w, v), (module, reference) = tables(), (our_nn.Embedding(7, 4, max_norm=1.0, norm_type=norm),
                                            theirs.nn.Embedding(7, 4, max_norm=1.0, norm_type=norm))  # fmt: skip
    module.weight, reference.weight = our_nn.Parameter(w.detach()), theirs.nn.Parameter(v.detach())
    y, u = module(ours.from_numpy(INDEX)), reference(theirs.from_numpy(INDEX.copy()))
    close(y, u)
    close(module.weight, reference.weight)
    back(y, u, (module.weight, reference.weight))
    assert repr(module) == repr(reference)


def test_second_gradients():
    found = []
    for lib, f, w in ((ours, F, tables(np.float64)[0]), (theirs, theirs.nn.functional, tables(np.float64)[1])):
        y = f.embedding(lib.from_numpy(INDEX.copy()), w, padding_idx=1)
        (g,) = lib.autograd.grad((y * y * y).sum(), w, create_graph=True)
        (h,) = lib.autograd.grad((g * g).sum(), w)
        found.append(h)
    close(*found)


OFFSETS = {"bags": [0, 3, 3, 5], "one bag": [0], "an empty one at the end": [0, 4, 9]}


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 6])
@pytest.mark.parametrize("name", [*OFFSETS, "rows"])
def test_bags(name, padding, mode):
    index = INDEX if name == "rows" else INDEX.reshape(-1)
    w, v = tables()
    found = []
    for lib, f, table in ((ours, F, w), (theirs, theirs.nn.functional, v)):
        offsets = None if name == "rows" else lib.tensor(OFFSETS[name], dtype=lib.int64)
        found.append(f.embedding_bag(lib.from_numpy(index.copy()), table, offsets, mode=mode, padding_idx=padding))
    y, u = found
    close(y, u)
    assert node(y) == node(u)
    back(y, u, (w, v))


def test_bags_with_weights_of_their_entries():
    (w, v), scales = tables(), np.random.default_rng(5).random(9).astype(np.float32)
    a, b = ours.from_numpy(scales.copy()).requires_grad_(), theirs.from_numpy(scales.copy()).requires_grad_()
    found = []
    for lib, f, table, s in ((ours, F, w, a), (theirs, theirs.nn.functional, v, b)):
        index, offsets = lib.from_numpy(INDEX.reshape(-1).copy()), lib.tensor([0, 2, 9])
        found.append(f.embedding_bag(index, table, offsets, mode="sum", per_sample_weights=s, include_last_offset=True))
    close(*found)
    back(*found, (w, v), (a, b))


MODULES = [
    lambda nn: nn.Embedding(7, 4), lambda nn: nn.Embedding(7, 4, padding_idx=-1),
    lambda nn: nn.Embedding(7, 4, padding_idx=2, max_norm=1.5, norm_type=3.0, scale_grad_by_freq=True),
    lambda nn: nn.Embedding(7, 4, sparse=True), lambda nn: nn.EmbeddingBag(7, 4),
    lambda nn: nn.EmbeddingBag(7, 4, max_norm=2.0, norm_type=1.0, scale_grad_by_freq=True, mode="sum", padding_idx=1),
    lambda nn: nn.EmbeddingBag(7, 4, mode="max", include_last_offset=True),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MODULES)))
def test_modules_print_and_save_alike(number):
    module, reference = MODULES[number](our_nn), MODULES[number](theirs.nn)
    assert repr(module) == repr(reference)
    reference.load_state_dict({n: theirs.from_numpy(t.numpy().copy()) for n, t in module.state_dict().items()})
    module.load_state_dict({n: ours.from_numpy(t.numpy().copy()) for n, t in reference.state_dict().items()})
    if module.padding_idx is not None:
        assert module.weight[module.padding_idx].tolist() == [0] * 4


def test_tables_that_are_given():
    for make in (lambda nn: nn.Embedding, lambda nn: nn.EmbeddingBag):
        module = make(our_nn).from_pretrained(ours.from_numpy(TABLE), freeze=False, padding_idx=1)
        reference = make(theirs.nn).from_pretrained(theirs.from_numpy(TABLE.copy()), freeze=False, padding_idx=1)
        assert repr(module) == repr(reference)
        assert module.weight.requires_grad
        close(module(ours.from_numpy(INDEX)), reference(theirs.from_numpy(INDEX.copy())))
        assert not make(our_nn).from_pretrained(ours.from_numpy(TABLE)).weight.requires_grad


BAD = {
    "row 7 of 7": lambda lib, f: f.embedding(lib.tensor([7]), lib.ones(7, 4)),
    "row -1": lambda lib, f: f.embedding(lib.tensor([-1]), lib.ones(7, 4)),
    "rows as floats": lambda lib, f: f.embedding(lib.ones(2), lib.ones(7, 4)),
    "padding outside": lambda lib, f: lib.nn.Embedding(3, 2, padding_idx=3),
    "padding outside of a function": lambda lib, f: f.embedding(lib.tensor([0]), lib.ones(7, 4), padding_idx=-8),
    "a table of one dimension": lambda lib, f: lib.nn.Embedding.from_pretrained(lib.ones(3)),
    "offsets for rows": lambda lib, f: f.embedding_bag(lib.tensor([[0]]), lib.ones(7, 4), lib.tensor([0])),
    "no offsets": lambda lib, f: f.embedding_bag(lib.tensor([0]), lib.ones(7, 4)),
    "offsets that begin late": lambda lib, f: f.embedding_bag(lib.tensor([0, 1]), lib.ones(7, 4), lib.tensor([1])),
    "offsets beyond the end": lambda lib, f: f.embedding_bag(lib.tensor([0, 1]), lib.ones(7, 4), lib.tensor([0, 5])),
    "three dimensions": lambda lib, f: f.embedding_bag(lib.tensor([[[0]]]), lib.ones(7, 4)),
    "weights of a mean": lambda lib, f: f.embedding_bag(
        lib.tensor([[0]]), lib.ones(7, 4), per_sample_weights=lib.ones(1, 1)
    ),
    "weights of another shape": lambda lib, f: f.embedding_bag(
        lib.tensor([[0]]), lib.ones(7, 4), per_sample_weights=lib.ones(2), mode="sum"
    ),
    "no such mode": lambda lib, f: f.embedding_bag(lib.tensor([[0]]), lib.ones(7, 4), mode="median"),
    "one_hot of a large class": lambda lib, f: f.one_hot(lib.tensor([3]), 3),
    "one_hot of a negative class": lambda lib, f: f.one_hot(lib.tensor([-1])),
    "one_hot of nothing": lambda lib, f: f.one_hot(lib.tensor([], dtype=lib.int64)),
    "one_hot of floats": lambda lib, f: f.one_hot(lib.ones(2)),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name):
    found = []
    for lib, f in ((ours, F), (theirs, theirs.nn.functional)):
        with pytest.raises(Exception) as error:  # noqa: PT011
            BAD[name](lib, f)
        found.append(error.value)
    mine, other = found
    assert isinstance(mine, type(other)), f"{mine!r} is no {other!r}"


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_one_hot(shape):
    t = np.random.default_rng(0).integers(0, 4, shape)
    close(F.one_hot(ours.tensor(t), 5), theirs.nn.functional.one_hot(theirs.tensor(t), 5))
