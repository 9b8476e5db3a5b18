"""Samples of reading rows of a table by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError
from nanograd.ops import embedding as _embedding
from nanograd.testing.sample import GRADIENTS, Array, Case, Input, below, ones, sample

E: Any = _embedding  # untyped: bad input is among what its functions are given


def _grad(g: Array, index: Array, rows: int, padding_idx: int = -1, scale_grad_by_freq: bool = False) -> Array:
    out = np.zeros((rows, *g.shape[index.ndim :]))
    counts = np.bincount(index.reshape(-1), minlength=rows)
    for place in np.ndindex(index.shape):
        row = index[place]
        if row != padding_idx:
            out[row] += g[place] / (counts[row] if scale_grad_by_freq else 1)
    return out


sample(
    "embedding",
    E.embedding,
    lambda w, i: w[i],
    (Input((5, 3)), Input((2, 4), below(5))),
    takes="bif",
    broadcast=(Case(((5, 3), (4, 9))),),
    empty=(Case(((5, 3), (0,))), Case(((5, 0), (2,))), Case(((5, 0), (20,)))),
    zero_dim=(Case(((5, 3), ())),),
    bad=(
        (lambda: E.embedding(ones(2, 3), ones(2)), DTypeError, "embedding: expected indices"),
        (lambda: E.embedding(ones(2, 3), ones(2, dtype=int) * 2), IndexError, "embedding: index out of range in self"),
        (lambda: E.embedding(ones(2, 3), -ones(2, dtype=int)), IndexError, "got -1, the table has 2 rows"),
        (lambda: E.embedding(ones(2, 3), ones(5, 5, dtype=int) * 2), IndexError, "got 2, the table has 2 rows"),
    ),
)
sample(
    "embedding_grad",
    lambda g, i, rows, padding_idx=-1, scale_grad_by_freq=False: E.embedding_grad(
        g, i, rows, padding_idx, scale_grad_by_freq
    ),
    _grad,
    (Input((2, 4, 3)), Input((2, 4), below(5))),
    ({"rows": 5}, {"rows": 6, "padding_idx": 2}, {"rows": 5, "padding_idx": 0, "scale_grad_by_freq": True}),
    takes="f",
    broadcast=(Case(((20, 30), (20,)), {"rows": 7, "padding_idx": 1}),),
    empty=(Case(((0, 3), (0,)), {"rows": 5}),),
    zero_dim=(Case(((3,), ()), {"rows": 5}),),
    without={"dtypes": GRADIENTS},
)
