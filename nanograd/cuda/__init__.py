"""CUDA, as far as this version has it: it says that there is none, and never raises for being asked."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NoReturn

from nanograd.errors import DeviceError

__all__ = [
    "current_device", "device", "device_count", "empty_cache", "get_device_capability", "get_device_name",
    "get_device_properties", "init", "ipc_collect", "is_available", "is_bf16_supported", "is_initialized",
    "manual_seed", "manual_seed_all", "max_memory_allocated", "max_memory_reserved", "memory_allocated",
    "memory_reserved", "reset_peak_memory_stats", "seed", "seed_all", "set_device", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether a GPU can be used."""
    return False


def is_initialized() -> bool:
    """Whether a GPU is in use."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether bfloat16 can be used: never, nanograd does not have this dtype."""
    return False


def device_count() -> int:
    """How many GPUs there are."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the GPU's random numbers: nothing to do without one; ``torch.manual_seed`` seeds every device."""


def manual_seed_all(seed: int) -> None:
    """Seed all GPUs' random numbers: nothing to do without one."""


def seed() -> None:
    """Seed the GPU's random numbers by chance: nothing to do without one."""


seed_all = seed


def synchronize(device: Any = None) -> None:
    """Wait for the GPU: nothing to do without one."""


def empty_cache() -> None:
    """Give unused memory back: nothing to do without a GPU."""


ipc_collect = empty_cache


def memory_allocated(device: Any = None) -> int:
    """How many bytes tensors take on the GPU."""
    return 0


memory_reserved = max_memory_allocated = max_memory_reserved = memory_allocated


def reset_peak_memory_stats(device: Any = None) -> None:
    """Count the largest use of memory from here: nothing to do without a GPU."""


def init() -> None:
    """Start CUDA.  Raises DeviceError without a GPU."""
    _none("init")


def current_device() -> int:
    """The number of the GPU in use.  Raises DeviceError without one."""
    return _none("current_device")


def set_device(device: Any) -> None:
    """Use the GPU with this number.  Raises DeviceError without one."""
    _none("set_device")


def get_device_name(device: Any = None) -> str:
    """What the GPU is called.  Raises DeviceError without one."""
    return _none("get_device_name")


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The GPU's architecture.  Raises DeviceError without one."""
    return _none("get_device_capability")


def get_device_properties(device: Any = None) -> Any:
    """What the GPU is.  Raises DeviceError without one."""
    return _none("get_device_properties")


class device:
    """A context in which a GPU is used; without one it changes nothing, as torch's does for a negative number."""

    def __init__(self, device: Any) -> None:
        self.device = device

    def __enter__(self) -> None:
        if self.device not in (None, -1):
            _none("device")

    def __exit__(self, *exception: object) -> None:
        pass


def _none(name: str) -> NoReturn:
    raise DeviceError(
        f"cuda.{name}: there is no GPU that nanograd can use. Ask torch.cuda.is_available() first, or stay on the CPU: "
        'device = torch.device("cuda" if torch.cuda.is_available() else "cpu").'
    )


def __getattr__(name: str) -> Any:
    if name == "amp":  # it asks this module whether there is a GPU
        return import_module("nanograd.cuda.amp")
    from nanograd.absent import missing

    return missing("cuda", name, __all__)
