"""Saving and loading without running code: ``torch.save``, ``torch.load``, and the names of ``torch.serialization``.

One format for everything, torch's own: a zip of one pickle program and the memory of the tensors, which torch reads
and whose files are read here.  Neither way touches Python's pickle: ``writer`` writes the program, and ``machine``, a
stack machine that knows a short list of names (``builder``), runs it.  Files whose names end so are written and read
as ``.safetensors``, ``.npy`` and ``.npz``.
"""

from __future__ import annotations

import codecs
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from nanograd.dtypes import uint8
from nanograd.errors import DTypeError, MissingError
from nanograd.serialization import arrays, safetensors
from nanograd.serialization.archive import Archive, Zip, write_archive
from nanograd.serialization.builder import Builder
from nanograd.serialization.elements import Array, Elements, decode
from nanograd.serialization.files import (
    EmptyFileError,
    FileFormatError,
    Source,
    Target,
    UnsafeFileError,
    opened,
    replacing,
)
from nanograd.serialization.legacy import read_legacy
from nanograd.serialization.machine import Machine
from nanograd.serialization.safe import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from nanograd.serialization.storages import FileStorage, Place, placer
from nanograd.serialization.writer import Writer

__all__ = [
    "EmptyFileError", "FileFormatError", "UnsafeFileError", "add_safe_globals", "clear_safe_globals",
    "get_safe_globals", "load", "safe_globals", "save",
]  # fmt: skip


def save(
    obj: Any,
    f: Target,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write tensors in whatever dicts, lists and tuples they stand, or a whole module, to a path or a binary file.

    Also None, truth values, numbers, strings, bytes, sets, dtypes, devices, sizes and NumPy arrays (NumPy's numbers
    become Python's).  Tensors that share memory share it again when loaded, bit for bit.  At a path, the former file
    stays whole until the new one is complete.  A path that ends in .safetensors, .npz or .npy gives a file of that
    format.  ``pickle_protocol`` has no effect: what is written is what torch reads, protocol 2.

    Raises DTypeError for what cannot be stored, naming it and its place, MissingError for another ``pickle_module``,
    and for the format of before torch 1.6.

    >>> torch.save({"epoch": 3, "weight": torch.ones(2)}, "checkpoint.pt")
    >>> torch.load("checkpoint.pt")
    {'epoch': 3, 'weight': tensor([1., 1.])}
    """
    _check_pickle(pickle_module)
    if not _use_new_zipfile_serialization:
        raise MissingError("save: torch's format of before 1.6 is read, not written: leave the argument out.")
    if not isinstance(f, (str, os.PathLike)) and hasattr(f, "write"):
        if isinstance(f, io.TextIOBase):
            raise DTypeError("save: expected a file open for writing bytes, open(path, 'wb'); got one for text.")
        _writer(obj, ".pt")(f)
        return
    if not isinstance(f, (str, os.PathLike)):
        raise DTypeError(
            f"save: expected a path or a file open for writing bytes, got {type(f).__name__}. The order is "
            "torch.save(value, path)."
        )
    write = _writer(obj, Path(f).suffix)
    with replacing(Path(f)) as file:
        write(file)


def _writer(obj: Any, suffix: str) -> Callable[[IO[bytes]], None]:
    """What writes ``obj`` to a file, after it was seen that it can be written."""
    if suffix in _BY_SUFFIX:
        return lambda file: _BY_SUFFIX[suffix](file, obj)
    writer = Writer()
    program = writer.program(obj)
    return lambda file: write_archive(file, program, writer.storages())


def load(
    f: Source,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    encoding: str = "utf-8",
) -> Any:
    """What ``save`` or torch wrote, or the tensors by name of a .safetensors or .npz file (.npy: one tensor).

    ``map_location``  the device of all tensors, a dict of devices, or a function of (storage, location)
    ``weights_only``  False also rebuilds whole modules, of classes that are already imported.  Nothing in a file is run
                      either way: objects are made without their constructors, and functions are only those of nanograd
    ``mmap``          True leaves the tensors of a path in the file and reads them when they are used
    ``encoding``      of the strings in files that Python 2 wrote

    bfloat16 becomes float32, without loss.  Raises FileFormatError for a damaged file, UnsafeFileError for one that
    names what is not allowed, MissingError for tensors that nanograd does not have, and for another
    ``pickle_module``, ValueError for ``mmap`` of what is no path.
    """
    _check_pickle(pickle_module)
    codecs.lookup(encoding)  # an unknown one is the caller's mistake, not the file's
    place = placer(map_location)
    only = weights_only is None or bool(weights_only)
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ValueError("load: f must be a file path in order to use the mmap argument.")
    with opened(f) as (file, size):
        start = file.read(16)
        file.seek(0)
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            return _load_zip(Zip(file, size), place, only, bool(mmap), encoding)
        if mmap:
            raise RuntimeError("load: mmap can only be used with the zip files that torch.save writes.")
        if start[:6] == b"\x93NUMPY":
            return arrays.read_npy(file.read(), _device_of(place))
        if start[8:9] == b"{":
            return safetensors.read(file, size, _device_of(place))
        if start[:1] == b"\x80":
            return read_legacy(file.read(), place, only, encoding)
    raise FileFormatError(_unknown(start))


_BY_SUFFIX: dict[str, Callable[[IO[bytes], Any], None]] = {
    ".safetensors": safetensors.write,
    ".npz": arrays.write_npz,
    ".npy": arrays.write_npy,
}


def _load_zip(zip_: Zip, place: Place, weights_only: bool, mapped: bool, encoding: str) -> Any:
    if zip_.entries and all(name.endswith(".npy") for name in zip_.entries):
        return arrays.read_npz(zip_, _device_of(place))
    archive = Archive(zip_, mapped)

    def storage(key: str, elements: Elements, number: int) -> Array:
        return decode(archive.storage(key, number * elements.stored.itemsize), elements, archive.byteorder)

    builder = Builder(storage, place, weights_only)
    return builder.checked(Machine(archive.program(), builder, zip_.file_size, encoding).run())


def _device_of(place: Place) -> Any:
    """Where a tensor of the CPU goes."""
    return place(FileStorage(np.empty(0, np.uint8), uint8), "cpu").device


def _unknown(start: bytes) -> str:
    if b"ustar" in start or start[:1] in b"\x1f":
        kind = "a compressed or tar archive: unpack it first"
    elif start.lstrip()[:1] in (b"<", b"{"):
        kind = "text (a page of a download that failed?)"
    else:
        kind = f"something else, which begins with {start[:8]!r}"
    return (
        f"load: this is no file that nanograd reads: it is {kind}. It reads what torch.save and nanograd.save write, "
        ".safetensors, .npz and .npy; it may also be damaged at its beginning."
    )


def _check_pickle(module: Any) -> None:
    if module is not None and module is not pickle:
        raise MissingError("save and load use no pickle module: leave pickle_module out.")
