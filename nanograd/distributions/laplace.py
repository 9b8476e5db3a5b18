"""The Laplace distribution."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.parameters import broadcast_all
from nanograd.ops.sampling import rand
from nanograd.tensors import Tensor

__all__ = ["Laplace"]


class Laplace(Distribution):
    """p(x) = e^(-|x - μ| / b) / 2b, μ = ``loc``, b = ``scale`` > 0.

    >>> torch.distributions.Laplace(0., 1.).log_prob(torch.tensor(2.))
    tensor(-2.6931)
    """

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return constraints.LOCATION_SCALE

    @property
    def support(self) -> Constraint:
        return constraints.real

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    @property
    def stddev(self) -> Tensor:
        return 2**0.5 * self.scale

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """μ - b sign(u) ln(1 - |u|), u equally likely in (-1, 1)."""
        u = rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device) * 2 - 1
        return self.loc - self.scale * u.sign() * (-u.abs()).clamp(min=-1 + 1e-7).log1p()

    def log_prob(self, value: Tensor) -> Tensor:
        """-ln 2b - |x - μ| / b"""
        self._validate_sample(value)
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        """1/2 - sign(x - μ) (e^(-|x - μ| / b) - 1) / 2"""
        self._validate_sample(value)
        apart = value - self.loc
        return 0.5 - 0.5 * apart.sign() * (-apart.abs() / self.scale).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        """The x with cdf(x) = value."""
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()

    def entropy(self) -> Tensor:
        """1 + ln 2b"""
        return 1 + (2 * self.scale).log()
