"""How often something happens that happens at a rate."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.parameters import broadcast_all
from nanograd.ops.sampling import poisson
from nanograd.ops.special import xlogy
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = ["Poisson"]


class Poisson(Distribution):
    """P(k) = λ^k e^(-λ) / k!, k = 0, 1, …, λ = ``rate`` ≥ 0.

    >>> torch.distributions.Poisson(2.).log_prob(torch.tensor(0.))
    tensor(-2.)
    """

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, (), validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return {"rate": constraints.nonnegative}

    @property
    def support(self) -> Constraint:
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Whole numbers, as floats: (*sample_shape, *batch_shape)."""
        with no_grad():
            return poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """k ln λ - λ - ln k!"""
        self._validate_sample(value)
        return xlogy(value, self.rate) - self.rate - (value + 1).lgamma()
