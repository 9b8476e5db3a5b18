"""Matrices by their directions: QR, singular values, eigenvalues, and what is computed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd import return_types
from nanograd.dtypes import finfo, int64
from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.kernels import decomposition as k
from nanograd.kernels import memory
from nanograd.ops.comparison import where
from nanograd.ops.creation import zeros
from nanograd.ops.diagonals import diag_embed, tril
from nanograd.ops.joining import cat
from nanograd.ops.kinds import none
from nanograd.ops.op import op, record, records, titled, wrap
from nanograd.ops.ranges import eye
from nanograd.ops.reduction import sum
from nanograd.ops.shape import unsqueeze
from nanograd.ops.solving import expect_equal_sides, expect_matrices, expect_square, expect_wide_floats, triangular
from nanograd.tape import mode

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "pinverse", "qr", "svd",
]  # fmt: skip


# Q R


def qr_of(A: Tensor, mode: str = "reduced") -> Any:
    """(Q, R): Q R = A, the columns of Q orthonormal, R upper triangular; k = min(m, n).

    Shapes: ``reduced`` Q (…, m, k), R (…, k, n); ``complete`` Q (…, m, m), R (…, m, n); ``r`` Q empty.

    >>> q, r = torch.linalg.qr(torch.tensor([[0., 2.], [-1., 0.]]))
    >>> q @ r
    tensor([[ 0.,  2.],
            [-1.,  0.]])
    """
    expect_matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ShapeError(
            f"linalg.qr: qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
            "'complete'."
        )
    q, r = orthogonal(A, mode)
    return return_types.linalg_qr(q if mode != "r" else titled(q[:0, :0].reshape(0), "LinalgQrBackward0"), r)


def qr(input: Tensor, some: bool = True) -> Any:
    """(Q, R) with Q R = x; Q square unless ``some``.  See ``linalg.qr``."""
    return return_types.qr(*qr_of(input, "reduced" if some else "complete"))


@op("LinalgQr")
def orthogonal(a: Tensor, mode: str) -> tuple[Tensor, ...]:
    """(Q, R)"""
    y = k.qr(a.array, mode)
    return records(y, (a, lambda g1, g2, y1, y2: _qr_back(mode, g1, g2, y1, y2)))


def _qr_back(mode: str, gq: Tensor | None, gr: Tensor | None, q: Tensor, r: Tensor) -> Tensor:
    """(g_Q + Q sym(R g_Rᵀ - g_Qᵀ Q)) R⁻ᵀ, sym: the lower triangle, mirrored (Roberts and Roberts, arXiv:2009.10071)."""
    m, n = q.array.shape[-2], r.array.shape[-1]
    if mode == "r":
        raise GradError(
            "linalg.qr: The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    if mode == "complete" and m > n:
        raise GradError(
            "linalg.qr: The QR decomposition is not differentiable when mode='complete' and nrows > ncols: "
            f"{m} > {n}. Use mode='reduced'."
        )
    if m >= n:
        return _tall_qr_back(gq, gr, q, r)
    # Wide: R = [U V], A = [X Y], and X = Q U is square.  Of Y = Q V, gY = Q gV, and gQ gains gY Vᵀ.
    gr = r.new_zeros(r.array.shape) if gr is None else gr
    gu, gv, v = gr[..., :m], gr[..., m:], r[..., m:]
    through = q @ (v @ gv.mT)
    left = _tall_qr_back(through if gq is None else gq + through, gu, q, r[..., :m])
    return cat([left, q @ gv], -1)


def _tall_qr_back(gq: Tensor | None, gr: Tensor | None, q: Tensor, r: Tensor) -> Tensor:
    inner = -(gq.mT @ q) if gq is not None else none(r)
    if gr is not None:
        inner = inner + r @ gr.mT
    outer = q @ (tril(inner) + tril(inner, -1).mT)
    back: Tensor = triangular(r, outer.mT if gq is None else (gq + outer).mT, True, False).mT  # outer R⁻ᵀ
    return back


# Singular values


def svd_of(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """(U, S, Vh) with U S Vᵀ = A, U and V orthogonal, S ≥ 0 from the greatest down; k = min(m, n).

    Shapes: U (…, m, m), S (…, k), Vh (…, n, n); unless ``full_matrices``, U (…, m, k) and Vh (…, k, n).
    Its derivative needs singular values that differ.

    >>> torch.linalg.svd(torch.tensor([[3., 0.], [0., 4.]])).S
    tensor([4., 3.])
    """
    expect_matrices("linalg.svd", A)
    _expect_driver(driver)
    return return_types.linalg_svd(*singular(A, full_matrices))


def _expect_driver(driver: str | None) -> None:
    if driver is not None:
        raise DTypeError("linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER.")


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """(U, S, V) with U S Vᵀ = x: as ``linalg.svd``, but V itself, and reduced if ``some``.

    Unless ``compute_uv``, U and V are zeros.
    """
    expect_matrices("linalg.svd", input)
    if not compute_uv:
        m, n = input.array.shape[-2:]
        batch = tuple(input.array.shape[:-2])
        u, v = (zeros((*batch, size, size), dtype=input.dtype, device=input.device) for size in (m, n))
        return return_types.svd(u, svdvals(input), v)
    u, s, vh = singular(input, not some)
    return return_types.svd(u, s, vh.mT)


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values, from the greatest down: (…, m, n) → (…, min(m, n))."""
    expect_matrices("linalg.svd", A)
    _expect_driver(driver)
    if A.node is not None and mode.enabled:
        return singular(A, False)[1]
    return wrap(k.svdvals(A.array))


