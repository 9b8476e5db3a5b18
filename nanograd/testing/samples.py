"""One sample per operation: how to call it, its formula in NumPy, and what it takes.

The laws (laws.py) try every operation with its sample.  ``without`` names the laws that do not apply, and why.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.kernels import elementwise
from nanograd.ops import arithmetic as A
from nanograd.ops import convolution as C
from nanograd.ops import indexing as I
from nanograd.ops import linalg as L
from nanograd.ops import normalization as N
from nanograd.ops import reduction as R
from nanograd.ops import shape as S
from nanograd.ops.creation import tensor
from nanograd.tensors import Tensor

__all__ = ["SAMPLES", "Case", "Input", "Sample"]

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
    the kinds of numbers it takes (b, i, f), ``gives`` the rule for the dtype of its result.  ``bad`` are calls that
    must raise (function of no arguments, class, words of the message).
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

Bad = tuple[Callable[[], Any], type[Exception], str]


def sample(name: str, *args: Any, bad: tuple[Bad, ...] = (), **more: Any) -> None:
    """Register a sample, with the reasons that follow from what it has not."""
    made = Sample(*args, bad=bad, **more)
    reasons = {
        "broadcast": (made.broadcast, "its inputs are not stretched to each other"),
        "empty": (made.empty, "it has no meaning for no elements: its bad input says so, or its shapes cannot be empty"),
        "zero_dim": (made.zero_dim, "it needs dimensions"),
        "in_place": (made.twin, "it has no twin that writes in place"),
        "fused": (made.fused, "it is no composition with a fast version"),
        "bad_input": (made.bad, "every tensor is good input"),
    }
    without = {law: reason for law, (has, reason) in reasons.items() if not has}
    if not any(differentiable(i) for i in made.inputs):
        without |= dict.fromkeys(("gradient", "second_gradient", "owned", "written_after"), "no input is differentiable")
    SAMPLES[name] = replace(made, without={**without, **made.without})


def differentiable(given: Input) -> bool:
    """Whether a gradient flows to this input."""
    return given.grad and given.domain(np.random.default_rng(0), (1,)).dtype.kind == "f"


CONSTANT = dict.fromkeys(("gradient", "second_gradient", "owned", "written_after"), "its result is no smooth function: no gradient")


def ones(*shape: int, dtype: Any = dtypes.float32) -> Tensor:
    """A tensor of ones, for bad input."""
    return tensor(np.ones(shape), dtype=dtype)


# One element at a time


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


def binary(name: str, call: Any, formula: Any, domain: Domain = away, second: Domain | None = None, **more: Any) -> None:
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


def refuses(kind: Any, call: Any, words: str) -> Bad:
    """Bad input: ones of a dtype that the operation does not take."""
    return (lambda: call(ones(2, dtype=kind)), DTypeError, words)


binary("add", A.add, lambda a, b, alpha=1: a + b if alpha == 1 else a + alpha * b, options=({}, {"alpha": 3}), twin="add_")
binary("sub", A.sub, lambda a, b, alpha=1: a - alpha * b, options=({}, {"alpha": 3}), takes="if", twin="sub_",
       bad=((lambda: A.sub(ones(2, dtype=bool), True), DTypeError, "sub: truth values"),))  # fmt: skip
binary("rsub", A.rsub, lambda a, b: b - a, takes="if")
binary("mul", A.mul, lambda a, b: a * b, twin="mul_")
binary("div", A.div, lambda a, b: a / b, gives="float", twin="div_",
       bad=((lambda: A.div(ones(2), 2, rounding_mode="up"), ValueError, "div: expected rounding_mode"),))  # fmt: skip
binary("rdiv", A.rdiv, lambda a, b: b / a, gives="float")
binary("floor_divide", A.floor_divide, lambda a, b: a // b, takes="if", twin="floor_divide_", without=CONSTANT,
       bad=((lambda: A.floor_divide(ones(2, dtype=int), 0), DTypeError, "floor_divide: integer division by zero"),))  # fmt: skip
binary("rfloor_divide", A.rfloor_divide, lambda a, b: b // a, takes="if", without=CONSTANT)
binary("remainder", A.remainder, np.remainder, takes="if", twin="remainder_",
       bad=((lambda: A.remainder(ones(2, dtype=int), 0), DTypeError, "remainder: integer division by zero"),))  # fmt: skip
binary("rremainder", A.rremainder, lambda a, b: np.remainder(b, a), takes="if")
binary("pow", A.pow, lambda a, b: a**b, positive, away, takes="if", twin="pow_",
       bad=((lambda: A.pow(ones(2, dtype=int), ones(2, dtype=int) * -1), DTypeError, "pow: integers to negative"),
            (lambda: A.pow(ones(2, dtype=int), -1), DTypeError, "pow: integers to negative")))  # fmt: skip
binary("rpow", A.rpow, lambda a, b: b**a, away, positive, takes="if")
unary("_power", A._power, lambda x, n: x**n, positive, takes="if", options=({"n": 2}, {"n": 3}, {"n": -1.5}, {"n": 0}, {"n": 1}),
      without={"dtypes": "the kind of the exponent takes part: the oracle tries every pair"})  # fmt: skip

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
with_twin("round", A.round, lambda x, decimals=0: np.round(x, decimals), fractional, takes="if", options=({}, {"decimals": 2}),
          bad=(refuses(bool, A.round, "round: .*truth values"),),
          without={"second_gradient": "its steps of 10^-decimals are too near for differences"})  # fmt: skip
with_twin("clamp", A.clamp, lambda x, min=None, max=None: np.clip(x, min, max), takes="if",
          options=({"min": -1.0, "max": 0.9}, {"min": -1.0}, {"max": 0.9}),
          bad=((lambda: A.clamp(ones(2)), ValueError, "clamp: expected at least one"),),
          without={"dtypes": "the kind of the bounds takes part: the oracle tries every pair"})  # fmt: skip
unary("clamped", lambda x: A.clamped(elementwise.maximum, x, tensor(0.5, dtype=x.dtype), x >= 0.5), lambda x: np.maximum(x, x.dtype.type(0.5)),
      takes="f", without={"dtypes": "it is asked for x and bound of one dtype only"})  # fmt: skip

GRADIENTS = "gradients are floats of their output's dtype"
PAIRED = tuple(Case((s, s)) for s in ((0,), (3, 0)))


def backward_of(name: str, call: Any, formula: Any, domain: Domain, **more: Any) -> None:
    """What flows back through an operation: (gradient, output) of one shape."""
    inputs = (Input((3, 5)), more.pop("second", Input((3, 5), domain)))
    sample(name, call, formula, inputs, empty=PAIRED, zero_dim=(Case(((), ())),), without={"dtypes": GRADIENTS}, **more)


backward_of("tanh_grad", A.tanh_grad, lambda g, y: g * (1 - y * y), unit)
backward_of("sigmoid_grad", A.sigmoid_grad, lambda g, y: g * y * (1 - y), unit)
backward_of("relu_grad", A.relu_grad, lambda g, y: g * (y > 0), away, second=Input((3, 5), grad=False))
sample("blanked", A.blanked, lambda x, y: y, (Input((3, 5)), Input((3, 5), grad=False)), empty=PAIRED, zero_dim=(Case(((), ())),),
       without={"dtypes": "it is asked for x and y of one dtype only"})  # fmt: skip

for name in ("maximum", "minimum"):
    binary(name, getattr(A, name), getattr(np, name))
for name, formula in {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
                      "ge": np.greater_equal, "logical_and": np.logical_and, "logical_or": np.logical_or,
                      "logical_xor": np.logical_xor}.items():  # fmt: skip
    binary(name, getattr(A, name), formula, gives="bool", without=CONSTANT)
for name, formula in {"bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor}.items():
    binary(name, getattr(A, name), formula, below(7), takes="bi",
           bad=((lambda call=getattr(A, name): call(ones(2), ones(2)), DTypeError, "expected integers or truth values"),))  # fmt: skip
unary("bitwise_not", A.bitwise_not, np.invert, below(7), takes="bi", bad=(refuses(dtypes.float32, A.bitwise_not, "bitwise_not: expected"),))
for name, formula in {"logical_not": np.logical_not, "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}.items():
    unary(name, getattr(A, name), formula, gives="bool", without=CONSTANT)
binary("isclose", A.isclose, np.isclose, gives="bool", options=({}, {"rtol": 0.5}, {"equal_nan": True}), without=CONSTANT)
binary("allclose", A.allclose, np.allclose, without={**CONSTANT, "dtypes": "it gives a Python bool"}, options=({}, {"atol": 9.0}))
sample("equal", A.equal, np.array_equal, (Input((3, 5)), Input((3, 5))), empty=PAIRED, zero_dim=(Case(((), ())),),
       without={**CONSTANT, "dtypes": "it gives a Python bool"})  # fmt: skip

CHOICES = ((5,), (3, 1), ()), ((3, 1), (1, 5), (3, 5)), ((), (3, 5), (1,))
sample("where", A.where, np.where, (Input((3, 5), truth), Input((3, 5)), Input((3, 5))),
       broadcast=tuple(Case(s) for s in CHOICES), empty=(Case(((0,), (0,), ())),), zero_dim=(Case(((), (), ())),),
       bad=((lambda: A.where(ones(2), ones(2), ones(2)), DTypeError, "where: expected a condition of torch.bool"),
            (lambda: A.where(ones(2, dtype=bool), ones(3), ones(3)), ShapeError, r"where: .*\(2,\).*\(3,\)")))  # fmt: skip
sample("masked_fill", A.masked_fill, lambda x, mask, value: np.where(mask, np.asarray(value, x.dtype), x),
       (Input((3, 5)), Input((3, 5), truth)), ({"value": -3},), broadcast=(Case(((3, 5), (5,)), {"value": 2}),),
       empty=(Case(((0,), (0,)), {"value": 1}),), zero_dim=(Case(((), ()), {"value": 1}),), twin="masked_fill_",
       without={"dtypes": "the mask is of bool and the value fits itself to x"},
       bad=((lambda: A.masked_fill(ones(2), ones(2), 0), DTypeError, "bool"),))  # fmt: skip


# The same elements in another arrangement


def rearranging(name: str, call: Any, formula: Any, shape: Shape, **more: Any) -> None:
    """A view or copy of one tensor."""
    sample(name, call, formula, (Input(shape),), **more)


rearranging("to_shape", S.to_shape, lambda x, shape: x.reshape(shape), (3, 5), options=({"shape": (5, 3)}, {"shape": (15,)}),
            empty=(Case(((0, 3),), {"shape": (3, 0, 5)}),), zero_dim=(Case(((),), {"shape": (1, 1)}),))  # fmt: skip
rearranging("reshape", S.reshape, lambda x, shape: x.reshape(shape), (3, 5), options=({"shape": (5, -1)}, {"shape": (3, 5)}),
            empty=(Case(((0, 3),), {"shape": (-1, 3)}),), zero_dim=(Case(((),), {"shape": (-1,)}),),
            bad=((lambda: S.reshape(ones(2, 3), 4, 2), ShapeError, "reshape: shape .* is invalid for input of size 6"),
                 (lambda: S.reshape(ones(2, 3), -1, -1), ShapeError, "only one size can be inferred"),
                 (lambda: S.reshape(ones(2, 3), -1, 4), ShapeError, "is invalid for input of size 6"),
                 (lambda: S.reshape(ones(2, 3), 1.5), DTypeError, "reshape: expected sizes that are integers")))  # fmt: skip
rearranging("view_as_shape", S.view_as_shape, lambda x, shape: x.reshape(shape), (3, 5), options=({"shape": (5, -1)},),
            empty=(Case(((0, 3),), {"shape": (0,)}),), zero_dim=(Case(((),), {"shape": (1,)}),),
            bad=((lambda: ones(2, 3).T.view(6), ShapeError, "view: .* without copying"),),
            without={"noncontiguous": "it refuses strides that forbid a view"})  # fmt: skip
rearranging("flatten", S.flatten, lambda x, start_dim=0, end_dim=-1: x.reshape(3, -1) if start_dim else x.reshape(-1), (3, 1, 5),
            options=({}, {"start_dim": 1}), empty=(Case(((0, 3),)),), zero_dim=(Case(((),)),),
            bad=((lambda: S.flatten(ones(2, 3), 1, 0), ShapeError, "flatten: start_dim 1 comes after"),
                 (lambda: S.flatten(ones(2, 3), 2), IndexError, "Dimension out of range")))  # fmt: skip
rearranging("permute", S.permute, lambda x, dims: x.transpose(dims), (3, 1, 5), options=({"dims": (2, 0, 1)}, {"dims": (-1, 1, 0)}),
            empty=(Case(((0, 3),), {"dims": (1, 0)}),), zero_dim=(Case(((),), {"dims": ()}),),
            bad=((lambda: S.permute(ones(2, 3), 0, 0), ShapeError, "permute: dims"),
                 (lambda: S.permute(ones(2, 3), 0, 2), IndexError, "Dimension out of range")))  # fmt: skip
rearranging("movedim", S.movedim, np.moveaxis, (3, 1, 5), options=({"source": 0, "destination": 2},),
            empty=(Case(((0, 3),), {"source": 0, "destination": -1}),), bad=((lambda: S.movedim(ones(2), 1, 0), IndexError, "movedim"),))  # fmt: skip
rearranging("transpose", S.transpose, lambda x, dim0, dim1: np.swapaxes(x, dim0, dim1), (3, 1, 5),
            options=({"dim0": 0, "dim1": 2}, {"dim0": -1, "dim1": 1}), empty=(Case(((0, 3),), {"dim0": 0, "dim1": 1}),),
            bad=((lambda: S.transpose(ones(2, 3), 0, 2), IndexError, "transpose: Dimension out of range"),))  # fmt: skip
rearranging("t", S.t, np.transpose, (3, 5), empty=(Case(((0, 3),)),), zero_dim=(Case(((),)),),
            bad=((lambda: S.t(ones(2, 2, 2)), ShapeError, "t: expected a tensor of 2 dimensions"),))  # fmt: skip
rearranging("reversed_dims", S.reversed_dims, np.transpose, (3, 1, 5), empty=(Case(((0, 3),)),), zero_dim=(Case(((),)),))
rearranging("matrix_transpose", S.matrix_transpose, lambda x: np.swapaxes(x, -1, -2), (3, 1, 5), empty=(Case(((0, 3),)),),
            bad=((lambda: S.matrix_transpose(ones(2)), ShapeError, "mT: expected at least 2"),))  # fmt: skip
rearranging("squeeze", S.squeeze, lambda x, dim=None: np.squeeze(x, dim), (3, 1, 5, 1), options=({}, {"dim": 1}, {"dim": (1, 3)}),
            empty=(Case(((0, 1),)),), zero_dim=(Case(((),)),), bad=((lambda: S.squeeze(ones(2), 1), IndexError, "squeeze: Dim"),))  # fmt: skip
rearranging("unsqueeze", S.unsqueeze, lambda x, dim: np.expand_dims(x, dim), (3, 5), options=({"dim": 0}, {"dim": -1}),
            empty=(Case(((0,),), {"dim": 1}),), zero_dim=(Case(((),), {"dim": 0}),),
            bad=((lambda: S.unsqueeze(ones(2), 3), IndexError, "unsqueeze: Dimension out of range"),))  # fmt: skip
rearranging("expand", S.expand, lambda x, size: np.broadcast_to(x, [n if s == -1 else s for s, n in zip(size, x.shape, strict=True)] if x.ndim == len(size) else size),
            (3, 1), options=({"size": (3, 5)}, {"size": (7, 3, 5)}, {"size": (-1, 5)}),
            empty=(Case(((1, 3),), {"size": (0, 3)}),), zero_dim=(Case(((),), {"size": (3,)}), Case(((),), {"size": ()})),
            bad=((lambda: S.expand(ones(2, 3), 4, 3), ShapeError, r"expand: cannot expand shape \(2, 3\)"),
                 (lambda: S.expand(ones(2, 3), 3), ShapeError, "expand: .*fewer dimensions")))  # fmt: skip
sample("expand_as", S.expand_as, lambda x, other: np.broadcast_to(x, other.shape), (Input((3, 1)), Input((3, 5), grad=False)),
       empty=(Case(((1, 3), (0, 3))),), zero_dim=(Case(((), (3,))),),
       without={"dtypes": "the other tensor gives its shape alone"},
       bad=((lambda: S.expand_as(ones(2), ones(3)), ShapeError, "expand: cannot expand"),))  # fmt: skip
rearranging("clone", S.clone, np.copy, (3, 5), empty=(Case(((0, 3),)),), zero_dim=(Case(((),)),))
rearranging("to_dtype", S.to_dtype, lambda x, dtype: x.astype(dtype.numpy), (3, 5), options=({"dtype": dtypes.float64}, {"dtype": dtypes.float32}),
            empty=(Case(((0, 3),), {"dtype": dtypes.int64}),), zero_dim=(Case(((),), {"dtype": dtypes.int32}),),
            without={"dtypes": "its result has the dtype it is asked for",
                     "gradient": "float32 is too coarse for differences; `to_dtype` of tests/test_laws.py",
                     "second_gradient": "its gradient is constant"})  # fmt: skip
rearranging("flip", S.flip, lambda x, dims: np.flip(x, dims), (3, 1, 5), options=({"dims": (0,)}, {"dims": (0, -1)}),
            empty=(Case(((0, 3),), {"dims": (1,)}),), bad=((lambda: S.flip(ones(2), 1), IndexError, "flip: Dim"),
            (lambda: S.flip(ones(2, 2), 0, 0), ShapeError, "flip: dim .* twice")))  # fmt: skip
for name, formula in {"tril": np.tril, "triu": np.triu}.items():
    rearranging(name, getattr(S, name), lambda x, diagonal=0, formula=formula: formula(x, diagonal), (3, 5),
                options=({}, {"diagonal": 1}, {"diagonal": -1}), empty=(Case(((0, 3),)),),
                bad=((lambda call=getattr(S, name): call(ones(2)), ShapeError, "expected at least 2 dimensions"),))  # fmt: skip
rearranging("repeat", S.repeat, lambda x, repeats: np.tile(x, repeats), (3, 1), options=({"repeats": (2, 3)}, {"repeats": (2, 1, 5)}),
            empty=(Case(((3,),), {"repeats": (0,)}),), zero_dim=(Case(((),), {"repeats": (3,)}),),
            bad=((lambda: S.repeat(ones(2, 3), 2), ShapeError, "repeat: .*fewer entries"),
                 (lambda: S.repeat(ones(2), -1), ShapeError, "repeat: ")))  # fmt: skip
JOINED = (Input((3, 5)), Input((1, 5)), Input((3, 5)))
sample("cat", lambda *xs, dim=0: S.cat(xs, dim), lambda *xs, dim=0: np.concatenate(xs, dim), JOINED, ({}, {"dim": -2}),
       empty=(Case(((0, 5), (3, 5), (0, 5))),),
       bad=((lambda: S.cat([ones(2), ones(2, 2)]), ShapeError, r"cat: sizes must agree except in dimension 0, got \(2,\), \(2, 2\)"),
            (lambda: S.cat([]), ShapeError, "cat: expected at least one"), (lambda: S.cat(ones(2)), DTypeError, "cat: expected a list"),
            (lambda: S.cat([ones(2), 1]), DTypeError, "cat: expected a list of tensors"),
            (lambda: S.cat([ones(), ones()]), ShapeError, "zero-dimensional")))  # fmt: skip
sample("stack", lambda *xs, dim=0: S.stack(xs, dim), lambda *xs, dim=0: np.stack(xs, dim), (Input((3, 5)), Input((3, 5))), ({}, {"dim": -1}),
       empty=(Case(((0,), (0,))),), zero_dim=(Case(((), ())),),
       bad=((lambda: S.stack([ones(2), ones(3)]), ShapeError, "stack: all tensors must have one shape"),))  # fmt: skip
rearranging("split", S.split, lambda x, split_size_or_sections, dim=0: np.split(x, [2] if split_size_or_sections == 2 else [1, 1], dim), (3, 5),
            options=({"split_size_or_sections": 2}, {"split_size_or_sections": [1, 0, 2]}),
            empty=(Case(((3, 0),), {"split_size_or_sections": 2}),),
            bad=((lambda: S.split(ones(5), [2, 2]), ShapeError, "split: sections"), (lambda: S.split(ones(5), 0), ShapeError, "split: ")))  # fmt: skip
rearranging("chunk", S.chunk, lambda x, chunks, dim=0: np.split(x, [2], dim), (3, 5), options=({"chunks": 2},),
            empty=(Case(((3, 0),), {"chunks": 2}),), bad=((lambda: S.chunk(ones(5), 0), ShapeError, "chunk: expected"),))  # fmt: skip
rearranging("unbind", S.unbind, lambda x, dim=0: list(np.moveaxis(x, dim, 0)), (3, 5), options=({}, {"dim": -1}),
            empty=(Case(((3, 0),)),), bad=((lambda: S.unbind(ones(5), 1), IndexError, "unbind: Dim"),))  # fmt: skip


# Parts

ROWS = np.array([2, 0, 2])
PARTS = ((slice(1, 3),), (1, Ellipsis), (Ellipsis, None, slice(0, 5, 2)), (slice(None), -1, Ellipsis))
INDICES = (*PARTS[:2], 1, slice(0, 0), (slice(None), [1, 1]), ([0, 2], slice(1, 4, 2)), ROWS, (ROWS, [4, 0, 4]), (None, ROWS), [True, False, True])
STEPS = (((ROWS,),), ((slice(None), slice(0, 4)), (slice(None), ROWS)))
BAD_INDEX = (
    (lambda: ones(3)[5], IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
    (lambda: ones(3)[0, 0], IndexError, "too many indices for tensor of dimension 1"),
    (lambda: ones(3)[[0, 7]], IndexError, "out of bounds"),
    (lambda: ones(3)["a"], IndexError, "index: only integers, slices"),
    (lambda: ones(3)[ones(3)], IndexError, "must be integer or bool"),
    (lambda: ones(3)[::-1], ValueError, "slice steps must be greater than 0"),
    (lambda: ones(3)[[True, False]], IndexError, r"index: .*\(3,\)"),
)


def _added(g: Array, steps: Any, shape: Shape) -> Array:
    out = np.zeros(shape, g.dtype)
    np.add.at(_inner(out, steps), steps[-1], g)
    return out


def _inner(x: Array, steps: Any) -> Array:
    for places in steps[:-1]:
        x = x[places]
    return x


def _stored(x: Array, value: Any, steps: Any) -> Array:
    y = x.copy()
    _inner(y, steps)[steps[-1]] = value
    return y


def _assigned(x: Tensor, v: Tensor, index: Any) -> Tensor:
    y = x.clone()
    y[index] = v
    return y


sample("getitem", I.getitem, lambda x, index: x[index], (Input((3, 5)),), tuple({"index": i} for i in INDICES),
       empty=(Case(((0, 3),), {"index": (slice(None), 1)}), Case(((0, 3),), {"index": []})),
       zero_dim=(Case(((),), {"index": None}), Case(((),), {"index": Ellipsis})), bad=BAD_INDEX)  # fmt: skip
sample("part", I.part, lambda x, places: x[places], (Input((3, 5)),), tuple({"places": p} for p in PARTS),
       empty=(Case(((3, 0),), {"places": (1, Ellipsis)}),), zero_dim=(Case(((),), {"places": (None, Ellipsis)}),))  # fmt: skip
sample("take", I.take, lambda x, steps: _inner(x, steps)[steps[-1]], (Input((3, 5)),), tuple({"steps": s} for s in STEPS),
       empty=(Case(((3, 0),), {"steps": STEPS[0]}),))  # fmt: skip
sample("put_zeros", I.put_zeros, _added, (Input((3, 5)),), ({"steps": ((slice(1, 4),),), "shape": (7, 5)}, {"steps": STEPS[0], "shape": (3, 5)}),
       empty=(Case(((3, 0),), {"steps": STEPS[0], "shape": (3, 0)}),),
       zero_dim=(Case(((),), {"steps": ((1, Ellipsis),), "shape": (3,)}),))  # fmt: skip
sample("put_in", lambda x, v, steps: I.put_in(x.clone(), steps, v), _stored, (Input((3, 5)), Input((2, 5))),
       ({"steps": ((slice(0, 2),),)}, {"steps": ((np.array([2, 0]),),)}),
       broadcast=(Case(((3, 5), (5,)), {"steps": ((slice(0, 2),),)}), Case(((3, 5), ()), {"steps": ((slice(0, 2),),)})),
       without={"dtypes": "setitem casts the value to x's dtype before"})  # fmt: skip
sample("setitem", _assigned, lambda x, v, index: _stored(x, v, (index,)), (Input((3, 5)), Input((5,))),
       ({"index": 1}, {"index": ([0, 2],)}, {"index": slice(1, 3)}),
       broadcast=(Case(((3, 5), ()), {"index": (slice(None), 2)}), Case(((3, 5), (1, 1, 5)), {"index": 0})),
       empty=(Case(((0, 5), (5,)), {"index": slice(None)}),), zero_dim=(Case(((), ()), {"index": Ellipsis}),),
       without={"dtypes": "the value is cast to x's dtype: tests/test_indexing.py"},
       bad=((lambda: _assigned(ones(3), ones(2), slice(None)), ShapeError, r"setitem: the value of shape \(2,\)"),
            (lambda: _assigned(ones(3), ones(1), 3), IndexError, "out of bounds"),
            (lambda: ones(3).__setitem__(0, "a"), DTypeError, "setitem: expected a tensor or a number"),
            (lambda: ones(3).requires_grad_().__setitem__(0, 1.0), GradError, "setitem: a leaf tensor")))  # fmt: skip
sample("erase", I.erase, lambda g, steps: _stored(g, 0, steps), (Input((3, 5)),), tuple({"steps": s} for s in STEPS),
       empty=(Case(((3, 0),), {"steps": STEPS[0]}),))  # fmt: skip
sample("select", I.select, lambda x, dim, index: np.take(x, index, dim), (Input((3, 5)),), ({"dim": 1, "index": -2},),
       empty=(Case(((0, 3),), {"dim": 1, "index": 0}),), bad=((lambda: I.select(ones(3), 0, 3), IndexError, "out of bounds"),))  # fmt: skip
sample("narrow", I.narrow, lambda x, dim, start, length: np.take(x, range(start, start + length), dim), (Input((3, 5)),),
       ({"dim": 1, "start": 1, "length": 3}, {"dim": 0, "start": 1, "length": 0}),
       empty=(Case(((0, 3),), {"dim": 1, "start": 0, "length": 2}),),
       bad=((lambda: I.narrow(ones(3), 0, 1, 3), IndexError, "narrow: start"),))  # fmt: skip
sample("index_select", I.index_select, lambda x, index, dim: np.take(x, index, dim), (Input((3, 5)), Input((7,), below(3))),
       ({"dim": 0}, {"dim": -1}), empty=(Case(((3, 5), (0,)), {"dim": 0}),),
       without={"dtypes": "its index is of integers"},
       bad=((lambda: I.index_select(ones(3), 0, ones(1, dtype=int) * 3), IndexError, "out of bounds"),))  # fmt: skip
SAMPLES["index_select"] = replace(SAMPLES["index_select"], call=lambda x, index, dim: I.index_select(x, dim, index))
sample("gather", lambda x, index, dim: I.gather(x, dim, index), lambda x, index, dim: np.take_along_axis(x, index, dim),
       (Input((3, 5)), Input((3, 5), below(3))), ({"dim": 0}, {"dim": -1}), empty=(Case(((3, 5), (0, 5)), {"dim": 0}),),
       zero_dim=(),
       without={"dtypes": "its index is of integers"},
       bad=((lambda: I.gather(ones(2, 3), 0, ones(2, 3)), DTypeError, "gather: expected an index of torch.int64"),
            (lambda: I.gather(ones(2, 3), 0, ones(2, dtype=int)), ShapeError, "gather: the index of shape"),
            (lambda: I.gather(ones(2, 3), 0, ones(1, 3, dtype=int) * 2), IndexError, "gather: index 2 is out of bounds")))  # fmt: skip


def _spread(g: Array, index: Array, dim: int, shape: Shape) -> Array:
    out = np.zeros(shape, g.dtype)
    for place in np.ndindex(index.shape):
        to = list(place)
        to[dim] = int(index[place])
        out[tuple(to)] += g[place]
    return out


sample("spread", lambda g, index, dim, shape: I.spread(g, dim, index, shape), _spread, (Input((3, 5)), Input((3, 5), below(3))),
       ({"dim": 0, "shape": (3, 7)}, {"dim": 1, "shape": (3, 3)}), empty=(Case(((0, 5), (0, 5)), {"dim": 0, "shape": (3, 5)}),),
       without={"dtypes": "its index is of integers"})  # fmt: skip
unary("nonzero", I.nonzero, np.argwhere, lambda rng, shape: away(rng, shape) * truth(rng, shape), gives="index", without=CONSTANT,
      zero_dim=(Case(((),)),))  # fmt: skip


# Many to one

OVER: tuple[dict[str, Any], ...] = ({}, {"dim": 1}, {"dim": -1, "keepdim": True}, {"dim": (0, 2)}, {"dim": (0, 1, 2), "keepdim": True})
ALONG: tuple[dict[str, Any], ...] = ({"dim": 1}, {"dim": -1, "keepdim": True})
NO_DIM = IndexError, "Dimension out of range"


def reduction(name: str, call: Any, formula: Any, domain: Domain = away, **more: Any) -> None:
    """A reduction over some dimensions: the formula takes (x, axis, keepdims)."""
    options = more.pop("options", OVER)
    bad = ((lambda: call(ones(2), **{**options[0], "dim": 1}), *NO_DIM), *more.pop("bad", ()))
    empty = (Case(((0,),)), Case(((3, 0),), {"dim": 1}), Case(((0, 3),), {"dim": 1}))
    defaults: dict[str, Any] = dict(empty=empty, zero_dim=(Case(((),)), Case(((),), {"dim": -1})))
    sample(name, call, _numpy_names(formula), (Input((3, 1, 5), domain),), options, bad=bad, **{**defaults, **more})


def _numpy_names(formula: Any) -> Any:
    def named(x: Array, dim: Any = None, keepdim: bool = False, **rest: Any) -> Any:
        axis = dim if x.ndim or dim is None else ()
        return formula(x, axis, keepdim, **rest)

    return named


TWICE: Bad = (lambda: R.sum(ones(2, 3), (0, 0)), ShapeError, "names a dimension twice")
EMPTY_IS_BAD = (Case(((0, 3),), {"dim": 1}),)


def none_left(call: Any) -> Bad:
    """Bad input: an extreme of no elements."""
    return (lambda: call(ones(0, 3), dim=0), ShapeError, "no extreme of no elements")


def _mean_of(x: Array, axis: Any, keepdims: bool) -> Any:
    count = x.size if axis is None else math.prod(x.shape[d] for d in np.atleast_1d(axis).astype(int))
    return np.divide(x.sum(axis, keepdims=keepdims), np.float64(count))


def _var_of(x: Array, axis: Any, keepdims: bool, correction: int = 1, unbiased: bool = True) -> Any:
    correction = correction if unbiased else 0
    away_ = x - x.mean(axis, keepdims=True)
    count = x.size if axis is None else math.prod(x.shape[d] for d in np.atleast_1d(axis).astype(int))
    return (away_**2).sum(axis, keepdims=keepdims) / (count - correction)


VARIANCE: tuple[dict[str, Any], ...] = ({}, {"dim": 2}, {"dim": (0, 2), "keepdim": True}, {"dim": 2, "unbiased": False}, {"dim": 0, "correction": 2})
FLOATS = (lambda: R.mean(ones(2, dtype=int)), DTypeError, "mean: expected a floating-point tensor")

reduction("sum", R.sum, lambda x, axis, keepdims: x.sum(axis, keepdims=keepdims), gives="sum", bad=(TWICE,))
reduction("mean", R.mean, _mean_of, takes="f", bad=(FLOATS,), empty=(Case(((0, 3),), {"dim": 1}),))
reduction("prod", R.prod, lambda x, axis, keepdims: x.prod(axis, keepdims=keepdims), gives="sum", options=({}, *ALONG))
reduction("amax", R.amax, lambda x, axis, keepdims: x.max(axis, keepdims=keepdims), distinct, bad=(none_left(R.amax),), empty=EMPTY_IS_BAD)
reduction("amin", R.amin, lambda x, axis, keepdims: x.min(axis, keepdims=keepdims), distinct, bad=(none_left(R.amin),), empty=EMPTY_IS_BAD)
reduction("all", R.all, lambda x, axis, keepdims: x.all(axis, keepdims=keepdims), truth, gives="truth")
reduction("any", R.any, lambda x, axis, keepdims: x.any(axis, keepdims=keepdims), truth, gives="truth")
FLAT = (lambda: R.var(ones(2, dtype=int)), DTypeError, "expected a floating-point tensor")
reduction("var", R.var, _var_of, takes="f", options=VARIANCE, empty=(Case(((0, 3),), {"dim": 1}),), zero_dim=(), bad=(FLAT,))
reduction("std", R.std, lambda *a, **o: np.sqrt(_var_of(*a, **o)), takes="f", options=VARIANCE[:4], empty=(Case(((0, 3),), {"dim": 1}),), zero_dim=(), bad=(FLAT,))


def _norm(x: Array, axis: Any, keepdims: bool, p: Any = "fro") -> Any:
    if p == math.inf:
        return np.abs(x).max(axis, keepdims=keepdims)
    p = 2 if p == "fro" else p
    return (x != 0).sum(axis, keepdims=keepdims) if p == 0 else (np.abs(x) ** p).sum(axis, keepdims=keepdims) ** (1 / p)


reduction("norm", R.norm, _norm, distinct, takes="f", options=({}, {"dim": 1}, {"p": 3, "dim": 2}, {"p": math.inf, "dim": 2, "keepdim": True}, {"p": 1}, {"p": 0}),
          bad=((lambda: R.norm(ones(2, dtype=int)), DTypeError, "norm: expected a floating-point tensor"),))  # fmt: skip
reduction("_norm2", lambda x, dim=None, keepdim=False: R._norm2(x, dim, keepdim), _norm, without={"dtypes": "norm refuses integers before"})


def extreme(name: str, pick: str, **more: Any) -> None:
    """(values, indices) along a dimension."""

    def formula(x: Array, axis: int, keepdims: bool) -> Any:
        if not x.ndim:
            return [x, np.zeros((), np.int64)]
        index = getattr(x, f"arg{pick}")(axis, keepdims=True)
        values = np.take_along_axis(x, index, axis)
        return [v if keepdims else v.squeeze(axis) for v in (values, index)]

    call = getattr(R, name)
    reduction(name, call, formula, distinct, options=ALONG, gives="same index", zero_dim=(Case(((),), {"dim": 0}),),
              empty=EMPTY_IS_BAD, bad=((lambda: call(ones(0, 3), 0), ShapeError, f"{pick}: there is no extreme"),), **more)  # fmt: skip


extreme("max_along", "max")
extreme("min_along", "min")
extreme("max", "max")
extreme("min", "min")


def _arg(pick: str) -> Any:
    def formula(x: Array, axis: int | None, keepdims: bool) -> Any:
        return getattr(x, f"arg{pick}")(axis if x.ndim else None, keepdims=keepdims)

    return formula


for name in ("argmax", "argmin"):
    call = getattr(R, name)
    reduction(name, call, _arg(name[3:]), distinct, takes="if", gives="index", options=({}, *ALONG), without=CONSTANT, empty=EMPTY_IS_BAD,
              bad=((lambda call=call: call(ones(0)), ShapeError, "no extreme of no elements"), refuses(bool, call, f"{name}: .*truth values")))  # fmt: skip
ACROSS = ({"dim": 1}, {"dim": -1})
reduction("cumsum", R.cumsum, lambda x, axis, keepdims: x.cumsum(axis) if x.ndim else x, gives="sum", options=ACROSS,
          empty=(Case(((0, 3),), {"dim": 0}),), zero_dim=(Case(((),), {"dim": 0}),))  # fmt: skip


def _sorted(x: Array, axis: int = -1, keepdims: bool = False, descending: bool = False) -> Any:
    if not x.ndim:
        return [x, np.zeros((), np.int64)]
    kind = np.int64 if x.dtype.kind in "bu" else x.dtype
    index = np.argsort(-x.astype(kind) if descending else x, axis, kind="stable")
    return [np.take_along_axis(x, index, axis), index]


SORTED = ({"dim": 1, "descending": False}, {"dim": 0, "descending": True})
for name in ("sorted_along", "sort"):
    reduction(name, getattr(R, name), _sorted, distinct, options=SORTED, gives="same index", empty=(Case(((0, 3),), SORTED[1]),),
              zero_dim=(Case(((),), {"dim": 0, "descending": True}),))  # fmt: skip
reduction("argsort", R.argsort, lambda *a, **o: _sorted(*a, **o)[1], distinct, options=SORTED, gives="index", empty=(Case(((0, 3),), SORTED[1]),),
          zero_dim=(Case(((),), {"dim": 0}),), without=CONSTANT)  # fmt: skip
reduction("topk", lambda x, dim, k: R.topk(x, k, dim), lambda x, axis, keepdims, k: [v.take(range(k), axis) for v in _sorted(x, axis, descending=True)], distinct,
          options=({"dim": 2, "k": 3}, {"dim": 0, "k": 0}), gives="same index", empty=(), zero_dim=(),
          bad=((lambda: R.topk(ones(2), 3), ShapeError, "topk: k = 3 is out of range"), (lambda: R.topk(ones(2), 1, 1), *NO_DIM)))  # fmt: skip
SAMPLES["topk"] = replace(SAMPLES["topk"], bad=SAMPLES["topk"].bad[1:])
sample("sum_to", R.sum_to, lambda g, shape: g.sum(tuple(range(g.ndim - len(shape)))).sum(0, keepdims=True) if shape[:1] == (1,) else g.sum(0).reshape(shape),
       (Input((3, 5)),), ({"shape": (1, 5)}, {"shape": (5,)}), empty=(Case(((0, 5),), {"shape": (1, 5)}),),
       without={"dtypes": GRADIENTS})  # fmt: skip
sample("stretch", R.stretch, lambda g, dims, full: np.broadcast_to(np.expand_dims(g, dims) if g.ndim < len(full) else g, full), (Input((3, 1)),),
       ({"dims": (1,), "full": (3, 5)}, {"dims": (1,), "full": (3, 7, 1)}, {"dims": (0, 2), "full": (2, 3, 7, 1)}), without={"dtypes": GRADIENTS},
       empty=(Case(((3,),), {"dims": (0,), "full": (0, 3)}), Case(((0,),), {"dims": (0,), "full": (3, 0)})),
       zero_dim=(Case(((),), {"dims": (0, 1), "full": (3, 5)}), Case(((),), {"dims": (), "full": ()})))  # fmt: skip


# Products, windows, losses


def _matmul(a: Any, b: Any) -> Any:
    return a @ b


PRODUCTS = ((2, 3, 5), (5, 7)), ((3, 5), (2, 5, 7)), ((2, 1, 3, 5), (3, 5, 2)), ((5,), (5, 3)), ((3, 5), (5,)), ((5,), (5,)), ((2, 3, 5), (5,)), ((5,), (2, 5, 3))
sample("matmul", L.matmul, _matmul, (Input((3, 5)), Input((5, 7))), takes="if", broadcast=tuple(Case(s) for s in PRODUCTS),
       empty=(Case(((0, 5), (5, 3))), Case(((3, 0), (0, 5))), Case(((2, 0, 3), (3, 0)))),
       without={"dtypes": "both must be of one dtype: the oracle tries every pair"},
       bad=((lambda: L.matmul(ones(2, 3), ones(4, 5)), ShapeError, r"matmul: cannot multiply \(2, 3\) by \(4, 5\)"),
            (lambda: L.matmul(ones(), ones(2)), ShapeError, "matmul: both arguments need at least 1 dimension"),
            (lambda: L.matmul(ones(2, 3, 4), ones(3, 4, 5)), ShapeError, "matmul: leading dimensions"),
            (lambda: L.matmul(ones(2), ones(2, dtype=int)), DTypeError, "matmul: expected two tensors of one dtype"),
            (lambda: L.matmul(ones(2, dtype=bool), ones(2, dtype=bool)), DTypeError, "matmul: .*truth values"),
            (lambda: ones(2) @ 3, DTypeError, "matmul: expected a tensor, got int")))  # fmt: skip


def product(name: str, formula: Any, shapes: tuple[Shape, Shape], empty: tuple[Shape, Shape]) -> None:
    """A matrix product of tensors of fixed ranks."""
    call = getattr(L, name)
    wrong = (lambda: call(ones(), ones()), ShapeError, f"{'matmul' if name == 'rmatmul' else name}: ")
    sample(name, call, formula, tuple(Input(s) for s in shapes), takes="if", empty=(Case(empty),), bad=(wrong,),
           without={"dtypes": "both must be of one dtype: the oracle tries every pair"})  # fmt: skip


product("rmatmul", lambda a, b: b @ a, ((3, 5), (7, 3)), ((3, 0), (7, 3)))
product("mm", _matmul, ((3, 5), (5, 7)), ((0, 5), (5, 7)))
product("bmm", _matmul, ((2, 3, 5), (2, 5, 3)), ((0, 3, 5), (0, 5, 3)))
product("mv", _matmul, ((3, 5), (5,)), ((3, 0), (0,)))
product("dot", _matmul, ((5,), (5,)), ((0,), (0,)))
product("outer", np.outer, ((3,), (5,)), ((0,), (5,)))
sample("linear", L.linear, lambda x, w, b: x @ w.T + b, (Input((3, 5)), Input((7, 5)), Input((7,))), takes="f", fused="linear",
       broadcast=(Case(((2, 3, 5), (7, 5), (7,))), Case(((5,), (7, 5), (7,)))), empty=(Case(((0, 5), (7, 5), (7,))),),
       bad=((lambda: L.linear(ones(2, 3), ones(4, 5)), ShapeError, r"linear: cannot apply weight \(4, 5\).*\(2, 3\)"),
            (lambda: L.linear(ones(2, 3), ones(4, 3), ones(3)), ShapeError, r"linear: .*bias \(3,\)"),
            (lambda: L.linear(ones(2, 3), ones(4, 3, dtype=dtypes.float64)), DTypeError, "linear: expected two tensors of one dtype")),
       without={"dtypes": "all must be of one dtype: the oracle tries every pair"})  # fmt: skip

GEOMETRIES: tuple[Any, ...] = (((1, 1), (0, 0), (1, 1), 1), ((2, 1), (1, 0), (1, 2), 1), ((2, 2), (1, 1), (1, 1), 2))


def _convolved(x: Array, w: Array, geometry: Any) -> Array:
    """The definition, one product at a time."""
    (sh, sw), (ph, pw), (dh, dw), groups = geometry
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    (n, _, h, width), (out, per, kh, kw) = x.shape, w.shape
    y = np.zeros((n, out, (h - dh * (kh - 1) - 1) // sh + 1, (width - dw * (kw - 1) - 1) // sw + 1), x.dtype)
    for o, i, j, r, c in np.ndindex(out, y.shape[2], y.shape[3], kh, kw):
        first = o // (out // groups) * per
        y[:, o, i, j] += x[:, first : first + per, i * sh + r * dh, j * sw + c * dw] @ w[o, :, r, c]
    return y


def _adjoint(linear: Callable[[Array], Array], g: Array, shape: Shape) -> Array:
    """The transpose of a linear function, from its columns: ⟨g, linear(e)⟩ for each unit vector e of ``shape``."""
    out = np.zeros(shape, g.dtype)
    for place in np.ndindex(shape):
        e = np.zeros(shape, g.dtype)
        e[place] = 1
        out[place] = (g * linear(e)).sum()
    return out


def _conv(x: Array, w: Array, b: Array, stride: int = 1, padding: Any = 0, dilation: int = 1, groups: int = 1) -> Array:
    padding = {"valid": 0, "same": w.shape[2] // 2}.get(padding, padding)
    geometry = (stride, stride), (padding, padding), (dilation, dilation), groups
    y = _convolved(x if x.ndim == 4 else x[None], w, geometry) + b[:, None, None]
    return y if x.ndim == 4 else y[0]


IMAGES, WINDOWS = Input((2, 2, 5, 5)), Input((2, 1, 3, 3))
ONE_DTYPE = {"dtypes": "all must be of one dtype: the oracle tries every pair"}
sample("convolve", C.convolve, _convolved, (IMAGES, Input((2, 2, 3, 2))), tuple({"geometry": g} for g in GEOMETRIES[:2]),
       takes="f", empty=(Case(((0, 2, 5, 5), (2, 2, 3, 3)), {"geometry": GEOMETRIES[1]}),), without=ONE_DTYPE)  # fmt: skip
sample("convolve_input", C.convolve_input, lambda g, w, size, geometry: _adjoint(lambda x: _convolved(x, w, geometry), g, (g.shape[0], w.shape[1] * geometry[3], *size)),
       (Input((1, 2, 3, 3)), WINDOWS), ({"size": (5, 5), "geometry": GEOMETRIES[2]}, {"size": (6, 6), "geometry": GEOMETRIES[2]}), takes="f",
       empty=(Case(((0, 2, 3, 3), (2, 1, 3, 3)), {"size": (5, 5), "geometry": GEOMETRIES[2]}),), without=ONE_DTYPE)  # fmt: skip
sample("convolve_weight", C.convolve_weight, lambda g, x, window, geometry: _adjoint(lambda w: _convolved(x, w, geometry), g, (g.shape[1], x.shape[1] // geometry[3], *window)),
       (Input((2, 2, 3, 3)), IMAGES), ({"window": (3, 3), "geometry": GEOMETRIES[2]}, {"window": (3, 3), "geometry": GEOMETRIES[0]}), takes="f",
       empty=(Case(((0, 2, 3, 3), (0, 2, 5, 5)), {"window": (3, 3), "geometry": GEOMETRIES[2]}),), without=ONE_DTYPE)  # fmt: skip
sample("conv2d", C.conv2d, _conv, (IMAGES, WINDOWS, Input((2,))), ({"groups": 2}, {"groups": 2, "stride": 2, "padding": 1}, {"groups": 2, "padding": "same"}),
       takes="f", broadcast=(Case(((2, 5, 5), (2, 1, 3, 3), (2,)), {"groups": 2}),), empty=(Case(((0, 2, 5, 5), (2, 1, 3, 3), (2,)), {"groups": 2}),),
       bad=((lambda: C.conv2d(ones(1, 2, 5, 5), ones(1, 3, 3, 3)), ShapeError, r"conv2d: the input \(1, 2, 5, 5\) has 2 channels"),
            (lambda: C.conv2d(ones(1, 1, 2, 2), ones(1, 1, 3, 3)), ShapeError, "conv2d: the window of 3 by 3 does not fit"),
            (lambda: C.conv2d(ones(5, 5), ones(1, 1, 3, 3)), ShapeError, "conv2d: expected an input"),
            (lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), stride=0), ShapeError, "conv2d: stride"),
            (lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), padding="full"), ValueError, "conv2d: expected padding"),
            (lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), ones(2)), ShapeError, "conv2d: expected a bias"),
            (lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3, dtype=dtypes.float64)), DTypeError, "conv2d: input is")),
       without=ONE_DTYPE)  # fmt: skip


def _pooled(x: Array, size: Any, step: Any, pad: Any, dil: Any, out: Any) -> Any:
    values, places = np.empty((*x.shape[:2], *out), x.dtype), np.empty((*x.shape[:2], *out), np.int64)
    for n, c, i, j in np.ndindex(values.shape):
        cells = [(i * step[0] - pad[0] + r * dil[0], j * step[1] - pad[1] + s * dil[1]) for r, s in np.ndindex(size)]
        inside = [(r, s) for r, s in cells if 0 <= r < x.shape[2] and 0 <= s < x.shape[3]]
        best = max(inside, key=lambda cell: x[n, c, *cell])
        values[n, c, i, j], places[n, c, i, j] = x[n, c, *best], best[0] * x.shape[3] + best[1]
    return [values, places]


POOL = {"windows": ((2, 3), (2, 1), (1, 1), (1, 2), (3, 3))}
sample("pool_max", C.pool_max, lambda x, windows: _pooled(x, *windows), (Input((2, 2, 5, 5), distinct),), (POOL,), gives="same index", without={"dtypes": "max_pool2d refuses truth values before"},
       empty=(Case(((0, 2, 5, 5),), POOL),))  # fmt: skip
sample("max_pool2d", C.max_pool2d, lambda x, kernel_size, stride=2: _pooled(x if x.ndim == 4 else x[None], (2, 2), (stride, stride), (0, 0), (1, 1), (2, 2) if stride == 2 else (4, 4))[0].reshape(*x.shape[:-2], *((2, 2) if stride == 2 else (4, 4))),
       (Input((2, 2, 5, 5), distinct),), ({"kernel_size": 2}, {"kernel_size": 2, "stride": 1}), takes="if",
       broadcast=(Case(((2, 5, 5),), {"kernel_size": 2}),), empty=(Case(((0, 2, 5, 5),), {"kernel_size": 2}),),
       bad=((lambda: C.max_pool2d(ones(5, 5), 2), ShapeError, "max_pool2d: expected"), (lambda: C.max_pool2d(ones(1, 2, 2), 3), ShapeError, "does not fit"),
            (lambda: C.max_pool2d(ones(1, 5, 5), 2, padding=2), ShapeError, "at most half"),
            (lambda: C.max_pool2d(ones(1, 5, 5), "a"), DTypeError, "max_pool2d kernel_size: expected")))  # fmt: skip


def _softmax(x: Array, dim: int) -> Array:
    if not x.ndim:
        return np.ones((), x.dtype)
    e = np.exp(x - x.max(dim, keepdims=True))
    return np.asarray(e / e.sum(dim, keepdims=True))


for name, formula in {"softmax": _softmax, "log_softmax": lambda x, dim: np.log(_softmax(x, dim))}.items():
    call = getattr(N, name)
    sample(name, call, formula, (Input((3, 5)),), ({"dim": 1}, {"dim": 0}), takes="f", zero_dim=(Case(((),), {"dim": 0}),),
           empty=(Case(((0, 5),), {"dim": 1}), Case(((3, 0),), {"dim": 0})),
           bad=((lambda call=call: call(ones(2)), DTypeError, "dim is missing"), (lambda call=call: call(ones(2), 1), *NO_DIM),
                (lambda call=call: call(ones(2, dtype=int), 0), DTypeError, "expected a floating-point tensor")))  # fmt: skip


def _nll(x: Array, t: Array, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    w = (np.ones(x.shape[1]) if weight is None else weight.numpy_of())[np.where(t == ignore_index, 0, t)] * (t != ignore_index)
    losses = -w * np.take_along_axis(x, np.where(t == ignore_index, 0, t)[:, None], 1)[:, 0]
    return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / w.sum() if w.size else np.nan}[reduction]


def _cross_entropy(x: Array, t: Array, label_smoothing: float = 0.0, **more: Any) -> Any:
    logp = x - x.max(1, keepdims=True)
    logp = logp - np.log(np.exp(logp).sum(1, keepdims=True))
    if not label_smoothing:
        return _nll(logp, t, **more)
    return (1 - label_smoothing) * _nll(logp, t, **more) - label_smoothing * logp.mean()


SCORES = (Input((7, 5)), Input((7,), below(5)))
WEIGHTED: tuple[dict[str, Any], ...] = ({}, {"reduction": "sum"}, {"reduction": "none"}, {"ignore_index": 1}, {"weight": tensor([1.0, 2.0, 0.5, 3.0, 1.5], dtype=dtypes.float64)})
BAD_LOSS = (
    (lambda: N.cross_entropy(ones(2, 3), ones(2, dtype=int) * 3), IndexError, "cross_entropy: Target 3 is out of bounds"),
    (lambda: N.cross_entropy(ones(2, 3), ones(2, dtype=bool)), DTypeError, "cross_entropy: expected scalar type Long"),
    (lambda: N.cross_entropy(ones(2, 3), ones(3, dtype=int)), ShapeError, "cross_entropy: expected an input"),
    (lambda: N.cross_entropy(ones(2, 3), ones(2, dtype=int), reduction="avg"), ValueError, "'avg' is not a valid value"),
    (lambda: N.cross_entropy(ones(2, 3), ones(2, 2)), ShapeError, "cross_entropy: probabilities need"),
)
BY_CLASS = {"dtypes": "its targets are class numbers: the oracle tries both dtypes"}
sample("nll_loss", N.nll_loss, _nll, SCORES, WEIGHTED, takes="f", without=BY_CLASS,
       empty=(Case(((0, 5), (0,))),), bad=((lambda: N.nll_loss(ones(2, 3), ones(2)), DTypeError, "nll_loss: expected scalar type Long"),))  # fmt: skip
sample("cross_entropy", N.cross_entropy, _cross_entropy, SCORES, (*WEIGHTED, {"label_smoothing": 0.25}), takes="f", fused="cross_entropy",
       without=BY_CLASS, empty=(Case(((0, 5), (0,))),), bad=BAD_LOSS)  # fmt: skip
sample("cross_entropy_grad", lambda g, p, t: N.cross_entropy_grad(g, p, t), lambda g, p, t: g / len(t) * (p - np.eye(p.shape[1])[t]),
       (Input((), grad=False), Input((7, 5), unit, grad=False), Input((7,), below(5))), takes="f",
       without={**CONSTANT, **BY_CLASS, "gradient": "it is a fused pullback: create_graph differentiates the meaning"})  # fmt: skip
