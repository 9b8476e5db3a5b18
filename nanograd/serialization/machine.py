"""A stack machine for pickle programs, which can make plain values and nothing else.

Python's own machine finds any function by its name, importing what it must, and calls it.  This one leaves names,
calls and attributes to a ``World``, which knows a short list of them, and fills only lists, dicts and sets that it made
itself.  Opcodes as in Python's pickletools, protocols 2 to 5, without those that only protocols 0 and 1 write.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from nanograd.devices import Device
from nanograd.dtypes import DType
from nanograd.serialization.files import FileFormatError, damaged
from nanograd.tensors import Size

__all__ = ["Machine", "World", "check_key"]

_INTEGER_LIMIT = 1024  # bytes of an integer: longer ones take long to print
_FREE = 2**20  # lists, dicts, tuples, … that any program may make
_RATIO = 6  # and bytes of file for each more: Python's pickle never needs fewer
_HEAVY = 4  # how many lists a set, or an object, counts as
_KEY_DEPTH = 8
_KEYS = (type(None), bool, float, complex, str, bytes, DType, Device)


class World(Protocol):
    """What the names in a program mean."""

    def find(self, module: str, name: str) -> Any:
        """The value, class or function that a program names."""

    def call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        """What the function gives."""

    def make(self, kind: Any, arguments: tuple[Any, ...]) -> Any:
        """An object of a class, without attributes."""

    def restore(self, made: Any, state: Any) -> None:
        """Set the attributes of an object."""

    def stored(self, claim: Any) -> Any:
        """The storage of which a program claims this."""


class Machine:
    """Runs the programs in ``code``, from ``at`` on, one for each call of ``run``."""

    def __init__(self, code: bytes, world: World, size: int, encoding: str = "utf-8", at: int = 0) -> None:
        self.at = at
        self._code = code
        self._world = world
        self._encoding = encoding  # of the strings of Python 2
        self._room = _FREE + size // _RATIO  # size: of the file, in which the code may be compressed
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks below each mark
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The value that the next program makes.  Raises FileFormatError for one that is damaged or asks too much."""
        self._stack, self._below, self._memo = [], [], {}
        start = self.at
        try:
            while (opcode := self._byte()) != _STOP:
                _ACTIONS.get(opcode, _unknown)(self)
            return self._stack.pop()
        except (RuntimeError, MemoryError):  # our own errors among them
            raise
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, struct.error) as error:
            damaged(f"its program fails at byte {self.at - start} ({type(error).__name__}: {error!s:.80})")

    # The code

    def _byte(self) -> int:
        self.at += 1
        if self.at > len(self._code):
            damaged("its program has no end")
        return self._code[self.at - 1]

    def take(self, count: int) -> bytes:
        """The next bytes of the code."""
        if not 0 <= count <= len(self._code) - self.at:
            damaged(f"its program ends within a value of {count} bytes")
        self.at += count
        return self._code[self.at - count : self.at]

    def number(self, form: str) -> Any:
        """The next number of the code."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        end = self._code.index(b"\n", self.at)
        return self.take(end + 1 - self.at)[:-1].decode("utf-8")

    def text(self, form: str) -> str:
        """The next string of the code, after its length."""
        return self.take(self.number(form)).decode("utf-8", "surrogatepass")

    def old_text(self, form: str) -> str | bytes:
        """The next string of Python 2, after its length."""
        raw = self.take(self.number(form))
        return raw if self._encoding == "bytes" else raw.decode(self._encoding)

    def integer(self, form: str) -> int:
        """The next integer of the code, after its length."""
        length = self.number(form)
        if length > _INTEGER_LIMIT:
            damaged(f"its program has an integer of {length} bytes")
        return int.from_bytes(self.take(length), "little", signed=True)

    # The stack

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def push_new(self, value: Any, weight: int = 1) -> None:
        """Put a value on the stack that takes memory of its own, more for a heavier one."""
        self._count(weight)
        self._stack.append(value)

    def _count(self, weight: int) -> None:
        self._room -= weight
        if self._room < 0:
            raise FileFormatError("load: refused: the program makes more objects than its length can account for.")

    def mark(self) -> None:
        """Start a stack on top of the stack."""
        self._count(1)
        self._below.append(self._stack)
        self._stack = []

    def to_mark(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        items, self._stack = self._stack, self._below.pop()
        return items

    def pop(self) -> Any:
        """What lies on top of the stack, or the mark there."""
        return self._stack.pop() if self._stack else self.to_mark()

    def duplicate(self) -> None:
        """Put what lies on top there again."""
        self._stack.append(self._stack[-1])

    def last(self, count: int) -> None:
        """Make a tuple of what lies on top."""
        items = [self._stack.pop() for _ in range(count)]
        self.push_new(tuple(reversed(items)))

    # The memo

    def remember(self, number: int | None) -> None:
        """Note what lies on top under a number: the next one for None."""
        self._memo[len(self._memo) if number is None else number] = self._stack[-1]

    def recall(self, number: int) -> None:
        """Put there what was noted."""
        self._stack.append(self._memo[number])

    # Containers

    def extend(self, items: list[Any]) -> None:
        """Add to the list or set on top."""
        target = self._stack[-1]
        if isinstance(target, list):
            list.extend(target, items)
        elif isinstance(target, set):
            for item in items:
                set.add(target, check_key(item))
        else:
            damaged(f"its program adds items to a {type(target).__name__}")

    def fill(self, items: list[Any]) -> None:
        """Set the items of the dict on top."""
        target = self._stack[-1]
        if not isinstance(target, dict):
            damaged(f"its program sets items of a {type(target).__name__}")
        put = OrderedDict.__setitem__ if isinstance(target, OrderedDict) else dict.__setitem__
        for key, value in zip(items[::2], items[1::2], strict=True):
            put(target, check_key(key), value)

    def fill_one(self) -> None:
        """Set one item of a dict."""
        value = self._stack.pop()
        key = self._stack.pop()
        self.fill([key, value])

    def frozen(self) -> None:
        """Make a frozenset of what was put on the stack since the last mark."""
        self.push_new(frozenset(check_key(item) for item in self.to_mark()), _HEAVY)

    # What the world knows

    def name(self) -> None:
        """Find what two lines of the code name."""
        module = self._line()
        self._stack.append(self._world.find(module, self._line()))

    def name_on_stack(self) -> None:
        """Find what two strings on the stack name."""
        name, module = self._stack.pop(), self._stack.pop()
        if type(name) is not str or type(module) is not str:
            damaged("its program names something with what is no string")
        self._stack.append(self._world.find(module, name))

    def call(self) -> None:
        """Call."""
        arguments, function = self._arguments(), self._stack.pop()
        self.push_new(self._world.call(function, arguments), _HEAVY)

    def make(self) -> None:
        """Make an object."""
        arguments, kind = self._arguments(), self._stack.pop()
        self.push_new(self._world.make(kind, arguments), _HEAVY)

    def make_with_keywords(self) -> None:
        """Make an object; keyword arguments are not known here."""
        if self._stack.pop() != {}:
            damaged("its program makes an object with keyword arguments")
        self.make()

    def _arguments(self) -> tuple[Any, ...]:
        arguments = self._stack.pop()
        if type(arguments) is not tuple:
            damaged(f"its program calls with a {type(arguments).__name__} of arguments")
        return arguments

    def build(self) -> None:
        """Set attributes."""
        state = self._stack.pop()
        self._world.restore(self._stack[-1], state)

    def storage(self) -> None:
        """Find a storage."""
        self._stack.append(self._world.stored(self._stack.pop()))


def check_key(key: Any, depth: int = 0) -> Any:
    """The key of a dict or item of a set, if hashing and comparing it runs no code of a class and ends soon."""
    if type(key) in _KEYS or (type(key) is int and key.bit_length() <= 64):
        return key
    if type(key) in (tuple, frozenset, Size) and depth < _KEY_DEPTH:
        for item in key:
            check_key(item, depth + 1)
        return key
    damaged(f"its program has a key of type {type(key).__name__}")


def _unknown(machine: Machine) -> NoReturn:
    opcode = machine._code[machine.at - 1 : machine.at]
    damaged(f"its program has the opcode {opcode!r}, which torch does not write")


_STOP = ord(".")
_ACTIONS: dict[int, Callable[[Machine], Any]] = {
    # PROTO and FRAME say nothing that is needed
    0x80: lambda m: m.take(1),
    0x95: lambda m: m.take(8),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("K"): lambda m: m.push(m.number("<B")),
    ord("M"): lambda m: m.push(m.number("<H")),
    ord("J"): lambda m: m.push(m.number("<i")),
    0x8A: lambda m: m.push(m.integer("<B")),
    0x8B: lambda m: m.push(m.integer("<i")),
    ord("G"): lambda m: m.push(m.number(">d")),
    ord("X"): lambda m: m.push(m.text("<I")),
    0x8C: lambda m: m.push(m.text("<B")),
    0x8D: lambda m: m.push(m.text("<Q")),
    ord("U"): lambda m: m.push(m.old_text("<B")),
    ord("T"): lambda m: m.push(m.old_text("<i")),
    ord("C"): lambda m: m.push(m.take(m.number("<B"))),
    ord("B"): lambda m: m.push(m.take(m.number("<I"))),
    0x8E: lambda m: m.push(m.take(m.number("<Q"))),
    0x96: lambda m: m.push(bytearray(m.take(m.number("<Q")))),
    ord("("): Machine.mark,
    ord("0"): Machine.pop,
    ord("1"): Machine.to_mark,
    ord("2"): Machine.duplicate,
    ord("q"): lambda m: m.remember(m.number("<B")),
    ord("r"): lambda m: m.remember(m.number("<I")),
    0x94: lambda m: m.remember(None),
    ord("h"): lambda m: m.recall(m.number("<B")),
    ord("j"): lambda m: m.recall(m.number("<I")),
    ord("]"): lambda m: m.push_new([]),
    ord("}"): lambda m: m.push_new({}),
    ord(")"): lambda m: m.push(()),
    0x8F: lambda m: m.push_new(set(), _HEAVY),
    ord("t"): lambda m: m.push_new(tuple(m.to_mark())),
    0x85: lambda m: m.last(1),
    0x86: lambda m: m.last(2),
    0x87: lambda m: m.last(3),
    0x91: Machine.frozen,
    ord("a"): lambda m: m.extend([m._stack.pop()]),
    ord("e"): lambda m: m.extend(m.to_mark()),
    0x90: lambda m: m.extend(m.to_mark()),
    ord("s"): Machine.fill_one,
    ord("u"): lambda m: m.fill(m.to_mark()),
    ord("c"): Machine.name,
    0x93: Machine.name_on_stack,
    ord("R"): Machine.call,
    0x81: Machine.make,
    0x92: Machine.make_with_keywords,
    ord("b"): Machine.build,
    ord("Q"): Machine.storage,
}
