"""The picture of a tape: everything in it once, nothing over anything else, in text and in SVG."""

from __future__ import annotations

import doctest
import itertools
import os
import random
import re
import unicodedata
import weakref
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd.drawing
from nanograd.drawing import Drawing, draw
from nanograd.scalar import Scalar

SVG = "{http://www.w3.org/2000/svg}"


# Stand-ins with what draw reads of a tensor and of a node of its tape


class Node:
    def __init__(self, name: str, shape: tuple[int, ...], sources: list[Any], dtype: str = "nanograd.float32") -> None:
        self.title, self.shape, self.dtype = name, shape, dtype
        self.edges: tuple[Any, ...] | None = tuple((source, 0, None) for source in sources)
        self.leaf: Any = None

    def name(self) -> str:
        return self.title


class Value:
    def __init__(self, node: Node | None) -> None:
        self.node = node


def leaf(*shape: int, dtype: str = "nanograd.float32") -> Value:
    value = Value(Node("AccumulateGrad", shape, [], dtype))
    assert value.node is not None
    value.node.edges, value.node.leaf = None, weakref.ref(value)
    return value


def op(name: str, shape: tuple[int, ...], *sources: Value) -> Value:
    return Value(Node(name, shape, [source.node for source in sources]))


def small_network() -> tuple[Value, dict[str, Any]]:
    w, b, v = leaf(64, 784), leaf(64), leaf(10, 64)
    hidden = op("ReluBackward0", (32, 64), op("AddmmBackward0", (32, 64), w, b))
    scores = op("LogSoftmaxBackward0", (32, 10), op("MmBackward0", (32, 10), hidden, v))
    penalty = op("SumBackward0", (), op("MulBackward0", (64, 784), w, w))
    loss = op("AddBackward0", (), op("NllLossBackward0", (), scores), penalty)
    return loss, {"w": w, "b": b, "v": v, "hidden": hidden, "loss": loss}


def random_scalar(seed: int, size: int) -> Scalar:
    rng = random.Random(seed)
    values = [Scalar(rng.random()) for _ in range(4)]
    for _ in range(size):
        a, b = rng.choice(values[-8:]), rng.choice(values[-8:])
        values.append(rng.choice([lambda a=a, b=b: a + b, lambda a=a, b=b: a * b, lambda a=a: a.tanh()])())
    return sum(values[-5:], Scalar(0.0))


# Reading pictures back


def parts(drawing: Drawing) -> tuple[ET.Element, list[ET.Element], Counter[tuple[int, int]]]:
    root = ET.fromstring(drawing.svg)
    boxes = root.findall(f"{SVG}g[@data-box]")
    edges = root.findall(f"{SVG}path[@class='edge']")
    return root, boxes, Counter((int(e.attrib["data-from"]), int(e.attrib["data-to"])) for e in edges)


def rectangle(box: ET.Element) -> tuple[float, float, float, float]:
    rect = box.find(f"{SVG}rect")
    assert rect is not None
    x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def texts(element: ET.Element) -> list[str]:
    return [text.text or "" for text in element.iter(f"{SVG}text")]


def titles(drawing: Drawing) -> list[str]:
    return [texts(box)[0] for box in parts(drawing)[1]]


def edges_of(root: Scalar) -> Counter[tuple[int, int]]:
    seen, edges = {id(root)}, Counter[tuple[int, int]]()
    todo = [root]
    while todo:
        node = todo.pop()
        for source in node.inputs:
            edges[id(source), id(node)] += 1
            if id(source) not in seen:
                seen.add(id(source))
                todo.append(source)
    return edges


def check_layout(drawing: Drawing) -> None:
    """No box over another or outside the picture; every edge leads down; no line crosses a box it does not join."""
    svg, boxes, edges = parts(drawing)
    where = {int(box.attrib["data-box"]): rectangle(box) for box in boxes}
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    for left, top, right, bottom in where.values():
        assert left >= 0
        assert top >= 0
        assert right <= width + 1
        assert bottom <= height + 1
    for a, b in itertools.combinations(where.values(), 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)
    for source, target in edges:
        assert where[source][3] < where[target][1]
    for path in svg.findall(f"{SVG}path"):
        if path.attrib["class"] == "head":
            continue
        joined = {int(path.attrib["data-from"]), int(path.attrib.get("data-to", -1))}
        for box, (left, top, right, bottom) in where.items():
            if box not in joined:
                for x, y in points(path.attrib["d"]):
                    assert not (left < x < right and top < y < bottom), (box, path.attrib)


