"""What every picture is made of: vertices."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

__all__ = ["SCALAR", "Vertex", "width"]

SCALAR = "scalar"  # for the shape ()


@dataclass(frozen=True)
class Vertex:
    """One box: what it is called, the small print, and which boxes flow into it (in the order of the operands)."""

    title: str
    facts: tuple[str, ...] = ()  # a shape, or data and grad
    kind: str = "op"  # or "leaf", or "more" for all that was left out
    inputs: tuple[int, ...] = ()
    output: str = ""  # written beside the edges that leave it: the shape, unless that is a scalar's
    tip: str = ""


def width(text: str) -> int:
    """Columns in a terminal: wide letters take two."""
    return sum(
        1 + (unicodedata.east_asian_width(letter) in "WF") - bool(unicodedata.combining(letter)) for letter in text
    )
