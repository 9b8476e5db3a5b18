"""Random numbers that NumPy draws, keyed as sample.py's, and how gamma numbers move with their parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.kernels.kernel import Array, kernel

__all__ = ["binomial", "gamma", "gamma_slope"]


def _stream(seed: int, offset: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.array([seed, offset], np.uint64)))


@kernel
def binomial(counts: Array, chances: Array, seed: int, offset: int) -> Array:
    """How many of ``counts`` trials succeed, each with a probability: whole numbers in the dtype of the counts."""
    drawn = _stream(seed, offset).binomial(counts.astype(np.int64), chances.astype(np.float64))
    return np.asarray(drawn, counts.dtype)


@kernel
def gamma(shapes: Array, seed: int, offset: int) -> Array:
    """Numbers with the density x^(α - 1) e⁻ˣ / Γ(α) (Marsaglia and Tsang, 2000); at least the least normal number."""
    drawn = _stream(seed, offset).standard_gamma(shapes.astype(np.float64))
    return np.maximum(np.asarray(drawn, shapes.dtype), np.finfo(shapes.dtype).tiny)


LARGE = 1e4
"""From this α on the distribution is all but that of a normal number's cube."""


@kernel
def gamma_slope(shapes: Array, x: Array) -> Array:
    """∂x/∂α of a gamma sample x whose rank stays: -(∂P(α, x)/∂α) / p(x), P the distribution function.

    P(α, x) = x^α e⁻ˣ Σ xⁿ / Γ(α + n + 1) is differentiated term by term (DLMF 8.11.4); for large α, x is
    α (1 - 1/9α + z/3√α)³, z normal (Wilson and Hilferty, 1931).
    """
    shape = x.shape
    a, v = (np.asarray(t, np.float64).ravel() for t in (np.broadcast_to(shapes, shape), x))
    slope = np.empty_like(v)
    small = a < LARGE
    slope[small] = _series_slope(a[small], v[small])
    slope[~small] = _cube_slope(a[~small], v[~small])
    return slope.reshape(shape).astype(x.dtype)


def _series_slope(a: Array, x: Array) -> Array:
    with np.errstate(all="ignore"):
        log_x = np.log(x)
        digamma = _digamma(a + 1)
        term = 1 / a  # xⁿ Γ(α) / Γ(α + n + 1)
        total = term * (log_x - digamma)
        reach = np.maximum(x - a, 0) + 12 * np.sqrt(x + a) + 60  # beyond it the terms are nothing
        for n in range(1, int(reach.max(initial=0)) + 1):
            term = term * x / (a + n)
            digamma = digamma + 1 / (a + n)
            total += term * (log_x - digamma)
        return np.where(x > 0, -x * total, 0.0)


def _cube_slope(a: Array, x: Array) -> Array:
    root = np.cbrt(x / a)
    change = 1 / (9 * a * a) - (root - 1 + 1 / (9 * a)) / (2 * a)  # of the root, at the same z
    return root**3 + 3 * a * root * root * change


def _digamma(x: Any) -> Array:
    """ψ(x) for x ≥ 1: the asymptotic series at x + 8 (DLMF 5.11.2), and back by ψ(x) = ψ(x + 1) - 1/x."""
    less = sum(1 / (x + n) for n in range(8))
    y = x + 8
    square = 1 / (y * y)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    return np.log(y) - 0.5 / y - series - less
