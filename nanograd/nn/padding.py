"""Larger at the edges: zeros, a constant, a mirror, the edge itself, or the other end."""

from __future__ import annotations

from typing import ClassVar

from nanograd.nn import functional as F
from nanograd.nn.module import Module
from nanograd.ops.extents import Sizes, each
from nanograd.tensors import Tensor

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """``padding``: one number for all sides, or (before, after) of the last dimension, of the one before it, …"""

    _dims: ClassVar[int]
    _mode: ClassVar[str] = "constant"

    padding: Sizes

    def __init__(self, padding: int | Sizes) -> None:
        super().__init__()
        self.padding = each(f"{type(self).__name__} padding", padding, 2 * self._dims)

    def forward(self, input: Tensor) -> Tensor:
        """The input, larger at the edges."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Edges of one number."""

    def __init__(self, padding: int | Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The input with edges of ``value``."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The padding and the number."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Edges of one number at both ends: (N, C, L) → (N, C, M)"""

    _dims = 1


class ConstantPad2d(_ConstantPad):
    """Edges of one number at the four sides: (N, C, H, W) → (N, C, OH, OW)

    >>> nn.ConstantPad2d((1, 0, 0, 1), 3.5)(torch.zeros(1, 1, 1))
    tensor([[[3.5000, 0.0000],
             [3.5000, 3.5000]]])
    """

    _dims = 2


class ConstantPad3d(_ConstantPad):
    """Edges of one number at the six sides: (N, C, D, H, W) → (N, C, OD, OH, OW)"""

    _dims = 3


class _ZeroPad(_ConstantPad):
    """Edges of zeros."""

    def __init__(self, padding: int | Sizes) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The padding."""
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """Zeros at both ends: (N, C, L) → (N, C, M)"""

    _dims = 1


class ZeroPad2d(_ZeroPad):
    """Zeros at the four sides: (N, C, H, W) → (N, C, OH, OW)

    >>> nn.ZeroPad2d(1)(torch.ones(1, 1, 1))
    tensor([[[0., 0., 0.],
             [0., 1., 0.],
             [0., 0., 0.]]])
    """

    _dims = 2


class ZeroPad3d(_ZeroPad):
    """Zeros at the six sides: (N, C, D, H, W) → (N, C, OD, OH, OW)"""

    _dims = 3


class ReflectionPad1d(_Pad):
    """… 2 1 | 0 1 2 …: the ends are mirrors: (N, C, L) → (N, C, M)"""

    _dims = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """… 2 1 | 0 1 2 …: the four sides are mirrors: (N, C, H, W) → (N, C, OH, OW)

    >>> nn.ReflectionPad2d((2, 0, 0, 0))(torch.tensor([[[1., 2., 3.]]]))
    tensor([[[3., 2., 1., 2., 3.]]])
    """

    _dims = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """… 2 1 | 0 1 2 …: the six sides are mirrors: (N, C, D, H, W) → (N, C, OD, OH, OW)"""

    _dims = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """… 0 0 | 0 1 2 …: the ends repeat: (N, C, L) → (N, C, M)"""

    _dims = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """… 0 0 | 0 1 2 …: the four sides repeat: (N, C, H, W) → (N, C, OH, OW)"""

    _dims = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """… 0 0 | 0 1 2 …: the six sides repeat: (N, C, D, H, W) → (N, C, OD, OH, OW)"""

    _dims = 3
    _mode = "replicate"


class CircularPad1d(_Pad):
    """… 8 9 | 0 1 2 …: beyond an end lies the other: (N, C, L) → (N, C, M)"""

    _dims = 1
    _mode = "circular"


class CircularPad2d(_Pad):
    """… 8 9 | 0 1 2 …: beyond a side lies the other: (N, C, H, W) → (N, C, OH, OW)"""

    _dims = 2
    _mode = "circular"


class CircularPad3d(_Pad):
    """… 8 9 | 0 1 2 …: beyond a side lies the other: (N, C, D, H, W) → (N, C, OD, OH, OW)"""

    _dims = 3
    _mode = "circular"
