"""The text of a lesson: ``# %%`` cells, exercises under their decorator, solution regions between their markers.

The source is plain Python in the percent format. It is read with `ast` and `tokenize`; nothing is imported or run.
Whatever is wrong with it is a `LessonError` with file, line, what was found and how to mend it.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from nanograd.errors import did_you_mean

__all__ = [
    "BEGIN",
    "END",
    "Cell",
    "Exercise",
    "LessonError",
    "Region",
    "cells_of",
    "exercises_of",
    "read",
    "regions_of",
]

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
MARKER = re.compile(r"(begin|end)[\s_-]*solution", re.IGNORECASE)
HEADER = re.compile(r"# %%(?P<markdown> \[markdown\])?(?: (?P<title>[^\[\s].*))?")

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class LessonError(ValueError):
    """A lesson source, or something made from it, that is not sound: ``path:line: what, expected, fix``."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path, self.line, self.message = path, line, message


@dataclass(frozen=True)
class Cell:
    """One ``# %%`` cell: its kind, its title, the text below the header, and the header's line (from 1)."""

    kind: str
    title: str
    source: str
    line: int

    @property
    def header(self) -> str:
        """The line that opens the cell, as in the source."""
        return " ".join(["# %%"] + ["[markdown]"] * (self.kind == "markdown") + [self.title] * bool(self.title))

    @property
    def markdown(self) -> str:
        """The prose of a markdown cell, without its comment signs."""
        return "\n".join(line[2:] for line in self.source.strip("\n").split("\n"))


@dataclass(frozen=True)
class Region:
    """One solution region: the lines of its two markers (from 1), its indentation, and its exercise."""

    begin: int
    end: int
    indent: int
    exercise: str


@dataclass(frozen=True)
class Exercise:
    """One exercise, as its decorator and its definition describe it; ``line`` is that of ``def`` or ``class``."""

    name: str
    id: str
    qualname: str
    points: int
    lines: int
    hints: tuple[str, ...]
    replaces: str | None
    needs: tuple[str, ...]
    docstring: str
    signature: str
    line: int
    solved: bool = False


# text and cells


def read(path: Path) -> str:
    """The text of a source file: UTF-8, line feeds alone, one at the end."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise LessonError(path, 1, "no such file: a lesson has lesson.py and test_lesson.py.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise LessonError(path, line, "not UTF-8: save the file as UTF-8.") from None
    if text.startswith("\ufeff"):
        raise LessonError(path, 1, "byte order mark: save the file as UTF-8 without one.")
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        raise LessonError(path, line, "carriage return: expected line feeds alone. Save the file with LF line endings.")
    if not text.endswith("\n"):
        raise LessonError(path, text.count("\n") + 1, "no line feed at the end of the file: add one.")
    return text


def parse(path: Path, source: str) -> ast.Module:
    """The syntax tree of a source file."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise LessonError(path, line, f"not Python: {getattr(error, 'msg', error)}.") from None


def cells_of(path: Path, source: str) -> tuple[Cell, ...]:
    """The cells of a lesson, in order; together they are the whole source."""
    lines = source.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if re.match(r"#\s*%%", line)]
    if not starts or starts[0] > 0:
        raise LessonError(path, 1, "text before the first cell: a lesson starts with `# %% [markdown]`.")
    ends = [*starts[1:], len(lines)]
    cells = tuple(_cell(path, lines[start:end], start + 1) for start, end in zip(starts, ends, strict=True))
    if cells[0].kind != "markdown" or not re.match(r"# # +\S", cells[0].source):
        raise LessonError(path, 1, "no title: the first cell is `# %% [markdown]` and begins with `# # Title`.")
    return cells


def _cell(path: Path, lines: list[str], line: int) -> Cell:
    header = lines[0].rstrip("\n")
    match = HEADER.fullmatch(header)
    if not match:
        raise LessonError(path, line, f"cell header {header!r}: expected `# %%` or `# %% [markdown]`, then a title.")
    kind = "markdown" if match["markdown"] else "code"
    cell = Cell(kind, (match["title"] or "").strip(), "".join(lines[1:]), line)
    (_check_markdown if kind == "markdown" else _check_code)(path, cell)
    return cell


def _check_markdown(path: Path, cell: Cell) -> None:
    for number, text in enumerate(cell.source.rstrip("\n").split("\n"), cell.line + 1):
        if not (text == "#" or text.startswith("# ")):
            what = repr(text) if text else "an empty line"
            raise LessonError(path, number, f"{what} in a markdown cell: expected `# text`, or `#` for an empty line.")


