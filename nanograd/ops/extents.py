"""The sizes of windows: one number for every dimension, or a number for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.shape import to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

Sizes = tuple[int, ...]

__all__ = ["Sizes", "batched", "by", "each", "expect_tensor", "outputs", "unbatched"]


def each(name: str, value: Any, dims: int) -> Sizes:
    """An integer for each of ``dims`` dimensions.  Raises DTypeError for anything but one integer, or so many.

    >>> each("conv2d stride", 2, 2)
    (2, 2)
    """
    if type(value) is int:
        return (value,) * dims
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if not all(type(v) is int or (hasattr(v, "__index__") and not isinstance(v, bool)) for v in values):
        raise DTypeError(f"{name}: expected an integer, or {dims} of them (tuple of ints), got {value!r:.60}.")
    if len(values) not in (1, dims):
        raise DTypeError(f"{name}: expected a single integer value or a list of {dims} values, got {value!r:.60}.")
    return tuple(int(v) for v in (values * dims if len(values) == 1 else values))


def expect_tensor(name: str, x: Any, what: str = "input") -> None:
    """Raises DTypeError for what is no tensor."""
    if not hasattr(x, "array"):
        raise DTypeError(
            f"{name}: argument '{what}' must be Tensor, not {type(x).__name__}: make one with torch.tensor(...)."
        )


def by(sizes: Sizes) -> str:
    """(3 x 4), as torch writes it."""
    return f"({' x '.join(map(str, sizes))})"


def batched(name: str, x: Tensor, dims: int) -> Tensor:
    """x (N, C, *in), the batch added where it is missing.  Raises ShapeError for other numbers of dimensions."""
    expect_tensor(name, x)
    shape = x.array.shape
    if len(shape) == dims + 2:
        return x
    if len(shape) != dims + 1:
        raise ShapeError(
            f"{name}: Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of "
            f"size: {list(shape)}. Dimensions are (batch, channels, {', '.join(['depth', 'height', 'width'][-dims:])})."
        )
    return to_shape(x, (1, *shape))


def unbatched(y: Tensor, like: Tensor) -> Tensor:
    """y without the batch that ``batched`` added to ``like``."""
    return y if y.array.ndim == like.array.ndim else y.squeeze(0)


def outputs(have: Sizes, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool = False) -> Sizes:
    """How many windows fit along each dimension; with ``ceil_mode`` also one that reaches over the end."""
    counts = []
    for n, k, s, p, d in zip(have, size, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        counts.append(count - (ceil_mode and (count - 1) * s >= n + p))  # no window starts in the far padding
    return tuple(counts)
