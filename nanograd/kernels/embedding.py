"""Reading rows of a table by number, and adding up what flows back to them."""

from __future__ import annotations

import numpy as np

from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = ["embedding", "embedding_grad"]


@kernel
def embedding(table: Array, index: Array) -> Array:
    """table[index]: rows (N, …) by numbers of any shape.  Raises IndexError outside [0, N)."""
    if index.size and (index.min() < 0 or index.max() >= len(table)):
        worst = index.max() if index.max() >= len(table) else index.min()
        raise IndexError(f"embedding: index out of range in self: got {worst}, the table has {len(table)} rows.")
    return np.take(table, index, 0)


@jit
def _take_rows(table, index, out):  # type: ignore[no-untyped-def]
    """out = table[index]; whether all numbers are those of rows."""
    rows = table.shape[0]
    for i in range(index.size):
        place = index[i]
        if place < 0 or place >= rows:
            return False
        row, to = table[place], out[i]
        for j in range(row.size):
            to[j] = row[j]
    return True


@embedding.cpu(
    lambda table, index: (
        index.size > 16
        and table.ndim == 2
        and table.dtype.char in "fd"
        and table.flags.c_contiguous
        and index.flags.c_contiguous
    )
)
def _(table: Array, index: Array) -> Array:
    out = np.empty((*index.shape, table.shape[1]), table.dtype)
    if not _take_rows(table, index.reshape(-1), out.reshape(index.size, table.shape[1])):
        return embedding.reference(table, index)  # it says which number is wrong
    return out


@kernel
def embedding_grad(g: Array, index: Array, rows: int, padding: int, by_frequency: bool) -> Array:
    """Zeros (rows, …) to which g is added at ``index``, but nothing to row ``padding``.

    ``by_frequency`` divides what a row gets by how often its number occurs.
    """
    flat, parts = index.reshape(-1), g.reshape(index.size, *g.shape[index.ndim :])
    if by_frequency:
        counts = np.bincount(flat, minlength=rows)[flat].astype(g.dtype)
        parts = parts / counts.reshape(-1, *[1] * (parts.ndim - 1))
    out = np.zeros((rows, *parts.shape[1:]), np.float32 if g.dtype == np.float16 else g.dtype)
    kept = flat != padding
    np.add.at(out, flat[kept], parts[kept])
    return out.astype(g.dtype, copy=False)


@jit
def _add_rows(g, index, padding, out):  # type: ignore[no-untyped-def]
    for i in range(index.size):
        place = index[i]
        if place != padding:
            row, part = out[place], g[i]
            for j in range(part.size):
                row[j] += part[j]


def _dense(g: Array, index: Array, rows: int, padding: int, by_frequency: bool) -> bool:
    return bool(
        not by_frequency and g.size > 256 and g.dtype.char in "fd" and g.flags.c_contiguous and index.flags.c_contiguous
    )


@embedding_grad.cpu(_dense)
def _(g: Array, index: Array, rows: int, padding: int, by_frequency: bool) -> Array:
    shape = g.shape[index.ndim :]
    out = np.zeros((rows, *shape), g.dtype)
    _add_rows(g.reshape(index.size, -1), index.reshape(-1), padding, out.reshape(rows, -1))
    return out
