"""Adamax: Adam with the greatest recent gradient in the place of the mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.optim.adam import expect_betas
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect_not_negative, expect_rate
from nanograd.tensors import Tensor

__all__ = ["Adamax"]


class Adamax(Adaptive):
    """m ← β₁ m + (1-β₁) g;  u ← max(β₂ u, |g| + eps);  p ← p - lr m̂ / u   (Kingma and Ba, 2015, algorithm 2)

    m̂ = m / (1 - β₁ᵗ).  ``weight_decay`` adds decay p to g, ``maximize`` steps upwards.  Raises ValueError for numbers
    out of range, TypeError for what is no number.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        expect_rate(lr)
        expect_not_negative(eps, "epsilon value")
        betas = expect_betas(betas)
        expect_not_negative(weight_decay, "weight_decay value")
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """m and u."""
        return ("exp_avg", "exp_inf")

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.adamax, in its order."""
        beta1, beta2 = group["betas"]
        return k.adamax, (
            float(group["lr"]) / (1 - beta1**t),
            float(group["weight_decay"]),
            -1.0 if group["maximize"] else 1.0,
            1 - beta1,
            beta2,
            float(group["eps"]),
        )
