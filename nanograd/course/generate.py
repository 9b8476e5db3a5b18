"""What is made from a lesson: the stub, the visible tests, the README and the page of the site. Never a solution.

Everything is computed from the lesson's sources alone and is the same byte for byte on every build. What leaves this
module has passed `check_leaks`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from nanograd.course.lesson import Cell, Exercise, Lesson, LessonError
from nanograd.course.source import (
    MARKER,
    Definition,
    cells_of,
    code_lines,
    exercise_decorator,
    first_line,
    parse,
    qualified,
    read,
)

__all__ = [
    "check_leaks",
    "exercises_in",
    "lesson_page",
    "readme",
    "stub_cells",
    "stub_source",
    "visible_tests",
]

WIDTH = 120
FIXTURES = ("reference", "rng", "submission")
HELPERS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


# the stub


def stub_source(lesson: Lesson) -> str:
    """The lesson as a learner gets it: each solution is a comment and a raise, everything else is kept byte for byte.

    The ``@exercise`` decorators go, and so do the imports that only solutions used.
    """
    lines = lesson.source.splitlines(keepends=True)
    for region in reversed(lesson.regions):
        own = [each for each in lesson.regions if each.exercise == region.exercise]
        exercise = lesson.exercise(region.exercise)
        count = exercise.lines if len(own) == 1 else code_lines(lines[region.begin : region.end - 1])
        indent = " " * region.indent
        lines[region.begin - 1 : region.end] = [
            f"{indent}# your code here (roughly {count} {'line' if count == 1 else 'lines'})\n",
            f'{indent}raise NotImplementedError("{exercise.id}")\n',
        ]
    text = "".join(lines)
    decorators = [exercise_decorator(node) for node in ast.walk(ast.parse(text)) if isinstance(node, Definition)]
    text = _without(text, [(node.lineno, node.end_lineno or node.lineno) for node in decorators if node])
    unwanted = _used(ast.parse(lesson.source)) - _used(ast.parse(text))
    return _without_empty_cells(_without_imports(text, unwanted))


def stub_cells(lesson: Lesson) -> tuple[Cell, ...]:
    """The cells of the stub."""
    return cells_of(lesson.path, stub_source(lesson))


def exercises_in(lesson: Lesson, cell: Cell) -> list[Exercise]:
    """The exercises that a code cell defines."""
    if cell.kind != "code":
        return []
    names = {name for _, name in qualified(ast.parse(cell.source))}
    return [exercise for exercise in lesson.exercises if exercise.qualname in names]


def _used(tree: ast.AST) -> set[str]:
    """The names that code reads, in annotations in quotes and in the examples of docstrings too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)  # a fixture of pytest is used by its name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update(_used_in_text(node.value))
    return names


def _used_in_text(text: str) -> Iterator[str]:
    code = text if "\n" not in text and " " not in text.replace(" | ", "") else ""
    examples = [line for line in text.splitlines() if re.match(r"\s*(>>>|\.\.\.) ", line)]
    for line in [code, *examples]:
        yield from re.findall(r"[^\W\d]\w*", line)


# the visible tests


def visible_tests(lesson: Lesson) -> str:
    """The tests a learner sees: hidden ones are gone, with the scenarios, helpers and imports only they used."""
    path = lesson.directory / "test_lesson.py"
    text = read(path)
    tree = parse(path, text)
    dropped = _dropped(tree)
    kept = [node for node in tree.body if node not in dropped]
    for node in (inner for statement in kept for inner in ast.walk(statement)):
        if _is_hidden_mark(node):
            message = "a hidden mark here cannot be taken out: write @pytest.mark.hidden above a test of the module."
            raise LessonError(path, getattr(node, "lineno", 1), message)
    lines = text.splitlines()
    visible = _without(text, [(_with_comments(lines, node), node.end_lineno or node.lineno) for node in dropped])
    gone = set().union(*(_used(node) for node in dropped)) - set().union(*(_used(node) for node in kept))
    return _with_fixtures(_without_imports(visible, gone))


def _with_fixtures(text: str) -> str:
    """``text`` with an import of the fixtures that its tests take, so that a plain ``pytest`` finds them."""
    tree = ast.parse(text)
    taken = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    if not taken & set(FIXTURES):
        return text
    line = f"from nanograd.course.fixtures import {', '.join(name for name in FIXTURES if name in taken)}"
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    ours = [node for node in imports if "nanograd" in (getattr(node, "module", None) or node.names[0].name)]
    docstring = tree.body[:1] if ast.get_docstring(tree) is not None else []
    last = max((node.end_lineno or 0 for node in ours or imports or docstring), default=0)
    lines = text.split("\n")
    lines[last:last] = [line] if ours or not last else ["", line]
    return "\n".join(lines)


