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
        (lambda: S.reshape(ones(2, 3), 4, 2), ShapeError, "reshape: shape .*4, 2.* is invalid for input of size 6"),
        (lambda: S.reshape(ones(2, 3), -1, -1), ShapeError, "only one dimension can be inferred"),
        (lambda: S.reshape(ones(2, 3), -1, 4), ShapeError, "is invalid for input of size 6"),
        (lambda: S.reshape(ones(2, 3), 1.5), DTypeError, "reshape: expected sizes that are integers"),
    ),
)
rearranging(
    "view_as_shape",
    S.view_as_shape,
    lambda x, size: x.reshape(size),
    (3, 5),
    options=({"size": (5, -1)},),
    empty=(Case(((0, 3),), {"size": (0,)}),),
    zero_dim=(Case(((),), {"size": (1,)}),),
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
        (lambda: S.flatten(ones(2, 3), 1, 0), ShapeError, "flatten: .*start_dim 1 comes after"),
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
    bad=((lambda: S.t(ones(2, 2, 2)), ShapeError, "t: expects a tensor with <= 2 dimensions"),),
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
    bad=(
        (lambda: S.squeeze(ones(2), 1), IndexError, "squeeze: Dim"),
        (lambda: S.squeeze(ones(1, 1), (0, 0)), ShapeError, "squeeze: dim 0 appears multiple times"),
    ),
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
for name, first, second in (("swapaxes", "axis0", "axis1"), ("swapdims", "dim0", "dim1")):
    rearranging(
        name,
        getattr(S, name),
        lambda x, **dims: np.swapaxes(x, *dims.values()),
        (3, 1, 5),
        options=({first: 0, second: 2}, {first: -1, second: 1}),
        empty=(Case(((0, 3),), {first: 0, second: 1}),),
        bad=((lambda name=name: getattr(S, name)(ones(2), 0, 1), IndexError, "Dimension out of range"),),
    )
rearranging(
    "conjugate_transpose",
    S.conjugate_transpose,
    np.transpose,
    (3, 5),
    empty=(Case(((0, 3),)),),
    zero_dim=(Case(((),)),),
    bad=((lambda: S.conjugate_transpose(ones(2, 2, 2)), ShapeError, "H: .*Got 3-D tensor .* use .mH"),),
)
rearranging(
    "adjoint",
    S.adjoint,
    lambda x: np.swapaxes(x, -1, -2),
    (3, 1, 5),
    empty=(Case(((0, 3),)),),
    bad=((lambda: S.adjoint(ones(2)), ShapeError, "adjoint: expected at least 2"),),
)
rearranging("ravel", S.ravel, np.ravel, (3, 5), empty=(Case(((0, 3),)),), zero_dim=(Case(((),)),))
rearranging(
    "unflatten",
    S.unflatten,
    lambda x, dim, sizes: x.reshape(3, 2, 5) if dim else x.reshape(len(x), 1, x.shape[1]),
    (3, 10),
    options=({"dim": 1, "sizes": (2, -1)}, {"dim": 0, "sizes": (-1, 1)}),
    empty=(Case(((0, 3),), {"dim": 0, "sizes": (0, 1)}),),
    bad=(
        (lambda: S.unflatten(ones(4), 0, (3, 2)), ShapeError, r"unflatten: Provided sizes \[3, 2\] don't multiply up"),
        (lambda: S.unflatten(ones(4), 0, (-1, -1)), ShapeError, "unflatten: only one dimension can be inferred"),
        (lambda: S.unflatten(ones(4), 0, ()), ShapeError, "unflatten: sizes must be non-empty"),
        (lambda: S.unflatten(ones(4), 1, (4,)), IndexError, "Dimension out of range"),
    ),
)
for name in ("view_as", "reshape_as"):
    sample(
        name,
        getattr(S, name),
        lambda x, other: x.reshape(other.shape),
        (Input((3, 5)), Input((5, 3), grad=False)),
        empty=(Case(((0, 3), (3, 0))),),
        zero_dim=(Case(((), (1,))),),
        without={
            "dtypes": "the other tensor gives its shape alone",
            "noncontiguous": "view_as refuses strides that forbid a view",
        },
        bad=((lambda name=name: getattr(S, name)(ones(2), ones(3)), ShapeError, "is invalid for input of size 2"),),
    )
