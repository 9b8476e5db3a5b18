"""Samples of QR, singular values and eigenvalues, of norms and powers of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nanograd.errors import DTypeError, LinAlgError, ShapeError
from nanograd.ops import matrices as _matrices
from nanograd.ops import spectra as _spectra
from nanograd.ops.creation import tensor
from nanograd.testing.sample import CONSTANT, Array, Case, Input, Shape, away, distinct, ones, sample
from nanograd.testing.samples.solving import NOT_EMPTY, WIDE, of_matrix, refusals

P: Any = _spectra  # untyped: bad input is among what its functions are given
M: Any = _matrices
NAN = tensor([[math.nan, 1.0], [1.0, 1.0]])


# Directions

for name, call in (("orthogonal", P.orthogonal), ("qr_of", P.qr_of)):
    for suffix, shape in (("", (2, 4, 3)), ("_wide", (3, 4)), ("_square", (3, 3))):
        of_matrix(
            name + suffix, lambda a, call=call: call(a, "reduced"), lambda a: list(np.linalg.qr(a)), shape, domain=away,
            empty=(Case(((0, 3),)), Case(((3, 0),)), Case(((0, 3, 2),))),
            bad=(
                *refusals(call if name == "qr_of" else P.qr_of, square=False),
                (lambda: P.qr_of(ones(3, 3), "foo"), ShapeError, "unrecognized mode 'foo'"),
            ),
        )  # fmt: skip
of_matrix(
    "qr", P.qr, lambda a, some=True: list(np.linalg.qr(a, "reduced" if some else "complete")), (3, 4),
    ({}, {"some": False}), domain=away, empty=(Case(((3, 0),)),), bad=refusals(P.qr, square=False),
)  # fmt: skip


def _svd(a: Array, full: bool) -> Any:
    return list(np.linalg.svd(a, full_matrices=full))


for suffix, shape in (("", (2, 4, 3)), ("_wide", (3, 4)), ("_square", (3, 3))):
    of_matrix(
        "singular" + suffix, lambda a: P.singular(a, False), lambda a: _svd(a, False), shape, domain=away,
        empty=(Case(((0, 3),)), Case(((3, 0),)), Case(((0, 3, 2),))),
    )  # fmt: skip
of_matrix(
    "svd_of", P.svd_of, lambda a: _svd(a, True), (3, 3), domain=away, empty=(Case(((3, 0),)),),
    bad=(
        *refusals(P.svd_of, square=False),
        (lambda: P.svd_of(NAN), LinAlgError, "failed to converge because the input matrix contained non-finite"),
        (lambda: P.svdvals(NAN), LinAlgError, "failed to converge because the input matrix contained non-finite"),
    ),
)  # fmt: skip
of_matrix(
    "svd", P.svd, lambda a: [*_svd(a, False)[:2], _svd(a, False)[2].swapaxes(-1, -2)], (2, 4, 3), domain=away,
    empty=(Case(((3, 0),)),), bad=refusals(P.svd, square=False),
)  # fmt: skip
of_matrix(
    "svdvals", P.svdvals, lambda a: np.linalg.svd(a, compute_uv=False), (2, 4, 3), domain=away,
    empty=(Case(((3, 0),)), Case(((0, 2, 2),))), bad=refusals(P.svdvals, square=False),
)  # fmt: skip


def symmetric(x: Array) -> Array:
    """x + xᵀ"""
    return x + x.swapaxes(-1, -2)


of_matrix(
    "symmetric", lambda x, upper=False: P.symmetric(x + x.mT, upper),
    lambda x, upper=False: list(np.linalg.eigh(symmetric(x), "U" if upper else "L")), (2, 3, 3),
    ({}, {"upper": True}), domain=away,
)  # fmt: skip
of_matrix(
    "eigh", lambda x: P.eigh(x + x.mT), lambda x: list(np.linalg.eigh(symmetric(x))), domain=away,
    bad=(
        *refusals(P.eigh),
        (lambda: P.eigh(NAN), LinAlgError, "linalg.eigh: The algorithm failed to converge"),
        (lambda: P.eigh(ones(2, 2), UPLO="X"), ShapeError, "UPLO argument to be 'L' or 'U', but got X"),
    ),
)  # fmt: skip
of_matrix("eigvalsh", lambda x: P.eigvalsh(x + x.mT), lambda x: np.linalg.eigvalsh(symmetric(x)), domain=away)


# Pseudo-inverses


def low_rank(rng: np.random.Generator, shape: Shape) -> Array:
    """Matrices of rank 2."""
    return away(rng, (*shape[:-1], 2)) @ away(rng, (*shape[:-2], 2, shape[-1]))


NO_PINV = (lambda: P.pinv(ones(2, 2, dtype=int)), DTypeError, "expected a tensor with 2 or more dimensions of float")
for suffix, shape in (("", (2, 4, 3)), ("_wide", (2, 4))):
    for name, call in (("pinv", P.pinv), ("pinverse", P.pinverse)):
        of_matrix(
            name + suffix, call, np.linalg.pinv, shape, domain=away, empty=(Case(((0, 3),)), Case(((3, 0),))),
            bad=(NO_PINV,),
        )  # fmt: skip
of_matrix(
    "pseudo_inverse", lambda a: P.pseudo_inverse(a, None, 1e-10, False), lambda a: np.linalg.pinv(a, 1e-10), (4, 3),
    domain=away, empty=(Case(((3, 0),)),),
)  # fmt: skip
of_matrix(
    "pinv_of_symmetric", lambda x: P.pinv(x @ x.mT, hermitian=True), lambda x: np.linalg.pinv(x @ x.T), (3, 3),
    domain=away, empty=(), without=NOT_EMPTY, bad=(NO_PINV,),
)  # fmt: skip
of_matrix(
    "matrix_rank", P.matrix_rank, lambda a: np.linalg.matrix_rank(a), (2, 4, 3), domain=low_rank,
    empty=(Case(((3, 0),)),), bad=refusals(P.matrix_rank, square=False), without=CONSTANT,
)  # fmt: skip
sample(
    "lstsq",
    lambda a, b: P.lstsq(a, b).solution,
    lambda a, b: np.linalg.lstsq(a, b)[0],
    (Input((4, 3)), Input((4, 2))),
    takes="f",
    broadcast=(Case(((4, 3), (4,))), Case(((2, 3), (2, 2)))),
    without={**WIDE, **NOT_EMPTY, "silent": "matrices that are not finite have no solution: an error"},
    bad=(
        (lambda: P.lstsq(ones(3, 2), ones(4, 1)), ShapeError, r"input.size\(-2\) should match other.size\(-2\)"),
        (lambda: P.lstsq(ones(3, 2), ones(3, 1), driver="foo"), ShapeError, "should be one of"),
        *refusals(lambda a: P.lstsq(a, a), square=False),
    ),
)


# Norms

ORDERS = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
sample(
    "matrix_norm",
    M.matrix_norm,
    lambda a, ord="fro", dim=(-2, -1), keepdim=False: np.linalg.norm(a, ord, dim, keepdim),
    (Input((2, 4, 3), distinct),),
    (*({"ord": o} for o in ORDERS), {"dim": (2, 0), "keepdim": True}, {"ord": 1, "dim": (2, 0), "keepdim": True}),
    takes="f",
    empty=(Case(((2, 0, 3),)), Case(((0, 2, 3),), {"ord": 1})),
    without={"silent": "singular values of what is not finite are an error"},
    bad=(
        (lambda: M.matrix_norm(ones(2)), ShapeError, "must have at least 2 dimensions"),
        (lambda: M.matrix_norm(ones(2, 2), 3), ShapeError, "Order 3 not supported"),
        (lambda: M.matrix_norm(ones(2, 2), "foo"), ShapeError, "Order foo not supported"),
        (lambda: M.matrix_norm(ones(2, 2, 2), 2, (0, 0)), ShapeError, "dims must be different. Got"),
        (lambda: M.matrix_norm(ones(2, 2, 2), 2, 1), ShapeError, "dim must be a 2-tuple. Got 1"),
        (lambda: M.matrix_norm(ones(2, 2).half(), 2), DTypeError, "Low precision dtypes not supported"),
        (lambda: M.matrix_norm(ones(2, 2, dtype=int)), DTypeError, "Expected a floating point"),
    ),
)
sample(
    "vector_norm",
    M.vector_norm,
    lambda x, ord=2, dim=None, keepdim=False: np.linalg.norm(x.reshape(-1) if dim is None else x, ord, dim, keepdim),
    (Input((3, 4), distinct),),
    ({}, {"ord": 1, "dim": 0}, {"ord": math.inf, "dim": 1, "keepdim": True}, {"ord": 3}, {"ord": 0.5, "dim": 1}),
    takes="f",
    empty=(Case(((0, 3),), {"dim": 0}),),
    zero_dim=(Case(((),)),),
    bad=(
        (lambda: M.vector_norm(ones(2), "fro"), DTypeError, "argument 'ord' must be Number, not str"),
        (lambda: M.vector_norm(ones(0), math.inf), ShapeError, "there is no norm of order inf of no elements"),
        (lambda: M.vector_norm(ones(2, dtype=float), dtype="float32"), DTypeError, "without narrowing"),
        (lambda: M.vector_norm(ones(2, dtype=int)), DTypeError, "Expected a floating point"),
    ),
)
sample(
    "norm_of",
    M.norm_of,
    lambda x, ord=None, dim=None, keepdim=False: np.linalg.norm(x, ord, dim, keepdim),
    (Input((3, 4), distinct),),
    (*({"ord": o} for o in (None, *ORDERS)), {"ord": 3, "dim": 1}, {"dim": (0, 1)}, {"ord": -1, "keepdim": True}),
    takes="f",
    broadcast=(Case(((4,),), {"ord": 3}),),
    empty=(Case(((0, 3),)),),
    zero_dim=(Case(((),)),),
    without={"silent": "singular values of what is not finite are an error"},
    bad=(
        (lambda: M.norm_of(ones(2, 2, 2), 2), ShapeError, "the input must be 1D or 2D. Got 3D"),
        (lambda: M.norm_of(ones(2, 2, 2), 2, (0, 1, 2)), ShapeError, r"must be of length 1 or 2. Got \[0, 1, 2\]"),
        (lambda: M.norm_of(ones(2, 2), "bad"), ShapeError, "Order bad not supported"),
    ),
)
sample(
    "frobenius_norm",
    M.frobenius_norm,
    lambda x, dim=(0, 1), keepdim=False: np.sqrt((x * x).sum(dim, keepdims=keepdim)),
    (Input((3, 4)),),
    ({"dim": (0, 1)}, {"dim": 1, "keepdim": True}),
    takes="f",
    empty=(Case(((0, 3),), {"dim": 1}),),
    bad=((lambda: M.frobenius_norm(ones(2, dtype=int), 0), DTypeError, "Expected a floating point"),),
)
of_matrix(
    "nuclear_norm", M.nuclear_norm, lambda x: np.linalg.norm(x, "nuc", (-2, -1)), (2, 4, 3), domain=away,
    empty=(Case(((3, 0),)),), bad=(refusals(M.nuclear_norm, square=False)[0],),
)  # fmt: skip
of_matrix(
    "cond", M.cond, lambda a, p=None: np.linalg.cond(a, p), (2, 3, 3), tuple({"p": p} for p in (None, *ORDERS)),
    empty=(), without=NOT_EMPTY,
    bad=(
        (lambda: M.cond(ones(2, 2), 3), ShapeError, "got an invalid norm type: 3"),
        (lambda: M.cond(ones(2, 3), 1), ShapeError, r"linalg.cond\(ord=1\): A must be batches of square matrices"),
        refusals(M.cond)[0],
    ),
)  # fmt: skip


# Powers


def _matrix_exp(a: Array) -> Array:
    """Σ aⁿ / n!, of a / 2⁶, squared six times."""
    small, term = a / 64, np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    total = term
    for n in range(1, 30):
        term = term @ small / n
        total = total + term
    for _ in range(6):
        total = total @ total
    return total


of_matrix("matrix_exp", M.matrix_exp, _matrix_exp, bad=refusals(M.matrix_exp))
of_matrix(
    "matrix_exp_of_large", lambda a: M.matrix_exp(a * 3.0), lambda a: _matrix_exp(a * 3.0), (3, 3), empty=(),
    without=NOT_EMPTY,
)  # fmt: skip
of_matrix(
    "matrix_power", M.matrix_power, np.linalg.matrix_power, (2, 3, 3), tuple({"n": n} for n in (3, 1, 2, 0, -1, -2, 7)),
    empty=(Case(((0, 0),), {"n": 2}),),
    bad=(
        (lambda: M.matrix_power(ones(2, 3), 2), ShapeError, "but they are 2 by 3 matrices"),
        (lambda: M.matrix_power(ones(2, 2), 2.5), DTypeError, "must be int, not float"),
        (lambda: M.matrix_power(ones(2, 2), -1), LinAlgError, "the input matrix is singular"),
        (lambda: M.matrix_power(ones(2), 1), ShapeError, "at least 2 dimensions"),
    ),
)  # fmt: skip
sample(
    "vander",
    M.vander,
    lambda x, N=None, increasing=False: np.vander(x, N, increasing),
    (Input((3,)),),
    ({}, {"N": 2}, {"N": 0}, {"N": 1}, {"increasing": True}),
    takes="bif",
    gives="sum",
    empty=(Case(((0,),), {"N": 3}),),
    without={"dtypes": "the least integer type holds no powers: tests/test_linalg.py tries int64"},
    bad=(
        (lambda: M.vander(ones(2, 2)), ShapeError, "must be a one-dimensional tensor"),
        (lambda: M.vander(ones(2), -1), ShapeError, "N must be non-negative"),
    ),
)
sample(
    "vander_of",
    M.vander_of,
    lambda x, N=None: x[..., None] ** np.arange(x.shape[-1] if N is None else N),
    (Input((2, 3)),),
    ({}, {"N": 4}),
    takes="if",
    gives="sum",
    without={
        "empty": "powers of nothing are tried by vander",
        "dtypes": "the least integer type holds no powers: tests/test_linalg.py tries int64",
    },
    bad=(
        (lambda: M.vander_of(ones(3), N=1), ShapeError, "N must be greater than 1"),
        (lambda: M.vander_of(ones(3).half()), DTypeError, "but got torch.float16"),
    ),
)
