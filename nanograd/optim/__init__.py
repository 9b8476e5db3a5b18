"""Optimizers and learning-rate schedules: torch's ``optim``."""

from typing import Any

from nanograd.errors import did_you_mean as _did_you_mean
from nanograd.optim import lr_scheduler
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
    "Rprop", "lr_scheduler",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    hint = _did_you_mean(name, __all__)
    raise AttributeError(f"module 'nanograd.optim' has no attribute {name!r}: nanograd does not have this name.{hint}")
