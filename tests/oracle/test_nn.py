"""Layers, losses and modules beside torch: the same weights and data give the same results, gradients and texts."""

import copy

import numpy as np
import pytest

import nanograd as ours
from nanograd import nn as our_nn
from nanograd.nn import functional as F

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")


def pair(*shape, seed=0, dtype=np.float32, scale=1.0):
    """The same numbers as a tensor of ours and one of torch's, both requiring grad."""
    data = (np.random.default_rng(seed).standard_normal(shape) * scale).astype(dtype)
    return ours.from_numpy(data.copy()).requires_grad_(), theirs.from_numpy(data.copy()).requires_grad_()


def copied(module, reference):
    """``module`` with the weights of torch's ``reference``."""
    state = {name: ours.from_numpy(value.numpy().copy()) for name, value in reference.state_dict().items()}
    module.load_state_dict(state)
    return module


def close(a, b, rtol=1e-5, atol=1e-6):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=rtol, atol=atol)


def both(make, seed=0):
    """The module that ``make`` makes of each library, with the same weights."""
    theirs.manual_seed(seed)
    reference = make(theirs.nn)
    return copied(make(our_nn), reference), reference


LAYERS = {
    "linear": (lambda nn: nn.Linear(5, 3), (4, 5)),
    "linear without bias, three dimensions": (lambda nn: nn.Linear(5, 3, bias=False), (2, 4, 5)),
    "conv": (lambda nn: nn.Conv2d(3, 4, 3), (2, 3, 6, 7)),
    "conv strided, padded, dilated": (lambda nn: nn.Conv2d(3, 4, 3, stride=2, padding=2, dilation=2), (2, 3, 9, 8)),
    "conv in groups": (lambda nn: nn.Conv2d(4, 6, (2, 3), groups=2, bias=False), (2, 4, 5, 5)),
    "conv same": (lambda nn: nn.Conv2d(2, 3, 3, padding="same"), (1, 2, 5, 5)),
    "conv reflecting": (lambda nn: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (1, 2, 5, 5)),
    "conv around": (lambda nn: nn.Conv2d(2, 3, (3, 2), padding=(1, 1), padding_mode="circular"), (1, 2, 5, 5)),
    "conv of one image": (lambda nn: nn.Conv2d(2, 3, 3), (2, 5, 5)),
    "max pool": (lambda nn: nn.MaxPool2d(2), (2, 3, 6, 7)),
    "max pool padded": (lambda nn: nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), (2, 3, 6, 7)),
    "relu": (lambda nn: nn.ReLU(), (3, 4)),
    "leaky relu": (lambda nn: nn.LeakyReLU(0.2), (3, 4)),
    "elu": (lambda nn: nn.ELU(0.7), (3, 4)),
    "silu": (lambda nn: nn.SiLU(), (3, 4)),
    "gelu tanh": (lambda nn: nn.GELU("tanh"), (3, 4)),
    "softplus": (lambda nn: nn.Softplus(2.0, 1.0), (3, 4)),
    "tanh": (lambda nn: nn.Tanh(), (3, 4)),
    "sigmoid": (lambda nn: nn.Sigmoid(), (3, 4)),
    "softmax": (lambda nn: nn.Softmax(1), (3, 4)),
    "log softmax": (lambda nn: nn.LogSoftmax(-1), (3, 4, 2)),
    "flatten": (lambda nn: nn.Flatten(1, 2), (2, 3, 4, 5)),
    "unflatten": (lambda nn: nn.Unflatten(1, (2, 3)), (4, 6)),
    "dropout in evaluation": (lambda nn: nn.Dropout(0.5).eval(), (3, 4)),
    "a network": (
        lambda nn: nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10), nn.Tanh()
        ),
        (3, 1, 8, 8),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_agree_forward_and_backward(name):
    make, shape = LAYERS[name]
    module, reference = both(make)
    x, t = pair(*shape)
    y, u = module(x), reference(t)
    assert tuple(y.shape) == tuple(u.shape)
    close(y, u)
    g, h = pair(*u.shape, seed=1)
    y.backward(g.detach())
    u.backward(h.detach())
    close(x.grad, t.grad, atol=1e-5)
    for (n, p), (m, q) in zip(module.named_parameters(), reference.named_parameters(), strict=True):
        assert n == m
        close(p.grad, q.grad, atol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_print_and_name_their_state_alike(name):
    make, _ = LAYERS[name]
    module, reference = make(our_nn), make(theirs.nn)
    assert repr(module) == repr(reference)
    assert [(n, tuple(t.shape)) for n, t in module.state_dict().items()] == [
        (n, tuple(t.shape)) for n, t in reference.state_dict().items()
    ]


CONTAINERS = [
    lambda nn: nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.ReLU(), nn.ReLU(inplace=True)]),
    lambda nn: nn.ModuleDict({"a": nn.Linear(1, 2, bias=False), "b": nn.Sequential(nn.Tanh())}),
    lambda nn: nn.Sequential(nn.ModuleList([nn.Identity()]), nn.Embedding(3, 4, padding_idx=0), nn.Dropout(0.2)),
    lambda nn: nn.Sequential(),
    lambda nn: nn.ModuleList(),
    lambda nn: nn.Sequential(nn.MSELoss(), nn.CrossEntropyLoss(), nn.Unflatten(1, (2, 2)), nn.Flatten()),
    lambda nn: nn.Sequential(nn.Conv2d(2, 4, (1, 2), groups=2, dilation=2, padding="same", bias=False)),
]


