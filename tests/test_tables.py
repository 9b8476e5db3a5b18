"""Embeddings, bags of them, distances, and containers of parameters, against loops and what they promise."""

import copy

import numpy as np
import pytest

import nanograd as torch
from nanograd import autograd, nn
from nanograd.nn import functional as F

TABLE = np.random.default_rng(0).standard_normal((6, 3))
INDEX = np.array([0, 2, 5, 5, 1, 2, 2])


def table():
    return torch.from_numpy(TABLE.copy()).requires_grad_()


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 2])
def test_bags_are_loops_over_their_entries(mode, padding):
    offsets = [0, 3, 3, 5]
    combine = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    expected = np.zeros((4, 3))
    for b, (start, end) in enumerate(zip(offsets, [*offsets[1:], len(INDEX)], strict=True)):
        rows = [TABLE[i] for i in INDEX[start:end] if i != padding]
        if rows:
            expected[b] = combine(rows, axis=0)
    args = torch.tensor(INDEX), torch.tensor(offsets)
    w = table()
    y = F.embedding_bag(args[0], w, args[1], mode=mode, padding_idx=padding)
    np.testing.assert_allclose(y.detach().numpy(), expected)
    assert autograd.gradcheck(lambda w: F.embedding_bag(args[0], w, args[1], mode=mode, padding_idx=padding), (w,))
    assert autograd.gradgradcheck(lambda w: F.embedding_bag(args[0], w, args[1], mode=mode, padding_idx=padding), (w,))


def test_no_bags_and_no_entries():
    w = table()
    assert F.embedding_bag(torch.tensor(INDEX), w, torch.tensor([], dtype=torch.int64)).shape == (0, 3)
    for mode in ("sum", "mean", "max"):
        y = F.embedding_bag(torch.tensor([], dtype=torch.int64), w, torch.tensor([0, 0]), mode=mode)
        assert y.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_the_first_of_equal_rows_gets_the_gradient():
    w = torch.ones(3, 2, requires_grad=True)
    F.embedding_bag(torch.tensor([[2, 0, 1]]), w, mode="max").sum().backward()
    assert w.grad.tolist() == [[0, 0], [0, 0], [1, 1]]


def test_frequent_rows_share_their_gradient():
    w = table()
    F.embedding(torch.tensor(INDEX), w, scale_grad_by_freq=True).sum().backward()
    assert w.grad[:, 0].tolist() == [1, 1, 1, 0, 0, 1]
    v = table()
    F.embedding_bag(torch.tensor(INDEX)[None], v, mode="sum", scale_grad_by_freq=True).sum().backward()
    assert torch.equal(v.grad, w.grad)


def test_long_rows_are_shortened_where_they_are_read():
    layer = nn.Embedding(6, 3, max_norm=1.0, _weight=torch.from_numpy(TABLE * 5))
    y = layer(torch.tensor([0, 2]))
    lengths = layer.weight.detach().norm(dim=1)
    np.testing.assert_allclose(lengths[[0, 2]].numpy(), 1, rtol=1e-6)
    np.testing.assert_allclose(lengths[1].item(), np.linalg.norm(TABLE[1]) * 5)
    assert torch.equal(y, layer.weight[[0, 2]])
    y.sum().backward()
    assert layer.weight.grad[:, 0].tolist() == [1, 0, 1, 0, 0, 0]


def test_initial_values_are_normal_and_padding_is_zero():
    torch.manual_seed(0)
    layer = nn.Embedding(200, 100, padding_idx=3)
    assert layer.weight[3].tolist() == [0] * 100
    assert abs(layer.weight.std().item() - 1) < 0.03
    bag = nn.EmbeddingBag(200, 100, padding_idx=-1)
    assert bag.weight[199].tolist() == [0] * 100
    assert bag.padding_idx == 199
    pair = nn.Bilinear(16, 400, 3)
    assert 0.24 < pair.weight.abs().max().item() <= 0.25
    assert pair.bias.abs().max().item() <= 0.25


