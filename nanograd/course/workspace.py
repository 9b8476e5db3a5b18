"""A learner's directory: the lessons as given, what the learner wrote in them, and what the course remembers.

    DIR/02_broadcasting/lesson.py, lesson.ipynb, test_lesson.py, README.md     the learner's
    DIR/.nanograd/pristine/02_broadcasting/...                                 the same files as given
    DIR/.nanograd/state.json                                                   course version, hints shown, results

A file that is there is never written over. Every write goes to a temporary file, is synced and renamed, so that a write
that is interrupted leaves the former file whole, and a start that is interrupted is completed by the next.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nanograd.course.lesson import DIRECTORY, Lesson, packaged
from nanograd.course.notebook import NotebookError, source_of_notebook

__all__ = [
    "Chosen",
    "Result",
    "State",
    "Workspace",
    "WorkspaceError",
    "exercises_directory",
    "start",
    "write_atomically",
]

FILES = ("lesson.py", "lesson.ipynb", "test_lesson.py", "README.md")
FORMAT = 1


class WorkspaceError(Exception):
    """A directory that is no workspace, or one that cannot be made or read: what, and how to mend it."""


def exercises_directory() -> Path:
    """Where the generated exercises are: in the installed package, or else in the checkout."""
    return packaged("exercises")


def write_atomically(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Write ``data`` to ``path``: all of it, or nothing and the former file stays.

    ``temporary`` is a directory on the same file system for the unfinished file; beside ``path`` when None.
    """
    handle, name = tempfile.mkstemp(prefix=".unfinished-", dir=temporary or path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync_directory(directory: Path) -> None:
    with suppress(OSError):  # not every system can open a directory
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# what the course remembers


@dataclass(frozen=True)
class Result:
    """How an exercise was graded last, and the digest of the file that was graded."""

    state: str
    points: int
    out_of: int
    digest: str = ""


@dataclass
class State:
    """What ``.nanograd/state.json`` holds."""

    course: str = ""
    complete: bool = False
    hints: dict[str, int] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read the text of the file; a ValueError says that it is damaged."""
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise ValueError(f"format {data['format']!r}, expected {FORMAT}")
            hints = {str(name): int(count) for name, count in data["hints"].items()}
            results = {str(name): _result(given) for name, given in data["results"].items()}
            return cls(str(data["course"]), bool(data["complete"]), hints, results)
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None


def _result(given: dict[str, Any]) -> Result:
    return Result(str(given["state"]), int(given["points"]), int(given["out_of"]), str(given["digest"]))


# the directory


@dataclass(frozen=True)
class Chosen:
    """The file of a lesson to grade, and why that one when it is not plain."""

    path: Path
    note: str = ""

    @property
    def digest(self) -> str:
        """A digest of what is in the file now."""
        with suppress(OSError):
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        return ""


@dataclass(frozen=True)
class Workspace:
    """A learner's directory with a ``.nanograd`` in it."""

    root: Path

    @classmethod
    def find(cls, inside: Path | None = None) -> Workspace:
        """The workspace that ``inside`` (the current directory) is in."""
        here = (inside or Path.cwd()).resolve()
        for directory in (here, *here.parents):
            if (directory / ".nanograd" / "state.json").is_file():
                return cls(directory)
        raise WorkspaceError(
            f"{here} is not inside a course directory. Make one with `nanograd start`, then `cd` into it."
        )

    @property
    def hidden(self) -> Path:
        """What the course keeps to itself."""
        return self.root / ".nanograd"

    @property
    def state_path(self) -> Path:
        """Where the state is kept."""
        return self.hidden / "state.json"

    def current(self, every: list[Lesson], here: Path | None = None) -> Lesson | None:
        """The lesson whose directory ``here`` (the current directory) is in, if any."""
        place = (here or Path.cwd()).resolve()
        return next((lesson for lesson in every if place.is_relative_to(self.root / lesson.name)), None)

    def state(self) -> State:
        """What the course remembers; a damaged file is set aside, kept, and replaced by an empty state."""
        try:
            return State.from_json(self.state_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return State()
        except ValueError as error:
            aside = self.hidden / f"state.damaged-{time.time_ns()}.json"
            self.state_path.replace(aside)
            self.save(State(course="", complete=True))
            raise WorkspaceError(
                f"{self.state_path} was damaged ({error}). It is kept as {aside.name}; progress starts anew, "
                "your lessons are untouched. Run the command again."
            ) from None

    def save(self, state: State) -> None:
        """Write the state."""
        write_atomically(self.state_path, state.to_json().encode())

    def pristine(self, lesson: Lesson, name: str) -> bytes | None:
        """A file of a lesson as it was given, or None if that is lost."""
        for directory in (self.hidden / "pristine", exercises_directory()):
            with suppress(OSError):
                return (directory / lesson.name / name).read_bytes()
        return None

    def chosen(self, lesson: Lesson) -> Chosen:
        """The file to grade: of lesson.py and lesson.ipynb the one that was changed; the newer if both were."""
        python, notebook = (self.root / lesson.name / name for name in ("lesson.py", "lesson.ipynb"))
        if not self._notebook_changed(lesson, notebook):
            return Chosen(python)
        if not self._python_changed(lesson, python):
            return Chosen(notebook, "grading lesson.ipynb: lesson.py is as it was given")
        newer, older = (python, notebook) if _saved(python) >= _saved(notebook) else (notebook, python)
        return Chosen(
            newer, f"both lesson.py and lesson.ipynb were changed: grading {newer.name}, saved after {older.name}"
        )

    def _python_changed(self, lesson: Lesson, path: Path) -> bool:
        try:
            return path.read_bytes() != self.pristine(lesson, path.name)
        except OSError:
            return False

    def _notebook_changed(self, lesson: Lesson, path: Path) -> bool:
        """Whether its code was changed; running cells or resizing them is no change."""
        if not path.is_file():
            return False
        given = self.hidden / "pristine" / lesson.name / path.name
        if not given.is_file():
            given = exercises_directory() / lesson.name / path.name
        try:
            return path.read_bytes() != given.read_bytes() and source_of_notebook(path) != source_of_notebook(given)
        except (NotebookError, OSError):
            return True


def _saved(path: Path) -> int:
    return path.stat().st_mtime_ns


# starting


@dataclass(frozen=True)
class Started:
    """What a start did: the files written, the learner's that stay as they are, the course's version before."""

    workspace: Workspace
    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    before: str


def start(directory: Path, version: str) -> Started:
    """Make ``directory`` a workspace, or complete one; nothing that is there is written over.

    Raises:
        WorkspaceError: ``directory`` cannot be one.

    """
    source = exercises_directory()
    lessons = sorted(path.name for path in source.iterdir() if DIRECTORY.fullmatch(path.name) and path.is_dir())
    workspace = Workspace(directory.resolve())
    _refuse_what_is_not_ours(workspace, lessons)
    try:
        return _fill(workspace, source, lessons, version)
    except OSError as error:
        raise WorkspaceError(
            f"start: cannot write {error.filename or directory}: {error.strerror or error}. "
            "Mend that or choose another directory, then run the same command again: it goes on where it stopped."
        ) from None


def _refuse_what_is_not_ours(workspace: Workspace, lessons: list[str]) -> None:
    root = workspace.root
    if root.exists() and not root.is_dir():
        raise WorkspaceError(f"start: {root} is a file; expected a directory or a new name.")
    if workspace.hidden.exists():
        return
    taken = [name for name in lessons if (root / name).exists()]
    if taken:
        raise WorkspaceError(
            f"start: {root} already has {', '.join(taken)}, but no .nanograd that says it is a course directory. "
            "Nothing was changed. Choose another directory: nanograd start DIR."
        )


def _fill(workspace: Workspace, source: Path, lessons: list[str], version: str) -> Started:
    temporary = workspace.hidden / "unfinished"
    temporary.mkdir(parents=True, exist_ok=True)
    state = workspace.state()
    before = state.course
    if not state.course:
        state.course, state.complete = version, False
        workspace.save(state)
    written, kept = [], []
    for given in _files(source, lessons):
        relative = given.relative_to(source)
        pristine, own = workspace.hidden / "pristine" / relative, workspace.root / relative
        if not pristine.exists():
            _write_new(pristine, given.read_bytes(), temporary)
        if not own.exists():
            _write_new(own, pristine.read_bytes(), temporary)
            written.append(own)
        elif own.read_bytes() != pristine.read_bytes():
            kept.append(own)
    for leftover in temporary.iterdir():
        leftover.unlink()
    temporary.rmdir()
    if not state.complete:
        state.complete = True
        workspace.save(state)
    return Started(workspace, tuple(written), tuple(kept), before)


def _write_new(path: Path, data: bytes, temporary: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data, temporary)


def _files(source: Path, lessons: list[str]) -> Iterator[Path]:
    for name in lessons:
        yield from (path for file in FILES if (path := source / name / file).is_file())