@op("LinalgSvd")
def singular(a: Tensor, full: bool) -> tuple[Tensor, ...]:
    """(U, S, Vᵀ)"""
    return records(k.svd(a.array, full), (a, lambda g1, g2, g3, y1, y2, y3: _svd_back(g1, g2, g3, y1, y2, y3)))


def _svd_back(gu: Any, gs: Any, gv: Any, u: Tensor, s: Tensor, vh: Tensor) -> Tensor:
    """U (skew(Uᵀ g_U)/E · S + S · skew(Vᵀ g_V)/E + diag g_S) Vᵀ + what leaves the two spaces; E_ij = s_j² - s_i².

    Source: Giles, "An extended collection of matrix derivative results" (2008), section 3.3.
    """
    m, n, size = u.array.shape[-2], vh.array.shape[-1], s.array.shape[-1]
    u, vh = u[..., :size], vh[..., :size, :]
    if gu is None and gv is None:
        return u @ (unsqueeze(gs, -1) * vh)
    squares = s * s
    gaps = unsqueeze(squares, -2) - unsqueeze(squares, -1) + eye(size, dtype=s.dtype, device=s.device)
    wide = unsqueeze(s, -2)
    inner = diag_embed(gs) if gs is not None else None
    outside = []
    if gu is not None:
        gu = gu[..., :size]
        turn = u.mT @ gu
        inner = _plus(inner, (turn - turn.mT) / gaps * wide)
        if m > size:
            outside.append(((gu - u @ turn) / wide) @ vh)
    if gv is not None:
        gvh = gv[..., :size, :]
        turn = vh @ gvh.mT  # Vᵀ g_V
        inner = _plus(inner, unsqueeze(s, -1) * ((turn - turn.mT) / gaps))
        if n > size:
            outside.append(u @ ((gvh - turn.mT @ vh) / unsqueeze(s, -1)))
    y = u @ inner @ vh
    for part in outside:
        y = y + part
    return y


def _plus(a: Tensor | None, b: Tensor) -> Tensor:
    return b if a is None else a + b


