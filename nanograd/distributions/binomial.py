"""How often it succeeds in a number of trials."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.bernoulli import Trial
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Shape
from nanograd.distributions.parameters import broadcast_all, either
from nanograd.errors import MissingError
from nanograd.ops.chance import binomial
from nanograd.ops.ranges import arange
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = ["Binomial"]


class Binomial(Trial):
    """P(k) = C(n, k) p^k (1 - p)^(n - k), k = 0 … n, n = ``total_count``; ``probs`` p in [0, 1], or ``logits``.

    >>> torch.distributions.Binomial(4, 0.5).log_prob(torch.tensor(2.)).exp()
    tensor(0.3750)
    """

    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        either(probs, logits)
        count, chance = broadcast_all(total_count, probs if probs is not None else logits)
        self.total_count = count.to(chance.dtype)
        super().__init__(chance if probs is not None else None, None if probs is not None else chance, validate_args)

    @property
    def arg_constraints(self) -> Constraints:
        return {"total_count": constraints.nonnegative_integer, **constraints.CHANCE}

    @property
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().minimum(self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Whole numbers, as floats: (*sample_shape, *batch_shape)."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """ln C(n, k) + k l - n ln(1 + e^l), l the logits, in a way that does not overflow."""
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        return ways + value * logits - n * (logits.clamp(min=0) + (-logits.abs()).exp().log1p())

    def entropy(self) -> Tensor:
        """-Σ P(k) ln P(k), for one count of trials."""
        value = self.enumerate_support(False)
        terms = self.log_prob(value)
        return -(terms.exp() * terms).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 … n: (n + 1, *batch_shape).  Raises MissingError where the counts of the batch differ."""
        count = int(self.total_count.max())
        if not bool((self.total_count == count).all()):
            raise MissingError("Inhomogeneous total count not supported by `enumerate_support`.")
        values: Any = arange(1 + count, dtype=self._param.dtype, device=self._param.device)
        values = values.view(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values  # type: ignore[no-any-return]
