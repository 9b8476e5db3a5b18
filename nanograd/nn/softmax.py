"""Activations along a dimension."""

from __future__ import annotations

from typing import ClassVar

from nanograd.errors import ShapeError
from nanograd.nn import functional as F
from nanograd.nn.module import Module
from nanograd.tensors import Tensor

__all__ = ["GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class GLU(Module):
    """y = a σ(b), a and b the halves of x along ``dim``."""

    _function: ClassVar[str] = "nn.functional.glu(x)"

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """a σ(b)"""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class _Along(Module):
    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Softmax(_Along):
    """y = eˣ / Σ eˣ along ``dim``: positive, adding up to 1."""

    _function: ClassVar[str] = "torch.softmax(x, dim=1)"

    def forward(self, input: Tensor) -> Tensor:
        """eˣ / Σ eˣ"""
        return F.softmax(input, self.dim)


class Softmin(_Along):
    """y = e⁻ˣ / Σ e⁻ˣ along ``dim``"""

    _function: ClassVar[str] = "nn.functional.softmin(x, dim=1)"

    def forward(self, input: Tensor) -> Tensor:
        """e⁻ˣ / Σ e⁻ˣ"""
        return F.softmin(input, self.dim)


class LogSoftmax(_Along):
    """y = x - ln Σ eˣ along ``dim``: the logarithm of Softmax."""

    _function: ClassVar[str] = "torch.log_softmax(x, dim=1)"

    def forward(self, input: Tensor) -> Tensor:
        """x - ln Σ eˣ"""
        return F.log_softmax(input, self.dim)


class Softmax2d(Module):
    """y = eˣ / Σ eˣ over the channels of each pixel          x (N, C, H, W) or (C, H, W)

    Raises ShapeError for other than 3 or 4 dimensions.
    """

    _function: ClassVar[str] = "torch.softmax(x, dim=-3)"

    def forward(self, input: Tensor) -> Tensor:
        """eˣ / Σ eˣ"""
        if input.array.ndim not in (3, 4):
            raise ShapeError(f"Softmax2d: expected input to be 3D or 4D, got {input.array.ndim}D instead")
        return F.softmax(input, -3)
