"""Reading and writing parts of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.kernels.kernel import Array, kernel

__all__ = [
    "add_at", "added_at", "distinct", "gather", "nonzero", "part", "put", "put_at", "scatter", "scatter_add",
    "scatter_reduce", "take", "unravel",
]  # fmt: skip

Places = tuple[Any, ...]
"""An index of integers, slices, None and Ellipsis, as NumPy takes it."""
Steps = tuple[Places, ...]
"""Indices applied one after the other: the last may hold arrays of indices, the ones before give views."""


def _last(x: Array, steps: Steps) -> tuple[Array, Places]:
    for places in steps[:-1]:
        x = x[places]
    return x, steps[-1]


@kernel
def part(x: Array, places: Places) -> Array:
    """x[places]: a view."""
    return x[places]


@kernel
def take(x: Array, steps: Steps) -> Array:
    """The elements at ``steps``: a copy where they hold arrays of indices."""
    x, places = _last(x, steps)
    return x[places]


@kernel
def put(x: Array, steps: Steps, value: Array) -> None:
    """The elements at ``steps`` ← value, in place."""
    x, places = _last(x, steps)
    x[places] = value


@kernel
def put_at(x: Array, steps: Steps, value: Array) -> Array:
    """A copy of x in which the elements at ``steps`` are ``value``."""
    y = np.array(x, order="C")
    inner, places = _last(y, steps)
    inner[places] = value
    return y


@kernel
def add_at(g: Array, steps: Steps, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` to which ``g`` is added at ``steps``; places that repeat add up."""
    out = np.zeros(shape, g.dtype)
    add_into.reference(out, steps, g)
    return out


@kernel
def add_into(x: Array, steps: Steps, g: Array) -> None:
    """x[steps] ← x[steps] + g, in place; places that repeat add up."""
    inner, places = _last(x, steps)
    if any(isinstance(p, np.ndarray) for p in places):
        np.add.at(inner, places, g)
    else:
        inner[places] += g


@kernel
def added_at(x: Array, steps: Steps, value: Array) -> Array:
    """A copy of x to which ``value`` is added at ``steps``; places that repeat add up."""
    y = np.array(x, order="C")
    add_into.reference(y, steps, value)
    return y


@kernel
def unravel(index: Array, shape: tuple[int, ...]) -> tuple[Array, ...]:
    """For places in the row-major order of ``shape``, the places along each dimension; negative ones from the end."""
    found = []
    for size in reversed(shape):
        found.append(np.asarray(index % size if size else index))
        index = index // size if size else index
    return tuple(reversed(found))


@kernel
def distinct(index: Array, size: int) -> Array:
    """The numbers in ``index`` once each; negative ones count from the end of ``size``."""
    return np.unique(np.where(index < 0, index + size, index))


@kernel
def gather(x: Array, dim: int, index: Array) -> Array:
    """y[i][j] = x[index[i][j]][j] for dim = 0, and so on."""
    return x[_spots(dim, index)] if index.size else np.zeros(index.shape, x.dtype)


def _spots(dim: int, index: Array) -> tuple[Array, ...]:
    """The places that ``gather`` reads."""
    places = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    places[dim] = index
    return tuple(places)


@kernel
def scatter_add(g: Array, dim: int, index: Array, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` to which ``g`` is added where ``gather`` would read; places that repeat add up."""
    out = np.zeros(shape, g.dtype)
    if index.size:
        np.add.at(out, _spots(dim, index), g)
    return out


@kernel
def scatter(x: Array, dim: int, index: Array, value: Array) -> Array:
    """A copy of x with ``value`` where ``gather`` would read; the last one stays where places repeat."""
    y = np.array(x, order="C")
    if index.size:
        y[_spots(dim, index)] = value
    return y


REDUCE = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


@kernel
def scatter_reduce(x: Array, dim: int, index: Array, value: Array, reduce: str, include_self: bool) -> Array:
    """A copy of x in which the values that go to one place are added, averaged, multiplied, or compared.

    ``include_self`` counts the element of x as one of them.
    """
    y, spots, operation = np.array(x, order="C"), _spots(dim, index), REDUCE[reduce]
    if not index.size:
        return y
    if not include_self:
        y[spots] = _start(operation, x.dtype)
    operation.at(y, spots, value)
    if reduce == "mean":
        counts = np.full(x.shape, int(include_self))
        np.add.at(counts, spots, 1)
        counts = np.maximum(counts, 1)
        y = y / counts.astype(x.dtype) if x.dtype.kind == "f" else y // counts
    return np.asarray(y, x.dtype)


def _start(operation: np.ufunc, dtype: np.dtype[Any]) -> Any:
    """What changes nothing when it is combined with a number."""
    if operation.identity is not None:
        return operation.identity
    least = operation is np.maximum
    if dtype.kind == "f":
        return -np.inf if least else np.inf
    if dtype.kind == "b":
        return not least
    return np.iinfo(dtype).min if least else np.iinfo(dtype).max


@kernel
def nonzero(x: Array) -> Array:
    """(n, ndim) int64: the places of the elements that are not zero, in row-major order."""
    return np.argwhere(x)
