"""Samples of comparisons, truth values and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import comparison as _comparison
from nanograd.testing.pointwise import PAIRED, binary, ternary, unary, with_twin
from nanograd.testing.sample import CONSTANT, Case, Input, below, ones, sample, truth

A: Any = _comparison  # untyped: bad input is among what its functions are given

COMPARISONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}
for name, meaning in COMPARISONS.items():
    binary(name, getattr(A, name), meaning, gives="bool", twin=f"{name}_", without=CONSTANT)
for name, meaning in (("equal_to", np.equal), ("unequal_to", np.not_equal)):
    binary(name, getattr(A, name), meaning, gives="bool", without=CONSTANT)
with_twin("logical_not", A.logical_not, np.logical_not, gives="bool", without=CONSTANT)
for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal"):
    infinite = {"isposinf": lambda x: x == np.inf, "isneginf": lambda x: x == -np.inf}  # NumPy's take no truth values
    unary(name, getattr(A, name), infinite.get(name, getattr(np, name)), gives="bool", without=CONSTANT)

binary(
    "isclose",
    A.isclose,
    np.isclose,
    gives="bool",
    options=({}, {"rtol": 0.5}, {"equal_nan": True}),
    without=CONSTANT,
    bad=((lambda: A.isclose(ones(2), ones(2), rtol=-1.0), ValueError, "isclose: expected rtol and atol"),),
)
binary(
    "allclose",
    A.allclose,
    np.allclose,
    without={**CONSTANT, "dtypes": "it gives a Python bool"},
    options=({}, {"atol": 9.0}),
)
sample(
    "equal",
    A.equal,
    np.array_equal,
    (Input((3, 5)), Input((3, 5))),
    empty=PAIRED,
    zero_dim=(Case(((), ())),),
    without={**CONSTANT, "dtypes": "it gives a Python bool"},
)
sample(
    "isin",
    A.isin,
    np.isin,
    (Input((3, 5), below(9)), Input((4,), below(9))),
    ({}, {"invert": True}),
    gives="bool",
    empty=(Case(((0,), (4,))), Case(((3,), (0,)))),
    zero_dim=(Case(((), ())),),
)

CHOICES = ((5,), (3, 1), ()), ((3, 1), (1, 5), (3, 5)), ((), (3, 5), (1,))
sample(
    "where",
    A.where,
    np.where,
    (Input((3, 5), truth), Input((3, 5)), Input((3, 5))),
    broadcast=tuple(Case(s) for s in CHOICES),
    empty=(Case(((0,), (0,), ())),),
    zero_dim=(Case(((), (), ())),),
    bad=(
        (lambda: A.where(ones(2), ones(2), ones(2)), DTypeError, "where: expected a condition of torch.bool"),
        (lambda: A.where(ones(2, dtype=bool), ones(3), ones(3)), ShapeError, r"where: .*\(2,\).*\(3,\)"),
    ),
)
sample(
    "masked_fill",
    A.masked_fill,
    lambda x, mask, value: np.where(mask, np.asarray(value, x.dtype), x),
    (Input((3, 5)), Input((3, 5), truth)),
    ({"value": -3},),
    broadcast=(Case(((3, 5), (5,)), {"value": 2}),),
    empty=(Case(((0,), (0,)), {"value": 1}),),
    zero_dim=(Case(((), ()), {"value": 1}),),
    twin="masked_fill_",
    without={"dtypes": "the mask is of bool and the value fits itself to x"},
    bad=(
        (lambda: A.masked_fill(ones(2), ones(2), 0), DTypeError, "masked_fill: expected a mask of torch.bool"),
        (lambda: A.masked_fill(ones(2), ones(2, dtype=bool), ones(2)), ShapeError, "masked_fill: expected a number"),
        (lambda: A.masked_fill(ones(2, dtype=dtypes.uint8), ones(2, dtype=bool), 300), DTypeError, "300"),
    ),
)
sample(
    "blanked",
    A.blanked,
    lambda x, y: y,
    (Input((3, 5)), Input((3, 5), grad=False)),
    empty=PAIRED,
    zero_dim=(Case(((), ())),),
    without={"dtypes": "it is asked for x and y of one dtype only"},
)

BOUNDS = {"dtypes": "the kind of the bounds takes part: the oracle tries every pair"}
with_twin(
    "clamp",
    A.clamp,
    lambda x, min=None, max=None: np.clip(x, min, max),
    takes="if",
    options=({"min": -1.0, "max": 0.9}, {"min": -1.0}, {"max": 0.9}),
    bad=(
        (lambda: A.clamp(ones(2)), ValueError, "clamp: expected at least one"),
        (lambda: A.clamp(ones(2, dtype=bool), False), DTypeError, "clamp: .*truth values"),
    ),
    without=BOUNDS,
)
with_twin(
    "clamp_min", A.clamp_min, lambda x, min: np.maximum(x, min), takes="if", options=({"min": -1.0},), without=BOUNDS
)
with_twin(
    "clamp_max", A.clamp_max, lambda x, max: np.minimum(x, max), takes="if", options=({"max": 0.9},), without=BOUNDS
)
ternary(
    "clamped",
    A.clamped,
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    takes="f",
    without={"dtypes": "it is asked for tensors of one dtype only"},
)
for name, meaning in (("maximum", np.maximum), ("minimum", np.minimum), ("fmax", np.fmax), ("fmin", np.fmin)):
    binary(name, getattr(A, name), meaning)
