"""PNG files, read and written without Pillow.

Read: gray, color and palette of 1, 2, 4 or 8 bits, with or without alpha.  Written: 8 bits.

Source: "Portable Network Graphics (PNG) Specification", W3C.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from nanograd.errors import MissingError, ShapeError
from nanograd.kernels.compile import can_compile, jit
from nanograd.serialization import FileFormatError

__all__ = ["SIGNATURE", "decode", "encode"]

Array = np.ndarray[Any, Any]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by color type: gray, RGB, palette, gray + alpha, RGBA
DEPTHS = {0: (1, 2, 4, 8), 2: (8,), 3: (1, 2, 4, 8), 4: (8,), 6: (8,)}
PIXEL_LIMIT = 1 << 26  # 8192 x 8192: 256 MB of color and alpha
_DEFLATE_RATIO = 1032  # no compressed data grows more than this
_WORTH_COMPILING = 1 << 17  # bytes


def encode(image: Array, level: int = 6) -> bytes:
    """The PNG file of an image, uint8 (H, W, C): C is 1 for gray, 2 with alpha, 3 for RGB, 4 with alpha."""
    color = {1: 0, 2: 4, 3: 2, 4: 6}.get(image.shape[2] if image.ndim == 3 else 0)
    if color is None or image.dtype != np.uint8 or not image.size:
        raise ShapeError(f"encode_png: expected uint8 (H, W, 1 to 4), not empty, got {image.dtype} {image.shape}.")
    height, width = image.shape[:2]
    rows = np.zeros((height, 1 + width * image.shape[2]), np.uint8)  # each row begins with its filter: 0, none
    rows[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), level)), (b"IEND", b"")]
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def decode(data: bytes) -> Array:
    """The image in a PNG file, uint8 (H, W, C); a palette gives RGB, or RGBA where it has alpha.

    Raises FileFormatError for damage, MissingError for 16 bits and for interlaced files.  Memory is bounded by what
    the file holds, whatever its header claims.
    """
    if not data.startswith(SIGNATURE):
        _damaged("it does not begin as a PNG file")
    header, packed, palette, alpha = b"", [], b"", b""
    for kind, content in _chunks(data):
        if kind == b"IHDR":
            header = content
        elif kind == b"PLTE":
            palette = content
        elif kind == b"tRNS":
            alpha = content
        elif kind == b"IDAT":
            packed.append(content)
    width, height, depth, color = _header(header)
    row = (width * CHANNELS[color] * depth + 7) // 8
    rows = np.frombuffer(_inflate(b"".join(packed), height * (1 + row)), np.uint8).reshape(height, 1 + row)
    image = _samples(_unfiltered(rows, max(1, CHANNELS[color] * depth // 8)), width, depth)
    if color == 3:
        return _looked_up(image, palette, alpha)
    if depth < 8:
        image = image * (255 // ((1 << depth) - 1))
    return image.reshape(height, width, CHANNELS[color])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while True:
        if len(data) < place + 12:
            _damaged("it ends before its end mark")
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        end = place + 8 + length
        if len(data) < end + 4:
            _damaged(f"its part {kind!r} claims {length} bytes, more than are there")
        if zlib.crc32(data[place + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            _damaged(f"the checksum of its part {kind!r} is wrong")
        if kind == b"IEND":
            return
        if kind[:1].isupper() and kind not in (b"IHDR", b"PLTE", b"IDAT"):
            _damaged(f"it needs a part {kind!r} that is not known")
        yield kind, data[place + 8 : end]
        place = end + 4


def _header(header: bytes) -> tuple[int, int, int, int]:
    """(width, height, bits per value, color type), checked."""
    if len(header) != 13:
        _damaged("it has no header")
    width, height, depth, color, compression, filtering, interlace = struct.unpack(">IIBBBBB", header)
    if color not in CHANNELS or compression or filtering or interlace > 1 or not width * height:
        _damaged(f"its header says {width} x {height} pixels, color type {color}, {depth} bits")
    if width * height > PIXEL_LIMIT:
        _damaged(f"its header says {width} x {height} pixels, more than the {PIXEL_LIMIT} allowed")
    if interlace:
        raise MissingError("decode_png: interlaced PNG files need Pillow: pip install Pillow.")
    if depth == 16:
        raise MissingError("decode_png: PNG files of 16 bits need Pillow: pip install Pillow.")
    if depth not in DEPTHS[color]:
        _damaged(f"its header says color type {color} with {depth} bits")
    return width, height, depth, color


def _inflate(packed: bytes, size: int) -> bytes:
    if size > len(packed) * _DEFLATE_RATIO:
        _damaged(f"its header claims {size} bytes of pixels, more than {len(packed)} compressed bytes can hold")
    try:
        data = zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error as error:
        _damaged(f"its compression is broken ({error})")
    if len(data) != size:
        _damaged(f"it holds {'more' if len(data) > size else 'fewer'} pixels than its header claims")
    return data


def _unfiltered(rows: Array, step: int) -> Array:
    """The bytes (H, row) of rows (H, 1 + row) that begin with the number of their filter."""
    if int(rows[:, 0].max()) > 4:
        _damaged(f"a row has filter {int(rows[:, 0].max())}; there are 0 to 4")
    out = np.zeros((rows.shape[0] + 1, rows.shape[1] - 1 + step), np.uint8)  # a zero row above, zero pixels before
    if rows.size > _WORTH_COMPILING and can_compile():
        _unfilter(rows, out, step)
    else:
        for y, row in enumerate(rows):
            _unfilter_row(int(row[0]), row[1:], out[y, step:], out[y + 1, step:], step)
    return out[1:, step:]


def _unfilter_row(kind: int, row: Array, above: Array, out: Array, step: int) -> None:
    """Undo one row's filter: 0 none, 1 left, 2 above, 3 their mean, 4 Paeth's choice of left, above and above left."""
    if kind == 0:
        out[:] = row
    elif kind == 1:
        for c in range(step):
            out[c::step] = np.add.accumulate(row[c::step], dtype=np.uint8)
    elif kind == 2:
        out[:] = row + above
    else:
        up, values = above.tolist(), row.tolist()
        for i, value in enumerate(values):
            left, corner = (values[i - step], up[i - step]) if i >= step else (0, 0)
            guess = (left + up[i]) // 2 if kind == 3 else _nearest(left, up[i], corner)
            values[i] = (value + guess) & 255
        out[:] = values


def _nearest(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    far_left, far_up, far_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if far_left <= far_up and far_left <= far_corner:
        return left
    return up if far_up <= far_corner else corner


@jit
def _unfilter(rows: Any, out: Any, step: int) -> None:
    """What ``_unfilter_row`` does, for all rows, compiled."""
    for y in range(rows.shape[0]):
        kind = rows[y, 0]
        for i in range(rows.shape[1] - 1):
            left, up, corner = np.int64(out[y + 1, i]), np.int64(out[y, i + step]), np.int64(out[y, i])
            guess = np.int64(0)  # signed: the distances below need it
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            elif kind == 4:
                far_left, far_up, far_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
                if far_left <= far_up and far_left <= far_corner:
                    guess = left
                elif far_up <= far_corner:
                    guess = up
                else:
                    guess = corner
            out[y + 1, i + step] = (rows[y, i + 1] + guess) & 255


def _samples(rows: Array, width: int, depth: int) -> Array:
    """Values one by one: rows of less than 8 bits a value are taken apart, the first value in the highest bits."""
    if depth == 8:
        return rows
    bits = np.unpackbits(rows, axis=1).reshape(rows.shape[0], -1, depth)
    values: Array = bits @ (1 << np.arange(depth - 1, -1, -1)).astype(np.uint8)
    return values[:, :width]


def _looked_up(image: Array, palette: bytes, alpha: bytes) -> Array:
    if not palette or len(palette) % 3 or len(palette) > 768:
        _damaged("it has no palette that can be")
    colors = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    if int(image.max()) >= len(colors):
        _damaged(f"a pixel has color {int(image.max())} of a palette of {len(colors)}")
    if alpha:
        opacity = np.full((len(colors), 1), 255, np.uint8)
        opacity[: len(alpha), 0] = np.frombuffer(alpha[: len(colors)], np.uint8)
        colors = np.concatenate([colors, opacity], axis=1)
    return colors[image]


def _damaged(what: str) -> NoReturn:
    raise FileFormatError(f"decode_png: the file is damaged or not a PNG file: {what}.")
