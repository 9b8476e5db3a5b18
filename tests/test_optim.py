"""Optimizers and schedules against their formulas in NumPy; groups, state, and what is refused."""

import copy
import doctest
import importlib
import math
import warnings

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn, optim
from nanograd.optim import lr_scheduler


def parameter(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def descend(make, steps=6, seed=0):
    """The parameter after each step, with gradients drawn beforehand; and those gradients."""
    rng = np.random.default_rng(seed)
    p = torch.from_numpy(rng.standard_normal((3, 2))).requires_grad_()
    gradients = rng.standard_normal((steps, 3, 2))
    optimizer = make([p])
    path = [p.detach().numpy().copy()]
    for g in gradients:
        p.grad = torch.from_numpy(g.copy())
        assert optimizer.step() is None
        path.append(p.detach().numpy().copy())
    return path, gradients


def sgd(path, gradients, lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    p, buf = path[0], None
    for g in gradients:
        g = (-g if maximize else g) + weight_decay * p
        if momentum:
            buf = g if buf is None else momentum * buf + (1 - dampening) * g
            g = g + momentum * buf if nesterov else buf
        p = p - lr * g
    return p


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True},
        {"maximize": True},
    ],
)
def test_sgd_is_its_formula(options):
    path, gradients = descend(lambda p: optim.SGD(p, lr=0.1, **options))
    np.testing.assert_allclose(path[-1], sgd(path, gradients, **options), rtol=1e-12)


def adam(
    path,
    gradients,
    lr=0.1,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    amsgrad=False,
    maximize=False,
    decoupled=False,
):
    p, m, v, top = path[0], 0.0, 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        g = -g if maximize else g
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        top = np.maximum(top, v)
        corrected = (top if amsgrad else v) / (1 - betas[1] ** t)
        p = p - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(corrected) + eps)
    return p


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"betas": (0.5, 0.9), "eps": 1e-3},
        {"weight_decay": 0.1},
        {"amsgrad": True},
        {"maximize": True, "weight_decay": 0.1},
    ],
)
@pytest.mark.parametrize("decoupled", [False, True])
def test_adam_and_adamw_are_their_formula(options, decoupled):
    options = {"weight_decay": 0.01, **options} if decoupled else options
    kind = optim.AdamW if decoupled else optim.Adam
    path, gradients = descend(lambda p: kind(p, lr=0.1, **options))
    np.testing.assert_allclose(path[-1], adam(path, gradients, decoupled=decoupled, **options), rtol=1e-10)


def test_parameters_of_one_group_count_their_own_steps():
    a, b = parameter(1.0), parameter(1.0)
    optimizer = optim.Adam([a, b], lr=0.1)
    for _ in range(3):
        a.grad = torch.ones(1).double()
        optimizer.step()
    b.grad = torch.ones(1).double()
    optimizer.step()
    assert (optimizer.state[a]["step"], optimizer.state[b]["step"]) == (4, 1)
    assert b.item() == pytest.approx(0.9)  # the first step of Adam is lr, whatever the gradient
    assert a.item() == pytest.approx(0.6)


def test_adamw_is_adam_with_decoupled_decay():
    a, _ = descend(lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.1))
    b, _ = descend(lambda p: optim.Adam(p, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True))
    np.testing.assert_array_equal(a[-1], b[-1])
    assert optim.AdamW([parameter(1.0)]).param_groups[0]["weight_decay"] == 0.01


def test_float32_and_non_contiguous_parameters_are_written_in_place():
    base = torch.zeros(4, 3)
    for kind in (optim.SGD, optim.Adam):
        for p in (torch.ones(3, requires_grad=True), nn.Parameter(base.T)):
            memory = p.data_ptr()
            p.grad = torch.ones(p.shape)
            kind([p], lr=0.5).step()
            assert p.data_ptr() == memory
            assert p.dtype is torch.float32
            assert p.requires_grad
            assert p.is_leaf
    assert bool((base != 0).all())


def test_each_group_has_its_own_options_and_a_rate_may_change_between_steps():
    a, b = parameter(1.0), parameter(1.0)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 1.0}], lr=0.1)
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 1.0]
    a.grad, b.grad = torch.ones(1).double(), torch.ones(1).double()
    optimizer.step()
    np.testing.assert_allclose([a.item(), b.item()], [0.9, 0.0], atol=1e-15)
    optimizer.param_groups[0]["lr"] = torch.tensor(0.5)
    optimizer.step()
    np.testing.assert_allclose([a.item(), b.item()], [0.4, -1.0])
    c = parameter(1.0)
    optimizer.add_param_group({"params": [c]})
    assert optimizer.param_groups[2]["lr"] == 0.1


def test_parameters_without_a_gradient_are_left_alone():
    a, b = parameter(1.0), parameter(1.0)
    for kind in (optim.SGD, optim.Adam, lambda p: optim.SGD(p, momentum=0.9)):
        optimizer = kind([a, b])
        a.grad = torch.ones(1).double()
        optimizer.step()
        assert b.item() == 1
        assert b not in optimizer.state


