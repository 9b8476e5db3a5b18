"""Operations beside torch's: values, gradients, dtypes, shapes and argument names.

Each case is a function of a module, ``torch`` or ``nanograd``, and of tensors made from the same arrays.
"""

from __future__ import annotations

import inspect
import itertools
import math
import operator
import re
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import nanograd as ng
from nanograd.nn import functional as F
from nanograd.ops import linalg, normalization

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Array = np.ndarray[Any, Any]
DTYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def run(call: Callable[[], Any]) -> Any:
    """The result as a list of arrays, or the exception."""
    try:
        y = call()
    except Exception as error:
        return error
    ys = y if isinstance(y, (tuple, list)) else [y]
    return [t.detach().numpy() if hasattr(t, "detach") else np.asarray(t) for t in ys]


def compare(call: Callable[..., Any], arrays: Sequence[Array], what: str, rtol: float = 1e-6) -> None:
    """Results and, where floats come out of floats, gradients of a random weight of them."""
    found = []
    for m in (torch, ng):
        xs = [m.tensor(a, requires_grad=bool(a.dtype.kind == "f")) for a in arrays]
        y = call(m, *xs)
        ys = [t for t in (y if isinstance(y, (tuple, list)) else [y]) if hasattr(t, "requires_grad")]
        flowing = [t for t in ys if t.requires_grad]
        rng = np.random.default_rng(1)
        total = [
            (t * m.tensor(rng.standard_normal(tuple(t.shape)).astype(t.detach().numpy().dtype))).sum() for t in flowing
        ]
        if total:
            sum(total[1:], total[0]).backward()
        found.append(([t.detach().numpy() for t in ys], [None if x.grad is None else x.grad.numpy() for x in xs]))
    (values, grads), (our_values, our_grads) = found
    assert len(values) == len(our_values), what
    for kind, theirs, ours in (("value", values, our_values), ("gradient", grads, our_grads)):
        for i, (a, b) in enumerate(zip(theirs, ours, strict=True)):
            a, b = (np.zeros(()) if a is None else a, np.zeros(()) if b is None else b)
            if kind == "value" or (a.shape and b.shape):
                assert a.shape == b.shape, f"{what}: {kind} {i}: torch {a.shape}, nanograd {b.shape}"
                assert a.dtype == b.dtype, f"{what}: {kind} {i}: torch {a.dtype}, nanograd {b.dtype}"
            np.testing.assert_allclose(
                b, a, rtol, 1e-6 if a.dtype == np.float32 else 1e-9, err_msg=f"{what}: {kind} {i}"
            )


def normal(*shape: int, dtype: Any = np.float64, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# Values and gradients, also at kinks, ties, infinities and NaN

SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, np.inf, -np.inf, np.nan, 1e-30, 40.0, -40.0])
UNARY = [
    "neg",
    "abs",
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "square",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "relu",
    "sign",
    "floor",
    "ceil",
    "round",
    "clone",
    "isnan",
    "isinf",
    "isfinite",
    "logical_not",
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_number(name: str, dtype: Any) -> None:
    x = np.concatenate([SPECIAL, normal(19)]).astype(dtype)
    compare(lambda m, t: getattr(m, name)(t), [x], name, rtol=1e-5 if dtype == np.float32 else 1e-9)


BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "remainder",
    "pow",
    "maximum",
    "minimum",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "logical_and",
    "logical_or",
    "logical_xor",
]


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_numbers(name: str) -> None:
    a, b = (x.reshape(-1) for x in np.meshgrid(SPECIAL, SPECIAL))
    compare(lambda m, s, t: getattr(m, name)(s, t), [a, b], name)


@pytest.mark.parametrize("mode", ["floor", "trunc"])
def test_rounded_division(mode: str) -> None:
    a, b = (x.reshape(-1) for x in np.meshgrid(SPECIAL, SPECIAL))
    for kinds in (np.float64, np.int64):
        s, t = (
            np.where(np.isfinite(v) & (np.round(2 * v) != 0), np.round(2 * v), 7).astype(kinds)
            if kinds == np.int64
            else v
            for v in (a, b)
        )
        theirs, ours = (
            run(lambda m=m, s=s, t=t: m.div(m.tensor(s), m.tensor(t), rounding_mode=mode)) for m in (torch, ng)
        )
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[0].dtype == theirs[0].dtype


@pytest.mark.parametrize("exponent", [2, 3, 0, 1, -1, 0.5, -2.0, 2.0, True])
def test_powers(exponent: Any) -> None:
    # torch takes the root by another function than C's pow, which tells -0 and -inf apart
    x = SPECIAL[~np.isin(SPECIAL, [0.0, -np.inf])] if exponent in (0.5, -2.0) else SPECIAL
    compare(lambda m, t: t**exponent, [x], f"x ** {exponent}")
    compare(lambda m, t: 2.0**t, [SPECIAL], "2 ** x")


