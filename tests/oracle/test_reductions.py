"""Reductions, orders, scans and statistics beside torch's, over random shapes, dimensions and dtypes.

Compared are values, dtypes, shapes, gradients, the names of grad_fn, printed forms, and what is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nanograd as ng
from nanograd.errors import DTypeError

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Array = np.ndarray[Any, Any]
Rng = np.random.Generator
N = 90  # draws of each
DTYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
FLOATS = DTYPES[:3]
TOLERANCE = {"float16": 4e-3, "float32": 3e-5, "float64": 1e-9}


# What is drawn


def shape_of(rng: Rng, least: int = 0) -> tuple[int, ...]:
    """0 to 4 dimensions of sizes 1 to 5; one in eight has a size 0."""
    shape = [int(n) for n in rng.integers(1, 6, rng.integers(least, 5))]
    if shape and rng.random() < 1 / 8:
        shape[rng.integers(len(shape))] = 0
    return tuple(shape)


def dim_of(rng: Rng, ndim: int) -> int:
    """A dimension, counted from either end; one in twelve does not exist."""
    room = max(ndim, 1)
    return room + 1 if rng.random() < 1 / 12 else int(rng.integers(-room, room))


def dims_of(rng: Rng, ndim: int) -> Any:
    """None, one dimension, or several."""
    choice = rng.integers(3)
    if choice == 0:
        return None
    if choice == 1 or ndim < 2:
        return dim_of(rng, ndim)
    return tuple(int(d) for d in rng.permutation(ndim)[: rng.integers(1, ndim + 1)])


def spread_out(rng: Rng, shape: tuple[int, ...], dtype: str) -> Array:
    """No two alike where the dtype allows it."""
    n = math.prod(shape)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    values = rng.permutation(n).reshape(shape) + 1
    return (values - n // 2 + 0.25 if "float" in dtype else values).astype(dtype)


def few(rng: Rng, shape: tuple[int, ...], dtype: str) -> Array:
    """Few different numbers."""
    return (rng.integers(0, 4, shape) * (0.5 if "float" in dtype else 1)).astype(dtype)


def with_nan(rng: Rng, shape: tuple[int, ...], dtype: str, draw: Any = spread_out) -> Array:
    """No two alike but NaN, of which there are some among the floats of one draw in two."""
    x = draw(rng, shape, dtype)
    return np.where(rng.random(shape) < 0.2, np.nan, x).astype(dtype) if "float" in dtype and rng.random() < 0.5 else x


def tied(rng: Rng, shape: tuple[int, ...], dtype: str) -> Array:
    """Few different numbers, and NaN."""
    return with_nan(rng, shape, dtype, few)


def smooth(rng: Rng, shape: tuple[int, ...], dtype: str) -> Array:
    return rng.standard_normal(shape).astype(dtype) if "float" in dtype else tied(rng, shape, dtype)


# How it is compared


def outcome(m: Any, call: Callable[..., Any], arrays: list[Array]) -> Any:
    """(results, their grad_fn names, gradients, class of what holds them), or what was raised."""
    xs = [m.tensor(a, requires_grad=bool(a.dtype.kind == "f")) for a in arrays]
    try:
        y = call(m, *xs)
    except Exception as error:
        return error
    ys = list(y) if isinstance(y, (tuple, list)) else [y]
    names = [
        re.sub(r".*grad_fn=<(\w+)>.*", r"\1", repr(t), flags=re.DOTALL) if t.grad_fn is not None else "" for t in ys
    ]
    flowing, rng = [t for t in ys if t.requires_grad], np.random.default_rng(1)
    total = [
        (t * m.tensor(rng.integers(-2, 3, tuple(t.shape)).astype(t.detach().numpy().dtype))).sum() for t in flowing
    ]
    if total:
        try:
            sum(total[1:], total[0]).backward()
        except RuntimeError as error:
            return error
    grads = [x.grad.numpy() if x.grad is not None else np.zeros(x.shape) for x in xs]
    return [t.detach().numpy() for t in ys], names, grads, repr(y).split("(")[0] if len(ys) > 1 else ""


def raised(theirs: Exception, ours: Any) -> bool:
    """Whether ours is an error that code for torch's would catch."""
    wanted = RuntimeError if isinstance(theirs, NotImplementedError) else type(theirs)
    if isinstance(ours, DTypeError):  # of two faults either may be named
        return True
    if wanted is TypeError:  # torch's argument parser; Python's own, or ours
        return isinstance(ours, (TypeError, RuntimeError, ValueError))
    return isinstance(ours, wanted)


