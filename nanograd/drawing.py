"""Pictures of a tape: ``draw(loss)`` shows which operation made which value, down to the leaves.

>>> from nanograd.scalar import Scalar
>>> w, x = Scalar(3.0), Scalar(-2.0)
>>> print(draw(w * x + 1.0, {"w": w, "x": x}))
add        data -5
├─ mul     data -6
│  ├─ [w]  data 3
│  └─ [x]  data -2
└─ [1]

Three steps, one after the other below: *read* the graph into plain vertices, write them as *text*, and lay them out in
rows for the *SVG*. The rows follow Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): a row per depth, an order with few crossings, then positions near what each box is joined to.
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

__all__ = ["Drawing", "draw"]

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


class Drawing:
    """A picture of a tape as it was when ``draw`` looked: ``text`` for the terminal, ``svg`` for everything else.

    ``print(drawing)`` writes the text, a notebook shows the SVG. Equal graphs give equal pictures, byte for byte.
    """

    def __init__(self, vertices: Sequence[Vertex]) -> None:
        self._vertices = tuple(vertices)

    @cached_property
    def text(self) -> str:
        """The graph as a tree in box-drawing characters: the result first, its inputs below it."""
        return _text(self._vertices)

    @cached_property
    def svg(self) -> str:
        """The graph as a self-contained SVG document: inputs above, the result at the bottom, in light or dark."""
        return _svg(self._vertices)

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
            f"draw: the tape of this tensor ({node.name}) was freed by backward(). "
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
    return Vertex(_titled(name, _plain(node.name)), facts, output=shape, tip=f"{_printable(node.name)} {shape}")


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


# Text: a tree, in which what is used twice, or lies deep, has a number

DEEPEST = 14  # levels; what lies deeper follows as a tree of its own, so that lines stay short


def _text(vertices: Sequence[Vertex]) -> str:
    rows = [(left, *_columns(vertex)) for left, vertex in _tree(vertices)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)) for row in rows)
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


def _width(text: str) -> int:
    """Columns in a terminal: wide letters take two."""
    return sum(
        1 + (unicodedata.east_asian_width(letter) in "WF") - bool(unicodedata.combining(letter)) for letter in text
    )


# Layout: rows of boxes, the root in row 0 at the bottom

ROW_GAP, BOX_GAP, MARGIN = 38.0, 22.0, 16.0


@dataclass
class Cell:
    """A place in a row: a box, or a bend that leads a long edge past the boxes of that row."""

    row: int
    width: float = 0.0  # of the box
    height: float = 0.0
    room: float = 12.0  # the width to keep free
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    x: float = 0.0  # center


class Layout:
    """Where everything stands."""

    def __init__(self, vertices: Sequence[Vertex]) -> None:
        self.cells = [Cell(row, *_box(vertices[v])) for v, row in enumerate(_depths(vertices))]  # and then the bends
        self.edges, self.source = _join(vertices, self.cells)
        rows = _order(self.cells)
        _settle(self.cells, rows)
        left = min(cell.x - cell.room / 2 for cell in self.cells) - MARGIN
        for cell in self.cells:
            cell.x -= left
        self.width = max(cell.x + cell.room / 2 for cell in self.cells) + MARGIN
        self.depths = [max(self.cells[c].height for c in row) for row in rows]
        self.tops, self.height = [0.0] * len(rows), MARGIN - ROW_GAP
        for row in reversed(range(len(rows))):
            self.tops[row] = self.height + ROW_GAP
            self.height = self.tops[row] + self.depths[row]
        self.height += MARGIN

    def top(self, c: int) -> float:
        """The upper edge of a box, which stands in the middle of its row; of a bend, which fills it."""
        cell = self.cells[c]
        return self.tops[cell.row] + ((self.depths[cell.row] - cell.height) / 2 if cell.height else 0.0)

    def floor(self, c: int) -> float:
        """The lower edge of its row."""
        return self.tops[self.cells[c].row] + self.depths[self.cells[c].row]


def _depths(vertices: Sequence[Vertex]) -> list[int]:
    """The longest way from each vertex to the root: so every edge leads down, and inputs stand near their first use."""
    depth = [0] * len(vertices)
    waiting = Counter(source for vertex in vertices for source in vertex.inputs)
    ready = [0]
    for v in ready:  # grows meanwhile
        for source in vertices[v].inputs:
            depth[source] = max(depth[source], depth[v] + 1)
            waiting[source] -= 1
            if not waiting[source]:
                ready.append(source)
    return depth


def _box(vertex: Vertex) -> tuple[float, float, float]:
    """Its width, its height, and the room it needs for itself and for what is written beside the edge below."""
    facts = [fact for fact in vertex.facts if fact]
    width = max([_pixels(vertex.title, 13), *(_pixels(fact, 11) for fact in facts)]) + 24
    beside = 2 * (_pixels(_label(vertex), 11) + 12) if _label(vertex) else 0.0
    return width, 28.0 + 15.0 * len(facts), max(width, beside) + BOX_GAP


def _pixels(text: str, size: float) -> float:
    """About the width of a text, on the wide side: the font is the reader's."""
    return size * sum(
        _width(letter) * (0.95 if letter in "mwMW@%" else 0.4 if letter in "ijlrtfI.,:;'|!()[] " else 0.68)
        for letter in text
    )


