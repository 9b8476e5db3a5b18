"""Which elements there are, whether a number is among them, and where it would stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.dtypes import int32, int64
from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.kernels import order
from nanograd.ops.kinds import expect_numbers
from nanograd.ops.op import Number, as_operand, record, result_type, same_device, titled, wrap
from nanograd.ops.reduction import NoElementsError
from nanograd.ops.scattering import gather
from nanograd.ops.shape import one_dim

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["bucketize", "isin", "searchsorted", "unique", "unique_consecutive"]


# Distinct elements


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements, or slices along ``dim``, in order; with (inverse: which of them each is; counts) if asked.

    Every NaN is distinct.

    >>> torch.tensor([3, 1, 3]).unique(return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    return _distinct("unique", order.unique, input, dim, (return_inverse, return_counts))


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """As ``unique``, but only neighbors that are equal count as one, and nothing is sorted.

    >>> torch.tensor([1, 1, 2, 1]).unique_consecutive()
    tensor([1, 2, 1])
    """
    return _distinct("unique_consecutive", order.unique_runs, input, dim, (return_inverse, return_counts))


def _distinct(name: str, kernel: Any, x: Tensor, dim: int | None, wished: tuple[bool, bool]) -> Any:
    d = None if dim is None else one_dim(name, dim, x.array.ndim)
    full = x.array.shape
    if d is not None and 0 in full[:d] + full[d + 1 :]:
        raise NoElementsError(f"{name}: There are 0 sized dimensions, and they aren't selected: shape {tuple(full)}.")
    values, inverse, counts = kernel(x.array, d if full else None)
    y = record(values, (x, lambda g: underivable(name)))
    titles = {"unique": "Unique2" if d is None else "UniqueDim"}
    results = (titled(y, titles.get(name, "UniqueConsecutive") + "Backward0"), wrap(inverse), wrap(counts))
    kept = [results[0], *(t for t, wish in zip(results[1:], wished, strict=True) if wish)]
    return kept[0] if len(kept) == 1 else tuple(kept)


def underivable(name: str) -> Any:
    """Refuse the way back."""
    raise GradError(f"{name}: the derivative for '{name}' is not implemented: it jumps. Use {name}(x.detach()).")


def isin(
    elements: Tensor | Number, test_elements: Tensor | Number, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """For each element whether it is among the test elements, or, ``invert``, whether it is not.

    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 5]))
    tensor([False,  True, False])
    """
    given: list[Any] = [t for t in (elements, test_elements) if hasattr(t, "array")]
    if not given:
        raise DTypeError(f"isin: expected a tensor among its arguments, got {type(elements).__name__} and numbers.")
    device, dtype = same_device(*given), result_type(elements, test_elements)
    x, among = (as_operand(t, dtype, device).detach() for t in (elements, test_elements))
    return wrap(order.isin(x.array, among.array, invert))


# Where a number would stand


def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """For each value the number of elements of the sorted sequence before it; ``side`` "right": of those equal, too.

    Shapes: a sequence (n,) for values of any shape; or (..., n) for values (..., m), row by row.

    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 4]))
    tensor([1, 2])
    """
    if side not in (None, "left", "right"):
        raise ShapeError(f"searchsorted: side can only be 'left' or 'right' but got {side!r}.")
    if right and side == "left":
        raise ShapeError("searchsorted: side and right can't be set to opposites, got side='left' and right=True.")
    sequence = sorted_sequence if sorter is None else _sorted_by(sorted_sequence, sorter)
    return _search("searchsorted", sequence, input, right or side == "right", out_int32)


def bucketize(input: Tensor | Number, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """For each value the number of the bucket it falls in: how many of the sorted boundaries (n,) stand before it.

    >>> torch.bucketize(torch.tensor([0., 3., 9.]), torch.tensor([1., 3., 5.]))
    tensor([0, 1, 3])
    """
    if boundaries.array.ndim != 1:
        raise ShapeError(f"bucketize: boundaries tensor must be 1 dimension, but got dim({boundaries.array.ndim}).")
    return _search("bucketize", boundaries, input, right, out_int32)


def _sorted_by(sequence: Tensor, sorter: Tensor) -> Tensor:
    if sorter.array.dtype != int64.numpy:
        raise DTypeError(f"searchsorted: sorter must be a tensor of long dtype but got {sorter.dtype}.")
    if sorter.array.shape != sequence.array.shape:
        raise ShapeError(
            f"searchsorted: sequence and sorter must have the same size, got {tuple(sequence.array.shape)} and "
            f"{tuple(sorter.array.shape)}."
        )
    try:
        return gather(sequence, -1, sorter)
    except IndexError as error:
        raise ShapeError(f"searchsorted: sorter index out of range: {error}") from None


def _search(name: str, sequence: Tensor, values: Any, right: bool, as_int32: bool) -> Tensor:
    v = values if hasattr(values, "array") else as_operand(values, result_type(sequence, values), sequence.device)
    same_device(sequence, v)
    expect_numbers(name, sequence)
    have, rows = tuple(sequence.array.shape), tuple(v.array.shape)
    if not have or (len(have) > 1 and have[:-1] != rows[:-1]):
        raise ShapeError(
            f"{name}: boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and "
            f"input value tensor must match, but we got boundaries tensor {list(have)} and input value tensor "
            f"{list(rows)}."
        )
    y = wrap(order.searchsorted(v.array, sequence.array, right))
    return y.to(int32) if as_int32 else y
