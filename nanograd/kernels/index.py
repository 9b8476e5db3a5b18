"""Reading and writing parts of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.kernels.kernel import Array, kernel

__all__ = ["add_at", "gather", "nonzero", "part", "put", "put_at", "scatter_add", "take"]

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
def gather(x: Array, dim: int, index: Array) -> Array:
    """y[i][j] = x[index[i][j]][j] for dim = 0, and so on."""
    cut = tuple(slice(None) if d == dim else slice(size) for d, size in enumerate(index.shape))
    return np.take_along_axis(x[cut], index, dim)


@kernel
def scatter_add(g: Array, dim: int, index: Array, shape: tuple[int, ...]) -> Array:
    """Zeros of ``shape`` to which ``g`` is added where ``gather`` would read; places that repeat add up."""
    out = np.zeros(shape, g.dtype)
    places = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    places[dim] = index
    cut = tuple(slice(size) for size in index.shape)
    np.add.at(out, tuple(places), g[cut])
    return out


@kernel
def nonzero(x: Array) -> Array:
    """(n, ndim) int64: the places of the elements that are not zero, in row-major order."""
    return np.argwhere(x)
