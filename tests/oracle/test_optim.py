"""Optimizers and schedules beside torch: several steps with the same gradients, the same state, the same words."""

import copy
import inspect
import random
import warnings

import numpy as np
import pytest

import nanograd as ours
from nanograd import optim as our_optim

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")


def settings(rng):
    """For each optimizer, options drawn at random."""

    def pick(*choices):
        return rng.choice(choices)

    def between(low, high):
        return rng.uniform(low, high)

    def betas():
        return (between(0.5, 0.95), between(0.9, 0.999))

    decay, upwards, flag = pick(0, 0.1), pick(False, True), pick(False, True)
    momentum = pick(0, 0.9)
    nesterov = bool(momentum) and flag
    return {
        "SGD": {
            "lr": between(0.01, 0.1), "momentum": momentum, "dampening": 0 if nesterov else pick(0, 0.3),
            "weight_decay": decay, "nesterov": nesterov, "maximize": upwards,
        },
        "Adam": {
            "lr": between(0.01, 0.1), "betas": betas(), "eps": pick(1e-8, 1e-4), "weight_decay": decay,
            "amsgrad": flag, "maximize": upwards, "decoupled_weight_decay": pick(False, True),
        },
        "AdamW": {"lr": between(0.01, 0.1), "weight_decay": pick(0.01, 0.3), "amsgrad": flag, "maximize": upwards},
        "RMSprop": {
            "lr": between(0.001, 0.01), "alpha": between(0.5, 0.99), "eps": pick(1e-8, 1e-4), "weight_decay": decay,
            "momentum": momentum, "centered": flag, "maximize": upwards,
        },
        "Adagrad": {
            "lr": between(0.01, 0.1), "lr_decay": pick(0, 0.1), "weight_decay": decay,
            "initial_accumulator_value": pick(0, 0.5), "eps": pick(1e-10, 1e-4), "maximize": upwards,
        },
        "Adadelta": {
            "lr": between(0.1, 1), "rho": between(0.5, 0.99), "eps": pick(1e-6, 1e-3), "weight_decay": decay,
            "maximize": upwards,
        },
        "Adamax": {
            "lr": between(0.001, 0.1), "betas": betas(), "eps": pick(1e-8, 1e-4), "weight_decay": decay,
            "maximize": upwards,
        },
        "NAdam": {
            "lr": between(0.001, 0.1), "betas": betas(), "eps": pick(1e-8, 1e-4), "weight_decay": decay,
            "momentum_decay": pick(4e-3, 0.1), "decoupled_weight_decay": flag, "maximize": upwards,
        },
        "RAdam": {
            "lr": between(0.001, 0.1), "betas": betas(), "eps": pick(1e-8, 1e-4), "weight_decay": decay,
            "decoupled_weight_decay": flag, "maximize": upwards,
        },
        "ASGD": {
            "lr": between(0.01, 0.1), "lambd": pick(1e-4, 0.1), "alpha": between(0.5, 1), "t0": pick(1e6, 5),
            "weight_decay": decay, "maximize": upwards,
        },
        "Rprop": {
            "lr": between(0.01, 0.1), "etas": (between(0.3, 0.8), between(1.1, 1.5)),
            "step_sizes": pick((1e-6, 50), (0.01, 0.05)), "maximize": upwards,
        },
    }  # fmt: skip


NAMES = list(settings(random.Random(0)))
SHAPES = ((3, 2), (4,), (), (0, 3), (2, 3, 4))
TOLERANCE = {np.float32: {"rtol": 1e-3, "atol": 1e-5}, np.float64: {"rtol": 1e-6, "atol": 1e-8}}


def trial(name, seed):
    """(an optimizer of ours, its tensors, torch's, its tensors, a generator of gradients, the dtype)"""
    rng = random.Random(seed)
    options, dtype = settings(rng)[name], rng.choice((np.float32, np.float64))
    draw = np.random.default_rng(seed)
    data = [np.array(draw.standard_normal(shape), dtype) for shape in SHAPES]
    mine = [ours.from_numpy(d.copy()).requires_grad_() for d in data]
    other = [theirs.from_numpy(d.copy()).requires_grad_() for d in data]
    return (
        getattr(our_optim, name)(mine, **options),
        mine,
        getattr(theirs.optim, name)(other, **options),
        other,
        draw,
        dtype,
    )


