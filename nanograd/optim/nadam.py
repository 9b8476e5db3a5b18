"""NAdam: Adam that steps along where its momentum will be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.optim.adam import expect_betas
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect_not_negative, expect_rate, number
from nanograd.tensors import Tensor

__all__ = ["NAdam"]


class NAdam(Adaptive):
    """p ← p - lr m̂ / (√v̂ + eps),  m̂ = μₜ₊₁ m / (1 - Π₁ᵗ⁺¹ μ) + (1-μₜ) g / (1 - Π₁ᵗ μ)   (Dozat, 2016, algorithm 2)

    m, v and v̂ are Adam's; μₜ = β₁ (1 - 0.96^(t ψ) / 2) with ψ = ``momentum_decay``.  ``weight_decay`` adds decay p to
    g, or, if decoupled, shrinks p by lr · decay; ``maximize`` steps upwards.  Raises ValueError for numbers out of
    range, TypeError for what is no number.
    """

    _numbers = ("step", "mu_product")
    _own_numbers = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        expect_not_negative(momentum_decay, "momentum_decay value")
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """m and v."""
        return ("exp_avg", "exp_avg_sq")

    def first(self, name: str, p: Tensor, group: Group) -> Tensor:
        """The product of no μ is 1."""
        return number(1.0) if name == "mu_product" else super().first(name, p, group)

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.nadam, in its order."""
        lr, (beta1, beta2), decay = float(group["lr"]), group["betas"], float(group["weight_decay"])
        decoupled, psi = group["decoupled_weight_decay"], group["momentum_decay"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * psi))
        following = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * psi))
        product = state["mu_product"].array
        so_far = k.put(product, product.item() * mu)
        return k.nadam, (
            0.0 if decoupled else decay,
            -1.0 if group["maximize"] else 1.0,
            1 - beta1,
            beta2,
            1 - beta2,
            1 - beta2**t,
            float(group["eps"]),
            lr * (1 - mu) / (1 - so_far),
            lr * following / (1 - so_far * following),
            1 - lr * decay if decoupled else 1.0,
        )
