"""optim.swa_utils: averages of weights, and the schedule that goes with them."""

import doctest
import importlib
import math

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn
from nanograd.optim import SGD, swa_utils


def values(module):
    return [p.item() for p in module.parameters()]


def shown(averaged, weights):
    model = nn.Linear(1, 1)
    for w in weights:
        nn.init.constant_(model.weight, w)
        nn.init.constant_(model.bias, -w)
        averaged.update_parameters(model)
    return averaged.module.weight.item()


@pytest.mark.parametrize("many", [False, True])
def test_averages_are_their_formulas(many):
    def make(alike, decay=None):
        kind = ("ema" if decay is not None else "swa") + ("_multi" if many else "")
        function = getattr(swa_utils, f"get_{kind}_avg_fn")(*([] if decay is None else [decay]))
        return swa_utils.AveragedModel(nn.Linear(1, 1), **{"multi_avg_fn" if many else "avg_fn": function})

    assert shown(make(True), [1.0, 2.0, 6.0, 7.0]) == pytest.approx(4)
    assert shown(make(False, 0.75), [1.0, 2.0, 6.0]) == pytest.approx(0.75 * (0.75 * 1 + 0.25 * 2) + 0.25 * 6)


def test_without_a_function_all_count_alike_and_the_count_is_saved():
    averaged = swa_utils.AveragedModel(nn.Linear(1, 1))
    assert shown(averaged, [1.0, 3.0]) == 2
    state = averaged.state_dict()
    assert list(state) == ["n_averaged", "module.weight", "module.bias"]
    assert state["n_averaged"] == 2
    other = swa_utils.AveragedModel(nn.Linear(1, 1))
    other.load_state_dict(state)
    assert shown(other, [5.0]) == 3
    x = torch.ones(4, 1)
    assert torch.equal(averaged(x), averaged.module(x))


def test_the_model_itself_is_not_touched():
    model = nn.Linear(1, 1)
    before = values(model)
    averaged = swa_utils.AveragedModel(model)
    averaged.update_parameters(nn.Linear(1, 1))
    assert values(model) == before
    assert all(p.requires_grad and p.is_leaf for p in averaged.parameters())


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("steps", torch.tensor(0))


@pytest.mark.parametrize("use_buffers", [False, True])
def test_buffers_are_copied_or_averaged(use_buffers):
    model = Counter()
    averaged = swa_utils.AveragedModel(model, use_buffers=use_buffers)
    for value in (1, 2, 6):
        model.seen.fill_(value)
        model.steps.fill_(value)
        averaged.update_parameters(model)
    assert averaged.module.seen.item() == (3 if use_buffers else 6)
    assert averaged.module.steps.dtype is torch.int64
    assert averaged.n_averaged == 3


class Norm(nn.Module):
    """What update_bn needs of a batch norm."""

    def __init__(self):
        super().__init__()
        self.momentum = 0.1
        self.register_buffer("running_mean", torch.full((2,), 99.0))
        self.register_buffer("batches", torch.tensor(0))

    def reset_running_stats(self):
        self.running_mean.zero_()
        self.batches.zero_()

    def forward(self, x):
        assert self.momentum is None
        assert not torch.is_grad_enabled()
        self.batches.add_(1)
        self.running_mean.add_((x.mean(0) - self.running_mean) / self.batches)
        return x


def test_running_statistics_are_measured_anew():
    model = nn.Sequential(Norm()).eval()
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((12, 2)).astype(np.float32))
    for loader in (x.split(4), [(part, 1) for part in x.split(4)]):
        swa_utils.update_bn(loader, model)
        np.testing.assert_allclose(model[0].running_mean.numpy(), x.numpy().mean(0), rtol=1e-5, atol=1e-6)
        assert model[0].momentum == 0.1
        assert not model.training
    swa_utils.update_bn([], nn.Linear(1, 1))

    def failing():
        yield x
        raise RuntimeError("the file is gone")

    with pytest.raises(RuntimeError, match="the file is gone"):
        swa_utils.update_bn(failing(), model)
    assert model[0].momentum == 0.1
    assert not model.training


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_the_rate_goes_to_its_goal_and_stays(strategy):
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = swa_utils.SWALR(optimizer, 0.2, 4, strategy)
    for t in range(8):
        share = min(t / 4, 1)
        share = share if strategy == "linear" else (1 - math.cos(math.pi * share)) / 2
        assert optimizer.param_groups[0]["lr"] == pytest.approx(1.0 + (0.2 - 1.0) * share)
        optimizer.step()
        schedule.step()
    assert swa_utils.SWALR(SGD([torch.zeros(1)], lr=1.0), 0.5, 0).get_last_lr() == [0.5]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda o: swa_utils.SWALR(o, 0.1, -1), "anneal_epochs must be equal or greater than 0, got -1"),
        (lambda o: swa_utils.SWALR(o, 0.1, anneal_strategy="x"), "must be one of 'cos' or 'linear', instead got x"),
        (lambda o: swa_utils.SWALR(o, [0.1, 0.2]), "swa_lr has 2 values"),
        (lambda o: swa_utils.get_ema_avg_fn(2.0), "Invalid decay value 2.0"),
        (lambda o: swa_utils.get_ema_multi_avg_fn(-1.0), "Invalid decay value -1.0"),
        (
            lambda o: swa_utils.AveragedModel(nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max),
            "only one of avg_fn and multi_avg_fn",
        ),
    ],
)
def test_wrong_arguments_are_refused(act, words):
    with pytest.raises(ValueError, match=words):
        act(SGD([torch.zeros(1, requires_grad=True)], lr=1.0))


def test_examples_of_the_documentation():
    module = importlib.import_module("nanograd.optim.swa_utils")
    assert not doctest.testmod(module, extraglobs={"torch": torch, "nn": nn}).failed
