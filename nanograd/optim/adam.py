"""Adam, and AdamW, whose weight decay is not part of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.ops.creation import zeros_like
from nanograd.ops.op import written
from nanograd.optim.optimizer import Group, Optimizer, refuse_differentiable
from nanograd.tensors import Tensor

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  p ← p - lr m̂ / (√v̂ + eps)   (Kingma and Ba, 2015, algorithm 1)

    m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) correct for their start at 0.  ``weight_decay`` adds decay p to g, or, if
    decoupled, shrinks p by lr · decay.  ``amsgrad`` uses the greatest v so far, ``maximize`` steps upwards.
    Raises ValueError for numbers out of range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for i, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        if not weight_decay >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        refuse_differentiable(differentiable)
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize,
            foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip
        super().__init__(params, defaults)

    def update(self, group: Group) -> None:
        """One kernel call per tensor."""
        amsgrad = group["amsgrad"]
        counted = 0  # tensors of one group have nearly always taken the same number of steps
        numbers: tuple[float, ...] = ()
        for p in group["params"]:
            g = p._grad
            if g is None:
                continue
            state = self.state[p]
            if not state:
                _start(state, p)
            state["step"] += 1
            if state["step"] != counted:
                counted = state["step"]
                numbers = _numbers(group, counted)
            m, v = state["exp_avg"].array, state["exp_avg_sq"].array
            if amsgrad:
                if "max_exp_avg_sq" not in state:
                    state["max_exp_avg_sq"] = zeros_like(p)
                k.adam_amsgrad(p.array, g.array, m, v, state["max_exp_avg_sq"].array, numbers)
            else:
                k.adam(p.array, g.array, m, v, numbers)
            written(p)


def _start(state: dict[str, Any], p: Tensor) -> None:
    state["step"] = 0
    state["exp_avg"] = zeros_like(p)
    state["exp_avg_sq"] = zeros_like(p)


def _numbers(group: Group, t: int) -> tuple[float, ...]:
    """The numbers of kernels.update.adam at step t, in its order."""
    lr, (beta1, beta2), decay = float(group["lr"]), group["betas"], float(group["weight_decay"])
    decoupled = group["decoupled_weight_decay"]
    return (
        lr / (1 - beta1**t),
        0.0 if decoupled else decay,
        -1.0 if group["maximize"] else 1.0,
        beta1,
        beta2,
        1 - beta1,
        1 - beta2,
        (1 - beta2**t) ** 0.5,
        group["eps"],
        1 - lr * decay if decoupled else 1.0,
    )


class AdamW(Adam):
    """Adam whose weight decay shrinks p by lr · decay apart from the gradient  (Loshchilov and Hutter, 2019)"""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip
