"""What the site makes while it is built: the lesson pages and the pictures. Nothing is written into docs/.

- A page for every lesson comes from its source, and stands in the navigation under Lessons.
- ``<!-- lessons -->`` becomes the table of the lessons.
- ``<!-- help: COMMAND -->`` becomes what that command says of itself.
- ``<!-- source: OBJECT -->`` becomes its source, and ``<!-- methods -->`` the table of the methods that are operations.
- ``<!-- surface -->`` becomes tables of all public names, ``<!-- absent -->`` that of torch's names which are not here.
- ``<!-- more: PACKAGE -->`` becomes the entries of the package's modules that no page of the reference names.
- ``<!-- draw: EXPRESSION -->`` becomes the picture of that expression's tape. On a page of docs/ the expression sees
  what the Python blocks above it made, so that a picture always shows the code that the reader has just read.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
import re
from typing import Any

import surface
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import nanograd
from nanograd.course.commands import main
from nanograd.course.generate import lesson_page
from nanograd.course.lesson import Lesson, lessons

CODE_OR_PICTURE = re.compile(r"^```python\n(?P<code>.*?)^```$|^<!-- draw: (?P<draw>.+?) -->$", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> None:
    """Name the lessons in the navigation."""
    chapters = next(section["Lessons"] for section in config.nav or [] if "Lessons" in section)
    listed = {entry for chapter in chapters for entry in (chapter.values() if isinstance(chapter, dict) else [chapter])}
    chapters += [
        {f"{lesson.number} {lesson.title}": page_of(lesson)} for lesson in lessons() if page_of(lesson) not in listed
    ]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add a page for every lesson."""
    for lesson in lessons():
        files.append(File.generated(config, page_of(lesson), content=lesson_page(lesson)))


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put everything that is made in its place; a page without siblings needs no list of them beside it."""
    if page.parent is None:
        page.meta.setdefault("hide", ["navigation"])
    if "<!-- draw: " in markdown:
        markdown = with_pictures(markdown, page)
    markdown = re.sub(r"<!-- lessons -->", lambda _: table(), markdown)
    markdown = re.sub(r"<!-- methods -->", lambda _: methods(), markdown)
    markdown = re.sub(r"<!-- surface -->", lambda _: everything(), markdown)
    markdown = re.sub(r"<!-- absent -->", lambda _: surface.absent_names(), markdown)
    markdown = re.sub(r"<!-- more: ([\w.]+) -->", lambda found: more(found[1]), markdown)
    markdown = re.sub(r"<!-- help: (.*?) ?-->", lambda found: usage(found[1].split()), markdown)
    return re.sub(r"<!-- source: (.*?) -->", lambda found: source(found[1]), markdown)


def with_pictures(markdown: str, page: Page) -> str:
    """The page with its pictures; each shows what the code above it made."""
    names: dict[str, Any] = {"torch": nanograd, "Scalar": nanograd.Scalar}
    written_here = page.file.generated_by is None

    def replacement(found: re.Match[str]) -> str:
        if found["draw"]:
            return picture(found["draw"], names, page.file.src_uri)
        if written_here:
            run(found["code"], names, page.file.src_uri)
        return found[0]

    return CODE_OR_PICTURE.sub(replacement, markdown)


def page_of(lesson: Lesson) -> str:
    """The path of a lesson's page in the site's sources."""
    return f"lessons/{lesson.name}.md"


def table() -> str:
    """All lessons: title, exercises, points."""
    rows = ["| | Lesson | You write | Points |", "|---|---|---|--:|"]
    for lesson in lessons():
        names = ", ".join(f"`{exercise.name}`" for exercise in lesson.exercises)
        points = sum(exercise.points for exercise in lesson.exercises)
        rows.append(f"| {lesson.number} | [{lesson.title}]({lesson.name}.md) | {names} | {points} |")
    return "\n".join(rows)


def methods() -> str:
    """The methods of Tensor that are operations, with their formulas."""
    names = surface.names_in("nanograd.Tensor")
    rows = ["| Method | | Formula |", "|---|---|---|"]
    for name, method in names.items():
        if not getattr(getattr(method, "guards", method), "__module__", "").startswith("nanograd.ops."):
            continue
        formula = (method.__doc__ or "").strip().partition("\n")[0].replace("|", "\\|")
        twin = f"`{name}_`" if f"{name}_" in names else ""
        rows.append(f"| {surface.entry(name, method)} | {twin} | {formula} |")
    return "\n".join(rows)


def everything() -> str:
    """The names of every namespace that is there, by family."""
    there = [name for name, path in surface.NAMESPACES.items() if surface.names_in(path)]
    return "\n\n".join(f"### {name}\n\n{surface.tables(name)}" for name in there)


def more(package: str) -> str:
    """Sections for the modules of a package that no page of the reference names."""
    return "\n\n".join(f"## {surface.heading(module)}\n\n::: {module}" for module in surface.unlisted(package))


def source(path: str) -> str:
    """The source of what ``path`` names, such as ``nanograd.ops.arithmetic.mul``."""
    module, _, name = path.rpartition(".")
    text = inspect.getsource(getattr(importlib.import_module(module), name))
    return f'```python title="{module.replace(".", "/")}.py"\n{text.strip()}\n```'


def usage(words: list[str]) -> str:
    """What ``nanograd WORDS --help`` prints."""
    printed = io.StringIO()
    os.environ["COLUMNS"] = "96"  # as wide as the page
    with contextlib.redirect_stdout(printed):
        status = main([*words, "--help"])
    if status:
        raise PluginError(f"nanograd {' '.join(words)} --help ended with status {status}")
    return f"```text\n{printed.getvalue().strip()}\n```"


def run(code: str, names: dict[str, Any], where: str) -> None:
    """Run a block of the page; what it prints goes nowhere."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, where, "exec"), names)
    except Exception as error:
        raise PluginError(f"{where}: a Python block failed with {type(error).__name__}: {error}\n{code}") from error


def values(names: dict[str, Any]) -> dict[str, Any]:
    """The numbers and tensors among the names of a page: the picture calls them what the page calls them."""
    kinds = (nanograd.Scalar, nanograd.Tensor)
    return {name: value for name, value in names.items() if isinstance(value, kinds)}


def picture(expression: str, names: dict[str, Any], where: str) -> str:
    """The tape of an expression as a figure in the page."""
    try:
        svg = nanograd.draw(eval(expression, names), values(names)).svg
    except Exception as error:
        raise PluginError(f"{where}: draw: {expression} failed with {type(error).__name__}: {error}") from error
    one_line = " ".join(line.strip() for line in svg.splitlines())  # an empty line would end the HTML block
    return f'<figure class="tape">{one_line}</figure>'
