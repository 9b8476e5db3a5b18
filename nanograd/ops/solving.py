"""Linear equations: inverses, solutions, determinants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nanograd import return_types
from nanograd.dtypes import finfo
from nanograd.errors import DTypeError, GradError, LinAlgError, ShapeError
from nanograd.kernels import decomposition as k
from nanograd.ops.broadcasting import broadcast_shapes, expand
from nanograd.ops.comparison import where
from nanograd.ops.creation import tensor
from nanograd.ops.diagonals import tril, triu
from nanograd.ops.kinds import none
from nanograd.ops.op import op, record, records, same_device, titled, wrap
from nanograd.ops.ranges import eye
from nanograd.ops.refusing import no_tensor
from nanograd.ops.shape import movedim, to_shape, unsqueeze
from nanograd.tape import mode, no_grad

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "det", "inverse", "logdet", "slogdet", "triangular_solve",
]  # fmt: skip


# What is taken


def expect_matrices(name: str, a: Tensor, what: str = "A") -> None:
    """Raises ShapeError for fewer than 2 dimensions, DTypeError for what LAPACK does not take."""
    try:
        if a.array.ndim < 2:
            raise ShapeError(
                f"{name}: The input tensor {what} must have at least 2 dimensions, got shape {tuple(a.array.shape)}."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    expect_wide_floats(name, a)


def expect_wide_floats(name: str, a: Tensor) -> None:
    """Raises DTypeError for what is neither float32 nor float64."""
    if a.array.dtype.kind != "f":
        raise DTypeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {a.dtype}. Use .float() first."
        )
    if a.array.dtype.char not in "fd":
        raise DTypeError(f"{name}: Low precision dtypes not supported. Got {a.dtype}. Use .float() first.")


def expect_square(name: str, a: Tensor) -> None:
    """Raises ShapeError for what is no batch of square matrices, DTypeError for what LAPACK does not take."""
    expect_matrices(name, a)
    expect_equal_sides(name, a)


def expect_equal_sides(name: str, a: Tensor) -> None:
    """Raises ShapeError where the last two sizes differ."""
    m, n = a.array.shape[-2:]
    if m != n:
        raise ShapeError(f"{name}: A must be batches of square matrices, but they are {m} by {n} matrices.")


def expect_pair(name: str, a: Tensor, b: Tensor) -> None:
    """Raises DTypeError for two dtypes, DeviceError for two devices."""
    same_device(a, b)
    if a.array.dtype != b.array.dtype:
        raise DTypeError(
            f"{name}: Expected A and B to have the same dtype, but found A of type {a.dtype} and B of type {b.dtype} "
            f"instead. Convert one: B.to({a.dtype})."
        )


def expect_fit(name: str, a: Tensor, b: Tensor, left: bool) -> None:
    """Raises ShapeError where A X = B, or X A = B, cannot be."""
    p, q = a.array.shape[-2:], b.array.shape[-2:]
    if p[0] != q[-2 if left else -1]:
        raise ShapeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({p[0]}x{p[1]} and {q[0]}x{q[1]})."
        )


def expect_success(name: str, info: Tensor, why: Callable[[int], str]) -> None:
    """Raises LinAlgError for the first matrix of a batch whose ``info`` is not 0."""
    if not bool((info != 0).any()):
        return
    numbers = to_shape(info, (info.array.size,)).tolist()
    first = next(i for i, n in enumerate(numbers) if n)
    element = f"(Batch element {first}): " if info.array.ndim else ""
    raise LinAlgError(f"{name}: {element}{why(numbers[first])}")


def _singular(pivot: int) -> str:
    return (
        f"The diagonal element {pivot} is zero, the inversion could not be completed because the input matrix is "
        "singular."
    )


# Inverses


def inv(A: Tensor) -> Tensor:
    """A⁻¹ of square matrices: (…, n, n) → (…, n, n).  Raises LinAlgError for singular ones.

    >>> torch.linalg.inv(torch.tensor([[2., 0.], [0., 4.]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return _inverse("linalg.inv", A)


def inverse(input: Tensor) -> Tensor:
    """x⁻¹ of square matrices; see ``linalg.inv``."""
    return _inverse("linalg.inv", input)


def _inverse(name: str, a: Tensor) -> Tensor:
    expect_square(name, a)
    y, info = inverted(a)
    expect_success(name, info, _singular)
    return y


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """(A⁻¹, info): nothing is raised for singular matrices, but their ``info`` (int32) is not 0, their inverse NaN."""
    expect_square("linalg.inv_ex", A)
    y, info = inverted(A)
    if check_errors:
        expect_success("linalg.inv_ex", info, _singular)
    return return_types.linalg_inv_ex(y, info)


@op("LinalgInvEx")
def inverted(a: Tensor) -> tuple[Tensor, ...]:
    """(a⁻¹, info)"""
    return records(k.inv(a.array), (a, lambda g1, g2, y1, y2: -(y1.mT @ g1 @ y1.mT)))


# Solutions


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The X with A X = B (X A = B unless ``left``): A (…, n, n), B (…, n, m) or (…, n), batches broadcast.

    Raises LinAlgError for singular matrices.

    >>> torch.linalg.solve(torch.tensor([[2., 0.], [0., 4.]]), torch.tensor([2., 2.]))
    tensor([1.0000, 0.5000])
    """
    return solve_ex(A, B, left=left, check_errors=True).result  # type: ignore[no-any-return]


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """(X, info): as ``solve``, but singular matrices are only noted in ``info`` (int32); their X is NaN."""
    expect_square("linalg.solve", A)
    expect_pair("linalg.solve", A, B)
    if not B.array.ndim:
        raise ShapeError("linalg.solve: The input tensor B must have at least 2 dimensions, got a 0-d tensor.")
    vectors = B.array.ndim == 1 or (B.array.ndim + 1 == A.array.ndim and B.array.shape == A.array.shape[:-1])
    if vectors and A.array.ndim > 2 and not left:
        raise ShapeError("linalg.solve: several vectors go with left=True only. Make B matrices: B.unsqueeze(-1).")
    b = unsqueeze(B, -1) if vectors else B
    expect_fit("linalg.solve", A, b, left)
    x, info = solved(A, b) if left else solved(A.mT, b.mT)
    if check_errors:
        expect_success("torch.linalg.solve", info, lambda _: "The solver failed because the input matrix is singular.")
    x = x if left else x.mT
    return return_types.linalg_solve_ex(titled(x.squeeze(-1) if vectors else x, "LinalgSolveExBackward0"), info)


@op("LinalgSolveEx")
def solved(a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    """(the x with a x = b, info)"""
    return records(
        k.solve(a.array, b.array),
        (a, lambda g1, g2, y1, y2: -(solved(a.mT, g1)[0] @ y1.mT)),
        (b, lambda g1, g2: solved(a.mT, g1)[0]),
    )


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The X with A X = B (X A = B unless ``left``), A triangular: A (…, n, n), B (…, n, m), batches broadcast.

    The other triangle of A is not looked at, nor the diagonal if ``unitriangular``.  A zero on the diagonal gives
    infinite or NaN solutions.
    """
    expect_square("linalg.solve_triangular", A)
    expect_pair("linalg.solve_triangular", A, B)
    expect_matrices("linalg.solve_triangular", B, "B")
    expect_fit("linalg.solve_triangular", A, B, left)
    if left:
        return triangular(A, B, upper, unitriangular)
    return titled(triangular(A.mT, B.mT, not upper, unitriangular).mT, "LinalgSolveTriangularBackward0")


@op("LinalgSolveTriangular")
def triangular(a: Tensor, b: Tensor, upper: bool, unit: bool) -> Tensor:
    """The x with a x = b, a triangular."""
    return record(
        k.solve_triangular(a.array, b.array, upper, unit),
        (a, lambda g, y: -_part(triangular(a.mT, g, not upper, unit) @ y.mT, upper, unit)),
        (b, lambda g: triangular(a.mT, g, not upper, unit)),
    )


def _part(x: Tensor, upper: bool, unit: bool) -> Tensor:
    return triu(x, int(unit)) if upper else tril(x, -int(unit))


def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """(the x with A x = b, or Aᵀ x = b; A): see ``linalg.solve_triangular``."""
    for what, x in (("b", input), ("A", A)):
        if x.array.ndim < 2:
            raise ShapeError(
                f"triangular_solve: Expected {what} to have at least 2 dimensions, but it has {x.array.ndim} "
                "dimensions instead."
            )
    expect_square("triangular_solve", A)
    expect_pair("triangular_solve", A, input)
    expect_fit("triangular_solve", A, input, True)
    full = broadcast_shapes(A.array.shape[:-2], input.array.shape[:-2])
    A = expand(A, (*full, *A.array.shape[-2:]))
    a = A.mT if transpose else A
    y = titled(triangular(a, input, upper != transpose, unitriangular), "TriangularSolveBackward0")
    return return_types.triangular_solve(y, titled(A.clone(), "TriangularSolveBackward0"))


# Determinants


@op("LinalgDet")
def det(input: Tensor) -> Tensor:
    """The determinant of square matrices: (…, n, n) → (…).

    >>> torch.linalg.det(torch.tensor([[1., 2.], [3., 4.]]))
    tensor(-2.)
    """
    a = input
    expect_square("linalg.det", a)
    return record(k.det(a.array), (a, lambda g, y: unsqueeze(unsqueeze(g, -1), -1) * _cofactors(a, y)))


def det_of(A: Tensor) -> Tensor:
    """The determinant of square matrices: (…, n, n) → (…)."""
    return det(A)


def _cofactors(a: Tensor, value: Tensor) -> Tensor:
    """∂ det a / ∂ a: det(a) a⁻ᵀ, which has a limit where a is singular."""
    inverse, info = inverted(a)
    side, lost = a.array.shape[-1], bool((info != 0).any())
    if not lost and not (_ill(a, inverse) and (not mode.enabled or side <= FEW)):
        regular: Tensor = unsqueeze(unsqueeze(value, -1), -1) * inverse.mT
        return regular
    if not mode.enabled:
        return _products_of_others(a)
    if side > FEW:
        raise GradError(
            f"linalg.det: the second derivative at a singular matrix is known here up to {FEW} by {FEW}, got {side} by "
            f"{side}. Add a little to its diagonal."
        )
    return _minors(a)


FEW = 32
"""So many rows may a singular matrix have whose minors are computed one by one."""


def _ill(a: Tensor, inverse: Tensor) -> bool:
    """Whether rounding leaves fewer than three digits of some inverse."""
    with no_grad():
        growth = (a.abs().sum(-1).amax() * inverse.abs().sum(-1).amax()) if a.array.size else 0
    return bool(growth > 1e-3 / finfo(a.dtype).eps)


def _products_of_others(a: Tensor) -> Tensor:
    """The cofactors of a = U S Vᵀ: those of S are the products of its other elements, turned by U and Vᵀ."""
    u, s, v = (wrap(part) for part in k.svd(a.array, True))
    others = where(eye(s.array.shape[-1], device=s.device) != 0, 1.0, unsqueeze(s, -2)).prod(-1)
    turned = unsqueeze(det(u) * det(v), -1)
    y: Tensor = (u * unsqueeze(others * turned, -2)) @ v
    return y


def _minors(a: Tensor) -> Tensor:
    """The cofactors as determinants of what is left without row i and column j: of any order of derivative."""
    n = a.array.shape[-1]
    rest = tensor([[j for j in range(n) if j != i] for i in range(n)], device=a.device).long().reshape(n, n - 1)
    signs = tensor([[(-1.0) ** (i + j) for j in range(n)] for i in range(n)], dtype=a.dtype, device=a.device)
    minors = a[..., rest[:, None, :, None], rest[None, :, None, :]]  # (…, n, n, n - 1, n - 1)
    return signs * det(minors)


def slogdet(input: Tensor) -> Any:
    """(sign, logabsdet) of square matrices: the determinant is sign · e^logabsdet; (0, -∞) of singular ones."""
    return return_types.slogdet(*signed_logdet("slogdet", input))


def slogdet_of(A: Tensor) -> Any:
    """(sign, logabsdet) of square matrices: the determinant is sign · e^logabsdet; (0, -∞) of singular ones.

    >>> torch.linalg.slogdet(-torch.eye(3))
    torch.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(0.))
    """
    return return_types.linalg_slogdet(*signed_logdet("linalg.slogdet", A))


@op("LinalgSlogdet")
def signed_logdet(name: str, a: Tensor) -> tuple[Tensor, ...]:
    """(the sign of the determinant, ln of its size)"""
    expect_square(name, a)
    return records(k.slogdet(a.array), (a, lambda g1, g2: _slogdet_back(a, g2)))


def _slogdet_back(a: Tensor, g: Tensor | None) -> Tensor:
    return none(a) if g is None else unsqueeze(unsqueeze(g, -1), -1) * inverted(a)[0].mT


def logdet(input: Tensor) -> Tensor:
    """ln of the determinant of square matrices; NaN where it is negative."""
    sign, size = signed_logdet("logdet", input)
    return where(sign.detach() == -1, math.nan, size)


# Tensors as matrices


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its last dimensions, from ``ind`` on, to its first: sizes (last, first)."""
    if ind <= 0:
        raise ShapeError(f"linalg.tensorinv: Expected a strictly positive integer for 'ind', but got {ind}.")
    shape = tuple(A.array.shape)
    rows, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if rows != columns:
        raise ShapeError(
            "linalg.tensorinv: Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {columns} != {rows}."
        )
    y = to_shape(_inverse("inv", to_shape(A, (rows, columns))), (*shape[ind:], *shape[:ind]))
    return titled(y, "ReshapeAliasBackward0")


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """The X with tensordot(A, X, X.ndim) = B; ``dims`` of A go last first."""
    if dims is not None:
        given = (dims,) if isinstance(dims, int) else tuple(dims)
        A = movedim(A, given, tuple(range(-len(given), 0)))
    shape = tuple(A.array.shape[B.array.ndim :])
    rows, columns = math.prod(A.array.shape[: B.array.ndim]), math.prod(shape)
    if rows != columns:
        raise ShapeError(
            "linalg.tensorsolve: Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {columns} != {rows}."
        )
    return to_shape(solve(to_shape(A, (rows, columns)), to_shape(B, (B.array.size,))), shape)
