"""Which values a parameter or a sample may have: ``constraint.check(value)`` says it for each event.

>>> torch.distributions.constraints.positive.check(torch.tensor([1., -1.]))
tensor([ True, False])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanograd.ops.factoring import cholesky_ex
from nanograd.ops.reduction import all
from nanograd.ops.solving import expect_equal_sides
from nanograd.tensors import Tensor

__all__ = [
    "Constraint", "Constraints", "boolean", "dependent", "greater_than", "greater_than_eq", "half_open_interval",
    "independent", "integer_interval", "interval", "is_dependent", "less_than", "lower_cholesky", "lower_triangular",
    "multinomial", "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite",
    "positive_integer", "real", "real_vector", "simplex", "square", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A set of values.

    ``is_discrete``  whether its values are apart from each other
    ``event_dim``    how many dimensions one value has
    """

    is_discrete = False
    event_dim = 0

    def check(self, value: Tensor) -> Tensor:
        """Whether each event of ``value`` is in the set: (…, *event) → (…)."""
        raise NotImplementedError

    def __repr__(self) -> str:
        bounds = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({bounds})"


class Dependent(Constraint):
    """Depends on other parameters: there is nothing to check."""


def is_dependent(constraint: Constraint) -> bool:
    """Whether it depends on other parameters."""
    return isinstance(constraint, Dependent)


class Real(Constraint):
    """Numbers, NaN left out."""

    def check(self, value: Tensor) -> Tensor:
        """Whether it is a number."""
        return value.eq(value)


class Boolean(Constraint):
    """0 or 1."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        """Whether it is 0 or 1."""
        return value.eq(0) | value.eq(1)


class OneHot(Constraint):
    """Vectors of zeros and a single 1."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        """Whether each row is zeros and a single 1."""
        return all(value.eq(0) | value.eq(1), -1) & value.sum(-1).eq(1)


class IntegerInterval(Constraint):
    """Whole numbers between two, both included."""

    is_discrete = True

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        """Whether it is whole and between the bounds."""
        return value.remainder(1).eq(0) & value.ge(self.lower_bound) & value.le(self.upper_bound)


class IntegerGreaterThan(Constraint):
    """Whole numbers from one on."""

    is_discrete = True

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Tensor:
        """Whether it is whole and at least the bound."""
        return value.remainder(1).eq(0) & value.ge(self.lower_bound)


class GreaterThan(Constraint):
    """(lower, ∞)"""

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Tensor:
        """Whether it is above the bound."""
        return value.gt(self.lower_bound)


class GreaterThanEq(Constraint):
    """[lower, ∞)"""

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Tensor:
        """Whether it is at least the bound."""
        return value.ge(self.lower_bound)


class LessThan(Constraint):
    """(-∞, upper)"""

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        """Whether it is below the bound."""
        return value.lt(self.upper_bound)


class Interval(Constraint):
    """[lower, upper]"""

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        """Whether it is between the bounds."""
        return value.ge(self.lower_bound) & value.le(self.upper_bound)


class HalfOpenInterval(Interval):
    """[lower, upper)"""

    def check(self, value: Tensor) -> Tensor:
        """Whether it is between the bounds, the upper one left out."""
        return value.ge(self.lower_bound) & value.lt(self.upper_bound)


class Simplex(Constraint):
    """Vectors of numbers ≥ 0 that sum to 1."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        """Whether each row is ≥ 0 and sums to 1, but for rounding."""
        return all(value.ge(0), -1) & (value.sum(-1) - 1).abs().lt(1e-6)


class Multinomial(Constraint):
    """Vectors of whole numbers that sum to at most a count."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: int) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        """Whether each row is ≥ 0 and sums to at most the bound."""
        return all(value.ge(0), -1) & value.sum(-1).le(self.upper_bound)

    def __repr__(self) -> str:
        return "Multinomial()"


class Square(Constraint):
    """Square matrices."""

    event_dim = 2

    def check(self, value: Tensor) -> Tensor:
        """Whether the last two sizes agree: the same for all of a batch."""
        fits = value.shape[-2] == value.shape[-1]
        return value.new_full(tuple(value.shape[:-2]), fits).bool()


class Symmetric(Square):
    """Symmetric matrices."""

    def check(self, value: Tensor) -> Tensor:
        """Whether each matrix is its own transpose, but for rounding."""
        expect_equal_sides("constraints.symmetric", value)
        near: Tensor = value.isclose(value.mT, atol=1e-6)
        return all(all(near, -2), -1)


class PositiveDefinite(Symmetric):
    """Symmetric matrices whose eigenvalues are all positive."""

    def check(self, value: Tensor) -> Tensor:
        """Whether each matrix is symmetric and has a Cholesky factor."""
        symmetric_ = super().check(value)
        return symmetric_.logical_and(cholesky_ex(value.detach()).info == 0)


class LowerTriangular(Square):
    """Matrices with zeros above the diagonal."""

    def check(self, value: Tensor) -> Tensor:
        """Whether each matrix has zeros above the diagonal."""
        return all(all(value.tril() == value, -2), -1)


class LowerCholesky(LowerTriangular):
    """Lower triangles with a positive diagonal."""

    def check(self, value: Tensor) -> Tensor:
        """Whether each matrix is a lower triangle with a positive diagonal."""
        return super().check(value) & all(value.diagonal(dim1=-2, dim2=-1) > 0, -1)


class IndependentConstraint(Constraint):
    """Another constraint, whose last dimensions count as one event."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        """Whether all values of each event are in the set."""
        if value.ndim < self.event_dim:
            raise ValueError(
                f"Expected value.dim() >= {self.event_dim} but got {value.ndim}: the last dimensions are one event."
            )
        valid = self.base_constraint.check(value)
        for _ in range(self.reinterpreted_batch_ndims):
            valid = all(valid, -1)
        return valid

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


Constraints = Mapping[str, Constraint]
"""The name of each parameter -> which values it may have."""


# Under torch's names

dependent = Dependent()
boolean = Boolean()
one_hot = OneHot()
nonnegative_integer = IntegerGreaterThan(0)
positive_integer = IntegerGreaterThan(1)
integer_interval = IntegerInterval
real = Real()
positive = GreaterThan(0.0)
nonnegative = GreaterThanEq(0.0)
greater_than = GreaterThan
greater_than_eq = GreaterThanEq
less_than = LessThan
unit_interval = Interval(0.0, 1.0)
interval = Interval
half_open_interval = HalfOpenInterval
simplex = Simplex()
multinomial = Multinomial
square = Square()
symmetric = Symmetric()
positive_definite = PositiveDefinite()
lower_triangular = LowerTriangular()
lower_cholesky = LowerCholesky()
independent = IndependentConstraint
real_vector = IndependentConstraint(real, 1)


# What several distributions take

LOCATION_SCALE: Constraints = {"loc": real, "scale": positive}
CHANCE: Constraints = {"probs": unit_interval, "logits": real}
CHOICE: Constraints = {"probs": simplex, "logits": real_vector}
