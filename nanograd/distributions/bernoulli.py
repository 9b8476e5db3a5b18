"""Yes or no."""

from __future__ import annotations

import functools
from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.parameters import broadcast_all, either, logits_to_probs, probs_to_logits
from nanograd.nn.functional import binary_cross_entropy_with_logits
from nanograd.ops.comparison import where
from nanograd.ops.ranges import arange
from nanograd.ops.sampling import bernoulli
from nanograd.tape import no_grad
from nanograd.tensors import Size, Tensor

__all__ = ["Bernoulli", "Trial"]


class Trial(Distribution):
    """What has a chance of success: ``probs`` p in [0, 1], or ``logits`` ln p - ln(1 - p)."""

    def __init__(self, probs: Any, logits: Any, validate_args: bool | None) -> None:
        either(probs, logits)
        name = "probs" if probs is not None else "logits"
        (vars(self)[name],) = broadcast_all(probs if probs is not None else logits)
        super().__init__(self._param.shape, (), validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return constraints.CHANCE

    @functools.cached_property
    def logits(self) -> Tensor:
        """ln p - ln(1 - p)"""
        return probs_to_logits(self.probs, True)

    @functools.cached_property
    def probs(self) -> Tensor:
        """p"""
        return logits_to_probs(self.logits, True)

    @property
    def _param(self) -> Tensor:
        found: Tensor = vars(self)["probs"] if "probs" in vars(self) else vars(self)["logits"]
        return found

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape


class Bernoulli(Trial):
    """P(1) = p, P(0) = 1 - p: ``probs`` p in [0, 1], or ``logits`` ln p - ln(1 - p).

    >>> torch.distributions.Bernoulli(0.25).log_prob(torch.tensor(1.)).exp()
    tensor(0.2500)
    """

    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)

    @property
    def support(self) -> Constraint:
        return constraints.boolean

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return where(self.probs == 0.5, float("nan"), (self.probs >= 0.5).to(self.probs.dtype))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Ones and zeros, as floats: (*sample_shape, *batch_shape)."""
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """ln p of ones, ln(1 - p) of zeros."""
        self._validate_sample(value)
        logits, y = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, y.to(logits.dtype), reduction="none")

    def entropy(self) -> Tensor:
        """-p ln p - (1 - p) ln(1 - p)"""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 and 1: (2, *batch_shape)"""
        values: Any = arange(2, dtype=self._param.dtype, device=self._param.device)
        values = values.view(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values  # type: ignore[no-any-return]
