"""The picture as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.sax.saxutils import escape

from nanograd.drawing.layout import Layout, label, spread
from nanograd.drawing.vertex import Vertex

__all__ = ["svg_text"]

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


def svg_text(vertices: Sequence[Vertex]) -> str:
    """The SVG document of a graph whose first vertex is the result."""
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
        if label(vertex) and plan.cells[v].below:
            yield _svg_label(v, label(vertex), plan)
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
        spots = spread(wanted, [1.0] * len(edges), [step] * (len(edges) - 1))
        for i, (e, x) in enumerate(zip(edges, spots, strict=True)):
            ports[e] = max(left + i * step, min(x, right - (len(edges) - 1 - i) * step))
    return ports
