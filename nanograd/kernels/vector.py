"""Vectors inside compiled loops: as many numbers as one instruction works on.

LLVM makes such instructions of a plain loop by itself.  What it does not find is a block of sums that stays in
registers while the loop runs through memory; such blocks are written instruction by instruction (blocks.py, tile.py).

A *word* is a function that a ``@jit`` function calls and that stands for instructions.  It takes numba's types of the
arguments, and gives the type of the result and a function that writes the instructions with a ``Writer``.  The loops of
Python in it run while it writes: they repeat instructions, and the sums they keep in lists are the registers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FunctionType
from typing import Any, NamedTuple

from nanograd.kernels.compile import Jit

__all__ = [
    "Memory", "Number", "Word", "Writer", "constant", "every_second", "lanes", "load", "nothing", "processor", "store",
    "vector_of", "word", "zeros",
]  # fmt: skip


class Word(Jit):
    """A function that stands for instructions of LLVM where a ``@jit`` function calls it."""

    __slots__ = ()

    @property
    def dispatcher(self) -> Any:
        """numba's object for this word."""
        return _intrinsic(self)

    @property
    def tools(self) -> tuple[Any, ...]:
        """What writes the instructions."""
        methods = (*vars(Writer).values(), *vars(Number).values())
        return _intrinsic, *(method for method in methods if isinstance(method, FunctionType))


def word(function: Callable[..., Any]) -> Word:
    """Make a word of what describes it: numba's types → (the type of the result, what writes the instructions)."""
    assert isinstance(function, FunctionType)
    return Word(function)


@functools.cache
def _intrinsic(lazy: Word) -> Any:
    from numba.extending import intrinsic

    describe = lazy.function

    def typed(*given: Any) -> Any:
        result, write = describe(*given)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            made = write(Writer(builder), *(_operand(context, builder, *v) for v in zip(given, values, strict=True)))
            return context.get_dummy_value() if made is None else made.value if isinstance(made, Number) else made

        return result(*given), generate

    names = ", ".join(f"x{i}" for i in range(describe.__code__.co_argcount))  # numba counts the arguments
    scope = {"typed": typed}
    exec(f"def {describe.__name__}(context, {names}):\n    return typed({names})", scope)
    return intrinsic(scope[describe.__name__])


