"""How tensors print: torch's layout of brackets, widths, precision, and summaries of long ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nanograd.settings import print_options

__all__ = ["array_text"]


def array_text(array: np.ndarray[Any, Any], indent: int) -> str:
    """The elements as nested brackets; lines after the first are indented by ``indent``."""
    summarize = array.size > print_options.threshold
    shown = _edges(array) if summarize else array
    return _nested(array, _formatter(shown.reshape(-1)), indent, summarize)


def _edges(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The elements that a summary shows."""
    edge = print_options.edgeitems
    for d in range(x.ndim):
        if x.shape[d] > 2 * edge:
            x = np.concatenate([x.take(range(edge), d), x.take(range(-edge, 0), d)], d)
    return x


class _formatter:
    """One width and one style for all elements."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.kind = values.dtype.kind
        self.whole = self.scientific = False
        self.width = 1
        if self.kind == "f":
            self._measure(values.astype(np.float64))
        else:
            self.width = max((len(self(v)) for v in values), default=1)

    def _measure(self, values: np.ndarray[Any, Any]) -> None:
        finite = values[np.isfinite(values) & (values != 0)]
        digits = print_options.precision
        if finite.size:
            size = np.abs(finite)
            least, most = float(size.min()), float(size.max())
            self.whole = bool((finite == np.ceil(finite)).all())
            ratio = most / least
            if self.whole:
                self.scientific = ratio > 1000.0 or most > 1.0e8
            else:
                self.scientific = ratio > 1000.0 or most > 1.0e8 or least < 1.0e-4
            if self.whole:
                self.scientific = most > 1.0e8 or (ratio > 1000.0 and False)
        else:
            self.whole = True
        if print_options.sci_mode is not None:
            self.scientific = print_options.sci_mode
        self.digits = digits
        self.width = 1
        sized = finite if finite.size else np.zeros(0)
        self.width = max((len(self(v)) for v in sized), default=1)

    def __call__(self, value: Any) -> str:
        if self.kind == "b":
            text = "True" if value else "False"
        elif self.kind != "f":
            text = str(int(value))
        elif self.scientific:
            text = f"{value:.{self.digits}e}"
        elif self.whole:
            text = f"{value:.0f}" + ("." if math.isfinite(value) else "")
        else:
            text = f"{value:.{self.digits}f}"
        return text.rjust(self.width)


def _nested(x: np.ndarray[Any, Any], form: _formatter, indent: int, summarize: bool) -> str:
    if x.ndim == 0:
        return form(x[()])
    edge = print_options.edgeitems
    cut = summarize and len(x) > 2 * edge
    if x.ndim == 1:
        head = [form(v) for v in (x[:edge] if cut else x)]
        cells = [*head, " ...", *(form(v) for v in x[-edge:])] if cut else head
        per_line = max(1, (print_options.linewidth - indent) // (form.width + 2))
        lines = [cells[i : i + per_line] for i in range(0, len(cells), per_line)] or [[]]
        return "[" + (",\n" + " " * (indent + 1)).join(", ".join(line) for line in lines) + "]"
    rows = [_nested(r, form, indent + 1, summarize) for r in (x[:edge] if cut else x)]
    if cut:
        rows += ["..."] + [_nested(r, form, indent + 1, summarize) for r in x[-edge:]]
    return "[" + ("," + "\n" * (x.ndim - 1) + " " * (indent + 1)).join(rows) + "]"