def _check_code(path: Path, cell: Cell) -> None:
    try:
        ast.parse(cell.source)
    except SyntaxError as error:
        message = f"this cell is not Python on its own: {error.msg}. A `# %%` line cannot stand inside a statement."
        raise LessonError(path, cell.line + (error.lineno or 1), message) from None


# exercises


@dataclass(frozen=True)
class Marked:
    """A definition under ``@exercise`` and the decorator's literal arguments."""

    node: Definition
    qualname: str
    given: dict[str, Any]

    @property
    def name(self) -> str:
        """The exercise's name in its lesson."""
        return str(self.given["name"])


def exercise_decorator(node: Definition) -> ast.expr | None:
    """The ``@exercise`` among a definition's decorators, called or bare, or None."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if "exercise" in (getattr(called, "id", None), getattr(called, "attr", None)):
            return decorator
    return None


def marked(path: Path, tree: ast.Module) -> list[Marked]:
    """The definitions of a lesson that are exercises, in order."""
    found: list[Marked] = []
    for node, outer in _definitions(tree):
        if (decorator := exercise_decorator(node)) is None:
            continue
        item = Marked(node, ".".join(each.name for each in (*outer, node)), _arguments(path, decorator))
        if any(exercise_decorator(each) for each in outer):
            raise LessonError(path, node.lineno, f"exercise {item.name!r} is inside another exercise: take one out.")
        if not all(isinstance(each, ast.ClassDef) for each in outer):
            raise LessonError(path, node.lineno, f"exercise {item.name!r} is inside a function: move it out of it.")
        if item.name in [other.name for other in found]:
            raise LessonError(path, node.lineno, f"a second exercise {item.name!r}: names are unique in a lesson.")
        found.append(item)
    return found


def _definitions(
    node: ast.AST, outer: tuple[Definition, ...] = ()
) -> Iterator[tuple[Definition, tuple[Definition, ...]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield child, outer
        yield from _definitions(child, (*outer, child) if isinstance(child, Definition) else outer)


def qualified(tree: ast.AST) -> Iterator[tuple[Definition, str]]:
    """The functions and classes in ``tree`` with their qualified names."""
    for node, outer in _definitions(tree):
        yield node, ".".join(each.name for each in (*outer, node))


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(_text(each) for each in value)


def _count(value: Any) -> bool:
    return type(value) is int and value > 0


_ARGUMENTS: dict[str, tuple[Any, Any, str]] = {  # default, check, what is expected
    "name": (None, lambda v: _text(v) and v.isidentifier(), "a plain name such as 'unbroadcast'"),
    "points": (1, _count, "a whole number of 1 or more"),
    "lines": (None, lambda v: v is None or _count(v), "a whole number of 1 or more"),
    "hints": ((), _texts, "a list of texts"),
    "replaces": (None, lambda v: v is None or _text(v), "a dotted name of the library"),
    "needs": ((), _texts, "a list of names"),
    "solved": (False, lambda v: isinstance(v, bool), "True or False"),
}


def _arguments(path: Path, decorator: ast.expr) -> dict[str, Any]:
    if not isinstance(decorator, ast.Call) or len(decorator.args) != 1:
        raise LessonError(path, decorator.lineno, 'expected one name, then keywords: @exercise("name", points=2).')
    given = {key: default for key, (default, _, _) in _ARGUMENTS.items()}
    pairs = [("name", decorator.args[0])] + [(keyword.arg or "**", keyword.value) for keyword in decorator.keywords]
    for key, value in pairs:
        if key not in given:
            raise LessonError(path, value.lineno, f"exercise has no argument {key!r}.{did_you_mean(key, given)}")
        given[key] = _literal(path, key, value)
    return given


def _literal(path: Path, key: str, node: ast.expr) -> Any:
    _, valid, expected = _ARGUMENTS[key]
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        raise LessonError(path, node.lineno, f"{key} is computed: expected {expected}, written out.") from None
    if not valid(value):
        raise LessonError(path, node.lineno, f"{key}={value!r}: expected {expected}.")
    return value


def exercises_of(
    path: Path, number: str, source: str, tree: ast.Module, regions: tuple[Region, ...]
) -> tuple[Exercise, ...]:
    """The exercises of lesson ``number``, in order; each has its solution, or is given solved."""
    return tuple(_exercise(path, number, item, source, regions) for item in marked(path, tree))


def _exercise(path: Path, number: str, item: Marked, source: str, regions: tuple[Region, ...]) -> Exercise:
    own = [region for region in regions if region.exercise == item.name]
    given, line = item.given, item.node.lineno
    if not own and not given["solved"]:
        raise LessonError(path, line, f"exercise {item.name!r} has no solution: put `{BEGIN}` and `{END}` around it.")
    if own and given["solved"]:
        raise LessonError(path, own[0].begin, f"exercise {item.name!r} is given solved: take its markers away.")
    lines = source.splitlines()
    return Exercise(
        name=item.name,
        id=f"{number}.{item.name}",
        qualname=item.qualname,
        points=given["points"],
        lines=given["lines"] or sum(code_lines(lines[region.begin : region.end - 1]) for region in own),
        hints=tuple(inspect.cleandoc(hint) for hint in given["hints"]),
        replaces=given["replaces"],
        needs=tuple(given["needs"]),
        docstring=ast.get_docstring(item.node) or "",
        signature=_signature(item.node),
        line=line,
        solved=given["solved"],
    )


def _signature(node: Definition) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){returns}"


def code_lines(lines: list[str]) -> int:
    """How many lines hold code: neither empty nor only a comment."""
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


# solution regions


def regions_of(path: Path, source: str, tree: ast.Module) -> tuple[Region, ...]:
    """The solution regions, each whole statements of one block of an exercise's function."""
    found: list[Region] = []
    opened: tuple[int, int] | None = None
    for kind, line, indent in _markers(path, source):
        if (kind == BEGIN) == (opened is not None):
            what = f"`{BEGIN}` inside the region of line {opened[0]}" if opened else f"`{END}` that closes nothing"
            raise LessonError(path, line, f"{what}: regions open and close in turn and are not nested.")
        if opened is None:
            opened = line, indent
            continue
        begin, expected = opened
        if indent != expected:
            raise LessonError(path, line, f"`{END}` is indented by {indent}; `{BEGIN}` of line {begin} by {expected}.")
        found.append(Region(begin, line, indent, _owner(path, tree, begin, line, indent)))
        opened = None
    if opened is not None:
        raise LessonError(path, opened[0], f"`{BEGIN}` is never closed: add `{END}` below it, equally indented.")
    return tuple(found)


