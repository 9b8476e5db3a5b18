"""Puts one answer into the place of another, in source text: nothing here runs what it reads.

An exercise is graded in the learner's module with the reference answers in place of the *other* exercises: a fault
is reported once, where it is. A known wrong answer is run the same way, in the place of the solution.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nanograd.course.lesson import Lesson

__all__ = [
    "KnownAnswer",
    "Reference",
    "answers_of",
    "as_reference",
    "assemble",
    "definition",
    "imports_of",
    "in_place",
    "references_of",
    "scenarios_of",
    "untouched",
]

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
OURS = "nanograd.course"


@dataclass(frozen=True)
class Reference:
    """The solution of one exercise: its qualified name and its source without ``@exercise``."""

    qualname: str
    source: str


@dataclass(frozen=True)
class KnownAnswer:
    """An answer of wrong_answers.py: ``says`` names its mistake, or is None when it is right too."""

    exercise: str
    name: str
    says: str | None
    source: str
    before: str
    line: int


def definition(tree: ast.Module, qualname: str) -> Definition | None:
    """Find the function, method or class of that qualified name; the last one, as when the file is run."""
    found = _place(tree, qualname)
    return None if found is None else found[0][found[1]]  # type: ignore[return-value]


def untouched(source: str, stub: str, qualname: str) -> bool:
    """Whether the exercise still has the body that the stub gave it; comments and docstrings do not count."""
    mine, given = definition(ast.parse(source), qualname), definition(ast.parse(stub), qualname)
    return mine is not None and given is not None and _body(mine) == _body(given)


@lru_cache(maxsize=64)
def references_of(lesson: Lesson) -> list[Reference]:
    """The solutions of a lesson's exercises, in order."""
    tree = ast.parse(lesson.source)
    found = [(exercise.qualname, definition(tree, exercise.qualname)) for exercise in lesson.exercises]
    return [Reference(name, ast.unparse(_undecorated(node, {"exercise"}))) for name, node in found if node is not None]


@lru_cache(maxsize=64)
def imports_of(source: str) -> list[str]:
    """The imports at the top of a source, one name each, without those of the course's own words."""
    return [ast.unparse(each) for node in ast.parse(source).body for each in _single_imports(node)]


def assemble(
    source: str, references: Iterable[Reference], imports: Iterable[str] = (), before: str = "", path: str = "lesson.py"
) -> ast.Module:
    """Build the module ``source`` with references in the place of the definitions, and the imports they need.

    Lines are those of ``source``: an error inside a reference is reported at the definition that it replaced.

    Args:
        source: a learner's file, or a lesson's.
        references: what takes the place of the definitions of those names.
        imports: lines that are put first where only the references need them.
        before: statements that are put above the first definition that is replaced.
        path: the file's name in error messages.

    Raises:
        SyntaxError: ``source`` is not Python.

    """
    tree = ast.parse(source, path)
    bound = {name for node in tree.body for name in _binds(node)}
    used: set[str] = set()
    for reference in references:
        node = ast.parse(reference.source).body[0]
        used |= _names(node)
        if before:
            place = _top(tree, reference.qualname)
            tree.body[place:place] = [_at(each, 1) for each in ast.parse(before).body]
            before = ""
        _put(tree, reference.qualname, [node])
    for line in imports:
        node = ast.parse(line).body[0]
        if _binds(node) <= used - bound:
            tree.body.insert(_after_future(tree), _at(node, 1))
    return tree


def as_reference(lesson: Lesson, answer: KnownAnswer) -> Reference:
    """Give a known answer the name of the exercise, so that it can stand in its place."""
    qualname = lesson.exercise(answer.exercise).qualname
    node = _renamed(ast.parse(answer.source).body[0], answer.name, qualname.rpartition(".")[2])
    return Reference(qualname, ast.unparse(node))


def in_place(lesson: Lesson, answer: KnownAnswer) -> str:
    """Write the lesson's source with ``answer`` in the place of the solution, as a learner might have written it."""
    tree = assemble(lesson.source, [as_reference(lesson, answer)], before=answer.before)
    for each in ast.walk(tree):
        if isinstance(each, Definition):
            _undecorated(each, {"exercise"})
    tree.body = [n for n in tree.body if not (isinstance(n, ast.ImportFrom) and (n.module or "").startswith(OURS))]
    return ast.unparse(tree) + "\n"


@lru_cache(maxsize=64)
def answers_of(source: str, path: str = "wrong_answers.py") -> list[KnownAnswer]:
    """The known answers of a wrong_answers.py; what else stands at its top level goes with each of them.

    Raises:
        SyntaxError: the file is not Python, or a decorator is not written with literals.
    """
    tree = ast.parse(source, path)
    marked = {node: _marks(node) for node in tree.body if isinstance(node, Definition)}
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    before = "\n".join(ast.unparse(node) for node in tree.body if not marked.get(node) and not _is_ours(node))  # type: ignore[call-overload]
    return [
        KnownAnswer(
            exercise, node.name, says, ast.unparse(_undecorated(node, {"wrong", "also_right"})), before, node.lineno
        )
        for node, marks in marked.items()
        for exercise, says in marks
    ]


