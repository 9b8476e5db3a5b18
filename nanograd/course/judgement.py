"""One judgement: an ordinary pytest session over the packaged tests, and the processes that it asks.

The session has no configuration file, no conftest.py and no plugin but ours. What it judges comes from a worker process
(`nanograd.course.sandbox`) as plain data. pytest is imported when a session starts, not before.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from nanograd.course.lesson import Lesson, UnknownLessonError, solutions_directory
from nanograd.course.sandbox import EndedError, SandboxError, Session, StoppedError, Worker
from nanograd.course.submission import BrokenError, Call, LearnerError, Submission, Transport
from nanograd.course.wire import WireError

if TYPE_CHECKING:
    import pytest

__all__ = ["Judgement", "Outcome", "Seat", "judge"]


# the learner's place


class Seat:
    """The place of an exercise's answer: processes that run it, one after another when one ends before its time."""

    RESTARTS = 3

    def __init__(self, worker: Worker, module: dict[str, Any]) -> None:
        self.worker, self.module = worker, module
        self.printed = b""
        self.seconds = 0.0  # that the processes took to start and to answer
        self.trouble: Exception | None = None
        self._left = self.RESTARTS
        self._session: Session | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request; what stops, breaks or ends the process is raised, and raised again from then on."""
        if self.trouble is not None:
            raise self.trouble
        started = time.monotonic()
        try:
            session = self._session or self._open()
            return session.ask(request, self.worker.limits.seconds)
        except EndedError as error:
            self._left -= 1
            self.trouble = error if self._left <= 0 else None
            self.close()
            raise
        except (StoppedError, BrokenError, WireError, SandboxError) as error:
            self.trouble = error
            self.close()
            raise
        finally:
            self.seconds += time.monotonic() - started

    def start(self) -> None:
        """Import the file.

        Raises:
            BrokenError, StoppedError: it could not be.

        """
        self._open()

    def close(self) -> None:
        """End the process, if one runs."""
        if self._session is not None:
            self._session.close()
            self.printed = self._session.printed or self.printed
            self._session = None

    def _open(self) -> Session:
        session = self._session = self.worker.session()
        path = session.directory / "lesson.py"
        path.write_text(self.module["source"], encoding="utf-8", errors="replace")
        request = {"path": str(path), "limits": self.worker.system_limits, "sealed": sealed(), "module": self.module}
        slower = self.worker.limits.compile_seconds if "numba" in self.module["source"] else 0  # it may import numba
        try:
            answer = session.ask(request, self.worker.limits.start_seconds + slower)
        except StoppedError as error:
            raise StoppedError(f"importing the file: {error}") from None
        except EndedError as error:
            raise BrokenError(f"importing the file: {error}") from None
        if "error" in answer:
            raised = LearnerError(answer["error"])
            raise BrokenError(f"importing the file raised {raised}", raised)
        if answer["value"] is not True:
            raise BrokenError(f"the file defines no {self.module['qualname']}. Put its `def` back.")
        return session


def sealed() -> list[str]:
    """The directories that learner code cannot open files of."""
    try:
        return [str(solutions_directory())]
    except UnknownLessonError:
        return []


# the session of pytest


@dataclass
class Outcome:
    """One test: what ended it (None: it passed), the calls it made, and the comparison that failed."""

    name: str
    hidden: bool
    error: BaseException | None = None
    calls: list[Call] = field(default_factory=list)
    compared: tuple[str, Any, Any] | None = None
    ours: bool = False  # a failure before the submission was asked anything, or one of the reference


class Judgement:
    """The plugin: gives tests their submission, and notes how they end."""

    def __init__(
        self, lesson: Lesson, seats: Callable[[str], Transport], names: Sequence[str], seed: int, hidden: bool
    ):
        self.lesson, self.seats, self.names, self.seed, self.hidden = lesson, seats, names, seed, hidden
        self.outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
        self.problem: str | None = None
        self._transports: dict[str, Transport] = {}
        self._current = Submission(None)  # type: ignore[arg-type]
        self._compared: tuple[str, Any, Any] | None = None

    def submission(self, item: pytest.Item) -> Submission:
        """Give a test its submission."""
        name = self._exercise(item)
        if name not in self._transports:
            self._transports[name] = self.seats(name)
        self._current = Submission(self._transports[name])
        return self._current

    def pytest_configure(self, config: pytest.Config) -> None:
        """Be found by the fixtures."""
        from nanograd.course import fixtures

        config.stash[fixtures.JUDGEMENT] = self
        for mark in fixtures.MARKS:
            config.addinivalue_line("markers", mark)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests of the exercises asked for, in the order of the lesson."""
        kept = [item for item in items if self.hidden or item.get_closest_marker("hidden") is None]
        order = {name: place for place, name in enumerate(self.names)}
        items[:] = sorted((i for i in kept if self._exercise(i) in order), key=lambda i: order[self._exercise(i)])

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Note what was compared."""
        self._compared = (op, left, right)

    def pytest_runtest_setup(self) -> None:
        """Forget the test before."""
        self._current, self._compared = Submission(None), None  # type: ignore[arg-type]

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Note how a test ended; the report that pytest gets is short, for nobody sees it."""
        import pytest

        error = call.excinfo.value if call.excinfo else None
        if call.when == "call" or error is not None:
            calls, hidden = self._current.calls, item.get_closest_marker("hidden") is not None
            reference = isinstance(error, LearnerError) and not (calls and calls[-1].error)
            ours = call.when != "call" or not calls or reference
            outcome = Outcome(item.name, hidden, error, calls, self._compared, ours)
            self.outcomes[self._exercise(item)].append(outcome)
        ended: Literal["passed", "failed"] = "passed" if error is None else "failed"
        return pytest.TestReport(item.nodeid, item.location, {}, ended, None, call.when)  # type: ignore[arg-type]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note tests that cannot be read."""
        if report.failed:
            self.problem = str(report.longrepr)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Note that pytest itself failed."""
        self.problem = str(excrepr)

    def _exercise(self, item: pytest.Item) -> str:
        from nanograd.course.fixtures import exercise_of

        return exercise_of(item, self.lesson)


def judge(
    lesson: Lesson, seats: Callable[[str], Transport], names: Sequence[str], seed: int = 0, hidden: bool = True
) -> Judgement:
    """Run the lesson's tests over the answers that ``seats(exercise name)`` gives."""
    import pytest

    from nanograd.course import fixtures

    judgement = Judgement(lesson, seats, names, seed, hidden)
    off = ["cacheprovider", "faulthandler", "doctest", "junitxml", "pastebin", "stepwise", "warnings", "logging"]
    off += ["unraisableexception", "threadexception"]  # each collects garbage five times at the end
    arguments = [str(lesson.directory / "test_lesson.py"), "-c", os.devnull, f"--rootdir={lesson.directory}"]
    arguments += ["--noconftest", "--import-mode=importlib", "--capture=no", "-q", *(f"-pno:{name}" for name in off)]
    with _apart() as said:
        code = pytest.main(arguments, plugins=[fixtures, judgement])
    if code not in (0, 1, 5) and judgement.problem is None:
        judgement.problem = f"pytest ended with {code!r}: {said.getvalue()[-2000:]}"
    return judgement


@contextlib.contextmanager
def _apart() -> Iterator[io.StringIO]:
    """Keep a session from the environment's settings, from a test_lesson already imported, and from the terminal."""
    kept = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_CURRENT_TEST")
    environment = {name: os.environ.pop(name, None) for name in kept}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    module = sys.modules.pop("test_lesson", None)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            yield said
    finally:
        sys.dont_write_bytecode = bytecode
        sys.modules.pop("test_lesson", None)
        os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)
        os.environ.update({name: value for name, value in environment.items() if value is not None})
        if module is not None:
            sys.modules["test_lesson"] = module
