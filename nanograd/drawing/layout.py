"""Where the boxes stand: in rows, the root in row 0 at the bottom.

The rows follow Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981):
a row per depth, an order with few crossings, then positions near what each box is joined to.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from nanograd.drawing.vertex import SCALAR, Vertex, width

__all__ = ["Layout", "label", "spread"]

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
    beside = 2 * (_pixels(label(vertex), 11) + 12) if label(vertex) else 0.0
    return width, 28.0 + 15.0 * len(facts), max(width, beside) + BOX_GAP


def _pixels(text: str, size: float) -> float:
    """About the width of a text, on the wide side: the font is the reader's."""
    return size * sum(
        width(letter) * (0.95 if letter in "mwMW@%" else 0.4 if letter in "ijlrtfI.,:;'|!()[] " else 0.68)
        for letter in text
    )


def label(vertex: Vertex) -> str:
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
    for c, x in zip(row, spread(wanted, weights, gaps), strict=True):
        cells[c].x = x


def spread(wanted: list[float], weights: list[float], gaps: list[float]) -> list[float]:
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