@lru_cache(maxsize=64)
def scenarios_of(source: str) -> str:
    """Blank out everything in a test file but its scenarios and the helpers and imports that they name.

    What is left holds no test and no expected value, and stands on its own lines.
    """
    tree = ast.parse(source)
    homes = {name: node for node in tree.body for name in _binds(node)}
    scenarios = [node for node in tree.body if isinstance(node, Definition) and "scenario" in _decorators(node)]
    kept: dict[ast.stmt, int] = {node: node.lineno for node in scenarios}  # and the line it starts on: no decorator
    wanted: list[ast.stmt] = [_undecorated(node, _decorators(node)) for node in scenarios]
    while wanted:
        for name in _names(wanted.pop()):
            if (home := homes.get(name)) is not None and home not in kept:
                kept[home] = min([home.lineno, *(each.lineno for each in getattr(home, "decorator_list", []))])
                wanted.append(home)
    kept |= {
        node: node.lineno for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    }
    lines = {line for node, first in kept.items() for line in range(first, (node.end_lineno or first) + 1)}
    return "\n".join(text if number in lines else "" for number, text in enumerate(source.split("\n"), 1))


# places in a tree


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The statement lists of a module or class body, through if, try and with, but not into functions."""
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, [])
        if isinstance(block, list):
            yield block
            for child in block:
                if not isinstance(child, Definition):
                    yield from _blocks(child)


def _place(tree: ast.Module, qualname: str) -> tuple[list[ast.stmt], int] | None:
    inside: ast.AST = tree
    found = None
    for name in qualname.split("."):
        found = None
        for block in _blocks(inside):
            for index, child in enumerate(block):
                if isinstance(child, Definition) and child.name == name:
                    found = (block, index)
        if found is None:
            return None
        inside = found[0][found[1]]
    return found


def _put(tree: ast.Module, qualname: str, nodes: list[ast.stmt]) -> None:
    """Put ``nodes`` where the definition stands, at its line; if there is none, above what needs it first."""
    place = _place(tree, qualname)
    if place is not None:
        block, index = place
        block[index : index + 1] = [_at(node, block[index].lineno) for node in nodes]
    elif "." not in qualname:
        needs = (not isinstance(node, ast.FunctionDef) and qualname in _names(node) for node in tree.body)
        index = next((index for index, found in enumerate(needs) if found), len(tree.body))
        tree.body[index:index] = [_at(node, 1) for node in nodes]


def _top(tree: ast.Module, qualname: str) -> int:
    """Where the statement of the module's top level stands that holds a definition; the end if there is none."""
    first = qualname.partition(".")[0]
    holds = (any(isinstance(each, Definition) and each.name == first for each in ast.walk(node)) for node in tree.body)
    return next((index for index, found in enumerate(holds) if found), len(tree.body))


def _at(node: ast.stmt, line: int) -> ast.stmt:
    for each in ast.walk(node):
        if hasattr(each, "lineno"):
            each.lineno = each.end_lineno = line  # type: ignore[attr-defined]
    return node


def _body(node: Definition) -> str:
    """The body of a definition as text that only its meaning decides."""
    statements = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return "\n".join(ast.unparse(statement) for statement in _without_docstrings(statements))


def _without_docstrings(statements: list[ast.stmt]) -> list[ast.stmt]:
    for statement in statements:
        for each in ast.walk(statement):
            if isinstance(each, Definition) and ast.get_docstring(each, clean=False) is not None:
                each.body[:1] = [] if each.body[1:] else [ast.Pass()]
    return statements


# names


def _binds(node: ast.stmt) -> set[str]:
    if isinstance(node, Definition):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _single_imports(node: ast.stmt) -> Iterator[ast.stmt]:
    if isinstance(node, ast.Import):
        yield from (ast.Import([alias]) for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module != "__future__" and not _is_ours(node):
        yield from (ast.ImportFrom(node.module, [alias], node.level) for alias in node.names)


def _is_ours(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith((OURS, "__future__"))


def _after_future(tree: ast.Module) -> int:
    ends = [i for i, node in enumerate(tree.body) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    docstring = int(ast.get_docstring(tree, clean=False) is not None)
    return max([docstring, *(i + 1 for i in ends)])


class _Rename(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.new if node.id == self.old else node.id
        return node


def _renamed(node: ast.stmt, old: str, new: str) -> ast.stmt:
    if isinstance(node, Definition):
        node.name = new
    _Rename(old, new).visit(node)
    return node


# decorators


def _decorator_name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return str(getattr(called, "id", None) or getattr(called, "attr", ""))


def _decorators(node: Definition) -> set[str]:
    return {_decorator_name(each) for each in node.decorator_list}


def _undecorated(node: Definition, names: set[str]) -> Definition:
    node.decorator_list = [each for each in node.decorator_list if _decorator_name(each) not in names]
    return node


def _marks(node: Definition) -> list[tuple[str, str | None]]:
    """The exercises that a definition answers, each with the mistake it makes (None: it is right)."""
    marks = []
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and _decorator_name(decorator) in ("wrong", "also_right"):
            given = {"says": None, **{keyword.arg: ast.literal_eval(keyword.value) for keyword in decorator.keywords}}
            marks.append((str(ast.literal_eval(decorator.args[0])), given["says"]))
    return marks
