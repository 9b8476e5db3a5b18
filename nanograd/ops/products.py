"""Products of tensors: added to something, over the dimensions one names, of vectors in space, of many matrices."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import matmul as k
from nanograd.ops.broadcasting import expand
from nanograd.ops.diagonals import diagonal
from nanograd.ops.kinds import expect_numbers, expect_one_dtype
from nanograd.ops.linalg import dot, matmul
from nanograd.ops.op import Number, lift, op, record, titled
from nanograd.ops.reduction import sum
from nanograd.ops.refusing import no_tensor
from nanograd.ops.shape import one_dim, permute, to_shape, unsqueeze
from nanograd.tape import names

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "chain_matmul", "cross", "ger", "inner", "kron",
    "tensordot", "trace", "vdot",
]  # fmt: skip


# A product added to something


@op
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """y = β x + α a b: x broadcast to (n, m), a (n, k), b (k, m); where β is 0, x does not count.

    >>> torch.addmm(torch.ones(2), torch.eye(2), torch.eye(2), alpha=3)
    tensor([[4., 1.],
            [1., 4.]])
    """
    _ranks("addmm", mat1=(mat1, 2), mat2=(mat2, 2))
    return _added("addmm", input, mat1, mat2, beta, alpha)


@op
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """y = β x + α a v: x broadcast to (n,), a (n, k), v (k,)."""
    _ranks("addmv", mat=(mat, 2), vec=(vec, 1))
    x = unsqueeze(input, -1) if input.array.ndim else input
    y = _added("addmv", x, mat, unsqueeze(vec, -1), beta, alpha)
    return titled(to_shape(y, (mat.array.shape[0],)), "AddmvBackward0")


@op
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """y[i, j] = β x[i, j] + α u[i] v[j]: x broadcast to (n, m), u (n,), v (m,)."""
    _ranks("addr", vec1=(vec1, 1), vec2=(vec2, 1))
    u, v = lift(vec1, vec2)
    x, u = lift(input, u)
    x, v = lift(x, v)
    return _added("addr", x, unsqueeze(u, 1), unsqueeze(v, 0), beta, alpha)


@op
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """y = β x + α Σ a_i b_i: x broadcast to (n, m), a (b, n, k), b (b, k, m)."""
    _ranks("addbmm", batch1=(batch1, 3), batch2=(batch2, 3))
    _one_batch("addbmm", batch1, batch2)
    (count, n, inner), m = batch1.array.shape, batch2.array.shape[2]
    if batch2.array.shape[1] != inner:
        raise _unfit("addbmm", batch1, batch2)
    # Σ over the batch is a product too: (n, b·k) (b·k, m)
    rows = to_shape(permute(batch1, (1, 0, 2)), (n, count * inner))
    return _added("addbmm", input, rows, to_shape(batch2, (count * inner, m)), beta, alpha)


@op
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """y = β x + α a b, matrix by matrix: x broadcast to (b, n, m), a (b, n, k), b (b, k, m)."""
    _ranks("baddbmm", batch1=(batch1, 3), batch2=(batch2, 3))
    _one_batch("baddbmm", batch1, batch2)
    return _added("baddbmm", input, batch1, batch2, beta, alpha)


def _added(name: str, x: Tensor, a: Tensor, b: Tensor, beta: Number, alpha: Number) -> Tensor:
    expect_numbers(name, x)
    expect_one_dtype(name, x, a, b)
    x, a = lift(x, a)
    p, q = a.array.shape, b.array.shape
    if p[-1] != q[-2]:
        raise _unfit(name, a, b)
    full = (*p[:-1], q[-1])
    if x.array.shape != full:
        x = expand(x, full)
    y = record(
        k.add_product(x.array, a.array, b.array, beta, alpha),
        (x, lambda g: _scaled(g, beta)),
        (a, lambda g: _scaled(g @ b.mT, alpha)),
        (b, lambda g: _scaled(a.mT @ g, alpha)),
    )
    return titled(y, names(name))


def _unfit(name: str, a: Tensor, b: Tensor) -> ShapeError:
    p, q = a.array.shape, b.array.shape
    return ShapeError(
        f"{name}: mat1 and mat2 shapes cannot be multiplied ({p[-2]}x{p[-1]} and {q[-2]}x{q[-1]}): the columns of "
        "the first must be as many as the rows of the second."
    )


def _scaled(g: Tensor, factor: Number) -> Tensor:
    return g if factor == 1 else g * factor


def _ranks(name: str, **tensors: tuple[Tensor, int]) -> None:
    try:
        for what, (x, ndim) in tensors.items():
            if x.array.ndim != ndim:
                kind = ("a vector", "a matrix", "a batch of matrices")[ndim - 1]
                raise ShapeError(
                    f"{name}: {what} must be {kind}, got {x.array.ndim}-D tensor of shape {tuple(x.array.shape)}."
                )
    except AttributeError as error:
        raise no_tensor(error) from None


def _one_batch(name: str, a: Tensor, b: Tensor) -> None:
    if a.array.shape[0] != b.array.shape[0]:
        raise ShapeError(f"{name}: batch sizes differ: {tuple(a.array.shape)} and {tuple(b.array.shape)}.")


# Over dimensions


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Σ a b of two vectors, which for real numbers is ``dot``."""
    return titled(dot(input, other), "VdotBackward0")


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Σ a b over the last dimension of both: (…, k) (…', k) → (…, …'); with a 0-d tensor, a b.

    Raises ShapeError where the last sizes differ.

    >>> torch.inner(torch.tensor([1., 2.]), torch.tensor([[3., 4.], [5., 6.]]))
    tensor([11., 17.])
    """
    p, q = input.array.shape, other.array.shape
    if not p or not q:
        return input * other
    expect_one_dtype("inner", input, other)
    if p[-1] != q[-1]:
        raise ShapeError(
            f"inner: the last dimension must match on both input tensors but got shapes {tuple(p)} and {tuple(q)}."
        )
    return tensordot(input, other, ([-1], [-1]))


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Σ a b over dimensions: the last ``dims`` of a with the first of b, or ``dims = (those of a, those of b)``.

    Shapes: the other dimensions of a, then those of b.  Raises ShapeError where sizes differ.

    >>> torch.tensordot(torch.ones(2, 3, 4), torch.ones(3, 4, 5), 2).shape
    torch.Size([2, 5])
    """
    expect_one_dtype("tensordot", a, b)
    ours, theirs = _contracted(a, b, dims)
    for d, e in zip(ours, theirs, strict=True):
        m, n = a.array.shape[d], b.array.shape[e]
        if 1 in (m, n) and m != n:  # a size of 1 stands for a constant
            a, b = (sum(a, d, True, dtype=a.dtype), b) if n == 1 else (a, sum(b, e, True, dtype=b.dtype))
        elif m != n:
            raise ShapeError(
                f"tensordot: contracted dimensions need to match, but first has size {m} in dim {d} and second has "
                f"size {n} in dim {e}."
            )
    left = [d for d in range(a.array.ndim) if d not in ours]
    right = [d for d in range(b.array.ndim) if d not in theirs]
    p, q = a.array.shape, b.array.shape
    size = math.prod([p[d] for d in ours])
    rows, columns = [p[d] for d in left], [q[d] for d in right]
    x = to_shape(permute(a, (*left, *ours)), (math.prod(rows), size))
    y = to_shape(permute(b, (*theirs, *right)), (size, math.prod(columns)))
    return to_shape(matmul(x, y), (*rows, *columns))


