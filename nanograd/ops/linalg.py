"""Matrix products and the linear layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import matmul as k
from nanograd.ops.kinds import expect_numbers
from nanograd.ops.op import fuses, lift, op, record, titled, wrap
from nanograd.ops.refusing import no_tensor

if TYPE_CHECKING:
    from nanograd.tensors import Tensor


__all__ = [
    "bmm", "dot", "matmul", "mm", "mv", "outer",
]  # fmt: skip


@op
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """y = a b, the matrix product: (…, n, k) (…, k, m) → (…, n, m), leading dimensions broadcast.

    A vector stands for a row on the left, for a column on the right, and that dimension is dropped again.
    Raises ShapeError where inner sizes differ; 0-d tensors have no matrix product.

    >>> torch.tensor([[1., 2.], [3., 4.]]) @ torch.tensor([1., 1.])
    tensor([3., 7.])
    """
    if not hasattr(other, "array"):
        raise DTypeError(f"matmul: expected a tensor, got {type(other).__name__}. Numbers are multiplied by *.")
    a, b = _same_dtype("matmul", input, other)
    p, q = a.array.shape, b.array.shape
    if not p or not q:
        raise ShapeError(
            f"matmul: both arguments need at least 1 dimension, got {tuple(p)} and {tuple(q)}. "
            "Numbers are multiplied by *."
        )
    if p[-1] != q[-2 if len(q) > 1 else 0]:
        place = "second-to-last" if len(q) > 1 else "only"
        raise ShapeError(
            f"matmul: cannot multiply {tuple(p)} by {tuple(q)}: the last dimension of the first ({p[-1]}) must equal "
            f"the {place} of the second ({q[-2 if len(q) > 1 else 0]})."
        )
    if len(p) == 1 or len(q) == 1:
        return _with_vectors(a, b)
    if len(p) == 2 == len(q):
        y: Tensor = record(k.matmul(a.array, b.array), (a, lambda g: g @ b.mT), (b, lambda g: a.mT @ g))
        return titled(y, "MmBackward0")
    _leading_fit(p, q)
    batched = record(k.matmul(a.array, b.array), (a, lambda g: g @ b.mT), (b, lambda g: _rows_product(a, b, g)))
    return titled(batched, "CloneBackward0" if len(p) == 2 else "UnsafeViewBackward0")


def _same_dtype(name: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    expect_numbers(name, a)
    if a.array.dtype != b.array.dtype:
        raise DTypeError(
            f"{name}: expected two tensors of one dtype, got {a.dtype} and {b.dtype}. Convert one: x.to({a.dtype})."
        )
    return lift(a, b)


def _leading_fit(p: tuple[int, ...], q: tuple[int, ...]) -> None:
    for m, n in zip(p[-3::-1], q[-3::-1], strict=False):
        if m != n and 1 not in (m, n):
            raise ShapeError(f"matmul: leading dimensions {tuple(p[:-2])} and {tuple(q[:-2])} do not broadcast.")


def _rows_product(a: Tensor, b: Tensor, g: Tensor) -> Tensor:
    """aᵀ g; where b is one matrix for all of a, the sum over a's matrices is one product of all their rows."""
    return matmul(a.mT, g) if b.array.ndim > 2 else matmul(as_rows(a).mT, as_rows(g))


def as_rows(x: Tensor) -> Tensor:
    """All leading dimensions as one: (…, k) → (n, k)."""
    return x.reshape(math.prod(x.array.shape[:-1]), x.array.shape[-1])


def _with_vectors(a: Tensor, b: Tensor) -> Tensor:
    m, n = a.array.ndim, b.array.ndim
    y = matmul(a.unsqueeze(0) if m == 1 else a, b.unsqueeze(1) if n == 1 else b)
    if n == 1:
        y = y.squeeze(-1)
    if m == 1:
        y = y.squeeze(-2 if n > 1 else -1)
    return titled(y, _VECTOR_TITLES.get((m, n), "UnsafeViewBackward0"))


_VECTOR_TITLES = {(1, 1): "DotBackward0", (2, 1): "MvBackward0", (1, 2): "SqueezeBackward4"}


