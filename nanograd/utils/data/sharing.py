"""Sharing: how a batch crosses from a worker to its parent.

Everything in a batch but large arrays travels as a message through a pipe.  Large arrays are written to memory that
both processes see and copied out by the parent, so what the user gets is ordinary memory of their own.  The memory
has no name: nothing is left of it when both processes are gone, however they went.
"""

from __future__ import annotations

import mmap
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["Channel", "Lost", "Memory"]

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

LARGE = 2048  # bytes from which an array leaves the message
ALIGNMENT = 64
SPACING = 1 << 40  # from slot to slot in the file, of which only what was written takes memory
PAGE = mmap.ALLOCATIONGRANULARITY


class Memory:
    """Slots of memory, without a name, that two processes see: a file that exists in memory alone."""

    def __init__(self, slots: int, fd: int | None = None) -> None:
        if fd is None:
            fd = os.memfd_create("nanograd-batches")
            os.ftruncate(fd, slots * SPACING)
        self.fd = fd
        self.slots = slots
        self._maps: list[Bytes] = [np.empty(0, np.uint8)] * slots

    @staticmethod
    def of(slots: int) -> Memory | None:
        """Memory with so many slots, or None where the system has no such files."""
        if not hasattr(os, "memfd_create") or sys.maxsize < 2**32:
            return None
        with suppress(OSError):  # a sandbox may forbid it, or limit the size of files
            return Memory(slots)
        return None

    def __reduce__(self) -> Any:
        from multiprocessing.reduction import DupFd  # not on Windows, where there is no such memory either

        return _attached, (self.slots, DupFd(self.fd))

    def slot(self, number: int, size: int) -> Bytes:
        """The bytes of a slot, at least ``size`` of them."""
        found = self._maps[number]
        if found.size < size:
            found = np.frombuffer(mmap.mmap(self.fd, _room(size), offset=number * SPACING), np.uint8)
            self._maps[number] = found
        return found

    def reserve(self, number: int, size: int) -> Bytes:
        """As ``slot``, for writing.  Raises OSError where there is no memory, which writing would die of."""
        if self._maps[number].size < size:
            os.posix_fallocate(self.fd, number * SPACING, _room(size))
        return self.slot(number, size)

    def close(self) -> None:
        """Let go of it."""
        self._maps.clear()
        os.close(self.fd)


def _room(size: int) -> int:
    """Whole pages, a quarter more than asked: ragged batches should not need new memory for each record size."""
    return -(-size * 5 // 4 // PAGE) * PAGE


def _attached(slots: int, duplicate: Any) -> Memory:
    return Memory(slots, duplicate.detach())


class Lost(Exception):
    """The process at the other end is gone."""


class Channel:
    """One end of the way from a worker to its parent: ``send`` there, ``receive`` here.

    The n-th message of both ends uses the n-th slot, modulo their number: the parent never asks for more batches
    than there are slots before it has read the first.
    """

    def __init__(self, connection: Connection, memory: Memory | None) -> None:
        self.connection = connection
        self.memory = memory
        self.count = 0

    def send(self, label: Any, value: Any) -> None:
        """Send ``label`` and ``value``.  Raises what pickle raises for a value it does not take; nothing is sent."""
        large: list[memoryview] = []

        def keeps_in_message(buffer: pickle.PickleBuffer) -> bool:
            raw = buffer.raw()
            if raw.nbytes < LARGE:
                return True
            large.append(raw)
            return False

        data = pickle.dumps(value, 5, buffer_callback=keeps_in_message)
        sizes = [raw.nbytes for raw in large]
        if self.memory is not None and large:
            self._write(self.memory, large, sizes)
        self.connection.send_bytes(pickle.dumps((label, sizes, data), 5))
        self.count += 1
        if self.memory is None:
            for raw in large:
                self.connection.send_bytes(raw)

    def _write(self, memory: Memory, large: Sequence[memoryview], sizes: Sequence[int]) -> None:
        room = memory.reserve(self.count % memory.slots, sum(map(_padded, sizes)))
        start = 0
        for raw, size in zip(large, sizes, strict=True):
            room[start : start + size] = np.frombuffer(raw, np.uint8)
            start += _padded(size)

    def receive(self) -> tuple[Any, Callable[[], Any]]:
        """The next label, and what gives its value.  Raises Lost when the other end is gone."""
        try:
            message = self.connection.recv_bytes()
        except (EOFError, OSError):
            raise Lost from None
        label, sizes, data = pickle.loads(message)
        buffers = self._read(sizes) if sizes else ()
        self.count += 1
        return label, partial(pickle.loads, data, buffers=buffers)

    def _read(self, sizes: Sequence[int]) -> list[Bytes]:
        # An array each, not parts of one: whoever keeps the labels of all batches must not keep their images.
        buffers = [np.empty(size, np.uint8) for size in sizes]
        if self.memory is None:
            try:
                for buffer in buffers:
                    self.connection.recv_bytes_into(buffer)
            except (EOFError, OSError):
                raise Lost from None
            return buffers
        room = self.memory.slot(self.count % self.memory.slots, sum(map(_padded, sizes)))
        start = 0
        for buffer in buffers:
            buffer[:] = room[start : start + buffer.size]
            start += _padded(buffer.size)
        return buffers


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
