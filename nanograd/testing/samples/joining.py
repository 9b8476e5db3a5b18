"""Samples of joining and splitting."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import joining as _joining
from nanograd.testing.sample import Case, Input, Shape, ones, sample

J: Any = _joining  # untyped: bad input is among what its functions are given


def rearranging(name: str, call: Any, formula: Any, shape: Shape, **more: Any) -> None:
    """A view or copy of one tensor, or several of them."""
    sample(name, call, formula, (Input(shape),), **more)


JOINED = (Input((3, 5)), Input((1, 5)), Input((3, 5)))
sample(
    "cat",
    lambda *xs, dim=0: J.cat(xs, dim),
    lambda *xs, dim=0: np.concatenate(xs, dim),
    JOINED,
    ({}, {"dim": -2}),
    empty=(Case(((0, 5), (3, 5), (0, 5))),),
    bad=(
        (
            lambda: J.cat([ones(2), ones(2, 2)]),
            ShapeError,
            r"cat: sizes must agree except in dimension 0, got \(2,\), \(2, 2\)",
        ),
        (lambda: J.cat([]), ShapeError, "cat: expected a non-empty list of Tensors, at least one"),
        (lambda: J.cat(ones(2)), DTypeError, "cat: expected a list"),
        (lambda: J.cat([ones(2), 1]), DTypeError, "cat: expected a list of tensors"),
        (lambda: J.cat([ones(), ones()]), ShapeError, "zero-dimensional"),
    ),
)
sample(
    "stack",
    lambda *xs, dim=0: J.stack(xs, dim),
    lambda *xs, dim=0: np.stack(xs, dim),
    (Input((3, 5)), Input((3, 5))),
    ({}, {"dim": -1}),
    empty=(Case(((0,), (0,))),),
    zero_dim=(Case(((), ())),),
    bad=((lambda: J.stack([ones(2), ones(3)]), ShapeError, "stack: all tensors must have one shape"),),
)
rearranging(
    "split",
    J.split,
    lambda x, split_size_or_sections, dim=0: np.split(x, [2] if split_size_or_sections == 2 else [1, 1], dim),
    (3, 5),
    options=({"split_size_or_sections": 2}, {"split_size_or_sections": [1, 0, 2]}),
    empty=(Case(((3, 0),), {"split_size_or_sections": 2}),),
    bad=(
        (lambda: J.split(ones(5), [2, 2]), ShapeError, "split: sections"),
        (lambda: J.split(ones(5), 0), ShapeError, "split: "),
    ),
)
rearranging(
    "chunk",
    J.chunk,
    lambda x, chunks, dim=0: np.split(x, [2], dim),
    (3, 5),
    options=({"chunks": 2},),
    empty=(Case(((3, 0),), {"chunks": 2}),),
    bad=((lambda: J.chunk(ones(5), 0), ShapeError, "chunk: expected"),),
)
rearranging(
    "unbind",
    J.unbind,
    lambda x, dim=0: list(np.moveaxis(x, dim, 0)),
    (3, 5),
    options=({}, {"dim": -1}),
    empty=(Case(((3, 0),)),),
    bad=((lambda: J.unbind(ones(5), 1), IndexError, "unbind: Dim"),),
)
rearranging(
    "split_with_sizes",
    J.split_with_sizes,
    lambda x, split_sizes, dim=0: np.split(x, np.cumsum(split_sizes)[:-1], dim),
    (3, 5),
    options=({"split_sizes": [1, 0, 2]}, {"split_sizes": (4, 1), "dim": -1}),
    empty=(Case(((3, 0),), {"split_sizes": [3]}),),
    bad=((lambda: J.split_with_sizes(ones(5), [2, -1, 4]), ShapeError, "have only non-negative entries"),),
)
rearranging(
    "tensor_split",
    J.tensor_split,
    lambda x, indices_or_sections, dim=0: np.array_split(x, indices_or_sections, dim),
    (3, 5),
    options=({"indices_or_sections": 2}, {"indices_or_sections": (1, 4), "dim": 1}, {"indices_or_sections": 4}),
    empty=(Case(((3, 0),), {"indices_or_sections": 2}),),
    bad=((lambda: J.tensor_split(ones(5), 0), ShapeError, "number of sections must be larger than 0, got 0"),),
)


def even(name: str, least: int) -> None:
    """Parts of equal sizes."""
    call, formula = getattr(J, name), getattr(np, name)
    rearranging(
        name,
        call,
        lambda x, indices_or_sections: formula(x, indices_or_sections),
        (2, 4, 6),
        options=({"indices_or_sections": 2}, {"indices_or_sections": (1, 2)}),
        empty=(Case(((0, 2, 2),), {"indices_or_sections": 2}),),
        bad=(
            (lambda: call(ones(2, 4, 6), 5), ShapeError, f"{name}: .*is not divisible by the split_size 5"),
            (
                lambda: call(ones(*(2,) * (least - 1)), 2),
                ShapeError,
                f"{name}: requires a tensor with at least {least} dimension",
            ),
        ),
    )


even("hsplit", 1)
even("vsplit", 2)
even("dsplit", 3)


def joined(name: str, formula: Any, *shapes: Shape, **more: Any) -> None:
    """Several tensors made one."""
    call = getattr(J, name)
    sample(name, lambda *xs: call(xs), lambda *xs: formula(xs), tuple(map(Input, shapes)), **more)


STACKED = {"zero_dim": (Case(((), ())),), "empty": (Case(((0,), (0,))),)}
joined("hstack", np.hstack, (3, 5), (3, 2), **STACKED)
joined("vstack", np.vstack, (3, 5), (5,), **{**STACKED, "zero_dim": (Case(((), (1,))),)})
joined("dstack", np.dstack, (3, 5), (3, 5, 2), **STACKED)
joined("column_stack", np.column_stack, (3, 5), (3,), **STACKED)


def _blocks(*xs: Any) -> Any:
    blocks = [np.atleast_2d(x) for x in xs]
    out = np.zeros(np.sum([b.shape for b in blocks], 0), np.result_type(*xs))
    row = column = 0
    for b in blocks:
        out[row : row + b.shape[0], column : column + b.shape[1]] = b
        row, column = row + b.shape[0], column + b.shape[1]
    return out


sample(
    "block_diag",
    J.block_diag,
    _blocks,
    (Input((3, 2)), Input((4,))),
    zero_dim=(Case(((), ())),),
    empty=(Case(((0, 2), (3,))),),
    bad=((lambda: J.block_diag(ones(1, 1, 1)), ShapeError, "Input 0 has 3 dimensions"),),
)
sample(
    "meshgrid",
    lambda x, y, indexing="ij": J.meshgrid(x, y, indexing=indexing),
    lambda x, y, indexing="ij": np.meshgrid(x, y, indexing=indexing),
    (Input((3,)), Input((2,))),
    ({}, {"indexing": "xy"}),
    zero_dim=(Case(((), (3,))),),
    empty=(Case(((0,), (3,))),),
    without={"dtypes": "both have one dtype"},
    bad=(
        (lambda: J.meshgrid(ones(2), indexing="yx"), ShapeError, 'must be one of "xy" or "ij", but received: yx'),
        (lambda: J.meshgrid(ones(2, 2)), ShapeError, "Expected 0D or 1D tensor"),
        (lambda: J.meshgrid(ones(2), ones(2, dtype=int)), DTypeError, "expects all tensors to have the same dtype"),
        (lambda: J.meshgrid(), ShapeError, "non-empty"),
    ),
)
sample(
    "cartesian_prod",
    J.cartesian_prod,
    lambda x, y: np.array([[a, b] for a in x for b in y], np.result_type(x, y)).reshape(-1, 2),
    (Input((3,)), Input((2,))),
    empty=(Case(((0,), (3,))),),
    without={"dtypes": "both have one dtype"},
    bad=((lambda: J.cartesian_prod(ones(2, 2)), ShapeError, "Expect a 1D vector, but got shape"),),
)


def _chosen(x: Any, r: int = 2, with_replacement: bool = False) -> Any:
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return np.array(list(choose(x, r)), x.dtype).reshape(-1, r)


rearranging(
    "combinations",
    J.combinations,
    _chosen,
    (4,),
    options=({}, {"r": 3}, {"with_replacement": True}),
    empty=(Case(((1,),)),),
    bad=(
        (lambda: J.combinations(ones(2, 2)), ShapeError, "Expect a 1D vector"),
        (lambda: J.combinations(ones(2), -1), ShapeError, "Expect a non-negative number"),
    ),
)


def at_least(dims: int, formula: Any) -> None:
    """Dimensions of size 1 where there are fewer."""
    name = f"atleast_{dims}d"
    rearranging(
        name,
        getattr(J, name),
        formula,
        (3,),
        broadcast=(Case(((3, 5),)), Case(((2, 3, 5),))),
        zero_dim=(Case(((),)),),
        empty=(Case(((0,),)),),
        bad=((lambda: getattr(J, name)(1), TypeError, "int"),),
    )


at_least(1, np.atleast_1d)
at_least(2, np.atleast_2d)
at_least(3, np.atleast_3d)
