"""Samples of gathering and scattering."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import scattering as _scattering
from nanograd.testing.sample import (
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
)

G: Any = _scattering  # untyped: bad input is among what its functions are given

INTEGERS = "its index is of integers"
ALIKE = {"dtypes": "all have one dtype"}
INDEX = DTypeError, "expected an index of torch.int64"

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
        (
            lambda: G.gather(ones(2, 3), 0, ones(2, dtype=int)),
            ShapeError,
            "gather: Index tensor must have the same number",
        ),
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
