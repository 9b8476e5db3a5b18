"""Settings of the process: the default dtype and how tensors print."""

from __future__ import annotations

from typing import Any

from nanograd.dtypes import DType, float32, to_dtype
from nanograd.errors import DTypeError

__all__ = ["PrintOptions", "get_default_dtype", "print_options", "set_default_dtype", "set_printoptions"]


class PrintOptions:
    """How tensors print, with torch's defaults."""

    def __init__(self) -> None:
        self.precision = 4
        self.threshold = 1000
        self.edgeitems = 3
        self.linewidth = 80
        self.sci_mode: bool | None = None


print_options = PrintOptions()
_default_dtype = float32


def get_default_dtype() -> DType:
    """The dtype of floating-point tensors that nothing else decides; float32 unless set."""
    return _default_dtype


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats and integer-to-float operations become.  Raises DTypeError for non-floats."""
    global _default_dtype
    chosen = to_dtype(dtype)
    if not chosen.is_floating_point:
        raise DTypeError(f"set_default_dtype: expected a floating-point dtype, got {chosen}.")
    _default_dtype = chosen


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print: digits after the point, elements before summarizing, and so on."""
    given = dict(precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth)
    for name, value in given.items():
        if value is not None:
            setattr(print_options, name, value)
    print_options.sci_mode = sci_mode
