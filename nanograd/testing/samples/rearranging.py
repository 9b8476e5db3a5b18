"""Samples of reversing, rolling, turning, repeating, windows and strides."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import rearranging as _rearranging
from nanograd.ops.creation import tensor
from nanograd.testing.sample import Case, Input, Shape, ones, sample

R: Any = _rearranging  # untyped: bad input is among what its functions are given


def rearranging(name: str, call: Any, formula: Any, shape: Shape, **more: Any) -> None:
    """A view or copy of one tensor, or several of them."""
    sample(name, call, formula, (Input(shape),), **more)


rearranging(
    "flip",
    R.flip,
    lambda x, dims: np.flip(x, dims),
    (3, 1, 5),
    options=({"dims": (0,)}, {"dims": (0, -1)}),
    empty=(Case(((0, 3),), {"dims": (1,)}),),
    bad=(
        (lambda: R.flip(ones(2), 1), IndexError, "flip: Dim"),
        (lambda: R.flip(ones(2, 2), 0, 0), ShapeError, "flip: dim 0 appears multiple times"),
    ),
)


rearranging(
    "repeat",
    R.repeat,
    lambda x, repeats: np.tile(x, repeats),
    (3, 1),
    options=({"repeats": (2, 3)}, {"repeats": (2, 1, 5)}),
    empty=(Case(((3,),), {"repeats": (0,)}),),
    zero_dim=(Case(((),), {"repeats": (3,)}),),
    bad=(
        (lambda: R.repeat(ones(2, 3), 2), ShapeError, "repeat: .*fewer entries"),
        (lambda: R.repeat(ones(2), -1), ShapeError, "repeat: "),
    ),
)
for name, least in (("fliplr", 2), ("flipud", 1)):
    rearranging(
        name,
        getattr(R, name),
        getattr(np, name),
        (3, 5),
        empty=(Case(((0, 3),)),),
        bad=(
            (
                lambda name=name, least=least: getattr(R, name)(ones(*(2,) * (least - 1))),
                ShapeError,
                f"{name}: Input must be >= {least}-d",
            ),
        ),
    )
rearranging(
    "roll",
    R.roll,
    lambda x, shifts, dims=None: np.roll(x, shifts, dims),
    (3, 5),
    options=({"shifts": 2}, {"shifts": -1, "dims": 1}, {"shifts": (1, 7), "dims": (0, -1)}),
    empty=(Case(((0, 3),), {"shifts": 1, "dims": 0}),),
    zero_dim=(Case(((),), {"shifts": 3}),),
    bad=(
        (lambda: R.roll(ones(2, 2), (1, 2), 0), ShapeError, "shifts and dimensions must align. shifts: 2, dims:1"),
        (lambda: R.roll(ones(2), 1, 1), IndexError, "Dimension out of range"),
    ),
)
rearranging(
    "rot90",
    R.rot90,
    lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
    (3, 1, 5),
    options=({}, {"k": 2}, {"k": -1, "dims": (2, 0)}, {"k": 0}),
    empty=(Case(((0, 3),)),),
    bad=(
        (lambda: R.rot90(ones(2)), ShapeError, "rot90: expected total dims >= 2, but got total dims = 1"),
        (lambda: R.rot90(ones(2, 2), 1, (0, 0)), ShapeError, "expected rotation dims to be different"),
        (lambda: R.rot90(ones(2, 2), 1, (0,)), ShapeError, "expected total rotation dims == 2"),
        (lambda: R.rot90(ones(2, 2), 1, (0, 2)), ShapeError, "Rotation dim out of range"),
    ),
)
rearranging(
    "tile",
    R.tile,
    lambda x, dims: np.tile(x, dims),
    (3, 1),
    options=({"dims": (2,)}, {"dims": (2, 1, 5)}),
    empty=(Case(((3,),), {"dims": (0,)}),),
    zero_dim=(Case(((),), {"dims": (3,)}),),
    bad=((lambda: R.tile(ones(2), -1), ShapeError, "repeat: "),),
)
COUNTS = np.array([1, 0, 2])
rearranging(
    "repeat_interleave",
    lambda x, repeats, dim=None: R.repeat_interleave(x, repeats if isinstance(repeats, int) else tensor(repeats), dim),
    lambda x, repeats, dim=None: np.repeat(x, repeats, dim),
    (3, 5),
    options=({"repeats": 2}, {"repeats": 2, "dim": 1}, {"repeats": COUNTS, "dim": 0}),
    empty=(Case(((3, 0),), {"repeats": 2, "dim": 0}),),
    zero_dim=(Case(((),), {"repeats": 3}),),
    bad=(
        (lambda: R.repeat_interleave(ones(2), -1), ShapeError, "Repeats must be non-negative"),
        (lambda: R.repeat_interleave(ones(2), tensor(COUNTS)), ShapeError, "repeats must have the same size as input"),
        (lambda: R.repeat_interleave(ones(2), ones(2)), DTypeError, "repeats has to be Long or Int"),
        (lambda: R.repeat_interleave(ones(3), tensor(COUNTS - 1)), ShapeError, "repeats can not be negative"),
        (lambda: R.repeat_interleave(ones(), 2, 0), IndexError, "tensor has no dimensions"),
    ),
)


def _windows(x: Any, dimension: int, size: int, step: int) -> Any:
    starts = range(0, x.shape[dimension] - size + 1, step)
    parts = [np.moveaxis(np.take(x, range(a, a + size), dimension), dimension, -1) for a in starts]
    return np.stack(parts, dimension)


rearranging(
    "unfold",
    R.unfold,
    _windows,
    (3, 5),
    options=(
        {"dimension": 1, "size": 2, "step": 1},
        {"dimension": 1, "size": 2, "step": 3},
        {"dimension": 0, "size": 3, "step": 2},
    ),
    empty=(Case(((0, 3),), {"dimension": 1, "size": 2, "step": 1}),),
    bad=(
        (lambda: R.unfold(ones(3), 0, 4, 1), ShapeError, "maximum size for tensor at dimension 0 is 3 but size is 4"),
        (lambda: R.unfold(ones(3), 0, 2, 0), ShapeError, "step is 0 but must be > 0"),
        (lambda: R.unfold(ones(3), 0, -1, 1), ShapeError, "size is -1 but must be >= 0"),
        (lambda: R.unfold(ones(3), 1, 1, 1), IndexError, "Dimension out of range"),
    ),
)


def _folded(g: Any, shape: Shape, dim: int, size: int, step: int) -> Any:
    out = np.zeros(shape, g.dtype)
    for i in range(g.shape[dim]):
        for j in range(size):
            out[(slice(None),) * dim + (i * step + j,)] += np.take(np.take(g, j, -1), i, dim)
    return out


rearranging(
    "add_windows",
    R.add_windows,
    _folded,
    (3, 4, 2),
    options=({"shape": (3, 5), "dim": 1, "size": 2, "step": 1},),
    empty=(Case(((0, 4, 2),), {"shape": (0, 5), "dim": 1, "size": 2, "step": 1}),),
)


def _strided(x: Any, size: Shape, stride: Shape, storage_offset: int = 0) -> Any:
    line = x.reshape(-1)
    found = [line[storage_offset + int(np.dot(p, stride))] for p in np.ndindex(size)]
    return np.array(found, x.dtype).reshape(size)


rearranging(
    "as_strided",
    R.as_strided,
    _strided,
    (3, 5),
    options=(
        {"size": (2, 3), "stride": (5, 1)},
        {"size": (2, 2, 2), "stride": (1, 1, 3), "storage_offset": 4},
        {"size": (3,), "stride": (0,)},
    ),
    empty=(Case(((3, 5),), {"size": (0, 2), "stride": (1, 1)}),),
    zero_dim=(Case(((),), {"size": (2,), "stride": (0,)}),),
    bad=(
        (lambda: R.as_strided(ones(3), (5,), (1,)), ShapeError, "out of bounds for storage of 3 elements"),
        (lambda: R.as_strided(ones(3), (2,), (-1,)), ShapeError, "Negative strides are not supported"),
        (lambda: R.as_strided(ones(3), (2,), (1, 1)), ShapeError, "mismatch in length of strides and shape"),
        (lambda: R.as_strided(ones(3), (2,), (1,), -1), ShapeError, "must not be negative"),
    ),
    without={"noncontiguous": "it shows the memory, not the elements: tests/oracle/test_shapes.py"},
)


def _restrided(x: Any, source: Any, target: Any) -> Any:
    memory = np.zeros(40, x.dtype)
    for p in np.ndindex(source[0]):
        memory[source[2] + int(np.dot(p, source[1]))] += x[p]
    found = [memory[target[2] + int(np.dot(p, target[1]))] for p in np.ndindex(target[0])]
    return np.array(found, x.dtype).reshape(target[0])


rearranging(
    "restride",
    R.restride,
    _restrided,
    (3, 5),
    options=({"source": ((3, 5), (5, 1), 0), "target": ((2, 4), (1, 3), 2)},),
    zero_dim=(Case(((),), {"source": ((), (), 3), "target": ((2,), (3,), 0)}),),
)
