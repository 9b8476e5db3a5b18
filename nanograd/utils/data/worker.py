"""A worker: the process that makes batches for a DataLoader."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nanograd.random import manual_seed
from nanograd.utils.data import info
from nanograd.utils.data.collate import Words
from nanograd.utils.data.fetch import fetcher, stream
from nanograd.utils.data.info import WorkerInfo

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from nanograd.utils.data.sharing import Channel

__all__ = ["Failure", "Job", "Outcome", "Task", "work"]

PATIENCE = 5.0  # seconds that a worker has to stop in
GONE = (BrokenPipeError, ConnectionResetError)  # what writing to a parent that is gone raises
UNSENDABLE = (
    "DataLoader: this batch cannot be sent to the loader's process: pickle does not take it. Define the classes of "
    "what it holds at the top level of a module, or return tensors, numbers, strings, lists and dicts."
)


class Job(NamedTuple):
    """What a worker needs to know: the data set, how a batch is made of it, and how the worker begins."""

    dataset: Any
    collate_fn: Callable[[Any], Any]
    iterable: bool
    batched: bool
    batch_size: int | None
    drop_last: bool
    worker_init_fn: Callable[[int], None] | None
    num_workers: int
    base_seed: int


class Task(NamedTuple):
    """Make batch ``number`` of an epoch from samples ``order``; without a number: an epoch begins, do not answer."""

    epoch: int
    number: int | None
    order: Any = None


class Outcome(NamedTuple):
    """The label of an answer: ``kind`` is "batch", "failure", "end" of an iterable data set, or "stale"."""

    epoch: int
    number: int
    kind: str


class Failure:
    """An exception of a worker, as it travels to the parent: its class and its traceback in words."""

    def __init__(self, error: Exception, where: str) -> None:
        self.kind: Any = next(kind for kind in type(error).__mro__ if _can_travel(kind))
        trace = "".join(traceback.format_exception(type(error), error, _users(error.__traceback__)))
        self.text = f"Caught {type(error).__name__} {where}.\nOriginal {trace}"

    def exception(self) -> Exception:
        """The exception to raise in the parent, of the same class where that can be made from a text."""
        if issubclass(self.kind, StopIteration):  # it would end the parent's loop in silence
            return RuntimeError(self.text)
        try:
            error: Exception = self.kind(Words(self.text))
        except Exception:
            return RuntimeError(self.text)
        if self.text not in str(error):
            error.add_note(self.text)
        return error


def _can_travel(kind: type) -> bool:
    try:
        return pickle.loads(pickle.dumps(kind)) is kind
    except Exception:  # a class within a function has no name that the parent could look up
        return False


def _users(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first line that is not the loader's own."""
    own = (__file__, fetcher.__code__.co_filename)
    start = trace
    while start is not None and start.tb_frame.f_code.co_filename in own:
        start = start.tb_next
    return start or trace


class Stop(BaseException):
    """Raised in the main thread of a worker that is to stop while it makes a batch."""


class Inbox:
    """The tasks of a worker, as they arrive, until it is to stop.

    A thread reads them, so that the parent never waits to send one, and that its end is noticed even where making a
    batch takes long.
    """

    def __init__(self, tasks: Connection) -> None:
        self.epoch = 0  # the newest
        self.stopping = False
        self.interruptible = False
        self._tasks = tasks
        self._queue: SimpleQueue[Task | None] = SimpleQueue()

    def open(self) -> None:
        """Begin to read, and answer signals: Ctrl-C is the parent's to answer, SIGTERM stops the worker."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._stop)
        if not hasattr(signal, "pthread_sigmask"):
            threading.Thread(target=self._read, daemon=True).start()
            return
        # Signals are for the main thread: delivered to the reader, they would not wake it from waiting.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        threading.Thread(target=self._read, daemon=True).start()
        signal.pthread_sigmask(signal.SIG_SETMASK, held - {signal.SIGINT, signal.SIGTERM})

    def __iter__(self) -> Iterator[Task]:
        while not self.stopping:
            task = self._queue.get()
            if task is not None and not self.stopping:
                yield task

    def _read(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                task = Task(*pickle.loads(self._tasks.recv_bytes()))
                self.epoch = task.epoch
                self._queue.put(task)
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # wakes it from a sleep, too
        else:
            import _thread

            _thread.interrupt_main(signal.SIGTERM)
        time.sleep(PATIENCE)
        os._exit(1)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
        self._queue.put(None)
        if self.interruptible:
            self.interruptible = False
            raise Stop


def work(job: Job, worker_id: int, tasks: Connection, channel: Channel) -> None:
    """A worker's life: make what is asked for, until the parent closes its end of ``tasks`` or is gone."""
    gc.freeze()  # objects of the parent: looking at them would copy the memory that both still share
    inbox = Inbox(tasks)
    inbox.open()
    with suppress(Stop, *GONE):
        _Worker(job, worker_id, inbox, channel).run()


