"""Proves the lessons: stubs are not started, solutions pass, known mistakes fail and are named, nothing broken passes.

Each gate can fail, and says what failed where. An exercise at a time is verified, in two processes.
"""

from __future__ import annotations

import ast
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nanograd.course.assemble import KnownAnswer, definition, in_place
from nanograd.course.diagnose import Evidence, agreement, calls_of, known_answers
from nanograd.course.generate import stub_source
from nanograd.course.judge import Grading, check
from nanograd.course.judgement import Seat
from nanograd.course.lesson import Exercise, Lesson, lessons, load, solutions_directory
from nanograd.course.report import ExerciseReport, State
from nanograd.course.sandbox import Worker
from nanograd.course.submission import BrokenError, module_of, module_with
from nanograd.course.wire import pack

__all__ = ["GATES", "Finding", "Matrix", "Verified", "VerifyReport", "verify", "verify_exercise", "verify_lesson"]

GATES = {
    1: "the stub imports, keeps signature and docstring, and is not started",
    2: "the solution gets full marks, on every seed, the same each time",
    3: "every wrong answer fails and is named, as itself alone",
    4: "every also-right answer passes",
    7: "a broken file fails on every path",
}


@dataclass(frozen=True)
class Finding:
    """What a gate found wrong, and where."""

    gate: int
    where: str
    says: str


@dataclass(frozen=True)
class Matrix:
    """Which wrong answers return the same: 2 to the type, 1 the same numbers, 0 neither; and what each was named as."""

    exercise: str
    names: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    named: tuple[str, ...]

    @property
    def diagonal(self) -> bool:
        """Whether each is like itself alone, and named so."""
        alone = all((value == 2) == (i == j) for i, row in enumerate(self.rows) for j, value in enumerate(row))
        return alone and self.named == self.names


