"""Parameter: a tensor that a Module trains."""

from __future__ import annotations

from typing import Any

from nanograd.errors import DTypeError
from nanograd.ops.creation import empty
from nanograd.ops.op import share
from nanograd.tensors import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that a Module lists among its parameters as soon as it becomes an attribute.

    It shares the memory of ``data`` and stands outside the graph that made it.  Raises DTypeError for what is not a
    tensor, and for integers that should require a gradient.

    >>> nn.Parameter(torch.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    _title = "Parameter containing:\ntensor"

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        """A parameter of the elements of ``data``."""
        source = empty(0) if data is None else data
        if not isinstance(source, Tensor):
            raise DTypeError(
                f"Parameter: expected a tensor, got {type(data).__name__}. Make one: nn.Parameter(torch.tensor(...))."
            )
        p = object.__new__(cls)
        p.array = source.array
        share(source, p).base = None  # the same memory, but a leaf of its own and no view
        return p.requires_grad_(requires_grad)