def _label(vertex: Vertex) -> str:
    """What flows along the edges that leave a box, unless it is one number, or the box says so itself."""
    return "" if vertex.output == SCALAR else vertex.output


def _join(vertices: Sequence[Vertex], cells: list[Cell]) -> tuple[list[tuple[int, int]], list[int]]:
    """Edges, with one line of bends for all the long edges of a source. Fills in what is above and below each cell."""
    source = list(range(len(vertices)))
    at = {(v, cell.row): v for v, cell in enumerate(cells)}
    edges = []
    for target, vertex in enumerate(vertices):
        for v in vertex.inputs:
            for row in range(cells[v].row - 1, cells[target].row, -1):
                if (v, row) not in at:
                    at[v, row] = len(cells)
                    source.append(v)
                    _link(cells, at[v, row + 1], Cell(row))
            edges.append((at[v, cells[target].row + 1], target))
    for c, target in edges:
        cells[c].below.append(target)
        cells[target].above.append(c)
    return edges, source


def _link(cells: list[Cell], upper: int, bend: Cell) -> None:
    cells[upper].below.append(len(cells))
    bend.above.append(upper)
    cells.append(bend)


def _order(cells: list[Cell]) -> list[list[int]]:
    """Who stands beside whom: operands from left to right, then moved towards the middle of their neighbors while that
    saves crossings."""
    rows: list[list[int]] = [[] for _ in range(1 + max(cell.row for cell in cells))]
    todo, seen = [0], {0}
    while todo:
        c = todo.pop()
        rows[cells[c].row].append(c)
        fresh = [above for above in dict.fromkeys(cells[c].above) if above not in seen]
        seen.update(fresh)
        todo.extend(reversed(fresh))
    best, fewest = rows, _crossings(cells, rows)
    for sweep in range(8):
        if not fewest:
            break
        rows = _sweep(cells, rows, upward=sweep % 2 == 0)
        crossings = _crossings(cells, rows)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _sweep(cells: list[Cell], rows: list[list[int]], upward: bool) -> list[list[int]]:
    place = {c: float(i) for row in rows for i, c in enumerate(row)}
    moved = [list(row) for row in rows]
    for r in range(len(rows)) if upward else reversed(range(len(rows))):

        def middle(c: int) -> float:
            joined = cells[c].below if upward else cells[c].above
            return sum(place[other] for other in joined) / len(joined) if joined else place[c]

        moved[r].sort(key=middle)
        place.update((c, float(i)) for i, c in enumerate(moved[r]))
    return moved


def _crossings(cells: list[Cell], rows: list[list[int]]) -> int:
    place = {c: i for row in rows for i, c in enumerate(row)}
    total = 0
    for row in rows:
        passed: list[int] = []  # upper ends of the edges met so far
        for c in row:
            ends = sorted(place[above] for above in cells[c].above)
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def _settle(cells: list[Cell], rows: list[list[int]]) -> None:
    """Draw every cell towards those it is joined to, as far as its row has room."""
    pulls = _pulls(cells, rows)
    for row in rows:
        _place(cells, row, [0.0] * len(row), [1.0] * len(row))
    for sweep in range(16):
        for row in reversed(rows) if sweep % 2 == 0 else rows:
            wanted, weights = [], []
            for c in row:
                near = [(cells[o].x, pulls[o, c]) for o in cells[c].above if sweep % 2 == 0 or sweep > 7]
                near += [(cells[o].x, pulls[c, o]) for o in cells[c].below if sweep % 2 or sweep > 7]
                wanted.append(_median(near) if near else cells[c].x)
                weights.append(sum(weight for _, weight in near) or 0.1)
            _place(cells, row, wanted, weights)


