"""The course: lessons in which you build the library yourself, and the engine that writes and grades them.

Importing this package costs nothing: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nanograd.course.authoring import also_right, exercise, scenario, wrong
    from nanograd.course.judge import assert_close

__all__ = ["also_right", "assert_close", "exercise", "scenario", "wrong"]

_HOMES = {
    "also_right": "authoring",
    "assert_close": "judge",
    "exercise": "authoring",
    "scenario": "authoring",
    "wrong": "authoring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
