"""DataLoader: the batches of a data set."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nanograd.random import Generator, default_generator
from nanograd.utils.data.collate import default_collate, default_convert
from nanograd.utils.data.dataset import IterableDataset
from nanograd.utils.data.fetch import fetcher, number_batches, stream
from nanograd.utils.data.info import get_worker_info
from nanograd.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

if TYPE_CHECKING:
    from nanograd.utils.data.prefetch import Prefetcher

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)

FIXED = {"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"}


class DataLoader(Generic[T_co]):
    """The batches of a data set, in order or shuffled: ``for x, y in DataLoader(data, batch_size=32, shuffle=True)``.

    A batch is ``collate_fn`` of a list of samples.  ``batch_size=None`` gives single samples.  ``sampler`` says in
    which order, ``batch_sampler`` in which batches; ``drop_last`` leaves a last, smaller batch out; ``generator`` is
    where shuffling gets its random numbers from: the order is the same for any number of workers.

    With ``num_workers`` above 0 as many processes make batches ahead of time, ``prefetch_factor`` (2) each; worker i
    begins with random seed base + i and ``worker_init_fn(i)``.  They are forked on Linux, else started as the platform
    does; ``multiprocessing_context`` ("fork", "spawn", "forkserver", or a context) says otherwise.  An iterable data
    set is copied to each: it asks ``get_worker_info()`` for its part.  ``persistent_workers`` stay for the next epoch,
    ``timeout`` is how many seconds a batch may take (0: any), and without ``in_order`` batches come as they are ready.
    ``pin_memory`` is accepted; there is nothing to pin.

    Raises TypeError for what is no data set, ValueError for arguments that exclude each other, RuntimeError where a
    worker dies, and where a batch takes too long.  An error in a worker is raised here, with its traceback.

    >>> data = TensorDataset(torch.arange(5))
    >>> [x.tolist() for x, in DataLoader(data, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    >>> [x.tolist() for x, in DataLoader(data, batch_size=2, num_workers=2)]
    [[0, 1], [2, 3], [4]]
    """

    _settled = False
    _claimed: int | None = None  # the length that len() told of an iterable data set, in batches
    _prefetcher: Prefetcher | None = None

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
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
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
        self._settled = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._settled and name in FIXED:
            raise ValueError(f"{name} attribute should not be set after DataLoader is initialized: make another one.")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are started: a context of multiprocessing, or None for the way of the platform."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, value: Any) -> None:
        self._context = None if value is None else _context(value, self.num_workers)

    def __iter__(self) -> Iterator[Any]:
        # A number is drawn also where no worker needs a seed: the order must not hang on how many there are.
        seed, offset = (self.generator or default_generator).take(1)
        if self.num_workers:
            batches: Iterator[Any] = self._prefetched(seed, offset)
        elif self._iterable:
            batches = stream(self.dataset, self.collate_fn, self.batch_size, self.drop_last)
        else:
            return map(fetcher(self.dataset, self.collate_fn, self.batch_sampler is not None), self._orders())
        return _counted(batches, self) if self._iterable else batches

    def _orders(self) -> Iterator[Any]:
        """What the batches are made of: the numbers of their samples."""
        if self.batch_sampler is None:
            return iter(self.sampler or ())
        return number_batches(self.batch_sampler) if self.collate_fn is default_collate else iter(self.batch_sampler)

    def _prefetched(self, seed: int, offset: int) -> Iterator[Any]:
        from nanograd.utils.data.prefetch import Prefetcher, base_seed, default_context  # only who has workers pays
        from nanograd.utils.data.worker import Job

        orders = itertools.repeat(None) if self._iterable else self._orders()
        if self._prefetcher is not None and self._prefetcher.alive:
            self._prefetcher.start(orders)
            return self._prefetcher
        job = Job(
            self.dataset,
            self.collate_fn,
            self._iterable,
            self.batch_sampler is not None,
            self.batch_size,
            self.drop_last,
            self.worker_init_fn,
            self.num_workers,
            base_seed(seed, offset),
        )
        started = Prefetcher(
            job,
            self._context or default_context(),
            self.prefetch_factor or 2,
            self.timeout,
            self.in_order,
            self.persistent_workers,
            orders,
        )
        if self.persistent_workers:
            self._prefetcher = started
        return started

    def __len__(self) -> int:
        if not self._iterable:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        count = len(self.dataset)
        if self.batch_size is not None:
            count = count // self.batch_size if self.drop_last else -(-count // self.batch_size)
        self._claimed = count
        return count


def _counted(batches: Iterator[Any], loader: DataLoader[Any]) -> Iterator[Any]:
    """The batches of an iterable data set, with a warning where they are more than its length promised."""
    warned = False
    for count, batch in enumerate(batches, 1):
        if loader._claimed is not None and count > loader._claimed and not warned:
            warned = True
            hint = " Each worker has a copy of the data set: let it yield its part only, by get_worker_info()."
            warnings.warn(
                f"Length of IterableDataset {loader.dataset} was reported to be {loader._claimed} (when accessing "
                f"len(dataloader)), but {count} samples have been fetched.{hint if loader.num_workers else ''}",
                stacklevel=2,
            )
        yield batch


def _context(value: Any, num_workers: int) -> Any:
    import multiprocessing
    from multiprocessing.context import BaseContext

    if not num_workers:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            "num_workers=0"
        )
    methods = multiprocessing.get_all_start_methods()
    if isinstance(value, str):
        if value not in methods:
            raise ValueError(
                "multiprocessing_context option should specify a valid start method in "
                f"{methods}, but got multiprocessing_context={value!r}"
            )
        return multiprocessing.get_context(value)
    if not isinstance(value, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the start method, "
            f"but got multiprocessing_context={value}"
        )
    return value


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
    if timeout < 0:
        raise ValueError(f"timeout option should be non-negative; got {timeout!r}.")
    if not num_workers and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing. let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(f"prefetch_factor option should be non-negative, and at least 1; got {prefetch_factor}.")
    if persistent and not num_workers:
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