def _pulls(cells: list[Cell], rows: list[list[int]]) -> dict[tuple[int, int], float]:
    """How hard (upper, lower) draw each other: most along a long edge, then along the longest chain of operations that
    leads to the lower one, so that those run straight down."""
    rise = [0] * len(cells)  # operations above
    for row in reversed(rows):
        for c in row:
            rise[c] = max((rise[o] for o in cells[c].above), default=-1) + bool(cells[c].height)
    pulls = {}
    for c, cell in enumerate(cells):
        tallest = sorted(rise[o] for o in set(cell.above))[-2:]
        for o in cell.above:
            bends = not cell.height and not cells[o].height
            main = rise[o] == tallest[-1] and tallest[:-1] != tallest[-1:]
            pulls[o, c] = 8.0 if bends else 4.0 if main else 1.0
    return pulls


def _median(near: list[tuple[float, float]]) -> float:
    """The weighted median of (place, weight); halfway between two that both are."""
    near.sort()
    half, below = sum(weight for _, weight in near) / 2, 0.0
    for i, (x, weight) in enumerate(near):
        below += weight
        if below == half:
            return (x + near[i + 1][0]) / 2
        if below > half:
            break
    return x


def _place(cells: list[Cell], row: list[int], wanted: list[float], weights: list[float]) -> None:
    gaps = [(cells[left].room + cells[right].room) / 2 for left, right in pairwise(row)]
    for c, x in zip(row, _spread(wanted, weights, gaps), strict=True):
        cells[c].x = x


def _spread(wanted: list[float], weights: list[float], gaps: list[float]) -> list[float]:
    """The places nearest to those wanted that keep their order and their gaps: isotonic regression, which pools
    neighbors that come too close. By medians, so that a light one never pushes a heavy one."""
    offsets = list(accumulate(gaps, initial=0.0))
    pools: list[tuple[float, list[tuple[float, float]]]] = []  # a place, and what its members want
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        place, members = want - offset, [(want - offset, weight)]
        while pools and pools[-1][0] > place:
            members += pools.pop()[1]
            place = _median(members)
        pools.append((place, members))
    places = [place for place, members in pools for _ in members]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]


# SVG

STYLE = """
.nanograd-drawing { font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
svg.nanograd-drawing:root { color: #1f2937; background: #ffffff; }
@media (prefers-color-scheme: dark) { svg.nanograd-drawing:root { color: #e5e7eb; background: #12161c; } }
.nanograd-drawing text { fill: currentColor; font-size: 11px; }
.nanograd-drawing g text { text-anchor: middle; }
.nanograd-drawing .title { font-size: 13px; }
.nanograd-drawing .leaf .title { font-weight: 600; }
.nanograd-drawing .fact, .nanograd-drawing .label { fill-opacity: .72; }
.nanograd-drawing .grad { fill: #d0631c; fill-opacity: 1; }
.nanograd-drawing rect, .nanograd-drawing path { stroke: currentColor; stroke-opacity: .6; stroke-width: 1.2; }
.nanograd-drawing rect { fill: currentColor; fill-opacity: .04; }
.nanograd-drawing .leaf rect { fill: #3b82f6; fill-opacity: .15; stroke: #3b82f6; stroke-opacity: 1; }
.nanograd-drawing .root rect { stroke-opacity: 1; stroke-width: 2; }
.nanograd-drawing .more rect { fill: none; stroke-dasharray: 4 3; }
.nanograd-drawing path { fill: none; }
.nanograd-drawing .head { fill: currentColor; fill-opacity: .75; stroke: none; }
"""


def _svg(vertices: Sequence[Vertex]) -> str:
    root = vertices[0]
    if root.kind == "op":  # no edge leaves it to carry its shape
        vertices = [replace(root, facts=(*root.facts, root.output), output=""), *vertices[1:]]
    plan = Layout(vertices)
    size = f'width="{plan.width:.0f}" height="{plan.height:.0f}" viewBox="0 0 {plan.width:.0f} {plan.height:.0f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="nanograd-drawing" role="img" {size}'
            ' style="max-width: 100%; height: auto">',
            f"<title>The tape of {escape(root.title)}: inputs above, result below</title>",
            f"<style>{STYLE}</style>",
            *_lines(vertices, plan),
            *(_svg_box(v, vertex, plan) for v, vertex in enumerate(vertices)),
            "</svg>\n",
        ]
    )


