"""Prefetching: the loader's side of its workers."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import select
import signal
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
import numpy.random  # (now, and not in every worker)

from nanograd.utils.data.sharing import Channel, Lost, Memory
from nanograd.utils.data.worker import PATIENCE, Job, Outcome, Task, work

__all__ = ["Prefetcher", "base_seed", "default_context"]


def default_context() -> Any:
    """How workers start unless the user says otherwise: as they have set, by fork on Linux, else as the platform does.

    Forked workers have all that the script has, also where it has no ``__main__`` guard or uses local classes.
    """
    chosen = multiprocessing.get_start_method(allow_none=True)
    return multiprocessing.get_context("fork" if chosen is None and sys.platform == "linux" else chosen)


def base_seed(seed: int, offset: int) -> int:
    """The seed of worker 0, from the place of a generator; the workers after it have the numbers that follow."""
    return int(np.random.SeedSequence([seed, offset]).generate_state(1, np.uint64)[0]) >> 2


class Prefetcher(Iterator[Any]):
    """The batches of a data set, made by workers ahead of time.

    Worker after worker gets a task until each holds ``prefetch`` of them; a batch that is taken makes room for one.
    ``start`` begins an epoch; ``orders`` are what the tasks are made of.
    """

    def __init__(
        self, job: Job, context: Any, prefetch: int, timeout: float, in_order: bool, persistent: bool, orders: Any
    ) -> None:
        if multiprocessing.current_process().daemon:
            raise RuntimeError(
                "DataLoader: a worker of a loader cannot have workers of its own. Use num_workers=0 inside a data set."
            )
        self._prefetch = prefetch
        self._timeout = timeout
        self._in_order = in_order
        self._persistent = persistent
        self._spawned = context.get_start_method() != "fork"
        self._workers: list[_Worker] = []
        self._finish = weakref.finalize(self, _stop, self._workers, os.getpid())
        self._owner = os.getpid()
        self._epoch = 0
        try:
            for number in range(job.num_workers):
                self._workers.append(_Worker(context, job, number, prefetch))
            self._waiter = _Waiter(self._workers)
            self.start(orders)
        except BaseException:
            self.close()
            raise

    def start(self, orders: Any) -> None:
        """Begin an epoch, whatever is left of the one before."""
        self._epoch += 1
        self._orders: Iterator[Any] | None = iter(orders)
        self._sent = self._given = 0
        self._holder: dict[int, _Worker] = {}  # who makes which batch
        self._arrived: dict[int, tuple[str, Callable[[], Any]]] = {}
        self._turn = 0
        for worker in self._workers:
            worker.tell(Task(self._epoch, None))
            worker.held, worker.ended = 0, False
        while any(worker.unanswered for worker in self._workers):
            self._receive(None)
        self._hand_out()

    @property
    def alive(self) -> bool:
        """Whether it can begin another epoch."""
        return bool(self._finish.alive)

    def __next__(self) -> Any:
        deadline = time.monotonic() + self._timeout if self._timeout > 0 else None
        while self._given < self._sent:
            kind, load = self._take(deadline)
            self._hand_out()
            if kind == "failure":
                raise load().exception()
            if kind == "batch":
                return load()
        if not self._persistent:
            self.close()
        raise StopIteration

    def _take(self, deadline: float | None) -> tuple[str, Callable[[], Any]]:
        """The next answer: in order that of the next number, else whichever is there."""
        number = self._given if self._in_order else next(iter(self._arrived), -1)
        while number not in self._arrived:
            self._receive(deadline)
            if not self._in_order:
                number = next(iter(self._arrived), -1)
        kind, load = self._arrived.pop(number)
        self._given += 1
        worker = self._holder.pop(number)
        worker.held -= 1
        worker.ended = worker.ended or kind == "end"
        return kind, load

    def _hand_out(self) -> None:
        """Give the workers, in turn, as many tasks as they may hold."""
        while self._orders is not None and (worker := self._next_worker()) is not None:
            try:
                order = next(self._orders)
            except StopIteration:
                self._orders = None
                return
            worker.tell(Task(self._epoch, self._sent, order))
            worker.held += 1
            self._holder[self._sent] = worker
            self._sent += 1

    def _next_worker(self) -> _Worker | None:
        count = len(self._workers)
        for turn in range(self._turn, self._turn + count):
            worker = self._workers[turn % count]
            if not worker.ended and worker.held < self._prefetch:
                self._turn = (turn + 1) % count
                return worker
        return None

    def _receive(self, deadline: float | None) -> None:
        """Wait until something arrives, and take it in."""
        if os.getpid() != self._owner:
            raise RuntimeError("DataLoader: this iterator belongs to the process that began it. Begin one here.")
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = self._waiter.wait(remaining)
        if not ready:
            self._given = self._sent
            self.close()
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        for worker in ready:
            try:
                label, load = worker.channel.receive()
            except Lost:
                self._report_lost(worker)
            outcome = Outcome(*label)
            worker.unanswered -= 1
            if outcome.epoch == self._epoch and outcome.kind != "stale":
                self._arrived[outcome.number] = outcome.kind, load

    def _report_lost(self, lost: _Worker) -> None:
        lost.process.join(PATIENCE)
        dead = [w for w in self._workers if w is lost or w.process.exitcode is not None]
        words = [f"worker {w.number} {_cause(w.process.exitcode)}" for w in dead]
        pids = ", ".join(str(w.process.pid) for w in dead)
        self._given = self._sent
        self.close()
        hint = "Run with num_workers=0 to see what happens."
        if self._spawned:
            hint += " Workers that are not forked import the script: its own code must stand under if __name__ == "
            hint += "'__main__'."
        raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly: {', '.join(words)}. {hint}")

    def close(self) -> None:
        """Stop the workers."""
        self._finish()


def _cause(code: int | None) -> str:
    if code is None:
        return "closed its end"
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


class _Worker:
    """A worker, seen from its parent."""

    def __init__(self, context: Any, job: Job, number: int, slots: int) -> None:
        self.number = number
        self.held = 0  # tasks of this epoch whose batch was not given out
        self.unanswered = 0
        self.ended = False  # its copy of an iterable data set
        self.memory = Memory.of(slots)
        with _starting, ExitStack() as ends:
            answers, answer = context.Pipe(duplex=False)
            tasks, self.tasks = context.Pipe(duplex=False)
            ends.callback(tasks.close)
            ends.callback(answer.close)
            self.channel = Channel(answers, self.memory)
            _parents.add(self)
            self.process: BaseProcess = context.Process(
                target=work, args=(job, number, tasks, Channel(answer, self.memory)), daemon=True
            )
            self._start(context.get_start_method())

    def _start(self, method: str) -> None:
        try:
            with _safely(method):
                self.process.start()
        except BaseException as error:
            self.close()
            if isinstance(error, (pickle.PicklingError, AttributeError, TypeError)):
                error.add_note(
                    "DataLoader: workers that are not forked get the data set, collate_fn and worker_init_fn by "
                    "pickle. Define classes and functions at the top level of a module, and no lambdas."
                )
            raise

    def tell(self, task: Task) -> None:
        """Send a task; one that is gone will be noticed where its answer is awaited."""
        with suppress(OSError):
            self.tasks.send_bytes(pickle.dumps(tuple(task), 5))
        self.unanswered += task.number is not None

    def let_go(self) -> None:
        """Close the parent's ends: what the worker sees as the end of its parent."""
        for end in (self.tasks, self.channel.connection):
            with suppress(OSError):
                end.close()

    def close(self) -> None:
        """Give back all that it held, but its process."""
        self.let_go()
        if self.memory is not None:
            self.memory.close()
            self.memory = None


