"""Sequences of different lengths in one tensor, padded or packed: torch's path ``nn.utils.rnn``.

Padded, the shorter sequences are filled up: (T, B, …).  Packed, only what is there is kept: the rows of step 0 of all
sequences, longest first, then those of step 1 of the sequences that are still going, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.creation import full, tensor
from nanograd.ops.joining import cat
from nanograd.ops.op import titled
from nanograd.ops.ranges import arange
from nanograd.tensors import Tensor

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """What ``pack_padded_sequence`` and ``pack_sequence`` make, and recurrent layers take and give.

    ``data``              the rows of all steps, (N, …)
    ``batch_sizes``       how many sequences are still going at each step, (T,) int64 on the CPU, never growing
    ``sorted_indices``    where each sequence of the batch, longest first, stood before; None if nothing was moved
    ``unsorted_indices``  its inverse
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        """From its parts; ``unsorted_indices`` follows from ``sorted_indices``."""
        if batch_sizes is None:
            if not isinstance(data, (tuple, list)) or len(data) != 2:
                raise DTypeError(
                    "PackedSequence: expected data and batch_sizes. Make one with pack_padded_sequence(input, lengths)."
                )
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(f"PackedSequence: batch_sizes should always be on CPU, got {batch_sizes.device}.")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With ``data`` moved or converted as ``Tensor.to`` does; itself where nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        moved = (None if i is None else i.to(data.device) for i in (self.sorted_indices, self.unsorted_indices))
        return type(self)(data, self.batch_sizes, *moved)

    def cpu(self) -> PackedSequence:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> PackedSequence:
        """On a GPU.  Raises DeviceError where there is none."""
        return self.to("cuda" if device is None else device)

    def double(self) -> PackedSequence:
        """As float64."""
        return self.to(dtype="float64")

    def float(self) -> PackedSequence:
        """As float32."""
        return self.to(dtype="float32")

    def half(self) -> PackedSequence:
        """As float16."""
        return self.to(dtype="float16")

    def long(self) -> PackedSequence:
        """As int64."""
        return self.to(dtype="int64")

    def int(self) -> PackedSequence:
        """As int32."""
        return self.to(dtype="int32")

    def short(self) -> PackedSequence:
        """As int16."""
        return self.to(dtype="int16")

    def char(self) -> PackedSequence:
        """As int8."""
        return self.to(dtype="int8")

    def byte(self) -> PackedSequence:
        """As uint8."""
        return self.to(dtype="uint8")

    @property
    def is_cuda(self) -> bool:
        """Whether ``data`` lives on a GPU."""
        return self.data.is_cuda

    def pin_memory(self) -> PackedSequence:
        """Itself: there is nothing to pin on the CPU."""
        return self

    def is_pinned(self) -> bool:
        """False: there is nothing to pin on the CPU."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """p⁻¹ with p⁻¹[p[i]] = i.

    >>> nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else permutation.argsort()


