"""Activations beside torch: values, gradients, second gradients, dtypes, in-place forms, modules, and their names."""

import numpy as np
import pytest

import nanograd as ours
from nanograd import nn as our_nn
from nanograd.nn import functional as F

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")

EXTREMES = [-np.inf, -1e4, -100.0, -6.0, -3.0, -1.0, -0.5, -1e-3, -0.0, 0.0, 0.5, 1.0, 3.0, 6.0, 100.0, np.inf, np.nan]


def numbers(dtype=np.float32, seed=0):
    """A matrix of ordinary numbers."""
    return (np.random.default_rng(seed).standard_normal((7, 6)) * 3).astype(dtype)


def pair(data):
    return ours.from_numpy(data.copy()).requires_grad_(), theirs.from_numpy(data.copy()).requires_grad_()


def node(y):
    """The name of the node that made y."""
    return str(y.grad_fn).split()[0]


def close(a, b, dtype=np.float32, loose=False):
    rtol, atol = {np.float16: (2e-3, 2e-3), np.float32: (2e-5, 1e-6), np.float64: (1e-9, 1e-12)}[dtype]
    if loose:
        rtol, atol = max(rtol, 1e-7), max(atol * 5, 1e-7)
    np.testing.assert_allclose(a.detach().numpy().astype(np.float64), b.detach().numpy().astype(np.float64), rtol, atol)


ROUNDED = {"gelu tanh", "hardsigmoid"}  # torch: 1 + tanh near -1; 1/6 in float32 on the way back of float64


FUNCTIONS = {
    "relu": lambda f, x: f.relu(x),
    "relu6": lambda f, x: f.relu6(x),
    "leaky_relu": lambda f, x: f.leaky_relu(x),
    "leaky_relu 0.3": lambda f, x: f.leaky_relu(x, 0.3),
    "leaky_relu -0.5": lambda f, x: f.leaky_relu(x, negative_slope=-0.5),
    "rrelu": lambda f, x: f.rrelu(x),
    "rrelu 0.1 0.9": lambda f, x: f.rrelu(x, 0.1, 0.9),
    "elu": lambda f, x: f.elu(x),
    "elu 0.7": lambda f, x: f.elu(x, alpha=0.7),
    "selu": lambda f, x: f.selu(x),
    "celu": lambda f, x: f.celu(x),
    "celu 2.5": lambda f, x: f.celu(x, alpha=2.5),
    "gelu": lambda f, x: f.gelu(x),
    "gelu tanh": lambda f, x: f.gelu(x, approximate="tanh"),
    "silu": lambda f, x: f.silu(x),
    "mish": lambda f, x: f.mish(x),
    "softplus": lambda f, x: f.softplus(x),
    "softplus 2 3": lambda f, x: f.softplus(x, beta=2, threshold=3),
    "softsign": lambda f, x: f.softsign(x),
    "tanhshrink": lambda f, x: f.tanhshrink(x),
    "hardtanh": lambda f, x: f.hardtanh(x),
    "hardtanh -2 0.5": lambda f, x: f.hardtanh(x, -2.0, 0.5),
    "hardswish": lambda f, x: f.hardswish(x),
    "hardsigmoid": lambda f, x: f.hardsigmoid(x),
    "hardshrink": lambda f, x: f.hardshrink(x),
    "hardshrink 1.5": lambda f, x: f.hardshrink(x, lambd=1.5),
    "softshrink": lambda f, x: f.softshrink(x),
    "softshrink 1.5": lambda f, x: f.softshrink(x, 1.5),
    "logsigmoid": lambda f, x: f.logsigmoid(x),
    "threshold": lambda f, x: f.threshold(x, 0.1, 20.0),
    "sigmoid": lambda f, x: f.sigmoid(x),
    "tanh": lambda f, x: f.tanh(x),
}
DIMENSIONS = {
    "glu": lambda f, x: f.glu(x),
    "glu 1": lambda f, x: f.glu(x, dim=1),
    "softmax": lambda f, x: f.softmax(x, dim=1),
    "softmax 0": lambda f, x: f.softmax(x, 0),
    "softmin": lambda f, x: f.softmin(x, dim=-1),
    "log_softmax": lambda f, x: f.log_softmax(x, dim=0),
}
ALL = {**FUNCTIONS, **DIMENSIONS}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64], ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", ALL)
def test_values_gradients_and_nodes(name, dtype):
    x, t = pair(numbers(dtype))
    y, u = ALL[name](F, x), ALL[name](theirs.nn.functional, t)
    assert str(y.dtype) == str(u.dtype)
    assert node(y) == node(u)
    close(y, u, dtype, loose=name in ROUNDED)
    g = numbers(dtype, seed=1)[: y.shape[0], : y.shape[1]]
    y.backward(ours.from_numpy(g.copy()))
    u.backward(theirs.from_numpy(g.copy()))
    close(x.grad, t.grad, dtype, loose=name in ROUNDED)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_extremes(name):
    """Infinities, NaN, and the places where a formula bends."""
    data = np.array(EXTREMES, np.float32)
    if name == "gelu":
        data[data == np.inf] = 50  # torch says NaN of ∞ in float32, and ∞ in float64
    x, t = pair(data)
    y, u = FUNCTIONS[name](F, x), FUNCTIONS[name](theirs.nn.functional, t)
    close(y, u)
    y.sum().backward()
    u.sum().backward()
    finite = np.isfinite(EXTREMES) & np.isfinite(t.grad.numpy())  # 0 · ∞ on the way back is NaN by one formula or other
    np.testing.assert_allclose(x.grad.numpy()[finite], t.grad.numpy()[finite], 2e-5, 1e-6)


