"""Functions of single elements beside torch's: values, dtypes, gradients, names of nodes, refusals, twins."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nanograd as ng

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Array = np.ndarray[Any, Any]
DTYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
REFUSALS = (RuntimeError, TypeError, ValueError, NotImplementedError)
SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.0, -2.0, 2.5, -2.5, 3.0, math.inf, -math.inf, math.nan, 1e-30, 40.0, -40.0]
)


def function(m: Any, name: str) -> Any:
    """The function of torch or torch.special."""
    return getattr(m, name, None) or getattr(m.special, name)


def host(y: Any) -> list[Array]:
    ys = y if isinstance(y, (tuple, list)) else [y]
    return [t.numpy(force=True) if hasattr(t, "detach") else np.asarray(t) for t in ys]


def run(call: Callable[[], Any]) -> Any:
    """The results as arrays, or the exception."""
    try:
        return host(call())
    except Exception as error:
        return error


def near(ours: Array, theirs: Array, what: str, rtol: float | None = None, atol: float | None = None) -> None:
    assert ours.dtype == theirs.dtype, f"{what}: torch {theirs.dtype}, nanograd {ours.dtype}"
    assert ours.shape == theirs.shape, f"{what}: torch {theirs.shape}, nanograd {ours.shape}"
    usual = {"float16": (4e-3, 1e-3), "float32": (2e-5, 1e-6), "float64": (1e-11, 1e-12)}.get(theirs.dtype.name, (0, 0))
    np.testing.assert_allclose(
        ours, theirs, usual[0] if rtol is None else rtol, usual[1] if atol is None else atol, err_msg=what
    )


def same_outcome(call: Callable[[Any], Any], what: str, **tolerance: float) -> None:
    """torch's values and dtypes, or an exception where torch raises one."""
    theirs, ours = run(lambda: call(torch)), run(lambda: call(ng))
    if isinstance(theirs, Exception):
        assert isinstance(ours, REFUSALS), f"{what}: torch raises {theirs!r:.200}, nanograd gives {ours!r:.200}"
        return
    assert not isinstance(ours, Exception), f"{what}: torch gives {theirs!r:.200}, nanograd raises {ours!r:.200}"
    for a, b in zip(ours, theirs, strict=True):
        near(a, b, what, **tolerance)


