"""torch's old names of types, ``torch.FloatTensor``: they make tensors of one dtype, and know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nanograd import dtypes
from nanograd.devices import cpu
from nanograd.dtypes import DType
from nanograd.errors import DTypeError
from nanograd.ops.creation import empty, tensor
from nanograd.ops.op import share, tensor_class, wrap

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor",
    "ShortTensor",
]  # fmt: skip


class TypedTensor(type):
    """The class of the old types: calling one makes a tensor, ``isinstance`` asks for its dtype."""

    dtype: DType

    def __new__(cls, name: str, dtype: DType) -> TypedTensor:
        made = super().__new__(
            cls, name, (), {"__doc__": f"``{name}([1, 2])``: a tensor of {dtype}; of data or sizes."}
        )
        made.dtype, made.__module__ = dtype, "torch"
        return made

    def __init__(cls, name: str, dtype: DType) -> None:
        super().__init__(name, (), {})

    def __call__(cls, *args: Any) -> Tensor:
        """A tensor of data (a list, array or tensor), or of sizes, not filled: FloatTensor(2, 3)."""
        data: Any = args[0] if args else (0,)
        if not args or isinstance(data, (int, np.integer)) or type(data).__name__ == "Size":
            return empty(data, *args[1:], dtype=cls.dtype)
        if len(args) > 1 or not (hasattr(data, "array") or isinstance(data, (list, tuple, range, np.ndarray))):
            raise DTypeError(
                f"{cls.__name__}: data must be a sequence, an array or a tensor, or sizes as integers; got "
                f"{type(data).__name__} {data!r:.40}."
            )
        if not isinstance(data, tensor_class()):
            return tensor(data, dtype=cls.dtype)
        if data.dtype is not cls.dtype:
            raise DTypeError(
                f"{cls.__name__}: expected a tensor of {cls.dtype}, got {data.dtype}. Use x.to({cls.dtype})."
            )
        return share(data, wrap(data.array))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, tensor_class()) and instance.dtype is cls.dtype and instance.device == cpu

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


FloatTensor = TypedTensor("FloatTensor", dtypes.float32)
DoubleTensor = TypedTensor("DoubleTensor", dtypes.float64)
HalfTensor = TypedTensor("HalfTensor", dtypes.float16)
LongTensor = TypedTensor("LongTensor", dtypes.int64)
IntTensor = TypedTensor("IntTensor", dtypes.int32)
ShortTensor = TypedTensor("ShortTensor", dtypes.int16)
CharTensor = TypedTensor("CharTensor", dtypes.int8)
ByteTensor = TypedTensor("ByteTensor", dtypes.uint8)
BoolTensor = TypedTensor("BoolTensor", dtypes.bool_)