class _Waiter:
    """Waits for whichever worker has something to say."""

    def __init__(self, workers: list[_Worker]) -> None:
        self._workers = {worker.channel.connection.fileno(): worker for worker in workers}
        self._poll = select.poll() if hasattr(select, "poll") else None  # there is none on Windows
        if self._poll is not None:
            for number in self._workers:
                self._poll.register(number, select.POLLIN)

    def wait(self, seconds: float | None) -> list[_Worker]:
        """The workers that can be heard, none after so many seconds."""
        if self._poll is not None:
            found = self._poll.poll(None if seconds is None else seconds * 1000)
            return [self._workers[number] for number, _ in found]
        by_connection: Any = {worker.channel.connection: worker for worker in self._workers.values()}
        return [by_connection[c] for c in connection.wait(list(by_connection), seconds)]


def _stop(workers: list[_Worker], owner: int) -> None:
    """Stop workers; they have a moment to do so by themselves."""
    if os.getpid() != owner:  # a forked child has a copy of the loader, but the workers are not its own
        return
    for worker in workers:
        worker.let_go()
    deadline = time.monotonic() + PATIENCE
    try:
        for worker in workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
    finally:
        for worker in workers:
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
            worker.close()


_starting = threading.Lock()  # one at a time: a worker that is forked meanwhile would hold the ends of another
_parents: weakref.WeakSet[_Worker] = weakref.WeakSet()
_held_lock: Any = None


@contextmanager
def _safely(method: str) -> Iterator[None]:
    """What must hold while a worker starts."""
    global _held_lock
    with ExitStack() as held:
        if method != "forkserver" and hasattr(signal, "pthread_sigmask"):
            # A Ctrl-C in a worker that does not yet ignore it would show a traceback: it waits until then.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            held.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
        if method == "fork" and (compiling := sys.modules.get("numba.core.compiler_lock")):
            # Were another thread compiling at this moment, its lock would stay locked in the worker forever.
            _held_lock = compiling.global_compiler_lock
            held.enter_context(_held_lock)
        if method == "fork" and sys.version_info >= (3, 12):
            held.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", r".*multi-threaded, use of fork\(\)", DeprecationWarning)
        yield
    _held_lock = None


def _in_forked_child() -> None:
    """Close the ends of all loaders, or their workers would not notice that their parent is gone."""
    global _starting, _held_lock
    for worker in list(_parents):
        worker.let_go()
    _starting = threading.Lock()
    if _held_lock is not None:
        with suppress(RuntimeError):  # another thread's
            _held_lock.release()
        _held_lock = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