def same(call: Callable[..., Any], arrays: list[Array], what: str, gradients: bool = True, ulps: float = 1) -> bool:
    """Assert the same outcome; False where both raise."""
    theirs, ours = outcome(torch, call, arrays), outcome(ng, call, arrays)
    what = f"{what} of {', '.join(f'{a.dtype} {a.shape}' for a in arrays)}"
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"{what}: torch raises {theirs!r:.200}, nanograd gives {ours}"
        assert raised(theirs, ours), f"{what}: torch raises {theirs!r:.200}, nanograd {ours!r:.200}"
        return False
    if isinstance(ours, (IndexError, DTypeError)) and not all(a.size for a in arrays):
        return False  # torch does not always look at the dimension, or the dtype, of no elements
    assert not isinstance(ours, Exception), f"{what}: torch gives {theirs}, nanograd raises {ours!r}"
    assert len(theirs[0]) == len(ours[0]), f"{what}: torch gives {len(theirs[0])} results, nanograd {len(ours[0])}"
    if all(a.size for a in theirs[0]):
        assert theirs[1] == ours[1], f"{what}: grad_fn of torch {theirs[1]}, of nanograd {ours[1]}"
    assert theirs[3] == ours[3], f"{what}: torch gives a {theirs[3]}, nanograd a {ours[3]}"
    for kind, left, right in (("value", theirs[0], ours[0]), ("gradient", theirs[2], ours[2])):
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            assert a.shape == b.shape, f"{what}: {kind} {i}: torch {a.shape}, nanograd {b.shape}"
            if kind == "value":
                assert a.dtype == b.dtype, f"{what}: {kind} {i}: torch {a.dtype}, nanograd {b.dtype}"
            if kind == "value" or gradients:
                tolerance = ulps * max(TOLERANCE.get(str(x.dtype), 0) for x in (*arrays, a))
                np.testing.assert_allclose(
                    b.astype(float), a.astype(float), tolerance, tolerance, err_msg=f"{what}: {kind} {i}"
                )
    return True


Draw = Callable[[Rng, str], tuple[Callable[..., Any], list[Array]]]


def over(name: str, draw: Any = smooth, **fixed: Any) -> Draw:
    """A reduction over any dimensions."""

    def case(rng: Rng, dtype: str) -> Any:
        shape = shape_of(rng)
        options = dict(fixed)
        dim = dims_of(rng, len(shape))
        if dim is not None:
            options |= {"dim": dim} | ({"keepdim": True} if rng.random() < 0.5 else {})
        return lambda m, x: getattr(m, name)(x, **options), [draw(rng, shape, dtype)]

    return case


def along(name: str, draw: Any = smooth, keepdim: bool = True, **fixed: Any) -> Draw:
    """Along one dimension."""

    def case(rng: Rng, dtype: str) -> Any:
        shape = shape_of(rng)
        options = {**fixed, "dim": dim_of(rng, len(shape))}
        if keepdim and rng.random() < 0.5:
            options["keepdim"] = True
        return lambda m, x: getattr(m, name)(x, **options), [draw(rng, shape, dtype)]

    return case


def plain(name: str, draw: Any = smooth, **fixed: Any) -> Draw:
    """Of all elements."""
    return lambda rng, dtype: (lambda m, x: getattr(m, name)(x, **fixed), [draw(rng, shape_of(rng), dtype)])


