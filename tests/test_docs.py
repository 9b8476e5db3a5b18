"""The README and the site: their code runs and prints what they say, and the site asks no other host for anything."""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/index.md", "docs/engine.md"]
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```$)?", re.MULTILINE | re.DOTALL)

AS_SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE  # a page may leave out digits and break lines


# Code


@pytest.mark.parametrize("page", PAGES)
def test_code_runs_and_prints_what_the_page_says(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks, f"{page} has no Python block"
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks:
        line = text.count("\n", 0, block.start()) + 2
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * (line - 1) + block["code"], page, "exec"), names)
        if block["printed"] is not None:
            same = doctest.OutputChecker().check_output(block["printed"], printed.getvalue(), AS_SHOWN)
            assert same, f"{page}:{line} says\n{block['printed']}\nand prints\n{printed.getvalue()}"


def test_nobody_is_sent_to_the_package_index() -> None:
    """The name nanograd on the public index belongs to another project."""
    wrong = re.compile(r"pip3?\s+install\s[^`\n&;|]*?(?<![\w/.\\-])nanograd(?![\w/.\\-])")
    suffixes = {".md", ".py", ".ipynb", ".toml", ".txt", ".yml"}
    looked_at = [ROOT / "README.md"]
    for folder in ("docs", "solutions", "exercises", "nanograd", "benchmarks"):
        looked_at += [path for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    assert wrong.search("pip install -q 'nanograd[test]'")
    assert not wrong.search("pip install -q -e . && nanograd tour")
    found = [str(path) for path in looked_at if wrong.search(path.read_text(encoding="utf-8"))]
    assert not found


# The site


@dataclass(frozen=True)
class Reference:
    """An address in a page: <tag attribute="address">."""

    page: Path
    tag: str
    attribute: str
    address: str

    @property
    def is_loaded(self) -> bool:
        """Whether a browser fetches it by itself; a link waits for the reader."""
        return not (self.tag in ("a", "area") and self.attribute in ("href", "xlink:href"))


class Addresses(HTMLParser):
    """All addresses in a page, also those in its styles."""

    ATTRIBUTES = frozenset({"src", "srcset", "href", "xlink:href", "data", "poster", "action", "background", "style"})

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.page, self.found, self.in_style = page, list[Reference](), False
        self.ids: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        for name, value in attributes:
            if name == "id" and value:
                self.ids.add(value)
            if value and name in self.ATTRIBUTES:
                addresses = in_style(value) if name == "style" else [value]
                self.found += [Reference(self.page, tag, name, address) for address in addresses]

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.found += [Reference(self.page, "style", "url", address) for address in in_style(data)]


def in_style(css: str) -> list[str]:
    """What a style sheet loads."""
    found = re.findall(r"""url\(\s*["']?(.*?)["']?\s*\)|@import\s+["'](.*?)["']""", css)
    return [address for pair in found for address in pair if address]


def is_elsewhere(address: str) -> bool:
    parts = urlsplit(address.strip())
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp", "ws", "wss")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as a reader would build it."""
    for module in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(module, reason=f"building the site needs {module}: install nanograd with its extra [docs]")
    directory = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(directory)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return directory


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Addresses]:
    return {page: Addresses(page) for page in site.rglob("*.html")}


def loads(site: Path, pages: dict[Path, Addresses]) -> Iterator[Reference]:
    for page in pages.values():
        yield from (reference for reference in page.found if reference.is_loaded)
    for sheet in site.rglob("*.css"):
        for address in in_style(sheet.read_text(encoding="utf-8")):
            yield Reference(sheet, "css", "url", address)


def test_the_site_loads_nothing_from_elsewhere(site: Path, pages: dict[Path, Addresses]) -> None:
    found = list(loads(site, pages))
    assert len(found) > 50, "the search for addresses finds nothing any more"
    assert [reference for reference in found if is_elsewhere(reference.address)] == []


def test_the_search_for_loads_sees_what_it_must(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<script src="https://a.example/x.js"></script><link rel="stylesheet" href="//b.example/x.css">'
        '<style>@import "https://c.example/x.css"; p { background: url(https://d.example/x.png) }</style>'
        '<p style="background: url(\'https://e.example/x.png\')"><a href="https://f.example">a link</a>',
        encoding="utf-8",
    )
    seen = {urlsplit(each.address).netloc for each in Addresses(page).found if each.is_loaded}
    assert seen == {f"{letter}.example" for letter in "abcde"}


def test_scripts_have_no_reason_to_ask_another_host(site: Path, pages: dict[Path, Addresses]) -> None:
    """The theme's script fetches diagrams, repository facts and a polyfill: all are left out or not needed here."""
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'class="mermaid"|data-md-component="source"', text), page
    for script in (ROOT / "docs" / "assets").rglob("*.js"):
        addresses = re.findall(r"https?://[\w.]+", script.read_text(encoding="utf-8"))
        assert {urlsplit(address).netloc for address in addresses} <= {"www.w3.org"}, script
    assert (site / "search" / "search_index.js").is_file(), "search works without a server only with this file"


def test_every_address_within_the_site_exists(site: Path, pages: dict[Path, Addresses]) -> None:
    missing = []
    for page, addresses in pages.items():
        for reference in addresses.found:
            parts = urlsplit(reference.address)
            if parts.scheme or parts.netloc or page.name == "404.html":  # 404.html stands for addresses of any depth
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            ids = pages[target].ids if target in pages else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in ids):
                missing.append(reference)
    assert missing == []


def test_lessons_are_on_the_site_without_their_solutions(site: Path) -> None:
    from nanograd.course.lesson import lessons

    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    searchable = "\n".join(entry["text"] for entry in index["docs"])
    for lesson in lessons():
        page = site / "lessons" / f"{lesson.name}.html"
        for text in (page.read_text(encoding="utf-8"), searchable):
            assert "END SOLUTION" not in text
        assert all(exercise.name in page.read_text(encoding="utf-8") for exercise in lesson.exercises)