def _markers(path: Path, source: str) -> list[tuple[str, int, int]]:
    comments = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT]
    found = [t for t in comments if t.string in (BEGIN, END) and not t.line[: t.start[1]].strip()]
    lines = {token.start[0] for token in found}
    for number, text in enumerate(source.split("\n"), 1):
        if MARKER.search(text) and number not in lines:
            message = f"stray marker {text.strip()!r}: expected `{BEGIN}` or `{END}` alone on a line of code."
            raise LessonError(path, number, message)
    return [(token.string, *token.start) for token in found]


def _owner(path: Path, tree: ast.Module, begin: int, end: int, indent: int) -> str:
    """The name of the exercise whose function holds the region."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    tops = _outermost(tree, parents, begin, end)
    if not tops:
        raise LessonError(path, begin, f"empty solution: expected a statement between `{BEGIN}` and `{END}`.")
    whole = all((node.end_lineno or 0) < end and node.col_offset == indent for node in tops)
    if not whole or len({id(_block(parents[node], node)) for node in tops}) > 1:
        raise LessonError(path, begin, "this region cuts a statement or joins two blocks: mark whole statements.")
    chain = list(_upwards(parents, tops[0]))
    item = next((item for item in marked(path, tree) if item.node in chain), None)
    if item is None:
        raise LessonError(path, begin, "this region is in no exercise: add @exercise(...) to its function.")
    if isinstance(next(node for node in chain if isinstance(node, Definition)), ast.ClassDef):
        raise LessonError(path, begin, f"this region is in the body of class {item.name}: put one in each method.")
    return item.name


def _outermost(tree: ast.Module, parents: dict[ast.AST, ast.AST], begin: int, end: int) -> list[ast.stmt]:
    inside = {node for node in ast.walk(tree) if isinstance(node, ast.stmt) and begin < first_line(node) < end}
    return [node for node in inside if not any(outer in inside for outer in _upwards(parents, node))]


def _block(parent: ast.AST, node: ast.stmt) -> object:
    """The list of statements that ``node`` stands in."""
    return next(value for _, value in ast.iter_fields(parent) if isinstance(value, list) and node in value)


def first_line(node: ast.stmt) -> int:
    """The line on which a statement begins, with its decorators."""
    decorators = node.decorator_list if isinstance(node, Definition) else []
    return decorators[0].lineno if decorators else node.lineno


def _upwards(parents: dict[ast.AST, ast.AST], node: ast.AST) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node
