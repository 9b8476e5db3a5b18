"""Names by which torch programs ask for speed or exactness; here they change nothing, and say so."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "get_float32_matmul_precision",
    "is_deterministic_algorithms_warn_only_enabled", "set_float32_matmul_precision", "set_flush_denormal",
    "use_deterministic_algorithms",
]  # fmt: skip

_PRECISIONS = ("highest", "high", "medium")
_chosen = {"precision": "highest", "deterministic": False, "warn_only": False}


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The function or module as it is: the kernels of nanograd are compiled already.

    Also as a decorator, with and without arguments.
    """
    return model if model is not None else lambda function: function


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: products of float32 are always computed in float32.  Raises ValueError for an unknown word."""
    if precision not in _PRECISIONS:
        raise ValueError(f"set_float32_matmul_precision: expected one of {_PRECISIONS}, got {precision!r}.")
    _chosen["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What was set."""
    return str(_chosen["precision"])


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: on the CPU every operation gives the same numbers for the same input."""
    _chosen["deterministic"], _chosen["warn_only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What was set."""
    return bool(_chosen["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What was set."""
    return bool(_chosen["warn_only"])


def set_flush_denormal(mode: bool) -> bool:
    """False: not supported, as torch answers where the processor cannot."""
    if mode:
        warnings.warn("set_flush_denormal: numbers below 1e-38 are kept as they are.", stacklevel=2)
    return False