def test_zero_grad_takes_gradients_away_or_makes_them_zero():
    a = parameter(1.0)
    optimizer = optim.SGD([a])
    (a * a).backward()
    optimizer.zero_grad(set_to_none=False)
    assert a.grad.item() == 0
    optimizer.zero_grad()
    assert a.grad is None


def test_a_closure_is_recorded_and_its_loss_returned():
    a = parameter(3.0)
    optimizer = optim.SGD([a], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (a * a).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 9
    assert a.item() == pytest.approx(2.4)


def test_a_step_between_forward_and_backward_is_noticed():
    a = parameter(2.0)
    y = a * a
    a.grad = torch.ones(1).double()
    optim.SGD([a], lr=0.1).step()
    with pytest.raises(RuntimeError, match="written in place"):
        y.backward()


# Refusals


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: optim.SGD(p, lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda p: optim.SGD(p, lr=math.nan), ValueError, "Invalid learning rate: nan"),
        (lambda p: optim.SGD(p, momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda p: optim.SGD(p, weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda p: optim.SGD(p, nesterov=True), ValueError, "Nesterov momentum requires a momentum"),
        (lambda p: optim.SGD(p, momentum=0.9, dampening=0.1, nesterov=True), ValueError, "zero dampening"),
        (lambda p: optim.Adam(p, lr=-0.5), ValueError, "Invalid learning rate: -0.5"),
        (lambda p: optim.Adam(p, eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda p: optim.Adam(p, betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda p: optim.AdamW(p, betas=(0.9, -1)), ValueError, "Invalid beta parameter at index 1: -1"),
        (lambda p: optim.Adam(p, weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda p: optim.Adam(p, differentiable=True), NotImplementedError, "differentiable=True"),
        (lambda p: optim.SGD([]), ValueError, "empty parameter list"),
        (lambda p: optim.SGD(p[0]), TypeError, "should be an iterable of Tensors or dicts"),
        (lambda p: optim.SGD(nn.Linear(1, 1).parameters), TypeError, r"call it, model.parameters\(\)"),
        (lambda p: optim.SGD({"params": p}), TypeError, "put it in a list"),
        (lambda p: optim.SGD(["w"]), TypeError, "can only optimize Tensors, but one of the params is str"),
        (lambda p: optim.SGD([p[0] * 2]), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda p: optim.SGD([{"params": p}, {"params": p}]), ValueError, "more than one parameter group"),
        (lambda p: optim.SGD([{"params": set(p)}]), TypeError, "ordered collections"),
        (lambda p: optim.SGD(p).add_param_group(p), TypeError, "param_group must be a dict"),
        (lambda p: optim.Adm, AttributeError, "Did you mean 'Adam'"),
    ],
)
def test_wrong_arguments_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make([parameter(1.0)])


def test_a_used_up_generator_is_named():
    parameters = nn.Linear(1, 1).parameters()
    list(parameters)
    with pytest.raises(ValueError, match="used up"):
        optim.SGD(parameters)


def test_a_parameter_given_twice_is_warned_about():
    p = parameter(1.0)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])


# State


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
        lambda p: optim.AdamW(p, lr=0.1),
    ],
)
def test_training_continues_exactly_from_a_loaded_state(make):
    def train(optimizer, p, gradients):
        for g in gradients:
            p.grad = torch.from_numpy(g.copy())
            optimizer.step()

    gradients = np.random.default_rng(0).standard_normal((6, 2))
    whole = parameter(1.0, 2.0)
    train(make([whole]), whole, gradients)
    first = parameter(1.0, 2.0)
    optimizer = make([first])
    train(optimizer, first, gradients[:3])
    state = copy.deepcopy(optimizer.state_dict())
    second = first.detach().clone().requires_grad_()
    resumed = make([second])
    resumed.load_state_dict(state)
    train(resumed, second, gradients[3:])
    assert torch.equal(second, whole)
    for values in state["state"].values():  # the loaded state is a copy
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                assert not torch.equal(value, resumed.state[second][name])


def test_the_layout_of_the_state_is_torchs():
    a, b, c = parameter(1.0), parameter(2.0), parameter(3.0)
    optimizer = optim.Adam([{"params": [a, b]}, {"params": [c], "lr": 1.0}])
    a.grad = torch.ones(1).double()
    optimizer.step()
    state = optimizer.state_dict()
    assert list(state) == ["state", "param_groups"]
    assert [g["params"] for g in state["param_groups"]] == [[0, 1], [2]]
    assert list(state["param_groups"][0])[-1] == "params"
    assert list(state["state"]) == [0]
    assert list(state["state"][0]) == ["step", "exp_avg", "exp_avg_sq"]
    assert state["state"][0]["step"] == 1


