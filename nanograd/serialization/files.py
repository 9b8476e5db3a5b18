"""Opening files to read, replacing files whole, and saying what is wrong with one."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any, NoReturn

from nanograd.errors import DTypeError

__all__ = ["EmptyFileError", "FileFormatError", "Source", "Target", "UnsafeFileError", "damaged", "opened", "replacing"]

Source = str | os.PathLike[str] | IO[bytes]
Target = str | os.PathLike[str] | IO[bytes]


class FileFormatError(RuntimeError, ValueError, UnpicklingError):
    """A file that is damaged, cut short, or not what it should be."""


class UnsafeFileError(FileFormatError):
    """A file that asks for a function to be called, or for an object of a class that nobody allowed."""


class EmptyFileError(FileFormatError, EOFError):
    """A file in which nothing is left to read."""


def damaged(what: str) -> NoReturn:
    """Raise the FileFormatError of a file that was cut short or changed."""
    raise FileFormatError(f"load: the file is damaged or cut short: {what}.")


@contextmanager
def opened(f: Source) -> Iterator[tuple[IO[bytes], int]]:
    """(file that starts at 0, its size) of a path or of a file open for reading bytes.

    Raises EmptyFileError where nothing is left to read, DTypeError for what is not a file.
    """
    if hasattr(f, "read"):
        yield _measured(_from_here(f))
        return
    if not isinstance(f, (str, os.PathLike)):
        raise DTypeError(f"load: expected a path or a file open for reading bytes, got {type(f).__name__}.")
    with Path(f).open("rb") as file:
        yield _measured(file)


def _from_here(f: Any) -> IO[bytes]:
    """The rest of a file as one that can be searched and starts at 0."""
    start = f.read(0)
    if not isinstance(start, bytes):
        raise DTypeError(f"load: expected a file open for reading bytes, open(path, 'rb'); got {type(f).__name__}.")
    if getattr(f, "seekable", lambda: False)() and f.tell() == 0:
        return f  # type: ignore[no-any-return]
    return io.BytesIO(f.read())


def _measured(file: IO[bytes]) -> tuple[IO[bytes], int]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not size:
        raise EmptyFileError(
            "load: nothing to read: the file is empty, or was read to its end. Go back to its beginning: f.seek(0)."
        )
    return file, size


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``path`` when all is written and safe on the disk, and vanishes otherwise."""
    target = Path(os.path.realpath(path))  # a link stays a link
    if target.exists() and not target.is_file():
        with target.open("wb") as file:  # a pipe or a device; a directory says so itself
            yield file
        return
    if not target.parent.is_dir():
        raise FileNotFoundError(f"save: there is no directory {str(path.parent)!r}; make it first.")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "save: the file may not be written", str(path))
    temporary = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _explained(error, path, temporary) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _explained(error: OSError, path: Path, temporary: Path) -> OSError:
    """The error of a full disk or a closed directory, with the name the caller knows."""
    if error.filename not in (None, str(temporary)) or error.errno is None:
        return error
    kept = "; the former file is as it was" if path.exists() else ""
    return OSError(error.errno, f"save: {os.strerror(error.errno)}: nothing was saved{kept}", str(path))


def _sync_directory(directory: Path) -> None:
    if os.name == "posix":  # the new name must survive a power failure too
        opened_directory = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(opened_directory)
        finally:
            os.close(opened_directory)