def advance(a, mine, b, other, draw, dtype, steps):
    """The same random gradients for both; now and then a parameter has none."""
    for _ in range(steps):
        for p, q in zip(mine, other, strict=True):
            p.grad = q.grad = None
            if draw.random() < 0.9:
                g = np.array(draw.standard_normal(tuple(q.shape)), dtype)
                p.grad, q.grad = ours.from_numpy(g.copy()), theirs.from_numpy(g.copy())
        a.step()
        b.step()


def assert_close(mine, other, dtype):
    for p, q in zip(mine, other, strict=True):
        assert str(p.dtype) == str(q.dtype)
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), **TOLERANCE[dtype])


@pytest.mark.parametrize("name", NAMES)
def test_twenty_steps_agree_for_random_settings(name):
    for seed in range(25):
        a, mine, b, other, draw, dtype = trial(name, seed)
        assert repr(a) == repr(b)
        for _ in range(4):
            advance(a, mine, b, other, draw, dtype, 5)
            assert_close(mine, other, dtype)
        assert_same_state(a.state_dict(), b.state_dict(), dtype)


def assert_same_state(s, t, dtype):
    assert s["param_groups"] == t["param_groups"]
    assert [list(group) for group in s["param_groups"]] == [list(group) for group in t["param_groups"]]
    assert list(s["state"]) == list(t["state"])
    for values, others in zip(s["state"].values(), t["state"].values(), strict=True):
        assert list(values) == list(others)
        for key, value in values.items():
            assert str(value.dtype) == str(others[key].dtype)
            assert tuple(value.shape) == tuple(others[key].shape)
            np.testing.assert_allclose(value.numpy(), others[key].numpy(), **TOLERANCE[dtype])


