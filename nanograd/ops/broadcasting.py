"""Dimensions that repeat without being copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd.devices import cpu
from nanograd.dtypes import bool_
from nanograd.errors import ShapeError
from nanograd.kernels import memory as k
from nanograd.ops.op import op, same_device, view, wrap
from nanograd.ops.shape import Shape, Sizes, sizes

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["broadcast_shapes", "broadcast_tensors", "broadcast_to"]


@op
def expand(input: Tensor, size: Sizes, *more: int) -> Tensor:
    """The view in which dimensions of size 1 repeat (stride 0); -1 keeps a size, new dimensions come in front."""
    x = input
    have, want = x.array.shape, sizes("expand", size, more)
    new = len(want) - len(have)
    if new < 0:
        raise ShapeError(
            f"expand: {want} has fewer dimensions than the tensor's shape {tuple(have)}: the number of sizes provided "
            f"({len(want)}) must be greater or equal to the number of dimensions in the tensor ({len(have)})."
        )
    full = []
    for d, s in enumerate(want):
        old = have[d - new] if d >= new else None
        if s == -1 and old is not None:
            s = old
        if s < 0 or (old is not None and old != 1 and old != s):
            raise _cannot_expand(have, want, d, s, old)
        full.append(s)
    return view(x, k.expand(x.array, tuple(full)), lambda g: g)  # the tape sums what broadcasting repeated


def _cannot_expand(have: Shape, want: Shape, d: int, s: int, old: int | None) -> ShapeError:
    if old is None:
        return ShapeError(
            f"expand: cannot expand shape {tuple(have)} to {want}: The expanded size of the tensor ({s}) isn't allowed "
            f"in a leading, non-existing dimension {d}."
        )
    return ShapeError(
        f"expand: cannot expand shape {tuple(have)} to {want}: The expanded size of the tensor ({s}) must match the "
        f"existing size ({old}) at non-singleton dimension {d}; only sizes of 1 can be repeated."
    )


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of ``other``."""
    return expand(input, other.array.shape)


def broadcast_to(input: Tensor, size: Sizes, *more: int) -> Tensor:
    """``expand``, under NumPy's name."""
    return expand(input, size, *more)


def broadcast_shapes(*shapes: Sizes) -> Any:
    """The shape to which all the shapes broadcast.  Raises ShapeError where they do not.

    >>> torch.broadcast_shapes((2, 1), 3)
    torch.Size([2, 3])
    """
    given = [sizes("broadcast_shapes", s) for s in shapes]
    full: list[int] = [1] * max(map(len, given), default=0)
    for number, shape in enumerate(given):
        for d in range(-len(shape), 0):
            if shape[d] < 0 or (shape[d] != 1 and full[d] not in (1, shape[d])):
                raise ShapeError(
                    f"broadcast_shapes: Attempting to broadcast a dimension of length {shape[d]} at {d}! Mismatching "
                    f"argument at index {number} had {shape}; but expected shape should be broadcastable to {full}."
                )
            full[d] = shape[d] if shape[d] != 1 else full[d]
    return expand(wrap(k.full.on(cpu)((), False, bool_)), full).shape


def broadcast_tensors(*tensors: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The tensors expanded to the shape to which all of them broadcast."""
    given: Any = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    shape = common_shape("broadcast_tensors", *given)
    return tuple(x if x.array.shape == shape else expand(x, shape) for x in given)


def common_shape(name: str, *tensors: Tensor) -> Shape:
    """The shape to which the tensors broadcast.  Raises ShapeError with torch's words where they do not."""
    same_device(*tensors)
    shapes = [tuple(x.array.shape) for x in tensors]
    last = max(map(len, shapes), default=0)
    full = []
    for d in range(last, 0, -1):
        found = [s[-d] for s in shapes if d <= len(s) and s[-d] != 1]
        if len(set(found)) > 1:
            other = next(n for n in found if n != found[0])
            raise ShapeError(
                f"{name}: shapes {' and '.join(map(str, shapes))} do not broadcast. The size of tensor a ({found[0]}) "
                f"must match the size of tensor b ({other}) at non-singleton dimension {last - d}."
            )
        full.append(found[0] if found else 1)
    return tuple(full)
