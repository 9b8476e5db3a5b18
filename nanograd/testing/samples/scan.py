"""Samples of running sums, products and extremes, differences and areas."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import scan as _scan
from nanograd.testing.sample import (
    GRADIENTS,
    NO_DIM,
    Array,
    Case,
    Domain,
    Input,
    away,
    distinct,
    ones,
    refuses,
    sample,
)

S: Any = _scan  # untyped: bad input is among what its functions are given

ALONG = ({"dim": 1}, {"dim": -1}, {"dim": 0})


def zeros_too(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """±[0.3, 2], and a third zeros."""
    return np.where(rng.random(shape) < 1 / 3, 0.0, away(rng, shape))


def running(name: str, formula: Any, domain: Domain = away, call: Any = None, **more: Any) -> None:
    """What runs along a dimension: the formula takes (x, axis), of one dimension or more."""
    run = call or getattr(S, name)

    def of_any(x: Array, dim: int) -> Any:
        if x.ndim:
            return formula(x, dim)
        y = formula(x.reshape(1), 0)
        return [v.reshape(()) for v in y] if isinstance(y, list) else y.reshape(())

    sample(
        name,
        run,
        of_any,
        (Input((3, 4, 2), domain),),
        ALONG,
        bad=((lambda: run(ones(2), 1), *NO_DIM), *more.pop("bad", ())),
        empty=(Case(((0, 3),), {"dim": 0}), Case(((0, 3),), {"dim": 1}), Case(((3, 0),), {"dim": 0})),
        zero_dim=(Case(((),), {"dim": 0}),),
        **more,
    )


running("cumsum", np.cumsum, gives="sum", twin="cumsum_")
running("cumprod", np.cumprod, zeros_too, gives="sum", twin="cumprod_")
running(
    "logcumsumexp",
    lambda x, axis: np.log(np.cumsum(np.exp(x), axis)),
    takes="f",
    bad=(refuses(int, lambda x: S.logcumsumexp(x, 0), "logcumsumexp: expected a floating-point tensor"),),
)


def _extreme(pick: Any) -> Any:
    """(values so far, index of the last equal one), element by element."""

    def formula(x: Array, axis: int) -> Any:
        values, index = np.array(x), np.zeros(x.shape, np.int64)
        rows, given, places = (np.moveaxis(a, axis, 0) for a in (values, x, index))
        for t in range(1, len(rows)):
            later = pick(given[t], rows[t - 1]) == given[t]
            rows[t] = np.where(later, given[t], rows[t - 1])
            places[t] = np.where(later, t, places[t - 1])
        return [values, index]

    return formula


for name, other, pick in (("cummax", "running_max", np.maximum), ("cummin", "running_min", np.minimum)):
    running(name, _extreme(pick), distinct, gives="same index")
    running(other, _extreme(pick), distinct, gives="same index")


def _linear(a: Array, b: Array, dim: int) -> Array:
    y = np.array(b)
    rows, factors = np.moveaxis(y, dim, 0), np.moveaxis(a, dim, 0)
    for t in range(1, len(rows)):
        rows[t] = factors[t] * rows[t - 1] + rows[t]
    return y


sample(
    "linear_scan",
    S.linear_scan,
    _linear,
    (Input((3, 4, 2), zeros_too), Input((3, 4, 2))),
    ({"dim": 0}, {"dim": 1}, {"dim": 2}),
    empty=(Case(((0, 3), (0, 3)), {"dim": 1}),),
    without={"dtypes": GRADIENTS},
)
BOUNDS: tuple[dict[str, Any], ...] = ({}, {"n": 2}, {"dim": 0}, {"n": 0}, {"dim": 1, "n": 9})


def _diff(x: Array, n: int = 1, dim: int = -1) -> Array:
    for _ in range(n):
        x = np.diff(x, 1, dim)
    return x


sample(
    "diff",
    S.diff,
    _diff,
    (Input((3, 5)),),
    BOUNDS,
    empty=(Case(((0, 3),)), Case(((3, 0),))),
    bad=(
        (lambda: S.diff(ones(3), 1, 1), *NO_DIM),
        (lambda: S.diff(ones()), ShapeError, "at least one-dimensional"),
        (lambda: S.diff(ones(3), -1), ShapeError, "order must be non-negative but got n = -1"),
        (lambda: S.diff(ones(3), prepend=ones(1, 1)), ShapeError, "same dimension as input"),
    ),
)


def areas(name: str, formula: Any) -> None:
    """The area under points: the formula takes (y, x or the distance, dim)."""
    call = getattr(S, name)
    sample(
        name,
        lambda y, dx=None, dim=-1: call(y, dx=dx, dim=dim),
        lambda y, dx=1.0, dim=-1: formula(y, dx, dim),
        (Input((3, 5)),),
        ({}, {"dx": 0.5, "dim": 0}),
        takes="if",
        gives="float",
        empty=(Case(((0, 3),)),),
        bad=(
            (lambda: call(ones(3), dim=1), *NO_DIM),
            (lambda: call(ones(3), ones(2)), ShapeError, "one `x` value for each sample point"),
            (lambda: call(ones(3), ones(3), dx=1), TypeError, "both x= and dx="),
            (lambda: call(ones()), IndexError, "a dimension to go along"),
            refuses(bool, call, "received a bool input"),
        ),
    )
    sample(
        f"{name}_at_points",
        lambda y, x, dim=-1: call(y, x, dim=dim),
        lambda y, x, dim=-1: formula(y, np.diff(x, axis=0 if x.ndim == 1 else dim), dim),
        (Input((3, 5)), Input((5,))),
        ({},),
        takes="f",
        broadcast=(Case(((3, 5), (3, 5)), {"dim": 0}), Case(((3, 5), (3,)), {"dim": 0})),
        without={"dtypes": "the dtypes of the areas are tried without points"},
    )


def _areas(y: Array, width: Any, dim: int) -> Array:
    y = np.moveaxis(y, dim, -1)
    width = width if np.ndim(width) < 2 else np.moveaxis(width, dim, -1)
    return np.moveaxis((y[..., 1:] + y[..., :-1]) / 2 * width, -1, dim)


for name in ("trapezoid", "trapz"):
    areas(name, lambda y, width, dim: _areas(y, width, dim).sum(dim))
areas("cumulative_trapezoid", lambda y, width, dim: _areas(y, width, dim).cumsum(dim))


def _gradient(x: Array, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> Any:
    axes = tuple(range(x.ndim)) if dim is None else (dim,) if isinstance(dim, int) else dim
    steps = spacing if isinstance(spacing, list) else [spacing]
    slopes: Any = np.gradient
    y = slopes(x, *steps, axis=axes, edge_order=edge_order)
    return list(y) if isinstance(y, (tuple, list)) else [y]


sample(
    "gradient",
    S.gradient,
    _gradient,
    (Input((3, 5)),),
    (
        {},
        {"spacing": 0.5, "dim": 1},
        {"spacing": [2.0, 3.0]},
        {"edge_order": 2, "dim": (0, 1)},
        {"spacing": [2.0], "dim": 1, "edge_order": 2},
    ),
    takes="f",
    empty=(Case(((0, 3),), {"dim": 1}),),
    bad=(
        (lambda: S.gradient(ones(3), dim=1), *NO_DIM),
        (lambda: S.gradient(ones(1)), ShapeError, "at least edge_order"),
        (lambda: S.gradient(ones(3), edge_order=3), ShapeError, "only supports edge_order=1 and edge_order=2"),
        (lambda: S.gradient(ones(3, 3), spacing=[1.0]), ShapeError, "a list of length 2"),
        (lambda: S.gradient(ones(3), spacing=ones(3)), TypeError, "a number or tensor for each dimension"),
        (lambda: S.gradient(ones(3), spacing=[ones(2)]), ShapeError, "expected 3 coordinates"),
        (lambda: S.gradient(ones(3, dtype=bool)), DTypeError, "does not support torch.bool"),
    ),
    without={"dtypes": "integers become floats, but uint8 is refused: tests/oracle/test_reductions.py"},
)
