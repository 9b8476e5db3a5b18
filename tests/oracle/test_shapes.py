"""Shapes, joins, scatters and their views beside torch's, over random shapes and arguments, right and wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nanograd as ng

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

Rng = np.random.Generator
Call = Callable[[Any, Any], Any]  # of a module and tensors made by it


class Chance:
    """Random arguments; now and then ones that are wrong."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def shape(self, least: int = 0, most: int = 4, zero: float = 0.06) -> tuple[int, ...]:
        sizes = [0 if self.rng.random() < zero else int(n) for n in self.rng.integers(1, 5, self.whole(least, most))]
        return tuple(1 if self.rng.random() < 0.15 else n for n in sizes)

    def whole(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def often(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def dim(self, ndim: int) -> int:
        wild = int(self.often(0.04))
        return self.whole(-max(ndim, 1) - wild, max(ndim, 1) - 1 + wild)

    def dims(self, ndim: int, count: int | None = None) -> tuple[int, ...]:
        n = self.whole(0, ndim) if count is None else min(count, ndim)
        found = self.rng.permutation(ndim)[:n]
        if self.often(0.04) and ndim:
            found = np.append(found, self.rng.integers(0, ndim + 1))
        return tuple(int(d) - (ndim if self.often(0.3) else 0) for d in found)

    def data(self, shape: tuple[int, ...]) -> Any:
        kind = self.rng.choice(["float64", "float32", "int64", "uint8", "bool"], p=[0.6, 0.15, 0.15, 0.05, 0.05])
        x = self.rng.standard_normal(shape) * 3
        return np.asarray(np.abs(x) if kind == "uint8" else x > 0 if kind == "bool" else x).astype(kind)

    def factored(self, n: int) -> list[int]:
        """Sizes whose product is n."""
        found, rest = [], n
        for _ in range(self.whole(0, 3)):
            d = int(self.rng.choice([k for k in range(1, rest + 1) if rest % k == 0] or [0]))
            found.append(d)
            rest = rest // d if d else 0
        found = found if n == 0 and found else [*found, rest]
        if self.often(0.3) and found:
            found[self.whole(0, len(found) - 1)] = -1
        if self.often(0.05):
            found.append(self.whole(-2, 3))
        return found

    def mixed(self, size: int, count: int, p: float = 0.03) -> Any:
        """Indices below size, one of them now and then out of range."""
        index = self.rng.integers(0, max(size, 1), count)
        if count and self.often(p):
            index[self.whole(0, count - 1)] = size + 1
        return index


def view_of(c: Chance, x: Any) -> Any:
    """The same tensor seen with other strides, now and then."""
    if x.ndim > 1 and c.often(0.25):
        return lambda t: t.transpose(0, -1)
    return lambda t: t


# Each makes (inputs, call) from chance; call(m, *tensors) runs in the module m.
Made = tuple[list[Any], Callable[..., Any]]
MAKERS: dict[str, Callable[[Chance], Made]] = {}


def maker(function: Callable[[Chance], Made]) -> Callable[[Chance], Made]:
    MAKERS[function.__name__] = function
    return function


class _Probe:
    """Says whether a view transposes."""

    def transpose(self, *_: int) -> bool:
        return True

    def __bool__(self) -> bool:
        return False


def _turns(seen: Any) -> bool:
    return isinstance(seen(_Probe()), bool)


def seen_shape(x: Any, seen: Any) -> tuple[int, ...]:
    return tuple(np.swapaxes(x, 0, -1).shape) if _turns(seen) else tuple(x.shape)


def method(
    name: str, arguments: Callable[[Chance, tuple[int, ...]], tuple[Any, ...]], least: int = 0, most: int = 4
) -> None:
    def make(c: Chance) -> Made:
        x = c.data(c.shape(least, most))
        seen = view_of(c, x)
        args = arguments(c, seen_shape(x, seen))
        return [x], lambda m, t: getattr(seen(t), name)(*args)

    MAKERS[name] = make


def many(c: Chance, shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


method("reshape", lambda c, s: (c.factored(many(c, s)),))
method("view", lambda c, s: (c.factored(many(c, s)),))
method("flatten", lambda c, s: (c.dim(len(s)), c.dim(len(s))))
method("ravel", lambda c, s: ())
method("unflatten", lambda c, s: ((d := c.dim(len(s))), c.factored(s[d] if s and -len(s) <= d < len(s) else 3)), 1)
method("permute", lambda c, s: (c.dims(len(s), len(s) - int(c.often(0.04))),))
method("transpose", lambda c, s: (c.dim(len(s)), c.dim(len(s))))
method("swapaxes", lambda c, s: (c.dim(len(s)), c.dim(len(s))))
method("swapdims", lambda c, s: (c.dim(len(s)), c.dim(len(s))))
method("movedim", lambda c, s: (c.dim(len(s)), c.dim(len(s))))
method("moveaxis", lambda c, s: (c.dims(len(s), 2), c.dims(len(s), 2)), 1)
method("t", lambda c, s: (), 0, 3)
method("adjoint", lambda c, s: ())
method("squeeze", lambda c, s: () if c.often(0.3) else (c.dim(len(s)) if c.often(0.5) else c.dims(len(s)),))
method("unsqueeze", lambda c, s: (c.dim(len(s) + 1),))


@maker
def expand(c: Chance) -> Made:
    x = c.data(c.shape())
    size = [c.whole(0, 4) if n == 1 and c.often(0.7) else -1 if c.often(0.3) else n for n in x.shape]
    size = [c.whole(0, 3) for _ in range(c.whole(0, 2))] + size
    if c.often(0.1) and size:
        size[c.whole(0, len(size) - 1)] = c.whole(-2, 4)
    name = str(c.rng.choice(["expand", "broadcast_to"]))
    return [x], lambda m, t: getattr(t, name)(size)


method(
    "repeat",
    lambda c, s: ([c.whole(-int(c.often(0.05)), 3) for _ in range(len(s) + c.whole(-int(c.often(0.1)), 1))],),
    0,
    3,
)
method("tile", lambda c, s: ([c.whole(0, 3) for _ in range(c.whole(0, 3))],), 0, 3)
method("flip", lambda c, s: (c.dims(len(s)),))
method("fliplr", lambda c, s: ())
method("flipud", lambda c, s: ())
method("rot90", lambda c, s: (c.whole(-3, 5), list(c.dims(len(s), 2))))
method("split", lambda c, s: (c.whole(-int(c.often(0.05)), 3), c.dim(len(s))))
method("chunk", lambda c, s: (c.whole(int(c.often(0.9)), 5), c.dim(len(s))))
method(
    "tensor_split",
    lambda c, s: (
        c.whole(int(c.often(0.9)), 4) if c.often(0.5) else tuple(c.whole(-5, 6) for _ in range(c.whole(0, 3))),
        c.dim(len(s)),
    ),
)
method("hsplit", lambda c, s: (c.whole(1, 3) if c.often(0.5) else (c.whole(0, 3), c.whole(0, 4)),))
method("vsplit", lambda c, s: (c.whole(1, 3) if c.often(0.5) else (c.whole(0, 3), c.whole(0, 4)),))
method("dsplit", lambda c, s: (c.whole(1, 3) if c.often(0.5) else (c.whole(0, 3), c.whole(0, 4)),))
method("unbind", lambda c, s: (c.dim(len(s)),))
method("narrow", lambda c, s: (c.dim(len(s)), c.whole(-5, 5), c.whole(-int(c.often(0.1)), 3)))
# from a negative start torch sends the gradient of narrow_copy to the wrong place
method("narrow_copy", lambda c, s: (c.dim(max(len(s), 1)) % max(len(s), 1), c.whole(0, 3), c.whole(0, 2)))
method("select", lambda c, s: (c.dim(len(s)), c.whole(-4, 4)))
method("tril", lambda c, s: (c.whole(-4, 4),))
method("triu", lambda c, s: (c.whole(-4, 4),))
method("diag", lambda c, s: (c.whole(-4, 4),), 0, 3)
method("diagonal", lambda c, s: (c.whole(-4, 4), c.dim(len(s)), c.dim(len(s))))
method("diag_embed", lambda c, s: (c.whole(-2, 2), c.dim(len(s) + 1), c.dim(len(s) + 1)), 1, 3)
method("diagflat", lambda c, s: (c.whole(-2, 2),), 0, 3)
method("unfold", lambda c, s: (c.dim(len(s)), c.whole(0, 4), c.whole(int(c.often(0.9)), 3)))
method("clone", lambda c, s: ())
method("contiguous", lambda c, s: ())
method("nonzero", lambda c, s: ())
method("argwhere", lambda c, s: ())


@maker
def split_with_sizes(c: Chance) -> Made:
    x = c.data(c.shape(1, 3))
    d = c.whole(0, x.ndim - 1)
    left, parts = x.shape[d], []
    while left > 0 and len(parts) < 4:
        parts.append(c.whole(0, left))
        left -= parts[-1]
    parts.append(left + int(c.often(0.08)))
    name = str(c.rng.choice(["split", "split_with_sizes"]))
    return [x], lambda m, t: getattr(t, name)(parts, d)


@maker
def roll(c: Chance) -> Made:
    x = c.data(c.shape())
    dims = c.dims(x.ndim)
    shifts = [c.whole(-6, 6) for _ in range(len(dims) + int(c.often(0.05)))]
    if c.often(0.3) or not dims:
        return [x], lambda m, t: t.roll(shifts[0] if shifts else 1)
    return [x], lambda m, t: t.roll(tuple(shifts), dims)


@maker
def repeat_interleave(c: Chance) -> Made:
    x = c.data(c.shape(0, 3))
    dim = None if c.often(0.4) else c.dim(x.ndim)
    if c.often(0.5):
        times = c.whole(-int(c.often(0.1)), 3)
        return [x], lambda m, t: t.repeat_interleave(times, dim)
    n = x.size if dim is None else x.shape[dim] if -x.ndim <= dim < x.ndim else 1
    counts = c.rng.integers(-int(c.often(0.05)), 3, n + int(c.often(0.05)))
    return [x], lambda m, t: t.repeat_interleave(m.tensor(counts), dim)


@maker
def as_strided(c: Chance) -> Made:
    x = c.data(c.shape(0, 3, 0))
    n = c.whole(0, 3)
    size, stride = [c.whole(0, 3) for _ in range(n)], [c.whole(-int(c.often(0.03)), 4) for _ in range(n)]
    offset = c.whole(0, 2) if c.often(0.5) else None
    return [x], lambda m, t: t.as_strided(size, stride, offset)


# Several tensors


def family(c: Chance, free: int | None, least: int = 1) -> list[Any]:
    """Arrays of one shape, except in one dimension; of several dtypes now and then."""
    shape = c.shape(least, 3)
    made = []
    for _ in range(c.whole(1, 4)):
        own = list(shape)
        if free is not None and own:
            own[free % len(own)] = c.whole(0, 3)
        if c.often(0.03) and own:
            own[c.whole(0, len(own) - 1)] += 1
        made.append(c.rng.standard_normal(own))
    if c.often(0.2):
        made[0] = made[0].astype(str(c.rng.choice(["float32", "int64", "bool"])))
    return made


@maker
def cat(c: Chance) -> Made:
    free = c.whole(0, 2)
    xs = family(c, free)
    dim = free % xs[0].ndim - (xs[0].ndim if c.often(0.3) else 0) if c.often(0.95) else 3
    if c.often(0.1):
        xs.append(np.zeros(0))
    name = str(c.rng.choice(["cat", "concat", "concatenate"]))
    return xs, lambda m, *ts: getattr(m, name)(ts, dim)


@maker
def stack(c: Chance) -> Made:
    xs = family(c, None, 0)
    dim = c.dim(xs[0].ndim + 1)
    return xs, lambda m, *ts: m.stack(ts, dim)


@maker
def stacks(c: Chance) -> Made:
    name = str(c.rng.choice(["hstack", "vstack", "row_stack", "dstack", "column_stack"]))
    xs = family(c, None if c.often(0.5) else 0, 0)
    return xs, lambda m, *ts: getattr(m, name)(ts)


@maker
def block_diag(c: Chance) -> Made:
    xs = [
        c.rng.standard_normal(c.shape(0, 2, 0)) for _ in range(c.whole(1, 3))
    ]  # torch mistakes the place of empty ones
    return xs, lambda m, *ts: m.block_diag(*ts)


@maker
def at_least(c: Chance) -> Made:
    xs = [c.data(c.shape(0, 4)) for _ in range(c.whole(1, 2))]
    name = f"atleast_{c.whole(1, 3)}d"
    return xs, lambda m, *ts: getattr(m, name)(*ts)


@maker
def meshgrid(c: Chance) -> Made:
    xs = [c.rng.standard_normal(c.shape(0, 1)) for _ in range(c.whole(1, 3))]
    how = str(c.rng.choice(["ij", "xy"]))
    return xs, lambda m, *ts: m.meshgrid(*ts, indexing=how)


@maker
def cartesian_prod(c: Chance) -> Made:
    xs = [c.rng.standard_normal(c.whole(0, 3)) for _ in range(c.whole(1, 3))]
    return xs, lambda m, *ts: m.cartesian_prod(*ts)


@maker
def combinations(c: Chance) -> Made:
    r, again = c.whole(0, 3), c.often(0.5)
    return [c.rng.standard_normal(c.whole(0, 5))], lambda m, t: m.combinations(t, r, again)


@maker
def broadcast_tensors(c: Chance) -> Made:
    shape = c.shape()
    xs = [
        c.data(tuple(1 if c.often(0.3) else n for n in shape[c.whole(0, len(shape)) :])) for _ in range(c.whole(1, 3))
    ]
    if c.often(0.1):
        xs.append(c.data(c.shape(1, 2)))
    return xs, lambda m, *ts: m.broadcast_tensors(*ts)


# Gathering and scattering


def index_for(c: Chance, shape: tuple[int, ...], d: int, unique: bool = False) -> Any:
    sizes = [n if c.often(0.6) else c.whole(0, n) for n in shape]
    if d < len(sizes):
        sizes[d] = c.whole(0, shape[d] if unique else 4)
    if c.often(0.04) and sizes:
        sizes[c.whole(0, len(sizes) - 1)] += 2
    index = c.rng.integers(0, max(shape[d], 1) if shape else 1, sizes)
    if unique and sizes and index.size:
        order = np.argsort(c.rng.random([shape[i] if i == d else n for i, n in enumerate(sizes)]), d)
        index = np.take(order, range(min(sizes[d], shape[d])), d)
    if c.often(0.03) and index.size:
        index.reshape(-1)[0] = 9
    return index.astype(np.int32 if c.often(0.1) else np.int64)


@maker
def gather(c: Chance) -> Made:
    x = c.data(c.shape(0, 3))
    d = c.whole(0, max(x.ndim - 1, 0))
    index = index_for(c, x.shape, d)
    dim = d - (max(x.ndim, 1) if c.often(0.3) else 0)
    return [x], lambda m, t: t.gather(dim, m.tensor(index))


@maker
def take_along_dim(c: Chance) -> Made:
    x = c.data(c.shape(1, 3))
    d = c.whole(0, x.ndim - 1)
    index = index_for(c, x.shape, d).astype(np.int64)
    dim = None if c.often(0.2) else d
    index = index % max(x.size, 1) if dim is None else index
    return [x], lambda m, t: t.take_along_dim(m.tensor(index), dim)


def scattering(name: str, unique: bool, *more: Any) -> None:
    @maker
    def make(c: Chance) -> Made:
        x = c.rng.standard_normal(c.shape(0, 3))
        if c.often(0.3):
            x = np.round(x)
        d = c.whole(0, max(x.ndim - 1, 0))
        index = index_for(c, x.shape, d, unique)
        extra = more[c.whole(0, len(more) - 1)] if more else {}
        larger = 0.0 if name == "scatter_reduce" else 0.2  # there torch mistakes the gradient of what is not used
        src = c.rng.standard_normal([n + int(c.often(larger)) - int(c.often(0.03) and n > 0) for n in index.shape])
        if c.often(0.3) and (name != "scatter_reduce" or extra[1]):  # torch counts an x left out among equal extremes
            src = np.round(src)
        if name == "scatter" and c.often(0.4):
            number = float(src.sum())
            return [x], lambda m, t: t.scatter(d, m.tensor(index), number)
        if name == "scatter_reduce":
            how, own = extra
            return [x, src], lambda m, t, s: t.scatter_reduce(d, m.tensor(index), s, how, include_self=own)
        return [x, src], lambda m, t, s: getattr(t, name)(d, m.tensor(index), s, **extra)

    MAKERS[name] = MAKERS.pop("make")


REDUCED = [(how, own) for how in ("sum", "prod", "mean", "amax", "amin") for own in (True, False)]
scattering("scatter", True)
scattering("scatter_add", False)
scattering("scatter_reduce", False, *REDUCED)


def slices(name: str, *more: dict[str, Any]) -> None:
    @maker
    def make(c: Chance) -> Made:
        x = c.rng.standard_normal(c.shape(0, 3))
        d = c.whole(0, max(x.ndim - 1, 0))
        size = x.shape[d] if x.ndim else 1
        count = c.whole(0, size) if name == "index_copy" else c.whole(0, 4)
        index = c.rng.permutation(size)[:count] if name == "index_copy" else c.mixed(size, count)
        count = len(index)
        shape = [count if i == d else n for i, n in enumerate(x.shape)]
        if c.often(0.04) and shape:
            shape[c.whole(0, len(shape) - 1)] += 1
        src = c.rng.standard_normal(shape)
        extra = more[c.whole(0, len(more) - 1)] if more else {}
        if name == "index_reduce":
            how, own = extra["reduce"], extra["include_self"]
            return [x, src], lambda m, t, s: t.index_reduce(d, m.tensor(index), s, how, include_self=own)
        return [x, src], lambda m, t, s: getattr(t, name)(d, m.tensor(index), s, **extra)

    MAKERS[name] = MAKERS.pop("make")


slices("index_add", {}, {"alpha": 2.5})
slices("index_copy")
slices("index_reduce", *({"reduce": how, "include_self": own} for how, own in REDUCED if how != "sum"))


@maker
def index_select(c: Chance) -> Made:
    x = c.data(c.shape(0, 3))
    d = c.dim(x.ndim)
    size = x.shape[d] if -x.ndim <= d < x.ndim else 1
    index = c.mixed(size, c.whole(0, 5) if x.ndim else 1).astype(np.int32 if c.often(0.2) else np.int64)
    return [x], lambda m, t: t.index_select(d, m.tensor(index))


@maker
def index_fill(c: Chance) -> Made:
    x, v = c.rng.standard_normal(c.shape(0, 3)), c.rng.standard_normal(() if c.often(0.95) else 2)
    d = c.whole(0, max(x.ndim - 1, 0))
    index = c.mixed(x.shape[d] if x.ndim else 1, c.whole(0, 4) if x.ndim else 1)
    if c.often(0.5):
        return [x, v], lambda m, t, s: t.index_fill(d, m.tensor(index), s)
    return [x], lambda m, t: t.index_fill(d, m.tensor(index), 2.5)


@maker
def index_put(c: Chance) -> Made:
    x = c.rng.standard_normal(c.shape(1, 3, 0))
    n = c.whole(1, x.ndim)
    places = [c.mixed(x.shape[i], 3) for i in range(n)]
    more = c.often(0.5)
    if not more and n == x.ndim:
        places = [np.unique(np.stack(places), axis=1)[i] for i in range(n)]
    elif not more:
        places = [np.unique(places[0])] + [p[:1] for p in places[1:]]
    room = (max(len(p) for p in places), *x.shape[n:])
    v = c.rng.standard_normal([1 if c.often(0.2) else k + int(c.often(0.03)) for k in room[c.whole(0, len(room)) :]])
    return [x, v], lambda m, t, s: t.index_put(tuple(m.tensor(p) for p in places), s, more)


@maker
def take(c: Chance) -> Made:
    x = c.data(c.shape(0, 3, 0))
    index = c.rng.integers(-x.size, x.size + int(c.often(0.05)), c.shape(0, 2))
    return [x], lambda m, t: t.take(m.tensor(index))


@maker
def put(c: Chance) -> Made:
    x, more = c.rng.standard_normal(c.shape(0, 3, 0)), c.often(0.5)
    index = c.rng.permutation(x.size)[: c.whole(0, x.size)] if not more else c.rng.integers(-x.size, x.size, 4)
    v = c.rng.standard_normal(len(index) + int(c.often(0.05)))
    return [x, v], lambda m, t, s: t.put(m.tensor(index), s, more)


@maker
def masked_select(c: Chance) -> Made:
    x = c.data(c.shape(0, 3))
    mask = c.rng.random([1 if c.often(0.2) else n + int(c.often(0.03)) for n in x.shape]) < 0.5
    return [x], lambda m, t: t.masked_select(m.tensor(mask))


@maker
def masked_scatter(c: Chance) -> Made:
    x = c.rng.standard_normal(c.shape(0, 3))
    mask = c.rng.random([1 if c.often(0.2) else n for n in x.shape]) < 0.5
    v = c.rng.standard_normal(max(x.size - int(c.often(0.3)), 0))
    return [x, v], lambda m, t, s: t.masked_scatter(m.tensor(mask), s)


@maker
def part_scatter(c: Chance) -> Made:
    x = c.rng.standard_normal(c.shape(1, 3, 0))
    d, kind = c.whole(0, x.ndim - 1), c.whole(0, 2)
    if kind == 0:
        i = c.whole(0, x.shape[d] - 1)
        v = c.rng.standard_normal(np.take(x, i, d).shape)
        return [x, v], lambda m, t, s: t.select_scatter(s, d, i)
    if kind == 1 or x.ndim < 2:
        a, b, step = c.whole(0, 3), c.whole(0, 5), c.whole(1, 3)
        v = c.rng.standard_normal(np.moveaxis(np.moveaxis(x, d, 0)[a:b:step], 0, d).shape)
        return [x, v], lambda m, t, s: t.slice_scatter(s, d, a, b, step)
    offset = c.whole(-2, 2)
    v = c.rng.standard_normal(np.diagonal(x, offset, 0, 1).shape)
    return [x, v], lambda m, t, s: t.diagonal_scatter(s, offset, 0, 1)


@maker
def nonzero_as_tuple(c: Chance) -> Made:
    return [c.data(c.shape(0, 3))], lambda m, t: t.nonzero(as_tuple=True)


@maker
def nonzero_static(c: Chance) -> Made:
    n = c.whole(0, 9)
    return [c.data(c.shape(0, 3))], lambda m, t: m.nonzero_static(t, size=n, fill_value=-7)


@maker
def unravel_index(c: Chance) -> Made:
    shape = c.shape(1, 3, 0)
    n = int(np.prod(shape))
    return [c.rng.integers(0, n, c.shape(0, 2))], lambda m, t: m.unravel_index(t, shape)


@maker
def view_of_bits(c: Chance) -> Made:
    x = c.data(c.shape(0, 3, 0))
    kind = str(c.rng.choice(["int32", "float32", "float64", "int16", "uint8", "float16", "int64"]))
    seen = view_of(c, x)
    return [x], lambda m, t: seen(t).detach().view(getattr(m, kind)).view(m.uint8)


@maker
def in_itself(c: Chance) -> Made:
    x = c.data(c.shape(0, 3))
    name = str(c.rng.choice(["squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_"]))
    args = {"squeeze_": (), "unsqueeze_": (c.dim(x.ndim + 1),), "t_": ()}.get(name, (c.dim(x.ndim), c.dim(x.ndim)))
    return [x], lambda m, t: getattr(t * 1 if t.requires_grad else t.clone(), name)(*args)


@maker
def fill_diagonal(c: Chance) -> Made:
    x, wraps = c.rng.standard_normal(c.shape(1, 3, 0)), c.often(0.4)
    return [x], lambda m, t: t.clone().fill_diagonal_(2.5, wraps)


@maker
def resize(c: Chance) -> Made:
    size = c.shape(0, 3)
    return [c.rng.standard_normal(c.shape(0, 3))], lambda m, t: t.detach().clone().resize_(size)[..., :1][:0]


# What is compared


def outcome(call: Callable[[], Any]) -> Any:
    try:
        y = call()
    except Exception as error:
        return error
    return list(y) if isinstance(y, (tuple, list)) else [y]


def kinds(error: Exception) -> set[type]:
    return {k for k in (IndexError, TypeError, ValueError, RuntimeError, NotImplementedError) if isinstance(error, k)}


def name_of(y: Any) -> str:
    return (
        "" if y.grad_fn is None else re.sub(r"^<(torch::autograd::)?(\w+).*", r"\2", repr(y.grad_fn), flags=re.DOTALL)
    )


# Nodes that torch names by how it composes, not by what the operation is
UNNAMED = {"resize", "in_itself", "fill_diagonal", "view_of_bits", "at_least"}


# Where torch does not look at the arguments if the result has no elements
LENIENT = {"roll", "expand", "index_add", "index_fill", "scatter", "scatter_add", "scatter_reduce", "index_reduce"}


def compare(name: str, made: Made) -> None:
    arrays, call = made
    inputs = [[m.tensor(a) for a in arrays] for m in (torch, ng)]
    for tensors in inputs:
        for t in tensors:
            if t.is_floating_point():
                t.requires_grad_()
    theirs, ours = (outcome(lambda m=m, ts=ts: call(m, *ts)) for m, ts in zip((torch, ng), inputs, strict=True))
    what = f"{name} of {[(a.shape, str(a.dtype)) for a in arrays]}"
    if name in LENIENT and isinstance(ours, Exception) and not (isinstance(theirs, Exception) or theirs[0].numel()):
        return
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"{what}: torch raises {theirs!r:.200}, nanograd gives {ours}"
        assert kinds(theirs) & kinds(ours), f"{what}: torch raises {theirs!r:.200}, nanograd {ours!r:.200}"
        return
    assert not isinstance(ours, Exception), f"{what}: torch gives {theirs}, nanograd raises {ours!r}"
    assert len(theirs) == len(ours), what
    for a, b in zip(theirs, ours, strict=True):
        same_tensor(name, a, b, what, a._is_view() and any(a._base is t for t in inputs[0]))
    same_gradients(inputs, theirs, ours, what)


def same_tensor(name: str, a: Any, b: Any, what: str, view: bool) -> None:
    assert tuple(a.shape) == tuple(b.shape), f"{what}: torch {tuple(a.shape)}, nanograd {tuple(b.shape)}"
    assert str(a.dtype) == str(b.dtype), f"{what}: torch {a.dtype}, nanograd {b.dtype}"
    np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), 1e-6, 1e-9, err_msg=what)
    assert a.requires_grad == b.requires_grad, f"{what}: torch requires_grad={a.requires_grad}"
    if name not in UNNAMED:
        assert name_of(a) == name_of(b), f"{what}: torch's node is {name_of(a)}, nanograd's {name_of(b)}"
    if view and a.numel():
        moving = [d for d, n in enumerate(a.shape) if n > 1]  # the stride of a dimension of size 1 means nothing
        strides = [[t.stride()[d] for d in moving] for t in (a, b)]
        assert strides[0] == strides[1], f"{what}: torch's strides are {a.stride()}, nanograd's {b.stride()}"


def same_gradients(inputs: list[list[Any]], theirs: list[Any], ours: list[Any], what: str) -> None:
    flowing = [(a, b) for a, b in zip(theirs, ours, strict=True) if a.requires_grad and a.grad_fn is not None]
    if not flowing:
        return
    rng = np.random.default_rng(1)
    weights = [rng.standard_normal(tuple(a.shape)) for a, _ in flowing]
    for m, ys in zip((torch, ng), zip(*flowing, strict=True), strict=True):
        try:
            sum((y * m.tensor(w, dtype=y.dtype)).sum() for y, w in zip(ys, weights, strict=True)).backward()
        except (RuntimeError, NotImplementedError) as error:
            if m is torch and re.search("not implemented|returned an invalid gradient|must match the size", str(error)):
                return  # torch takes a src larger than the index, and then fails on the way back
            raise AssertionError(f"{what}: {m.__name__}: {error}") from error
    for x, z in zip(*inputs, strict=True):
        if x.grad is None:
            assert z.grad is None or not z.grad.numpy().any(), what
            continue
        found = np.zeros(x.shape) if z.grad is None else z.grad.numpy()
        np.testing.assert_allclose(found, x.grad.numpy(), 1e-5, 1e-6, err_msg=f"{what}: gradient")


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_beside_torch(name: str) -> None:
    make = MAKERS[name]
    for seed in range(150):
        made = make(Chance(seed))
        try:
            compare(name, made)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_memory_is_shared_as_in_torch(name: str) -> None:
    """What is written into a result is seen in the inputs where torch shows it there."""
    for seed in range(40):
        arrays, call = MAKERS[name](Chance(1000 + seed))
        seen = []
        for m in (torch, ng):
            inputs = [m.tensor(a) for a in arrays]
            ys = outcome(lambda m=m, inputs=inputs, call=call: call(m, *inputs))
            if isinstance(ys, Exception):
                break
            for y in ys:
                if not any(s == 0 and n > 1 for s, n in zip(y.stride(), y.shape, strict=True)):
                    outcome(lambda y=y: y.fill_(1))
            seen.append([t.numpy() for t in inputs])
        for theirs, ours in zip(*seen, strict=True) if len(seen) == 2 else ():
            np.testing.assert_array_equal(ours, theirs, f"{name}, seed {1000 + seed}")
