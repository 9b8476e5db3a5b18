"""Checkpointing: here a call like any other, since nanograd keeps what a gradient needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["checkpoint", "checkpoint_sequential"]


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: Any = None, preserve_rng_state: bool = True, **kwargs: Any
) -> Any:
    """function(*args, **kwargs): the same numbers and gradients as in torch, which forgets and computes again.

    Memory is not saved: use smaller batches for that.

    >>> from nanograd.utils.checkpoint import checkpoint
    >>> checkpoint(torch.square, torch.tensor(3.0), use_reentrant=False)
    tensor(9.)
    """
    return function(*args, **kwargs)


def checkpoint_sequential(functions: Sequence[Callable[..., Any]], segments: int, input: Any, **kwargs: Any) -> Any:
    """The functions one after another, or the layers of a Sequential; see ``checkpoint``."""
    for function in functions:
        input = function(input)
    return input
