"""Threads: one setting for all, and never two pools at work on the same cores.

Matrix products use the threads of the BLAS that comes with NumPy.  Compiled kernels are serial; one whose loop is long
divides it with ``split`` among as many threads, while BLAS is held to one.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np

__all__ = ["get_num_interop_threads", "get_num_threads", "set_num_interop_threads", "set_num_threads"]

_int = int  # torch's name of a parameter hides it


@cache
def _blas(verb: str) -> Any:
    """``get`` or ``set`` of the number of threads in NumPy's OpenBLAS; None for another BLAS."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(np.linalg._umath_linalg.__file__)
        for name in (f"scipy_openblas_{verb}_num_threads64_", f"scipy_openblas_{verb}_num_threads"):
            if hasattr(library, name):
                return getattr(library, name)
    return None


def set_num_threads(int: int) -> None:
    """Let matrix products and long loops use so many threads from now on.  Raises RuntimeError for less than one.

    It changes NumPy's own OpenBLAS; for another BLAS, set OMP_NUM_THREADS before Python starts.
    """
    if not isinstance(int, _int) or int < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {int!r}.")
    change = _blas("set")
    if change is not None:
        change(int)


def get_num_threads() -> int:
    """How many threads matrix products and long loops use."""
    ask = _blas("get")
    return _int(ask()) if ask is not None else _int(os.environ.get("OMP_NUM_THREADS", "1"))


def set_num_interop_threads(int: int) -> None:
    """Accepted: operations run one after another.  Raises RuntimeError for less than one."""
    if not isinstance(int, _int) or int < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, got {int!r}.")


def get_num_interop_threads() -> int:
    """1: operations run one after another."""
    return 1


# Long loops


def split(n: int, run: Callable[[int, int], object], least: int = 1) -> None:
    """``run(start, stop)`` for parts of range(n) that make up all of it, each in a thread of its own.

    ``run`` calls compiled kernels, which let other threads go on, and writes for each number a place of its own: then
    the result does not depend on how many threads there are.  A part has at least ``least`` numbers; choose it so that
    a part takes a tenth of a millisecond or more, for waking a thread takes a third of that.

    Where the threads are taken (inside another ``split``, or by another thread) and in forked processes, such as the
    workers of a DataLoader, the calling thread does everything.  Raises what ``run`` raises, after all parts ended.

    >>> found = [0] * 5
    >>> def run(start, stop):
    ...     for i in range(start, stop):
    ...         found[i] = i * i
    >>> split(5, run)
    >>> found
    [0, 1, 4, 9, 16]
    """
    count = min(get_num_threads(), n // least) if n >= 2 * least else 1
    if count < 2 or _team.forked or not _team.free.acquire(blocking=False):
        if n:
            run(0, n)
        return
    hold, threads = _blas("set"), get_num_threads()
    try:
        if hold is not None:
            hold(1)
        _team.work([(run, i * n // count, (i + 1) * n // count) for i in range(count)])
    finally:
        if hold is not None:
            hold(threads)
        _team.free.release()


Part = tuple[Callable[[int, int], object], int, int]


class _Team:
    """Threads that wait for parts of loops; they are made when they are first needed."""

    def __init__(self, forked: bool = False) -> None:
        self.forked = forked
        self.free = threading.Lock()
        self.members: list[SimpleQueue[tuple[Part, SimpleQueue[BaseException | None]]]] = []

    def work(self, parts: list[Part]) -> None:
        """Do the first part here, the others there, and wait for them."""
        while len(self.members) < len(parts) - 1:
            self.members.append(SimpleQueue())
            waits = threading.Thread(target=_wait_for_parts, args=(self.members[-1],), name="nanograd", daemon=True)
            waits.start()
        ended: SimpleQueue[BaseException | None] = SimpleQueue()
        for member, part in zip(self.members, parts[1:], strict=False):
            member.put((part, ended))
        run, start, stop = parts[0]
        failures: list[BaseException | None] = []
        try:
            run(start, stop)
        finally:  # the arrays are in use until all have ended
            failures += [ended.get() for _ in parts[1:]]
        for failure in failures:
            if failure is not None:
                raise failure


def _wait_for_parts(given: SimpleQueue[tuple[Part, SimpleQueue[BaseException | None]]]) -> None:
    while True:
        (run, start, stop), ended = given.get()
        failure: BaseException | None = None
        try:
            run(start, stop)
        except BaseException as error:
            failure = error
        ended.put(failure)
        del run, failure  # what they hold would live until the next part


_team = _Team()


def _after_fork() -> None:
    global _team
    _team = _Team(forked=True)  # the threads are not in this process, and the lock may be held by one


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