def points(path: str) -> list[tuple[float, float]]:
    """Along ``M x y V y C x y x y x y V y``."""
    numbers = list(map(float, re.findall(r"-?[\d.]+", path)))
    x0, y0, floor, x1, y1, x2, y2, x3, y3, end = numbers
    steps = [i / 20 for i in range(21)]
    down = [(x0, y0 + (floor - y0) * t) for t in steps]
    bow = [
        (
            (1 - t) ** 3 * x0 + 3 * (1 - t) ** 2 * t * x1 + 3 * (1 - t) * t * t * x2 + t**3 * x3,
            (1 - t) ** 3 * floor + 3 * (1 - t) ** 2 * t * y1 + 3 * (1 - t) * t * t * y2 + t**3 * y3,
        )
        for t in steps
    ]
    return [*down, *bow, *((x3, y3 + (end - y3) * t) for t in steps)]


# Structure


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), size=st.integers(0, 60))
def test_every_node_and_edge_is_drawn_once_and_nothing_overlaps(seed: int, size: int) -> None:
    root = random_scalar(seed, size)
    drawing = draw(root)
    _, boxes, edges = parts(drawing)
    expected = edges_of(root)
    assert len(boxes) == len({end for edge in expected for end in edge})
    assert sorted(edges.values()) == sorted(expected.values())
    fan_out, fan_in = (Counter(dict.fromkeys(range(len(boxes)), 0)) for _ in range(2))
    for (source, target), many in edges.items():
        fan_out[source] += many
        fan_in[target] += many
    nodes = {end for edge in expected for end in edge}
    known = sorted(
        (sum(m for (a, _), m in expected.items() if a == n), sum(m for (_, b), m in expected.items() if b == n))
        for n in nodes
    )
    assert sorted((fan_out[i], fan_in[i]) for i in fan_out) == known
    check_layout(drawing)
    lines = [line for line in drawing.text.splitlines() if line]
    trees = len(re.findall("\n\n", drawing.text))
    assert len(lines) == sum(expected.values()) + 1 + trees  # one line per edge, and one per tree for its root


def test_the_text_of_a_scalar_expression() -> None:
    w, x, b = Scalar(3.0), Scalar(-2.0), Scalar(1.0)
    loss = (w * x + b) ** 2
    loss.backward()
    expected = """\
loss = pow 2     data 25  grad 1
└─ add           data -5  grad -10
   ├─ mul        data -6  grad -10
   │  ├─ [w]     data 3   grad 20
   │  └─ [x]     data -2  grad -30
   └─ [b]        data 1   grad -10"""
    drawing = draw(loss, {"w": w, "x": x, "b": b, "loss": loss})
    assert [line.split() for line in drawing.text.splitlines()] == [line.split() for line in expected.splitlines()]
    assert str(drawing) == repr(drawing) == drawing.text
    columns = {line.index("grad") for line in drawing.text.splitlines()}
    assert len(columns) == 1  # one under the other


def test_gradients_are_shown_after_backward_only() -> None:
    x = Scalar(2.0)
    y = x * x
    assert "grad" not in draw(y).text
    before = draw(y)
    y.backward()
    assert "grad 4" in draw(y).text
    assert "grad 4" not in before.svg  # a picture is of its moment
    assert 'class="grad"' in draw(y).svg


def test_what_is_used_twice_has_a_number_and_is_told_once() -> None:
    x = Scalar(2.0)
    shared = x.tanh()
    text = draw(shared * shared + shared.exp(), {"x": x}).text
    assert text.count("tanh") == 3
    assert text.count("→ #1 tanh") == 2
    assert text.count("[x]") == 1
    twins = draw(x * x + Scalar(2.0)).text  # two leaves that look alike: the number says which is which
    assert "→ #1 [2]" in twins
    assert re.search(r"└─ \[2\]", twins)


def test_the_picture_of_a_tape_of_tensors() -> None:
    loss, names = small_network()
    drawing = draw(loss, names)
    assert sorted(titles(drawing)) == sorted(
        ["loss = add", "nll_loss", "log_softmax", "mm", "hidden = relu", "addmm", "sum", "mul", "w", "b", "v"]
    )
    svg, boxes, edges = parts(drawing)
    assert sum(edges.values()) == 12
    assert max(edges.values()) == 2  # w * w
    by_title = {texts(box)[0]: box for box in boxes}
    assert texts(by_title["w"]) == ["w", "(64, 784)"]
    assert by_title["w"].attrib["class"] == "leaf"
    assert texts(by_title["mm"]) == ["mm"]
    assert by_title["loss = add"].attrib["class"] == "op root"
    assert texts(by_title["loss = add"])[1:] == ["scalar"]
    labels = [text.text for text in svg.findall(f"{SVG}text[@class='label']")]
    assert sorted(filter(None, labels)) == sorted(["(32, 64)", "(32, 64)", "(32, 10)", "(32, 10)", "(64, 784)"])
    check_layout(drawing)
    assert max(map(len, drawing.text.splitlines())) <= 80


