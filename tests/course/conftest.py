"""A small course to build, start and grade: two lessons with every kind of exercise."""

from pathlib import Path

import pytest

LESSON = '''# %% [markdown]
# # First steps
#
# Prose with $x^2$ and `code`.

# %%
import itertools
from math import fsum, prod

from nanograd.course import exercise

# %% [markdown] Doubling
# ## Doubling
#
# <!-- draw: nanograd.Scalar(2) * 3 -->


# %%
def given(x: float) -> float:
    """A helper that is given."""
    return fsum([x, 1.0])


@exercise(
    "double",
    points=2,
    replaces="nanograd.kernels.double",
    hints=["What is x + x?", "A product with *two*.", "return x * 2 or so"],
)
def double(x: float) -> float:
    """Twice x.

    >>> double(4.0)
    8.0
    """
    # BEGIN SOLUTION
    factor = prod([1, 2])
    return factor * x
    # END SOLUTION


# %%
class Counter:
    """Counts."""

    def __init__(self) -> None:
        self.count = 0

    @exercise("step", lines=1, needs=["double"], hints=["Add one."])
    def step(self) -> None:
        """One more."""
        # BEGIN SOLUTION
        self.count = next(itertools.count(self.count + 1))
        # END SOLUTION


@exercise("Restoring", points=3)
class Restoring:
    """Puts a value back."""

    def __enter__(self) -> str:
        # BEGIN SOLUTION
        self.entered_at_last = True
        return "in"
        # END SOLUTION

    def __exit__(self, *error: object) -> None:
        # BEGIN SOLUTION
        self.entered_at_last = False
        # END SOLUTION


# %%
if __name__ == "__main__":
    print(double(given(20.0)))
'''

TESTS = '''"""Tests of lesson 01."""

import math
import random

import pytest

from nanograd.course import scenario

SMALL = [1.0, 2.0]
# What follows is only for a hidden test.
LARGE = [1e300, 2e300]


def shared(x):
    return x


def only_hidden(x):
    return deeper(x)


def deeper(x):
    return math.sqrt(x)


@scenario
def stepping(s, n):
    counter = s.Counter()
    for _ in range(n):
        counter.step()
    return counter.count


@scenario
def hidden_scenario(s):
    return only_hidden(s.double(2.0))


@pytest.mark.exercise("double")
@pytest.mark.parametrize("x", SMALL)
def test_double(submission, x):
    assert submission.double(shared(x)) == 2 * x


# Nobody may read this.
@pytest.mark.hidden
@pytest.mark.exercise("double")
def test_double_large(submission):
    for x in LARGE:
        assert submission.double(shared(x)) == 2 * x
    assert submission.run(hidden_scenario) == 2.0


@pytest.mark.exercise("step")
def test_step(submission):
    assert submission.run(stepping, n=3) == 3


@pytest.mark.hidden
@pytest.mark.exercise("Restoring")
def test_restoring(submission):
    assert random.random() < 1
'''

WRONG = """from nanograd.course import also_right, wrong


@wrong("double", says="you squared x instead of doubling it")
def squared(x):
    return x * x


@also_right("double")
def added(x):
    return x + x
"""

SECOND = '''# %% [markdown]
# # Second

# %%
from nanograd.course import exercise


# %%
@exercise("ready", solved=True)
def ready(x: int) -> int:
    """Is given."""
    return x + 1
'''

SECOND_TESTS = '''"""Tests of lesson 02."""


def test_ready(submission):
    assert submission.ready(1) == 2
'''


def write_lesson(directory: Path, lesson: str, tests: str, wrong: str = "") -> Path:
    directory.mkdir(parents=True)
    for name, text in (("lesson.py", lesson), ("test_lesson.py", tests), ("wrong_answers.py", wrong)):
        if text:
            (directory / name).write_text(text)
    return directory


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The directory of a built course of two lessons, which the commands take for the installed one."""
    from nanograd.course import build, lesson, workspace

    home = tmp_path / "home"
    write_lesson(home / "solutions" / "01_first", LESSON, TESTS, WRONG)
    write_lesson(home / "solutions" / "02_second", SECOND, SECOND_TESTS)
    monkeypatch.setattr(lesson, "solutions_directory", lambda: home / "solutions")
    monkeypatch.setattr(build, "solutions_directory", lambda: home / "solutions")
    monkeypatch.setattr(workspace, "exercises_directory", lambda: home / "exercises")
    build.build()
    return home
