"""Special functions: error functions, gamma functions, Bessel functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nanograd.errors import DTypeError
from nanograd.kernels import gamma
from nanograd.kernels import special as k
from nanograd.ops.comparison import where
from nanograd.ops.elementary import exp, log, log1p
from nanograd.ops.kinds import expect_numbers, floating, is_number
from nanograd.ops.op import Number, lift_float, op, record, titled
from nanograd.ops.rounding import sign

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["digamma", "erf", "erfc", "erfinv", "i0", "lgamma", "mvlgamma", "polygamma", "sinc", "xlogy"]

SQRT_PI = math.sqrt(math.pi)


# Error functions and the normal distribution


@op
def erf(input: Tensor) -> Tensor:
    """y = 2/√π ∫₀ˣ e^(-t²) dt, in (-1, 1).

    >>> erf(torch.tensor([0., 0.5, 3.]))
    tensor([0.0000, 0.5205, 1.0000])
    """
    x = floating(input)
    return record(k.erf(x.array), (x, lambda g: g * (2 / SQRT_PI * exp(-(x * x)))))


@op
def erfc(input: Tensor) -> Tensor:
    """y = 1 - erf x, exact for large x."""
    x = floating(input)
    return record(k.erfc(x.array), (x, lambda g: g * (-2 / SQRT_PI * exp(-(x * x)))))


@op("SpecialErfcx")
def erfcx(input: Tensor) -> Tensor:
    """y = e^(x²) erfc x, which neither overflows nor vanishes for large x."""
    x = floating(input)
    return record(k.erfcx(x.array), (x, lambda g, y: g * (2 * x * y - 2 / SQRT_PI)))


@op
def erfinv(input: Tensor) -> Tensor:
    """The y with erf y = x; ±inf at ±1, NaN outside."""
    x = floating(input)
    return record(k.erfinv(x.array), (x, lambda g, y: g * (SQRT_PI / 2 * exp(y * y))))


def ndtr(input: Tensor) -> Tensor:
    """y = Φ(x), the normal distribution function: the chance that a standard normal number is less than x."""
    return titled(0.5 * erfc(floating(input) * -math.sqrt(0.5)), "MulBackward1")


@op("SpecialNdtri")
def ndtri(input: Tensor) -> Tensor:
    """The z with Φ(z) = x, Φ the normal distribution function; ∓inf at 0 and 1, NaN outside."""
    x = floating(input)
    return record(k.ndtri(x.array), (x, lambda g, y: g * (math.sqrt(2 * math.pi) * exp(y * y / 2))))


@op("SpecialLogNdtr")
def log_ndtr(input: Tensor) -> Tensor:
    """y = ln Φ(x), Φ the normal distribution function; exact for very negative x."""
    x = floating(input)
    return record(k.log_ndtr(x.array), (x, lambda g: g * (math.sqrt(2 / math.pi) / erfcx(x * -math.sqrt(0.5)))))


# Gamma functions


@op
def lgamma(input: Tensor) -> Tensor:
    """y = ln |Γ(x)|; infinite at 0, -1, -2, ...

    >>> lgamma(torch.tensor([1., 5.])).exp()
    tensor([ 1., 24.])
    """
    x = floating(input)
    return record(gamma.lgamma(x.array), (x, lambda g: g * digamma(x)))


@op
def digamma(input: Tensor) -> Tensor:
    """y = ψ(x) = d/dx ln Γ(x); ∓inf at ±0, NaN at -1, -2, ..."""
    x = floating(input)
    return record(gamma.digamma(x.array), (x, lambda g: g * polygamma(1, x)))


@op
def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of ψ, n ≥ 0.  Raises ValueError for another n."""
    if n < 0:
        raise ValueError(f"polygamma: expected n ≥ 0, got {n}.")
    if n == 0:
        return titled(digamma(input), "PolygammaBackward0")
    x = floating(input)
    return record(gamma.polygamma(x.array, n), (x, lambda g: g * polygamma(n + 1, x)))


def polygamma_of(input: Tensor, n: int) -> Tensor:
    """The n-th derivative of ψ, n ≥ 0: ``polygamma`` as a method."""
    return polygamma(n, input)


MOST_DIMENSIONS = 1 << 24  # of which mvlgamma takes a term each


