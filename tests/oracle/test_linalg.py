"""Linear algebra beside torch's, over random shapes, batches, options and dtypes.

Compared are values, dtypes, shapes, gradients, the names of grad_fn, the classes of results, and what is refused.
Directions are compared without their signs, which LAPACK is free to choose.
"""

from __future__ import annotations

import itertools
import math
import re
import string
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nanograd as ng
from nanograd.errors import DTypeError

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

Array = np.ndarray[Any, Any]
Rng = np.random.Generator
Case = tuple[Callable[..., Any], list[Array]]
N = 30  # draws of each
DTYPES = ["float32", "float64", "float64", "int64", "float16", "bool"]
TOLERANCE = {"float16": 5e-2, "float32": 2e-4, "float64": 1e-8}


# What is drawn


def some(rng: Rng, shape: Any, dtype: str = "float64") -> Array:
    if "float" in dtype:
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 2 if dtype == "bool" else 5, shape).astype(dtype)


def batch(rng: Rng) -> tuple[int, ...]:
    """0 to 2 leading sizes; one in ten is 0."""
    sizes = [int(n) for n in rng.integers(1, 4, rng.integers(0, 3))]
    if sizes and rng.random() < 0.1:
        sizes[0] = 0
    return tuple(sizes)


def size(rng: Rng) -> int:
    """1 to 4; one in twelve is 0."""
    return 0 if rng.random() < 1 / 12 else int(rng.integers(1, 5))


def wrong(rng: Rng, n: int) -> int:
    """n, or one in fifteen times n + 1."""
    return n + 1 if rng.random() < 1 / 15 else n


def regular(rng: Rng, n: int, dtype: str, lead: tuple[int, ...]) -> Array:
    """Square matrices that are not nearly singular; one in twelve is not square."""
    shape = (*lead, n, wrong(rng, n))
    return (some(rng, shape, dtype) + (3 * np.eye(*shape[-2:])).astype(dtype)).astype(dtype)


def lower(rng: Rng, dtype: str) -> Case:
    """Of a triangle: torch's gradient of the other half, which is not read, is not 0."""
    return lambda m, x: m.cholesky_inverse(x.tril()), [regular(rng, size(rng), dtype, batch(rng))]


def rectangle(rng: Rng, dtype: str) -> Array:
    return some(rng, (*batch(rng), size(rng), size(rng)), dtype)


# How it is compared


def outcome(m: Any, call: Callable[..., Any], arrays: list[Array]) -> Any:
    """(results, their grad_fn names, gradients, class of what holds them), or what was raised."""
    xs = [m.tensor(a, requires_grad=bool(a.dtype.kind == "f")) for a in arrays]
    try:
        y = call(m, *xs)
    except Exception as error:
        return error
    ys = list(y) if isinstance(y, (tuple, list)) else [y]
    names = [re.sub(r".*grad_fn=<(\w+)>.*", r"\1", repr(t), flags=re.DOTALL) if t.grad_fn else "" for t in ys]
    flowing, rng = [t for t in ys if t.requires_grad], np.random.default_rng(1)
    weights = [rng.integers(-2, 3, tuple(t.shape)).astype(t.detach().numpy().dtype) for t in flowing]
    try:
        if flowing:
            sum((t * m.tensor(w)).sum() for t, w in zip(flowing, weights, strict=True)).backward()
    except RuntimeError as error:
        return error
    grads = [x.grad.numpy() if x.grad is not None else np.zeros(x.shape) for x in xs]
    return [t.detach().numpy() for t in ys], names, grads, type(y).__name__ if len(ys) > 1 else ""


def raised(theirs: Exception, ours: Any) -> bool:
    """Whether ours is an error that code for torch's would catch."""
    if isinstance(ours, DTypeError):  # of two faults either may be named
        return True
    if isinstance(theirs, (NotImplementedError, IndexError)):  # torch's word for a dtype, or for too few dimensions
        return isinstance(ours, RuntimeError)
    if type(theirs) is TypeError:
        return isinstance(ours, (TypeError, RuntimeError, ValueError))
    if type(theirs).__name__ == "_LinAlgError":
        return isinstance(ours, ng.linalg.LinAlgError)
    return isinstance(ours, type(theirs))


