"""Linear algebra: what defines each part, derivatives where matrices are singular, and what the laws do not reach."""

from __future__ import annotations

import doctest
import importlib
import math
import pickle
from typing import Any

import numpy as np
import pytest

import nanograd as torch
from nanograd import autograd
from nanograd.kernels import decomposition
from nanograd.kernels import matmul as products

L = torch.linalg
DOUBLE = torch.float64


def draw(*shape: int, seed: int = 0) -> Any:
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape))


def close(a: Any, b: Any, tolerance: float = 1e-9) -> None:
    a, b = (x.detach().numpy() if hasattr(x, "array") else np.asarray(x) for x in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, tolerance, tolerance)


# What defines the parts

SHAPES = [(3, 3), (4, 3), (3, 4), (2, 5, 3), (2, 1, 3, 4), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_qr_is_orthogonal_times_triangular(shape: tuple[int, ...]) -> None:
    a, k = draw(*shape), min(shape[-2:])
    for mode, width in (("reduced", k), ("complete", shape[-2])):
        q, r = L.qr(a, mode)
        close(q @ r, a)
        close(q.mT @ q, np.broadcast_to(np.eye(width), (*shape[:-2], width, width)))
        close(r.tril(-1), torch.zeros_like(r))
    q, r = L.qr(a, "r")
    assert q.shape == (0,)
    close(r, L.qr(a).R)


@pytest.mark.parametrize("shape", SHAPES)
def test_svd_is_a_rotation_a_stretch_and_a_rotation(shape: tuple[int, ...]) -> None:
    a, k = draw(*shape), min(shape[-2:])
    u, s, vh = L.svd(a)
    assert (u.shape[-1], vh.shape[-1]) == shape[-2:]
    close((u[..., :k] * s.unsqueeze(-2)) @ vh[..., :k, :], a)
    close(u.mT @ u, torch.eye(shape[-2]).double().expand(u.shape))
    assert bool((s[..., :-1] >= s[..., 1:]).all() and (s >= 0).all())
    u, s, v = torch.svd(a)  # V itself, reduced
    close((u * s.unsqueeze(-2)) @ v.mT, a)
    close(L.svdvals(a), s)
    u, s, v = a.svd(compute_uv=False)
    assert u.shape[-2:] == (shape[-2],) * 2
    assert not u.any()
    close(s, L.svdvals(a))


def test_eigenvectors_are_stretched_by_their_eigenvalues() -> None:
    a = draw(2, 4, 4)
    both = a + a.mT
    for values, vectors in (L.eigh(both), L.eigh(both.triu(), UPLO="U")):
        close(both @ vectors, vectors * values.unsqueeze(-2))
        close(L.eigvalsh(both), values)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4), (5, 3), (2, 3, 5)])
def test_lu_is_a_permutation_of_two_triangles(shape: tuple[int, ...]) -> None:
    a = draw(*shape)
    p, lower, upper = L.lu(a)
    close(p @ lower @ upper, a)
    close(lower.triu(1), torch.zeros_like(lower))
    close(upper.tril(-1), torch.zeros_like(upper))
    assert bool((lower.abs() <= 1 + 1e-12).all())  # the pivot was the greatest of its column
    if shape[-1] == shape[-2]:
        factors = L.lu_factor(a)
        b, c = draw(*shape[:-1], 2), draw(2, shape[-1])
        close(a @ L.lu_solve(*factors, b), b)
        close(a.mT @ L.lu_solve(*factors, b, adjoint=True), b)
        close(L.lu_solve(*factors, c, left=False) @ a, c.expand(*shape[:-2], *c.shape))
        close(torch.lu_solve(b, *factors), L.lu_solve(*factors, b))


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4), (3, 3)])
def test_the_pseudo_inverse_obeys_the_four_conditions_of_penrose(shape: tuple[int, ...]) -> None:
    a = draw(*shape)
    a[..., -1, :] = a[..., 0, :]  # not of full rank
    p = L.pinv(a)
    close(a @ p @ a, a)
    close(p @ a @ p, p)
    close((a @ p).mT, a @ p)
    close((p @ a).mT, p @ a)
    close(L.pinv(a @ a.mT, hermitian=True), L.pinv(a @ a.mT), 1e-6)


