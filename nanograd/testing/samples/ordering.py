"""Samples of sorting, ranks and quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import ordering as _ordering
from nanograd.ops.creation import tensor
from nanograd.testing.sample import (
    CONSTANT,
    Array,
    Case,
    Input,
    distinct,
    ones,
    refuses,
    sample,
)
from nanograd.testing.samples.reduction import ALONG, reduction

O: Any = _ordering  # untyped: bad input is among what its functions are given


def _sorted(x: Array, axis: int = -1, keepdims: bool = False, descending: bool = False) -> Any:
    if not x.ndim:
        return [x, np.zeros((), np.int64)]
    kind = np.int64 if x.dtype.kind in "bu" else x.dtype
    index = np.argsort(-x.astype(kind) if descending else x, axis, kind="stable")
    return [np.take_along_axis(x, index, axis), index]


SORTED = ({"dim": 1, "descending": False}, {"dim": 0, "descending": True})
for name in ("sorted_along", "sort"):
    reduction(
        name,
        getattr(O, name),
        _sorted,
        distinct,
        options=SORTED,
        gives="same index",
        empty=(Case(((0, 3),), SORTED[1]),),
        zero_dim=(Case(((),), {"dim": 0, "descending": True}),),
    )
reduction(
    "argsort",
    O.argsort,
    lambda *a, **o: _sorted(*a, **o)[1],
    distinct,
    options=SORTED,
    gives="index",
    empty=(Case(((0, 3),), SORTED[1]),),
    zero_dim=(Case(((),), {"dim": 0}),),
    without=CONSTANT,
)
sample(
    "msort",
    O.msort,
    lambda x: np.sort(x, 0) if x.ndim else x,
    (Input((5, 3), distinct),),
    empty=(Case(((0, 3),)),),
    zero_dim=(Case(((),)),),
)
for name, tops in (("topk", O.topk), ("foremost", lambda x, k, dim: O.foremost(x, k, dim, True))):
    reduction(
        name,
        lambda x, dim, k=1, tops=tops: tops(x, k, dim),
        lambda x, axis, keepdims, k: [v.take(range(k), axis) for v in _sorted(x, axis, descending=True)],
        distinct,
        options=({"dim": 2, "k": 3}, {"dim": 0, "k": 0}, {"dim": 2, "k": 5}),
        takes="if",
        gives="same index",
        empty=(),
        zero_dim=(),
        bad=(
            (lambda tops=tops: tops(ones(2), 3, 0), ShapeError, "topk: selected index k out of range: k = 3"),
            refuses(bool, lambda x, tops=tops: tops(x, 1, 0), "topk: expected numbers"),
        ),
    )


def rank(name: str, call: Any, place: Any, **more: Any) -> None:
    """(an element along a dimension, its index): the formula gives its rank for n elements, or the index itself."""

    def formula(x: Array, axis: int, keepdims: bool, **rest: Any) -> Any:
        if not x.ndim:
            return [x, np.zeros((), np.int64)]
        index = np.argsort(x, axis, kind="stable").take([place(x.shape[axis])], axis)
        values = np.take_along_axis(x, index, axis)
        return [v if keepdims else v.squeeze(axis) for v in (values, index)]

    reduction(
        name,
        call,
        formula,
        distinct,
        options=ALONG,
        takes="if",
        gives="same index",
        zero_dim=(Case(((),), {"dim": 0}),),
        empty=(Case(((0, 3),), {"dim": 1}),),
        bad=(
            (lambda: call(ones(0, 3), dim=0), IndexError, "reduction dim 0 to have non-zero size"),
            *more.pop("bad", ()),
        ),
        **more,
    )


def lower(n: int) -> int:
    """The rank of the lower median of n."""
    return (n - 1) // 2


for name in ("median", "nanmedian"):
    rank(name, getattr(O, name), lower, bad=(refuses(bool, getattr(O, name), f"{name}: expected numbers"),))
    of_all = getattr(O, name)
    sample(
        f"{name}_of_all",
        of_all,
        lambda x: np.sort(x.reshape(-1))[lower(x.size)] if x.size else np.array(np.nan),
        (Input((3, 5), distinct),),
        takes="if",
        empty=(Case(((0, 3),)),),
        zero_dim=(Case(((),)),),
        bad=((lambda of_all=of_all: of_all(ones(0, dtype=int)), IndexError, "Expected reduction dim to be specified"),),
    )
for name in ("middle", "middle_of_numbers"):
    rank(
        name,
        lambda x, dim=0, keepdim=False, name=name: getattr(O, name)(x, dim, keepdim),
        lower,
        without={"dtypes": "median refuses truth values before"},
    )
rank(
    "kthvalue",
    lambda x, dim=0, keepdim=False: O.kthvalue(x, 2 if x.shape[dim : dim + 1 or None] > (1,) else 1, dim, keepdim),
    lambda n: min(1, n - 1),
    bad=(
        (lambda: O.kthvalue(ones(3), 4), ShapeError, "selected number k out of range for dimension 0"),
        (lambda: O.kthvalue(ones(3), 0), ShapeError, "selected number k out of range for dimension 0"),
        refuses(bool, lambda x: O.kthvalue(x, 1), "kthvalue: expected numbers"),
    ),
)
rank(
    "ranked",
    lambda x, dim=0, keepdim=False: O.ranked(x, dim, keepdim, 0),
    lambda n: 0,
    without={"dtypes": "kthvalue refuses truth values before"},
)


def _mode(x: Array, axis: int, keepdims: bool) -> Any:
    """The least of the most frequent elements, and where it occurs last."""
    if not x.ndim:
        return [x, np.zeros((), np.int64)]
    rows = np.moveaxis(x, axis, -1)
    values, index = np.empty(rows.shape[:-1], x.dtype), np.empty(rows.shape[:-1], np.int64)
    for place in np.ndindex(rows.shape[:-1]):
        found, counts = np.unique(rows[place], return_counts=True)
        values[place] = found[np.argmax(counts)]
        index[place] = np.flatnonzero(rows[place] == values[place])[-1]
    return [np.expand_dims(v, axis) if keepdims else v for v in (values, index)]


def tied(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Few different numbers."""
    return rng.integers(1, 4, shape) * 0.5


