"""Modules made of modules, and of parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from nanograd.nn.module import Module, _indented

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class _Listed(Module):
    """Modules under the names "0", "1", ...: what Sequential and ModuleList share."""

    def _place(self, index: int) -> str:
        """The name at a position that may count from the end.  Raises IndexError."""
        try:
            place = index.__index__()
        except AttributeError:
            raise TypeError(f"{type(self).__name__}: expected an integer or a slice as index, got {index!r}.") from None
        if not -len(self) <= place < len(self):
            raise IndexError(f"index {place} is out of range for a {type(self).__name__} of {len(self)} modules")
        return list(self._modules)[place]

    def _replace_all(self, modules: Iterable[Any]) -> None:
        """Number ``modules`` anew."""
        self._modules.clear()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._cut(list(self._modules.items())[index])
        return self._modules[self._place(index)]

    def _cut(self, members: list[tuple[str, Module | None]]) -> Module:
        return type(self)([module for _, module in members])  # type: ignore[call-arg]

    def __setitem__(self, index: int, module: Module) -> None:
        self.add_module(self._place(index), module)

    def __delitem__(self, index: Any) -> None:
        names = list(self._modules)
        gone = set(names[index] if isinstance(index, slice) else [self._place(index)])
        self._replace_all([module for name, module in self._modules.items() if name not in gone])

    def append(self, module: Module) -> Any:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Add a module before position ``index``."""
        modules = list(self)
        modules.insert(index, module)
        self._replace_all(modules)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add modules at the end.  Raises TypeError for what is not a sequence of them."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got {type(modules).__name__}: "
                "for one module use append."
            )
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, key: int = -1) -> Any:
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module


class Sequential(_Listed):
    """y = fₙ(… f₂(f₁(x))): modules one after the other.

    Made from modules, or from a dict of them; ``model[0]`` is the first.

    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
            return
        for i, module in enumerate(args):
            if not isinstance(module, Module):
                raise TypeError(_not_a_module(module))
            self.add_module(str(i), module)

    def _cut(self, members: list[tuple[str, Module | None]]) -> Module:
        return type(self)(OrderedDict(members))

    def insert(self, index: int, module: Module) -> Sequential:
        """Add a module before position ``index``; other names than numbers are numbered anew."""
        if not isinstance(module, Module):
            raise NotAModule(f"insert: module should be of type torch.nn.Module, got {type(module).__name__}.")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}: the Sequential has {len(self)} modules.")
        super().insert(index, module)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential(*self, *_sequential(other))

    def __iadd__(self, other: Sequential) -> Sequential:
        self.extend(_sequential(other))
        return self

    def __mul__(self, other: int) -> Sequential:
        return Sequential(*list(self) * _times(other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Sequential:
        self.extend(list(self) * (_times(other) - 1))
        return self

    def forward(self, input: Any) -> Any:
        """The input through all modules in turn."""
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input


class NotAModule(AssertionError, TypeError):
    """Something else where a module belongs; torch raises AssertionError."""


def _sequential(other: Any) -> Sequential:
    if not isinstance(other, Sequential):
        raise ValueError(
            f"add operator supports only objects of Sequential class, but {type(other)} is given: use append or extend."
        )
    return other


def _times(count: Any) -> int:
    if not isinstance(count, int):
        raise TypeError(f"unsupported operand type(s) for *: 'Sequential' and {type(count).__name__!r}")
    if count <= 0:
        raise ValueError(f"Non-positive multiplication factor {count} for Sequential")
    return count


def _not_a_module(value: Any) -> str:
    remedy = ""
    if isinstance(value, type):
        remedy = f" Make it first: nn.{value.__name__}()."
    elif isinstance(value, (list, tuple)):
        remedy = " Unpack the list: nn.Sequential(*layers)."
    elif callable(value):
        remedy = " Functions have no place here: use the layer, such as nn.ReLU() for relu."
    name = value.__name__ if isinstance(value, type) else type(value).__name__
    return f"{name} is not a Module subclass: nn.Sequential expects modules.{remedy}"


class ModuleList(_Listed):
    """A list whose modules are found by ``parameters()``, unlike those in a plain Python list."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, other: Iterable[Module]) -> ModuleList:
        self.extend(other)
        return self

    def __repr__(self) -> str:
        lines, start = [], 0
        for text, same in groupby(repr(module) for module in self):
            count = len(list(same))
            place = f"({start}): " if count == 1 else f"({start}-{start + count - 1}): {count} x "
            lines.append(place + _indented(text))
            start += count
        return self._frame([], lines)


def pairs(kind: str, given: Any) -> list[tuple[str, Any]]:
    """(name, value) pairs of a mapping or of a sequence of pairs.  Raises TypeError, ValueError as torch."""
    if hasattr(given, "items"):
        return list(given.items())
    if not isinstance(given, Iterable):
        raise TypeError(
            f"{kind}.update should be called with an iterable of key/value pairs, but got {type(given).__name__}"
        )
    found = []
    for i, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{kind} update sequence element #{i} should be Iterable; is {type(pair).__name__}")
        pair = tuple(pair)
        if len(pair) != 2:
            raise ValueError(f"{kind} update sequence element #{i} has length {len(pair)}; 2 is required")
        found.append(pair)
    return found


class ModuleDict(Module):
    """A dict whose modules are found by ``parameters()``."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules by name, replacing those of the same name; (name, module) pairs will do."""
        for name, module in pairs("ModuleDict", modules):
            self[name] = module

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]  # type: ignore[return-value]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def items(self) -> Any:
        """(name, module) pairs."""
        return self._modules.items()

    def pop(self, key: str) -> Module:
        """Take a module out and return it."""
        return self._modules.pop(key)  # type: ignore[return-value]

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()
