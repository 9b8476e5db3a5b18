"""Parameter: a tensor that a Module trains."""

from __future__ import annotations

from typing import Any

from nanograd.errors import DTypeError
from nanograd.kernels import memory
from nanograd.ops.creation import empty
from nanograd.ops.op import share
from nanograd.tensors import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedParameter"]


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

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A parameter of copied elements, without the gradient, as torch's."""
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = object.__new__(type(self))
            found.array = memory.copy(self.array)
            found.requires_grad_(self.requires_grad)
        return found


class Buffer(Tensor):
    """A tensor that becomes a buffer of a Module as soon as it becomes an attribute; ``persistent`` ones are saved."""

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """A buffer of the elements of ``data``."""
        source = empty(0) if data is None else data
        if not isinstance(source, Tensor):
            raise DTypeError(f"Buffer: expected a tensor, got {type(data).__name__}. Use nn.Buffer(torch.tensor(...)).")
        b = object.__new__(cls)
        b.array = source.array
        share(source, b).base = None
        b.persistent = persistent
        return b


class UninitializedParameter(Parameter):
    """The place of a parameter whose shape the first input decides."""

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        """A parameter without a shape yet."""
        return super().__new__(cls, empty(0, device=device, dtype=dtype), requires_grad)

    def __repr__(self) -> str:
        return "<UninitializedParameter>"
