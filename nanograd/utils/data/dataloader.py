"""DataLoader: the batches of a data set."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from nanograd.dtypes import int64
from nanograd.errors import MissingError
from nanograd.kernels.memory import from_host
from nanograd.ops.indexing import take
from nanograd.random import Generator
from nanograd.utils.data.collate import default_collate, default_convert
from nanograd.utils.data.dataset import IterableDataset, Subset, TensorDataset
from nanograd.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)


class DataLoader(Generic[T_co]):
    """The batches of a data set, in order or shuffled: ``for x, y in DataLoader(data, batch_size=32, shuffle=True)``.

    A batch is ``collate_fn`` of a list of samples.  ``batch_size=None`` gives single samples.  ``sampler`` says in
    which order, ``batch_sampler`` in which batches; ``drop_last`` leaves a last, smaller batch out; ``generator`` is
    where shuffling gets its random numbers from.  Raises ValueError for arguments that exclude each other,
    MissingError for ``num_workers`` above 0.

    >>> data = TensorDataset(torch.arange(5))
    >>> [x.tolist() for x, in DataLoader(data, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_dataset(dataset)
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self._iterable = isinstance(dataset, IterableDataset)
        _check_order(self._iterable, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None and not self._iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler if sampler is not None else (), batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)

    def __iter__(self) -> Iterator[Any]:
        if self._iterable:
            return self._iterate_stream()
        if self.batch_sampler is None:
            return (self.collate_fn(self.dataset[i]) for i in self.sampler or ())
        if self.collate_fn is not default_collate:
            return map(self._fetch, self.batch_sampler)
        return map(_fast_fetch(self.dataset, self._fetch), _batches(self.batch_sampler))

    def _fetch(self, indices: Iterable[int]) -> Any:
        """The batch of the samples with these numbers."""
        indices = indices.tolist() if isinstance(indices, np.ndarray) else indices
        dataset = self.dataset
        if hasattr(dataset, "__getitems__"):
            return self.collate_fn(dataset.__getitems__(indices))
        return self.collate_fn([dataset[i] for i in indices])

    def _iterate_stream(self) -> Iterator[Any]:
        samples = iter(self.dataset)
        if self.batch_size is None:
            yield from map(self.collate_fn, samples)
            return
        while batch := list(itertools.islice(samples, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.collate_fn(batch)

    def __len__(self) -> int:
        if not self._iterable:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        count = len(self.dataset)
        if self.batch_size is None:
            return count
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


def _fast_fetch(dataset: Any, slow: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """For a TensorDataset, also behind Subsets: one index operation per tensor instead of one per sample.

    The batch is the same as that of the samples collated: new memory, new first dimension.
    """
    places = None  # of the samples in the tensors
    while type(dataset) is Subset:
        outer = np.asarray(dataset.indices)
        if not _is_index(outer):
            return slow
        places = outer if places is None else outer[places]
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset:
        return slow
    tensors = dataset.tensors

    def fetch(indices: Any) -> Any:
        index = np.asarray(indices)
        if not _is_index(index):
            return slow(indices)
        if places is not None:
            index = places[index]
        return [take(t, ((from_host.on(t.device)(index, int64),),)) for t in tensors]

    return fetch


def _batches(sampler: Iterable[Any]) -> Iterator[Any]:
    """The batches of ``sampler``; where it holds one of the two samplers with an ``order``, as parts of that array."""
    if type(sampler) is not BatchSampler or type(sampler.sampler) not in (RandomSampler, SequentialSampler):
        yield from sampler
        return
    numbers: Any = sampler.sampler
    order, size = numbers.order(), sampler.batch_size
    end = len(order) - len(order) % size if sampler.drop_last else len(order)
    for start in range(0, end, size):
        yield order[start : start + size]


def _is_index(index: np.ndarray[Any, Any]) -> bool:
    return index.ndim == 1 and index.dtype.kind in "iu" and index.size > 0


def _check_dataset(dataset: Any) -> None:
    if isinstance(dataset, type):
        raise TypeError(
            f"DataLoader: expected a data set, got the class {dataset.__name__}: make one, {dataset.__name__}(...)."
        )
    if isinstance(dataset, DataLoader):
        raise TypeError("DataLoader: expected a data set, got a DataLoader: pass its .dataset.")
    if not hasattr(dataset, "__getitem__") and not hasattr(dataset, "__iter__"):
        raise TypeError(
            f"DataLoader: expected a data set (with __getitem__ and __len__), got {type(dataset).__name__}. For "
            "tensors use TensorDataset(x, y)."
        )
    if not isinstance(dataset, IterableDataset) and not hasattr(dataset, "__len__"):
        raise TypeError(
            f"DataLoader: object of type {type(dataset).__name__!r} has no len(): define __len__, or make it an "
            "IterableDataset."
        )


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent: bool) -> None:
    if not isinstance(num_workers, int) or num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing. "
            f"Got {num_workers!r}."
        )
    if num_workers:
        raise MissingError(
            f"DataLoader: num_workers={num_workers} is not supported in this version, which makes batches in this "
            "process. Use num_workers=0."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if prefetch_factor is not None:
        raise ValueError("prefetch_factor option could only be specified in multiprocessing: set num_workers > 0.")
    if persistent:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_order(
    iterable: bool, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    if shuffle not in (None, False, True):
        raise ValueError(f"DataLoader: expected shuffle True or False, got {shuffle!r}.")
    if iterable:
        for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
            if value is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                )
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
    elif batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
