"""Every optimizer beside its published formula, written out in NumPy; and what all of them share."""

import copy
import doctest
import importlib
import itertools
import random

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn, optim
from nanograd.kernels.kernel import KERNELS

SHAPES = ((3, 2), (4,), (), (0, 3))


# The formulas: p, a list of gradients and options give the last p


def with_decay(g, p, weight_decay=0.0, maximize=False, **_):
    return (-g if maximize else g) + weight_decay * p


def sgd(p, gradients, lr=0.1, momentum=0.0, dampening=0.0, nesterov=False, **options):
    buf = None
    for g in gradients:
        g = with_decay(g, p, **options)
        if momentum:
            buf = g if buf is None else momentum * buf + (1 - dampening) * g
            g = g + momentum * buf if nesterov else buf
        p = p - lr * g
    return p


def adam(p, gradients, lr=0.1, betas=(0.9, 0.999), eps=1e-8, amsgrad=False, decoupled_weight_decay=False, **options):
    m = v = top = 0.0
    for t, g in enumerate(gradients, 1):
        if decoupled_weight_decay:
            p, g = p - lr * options.get("weight_decay", 0) * p, with_decay(g, p, 0, options.get("maximize", False))
        else:
            g = with_decay(g, p, **options)
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        top = np.maximum(top, v)
        corrected = (top if amsgrad else v) / (1 - betas[1] ** t)
        p = p - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(corrected) + eps)
    return p


def adamw(p, gradients, weight_decay=0.01, **options):
    return adam(p, gradients, weight_decay=weight_decay, decoupled_weight_decay=True, **options)


def rmsprop(p, gradients, lr=0.1, alpha=0.99, eps=1e-8, momentum=0.0, centered=False, **options):
    v = mean = buf = 0.0
    for g in gradients:
        g = with_decay(g, p, **options)
        v = alpha * v + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        direction = g / (np.sqrt(v - mean**2 if centered else v) + eps)
        buf = momentum * buf + direction
        p = p - lr * buf
    return p


def adagrad(p, gradients, lr=0.1, lr_decay=0.0, initial_accumulator_value=0.0, eps=1e-10, **options):
    total = initial_accumulator_value
    for t, g in enumerate(gradients, 1):
        g = with_decay(g, p, **options)
        total = total + g**2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(total) + eps)
    return p


def adadelta(p, gradients, lr=0.1, rho=0.9, eps=1e-6, **options):
    v = u = 0.0
    for g in gradients:
        g = with_decay(g, p, **options)
        v = rho * v + (1 - rho) * g**2
        d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d**2
        p = p - lr * d
    return p


def adamax(p, gradients, lr=0.1, betas=(0.9, 0.999), eps=1e-8, **options):
    m = u = 0.0
    for t, g in enumerate(gradients, 1):
        g = with_decay(g, p, **options)
        m = betas[0] * m + (1 - betas[0]) * g
        u = np.maximum(betas[1] * u, np.abs(g) + eps)
        p = p - lr / (1 - betas[0] ** t) * m / u
    return p


