"""The world of a torch file: every name that its program may use, and what becomes of it.

``VALUES`` are the names of values and of functions, each a function of ours that checks what it is given; classes of
whole modules are found by ``safe``.  Any other name is refused before anything is made of it.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from nanograd import dtypes
from nanograd.devices import Device
from nanograd.dtypes import DType
from nanograd.errors import MissingError
from nanograd.nn.parameter import Buffer, Parameter
from nanograd.serialization import safe
from nanograd.serialization.elements import BFLOAT16, Array, Elements, elements_of
from nanograd.serialization.files import FileFormatError, UnsafeFileError, damaged
from nanograd.serialization.machine import check_key
from nanograd.serialization.numpy_values import make_array, make_dtype, make_number, set_byte_order, set_elements
from nanograd.serialization.storages import FileStorage, Place, tensor_in
from nanograd.tensors import Size, Tensor

__all__ = ["DEPTH_LIMIT", "STORAGE_NAMES", "Builder"]

DEPTH_LIMIT = 200
"""How deep values may be nested, when saving and when loading: whoever prints or copies them does so recursively."""

STORAGE_NAMES = {
    dtypes.float64: "DoubleStorage", dtypes.float32: "FloatStorage", dtypes.float16: "HalfStorage",
    dtypes.int64: "LongStorage", dtypes.int32: "IntStorage", dtypes.int16: "ShortStorage", dtypes.int8: "CharStorage",
    dtypes.uint8: "ByteStorage", dtypes.bool_: "BoolStorage",
}  # fmt: skip
_UNTYPED = elements_of(dtypes.uint8)
Storages = Callable[[str, Elements, int], Array]
"""(key, elements, number) -> the elements of a storage of the file."""


class Known(NamedTuple):
    """A name that a file may use: what files call it, and what a call of it does."""

    name: str
    function: Callable[..., Any]

    def __repr__(self) -> str:
        return self.name


class Builder:
    """Makes the values of one file.  ``load`` gives the elements of a storage, ``place`` says where they belong."""

    def __init__(self, load: Storages, place: Place, weights_only: bool) -> None:
        self._load = load
        self._place = place
        self._weights_only = weights_only
        self._storages: dict[str, tuple[Elements, FileStorage]] = {}
        self._made: dict[int, Any] = {}  # objects whose attributes the file may set

    def find(self, module: str, name: str) -> Any:
        """What a name stands for.  Raises UnsafeFileError, MissingError for one that is not allowed or not here."""
        module = {"__builtin__": "builtins"}.get(module, module).replace("numpy.core.", "numpy._core.")
        path = f"{module}.{name}"
        if path in VALUES:
            return VALUES[path]
        if path in _ABSENT:
            raise MissingError(
                f"load: the file holds {path}, and nanograd has no tensors of that type. {_ABSENT[path]}"
            )
        return safe.find(module, name, self._weights_only)

    def call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        """What a function of ``VALUES`` gives; the one class that may be called is an Enum, with a value of it."""
        if type(function) is not Known:
            return safe.member(function, arguments)
        made = function.function(*arguments)
        if type(made) in (OrderedDict, np.ndarray) or isinstance(made, np.dtype):
            self._made[id(made)] = made
        return made

    def make(self, kind: Any, arguments: tuple[Any, ...]) -> Any:
        """An object of a class, without attributes and without its constructor."""
        made = safe.make(kind, arguments)
        self._made[id(made)] = made
        return made

    def restore(self, made: Any, state: Any) -> None:
        """Set the attributes of what this builder made, without running code of its class."""
        if self._made.get(id(made)) is not made:
            damaged(f"its program sets attributes of {made!r:.60}")
        if isinstance(made, np.dtype):
            set_byte_order(made, state)
        elif type(made) is np.ndarray:
            set_elements(made, state)
        else:
            safe.restore(made, state)

    def stored(self, claim: Any) -> Any:
        """The storage of a claim ("storage", kind, key, location, number of elements)."""
        if type(claim) is not tuple or not claim:
            damaged(f"its program claims {claim!r:.60} of a storage")
        if claim[0] == "module" and len(claim) == 4:  # a class with its source code, in legacy files
            return claim[1]
        if len(claim) not in (5, 6) or claim[0] != "storage" or any(claim[5:]):
            damaged(f"its program claims {claim!r:.60} of a storage")
        kind, key, location, number = claim[1:5]
        named = type(key) is str and type(location) is str and re.fullmatch(r"[A-Za-z_]\w*(:[0-9]{1,4})?", location)
        if type(kind) is not Elements or not named:
            damaged(f"its program claims {claim!r:.60} of a storage")
        if key not in self._storages:
            if type(number) is not int or not 0 <= number < 2**62:
                damaged(f"storage {key!r:.40} has {number!r:.40} elements")
            storage = FileStorage(self._load(key, kind, number), kind.dtype)
            self._storages[key] = kind, self._place(storage, location)
        if self._storages[key][0] != kind:
            damaged(f"storage {key!r:.40} has two types")
        return self._storages[key][1]

    def checked(self, value: Any) -> Any:
        """The value of a program, if it is whole and not nested too deep."""
        _check_nesting(value)
        return value


def _check_nesting(value: Any) -> None:
    """Refuse what is nested deeper than the limit, or holds what only the program itself had a use for.

    Each object is seen once, whatever holds it, and without recursion: parts before wholes, by their heights.
    """
    heights: dict[int, int] = {}
    open_parts: dict[int, list[Any]] = {}
    waiting = [value]
    while waiting:
        whole = waiting[-1]
        if id(whole) in heights and id(whole) not in open_parts:
            waiting.pop()  # seen as a part of something else
        elif id(whole) not in heights:
            heights[id(whole)] = 0  # for a whole that is part of itself
            parts = open_parts[id(whole)] = _parts(whole)
            waiting += [part for part in parts if id(part) not in heights]
        else:
            waiting.pop()
            height = 1 + max((heights[id(part)] for part in open_parts.pop(id(whole))), default=0)
            heights[id(whole)] = height
            if height > DEPTH_LIMIT:
                raise FileFormatError(f"load: refused: the file holds values nested deeper than {DEPTH_LIMIT}.")


def _parts(whole: Any) -> list[Any]:
    """The containers and objects right inside ``whole``."""
    if type(whole) in (Known, Elements):
        raise UnsafeFileError(f"load: the file holds {whole[0]} itself, which is no value.")
    found: list[Any] = []
    if isinstance(whole, dict):
        found += [*whole.keys(), *whole.values()]
    elif isinstance(whole, (list, tuple, set, frozenset)):
        found += whole
    if not isinstance(whole, (type, Tensor)) and isinstance(getattr(whole, "__dict__", None), dict):
        found += vars(whole).values()
    return [part for part in found if not isinstance(part, _SIMPLE)]


_SIMPLE = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    bytearray,
    Tensor,
    DType,
    Device,
    Size,
    np.ndarray,
    np.generic,
)


# Tensors


def _tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any = False, hooks: Any = None, more: Any = None
) -> Tensor:
    if type(storage) is not FileStorage:
        damaged("a tensor has no storage")
    if more:
        raise MissingError(f"load: the file holds a tensor with {more!r:.60}, which nanograd's tensors do not have.")
    return tensor_in(storage, offset, shape, strides, requires_grad)


def _typed_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any, dtype: Any, more: Any = None
) -> Tensor:
    """A tensor that gives its storage a type."""
    if type(storage) is not FileStorage or not isinstance(dtype, DType) or storage.nbytes() % dtype.itemsize:
        damaged("a tensor has no storage of its type")
    return _tensor(storage.seen_as(dtype), offset, shape, strides, requires_grad, hooks, more)


def _parameter(data: Any, requires_grad: Any, hooks: Any, state: Any = None) -> Tensor:
    if not isinstance(data, Tensor) or type(requires_grad) is not bool:
        damaged("a parameter has no tensor")
    if requires_grad and not data.is_floating_point():
        damaged(f"a parameter of {data.dtype} requires a gradient")
    return _with_attributes(Parameter(data, requires_grad), state)


def _tensor_of_class(function: Any, kind: Any, arguments: Any, state: Any) -> Tensor:
    """A tensor with attributes."""
    if type(function) is not Known or function.function not in _TENSORS.values() or type(arguments) is not tuple:
        damaged("a tensor is made of none")
    t: Tensor = function.function(*arguments)
    name = kind.name if type(kind) is Known else repr(kind)
    if name == "torch.nn.parameter.Parameter" and not isinstance(t, Parameter):
        t = Parameter(t, t.requires_grad)
    elif name not in ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"):
        raise MissingError(f"load: the file holds a tensor of the class {name:.80}, which nanograd does not rebuild.")
    return _with_attributes(t, state)


def _with_attributes(t: Tensor, state: Any) -> Tensor:
    """``t`` with attributes that users gave it; none that its class knows."""
    values = state[0] if isinstance(state, tuple) and len(state) == 2 else state
    if type(t) is Tensor and values and values.get("_is_buffer") is True:
        t = Buffer(t, persistent=values.get("persistent") is True)
    for name, value in (values or {}).items():
        if type(name) is str and not name.startswith("_") and not hasattr(type(t), name) and name not in vars(t):
            vars(t)[name] = value
    return t


_TENSORS: dict[str, Callable[..., Tensor]] = {
    "_rebuild_tensor": _tensor, "_rebuild_tensor_v2": _tensor, "_rebuild_tensor_v3": _typed_tensor,
    "_rebuild_parameter": _parameter, "_rebuild_parameter_with_state": _parameter,
}  # fmt: skip


def _size(values: Any = ()) -> Size:
    if not isinstance(values, tuple) or not all(type(n) is int for n in values):
        damaged(f"a torch.Size of {values!r:.60}")
    return Size(values)


def _device(kind: Any, index: Any = None) -> Device:
    if type(kind) is not str or not (index is None or type(index) is int):
        damaged(f"a torch.device of {kind!r:.60}")
    return Device(kind, index)


# Plain values


def _bytes(text: Any, encoding: Any) -> bytes:
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        damaged(f"bytes in the encoding {encoding!r:.40}")
    return text.encode("latin1")


def _bytearray(value: Any = b"", encoding: Any = "latin-1") -> bytearray:
    return bytearray(value if type(value) is bytes else _bytes(value, encoding))


def _set(values: Any = ()) -> set[Any]:
    if type(values) not in (list, tuple):
        damaged(f"a set of {values!r:.60}")
    return {check_key(value) for value in values}


def _frozenset(values: Any = ()) -> frozenset[Any]:
    return frozenset(_set(values))


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    return OrderedDict((check_key(key), value) for key, value in pairs)


def _counter(counts: Any = None) -> Counter[Any]:
    counter: Counter[Any] = Counter()
    dict.update(counter, {check_key(key): count for key, count in dict(counts or {}).items()})
    return counter


def _defaultdict(factory: Any = None) -> defaultdict[Any, Any]:
    if factory is None:
        return defaultdict(None)
    if type(factory) is not Known or factory.name not in _FACTORIES:
        damaged("a defaultdict of a function that is no builtin type")
    return defaultdict(_FACTORIES[factory.name])


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        damaged("a complex number of what are no numbers")
    return complex(real, imaginary)


def _reconstruct(kind: Any, shape: Any, code: Any) -> Array:
    if kind is not VALUES["numpy.ndarray"]:
        raise MissingError("load: the file holds an array of a class that is not numpy.ndarray.")
    return np.empty(0, np.uint8)  # until its state is set


def _never(*arguments: Any) -> NoReturn:
    raise UnsafeFileError("load: refused: the file calls what it may only name. Nothing was run.")


_FACTORIES: dict[str, Callable[[], Any]] = {
    f"builtins.{t.__name__}": t for t in (list, dict, set, int, float, str, tuple)
}


# The names


def _known(functions: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    return {name: Known(name, function) for name, function in functions.items()}


_ABSENT = {
    **{f"torch.{name}": f"Convert it before saving: use {instead}." for name, instead in dtypes.ABSENT.items()},
    **{f"torch.{name}Storage": "Convert the tensor before saving." for name in (
        "ComplexFloat", "ComplexDouble", "ComplexHalf", "QInt8", "QInt32", "QUInt8", "QUInt4x2", "QUInt2x4",
    )},
    "torch._utils._rebuild_sparse_tensor": "Make it dense before saving, in torch: tensor.to_dense().",
    "torch._utils._rebuild_qtensor": "In torch, save tensor.dequantize().",
}  # fmt: skip

VALUES: dict[str, Any] = {
    **{f"torch.{dtype.name}": dtype for dtype in dtypes.ALL},
    **{f"torch.{name}": elements_of(dtype) for dtype, name in STORAGE_NAMES.items()},
    "torch.BFloat16Storage": BFLOAT16,
    "torch.storage.UntypedStorage": _UNTYPED,
    **_known({f"torch._utils.{name}": function for name, function in _TENSORS.items()}),
    **_known({f"builtins.{name}": _never for name in ("list", "dict", "int", "float", "str", "tuple")}),
    **_known({
        "torch._tensor._rebuild_from_type_v2": _tensor_of_class,
        "torch.Tensor": _never,
        "torch.nn.parameter.Parameter": _never,
        "torch.nn.parameter.Buffer": _never,
        "torch.Size": _size,
        "torch.device": _device,
        "_codecs.encode": _bytes,
        "builtins.bytes": lambda: b"",
        "builtins.bytearray": _bytearray,
        "builtins.set": _set,
        "builtins.frozenset": _frozenset,
        "builtins.complex": _complex,
        "collections.OrderedDict": _ordered,
        "collections.Counter": _counter,
        "collections.defaultdict": _defaultdict,
        "numpy.dtype": make_dtype,
        "numpy.ndarray": _never,
        "numpy._core.multiarray.scalar": make_number,
        "numpy._core.multiarray._reconstruct": _reconstruct,
        "numpy._core.numeric._frombuffer": make_array,
    }),
}  # fmt: skip
"""Every name that a file may use without leave, as files write it."""
