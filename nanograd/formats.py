"""Layouts and memory formats: names that programs pass; tensors here are always dense and strided."""

from __future__ import annotations

from typing import Any

from nanograd.errors import MissingError

__all__ = [
    "Layout", "MemoryFormat", "channels_last", "channels_last_3d", "contiguous_format", "expect_dense",
    "expect_strided", "preserve_format", "sparse_bsc", "sparse_bsr", "sparse_coo", "sparse_csc", "sparse_csr",
    "strided",
]  # fmt: skip


class Layout:
    """How elements lie in memory, ``torch.layout``; there is only ``torch.strided`` here."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class MemoryFormat(Layout):
    """The order in which dimensions lie in memory, ``torch.memory_format``: a hint, row-major order here."""

    __slots__ = ()


strided = Layout("strided")
sparse_coo = Layout("sparse_coo")
sparse_csr = Layout("sparse_csr")
sparse_csc = Layout("sparse_csc")
sparse_bsr = Layout("sparse_bsr")
sparse_bsc = Layout("sparse_bsc")
contiguous_format = MemoryFormat("contiguous_format")
preserve_format = MemoryFormat("preserve_format")
channels_last = MemoryFormat("channels_last")
channels_last_3d = MemoryFormat("channels_last_3d")


def expect_strided(name: str, layout: Any) -> None:
    """Raises MissingError for layouts other than ``torch.strided``, TypeError for what is none."""
    if layout is None or layout is strided:
        return
    if not isinstance(layout, Layout) or isinstance(layout, MemoryFormat):
        raise TypeError(f"{name}: argument 'layout' must be torch.layout, not {type(layout).__name__}.")
    raise MissingError(f"{name}: layout {layout} is not supported: nanograd has dense tensors only (torch.strided).")


def expect_dense(name: str, memory_format: Any) -> None:
    """Raises TypeError for what is no memory format; each is taken as a hint."""
    if memory_format is not None and not isinstance(memory_format, MemoryFormat):
        raise TypeError(f"{name}: argument 'memory_format' must be torch.memory_format, not {memory_format!r:.40}.")
