"""Blocks of sums that stay in registers: what convolution spends its time in.

A sum in memory costs a read and a write for each product, one in a register nothing; and a number that was read serves
all sums of its row or column.  So a block of results is computed together: some rows of three columns.  Loops of Python
below run while the instructions are written, the loop of the ``Writer`` runs in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nanograd.kernels.vector import Memory, Number, Word, Writer, constant, nothing, processor, vector_of, word

__all__ = ["COLUMNS", "outer_block", "outer_half", "product_block", "product_half", "rows_of_block"]

COLUMNS = 3
"""A block has so many columns, of vectors: with 8 rows it wants 28 of 32 registers, with 4 rows 16 of 16."""


def _height() -> int:
    """The rows for which this processor has registers."""
    return 8 if processor()[0] > 16 else 4


@word
def rows_of_block(a: Any) -> Any:
    """How many rows a block has; a half has half as many."""
    return constant(_height())


def _rows(height: int, first: Number, count: Number) -> list[Number]:
    """``height`` rows from ``first``; where there are fewer, the last one again, which is computed twice."""
    return [(first + i).least(count - 1) for i in range(height)]


def _product(share: int) -> Word:
    @word
    def product(
        y: Any, begin: Any, step: Any, weight: Any, bias: Any, group: Any, first: Any, count: Any, rows: Any,
        starts: Any, depth: Any, place: Any, end: Any,
    ) -> Any:  # fmt: skip
        """y[begin + o · step + p] = bias[group + o] + Σ_k weight[group + o, k] · rows[starts[k] + p]

        for the o of a block from ``first`` (below ``count``), and three vectors of p from ``place`` (none begins
        beyond ``end``).
        """
        kind = vector_of(y.dtype)

        def write(
            w: Writer, y: Memory, begin: Number, step: Number, weight: Memory, bias: Memory, group: Number,
            first: Number, count: Number, rows: Memory, starts: Memory, depth: Number, place: Number, end: Number,
        ) -> None:  # fmt: skip
            lines = _rows(_height() // share, first, count)
            places = [(place + j * kind.count).least(end) for j in range(COLUMNS)]
            sums = [[w.variable(w.repeat(bias, group + o)) for _ in places] for o in lines]
            weights = [(group + o) * depth for o in lines]
            with w.loop(depth) as k:
                at = w.index(starts, k)
                seen = [w.load(rows, at + p) for p in places]
                for line, o in zip(sums, weights, strict=True):
                    u = w.repeat(weight, o + k)
                    for total, x in zip(line, seen, strict=True):
                        w.add(total, u, x)
            for line, o in zip(sums, lines, strict=True):
                for total, p in zip(line, places, strict=True):
                    w.store(y, begin + o * step + p, w.value(total))

        return nothing(), write

    return product


def _outer(share: int) -> Word:
    @word
    def outer(
        part: Any, depth: Any, g: Any, step: Any, first: Any, count: Any, rows: Any, starts: Any, cell: Any,
        places: Any,
    ) -> Any:  # fmt: skip
        """part[o · depth + k] = Σ_p g[o · step + p] · rows[starts[k] + p] over all ``places``

        for the o of a block from ``first`` (below ``count``), and three k from ``cell`` (below ``depth``).
        """
        kind = vector_of(g.dtype)

        def write(
            w: Writer, part: Memory, depth: Number, g: Memory, step: Number, first: Number, count: Number,
            rows: Memory, starts: Memory, cell: Number, places: Number,
        ) -> None:  # fmt: skip
            lines, cells = _rows(_height() // share, first, count), _rows(COLUMNS, cell, depth)
            begins = [w.index(starts, k) for k in cells]
            sums = [[w.variable(w.zeros(g)) for _ in cells] for _ in lines]

            def add(p: Number, only: Callable[[Any], Any]) -> None:
                seen = [only(w.load(rows, at + p)) for at in begins]
                for line, o in zip(sums, lines, strict=True):
                    u = only(w.load(g, o * step + p))
                    for total, x in zip(line, seen, strict=True):
                        w.add(total, u, x)

            with w.loop(places // kind.count) as i:
                add(i * kind.count, lambda x: x)
            # A vector that ends with the last place holds the places that are left.
            add(places - kind.count, lambda x: w.last(x, places % kind.count))
            for line, o in zip(sums, lines, strict=True):
                for total, k in zip(line, cells, strict=True):
                    w.put(part, o * depth + k, w.total(w.value(total)))

        return nothing(), write

    return outer


product_block, product_half = _product(1), _product(2)
outer_block, outer_half = _outer(1), _outer(2)
