"""Compiling: ``@jit`` marks a loop that numba compiles the first time it is called.

numba is imported then, not before.  Without numba, or with ``NANOGRAD_JIT=0``, nothing here runs: kernels use their
NumPy references.  Compiled code is kept on disk (see cache.py).

Who needs a kernel waits for it: its NumPy reference could serve meanwhile, but rounds the last bit differently, and
then one seed would give different numbers depending on how fast the machine compiles.  On a terminal, waiting longer
than a second is explained.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import Any, NamedTuple

from nanograd.kernels import cache

__all__ = ["COMPILED", "Compiled", "Jit", "can_compile", "exact", "jit"]

# Neither nnan nor ninf: NaN and infinity keep their meaning.
FAST_MATH = frozenset({"contract", "nsz", "arcp", "afn", "reassoc"})
EXACT_MATH = frozenset({"contract", "nsz"})
ERRORS = "numpy"  # division by zero is infinite, as NumPy's


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
        self.call = call = self.dispatcher
        scope, name = self.function.__globals__, self.function.__name__
        if scope.get(name) is self:  # from now on its callers reach numba's object without this one between
            scope[name] = call
        return call(*args)

    @property
    def dispatcher(self) -> Any:
        """numba's object for this function."""
        with _making:
            return _dispatcher(self)

    @property
    def tools(self) -> tuple[Any, ...]:
        """What the machine code depends on besides ``function`` and what that names."""
        return ()


_making = threading.RLock()


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
    numba = _numba()
    function = lazy.function
    scope = dict(function.__globals__)
    for name in function.__code__.co_names:
        if isinstance(scope.get(name), Jit):
            scope[name] = scope[name].dispatcher
    inner = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    inner.__module__, inner.__qualname__ = function.__module__, function.__qualname__
    # Nobody calls it from C: a tenth less to compile.
    options = {"fastmath": set(lazy.flags), "error_model": ERRORS, "nogil": True, "no_cfunc_wrapper": True}
    compiled: Any = numba.njit(inner, **options)
    compiled._cache, compiled.jit = Kept(lazy), lazy
    return compiled


@functools.cache
def _numba() -> Any:
    import numba
    from numba.core import event
    from numba.core.compiler_lock import global_compiler_lock as lock

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            if isinstance(event.data["dispatcher"]._cache, Kept):  # not a user's own
                _patience.begin()

        def on_end(self, event: Any) -> None:
            if isinstance(kept := event.data["dispatcher"]._cache, Kept):
                _patience.end(kept.title)

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call]
    if hasattr(os, "register_at_fork"):  # a child must not inherit a lock held by a thread that it does not have
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return numba


class Kept:
    """What numba asks for compiled versions of one function, and gives new ones to."""

    def __init__(self, lazy: Jit) -> None:
        self.title = f"{lazy.function.__module__.rpartition('.')[2]}.{lazy.function.__name__.strip('_<>')}"
        self._meaning = cache.meaning(lazy, ERRORS)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """The function compiled for these argument types, from disk; None where it must be compiled."""
        target.refresh()  # numba's own caches do it here too: from now on it knows all types
        data = cache.read(self._file(signature, target.codegen()))
        if data is None:
            return None
        from numba.core.compiler import CompileResult

        try:
            return CompileResult._rebuild(target, *pickle.loads(data))  # type: ignore[no-untyped-call]
        except Exception:  # written by a numba that differs in spite of its version
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep what was compiled; where that fails, it lives as long as the process."""
        inside = bool(_patience.began)  # another function, which has it in its own file
        if inside or self._meaning is None or result.library.has_dynamic_globals or result.lifted:
            return
        from numba.core.serialize import dumps

        with suppress(Exception):  # it cannot be pickled
            if cache.write(self._file(signature, result.library.codegen), dumps(result._reduce())):  # type: ignore[no-untyped-call]
                _tidy_once()

    def _file(self, signature: Any, codegen: Any) -> str:
        from hashlib import blake2b

        said = f"{self._meaning} {signature} {codegen.magic_tuple()}"
        return f"{self.title}-{blake2b(said.encode(), digest_size=16).hexdigest()}"


_tidy_once = functools.cache(cache.tidy)


class Compiled(NamedTuple):
    """A kernel that was compiled in this process, because it was not on disk."""

    name: str
    seconds: float


COMPILED: list[Compiled] = []


class Patience:
    """Notes what is compiled, and explains on a terminal a wait of more than a second altogether.

    numba compiles one function at a time, and those that it calls inside.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self.left = seconds
        self.began: list[float] = []
        self.timer: threading.Timer | None = None

    def begin(self) -> None:
        """A function is about to be compiled."""
        if not self.began and self.left >= 0 and _is_watched():
            self.timer = threading.Timer(self.left, self.explain)
            self.timer.daemon = True
            self.timer.start()
        self.began.append(time.perf_counter())

    def end(self, name: str) -> None:
        """It is compiled, or cannot be."""
        seconds = time.perf_counter() - self.began.pop()
        if self.began:
            return
        COMPILED.append(Compiled(name, seconds))
        if self.timer is not None:
            self.timer.cancel()
            self.timer.join()  # while a second thread runs, forking is unsafe
            self.timer = None
            if self.left > 0.0:
                self.left = max(0.0, self.left - seconds)

    def explain(self) -> None:
        """Say it once."""
        self.left = -1.0
        print(
            "nanograd: compiling kernels for this machine, once: some seconds (`nanograd warmup` does it ahead).",
            file=sys.stderr,
            flush=True,
        )


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


_patience = Patience()
