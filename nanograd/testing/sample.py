"""What a sample is: how to call an operation, its formula in NumPy, and what it takes.

The laws (laws.py) try every operation with its sample, of which samples/ has one for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError
from nanograd.ops.creation import tensor
from nanograd.tensors import Tensor

__all__ = [
    "CONSTANT", "GRADIENTS", "NO_DIM", "SAMPLES", "Array", "Bad", "Case", "Domain", "Input", "Sample", "Shape",
    "away", "below", "differentiable", "distinct", "fractional", "inside", "ones", "positive", "refuses", "sample",
    "truth", "unit",
]  # fmt: skip

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Domain = Callable[[np.random.Generator, Shape], Array]


# What an input may hold


def away(rng: np.random.Generator, shape: Shape) -> Array:
    """±[0.3, 2]: away from the kink or pole at 0."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 2.0, shape)


def positive(rng: np.random.Generator, shape: Shape) -> Array:
    """[0.3, 2]"""
    return rng.uniform(0.3, 2.0, shape)


def unit(rng: np.random.Generator, shape: Shape) -> Array:
    """[0.1, 0.9]: what a sigmoid gives."""
    return rng.uniform(0.1, 0.9, shape)


def distinct(rng: np.random.Generator, shape: Shape) -> Array:
    """No two within what finite differences move: the order of the elements stays."""
    n = math.prod(shape)
    return (rng.permutation(n).reshape(shape) + 0.3) * (4 / max(n, 1)) - 2


def fractional(rng: np.random.Generator, shape: Shape) -> Array:
    """Away from the integers, where rounding jumps."""
    return rng.integers(-3, 3, shape) + rng.uniform(0.1, 0.4, shape)


def inside(rng: np.random.Generator, shape: Shape) -> Array:
    """±[0.1, 0.9]: what a sine gives."""
    return rng.choice([-1.0, 1.0], shape) * unit(rng, shape)


def truth(rng: np.random.Generator, shape: Shape) -> Array:
    """True or False."""
    return rng.random(shape) < 0.5


def below(n: int) -> Domain:
    """Integers in [0, n): class numbers, indices."""
    return lambda rng, shape: rng.integers(0, n, shape)


@dataclass(frozen=True)
class Input:
    """One tensor that an operation takes; floats are differentiable unless ``grad`` is False."""

    shape: Shape
    domain: Domain = away
    grad: bool = True


@dataclass(frozen=True)
class Case:
    """A call with other shapes and options than the sample's own."""

    shapes: tuple[Shape, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """How to try one operation.

    ``call(*tensors, **options)`` runs it and ``formula(*arrays, **options)`` is its meaning in NumPy.  ``takes`` are
    the kinds of numbers it takes (b, i, f), ``gives`` the rule for the dtype of its result (see ``laws.ruled``),
    ``broadcast``, ``empty`` and ``zero_dim`` further cases.  ``twin`` is the method that writes in place, ``fused`` the
    name under which a fast version stands in.  ``bad`` are calls that must raise: (function of no arguments, class,
    words of the message).  ``without`` names the laws that do not apply, and why.
    """

    call: Callable[..., Any]
    formula: Callable[..., Any]
    inputs: tuple[Input, ...]
    options: tuple[dict[str, Any], ...] = ({},)
    takes: str = "bif"
    gives: str = "same"
    broadcast: tuple[Case, ...] = ()
    empty: tuple[Case, ...] = ()
    zero_dim: tuple[Case, ...] = ()
    twin: str | None = None
    fused: str | None = None
    bad: tuple[tuple[Callable[[], Any], type[Exception], str], ...] = ()
    without: dict[str, str] = field(default_factory=dict)


SAMPLES: dict[str, Sample] = {}
NO_DIM = IndexError, "Dimension out of range"  # what a dimension that is not there raises
GRADIENTS = "gradients are floats of their output's dtype"  # why an operation of the way back is not tried on others
GRADIENT_LAWS = ("gradient", "second_gradient", "owned", "written_after")

Bad = tuple[Callable[[], Any], type[Exception], str]


def sample(name: str, call: Any, formula: Any, inputs: tuple[Input, ...], *options: Any, **more: Any) -> None:
    """Register a sample, with the reasons that follow from what it has not."""
    made = Sample(call, formula, inputs, *options, **more)
    reasons = {
        "broadcast": (made.broadcast, "its inputs are not stretched to each other"),
        "empty": (
            made.empty,
            "it has no meaning for no elements: its bad input says so, or its shapes cannot be empty",
        ),
        "zero_dim": (made.zero_dim, "it needs dimensions"),
        "in_place": (made.twin, "it has no twin that writes in place"),
        "fused": (made.fused, "it is no composition with a fast version"),
        "bad_input": (made.bad, "every tensor is good input"),
    }
    without = {law: reason for law, (has, reason) in reasons.items() if not has}
    if not any(differentiable(i) for i in made.inputs):
        without |= dict.fromkeys(GRADIENT_LAWS, "no input is differentiable")
    SAMPLES[name] = replace(made, without={**without, **made.without})


def differentiable(given: Input) -> bool:
    """Whether a gradient flows to this input."""
    return given.grad and given.domain(np.random.default_rng(0), (1,)).dtype.kind == "f"


CONSTANT = dict.fromkeys(GRADIENT_LAWS, "its result is constant almost everywhere: no gradient")


def ones(*shape: int, dtype: Any = dtypes.float32) -> Tensor:
    """A tensor of ones, for bad input."""
    return tensor(np.ones(shape), dtype=dtype)


def refuses(kind: Any, call: Any, words: str) -> Bad:
    """Bad input: ones of a dtype that the operation does not take."""
    return (lambda: call(ones(2, dtype=kind)), DTypeError, words)
