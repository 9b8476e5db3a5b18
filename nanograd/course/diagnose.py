"""Finds out which mistake a failing answer makes, from what it returns; what matches nothing is not named.

All calls that the tests make of a right answer are made again: of the learner's answer, and of each known wrong answer
in its place. A known mistake is named when the two agreed everywhere. Else a relation between what came back and what
is expected is named when it holds everywhere: a factor, a sign, a missing sum. None is named on thin evidence.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanograd.course.assemble import KnownAnswer, answers_of
from nanograd.course.compare import alike, identical, leaves, number_array
from nanograd.course.explain import parameters
from nanograd.course.judgement import Seat, judge
from nanograd.course.lesson import Exercise, Lesson
from nanograd.course.sandbox import EndedError, StoppedError, Worker
from nanograd.course.submission import BrokenError, Call, module_of, module_with, solution
from nanograd.course.wire import WireError

__all__ = ["Evidence", "agreement", "calls_of", "diagnose", "known_answers", "relation"]

Array = np.ndarray[Any, Any]
ENOUGH = 3  # numbers that must agree before a relation is named
UPSTREAM = ("upstream", "grad", "g", "gout", "grad_output", "out_grad")


def diagnose(evidence: Evidence, source: str) -> str | None:
    """Name the mistake of a failing answer in a learner's ``source``; None when nothing that is known matches."""
    if not evidence.calls:
        return None
    lesson = evidence.lesson
    seen = list(evidence.replay(module_of(lesson, source, evidence.exercise.qualname)))
    named = evidence.named(seen)
    return named.says if named else relation(lesson, evidence.calls, seen)


def calls_of(
    lesson: Lesson, seed: int = 0, hidden: bool = True, names: Sequence[str] | None = None
) -> dict[str, list[Call]]:
    """All calls that the tests make of the solutions, by exercise, with the right answers."""
    right = solution(lesson).transport
    chosen = [each.name for each in lesson.exercises] if names is None else names
    found = judge(lesson, lambda _: right, chosen, seed, hidden).outcomes.items()
    return {name: [call for outcome in outcomes for call in outcome.calls] for name, outcomes in found}


def known_answers(lesson: Lesson, exercise: Exercise | None = None) -> list[KnownAnswer]:
    """The known answers of a lesson, wrong and right, or those of one exercise."""
    path = lesson.directory / "wrong_answers.py"
    found = answers_of(path.read_text(encoding="utf-8"), str(path)) if path.is_file() else []
    return [each for each in found if exercise is None or each.exercise in (exercise.name, exercise.id)]


Outcome = tuple[Any, ...]


class Evidence:
    """What a right answer is asked by the tests of an exercise, and what it and the known wrong ones return."""

    def __init__(self, lesson: Lesson, exercise: Exercise, worker: Worker, calls: list[Call]) -> None:
        self.lesson, self.exercise, self.worker, self.calls = lesson, exercise, worker, calls
        self.right = [call.outcome for call in calls]
        self.wrong = [answer for answer in known_answers(lesson, exercise) if answer.says is not None]
        self.known: dict[str, list[Outcome]] = {}  # outcomes of wrong answers, where all were gathered

    def replay(self, module: dict[str, Any]) -> Iterator[Outcome]:
        """Make all calls of an answer, one at a time; what stops, ends or breaks it is an outcome too."""
        seat = Seat(self.worker, module)
        try:
            for call in self.calls:
                try:
                    yield Call(call.request, seat.answer(call.request), call.wanted).outcome
                except (StoppedError, EndedError, BrokenError, WireError) as error:
                    yield ("lost", type(error).__name__)
        finally:
            seat.close()

    def outcomes(self, answer: KnownAnswer) -> Iterator[Outcome]:
        """Make all calls of a known answer in the place of the solution."""
        return iter(self.known.get(answer.name) or self.replay(module_with(self.lesson, answer)))

    def named(self, seen: Sequence[Outcome]) -> KnownAnswer | None:
        """Find the one known mistake that returned the same as ``seen`` everywhere.

        The same to the type and dtype; failing that, the same numbers, if numbers tell it from the right answer.
        """
        if agreement(seen, self.right) == 2:
            return None
        close: list[KnownAnswer] = []
        for answer in self.wrong:
            agreed = agreement(seen, self.outcomes(answer))
            if agreed == 2:
                return answer
            close += [answer] if agreed else []
        return close[0] if len(close) == 1 and agreement(seen, self.right) == 0 else None


def agreement(seen: Iterable[Outcome], others: Iterable[Outcome]) -> int:
    """Compare two answers' outcomes. 2: identical everywhere. 1: the same numbers everywhere. 0: neither."""
    agreed = 2
    for mine, other in zip(seen, others, strict=False):
        if agreed == 2 and not _identical(mine, other):
            agreed = 1
        if agreed == 1 and not _alike(mine, other):
            return 0
    return agreed


