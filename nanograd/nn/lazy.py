"""Layers that learn the size of their input from the first one."""

from __future__ import annotations

from typing import Any, ClassVar

from nanograd.nn.linear import Linear
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter, UninitializedParameter
from nanograd.ops.creation import empty
from nanograd.tensors import Tensor

__all__ = ["LazyLinear", "LazyModule"]


class LazyModule(Module):
    """A module whose parameters wait for their shapes; after the first call it is of the class ``becomes``.

    A subclass says in ``_fix(input)`` what it takes from the first input, and makes its parameters there.
    """

    becomes: ClassVar[type[Module]]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take the shapes from the first input, become the plain layer, and run it."""
        self._fix(args[0] if args else kwargs["input"])
        self.__class__ = self.becomes  # type: ignore[assignment]
        return self(*args, **kwargs)

    def _fix(self, input: Tensor) -> None:
        raise NotImplementedError(f"{type(self).__name__}: define _fix(input).")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter still waits for its shape."""
        return any(isinstance(p, UninitializedParameter) for p in self._parameters.values())

    def _expect_state(self, state: dict[str, Any], prefix: str) -> None:
        """Take the shapes from a state that is about to be loaded."""
        for name, p in self._parameters.items():
            value = state.get(prefix + name)
            if isinstance(p, UninitializedParameter) and isinstance(value, Tensor):
                self._parameters[name] = Parameter(empty(value.shape, dtype=p.dtype, device=p.device), p.requires_grad)


class LazyLinear(LazyModule, Linear):
    """y = x Wᵀ + b          in_features from the first input

    >>> layer = nn.LazyLinear(2)
    >>> layer(torch.ones(5, 3)).shape
    torch.Size([5, 2])
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    """

    becomes = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False, device, dtype)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.bias = UninitializedParameter(device=device, dtype=dtype) if bias else None

    def _fix(self, input: Tensor) -> None:
        like = self.weight
        if not self.has_uninitialized_params():  # a state was loaded
            self.in_features = like.shape[1]
            return
        bias = self.bias is not None
        Linear.__init__(self, input.shape[-1], self.out_features, bias, like.device, like.dtype)
