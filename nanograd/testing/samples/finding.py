"""Samples of distinct elements and places."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import finding as _finding
from nanograd.testing.sample import CONSTANT, NO_DIM, Array, Case, Input, ones, sample
from nanograd.testing.samples.ordering import tied

F: Any = _finding  # untyped: bad input is among what its functions are given

JUMPS = dict.fromkeys(
    ("gradient", "second_gradient", "owned", "written_after"), "its result jumps, and the way back is refused"
)


def _unique(x: Array, dim: int | None = None) -> Any:
    values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, axis=dim)
    return [values, inverse.reshape(x.shape if dim is None else -1), counts]


sample(
    "unique",
    lambda x, **o: F.unique(x.detach(), return_inverse=True, return_counts=True, **o),
    _unique,
    (Input((3, 5), tied),),
    ({}, {"dim": 0}, {"dim": 1}),
    gives="same index index",
    empty=(Case(((0, 3),)),),
    zero_dim=(Case(((),)),),
    bad=(
        (lambda: F.unique(ones(2), dim=1), *NO_DIM),
        (lambda: F.unique(ones(0, 3), dim=1), IndexError, "There are 0 sized dimensions"),
        (lambda: F.unique(ones(2).requires_grad_()).sum().backward(), RuntimeError, "derivative for 'unique'"),
    ),
    without=JUMPS,
)


def _runs(x: Array, dim: int | None = None) -> Any:
    rows = [*x.reshape(-1)] if dim is None else [*np.moveaxis(x, dim, 0)]
    new = [i for i in range(len(rows)) if not i or np.any(rows[i] != rows[i - 1])]
    inverse = np.searchsorted(new, np.arange(len(rows)), "right") - 1
    values = x.reshape(-1)[new] if dim is None else x.take(new, dim)
    return [values, inverse.reshape(x.shape) if dim is None else inverse, np.diff([*new, len(rows)])]


sample(
    "unique_consecutive",
    lambda x, **o: F.unique_consecutive(x.detach(), return_inverse=True, return_counts=True, **o),
    _runs,
    (Input((3, 5), tied),),
    ({}, {"dim": 0}, {"dim": 1}),
    gives="same index index",
    zero_dim=(Case(((),)),),
    bad=((lambda: F.unique_consecutive(ones(2), dim=1), *NO_DIM),),
    without=JUMPS,
)
sample(
    "isin",
    F.isin,
    lambda x, y, invert=False: (x[..., None] == y.reshape(-1)).any(-1) != invert,
    (Input((3, 5), tied), Input((4,), tied)),
    ({}, {"invert": True}),
    gives="bool",
    empty=(Case(((0, 3), (4,))), Case(((2, 3), (0,)))),
    zero_dim=(Case(((), (4,))),),
    bad=((lambda: F.isin(1, 2), DTypeError, "isin: expected a tensor"),),
    without=CONSTANT,
)


def ascending(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Sorted along the last dimension, with ties."""
    return np.sort(rng.integers(1, 5, shape) * 0.5, -1)


def _before(sequence: Array, values: Array, side: str = "left", right: bool = False) -> Any:
    least = sequence[..., None, :] if sequence.ndim > 1 else sequence
    strict = side == "left" and not right
    return (least < values[..., None] if strict else least <= values[..., None]).sum(-1)


S = F.searchsorted
sample(
    "searchsorted",
    S,
    _before,
    (Input((6,), ascending), Input((3, 5), tied)),
    ({}, {"side": "right"}, {"right": True}),
    takes="if",
    gives="index",
    broadcast=(Case(((3, 6), (3, 5))), Case(((2, 3, 6), (2, 3, 5)), {"side": "right"})),
    empty=(Case(((0,), (3,))), Case(((3,), (0,)))),
    zero_dim=(Case(((3,), ())),),
    bad=(
        (lambda: S(ones(2, 3), ones(3)), ShapeError, "boundaries tensor should be 1 dimension or the first N-1"),
        (lambda: S(ones(2), ones(3), side="up"), ShapeError, "side can only be 'left' or 'right' but got 'up'"),
        (lambda: S(ones(2), ones(3), side="left", right=True), ShapeError, "can't be set to opposites"),
        (lambda: S(ones(2), ones(3), sorter=ones(2)), DTypeError, "sorter must be a tensor of long"),
        (lambda: S(ones(2), ones(3), sorter=ones(3, dtype=int)), ShapeError, "sequence and sorter must have the same"),
        (lambda: S(ones(2), ones(3), sorter=ones(2, dtype=int) * 7), ShapeError, "sorter index out of range"),
        (lambda: S(ones(2, dtype=bool), 1), DTypeError, "searchsorted: expected numbers"),
    ),
    without=CONSTANT | {"dtypes": "the sequence must stay in order: tests/oracle/test_reductions.py"},
)
sample(
    "bucketize",
    lambda x, b, right=False: F.bucketize(x, b, right=right),
    lambda x, b, right=False: _before(b, x, right=right),
    (Input((3, 5), tied), Input((6,), ascending)),
    ({}, {"right": True}),
    gives="index",
    empty=(Case(((0,), (3,))),),
    zero_dim=(Case(((), (3,))),),
    bad=((lambda: F.bucketize(ones(2), ones(2, 2)), ShapeError, r"must be 1 dimension, but got dim\(2\)"),),
    without=CONSTANT | {"dtypes": "the boundaries must stay in order: tests/oracle/test_reductions.py"},
)
