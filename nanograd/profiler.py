"""Where the time goes: ``with nanograd.profile() as p: ...``, then ``print(p)``.

What a program calls is what is listed: an operation that is made of others stands for them.  While no profile runs,
nothing costs anything (see stopwatch.py).  torch's names for this are here too: ``torch.profiler``.

>>> import nanograd as torch
>>> from nanograd.profiler import profile
>>> x = torch.ones(3, requires_grad=True)
>>> with profile() as p:
...     (x * x).sum().backward()
>>> [(row.name, row.calls) for row in p.rows("name")]
[('mul', 1), ('sum', 1)]
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from time import perf_counter
from types import TracebackType
from typing import Any, TypeVar

from nanograd import stopwatch
from nanograd.errors import MissingError, did_you_mean
from nanograd.kernels.compile import COMPILED, Compiled
from nanograd.tape import Node

__all__ = ["Averages", "ProfilerActivity", "Row", "profile", "record_function", "schedule"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Row:
    """One operation: how often it was called, seconds forward and backward, bytes of new results, kernels compiled."""

    name: str
    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    bytes: int = 0
    compiled: int = 0

    @property
    def time(self) -> float:
        """Seconds, forward and backward."""
        return self.forward + self.backward

    # torch's names

    @property
    def key(self) -> str:
        """Its name."""
        return self.name

    @property
    def count(self) -> int:
        """How often it was called."""
        return self.calls

    @property
    def cpu_time_total(self) -> float:
        """Microseconds, forward and backward."""
        return 1e6 * self.time

    self_cpu_time_total = cpu_time_total

    @property
    def cpu_time(self) -> float:
        """Microseconds for one call."""
        return self.cpu_time_total / (self.calls or 1)


class Averages(list[Row]):
    """The rows of a profile, as torch's ``key_averages()`` gives them."""

    def table(self, sort_by: str | None = None, row_limit: int = 100, **accepted: Any) -> str:
        """The rows as text; see ``profile.table``."""
        rows = _in_order(self, sort_by or "time")
        return _text(rows[:row_limit] if row_limit >= 0 else rows)


