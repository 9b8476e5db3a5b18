"""How often each of several classes comes up."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.binomial import Binomial
from nanograd.distributions.categorical import Categorical
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.errors import MissingError
from nanograd.ops.broadcasting import broadcast_tensors
from nanograd.ops.comparison import where
from nanograd.tape import no_grad
from nanograd.tensors import Size, Tensor

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """P(k) = n! Π p_i^(k_i) / k_i! over counts k (…, classes) that sum to n = ``total_count``; ``probs`` or ``logits``.

    >>> torch.distributions.Multinomial(4, torch.tensor([1., 1.])).mean
    tensor([2., 2.])
    """

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise MissingError("Multinomial: inhomogeneous total_count is not supported: expected one int.")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """The same distributions, repeated to ``batch_shape``; memory is shared."""
        shape = Size(batch_shape)
        return self._expanded(shape, _categorical=self._categorical.expand(shape))

    @property
    def arg_constraints(self) -> Constraints:
        return constraints.CHOICE

    @property
    def support(self) -> Constraint:
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Tensor:
        """p: (…, classes)"""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """ln p: (…, classes)"""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter: (*batch_shape, classes)."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Counts, as floats: (*sample_shape, *batch_shape, classes)."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            if not self.total_count:
                return self.probs.new_zeros(shape)
            drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
            counts = self.probs.new_zeros(shape)
            return counts.scatter_add(-1, drawn, drawn.new_full(tuple(drawn.shape), 1).to(counts.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        """ln n! - Σ ln k_i! + Σ k_i ln p_i"""
        self._validate_sample(value)
        logits, k = broadcast_tensors(self.logits, value)
        seen = where((k == 0) & (logits == -float("inf")), 0.0, logits)  # 0 · ln 0 = 0
        return (k.sum(-1) + 1).lgamma() - (k + 1).lgamma().sum(-1) + (seen * k).sum(-1)

    def entropy(self) -> Tensor:
        """n H(p) - ln n! + Σ_i Σ_k P(k_i = k) ln k!"""
        n, ways = self.total_count, (self.probs.new_full((), self.total_count) + 1).lgamma()
        each = Binomial(n, self.probs, validate_args=False)
        chances = each.log_prob(each.enumerate_support(False)).exp()[1:]
        weights = (each.enumerate_support(False)[1:] + 1).lgamma()
        return n * self._categorical.entropy() - ways + (chances * weights).sum(0).sum(-1)