@pytest.mark.parametrize("bounds", [{"min": -0.5}, {"max": 0.5}, {"min": -0.5, "max": 0.5}, {"min": 1, "max": -1}])
def test_clamp(bounds: dict[str, Any]) -> None:
    compare(lambda m, t: t.clamp(**bounds), [SPECIAL], f"clamp {bounds}")
    compare(lambda m, t: t.clamp(**bounds), [np.arange(-3, 4)], f"clamp {bounds} of integers")


def test_clamp_between_tensors() -> None:
    a, b = (x.reshape(-1) for x in np.meshgrid(SPECIAL[:10], SPECIAL[:10]))
    compare(lambda m, s, t: m.clamp(s, min=t), [a, b], "clamp(min=tensor)")
    compare(lambda m, s, t: m.clamp(s, max=t), [a, b], "clamp(max=tensor)")


def test_where_and_masked_fill() -> None:
    mask = normal(3, 5) > 0
    compare(lambda m, c, a, b: m.where(c, a, b), [mask, normal(3, 5), normal(5)], "where")
    compare(lambda m, c, a: m.where(c, a, 0), [mask, normal(3, 5, dtype=np.float32)], "where with a number")
    compare(lambda m, c, a: m.where(c, 2.5, a), [mask, np.arange(15).reshape(3, 5)], "where of integers and a float")
    compare(lambda m, c: m.where(c), [mask], "where(condition)")
    compare(lambda m, c, a: a.masked_fill(c, -math.inf), [mask, normal(3, 5)], "masked_fill")


# Dtypes: every pair, each as a tensor with dimensions and as a 0-d tensor, and numbers


def small(dtype: str, shape: tuple[int, ...], seed: int) -> Array:
    return np.random.default_rng(seed).integers(1, 4, shape).astype(dtype)


def same_outcome(call: Callable[[Any], Any], what: str) -> None:
    """The same dtype and values as torch, or an exception where torch raises one."""
    theirs, ours = run(lambda: call(torch)), run(lambda: call(ng))
    if isinstance(theirs, Exception):
        assert isinstance(ours, (RuntimeError, TypeError, ValueError)), (
            f"{what}: torch raises {theirs}, nanograd gives {ours}"
        )
        return
    assert not isinstance(ours, Exception), f"{what}: torch gives {theirs}, nanograd raises {ours}"
    for a, b in zip(theirs, ours, strict=True):
        assert a.dtype == b.dtype, f"{what}: torch {a.dtype}, nanograd {b.dtype}"
        np.testing.assert_allclose(
            b.astype(float), a.astype(float), 2e-3 if a.dtype == np.float16 else 1e-5, 1e-6, err_msg=what
        )


ALL_PAIRS = [*BINARY, "floor_divide", "bitwise_and", "bitwise_or", "bitwise_xor", "matmul"]


@pytest.mark.parametrize("name", ALL_PAIRS)
def test_dtypes_of_two_tensors(name: str) -> None:
    shapes = [((3, 3), (3, 3))] if name == "matmul" else list(itertools.product([(3, 3), ()], repeat=2))
    for first, second in itertools.product(DTYPES, repeat=2):
        for p, q in shapes:
            a, b = small(first, p, 0), small(second, q, 1)
            same_outcome(
                lambda m, a=a, b=b: getattr(m, name)(m.tensor(a), m.tensor(b)), f"{name} {first} {p} {second} {q}"
            )


OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">=": operator.ge,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
# torch gives a bool for truth ** True, as its only power of truth values; nanograd refuses all.
STRICTER = {("**", "bool", True, False)}


@pytest.mark.parametrize("sign", OPERATORS)
def test_dtypes_of_tensors_and_numbers(sign: str) -> None:
    apply = OPERATORS[sign]
    for dtype, number, shape, reverse in itertools.product(
        DTYPES, [True, 2, -1, 1.5, 2.0], [(3, 3), ()], [False, True]
    ):
        if (sign, dtype, number, reverse) in STRICTER and number is True:
            continue
        a = small(dtype, shape, 0)
        call = (
            (lambda m, a=a, n=number: apply(n, m.tensor(a)))
            if reverse
            else (lambda m, a=a, n=number: apply(m.tensor(a), n))
        )
        same_outcome(call, f"{dtype} {shape} {sign} {number}{' reversed' * reverse}")


DTYPED = [
    *UNARY,
    "sum",
    "mean",
    "prod",
    "max",
    "min",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "all",
    "any",
    "var",
    "std",
    "norm",
    "nonzero",
    "argsort",
    "tril",
    "bitwise_not",
]


@pytest.mark.parametrize("name", DTYPED)
def test_dtypes_of_one_tensor(name: str) -> None:
    for dtype in DTYPES:
        a = small(dtype, (3, 5), 0)
        same_outcome(lambda m, a=a: getattr(m, name)(m.tensor(a)), f"{name} {dtype}")


