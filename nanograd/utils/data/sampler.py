"""Samplers: in which order samples are taken, and in which batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from nanograd.ops.creation import as_tensor
from nanograd.ops.sampling import multinomial, randint, randperm
from nanograd.random import Generator

__all__ = [
    "BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler", "WeightedRandomSampler",
]  # fmt: skip

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """An order of samples: a subclass defines ``__iter__`` and, where it can, ``__len__``."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: define __iter__(self), which yields sample numbers.")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, …"""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def rounds(self) -> Iterator[np.ndarray[Any, Any]]:
        """The numbers of one pass, as one part."""
        yield np.arange(len(self.data_source))

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


ROUND = 1 << 16  # how many numbers are drawn at once, with replacement


class RandomSampler(Sampler[int]):
    """All samples in random order, or ``num_samples`` drawn, with ``replacement`` independently of each other.

    Raises TypeError for a replacement that is no truth value, ValueError for num_samples below 1.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not _positive(self.num_samples):
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")
        if not len(data_source):
            raise ValueError(f"RandomSampler: cannot draw {self.num_samples} samples from an empty data set.")

    @property
    def num_samples(self) -> int:
        """How many samples one pass has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def rounds(self) -> Iterator[np.ndarray[Any, Any]]:
        """The numbers of one pass, drawn a part at a time: a pass may have more than fit into memory."""
        size, left = len(self.data_source), self.num_samples
        while left > 0:
            if self.replacement:
                part = randint(0, size, (min(left, ROUND),), generator=self.generator).numpy()
            else:
                part = randperm(size, generator=self.generator).numpy()[:left]
            left -= len(part)
            yield part

    def __iter__(self) -> Iterator[int]:
        for part in self.rounds():
            yield from part.tolist()

    def __len__(self) -> int:
        return self.num_samples


def _positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


class SubsetRandomSampler(Sampler[int]):
    """The given sample numbers in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """``num_samples`` sample numbers, each drawn with a probability proportional to its weight.

    Raises ValueError for num_samples below 1, for a replacement that is no truth value, and for weights of other than
    one dimension.
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        if not _positive(num_samples):
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights).double()
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence, but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        return iter(multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of ``batch_size`` sample numbers; the last, smaller one is left out with ``drop_last``.

    Raises ValueError for a batch_size below 1, and for a drop_last that is no truth value.

    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not _positive(batch_size):
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        while batch := list(itertools.islice(numbers, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
