"""Fetching: from sample numbers to batches, the same in this process and in a worker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nanograd.dtypes import int64
from nanograd.kernels.memory import from_host
from nanograd.ops.indexing import pick as take
from nanograd.utils.data.collate import default_collate
from nanograd.utils.data.dataset import Subset, TensorDataset
from nanograd.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["fetcher", "number_batches", "stream"]

Collate = Callable[[Any], Any]


def fetcher(dataset: Any, collate_fn: Collate, batched: bool) -> Callable[[Any], Any]:
    """The function from the numbers of samples (one number where not ``batched``) to their batch."""
    if not batched:
        return lambda number: collate_fn(dataset[number])

    def fetch(indices: Any) -> Any:
        indices = indices.tolist() if isinstance(indices, np.ndarray) else indices
        if not hasattr(indices, "__iter__"):
            raise TypeError(f"DataLoader: expected a batch_sampler of lists of sample numbers, got {indices!r:.60}.")
        if hasattr(dataset, "__getitems__"):
            return collate_fn(dataset.__getitems__(indices))
        return collate_fn([dataset[i] for i in indices])

    return _by_index(dataset, fetch) if collate_fn is default_collate else fetch


def stream(dataset: Any, collate_fn: Collate, batch_size: int | None, drop_last: bool) -> Iterator[Any]:
    """The batches of an iterable data set, or its samples where ``batch_size`` is None."""
    samples = iter(dataset)
    if batch_size is None:
        yield from map(collate_fn, samples)
        return
    while batch := list(itertools.islice(samples, batch_size)):
        if len(batch) == batch_size or not drop_last:
            yield collate_fn(batch)


def number_batches(sampler: Iterable[Any]) -> Iterator[Any]:
    """The batches of ``sampler``; where it holds one of the two samplers with ``rounds``, as parts of arrays."""
    if type(sampler) is not BatchSampler or type(sampler.sampler) not in (RandomSampler, SequentialSampler):
        yield from sampler
        return
    numbers: Any = sampler.sampler
    size, left = sampler.batch_size, np.empty(0, np.int64)
    for part in numbers.rounds():
        order = np.concatenate([left, part]) if len(left) else part
        end = len(order) - len(order) % size
        for start in range(0, end, size):
            yield order[start : start + size]
        left = order[end:]
    if len(left) and not sampler.drop_last:
        yield left


def _by_index(dataset: Any, slow: Callable[[Any], Any]) -> Callable[[Any], Any]:
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


def _is_index(index: np.ndarray[Any, Any]) -> bool:
    return index.ndim == 1 and index.dtype.kind in "iu" and index.size > 0
