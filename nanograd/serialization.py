"""Saving and loading without running code: ``torch.save`` and ``torch.load`` on files in the safetensors format.

A file is 8 bytes n (little-endian), n bytes of JSON that says of each tensor its dtype, shape and place, and then the
tensors' elements, row-major, without gaps.  What the tensors stand in (dicts, lists, numbers, …) is written beside
them, as JSON in the entry "nanograd" of the header's "__metadata__"; a file without it is a dict of tensors.

Source of the format: https://huggingface.co/docs/safetensors, section "Format".
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from nanograd.devices import Device, to_device
from nanograd.dtypes import DType, to_dtype
from nanograd.errors import DTypeError, MissingError
from nanograd.ops.creation import from_numpy
from nanograd.tensors import Size, Tensor

__all__ = ["FileFormatError", "load", "save"]

Array = np.ndarray[Any, Any]
Target = str | os.PathLike[str] | IO[bytes]

CODES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1",
    "BOOL": "?",
}  # fmt: skip
_CODE_OF = {np.dtype(kind): code for code, kind in CODES.items()}
_HEADER_LIMIT = 100_000_000  # bytes; other readers of the format have the same
_INTEGER_BITS = 8192  # Python reads no longer ones from text
_DEPTH_LIMIT = 100


class FileFormatError(RuntimeError, ValueError):
    """A file that is damaged, cut short, or not what it should be."""


def save(obj: Any, f: Target) -> None:
    """Write tensors, in whatever dicts, lists and tuples they stand, to a path or a file open for writing bytes.

    Also None, truth values, numbers, strings, dtypes, devices, sizes and NumPy arrays.  At a path, the former file
    stays whole until the new one is complete.  Tensors of the same memory are written once and loaded as one.
    Raises DTypeError for anything else (of a model save ``model.state_dict()``).

    >>> torch.save({"epoch": 3, "weight": torch.ones(2)}, "checkpoint.safetensors")
    >>> torch.load("checkpoint.safetensors")
    {'epoch': 3, 'weight': tensor([1., 1.])}
    """
    packing = _Packing()
    tree = packing.pack(obj, "", 0)
    metadata = {"nanograd": json.dumps({"version": 1, "tree": tree}, separators=(",", ":"))}
    if hasattr(f, "write"):
        _write(f, packing.arrays, metadata)
        return
    with _replacing(Path(f)) as file:
        _write(file, packing.arrays, metadata)


def load(f: Target, map_location: Any = None, *, weights_only: bool = True, mmap: bool | None = None) -> Any:
    """What ``save`` wrote, or the dict of tensors of any safetensors file, from a path or a file open for reading.

    ``map_location`` is the device that tensors go to.  Nothing in the file is run, whatever ``weights_only`` says.
    Raises FileFormatError for a damaged file, MissingError for files of torch's own format.
    """
    data = f.read() if hasattr(f, "read") else Path(f).read_bytes()
    if not isinstance(data, bytes):
        raise DTypeError(f"load: expected a file open for reading bytes, open(path, 'rb'); got {type(data).__name__}.")
    arrays, metadata = _read(data)
    place = _placer(map_location)
    if "nanograd" not in metadata:
        return {name: place(from_numpy(array)) for name, array in arrays.items()}
    try:
        described = json.loads(metadata["nanograd"])
        if described["version"] != 1:
            _damaged(f"it was written by a later version (format {described['version']})")
        return _Unpacking(arrays, place).unpack(described["tree"])
    except FileFormatError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        _damaged(f"its structure cannot be read ({type(error).__name__}: {error})")


def _placer(where: Any) -> Callable[[Tensor], Tensor]:
    if callable(where):
        return lambda t: t  # torch's ``lambda storage, location: storage``: stay on the CPU
    if isinstance(where, Mapping):
        where = where.get("cpu")
    device = to_device(where)
    return lambda t: t.to(device)


# The bytes


def _write(file: Any, arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write header and elements; the widest dtypes first, so that every tensor is aligned."""
    ordered = sorted(arrays.items(), key=lambda item: -item[1].itemsize)
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    start = 0
    for name, array in ordered:
        end = start + array.nbytes
        header[name] = {"dtype": _CODE_OF[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    if len(text) > _HEADER_LIMIT:
        raise FileFormatError(f"save: the header would have {len(text)} bytes, more than the {_HEADER_LIMIT} allowed.")
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for _, array in ordered:
        file.write(array.reshape(-1).view(np.uint8).data)


def _read(data: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    """(arrays with memory of their own by name, metadata), after checking every claim of the header."""
    if data[8:9] != b"{" and (data[:4] == b"PK\x03\x04" or data[:1] == b"\x80"):  # a zip or a pickle
        raise MissingError(
            "load: this is a file of torch's own format (or of NumPy's), which nanograd does not read. Save it from "
            "there with safetensors.torch.save_file(state_dict, path)."
        )
    if len(data) < 8:
        _damaged(f"it has {len(data)} bytes, fewer than a header")
    size = int.from_bytes(data[:8], "little")
    if size > min(_HEADER_LIMIT, len(data) - 8):
        _damaged(f"its header claims {size} bytes, the file has {len(data)}")
    header = _header(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        _damaged("its __metadata__ is not a dict of strings")
    body = memoryview(data)[8 + size :]
    places = {name: _entry(name, entry) for name, entry in header.items()}
    _check_places(places, len(body))
    arrays = {}
    for name, (code, shape, start, end) in places.items():
        stored = np.frombuffer(body[start:end], CODES[code] if code != "BOOL" else "u1").reshape(shape)
        arrays[name] = stored.astype(np.dtype(CODES[code]).type)  # a copy, of the machine's byte order
    return arrays, metadata


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_repeats)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        _damaged(f"its header is not JSON ({error})")
    if not isinstance(header, dict):
        _damaged("its header is not a JSON object")
    return header


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        _damaged("its header names an entry twice")
    return dict(pairs)


def _entry(name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """(dtype code, shape, start, end) of one tensor."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        _damaged(f"the entry of tensor {name!r} is not dtype, shape and data_offsets")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in CODES:
        _damaged(f"tensor {name!r} has dtype {code!r}; known are {', '.join(CODES)}")
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        _damaged(f"tensor {name!r} has shape {shape!r} and data_offsets {offsets!r}")
    start, end = offsets
    need = math.prod(shape) * np.dtype(CODES[code]).itemsize
    if end - start != need or len(shape) > 64:
        _damaged(
            f"tensor {name!r} of shape {shape} and dtype {code} needs {need} bytes, its data_offsets are {offsets}"
        )
    return code, tuple(shape), start, end


def _counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**62 for v in values)


def _check_places(places: Mapping[str, tuple[str, tuple[int, ...], int, int]], size: int) -> None:
    """Refuse overlaps, gaps, and places beyond the end."""
    reached = 0
    for name, (_, _, start, end) in sorted(places.items(), key=lambda item: item[1][2:]):
        if start != reached:
            _damaged(f"tensor {name!r} starts at byte {start}, the one before it ends at {reached}")
        reached = end
    if reached != size:
        _damaged(f"its tensors need {reached} bytes, there are {size}")


def _damaged(what: str) -> NoReturn:
    raise FileFormatError(f"load: the file is damaged or not a safetensors file: {what}.")


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``path`` when all is written and safe on the disk, and vanishes otherwise."""
    target = Path(os.path.realpath(path))  # a link stays a link
    if target.exists() and not target.is_file():
        with target.open("wb") as file:  # a pipe or a device; a directory says so itself
            yield file
        return
    if not target.parent.is_dir():
        raise FileNotFoundError(f"save: there is no directory {str(path.parent)!r}; make it first.")
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name must survive a power failure too
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


# The structure: JSON in which an object is a tagged value


class _Packing:
    """Turns a value into JSON, with its tensors put aside as arrays by name."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self._names: dict[Any, str] = {}  # memory -> name

    def pack(self, value: Any, path: str, depth: int) -> Any:
        """``value`` as JSON; ``path`` names the tensors in it, and tells where it stands if it cannot be stored."""
        if depth > _DEPTH_LIMIT:
            raise DTypeError(f"save: nested deeper than {_DEPTH_LIMIT}, or contained in itself, at {path[:80]!r}.")
        if type(value) is int and value.bit_length() > _INTEGER_BITS:
            raise DTypeError(f"save: an integer of {value.bit_length()} bits cannot be stored (at {path!r}).")
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, Tensor):
            return self._pack_tensor(value, path)
        if isinstance(value, np.ndarray):
            return {"array": self._put(value, path)}
        if isinstance(value, np.generic):
            return self.pack(value.item(), path, depth)
        if type(value) in (dict, OrderedDict):
            pairs = [
                [self.pack(key, path, depth + 1), self.pack(item, _join(path, key), depth + 1)]
                for key, item in value.items()
            ]
            return {"dict" if type(value) is dict else "ordered": pairs}
        if type(value) in (list, tuple, Size):
            items = [self.pack(item, _join(path, i), depth + 1) for i, item in enumerate(value)]
            return items if type(value) is list else {"size" if type(value) is Size else "tuple": items}
        if isinstance(value, (DType, Device)):
            return {"dtype": value.name} if isinstance(value, DType) else {"device": str(value)}
        return self._refuse(value, path)

    def _pack_tensor(self, t: Tensor, path: str) -> dict[str, Any]:
        packed: dict[str, Any] = {"tensor": self._put(t.numpy_of(), path)}
        return packed | {"requires_grad": True} if t.requires_grad and t.is_leaf else packed

    def _put(self, array: Array, path: str) -> str:
        """The name under which the array is written; arrays that are the same memory have one."""
        if array.dtype.newbyteorder("=") not in _CODE_OF:
            raise DTypeError(f"save: arrays of {array.dtype} cannot be stored (at {path!r}).")
        memory = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype)
        found = self._names.get(memory)
        if found is not None and array.size:
            return found
        name = path or "tensor"
        while name in self.arrays or name == "__metadata__":
            name += "~"
        self._names[memory] = name
        # Row-major, of the machine's own byte order if that is little-endian: what memoryview will write.
        self.arrays[name] = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
        return name

    def _refuse(self, value: Any, path: str) -> NoReturn:
        kind = type(value).__name__
        if hasattr(value, "state_dict"):
            remedy = f"Save its state: torch.save({kind.lower()}.state_dict(), path)."
        elif isinstance(value, (tuple, dict)):
            remedy = "Convert it to a plain tuple or dict first."
        else:
            remedy = "Files hold tensors, numbers, strings, None, and dicts, lists and tuples of them."
        raise DTypeError(f"save: cannot store a {kind}{f' at {path!r}' if path else ''}. {remedy}")


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


class _Unpacking:
    """Turns JSON and arrays back into the value."""

    def __init__(self, arrays: Mapping[str, Array], place: Callable[[Tensor], Tensor]) -> None:
        self.arrays = arrays
        self.place = place
        self._placed: dict[str, Tensor] = {}
        self._tensors: dict[tuple[str, bool], Tensor] = {}

    def unpack(self, tree: Any) -> Any:
        """The value that ``_Packing.pack`` turned into ``tree``."""
        if isinstance(tree, list):
            return [self.unpack(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if "tensor" in tree:
            return self._tensor(tree["tensor"], tree.get("requires_grad", False))
        if len(tree) != 1:
            _damaged(f"its structure has an entry of {sorted(tree)}")
        ((tag, content),) = tree.items()
        if tag in ("dict", "ordered"):
            pairs = [(self.unpack(key), self.unpack(item)) for key, item in content]
            return OrderedDict(pairs) if tag == "ordered" else dict(pairs)
        if tag in ("tuple", "size"):
            return (tuple if tag == "tuple" else Size)(self.unpack(item) for item in content)
        if tag == "float":
            return float(content)
        if tag == "array":
            return self.arrays[content]
        if tag in ("dtype", "device"):
            return to_dtype(content) if tag == "dtype" else Device(content)
        _damaged(f"its structure has an entry of kind {tag!r}")

    def _tensor(self, name: str, requires_grad: bool) -> Tensor:
        """One tensor for each name; two in one memory where it was saved with and without requires_grad."""
        if (name, requires_grad) not in self._tensors:
            if name not in self._placed:
                self._placed[name] = self.place(from_numpy(self.arrays[name]))
            self._tensors[name, requires_grad] = self._placed[name].detach().requires_grad_(requires_grad)
        return self._tensors[name, requires_grad]
