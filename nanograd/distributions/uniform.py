"""The uniform distribution."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.parameters import broadcast_all
from nanograd.ops.sampling import rand
from nanograd.tensors import Tensor

__all__ = ["Uniform"]


class Uniform(Distribution):
    """p(x) = 1 / (high - low) in [low, high), 0 outside.

    >>> torch.distributions.Uniform(0., 4.).entropy()
    tensor(1.3863)
    """

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, (), validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return {"low": constraints.less_than(self.high), "high": constraints.greater_than(self.low)}

    @property
    def support(self) -> Constraint:
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Tensor:
        return self.high * float("nan")

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    @property
    def stddev(self) -> Tensor:
        return (self.high - self.low) / 12**0.5

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """low + u (high - low), u equally likely in [0, 1)."""
        u = rand(self._extended_shape(sample_shape), dtype=self.low.dtype, device=self.low.device)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value: Tensor) -> Tensor:
        """-ln(high - low); -∞ outside."""
        self._validate_sample(value)
        within = (self.low <= value) & (self.high > value)
        return within.to(self.low.dtype).log() - (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        """(x - low) / (high - low), between 0 and 1."""
        self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Tensor) -> Tensor:
        """low + value (high - low)"""
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        """ln(high - low)"""
        return (self.high - self.low).log()
