"""Learning-rate schedules against their formulas, as functions of the number of steps."""

import copy
import math
import warnings

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn, optim
from nanograd.optim import lr_scheduler as schedules


def start(lr=1.0, kind=optim.SGD, groups=1, **options):
    tensors = [torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(groups)]
    return kind([{"params": [p]} for p in tensors], lr=lr, **options)


def rates(make, steps, lr=1.0, **options):
    optimizer = start(lr, **options)
    schedule = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        assert schedule.get_last_lr() == [found[-1]]
        optimizer.step()
        schedule.step()
    return found


def restarts(t, first, factor):
    """(steps since the last restart, length of this period)"""
    length = first
    while t >= length:
        t, length = t - length, length * factor
    return t, length


def triangle(t, up, down):
    t = t % (up + down)
    return t / up if t <= up else 1 - (t - up) / down


def cosine(a, b, share):
    return b + (a - b) / 2 * (1 + math.cos(math.pi * share))


def one_cycle(t, total=20, rise=0.25):
    end = rise * total - 1
    if t <= end:
        return cosine(1 / 25, 1, t / end)
    return cosine(1, 1 / 25 / 1e4, (t - end) / (total - 1 - end))


def three_phases(t, total=20, rise=0.25):
    first, second = rise * total - 1, 2 * rise * total - 2
    if t <= first:
        return 1 / 25 + (1 - 1 / 25) * t / first
    if t <= second:
        return 1 - (1 - 1 / 25) * (t - first) / (second - first)
    return 1 / 25 + (1 / 25e4 - 1 / 25) * (t - second) / (total - 1 - second)