def same(call: Callable[..., Any], arrays: list[Array], what: str, titles: bool) -> None:
    """Assert the same outcome."""
    theirs, ours = outcome(torch, call, arrays), outcome(ng, call, arrays)
    what = f"{what} of {', '.join(f'{a.dtype} {a.shape}' for a in arrays)}"
    if isinstance(theirs, Exception):
        if re.search("modified by an inplace operation|not implemented for 'Bool'|but found Bool", str(theirs)):
            return  # torch's own composition stumbles, or the order in which it multiplies decides
        assert isinstance(ours, Exception), f"{what}: torch raises {theirs!r:.200}, nanograd gives {ours}"
        assert raised(theirs, ours), f"{what}: torch raises {theirs!r:.200}, nanograd {ours!r:.200}"
        return
    kinds = {a.dtype.kind for a in arrays} | {str(a.dtype) for a in arrays}
    mixed = len({a.dtype for a in arrays}) > 1
    if isinstance(ours, DTypeError) and (kinds & {"b", "float16"} or mixed or not all(a.size for a in arrays)):
        return  # nanograd multiplies no truth values, takes no half precision apart, and always looks at the dtype
    assert not isinstance(ours, Exception), f"{what}: torch gives {theirs}, nanograd raises {ours!r}"
    assert len(theirs[0]) == len(ours[0]), f"{what}: torch gives {len(theirs[0])} results, nanograd {len(ours[0])}"
    assert theirs[3] == ours[3], f"{what}: torch gives a {theirs[3]}, nanograd a {ours[3]}"
    if titles and all(a.size for a in (*arrays, *theirs[0])):
        assert theirs[1] == ours[1], f"{what}: grad_fn of torch {theirs[1]}, of nanograd {ours[1]}"
    for kind, left, right in (("value", theirs[0], ours[0]), ("gradient", theirs[2], ours[2])):
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            assert a.shape == b.shape, f"{what}: {kind} {i}: torch {a.shape}, nanograd {b.shape}"
            if kind == "value":
                assert a.dtype == b.dtype, f"{what}: {kind} {i}: torch {a.dtype}, nanograd {b.dtype}"
            t = max(TOLERANCE.get(str(x.dtype), 0) for x in (*arrays, a))
            scale = float(np.abs(np.nan_to_num(a.astype(float), posinf=0, neginf=0)).max(initial=1))
            np.testing.assert_allclose(b.astype(float), a.astype(float), t, t * scale, err_msg=f"{what}: {kind} {i}")


# Products


def two(name: str, shapes: Callable[[Rng], tuple[Any, Any]], **fixed: Any) -> Callable[[Rng, str], Case]:
    """A function of two tensors; one draw in ten mixes dtypes."""

    def case(rng: Rng, dtype: str) -> Case:
        p, q = shapes(rng)
        other = str(rng.choice(DTYPES)) if rng.random() < 0.1 else dtype
        path = name.split(".")
        return lambda m, a, b: get(m, path)(a, b, **fixed), [some(rng, p, dtype), some(rng, q, other)]

    return case


def get(m: Any, path: list[str]) -> Any:
    for part in path:
        m = getattr(m, part)
    return m


def matmul_shapes(rng: Rng) -> tuple[Any, Any]:
    lead, k = batch(rng), size(rng)
    left = [(k,), (size(rng), k), (*lead, size(rng), k)][rng.integers(3)]
    right = [(wrong(rng, k),), (wrong(rng, k), size(rng)), (*lead, k, size(rng)), (1, k, 2)][rng.integers(4)]
    return left, right


def inner_shapes(rng: Rng) -> tuple[Any, Any]:
    k = size(rng)
    return [(*batch(rng), n) if rng.random() < 0.9 else () for n in (k, wrong(rng, k))]  # type: ignore[return-value]


