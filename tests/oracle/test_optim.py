"""Optimizers and schedules beside torch: several steps with the same gradients, the same state, the same words."""

import copy

import numpy as np
import pytest

import nanograd as ours
from nanograd import optim as our_optim

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")

OPTIMIZERS = {
    "SGD": lambda o, p: o.SGD(p, lr=0.1),
    "SGD with decay": lambda o, p: o.SGD(p, lr=0.1, weight_decay=0.1),
    "SGD with momentum": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9),
    "SGD damped": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01),
    "SGD Nesterov": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "SGD upwards": lambda o, p: o.SGD(p, lr=0.1, momentum=0.9, maximize=True, weight_decay=0.01),
    "Adam": lambda o, p: o.Adam(p, lr=0.1),
    "Adam with options": lambda o, p: o.Adam(p, lr=0.1, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.1),
    "Adam amsgrad": lambda o, p: o.Adam(p, lr=0.1, amsgrad=True),
    "Adam upwards": lambda o, p: o.Adam(p, lr=0.1, maximize=True, amsgrad=True, weight_decay=0.01),
    "AdamW": lambda o, p: o.AdamW(p, lr=0.1),
    "AdamW with options": lambda o, p: o.AdamW(p, lr=0.1, weight_decay=0.3, amsgrad=True, maximize=True),
}


def parameters(seed=0):
    rng = np.random.default_rng(seed)
    data = [rng.standard_normal(shape).astype(np.float32) for shape in ((3, 2), (4,), ())]
    return (
        [ours.from_numpy(np.array(d)).requires_grad_() for d in data],
        [theirs.from_numpy(np.array(d)).requires_grad_() for d in data],
    )


def gradients(steps, seed=1):
    rng = np.random.default_rng(seed)
    return [[rng.standard_normal(shape).astype(np.float32) for shape in ((3, 2), (4,), ())] for _ in range(steps)]


def step(optimizer, tensors, grads, from_numpy):
    for p, g in zip(tensors, grads, strict=True):
        p.grad = from_numpy(np.array(g))
    optimizer.step()


def assert_equal(mine, other):
    for p, q in zip(mine, other, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_many_steps_agree(name):
    mine, other = parameters()
    a, b = OPTIMIZERS[name](our_optim, mine), OPTIMIZERS[name](theirs.optim, other)
    for grads in gradients(10):
        step(a, mine, grads, ours.from_numpy)
        step(b, other, grads, theirs.from_numpy)
        assert_equal(mine, other)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_printed_forms_and_states_have_torchs_layout(name):
    mine, other = parameters()
    a, b = OPTIMIZERS[name](our_optim, mine), OPTIMIZERS[name](theirs.optim, other)
    assert repr(a) == repr(b)
    for grads in gradients(2):
        step(a, mine, grads, ours.from_numpy)
        step(b, other, grads, theirs.from_numpy)
    s, t = a.state_dict(), b.state_dict()
    assert s["param_groups"] == t["param_groups"]
    assert list(s["state"]) == list(t["state"])
    for values, others in zip(s["state"].values(), t["state"].values(), strict=True):
        assert set(values) == set(others)
        for key, value in values.items():
            np.testing.assert_allclose(np.asarray(value), others[key].numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_of_torchs_continues_here(name):
    mine, other = parameters()
    a, b = OPTIMIZERS[name](our_optim, mine), OPTIMIZERS[name](theirs.optim, other)
    first, second = gradients(3), gradients(3, seed=2)
    for grads in first:
        step(b, other, grads, theirs.from_numpy)
    state = copy.deepcopy(b.state_dict())
    for values in state["state"].values():
        for key, value in values.items():
            if isinstance(value, theirs.Tensor):
                values[key] = ours.from_numpy(np.array(value.numpy()))
    with ours.no_grad():
        for p, q in zip(mine, other, strict=True):
            p.copy_(ours.from_numpy(q.detach().numpy().copy()))
    a.load_state_dict(state)
    for grads in second:
        step(a, mine, grads, ours.from_numpy)
        step(b, other, grads, theirs.from_numpy)
    assert_equal(mine, other)


def test_training_a_network_agrees_step_by_step():
    theirs.manual_seed(0)

    def network(nn):
        return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 10))

    reference, net = network(theirs.nn), network(ours.nn)
    net.load_state_dict({k: ours.from_numpy(v.numpy().copy()) for k, v in reference.state_dict().items()})
    a = our_optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    b = theirs.optim.SGD(reference.parameters(), lr=0.1, momentum=0.9)
    rng = np.random.default_rng(0)
    for _ in range(8):
        x, t = rng.standard_normal((16, 1, 8, 8)).astype(np.float32), rng.integers(0, 10, 16)
        losses = []
        for library, model, optimizer in ((ours, net, a), (theirs, reference, b)):
            optimizer.zero_grad()
            loss = library.nn.CrossEntropyLoss()(model(library.from_numpy(x)), library.from_numpy(t))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for p, q in zip(net.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-4, atol=1e-5)


SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 7], 0.3),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 6, 0.01),
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda t: 0.9**t, lambda t: 1 / (t + 1)]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_agree(name):
    found = []
    for library in (ours, theirs):
        groups = [
            {"params": [library.zeros(1, requires_grad=True)]},
            {"params": [library.zeros(1, requires_grad=True)]},
        ]
        groups[1]["lr"] = 2.0
        optimizer = library.optim.SGD(groups, lr=0.5)
        schedule = SCHEDULES[name](library.optim.lr_scheduler, optimizer)
        rates = []
        for _ in range(15):
            rates.append([g["lr"] for g in optimizer.param_groups])
            optimizer.step()
            schedule.step()
        found.append(rates)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"patience": 1, "cooldown": 2}, {"mode": "max", "threshold_mode": "abs"}])
def test_plateaus_agree(options):
    values = [3, 2, 2.5, 2.2, 2.1, 2.0, 1.99999, 1.9, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    found = []
    for library in (ours, theirs):
        optimizer = library.optim.SGD([library.zeros(1, requires_grad=True)], lr=1.0)
        schedule = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **{"patience": 3, **options})
        rates = []
        for value in values:
            schedule.step(value)
            rates.append(optimizer.param_groups[0]["lr"])
        found.append(rates)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "act",
    [
        lambda t, p: t.optim.SGD(p, lr=-1.0),
        lambda t, p: t.optim.SGD(p, momentum=-1.0),
        lambda t, p: t.optim.SGD(p, weight_decay=-1.0),
        lambda t, p: t.optim.SGD(p, nesterov=True),
        lambda t, p: t.optim.Adam(p, lr=-1.0),
        lambda t, p: t.optim.Adam(p, eps=-1.0),
        lambda t, p: t.optim.Adam(p, betas=(1.5, 0.9)),
        lambda t, p: t.optim.Adam(p, betas=(0.5, -0.9)),
        lambda t, p: t.optim.AdamW(p, weight_decay=-1.0),
        lambda t, p: t.optim.SGD([]),
        lambda t, p: t.optim.SGD(p[0]),
        lambda t, p: t.optim.SGD(["x"]),
        lambda t, p: t.optim.SGD([p[0] * 2]),
        lambda t, p: t.optim.SGD([{"params": p}, {"params": p}]),
        lambda t, p: t.optim.SGD(p).load_state_dict({"state": {}, "param_groups": []}),
        lambda t, p: t.optim.SGD(p).load_state_dict({"state": {}, "param_groups": [{"params": []}]}),
    ],
)
def test_refusals_begin_with_torchs_words(act):
    texts = []
    for library in (ours, theirs):
        with pytest.raises((ValueError, TypeError)) as error:
            act(library, [library.zeros(1, requires_grad=True)])
        texts.append((error.type, str(error.value)))
    assert texts[0][0] is texts[1][0]
    start = texts[1][1].split(" torch.")[0][:60]
    assert texts[0][1].startswith(start)