def test_plain_names_of_operations() -> None:
    x = leaf(2)
    for name, plain in {
        "MulBackward0": "mul",
        "MaxPool2DWithIndicesBackward0": "max_pool2d_with_indices",
        "MaxPool2dBackward0": "max_pool2d",
        "LogSoftmaxBackward0": "log_softmax",
        "MyCubeBackward": "my_cube",
        "Backward0": "backward0",
    }.items():
        assert titles(draw(op(name, (2,), x)))[0] == plain


def test_dtypes_other_than_float32_and_several_outputs_are_told() -> None:
    x = leaf(3, 5, dtype="nanograd.float64")
    values = op("MaxBackward0", (3,), x)
    assert values.node is not None
    values.node.outputs = (((3,), "nanograd.float64"), ((3,), "nanograd.int64"))  # type: ignore[attr-defined]
    text = draw(op("SumBackward0", (), values), {"x": x}).text
    assert "(3, 5) float64" in text
    assert "(3,) float64, (3,) int64" in text


def test_a_leaf_alone_a_leaf_that_is_gone_and_a_freed_part() -> None:
    w = leaf(2, 3)
    assert draw(w, {"w": w}).text == "[w]  (2, 3)"
    product = op("MulBackward0", (2, 3), leaf(2, 3), w)  # nobody keeps the first leaf
    assert re.findall(r"\[(\w+)\]", draw(product, {"w": w}).text) == ["leaf", "w"]
    freed = op("ExpBackward0", (2, 3), w)
    assert freed.node is not None
    freed.node.edges = None
    assert "freed by backward()" in draw(op("AddBackward0", (2, 3), freed, w)).text


def test_names_that_hurt_nobody() -> None:
    x, y = Scalar(1.0), Scalar(2.0)
    drawing = draw(x + y, {'<b>&"\x00\n\x1b[31m': x, "重み" * 3: y, "elsewhere": Scalar(0.0), "nothing": None})
    ET.fromstring(drawing.svg)
    assert "\x1b" not in drawing.text
    assert "\x00" not in drawing.svg
    assert len(drawing.text.splitlines()) == 3
    ends = {terminal_columns(line.split("data")[0]) for line in drawing.text.splitlines()}
    assert len(ends) == 1  # wide letters count twice
    long = draw(x + y, {"n" * 500: x})
    assert max(map(len, long.text.splitlines())) <= 80


def terminal_columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


# Size


def test_a_chain_of_5000_is_cut_with_a_note() -> None:
    x = Scalar(0.5)
    y = x
    for _ in range(5_000):
        y = -y
    drawing = draw(y)
    assert len(parts(drawing)[1]) == 201
    assert "… 4,801 more" in titles(drawing)
    assert drawing.text.count("… 4,801 more") == 1
    assert max(map(len, drawing.text.splitlines())) <= 80
    check_layout(draw(y, limit=30))


def test_a_chain_of_5000_can_be_drawn_whole() -> None:
    y = Scalar(0.5)
    for _ in range(5_000):
        y = -y
    drawing = draw(y, limit=10_000)
    assert len(parts(drawing)[1]) == 5_001
    assert "more" not in drawing.text
    assert max(map(len, drawing.text.splitlines())) <= 80


def test_a_chain_with_an_operand_per_step_stays_narrow() -> None:
    y = Scalar(0.5)
    for _ in range(90):
        y = y * 1.001
    svg, _, _ = parts(draw(y))
    assert float(svg.attrib["width"]) < 400


def test_what_is_left_out_is_joined_once_to_each_box_that_uses_it() -> None:
    leaves = [Scalar(i) for i in range(10)]
    drawing = draw(sum(leaves[1:], leaves[0]) * 2, limit=4)
    _, boxes, edges = parts(drawing)
    assert len(boxes) == 5
    assert titles(drawing)[-1] == "… 17 more"
    assert all(many == 1 for many in edges.values())
    check_layout(drawing)


def test_equal_graphs_give_equal_pictures() -> None:
    first, second = (draw(random_scalar(5, 40)) for _ in range(2))
    assert first.svg == second.svg
    assert first.text == second.text


def test_a_picture_keeps_nothing_alive() -> None:
    w = leaf(2)
    gone = weakref.ref(w)
    drawing = draw(op("ExpBackward0", (2,), w), {"w": w})
    del w
    assert gone() is None
    assert "[w]" in drawing.text


# The SVG itself