def translated(state, kind, make):
    """A state with the tensors of one library turned into those of the other."""
    if isinstance(state, kind):
        return make(np.array(state.detach().numpy()))
    if isinstance(state, dict):
        return {k: translated(v, kind, make) for k, v in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(translated(v, kind, make) for v in state)
    return copy.deepcopy(state)


@pytest.mark.parametrize("name", NAMES)
def test_states_move_both_ways_and_training_goes_on(name):
    for seed in range(6):
        a, mine, b, other, draw, dtype = trial(name, seed)
        advance(a, mine, b, other, draw, dtype, 5)
        from_torch = translated(b.state_dict(), theirs.Tensor, ours.from_numpy)
        to_torch = translated(a.state_dict(), ours.Tensor, theirs.from_numpy)
        a.load_state_dict(from_torch)
        b.load_state_dict(to_torch)
        advance(a, mine, b, other, draw, dtype, 5)
        assert_close(mine, other, dtype)


@pytest.mark.parametrize("name", NAMES)
def test_constructors_have_torchs_arguments_and_defaults(name):
    mine, other = (inspect.signature(getattr(o, name).__init__).parameters for o in (our_optim, theirs.optim))
    assert [(p.name, p.kind, p.default) for p in mine.values()] == [(p.name, p.kind, p.default) for p in other.values()]


def losses(library, kind, w, b, x, y):
    if kind == "bowl":
        return ((x @ w + b - y) ** 2).mean()
    if kind == "quartic":
        return ((x @ w + b - y) ** 2).mean() + 0.1 * (w**4).sum()
    return 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2 + (w[2:] ** 2).sum() + b**2


def minimize(library, seed, kind, steps, **options):
    rng = np.random.default_rng(seed)
    x, y, w, b = (library.from_numpy(np.array(rng.standard_normal(shape))) for shape in ((6, 4), (6,), (4,), ()))
    w.requires_grad_()
    b.requires_grad_()
    optimizer = library.optim.LBFGS([w, b], **options)
    found = []

    def closure():
        optimizer.zero_grad()
        loss = losses(library, kind, w, b, x, y)
        loss.backward()
        found.append(loss.item())
        return loss

    returned = [optimizer.step(closure).item() for _ in range(steps)]
    return found, returned, np.append(w.detach().numpy(), b.detach().numpy()), optimizer


@pytest.mark.parametrize("kind", ["bowl", "quartic", "valley"])
@pytest.mark.parametrize(
    "options",
    [
        {"lr": 0.01, "max_iter": 5},  # longer, and the last digit grows to the fourth
        {"line_search_fn": "strong_wolfe"},
        {"lr": 0.1, "max_iter": 5, "line_search_fn": "strong_wolfe"},
        {"lr": 0.5, "history_size": 2, "max_iter": 6, "line_search_fn": "strong_wolfe"},
        {"max_eval": 3, "line_search_fn": "strong_wolfe"},
        {"max_eval": 1, "line_search_fn": "strong_wolfe"},
    ],
)
def test_lbfgs_asks_for_the_same_losses(options, kind):
    for seed in range(5):
        mine, other = (minimize(library, seed, kind, 3, **options) for library in (ours, theirs))
        assert len(mine[0]) == len(other[0])
        np.testing.assert_allclose(mine[0], other[0], rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(mine[2], other[2], rtol=1e-4, atol=1e-7)
        assert repr(mine[3]) == repr(other[3])
        s, t = mine[3].state_dict(), other[3].state_dict()
        assert s["param_groups"] == t["param_groups"]
        assert set(s["state"][0]) == set(t["state"][0])
        for values, library, kind_ in ((s, theirs, ours.Tensor), (t, ours, theirs.Tensor)):
            fresh = library.optim.LBFGS([library.zeros(4, dtype=library.float64), library.zeros(())], **options)
            fresh.load_state_dict(translated(values, kind_, library.from_numpy))
            assert len(fresh.state_dict()["state"][0]["old_dirs"]) == len(s["state"][0]["old_dirs"])


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
    "StepLR": lambda s, o, r: s.StepLR(o, r.randint(1, 5), r.uniform(0.1, 0.9)),
    "MultiStepLR": lambda s, o, r: s.MultiStepLR(o, [2, 5, 5, 7, 12], r.uniform(0.1, 0.9)),
    "ConstantLR": lambda s, o, r: s.ConstantLR(o, r.uniform(0.1, 1), r.randint(0, 9)),
    "LinearLR": lambda s, o, r: s.LinearLR(o, r.uniform(0.1, 1), r.uniform(0.1, 1), r.randint(1, 9)),
    "ExponentialLR": lambda s, o, r: s.ExponentialLR(o, r.uniform(0.1, 1)),
    "PolynomialLR": lambda s, o, r: s.PolynomialLR(o, r.randint(1, 40), r.uniform(0.5, 2)),
    "CosineAnnealingLR": lambda s, o, r: s.CosineAnnealingLR(o, r.randint(1, 20), r.uniform(0, 0.1)),
    "CosineAnnealingWarmRestarts": lambda s, o, r: s.CosineAnnealingWarmRestarts(
        o, r.randint(1, 6), r.randint(1, 3), r.uniform(0, 0.1)
    ),
    "LambdaLR": lambda s, o, r: s.LambdaLR(o, [lambda t: 0.9**t, lambda t: 1 / (t + 1)]),
    "MultiplicativeLR": lambda s, o, r: s.MultiplicativeLR(o, lambda t: 1 - 0.1 / (t + 1)),
    "CyclicLR": lambda s, o, r: s.CyclicLR(
        o,
        0.1,
        [1.0, 2.0],
        r.randint(1, 6),
        r.choice([None, 3]),
        r.choice(["triangular", "triangular2", "exp_range"]),
        gamma=0.9,
        cycle_momentum=r.choice([True, False]),
    ),
    "CyclicLR, scaled": lambda s, o, r: s.CyclicLR(
        o, 0.1, 1.0, 4, scale_fn=lambda x: 1 / (1 + x), scale_mode=r.choice(["cycle", "iterations"])
    ),
    "OneCycleLR": lambda s, o, r: s.OneCycleLR(
        o,
        [1.0, 3.0],
        total_steps=31,
        pct_start=r.uniform(0.1, 0.4),
        anneal_strategy=r.choice(["cos", "linear"]),
        cycle_momentum=r.choice([True, False]),
        three_phase=r.choice([True, False]),
        div_factor=r.uniform(2, 30),
    ),
    "SequentialLR": lambda s, o, r: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 5), s.CosineAnnealingLR(o, 12, 0.01), s.ExponentialLR(o, 0.9)], [6, 17]
    ),
    "SequentialLR of a chain": lambda s, o, r: s.SequentialLR(
        o,
        [
            s.ChainedScheduler([s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)]),
            s.StepLR(o, 2, 0.5),
            s.MultiplicativeLR(o, lambda t: 0.9),
        ],
        [4, 9],
    ),
    "ChainedScheduler": lambda s, o, r: s.ChainedScheduler(
        [s.ConstantLR(o, 0.2, 4), s.ExponentialLR(o, 0.9), s.CosineAnnealingLR(o, 7, 0.05)]
    ),
    "ChainedScheduler given its optimizer": lambda s, o, r: s.ChainedScheduler(
        [s.PolynomialLR(o, 9, 2.0), s.StepLR(o, 3, 0.5), s.LinearLR(o)], o
    ),
}


