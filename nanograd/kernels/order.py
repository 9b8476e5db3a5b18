"""Elements by their order: sorting, ranks, runs of equal elements, and where a number would stand."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.kernels.kernel import Array, kernel

__all__ = [
    "bincount",
    "edges",
    "histc",
    "histogram",
    "isin",
    "median",
    "mode",
    "ranked",
    "searchsorted",
    "sort",
    "topk",
    "unique",
    "unique_runs",
]

FEW = 8  # topk looks for fewer than one in so many without sorting everything


@kernel
def sort(x: Array, dim: int, descending: bool) -> tuple[Array, Array]:
    """(sorted values, int64 indices) along ``dim``; equal elements keep their order, NaN counts as greatest."""
    index = _order(x, dim, descending)
    return np.take_along_axis(x, index, dim), index


def _order(x: Array, dim: int, descending: bool) -> Array:
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    # reversing twice keeps equal elements in their order
    return x.shape[dim] - 1 - np.flip(np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim)


@kernel
def topk(x: Array, k: int, dim: int, largest: bool) -> tuple[Array, Array]:
    """(the k greatest, or least, in order; their int64 indices) along ``dim``; NaN counts as greatest."""
    size = x.shape[dim]
    if 0 < k <= size // FEW:
        part = np.argpartition(x, size - k if largest else k - 1, dim)
        first = size - k if largest else 0
        index = np.sort(part[(slice(None),) * dim + (slice(first, first + k),)], dim)  # equal ones: the first first
        values = np.take_along_axis(x, index, dim)
        order = _order(values, dim, largest)
        return np.take_along_axis(values, order, dim), np.take_along_axis(index, order, dim)
    index = _order(x, dim, largest)[(slice(None),) * dim + (slice(k),)]
    return np.take_along_axis(x, index, dim), index


@kernel
def ranked(x: Array, dim: int, k: int) -> Array:
    """int64 index of the k-th least element (from 0) along ``dim``, kept with size 1; of equal ones the first."""
    return _first(x, np.partition(x, k, dim)[(slice(None),) * dim + (slice(k, k + 1),)], dim)


def _first(x: Array, value: Array, dim: int) -> Array:
    """The index along ``dim`` of the first element that is ``value``, or NaN as it."""
    return np.argmax((x == value) | ((x != x) & (value != value)), axis=dim, keepdims=True)


@kernel
def median(x: Array, dim: int, skip_nan: bool) -> Array:
    """int64 index of the lower median along ``dim``, kept with size 1; of the first NaN, unless they are left out."""
    missing = x != x
    count = x.shape[dim] - np.count_nonzero(missing, axis=dim, keepdims=True)
    rank = np.maximum(count - 1, 0) // 2 if skip_nan else np.where(count < x.shape[dim], -1, (count - 1) // 2)
    return _first(x, np.take_along_axis(np.sort(x, dim), rank, dim), dim)  # NaN is sorted to the end


@kernel
def mode(x: Array, dim: int) -> Array:
    """int64 index of the last element equal to the least of the most frequent, along ``dim``, kept with size 1."""
    values, order = sort.reference(x, dim, False)
    size = x.shape[dim]
    places = np.arange(size).reshape((-1,) + (1,) * (x.ndim - 1 - dim))
    new = np.ones(values.shape, bool)
    later, earlier = (slice(None),) * dim + (slice(1, None),), (slice(None),) * dim + (slice(-1),)
    new[later] = values[later] != values[earlier]
    so_far = places - np.maximum.accumulate(np.where(new, places, 0), dim)  # equal elements before this one
    return np.take_along_axis(order, np.argmax(so_far, axis=dim, keepdims=True), dim)


@kernel
def unique(x: Array, dim: int | None) -> tuple[Array, Array, Array]:
    """(the distinct elements, or slices along ``dim``, in order; which of them each is; how often each occurs)."""
    rows = _rows(x, dim)
    order = np.lexsort(rows.T[::-1]) if rows.shape[1] else np.arange(len(rows))
    first, run, counts = _runs(rows[order])
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = run
    taken = order[first]
    values = x.reshape(-1)[taken] if dim is None else x.take(taken, dim)
    return values, inverse.reshape(x.shape) if dim is None else inverse, counts


@kernel
def unique_runs(x: Array, dim: int | None) -> tuple[Array, Array, Array]:
    """As ``unique``, but only neighbors that are equal count as one, and nothing is sorted."""
    rows = _rows(x, dim)
    first, run, counts = _runs(rows)
    values = x.reshape(-1)[first] if dim is None else x.take(first, dim)
    return values, run.reshape(x.shape) if dim is None else run, counts


def _rows(x: Array, dim: int | None) -> Array:
    """What is compared: the elements, or the slices along ``dim``, one in each row."""
    if dim is None:
        return x.reshape(-1, 1)
    return np.moveaxis(x, dim, 0).reshape(x.shape[dim], x.size // max(x.shape[dim], 1))


def _runs(rows: Array) -> tuple[Array, Array, Array]:
    """Of rows in order: where each run of equal ones begins, the number of each row's run, and their lengths."""
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    first = np.flatnonzero(new)
    return first, np.cumsum(new) - 1, np.diff(np.append(first, len(rows)))


