"""torch's files of before 1.6, no zip: five pickle programs, then each storage as its length and its elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nanograd.serialization.builder import Builder
from nanograd.serialization.elements import Array, Elements, decode
from nanograd.serialization.files import FileFormatError, damaged
from nanograd.serialization.machine import Machine
from nanograd.serialization.storages import Place

__all__ = ["read_legacy"]

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


def read_legacy(data: bytes, place: Place, weights_only: bool, encoding: str) -> Any:
    """The value in a legacy file.  Raises FileFormatError for any other pickle."""
    head = Machine(data, Builder(_no_storage, place, weights_only), len(data), encoding)
    if head.run() != _MAGIC:
        raise FileFormatError(
            "load: this is a pickle, but not a file of torch.save. Load it in a program that trusts it, and save it "
            "with torch.save there."
        )
    if head.run() != _PROTOCOL:
        damaged("its protocol is unknown")
    system = head.run()
    byteorder = "little" if not isinstance(system, dict) or system.get("little_endian", True) else "big"

    # The program comes before the storages that it needs: run it once to learn their kinds, and again with them.
    claims: dict[str, tuple[Elements, int]] = {}
    stand_in = Builder(_claiming(claims, len(data)), lambda storage, _: storage, weights_only)
    first = Machine(data, stand_in, len(data), encoding, head.at)
    first.run()
    keys = first.run()
    arrays = _storages(data, first.at, keys, claims, byteorder)
    builder = Builder(lambda key, kind, number: arrays[key], place, weights_only)
    return builder.checked(Machine(data, builder, len(data), encoding, head.at).run())


def _no_storage(key: str, kind: Elements, number: int) -> Array:
    damaged("a storage comes before the value")


def _claiming(claims: dict[str, tuple[Elements, int]], room: int) -> Callable[[str, Elements, int], Array]:
    """Notes what is claimed of each storage, and gives memory that stands in for it."""
    left = room

    def claim(key: str, kind: Elements, number: int) -> Array:
        nonlocal left
        left -= number * kind.stored.itemsize
        if left < 0:
            damaged(f"its storages claim more than its {room} bytes")
        claims[key] = kind, number
        return np.empty(number, kind.dtype.numpy)

    return claim


def _storages(
    data: bytes, at: int, keys: Any, claims: dict[str, tuple[Elements, int]], byteorder: str
) -> dict[str, Array]:
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(claims):
        damaged("it lists other storages than it uses")
    arrays = {}
    for key in keys:
        kind, number = claims[key]
        end = at + 8 + number * kind.stored.itemsize
        if int.from_bytes(data[at : at + 8], "little") != number or end > len(data):
            damaged(f"storage {key!r:.40} does not have its {number} elements")
        arrays[key] = decode(np.frombuffer(bytearray(data[at + 8 : end]), np.uint8), kind, byteorder)
        at = end
    return arrays
