"""What every distribution is: shapes, checks, samples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from nanograd.distributions.constraints import Constraint, Constraints, is_dependent
from nanograd.errors import MissingError
from nanograd.tape import no_grad
from nanograd.tensors import Size, Tensor

__all__ = ["Distribution"]

Shape = Sequence[int]


class Distribution:
    """A distribution, or a batch of them.

    ``batch_shape``  the shape of the distributions, ``event_shape`` that of one sample of one of them
    ``validate_args``  whether parameters and values are checked: True unless ``set_default_validate_args`` said so

    Raises ValueError for parameters that cannot be, unless ``validate_args`` is False.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = True

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Check parameters and values of all distributions made from now on, or do not."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}.")
        Distribution._validate_args = value

    def __init__(self, batch_shape: Shape = (), event_shape: Shape = (), validate_args: bool | None = None) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        try:
            known = self.arg_constraints
        except MissingError:
            known = {}
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
        for name, constraint in known.items():
            value = vars(self).get(name)
            if value is None or is_dependent(constraint):
                continue
            valid = constraint.check(value)
            if not bool(valid.all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    # What it is

    @property
    def batch_shape(self) -> Size:
        """The shape of the distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one distribution."""
        return self._event_shape

    @property
    def arg_constraints(self) -> Constraints:
        """Which values each parameter may have."""
        raise self._lacks("arg_constraints")

    @property
    def support(self) -> Constraint:
        """Which values a sample may have."""
        raise self._lacks("support")

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise self._lacks("mean")

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise self._lacks("mode")

    @property
    def variance(self) -> Tensor:
        """The mean square of the distance from the mean."""
        raise self._lacks("variance")

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def _lacks(self, what: str) -> MissingError:
        return MissingError(f"torch.distributions.{type(self).__name__} does not implement {what} here.")

    # What comes out of it

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples, through which no gradient flows: (*sample_shape, *batch_shape, *event_shape)."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        """Samples as a function of the parameters, to which gradients flow: (*sample_shape, *batch, *event).

        Raises MissingError where samples are no differentiable function of the parameters.
        """
        raise MissingError(
            f"rsample: samples of {type(self).__name__} are no differentiable function of its parameters. Use "
            "sample(), and log_prob of what was drawn: -(log_prob * reward) is a loss (see REINFORCE)."
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """ln of the density, or of the probability, at ``value``."""
        raise self._lacks("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of values up to ``value``."""
        raise self._lacks("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The value up to which the probability is ``value``."""
        raise self._lacks("icdf")

    def entropy(self) -> Tensor:
        """The mean of -ln p."""
        raise self._lacks("entropy")

    def perplexity(self) -> Tensor:
        """e^entropy"""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values a sample may have: (number of values, *batch_shape, *event_shape)."""
        raise self._lacks("enumerate_support")

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        """The same distributions, repeated to ``batch_shape``; memory is shared."""
        return self._expanded(Size(batch_shape))

    def _expanded(self, batch_shape: Size, **more: Any) -> Any:
        """A copy whose parameters are expanded; ``more`` are attributes of the copy."""
        new = object.__new__(type(self))
        constraints = self.arg_constraints
        for name, value in vars(self).items():
            if name in constraints and isinstance(value, Tensor):
                event = tuple(value.shape[value.ndim - constraints[name].event_dim :])
                value = value.expand((*batch_shape, *event))
            vars(new)[name] = value
        vars(new).update(more)
        Distribution.__init__(new, batch_shape, self._event_shape, False)
        new._validate_args = self._validate_args
        return new

    # How they check, and print

    def _extended_shape(self, sample_shape: Shape = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """Raises ValueError for what cannot be a sample, where arguments are checked."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, event = tuple(value.shape), tuple(self._event_shape)
        if shape[len(shape) - len(event) :] != event:
            raise ValueError(
                f"The right-most size of value must match event_shape: {value.shape} vs {self._event_shape}."
            )
        full = (*self._batch_shape, *event)
        for m, n in zip(shape[::-1], full[::-1], strict=False):
            if m != n and 1 not in (m, n):
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs {Size(full)}."
                )
        valid = self.support.check(value)
        if not bool(valid.all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {shape}) to be within the support "
                f"({self.support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        given = [(name, vars(self)[name]) for name in self.arg_constraints if name in vars(self)]
        shown = ", ".join(f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in given)
        return f"{type(self).__name__}({shown})"
