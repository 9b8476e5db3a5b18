"""Data sets, samplers and the loader: torch's ``utils.data``."""

from nanograd.ops.refusing import guard as _guard
from nanograd.random import default_generator
from nanograd.utils.data.collate import default_collate, default_convert
from nanograd.utils.data.csv import CSVDataset
from nanograd.utils.data.dataloader import DataLoader
from nanograd.utils.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from nanograd.utils.data.distributed import DistributedSampler
from nanograd.utils.data.info import WorkerInfo, get_worker_info
from nanograd.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = [
    "BatchSampler", "CSVDataset", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler",
    "IterableDataset",
    "RandomSampler", "Sampler", "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset",
    "WeightedRandomSampler", "WorkerInfo", "default_collate", "default_convert", "default_generator",
    "get_worker_info", "random_split",
]  # fmt: skip

_guard(globals(), __all__, strict=True)