def test_the_svg_is_self_contained_and_knows_light_and_dark() -> None:
    drawing = draw(*small_network())
    assert drawing._repr_svg_() == drawing.svg
    assert "prefers-color-scheme: dark" in drawing.svg
    assert "currentColor" in drawing.svg
    assert not re.search(r"(href|src|url\(|@import|<script)", drawing.svg)
    assert set(re.findall(r"https?://[^\"' ]+", drawing.svg)) == {"http://www.w3.org/2000/svg"}
    style = re.sub(r"@media[^{]*\{", "", drawing.svg.split("<style>")[1].split("</style>")[0])
    for selectors in re.findall(r"(?:^|})([^{}]+)\{", style):  # inside a page it must style nothing but itself
        assert all(".nanograd-drawing" in selector for selector in selectors.split(",") if selector.strip())


def test_text_stays_inside_its_box() -> None:
    x = Scalar(1.0)
    drawing = draw(x.tanh() * 1.5e-7, {"W" * 12: x})
    for box in parts(drawing)[1]:
        left, top, right, bottom = rectangle(box)
        for text in box.iter(f"{SVG}text"):
            assert (right - left) >= 6 * len(text.text or "")
            assert float(text.attrib["x"]) == pytest.approx((left + right) / 2, abs=0.2)
            assert top + 10 < float(text.attrib["y"]) < bottom - 3


# Files


def test_save_writes_what_the_suffix_says(tmp_path: Path) -> None:
    x = Scalar(2.0)
    drawing = draw(x * x)
    assert drawing.save(tmp_path / "tape.svg") == tmp_path / "tape.svg"
    drawing.save(str(tmp_path / "tape.TXT"))
    assert (tmp_path / "tape.svg").read_text("utf-8") == drawing.svg
    assert (tmp_path / "tape.TXT").read_text("utf-8") == drawing.text + "\n"
    ET.parse(tmp_path / "tape.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tape.TXT", "tape.svg"]


def test_a_failed_save_leaves_the_former_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tape.svg"
    path.write_text("the former picture", "utf-8")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        draw(Scalar(1.0)).save(path)
    assert path.read_text("utf-8") == "the former picture"
    assert list(tmp_path.iterdir()) == [path]


def test_a_save_replaces_the_file_and_never_writes_into_it(tmp_path: Path) -> None:
    path, reader = tmp_path / "tape.svg", tmp_path / "reader"
    path.write_text("the former picture", "utf-8")
    try:
        os.link(path, reader)  # like someone who has the file open
    except OSError:
        pytest.skip("this system makes no hard links")
    draw(Scalar(1.0)).save(path)
    assert reader.read_text("utf-8") == "the former picture"
    assert path.read_text("utf-8").startswith("<svg")


def test_save_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    path, link = tmp_path / "tape.svg", tmp_path / "link.svg"
    path.write_text("", "utf-8")
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("this system makes no symbolic links")
    draw(Scalar(1.0)).save(link)
    assert link.is_symlink()
    assert path.read_text("utf-8").startswith("<svg")


@pytest.mark.parametrize(("name", "came"), [("tape.png", "the suffix '.png'"), ("tape", "no suffix")])
def test_save_refuses_other_formats(tmp_path: Path, name: str, came: str) -> None:
    with pytest.raises(ValueError, match=rf"draw: cannot save .*{came}, expected \.svg or \.txt\. Rename"):
        draw(Scalar(1.0)).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_save_into_no_folder(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"draw: cannot save 'tape.svg': there is no folder .*nowhere\. Make it"
    ):
        draw(Scalar(1.0)).save(tmp_path / "nowhere" / "tape.svg")


# Wrong arguments


def freed() -> Value:
    value = op("MulBackward0", (2,), leaf(2))
    assert value.node is not None
    value.node.edges = None
    return value


@pytest.mark.parametrize(
    ("root", "arguments", "error", "message"),
    [
        (3.0, {}, TypeError, r"draw: expected a Tensor or a Scalar, got float\. Pass the result"),
        (None, {}, TypeError, r"draw: expected a Tensor or a Scalar, got NoneType"),
        (Value(None), {}, ValueError, r"draw: this tensor has no tape: .* Set requires_grad=True"),
        (freed(), {}, ValueError, r"draw: the tape of this tensor \(MulBackward0\) was freed .*retain_graph=True"),
        (Scalar(1.0), {"names": {Scalar(1.0): "x"}}, TypeError, r'draw: expected names .* Pass \{"w": w, "b": b\}'),
        (Scalar(1.0), {"names": ["x"]}, TypeError, r"draw: expected names as a mapping"),
        (Scalar(1.0), {"limit": 0}, ValueError, r"draw: limit is 0, expected a whole number of boxes, 1 or more"),
        (Scalar(1.0), {"limit": 2.5}, ValueError, r"draw: limit is 2\.5"),
    ],
)
def test_wrong_arguments_say_what_to_do(
    root: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw(root, **arguments)


def test_the_examples_in_the_docstrings_run() -> None:
    results = doctest.testmod(nanograd.drawing)
    assert results.attempted > 0
    assert results.failed == 0
