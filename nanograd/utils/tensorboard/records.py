"""Event files: the bytes that TensorBoard reads.

A file is a row of records, and a record is a length, its checksum, the data, their checksum (TensorFlow's TFRecord
format).  The data are a protocol buffer, of which this module writes the few fields that are needed (Protocol Buffers,
"Encoding"; tensorboard/compat/proto: event.proto, summary.proto, tensor.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import IO

from nanograd.errors import ShapeError

__all__ = [
    "FileDamaged",
    "double",
    "fields",
    "float32",
    "message",
    "packed",
    "read_records",
    "record",
    "text",
    "varint",
]


# Protocol buffers: a field is its number and wire type, then the value


def _number(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers as two's complement
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint(field: int, value: int) -> bytes:
    """An integer field."""
    return _number(field << 3) + _number(value)


def double(field: int, value: float) -> bytes:
    """A 64-bit float field."""
    return _number(field << 3 | 1) + struct.pack("<d", value)


def float32(field: int, value: float) -> bytes:
    """A 32-bit float field; what is too large for it is infinite."""
    try:
        packed_value = struct.pack("<f", value)
    except OverflowError:
        packed_value = struct.pack("<f", float("inf") if value > 0 else float("-inf"))
    return _number(field << 3 | 5) + packed_value


def message(field: int, *parts: bytes) -> bytes:
    """A field that holds other fields, or bytes."""
    body = b"".join(parts)
    return _number(field << 3 | 2) + _number(len(body)) + body


def text(field: int, value: str) -> bytes:
    """A field of text."""
    return message(field, value.encode())


def packed(field: int, values: Iterable[float]) -> bytes:
    """A field of many 64-bit floats."""
    listed = list(values)
    return message(field, struct.pack(f"<{len(listed)}d", *listed))


def fields(data: bytes) -> Iterator[tuple[int, int, bytes | int]]:
    """(number, wire type, value) of each field; fixed-size values as bytes.  Raises FileDamaged."""
    at = 0
    while at < len(data):
        key, at = _read_number(data, at)
        field, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _read_number(data, at)
            yield field, wire, value
            continue
        if wire == 2:
            size, at = _read_number(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise FileDamaged(f"event: a field has the wire type {wire}, which does not exist.")
        if at + size > len(data):
            raise FileDamaged(f"event: a field of {size} bytes stands where {len(data) - at} are left.")
        yield field, wire, data[at : at + size]
        at += size


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise FileDamaged("event: a number has no end.")
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


# Records


class FileDamaged(ShapeError):
    """An event file that is not what was written."""


def record(data: bytes) -> bytes:
    """``data`` as a record."""
    length = struct.pack("<Q", len(data))
    return length + _checksum(length) + data + _checksum(data)


def read_records(file: IO[bytes]) -> Iterator[bytes]:
    """The data of each record.  A record that is cut off at the end, as by a process that was killed, ends the file.

    Raises FileDamaged where a checksum is wrong.
    """
    while len(head := file.read(12)) == 12:
        if _checksum(head[:8]) != head[8:]:
            raise FileDamaged("event file: the checksum of a record's length is wrong.")
        (size,) = struct.unpack("<Q", head[:8])
        data = _read_up_to(file, size + 4)
        if len(data) < size + 4:
            return
        if _checksum(data[:-4]) != data[-4:]:
            raise FileDamaged("event file: the checksum of a record is wrong.")
        yield data[:-4]


def _read_up_to(file: IO[bytes], size: int) -> bytes:
    """At most ``size`` bytes, without taking the room for them before they are there."""
    parts, left = [], size
    while left and (part := file.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _table() -> list[int]:
    """CRC-32C, the polynomial 0x1EDC6F41 bit-reversed, for each byte (Castagnoli et al., 1993)."""
    entries = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        entries.append(byte)
    return entries


_CRC = _table()


def _checksum(data: bytes) -> bytes:
    """The CRC-32C of ``data``, rotated and shifted as TFRecord has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
