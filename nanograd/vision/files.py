"""Files that are whole or not there at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["finish", "replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file open for writing that takes the place of ``path`` when all is written, and vanishes otherwise."""
    path = Path(os.path.realpath(path))  # a link stays a link
    if path.exists() and not path.is_file():
        with path.open("wb") as file:  # a pipe or a device; a directory says so itself
            yield file
        return
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        finish(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def finish(temporary: Path, path: Path) -> None:
    """Give a complete, synced file its name, so that the name survives a power failure too."""
    temporary.replace(path)
    if os.name == "posix":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
