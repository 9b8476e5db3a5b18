"""Samples of views, joins, copies and casts."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import shape as _shape
from nanograd.testing.sample import Case, Input, Shape, ones, sample

S: Any = _shape  # untyped: bad input is among what its functions are given


def rearranging(name: str, call: Any, formula: Any, shape: Shape, **more: Any) -> None:
    """A view or copy of one tensor."""
    sample(name, call, formula, (Input(shape),), **more)


rearranging(
    "to_shape",
    S.to_shape,
    lambda x, shape: x.reshape(shape),
    (3, 5),
    options=({"shape": (5, 3)}, {"shape": (15,)}),
    empty=(Case(((0, 3),), {"shape": (3, 0, 5)}),),
    zero_dim=(Case(((),), {"shape": (1, 1)}),),
)
rearranging(
    "reshape",
    S.reshape,
    lambda x, shape: x.reshape(shape),
    (3, 5),
    options=({"shape": (5, -1)}, {"shape": (3, 5)}),
    empty=(Case(((0, 3),), {"shape": (-1, 3)}),),
    zero_dim=(Case(((),), {"shape": (-1,)}),),
    bad=(
        (lambda: S.reshape(ones(2, 3), 4, 2), ShapeError, "reshape: shape .* is invalid for input of size 6"),
        (lambda: S.reshape(ones(2, 3), -1, -1), ShapeError, "only one size can be inferred"),
        (lambda: S.reshape(ones(2, 3), -1, 4), ShapeError, "is invalid for input of size 6"),
        (lambda: S.reshape(ones(2, 3), 1.5), DTypeError, "reshape: expected sizes that are integers"),
    ),
)
rearranging(
    "view_as_shape",
    S.view_as_shape,
    lambda x, shape: x.reshape(shape),
    (3, 5),
    options=({"shape": (5, -1)},),
    empty=(Case(((0, 3),), {"shape": (0,)}),),
    zero_dim=(Case(((),), {"shape": (1,)}),),
    bad=((lambda: ones(2, 3).T.view(6), ShapeError, "view: .* without copying"),),
    without={"noncontiguous": "it refuses strides that forbid a view"},
)
rearranging(
    "flatten",
    S.flatten,
    lambda x, start_dim=0, end_dim=-1: x.reshape(3, -1) if start_dim else x.reshape(-1),
    (3, 1, 5),
    options=({}, {"start_dim": 1}),
    empty=(Case(((0, 3),)),),
    zero_dim=(Case(((),)),),
    bad=(
        (lambda: S.flatten(ones(2, 3), 1, 0), ShapeError, "flatten: start_dim 1 comes after"),
        (lambda: S.flatten(ones(2, 3), 2), IndexError, "Dimension out of range"),
    ),
)
rearranging(
    "permute",
    S.permute,
    lambda x, dims: x.transpose(dims),
    (3, 1, 5),
    options=({"dims": (2, 0, 1)}, {"dims": (-1, 1, 0)}),
    empty=(Case(((0, 3),), {"dims": (1, 0)}),),
    zero_dim=(Case(((),), {"dims": ()}),),
    bad=(
        (lambda: S.permute(ones(2, 3), 0, 0), ShapeError, "permute: dims"),
        (lambda: S.permute(ones(2, 3), 0, 2), IndexError, "Dimension out of range"),
    ),
)
rearranging(
    "movedim",
    S.movedim,
    np.moveaxis,
    (3, 1, 5),
    options=({"source": 0, "destination": 2},),
    empty=(Case(((0, 3),), {"source": 0, "destination": -1}),),
    bad=((lambda: S.movedim(ones(2), 1, 0), IndexError, "movedim"),),
)
rearranging(
    "transpose",
    S.transpose,
    lambda x, dim0, dim1: np.swapaxes(x, dim0, dim1),
    (3, 1, 5),
    options=({"dim0": 0, "dim1": 2}, {"dim0": -1, "dim1": 1}),
    empty=(Case(((0, 3),), {"dim0": 0, "dim1": 1}),),
    bad=((lambda: S.transpose(ones(2, 3), 0, 2), IndexError, "transpose: Dimension out of range"),),
)
rearranging(
    "t",
    S.t,
    np.transpose,
    (3, 5),
    empty=(Case(((0, 3),)),),
    zero_dim=(Case(((),)),),
    bad=((lambda: S.t(ones(2, 2, 2)), ShapeError, "t: expected a tensor of 2 dimensions"),),
)
rearranging(
    "reversed_dims", S.reversed_dims, np.transpose, (3, 1, 5), empty=(Case(((0, 3),)),), zero_dim=(Case(((),)),)
)
rearranging(
    "matrix_transpose",
    S.matrix_transpose,
    lambda x: np.swapaxes(x, -1, -2),
    (3, 1, 5),
    empty=(Case(((0, 3),)),),
    bad=((lambda: S.matrix_transpose(ones(2)), ShapeError, "mT: expected at least 2"),),
)
rearranging(
    "squeeze",
    S.squeeze,
    lambda x, dim=None: np.squeeze(x, dim),
    (3, 1, 5, 1),
    options=({}, {"dim": 1}, {"dim": (1, 3)}),
    empty=(Case(((0, 1),)),),
    zero_dim=(Case(((),)),),
    bad=((lambda: S.squeeze(ones(2), 1), IndexError, "squeeze: Dim"),),
)
rearranging(
    "unsqueeze",
    S.unsqueeze,
    lambda x, dim: np.expand_dims(x, dim),
    (3, 5),
    options=({"dim": 0}, {"dim": -1}),
    empty=(Case(((0,),), {"dim": 1}),),
    zero_dim=(Case(((),), {"dim": 0}),),
    bad=((lambda: S.unsqueeze(ones(2), 3), IndexError, "unsqueeze: Dimension out of range"),),
)
rearranging(
    "expand",
    S.expand,
    lambda x, size: np.broadcast_to(
        x, [n if s == -1 else s for s, n in zip(size, x.shape, strict=True)] if x.ndim == len(size) else size
    ),
    (3, 1),
    options=({"size": (3, 5)}, {"size": (7, 3, 5)}, {"size": (-1, 5)}),
    empty=(Case(((1, 3),), {"size": (0, 3)}),),
    zero_dim=(Case(((),), {"size": (3,)}), Case(((),), {"size": ()})),
    bad=(
        (lambda: S.expand(ones(2, 3), 4, 3), ShapeError, r"expand: cannot expand shape \(2, 3\)"),
        (lambda: S.expand(ones(2, 3), 3), ShapeError, "expand: .*fewer dimensions"),
    ),
)
sample(
    "expand_as",
    S.expand_as,
    lambda x, other: np.broadcast_to(x, other.shape),
    (Input((3, 1)), Input((3, 5), grad=False)),
    empty=(Case(((1, 3), (0, 3))),),
    zero_dim=(Case(((), (3,))),),
    without={"dtypes": "the other tensor gives its shape alone"},
    bad=((lambda: S.expand_as(ones(2), ones(3)), ShapeError, "expand: cannot expand"),),
)
rearranging("clone", S.clone, np.copy, (3, 5), empty=(Case(((0, 3),)),), zero_dim=(Case(((),)),))
rearranging(
    "to_dtype",
    S.to_dtype,
    lambda x, dtype: x.astype(dtype.numpy),
    (3, 5),
    options=({"dtype": dtypes.float64}, {"dtype": dtypes.float32}),
    empty=(Case(((0, 3),), {"dtype": dtypes.int64}),),
    zero_dim=(Case(((),), {"dtype": dtypes.int32}),),
    without={
        "dtypes": "its result has the dtype it is asked for",
        "gradient": "float32 is too coarse for differences: test_casts of tests/test_laws.py",
        "second_gradient": "its gradient is constant",
    },
)
rearranging(
    "flip",
    S.flip,
    lambda x, dims: np.flip(x, dims),
    (3, 1, 5),
    options=({"dims": (0,)}, {"dims": (0, -1)}),
    empty=(Case(((0, 3),), {"dims": (1,)}),),
    bad=(
        (lambda: S.flip(ones(2), 1), IndexError, "flip: Dim"),
        (lambda: S.flip(ones(2, 2), 0, 0), ShapeError, "flip: dim .* twice"),
    ),
)


def triangle(name: str, formula: Any) -> None:
    """A triangle of a matrix."""
    call = getattr(S, name)
    rearranging(
        name,
        call,
        lambda x, diagonal=0: formula(x, diagonal),
        (3, 5),
        options=({}, {"diagonal": 1}, {"diagonal": -1}),
        empty=(Case(((0, 3),)),),
        bad=((lambda: call(ones(2)), ShapeError, f"{name}: expected at least 2 dimensions"),),
    )


triangle("tril", np.tril)
triangle("triu", np.triu)
rearranging(
    "repeat",
    S.repeat,
    lambda x, repeats: np.tile(x, repeats),
    (3, 1),
    options=({"repeats": (2, 3)}, {"repeats": (2, 1, 5)}),
    empty=(Case(((3,),), {"repeats": (0,)}),),
    zero_dim=(Case(((),), {"repeats": (3,)}),),
    bad=(
        (lambda: S.repeat(ones(2, 3), 2), ShapeError, "repeat: .*fewer entries"),
        (lambda: S.repeat(ones(2), -1), ShapeError, "repeat: "),
    ),
)
JOINED = (Input((3, 5)), Input((1, 5)), Input((3, 5)))
sample(
    "cat",
    lambda *xs, dim=0: S.cat(xs, dim),
    lambda *xs, dim=0: np.concatenate(xs, dim),
    JOINED,
    ({}, {"dim": -2}),
    empty=(Case(((0, 5), (3, 5), (0, 5))),),
    bad=(
        (
            lambda: S.cat([ones(2), ones(2, 2)]),
            ShapeError,
            r"cat: sizes must agree except in dimension 0, got \(2,\), \(2, 2\)",
        ),
        (lambda: S.cat([]), ShapeError, "cat: expected at least one"),
        (lambda: S.cat(ones(2)), DTypeError, "cat: expected a list"),
        (lambda: S.cat([ones(2), 1]), DTypeError, "cat: expected a list of tensors"),
        (lambda: S.cat([ones(), ones()]), ShapeError, "zero-dimensional"),
    ),
)
sample(
    "stack",
    lambda *xs, dim=0: S.stack(xs, dim),
    lambda *xs, dim=0: np.stack(xs, dim),
    (Input((3, 5)), Input((3, 5))),
    ({}, {"dim": -1}),
    empty=(Case(((0,), (0,))),),
    zero_dim=(Case(((), ())),),
    bad=((lambda: S.stack([ones(2), ones(3)]), ShapeError, "stack: all tensors must have one shape"),),
)
rearranging(
    "split",
    S.split,
    lambda x, split_size_or_sections, dim=0: np.split(x, [2] if split_size_or_sections == 2 else [1, 1], dim),
    (3, 5),
    options=({"split_size_or_sections": 2}, {"split_size_or_sections": [1, 0, 2]}),
    empty=(Case(((3, 0),), {"split_size_or_sections": 2}),),
    bad=(
        (lambda: S.split(ones(5), [2, 2]), ShapeError, "split: sections"),
        (lambda: S.split(ones(5), 0), ShapeError, "split: "),
    ),
)
rearranging(
    "chunk",
    S.chunk,
    lambda x, chunks, dim=0: np.split(x, [2], dim),
    (3, 5),
    options=({"chunks": 2},),
    empty=(Case(((3, 0),), {"chunks": 2}),),
    bad=((lambda: S.chunk(ones(5), 0), ShapeError, "chunk: expected"),),
)
rearranging(
    "unbind",
    S.unbind,
    lambda x, dim=0: list(np.moveaxis(x, dim, 0)),
    (3, 5),
    options=({}, {"dim": -1}),
    empty=(Case(((3, 0),)),),
    bad=((lambda: S.unbind(ones(5), 1), IndexError, "unbind: Dim"),),
)