def scheduled(library, name, seed, steps=30):
    """(rates and momenta of both groups at each step, the state, the printed optimizer)"""
    with warnings.catch_warnings():  # torch warns of a chain in a sequence
        warnings.simplefilter("ignore", UserWarning)
        return _scheduled(library, name, seed, steps)


def _scheduled(library, name, seed, steps):
    groups = [
        {"params": [library.zeros(1, requires_grad=True)]},
        {"params": [library.zeros(1, requires_grad=True)], "lr": 2.0},
    ]
    optimizer = library.optim.SGD(groups, 0.5, 0.9) if seed % 3 else library.optim.Adam(groups, 0.5)
    schedule = SCHEDULES[name](library.optim.lr_scheduler, optimizer, random.Random(seed))
    seen = []
    for step in range(steps):
        groups = optimizer.param_groups
        seen.append([x for g in groups for x in (g["lr"], g.get("momentum", 0), g.get("betas", (0,))[0])])
        assert schedule.get_last_lr() == [group["lr"] for group in groups]
        optimizer.step()
        if step == 20 and seed % 4 == 3 and "Sequential" not in name and "Chain" not in name:
            schedule.step(9)
        else:
            schedule.step()
    return seen, schedule.state_dict(), repr(optimizer)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_agree_for_random_settings(name):
    for seed in range(12):
        mine, other = (scheduled(library, name, seed) for library in (ours, theirs))
        np.testing.assert_allclose(mine[0], other[0], rtol=1e-9, atol=1e-12)
        assert mine[1] == other[1]
        assert mine[2] == other[2]


@pytest.mark.parametrize("name", our_optim.lr_scheduler.__all__)
def test_schedules_have_torchs_arguments_and_defaults(name):
    mine, other = (inspect.signature(getattr(library.optim.lr_scheduler, name)) for library in (ours, theirs))
    assert [(p.name, p.default) for p in mine.parameters.values()] == [
        (p.name, p.default) for p in other.parameters.values()
    ]


