"""Samples of the products: added to something, over dimensions, of vectors, of many matrices; distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.errors import DTypeError, ShapeError
from nanograd.ops import distances as _distances
from nanograd.ops import products as _products
from nanograd.ops import subscripts as _subscripts
from nanograd.testing.sample import Array, Case, Input, Shape, ones, sample

P: Any = _products  # untyped: bad input is among what its functions are given
D: Any = _distances
einsum: Any = _subscripts.einsum

ONE_DTYPE = {"dtypes": "both must be of one dtype: the oracle tries every pair"}
SCALES: tuple[dict[str, Any], ...] = ({}, {"beta": 2, "alpha": 3}, {"beta": 0})


# A product added to something


def added(
    name: str, product: Any, x: Shape, a: Shape, b: Shape, less: Shape, empty: tuple[Shape, ...], bad: Any
) -> None:
    """β x + α a b, for one shape of product."""
    call = getattr(P, name)
    sample(
        name,
        call,
        lambda x, a, b, beta=1, alpha=1: (beta * x if beta else 0) + alpha * product(a, b),
        (Input(x), Input(a), Input(b)),
        SCALES,
        takes="if",
        broadcast=(Case((less, a, b), {"beta": 2}),),
        empty=(Case(empty),),
        twin=f"{name}_",
        bad=(*bad, (lambda: call(ones(*x), ones(*a), ones(*b, dtype=float)), DTypeError, f"{name}: .*one dtype"))
        if name != "addr"
        else bad,
    )


added(
    "addmm", np.matmul, (3, 2), (3, 5), (5, 2), (2,), ((3, 2), (3, 0), (0, 2)),
    (
        (lambda: P.addmm(ones(2, 3), ones(2, 4), ones(5, 3)), ShapeError, r"cannot be multiplied \(2x4 and 5x3\)"),
        (lambda: P.addmm(ones(5, 3), ones(2, 4), ones(4, 3)), ShapeError, r"expanded size of the tensor \(2\)"),
        (lambda: P.addmm(ones(2, 3), ones(2, 4, 1), ones(4, 3)), ShapeError, "addmm: mat1 must be a matrix, got 3-D"),
        (lambda: ones(1, 3).addmm_(ones(2, 4), ones(4, 3)), ShapeError, "cannot change a shape"),
    ),
)  # fmt: skip
added(
    "addmv", np.matmul, (3,), (3, 5), (5,), (1,), ((3,), (3, 0), (0,)),
    ((lambda: P.addmv(ones(2), ones(2, 4), ones(5)), ShapeError, "addmv: .*2x4 and 5x1"),),
)  # fmt: skip
added(
    "addr", np.outer, (3, 2), (3,), (2,), (2,), ((3, 0), (3,), (0,)),
    ((lambda: P.addr(ones(3), ones(2, 4), ones(4)), ShapeError, "addr: vec1 must be a vector, got 2-D"),),
)  # fmt: skip
added(
    "addbmm", lambda a, b: (a @ b).sum(0), (3, 2), (4, 3, 5), (4, 5, 2), (3, 1), ((3, 2), (0, 3, 5), (0, 5, 2)),
    ((lambda: P.addbmm(ones(2), ones(2, 4, 3), ones(4, 3, 2)), ShapeError, "addbmm: batch sizes differ"),),
)  # fmt: skip
added(
    "baddbmm", np.matmul, (4, 3, 2), (4, 3, 5), (4, 5, 2), (2,), ((4, 3, 2), (4, 3, 0), (4, 0, 2)),
    ((lambda: P.baddbmm(ones(2), ones(2, 4, 3), ones(4, 3, 2)), ShapeError, "baddbmm: batch sizes differ"),),
)  # fmt: skip


# Over dimensions


def of_two(name: str, formula: Any, shapes: tuple[Shape, Shape], **more: Any) -> None:
    """A product of two tensors."""
    more.setdefault("takes", "if")
    more["without"] = {**ONE_DTYPE, **more.get("without", {})}
    call = more.pop("call", None) or getattr(P, name)
    sample(name, call, formula, tuple(Input(s) for s in shapes), **more)


of_two(
    "vdot", np.dot, ((5,), (5,)),
    empty=(Case(((0,), (0,))),), bad=((lambda: P.vdot(ones(2), ones(3)), ShapeError, "cannot multiply"),),
)  # fmt: skip
of_two(
    "inner", np.inner, ((3, 5), (2, 5)),
    broadcast=(Case(((5,), (5,))), Case(((2, 3, 5), (5,))), Case(((), (2, 3))), Case(((2,), ()))),
    empty=(Case(((3, 0), (2, 0))), Case(((0, 2), (3, 2)))), zero_dim=(Case(((), ())),),
    bad=((lambda: P.inner(ones(2, 3), ones(2, 4)), ShapeError, "inner: the last dimension must match"),),
)  # fmt: skip
of_two(
    "tensordot", lambda a, b, dims=2: np.tensordot(a, b, dims), ((2, 3, 4), (3, 4, 2)),
    options=({}, {"dims": 0}, {"dims": ([0], [2])}, {"dims": ([0, -1], [2, 1])}),
    empty=(Case(((2, 0, 3), (0, 3, 4))), Case(((0, 2, 3), (2, 3, 4)))),
    bad=(
        (lambda: P.tensordot(ones(2, 3), ones(4, 3), 1), ShapeError, "first has size 3 in dim 1 and second has size 4"),
        (lambda: P.tensordot(ones(2, 3), ones(4, 3), ([0], [1, 0])), ShapeError, "should have same length"),
        (lambda: P.tensordot(ones(2, 3), ones(4, 3), -1), ShapeError, "expects dims >= 0"),
        (lambda: P.tensordot(ones(2, 3), ones(4, 3), 3), ShapeError, "dims < ndim_a or ndim_b"),
        (lambda: P.tensordot(ones(3, 3), ones(3, 3), ([0, 0], [0, 1])), ShapeError, "dim 0 appears multiple times"),
        (lambda: P.tensordot(ones(3), ones(3, dtype=int), 1), DTypeError, "one dtype"),
    ),
)  # fmt: skip
of_two("ger", np.outer, ((3,), (5,)), empty=(Case(((0,), (5,))),))
of_two(
    "kron", np.kron, ((2, 3), (3, 2)),
    broadcast=(Case(((2,), (3, 2))), Case(((2, 1, 2), (2,)))), empty=(Case(((0, 2), (3, 2))),),
    zero_dim=(Case(((), ())), Case(((), (2,)))),
)  # fmt: skip
sample(
    "trace",
    P.trace,
    lambda x: np.trace(x),
    (Input((3, 5)),),
    takes="if",
    gives="sum",
    empty=(Case(((0, 3),)),),
    bad=((lambda: P.trace(ones(2, 3, 3)), ShapeError, "trace: expected a matrix, but got tensor with dim 3"),),
)


# Vectors in space


def _cross(a: Array, b: Array, dim: int = -1) -> Array:
    return np.cross(a, b, axis=dim)


of_two(
    "cross", lambda a, b, dim=None: np.cross(a, b, axis=1 if dim is None else dim), ((2, 3), (2, 3)),
    options=({}, {"dim": 1}, {"dim": -1}), empty=(Case(((0, 3), (0, 3))),),
    bad=((lambda: P.cross(ones(2, 4), ones(2, 4)), ShapeError, "no dimension of size 3 in input"),),
)  # fmt: skip
of_two(
    "cross_along", _cross, ((2, 3), (2, 3)), options=({}, {"dim": 1}),
    broadcast=(Case(((1, 3), (4, 3))), Case(((2, 1, 3), (1, 3, 3)))), empty=(Case(((0, 3), (0, 3))),),
    bad=(
        (lambda: P.cross_along(ones(2, 3), ones(2, 3), dim=0), ShapeError, "must have length 3. Got 2 and 2"),
        (lambda: P.cross_along(ones(3), ones(2, 3)), ShapeError, "must have the same number of dimensions"),
        (lambda: P.cross_along(ones(3), ones(3, dtype=int)), DTypeError, "one dtype"),
        (lambda: P.cross_along(ones(3, dtype=bool), ones(3, dtype=bool)), DTypeError, "truth values"),
    ),
)  # fmt: skip
of_two(
    "vecdot", lambda x, y, dim=-1: (x * y).sum(dim), ((2, 3), (2, 3)), options=({}, {"dim": 0}), takes="f",
    broadcast=(Case(((3,), (4, 3))),), empty=(Case(((2, 0), (2, 0))),),
    bad=((lambda: P.vecdot(ones(3, dtype=int), ones(3, dtype=int)), DTypeError, "vecdot: Expected a floating point"),),
)  # fmt: skip


# Of many matrices

CHAIN = (Input((2, 5)), Input((5, 3)), Input((3, 4)), Input((4, 2)))
sample("chain_matmul", P.chain_matmul, lambda *m: np.linalg.multi_dot(m), CHAIN, takes="if", without=ONE_DTYPE)
sample(
    "multi_dot",
    lambda *m: P.multi_dot(m),
    lambda *m: np.linalg.multi_dot(m),
    CHAIN,
    takes="if",
    without=ONE_DTYPE,
    broadcast=(Case(((5,), (5, 3), (3, 4), (4,))), Case(((5,), (5, 3), (3, 4), (4, 2)))),
    empty=(Case(((2, 0), (0, 3), (3, 4), (4, 2))),),
    bad=(
        (lambda: P.multi_dot([ones(2, 2)]), ShapeError, "expected at least 2 tensors but got 1"),
        (lambda: P.multi_dot([ones(2, 2), ones(2), ones(2, 2)]), ShapeError, "tensor 1 must be 2D but got 1D"),
        (lambda: P.multi_dot([ones(2, 2, 2), ones(2, 2)]), ShapeError, "the first tensor must be 1D or 2D but got 3D"),
        (lambda: P.multi_dot([ones(2, 3), ones(2, 2)]), ShapeError, r"0 and 1 with shapes \[2, 3\] and \[2, 2\]"),
        (lambda: P.multi_dot([ones(2, 3), ones(3, 2, dtype=float)]), DTypeError, "one dtype"),
    ),
)


# Distances


def _cdist(a: Array, b: Array, p: float = 2.0, compute_mode: str = "") -> Array:
    return np.asarray(np.linalg.norm(a[..., :, None, :] - b[..., None, :, :], p, -1))


BY_PRODUCT = {"compute_mode": "use_mm_for_euclid_dist"}
FLOATS = {"dtypes": "float32 and float64 only, and of one dtype: the bad input says so"}
sample(
    "cdist",
    D.cdist,
    _cdist,
    (Input((3, 2)), Input((4, 2))),
    ({}, {"p": 1}, {"p": 3.0}, {"p": 0.5}, {"p": float("inf")}, {"p": 0}, BY_PRODUCT),
    takes="f",
    broadcast=(Case(((2, 1, 3, 2), (2, 4, 2))), Case(((2, 3, 2), (4, 2)), {"p": 1})),
    empty=(Case(((3, 0), (4, 0))), Case(((0, 2), (4, 2))), Case(((0, 2), (4, 2)), {"p": float("inf")})),
    bad=(
        (lambda: D.cdist(ones(2, 3), ones(2, 4)), ShapeError, "same number of columns. X1: 3 X2: 4"),
        (lambda: D.cdist(ones(3), ones(2, 3)), ShapeError, "at least 2D tensors, X1 got: 1D"),
        (lambda: D.cdist(ones(2, 3), ones(2, 3), -1), ShapeError, "non-negative p values"),
        (lambda: D.cdist(ones(2, 3), ones(2, 3), 2, "slow"), ValueError, "slow is not a valid value"),
        (lambda: D.cdist(ones(2, 3, dtype=int), ones(2, 3, dtype=int)), DTypeError, "floating-point dtypes"),
        (lambda: D.cdist(ones(2, 3, dtype=dtypes.float16), ones(2, 3)), DTypeError, "float32, float64"),
        (lambda: D.cdist(ones(2, 3, dtype=float), ones(2, 3)), DTypeError, "one dtype"),
    ),
    without=FLOATS,
)
sample(
    "euclidean",
    lambda a, b, by_product=False: D.euclidean(a, b, by_product),
    lambda a, b, by_product=False: _cdist(a, b),
    (Input((3, 2)), Input((4, 2))),
    ({}, {"by_product": True}),
    takes="f",
    without={**FLOATS, "broadcast": "cdist tries it", "empty": "cdist tries it", "bad_input": "cdist checks before"},
)


# With names

SUMS = (
    ("ij,jk->ik", ((2, 3), (3, 4))), ("ij,kj", ((2, 3), (4, 3))), ("bij,bjk->bik", ((2, 3, 4), (2, 4, 2))),
    ("i,i", ((3,), (3,))), ("i,j->ji", ((3,), (2,))), ("ij,ij->j", ((2, 3), (2, 3))),
    ("...i,i...->...", ((2, 3), (3, 2))),
    ("ab...,b...c->...ca", ((2, 3, 4), (3, 4, 2))), ("iij,jk->ki", ((3, 3, 2), (2, 4))), ("ij,kl->", ((2, 3), (2, 2))),
    ("B i, i k -> B k", ((2, 3), (3, 4))), ("...,...", ((2, 3), (3,))),
)  # fmt: skip
sample(
    "einsum",
    lambda a, b, equation="ij,jk->ik": einsum(equation, a, b),
    lambda a, b, equation="ij,jk->ik": np.einsum(equation, a, b),
    (Input((2, 3)), Input((3, 4))),
    takes="if",
    broadcast=tuple(Case(shapes, {"equation": equation}) for equation, shapes in SUMS),
    empty=(Case(((2, 0), (0, 4))), Case(((0, 3), (3, 4)))),
    without=ONE_DTYPE,
    bad=(
        (lambda: einsum("ij,jk", ones(2, 3)), ShapeError, "fewer operands were provided"),
        (lambda: einsum("ij", ones(2, 3), ones(2, 3)), ShapeError, "more operands were provided"),
        (lambda: einsum("ijk", ones(2, 3)), ShapeError, r"\(3\) does not match the number of dimensions \(2\)"),
        (lambda: einsum("ij->k", ones(2, 3)), ShapeError, "output subscript k does not appear"),
        (lambda: einsum("ij,jk", ones(2, 3), ones(4, 5)), ShapeError, "j has size 4 for operand 1 .* seen size 3"),
        (lambda: einsum("ii", ones(2, 3)), ShapeError, "i is repeated for operand 0 but the sizes don't match, 3 != 2"),
        (lambda: einsum("i1", ones(2, 3)), ShapeError, "invalid subscript given at index 1"),
        (lambda: einsum("ij->i,", ones(2, 3)), ShapeError, "invalid subscript given at index 5"),
        (lambda: einsum("ij->ii", ones(2, 3)), ShapeError, "output subscript i appears more than once"),
        (lambda: einsum("i.j", ones(2, 3)), ShapeError, "found '.' for operand 0 that is not part"),
        (lambda: einsum("...i...", ones(2, 3)), ShapeError, "an ellipsis was already found"),
        (lambda: einsum("...ij", ones(2)), ShapeError, r"\(2\) is more than the number of dimensions \(1\)"),
        (lambda: einsum("ij"), ValueError, "must specify the equation string and at least one operand"),
        (lambda: einsum(ones(2, 3), [0, 60]), ValueError, r"valid range \[0, 52\)"),
        (lambda: einsum("i,i", ones(2), ones(2, dtype=int)), DTypeError, "one dtype"),
    ),
)
sample(
    "einsum_of_three",
    lambda a, b, c: einsum("bn,anm,bm->ba", a, b, c),
    lambda a, b, c: np.einsum("bn,anm,bm->ba", a, b, c),
    (Input((2, 3)), Input((4, 3, 2)), Input((2, 2))),
    takes="if",
)
ALONE = ("ij->ji", "ij->", "ij->j", "ij", "...j->...", "...j->j...")
sample(
    "einsum_of_one",
    lambda x, equation="ij->ji": einsum(equation, x),
    lambda x, equation="ij->ji": np.einsum(equation, x),
    (Input((2, 3)),),
    tuple({"equation": equation} for equation in ALONE),
    takes="bif",
)
sample(
    "einsum_of_a_diagonal",
    lambda x, equation="ii->i": einsum(equation, x),
    lambda x, equation="ii->i": np.einsum(equation, x),
    (Input((3, 3)),),
    ({}, {"equation": "ii"}, {"equation": "ii->"}),
    takes="bif",
)
