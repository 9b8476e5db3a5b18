"""Samples of convolution, its transpose, and windows as columns."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import convolution as _convolution
from nanograd.ops import sliding as _sliding
from nanograd.testing.sample import Array, Case, Input, Shape, ones, sample

C: Any = _convolution  # untyped: bad input is among what its functions are given
S: Any = _sliding

# stride, padding, dilation, groups
GEOMETRIES: tuple[Any, ...] = (((1, 1), (0, 0), (1, 1), 1), ((2, 1), (1, 0), (1, 2), 1), ((2, 2), (1, 1), (1, 1), 2))


def windows(x: Array, size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Shape, Callable[..., Array]]:
    """(how many windows there are along each dimension, the window (N, C, *size) at a place among them)."""
    x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    spans = zip(x.shape[2:], size, stride, dilation, strict=True)
    out = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in spans)

    def at(place: Shape) -> Array:
        steps = zip(place, size, stride, dilation, strict=True)
        here: Any = (..., *(slice(i * s, i * s + d * (k - 1) + 1, d) for i, k, s, d in steps))
        return np.asarray(x[here])

    return out, at


def _convolved(x: Array, w: Array, b: Array | None, geometry: Any) -> Array:
    """The definition, one window at a time."""
    *numbers, groups = geometry
    out, at = windows(x, w.shape[2:], *numbers)
    y = np.zeros((len(x), len(w), *out), x.dtype)
    per = len(w) // groups
    for place in np.ndindex(out):
        parts = np.split(at(place), groups, 1)
        for g, part in enumerate(parts):
            for o in range(g * per, (g + 1) * per):
                y[(slice(None), o, *place)] = (part * w[o]).sum(tuple(range(1, x.ndim)))
    return y if b is None else y + b.reshape(-1, *(1 for _ in out))


def adjoint(linear: Callable[[Array], Array], g: Array, shape: Shape) -> Array:
    """The transpose of a linear function, from its columns: ⟨g, linear(e)⟩ for each unit vector e of ``shape``."""
    out = np.zeros(shape, g.dtype)
    for place in np.ndindex(shape):
        e = np.zeros(shape, g.dtype)
        e[place] = 1
        out[place] = (g * linear(e)).sum()
    return out


def _conv(x: Array, w: Array, b: Array, stride: int = 1, padding: Any = 0, dilation: int = 1, groups: int = 1) -> Array:
    dims = w.ndim - 2
    if x.ndim < w.ndim:
        y = _conv(x[None], w, b, stride, padding, dilation, groups)[0]
        return np.asarray(y)
    reach = [dilation * (k - 1) for k in w.shape[2:]]
    if padding == "same":
        x = np.pad(x, ((0, 0), (0, 0), *((r // 2, r - r // 2) for r in reach)))
    pad = padding if isinstance(padding, int) else 0
    return _convolved(x, w, b, ((stride,) * dims, (pad,) * dims, (dilation,) * dims, groups))


IMAGES, WINDOWS = Input((2, 2, 5, 5)), Input((2, 1, 3, 3))
ONE_DTYPE = {"dtypes": "all must be of one dtype: the oracle tries every pair"}
sample(
    "convolve",
    C.convolve,
    _convolved,
    (IMAGES, Input((2, 2, 3, 2)), Input((2,))),
    tuple({"geometry": g} for g in GEOMETRIES[:2]),
    takes="f",
    empty=(Case(((0, 2, 5, 5), (2, 2, 3, 3), (2,)), {"geometry": GEOMETRIES[1]}),),
    without=ONE_DTYPE,
)
sample(
    "convolve_input",
    C.convolve_input,
    lambda g, w, size, geometry: adjoint(
        lambda x: _convolved(x, w, None, geometry)[:, :, : g.shape[2], : g.shape[3]],
        g,
        (g.shape[0], w.shape[1] * geometry[3], *size),
    ),
    (Input((1, 2, 3, 3)), WINDOWS),
    tuple({"size": (n, n), "geometry": GEOMETRIES[2]} for n in (5, 6, 7)),  # 7: room for one more window
    takes="f",
    empty=(Case(((0, 2, 3, 3), (2, 1, 3, 3)), {"size": (5, 5), "geometry": GEOMETRIES[2]}),),
    without=ONE_DTYPE,
)
sample(
    "convolve_weight",
    C.convolve_weight,
    lambda g, x, window, geometry: adjoint(
        lambda w: _convolved(x, w, None, geometry), g, (g.shape[1], x.shape[1] // geometry[3], *window)
    ),
    (Input((2, 2, 3, 3)), IMAGES),
    ({"window": (3, 3), "geometry": GEOMETRIES[2]}, {"window": (3, 3), "geometry": GEOMETRIES[0]}),
    takes="f",
    empty=(Case(((0, 2, 3, 3), (0, 2, 5, 5)), {"window": (3, 3), "geometry": GEOMETRIES[2]}),),
    without=ONE_DTYPE,
)


def _no(call: Any, error: type[Exception], words: str) -> Any:
    return call, error, words


sample(
    "conv2d",
    C.conv2d,
    _conv,
    (IMAGES, WINDOWS, Input((2,))),
    ({"groups": 2}, {"groups": 2, "stride": 2, "padding": 1}, {"groups": 2, "padding": "same"}),
    takes="f",
    broadcast=(
        Case(((2, 5, 5), (2, 1, 3, 3), (2,)), {"groups": 2}),
        Case(((2, 2, 7, 11), (6, 1, 2, 3), (6,)), {"groups": 2, "padding": 1}),  # enough for the compiled loops
    ),
    empty=(Case(((0, 2, 5, 5), (2, 1, 3, 3), (2,)), {"groups": 2}),),
    bad=(
        _no(
            lambda: C.conv2d(ones(1, 3, 9, 9), ones(6, 1, 3, 3)),
            ShapeError,
            r"conv2d: Given groups=1, weight of size \[6, 1, 3, 3\], expected input\[1, 3, 9, 9\] to have 1 channels, "
            "but got 3 channels instead",
        ),
        _no(lambda: C.conv2d(ones(1, 1, 2, 2), ones(1, 1, 3, 3)), ShapeError, r"\(2 x 2\). Kernel size: \(3 x 3\)"),
        _no(lambda: C.conv2d(ones(5, 5), ones(1, 1, 3, 3)), ShapeError, r"conv2d: Expected 3D \(unbatched\) or 4D"),
        _no(lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3)), ShapeError, "expected a weight of 4 dimensions"),
        _no(
            lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 0, 3)), ShapeError, "kernel size should be greater than zero"
        ),
        _no(lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), stride=0), ShapeError, "non-positive stride"),
        _no(
            lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), stride=1.5), DTypeError, "stride: expected an integer"
        ),
        _no(lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), stride=(1, 1, 1)), DTypeError, "list of 2 values"),
        _no(lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), padding="full"), ValueError, "Invalid padding string"),
        _no(lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), padding=-1), ShapeError, "negative padding"),
        _no(lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3), ones(2)), ShapeError, "expected bias to be 1-dim"),
        _no(
            lambda: C.conv2d(ones(1, 1, 5, 5), ones(1, 1, 3, 3, dtype=dtypes.float64)), DTypeError, "should be the same"
        ),
        _no(lambda: C.conv2d(ones(1, 1, 5, 5, dtype=dtypes.bool_), ones(1, 1, 3, 3)), DTypeError, "expected numbers"),
    ),
    without=ONE_DTYPE,
)
sample(
    "conv1d",
    C.conv1d,
    _conv,
    (Input((2, 2, 7)), Input((2, 2, 2)), Input((2,))),
    ({"stride": 2}, {"padding": "same", "dilation": 3}),
    takes="f",
    broadcast=(Case(((2, 7), (2, 2, 2), (2,)), {"stride": 2}),),
    empty=(Case(((0, 2, 7), (2, 2, 2), (2,)), {"stride": 2}),),
    bad=(
        _no(lambda: C.conv1d(ones(1, 1, 5, 5), ones(1, 1, 3)), ShapeError, r"conv1d: Expected 2D \(unbatched\) or 3D"),
    ),
    without=ONE_DTYPE,
)
sample(
    "conv3d",
    C.conv3d,
    _conv,
    (Input((1, 2, 3, 3, 4)), Input((2, 1, 2, 2, 3)), Input((2,))),
    ({"groups": 2}, {"groups": 2, "stride": 2, "padding": 1}),
    takes="f",
    broadcast=(Case(((2, 3, 3, 4), (2, 1, 2, 2, 3), (2,)), {"groups": 2}),),
    empty=(Case(((0, 2, 3, 3, 4), (2, 1, 2, 2, 3), (2,)), {"groups": 2}),),
    bad=(
        _no(lambda: C.conv3d(ones(1, 1, 2, 3, 3), ones(1, 1, 3, 3, 3)), ShapeError, "conv3d: Calculated padded input"),
    ),
    without=ONE_DTYPE,
)


def _transposed(x: Array, w: Array, b: Array, stride: int = 1, padding: int = 0, output_padding: int = 0) -> Array:
    """x spread over windows of y: an element at a time."""
    if x.ndim < w.ndim:
        return np.asarray(_transposed(x[None], w, b, stride, padding, output_padding)[0])
    dims = w.ndim - 2
    full = [(n - 1) * stride + k + output_padding for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    y = np.zeros((len(x), w.shape[1], *full), x.dtype)
    for place in np.ndindex(*x.shape[2:]):
        here: Any = (..., *(slice(i * stride, i * stride + k) for i, k in zip(place, w.shape[2:], strict=True)))
        y[here] += np.tensordot(x[(..., *place)], w, 1)
    inner: Any = (..., *(slice(padding, n - padding) for n in full))
    return np.asarray(y[inner] + b.reshape(-1, *(1,) * dims))


for dims, name in ((1, "conv_transpose1d"), (2, "conv_transpose2d"), (3, "conv_transpose3d")):
    sizes = (3, 2, 2)[:dims]
    inputs = (Input((2, 2, *sizes)), Input((2, 1, *(2, 3, 2)[:dims])), Input((1,)))
    options = {"stride": 2, "padding": 1, "output_padding": 1}
    sample(
        name,
        getattr(C, name),
        _transposed,
        inputs,
        ({}, options),
        takes="f",
        broadcast=(Case((inputs[0].shape[1:], inputs[1].shape, (1,)), options),),
        empty=(Case(((0, 2, *sizes), inputs[1].shape, (1,)), options),),
        bad=(
            _no(
                lambda name=name, sizes=sizes: getattr(C, name)(ones(2, 3, *sizes), ones(2, 1, *sizes)),
                ShapeError,
                f"{name}: Given transposed=1, weight of size .* to have 2 channels, but got 3 channels instead",
            ),
            _no(
                lambda name=name, sizes=sizes: getattr(C, name)(
                    ones(2, 2, *sizes), ones(2, 1, *sizes), output_padding=1
                ),
                ShapeError,
                f"{name}: output padding must be smaller than either stride or dilation",
            ),
        ),
        without=ONE_DTYPE,
    )


# Columns


def _columns(x: Array, numbers: Any) -> Array:
    """The windows, one in each column."""
    out, at = windows(x, *numbers)
    return np.stack([at(place).reshape(len(x), x.shape[1] * math.prod(numbers[0])) for place in np.ndindex(out)], -1)


NUMBERS: Any = ((2, 3), (2, 1), (1, 0), (1, 2))
sample(
    "im2col",
    S.im2col,
    lambda x, windows: _columns(x, windows),
    (Input((2, 2, 4, 6)),),
    ({"windows": NUMBERS},),
    takes="f",
    without={"dtypes": "unfold refuses other dtypes before"},
    empty=(Case(((0, 2, 4, 6),), {"windows": NUMBERS}),),
)
sample(
    "col2im",
    S.col2im,
    lambda g, shape, windows: adjoint(lambda x: _columns(x, windows), g, (len(g), 2, *shape)),
    (Input((2, 12, 6)),),
    ({"shape": (4, 6), "windows": NUMBERS},),
    takes="f",
    without={"dtypes": "fold refuses other dtypes before"},
    empty=(Case(((0, 12, 6),), {"shape": (4, 6), "windows": NUMBERS}),),
)
sample(
    "unfold_image",
    S.unfold,
    lambda x, kernel_size, stride=1: _columns(
        x if x.ndim == 4 else x[None], ((kernel_size,) * 2, (stride,) * 2, (0, 0), (1, 1))
    ).reshape(*x.shape[:-3], x.shape[-3] * kernel_size**2, -1),
    (Input((2, 2, 4, 4)),),
    ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2}),
    takes="f",
    broadcast=(Case(((2, 4, 4),), {"kernel_size": 2}),),
    bad=(
        _no(lambda: S.unfold(ones(1, 1, 2, 2), 3), ShapeError, "unfold: Given input with spatial size"),
        _no(lambda: S.unfold(ones(2, 2), 2), ShapeError, "unfold: Expected 3D or 4D"),
        _no(lambda: S.unfold(ones(1, 2, 2), 2, stride=0), ShapeError, "unfold: stride should be greater than zero"),
    ),
)
sample(
    "fold",
    S.fold,
    lambda g, output_size, kernel_size: adjoint(
        lambda x: _columns(x, ((kernel_size,) * 2, (1, 1), (0, 0), (1, 1))), g if g.ndim == 3 else g[None],
        (len(g) if g.ndim == 3 else 1, 2, output_size, output_size),
    ).reshape(*g.shape[:-2], 2, output_size, output_size),
    (Input((2, 8, 4)),),
    ({"output_size": 3, "kernel_size": 2},),
    takes="f",
    broadcast=(Case(((8, 4),), {"output_size": 3, "kernel_size": 2}),),
    bad=(
        _no(lambda: S.fold(ones(1, 7, 16), 5, 2), ShapeError, "to be divisible by the product of kernel_size"),
        _no(lambda: S.fold(ones(1, 8, 15), 5, 2), ShapeError, "sliding blocks 4 . 4 = 16"),
        _no(lambda: S.fold(ones(16), 5, 2), ShapeError, "fold: Expected 2D or 3D"),
    ),
)  # fmt: skip
