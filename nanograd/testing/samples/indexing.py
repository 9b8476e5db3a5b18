"""Samples of reading, writing and gathering."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.ops import indexing as _indexing
from nanograd.tensors import Tensor
from nanograd.testing.sample import Array, Case, Input, Shape, ones, sample

I: Any = _indexing  # untyped: bad input is among what its functions are given

ROWS = np.array([2, 0, 2])
PARTS = ((slice(1, 3),), (1, Ellipsis), (Ellipsis, None, slice(0, 5, 2)), (slice(None), -1, Ellipsis))
INDICES = (
    *PARTS[:2],
    1,
    slice(0, 0),
    (slice(None), [1, 1]),
    ([0, 2], slice(1, 4, 2)),
    ROWS,
    (ROWS, [4, 0, 4]),
    (None, ROWS),
    [True, False, True],
)
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


sample(
    "getitem",
    I.getitem,
    lambda x, index: x[index],
    (Input((3, 5)),),
    tuple({"index": i} for i in INDICES),
    empty=(Case(((0, 3),), {"index": (slice(None), 1)}), Case(((0, 3),), {"index": []})),
    zero_dim=(Case(((),), {"index": None}), Case(((),), {"index": Ellipsis})),
    bad=BAD_INDEX,
)
sample(
    "part",
    I.part,
    lambda x, places: x[places],
    (Input((3, 5)),),
    tuple({"places": p} for p in PARTS),
    empty=(Case(((3, 0),), {"places": (1, Ellipsis)}),),
    zero_dim=(Case(((),), {"places": (None, Ellipsis)}),),
)
sample(
    "pick",
    I.pick,
    lambda x, steps: _inner(x, steps)[steps[-1]],
    (Input((3, 5)),),
    tuple({"steps": s} for s in STEPS),
    empty=(Case(((3, 0),), {"steps": STEPS[0]}),),
)
sample(
    "put_zeros",
    I.put_zeros,
    _added,
    (Input((3, 5)),),
    ({"steps": ((slice(1, 4),),), "shape": (7, 5)}, {"steps": STEPS[0], "shape": (3, 5)}),
    empty=(Case(((3, 0),), {"steps": STEPS[0], "shape": (3, 0)}),),
    zero_dim=(Case(((),), {"steps": ((1, Ellipsis),), "shape": (3,)}),),
)
sample(
    "put_in",
    lambda x, v, steps: I.put_in(x.clone(), steps, v),
    _stored,
    (Input((3, 5)), Input((2, 5))),
    ({"steps": ((slice(0, 2),),)}, {"steps": ((np.array([2, 0]),),)}),
    broadcast=(Case(((3, 5), (5,)), {"steps": ((slice(0, 2),),)}), Case(((3, 5), ()), {"steps": ((slice(0, 2),),)})),
    without={"dtypes": "setitem casts the value to x's dtype before"},
)
sample(
    "setitem",
    _assigned,
    lambda x, v, index: _stored(x, v, (index,)),
    (Input((3, 5)), Input((5,))),
    ({"index": 1}, {"index": ([0, 2],)}, {"index": slice(1, 3)}),
    broadcast=(Case(((3, 5), ()), {"index": (slice(None), 2)}), Case(((3, 5), (1, 1, 5)), {"index": 0})),
    empty=(Case(((0, 5), (5,)), {"index": slice(None)}),),
    zero_dim=(Case(((), ()), {"index": Ellipsis}),),
    without={"dtypes": "the value is cast to x's dtype: tests/test_indexing.py"},
    bad=(
        (lambda: _assigned(ones(3), ones(2), slice(None)), ShapeError, r"setitem: the value of shape \(2,\)"),
        (lambda: _assigned(ones(3), ones(1), 3), IndexError, "out of bounds"),
        (lambda: ones(3).__setitem__(0, "a"), DTypeError, "setitem: expected a tensor or a number"),
        (lambda: ones(3).requires_grad_().__setitem__(0, 1.0), GradError, "setitem: a leaf tensor"),
    ),
)
sample(
    "erase",
    I.erase,
    lambda g, steps: _stored(g, 0, steps),
    (Input((3, 5)),),
    tuple({"steps": s} for s in STEPS),
    empty=(Case(((3, 0),), {"steps": STEPS[0]}),),
)
sample(
    "select",
    I.select,
    lambda x, dim, index: np.take(x, index, dim),
    (Input((3, 5)),),
    ({"dim": 1, "index": -2},),
    empty=(Case(((0, 3),), {"dim": 1, "index": 0}),),
    bad=((lambda: I.select(ones(3), 0, 3), IndexError, "out of bounds"),),
)
sample(
    "narrow",
    I.narrow,
    lambda x, dim, start, length: np.take(x, range(start, start + length), dim),
    (Input((3, 5)),),
    ({"dim": 1, "start": 1, "length": 3}, {"dim": 0, "start": 1, "length": 0}),
    empty=(Case(((0, 3),), {"dim": 1, "start": 0, "length": 2}),),
    bad=(
        (lambda: I.narrow(ones(3), 0, 1, 3), ShapeError, r"narrow: start \(1\) \+ length \(3\) exceeds dimension 0"),
        (lambda: I.narrow(ones(3), 0, -4, 1), IndexError, "narrow: start out of range"),
        (lambda: I.narrow(ones(3), 0, 0, -1), ShapeError, "narrow: length must be non-negative"),
        (lambda: I.narrow(ones(), 0, 0, 0), ShapeError, "cannot be applied to a 0-dim tensor"),
    ),
)
sample(
    "narrow_copy",
    I.narrow_copy,
    lambda x, dim, start, length: np.take(x, range(start, start + length), dim),
    (Input((3, 5)),),
    ({"dim": 1, "start": 1, "length": 3},),
    empty=(Case(((0, 3),), {"dim": 1, "start": 0, "length": 2}),),
    bad=((lambda: I.narrow_copy(ones(3), 0, 1, 3), ShapeError, "exceeds dimension 0"),),
)
