"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.kernels import update as k
from nanograd.ops.creation import zeros_like
from nanograd.ops.writing import written
from nanograd.optim.optimizer import Group, Optimizer, accept_switches, expect_not_negative, expect_rate
from nanograd.tensors import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
    """b ← momentum b + (1 - dampening) (g + decay p);  p ← p - lr b

    The first b is g + decay p.  ``nesterov`` steps along g + decay p + momentum b (Sutskever et al., 2013, section 2,
    in torch's form), ``maximize`` upwards.  Raises ValueError for numbers out of range, TypeError for what
    is no number.

    >>> p = torch.tensor([1.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> torch.optim.SGD([p], lr=0.1).step()
    >>> p
    tensor([0.8000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        expect_rate(lr)
        expect_not_negative(momentum, "momentum value")
        expect_not_negative(weight_decay, "weight_decay value")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused,
        )  # fmt: skip
        accept_switches(defaults)
        super().__init__(params, defaults)

    def update(self, group: Group) -> None:
        """One kernel call per tensor."""
        numbers = (float(group["lr"]), float(group["weight_decay"]), -1.0 if group["maximize"] else 1.0)
        momentum = group["momentum"]
        if momentum:
            self._update_with_momentum(group, numbers, momentum)
            return
        for p in group["params"]:
            g = p._grad
            if g is not None:
                k.sgd(p.array, g.array, numbers)
                written(p)

    def _update_with_momentum(self, group: Group, numbers: tuple[float, ...], momentum: float) -> None:
        kernel = k.sgd_nesterov if group["nesterov"] else k.sgd_momentum
        first, later = (*numbers, momentum, 1.0), (*numbers, momentum, 1.0 - group["dampening"])
        for p in group["params"]:
            g = p._grad
            if g is None:
                continue
            state = self.state[p]
            buf = state.get("momentum_buffer")
            if buf is None:
                buf = state["momentum_buffer"] = zeros_like(p)
                kernel(p.array, g.array, buf.array, first)
            else:
                kernel(p.array, g.array, buf.array, later)
            written(p)
