"""A lesson, and how a learner's word for it is understood.

A `Lesson` is only ever made from a sound source: everything that writes or grades lessons starts from one.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from nanograd.course.source import Cell, Exercise, LessonError, Region, cells_of, exercises_of, parse, read, regions_of
from nanograd.errors import did_you_mean

__all__ = [
    "Cell",
    "Exercise",
    "Lesson",
    "LessonError",
    "Region",
    "UnknownLessonError",
    "find",
    "lessons",
    "load",
    "solutions_directory",
]

DIRECTORY = re.compile(r"(\d\d)_[a-z][a-z0-9_]*")


class UnknownLessonError(LookupError):
    """A lesson or exercise that does not exist, or a name that several exercises have."""


@dataclass(frozen=True)
class Lesson:
    """A lesson's source and what stands in it; ``number`` is ``"02"`` and ``name`` ``"02_broadcasting"``."""

    directory: Path
    number: str
    name: str
    title: str
    source: str
    cells: tuple[Cell, ...]
    exercises: tuple[Exercise, ...]
    regions: tuple[Region, ...]
    uses_numba: bool

    @property
    def path(self) -> Path:
        """Where the source stands."""
        return self.directory / "lesson.py"

    @property
    def points(self) -> int:
        """What the whole lesson can earn."""
        return sum(exercise.points for exercise in self.exercises)

    def exercise(self, name_or_id: str) -> Exercise:
        """The exercise of that name (``unbroadcast``) or id (``02.unbroadcast``)."""
        for exercise in self.exercises:
            if name_or_id in (exercise.name, exercise.id):
                return exercise
        names = [exercise.name for exercise in self.exercises]
        wanted = name_or_id.removeprefix(f"{self.number}.")
        known = f"it has {', '.join(names)}" if names else "it has none"
        hint = did_you_mean(wanted, names)
        raise UnknownLessonError(f"lesson {self.number} has no exercise {wanted!r}; {known}.{hint}")

    def goes_by(self, ref: str) -> bool:
        """Whether ``ref`` names this lesson: ``02``, ``2``, ``02_broadcasting`` or ``broadcasting``."""
        return ref in (self.number, self.name, self.name[3:]) or (ref.isdecimal() and int(ref) == int(self.number))


def load(directory: Path) -> Lesson:
    """Read ``directory/lesson.py``.

    Raises:
        LessonError: with file and line, for anything in it that is not sound.

    """
    path = directory / "lesson.py"
    match = DIRECTORY.fullmatch(directory.name)
    if not match:
        raise LessonError(path, 1, f"directory {directory.name!r}: expected a name such as 02_broadcasting.")
    source = read(path)
    tree = parse(path, source)
    cells = cells_of(path, source)
    regions = regions_of(path, source, tree)
    return Lesson(
        directory=directory,
        number=match[1],
        name=directory.name,
        title=cells[0].markdown.split("\n")[0].removeprefix("# ").strip(),
        source=source,
        cells=cells,
        exercises=exercises_of(path, match[1], source, tree, regions),
        regions=regions,
        uses_numba=any(_imports_numba(node) for node in ast.walk(tree)),
    )


def _imports_numba(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] == "numba" for alias in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "numba"


# finding lessons


def solutions_directory() -> Path:
    """Where the lesson sources are: in the installed package, or else in the checkout."""
    return packaged("solutions")


def packaged(name: str) -> Path:
    """The directory ``name`` that travels in the wheel as ``nanograd/_name`` and stands in the checkout as ``name``."""
    package = Path(__file__).resolve().parents[1]
    places = (package / f"_{name}", package.parent / name)
    for directory in places:
        if directory.is_dir():
            return directory
    raise UnknownLessonError(f"no {name}: expected {places[0]} or {places[1]}. Install nanograd again.")


def lessons() -> list[Lesson]:
    """All lessons, by number."""
    found = [path for path in solutions_directory().iterdir() if DIRECTORY.fullmatch(path.name)]
    return [load(directory) for directory in sorted(found) if (directory / "lesson.py").is_file()]


def find(ref: str) -> tuple[Lesson, Exercise | None]:
    """The lesson, or the lesson and the exercise, that a learner means.

    ``02``, ``2``, ``02_broadcasting`` and ``broadcasting`` name a lesson, ``02.unbroadcast`` and ``unbroadcast`` an
    exercise.
    """
    every = lessons()
    number, dot, name = ref.strip().partition(".")
    lesson = next((lesson for lesson in every if lesson.goes_by(number)), None)
    if lesson is not None:
        return lesson, lesson.exercise(name) if dot else None
    if dot:
        known = [name for lesson in every for name in (lesson.number, lesson.name, lesson.name[3:])]
        there = ", ".join(lesson.name for lesson in every) or "none"
        raise UnknownLessonError(f"no lesson {number or ref!r}; there are {there}.{did_you_mean(number, known)}")
    return _by_exercise(every, number)


def _by_exercise(every: list[Lesson], name: str) -> tuple[Lesson, Exercise]:
    hits = [(lesson, exercise) for lesson in every for exercise in lesson.exercises if exercise.name == name]
    if len(hits) == 1:
        return hits[0]
    if hits:
        raise UnknownLessonError(f"{name!r} is ambiguous; say which: {', '.join(each.id for _, each in hits)}.")
    known = [name for lesson in every for name in (lesson.name, lesson.name[3:])]
    known += [exercise.name for lesson in every for exercise in lesson.exercises]
    raise UnknownLessonError(
        f"no lesson or exercise {name!r}; expected a number (02), a name (unbroadcast) or both (02.unbroadcast)."
        f"{did_you_mean(name, known)} `nanograd list` shows them all."
    )