@op
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the gamma function of p dimensions, p (p - 1)/4 ln π + Σⱼ ln Γ(x - j/2), j < p.

    Raises ValueError for p < 1, DTypeError for truth values.
    """
    if not hasattr(p, "__index__"):
        raise DTypeError(
            f"mvlgamma: expected p, a number of dimensions, as an integer, got {type(p).__name__} {p!r:.60}."
        )
    if not 1 <= p <= MOST_DIMENSIONS:
        raise ValueError(f"mvlgamma: expected p ≥ 1, and at most {MOST_DIMENSIONS}, got {p}.")
    expect_numbers("mvlgamma", input)
    x = floating(input)
    return record(
        gamma.mvlgamma(x.array, p), (x, lambda g: sum((g * digamma(x - j / 2) for j in range(1, p)), g * digamma(x)))
    )


# Bessel functions


@op
def i0(input: Tensor) -> Tensor:
    """y = I₀(x), the modified Bessel function of order 0."""
    x = floating(input)
    return record(k.bessel(x.array, 0, False), (x, lambda g: g * _bessel(x, 1)))


@op("SpecialI1")
def i1(input: Tensor) -> Tensor:
    """y = I₁(x), the modified Bessel function of order 1."""
    x = floating(input)
    return record(k.bessel(x.array, 1, False), (x, lambda g: g * (0.5 * (_bessel(x, 0) + _bessel(x, 2)))))


@op
def _bessel(x: Tensor, n: int) -> Tensor:
    """Iₙ(x), which is I₋ₙ(x); its derivative is (Iₙ₋₁ + Iₙ₊₁) / 2."""
    return record(k.bessel(x.array, abs(n), False), (x, lambda g: g * (0.5 * (_bessel(x, n - 1) + _bessel(x, n + 1)))))


@op("SpecialI0E")
def i0e(input: Tensor) -> Tensor:
    """y = e^(-|x|) I₀(x)"""
    x = floating(input)
    return record(k.bessel(x.array, 0, True), (x, lambda g, y: g * (_scaled_bessel(x, 1) - sign(x) * y)))


@op("SpecialI1E")
def i1e(input: Tensor) -> Tensor:
    """y = e^(-|x|) I₁(x)"""
    x = floating(input)
    return record(
        k.bessel(x.array, 1, True),
        (x, lambda g, y: g * (0.5 * (_scaled_bessel(x, 0) + _scaled_bessel(x, 2)) - sign(x) * y)),
    )


@op
def _scaled_bessel(x: Tensor, n: int) -> Tensor:
    """e^(-|x|) Iₙ(x)"""
    return record(
        k.bessel(x.array, abs(n), True),
        (x, lambda g, y: g * (0.5 * (_scaled_bessel(x, n - 1) + _scaled_bessel(x, n + 1)) - sign(x) * y)),
    )


# What is 0/0 or 0 · ∞ somewhere


def sinc(input: Tensor) -> Tensor:
    """y = sin πx / (πx), which is 1 at 0."""
    return _sinc(floating(input), 0)


@op("Sinc")
def _sinc(x: Tensor, n: int) -> Tensor:
    """The n-th derivative of ``sinc``: at 0 no quotient of sines could give it."""
    return record(k.sinc(x.array, n), (x, lambda g: g * _sinc(x, n + 1)))


@op
def xlogy(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """y = a ln b; 0 where a is 0, unless b is NaN."""
    a, b = lift_float(input, other)
    y = record(
        k.xlogy(a.array, b.array),
        (a, lambda g: where((a == 0) & (b <= 0), 0.0, g * log(b))),
        (b, lambda g: g * (a / b)),
    )
    return _numbered(y, "XlogyBackward", input, other)


@op("SpecialXlog1Py")
def xlog1py(input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """y = a ln(1 + b); 0 where a is 0, unless b is NaN."""
    a, b = lift_float(input, other)
    y = record(
        k.xlog1py(a.array, b.array),
        (a, lambda g: where((a == 0) & (b <= -1), 0.0, g * log1p(b))),
        (b, lambda g: g * (a / (1 + b))),
    )
    return _numbered(y, "SpecialXlog1PyBackward", input, other)


def _numbered(y: Tensor, title: str, input: Tensor | Number, other: Tensor | Number) -> Tensor:
    """y, titled as torch numbers its variants: 1 where the first is a number, 2 where the second is."""
    return titled(y, f"{title}{1 if is_number(input) else 2}") if is_number(input) or is_number(other) else y


@op("SpecialEntr")
def entr(input: Tensor) -> Tensor:
    """y = -x ln x, what one outcome of chance x adds to the entropy; 0 at 0, -inf below."""
    x = floating(input)
    return record(k.entr(x.array), (x, lambda g: g * (-1 - log(x))))
