"""How many threads matrix products use: the one setting, for the BLAS that comes with NumPy."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

__all__ = ["get_num_interop_threads", "get_num_threads", "set_num_interop_threads", "set_num_threads"]


@cache
def _blas(verb: str) -> Any:
    """``get`` or ``set`` of the number of threads in NumPy's OpenBLAS; None for another BLAS."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(np.linalg._umath_linalg.__file__)
        for name in (f"scipy_openblas_{verb}_num_threads64_", f"scipy_openblas_{verb}_num_threads"):
            if hasattr(library, name):
                return getattr(library, name)
    return None


def set_num_threads(int: int) -> None:
    """Let matrix products use so many threads from now on.  Raises RuntimeError for less than one.

    It changes NumPy's own OpenBLAS; for another BLAS, set OMP_NUM_THREADS before Python starts.
    """
    if not isinstance(int, _int) or int < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {int!r}.")
    change = _blas("set")
    if change is not None:
        change(int)


_int = int


def get_num_threads() -> int:
    """How many threads matrix products use."""
    ask = _blas("get")
    return _int(ask()) if ask is not None else _int(os.environ.get("OMP_NUM_THREADS", "1"))


def set_num_interop_threads(int: int) -> None:
    """Accepted: operations run one after another.  Raises RuntimeError for less than one."""
    if not isinstance(int, _int) or int < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, got {int!r}.")


def get_num_interop_threads() -> int:
    """1: operations run one after another."""
    return 1
