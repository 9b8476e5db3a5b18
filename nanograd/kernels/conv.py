"""Convolution in two dimensions and its two adjoints, as matrix products over unrolled windows (im2col)."""

from __future__ import annotations

import numpy as np

from nanograd.kernels.kernel import Array, kernel

__all__ = ["conv2d", "conv2d_input", "conv2d_weight"]

Pair = tuple[int, int]


def _windows(x: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """(N, C, H, W) → (N, C, OH, OW, KH, KW): every window under the kernel, as a view of the padded images."""
    (ph, pw), (sh, sw), (dh, dw) = padding, stride, dilation
    if ph or pw:
        x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    reach = (dh * (size[0] - 1) + 1, dw * (size[1] - 1) + 1)
    every = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
    return every[:, :, ::sh, ::sw, ::dh, ::dw]


@kernel
def conv2d(x: Array, weight: Array, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """y[n, o] = Σ_c x[n, c] ⋆ W[o, c]: (N, C, H, W) (O, C/groups, KH, KW) → (N, O, OH, OW)"""
    out, _, kh, kw = weight.shape
    windows = _windows(x, (kh, kw), stride, padding, dilation)
    n, c, oh, ow = windows.shape[:4]
    # (N, G, C/G, OH, OW, KH, KW) -> (G, N·OH·OW, C/G·KH·KW)
    columns = windows.reshape(n, groups, c // groups, oh, ow, kh, kw).transpose(1, 0, 3, 4, 2, 5, 6)
    columns = columns.reshape(groups, n * oh * ow, c // groups * kh * kw)
    y = columns @ weight.reshape(groups, out // groups, -1).transpose(0, 2, 1)
    y = y.reshape(groups, n, oh, ow, out // groups).transpose(1, 0, 4, 2, 3)
    return np.ascontiguousarray(y.reshape(n, out, oh, ow))


@kernel
def conv2d_input(
    g: Array, weight: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """The adjoint of ``conv2d`` in x: each g spreads back over its window; (N, O, OH, OW) → (N, C, *size)"""
    (ph, pw), (sh, sw), (dh, dw) = padding, stride, dilation
    n, out, oh, ow = g.shape
    _, per_group, kh, kw = weight.shape
    rows = g.reshape(n, groups, out // groups, oh * ow).transpose(1, 0, 3, 2)
    rows = rows.reshape(groups, n * oh * ow, out // groups)
    columns = rows @ weight.reshape(groups, out // groups, -1)  # (G, N·OH·OW, C/G·KH·KW)
    columns = columns.reshape(groups, n, oh, ow, per_group, kh, kw).transpose(5, 6, 1, 0, 4, 2, 3)
    x = np.zeros((n, groups, per_group, size[0] + 2 * ph, size[1] + 2 * pw), g.dtype)
    for i in range(kh):
        for j in range(kw):
            top, left = i * dh, j * dw
            x[..., top : top + sh * oh : sh, left : left + sw * ow : sw][..., :oh, :ow] += columns[i, j]
    x = x.reshape(n, groups * per_group, *x.shape[3:])
    return np.ascontiguousarray(x[:, :, ph : ph + size[0], pw : pw + size[1]])


@kernel
def conv2d_weight(g: Array, x: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """The adjoint of ``conv2d`` in W: Σ over windows of g times the window; → (O, C/groups, *size)"""
    n, out, oh, ow = g.shape
    c = x.shape[1]
    windows = _windows(x, size, stride, padding, dilation)[:, :, :oh, :ow]
    columns = windows.reshape(n, groups, c // groups, oh, ow, *size).transpose(1, 0, 3, 4, 2, 5, 6)
    columns = columns.reshape(groups, n * oh * ow, c // groups * size[0] * size[1])
    rows = g.reshape(n, groups, out // groups, oh * ow).transpose(1, 2, 0, 3)
    rows = rows.reshape(groups, out // groups, n * oh * ow)
    return (rows @ columns).reshape(out, c // groups, *size)