def rmatmul(input: Tensor, other: Tensor) -> Tensor:
    """y = b a"""
    return matmul(other, input)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices: (n, k) (k, m) → (n, m)."""
    _ndims("mm", input, 2)
    _ndims("mm", mat2, 2)
    return matmul(input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A batch of matrix products: (b, n, k) (b, k, m) → (b, n, m).  Raises ShapeError where batches differ."""
    _ndims("bmm", input, 3)
    _ndims("bmm", mat2, 3)
    if input.array.shape[0] != mat2.array.shape[0]:
        raise ShapeError(f"bmm: batch sizes differ: {tuple(input.array.shape)} and {tuple(mat2.array.shape)}.")
    return titled(matmul(input, mat2), "BmmBackward0")


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Matrix times vector: (n, k) (k,) → (n,)."""
    _ndims("mv", input, 2)
    _ndims("mv", vec, 1)
    return matmul(input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ a b of two vectors."""
    _ndims("dot", input, 1)
    _ndims("dot", tensor, 1)
    return matmul(input, tensor)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """y[i, j] = a[i] b[j]"""
    _ndims("outer", input, 1)
    _ndims("outer", vec2, 1)
    return input.unsqueeze(1) * vec2


def _ndims(name: str, x: Tensor, ndim: int) -> None:
    try:
        if x.array.ndim != ndim:
            raise ShapeError(f"{name}: expected a tensor of {ndim} dimensions, got shape {tuple(x.array.shape)}.")
    except AttributeError as error:
        raise no_tensor(error) from None


@op("Addmm")
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b: (…, in) (out, in) (out,) → (…, out)

    >>> linear(torch.ones(1, 2), torch.tensor([[1., 2.], [3., 4.]]), torch.zeros(2))
    tensor([[3., 7.]])
    """
    _check_linear(input, weight, bias)
    y: Tensor = input @ weight.T
    if bias is not None:
        y = titled(y + bias, "AddmmBackward0" if input.array.ndim == 2 else "ViewBackward0")
    return y


def _check_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    try:
        try:
            p, q = x.array.shape, weight.array.shape
        except AttributeError as error:
            raise no_tensor(error) from None
        if len(q) != 2 or not p or p[-1] != q[1] or (bias is not None and bias.array.shape != q[:1]):
            b = "" if bias is None else f" and bias {tuple(bias.array.shape)}"
            if len(q) == 2 and p and p[-1] != q[1]:
                raise ShapeError(
                    f"linear: the input has {p[-1]} features (its last size), the layer takes {q[1]}: input "
                    f"{tuple(p)}, weight {tuple(q)}{b}. mat1 and mat2 shapes cannot be multiplied."
                )
            raise ShapeError(
                f"linear: cannot apply weight {tuple(q)}{b} to an input of shape {tuple(p)}: expected input (…, in), "
                "weight (out, in), bias (out,)."
            )
        for parameter in (weight, bias):
            if parameter is not None and parameter.array.dtype != x.array.dtype:
                raise DTypeError(
                    f"linear: the input is {x.dtype}, the layer's parameters are {parameter.dtype}: mat1 and mat2 must "
                    f"have the same dtype. Convert the input: x.to({parameter.dtype})."
                )
    except AttributeError as error:
        raise no_tensor(error) from None


@fuses(linear, k.linear, k.linear_grad, k.linear_grad_weight, k.linear_grad_bias)
def linear_fused(x: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
    """One call of BLAS and one pass that adds the bias; each gradient one kernel."""
    _check_linear(x, weight, bias)
    ndim = x.array.ndim
    if ndim == 1:
        return NotImplemented
    y = k.linear(x.array, weight.array, None if bias is None else bias.array)
    edges = (
        (x, lambda g: wrap(k.linear_grad(g.array, weight.array))),
        (weight, lambda g: wrap(k.linear_grad_weight(g.array, x.array))),
    )
    if bias is None:
        return titled(record(y, *edges), "MmBackward0" if ndim == 2 else "UnsafeViewBackward0")
    made = record(y, *edges, (bias, lambda g: wrap(k.linear_grad_bias(g.array))))
    return made if ndim == 2 else titled(made, "ViewBackward0")
