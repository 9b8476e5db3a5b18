"""The documented errors of optimizers and of schedules of their rates."""

from __future__ import annotations

from typing import Any

import pytest

import nanograd as torch
from nanograd import optim
from nanograd.optim import lr_scheduler as schedules
from nanograd.optim import swa_utils

from .case import Case

NAN = float("nan")


def leaf(size: int = 2) -> Any:
    return torch.ones(size, requires_grad=True)


def sgd(**options: Any) -> Any:
    return optim.SGD([leaf()], lr=0.1, **options)


def made(name: str, **options: Any) -> Any:
    return getattr(optim, name)([leaf()], **options)


def add(group: Any, optimizer: Any = None) -> None:
    (optimizer or sgd()).add_param_group(group)


def add_twice() -> None:
    optimizer = sgd()
    add({"params": optimizer.param_groups[0]["params"]}, optimizer)


def one_cycle(steps: int) -> None:
    optimizer = sgd(momentum=0.9)
    schedule = schedules.OneCycleLR(optimizer, max_lr=1.0, total_steps=2)
    for _ in range(steps):
        optimizer.step()
        schedule.step()


BETAS, DECAY, RATE = r"[Bb]eta.*index", r"weight_decay value: -", r"learning rate: -1"
RANGES = {
    "SGD": [("momentum", -0.5, r"momentum value: -0\.5"), ("lr", NAN, r"learning rate: nan")],
    "Adam": [("betas", (0.9, 1.0), BETAS + r" 1: 1\.0"), ("eps", -1e-8, r"epsilon value: -1e-08")],
    "AdamW": [("betas", (-0.1, 0.9), BETAS + r" 0: -0\.1")],
    "Adamax": [("betas", (1.0, 0.9), BETAS + r" 0: 1\.0"), ("eps", -1.0, r"epsilon value: -1")],
    "NAdam": [("momentum_decay", -1.0, r"momentum_decay value: -1"), ("eps", -1.0, r"epsilon value: -1")],
    "RAdam": [("betas", (0.5, 2.0), BETAS + r" 1: 2\.0"), ("eps", -1.0, r"epsilon value: -1")],
    "Adadelta": [("rho", 1.5, r"rho value: 1\.5"), ("eps", -1.0, r"epsilon value: -1")],
    "Adagrad": [("lr_decay", -1.0, r"lr_decay value: -1"), ("initial_accumulator_value", -1.0, r"accumulator.*: -1")],
    "RMSprop": [("alpha", -1.0, r"alpha value: -1"), ("momentum", -1.0, r"momentum value: -1")],
    "ASGD": [],
    "Rprop": [("etas", (0.5, 0.9), r"eta values: 0\.5, 0\.9"), ("etas", (1.5, 2.0), r"eta values: 1\.5")],
}
"""What is out of range for each optimizer, beside the rate and the decay of weights."""

