"""Matrices as wholes: norms, powers, the exponential, condition numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd.dtypes import DType, to_dtype
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.comparison import blanked, where
from nanograd.ops.creation import ones_like
from nanograd.ops.diagonals import diagonal
from nanograd.ops.joining import cat
from nanograd.ops.linalg import matmul
from nanograd.ops.norms import p_norm
from nanograd.ops.op import op, titled
from nanograd.ops.ranges import eye
from nanograd.ops.reduction import Dims, amax, amin, sum
from nanograd.ops.refusing import no_tensor
from nanograd.ops.scan import cumprod
from nanograd.ops.shape import clone, every_dim, movedim, one_dim, unsqueeze
from nanograd.ops.solving import expect_equal_sides, expect_matrices, expect_square, inv, inverted, solved
from nanograd.ops.spectra import svdvals

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "frobenius_norm", "matrix_exp", "matrix_power", "nuclear_norm", "vander",
]  # fmt: skip


# Norms


def vector_norm(
    x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p), p = ``ord``, over ``dim`` (all dimensions when None); see ``torch.norm``.

    >>> torch.linalg.vector_norm(torch.tensor([3., -4.]))
    tensor(5.)
    """
    if not isinstance(ord, (int, float)):
        raise DTypeError(f"linalg.vector_norm: argument 'ord' must be Number, not {type(ord).__name__}.")
    y = _as("linalg.vector_norm", x, dtype)
    return p_norm(y, ord, every_dim("linalg.vector_norm", dim, y.array.ndim), keepdim)


def _as(name: str, x: Tensor, dtype: Any) -> Tensor:
    try:
        if x.array.dtype.kind != "f":
            raise DTypeError(f"{name}: Expected a floating point or complex tensor as input. Got {x.dtype}.")
    except AttributeError as error:
        raise no_tensor(error) from None
    if dtype is None:
        return x
    chosen = to_dtype(dtype)
    if not chosen.is_floating_point:
        raise DTypeError(f"{name}: dtype should be floating point or complex, but got {chosen}.")
    if chosen.itemsize < x.dtype.itemsize:
        raise DTypeError(
            f"{name}: the dtype of the input ({x.dtype}) should be convertible without narrowing to the specified "
            f"dtype ({chosen})."
        )
    return x.to(chosen)


ORDERS = (1, -1, 2, -2, math.inf, -math.inf)


def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """A norm of matrices in two dimensions.

    "fro" √Σ a², "nuc" Σ singular values, 2 and -2 the greatest and the least of them, 1 and -1 the greatest and the
    least sum of a column's sizes, ±inf of a row's.

    >>> torch.linalg.matrix_norm(torch.tensor([[1., -2.], [3., 4.]]), 1)
    tensor(6.)
    """
    name = "linalg.matrix_norm"
    x = _as(name, A, dtype)
    if x.array.ndim < 2:
        raise ShapeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    dims = _pair(name, dim, x.array.ndim)
    if ord not in ("fro", "nuc") and ord not in ORDERS:
        raise ShapeError(f"{name}: Order {ord} not supported: expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf.")
    if ord == "fro":
        return p_norm(x, 2, dims, keepdim)
    a = movedim(x, dims, (-2, -1)) if x.array.ndim > 2 or dims != (0, 1) else x
    y = _sizes(a, ord) if ord in ("nuc", 2, -2) else sum(a.abs(), -2 if abs(ord) == 1 else -1)  # type: ignore[arg-type]
    if ord == "nuc":
        found = sum(y, -1)
    elif ord < 0:  # type: ignore[operator]
        found = amin(y, -1)
    else:
        found = amax(y, -1) if y.array.shape[-1] else sum(y, -1)  # of no elements: 0
    for d in sorted(dims) if keepdim else ():
        found = unsqueeze(found, d)
    return found


def _sizes(a: Tensor, ord: Any) -> Tensor:
    if a.array.dtype.char not in "fd":
        raise DTypeError(f"linalg.matrix_norm: Low precision dtypes not supported. Got {a.dtype}. Use .float() first.")
    return svdvals(a)


def _pair(name: str, dim: Any, ndim: int) -> tuple[int, int]:
    given = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(given) != 2:
        raise ShapeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, given))}.")
    first, second = (one_dim(name, d, ndim) for d in given)
    if first == second:
        raise ShapeError(f"{name}: dims must be different. Got {given}.")
    return first, second


def norm_of(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """A norm of vectors (one dimension in ``dim``) or matrices (two); without ``ord`` √Σ x².

    >>> torch.linalg.norm(torch.tensor([[3., 0.], [0., -4.]]), 2)
    tensor(4.)
    """
    ndim = A.array.ndim
    dims = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if dims is not None and len(dims) not in (1, 2):
        raise ShapeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}.")
    if ord is None:
        return vector_norm(A, 2, dims, keepdim, dtype=dtype)
    if dims is None:
        if ndim not in (1, 2):
            raise ShapeError(
                f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {ndim}D."
            )
        dims = tuple(range(ndim))
    if isinstance(ord, str) or len(dims) == 2:
        return matrix_norm(A, ord, dims, keepdim, dtype=dtype)
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)