def gradients(m: Any, call: Callable[..., Any], arrays: list[Array], order: int) -> list[Array]:
    """The gradients of a random weight of the result in each input, of the given order; zeros where there is none."""
    xs = [m.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    leaves = [x for x in xs if x.requires_grad]
    total = call(m, *xs)
    for i in range(order):
        weight = m.tensor(np.random.default_rng(i).standard_normal(tuple(total.shape)).astype(arrays[0].dtype))
        found = m.autograd.grad((total * weight).sum(), leaves, create_graph=True, allow_unused=True)
        found = [m.zeros_like(x) if g is None else g for g, x in zip(found, leaves, strict=True)]
        if not any(g.requires_grad for g in found):
            return [np.zeros(x.shape, x.detach().numpy().dtype) for x in leaves] if i + 1 < order else host(found)
        total = sum((g * g).sum() for g in found) if i + 1 < order else total
    return host(found)


def compare(call: Callable[..., Any], arrays: list[Array], what: str, orders: int = 2, **tolerance: float) -> None:
    """Values, first and second gradients, and the name of the node."""
    ys = [call(m, *(m.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays)) for m in (torch, ng)]
    near(host(ys[1])[0], host(ys[0])[0], what, **tolerance)
    assert title(ys[1]) == title(ys[0]), what
    if ys[0].grad_fn is None:
        return
    for order in range(1, orders + 1):
        pairs = zip(*(gradients(m, call, arrays, order) for m in (ng, torch)), strict=True)
        for i, (ours, theirs) in enumerate(pairs):
            near(ours, theirs, f"{what}: gradient {order} of input {i}", **tolerance)


def title(y: Any) -> str | None:
    node = y.grad_fn
    return None if node is None else node.name()


def uniform(low: float, high: float, *shape: int, seed: int = 0, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)


# Of one number: name -> the interval of random arguments

UNARY = {
    "abs": (-3, 3), "absolute": (-3, 3), "acos": (-0.95, 0.95), "arccos": (-0.95, 0.95), "asin": (-0.95, 0.95),
    "arcsin": (-0.95, 0.95), "atan": (-4, 4), "arctan": (-4, 4), "cos": (-4, 4), "cosh": (-4, 4), "sin": (-4, 4),
    "sinh": (-4, 4), "tan": (-1.4, 1.4), "tanh": (-3, 3), "acosh": (1.1, 5), "arccosh": (1.1, 5), "asinh": (-4, 4),
    "arcsinh": (-4, 4), "atanh": (-0.95, 0.95), "arctanh": (-0.95, 0.95), "exp": (-4, 4), "exp2": (-4, 4),
    "expm1": (-4, 4), "log": (0.1, 9), "log1p": (-0.9, 9), "log2": (0.1, 9), "log10": (0.1, 9), "sqrt": (0.1, 9),
    "rsqrt": (0.1, 9), "reciprocal": (0.1, 9), "square": (-3, 3), "neg": (-3, 3), "negative": (-3, 3),
    "sigmoid": (-20, 5), "expit": (-20, 5), "relu": (-3, 3), "sign": (-3, 3), "sgn": (-3, 3), "floor": (-5, 5),
    "ceil": (-5, 5), "round": (-5, 5), "trunc": (-5, 5), "fix": (-5, 5), "frac": (-5, 5), "deg2rad": (-360, 360),
    "rad2deg": (-7, 7), "erf": (-4, 4), "erfc": (-3, 9), "erfcx": (-2, 30), "erfinv": (-0.99, 0.99),
    "lgamma": (0.1, 12), "gammaln": (0.1, 12), "digamma": (0.1, 12), "psi": (0.1, 12), "i0": (-9, 9), "i0e": (-30, 30),
    "i1": (-9, 9), "i1e": (-30, 30), "sinc": (-3, 3), "logit": (0.05, 0.95), "nan_to_num": (-3, 3), "entr": (0.1, 3),
    "ndtr": (-3, 3), "ndtri": (0.05, 0.95), "log_ndtr": (-9, 3), "positive": (-3, 3), "isfinite": (-3, 3),
    "isinf": (-3, 3), "isnan": (-3, 3), "isposinf": (-3, 3), "isneginf": (-3, 3), "isreal": (-3, 3),
    "signbit": (-3, 3), "logical_not": (-1, 1),
}  # fmt: skip
OTHER_UNARY: dict[str, tuple[Callable[..., Any], float, float]] = {
    "round to tenths": (lambda m, x: m.round(x, decimals=1), -9, 9),
    "round to hundreds": (lambda m, x: m.round(x, decimals=-2), -900, 900),
    "logit eps": (lambda m, x: m.logit(x, eps=0.2), 0.0, 1.0),
    "nan_to_num with numbers": (lambda m, x: m.nan_to_num(x, nan=1.5, posinf=2.5, neginf=-3), -3, 3),
    "polygamma 0": (lambda m, x: m.polygamma(0, x), 0.1, 9),
    "polygamma 1": (lambda m, x: m.polygamma(1, x), 0.1, 9),
    "polygamma 3": (lambda m, x: m.special.polygamma(3, x), 0.5, 9),
    "x.polygamma(2)": (lambda m, x: x.polygamma(2), 0.5, 9),
    "mvlgamma": (lambda m, x: m.mvlgamma(x, 3), 1.5, 9),
    "clamp": (lambda m, x: m.clamp(x, -1, 1.5), -3, 3),
    "clamp_min": (lambda m, x: m.clamp_min(x, 0.5), -3, 3),
    "clamp_max": (lambda m, x: x.clamp_max(0.5), -3, 3),
}
EVERY_UNARY: dict[str, Callable[..., Any]] = {
    **{name: (lambda m, x, name=name: function(m, name)(x)) for name in UNARY},
    **{name: call for name, (call, _, _) in OTHER_UNARY.items()},
}
INTERVALS = {**UNARY, **{name: (low, high) for name, (_, low, high) in OTHER_UNARY.items()}}
ROUGH = {"polygamma 1", "polygamma 3", "x.polygamma(2)"}  # torch has nine digits of them


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EVERY_UNARY)
def test_functions_of_one_number(name: str, dtype: Any) -> None:
    for seed, shape in enumerate([(37,), (3, 1, 5), ()]):
        x = uniform(*INTERVALS[name], *shape, seed=seed, dtype=dtype)
        loose = {"rtol": 2e-4, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-10}
        compare(EVERY_UNARY[name], [x], f"{name} of {x}", **loose)


# Where nanograd has the limit, or the exact value, and torch an artifact of its formula.
BETTER: dict[str, list[float]] = {
    "acosh": [-1.0],
    "arccosh": [-1.0],
    "log_ndtr": [-math.inf],
    "i0": [math.inf, -math.inf],
    "i1": [math.inf, -math.inf, math.nan],
    "i1e": [math.nan],
    "digamma": [-1.0, -2.0, -40.0],
    "psi": [-1.0, -2.0, -40.0],
    "polygamma 0": [-1.0, -2.0, -40.0],
    "polygamma 1": [-1.0, -2.0, -40.0, -math.inf, math.inf],
    "polygamma 3": [-math.inf, math.inf],
    "x.polygamma(2)": [-math.inf, math.inf],
}


@pytest.mark.parametrize("name", EVERY_UNARY)
def test_functions_of_special_numbers(name: str) -> None:
    """Zeros of both signs, poles, infinities, NaN: values and gradients."""
    x = np.array([v for v in SPECIAL if not any(v == b or (v != v and b != b) for b in BETTER.get(name, []))])
    compare(EVERY_UNARY[name], [x], f"{name} of {x}", orders=1, rtol=1e-9, atol=1e-12)


