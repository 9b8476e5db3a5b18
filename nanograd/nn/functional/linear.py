"""Maps that are linear in each of their inputs."""

from __future__ import annotations

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.linalg import linear
from nanograd.tensors import Tensor

__all__ = ["bilinear", "linear"]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[k] = aᵀ W[k] b + bias[k]: (…, in1) (…, in2) (out, in1, in2) (out,) → (…, out)

    Raises ShapeError for sizes that do not fit, DTypeError for different dtypes.
    """
    _check_bilinear(input1, input2, weight, bias)
    outer, (out, in1, in2) = input1.array.shape[:-1], weight.array.shape
    a, b = input1.reshape(-1, in1), input2.reshape(-1, in2)
    half = (a @ weight.permute(1, 0, 2).reshape(in1, out * in2)).view(-1, out, in2)  # aᵀ W[k] for every k
    y = (half @ b.unsqueeze(2)).squeeze(2)
    return (y if bias is None else y + bias).view(*outer, out)


def _check_bilinear(a: Tensor, b: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if len({t.array.dtype for t in (a, b, weight)}) > 1:
        raise DTypeError(f"bilinear: expected one dtype, got {a.dtype}, {b.dtype} and {weight.dtype}.")
    p, q, w = a.array.shape, b.array.shape, weight.array.shape
    if not p or p[:-1] != q[:-1]:
        raise ShapeError(
            f"bilinear(): input batch dimensions do not match: got {tuple(p)} and {tuple(q)}, expected (…, in1) and "
            "(…, in2)."
        )
    if len(w) != 3 or (p[-1], q[-1]) != w[1:] or (bias is not None and bias.array.shape != w[:1]):
        raise ShapeError(
            f"bilinear(): input sizes do not match weight size: got inputs {tuple(p)} and {tuple(q)} and weight "
            f"{tuple(w)}, expected weight (out, in1, in2) and bias (out,)."
        )
