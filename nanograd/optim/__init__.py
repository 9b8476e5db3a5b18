"""Optimizers and learning-rate schedules: torch's ``optim``."""

from typing import Any

from nanograd.errors import did_you_mean as _did_you_mean
from nanograd.optim import lr_scheduler
from nanograd.optim.adam import Adam, AdamW
from nanograd.optim.optimizer import Optimizer
from nanograd.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]


def __getattr__(name: str) -> Any:
    hint = _did_you_mean(name, __all__)
    raise AttributeError(f"module 'nanograd.optim' has no attribute {name!r}: nanograd does not have this name.{hint}")