def _identical(x: Outcome, y: Outcome) -> bool:
    return len(x) == len(y) and all(map(identical, x, y))


def _alike(x: Outcome, y: Outcome) -> bool:
    return x[0] == y[0] and len(x) == len(y) and all(map(alike, x, y))


# relations


@dataclass(frozen=True)
class Pair:
    """One value that came back beside the one expected, as arrays, and the call's named arguments."""

    got: Array
    expected: Array
    given: dict[str, Any]

    @property
    def right(self) -> bool:
        """Whether the numbers are right."""
        return alike(self.got, self.expected)

    def factor(self) -> float | None:
        """The number that expected must be multiplied with to give got, if there is one; nan where all is zero."""
        if self.got.shape != self.expected.shape:
            return None
        return _ratio(self.got, self.expected)


def relation(lesson: Lesson, calls: Sequence[Call], seen: Sequence[Outcome]) -> str | None:
    """Name a relation that holds between everything that came back and everything expected."""
    if any(mine[0] != call.outcome[0] for mine, call in zip(seen, calls, strict=True)):
        return None
    values = [(call, mine) for call, mine in zip(calls, seen, strict=True) if mine[0] == "value"]
    parts = [(call, *pair) for call, mine in values for pair in leaves(mine[1], call.response["value"])]
    if parts and all(got is None and expected is not None for _, got, expected in parts):
        return "your function returns None: is there a `return` on every way through it?"
    modified = next((name for _, mine in values for name in mine[2]), None)
    pairs = _pairs(lesson, parts)
    if pairs is None:
        return None
    if all(pair.right for pair in pairs):
        return _right_numbers(lesson, parts, values, modified)
    return next((text for rule in RULES if (text := rule(pairs))), None)


def _pairs(lesson: Lesson, parts: list[tuple[Call, Any, Any]]) -> list[Pair] | None:
    found = []
    for call, got, expected in parts:
        x, y = number_array(got), number_array(expected)
        if x is not None and y is not None:
            found.append(Pair(x, y, _given(lesson, call)))
        elif not identical(got, expected):
            return None
    return found


def _given(lesson: Lesson, call: Call) -> dict[str, Any]:
    names = parameters(lesson, call.request["name"]) if call.request["do"] == "call" else []
    return {**dict(zip(names, call.request.get("args", ()), strict=False)), **call.request["kwargs"]}


def _right_numbers(lesson: Lesson, parts: Any, values: Any, modified: str | None) -> str | None:
    """The numbers are right everywhere, so it is the dtype, the kind of container, or an argument that was modified."""
    for _, got, expected in parts:
        x, y = number_array(got), number_array(expected)
        if x is not None and y is not None and isinstance(expected, np.ndarray | np.generic) and x.dtype != y.dtype:
            return f"the numbers are right, but of dtype {x.dtype} where {y.dtype} is expected"
    for call, mine in values:
        got, expected = mine[1], call.response["value"]
        if isinstance(got, list | tuple) and type(got) is not type(expected):
            return f"the numbers are right, but in a {type(got).__name__} where a {type(expected).__name__} is expected"
    if modified is not None:
        names = parameters(lesson, values[0][0].request["name"])
        name = names[int(modified)] if modified.isdigit() and int(modified) < len(names) else modified
        return f"the result is right, but your function modifies its argument {name!r}: work on a copy"
    return None


def _wrong_shape(pairs: list[Pair]) -> str | None:
    for pair in pairs:
        if not alike(pair.got.ravel(), pair.expected.ravel()):
            return None
    pair = next(pair for pair in pairs if not pair.right)
    return f"the numbers are right, but in shape {pair.got.shape} where {pair.expected.shape} is expected"


def _transposed(pairs: list[Pair]) -> str | None:
    matrices = [pair for pair in pairs if not pair.right]
    turned = all(pair.got.ndim > 1 and alike(pair.got.T, pair.expected) for pair in matrices)
    return "your result is the transpose of what is expected" if turned and _numbers(matrices) >= ENOUGH else None


def _missing_sum(pairs: list[Pair]) -> str | None:
    wrong = [pair for pair in pairs if not pair.right]
    if all(pair.got.size > pair.expected.size and _sums_to(pair) for pair in wrong) and _numbers(wrong) >= ENOUGH:
        return "a sum is missing: summed over the axes that are too many, or too long, your result is right"
    return None


def _sums_to(pair: Pair) -> bool:
    axes = range(pair.got.ndim)
    subsets = itertools.chain.from_iterable(itertools.combinations(axes, n) for n in range(1, pair.got.ndim + 1))
    return any(alike(pair.got.sum(axis=s, keepdims=k), pair.expected) for s in subsets for k in (False, True))