def _lengths(name: str, lengths: Any) -> list[int]:
    """Lengths given as a list or a tensor, as integers.  Raises DTypeError for a tensor of another device."""
    if isinstance(lengths, Tensor):
        if lengths.device.type != "cpu":
            raise DTypeError(
                f"{name}: 'lengths' argument should be a 1D CPU int64 tensor, but got one on {lengths.device}. "
                "Use lengths.cpu()."
            )
        if lengths.array.ndim != 1:
            raise ShapeError(
                f"{name}: 'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.array.ndim}D."
            )
        lengths = lengths.long().tolist()
    return [n.__index__() if hasattr(n, "__index__") else int(n) for n in lengths]


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The rows that are there, out of padded sequences (T, B, …), or (B, T, …) under ``batch_first``.

    ``lengths`` (B,) says how long each sequence is, from 1 to T.  They must not grow unless ``enforce_sorted`` is
    False: then the sequences are sorted, and put back in order by what unpacks them.

    Raises ShapeError for lengths that do not fit, or that are not sorted and should be.

    >>> x = torch.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> nn.utils.rnn.pack_padded_sequence(x, [2, 1, 3], batch_first=True, enforce_sorted=False).data
    tensor([4, 1, 3, 5, 2, 6])
    """
    name = "pack_padded_sequence"
    if not isinstance(input, Tensor) or input.array.ndim < 2:
        raise ShapeError(
            f"{name}: expected a padded tensor of at least 2 dimensions, "
            f"{'(batch, time, …)' if batch_first else '(time, batch, …)'}, got "
            f"{f'shape {tuple(input.shape)}' if isinstance(input, Tensor) else type(input).__name__}. "
            "Sequences in a list go into pack_sequence."
        )
    given = _lengths(name, lengths)
    x = input.transpose(0, 1) if batch_first else input
    steps, batch = x.array.shape[:2]
    _check_lengths(name, given, steps, batch, enforce_sorted, batch_first)
    order = None
    if not enforce_sorted:
        ranks = sorted(range(batch), key=lambda i: -given[i])  # of equal lengths the first stays first
        given, order = [given[i] for i in ranks], tensor(ranks, device=input.device)
        x = x.index_select(1, order)
    going = _going(given)
    data = titled(x[_places(going, steps, batch).to(input.device)], "PackPaddedSequenceBackward0")
    return PackedSequence(data, going, order)


def _check_lengths(
    name: str, lengths: list[int], steps: int, batch: int, enforce_sorted: bool, batch_first: bool
) -> None:
    if not batch or not steps:
        raise ShapeError(f"{name}: Cannot pack empty tensors.")
    if len(lengths) != batch:
        raise ShapeError(
            f"{name}: Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} (batch_size={batch}): "
            f"batch is dimension {0 if batch_first else 1} under batch_first={batch_first}."
        )
    if enforce_sorted and any(a < b for a, b in pairwise(lengths)):
        raise ShapeError(
            f"{name}: `lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement."
        )
    if min(lengths) <= 0:
        raise ShapeError(
            f"{name}: Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0: "
            f"{min(lengths)}."
        )
    if max(lengths) > steps:
        raise ShapeError(
            f"{name}: a length of {max(lengths)} is more than the {steps} steps of the padded tensor: time is "
            f"dimension {1 if batch_first else 0} under batch_first={batch_first}."
        )


def _going(lengths: list[int]) -> Tensor:
    """How many sequences, longest first, are still going at each step."""
    times = arange(lengths[0]).unsqueeze(1)
    return (tensor(lengths) > times).sum(1)


def _places(going: Tensor, steps: int, batch: int) -> Tensor:
    """(T, B), True where a step of a sequence is there; row by row these are the packed rows."""
    inside = arange(batch) < going.unsqueeze(1)
    missing = steps - inside.array.shape[0]
    return cat([inside, full((missing, batch), False)]) if missing else inside


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """(padded sequences (T, B, …), or (B, T, …) under ``batch_first``; their lengths (B,)).

    ``total_length`` is the T to pad to.  Raises ValueError where the longest sequence is longer.
    """
    if not isinstance(sequence, PackedSequence):
        raise DTypeError(
            f"pad_packed_sequence: expected a PackedSequence, got {type(sequence).__name__}. A list of tensors is "
            "padded by pad_sequence."
        )
    data, going, _, unsorted = sequence
    longest, batch = going.array.shape[0], int(going[0])
    if total_length is not None and total_length < longest:
        raise ShapeError(
            "pad_packed_sequence: Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {longest}"
        )
    steps = longest if total_length is None else total_length
    places = _places(going, steps, batch)
    y = full((steps, batch, *data.array.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    y[places.to(data.device)] = data
    lengths = places.sum(0)
    y = y.transpose(0, 1) if batch_first else y
    if unsorted is None:
        return y, lengths
    return y.index_select(0 if batch_first else 1, unsorted), lengths[unsorted.cpu()]


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (L, …) of different lengths side by side, filled up: (T, B, …), or (B, T, …) under ``batch_first``.

    Raises ShapeError for no sequences, or for sizes after the first that differ; ValueError for another side.

    >>> nn.utils.rnn.pad_sequence([torch.ones(3), torch.ones(1)], batch_first=True)
    tensor([[1., 1., 1.],
            [1., 0., 0.]])
    """
    xs = _sequences("pad_sequence", sequences)
    if padding_side not in ("left", "right"):
        raise ShapeError(f"pad_sequence: Expected padding_side to be one of left or right, but got {padding_side}.")
    lengths = tensor([x.array.shape[0] for x in xs])
    steps, first = max(x.array.shape[0] for x in xs), xs[0]
    ends = arange(steps) if padding_side == "right" else arange(steps).flip(0)
    sequence, step = (ends < lengths.unsqueeze(1)).nonzero().unbind(1)  # in the order of cat(xs)
    sizes = (len(xs), steps) if batch_first else (steps, len(xs))
    y = full((*sizes, *first.array.shape[1:]), padding_value, dtype=first.dtype, device=first.device)
    sequence, step = sequence.to(first.device), step.to(first.device)
    y[(sequence, step) if batch_first else (step, sequence)] = cat([x.to(first.dtype) for x in xs])
    return y


def _sequences(name: str, sequences: Any) -> list[Tensor]:
    if not isinstance(sequences, Iterable):
        raise DTypeError(f"{name}: Expected iterable for input sequences, but got arg of type: {type(sequences)}")
    xs = list(sequences)
    if not xs:
        raise ShapeError(f"{name}: received an empty list of sequences")
    for x in xs:
        if not isinstance(x, Tensor):
            raise DTypeError(f"{name}: expected tensors, got {type(x).__name__} {x!r:.40}. Use torch.tensor(...).")
        if not x.array.ndim:
            raise ShapeError(f"{name}: expected sequences of shape (length, …), got a 0-d tensor.")
        if x.array.shape[1:] != xs[0].array.shape[1:]:
            raise ShapeError(
                f"{name}: the sequences may differ in length only, got shapes {tuple(xs[0].shape)} and "
                f"{tuple(x.shape)}: the sizes after the first must match."
            )
    return xs


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The sequences, (length, …) each, out of what ``pad_sequence`` padded on the right.

    Raises ShapeError for another number of lengths than of sequences.
    """
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    given = _lengths("unpad_sequence", lengths)
    if len(given) != x.array.shape[0]:
        raise ShapeError(f"unpad_sequence: {len(given)} lengths for a batch of {x.array.shape[0]} sequences.")
    return [row[:n] for row, n in zip(x.unbind(0), given, strict=True)]


def pack_sequence(sequences: Iterable[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (L, …) packed; longest first unless ``enforce_sorted`` is False.

    >>> nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5]), torch.tensor([6])]).data
    tensor([1, 4, 6, 2, 5, 3])
    """
    xs = _sequences("pack_sequence", sequences)
    return pack_padded_sequence(pad_sequence(xs), [x.array.shape[0] for x in xs], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences, (length, …) each, in the order in which they were before they were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