def test_limits_that_torch_misses() -> None:
    infinite = ng.tensor([math.inf, -math.inf])
    assert ng.i0(infinite).tolist() == [math.inf, math.inf]
    assert ng.special.i1(infinite).tolist() == [math.inf, -math.inf]
    poles = ng.tensor([-1.0, -2.0, -40.0])
    assert ng.polygamma(1, poles).tolist() == [math.inf] * 3
    assert ng.digamma(poles).isnan().all()


@pytest.mark.parametrize("name", [*EVERY_UNARY, "bitwise_not", "frexp"])
def test_dtypes_of_one_tensor(name: str) -> None:
    call = EVERY_UNARY.get(name) or (lambda m, x: function(m, name)(x))
    for dtype in DTYPES:
        if name in ("log_ndtr", "ndtri", "erfcx") and dtype == "float16":
            continue  # torch has none
        for shape in ((7,), (), (0, 3)):
            a = np.random.default_rng(3).integers(0, 2 if dtype == "bool" else 5, shape).astype(dtype)
            wide = {"rtol": 1e-2} if dtype == "float16" else {"rtol": 1e-7} if name in ROUGH else {}
            same_outcome(lambda m, a=a: call(m, m.tensor(a)), f"{name} of {dtype} {a}", **wide)


# Of two numbers: name -> the intervals of random arguments

BINARY: dict[str, tuple[float, float, float, float]] = {
    "add": (-3, 3, -3, 3), "sub": (-3, 3, -3, 3), "subtract": (-3, 3, -3, 3), "rsub": (-3, 3, -3, 3),
    "mul": (-3, 3, -3, 3), "multiply": (-3, 3, -3, 3), "div": (-3, 3, 0.2, 3), "divide": (-3, 3, 0.2, 3),
    "true_divide": (-3, 3, 0.2, 3), "remainder": (-9, 9, 0.5, 3), "fmod": (-9, 9, -3, -0.5), "pow": (0.2, 3, -2, 2),
    "float_power": (0.2, 3, -2, 2), "atan2": (-3, 3, -3, 3), "arctan2": (-3, 3, -3, 3), "hypot": (-3, 3, -3, 3),
    "logaddexp": (-3, 3, -3, 3), "logaddexp2": (-3, 3, -3, 3), "xlogy": (-3, 3, 0.2, 3), "xlog1py": (-3, 3, -0.5, 3),
    "copysign": (-3, 3, -3, 3), "ldexp": (-3, 3, -3, 3), "maximum": (-3, 3, -3, 3), "minimum": (-3, 3, -3, 3),
    "fmax": (-3, 3, -3, 3), "fmin": (-3, 3, -3, 3),
}  # fmt: skip
ASKING = ["eq", "ne", "not_equal", "lt", "less", "le", "less_equal", "gt", "greater", "ge", "greater_equal"]
LOGICAL = ["logical_and", "logical_or", "logical_xor"]
BITS = ["bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"]
INTEGERS = ["gcd", "lcm"]
ROUNDED = ["div floor", "div trunc"]


def of_two(m: Any, name: str) -> Any:
    if name in ROUNDED:
        return lambda a, b: m.div(a, b, rounding_mode=name.split()[1])
    if name.startswith("alpha "):
        return lambda a, b: getattr(m, name[6:])(a, b, alpha=3)
    return function(m, name)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [*BINARY, *ROUNDED, "alpha add", "alpha sub"])
def test_functions_of_two_numbers(name: str, dtype: Any) -> None:
    low, high, low_b, high_b = BINARY.get(name, (-9, 9, 0.5, 3))
    shapes: list[Any] = [((17,), (17,)), ((3, 1), (1, 5)), ((), (4,)), ((4,), ()), ((2, 3), (3,)), ((), ())]
    for seed, (p, q) in enumerate(shapes):
        a, b = uniform(low, high, *p, seed=seed, dtype=dtype), uniform(low_b, high_b, *q, seed=seed + 50, dtype=dtype)
        loose = {"rtol": 2e-4, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-10}
        compare(lambda m, s, t: of_two(m, name)(s, t), [a, b], f"{name} of {a} and {b}", **loose)


VALUES_ONLY = {"nextafter", "heaviside", "ldexp"}  # torch has no gradients, or others where 0 meets ∞


@pytest.mark.parametrize("name", [*BINARY, *ROUNDED, "nextafter", "heaviside", *ASKING, *LOGICAL])
def test_functions_of_two_special_numbers(name: str) -> None:
    a, b = (x.reshape(-1) for x in np.meshgrid(SPECIAL, SPECIAL))
    if name == "copysign":  # of an infinite number torch makes ∞ / ∞
        a, b = a[np.isfinite(a)], b[np.isfinite(a)]
    if name in VALUES_ONLY:
        same_outcome(lambda m: of_two(m, name)(m.tensor(a), m.tensor(b)), name)
    else:
        compare(lambda m, s, t: of_two(m, name)(s, t), [a, b], name, orders=1)


MATHEMATICAL = [*BINARY, *ROUNDED, "floor_divide", "nextafter", "heaviside", "alpha add", "alpha sub"]


