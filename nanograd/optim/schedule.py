"""LRScheduler: what all learning-rate schedules share."""

from __future__ import annotations

import warnings
from types import FunctionType
from typing import Any

from nanograd.optim.optimizer import Group, Optimizer
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = ["LRScheduler", "expect_optimizer", "one_per_group", "rates_of", "saved_functions", "set_option"]

Rate = Any
"""A number, or a tensor of one element where the optimizer was given a tensor as its rate."""


class LRScheduler:
    """Sets the rates of an optimizer's groups; call ``step()`` after each epoch (or batch).

    A subclass defines ``get_lr``: one rate per group for the moment ``last_epoch``, from the rates that stand now
    (``group["lr"]``) or from those of the beginning (``base_lrs``).  ``last_epoch`` counts the steps taken; give it,
    with a loaded optimizer, to continue a schedule.  Raises TypeError for what is not an optimizer, KeyError for a
    continued schedule whose optimizer has no initial rates.
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = expect_optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _copy(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch "
                    ">= 0: load the optimizer's state before making the schedule, or leave last_epoch out."
                )
        self.base_lrs: list[Rate] = rates_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        if not hasattr(optimizer, "_scheduled_at"):
            optimizer._scheduled_at = optimizer._steps  # type: ignore[attr-defined]
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the rates of the beginning."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[Rate]:
        """The rates of step ``last_epoch``; for the rates that stand now ask ``get_last_lr``."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                stacklevel=outside(),
            )
        return self._rates()

    def _rates(self) -> list[Rate]:
        raise NotImplementedError(f"{type(self).__name__}: define get_lr(): a list with one rate per group.")

    def get_last_lr(self) -> list[Rate]:
        """The rates that stand now, one per group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Set the next rates (or, where ``epoch`` is given, those of that moment).

        Warns when the optimizer has not stepped yet: the first rate would be skipped.
        """
        first = self._step_count == 1 and self.last_epoch >= 0  # below 0 a SequentialLR has taken the step back
        if first and self.optimizer._steps == getattr(self.optimizer, "_scheduled_at", -1):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
                "`optimizer.step()` before `lr_scheduler.step()`, or the first value of the learning rate schedule is "
                "skipped.",
                stacklevel=outside(),
            )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
            self._set(self.get_lr() if closed is None else closed())
        finally:
            self._get_lr_called_within_step = False

    def _set(self, rates: list[Rate]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", lr)
        self._last_lr = rates_of(self.optimizer)

    def _scaled(self, factor: Any) -> list[Rate]:
        """The rates that stand now, times a number."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer (whose state is saved by itself)."""
        return {k: v for k, v in self.__dict__.items() if k != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state that ``state_dict`` gave; load the optimizer's as well."""
        self.__dict__.update(state_dict)


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def rates_of(optimizer: Optimizer, key: str = "lr") -> list[Rate]:
    """One option of every group."""
    return [_copy(group[key]) for group in optimizer.param_groups]


def set_option(group: Group, key: str, value: Any) -> None:
    """Set an option of a group; a tensor keeps its identity and takes the value."""
    if isinstance(group[key], Tensor):
        group[key].fill_(value.item() if isinstance(value, Tensor) else value)
    else:
        group[key] = value


def one_per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A value for every group: the given list, or the given number for each.  Raises ValueError for another length."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [_copy(value) for _ in range(groups)]
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, "
            f"param_groups has {groups}."
        )
    return [_copy(v) for v in value]


def expect_optimizer(optimizer: Any) -> Optimizer:
    """Raises TypeError for what is not an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def warn_of_epoch() -> None:
    """``step(epoch)`` is the old form."""
    warnings.warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please "
        "use `scheduler.step()` to step the scheduler.",
        stacklevel=outside(),
    )


def saved_functions(functions: list[Any]) -> list[Any]:
    """What a state holds of functions: the attributes of objects that can be called, nothing of plain functions."""
    return [None if isinstance(f, FunctionType) else dict(f.__dict__) for f in functions]