class _Worker:
    def __init__(self, job: Job, worker_id: int, inbox: Inbox, channel: Channel) -> None:
        self.job = job
        self.inbox = inbox
        self.channel = channel
        self.id = worker_id
        self.where = f"in DataLoader worker process {worker_id}"
        self.begun: Failure | None = None  # what went wrong in the beginning is the answer to every task
        self.fetch: Callable[[Any], Any] | None = None
        self.samples: Iterator[Any] | None = None

    def run(self) -> None:
        self.inbox.interruptible = True
        self._begin()
        self.inbox.interruptible = False
        for task in self.inbox:
            if task.number is None:
                self.samples = None
                continue
            self._answer(task, task.number)

    def _begin(self) -> None:
        job = self.job
        seed = job.base_seed + self.id
        _one_thread()
        random.seed(seed)
        manual_seed(seed)
        np.random.seed(np.random.SeedSequence([job.base_seed, self.id]).generate_state(4))  # noqa: NPY002 (users do)
        info.current = WorkerInfo(self.id, job.num_workers, seed, job.dataset)
        try:
            if job.worker_init_fn is not None:
                job.worker_init_fn(self.id)
        except Exception as error:
            self.begun = Failure(error, self.where)

    def _answer(self, task: Task, number: int) -> None:
        if task.epoch < self.inbox.epoch:  # the parent has begun another: do not make what nobody takes
            kind, value = "stale", None
        else:
            self.inbox.interruptible = True
            kind, value = self._make(task.order)
            self.inbox.interruptible = False
        try:
            self.channel.send(Outcome(task.epoch, number, kind), value)
        except GONE:
            raise
        except Exception as error:
            if not isinstance(error, (OSError, MemoryError)):
                error.add_note(UNSENDABLE)
            self.channel.send(Outcome(task.epoch, number, "failure"), Failure(error, self.where))

    def _make(self, order: Any) -> tuple[str, Any]:
        if self.begun is not None:
            return "failure", self.begun
        try:
            if self.job.iterable:
                return self._next()
            if self.fetch is None:
                self.fetch = fetcher(self.job.dataset, self.job.collate_fn, self.job.batched)
            return "batch", self.fetch(order)
        except Exception as error:
            return "failure", Failure(error, self.where)

    def _next(self) -> tuple[str, Any]:
        if self.samples is None:
            job = self.job
            self.samples = stream(job.dataset, job.collate_fn, job.batch_size, job.drop_last)
        for batch in self.samples:
            return "batch", batch
        return "end", None


def _one_thread() -> None:
    """As many workers as cores, each with as many threads as cores, would be slower than one thread each."""
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    if "numba" not in sys.modules:  # once loaded, it refuses another number
        names.append("NUMBA_NUM_THREADS")
    os.environ.update(dict.fromkeys(names, "1"))  # for libraries that are loaded from here on
    with suppress(OSError, AttributeError, ValueError):  # another BLAS than the one that comes with NumPy
        library = ctypes.CDLL(np.linalg._umath_linalg.__file__)
        # The variable, not openblas_set_num_threads: after a fork that would first make all the threads anew, and
        # they spin for a tenth of a second before they sleep.
        ctypes.c_int.in_dll(library, "blas_cpu_number").value = 1