FORMULAS = {
    "StepLR": (lambda o: schedules.StepLR(o, 3, gamma=0.5), lambda t: 0.5 ** (t // 3)),
    "MultiStepLR": (
        lambda o: schedules.MultiStepLR(o, [2, 5, 5], gamma=0.1),
        lambda t: 0.1 ** ((t >= 2) + 2 * (t >= 5)),
    ),
    "ExponentialLR": (lambda o: schedules.ExponentialLR(o, 0.9), lambda t: 0.9**t),
    "ConstantLR": (lambda o: schedules.ConstantLR(o, 0.25, 4), lambda t: 0.25 if t < 4 else 1.0),
    "ConstantLR of 0": (lambda o: schedules.ConstantLR(o, 0, 4), lambda t: 0.0 if t < 4 else 1.0),
    "LinearLR": (lambda o: schedules.LinearLR(o, 0.2, 0.8, 6), lambda t: 0.2 + 0.6 * min(t, 6) / 6),
    "PolynomialLR": (lambda o: schedules.PolynomialLR(o, 8, 2.0), lambda t: (1 - min(t, 8) / 8) ** 2),
    "CosineAnnealingLR": (
        lambda o: schedules.CosineAnnealingLR(o, 4, 0.1),
        lambda t: cosine(1.0, 0.1, t / 4),
    ),
    "CosineAnnealingWarmRestarts": (
        lambda o: schedules.CosineAnnealingWarmRestarts(o, 3, 2, 0.1),
        lambda t: cosine(1.0, 0.1, restarts(t, 3, 2)[0] / restarts(t, 3, 2)[1]),
    ),
    "LambdaLR": (lambda o: schedules.LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t)),
    "MultiplicativeLR": (lambda o: schedules.MultiplicativeLR(o, lambda t: 1 / t), lambda t: 1 / math.factorial(t)),
    "CyclicLR": (
        lambda o: schedules.CyclicLR(o, 0.1, 1.1, 4, 2),
        lambda t: 0.1 + triangle(t, 4, 2),
    ),
    "CyclicLR, halved": (
        lambda o: schedules.CyclicLR(o, 0.1, 1.1, 3, mode="triangular2"),
        lambda t: 0.1 + triangle(t, 3, 3) / 2 ** (t // 6),
    ),
    "CyclicLR, falling": (
        lambda o: schedules.CyclicLR(o, 0.1, 1.1, 3, mode="exp_range", gamma=0.9),
        lambda t: 0.1 + triangle(t, 3, 3) * 0.9**t,
    ),
    "CyclicLR, by a function": (
        lambda o: schedules.CyclicLR(o, 0.1, 1.1, 3, scale_fn=lambda cycle: 1 / cycle),
        lambda t: 0.1 + triangle(t, 3, 3) / (t // 6 + 1),
    ),
    "OneCycleLR": (lambda o: schedules.OneCycleLR(o, 1.0, total_steps=20, pct_start=0.25), one_cycle),
    "OneCycleLR in three phases": (
        lambda o: schedules.OneCycleLR(
            o, 1.0, epochs=4, steps_per_epoch=5, pct_start=0.25, anneal_strategy="linear", three_phase=True
        ),
        three_phases,
    ),
    "SequentialLR": (
        lambda o: schedules.SequentialLR(o, [schedules.LinearLR(o, 0.1, 1.0, 5), schedules.ExponentialLR(o, 0.5)], [5]),
        lambda t: 0.1 + 0.9 * t / 5 if t < 5 else 0.5 ** (t - 5),
    ),
    "ChainedScheduler": (
        lambda o: schedules.ChainedScheduler([schedules.ConstantLR(o, 0.5, 3), schedules.ExponentialLR(o, 0.9)]),
        lambda t: (0.5 if t < 3 else 1.0) * 0.9**t,
    ),
    "Cosine with others": (
        lambda o: schedules.ChainedScheduler([schedules.CosineAnnealingLR(o, 30), schedules.StepLR(o, 4, 0.5)]),
        lambda t: cosine(1, 0, t / 30) * 0.5 ** (t // 4),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_schedules_are_their_formulas(name):
    make, formula = FORMULAS[name]
    found = rates(make, 20, momentum=0.9)
    np.testing.assert_allclose(found, [formula(t) for t in range(20)], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "name", [n for n in FORMULAS if "Sequential" not in n and "Chain" not in n and "with" not in n]
)
def test_a_moment_can_be_named(name):
    """step(epoch): the old form.  What has no closed form of its own counts the step as the next one."""
    make, formula = FORMULAS[name]
    optimizer = start(momentum=0.9)
    schedule = make(optimizer)
    optimizer.step()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        schedule.step(6)
    assert schedule.last_epoch == 6
    if name != "CosineAnnealingWarmRestarts":
        assert "epoch parameter" in str(caught[0].message)
        assert caught[0].filename == __file__
    if name != "MultiplicativeLR":
        assert optimizer.param_groups[0]["lr"] == pytest.approx(formula(6), rel=1e-9)


def test_warm_restarts_take_fractions_of_epochs():
    optimizer = start()
    schedule = schedules.CosineAnnealingWarmRestarts(optimizer, 4, 2)
    for moment in (0.5, 3.75, 4.0, 7.5, 12.0, 13.0):
        schedule.step(moment)
        since, length = restarts(moment, 4, 2)
        assert schedule.get_last_lr()[0] == pytest.approx(cosine(1, 0, since / length))


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("name", ["CyclicLR", "OneCycleLR"])
def test_the_momentum_moves_against_the_rate(name, kind):
    optimizer = start(kind=kind, **({"momentum": 0.9} if kind is optim.SGD else {}))
    group = optimizer.param_groups[0]
    if name == "CyclicLR":
        schedule, low, high = schedules.CyclicLR(optimizer, 0.1, 1.1, 4), 0.8, 0.9
    else:
        schedule, low, high = schedules.OneCycleLR(optimizer, 1.1, total_steps=9, div_factor=11), 0.85, 0.95
    seen = []
    for _ in range(9 if name == "OneCycleLR" else 12):
        seen.append((group["lr"], group["momentum"] if kind is optim.SGD else group["betas"][0]))
        optimizer.step()
        schedule.step()
    lr, momentum = np.array(seen).T
    assert momentum[0] == pytest.approx(high)
    assert momentum.min() == pytest.approx(low, abs=0.01)
    if name == "CyclicLR":
        np.testing.assert_allclose(momentum, high - (high - low) * (lr - 0.1))
    assert lr.argmax() == momentum.argmin()
    assert group["max_momentum"], group["base_momentum"] == (high, low)


def test_groups_have_rates_of_their_own():
    optimizer = start(groups=2)
    optimizer.param_groups[1]["lr"] = 4.0
    schedule = schedules.LambdaLR(optimizer, [lambda t: 0.5**t, lambda t: 1.0])
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 4.0]
    cycle = schedules.OneCycleLR(start(groups=2, momentum=0.9), [1.0, 10.0], total_steps=10)
    assert cycle.get_last_lr() == [pytest.approx(0.04), pytest.approx(0.4)]


def test_a_rate_that_is_a_tensor_keeps_its_identity():
    rate = torch.tensor(1.0)
    optimizer = start(rate)
    schedule = schedules.StepLR(optimizer, 1, 0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate == 0.5
    assert schedule.base_lrs[0] == 1.0
    assert schedule.get_last_lr()[0] is not rate
    plateau = schedules.ReduceLROnPlateau(optimizer, patience=0)
    for _ in range(2):
        plateau.step(1.0)
    assert rate == pytest.approx(0.05)


# Plateaus


def test_a_plateau_lowers_the_rate_after_patience():
    optimizer = start()
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=1, factor=0.5, min_lr=0.3, cooldown=1)
    seen = []
    for value in [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0]:
        schedule.step(torch.tensor(value))
        seen.append(optimizer.param_groups[0]["lr"])
        assert schedule.get_last_lr() == [seen[-1]]
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3]


@pytest.mark.parametrize(
    ("options", "good", "bad"),
    [
        ({"threshold": 0.1}, 8.9, 9.1),
        ({"threshold": 0.5, "threshold_mode": "abs"}, 9.4, 9.6),
        ({"mode": "max", "threshold": 0.1}, 11.1, 10.9),
        ({"mode": "max", "threshold": 0.5, "threshold_mode": "abs"}, 10.6, 10.4),
        ({}, 9.0, math.nan),
    ],
)
def test_what_counts_as_better(options, good, bad):
    for value, falls in ((good, False), (bad, True)):
        optimizer = start()
        schedule = schedules.ReduceLROnPlateau(optimizer, patience=0, **options)
        schedule.step(10.0)
        schedule.step(value)
        assert (optimizer.param_groups[0]["lr"] < 1) == falls


def test_a_plateau_notices_new_groups():
    optimizer = start()
    one, each = schedules.ReduceLROnPlateau(optimizer), schedules.ReduceLROnPlateau(optimizer, min_lr=[0.1], patience=0)
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    each.step(1.0)
    with pytest.raises(RuntimeError, match="a group was added"):
        each.step(1.0)
    one.patience = 0
    for _ in range(2):
        one.step(1.0)
    assert one.get_last_lr() == [pytest.approx(0.1)] * 2


# State


def scaled(value):
    class Scale:
        def __init__(self):
            self.value = value

        def __call__(self, t):
            return self.value**t

    return Scale()


STATEFUL = {
    **FORMULAS,
    "a function with state": (lambda o: schedules.LambdaLR(o, scaled(0.5)), None),
    "a cycle's function with state": (lambda o: schedules.CyclicLR(o, 0.1, 1.1, 3, scale_fn=scaled(0.5)), None),
}


@pytest.mark.parametrize("name", STATEFUL)
def test_a_schedule_continues_from_a_saved_state(name):
    make = STATEFUL[name][0]
    whole = rates(make, 15, momentum=0.9)
    optimizer = start(momentum=0.9)
    schedule = make(optimizer)
    for _ in range(7):
        optimizer.step()
        schedule.step()
    saved = copy.deepcopy((optimizer.state_dict(), schedule.state_dict()))
    optimizer = start(momentum=0.9)
    schedule = make(optimizer)
    kept = copy.deepcopy(saved[1])
    optimizer.load_state_dict(saved[0])
    schedule.load_state_dict(saved[1])
    assert saved[1] == kept  # loading takes nothing out of the state
    for expected in whole[7:]:
        assert optimizer.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert schedule.get_last_lr() == [pytest.approx(expected, rel=1e-12, abs=1e-15)]
        optimizer.step()
        schedule.step()


def test_a_plateau_continues_from_a_saved_state():
    optimizer = start()
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=1)
    for value in (3.0, 3.0):
        schedule.step(value)
    other = schedules.ReduceLROnPlateau(optimizer)
    other.load_state_dict(schedule.state_dict())
    other.step(3.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def test_functions_are_not_saved_but_what_objects_hold_is():
    optimizer = start()
    plain = schedules.LambdaLR(optimizer, lambda t: 1.0).state_dict()
    assert plain["lr_lambdas"] == [None]
    held = schedules.LambdaLR(optimizer, scaled(0.5))
    assert held.state_dict()["lr_lambdas"] == [{"value": 0.5}]
    held.load_state_dict({**held.state_dict(), "lr_lambdas": [{"value": 0.25}]})
    optimizer.step()
    held.step()
    assert held.get_last_lr() == [0.25]


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda o, last: schedules.StepLR(o, 3, 0.5, last_epoch=last), lambda t: 0.5 ** (t // 3)),
        (lambda o, last: schedules.ExponentialLR(o, 0.5, last_epoch=last), lambda t: 0.5**t),
        (lambda o, last: schedules.CosineAnnealingLR(o, 10, last_epoch=last), lambda t: cosine(1, 0, t / 10)),
    ],
)
def test_a_schedule_starts_in_the_middle_with_last_epoch(make, formula):
    """torch's rule: the optimizer's rate is that of step last_epoch + 1 already."""
    optimizer = start(formula(5))
    optimizer.param_groups[0]["initial_lr"] = 1.0
    schedule = make(optimizer, 4)
    assert schedule.last_epoch == 5
    for t in range(5, 9):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(formula(t))
        optimizer.step()
        schedule.step()


# Schedules of one's own


def test_a_schedule_of_your_own_defines_get_lr():
    class Warm(schedules.LRScheduler):
        def __init__(self, optimizer, steps, last_epoch=-1):
            self.steps = steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base * min(1.0, (self.last_epoch + 1) / self.steps) for base in self.base_lrs]

    assert rates(lambda o: Warm(o, 4), 6) == [0.25, 0.5, 0.75, 1, 1, 1]
    assert issubclass(schedules._LRScheduler, schedules.LRScheduler)
    with pytest.raises(NotImplementedError, match=r"define get_lr\(\)"):
        schedules.LRScheduler(start())


def test_get_lr_is_for_the_schedule_and_get_last_lr_for_its_user():
    schedule = schedules.StepLR(start(), 3)
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        schedule.get_lr()


# Wrong uses


def test_a_schedule_that_steps_first_is_warned_about_once():
    optimizer = start()
    schedule = schedules.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`") as caught:
        schedule.step()
    assert caught[0].filename == __file__
    schedule.step()


def test_a_step_of_your_own_counts_as_a_step():
    class Mine(optim.Optimizer):
        def step(self, closure=None):
            return None

    optimizer = Mine([torch.zeros(1, requires_grad=True)], {"lr": 1.0})
    schedule = schedules.StepLR(optimizer, 1)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.1]


OTHER = start()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda o: schedules.StepLR(nn.Linear(1, 1), 3), TypeError, "Linear is not an Optimizer"),
        (lambda o: schedules.StepLR(o, 0), ValueError, "positive step_size, got 0"),
        (lambda o: schedules.CosineAnnealingLR(o, 0), ValueError, "positive T_max, got 0"),
        (lambda o: schedules.LambdaLR(o, [abs, abs]), ValueError, "Expected 1 lr_lambdas, but got 2"),
        (lambda o: schedules.MultiplicativeLR(o, 0.5), TypeError, "should be a function, but got float"),
        (lambda o: schedules.StepLR(o, 3, last_epoch=5), KeyError, "initial_lr"),
        (lambda o: schedules.ConstantLR(o, 2.0), ValueError, "between 0 and 1"),
        (lambda o: schedules.LinearLR(o, 0.0), ValueError, "greater than 0"),
        (lambda o: schedules.LinearLR(o, 0.5, 2.0), ValueError, "between 0 and 1"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), ValueError, "positive integer T_0, but got 0"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 1.5), ValueError, "positive integer T_0, but got 1.5"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 1, 0), ValueError, "integer T_mult >= 1, but got 0"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 1).step(-1), ValueError, "non-negative epoch"),
        (lambda o: schedules.CyclicLR(o, 0.1, 1.0, mode="x"), ValueError, "mode is invalid"),
        (lambda o: schedules.CyclicLR(o, 0.1, [1.0, 2.0]), ValueError, "max_lr has 2 values, param_groups has 1"),
        (lambda o: schedules.CyclicLR(o, 0.1, 1.0, 0), ValueError, "at least one step"),
        (lambda o: schedules.CyclicLR(start(kind=optim.Rprop), 0.1, 1.0), ValueError, "must support momentum or beta1"),
        (lambda o: schedules.OneCycleLR(o, 1.0), ValueError, "either total_steps OR"),
        (lambda o: schedules.OneCycleLR(o, 1.0, total_steps=0), ValueError, "positive integer total_steps, but got 0"),
        (lambda o: schedules.OneCycleLR(o, 1.0, epochs=1, steps_per_epoch=-1), ValueError, "integer steps_per_epoch"),
        (lambda o: schedules.OneCycleLR(o, 1.0, total_steps=5, pct_start=2), ValueError, "between 0 and 1 pct_start"),
        (lambda o: schedules.OneCycleLR(o, 1.0, total_steps=5, anneal_strategy="x"), ValueError, "'cos' or 'linear'"),
        (lambda o: schedules.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0"),
        (lambda o: schedules.ReduceLROnPlateau(o, mode="up"), ValueError, "mode up is unknown"),
        (lambda o: schedules.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold mode x is unknown"),
        (lambda o: schedules.ReduceLROnPlateau(o, min_lr=[0, 0]), ValueError, "expected 1 min_lrs, got 2"),
        (lambda o: schedules.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
        (lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 1)], [3]), ValueError, "one more than the number"),
        (lambda o: schedules.ChainedScheduler([]), ValueError, "at least one scheduler"),
        (lambda o: schedules.ChainedScheduler([schedules.ReduceLROnPlateau(o)]), ValueError, "does not support"),
        (lambda o: schedules.ChainedScheduler([schedules.StepLR(OTHER, 1)], o), ValueError, "the same optimizer"),
        (lambda o: schedules.ChainedScheduler([3], o), TypeError, "index 0 should have `optimizer`"),
        (lambda o: schedules.StepLRR, AttributeError, "Did you mean 'StepLR'"),
    ],
)
def test_wrong_arguments_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make(start(momentum=0.9))


def test_a_cycle_is_over_when_it_is_over():
    optimizer = start(momentum=0.9)
    schedule = schedules.OneCycleLR(optimizer, 1.0, total_steps=3)
    for _ in range(3):
        optimizer.step()
        schedule.step()
    with pytest.raises(ValueError, match=r"Tried to step 4 times\. The specified number of total steps is 3"):
        schedule.step()


def test_a_rise_of_no_steps_is_no_division_by_zero():
    assert rates(lambda o: schedules.OneCycleLR(o, 1.0, total_steps=10, pct_start=0.1), 2, momentum=0.9)[0] == 1.0


def test_only_the_first_of_a_sequence_may_be_composed():
    optimizer = start()
    chain = schedules.ChainedScheduler([schedules.ExponentialLR(optimizer, 0.5)])
    sequence = schedules.SequentialLR(optimizer, [schedules.ConstantLR(optimizer), chain], [1])
    optimizer.step()
    with pytest.raises(NotImplementedError, match="a SequentialLR cannot begin with it at a milestone"):
        sequence.step()
