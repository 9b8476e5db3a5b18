"""NumPy's arrays, numbers and dtypes in torch's files, as NumPy's own pickles have them: numbers only."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from nanograd.errors import MissingError
from nanograd.serialization.elements import Array
from nanograd.serialization.files import damaged

__all__ = ["make_array", "make_dtype", "make_number", "set_byte_order", "set_elements"]


def make_dtype(name: Any, align: Any = False, copy: Any = True) -> np.dtype[Any]:
    """The dtype of a name such as "f8", an object of its own, whose byte order may be set."""
    if type(name) is not str or not re.fullmatch("[biufc][0-9]{1,2}", name):
        raise MissingError(f"load: the file holds a NumPy array of {name!r:.40}; only numbers are read.")
    return np.dtype(name, align=False, copy=True)


def set_byte_order(dtype: np.dtype[Any], state: Any) -> None:
    """Set the byte order, the one thing that the state of a number's dtype tells."""
    if type(state) is not tuple or len(state) < 7 or state[1] not in ("<", ">", "|", "=") or any(state[2:5]):
        damaged(f"a NumPy dtype in the state {state!r:.60}")
    dtype.__setstate__((3, state[1], None, None, None, -1, -1, 0))  # type: ignore[attr-defined]


def make_number(dtype: Any, raw: Any) -> Any:
    """One number of NumPy."""
    return make_array(raw, dtype, (1,), "C")[0]


def make_array(raw: Any, dtype: Any, shape: Any, order: Any) -> Array:
    """An array of its bytes."""
    _check_array(raw, dtype, shape)
    array = np.empty(0, dtype)
    set_elements(array, (1, shape, dtype, order == "F", raw))
    return array


def set_elements(array: Array, state: Any) -> None:
    """Give an empty array its shape, dtype and bytes."""
    if type(state) is not tuple or len(state) != 5:
        damaged(f"a NumPy array in the state {state!r:.60}")
    _, shape, dtype, fortran, raw = state
    _check_array(raw, dtype, shape)
    array.__setstate__((1, shape, dtype, bool(fortran), bytes(raw)))  # type: ignore[arg-type]


def _check_array(raw: Any, dtype: Any, shape: Any) -> None:
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biufc" or type(raw) not in (bytes, bytearray):
        raise MissingError("load: the file holds a NumPy array that is not of numbers.")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        damaged(f"a NumPy array has shape {shape!r:.60}")
    need = dtype.itemsize
    for n in shape:
        need *= n
    if need != len(raw):
        damaged(f"a NumPy array of shape {shape} and {dtype} has {len(raw)} bytes")