def added(name: str) -> Callable[[Rng, str], Case]:
    def case(rng: Rng, dtype: str) -> Case:
        least = 0 if rng.random() < 0.1 and "mv" not in name else 1
        b, n, k, m = (int(rng.integers(least, 4)) for _ in range(4))
        left, right, full = {
            "addmm": ((n, k), (wrong(rng, k), m), (n, m)), "addmv": ((n, k), (wrong(rng, k),), (n,)),
            "addr": ((n,), (m,), (n, m)), "addbmm": ((b, n, k), (b, wrong(rng, k), m), (n, m)),
            "baddbmm": ((b, n, k), (wrong(rng, b), k, m), (b, n, m)),
        }[name.strip("_")]  # fmt: skip
        if not name.endswith("_") and full:
            full = [full, full[1:], tuple(1 for _ in full)][rng.integers(3)]
        options = [{}, {"beta": 2, "alpha": 3}, {"beta": 0}, {"alpha": -1}][rng.integers(4)]
        arrays = [some(rng, s, dtype) for s in (full, left, right)]
        if name.endswith("_"):
            return lambda m_, x, a, b: getattr(x * 1, name)(a, b, **options), arrays
        return lambda m_, x, a, b: getattr(m_, name)(x, a, b, **options), arrays

    return case


def einsum(rng: Rng, dtype: str) -> Case:
    """Random letters, diagonals, an ellipsis, an output or none; sizes of 1 stretch."""
    letters = list(string.ascii_letters[: rng.integers(1, 6)])
    sizes = {n: int(rng.integers(1, 4)) for n in letters}
    dots = tuple(int(n) for n in rng.integers(1, 3, rng.integers(0, 3)))
    terms, arrays = [], []
    for _ in range(rng.integers(1, 4)):
        labels = [str(n) for n in rng.choice(letters, rng.integers(0, 4))]
        lead = dots[len(dots) - rng.integers(0, len(dots) + 1) :] if rng.random() < 0.3 else None
        at = int(rng.integers(0, len(labels) + 1))
        shape = [sizes[n] for n in labels]
        if lead is not None:
            terms.append("".join(labels[:at]) + "..." + "".join(labels[at:]))
            shape[at:at] = lead
        else:
            terms.append("".join(labels))
        if shape and rng.random() < 0.1:
            shape[rng.integers(len(shape))] = 1
        arrays.append(some(rng, shape, dtype))
    used = sorted({c for t in terms for c in t if c != "."})
    equation = ",".join(terms)
    if rng.random() < 0.7:
        kept = [str(c) for c in rng.permutation(used)[: rng.integers(0, len(used) + 1)]] if used else []
        equation += "->" + ("..." if rng.random() < 0.7 else "") + "".join(kept)
    return lambda m, *xs: m.einsum(equation, *xs), arrays


def tensordot(rng: Rng, dtype: str) -> Case:
    shared = [size(rng) for _ in range(rng.integers(0, 3))]
    left, right = ([size(rng) for _ in range(rng.integers(0, 3))] for _ in range(2))
    if rng.random() < 0.5:
        dims: Any = len(shared)
        p, q = [*left, *shared], [*shared, *right]
    else:
        order = [int(i) for i in rng.permutation(len(shared))]
        p, q = [*shared, *left], [*right, *(shared[i] for i in order)]
        dims = (order, [len(right) + i for i in range(len(shared))])
    if q and rng.random() < 0.1:
        q[0] += 1
    return lambda m, a, b: m.tensordot(a, b, dims), [some(rng, p, dtype), some(rng, q, dtype)]


def cross_shapes(rng: Rng) -> tuple[Any, Any]:
    lead = batch(rng)
    return (*lead, 3), (*([1] * len(lead) if rng.random() < 0.3 else lead), wrong(rng, 3))


