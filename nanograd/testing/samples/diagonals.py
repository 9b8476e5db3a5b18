"""Samples of triangles and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import ShapeError
from nanograd.ops import diagonals as _diagonals
from nanograd.testing.sample import Case, Input, Shape, ones, sample

D: Any = _diagonals  # untyped: bad input is among what its functions are given


def rearranging(name: str, call: Any, formula: Any, shape: Shape, **more: Any) -> None:
    """A view or copy of one tensor, or several of them."""
    sample(name, call, formula, (Input(shape),), **more)


def triangle(name: str, formula: Any) -> None:
    """A triangle of a matrix."""
    call = getattr(D, name)
    rearranging(
        name,
        call,
        lambda x, diagonal=0: formula(x, diagonal),
        (3, 5),
        options=({}, {"diagonal": 1}, {"diagonal": -1}),
        empty=(Case(((0, 3),)),),
        twin=f"{name}_",
        bad=(
            (lambda: call(ones(2)), ShapeError, f"{name}: expected at least 2 dimensions"),
            (lambda: call(ones(2, 2), 0.5), TypeError, f"{name}: argument 'diagonal' must be int"),
        ),
    )


triangle("tril", np.tril)
triangle("triu", np.triu)
rearranging(
    "diagonal",
    D.diagonal,
    lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
    (3, 4, 5),
    options=({}, {"offset": 1}, {"offset": -1, "dim1": -1, "dim2": 0}),
    empty=(Case(((0, 3),)), Case(((3, 4),), {"offset": 7})),
    bad=(
        (lambda: D.diagonal(ones(2, 2), 0, 0, 0), ShapeError, "diagonal dimensions cannot be identical 0, 0"),
        (lambda: D.diagonal(ones(2)), IndexError, "Dimension out of range"),
    ),
)
rearranging(
    "diagonal_copy",
    D.diagonal_copy,
    lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
    (3, 4, 5),
    options=({}, {"offset": 1, "dim1": -1, "dim2": 1}),
    empty=(Case(((0, 3),)),),
)


def _embedded(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    side = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], side, side), x.dtype)
    for i in range(x.shape[-1]):
        out[..., i + max(-offset, 0), i + max(offset, 0)] = x[..., i]
    return np.moveaxis(out, (-2, -1), (dim1, dim2))


rearranging(
    "diag_embed",
    D.diag_embed,
    _embedded,
    (3, 5),
    options=({}, {"offset": 2}, {"offset": -1, "dim1": 0, "dim2": 2}, {"dim1": 1, "dim2": 0}),
    empty=(Case(((3, 0),)),),
    bad=(
        (lambda: D.diag_embed(ones(2), 0, 0, 0), ShapeError, "diagonal dimensions cannot be identical"),
        (lambda: D.diag_embed(ones()), ShapeError, "diag_embed: expected at least 1 dimension"),
    ),
)
rearranging(
    "on_diagonal",
    D.on_diagonal,
    lambda x, shape, offset, dim1, dim2: _embedded(x, offset)[: shape[0]],
    (3,),
    options=({"shape": (3, 4), "offset": 1, "dim1": 0, "dim2": 1},),
    empty=(Case(((0,),), {"shape": (0, 1), "offset": 1, "dim1": 0, "dim2": 1}),),
)
rearranging(
    "diag",
    D.diag,
    lambda x, diagonal=0: np.diag(x, diagonal),
    (3, 5),
    options=({}, {"diagonal": 1}, {"diagonal": -1}),
    broadcast=(Case(((3,),)), Case(((3,),), {"diagonal": -2})),
    empty=(Case(((0,),)), Case(((0, 3),))),
    bad=((lambda: D.diag(ones(2, 2, 2)), ShapeError, "diag: Supports 1D or 2D tensors. Got 3D"),),
)
rearranging(
    "diagflat",
    D.diagflat,
    lambda x, offset=0: np.diagflat(x, offset),
    (3, 2),
    options=({}, {"offset": 1}),
    empty=(Case(((0,),)),),
    zero_dim=(Case(((),)),),
)


def _replaced(x: Any, v: Any, offset: int = 0) -> Any:
    y = x.copy()
    for i in range(len(v)):
        y[i + max(-offset, 0), i + max(offset, 0)] = v[i]
    return y


sample(
    "diagonal_scatter",
    D.diagonal_scatter,
    _replaced,
    (Input((3, 4)), Input((3,))),
    ({}, {"offset": 1}),
    empty=(Case(((0, 3), (0,))),),
    without={"dtypes": "both have one dtype"},
    bad=((lambda: D.diagonal_scatter(ones(2, 2), ones(3)), ShapeError, r"src size = \[3\], slice size = \[2\]"),),
)
