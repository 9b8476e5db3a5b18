"""How the elements of tensors stand in files: bytes to arrays."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np

from nanograd import dtypes
from nanograd.dtypes import DType

__all__ = ["BFLOAT16", "Array", "Elements", "decode", "elements_of"]

Array = np.ndarray[Any, Any]


class Elements(NamedTuple):
    """The dtype whose bytes are in the file, and the dtype that its tensors get."""

    stored: np.dtype[Any]
    dtype: DType


BFLOAT16 = Elements(np.dtype(np.uint16), dtypes.float32)
"""The upper halves of float32 numbers: widened without loss, for there is no bfloat16 here."""


def elements_of(dtype: DType) -> Elements:
    """The elements of a dtype, stored as they are."""
    return Elements(dtype.numpy, dtype)


def decode(raw: Array, elements: Elements, byteorder: str = "little") -> Array:
    """The numbers in ``raw``, bytes that nobody else writes to; without a copy where the bytes are right as they are.

    Bit for bit, NaNs too.  Truth values that are neither 0 nor 1 become True.
    """
    if elements.dtype is dtypes.bool_:
        return raw.astype(np.bool_) if raw.size and raw.max() > 1 else raw.view(np.bool_)
    values = raw.view(elements.stored)
    if not values.flags.aligned:
        values = values.copy()
    if byteorder != sys.byteorder:
        values = values.byteswap()
    if elements is BFLOAT16:
        return (values.astype(np.uint32) << np.uint32(16)).view(elements.dtype.numpy)
    return values.view(elements.dtype.numpy)