def _factor(pairs: list[Pair]) -> str | None:
    """One factor everywhere, or one that a size of the call's arrays explains."""
    factors = [pair.factor() for pair in pairs]
    if any(factor is None for factor in factors) or _numbers([p for p in pairs if not p.right]) < ENOUGH:
        return None
    known = [
        (pair, factor) for pair, factor in zip(pairs, factors, strict=True) if factor == factor and factor is not None
    ]
    first = known[0][1] if known else math.nan
    if known and all(math.isclose(factor, first, rel_tol=1e-6) for _, factor in known):
        return _constant(first)
    if all(_is_size(pair, 1 / factor) for pair, factor in known if factor):
        return "you took a mean where a sum is expected"
    if all(_is_size(pair, factor) for pair, factor in known):
        return "you took a sum where a mean is expected"
    if all(_is_dimension(pair, factor**2) or _is_dimension(pair, factor**-2) for pair, factor in known if factor):
        return "your result is off by the square root of a dimension everywhere"
    return None


def _constant(factor: float) -> str | None:
    if math.isclose(factor, -1):
        return "the sign is wrong: your result is minus what is expected, everywhere"
    if factor == 0:
        return "your result is zero everywhere"
    if math.isclose(factor, 1):
        return None
    inverse = 1 / factor
    text = f"1/{inverse:.6g}" if abs(inverse) > 1 and math.isclose(inverse, round(inverse)) else f"{factor:.6g}"
    return f"your result is {text} times what is expected, everywhere"


def _offset(pairs: list[Pair]) -> str | None:
    if any(pair.got.shape != pair.expected.shape for pair in pairs) or _numbers(pairs) < ENOUGH:
        return None
    with np.errstate(all="ignore"):
        offsets = np.concatenate([np.ravel(pair.got - pair.expected) for pair in pairs])
    if not np.isrealobj(offsets) or not np.allclose(offsets, offsets[0], rtol=1e-6):
        return None
    return f"your result is {abs(offsets[0]):.6g} {'more' if offsets[0] > 0 else 'less'} than expected, everywhere"


def _is_size(pair: Pair, count: float) -> bool:
    """Whether ``count`` is the number of elements that one array of the call has for each element expected."""
    sizes = [each.size / max(pair.expected.size, 1) for each in _arrays(pair)]
    return any(math.isclose(count, size, rel_tol=1e-6) for size in sizes)


def _is_dimension(pair: Pair, count: float) -> bool:
    return any(math.isclose(count, n, rel_tol=1e-6) for each in _arrays(pair) for n in each.shape)


def _arrays(pair: Pair) -> list[Array]:
    return [value for value in pair.given.values() if isinstance(value, np.ndarray)]


def _upstream_ignored(pairs: list[Pair]) -> str | None:
    wrong = [pair for pair in pairs if not pair.right]
    for pair in pairs:
        name = next((name for name in pair.given if name in UPSTREAM), None)
        upstream = number_array(pair.given[name]) if name else None
        if upstream is None or pair.got.shape != pair.expected.shape:
            return None
        try:
            if not alike(pair.got * upstream, pair.expected):
                return None
        except ValueError:
            return None
    return (
        "the upstream gradient is missing: multiplied with it, your result is right"
        if _numbers(wrong) >= ENOUGH
        else None
    )


def _first_row(pairs: list[Pair]) -> str | None:
    wrong = [pair for pair in pairs if not pair.right]
    for pair in wrong:
        if pair.got.shape != pair.expected.shape or pair.got.ndim == 0 or not alike(pair.got[0], pair.expected[0]):
            return None
    return "only the first row of your result is right" if _numbers(wrong) >= ENOUGH and len(wrong) > 1 else None


RULES: list[Callable[[list[Pair]], str | None]] = [
    _wrong_shape,
    _transposed,
    _upstream_ignored,
    _factor,
    _offset,
    _missing_sum,
    _first_row,
]


def _numbers(pairs: list[Pair]) -> int:
    """How many different numbers the evidence rests on."""
    return len({float(abs(number)) for pair in pairs for number in pair.expected.ravel() if number})


def _ratio(got: Array, expected: Array) -> float | None:
    with np.errstate(all="ignore"):
        weight = np.abs(expected) > 1e-12
        if not weight.any():
            return math.nan if not np.any(got) else None
        ratios = np.asarray(got[weight] / expected[weight])
    if not np.isrealobj(ratios) or not np.isfinite(ratios).all():
        return None
    first = float(ratios.flat[0])
    return first if alike(got, np.asarray(first * expected)) and np.allclose(ratios, first, rtol=1e-5) else None