def test_promote_types_result_type_and_can_cast() -> None:
    for first, second in itertools.product(DTYPES, repeat=2):
        a, b = (getattr(torch, d) for d in (first, second))
        c, d = (getattr(ng, d) for d in (first, second))
        assert str(ng.promote_types(c, d)) == str(torch.promote_types(a, b)), (first, second)
        assert ng.can_cast(c, d) == torch.can_cast(a, b), (first, second)
        for p, q in itertools.product([(2,), ()], repeat=2):
            ours = ng.result_type(ng.ones(*p, dtype=c), ng.ones(*q, dtype=d))
            assert str(ours) == str(torch.result_type(torch.ones(p, dtype=a), torch.ones(q, dtype=b)))


@pytest.mark.parametrize("default", ["float32", "float64"])
def test_default_dtype_decides_for_numbers_and_integers(default: str) -> None:
    try:
        for m in (torch, ng):
            m.set_default_dtype(getattr(m, default))
        for call in (
            lambda m: m.tensor([1, 2]) / 2,
            lambda m: m.tensor([1, 2]) + 0.5,
            lambda m: m.tensor(1.5),
            lambda m: m.tensor([1, 2]).exp(),
            lambda m: m.ones(2),
            lambda m: m.tensor(1) * 2.5,
            lambda m: m.full((2,), 1.5),
            lambda m: m.arange(0.0, 1.0, 0.25),
        ):
            same_outcome(call, default)
    finally:
        for m in (torch, ng):
            m.set_default_dtype(m.float32)


# Reductions

DIMS = [None, 0, 1, -1, (0, 1), (0, 2), (-1, 0), (0, 1, 2), ()]


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "var", "std", "all", "any"])
def test_reductions(name: str, keepdim: bool) -> None:
    for dim in DIMS:
        if dim == () and name in ("all", "any", "var", "std"):
            continue  # torch reduces nothing (all, any) or divides by 0 on the way back (var, std)
        given = {} if dim is None and not keepdim else {"dim": dim, "keepdim": keepdim}
        x = normal(3, 2, 5) if name not in ("all", "any") else normal(3, 2, 5) > 0.5
        compare(lambda m, t, given=given: getattr(m, name)(t, **given), [x], f"{name} {given}")


@pytest.mark.parametrize("name", ["prod", "argmax", "argmin", "max", "min", "cumsum", "sort", "argsort"])
def test_reductions_along_one_dimension(name: str) -> None:
    tied = np.random.default_rng(0).integers(0, 3, (3, 4, 5)).astype(float)
    for x in (normal(3, 4, 5), np.where(normal(3, 4, 5) > 1, 0, normal(3, 4, 5))):
        for dim in (0, 1, -1):
            given = {"stable": True} if name in ("sort", "argsort") else {}
            compare(lambda m, t, dim=dim, given=given: getattr(m, name)(t, dim=dim, **given), [x], f"{name} {dim}")
            if name not in ("cumsum", "sort", "argsort"):
                compare(lambda m, t, dim=dim: getattr(m, name)(t, dim=dim, keepdim=True), [x], f"{name} {dim} keepdim")
    if name in ("argmax", "argmin", "max", "min"):
        for dim in (0, 1, -1):
            compare(lambda m, t, dim=dim: getattr(m, name)(t, dim=dim), [tied], f"{name} {dim} of equal elements")
    if name in ("sort", "argsort"):
        for descending in (False, True):
            compare(
                lambda m, t, descending=descending: getattr(m, name)(t, dim=1, descending=descending, stable=True),
                [tied],
                f"{name} {descending}",
            )


@pytest.mark.parametrize(
    "name", ["max", "min", "amax", "amin", "argmax", "argmin", "sum", "mean", "prod", "sort", "cumsum"]
)
def test_reductions_of_nan_and_infinity(name: str) -> None:
    x = np.array([[1.0, np.nan, 3.0], [np.inf, 2.0, -np.inf], [np.nan, np.nan, 0.0], [-np.inf, -np.inf, np.inf]])
    for dim in (0, 1):
        found = [run(lambda m=m, dim=dim: getattr(m, name)(m.tensor(x), dim=dim)) for m in (torch, ng)]
        for a, b in zip(*found, strict=True):
            np.testing.assert_array_equal(b, a)


def test_equal_extremes_share_the_gradient() -> None:
    x = np.array([[1.0, 3.0, 3.0], [3.0, 0.0, 0.0]])
    for call in (lambda m, t: t.max(), lambda m, t: t.min(), lambda m, t: t.amax(1), lambda m, t: t.amin((0, 1), True)):
        compare(call, [x], "equal extremes")
    compare(lambda m, a, b: m.maximum(a, b), [x, x[::-1].copy()], "maximum")
    compare(lambda m, a, b: m.minimum(a, b), [x, x[::-1].copy()], "minimum")


