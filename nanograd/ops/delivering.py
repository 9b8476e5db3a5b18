"""``out=``: the result of an operation, written into a tensor that is there already."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nanograd.dtypes import can_cast
from nanograd.errors import DTypeError, GradError
from nanograd.tape import mode
from nanograd.warned import outside

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["deliver"]

MAKERS = ("nanograd.ops.creation", "nanograd.ops.ranges", "nanograd.ops.sampling")
"""Operations that make numbers of any dtype: they make those of ``out``."""


def deliver(out: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """``function(*args, **kwargs)``, written into ``out``, which is returned; a tuple of tensors for several results.

    ``out`` is resized to the result, with a warning where it held elements; the result is cast to its dtype.  Raises
    GradError where a gradient would flow, DTypeError for what is no tensor or has a dtype of a lesser kind.

    >>> y = torch.empty(2)
    >>> torch.add(torch.ones(2), 1, out=y) is y
    True
    """
    name = function.__name__.removesuffix("_of")
    if function.__module__ in MAKERS and kwargs.get("dtype") is None and hasattr(out, "dtype"):
        kwargs = {**kwargs, "dtype": out.dtype}
    answer = function(*args, **kwargs)
    if not isinstance(answer, tuple):
        return _write(name, answer, out)
    if not isinstance(out, (tuple, list)) or len(out) != len(answer):
        raise DTypeError(f"{name}(): argument 'out' must be tuple of {len(answer)} Tensors, not {type(out).__name__}.")
    for part, place in zip(answer, out, strict=True):
        _write(name, part, place)
    return type(answer)(out) if type(answer) is tuple else type(answer)(*out)


def _write(name: str, answer: Tensor, out: Any) -> Tensor:
    if not hasattr(out, "array") or not hasattr(answer, "array"):
        raise DTypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}.")
    if mode.enabled and (out.requires_grad or answer.requires_grad):
        raise GradError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad. Write y = ... instead, or compute under torch.no_grad()."
        )
    if not can_cast(answer.dtype, out.dtype):
        raise DTypeError(
            f"{name}(): result type {answer.dtype} can't be cast to the desired output type {out.dtype}: "
            f"make out with dtype={answer.dtype}."
        )
    if out.array.shape != answer.array.shape:
        if out.array.size:
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(out.array.shape)}, which does not match the required output shape {list(answer.array.shape)}. "
                "Reuse it by resizing it to zero elements first: out.resize_(0).",
                stacklevel=outside(),
            )
        out.resize_(answer.array.shape)
    out.copy_(answer)
    return out  # type: ignore[no-any-return]
