"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanograd.ops.joining import cat
from nanograd.tensors import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters one after the other, as a vector through which gradients flow."""
    vector: Tensor = cat([p.reshape(-1) for p in parameters])
    return vector


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Give the parameters, in order, the values (and the dtype) of the parts of a vector: copies.

    Raises TypeError for what is not a tensor, ValueError unless the sizes add up.
    """
    given = list(parameters)
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    need = sum(p.numel() for p in given)
    if vec.shape != (need,):
        raise ValueError(f"vector_to_parameters: expected a vector of {need} elements, got shape {tuple(vec.shape)}.")
    start, values = 0, vec.detach()
    for p in given:
        p.data = values[start : start + p.numel()].reshape(p.shape).clone()
        start += p.numel()
