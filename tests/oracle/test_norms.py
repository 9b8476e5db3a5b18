"""Normalization, dropout and distances beside torch: values, gradients, running statistics, state, printed forms."""

import copy

import numpy as np
import pytest

import nanograd as ours
from nanograd import nn as our_nn
from nanograd.nn import functional as F

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")


def pair(*shape, seed=0, dtype=np.float32, scale=1.0, shift=0.0):
    data = (np.random.default_rng(seed).standard_normal(shape) * scale + shift).astype(dtype)
    return ours.from_numpy(data.copy()).requires_grad_(), theirs.from_numpy(data.copy()).requires_grad_()


def close(a, b, rtol=2e-4, atol=2e-5):
    a, b = a.detach().numpy(), b.detach().numpy()
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a.astype(np.float64), b.astype(np.float64), rtol, atol)


def node(y):
    return str(y.grad_fn).split()[0]


def mixed(module, reference, seed=5):
    """The same random weights and statistics in both modules."""
    rng = np.random.default_rng(seed)
    state = {
        n: np.array(v.numpy()) if "num_batches" in n else rng.uniform(0.5, 2, tuple(v.shape)).astype(v.numpy().dtype)
        for n, v in reference.state_dict().items()
    }
    module.load_state_dict({n: ours.from_numpy(v.copy()) for n, v in state.items()})
    reference.load_state_dict({n: theirs.from_numpy(v.copy()) for n, v in state.items()})


