"""The log-normal distribution."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.normal import Normal
from nanograd.tensors import Size, Tensor

__all__ = ["LogNormal"]


class LogNormal(Distribution):
    """The distribution of e^y, y normal with mean ``loc`` and standard deviation ``scale``.

    >>> torch.distributions.LogNormal(0., 1.).mean
    tensor(1.6487)
    """

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.base_dist = Normal(loc, scale, validate_args)
        super().__init__(self.base_dist.batch_shape, (), validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """The same distributions, repeated to ``batch_shape``; memory is shared."""
        shape = Size(batch_shape)
        return self._expanded(shape, base_dist=self.base_dist.expand(shape))

    @property
    def arg_constraints(self) -> Constraints:
        return constraints.LOCATION_SCALE

    @property
    def support(self) -> Constraint:
        return constraints.positive

    @property
    def loc(self) -> Tensor:
        """The mean of ln x."""
        return self.base_dist.loc

    @property
    def scale(self) -> Tensor:
        """The standard deviation of ln x."""
        return self.base_dist.scale

    @property
    def mean(self) -> Tensor:
        return (self.loc + self.scale**2 / 2).exp()

    @property
    def mode(self) -> Tensor:
        return (self.loc - self.scale**2).exp()

    @property
    def variance(self) -> Tensor:
        square = self.scale**2
        return square.expm1() * (2 * self.loc + square).exp()

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """e^y, y normal."""
        return self.base_dist.rsample(sample_shape).exp()

    def log_prob(self, value: Tensor) -> Tensor:
        """ln N(ln x) - ln x"""
        self._validate_sample(value)
        y = value.log()
        return self.base_dist.log_prob(y) - y

    def cdf(self, value: Tensor) -> Tensor:
        """Φ((ln x - μ)/σ)"""
        self._validate_sample(value)
        return self.base_dist.cdf(value.log())

    def icdf(self, value: Tensor) -> Tensor:
        """The x with cdf(x) = value."""
        return self.base_dist.icdf(value).exp()

    def entropy(self) -> Tensor:
        """The entropy of ln x, + μ."""
        return self.base_dist.entropy() + self.loc
