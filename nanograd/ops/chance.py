"""Random numbers with parameters: counts of successes, and gamma numbers, which can be differentiated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from nanograd import random
from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.kernels import chance as k
from nanograd.ops.broadcasting import broadcast_tensors
from nanograd.ops.kinds import expect_one_dtype, none
from nanograd.ops.op import record, titled
from nanograd.random import Generator

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["binomial"]


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of ``count`` trials succeed, each with probability ``prob``: whole numbers, as floats.

    Raises ShapeError for negative counts and for probabilities outside [0, 1].
    """
    if count.array.dtype.kind != "f" or prob.array.dtype.kind != "f":
        raise DTypeError(f"binomial: only supports floating-point dtypes, got {count.dtype} and {prob.dtype}.")
    expect_one_dtype("binomial", count, prob)
    n, p = broadcast_tensors(count.detach(), prob.detach())
    if bool((n >= 0).logical_not().any()):
        raise ShapeError("binomial: expected counts of 0 or more.")
    if bool(((p >= 0) & (p <= 1)).logical_not().any()):
        raise ShapeError("binomial: expected probabilities in [0, 1].")
    seed, offset = (generator or random.default_generator).take(1)
    y = k.binomial(n.array, p.array, seed, offset)
    return titled(record(y, (count, lambda g: none(g)), (prob, lambda g: none(g))), "NotImplemented")


def standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers with the density x^(α - 1) e⁻ˣ / Γ(α), α > 0 the elements; they move with α as their ranks stay.

    Source: Figurnov, Mohamed and Mnih, "Implicit reparameterization gradients" (2018).
    """
    if input.array.dtype.char not in "fd":
        raise DTypeError(f"_standard_gamma: expected float32 or float64, got {input.dtype}. Use .float().")
    if bool((input.detach() > 0).logical_not().any()):
        raise ShapeError("_standard_gamma: expected shapes that are all above 0.")
    a = input
    seed, offset = (generator or random.default_generator).take(1)
    y = record(k.gamma(a.array, seed, offset), (a, lambda g, y: g * gamma_slope(a, y)))
    return titled(y, "StandardGammaBackward0")


def gamma_slope(a: Tensor, x: Tensor) -> Tensor:
    """∂x/∂α of a gamma sample; it has no derivative of its own here."""
    return record(k.gamma_slope(a.array, x.array), (a, lambda g: _refuse()), (x, lambda g: _refuse()))


def _refuse() -> NoReturn:
    raise GradError(
        "_standard_gamma: the second derivative of gamma samples is not known here. Use sample() and log_prob."
    )
