"""Pictures of a tape: ``draw(loss)`` shows which operation made which value, down to the leaves.

>>> from nanograd.scalar import Scalar
>>> w, x = Scalar(3.0), Scalar(-2.0)
>>> print(draw(w * x + 1.0, {"w": w, "x": x}))
add        data -5
├─ mul     data -6
│  ├─ [w]  data 3
│  └─ [x]  data -2
└─ [1]

Three steps: *read* the graph into plain vertices, write them as *text* (tree.py), and lay them out in rows for the
*SVG* (layout.py, svg.py).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nanograd.drawing.svg import svg_text
from nanograd.drawing.tree import tree_text
from nanograd.drawing.vertex import SCALAR, Vertex

__all__ = ["Drawing", "draw"]


class Drawing:
    """A picture of a tape as it was when ``draw`` looked: ``text`` for the terminal, ``svg`` for everything else.

    ``print(drawing)`` writes the text, a notebook shows the SVG. Equal graphs give equal pictures, byte for byte.
    """

    def __init__(self, vertices: Sequence[Vertex]) -> None:
        self._vertices = tuple(vertices)

    @cached_property
    def text(self) -> str:
        """The graph as a tree in box-drawing characters: the result first, its inputs below it."""
        return tree_text(self._vertices)

    @cached_property
    def svg(self) -> str:
        """The graph as a self-contained SVG document: inputs above, the result at the bottom, in light or dark."""
        return svg_text(self._vertices)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to ``path``, whole or not at all; ``.svg`` or ``.txt`` says which. Returns the path.

        Raises: ValueError for another suffix, OSError where the file cannot be written.
        """
        target = Path(path)
        contents = {".svg": lambda: self.svg, ".txt": lambda: self.text + "\n"}.get(target.suffix.lower())
        if contents is None:
            came = f"the suffix {target.suffix!r}" if target.suffix else "no suffix"
            raise ValueError(f"draw: cannot save {str(target)!r}: {came}, expected .svg or .txt. Rename the file.")
        _write_whole(target.resolve(), contents())
        return target

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_svg_(self) -> str:
        return self.svg


def draw(root: Any, names: Mapping[str, Any] | None = None, *, limit: int = 200) -> Drawing:
    """The picture of everything that ``root``, a Tensor or a Scalar, was computed from.

    ``names`` says what to call values, ``{"w": w, "b": b}``; ``dict(model.named_parameters())`` is such a mapping, and
    names of what is not in the graph do no harm. Of a larger graph the ``limit`` boxes nearest the root are shown, and
    how many are not.

    Raises: TypeError for what is no Tensor or Scalar, ValueError for a tensor without a tape (or with a freed one).

    >>> from nanograd.scalar import Scalar
    >>> x = Scalar(0.5)
    >>> picture = draw(x.tanh() * x, {"x": x})
    >>> print(picture)
    mul        data 0.2311
    ├─ tanh    data 0.4621
    │  └─ [x]  data 0.5
    └─ [x]
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ValueError(f"draw: limit is {limit!r}, expected a whole number of boxes, 1 or more.")
    names = {} if names is None else names
    if not isinstance(names, Mapping) or not all(isinstance(name, str) for name in names):
        raise TypeError('draw: expected names as a mapping from name to value. Pass {"w": w, "b": b}: the name first.')
    called = _Names(names)
    if _is_scalar(root):
        scalars = _reachable(root, _scalar_inputs)
        ran = bool(root.grad)
        return Drawing(_vertices(scalars, limit, _scalar_inputs, lambda s: _scalar_vertex(s, called.of(s), ran)))
    nodes = _reachable(_tape(root), _node_inputs)
    return Drawing(_vertices(nodes, limit, _node_inputs, lambda n: _node_vertex(n, called.of(n, _tensor(n)))))


# Read: from Scalars, or from the nodes of a tape, to vertices


def _is_scalar(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("inputs", "data", "grad"))


def _tape(root: Any) -> Any:
    if not hasattr(root, "node"):
        raise TypeError(
            f"draw: expected a Tensor or a Scalar, got {type(root).__name__}. Pass the result, such as loss."
        )
    node = root.node
    if node is None:
        raise ValueError(
            "draw: this tensor has no tape: nothing that it was computed from requires a gradient. "
            "Set requires_grad=True on a leaf, and compute outside no_grad()."
        )
    if node.leaf is None and node.edges is None:
        raise ValueError(
            f"draw: the tape of this tensor ({node.name()}) was freed by backward(). "
            "Draw it before backward(), or call backward(retain_graph=True)."
        )
    return node


def _reachable(root: Any, inputs: Callable[[Any], tuple[Any, ...]]) -> list[Any]:
    """The root and all it was computed from, nearest first."""
    nodes, seen = [root], {id(root)}
    for node in nodes:  # grows meanwhile
        for source in inputs(node):
            if id(source) not in seen:
                seen.add(id(source))
                nodes.append(source)
    return nodes


def _vertices(
    nodes: Sequence[Any], limit: int, inputs: Callable[[Any], tuple[Any, ...]], describe: Callable[[Any], Vertex]
) -> list[Vertex]:
    """One vertex for each of the first ``limit`` nodes, and one for all the others."""
    index = {id(node): min(i, limit) for i, node in enumerate(nodes)}
    vertices = []
    for node in nodes[:limit]:
        sources = [index[id(source)] for source in inputs(node)]
        once = [source for i, source in enumerate(sources) if source < limit or limit not in sources[:i]]
        vertices.append(replace(describe(node), inputs=tuple(once)))
    if len(nodes) > limit:
        vertices.append(Vertex(f"… {len(nodes) - limit:,} more", kind="more", tip="left out of this picture"))
    return vertices


class _Names:
    """What the caller called a value, or the node that made it."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names: dict[
            int, tuple[str, Any]
        ] = {}  # by id, with the thing itself: an id is good while its owner lives
        for name, value in names.items():
            for thing in (value, getattr(value, "node", None)):
                if thing is not None:
                    self._names.setdefault(id(thing), (_printable(name), thing))

    def of(self, *things: Any) -> str:
        return next((self._names[id(thing)][0] for thing in things if id(thing) in self._names), "")