def _contracted(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    """The dimensions of a and of b to sum over, pair by pair."""
    m, n = a.array.ndim, b.array.ndim
    if hasattr(dims, "array"):
        dims = dims.tolist()
    if not isinstance(dims, Sequence):
        if dims < 0:
            raise ShapeError(f"tensordot: expects dims >= 0, but got dims={dims}.")
        if dims > min(m, n):
            raise ShapeError(f"tensordot: expects dims < ndim_a or ndim_b, but got dims={dims} for {m} and {n}.")
        return list(range(m - dims, m)), list(range(dims))
    first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(first) != len(second):
        raise ShapeError(f"tensordot: both dimension lists should have same length, got {first} and {second}.")
    return _each_once(first, m), _each_once(second, n)


def _each_once(dims: list[int], ndim: int) -> list[int]:
    found = [one_dim("tensordot", d, ndim) for d in dims]
    for d in found:
        if found.count(d) > 1:
            raise ShapeError(f"tensordot: dim {d} appears multiple times in the list of dims {dims}.")
    return found


def ger(input: Tensor, vec2: Tensor) -> Tensor:
    """y[i, j] = a[i] b[j]: ``outer``, under its old name."""
    return input.outer(vec2)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: each element of a times all of b, block by block; sizes multiply.

    >>> torch.kron(torch.eye(2), torch.tensor([[1., 2.]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    a, b = input, other
    ndim = max(a.array.ndim, b.array.ndim)
    p, q = ((1,) * (ndim - t.array.ndim) + tuple(t.array.shape) for t in (a, b))
    outer = [n for size in p for n in (size, 1)]
    within = [n for size in q for n in (1, size)]
    y = to_shape(a, tuple(outer)) * to_shape(b, tuple(within))
    return titled(to_shape(y, tuple(m * n for m, n in zip(p, q, strict=True))), "UnsafeViewBackward0")


def trace(input: Tensor) -> Tensor:
    """Σ of the diagonal of a matrix.  Raises ShapeError for what is no matrix."""
    expect_numbers("trace", input)
    if input.array.ndim != 2:
        raise ShapeError(f"trace: expected a matrix, but got tensor with dim {input.array.ndim}.")
    return titled(sum(diagonal(input)), "TraceBackward0")


# Vectors in space


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """a × b along ``dim``, or along the first dimension of size 3."""
    if dim is None:
        shape = tuple(input.array.shape)
        if 3 not in shape:
            raise ShapeError(f"cross: no dimension of size 3 in input: the shape is {shape}.")
        dim = shape.index(3)
    return cross_along(input, other, dim=dim)


@op("LinalgCross")
def cross_along(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """a × b along a dimension of size 3; the other dimensions broadcast.

    >>> torch.linalg.cross(torch.tensor([1., 0., 0.]), torch.tensor([0., 1., 0.]))
    tensor([0., 0., 1.])
    """
    expect_numbers("linalg.cross", input)
    expect_one_dtype("linalg.cross", input, other)
    a, b = lift(input, other)
    if a.array.ndim != b.array.ndim:
        raise ShapeError(
            f"linalg.cross: inputs must have the same number of dimensions, got {tuple(a.array.shape)} and "
            f"{tuple(b.array.shape)}."
        )
    d = one_dim("linalg.cross", dim, a.array.ndim)
    sizes = [t.array.shape[d] if t.array.ndim else 1 for t in (a, b)]
    if sizes != [3, 3]:
        raise ShapeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {sizes[0]} and {sizes[1]}.")
    y = k.cross(a.array, b.array, d)
    return record(y, (a, lambda g: cross_along(b, g, dim=d)), (b, lambda g: cross_along(g, a, dim=d)))


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Σ x y along ``dim``; the other dimensions broadcast."""
    for t in (x, y):
        if t.array.dtype.kind != "f":
            raise DTypeError(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {t.dtype}.")
    expect_one_dtype("linalg.vecdot", x, y)
    return titled(sum(x * y, dim), "SumBackward1")


# Of many matrices


def chain_matmul(*matrices: Tensor | Sequence[Tensor]) -> Tensor:
    """The product of matrices, in the order that takes the fewest multiplications; see ``linalg.multi_dot``."""
    given: list[Any] = (
        list(matrices[0]) if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else list(matrices)
    )
    for number, x in enumerate(given):
        if x.array.ndim != 2:
            raise ShapeError(f"chain_matmul: Tensor dimension is {x.array.ndim} at position {number}, expected 2.")
    return given[0] if len(given) == 1 else multi_dot(given)


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of two or more matrices, in the order that takes the fewest multiplications.

    The first may be a vector, a row; the last too, a column; that dimension is dropped again.

    >>> torch.linalg.multi_dot([torch.ones(2, 3), torch.ones(3, 4), torch.ones(4)])
    tensor([12., 12.])
    """
    xs = list(tensors)
    _check_chain(xs)
    ends = (xs[0].array.ndim == 1, xs[-1].array.ndim == 1)
    if ends[0]:
        xs[0] = unsqueeze(xs[0], 0)
    if ends[1]:
        xs[-1] = unsqueeze(xs[-1], 1)
    sizes = _chain_sizes(xs)
    y = _multiplied(xs, _cheapest_splits(sizes), 0, len(xs) - 1)
    shape = (() if ends[0] else (sizes[0],)) + (() if ends[1] else (sizes[-1],))
    return to_shape(y, shape)


def _check_chain(xs: list[Tensor]) -> None:
    if len(xs) < 2:
        raise ShapeError(f"multi_dot(): expected at least 2 tensors but got {len(xs)}.")
    for number, x in enumerate(xs):
        ndim, at_end = x.array.ndim, number in (0, len(xs) - 1)
        if at_end and ndim not in (1, 2):
            which = "first" if number == 0 else "last"
            raise ShapeError(f"multi_dot(): the {which} tensor must be 1D or 2D but got {ndim}D.")
        if not at_end and ndim != 2:
            raise ShapeError(f"multi_dot(): tensor {number} must be 2D but got {ndim}D.")
    expect_one_dtype("multi_dot", *xs)


def _chain_sizes(xs: list[Tensor]) -> tuple[int, ...]:
    """Rows of the first, columns of each.  Raises ShapeError where two that meet do not fit."""
    for i, (x, y) in enumerate(itertools.pairwise(xs)):
        p, q = x.array.shape, y.array.shape
        if p[1] != q[0]:
            raise ShapeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(p)} and {list(q)} cannot be multiplied."
            )
    return (xs[0].array.shape[0], *(x.array.shape[1] for x in xs))


@functools.lru_cache(maxsize=256)
def _cheapest_splits(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """(i, j) -> where to split the product of matrices i ... j; by length (Cormen et al., section 14.2)."""
    count = len(sizes) - 1
    cost, split = {(i, i): 0 for i in range(count)}, {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            options = [(cost[i, s] + cost[s + 1, j] + sizes[i] * sizes[s + 1] * sizes[j + 1], s) for s in range(i, j)]
            cost[i, j], split[i, j] = min(options)
    return split


def _multiplied(xs: list[Tensor], split: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return xs[i]
    s = split[i, j]
    return matmul(_multiplied(xs, split, i, s), _multiplied(xs, split, s + 1, j))
