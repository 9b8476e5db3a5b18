"""What came of a check, as data, as text for a reader without color, and as JSON."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["ExerciseReport", "LessonReport", "State", "TestReport"]

WIDTH = 110
LONGEST = 12  # lines of a failure message


class State(StrEnum):
    """How an exercise, or one of its tests, came out."""

    PASS = "PASS"
    FAIL = "FAIL"
    NOT_STARTED = "NOT STARTED"
    STOPPED = "STOPPED"  # by a limit
    BROKEN = "BROKEN"  # the file cannot be imported, or the function is missing
    SKIPPED = "SKIPPED"  # this machine lacks what the test needs
    ERROR = "ERROR"  # our fault


#: exit codes by state; of several states the first in this order decides
EXIT_CODES = {
    State.ERROR: 7,
    State.BROKEN: 5,
    State.STOPPED: 4,
    State.FAIL: 1,
    State.NOT_STARTED: 3,
    State.SKIPPED: 8,
    State.PASS: 0,
}
USAGE, UNTRUSTED, MISSING = 2, 6, 8
COLORS = {State.PASS: "32", State.FAIL: "31", State.STOPPED: "31", State.BROKEN: "31", State.ERROR: "35"}


@dataclass(frozen=True)
class TestReport:
    """One test: ``details`` are labeled lines such as ("called", "double(x=3)"), in the order to show them."""

    name: str
    state: State
    hidden: bool = False
    details: tuple[tuple[str, str], ...] = ()
    trace: str = ""
    __test__ = False  # not a class of tests


@dataclass(frozen=True)
class ExerciseReport:
    """One exercise: its state, its points, its tests, and for a failure the likely cause and the next step."""

    id: str
    state: State
    points: int
    out_of: int
    tests: tuple[TestReport, ...] = ()
    likely: str | None = None
    next_step: str | None = None
    printed: str = ""
    untrusted: bool = False
    seconds: float = 0.0

    @property
    def worst(self) -> TestReport | None:
        """The test whose message is shown: one that decided the state, and that the learner can see, before others."""
        failed = [test for test in self.tests if test.state not in (State.PASS, State.SKIPPED)]
        return min(failed, key=lambda test: (test.state is not self.state, test.hidden), default=None)

    @property
    def message(self) -> str:
        """The failure in at most twelve lines; empty for a pass."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The lines of ``message``."""
        if self.state in (State.PASS, State.SKIPPED, State.NOT_STARTED) or self.worst is None:
            return []
        test = self.worst
        found = [f"{self.id}: {self.state} in {test.name}" if test.name else f"{self.id}: {self.state}"]
        for label, text in [*test.details, ("likely", self.likely or ""), ("next", self.next_step or "")]:
            found += _labeled(label, text) if text else []
        return found if len(found) <= LONGEST else [*found[: LONGEST - 2], "  ...", found[-1]]


@dataclass(frozen=True)
class LessonReport:
    """A lesson's exercises, or the ``problem`` that kept them from being graded."""

    lesson: str
    submission: str
    exercises: tuple[ExerciseReport, ...] = ()
    problem: str | None = None
    problem_code: int = USAGE
    seed: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def points(self) -> int:
        """What was earned."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def out_of(self) -> int:
        """What could be earned."""
        return sum(exercise.out_of for exercise in self.exercises)

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 2 usage, 3 not started, 4 stopped, 5 broken, 6 untrusted, 7 ours, 8 something is missing."""
        if self.problem:
            return self.problem_code
        states = {exercise.state for exercise in self.exercises}
        if State.ERROR not in states and any(exercise.untrusted for exercise in self.exercises):
            return UNTRUSTED
        return next((code for state, code in EXIT_CODES.items() if state in states), EXIT_CODES[State.ERROR])

    def text(self, color: bool = False, trace: bool = False) -> str:
        """Write the report for a reader; a message that several exercises share is said once."""
        if self.problem:
            return f"{self.lesson}: {self.problem}"
        parts = [self._table(color)]
        said: set[tuple[tuple[str, str], ...]] = set()
        for exercise in self.exercises:
            lines = exercise.lines()
            if exercise.worst and lines and exercise.worst.details not in said:
                said.add(exercise.worst.details)
                parts.append("\n".join([_colored(lines[0], exercise.state, color), *lines[1:]]))
                parts += [textwrap.indent(_background(exercise), "  ")] if trace and _background(exercise) else []
        return "\n\n".join([*parts, *self.notes])

    def _table(self, color: bool) -> str:
        widest = max((len(exercise.id) for exercise in self.exercises), default=0)
        rows = [f"{self.lesson}: {self.points} of {self.out_of} points  ({self.submission}, {self.seconds:.1f} s)"]
        for each in self.exercises:
            score = f"{each.points}/{each.out_of}"
            state = _colored(f"{each.state:<11}", each.state, color)
            rows.append(f"  {state}  {each.id:<{widest}}  {score:>5}  {_counted(each)}".rstrip())
        return "\n".join(rows)

    def to_json(self) -> dict[str, Any]:
        """Give the report as data that `json.dumps` takes."""
        return {
            "lesson": self.lesson,
            "submission": self.submission,
            "problem": self.problem,
            "points": self.points,
            "out_of": self.out_of,
            "exit_code": self.exit_code,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "exercises": [_exercise_as_data(exercise) for exercise in self.exercises],
            "notes": list(self.notes),
        }


def _exercise_as_data(exercise: ExerciseReport) -> dict[str, Any]:
    return {
        "id": exercise.id,
        "state": str(exercise.state),
        "points": exercise.points,
        "out_of": exercise.out_of,
        "message": exercise.message,
        "likely": exercise.likely,
        "next": exercise.next_step,
        "printed": exercise.printed,
        "untrusted": exercise.untrusted,
        "seconds": round(exercise.seconds, 3),
        "tests": [
            {
                "name": test.name,
                "state": str(test.state),
                "hidden": test.hidden,
                "details": [list(d) for d in test.details],
            }
            for test in exercise.tests
        ],
    }


def _counted(exercise: ExerciseReport) -> str:
    passed = sum(test.state is State.PASS for test in exercise.tests)
    partly = exercise.state in (State.FAIL, State.STOPPED) and len(exercise.tests) > 1
    return f"{passed} of {len(exercise.tests)} tests" if partly else ""


def _background(exercise: ExerciseReport) -> str:
    """What ``--trace`` adds: the lines that raised, and what the code printed."""
    trace = exercise.worst.trace.rstrip() if exercise.worst else ""
    printed = f"printed:\n{textwrap.indent(exercise.printed.rstrip(), '  ')}" if exercise.printed.strip() else ""
    return "\n".join(part for part in (trace, printed) if part)


def _labeled(label: str, text: str) -> list[str]:
    lines = [wrapped for line in text.splitlines() for wrapped in textwrap.wrap(line, WIDTH - 12) or [""]][:4]
    return [f"  {label if not index else '':<9} {line}" for index, line in enumerate(lines)]


def _colored(text: str, state: State, color: bool) -> str:
    return f"\033[{COLORS[state]}m{text}\033[0m" if color and state in COLORS else text