def no_dim(name: str, draw: Any = smooth) -> Draw:
    """count_nonzero has dimensions but no keepdim."""

    def case(rng: Rng, dtype: str) -> Any:
        shape = shape_of(rng)
        dim = dims_of(rng, len(shape))
        return lambda m, x: getattr(m, name)(x, dim=dim), [draw(rng, shape, dtype)]

    return case


def some(rng: Rng, shape: tuple[int, ...], dtype: str) -> Array:
    """As ``tied``, but torch's median of no integers is arbitrary: there are some."""
    return tied(rng, shape if "float" in dtype else tuple(max(n, 1) for n in shape), dtype)


def zeros_too(rng: Rng, shape: tuple[int, ...], dtype: str) -> Array:
    return np.where(rng.random(shape) < 0.25, 0, rng.integers(-2, 3, shape)).astype(dtype)


def top(rng: Rng, dtype: str) -> Any:
    shape = shape_of(rng)
    dim, k, largest = dim_of(rng, len(shape)), int(rng.integers(not shape, 5)), bool(rng.random() < 0.5)
    return lambda m, x: m.topk(x, k, dim, largest), [spread_out(rng, shape, dtype)]


def kth(rng: Rng, dtype: str) -> Any:
    shape = shape_of(rng, dtype == "bool")
    dim, k = dim_of(rng, len(shape)), int(rng.integers(0, 5))
    return lambda m, x: m.kthvalue(x, k, dim), [spread_out(rng, shape, dtype)]


def quantile(name: str) -> Draw:
    def case(rng: Rng, dtype: str) -> Any:
        shape = shape_of(rng)
        dim = None if rng.random() < 0.5 else dim_of(rng, len(shape))
        how = str(rng.choice(["linear", "lower", "higher", "midpoint", "nearest"]))
        q: Any = [0.25, 0.0, 1.0] if rng.random() < 0.5 else round(float(rng.random()), 2)
        keepdim = bool(rng.random() < 0.5)

        def call(m: Any, x: Any) -> Any:
            at = m.tensor(q, dtype=x.dtype) if isinstance(q, list) else q
            return getattr(m, name)(x, at, dim, keepdim, interpolation=how)

        return call, [(with_nan if name == "nanquantile" else spread_out)(rng, shape, dtype)]

    return case


def norm(rng: Rng, dtype: str) -> Any:
    shape = shape_of(rng)
    p = rng.choice([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, -1.0, math.inf, -math.inf]).item()
    p = 2.0 if dtype == "float16" and p < 0 else p  # torch's way back overflows
    dim, keepdim = dims_of(rng, len(shape)), bool(rng.random() < 0.5)
    return lambda m, x: m.norm(x, p, dim, keepdim), [smooth(rng, shape, dtype)]


def dist(rng: Rng, dtype: str) -> Any:
    shape = shape_of(rng)
    p = rng.choice([1.0, 1.5, 2.0, 3.0, math.inf]).item()  # torch's way back fails for 0
    return lambda m, x, y: m.dist(x, y, p), [smooth(rng, shape, dtype), smooth(rng, shape, dtype)]


def renorm(rng: Rng, dtype: str) -> Any:
    shape = shape_of(rng, 1)
    p, most = rng.choice([1.0, 1.5, 2.0, 3.0, math.inf]).item(), float(rng.choice([0.0, 0.5, 1.0, 3.0]))
    dim = dim_of(rng, len(shape))
    return lambda m, x: m.renorm(x, p, dim, most), [smooth(rng, shape, dtype)]


