"""Where a warning belongs."""

from __future__ import annotations

import sys

__all__ = ["outside"]


def outside() -> int:
    """The stacklevel of a warning that points at the code which called this package; for the caller of this."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("nanograd."):
        level, frame = level + 1, frame.f_back
    return level
