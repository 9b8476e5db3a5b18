"""Layers without parameters: activations and dropout."""

from __future__ import annotations

from typing import ClassVar

from nanograd.nn import functional as F
from nanograd.nn.module import Module
from nanograd.tensors import Tensor

__all__ = [
    "Dropout",
    "ELU",
    "GELU",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class ReLU(Module):
    """y = max(x, 0)

    >>> nn.ReLU()(torch.tensor([-1., 2.]))
    tensor([0., 2.])
    """

    _function: ClassVar[str] = "torch.relu(x)"

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """max(x, 0)"""
        return F.relu_(input) if self.inplace else F.relu(input)

    def extra_repr(self) -> str:
        """Whether it writes into its input."""
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    """y = tanh x, in (-1, 1)."""

    _function: ClassVar[str] = "torch.tanh(x)"

    def forward(self, input: Tensor) -> Tensor:
        """tanh x"""
        return F.tanh(input)


class Sigmoid(Module):
    """y = 1 / (1 + e⁻ˣ), in (0, 1)."""

    _function: ClassVar[str] = "torch.sigmoid(x)"

    def forward(self, input: Tensor) -> Tensor:
        """σ(x)"""
        return F.sigmoid(input)


class Softmax(Module):
    """y = eˣ / Σ eˣ along ``dim``: positive, adding up to 1."""

    _function: ClassVar[str] = "torch.softmax(x, dim=1)"

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """eˣ / Σ eˣ"""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """y = x - ln Σ eˣ along ``dim``: the logarithm of Softmax."""

    _function: ClassVar[str] = "torch.log_softmax(x, dim=1)"

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """x - ln Σ eˣ"""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class LeakyReLU(Module):
    """y = x for x > 0, else negative_slope · x."""

    _function: ClassVar[str] = "nn.functional.leaky_relu(x)"

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or negative_slope · x"""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """y = x for x > 0, else alpha (eˣ - 1)."""

    _function: ClassVar[str] = "nn.functional.elu(x)"

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha (eˣ - 1)"""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """The limit."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class SiLU(Module):
    """y = x σ(x)"""

    _function: ClassVar[str] = "nn.functional.silu(x)"

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x σ(x)"""
        return F.silu(input, self.inplace)

    def extra_repr(self) -> str:
        """Whether it writes into its input."""
        return "inplace=True" if self.inplace else ""


class GELU(Module):
    """y = x Φ(x), Φ the normal distribution function; see ``F.gelu``."""

    _function: ClassVar[str] = "nn.functional.gelu(x)"

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """x Φ(x)"""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """The approximation."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """y = ln(1 + e^(βx)) / β; x itself where βx > threshold."""

    _function: ClassVar[str] = "nn.functional.softplus(x)"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """ln(1 + e^(βx)) / β"""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The sharpness."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Dropout(Module):
    """y = x m / (1 - p) in training, m = 0 with probability p, else 1; y = x in evaluation.

    Raises ValueError for p outside [0, 1].
    """

    _function: ClassVar[str] = "nn.functional.dropout(x)"

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x m / (1 - p)"""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}, inplace={self.inplace}"
