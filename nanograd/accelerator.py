"""The accelerator, if there is one: torch's device-neutral names."""

from __future__ import annotations

from typing import Any, NoReturn

from nanograd import cuda
from nanograd.devices import Device, to_device
from nanograd.errors import DeviceError

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream", "device_count",
    "device_index", "empty_cache", "is_available", "max_memory_allocated", "max_memory_reserved", "memory_allocated",
    "memory_reserved", "memory_stats", "reset_peak_memory_stats", "set_device_idx", "set_device_index", "set_stream",
    "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether there is an accelerator."""
    return cuda.is_available()


def current_accelerator(check_available: bool = False) -> Device | None:
    """The accelerator, or None: ``device = torch.accelerator.current_accelerator() or "cpu"``."""
    return to_device("cuda") if is_available() else None


def device_count() -> int:
    """How many accelerators there are."""
    return cuda.device_count()


def synchronize(device: Any = None) -> None:
    """Wait for the accelerator: nothing to do without one."""
    cuda.synchronize(device)


def empty_cache() -> None:
    """Give unused memory back: nothing to do without an accelerator."""
    cuda.empty_cache()


def memory_allocated(device: Any = None) -> int:
    """How many bytes tensors take there."""
    return cuda.memory_allocated(device)


memory_reserved = max_memory_allocated = max_memory_reserved = memory_allocated


def memory_stats(device: Any = None) -> dict[str, Any]:
    """What is known of its memory: nothing without one."""
    return cuda.memory_stats(device)


def reset_peak_memory_stats(device: Any = None) -> None:
    """Count the largest use of memory from here: nothing to do without an accelerator."""


def current_device_index() -> int:
    """The number of the accelerator in use.  Raises DeviceError without one."""
    return _none("current_device_index")


def set_device_index(device: Any) -> None:
    """Use the accelerator with this number.  Raises DeviceError without one."""
    _none("set_device_index")


current_device_idx, set_device_idx = current_device_index, set_device_index


def current_stream(device: Any = None) -> Any:
    """The stream of work in use.  Raises DeviceError without an accelerator."""
    return _none("current_stream")


def set_stream(stream: Any) -> None:
    """Use another stream of work.  Raises DeviceError without an accelerator."""
    _none("set_stream")


class device_index:
    """A context in which the accelerator with this number is used.  Raises DeviceError without one, save for None."""

    def __init__(self, device: int | None) -> None:
        self.device = device

    def __enter__(self) -> None:
        if self.device is not None:
            _none("device_index")

    def __exit__(self, *exception: object) -> None:
        pass


def _none(name: str) -> NoReturn:
    raise DeviceError(f"accelerator.{name}: there is no accelerator here. Ask torch.accelerator.is_available() first.")


def __getattr__(name: str) -> Any:
    from nanograd.absent import missing

    return missing("accelerator", name, __all__)
