"""Data sets: where samples come from."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from nanograd.ops.sampling import randperm
from nanograd.random import Generator
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = [
    "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset", "Subset", "TensorDataset",
    "random_split",
]  # fmt: skip

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by number: a subclass defines ``__getitem__(i)`` and ``__len__()``.

    >>> class Squares(Dataset):
    ...     def __getitem__(self, i):
    ...         return i, i * i
    ...     def __len__(self):
    ...         return 4
    >>> Squares()[3]
    (3, 9)
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__}: define __getitem__(self, index), which returns one sample.")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Samples one after the other: a subclass defines ``__iter__()``."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: define __iter__(self), which yields samples.")

    def __add__(self, other: Dataset[Any]) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is (a[i], b[i], …) of tensors with equal first sizes.

    Raises ValueError where they differ, and without a tensor or a first size, TypeError for what is no tensor.

    >>> TensorDataset(torch.tensor([1., 2.]), torch.tensor([3, 4]))[1]
    (tensor(2.), tensor(4))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: expected at least one tensor.")
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(f"TensorDataset: expected tensors, got a {type(t).__name__}. Use torch.tensor(...).")
            if not t.ndim:
                raise ValueError("TensorDataset: a 0-d tensor holds no samples.")
        if len({t.shape[0] for t in tensors}) > 1:
            shapes = ", ".join(str(tuple(t.shape)) for t in tensors)
            raise ValueError(f"Size mismatch between tensors: the first sizes must be equal, got {shapes}.")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class StackDataset(Dataset[Any]):
    """Sample i is (a[i], b[i], …), or {name: a[i], …}, of data sets of one length.

    Raises ValueError for data sets both by position and by name, and for different lengths.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset: expected data sets either by position or by name.")
        self.datasets: Any = args or kwargs
        self._length = len((args or tuple(kwargs.values()))[0])
        if any(len(d) != self._length for d in args or kwargs.values()):
            raise ValueError(f"Size mismatch between datasets: {[len(d) for d in args or kwargs.values()]} samples.")

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: d[index] for name, d in self.datasets.items()}
        return tuple(d[index] for d in self.datasets)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """The samples of several numbers, each part asked once where it can give several."""
        if type(self).__getitem__ is not StackDataset.__getitem__:
            return [self[i] for i in indices]
        if isinstance(self.datasets, dict):
            columns = [_samples(d, indices) for d in self.datasets.values()]
            return [dict(zip(self.datasets, row, strict=True)) for row in zip(*columns, strict=True)]
        return list(zip(*(_samples(d, indices) for d in self.datasets), strict=True))

    def __len__(self) -> int:
        return self._length


def _samples(dataset: Any, indices: Sequence[int]) -> Sequence[Any]:
    if not hasattr(dataset, "__getitems__"):
        return [dataset[i] for i in indices]
    found: Sequence[Any] = dataset.__getitems__(indices)
    if len(found) != len(indices):
        raise ValueError(
            f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(found)}: __getitems__ of "
            f"{type(dataset).__name__} must give one sample for each number."
        )
    return found


class Subset(Dataset[T_co]):
    """The samples of ``dataset`` whose numbers stand in ``indices``."""

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> Sequence[T_co]:
        """The samples of several numbers, asked at once where the data set can give several."""
        if type(self).__getitem__ is not Subset.__getitem__:
            return [self[i] for i in indices]
        return _samples(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[Any]):
    """The samples of several data sets, one after the other.

    Raises ValueError for no data sets, TypeError for an IterableDataset.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise TypeError("ConcatDataset does not support IterableDataset: use ChainDataset.")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} samples")
        place = index % len(self)
        i = bisect.bisect_right(self.cumulative_sizes, place)
        return self.datasets[i][place - (self.cumulative_sizes[i - 1] if i else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[Any]):
    """The samples of several iterable data sets, one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(d) for d in self.datasets)


def random_split(
    dataset: Dataset[Any], lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset[Any]]:
    """Parts of ``dataset`` that do not overlap, drawn at random: of the given lengths, or fractions that add up to 1.

    What fractions leave over goes one each to the first parts.  Raises ValueError where lengths do not add up.

    >>> [len(part) for part in random_split(range(10), [0.8, 0.2])]
    [8, 2]
    """
    total = len(dataset)  # type: ignore[arg-type]
    sizes = _sizes(lengths, total) if math.isclose(sum(lengths), 1) else list(lengths)
    if sum(sizes) != total or any(n < 0 or n != int(n) for n in sizes):
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset! {list(lengths)} and {total}."
        )
    for i, n in enumerate(sizes):
        if n == 0:
            warnings.warn(
                f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=outside()
            )
    order = randperm(total, generator=generator).tolist()
    ends = list(itertools.accumulate(int(n) for n in sizes))
    return [Subset(dataset, order[end - int(n) : end]) for n, end in zip(sizes, ends, strict=True)]


def _sizes(fractions: Sequence[float], total: int) -> list[float]:
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1: {fraction}.")
    sizes: list[float] = [math.floor(total * fraction) for fraction in fractions]
    for i in range(total - int(sum(sizes))):
        sizes[i % len(sizes)] += 1
    return sizes
