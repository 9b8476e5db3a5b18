"""Matrices taken apart, and equations solved: LAPACK as NumPy has it, of whole batches.

Of singular matrices and of those that are not positive-definite, ``info`` says why (0 where all went well, as LAPACK
counts); a search for eigenvalues or singular values that does not end raises LinAlgError.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nanograd.errors import LinAlgError
from nanograd.kernels.kernel import Array, kernel

__all__ = [
    "cholesky", "det", "eigh", "eigvalsh", "inv", "lu", "permutation", "qr", "slogdet", "solve", "solve_triangular",
    "svd", "svdvals",
]  # fmt: skip


# Equations


@kernel
def inv(a: Array) -> tuple[Array, Array]:
    """(a⁻¹, info: which pivot is zero); NaN where a is singular."""
    try:
        return np.linalg.inv(a), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        return _one_by_one(lambda m, _: np.linalg.inv(m), a, a, _zero_pivot)


@kernel
def solve(a: Array, b: Array) -> tuple[Array, Array]:
    """(the x with a x = b, info: which pivot is zero): (…, n, n) (…, n, m) → (…, n, m); NaN where a is singular."""
    try:
        return np.linalg.solve(a, b), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        full = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = (np.broadcast_to(t, full + t.shape[-2:]) for t in (a, b))
        return _one_by_one(np.linalg.solve, a, b, _zero_pivot)


def _one_by_one(compute: Callable[..., Array], a: Array, b: Array, why: Callable[[Array], int]) -> tuple[Array, Array]:
    """Each matrix for itself: NaN for those without a result, and in ``info`` why."""
    y, info = np.full(b.shape, np.nan, b.dtype), np.zeros(a.shape[:-2], np.int32)
    for place in np.ndindex(a.shape[:-2]):
        try:
            y[place] = compute(a[place], b[place])
        except np.linalg.LinAlgError:
            info[place] = why(a[place])
    return y, info


def _zero_pivot(a: Array) -> int:
    """Which pivot is zero, from 1; the last where rounding hides it from us."""
    return int(lu.reference(a)[2]) or a.shape[-1]


@kernel
def solve_triangular(a: Array, b: Array, upper: bool, unit: bool) -> Array:
    """The x with a x = b, a triangular, of which the other triangle (``unit``: the diagonal too) is not looked at."""
    n = a.shape[-1]
    x = np.array(np.broadcast_to(b, np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + b.shape[-2:]))
    for i in reversed(range(n)) if upper else range(n):
        known = slice(i + 1, n) if upper else slice(0, i)
        row = a[..., i : i + 1, known]
        x[..., i, :] -= np.matmul(row, x[..., known, :])[..., 0, :]
        if not unit:
            x[..., i, :] /= a[..., i, i, None]
    return x


@kernel
def det(a: Array) -> Array:
    """The determinant."""
    with np.errstate(all="ignore"):
        return np.linalg.det(a)


@kernel
def slogdet(a: Array) -> tuple[Array, Array]:
    """(the sign of the determinant, ln of its size): (0, -∞) where a is singular."""
    with np.errstate(all="ignore"):
        sign, size = np.linalg.slogdet(a)
    return np.asarray(sign), np.asarray(size)


@kernel
def lu(a: Array) -> tuple[Array, Array, Array]:
    """(L below the diagonal and U above in one, which row each row was exchanged with from 1 on, info: which pivot of
    U is zero), of a whole batch column by column (Golub and Van Loan, section 3.4)."""
    y = np.array(a)
    m, n = y.shape[-2:]
    flat = y.reshape(math.prod(a.shape[:-2]), m, n)
    every = np.arange(len(flat))
    pivots, info = np.empty((len(flat), min(m, n)), np.int32), np.zeros(len(flat), np.int32)
    for j in range(min(m, n)):
        size = np.abs(flat[:, j:, j])
        at = j + np.argmax(np.where(np.isnan(size), -1, size), axis=1)
        pivots[:, j] = at + 1
        flat[every, j], flat[every, at] = flat[every, at], flat[every, j]
        pivot = flat[:, j, j]
        zero = pivot == 0
        info[zero & (info == 0)] = j + 1
        flat[:, j + 1 :, j] /= np.where(zero, 1, pivot)[:, None]
        flat[:, j + 1 :, j + 1 :] -= flat[:, j + 1 :, j, None] * flat[:, None, j, j + 1 :]
    return y, pivots.reshape(*a.shape[:-2], min(m, n)), info.reshape(a.shape[:-2])


@kernel
def permutation(pivots: Array, rows: int) -> Array:
    """Where each row comes from after the exchanges of ``lu``: (…, k) → (…, rows)."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    every = np.arange(len(flat))
    order = np.tile(np.arange(rows, dtype=np.int64), (len(flat), 1))
    for j in range(flat.shape[1]):
        at = flat[:, j] - 1
        order[every, j], order[every, at] = order[every, at], order[every, j]
    return order.reshape(*pivots.shape[:-1], rows)


