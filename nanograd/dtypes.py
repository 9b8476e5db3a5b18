"""The element types of tensors and torch's rules of promotion.

A dtype carries its NumPy twin: arrays of every device speak NumPy's dtypes, tensors speak these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError

__all__ = [
    "DType",
    "bool_",
    "can_cast",
    "dtype_of",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "of_number",
    "promote_types",
    "to_dtype",
    "uint8",
]


class DType:
    """The type of a tensor's elements; prints as torch's, ``torch.float32``."""

    __slots__ = ("category", "is_floating_point", "itemsize", "name", "numpy")

    def __init__(self, name: str, numpy: Any) -> None:
        self.name = name
        self.numpy: np.dtype[Any] = np.dtype(numpy)
        self.itemsize = self.numpy.itemsize
        self.category = {"b": 0, "u": 1, "i": 1, "f": 2}[self.numpy.kind]  # truth values < integers < floats
        self.is_floating_point = self.category == 2

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (to_dtype, (self.name,))

    @property
    def is_signed(self) -> bool:
        """Whether negative values exist."""
        return self.numpy.kind in "if"

    @property
    def is_complex(self) -> bool:
        """Always False: there are no complex tensors."""
        return False


float32 = DType("float32", np.float32)
float64 = DType("float64", np.float64)
float16 = DType("float16", np.float16)
int64 = DType("int64", np.int64)
int32 = DType("int32", np.int32)
int16 = DType("int16", np.int16)
int8 = DType("int8", np.int8)
uint8 = DType("uint8", np.uint8)
bool_ = DType("bool", np.bool_)

ALL = (float32, float64, float16, int64, int32, int16, int8, uint8, bool_)
_BY_NUMPY = {d.numpy: d for d in ALL}
_BY_NAME = {d.name: d for d in ALL} | {
    "float": float32, "double": float64, "half": float16, "long": int64, "int": int32, "short": int16,
}  # fmt: skip


def dtype_of(numpy: np.dtype[Any]) -> DType:
    """The dtype whose NumPy twin is ``numpy``.  Raises DTypeError where there is none."""
    try:
        return _BY_NUMPY[numpy]
    except KeyError:
        have = ", ".join(d.name for d in ALL)
        raise DTypeError(f"dtype: arrays of {numpy} are not supported; convert to one of {have} first.") from None


def to_dtype(value: Any) -> DType:
    """What a user may call a dtype: one of ours, a Python type, a NumPy dtype or a name.

    >>> to_dtype(float), to_dtype("int64"), to_dtype(np.uint8)
    (torch.float64, torch.int64, torch.uint8)
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        found = _BY_NAME.get(value.removeprefix("torch."))
        if found is not None:
            return found
    elif value is float:
        return float64
    elif value is int:
        return int64
    elif value is bool:
        return bool_
    try:
        return dtype_of(np.dtype(value))
    except TypeError:
        raise DTypeError(f"dtype: expected a dtype such as torch.float32, got {value!r}.") from None


def of_number(value: bool | int | float) -> DType:
    """The dtype a Python number has on its own: bool, int64 or float32."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    return int64 if isinstance(value, (int, np.integer)) else float32


def promote_types(a: DType, b: DType) -> DType:
    """The smallest dtype that holds both: floats win over integers, integers over truth values.

    >>> promote_types(int64, float32), promote_types(uint8, int8)
    (torch.float32, torch.int16)
    """
    if a is b:
        return a
    if a.category != b.category:
        return a if a.category > b.category else b
    return dtype_of(np.promote_types(a.numpy, b.numpy))


def can_cast(source: DType, target: DType) -> bool:
    """Whether a result of ``source`` may be stored in ``target``: never to a lower category."""
    return source.category <= target.category
