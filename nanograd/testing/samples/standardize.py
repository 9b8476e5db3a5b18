"""Samples of bringing groups of numbers to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import standardize as _standardize
from nanograd.testing.sample import Array, Case, Input, ones, sample

S: Any = _standardize  # untyped: bad input is among what its functions are given


def _standard(x: Array, dims: tuple[int, ...], eps: float) -> tuple[Array, Array, Array]:
    mean, variance = x.mean(dims, keepdims=True), x.var(dims, keepdims=True)
    return np.asarray((x - mean) / np.sqrt(variance + eps)), mean, variance


def _layer_norm(x: Array, w: Array, b: Array, normalized_shape: tuple[int, ...], eps: float = 1e-5) -> Array:
    return np.asarray(_standard(x, tuple(range(-len(normalized_shape), 0)), eps)[0] * w + b)


def _batch_norm(x: Array, w: Array, b: Array, eps: float = 1e-5) -> tuple[Array, ...]:
    y, mean, variance = _standard(x, (0, *range(2, x.ndim)), eps)
    column = (-1,) + (1,) * (x.ndim - 2)
    return y * w.reshape(column) + b.reshape(column), mean.reshape(-1), variance.reshape(-1)


MIXED = {"dtypes": "its inputs are the data and the weights: the oracle tries the dtypes that go together"}

sample(
    "layer_norm",
    lambda x, w, b, normalized_shape, **options: S.layer_norm(x, normalized_shape, w, b, **options),
    _layer_norm,
    (Input((3, 4, 5)), Input((5,)), Input((5,))),
    ({"normalized_shape": (5,)}, {"normalized_shape": [5], "eps": 0.5}),
    takes="f",
    broadcast=(
        Case(((3, 4, 5), (4, 5), (4, 5)), {"normalized_shape": (4, 5)}),
        Case(((5,), (5,), (5,)), {"normalized_shape": (5,)}),
        Case(((30, 40), (40,), (40,)), {"normalized_shape": (40,)}),
        Case(((70, 9), (9,), (9,)), {"normalized_shape": (9,)}),  # more rows than are added up in their dtype
    ),
    empty=(Case(((0, 5), (5,), (5,)), {"normalized_shape": (5,)}),),
    fused="layer_norm",
    bad=(
        (lambda: S.layer_norm(ones(2, 3), (4,)), ShapeError, r"layer_norm: Given normalized_shape=\[4\]"),
        (lambda: S.layer_norm(ones(2, 3), ()), ShapeError, "layer_norm: Expected normalized_shape to be at least"),
        (
            lambda: S.layer_norm(ones(2, 3), (3,), ones(2)),
            ShapeError,
            "layer_norm: Expected weight to be of same shape",
        ),
        (lambda: S.layer_norm(ones(2, 3), (3,), None, ones(2)), ShapeError, "layer_norm: Expected bias to be of same"),
        (lambda: S.layer_norm(ones(2, 3, dtype=int), (3,)), DTypeError, "layer_norm: expected floats"),
    ),
    without=MIXED,
)
sample(
    "batch_norm",
    S.batch_norm,
    _batch_norm,
    (Input((6, 3)), Input((3,)), Input((3,))),
    ({}, {"eps": 0.5}),
    takes="f",
    broadcast=(Case(((4, 3, 5), (3,), (3,))), Case(((2, 3, 4, 2), (3,), (3,))), Case(((9, 4, 7, 5), (4,), (4,)))),
    fused="batch_norm",
    without=MIXED,
)
