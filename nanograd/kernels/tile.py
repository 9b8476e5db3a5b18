"""Matrix products within compiled loops, where calling BLAS would cost more than the product.

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

__all__ = ["WIDTH", "add_product", "add_transposed", "padded", "panels"]

LANES = 16  # float32 in 512 bits; where vectors are shorter, LLVM takes several
WIDTH = 2 * LANES
"""Results have a multiple of so many columns."""


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


def tile(rows: int, transposed: bool) -> Instructions:
    """``tile(a, i, w, z)``: z[i : i + rows, :WIDTH] += a[i : i + rows] w, or aᵀ in the place of a; all float32."""

    def instructions() -> Any:
        from llvmlite.binding import get_host_cpu_features  # type: ignore[import-untyped]
        from numba import types
        from numba.extending import intrinsic

        held = 8 if get_host_cpu_features().get("avx512f") else 2  # rows for which there are registers

        @intrinsic
        def run(typing, a, i, w, z):  # type: ignore[no-untyped-def]
            def build(context, builder, signature, values):  # type: ignore[no-untyped-def]
                a, w, z = (context.make_array(signature.args[n])(context, builder, values[n]) for n in (0, 2, 3))
                for row in range(0, rows, held):
                    _build(builder, a, values[1], w, z, range(row, min(row + held, rows)), transposed)
                return context.get_dummy_value()

            return types.void(a, i, w, z), build

        return run

    assert isinstance(instructions, FunctionType)
    return Instructions(instructions)


def _language() -> tuple[Any, Any]:
    """LLVM's instructions, and numba's words for several of them."""
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba.core import cgutils

    return ir, cgutils


def _build(builder: Any, a: Any, i: Any, w: Any, z: Any, rows: range, transposed: bool) -> None:
    """``for k: z[i + r] += a[i + r, k] w[k]`` in LLVM's instructions, the sums in registers."""
    ir, cgutils = _language()
    word = ir.IntType(64)
    vector = ir.VectorType(ir.FloatType(), LANES)
    fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), "llvm.fma.v16f32")

    def place(array: Any, row: Any, column: Any) -> Any:
        stride = cgutils.unpack_tuple(builder, array.strides)[0]
        offset = builder.add(builder.mul(row, stride), builder.shl(column, word(2)))
        return cgutils.pointer_add(builder, array.data, offset)

    def vectors(pointer: Any) -> list[Any]:
        first = builder.bitcast(pointer, vector.as_pointer())
        return [first, builder.gep(first, [word(1)])]

    def spread(number: Any) -> Any:
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
        return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))

    index = [builder.add(i, word(r)) for r in rows]
    results = [vectors(place(z, row, word(0))) for row in index]
    sums = [[cgutils.alloca_once_value(builder, builder.load(p, align=4)) for p in pair] for pair in results]
    with cgutils.for_range(builder, cgutils.unpack_tuple(builder, w.shape)[0], intp=word) as loop:
        parts = [builder.load(p, align=4) for p in vectors(place(w, loop.index, word(0)))]
        for row, pair in zip(index, sums, strict=True):
            factor = place(a, loop.index, row) if transposed else place(a, row, loop.index)
            many = spread(builder.load(factor))
            for total, part in zip(pair, parts, strict=True):
                builder.store(builder.call(fma, [many, part, builder.load(total)]), total)
    for pair, pointers in zip(sums, results, strict=True):
        for total, pointer in zip(pair, pointers, strict=True):
            builder.store(builder.load(total), pointer, align=4)


plain8, plain4, plain2, plain1 = (tile(rows, False) for rows in (8, 4, 2, 1))
turned8, turned4, turned2, turned1 = (tile(rows, True) for rows in (8, 4, 2, 1))


@jit
def add_product(a, panels, z):  # type: ignore[no-untyped-def]
    """z += a w: a (n, ≥ k), w as ``panels`` (m / WIDTH, k, WIDTH), z (n, m); all float32 with dense rows."""
    n = z.shape[0]
    for p in range(panels.shape[0]):
        w, part, i = panels[p], z[:, p * WIDTH : (p + 1) * WIDTH], 0
        while i + 8 <= n:
            plain8(a, i, w, part)
            i += 8
        if n - i >= 4:
            plain4(a, i, w, part)
            i += 4
        if n - i >= 2:
            plain2(a, i, w, part)
            i += 2
        if n > i:
            plain1(a, i, w, part)


DEEP = 256  # rows of both factors that stay in the cache


@jit
def add_transposed(a, b, z):  # type: ignore[no-untyped-def]
    """z += aᵀ b: a (k, ≥ n), b (k, m), z (n, m), m a multiple of ``WIDTH``; all float32 with dense rows."""
    n = z.shape[0]
    for k in range(0, a.shape[0], DEEP):
        for j in range(0, z.shape[1], WIDTH):
            rows, w, part, i = a[k : k + DEEP], b[k : k + DEEP, j : j + WIDTH], z[:, j : j + WIDTH], 0
            while i + 8 <= n:
                turned8(rows, i, w, part)
                i += 8
            if n - i >= 4:
                turned4(rows, i, w, part)
                i += 4
            if n - i >= 2:
                turned2(rows, i, w, part)
                i += 2
            if n > i:
                turned1(rows, i, w, part)


def panels(w: Array) -> Array:
    """Matrices w (n, k, m), columns side by side in groups of ``WIDTH``, zeros at the end: (n, m / WIDTH, k, WIDTH)."""
    n, k, m = w.shape
    out = np.zeros((n, padded(m) // WIDTH, k, WIDTH), np.float32)
    _fill(w, out)
    return out


@jit
def _fill(w, out):  # type: ignore[no-untyped-def]
    for n in range(w.shape[0]):
        for k in range(w.shape[1]):
            for m in range(w.shape[2]):
                out[n, m // WIDTH, k, m % WIDTH] = w[n, k, m]
