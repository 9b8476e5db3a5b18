"""The beta distribution."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.dirichlet import Dirichlet
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.parameters import broadcast_all
from nanograd.ops.joining import stack
from nanograd.tensors import Size, Tensor

__all__ = ["Beta"]


class Beta(Distribution):
    """p(x) = x^(α - 1) (1 - x)^(β - 1) / B(α, β) in [0, 1], α = ``concentration1``, β = ``concentration0``, both > 0.

    >>> torch.distributions.Beta(1., 3.).mean
    tensor(0.2500)
    """

    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        both = stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args)
        super().__init__(both.shape[:-1], (), validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """The same distributions, repeated to ``batch_shape``; memory is shared."""
        shape = Size(batch_shape)
        return self._expanded(shape, _dirichlet=self._dirichlet.expand(shape))

    @property
    def arg_constraints(self) -> Constraints:
        return {"concentration1": constraints.positive, "concentration0": constraints.positive}

    @property
    def support(self) -> Constraint:
        return constraints.unit_interval

    @property
    def concentration1(self) -> Tensor:
        """α"""
        return self._dirichlet.concentration[..., 0]

    @property
    def concentration0(self) -> Tensor:
        """β"""
        return self._dirichlet.concentration[..., 1]

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Tensor:
        return self._dirichlet.variance[..., 0]

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """x / (x + y), x and y gamma of the shapes α and β."""
        return self._dirichlet.rsample(sample_shape)[..., 0]

    def log_prob(self, value: Tensor) -> Tensor:
        """(α - 1) ln x + (β - 1) ln(1 - x) - ln B(α, β)"""
        self._validate_sample(value)
        rest = self._dirichlet.expand(self._batch_shape)
        rest._validate_args = False  # 1 - x rounds: the pair need not sum to 1 exactly
        return rest.log_prob(stack([value, 1 - value], -1))  # type: ignore[no-any-return]

    def entropy(self) -> Tensor:
        """The entropy of the pair (x, 1 - x)."""
        return self._dirichlet.entropy()
