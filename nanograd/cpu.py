"""The CPU as a device: torch's names."""

from __future__ import annotations

from typing import Any

__all__ = ["current_device", "device_count", "is_available", "is_initialized", "synchronize"]


def is_available() -> bool:
    """True"""
    return True


def is_initialized() -> bool:
    """True"""
    return True


def device_count() -> int:
    """1: all processors together are one device."""
    return 1


def current_device() -> str:
    """ "cpu" """
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Nothing to wait for: an operation is done when it returns."""


def __getattr__(name: str) -> Any:
    from nanograd.absent import missing

    return missing("cpu", name, __all__)
