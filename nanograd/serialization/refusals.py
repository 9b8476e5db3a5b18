"""What cannot be stored, and what to do instead."""

from __future__ import annotations

from types import FunctionType
from typing import Any, NoReturn

from nanograd.errors import DTypeError
from nanograd.nn.module import Module
from nanograd.serialization.files import FileFormatError
from nanograd.serialization.machine import check_key
from nanograd.tensors import Tensor

__all__ = ["at", "check_stored_key", "refuse", "without_hooks"]


def without_hooks(module: Module, path: str) -> dict[str, Any]:
    """The attributes of a module.  Raises DTypeError where it has hooks: they are functions."""
    hooks = module._hooks
    if hooks is not None and any(hooks.kinds.values()):
        raise DTypeError(
            f"save: {type(module).__name__}{at(path)} has hooks, which are functions: take them out before saving, "
            "handle.remove(), or save model.state_dict()."
        )
    return {**vars(module), "_hooks": None}


def at(path: str) -> str:
    """Where a value stands, for the end of a sentence."""
    return f" (at {path!r})" if path else ""


def check_stored_key(key: Any, path: str) -> None:
    """Raise DTypeError for a key that ``load`` would refuse."""
    try:
        check_key(key)
    except FileFormatError:
        raise DTypeError(
            f"save: a dict key or set item cannot be a {type(key).__name__}{at(path)}: use strings or small numbers."
        ) from None


def refuse(value: Any, path: str) -> NoReturn:
    """Raise DTypeError that names the value, its place, and the remedy."""
    kind = type(value).__name__
    name = getattr(value, "__qualname__", None) if isinstance(value, (type, FunctionType)) else None
    if name is not None:
        remedy = (
            "Files hold no functions but those of this library, by name: write it as a method of the module."
            if isinstance(value, FunctionType)
            else f"If it is safe to rebuild: torch.serialization.add_safe_globals([{name}])."
        )
    elif hasattr(value, "state_dict"):
        remedy = f"Save its state: torch.save({kind.lower()}.state_dict(), path)."
    elif kind.startswith("Uninitialized"):
        remedy = "Its shape is not known yet: call the model once first."
    elif isinstance(value, Tensor):
        remedy = "Save a plain tensor: torch.tensor(...) or .detach()."
    elif isinstance(value, (tuple, dict)):
        remedy = "Convert it to a plain tuple or dict first."
    elif type(value).__module__ == "builtins":
        remedy = "Files hold tensors, numbers, strings, None, and dicts, lists and tuples of them."
    else:
        remedy = f"If its class is safe to rebuild: torch.serialization.add_safe_globals([{kind}])."
    article = "the " + ("class" if isinstance(value, type) else "function") if name else "a"
    raise DTypeError(f"save: cannot store {article} {name or kind}{at(path)}. {remedy}")
