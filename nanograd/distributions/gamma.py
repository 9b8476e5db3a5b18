"""The gamma distribution."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.parameters import broadcast_all
from nanograd.dtypes import finfo
from nanograd.ops.chance import standard_gamma
from nanograd.ops.special import xlogy
from nanograd.tensors import Tensor

__all__ = ["Gamma"]


class Gamma(Distribution):
    """p(x) = λ^α x^(α - 1) e^(-λx) / Γ(α) for x > 0, α = ``concentration``, λ = ``rate``, both > 0.

    >>> torch.distributions.Gamma(3., 2.).mean
    tensor(1.5000)
    """

    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, (), validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return {"concentration": constraints.positive, "rate": constraints.positive}

    @property
    def support(self) -> Constraint:
        return constraints.nonnegative

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """x / λ, x gamma of rate 1; to α flows the derivative of x at its rank."""
        shape = self._extended_shape(sample_shape)
        value = standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        return value + (value.detach().clamp(min=finfo(value.dtype).tiny) - value.detach())  # above 0

    def log_prob(self, value: Tensor) -> Tensor:
        """α ln λ + (α - 1) ln x - λ x - ln Γ(α)"""
        self._validate_sample(value)
        a, rate = self.concentration, self.rate
        return xlogy(a, rate) + xlogy(a - 1, value) - rate * value - a.lgamma()

    def entropy(self) -> Tensor:
        """α - ln λ + ln Γ(α) + (1 - α) ψ(α)"""
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()
