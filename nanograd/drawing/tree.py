"""The picture in text: a tree, in which what is used twice, or lies deep, has a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from nanograd.drawing.vertex import Vertex, width

__all__ = ["tree_text"]

DEEPEST = 14  # levels; what lies deeper follows as a tree of its own, so that lines stay short


def tree_text(vertices: Sequence[Vertex]) -> str:
    """The lines of the tree, the result first."""
    rows = [(left, *_columns(vertex)) for left, vertex in _tree(vertices)]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _columns(vertex: Vertex | None) -> tuple[str, str]:
    if vertex is None:  # told elsewhere
        return "", ""
    first, second, *_ = (*filter(None, [vertex.output]), *vertex.facts, "", "")
    return first, second


def _tree(vertices: Sequence[Vertex]) -> Iterator[tuple[str, Vertex | None]]:
    """Lines from the root down, depth first: branch and title, and the vertex where the line tells all about it."""
    uses = Counter(source for vertex in vertices for source in vertex.inputs)
    titles = Counter(vertex.title for vertex in vertices if vertex.kind == "leaf")
    trees, told = [0], {0}  # told: has a line of its own, above or still to come
    numbers: dict[int, int] = {}
    for root in trees:  # grows meanwhile
        if root:
            yield "", None
        todo = [(root, "", "", 0)]
        while todo:
            v, branch, below, depth = todo.pop()
            vertex = vertices[v]
            here = v == root or v not in told
            deep = here and depth == DEEPEST and bool(vertex.inputs)
            if deep:
                trees.append(v)
            told.add(v)
            title = f"[{vertex.title}]" if vertex.kind == "leaf" else vertex.title
            alike = vertex.kind == "op" or titles[vertex.title] > 1
            if v in trees[1:] or (alike and uses[v] > 1):
                title = f"{'' if here and not deep else '→ '}#{numbers.setdefault(v, len(numbers) + 1)} {title}"
            if not here or deep:
                yield branch + title, None
                continue
            yield branch + title, vertex
            for i, source in reversed(list(enumerate(vertex.inputs))):
                last = i == len(vertex.inputs) - 1
                todo.append((source, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "), depth + 1))
