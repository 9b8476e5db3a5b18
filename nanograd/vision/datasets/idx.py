"""The IDX format of the MNIST family: two zero bytes, a dtype, the number of dimensions, the sizes, the elements.

Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from nanograd.ops.creation import from_numpy
from nanograd.serialization import FileFormatError
from nanograd.tensors import Tensor

__all__ = ["read_idx"]

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
SIZE_LIMIT = 1 << 30  # bytes; MNIST's largest has 47 MB
_DEFLATE_RATIO = 1032  # no gzip file grows more than this: the claim of a larger array is damage
_CHUNK = 1 << 20


def read_idx(path: Path) -> Tensor:
    """The tensor in an IDX file, plain or gzip-compressed, of the dtype and sizes that its header names.

    Raises FileFormatError for damage.  Memory is bounded by what the file holds, whatever its header claims.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not packed:
            return _read(file, path, size)
        try:
            with gzip.GzipFile(fileobj=file) as inner:
                return _read(inner, path, size * _DEFLATE_RATIO)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            _damaged(path, f"its compression is broken ({error})")


def _read(file: IO[bytes] | gzip.GzipFile, path: Path, bound: int) -> Tensor:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or not 1 <= magic[3] <= 8:
        _damaged(path, f"it begins with {magic.hex(' ') or 'nothing'}, not with the magic number of an IDX file")
    dtype, ndim = np.dtype(DTYPES[magic[2]]), magic[3]
    header = file.read(4 * ndim)
    if len(header) < 4 * ndim:
        _damaged(path, "it ends within its header")
    shape = tuple(int.from_bytes(header[4 * d : 4 * d + 4], "big") for d in range(ndim))
    claimed = math.prod(shape) * dtype.itemsize
    if claimed > min(bound, SIZE_LIMIT):
        _damaged(path, f"its header claims an array {shape} of {claimed} bytes, more than it can hold")
    data = bytearray()
    while len(data) <= claimed and (chunk := file.read(min(_CHUNK, claimed + 1 - len(data)))):
        data += chunk
    if len(data) != claimed:
        kind = "fewer" if len(data) < claimed else "more"
        _damaged(path, f"it holds {kind} than the {claimed} bytes that its header {shape} claims")
    array: np.ndarray[Any, Any] = np.frombuffer(data, dtype).reshape(shape)
    return from_numpy(array.astype(dtype.newbyteorder("="), copy=False))


def _damaged(path: Path, what: str) -> NoReturn:
    raise FileFormatError(f"{path.name}: damaged or not an IDX file: {what}. Delete {path} and get it again.")
