"""A lesson as a Jupyter notebook, and a learner's notebook read back as Python.

The file is nbformat 4.5 written by hand: cell ids that follow from the cells, no outputs, keys sorted, line feeds.
The metadata of an exercise's cell is nbgrader's (schema 3, with no key of ours: those are in ``metadata.nanograd``).
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tokenize
from pathlib import Path
from typing import Any

from nanograd.course.generate import exercises_in, stub_cells
from nanograd.course.lesson import Cell, Exercise, Lesson

__all__ = ["NotebookError", "notebook", "source_of_notebook"]

LARGEST = 16 * 2**20  # bytes; a notebook of text is far smaller, one full of pictures may reach it
MAGIC = re.compile(r"\s*(%|!|\?)|[\w.\s]+\?+\s*$|\s*[\w., ]+=\s*[%!]")
WRAPPERS = ("%%time", "%%timeit", "%%capture", "%%prun")  # cell magics whose cell is still Python


class NotebookError(ValueError):
    """A notebook that cannot be read back as Python: ``path: what, expected, fix``."""


# writing


def notebook(lesson: Lesson) -> str:
    """The learner's notebook, as the text of its file."""
    cells: list[dict[str, Any]] = []
    for cell in stub_cells(lesson):
        found = exercises_in(lesson, cell)
        cells.append(_cell(lesson, cell, found))
        cells += [_check(exercise) for exercise in found]
    document = {
        "cells": _with_unique_ids(cells),
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "nanograd": {"lesson": lesson.name},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cell(lesson: Lesson, cell: Cell, found: list[Exercise]) -> dict[str, Any]:
    if cell.kind == "markdown":
        return _document_cell("markdown", _digest(lesson, cell), cell.markdown, _title(cell))
    source = cell.source.strip("\n")
    if not found:
        return _document_cell("code", _digest(lesson, cell), source, _title(cell))
    name = "-".join([lesson.number, *(exercise.name for exercise in found)])
    ours = {**_title(cell), "exercises": [exercise.id for exercise in found]}
    return _document_cell("code", name[:60], source, ours, {"nbgrader": _nbgrader(name)})


def _check(exercise: Exercise) -> dict[str, Any]:
    # The interpreter of the kernel: the nanograd of another one may be the first on the path.
    command = (
        f'# Save the notebook, then run this cell.\nimport sys\n!"{{sys.executable}}" -m nanograd check {exercise.id}'
    )
    return _document_cell("code", f"{exercise.id.replace('.', '-')[:50]}-check", command, {"check": exercise.id})


def _nbgrader(name: str) -> dict[str, Any]:
    """The metadata of a cell that a learner answers in, with exactly the keys of nbgrader's schema 3."""
    flags = {"grade": False, "locked": False, "solution": True, "task": False}
    return {**flags, "cell_type": "code", "grade_id": name, "schema_version": 3}


def _document_cell(
    kind: str, name: str, source: str, ours: dict[str, Any], metadata: dict[str, Any] | None = None
) -> dict[str, Any]:
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    metadata = {**(metadata or {}), **({"nanograd": ours} if ours else {})}
    return {"cell_type": kind, "id": name, "metadata": metadata, "source": source.splitlines(keepends=True), **code}


def _title(cell: Cell) -> dict[str, Any]:
    return {"title": cell.title} if cell.title else {}


def _digest(lesson: Lesson, cell: Cell) -> str:
    """An id that follows from what the cell says, so that cells added above it do not change it."""
    text = "\0".join((lesson.name, cell.kind, cell.title, cell.source.strip("\n")))
    return f"{lesson.number}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _with_unique_ids(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: dict[str, int] = {}
    for cell in cells:
        name = cell["id"]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            cell["id"] = f"{name}-{seen[name]}"
    return cells


# reading


def source_of_notebook(path: Path) -> str:
    """The code cells of a notebook as one module in ``# %%`` cells; magics and shell lines become comments.

    Raises:
        NotebookError: for a file that is no notebook of format 4.

    """
    cells = [_python(source) for source in _code_cells(path)]
    kept = [cell for cell in cells if any(line.strip() and not line.startswith("#") for line in cell.splitlines())]
    return "\n\n".join(f"# %%\n{cell}\n" for cell in kept)


def _code_cells(path: Path) -> list[str]:
    document = _json(path)
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(cells, list) or document.get("nbformat") != 4:
        raise NotebookError(f"{path}: not a notebook of format 4. Save it again with Jupyter, or work in lesson.py.")
    sources: list[str] = []
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            raise NotebookError(f"{path}: cell {number} has no type. Save the notebook again with Jupyter.")
        if cell["cell_type"] == "code":
            sources.append(_text(path, number, cell.get("source")))
    return sources


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST:
            raise NotebookError(f"{path}: larger than {LARGEST // 2**20} MiB. Clear its outputs and save it again.")
        return json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise NotebookError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except RecursionError:
        raise NotebookError(f"{path}: nested too deeply to be a notebook. Save it again with Jupyter.") from None
    except NotebookError:
        raise
    except ValueError as error:
        raise NotebookError(f"{path}: not JSON ({error}). Save it again with Jupyter, or work in lesson.py.") from None


def _text(path: Path, number: int, source: Any) -> str:
    lines = [source] if isinstance(source, str) else source
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise NotebookError(f"{path}: cell {number}: its source is not text. Save the notebook again with Jupyter.")
    text = "".join(lines).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text or re.search("[\ud800-\udfff]", text):
        raise NotebookError(f"{path}: cell {number} holds characters that no Python file can. Type the line again.")
    return text.strip("\n")


def _python(cell: str) -> str:
    """A cell without what only IPython understands; each line keeps its number."""
    lines = cell.split("\n")
    if lines[0].startswith("%%") and not lines[0].startswith(WRAPPERS):
        return "\n".join(f"# {line}".rstrip() for line in lines)
    for number, line in enumerate(lines):
        if MAGIC.match(line) and _starts_a_statement(lines[:number]):
            indent = line[: len(line) - len(line.lstrip())]
            lines[number] = f"{indent}{'pass  ' if indent else ''}# {line.strip()}"
    return "\n".join(lines)


def _starts_a_statement(above: list[str]) -> bool:
    """Whether the line below ``above`` is a new statement and not the inside of a bracket or a string."""
    try:
        for _ in tokenize.generate_tokens(io.StringIO("\n".join([*above, ""])).readline):
            pass
    except tokenize.TokenError:
        return False
    except SyntaxError:
        return True
    return not (above and above[-1].endswith("\\"))
