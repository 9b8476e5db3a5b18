"""Samples of powers, exponentials, logarithms and the curves made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError
from nanograd.ops import elementary as _elementary
from nanograd.testing.pointwise import backward_of, binary, both, unary, with_twin
from nanograd.testing.sample import Input, away, ones, positive, refuses, unit

A: Any = _elementary  # untyped: bad input is among what its functions are given

binary(
    "pow",
    A.pow,
    lambda a, b: a**b,
    positive,
    away,
    takes="if",
    twin="pow_",
    bad=(
        (lambda: A.pow(ones(2, dtype=int), ones(2, dtype=int) * -1), DTypeError, "pow: integers to negative"),
        (lambda: A.pow(ones(2, dtype=int), -1), DTypeError, "pow: integers to negative"),
    ),
)
binary("rpow", A.rpow, lambda a, b: b**a, away, positive, takes="if")
unary(
    "_power",
    A._power,
    lambda x, n: x**n,
    positive,
    takes="if",
    options=({"n": 2}, {"n": 3}, {"n": -1.5}, {"n": 0}, {"n": 1}),
    without={"dtypes": "the kind of the exponent takes part: the oracle tries every pair"},
)
binary(
    "float_power",
    A.float_power,
    lambda a, b: a**b,
    positive,
    away,
    twin="float_power_",
    without={"dtypes": "its result is float64: the oracle tries every pair"},
)
with_twin("square", A.square, np.square, gives="number")
with_twin("sqrt", A.sqrt, np.sqrt, positive, gives="float")
with_twin("rsqrt", A.rsqrt, lambda x: 1 / np.sqrt(x), positive, gives="float")
with_twin("reciprocal", A.reciprocal, lambda x: 1 / x, gives="float")

for name in ("exp", "exp2", "expm1", "tanh"):
    with_twin(name, getattr(A, name), getattr(np, name), gives="float")
for name in ("log", "log1p", "log2", "log10"):
    with_twin(name, getattr(A, name), getattr(np, name), positive, gives="float")
binary("ldexp", A.ldexp, lambda a, b: a * 2.0**b, gives="float", twin="ldexp_")
for name in ("logaddexp", "logaddexp2"):
    integers = refuses(int, both(getattr(A, name)), f"{name}: expected floats")
    binary(name, getattr(A, name), getattr(np, name), takes="f", bad=(integers,))

with_twin("sigmoid", A.sigmoid, lambda x: 1 / (1 + np.exp(-x)), gives="float")


def clipped_logit(x: Any, eps: float | None = None) -> Any:
    """ln(p / (1 - p)), p clipped."""
    p = x if eps is None else np.clip(x, eps, 1 - eps)
    return np.log(p / (1 - p))


with_twin(
    "logit",
    A.logit,
    clipped_logit,
    unit,
    gives="float",
    options=({}, {"eps": 0.25}),
    bad=((lambda: A.logit(ones(2), 0.7), ValueError, r"logit: expected eps in \[0, 0.5\]"),),
)
with_twin("relu", A.relu, lambda x: np.maximum(x, 0), takes="if", bad=(refuses(bool, A.relu, "relu: .*truth values"),))
backward_of("tanh_grad", A.tanh_grad, lambda g, y: g * (1 - y * y), unit)
backward_of("sigmoid_grad", A.sigmoid_grad, lambda g, y: g * y * (1 - y), unit)
backward_of("relu_grad", A.relu_grad, lambda g, y: g * (y > 0), away, second=Input((3, 5), grad=False))
