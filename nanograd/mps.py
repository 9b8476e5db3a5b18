"""Apple's GPUs, which nanograd does not use: torch's names, which say that there is none."""

from __future__ import annotations

from typing import Any

__all__ = [
    "current_allocated_memory",
    "device_count",
    "empty_cache",
    "is_available",
    "manual_seed",
    "seed",
    "synchronize",
]


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


def synchronize() -> None:
    """Nothing to wait for."""


def empty_cache() -> None:
    """Nothing to give back."""


def current_allocated_memory() -> int:
    """0"""
    return 0


def __getattr__(name: str) -> Any:
    from nanograd.absent import missing

    return missing("mps", name, __all__)