@pytest.mark.parametrize("make", CONTAINERS)
def test_containers_print_alike(make):
    assert repr(make(our_nn)) == repr(make(theirs.nn))


def test_parameter_lists_print_alike():
    mine = our_nn.ParameterList([ours.zeros(2, 3), ours.zeros(1)])
    other = theirs.nn.ParameterList([theirs.zeros(2, 3), theirs.zeros(1)])
    assert repr(mine) == repr(other)


LOSSES = {
    "mse": (lambda nn, **k: nn.MSELoss(**k), (4, 3), "float"),
    "l1": (lambda nn, **k: nn.L1Loss(**k), (4, 3), "float"),
    "smooth l1": (lambda nn, **k: nn.SmoothL1Loss(beta=0.5, **k), (4, 3), "float"),
    "bce with logits": (lambda nn, **k: nn.BCEWithLogitsLoss(**k), (4, 3), "unit"),
    "bce": (lambda nn, **k: nn.Sequential(nn.Sigmoid()) and nn.BCELoss(**k), (4, 3), "probability"),
    "cross entropy": (lambda nn, **k: nn.CrossEntropyLoss(**k), (4, 3), "class"),
    "cross entropy of images": (lambda nn, **k: nn.CrossEntropyLoss(**k), (4, 3, 2, 2), "class"),
    "cross entropy smoothed": (lambda nn, **k: nn.CrossEntropyLoss(label_smoothing=0.1, **k), (4, 3), "class"),
    "cross entropy ignoring": (lambda nn, **k: nn.CrossEntropyLoss(ignore_index=1, **k), (6, 3), "class"),
    "cross entropy of probabilities": (lambda nn, **k: nn.CrossEntropyLoss(**k), (4, 3), "simplex"),
    "nll": (lambda nn, **k: nn.NLLLoss(**k), (4, 3), "class"),
}


def targets(kind, shape):
    rng = np.random.default_rng(7)
    if kind == "class":
        return rng.integers(0, 3, (shape[0], *shape[2:]))
    values = rng.random(shape).astype(np.float32)
    return values / values.sum(1, keepdims=True) if kind == "simplex" else values


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_agree(name, reduction):
    make, shape, kind = LOSSES[name]
    t = targets(kind, shape)
    x, u = pair(*shape, scale=3.0)
    a, b = (x.sigmoid(), u.sigmoid()) if kind == "probability" else (x, u)
    loss = make(our_nn, reduction=reduction)(a, ours.from_numpy(t.copy()))
    other = make(theirs.nn, reduction=reduction)(b, theirs.from_numpy(t.copy()))
    close(loss, other)
    loss.sum().backward()
    other.sum().backward()
    close(x.grad, u.grad)


