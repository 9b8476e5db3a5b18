"""Tables of vectors that are looked up by number: Embedding, EmbeddingBag."""

from __future__ import annotations

from typing import Any, ClassVar

from nanograd.nn import functional as F
from nanograd.nn import init
from nanograd.nn.functional.embedding import PaddingError
from nanograd.nn.linear import _size
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.ops.creation import empty
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """A table of rows, one of which may be padding."""

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None
    weight: Parameter

    def _make(
        self, rows: int, columns: int, padding: int | None, given: Tensor | None, device: Any, dtype: Any
    ) -> None:
        kind = type(self).__name__
        self.num_embeddings = _size(kind, "num_embeddings", rows)
        self.embedding_dim = _size(kind, "embedding_dim", columns)
        if padding is not None and not -rows <= padding < rows:
            raise PaddingError(f"{kind}: Padding_idx must be within num_embeddings ({rows}), got {padding}.")
        self.padding_idx = None if padding is None else padding % rows
        if given is None:
            self.weight = Parameter(empty(rows, columns, device=device, dtype=dtype))
            self.reset_parameters()
            return
        if tuple(given.array.shape) != (rows, columns):
            raise PaddingError(
                f"{kind}: Shape of weight does not match num_embeddings and embedding_dim: got {tuple(given.shape)}, "
                f"expected ({rows}, {columns})."
            )
        self.weight = Parameter(given)

    def reset_parameters(self) -> None:
        """Draw new initial values: normal, zeros for padding."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)


def _table(embeddings: Tensor) -> tuple[int, int]:
    if embeddings.array.ndim != 2:
        raise PaddingError("from_pretrained: Embeddings parameter is expected to be 2-dimensional, (N, D).")
    rows, columns = embeddings.array.shape
    return rows, columns


class Embedding(_Table):
    """y = weight[i]          weight (N, D);  i (…) of integers → (…, D)

    Starts with normal weights; the row ``padding_idx`` starts with zeros and gets no gradient.  See ``F.embedding`` for
    max_norm and scale_grad_by_freq; gradients are dense, with ``sparse`` too.

    >>> nn.Embedding(10, 4)(torch.tensor([[1, 2, 9]])).shape
    torch.Size([1, 3, 4])
    """

    _function: ClassVar[str] = "nn.functional.embedding(x, weight)"

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._make(num_embeddings, embedding_dim, padding_idx, _weight, device, dtype)
        self.weight.requires_grad_(not _freeze)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An Embedding of a table (N, D), which is not trained if ``freeze``."""
        rows, columns = _table(embeddings)
        return cls(
            rows,
            columns,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight=embeddings,
            _freeze=freeze,
        )

    def forward(self, input: Tensor) -> Tensor:
        """The rows whose numbers stand in the input."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.num_embeddings}, {self.embedding_dim}" + _settings(self)


def _settings(layer: Any) -> str:
    """What differs from the defaults."""
    text = "" if layer.padding_idx is None else f", padding_idx={layer.padding_idx}"
    text += "" if layer.max_norm is None else f", max_norm={layer.max_norm}"
    text += "" if layer.norm_type == 2 else f", norm_type={layer.norm_type}"
    text += "" if not layer.scale_grad_by_freq else f", scale_grad_by_freq={layer.scale_grad_by_freq}"
    return text + (", sparse=True" if layer.sparse else "")


class EmbeddingBag(_Table):
    """y[b] = sum, mean or max of weight[i] over bag b          weight (N, D);  i (B, n), or a line and offsets → (B, D)

    See ``F.embedding_bag``.

    >>> bag = nn.EmbeddingBag.from_pretrained(torch.tensor([[1., 2.], [3., 4.]]), mode="sum")
    >>> bag(torch.tensor([0, 1, 1]), torch.tensor([0, 2]))
    tensor([[4., 6.],
            [3., 4.]])
    """

    _function: ClassVar[str] = "nn.functional.embedding_bag(x, weight, offsets)"

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"EmbeddingBag: mode has to be one of sum, mean or max, got {mode!r}.")
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self._make(num_embeddings, embedding_dim, padding_idx, _weight, device, dtype)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """An EmbeddingBag of a table (N, D), which is not trained if ``freeze``."""
        rows, columns = _table(embeddings)
        made = cls(
            rows, columns, max_norm, norm_type, scale_grad_by_freq, mode, sparse, _weight=embeddings,
            include_last_offset=include_last_offset, padding_idx=padding_idx,
        )  # fmt: skip
        made.weight.requires_grad_(not freeze)
        return made

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """The rows of each bag, combined."""
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse,
            per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The sizes."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        text += "" if self.max_norm is None else f", max_norm={self.max_norm}"
        text += "" if self.norm_type == 2 else f", norm_type={self.norm_type}"
        text += "" if not self.scale_grad_by_freq else f", scale_grad_by_freq={self.scale_grad_by_freq}"
        text += f", mode={self.mode!r}"
        return text + ("" if self.padding_idx is None else f", padding_idx={self.padding_idx}")
