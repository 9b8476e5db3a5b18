"""Storage: memory that several tensors may share, and when it was last written."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["Storage", "Storages", "tick"]

tick = itertools.count(1).__next__
"""The one clock: it numbers the nodes of the tape and the writes to storages, so the two can be compared."""


class Storage:
    """Memory shared by a tensor and its views.

    ``written`` is the moment of the last in-place write.  ``recorded`` lists what the tape recorded of them: since
    which moment the whole memory has come from which (weak reference to the node, output index).  A tensor gets a
    storage only when it is first viewed or written: until then nothing shares its memory and nothing was written.
    """

    __slots__ = ("recorded", "written")

    def __init__(self) -> None:
        self.written = 0
        self.recorded: list[tuple[int, Callable[[], Any], int]] = []

    def held_by_more_than(self, tensors: int) -> bool:
        """Whether more living tensors than so many hold this storage."""
        return sys.getrefcount(self) >= _ALONE + tensors


class Storages:
    """The memories that the outputs of one node look at."""

    __slots__ = ("each",)

    def __init__(self, each: list[Storage | None]) -> None:
        self.each = [storage for storage in each if storage is not None]

    @property
    def recorded(self) -> list[tuple[int, Callable[[], Any], int]]:
        """What the tape recorded of writes into any of them, in order."""
        return sorted((write for storage in self.each for write in storage.recorded), key=lambda write: write[0])


def _references_when_alone() -> int:
    """What ``held_by_more_than`` counts for a storage that one tensor holds; it depends on the interpreter."""
    counted = 0

    class Probe(Storage):
        __slots__ = ()

        def held_by_more_than(self, tensors: int) -> bool:
            nonlocal counted
            counted = sys.getrefcount(self)
            return False

    class Holder:
        storage = Probe()

    holder = Holder
    holder.storage.held_by_more_than(1)
    return counted


_ALONE = _references_when_alone()