@dataclass
class Verified:
    """What verifying an exercise, or a lesson as a whole, came to: facts checked by gate, and what is wrong."""

    where: str
    checked: dict[int, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    matrix: Matrix | None = None
    seconds: float = 0.0  # of a check, warm

    def expect(self, gate: int, fact: bool, says: str, where: str | None = None) -> bool:
        """Count a fact; note it if it is not so."""
        self.checked[gate] = self.checked.get(gate, 0) + 1
        if not fact:
            self.findings.append(Finding(gate, where or self.where, says))
        return fact


@dataclass(frozen=True)
class VerifyReport:
    """What came of verifying."""

    parts: tuple[Verified, ...]
    seconds: float

    @property
    def findings(self) -> list[Finding]:
        """Everything that is wrong, by gate."""
        return sorted((f for part in self.parts for f in part.findings), key=lambda f: (f.gate, f.where))

    @property
    def exit_code(self) -> int:
        """0 when nothing is wrong, else 1; 1 too when nothing was verified."""
        return int(bool(self.findings) or not any(part.checked for part in self.parts))

    def text(self, color: bool = False, matrix: bool = False) -> str:
        """Write the table of gates, what is wrong, and with ``matrix`` which wrong answers were taken for which."""
        lines = [f"gate  {'':<66} checked  wrong"]
        for gate, says in GATES.items():
            checked, wrong = self._count(gate)
            mark = f"\033[31m{wrong:>5}\033[0m" if color and wrong else f"{wrong:>5}"
            lines.append(f"{gate:>4}  {says:<66} {checked:>7}  {mark}")
        lines += ["", *_timings(self.parts)]
        for found in self.findings:
            lines += ["", f"gate {found.gate}, {found.where}: {found.says}"]
        if matrix:
            lines += [
                "",
                "wrong answers that return the same: # in every way, = the same numbers in other types, . not",
            ]
            lines += [line for part in self.parts if part.matrix for line in ["", *_matrix_lines(part.matrix)]]
        verdict = f"{len(self.findings)} wrong" if self.findings else "nothing wrong"
        return "\n".join([*lines, "", f"{verdict}, in {self.seconds:.1f} s"])

    def _count(self, gate: int) -> tuple[int, int]:
        checked = sum(part.checked.get(gate, 0) for part in self.parts)
        return checked, sum(found.gate == gate for found in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Give the report as data that `json.dumps` takes."""
        return {
            "exit_code": self.exit_code,
            "seconds": round(self.seconds, 2),
            "gates": {gate: dict(zip(("checked", "wrong"), self._count(gate), strict=True)) for gate in GATES},
            "findings": [vars(found) for found in self.findings],
            "seconds_of_a_check": {part.where: round(part.seconds, 3) for part in self.parts},
            "matrices": [vars(part.matrix) for part in self.parts if part.matrix],
        }


def verify(chosen: Sequence[Lesson] | None = None, *, seeds: int = 5, jobs: int = 2) -> VerifyReport:
    """Verify lessons (all of them when None), ``jobs`` exercises at a time."""
    started = time.monotonic()
    every = list(chosen) if chosen is not None else lessons()
    tasks: list[tuple[Callable[..., Verified], tuple[Any, ...]]] = []
    for lesson in every:
        tasks.append((verify_lesson, (lesson.directory, seeds)))
        tasks += [(verify_exercise, (lesson.directory, exercise.name)) for exercise in lesson.exercises]
    if jobs == 1:
        parts = [function(*arguments) for function, arguments in tasks]
    else:
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            parts = [f.result() for f in [pool.submit(function, *arguments) for function, arguments in tasks]]
    return VerifyReport(tuple(parts), time.monotonic() - started)


# a lesson as a whole


def verify_lesson(directory: Path, seeds: int = 5) -> Verified:
    """Gates 1, 2 and 7: the stub, the solutions, and a broken file on every path."""
    lesson = load(directory)
    found = Verified(lesson.number)
    with Worker() as worker:
        _gate_stub(lesson, worker, found)
        _gate_solutions(lesson, worker, seeds, found)
        _gate_canary(lesson, worker, found)
        with _file(lesson.source, "lesson.py") as path:
            found.seconds = check(lesson, path, worker=worker).seconds
    return found


def _gate_stub(lesson: Lesson, worker: Worker, found: Verified) -> None:
    stub = stub_source(lesson)
    try:
        tree = ast.parse(stub)
    except SyntaxError as error:
        found.expect(1, False, f"the stub is not Python: line {error.lineno}: {error.msg}")
        return
    for exercise in lesson.exercises:
        same = _face(tree, exercise) == _face(ast.parse(lesson.source), exercise)
        found.expect(1, same, "the stub has another signature or docstring than the solution", exercise.id)
    alone = module_of(lesson, stub, lesson.exercises[0].qualname) | {"references": [], "imports": []}
    seat = Seat(worker, alone)
    try:
        seat.start()
        found.expect(1, True, "")
    except BrokenError as error:
        found.expect(1, False, f"the stub as it is cannot be imported: {error}")
    seat.close()
    for recognize in (True, False):
        how = "" if recognize else " when its tests are run"
        for exercise, report in _graded(lesson, stub, worker, recognize=recognize):
            wanted = State.PASS if exercise.solved else State.NOT_STARTED
            right = report.state is wanted and report.points == (exercise.points if exercise.solved else 0)
            says = f"the stub is {report.state} with {report.points} points{how}; expected {wanted}"
            found.expect(1, right, f"{says}\n{report.message}".rstrip(), exercise.id)


def _face(tree: ast.Module, exercise: Exercise) -> tuple[str, str | None]:
    """A definition's signature and docstring; a class has those of its methods too."""
    node = definition(tree, exercise.qualname)
    if node is None:
        return ("missing", None)
    inside = [each for each in ast.walk(node) if isinstance(each, ast.FunctionDef)]
    methods = inside if isinstance(node, ast.ClassDef) else inside[:1]
    signatures = [
        f"{each.name}({ast.unparse(each.args)}) -> {each.returns and ast.unparse(each.returns)}" for each in methods
    ]
    return ("\n".join(signatures), ast.get_docstring(node, clean=False))


def _gate_solutions(lesson: Lesson, worker: Worker, seeds: int, found: Verified) -> None:
    for seed in range(seeds):
        for exercise, report in _graded(lesson, lesson.source, worker, seed=seed):
            full = report.state is State.PASS and report.points == exercise.points
            says = f"the solution is {report.state} with {report.points} points on seed {seed}\n{report.message}"
            found.expect(2, full, says.rstrip(), exercise.id)
    first, second = calls_of(lesson), calls_of(lesson)
    for exercise in lesson.exercises:
        calls = first[exercise.name]
        same = [pack(call.request) for call in calls] == [pack(call.request) for call in second[exercise.name]]
        says = "the tests ask something else each time: draw random inputs from the fixture rng"
        found.expect(2, same, says, exercise.id)
        evidence = Evidence(lesson, exercise, worker, calls)
        again = agreement(evidence.replay(module_with(lesson)), evidence.right) == 2
        found.expect(2, again, "the solution returns something else in another process", exercise.id)


def _graded(lesson: Lesson, source: str, worker: Worker, **how: Any) -> list[tuple[Exercise, ExerciseReport]]:
    reports = Grading(lesson, source, worker, diagnose=False, **how).reports(lesson.exercises)
    return list(zip(lesson.exercises, reports, strict=True))


# the canary


def _gate_canary(lesson: Lesson, worker: Worker, found: Verified) -> None:
    """A file with one mistake in it fails, whichever way it is checked; the solution passes the same way."""
    exercise = lesson.exercises[0]
    broken, whole = broken_source(lesson, exercise), lesson.source
    for name, write in (("lesson.py", str), ("lesson.ipynb", as_notebook)):
        for source, passes in ((broken, False), (whole, True)):
            with _file(write(source), name) as path:
                report = check(lesson, path, exercise.name, diagnose=False, worker=worker)
            state = report.exercises[0].state if report.exercises else report.problem
            says = f"check of {'the solution' if passes else 'a broken file'} in {name}: {state}"
            found.expect(7, (report.exit_code == 0) == passes and (state is State.PASS) == passes, says, exercise.id)
    if lesson.directory.parent == solutions_directory():
        _canary_of_commands(lesson, exercise, {"lesson.py": broken, "lesson.ipynb": as_notebook(broken)}, found)


def _canary_of_commands(lesson: Lesson, exercise: Exercise, files: dict[str, str], found: Verified) -> None:
    with tempfile.TemporaryDirectory(prefix="nanograd-") as directory:
        workspace = Path(directory) / "course"
        code, output = _command(Path(directory), "start", str(workspace))
        if not found.expect(7, code == 0, f"`nanograd start` ended with {code}: {output}", exercise.id):
            return
        for name, text in [*files.items(), ("lesson.py", lesson.source)]:
            path = workspace / lesson.name / name
            for each in path.parent.glob("lesson.*"):
                each.unlink()
            path.write_text(text, encoding="utf-8")
            code, output = _command(workspace, "check", exercise.id, "--json")
            passes = text == lesson.source
            what = "the solution" if passes else "a broken file"
            says = f"`nanograd check` of {what} in {name} ended with {code}: {output}"
            found.expect(7, (code == 0 if passes else code == 1), says, exercise.id)


def _command(directory: Path, *arguments: str) -> tuple[int, str]:
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "nanograd", *arguments]
    ended = subprocess.run(
        command, cwd=directory, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    return ended.returncode, (ended.stderr or ended.stdout)[-500:]


def broken_source(lesson: Lesson, exercise: Exercise) -> str:
    """The lesson's source with one exercise answered by ``return None``."""
    tree = ast.parse(lesson.source)
    node = definition(tree, exercise.qualname)
    name = exercise.qualname.rpartition(".")[2]
    if isinstance(node, ast.FunctionDef):
        nothing = f"def {name}({ast.unparse(node.args)}):\n    return None"
    else:
        nothing = f"class {name}:\n    pass"
    return in_place(lesson, KnownAnswer(exercise.name, name, "", nothing, "", 1))


def as_notebook(source: str) -> str:
    """Write Python source as the code cell of a notebook."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@contextlib.contextmanager
def _file(text: str, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nanograd-") as directory:
        path = Path(directory) / name
        path.write_text(text, encoding="utf-8")
        yield path


# an exercise


def verify_exercise(directory: Path, name: str) -> Verified:
    """Gates 3 and 4: the wrong answers and the also-right answers of one exercise."""
    lesson = load(directory)
    exercise = lesson.exercise(name)
    found = Verified(exercise.id)
    with Worker() as worker:
        found.seconds = Grading(lesson, lesson.source, worker, diagnose=False).reports([exercise])[0].seconds
        for answer in known_answers(lesson, exercise):
            _gate_answer(lesson, exercise, answer, worker, found)
        evidence = Evidence(lesson, exercise, worker, calls_of(lesson, names=[name])[name])
        if evidence.wrong:
            _gate_names(evidence, found)
    return found


def _gate_answer(lesson: Lesson, exercise: Exercise, answer: KnownAnswer, worker: Worker, found: Verified) -> None:
    (report,) = Grading(lesson, in_place(lesson, answer), worker, diagnose=False).reports([exercise])
    if answer.says is None:
        found.expect(4, report.state is State.PASS, f"{answer.name} is right, but {report.state}\n{report.message}")
    else:
        caught = report.state in (State.FAIL, State.STOPPED)
        found.expect(3, caught, f"{answer.name} is wrong, but {report.state}\n{report.message}".rstrip())


def _gate_names(evidence: Evidence, found: Verified) -> None:
    """Each wrong answer is like itself alone, unlike the solution, and named as itself."""
    wrong = evidence.wrong
    seen = evidence.known = {answer.name: list(evidence.outcomes(answer)) for answer in wrong}
    names = [answer.name for answer in wrong]
    rows = tuple(tuple(agreement(seen[a], seen[b]) for b in names) for a in names)
    named = tuple(getattr(evidence.named(seen[name]), "name", "nothing") for name in names)
    found.matrix = Matrix(evidence.exercise.id, tuple(names), rows, named)
    for i, name in enumerate(names):
        like_the_solution = agreement(seen[name], evidence.right) == 2
        found.expect(
            3, not like_the_solution, f"{name} cannot be told from the solution: no test asks for the difference"
        )
        for other in names[i + 1 :]:
            apart = agreement(seen[name], seen[other]) < 2
            found.expect(3, apart, f"{name} and {other} cannot be told apart: no test asks for the difference")
        found.expect(3, named[i] == name, f"{name} is named as {named[i]}")


# in text


def _timings(parts: Sequence[Verified]) -> list[str]:
    whole = [f"{part.where} {part.seconds:.2f} s" for part in parts if "." not in part.where]
    slowest = max((part for part in parts if "." in part.where), key=lambda part: part.seconds, default=None)
    last = f"; the slowest exercise: {slowest.where} {slowest.seconds:.2f} s" if slowest else ""
    return [f"   9  a check of a whole lesson (reported only): {', '.join(whole)}{last}"]


def _matrix_lines(matrix: Matrix) -> list[str]:
    """One row for each wrong answer, one column for each that it may be taken for."""
    widest = max(map(len, matrix.names))
    state = "diagonal" if matrix.diagonal else "NOT diagonal"
    lines = [f"{matrix.exercise}: {state}"]
    for number, (name, row, named) in enumerate(zip(matrix.names, matrix.rows, matrix.named, strict=True), 1):
        cells = " ".join(".=#"[value] for value in row)
        lines.append(f"  {number:>2} {name:<{widest}}  {cells}  {'named' if named == name else f'named as {named}'}")
    return lines