# Eigenvalues


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """(eigenvalues in ascending order, eigenvectors as columns) of symmetric matrices, of which one triangle is read.

    Shapes: (…, n, n) → (…, n), (…, n, n).  The derivative of the eigenvectors needs eigenvalues that differ.

    >>> torch.linalg.eigh(torch.tensor([[2., 0.], [0., 1.]])).eigenvalues
    tensor([1., 2.])
    """
    return return_types.linalg_eigh(*symmetric(A, _upper(A, UPLO)))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices in ascending order: (…, n, n) → (…, n)."""
    upper = _upper(A, UPLO)
    if A.node is not None and mode.enabled:
        return symmetric(A, upper)[0]
    return wrap(k.eigvalsh(A.array, upper))


def _upper(a: Tensor, triangle: str) -> bool:
    expect_square("linalg.eigh", a)
    if triangle not in ("L", "l", "U", "u"):
        raise ShapeError(f"linalg.eigh: Expected UPLO argument to be 'L' or 'U', but got {triangle}.")
    return triangle in "Uu"


@op("LinalgEigh")
def symmetric(a: Tensor, upper: bool) -> tuple[Tensor, ...]:
    """(eigenvalues, eigenvectors)"""
    return records(k.eigh(a.array, upper), (a, lambda g1, g2, y1, y2: _eigh_back(g1, g2, y1, y2)))


def _eigh_back(g: Tensor | None, gv: Tensor | None, values: Tensor, v: Tensor) -> Tensor:
    """V (diag g + Vᵀ g_V / E) Vᵀ, E_ij = λ_j - λ_i (Giles, 2008, section 3.1)"""
    if gv is None:
        assert g is not None
        alone: Tensor = (v * unsqueeze(g, -2)) @ v.mT
        return alone
    one = eye(values.array.shape[-1], dtype=v.dtype, device=v.device)
    gaps = unsqueeze(values, -2) - unsqueeze(values, -1) + one
    inner = v.mT @ gv / gaps * (1 - one)
    y: Tensor = v @ (inner if g is None else inner + diag_embed(g)) @ v.mT
    return y


# How many directions a matrix has


def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The pseudo-inverse A⁺ (Moore and Penrose): (…, m, n) → (…, n, m).

    Singular values up to max(atol, rtol · the greatest) count as 0; rtol is max(m, n) · eps unless one of them is
    given.  With ``hermitian``, A is taken to be symmetric.

    >>> torch.linalg.pinv(torch.tensor([[2., 0.], [0., 0.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    if A.array.ndim < 2 or A.array.dtype.char not in "fd":
        raise DTypeError(
            f"linalg.pinv({A.dtype}{tuple(A.array.shape)}): expected a tensor with 2 or more dimensions of float, "
            "double, cfloat or cdouble types."
        )
    if hermitian:
        expect_equal_sides("linalg.pinv", A)
    return pseudo_inverse(A, atol, rtol if rtol is not None else rcond, hermitian)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse; see ``linalg.pinv``."""
    return pinv(input, rcond)


