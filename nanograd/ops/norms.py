"""How long a vector is, how far two are apart, and making rows shorter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd.dtypes import DType, to_dtype
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import elementwise
from nanograd.kernels import reduce as k
from nanograd.ops.comparison import where
from nanograd.ops.kinds import none
from nanograd.ops.op import Number, lift, op, record, titled
from nanograd.ops.reduction import Dims, NoElementsError, expect_floats, share_of, sum, with_ones
from nanograd.ops.shape import every_dim, movedim, one_dim, to_shape
from nanograd.ops.spectra import svdvals

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["dist", "norm", "renorm"]


@op("LinalgVectorNorm")
def p_norm(x: Tensor, p: float, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over ``dims``; p = ±∞ gives the extremes of |x|, p = 0 the number of elements that are not 0."""
    if (p < 0 or math.isinf(p)) and not math.prod([x.array.shape[d] for d in dims]):
        raise NoElementsError(f"norm: there is no norm of order {p} of no elements, and the shape is {x.array.shape}.")
    kept = with_ones(x.array.shape, dims)
    y = k.norm(x.array, float(p), dims, keepdim)
    return record(y, (x, lambda g, y: norm_back(x, p, dims, to_shape(g, kept), to_shape(y, kept))))


def norm_back(x: Tensor, p: float, dims: tuple[int, ...], g: Tensor, y: Tensor) -> Tensor:
    """g · ∂y/∂x of y = (Σ |x|ᵖ)^(1/p); 0 where y is 0."""
    if p == 0:
        return none(x)
    if p == 1:
        return g * x.sign()
    if math.isinf(p):
        return g * x.sign() * share_of(x.abs(), y, dims)
    safe = where(y == 0, 1.0, y)
    if p == 2:
        return where(y == 0, 0.0, x / safe) * g
    size = where(x == 0, 1.0, x.abs()) if p < 2 else x.abs()  # |x|^(p - 1) has a pole, or a vertical slope, at 0
    return where((y == 0) | (x == 0), 0.0, x.sign() * (size / safe) ** (p - 1)) * g


def norm(
    input: Tensor, p: Any = "fro", dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over ``dim`` (all dimensions when None); "fro" means 2.  Its derivative at 0 is 0.

    p = ±∞ gives the extremes of |x|, p = 0 the number of elements that are not 0, "nuc" of a matrix the sum of its
    singular values.

    >>> torch.tensor([3., -4.]).norm()
    tensor(5.)
    """
    expect_floats("norm", input)
    x = input if dtype is None else input.to(to_dtype(dtype))
    if p in ("fro", None):
        p = 2
    if p == "nuc":
        return _nuclear(x, every_dim("norm", dim, x.array.ndim), keepdim)
    if not isinstance(p, (int, float)):
        raise DTypeError(f"norm: expected p as a number or 'fro', got {p!r:.40}.")
    return p_norm(x, p, every_dim("norm", dim, x.array.ndim), keepdim)


def _nuclear(x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """Σ of the singular values of the matrices in two dimensions."""
    if len(dims) != 2:
        raise ShapeError(f"norm: p='nuc' is of matrices: dim must be a 2-tuple. Got {' '.join(map(str, dims))}.")
    y = sum(svdvals(movedim(x, dims, (-2, -1))), -1)
    return to_shape(y, with_ones(x.array.shape, dims)) if keepdim else y


def dist(input: Tensor, other: Tensor, p: Number = 2) -> Tensor:
    """‖a - b‖: the ``p``-norm of the difference, the inputs stretched to each other.

    >>> torch.dist(torch.tensor([1., 2.]), torch.tensor([4., 6.]))
    tensor(5.)
    """
    if not hasattr(other, "array"):
        raise DTypeError(f"dist: expected other as a tensor, got {type(other).__name__}.")
    a, b = lift(input, other)
    expect_floats("dist", a)
    return titled(p_norm(a - b, p, every_dim("dist", None, max(a.array.ndim, b.array.ndim)), False), "DistBackward0")


@op
def renorm(input: Tensor, p: Number, dim: int, maxnorm: Number) -> Tensor:
    """Each slice along ``dim`` whose p-norm is above ``maxnorm`` made that long; the others as they are.

    >>> torch.tensor([[3., 4.], [0., 1.]]).renorm(2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]])
    """
    x = input
    expect_floats("renorm", x)
    d = _check_renorm(x, p, dim, maxnorm)
    dims = tuple([i for i in range(x.array.ndim) if i != d])
    length = p_norm(x.detach(), p, dims, True)
    y = elementwise.mul(x.array, _scale(length, maxnorm).array)
    return record(y, (x, lambda g: _renorm_back(g, x, p, dims, maxnorm)))


def _check_renorm(x: Tensor, p: Number, dim: int, maxnorm: Number) -> int:
    if x.array.ndim < 2:
        raise ShapeError(f"renorm: input needs at least 2 dimensions, got {x.array.ndim} dimensions.")
    if p <= 0:
        raise ShapeError(f"renorm: non-positive-norm not supported: expected p > 0, got {p}.")
    if maxnorm < 0:
        raise ShapeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}.")
    return one_dim("renorm", dim, x.array.ndim)


def _scale(length: Tensor, maxnorm: Number) -> Tensor:
    return where(length > maxnorm, maxnorm / (length + 1e-7), 1.0)


def _renorm_back(g: Tensor, x: Tensor, p: Number, dims: tuple[int, ...], maxnorm: Number) -> Tensor:
    """g · scale + the part that comes from the change of the length."""
    length = p_norm(x, p, dims, True)
    change = norm_back(x, p, dims, sum(g * x, dims, True), length)
    return where(length > maxnorm, (g - change / (length + 1e-7)) * (maxnorm / (length + 1e-7)), g)
