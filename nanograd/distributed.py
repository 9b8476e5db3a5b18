"""Several processes that train together: nanograd has one, and says so where torch would be asked.

>>> torch.distributed.is_available()
False
"""

from __future__ import annotations

from typing import Any, NoReturn

from nanograd.absent import missing as _missing
from nanograd.errors import MissingError

__all__ = [
    "destroy_process_group",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
]


def is_available() -> bool:
    """False: programs that ask go on in one process."""
    return False


def is_initialized() -> bool:
    """False: there is no group of processes."""
    return False


def init_process_group(*args: Any, **kwargs: Any) -> NoReturn:
    """Absent.  Raises MissingError."""
    raise MissingError(
        "init_process_group: nanograd trains in one process. Ask torch.distributed.is_available() first."
    )


def destroy_process_group(group: Any = None) -> NoReturn:
    """Absent.  Raises MissingError."""
    raise MissingError("destroy_process_group: there is no group: nanograd trains in one process.")


def get_rank(group: Any = None) -> NoReturn:
    """Raises ValueError, as torch does where no group was made."""
    raise ValueError("Default process group has not been initialized: nanograd trains in one process, rank 0.")


def get_world_size(group: Any = None) -> NoReturn:
    """Raises ValueError, as torch does where no group was made."""
    raise ValueError("Default process group has not been initialized: nanograd trains in one process.")


def __getattr__(name: str) -> NoReturn:
    _missing("distributed", name, __all__)
