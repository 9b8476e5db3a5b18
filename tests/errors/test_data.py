"""The documented errors of data sets, loaders and event logs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nanograd as torch
from nanograd.errors import MissingError, ShapeError
from nanograd.utils import data, tensorboard, tensorboard_logger

from .case import Case

FLOATS = torch.tensor([1.0, 2.5])
TEN = range(10)


def ones(*shape: int) -> Any:
    return torch.ones(*shape)


class Stream(data.IterableDataset[int]):
    """0, 1, 2."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(3))


class Dying(data.Dataset[int]):
    """Its worker ends at the first sample."""

    def __getitem__(self, index: int) -> int:
        os._exit(3)

    def __len__(self) -> int:
        return 2


class Failing(Dying):
    """Its second sample is broken."""

    def __getitem__(self, index: int) -> int:
        if index:
            raise LookupError(f"sample {index} is broken")
        return index


def loaded(dataset: Any, **options: Any) -> None:
    list(data.DataLoader(dataset, **options))


EXCLUSIVE = [
    ({"shuffle": True, "sampler": data.SequentialSampler(TEN)}, r"sampler.*exclusive.*shuffle"),
    ({"batch_size": 2, "batch_sampler": [[0, 1]]}, r"batch_sampler.*exclusive.*batch_size"),
    ({"batch_size": None, "drop_last": True}, r"batch_size=None.*exclusive.*drop_last"),
    ({"prefetch_factor": 2}, r"prefetch_factor.*num_workers > 0"),
    ({"persistent_workers": True}, r"persistent_workers.*num_workers > 0"),
    ({"multiprocessing_context": "fork"}, r"multiprocessing_context.*num_workers=0"),
]
SAMPLES = [
    Case("utils.data.TensorDataset", ValueError, lambda: data.TensorDataset(ones(2), ones(3)), r"\(2,\).*\(3,\)",
         "differ"),
    Case("utils.data.TensorDataset", ValueError, data.TensorDataset, r"at least one tensor", "without a tensor"),
    Case("utils.data.TensorDataset", TypeError, lambda: data.TensorDataset([1.0]), r"TensorDataset:.*list"),
    Case("utils.data.StackDataset", ValueError, lambda: data.StackDataset(TEN, b=TEN), r"position or by name", "name"),
    Case("utils.data.StackDataset", ValueError, lambda: data.StackDataset(TEN, range(3)), r"\[10, 3\]", "lengths"),
    Case("utils.data.ConcatDataset", ValueError, lambda: data.ConcatDataset([]), r"^datasets.*empty"),
    Case("utils.data.ConcatDataset", TypeError, lambda: data.ConcatDataset([Stream()]), r"ChainDataset"),
    Case("utils.data.random_split", ValueError, lambda: data.random_split(TEN, [3, 4]), r"\[3, 4\].*10"),
    Case("utils.data.random_split", ValueError, lambda: data.random_split(TEN, [1.5, -0.5]), r"index 0.*1\.5"),
    Case("utils.data.RandomSampler", TypeError, lambda: data.RandomSampler(TEN, replacement=1), r"replacement=1"),
    Case("utils.data.RandomSampler", ValueError, lambda: data.RandomSampler(TEN, num_samples=0), r"num_samples=0"),
    Case("utils.data.BatchSampler", ValueError, lambda: data.BatchSampler(TEN, 0, False), r"batch_size=0",
         "batch_size"),
    Case("utils.data.BatchSampler", ValueError, lambda: data.BatchSampler(TEN, 2, 1), r"drop_last=1", "drop_last"),
    Case("utils.data.WeightedRandomSampler", ValueError, lambda: data.WeightedRandomSampler([1.0], 0), r"num_samples=0",
         "num_samples"),
    Case("utils.data.WeightedRandomSampler", ValueError, lambda: data.WeightedRandomSampler([1.0], 1, 2),
         r"replacement=2",
         "replacement"),
    Case("utils.data.WeightedRandomSampler", ValueError, lambda: data.WeightedRandomSampler([[1.0, 2.0]], 1),
         r"weights.*\(1, 2\)", "dimension"),
    Case("utils.data.DistributedSampler", ValueError, lambda: data.DistributedSampler(TEN, 2, 2), r"rank 2.*\[0, 1\]"),
    Case("utils.data.DistributedSampler", MissingError, lambda: data.DistributedSampler(TEN), r"num_replicas and rank"),
    Case("utils.data.default_collate", TypeError, lambda: data.default_collate([object()]), r"object.*collate_fn"),
    Case("utils.data.default_collate", RuntimeError, lambda: data.default_collate([ones(2), ones(3)]),
         r"\[2\] at entry 0.*\[3\] at entry 1"),
    Case("utils.data.default_collate", RuntimeError, lambda: data.default_collate([[1, 2], [3]]),
         r"equal size.*lengths \[1, 2\]"),
    Case("utils.data.default_collate", KeyError, lambda: data.default_collate([{"a": 1}, {"b": 2}]), r"'a'"),
    *(Case("utils.data.DataLoader", ValueError, lambda options=options: loaded(TEN, **options), words)
      for options, words in EXCLUSIVE),
    Case("utils.data.DataLoader", TypeError, lambda: loaded(3), r"DataLoader:.*data set.*int"),
    Case("utils.data.DataLoader", TypeError, lambda: loaded(Dying), r"class Dying: make one, Dying\("),
    Case("utils.data.DataLoader", RuntimeError, lambda: loaded(Dying(), num_workers=1), r"worker.*exit.*3", "dies"),
    Case("utils.data.DataLoader", RuntimeError, lambda: loaded(Sleeping(), num_workers=1, timeout=0.05), r"0\.05",
         "too long"),
]  # fmt: skip