def cdist(rng: Rng, dtype: str) -> Case:
    lead, n, m, d = batch(rng), size(rng), size(rng), size(rng)
    if rng.random() < 0.2:
        n = 27
    p = [2.0, 1.0, math.inf, 3.0, 0.5, 0.0, -1.0][rng.integers(7)]
    arrays = [some(rng, (*lead, n, d), dtype), some(rng, (*lead, m, wrong(rng, d)), dtype)]
    return lambda m_, a, b: m_.cdist(a, b, p), arrays


def chain(rng: Rng, dtype: str) -> Case:
    sizes = [size(rng) for _ in range(rng.integers(2, 6))]
    shapes = [[a, b] for a, b in itertools.pairwise(sizes)]
    if rng.random() < 0.3:
        shapes[0] = shapes[0][1:]
    if rng.random() < 0.1:
        shapes[-1][0] += 1
    return lambda m, *xs: m.linalg.multi_dot(xs), [some(rng, s, dtype) for s in shapes]


PRODUCTS: dict[str, Callable[[Rng, str], Case]] = {
    "matmul": two("matmul", matmul_shapes),
    "mm": two("mm", lambda rng: ((2, 3), (wrong(rng, 3), size(rng)))),
    "mv": two("mv", lambda rng: ((size(rng), 3), (wrong(rng, 3),))),
    "dot": two("dot", lambda rng: ((3,), (wrong(rng, 3),))),
    "vdot": two("vdot", lambda rng: ((3,), (wrong(rng, 3),))),
    "bmm": two("bmm", lambda rng: ((2, 3, 2), (wrong(rng, 2), 2, size(rng)))),
    "outer": two("outer", lambda rng: ((size(rng),), (size(rng),))),
    "ger": two("ger", lambda rng: ((size(rng),), (size(rng),))),
    "inner": two("inner", inner_shapes),
    "kron": two("kron", lambda rng: ((*batch(rng), size(rng)), (size(rng),) * int(rng.integers(0, 3)))),
    "cross": two("linalg.cross", cross_shapes),
    "cross_of_any": two("cross", lambda rng: ((3, size(rng)),) * 2),
    "vecdot": two("linalg.vecdot", lambda rng: ((2, 3), (wrong(rng, 2), 3))),
    "addmm": added("addmm"), "addmv": added("addmv"), "addr": added("addr"), "addbmm": added("addbmm"),
    "baddbmm": added("baddbmm"), "addmm_": added("addmm_"), "addmv_": added("addmv_"), "addr_": added("addr_"),
    "addbmm_": added("addbmm_"), "baddbmm_": added("baddbmm_"), "einsum": einsum, "tensordot": tensordot,
    "cdist": cdist, "multi_dot": chain,
    "trace": lambda rng, dtype: (lambda m, x: m.trace(x), [some(rng, (size(rng),) * int(rng.integers(2, 4)), dtype)]),
}  # fmt: skip
UNTITLED = {"einsum", "matmul", "mm", "tensordot", "inner", "addmm_", "addr_", "addmv_", "addbmm_", "baddbmm_", "kron"}


@pytest.mark.parametrize("name", PRODUCTS)
def test_product(name: str) -> None:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for number in range(4 * N if name == "einsum" else N):
        call, arrays = PRODUCTS[name](rng, str(rng.choice(DTYPES)))
        same(call, arrays, f"{name} {number}", name not in UNTITLED)


# Functions of matrices


def of(path: str, draw: Any = None, signs: bool = False, **fixed: Any) -> Callable[[Rng, str], Case]:
    """A function of one matrix; where its results have signs of LAPACK's choice, their sizes."""
    parts = path.split(".")

    def case(rng: Rng, dtype: str) -> Case:
        a = draw(rng, dtype) if draw else regular(rng, size(rng), dtype, batch(rng))
        options = {k: v[rng.integers(len(v))] if isinstance(v, list) else v for k, v in fixed.items()}

        def call(m: Any, x: Any) -> Any:
            y = get(m, parts)(x, **options)
            return [t.abs() for t in y] if signs else y

        return call, [a]

    return case


