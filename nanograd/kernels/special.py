"""Special functions: error functions, Bessel functions, and what is 0/0 somewhere (gamma functions: gamma.py).

What NumPy does not have is computed in float64 and rounded to the dtype of x.  Sources: W. J. Cody, Rational Chebyshev
approximations for the error function, Math. Comp. 23 (1969); M. J. Wichura, Algorithm AS 241, Applied Statistics 37
(1988); M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), whose equations are named below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.elementary import dense_from
from nanograd.kernels.kernel import Array, kernel

MANY = dense_from(512)  # from this many elements on, a compiled loop beats NumPy


def horner(x: Array, coefficients: Sequence[float]) -> Array:
    """The polynomial with these coefficients, the highest power first."""
    y = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        y = y * x + c
    return y


def each(function: Callable[[float], float], x: Array) -> Array:
    """A function of Python's math module of each element."""
    return np.asarray(np.frompyfunc(function, 1, 1)(x.astype(np.float64)), x.dtype)


def sin_pi(x: Array) -> Array:
    """sin πx, 0 at the integers."""
    r = x - np.rint(x)
    return np.where(np.rint(x) % 2 == 0, 1.0, -1.0) * np.sin(math.pi * r)


# Error functions


@kernel
def erf(x: Array) -> Array:
    """2/√π ∫₀ˣ e^(-t²) dt"""
    return each(math.erf, x)


@kernel
def erfc(x: Array) -> Array:
    """1 - erf x, exact for large x."""
    return each(math.erfc, x)


@jit
def _erf(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = math.erf(x[i])


@jit
def _erf_single(x, out):  # type: ignore[no-untyped-def]
    # erf x / x for |x| ≤ 4 by a rational function of x², within 2e-9 (fitted by iterated weighted least squares); it
    # has no branch and no call, so that several elements go at once.  Beyond 4, erf x is 1 in float32.
    for i in range(x.size):
        z = max(min(np.float64(x[i]), 4.0), -4.0)
        t = z * z
        p = -1.320220593207e-08
        p = p * t + 4.68477187068e-06
        p = p * t + 0.0003796087386256
        p = p * t + 0.00384961453715
        p = p * t + 0.05431691944038
        p = p * t + 0.1852033033339
        p = p * t + 1.128379169378
        q = 6.31105274253e-05
        q = q * t + 0.001307570313191
        q = q * t + 0.01546209546536
        q = q * t + 0.1139584474057
        q = q * t + 0.4974655679439
        q = q * t + 1.0
        out[i] = z * p / q


@jit
def _erfc(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = math.erfc(x[i])


@erf.cpu(MANY)
def _(x: Array) -> Array:
    out = np.empty_like(x)
    run = _erf_single if x.dtype == np.float32 else _erf
    run(x.reshape(-1), out.reshape(-1))
    return out


@erfc.cpu(MANY)
def _(x: Array) -> Array:
    out = np.empty_like(x)
    _erfc(x.reshape(-1), out.reshape(-1))
    return out


# Cody's approximations: erfc x · e^(x²) = MIDDLE(x) on [0.46875, 4], (1/√π - FAR(1/x²)) / x above
MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4, 0.0),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip


@kernel
def erfcx(x: Array) -> Array:
    """e^(x²) erfc x, which neither overflows nor vanishes for large x."""
    z = x.astype(np.float64)
    y = np.abs(z)
    near = np.minimum(y, 0.46875)
    small = np.exp(near * near) * each(math.erfc, near)
    m = np.clip(y, 0.46875, 4.0)
    middle = horner(m, MIDDLE[0]) / horner(m, MIDDLE[1])
    f = np.maximum(y, 4.0)
    w = 1 / (f * f)
    far = (1 / math.sqrt(math.pi) - horner(w, FAR[0]) / horner(w, FAR[1])) / f
    right = np.where(y <= 0.46875, small, np.where(y <= 4.0, middle, far))
    return np.where(z < 0, 2 * np.exp(y * y) - right, right).astype(x.dtype)


# Wichura's approximations of the normal quantile: by (p - 1/2)² in the center, by √(-ln p) in two tails
CENTER = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258,
     3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1.0),
)  # fmt: skip
FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def quantile(q: Array, least: Array) -> Array:
    """The z with Φ(z) = 1/2 + q, where ``least`` is the lesser of 1/2 + q and 1/2 - q."""
    r = 0.180625 - np.clip(q, -0.425, 0.425) ** 2
    center = q * horner(r, CENTER[0]) / horner(r, CENTER[1])
    s = np.sqrt(-np.log(np.minimum(least, 0.075)))
    near, far = np.minimum(s, 5.0) - 1.6, np.clip(s, 5.0, 40.0) - 5.0
    tail = np.where(
        s <= 5.0, horner(near, TAIL[0]) / horner(near, TAIL[1]), horner(far, FAR_TAIL[0]) / horner(far, FAR_TAIL[1])
    )
    y = np.where(np.abs(q) <= 0.425, center, np.copysign(np.where(least == 0, np.inf, tail), q))
    return np.where(least >= 0, y, np.nan)


