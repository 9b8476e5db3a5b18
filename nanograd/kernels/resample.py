"""Sums over a few places along a dimension: averages of windows, images in another size, edges that are continued.

y[i] = Σₖ weight[i, k] · x[place[i, k]].  A *rule* gives the table of places and weights; a place of -1 stands for
nothing.  The adjoint is the same sum with the transposed table: for each place of x, where it was read.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nanograd.dtypes import DType
from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = ["Along", "pad", "resample"]


class Along(NamedTuple):
    """What happens to one dimension: ``want`` sums over its ``have`` places, by a rule and the numbers it needs."""

    dim: int
    rule: str
    have: int
    want: int
    numbers: tuple[float, ...] = ()


Table = tuple[Array, Array | None]
"""places (want, k), weights (want, k) or None where all are 1"""
RULES: dict[str, Callable[..., Table]] = {}


def rule(function: Callable[..., Table]) -> Callable[..., Table]:
    """Register a rule: (have, want, real, *numbers) → a table, its weights computed in the dtype ``real``."""
    RULES[function.__name__] = function
    return function


# Windows


def _run(first: Array, last: Array) -> Array:
    """(want, longest): the places first[i] ... last[i] - 1, then -1."""
    longest = max(int((last - first).max(initial=0)), 1)
    places = first[:, None] + np.arange(longest)
    return np.where(places < last[:, None], places, -1)


@rule
def window(have: int, want: int, real: Any, size: int, stride: int, padding: int) -> Table:
    """Windows of ``size`` places; those beyond the edges count nothing."""
    start = np.arange(want) * stride - padding
    places = start[:, None] + np.arange(size)
    return np.where((places >= 0) & (places < have), places, -1), None


@rule
def share(have: int, want: int, real: Any) -> Table:
    """The input divided into ``want`` parts that overlap where it does not divide: ⌊i n/m⌋ ... ⌈(i + 1) n/m⌉."""
    i = np.arange(want)
    return _run(i * have // want, -(-(i + 1) * have // want)), None


# Edges that continue


@rule
def reflect(have: int, want: int, real: Any, before: int) -> Table:
    """… 2 1 | 0 1 2 …: the edge is a mirror."""
    i = np.abs(np.arange(want) - before)
    return np.where(i >= have, 2 * (have - 1) - i, i)[:, None], None


@rule
def replicate(have: int, want: int, real: Any, before: int) -> Table:
    """… 0 0 | 0 1 2 …: the edge repeats."""
    return (np.arange(want) - before).clip(0, have - 1)[:, None], None


@rule
def circular(have: int, want: int, real: Any, before: int) -> Table:
    """… 8 9 | 0 1 2 …: the other end follows; of what is left, where a negative number cuts something off."""
    first = max(-before, 0)
    left = have - first - max(-(want - have - before), 0)
    return ((np.arange(want) - max(before, 0)) % left + first)[:, None], None


# Another size.  Source of the arithmetic: torch's upsampling, which computes places in the dtype of the image.


def _step(have: int, want: int, real: Any, align_corners: float, scale: float) -> Any:
    """How many old places a new one spans: between the corner places, or 1 / scale where a scale was given."""
    if align_corners:
        return real(have - 1) / real(want - 1) if want > 1 else real(0)
    return real(1.0 / scale) if scale > 0 else real(have) / real(want)


def _sources(have: int, want: int, real: Any, align_corners: float, scale: float) -> Array:
    """Where each new place lies among the old ones: corners on corners, or edges on edges."""
    half = 0.0 if align_corners else 0.5
    step = np.float64(_step(have, want, real, align_corners, scale))
    return (step * (np.arange(want) + half) - half).astype(real)  # rounded once, as by a fused multiply-add


@rule
def nearest(have: int, want: int, real: Any, scale: float) -> Table:
    """The old place at the left end of the new one."""
    return _whole(np.arange(want, dtype=real) * _step(have, want, real, False, scale), have)


@rule
def nearest_exact(have: int, want: int, real: Any, scale: float) -> Table:
    """The old place in the middle of the new one."""
    return _whole(np.maximum(_sources(have, want, real, False, scale), 0) + np.float64(0.5), have)


def _whole(at: Array, have: int) -> Table:
    """The places that points lie in.  At the border of two places torch's rounding to float32 decides."""
    return np.minimum(np.floor(at.astype(np.float32)).astype(np.int64), have - 1)[:, None], None


