"""Every error that a docstring documents is provoked by a case for each of its conditions, and nothing else is."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import nanograd

from . import documented as collector
from .case import Case
from .documented import NAMESPACES, SENTENCE, class_of, documented, errors, public, resolve

HERE = Path(__file__).parent
COMMANDS = {"course", "examples", "kernels", "ops", "testing.samples"}  # and the machine: no program imports from them


@cache
def tables() -> dict[str, ModuleType]:
    """The modules with cases, by name."""
    names = sorted(path.stem for path in HERE.glob("test_*.py") if path.stem != Path(__file__).stem)
    return {name: importlib.import_module(f".{name}", __package__) for name in names}


@cache
def cases() -> dict[tuple[str, str], list[Case]]:
    """(name, class) -> its cases."""
    found: dict[tuple[str, str], list[Case]] = {}
    for module in tables().values():
        for case in module.CASES:
            found.setdefault((case.name, case.error.__name__), []).append(case)
    return found


def untested(name: str, error: str) -> list[str]:
    """The conditions of a documented error that no case provokes."""
    conditions, given = documented()[name, error].conditions, cases().get((name, error), [])
    if len(conditions) < 2:
        return [] if given else list(conditions) or ["at all"]
    return [words for words in conditions if not any(case.when and case.when in words for case in given)]


def test_every_documented_error_is_provoked() -> None:
    missing = [f"{name}: {error} {words}" for name, error in documented() for words in untested(name, error)]
    assert missing == [], "documented, but in no table of tests/errors"


def test_no_case_is_of_anything_else() -> None:
    strange = [str(case) for key, given in cases().items() if key not in documented() for case in given]
    assert strange == [], "in a table, but not in the docstring of that name"


@pytest.mark.parametrize("key", sorted(cases()), ids="-".join)
def test_a_case_says_which_condition_it_is_of(key: tuple[str, str]) -> None:
    assert resolve(key[0]) is not None
    if key not in documented():
        return  # the test above says so
    conditions = documented()[key].conditions
    for case in cases()[key]:
        assert case.error is class_of(key[1])
        assert case.words not in ("", ".*"), f"{case}: any message would do"
        if len(conditions) > 1:
            meant = [words for words in conditions if case.when and case.when in words]
            assert len(meant) == 1, f"{case}: {case.when!r} is in {meant or 'none'} of {conditions}"


@pytest.mark.parametrize("name", sorted(tables()))
def test_every_case_is_run(name: str) -> None:
    module, run = tables()[name], []
    for function in vars(module).values():
        for mark in getattr(function, "pytestmark", []):
            if mark.name == "parametrize":
                run += [id(case) for case in mark.args[1]]
    assert sorted(run) == sorted(id(case) for case in module.CASES)


# The collector


def test_the_sentences_are_read() -> None:
    assert doctest.testmod(collector).failed == 0
    assert errors("Raises ShapeError for 0 < p, or that is no number; or where it is\n[0, 1), and KeyError.") == {
        "ShapeError": ["for 0 < p", "that is no number", "where it is [0, 1)"],
        "KeyError": [],
    }
    assert errors("It raises.  Raises:\n    TypeError unless x.y fits.  More: ValueError") == {
        "TypeError": ["unless x.y fits"]
    }


def test_every_sentence_names_a_class() -> None:
    for name, value in public().items():
        for sentence in SENTENCE.findall(value.__doc__):
            assert errors(f"Raises {sentence}."), f"{name}: Raises {sentence!r}"
    for _, error in documented():
        assert issubclass(class_of(error), BaseException)


def test_a_name_that_is_public_is_collected() -> None:
    names = {name for name, _ in documented()}
    assert {"add", "Tensor.item", "nn.functional.pad", "nn.Module.get_buffer", "optim.Adam", "cuda.init"} <= names
    assert not any(part.startswith("_") and not part.endswith("__") for name in names for part in name.split("."))
    for name in public():
        assert resolve(name) is not None


def test_every_public_namespace_is_walked() -> None:
    root = Path(nanograd.__file__).parent
    packages = {
        found.name.removeprefix("nanograd.")
        for found in pkgutil.walk_packages([str(root)], "nanograd.", onerror=lambda name: None)
        if found.ispkg and not any(f"{found.name}.".startswith(f"nanograd.{inside}.") for inside in COMMANDS)
    }
    assert packages - set(NAMESPACES) == set()
    spec = importlib.util.spec_from_file_location("surface", root.parent / "docs" / "surface.py")
    assert spec is not None
    assert spec.loader is not None
    surface = sys.modules["surface"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(surface)
    modules = {path for path in surface.NAMESPACES.values() if path != "nanograd.Tensor"}
    assert {path.removeprefix("nanograd").lstrip(".") for path in modules} - set(NAMESPACES) == set()


def test_what_is_written_is_what_is_read() -> None:
    """Public functions that a decorator has wrapped keep the docstring that stands in the source."""
    for name in {name for name, _ in documented()}:
        value = resolve(name)
        value = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
        if not inspect.isclass(value):
            assert "Raises" in inspect.getsource(inspect.unwrap(value)), name
