"""Grades a submission: pytest judges here, learner code runs elsewhere.

The judgement is an ordinary pytest session over the packaged tests, with no configuration file, no conftest.py and no
plugin but ours. What it judges comes from a worker process (`nanograd.course.sandbox`) as plain data. This one never
imports the learner's file, and only it knows what is expected.

```python
report = check(find("02")[0], Path("02_broadcasting/lesson.py"))
print(report.text())
```
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nanograd.course.assemble import untouched
from nanograd.course.compare import assert_close
from nanograd.course.explain import details_of, unusable
from nanograd.course.generate import stub_source
from nanograd.course.lesson import Exercise, Lesson, UnknownLessonError, solutions_directory
from nanograd.course.notebook import NotebookError, source_of_notebook
from nanograd.course.report import ExerciseReport, LessonReport, State, TestReport
from nanograd.course.sandbox import EndedError, Limits, SandboxError, Session, StoppedError, Worker
from nanograd.course.submission import BrokenError, Call, LearnerError, Submission, Transport, module_of
from nanograd.course.wire import WireError

if TYPE_CHECKING:
    import pytest

__all__ = ["Grading", "Judgement", "Outcome", "Seat", "assert_close", "check", "judge", "read_submission"]

LARGEST = 1 << 20  # characters of a learner's file


def check(
    lesson: Lesson,
    submission: Path,
    exercise: str | None = None,
    *,
    seed: int = 0,
    hidden: bool = True,
    diagnose: bool = True,
    limits: Limits | None = None,
    worker: Worker | None = None,
) -> LessonReport:
    """Grade one file, .py or .ipynb; whatever stands in it, a report comes back.

    Args:
        lesson: the lesson to grade.
        submission: the learner's file; nothing else in its directory matters.
        exercise: the name or id of one exercise; all of them when None.
        seed: random inputs follow from it.
        hidden: whether the sealed tests are among the tests.
        diagnose: whether failures are compared with the known mistakes.
        limits: what the learner's code may take.
        worker: one that runs already, for many checks in a row; its limits hold.

    """
    started = time.monotonic()
    chosen = [lesson.exercise(exercise)] if exercise else list(lesson.exercises)
    try:
        source = read_submission(submission)
    except (OSError, NotebookError, ValueError) as error:
        return LessonReport(lesson.name, str(submission), problem=f"check: {error}", seed=seed)
    made = Worker(limits, ["numba"] if lesson.uses_numba else []) if worker is None else contextlib.nullcontext(worker)
    with made as running:
        reports = Grading(lesson, source, running, seed, hidden, diagnose).reports(chosen)
    return LessonReport(lesson.name, str(submission), tuple(reports), seed=seed, seconds=time.monotonic() - started)


def read_submission(path: Path) -> str:
    """Read a learner's file as Python source.

    Raises:
        FileNotFoundError, ValueError, NotebookError: with what to do about it.

    """
    if not path.is_file():
        what = "is a directory; name the file in it" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"{path} {what}. `nanograd start` writes the lessons' files.")
    if path.suffix == ".ipynb":
        return source_of_notebook(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    if len(text) > LARGEST:
        raise ValueError(f"{path} has {len(text)} characters; a lesson has fewer than {LARGEST}.")
    return text


# ---- the learner's place -------------------------------------------------------------------------------------------


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


# ---- the session of pytest -----------------------------------------------------------------------------------------


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


# ---- from outcomes to a report -------------------------------------------------------------------------------------


@dataclass
class Grading:
    """One submission's way to its reports. ``recognize``: an exercise that looks untouched is not even run."""

    lesson: Lesson
    source: str
    worker: Worker
    seed: int = 0
    hidden: bool = True
    diagnose: bool = True
    recognize: bool = True
    calls: dict[str, list[Call]] | None = None  # those of a right answer, once a diagnosis needs them

    def reports(self, chosen: Sequence[Exercise]) -> list[ExerciseReport]:
        """Grade the exercises chosen, in their order."""
        try:
            ast.parse(self.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return [self._broken(exercise, _syntax(error, self.source)) for exercise in chosen]
        started = [exercise.name for exercise in chosen if not self._untouched(exercise)]
        seats = {name: Seat(self.worker, self._module(name)) for name in started}
        judgement = judge(self.lesson, seats.__getitem__, started, self.seed, self.hidden) if started else None
        for seat in seats.values():
            seat.close()
        return [
            self._graded(exercise, judgement, seats[exercise.name])
            if judgement and exercise.name in started
            else ExerciseReport(exercise.id, State.NOT_STARTED, 0, exercise.points)
            for exercise in chosen
        ]

    def _untouched(self, exercise: Exercise) -> bool:
        given = not exercise.solved and self.recognize
        return given and untouched(self.source, stub_source(self.lesson), exercise.qualname)

    def _module(self, name: str) -> dict[str, Any]:
        return module_of(self.lesson, self.source, self.lesson.exercise(name).qualname)

    def _broken(self, exercise: Exercise, details: list[tuple[str, str]]) -> ExerciseReport:
        test = TestReport("", State.BROKEN, details=tuple(details))
        return ExerciseReport(exercise.id, State.BROKEN, 0, exercise.points, (test,), next_step=_again(exercise))

    def _graded(self, exercise: Exercise, judgement: Judgement, seat: Seat) -> ExerciseReport:
        outcomes = judgement.outcomes[exercise.name]
        if judgement.problem or not outcomes:
            problem = judgement.problem or "no test grades this exercise."
            test = TestReport("", State.ERROR, details=(("problem", problem.splitlines()[-1]),), trace=problem)
            return ExerciseReport(exercise.id, State.ERROR, 0, exercise.points, (test,))
        tests = tuple(self._test(exercise, outcome) for outcome in outcomes)
        state = _state({test.state for test in tests})
        untrusted = any(isinstance(outcome.error, WireError) for outcome in outcomes)
        likely = self._likely(exercise) if state is State.FAIL and self.diagnose and not untrusted else None
        return ExerciseReport(
            exercise.id,
            state,
            _points(exercise, state, tests),
            exercise.points,
            tests,
            likely,
            _next_step(exercise, state, likely),
            seat.printed.decode(errors="replace"),
            untrusted,
            seat.seconds,
        )

    def _test(self, exercise: Exercise, outcome: Outcome) -> TestReport:
        state = _state_of(exercise, outcome)
        if state in (State.PASS, State.SKIPPED) or outcome.error is None:
            return TestReport(outcome.name, state, outcome.hidden)
        error = outcome.error
        explained = isinstance(
            error, AssertionError | LearnerError | BrokenError | StoppedError | EndedError | WireError
        )
        explain = details_of if explained or state is State.ERROR else unusable
        details = explain(self.lesson, error, outcome.calls, outcome.compared)
        trace = getattr(error, "trace", "") or getattr(getattr(error, "error", None), "trace", "")
        return TestReport(outcome.name, state, outcome.hidden, tuple(details), trace)

    def _likely(self, exercise: Exercise) -> str | None:
        from nanograd.course.diagnose import Evidence, calls_of, diagnose

        if self.calls is None:
            self.calls = calls_of(self.lesson, self.seed, self.hidden)
        return diagnose(Evidence(self.lesson, exercise, self.worker, self.calls[exercise.name]), self.source)


def _state_of(exercise: Exercise, outcome: Outcome) -> State:
    error = outcome.error
    if error is None:
        return State.PASS
    if type(error).__name__ == "Skipped":
        return State.SKIPPED
    if isinstance(error, SandboxError) or (
        outcome.ours and not isinstance(error, EndedError | WireError | BrokenError)
    ):
        return State.ERROR
    raised = error.error if isinstance(error, BrokenError) else error
    if isinstance(raised, LearnerError) and raised.name == "NotImplementedError" and raised.message == exercise.id:
        return State.NOT_STARTED
    if isinstance(raised, LearnerError) and raised.is_a("MemoryError"):
        return State.STOPPED
    if isinstance(error, BrokenError):
        return State.BROKEN
    return State.STOPPED if isinstance(error, StoppedError) else State.FAIL


def _points(exercise: Exercise, state: State, tests: Sequence[TestReport]) -> int:
    """What the tests passed earn: each the same share, rounded down."""
    if state in (State.NOT_STARTED, State.BROKEN, State.ERROR):
        return 0
    counted = [test for test in tests if test.state is not State.SKIPPED]
    return exercise.points * sum(test.state is State.PASS for test in counted) // max(len(counted), 1)


def _state(found: set[State]) -> State:
    """One state for all tests: some parts not written and others right is a FAIL."""
    for state in (State.ERROR, State.BROKEN, State.STOPPED, State.FAIL):
        if state in found:
            return state
    if State.NOT_STARTED in found:
        return State.FAIL if State.PASS in found else State.NOT_STARTED
    return State.PASS if State.PASS in found else State.SKIPPED


def _next_step(exercise: Exercise, state: State, likely: str | None) -> str | None:
    if state is State.FAIL and likely is None and exercise.hints:
        return f"`nanograd hint {exercise.id}`"
    return _again(exercise) if state in (State.FAIL, State.STOPPED, State.BROKEN) else None


def _again(exercise: Exercise) -> str:
    return f"mend it, then `nanograd check {exercise.id}`"


def _syntax(error: BaseException, source: str) -> list[tuple[str, str]]:
    if not isinstance(error, SyntaxError) or error.lineno is None:
        return [("problem", f"the file is not Python: {error}")]
    text = next(iter(source.splitlines()[error.lineno - 1 : error.lineno]), "")
    found = [("problem", f"not Python: {error.msg}"), ("at", f"lesson.py line {error.lineno}:  {text.strip()}")]
    return found