@pytest.mark.parametrize("name", [*MATHEMATICAL, *ASKING, *LOGICAL, *BITS, *INTEGERS])
def test_dtypes_of_two_tensors(name: str) -> None:
    for first, second in itertools.product(DTYPES, repeat=2):
        if name == "ldexp" and "bool" in (first, second):
            continue  # torch refuses some of these pairs for want of a power of truth values
        for p, q in itertools.product([(3, 3), ()], repeat=2):
            a, b = small(first, p, 0), small(second, q, 1)
            same_outcome(
                lambda m, a=a, b=b: of_two(m, name)(m.tensor(a), m.tensor(b)), f"{name} {first} {p} {second} {q}"
            )


def small(dtype: str, shape: tuple[int, ...], seed: int) -> Array:
    return np.random.default_rng(seed).integers(1, 2 if dtype == "bool" else 4, shape).astype(dtype)


NUMBERED = [
    "add", "sub", "rsub", "mul", "div", "true_divide", "remainder", "fmod", "floor_divide", "float_power", "xlogy",
    "xlog1py", "copysign", *ROUNDED, *ASKING, *BITS,
]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERED)
def test_dtypes_of_tensors_and_numbers(name: str) -> None:
    for dtype, number, shape in itertools.product(DTYPES, [True, 2, 1.5, 2.0], [(3, 3), ()]):
        a = small(dtype, shape, 0)
        same_outcome(lambda m, a=a, n=number: of_two(m, name)(m.tensor(a), n), f"{name} {dtype} {shape} and {number}")


@pytest.mark.parametrize("name", ["xlogy", "xlog1py", "float_power", "pow", "remainder", *BITS])
def test_numbers_first(name: str) -> None:
    for dtype, number in itertools.product(["float32", "float64", "int64", "int8", "uint8"], [2, 3, 1.5]):
        a = small(dtype, (4,), 0)
        same_outcome(lambda m, a=a, n=number: of_two(m, name)(n, m.tensor(a)), f"{name} {number} and {dtype}")


OPERATORS: dict[str, Callable[..., Any]] = {
    "<<": operator.lshift, ">>": operator.rshift, "&": operator.and_, "|": operator.or_, "^": operator.xor,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "-": operator.sub, "/": operator.truediv,
}  # fmt: skip
INTO: dict[str, Callable[..., Any]] = {
    "<<=": operator.ilshift, ">>=": operator.irshift, "&=": operator.iand, "|=": operator.ior, "^=": operator.ixor,
    "//=": operator.ifloordiv, "%=": operator.imod, "**=": operator.ipow, "-=": operator.isub, "/=": operator.itruediv,
    "+=": operator.iadd, "*=": operator.imul,
}  # fmt: skip


@pytest.mark.parametrize("sign", OPERATORS)
def test_operators(sign: str) -> None:
    apply = OPERATORS[sign]
    for dtype, number in itertools.product(["int64", "int8", "uint8", "bool", "float32"], [2, True]):
        if sign == "**" and dtype == "bool":
            continue  # torch has one power of truth values, truth ** True; nanograd refuses all
        a, b = small(dtype, (3,), 0), small("int64", (3,), 1)
        same_outcome(lambda m, a=a, b=b: apply(m.tensor(a), m.tensor(b)), f"{dtype} {sign} int64")
        same_outcome(lambda m, a=a, n=number: apply(m.tensor(a), n), f"{dtype} {sign} {number}")
        same_outcome(lambda m, a=a, n=number: apply(n, m.tensor(a)), f"{number} {sign} {dtype}")


@pytest.mark.parametrize("sign", INTO)
def test_operators_in_place(sign: str) -> None:
    for first, second in itertools.product(DTYPES, repeat=2):
        a, b = small(first, (3,), 0), small(second, (3,), 1)
        same_outcome(lambda m, a=a, b=b: INTO[sign](m.tensor(a), m.tensor(b)), f"{first} {sign} {second}")


def test_comparing_with_what_is_no_number() -> None:
    x = ng.tensor([1.0, 2.0])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "a") is False
    for ask in (ng.eq, ng.lt):
        with pytest.raises(TypeError, match="expected a tensor or a number, got str 'a'"):
            ask(x, "a")
    with pytest.raises(TypeError):
        _ = x < "a"


# Integers that overflow


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64"])
def test_integers_wrap_around(dtype: str) -> None:
    limits = np.iinfo(dtype)
    edges = np.array([limits.min, limits.max, limits.max - 1, 1, 2, 3, 7], dtype)
    a, b = (x.reshape(-1) for x in np.meshgrid(edges, edges))
    b = np.where(b == 0, 1, b).astype(dtype)
    skipped = {"int64": {"lcm"}}.get(dtype, set())
    for name in ("add", "sub", "mul", "maximum", "gcd", "lcm", "bitwise_xor", "remainder", "fmod", *ROUNDED):
        keep = np.ones(a.shape, bool)
        if name not in ("add", "sub", "mul", "maximum", "bitwise_xor"):  # the least by -1 ends torch's process
            keep = (a != limits.min) & (b != limits.min)
        if name not in skipped:
            same_outcome(
                lambda m, name=name, k=keep: of_two(m, name)(m.tensor(a[k]), m.tensor(b[k])), f"{name} {dtype}"
            )
    for name in ("neg", "abs", "square", "sign", "bitwise_not"):
        same_outcome(lambda m, name=name: getattr(m, name)(m.tensor(edges)), f"{name} {dtype}")
    bits = limits.bits
    shifts = np.array([0, 1, bits - 1, bits, bits + 1, 100], dtype)
    a, b = (x.reshape(-1) for x in np.meshgrid(edges, shifts))
    for name in ("bitwise_left_shift", "bitwise_right_shift"):
        same_outcome(lambda m, name=name: getattr(m, name)(m.tensor(a), m.tensor(b)), f"{name} {dtype}")


