"""The memory of the tensors that are saved: each stretch that several share is written once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from nanograd.devices import cpu
from nanograd.errors import DTypeError
from nanograd.serialization.elements import Array
from nanograd.tensors import Tensor

__all__ = ["Memories", "Memory", "stretch"]


class Memory:
    """A stretch that tensors share: from the first byte that any of them sees to the last."""

    def __init__(self, key: int, array: Array) -> None:
        self.key = key
        self.dtype = array.dtype
        self.low, self.high = stretch(array)
        self._lowest = array

    def add(self, array: Array) -> None:
        """Include what ``array`` sees."""
        low, high = stretch(array)
        if low < self.low:
            self.low, self._lowest = low, array
        self.high = max(self.high, high)

    def raw(self) -> Array:
        """The bytes of the stretch, not copied."""
        if self.low == self.high:
            return np.empty(0, np.uint8)
        first = self._lowest[(slice(0, 1),) * self._lowest.ndim].reshape(-1)
        return np.lib.stride_tricks.as_strided(first.view(np.uint8), (self.high - self.low,), (1,), writeable=False)


def stretch(array: Array) -> tuple[int, int]:
    """(address of the first byte, address after the last) of an array without negative strides."""
    start = array.__array_interface__["data"][0]
    if not array.size:
        return start, start
    reach = sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True))
    return start, start + reach + array.itemsize


class Memories:
    """The stretches of memory of one file, by the number each gets there."""

    def __init__(self) -> None:
        self._all: list[Memory] = []
        self._of: dict[tuple[int, Any], Memory] = {}
        self._hosts: dict[int, Array] = {}
        self._kept: list[Any] = []  # so that no id and no address is used twice

    def __iter__(self) -> Iterator[Array]:
        """The bytes of each."""
        return (memory.raw() for memory in self._all)

    def of(self, t: Tensor) -> tuple[Array, Memory]:
        """The elements of a tensor where the CPU sees them, and the stretch that they are part of."""
        array = self._host(t)
        owner: Any = array
        while getattr(owner, "base", None) is not None:
            owner = owner.base
        self._kept += [t.array, array, owner]
        place = (id(owner), array.dtype)
        if place in self._of:
            self._of[place].add(array)
        else:
            self._of[place] = Memory(len(self._all), array)
            self._all.append(self._of[place])
        return array, self._of[place]

    def _host(self, t: Tensor) -> Array:
        """The same array for all tensors of one array; a copy of one whose strides no file can hold."""
        array = t.array if t.device is cpu else self._hosts.get(id(t.array))
        if array is None:
            array = self._hosts[id(t.array)] = t.numpy_of()
        regular = all(s >= 0 and s % array.itemsize == 0 for s in array.strides) and array.flags.aligned
        return array if regular else np.ascontiguousarray(array).reshape(array.shape)

    def check(self) -> None:
        """Refuse memory that tensors of two dtypes see: they would come back apart."""
        ordered = sorted((m for m in self._all if m.high > m.low), key=lambda m: (m.low, m.high))
        for a, b in itertools.pairwise(ordered):
            if b.low < a.high:
                raise DTypeError(
                    f"save: Cannot save multiple tensors or storages that view the same data as different types: "
                    f"{a.dtype} and {b.dtype}. clone() one of them first."
                )