class Sleeping(Dying):
    """Its worker waits for longer than anyone would."""

    def __getitem__(self, index: int) -> int:
        import time

        time.sleep(30)
        return index


def written(method: str, *args: Any, **options: Any) -> Any:
    """A call of a writer in a folder of its own."""

    def call(folder: Path) -> None:
        with tensorboard.SummaryWriter(folder) as writer:
            getattr(writer, method)(*args, **options)

    return call


def logged(name: Any, value: Any) -> Any:
    def call(folder: Path) -> None:
        logger = tensorboard_logger.Logger(folder)
        with logger.writer:
            logger.log_value(name, value)

    return call


def configured_twice(folder: Path) -> None:
    tensorboard_logger.configure(folder)
    with tensorboard_logger._default.writer:
        tensorboard_logger.configure(folder)


LOGS = [
    Case("utils.tensorboard.SummaryWriter.add_scalar", ShapeError, written("add_scalar", "loss", FLOATS),
         r"single number.*\(2,\)"),
    Case("utils.tensorboard.SummaryWriter.add_histogram", ShapeError, written("add_histogram", "w", ones(0)),
         r"add_histogram.*no element", "no elements"),
    Case("utils.tensorboard.SummaryWriter.add_histogram", ShapeError, written("add_histogram", "w", FLOATS / 0),
         r"add_histogram.*(inf|finite)", "infinity"),
    Case("utils.tensorboard.SummaryWriter.add_histogram", ShapeError, written("add_histogram", "w", FLOATS.log().sqrt()
         * float("nan")), r"add_histogram.*([Nn]a[Nn]|finite)", "NaN"),
    Case("utils.tensorboard.SummaryWriter.add_image", ShapeError, written("add_image", "i", ones(2, 3)),
         r"\(2, 3\).*'CHW'"),
    Case("utils.tensorboard.SummaryWriter.add_images", ShapeError, written("add_images", "i", ones(2, 3)),
         r"^add_images:.*\(2, 3\).*'NCHW'"),
    Case("utils.tensorboard.SummaryWriter.add_graph", TypeError, written("add_graph", torch.nn.Linear(1, 1)),
         r"^add_graph:.*input"),
    Case("utils.tensorboard_logger.Logger.log_value", TypeError, logged(3, 1.0), r"^log_value:.*name.*int 3"),
    Case("utils.tensorboard_logger.Logger.log_value", ShapeError, logged("loss", FLOATS), r"single number.*\(2,\)"),
    Case("utils.tensorboard_logger.configure", ValueError, configured_twice, r"already configured"),
    Case("utils.tensorboard_logger.log_value", ValueError, lambda folder: tensorboard_logger.log_value("a", 1.0),
         r"not configured.*configure\(logdir\)"),
    Case("utils.tensorboard_logger.log_histogram", ValueError,
         lambda folder: tensorboard_logger.log_histogram("a", FLOATS), r"not configured.*configure\(logdir\)"),
    Case("utils.tensorboard_logger.log_images", ValueError,
         lambda folder: tensorboard_logger.log_images("a", ones(1, 2, 2)), r"not configured.*configure\(logdir\)"),
]  # fmt: skip

CASES = [*SAMPLES, *LOGS]


@pytest.mark.parametrize("case", SAMPLES, ids=str)
def test_documented_error(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", LOGS, ids=str)
def test_documented_error_of_logs(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard_logger, "_default", None)
    case.check(tmp_path)


def test_an_error_in_a_worker_is_raised_here_with_its_traceback() -> None:
    with pytest.raises(LookupError, match=r"(?s)Caught LookupError.*worker.*sample 1 is broken"):
        loaded(Failing(), num_workers=1)
