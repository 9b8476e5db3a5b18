"""Samples of softmax and the losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import normalization as _normalization
from nanograd.ops.creation import tensor
from nanograd.testing.sample import CONSTANT, GRADIENTS, NO_DIM, Array, Case, Input, away, below, ones, sample, unit

N: Any = _normalization  # untyped: bad input is among what its functions are given


def _softmax(x: Array, dim: int) -> Array:
    if not x.ndim:
        return np.ones((), x.dtype)
    e = np.exp(x - x.max(dim, keepdims=True))
    return np.asarray(e / e.sum(dim, keepdims=True))


def along(name: str, formula: Any) -> None:
    """A function of all elements along a dimension."""
    call = getattr(N, name)
    sample(
        name,
        call,
        formula,
        (Input((3, 5)),),
        ({"dim": 1}, {"dim": 0}),
        takes="f",
        zero_dim=(Case(((),), {"dim": 0}),),
        empty=(Case(((0, 5),), {"dim": 1}), Case(((3, 0),), {"dim": 0})),
        bad=(
            (lambda: call(ones(2)), DTypeError, f"{name}: dim is missing"),
            (lambda: call(ones(2), 1), *NO_DIM),
            (lambda: call(ones(2, dtype=int), 0), DTypeError, f"{name}: expected a floating-point tensor"),
        ),
    )


along("softmax", _softmax)
along("log_softmax", lambda x, dim: np.log(_softmax(x, dim)))


def along_back(name: str, formula: Any, domain: Any) -> None:
    """What flows back through a function of all elements along a dimension."""
    sample(
        name,
        getattr(N, name),
        formula,
        (Input((3, 5)), Input((3, 5), domain)),
        ({"dim": 1}, {"dim": 0}),
        without={"dtypes": GRADIENTS, "zero_dim": "softmax of no dimensions is that of one"},
        empty=(Case(((0, 5), (0, 5)), {"dim": 1}), Case(((3, 0), (3, 0)), {"dim": 1})),
    )


along_back("softmax_grad", lambda g, y, dim: y * (g - (g * y).sum(dim, keepdims=True)), unit)
along_back("log_softmax_grad", lambda g, y, dim: g - np.exp(y) * g.sum(dim, keepdims=True), away)


def _nll(x: Array, t: Array, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    safe = np.where(t == ignore_index, 0, t)
    w = (np.ones(x.shape[1]) if weight is None else weight.numpy_of())[safe] * (t != ignore_index)
    losses = -w * np.take_along_axis(x, safe[:, None], 1)[:, 0]
    return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / w.sum() if w.size else np.nan}[reduction]


def _cross_entropy(x: Array, t: Array, label_smoothing: float = 0.0, **more: Any) -> Any:
    logp = x - x.max(1, keepdims=True)
    logp = logp - np.log(np.exp(logp).sum(1, keepdims=True))
    if not label_smoothing:
        return _nll(logp, t, **more)
    return (1 - label_smoothing) * _nll(logp, t, **more) - label_smoothing * logp.mean()


SCORES = (Input((7, 5)), Input((7,), below(5)))
WEIGHTED: tuple[dict[str, Any], ...] = (
    {},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"ignore_index": 1},
    {"weight": tensor([1.0, 2.0, 0.5, 3.0, 1.5], dtype=dtypes.float64)},
)
BAD_LOSS = (
    (
        lambda: N.cross_entropy(ones(2, 3), ones(2, dtype=int) * 3),
        IndexError,
        "cross_entropy: Target 3 is out of bounds",
    ),
    (lambda: N.cross_entropy(ones(2, 3), ones(2, dtype=bool)), DTypeError, "cross_entropy: expected scalar type Long"),
    (lambda: N.cross_entropy(ones(2, 3), ones(3, dtype=int)), ShapeError, "cross_entropy: expected an input"),
    (
        lambda: N.cross_entropy(ones(2, 3), ones(2, dtype=int), reduction="avg"),
        ValueError,
        "'avg' is not a valid value",
    ),
    (lambda: N.cross_entropy(ones(2, 3), ones(2, 2)), ShapeError, "cross_entropy: probabilities need"),
)
BY_CLASS = {"dtypes": "its targets are class numbers: the oracle tries both dtypes"}
sample(
    "nll_loss",
    N.nll_loss,
    _nll,
    SCORES,
    WEIGHTED,
    takes="f",
    without=BY_CLASS,
    empty=(Case(((0, 5), (0,))),),
    bad=((lambda: N.nll_loss(ones(2, 3), ones(2)), DTypeError, "nll_loss: expected scalar type Long"),),
)
sample(
    "cross_entropy",
    N.cross_entropy,
    _cross_entropy,
    SCORES,
    (*WEIGHTED, {"label_smoothing": 0.25}),
    takes="f",
    fused="cross_entropy",
    without=BY_CLASS,
    empty=(Case(((0, 5), (0,))),),
    bad=BAD_LOSS,
)
sample(
    "cross_entropy_grad",
    lambda g, p, t: N.cross_entropy_grad(g, p, t),
    lambda g, p, t: g / len(t) * (p - np.eye(p.shape[1])[t]),
    (Input((), grad=False), Input((7, 5), unit, grad=False), Input((7,), below(5))),
    takes="f",
    without={**CONSTANT, **BY_CLASS, "gradient": "it is a fused pullback: create_graph differentiates the meaning"},
)
