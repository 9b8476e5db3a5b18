"""Samples of dimensions that repeat."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import ShapeError
from nanograd.ops import broadcasting as _broadcasting
from nanograd.testing.sample import Case, Input, Shape, ones, sample

B: Any = _broadcasting  # untyped: bad input is among what its functions are given


def rearranging(name: str, call: Any, formula: Any, shape: Shape, **more: Any) -> None:
    """A view of one tensor."""
    sample(name, call, formula, (Input(shape),), **more)


rearranging(
    "expand",
    B.expand,
    lambda x, size: np.broadcast_to(
        x, [n if s == -1 else s for s, n in zip(size, x.shape, strict=True)] if x.ndim == len(size) else size
    ),
    (3, 1),
    options=({"size": (3, 5)}, {"size": (7, 3, 5)}, {"size": (-1, 5)}),
    empty=(Case(((1, 3),), {"size": (0, 3)}),),
    zero_dim=(Case(((),), {"size": (3,)}), Case(((),), {"size": ()})),
    bad=(
        (lambda: B.expand(ones(2, 3), 4, 3), ShapeError, r"expand: cannot expand shape \(2, 3\)"),
        (lambda: B.expand(ones(2, 3), 3), ShapeError, "expand: .*fewer dimensions"),
    ),
)
sample(
    "expand_as",
    B.expand_as,
    lambda x, other: np.broadcast_to(x, other.shape),
    (Input((3, 1)), Input((3, 5), grad=False)),
    empty=(Case(((1, 3), (0, 3))),),
    zero_dim=(Case(((), (3,))),),
    without={"dtypes": "the other tensor gives its shape alone"},
    bad=((lambda: B.expand_as(ones(2), ones(3)), ShapeError, "expand: cannot expand"),),
)
rearranging(
    "broadcast_to",
    B.broadcast_to,
    lambda x, size: np.broadcast_to(x, size),
    (3, 1),
    options=({"size": (3, 5)}, {"size": (7, 3, 5)}),
    empty=(Case(((1, 3),), {"size": (0, 3)}),),
    zero_dim=(Case(((),), {"size": (3,)}),),
    bad=((lambda: B.broadcast_to(ones(2), 3), ShapeError, "The expanded size of the tensor"),),
)
sample(
    "broadcast_tensors",
    B.broadcast_tensors,
    np.broadcast_arrays,
    (Input((3, 1)), Input((5,))),
    empty=(Case(((1, 3), (0, 3))),),
    zero_dim=(Case(((), (3,))),),
    without={"dtypes": "each keeps its own"},
    bad=((lambda: B.broadcast_tensors(ones(2), ones(3)), ShapeError, "must match the size of tensor b"),),
)