def variance(name: str) -> Draw:
    def case(rng: Rng, dtype: str) -> Any:
        shape = shape_of(rng)
        options: dict[str, Any] = {"dim": dims_of(rng, len(shape))}
        short = min(shape, default=1) < 3  # torch has two ways back where there are fewer than the correction
        more: list[dict[str, Any]] = [{}, {"correction": 0}, {"correction": 1 if short else 2}, {"unbiased": False}]
        options |= more[rng.integers(4)]
        if options["dim"] is None and "unbiased" in options:
            return lambda m, x: getattr(m, name)(x, False), [smooth(rng, shape, dtype)]
        return lambda m, x: getattr(m, name)(x, **options), [smooth(rng, shape, dtype)]

    return case


def difference(rng: Rng, dtype: str) -> Any:
    shape = shape_of(rng)
    dim, n = dim_of(rng, len(shape)), int(rng.integers(1, 4))
    ends = rng.random(2) < 0.4
    edge = [*shape]
    if shape and -len(shape) <= dim < len(shape):
        edge[dim] = 2
    extra = [smooth(rng, tuple(edge), dtype) for _ in range(int(ends.sum()))]

    def call(m: Any, x: Any, *more: Any) -> Any:
        given = dict(zip([n for n, e in zip(("prepend", "append"), ends, strict=True) if e], more, strict=True))
        return m.diff(x, n, dim, **given)

    return call, [smooth(rng, shape, dtype), *extra]


def area(name: str) -> Draw:
    def case(rng: Rng, dtype: str) -> Any:
        shape, dtype = shape_of(rng), "int16" if dtype == "uint8" else dtype  # torch's sums of uint8 wrap around
        dim, choice = dim_of(rng, len(shape)), rng.integers(4)
        y = smooth(rng, shape, dtype)
        size = shape[dim] if shape and -len(shape) <= dim < len(shape) else 3
        if choice == 0:
            return lambda m, y: getattr(m, name)(y, dim=dim), [y]
        if choice == 1:
            return lambda m, y: getattr(m, name)(y, dx=0.5, dim=dim), [y]
        x = smooth(rng, (size,) if choice == 2 else shape, dtype)
        return lambda m, y, x: getattr(m, name)(y, x, dim=dim), [y, x]

    return case


def slopes(rng: Rng, dtype: str) -> Any:
    shape = shape_of(rng, 1)
    edge_order, choice = int(rng.integers(1, 3)), rng.integers(4)
    dim: Any = None if choice == 0 else dim_of(rng, len(shape))
    options: dict[str, Any] = {} if dim is None else {"dim": dim}
    if choice == 2:
        options["spacing"] = 0.5
    if choice == 3 and -len(shape) <= dim < len(shape):
        points = np.cumsum(rng.integers(1, 4, shape[dim])).astype("float32")
        return (
            lambda m, x: m.gradient(x, spacing=[m.tensor(points).to(x.dtype)], edge_order=edge_order, dim=(dim,)),
            [smooth(rng, shape, dtype)],
        )
    return lambda m, x: m.gradient(x, edge_order=edge_order, **options), [smooth(rng, shape, dtype)]


def distinct(name: str) -> Draw:
    def case(rng: Rng, dtype: str) -> Any:
        shape = shape_of(rng)
        options: dict[str, Any] = {k: bool(rng.random() < 0.5) for k in ("return_inverse", "return_counts")}
        if shape and rng.random() < 0.5:
            options["dim"] = int(rng.integers(len(shape)))
        return lambda m, x: getattr(m, name)(x.detach(), **options), [few(rng, shape, dtype)]

    return case


def searching(rng: Rng, dtype: str) -> Any:
    rows = shape_of(rng, 1)[:-1] if rng.random() < 0.5 else ()
    sequence = np.sort(few(rng, (*rows, int(rng.integers(0, 6))), dtype), -1)
    values = tied(rng, (*rows, 3), dtype)
    each: list[dict[str, Any]] = [{}, {"right": True}, {"side": "right"}, {"side": "left"}, {"out_int32": True}]
    options = each[rng.integers(5)]
    return lambda m, s, v: m.searchsorted(s.detach(), v.detach(), **options), [sequence, values]