def test_what_tables_refuse():
    for wrong in (torch.tensor([6]), torch.tensor([-1])):
        with pytest.raises(IndexError, match=r"index out of range in self: got .*, the table has 6 rows"):
            F.embedding(wrong, table())
    with pytest.raises(TypeError, match=r"nn\.EmbeddingBag is a layer"):
        nn.EmbeddingBag(torch.ones(2))
    with pytest.raises(ValueError, match="mode has to be one of sum, mean or max"):
        nn.EmbeddingBag(3, 2, mode="median")
    with pytest.raises(ValueError, match="offsets must not fall"):
        F.embedding_bag(torch.tensor([0, 1]), table(), torch.tensor([0, 2, 1]))
    with pytest.raises(ValueError, match="expected to be 2-dimensional"):
        nn.Embedding.from_pretrained(torch.ones(3))


# Distances


def test_distances_are_their_formulas():
    x = table()
    y = torch.from_numpy(TABLE[::-1].copy() + 1)
    a, b = TABLE, TABLE[::-1] + 1
    np.testing.assert_allclose(
        F.cosine_similarity(x, y).detach().numpy(),
        (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1),
    )
    np.testing.assert_allclose(
        nn.PairwiseDistance(p=1, keepdim=True)(x, y).detach().numpy(), abs(a - b + 1e-6).sum(1, keepdims=True)
    )
    expected = [np.linalg.norm(a[i] - a[j]) for i in range(6) for j in range(i + 1, 6)]
    np.testing.assert_allclose(F.pdist(x).detach().numpy(), expected)
    for act in (lambda v: F.cosine_similarity(v, y), lambda v: F.pairwise_distance(v, y), F.pdist):
        assert autograd.gradcheck(act, (x,))
    w = torch.from_numpy(np.random.default_rng(1).standard_normal((4, 3, 3)))
    np.testing.assert_allclose(F.bilinear(x, y, w).detach().numpy(), np.einsum("ni,kij,nj->nk", a, w.numpy(), b))
    assert autograd.gradcheck(lambda v: F.bilinear(v, y, w), (x,))


def test_a_vector_of_zeros_has_no_direction_and_no_nan():
    x = torch.zeros(1, 3, requires_grad=True)
    y = F.cosine_similarity(x, torch.ones(1, 3))
    y.sum().backward()
    assert y.tolist() == [0]
    assert bool(x.grad.isfinite().all())


# Containers


def test_a_dict_of_parameters_is_trained_saved_copied_and_moved():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.zeros(1)), "rate": 3})
            self.scales = nn.ParameterList([torch.ones(1), "note"])

        def forward(self, x):
            return x * self.heads["b"] * self.scales[0] + self.heads["a"]

    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["heads.a", "heads.b", "scales.0"]
    net(torch.ones(2)).sum().backward()
    assert net.heads["b"].grad.tolist() == [1, 1]
    twin = copy.deepcopy(net).double()
    assert twin.heads["a"].dtype is torch.float64
    assert twin.heads["rate"] == 3
    assert twin.scales[1] == "note"
    net.load_state_dict(twin.state_dict())
    with pytest.raises(AttributeError, match="no attribute 'c'"):
        net.heads["c"]
    with pytest.raises(KeyError):
        net.heads["c"]
    with pytest.raises(TypeError, match="not a string"):
        net.heads[3] = torch.ones(1)
    with pytest.raises(RuntimeError, match="should not be called"):
        net.heads(1)


def test_lists_of_parameters_refuse_what_they_cannot_hold():
    values = nn.ParameterList([torch.ones(1)])
    with pytest.raises(TypeError, match="for one parameter use append"):
        values.extend(torch.ones(3))
    with pytest.raises(RuntimeError, match="floating"):
        values.append(torch.tensor([1, 2]))
    assert len(values) == 1
    with pytest.raises(IndexError, match="index 1 is out of range for a ParameterList of 1"):
        values[1]
    with pytest.raises(TypeError, match="an integer or a slice"):
        values["0"]
    values += [torch.zeros(2)]
    assert [p.shape for p in values] == [(1,), (2,)]


def test_sequences_add_and_multiply():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    double = net * 2
    assert len(double) == 4
    assert double[0] is double[2] is net[0]
    net += nn.Sequential(nn.Tanh())
    assert [type(m).__name__ for m in net + net[:1]] == ["Linear", "ReLU", "Tanh", "Linear"]
    with pytest.raises(ValueError, match="use append or extend"):
        net + [nn.ReLU()]  # noqa: RUF005
    with pytest.raises(TypeError, match="for one module use append"):
        nn.ModuleList().extend(nn.ReLU())
