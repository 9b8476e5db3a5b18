"""Plain data <-> bytes, across the boundary between the grader and the process in which learner code runs.

A message is JSON that describes the value and raw buffers that hold its arrays: no pickle, so reading one runs no code.
Every array is checked before it exists: an allowed dtype, a shape, and exactly as many bytes as both say.
Whatever is not plain data crosses as a `Foreign`: its type's name and a short text, equal to nothing.

```
message = u32 length of the JSON | JSON | padding | buffers, each on a multiple of 64 bytes
frame   = u64 length of the message | 16 bytes: keyed hash of (number of the frame, message) | message
```
"""

from __future__ import annotations

import hmac
import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

__all__ = ["DTYPES", "HEADER", "MAX_DEPTH", "Foreign", "Seal", "TooLargeError", "WireError", "pack", "unpack"]

MAX_DEPTH = 100
MAX_PARTS = 1_000_000
HEADER = 24  # bytes before the message in a frame
_ALIGNMENT = 64
_TAG = 16
_WIDE = ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")

#: the dtypes that may cross, by their name in a message
DTYPES = {name: np.dtype(name) for name in ["|b1", "|i1", "|u1", *("<" + n for n in _WIDE), *(">" + n for n in _WIDE)]}


class WireError(ValueError):
    """A message that is not what this module writes, or a value that it does not carry."""


class TooLargeError(WireError):
    """A message that is longer than allowed."""


@dataclass(frozen=True, eq=False)
class Foreign:
    """A value that is no plain data, such as a generator or an array of objects; it equals nothing else."""

    type: str
    text: str

    def __repr__(self) -> str:
        return f"<{self.type}: {self.text}>" if self.text else f"<{self.type}>"


def pack(value: object) -> bytes:
    """Write the message that carries ``value``.

    Plain data is None, bool, int, float, complex, str, bytes, slice, ``...``, NumPy arrays, scalars and dtypes,
    and lists, tuples, sets and dicts of them. Arrays cross by value, in C order; a subclass crosses as the plain array
    that it holds, whatever its methods say.

    Raises:
        WireError: nested deeper than ``MAX_DEPTH``, or more than ``MAX_PARTS`` parts.

    >>> unpack(pack({"grad": np.zeros((2, 0), np.float32), "shape": (2, 1)}))
    {'grad': array([], shape=(2, 0), dtype=float32), 'shape': (2, 1)}
    """
    out = _Out()
    text = json.dumps(out.node(value, 0), separators=(",", ":")).encode()
    head = struct.pack("<I", len(text)) + text
    return b"".join([head, _padding(len(head)), *out.buffers])


def unpack(message: bytes) -> Any:
    """Read the value of a message that ``pack`` wrote. Arrays are new, writable and in C order.

    Raises:
        WireError: anything that ``pack`` does not write.
    """
    try:
        (length,) = struct.unpack_from("<I", message)
        end = 4 + length
        if end > len(message):
            raise WireError("unpack: the message is cut off.")
        tree = json.loads(bytes(message[4:end]))
        return _In(memoryview(message)[end + len(_padding(end)) :]).value(tree)
    except WireError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, struct.error) as error:
        raise WireError(f"unpack: not a message of this format: {type(error).__name__}: {error}") from None


class Seal:
    """Writes and opens the frames of one direction of a conversation: keyed and numbered, none forged or replayed."""

    def __init__(self, key: bytes, direction: str) -> None:
        self._key = blake2b(key + direction.encode(), digest_size=32).digest()
        self._number = 0

    def frame(self, message: bytes) -> bytes:
        """Write the next frame; it carries ``message``."""
        return struct.pack("<Q", len(message)) + self._tag(message) + message

    def size(self, header: bytes | bytearray, limit: int) -> int:
        """Read how many bytes follow a frame's header; more than ``limit`` is refused."""
        length = int(struct.unpack_from("<Q", header)[0])
        if length > limit:
            raise TooLargeError(f"{length} bytes are announced, but {limit} are allowed.")
        return length

    def open(self, header: bytes | bytearray, message: bytes) -> bytes:
        """Return ``message``, once its header proves where it comes from and that it is the next one."""
        if not hmac.compare_digest(self._tag(message), bytes(header[8:HEADER])):
            raise WireError("frame: it does not carry the seal of this run.")
        return message

    def _tag(self, message: bytes) -> bytes:
        number, self._number = self._number, self._number + 1
        return blake2b(struct.pack("<Q", number) + message, key=self._key, digest_size=_TAG).digest()


def _padding(length: int) -> bytes:
    return bytes(-length % _ALIGNMENT)