@pytest.mark.parametrize("name", [n for n in ALL if n != "hardsigmoid"])  # torch has no second derivative of it
def test_second_gradients(name):
    (x, t), found = pair(numbers(np.float64)), []
    for lib, f, v in ((ours, F, x), (theirs, theirs.nn.functional, t)):
        y = ALL[name](f, v)
        (g,) = lib.autograd.grad((y * y).sum(), v, create_graph=True)
        (h,) = lib.autograd.grad((g * g).sum(), v)
        found.append(h)
    close(*found, np.float64)


@pytest.mark.parametrize("shape", [(), (0,), (0, 4), (1,), (2, 3, 4)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_shapes(name, shape):
    x, t = pair(np.full(shape, 0.7, np.float32))
    y, u = FUNCTIONS[name](F, x), FUNCTIONS[name](theirs.nn.functional, t)
    assert tuple(y.shape) == tuple(u.shape)
    close(y, u)
    y.sum().backward()
    u.sum().backward()
    close(x.grad, t.grad)


@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("name", ALL)
def test_integers_are_taken_or_refused_alike(name, kind):
    data = np.ones((2, 4), kind)
    try:
        u = ALL[name](theirs.nn.functional, theirs.from_numpy(data.copy()))
    except Exception as error:
        kind_of_error = RuntimeError if name == "softsign" else type(error)  # its abs refuses truth values
        with pytest.raises(kind_of_error):
            ALL[name](F, ours.from_numpy(data))
        return
    y = ALL[name](F, ours.from_numpy(data))
    assert str(y.dtype) == str(u.dtype)
    np.testing.assert_allclose(y.numpy(), u.numpy(), 1e-6)


IN_PLACE = {
    "relu": lambda f, x: f.relu(x, inplace=True),
    "relu_": lambda f, x: f.relu_(x),
    "relu6": lambda f, x: f.relu6(x, inplace=True),
    "leaky_relu": lambda f, x: f.leaky_relu(x, 0.2, inplace=True),
    "leaky_relu_": lambda f, x: f.leaky_relu_(x),
    "rrelu": lambda f, x: f.rrelu(x, inplace=True),
    "rrelu_": lambda f, x: f.rrelu_(x),
    "elu": lambda f, x: f.elu(x, inplace=True),
    "elu_": lambda f, x: f.elu_(x, 0.5),
    "selu": lambda f, x: f.selu(x, inplace=True),
    "selu_": lambda f, x: f.selu_(x),
    "celu": lambda f, x: f.celu(x, inplace=True),
    "celu_": lambda f, x: f.celu_(x),
    "silu": lambda f, x: f.silu(x, inplace=True),
    "mish": lambda f, x: f.mish(x, inplace=True),
    "hardtanh": lambda f, x: f.hardtanh(x, inplace=True),
    "hardtanh_": lambda f, x: f.hardtanh_(x, -0.3, 0.3),
    "hardswish": lambda f, x: f.hardswish(x, inplace=True),
    "hardsigmoid": lambda f, x: f.hardsigmoid(x, inplace=True),
    "threshold": lambda f, x: f.threshold(x, 0.1, 1.0, inplace=True),
    "threshold_": lambda f, x: f.threshold_(x, 0.1, 1.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    x, t = pair(numbers())
    h, k = x * 1, t * 1
    y, u = IN_PLACE[name](F, h), IN_PLACE[name](theirs.nn.functional, k)
    assert y is h
    assert node(y) == node(u)
    close(y, u)
    (y * y).sum().backward()
    (u * u).sum().backward()
    close(x.grad, t.grad)
    with pytest.raises(RuntimeError, match="leaf"):
        IN_PLACE[name](F, x)


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 2, 3)])
def test_prelu(shape, count):
    data = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    x, t = pair(data)
    w, v = pair(np.linspace(0.1, 0.6, count).astype(np.float32))
    y, u = F.prelu(x, w), theirs.nn.functional.prelu(t, v)
    close(y, u)
    (y * y).sum().backward()
    (u * u).sum().backward()
    close(x.grad, t.grad)
    close(w.grad, v.grad)


def test_random_slopes_lie_in_their_range():
    x = -ours.ones(1000)
    y = F.rrelu(x, 0.1, 0.3, training=True)
    assert -0.3 <= y.min().item() < -0.29
    assert -0.11 < y.max().item() <= -0.1
    x.requires_grad_()
    y = F.rrelu(x, 0.1, 0.3, training=True)
    y.sum().backward()
    assert ours.allclose(x.grad, -y)


def test_without_a_dimension_softmax_warns_and_takes_torchs():
    for shape in ((4,), (4, 3), (2, 4, 3), (2, 4, 3, 2)):
        x, t = pair(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
        for name in ("softmax", "log_softmax", "softmin"):
            with pytest.warns(UserWarning, match="Implicit dimension choice"):
                u = getattr(theirs.nn.functional, name)(t)
            with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name} has been deprecated"):
                y = getattr(F, name)(x)
            close(y, u)
    assert F.softmax(x.detach(), 1, dtype=ours.float64).dtype is ours.float64


def test_gumbel_softmax_draws_the_classes_as_often_as_they_are_likely():
    ours.manual_seed(0)
    p = ours.tensor([0.1, 0.2, 0.7])
    drawn = F.gumbel_softmax(p.log().expand(20000, 3), tau=0.5, hard=True)
    assert drawn.sum(1).tolist() == [1.0] * 20000
    np.testing.assert_allclose(drawn.mean(0).numpy(), p.numpy(), atol=0.015)
    x = ours.zeros(4, 3, requires_grad=True)
    soft = F.gumbel_softmax(x, dim=0)
    assert node(soft) == "<SoftmaxBackward0"
    np.testing.assert_allclose(soft.sum(0).detach().numpy(), 1, rtol=1e-6)
    F.gumbel_softmax(x, hard=True)[:, 0].sum().backward()
    assert x.grad.abs().sum() > 0


MODULES = [
    lambda nn: nn.ReLU(), lambda nn: nn.ReLU(inplace=True), lambda nn: nn.ReLU6(), lambda nn: nn.ReLU6(True),
    lambda nn: nn.LeakyReLU(), lambda nn: nn.LeakyReLU(0.2, True), lambda nn: nn.PReLU(), lambda nn: nn.PReLU(6, 0.1),
    lambda nn: nn.RReLU().eval(), lambda nn: nn.RReLU(0.1, 0.2, True).eval(), lambda nn: nn.Threshold(0.1, 20),
    lambda nn: nn.Threshold(0.1, 20, True), lambda nn: nn.Hardtanh(), lambda nn: nn.Hardtanh(-2, 0.5, True),
    lambda nn: nn.Hardsigmoid(), lambda nn: nn.Hardsigmoid(True), lambda nn: nn.Hardswish(),
    lambda nn: nn.Hardswish(inplace=True), lambda nn: nn.Hardshrink(), lambda nn: nn.Hardshrink(1.5),
    lambda nn: nn.Softshrink(), lambda nn: nn.Softshrink(1), lambda nn: nn.Tanh(), lambda nn: nn.Sigmoid(),
    lambda nn: nn.LogSigmoid(), lambda nn: nn.Softsign(), lambda nn: nn.Tanhshrink(), lambda nn: nn.ELU(),
    lambda nn: nn.ELU(0.5, True), lambda nn: nn.CELU(), lambda nn: nn.CELU(0.5, True), lambda nn: nn.SELU(),
    lambda nn: nn.SELU(True), lambda nn: nn.SiLU(), lambda nn: nn.SiLU(True), lambda nn: nn.Mish(),
    lambda nn: nn.Mish(True), lambda nn: nn.GELU(), lambda nn: nn.GELU("tanh"), lambda nn: nn.Softplus(),
    lambda nn: nn.Softplus(2, 10), lambda nn: nn.GLU(), lambda nn: nn.GLU(1), lambda nn: nn.Softmax(1),
    lambda nn: nn.Softmax(dim=-1), lambda nn: nn.Softmin(1), lambda nn: nn.LogSoftmax(0), lambda nn: nn.Softmax2d(),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MODULES)))
