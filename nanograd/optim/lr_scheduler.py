"""Learning-rate schedules: call ``scheduler.step()`` after each epoch, ``optimizer.step()`` before it."""

from typing import Any

from nanograd.errors import did_you_mean as _did_you_mean
from nanograd.optim.composed import ChainedScheduler, SequentialLR
from nanograd.optim.cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from nanograd.optim.decays import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from nanograd.optim.plateau import ReduceLROnPlateau
from nanograd.optim.schedule import LRScheduler

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip

_LRScheduler = LRScheduler  # its name before torch 2.0, which programs still subclass


def __getattr__(name: str) -> Any:
    hint = _did_you_mean(name, __all__)
    raise AttributeError(
        f"module 'nanograd.optim.lr_scheduler' has no attribute {name!r}: nanograd does not have this name.{hint}"
    )
