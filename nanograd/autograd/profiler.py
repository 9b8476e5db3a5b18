"""torch's older path to ``nanograd.profiler``."""

from __future__ import annotations

from typing import Any

from nanograd import profiler
from nanograd.profiler import record_function

__all__ = ["profile", "record_function"]


class profile(profiler.profile):
    """As ``nanograd.profiler.profile``; where ``enabled`` is False, nothing is measured."""

    def __init__(self, enabled: bool = True, **accepted: Any) -> None:
        super().__init__(**accepted)
        self._enabled = enabled

    def start(self) -> None:
        """Begin to measure; ``with`` does it."""
        if self._enabled:
            super().start()
