"""Compiled kernels on disk: where they lie, what names them, how they are read and written.

A file holds one kernel, compiled for one set of argument types and one processor.  Its name is a digest of all that the
machine code depends on, so a file is right or absent, never stale; and processes that compile the same kernel at once
write the same file.  It begins with a digest of what follows: a damaged file counts as absent.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import os
import platform
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

__all__ = ["directories", "files", "meaning", "read", "tidy", "write"]

SUFFIX = ".kernel"
DIGEST = 20  # bytes
DAY = 86400.0
KEPT = 60 * DAY  # since it was last used


# Where


@functools.cache
def directories() -> tuple[Path, ...]:
    """Where compiled kernels are looked for, in this order; the first that can be written gets new ones.

    ``NANOGRAD_CACHE_DIR`` names the parent; else it is the user's cache directory, then a temporary one.  The directory
    in it is named by the versions that machine code is made by and for.
    """
    import numba

    made_by = f"python{sys.version_info[0]}.{sys.version_info[1]}-numpy{np.__version__}-numba{numba.__version__}"
    chosen = os.environ.get("NANOGRAD_CACHE_DIR")
    parents = [Path(chosen).expanduser()] if chosen else [*_user_cache(), *_temporary()]
    return tuple(parent / made_by for parent in parents)


def _user_cache() -> Iterator[Path]:
    with suppress(RuntimeError):  # no home
        if sys.platform == "darwin":
            yield Path("~/Library/Caches/nanograd").expanduser()
        else:
            base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
            yield (Path(base) if base else Path("~/.cache").expanduser()) / "nanograd"


def _temporary() -> Iterator[Path]:
    """A directory for all to write has one of our own in it, unless somebody else made it: its files are run."""
    import tempfile

    with suppress(OSError):
        mine = Path(tempfile.gettempdir()) / f"nanograd-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
        mine.mkdir(mode=0o700, exist_ok=True)
        found = mine.lstat()
        if not hasattr(os, "getuid") or (
            stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
        ):
            yield mine


# What names a file


def meaning(function: Any, *more: object) -> str | None:
    """A digest of what a function does, compiled or to be: its bytecode, and what each name in it stands for.

    None where something in it has no lasting description: such a function is not kept.
    """
    settings = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_") and item[0] not in _NO_MATTER)
    said = f"{_said(function, set())} {more} {settings} {platform.machine()}"
    return None if " at 0x" in said else hashlib.blake2b(said.encode(), digest_size=DIGEST).hexdigest()


_NO_MATTER = ("NUMBA_CACHE_DIR", "NUMBA_CACHE_LOCATOR_CLASSES", "NUMBA_NUM_THREADS")


def _said(value: Any, seen: set[int]) -> str:
    """``value`` in words that are the same in every process."""
    if isinstance(value, ModuleType):
        return value.__name__
    value = getattr(value, "jit", value)  # numba's object for one of ours
    if isinstance(getattr(value, "function", None), FunctionType):  # a Jit, or one of its subclasses
        return f"{type(value).__name__} {sorted(value.flags)} {_said((value.function, *value.tools), seen)}"
    if isinstance(getattr(value, "__wrapped__", None), FunctionType):  # by functools.cache
        value = value.__wrapped__
    if isinstance(value, FunctionType):
        if id(value.__code__) in seen:
            return value.__name__
        cells = [_said(cell.cell_contents, seen) for cell in value.__closure__ or ()]
        return f"{_code_said(value.__code__, value.__globals__, seen)} {cells} {value.__defaults__!r}"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(_said(v, seen) for v in value)})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(repr, value)))}}}"
    if isinstance(value, np.ndarray):  # repr leaves out the middle of large ones
        return f"{value.dtype}{value.shape}{value.tobytes().hex()}"
    return repr(value)


def _code_said(code: CodeType, scope: dict[str, Any], seen: set[int]) -> str:
    seen.add(id(code))
    constants = [_code_said(c, scope, seen) if isinstance(c, CodeType) else _said(c, seen) for c in code.co_consts]
    loaded = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    named = [(name, _said(scope[name], seen) if name in loaded and name in scope else None) for name in code.co_names]
    places = (code.co_argcount, code.co_varnames, code.co_freevars, code.co_cellvars)
    return f"{code.co_name} {code.co_code.hex()} {places} {constants} {named}"


# Reading and writing


def read(name: str) -> bytes | None:
    """What was written under ``name``, or None."""
    for directory in directories():
        with suppress(OSError), open(directory / (name + SUFFIX), "rb") as file:  # noqa: PTH123 (half as long as Path's)
            data = file.read()
            if hashlib.blake2b(data[DIGEST:], digest_size=DIGEST).digest() == data[:DIGEST]:
                _used(file.fileno())
                return data[DIGEST:]
    return None


def _used(file: int) -> None:
    """Note that a file is in use, by its time of writing; once a day is enough."""
    now = time.time()
    if now - os.fstat(file).st_mtime > DAY:
        with suppress(OSError, TypeError, ValueError):  # it is not ours, or the system takes only paths
            os.utime(file, (now, now))


def write(name: str, data: bytes) -> bool:
    """Keep ``data`` under ``name``, whole or not at all; whether any directory took it."""
    whole = hashlib.blake2b(data, digest_size=DIGEST).digest() + data
    for directory in directories():
        partial = directory / f"{os.urandom(16).hex()}.partial"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(whole)
            partial.replace(directory / (name + SUFFIX))
            return True
        except OSError:  # read-only, full, or a file where a directory is expected
            with suppress(OSError):
                partial.unlink()
    return False


def files() -> list[Path]:
    """The kernels that are kept for the versions that run now."""
    return [file for directory in directories() if directory.is_dir() for file in directory.glob("*" + SUFFIX)]


def tidy() -> int:
    """Remove kernels that nobody used for 60 days and what interrupted writing left; how many files went.

    It looks only at directories and files of the names that ``write`` gives.
    """
    removed, now = 0, time.time()
    for parent in {directory.parent for directory in directories()}:
        for pattern, kept in ((f"python*-numpy*-numba*/*{SUFFIX}", KEPT), ("python*-numpy*-numba*/*.partial", DAY)):
            for file in parent.glob(pattern):
                with suppress(OSError):
                    if now - file.stat().st_mtime > kept:
                        file.unlink()
                        removed += 1
        for directory in parent.glob("python*-numpy*-numba*"):
            with suppress(OSError):
                directory.rmdir()  # it is empty, or stays
    return removed
