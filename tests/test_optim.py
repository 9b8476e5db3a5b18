"""Groups of parameters, hooks, state, and what optimizers refuse; LBFGS.  (The formulas: test_optim_formulas.py.)"""

import copy
import math
import pickle

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn, optim


def parameter(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


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
    held = a.grad
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is held
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
        (lambda p: optim.SGD(nn.Linear(1, 1)), TypeError, r"the module Linear: give it module.parameters\(\)"),
        (lambda p: optim.SGD(3), TypeError, "is not iterable: it is a int"),
        (lambda p: optim.SGD(nn.Sequential(nn.Tanh())), TypeError, r"one of the params is Tanh: .*parameters\(\)"),
        (lambda p: optim.SGD([{"lr": 1.0}]), KeyError, "a group needs its parameters"),
        (lambda p: optim.SGD([("a", p[0]), torch.zeros(1)]), ValueError, "Some param names are missing"),
        (lambda p: optim.SGD(p, differentiable=True, fused=True), RuntimeError, "`fused` does not support"),
        (lambda p: optim.SGD(p, foreach=True, fused=True), RuntimeError, "cannot be `True` together"),
        (lambda p: optim.Adam(p, lr=torch.tensor(0.1), foreach=True), ValueError, "lr as a Tensor is not supported"),
        (lambda p: optim.Adam(p, betas=(0.9, torch.tensor(0.9))), ValueError, "both floats or both Tensors"),
        (lambda p: optim.Adam(p, betas=(torch.ones(2) / 2, torch.tensor(0.9))), ValueError, "ambiguous|1-element"),
        (lambda p: optim.RMSprop(p, alpha=-1), ValueError, "Invalid alpha value: -1"),
        (lambda p: optim.RMSprop(p, momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda p: optim.Adagrad(p, lr_decay=-1), ValueError, "Invalid lr_decay value: -1"),
        (lambda p: optim.Adagrad(p, initial_accumulator_value=-1), ValueError, "initial_accumulator_value value: -1"),
        (lambda p: optim.Adadelta(p, rho=1.5), ValueError, "Invalid rho value: 1.5"),
        (lambda p: optim.Adamax(p, betas=(0.9, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
        (lambda p: optim.NAdam(p, momentum_decay=-1), ValueError, "Invalid momentum_decay value: -1"),
        (lambda p: optim.RAdam(p, eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda p: optim.ASGD(p, weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (lambda p: optim.Rprop(p, etas=(0.5, 0.9)), ValueError, "Invalid eta values: 0.5, 0.9"),
        (lambda p: optim.LBFGS([{"params": p}, {"params": [torch.zeros(1)]}]), ValueError, "parameter groups"),
        (lambda p: optim.LBFGS(p, line_search_fn="armijo"), RuntimeError, "only 'strong_wolfe' is supported"),
        (lambda p: optim.LBFGS(p).step(), TypeError, "missing 1 required positional argument: 'closure'"),
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
    with pytest.warns(UserWarning, match="duplicate parameters") as caught:
        optim.SGD([p, p])
    assert caught[0].filename == __file__


# State


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


def test_the_groups_given_are_the_groups_of_the_optimizer():
    """As in torch, so that a program can change an option through its own dict."""
    group = {"params": [parameter(1.0)]}
    optimizer = optim.SGD([group], lr=0.5)
    assert optimizer.param_groups[0] is group
    assert group["lr"] == 0.5


def test_names_stay_with_groups_and_states():
    net = nn.Linear(1, 1)
    optimizer = optim.Adam(net.named_parameters())
    with pytest.raises(ValueError, match="cannot add param group without names"):
        optimizer.add_param_group({"params": [parameter(1.0)]})
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["param_names"] == ["weight", "bias"]
    other = optim.Adam(net.parameters())
    other.load_state_dict(saved)
    assert other.param_groups[0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="cannot add param group with names"):
        optim.Adam([parameter(1.0)]).add_param_group({"params": [("p", parameter(1.0))]})


def test_state_begins_with_the_first_step_except_adagrads():
    p = parameter(1.0)
    assert not optim.Adam([p]).state
    fresh = optim.Adagrad([p], initial_accumulator_value=2).state_dict()["state"]
    assert fresh[0]["sum"].tolist() == [2.0]
    assert fresh[0]["step"].dtype is torch.float32


def test_the_amsgrad_of_a_running_adam_can_be_switched_on():
    p = parameter(1.0)
    optimizer = optim.Adam([p])
    for amsgrad in (False, True):
        optimizer.param_groups[0]["amsgrad"] = amsgrad
        p.grad = torch.ones(1).double()
        optimizer.step()
    assert "max_exp_avg_sq" in optimizer.state[p]
    assert optimizer.state[p]["step"] == 2


def test_hooks_stand_around_steps_and_states():
    p = parameter(1.0)
    p.grad = torch.ones(1).double()
    optimizer = optim.SGD([p], lr=0.25)
    seen = []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", o is optimizer, p.item())))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", args, kwargs, p.item())))
    optimizer.step()
    assert seen == [("before", True, 1.0), ("after", (), {}, 0.75)]
    before.remove()
    optimizer.step()
    assert [s[0] for s in seen] == ["before", "after", "after"]
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "mine": 1})
    optimizer.register_state_dict_post_hook(lambda o, state: seen.append(sorted(state)), prepend=True)
    saved = optimizer.state_dict()
    assert seen[3:] == ["pre", ["param_groups", "state"]]
    assert saved["mine"] == 1
    optimizer.register_load_state_dict_pre_hook(lambda o, state: state.update(mine=2))
    optimizer.register_load_state_dict_pre_hook(
        lambda o, state: {**state, "param_groups": [{**state["param_groups"][0], "lr": 7.0}]}
    )
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(saved)
    assert seen[-1] == 7.0
    assert saved["mine"] == 1  # the hook was given a copy


def test_a_hook_before_a_step_may_change_its_arguments():
    p = parameter(1.0)
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        p.grad = torch.ones(1).double()
        return 5.0

    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((closure,), {}))
    assert optimizer.step() == 5.0
    assert p.item() == pytest.approx(0.9)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        optimizer.step()


def test_a_step_of_your_own_runs_the_hooks_once_also_through_super():
    class Loud(optim.SGD):
        def step(self, closure=None):
            seen.append("mine")
            return super().step(closure)

    seen, p = [], parameter(1.0)
    p.grad = torch.ones(1).double()
    optimizer = Loud([p], lr=0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("hook"))
    optimizer.step()
    assert seen == ["hook", "mine"]
    assert p.item() == 0.5


def test_an_option_may_be_required_of_every_group():
    from nanograd.optim.optimizer import required

    class Mine(optim.Optimizer):
        def __init__(self, params, lr=required):
            super().__init__(params, {"lr": lr})

    assert Mine([{"params": [parameter(1.0)], "lr": 2.0}]).param_groups[0]["lr"] == 2
    with pytest.raises(ValueError, match="didn't specify a value of required optimization parameter lr"):
        Mine([parameter(1.0)])


def test_a_failing_closure_leaves_the_optimizer_usable():
    p = parameter(1.0)
    optimizer = optim.SGD([p], lr=0.5)
    seen = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(1))
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    p.grad = torch.ones(1).double()
    optimizer.step()
    assert seen == [1, 1]
    assert p.item() == 0.5


def test_optimizers_can_be_pickled():
    p = parameter(1.0)
    p.grad = torch.ones(1).double()
    optimizer = optim.Adam([p])
    optimizer.step()
    other = pickle.loads(pickle.dumps(optimizer))
    (q,) = other.param_groups[0]["params"]
    assert torch.equal(p, q)
    assert torch.equal(other.state[q]["exp_avg"], optimizer.state[p]["exp_avg"])
    other.step()


def test_a_loaded_state_is_a_copy():
    p = parameter(1.0)
    optimizer = optim.Adam([p])
    p.grad = torch.ones(1).double()
    optimizer.step()
    saved = optimizer.state_dict()
    other = optim.Adam([p])
    other.load_state_dict(saved)
    other.step()
    assert saved["state"][0]["step"] == 1
    assert saved["state"][0]["exp_avg"].item() == pytest.approx(0.1)
    assert other.state[p]["exp_avg"].item() == pytest.approx(0.19)


def test_a_state_with_plain_numbers_or_beside_the_parameters_is_kept():
    p = parameter(1.0)
    optimizer = optim.Adam([p])
    p.grad = torch.ones(1).double()
    optimizer.step()
    saved = copy.deepcopy(optimizer.state_dict())
    saved["state"][0]["step"] = 3  # older files hold a number
    saved["state"]["note"] = {"seen": 1}
    optimizer.load_state_dict(saved)
    assert optimizer.state[p]["step"].shape == ()
    assert optimizer.state[p]["step"] == 3
    assert optimizer.state_dict()["state"]["note"] == {"seen": 1}


# LBFGS


WOLFE = {"max_iter": 100, "line_search_fn": "strong_wolfe"}


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def minimize(f, start, steps=1, **options):
    p = parameter(*start)
    optimizer = optim.LBFGS([p], **options)
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = f(p)
        loss.backward()
        calls.append(loss.item())
        return loss

    first = [optimizer.step(closure).item() for _ in range(steps)]
    return p, optimizer, calls, first


def test_lbfgs_finds_the_valley_of_rosenbrock():
    p, optimizer, calls, first = minimize(rosenbrock, (-1.2, 1.0), 3, tolerance_change=1e-15, **WOLFE)
    np.testing.assert_allclose(p.tolist(), [1, 1], rtol=1e-6)
    assert first[0] == pytest.approx(24.2)  # the loss before the step is returned
    assert len(calls) < 100
    assert optimizer.state[p]["func_evals"] == len(calls)


def test_lbfgs_solves_a_quadratic_in_as_many_steps_as_dimensions():
    """With exact line searches, L-BFGS on a quadratic is the conjugate gradient method; strong Wolfe comes near."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((5, 5))
    a = torch.from_numpy(a @ a.T + np.eye(5))
    b = torch.from_numpy(rng.standard_normal(5))
    p, *_ = minimize(lambda x: 0.5 * x @ (a @ x) - b @ x, np.zeros(5), max_iter=25, line_search_fn="strong_wolfe")
    np.testing.assert_allclose(p.detach().numpy(), np.linalg.solve(a.numpy(), b.numpy()), rtol=1e-4, atol=1e-6)


def test_the_points_that_the_line_search_takes_satisfy_the_wolfe_conditions():
    from nanograd.optim.line_search import Point, strong_wolfe

    for seed in range(20):
        weights = np.random.default_rng(seed).standard_normal(6)

        def f(t, weights=weights):
            powers = np.array([t, t**2, np.sin(3 * t), np.cos(5 * t), t**4 / 9, 1.0])
            slopes = np.array([1, 2 * t, 3 * np.cos(3 * t), -5 * np.sin(5 * t), 4 * t**3 / 9, 0])
            scale = np.array([1, 1, 0.5, 0.5, 1, 1]) * np.where(np.arange(6) == 4, np.abs(weights), weights)
            sign = -1 if scale @ np.array([1, 0, 3, 0, 0, 0]) > 0 else 1  # so that it falls at 0
            scale = np.where(np.arange(6) == 4, np.abs(scale), scale * np.array([sign, 1, sign, 1, 1, 1]))
            return Point(t, float(scale @ powers), torch.zeros(1), float(scale @ slopes))

        start = f(0.0)
        found, tried = strong_wolfe(f, start, 1.0, 1.0, 25)
        assert start.slope < 0
        assert tried <= 26
        assert found.loss <= start.loss + 1e-4 * found.t * start.slope
        assert abs(found.slope) <= 0.9 * abs(start.slope)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_asks_no_more_often_than_it_may(search):
    for most in (0, 1, 2, 5):
        _, _, calls, _ = minimize(rosenbrock, (-1.2, 1.0), lr=1e-3, max_eval=most, line_search_fn=search)
        assert len(calls) <= max(most, 1) + 1
    _, _, calls, _ = minimize(rosenbrock, (1.0, 1.0))
    assert len(calls) == 1  # no gradient: nothing to do


def test_lbfgs_survives_nan_and_a_rate_of_zero():
    p, _, calls, _ = minimize(lambda x: (x * math.nan).sum(), (1.0, 2.0), line_search_fn="strong_wolfe")
    assert len(calls) <= 60
    p, _, calls, _ = minimize(rosenbrock, (-1.2, 1.0), lr=0, line_search_fn="strong_wolfe")
    assert len(calls) <= 60
    assert p.tolist() == [-1.2, 1.0]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_resumes_bit_for_bit(search):
    options = {"lr": 0.01, "max_iter": 4, "history_size": 3, "line_search_fn": search}
    whole, *_ = minimize(rosenbrock, (-1.2, 1.0), 6, **options)
    half, optimizer, *_ = minimize(rosenbrock, (-1.2, 1.0), 3, **options)
    saved = copy.deepcopy(optimizer.state_dict())
    p = half.detach().clone().requires_grad_()
    resumed = optim.LBFGS([p], **options)
    resumed.load_state_dict(saved)

    def closure():
        resumed.zero_grad()
        loss = rosenbrock(p)
        loss.backward()
        return loss

    for _ in range(3):
        resumed.step(closure)
    assert torch.equal(p, whole)


def test_lbfgs_remembers_so_many_steps_and_no_more():
    for history in (1, 3):
        p, optimizer, *_ = minimize(rosenbrock, (-1.2, 1.0), history_size=history, line_search_fn="strong_wolfe")
        state = optimizer.state[p]
        assert [len(state[name]) for name in ("old_dirs", "old_stps", "ro", "al")] == [history] * 4
