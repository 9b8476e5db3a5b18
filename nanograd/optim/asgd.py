"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect_not_negative, expect_rate, number
from nanograd.tensors import Tensor

__all__ = ["ASGD"]


class ASGD(Adaptive):
    """p ← (1 - λ η) p - η g;  a ← a + μ (p - a)   (Polyak and Juditsky, 1992)

    Then η = lr / (1 + λ lr t)^α and μ = 1 / max(1, t - t0).  The average a stands in ``state[p]["ax"]``; until step
    t0 it is p itself.  ``weight_decay`` adds decay p to g, ``maximize`` steps upwards.  Raises ValueError for numbers
    out of range, TypeError for what is no number.
    """

    _numbers = ("step", "eta", "mu")
    _own_numbers = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        expect_rate(lr)
        expect_not_negative(weight_decay, "weight_decay value")
        defaults = dict(
            lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """The average."""
        return ("ax",)

    def first(self, name: str, p: Tensor, group: Group) -> Tensor:
        """η begins with lr, μ with 1."""
        begin = {"eta": float(group["lr"]), "mu": 1.0}
        return number(begin[name]) if name in begin else super().first(name, p, group)

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.asgd, in its order; and η and μ of the next step."""
        lr, lambd = float(group["lr"]), float(group["lambd"])
        eta, mu = state["eta"].array, state["mu"].array
        now, share = eta.item(), mu.item()
        k.put(eta, lr * (1 + lambd * lr * t) ** -group["alpha"])
        k.put(mu, 1 / max(1.0, t - group["t0"]))
        sign = -1.0 if group["maximize"] else 1.0
        return k.asgd, (float(group["weight_decay"]), sign, now, 1 - lambd * now, share)
