"""Convolution of signals, images and volumes, and its adjoints, as matrix products over unrolled windows (im2col).

One code for one, two and three dimensions: ``*out`` and ``*size`` stand for as many sizes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nanograd.kernels.kernel import Array, kernel

__all__ = ["convolve", "convolve_input", "convolve_weight", "fold", "unfold"]

Sizes = tuple[int, ...]


def _windows(x: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Array:
    """(N, C, *in) → (N, C, *size, *out): every window under the kernel, as a view of the padded input."""
    if any(padding):
        wide = np.zeros((*x.shape[:2], *(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))), x.dtype)
        wide[(..., *(slice(p, p + n) for n, p in zip(x.shape[2:], padding, strict=True)))] = x
        x = wide
    sizes = zip(x.shape[2:], size, stride, dilation, strict=True)
    out = ((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in sizes)
    along = x.strides[2:]
    steps = (*(a * d for a, d in zip(along, dilation, strict=True)), *(a * s for a, s in zip(along, stride, strict=True)))
    return as_strided(x, (*x.shape[:2], *size, *out), (*x.strides[:2], *steps), writeable=False)


def _put_back(windows: Array, shape: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Array:
    """The adjoint of ``_windows``: what lies in a window is added where it was read; → (N, C, *shape)"""
    dims = len(shape)
    size, out = windows.shape[2 : 2 + dims], windows.shape[2 + dims :]
    x = np.zeros((*windows.shape[:2], *(n + 2 * p for n, p in zip(shape, padding, strict=True))), windows.dtype)
    for cell in np.ndindex(size):
        starts = zip(cell, dilation, stride, out, strict=True)
        x[(..., *(slice(i * d, i * d + s * (o - 1) + 1, s) for i, d, s, o in starts))] += windows[(..., *cell)[:0]][
            (slice(None), slice(None), *cell)
        ]
    return x[(..., *(slice(p, p + n) for n, p in zip(shape, padding, strict=True)))]
