"""Devices: where an array lives.  A device is a kind of array and the kernels that take it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DeviceError, did_you_mean

__all__ = ["Device", "array_class", "cpu", "device_of", "register", "to_device", "unregister"]


class Device:
    """A device by type and index, as ``torch.device``: ``device("cpu")``, ``device("cuda", 0)``, ``device(0)``.

    Raises DeviceError for a type that does not exist.  Whether there is such a device, only using it tells.
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | Device | int, index: int | None = None) -> None:
        name = f"cuda:{type}" if isinstance(type, int) else str(type)
        kind, _, number = name.partition(":")
        if kind not in _TYPES and kind not in _ARRAYS:
            hint = "Did you mean 'cuda'?" if kind == "gpu" else did_you_mean(kind, [*_TYPES, *_ARRAYS]).strip()
            raise DeviceError(f"device: {name!r} is unknown: expected one of {', '.join(_TYPES)}. {hint}".rstrip())
        if number:
            if index is not None or not number.isdigit():
                raise DeviceError(f"device: expected 'cpu' or 'cuda:0', got {name!r} with index {index}.")
            index = int(number)
        self.type: str = kind
        self.index: int | None = index

    def __repr__(self) -> str:
        return (
            f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"
        )

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __enter__(self) -> Device:
        """Until the end of the ``with`` block, new tensors are made on this device."""
        from nanograd import settings

        _outer.append(settings.get_default_device())
        settings.set_default_device(self)
        return self

    def __exit__(self, *exception: object) -> None:
        from nanograd import settings

        settings.set_default_device(_outer.pop())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))


_outer: list[Any] = []  # the default devices outside of the ``with`` blocks that are open
_TYPES = ("cpu", "cuda", "mps", "xpu", "meta", "sim")  # torch's that programs name, and ours
_ARRAYS: dict[str, type] = {"cpu": np.ndarray}  # device type -> class of its arrays
cpu = Device("cpu")
_DEVICES: dict[type, Device] = {np.ndarray: cpu}


def register(type: str, arrays: type) -> Device:
    """A new device; its tensors hold instances of ``arrays`` (with .shape, .dtype, .ndim, .size)."""
    _ARRAYS[type] = arrays
    _DEVICES[arrays] = device = Device(type)
    return device


def unregister(device: Device) -> None:
    """Forget a registered device."""
    _DEVICES.pop(_ARRAYS.pop(device.type))


def device_of(array: Any) -> Device:
    """The device an array lives on."""
    return _DEVICES[type(array)]


def to_device(value: Any) -> Device:
    """What a user may call a device: one of ours, "cpu", "cpu:0", or None for the CPU.

    Raises DeviceError for a device that is unknown or absent, and says which there are.
    """
    if value is None or value is cpu:
        return cpu
    if not isinstance(value, (Device, str)):
        raise DeviceError(f"device: expected a device such as 'cpu', got {value!r}.")
    device = Device(value)
    if device.type == "cuda":
        raise DeviceError("device: no CUDA device: nanograd has no CUDA support in this version. Use device='cpu'.")
    if device.type not in _ARRAYS:
        hint = did_you_mean(device.type, _ARRAYS)
        raise DeviceError(f"device: {str(device)!r} is unknown; there are: {', '.join(_ARRAYS)}.{hint}")
    if device.type == "cpu":
        if device.index not in (None, 0):
            raise DeviceError(f"device: there is one CPU, 'cpu' or 'cpu:0'; got {str(device)!r}.")
        return cpu
    return _DEVICES[_ARRAYS[device.type]]


def array_class(device: Device) -> type:
    """The class of the arrays that live on ``device``."""
    return _ARRAYS[device.type]
