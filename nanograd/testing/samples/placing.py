"""Samples of reading and writing at tensors of indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import placing as _placing
from nanograd.ops.creation import tensor
from nanograd.testing.sample import (
    Array,
    Case,
    Domain,
    Input,
    below,
    distinct,
    ones,
    sample,
)
from nanograd.testing.samples.scattering import once

G: Any = _placing  # untyped: bad input is among what its functions are given

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


def _slices(x: Array, index: Array, v: Array, dim: int, reduce: str = "set", include_self: bool = True) -> Array:
    y, values = x.copy(), np.moveaxis(v, dim, 0)
    inner = np.moveaxis(y, dim, 0)
    groups: dict[int, list[Any]] = {}
    for i, value in zip(index, values, strict=True):
        groups.setdefault(int(i), [inner[i].copy()] if include_self else []).append(value)
    ways: Any = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}
    for place, lines in groups.items():
        inner[place] = lines[-1] if reduce == "set" else ways[reduce](lines, axis=0)
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
    lambda x, index, v, dim=0: _slices(
        x, index, np.broadcast_to(v, [2 if d == dim else n for d, n in enumerate(x.shape)]), dim
    ),
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