WEIGHTED = {
    "cross entropy": lambda nn, w: nn.CrossEntropyLoss(weight=w),
    "cross entropy smoothed": lambda nn, w: nn.CrossEntropyLoss(weight=w, label_smoothing=0.2),
    "nll": lambda nn, w: nn.NLLLoss(weight=w),
    "bce with logits": lambda nn, w: nn.BCEWithLogitsLoss(pos_weight=w),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_weighted_losses_agree(name):
    w = np.array([1.0, 3.0, 0.25], np.float32)
    t = targets("unit" if "bce" in name else "class", (5, 3))
    x, u = pair(5, 3)
    loss = WEIGHTED[name](our_nn, ours.from_numpy(w))(x, ours.from_numpy(t))
    other = WEIGHTED[name](theirs.nn, theirs.from_numpy(w.copy()))(u, theirs.from_numpy(t.copy()))
    close(loss, other)
    loss.backward()
    other.backward()
    close(x.grad, u.grad)


def test_embedding_agrees_with_its_padding():
    module, reference = both(lambda nn: nn.Embedding(7, 3, padding_idx=2))
    index = np.array([[0, 2, 6], [6, 6, 1]])
    y, u = module(ours.from_numpy(index)), reference(theirs.from_numpy(index.copy()))
    close(y, u)
    (y * y).sum().backward()
    (u * u).sum().backward()
    close(module.weight.grad, reference.weight.grad)
    assert repr(module) == repr(reference)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_pad_agrees(mode):
    x, t = pair(2, 3, 5, 4)
    y, u = F.pad(x, (1, 2, 3, 0), mode=mode), theirs.nn.functional.pad(t, (1, 2, 3, 0), mode=mode)
    close(y, u)
    (y * y).sum().backward()
    (u * u).sum().backward()
    close(x.grad, t.grad)


FUNCTIONS = {
    "logsigmoid": lambda f, x: f.logsigmoid(x),
    "normalize": lambda f, x: f.normalize(x, p=2.0, dim=0),
    "normalize by absolute values": lambda f, x: f.normalize(x, p=1.0, dim=1),
    "softmax": lambda f, x: f.softmax(x, dim=0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_agree(name):
    x, t = pair(4, 3, scale=3)
    y, u = FUNCTIONS[name](F, x), FUNCTIONS[name](theirs.nn.functional, t)
    close(y, u)
    (y * y).sum().backward()
    (u * u).sum().backward()
    close(x.grad, t.grad)


def test_gains_agree():
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert our_nn.init.calculate_gain(name) == pytest.approx(theirs.nn.init.calculate_gain(name))
    assert our_nn.init.calculate_gain("leaky_relu", 0.3) == pytest.approx(
        theirs.nn.init.calculate_gain("leaky_relu", 0.3)
    )


@pytest.mark.parametrize("norm", [1.0, 2.0, float("inf")])
def test_clipping_agrees(norm):
    (a, t), (b, u) = pair(3, 2), pair(4, seed=1)
    for x in (a, b, t, u):
        (x * x * 3).sum().backward()
    total = our_nn.utils.clip_grad_norm_([a, b], 1.5, norm_type=norm)
    other = theirs.nn.utils.clip_grad_norm_([t, u], 1.5, norm_type=norm)
    close(total, other)
    close(a.grad, t.grad)
    close(b.grad, u.grad)


# Refusals: the same class (or one of both kinds), the same key words


def message(act):
    with pytest.raises(Exception) as error:  # noqa: PT011
        act()
    return error


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (
            lambda nn, zeros: nn.Linear(2, 2).load_state_dict({"weight": zeros(3, 3), "x": zeros(1)}),
            [
                "Error(s) in loading state_dict for Linear:",
                'Missing key(s) in state_dict: "bias". ',
                'Unexpected key(s) in state_dict: "x". ',
                "size mismatch for weight: copying a param with shape torch.Size([3, 3]) from checkpoint, the shape in "
                "current model is torch.Size([2, 2]).",
            ],
        ),
        (
            lambda nn, zeros: setattr(nn.Linear(2, 2), "weight", zeros(2, 2)),
            [
                "cannot assign 'torch.FloatTensor' as parameter 'weight' (torch.nn.Parameter or None expected)",
            ],
        ),
        (
            lambda nn, zeros: setattr(nn.Sequential(nn.ReLU()), "0", 3),
            [
                "cannot assign 'int' as child module '0' (torch.nn.Module or None expected)",
            ],
        ),
        (lambda nn, zeros: nn.Linear(2, 2).register_buffer("a.b", zeros(1)), ['can\\\'t contain "."']),
        (lambda nn, zeros: nn.Linear(2, 2).weigth, ["'Linear' object has no attribute 'weigth'"]),
        (lambda nn, zeros: nn.Linear(2, 2).get_submodule("x"), ["attribute"]),
        (lambda nn, zeros: nn.Dropout(2.0), ["dropout probability has to be between 0 and 1, but got 2.0"]),
        (lambda nn, zeros: nn.Conv2d(3, 4, 1, groups=2), ["in_channels must be divisible by groups"]),
        (lambda nn, zeros: nn.Linear(2, 2)(zeros(3, 3)), ["mat1 and mat2 shapes cannot be multiplied"]),
        (lambda nn, zeros: nn.Module()(1), ['Module [Module] is missing the required "forward" function']),
        (lambda nn, zeros: nn.Tanh(zeros(1)), [""]),
        (lambda nn, zeros: nn.MSELoss(reduction="avg")(zeros(1), zeros(1)), ["is not a valid value for reduction"]),
        (lambda nn, zeros: nn.BCELoss()(zeros(2) + 2, zeros(2)), ["all elements of input should be between 0 and 1"]),
        (
            lambda nn, zeros: nn.BCEWithLogitsLoss()(zeros(2, 1), zeros(2)),
            [
                "Target size (torch.Size([2])) must be the same as input size (torch.Size([2, 1]))",
            ],
        ),
        (
            lambda nn, zeros: nn.init.kaiming_uniform_(zeros(3)),
            [
                "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions",
            ],
        ),
        (lambda nn, zeros: nn.init.calculate_gain("x"), ["Unsupported nonlinearity x"]),
        (lambda nn, zeros: nn.Sequential(nn.ReLU), ["is not a Module subclass"]),
        (lambda nn, zeros: nn.Linear(1, 1).to((ours if nn is our_nn else theirs).int64), ["floating point"]),
        (lambda nn, zeros: nn.Linear(1, 1).train(3), ["training mode is expected to be boolean"]),
    ],
)
def test_refusals_are_torchs(act, words):
    mine, other = message(lambda: act(our_nn, ours.zeros)), message(lambda: act(theirs.nn, theirs.zeros))
    assert isinstance(mine.value, other.type)
    for text in words:
        assert text in str(other.value)
        assert text in str(mine.value)


def test_the_warning_of_shapes_is_torchs():
    with pytest.warns(UserWarning, match="target size") as caught:
        theirs.nn.MSELoss()(theirs.zeros(2, 1), theirs.zeros(2))
    with pytest.warns(UserWarning, match="target size") as mine:
        our_nn.MSELoss()(ours.zeros(2, 1), ours.zeros(2))
    assert str(mine[0].message).startswith(str(caught[0].message).rstrip("."))


def test_a_copy_of_a_module_computes_the_same():
    module, reference = both(lambda nn: nn.Sequential(nn.Linear(3, 2), nn.Tanh()))
    x, t = pair(4, 3)
    close(copy.deepcopy(module)(x), reference(t))
