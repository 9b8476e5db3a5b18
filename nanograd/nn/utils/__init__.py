"""Gradient clipping and flat views of parameters: torch's path ``nn.utils``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from nanograd.ops.creation import zeros
from nanograd.ops.shape import cat, stack
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "get_total_norm", "parameters_to_vector", "vector_to_parameters"]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in given if p.grad is not None]


def get_total_norm(tensors: Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """The norm of all tensors as if they were one vector."""
    with no_grad():
        norms = [t.norm(norm_type) for t in tensors]
        total = stack(norms).norm(norm_type) if norms else zeros(())
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. Look for the step at which a loss or gradient became inf or nan."
        )
    return total


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by max_norm / norm where their common norm is larger; the norm before that is returned."""
    grads = _gradients(parameters)
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    with no_grad():
        scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for g in grads:
            g.mul_(scale)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Cut every gradient element off at ± clip_value."""
    with no_grad():
        for g in _gradients(parameters):
            g.clamp_(-float(clip_value), float(clip_value))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters one after the other, as a vector."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Write the parts of a vector into the parameters, in order.  Raises ValueError unless the sizes add up."""
    given = list(parameters)
    need = sum(math.prod(p.shape) for p in given)
    if not isinstance(vec, Tensor) or vec.shape != (need,):
        got = vec.shape if isinstance(vec, Tensor) else type(vec).__name__
        raise ValueError(f"vector_to_parameters: expected a vector of {need} elements, got {got}.")
    start = 0
    with no_grad():
        for p in given:
            size = math.prod(p.shape)
            p.copy_(vec[start : start + size].reshape(p.shape))
            start += size