def test_alpha_multiplies_after_promotion() -> None:
    wide, narrow = np.array([1, 2], np.int16), np.array([100, 3], np.int8)
    same_outcome(lambda m: m.add(m.tensor(wide), m.tensor(narrow), alpha=100), "int16 + 100 int8")
    for name, dtype, alpha in itertools.product(["add", "sub"], DTYPES, [2, 0, -1, 0.5]):
        a = small(dtype, (3,), 0)
        same_outcome(
            lambda m, name=name, a=a, alpha=alpha: getattr(m, name)(m.tensor(a), m.tensor(a), alpha=alpha),
            f"{name} {dtype} alpha={alpha}",
        )
    same_outcome(lambda m: m.rsub(m.tensor([1.0, 2.0]), 3, alpha=2), "rsub alpha")


# Of three numbers


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_functions_of_three_numbers(dtype: Any) -> None:
    calls: dict[str, Callable[..., Any]] = {
        "lerp": lambda m, a, b, c: m.lerp(a, b, c),
        "addcmul": lambda m, a, b, c: m.addcmul(a, b, c),
        "addcmul value": lambda m, a, b, c: a.addcmul(b, c, value=-0.3),
        "addcdiv": lambda m, a, b, c: m.addcdiv(a, b, c),
        "addcdiv value": lambda m, a, b, c: a.addcdiv(b, c, value=2),
        "clamp": lambda m, a, b, c: m.clamp(a, b, c),
        "where": lambda m, a, b, c: m.where(a > 1, b, c),
    }
    shapes: list[Any] = [((3, 5),) * 3, ((5,), (3, 1), ()), ((), (2,), (2, 1))]
    for seed, given in enumerate(shapes):
        arrays = [uniform(0.3, 2, *s, seed=seed + 9 * i, dtype=dtype) for i, s in enumerate(given)]
        for name, call in calls.items():
            if name == "clamp" and seed:
                continue  # torch's way back through it does not broadcast
            loose = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else {}
            compare(call, arrays, f"{name} {given}", **loose)


def test_dtypes_of_three_tensors() -> None:
    for kinds in itertools.product(["float32", "float64", "float16", "int64", "int8", "bool"], repeat=3):
        arrays = [small(k, (3,), i) for i, k in enumerate(kinds)]
        for name in ("addcmul", "addcdiv", "lerp", "clamp"):
            same_outcome(
                lambda m, name=name, arrays=arrays: getattr(m, name)(*map(m.tensor, arrays)), f"{name} {kinds}"
            )
        a, b = arrays[:2]
        same_outcome(lambda m, a=a, b=b: m.where(m.tensor([True, False, True]), m.tensor(a), m.tensor(b)), f"{kinds}")


def test_clamp_of_special_numbers() -> None:
    low, high = (x.reshape(-1) for x in np.meshgrid(SPECIAL[:12], SPECIAL[:12]))
    for x in (-0.7, 0.5, 1.0, math.inf, math.nan):
        a = np.full(low.shape, x)
        compare(lambda m, *ts: m.clamp(*ts), [a, low, high], f"clamp of {x}", orders=1)
    for bounds in itertools.product([None, -1, 0.5, math.nan, math.inf], repeat=2):
        if bounds != (None, None):
            compare(lambda m, t, bounds=bounds: m.clamp(t, *bounds), [SPECIAL], f"clamp {bounds}", orders=1)
    for dtype, low_, high_ in itertools.product(DTYPES, [None, 1, 1.5, True], [None, 2, 2.5]):
        if (low_, high_) != (None, None):
            a = small(dtype, (5,), 0)
            same_outcome(lambda m, a=a, b=(low_, high_): m.clamp(m.tensor(a), *b), f"clamp {dtype} {low_} {high_}")


def test_where_with_numbers() -> None:
    condition = np.array([True, False, True])
    for a, b in itertools.product([1, 2.5, True], repeat=2):
        same_outcome(lambda m, a=a, b=b: m.where(m.tensor(condition), a, b), f"where {a} {b}")
        for dtype in DTYPES:
            t = small(dtype, (3,), 0)
            same_outcome(lambda m, t=t, b=b: m.where(m.tensor(condition), m.tensor(t), b), f"where {dtype} {b}")