@kernel
def isin(x: Array, among: Array, invert: bool) -> Array:
    """Whether each element is among others, or, ``invert``, whether it is not; NaN is equal to nothing."""
    return np.isin(x, among, invert=invert)


@kernel
def searchsorted(values: Array, boundaries: Array, right: bool) -> Array:
    """int64: how many of the sorted boundaries stand before each value (``right``: those equal to it too).

    Boundaries of several dimensions hold a row for each row of values.
    """
    side: Any = "right" if right else "left"
    if boundaries.ndim == 1:
        return np.asarray(np.searchsorted(boundaries, values, side), np.int64)
    y = np.empty(values.shape, np.int64)
    for place in np.ndindex(values.shape[:-1]):
        y[place] = np.searchsorted(boundaries[place], values[place], side)
    return y


@kernel
def bincount(x: Array, weights: Array | None, least: int) -> Array:
    """y[i] = how often i occurs in x, or the sum of the weights where it does; at least ``least`` long."""
    return np.bincount(x.astype(np.int64), weights, least)


@kernel
def histc(x: Array, low: float, high: float, bins: int) -> Array:
    """How many elements lie in each of ``bins`` equal parts of [low, high]."""
    flat = x.reshape(-1)
    flat = flat[(flat >= low) & (flat <= high)]
    start, end, number = (x.dtype.type(v) for v in (low, high, bins))
    places = ((flat - start) * number / (end - start)).astype(np.int64)  # rounded as torch does
    return np.bincount(np.minimum(places, bins - 1), None, bins).astype(x.dtype)


@kernel
def edges(x: Array, low: float, high: float, bins: int) -> Array:
    """The ends of ``bins`` equal parts of [low, high], as x's dtype; counted from both ends, so that they mirror."""
    start, end = x.dtype.type(low), x.dtype.type(high)
    step, places = (end - start) / x.dtype.type(bins), np.arange(bins + 1, dtype=x.dtype)
    return np.where(places < (bins + 1) // 2, start + step * places, end - step * (bins - places))


@kernel
def histogram(x: Array, weights: Array | None, edges: Array) -> Array:
    """How many elements (or their weights) lie in [edges[i], edges[i + 1]); the last bin holds its end too."""
    flat = x.reshape(-1)
    bins = np.searchsorted(edges, flat, "right") - 1
    bins[flat == edges[-1]] = len(edges) - 2
    inside = (bins >= 0) & (bins < len(edges) - 1)
    of_bins = None if weights is None else weights.reshape(-1)[inside]
    return np.bincount(bins[inside], of_bins, len(edges) - 1).astype(x.dtype)