def test_no_elements() -> None:
    for call in (
        lambda m: m.zeros(0).sum(),
        lambda m: m.zeros(0).mean(),
        lambda m: m.zeros(0).prod(),
        lambda m: m.zeros(0, 3).sum(0),
        lambda m: m.zeros(0, 3).mean(0),
        lambda m: m.zeros(3, 0).var(1),
        lambda m: m.zeros(0).all(),
        lambda m: m.zeros(0).any(),
        lambda m: m.zeros(0).max(),
        lambda m: m.zeros(0, 3).argmax(0),
        lambda m: m.zeros(0, 3).argmax(1),
        lambda m: m.zeros(0).norm(),
        lambda m: m.zeros(0, 3) @ m.zeros(3, 2),
        lambda m: m.zeros(2, 0) @ m.zeros(0, 2),
        lambda m: m.zeros(0).cumsum(0),
        lambda m: m.cat([m.zeros(0), m.zeros(2, 2)]),
        lambda m: m.zeros(0).reshape(0, -1),
        lambda m: m.zeros(0, 2).softmax(1),
        lambda m: m.zeros(0, 3).sort(0),
        lambda m: m.zeros(0, 2, 2).tril(),
        lambda m: m.zeros(3, 0).nonzero(),
    ):
        same_outcome(call, f"no elements, line {call.__code__.co_firstlineno}")


@pytest.mark.parametrize("p", ["fro", 1, 2, 3, 0, 0.5, math.inf, -math.inf])
def test_norms(p: Any) -> None:
    for dim in (None, 0, (0, 1)):
        compare(lambda m, t, dim=dim: m.norm(t, p, dim), [normal(3, 5)], f"norm {p} {dim}")
    if p in ("fro", 2, 1, 3):
        compare(lambda m, t: m.norm(t, p), [np.zeros((2, 2))], f"norm {p} at 0")


@pytest.mark.parametrize("largest", [True, False])
def test_topk(largest: bool) -> None:
    for k, dim in ((0, 1), (2, 1), (3, 0), (5, -1)):
        compare(lambda m, t, dim=dim, k=k: m.topk(t, k, dim, largest), [normal(3, 5)], f"topk {k} {dim}")


@pytest.mark.parametrize("correction", [0, 1, 2, 5])
def test_variance(correction: int) -> None:
    x = normal(3, 5) if correction < 5 else normal(3, 5).astype(np.float64).round(1)
    if correction < 5:
        compare(lambda m, t: m.var(t, dim=1, correction=correction), [x], "var")
    same_outcome(lambda m: m.var(m.tensor(x), dim=1, correction=correction), "var")
    compare(lambda m, t: m.std(t, dim=1, unbiased=bool(correction)), [x], "std")


# Shapes


@pytest.mark.parametrize(
    "call",
    [
        lambda m, t: t.reshape(15, 2),
        lambda m, t: m.reshape(t, shape=(-1, 6)),
        lambda m, t: t.view(6, -1),
        lambda m, t: t.flatten(),
        lambda m, t: t.flatten(1),
        lambda m, t: t.flatten(0, 1),
        lambda m, t: t.permute(2, 0, 1),
        lambda m, t: m.permute(t, dims=(1, 0, 2)),
        lambda m, t: t.transpose(0, 2),
        lambda m, t: t.mT,
        lambda m, t: t.unsqueeze(1).squeeze(),
        lambda m, t: t[:, :1].squeeze(1),
        lambda m, t: t.squeeze(0),
        lambda m, t: t[:, :1, :1].squeeze((1, 2)),
        lambda m, t: t.movedim(0, 2),
        lambda m, t: t.movedim((0, 1), (2, 0)),
        lambda m, t: t.expand(2, 3, 2, 5),
        lambda m, t: t[:, :1].expand(-1, 4, -1),
        lambda m, t: t.repeat(2, 1, 3),
        lambda m, t: t.repeat(1, 2, 1, 1),
        lambda m, t: m.flip(t, dims=[0, 2]),
        lambda m, t: t.flip(1),
        lambda m, t: t.tril(),
        lambda m, t: t.triu(-1),
        lambda m, t: t.split(2),
        lambda m, t: t.split([1, 4], dim=2),
        lambda m, t: t.chunk(2, 2),
        lambda m, t: t.unbind(1),
        lambda m, t: m.cat([t, t[:1]]),
        lambda m, t: m.cat((t, t), dim=-1),
        lambda m, t: m.stack([t, t * 2], 1),
        lambda m, t: m.stack([t[0], t[1]], dim=-1),
        lambda m, t: t.narrow(2, 1, 3),
        lambda m, t: t.narrow(2, -3, 2),
        lambda m, t: t.select(1, -1),
        lambda m, t: m.index_select(t, 2, m.tensor([4, 0, 4])),
        lambda m, t: m.gather(t, 2, m.tensor([[[0, 4], [1, 1]]])),
        lambda m, t: t.clone(),
        lambda m, t: t.contiguous(),
        lambda m, t: t.expand_as(m.zeros(4, 3, 2, 5)),
        lambda m, t: t.view_as(m.zeros(6, 5)),
        lambda m, t: t[0].T,
        lambda m, t: t[0].t(),
    ],
)
def test_shapes(call: Callable[..., Any]) -> None:
    compare(call, [normal(3, 2, 5)], "shape")


