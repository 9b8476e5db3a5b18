"""Rprop: steps that look at the gradient's sign alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.ops.creation import full_like
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect, expect_rate
from nanograd.tensors import Tensor

__all__ = ["Rprop"]


class Rprop(Adaptive):
    """s ← s · (η₊ where g kept its sign, η₋ where it turned);  p ← p - s sign(g)   (Riedmiller and Braun, 1993)

    Every element has a step size s of its own, which begins with lr and stays within ``step_sizes``; ``etas`` is
    (η₋, η₊).  Where g turned, the element rests for a step.  Made for full batches: the noise of small ones turns
    signs.  ``maximize`` steps upwards.  Raises ValueError for numbers out of
    range, TypeError for what is no number.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        expect_rate(lr)
        expect(0.0 < etas[0] < 1.0 < etas[1], "eta values", f"{etas[0]}, {etas[1]}")
        defaults = dict(
            lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """The gradient of before and s."""
        return ("prev", "step_size")

    def first(self, name: str, p: Tensor, group: Group) -> Tensor:
        """s begins with lr."""
        return full_like(p, float(group["lr"])) if name == "step_size" else super().first(name, p, group)

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.rprop, in its order."""
        return k.rprop, (-1.0 if group["maximize"] else 1.0, *group["etas"], *group["step_sizes"])
