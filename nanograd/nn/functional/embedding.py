"""Tables of vectors, looked up by number: one by one, or whole bags at once."""

from __future__ import annotations

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import embedding as ops
from nanograd.ops.comparison import where
from nanograd.ops.creation import full, zeros
from nanograd.ops.finding import searchsorted
from nanograd.ops.op import titled
from nanograd.ops.ranges import arange
from nanograd.ops.refusing import no_tensor
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = ["embedding", "embedding_bag", "one_hot"]


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

    Rows that are read and longer than ``max_norm`` are made that long first, in the table itself.
    ``scale_grad_by_freq`` divides the gradient of a row by how often it was read.  Gradients are dense, with ``sparse``
    too.  Raises DTypeError for indices that are not integers, IndexError outside [0, N).
    """
    padding = _padding("embedding", padding_idx, weight)
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    return ops.embedding(weight, input, padding, scale_grad_by_freq)


def _padding(name: str, index: int | None, weight: Tensor) -> int:
    """The padding row counted from the front, or -1.  Raises ShapeError outside the table."""
    try:
        rows: int = weight.array.shape[0]
    except AttributeError as error:
        raise no_tensor(error) from None
    if index is None:
        return -1
    if not -rows <= index < rows:
        raise PaddingError(f"{name}: padding_idx must be within the number of embeddings ({rows}), got {index}.")
    return index % rows


class PaddingError(AssertionError, ShapeError):
    """A padding row outside the table; torch raises AssertionError."""


def _shorten(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows of the table that are read to at most ``max_norm``, in place."""
    with no_grad():
        rows = indices.unique()
        part = ops.embedding(weight, rows)
        length = part.norm(norm_type, 1, True)
        weight[rows] = where(length > max_norm, part * (max_norm / (length + 1e-7)), part)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """y[…, c] = 1 where c is the class number, else 0: (…) → (…, C) int64.

    Raises DTypeError for what is not int64, ShapeError for negative numbers, and for numbers beyond num_classes.

    >>> F.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    try:
        if tensor.array.dtype.kind not in "iu":
            raise DTypeError(f"one_hot: expected class numbers of torch.int64, got {tensor.dtype}. Use tensor.long().")
    except AttributeError as error:
        raise no_tensor(error) from None
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


# Bags


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """y[b] = sum, mean or max over the rows of bag b: (B, D).

    The indices are (B, n), a bag per row, or a line of all bags one after the other, bag b beginning at offsets[b];
    with ``include_last_offset`` the last offset is the end of the last bag.  An empty bag gives zeros, entries equal to
    ``padding_idx`` do not count.  ``per_sample_weights``, of the indices' shape, scale the rows of a sum.

    Raises ValueError for another mode.
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag: mode has to be one of sum, mean or max, got {mode!r}.")
    _check_weights(input, per_sample_weights, mode)
    padding = _padding("embedding_bag", padding_idx, weight)
    starts, bags = _bags(input, offsets, include_last_offset)
    if not bags:
        return titled(weight.narrow(0, 0, 0), "EmbeddingBagBackward0")
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    index = input.flatten()
    owner = searchsorted(starts, arange(index.array.size, device=index.device), right=True) - 1  # the bag of each entry
    scales = None if per_sample_weights is None else per_sample_weights.flatten()
    if padding >= 0:
        counted = index != padding
        index, owner = index[counted], owner[counted]
        scales = None if scales is None else scales[counted]
    rows = ops.embedding(weight, index, -1, scale_grad_by_freq)
    rows = rows if scales is None else rows * scales.unsqueeze(1)
    return titled(_combined(rows, owner, bags, mode), "EmbeddingBagBackward0")


def _check_weights(input: Tensor, weights: Tensor | None, mode: str) -> None:
    if weights is None:
        return
    if weights.array.shape != input.array.shape:
        raise ShapeError(
            f"embedding_bag: If per_sample_weights ({tuple(weights.shape)}) is not None, then it must have the same "
            f"shape as the input ({tuple(input.shape)})"
        )
    if mode != "sum":
        raise NotSummedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode={mode!r})."
        )


class NotSummedError(ShapeError, NotImplementedError):
    """Weights for rows that are not summed; torch calls it not implemented."""


def _bags(input: Tensor, offsets: Tensor | None, include_last: bool) -> tuple[Tensor, int]:
    """(where each bag begins, how many there are).  Raises ShapeError."""
    if input.array.ndim == 2:
        if offsets is not None:
            raise ShapeError(
                "embedding_bag: if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
                f"fixed length sequences. However, found offsets of shape {tuple(offsets.shape)}"
            )
        bags, size = input.array.shape
        return arange(bags, device=input.device) * size, bags
    if input.array.ndim != 1:
        raise ShapeError(f"embedding_bag: input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if offsets is None or offsets.array.ndim != 1:
        given = None if offsets is None else tuple(offsets.shape)
        raise ShapeError(f"embedding_bag: offsets has to be a 1D Tensor but got {given}: where each bag begins.")
    starts = offsets.tolist()
    if starts and starts[0] != 0:
        raise ShapeError(
            "embedding_bag: offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            f"position 0. However, got {starts[0]}"
        )
    if starts != sorted(starts) or (starts and starts[-1] > input.array.size):
        raise ShapeError(
            f"embedding_bag: offsets must not fall, and offsets[-1] can not be greater than input's length "
            f"{input.array.size}, got {starts}."
        )
    bags = len(starts) - include_last
    return offsets[:bags], bags


def _combined(rows: Tensor, owner: Tensor, bags: int, mode: str) -> Tensor:
    if mode == "max":
        return _greatest(rows, owner, bags)
    y = zeros(bags, rows.array.shape[1], dtype=rows.dtype, device=rows.device).index_add(0, owner, rows)
    if mode == "sum":
        return y
    return y / owner.bincount(minlength=bags).clamp(min=1).to(rows.dtype).unsqueeze(1)


def _greatest(rows: Tensor, owner: Tensor, bags: int) -> Tensor:
    """The greatest of each column of a bag; of equal ones the first counts."""
    n, width = rows.array.shape
    if not n:
        return zeros(bags, width, dtype=rows.dtype, device=rows.device) + rows.sum()
    place = owner.unsqueeze(1).expand(n, width)
    found = rows.detach()
    top = full((bags, width), 0.0, dtype=rows.dtype, device=rows.device).scatter_reduce(
        0, place, found, "amax", include_self=False
    )
    order = where(found == top[owner], arange(n, device=rows.device).unsqueeze(1), n)
    first = full((bags, width), n, device=rows.device).long().scatter_reduce(0, place, order, "amin")
    chosen: Tensor = where(first < n, rows.gather(0, first.clamp(max=n - 1)), 0.0)
    return chosen