def test_random_permutations_and_strides() -> None:
    """Chains of views: the same elements, strides and gradients as torch."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        steps = [random_step(rng) for _ in range(4)]

        def chain(m: Any, t: Any, steps: Any = steps) -> Any:
            for step in steps:
                t = step(t)
            return t

        x = normal(2, 3, 4)
        a, b = chain(torch, torch.tensor(x)), chain(ng, ng.tensor(x))
        assert tuple(a.shape) == tuple(b.shape)
        if b.numel() and 1 not in b.shape and 0 not in b.stride():
            assert a.stride() == b.stride()
        compare(chain, [x], "a chain of views")


def random_step(rng: np.random.Generator) -> Callable[[Any], Any]:
    choice, r, s = rng.integers(6), int(rng.integers(100)), int(rng.integers(100))
    return [
        lambda t: t.transpose(r % t.dim(), s % t.dim()),
        lambda t: t.reshape(-1, max(t.shape[s % t.dim()], 1)),
        lambda t: t.unsqueeze(r % (t.dim() + 1)),
        lambda t: t[(slice(None),) * (r % t.dim()) + (slice(s % 2, None, 1 + r % 2),)],
        lambda t: t.flatten(0, r % t.dim()),
        lambda t: t.permute(tuple(np.random.default_rng(r).permutation(t.dim()).tolist())),
    ][choice]


# Products


@pytest.mark.parametrize("p", [(5,), (3, 5), (2, 3, 5), (4, 1, 3, 5), (1, 3, 5)])
@pytest.mark.parametrize("q", [(5,), (5, 3), (2, 5, 3), (1, 2, 5, 3)])
def test_matmul(p: tuple[int, ...], q: tuple[int, ...]) -> None:
    compare(lambda m, a, b: a @ b, [normal(*p), normal(*q, seed=1)], f"matmul {p} {q}")


def test_products_of_fixed_ranks() -> None:
    compare(lambda m, a, b: m.mm(a, b), [normal(3, 5), normal(5, 2)], "mm")
    compare(lambda m, a, b: m.bmm(a, b), [normal(2, 3, 5), normal(2, 5, 2)], "bmm")
    compare(lambda m, a, b: m.mv(a, b), [normal(3, 5), normal(5)], "mv")
    compare(lambda m, a, b: m.dot(a, b), [normal(5), normal(5, seed=1)], "dot")
    compare(lambda m, a, b: m.outer(a, b), [normal(3), normal(5)], "outer")
    compare(lambda m, a, b: a @ b, [np.arange(6).reshape(2, 3), np.arange(3)], "integers")


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear(shape: tuple[int, ...], dtype: Any) -> None:
    def call(m: Any, x: Any, w: Any, *b: Any) -> Any:
        return (torch.nn.functional.linear if m is torch else linalg.linear)(x, w, *b)

    arrays = [normal(*shape, dtype=dtype), normal(7, 5, dtype=dtype), normal(7, dtype=dtype)]
    compare(call, arrays, f"linear {shape}", rtol=1e-5)
    compare(call, arrays[:2], f"linear {shape} without bias", rtol=1e-5)


# Convolution and pooling, over random geometry


def functional(m: Any, name: str) -> Any:
    return getattr(torch.nn.functional if m is torch else F, name)


def random_pair(rng: np.random.Generator, low: int, high: int) -> Any:
    a, b = (int(v) for v in rng.integers(low, high, 2))
    return a if rng.random() < 0.5 else (a, b)


@pytest.mark.parametrize("seed", range(40))
def test_conv2d(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, n = int(rng.choice([1, 1, 2, 3])), int(rng.integers(1, 4))
    window = rng.integers(1, 4, 2)
    x = normal(n, groups * int(rng.integers(1, 3)), *(int(v) for v in rng.integers(7, 10, 2)))
    w = normal(groups * int(rng.integers(1, 3)), x.shape[1] // groups, *window, seed=1)
    given = dict(
        stride=random_pair(rng, 1, 4), padding=random_pair(rng, 0, 3), dilation=random_pair(rng, 1, 3), groups=groups
    )
    if rng.random() < 0.2:
        given |= dict(stride=1, padding="valid")
    arrays = [x if rng.random() < 0.8 else x[0], w, normal(w.shape[0])][: int(rng.choice([2, 3]))]
    compare(lambda m, *ts: functional(m, "conv2d")(*ts, **given), arrays, f"conv2d {x.shape} {w.shape} {given}")


def test_conv2d_same() -> None:
    compare(
        lambda m, x, w: functional(m, "conv2d")(x, w, padding="same", dilation=2),
        [normal(1, 2, 7, 7), normal(3, 2, 3, 5)],
        "same",
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(40))
def test_max_pool2d(seed: int, dtype: Any) -> None:
    rng = np.random.default_rng(seed)
    size = random_pair(rng, 1, 5)
    most = (size if isinstance(size, int) else min(size)) // 2
    given = dict(
        stride=None if rng.random() < 0.3 else random_pair(rng, 1, 4),
        padding=random_pair(rng, 0, most + 1),
        dilation=random_pair(rng, 1, 3),
        ceil_mode=bool(rng.random() < 0.5),
        return_indices=bool(rng.random() < 0.5),
    )
    x = np.round(normal(2, 3, *(int(v) for v in rng.integers(9, 14, 2)), dtype=dtype, seed=seed), 1 if seed % 2 else 9)
    x[0, 0, :3] = -np.inf if seed % 5 == 0 else x[0, 0, :3]
    compare(lambda m, t: functional(m, "max_pool2d")(t, size, **given), [x], f"max_pool2d {size} {given}", rtol=1e-6)


def test_max_pool2d_of_nan() -> None:
    x = normal(1, 1, 6, 6)
    x[0, 0, 2, 3] = x[0, 0, 2, 4] = np.nan
    for reps in (1, 40):  # small inputs run the reference, large ones the compiled loop
        big = np.tile(x, (1, reps, 1, 1))
        for a, b in zip(
            *(
                run(lambda m=m, big=big: functional(m, "max_pool2d")(m.tensor(big), 3, 1, return_indices=True))
                for m in (torch, ng)
            ),
            strict=True,
        ):
            np.testing.assert_array_equal(b, a)


# Softmax and the losses


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name: str) -> None:
    for shape, dim in (((3, 5), 1), ((3, 5), 0), ((2, 3, 5), 1), ((5,), -1), ((), 0)):
        compare(lambda m, t, dim=dim: getattr(m, name)(t, dim), [normal(*shape) * 3], f"{name} {shape} {dim}")
    compare(lambda m, t: getattr(m, name)(t, dim=0, dtype=m.float64), [normal(3, dtype=np.float32)], name)
    extreme = np.array(
        [[1e4, 0.0, -1e4], [-np.inf, 0.0, 1.0], [np.nan, 0.0, 1.0], [np.inf, 0.0, 1.0], [-np.inf, -np.inf, -np.inf]]
    )
    np.testing.assert_allclose(
        *reversed([run(lambda m=m: getattr(m, name)(m.tensor(extreme), 1))[0] for m in (torch, ng)])
    )


def loss(m: Any, name: str) -> Any:
    return getattr(torch.nn.functional if m is torch else normalization, name)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(7, 5), (5,), (3, 5, 2), (2, 4, 3, 2)])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_losses_of_classes(name: str, shape: tuple[int, ...], reduction: str) -> None:
    classes = shape[1] if len(shape) > 1 else shape[0]
    x = normal(*shape)
    t = np.random.default_rng(0).integers(0, classes, (shape[0], *shape[2:]) if len(shape) > 1 else ())
    w = np.random.default_rng(1).uniform(0.5, 2, classes)
    smoothings = [0.0, 0.3] if name == "cross_entropy" else [0.0]
    for ignored, smoothing, weighted in itertools.product([-100, 1, int(t.reshape(-1)[0])], smoothings, [False, True]):
        given: dict[str, Any] = dict(ignore_index=ignored, reduction=reduction)
        if smoothing:
            given["label_smoothing"] = smoothing

        def call(m: Any, x: Any, t: Any, given: Any = given, weighted: bool = weighted) -> Any:
            return loss(m, name)(x, t, weight=m.tensor(w) if weighted else None, **given)

        compare(call, [x, t], f"{name} {shape} {given} weighted={weighted}")


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(7, 5), (5,), (3, 5, 2)])
def test_cross_entropy_of_probabilities(shape: tuple[int, ...], reduction: str) -> None:
    classes = shape[1] if len(shape) > 1 else shape[0]
    p = np.random.default_rng(0).dirichlet(np.ones(classes), (shape[0], *shape[2:]) if len(shape) > 1 else ())
    p = np.moveaxis(p, -1, 1) if p.ndim > 1 else p
    w = np.random.default_rng(1).uniform(0.5, 2, classes)
    for smoothing, weighted in itertools.product([0.0, 0.3], [False, True]):

        def call(m: Any, x: Any, p: Any, smoothing: float = smoothing, weighted: bool = weighted) -> Any:
            weight = m.tensor(w) if weighted else None
            return loss(m, "cross_entropy")(x, p, weight=weight, reduction=reduction, label_smoothing=smoothing)

        compare(call, [normal(*shape), p], f"cross_entropy {shape} {smoothing} {weighted}")


def test_cross_entropy_of_extreme_scores() -> None:
    x = np.array([[1e4, 0.0, -1e4], [-np.inf, 0.0, 1.0], [5.0, np.nan, 1.0], [-1e30, 1e30, 0.0]], np.float32)
    for t in ([0, 1, 0, 1], [2, 2, 2, 2]):
        for reduction in ("mean", "none"):
            a, b = (
                run(
                    lambda m=m, reduction=reduction, t=t: loss(m, "cross_entropy")(
                        m.tensor(x), m.tensor(t), reduction=reduction
                    )
                )[0]
                for m in (torch, ng)
            )
            np.testing.assert_allclose(b, a, 1e-6)


def test_everything_ignored() -> None:
    for reduction in ("mean", "sum", "none"):
        a, b = (
            run(
                lambda m=m, reduction=reduction: loss(m, "cross_entropy")(
                    m.ones(2, 3), m.tensor([1, 1]), ignore_index=1, reduction=reduction
                )
            )[0]
            for m in (torch, ng)
        )
        np.testing.assert_array_equal(b, a)


# Creation


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.tensor([1, 2]),
        lambda m: m.tensor([1.0, 2]),
        lambda m: m.tensor([True, False]),
        lambda m: m.tensor([True, 2]),
        lambda m: m.tensor([[1, 2.5], [True, 0]]),
        lambda m: m.tensor([]),
        lambda m: m.tensor([[], []]),
        lambda m: m.tensor(3),
        lambda m: m.tensor(True),
        lambda m: m.tensor(2.5),
        lambda m: m.tensor([1, 2], dtype=m.float64),
        lambda m: m.tensor([0.9, -1.9], dtype=m.int32),
        lambda m: m.tensor(np.arange(3, dtype=np.int32)),
        lambda m: m.tensor(np.float64(1.5)),
        lambda m: m.tensor([np.float64(1.5)]),
        lambda m: m.tensor([m.tensor(1), m.tensor(2)]),
        lambda m: m.tensor([m.tensor(1.5), m.tensor(2.5)]),
        lambda m: m.tensor([np.arange(2), np.arange(2)]),
        lambda m: m.zeros(2, 3),
        lambda m: m.zeros((2, 3)),
        lambda m: m.zeros([2]),
        lambda m: m.zeros(size=(2, 3)),
        lambda m: m.zeros(()),
        lambda m: m.ones(2, dtype=m.int64),
        lambda m: m.full((2, 2), 7),
        lambda m: m.full((2,), 7.5),
        lambda m: m.full((2,), True),
        lambda m: m.full((), 1),
        lambda m: m.full((2,), 3, dtype=m.float32),
        lambda m: m.zeros_like(m.ones(2, dtype=m.int32)),
        lambda m: m.ones_like(m.ones(2), dtype=m.bool),
        lambda m: m.full_like(m.ones(2, dtype=m.int64), 3),
        lambda m: m.arange(5),
        lambda m: m.arange(1, 6, 2),
        lambda m: m.arange(5.0),
        lambda m: m.arange(0, 1, 0.1),
        lambda m: m.arange(5, 0, -2),
        lambda m: m.arange(3, dtype=m.float64),
        lambda m: m.arange(1, 2.5, 0.5),
        lambda m: m.arange(0),
        lambda m: m.arange(start=1, end=4, step=1),
        lambda m: m.linspace(0, 1, 5),
        lambda m: m.linspace(3, -3, 7),
        lambda m: m.linspace(0, 1, 1),
        lambda m: m.linspace(0, 1, 0),
        lambda m: m.linspace(start=0, end=1, steps=3),
        lambda m: m.eye(3),
        lambda m: m.eye(2, 3),
        lambda m: m.eye(2, dtype=m.int64),
        lambda m: m.empty(2, 0),
        lambda m: m.as_tensor([1, 2]),
        lambda m: m.from_numpy(np.arange(3)),
        lambda m: m.Tensor([1, 2]),
        lambda m: m.tensor(m.ones(2)),
        lambda m: m.tensor([1, 2], dtype=float),
        lambda m: m.full((2,), 300, dtype=m.uint8),
        lambda m: m.tensor([2**70]),
        lambda m: m.tensor("a"),
        lambda m: m.tensor([1, "a"]),
        lambda m: m.tensor([[1], [2, 3]]),
        lambda m: m.tensor(None),
        lambda m: m.zeros(-1),
        lambda m: m.arange(0, 5, -1),
        lambda m: m.arange(0, 5, 0),
        lambda m: m.linspace(0, 1, -1),
        lambda m: m.zeros(1.5),
        lambda m: m.eye(-1),
        lambda m: m.tensor([300], dtype=m.uint8),
        lambda m: m.tensor([1, 2]).fill_(2.5),
        lambda m: m.ones(2).fill_(3),
    ],
)
def test_creation(call: Callable[[Any], Any]) -> None:
    same_outcome(call, f"made of {call.__code__.co_names} {call.__code__.co_consts}")


@pytest.mark.parametrize(
    "draw",
    [
        lambda m: m.rand(3, 4),
        lambda m: m.randn(2, dtype=m.float64),
        lambda m: m.randint(0, 5, (3,)),
        lambda m: m.randint(5, (2, 2)),
        lambda m: m.randperm(5),
        lambda m: m.rand_like(m.ones(2, 3)),
        lambda m: m.randn_like(m.ones(2, dtype=m.float64)),
        lambda m: m.bernoulli(m.ones(3) * 0.5),
        lambda m: m.multinomial(m.ones(5), 3),
        lambda m: m.multinomial(m.ones(2, 5), 7, replacement=True),
        lambda m: m.normal(0.0, 1.0, (2, 3)),
        lambda m: m.normal(m.zeros(3), m.ones(3)),
        lambda m: m.randn(size=(2, 3)),
        lambda m: m.rand(()),
    ],
)
def test_random_tensors_have_torchs_shape_and_dtype(draw: Callable[[Any], Any]) -> None:
    a, b = run(lambda: draw(torch)), run(lambda: draw(ng))
    assert a[0].shape == b[0].shape
    assert a[0].dtype == b[0].dtype


# What backward refuses after a write


WRITTEN = [
    "add",
    "sub",
    "mul",
    "div",
    "exp",
    "log",
    "sqrt",
    "tanh",
    "sigmoid",
    "relu",
    "sin",
    "square",
    "abs",
    "neg",
    "matmul",
    "sum",
    "reciprocal",
]


@pytest.mark.parametrize("name", WRITTEN)
def test_written_after_is_refused_where_torch_refuses(name: str) -> None:
    """An input or result that was written afterwards: refused or not as torch does, and never a wrong gradient."""
    for place in range(3):
        found = []
        for m in (torch, ng):
            leaves = [m.tensor(np.abs(normal(3, 3, seed=s)) + 0.5, requires_grad=True) for s in (0, 1)]
            xs = [t * 1 for t in leaves]
            two = name in ("add", "sub", "mul", "div", "matmul")
            y = getattr(m, name)(*xs[: 1 + two])
            (xs[place] if place < 2 else y).detach().mul_(0.5)
            try:
                y.sum().backward()
                found.append([None if t.grad is None else t.grad.numpy() for t in leaves])
            except RuntimeError:
                found.append("refused")
        if "refused" in found:
            assert found[0] == found[1], f"{name}, written at {place}: torch {found[0]}, nanograd {found[1]}"
        else:
            for a, b in zip(*found, strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    np.testing.assert_allclose(b, a)


# Names and defaults of arguments

ABSENT = {"out", "layout", "pin_memory", "memory_format", "sparse_grad", "out_dtype"}  # what nanograd leaves out
UNREADABLE = {  # torch's documentation does not say what its parser takes
    "clamp_max",
    "clamp_min",
    "rsub",
    "arange",
    "log_softmax",
    "result_type",
    "masked_fill",
    "multiply",
    "randint",
    "relu",
    "true_divide",
    "concatenate",
    "searchsorted",  # its documentation names an argument otherwise than its parser
    "trapz",
    "unique",
    "unique_consecutive",
    "bernoulli", "normal", "scatter", "broadcast_to",  # its documentation leaves names out that its parser takes
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors", "cartesian_prod",
    "meshgrid",  # any number of tensors
    "index_fill", "index_put", "is_neg", "is_same_size", "is_signed", "masked_scatter", "put", "scalar_tensor",
    "split_with_sizes",
    "chain_matmul", "einsum",  # any number of tensors
    "cholesky_solve", "frobenius_norm", "lu_solve", "matrix_exp", "nuclear_norm", "triangular_solve",
}  # fmt: skip


def documented(name: str) -> list[list[str]]:
    """The parameter names of each signature that torch documents."""
    function = getattr(torch, name)
    try:
        return [list(inspect.signature(function).parameters)]
    except (ValueError, TypeError):
        lines = re.findall(
            rf"(?:function::|^)\s*{name}\(([^()]*(?:\([^()]*\)[^()]*)*)\)", function.__doc__ or "", re.MULTILINE
        )
    return [[re.split("[=:]", p)[0].strip(" *\\") for p in line.split(",") if p.strip(" *\\/")] for line in lines]


FUNCTIONS = sorted(
    name
    for name, f in vars(ng).items()
    if isinstance(f, types.FunctionType)
    and f.__module__.startswith("nanograd.ops")
    and name not in UNREADABLE
    and getattr(torch, name, None) is not None
    and documented(name)  # for some, torch gives neither a signature nor one in its documentation
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_argument_names(name: str) -> None:
    """Every argument has torch's name, and what torch documents first comes first."""
    ours = [p.name for p in inspect.signature(getattr(ng, name)).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    theirs = documented(name)
    known = {p for names in theirs for p in names}
    assert [
        p for p in ours if p not in known | {"unbiased", "dtype", "device", "generator", "requires_grad"} | ABSENT
    ] == [], theirs
    first = next(names for names in theirs if names)[0]
    assert ours[0] in (first, {"self": "input"}.get(first)), theirs


def test_assert_close_decides_as_torchs() -> None:
    from nanograd.testing import assert_close

    rng = np.random.default_rng(0)
    for _ in range(400):
        dtype = [np.float32, np.float64, np.int64][rng.integers(3)]
        a = (rng.standard_normal(3) * 10.0 ** rng.integers(-8, 6)).astype(dtype)
        b = (a * (1 + 10.0 ** rng.uniform(-9, -2) * rng.integers(-1, 2)) + 10.0 ** rng.uniform(-9, -3)).astype(dtype)
        verdicts = []
        for check, m in ((torch.testing.assert_close, torch), (assert_close, ng)):
            try:
                check(m.tensor(a), m.tensor(b))
                verdicts.append("close")
            except AssertionError:
                verdicts.append("far")
        assert verdicts[0] == verdicts[1], (a, b, dtype)
