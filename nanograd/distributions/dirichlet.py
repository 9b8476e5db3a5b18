"""The Dirichlet distribution."""

from __future__ import annotations

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.ops.chance import standard_gamma
from nanograd.ops.comparison import where
from nanograd.ops.ranges import arange
from nanograd.ops.special import xlogy
from nanograd.tensors import Tensor

__all__ = ["Dirichlet"]


class Dirichlet(Distribution):
    """p(x) = Γ(Σ α) Π x_i^(α_i - 1) / Γ(α_i) over vectors x ≥ 0 that sum to 1; α = ``concentration`` (…, n) > 0.

    Raises ValueError for a concentration without a dimension.

    >>> torch.distributions.Dirichlet(torch.tensor([1., 3.])).mean
    tensor([0.2500, 0.7500])
    """

    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return {"concentration": constraints.independent(constraints.positive, 1)}

    @property
    def support(self) -> Constraint:
        return constraints.simplex

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        a = self.concentration
        above = (a - 1).clamp(min=0)
        first = (arange(a.shape[-1], device=a.device) == 0).to(a.dtype)  # of corners that are all infinite
        return where((a < 1).all(-1, True), first, above / above.sum(-1, True))

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """g / Σ g, g gamma of the shapes α."""
        g = standard_gamma(self.concentration.expand(self._extended_shape(sample_shape)))
        return g / g.sum(-1, True)

    def log_prob(self, value: Tensor) -> Tensor:
        """Σ (α_i - 1) ln x_i + ln Γ(Σ α) - Σ ln Γ(α_i)"""
        self._validate_sample(value)
        a = self.concentration
        return xlogy(a - 1, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def entropy(self) -> Tensor:
        """Σ ln Γ(α_i) - ln Γ(Σ α) - (n - Σ α) ψ(Σ α) - Σ (α_i - 1) ψ(α_i)"""
        a, total, n = self.concentration, self.concentration.sum(-1), self.concentration.shape[-1]
        edge = a.lgamma().sum(-1) - total.lgamma()
        return edge - (n - total) * total.digamma() - ((a - 1) * a.digamma()).sum(-1)
