"""Settings of the process: the default dtype and device, and how tensors print."""

from __future__ import annotations

import math
from typing import Any

from nanograd.devices import Device, cpu, to_device
from nanograd.dtypes import DType, float32, to_dtype
from nanograd.errors import DTypeError

__all__ = [
    "PrintOptions", "get_default_device", "get_default_dtype", "print_options", "set_default_device",
    "set_default_dtype", "set_default_tensor_type", "set_printoptions",
]  # fmt: skip


class PrintOptions:
    """How tensors print, with torch's defaults."""

    def __init__(self) -> None:
        self.precision = 4
        self.threshold: float = 1000
        self.edgeitems = 3
        self.linewidth = 80
        self.sci_mode: bool | None = None


print_options = PrintOptions()
_default_dtype = float32
_default_device = cpu


def get_default_dtype() -> DType:
    """The dtype of floating-point tensors that nothing else decides; float32 unless set."""
    return _default_dtype


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype that Python floats and integer-to-float operations become.  Raises DTypeError for non-floats."""
    global _default_dtype
    chosen = to_dtype(dtype)
    if not chosen.is_floating_point:
        raise DTypeError(
            f"set_default_dtype: only floating-point types are supported as the default type, got {chosen}."
        )
    _default_dtype = chosen


def set_default_tensor_type(t: Any) -> None:
    """The older ``set_default_dtype``: takes ``torch.DoubleTensor`` or its name."""
    name = t.removeprefix("torch.") if isinstance(t, str) else t
    old = {"FloatTensor": "float32", "DoubleTensor": "float64", "HalfTensor": "float16"}
    if isinstance(name, str) and (not name.endswith("Tensor") or name not in old):
        raise DTypeError(
            f"set_default_tensor_type: only floating-point types are supported as the default type, got {t!r}. "
            f"There are: {', '.join(old)}."
        )
    set_default_dtype(old[name] if isinstance(name, str) else name)


def get_default_device() -> Device:
    """The device of tensors that nothing else decides: the CPU unless set."""
    return _default_device


def set_default_device(device: Any) -> None:
    """Set the device on which ``torch.zeros(2)`` and its like make tensors.  Raises DeviceError for absent ones."""
    global _default_device
    _default_device = to_device(device)


# torch's profiles of set_printoptions
PROFILES: dict[str, dict[str, Any]] = {
    "default": dict(precision=4, threshold=1000, edgeitems=3, linewidth=80),
    "short": dict(precision=2, threshold=1000, edgeitems=2, linewidth=80),
    "full": dict(precision=4, threshold=math.inf, edgeitems=3, linewidth=80),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print: digits after the point, elements before summarizing, and so on.

    ``profile`` is "default", "short" or "full" (never summarized); the other arguments change it.

    >>> set_printoptions(precision=2)
    >>> set_printoptions(profile="default")
    """
    given = dict(precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth)
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"set_printoptions: expected profile {', '.join(map(repr, PROFILES))}, got {profile!r}.")
    chosen = {**PROFILES.get(profile or "", {}), **{name: v for name, v in given.items() if v is not None}}
    for name, value in chosen.items():
        if not isinstance(value, (int, float)) or value < 0:
            raise ValueError(f"set_printoptions: expected a number of 0 or more as {name}, got {value!r}.")
        setattr(print_options, name, value)
    print_options.sci_mode = sci_mode