def positive(path: str, **fixed: Any) -> Callable[[Rng, str], Case]:
    """A function of a symmetric matrix, made of the one that is drawn; one in eight is not positive."""
    parts = path.split(".")

    def case(rng: Rng, dtype: str) -> Case:
        n, shift = size(rng), -4.0 if rng.random() < 1 / 8 else 1.0
        options = {k: v[rng.integers(len(v))] if isinstance(v, list) else v for k, v in fixed.items()}
        signed = path.endswith("eigh")

        def call(m: Any, x: Any) -> Any:
            y = get(m, parts)(x @ x.mT + shift * m.eye(n, dtype=x.dtype), **options)
            return [t.abs() for t in y] if signed else y

        return call, [some(rng, (*batch(rng), n, n), dtype)]

    return case


def system(path: str, **fixed: Any) -> Callable[[Rng, str], Case]:
    """A function of a matrix and right sides: matrices, a vector, or of another batch."""
    parts = path.split(".")

    def case(rng: Rng, dtype: str) -> Case:
        lead, n = batch(rng), size(rng)
        a = regular(rng, n, dtype, lead)
        options = {k: v[rng.integers(len(v))] if isinstance(v, list) else v for k, v in fixed.items()}
        rows = [wrong(rng, n), size(rng)][:: 1 if options.get("left", True) else -1]
        shape = [(*lead, *rows), (*rows,), (*lead, n), (n,), ()][rng.choice(5, p=[0.4, 0.3, 0.15, 0.1, 0.05])]
        b = some(rng, shape, dtype if rng.random() < 0.95 else "float32")
        if path == "cholesky_solve":
            return lambda m, a, b: get(m, parts)(b, a.triu() if options["upper"] else a.tril(), **options), [a, b]
        if path == "triangular_solve":
            return lambda m, a, b: get(m, parts)(b, a, **options), [a, b]
        return lambda m, a, b: get(m, parts)(a, b, **options), [a, b]

    return case


def lstsq(rng: Rng, dtype: str) -> Case:
    lead, m, n = batch(rng), int(rng.integers(1, 5)), int(rng.integers(1, 5))
    b = (*lead, wrong(rng, m), 2) if rng.random() < 0.7 else (*lead, m)
    driver = [None, "gelsy", "gelsd", "gelss", "foo"][rng.choice(5, p=[0.4, 0.2, 0.2, 0.15, 0.05])]
    return lambda l, a, b: l.linalg.lstsq(a, b, driver=driver), [some(rng, (*lead, m, n), dtype), some(rng, b, dtype)]


def norms(rng: Rng, dtype: str) -> Case:
    shape = tuple(int(n) for n in rng.integers(1, 5, rng.integers(0, 4)))
    options: dict[str, Any] = {"keepdim": bool(rng.integers(2))}
    order = [None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf, 3, "foo"][rng.integers(11)]
    if rng.random() < 0.5 and shape:
        options["dim"] = [-1, (0, -1), (-1, 0)][rng.integers(3)]
    return lambda m, x: m.linalg.norm(x, order, **options), [some(rng, shape, dtype)]


def vector_norms(rng: Rng, dtype: str) -> Case:
    options: dict[str, Any] = {
        "ord": [2, 1, math.inf, -math.inf, 0, 3.5, -2][rng.integers(4 if dtype == "float16" else 7)]
    }
    options |= {"keepdim": bool(rng.integers(2))} | ({"dim": int(rng.integers(-2, 2))} if rng.random() < 0.5 else {})
    if rng.random() < 0.2:
        options["dtype"] = "float64"
    a = some(rng, (3, 4), dtype) if rng.random() < 0.9 else some(rng, (0, 2), dtype)

    def call(m: Any, x: Any) -> Any:
        own = {k: getattr(m, v) if k == "dtype" else v for k, v in options.items()}
        return m.linalg.vector_norm(x, **own)

    return call, [a]


