"""What a learner asks for: ``start``, ``list``, ``hint`` and ``check``: parsed arguments in, exit status out."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nanograd import __version__
from nanograd.course.lesson import Exercise, Lesson, find, lessons
from nanograd.course.workspace import Result, State, Workspace, WorkspaceError
from nanograd.course.workspace import start as start_workspace

if TYPE_CHECKING:
    from nanograd.course.report import LessonReport

__all__ = ["UsageError", "check", "hint", "list_lessons", "start"]

DEFAULT_DIRECTORY = "nanograd-course"
WORST_FIRST = (7, 6, 5, 4, 1, 2, 8, 3, 0)  # of several exit codes, the one that counts


class UsageError(Exception):
    """A command that cannot be carried out as it was given."""


# start, list, hint


def start(arguments: argparse.Namespace) -> int:
    """Make a workspace, or complete the one that is there."""
    directory = Path(arguments.directory or DEFAULT_DIRECTORY)
    if arguments.directory is None:
        with suppress(WorkspaceError):
            directory = Workspace.find().root
    done = start_workspace(directory, __version__)
    root = done.workspace.root
    print(f"{_many(len(done.written), 'file')} written to {root}" if done.written else f"{root} is complete")
    if done.kept:
        print(f"kept as you left them: {', '.join(str(path.relative_to(root)) for path in done.kept)}")
    if done.before not in ("", __version__):
        print(f"this directory was made by version {done.before}; lessons that were there are still of that version")
    if Path.cwd() != root:
        print(f"\nnext:  cd {_quoted(directory)}")
    print(f"{'' if Path.cwd() != root else chr(10)}then:  nanograd list           what there is")
    print("       nanograd check 00       see how checking works; then open a lesson.py and write")
    return 0


def list_lessons(arguments: argparse.Namespace) -> int:
    """Show every exercise with how it was graded last."""
    every, workspace = lessons(), _workspace_or_none()
    state = workspace.state() if workspace else State()
    for lesson in every:
        print(_lesson_line(lesson, state))
        digest = workspace.chosen(lesson).digest if workspace else ""
        for exercise in lesson.exercises:
            print(_exercise_line(exercise, state, digest))
    if workspace is None:
        print("\nNo progress to show: this is not a course directory. Make one with `nanograd start`.")
    elif (following := _next(every, state)) is not None:
        print(f"\nnext: nanograd check {following[1].id}   (or: nanograd hint {following[1].id})")
    else:
        print("\nEverything is solved.")
    return 0


def _lesson_line(lesson: Lesson, state: State) -> str:
    results = [state.results.get(exercise.id) for exercise in lesson.exercises]
    earned = sum(result.points for result in results if result)
    title = textwrap.shorten(lesson.title, 50, placeholder="...")
    return f"{lesson.number}  {title:<50}{f'{earned} / {lesson.points}':>9}"


def _exercise_line(exercise: Exercise, state: State, digest: str) -> str:
    result, hints = state.results.get(exercise.id), state.hints.get(exercise.id, 0)
    remarks = ["changed since" if result and result.digest != digest else "", _many(hints, "hint") if hints else ""]
    points = f"{result.points if result else 0} / {exercise.points}"
    word = result.state if result else "-"
    return f"    {exercise.id:<32}{word:<18}{points:>9}  {', '.join(filter(None, remarks))}".rstrip()


def hint(arguments: argparse.Namespace) -> int:
    """Show the next hint; when all were shown, all of them again."""
    workspace = Workspace.find()
    every, state = lessons(), workspace.state()
    exercise = _hinted(arguments.ref, workspace, every, state)
    if not exercise.hints:
        print(f"{exercise.id} has no hints{': it is given solved' if exercise.solved else ''}.")
        return 0
    shown = min(state.hints.get(exercise.id, 0), len(exercise.hints))
    news = exercise.hints[shown : shown + 1] or exercise.hints
    first = shown + 1 if shown < len(exercise.hints) else 1
    for number, text in enumerate(news, first):
        print(f"{exercise.id}, hint {number} of {len(exercise.hints)}:\n{_wrapped(text)}\n")
    state.hints[exercise.id] = max(shown, first + len(news) - 1)
    workspace.save(state)
    if left := len(exercise.hints) - state.hints[exercise.id]:
        print(f"{_many(left, 'more hint')}: nanograd hint {exercise.id}")
    else:
        print(f"That is all there are. Try it: nanograd check {exercise.id}")
    return 0


def _hinted(ref: str | None, workspace: Workspace, every: list[Lesson], state: State) -> Exercise:
    """The exercise a hint is for: the one named, or the next unsolved one of the lesson named, or of all."""
    lesson = workspace.current(every)
    if ref is not None:
        lesson, exercise = _meant(ref, workspace, every)
        if exercise is not None:
            return exercise
    following = _next([lesson] if lesson else every, state)
    if following is None:
        raise UsageError(f"{f'lesson {lesson.number}' if lesson else 'everything'} is solved; name an exercise.")
    return following[1]


def _meant(ref: str, workspace: Workspace, every: list[Lesson]) -> tuple[Lesson, Exercise | None]:
    """What a name stands for; a path, as shells complete it, stands for the lesson it is in."""
    with suppress(OSError, ValueError):  # what can be no path at all is a name
        if Path(ref).exists() and (lesson := workspace.current(every, Path(ref))) is not None:
            return lesson, None
    return find(ref)


def _next(every: list[Lesson], state: State) -> tuple[Lesson, Exercise] | None:
    """The first exercise that has not passed."""
    for lesson in every:
        for exercise in lesson.exercises:
            result = state.results.get(exercise.id)
            if result is None or result.state != "PASS":
                return lesson, exercise
    return None


# check


def check(arguments: argparse.Namespace) -> int:
    """Grade what was asked for, and remember how it came out."""
    workspace = Workspace.find()
    every = lessons()
    targets = _targets(arguments, workspace, every)
    reports: list[LessonReport] = []
    for lesson, exercise in targets:
        print(end="\n" if reports and not arguments.json else "")
        reports.append(_graded(arguments, workspace, lesson, exercise))
    codes = {report.exit_code for report in reports}
    code = next(each for each in WORST_FIRST if each in codes)
    if arguments.json:
        print(json.dumps({"exit_code": code, "lessons": [report.to_json() for report in reports]}, indent=1))
    elif code in (0, 3):
        asked = [lesson for lesson, _ in targets] if code else every
        print(_what_is_next(workspace, targets[0][1] if code else None, asked))
    return code


def _targets(
    arguments: argparse.Namespace, workspace: Workspace, every: list[Lesson]
) -> list[tuple[Lesson, Exercise | None]]:
    if arguments.all:
        return [(lesson, None) for lesson in every]
    if arguments.ref is not None:
        return [_meant(arguments.ref, workspace, every)]
    if (lesson := workspace.current(every)) is not None:
        return [(lesson, None)]
    following = _next(every, workspace.state())
    return [(following[0] if following else every[-1], None)]


def _graded(
    arguments: argparse.Namespace, workspace: Workspace, lesson: Lesson, exercise: Exercise | None
) -> LessonReport:
    from nanograd.course import judge

    chosen = workspace.chosen(lesson)
    if chosen.note and not arguments.json:
        print(f"({lesson.number}: {chosen.note})")
    digest = chosen.digest
    path = Path(os.path.relpath(chosen.path))
    report = judge.check(lesson, path, exercise.name if exercise else None, seed=arguments.seed)
    if not arguments.json:
        print(report.text(color=_color(arguments), trace=arguments.trace))
    state = workspace.state()
    for graded in report.exercises:
        state.results[graded.id] = Result(str(graded.state), graded.points, graded.out_of, digest)
    workspace.save(state)
    return report


def _what_is_next(workspace: Workspace, asked: Exercise | None, among: list[Lesson]) -> str:
    """What to write next: the exercise that was asked for, or the first unsolved one."""
    following = next(((lesson, asked) for lesson in among if asked in lesson.exercises), None)
    following = following or _next(among, workspace.state())
    if following is None:
        return "\nEverything is solved."
    lesson, exercise = following
    path = os.path.relpath(workspace.chosen(lesson).path)
    return f"\nnext: write {exercise.qualname} in {path}   (stuck? nanograd hint {exercise.id})"


def _color(arguments: argparse.Namespace) -> bool:
    return not arguments.no_color and not os.environ.get("NO_COLOR") and sys.stdout.isatty()


# words


def _workspace_or_none() -> Workspace | None:
    try:
        return Workspace.find()
    except WorkspaceError:
        return None


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _wrapped(text: str) -> str:
    width = min(shutil.get_terminal_size().columns, 100)
    lines = text.splitlines()
    if len(lines) > 1:
        return textwrap.indent(text, "  ")
    return textwrap.fill(text, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path)) if os.name == "posix" else f'"{path}"'
