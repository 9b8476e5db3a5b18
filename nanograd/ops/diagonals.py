"""Triangles and diagonals of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd import devices, dtypes
from nanograd.errors import ShapeError
from nanograd.formats import expect_strided
from nanograd.kernels import memory as k
from nanograd.ops.op import op, record, titled, view, wrap
from nanograd.ops.refusing import no_tensor
from nanograd.ops.shape import Shape, one_dim, to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "diag", "diag_embed", "diagflat", "diagonal", "diagonal_scatter", "tril", "tril_indices", "triu", "triu_indices",
]  # fmt: skip


# Triangles


@op
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of the last two dimensions; zeros above the diagonal.

    >>> torch.ones(2, 3).tril()
    tensor([[1., 0., 0.],
            [1., 1., 0.]])
    """
    _matrices("tril", input, diagonal)
    return record(k.triangle(input.array, diagonal, False), (input, lambda g: tril(g, diagonal)))


@op
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of the last two dimensions; zeros below the diagonal."""
    _matrices("triu", input, diagonal)
    return record(k.triangle(input.array, diagonal, True), (input, lambda g: triu(g, diagonal)))


def _matrices(name: str, x: Tensor, diagonal: Any) -> None:
    try:
        if x.array.ndim < 2:
            raise ShapeError(
                f"{name}: expected at least 2 dimensions: input tensor must have at least 2 dimensions, got shape "
                f"{tuple(x.array.shape)}."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    if not hasattr(diagonal, "__index__"):
        raise TypeError(f"{name}: argument 'diagonal' must be int, not {type(diagonal).__name__}.")


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """(2, n): the rows and columns of the elements of the lower triangle of a (row, col) matrix, row by row.

    >>> torch.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _triangle_places("tril_indices", row, col, offset, False, dtype, device, layout)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """(2, n): the rows and columns of the elements of the upper triangle of a (row, col) matrix, row by row."""
    return _triangle_places("triu_indices", row, col, offset, True, dtype, device, layout)


def _triangle_places(
    name: str, row: int, col: int, offset: int, upper: bool, dtype: Any, device: Any, layout: Any
) -> Tensor:
    expect_strided(name, layout)
    for what, size in (("row", row), ("col", col)):
        if size < 0:
            raise ShapeError(f"{name}: {what} must be non-negative, got {size}.")
    chosen = dtypes.int64 if dtype is None else dtypes.to_dtype(dtype)
    return wrap(k.triangle_places.on(devices.to_device(device))(row, col, offset, upper, chosen))


# Diagonals


@op
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The view of the elements whose places in two dimensions differ by ``offset``; they come last.

    >>> torch.tensor([[1, 2], [3, 4]]).diagonal()
    tensor([1, 4])
    """
    x, shape = input, input.array.shape
    a, b = _two("diagonal", dim1, dim2, x.array.ndim)
    return view(x, k.diagonal(x.array, offset, a, b), lambda g: on_diagonal(g, shape, offset, a, b))


def _two(name: str, dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    a, b = one_dim(name, dim1, ndim), one_dim(name, dim2, ndim)
    if a == b:
        raise ShapeError(f"{name}: diagonal dimensions cannot be identical {dim1}, {dim2}.")
    return a, b


@op("DiagonalBackward")
def on_diagonal(x: Tensor, shape: Shape, offset: int, dim1: int, dim2: int) -> Tensor:
    """Zeros of ``shape`` with x on a diagonal: the adjoint of reading it."""
    y = k.on_diagonal(x.array, shape, offset, dim1, dim2)
    return record(y, (x, lambda g: diagonal(g, offset, dim1, dim2)))


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension on their diagonal: (…, n) → (…, n + |offset|, n + |offset|).

    ``dim1`` and ``dim2`` say where the two dimensions of the matrices stand in the result.

    >>> torch.tensor([1, 2]).diag_embed()
    tensor([[1, 0],
            [0, 2]])
    """
    x, have = input, list(input.array.shape)
    if not have:
        raise ShapeError("diag_embed: expected at least 1 dimension, got a 0-d tensor. Use .reshape(1).")
    a, b = _two("diag_embed", dim1, dim2, len(have) + 1)
    side = have.pop() + abs(offset)
    for d in sorted((a, b)):
        have.insert(d, side)
    return titled(on_diagonal(x, tuple(have), offset, a, b), "DiagEmbedBackward0")


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, as a copy; or a matrix with a vector on its diagonal.

    Raises ShapeError for other than 1 or 2 dimensions.

    >>> torch.tensor([[1, 2], [3, 4]]).diag()
    tensor([1, 4])
    """
    try:
        if input.array.ndim == 1:
            return diag_embed(input, diagonal)
    except AttributeError as error:
        raise no_tensor(error) from None
    if input.array.ndim != 2:
        raise ShapeError(f"diag: Supports 1D or 2D tensors. Got {input.array.ndim}D: shape {tuple(input.array.shape)}.")
    return diagonal_copy(input, diagonal)


@op("Diagonal")
def diagonal_copy(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements of ``diagonal``, in memory of their own."""
    x, shape = input, input.array.shape
    a, b = _two("diagonal_copy", dim1, dim2, x.array.ndim)
    y = k.copy(k.diagonal(x.array, offset, a, b))
    return titled(record(y, (x, lambda g: on_diagonal(g, shape, offset, a, b))), "DiagonalBackward0_copy")


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements on its diagonal."""
    return diag_embed(to_shape(input, (input.array.size,)), offset)


@op
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of x with ``src`` on a diagonal.  Raises ShapeError unless it has the diagonal's shape."""
    x, v = input, src
    a, b = _two("diagonal_scatter", dim1, dim2, x.array.ndim)
    room = k.diagonal(x.array, offset, a, b).shape
    if v.array.shape != room:
        raise ShapeError(
            f"diagonal_scatter: expected src to have a size equal to the slice of self. src size = "
            f"{list(v.array.shape)}, slice size = {list(room)}."
        )
    y = k.put_diagonal(x.array, v.array, offset, a, b)
    return record(y, (x, lambda g: _without(g, offset, a, b)), (v, lambda g: diagonal(g, offset, a, b)))


def _without(g: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
    """g with zeros on a diagonal."""
    room = k.diagonal(g.array, offset, dim1, dim2).shape
    return diagonal_scatter(g, wrap(k.full.on(g.device)(room, 0, g.dtype)), offset, dim1, dim2)
