"""Collating: many samples to one batch."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from nanograd.dtypes import float64
from nanograd.errors import ShapeError
from nanograd.ops.creation import as_tensor, tensor
from nanograd.ops.joining import stack
from nanograd.tensors import Tensor

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch of many samples, with a new first dimension.

    Tensors and arrays are stacked, numbers become a tensor (Python's floats float64), texts stay as they are; dicts,
    tuples and lists are collated place by place.  Raises TypeError for anything else, RuntimeError for samples whose
    shapes or lengths differ, KeyError for those that lack a key of the first.

    >>> default_collate([(torch.tensor([1., 2.]), 0), (torch.tensor([3., 4.]), 1)])
    [tensor([[1., 2.],
            [3., 4.]]), tensor([0, 1])]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return _stacked(batch)
    if isinstance(first, np.ndarray) and first.dtype.kind not in "SUO":
        return _stacked([as_tensor(a) for a in batch])
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, (bool, int)):
        return _numbers(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, np.generic):
        return tensor(np.asarray(batch))
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([_entry(sample, key) for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        return _collate_sequences(first, batch)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
        f"{first.dtype if isinstance(first, np.ndarray) else type(first)}. Convert in the data set, or pass collate_fn."
    )


def _stacked(samples: Sequence[Tensor]) -> Tensor:
    expected = tuple(samples[0].shape)
    for place, sample in enumerate(samples):
        if tuple(sample.shape) != expected:
            raise ShapeError(
                f"default_collate: stack expects each tensor to be equal size, but got {list(expected)} at entry 0 and "
                f"{list(sample.shape)} at entry {place}. Bring the samples to one size, or pass collate_fn."
            )
    return stack(list(samples))


def _numbers(batch: Sequence[Any]) -> Tensor:
    array = np.asarray(batch)
    return tensor(array if array.dtype.kind in "bi" else list(batch))  # ints and floats mixed: the default dtype


def _entry(sample: Any, key: Any) -> Any:
    if key not in sample:
        raise KeyError(Words(f"default_collate: a sample has no {key!r}, as the first has; it has {list(sample)}."))
    return sample[key]


class Words(str):
    """A text that a KeyError, which shows the repr of what it is given, shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _like(first: Mapping[Any, Any], entries: dict[Any, Any]) -> Any:
    """A mapping of the same class, with whatever else the first holds, where that can be made."""
    try:
        if isinstance(first, MutableMapping):
            made = copy.copy(first)
            made.update(entries)
            return made
        return type(first)(entries)  # type: ignore[call-arg]
    except TypeError:
        return entries


def _collate_sequences(first: Sequence[Any], batch: Sequence[Any]) -> Any:
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*map(default_collate, zip(*batch, strict=True)))
    if any(len(sample) != len(first) for sample in batch):
        raise ShapeError(
            "default_collate: each element in list of batch should be of equal size, got lengths "
            f"{sorted({len(sample) for sample in batch})}."
        )
    return _sequence(first, [default_collate(column) for column in zip(*batch, strict=True)])


def _sequence(first: Sequence[Any], entries: list[Any]) -> Any:
    """A sequence of the same class where that can be made; a list for a tuple, as torch has it."""
    if type(first) in (list, tuple) or isinstance(first, tuple):
        return entries
    try:
        if isinstance(first, MutableSequence):
            made = copy.copy(first)
            for i, entry in enumerate(entries):
                made[i] = entry
            return made
        return type(first)(entries)  # type: ignore[call-arg]
    except TypeError:
        return entries


def default_convert(sample: Any) -> Any:
    """One sample with arrays as tensors, for a loader without batches.

    >>> default_convert({"a": np.zeros(2), "b": "text", "c": 1})
    {'a': tensor([0., 0.], dtype=torch.float64), 'b': 'text', 'c': 1}
    """
    if isinstance(sample, np.ndarray) and sample.dtype.kind not in "SUO":
        return as_tensor(sample)
    if isinstance(sample, np.generic) and not isinstance(sample, (str, bytes)):
        return tensor(np.asarray(sample))
    if isinstance(sample, Mapping):
        return _like(sample, {key: default_convert(value) for key, value in sample.items()})
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*map(default_convert, sample))
    if isinstance(sample, Sequence) and not isinstance(sample, (str, bytes)):
        return _sequence(sample, [default_convert(value) for value in sample])
    return sample
