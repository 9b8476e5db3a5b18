"""The errors that the docstrings of public names document, read from the library itself.

A docstring documents errors in sentences of one form, ``Raises ShapeError where sizes differ, and for a negative p,
DTypeError for integers.``: classes, and after each what it is raised for, in one part or several.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

NAMESPACES = [
    "", "linalg", "special", "fft", "autograd", "autograd.functional", "autograd.function", "autograd.variable",
    "amp", "nn.functional", "nn", "nn.init", "nn.utils", "nn.utils.rnn", "nn.utils.parametrize",
    "nn.utils.parametrizations", "nn.attention", "nn.parallel", "nn.parameter", "optim", "optim.lr_scheduler",
    "optim.swa_utils", "distributions", "distributions.constraints", "distributions.kl", "distributed", "utils",
    "utils.data", "utils.tensorboard", "utils.tensorboard_logger", "serialization", "serialization.safetensors",
    "random", "testing", "accelerator", "cuda", "cuda.amp", "cpu", "mps", "xpu", "compiler", "backends", "vision",
    "vision.datasets", "vision.datasets.folder", "vision.datasets.mnist", "vision.datasets.utils",
    "vision.transforms", "vision.transforms.functional", "vision.transforms.v2", "vision.transforms.v2.functional",
    "vision.models", "vision.utils", "vision.io", "scalar", "drawing", "overview", "lab", "script", "profiler",
    "autograd.profiler", "utils.checkpoint",
]  # fmt: skip
"""What programs import names from, below ``nanograd``; the first that has a thing gives it its name."""

HANDED = ["autograd.function.Context"]
"""Classes of objects that programs are given: they import no such name."""

SENTENCE = re.compile(r"\bRaises:?\s(.*?)(?:\.(?=\s|$)|\Z)", re.DOTALL)
ERROR = re.compile(r"\b(?:[A-Z]\w*(?:Error|Exception|Iteration|Interrupt)|FileDamaged)\b")
LINKS = re.compile(r"(?:[\s,;]|\band\b|\bor\b)+$")
BEGINS = r"(?:for|where|when|outside|beyond|before|after|if|with)\b"
BETWEEN = re.compile(rf"[,;]? (?:and|or) (?={BEGINS}|that\b|unless\b)|[,;] (?={BEGINS})")


@dataclass(frozen=True)
class Documented:
    """What one docstring says of one class of errors: what it is raised for, in one part or several."""

    name: str
    error: str
    conditions: tuple[str, ...]


# The public names


@cache
def public() -> dict[str, Any]:
    """Every public function, class, method and property with a docstring of its own, by the name programs use."""
    found: dict[str, Any] = {}
    seen: set[tuple[str, str]] = set()
    names = list(every_name())
    for name, value in sorted(names, key=lambda pair: not f".{pair[0]}".endswith(f".{written_as(pair[1])}")):
        text = inspect.cleandoc(value.__doc__ or "")
        if text and (written_as(value), text) not in seen:
            seen.add((written_as(value), text))
            found[name] = value
    return found


def every_name() -> Iterator[tuple[str, Any]]:
    """(name, value) of functions and classes, then of what is in the classes, namespace by namespace."""
    for path in NAMESPACES:
        values = {f"{path}.{name}".lstrip("."): value for name, value in names_in(path).items()}
        values |= {name: resolve(name) for name in HANDED if name.rpartition(".")[0] == path}
        yield from values.items()
        for name, value in values.items():
            if inspect.isclass(value):
                yield from members(name, value)


def names_in(path: str) -> dict[str, Any]:
    """The public names of a namespace that nanograd wrote; submodules are namespaces of their own."""
    place = importlib.import_module(f"nanograd.{path}".rstrip("."))
    listed = getattr(place, "__all__", None) or [name for name in vars(place) if not name.startswith("_")]
    values = {name: getattr(place, name) for name in listed}
    return {name: value for name, value in values.items() if ours(value) and not isinstance(value, ModuleType)}


def members(name: str, of: type) -> Iterator[tuple[str, Any]]:
    """The methods and properties of a class and of what it inherits from, those with a leading underscore apart."""
    for base in of.__mro__:
        if ours(base):
            for key, value in vars(base).items():
                value = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
                if (not key.startswith("_") or key.endswith("__")) and inspect.isfunction(value):
                    yield f"{name}.{key}", value


def written_as(value: Any) -> str:
    return str(getattr(value, "__qualname__", ""))


def ours(value: Any) -> bool:
    return callable(value) and str(getattr(value, "__module__", "")).split(".")[0] == "nanograd"


def resolve(name: str) -> Any:
    """What a name means in a program: the longest beginning that is a namespace, then attributes."""
    path = max((p for p in NAMESPACES if f"{name}.".startswith(f"{p}." if p else "")), key=len)
    value: Any = importlib.import_module(f"nanograd.{path}".rstrip("."))
    for part in filter(None, name[len(path) :].split(".")):
        value = inspect.getattr_static(value, part) if inspect.isclass(value) else getattr(value, part)
    return value


# The sentences


@cache
def documented() -> dict[tuple[str, str], Documented]:
    """(name, class) -> what the docstring of the name says of it."""
    found = {}
    for name, value in public().items():
        for error, conditions in errors(inspect.cleandoc(value.__doc__)).items():
            found[name, error] = Documented(name, error, tuple(conditions))
    return found


def errors(text: str) -> dict[str, list[str]]:
    """The classes that a docstring names, each with its conditions.

    >>> errors("y = x.  Raises ShapeError where sizes differ, and for p < 0, DTypeError for integers.")
    {'ShapeError': ['where sizes differ', 'for p < 0'], 'DTypeError': ['for integers']}
    >>> errors("Raises KeyError and TypeError as torch.")
    {'KeyError': ['as torch'], 'TypeError': ['as torch']}
    """
    found: dict[str, list[str]] = {}
    for sentence in SENTENCE.findall(text):
        named = list(ERROR.finditer(sentence))
        ends = [*(match.start() for match in named[1:]), len(sentence)][: len(named)]
        shared: list[str] = []
        for match, end in reversed(list(zip(named, ends, strict=True))):
            words = " ".join(LINKS.sub("", sentence[match.end() : end]).strip(" ,;").split())
            shared = BETWEEN.split(words) if words else shared
            found[match[0]] = [*shared, *found.get(match[0], [])]
    return dict(reversed(found.items()))


def class_of(error: str) -> type[BaseException]:
    """The class of a name: Python's, or one of nanograd's modules'."""
    if hasattr(builtins, error):
        return getattr(builtins, error)  # type: ignore[no-any-return]
    places = ["errors", "autograd.check", "serialization", "vision.files", "vision.datasets.download"]
    return next(
        getattr(place, error)
        for place in (importlib.import_module(f"nanograd.{path}") for path in places)
        if hasattr(place, error)
    )
