"""Compiling: ``@jit`` marks a loop that numba compiles the first time it is called.

numba is imported at that moment and not before.  Compiled code is kept in a cache directory of our own, named by
the content of this package, the versions of numba and NumPy, and the processor, so that it is never stale; where no
directory can be written, compiled code lives as long as the process.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

__all__ = ["Jit", "cache_directory", "can_compile", "exact", "jit"]

# Neither nnan nor ninf: NaN and infinity keep their meaning.
FAST_MATH = frozenset({"contract", "nsz", "arcp", "afn", "reassoc"})
EXACT_MATH = frozenset({"contract", "nsz"})


@functools.cache
def can_compile() -> bool:
    """Whether numba can be imported; ``NANOGRAD_JIT=0`` says no."""
    if os.environ.get("NANOGRAD_JIT", "1") == "0":
        return False
    try:
        return importlib.util.find_spec("numba") is not None
    except ValueError:  # sys.modules["numba"] is None: importing it was forbidden
        return False


class Jit:
    """A function that numba compiles on its first call.

    Other ``Jit`` functions that it calls by name are compiled with it.
    """

    __slots__ = ("call", "flags", "function")

    def __init__(self, function: FunctionType, flags: frozenset[str] = FAST_MATH) -> None:
        self.function = function
        self.flags = flags
        self.call: Callable[..., Any] = self._first_call

    def __call__(self, *args: Any) -> Any:
        return self.call(*args)

    def _first_call(self, *args: Any) -> Any:
        self.call = self.dispatcher
        return self.call(*args)

    @property
    def dispatcher(self) -> Any:
        """numba's object for this function."""
        return _dispatcher(self)


def jit(function: Callable[..., Any]) -> Jit:
    """Compile ``function`` with numba when it is first called."""
    assert isinstance(function, FunctionType)
    return Jit(function)


def exact(function: Callable[..., Any]) -> Jit:
    """As ``jit``, in the order that is written: where x - n·a - n·b must not become x - n·(a + b)."""
    assert isinstance(function, FunctionType)
    return Jit(function, EXACT_MATH)


@functools.cache
def _dispatcher(lazy: Jit) -> Any:
    import numba

    function = lazy.function
    scope = dict(function.__globals__)
    for name in function.__code__.co_names:
        if isinstance(scope.get(name), Jit):
            scope[name] = scope[name].dispatcher
    inner = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    inner.__module__, inner.__qualname__ = function.__module__, function.__qualname__
    compiled: Any = numba.njit(inner, fastmath=set(lazy.flags), error_model="numpy", nogil=True)
    directory = cache_directory()
    if directory is not None:
        compiled._cache = _cache_class(directory)(inner)
    return compiled


@functools.cache
def cache_directory() -> Path | None:
    """Where compiled kernels are kept, or None where nothing can be written.

    ``NANOGRAD_CACHE_DIR`` names the parent; else the user's cache directory, else a temporary one.
    """
    import tempfile

    chosen = os.environ.get("NANOGRAD_CACHE_DIR")
    parents = [Path(chosen)] if chosen else [_user_cache(), Path(tempfile.gettempdir()) / f"nanograd-{_user()}"]
    for parent in parents:
        directory = parent / _stamp()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory):
                return directory
        except OSError:
            continue
    return None


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Caches/nanograd").expanduser()
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "nanograd"


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _stamp() -> str:
    """A name that changes with whatever compiled code depends on."""
    import hashlib
    import platform

    import numba

    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    parts = (numba.__version__, np.__version__, platform.python_version(), platform.machine(), platform.processor())
    digest.update("|".join(parts).encode())
    return digest.hexdigest()[:16]


@functools.cache
def _cache_class(directory: Path) -> Any:
    """numba's function cache, kept in ``directory`` whatever the source file's own directory allows."""
    from numba.core import caching

    class Locator(caching._CacheLocator):
        def __init__(self, function: Any, _file: str) -> None:
            self._line = function.__code__.co_firstlineno

        def get_cache_path(self) -> str:
            return str(directory)

        def get_source_stamp(self) -> str:
            return directory.name

        def get_disambiguator(self) -> str:
            return str(self._line)

        @classmethod
        def from_function(cls, function: Any, file: str) -> Locator:
            return cls(function, file)

    class Implementation(caching.CompileResultCacheImpl):
        _locator_classes = [Locator]  # noqa: RUF012 (as numba declares it)

    class KernelCache(caching.FunctionCache):
        """A damaged or unwritable file costs a compilation, never the run."""

        _impl_class = Implementation

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
            except Exception:
                return None

        def save_overload(self, sig: Any, data: Any) -> None:
            for _ in range(2):
                try:
                    super().save_overload(sig, data)  # type: ignore[no-untyped-call]
                    return
                except Exception:  # the index may be damaged: without it, a new one is made
                    with suppress(OSError):
                        Path(self._cache_file._index_path).unlink()

    return KernelCache
