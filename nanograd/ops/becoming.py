"""In place: the tensor itself becomes the view, ``x.squeeze_()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nanograd.errors import GradError
from nanograd.ops.op import storage_of
from nanograd.storage import tick
from nanograd.tape import mode

if TYPE_CHECKING:
    from nanograd.tensors import Tensor


def become(x: Tensor, y: Tensor, name: str) -> Tensor:
    """x ← y, a view of x: x keeps its memory and takes y's shape, strides and history.

    Raises GradError for leaves that require grad, and for tensors whose views know the shape of before.
    """
    if x.node is not None:
        _check_becoming(x, y, name)
    storage_of(x).written = tick()  # for pullbacks that captured the shape of before
    x.array = y.array
    if y.node is not None:
        x.node, x.output_nr = y.node, y.output_nr
        if x.base is None:
            y.node.view_of = None  # what lies there is x itself
    return x


def in_itself(operation: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The operation that makes its first input the view it gives: ``squeeze_`` of ``squeeze``."""
    name = f"{operation.__name__}_"

    def change(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return become(self, operation(self, *args, **kwargs), name)

    change.__name__ = change.__qualname__ = name
    change.__doc__ = f"``{operation.__name__}``: this tensor itself becomes the view, and is returned."
    return change


def _check_becoming(x: Tensor, y: Tensor, name: str) -> None:
    base = x if x.base is None else x.base
    if not mode.enabled or (base.node is not None and base.node.leaf is not None):
        raise GradError(
            f"{name}: a tensor of shape {tuple(x.array.shape)} that is a leaf (or a view of one) and requires grad, or "
            "has a history while nothing is recorded, cannot change its shape in place. Use the operation without the "
            "underscore."
        )
    known = 3 if y.node is not None and y.node.view_of is not None else 2  # x, y, and the node of y
    if base is x and x.storage is not None and x.storage.held_by_more_than(known):
        raise GradError(
            f"{name}: the tensor of shape {tuple(x.array.shape)} has views, which know the shape of before. Use the "
            "operation without the underscore."
        )
