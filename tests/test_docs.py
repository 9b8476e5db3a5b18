"""The README and the site: their code runs and prints what they say, and the site asks no other host for anything."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import importlib.util
import inspect
import io
import json
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import nanograd
from nanograd import absent, dtypes

ROOT = Path(__file__).parents[1]
GUIDE = sorted(f"docs/guide/{page.name}" for page in (ROOT / "docs/guide").glob("*.md") if page.name != "index.md")
PAGES = ["README.md", "docs/index.md", "docs/engine.md", "docs/torch.md", *GUIDE]
BLOCK = re.compile(
    r'^```python(?: title="(?P<file>[\w.]+)")?\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```$)?'
    r"|^```console\n\$ nanograd (?P<command>[^\n]+)\n(?P<answer>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

AS_SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE  # a page may leave out digits and break lines


# Code


@pytest.mark.parametrize("page", PAGES)
def test_code_runs_and_prints_what_the_page_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's blocks run one after the other in an empty folder; a block with a title is a file that commands find."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks, f"{page} has no Python block"
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks:
        line = text.count("\n", 0, block.start()) + 2
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["code"], encoding="utf-8")
            continue
        said = block["answer"] if block["command"] else block["printed"]
        printed = answer(block["command"]) if block["command"] else output(block["code"], page, line, names)
        if said is not None:
            same = doctest.OutputChecker().check_output(said, printed, AS_SHOWN)
            assert same, f"{page}:{line} says\n{said}\nand prints\n{printed}"


def output(code: str, page: str, line: int, names: dict[str, object]) -> str:
    """What a block prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n" * (line - 1) + code, page, "exec"), names)
    return printed.getvalue()


def answer(command: str) -> str:
    """What ``nanograd COMMAND`` prints, in this folder."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    words = [sys.executable, "-m", "nanograd", *command.split()]
    done = subprocess.run(
        words, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_the_check_of_pages_sees_what_it_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text("import torch\nprint(torch.tensor([1, 2]).sum())", encoding="utf-8")
    assert answer("run script.py") == "tensor(3)\n"
    assert output("print(1 + 1)", "page", 1, {}) == "2\n"
    page = '```python title="a.py"\nx = 1\n```\n\n```console\n$ nanograd run a.py\n2\n```\n```python\ny\n```\n'
    found = [(block["file"], block["code"], block["command"], block["answer"]) for block in BLOCK.finditer(page)]
    assert found == [("a.py", "x = 1\n", None, None), (None, None, "run a.py", "2\n"), (None, "y\n", None, None)]


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


# What of torch is here

INSIDE = {
    "nanograd.absent", "nanograd.course", "nanograd.devices", "nanograd.drawing",
    "nanograd.dtypes", "nanograd.errors", "nanograd.examples", "nanograd.formats", "nanograd.kernels", "nanograd.lab",
    "nanograd.methods", "nanograd.ops", "nanograd.overview", "nanograd.printing", "nanograd.return_types",
    "nanograd.scalar", "nanograd.script", "nanograd.settings", "nanograd.simt", "nanograd.stopwatch",
    "nanograd.storage", "nanograd.switches", "nanograd.tape", "nanograd.tensors", "nanograd.threads",
    "nanograd.utils", "nanograd.version", "nanograd.vision", "nanograd.warmup", "nanograd.warned",
}  # fmt: skip
"""Modules at the top whose names programs find elsewhere: in ``torch`` itself, or one level further in."""


@pytest.fixture(scope="module")
def surface() -> ModuleType:
    spec = importlib.util.spec_from_file_location("surface", ROOT / "docs" / "surface.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["surface"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listed(site: Path) -> dict[str, dict[str, bool]]:
    """Namespace -> its names on the page, and whether each leads to an entry."""
    text = (site / "torch.html").read_text(encoding="utf-8")
    parts = re.split(r"<h3[^>]*>([\w.]+)", text)[1:]
    name = re.compile(r"(<a [^>]*>)?<code>([\w.]+)</code>")
    return {
        title: {found[2]: bool(found[1]) for found in name.finditer(body.partition("<h2")[0])}
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def public(path: str) -> set[str]:
    """What a namespace calls public, without its modules."""
    place: Any = nanograd.Tensor if path == "nanograd.Tensor" else importlib.import_module(path)
    names = getattr(place, "__all__", [name for name in vars(place) if not name.startswith("_")])
    kinds = {name: type(inspect.getattr_static(place, name)) for name in names if hasattr(place, name)}
    return {name for name, kind in kinds.items() if kind is not ModuleType}


def test_every_public_name_is_listed(site: Path, surface: ModuleType) -> None:
    page = listed(site)
    unlisted = {}
    for title, path in surface.NAMESPACES.items():
        there = public(path) if path == "nanograd.Tensor" or importlib.util.find_spec(path) else set()
        missing = there - set(page.get(title, ())) - surface.TAPE_ONLY - {"TYPE_CHECKING", "Any", "NoReturn"}
        if missing:
            unlisted[title] = sorted(missing)
    assert unlisted == {}
    assert {"draw", "summary", "autocast", "e"} <= set(page["torch"])
    assert {"add_", "view", "shape", "grad_fn"} <= set(page["torch.Tensor"])


def test_operations_and_layers_lead_to_their_entries(site: Path, surface: ModuleType) -> None:
    page = listed(site)
    assert all([page["torch"]["matmul"], page["torch"]["subtract"], page["torch.nn"]["LSTM"]])
    for title in ("torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils.data"):
        values = surface.names_in(surface.NAMESPACES[title])
        without = [
            name
            for name, linked in page[title].items()
            if name in values and not linked and surface.defined(values[name])
        ]
        assert without == [], f"{title}: names whose module is on no page of docs/reference, or that have no docstring"


def test_every_namespace_is_known(surface: ModuleType) -> None:
    """A new module at the top belongs on the page, or among those that programs do not import."""
    there = {f"nanograd.{found.name}" for found in pkgutil.iter_modules(nanograd.__path__)}
    unknown = {path for path in there if path not in surface.NAMESPACES.values() and not path.endswith("__main__")}
    assert unknown <= INSIDE | {"nanograd.serialization"}


def test_absent_names_are_listed(site: Path) -> None:
    text = (site / "torch.html").read_text(encoding="utf-8")
    for name in (*dtypes.ABSENT, *absent.ABSENT):
        assert re.search(rf"<code>(torch|torchvision)\.{re.escape(name)}</code>", text), name


def test_every_family_has_a_section(surface: ModuleType) -> None:
    """Functions and classes are described on some page of docs/reference; only values may be left over."""
    homeless = {module for module, _ in surface.documented() if module not in surface.sections()}
    assert homeless == set(), "add these modules to a page of docs/reference"