def _svg_box(v: int, vertex: Vertex, plan: Layout) -> str:
    cell, top = plan.cells[v], plan.top(v)
    texts = [f'<text class="title" x="{cell.x:.1f}" y="{top + 18.5:.1f}">{escape(vertex.title)}</text>']
    for line, fact in enumerate(filter(None, vertex.facts), start=1):
        kind = "grad" if fact.startswith("grad ") else "fact"
        texts.append(f'<text class="{kind}" x="{cell.x:.1f}" y="{top + 18.5 + 15 * line:.1f}">{escape(fact)}</text>')
    return (
        f'<g class="{vertex.kind}{" root" if v == 0 else ""}" data-box="{v}">'
        f"<title>{escape(vertex.tip or vertex.title)}</title>"
        f'<rect x="{cell.x - cell.width / 2:.1f}" y="{top:.1f}" width="{cell.width:.1f}" height="{cell.height:.1f}"'
        f' rx="{3 if vertex.kind == "leaf" else 14}"/>{"".join(texts)}</g>'
    )


def _lines(vertices: Sequence[Vertex], plan: Layout) -> Iterator[str]:
    for v, vertex in enumerate(vertices):
        if _label(vertex) and plan.cells[v].below:
            yield _svg_label(v, _label(vertex), plan)
    for c in range(len(vertices), len(plan.cells)):  # a bend: the shared part of the long edges of one box
        path = _curve(plan.cells[c].above[0], c, plan.cells[c].x, plan.floor(c), plan)
        yield f'<path class="trunk" data-from="{plan.source[c]}" d="{path}"/>'
    for (c, target), x in zip(plan.edges, _ports(plan), strict=True):
        tip = plan.top(target)
        yield (
            f'<path class="edge" data-from="{plan.source[c]}" data-to="{target}"'
            f' d="{_curve(c, target, x, tip - 6, plan)}"/>'
            f'<path class="head" d="M{x:.1f} {tip:.1f}l-3.5 -7h7z"/>'
        )


def _curve(upper: int, lower: int, x: float, y: float, plan: Layout) -> str:
    """From under a cell to (x, y) in the next row: straight past its own row, a bow through the gap, straight on."""
    cell, floor, ceiling = plan.cells[upper], plan.floor(upper), plan.tops[plan.cells[lower].row]
    foot, middle = plan.top(upper) + cell.height if cell.height else floor, (floor + ceiling) / 2
    bow = f"C{cell.x:.1f} {middle:.1f} {x:.1f} {middle:.1f} {x:.1f} {ceiling:.1f}"
    return f"M{cell.x:.1f} {foot:.1f}V{floor:.1f}{bow}V{y:.1f}"


def _svg_label(v: int, label: str, plan: Layout) -> str:
    """Beside the edges that leave a box, on the side where they leave more room."""
    cell = plan.cells[v]
    turns = [0.0, *(plan.cells[c].x - cell.x for c in cell.below)]
    right, left = max(turns), -min(turns)
    x, anchor = (cell.x - 6 - left / 5, "end") if left + 4 < right else (cell.x + 6 + right / 5, "start")
    y = plan.top(v) + cell.height + 13
    return f'<text class="label" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(label)}</text>'


def _ports(plan: Layout) -> list[float]:
    """Where each edge meets its target: below its source if it can, beside the others, in the flat part of the box."""
    into: dict[int, list[int]] = {}
    for e, (_, target) in enumerate(plan.edges):
        into.setdefault(target, []).append(e)
    ports = [0.0] * len(plan.edges)
    for target, edges in into.items():
        edges.sort(key=lambda e: plan.cells[plan.edges[e][0]].x)
        left, right = (plan.cells[target].x + sign * (plan.cells[target].width / 2 - 13) for sign in (-1, 1))
        step = min(14.0, (right - left) / max(1, len(edges) - 1))
        wanted = [min(max(plan.cells[plan.edges[e][0]].x, left), right) for e in edges]
        spread = _spread(wanted, [1.0] * len(edges), [step] * (len(edges) - 1))
        for i, (e, x) in enumerate(zip(edges, spread, strict=True)):
            ports[e] = max(left + i * step, min(x, right - (len(edges) - 1 - i) * step))
    return ports


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
