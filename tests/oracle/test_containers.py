"""Containers beside torch: what the same calls leave in them, print, save, and refuse."""

from collections import OrderedDict

import pytest

import nanograd as ours
from nanograd import nn as our_nn

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")


def layers(nn, *names):
    return [getattr(nn, n)() for n in names]


def sequence(nn):
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1, bias=False))


def after(container, *acts):
    for act in acts:
        act(container)
    return container


SEQUENTIAL = {
    "append": lambda nn: sequence(nn).append(nn.ReLU()),
    "extend": lambda nn: sequence(nn).extend(layers(nn, "ReLU", "GELU")),
    "extend by itself": lambda nn: after(s := sequence(nn), lambda c: c.extend(list(s))),
    "insert at the front": lambda nn: sequence(nn).insert(0, nn.ReLU()),
    "insert at the end": lambda nn: sequence(nn).insert(3, nn.ReLU()),
    "insert from the end": lambda nn: sequence(nn).insert(-1, nn.ReLU()),
    "plus": lambda nn: sequence(nn) + nn.Sequential(nn.ReLU()),
    "times": lambda nn: sequence(nn) * 2,
    "times from the left": lambda nn: 2 * nn.Sequential(nn.ReLU()),
    "in-place plus": lambda nn: after(sequence(nn), lambda c: c.__iadd__(nn.Sequential(nn.ReLU(), nn.SiLU()))),
    "in-place times": lambda nn: after(sequence(nn), lambda c: c.__imul__(3)),
    "slice": lambda nn: sequence(nn)[1:],
    "slice of named": lambda nn: nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh(), c=nn.GELU()))[::2],
    "named": lambda nn: nn.Sequential(OrderedDict(first=nn.Linear(1, 1), act=nn.ReLU())),
    "named and appended": lambda nn: nn.Sequential(OrderedDict(first=nn.Linear(1, 1))).append(nn.ReLU()),
    "item set": lambda nn: after(sequence(nn), lambda c: c.__setitem__(-2, nn.ReLU())),
    "item of named set": lambda nn: after(
        nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh())), lambda c: c.__setitem__(0, nn.GELU())
    ),
    "item deleted": lambda nn: after(sequence(nn), lambda c: c.__delitem__(0)),
    "slice deleted": lambda nn: after(sequence(nn), lambda c: c.__delitem__(slice(0, 2))),
    "popped": lambda nn: after(sequence(nn), lambda c: c.pop(1)),
    "last popped": lambda nn: sequence(nn).pop(-1),
    "nested": lambda nn: nn.Sequential(sequence(nn), nn.Sequential(), nn.ModuleList([nn.ReLU()])),
    "none": lambda nn: nn.Sequential(),
}
LISTS = {
    "list": lambda nn: nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.ReLU()]),
    "list of nothing": lambda nn: nn.ModuleList(),
    "list appended": lambda nn: nn.ModuleList().append(nn.ReLU()),
    "list extended": lambda nn: nn.ModuleList(layers(nn, "ReLU")).extend(layers(nn, "ReLU", "Tanh")),
    "list inserted": lambda nn: after(nn.ModuleList(layers(nn, "ReLU", "Tanh")), lambda c: c.insert(1, nn.GELU())),
    "lists added": lambda nn: nn.ModuleList(layers(nn, "ReLU")) + nn.ModuleList(layers(nn, "Tanh")),
    "list, in-place plus": lambda nn: after(nn.ModuleList(), lambda c: c.__iadd__(layers(nn, "Tanh", "Tanh"))),
    "list slice": lambda nn: nn.ModuleList(layers(nn, "ReLU", "Tanh", "GELU"))[::-1],
    "list item deleted": lambda nn: after(
        nn.ModuleList(layers(nn, "ReLU", "Tanh", "GELU")), lambda c: c.__delitem__(-3)
    ),
    "list popped": lambda nn: after(nn.ModuleList(layers(nn, "ReLU", "Tanh", "GELU")), lambda c: c.pop(0)),
    "list item set": lambda nn: after(nn.ModuleList(layers(nn, "ReLU", "Tanh")), lambda c: c.__setitem__(0, nn.GELU())),
    "dict": lambda nn: nn.ModuleDict({"b": nn.ReLU(), "a": nn.Linear(1, 1)}),
    "dict of pairs": lambda nn: nn.ModuleDict([("x", nn.ReLU()), ("y", nn.Tanh())]),
    "dict updated": lambda nn: after(
        nn.ModuleDict({"x": nn.ReLU()}), lambda c: c.update({"y": nn.Tanh(), "x": nn.GELU()})
    ),
    "dict updated from a dict": lambda nn: after(nn.ModuleDict(), lambda c: c.update(nn.ModuleDict({"x": nn.ReLU()}))),
    "dict popped": lambda nn: after(nn.ModuleDict({"x": nn.ReLU(), "y": nn.Tanh()}), lambda c: c.pop("x")),
    "dict item deleted": lambda nn: after(
        nn.ModuleDict({"x": nn.ReLU(), "y": nn.Tanh()}), lambda c: c.__delitem__("x")
    ),
    "dict cleared": lambda nn: after(nn.ModuleDict({"x": nn.ReLU()}), lambda c: c.clear()),
}


