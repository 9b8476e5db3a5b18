"""What a tensor is: questions with a plain answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.absent import absent
from nanograd.errors import ShapeError

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["is_complex", "is_conj", "is_inference", "is_neg", "is_nonzero", "is_same_size", "is_signed"]


def is_complex(input: Tensor) -> bool:
    """False: there are no complex tensors."""
    return False


def is_conj(input: Tensor) -> bool:
    """False: there are no complex tensors."""
    return False


def is_neg(input: Tensor) -> bool:
    """False: negation is never put off."""
    return False


def is_inference(input: Tensor) -> bool:
    """False: what inference_mode makes are ordinary tensors."""
    return False


def is_signed(input: Tensor) -> bool:
    """Whether its dtype has negative values."""
    return input.dtype.is_signed


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero.  Raises ShapeError for more or none."""
    if input.array.size != 1:
        more = "more than one value" if input.array.size else "no values"
        raise ShapeError(f"is_nonzero: Boolean value of Tensor with {more} is ambiguous: shape {tuple(input.shape)}.")
    return bool(input.item())


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return bool(input.array.shape == other.array.shape)


def get_device(input: Tensor) -> int:
    """The number of its GPU; -1 on the CPU."""
    device: Any = input.device
    return -1 if device.type == "cpu" else device.index or 0


def is_on_cpu(input: Tensor) -> bool:
    """Whether it lives on the CPU."""
    return input.device.type == "cpu"


def never(input: Tensor) -> bool:
    """False: tensors here are dense, and on the CPU or a CUDA device."""
    return False


def nbytes(input: Tensor) -> int:
    """How many bytes the elements take."""
    return int(input.array.size) * int(input.array.itemsize)


def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """Itself: memory is pinned only for copies to a GPU."""
    return input


def share_memory_(input: Tensor) -> Tensor:
    """Itself: what a DataLoader's workers send is shared without it."""
    return input


def to_dense(input: Tensor, dtype: Any = None) -> Tensor:
    """Itself, or with ``dtype`` a copy: every tensor is dense."""
    return input if dtype is None else input.to(dtype)


def to_sparse(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Raises MissingError: there are no sparse tensors."""
    return absent("Tensor.to_sparse")


def bfloat16(input: Tensor) -> Tensor:
    """Raises MissingError: there is no bfloat16."""
    return absent("Tensor.bfloat16")
