"""torch's files as archives: a zip of one pickle program, ``data.pkl``, and the bytes of each storage, ``data/0`` …

Layout as torch 2 writes it: entries stored without compression, each storage at a multiple of 64 bytes, and
``byteorder`` and ``version`` beside them.  Source: torch/csrc/jit/serialize/ (caffe2/serialize/inline_container.h) and
the "Serialization semantics" note of torch's documentation.
"""

from __future__ import annotations

import mmap
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from nanograd.errors import MissingError
from nanograd.serialization.elements import Array
from nanograd.serialization.files import FileFormatError, damaged

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

__all__ = ["Archive", "Zip", "write_archive"]

_ALIGNMENT = 64
_FREE = 2**28  # bytes that any file may unpack to
_RATIO = 100  # and how many for each byte of it: more is a bomb, and torch compresses nothing
_CHUNK = 2**20


class Zip:
    """A zip file, whose entries are checked before any is read: what they say of themselves is bounded by its size."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        import zipfile  # here, for it takes longer to import than all of nanograd's own serialization

        self._file = file
        self.file_size = size
        self._mapped: mmap.mmap | None = None
        with _zip_errors():
            self._zip: ZipFile = zipfile.ZipFile(file)
        entries = self._zip.infolist()
        self.entries: dict[str, ZipInfo] = {entry.filename: entry for entry in entries}
        if len(self.entries) < len(entries):
            damaged("the zip holds two entries of one name")
        total = sum(entry.file_size for entry in entries)
        if total > _FREE + _RATIO * size:
            raise FileFormatError(f"load: refused: {size} bytes of zip claim to unpack to {total} bytes.")

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def size(self, name: str) -> int:
        """Bytes of an entry.  Raises FileFormatError where there is none of the name."""
        if name not in self.entries:
            damaged(f"the zip has no entry {name!r:.80}")
        return self.entries[name].file_size

    def read(self, name: str) -> bytes:
        """The bytes of an entry."""
        return self.array(name).tobytes()

    def array(self, name: str) -> Array:
        """The bytes of an entry, in memory of their own."""
        raw = np.empty(self.size(name), np.uint8)
        view = memoryview(raw.data).cast("B") if raw.size else memoryview(b"")
        with _zip_errors(), self._zip.open(name) as entry:
            at = 0
            while at < len(view):
                count = entry.readinto(view[at : at + _CHUNK])  # type: ignore[attr-defined]
                if not count:
                    damaged(f"the entry {name!r:.80} ends after {at} of its {len(view)} bytes")
                at += count
        return raw

    def mapped(self, name: str) -> Array:
        """The bytes of an entry where they stand in the file: read when used, and private to this process."""
        entry = self.entries[name] if self.size(name) else None
        if entry is None or entry.compress_type:
            return self.array(name)
        if self._mapped is None:
            self._mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY)
        header = self._mapped[entry.header_offset : entry.header_offset + 30]
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            damaged(f"the entry {name!r:.80} is not where the zip says")
        start = entry.header_offset + 30 + sum(struct.unpack_from("<HH", header, 26))
        if start + entry.file_size > len(self._mapped):
            damaged(f"the entry {name!r:.80} goes beyond the end")
        return np.frombuffer(self._mapped, np.uint8, entry.file_size, start)


@contextmanager
def _zip_errors() -> Iterator[None]:
    """Errors of the zip reader as errors of the file."""
    import zipfile
    import zlib

    try:
        yield
    except FileFormatError:
        raise
    except (
        zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OverflowError, EOFError, OSError, IndexError,
        struct.error, zlib.error,
    ) as error:  # fmt: skip
        if isinstance(error, OSError) and error.errno not in (None, 22):
            raise
        unchecked = " (or torch wrote it without checksums, set_crc32_options(False))" if "CRC" in str(error) else ""
        damaged(f"as a zip it cannot be read ({error}){unchecked}")


class Archive:
    """A file of torch: the program, and its storages by key."""

    def __init__(self, zip_: Zip, mapped: bool = False) -> None:
        self._zip = zip_
        self._read = zip_.mapped if mapped else zip_.array
        programs = [name for name in zip_.entries if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(programs) != 1:
            what = "no data.pkl" if not programs else f"{len(programs)} programs"
            raise FileFormatError(f"load: this zip is not a file of torch.save (it has {what}), nor an .npz of arrays.")
        self._top = programs[0].removesuffix("data.pkl")
        if f"{self._top}constants.pkl" in zip_:
            raise MissingError(
                "load: this is a TorchScript archive (torch.jit.save), which holds a program: nanograd does not run "
                "those. In torch, save the weights: torch.save(model.state_dict(), path)."
            )
        self.byteorder = "little"
        if f"{self._top}byteorder" in zip_:
            self.byteorder = zip_.read(f"{self._top}byteorder").decode("ascii", "replace")
            if self.byteorder not in ("little", "big"):
                damaged(f"its byte order is {self.byteorder!r:.40}")

    def program(self) -> bytes:
        """The bytes of data.pkl."""
        return self._zip.read(f"{self._top}data.pkl")

    def storage(self, key: str, nbytes: int) -> Array:
        """The bytes of a storage, of which there must be ``nbytes``."""
        name = f"{self._top}data/{key}"
        if self._zip.size(name) != nbytes:
            damaged(f"storage {key!r:.40} should have {nbytes} bytes, the file has {self._zip.size(name)}")
        return self._read(name)


def write_archive(file: IO[bytes], program: bytes, storages: Iterable[Any]) -> None:
    """Write a file that torch reads: ``program`` and storages in the order of their keys, as flat arrays of bytes.

    The same content gives the same bytes: entries carry no date.
    """
    import zipfile

    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, "data.pkl", program)
        _put(archive, ".format_version", b"1")
        _put(archive, ".storage_alignment", str(_ALIGNMENT).encode())
        _put(archive, "byteorder", sys.byteorder.encode())
        for key, raw in enumerate(storages):
            _put(archive, f"data/{key}", raw)
        _put(archive, "version", b"3\n")


def _put(archive: ZipFile, name: str, content: Any) -> None:
    import zipfile

    view = memoryview(content)
    info = zipfile.ZipInfo(f"archive/{name}")  # dated 1980, the zip's zero
    info.external_attr = 0o644 << 16
    info.file_size = view.nbytes
    large = view.nbytes >= 2**31 - 1
    start = archive.fp.tell() + 30 + len(info.filename) + 4 + (20 if large else 0)  # type: ignore[union-attr]
    padding = -start % _ALIGNMENT
    info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding  # torch's own tag for it
    with archive.open(info, "w", force_zip64=large) as entry:
        for at in range(0, view.nbytes, _CHUNK):
            entry.write(view[at : at + _CHUNK])
