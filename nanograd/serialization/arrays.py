"""NumPy's files: ``.npy``, one array, and ``.npz``, a zip of them by name.  Arrays of Python objects are refused.

Source of the format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from nanograd.devices import Device
from nanograd.dtypes import dtype_of
from nanograd.errors import DTypeError
from nanograd.ops.creation import from_numpy
from nanograd.serialization.archive import Zip
from nanograd.serialization.elements import Array
from nanograd.serialization.files import FileFormatError, UnsafeFileError, damaged
from nanograd.tensors import Tensor

__all__ = ["read_npy", "read_npz", "write_npy", "write_npz"]

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npy(data: bytes | memoryview, device: Device) -> Tensor:
    """The array in the bytes of a .npy file, as a tensor."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        if version not in _READERS:
            raise FileFormatError(f"load: .npy version {version} is for records; nanograd reads arrays of numbers.")
        shape, fortran, dtype = _READERS[version](file)
    except FileFormatError:
        raise
    except Exception as error:  # NumPy reads the header as Python's literals, which can go wrong in many ways
        damaged(f"its .npy header cannot be read ({type(error).__name__}: {error!s:.80})")
    if dtype.hasobject:
        raise UnsafeFileError(
            "load: refused: the .npy holds Python objects, which only a pickle could rebuild. Save arrays of numbers."
        )
    return from_numpy(_elements(data, file.tell(), shape, fortran, dtype)).to(device)


def _elements(data: bytes | memoryview, start: int, shape: Any, fortran: bool, dtype: np.dtype[Any]) -> Array:
    native = dtype_of(dtype.newbyteorder("=")).numpy if dtype.kind in "biuf" else dtype_of(dtype).numpy
    if len(shape) > 32 or not all(type(n) is int and 0 <= n < 2**62 for n in shape):
        damaged(f"its array has shape {shape!r:.80}")
    need = math.prod(shape) * dtype.itemsize
    if need != len(data) - start:
        damaged(f"its array of shape {shape} and {dtype} needs {need} bytes, there are {len(data) - start}")
    if not need:
        return np.empty(shape, native)
    raw = np.frombuffer(data, dtype if native.kind != "b" else np.uint8, offset=start)
    return raw.reshape(shape, order="F" if fortran else "C").astype(native)  # a copy, of the machine's byte order


def read_npz(zip_: Zip, device: Device) -> dict[str, Tensor]:
    """The arrays of an .npz by name, as tensors."""
    others = [name for name in zip_.entries if not name.endswith(".npy")]
    if others:
        raise FileFormatError(f"load: this .npz holds {others[0]!r:.80}, which is no array.")
    return {name.removesuffix(".npy"): read_npy(zip_.read(name), device) for name in zip_.entries}


def write_npy(file: IO[bytes], value: Any) -> None:
    """Write one tensor, array or number."""
    np.lib.format.write_array(file, _array(value, "the value"), allow_pickle=False)


def write_npz(file: IO[bytes], values: Any) -> None:
    """Write a flat dict of tensors, arrays and numbers by name."""
    import zipfile

    if not isinstance(values, Mapping) or not all(type(name) is str for name in values):
        raise DTypeError(f"save: an .npz holds a dict of tensors by name, got {type(values).__name__}. Save it as .pt.")
    arrays = {name: _array(value, repr(name)) for name, value in values.items()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _array(value: Any, what: str) -> Array:
    if isinstance(value, Tensor):
        return value.numpy_of()
    array = np.asarray(value) if isinstance(value, (bool, int, float, np.generic, np.ndarray)) else None
    if array is None or array.dtype.kind not in "biufc":
        raise DTypeError(
            f"save: NumPy's files hold arrays of numbers; {what} is a {type(value).__name__}. Save it as .pt."
        )
    return array
