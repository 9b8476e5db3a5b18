"""RMSprop: the gradient over the root of its recent mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect_not_negative, expect_rate
from nanograd.tensors import Tensor

__all__ = ["RMSprop"]


class RMSprop(Adaptive):
    """v ← α v + (1-α) g²;  p ← p - lr g / (√v + eps)   (Hinton, 2012, Neural Networks, lecture 6)

    ``momentum`` keeps b ← momentum b + g / (√v + eps) and steps along b; ``centered`` takes the square of the mean
    gradient from v, which leaves its variance (Graves, 2013, equations 38 to 45).  ``weight_decay`` adds decay p to g,
    ``maximize`` steps upwards.  Raises ValueError for numbers out of
    range, TypeError for what is no number.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        expect_rate(lr)
        expect_not_negative(eps, "epsilon value")
        expect_not_negative(momentum, "momentum value")
        expect_not_negative(weight_decay, "weight_decay value")
        expect_not_negative(alpha, "alpha value")
        defaults = dict(
            lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
            capturable=capturable, foreach=foreach, maximize=maximize, differentiable=differentiable,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """v, b and the mean gradient, as far as they are needed."""
        return (
            "square_avg",
            *(("momentum_buffer",) if group["momentum"] > 0 else ()),
            *(("grad_avg",) if group["centered"] else ()),
        )

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.rmsprop, in its order; momentum last."""
        alpha, momentum = float(group["alpha"]), float(group["momentum"])
        numbers = (
            float(group["lr"]),
            float(group["weight_decay"]),
            -1.0 if group["maximize"] else 1.0,
            alpha,
            1 - alpha,
            float(group["eps"]),
        )
        if momentum > 0:
            return k.rmsprop_centered_momentum if group["centered"] else k.rmsprop_momentum, (*numbers, momentum)
        return k.rmsprop_centered if group["centered"] else k.rmsprop, numbers
