"""Vectors inside compiled loops: as many numbers as one instruction works on.

LLVM makes such instructions of a plain loop by itself.  What it does not find is a block of sums that stays in
registers while the loop runs; a loop that wants one is written with these words:

    load(a, i)       the numbers a[i], a[i + 1], ... for each lane
    repeat(a, i)     a[i] in every lane
    zeros(a)         0 in every lane
    fma(x, y, z)     x y + z, lane by lane
    last(x, n)       x in the last n lanes, 0 in the others
    total(x)         the sum of the lanes
    store(a, i, x)   the lanes into a[i], a[i + 1], ...
    lanes(a)         how many numbers of the dtype of a a vector holds

``a`` is contiguous and of one dimension.  Nothing here checks a bound.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from importlib import import_module
from types import FunctionType
from typing import Any

from nanograd.kernels.compile import Jit

__all__ = ["fma", "lanes", "last", "load", "repeat", "store", "total", "zeros"]


class Word(Jit):
    """A function that stands for instructions of LLVM where a ``@jit`` function calls it.

    It takes numba's types of the arguments and gives the type of the result with what writes the instructions:
    ``write(builder, context, *arguments)``.
    """

    __slots__ = ()

    @property
    def dispatcher(self) -> Any:
        """numba's object for this word."""
        return _intrinsic(self)


def word(function: Callable[..., Any]) -> Word:
    """Let ``function`` describe a word of this module."""
    assert isinstance(function, FunctionType)
    return Word(function)


@functools.cache
def _intrinsic(lazy: Word) -> Any:
    from numba.extending import intrinsic

    describe = lazy.function
    count = describe.__code__.co_argcount

    def typed(*given: Any) -> Any:
        result, write = describe(*given)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            made = write(builder, *(_place(context, builder, t, v) for t, v in zip(given, values, strict=True)))
            return context.get_dummy_value() if made is None else made

        return result(*given), generate

    names = ", ".join(f"x{i}" for i in range(count))  # numba reads the number of arguments from the signature
    scope = {"typed": typed}
    exec(f"def {describe.__name__}(context, {names}):\n    return typed({names})", scope)
    return intrinsic(scope[describe.__name__])


def _place(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """An array as the address of its first element; what else, as it is."""
    from numba import types

    return context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value


# Types


@functools.cache
def _vector_of(dtype: Any) -> Any:
    """numba's type for a vector of numbers of a dtype."""
    return _vector_class()(dtype)


@functools.cache
def _vector_class() -> Any:
    from numba import types
    from numba.extending import models, register_model

    class Vector(types.Type):
        def __init__(self, dtype: Any) -> None:
            self.dtype, self.count = dtype, _register_bytes() * 8 // dtype.bitwidth
            super().__init__(name=f"Vector({dtype}, {self.count})")

    @register_model(Vector)
    class VectorModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, _llvm_type(kind))  # type: ignore[no-untyped-call]

    return Vector


@functools.cache
def _register_bytes() -> int:
    """How many bytes a vector register of this processor has."""
    features = import_module("llvmlite.binding").get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


@functools.cache
def _ir() -> Any:
    """What writes LLVM's language."""
    return import_module("llvmlite.ir")


def _llvm_type(kind: Any) -> Any:
    """LLVM's type for a vector."""
    number = _ir().FloatType() if kind.dtype.bitwidth == 32 else _ir().DoubleType()
    return _ir().VectorType(number, kind.count)


def _shuffled(builder: Any, x: Any, order: Sequence[int]) -> Any:
    """The lanes of x in another order."""
    return builder.shuffle_vector(x, x, _ir().Constant(_ir().VectorType(_ir().IntType(32), len(order)), order))


def _address(builder: Any, start: Any, i: Any, kind: Any) -> Any:
    """Where a vector lies that begins i numbers after the start of an array."""
    return builder.bitcast(builder.gep(start, [i]), _llvm_type(kind).as_pointer())


# Words


@word
def lanes(a: Any) -> Any:
    """How many numbers of the dtype of a a vector holds."""
    intp: Any = import_module("numba").intp

    return intp, lambda builder, start: _ir().IntType(intp.bitwidth)(_vector_of(a.dtype).count)


@word
def load(a: Any, i: Any) -> Any:
    """a[i], a[i + 1], ..., a number for each lane."""
    kind, align = _vector_of(a.dtype), a.dtype.bitwidth // 8
    return kind, lambda builder, start, i: builder.load(_address(builder, start, i, kind), align=align)


@word
def store(a: Any, i: Any, x: Any) -> Any:
    """The lanes of x into a[i], a[i + 1], ..."""
    from numba import void

    def write(builder: Any, start: Any, i: Any, x: Any) -> None:
        builder.store(x, _address(builder, start, i, _vector_of(a.dtype)), align=a.dtype.bitwidth // 8)

    return void, write


@word
def repeat(a: Any, i: Any) -> Any:
    """a[i] in every lane."""
    kind = _vector_of(a.dtype)

    def write(builder: Any, start: Any, i: Any) -> Any:
        nothing = _ir().Constant(_llvm_type(kind), _ir().Undefined)
        one = builder.insert_element(nothing, builder.load(builder.gep(start, [i])), _ir().IntType(32)(0))
        return _shuffled(builder, one, [0] * kind.count)

    return kind, write


@word
def zeros(a: Any) -> Any:
    """0 in every lane, of the dtype of a."""
    kind = _vector_of(a.dtype)
    return kind, lambda builder, start: _llvm_type(kind)([0.0] * kind.count)


@word
def fma(x: Any, y: Any, z: Any) -> Any:
    """x y + z, lane by lane; one instruction where the processor has it."""
    flags = ("contract",)
    return x, lambda builder, x, y, z: builder.fadd(builder.fmul(x, y, flags=flags), z, flags=flags)


@word
def last(x: Any, n: Any) -> Any:
    """x in the last n lanes, 0 in the others."""

    def write(builder: Any, x: Any, n: Any) -> Any:
        count, index, truth = x.type.count, _ir().IntType(32), _ir().IntType(1)
        chosen = _ir().Constant(_ir().VectorType(truth, count), _ir().Undefined)
        for i in range(count):
            chosen = builder.insert_element(chosen, builder.icmp_signed(">=", n, n.type(count - i)), index(i))
        return builder.select(chosen, x, x.type([0.0] * count))

    return x, write


@word
def total(x: Any) -> Any:
    """The sum of the lanes, added in pairs."""

    def write(builder: Any, x: Any) -> Any:
        apart = x.type.count // 2
        while apart:
            x = builder.fadd(x, _shuffled(builder, x, [i ^ apart for i in range(x.type.count)]))
            apart //= 2
        return builder.extract_element(x, _ir().IntType(32)(0))

    return x.dtype, write
