"""Optimizers and learning-rate schedules: torch's ``optim``."""

from typing import Any

from nanograd.absent import missing as _missing
from nanograd.ops.refusing import guard as _guard
from nanograd.optim import lr_scheduler, swa_utils
from nanograd.optim.adadelta import Adadelta
from nanograd.optim.adagrad import Adagrad
from nanograd.optim.adam import Adam, AdamW
from nanograd.optim.adamax import Adamax
from nanograd.optim.asgd import ASGD
from nanograd.optim.lbfgs import LBFGS
from nanograd.optim.nadam import NAdam
from nanograd.optim.optimizer import Optimizer
from nanograd.optim.radam import RAdam
from nanograd.optim.rmsprop import RMSprop
from nanograd.optim.rprop import Rprop
from nanograd.optim.sgd import SGD

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "Optimizer", "RAdam", "RMSprop",
    "Rprop", "lr_scheduler", "swa_utils",
]  # fmt: skip

_guard(globals(), __all__, strict=True)
_guard(vars(lr_scheduler), lr_scheduler.__all__, strict=True)


def __getattr__(name: str) -> Any:
    return _missing("optim", name, __all__)