def _operand(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """An array as ``Memory``, an integer as a ``Number``, a vector as it is."""
    from numba import types

    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        rows, bytes_apart = (Number(builder, builder.extract_value(each, 0)) for each in (array.shape, array.strides))
        return Memory(array.data, kind.dtype, rows, bytes_apart // (kind.dtype.bitwidth // 8))
    return Number(builder, value) if isinstance(kind, types.Integer) else value


# Types


@functools.cache
def vector_of(dtype: Any) -> Any:
    """numba's type for a vector of numbers of a dtype."""
    return _vector_class()(dtype)


@functools.cache
def _vector_class() -> Any:
    from numba import types
    from numba.extending import models, register_model

    class Vector(types.Type):
        def __init__(self, dtype: Any) -> None:
            self.dtype, self.count = dtype, processor()[1] * 8 // dtype.bitwidth
            super().__init__(name=f"Vector({dtype}, {self.count})")

    @register_model(Vector)
    class VectorModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, _in_llvm(kind.dtype))  # type: ignore[no-untyped-call]

    return Vector


def _in_llvm(dtype: Any) -> Any:
    """LLVM's type for a vector of numbers of a dtype."""
    number = llvm().FloatType() if dtype.bitwidth == 32 else llvm().DoubleType()
    return llvm().VectorType(number, vector_of(dtype).count)


@functools.cache
def processor() -> tuple[int, int]:
    """How many vector registers this processor has, and how many bytes each holds."""
    try:
        features = import_module("llvmlite.binding").get_host_cpu_features()
    except RuntimeError:  # LLVM cannot tell
        return 16, 16
    if features.get("avx512f"):
        return 32, 64
    return (16, 32) if features.get("avx") else (32 if features.get("neon") else 16, 16)


@functools.cache
def llvm() -> Any:
    """What writes LLVM's language."""
    return import_module("llvmlite.ir")


# Writing instructions


class Number:
    """An integer that the instructions compute; // and % are those of integers ≥ 0."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _with(self, verb: str, other: Number | int) -> Number:
        value = other.value if isinstance(other, Number) else self.value.type(other)
        return Number(self.builder, getattr(self.builder, verb)(self.value, value))

    def __add__(self, other: Number | int) -> Number:
        return self._with("add", other)

    def __sub__(self, other: Number | int) -> Number:
        return self._with("sub", other)

    def __mul__(self, other: Number | int) -> Number:
        return self._with("mul", other)

    def __mod__(self, other: Number | int) -> Number:
        return self._with("srem", other)

    def __floordiv__(self, other: Number | int) -> Number:
        return self._with("sdiv", other)

    def least(self, other: Number) -> Number:
        """The smaller of the two."""
        less = self.builder.icmp_signed("<", self.value, other.value)
        return Number(self.builder, self.builder.select(less, self.value, other.value))


class Memory(NamedTuple):
    """An array that the instructions read or write: the address of its first number, numba's type of its numbers.

    ``step``: how many numbers lie between the beginnings of two of its ``rows``.
    """

    start: Any
    dtype: Any
    rows: Number
    step: Number


class Writer:
    """Writes instructions: for vectors, for the variables that hold them, for loops."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def load(self, a: Memory, i: Number) -> Any:
        """a[i], a[i + 1], ..., a number for each lane; i counts from the beginning of a, whatever its shape."""
        return self.builder.load(self._address(a, i), align=a.dtype.bitwidth // 8)

    def store(self, a: Memory, i: Number, x: Any) -> None:
        """The lanes of x into a[i], a[i + 1], ..."""
        self.builder.store(x, self._address(a, i), align=a.dtype.bitwidth // 8)

    def every_second(self, a: Memory, i: Number) -> Any:
        """a[i], a[i + 2], ..."""
        count = vector_of(a.dtype).count
        order = llvm().Constant(llvm().VectorType(llvm().IntType(32), count), list(range(0, 2 * count, 2)))
        return self.builder.shuffle_vector(self.load(a, i), self.load(a, i + count), order)

    def _address(self, a: Memory, i: Number) -> Any:
        return self.builder.bitcast(self.builder.gep(a.start, [i.value]), _in_llvm(a.dtype).as_pointer())

    def index(self, a: Memory, i: Number) -> Number:
        """a[i], of an array of integers."""
        return Number(self.builder, self.builder.load(self.builder.gep(a.start, [i.value])))

    def put(self, a: Memory, i: Number, x: Any) -> None:
        """a[i] = x"""
        self.builder.store(x, self.builder.gep(a.start, [i.value]))

    def repeat(self, a: Memory, i: Number) -> Any:
        """a[i] in every lane."""
        nowhere = llvm().Constant(_in_llvm(a.dtype), llvm().Undefined)
        number = self.builder.load(self.builder.gep(a.start, [i.value]))
        first = self.builder.insert_element(nowhere, number, llvm().IntType(32)(0))
        return self._shuffled(first, [0] * first.type.count)

    def zeros(self, a: Memory) -> Any:
        """0 in every lane, of the dtype of a."""
        vector = _in_llvm(a.dtype)
        return vector([0.0] * vector.count)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        """x y + z, one instruction where the processor has it."""
        flags = ("contract",)
        return self.builder.fadd(self.builder.fmul(x, y, flags=flags), z, flags=flags)

    def last(self, x: Any, n: Number) -> Any:
        """x in the last n lanes, 0 in the others."""
        count = x.type.count
        chosen = llvm().Constant(llvm().VectorType(llvm().IntType(1), count), llvm().Undefined)
        for i in range(count):
            flag = self.builder.icmp_signed(">=", n.value, n.value.type(count - i))
            chosen = self.builder.insert_element(chosen, flag, llvm().IntType(32)(i))
        return self.builder.select(chosen, x, x.type([0.0] * count))

    def total(self, x: Any) -> Any:
        """The sum of the lanes, added in pairs."""
        apart = x.type.count // 2
        while apart:
            x = self.builder.fadd(x, self._shuffled(x, [i ^ apart for i in range(x.type.count)]))
            apart //= 2
        return self.builder.extract_element(x, llvm().IntType(32)(0))

    def _shuffled(self, x: Any, order: list[int]) -> Any:
        return self.builder.shuffle_vector(
            x, x, llvm().Constant(llvm().VectorType(llvm().IntType(32), len(order)), order)
        )

    def variable(self, x: Any) -> Any:
        """A variable that holds x at first: a register, if there are enough."""
        place = import_module("numba.core.cgutils").alloca_once(self.builder, x.type)
        self.builder.store(x, place)
        return place

    def value(self, variable: Any) -> Any:
        """What a variable holds."""
        return self.builder.load(variable)

    def add(self, variable: Any, x: Any, y: Any) -> None:
        """variable += x y"""
        self.builder.store(self.fma(x, y, self.value(variable)), variable)

    @contextmanager
    def loop(self, count: Number) -> Iterator[Number]:
        """What is written inside runs for 0, 1, ... count - 1."""
        with import_module("numba.core.cgutils").for_range(self.builder, count.value) as around:
            yield Number(self.builder, around.index)


# Words


def constant(value: int) -> Any:
    """The description of a word that stands for ``value``."""
    intp: Any = import_module("numba").intp
    return intp, lambda w, *_: llvm().IntType(intp.bitwidth)(value)


def nothing() -> Any:
    """The type of a word that has no result."""
    return import_module("numba").void


@word
def lanes(a: Any) -> Any:
    """How many numbers a vector has, if they are of the dtype of a."""
    return constant(vector_of(a.dtype).count)


@word
def load(a: Any, i: Any) -> Any:
    """a[i], a[i + 1], ..., a number for each lane; a is contiguous, and nothing checks a bound."""
    return vector_of(a.dtype), lambda w, a, i: w.load(a, i)


@word
def every_second(a: Any, i: Any) -> Any:
    """a[i], a[i + 2], ...; it reads twice as many numbers."""
    return vector_of(a.dtype), lambda w, a, i: w.every_second(a, i)


@word
def store(a: Any, i: Any, x: Any) -> Any:
    """The lanes of x into a[i], a[i + 1], ..."""
    return nothing(), lambda w, a, i, x: w.store(a, i, x)


@word
def zeros(a: Any) -> Any:
    """0 in every lane, of the dtype of a."""
    return vector_of(a.dtype), lambda w, a: w.zeros(a)