@kernel
def erfinv(x: Array) -> Array:
    """The y with erf y = x; ±inf at ±1, NaN outside."""
    z = x.astype(np.float64)
    return (quantile(z / 2, (1 - np.abs(z)) / 2) / math.sqrt(2)).astype(x.dtype)


@kernel
def ndtri(x: Array) -> Array:
    """The z with Φ(z) = x, Φ the normal distribution function; ∓inf at 0 and 1, NaN outside."""
    p = x.astype(np.float64)
    return quantile(p - 0.5, np.minimum(p, 1 - p)).astype(x.dtype)


@kernel
def log_ndtr(x: Array) -> Array:
    """ln Φ(x), Φ the normal distribution function; exact for very negative x."""
    t = x.astype(np.float64) * math.sqrt(0.5)
    left = np.log(erfcx.reference(np.maximum(-t, 0)) / 2) - t * t
    return np.where(t < -0.7, left, np.log1p(-each(math.erfc, t) / 2)).astype(x.dtype)


# Bessel functions, and what else is 0/0 somewhere


@kernel
def bessel(x: Array, n: int, scaled: bool) -> Array:
    """Iₙ(x), the modified Bessel function of integer order n ≥ 0; times e^(-|x|) where ``scaled``.

    By its power series, whose terms are all of one sign, and far out by the asymptotic one (A&S 9.6.10, 9.7.1).
    """
    z = np.abs(x.astype(np.float64))
    limit = max(30.0, float(n * n))
    near, far = np.minimum(z, limit), np.maximum(z, limit)
    count = int(limit) + 20
    terms = [1.0]
    for k in range(1, count):
        terms.append(terms[-1] / (k * (k + n)))
    series = (near / 2) ** n * horner(near * near / 4, terms[::-1]) / math.factorial(n)
    falling = [1.0]
    for k in range(1, 30):
        falling.append(-falling[-1] * (4 * n * n - (2 * k - 1) ** 2) / (8 * k))
    tail = horner(1 / far, falling[::-1]) / np.sqrt(2 * math.pi * far)
    y = np.where(z <= limit, series * np.exp(-near) if scaled else series, tail if scaled else np.exp(far) * tail)
    y = np.where(np.isinf(z), 0.0 if scaled else np.inf, y)
    return (np.where(x < 0, -y, y) if n % 2 else y).astype(x.dtype)


@kernel
def sinc(x: Array, n: int) -> Array:
    """The n-th derivative of sin πx / (πx), which is 1 at 0."""
    t = math.pi * x.astype(np.float64)
    near = np.where(np.abs(t) <= n + 2, t, 0.0)
    series = np.zeros_like(near)
    for k in reversed(range((n + 1) // 2, n + 16)):  # Σ (-1)ᵏ t²ᵏ⁻ⁿ / ((2k + 1) (2k - n)!)
        series = series + (-1) ** k * near ** (2 * k - n) / ((2.0 * k + 1) * math.factorial(2 * k - n))
    far = np.where(np.abs(t) <= n + 2, 1.0, t)
    y = sin_pi(far / math.pi) / far
    for k in range(1, n + 1):  # t f = sin t, differentiated k times
        y = (np.sin(far + k * math.pi / 2) - k * y) / far
    return (math.pi**n * np.where(np.abs(t) <= n + 2, series, y)).astype(x.dtype)


@kernel
def xlogy(x: Array, y: Array) -> Array:
    """x ln y; 0 where x is 0, unless y is NaN."""
    return np.where((x == 0) & ~np.isnan(y), x.dtype.type(0), x * np.log(y))


@kernel
def xlog1py(x: Array, y: Array) -> Array:
    """x ln(1 + y); 0 where x is 0, unless y is NaN."""
    return np.where((x == 0) & ~np.isnan(y), x.dtype.type(0), x * np.log1p(y))


@kernel
def entr(x: Array) -> Array:
    """-x ln x; 0 at 0, -inf below."""
    y = np.where(x == 0, x.dtype.type(0), -x * np.log(x))
    return np.where(x < 0, x.dtype.type(-np.inf), y)
