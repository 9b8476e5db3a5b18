"""Gamma functions, computed in float64 and rounded to the dtype of x.

Source: M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), whose equations are named below.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel
from nanograd.kernels.special import MANY, horner, sin_pi

EULER = 0.57721566490153286061  # Euler's constant: lim Σ 1/k - ln n


@kernel
def lgamma(x: Array) -> Array:
    """ln |Γ(x)|; infinite at 0, -1, -2, ...

    Near 1 and 2, where it is 0, by its power series; above by the recurrence and Stirling's series (A&S 6.1.15,
    33, 41); below 0 by reflection (6.1.17).
    """
    z = x.astype(np.float64)
    y = np.abs(z)
    small, rest = np.where(y < 8, y, 2.0), np.maximum(y, 8)
    factor = np.ones_like(small)
    for _ in range(6):  # Γ(y) = (y - 1) Γ(y - 1), down to 2.5
        factor, small = np.where(small > 2.5, (factor * (small - 1), small - 1), (factor, small))
    low = np.where(small < 0.5, small, small - 1)
    series = _lgamma_series(np.where(small < 1.5, low, small - 2)) + np.log(factor)
    right = np.where(y < 8, series - np.where(small < 1.5, np.log1p(low), 0.0), stirling(rest))
    right = np.where(y < 0.5, right - np.log(y), right)
    left = np.where(z == np.floor(z), np.inf, math.log(math.pi) - np.log(y * np.abs(sin_pi(z))) - right)
    return np.where(z > 0, right, left).astype(x.dtype)


@kernel
def mvlgamma(x: Array, p: int) -> Array:
    """p (p - 1)/4 ln π + Σ ln Γ(x - j/2) over j < p."""
    z = x.astype(np.float64)
    total = np.sum([lgamma.reference(z - j / 2) for j in range(p)], 0)
    return np.asarray(total + p * (p - 1) / 4 * math.log(math.pi), x.dtype)


def _lgamma_series(z: Array) -> Array:
    """ln Γ(2 + z) = (1 - γ) z + Σ (-z)ᵏ (ζ(k) - 1) / k for |z| ≤ 1/2."""
    return z * horner(z, _series_terms())


@functools.cache
def _series_terms() -> tuple[float, ...]:
    k = np.arange(28, 1, -1)
    return (*((-1.0) ** k * zeta(k.astype(float), np.array(2.0)) / k), 1 - EULER)


def stirling(x: Array) -> Array:
    """ln Γ(x) for x ≥ 8."""
    terms = (-3617 / 122400, 1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
    tail = horner(1 / (x * x), terms) / x
    return np.where(np.isinf(x), np.inf, (x - 0.5) * np.log(x) - x + 0.5 * math.log(2 * math.pi) + tail)


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)  # B₂, B₄, ...


def zeta(s: Array, q: Array) -> Array:
    """Hurwitz's Σₖ (k + q)⁻ˢ for s > 1, q > 0, by the formula of Euler and Maclaurin (A&S 23.1.30)."""
    total = np.sum([(q + k) ** -s for k in range(10)], 0)
    a = q + 10
    power = a**-s
    total = total + power * (a / (s - 1) + 0.5)
    rising = s / a  # s (s + 1) ... (s + 2j) / a^(2j + 1)
    for j, b in enumerate(BERNOULLI):
        total = total + power * rising * b / math.factorial(2 * j + 2)
        rising = rising * (s + 2 * j + 1) * (s + 2 * j + 2) / (a * a)
    return np.where(np.isinf(q), 0.0, total)


@kernel
def digamma(x: Array) -> Array:
    """ψ(x) = d/dx ln Γ(x); ∓inf at ±0, NaN at -1, -2, ...

    By the recurrence to x ≥ 10 and the asymptotic series there (A&S 6.3.5, 18); below 0 by reflection (6.3.7).
    """
    z = x.astype(np.float64)
    y = np.where(z < 0, 1 - z, z)
    total = np.zeros_like(y)
    for _ in range(10):
        total, y = np.where(y < 10, (total - 1 / y, y + 1), (total, y))
    terms = [-b / (2 * j + 2) for j, b in enumerate(BERNOULLI)]
    w = 1 / (y * y)
    right = np.where(np.isinf(y), np.inf, np.log(y) - 0.5 / y + w * horner(w, terms[::-1])) + total
    r = z - np.rint(z)
    left = np.where(r == 0, np.nan, right - math.pi / np.tan(math.pi * r))
    return np.where(z < 0, left, np.where(z == 0, -1 / z, right)).astype(x.dtype)


@kernel
def polygamma(x: Array, n: int) -> Array:
    """The n-th derivative of ψ, n ≥ 1: (-1)ⁿ⁺¹ n! ζ(n + 1, x) (A&S 6.4.10); below 0 by reflection (6.4.7)."""
    z = x.astype(np.float64)
    sign = -((-1.0) ** n)
    y = np.where(z < 0, 1 - z, np.where(z == 0, 1.0, z))
    right = sign * math.gamma(n + 1.0) * zeta(np.array(n + 1.0), y)
    r = z - np.rint(z)
    cot = 1 / np.tan(math.pi * np.where(r == 0, 0.5, r))
    left = -sign * right - math.pi ** (n + 1) * horner(cot, _cotangent(n))
    y = np.where(z < 0, left, right)
    return np.where((z <= 0) & (r == 0), sign * np.inf, y).astype(x.dtype)


@functools.cache
def _cotangent(n: int) -> tuple[float, ...]:
    """The n-th derivative of cot as a polynomial of cot c: each differentiation is -(1 + c²) d/dc."""
    p = [0, 1]  # the lowest power first
    for _ in range(n):
        slope = [k * c for k, c in enumerate(p)][1:]
        p = [-(a + b) for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return tuple(float(c) for c in reversed(p))


@jit
def _lgamma(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = math.lgamma(x[i])


@jit
def _digamma(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        z = np.float64(x[i])
        y = 1 - z if z < 0 else z
        total = 0.0
        while y < 10:
            total -= 1 / y
            y += 1
        w = 1 / (y * y)
        tail = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132 - w * (691 / 32760 - w / 12))))))
        right = total + math.log(y) - 0.5 / y - tail
        r = z - np.rint(z)
        if z > 0:
            out[i] = right
        elif z == 0:
            out[i] = -1 / z
        else:
            out[i] = np.nan if r == 0 else right - math.pi / math.tan(math.pi * r)


@lgamma.cpu(MANY)
def _(x: Array) -> Array:
    out = np.empty_like(x)
    _lgamma(x.reshape(-1), out.reshape(-1))
    return out


@digamma.cpu(MANY)
def _(x: Array) -> Array:
    out = np.empty_like(x)
    _digamma(x.reshape(-1), out.reshape(-1))
    return out