def buckets(rng: Rng, dtype: str) -> Any:
    right, dtype = bool(rng.random() < 0.5), "uint8" if dtype == "bool" else dtype  # torch refuses truth values
    return (
        lambda m, v, s: m.bucketize(v.detach(), s.detach(), right=right),
        [tied(rng, shape_of(rng), dtype), np.sort(few(rng, (4,), dtype))],
    )


def counts(rng: Rng, dtype: str) -> Any:
    x, least = rng.integers(0, 5, int(rng.integers(0, 9))), int(rng.integers(0, 9))
    if rng.random() < 0.5:
        return lambda m, x: m.bincount(x, minlength=least), [x.astype(dtype)]
    return lambda m, x, w: m.bincount(x, w.detach()), [x, smooth(rng, x.shape, dtype)]


def bars(name: str) -> Draw:
    def case(rng: Rng, dtype: str) -> Any:
        x = smooth(rng, shape_of(rng), dtype)
        bins = int(rng.integers(1, 6))
        if name == "histogram" and dtype == "float16":  # of which torch takes some
            x = x.astype("float32")
        if name == "histc":
            ends = () if rng.random() < 0.5 else (-0.8, 1.1)
            return lambda m, x: m.histc(x.detach(), bins, *ends), [x]
        options: dict[str, Any] = {"density": True} if rng.random() < 0.3 and x.size else {}
        options |= {"range": (-0.8, 1.1)} if rng.random() < 0.5 else {}
        return lambda m, x: m.histogram(x.detach(), bins, **options), [x]

    return case


def members(rng: Rng, dtype: str) -> Any:
    dtype = "uint8" if dtype == "bool" else dtype  # torch refuses truth values
    invert = bool(rng.random() < 0.5)
    return (
        lambda m, x, y: m.isin(x.detach(), y.detach(), invert=invert),
        [tied(rng, shape_of(rng), dtype), tied(rng, shape_of(rng), dtype)],
    )


def together(name: str) -> Draw:
    def case(rng: Rng, dtype: str) -> Any:
        shape = tuple(int(n) for n in rng.integers(2, 5, rng.integers(1, 3)))
        options: dict[str, Any] = {"correction": int(rng.integers(0, 2))} if name == "cov" else {}
        weights = [w for w in ("fweights", "aweights") if name == "cov" and rng.random() < 0.4]

        def call(m: Any, x: Any) -> Any:
            n = x.shape[-1]
            given = {"fweights": m.arange(1, n + 1), "aweights": m.linspace(0.5, 2.0, n)}
            return getattr(m, name)(x, **options, **{w: given[w] for w in weights})

        return call, [smooth(rng, shape, dtype)]

    return case


def resized(rng: Rng, dtype: str) -> Any:
    shape = shape_of(rng, 1)
    size = tuple(1 if rng.random() < 0.4 else n for n in shape[int(rng.integers(0, len(shape) + 1)) :])
    return lambda m, x: x.sum_to_size(size), [smooth(rng, shape, dtype)]


def in_order(name: str) -> Draw:
    def case(rng: Rng, dtype: str) -> Any:
        shape = shape_of(rng)
        options = {"dim": dim_of(rng, len(shape)), "descending": bool(rng.random() < 0.5), "stable": True}
        return lambda m, x: getattr(m, name)(x, **options), [tied(rng, shape, dtype)]

    return case


def twin(name: str) -> Draw:
    def case(rng: Rng, dtype: str) -> Any:
        shape = shape_of(rng, 1)
        dim, dtype = (
            int(rng.integers(len(shape))),
            "uint8" if dtype == "bool" else dtype,
        )  # truth values cannot hold sums
        args = (2, dim, 0.5) if name == "renorm_" else (dim,)
        return lambda m, x: getattr(x.clone(), name)(*args), [smooth(rng, shape, dtype)]

    return case


