"""Storages: the memory of a file's tensors, the device it belongs on, and tensors that look at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nanograd.devices import Device, cpu, to_device
from nanograd.dtypes import DType
from nanograd.errors import DeviceError
from nanograd.ops.creation import from_numpy
from nanograd.ops.op import share
from nanograd.serialization.elements import Array
from nanograd.serialization.files import damaged
from nanograd.tensors import Tensor

__all__ = ["FileStorage", "Place", "placer", "tensor_in"]


class FileStorage:
    """One storage of a file: its elements, and where they belong.  What a ``map_location`` function gets and gives.

    ``storage.cpu()``, ``storage.cuda(0)`` and ``storage.to(device)`` say where it belongs instead.
    """

    def __init__(self, array: Array, dtype: DType) -> None:
        self.array = array  # one dimension; in a legacy file, filled after the tensors are made
        self.dtype = dtype
        self.device = cpu
        self._tensors: dict[Any, Tensor] = {}  # on another device, by what they look at
        self._first: Tensor | None = None
        self._seen: dict[DType, FileStorage] = {}

    def nbytes(self) -> int:
        """Bytes of memory."""
        return self.array.nbytes

    def __len__(self) -> int:
        return self.array.size

    def seen_as(self, dtype: DType) -> FileStorage:
        """The same memory as elements of another dtype."""
        if dtype is self.dtype:
            return self
        if dtype not in self._seen:
            seen = self._seen[dtype] = FileStorage(self.array.view(dtype.numpy), dtype)
            seen.device = self.device
        return self._seen[dtype]

    def to(self, device: Any) -> FileStorage:
        """This storage, which belongs on ``device`` from now on.  Raises DeviceError where that is absent."""
        self.device = _present(str(device))
        return self

    def cpu(self) -> FileStorage:
        """This storage, which belongs on the CPU."""
        return self.to(cpu)

    def cuda(self, device: Any = None) -> FileStorage:
        """This storage, which belongs on a GPU."""
        return self.to("cuda" if device is None else Device("cuda", getattr(device, "index", device)))


Place = Callable[[FileStorage, str], FileStorage]


def placer(where: Any) -> Place:
    """What ``map_location`` means: a device for all, a mapping of devices, or a function of storage and location."""
    if where is None:
        return lambda storage, location: storage.to(location)
    if callable(where):
        return lambda storage, location: _chosen(where(storage, location), storage, location)
    if isinstance(where, Mapping):
        names = {str(key): str(value) for key, value in where.items()}
        return lambda storage, location: storage.to(names.get(location, location))
    if not isinstance(where, (str, Device)):
        raise DeviceError(
            f"load: map_location: expected a device, a dict of devices, or a function of (storage, location); got "
            f"{where!r}."
        )
    device = _present(str(where))
    return lambda storage, location: storage.to(device)


def _chosen(result: Any, storage: FileStorage, location: str) -> FileStorage:
    if result is None:  # torch: as if there were no map_location
        return storage.to(location)
    if not isinstance(result, FileStorage):
        raise DeviceError(
            f"load: map_location must return the storage it was given, storage.cpu(), or None; got "
            f"{type(result).__name__}."
        )
    return result


def _present(name: str) -> Device:
    """The device of a location, or torch's error for one that is absent."""
    try:
        return to_device(name)
    except DeviceError:
        kind = name.partition(":")[0]
        if not kind.isidentifier():
            raise
        raise DeviceError(
            f"load: Attempting to deserialize object on a {kind.upper()} device but torch.{kind}.is_available() is "
            "False. If you are running on a CPU-only machine, please use torch.load with "
            "map_location=torch.device('cpu') to map your storages to the CPU."
        ) from None


def tensor_in(storage: FileStorage, offset: Any, shape: Any, strides: Any, requires_grad: Any = False) -> Tensor:
    """The tensor that looks at ``storage`` from ``offset`` on, in elements; all in one storage share its memory."""
    _check_view(storage, offset, shape, strides)
    key = (offset, tuple(shape), tuple(strides))
    t = storage._tensors.get(key)
    if t is not None:
        t = t.detach()
    elif storage.device is cpu:
        t = _shared(storage, from_numpy(_view(storage, *key)))
    else:
        t = storage._tensors[key] = from_numpy(_view(storage, *key)).to(storage.device)
    if requires_grad is not True and requires_grad is not False:
        damaged(f"requires_grad of a tensor is {requires_grad!r:.40}")
    if requires_grad and not storage.dtype.is_floating_point:
        damaged(f"a tensor of {storage.dtype} requires a gradient")
    return t.requires_grad_(requires_grad)


def _shared(storage: FileStorage, t: Tensor) -> Tensor:
    """``t``, known to the tape to share the memory of the storage's other tensors."""
    if storage._first is None:
        storage._first = t
    elif storage._first is not t:
        share(storage._first, t).base = None  # no view to the tape: each is a leaf of its own
    return t


def _check_view(storage: FileStorage, offset: Any, shape: Any, strides: Any) -> None:
    """Refuse a tensor that does not lie in its storage."""
    if not _counts((offset,)) or not _counts(shape) or not _counts(strides) or len(shape) != len(strides):
        damaged(f"a tensor has offset {offset!r:.40}, shape {shape!r:.80} and strides {strides!r:.80}")
    if len(shape) > 32:
        damaged(f"a tensor has {len(shape)} dimensions, more than 32")
    if 0 not in shape:
        last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if last >= len(storage) or math.prod(shape) * storage.dtype.itemsize >= 2**63:
            damaged(
                f"a tensor of shape {tuple(shape)} with strides {tuple(strides)} from element {offset} on goes beyond "
                f"its storage of {len(storage)} elements"
            )


def _counts(values: Any) -> bool:
    return isinstance(values, tuple) and all(type(v) is int and 0 <= v < 2**62 for v in values)


def _view(storage: FileStorage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    array = storage.array
    if 0 in shape:
        try:
            return np.empty(shape, array.dtype)
        except ValueError:
            damaged(f"a tensor has shape {shape}")
    size = array.itemsize
    if not offset and len(shape) == 1 and shape[0] == array.size and strides == (1,):
        return array
    return np.ndarray(shape, array.dtype, array, offset * size, tuple(s * size for s in strides))