def test_the_public_names_are_torchs():
    missing = set(theirs.optim.lr_scheduler.__all__) - set(our_optim.lr_scheduler.__all__)
    assert not missing


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
        found.append((rates, schedule.state_dict()))
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
        lambda t, p: t.optim.Adam(p, lr=t.tensor([1.0, 2.0])),
        lambda t, p: t.optim.Adam(p, lr=t.tensor(1.0), foreach=True),
        lambda t, p: t.optim.Adam(p, betas=(0.5, t.tensor(0.5))),
        lambda t, p: t.optim.RMSprop(p, alpha=-1.0),
        lambda t, p: t.optim.RMSprop(p, momentum=-1.0),
        lambda t, p: t.optim.Adagrad(p, lr_decay=-1.0),
        lambda t, p: t.optim.Adagrad(p, initial_accumulator_value=-1.0),
        lambda t, p: t.optim.Adadelta(p, rho=2.0),
        lambda t, p: t.optim.NAdam(p, momentum_decay=-1.0),
        lambda t, p: t.optim.Rprop(p, etas=(2.0, 1.0)),
        lambda t, p: t.optim.LBFGS([{"params": p}, {"params": [t.zeros(1)]}]),
        lambda t, p: t.optim.SGD([("a", p[0]), t.zeros(1)]),
        lambda t, p: t.optim.SGD([("a", p[0])]).add_param_group({"params": [t.zeros(1)]}),
        lambda t, p: t.optim.SGD([{"params": set(p)}]),
        lambda t, p: t.optim.SGD(p).add_param_group(p),
        lambda t, p: t.optim.lr_scheduler.StepLR(3, 1),
        lambda t, p: t.optim.lr_scheduler.LinearLR(t.optim.SGD(p), 0.0),
        lambda t, p: t.optim.lr_scheduler.LinearLR(t.optim.SGD(p), 1.0, 2.0),
        lambda t, p: t.optim.lr_scheduler.ConstantLR(t.optim.SGD(p), 2.0),
        lambda t, p: t.optim.lr_scheduler.LambdaLR(t.optim.SGD(p), [abs, abs]),
        lambda t, p: t.optim.lr_scheduler.MultiplicativeLR(t.optim.SGD(p), 3),
        lambda t, p: t.optim.lr_scheduler.CyclicLR(t.optim.SGD(p), 0.1, 1.0, mode="x"),
        lambda t, p: t.optim.lr_scheduler.CyclicLR(t.optim.Rprop(p), 0.1, 1.0),
        lambda t, p: t.optim.lr_scheduler.OneCycleLR(t.optim.SGD(p), 0.1),
        lambda t, p: t.optim.lr_scheduler.OneCycleLR(t.optim.SGD(p), 0.1, total_steps=-1),
        lambda t, p: t.optim.lr_scheduler.OneCycleLR(t.optim.SGD(p), 0.1, total_steps=5, pct_start=3.0),
        lambda t, p: t.optim.lr_scheduler.OneCycleLR(t.optim.SGD(p), 0.1, total_steps=5, anneal_strategy="x"),
        lambda t, p: t.optim.lr_scheduler.CosineAnnealingWarmRestarts(t.optim.SGD(p), 0),
        lambda t, p: t.optim.lr_scheduler.ReduceLROnPlateau(t.optim.SGD(p), factor=2.0),
        lambda t, p: t.optim.lr_scheduler.ReduceLROnPlateau(t.optim.SGD(p), mode="x"),
        lambda t, p: t.optim.lr_scheduler.ReduceLROnPlateau(t.optim.SGD(p), min_lr=[1, 2]),
        lambda t, p: t.optim.lr_scheduler.SequentialLR(t.optim.SGD(p), [], []),
        lambda t, p: t.optim.lr_scheduler.ChainedScheduler([]),
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


def test_averaged_training_agrees():
    start = theirs.nn.Linear(3, 2)
    data = np.random.default_rng(0).standard_normal((10, 5, 3)).astype(np.float32)
    found = []
    for library in (ours, theirs):
        model = library.nn.Linear(3, 2)
        model.load_state_dict({k: library.from_numpy(v.numpy().copy()) for k, v in start.state_dict().items()})
        swa = library.optim.swa_utils
        averages = [swa.AveragedModel(model), swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(0.8))]
        optimizer = library.optim.SGD(model.parameters(), lr=0.1)
        schedule, seen = swa.SWALR(optimizer, 0.03, 5), []
        for x in data:
            optimizer.zero_grad()
            (model(library.from_numpy(x.copy())) ** 2).mean().backward()
            optimizer.step()
            schedule.step()
            seen += schedule.get_last_lr()
            for averaged in averages:
                averaged.update_parameters(model)
        for averaged in averages:
            seen += [x for v in averaged.state_dict().values() for x in v.reshape(-1).tolist()]
        found.append((seen, [list(averaged.state_dict()) for averaged in averages]))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-4, atol=1e-6)
    assert found[0][1] == found[1][1]