def lib(nn):
    return ours if nn is our_nn else theirs


def two(nn):
    return [nn.Parameter(lib(nn).zeros(2, 3)), lib(nn).ones(1)]


PARAMETERS = {
    "parameters": lambda nn: nn.ParameterList(two(nn)),
    "one parameter": lambda nn: nn.ParameterList([lib(nn).ones(())]),
    "no parameters": lambda nn: nn.ParameterList(),
    "parameters and others": lambda nn: nn.ParameterList([lib(nn).ones(1), 3, "x", lib(nn).ones(2)]),
    "parameters appended": lambda nn: nn.ParameterList(two(nn)).append(lib(nn).zeros(4)),
    "parameters extended": lambda nn: nn.ParameterList(two(nn)).extend(two(nn)),
    "parameters, in-place plus": lambda nn: after(nn.ParameterList(), lambda c: c.__iadd__(two(nn))),
    "parameter set": lambda nn: after(nn.ParameterList(two(nn)), lambda c: c.__setitem__(-1, lib(nn).zeros(7))),
    "parameters sliced": lambda nn: nn.ParameterList(two(nn))[1:],
    "dict of parameters": lambda nn: nn.ParameterDict(dict(zip("ba", two(nn), strict=True))),
    "dict of one parameter": lambda nn: nn.ParameterDict({"x": lib(nn).ones(2)}),
    "ordered dict of parameters": lambda nn: nn.ParameterDict(OrderedDict(zip("ba", two(nn), strict=True))),
    "parameters of pairs": lambda nn: nn.ParameterDict([("x", lib(nn).ones(2)), ("a", 5)]),
    "parameters updated": lambda nn: after(
        nn.ParameterDict({"x": lib(nn).ones(2)}), lambda c: c.update({"a": lib(nn).ones(3)})
    ),
    "parameter popped": lambda nn: after(nn.ParameterDict(dict(zip("ab", two(nn), strict=True))), lambda c: c.pop("a")),
    "last parameter popped": lambda nn: after(
        nn.ParameterDict(dict(zip("ab", two(nn), strict=True))), lambda c: c.popitem()
    ),
    "parameter deleted": lambda nn: after(
        nn.ParameterDict(dict(zip("ab", two(nn), strict=True))), lambda c: c.__delitem__("b")
    ),
    "default set": lambda nn: after(nn.ParameterDict(), lambda c: c.setdefault("x", lib(nn).ones(2))),
    "united": lambda nn: nn.ParameterDict({"x": lib(nn).ones(2)}) | nn.ParameterDict({"a": lib(nn).ones(3)}),
    "copied": lambda nn: nn.ParameterDict({"x": lib(nn).ones(2)}).copy(),
    "from keys": lambda nn: nn.ParameterDict().fromkeys(["x", "a"], lib(nn).ones(2)),
    "cleared": lambda nn: after(nn.ParameterDict({"x": lib(nn).ones(2)}), lambda c: c.clear()),
}


