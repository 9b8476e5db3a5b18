"""Adadelta: steps in the unit of the parameter, without a learning rate of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect, expect_not_negative, expect_rate
from nanograd.tensors import Tensor

__all__ = ["Adadelta"]


class Adadelta(Adaptive):
    """v ← ρ v + (1-ρ) g²;  d = g √(u + eps) / √(v + eps);  u ← ρ u + (1-ρ) d²;  p ← p - lr d   (Zeiler, 2012)

    ``weight_decay`` adds decay p to g, ``maximize`` steps upwards.  Raises ValueError for numbers out of
    range, TypeError for what is no number.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        expect_rate(lr)
        expect(0.0 <= rho <= 1.0, "rho value", rho)
        expect_not_negative(eps, "epsilon value")
        expect_not_negative(weight_decay, "weight_decay value")
        defaults = dict(
            lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, capturable=capturable,
            foreach=foreach, differentiable=differentiable,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """v and u."""
        return ("square_avg", "acc_delta")

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.adadelta, in its order."""
        rho = float(group["rho"])
        return k.adadelta, (
            float(group["lr"]),
            float(group["weight_decay"]),
            -1.0 if group["maximize"] else 1.0,
            rho,
            1 - rho,
            float(group["eps"]),
        )
