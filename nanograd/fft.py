"""``torch.fft``: frequencies and their order.  The transforms give complex numbers, of which nanograd has none."""

from __future__ import annotations

from typing import Any, NoReturn

from nanograd.absent import missing as _missing
from nanograd.errors import ShapeError
from nanograd.ops.ranges import arange
from nanograd.ops.rearranging import roll
from nanograd.ops.refusing import guard as _guard
from nanograd.ops.shape import every_dim
from nanograd.settings import get_default_dtype
from nanograd.tensors import Tensor

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def fftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of a transform of n samples, ``d`` apart: 0, 1, … up, then from the most negative, over n d.

    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    places = _places("fftfreq", n, d, dtype, layout, device, (n + 1) // 2 - n, (n + 1) // 2)
    return (ifftshift(places) / (n * d)).requires_grad_(requires_grad)


def rfftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of 0 or more of a transform of n real samples, ``d`` apart.

    >>> torch.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    places = _places("rfftfreq", n, d, dtype, layout, device, 0, n // 2 + 1)
    return (places / (n * d)).requires_grad_(requires_grad)


def _places(name: str, n: int, d: float, dtype: Any, layout: Any, device: Any, first: int, end: int) -> Tensor:
    if n < 1:
        raise ShapeError(f"fft.{name}: expected n of at least 1, got {n}.")
    if not d:
        raise ShapeError(f"fft.{name}: expected a sample spacing d other than 0.")
    return arange(first, end, dtype=dtype or get_default_dtype(), layout=layout, device=device)


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The same numbers, frequency 0 in the middle of each ``dim`` (all when None).

    >>> torch.fft.fftshift(torch.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _shifted("fftshift", input, dim, 0)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """``fftshift`` undone."""
    return _shifted("ifftshift", input, dim, 1)


def _shifted(name: str, x: Tensor, dim: Any, up: int) -> Tensor:
    dims = every_dim(f"fft.{name}", dim, x.array.ndim)
    return roll(x, tuple((x.array.shape[d] + up) // 2 for d in dims), dims)


_guard(globals(), __all__)


def __getattr__(name: str) -> NoReturn:
    _missing("fft", name, __all__)
