"""Collating: many samples to one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nanograd.dtypes import float64
from nanograd.errors import ShapeError
from nanograd.ops.creation import as_tensor, tensor
from nanograd.ops.shape import stack
from nanograd.tensors import Tensor

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch of many samples, with a new first dimension.

    Tensors and arrays are stacked, numbers become a tensor (floats float64), strings a list; dicts, tuples and lists
    are collated place by place.  Raises TypeError for anything else, RuntimeError for samples that do not fit.

    >>> default_collate([(torch.tensor([1., 2.]), 0), (torch.tensor([3., 4.]), 1)])
    [tensor([[1., 2.],
            [3., 4.]]), tensor([0, 1])]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return _stacked(batch)
    if isinstance(first, np.ndarray) and first.dtype.kind not in "SUO":
        return _stacked([as_tensor(a) for a in batch])
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, (bool, int, np.generic)):
        return tensor(np.asarray(batch))
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([_entry(sample, key) for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        return _collate_sequences(first, batch)
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}. "
        "Convert in the data set, or pass collate_fn."
    )


def _stacked(samples: Sequence[Tensor]) -> Tensor:
    shapes = {tuple(t.shape) for t in samples}
    if len(shapes) > 1:
        raise ShapeError(
            "default_collate: stack expects each tensor to be equal size, but got "
            f"{', '.join(map(str, sorted(shapes)))}. Bring the samples to one size, or pass collate_fn."
        )
    return stack(list(samples))


def _entry(sample: Any, key: Any) -> Any:
    if key not in sample:
        raise ShapeError(f"default_collate: a sample has no {key!r}; it has {list(sample)}.")
    return sample[key]


def _like(first: Mapping[Any, Any], entries: dict[Any, Any]) -> Any:
    """A mapping of the same class where that can be made from a dict."""
    try:
        return type(first)(entries)  # type: ignore[call-arg]
    except TypeError:
        return entries


def _collate_sequences(first: Sequence[Any], batch: Sequence[Any]) -> Any:
    if any(len(sample) != len(first) for sample in batch):
        raise ShapeError(
            "default_collate: each element in list of batch should be of equal size, got lengths "
            f"{sorted({len(sample) for sample in batch})}."
        )
    columns = [default_collate(column) for column in zip(*batch, strict=True)]
    return type(first)(*columns) if hasattr(first, "_fields") else columns


def default_convert(sample: Any) -> Any:
    """One sample with arrays as tensors, for a loader without batches."""
    if isinstance(sample, np.ndarray) and sample.dtype.kind not in "SUO":
        return as_tensor(sample)
    if isinstance(sample, np.generic):
        return tensor(np.asarray(sample))
    if isinstance(sample, Mapping):
        return _like(sample, {key: default_convert(value) for key, value in sample.items()})
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*(default_convert(value) for value in sample))
    if isinstance(sample, (tuple, list)):
        return [default_convert(value) for value in sample]
    return sample
