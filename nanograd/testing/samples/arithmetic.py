"""Samples of the operations on single elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import elementwise
from nanograd.ops import arithmetic as _arithmetic
from nanograd.ops.creation import tensor
from nanograd.testing.sample import (
    CONSTANT,
    GRADIENTS,
    Case,
    Domain,
    Input,
    away,
    below,
    fractional,
    ones,
    positive,
    refuses,
    sample,
    truth,
    unit,
)

A: Any = _arithmetic  # untyped: bad input is among what its functions are given


def unary(name: str, call: Any, formula: Any, domain: Domain = away, **more: Any) -> None:
    """An operation on each element of one tensor."""
    options = more.pop("options", ({},))
    defaults: dict[str, Any] = dict(
        empty=(Case(((0,),), options[0]), Case(((3, 0),), options[0])),
        zero_dim=tuple(Case(((),), o) for o in options),
    )
    sample(name, call, formula, (Input((3, 5), domain),), options, **{**defaults, **more})


def with_twin(name: str, call: Any, formula: Any, domain: Domain = away, **more: Any) -> None:
    """As ``unary``, with ``x.name_()``."""
    unary(name, call, formula, domain, twin=f"{name}_", **more)


BROADCAST = ((3, 5), (5,)), ((3, 1), (1, 5)), ((), (3, 5)), ((3, 1, 5), (7, 1)), ((1,), (1, 1))


def binary(
    name: str, call: Any, formula: Any, domain: Domain = away, second: Domain | None = None, **more: Any
) -> None:
    """An operation on pairs of elements of two tensors that broadcast."""
    options = more.pop("options", ({},))
    inputs = (Input((3, 5), domain), Input((3, 5), second or domain))
    defaults: dict[str, Any] = dict(
        broadcast=tuple(Case(shapes, options[0]) for shapes in (*BROADCAST, *((b, a) for a, b in BROADCAST))),
        empty=(Case(((0,), (0,)), options[0]), Case(((3, 0), (1,)), options[0]), Case(((1, 5), (0, 1)), options[0])),
        zero_dim=tuple(Case(((), ()), o) for o in options),
    )
    small, large = (tensor(np.ones(s), dtype=int) for s in ((2, 3), (4, 5)))
    words = r"shapes \(.*\) and \(.*\) do not broadcast"
    bad = ((lambda: call(small, large, **options[0]), ShapeError, words), *more.pop("bad", ()))
    sample(name, call, formula, inputs, options, bad=bad, **{**defaults, **more})


binary(
    "add", A.add, lambda a, b, alpha=1: a + b if alpha == 1 else a + alpha * b, options=({}, {"alpha": 3}), twin="add_"
)
binary(
    "sub",
    A.sub,
    lambda a, b, alpha=1: a - alpha * b,
    options=({}, {"alpha": 3}),
    takes="if",
    twin="sub_",
    bad=((lambda: A.sub(ones(2, dtype=bool), True), DTypeError, "sub: truth values"),),
)
binary("rsub", A.rsub, lambda a, b: b - a, takes="if")
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
binary(
    "floor_divide",
    A.floor_divide,
    lambda a, b: a // b,
    takes="if",
    twin="floor_divide_",
    without=CONSTANT,
    bad=((lambda: A.floor_divide(ones(2, dtype=int), 0), DTypeError, "floor_divide: integer division by zero"),),
)
binary("rfloor_divide", A.rfloor_divide, lambda a, b: b // a, takes="if", without=CONSTANT)
binary(
    "remainder",
    A.remainder,
    np.remainder,
    takes="if",
    twin="remainder_",
    bad=((lambda: A.remainder(ones(2, dtype=int), 0), DTypeError, "remainder: integer division by zero"),),
)
binary("rremainder", A.rremainder, lambda a, b: np.remainder(b, a), takes="if")
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

unary("neg", A.neg, lambda x: -x, takes="if", twin="neg_", bad=(refuses(bool, A.neg, "neg: truth values"),))
unary("abs", A.abs, np.abs, takes="if", twin="abs_", bad=(refuses(bool, A.abs, "abs: .*truth values"),))
with_twin("exp", A.exp, np.exp, gives="float")
with_twin("log", A.log, np.log, positive, gives="float")
with_twin("sqrt", A.sqrt, np.sqrt, positive, gives="float")
unary("rsqrt", A.rsqrt, lambda x: 1 / np.sqrt(x), positive, gives="float")
with_twin("reciprocal", A.reciprocal, lambda x: 1 / x, gives="float")
with_twin("square", A.square, np.square, gives="number")
with_twin("sin", A.sin, np.sin, gives="float")
with_twin("cos", A.cos, np.cos, gives="float")
with_twin("tanh", A.tanh, np.tanh, gives="float")
with_twin("sigmoid", A.sigmoid, lambda x: 1 / (1 + np.exp(-x)), gives="float")
with_twin("relu", A.relu, lambda x: np.maximum(x, 0), takes="if", bad=(refuses(bool, A.relu, "relu: .*truth values"),))
with_twin("sign", A.sign, lambda x: np.sign(x) if x.dtype != bool else x)
with_twin("floor", A.floor, np.floor, fractional, takes="if", bad=(refuses(bool, A.floor, "floor: .*truth values"),))
with_twin("ceil", A.ceil, np.ceil, fractional, takes="if", bad=(refuses(bool, A.ceil, "ceil: .*truth values"),))
with_twin(
    "round",
    A.round,
    lambda x, decimals=0: np.round(x, decimals),
    fractional,
    takes="if",
    options=({}, {"decimals": 2}),
    bad=(refuses(bool, A.round, "round: .*truth values"),),
)
with_twin(
    "clamp",
    A.clamp,
    lambda x, min=None, max=None: np.clip(x, min, max),
    takes="if",
    options=({"min": -1.0, "max": 0.9}, {"min": -1.0}, {"max": 0.9}),
    bad=((lambda: A.clamp(ones(2)), ValueError, "clamp: expected at least one"),),
    without={"dtypes": "the kind of the bounds takes part: the oracle tries every pair"},
)
unary(
    "clamped",
    lambda x: A.clamped(elementwise.maximum, x, tensor(0.5, dtype=x.dtype), x >= 0.5),
    lambda x: np.maximum(x, x.dtype.type(0.5)),
    takes="f",
    without={"dtypes": "it is asked for x and bound of one dtype only"},
)

PAIRED = tuple(Case((s, s)) for s in ((0,), (3, 0)))


def backward_of(name: str, call: Any, formula: Any, domain: Domain, **more: Any) -> None:
    """What flows back through an operation: (gradient, output) of one shape."""
    inputs = (Input((3, 5)), more.pop("second", Input((3, 5), domain)))
    sample(name, call, formula, inputs, empty=PAIRED, zero_dim=(Case(((), ())),), without={"dtypes": GRADIENTS}, **more)


backward_of("tanh_grad", A.tanh_grad, lambda g, y: g * (1 - y * y), unit)
backward_of("sigmoid_grad", A.sigmoid_grad, lambda g, y: g * y * (1 - y), unit)
backward_of("relu_grad", A.relu_grad, lambda g, y: g * (y > 0), away, second=Input((3, 5), grad=False))
sample(
    "blanked",
    A.blanked,
    lambda x, y: y,
    (Input((3, 5)), Input((3, 5), grad=False)),
    empty=PAIRED,
    zero_dim=(Case(((), ())),),
    without={"dtypes": "it is asked for x and y of one dtype only"},
)

binary("maximum", A.maximum, np.maximum)
binary("minimum", A.minimum, np.minimum)
for compare in ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor"):
    numpys = {
        "eq": "equal",
        "ne": "not_equal",
        "lt": "less",
        "le": "less_equal",
        "gt": "greater",
        "ge": "greater_equal",
    }
    formula: Any = getattr(np, numpys.get(compare, compare))
    binary(compare, getattr(A, compare), formula, gives="bool", without=CONSTANT)


def bitwise(name: str) -> None:
    """An operation on the bits of integers, or on truth values."""
    call = getattr(A, name)
    floats = (lambda: call(ones(2), ones(2)), DTypeError, f"{name}: expected integers or truth values")
    binary(name, call, getattr(np, name), below(7), takes="bi", bad=(floats,))


bitwise("bitwise_and")
bitwise("bitwise_or")
bitwise("bitwise_xor")
unary(
    "bitwise_not",
    A.bitwise_not,
    np.invert,
    below(7),
    takes="bi",
    bad=(refuses(dtypes.float32, A.bitwise_not, "bitwise_not: expected"),),
)
for ask in ("logical_not", "isnan", "isinf", "isfinite"):
    unary(ask, getattr(A, ask), getattr(np, ask), gives="bool", without=CONSTANT)
binary(
    "isclose", A.isclose, np.isclose, gives="bool", options=({}, {"rtol": 0.5}, {"equal_nan": True}), without=CONSTANT
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
    bad=((lambda: A.masked_fill(ones(2), ones(2), 0), DTypeError, "bool"),),
)
