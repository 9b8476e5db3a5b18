"""What of torch is here: its names by family, with links to the reference, read from the library itself.

The families are the sections of docs/reference: a heading, and below it the module whose entries the section shows.
A name belongs to the section of the module that defines it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import nanograd
from nanograd import absent, dtypes
from nanograd.tensors import Absent

__all__ = [
    "NAMESPACES",
    "Section",
    "absent_names",
    "documented",
    "names_in",
    "other_names",
    "sections",
    "tables",
    "unlisted",
]

REFERENCE = Path(__file__).parent / "reference"
SECTION = re.compile(r"^## (?P<title>.+)$|^::: (?P<module>[\w.]+)$", re.MULTILINE)

NAMESPACES = {
    "torch": "nanograd",
    "torch.Tensor": "nanograd.Tensor",
    "torch.special": "nanograd.special",
    "torch.linalg": "nanograd.linalg",
    "torch.fft": "nanograd.fft",
    "torch.autograd": "nanograd.autograd",
    "torch.autograd.functional": "nanograd.autograd.functional",
    "torch.nn": "nanograd.nn",
    "torch.nn.functional": "nanograd.nn.functional",
    "torch.nn.init": "nanograd.nn.init",
    "torch.nn.utils": "nanograd.nn.utils",
    "torch.nn.utils.rnn": "nanograd.nn.utils.rnn",
    "torch.nn.utils.parametrize": "nanograd.nn.utils.parametrize",
    "torch.nn.utils.parametrizations": "nanograd.nn.utils.parametrizations",
    "torch.optim": "nanograd.optim",
    "torch.optim.lr_scheduler": "nanograd.optim.lr_scheduler",
    "torch.optim.swa_utils": "nanograd.optim.swa_utils",
    "torch.distributed": "nanograd.distributed",
    "torch.distributions": "nanograd.distributions",
    "torch.utils.data": "nanograd.utils.data",
    "torch.utils.tensorboard": "nanograd.utils.tensorboard",
    "torch.serialization": "nanograd.serialization",
    "torch.random": "nanograd.random",
    "torch.testing": "nanograd.testing",
    "torch.amp": "nanograd.amp",
    "torch.accelerator": "nanograd.accelerator",
    "torch.cuda": "nanograd.cuda",
    "torch.cpu": "nanograd.cpu",
    "torch.mps": "nanograd.mps",
    "torch.xpu": "nanograd.xpu",
    "torch.profiler": "nanograd.profiler",
    "torch.autograd.profiler": "nanograd.autograd.profiler",
    "torch.compiler": "nanograd.compiler",
    "torch.backends": "nanograd.backends",
    "torchvision.datasets": "nanograd.vision.datasets",
    "torchvision.transforms": "nanograd.vision.transforms",
    "torchvision.transforms.functional": "nanograd.vision.transforms.functional",
    "torchvision.transforms.v2": "nanograd.vision.transforms.v2",
    "torchvision.transforms.v2.functional": "nanograd.vision.transforms.v2.functional",
    "torchvision.utils": "nanograd.vision.utils",
    "torchvision.io": "nanograd.vision.io",
    "tensorboard_logger": "nanograd.utils.tensorboard_logger",
}
"""The name a program uses, and the module or class that answers."""

LAZY = ("autocast", "draw", "profile", "summary")  # what nanograd.__getattr__ fetches, beside modules
TAPE_ONLY = {
    "accumulate",
    "base",
    "fit",
    "node",
    "numpy_of",
    "output_nr",
    "owned",
    "root_gradient",
    "storage",
    "add_in_place",
}


@dataclass(frozen=True)
class Section:
    """A part of the reference: where it stands, and its heading."""

    page: str
    title: str

    @property
    def link(self) -> str:
        """Its title, as a link from a page in docs/."""
        words = re.sub(r"[^\w\s-]", "", self.title.lower()).strip()
        anchor = re.sub(r"[-\s]+", "-", words)
        return f"[{self.title}](reference/{self.page}#{anchor})"


# The reference


def written() -> dict[str, Section]:
    """Module -> the section that somebody wrote for it, in the order of the navigation of mkdocs.yml."""
    order = re.findall(r"reference/([\w-]+\.md)", (REFERENCE.parents[1] / "mkdocs.yml").read_text(encoding="utf-8"))
    found: dict[str, Section] = {}
    for page in order:
        title = ""
        for match in SECTION.finditer((REFERENCE / page).read_text(encoding="utf-8")):
            title = match["title"] or title
            if match["module"]:
                found[match["module"]] = Section(page, title or page)
    return found


@cache
def sections() -> dict[str, Section]:
    """Module -> its section, with those that ``<!-- more: PACKAGE -->`` adds to a page."""
    found = written()
    for page in sorted(REFERENCE.glob("*.md")):
        for package in re.findall(r"<!-- more: ([\w.]+) -->", page.read_text(encoding="utf-8")):
            found |= {module: Section(page.name, heading(module)) for module in unlisted(package)}
    return found


@cache
def unlisted(package: str) -> tuple[str, ...]:
    """The modules directly in a package that define public names, and that no page of the reference names."""
    have, inside = written(), importlib.import_module(package)
    names = [f"{package}.{found.name}" for found in pkgutil.iter_modules(inside.__path__) if not found.ispkg]
    owners = {module for module, _ in documented()}
    return tuple(name for name in names if name in owners and name not in have)


def heading(module: str) -> str:
    """The first sentence of a module's docstring, as a heading."""
    return (importlib.import_module(module).__doc__ or module).strip().partition("\n")[0].rstrip(".").replace("`", "")


# The names


def resolve(path: str) -> Any:
    """The module or the class that a path names; None where there is none."""
    if path == "nanograd.Tensor":
        return nanograd.Tensor
    return importlib.import_module(path) if importlib.util.find_spec(path) else None


