"""Adam, and AdamW, whose weight decay is not part of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.optim.adaptive import Adaptive, State
from nanograd.optim.optimizer import Group, accept_switches, expect, expect_not_negative, expect_rate
from nanograd.tensors import Tensor

__all__ = ["Adam", "AdamW", "expect_betas"]


def expect_betas(betas: tuple[Any, Any]) -> tuple[float, float]:
    """The two decay rates as numbers.  Raises ValueError outside [0, 1), and where one is a tensor and one is not."""
    for i, beta in enumerate(betas):
        expect(0.0 <= beta < 1.0, f"beta parameter at index {i}", beta)
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
    first, second = (beta.item() if isinstance(beta, Tensor) else beta for beta in betas)
    return first, second


class Adam(Adaptive):
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  p ← p - lr m̂ / (√v̂ + eps)   (Kingma and Ba, 2015, algorithm 1)

    m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ) correct for their start at 0.  ``weight_decay`` adds decay p to g, or, if
    decoupled, shrinks p by lr · decay.  ``amsgrad`` uses the greatest v so far, ``maximize`` steps upwards.
    Raises ValueError for numbers out of range, TypeError for what is no number.

    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> torch.optim.Adam([p], lr=0.1).step()
    >>> p
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
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
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        expect_rate(lr)
        expect_not_negative(eps, "epsilon value")
        betas = expect_betas(betas)
        expect_not_negative(weight_decay, "weight_decay value")
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize,
            foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def arrays(self, group: Group) -> tuple[str, ...]:
        """m, v and, for amsgrad, the greatest v."""
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The numbers of kernels.update.adam, in its order."""
        lr, (beta1, beta2), decay = float(group["lr"]), group["betas"], float(group["weight_decay"])
        decoupled = group["decoupled_weight_decay"]
        return k.adam_amsgrad if group["amsgrad"] else k.adam, (
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
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
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
