"""Gradients cut to size, parameters as a vector, weights computed from others: torch's path ``nn.utils``."""

from typing import Any

from nanograd.absent import missing as _missing
from nanograd.nn.utils import parametrizations, parametrize, rnn
from nanograd.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from nanograd.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from nanograd.nn.utils.normalized import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm

__all__ = [
    "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm",
    "parameters_to_vector", "parametrizations", "parametrize", "remove_spectral_norm", "remove_weight_norm", "rnn",
    "spectral_norm", "vector_to_parameters", "weight_norm",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return _missing("nn.utils", name, __all__)
