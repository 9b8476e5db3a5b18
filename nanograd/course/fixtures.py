"""What a test of a lesson is given: ``submission``, ``reference`` and ``rng``.

Under ``nanograd check`` (see `nanograd.course.judge`) the submission is a conversation with a worker process. Under
plain ``pytest`` in a learner's directory both halves of a test run in this process, with the lesson.py beside the test.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nanograd.course.lesson import Lesson, UnknownLessonError, find
from nanograd.course.submission import Submission, in_process, module_of, solution

if TYPE_CHECKING:
    from nanograd.course.judgement import Judgement

__all__ = ["exercise_of", "reference", "rng", "submission"]

JUDGEMENT: pytest.StashKey[Judgement] = pytest.StashKey()  # where the judge's plugin is found, if there is one
MARKS = ("exercise(name): the exercise that a test grades", "hidden: not among the tests that a learner sees")


def exercise_of(item: pytest.Item, lesson: Lesson) -> str:
    """The name of the exercise that a test grades."""
    mark = item.get_closest_marker("exercise")
    if mark is not None and mark.args:
        return lesson.exercise(mark.args[0]).name
    if len(lesson.exercises) == 1:
        return lesson.exercises[0].name
    raise UnknownLessonError(f'{item.name} grades no exercise: write @pytest.mark.exercise("name") above it.')


def _lesson_beside(path: Path) -> Lesson:
    """The packaged lesson whose tests stand in a learner's directory."""
    return find(path.parent.name)[0]


@pytest.fixture
def submission(request: pytest.FixtureRequest) -> Submission:
    """The learner's code."""
    judgement = request.config.stash.get(JUDGEMENT, None)
    if judgement is not None:
        return judgement.submission(request.node)
    lesson = _lesson_beside(request.path)
    path = request.path.parent / "lesson.py"
    qualname = lesson.exercise(exercise_of(request.node, lesson)).qualname
    module = module_of(lesson, path.read_text(encoding="utf-8"), qualname, request.path)
    return in_process(lesson, path, "submission", module)


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Submission:
    """The solution, with the interface of ``submission``."""
    judgement = request.config.stash.get(JUDGEMENT, None)
    lesson = judgement.lesson if judgement is not None else _lesson_beside(request.path)
    return solution(lesson)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that follow from the run's seed and the test's name."""
    judgement = request.config.stash.get(JUDGEMENT, None)
    seed = judgement.seed if judgement is not None else 0
    return np.random.default_rng([seed, zlib.crc32(request.node.name.encode())])


def register_marks() -> None:
    """Make the marks of lessons known to the pytest that is importing a test file, so that none is called unknown."""
    config = getattr(pytest.mark, "_config", None)
    for mark in MARKS:
        if config is not None and mark not in config.getini("markers"):
            config.addinivalue_line("markers", mark)


register_marks()
