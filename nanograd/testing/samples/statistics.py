"""Samples of spreads, norms, covariances and counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import norms as _norms
from nanograd.ops import statistics as _statistics
from nanograd.ops.creation import tensor
from nanograd.testing.sample import (
    CONSTANT,
    NO_DIM,
    Array,
    Case,
    Input,
    away,
    below,
    distinct,
    ones,
    positive,
    refuses,
    sample,
)
from nanograd.testing.samples.reduction import reduction

S: Any = _statistics  # untyped: bad input is among what its functions are given
N: Any = _norms


# Spread


def _var(x: Array, axis: Any, keepdims: bool, correction: float = 1, unbiased: bool = True) -> Any:
    correction = correction if unbiased else 0
    away_ = x - x.mean(axis, keepdims=True)
    count = x.size if axis is None else math.prod(x.shape[d] for d in np.atleast_1d(axis).astype(int))
    return (away_**2).sum(axis, keepdims=keepdims) / np.float64(count - correction)


def _std(*a: Any, **o: Any) -> Any:
    return np.sqrt(_var(*a, **o))


VARIANCE: tuple[dict[str, Any], ...] = (
    {},
    {"dim": 2},
    {"dim": (0, 2), "keepdim": True},
    {"dim": 2, "unbiased": False},
    {"dim": 0, "correction": 2},
    {"dim": 2, "correction": 0.5},
)
for name, formula in (("var", _var), ("std", _std)):
    spread = getattr(S, name)
    both = getattr(S, f"{name}_mean")
    given: dict[str, Any] = dict(options=VARIANCE, takes="f", empty=(Case(((0, 3),), {"dim": 1}),), zero_dim=())
    reduction(name, spread, formula, bad=(refuses(int, spread, f"{name}: expected a floating-point tensor"),), **given)
    reduction(
        f"{name}_mean",
        both,
        lambda x, axis, keepdims, formula=formula, **o: [
            formula(x, axis, keepdims, **o),
            x.mean(axis, keepdims=keepdims),
        ],
        bad=(refuses(int, both, f"{name}_mean: expected a floating-point tensor"),),
        **given,
    )


# Norms


def _norm(x: Array, axis: Any, keepdims: bool, p: Any = "fro") -> Any:
    size = np.abs(x)
    if math.isinf(p if p != "fro" else 2):
        return (size.max if p > 0 else size.min)(axis, keepdims=keepdims)
    p = 2 if p == "fro" else p
    return (x != 0).sum(axis, keepdims=keepdims) if p == 0 else (size**p).sum(axis, keepdims=keepdims) ** (1 / p)


reduction(
    "norm",
    N.norm,
    _norm,
    distinct,
    takes="f",
    options=(
        {},
        {"dim": 1},
        *({"p": p, "dim": 2} for p in (0, 1, 1.5, 2, 3, -2, -math.inf)),
        {"p": math.inf, "keepdim": True},
    ),
    bad=(
        refuses(int, N.norm, "norm: expected a floating-point tensor"),
        (lambda: N.norm(ones(2), "nuk"), DTypeError, "norm: expected p as a number or 'fro', got 'nuk'"),
        (lambda: N.norm(ones(2), "nuc"), ShapeError, "dim must be a 2-tuple"),
        (lambda: N.norm(ones(0), math.inf), IndexError, "norm: there is no norm of order inf of no elements"),
    ),
)
reduction(
    "p_norm",
    lambda x, dim=(0, 1, 2), keepdim=False: N.p_norm(
        x, 3, (dim,) if isinstance(dim, int) else dim if x.ndim else (), keepdim
    ),
    lambda x, axis, keepdims: _norm(x, axis, keepdims, 3),
    options=({"dim": (0, 1, 2)}, {"dim": 1}, {"dim": (0, 2), "keepdim": True}),
    empty=(Case(((0, 3),), {"dim": 1}),),
    zero_dim=(),
    without={"dtypes": "norm refuses integers before", "bad_input": "norm checks the dimensions before"},
)
sample(
    "dist",
    N.dist,
    lambda a, b, p=2: _norm(np.asarray(a - b), None, False, p),
    (Input((3, 5)), Input((3, 5))),
    ({}, {"p": 1}, {"p": 3}, {"p": math.inf}),
    takes="f",
    broadcast=(Case(((3, 1), (4,))), Case(((), (4,)))),
    empty=(Case(((0, 3), (3,))),),
    zero_dim=(Case(((), ())),),
    bad=((lambda: N.dist(ones(2), 3), DTypeError, "dist: expected other as a tensor, got int"),),
    without={"dtypes": "integers are refused once they are subtracted: tests/oracle/test_reductions.py"},
)


def _renorm(x: Array, p: float, dim: int, maxnorm: float) -> Array:
    length = _norm(x, tuple(d for d in range(x.ndim) if d != dim % x.ndim), True, p)
    return x * np.where(length > maxnorm, maxnorm / (length + 1e-7), 1)


sample(
    "renorm",
    N.renorm,
    _renorm,
    (Input((3, 2, 4)),),
    tuple(
        {"p": p, "dim": dim, "maxnorm": m} for p, dim, m in ((2, 0, 3.3), (1, -1, 4.0), (3, 1, 0.5), (math.inf, 0, 1.5))
    ),
    takes="f",
    twin="renorm_",
    empty=(Case(((0, 3),), {"p": 2, "dim": 1, "maxnorm": 1}),),
    bad=(
        (lambda: N.renorm(ones(2), 2, 0, 1), ShapeError, "renorm: input needs at least 2 dimensions, got 1"),
        (lambda: N.renorm(ones(2, 2), 0, 0, 1), ShapeError, "non-positive-norm not supported"),
        (lambda: N.renorm(ones(2, 2), 2, 0, -1), ShapeError, "expected maxnorm to be >= 0 but got -1"),
        (lambda: N.renorm(ones(2, 2), 2, 2, 1), *NO_DIM),
        refuses(int, lambda x: N.renorm(x, 2, 0, 1), "renorm: expected a floating-point tensor"),
    ),
)


# Together

WEIGHTS = {"fweights": tensor([1, 3, 2, 1, 1]), "aweights": tensor(np.array([0.5, 1.0, 2.0, 0.3, 1.0]))}


def _cov(x: Array, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    f, a = (None if w is None else w.numpy() for w in (fweights, aweights))
    return np.cov(x, ddof=correction, fweights=f, aweights=a)


sample(
    "cov",
    S.cov,
    _cov,
    (Input((3, 5)),),
    (
        {},
        {"correction": 0},
        {"fweights": WEIGHTS["fweights"]},
        {"aweights": WEIGHTS["aweights"]},
        WEIGHTS,
        {**WEIGHTS, "correction": 0},
    ),
    takes="if",
    gives="float",
    bad=(
        (lambda: S.cov(ones(1, 2, 3)), ShapeError, "two or fewer dimensions but got an input with 3"),
        refuses(bool, S.cov, "cov: bool dtype is not supported"),
        (lambda: S.cov(ones(3), fweights=ones(3)), DTypeError, "expected fweights to have integral dtype"),
        (lambda: S.cov(ones(3), aweights=ones(3, dtype=int)), DTypeError, "expected aweights to have floating point"),
        (lambda: S.cov(ones(3), aweights=ones(4)), ShapeError, "same numel as there are observations, 3"),
        (lambda: S.cov(ones(3), aweights=-ones(3)), ShapeError, "aweights cannot be negative"),
    ),
)
sample(
    "corrcoef",
    S.corrcoef,
    np.corrcoef,
    (Input((3, 5)),),
    takes="if",
    gives="float",
    bad=(
        (lambda: S.corrcoef(ones(1, 2, 3)), ShapeError, "corrcoef: expected input to have two or fewer"),
        refuses(bool, S.corrcoef, "corrcoef: bool dtype is not supported"),
    ),
    without={"dtypes": "rows of equal elements have no correlation: tests/oracle/test_reductions.py"},
)


# How often

sample(
    "bincount",
    S.bincount,
    lambda x, minlength=0: np.bincount(x, None, minlength),
    (Input((11,), below(5)),),
    ({}, {"minlength": 9}),
    takes="i",
    gives="index",
    empty=(Case(((0,),)), Case(((0,),), {"minlength": 2})),
    bad=(
        refuses(float, S.bincount, "bincount: expected whole numbers"),
        (lambda: S.bincount(ones(2, 2, dtype=int)), ShapeError, "only supports 1-d non-negative integral"),
        (lambda: S.bincount(-ones(2, dtype=int)), ShapeError, "only supports 1-d non-negative integral"),
        (lambda: S.bincount(ones(2, dtype=int), minlength=-1), ShapeError, "minlength should be >= 0"),
        (lambda: S.bincount(ones(2, dtype=int), ones(3)), ShapeError, "weights should be 1-d and have the same length"),
    ),
    without=CONSTANT,
)
sample(
    "bincount_of_weights",
    S.bincount,
    lambda x, w: np.bincount(x, w),
    (Input((11,), below(5)), Input((11,), positive, False)),
    without=CONSTANT | {"dtypes": "every weight but float32 gives float64: tests/oracle/test_reductions.py"},
)


def _histogram(x: Array, bins: int, low: float = 0, high: float = 0) -> Any:
    return np.histogram(x, bins, None if low == high else (low, high))[0].astype(x.dtype)


H = S.histc
sample(
    "histc",
    H,
    lambda x, bins=100, min=0, max=0: _histogram(x, bins, min, max),
    (Input((3, 5), away),),
    ({"bins": 4}, {"bins": 3, "min": -1.5, "max": 1.0}),
    takes="f",
    empty=(Case(((0,),), {"bins": 3}),),
    zero_dim=(Case(((),), {"bins": 1, "min": -3, "max": 3}),),
    bad=(
        refuses(int, H, "histc: expected a floating-point tensor"),
        (lambda: H(ones(2), 0), ShapeError, "bins must be > 0, but got 0"),
        (lambda: H(ones(2), 1.5), DTypeError, "the number of bins as an integer"),
        (lambda: H(ones(2), 3, 2, 1), ShapeError, "max must be larger than min"),
        (lambda: H(ones(2) * math.nan, 3), ShapeError, "is not finite"),
    ),
    without=CONSTANT | {"silent": "a range that is not finite is refused"},
)


def _with_edges(x: Array, bins: Any = 4, range: Any = None, density: bool = False) -> Any:
    edges = bins if isinstance(bins, int) else bins.numpy()
    hist, found = np.histogram(x, edges, range, density=density)
    return [hist.astype(x.dtype), found.astype(x.dtype)]


sample(
    "histogram",
    lambda x, bins=4, **o: S.histogram(x, bins.to(x.dtype) if hasattr(bins, "array") else bins, **o),
    _with_edges,
    (Input((3, 5), away),),
    (
        {"bins": 4},
        {"bins": 3, "range": (-1.5, 1.0)},
        {"bins": tensor([-1.0, 0.0, 0.7, 1.5])},
        {"bins": 4, "density": True},
    ),
    takes="f",
    bad=(
        (lambda: S.histogram(ones(2), 0), ShapeError, "bins must be > 0, but got 0"),
        (lambda: S.histogram(ones(2), ones(1)), ShapeError, "2 or more edges in a vector"),
        (lambda: S.histogram(ones(2), ones(2, dtype=float)), DTypeError, "edges of the input's dtype"),
        (lambda: S.histogram(ones(2), ones(2), range=(0, 1)), TypeError, "both the edges of the bins and range="),
        (lambda: S.histogram(ones(2), 2, weight=ones(3)), ShapeError, "weight to have the shape of input"),
        (lambda: S.histogram(ones(2) * math.inf, 3), ShapeError, "is not finite"),
    ),
    without=CONSTANT | {"silent": "a range that is not finite is refused", "dtypes": "float16 has few exact edges"},
)
