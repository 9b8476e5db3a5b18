"""RAdam: Adam with smaller steps while it has seen few gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.optim.adam import expect_betas
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect_not_negative, expect_rate
from nanograd.tensors import Tensor

__all__ = ["RAdam"]


class RAdam(Adaptive):
    """p ← p - lr r m̂ / (√v̂ + eps) once ρₜ > 5, p ← p - lr m̂ before   (Liu et al., 2020, algorithm 2)

    m̂ and v̂ are Adam's, except that eps is added before the correction of v;  ρ∞ = 2 / (1-β₂) - 1,
    ρₜ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ) and r = √((ρₜ-4)(ρₜ-2) ρ∞ / ((ρ∞-4)(ρ∞-2) ρₜ)).  ``weight_decay`` adds decay p to g,
    or, if decoupled, shrinks p by lr · decay; ``maximize`` steps upwards.  Raises ValueError for numbers out of
    range, TypeError for what is no number.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        expect_rate(lr)
        expect_not_negative(eps, "epsilon value")
        betas = expect_betas(betas)
        expect_not_negative(weight_decay, "weight_decay value")
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize, foreach=foreach,
            capturable=capturable, decoupled_weight_decay=decoupled_weight_decay, differentiable=differentiable,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """m and v."""
        return ("exp_avg", "exp_avg_sq")

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.radam, in its order."""
        lr, (beta1, beta2), decay = float(group["lr"]), group["betas"], float(group["weight_decay"])
        decoupled = group["decoupled_weight_decay"]
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        rate = lr / (1 - beta1**t)
        rectified = length > 5
        if rectified:
            share = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            rate *= (share * (1 - beta2**t)) ** 0.5
        return k.radam if rectified else k.radam_early, (
            rate,
            0.0 if decoupled else decay,
            -1.0 if group["maximize"] else 1.0,
            1 - beta1,
            beta2,
            1 - beta2,
            float(group["eps"]),
            1 - lr * decay if decoupled else 1.0,
        )