class _Out:
    """Turns a value into what JSON can hold: None, bool, int, float and str as they are, the rest as lists [tag, ...].

    It asks the base class, never the value: a subclass may say anything about itself.
    """

    def __init__(self) -> None:
        self.buffers: list[bytes] = []
        self.offset = 0
        self.parts = 0

    def node(self, value: Any, depth: int) -> Any:
        self.parts += 1
        if depth > MAX_DEPTH:
            raise WireError(f"pack: the value is nested more than {MAX_DEPTH} deep, or contains itself.")
        if self.parts > MAX_PARTS:
            raise WireError(f"pack: the value has more than {MAX_PARTS} parts; an array would be one.")
        match value:
            case None | True | False:
                return value
            case np.ndarray() | np.generic() | np.dtype():  # np.float64 is a float too: NumPy first
                return self.numpy(value)
            case str():
                return str.__str__(value)
            case int():
                plain = int.__int__(value)
                return plain if abs(plain) < 1 << 63 else ["int", hex(plain)]
            case float():
                return self.real(float.__float__(value))
            case complex():
                plain_complex = complex.__complex__(value)
                return ["complex", self.real(plain_complex.real), self.real(plain_complex.imag)]
            case bytes() | bytearray():
                return ["bytes", self.buffer(bytes(value)), len(value)]
        return self.container(value, depth + 1)

    def container(self, value: Any, depth: int) -> Any:
        match value:
            case list():
                return ["list", *self.nodes(list.__iter__(value), depth)]
            case tuple():
                return ["tuple", *self.nodes(tuple.__iter__(value), depth)]
            case dict():
                return ["dict", *([self.node(k, depth), self.node(v, depth)] for k, v in [*dict.items(value)])]
            case set():
                return ["set", *sorted(self.nodes(set.__iter__(value), depth), key=json.dumps)]
            case frozenset():
                return ["frozenset", *sorted(self.nodes(frozenset.__iter__(value), depth), key=json.dumps)]
            case slice():
                return ["slice", *self.nodes([value.start, value.stop, value.step], depth)]
            case Foreign():
                return ["foreign", value.type, value.text]
        return ["ellipsis"] if value is ... else _foreign(value)

    def nodes(self, values: Iterable[Any], depth: int) -> list[Any]:
        return [self.node(value, depth) for value in [*values]]

    def numpy(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            plain = np.ndarray.view(value, np.ndarray)
            if plain.dtype.str in DTYPES:
                return ["array", plain.dtype.str, list(plain.shape), self.buffer(plain.tobytes())]
            return ["foreign", f"array of {plain.dtype}", f"shape {plain.shape}"]
        if isinstance(value, np.dtype):
            return ["dtype", value.str] if value.str in DTYPES else _foreign(value)
        if value.dtype.str in DTYPES:
            return ["scalar", value.dtype.str, self.buffer(value.tobytes())]
        return str.__str__(value) if isinstance(value, str) else _foreign(value)

    def real(self, value: float) -> Any:
        return value if math.isfinite(value) else ["float", str(value)]

    def buffer(self, data: bytes) -> int:
        start = self.offset
        self.buffers += [data, _padding(len(data))]
        self.offset += len(data) + len(_padding(len(data)))
        return start


def _foreign(value: object) -> Any:
    try:
        text = str(repr(value))[:200]
    except Exception:
        text = ""  # a learner's own __repr__ may raise
    return ["foreign", str(type(value).__name__)[:200], text]


class _In:
    """Builds a value from its tree and the buffers behind it, and believes neither."""

    def __init__(self, buffers: memoryview) -> None:
        self.buffers = buffers

    def value(self, node: Any, depth: int = 0) -> Any:
        match node:
            case None | bool() | int() | float() | str():
                return node
            case ["array", str(name), list(shape), int(start)]:
                return self.array(DTYPES[name], shape, start)
            case ["scalar", str(name), int(start)]:
                return self.array(DTYPES[name], [], start)[()]
            case ["dtype", str(name)]:
                return DTYPES[name]
            case ["int", str(digits)]:
                return int(digits, 16)
            case ["float", "inf" | "-inf" | "nan" as word]:
                return float(word)
            case ["complex", real, imag]:
                return complex(self.real(real), self.real(imag))
            case ["bytes", int(start), int(length)]:
                return bytes(self.bytes(start, length))
            case ["ellipsis"]:
                return ...
            case ["foreign", str(kind), str(text)]:
                return Foreign(kind, text)
            case [str(tag), *nodes] if depth <= MAX_DEPTH:
                return self.container(tag, nodes, depth + 1)
        raise WireError(f"unpack: not a value of this format: {str(node)[:80]}")

    def container(self, tag: str, nodes: list[Any], depth: int) -> Any:
        if tag == "dict":
            return {self.value(k, depth): self.value(v, depth) for k, v in nodes}
        values = [self.value(node, depth) for node in nodes]
        match tag:
            case "list":
                return values
            case "tuple":
                return tuple(values)
            case "set":
                return set(values)
            case "frozenset":
                return frozenset(values)
            case "slice" if len(values) == 3:
                return slice(*values)
        raise WireError(f"unpack: not a value of this format: {tag[:80]}")

    def real(self, node: Any) -> float:
        number = self.value(node)
        if type(number) is not float:
            raise WireError(f"unpack: {str(node)[:80]} is not a float.")
        return number

    def bytes(self, start: int, length: int) -> memoryview:
        if not 0 <= start <= start + length <= len(self.buffers):
            raise WireError(f"unpack: {length} bytes at {start} are not among the {len(self.buffers)} there are.")
        return self.buffers[start : start + length]

    def array(self, dtype: np.dtype[Any], shape: list[Any], start: int) -> np.ndarray[Any, Any]:
        if any(type(n) is not int or n < 0 for n in shape):
            raise WireError(f"unpack: {str(shape)[:80]} is not a shape.")
        data = self.bytes(start, math.prod(shape) * dtype.itemsize)
        return np.frombuffer(bytearray(data), dtype).reshape(shape)