@rule
def linear(have: int, want: int, real: Any, align_corners: float, scale: float) -> Table:
    """The two old places around the new one, the nearer with the greater weight."""
    if have == want:
        return np.arange(want)[:, None], None
    at = np.maximum(_sources(have, want, real, align_corners, scale), 0)
    left = np.minimum(at.astype(np.int64), have - 1)
    t = (at - left.astype(real)).clip(0, 1)
    return np.stack([left, np.minimum(left + 1, have - 1)], 1), np.stack([1 - t, t], 1)


@rule
def cubic(have: int, want: int, real: Any, align_corners: float, scale: float) -> Table:
    """The four old places around the new one, by Keys' cubic with a = -3/4."""
    at = _sources(have, want, real, align_corners, scale)
    left = np.minimum(np.floor(at).astype(np.int64), have - 1)
    t = (at - left.astype(real)).clip(0, 1)
    steps = np.arange(-1, 3)
    places = (left[:, None] + steps).clip(0, have - 1)
    return places, _cubic(t[:, None] - steps.astype(real), -0.75)


def _triangle(x: Array) -> Array:
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x: Array, a: float) -> Array:
    """1 at 0, 0 at the other integers, of width 4.  Source: R. Keys, "Cubic convolution interpolation", 1981."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(x: Array) -> Array:
    """sinc(x) sinc(x / 3), of width 6."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


FILTERS: dict[str, tuple[Callable[[Array], Array], int]] = {
    "linear": (_triangle, 1),
    "cubic": (functools.partial(_cubic, a=-0.5), 2),
    "lanczos": (_lanczos, 3),
}
"""a filter, and how far it reaches"""


def _smooth(name: str) -> Callable[..., Table]:
    """The rule that widens a filter by the scale, so that every old place counts (antialias)."""

    def smoothed(have: int, want: int, real: Any, align_corners: float, scale: float) -> Table:
        """A mean of the old places under the filter."""
        curve, reach = FILTERS[name]
        step, half = _step(have, want, real, align_corners, scale), real(0.5)
        center = step * (np.arange(want, dtype=real) + half)
        stretch = max(step, real(1))
        first = np.maximum((center - reach * stretch + half).astype(np.int64), 0)
        last = np.minimum((center + reach * stretch + half).astype(np.int64), have)
        places = _run(first, last)
        weights = np.where(places < 0, 0, curve((places - center[:, None] + half) / stretch)).astype(real)
        return places, weights / weights.sum(1, keepdims=True)

    return smoothed


RULES |= {f"smooth_{name}": _smooth(name) for name in FILTERS}


# Tables and sums


@functools.lru_cache(maxsize=256)
def table(along: Along, real: Any, back: bool) -> Table:
    """The table of a rule, transposed for the way ``back``."""
    places, weights = RULES[along.rule](along.have, along.want, real, *along.numbers)
    if back:
        places, weights = _transposed(places, weights, along.have)
    return places, None if weights is None else weights.astype(real)


def _transposed(places: Array, weights: Array | None, have: int) -> Table:
    """For each of ``have`` places, the sums that read it."""
    rows, columns = np.nonzero(places >= 0)
    read = places[rows, columns]
    order = np.argsort(read, kind="stable")
    read, rows, columns = read[order], rows[order], columns[order]
    counts = np.bincount(read, minlength=have)
    slots = np.arange(read.size) - np.repeat(np.cumsum(counts) - counts, counts)
    back = np.full((have, max(int(counts.max(initial=0)), 1)), -1)
    back[read, slots] = rows
    if weights is None:
        return back, None
    shares = np.zeros(back.shape, weights.dtype)
    shares[read, slots] = weights[rows, columns]
    return back, shares


