"""Choosing by a mask, and the places of what is not zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd.dtypes import bool_, int64
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import index as k
from nanograd.kernels import memory
from nanograd.ops.broadcasting import common_shape, expand
from nanograd.ops.indexing import Steps, pick
from nanograd.ops.op import titled, wrap
from nanograd.ops.placing import stored
from nanograd.ops.shape import to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["argwhere", "masked_scatter", "masked_select", "nonzero", "nonzero_static", "unravel_index"]


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask, broadcast with x, holds: a vector.

    >>> x = torch.tensor([[1, 2], [3, 4]])
    >>> x.masked_select(x > 2)
    tensor([3, 4])
    """
    x, steps = _masked("masked_select", input, mask)
    return titled(pick(x, steps), "MaskedSelectBackward0")


def _masked(name: str, x: Tensor, mask: Tensor) -> tuple[Tensor, Steps]:
    if mask.array.dtype != bool_.numpy:
        raise DTypeError(f"{name}: expected BoolTensor for mask, got {mask.dtype}. Use mask.bool() or a comparison.")
    shape = common_shape(name, x, mask)
    wide = x if x.array.shape == shape else expand(x, shape)
    return wide, ((memory.copy(memory.expand(mask.array, shape)),),)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of x with the elements of ``source``, in order, where the mask holds.

    >>> torch.zeros(3).masked_scatter(torch.tensor([True, False, True]), torch.tensor([5.0, 6.0]))
    tensor([5., 0., 6.])
    """
    if source.array.dtype != input.array.dtype:
        raise DTypeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}. "
            f"Use source.to({input.dtype})."
        )
    x, steps = _masked("masked_scatter", input, mask)
    count = k.take(x.array, steps).size
    if source.array.size < count:
        raise ShapeError(
            f"masked_scatter: Number of elements of source < number of ones in mask: {source.array.size} < {count}."
        )
    line = to_shape(source, (source.array.size,))
    return titled(stored(x, steps, line[:count]), "MaskedScatterBackward0")


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """(n, ndim) places of the elements that are not zero; as a tuple of one tensor per dimension if asked.

    >>> torch.tensor([[0, 5], [7, 0]]).nonzero()
    tensor([[0, 1],
            [1, 0]])
    """
    if as_tuple:
        return tuple(wrap(k.nonzero(input.array if input.array.ndim else memory.reshape(input.array, (1,)))).unbind(1))
    return wrap(k.nonzero(input.array))


def argwhere(input: Tensor) -> Tensor:
    """(n, ndim) places of the elements that are not zero."""
    return nonzero(input)  # type: ignore[no-any-return]


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first ``size`` rows of ``nonzero``; rows of ``fill_value`` where there are fewer."""
    if size < 0:
        raise ShapeError(f"nonzero_static: 'size' must be an non-negative integer, got {size}.")
    found = k.nonzero(input.array)
    blank = memory.full.on(input.device)((size, input.array.ndim), fill_value, int64)
    rows: Steps = ((slice(min(size, found.shape[0])),),)
    return wrap(k.put_at(blank, rows, k.part(found, rows[0])))


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The places along each dimension of places in the row-major order of ``shape``.

    >>> torch.unravel_index(torch.tensor([5]), (2, 3))
    (tensor([1]), tensor([2]))
    """
    sizes = (int(shape),) if hasattr(shape, "__index__") else tuple(int(n) for n in shape)
    if indices.array.dtype.kind not in "iu":
        raise DTypeError(f"unravel_index: expected 'indices' to be integer dtype, but got {indices.dtype}.")
    if min(sizes, default=0) < 0:
        raise ShapeError(f"unravel_index: 'shape' cannot have negative values, but got {sizes}.")
    if indices.array.size and not math.prod(sizes):
        raise ShapeError(f"unravel_index: there is no place in a tensor of shape {sizes}.")
    return tuple(wrap(p) for p in k.unravel(memory.cast(indices.array, int64), sizes))
