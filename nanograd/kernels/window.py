"""A view's place in the memory of its base, and what passes between the two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nanograd.kernels.kernel import Array, kernel


class Window(NamedTuple):
    """Where a view lies in its base; offsets and strides count elements from the lowest one in memory."""

    span: int
    base: tuple[tuple[int, ...], tuple[int, ...], int]  # shape, strides, offset
    view: tuple[tuple[int, ...], tuple[int, ...], int]


@kernel
def window_of(view: Array, base: Array) -> Window:
    """Where ``view`` lies in the memory of ``base``."""
    size = base.itemsize
    places, ends = [], []
    for x in (base, view):
        start = (x.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // size
        steps = tuple(s // size for s in x.strides)
        reach = [(n - 1) * s for n, s in zip(x.shape, steps, strict=True)] if x.size else []
        places.append((x.shape, steps, start))
        ends += [start + sum(r for r in reach if r < 0), start + sum(r for r in reach if r > 0)]
    low = min(ends)
    shifted = [(shape, steps, start - low) for shape, steps, start in places]
    return Window(max(ends) - low + 1, shifted[0], shifted[1])


@kernel
def overlaps(x: Array) -> bool:
    """Whether two elements of x lie in one place."""
    reach, clear = 0, True
    for step, n in sorted((abs(s), n) for s, n in zip(x.strides, x.shape, strict=True) if n > 1):
        clear = clear and step > reach
        reach += (n - 1) * step
    if clear or not x.size:
        return False
    places = np.zeros((), np.int64)
    for step, n in zip(x.strides, x.shape, strict=True):
        places = np.add.outer(places, step * np.arange(n))
    return bool(np.unique(places).size < x.size)


@kernel
def root_of(x: Array) -> Array:
    """The array that owns the memory in which x lies."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


@kernel
def placed_in(copied: Array, root: Array, x: Array) -> Array:
    """Where x lies in ``root``, seen in ``copied``, a copy of it."""
    start = x.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    return np.ndarray(x.shape, x.dtype, copied.data, start, x.strides)


def _looks(memory: Array, place: tuple[tuple[int, ...], tuple[int, ...], int]) -> Array:
    shape, steps, start = place
    return as_strided(memory[start:], shape, tuple(s * memory.itemsize for s in steps))


@kernel
def cut(x: Array, window: Window) -> Array:
    """The elements of x, shaped as the base, that the view shows."""
    memory = np.zeros(window.span, x.dtype)
    _looks(memory, window.base)[...] = x
    return _looks(memory, window.view).copy()


@kernel
def paste(x: Array, window: Window) -> Array:
    """Zeros shaped as the base, with x where the view looks."""
    memory = np.zeros(window.span, x.dtype)
    _looks(memory, window.view)[...] = x
    return _looks(memory, window.base).copy()


@kernel
def blank(x: Array, window: Window) -> Array:
    """x, shaped as the base, with zeros where the view looks."""
    memory = np.zeros(window.span, x.dtype)
    _looks(memory, window.base)[...] = x
    _looks(memory, window.view)[...] = 0
    return _looks(memory, window.base).copy()
