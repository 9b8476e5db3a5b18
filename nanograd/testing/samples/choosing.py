"""Samples of masks and places."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import choosing as _choosing
from nanograd.ops.creation import tensor
from nanograd.testing.sample import (
    CONSTANT,
    Array,
    Case,
    Input,
    away,
    below,
    ones,
    sample,
    truth,
)

G: Any = _choosing  # untyped: bad input is among what its functions are given

INTEGERS = "its index is of integers"
ALIKE = {"dtypes": "all have one dtype"}

sample(
    "nonzero",
    G.nonzero,
    np.argwhere,
    (Input((3, 5), lambda rng, shape: away(rng, shape) * truth(rng, shape)),),
    gives="index",
    empty=(Case(((0, 3),)),),
    zero_dim=(Case(((),)),),
    without=CONSTANT,
)

sample("argwhere", G.argwhere, np.argwhere, (Input((3, 5)),), gives="index", zero_dim=(Case(((),)),), without=CONSTANT)

sample(
    "nonzero_static",
    G.nonzero_static,
    lambda x, size, fill_value=-1: np.concatenate([np.argwhere(x), np.full((size, x.ndim), fill_value)])[:size],
    (Input((3, 5)),),
    ({"size": 20}, {"size": 4}, {"size": 17, "fill_value": 3}),
    gives="index",
    empty=(Case(((0, 3),), {"size": 2}),),
    without=CONSTANT,
    bad=((lambda: G.nonzero_static(ones(2), size=-1), ShapeError, "must be an non-negative integer, got -1"),),
)

MASK = np.array([[True, False, True, True, False]] * 3)

sample(
    "masked_select",
    lambda x, mask: G.masked_select(x, tensor(mask)),
    lambda x, mask: np.broadcast_arrays(x, mask)[0][np.broadcast_arrays(x, mask)[1]],
    (Input((3, 5)),),
    ({"mask": MASK}, {"mask": MASK[0]}),
    broadcast=(Case(((5,),), {"mask": MASK}), Case(((),), {"mask": MASK})),
    empty=(Case(((0, 5),), {"mask": MASK[0]}),),
    bad=(
        (lambda: G.masked_select(ones(2), ones(2)), DTypeError, "expected BoolTensor for mask"),
        (lambda: G.masked_select(ones(2), tensor(MASK[0])), ShapeError, "must match the size of tensor b"),
    ),
)


def _in_order(x: Array, v: Array, mask: Array) -> Array:
    wide, mask = (a.copy() for a in np.broadcast_arrays(x, mask))
    wide[mask] = v.reshape(-1)[: mask.sum()]
    return wide


sample(
    "masked_scatter",
    lambda x, v, mask: G.masked_scatter(x, tensor(mask), v),
    _in_order,
    (Input((3, 5)), Input((2, 5))),
    ({"mask": MASK}, {"mask": MASK[0]}),
    broadcast=(Case(((5,), (9,)), {"mask": MASK}),),
    empty=(Case(((0, 5), (2,)), {"mask": MASK[0]}),),
    without=ALIKE,
    bad=(
        (lambda: G.masked_scatter(ones(5), tensor(MASK[0]), ones(2)), ShapeError, "Number of elements of source"),
        (lambda: G.masked_scatter(ones(5), tensor(MASK[0]), ones(5, dtype=int)), DTypeError, "same dtypes"),
        (lambda: G.masked_scatter(ones(5), ones(5), ones(5)), DTypeError, "expected BoolTensor"),
    ),
)

sample(
    "unravel_index",
    lambda x, shape: G.unravel_index(x, shape),
    lambda x, shape: np.unravel_index(x, shape),
    (Input((4,), below(15)),),
    ({"shape": (3, 5)}, {"shape": (1, 5, 3)}),
    empty=(Case(((0,),), {"shape": (3, 5)}),),
    without={"dtypes": INTEGERS, "zero_dim": "a NumPy function that gives numbers there"},
    bad=(
        (lambda: G.unravel_index(ones(2), (2, 2)), TypeError, "expected 'indices' to be integer dtype"),
        (lambda: G.unravel_index(ones(2, dtype=int), (-2,)), ShapeError, "cannot have negative values"),
    ),
)