OPTIMIZERS = [
    *(Case(f"optim.{name}" if name != "AdamW" else "optim.Adam", ValueError,
           lambda name=name, option=option, value=value: made(name, **{option: value}), words)
      for name, options in RANGES.items() for option, value, words in [*options, ("lr", -1.0, RATE)]),
    *(Case(f"optim.{name}", ValueError, lambda name=name: made(name, weight_decay=-1.0), DECAY)
      for name in RANGES if name not in ("AdamW", "Rprop")),
    *(Case(f"optim.{name}", TypeError, lambda name=name: made(name, lr="fast"), r"learning rate.*str 'fast'")
      for name in RANGES if name != "AdamW"),
    Case("optim.LBFGS", ValueError, lambda: made("LBFGS", lr=-1.0), RATE, "negative rate"),
    Case("optim.LBFGS", ValueError, lambda: optim.LBFGS([{"params": [leaf()]}, {"params": [leaf()]}]),
         r"^LBFGS.*groups",
         "several groups"),
    Case("optim.LBFGS", RuntimeError, lambda: made("LBFGS", line_search_fn="armijo"), r"strong_wolfe.*'armijo'"),
    Case("optim.LBFGS.add_param_group", ValueError, lambda: add({"params": [leaf()]}, made("LBFGS")),
         r"^LBFGS.*groups"),
    Case("optim.LBFGS.step", TypeError, lambda: made("LBFGS").step(), r"LBFGS\.step.*closure"),
    Case("optim.Optimizer.add_param_group", TypeError, lambda: add([leaf()]), r"must be a dict.*list", "not a dict"),
    Case("optim.Optimizer.add_param_group", TypeError, lambda: add({"params": [1.0]}), r"Tensors.*float",
         "not a tensor"),
    Case("optim.Optimizer.add_param_group", TypeError, lambda: add({"params": [torch.nn.Linear(1, 1)]}),
         r"Linear.*\.parameters\(\)", "not a tensor"),
    Case("optim.Optimizer.add_param_group", KeyError, lambda: add({"lr": 0.1}), r"params.*\['lr'\]"),
    Case("optim.Optimizer.add_param_group", ValueError, lambda: add({"params": [leaf() * 2]}), r"non-leaf.*detach",
         "operations made"),
    Case("optim.Optimizer.add_param_group", ValueError, add_twice, r"more than one parameter group", "already"),
    Case("optim.Optimizer.add_param_group", ValueError, lambda: add({"params": [("weight", leaf())]}),
         r"with/without names", "names"),
    Case("optim.Optimizer.load_state_dict", ValueError,
         lambda: sgd().load_state_dict({"state": {}, "param_groups": []}), r"groups: 0.*has 1"),
    Case("optim.Optimizer.load_state_dict", ValueError,
         lambda: sgd().load_state_dict(optim.SGD([leaf(), leaf()], lr=0.1).state_dict()), r"size.*group 0 has 2.*1"),
]  # fmt: skip


def composed(kind: Any, **options: Any) -> None:
    mine, other = sgd(), sgd()
    kind([schedules.StepLR(mine, 1), schedules.StepLR(other, 1)], optimizer=mine, **options)


def sequence(*, milestones: Any, number: int = 2) -> None:
    optimizer = sgd()
    schedules.SequentialLR(optimizer, [schedules.StepLR(optimizer, 1) for _ in range(number)], milestones)


