"""Samples of special functions, beside integrals, sums and the functions of Python."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from nanograd.ops import special as _special
from nanograd.testing.pointwise import binary, unary, with_twin
from nanograd.testing.sample import away, inside, ones, positive, refuses, unit

A: Any = _special  # untyped: bad input is among what its functions are given


def vectorized(function: Any) -> Any:
    """A function of one number, of each element."""
    return lambda x: np.asarray(np.vectorize(function, otypes=[float])(x))


def log_gamma(x: float) -> float:
    """ln |Γ(x)|"""
    return math.inf if x <= 0 and x == math.floor(x) else math.lgamma(x)


def gamma_derivative(x: Any, n: int = 0) -> Any:
    """The (n + 1)-th derivative of ln Γ: its sum, and an integral for the rest of it."""
    k, end = np.arange(30000).reshape(-1, *(1,) * np.ndim(x)), 29999.5 + x
    if n == 0:
        return np.log(end) - (1 / (k + x)).sum(0)
    return (-1) ** (n + 1) * math.factorial(n) * (((k + x) ** (-1.0 - n)).sum(0) + end**-n / n)


def bessel(x: Any, n: int) -> Any:
    """1/π ∫ e^(x cos θ) cos nθ dθ over [0, π]"""
    theta = ((np.arange(200) + 0.5) * math.pi / 200).reshape(-1, *(1,) * np.ndim(x))
    return (np.exp(x * np.cos(theta)) * np.cos(n * theta)).mean(0)


def sinc(x: Any, n: int = 0) -> Any:
    """∫ (πt)ⁿ cos(πxt + nπ/2) dt over [0, 1]"""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    t, w = ((a.reshape(-1, *(1,) * np.ndim(x))) for a in ((nodes + 1) / 2, weights / 2))
    return (w * (math.pi * t) ** n * np.cos(math.pi * x * t + n * math.pi / 2)).sum(0)


def quantile(p: float) -> float:
    """The z with Φ(z) = p."""
    if not 0 < p < 1:
        return -math.inf if p == 0 else math.inf if p == 1 else math.nan
    return NormalDist().inv_cdf(p)


with_twin("erf", A.erf, vectorized(math.erf), gives="float")
with_twin("erfc", A.erfc, vectorized(math.erfc), gives="float")
unary("erfcx", A.erfcx, lambda x: np.exp(x * x) * vectorized(math.erfc)(x), gives="float")
with_twin("erfinv", A.erfinv, lambda x: vectorized(quantile)((x + 1) / 2) / math.sqrt(2), inside, gives="float")
unary("ndtr", A.ndtr, lambda x: vectorized(math.erfc)(-x / math.sqrt(2)) / 2, gives="float")
unary("ndtri", A.ndtri, vectorized(quantile), unit, gives="float")
unary("log_ndtr", A.log_ndtr, lambda x: np.log(vectorized(math.erfc)(-x / math.sqrt(2)) / 2), gives="float")
with_twin("lgamma", A.lgamma, vectorized(log_gamma), positive, gives="float")
with_twin("digamma", A.digamma, gamma_derivative, positive, gives="float")
with_twin(
    "polygamma",
    A.polygamma_of,
    gamma_derivative,
    positive,
    gives="float",
    options=({"n": 1}, {"n": 2}, {"n": 0}),
    bad=((lambda: A.polygamma(-1, ones(2)), ValueError, "polygamma: expected n ≥ 0"),),
)
with_twin(
    "mvlgamma",
    A.mvlgamma,
    lambda x, p: p * (p - 1) / 4 * math.log(math.pi) + sum(vectorized(log_gamma)(x - j / 2) for j in range(p)),
    lambda rng, shape: 1.5 + positive(rng, shape),
    takes="if",
    gives="float",
    options=({"p": 3}, {"p": 1}),
    without={"dtypes": "of small integers it is infinite: the oracle tries every dtype"},
    bad=(
        (lambda: A.mvlgamma(ones(2), 0), ValueError, "mvlgamma: expected p ≥ 1"),
        refuses(bool, lambda x: A.mvlgamma(x, 2), "mvlgamma: .*truth values"),
    ),
)
with_twin("i0", A.i0, lambda x: bessel(x, 0), gives="float")
unary("i1", A.i1, lambda x: bessel(x, 1), gives="float")
FLOATS = {"dtypes": "it is asked for floats only"}
unary("_bessel", A._bessel, bessel, options=({"n": 2}, {"n": 5}), without=FLOATS)
unary("i0e", A.i0e, lambda x: np.exp(-np.abs(x)) * bessel(x, 0), gives="float")
unary("i1e", A.i1e, lambda x: np.exp(-np.abs(x)) * bessel(x, 1), gives="float")
unary(
    "_scaled_bessel",
    A._scaled_bessel,
    lambda x, n: np.exp(-np.abs(x)) * bessel(x, n),
    options=({"n": 2}, {"n": 3}),
    without=FLOATS,
)
with_twin("sinc", A.sinc, sinc, gives="float")
unary("_sinc", A._sinc, sinc, options=({"n": 0}, {"n": 1}, {"n": 4}), without=FLOATS)
binary("xlogy", A.xlogy, lambda a, b: np.where(a == 0, 0.0, a * np.log(b)), positive, gives="float", twin="xlogy_")
binary("xlog1py", A.xlog1py, lambda a, b: a * np.log1p(b), away, positive, gives="float")
unary("entr", A.entr, lambda x: np.where(x == 0, 0.0, -x * np.log(np.maximum(x, 1e-300))), positive, gives="float")