def frobenius_norm(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """√Σ x² over ``dim``."""
    y = p_norm(_as("frobenius_norm", input, None), 2, every_dim("frobenius_norm", dim, input.array.ndim), keepdim)
    return titled(y, "NormBackward1")


def nuclear_norm(input: Tensor, dim: tuple[int, int] | None = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values of matrices in two dimensions."""
    return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """How much errors grow when A x = b is solved: ‖A‖ ‖A⁻¹‖ in the matrix norm ``p`` (None means 2).

    For p = ±2 A need not be square; of a singular matrix it is infinite.

    >>> torch.linalg.cond(torch.tensor([[2., 0.], [0., 0.5]]))
    tensor(4.)
    """
    if A.array.ndim < 2:
        raise ShapeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p not in (None, "fro", "nuc", *ORDERS):
        raise ShapeError(f"linalg.cond: linalg.cond got an invalid norm type: {p}.")
    spectral = p in (None, 2, -2)
    if not spectral:
        expect_equal_sides(f"linalg.cond(ord={p})", A)
    if not A.array.size:
        return sum(A, (-2, -1), dtype=A.dtype)
    if spectral:
        s = svdvals(A)
        first, last = s[..., 0], s[..., -1]
        return titled(last / first if p == -2 else first / last, "SqueezeBackward1")
    expect_matrices("linalg.cond", A)
    inverse, info = inverted(A)
    size = matrix_norm(A, p) * matrix_norm(where(unsqueeze(unsqueeze(info != 0, -1), -1), 0.0, inverse), p)
    return titled(where(info != 0, math.inf, size), "MulBackward0" if p == "nuc" else "NanToNumBackward0")


# Powers


def matrix_power(input: Tensor, n: int) -> Tensor:
    """xⁿ of square matrices, by squaring; of the inverse for n < 0, the identity for n = 0.

    >>> torch.matrix_power(torch.tensor([[1., 1.], [0., 1.]]), 10)
    tensor([[ 1., 10.],
            [ 0.,  1.]])
    """
    name, a = "linalg.matrix_power", input
    if a.array.ndim < 2:
        raise ShapeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    expect_equal_sides(name, a)
    if not hasattr(n, "__index__"):
        raise DTypeError(f"{name}: argument 'n' (position 2) must be int, not {type(n).__name__}.")
    if n == 0:
        one = eye(a.array.shape[-1], dtype=a.dtype, device=a.device).expand(a.array.shape).clone()
        return titled(blanked(a, one), "CopyBackwards") if a.node is not None else one
    base = inv(a) if n < 0 else a
    if abs(n) == 1:
        return base if n < 0 else clone(a)
    return _power(base, abs(n))


def matrix_power_of(A: Tensor, n: int) -> Tensor:
    """Aⁿ of square matrices; see ``torch.matrix_power``."""
    return matrix_power(A, n)


def _power(base: Tensor, n: int) -> Tensor:
    y: Tensor | None = None
    while n:
        if n & 1:
            y = base if y is None else matmul(y, base)
        n >>= 1
        if n:
            base = matmul(base, base)
    assert y is not None
    return y


# The coefficients of the Padé approximant of degree 13 to eˣ, and how far it is exact (Higham, 2005, table 2.3)
PADE = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
    670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip
REACH = 5.371920351148152


@op("LinalgMatrixExp")
def matrix_exp(input: Tensor) -> Tensor:
    """e^x = Σ xⁿ / n! of square matrices, by scaling and squaring (Higham, 2005).

    >>> torch.matrix_exp(torch.tensor([[0., 1.], [0., 0.]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    expect_square("linalg.matrix_exp", input)
    size = float(sum(input.detach().abs(), -2).max()) if input.array.size else 0.0
    halvings = max(0, math.ceil(math.log2(size / REACH))) if 0 < size < math.inf else 0
    a = input * 0.5**halvings
    n = a.array.shape[-1]
    c = [v / PADE[0] for v in PADE]
    one = eye(n, dtype=a.dtype, device=a.device)
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a @ (a6 @ (c[13] * a6 + c[11] * a4 + c[9] * a2) + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * one)
    even = a6 @ (c[12] * a6 + c[10] * a4 + c[8] * a2) + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * one
    y = solved(even - odd, even + odd)[0]
    for _ in range(halvings):
        y = y @ y
    return titled(y, "LinalgMatrixExpBackward0")


def matrix_exp_of(A: Tensor) -> Tensor:
    """e^A of square matrices; see ``torch.matrix_exp``."""
    return matrix_exp(A)


# Made of a vector; read from matrices


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Row i holds the powers x_i^(N - 1) … x_i, 1 (``increasing``: 1, x_i, …): (n,) → (n, N).

    >>> torch.vander(torch.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [4, 2, 1],
            [9, 3, 1]])
    """
    if x.array.ndim != 1:
        raise ShapeError(f"vander: x must be a one-dimensional tensor, got shape {tuple(x.array.shape)}.")
    count = x.array.shape[0] if N is None else N
    if count < 0:
        raise ShapeError(f"vander: N must be non-negative, got {count}.")
    y = _powers(x, count)[..., :count]
    return y if increasing else y.flip(-1)


def vander_of(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 1, x_i, …, x_i^(N - 1) of every element: (…, n) → (…, n, N)."""
    if x.array.dtype.char in "?e":
        raise DTypeError(f"linalg.vander: supports floating point, complex, and integer tensors, but got {x.dtype}.")
    count = N if N is not None else x.array.shape[-1] if x.array.ndim else 1
    if count <= 1:
        raise ShapeError(f"linalg.vander: N must be greater than 1, got {count}.")
    return _powers(x, count)


def _powers(x: Tensor, count: int) -> Tensor:
    column = unsqueeze(x, -1)
    first = ones_like(column).to(x.dtype) if x.array.dtype.kind == "f" else ones_like(column).long()
    if count < 2:
        return first
    return cat([first, cumprod(column.expand(*x.array.shape, count - 1), -1)], -1)


def diagonal_of(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The view of the diagonals of matrices: (…, n, n) → (…, n)."""
    return diagonal(A, offset, dim1, dim2)
