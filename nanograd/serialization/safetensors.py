"""The safetensors format, both ways, with the names of its package: ``save_file``, ``load_file``, ``save``, ``load``.

A file is 8 bytes n (little-endian), n bytes of JSON that says of each tensor its dtype, shape and place, and then the
tensors' elements, row-major, without gaps.  Source: https://huggingface.co/docs/safetensors, section "Format".
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from nanograd import dtypes
from nanograd.devices import Device, to_device
from nanograd.errors import DTypeError, MissingError
from nanograd.ops.creation import from_numpy
from nanograd.serialization.elements import BFLOAT16, Array, Elements, decode, elements_of
from nanograd.serialization.files import FileFormatError, opened, replacing
from nanograd.tensors import Tensor

__all__ = ["load", "load_file", "read", "read_metadata", "save", "save_file", "write"]

Place = tuple[Elements, tuple[int, ...], int, int]
"""(elements, shape, first byte, byte after the last) of one tensor."""

_CODES = {
    "F64": dtypes.float64, "F32": dtypes.float32, "F16": dtypes.float16, "I64": dtypes.int64, "I32": dtypes.int32,
    "I16": dtypes.int16, "I8": dtypes.int8, "U8": dtypes.uint8, "BOOL": dtypes.bool_,
}  # fmt: skip
_ELEMENTS = {code: elements_of(dtype) for code, dtype in _CODES.items()} | {"BF16": BFLOAT16}
_CODE_OF = {dtype: code for code, dtype in _CODES.items()}
_ABSENT = ("F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "F6_E3M2", "U16", "U32", "U64", "C64")
_HEADER_LIMIT = 100_000_000  # bytes; the package has the same


def save_file(
    tensors: Mapping[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None
) -> None:
    """Write a dict of tensors by name, and strings about them.  The former file stays whole until this one is complete.

    Raises DTypeError for anything else in the dict, RuntimeError for tensors that share memory: a file cannot say so.
    """
    with replacing(Path(filename)) as file:
        write(file, tensors, metadata)


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors of a file by name.  bfloat16 becomes float32, without loss.  Raises FileFormatError for damage."""
    with opened(filename) as (file, size):
        return read(file, size, to_device(device))


