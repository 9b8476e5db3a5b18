"""CUDA, as far as this version has it: it says that there is none, and never raises for being asked."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NoReturn

from nanograd.errors import DeviceError

__all__ = [
    "Event", "OutOfMemoryError", "Stream", "can_device_access_peer", "current_device", "current_stream",
    "default_stream", "device", "device_count", "device_of", "empty_cache", "get_arch_list", "get_device_capability",
    "get_device_name", "get_device_properties", "get_rng_state", "get_rng_state_all", "init", "initial_seed",
    "ipc_collect", "is_available", "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all",
    "max_memory_allocated", "max_memory_cached", "max_memory_reserved", "mem_get_info", "memory_allocated",
    "memory_cached", "memory_reserved", "memory_stats", "memory_summary", "reset_max_memory_allocated",
    "reset_peak_memory_stats", "seed", "seed_all", "set_device", "set_per_process_memory_fraction", "set_rng_state",
    "set_rng_state_all", "stream", "synchronize",
]  # fmt: skip


class OutOfMemoryError(RuntimeError):
    """A GPU has no memory left for a tensor."""


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
memory_cached = max_memory_cached = memory_allocated


def memory_stats(device: Any = None) -> dict[str, Any]:
    """What is known of the GPU's memory: nothing without one."""
    return {}


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """The same in words.  Raises DeviceError without a GPU."""
    return _none("memory_summary")


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """(free, all) bytes of the GPU.  Raises DeviceError without one."""
    return _none("mem_get_info")


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Use no more than this part of the GPU's memory.  Raises DeviceError without one."""
    _none("set_per_process_memory_fraction")


def reset_peak_memory_stats(device: Any = None) -> None:
    """Count the largest use of memory from here: nothing to do without a GPU."""


reset_max_memory_allocated = reset_peak_memory_stats


def initial_seed() -> int:
    """What the GPU's random numbers were seeded with.  Raises DeviceError without one."""
    return _none("initial_seed")


def get_rng_state(device: Any = "cuda") -> Any:
    """The state of the GPU's random numbers.  Raises DeviceError without one."""
    return _none("get_rng_state")


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Take such a state.  Raises DeviceError without a GPU."""
    _none("set_rng_state")


def get_rng_state_all() -> list[Any]:
    """The states of all GPUs' random numbers: none."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Take such states.  Raises DeviceError where there are more states than GPUs."""
    if list(new_states):
        _none("set_rng_state_all")


def get_arch_list() -> list[str]:
    """The architectures that kernels are compiled for: none."""
    return []


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether one GPU reads another's memory.  Raises DeviceError without one."""
    return _none("can_device_access_peer")


def current_stream(device: Any = None) -> Any:
    """The stream of work in use.  Raises DeviceError without a GPU."""
    return _none("current_stream")


def default_stream(device: Any = None) -> Any:
    """The stream of work that is used by default.  Raises DeviceError without a GPU."""
    return _none("default_stream")


class Stream:
    """Work that a GPU does in order.  Raises DeviceError without one."""

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        _none("Stream")


class Event:
    """A moment in a GPU's work.  Raises DeviceError without one; on the CPU, ``time.perf_counter()`` is exact."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False) -> None:
        _none("Event")


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


class device_of(device):
    """A context in which the GPU of a tensor is used: without one it changes nothing."""

    def __init__(self, obj: Any) -> None:
        super().__init__(-1)


class stream(device):
    """A context in which a GPU works in another stream: without one it changes nothing."""

    def __init__(self, stream: Any) -> None:
        super().__init__(-1)


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
