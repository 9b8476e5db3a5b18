"""How far apart the rows of two matrices are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import matmul as k
from nanograd.ops.comparison import where
from nanograd.ops.kinds import expect_one_dtype, none
from nanograd.ops.linalg import matmul
from nanograd.ops.norms import p_norm
from nanograd.ops.op import op, record, titled
from nanograd.ops.reduction import sum
from nanograd.ops.shape import unsqueeze

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["cdist"]

MANY = 25  # rows beyond which torch computes distances from a matrix product
MODES = {
    "use_mm_for_euclid_dist_if_necessary": None,
    "use_mm_for_euclid_dist": True,
    "donot_use_mm_for_euclid_dist": False,
}


def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """‖a_i - b_j‖ of every row of a and every row of b, in the p-norm: (…, n, d) (…, m, d) → (…, n, m).

    Its derivative at distance 0 is 0.  Raises ShapeError where the rows differ in length, or for p < 0.

    >>> torch.cdist(torch.tensor([[0., 0.]]), torch.tensor([[3., 4.], [0., 1.]]))
    tensor([[5., 1.]])
    """
    a, b = x1, x2
    _check_cdist(a, b, p)
    if compute_mode is not None and compute_mode not in MODES:
        raise ValueError(
            f"cdist: {compute_mode} is not a valid value for compute_mode: expected one of {', '.join(MODES)}."
        )
    many = max(a.array.shape[-2], b.array.shape[-2]) > MANY
    chosen = MODES[compute_mode or "use_mm_for_euclid_dist_if_necessary"]
    if not a.array.shape[-1]:
        return titled(matmul(a, b.mT), "CdistBackward0")  # of nothing: zeros
    if p == 2:
        by_product = many if chosen is None else chosen
        return titled(euclidean(a, b, by_product), "ViewBackward0" if by_product else "CdistBackward0")
    apart = unsqueeze(a, -2) - unsqueeze(b, -3)
    return titled(p_norm(apart, p, (apart.array.ndim - 1,), False), "CdistBackward0")


def _check_cdist(a: Tensor, b: Tensor, p: float) -> None:
    for name, x in (("X1", a), ("X2", b)):
        if x.array.dtype.char not in "fd":
            raise DTypeError(f"cdist: only supports floating-point dtypes (float32, float64), {name} got: {x.dtype}.")
        if x.array.ndim < 2:
            raise ShapeError(f"cdist: only supports at least 2D tensors, {name} got: {x.array.ndim}D.")
    expect_one_dtype("cdist", a, b)
    m, n = a.array.shape[-1], b.array.shape[-1]
    if m != n:
        raise ShapeError(f"cdist: X1 and X2 must have the same number of columns. X1: {m} X2: {n}.")
    if not p >= 0:
        raise ShapeError(f"cdist: only supports non-negative p values, got {p}.")


@op("Cdist")
def euclidean(a: Tensor, b: Tensor, by_product: bool) -> Tensor:
    """√Σ (a_i - b_j)² of every row of a and of b."""
    y = k.distances(a.array, b.array, by_product)
    return record(
        y,
        (a, lambda g, y: _pulled(_shares(g, y), a, b)),
        (b, lambda g, y: _pulled(_shares(g, y).mT, b, a)),
    )


def _shares(g: Tensor, y: Tensor) -> Tensor:
    """g / y; 0 where two rows are the same."""
    return where(y == 0, none(y), g / where(y == 0, 1.0, y))


def _pulled(share: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Σ_j share_ij (a_i - b_j)"""
    return a * sum(share, -1, True) - share @ b