def test_tolerances_decide_what_is_zero() -> None:
    a = torch.diag(torch.tensor([10.0, 1.0, 0.1]))
    assert [int(L.matrix_rank(a, **o)) for o in ({}, {"atol": 0.5}, {"rtol": 0.5}, {"tol": 5.0})] == [3, 2, 1, 1]
    assert L.matrix_rank(torch.stack([a, a * 0])).tolist() == [3, 0]
    assert L.matrix_rank(torch.stack([a, a]), atol=torch.tensor([0.5, 5.0])).tolist() == [2, 1]
    assert L.matrix_rank(a, hermitian=True, atol=0.5).item() == 2
    close(L.pinv(a, atol=0.5).diagonal(), torch.tensor([0.1, 1.0, 0.0]), 1e-6)
    close(L.pinv(a, rtol=0.5).diagonal(), torch.tensor([0.1, 0.0, 0.0]), 1e-6)


def test_least_squares_and_what_comes_with_them() -> None:
    a, b = draw(5, 3), draw(5, 2)
    x, residuals, rank, singular = L.lstsq(a, b, driver="gelsd")
    want = np.linalg.lstsq(a.numpy(), b.numpy())
    for mine, theirs in zip((x, residuals, rank, singular), want, strict=True):
        close(mine, theirs)
    assert [tuple(t.shape) for t in L.lstsq(a, b)] == [(3, 2), (0,), (), (0,)]
    assert [tuple(t.shape) for t in L.lstsq(draw(4, 5, 3), draw(4, 5))] == [(4, 3), (0,), (4,), (0,)]
    a[:, 2] = a[:, 0]  # of all solutions the shortest
    close(L.lstsq(a, b).solution, np.linalg.lstsq(a.numpy(), b.numpy())[0])


def test_cholesky_reads_one_triangle() -> None:
    a = draw(3, 3)
    whole = a @ a.mT + torch.eye(3).double()
    close(L.cholesky(whole.tril()), L.cholesky(whole))
    close(L.cholesky(whole.triu(), upper=True), L.cholesky(whole).mT)
    close(torch.cholesky_solve(a, L.cholesky(whole)), L.solve(whole, a))
    close(L.cholesky(whole, upper=True).cholesky_inverse(upper=True), whole.inverse())


def test_the_exponential_of_a_turn_is_a_rotation() -> None:
    for angle in (0.1, 2.0, 40.0):
        turned = torch.matrix_exp(torch.tensor([[0.0, -angle], [angle, 0.0]], dtype=DOUBLE))
        c, s = math.cos(angle), math.sin(angle)
        close(turned, np.array([[c, -s], [s, c]]))
    close(L.matrix_exp(torch.zeros(2, 3, 3)), torch.eye(3).expand(2, 3, 3))


# Derivatives


def test_the_gradient_of_the_determinant_of_a_singular_matrix() -> None:
    """The cofactors, which exist where no inverse does; second derivatives by finite differences."""
    rank_two = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]], dtype=DOUBLE)
    for a, cofactors in (
        (rank_two, [[3, -6, 3], [3, -6, 3], [-3, 6, -3]]),
        (torch.zeros(1, 1, dtype=DOUBLE), [[1]]),
        (torch.diag(torch.tensor([2.0, 0.0, 5.0], dtype=DOUBLE)), [[0, 0, 0], [0, 10, 0], [0, 0, 0]]),
        (torch.zeros(3, 3, dtype=DOUBLE), np.zeros((3, 3))),
    ):
        x = a.clone().requires_grad_()
        (g,) = autograd.grad(L.det(x), x)
        close(g, np.array(cofactors, float), 1e-8)
        (g,) = autograd.grad(L.det(x), x, create_graph=True)
        close(g, np.array(cofactors, float), 1e-8)
        if len(a) > 1:
            assert autograd.gradgradcheck(L.det, [x])
    batch = torch.stack([rank_two, torch.eye(3, dtype=DOUBLE)]).requires_grad_()
    assert autograd.gradcheck(L.det, [batch])


