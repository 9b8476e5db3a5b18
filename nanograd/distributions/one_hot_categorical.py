"""One of several classes, as a vector of zeros and a 1."""

from __future__ import annotations

from typing import Any

from nanograd.distributions import constraints
from nanograd.distributions.categorical import Categorical
from nanograd.distributions.constraints import Constraint, Constraints
from nanograd.distributions.distribution import Distribution, Shape
from nanograd.ops.ranges import eye
from nanograd.tape import no_grad
from nanograd.tensors import Size, Tensor

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """``Categorical`` whose samples are vectors (…, n) of zeros and a 1.

    >>> torch.distributions.OneHotCategorical(torch.tensor([0., 1.])).sample()
    tensor([0., 1.])
    """

    has_enumerate_support = True

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
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
        return constraints.one_hot

    @property
    def probs(self) -> Tensor:
        """p: (…, n)"""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """ln p: (…, n)"""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter: (*batch_shape, n)."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._vectors(self._categorical.mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def _vectors(self, classes: Tensor) -> Tensor:
        return (classes.unsqueeze(-1) == self._every_class()).to(self.probs.dtype)

    def _every_class(self) -> Tensor:
        n = self._event_shape[0]
        return eye(n, device=self.probs.device).argmax(-1)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Vectors of zeros and a 1: (*sample_shape, *batch_shape, n)."""
        with no_grad():
            return self._vectors(self._categorical.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """ln p of the class where the 1 stands."""
        self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        """-Σ p ln p"""
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """The n vectors: (n, *batch_shape, n)."""
        n = self._event_shape[0]
        values: Any = eye(n, dtype=self.probs.dtype, device=self.probs.device)
        values = values.view(n, *(1,) * len(self._batch_shape), n)
        return values.expand(n, *self._batch_shape, n) if expand else values  # type: ignore[no-any-return]


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """``OneHotCategorical`` whose samples send their gradient to p as if they were p (Bengio et al., 2013)."""

    has_rsample = True

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Vectors of zeros and a 1, + p - p."""
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
