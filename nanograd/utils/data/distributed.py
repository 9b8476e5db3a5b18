"""The part of the samples that one of several processes takes."""

from __future__ import annotations

from collections.abc import Iterator, Sized

from nanograd.errors import MissingError
from nanograd.ops.sampling import randperm
from nanograd.random import Generator
from nanograd.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Samples rank, rank + n, rank + 2n, … of an order that all n processes share.

    All get equally many: the first samples come twice where they do not divide, or with ``drop_last`` the last ones
    are left out.  ``set_epoch`` before each epoch gives another order.  Raises ValueError for a rank outside
    [0, num_replicas), MissingError where ``num_replicas`` or ``rank`` is not given: there are no process groups.

    >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise MissingError(
                "DistributedSampler: Requires distributed package to be available, which nanograd does not have. Give "
                "num_replicas and rank."
            )
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.epoch = 0
        count = len(dataset)
        self.num_samples = count // num_replicas if drop_last else -(-count // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of epoch number ``epoch``."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        order = list(range(count))
        if self.shuffle:
            order = randperm(count, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        return iter([order[i % count] for i in range(self.rank, self.total_size, self.num_replicas)])

    def __len__(self) -> int:
        return self.num_samples
