"""Adagrad: the gradient over the root of the sum of all its squares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.ops.creation import full_like
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect_not_negative, expect_rate
from nanograd.tensors import Tensor

__all__ = ["Adagrad"]


class Adagrad(Adaptive):
    """s ← s + g²;  p ← p - lrₜ g / (√s + eps),  lrₜ = lr / (1 + (t-1) lr_decay)   (Duchi, Hazan and Singer, 2011)

    s begins with ``initial_accumulator_value``, and at once: a new optimizer's state is not empty.  ``weight_decay``
    adds decay p to g, ``maximize`` steps upwards.  Raises ValueError for numbers out of
    range, TypeError for what is no number.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        expect_rate(lr)
        expect_not_negative(lr_decay, "lr_decay value")
        expect_not_negative(weight_decay, "weight_decay value")
        expect_not_negative(initial_accumulator_value, "initial_accumulator_value value")
        expect_not_negative(eps, "epsilon value")
        defaults = dict(
            lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, foreach=foreach, maximize=maximize,
            differentiable=differentiable, fused=fused,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self.start(p, self.state[p], group)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """s."""
        return ("sum",)

    def first(self, name: str, p: Tensor, group: Group) -> Tensor:
        """s begins with a number of choice."""
        return full_like(p, group["initial_accumulator_value"]) if name == "sum" else super().first(name, p, group)

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.adagrad, in its order."""
        return k.adagrad, (
            float(group["lr"]) / (1 + (t - 1) * group["lr_decay"]),
            float(group["weight_decay"]),
            -1.0 if group["maximize"] else 1.0,
            float(group["eps"]),
        )