def save(tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """What ``save_file`` writes, as bytes."""
    buffer = io.BytesIO()
    write(buffer, tensors, metadata)
    return buffer.getvalue()


def load(data: bytes) -> dict[str, Tensor]:
    """What ``load_file`` reads, from bytes."""
    with opened(io.BytesIO(data)) as (file, size):
        return read(file, size, to_device("cpu"))


def read_metadata(filename: str | os.PathLike[str]) -> dict[str, str]:
    """The strings that stand beside the tensors."""
    with opened(filename) as (file, size):
        return _read_header(file, size)[1]


def write(file: IO[bytes], tensors: Any, metadata: Mapping[str, str] | None = None) -> None:
    """Write header and elements; the widest dtypes first, so that every tensor is aligned."""
    _check_given(tensors, metadata)
    ordered = sorted(tensors.items(), key=lambda item: -item[1].dtype.itemsize)
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    start = 0
    for name, t in ordered:
        end = start + t.numel() * t.dtype.itemsize
        header[name] = {"dtype": _CODE_OF[t.dtype], "shape": list(t.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    if len(text) > _HEADER_LIMIT:
        raise FileFormatError(f"save: the header would have {len(text)} bytes, more than the {_HEADER_LIMIT} allowed.")
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for _, t in ordered:
        array = t.numpy_of()
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        file.write(little.reshape(-1).view(np.uint8).data)


def _check_given(tensors: Any, metadata: Any) -> None:
    if not isinstance(tensors, Mapping):
        raise DTypeError(
            f"save: a .safetensors file holds a dict of tensors by name, got {type(tensors).__name__}. Save a model's "
            "state_dict(), or save as .pt, which holds anything."
        )
    for name, t in tensors.items():
        if type(name) is not str or not isinstance(t, Tensor) or name == "__metadata__":
            raise DTypeError(
                f"save: a .safetensors file holds a dict of tensors by name; {name!r:.60} is a {type(t).__name__}. "
                "Save it as .pt, which holds anything."
            )
    if metadata and not all(type(k) is str and type(v) is str for k, v in metadata.items()):
        raise DTypeError("save: the metadata of a .safetensors file is a dict of strings.")
    _refuse_sharing({name: t.numpy_of() for name, t in tensors.items()})


def _refuse_sharing(arrays: dict[str, Array]) -> None:
    """Raise where two tensors see the same memory: they would come back as two."""
    stretches = sorted((*np.lib.array_utils.byte_bounds(a), name) for name, a in arrays.items() if a.size)
    reaching: list[tuple[int, str]] = []  # (end, name) of those that may reach into what comes
    for start, end, name in stretches:
        reaching = [(reach, other) for reach, other in reaching if reach > start]
        for _, other in reaching:
            if np.shares_memory(arrays[other], arrays[name]):
                raise RuntimeError(
                    f"save: Some tensors share memory: {other!r} and {name!r}. A .safetensors file would hold them "
                    "twice, and load them as two. Save as .pt, which keeps tied weights tied, or leave one out."
                )
        reaching.append((end, name))


def read(file: IO[bytes], size: int, device: Device) -> dict[str, Tensor]:
    """The tensors of an open file by name, after every claim of its header was checked."""
    places, _, start = _read_header(file, size)
    tensors = {}
    for name, (elements, shape, first, end) in places.items():
        raw = np.empty(end - first, np.uint8)
        file.seek(start + first)
        if file.readinto(raw.data) != raw.size:  # type: ignore[attr-defined]
            _damaged(f"tensor {name!r:.80} is cut short")
        tensors[name] = from_numpy(decode(raw, elements).reshape(shape)).to(device)
    return tensors


def _read_header(file: IO[bytes], size: int) -> tuple[dict[str, Place], dict[str, str], int]:
    """(places, metadata, where the elements start)."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(_HEADER_LIMIT, size - 8):
        _damaged(f"its header claims {length} bytes, the file has {size}")
    header = _parsed(file.read(length))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        _damaged("its __metadata__ is not a dict of strings")
    places = {name: _place(name, entry) for name, entry in header.items()}
    _check_places(places, size - 8 - length)
    return places, metadata, 8 + length


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_repeats)
    except FileFormatError:
        raise
    except (ValueError, RecursionError) as error:
        _damaged(f"its header is not JSON ({error})")
    if not isinstance(header, dict):
        _damaged("its header is not a JSON object")
    return header


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        _damaged("its header names an entry twice")
    return dict(pairs)


def _place(name: str, entry: Any) -> Place:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        _damaged(f"the entry of tensor {name!r:.80} is not dtype, shape and data_offsets")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if isinstance(code, str) and code in _ABSENT:
        raise MissingError(
            f"load: tensor {name!r:.80} has dtype {code}, which nanograd does not have; it has "
            f"{', '.join(_CODES)}, and reads BF16 as F32. Convert the tensor where the file comes from."
        )
    if not isinstance(code, str) or code not in _ELEMENTS:
        _damaged(f"tensor {name!r:.80} has dtype {code!r:.40}; known are {', '.join(_ELEMENTS)}")
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2 or len(shape) > 32:
        _damaged(f"tensor {name!r:.80} has shape {shape!r:.80} and data_offsets {offsets!r:.80}")
    start, end = offsets
    need = math.prod(shape) * _ELEMENTS[code].stored.itemsize
    if end - start != need:
        _damaged(
            f"tensor {name!r:.80} of shape {shape} and dtype {code} needs {need} bytes; data_offsets are {offsets}"
        )
    if not need and math.prod(n for n in shape if n) >= 2**60:
        _damaged(f"tensor {name!r:.80} has shape {shape}")
    return _ELEMENTS[code], tuple(shape), start, end


def _counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**62 for v in values)


def _check_places(places: Mapping[str, Place], size: int) -> None:
    """Refuse overlaps, gaps, and places beyond the end."""
    reached = 0
    for name, (_, _, start, end) in sorted(places.items(), key=lambda item: item[1][2:]):
        if start != reached:
            _damaged(f"tensor {name!r:.80} starts at byte {start}, the one before it ends at {reached}")
        reached = end
    if reached != size:
        _damaged(f"its tensors need {reached} bytes, there are {size}")


def _damaged(what: str) -> NoReturn:
    raise FileFormatError(f"load: the file is damaged or not a safetensors file: {what}.")
