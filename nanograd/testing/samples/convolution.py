"""Samples of convolution and pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import convolution as _convolution
from nanograd.testing.sample import Array, Case, Input, Shape, distinct, ones, sample

C: Any = _convolution  # untyped: bad input is among what its functions are given

GEOMETRIES: tuple[Any, ...] = (((1, 1), (0, 0), (1, 1), 1), ((2, 1), (1, 0), (1, 2), 1), ((2, 2), (1, 1), (1, 1), 2))


def _convolved(x: Array, w: Array, geometry: Any) -> Array:
    """The definition, one product at a time."""
    (sh, sw), (ph, pw), (dh, dw), groups = geometry
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    (n, _, h, width), (out, per, kh, kw) = x.shape, w.shape
    y = np.zeros((n, out, (h - dh * (kh - 1) - 1) // sh + 1, (width - dw * (kw - 1) - 1) // sw + 1), x.dtype)
    for o, i, j, r, c in np.ndindex(out, y.shape[2], y.shape[3], kh, kw):
        first = o // (out // groups) * per
        y[:, o, i, j] += x[:, first : first + per, i * sh + r * dh, j * sw + c * dw] @ w[o, :, r, c]
    return y


def _adjoint(linear: Callable[[Array], Array], g: Array, shape: Shape) -> Array:
    """The transpose of a linear function, from its columns: ⟨g, linear(e)⟩ for each unit vector e of ``shape``."""
    out = np.zeros(shape, g.dtype)
    for place in np.ndindex(shape):
        e = np.zeros(shape, g.dtype)
        e[place] = 1
        out[place] = (g * linear(e)).sum()
    return out


def _conv(x: Array, w: Array, b: Array, stride: int = 1, padding: Any = 0, dilation: int = 1, groups: int = 1) -> Array:
    padding = {"valid": 0, "same": w.shape[2] // 2}.get(padding, padding)
    geometry = (stride, stride), (padding, padding), (dilation, dilation), groups
    y = _convolved(x if x.ndim == 4 else x[None], w, geometry) + b[:, None, None]
    return y if x.ndim == 4 else y[0]


IMAGES, WINDOWS = Input((2, 2, 5, 5)), Input((2, 1, 3, 3))
ONE_DTYPE = {"dtypes": "all must be of one dtype: the oracle tries every pair"}
sample(
    "convolve",
    C.convolve,
    _convolved,
    (IMAGES, Input((2, 2, 3, 2))),
    tuple({"geometry": g} for g in GEOMETRIES[:2]),
    takes="f",
    empty=(Case(((0, 2, 5, 5), (2, 2, 3, 3)), {"geometry": GEOMETRIES[1]}),),
    without=ONE_DTYPE,
)
sample(
    "convolve_input",
    C.convolve_input,
    lambda g, w, size, geometry: _adjoint(
        lambda x: _convolved(x, w, geometry), g, (g.shape[0], w.shape[1] * geometry[3], *size)
    ),
    (Input((1, 2, 3, 3)), WINDOWS),
    ({"size": (5, 5), "geometry": GEOMETRIES[2]}, {"size": (6, 6), "geometry": GEOMETRIES[2]}),
    takes="f",
    empty=(Case(((0, 2, 3, 3), (2, 1, 3, 3)), {"size": (5, 5), "geometry": GEOMETRIES[2]}),),
    without=ONE_DTYPE,
)
sample(
    "convolve_weight",
    C.convolve_weight,
    lambda g, x, window, geometry: _adjoint(
        lambda w: _convolved(x, w, geometry), g, (g.shape[1], x.shape[1] // geometry[3], *window)
    ),
    (Input((2, 2, 3, 3)), IMAGES),
    ({"window": (3, 3), "geometry": GEOMETRIES[2]}, {"window": (3, 3), "geometry": GEOMETRIES[0]}),
    takes="f",
    empty=(Case(((0, 2, 3, 3), (0, 2, 5, 5)), {"window": (3, 3), "geometry": GEOMETRIES[2]}),),
    without=ONE_DTYPE,
)
sample(
    "conv2d",
    C.conv2d,
    _conv,
    (IMAGES, WINDOWS, Input((2,))),
    ({"groups": 2}, {"groups": 2, "stride": 2, "padding": 1}, {"groups": 2, "padding": "same"}),
    takes="f",
    broadcast=(Case(((2, 5, 5), (2, 1, 3, 3), (2,)), {"groups": 2}),),
    empty=(Case(((0, 2, 5, 5), (2, 1, 3, 3), (2,)), {"groups": 2}),),
    bad=(
        (
            lambda: C.conv2d(ones(1, 2, 5, 5), ones(1, 3, 3, 3)),
            ShapeError,
            r"conv2d: the input \(1, 2, 5, 5\) has 2 channels",
        ),
        (lambda: C.conv2d(ones(1, 1, 2, 2), ones(1, 1, 3, 3)), ShapeError, "conv2d: the window of 3 by 3 does not fit"),
        (lambda: C.conv2d(ones(5, 5), ones(1, 1, 3, 3)), ShapeError, "conv2d: expected an input"),
        (lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), stride=0), ShapeError, "conv2d: stride"),
        (lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), padding="full"), ValueError, "conv2d: expected padding"),
        (lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), ones(2)), ShapeError, "conv2d: expected a bias"),
        (lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3, dtype=dtypes.float64)), DTypeError, "conv2d: input is"),
    ),
    without=ONE_DTYPE,
)


def _pooled(x: Array, size: Any, step: Any, pad: Any, dil: Any, out: Any) -> Any:
    values, places = np.empty((*x.shape[:2], *out), x.dtype), np.empty((*x.shape[:2], *out), np.int64)
    for n, c, i, j in np.ndindex(values.shape):
        cells = [(i * step[0] - pad[0] + r * dil[0], j * step[1] - pad[1] + s * dil[1]) for r, s in np.ndindex(size)]
        inside = [(r, s) for r, s in cells if 0 <= r < x.shape[2] and 0 <= s < x.shape[3]]
        best = max(inside, key=lambda cell: x[n, c, *cell])
        values[n, c, i, j], places[n, c, i, j] = x[n, c, *best], best[0] * x.shape[3] + best[1]
    return [values, places]


POOL = {"windows": ((2, 3), (2, 1), (1, 1), (1, 2), (3, 3))}
sample(
    "pool_max",
    C.pool_max,
    lambda x, windows: _pooled(x, *windows),
    (Input((2, 2, 5, 5), distinct),),
    (POOL,),
    gives="same index",
    without={"dtypes": "max_pool2d refuses truth values before"},
    empty=(Case(((0, 2, 5, 5),), POOL),),
)
sample(
    "max_pool2d",
    C.max_pool2d,
    lambda x, kernel_size, stride=2: _pooled(
        x if x.ndim == 4 else x[None], (2, 2), (stride, stride), (0, 0), (1, 1), (2, 2) if stride == 2 else (4, 4)
    )[0].reshape(*x.shape[:-2], *((2, 2) if stride == 2 else (4, 4))),
    (Input((2, 2, 5, 5), distinct),),
    ({"kernel_size": 2}, {"kernel_size": 2, "stride": 1}),
    takes="if",
    broadcast=(Case(((2, 5, 5),), {"kernel_size": 2}),),
    empty=(Case(((0, 2, 5, 5),), {"kernel_size": 2}),),
    bad=(
        (lambda: C.max_pool2d(ones(5, 5), 2), ShapeError, "max_pool2d: expected"),
        (lambda: C.max_pool2d(ones(1, 2, 2), 3), ShapeError, "does not fit"),
        (lambda: C.max_pool2d(ones(1, 5, 5), 2, padding=2), ShapeError, "at most half"),
        (lambda: C.max_pool2d(ones(1, 5, 5), "a"), DTypeError, "max_pool2d kernel_size: expected"),
    ),
)