def _real(dtype: np.dtype[Any]) -> Any:
    return np.float64 if dtype == np.float64 else np.float32


@kernel
def resample(x: Array, dims: tuple[Along, ...], back: bool) -> Array:
    """Each of ``dims`` in turn made a sum over its places, or the adjoint.  Integers only where weights are 1."""
    y = x.astype(np.float32) if x.dtype == np.float16 else x
    for along in dims:
        y = _summed(y, along.dim, *table(along, _real(x.dtype), back))
    return y.astype(x.dtype, copy=False)


def _summed(x: Array, dim: int, places: Array, weights: Array | None) -> Array:
    if places.shape[1] == 1 and weights is None and (places >= 0).all():
        return x.take(places[:, 0], dim)
    y: Array = np.zeros((*x.shape[:dim], len(places), *x.shape[dim + 1 :]), x.dtype)
    for k in range(places.shape[1]):
        rows = np.flatnonzero(places[:, k] >= 0)
        part = x.take(places[rows, k], dim)
        if weights is not None:
            part *= weights[rows, k].reshape(-1, *(1 for _ in x.shape[dim + 1 :]))
        y[(*(slice(None) for _ in range(dim)), rows)] += part
    return y


@jit
def _sum(x, places, weights, y):  # type: ignore[no-untyped-def]
    for o in range(y.shape[0]):
        for i in range(y.shape[1]):
            for r in range(y.shape[2]):
                y[o, i, r] = 0
            for k in range(places.shape[1]):
                p = places[i, k]
                if p < 0:
                    continue
                w = weights[i, k]
                for r in range(y.shape[2]):
                    y[o, i, r] += w * x[o, p, r]


@jit
def _sum_last(x, places, weights, y):  # type: ignore[no-untyped-def]
    for o in range(y.shape[0]):
        row, sums = x[o], y[o]
        for i in range(sums.size):
            total = weights[i, 0] * row[places[i, 0]] if places[i, 0] >= 0 else x.dtype.type(0)
            for k in range(1, places.shape[1]):
                p = places[i, k]
                if p >= 0:
                    total += weights[i, k] * row[p]
            sums[i] = total


@resample.cpu(lambda x, dims, back: x.size >= 1024 and x.dtype.char in "fd" and x.flags.c_contiguous)
def _(x: Array, dims: tuple[Along, ...], back: bool) -> Array:
    for along in dims:
        places, weights = table(along, x.dtype.type, back)
        before, (have, *after) = x.shape[: along.dim], x.shape[along.dim :]
        y = np.empty((math.prod(before), len(places), math.prod(after)), x.dtype)
        plain = np.ones(places.shape, x.dtype) if weights is None else weights
        if y.shape[2] == 1:
            _sum_last(x.reshape(y.shape[0], have), places, plain, y.reshape(y.shape[:2]))
        else:
            _sum(x.reshape(y.shape[0], have, y.shape[2]), places, plain, y)
        x = y.reshape(*before, len(places), *after)
    return x


# Constant edges


@kernel
def pad(x: Array, edges: tuple[tuple[int, int], ...], value: float, dtype: DType) -> Array:
    """x with ``edges`` (before, after) of ``value`` along each dimension; negative ones cut off."""
    kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, edges, strict=True))
    inner = x[kept]
    added = tuple((max(a, 0), max(b, 0)) for a, b in edges)
    y = np.full([a + n + b for n, (a, b) in zip(inner.shape, added, strict=True)], value, dtype.numpy)
    y[tuple(slice(a, a + n) for n, (a, _) in zip(inner.shape, added, strict=True))] = inner
    return y
