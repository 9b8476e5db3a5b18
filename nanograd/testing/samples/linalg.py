"""Samples of the matrix products and the linear layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import linalg as _linalg
from nanograd.testing.sample import Case, Input, Shape, ones, sample

L: Any = _linalg  # untyped: bad input is among what its functions are given


def _matmul(a: Any, b: Any) -> Any:
    return a @ b


PRODUCTS = (
    ((2, 3, 5), (5, 7)),
    ((3, 5), (2, 5, 7)),
    ((2, 1, 3, 5), (3, 5, 2)),
    ((5,), (5, 3)),
    ((3, 5), (5,)),
    ((5,), (5,)),
    ((2, 3, 5), (5,)),
    ((5,), (2, 5, 3)),
)
sample(
    "matmul",
    L.matmul,
    _matmul,
    (Input((3, 5)), Input((5, 7))),
    takes="if",
    broadcast=tuple(Case(s) for s in PRODUCTS),
    empty=(Case(((0, 5), (5, 3))), Case(((3, 0), (0, 5))), Case(((2, 0, 3), (3, 0)))),
    without={"dtypes": "both must be of one dtype: the oracle tries every pair"},
    bad=(
        (lambda: L.matmul(ones(2, 3), ones(4, 5)), ShapeError, r"matmul: cannot multiply \(2, 3\) by \(4, 5\)"),
        (lambda: L.matmul(ones(), ones(2)), ShapeError, "matmul: both arguments need at least 1 dimension"),
        (lambda: L.matmul(ones(2, 3, 4), ones(3, 4, 5)), ShapeError, "matmul: leading dimensions"),
        (lambda: L.matmul(ones(2), ones(2, dtype=int)), DTypeError, "matmul: expected two tensors of one dtype"),
        (lambda: L.matmul(ones(2, dtype=bool), ones(2, dtype=bool)), DTypeError, "matmul: .*truth values"),
        (lambda: ones(2) @ 3, DTypeError, "matmul: expected a tensor, got int"),
    ),
)


def product(name: str, formula: Any, shapes: tuple[Shape, Shape], empty: tuple[Shape, Shape]) -> None:
    """A matrix product of tensors of fixed ranks."""
    call = getattr(L, name)
    wrong = (lambda: call(ones(), ones()), ShapeError, f"{'matmul' if name == 'rmatmul' else name}: ")
    sample(
        name,
        call,
        formula,
        tuple(Input(s) for s in shapes),
        takes="if",
        empty=(Case(empty),),
        bad=(wrong,),
        without={"dtypes": "both must be of one dtype: the oracle tries every pair"},
    )


product("rmatmul", lambda a, b: b @ a, ((3, 5), (7, 3)), ((3, 0), (7, 3)))
product("mm", _matmul, ((3, 5), (5, 7)), ((0, 5), (5, 7)))
product("bmm", _matmul, ((2, 3, 5), (2, 5, 3)), ((0, 3, 5), (0, 5, 3)))
product("mv", _matmul, ((3, 5), (5,)), ((3, 0), (0,)))
product("dot", _matmul, ((5,), (5,)), ((0,), (0,)))
product("outer", np.outer, ((3,), (5,)), ((0,), (5,)))
sample(
    "linear",
    L.linear,
    lambda x, w, b: x @ w.T + b,
    (Input((3, 5)), Input((7, 5)), Input((7,))),
    takes="f",
    fused="linear",
    broadcast=(Case(((2, 3, 5), (7, 5), (7,))), Case(((5,), (7, 5), (7,)))),
    empty=(Case(((0, 5), (7, 5), (7,))),),
    bad=(
        (lambda: L.linear(ones(2, 3), ones(4, 5)), ShapeError, r"linear: the input has 3 features .*takes 5"),
        (lambda: L.linear(ones(2, 3), ones(4, 3), ones(3)), ShapeError, r"linear: .*bias \(3,\)"),
        (
            lambda: L.linear(ones(2, 3), ones(4, 3, dtype=dtypes.float64)),
            DTypeError,
            "linear: the input is torch.float32, the layer's parameters are torch.float64",
        ),
    ),
    without={"dtypes": "all must be of one dtype: the oracle tries every pair"},
)
