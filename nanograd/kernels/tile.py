"""Small matrix products within compiled loops, where calling BLAS would cost more than the product.

The result is computed in tiles, some rows by ``WIDTH`` columns, that stay in registers while the products of all k are
added to them.  numba does not find this form by itself, so it is written in the compiler's instructions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from nanograd.kernels.compile import Jit, jit
from nanograd.kernels.kernel import Array

__all__ = ["WIDTH", "padded", "product"]

LANES = 16  # float32 of a vector of 512 bits; on a machine with shorter ones, LLVM takes several
WIDTH = 2 * LANES
"""The second factor and the result of ``product`` have a multiple of so many columns."""


def padded(columns: int) -> int:
    """The next multiple of ``WIDTH``."""
    return -(-columns // WIDTH) * WIDTH


class Instructions(Jit):
    """What ``function()`` makes: an object of numba's for compiled functions to call."""

    __slots__ = ()

    @property
    def dispatcher(self) -> Any:
        """numba's object for this function."""
        return _made(self.function)


@functools.cache
def _made(function: Callable[[], Any]) -> Any:
    return function()


def tile(rows: int) -> Instructions:
    """``tile(a, i, w, j, z)``: z[i : i + rows, j : j + WIDTH] = a[i : i + rows] w[:, j : j + WIDTH], all float32."""

    def instructions() -> Any:
        from llvmlite.binding import get_host_cpu_features
        from numba import types
        from numba.extending import intrinsic

        held = 8 if get_host_cpu_features().get("avx512f") else 2  # rows for which there are registers

        @intrinsic  # type: ignore[untyped-decorator]
        def run(typing, a, i, w, j, z):  # type: ignore[no-untyped-def]
            def build(context, builder, signature, values):  # type: ignore[no-untyped-def]
                for row in range(0, rows, held):
                    _build(context, builder, signature, values, range(row, min(row + held, rows)))
                return context.get_dummy_value()

            return types.void(a, i, w, j, z), build

        return run

    assert isinstance(instructions, FunctionType)
    return Instructions(instructions)


def _build(context: Any, builder: Any, signature: Any, values: Any, rows: range) -> None:
    """for k: sums[r] += a[i + r, k] · w[k, j : j + WIDTH], in LLVM's instructions"""
    from llvmlite import ir
    from numba.core import cgutils

    number, word = ir.FloatType(), ir.IntType(64)
    vector = ir.VectorType(number, LANES)
    fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), "llvm.fma.v16f32")
    a, w, z = (context.make_array(signature.args[n])(context, builder, values[n]) for n in (0, 2, 4))
    i, j = values[1], values[3]

    def place(array: Any, row: Any, column: Any) -> Any:
        stride = cgutils.unpack_tuple(builder, array.strides)[0]
        offset = builder.add(builder.mul(row, stride), builder.shl(column, word(2)))
        return cgutils.pointer_add(builder, array.data, offset)

    def vectors(pointer: Any) -> list[Any]:
        first = builder.bitcast(pointer, vector.as_pointer())
        return [first, builder.gep(first, [word(1)])]

    def spread(value: Any) -> Any:
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
        return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))

    sums = {r: [cgutils.alloca_once(builder, vector) for _ in range(2)] for r in rows}
    for held in sums.values():
        for total in held:
            builder.store(ir.Constant(vector, [0.0] * LANES), total)
    with cgutils.for_range(builder, cgutils.unpack_tuple(builder, a.shape)[1], intp=word) as loop:
        parts = [builder.load(p, align=4) for p in vectors(place(w, loop.index, j))]
        for r, held in sums.items():
            factor = spread(builder.load(place(a, builder.add(i, word(r)), loop.index)))
            for total, part in zip(held, parts, strict=True):
                builder.store(builder.call(fma, [factor, part, builder.load(total)]), total)
    for r, held in sums.items():
        for total, pointer in zip(held, vectors(place(z, builder.add(i, word(r)), j)), strict=True):
            builder.store(builder.load(total), pointer, align=4)


tile8, tile4, tile2, tile1 = tile(8), tile(4), tile(2), tile(1)


@jit
def product(a, w, z):  # type: ignore[no-untyped-def]
    """z = a w: (n, k) (k, m) → (n, m), all float32 with dense rows, m a multiple of ``WIDTH``."""
    n = a.shape[0]
    for j in range(0, w.shape[1], WIDTH):
        i = 0
        while i + 8 <= n:
            tile8(a, i, w, j, z)
            i += 8
        if n - i >= 4:
            tile4(a, i, w, j, z)
            i += 4
        if n - i >= 2:
            tile2(a, i, w, j, z)
            i += 2
        if n - i >= 1:
            tile1(a, i, w, j, z)


def widened(w: Array) -> Array:
    """A copy of w with columns of zeros up to a multiple of ``WIDTH``, in row-major order."""
    out = np.zeros((w.shape[0], padded(w.shape[1])), w.dtype)
    out[:, : w.shape[1]] = w
    return out
