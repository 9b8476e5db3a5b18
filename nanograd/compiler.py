"""What torch programs say to its compiler, of which nanograd has no need: functions stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nanograd.switches import compile

__all__ = [
    "allow_in_graph",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "reset",
]


def is_compiling() -> bool:
    """False: Python runs as it is."""
    return False


is_dynamo_compiling = is_compiling


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function as it is."""
    return fn if fn is not None else lambda function: function


def allow_in_graph(fn: Any) -> Any:
    """The function as it is."""
    return fn


def reset() -> None:
    """Nothing to forget."""


def cudagraph_mark_step_begin() -> None:
    """Nothing to mark."""


def __getattr__(name: str) -> Any:
    from nanograd.absent import missing

    return missing("compiler", name, __all__)
