"""Samples of sums, extremes and orders."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import reduction as _reduction
from nanograd.testing.sample import (
    CONSTANT,
    GRADIENTS,
    NO_DIM,
    Array,
    Bad,
    Case,
    Domain,
    Input,
    away,
    distinct,
    ones,
    refuses,
    sample,
    truth,
)

R: Any = _reduction  # untyped: bad input is among what its functions are given

OVER: tuple[dict[str, Any], ...] = (
    {},
    {"dim": 1},
    {"dim": -1, "keepdim": True},
    {"dim": (0, 2)},
    {"dim": (0, 1, 2), "keepdim": True},
)
ALONG: tuple[dict[str, Any], ...] = ({"dim": 1}, {"dim": -1, "keepdim": True})


def reduction(name: str, call: Any, formula: Any, domain: Domain = away, **more: Any) -> None:
    """A reduction over some dimensions: the formula takes (x, axis, keepdims)."""
    options = more.pop("options", OVER)
    bad: tuple[Bad, ...] = ((lambda: call(ones(2), **{**options[0], "dim": 1}), *NO_DIM), *more.pop("bad", ()))
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


VARIANCE: tuple[dict[str, Any], ...] = (
    {},
    {"dim": 2},
    {"dim": (0, 2), "keepdim": True},
    {"dim": 2, "unbiased": False},
    {"dim": 0, "correction": 2},
)
FLOATS = (lambda: R.mean(ones(2, dtype=int)), DTypeError, "mean: expected a floating-point tensor")

reduction("sum", R.sum, lambda x, axis, keepdims: x.sum(axis, keepdims=keepdims), gives="sum", bad=(TWICE,))
reduction("mean", R.mean, _mean_of, takes="f", bad=(FLOATS,), empty=(Case(((0, 3),), {"dim": 1}),))
reduction("prod", R.prod, lambda x, axis, keepdims: x.prod(axis, keepdims=keepdims), gives="sum", options=({}, *ALONG))
reduction(
    "amax",
    R.amax,
    lambda x, axis, keepdims: x.max(axis, keepdims=keepdims),
    distinct,
    bad=(none_left(R.amax),),
    empty=EMPTY_IS_BAD,
)
reduction(
    "amin",
    R.amin,
    lambda x, axis, keepdims: x.min(axis, keepdims=keepdims),
    distinct,
    bad=(none_left(R.amin),),
    empty=EMPTY_IS_BAD,
)
reduction("all", R.all, lambda x, axis, keepdims: x.all(axis, keepdims=keepdims), truth, gives="truth")
reduction("any", R.any, lambda x, axis, keepdims: x.any(axis, keepdims=keepdims), truth, gives="truth")
FLAT = (lambda: R.var(ones(2, dtype=int)), DTypeError, "expected a floating-point tensor")
reduction(
    "var", R.var, _var_of, takes="f", options=VARIANCE, empty=(Case(((0, 3),), {"dim": 1}),), zero_dim=(), bad=(FLAT,)
)
reduction(
    "std",
    R.std,
    lambda *a, **o: np.sqrt(_var_of(*a, **o)),
    takes="f",
    options=VARIANCE[:4],
    empty=(Case(((0, 3),), {"dim": 1}),),
    zero_dim=(),
    bad=(FLAT,),
)


def _norm(x: Array, axis: Any, keepdims: bool, p: Any = "fro") -> Any:
    if p == math.inf:
        return np.abs(x).max(axis, keepdims=keepdims)
    p = 2 if p == "fro" else p
    return (x != 0).sum(axis, keepdims=keepdims) if p == 0 else (np.abs(x) ** p).sum(axis, keepdims=keepdims) ** (1 / p)


reduction(
    "norm",
    R.norm,
    _norm,
    distinct,
    takes="f",
    options=({}, {"dim": 1}, {"p": 3, "dim": 2}, {"p": math.inf, "dim": 2, "keepdim": True}, {"p": 1}, {"p": 0}),
    bad=((lambda: R.norm(ones(2, dtype=int)), DTypeError, "norm: expected a floating-point tensor"),),
)
reduction(
    "_norm2",
    lambda x, dim=None, keepdim=False: R._norm2(x, dim, keepdim),
    _norm,
    without={"dtypes": "norm refuses integers before"},
)


def extreme(name: str, pick: str, **more: Any) -> None:
    """(values, indices) along a dimension."""

    def formula(x: Array, axis: int, keepdims: bool) -> Any:
        if not x.ndim:
            return [x, np.zeros((), np.int64)]
        index = getattr(x, f"arg{pick}")(axis, keepdims=True)
        values = np.take_along_axis(x, index, axis)
        return [v if keepdims else v.squeeze(axis) for v in (values, index)]

    call = getattr(R, name)
    reduction(
        name,
        call,
        formula,
        distinct,
        options=ALONG,
        gives="same index",
        zero_dim=(Case(((),), {"dim": 0}),),
        empty=EMPTY_IS_BAD,
        bad=((lambda: call(ones(0, 3), 0), ShapeError, f"{pick}: there is no extreme"),),
        **more,
    )


extreme("max_along", "max")
extreme("min_along", "min")
extreme("max", "max")
extreme("min", "min")


def _arg(pick: str) -> Any:
    def formula(x: Array, axis: int | None, keepdims: bool) -> Any:
        return getattr(x, f"arg{pick}")(axis if x.ndim else None, keepdims=keepdims)

    return formula


def place(pick: str) -> None:
    """The index of an extreme."""
    call = getattr(R, f"arg{pick}")
    reduction(
        f"arg{pick}",
        call,
        _arg(pick),
        distinct,
        takes="if",
        gives="index",
        options=({}, *ALONG),
        without=CONSTANT,
        empty=EMPTY_IS_BAD,
        bad=(
            (lambda: call(ones(0)), ShapeError, "no extreme of no elements"),
            refuses(bool, call, f"arg{pick}: .*truth values"),
        ),
    )


place("max")
place("min")
ACROSS = ({"dim": 1}, {"dim": -1})
reduction(
    "cumsum",
    R.cumsum,
    lambda x, axis, keepdims: x.cumsum(axis) if x.ndim else x,
    gives="sum",
    options=ACROSS,
    empty=(Case(((0, 3),), {"dim": 0}),),
    zero_dim=(Case(((),), {"dim": 0}),),
)


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
        getattr(R, name),
        _sorted,
        distinct,
        options=SORTED,
        gives="same index",
        empty=(Case(((0, 3),), SORTED[1]),),
        zero_dim=(Case(((),), {"dim": 0, "descending": True}),),
    )
reduction(
    "argsort",
    R.argsort,
    lambda *a, **o: _sorted(*a, **o)[1],
    distinct,
    options=SORTED,
    gives="index",
    empty=(Case(((0, 3),), SORTED[1]),),
    zero_dim=(Case(((),), {"dim": 0}),),
    without=CONSTANT,
)
reduction(
    "topk",
    lambda x, dim, k: R.topk(x, k, dim),
    lambda x, axis, keepdims, k: [v.take(range(k), axis) for v in _sorted(x, axis, descending=True)],
    distinct,
    options=({"dim": 2, "k": 3}, {"dim": 0, "k": 0}),
    gives="same index",
    empty=(),
    zero_dim=(),
    bad=((lambda: R.topk(ones(2), 3), ShapeError, "topk: k = 3 is out of range"),),
)
sample(
    "sum_to",
    R.sum_to,
    lambda g, shape: (
        g.sum(tuple(range(g.ndim - len(shape)))).sum(0, keepdims=True) if shape[:1] == (1,) else g.sum(0).reshape(shape)
    ),
    (Input((3, 5)),),
    ({"shape": (1, 5)}, {"shape": (5,)}),
    empty=(Case(((0, 5),), {"shape": (1, 5)}),),
    without={"dtypes": GRADIENTS},
)
sample(
    "stretch",
    R.stretch,
    lambda g, dims, full: np.broadcast_to(np.expand_dims(g, dims) if g.ndim < len(full) else g, full),
    (Input((3, 1)),),
    ({"dims": (1,), "full": (3, 5)}, {"dims": (1,), "full": (3, 7, 1)}, {"dims": (0, 2), "full": (2, 3, 7, 1)}),
    without={"dtypes": GRADIENTS},
    empty=(Case(((3,),), {"dims": (0,), "full": (0, 3)}), Case(((0,),), {"dims": (0,), "full": (3, 0)})),
    zero_dim=(Case(((),), {"dims": (0, 1), "full": (3, 5)}), Case(((),), {"dims": (), "full": ()})),
)
