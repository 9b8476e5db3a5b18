"""Images in another size, cut into windows, and read at given points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from nanograd.ops.extents import expect_tensor
from nanograd.ops.grid import affine_grid, grid_sample
from nanograd.ops.op import titled
from nanograd.ops.pixels import channel_shuffle, pixel_shuffle, pixel_unshuffle
from nanograd.ops.resampling import Along, resample
from nanograd.ops.sliding import fold, unfold
from nanograd.tensors import Tensor

__all__ = [
    "affine_grid", "channel_shuffle", "fold", "grid_sample", "interpolate", "pixel_shuffle", "pixel_unshuffle",
    "unfold", "upsample", "upsample_bilinear", "upsample_nearest",
]  # fmt: skip

Sizes = tuple[int, ...]

# mode -> (rule of kernels/resample.py, how many dimensions, torch's name of the node)
NEAREST = {"nearest": ("nearest", "UpsampleNearest"), "nearest-exact": ("nearest_exact", "UpsampleNearestExact")}
SMOOTH = {
    "linear": ("linear", 1, "UpsampleLinear"),
    "bilinear": ("linear", 2, "UpsampleBilinear"),
    "trilinear": ("linear", 3, "UpsampleTrilinear"),
    "bicubic": ("cubic", 2, "UpsampleBicubic"),
    "lanczos": ("lanczos", 2, "UpsampleLanczos"),
}
MEANS = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """x in another size, given by ``size`` or ``scale_factor``: (N, C, *in) → (N, C, *out), one to three dimensions.

    ``mode``: "nearest", "nearest-exact", "area" for any; "linear" for (N, C, L), "bilinear" and "bicubic" for
    (N, C, H, W), "trilinear" for (N, C, D, H, W).  ``align_corners`` puts the corner pixels on each other instead of
    the corners; ``antialias`` lets every pixel count when an image becomes smaller.
    Raises ValueError for arguments that contradict each other, ShapeError for sizes below 1.

    >>> F.interpolate(torch.tensor([[[1., 2.]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    >>> F.interpolate(torch.tensor([[[1., 2.]]]), size=3, mode="linear", align_corners=True)
    tensor([[[1.0000, 1.5000, 2.0000]]])
    """
    _check_mode(input, mode, align_corners, antialias)
    have = input.array.shape[2:]
    out, scales = _sizes(have, size, scale_factor, bool(recompute_scale_factor), mode)
    _check_sizes(input, out)
    if mode == "area":
        return MEANS[len(have)](input, out)
    if mode in NEAREST:
        return _nearest(input, out, scales, mode)
    if input.array.dtype.kind != "f":
        raise DTypeError(f"interpolate: mode {mode!r} is not implemented for {input.dtype}: use x.float().")
    name, _, title = SMOOTH[mode]
    rule, numbers = f"smooth_{name}" if antialias else name, (float(bool(align_corners)),)
    y = resample(input, _along(have, out, scales, rule, numbers))
    return titled(y, f"{title}{len(have)}D{'Aa' if antialias else ''}Backward0")


def _nearest(x: Tensor, out: Sizes, scales: tuple[float, ...], mode: str) -> Tensor:
    if x.array.dtype.kind != "f" and x.array.dtype.name != "uint8":
        raise DTypeError(f"interpolate: mode {mode!r} is not implemented for {x.dtype}: use x.float().")
    rule, title = NEAREST[mode]
    y = resample(x, _along(x.array.shape[2:], out, scales, rule, ()))
    return titled(y, f"{title}{len(out)}DBackward0")


def _along(
    have: Sizes, out: Sizes, scales: tuple[float, ...], rule: str, numbers: tuple[float, ...]
) -> tuple[Along, ...]:
    spans = enumerate(zip(have, out, scales, strict=True))
    return tuple(Along(2 + d, rule, n, m, (*numbers, s)) for d, (n, m, s) in spans)


def _check_mode(x: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    expect_tensor("interpolate", x)
    ndim = x.array.ndim
    known = (*NEAREST, *SMOOTH, "area")
    if mode not in known or ndim not in (3, 4, 5):
        raise MissingError(
            "interpolate: Input Error: Only 3D, 4D and 5D input Tensors supported (batch, channels, places) "
            f"(got {ndim}D) for the modes: {' | '.join(known)} (got {mode})"
        )
    if mode not in SMOOTH and align_corners is not None:
        raise ValueError(
            "interpolate: align_corners option can only be set with the interpolating modes: linear | bilinear | "
            f"bicubic | trilinear, got mode={mode!r}."
        )
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and ndim == 4):
        raise ValueError(
            "interpolate: Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D "
            "tensor as input"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("interpolate: Lanczos mode requires antialias=True")
    if mode in SMOOTH and SMOOTH[mode][1] != ndim - 2:
        raise MissingError(f"interpolate: Got {ndim}D input, but {mode} mode needs {SMOOTH[mode][1] + 2}D input")


def _sizes(have: Sizes, size: Any, scale_factor: Any, recompute: bool, mode: str) -> tuple[Sizes, tuple[float, ...]]:
    """(the new sizes, the scales that the places are computed with; 0 for those that follow from the sizes)."""
    if size is not None and scale_factor is not None:
        raise ValueError("interpolate: only one of size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor is not meaningful with an explicit size.")
        return tuple(int(n) for n in _listed(have, "output size", size, "__index__")), (0.0,) * len(have)
    if scale_factor is None:
        raise ValueError("interpolate: either size or scale_factor should be defined")
    scales = tuple(float(s) for s in _listed(have, "scale_factor", scale_factor, "__float__"))
    out = tuple(math.floor(n * s) for n, s in zip(have, scales, strict=True))
    return out, (0.0,) * len(have) if recompute or mode == "area" else scales


def _listed(have: Sizes, what: str, value: Any, kind: str) -> tuple[Any, ...]:
    """``value`` for each dimension."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * len(have)
    if not all(hasattr(v, kind) and not isinstance(v, str) for v in values):
        raise DTypeError(f"interpolate: expected {what} as a number or a tuple of them, got {value!r:.60}.")
    if len(values) != len(have):
        both = "output" if what == "output size" else what
        raise ShapeError(
            f"interpolate: Input and {both} must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {list(have)} and {what} of {values}. Please provide input tensor in "
            f"(N, C, d1, d2, ...,dK) format and {what} in (o1, o2, ...,oK) format."
        )
    return values


def _check_sizes(x: Tensor, out: Sizes) -> None:
    shape = x.array.shape
    if min(out) < 1 or 0 in shape[2:]:
        names = "DHW"[-len(out) :]
        have, want = (", ".join(f"{n}: {v}" for n, v in zip(names, s, strict=True)) for s in (shape[2:], out))
        raise ShapeError(
            f"interpolate: Input and output sizes should be greater than 0, but got input ({have}) output ({want})."
        )
    if shape[1] == 0:
        raise ShapeError(
            f"interpolate: Non-empty {len(shape)}D data tensor expected but got a tensor with sizes {list(shape)}."
        )


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The older name of ``interpolate``."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """``interpolate`` with mode "nearest"."""
    return interpolate(input, size, scale_factor)


def upsample_bilinear(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """``interpolate`` with mode "bilinear" and corner pixels on each other."""
    return interpolate(input, size, scale_factor, "bilinear", True)
