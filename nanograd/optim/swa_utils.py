"""Averages of the weights that training passes through  (Izmailov et al., 2018): torch's path ``optim.swa_utils``."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nanograd.nn.module import Module
from nanograd.ops.creation import tensor
from nanograd.optim.optimizer import Optimizer
from nanograd.optim.schedule import LRScheduler, Rate, one_per_group
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip

Average = Callable[[Tensor, Tensor, Any], Tensor]
Averages = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_swa_avg_fn() -> Average:
    """a ← a + (p - a) / (n + 1): all moments count alike."""

    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        with no_grad():
            moved: Tensor = averaged + (current - averaged) / (count + 1)
            return moved

    return average


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """a ← decay a + (1 - decay) p: what lies further back counts less.

    Raises ValueError for a decay outside [0, 1].
    """
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")

    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        with no_grad():
            return decay * averaged + (1 - decay) * current

    return average


def _of_many(average: Average) -> Averages:
    def averages(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Any) -> None:
        with no_grad():
            for a, p in zip(averaged, current, strict=True):
                a.copy_(average(a, p, count.to(a.device) if isinstance(count, Tensor) else count))

    return averages


def get_swa_multi_avg_fn() -> Averages:
    """As ``get_swa_avg_fn``, for lists of tensors, in place."""
    return _of_many(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """As ``get_ema_avg_fn``, for lists of tensors, in place."""
    return _of_many(get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a model whose parameters average those that ``update_parameters(model)`` is shown.

    ``avg_fn(average, parameter, count)`` says how (all alike, when None), or ``multi_avg_fn`` for lists, in place.
    Buffers are averaged too with ``use_buffers``, and copied without.

    Raises ValueError where both avg_fn and multi_avg_fn are given.

    >>> model = nn.Linear(1, 1)
    >>> averaged = torch.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged.module.weight.item()
    3.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: only one of avg_fn and multi_avg_fn should be provided.")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model answers."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the present parameters of ``model`` into the average."""
        count = int(self.n_averaged)
        mine: list[Tensor] = list(self.module.parameters())
        theirs: list[Tensor] = list(model.parameters())
        buffers = list(zip(self.module.buffers(), model.buffers(), strict=True))
        if self.use_buffers:
            mine += [b for b, _ in buffers]
            theirs += [b for _, b in buffers]
        averaged = [a.detach() for a in mine]
        current = [p.detach().to(a.device) for a, p in zip(mine, theirs, strict=True)]
        with no_grad():
            if count == 0:
                for a, p in zip(averaged, current, strict=True):
                    a.copy_(p)
            else:
                (self.multi_avg_fn or _of_many(self.avg_fn or get_swa_avg_fn()))(averaged, current, self.n_averaged)
            if not self.use_buffers:
                for a, b in buffers:
                    a.copy_(b)
            self.n_averaged.fill_(count + 1)


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Measure the running statistics of the model's batch norms anew, over the inputs of ``loader``.

    An averaged model needs it: its own were measured with other weights.  Of a batch that is a tuple or a list the
    first member is the input.
    """
    norms: list[Any] = [m for m in model.modules() if hasattr(m, "reset_running_stats") and hasattr(m, "momentum")]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    model.train()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain average of all batches
        with no_grad():
            for batch in loader:
                x = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(x if device is None else x.to(device))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """lr goes from where it is to ``swa_lr`` in ``anneal_epochs`` steps, along a cosine or a line, and stays

    Raises ValueError for another anneal_strategy, and for negative anneal_epochs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        for lr, group in zip(one_per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = lr
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way is done after so many steps."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def _rates(self) -> list[Rate]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            start = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
