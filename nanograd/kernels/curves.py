"""tanh and sigmoid of one float32, for compiled loops: without branches, so that a loop takes many elements at once.

Both come from e^x - 1 = 2^n (e^r - 1) + (2^n - 1), n the integer nearest to x / ln 2 and |r| ≤ (ln 2) / 2; the series
of e^r - 1 is cut where its terms are below what float32 holds.  Results are within 3 units of the last place.
"""

from __future__ import annotations

from math import factorial
from types import FunctionType
from typing import Any

import numpy as np

from nanograd.kernels.compile import Jit

__all__ = ["sigmoid", "tanh"]


class Ordered(Jit):
    """A compiled function whose sums are rounded in the order they are written: here the order is the accuracy."""

    __slots__ = ()

    @property
    def dispatcher(self) -> Any:
        """numba's object for this function."""
        made = super().dispatcher
        made.targetoptions["fastmath"] = {"contract"}
        return made


def ordered(function: Any) -> Any:
    """Compile ``function`` when it is first called, its sums as they are written."""
    assert isinstance(function, FunctionType)
    return Ordered(function)


f, i = np.float32, np.int32  # a number without its type would be float64
ZERO, HALF, ONE, TWO, BIAS, PLACES = f(0), f(0.5), f(1), f(2), i(127), i(23)
PER_LN2 = f(1 / np.log(2))
LN2 = f(0.693359375)  # 9 bits: its products with n are exact
LN2_REST = f(np.log(2) - 0.693359375)
C2, C3, C4, C5, C6, C7 = (f(1 / factorial(k)) for k in range(2, 8))
FLAT = f(10)  # from here on tanh is 1
STEEP = f(87)  # e^-x is finite up to here


@ordered
def power(n):  # type: ignore[no-untyped-def]
    """2^n for an integer n in [-126, 127], written into the exponent's bits."""
    return i((i(n) + BIAS) << PLACES).view(np.float32)


@ordered
def parts(x):  # type: ignore[no-untyped-def]
    """n and e^r - 1, where x = n ln 2 + r."""
    n = np.floor(x * PER_LN2 + HALF)
    r = x - n * LN2
    r = r - n * LN2_REST
    series = C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * C7))))
    return n, r + r * r * series


@ordered
def tanh(x):  # type: ignore[no-untyped-def]
    """(e^2x - 1) / (e^2x + 1); NaN stays NaN."""
    x = -FLAT if x < -FLAT else x
    x = FLAT if x > FLAT else x
    n, rest = parts(x + x)
    scale = power(n)
    u = scale * rest + (scale - ONE)
    return u / (u + TWO)


@ordered
def sigmoid(x):  # type: ignore[no-untyped-def]
    """1 / (1 + e^-x); NaN stays NaN."""
    x = -STEEP if x < -STEEP else x
    x = STEEP if x > STEEP else x
    n, rest = parts(-x)
    scale = power(n)
    return ONE / (ONE + (scale + scale * rest))
