"""Layers that multiply by a table of weights: Linear, Embedding; and the one that does nothing."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from nanograd.errors import MissingError, ShapeError
from nanograd.nn import functional as F
from nanograd.nn import init
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.ops.creation import empty
from nanograd.tensors import Tensor

__all__ = ["Embedding", "Identity", "Linear"]


class Identity(Module):
    """y = x; takes any arguments and ignores them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """The input itself."""
        return input


class Linear(Module):
    """y = x Wᵀ + b          weight (out, in), bias (out,);  x (…, in) → (…, out)

    Starts with weights and biases uniform in ± 1/√in.

    >>> nn.Linear(3, 2)(torch.zeros(5, 3)).shape
    torch.Size([5, 2])
    """

    _function: ClassVar[str] = "nn.functional.linear(x, weight, bias)"

    in_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = _size("Linear", "in_features", in_features)
        self.out_features = _size("Linear", "out_features", out_features)
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        reset_weight_and_bias(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """x Wᵀ + b"""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def reset_weight_and_bias(weight: Parameter, bias: Parameter | None) -> None:
    """torch's default: uniform in ± 1/√fan_in, which is Kaiming's bound for a leaky_relu of slope √5."""
    if 0 in weight.array.shape:
        return
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        bound = 1 / math.sqrt(init._fans(weight)[0])
        init.uniform_(bias, -bound, bound)


def _size(layer: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 0:
        raise TypeError(f"{layer}: expected {name} as an integer of 0 or more, got {value!r:.60}.")
    return int(value)


class Embedding(Module):
    """y = weight[i]          weight (N, D);  i (…) of integers → (…, D)

    Starts with normal weights; the row ``padding_idx`` starts with zeros and gets no gradient.

    >>> nn.Embedding(10, 4)(torch.tensor([[1, 2, 9]])).shape
    torch.Size([1, 3, 4])
    """

    _function: ClassVar[str] = "nn.functional.embedding(x, weight)"

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if max_norm is not None or scale_grad_by_freq or sparse:
            raise MissingError("Embedding: max_norm, scale_grad_by_freq and sparse are not supported; leave them out.")
        self.num_embeddings = _size("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = _size("Embedding", "embedding_dim", embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ShapeError(
                f"Embedding: Padding_idx must be within num_embeddings ({num_embeddings}), got {padding_idx}."
            )
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.data[self.padding_idx])

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """An Embedding of a table (N, D), which is not trained if ``freeze``."""
        rows, columns = embeddings.shape
        made = cls(rows, columns, padding_idx, device=embeddings.device, dtype=embeddings.dtype)
        made.weight = Parameter(embeddings, requires_grad=not freeze)
        return made

    def forward(self, input: Tensor) -> Tensor:
        """The rows whose numbers stand in the input."""
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
