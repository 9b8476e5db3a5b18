"""How docstrings become pages: their examples are shown as code, their lists as lists, and helpers stay inside."""

from __future__ import annotations

import re
from types import FunctionType
from typing import Any

from griffe import Extension, GriffeLoader, Module, Object

import nanograd

EXAMPLE = re.compile(r"(?:(?<=\n\n)|\A)(>>> .*?)(?=\n\n|\Z)", re.DOTALL)
LISTED = re.compile(r"^(``[^`]+``(?:, ``[^`]+``)*) {2,}(?=\S)", re.MULTILINE)

CALLABLE = {
    f"{value.__module__}.{value.__qualname__}"
    for place in (nanograd, nanograd.Tensor, nanograd.nn.functional)
    for value in vars(place).values()
    if isinstance(value, FunctionType)
}


class Pages(Extension):
    """What griffe reads from the sources, made ready for mkdocstrings."""

    def on_object(self, *, obj: Object, loader: GriffeLoader, **_: Any) -> None:
        """Fence the examples (Markdown takes ``>>>`` for quotations) and itemize aligned names."""
        if obj.docstring:
            text = EXAMPLE.sub(r"```pycon\n\1\n```", obj.docstring.value.strip())
            obj.docstring.value = LISTED.sub(r"- \1: ", text)

    def on_module(self, *, mod: Module, loader: GriffeLoader, **_: Any) -> None:
        """Leave out what a module keeps to itself: what is not in its ``__all__``, and operations nobody can call."""
        for name, member in list(mod.members.items()):
            if member.is_alias or member.is_module:
                continue
            inside = mod.exports is not None and name not in mod.exports
            if inside or (mod.path.startswith("nanograd.ops.") and member.path not in CALLABLE):
                mod.del_member(name)
