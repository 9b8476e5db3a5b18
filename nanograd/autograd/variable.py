"""Variable: what tensors with gradients were called before torch 0.4."""

from __future__ import annotations

from typing import Any

from nanograd.tensors import Tensor

__all__ = ["Variable"]


class _Instances(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_Instances):
    """``Variable(x, requires_grad)`` is x outside the graph, as a leaf; every tensor is a Variable.

    Raises TypeError for what is no tensor, and for ``volatile``, which ``torch.no_grad()`` has replaced.
    """

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Any:
        """The leaf."""
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}: use torch.tensor(data).")
        if volatile:
            raise TypeError("Variable: volatile is gone: run what needs no gradient inside `with torch.no_grad():`.")
        return data.detach().requires_grad_(requires_grad)
