"""Samples of operations on single elements: of one tensor, of two that broadcast, and of the way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import ShapeError
from nanograd.ops.creation import tensor
from nanograd.testing.sample import (
    GRADIENTS,
    Case,
    Domain,
    Input,
    away,
    sample,
)


def unary(name: str, call: Any, formula: Any, domain: Domain = away, **more: Any) -> None:
    """An operation on each element of one tensor."""
    options = more.pop("options", ({},))
    defaults: dict[str, Any] = dict(
        empty=(Case(((0,),), options[0]), Case(((3, 0),), options[0])),
        zero_dim=tuple(Case(((),), o) for o in options),
    )
    sample(name, call, formula, (Input((3, 5), domain),), options, **{**defaults, **more})


def with_twin(name: str, call: Any, formula: Any, domain: Domain = away, **more: Any) -> None:
    """As ``unary``, with ``x.name_()``."""
    unary(name, call, formula, domain, twin=f"{name}_", **more)


BROADCAST = ((3, 5), (5,)), ((3, 1), (1, 5)), ((), (3, 5)), ((3, 1, 5), (7, 1)), ((1,), (1, 1))


def binary(
    name: str, call: Any, formula: Any, domain: Domain = away, second: Domain | None = None, **more: Any
) -> None:
    """An operation on pairs of elements of two tensors that broadcast."""
    options = more.pop("options", ({},))
    inputs = (Input((3, 5), domain), Input((3, 5), second or domain))
    defaults: dict[str, Any] = dict(
        broadcast=tuple(Case(shapes, options[0]) for shapes in (*BROADCAST, *((b, a) for a, b in BROADCAST))),
        empty=(Case(((0,), (0,)), options[0]), Case(((3, 0), (1,)), options[0]), Case(((1, 5), (0, 1)), options[0])),
        zero_dim=tuple(Case(((), ()), o) for o in options),
    )
    kind = int if "i" in more.get("takes", "i") else float
    small, large = (tensor(np.ones(s), dtype=kind) for s in ((2, 3), (4, 5)))
    words = r"shapes \(.*\) and \(.*\) do not broadcast"
    bad = ((lambda: call(small, large, **options[0]), ShapeError, words), *more.pop("bad", ()))
    sample(name, call, formula, inputs, options, bad=bad, **{**defaults, **more})


def both(call: Any) -> Any:
    """The operation on a tensor and itself."""
    return lambda x: call(x, x)


def ternary(name: str, call: Any, formula: Any, **more: Any) -> None:
    """An operation on triples of elements of three tensors that broadcast."""
    options = more.pop("options", ({},))
    shapes = ((3, 5), (5,), ()), ((3, 1), (1, 5), (5,)), ((), (3, 5), (3, 1))
    defaults: dict[str, Any] = dict(
        broadcast=tuple(Case(s, options[0]) for s in shapes),
        empty=(Case(((0,), (0,), ()), options[0]), Case(((3, 0), (1,), (3, 0)), options[0])),
        zero_dim=tuple(Case(((), (), ()), o) for o in options),
    )
    sample(name, call, formula, (Input((3, 5)),) * 3, options, **{**defaults, **more})


PAIRED = tuple(Case((s, s)) for s in ((0,), (3, 0)))


def backward_of(name: str, call: Any, formula: Any, domain: Domain, **more: Any) -> None:
    """What flows back through an operation: (gradient, output) of one shape."""
    inputs = (Input((3, 5)), more.pop("second", Input((3, 5), domain)))
    sample(name, call, formula, inputs, empty=PAIRED, zero_dim=(Case(((), ())),), without={"dtypes": GRADIENTS}, **more)