def test_gradients_through_parts_of_a_decomposition() -> None:
    """Of U, S, V, Q or R alone: what was not asked for counts as 0."""
    for shape in ((4, 3), (3, 4), (3, 3)):
        a = draw(*shape).requires_grad_()
        for pick in (lambda a: L.svd(a, False).U, lambda a: L.svd(a, False).S, lambda a: L.svd(a, False).Vh, L.svdvals,
                     lambda a: L.qr(a).Q, lambda a: L.qr(a).R):  # fmt: skip
            assert autograd.gradcheck(pick, [a])
            assert autograd.gradgradcheck(pick, [a])
    square = draw(3, 3).requires_grad_()
    for pick in (lambda a: L.eigh(a + a.mT).eigenvalues, lambda a: L.eigh(a + a.mT).eigenvectors):
        assert autograd.gradcheck(pick, [square])
    for a in (square, draw(4, 3).requires_grad_(), draw(2, 3, 5).requires_grad_()):
        assert autograd.gradcheck(lambda a: L.lu_factor_ex(a).LU, [a])
        assert autograd.gradgradcheck(lambda a: L.lu_factor_ex(a).LU, [a])
        assert autograd.gradcheck(lambda a: L.lu(a).L @ L.lu(a).U, [a])
    assert autograd.gradcheck(lambda a: L.slogdet(a).logabsdet, [square])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: L.qr(a, "complete").Q, "not differentiable when mode='complete' and nrows > ncols"),
        (lambda a: L.qr(a, "r").R, "depends on Q, which is not computed when mode='r'"),
    ],
)
def test_derivatives_that_are_not_there_are_refused(call: Any, words: str) -> None:
    y = call(draw(4, 3).requires_grad_())
    with pytest.raises(RuntimeError, match=words):
        y.sum().backward()


def test_gradients_of_a_rank_that_stays() -> None:
    base, other = draw(4, 2).requires_grad_(), draw(2, 3, seed=1).requires_grad_()
    assert autograd.gradcheck(lambda a, b: L.pinv(a @ b, rtol=1e-8), [base, other])