for name, call, domain in (
    ("mode", O.mode, distinct),
    ("commonest", O.commonest, distinct),
    ("mode_of_ties", O.mode, tied),
):
    smooth = domain is not tied
    reduction(
        name,
        lambda x, dim=-1, keepdim=False, call=call: call(x, dim, keepdim),
        _mode,
        domain,
        options=ALONG,
        gives="same index",
        zero_dim=(Case(((),), {"dim": 0}),),
        empty=(Case(((0, 3),), {"dim": 1}),),
        bad=((lambda call=call: call(ones(0, 3), 0, False), IndexError, "reduction dim 0 to have non-zero size"),),
        without={} if smooth else dict.fromkeys(("gradient", "second_gradient"), "a small change breaks a tie"),
    )


def _quantile(function: Any) -> Any:
    def formula(x: Array, axis: Any, keepdims: bool, q: Any = 0.3, interpolation: str = "linear") -> Any:
        return function(x, q, axis, method=interpolation, keepdims=keepdims)

    return formula


QUANTILES: tuple[dict[str, Any], ...] = (
    {},
    {"dim": 0},
    {"dim": 2, "keepdim": True},
    *({"dim": 2, "interpolation": i} for i in ("lower", "higher", "midpoint", "nearest")),
    {"q": [0.0, 0.25, 1.0], "dim": 2},
    {"q": [0.5, 0.7], "keepdim": True},
)
for name in ("quantile", "nanquantile"):
    taken = getattr(O, name)

    def at(x: Any, q: Any = 0.3, *rest: Any, taken: Any = taken, **options: Any) -> Any:
        """The quantile at a number, or at a tensor of a list of them."""
        return taken(x, tensor(q, dtype=x.dtype) if isinstance(q, list) else q, *rest, **options)

    reduction(
        name,
        at,
        _quantile(getattr(np, name)),
        distinct,
        options=QUANTILES,
        empty=(),
        takes="f",
        bad=(
            (lambda at=at: at(ones(3), 1.5), ShapeError, r"q must be in the range \[0, 1\] but got 1.5"),
            (lambda at=at: at(ones(3), [-0.5]), ShapeError, r"q values must be in the range \[0, 1\]"),
            (lambda at=at: at(ones(3), [[0.5]]), ShapeError, "q must be a scalar or 1D tensor"),
            (lambda at=at: at(ones(0)), ShapeError, "input tensor must be non-empty"),
            (lambda at=at: at(ones(3), interpolation="cubic"), ValueError, "one of linear, .* but got 'cubic'"),
            (lambda at=at: at(ones(3), ones(1, dtype=float)), DTypeError, "same dtype as the input"),
            refuses(int, at, "must be either float or double"),
        ),
        without={"dtypes": "float16 is refused too, as in torch: tests/oracle/test_reductions.py"},
    )