def test_a_loaded_state_takes_the_dtype_of_its_parameter_and_counts_as_a_number():
    p = parameter(1.0)
    optimizer = optim.Adam([p])
    saved = {"step": torch.tensor(5.0), "exp_avg": torch.ones(1), "exp_avg_sq": torch.ones(1)}
    optimizer.load_state_dict({"state": {0: saved}, "param_groups": [{"lr": 0.5, "params": [0]}]})
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)
    assert optimizer.state[p]["exp_avg"].dtype is torch.float64
    assert optimizer.state[p]["step"] == 5
    p.grad = torch.ones(1).double()
    optimizer.step()
    assert optimizer.state[p]["step"] == 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["param_groups"].append({"params": []}), "different number of parameter groups"),
        (lambda s: s["param_groups"][0]["params"].append(1), "doesn't match the size"),
        (lambda s: s.pop("state"), "what an optimizer's state_dict"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change, words):
    optimizer = optim.SGD([parameter(1.0)])
    state = optimizer.state_dict()
    change(state)
    with pytest.raises(ValueError, match=words):
        optimizer.load_state_dict(state)


def test_named_parameters_are_accepted_and_groups_print_as_torchs():
    net = nn.Linear(1, 1)
    optimizer = optim.SGD(net.named_parameters(), lr=0.5)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][0] is net.weight
    assert repr(optim.SGD(net.parameters(), lr=0.5)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.5\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )


def test_an_optimizer_of_your_own_overrides_update_or_step():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, group):
            with torch.no_grad():
                for p in group["params"]:
                    p -= group["lr"] * p.grad.sign()

    p = parameter(1.0)
    p.grad = torch.tensor([7.0]).double()
    Signs([p], lr=0.25).step()
    assert p.item() == 0.75
    with pytest.raises(NotImplementedError, match=r"define update\(group\)"):
        optim.Optimizer([p], {}).step()


# Schedules


def rates(make, steps, lr=1.0):
    p = parameter(1.0)
    p.grad = torch.zeros(1).double()
    optimizer = optim.SGD([p], lr=lr)
    schedule = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        assert schedule.get_last_lr() == [found[-1]]
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda o: lr_scheduler.StepLR(o, 3, gamma=0.5), lambda t: 0.5 ** (t // 3)),
        (lambda o: lr_scheduler.MultiStepLR(o, [2, 5, 5], gamma=0.1), lambda t: 0.1 ** ((t >= 2) + 2 * (t >= 5))),
        (lambda o: lr_scheduler.ExponentialLR(o, 0.9), lambda t: 0.9**t),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 4, 0.1), lambda t: 0.1 + 0.45 * (1 + math.cos(math.pi * t / 4))),
        (lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t)),
    ],
)
def test_schedules_are_their_formulas(make, formula):
    np.testing.assert_allclose(rates(make, 10), [formula(t) for t in range(10)], rtol=1e-12)


def test_a_plateau_lowers_the_rate_after_patience():
    p = parameter(1.0)
    optimizer = optim.SGD([p], lr=1.0)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5, min_lr=0.3, cooldown=1)
    seen = []
    for value in [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0]:
        schedule.step(torch.tensor(value))
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3]
    up = lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", threshold=0.5, threshold_mode="abs")
    assert up.is_better(2.6, 2.0)
    assert not up.is_better(2.4, 2.0)
    for wrong in ({"factor": 1.0}, {"mode": "up"}, {"threshold_mode": "x"}):
        with pytest.raises(ValueError, match=r"Factor|unknown"):
            lr_scheduler.ReduceLROnPlateau(optimizer, **wrong)


def test_a_schedule_continues_from_a_saved_state():
    def start():
        optimizer = optim.SGD([parameter(1.0)], lr=1.0)
        return optimizer, lr_scheduler.StepLR(optimizer, 2)

    optimizer, schedule = start()
    for _ in range(3):
        optimizer.step()
        schedule.step()
    states = copy.deepcopy((optimizer.state_dict(), schedule.state_dict()))
    optimizer.step()
    schedule.step()
    other, resumed = start()
    other.load_state_dict(states[0])
    resumed.load_state_dict(states[1])
    other.step()
    resumed.step()
    assert resumed.get_last_lr() == schedule.get_last_lr() == [pytest.approx(0.01)]


def test_wrong_uses_of_schedules():
    optimizer = optim.SGD([parameter(1.0)], lr=1.0)
    with pytest.raises(TypeError, match="is not an Optimizer"):
        lr_scheduler.StepLR(nn.Linear(1, 1), 3)
    with pytest.raises(ValueError, match="Expected 1 lr_lambdas, but got 2"):
        lr_scheduler.LambdaLR(optimizer, [abs, abs])
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(optimizer, 3, last_epoch=5)
    schedule = lr_scheduler.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()


@pytest.mark.parametrize("name", ["sgd", "adam", "optimizer", "lr_scheduler"])
def test_examples_of_the_documentation(name):
    module = importlib.import_module(f"nanograd.optim.{name}")
    assert not doctest.testmod(module, extraglobs={"torch": torch}).failed
