"""The four words a lesson is written with: exercise, scenario, wrong and also_right.

They mark plain functions, methods and classes and give them back unchanged: nothing is registered anywhere. The course
reads the marks from the source text (`nanograd.course.source`), so their arguments are written out, not computed.

```python
@exercise("double", points=2, lines=1, hints=["What is x + x?", "A product with 2.", "return 2 * x"])
def double(x: float) -> float:
    \"\"\"y = 2 x\"\"\"
    # BEGIN SOLUTION
    return 2 * x
    # END SOLUTION
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

__all__ = ["also_right", "exercise", "scenario", "wrong"]

Marked = TypeVar("Marked", bound=Callable[..., Any])


def exercise(
    name: str,
    *,
    points: int = 1,
    lines: int | None = None,
    hints: Iterable[str] = (),
    replaces: str | None = None,
    needs: Iterable[str] = (),
    solved: bool = False,
) -> Callable[[Marked], Marked]:
    """Mark a function, method or class as an exercise.

    Args:
        name: the exercise's name in its lesson; lesson 02's ``unbroadcast`` has the id ``02.unbroadcast``.
        points: what a right answer earns, 1 or more.
        lines: how long a good answer is; counted from the solution when None.
        hints: shown one at a time by ``nanograd hint``, from a question to nearly the answer.
        replaces: the seam of the library that an answer can stand in for, such as ``nanograd.kernels.reduce.sum_to``.
        needs: what an answer builds on: names of other exercises.
        solved: the learner gets this one solved (to run, break and repair), so it has no BEGIN and END SOLUTION.

    >>> @exercise("double", points=2)
    ... def double(x):
    ...     return 2 * x
    >>> double(4)
    8
    """
    del points, lines, hints, replaces, needs, solved
    if not isinstance(name, str):
        raise TypeError(f'exercise: expected a name, got {type(name).__name__}. Write @exercise("name", points=2).')
    return _unchanged


def scenario(function: Marked) -> Marked:
    """Mark the half of a test that runs where the learner's code runs; it returns plain data.

    Its first parameter is the learner's module; the others are plain data given by ``submission.run(scenario, ...)``.
    """
    return function


def wrong(exercise: str, *, says: str) -> Callable[[Marked], Marked]:
    """Mark a known wrong answer of an exercise; ``says`` tells a learner who wrote the same what went wrong."""
    if not says:
        raise ValueError(f"wrong: the mistake in {exercise!r} needs a name: says='you ...'.")
    return _unchanged


def also_right(exercise: str) -> Callable[[Marked], Marked]:
    """Mark an answer that is right though it differs from the solution: a grader must accept it."""
    del exercise
    return _unchanged


def _unchanged(marked: Marked) -> Marked:
    return marked
