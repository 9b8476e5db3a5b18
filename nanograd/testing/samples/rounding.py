"""Samples of rounding, signs and the parts of a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError
from nanograd.ops import rounding as _rounding
from nanograd.testing.pointwise import binary, both, unary, with_twin
from nanograd.testing.sample import CONSTANT, fractional, ones, refuses

A: Any = _rounding  # untyped: bad input is among what its functions are given

unary("neg", A.neg, lambda x: -x, takes="if", twin="neg_", bad=(refuses(bool, A.neg, "neg: truth values"),))
unary("positive", A.positive, lambda x: x, takes="if", bad=(refuses(bool, A.positive, "positive: .*truth values"),))
unary("abs", A.abs, np.abs, takes="if", twin="abs_", bad=(refuses(bool, A.abs, "abs: .*truth values"),))
for name in ("sign", "sgn"):
    with_twin(name, getattr(A, name), lambda x: np.sign(x) if x.dtype != bool else x)
unary("signbit", A.signbit, lambda x: x < 0, gives="bool", without=CONSTANT)
binary("copysign", A.copysign, np.copysign, gives="float", twin="copysign_")

for name in ("floor", "ceil", "trunc"):
    truths = refuses(bool, getattr(A, name), f"{name}: .*truth values")
    with_twin(name, getattr(A, name), getattr(np, name), fractional, takes="if", bad=(truths,))
with_twin("round", A.round, np.round, fractional, takes="if", bad=(refuses(bool, A.round, "round: .*truth values"),))
unary(
    "round_to",
    A.round,
    np.round,
    fractional,
    takes="f",
    options=({"decimals": 2}, {"decimals": 1}, {"decimals": -1}),
    bad=((lambda: A.round(ones(2, dtype=int), decimals=1), DTypeError, "round: expected floats"),),
)
with_twin(
    "frac",
    A.frac,
    lambda x: x - np.trunc(x),
    fractional,
    takes="f",
    bad=(refuses(int, A.frac, "frac: expected floats"),),
)
unary(
    "frexp",
    A.frexp,
    np.frexp,
    takes="f",
    gives="same exponent",
    without={"dtypes": "the exponent is int32: the oracle tries every dtype"},
    bad=(refuses(int, A.frexp, "frexp: expected floats"),),
)
integers = refuses(int, both(A.nextafter), "nextafter: expected floats")
binary("nextafter", A.nextafter, np.nextafter, takes="f", twin="nextafter_", bad=(integers,))
binary(
    "heaviside",
    A.heaviside,
    np.heaviside,
    twin="heaviside_",
    without={"dtypes": "it takes tensors of one dtype: the oracle tries every pair"},
    bad=((lambda: A.heaviside(ones(2), ones(2, dtype=int)), DTypeError, "heaviside: expected tensors of one dtype"),),
)
with_twin("nan_to_num", A.nan_to_num, np.nan_to_num, options=({}, {"nan": 2.0, "posinf": 1.0}))
