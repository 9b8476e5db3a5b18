"""How docstrings become pages: their examples are shown as code, their lists as lists, and helpers stay inside."""

from __future__ import annotations

import re
from typing import Any

import surface
from griffe import Extension, GriffeLoader, Module, Object

EXAMPLE = re.compile(r"(?:(?<=\n\n)|\A)(>>> .*?)(?=\n\n|\Z)", re.DOTALL)
LISTED = re.compile(r"^(``[^`]+``(?:, ``[^`]+``)*) {2,}(?=\S)", re.MULTILINE)

PUBLIC = {f"{module}.{name}" for module, name in surface.documented()}
ALSO = {f"{module}.{name}": names for (module, name), names in surface.other_names().items()}


class Pages(Extension):
    """What griffe reads from the sources, made ready for mkdocstrings."""

    def on_object(self, *, obj: Object, loader: GriffeLoader, **_: Any) -> None:
        """Fence the examples (Markdown takes ``>>>`` for quotations), itemize aligned names, add other public names."""
        if obj.docstring:
            text = EXAMPLE.sub(r"```pycon\n\1\n```", obj.docstring.value.strip())
            names = "".join(f" `{name}`" for name in ALSO.get(obj.path, ()))
            obj.docstring.value = LISTED.sub(r"- \1: ", text) + (f"\n\nIn programs also{names}." if names else "")

    def on_module(self, *, mod: Module, loader: GriffeLoader, **_: Any) -> None:
        """Leave out what a module keeps to itself: what is not in its ``__all__``, and operations nobody can call."""
        for name, member in list(mod.members.items()):
            if member.is_alias or member.is_module:
                continue
            if member.path in PUBLIC:
                continue
            inside = mod.exports is not None and name not in mod.exports
            if inside or mod.path.startswith("nanograd.ops."):
                mod.del_member(name)
