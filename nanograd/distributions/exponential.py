"""The exponential distribution."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.parameters import broadcast_all
from nanograd.ops.creation import empty
from nanograd.tensors import Tensor

__all__ = ["Exponential"]


class Exponential(Distribution):
    """p(x) = λ e^(-λx) for x ≥ 0, λ = ``rate`` > 0.

    >>> torch.distributions.Exponential(2.).mean
    tensor(0.5000)
    """

    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, (), validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return {"rate": constraints.positive}

    @property
    def support(self) -> Constraint:
        return constraints.nonnegative

    @property
    def mean(self) -> Tensor:
        return self.rate.reciprocal()

    @property
    def mode(self) -> Tensor:
        return self.rate.detach() * 0

    @property
    def stddev(self) -> Tensor:
        return self.rate.reciprocal()

    @property
    def variance(self) -> Tensor:
        return self.rate**-2

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """e / λ, e exponential of rate 1."""
        shape = self._extended_shape(sample_shape)
        return empty(shape, dtype=self.rate.dtype, device=self.rate.device).exponential_() / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        """ln λ - λ x"""
        self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        """1 - e^(-λx)"""
        self._validate_sample(value)
        return 1 - (-self.rate * value).exp()

    def icdf(self, value: Tensor) -> Tensor:
        """-ln(1 - value) / λ"""
        return -(-value).log1p() / self.rate

    def entropy(self) -> Tensor:
        """1 - ln λ"""
        return 1 - self.rate.log()
