"""One of several classes."""

from __future__ import annotations

import functools
from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.distributions.parameters import either, logits_to_probs, probs_to_logits
from nanograd.dtypes import finfo
from nanograd.ops.broadcasting import broadcast_tensors
from nanograd.ops.ranges import arange
from nanograd.ops.sampling import multinomial
from nanograd.tape import no_grad
from nanograd.tensors import Size, Tensor

__all__ = ["Categorical"]


class Categorical(Distribution):
    """P(class i) = p_i: ``probs`` (…, n) ≥ 0, made to sum to 1, or ``logits`` (…, n), p = softmax(logits).

    Raises ValueError for probs without a dimension.

    >>> torch.distributions.Categorical(probs=torch.tensor([1., 3.])).log_prob(torch.tensor(1)).exp()
    tensor(0.7500)
    """

    has_enumerate_support = True

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        either(probs, logits)
        name, given = ("probs", probs) if probs is not None else ("logits", logits)
        assert given is not None
        if given.ndim < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        scaled = given / given.sum(-1, True) if name == "probs" else given - given.logsumexp(-1, True)
        vars(self)[name] = scaled
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], (), validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return constraints.CHOICE

    @property
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self._num_events - 1)

    @functools.cached_property
    def logits(self) -> Tensor:
        """ln p: (…, n)"""
        return probs_to_logits(self.probs)

    @functools.cached_property
    def probs(self) -> Tensor:
        """p: (…, n)"""
        return logits_to_probs(self.logits)

    @property
    def _param(self) -> Tensor:
        found: Tensor = vars(self)["probs"] if "probs" in vars(self) else vars(self)["logits"]
        return found

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter: (*batch_shape, n)."""
        return self._param.shape

    @property
    def mean(self) -> Tensor:
        return self._param.detach().sum(-1) * float("nan")

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Class numbers, int64: (*sample_shape, *batch_shape)."""
        shape = self._extended_shape(sample_shape)
        count = Size(sample_shape).numel()
        with no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            return multinomial(rows, count, True).T.reshape(shape)  # type: ignore[no-any-return]

    def log_prob(self, value: Tensor) -> Tensor:
        """ln p of the class numbers."""
        self._validate_sample(value)
        index, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        """-Σ p ln p"""
        least = finfo(self.logits.dtype).min
        return -(self.logits.clamp(min=least) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 … n - 1: (n, *batch_shape), or (n, 1, …) unless ``expand``."""
        values: Any = arange(self._num_events, device=self._param.device)
        values = values.view(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values  # type: ignore[no-any-return]
