"""Samples of attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import ShapeError
from nanograd.ops import attention as _attention
from nanograd.ops.creation import tensor
from nanograd.testing.sample import GRADIENTS, Array, Case, Input, ones, sample, unit

A: Any = _attention  # untyped: bad input is among what its functions are given
LENGTHS = 3, 5  # of query and key
ALLOWED = np.arange(5) <= np.array([[2], [-1], [4]])  # query 1 may see no key
ADDED = np.where(ALLOWED, 0.25 * np.arange(5), -np.inf)


def _weights(q: Array, k: Array, mask: Any = None, is_causal: bool = False, scale: float = 1.0) -> Array:
    """Query by query, over the keys that it may see."""
    scores = np.einsum("...le,...se->...ls", q, k) * scale
    allowed = np.ones(scores.shape, bool)
    if is_causal:
        allowed &= np.arange(scores.shape[-1]) <= np.arange(scores.shape[-2])[:, None]
    if mask is not None:
        values = mask.numpy_of()
        allowed &= values if values.dtype == bool else values > -np.inf
        scores = scores + (0 if values.dtype == bool else np.where(values > -np.inf, values, 0))
    e = np.where(allowed, np.exp(scores - scores.max(-1, keepdims=True, initial=-np.inf)), 0)
    total = e.sum(-1, keepdims=True)
    return np.asarray(np.divide(e, total, out=np.zeros_like(e), where=total > 0))


def typed(call: Any) -> Any:
    """``call`` with a mask of the dtype of its first input."""

    def run(q: Any, *rest: Any, mask: Any = None, **options: Any) -> Any:
        return call(
            q, *rest, mask=mask if mask is None or not mask.is_floating_point() else mask.to(q.dtype), **options
        )

    return run


OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"is_causal": True, "scale": 0.5},
    {"mask": tensor(ALLOWED)},
    {"mask": tensor(ADDED), "scale": 2.0},
)
TWO = Input((2, 3, 4)), Input((2, 5, 4))
sample(
    "scaled_softmax",
    A.scaled_softmax,
    lambda s, scale=1.0, is_causal=False: _weights(s, np.eye(s.shape[-1]), None, is_causal, scale),
    (Input((2, 3, 5)),),
    ({}, {"scale": 0.5, "is_causal": True}, {"scale": -2.0, "is_causal": True}),
    takes="f",
    without={"zero_dim": "scores have two dimensions"},
    empty=(Case(((2, 0, 4),)), Case(((2, 3, 0),))),
)
sample(
    "scaled_softmax_grad",
    A.scaled_softmax_grad,
    lambda g, y, scale: scale * y * (g - (g * y).sum(-1, keepdims=True)),
    (Input((2, 3, 5)), Input((2, 3, 5), unit)),
    ({"scale": 0.5},),
    without={"dtypes": GRADIENTS, "zero_dim": "scores have two dimensions"},
    empty=(Case(((2, 0, 4), (2, 0, 4)), {"scale": 0.5}),),
)
THREE = (*TWO, Input((2, 5, 2)))
BROADCAST = ((3, 4), (2, 5, 4)), ((2, 1, 3, 4), (6, 5, 4))
sample(
    "attention_weights",
    typed(A.attention_weights),
    _weights,
    TWO,
    OPTIONS,
    takes="f",
    broadcast=tuple(Case(s) for s in BROADCAST),
    empty=(Case(((0, 3, 4), (0, 5, 4))), Case(((2, 0, 4), (2, 5, 4))), Case(((2, 3, 4), (2, 0, 4)))),
    without={"dtypes": "both must be of one dtype: the oracle tries them"},
    bad=((lambda: A.attention_weights(ones(2, 3), ones(4, 5)), ShapeError, "matmul: cannot multiply"),),
)
sample(
    "attention",
    typed(A.attention),
    lambda q, k, v, **options: _weights(q, k, **options) @ v,
    THREE,
    OPTIONS,
    takes="f",
    broadcast=tuple(Case((*s, (2, 1, 5, 2))) for s in BROADCAST),
    empty=(Case(((0, 3, 4), (0, 5, 4), (0, 5, 2))), Case(((2, 3, 4), (2, 0, 4), (2, 0, 2)))),
    without={"dtypes": "all must be of one dtype: the oracle tries them"},
    bad=((lambda: A.attention(ones(2, 3), ones(4, 3), ones(5, 3)), ShapeError, "matmul: cannot multiply"),),
)