@op("LinalgPinv")
def pseudo_inverse(a: Tensor, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
    """a⁺"""
    y = _pseudo_inverse(a.detach(), atol, rtol, hermitian)
    return record(y.array, (a, lambda g, y: _pinv_back(g, a, y)))


def _pseudo_inverse(a: Tensor, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
    if hermitian:
        s, u = (wrap(part) for part in k.eigh(a.array, False))
        vh = u.mT
    else:
        u, s, vh = (wrap(part) for part in k.svd(a.array, False))
    kept = s.abs() > _tolerance(a, s.abs(), atol, rtol)
    inverted = where(kept, 1 / where(kept, s, 1.0), 0.0)
    y: Tensor = vh.mT @ (unsqueeze(inverted, -1) * u.mT)
    return y


def _pinv_back(g: Tensor, a: Tensor, p: Tensor) -> Tensor:
    """-(P gᵀ P)ᵀ + (1 - A P) gᵀ P Pᵀ + Pᵀ P gᵀ (1 - P A), at constant rank (Golub and Pereyra, 1973)."""
    turned, within = p.mT @ g @ p.mT, g.mT @ p @ p.mT
    across = p.mT @ p @ g.mT
    y: Tensor = within - a @ (p @ within) + across - (across @ p) @ a - turned
    return y


def _tolerance(a: Tensor, s: Tensor, atol: Any, rtol: Any) -> Tensor:
    """(…, 1): up to where a singular value counts as 0."""
    floor = _number(0.0 if atol is None else atol, a)
    if rtol is None:
        share = where(floor > 0, 0.0, max(a.array.shape[-2:]) * finfo(a.dtype).eps)
    else:
        share = _number(rtol, a)
    greatest = s.amax(-1, keepdim=True) if s.array.shape[-1] else zeros((*s.array.shape[:-1], 1), dtype=s.dtype)
    return (greatest * share).maximum(floor)


def _number(value: Any, like: Tensor) -> Tensor:
    """A tolerance, a number or a tensor of one per matrix, as (…, 1)."""
    if hasattr(value, "array"):
        return unsqueeze(value.to(like.dtype), -1)
    return wrap(memory.full.on(like.device)((1,), float(value), like.dtype))


def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """How many singular values are above max(atol, rtol · the greatest), int64; see ``linalg.pinv``.

    ``tol`` is an older name of atol, with rtol = 0.

    >>> torch.linalg.matrix_rank(torch.ones(3, 3))
    tensor(1)
    """
    if A.array.ndim < 2:
        raise ShapeError(
            "linalg.matrix_rank: The input tensor input must have at least 2 dimensions, got shape "
            f"{tuple(A.array.shape)}."
        )
    expect_wide_floats("linalg.matrix_rank", A)
    a = A.detach()
    s = eigvalsh(a).abs() if hermitian else svdvals(a)
    bound = unsqueeze(tol, -1) if hasattr(tol, "array") else tol
    return sum(s > (_tolerance(a, s, atol, rtol) if tol is None else bound), -1)


# Least squares


DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """(solution, residuals, rank, singular_values): the X of least ‖A X - B‖, and of least norm among those.

    Shapes: A (…, m, n), B (…, m, c) or (…, m) → X (…, n, c) or (…, n).  ``residuals`` are ‖A X - B‖² per column where
    m > n and the rank is full, else empty; ``singular_values`` are given with driver "gelsd" or "gelss".
    """
    _expect_lstsq(A, B, driver)
    vectors = B.array.ndim == A.array.ndim - 1
    b = unsqueeze(B, -1) if vectors else B
    x = titled(pseudo_inverse(A, None, rcond, False) @ b, "LinalgLstsqBackward0")
    a, nothing = A.detach(), zeros((0,), dtype=A.dtype, device=A.device)
    m, n = a.array.shape[-2:]
    rank = matrix_rank(a, rtol=rcond)
    chosen = driver or "gelsy"
    residuals = nothing
    if chosen != "gelsy" and m > n and bool((rank == n).all()):
        apart = A @ x - b
        residuals = sum(apart * apart, -2)
    return return_types.linalg_lstsq(
        titled(x.squeeze(-1), "LinalgLstsqBackward0") if vectors else x,
        titled(residuals, "LinalgLstsqBackward0"),
        zeros((0,), dtype=int64, device=A.device) if chosen == "gels" else rank,
        svdvals(a) if chosen in ("gelsd", "gelss") else nothing,
    )


def _expect_lstsq(a: Tensor, b: Tensor, driver: str | None) -> None:
    expect_matrices("linalg.lstsq", a, "input")
    if driver is not None and driver not in DRIVERS:
        raise ShapeError(f"linalg.lstsq: parameter `driver` should be one of ({', '.join(DRIVERS)}), got {driver!r}.")
    if b.array.dtype != a.array.dtype:
        raise DTypeError(f"linalg.lstsq: Expected input and other to have the same dtype, got {a.dtype} and {b.dtype}.")
    rows = b.array.shape[-1 if b.array.ndim == a.array.ndim - 1 else -2] if b.array.ndim else 0
    if not b.array.ndim or rows != a.array.shape[-2]:
        raise ShapeError(
            f"linalg.lstsq: input.size(-2) should match other.size(-2), got {tuple(a.array.shape)} and "
            f"{tuple(b.array.shape)}."
        )
