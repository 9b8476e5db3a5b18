"""Intel's GPUs, which nanograd does not use: torch's names, which say that there is none."""

from __future__ import annotations

from typing import Any

__all__ = ["memory_allocated", "device_count", "empty_cache", "is_available", "manual_seed", "seed", "synchronize"]


def is_available() -> bool:
    """False"""
    return False


def device_count() -> int:
    """0"""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to do: ``torch.manual_seed`` seeds every device."""


def seed() -> None:
    """Nothing to do."""


def synchronize(device: Any = None) -> None:
    """Nothing to wait for."""


def empty_cache() -> None:
    """Nothing to give back."""


def memory_allocated(device: Any = None) -> int:
    """0"""
    return 0


def __getattr__(name: str) -> Any:
    from nanograd.absent import missing

    return missing("xpu", name, __all__)
