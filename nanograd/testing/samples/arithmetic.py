"""Samples of arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError
from nanograd.ops import arithmetic as _arithmetic
from nanograd.testing.pointwise import binary, both, ternary
from nanograd.testing.sample import CONSTANT, below, ones, refuses

A: Any = _arithmetic  # untyped: bad input is among what its functions are given

SCALED: Any = ({}, {"alpha": 3})
binary("add", A.add, lambda a, b, alpha=1: a + b if alpha == 1 else a + alpha * b, options=SCALED, twin="add_")
binary(
    "_add_scaled",
    lambda a, b: A.add(a, b, alpha=0.7),
    lambda a, b: a + 0.7 * b,
    takes="f",
    bad=((lambda: A.add(ones(2, dtype=int), 1, alpha=0.5), DTypeError, "add: alpha must not be a fraction"),),
)
binary(
    "sub",
    A.sub,
    lambda a, b, alpha=1: a - alpha * b,
    options=SCALED,
    takes="if",
    twin="sub_",
    bad=((lambda: A.sub(ones(2, dtype=bool), True), DTypeError, "sub: truth values"),),
)
binary("rsub", A.rsub, lambda a, b, alpha=1: b - alpha * a, options=({}, {"alpha": 2}), takes="if")
binary("mul", A.mul, lambda a, b: a * b, twin="mul_")
binary(
    "div",
    A.div,
    lambda a, b: a / b,
    gives="float",
    twin="div_",
    bad=((lambda: A.div(ones(2), 2, rounding_mode="up"), ValueError, "div: expected rounding_mode"),),
)
binary("rdiv", A.rdiv, lambda a, b: b / a, gives="float")
zero = (lambda: A.floor_divide(ones(2, dtype=int), 0), DTypeError, "floor_divide: integer division by zero")
binary("floor_divide", A.floor_divide, np.floor_divide, takes="if", twin="floor_divide_", without=CONSTANT, bad=(zero,))
binary("rfloor_divide", A.rfloor_divide, lambda a, b: b // a, takes="if", without=CONSTANT)
zero = (lambda: A.remainder(ones(2, dtype=int), 0), DTypeError, "remainder: integer division by zero")
binary("remainder", A.remainder, np.remainder, takes="if", twin="remainder_", bad=(zero,))
binary("rremainder", A.rremainder, lambda a, b: np.remainder(b, a), takes="if")
zero = (lambda: A.fmod(ones(2, dtype=int), 0), DTypeError, "fmod: integer division by zero")
binary("fmod", A.fmod, np.fmod, takes="if", twin="fmod_", bad=(zero,))
for divides in ("gcd", "lcm"):
    floats = refuses(dtypes.float32, both(getattr(A, divides)), f"{divides}: expected integers")
    binary(divides, getattr(A, divides), getattr(np, divides), below(9), takes="i", twin=f"{divides}_", bad=(floats,))

MIXED = {"dtypes": "it takes tensors of one dtype: the oracle tries every pair"}
ternary(
    "lerp",
    A.lerp,
    lambda a, b, w: a + w * (b - a),
    twin="lerp_",
    without=MIXED,
    bad=(
        (
            lambda: A.lerp(ones(2), ones(2, dtype=dtypes.float64), 0.5),
            DTypeError,
            "lerp: expected tensors of one dtype",
        ),
        (lambda: A.lerp(ones(2, dtype=int), ones(2, dtype=int), 0.5), DTypeError, "lerp: expected floats"),
    ),
)
ternary(
    "addcmul",
    A.addcmul,
    lambda x, a, b, value=1: x + value * a * b,
    options=({}, {"value": -2}),
    takes="if",
    twin="addcmul_",
    bad=((lambda: A.addcmul(*[ones(2, dtype=bool)] * 3), DTypeError, "addcmul: .*truth values"),),
)
ternary(
    "addcdiv",
    A.addcdiv,
    lambda x, a, b, value=1: x + value * a / b,
    options=({}, {"value": -2}),
    takes="f",
    twin="addcdiv_",
    bad=((lambda: A.addcdiv(*[ones(2, dtype=int)] * 3), DTypeError, "addcdiv: integer division"),),
)
