"""Gradients cut to size before a step."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from nanograd.ops.creation import tensor
from nanograd.ops.joining import stack
from nanograd.tape import no_grad
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not given and isinstance(parameters, Iterator):
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur: was model.parameters() used up "
            "before?",
            stacklevel=outside(),
        )
    return [p.grad for p in given if p.grad is not None]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors as if they were one vector: (Σ |x|ᵖ)^(1/p); the greatest |x| for p = inf.

    Raises RuntimeError for inf or NaN if ``error_if_nonfinite``.
    """
    order = float(norm_type)
    given = [t for t in ([tensors] if isinstance(tensors, Tensor) else tensors) if t.numel()]
    if not given:
        return tensor(0.0)
    with no_grad():
        total = stack([t.norm(order).to(given[0].device) for t in given]).norm(order)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it cannot be clipped. "
            "To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`. To mend it, look for the step at which a loss or gradient became inf or nan."
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients by max_norm / (total_norm + 1e-6) where that is below 1."""
    _scale(_gradients(parameters), max_norm, total_norm)


def _scale(grads: list[Tensor], max_norm: float, total: Tensor) -> None:
    with no_grad():
        scale = (float(max_norm) / (total + 1e-6)).clamp(max=1.0)
        for g in grads:
            g.mul_(scale.to(g.device))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by max_norm / norm where their common norm is larger; the norm before that is returned.

    Raises RuntimeError for a norm that is inf or NaN if ``error_if_nonfinite``.

    >>> p = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> nn.utils.clip_grad_norm_([p], max_norm=1.0)
    tensor(10.)
    >>> p.grad
    tensor([0.6000, 0.8000])
    """
    grads = _gradients(parameters)
    total = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    _scale(grads, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of ``clip_grad_norm_``."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=outside(),
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: Any, foreach: bool | None = None) -> None:
    """Cut every gradient element off at ± clip_value."""
    bound = float(clip_value)
    with no_grad():
        for g in _gradients(parameters):
            g.clamp_(-bound, bound)