def nadam(p, gradients, lr=0.1, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3, **options):
    decoupled = options.pop("decoupled_weight_decay", False)
    m = v = 0.0
    product = 1.0
    for t, g in enumerate(gradients, 1):
        if decoupled:
            p, g = p - lr * options["weight_decay"] * p, with_decay(g, p, 0, options.get("maximize", False))
        else:
            g = with_decay(g, p, **options)
        mu, following = (betas[0] * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
        product *= mu
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        ahead = following * m / (1 - product * following) + (1 - mu) * g / (1 - product)
        p = p - lr * ahead / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def radam(p, gradients, lr=0.1, betas=(0.9, 0.999), eps=1e-8, decoupled_weight_decay=False, **options):
    m = v = 0.0
    longest = 2 / (1 - betas[1]) - 1
    for t, g in enumerate(gradients, 1):
        if decoupled_weight_decay:
            p, g = p - lr * options["weight_decay"] * p, with_decay(g, p, 0, options.get("maximize", False))
        else:
            g = with_decay(g, p, **options)
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        step = m / (1 - betas[0] ** t)
        length = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        if length > 5:
            top, bottom = (length - 4) * (length - 2) * longest, (longest - 4) * (longest - 2) * length
            step = step * np.sqrt(top / bottom) * np.sqrt(1 - betas[1] ** t) / (np.sqrt(v) + eps)
        p = p - lr * step
    return p


def asgd(p, gradients, lr=0.1, lambd=1e-4, alpha=0.75, **options):
    eta = lr
    for t, g in enumerate(gradients, 1):
        g = with_decay(g, p, **options)
        p = p * (1 - lambd * eta) - eta * g
        eta = lr / (1 + lambd * lr * t) ** alpha
    return p


def rprop(p, gradients, lr=0.1, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
    size, before = np.full_like(p, lr), np.zeros_like(p)
    p = p.copy()
    for g in gradients:
        g = np.array(-g if maximize else g)
        for i in np.ndindex(p.shape):
            if g[i] * before[i] > 0:
                size[i] = min(size[i] * etas[1], step_sizes[1])
            elif g[i] * before[i] < 0:
                size[i] = max(size[i] * etas[0], step_sizes[0])
                g[i] = 0
            p[i] -= size[i] * np.sign(g[i])
        before = g
    return p


FORMULAS = {
    "SGD": (sgd, [{}, {"weight_decay": 0.1}, {"momentum": 0.9, "dampening": 0.5}, {"momentum": 0.9, "nesterov": True}]),
    "Adam": (
        adam,
        [
            {},
            {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1},
            {"amsgrad": True},
            {"decoupled_weight_decay": True, "weight_decay": 0.1},
        ],
    ),
    "AdamW": (adamw, [{}, {"weight_decay": 0.1, "amsgrad": True}]),
    "RMSprop": (
        rmsprop,
        [
            dict(zip(("momentum", "centered", "weight_decay", "alpha"), values, strict=True))
            for values in itertools.product((0, 0.9), (False, True), (0, 0.1), (0.5,))
        ],
    ),
    "Adagrad": (adagrad, [{}, {"lr_decay": 0.1, "weight_decay": 0.1}, {"initial_accumulator_value": 2.0, "eps": 0.1}]),
    "Adadelta": (adadelta, [{}, {"rho": 0.5, "eps": 1e-3, "weight_decay": 0.1}]),
    "Adamax": (adamax, [{}, {"betas": (0.5, 0.6), "eps": 0.1, "weight_decay": 0.1}]),
    "NAdam": (nadam, [{}, {"betas": (0.5, 0.9), "weight_decay": 0.1, "momentum_decay": 0.3}]),
    "RAdam": (radam, [{}, {"betas": (0.5, 0.9), "weight_decay": 0.1}, {"betas": (0.9, 0.99), "eps": 1e-2}]),
    "ASGD": (asgd, [{}, {"lambd": 0.5, "alpha": 1.0, "weight_decay": 0.1}]),
    "Rprop": (rprop, [{}, {"etas": (0.3, 1.5), "step_sizes": (0.05, 0.2)}]),
}
CASES = [(name, options) for name, (_, every) in FORMULAS.items() for options in every]
CASES += [("NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.2})]
CASES += [("RAdam", {"decoupled_weight_decay": True, "weight_decay": 0.2})]
EXACT = {"NAdam": 1e-5, "ASGD": 1e-5}  # as torch, they keep some numbers in float32


def draw(seed, dtype=np.float64, steps=12):
    rng = np.random.default_rng(seed)
    start = [np.array(rng.standard_normal(shape), dtype) for shape in SHAPES]
    return start, [[np.array(rng.standard_normal(shape), dtype) for shape in SHAPES] for _ in range(steps)]


def make(name, tensors, **options):
    return getattr(optim, name)(tensors, **{"lr": 0.1, **options})


def train(optimizer, tensors, gradients):
    for step in gradients:
        for p, g in zip(tensors, step, strict=True):
            p.grad = torch.from_numpy(g.copy())
        assert optimizer.step() is None


def leaves(arrays):
    return [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]


@pytest.mark.parametrize("upwards", [False, True])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_steps_are_the_formula(name, options, upwards):
    options = {**options, "maximize": True} if upwards else options
    start, gradients = draw(len(name))
    tensors = leaves(start)
    train(make(name, tensors, **options), tensors, gradients)
    for i, p in enumerate(tensors):
        expected = FORMULAS[name][0](start[i], [step[i] for step in gradients], **{"lr": 0.1, **options})
        np.testing.assert_allclose(p.detach().numpy(), expected, rtol=EXACT.get(name, 1e-9), atol=1e-12)
        assert p.shape == start[i].shape


def test_asgd_averages_from_step_t0():
    p = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    optimizer = optim.ASGD([p], lr=0.1, lambd=0.0, t0=2)
    values, average = [], []
    for g in (1.0, -2.0, 3.0, 0.5, 0.5):
        p.grad = torch.tensor([g]).double()
        optimizer.step()
        values.append(p.item())
        average.append(optimizer.state[p]["ax"].item())
    assert average[:3] == pytest.approx(values[:3])
    assert average[3] == pytest.approx(values[3])  # mu of step 4 was set after step 3: 1 / max(1, 3 - 2)
    assert average[4] == pytest.approx((values[3] + values[4]) / 2)


@pytest.mark.parametrize("name", FORMULAS)
def test_parameters_of_one_group_go_their_own_ways(name):
    """Together or in optimizers of their own, whichever has a gradient when."""
    start, gradients = draw(5)
    together, apart = leaves(start), leaves(start)
    one, many = make(name, together), [make(name, [p]) for p in apart]
    for t, step in enumerate(gradients):
        for i, g in enumerate(step):
            given = t % (i + 1) == 0
            together[i].grad = torch.from_numpy(g.copy()) if given else None
            apart[i].grad = torch.from_numpy(g.copy()) if given else None
        one.step()
        for optimizer in many:
            optimizer.step()
    for p, q, optimizer in zip(together, apart, many, strict=True):
        assert torch.equal(p, q)
        for key, value in one.state[p].items():
            assert torch.equal(value, optimizer.state[q][key])


@pytest.mark.parametrize("name", list(FORMULAS))
def test_loops_and_references_agree_for_every_layout_and_dtype(name):
    """float32 and a non-contiguous parameter against float64; float16 computes in float32."""
    start, gradients = draw(1, steps=5)
    exact = leaves(start)
    train(make(name, exact), exact, gradients)
    for dtype, tolerance in ((np.float32, 1e-4), (np.float16, 3e-2)):
        tensors = leaves([a.astype(dtype) for a in start])
        tensors[0] = torch.from_numpy(start[0].astype(dtype).T.copy()).t().detach().requires_grad_()
        assert not tensors[0].is_contiguous()
        memory = [p.data_ptr() for p in tensors]
        train(make(name, tensors), tensors, [[g.astype(dtype) for g in step] for step in gradients])
        for p, q, address in zip(tensors, exact, memory, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=tolerance, atol=tolerance)
            assert p.data_ptr() == address
            assert p.is_leaf
            assert p.requires_grad


@pytest.mark.parametrize("name", [n for n, k in KERNELS.items() if n.startswith("update.") and n != "update.put"])
def test_each_compiled_update_is_its_reference(name):
    kernel = KERNELS[name]
    rng = np.random.default_rng(3)
    code = kernel.reference.formula.__code__
    numbers = tuple(rng.uniform(0.1, 0.9, code.co_kwonlyargcount).tolist())
    given = [np.abs(rng.standard_normal((4, 5))) for _ in range(code.co_argcount)]
    mine, theirs = [a.copy() for a in given], [a.copy() for a in given]
    kernel(*mine, numbers)
    kernel.reference(*theirs, numbers)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert (mine[1] == given[1]).all()  # the gradient stays


@pytest.mark.parametrize("name", FORMULAS)
def test_training_resumes_bit_for_bit(name):
    for seed in range(3):
        start, gradients = draw(seed, np.float32, 9)
        for options in FORMULAS[name][1]:
            whole, first = leaves(start), leaves(start)
            train(make(name, whole, **options), whole, gradients)
            optimizer = make(name, first, **options)
            train(optimizer, first, gradients[:4])
            saved = copy.deepcopy(optimizer.state_dict())
            second = [p.detach().clone().requires_grad_() for p in first]
            resumed = make(name, second, **options)
            resumed.load_state_dict(saved)
            train(resumed, second, gradients[4:])
            for p, q in zip(whole, second, strict=True):
                assert torch.equal(p, q)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_copy_of_an_optimizer_goes_its_own_way(name):
    start, gradients = draw(0, steps=4)
    tensors = leaves(start)
    optimizer = make(name, tensors)
    train(optimizer, tensors, gradients[:2])
    before = [p.detach().clone() for p in tensors]
    other = copy.deepcopy(optimizer)
    train(other, other.param_groups[0]["params"], gradients[2:])
    for p, q in zip(tensors, before, strict=True):
        assert torch.equal(p, q)
    train(optimizer, tensors, gradients[2:])
    for p, q in zip(tensors, other.param_groups[0]["params"], strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_tensor_is_a_learning_rate_too(name):
    start, gradients = draw(0, steps=3)
    plain, tensors = leaves(start), leaves(start)
    train(make(name, plain), plain, gradients)
    rate = torch.tensor(0.1, dtype=torch.float64)
    optimizer = make(name, tensors, lr=rate)
    train(optimizer, tensors, gradients)
    assert optimizer.param_groups[0]["lr"] is rate
    for p, q in zip(plain, tensors, strict=True):
        assert torch.equal(p, q)
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        make(name, tensors, lr=torch.ones(2))


@pytest.mark.parametrize("name", FORMULAS)
def test_a_gradient_of_another_shape_is_refused_and_nothing_is_written(name):
    """``p.data = ...`` can change the shape under a gradient or a state."""
    p = torch.ones(3, requires_grad=True)
    optimizer = make(name, [p])
    p.grad = torch.ones(3)
    p.data = torch.full((300,), 7.0)
    with pytest.raises(ValueError, match=r"parameter of shape \(300,\) has a gradient of shape \(3,\).*zero_grad"):
        optimizer.step()
    assert bool((p == 7).all())
    state = {k for k, v in optimizer.state[p].items() if v.ndim}
    if state:
        p.grad = torch.ones(300)
        optimizer.state[p] = {k: torch.ones(3) if v.ndim else v for k, v in optimizer.state[p].items()}
        with pytest.raises(ValueError, match=r"has a state \(.*\) of shape \(3,\).*another model"):
            optimizer.step()


@pytest.mark.parametrize("name", [*FORMULAS, "LBFGS"])
def test_frozen_and_unused_parameters_are_left_alone(name):
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2), nn.Linear(3, 1))
    net[0].requires_grad_(False)
    before = [p.detach().clone() for p in net.parameters()]
    optimizer = make(name, net.parameters())

    def closure():
        optimizer.zero_grad()
        loss = (net[2](torch.ones(1, 3)) ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    changed = [not torch.equal(p, q) for p, q in zip(net.parameters(), before, strict=True)]
    assert changed == [False, False, False, False, True, True]


@pytest.mark.parametrize("name", [*FORMULAS, "LBFGS"])
def test_each_finds_the_bottom_of_a_bowl(name):
    goal = torch.tensor([1.0, -2.0])
    p = torch.zeros(2, requires_grad=True)
    optimizer = getattr(optim, name)([p], lr=1.0 if name in ("LBFGS", "Adadelta", "Adagrad") else 0.05)

    def closure():
        optimizer.zero_grad()
        loss = ((p - goal) ** 2).sum()
        loss.backward()
        return loss

    first = closure().item()
    for _ in range(600 if name == "Adadelta" else 300):
        optimizer.step(closure)
    assert closure().item() < first / 100


def test_random_settings_stay_finite_and_print_every_option():
    rng = random.Random(0)
    for name, (_, every) in FORMULAS.items():
        for _ in range(5):
            options = rng.choice(every)
            tensors = leaves(draw(rng.randrange(99), np.float32)[0])
            optimizer = make(name, tensors, **options)
            train(optimizer, tensors, draw(rng.randrange(99), np.float32)[1])
            assert all(bool(p.isfinite().all()) for p in tensors)
            for option, value in options.items():
                assert f"    {option}: {value}\n" in repr(optimizer)


MODULES = (
    "adadelta adagrad adam adamax asgd composed cycles decays lbfgs line_search lr_scheduler nadam optimizer plateau "
    "radam rmsprop rprop schedule sgd"
)


@pytest.mark.parametrize("name", MODULES.split())
def test_examples_of_the_documentation(name):
    module = importlib.import_module(f"nanograd.optim.{name}")
    assert not doctest.testmod(module, extraglobs={"torch": torch}).failed
