"""tanh of one float32 that compiles to vector instructions, as those of curves.py do."""

from __future__ import annotations

from math import factorial

import numpy as np

from nanograd.kernels.compile import exact

__all__ = ["tanh32"]

f4, i4 = np.float32, np.int32
PER_LN2 = f4(1 / np.log(2))
LN2_HIGH = f4(0.693359375)  # 9 bits: its products with n are exact
LN2_LOW = f4(np.log(2) - 0.693359375)
C2, C3, C4, C5, C6, C7 = (f4(1 / factorial(k)) for k in range(2, 8))
HALF, ONE, TWO, BIAS, FRACTION = f4(0.5), f4(1), f4(2), i4(127), i4(23)
FLAT = f4(10)  # from here on tanh is 1


@exact
def tanh32(x):  # type: ignore[no-untyped-def]
    """u / (u + 2), u = e²ˣ - 1: within 3 units in the last place, for small x too; NaN stays.

    u = 2ⁿ (eʳ - 1) + (2ⁿ - 1), where 2x = n ln 2 + r; the series of eʳ - 1 is cut below what float32 holds.
    """
    x = -FLAT if x < -FLAT else x
    x = FLAT if x > FLAT else x
    z = x + x
    n = np.floor(z * PER_LN2 + HALF)
    r = z - n * LN2_HIGH
    r = r - n * LN2_LOW
    series = C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * C7))))
    power = i4((i4(n) + BIAS) << FRACTION).view(f4)
    u = power * (r + r * r * series) + (power - ONE)
    return u / (u + TWO)
