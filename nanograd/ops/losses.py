"""Losses of element by element: squared errors, and the cross entropy of yes and no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.kernels import losses as k
from nanograd.ops.activation import expect_curve
from nanograd.ops.elementary import log, log1p
from nanograd.ops.normalization import reduced
from nanograd.ops.op import fuses, lift, op, record, titled, wrap

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["binary_cross_entropy", "squared_error"]


@op("MseLoss")
def squared_error(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """loss = mean of (x - t)² over all elements; "sum" adds up, "none" leaves them.

    >>> squared_error(torch.tensor([1., 2.]), torch.tensor([1., 4.]))
    tensor(2.)
    """
    away = input - target
    return titled(reduced(away * away, reduction, "mse_loss"), "MseLossBackward0")


@fuses(squared_error, k.squared_error, k.squared_error_grad)
def squared_error_fused(input: Tensor, target: Tensor, reduction: str) -> Any:
    """The sum in one pass, and one pass back."""
    x, t = input.array, target.array
    if reduction not in ("mean", "sum") or x.shape != t.shape or x.dtype is not t.dtype or x.dtype.char not in "fd":
        return NotImplemented
    if not x.size:
        return NotImplemented
    share = 1 / x.size if reduction == "mean" else 1.0
    loss = k.squared_error(x, t, share)
    return record(
        loss,
        (input, lambda g: wrap(k.squared_error_grad(g.array, input.array, target.array, 2 * share))),
        (target, lambda g: wrap(k.squared_error_grad(g.array, input.array, target.array, -2 * share))),
    )


@op
def binary_cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    """y = -(t ln x + (1 - t) ln(1 - x)) of each element; logarithms are never below -100.

    The derivative in x divides by at least 10⁻¹²: at 0 and 1 it is large, not infinite.
    """
    x, t = lift(input, target)
    expect_curve("binary_cross_entropy", x)
    return record(
        k.binary_cross_entropy(x.array, t.array),
        (x, lambda g: _bce_back(g, x, t)),
        (t, lambda g: g * (log1p(-x).clamp(min=-100) - log(x).clamp(min=-100))),
    )


def _bce_back(g: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """g (x - t) / (x (1 - x)), the divisor at least 10⁻¹²."""
    return g * (x - t) / ((1 - x) * x).clamp(min=1e-12)