def test_at_distance_zero_the_gradient_is_zero() -> None:
    for p in (1, 2, 3, math.inf):
        for mode in ("use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
            a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
            torch.cdist(a, a.detach()[:1], p, mode).sum().backward()
            assert not a.grad[0].any()
            assert bool(a.grad[1].any())


def test_distances_of_many_rows_hold_no_differences() -> None:
    """The three ways to a distance agree, in either dtype."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((300, 40)), rng.standard_normal((200, 40))
    exact = np.sqrt(((a[:, None] - b) ** 2).sum(-1))
    for by_product in (True, False):
        close(products.distances(a, b, by_product), exact)
        close(products.distances(a.astype(np.float32), b.astype(np.float32), by_product), exact, 1e-4)
    close(torch.cdist(torch.tensor(a), torch.tensor(b)), exact)


# Batches of which some have no solution


def test_of_a_batch_the_failing_element_is_named() -> None:
    batch = torch.stack([torch.eye(3), torch.ones(3, 3), torch.eye(3)])
    for call, words in (
        (L.inv, r"linalg.inv: \(Batch element 1\): The diagonal element 2 is zero"),
        (lambda a: L.solve(a, torch.ones(3, 1)), r"linalg.solve: \(Batch element 1\): The solver failed"),
        (L.cholesky, r"\(Batch element 1\): .*leading minor of order 2 is not positive-definite"),
        (L.lu_factor, r"\(Batch element 1\): U\[2,2\] is zero"),
    ):
        with pytest.raises(L.LinAlgError, match=words):
            call(batch)
    inverse, info = L.inv_ex(batch)
    assert info.tolist() == [0, 2, 0]
    assert info.dtype is torch.int32
    close(inverse[2], torch.eye(3))
    assert bool(inverse[1].isnan().all())
    lower, info = L.cholesky_ex(batch)
    assert info.tolist() == [0, 2, 0]
    close(lower[0], torch.eye(3))
    x, info = L.solve_ex(batch, torch.ones(3, 1))
    assert info.tolist() == [0, 2, 0]
    close(x[2], torch.ones(3, 1))
    with pytest.raises(L.LinAlgError, match=r"linalg.inv_ex: \(Batch element 1"):
        L.inv_ex(batch, check_errors=True)
    assert issubclass(L.LinAlgError, RuntimeError)


def test_the_order_of_the_first_failing_minor() -> None:
    a = np.eye(4)
    for order in (1, 2, 4):
        broken = a.copy()
        broken[order - 1, order - 1] = -1
        assert decomposition.cholesky(broken)[1] == order
    assert decomposition.cholesky(np.full((2, 2), np.nan))[1] == 1


def test_zero_pivots_are_counted_from_one() -> None:
    for at in range(3):
        a = np.eye(3)
        a[at, at] = 0
        assert decomposition.lu(a)[2] == at + 1
        assert decomposition.inv(a)[1] == at + 1


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0)])
def test_square_matrices_without_elements(shape: tuple[int, ...]) -> None:
    a = torch.zeros(shape)
    assert L.inv(a).shape == shape
    assert L.cholesky(a).shape == shape
    assert L.matrix_exp(a).shape == shape
    assert L.det(a).tolist() == np.linalg.det(a.numpy()).tolist()
    assert L.solve(a, a).shape == shape
    assert L.eigh(a).eigenvectors.shape == shape
    assert L.matrix_power(a, 3).shape == shape
    assert L.lu(a).P.shape == shape


# Products


def test_the_cheapest_order_multiplies_least() -> None:
    from nanograd.ops.products import _cheapest_splits

    split = _cheapest_splits((30, 35, 15, 5, 10, 20, 25))  # Cormen et al.: ((A1 (A2 A3)) ((A4 A5) A6))
    assert split[0, 5] == 2
    assert split[0, 2] == 0
    assert split[3, 5] == 4


def test_einsum_never_builds_the_whole_product() -> None:
    """Five matrices with sides of 60: their product over all letters at once would have 60⁶ elements."""
    rng = np.random.default_rng(0)
    ms = [rng.standard_normal((60, 60)) for _ in range(5)]
    y = torch.einsum("ab,bc,cd,de,ef->af", *map(torch.tensor, ms))
    close(y, np.linalg.multi_dot(ms), 1e-9)


def test_einsum_takes_lists_of_operands_and_of_numbers() -> None:
    a, b = draw(2, 3), draw(3, 4)
    close(torch.einsum("ij,jk", [a, b]), a @ b)
    close(torch.einsum(a, [0, 1], b, [1, 2], [2, 0]), (a @ b).mT)
    close(torch.einsum(a, [..., 1], b, [1, 2]), a @ b)
    close(torch.einsum("ba", a), a.mT)  # without an arrow: in alphabetical order
    close(torch.einsum("...ij->...ji", draw(5, 2, 3)), draw(5, 2, 3).mT)
    assert torch.einsum("ij->", torch.ones(2, 2, dtype=torch.int32)).dtype is torch.int64
    assert torch.einsum("ij,jk->ik", *[torch.ones(2, 2, dtype=torch.int32)] * 2).dtype is torch.int32
    assert torch.einsum("ij,jk->k", *[torch.ones(2, 2, dtype=torch.int32)] * 2).tolist() == [4, 4]


def test_a_product_of_a_batch_with_one_matrix_is_one_product() -> None:
    """Values and gradients of (…, n, k) (k, m), dense and not, against NumPy's."""
    a, b = draw(4, 5, 3).requires_grad_(), draw(3, 2).requires_grad_()
    for x in (a, a.mT.contiguous().mT, a[::2], a.permute(1, 0, 2)):
        close(x @ b, x.detach().numpy() @ b.detach().numpy())
    assert autograd.gradcheck(lambda a, b: a @ b, [a, b])
    assert autograd.gradgradcheck(lambda a, b: a.permute(1, 0, 2) @ b, [a, b])


def test_beta_zero_ignores_even_nan() -> None:
    x = torch.full((2, 2), math.nan)
    assert torch.addmm(x, torch.eye(2), torch.eye(2), beta=0).tolist() == [[1, 0], [0, 1]]
    x.addmm_(torch.eye(2), torch.eye(2), beta=0, alpha=2)
    assert x.tolist() == [[2, 0], [0, 2]]


def test_names_of_nodes() -> None:
    a, b, v = draw(2, 3).requires_grad_(), draw(3, 2), draw(3)
    for y, name in (
        (a @ b, "Mm"), (a @ v, "Mv"), (v @ a.mT, "SqueezeBackward4"), (a[0] @ v, "Dot"),
        (draw(4, 2, 3) @ a.mT, "UnsafeView"), (torch.bmm(a[None], b[None]), "Bmm"), (torch.trace(a), "Trace"),
        (torch.addmm(a, draw(2, 2), a), "Addmm"), (torch.addmv(a[:, 0], a, v), "Addmv"),
        (torch.addr(a, a[:, 0], v), "Addr"), (torch.linalg.inv(a @ b), "LinalgInvEx"), (L.det(a @ b), "LinalgDet"),
        (L.solve(a @ b, a), "LinalgSolveEx"), (a.svd().V, "Transpose"), (L.cross(a, a), "LinalgCross"),
        (torch.nn.functional.linear(draw(4, 2, 3), a), "UnsafeView"), (torch.nn.functional.linear(draw(4, 3), a), "Mm"),
        (torch.nn.functional.linear(draw(4, 2, 3), a, a[:, 0]), "View"), (L.pinv(a), "LinalgPinv"),
    ):  # fmt: skip
        assert f"grad_fn=<{name if name[-1].isdigit() else name + 'Backward0'}>" in repr(y)


# Other names


def test_results_have_names_and_travel() -> None:
    y = L.svd(torch.eye(2))
    assert repr(y).startswith(
        "torch.return_types.linalg_svd(\nU=tensor([[1., 0.],\n        [0., 1.]]),\nS=tensor([1., 1.]"
    )
    again = pickle.loads(pickle.dumps(y))
    assert again.S.tolist() == [1, 1]
    assert type(torch.eye(2).slogdet()).__name__ == "slogdet"
    assert type(L.slogdet(torch.eye(2))).__name__ == "linalg_slogdet"
    assert torch.triangular_solve(torch.ones(2, 1), torch.eye(2)).solution.tolist() == [[1], [1]]


def test_vander_of_integers() -> None:
    assert torch.vander(torch.tensor([1, 2, 3])).tolist() == [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    assert L.vander(torch.tensor([[2, 3], [4, 5]]), N=3).tolist() == [[[1, 2, 4], [1, 3, 9]], [[1, 4, 16], [1, 5, 25]]]
    assert torch.vander(torch.tensor([2, 3], dtype=torch.int8)).dtype is torch.int64


def test_absent_names_say_what_to_use() -> None:
    for module, name, words in (
        (L, "eig", "Of symmetric matrices use torch.linalg.eigh"),
        (L, "eigvals", "no complex numbers"),
        (torch.fft, "fft", "Use numpy.fft.rfft"),
        (torch.fft, "rfft", "no complex numbers"),
        (L, "slogdett", "Did you mean 'slogdet'"),
    ):
        with pytest.raises(AttributeError, match=words):
            getattr(module, name)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies_and_their_order(n: int) -> None:
    for d in (1.0, 0.1):
        close(torch.fft.fftfreq(n, d).double(), np.fft.fftfreq(n, d), 1e-6)
        close(torch.fft.rfftfreq(n, d, dtype=DOUBLE), np.fft.rfftfreq(n, d))
    x = draw(n, 3)
    for dim in (None, 0, (0, 1), -1):
        close(torch.fft.fftshift(x, dim), np.fft.fftshift(x.numpy(), dim))
        close(torch.fft.ifftshift(x, dim), np.fft.ifftshift(x.numpy(), dim))
        close(torch.fft.ifftshift(torch.fft.fftshift(x, dim), dim), x)


def test_frequencies_of_nothing_are_refused() -> None:
    with pytest.raises(RuntimeError, match="expected n of at least 1, got 0"):
        torch.fft.fftfreq(0)
    with pytest.raises(RuntimeError, match="expected a sample spacing d other than 0"):
        torch.fft.rfftfreq(4, 0.0)


MODULES = ("linalg", "fft", *(f"ops.{m}" for m in (
    "distances", "factoring", "linalg", "matrices", "products", "solving", "spectra", "subscripts",
)))  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_docstrings_run(module: str) -> None:
    found = importlib.import_module(f"nanograd.{module}")
    assert not doctest.testmod(found, extraglobs={"torch": torch}).failed