CASES: dict[str, Draw] = {
    **{name: over(name) for name in ("sum", "mean", "nansum", "all", "any")},
    **{f"{name} of NaN": over(name, tied) for name in ("nansum", "nanmean", "amax", "amin")},
    **{name: over(name, spread_out) for name in ("amax", "amin")},
    "nanmean": over("nanmean"),
    "sum as float16": over("sum", dtype=None),
    "logsumexp": along("logsumexp"),
    "count_nonzero": no_dim("count_nonzero"),
    **{name: along(name, tied) for name in ("max", "min", "argmax", "argmin")},
    "mode": along("mode", few),
    **{name: along(name, spread_out) for name in ("median", "nanmedian")},
    **{f"{name} of NaN": along(name, with_nan) for name in ("median", "nanmedian")},
    **{f"{n} of all": plain(n, tied) for n in ("max", "min", "argmax", "argmin", "aminmax")},
    **{f"{n} of all": plain(n, some) for n in ("median", "nanmedian")},
    "aminmax": along("aminmax", tied),
    "prod": along("prod", zeros_too),
    "prod of all": plain("prod", zeros_too),
    **{name: along(name, keepdim=False) for name in ("cumsum", "logcumsumexp")},
    "cumprod": along("cumprod", zeros_too, keepdim=False),
    **{name: along(name, tied, keepdim=False) for name in ("cummax", "cummin")},
    **{name: in_order(name) for name in ("sort", "argsort")},
    "msort": plain("msort", tied),
    "topk": top,
    "kthvalue": kth,
    "quantile": quantile("quantile"),
    "nanquantile": quantile("nanquantile"),
    "norm": norm,
    "dist": dist,
    "renorm": renorm,
    **{name: variance(name) for name in ("var", "std", "var_mean", "std_mean")},
    "diff": difference,
    **{name: area(name) for name in ("trapezoid", "trapz", "cumulative_trapezoid")},
    "gradient": slopes,
    **{name: distinct(name) for name in ("unique", "unique_consecutive")},
    "searchsorted": searching,
    "bucketize": buckets,
    "bincount": counts,
    "histc": bars("histc"),
    "histogram": bars("histogram"),
    "isin": members,
    "cov": together("cov"),
    "corrcoef": together("corrcoef"),
    "sum_to_size": resized,
    **{name: twin(name) for name in ("cumsum_", "cumprod_", "renorm_")},
}


@pytest.mark.parametrize("name", CASES)
def test_beside_torch(name: str) -> None:
    rng = np.random.default_rng(sum(map(ord, name)))
    worked = 0
    for number in range(N):
        dtype = DTYPES[number % len(DTYPES)]
        call, arrays = CASES[name](rng, dtype)
        worked += same(call, arrays, f"{name}, draw {number}")
    assert worked >= 10, f"{name}: only {worked} draws did not raise"


# What random draws do not reach


