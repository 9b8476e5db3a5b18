"""Grades a submission: pytest judges here, learner code runs elsewhere.

This process never imports the learner's file, and only it knows what is expected. The tests run here
(`nanograd.course.judgement`); the learner's code runs in a worker (`nanograd.course.sandbox`).

```python
report = check(find("02")[0], Path("02_broadcasting/lesson.py"))
print(report.text())
```
"""

from __future__ import annotations

import ast
import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nanograd.course.assemble import untouched
from nanograd.course.compare import assert_close
from nanograd.course.explain import details_of, unusable
from nanograd.course.generate import stub_source
from nanograd.course.judgement import Judgement, Outcome, Seat, judge
from nanograd.course.lesson import Exercise, Lesson
from nanograd.course.notebook import NotebookError, source_of_notebook
from nanograd.course.report import MISSING, ExerciseReport, LessonReport, State, TestReport
from nanograd.course.sandbox import EndedError, Limits, MissingSystemError, SandboxError, StoppedError, Worker
from nanograd.course.submission import BrokenError, Call, LearnerError, module_of
from nanograd.course.wire import WireError

__all__ = ["Grading", "assert_close", "check", "read_submission"]

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
    try:
        made = worker or Worker(limits, ["numba"] if lesson.uses_numba else [])
    except MissingSystemError as error:
        return LessonReport(lesson.name, str(submission), problem=str(error), problem_code=MISSING, seed=seed)
    with contextlib.nullcontext(worker) if worker else made as running:
        grading = Grading(lesson, source, running, seed, hidden, diagnose, notebook=submission.suffix == ".ipynb")
        reports = grading.reports(chosen)
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


# from outcomes to a report


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
    notebook: bool = False
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

    @cached_property
    def _stub(self) -> str:
        return stub_source(self.lesson)

    def _untouched(self, exercise: Exercise) -> bool:
        given = not exercise.solved and self.recognize
        return given and untouched(self.source, self._stub, exercise.qualname)

    def _module(self, name: str) -> dict[str, Any]:
        return module_of(self.lesson, self.source, self.lesson.exercise(name).qualname)

    def _broken(self, exercise: Exercise, details: list[tuple[str, str]]) -> ExerciseReport:
        test = TestReport("", State.BROKEN, details=self._located(details))
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
        return TestReport(outcome.name, state, outcome.hidden, self._located(details), trace)

    def _located(self, details: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Name the lines of a notebook by their cell, for it has no lines that a learner could count."""
        if not self.notebook:
            return tuple(details)
        return tuple((label, re.sub(r"lesson\.py line (\d+)", self._in_its_cell, text)) for label, text in details)

    def _in_its_cell(self, found: re.Match[str]) -> str:
        above = self.source.splitlines()[: int(found[1])]
        start = max((n for n, line in enumerate(above) if line.startswith("# %%")), default=-1)
        first = next((line.strip() for line in above[start + 1 :] if line.strip()), "")
        return f"line {len(above) - start - 1} of the cell `{first}`"

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
