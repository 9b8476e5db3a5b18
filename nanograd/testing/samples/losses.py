"""Samples of losses of element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import ShapeError
from nanograd.ops import losses as _losses
from nanograd.testing.pointwise import binary
from nanograd.testing.sample import Array, Case, Input, ones, sample, unit

L: Any = _losses  # untyped: bad input is among what its functions are given


def _squared(x: Array, t: Array, reduction: str = "mean") -> Any:
    losses = np.square(x - t)
    return {"mean": np.divide(losses.sum(), losses.size), "sum": losses.sum(), "none": losses}[reduction]


sample(
    "squared_error",
    L.squared_error,
    _squared,
    (Input((3, 5)), Input((3, 5))),
    ({}, {"reduction": "sum"}, {"reduction": "none"}),
    takes="f",
    broadcast=(Case(((3, 5), (5,))), Case(((3, 1), (5,)), {"reduction": "sum"}), Case(((40, 30), (40, 30)))),
    empty=(Case(((0, 3), (0, 3))), Case(((0,), (0,)), {"reduction": "sum"})),
    zero_dim=(Case(((), ())),),
    fused="squared_error",
    bad=(
        (lambda: L.squared_error(ones(2), ones(2), "avg"), ValueError, "mse_loss: 'avg' is not a valid value"),
        (lambda: L.squared_error(ones(2, 3), ones(4)), ShapeError, "do not broadcast"),
    ),
)
binary(
    "binary_cross_entropy",
    L.binary_cross_entropy,
    lambda x, t: -(t * np.log(x) + (1 - t) * np.log(1 - x)),
    unit,
    takes="f",
)
