"""Curves of one float32 that compile to vector instructions; those of ``math`` run one number at a time.

Coefficients are fitted so that the greatest error over the range is least.
"""

from __future__ import annotations

import numpy as np

from nanograd.kernels.compile import exact, jit

__all__ = ["bell32", "decay32", "exp32", "normal32", "sigmoid32"]

f4, i4 = np.float32, np.int32

LOG2E = f4(1.4426950408889634)
LN2_HIGH, LN2_LOW = f4(0.693359375), f4(-2.12194440054690583e-4)  # their sum is ln 2; n · LN2_HIGH is exact
ROUND = f4(12582912)  # 1.5 · 2²³: adding it leaves no bits for a fraction
ROUND_BITS, BIAS, FRACTION = i4(0x4B400000), i4(127), i4(23)
E2, E3, E4, E5, E6 = f4(0.499999933), f4(0.166665191), f4(0.0416684057), f4(0.00836889868), f4(0.00138142217)


@exact
def _mantissa(r):  # type: ignore[no-untyped-def]
    """eʳ for |r| ≤ ln 2 / 2."""
    p = (((E6 * r + E5) * r + E4) * r + E3) * r + E2
    return (p * r + f4(1)) * r + f4(1)


@exact
def exp32(x):  # type: ignore[no-untyped-def]
    """eˣ = 2ⁿ eʳ, r = x - n ln 2: within 1.1 units in the last place."""
    z = f4(-104) if x < f4(-104) else x  # beyond these eˣ is 0 or infinite; NaN stays
    z = f4(89) if z > f4(89) else z
    t = f4(z * LOG2E + ROUND)
    whole = t - ROUND
    p = _mantissa(z - whole * LN2_HIGH - whole * LN2_LOW)
    n = i4(t.view(i4) - ROUND_BITS)
    half = i4(n >> i4(1))  # in two steps: 2ⁿ alone may be too large or too small
    return p * i4(i4(half + BIAS) << FRACTION).view(f4) * i4(i4(n - half + BIAS) << FRACTION).view(f4)


@exact
def _power(z):  # type: ignore[no-untyped-def]
    """e^z for z in [-87, 88], where 2ⁿ is a normal number."""
    t = f4(z * LOG2E + ROUND)
    whole = t - ROUND
    return _mantissa(z - whole * LN2_HIGH - whole * LN2_LOW) * i4(i4(t.view(i4) + BIAS) << FRACTION).view(f4)


@jit
def decay32(x):  # type: ignore[no-untyped-def]
    """eˣ for x ≤ 88, in two thirds of the time of ``exp32``: 0 below -87, where normal numbers end."""
    y = _power(f4(-87) if x < f4(-87) else x)
    return f4(0) if x < f4(-87) else y


@jit
def sigmoid32(x):  # type: ignore[no-untyped-def]
    """1 / (1 + e⁻ˣ); 0 below -88, where normal numbers end."""
    z = f4(-88) if x < f4(-88) else x
    z = f4(87) if z > f4(87) else z
    y = f4(1) / (f4(1) + _power(-z))
    return f4(0) if x < f4(-88) else y


@jit
def bell32(x):  # type: ignore[no-untyped-def]
    """e^(-x²/2)"""
    return decay32(f4(-0.5) * x * x)


EDGE = f4(5.3)  # from here on Φ is 0 or 1 within the rounding of 1
P0, P1, P2 = f4(0.398942254), f4(0.0329358471), f4(0.00462799809)
P3, P4, P5 = f4(0.000160335274), f4(6.37907648e-6), f4(2.40502988e-8)
Q1, Q2, Q3 = f4(0.249224154), f4(0.0281388623), f4(0.00183657578)
Q4, Q5 = f4(7.13526263e-5), f4(1.23716942e-6)


@exact
def normal32(x):  # type: ignore[no-untyped-def]
    """Φ(x) = 1/2 + x P(x²) / Q(x²), the normal distribution function, within 1.8e-7."""
    s = x * x
    p = ((((P5 * s + P4) * s + P3) * s + P2) * s + P1) * s + P0
    q = ((((Q5 * s + Q4) * s + Q3) * s + Q2) * s + Q1) * s + f4(1)
    y = f4(0.5) + x * p / q
    y = f4(0) if x < -EDGE else y
    return f4(1) if x > EDGE else y
