"""How often it fails before it succeeds."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.bernoulli import Trial
from nanograd.distributions.constraints import Constraint
from nanograd.distributions.distribution import Shape
from nanograd.distributions.parameters import broadcast_all
from nanograd.dtypes import finfo
from nanograd.nn.functional import binary_cross_entropy_with_logits
from nanograd.ops.comparison import where
from nanograd.ops.sampling import rand
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = ["Geometric"]


class Geometric(Trial):
    """P(k) = (1 - p)^k p, k = 0, 1, …: failures before the first success; ``probs`` p in (0, 1], or ``logits``.

    >>> torch.distributions.Geometric(0.25).mean
    tensor(3.)
    """

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)
        if self._validate_args and probs is not None and not bool((self.probs > 0).all()):
            bad = self.probs.reshape(-1)
            raise ValueError(
                f"Expected parameter probs ({type(bad).__name__} of shape {tuple(self.probs.shape)}) of distribution "
                f"{self!r} to be positive but found invalid values:\n{bad[bad <= 0]}"
            )

    @property
    def support(self) -> Constraint:
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return self.probs.detach() * 0

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Whole numbers, as floats: the floor of ln u / ln(1 - p), u equally likely in (0, 1)."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            u = rand(shape, dtype=self.probs.dtype, device=self.probs.device)
            return (u.clamp(min=finfo(u.dtype).tiny).log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        """k ln(1 - p) + ln p"""
        self._validate_sample(value)
        k, p = broadcast_all(value, self.probs)
        certain = (p == 1) & (k == 0)  # 0 · ln 0 = 0
        return k * where(certain, 0.0, (-p).log1p()) + p.log()

    def entropy(self) -> Tensor:
        """(-p ln p - (1 - p) ln(1 - p)) / p"""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