@cache
def names_in(path: str) -> dict[str, Any]:
    """The public names of a namespace and what they are; submodules are namespaces of their own."""
    place = resolve(path)
    if place is None:
        return {}
    if isinstance(place, type):
        names = [name for name in dir(place) if not name.startswith("_") and name not in TAPE_ONLY]
        found = {name: inspect.getattr_static(place, name) for name in names}
        return {name: value for name, value in found.items() if not isinstance(value, Absent)}
    listed = getattr(place, "__all__", None)
    if listed is None or path == "nanograd.nn":  # nn also star-imports what its files call public
        listed = [name for name in vars(place) if not name.startswith("_")]
    names = [*listed, *(LAZY if path == "nanograd" else ())]
    found = {name: getattr(place, name) for name in names}
    typing = ("typing", "collections.abc")
    return {
        name: value
        for name, value in found.items()
        if not isinstance(value, ModuleType) and getattr(value, "__module__", "") not in typing
        and name not in ("TYPE_CHECKING", "annotations")
    }  # fmt: skip


def defined(value: Any) -> tuple[str, str] | None:
    """The module and the name under which something was written; None for values."""
    value = value.fget if isinstance(value, property) else value
    value = getattr(value, "guards", value)
    if not callable(value) or not hasattr(value, "__qualname__"):
        return None
    module, name = value.__module__, value.__qualname__
    target: Any = importlib.import_module(module) if module.startswith("nanograd") else None
    for part in name.split("."):
        target = inspect.getattr_static(target, part, None)
    target = target.fget if isinstance(target, property) else target
    return (module, name) if target is value else None


@cache
def documented() -> frozenset[tuple[str, str]]:
    """Where the public functions and classes of all namespaces were written: (module, name)."""
    found = {defined(value) for path in NAMESPACES.values() for value in names_in(path).values()}
    return frozenset(place for place in found if place)


@cache
def other_names() -> dict[tuple[str, str], list[str]]:
    """Where a thing was written -> its public names that are not the one it was written under."""
    found: dict[tuple[str, str], list[str]] = {}
    for namespace, path in NAMESPACES.items():
        for name, value in names_in(path).items():
            place = defined(value)
            if place and name != place[1].rpartition(".")[2] and f"torch.{name}" not in found.get(place, ()):
                found.setdefault(place, []).append(f"{namespace}.{name}")
    return found


# The tables


def tables(namespace: str) -> str:
    """The names of a namespace by family, each with a link to its entry."""
    families: dict[Section | None, list[str]] = {}
    for name, value in sorted(names_in(NAMESPACES[namespace]).items(), key=lambda item: item[0].lower()):
        families.setdefault(family(namespace, name, value), []).append(entry(name, value))
    order: list[Section | None] = [*dict.fromkeys(sections().values()), None]
    rows = [
        f"| {section.link if section else 'Also'} | {' '.join(families[section])} |"
        for section in sorted(families, key=order.index)
    ]
    return "\n".join(["| Family | Names |", "|---|---|", *rows])


def family(namespace: str, name: str, value: Any) -> Section | None:
    """The section of the reference that a name belongs to."""
    place = defined(value)
    if place is None and namespace == "torch.Tensor" and name.endswith("_"):
        place = defined(names_in("nanograd.Tensor").get(name[:-1]))
    if place is None:
        place = (PLACES.get(type(value).__name__) or PLACES.get(name) or "", name)
    if namespace == "torch.Tensor" and place[0] in ("", "nanograd.tensors"):
        return sections().get("nanograd.tensors")
    return sections().get(place[0]) or sections().get(NAMESPACES[namespace])


PLACES = {
    "DType": "nanograd.dtypes", "TypedTensor": "nanograd.ops.typed", "Layout": "nanograd.formats",
    "MemoryFormat": "nanograd.formats", "Generator": "nanograd.random",
}  # fmt: skip
"""Where values are described that are neither functions nor classes, by their class."""


def entry(name: str, value: Any) -> str:
    """A name, with a link where the reference has an entry of its own for what it means."""
    place = defined(value)
    if place and place[0] in sections() and place[1] in described(place[0]):
        return f"[`{name}`][{place[0]}.{place[1]}]"
    return f"`{name}`"


@cache
def described(module: str) -> frozenset[str]:
    """The functions, classes and methods that a module's source gives a docstring: those the reference shows."""
    found: set[str] = set()

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                if ast.get_docstring(node):
                    found.add(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    visit(node.body, f"{prefix}{node.name}.")

    visit(ast.parse(inspect.getsource(importlib.import_module(module))).body, "")
    return frozenset(found)


# What is absent


def absent_names() -> str:
    """torch's names that are not here, and what to use instead."""
    rows = ["| Not here | Instead |", "|---|---|"]
    rows += [f"| {names} | {sentence(why)} |" for why, names in by_reason()]
    return "\n".join(rows)


def by_reason() -> Iterator[tuple[str, str]]:
    reasons: dict[str, list[str]] = {}
    for name, instead in dtypes.ABSENT.items():
        reasons.setdefault(f"Use {instead}", []).append(f"torch.{name}")
    for path, why in absent.ABSENT.items():
        reasons.setdefault(why, []).append(outside(path))
    for why, names in reasons.items():
        yield why, " ".join(f"`{name}`" for name in dict.fromkeys(names))


def outside(path: str) -> str:
    """The whole name of an absent thing, as a program writes it."""
    return f"torchvision.{path}" if path.startswith(("models", "datasets.", "ops")) else f"torch.{path}"


def sentence(text: str) -> str:
    text = text.replace("|", "\\|")
    return text[0].upper() + text[1:] + "." if not text.startswith("nanograd") else text + "."
