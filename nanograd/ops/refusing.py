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
    nanograd.errors.DTypeError: exp(): argument 'input' (position 1) must be Tensor, not float. Make one: ...
    """
    value = error.obj
    found = None if hasattr(value, "array") else _asked(value)
    if found is None:
        return error
    name, argument, position = found
    kind = value.__name__ if isinstance(value, type) else type(value).__name__
    return DTypeError(
        f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {kind}. {_remedy(value)}"
    )


def _remedy(value: object) -> str:
    """How to make a tensor of it."""
    if isinstance(value, (list, tuple)) and any(hasattr(item, "array") for item in value):
        return "A batch of a DataLoader is [inputs, labels]: for inputs, labels in loader: model(inputs)"
    if type(value).__name__ == "ndarray":
        return "Make one: torch.from_numpy(x), with .float() if it holds float64"
    if hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, (list, tuple, str, dict)):
        return "Go through torch.utils.data.DataLoader(dataset, batch_size=...), and give the model its batches"
    return "Make one: torch.tensor(...)"


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