SCHEDULES = [
    Case("optim.lr_scheduler.LRScheduler", TypeError, lambda: schedules.StepLR(leaf(), 1),
         r"Tensor is not an Optimizer"),
    Case("optim.lr_scheduler.LRScheduler", KeyError, lambda: schedules.StepLR(sgd(), 1, last_epoch=3), r"initial_lr"),
    Case("optim.lr_scheduler.StepLR", ValueError, lambda: schedules.StepLR(sgd(), 0), r"StepLR:.*step_size.*0"),
    Case("optim.lr_scheduler.ConstantLR", ValueError, lambda: schedules.ConstantLR(sgd(), 1.5), r"factor.*1\.5"),
    Case("optim.lr_scheduler.LinearLR", ValueError, lambda: schedules.LinearLR(sgd(), 0.0), r"Starting.*got 0",
         "start_factor"),
    Case("optim.lr_scheduler.LinearLR", ValueError, lambda: schedules.LinearLR(sgd(), 0.5, 2.0), r"Ending.*Got 2",
         "end_factor"),
    Case("optim.lr_scheduler.CosineAnnealingLR", ValueError, lambda: schedules.CosineAnnealingLR(sgd(), 0),
         r"T_max.*0"),
    Case("optim.lr_scheduler.LambdaLR", ValueError, lambda: schedules.LambdaLR(sgd(), [abs, abs]), r"1 lr_lambdas.*2"),
    Case("optim.lr_scheduler.LambdaLR", TypeError, lambda: schedules.LambdaLR(sgd(), 0.5), r"function.*float"),
    Case("optim.lr_scheduler.CosineAnnealingWarmRestarts", ValueError,
         lambda: schedules.CosineAnnealingWarmRestarts(sgd(), 0), r"T_0.*0"),
    Case("optim.lr_scheduler.CosineAnnealingWarmRestarts", ValueError,
         lambda: schedules.CosineAnnealingWarmRestarts(sgd(), 1, 0), r"T_mult.*0"),
    Case("optim.lr_scheduler.CyclicLR", ValueError, lambda: schedules.CyclicLR(sgd(momentum=0.9), 0.1, 1.0, 0),
         r"at least one step.*0", "without steps"),
    Case("optim.lr_scheduler.CyclicLR", ValueError,
         lambda: schedules.CyclicLR(sgd(momentum=0.9), 0.1, 1.0, mode="square"),
         r"mode is invalid.*'square'.*'triangular'", "mode"),
    Case("optim.lr_scheduler.CyclicLR", ValueError,
         lambda: schedules.CyclicLR(made("Adagrad"), 0.1, 1.0), r"momentum.*cycle_momentum", "without momentum"),
    Case("optim.lr_scheduler.OneCycleLR", ValueError, lambda: one_cycle(3), r"3 times.*total steps is 2", "last step"),
    *(Case("optim.lr_scheduler.OneCycleLR", ValueError,
           lambda options=options: schedules.OneCycleLR(sgd(momentum=0.9), 1.0, **options), words, when)
      for options, words, when in [({"total_steps": 2, "pct_start": 1.5}, r"pct_start.*1\.5", "pct_start"),
                                   ({"total_steps": 2, "anneal_strategy": "up"}, r"'linear'.*up", "strategy"),
                                   ({"epochs": 2}, r"total_steps.*epochs AND steps_per_epoch", "no number")]),
    Case("optim.lr_scheduler.ReduceLROnPlateau", ValueError, lambda: schedules.ReduceLROnPlateau(sgd(), factor=1.0),
         r"Factor.*1\.0", "factor"),
    Case("optim.lr_scheduler.ReduceLROnPlateau", ValueError, lambda: schedules.ReduceLROnPlateau(sgd(), "least"),
         r"mode least", "another mode"),
    Case("optim.lr_scheduler.ReduceLROnPlateau", ValueError,
         lambda: schedules.ReduceLROnPlateau(sgd(), threshold_mode="near"), r"threshold mode near", "another mode"),
    Case("optim.lr_scheduler.ReduceLROnPlateau", ValueError, lambda: schedules.ReduceLROnPlateau(sgd(), min_lr=[0, 0]),
         r"1 min_lrs, got 2", "min_lr"),
    Case("optim.lr_scheduler.SequentialLR", ValueError, lambda: schedules.SequentialLR(sgd(), [], []),
         r"SequentialLR.*at least one", "no schedulers"),
    Case("optim.lr_scheduler.SequentialLR", ValueError, lambda: composed(
         lambda chosen, optimizer: schedules.SequentialLR(optimizer, chosen, [1])),
         r"SequentialLR.*same optimizer.*StepLR at index 1", "another optimizer"),
    Case("optim.lr_scheduler.SequentialLR", ValueError, lambda: sequence(milestones=[1, 2]), r"schedulers 2.*to 2",
         "milestones"),
    Case("optim.lr_scheduler.ChainedScheduler", ValueError, lambda: schedules.ChainedScheduler([]),
         r"^Chained.*at least one",
         "no schedulers"),
    Case("optim.lr_scheduler.ChainedScheduler", ValueError, lambda: composed(schedules.ChainedScheduler),
         r"ChainedScheduler.*same optimizer.*index 1", "another optimizer"),
    Case("optim.swa_utils.SWALR", ValueError, lambda: swa_utils.SWALR(sgd(), 0.1, anneal_strategy="root"),
         r"'linear'.*root", "strategy"),
    Case("optim.swa_utils.SWALR", ValueError, lambda: swa_utils.SWALR(sgd(), 0.1, anneal_epochs=-1),
         r"anneal_epochs.*-1",
         "anneal_epochs"),
    Case("optim.swa_utils.AveragedModel", ValueError,
         lambda: swa_utils.AveragedModel(torch.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max),
         r"avg_fn and multi_avg_fn"),
    Case("optim.swa_utils.get_ema_avg_fn", ValueError, lambda: swa_utils.get_ema_avg_fn(1.5), r"decay value 1\.5"),
]  # fmt: skip

CASES = [*OPTIMIZERS, *SCHEDULES]


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler:UserWarning")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_documented_error(case: Case) -> None:
    case.check()
