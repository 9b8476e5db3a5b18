"""Reading the pickles of CIFAR without running them.

A pickle is a program for a small machine, and two of its instructions call functions that the file names.  This
machine knows no function: it builds numbers, text, lists, tuples, dicts and NumPy arrays of plain numbers, and
refuses, by name, a file that asks for anything else.  The instructions are taken apart by the standard library's
pickletools, which executes nothing.
"""

from __future__ import annotations

import math
import pickletools
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from nanograd.serialization import FileFormatError

__all__ = ["read_pickle"]

_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"): "array", ("numpy._core.multiarray", "_reconstruct"): "array",
    ("numpy", "ndarray"): "ndarray", ("numpy", "dtype"): "dtype", ("_codecs", "encode"): "encode",
}  # fmt: skip
"""The names an array is made of in a pickle, and the role that each plays here."""
_KINDS = frozenset("biuf")
_VALUES = frozenset({
    "INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8",
})  # fmt: skip
_EMPTY: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "NONE": lambda: None, "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
}  # fmt: skip
_ORDERED: dict[str, Callable[[np.dtype[Any]], np.dtype[Any]]] = {
    "<": lambda dtype: dtype.newbyteorder("<"), ">": lambda dtype: dtype.newbyteorder(">"), "=": lambda dtype: dtype,
    "|": lambda dtype: dtype,
}  # fmt: skip
_MARK = object()


class _Named:
    """A name that a pickle asks for, and its role."""

    def __init__(self, role: str) -> None:
        self.role = role


class _DType:
    """A dtype on its way: its name, and its byte order."""

    def __init__(self, code: str) -> None:
        self.dtype = np.dtype(code)


class _Array:
    """An array on its way; it is complete when its state has come."""

    array: np.ndarray[Any, Any] | None = None


