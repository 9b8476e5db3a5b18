"""How tensors print: torch's brackets, widths, digits, line breaks, and summaries of long ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nanograd.settings import print_options as options

__all__ = ["array_text", "size_note", "with_notes"]

Array = np.ndarray[Any, Any]


def array_text(array: Array, indent: int) -> str:
    """The elements as nested brackets; lines after the first are indented by ``indent``."""
    if not array.size:
        return "[]"
    summarize = array.size > options.threshold
    shown = _edges(array) if summarize else array
    return _nested(array, _Style(shown.reshape(-1)), indent, summarize)


def size_note(array: Array) -> list[str]:
    """The shape, where the elements do not show it."""
    shown = array.size and options.edgeitems
    return [] if shown or (not array.size and array.ndim == 1) else [f"size={tuple(array.shape)}"]


def with_notes(text: str, notes: list[str], indent: int) -> str:
    """``text`` followed by notes such as "dtype=torch.int32", each on a new line where the last one is full."""
    room = options.linewidth - (len(text) - text.rfind("\n") + 1)
    for note in notes:
        room -= len(note) + 2
        if room < 0:
            text += ",\n" + " " * indent + note
            room = options.linewidth - indent - len(note)
        else:
            text += ", " + note
    return text


def _edges(x: Array) -> Array:
    """The elements that a summary shows."""
    edge = options.edgeitems
    for d, size in enumerate(x.shape):
        if size > 2 * edge:
            x = x.take([*range(edge), *range(size - edge, size)], d)
    return x


class _Style:
    """One width and one notation for all elements.

    Floats are written with exponents where the greatest is over 1000 times the least, over 10⁸, or the least under
    10⁻⁴ (zeros and infinities aside); whole ones as "2."; others with the digits of ``set_printoptions``.
    """

    def __init__(self, values: Array) -> None:
        floats = values.dtype.kind == "f"
        self.form = self._notation(values) if floats else ""
        self.point = "." if floats and self.whole else ""
        self.width = 1
        measured = values[np.isfinite(values) & (values != 0)] if floats else values
        self.width = max((len(self(v)) for v in measured.tolist()), default=1)

    def _notation(self, values: Array) -> str:
        sized = np.abs(values[np.isfinite(values) & (values != 0)].astype(np.float64))
        self.whole = bool((sized == np.ceil(sized)).all())
        if not sized.size:
            return ".0f"
        least, most = float(sized.min()), float(sized.max())
        exponents = most > 1000 * least or most > 1e8 or least < 1e-4
        if exponents if options.sci_mode is None else options.sci_mode:
            self.whole = False
            return f".{options.precision}e"
        return ".0f" if self.whole else f".{options.precision}f"

    def __call__(self, value: Any) -> str:
        text = format(value, self.form) if self.form else str(value)
        if self.point and math.isfinite(value):
            text += self.point
        return text.rjust(self.width)


def _nested(x: Array, style: _Style, indent: int, summarize: bool) -> str:
    if x.ndim == 0:
        return style(x.item())
    edge = options.edgeitems
    cut = summarize and len(x) > 2 * edge
    rows = [*x[:edge], *x[len(x) - edge :]] if cut else list(x)
    if x.ndim == 1:
        cells = [style(v.item()) for v in rows]
        if cut:
            cells.insert(edge, " ..." if edge else "...")
        per_line = max(1, (options.linewidth - indent) // (style.width + 2))
        lines = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    texts = [_nested(row, style, indent + 1, summarize) for row in rows]
    if cut:
        texts.insert(edge, "...")
    return "[" + ("," + "\n" * (x.ndim - 1) + " " * (indent + 1)).join(texts) + "]"
