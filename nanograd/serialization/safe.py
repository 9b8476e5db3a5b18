"""What a file may name: classes that the user allows, and, when asked for whole modules, classes already imported.

Nothing is imported, and nothing is called: an object is made by ``object.__new__`` and its attributes are set.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
from collections.abc import Callable
from types import FunctionType, MemberDescriptorType
from typing import Any, NoReturn

from nanograd.errors import MissingError
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.serialization.files import UnsafeFileError, damaged
from nanograd.tensors import Tensor

__all__ = [
    "add_safe_globals", "allowed", "clear_safe_globals", "find", "get_safe_globals", "imported", "is_formula",
    "make", "member", "own_pickling", "rebuildable", "restore", "safe_globals", "slots",
]  # fmt: skip

_ALLOWED: dict[str, Any] = {}
_PLAIN_BASES = (tuple, dict, list, set, frozenset, str, int, float)
_MEMBERS = {"_parameters": Parameter, "_buffers": Tensor, "_modules": Module}


def add_safe_globals(safe_globals: list[type | Callable[..., Any] | tuple[Any, str]]) -> None:
    """Let files hold objects of these classes; a pair (class, "module.name") says how a file names it."""
    _ALLOWED.update(_named(entry) for entry in safe_globals)


def get_safe_globals() -> list[Any]:
    """What ``add_safe_globals`` allowed."""
    return list(_ALLOWED.values())


def clear_safe_globals() -> None:
    """Allow nothing of what ``add_safe_globals`` allowed any longer."""
    _ALLOWED.clear()


class safe_globals:
    """``add_safe_globals`` for the length of a ``with`` block.

    >>> import argparse
    >>> with torch.serialization.safe_globals([argparse.Namespace]):
    ...     torch.save({"args": argparse.Namespace(lr=0.1)}, "checkpoint.pt")
    ...     torch.load("checkpoint.pt")
    {'args': Namespace(lr=0.1)}
    """

    def __init__(self, safe_globals: list[Any]) -> None:
        self._entries = safe_globals

    def __enter__(self) -> None:
        self._before = dict(_ALLOWED)
        add_safe_globals(self._entries)

    def __exit__(self, *exception: object) -> None:
        _ALLOWED.clear()
        _ALLOWED.update(self._before)


def _named(entry: Any) -> tuple[str, Any]:
    value, name = entry if isinstance(entry, tuple) else (entry, None)
    if not isinstance(value, (type, FunctionType)):
        raise TypeError(f"add_safe_globals: expected classes, got {value!r:.60}.")
    return name or f"{value.__module__}.{value.__qualname__}", value


def allowed(value: Any) -> bool:
    """Whether ``add_safe_globals`` allowed it."""
    return any(value is entry for entry in _ALLOWED.values())


def imported(module: str, name: str) -> Any:
    """What is called ``name`` in a module that is already imported, and says so itself; None otherwise."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = vars(found).get(part) if found is not None and hasattr(found, "__dict__") else None
        if not isinstance(found, (type, FunctionType)):
            return None
    return found if (found.__module__, found.__qualname__) == (module, name) else None


def is_formula(value: Any) -> bool:
    """Whether it is a function of this library that computes with tensors and does nothing else."""
    ours = isinstance(value, FunctionType) and value.__module__.startswith(("nanograd.ops.", "nanograd.nn."))
    return ours and "." not in value.__qualname__  # no method


def find(module: str, name: str, weights_only: bool) -> Any:
    """The class (or formula) that a file names.  Raises UnsafeFileError for what is not allowed, and says how to."""
    path = f"{module}.{name}"
    if path in _ALLOWED:
        return _ALLOWED[path]
    if module.startswith("torch."):
        _refuse_torch(path)
    found = imported(module, name)
    whole = found is not None and _may_rebuild(found)
    if whole and not weights_only:
        return found
    if whole or (found is None and _is_users(module)):
        _refuse_object(module, name, weights_only)
    _refuse_name(path, found)


def _may_rebuild(found: Any) -> bool:
    """Whether files of whole modules may hold it: modules, formulas, and the data classes that configure them."""
    if not isinstance(found, type):
        return is_formula(found)
    if issubclass(found, Module):
        return True
    return (dataclasses.is_dataclass(found) or issubclass(found, enum.Enum)) and not hasattr(found, "__del__")


def rebuildable(kind: type) -> bool:
    """Whether ``load(weights_only=False)`` rebuilds objects of a class: modules, data classes, what is allowed."""
    return allowed(kind) or _may_rebuild(kind)


def own_pickling(kind: type) -> str | None:
    """The method by which a subclass of Module wants to be rebuilt, and which would have to be called."""
    names = ("__setstate__", "__getstate__", "__reduce__", "__reduce_ex__")
    return next((name for name in names if getattr(kind, name, None) is not getattr(Module, name, None)), None)


