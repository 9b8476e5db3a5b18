"""Names by which torch programs ask for speed or exactness; here they change nothing, and say so."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "get_deterministic_debug_mode", "get_float32_matmul_precision",
    "is_autocast_cpu_enabled", "is_autocast_enabled", "is_deterministic_algorithms_warn_only_enabled",
    "set_deterministic_debug_mode", "set_float32_matmul_precision",
    "set_flush_denormal", "use_deterministic_algorithms",
]  # fmt: skip

_PRECISIONS = ("highest", "high", "medium")
_MODES = ("default", "warn", "error")
_chosen: dict[str, Any] = {"precision": "highest", "deterministic": False, "warn_only": False}


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
    """Accepted: products of float32 are always computed in float32.  Warns of an unknown word, as torch does."""
    if precision in _PRECISIONS:
        _chosen["precision"] = precision
        return
    warnings.warn(
        f"{precision} is not one of 'highest', 'high', or 'medium'; set_float32_matmul_precision has no effect.",
        UserWarning,
        stacklevel=2,
    )


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


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 or "default", 1 or "warn", 2 or "error": accepted, as ``use_deterministic_algorithms``.

    Raises RuntimeError for another number or word.
    """
    mode = _MODES.index(debug_mode) if debug_mode in _MODES else debug_mode
    if mode not in (0, 1, 2):
        raise RuntimeError(
            f"set_deterministic_debug_mode: expected 0, 1, 2, 'default', 'warn' or 'error', got {debug_mode!r}."
        )
    use_deterministic_algorithms(mode != 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """What was set, as a number."""
    return 0 if not _chosen["deterministic"] else 1 if _chosen["warn_only"] else 2


def set_flush_denormal(mode: bool) -> bool:
    """False: not supported, as torch answers where the processor cannot."""
    if mode:
        warnings.warn("set_flush_denormal: numbers below 1e-38 are kept as they are.", stacklevel=2)
    return False


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """False: ``autocast`` leaves every number in the dtype it has."""
    return False


def is_autocast_cpu_enabled() -> bool:
    """False."""
    return False
