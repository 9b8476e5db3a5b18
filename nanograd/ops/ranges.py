"""Tensors of numbers in order: ranges, and the identity matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd import dtypes, settings
from nanograd.dtypes import DType, to_dtype
from nanograd.errors import DTypeError, ShapeError
from nanograd.formats import expect_strided
from nanograd.kernels import memory as k
from nanograd.ops.creation import finish, floating, place, positive
from nanograd.ops.shape import sizes

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["arange", "eye", "linspace", "logspace", "range"]


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """start, start + step, ... before ``end``; int64 if all three are integers.

    >>> arange(1, 4)
    tensor([1, 2, 3])
    """
    expect_strided("arange", layout)
    if end is None:
        start, end = 0, start
    start, end, step, chosen = _range("arange", start, end, step, dtype)
    count = math.ceil((end - start) / step)
    return finish(k.arange.on(place(device))(start, step, count, chosen), requires_grad)


def _range(name: str, start: Any, end: Any, step: Any, dtype: Any) -> tuple[Any, Any, Any, DType]:
    start, end, step = (v.item() if hasattr(v, "item") else v for v in (start, end, step))
    for value in (start, end, step):
        if not isinstance(value, (int, float)):
            raise DTypeError(f"{name}: expected numbers, got {type(value).__name__} {value!r:.40}.")
    if not (math.isfinite(start) and math.isfinite(end) and math.isfinite(step)):
        raise ShapeError(f"{name}: unsupported range: {start} -> {end} by {step}.")
    if step == 0:
        raise ShapeError(f"{name}: from {start} to {end} is not reached by steps of 0: step must be nonzero.")
    if (end - start) * step < 0:
        raise ShapeError(
            f"{name}: from {start} to {end} is not reached by steps of {step}: upper bound and lower bound are "
            "inconsistent with step sign."
        )
    whole = all(isinstance(v, int) for v in (start, end, step))
    chosen = to_dtype(dtype) if dtype is not None else (dtypes.int64 if whole else settings.get_default_dtype())
    if chosen is dtypes.bool_:
        raise DTypeError(f"{name}: not implemented for torch.bool.")
    return start, end, step, chosen


def range(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... to ``end`` inclusive, as floats; ``arange`` is the usual one."""
    expect_strided("range", layout)
    if end is None:
        start, end = 0, start
    start, end, step, chosen = _range("range", start, end, step, floating(dtype))
    count = math.floor((end - start) / step) + 1
    return finish(k.arange.on(place(device))(start, step, count, chosen), requires_grad)


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers at equal distances from start to end, both included.

    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    first, last, count = _steps("linspace", start, end, steps, layout)
    return finish(k.linspace.on(place(device))(first, last, count, floating(dtype)), requires_grad)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` powers of ``base``, whose exponents have equal distances from start to end.

    >>> torch.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    first, last, count = _steps("logspace", start, end, steps, layout)
    return finish(k.logspace.on(place(device))(first, last, count, float(base), floating(dtype)), requires_grad)


def _steps(name: str, start: Any, end: Any, steps: int, layout: Any) -> tuple[Any, Any, int]:
    expect_strided(name, layout)
    start, end = (v.item() if hasattr(v, "item") else v for v in (start, end))
    for value in (start, end):
        if not isinstance(value, (int, float)):
            raise DTypeError(f"{name}: expected numbers, got {type(value).__name__} {value!r:.40}.")
    if not hasattr(steps, "__index__"):
        raise DTypeError(f"{name}: expected the number of steps as an integer, got {steps!r:.40}.")
    if steps < 0:
        raise ShapeError(f"{name}: expected steps of 0 or more, got {steps}: number of steps must be non-negative.")
    return start, end, int(steps)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """An (n, m) matrix with ones on its diagonal."""
    expect_strided("eye", layout)
    rows, columns = positive("eye", sizes("eye", (n, n if m is None else m)))
    return finish(k.eye.on(place(device))(rows, columns, floating(dtype)), requires_grad)
