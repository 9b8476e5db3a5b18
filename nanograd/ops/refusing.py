"""What is raised where an argument is no tensor: torch's TypeError, in place of Python's AttributeError from inside.

The checks cost a good call nothing.  What every operation reads first stands in a ``try``, which is free until it
fails; only then are the frames searched for the function that was called and the argument that is wrong.
"""

from __future__ import annotations

import sys

from nanograd.errors import DTypeError

__all__ = ["no_tensor"]

PUBLIC = ("nanograd.ops.", "nanograd.nn.functional.")


def no_tensor(error: AttributeError) -> Exception:
    """The error to raise for ``error``, of an attribute that only tensors have; itself where it is another's.

    >>> torch.exp(3.0)
    Traceback (most recent call last):
    ...
    nanograd.errors.DTypeError: exp(): argument 'input' (position 1) must be Tensor, not float
    """
    value = error.obj
    found = None if hasattr(value, "array") else _asked(value)
    if found is None:
        return error
    name, argument, position = found
    kind = value.__name__ if isinstance(value, type) else type(value).__name__
    return DTypeError(f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {kind}")


def _asked(value: object) -> tuple[str, str, int] | None:
    """The outermost operation that took ``value``: its name, the argument's, and its position."""
    found = None
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("nanograd."):
        code = frame.f_code
        if frame.f_globals["__name__"].startswith(PUBLIC) and not code.co_name.startswith(("_", "<")):
            for i, argument in enumerate(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]):
                if frame.f_locals.get(argument) is value:
                    found = code.co_name.removesuffix("_of"), argument, i + 1
                    break
        frame = frame.f_back  # type: ignore[assignment]
    return found
