"""Several tensors made one, and one made several."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd.dtypes import int64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import memory as k
from nanograd.ops.broadcasting import expand
from nanograd.ops.op import as_operand, op, record, result_type, same_device, titled, wrap
from nanograd.ops.refusing import no_tensor
from nanograd.ops.shape import one_dim, to_shape, unsqueeze
from nanograd.tape import TORCH_NAMES

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "cartesian_prod", "cat", "chunk", "column_stack",
    "combinations", "concat", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "meshgrid", "row_stack", "split",
    "split_with_sizes", "stack", "tensor_split", "unbind", "unsafe_chunk", "unsafe_split", "vsplit", "vstack",
]  # fmt: skip

Tensors = Sequence["Tensor"]


# Together


@op
def cat(tensors: Tensors, dim: int = 0) -> Tensor:
    """The tensors one after another along ``dim``; the other sizes must agree.

    Raises ShapeError where they do not, ValueError without a tensor.

    >>> torch.cat([torch.zeros(2), torch.ones(1)])
    tensor([0., 0., 1.])
    """
    xs = _same_kind("cat", tensors)
    for number, x in enumerate(xs):
        if not x.array.ndim:
            raise ShapeError(
                f"cat: zero-dimensional tensor (at position {number}) cannot be concatenated; use torch.stack."
            )
    empty = [x for x in xs if x.array.shape == (0,)]  # torch lets empty vectors join anything
    xs = [x for x in xs if x.array.shape != (0,)] or [empty.pop()]
    first = xs[0].array.shape
    d = one_dim("cat", dim, len(first))
    for number, x in enumerate(xs):
        shape = x.array.shape
        if len(shape) != len(first) or shape[:d] + shape[d + 1 :] != first[:d] + first[d + 1 :]:
            raise _uneven(xs, number, d)
    y = k.cat(xs[0].array, tuple(x.array for x in xs[1:]), d)
    edges, start = [], 0
    for x in xs:
        size = x.array.shape[d]
        edges.append((x, _slicer(d, start, size)))
        start += size
    return record(y, *edges, *((x, lambda g: g.reshape(-1)[:0]) for x in empty))


def _uneven(xs: list[Tensor], number: int, dim: int) -> ShapeError:
    first, shape = xs[0].array.shape, xs[number].array.shape
    got = ", ".join(str(tuple(x.array.shape)) for x in xs)
    if len(shape) != len(first):
        return ShapeError(
            f"cat: sizes must agree except in dimension {dim}, got {got}. Tensors must have same number of "
            f"dimensions: got {len(first)} and {len(shape)}."
        )
    a, b = next((a, b) for d, (a, b) in enumerate(zip(first, shape, strict=True)) if a != b and d != dim)
    return ShapeError(
        f"cat: sizes must agree except in dimension {dim}, got {got}. Sizes of tensors must match except in dimension "
        f"{dim}. Expected size {a} but got size {b} for tensor number {number} in the list."
    )


def _slicer(dim: int, start: int, size: int) -> Any:
    return lambda g: g.narrow(dim, start, size)


TORCH_NAMES["_slicer"] = "CatBackward0"
concat = concatenate = cat


@op
def stack(tensors: Tensors, dim: int = 0) -> Tensor:
    """The tensors, all of one shape, side by side along a new dimension.

    Raises ShapeError where shapes differ.

    >>> torch.stack([torch.zeros(2), torch.ones(2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    xs = _same_kind("stack", tensors)
    d = one_dim("stack", dim, xs[0].array.ndim + 1)
    first = xs[0].array.shape
    for number, x in enumerate(xs):
        if x.array.shape != first:
            raise ShapeError(
                f"stack: all tensors must have one shape: stack expects each tensor to be equal size, but got "
                f"{list(first)} at entry 0 and {list(x.array.shape)} at entry {number}."
            )
    y = k.stack(xs[0].array, tuple(x.array for x in xs[1:]), d)
    return record(y, *((x, _selector(d, i)) for i, x in enumerate(xs)))


def _selector(dim: int, index: int) -> Any:
    return lambda g: g.select(dim, index)


TORCH_NAMES["_selector"] = "StackBackward0"


def _same_kind(name: str, tensors: Tensors) -> list[Tensor]:
    if not isinstance(tensors, (list, tuple)):
        raise DTypeError(f"{name}: expected a list or tuple of tensors, got {type(tensors).__name__}.")
    if not tensors:
        raise ShapeError(f"{name}: expected a non-empty list of Tensors, at least one tensor; got an empty list.")
    for number, x in enumerate(tensors):
        if not hasattr(x, "array"):
            raise DTypeError(
                f"{name}: expected a list of tensors: expected Tensor as element {number} in argument 0, but got "
                f"{type(x).__name__}."
            )
    device = same_device(*tensors)
    dtype = tensors[0].dtype
    if any(x.dtype is not dtype for x in tensors):
        dtype = result_type(*tensors)
    return [as_operand(x, dtype, device) for x in tensors]


def hstack(tensors: Tensors) -> Tensor:
    """Side by side: along dimension 1, vectors along dimension 0."""
    xs = atleast_1d(*tensors) if len(tensors) != 1 else (atleast_1d(tensors[0]),)
    return cat(xs, 0 if xs and xs[0].array.ndim == 1 else 1)


def vstack(tensors: Tensors) -> Tensor:
    """One below the other: along dimension 0, vectors as rows."""
    return cat([_rows(x) for x in tensors], 0)


row_stack = vstack


def dstack(tensors: Tensors) -> Tensor:
    """One behind the other: along dimension 2."""
    return cat([_deep(x) for x in tensors], 2)


def column_stack(tensors: Tensors) -> Tensor:
    """Side by side along dimension 1, vectors as columns.

    >>> torch.column_stack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    return hstack([to_shape(x, (x.array.size, 1)) if x.array.ndim <= 1 else x for x in tensors])


@op
def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with the tensors (matrices, vectors as rows, numbers) along its diagonal, zeros elsewhere.

    >>> torch.block_diag(torch.ones(1, 2), torch.tensor(3.0))
    tensor([[1., 1., 0.],
            [0., 0., 3.]])
    """
    if not tensors:
        return wrap(k.full.on(same_device())((1, 0), 0, result_type(1.0)))
    given = _same_kind("block_diag", list(tensors))
    for number, x in enumerate(given):
        if x.array.ndim > 2:
            raise ShapeError(
                f"block_diag: Input tensors must have 2 or fewer dimensions. Input {number} has {x.array.ndim} "
                f"dimensions: shape {tuple(x.array.shape)}."
            )
    shapes = [x.array.shape for x in given]
    blocks = [k.reshape(x.array, s if len(s) == 2 else (1, x.array.size)) for x, s in zip(given, shapes, strict=True)]
    edges, row, column = [], 0, 0
    for x, b in zip(given, blocks, strict=True):
        edges.append((x, _block(row, column, b.shape, x.array.shape)))
        row, column = row + b.shape[0], column + b.shape[1]
    return record(k.block_diag(blocks[0], tuple(blocks[1:])), *edges)


def _block(row: int, column: int, size: tuple[int, int], shape: tuple[int, ...]) -> Any:
    return lambda g: g[row : row + size[0], column : column + size[1]].reshape(shape)


TORCH_NAMES["_block"] = "BlockDiagBackward0"


# At least so many dimensions


def atleast_1d(*tensors: Tensor | Tensors) -> Any:
    """Each tensor, a number as a vector of one; several in a tuple."""
    return _each(lambda x: x if x.array.ndim else to_shape(x, (1,)), tensors)


def atleast_2d(*tensors: Tensor | Tensors) -> Any:
    """Each tensor, a number or vector as a matrix of one row; several in a tuple."""
    return _each(_rows, tensors)


def atleast_3d(*tensors: Tensor | Tensors) -> Any:
    """Each tensor with at least 3 dimensions: (n) → (1, n, 1), (n, m) → (n, m, 1); several in a tuple."""
    return _each(_deep, tensors)


def _each(change: Any, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and hasattr(tensors[0], "array"):
        return change(tensors[0])
    given = tensors[0] if len(tensors) == 1 else tensors
    for x in given:
        if not hasattr(x, "array"):
            raise DTypeError(f"atleast: expected tensors, got {type(x).__name__} {x!r:.40}.")
    return tuple(change(x) for x in given)


def _rows(x: Tensor) -> Tensor:
    if not x.array.ndim:
        return to_shape(x, (1, 1))
    return unsqueeze(x, 0) if x.array.ndim == 1 else x


def _deep(x: Tensor) -> Tensor:
    if not x.array.ndim:
        return to_shape(x, (1, 1, 1))
    return unsqueeze(_rows(x), -1) if x.array.ndim <= 2 else x


# Every combination


def meshgrid(*tensors: Tensor | Tensors, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid: vectors of n and m places → two views (n, m); (m, n) with ``indexing="xy"``.

    Raises ShapeError for no tensors, for one of several dimensions, and for another indexing, DTypeError where dtypes
    differ.

    >>> torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[0]
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    given: Any = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if not given:
        raise ShapeError("meshgrid: expects a non-empty TensorList.")
    if indexing not in (None, "ij", "xy"):
        raise ShapeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}.')
    for x in given:
        if x.array.ndim > 1:
            raise ShapeError(f"meshgrid: Expected 0D or 1D tensor in the tensor list but got shape {tuple(x.shape)}.")
        if x.dtype is not given[0].dtype:
            raise DTypeError(f"meshgrid: expects all tensors to have the same dtype: got {given[0].dtype}, {x.dtype}.")
    swap = indexing == "xy" and len(given) >= 2
    xs = [given[1], given[0], *given[2:]] if swap else list(given)
    sizes = tuple(x.array.size for x in xs)
    n = len(xs)
    grids = [expand(to_shape(x, (1,) * d + (x.array.size,) + (1,) * (n - d - 1)), sizes) for d, x in enumerate(xs)]
    return (grids[1], grids[0], *grids[2:]) if swap else tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Every choice of one element from each vector: sizes n₁, …, n_k → (n₁ ⋯ n_k, k); one vector is itself.

    Raises ShapeError for what is no vector.
    """
    for x in tensors:
        if x.array.ndim != 1:
            raise ShapeError(f"cartesian_prod: Expect a 1D vector, but got shape {list(x.array.shape)}.")
    if len(tensors) == 1:
        return tensors[0]
    return stack([g.reshape(-1) for g in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of r elements of a vector, in order: (n,) → (n over r, r).

    Raises ShapeError for what is no vector, and for a negative r.

    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if input.array.ndim != 1:
        raise ShapeError(f"combinations: Expect a 1D vector, but got shape {list(input.array.shape)}.")
    if r < 0:
        raise ShapeError(f"combinations: Expect a non-negative number, but got {r}.")
    if r > max(input.array.size, 64):
        raise ShapeError(f"combinations: cannot choose {r} of {input.array.size} elements: 64 at most, or all of them.")
    if not r:
        return wrap(k.full.on(input.device)((0,), 0, input.dtype))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = list(choose(range(input.array.size), r))
    places = [wrap(k.from_host.on(input.device)([c[i] for c in chosen], int64)) for i in range(r)]
    return stack([input[p] for p in places], 1)


# Apart


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along ``dim``: of one size (the last may be smaller), or of the given sizes.

    Raises ShapeError for a size below 0, and for sizes that do not add up.

    >>> torch.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    size, x, d = split_size_or_sections, tensor, _there("split", tensor, dim)
    total = x.array.shape[d]
    if size < 0 or (not size and total):
        rule = "non-negative" if size < 0 else "0 only if dimension size is 0"
        raise ShapeError(
            f"split: expects split_size be {rule}, but got split_size={size} for dimension size of {total}."
        )
    parts = [min(size, total - start) for start in range(0, total, size)] if total else [0]
    return _parts(x, d, parts, "SplitBackward0")


def split_into(self: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """``split`` as a method, whose argument has another name in torch."""
    return split(self, split_size, dim)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts of the given sizes along ``dim``.  Raises ShapeError unless they add up."""
    d, parts = _there("split", input, dim), list(split_sizes)
    total = input.array.shape[d]
    if min(parts, default=0) < 0:
        raise ShapeError(
            f"split: sections {parts}: split_with_sizes expects split_sizes have only non-negative entries."
        )
    if sum(parts) != total:
        raise ShapeError(
            f"split: sections {parts}: split_with_sizes expects split_sizes to sum exactly to {total} (input tensor's "
            f"size at dimension {dim}); they add up to {sum(parts)}."
        )
    return _parts(input, d, parts, "SplitWithSizesBackward0")


def _there(name: str, x: Tensor, dim: int) -> int:
    try:
        if not x.array.ndim:
            raise ShapeError(f"{name}: expects at least a 1-dimensional tensor, got a 0-d tensor.")
        return one_dim(name, dim, x.array.ndim)
    except AttributeError as error:
        raise no_tensor(error) from None


def _parts(x: Tensor, dim: int, parts: Sequence[int], title: str) -> tuple[Tensor, ...]:
    starts = [0, *itertools.accumulate(parts)]
    return tuple(titled(x.narrow(dim, a, n), title) for a, n in zip(starts, parts, strict=False))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` views of equal size along ``dim``; the last may be smaller.

    Raises ShapeError for fewer than one chunk.
    """
    d = _there("chunk", input, dim)
    if chunks <= 0:
        raise ShapeError(
            f"chunk: expected at least one chunk: chunk expects `chunks` to be greater than 0, got: {chunks}."
        )
    total = input.array.shape[d]
    if not total:
        return _parts(input, d, [0] * chunks, "SplitWithSizesBackward0")
    return split(input, -(-total // chunks), d)


unsafe_chunk, unsafe_split = chunk, split


MOST_PARTS = 1 << 24  # of which each is a tensor


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views along ``dim``: so many parts, of sizes that differ by one at most; or parts that begin at given places.

    Raises ShapeError for fewer than one part.

    >>> torch.arange(5).tensor_split(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    >>> torch.arange(5).tensor_split((1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    d = _there("tensor_split", input, dim)
    total, given = input.array.shape[d], indices_or_sections
    if hasattr(given, "array"):
        given = given.tolist()
    if isinstance(given, int):
        if given <= 0:
            raise ShapeError(f"tensor_split: number of sections must be larger than 0, got {given}.")
        if given > MOST_PARTS:
            raise ShapeError(f"tensor_split: cannot make {given} parts: {MOST_PARTS} at most.")
        least, more = divmod(total, given)
        return _parts(input, d, [least + (i < more) for i in range(given)], "SliceBackward0")
    places = [slice(a, b) for a, b in itertools.pairwise([0, *given, total])]
    return tuple(input[(slice(None),) * d + (place,)] for place in places)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """``tensor_split`` along dimension 1 (0 for a vector), into equal parts."""
    return _even("hsplit", input, indices_or_sections, 0 if input.array.ndim == 1 else 1, 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """``tensor_split`` along dimension 0, into equal parts."""
    return _even("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """``tensor_split`` along dimension 2, into equal parts."""
    return _even("dsplit", input, indices_or_sections, 2, 3)


def _even(name: str, x: Tensor, parts: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    try:
        if x.array.ndim < least:
            raise ShapeError(
                f"{name}: requires a tensor with at least {least} dimension, but got a tensor with {x.array.ndim} "
                f"dimensions: shape {tuple(x.array.shape)}."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    size = x.array.shape[dim]
    if isinstance(parts, int) and (parts <= 0 or size % parts):
        raise ShapeError(
            f"{name}: attempted to split along dimension {dim}, but the size of the dimension {size} is not divisible "
            f"by the split_size {parts}! Use tensor_split for parts of unequal sizes."
        )
    return tensor_split(x, parts, dim)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the slices along ``dim``, without it.  Raises IndexError for a 0-d tensor."""
    try:
        if not input.array.ndim:
            raise IndexError(f"unbind: Dimension specified as {dim} but tensor has no dimensions. Use .item().")
    except AttributeError as error:
        raise no_tensor(error) from None
    d = one_dim("unbind", dim, input.array.ndim)
    return tuple(titled(input.select(d, i), "UnbindBackward0") for i in range(input.array.shape[d]))
