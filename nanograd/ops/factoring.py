"""Matrices as products of triangles: L Lᵀ and P L U, and what is solved with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd import return_types
from nanograd.errors import MissingError, ShapeError
from nanograd.kernels import decomposition as k
from nanograd.ops.broadcasting import broadcast_shapes, expand
from nanograd.ops.diagonals import tril, triu
from nanograd.ops.joining import cat
from nanograd.ops.op import op, records, titled, wrap
from nanograd.ops.ranges import arange, eye
from nanograd.ops.scattering import gather
from nanograd.ops.shape import unsqueeze
from nanograd.ops.solving import expect_fit, expect_matrices, expect_pair, expect_square, expect_success, triangular

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "lu_solve",
]  # fmt: skip


# L Lᵀ


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The lower triangular L with L Lᵀ = x (``upper``: Lᵀ); see ``linalg.cholesky``."""
    expect_square("cholesky", input)
    y, info = _either_triangle(input, upper)
    expect_success("cholesky", info, _not_positive)
    return titled(y, "CholeskyBackward0")


def cholesky_of(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular L with L Lᵀ = A of symmetric positive-definite matrices (``upper``: Lᵀ).

    Only that triangle of A is looked at.  Raises LinAlgError for matrices that are not positive-definite.

    >>> torch.linalg.cholesky(torch.tensor([[4., 2.], [2., 2.]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    expect_square("linalg.cholesky", A)
    y, info = _either_triangle(A, upper)
    expect_success("linalg.cholesky", info, _not_positive)
    return y


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(L, info): as ``linalg.cholesky``, but failures are only noted in ``info`` (int32), and their L is NaN."""
    expect_square("linalg.cholesky_ex", A)
    y, info = _either_triangle(A, upper)
    if check_errors:
        expect_success("linalg.cholesky_ex", info, _not_positive)
    return return_types.linalg_cholesky_ex(y, info)


def _not_positive(order: int) -> str:
    return (
        "The factorization could not be completed because the input is not positive-definite (the leading minor of "
        f"order {order} is not positive-definite)."
    )


def _either_triangle(a: Tensor, upper: bool) -> tuple[Tensor, Tensor]:
    y, info = factored(a.mT if upper else a)
    return titled(y.mT, "LinalgCholeskyExBackward0") if upper else y, info


@op("LinalgCholeskyEx")
def factored(a: Tensor) -> tuple[Tensor, ...]:
    """(the lower L with L Lᵀ = a, info)"""
    return records(k.cholesky(a.array), (a, lambda g1, g2, y1, y2: _cholesky_back(g1, y1)))


def _cholesky_back(g: Tensor, y: Tensor) -> Tensor:
    """L⁻ᵀ Φ(Lᵀ g) L⁻¹, symmetric; Φ: the lower triangle, the diagonal halved (Murray, arXiv:1602.07527)."""
    inner = y.mT @ g
    half = (tril(inner) + tril(inner, -1)) * 0.5
    left = triangular(y.mT, half, True, False)
    both = triangular(y.mT, left.mT, True, False)  # (left L⁻¹)ᵀ
    even: Tensor = (both + both.mT) * 0.5
    return even


def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """The x with L Lᵀ x = b (``upper``: Lᵀ L x = b): b (…, n, m), L (…, n, n)."""
    for what, x in (("b", input), ("u", L)):
        if x.array.ndim < 2:
            raise ShapeError(f"cholesky_solve: {what} should have at least 2 dimensions, but has {x.array.ndim}.")
    expect_square("cholesky_solve", L)
    expect_pair("cholesky_solve", L, input)
    n, rows = L.array.shape[-1], input.array.shape[-2]
    if n != rows:
        raise ShapeError(
            f"cholesky_solve: Incompatible matrix sizes for cholesky_solve: each A matrix is {n} by {n} but each b "
            f"matrix is {rows} by {input.array.shape[-1]}."
        )
    lower = L.mT if upper else L
    x = triangular(lower.mT, triangular(lower, input, False, False), True, False)
    return titled(x, "CholeskySolveBackward0")


def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """(L Lᵀ)⁻¹ of a lower triangular L (``upper``: (Lᵀ L)⁻¹ of an upper one)."""
    expect_square("cholesky_inverse", L)
    same = eye(L.array.shape[-1], dtype=L.dtype, device=L.device)
    return titled(cholesky_solve(same, L, upper), "CholeskyInverseBackward0")


# P L U


def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """(LU, pivots): L below the diagonal and U above in one; which row each row was exchanged with, int32, from 1 on.

    Raises LinAlgError for singular matrices.
    """
    y = lu_factor_ex(A, pivot=pivot)
    expect_success(
        "torch.linalg.lu_factor",
        y.info,
        lambda n: (
            f"U[{n},{n}] is zero and using it on lu_solve would result in a division by zero. If you still want "
            "to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        ),
    )
    return return_types.linalg_lu_factor(*y[:2])


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """(LU, pivots, info): as ``lu_factor``, but singular matrices are only noted in ``info`` (int32)."""
    _expect_lu("linalg.lu_factor", A, pivot)
    y, pivots, info = packed(A)
    if check_errors:
        expect_success("linalg.lu_factor_ex", info, lambda n: f"U[{n},{n}] is zero.")
    return return_types.linalg_lu_factor_ex(y, pivots, info)


def _expect_lu(name: str, a: Tensor, pivot: bool) -> None:
    expect_matrices(name, a)
    if not pivot:
        raise MissingError(f"{name}: LU without pivoting is not implemented on the CPU; use pivot=True.")


@op("LinalgLuFactorEx")
def packed(a: Tensor) -> tuple[Tensor, ...]:
    """(L and U in one, pivots, info)"""
    return records(k.lu(a.array), (a, lambda g1, g2, g3, y1, y2, y3: _lu_back(g1, y1, y2)))


def _lu_back(g: Tensor, y: Tensor, pivots: Tensor) -> Tensor:
    """P L⁻ᵀ (the lower part of Lᵀ g_L + the upper part of g_U Uᵀ) U⁻ᵀ"""
    m, n = y.array.shape[-2:]
    size = min(m, n)
    square, wide, tall = y[..., :size, :size], y[..., :size, size:], y[..., size:, :size]
    g_square, g_wide, g_tall = g[..., :size, :size], g[..., :size, size:], g[..., size:, :size]
    lower, upper = tril(square, -1) + eye(size, dtype=y.dtype, device=y.device), triu(square)
    below = lower.mT @ tril(g_square, -1) - g_wide @ wide.mT  # more columns: U₂ = L⁻¹ A₂
    above = triu(g_square) @ upper.mT - tall.mT @ g_tall  # more rows: L₂ = A₂ U⁻¹
    left = triangular(lower.mT, tril(below, -1) + triu(above), True, True)
    both = triangular(upper, left.mT, True, False).mT
    both = cat([both, triangular(lower.mT, g_wide, True, True)], -1) if n > m else both
    both = cat([both, triangular(upper, g_tall.mT, True, False).mT], -2) if m > n else both
    return _rows_in(both, wrap(k.permutation(pivots.array, m)).argsort(-1))


def _rows_in(x: Tensor, order: Tensor) -> Tensor:
    """The rows of matrices in another order: (…, n, m), (…, n), batches broadcast."""
    full = (*broadcast_shapes(x.array.shape[:-2], order.array.shape[:-1]), *x.array.shape[-2:])
    return gather(expand(x, full), -2, expand(unsqueeze(order, -1), full))


def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """(P, L, U) with P L U = A: P of zeros and ones, L with ones on its diagonal."""
    _expect_lu("linalg.lu", A, pivot)
    m, n = A.array.shape[-2:]
    y, pivots, _ = packed(A)
    small = min(m, n)
    lower = tril(y[..., :small], -1) + eye(m, small, dtype=A.dtype, device=A.device)
    upper = triu(y[..., :small, :])
    order = wrap(k.permutation(pivots.array, m))  # row i of L U is row order[i] of A
    places = (arange(m, device=A.device) == unsqueeze(order.argsort(-1), -1)).to(A.dtype)
    return return_types.linalg_lu(places, titled(lower, "LinalgLuBackward0"), titled(upper, "LinalgLuBackward0"))


def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """The x with P L U x = b; see ``linalg.lu_solve``."""
    return lu_solved(LU_data, LU_pivots, input)


def lu_solved(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The X with A X = B (X A = B unless ``left``, Aᵀ for A if ``adjoint``), from what ``lu_factor`` gave of A."""
    expect_square("linalg.lu_solve", LU)
    expect_pair("linalg.lu_solve", LU, B)
    expect_matrices("linalg.lu_solve", B, "B")
    expect_fit("linalg.lu_solve", LU, B, left)
    order = wrap(k.permutation(pivots.array, LU.array.shape[-1]))
    b = B if left else B.mT
    if adjoint == left:  # Aᵀ = Uᵀ Lᵀ Pᵀ
        inner = triangular(LU.mT, triangular(LU.mT, b, False, False), True, True)
        x = _rows_in(inner, order.argsort(-1))
    else:
        x = triangular(LU, triangular(LU, _rows_in(b, order), False, True), True, False)
    return titled(x if left else x.mT, "LinalgLuSolveBackward0")
