"""How far to go along a direction: the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from nanograd.tensors import Tensor

__all__ = ["Point", "strong_wolfe"]

ENOUGH = 1e-4  # c₁: the loss must fall by this share of what the slope promised
FLAT = 0.9  # c₂: and the slope must shrink to this share
SMALL = 1e-9  # a bracket in which no element moves by more is not divided further


class Point(NamedTuple):
    """A place along the direction: step length, loss, gradient, and the slope of the loss there."""

    t: float
    loss: float
    g: Tensor
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, t: float, length: float, most: int
) -> tuple[Point, int]:
    """A point where the loss fell enough and the slope is flat enough, and how many points were looked at.

    ``length`` is the largest element of the direction; after ``most`` trials the best point so far is taken.
    (Nocedal and Wright, 2006, algorithms 3.5 and 3.6)
    """
    before, here = start, evaluate(t)
    trials = 0
    while trials < most:
        rose = not _fell(here, start) or (trials > 1 and here.loss >= before.loss)
        if not rose and _flat(here, start):
            return here, trials + 1
        if rose or here.slope >= 0:
            return _zoom(evaluate, start, [before, here], length, most, trials)
        following = _cubic(before, here, here.t + 0.01 * (here.t - before.t), here.t * 10)
        before, here = here, evaluate(following)
        trials += 1
    best = start if start.loss <= here.loss else here
    return best, trials + 1


def _fell(here: Point, start: Point) -> bool:
    return not here.loss > start.loss + ENOUGH * here.t * start.slope


def _flat(here: Point, start: Point) -> bool:
    return abs(here.slope) <= -FLAT * start.slope


def _zoom(
    evaluate: Callable[[float], Point], start: Point, bracket: list[Point], length: float, most: int, trials: int
) -> tuple[Point, int]:
    """Narrow a bracket that holds a point to be found; ``bracket[low]`` is its better end."""
    low = _better(bracket)
    stuck = False
    while trials < most and abs(bracket[1].t - bracket[0].t) * length >= SMALL:
        t, stuck = _inside(_cubic(bracket[0], bracket[1]), sorted((bracket[0].t, bracket[1].t)), stuck)
        here = evaluate(t)
        trials += 1
        if not _fell(here, start) or here.loss >= bracket[low].loss:
            bracket[1 - low] = here
            low = _better(bracket)
        elif _flat(here, start):
            return here, trials + 1
        else:
            if here.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
                bracket[1 - low] = bracket[low]
            bracket[low] = here
    return bracket[low], trials + 1


def _better(bracket: list[Point]) -> int:
    return 0 if bracket[0].loss <= bracket[1].loss else 1


def _inside(t: float, ends: list[float], stuck: bool) -> tuple[float, bool]:
    """t, moved from the nearest end where it came too close twice or left the bracket; and whether it is close."""
    least, most = ends
    edge = 0.1 * (most - least)
    if not min(most - t, t - least) < edge:
        return t, False
    if not (stuck or t >= most or t <= least):
        return t, True
    return (most - edge if abs(t - most) < abs(t - least) else least + edge), False


def _cubic(a: Point, b: Point, least: float | None = None, most: float | None = None) -> float:
    """Where the cubic through two points with their slopes is lowest, within bounds; their middle if it has no minimum.

    (Nocedal and Wright, 2006, equation 3.59)
    """
    first, last = (a, b) if a.t <= b.t else (b, a)
    low, high = (first.t if least is None else least), (last.t if most is None else most)
    middle = (low + high) / 2
    if a.t == b.t:
        return middle
    d1 = first.slope + last.slope - 3 * (first.loss - last.loss) / (first.t - last.t)
    square = d1 * d1 - first.slope * last.slope
    if not square >= 0:
        return middle
    d2 = math.sqrt(square)
    across = last.slope - first.slope + 2 * d2
    if across == 0:
        return middle
    return min(max(last.t - (last.t - first.t) * ((last.slope + d2 - d1) / across), low), high)