# Parts


@kernel
def cholesky(a: Array) -> tuple[Array, Array]:
    """(the lower L with L Lᵀ = a, info: the order of the first minor that is not positive); a's lower part counts."""
    try:
        y = np.linalg.cholesky(a)
        broken = np.isnan(y).any((-1, -2))
        if not broken.any():
            return y, np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        pass
    return _one_by_one(_positive_cholesky, a, a, _failing_minor)


def _positive_cholesky(a: Array, _: Array) -> Array:
    y = np.linalg.cholesky(a)
    if np.isnan(y).any():  # LAPACK does not always notice NaN
        raise np.linalg.LinAlgError
    return y


def _failing_minor(a: Array) -> int:
    """The order of the first leading minor that is not positive."""
    y = np.zeros_like(a)
    for j in range(len(a)):
        rest = a[j, j] - y[j, :j] @ y[j, :j]
        if not rest > 0:
            return j + 1
        y[j, j] = np.sqrt(rest)
        y[j + 1 :, j] = (a[j + 1 :, j] - y[j + 1 :, :j] @ y[j, :j]) / y[j, j]
    return len(a)


@kernel
def qr(a: Array, mode: str) -> tuple[Array, Array]:
    """(Q orthogonal, R upper) with Q R = a; ``complete`` makes Q square, ``reduced`` as narrow as a."""
    q, r = np.linalg.qr(a, "complete" if mode == "complete" else "reduced")
    return q, r


@kernel
def svd(a: Array, full: bool) -> tuple[Array, Array, Array]:
    """(U, S, Vᵀ) with U S Vᵀ = a, S from the greatest down; U and Vᵀ square if ``full``."""
    try:
        u, s, v = np.linalg.svd(a, full_matrices=full)
        return u, s, v
    except np.linalg.LinAlgError:
        raise _no_svd(a) from None


@kernel
def svdvals(a: Array) -> Array:
    """S of ``svd`` alone."""
    try:
        return np.linalg.svd(a, compute_uv=False)
    except np.linalg.LinAlgError:
        raise _no_svd(a) from None


def _no_svd(a: Array) -> LinAlgError:
    why = "" if np.isfinite(a).all() else " because the input matrix contained non-finite values"
    return LinAlgError(f"linalg.svd: The algorithm failed to converge{why}.")


@kernel
def eigh(a: Array, upper: bool) -> tuple[Array, Array]:
    """(eigenvalues in ascending order, eigenvectors as columns) of symmetric matrices, by one triangle of them."""
    try:
        values, vectors = np.linalg.eigh(_finite(a), "U" if upper else "L")
    except np.linalg.LinAlgError:
        raise _no_eigh(a) from None
    return values, vectors


@kernel
def eigvalsh(a: Array, upper: bool) -> Array:
    """The eigenvalues of ``eigh`` alone."""
    try:
        return np.linalg.eigvalsh(_finite(a), "U" if upper else "L")
    except np.linalg.LinAlgError:
        raise _no_eigh(a) from None


def _finite(a: Array) -> Array:
    if not np.isfinite(a).all():  # of which LAPACK may give numbers all the same
        raise np.linalg.LinAlgError
    return a


def _no_eigh(a: Array) -> LinAlgError:
    what = "has too many repeated eigenvalues" if np.isfinite(a).all() else "contains non-finite values"
    return LinAlgError(
        f"linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned or {what}."
    )
