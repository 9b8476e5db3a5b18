"""Writes exercises/ from solutions/: every generated file of every lesson, the same byte for byte on every build."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nanograd.course.generate import check_leaks, readme, stub_source, visible_tests
from nanograd.course.lesson import Lesson, lessons, solutions_directory
from nanograd.course.notebook import notebook
from nanograd.course.workspace import WorkspaceError, write_atomically

__all__ = ["Built", "build", "outputs"]


@dataclass(frozen=True)
class Built:
    """What a build found: the files that were not as they must be, and those that belong to no lesson."""

    directory: Path
    files: int
    differing: tuple[Path, ...]
    stale: tuple[Path, ...]


def outputs(lesson: Lesson) -> dict[str, str]:
    """Every generated file of a lesson, name -> text, checked for leaks."""
    files = {
        "README.md": readme(lesson),
        "lesson.ipynb": notebook(lesson),
        "lesson.py": stub_source(lesson),
        "test_lesson.py": visible_tests(lesson),
    }
    check_leaks(lesson, files)
    return files


def build(directory: Path | None = None, *, check: bool = False) -> Built:
    """Write the exercises of every lesson into ``directory`` (beside solutions/); with ``check`` only compare.

    Nothing is written before every lesson was found sound.

    Raises:
        LessonError: with file and line, for a lesson that is not sound or leaks.
        WorkspaceError: there is no checkout to build in.

    """
    source = solutions_directory()
    if directory is None and source.name != "solutions":
        raise WorkspaceError(f"build: {source} is part of an installed package. Build in a checkout of nanograd.")
    directory = directory or source.parent / "exercises"
    wanted = {
        directory / lesson.name / name: text.encode() for lesson in lessons() for name, text in outputs(lesson).items()
    }
    differing = [path for path, data in wanted.items() if not path.is_file() or path.read_bytes() != data]
    stale = [path for path in sorted(directory.glob("[0-9][0-9]_*/*")) if path.is_file() and path not in wanted]
    if not check:
        for path in differing:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, wanted[path])
        for path in stale:
            path.unlink()
            with suppress(OSError):  # a directory that holds something else stays
                path.parent.rmdir()
    return Built(directory, len(wanted), tuple(differing), tuple(stale))
