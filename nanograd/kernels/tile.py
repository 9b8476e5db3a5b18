"""Matrix products within compiled loops, where calling BLAS would cost more than the product.

The result is computed in tiles: some vectors of some of its rows stay in registers while the products of all k are
added to them.  LLVM does not find this form by itself, so it is written instruction by instruction (see vector.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array
from nanograd.kernels.vector import Memory, Number, Word, Writer, nothing, processor, vector_of, word

__all__ = ["WIDTH", "add_product", "add_transposed", "padded", "panels"]

WIDTH = 32
"""Results have a multiple of so many columns: two of the longest vectors of float32, four or eight of shorter ones."""


def padded(columns: int) -> int:
    """The next multiple of ``WIDTH``."""
    return -(-columns // WIDTH) * WIDTH


def _adding(transposed: bool) -> Word:
    @word
    def add(a: Any, w: Any, z: Any) -> Any:
        """z[i, j] += Σ_k a[i, k] w[k, j] for all rows i of z and j < ``WIDTH``; a[k, i] for a[i, k] if ``transposed``.

        The arrays have dense rows; nothing checks a bound.
        """
        length, sums = vector_of(z.dtype).count, processor()[0] // 2  # the other registers are for the factors

        def write(to: Writer, a: Memory, w: Memory, z: Memory) -> None:
            done: Number | int = 0
            for height in (8, 4, 2, 1) if sums > 8 else (4, 2, 1):
                with to.loop((z.rows - done) // height) as tile:
                    rows, wide = [tile * height + i + done for i in range(height)], min(WIDTH, sums // height * length)
                    for j in range(0, WIDTH, wide):
                        _tile(to, a, w, z, rows, range(j, j + wide, length), transposed)
                done = z.rows // height * height

        return nothing(), write

    return add


def _tile(
    to: Writer, a: Memory, w: Memory, z: Memory, rows: list[Number], columns: range, transposed: bool
) -> None:  # fmt: skip
    """Write the instructions for some rows, and for the vectors that begin at ``columns``."""
    places = [[i * z.step + j for j in columns] for i in rows]
    sums = [[to.variable(to.load(z, place)) for place in line] for line in places]
    with to.loop(w.rows) as k:
        parts = [to.load(w, k * w.step + j) for j in columns]
        for i, line in zip(rows, sums, strict=True):
            factor = to.repeat(a, k * a.step + i if transposed else i * a.step + k)
            for total, part in zip(line, parts, strict=True):
                to.add(total, factor, part)
    for line, there in zip(sums, places, strict=True):
        for total, place in zip(line, there, strict=True):
            to.store(z, place, to.value(total))


add_rows, add_columns = _adding(False), _adding(True)


@jit
def add_product(a, panels, z):  # type: ignore[no-untyped-def]
    """z += a w: a (n, ≥ k), w as ``panels`` (m / WIDTH, k, WIDTH), z (n, m); all float32 with dense rows."""
    for p in range(panels.shape[0]):
        add_rows(a, panels[p], z[:, p * WIDTH :])


DEEP = 256
"""So many rows of both factors stay near the processor while all tiles pass."""


@jit
def add_transposed(a, b, z):  # type: ignore[no-untyped-def]
    """z += aᵀ b: a (k, ≥ n), b (k, m), z (n, m), m a multiple of ``WIDTH``; all float32 with dense rows."""
    for k in range(0, a.shape[0], DEEP):
        for j in range(0, z.shape[1], WIDTH):
            add_columns(a[k : k + DEEP], b[k : k + DEEP, j:], z[:, j:])


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