def slots(value: Any) -> dict[str, Any]:
    """What stands in the slots of an object."""
    members = [(name, m) for kind in type(value).__mro__ for name, m in vars(kind).items()]
    found = [(name, m) for name, m in members if isinstance(m, MemberDescriptorType) and hasattr(value, name)]
    return {name: m.__get__(value) for name, m in found if name not in ("__dict__", "__weakref__")}


def _is_users(module: str) -> bool:
    """Whether a module is neither Python's own nor imported, so that its class may yet come."""
    return module.partition(".")[0] not in {*sys.stdlib_module_names, "posix", "nt", "__builtin__"} - {"__main__"}


def _refuse_torch(path: str) -> NoReturn:
    if path.startswith(("torch.nn.modules.", "torch.fx.", "torchvision.")):
        raise UnsafeFileError(
            f"load: the file holds a whole module of torch's own ({path}), whose inside is not that of nanograd's. "
            "In torch, save the weights: torch.save(model.state_dict(), path); load those with load_state_dict."
        )
    raise MissingError(f"load: the file holds {path}, which nanograd does not have.")


def _refuse_object(module: str, name: str, weights_only: bool) -> NoReturn:
    if weights_only:
        raise UnsafeFileError(
            f"load: Weights only load failed: the file holds an object of {module}.{name}, not only weights. If you "
            "trust it, load(f, weights_only=False) rebuilds modules of classes that are already imported, and runs "
            "nothing. Better: save and load model.state_dict()."
        )
    where = "defines no such class" if module == "__main__" else f"has not imported {module}.{name}"
    raise UnsafeFileError(
        f"load: the file holds an object of {module}.{name}, and this program {where}. Define or import the class "
        f"before loading: load imports nothing. Or save and load model.state_dict(), which needs no class {name!r}."
    )


def _refuse_name(path: str, found: Any) -> NoReturn:
    if isinstance(found, type) and found.__module__ != "builtins":
        raise UnsafeFileError(
            f"load: refused: the file names the class {path}, which is neither a module nor allowed. Nothing was run. "
            f"If you trust the file and the class: torch.serialization.add_safe_globals([{path}])."
        )
    raise UnsafeFileError(
        f"load: refused: the file names {path}, which is no tensor, plain value or module, and could run a program. "
        "Nothing was run. Do not use this file."
    )


# Objects without their constructors


def make(kind: Any, arguments: Any) -> Any:
    """An object of a class that ``find`` gave, empty; a tuple or an int of its value."""
    if not isinstance(kind, type) or not isinstance(arguments, tuple):
        raise UnsafeFileError(f"load: refused: the file asks to make an object with {kind!r:.80}. Nothing was run.")
    base = next((b for b in _PLAIN_BASES if issubclass(kind, b)), object)
    try:
        if base is tuple:  # a named tuple: its class is given the fields one by one
            return tuple.__new__(kind, arguments)
        return base.__new__(kind, *(arguments if base in (str, int, float, frozenset) else ()))
    except TypeError as error:
        raise UnsafeFileError(
            f"load: an object of {kind.__qualname__} cannot be made without running its class: {error}."
        ) from None


def member(kind: Any, arguments: Any) -> Any:
    """The member of an Enum that a file names by its value: the one thing a class may be called for."""
    if not (isinstance(kind, type) and issubclass(kind, enum.Enum)):
        name = f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, (type, FunctionType)) else repr(kind)[:80]
        raise UnsafeFileError(f"load: refused: the file would call {name}. Nothing was run.")
    (value,) = arguments
    found = [m for m in kind.__members__.values() if type(m._value_) is type(value) and m._value_ == value]
    if not found:
        damaged(f"{kind.__qualname__} has no member of value {value!r:.40}")
    return found[0]


def restore(made: Any, state: Any) -> None:
    """Set the attributes of an object that ``make`` made, past any code of its class."""
    values, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    for given in (values, slots):
        if given is not None and not (isinstance(given, dict) and all(type(name) is str for name in given)):
            damaged(f"the attributes of a {type(made).__name__} are not a dict of names")
    if isinstance(made, Module):
        _check_members(made, values or {})
    if values and not hasattr(made, "__dict__"):
        damaged(f"a {type(made).__name__} has no attributes to set")
    if values:
        vars(made).update(values)
    for name, value in (slots or {}).items():
        _set_slot(made, name, value)


def _check_members(module: Module, values: dict[str, Any]) -> None:
    """Refuse a module whose parts are not what its methods take them for."""
    for place, kind in _MEMBERS.items():
        members = values.get(place)
        if not isinstance(members, dict) or not all(
            type(name) is str and (value is None or isinstance(value, kind)) for name, value in members.items()
        ):
            damaged(f"the {place} of a {type(module).__name__} are not a dict of {kind.__name__}s")


def _set_slot(made: Any, name: str, value: Any) -> None:
    slot = next((vars(kind)[name] for kind in type(made).__mro__ if name in vars(kind)), None)
    if not isinstance(slot, MemberDescriptorType):
        damaged(f"a {type(made).__name__} has no slot {name!r:.40}")
    slot.__set__(made, value)