def read_pickle(data: bytes, name: str = "pickle") -> Any:
    """What a pickle of numbers, text, lists, tuples, dicts and arrays holds; text of Python 2 is read as Latin-1.

    Raises FileFormatError for damage, and for a pickle that would call anything, naming what.
    """
    machine = _Machine(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of escapes in damaged text
            for code, argument, _ in pickletools.genops(data):
                machine.step(code.name, argument)
        return _plain(machine.result, {}, 0)
    except FileFormatError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise FileFormatError(
            f"{name}: the file is damaged or not a pickle ({type(error).__name__}: {error})."
        ) from None


class _Machine:
    """A stack, a memory, and the instructions that build plain things."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.result: Any = None

    def step(self, code: str, argument: Any) -> None:
        """Carry out one instruction."""
        if code in _VALUES:
            self.stack.append(argument)
        elif code in _EMPTY:
            self.stack.append(_EMPTY[code]())
        elif code not in ("PROTO", "FRAME"):
            act = getattr(self, f"on_{code.lower()}", None)
            if act is None:
                self.refuse(f"the instruction {code}")
            act(argument)

    def refuse(self, what: str) -> NoReturn:
        """Raise the error that names what the file asked for."""
        raise FileFormatError(
            f"{self.name}: refused: the file asks for {what}. Only numbers, text, lists, dicts and arrays are read; a "
            "pickle that asks for more could run a program."
        )

    def above_mark(self) -> list[Any]:
        """Take the things above the topmost mark off the stack, and the mark."""
        place = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        things = self.stack[place + 1 :]
        del self.stack[place:]
        return things

    def on_mark(self, argument: Any) -> None:
        self.stack.append(_MARK)

    def on_pop(self, argument: Any) -> None:
        self.stack.pop()

    def on_put(self, argument: Any) -> None:
        self.memory[int(argument)] = self.stack[-1]

    on_binput = on_long_binput = on_put

    def on_memoize(self, argument: Any) -> None:
        self.memory[len(self.memory)] = self.stack[-1]

    def on_get(self, argument: Any) -> None:
        self.stack.append(self.memory[int(argument)])

    on_binget = on_long_binget = on_get

    def on_list(self, argument: Any) -> None:
        self.stack.append(self.above_mark())

    def on_append(self, argument: Any) -> None:
        thing = self.stack.pop()
        self._list().append(thing)

    def on_appends(self, argument: Any) -> None:
        things = self.above_mark()
        self._list().extend(things)

    def _list(self) -> list[Any]:
        if type(self.stack[-1]) is not list:
            raise TypeError("append to what is no list")
        found: list[Any] = self.stack[-1]
        return found

    def on_tuple(self, argument: Any) -> None:
        self.stack.append(tuple(self.above_mark()))

    def on_tuple1(self, argument: Any) -> None:
        self.stack[-1:] = [(self.stack[-1],)]

    def on_tuple2(self, argument: Any) -> None:
        self.stack[-2:] = [(self.stack[-2], self.stack[-1])]

    def on_tuple3(self, argument: Any) -> None:
        self.stack[-3:] = [(self.stack[-3], self.stack[-2], self.stack[-1])]

    def on_dict(self, argument: Any) -> None:
        things = self.above_mark()
        self.stack.append({})
        self._set(things)

    def on_setitem(self, argument: Any) -> None:
        things = self.stack[-2:]
        del self.stack[-2:]
        self._set(things)

    def on_setitems(self, argument: Any) -> None:
        self._set(self.above_mark())

    def _set(self, things: list[Any]) -> None:
        """Put keys and values, in turns, into the dict on top.  Keys are plain: a tuple can take years to hash."""
        if type(self.stack[-1]) is not dict or not all(isinstance(key, (str, bytes, int)) for key in things[::2]):
            raise TypeError("an item for what is no dict, or a key that is no text")
        self.stack[-1].update(zip(things[::2], things[1::2], strict=True))

    def on_global(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        self._name(module, name)

    def on_stack_global(self, argument: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._name(str(module), str(name))

    def _name(self, module: str, name: str) -> None:
        role = _PARTS.get((module, name))
        if role is None:
            self.refuse(f"{module}.{name}")
        self.stack.append(_Named(role))

    def on_reduce(self, argument: Any) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        role = called.role if isinstance(called, _Named) else None
        if role == "array":
            self.stack.append(_Array())
        elif role == "dtype":
            self.stack.append(_DType(_number_code(arguments[0])))
        elif role == "encode" and arguments[1] in ("latin1", "latin-1"):
            self.stack.append(arguments[0].encode("latin-1"))
        else:
            self.refuse(f"a call of {role or type(called).__name__}")

    def on_build(self, argument: Any) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, _DType):
            made.dtype = _ORDERED[state[1]](made.dtype)
        elif isinstance(made, _Array):
            _, shape, dtype, by_columns, elements = state
            made.array = _array(shape, dtype.dtype, by_columns, elements)
        else:
            self.refuse(f"the state of a {type(made).__name__}")

    def on_stop(self, argument: Any) -> None:
        self.result = self.stack.pop()


def _number_code(code: Any) -> str:
    code = code.decode("ascii") if isinstance(code, bytes) else code
    if not isinstance(code, str) or np.dtype(code).kind not in _KINDS:
        raise TypeError(f"an array of dtype {code!r}, which is no plain number")
    return code


def _array(shape: Any, dtype: np.dtype[Any], by_columns: Any, elements: Any) -> np.ndarray[Any, Any]:
    """The array with these elements, which are there: no claim of a shape allocates anything."""
    data = elements.encode("latin-1") if isinstance(elements, str) else elements
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise TypeError(f"an array of shape {shape!r}")
    if not isinstance(data, bytes) or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"an array {shape} of {dtype} whose elements are not there")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C").astype(dtype.newbyteorder("="))


def _plain(x: Any, done: dict[int, Any], depth: int) -> Any:
    """The things with arrays in place of what stood for them; a thing that stands in many places is made once."""
    if depth > 20:
        raise RecursionError("it nests more than 20 deep")
    if isinstance(x, _Array) and x.array is not None:
        return x.array
    if isinstance(x, (_Array, _DType, _Named)) or x is _MARK:
        raise ValueError("an array without its elements")
    if not isinstance(x, (dict, list, tuple)):
        return x
    if id(x) not in done:
        done[id(x)] = (
            {key: _plain(value, done, depth + 1) for key, value in x.items()}
            if isinstance(x, dict)
            else type(x)(_plain(value, done, depth + 1) for value in x)
        )
    return done[id(x)]
