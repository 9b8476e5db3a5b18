"""Writing torch's files: any value of plain parts as a pickle program, and the memory of its tensors.

The program uses the opcodes and names that ``torch.load(weights_only=True)`` knows, so that torch reads what is written
here: all but whole modules and NumPy's arrays, which torch keeps for ``weights_only=False``.
"""

from __future__ import annotations

import enum
import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import numpy as np

from nanograd.devices import Device
from nanograd.dtypes import DType
from nanograd.errors import DTypeError
from nanograd.nn.module import Module
from nanograd.nn.parameter import Buffer, Parameter
from nanograd.serialization import safe
from nanograd.serialization.builder import DEPTH_LIMIT, STORAGE_NAMES
from nanograd.serialization.elements import Array
from nanograd.serialization.memory import Memories, stretch
from nanograd.serialization.refusals import at, check_stored_key, refuse, without_hooks
from nanograd.tensors import Size, Tensor

__all__ = ["Writer"]

Placed = Callable[[], bytes]
_INTEGER_BITS = 2039  # what LONG1, the one opcode for large integers that torch reads, can hold
_FACTORIES = (list, dict, set, int, float, str, tuple)


class Writer:
    """The program of one value and the memory of its tensors."""

    def __init__(self) -> None:
        self._code: list[bytes | Placed] = [b"\x80\x02"]
        self._noted: dict[Any, int] = {}  # what the program can recall: strings, names, and objects by id
        self._kept: list[Any] = []  # so that no id is used twice
        self._memories = Memories()

    def program(self, value: Any) -> bytes:
        """The program that makes ``value``.  Raises DTypeError that says what cannot be stored, and where it stands."""
        try:
            self._write(value, "", 0)
        except RecursionError:
            raise DTypeError("save: nested too deep for the depth of calls at which save was called.") from None
        self._code.append(b".")
        self._memories.check()
        return b"".join(part if isinstance(part, bytes) else part() for part in self._code)

    def storages(self) -> Iterable[Array]:
        """The bytes of each memory, in the order of their keys."""
        return self._memories

    def _write(self, value: Any, path: str, depth: int) -> None:
        """Write code that puts ``value`` on the stack; ``path`` tells where it stands if it cannot be stored."""
        if depth > DEPTH_LIMIT:
            raise DTypeError(f"save: nested deeper than {DEPTH_LIMIT} at {path[:80]!r}.")
        if self._recall(id(value)):
            return
        plain = _PLAIN.get(type(value))
        if plain is not None:
            plain(self, value, path)
        elif type(value) in _CONTAINERS:
            _CONTAINERS[type(value)](self, value, path, depth)
        elif isinstance(value, Tensor):
            self._tensor(value, path, depth)
        elif isinstance(value, np.ndarray):
            self._numpy(value, path)
        elif isinstance(value, np.generic):
            self._write(value.item() if value.dtype.kind in "biufUS" else refuse(value, path), path, depth)
        elif isinstance(value, (type, FunctionType)):
            self._class(value, path)
        else:
            self._object(value, path, depth)

    # Code

    def _put(self, code: bytes) -> None:
        self._code.append(code)

    def _recall(self, what: Any) -> bool:
        number = self._noted.get(what)
        if number is None:
            return False
        self._put(b"h" + bytes([number]) if number < 256 else b"j" + struct.pack("<I", number))
        return True

    def _note(self, what: Any) -> None:
        """Let the program remember what it just made."""
        number = self._noted[what] = len(self._noted)
        self._put(b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number))

    def _note_object(self, value: Any) -> None:
        self._kept.append(value)
        self._note(id(value))

    def _name(self, path: str) -> None:
        """A name that torch knows: "torch._utils._rebuild_tensor_v2"."""
        if not self._recall(("name", path)):
            module, _, name = path.rpartition(".")
            self._put(f"c{module}\n{name}\n".encode())
            self._note(("name", path))

    def _text(self, text: str) -> None:
        if not self._recall(("text", text)):
            raw = text.encode("utf-8", "surrogatepass")
            if len(raw) >= 2**32:
                raise DTypeError(f"save: a string of {len(raw)} bytes is too long to be stored.")
            self._put(b"X" + struct.pack("<I", len(raw)) + raw)
            self._note(("text", text))

    def _call(self, path: str, *arguments: Any) -> None:
        """A call with plain arguments."""
        self._name(path)
        self._put(b"(")
        for argument in arguments:
            self._write(argument, "", 0)
        self._put(b"tR")

    # Plain values

    def _integer(self, value: int, path: str) -> None:
        if value.bit_length() > _INTEGER_BITS:
            raise DTypeError(f"save: an integer of {value.bit_length()} bits cannot be stored{at(path)}.")
        self._put(_integer_code(value))

    def _bytes(self, value: bytes, path: str) -> None:
        self._name("_codecs.encode")
        self._text(value.decode("latin1"))
        self._text("latin1")
        self._put(b"\x86R")

    def _dtype(self, value: DType, path: str) -> None:
        self._name(f"torch.{value.name}")

    def _device(self, value: Device, path: str) -> None:
        self._call("torch.device", value.type, *([] if value.index is None else [value.index]))

    # Containers

    def _items(self, values: Iterable[Any], path: str, depth: int, keys: bool = False) -> None:
        """A mark and the values."""
        self._put(b"(")
        for i, value in enumerate(values):
            if keys:
                check_stored_key(value, path)
            self._write(value, _join(path, i), depth + 1)

    def _list(self, value: list[Any], path: str, depth: int) -> None:
        self._put(b"]")
        self._note_object(value)
        self._items(value, path, depth)
        self._put(b"e")

    def _tuple(self, value: tuple[Any, ...], path: str, depth: int) -> None:
        if not value:
            self._put(b")")
            return
        self._items(value, path, depth)
        self._put(b"t")
        self._note_object(value)

    def _size(self, value: Size, path: str, depth: int) -> None:
        self._name("torch.Size")
        self._write(tuple(value), path, depth)
        self._put(b"\x85R")

    def _set(self, value: Any, path: str, depth: int) -> None:
        self._name(f"__builtin__.{type(value).__name__}")
        self._put(b"]")
        self._items(value, path, depth, keys=True)
        self._put(b"e\x85R")
        self._note_object(value)

    def _dict(self, value: dict[Any, Any], path: str, depth: int) -> None:
        self._put(b"}")
        self._note_object(value)
        self._pairs(value, path, depth)

    def _pairs(self, value: dict[Any, Any], path: str, depth: int) -> None:
        self._put(b"(")
        for key, item in value.items():
            check_stored_key(key, path)
            self._write(key, path, depth + 1)
            self._write(item, _join(path, key), depth + 1)
        self._put(b"u")

    def _ordered(self, value: OrderedDict[Any, Any], path: str, depth: int) -> None:
        self._name("collections.OrderedDict")
        self._put(b")R")
        self._note_object(value)
        self._pairs(value, path, depth)
        if vars(value):  # torch notes versions of modules there
            self._dict(dict(vars(value)), path, depth)
            self._put(b"b")

    def _counter(self, value: Counter[Any], path: str, depth: int) -> None:
        self._name("collections.Counter")
        self._dict(dict(value), path, depth)
        self._put(b"\x85R")
        self._note_object(value)

    def _defaultdict(self, value: defaultdict[Any, Any], path: str, depth: int) -> None:
        factory: Any = value.default_factory
        if factory not in _FACTORIES and factory is not None:
            refuse(factory, _join(path, "default_factory"))
        self._name("collections.defaultdict")
        if factory is None:
            self._put(b")R")
        else:
            self._name(f"__builtin__.{factory.__name__}")
            self._put(b"\x85R")
        self._note_object(value)
        self._pairs(value, path, depth)

    # Tensors and arrays

    def _tensor(self, t: Tensor, path: str, depth: int) -> None:
        if type(t) not in (Tensor, Parameter, Buffer):
            refuse(t, path)
        attributes = {k: v for k, v in vars(t).items() if not (k == "array" or k[0] == "_" or hasattr(Tensor, k))}
        if isinstance(t, Buffer):
            attributes["_is_buffer"] = True  # torch's mark: to torch, a buffer is a tensor with attributes
        parameter = isinstance(t, Parameter)
        if parameter:
            self._name(f"torch._utils._rebuild_parameter{'_with_state' if attributes else ''}")
            self._put(b"(")
        elif attributes:
            self._name("torch._tensor._rebuild_from_type_v2")
            self._put(b"(")
        self._name("torch._utils._rebuild_tensor_v2")
        if attributes and not parameter:
            self._name("torch.Tensor")
        self._view(t, t.requires_grad and not parameter, path)
        if parameter:
            self._put(b"R" + _truth(t.requires_grad))
            self._no_hooks()
        if attributes:
            self._dict(attributes, path, depth)
        if parameter or attributes:
            self._put(b"t")
        self._put(b"R")
        self._note_object(t)

    def _view(self, t: Tensor, requires_grad: bool, path: str) -> None:
        """(storage, offset, shape, strides, requires_grad, no hooks)"""
        array, memory = self._memories.of(t)
        start, size = stretch(array)[0], array.itemsize
        self._put(b"((")
        for text in ("storage", f"torch.{STORAGE_NAMES[t.dtype]}", str(memory.key), str(t.device)):
            (self._name if text.startswith("torch.") else self._text)(text)
        self._code.append(lambda: _integer_code((memory.high - memory.low) // size))
        self._put(b"tQ")
        self._code.append(lambda: _integer_code((start - memory.low) // size))
        for numbers in (array.shape, [s // size for s in array.strides]):
            self._put(b"(" + b"".join(map(_integer_code, numbers)) + b"t")
        self._put(_truth(requires_grad))
        self._no_hooks()
        self._put(b"t")

    def _no_hooks(self) -> None:
        self._name("collections.OrderedDict")
        self._put(b")R")

    def _numpy(self, array: Array, path: str) -> None:
        """As NumPy's own pickles have it; a subclass as a plain array."""
        if array.dtype.kind not in "biufc":
            raise DTypeError(f"save: arrays of {array.dtype} cannot be stored{at(path)}.")
        self._name("numpy._core.multiarray._reconstruct")
        self._name("numpy.ndarray")
        self._put(b"K\x00\x85")
        self._bytes(b"b", path)
        self._put(b"\x87R")
        self._note_object(array)
        self._put(b"(K\x01")
        self._put(b"(" + b"".join(map(_integer_code, array.shape)) + b"t")
        self._name("numpy.dtype")
        self._write((array.dtype.str[1:], False, True), path, 0)
        self._put(b"R")
        self._write((3, "|" if array.itemsize == 1 else "<", None, None, None, -1, -1, 0), path, 0)
        self._put(b"b" + _truth(False))
        self._bytes(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes(), path)
        self._put(b"tb")

    # Classes and objects

    def _class(self, value: Any, path: str) -> None:
        """A class, or a formula, by name."""
        module, name = value.__module__, value.__qualname__
        known = safe.allowed(value) or (isinstance(value, type) and issubclass(value, Module)) or safe.is_formula(value)
        if not known or safe.imported(module, name) is not value:
            refuse(value, path)
        if not self._recall(("name", module, name)):
            self._put(f"c{module}\n{name}\n".encode())
            self._note(("name", module, name))

    def _object(self, value: Any, path: str, depth: int) -> None:
        """An object of a class that may be rebuilt: the class, and the attributes."""
        kind = type(value)
        if not safe.rebuildable(kind):
            refuse(value, path)
        if safe.imported(kind.__module__, kind.__qualname__) is not kind:
            raise DTypeError(
                f"save: {kind.__qualname__}{at(path)} cannot be found again by its name: define the class at the top "
                "level of its module, not inside a function. Or save its state: model.state_dict()."
            )
        if isinstance(value, Module) and (own := safe.own_pickling(kind)):
            raise DTypeError(
                f"save: {kind.__qualname__}{at(path)} defines {own}, which load would have to call, and files run no "
                "code. Save its state: model.state_dict()."
            )
        self._put(f"c{kind.__module__}\n{kind.__qualname__}\n".encode())
        if isinstance(value, enum.Enum):
            self._write((value._value_,), path, depth + 1)
            self._put(b"R")
            self._note_object(value)
            return
        self._items(value if isinstance(value, tuple) else (), path, depth)
        self._put(b"t\x81")
        self._note_object(value)
        if isinstance(value, dict):
            self._pairs(value, path, depth)
        elif isinstance(value, list):
            self._items(value, path, depth)
            self._put(b"e")
        state = getattr(value, "__dict__", None)
        slots = safe.slots(value)
        if slots:
            self._tuple((state or None, slots), path, depth)
            self._put(b"b")
        elif state:
            self._state(value, without_hooks(value, path) if isinstance(value, Module) else state, path, depth)

    def _state(self, value: Any, state: dict[str, Any], path: str, depth: int) -> None:
        name = path or type(value).__name__
        self._put(b"}(")
        for key, item in state.items():
            self._text(key)
            self._write(item, f"{name}.{key}", depth + 1)
        self._put(b"ub")


def _truth(value: bool) -> bytes:
    return b"\x88" if value else b"\x89"


def _integer_code(value: int) -> bytes:
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if 0 <= value < 65536:
        return b"M" + struct.pack("<H", value)
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


_PLAIN: dict[type, Callable[[Writer, Any, str], None]] = {
    type(None): lambda w, value, path: w._put(b"N"),
    bool: lambda w, value, path: w._put(_truth(value)),
    int: Writer._integer,
    float: lambda w, value, path: w._put(b"G" + struct.pack(">d", value)),
    str: lambda w, value, path: w._text(value),
    bytes: Writer._bytes,
    bytearray: lambda w, value, path: w._call("__builtin__.bytearray", bytes(value)),
    complex: lambda w, value, path: w._call("__builtin__.complex", value.real, value.imag),
    DType: Writer._dtype,
    Device: Writer._device,
}
_CONTAINERS: dict[type, Callable[[Writer, Any, str, int], None]] = {
    list: Writer._list,
    tuple: Writer._tuple,
    Size: Writer._size,
    set: Writer._set,
    frozenset: Writer._set,
    dict: Writer._dict,
    OrderedDict: Writer._ordered,
    Counter: Writer._counter,
    defaultdict: Writer._defaultdict,
}