LAYERS = {
    "batch norm of rows": (lambda nn: nn.BatchNorm1d(6), (5, 6)),
    "batch norm of signals": (lambda nn: nn.BatchNorm1d(6), (5, 6, 3)),
    "batch norm of images": (lambda nn: nn.BatchNorm2d(3, eps=1e-2), (4, 3, 5, 6)),
    "batch norm of volumes": (lambda nn: nn.BatchNorm3d(3, momentum=0.3), (2, 3, 2, 3, 4)),
    "batch norm, large": (lambda nn: nn.BatchNorm2d(8), (8, 8, 12, 12)),
    "batch norm, no weights": (lambda nn: nn.BatchNorm1d(6, affine=False), (5, 6)),
    "batch norm, no bias": (lambda nn: nn.BatchNorm1d(6, bias=False), (5, 6)),
    "batch norm, mean of all": (lambda nn: nn.BatchNorm1d(6, momentum=None), (5, 6)),
    "batch norm, nothing kept": (lambda nn: nn.BatchNorm2d(3, track_running_stats=False), (4, 3, 5, 6)),
    "layer norm": (lambda nn: nn.LayerNorm(6), (5, 6)),
    "layer norm, large": (lambda nn: nn.LayerNorm(64), (4, 10, 64)),
    "layer norm of two dimensions": (lambda nn: nn.LayerNorm((4, 6), eps=1e-3), (5, 4, 6)),
    "layer norm of a list": (lambda nn: nn.LayerNorm([6]), (2, 3, 6)),
    "layer norm, no weights": (lambda nn: nn.LayerNorm(6, elementwise_affine=False), (5, 6)),
    "layer norm, no bias": (lambda nn: nn.LayerNorm(6, bias=False), (5, 6)),
    "group norm": (lambda nn: nn.GroupNorm(2, 6), (4, 6)),
    "group norm of images": (lambda nn: nn.GroupNorm(3, 6), (4, 6, 5, 4)),
    "group norm of one group": (lambda nn: nn.GroupNorm(1, 6, eps=1e-3), (4, 6, 5)),
    "group norm, no weights": (lambda nn: nn.GroupNorm(6, 6, affine=False), (4, 6, 5)),
    "instance norm of signals": (lambda nn: nn.InstanceNorm1d(6), (4, 6, 5)),
    "instance norm of one signal": (lambda nn: nn.InstanceNorm1d(6), (6, 5)),
    "instance norm of images": (lambda nn: nn.InstanceNorm2d(3, affine=True), (4, 3, 5, 6)),
    "instance norm with memory": (lambda nn: nn.InstanceNorm2d(3, track_running_stats=True), (4, 3, 5, 6)),
    "instance norm of volumes": (
        lambda nn: nn.InstanceNorm3d(3, affine=True, track_running_stats=True, momentum=0.4),
        (2, 3, 2, 3, 4),
    ),
    "rms norm": (lambda nn: nn.RMSNorm(6), (5, 6)),
    "rms norm of two dimensions": (lambda nn: nn.RMSNorm((4, 6), eps=1e-2), (5, 4, 6)),
    "rms norm, no weights": (lambda nn: nn.RMSNorm(6, elementwise_affine=False), (5, 6)),
    "response norm": (lambda nn: nn.LocalResponseNorm(3, alpha=0.5, k=2.0), (2, 5, 4)),
    "response norm of images": (lambda nn: nn.LocalResponseNorm(2, alpha=0.3, beta=0.5), (2, 5, 4, 3)),
    "response norm of few channels": (lambda nn: nn.LocalResponseNorm(5), (2, 3, 4, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_print_and_name_their_state_alike(name):
    module, reference = LAYERS[name][0](our_nn), LAYERS[name][0](theirs.nn)
    assert repr(module) == repr(reference)
    have, want = module.state_dict(), reference.state_dict()
    assert [(n, tuple(t.shape), str(t.dtype)) for n, t in have.items()] == [
        (n, tuple(t.shape), str(t.dtype)) for n, t in want.items()
    ]
    for n, value in have.items():
        close(value, want[n])
    reference.load_state_dict({n: theirs.from_numpy(v.numpy().copy()) for n, v in have.items()})


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_agree(name, training):
    make, shape = LAYERS[name]
    module, reference = make(our_nn).train(training), make(theirs.nn).train(training)
    mixed(module, reference)
    for step in range(3):
        module.zero_grad()
        reference.zero_grad()
        x, t = pair(*shape, seed=step, scale=2.0, shift=0.5)
        y, u = module(x), reference(t)
        assert node(y) == node(u)
        close(y, u)
        g, h = pair(*u.shape, seed=10 + step)
        y.backward(g.detach())
        u.backward(h.detach())
        close(x.grad, t.grad)
        for p, q in zip(module.parameters(), reference.parameters(), strict=True):
            close(p.grad, q.grad, atol=1e-4)
        for b, c in zip(module.buffers(), reference.buffers(), strict=True):
            close(b, c)


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")
@pytest.mark.parametrize("name", LAYERS)
def test_half_precision(name):
    make, shape = LAYERS[name]
    x, t = pair(*shape, dtype=np.float16)
    for convert in (lambda m: m, lambda m: m.half()):
        module, reference = convert(make(our_nn)), convert(make(theirs.nn))
        try:
            u = reference(t)
        except RuntimeError:
            continue  # torch has no such kernel
        y = module(x)
        assert y.dtype is ours.float16
        close(y, u, 5e-3, 5e-3)


@pytest.mark.parametrize("name", [n for n in LAYERS if "response" not in n])
def test_second_gradients(name):
    make, shape = LAYERS[name]
    module, reference = make(our_nn).double(), make(theirs.nn).double()
    (x, t), found = pair(*shape, dtype=np.float64), []
    for lib, layer, v in ((ours, module, x), (theirs, reference, t)):
        y = layer(v)
        (g,) = lib.autograd.grad((y * y * y).sum(), v, create_graph=True)
        (h,) = lib.autograd.grad((g * g).sum(), v)
        found.append(h)
    close(*found, 1e-7, 1e-7)


FUNCTIONS = {
    "batch_norm, no statistics": (lambda f, x: f.batch_norm(x, None, None, training=True), (4, 3, 5)),
    "layer_norm": (lambda f, x: f.layer_norm(x, (3, 5)), (4, 3, 5)),
    "layer_norm of a list": (lambda f, x: f.layer_norm(x, [5], eps=0.1), (4, 3, 5)),
    "group_norm": (lambda f, x: f.group_norm(x, 3), (4, 3, 5)),
    "instance_norm": (lambda f, x: f.instance_norm(x), (4, 3, 5)),
    "rms_norm": (lambda f, x: f.rms_norm(x, (5,)), (4, 3, 5)),
    "local_response_norm": (lambda f, x: f.local_response_norm(x, 2, 0.1, 0.5, 1.5), (4, 3, 5)),
    "normalize": (lambda f, x: f.normalize(x), (4, 3)),
    "normalize, 1, 0": (lambda f, x: f.normalize(x, p=1.0, dim=0), (4, 3)),
    "normalize, 3, two dimensions": (lambda f, x: f.normalize(x, 3.0, (1, 2)), (4, 3, 2)),
    "cosine_similarity": (lambda f, x: f.cosine_similarity(x, x.flip(0) * 2 + 1), (4, 3)),
    "cosine_similarity, 0": (lambda f, x: f.cosine_similarity(x, x[:1], dim=0), (4, 3)),
    "cosine_similarity, one row": (lambda f, x: f.cosine_similarity(x, x[0] + 1, dim=-1), (4, 3)),
    "cosine_similarity, eps": (lambda f, x: f.cosine_similarity(x, x + 1, eps=2.0), (4, 3)),
    "pairwise_distance": (lambda f, x: f.pairwise_distance(x, x.flip(0)), (4, 3)),
    "pairwise_distance, 1": (lambda f, x: f.pairwise_distance(x, x.flip(0), p=1.0, keepdim=True), (4, 3)),
    "pairwise_distance, inf": (lambda f, x: f.pairwise_distance(x, x[0], p=float("inf")), (4, 3)),
    "pairwise_distance of vectors": (lambda f, x: f.pairwise_distance(x, x + 1, 3.0, 0.1), (3,)),
    "pdist": (lambda f, x: f.pdist(x), (5, 3)),
    "pdist, 1": (lambda f, x: f.pdist(x, p=1.0), (5, 3)),
    "pdist, inf": (lambda f, x: f.pdist(x, p=float("inf")), (5, 3)),
    "pdist, 2.5": (lambda f, x: f.pdist(x, 2.5), (5, 3)),
    "pdist of one": (lambda f, x: f.pdist(x), (1, 3)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_agree(name):
    act, shape = FUNCTIONS[name]
    x, t = pair(*shape)
    y, u = act(F, x), act(theirs.nn.functional, t)
    assert node(y) == node(u)
    assert tuple(y.shape) == tuple(u.shape)
    close(y, u)
    (y * y * y).sum().backward()
    (u * u * u).sum().backward()
    close(x.grad, t.grad)


@pytest.mark.parametrize("dropped", [0.0, 1.0])
@pytest.mark.parametrize(
    "name", ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]
)
def test_dropping_nothing_or_all_agrees(name, dropped):
    shape = {"dropout1d": (2, 3, 4), "dropout3d": (2, 3, 2, 2, 2)}.get(name, (2, 3, 4, 4))
    x, t = pair(*shape)
    y, u = getattr(F, name)(x, dropped, training=True), getattr(theirs.nn.functional, name)(t, dropped, training=True)
    close(y, u)
    y.sum().backward()
    u.sum().backward()
    close(x.grad, t.grad)


MODULES = [
    lambda nn: nn.Dropout(), lambda nn: nn.Dropout(0.2, inplace=True), lambda nn: nn.Dropout1d(0.1),
    lambda nn: nn.Dropout2d(), lambda nn: nn.Dropout3d(0.3, True), lambda nn: nn.AlphaDropout(),
    lambda nn: nn.FeatureAlphaDropout(0.25), lambda nn: nn.PairwiseDistance(3.0), lambda nn: nn.CosineSimilarity(0),
    lambda nn: nn.Bilinear(3, 4, 2), lambda nn: nn.Bilinear(3, 4, 2, bias=False), lambda nn: nn.Identity(3, a=4),
    lambda nn: nn.Linear(3, 4), lambda nn: nn.Linear(3, 4, bias=False),
    lambda nn: nn.LazyBatchNorm1d(eps=0.1), lambda nn: nn.LazyBatchNorm2d(affine=False),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MODULES)))
def test_modules_print_alike(number):
    assert repr(MODULES[number](our_nn)) == repr(MODULES[number](theirs.nn))


@pytest.mark.parametrize("outer", [(5,), (2, 3), ()])
@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(outer, bias):
    module, reference = our_nn.Bilinear(3, 4, 2, bias), theirs.nn.Bilinear(3, 4, 2, bias)
    mixed(module, reference)
    (x, t), (z, w) = pair(*outer, 3), pair(*outer, 4, seed=1)
    y, u = module(x, z), reference(t, w)
    close(y, u)
    assert tuple(y.shape) == tuple(u.shape)
    (y * y).sum().backward()
    (u * u).sum().backward()
    for a, b in ((x, t), (z, w), *zip(module.parameters(), reference.parameters(), strict=True)):
        close(a.grad, b.grad)


@pytest.mark.parametrize("shape", [(0, 6), (0, 6, 4)])
def test_no_samples(shape):
    for make in (lambda nn: nn.BatchNorm1d(6), lambda nn: nn.GroupNorm(2, 6)):
        module, reference = make(our_nn), make(theirs.nn)
        x, t = pair(*shape)
        for train in (False, True):
            try:
                u = reference.train(train)(t)
            except Exception as error:
                with pytest.raises(type(error)):
                    module.train(train)(x)
                continue
            y = module.train(train)(x)
            assert tuple(y.shape) == tuple(u.shape)
    x, t = pair(0, 6)
    for make in (lambda nn: nn.LayerNorm(6), lambda nn: nn.RMSNorm(6)):
        assert tuple(make(our_nn)(x).shape) == tuple(make(theirs.nn)(t).shape)


def test_nan_and_infinity_spread_alike():
    data = np.array([[1.0, np.nan, 3.0], [1.0, np.inf, 0.0], [1.0, 2.0, 3.0]], np.float32)
    for act in (
        lambda f, x: f.layer_norm(x, (3,)),
        lambda f, x: f.batch_norm(x, None, None, training=True),
        lambda f, x: f.rms_norm(x, (3,)),
        lambda f, x: f.normalize(x),
    ):
        close(act(F, ours.from_numpy(data)), act(theirs.nn.functional, theirs.from_numpy(data.copy())))


def test_a_constant_input_is_divided_by_the_square_root_of_eps():
    x, t = pair(4, 3, scale=0.0, shift=7.0)
    for act in (lambda f, v: f.layer_norm(v, (3,)), lambda f, v: f.batch_norm(v, None, None, training=True)):
        y, u = act(F, x), act(theirs.nn.functional, t)
        close(y, u, atol=1e-4)  # torch's mean of sevens is not quite 7


def test_a_copied_layer_keeps_statistics_of_its_own():
    norm = our_nn.BatchNorm1d(2)
    twin = copy.deepcopy(norm)
    norm(ours.randn(5, 2))
    assert twin.running_mean.tolist() == [0, 0]
    assert norm.running_mean.tolist() != [0, 0]


BAD = {
    "one value per channel": lambda lib, f: lib.nn.BatchNorm1d(3)(lib.ones(1, 3)),
    "one value per channel of an image": lambda lib, f: lib.nn.BatchNorm2d(3)(lib.ones(1, 3, 1, 1)),
    "one value per instance": lambda lib, f: lib.nn.InstanceNorm1d(3)(lib.ones(2, 3, 1)),
    "one value per group": lambda lib, f: f.group_norm(lib.ones(1, 1, 1), 1),
    "an image for rows": lambda lib, f: lib.nn.BatchNorm1d(3)(lib.ones(2, 3, 4, 4)),
    "rows for images": lambda lib, f: lib.nn.BatchNorm2d(3)(lib.ones(2, 3)),
    "other channels": lambda lib, f: lib.nn.BatchNorm1d(3)(lib.ones(2, 4)),
    "no statistics in evaluation": lambda lib, f: f.batch_norm(lib.ones(2, 4), None, None),
    "layer norm of other sizes": lambda lib, f: lib.nn.LayerNorm(3)(lib.ones(2, 4)),
    "layer norm of nothing": lambda lib, f: f.layer_norm(lib.ones(2, 4), ()),
    "layer norm with another weight": lambda lib, f: f.layer_norm(lib.ones(2, 4), (4,), lib.ones(3)),
    "layer norm of integers": lambda lib, f: f.layer_norm(lib.ones(2, 4).long(), (4,)),
    "rms norm of other sizes": lambda lib, f: lib.nn.RMSNorm(3)(lib.ones(2, 4)),
    "groups that do not divide": lambda lib, f: lib.nn.GroupNorm(2, 3),
    "groups that do not divide the input": lambda lib, f: f.group_norm(lib.ones(2, 3, 4), 2),
    "instance norm of other channels": lambda lib, f: lib.nn.InstanceNorm2d(3, affine=True)(lib.ones(2, 4, 2, 2)),
    "instance norm of rows": lambda lib, f: lib.nn.InstanceNorm2d(3)(lib.ones(2, 4)),
    "response norm of rows": lambda lib, f: f.local_response_norm(lib.ones(2, 4), 2),
    "probability 2": lambda lib, f: f.dropout(lib.ones(2), 2.0),
    "probability -1": lambda lib, f: lib.nn.AlphaDropout(-1.0),
    "dropout1d of images": lambda lib, f: f.dropout1d(lib.ones(2, 3, 4, 4)),
    "feature dropout of a line": lambda lib, f: f.feature_alpha_dropout(lib.ones(3), 0.5, True),
    "bilinear of other sizes": lambda lib, f: lib.nn.Bilinear(3, 4, 2)(lib.ones(2, 4), lib.ones(2, 4)),
    "bilinear of other batches": lambda lib, f: lib.nn.Bilinear(3, 4, 2)(lib.ones(2, 3), lib.ones(5, 4)),
    "pdist of a cube": lambda lib, f: f.pdist(lib.ones(2, 2, 2)),
    "pdist, negative": lambda lib, f: f.pdist(lib.ones(2, 2), -1.0),
    "linear of other sizes": lambda lib, f: lib.nn.Linear(32, 8)(lib.ones(2, 64)),
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