X = [[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: x.max(1),
        lambda m, x: x.min(0, keepdim=True),
        lambda m, x: x.median(1),
        lambda m, x: x.nanmedian(0),
        lambda m, x: x.mode(1),
        lambda m, x: x.sort(descending=True),
        lambda m, x: x.sort(stable=True),
        lambda m, x: x.topk(2),
        lambda m, x: x.kthvalue(2),
        lambda m, x: x.cummax(1),
        lambda m, x: x.cummin(1),
        lambda m, x: x.aminmax(),
        lambda m, x: m.histogram(x.detach(), 2),
        lambda m, x: m.std_mean(x),
        lambda m, x: m.var_mean(x, 0),
        lambda m, x: x.unique(return_inverse=True, return_counts=True),
        lambda m, x: x.unique(dim=0),
        lambda m, x: x.unique_consecutive(),
        lambda m, x: m.gradient(x),
        lambda m, x: (x.sum(), x.sum(0), x.sum(dim=()), x.mean(), x.mean(0), x.prod(), x.prod(0)),
        lambda m, x: (x.max(), x.min(), x.amax(0), x.amin(), x.median(), x.nanmedian()),
        lambda m, x: (x.std(), x.var(0), x.norm(), x.norm(1, 0), m.dist(x, x * 2), x.renorm(2, 0, 1.0)),
        lambda m, x: (x.cumsum(0), x.cumprod(1), x.logcumsumexp(0), x.logsumexp(1), x.nansum(), x.nanmean(0)),
        lambda m, x: (x.quantile(0.3), x.nanquantile(0.3, 1), m.trapezoid(x), x.diff(), x.cov(), x.corrcoef()),
        lambda m, x: (x.clone().cumsum_(0), x.clone().cumprod_(1), x.clone().renorm_(2, 0, 1.0)),
        lambda m, x: (x[0, 0].cumsum(0), x[0, 0].cumprod(0), x[0, 0].logcumsumexp(0), x[0, 0].cummax(0)),
        lambda m, x: (x[0, 0].sort(), x[0, 0].max(0), x[0, 0].mode(), x[0, 0].kthvalue(1), x[0, 0].topk(1)),
        lambda m, x: (x.sum_to_size(1, 3), x.sum_to_size(3)),
    ],
)
def test_printed_form(call: Callable[[Any, Any], Any]) -> None:
    assert repr(call(ng, ng.tensor(X, requires_grad=True))) == repr(call(torch, torch.tensor(X, requires_grad=True)))


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: x.sum(axis=1, keepdims=True),
        lambda m, x: m.mean(x, axis=(0, 1)),
        lambda m, x: x.max(axis=1).indices,
        lambda m, x: x.std(axis=1),
        lambda m, x: x.argmax(axis=1),
        lambda m, x: x.cumsum(axis=1),
        lambda m, x: x.median(axis=0).values,
        lambda m, x: x.sort(axis=0).values,
        lambda m, x: x.topk(1, axis=0).values,
        lambda m, x: x.quantile(0.5, axis=1),
        lambda m, x: x.diff(axis=1),
        lambda m, x: x.count_nonzero(axis=1),
        lambda m, x: x.logsumexp(axis=1, keepdims=True),
        lambda m, x: x.sum(axis=1, dim=1),
        lambda m, x: x.sum(dmi=1),
        lambda m, x: x.cumsum(),
    ],
)
def test_numpy_names_of_arguments(call: Callable[[Any, Any], Any]) -> None:
    same(call, [np.array(X)], "numpy's names")


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.ones(100_000, dtype=m.float16).mean(),
        lambda m: m.ones(4000, dtype=m.float16).sum(),
        lambda m: (m.ones(4000, dtype=m.float16) * 0.1).cumsum(0),
        lambda m: m.full((9000, 3), 0.1).sum(0),
        lambda m: m.full((90_000,), 0.1).cumsum(0),
        lambda m: m.full((9000, 3), 0.1).mean(0),
        lambda m: m.tensor([1.0, math.nan, 2.0]).quantile(0.5),
        lambda m: m.tensor([math.nan, math.nan]).nanquantile(m.tensor([0.0, 1.0])),
        lambda m: m.tensor([math.inf, math.inf]).logsumexp(0),
        lambda m: m.tensor([-math.inf, -math.inf]).logsumexp(0),
        lambda m: m.tensor([math.nan, 1.0, math.nan, 1.0]).unique(),
        lambda m: m.tensor([1, 2, 3]).sum(dtype=m.float16),
        lambda m: m.tensor([1.7, 2.0]).sum(dtype=m.int32),
        lambda m: m.tensor([1.7, 2.0]).sum(dtype=m.bool),
        lambda m: m.tensor([1, 2, 3]).mean(dtype=m.float64),
        lambda m: m.tensor([1, 2, 3], dtype=m.int8).cumsum(0, dtype=m.int8),
        lambda m: m.tensor([[1.0, 2.0]]).all(()),
        lambda m: m.tensor([1.0, 2.0, 5.0]).var(0, False, True),
        lambda m: m.tensor([1.0, 2.0, 5.0]).var(correction=0.5),
        lambda m: m.searchsorted(m.tensor([1.0, 2.0]), 1.5),
        lambda m: m.searchsorted(m.tensor([2.0, 1.0]), m.tensor([1.5, 3.0]), sorter=m.tensor([1, 0])),
        lambda m: m.searchsorted(m.tensor([1.0, 2.0]), m.tensor([math.nan, 3.0])),
        lambda m: m.bucketize(1.5, m.tensor([1.0, 2.0]), out_int32=True),
        lambda m: m.isin(2, m.tensor([2])),
        lambda m: m.isin(m.tensor([1, 2]), 2.0),
        lambda m: m.tensor([1, 2, 2]).bincount(m.tensor([1, 2, 3])),
        lambda m: m.diff(m.tensor([[1.0, 4.0]]), n=0),
        lambda m: m.max(m.tensor([1.0, 2.0]), other=m.tensor([0.0, 5.0])),
        lambda m: m.histogram(m.tensor([1.0, 2.0, 2.0, 7.0]), m.tensor([0.0, 2.0, 4.0]), density=True),
        lambda m: m.histogram(m.tensor([1.0, 2.0, 2.0, 7.0]), 3, weight=m.tensor([1.0, 2.0, 2.0, 7.0])),
    ],
)
def test_numbers(call: Callable[[Any], Any]) -> None:
    theirs, ours = (call(m) for m in (torch, ng))
    for a, b in zip(*(list(y) if isinstance(y, tuple) else [y] for y in (theirs, ours)), strict=True):
        assert str(a.dtype) == str(b.dtype)
        np.testing.assert_allclose(b.numpy(), a.numpy(), 1e-3 if a.dtype is torch.float16 else 1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.zeros(0).max(),
        lambda m: m.zeros(0, 3).max(0),
        lambda m: m.zeros(0, 3).amax(0),
        lambda m: m.zeros(0, 3).amax(),
        lambda m: m.zeros(0).argmax(),
        lambda m: m.zeros(0, 3).median(0),
        lambda m: m.zeros(0, 3).kthvalue(1, 0),
        lambda m: m.zeros(3).kthvalue(4),
        lambda m: m.zeros(3).topk(4),
        lambda m: m.zeros(0).quantile(0.5),
        lambda m: m.zeros(3).quantile(1.5),
        lambda m: m.zeros(2, 2).sum((0, 0)),
        lambda m: m.zeros(2).cumsum(5),
        lambda m: m.zeros(2).renorm(2, 0, 1.0),
        lambda m: m.zeros(2, 2).renorm(2, 0, -1.0),
        lambda m: m.zeros(2).sum_to_size(3),
        lambda m: m.zeros(2).bincount(),
        lambda m: m.tensor([-1, 2]).bincount(),
        lambda m: m.tensor([1, 2]).bincount(minlength=-1),
        lambda m: m.zeros(2).histc(3, 2, 1),
        lambda m: m.zeros(2).histc(0),
        lambda m: m.zeros(0, 3).unique(dim=1),
        lambda m: m.zeros(2).diff(n=-1),
        lambda m: m.gradient(m.zeros(1)),
        lambda m: m.gradient(m.zeros(3), edge_order=3),
        lambda m: m.zeros(2, 2, 2).cov(),
        lambda m: m.zeros(2, dtype=m.int64).mean(),
        lambda m: m.ones(2, requires_grad=True).unique().sum().backward(),
    ],
)
def test_errors(call: Callable[[Any], Any]) -> None:
    """Ours is caught by what catches torch's."""
    with pytest.raises(Exception) as theirs:  # noqa: PT011 (whatever torch raises)
        call(torch)
    with pytest.raises((RuntimeError, IndexError, TypeError, ValueError)) as ours:
        call(ng)
    assert raised(theirs.value, ours.value), f"torch raises {theirs.value!r}, nanograd {ours.value!r}"
