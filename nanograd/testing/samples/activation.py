"""Samples of activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import activation as _activation
from nanograd.testing.pointwise import unary
from nanograd.testing.sample import Array, Case, Input, ones, refuses, sample

A: Any = _activation  # untyped: bad input is among what its functions are given


def off_bends(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """[-4, 4], away from where a piece of a straight line ends: 0, ±1/2, ±1 and ±3."""
    ends = np.array([-4, -3, -1, -0.5, 0, 0.5, 1, 3, 4])
    piece = rng.integers(0, len(ends) - 1, shape)
    low, high = ends[piece], ends[piece + 1]
    return np.asarray(low + (high - low) * rng.uniform(0.1, 0.9, shape))


def curve(name: str, formula: Any, **more: Any) -> None:
    """An activation of floats."""
    call = getattr(A, name)
    bad = (refuses(int, call, f"{name}: expected floats, got torch.int64"), *more.pop("bad", ()))
    unary(name, call, formula, off_bends, takes="f", bad=bad, **more)


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _gelu(x: Array, approximate: str = "none") -> Array:
    if approximate == "tanh":
        return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
    return np.asarray(x * np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)), otypes=[float])(x))


# Straight lines with a bend

curve("leaky_relu", lambda x, negative_slope=0.01: np.maximum(x, 0) + negative_slope * np.minimum(x, 0),
      options=({}, {"negative_slope": 0.25}))  # fmt: skip
curve("hardsigmoid", lambda x: np.clip(x / 6 + 0.5, 0, 1))
curve("hardswish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1))
curve("hardshrink", lambda x, lambd=0.5: x * (np.abs(x) > lambd), options=({}, {"lambd": 1.0}))
curve(
    "softshrink",
    lambda x, lambd=0.5: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
    options=({}, {"lambd": 1.0}),
    bad=((lambda: A.softshrink(ones(2), -1.0), ShapeError, "softshrink: lambda must be greater or equal to 0"),),
)
unary(
    "threshold",
    A.threshold,
    lambda x, threshold, value: np.where(x > threshold, x, value),
    off_bends,
    options=({"threshold": 0.5, "value": 20}, {"threshold": -1.0, "value": 0}),
    takes="if",
    bad=(refuses(bool, lambda x: A.threshold(x, 0, 1), "threshold: expected numbers"),),
)
unary(
    "hardtanh",
    A.hardtanh,
    lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val),
    off_bends,
    options=({"min_val": 0, "max_val": 3}, {}, {"min_val": -3.0, "max_val": 0.5}),
    takes="if",
    bad=(
        (lambda: A.hardtanh(ones(2), 1.0, -1.0), ValueError, "hardtanh: min_val cannot be greater than max_val"),
        (lambda: A.hardtanh(ones(2).byte()), DTypeError, "hardtanh: cannot do hardtanh on an unsigned type"),
        refuses(bool, A.hardtanh, "hardtanh: expected numbers"),
    ),
)

sample(
    "prelu",
    A.prelu,
    lambda x, w: np.maximum(x, 0) + np.minimum(x, 0) * w.reshape((-1,) + (1,) * (x.ndim - 2)),
    (Input((3, 5), off_bends), Input((5,))),
    takes="f",
    broadcast=(Case(((3, 5), (1,))), Case(((2, 4, 3), (4,))), Case(((2, 4, 3, 2), (1,)))),
    empty=(Case(((0, 5), (5,))),),
    bad=(
        (lambda: A.prelu(ones(2, 3), ones(2)), ShapeError, "prelu: Mismatch of parameter numbers"),
        (lambda: A.prelu(ones(2, 3), ones(1).double()), DTypeError, "prelu: Type promoting not supported"),
        refuses(int, lambda x: A.prelu(x, x), "prelu: expected floats"),
    ),
    without={"dtypes": "its inputs must have one dtype: the oracle tries each"},
)

# Curves

curve(
    "elu",
    lambda x, alpha=1.0, scale=1.0, input_scale=1.0: (
        scale * (np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) * input_scale))
    ),
    options=({}, {"alpha": 0.5}, {"alpha": 1.5, "scale": 2.0, "input_scale": 0.25}),
)
curve("silu", lambda x: x * _sigmoid(x), fused="silu")
curve(
    "gelu",
    _gelu,
    options=({}, {"approximate": "tanh"}),
    fused="gelu",
    bad=((lambda: A.gelu(ones(2), "erf"), ShapeError, "gelu: approximate argument must be either none or tanh"),),
)
curve("mish", lambda x: x * np.tanh(np.log1p(np.exp(x))))
curve(
    "softplus",
    lambda x, beta=1.0, threshold=20.0: np.where(x * beta > threshold, x, np.log1p(np.exp(x * beta)) / beta),
    options=({}, {"beta": 2.0}, {"beta": 0.5, "threshold": 0.75}),
)
curve("logsigmoid", lambda x: np.log(_sigmoid(x)))