def _dropped(tree: ast.Module) -> list[ast.stmt]:
    """The hidden tests, and the helpers that nothing visible leads to."""
    hidden = [node for node in tree.body if isinstance(node, Definition) and _is_hidden(node)]
    sealed = _reached(tree, hidden)
    visible = _reached(tree, [node for node in tree.body if node not in sealed])
    return [node for node in tree.body if node in sealed and node not in visible]


def _reached(tree: ast.Module, starts: Iterable[ast.stmt]) -> set[ast.stmt]:
    """``starts``, the helpers whose names they use, the helpers that those use, and so on."""
    found, waiting = set(starts), list(starts)
    while waiting:
        names = _used(waiting.pop())
        more = [node for node in tree.body if isinstance(node, HELPERS) and node not in found and _binds(node) & names]
        found.update(more)
        waiting += more
    return found


def _is_hidden(node: Definition) -> bool:
    return any(_is_hidden_mark(inner) for decorator in node.decorator_list for inner in ast.walk(decorator))


def _is_hidden_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "hidden" and getattr(node.value, "attr", "mark") == "mark"


def _binds(node: ast.stmt) -> set[str]:
    """The names a helper defines; none for a test, which nothing refers to."""
    if isinstance(node, Definition):
        return set() if node.name.lower().startswith("test") else {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
    return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}


def _with_comments(lines: list[str], node: ast.stmt) -> int:
    start = first_line(node)
    while start > 1 and lines[start - 2].startswith("#"):
        start -= 1
    return start


# prose


def readme(lesson: Lesson) -> str:
    """The lesson for reading on a forge: prose and the code a learner starts from."""
    return _document(lesson, hints=False)


def lesson_page(lesson: Lesson) -> str:
    """The lesson as a page of the site: prose, the code a learner starts from, folded hints, the command to check it.

    Markdown for mkdocs-material with ``pymdownx.details`` and ``pymdownx.superfences``; pictures stay where they are.
    """
    page = _document(lesson, hints=True)
    hints = "\n".join(hint for exercise in lesson.exercises for hint in exercise.hints)
    check_leaks(lesson, {f"{lesson.name}.md": page}, allowed=hints)
    return page


def _document(lesson: Lesson, *, hints: bool) -> str:
    parts: list[str] = []
    for cell in stub_cells(lesson):
        if cell.kind == "markdown":
            parts.append(cell.markdown)
            continue
        parts.append(_fenced(cell.source.strip("\n")))
        for exercise in exercises_in(lesson, cell):
            parts.append(_how_to_check(exercise))
            parts += [_folded(number, hint) for number, hint in enumerate(exercise.hints, 1) if hints]
    title, _, rest = parts[0].partition("\n")
    parts[:1] = [title, _how_to_work(lesson), rest.strip("\n")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _how_to_work(lesson: Lesson) -> str:
    count, points = len(lesson.exercises), lesson.points
    return (
        f"> {_many(count, 'exercise')}, {_many(points, 'point')}. `nanograd start` puts the lesson into a directory of "
        f"yours; write in `{lesson.name}/lesson.py` or in its twin `lesson.ipynb`, and check with "
        f"`nanograd check {lesson.number}`."
    )


def _how_to_check(exercise: Exercise) -> str:
    size = "given solved" if exercise.solved else f"roughly {_many(exercise.lines, 'line')}"
    seam = f" It can stand in for `{exercise.replaces}` in the library." if exercise.replaces else ""
    return f"**Check it:** `nanograd check {exercise.id}` ({_many(exercise.points, 'point')}, {size}).{seam}"


def _folded(number: int, hint: str) -> str:
    body = "\n".join(f"    {_literally(line)}".rstrip() for line in hint.splitlines())
    return f'??? tip "Hint {number}"\n\n{body}'


def _literally(text: str) -> str:
    """Text that Markdown shows as it is, save for code in backticks."""
    spans = re.split("(`[^`]*`)", text)
    return "".join(span if span.startswith("`") else re.sub(r"([\\*_<>\[\]#|])", r"\\\1", span) for span in spans)


def _fenced(code: str) -> str:
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}python\n{code}\n{fence}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# nothing leaks