def test_masked_fill() -> None:
    mask = np.array([True, False, True])
    for dtype, value in itertools.product(DTYPES, [0, 1, 2.5, True, -1, 300]):
        if dtype == "uint8" and value == -1:
            continue  # torch wraps it around; nanograd refuses
        a = small(dtype, (3,), 0)
        same_outcome(
            lambda m, a=a, v=value: m.masked_fill(m.tensor(a), m.tensor(mask), v), f"masked_fill {dtype} {value}"
        )
        if value != 300:
            same_outcome(
                lambda m, a=a, v=value: m.tensor(a).masked_fill(m.tensor(mask), m.tensor(v)),
                f"masked_fill {dtype} of a tensor {value}",
            )
    compare(
        lambda m, a, b: a.masked_fill(m.tensor(mask), b), [uniform(0, 1, 2, 3), uniform(0, 1)], "masked_fill tensor"
    )
    compare(lambda m, a: a.masked_fill(m.tensor(mask), 7), [uniform(0, 1, 2, 3)], "masked_fill number")


def test_nearness() -> None:
    a, b = (x.reshape(-1) for x in np.meshgrid(SPECIAL, [*SPECIAL, 1 + 1e-6, 1.00003]))
    for more in ({}, {"equal_nan": True}, {"rtol": 0.5}, {"atol": 0.6, "rtol": 0.0}):
        same_outcome(lambda m, more=more: m.isclose(m.tensor(a), m.tensor(b), **more), f"isclose {more}")
        for x, y in ((a, b), (b, b), (a[:3], a[:3])):
            same_outcome(lambda m, x=x, y=y, more=more: m.allclose(m.tensor(x), m.tensor(y), **more), f"{more}")
    for dtype in DTYPES:
        s, t = small(dtype, (9,), 0), small(dtype, (9,), 1)
        same_outcome(lambda m, s=s, t=t: m.isclose(m.tensor(s), m.tensor(t), rtol=0.4), f"isclose {dtype}")
        same_outcome(lambda m, s=s, t=t: m.equal(m.tensor(s), m.tensor(t)), f"equal {dtype}")
    same_outcome(lambda m: m.isclose(m.ones(2), m.ones(2), rtol=-1), "isclose of a negative tolerance")
    same_outcome(lambda m: m.equal(m.ones(2), m.ones(3)), "equal of other shapes")


def test_isin() -> None:
    rng = np.random.default_rng(0)
    for dtype in DTYPES[:-1]:
        a, b = (rng.integers(0, 9, s).astype(dtype) for s in ((4, 5), (3,)))
        for invert in (False, True):
            same_outcome(lambda m, a=a, b=b, i=invert: m.isin(m.tensor(a), m.tensor(b), invert=i), f"isin {dtype}")
    same_outcome(lambda m: m.isin(m.tensor([1, 2]), 2), "isin of a number")
    same_outcome(lambda m: m.isin(1, m.tensor([1, 2])), "a number isin")


# In place


TWINS = [
    *(n for n in UNARY if hasattr(torch.Tensor, f"{n}_")), "bitwise_not",
]  # fmt: skip
PAIRED_TWINS = [
    n
    for n in [*BINARY, *ASKING, *LOGICAL, *BITS, *INTEGERS, "nextafter", "heaviside", "floor_divide"]
    if hasattr(torch.Tensor, f"{n}_")
]


@pytest.mark.parametrize("name", TWINS)
def test_twins_of_one_tensor(name: str) -> None:
    for dtype in DTYPES:
        a = small(dtype, (3,), 0)
        wide = {"rtol": 1e-2} if dtype == "float16" else {}
        same_outcome(lambda m, a=a: getattr(m.tensor(a), f"{name}_")(), f"{name}_ of {dtype}", **wide)


@pytest.mark.parametrize("name", PAIRED_TWINS)
def test_twins_of_two_tensors(name: str) -> None:
    for first, second in itertools.product(DTYPES, repeat=2):
        if (name == "ldexp" and "bool" in (first, second)) or (name == "float_power" and first != "float64"):
            continue  # torch refuses float64 results in float32
        a, b = small(first, (3,), 0), small(second, (3,), 1)
        same_outcome(
            lambda m, a=a, b=b: getattr(m.tensor(a), f"{name}_")(m.tensor(b)), f"{name}_ of {first} and {second}"
        )
    wide, narrow = np.ones((2, 3)), np.ones((1, 3))
    same_outcome(lambda m: getattr(m.tensor(narrow), f"{name}_")(m.tensor(wide)), f"{name}_ cannot grow")


# torch.Tensor.logical_not_ and its like let gradients through as if nothing had been written.
@pytest.mark.parametrize("name", [n for n in (*TWINS, *PAIRED_TWINS) if not n.startswith("logical")])
def test_twins_flow(name: str) -> None:
    """A twin in the middle of a graph: the gradient is torch's."""
    ranges = INTERVALS.get(name, (0.3, 0.9)) if name in UNARY else BINARY.get(name, (0.3, 0.9, 0.3, 0.9))
    x = uniform(ranges[0], ranges[1], 5)
    others = [] if name in UNARY or name == "bitwise_not" else [uniform(ranges[-2], ranges[-1], 5, seed=1)]
    found = []
    for m in (torch, ng):
        leaf = m.tensor(x, requires_grad=True)
        try:
            y = getattr(leaf * 1, f"{name}_")(*map(m.tensor, others))
            (g,) = m.autograd.grad((y * m.tensor(np.arange(1.0, 6))).sum(), leaf, allow_unused=True)
            found.append(host(m.zeros(5) if g is None else g)[0].astype(float))
        except REFUSALS as error:
            found.append(error)
    if isinstance(found[0], Exception):
        return  # torch has no gradient, or takes no floats
    np.testing.assert_allclose(found[1], found[0], 1e-9, 1e-12, err_msg=name)


