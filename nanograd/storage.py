"""Storage: memory that several tensors may share, and when it was last written."""

from __future__ import annotations

import itertools
import sys

__all__ = ["Storage", "tick"]

tick = itertools.count(1).__next__
"""The one clock: it numbers the nodes of the tape and the writes to storages, so the two can be compared."""


class Storage:
    """Memory shared by a tensor and its views.

    ``written`` is the moment of the last in-place write, ``recorded`` the moments of those that the tape recorded.
    A tensor gets a storage only when it is first viewed or written: until then nothing shares its memory and nothing
    was written.
    """

    __slots__ = ("recorded", "written")

    def __init__(self) -> None:
        self.written = 0
        self.recorded: list[int] = []

    def shared(self) -> bool:
        """Whether more than one living tensor holds this storage."""
        return sys.getrefcount(self) > _ALONE


def _references_when_alone() -> int:
    """What ``shared`` counts for a storage that one tensor holds; it depends on the interpreter."""
    counted = 0

    class Probe(Storage):
        __slots__ = ()

        def shared(self) -> bool:
            nonlocal counted
            counted = sys.getrefcount(self)
            return False

    class Holder:
        storage = Probe()

    holder = Holder
    holder.storage.shared()
    return counted


_ALONE = _references_when_alone()