@pytest.mark.parametrize("name", [*SEQUENTIAL, *LISTS, *PARAMETERS])
def test_the_same_calls_leave_the_same(name):
    make = {**SEQUENTIAL, **LISTS, **PARAMETERS}[name]
    mine, other = make(our_nn), make(theirs.nn)
    assert repr(mine) == repr(other)
    assert [(n, tuple(t.shape)) for n, t in mine.state_dict().items()] == [
        (n, tuple(t.shape)) for n, t in other.state_dict().items()
    ]
    assert [n for n, _ in mine.named_modules()] == [n for n, _ in other.named_modules()]
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in other.named_parameters()]


@pytest.mark.parametrize("name", [n for n in PARAMETERS if "dict" in n or n in ("united", "copied", "from keys")])
def test_dicts_of_parameters_answer_alike(name):
    mine, other = PARAMETERS[name](our_nn), PARAMETERS[name](theirs.nn)
    assert list(mine) == list(other) == list(mine.keys())
    assert list(reversed(mine)) == list(reversed(other))
    assert [k for k, _ in mine.items()] == [k for k, _ in other.items()]
    assert len(list(mine.values())) == len(mine) == len(other)
    assert mine.get("nowhere", 3) == other.get("nowhere", 3) == 3
    assert ("x" in mine) == ("x" in other)


BAD = {
    "index 3 of 3": lambda nn: sequence(nn)[3],
    "index -4 of 3": lambda nn: sequence(nn)[-4],
    "a word as index": lambda nn: sequence(nn)["0"],
    "a number in a Sequential": lambda nn: nn.Sequential(3),
    "a function in a Sequential": lambda nn: nn.Sequential(lambda x: x),
    "a class in a Sequential": lambda nn: nn.Sequential(nn.ReLU),
    "a list plus a Sequential": lambda nn: sequence(nn).__add__([nn.ReLU()]),
    "minus times": lambda nn: sequence(nn) * 0,
    "half times": lambda nn: sequence(nn) * 1.5,
    "a number inserted": lambda nn: sequence(nn).insert(0, 3),
    "inserted beyond the end": lambda nn: sequence(nn).insert(4, nn.ReLU()),
    "a number appended": lambda nn: sequence(nn).append(3),
    "extended by a module": lambda nn: nn.ModuleList().extend(nn.ReLU()),
    "list index": lambda nn: nn.ModuleList()[0],
    "a list called": lambda nn: nn.ModuleList()(1),
    "dict updated by a number": lambda nn: nn.ModuleDict().update(3),
    "dict updated by numbers": lambda nn: nn.ModuleDict().update([3]),
    "dict updated by triples": lambda nn: nn.ModuleDict().update([("a", nn.ReLU(), 3)]),
    "dict name": lambda nn: nn.ModuleDict()["x"],
    "dict of dotted names": lambda nn: nn.ModuleDict({"a.b": nn.ReLU()}),
    "dict of a method's name": lambda nn: nn.ModuleDict({"keys": nn.ReLU()}),
    "parameters of a tensor": lambda nn: nn.ParameterList(lib(nn).ones(3)),
    "parameter index": lambda nn: nn.ParameterList()[0],
    "parameters called": lambda nn: nn.ParameterList()(1),
    "parameter name": lambda nn: nn.ParameterDict()["x"],
    "a number as parameter name": lambda nn: nn.ParameterDict({3: lib(nn).ones(1)}),
    "dict of parameters updated by a number": lambda nn: nn.ParameterDict().update(3),
    "popped of nothing": lambda nn: nn.ParameterDict().popitem(),
    "dict of parameters called": lambda nn: nn.ParameterDict()(1),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name):
    found = []
    for nn in (our_nn, theirs.nn):
        with pytest.raises(Exception) as error:  # noqa: PT011
            BAD[name](nn)
        found.append(error.value)
    mine, other = found
    assert isinstance(mine, type(other)), f"{mine!r} is no {other!r}"
