"""Samples of sums, products, extremes and truth."""

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


TWICE: Bad = (lambda: R.sum(ones(2, 3), (0, 0)), ShapeError, "appears multiple times")
EMPTY_IS_BAD = (Case(((0, 3),), {"dim": 1}),)


def none_left(call: Any) -> Bad:
    """Bad input: an extreme of no elements."""
    return (lambda: call(ones(0, 3), dim=0), IndexError, "reduction dim 0 to have non-zero size")


def _mean_of(x: Array, axis: Any, keepdims: bool) -> Any:
    count = x.size if axis is None else math.prod(x.shape[d] for d in np.atleast_1d(axis).astype(int))
    return np.divide(x.sum(axis, keepdims=keepdims), np.float64(count))


def with_nan(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """±[0.3, 2], and about one NaN in five."""
    return np.where(rng.random(shape) < 0.2, np.nan, away(rng, shape))


def _nanmean(x: Array, axis: Any, keepdims: bool) -> Any:
    return np.nansum(x, axis, keepdims=keepdims) / np.sum(~np.isnan(x), axis, keepdims=keepdims)


def _logsumexp(x: Array, axis: Any, keepdims: bool) -> Any:
    return np.log(np.exp(x.astype(np.float64)).sum(axis, keepdims=keepdims))


NAN = {
    "gradient": "finite differences of NaN are NaN: tests/test_reductions.py",
    "second_gradient": "as gradient, of NaN",
}
EMPTY_MEAN = (Case(((0, 3),), {"dim": 1}),)
FLOATS = (lambda: R.mean(ones(2, dtype=int)), DTypeError, "mean: expected a floating-point tensor")

reduction("sum", R.sum, lambda x, axis, keepdims: x.sum(axis, keepdims=keepdims), gives="sum", bad=(TWICE,))
reduction("mean", R.mean, _mean_of, takes="f", bad=(FLOATS,), empty=EMPTY_MEAN)
PRODUCTS = ({}, *ALONG)
reduction("prod", R.prod, lambda x, axis, keepdims: x.prod(axis, keepdims=keepdims), gives="sum", options=PRODUCTS)
reduction(
    "nansum",
    R.nansum,
    lambda x, axis, keepdims: np.nansum(x, axis, keepdims=keepdims),
    with_nan,
    gives="sum",
    without=NAN,
)
reduction(
    "nanmean",
    R.nanmean,
    _nanmean,
    with_nan,
    takes="f",
    empty=EMPTY_MEAN,
    bad=(refuses(int, R.nanmean, "nanmean: expected a floating-point tensor"),),
    without=NAN,
)
reduction(
    "count_nonzero",
    lambda x, dim=None, keepdim=False: R.count_nonzero(x, dim),
    lambda x, axis, keepdims: np.count_nonzero(x, axis),
    gives="index",
    options=({}, {"dim": 1}, {"dim": (0, 2)}),
    without=CONSTANT,
)
reduction(
    "logsumexp",
    R.logsumexp,
    _logsumexp,
    gives="float",
    options=OVER[1:],
    empty=(Case(((0, 3),), {"dim": 0}), Case(((0, 3),), {"dim": 1})),
    zero_dim=(Case(((),), {"dim": -1}),),
)
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
sample(
    "aminmax",
    lambda x, **o: R.aminmax(x, **o),
    _numpy_names(lambda x, axis, keepdims: [x.min(axis, keepdims=keepdims), x.max(axis, keepdims=keepdims)]),
    (Input((3, 1, 5), distinct),),
    ({}, *ALONG),
    empty=EMPTY_IS_BAD,
    zero_dim=(Case(((),)), Case(((),), {"dim": 0})),
    bad=(none_left(R.aminmax), (lambda: R.aminmax(ones(2), dim=1), *NO_DIM)),
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
        bad=((lambda: call(ones(0, 3), 0), IndexError, f"{pick}: Expected reduction dim 0 to have non-zero size"),),
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
            (lambda: call(ones(0)), ShapeError, "Expected reduction dim to be specified for input.numel"),
            refuses(bool, call, f"arg{pick}: .*truth values"),
        ),
    )


place("max")
place("min")
sample(
    "sum_to_size",
    R.sum_to_size,
    lambda x, size: x.sum(0, keepdims=True) if len(size) == 2 else x.sum(0),
    (Input((3, 5)),),
    ({"size": (1, 5)}, {"size": (5,)}),
    gives="sum",
    empty=(Case(((0, 5),), {"size": (1, 5)}),),
    bad=((lambda: R.sum_to_size(ones(3, 5), 3), ShapeError, r"size \[3\] is not expandable to size \[3, 5\]"),),
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
