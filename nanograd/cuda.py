"""CUDA, as far as this version has it: it says that there is none, and never raises for being asked."""

from __future__ import annotations

from typing import Any

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    """Whether a GPU can be used."""
    return False


def device_count() -> int:
    """How many GPUs there are."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the GPU's random numbers: nothing to do without one; ``torch.manual_seed`` seeds every device."""


def manual_seed_all(seed: int) -> None:
    """Seed all GPUs' random numbers: nothing to do without one."""


def synchronize(device: Any = None) -> None:
    """Wait for the GPU: nothing to do without one."""