def test_modules(number):
    module, reference = MODULES[number](our_nn), MODULES[number](theirs.nn)
    assert repr(module) == repr(reference)
    assert {n: tuple(v.shape) for n, v in module.state_dict().items()} == {
        n: tuple(v.shape) for n, v in reference.state_dict().items()
    }
    data = np.random.default_rng(2).standard_normal((2, 6, 4, 4)).astype(np.float32)
    x, t = pair(data)
    y, u = module(x * 1), reference(t * 1)
    close(y, u)
    (y * y).sum().backward()
    (u * u).sum().backward()
    close(x.grad, t.grad)
    for p, q in zip(module.parameters(), reference.parameters(), strict=True):
        close(p, q)
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), 1e-4, 1e-5)


BAD = {
    "glu of an odd size": lambda lib, f: f.glu(lib.ones(3)),
    "glu of a number": lambda lib, f: f.glu(lib.tensor(1.0)),
    "gelu of another name": lambda lib, f: f.gelu(lib.ones(3), approximate="erf"),
    "softshrink of a negative width": lambda lib, f: f.softshrink(lib.ones(3), -1.0),
    "rrelu upside down": lambda lib, f: f.rrelu(lib.ones(3), 0.5, 0.1, training=True),
    "prelu of other channels": lambda lib, f: f.prelu(lib.ones(2, 3), lib.ones(4)),
    "prelu of other dtypes": lambda lib, f: f.prelu(lib.ones(2, 3).double(), lib.ones(1)),
    "hardtanh upside down": lambda lib, f: lib.nn.Hardtanh(1, -1),
    "softmax of integers": lambda lib, f: f.softmax(lib.ones(3).long(), 0),
    "softmax over no dimension": lambda lib, f: f.softmax(lib.ones(3), 2),
    "celu of 0": lambda lib, f: f.celu(lib.ones(3), 0.0),
    "softmax2d of a matrix": lambda lib, f: lib.nn.Softmax2d()(lib.ones(3, 3)),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name):
    def refusal(lib, f):
        try:
            BAD[name](lib, f)
        except Exception as error:
            return error
        return None

    mine, other = refusal(ours, F), refusal(theirs, theirs.nn.functional)
    assert other is not None
    assert mine is not None
    expected = ValueError if isinstance(other, AssertionError) else type(other)
    assert isinstance(mine, expected), f"{mine!r} is no {other!r}"
