"""Samples of pooling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.nn.functional import pooling as _functional
from nanograd.ops import pooling as _pooling
from nanograd.testing.sample import GRADIENTS, Array, Case, Input, Shape, away, below, distinct, ones, positive, sample

P: Any = _pooling  # untyped: bad input is among what its functions are given
F: Any = _functional


def _cells(place: Shape, inner: Shape, size: Any, step: Any, pad: Any, dil: Any) -> Iterator[Shape]:
    """The places of the input under a window."""
    for cell in np.ndindex(size):
        at = tuple(i * s - p + c * d for i, c, s, p, d in zip(place, cell, step, pad, dil, strict=True))
        if all(0 <= i < n for i, n in zip(at, inner, strict=True)):
            yield at


def _pooled(x: Array, size: Any, step: Any, pad: Any, dil: Any, out: Any) -> Any:
    values, places = np.empty((*x.shape[:2], *out), x.dtype), np.empty((*x.shape[:2], *out), np.int64)
    for n, c, *place in np.ndindex(values.shape):
        cells = _cells(tuple(place), x.shape[2:], size, step, pad, dil)
        best = max(cells, key=lambda cell: x[n, c, *cell])
        values[n, c, *place], places[n, c, *place] = x[n, c, *best], np.ravel_multi_index(best, x.shape[2:])
    return [values, places]


WINDOWS = {"windows": ((2, 3), (2, 1), (1, 1), (1, 2), (3, 3))}
sample(
    "pool_max",
    P.pool_max,
    lambda x, windows: _pooled(x, *windows),
    (Input((2, 2, 5, 5), distinct),),
    (WINDOWS,),
    gives="same index",
    without={"dtypes": "max_pool2d refuses truth values before"},
    empty=(Case(((0, 2, 5, 5),), WINDOWS),),
)


def _sent(g: Array, places: Array, shape: Shape) -> Array:
    y = np.zeros(shape, g.dtype)
    for n, c, *place in np.ndindex(g.shape):
        y[(n, c, *np.unravel_index(places[n, c, *place], shape[2:]))] += g[n, c, *place]
    return y


sample(
    "to_places",
    P.to_places,
    _sent,
    (Input((2, 2, 3, 2)), Input((2, 2, 3, 2), below(20))),
    ({"shape": (2, 2, 4, 5)},),
    takes="f",
    without={"dtypes": GRADIENTS},
    empty=(Case(((0, 2, 3, 2), (0, 2, 3, 2)), {"shape": (0, 2, 4, 5)}),),
)


def _of_squares(dims: int, reduce: Callable[[Array], Any]) -> Callable[..., Array]:
    """The reduction of each window with equal sides."""

    def formula(x: Array, kernel_size: int, stride: int | None = None, **_: Any) -> Array:
        step = stride or kernel_size
        out = [(n - kernel_size) // step + 1 for n in x.shape[-dims:]]
        y = np.empty((*x.shape[:-dims], *out), x.dtype)
        for place in np.ndindex(*out):
            here: Any = (..., *(slice(i * step, i * step + kernel_size) for i in place))
            window = x[here]
            y[(..., *place)] = reduce(window.reshape(*window.shape[:-dims], kernel_size**dims))
        return y

    return formula


def _register(
    name: str, call: Any, formula: Any, shape: Shape, domain: Any, takes: str, bad: Any, **options: Any
) -> None:
    sample(
        name,
        call,
        formula,
        (Input(shape, domain),),
        ({"kernel_size": 2, **options}, {"kernel_size": 2, "stride": 1, **options}),
        takes=takes,
        broadcast=(Case((shape[1:],), {"kernel_size": 2, **options}),),
        empty=(Case(((0, *shape[1:]),), {"kernel_size": 2, **options}),),
        bad=bad,
        without={} if "i" in takes else {"dtypes": "of the integers it takes torch.int64 only"},
    )


SHAPES = {1: (2, 2, 5), 2: (2, 2, 4, 5), 3: (1, 2, 3, 2, 4)}
for dims, shape in SHAPES.items():
    _register(
        f"max_pool{dims}d",
        getattr(P, f"max_pool{dims}d"),
        _of_squares(dims, lambda w: w.max(-1)),
        shape,
        distinct,
        "if",
        (
            (
                lambda d=dims: getattr(P, f"max_pool{d}d")(ones(5), 2),
                ShapeError,
                f"Expected {dims + 1}D or {dims + 2}D",
            ),
            (lambda d=dims: getattr(P, f"max_pool{d}d")(ones(*(2,) * (d + 1)), 3), ShapeError, "does not fit"),
            (
                lambda d=dims: getattr(P, f"max_pool{d}d")(ones(*(4,) * (d + 1)), 2, padding=2),
                ShapeError,
                "at most half",
            ),
            (
                lambda d=dims: getattr(P, f"max_pool{d}d")(ones(*(4,) * (d + 1)), 2, 0),
                ShapeError,
                "stride must be greater",
            ),
            (
                lambda d=dims: getattr(P, f"max_pool{d}d")(ones(*(4,) * (d + 1)), "a"),
                DTypeError,
                "kernel_size: expected",
            ),
        ),
    )
    _register(
        f"avg_pool{dims}d",
        getattr(F, f"avg_pool{dims}d"),
        _of_squares(dims, lambda w: w.mean(-1)),
        shape,
        away,
        "f",
        (
            (
                lambda d=dims: getattr(F, f"avg_pool{d}d")(ones(5), 2),
                ShapeError,
                f"Expected {dims + 1}D or {dims + 2}D",
            ),
            (
                lambda d=dims: getattr(F, f"avg_pool{d}d")(ones(*(2,) * (d + 1)), 3),
                ShapeError,
                "Output size is too small",
            ),
        ),
    )
    _register(
        f"lp_pool{dims}d",
        getattr(F, f"lp_pool{dims}d"),
        _of_squares(dims, lambda w: (w**3).sum(-1) ** (1 / 3)),
        shape,
        positive,
        "f",
        (
            (
                lambda d=dims: getattr(F, f"lp_pool{d}d")(ones(*(2,) * (d + 1)), 2, 3),
                ShapeError,
                f"lp_pool{dims}d: Given",
            ),
        ),
        norm_type=3,
    )


# Equal shares


def _shares(inner: Shape, out: Shape) -> Iterator[tuple[Any, Any]]:
    """Where each result stands, and the block of the input that it is of."""
    edges = ([(i * n // m, -(-(i + 1) * n // m)) for i in range(m)] for n, m in zip(inner, out, strict=True))
    for place, spans in zip(np.ndindex(*out), itertools.product(*edges), strict=True):
        yield (..., *place), (..., *(slice(*span) for span in spans))


def _of_shares(reduce: Callable[[Array], Any]) -> Callable[..., Array]:
    """The reduction of each of so many shares."""

    def formula(x: Array, output_size: Shape) -> Array:
        dims = len(output_size)
        y = np.empty((*x.shape[:-dims], *output_size), x.dtype)
        for place, block in _shares(x.shape[-dims:], output_size):
            part = x[block]
            y[place] = reduce(part.reshape(*part.shape[:-dims], math.prod(part.shape[-dims:])))
        return y

    return formula


def _greatest_of_shares(x: Array, out: Shape) -> Any:
    where = np.arange(np.prod(x.shape[2:])).reshape(x.shape[2:])
    places = np.empty((*x.shape[:2], *out), np.int64)
    for place, block in _shares(x.shape[2:], out):
        at = where[block].reshape(-1)
        places[place] = at[x[block].reshape(*x.shape[:2], at.size).argmax(-1)]
    return [_of_shares(lambda w: w.max(-1))(x, out), places]


sample(
    "pool_max_of_shares",
    P.pool_max_of_shares,
    _greatest_of_shares,
    (Input((2, 2, 4, 5), distinct),),
    ({"out": (3, 2)}, {"out": (5, 1)}),
    takes="f",
    gives="same index",
    without={"dtypes": "adaptive_max_pool2d refuses integers before"},
    empty=(Case(((0, 2, 4, 5),), {"out": (3, 2)}),),
)
for dims, shape in SHAPES.items():
    for kind, reduce in (("avg", lambda w: w.mean(-1)), ("max", lambda w: w.max(-1))):
        name, out = f"adaptive_{kind}_pool{dims}d", {"output_size": (2, 3, 2)[:dims]}
        sample(
            name,
            getattr(F, name),
            _of_shares(reduce),
            (Input(shape, distinct),),
            (out, {"output_size": (1,) * dims}),
            takes="f",
            broadcast=(Case((shape[1:],), out),),
            empty=(Case(((0, *shape[1:]),), out),),
            bad=(
                (lambda name=name: getattr(F, name)(ones(5), 2), ShapeError, f"{name}: Expected"),
                (lambda name=name, s=shape: getattr(F, name)(ones(*s), (1,) * 4), ShapeError, "output_size must be"),
                (lambda name=name, s=shape: getattr(F, name)(ones(*s), -1), ShapeError, "greater than or equal to 0"),
                (lambda name=name, s=shape: getattr(F, name)(ones(*s), 1.5), DTypeError, "expected output_size"),
            ),
        )


# The way back


def _unpooled(x: Array, places: Array, kernel_size: int) -> Array:
    y = np.zeros((*x.shape[:-2], *(n * kernel_size for n in x.shape[-2:])), x.dtype)
    for *channel, i, j in np.ndindex(x.shape):
        y[(*channel, *np.unravel_index(places[(*channel, i, j)], y.shape[-2:]))] = x[(*channel, i, j)]
    return y


def _some_places(rng: np.random.Generator, shape: Shape) -> Array:
    """Different places of an image four times as large for each channel."""
    n = shape[-1] * shape[-2]
    channels = int(np.prod(shape[:-2]))
    return (
        np.stack([rng.permutation(4 * n)[:n] for _ in range(channels)]).reshape(shape)
        if channels
        else np.zeros(shape, int)
    )


sample(
    "max_unpool2d",
    F.max_unpool2d,
    _unpooled,
    (Input((2, 2, 2, 3)), Input((2, 2, 2, 3), _some_places)),
    ({"kernel_size": 2},),
    takes="f",
    broadcast=(Case(((2, 2, 3), (2, 2, 3)), {"kernel_size": 2}),),
    empty=(Case(((0, 2, 2, 3), (0, 2, 2, 3)), {"kernel_size": 2}),),
    bad=(
        (
            lambda: F.max_unpool2d(ones(1, 1, 2), ones(1, 1, 2).long() * 99, 2),
            ShapeError,
            "Found an invalid max index: 99",
        ),
        (lambda: F.max_unpool2d(ones(1, 1, 2), ones(1, 1, 2).int(), 2), DTypeError, "should be type int64"),
        (lambda: F.max_unpool2d(ones(1, 1, 2), ones(1, 2, 2).long(), 2), ShapeError, "Expected shape of indices"),
        (lambda: F.max_unpool2d(ones(2), ones(2).long(), 2), ShapeError, "max_unpool2d: Input should be a 3d or 4d"),
    ),
)