def check_leaks(lesson: Lesson, files: dict[str, str], *, allowed: str = "") -> None:
    """Refuse generated text that holds a marker, a solution line, a hidden test or the name of a mistake.

    A line that is also given (in the lesson outside solutions, or in ``allowed``) gives nothing away.

    Raises:
        LessonError: with the file, the line and what leaked.

    """
    secrets = _solution_lines(lesson) - {line.strip() for line in allowed.splitlines()}
    words = _sealed_words(lesson)
    for name, text in files.items():
        path = Path("exercises") / lesson.name / name
        for number, line in _readable_lines(name, text):
            if MARKER.search(line) or re.search(r"@exercise\(|mark\.hidden", line):
                raise LessonError(path, number, f"stray marker {line.strip()!r}: no mark of the source may remain.")
            if line.strip() in secrets:
                raise LessonError(
                    path, number, f"solution line {line.strip()!r}: it stands in {lesson.name}/lesson.py."
                )
            for word in words:
                if word in line:
                    raise LessonError(
                        path, number, f"{word!r} is sealed: it belongs to a hidden test or a wrong answer."
                    )


def _readable_lines(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines; those of a notebook are the lines inside its cells."""
    if name.endswith(".ipynb"):
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    yield from enumerate(text.splitlines(), 1)


def _solution_lines(lesson: Lesson) -> set[str]:
    """The lines of solutions that say something: not a bare ``else:``, not a line that is given elsewhere."""
    lines = [line.strip() for line in lesson.source.splitlines()]
    solution: set[str] = set()
    given: set[str] = set()
    for number, line in enumerate(lines, 1):
        inside = any(region.begin < number < region.end for region in lesson.regions)
        (solution if inside else given).add(line)
    return {
        line
        for line in solution - given
        if len(line) > 12 and not re.match(r"(return \w+|(import|from) .*|.*:)$", line)
    }


def _sealed_words(lesson: Lesson) -> list[str]:
    words: list[str] = []
    for name in ("test_lesson.py", "wrong_answers.py"):
        path = lesson.directory / name
        if not path.is_file():
            continue
        for node in ast.walk(parse(path, read(path))):
            if isinstance(node, Definition) and _is_hidden(node):
                words.append(node.name)
            if isinstance(node, ast.keyword) and node.arg == "says" and isinstance(node.value, ast.Constant):
                words.append(str(node.value.value))
    return words


# taking lines out


def _without(text: str, ranges: Collection[tuple[int, int]]) -> str:
    """``text`` without the lines of ``ranges`` (from 1, both ends included), and no more empty lines than before."""
    lines = text.splitlines(keepends=True)
    for first, last in sorted(ranges, reverse=True):
        before, after = first - 1, last
        while before > 0 and not lines[before - 1].strip():
            before -= 1
        while after < len(lines) and not lines[after].strip():
            after += 1
        opens = before == 0 or lines[before - 1].startswith("# %%")
        empty = 0 if opens or after == len(lines) else max(first - 1 - before, after - last)
        lines[before:after] = ["\n"] * empty
    return "".join(lines)


def _without_imports(text: str, unwanted: set[str]) -> str:
    """``text`` without the imports, at the top level, of names in ``unwanted``."""
    for node in reversed(ast.parse(text).body):  # from the end, so that the lines above keep their numbers
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        first, last = node.lineno, node.end_lineno or node.lineno
        kept = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) not in unwanted]
        if not kept:
            text = _without(text, [(first, last)])
        elif len(kept) < len(node.names):
            lines = text.splitlines(keepends=True)
            text = "".join([*lines[: first - 1], _import(node, kept), *lines[last:]])
    return text


def _import(node: ast.Import | ast.ImportFrom, kept: list[ast.alias]) -> str:
    names = [f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in kept]
    start = f"from {'.' * node.level}{node.module or ''} import " if isinstance(node, ast.ImportFrom) else "import "
    line = start + ", ".join(names)
    if len(line) <= WIDTH:
        return line + "\n"
    return start + "(\n" + "".join(f"    {name},\n" for name in names) + ")\n"


def _without_empty_cells(text: str) -> str:
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("# %%")]
    ends = [*starts[1:], len(lines)]
    empty = [start for start, end in zip(starts, ends, strict=True) if not "".join(lines[start + 1 : end]).strip()]
    return _without(text, [(start + 1, start + 1) for start in empty])
