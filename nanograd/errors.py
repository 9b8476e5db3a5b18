"""The errors of nanograd: torch's classes, or subclasses of both torch's class and the apter one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["DTypeError", "DeviceError", "GradError", "LinAlgError", "MissingError", "ShapeError", "did_you_mean"]


class ShapeError(RuntimeError, ValueError):
    """Shapes, sizes or dimensions that do not fit."""


class DTypeError(RuntimeError, TypeError):
    """A dtype that an operation cannot take."""


class DeviceError(RuntimeError):
    """A device that is unknown, absent, or mixed with another."""


class GradError(RuntimeError):
    """A gradient that was asked for and cannot be given."""


class LinAlgError(RuntimeError):
    """A matrix that is singular, not positive-definite or not finite, where it may not be."""


class MissingError(NotImplementedError):
    """Something that nanograd does not have."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A closing sentence that names the nearest known name, or nothing.

    >>> did_you_mean("relue", ["relu", "tanh"])
    " Did you mean 'relu'?"
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