class profile:
    """What ran inside ``with profile() as p:``, operation by operation, in all threads; ``print(p)`` shows it.

    Of torch's arguments, ``on_trace_ready`` is called with the profile at its end; the others choose what torch would
    measure besides, and change nothing.

    Raises MissingError for ``schedule``, RuntimeError where it runs already.

    >>> import nanograd
    >>> with nanograd.profile() as p:
    ...     y = nanograd.ones(2, 3).exp()
    >>> p.rows("name")[0]
    Row(name='exp', calls=1, forward=..., backward=0.0, bytes=24, compiled=0)
    """

    def __init__(
        self,
        activities: Any = None,
        *,
        schedule: Any = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        **accepted: Any,
    ) -> None:
        if schedule is not None:
            raise MissingError("profile: there is no schedule. Enter the profile for the steps to be measured.")
        self._when_ready = on_trace_ready
        self._rows: dict[str, Row] = {}
        self._ranges: dict[str, Row] = {}
        # (first, last moment, name) of each call of an operation: the nodes made in between are its own.
        # Calls of several threads may overlap; then a node counts for the one that began last.
        self._spans: list[tuple[int, int, str]] = []
        self._began: float | None = None
        self._compiled_before = 0
        self.seconds = 0.0
        """How long the block took."""
        self.compiled: list[Compiled] = []
        """The kernels that were compiled meanwhile: (name, seconds)."""

    def start(self) -> None:
        """Begin to measure; ``with`` does it."""
        if self._began is not None:
            raise RuntimeError("profile: it runs already. Make another one for a part of what it measures.")
        stopwatch.begin(self)
        self._compiled_before, self._began = len(COMPILED), perf_counter()

    def stop(self) -> None:
        """Measure no more; again does nothing."""
        if self._began is None:
            return
        self.seconds += perf_counter() - self._began
        self._began = None
        stopwatch.end(self)
        self.compiled += COMPILED[self._compiled_before :]
        self._spans.clear()
        if self._when_ready is not None:
            self._when_ready(self)

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def step(self) -> None:
        """Accepted: all steps are measured together."""

    # What came out

    def rows(self, sort_by: str = "time") -> Averages:
        """One Row per operation, by "time", "calls", "forward", "backward", "bytes", "compiled" or "name"."""
        return Averages(_in_order(self._rows.values(), sort_by))

    def ranges(self) -> Averages:
        """One Row per name given to ``record_function``, with all the time inside as ``forward``."""
        return Averages(self._ranges.values())

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> Averages:
        """torch's name of ``rows()``."""
        return self.rows()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in all operations."""
        return sum(row.cpu_time_total for row in self._rows.values())

    def table(self, sort_by: str = "time", row_limit: int = 100, **accepted: Any) -> str:
        """The rows as text, the largest first.

        Bytes are those of results that are not views.  What is not in operations is Python: modules, the tape, your
        own code.
        """
        text = [self.rows().table(sort_by, row_limit), ""]
        inside = sum(row.time for row in self._rows.values())
        outside = max(self.seconds - inside, 0.0)
        text.append(f"{_ms(self.seconds)} altogether, {_ms(outside)} of them outside operations")
        text += [f"{row.name}: {_many(row.calls, 'time')}, {_ms(row.forward)}" for row in self._ranges.values()]
        if self.compiled:
            spent = sum(kernel.seconds for kernel in self.compiled)
            names = ", ".join(dict.fromkeys(kernel.name for kernel in self.compiled))
            text.append(f"{_many(len(self.compiled), 'kernel')} compiled meanwhile, in {_ms(spent)}: {names}")
            text.append("They are kept: run it again to see it without.")
        return "\n".join(text)

    def __str__(self) -> str:
        return self.table()

    # What is told to it

    def note(self, name: str, span: tuple[int, int] | None, **more: float) -> None:
        """Add to the row of ``name``; ``span`` says between which moments it ran."""
        row = self._rows.get(name) or self._rows.setdefault(name, Row(name))
        for what, amount in more.items():
            setattr(row, what, getattr(row, what) + amount)
        if span is not None:
            insort(self._spans, (*span, name))

    def note_range(self, name: str, seconds: float) -> None:
        """Add to the range of ``name``."""
        row = self._ranges.setdefault(name, Row(name))
        row.calls += 1
        row.forward += seconds

    def made_by(self, node: Node) -> str:
        """The operation during which a node was made; else its own name."""
        place = bisect_right(self._spans, (node.seq, node.seq, "\U0010ffff")) - 1
        if place >= 0 and node.seq <= self._spans[place][1]:
            return self._spans[place][2]
        return node.name().removesuffix("Backward0")


SORTED_BY = ("time", "calls", "forward", "backward", "bytes", "compiled", "name")
OF_TORCH = {
    "cpu_time_total": "time", "self_cpu_time_total": "time", "cpu_time": "time", "count": "calls",
    "cpu_memory_usage": "bytes", "self_cpu_memory_usage": "bytes", "cuda_time_total": "time",
    "self_cuda_time_total": "time", "device_time_total": "time", "self_device_time_total": "time",
}  # fmt: skip


def _in_order(rows: Any, sort_by: str) -> list[Row]:
    by = OF_TORCH.get(sort_by, sort_by)
    if by not in SORTED_BY:
        hint = did_you_mean(sort_by, SORTED_BY)
        raise ValueError(f"profile: cannot sort by {sort_by!r}; there are: {', '.join(SORTED_BY)}.{hint}")
    if by == "name":
        return sorted(rows, key=lambda row: row.name)
    return sorted(rows, key=lambda row: (-getattr(row, by), row.name))


def _text(rows: list[Row]) -> str:
    width = max([len(row.name) for row in rows] + [len("operation")])
    head = f"{'operation':<{width}}  {'calls':>7}  {'forward':>11}  {'backward':>11}  {'bytes':>9}  compiled"
    lines = [head, "-" * len(head)]
    for row in rows:
        backward, size = _ms(row.backward) if row.backward else "", _size(row.bytes) if row.bytes else ""
        numbers = f"{row.calls:>7}  {_ms(row.forward):>11}  {backward:>11}  {size:>9}  {row.compiled or '':>8}"
        lines.append(f"{row.name:<{width}}  {numbers}".rstrip())
    return "\n".join(lines)


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3f} ms"


def _size(count: int) -> str:
    size, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# torch's names


class ProfilerActivity(Enum):
    """What torch can measure; here it is the CPU."""

    CPU = 0
    XPU = 1
    CUDA = 2


def schedule(**steps: Any) -> Any:
    """Raises MissingError: a profile measures all that runs inside it."""
    raise MissingError("schedule: profiles have none. Enter the profile for the steps that are to be measured.")


class record_function:
    """A name for what runs inside ``with record_function("name"):``; profiles show how often and how long.

    >>> import nanograd
    >>> with nanograd.profile() as p:
    ...     for _ in range(3):
    ...         with record_function("double"):
    ...             y = nanograd.ones(2) * 2
    >>> [(row.name, row.calls) for row in p.ranges()]
    [('double', 3)]
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self._began: list[float] = []

    def __enter__(self) -> record_function:
        self._began.append(perf_counter())
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        seconds = perf_counter() - self._began.pop()
        stopwatch.tell(lambda running: running.note_range(self.name, seconds))

    def __call__(self, function: F) -> F:
        @wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return named  # type: ignore[return-value]
