"""Samples of gathering, scattering and choosing by masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import scattering as _scattering
from nanograd.ops.creation import tensor
from nanograd.testing.sample import (
    CONSTANT,
    Array,
    Case,
    Domain,
    Input,
    Shape,
    away,
    below,
    distinct,
    ones,
    sample,
    truth,
)

G: Any = _scattering  # untyped: bad input is among what its functions are given

INTEGERS = "its index is of integers"
ALIKE = {"dtypes": "all have one dtype"}
INDEX = DTypeError, "expected an index of torch.int64"


sample(
    "index_select",
    lambda x, index, dim: G.index_select(x, dim, index),
    lambda x, index, dim: np.take(x, index, dim),
    (Input((3, 5)), Input((7,), below(3))),
    ({"dim": 0}, {"dim": -1}),
    empty=(Case(((3, 5), (0,)), {"dim": 0}),),
    without={"dtypes": "its index is of integers"},
    bad=((lambda: G.index_select(ones(3), 0, ones(1, dtype=int) * 3), IndexError, "index out of range in self"),),
)
sample(
    "gather",
    lambda x, index, dim: G.gather(x, dim, index),
    lambda x, index, dim: np.take_along_axis(x, index, dim),
    (Input((3, 5)), Input((3, 5), below(3))),
    ({"dim": 0}, {"dim": -1}),
    empty=(Case(((3, 5), (0, 5)), {"dim": 0}),),
    without={"dtypes": "its index is of integers"},
    bad=(
        (lambda: G.gather(ones(2, 3), 0, ones(2, 3)), DTypeError, "gather: expected an index of torch.int64"),
        (lambda: G.gather(ones(2, 3), 0, ones(2, dtype=int)), ShapeError, "gather: Index tensor must have the same number"),
        (lambda: G.gather(ones(2, 3), 0, ones(1, 3, dtype=int) * 2), IndexError, "gather: index 2 is out of bounds"),
    ),
)


def _spread(g: Array, index: Array, dim: int, shape: Shape) -> Array:
    out = np.zeros(shape, g.dtype)
    for place in np.ndindex(index.shape):
        to = list(place)
        to[dim] = int(index[place])
        out[tuple(to)] += g[place]
    return out


sample(
    "spread",
    lambda g, index, dim, shape: G.spread(g, dim, index, shape),
    _spread,
    (Input((3, 5)), Input((3, 5), below(3))),
    ({"dim": 0, "shape": (3, 7)}, {"dim": 1, "shape": (3, 3)}),
    empty=(Case(((0, 5), (0, 5)), {"dim": 0, "shape": (3, 5)}),),
    without={"dtypes": "its index is of integers"},
)
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
sample(
    "take_along_dim",
    lambda x, index, dim=None: G.take_along_dim(x, index, dim),
    lambda x, index, dim=None: np.take_along_axis(x, index, dim) if dim is not None else x.ravel()[index.ravel()],
    (Input((3, 5)), Input((3, 1), below(3))),
    ({"dim": 0}, {"dim": -1}, {}),
    empty=(Case(((3, 5), (0, 5)), {"dim": 0}),),
    without={"dtypes": INTEGERS},
    bad=(
        (lambda: G.take_along_dim(ones(2), ones(2)), DTypeError, "dtype of indices should be Long"),
        (lambda: G.take_along_dim(ones(2, 2), ones(2, dtype=int), 0), ShapeError, "same number of dimensions"),
    ),
)


# Scattering


def _at(index: Array, dim: int) -> Any:
    """(place in the index, place in the tensor)"""
    for place in np.ndindex(index.shape):
        yield place, (*place[:dim], int(index[place]), *place[dim + 1 :])


def _combine(x: Array, index: Array, v: Array, dim: int, reduce: str = "set", include_self: bool = True) -> Array:
    groups: dict[Any, list[Any]] = {}
    for place, to in _at(index, dim):
        groups.setdefault(to, [x[to]] if include_self else []).append(v[place])
    y = x.copy()
    ways: Any = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}
    for to, values in groups.items():
        y[to] = values[-1] if reduce == "set" else ways[reduce](values)
    return y


def once(n: int) -> Domain:
    """Indices along dimension 0, none of them twice in a column."""
    return lambda rng, shape: np.argsort(rng.random((n, *shape[1:])), 0)[: shape[0]]


def scattering(name: str, reduce: str, index: Domain, **more: Any) -> None:
    """x[index[i, j], j] and src[i, j] combined."""
    call = getattr(G, name)
    sample(
        name,
        lambda x, index, v, dim=0: call(x, dim, index, v),
        lambda x, index, v, dim=0: _combine(x, index, v, dim, reduce),
        (Input((3, 5)), Input((2, 4), index), Input((2, 5))),
        ({},),
        empty=(Case(((3, 5), (0, 4), (0, 4))),),
        without=ALIKE,
        bad=(
            (lambda: call(ones(2), 0, ones(2), ones(2)), *INDEX),
            (lambda: call(ones(2), 0, ones(2, dtype=int), ones(1)), ShapeError, "to be no larger size than src"),
            (lambda: call(ones(2), 0, ones(2, dtype=int) * 2, ones(2)), IndexError, "index 2 is out of bounds"),
            (lambda: call(ones(2), 0, ones(2, dtype=int), ones(2, dtype=int)), DTypeError, "to be equal to src.dtype"),
            (lambda: call(ones(2, 2), 0, ones(2, dtype=int), ones(2)), ShapeError, "same number of dimensions"),
            *more.get("bad", ()),
        ),
    )


scattering(
    "scatter",
    "set",
    once(3),
    bad=(
        (lambda: G.scatter(ones(2), 0, ones(2, dtype=int), "a"), DTypeError, "expected a tensor or a number"),
        (lambda: G.scatter(ones(2), 0, ones(2, dtype=int), 1.0, reduce="max"), ShapeError, "either add or multiply"),
    ),
)
scattering("scatter_add", "sum", below(3))
sample(
    "scatter_reduce",
    lambda x, index, v, dim=0, **more: G.scatter_reduce(x, dim, index, v, **more),
    lambda x, index, v, dim=0, **more: _combine(x, index, v, dim, **more),
    (Input((3, 5), distinct), Input((4, 5), below(3)), Input((4, 5), away)),
    tuple({"reduce": r, "include_self": own} for r in ("sum", "prod", "mean", "amax", "amin") for own in (True, False)),
    empty=(Case(((3, 5), (0, 4), (0, 4)), {"reduce": "prod"}),),
    without=ALIKE,
    bad=((lambda: G.scatter_reduce(ones(2), 0, ones(2, dtype=int), ones(2), "max"), ShapeError, "either sum, prod"),),
)


# Slices


def _slices(x: Array, index: Array, v: Array, dim: int, reduce: str = "set", include_self: bool = True) -> Array:
    y, lines, values = x.copy(), [], np.moveaxis(v, dim, 0)
    inner = np.moveaxis(y, dim, 0)
    groups: dict[int, list[Any]] = {}
    for i, value in zip(index, values, strict=True):
        groups.setdefault(int(i), [inner[i].copy()] if include_self else []).append(value)
    ways: Any = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}
    for i, lines in groups.items():
        inner[i] = lines[-1] if reduce == "set" else ways[reduce](lines, axis=0)
    return y


def slices(name: str, reduce: str, index: Domain, **more: Any) -> None:
    """Slices of x and of source combined."""
    call = getattr(G, name)
    own = more.pop("own", {})
    sample(
        name,
        lambda x, index, v, dim=0, **options: call(x, dim, index, v, **options, **own),
        lambda x, index, v, dim=0, **options: _slices(x, index, v, dim, reduce, **options),
        (Input((3, 5), distinct), Input((2,), index), Input((2, 5))),
        ({},),
        empty=(Case(((3, 0), (2,), (2, 0))),),
        without=ALIKE,
        bad=(
            (lambda: call(ones(2), 0, ones(2), ones(2), **own), *INDEX),
            (lambda: call(ones(2), 0, ones(2, dtype=int) * 2, ones(2), **own), IndexError, "index 2 is out of bounds"),
            (lambda: call(ones(2), 0, ones(2, dtype=int), ones(3), **own), RuntimeError, "should be equal to source"),
            (lambda: call(ones(2, 2), 0, ones(2, dtype=int), ones(2, 3), **own), ShapeError, "must have the shape"),
            (lambda: call(ones(2), 0, ones(2, dtype=int), ones(2, dtype=int), **own), DTypeError, "same scalar type"),
            (lambda: call(ones(2), 0, ones(2, 1, dtype=int), ones(2), **own), IndexError, "supposed to be a vector"),
        ),
        **more,
    )  # fmt: skip


slices("index_add", "sum", below(3))
slices("index_copy", "set", once(3))
slices("index_reduce", "amax", below(3), own={"reduce": "amax"})
sample(
    "index_fill",
    lambda x, index, v, dim=0: G.index_fill(x, dim, index, v),
    lambda x, index, v, dim=0: _slices(x, index, np.broadcast_to(v, [2 if d == dim else n for d, n in enumerate(x.shape)]), dim),
    (Input((3, 5)), Input((2,), below(3)), Input(())),
    ({}, {"dim": 1}),
    empty=(Case(((3, 0), (2,), ())),),
    without=ALIKE,
    bad=(
        (lambda: G.index_fill(ones(2), 0, ones(1, dtype=int), ones(1)), ShapeError, "only supports a 0-dimensional"),
        (lambda: G.index_fill(ones(2), 0, ones(1, dtype=int) * 2, 1.0), IndexError, "index 2 is out of bounds"),
        (lambda: G.index_fill(ones(2, dtype=int).byte(), 0, ones(1, dtype=int), 300), DTypeError, "without overflow"),
    ),
)  # fmt: skip


# Any index

PLACES = np.array([2, 0]), np.array([1, 1])


def _put(x: Array, v: Array, accumulate: bool = False) -> Array:
    y = x.copy()
    if accumulate:
        np.add.at(y, PLACES, v)
    else:
        y[PLACES] = v
    return y


sample(
    "index_put",
    lambda x, v, accumulate=False: G.index_put(x, tuple(map(tensor, PLACES)), v, accumulate),
    _put,
    (Input((3, 5)), Input((2,))),
    ({}, {"accumulate": True}),
    broadcast=(Case(((3, 5), ())), Case(((3, 5, 2), (2,)), {"accumulate": True})),
    without=ALIKE,
    bad=(
        (lambda: G.index_put(ones(3), (tensor([1]),), ones(2)), ShapeError, "cannot be broadcast to indexing result"),
        (lambda: G.index_put(ones(3), (tensor([1]),), ones(1, dtype=int)), DTypeError, "dtypes match"),
        (lambda: G.index_put(ones(3), (tensor([3]),), ones(1)), IndexError, "out of bounds"),
    ),
)
STEPS = (((PLACES[0],),), ((slice(None), slice(0, 4)), (slice(None), PLACES[0])))


def _stored(x: Array, v: Array, steps: Any, add: bool = False) -> Array:
    y = x.copy()
    inner = y
    for places in steps[:-1]:
        inner = inner[places]
    if add:
        np.add.at(inner, steps[-1], v)
    else:
        inner[steps[-1]] = v
    return y


for name, add in (("stored", False), ("added", True)):
    sample(
        name,
        lambda x, v, steps, name=name: getattr(G, name)(x, steps, v),
        lambda x, v, steps, add=add: _stored(x, v, steps, add),
        (Input((3, 5)), Input((2, 5))),
        ({"steps": STEPS[0]},),
        broadcast=(Case(((3, 5), (3, 2)), {"steps": STEPS[1]}),),
        empty=(Case(((3, 0), (2, 0)), {"steps": STEPS[0]}),),
        without=ALIKE,
    )
LINE = np.array([[7, -1, 7]])
sample(
    "take",
    lambda x, index: G.take(x, tensor(index)),
    lambda x, index: x.reshape(-1)[index],
    (Input((3, 5)),),
    ({"index": LINE}, {"index": np.array(3)}),
    empty=(Case(((3, 5),), {"index": np.zeros((0, 2), int)}),),
    zero_dim=(Case(((),), {"index": np.array([0, -1])}),),
    bad=(
        (lambda: G.take(ones(2), tensor([2])), IndexError, "tried to access index 2 on a tensor of 2 elements"),
        (lambda: G.take(ones(2), ones(2)), DTypeError, "Expected a long tensor for index"),
    ),
)


def _filled(x: Array, v: Array, index: Array, accumulate: bool = False) -> Array:
    y = x.copy()
    line = y.reshape(-1)
    for i, value in zip(index, v, strict=True):
        line[i] = line[i] + value if accumulate else value
    return y


sample(
    "put",
    lambda x, v, index, accumulate=False: G.put(x, tensor(index), v, accumulate),
    _filled,
    (Input((3, 5)), Input((2,))),
    ({"index": np.array([7, -1])}, {"index": np.array([7, 7]), "accumulate": True}),
    empty=(Case(((3, 5), (0,)), {"index": np.zeros(0, int)}),),
    zero_dim=(Case(((), (1,)), {"index": np.array([0])}),),
    without=ALIKE,
    bad=(
        (lambda: G.put(ones(2), tensor([0]), ones(2)), IndexError, "same number of elements"),
        (lambda: G.put(ones(2), tensor([2]), ones(1)), IndexError, "tried to access index 2"),
        (lambda: G.put(ones(2), tensor([0]), ones(1, dtype=int)), DTypeError, "same dtype"),
    ),
)


def _part(x: Array, v: Array, place: Any) -> Array:
    y = x.copy()
    y[place] = v
    return y


sample(
    "select_scatter",
    lambda x, v, place: G.select_scatter(x, v, 1, place[1]),
    _part,
    (Input((3, 5)), Input((3,))),
    ({"place": (slice(None), 2)}, {"place": (slice(None), -1)}),
    empty=(Case(((0, 5), (0,)), {"place": (slice(None), 2)}),),
    without={"dtypes": "src is cast to the dtype of x"},
    bad=(
        (lambda: G.select_scatter(ones(2, 2), ones(3), 0, 0), ShapeError, r"src size = \[3\], slice size = \[2\]"),
        (lambda: G.select_scatter(ones(2, 2), ones(2), 0, 2), IndexError, "out of bounds"),
    ),
)
sample(
    "slice_scatter",
    lambda x, v, place: G.slice_scatter(x, v, 0, place.start, place.stop, place.step),
    _part,
    (Input((5, 3)), Input((2, 3))),
    ({"place": slice(1, 3, 1)}, {"place": slice(0, 4, 2)}),
    empty=(Case(((5, 0), (2, 0)), {"place": slice(3, None, 1)}),),
    without={"dtypes": "src is cast to the dtype of x"},
    bad=((lambda: G.slice_scatter(ones(3), ones(2)), ShapeError, r"src size = \[2\], slice size = \[3\]"),),
)


# Masks

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