# Names


VARIANTS: list[Callable[..., Any]] = [
    lambda m, x, t: x + 1,
    lambda m, x, t: 1 - x,
    lambda m, x, t: m.rsub(x, t),
    lambda m, x, t: m.sub(x, t, alpha=2),
    lambda m, x, t: 2 / x,
    lambda m, x, t: x % 2,
    lambda m, x, t: x % t,
    lambda m, x, t: m.fmod(x, 2),
    lambda m, x, t: x**2,
    lambda m, x, t: x**0,
    lambda m, x, t: x**t,
    lambda m, x, t: 2**x,
    lambda m, x, t: m.pow(2, x),
    lambda m, x, t: x ** t.double(),
    lambda m, x, t: m.float_power(x, 2),
    lambda m, x, t: m.div(x, 2, rounding_mode="floor"),
    lambda m, x, t: m.clamp(x, 0, 1),
    lambda m, x, t: m.clamp(x, t),
    lambda m, x, t: m.clamp_min(x, 0),
    lambda m, x, t: m.clamp_min(x, t),
    lambda m, x, t: m.clamp_max(x, 1),
    lambda m, x, t: m.clamp_max(x, t),
    lambda m, x, t: m.clip(x, 0, 1),
    lambda m, x, t: x.masked_fill(t > 1, 0),
    lambda m, x, t: x.masked_fill(t > 1, m.tensor(2.0)),
    lambda m, x, t: m.where(t > 1, x, 0.0),
    lambda m, x, t: m.lerp(x, t, 0.5),
    lambda m, x, t: m.lerp(x, t, t),
    lambda m, x, t: m.xlogy(x, 2),
    lambda m, x, t: m.xlogy(2, x),
    lambda m, x, t: m.special.xlog1py(x, 2),
    lambda m, x, t: m.special.xlog1py(2, x),
    lambda m, x, t: m.copysign(x, 1),
    lambda m, x, t: m.frexp(x)[0],
    lambda m, x, t: (x * 1).clamp_(0, 1),
    lambda m, x, t: (x * 1).masked_fill_(t > 1, 0),
    lambda m, x, t: (x * 1).lerp_(t, 0.5),
    lambda m, x, t: (x * 1).exp_(),
]


def test_names_of_nodes() -> None:
    """Which variant ran, with a number or with a tensor, shows in the name of the node."""
    for i, call in enumerate(VARIANTS):
        names = [title(call(m, m.tensor([0.5, 1.5], requires_grad=True), m.tensor([0.7, 1.2]))) for m in (torch, ng)]
        assert names[1] == names[0], f"variant {i}"


def test_frexp_is_a_named_pair() -> None:
    x = np.array([0.0, 1.0, -3.5, 1e-30, 1e30])
    compare(lambda m, t: m.frexp(t).mantissa, [x], "frexp", orders=1)
    same_outcome(lambda m: m.frexp(m.tensor(x)).exponent, "exponents")
    assert repr(ng.frexp(ng.tensor([2.0]))) == repr(torch.frexp(torch.tensor([2.0])))


def test_twins_are_functions_too() -> None:
    x = ng.tensor([0.25, 1.0])
    assert ng.sqrt_(x) is x
    assert x.tolist() == [0.5, 1.0]
    with pytest.raises(AttributeError, match="igamma"):
        _ = ng.igamma
    with pytest.raises(AttributeError, match=r"zeta.*does not have this name"):
        _ = ng.special.zeta


def test_special_has_torchs_names() -> None:
    for name in ng.special.__all__:
        assert hasattr(torch.special, name), name


# Any operation with any dtypes


@pytest.mark.parametrize("seed", range(60))
def test_random_calls(seed: int) -> None:
    """Random operations of random dtypes, shapes and kinds of operands: torch's values, dtype, or refusal."""
    rng = np.random.default_rng(seed)
    names = [*BINARY, *ROUNDED, "floor_divide", *ASKING, *LOGICAL, *BITS, *INTEGERS]
    shapes: list[Any] = [(), (3,), (2, 3), (2, 1), (1, 3), (0, 3)]
    for _ in range(40):
        name = str(rng.choice(names))
        first, second = (str(d) for d in rng.choice(DTYPES, 2))
        if name == "ldexp" and "bool" in (first, second):
            continue
        p, q = (shapes[i] for i in rng.integers(0, len(shapes), 2))
        a, b = (random_array(rng, d, s) for d, s in ((first, p), (second, q)))
        if name == "pow" and not any(d.startswith("float") for d in (first, second)):
            b = np.abs(b)  # torch gives 0 for integers to negative powers; nanograd refuses
        flipped = bool(rng.random() < 0.3) and a.ndim == 2 and a.shape == b.shape
        same_outcome(
            lambda m, n=name, a=a, b=b, f=flipped: of_two(m, n)(
                m.tensor(a).T if f else m.tensor(a), m.tensor(b).T if f else m.tensor(b)
            ),
            f"{name} of {first} {a.tolist()} and {second} {b.tolist()}",
        )