ORDERS = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]
MATRICES: dict[str, Callable[[Rng, str], Case]] = {
    "inv": of("linalg.inv"), "inverse": of("inverse"), "inv_ex": of("linalg.inv_ex"), "det": of("det"),
    "linalg.det": of("linalg.det"), "slogdet": of("slogdet"), "linalg.slogdet": of("linalg.slogdet"),
    "logdet": of("logdet"), "matrix_exp": of("matrix_exp"), "cond": of("linalg.cond", p=[None, *ORDERS, 3]),
    "matrix_power": of("matrix_power", n=[0, 1, 2, 3, -1, -2]),
    "lu_factor": of("linalg.lu_factor"), "lu": of("linalg.lu"),
    "qr": of("qr", rectangle, signs=True), "linalg.qr": of("linalg.qr", rectangle, True, mode=["reduced", "r", "x"]),
    "complete": of("linalg.qr", lambda rng, dtype: some(rng, (2, size(rng), 4), dtype), signs=True, mode="complete"),
    "svd": of("svd", rectangle, signs=True), "svdvals": of("linalg.svdvals", rectangle),
    "linalg.svd": of("linalg.svd", rectangle, signs=True, full_matrices=False),
    "pinv": of("linalg.pinv", rectangle), "pinverse": of("pinverse", rectangle),
    "matrix_rank": of("linalg.matrix_rank", rectangle, atol=[None, 0.5], rtol=[None, 0.3]),
    "matrix_norm": of("linalg.matrix_norm", rectangle, ord=[*ORDERS, 5], keepdim=[True, False]),
    "cholesky": positive("cholesky", upper=[True, False]), "linalg.cholesky": positive("linalg.cholesky"),
    "cholesky_inverse": lower, "eigh": positive("linalg.eigh"), "eigvalsh": positive("linalg.eigvalsh"),
    "hermitian": positive("linalg.pinv", hermitian=True), "solve": system("linalg.solve", left=[True, True, False]),
    "solve_triangular": system("linalg.solve_triangular", upper=[True, False], left=[True, False],
                               unitriangular=[False, True]),
    "triangular_solve": system("triangular_solve", upper=[True, False], transpose=[True, False]),
    "cholesky_solve": system("cholesky_solve", upper=[True, False]), "lstsq": lstsq, "norm": norms,
    "vector_norm": vector_norms, "nuclear_norm": of("nuclear_norm", rectangle),
    "frobenius_norm": of("frobenius_norm", rectangle, dim=[-1, (-2, -1)], keepdim=[True, False]),
    "vander": of("vander", lambda rng, dtype: some(rng, size(rng), dtype), N=[None, 0, 3], increasing=[True, False]),
    "linalg.vander": of("linalg.vander", lambda rng, dtype: some(rng, (*batch(rng), 3), dtype), N=[None, 2, 4, 1]),
    "diagonal": of("linalg.diagonal", rectangle, offset=[0, 1]),
}  # fmt: skip
UNNAMED = {"qr", "linalg.qr", "complete", "svd", "linalg.svd", "eigh", "logdet", "norm", "cond", "lstsq", "inverse",
           "nuclear_norm", "matrix_norm", "matrix_power", "vander", "frobenius_norm", "lu", "vector_norm"}  # fmt: skip


@pytest.mark.parametrize("name", MATRICES)
def test_function_of_matrices(name: str) -> None:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for number in range(N):
        dtype = str(rng.choice(["float32", *["float64"] * 4, "int64", "float16", "bool"]))
        call, arrays = MATRICES[name](rng, dtype)
        same(call, arrays, f"{name} {number}", name not in UNNAMED)


@pytest.mark.parametrize(("shape", "dim"), [((3, 4), None), ((2, 3, 4), (0, 2)), ((2, 3, 4), (2, 1)), ((0, 3), None)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_the_nuclear_norm_under_the_name_of_norm(shape, dim, keepdim):
    values = np.random.default_rng(0).standard_normal(shape)
    found = []
    for m in (torch, ng):
        x = m.tensor(values, requires_grad=True)
        y = m.norm(x, "nuc", dim, keepdim)
        y.sum().backward()
        found.append((y.detach().numpy(), x.grad.numpy()))
    for a, b in zip(*found, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)
