"""Who a worker is; a data set may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["WorkerInfo", "get_worker_info"]


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself: its number, how many there are, its seed and its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


current: WorkerInfo | None = None  # set by a worker, in its own process


def get_worker_info() -> WorkerInfo | None:
    """Which worker this is, or None in the process of the loader.

    An iterable data set asks it for the part it is to yield:

    >>> class Numbers(IterableDataset):
    ...     def __iter__(self):
    ...         info = get_worker_info()
    ...         first, step = (info.id, info.num_workers) if info else (0, 1)
    ...         return iter(range(first, 6, step))
    >>> sorted(x.item() for x in DataLoader(Numbers(), num_workers=2))
    [0, 1, 2, 3, 4, 5]
    """
    return current
