"""Tables of vectors, looked up by number."""

from __future__ import annotations

from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.ops.comparison import where
from nanograd.ops.creation import arange
from nanograd.tensors import Tensor

__all__ = ["embedding", "one_hot"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """y = weight[i]: indices (…) and a table (N, D) → (…, D).  The row ``padding_idx`` gets no gradient.

    Raises DTypeError for indices that are not integers, IndexError outside [0, N).
    """
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise MissingError("embedding: max_norm, scale_grad_by_freq and sparse are not supported; leave them out.")
    if input.array.dtype.kind not in "iu":
        raise DTypeError(f"embedding: expected indices of torch.int64, got {input.dtype}. Use input.long().")
    rows = weight.array.shape[0]
    if input.array.size and not (int(input.amin()) >= 0 and int(input.amax()) < rows):
        worst = int(input.amax()) if int(input.amax()) >= rows else int(input.amin())
        raise IndexError(f"embedding: index out of range in self: got {worst}, the table has {rows} rows.")
    index = input.long()
    y = weight[index]
    if padding_idx is None:
        return y
    chosen: Tensor = where((index == padding_idx % rows).unsqueeze(-1), y.detach(), y)
    return chosen


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """y[…, c] = 1 where c is the class number, else 0: (…) → (…, C) int64.

    >>> F.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if tensor.array.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: expected class numbers of torch.int64, got {tensor.dtype}. Use tensor.long().")
    if not tensor.array.size:
        if num_classes < 1:
            raise ShapeError("one_hot: can not infer total number of classes from empty tensor. Pass num_classes.")
    else:
        low, high = int(tensor.amin()), int(tensor.amax())
        if low < 0:
            raise ShapeError(f"one_hot: Class values must be non-negative, got {low}.")
        if num_classes == -1:
            num_classes = high + 1
        if high >= num_classes:
            raise ShapeError(f"one_hot: Class values must be smaller than num_classes ({num_classes}), got {high}.")
    return (tensor.long().unsqueeze(-1) == arange(num_classes, device=tensor.device)).long()