def _scalar_inputs(scalar: Any) -> tuple[Any, ...]:
    return tuple(scalar.inputs)


def _scalar_vertex(scalar: Any, name: str, ran: bool) -> Vertex:
    data, grad = f"{scalar.data:.4g}", f"grad {scalar.grad:.4g}" if ran else ""
    if scalar.inputs:
        return Vertex(_titled(name, _printable(getattr(scalar, "op", "") or "op")), (f"data {data}", grad))
    return Vertex(name, (f"data {data}", grad), "leaf") if name else Vertex(data, ("", grad), "leaf")


def _node_inputs(node: Any) -> tuple[Any, ...]:
    return tuple(edge[0] for edge in node.edges or ())


def _tensor(node: Any) -> Any:
    """The tensor of a leaf, while it lives."""
    return node.leaf() if node.leaf is not None else None


def _node_vertex(node: Any, name: str) -> Vertex:
    shape = ", ".join(_shape(*output) for output in getattr(node, "outputs", None) or [(node.shape, node.dtype)])
    if node.leaf is not None:
        return Vertex(name or "leaf", (shape,), "leaf", tip=f"{name or 'leaf'} {shape}")
    facts = () if node.edges is not None else ("freed by backward()",)
    return Vertex(_titled(name, _plain(node.name())), facts, output=shape, tip=f"{_printable(node.name())} {shape}")


def _titled(name: str, operation: str) -> str:
    return f"{name} = {operation}" if name else operation


def _shape(shape: tuple[int, ...], dtype: Any) -> str:
    kind = str(dtype).rpartition(".")[2]
    sizes = str(tuple(shape)) if shape else SCALAR
    return sizes if kind == "float32" else f"{sizes} {kind}"


def _plain(name: str) -> str:
    """MaxPool2dBackward0 -> max_pool2d."""
    name = re.sub(r"Backward\d*$", "", _printable(name)) or name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _printable(text: str) -> str:
    """On one line, not too long, and without what a terminal or XML would take for a command."""
    text = text if len(text) <= 40 else f"{text[:19]}…{text[-20:]}"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _write_whole(path: Path, contents: str) -> None:
    """Under another name first, then renamed: a reader, or a full disk, never leaves half a file."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"draw: cannot save {path.name!r}: there is no folder {path.parent}. Make it first.")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
