"""The normal distribution of vectors."""

from __future__ import annotations

import functools
import math
from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.ops.broadcasting import broadcast_shapes
from nanograd.ops.factoring import cholesky_inverse, cholesky_of
from nanograd.ops.ranges import eye
from nanograd.ops.sampling import randn
from nanograd.ops.solving import solve_triangular
from nanograd.tensors import Size, Tensor

__all__ = ["MultivariateNormal"]

GIVEN = ("covariance_matrix", "precision_matrix", "scale_tril")


class MultivariateNormal(Distribution):
    """p(x) = e^(-(x - μ)ᵀ Σ⁻¹ (x - μ) / 2) / √|2πΣ|, μ = ``loc`` (…, n).

    One of ``covariance_matrix`` Σ, ``precision_matrix`` Σ⁻¹ and ``scale_tril`` L, Σ = L Lᵀ, says how it spreads:
    (…, n, n).

    Raises ValueError for a loc without a dimension, and unless exactly one of the three is given.

    >>> torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)).entropy()
    tensor(2.8379)
    """

    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = dict(zip(GIVEN, (covariance_matrix, precision_matrix, scale_tril), strict=True))
        named = {name: m for name, m in given.items() if m is not None}
        if len(named) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified, got "
                f"{' and '.join(named) or 'none'}."
            )
        ((name, matrix),) = named.items()
        if matrix.ndim < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        vars(self)[name] = matrix.expand((*batch, *matrix.shape[-2:]))
        self.loc = loc.expand((*batch, loc.shape[-1]))
        super().__init__(batch, self.loc.shape[-1:], validate_args)
        self._lower = _lower_of(name, matrix)  # of the matrix as given: a batch that repeats it is factored once

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """The same distributions, repeated to ``batch_shape``; memory is shared."""
        return self._expanded(Size(batch_shape))

    @property
    def arg_constraints(self) -> Constraints:
        return {
            "loc": constraints.real_vector,
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
        }

    @property
    def support(self) -> Constraint:
        return constraints.real_vector

    def _full(self, matrix: Tensor) -> Tensor:
        return matrix.expand((*self._batch_shape, *self._event_shape, *self._event_shape))

    @functools.cached_property
    def scale_tril(self) -> Tensor:
        """L, lower triangular, with L Lᵀ = Σ: (…, n, n)"""
        return self._full(self._lower)

    @functools.cached_property
    def covariance_matrix(self) -> Tensor:
        """Σ: (…, n, n)"""
        return self._full(self._lower @ self._lower.mT)

    @functools.cached_property
    def precision_matrix(self) -> Tensor:
        """Σ⁻¹: (…, n, n)"""
        return self._full(cholesky_inverse(self._lower))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return (self._lower**2).sum(-1).expand((*self._batch_shape, *self._event_shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """μ + L ε, ε standard normal."""
        noise = randn(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self._lower @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """-(|L⁻¹ (x - μ)|² + n ln 2π) / 2 - ln |L|"""
        self._validate_sample(value)
        turned = solve_triangular(self._lower, (value - self.loc).unsqueeze(-1), upper=False).squeeze(-1)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + (turned**2).sum(-1)) - self._log_size()

    def _log_size(self) -> Tensor:
        """ln |L|"""
        return self._lower.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def entropy(self) -> Tensor:
        """n (1 + ln 2π) / 2 + ln |L|"""
        n = self._event_shape[0]
        return (0.5 * n * (1 + math.log(2 * math.pi)) + self._log_size()).expand(self._batch_shape)


def _lower_of(name: str, matrix: Tensor) -> Tensor:
    """L with L Lᵀ = Σ."""
    if name == "scale_tril":
        return matrix
    if name == "covariance_matrix":
        return cholesky_of(matrix)
    # Σ⁻¹ = M Mᵀ with M upper, from the factor of Σ⁻¹ turned by half; then L = M⁻ᵀ is lower.
    upper = cholesky_of(matrix.flip((-2, -1))).flip((-2, -1))
    same = eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    return solve_triangular(upper.mT, same, upper=False)