def random_array(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> Array:
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if dtype.startswith("float"):
        return np.asarray(np.round(rng.uniform(-3, 3, shape), 1), dtype)
    return np.asarray(rng.integers(0 if dtype == "uint8" else -4, 5, shape), dtype)


# Accuracy

EXACT: dict[str, tuple[Callable[..., Any], list[tuple[float, float]]]] = {
    "erf": (lambda mp, x: mp.erf(x), [(-6, 6), (-1e-8, 1e-8)]),
    "erfc": (lambda mp, x: mp.erfc(x), [(-3, 25)]),
    "erfcx": (lambda mp, x: mp.exp(x * x) * mp.erfc(x), [(-4, 4), (-0.6, 0.6), (4, 1e6)]),
    "erfinv": (lambda mp, x: mp.erfinv(x), [(-1, 1), (-1e-9, 1e-9), (0.9999, 1)]),
    "ndtri": (lambda mp, x: mp.sqrt(2) * mp.erfinv(2 * x - 1), [(0, 1), (1e-12, 1e-9)]),
    "log_ndtr": (lambda mp, x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2), [(-50, 4)]),
    "lgamma": (lambda mp, x: mp.log(abs(mp.gamma(x))), [(0, 10), (0.99, 1.01), (1.99, 2.01), (10, 1e6), (-9.7, -9.3)]),
    "digamma": (lambda mp, x: mp.digamma(x), [(0.01, 1.3), (1.6, 20), (20, 1e6), (-9.7, -9.55)]),
    "i0": (lambda mp, x: mp.besseli(0, x), [(-50, 50), (50, 80)]),
    "i1e": (lambda mp, x: mp.besseli(1, x) * mp.exp(-abs(x)), [(-50, 50), (50, 1e4)]),
    "sinc": (lambda mp, x: mp.sinc(mp.pi * x), [(-0.9, 0.9), (1.1, 1.9)]),
    "sigmoid": (lambda mp, x: 1 / (1 + mp.exp(-x)), [(-600, 40)]),
    "expm1": (lambda mp, x: mp.expm1(x), [(-1e-6, 1e-6), (-4, 4)]),
    "log1p": (lambda mp, x: mp.log1p(x), [(-1e-6, 1e-6), (-0.5, 4)]),
}


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("name", EXACT)
def test_accuracy(name: str, many: bool) -> None:
    """Within some units of the last place of the true value, in the reference and in the compiled loop."""
    mpmath = pytest.importorskip("mpmath", reason="mpmath gives the true values, and it is not installed")
    formula, intervals = EXACT[name]
    with mpmath.workdps(40):
        for low, high in intervals:
            x = uniform(low, high, 40, seed=2)
            true = np.array([float(formula(mpmath.mp, mpmath.mpf(float(v)))) for v in x])
            given = np.tile(x, 200) if many else x
            y = function(ng, name)(ng.tensor(given)).numpy()[:40]
            np.testing.assert_allclose(y, true, 3e-14, 1e-300, err_msg=f"{name} on [{low}, {high}]")
            y = function(ng, name)(ng.tensor(given.astype(np.float32))).numpy()[:40]
            true = np.array([float(formula(mpmath.mp, mpmath.mpf(float(v)))) for v in x.astype(np.float32)])
            np.testing.assert_allclose(y, true.astype(np.float32), 2e-6, 1e-37, err_msg=f"{name} on [{low}, {high}]")


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_accuracy_of_polygamma(n: int) -> None:
    mpmath = pytest.importorskip("mpmath", reason="mpmath gives the true values, and it is not installed")
    for low, high in ((0.01, 10), (10, 1e4), (-5.9, -5.1)):
        x = uniform(low, high, 20, seed=n)
        true = [float(mpmath.mp.polygamma(n, float(v))) for v in x]
        np.testing.assert_allclose(
            ng.polygamma(n, ng.tensor(x)).numpy(), true, 1e-11, err_msg=f"{n} on [{low}, {high}]"
        )


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_derivatives_of_sinc_at_zero(n: int) -> None:
    """0, -π²/3, 0, π⁴/5: a quotient of sines has none there."""
    x = ng.tensor(0.0, dtype=ng.float64, requires_grad=True)
    y = ng.sinc(x)
    for _ in range(n):
        (y,) = ng.autograd.grad(y, x, create_graph=True)
    expected = {2: -(math.pi**2) / 3, 4: math.pi**4 / 5}.get(n, 0.0)
    np.testing.assert_allclose(y.item(), expected, 1e-12, 1e-12)
