"""Samples of inverses, solutions and determinants, and of matrices as products of triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, LinAlgError, ShapeError
from nanograd.ops import factoring as _factoring
from nanograd.ops import solving as _solving
from nanograd.ops.ranges import eye
from nanograd.testing.sample import Array, Bad, Case, Input, Shape, away, ones, sample

S: Any = _solving  # untyped: bad input is among what its functions are given
F: Any = _factoring

WIDE = {"dtypes": "LAPACK takes float32 and float64 only: the bad input says so"}
FINITE = {"silent": "matrices that are not finite have no such parts: an error, not a warning"}
NOT_EMPTY = {"empty": "tests/test_linalg.py tries matrices without elements"}


def regular(rng: np.random.Generator, shape: Shape) -> Array:
    """Matrices that are far from singular."""
    rows, columns = (1, *shape)[-2:]
    return np.asarray(rng.uniform(-1, 1, shape) + 2 * np.eye(rows, columns))


def refusals(call: Any, square: bool = True) -> tuple[Bad, ...]:
    """What a function of matrices does not take."""
    bad: list[Bad] = [
        (lambda: call(ones(3)), ShapeError, "at least 2 dimensions"),
        (lambda: call(eye(2).int()), DTypeError, "a floating point or complex tensor as input. Got torch.int32"),
        (lambda: call(eye(2).half()), DTypeError, "Low precision dtypes not supported. Got torch.float16"),
    ]
    if square:
        bad.append((lambda: call(ones(2, 3)), ShapeError, "batches of square matrices, but they are 2 by 3 matrices"))
    return tuple(bad)


def of_matrix(name: str, call: Any, formula: Any, shape: Shape = (2, 3, 3), *options: Any, **more: Any) -> None:
    """A function of one matrix, or a batch."""
    more["without"] = {**WIDE, **FINITE, **more.get("without", {})}
    more.setdefault("empty", (Case(((0, 3, 3),)), Case(((0, 0),))))
    sample(name, call, formula, (Input(shape, more.pop("domain", regular)),), *options, takes="f", **more)


SINGULAR = r"\(Batch element 1\): The diagonal element 2 is zero.*because the input matrix is singular"


def halves(x: Any = None) -> Any:
    """One regular matrix, and one that is singular: all ones."""
    batch = ones(2, 3, 3)
    batch[0] = eye(3)
    return batch


def _info(shape: tuple[int, ...]) -> Array:
    return np.zeros(shape[:-2], np.int32)


of_matrix(
    "inverse", S.inverse, np.linalg.inv,
    bad=(*refusals(S.inverse), (lambda: S.inverse(halves()), LinAlgError, SINGULAR)),
)  # fmt: skip
of_matrix("inv", S.inv, np.linalg.inv, bad=refusals(S.inv))
of_matrix("inv_ex", S.inv_ex, lambda a: [np.linalg.inv(a), _info(a.shape)], bad=refusals(S.inv_ex))
of_matrix("inverted", S.inverted, lambda a: [np.linalg.inv(a), _info(a.shape)])


# Solutions


def _solve(a: Array, b: Array, left: bool = True) -> Array:
    if b.ndim == 1:
        return np.linalg.solve(a, b[:, None])[..., 0]
    return np.linalg.solve(a, b) if left else np.linalg.solve(a.swapaxes(-1, -2), b.swapaxes(-1, -2)).swapaxes(-1, -2)


EQUATION = (Input((3, 3), regular), Input((3, 3)))
sample(
    "solve",
    S.solve,
    _solve,
    EQUATION,
    ({}, {"left": False}),
    takes="f",
    broadcast=(Case(((2, 3, 3), (3, 4))), Case(((3, 3), (2, 3, 1))), Case(((3, 3), (3,)))),
    empty=(Case(((0, 3, 3), (0, 3, 2))), Case(((0, 0), (0, 2))), Case(((3, 3), (3, 0)))),
    without={**WIDE, **FINITE},
    bad=(
        (lambda: S.solve(ones(3, 3), ones(3)), LinAlgError, "The solver failed because the input matrix is singular"),
        (lambda: S.solve(halves(), ones(3, 1)), LinAlgError, r"\(Batch element 1\): The solver failed"),
        (lambda: S.solve(eye(3), ones(4)), ShapeError, r"the equation AX = B \(3x3 and 4x1\)"),
        (lambda: S.solve(eye(3), ones(3), left=False), ShapeError, r"the equation XA = B \(3x3 and 3x1\)"),
        (lambda: S.solve(eye(3), ones()), ShapeError, "B must have at least 2 dimensions"),
        (lambda: S.solve(eye(3), ones(3, dtype=float)), DTypeError, "type torch.float32 and B of type torch.float64"),
        *refusals(lambda a: S.solve(a, a)),
    ),
)
sample(
    "solved",
    S.solved,
    lambda a, b: [np.linalg.solve(a, b), _info(a.shape)],
    EQUATION,
    takes="f",
    without={**WIDE, **FINITE, **NOT_EMPTY},
)


def _triangular(a: Array, b: Array, upper: bool, unit: bool = False) -> Array:
    triangle = np.triu(a) if upper else np.tril(a)
    if unit:
        triangle = triangle - triangle * np.eye(a.shape[-1]) + np.eye(a.shape[-1])
    return np.linalg.solve(triangle, b)


TRIANGLES = tuple({"upper": u, "unit": v} for u in (True, False) for v in (True, False))
sample(
    "triangular",
    lambda a, b, upper=True, unit=False: S.triangular(a, b, upper, unit),
    _triangular,
    EQUATION,
    TRIANGLES,
    takes="f",
    broadcast=(Case(((2, 3, 3), (3, 4)), {"upper": True}), Case(((3, 3), (2, 3, 1)), {"upper": False})),
    empty=(Case(((0, 3, 3), (0, 3, 2)), {"upper": True}), Case(((0, 0), (0, 2)), {"upper": False})),
    without=WIDE,
)
sample(
    "solve_triangular",
    S.solve_triangular,
    lambda a, b, upper, left=True, unitriangular=False: (
        _triangular(a, b, upper, unitriangular) if left else _triangular(a.T, b.T, not upper, unitriangular).T
    ),
    EQUATION,
    ({"upper": True}, {"upper": False, "left": False, "unitriangular": True}),
    takes="f",
    without={**WIDE, **NOT_EMPTY},
    bad=(
        (lambda: S.solve_triangular(eye(3), ones(4, 2), upper=True), ShapeError, r"AX = B \(3x3 and 4x2\)"),
        (lambda: S.solve_triangular(eye(3), ones(3), upper=True), ShapeError, "B must have at least 2 dimensions"),
        *refusals(lambda a: S.solve_triangular(a, a, upper=True)),
    ),
)
sample(
    "triangular_solve",
    lambda b, a, **options: S.triangular_solve(b, a, **options),
    lambda b, a, upper=True, transpose=False: [_triangular(a.T if transpose else a, b, upper != transpose), a],
    (Input((3, 2)), Input((3, 3), regular)),
    ({}, {"upper": False}, {"transpose": True}),
    takes="f",
    without={**WIDE, **NOT_EMPTY},
    bad=((lambda: S.triangular_solve(ones(3), eye(3)), ShapeError, "Expected b to have at least 2 dimensions"),),
)


# Determinants

of_matrix("det", S.det, np.linalg.det, bad=refusals(S.det))
of_matrix("slogdet", S.slogdet, lambda a: list(np.linalg.slogdet(a)), bad=refusals(S.slogdet))
of_matrix("signed_logdet", lambda a: S.signed_logdet("slogdet", a), lambda a: list(np.linalg.slogdet(a)))
of_matrix("logdet", S.logdet, lambda a: np.log(np.linalg.det(a)), bad=refusals(S.logdet))


# Triangles


def positive(x: Any) -> Any:
    """x xᵀ + 1: symmetric and positive-definite."""
    return x @ x.mT + eye(x.shape[-1], dtype=x.dtype)


def _positive(x: Array) -> Array:
    return x @ x.swapaxes(-1, -2) + np.eye(x.shape[-1])


def _cholesky(x: Array, upper: bool = False) -> Array:
    y = np.linalg.cholesky(_positive(x))
    return y.swapaxes(-1, -2) if upper else y


NOT_POSITIVE = r"not positive-definite \(the leading minor of order 2 is not positive-definite\)"
for name, call in (("cholesky", F.cholesky), ("cholesky_of", F.cholesky_of)):
    of_matrix(
        name,
        lambda x, call=call, **options: call(positive(x), **options),
        _cholesky,
        (2, 3, 3),
        ({}, {"upper": True}),
        domain=away,
        bad=(*refusals(call), (lambda call=call: call(ones(3, 3)), LinAlgError, NOT_POSITIVE)),
    )
of_matrix(
    "factored", lambda x: F.factored(positive(x)), lambda x: [_cholesky(x), _info(x.shape)], domain=away,
)  # fmt: skip
LOWER = (Input((3, 2)), Input((3, 3), regular))


def _cholesky_solve(b: Array, factor: Array, upper: bool = False) -> Array:
    t = np.triu(factor).T if upper else np.tril(factor)
    return np.linalg.solve(t @ t.T, b)


sample(
    "cholesky_solve",
    F.cholesky_solve,
    _cholesky_solve,
    LOWER,
    ({}, {"upper": True}),
    takes="f",
    without={**WIDE, **NOT_EMPTY},
    bad=(
        (lambda: F.cholesky_solve(ones(3), eye(3)), ShapeError, "b should have at least 2 dimensions"),
        (lambda: F.cholesky_solve(ones(4, 1), eye(3)), ShapeError, "A matrix is 3 by 3 but each b matrix is 4 by 1"),
    ),
)
of_matrix(
    "cholesky_inverse", F.cholesky_inverse, lambda x, upper=False: _cholesky_solve(np.eye(3), x, upper), (3, 3),
    ({}, {"upper": True}), bad=refusals(F.cholesky_inverse), without=NOT_EMPTY, empty=(),
)  # fmt: skip


def _lu(a: Array) -> Any:
    """Row by row, as in the textbooks."""
    y, pivots = np.array(a), np.zeros(a.shape[:-1], np.int32)
    for place in np.ndindex(a.shape[:-2]):
        m = y[place]
        for j in range(len(m)):
            at = j + int(np.argmax(abs(m[j:, j])))
            m[[j, at]] = m[[at, j]]
            pivots[(*place, j)] = at + 1
            for i in range(j + 1, len(m)):
                m[i, j] /= m[j, j]
                m[i, j + 1 :] -= m[i, j] * m[j, j + 1 :]
    return [y, pivots, _info(a.shape)]


of_matrix("packed", F.packed, _lu, domain=away, without={"silent": "LU divides by pivots that may be 0"})
sample(
    "lu_solve",
    lambda b, a: F.lu_solve(b, *F.lu_factor(a)),
    lambda b, a: np.linalg.solve(a, b),
    (Input((2, 3, 2)), Input((2, 3, 3), regular)),
    takes="f",
    without={**WIDE, **FINITE, **NOT_EMPTY},
    bad=(
        (lambda: F.lu_solve(ones(3), *F.lu_factor(eye(3))), ShapeError, "B must have at least 2 dimensions"),
        (lambda: F.lu_factor(ones(3, 3)), LinAlgError, r"U\[2,2\] is zero"),
        (lambda: F.lu_factor(eye(3), pivot=False), NotImplementedError, "LU without pivoting"),
        *refusals(F.lu_factor, square=False),
    ),
)
of_matrix(
    "lu", F.lu, lambda a: _parts(_lu(a)), domain=away, bad=refusals(F.lu, square=False),
    without={"silent": "LU divides by pivots that may be 0"},
)  # fmt: skip


def _parts(packed: Any) -> Any:
    y, pivots, _ = packed
    n = y.shape[-1]
    places = np.zeros_like(y)
    for place in np.ndindex(y.shape[:-2]):
        order = list(range(n))
        for j, at in enumerate(pivots[place] - 1):
            order[j], order[at] = order[at], order[j]
        for i, source in enumerate(order):
            places[(*place, source, i)] = 1
    return [places, np.tril(y, -1) + np.eye(n), np.triu(y)]


of_matrix(
    "tensorinv", lambda a, ind=1: S.tensorinv(a.reshape(3, 3, 1), ind),
    lambda a: np.linalg.tensorinv(a.reshape(3, 3, 1), 1), (3, 3), empty=(), without=NOT_EMPTY,
    bad=(
        (lambda: S.tensorinv(ones(6, 2, 3), ind=0), ShapeError, "strictly positive integer for 'ind', but got 0"),
        (lambda: S.tensorinv(ones(6, 2, 4), ind=1), ShapeError, "but got 8 != 6"),
    ),
)  # fmt: skip
sample(
    "tensorsolve",
    lambda a, b: S.tensorsolve(a.reshape(3, 1, 3), b),
    lambda a, b: np.linalg.tensorsolve(a.reshape(3, 1, 3), b),
    (Input((3, 3), regular), Input((3,))),
    takes="f",
    without={**WIDE, **FINITE, **NOT_EMPTY},
    bad=((lambda: S.tensorsolve(ones(6, 2, 4), ones(6)), ShapeError, "but got 8 != 6"),),
)
