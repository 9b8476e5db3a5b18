"""The element types of tensors and torch's rules of promotion.

A dtype carries its NumPy twin: arrays of every device speak NumPy's dtypes, tensors speak these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, MissingError

__all__ = [
    "DType",
    "absent",
    "bool_",
    "can_cast",
    "dtype_of",
    "finfo",
    "float16",
    "float32",
    "float64",
    "iinfo",
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
# torch's other dtypes, and what to use instead
ABSENT = {
    **dict.fromkeys(("bfloat16",), "torch.float32 (or torch.float16 for less memory)"),
    **dict.fromkeys(("complex32", "chalf", "complex64", "cfloat", "complex128", "cdouble"), "two real tensors"),
    **dict.fromkeys(("uint16", "uint32", "uint64"), "torch.int32 or torch.int64"),
    **dict.fromkeys(("quint8", "qint8", "qint32", "quint4x2", "quint2x4"), "torch.uint8 or torch.int8 with a scale"),
    **dict.fromkeys(
        ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2"),
        "torch.float16",
    ),
}
_BY_NUMPY = {d.numpy: d for d in ALL}
_BY_NAME = {d.name: d for d in ALL} | {
    "float": float32, "double": float64, "half": float16, "long": int64, "int": int32, "short": int16,
}  # fmt: skip


def absent(name: str) -> str:
    """What to say of a dtype of torch's that does not exist here."""
    return f"torch.{name}: nanograd does not have this dtype. Use {ABSENT[name]} instead."


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
        name = value.removeprefix("torch.")
        found = _BY_NAME.get(name)
        if found is not None:
            return found
        if name in ABSENT:
            raise MissingError(absent(name))
    elif hasattr(value, "shape") and not isinstance(value, type):
        raise DTypeError(f"argument 'dtype' must be torch.dtype, not {type(value).__name__}: take its .dtype.")
    elif isinstance(getattr(value, "dtype", None), DType):  # one of torch's old types, FloatTensor
        return value.dtype  # type: ignore[no-any-return]
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


def can_cast(from_: DType, to: DType) -> bool:
    """Whether a result of one dtype may be stored in another: never in a lower category.

    >>> can_cast(int64, float32), can_cast(float32, int64)
    (True, False)
    """
    for value, what in ((from_, "from_"), (to, "to")):
        if not isinstance(value, DType):
            raise DTypeError(f"can_cast: argument {what!r} must be torch.dtype, not {type(value).__name__}.")
    return from_.category <= to.category


# Limits


class finfo:
    """What a floating-point dtype can hold; without an argument the default dtype's twin, float32.

    ``bits``  per number; ``eps`` the distance from 1 to the next one; ``max`` and ``min``; ``tiny`` and
    ``smallest_normal`` the least positive number of full precision; ``resolution`` the digits that survive, 10⁻ⁿ

    >>> finfo(float32).eps
    1.1920928955078125e-07
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: Any = float32) -> None:
        if not isinstance(type, DType):
            raise DTypeError(f"finfo: argument 'type' must be torch.dtype, not {type.__class__.__name__}.")
        if not type.is_floating_point:
            raise DTypeError(f"finfo: requires a floating point input type, got {type}. Use torch.iinfo.")
        limits: Any = np.finfo(type.numpy)
        self.bits, self.dtype = type.itemsize * 8, type.name
        self.eps, self.max, self.min = float(limits.eps), float(limits.max), float(limits.min)
        self.tiny = self.smallest_normal = float(limits.tiny)
        self.resolution = 10.0**-limits.precision

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class iinfo:
    """What an integer dtype can hold: ``bits``, ``min`` and ``max``.

    >>> iinfo(int8)
    iinfo(min=-128, max=127, dtype=int8)
    """

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: Any) -> None:
        if not isinstance(type, DType):
            raise DTypeError(f"iinfo: argument 'type' must be torch.dtype, not {type.__class__.__name__}.")
        if type.category != 1:
            more = " Use torch.finfo." if type.is_floating_point else ""
            raise DTypeError(f"iinfo: requires an integer input type, got {type}.{more}")
        limits = np.iinfo(type.numpy)
        self.bits, self.dtype, self.min, self.max = limits.bits, type.name, int(limits.min), int(limits.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)
