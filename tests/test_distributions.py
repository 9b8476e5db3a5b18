"""Distributions: their formulas, samples with the moments and ranks they should have, gradients, bad input."""

from __future__ import annotations

import doctest
import importlib
import math
import pkgutil
import sys
from typing import Any

import numpy as np
import pytest

import nanograd as torch
import nanograd.distributions as D
from nanograd import autograd
from nanograd.kernels import chance

COUNT = 20_000


def t(*values: Any) -> Any:
    return torch.tensor(values[0] if len(values) == 1 else list(values), dtype=torch.float64)


def simple() -> dict[str, Any]:
    """One distribution of each kind, of numbers, with parameters that are not special."""
    return {
        "Normal": D.Normal(t(0.7), t(1.3)), "LogNormal": D.LogNormal(t(0.2), t(0.4)),
        "Laplace": D.Laplace(t(-1.0), t(0.6)), "Uniform": D.Uniform(t(-1.0), t(2.5)),
        "Exponential": D.Exponential(t(1.7)), "Gamma": D.Gamma(t(2.3), t(1.5)),
        "SmallGamma": D.Gamma(t(0.3), t(2.0)), "Beta": D.Beta(t(1.5), t(2.5)),
        "Bernoulli": D.Bernoulli(t(0.3)), "Geometric": D.Geometric(t(0.4)),
        "Binomial": D.Binomial(7, t(0.35)), "Poisson": D.Poisson(t(2.6)),
    }  # fmt: skip


DISCRETE = {"Bernoulli", "Geometric", "Binomial", "Poisson"}
NAMES = sorted(simple())


def grid(d: Any, name: str) -> tuple[Any, Any]:
    """Values that cover the distribution, and the width that each stands for."""
    if name in DISCRETE:
        values = torch.arange(2 if name == "Bernoulli" else 8 if name == "Binomial" else 60).double()
        return values, torch.ones_like(values)
    n = 200_000
    if name in ("LogNormal", "Exponential", "Gamma", "SmallGamma"):  # a density may have a pole at 0
        u = torch.arange(n).double() * (65 / n) - 60
        return u.exp(), u.exp() * (65 / n)
    low, high = {"Beta": (0.0, 1.0), "Uniform": (-1.0, 2.5)}.get(name, (-25.0, 25.0))
    step = (high - low) / n
    return torch.arange(n).double() * step + low + step / 2, torch.full((n,), step).double()


# Formulas


@pytest.mark.parametrize("name", NAMES)
def test_densities_integrate_to_one_and_to_the_moments(name: str) -> None:
    d = simple()[name]
    x, width = grid(d, name)
    log_p = d.log_prob(x)
    p = log_p.exp() * width
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    mean = float((p * x).sum())
    assert mean == pytest.approx(float(d.mean), abs=1e-5)
    assert float((p * (x - mean) ** 2).sum()) == pytest.approx(float(d.variance), abs=1e-4)
    assert float(d.stddev) == pytest.approx(math.sqrt(float(d.variance)))
    if name != "Poisson":  # which has no closed form
        at = torch.isfinite(log_p)
        assert float(-(p[at] * log_p[at]).sum()) == pytest.approx(float(d.entropy()), abs=1e-4)
        assert float(d.perplexity()) == pytest.approx(math.exp(float(d.entropy())))
    if name not in ("Uniform", "SmallGamma"):  # where no value is the most likely
        assert float(d.log_prob(d.mode)) >= float(log_p.max()) - 1e-6


@pytest.mark.parametrize("name", ["Normal", "LogNormal", "Laplace", "Uniform", "Exponential"])
def test_cdf_is_the_sum_of_the_density_and_icdf_undoes_it(name: str) -> None:
    d = simple()[name]
    x, width = grid(d, name)
    total = (d.log_prob(x).exp() * width).cumsum(0)
    np.testing.assert_allclose(d.cdf(x).numpy(), total.numpy(), atol=1e-3)
    q = t(0.01, 0.3, 0.5, 0.9)
    np.testing.assert_allclose(d.cdf(d.icdf(q)).numpy(), q.numpy(), 1e-9)


# Samples


@pytest.mark.parametrize("name", NAMES)
def test_samples_have_the_mean_and_variance_and_the_density(name: str) -> None:
    torch.manual_seed(3)
    d = simple()[name]
    x = d.sample((COUNT,))
    assert x.shape == (COUNT,)
    assert x.dtype is torch.float64
    assert not x.requires_grad
    error = float(d.stddev) / math.sqrt(COUNT)
    assert abs(float(x.mean() - d.mean)) < 4.5 * error
    fourth = float(((x - d.mean) ** 4).mean())
    assert abs(float(x.var() - d.variance)) < 4.5 * math.sqrt(fourth / COUNT) + 1e-3
    assert bool(d.support.check(x).all())
    # The share of samples up to each of a few values, beside the sum of the density up to there
    values, width = grid(d, name)
    total = (d.log_prob(values).exp() * width).cumsum(0)
    for share in (0.05, 0.3, 0.6, 0.9):
        place = int((total < share).sum())
        assert abs(float((x <= values[place] + 1e-9).double().mean() - total[place])) < 0.02
    torch.manual_seed(3)
    np.testing.assert_array_equal(d.sample((COUNT,)).numpy(), x.numpy())


def test_categorical_draws_as_often_as_it_says() -> None:
    torch.manual_seed(0)
    p = torch.tensor([[0.1, 0.6, 0.3], [0.5, 0.0, 0.5]])
    d = D.Categorical(probs=p * 7)  # made to sum to 1
    x = d.sample((COUNT,))
    assert x.shape == (COUNT, 2)
    assert x.dtype is torch.int64
    share = torch.stack([(x == i).float().mean(0) for i in range(3)], -1)
    np.testing.assert_allclose(share.numpy(), p.numpy(), atol=0.02)
    np.testing.assert_allclose(
        d.log_prob(x[:50]).exp().numpy(), np.take_along_axis(p.numpy(), x[:50].numpy().T, 1).T, 1e-5
    )
    assert d.enumerate_support().tolist() == [[0, 0], [1, 1], [2, 2]]
    same = D.Categorical(logits=p.log().clamp(min=-40) + 5)
    np.testing.assert_allclose(same.probs.numpy(), p.numpy(), atol=1e-6)
    np.testing.assert_allclose(same.entropy().numpy(), [0.897946, 0.693147], 1e-4)
    assert d.mode.tolist() == [1, 0]


def test_vectors_of_counts_and_of_one() -> None:
    torch.manual_seed(0)
    p = torch.tensor([0.2, 0.5, 0.3])
    x = D.Multinomial(10, p).sample((4000,))
    assert x.sum(-1).unique().tolist() == [10]
    np.testing.assert_allclose(x.mean(0).numpy(), [2, 5, 3], atol=0.1)
    np.testing.assert_allclose(x.var(0).numpy(), [1.6, 2.5, 2.1], atol=0.15)
    one = D.OneHotCategorical(p).sample((4000, 1))
    assert one.shape == (4000, 1, 3)
    assert one.sum(-1).unique().tolist() == [1]
    np.testing.assert_allclose(one.mean((0, 1)).numpy(), p.numpy(), atol=0.03)
    assert D.OneHotCategorical(p).log_prob(torch.eye(3)).exp().tolist() == pytest.approx([0.2, 0.5, 0.3])
    two = D.Multinomial(2, p)  # all outcomes sum to 1
    outcomes = torch.tensor([[a, b, 2 - a - b] for a in range(3) for b in range(3 - a)]).float()
    chances = two.log_prob(outcomes)
    assert float(chances.exp().sum()) == pytest.approx(1, abs=1e-6)
    assert float(two.entropy()) == pytest.approx(float(-(chances.exp() * chances).sum()), abs=1e-5)
    assert D.Multinomial(0, p).sample((2,)).tolist() == [[0, 0, 0]] * 2


def test_vectors_of_the_normal_distribution() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    a, loc = rng.standard_normal((3, 3)), rng.standard_normal(3)
    cov = a @ a.T + np.eye(3)
    lower = np.linalg.cholesky(cov)
    x = rng.standard_normal((5, 3))
    apart = x - loc
    exact = -0.5 * (np.einsum("ni,ij,nj->n", apart, np.linalg.inv(cov), apart) + np.log(np.linalg.det(2 * np.pi * cov)))
    for given in ({"covariance_matrix": cov}, {"precision_matrix": np.linalg.inv(cov)}, {"scale_tril": lower}):
        d = D.MultivariateNormal(t(loc), **{k: t(v) for k, v in given.items()})
        np.testing.assert_allclose(d.log_prob(t(x)).numpy(), exact, 1e-9)
        np.testing.assert_allclose(d.covariance_matrix.numpy(), cov, 1e-8)
        np.testing.assert_allclose(d.precision_matrix.numpy(), np.linalg.inv(cov), 1e-8)
        np.testing.assert_allclose(d.scale_tril.numpy(), lower, 1e-8)
        np.testing.assert_allclose(d.variance.numpy(), np.diag(cov), 1e-8)
        assert float(d.entropy()) == pytest.approx(0.5 * np.log(np.linalg.det(2 * np.pi * np.e * cov)))
    samples = d.sample((COUNT,)).numpy()
    np.testing.assert_allclose(samples.mean(0), loc, atol=0.06)
    np.testing.assert_allclose(np.cov(samples.T), cov, atol=0.2)
    wide = d.expand((4, 2))
    assert wide.rsample((3,)).shape == (3, 4, 2, 3)
    assert wide.log_prob(t(x[0])).shape == (4, 2)
    assert wide.entropy().shape == (4, 2)


# Gradients


@pytest.mark.parametrize("name", ["Normal", "LogNormal", "Laplace", "Uniform", "Exponential", "Gamma", "SmallGamma"])
def test_samples_move_with_the_parameters_as_their_ranks_stay(name: str) -> None:
    """∂x/∂θ = -(∂F(x; θ)/∂θ) / p(x), F by integrating the density."""
    d = simple()[name]
    values = [vars(d).get(k, getattr(d, k, None)) for k in d.arg_constraints]
    kind = type(d)
    for place, _ in enumerate(values):
        leaves = [v.detach().clone().requires_grad_() for v in values]
        torch.manual_seed(1)
        x = kind(*leaves).rsample((6,))
        grads = [autograd.grad(x[i], leaves[place], retain_graph=True)[0] for i in range(6)]
        h = 1e-4
        for i in range(6):
            up, down = (
                _mass_below(
                    kind, [v.detach() + (s * h if j == place else 0) for j, v in enumerate(leaves)], x[i].detach()
                )
                for s in (1, -1)
            )
            density = float(kind(*[v.detach() for v in leaves]).log_prob(x[i].detach()).exp())
            assert float(grads[i]) == pytest.approx(-(up - down) / (2 * h) / density, rel=2e-3, abs=1e-5)


def _mass_below(kind: Any, parameters: list[Any], x: Any) -> float:
    """F(x), by cdf or by Simpson's rule in u, x = e^u, which takes the pole at 0 away."""
    d = kind(*parameters, validate_args=False)
    if kind is not D.Gamma:
        return float(d.cdf(x))
    u = torch.linspace(-150.0, float(x.log()), 40_001, dtype=torch.float64)
    f = (d.log_prob(u.exp()) + u).exp()
    weights = torch.ones(40_001).double() * 2
    weights[1::2] = 4
    weights[0] = weights[-1] = 1
    return float((f * weights).sum() * (u[1] - u[0]) / 3)


def test_gradients_of_shares_are_right_on_average() -> None:
    """Of samples that are quotients of gamma numbers: ∂E[x²]/∂α beside the mean of ∂x²/∂α."""
    torch.manual_seed(0)
    a = t(1.5, 2.5, 0.7).requires_grad_()
    many = a.detach().expand(COUNT, 3).clone().requires_grad_()
    for d, x in (
        (D.Dirichlet(a), D.Dirichlet(many).rsample()[:, 0]),
        (D.Beta(a[0], a[1]), D.Beta(many[:, 0], many[:, 1]).rsample()),
    ):
        (exact,) = autograd.grad((d.variance + d.mean**2).reshape(-1)[0], a)
        (g,) = autograd.grad((x**2).sum(), many)
        error = g.std(0) / math.sqrt(COUNT)
        assert bool(((g.mean(0) - exact).abs() <= 5 * error + 1e-12).all())


def test_gamma_samples_move_alike_on_both_sides_of_the_switch() -> None:
    """The series and the cube of Wilson and Hilferty meet; each agrees with differences of the other's ranks."""
    for a in (0.02, 0.8, 5.0, 80.0, 3000.0):
        shapes = np.full(200, a)
        x = chance.gamma(shapes, 1, 2)
        slope = chance.gamma_slope(shapes, x)
        assert np.isfinite(slope).all()
        assert (slope >= 0).all()
        if a > 50:  # the same rank, by the cube
            np.testing.assert_allclose(slope, chance._cube_slope(shapes, x), 20 / a**1.5 + 1e-6)
    below, above = np.nextafter(chance.LARGE, 0), chance.LARGE
    x = np.linspace(0.97, 1.03, 9) * chance.LARGE
    low, high = (chance.gamma_slope(np.full(9, a), x) for a in (below, above))
    np.testing.assert_allclose(low, high, 1e-5)


def test_gradients_of_gamma_samples_are_of_first_order() -> None:
    a = t(2.0).requires_grad_()
    (g,) = autograd.grad(D.Gamma(a, 1.0).rsample(), a, create_graph=True)
    with pytest.raises(RuntimeError, match="the second derivative of gamma samples is not known"):
        autograd.grad(g, a)


def test_what_cannot_flow_through_samples_says_what_to_do() -> None:
    for d in (D.Categorical(torch.ones(3)), D.Bernoulli(0.5), D.Poisson(1.0), D.Geometric(0.5), D.Binomial(3, 0.5)):
        assert not d.has_rsample
        with pytest.raises(NotImplementedError, match=r"Use sample\(\), and log_prob of what was drawn"):
            d.rsample()
    p = torch.tensor([0.2, 0.8], requires_grad=True)
    D.OneHotCategoricalStraightThrough(p).rsample()[0].backward()
    np.testing.assert_allclose(p.grad.numpy(), [0.8, -0.2], 1e-5)  # as p / Σ p


def test_the_gradient_of_reinforce() -> None:
    """E[R ∇ ln p] over all actions is ∇ E[R]."""
    logits = t(0.1, -0.4, 0.7).requires_grad_()
    reward = t(1.0, 2.0, -1.0)
    d = D.Categorical(logits=logits)
    actions = d.enumerate_support()
    weights = d.probs.detach()
    (surrogate,) = autograd.grad((weights * reward * d.log_prob(actions)).sum(), logits)
    (exact,) = autograd.grad((D.Categorical(logits=logits).probs * reward).sum(), logits)
    np.testing.assert_allclose(surrogate.numpy(), exact.numpy(), 1e-12)


# Divergences


def pairs() -> dict[str, tuple[Any, Any]]:
    return {
        "Normal": (D.Normal(t(0.0), t(1.0)), D.Normal(t(0.5), t(1.7))),
        "LogNormal": (D.LogNormal(t(0.0), t(0.4)), D.LogNormal(t(0.5), t(0.7))),
        "Laplace": (D.Laplace(t(0.0), t(1.0)), D.Laplace(t(0.5), t(1.7))),
        "Uniform": (D.Uniform(t(0.0), t(1.0)), D.Uniform(t(-0.5), t(1.7))),
        "Exponential": (D.Exponential(t(1.0)), D.Exponential(t(1.7))),
        "Gamma": (D.Gamma(t(1.3), t(1.0)), D.Gamma(t(2.0), t(1.7))),
        "Beta": (D.Beta(t(1.3), t(2.0)), D.Beta(t(2.0), t(1.7))),
        "Bernoulli": (D.Bernoulli(t(0.3)), D.Bernoulli(t(0.6))),
        "Geometric": (D.Geometric(t(0.3)), D.Geometric(t(0.6))),
        "Binomial": (D.Binomial(7, t(0.3)), D.Binomial(7, t(0.6))),
        "Poisson": (D.Poisson(t(2.0)), D.Poisson(t(3.0))),
    }


@pytest.mark.parametrize("name", sorted(pairs()))
def test_divergences_are_the_sum_of_their_definition(name: str) -> None:
    p, q = pairs()[name]
    x, width = grid(p, name) if name != "Uniform" else ((torch.arange(1000).double() + 0.5) / 1000, t([1e-3] * 1000))
    at = p.log_prob(x)
    exact = (at.exp() * (at - q.log_prob(x)) * width)[at > -700].sum()
    assert float(D.kl_divergence(p, q)) == pytest.approx(float(exact), abs=1e-4)
    assert float(D.kl_divergence(p, p)) == pytest.approx(0, abs=1e-12)


def test_divergences_of_vectors() -> None:
    torch.manual_seed(0)
    dirichlet = D.Dirichlet(t(1.0, 2.0, 3.0)), D.Dirichlet(t(2.0, 1.5, 1.0))
    normal = (
        D.MultivariateNormal(t(0.0, 1.0), torch.eye(2).double()),
        D.MultivariateNormal(t(0.5, 0.5), t([[2.0, 0.5], [0.5, 1.0]])),
    )
    for p, q in (dirichlet, normal):
        x = p.sample((COUNT,))
        apart = p.log_prob(x) - q.log_prob(x)
        assert abs(float(apart.mean() - D.kl_divergence(p, q))) < 5 * float(apart.std()) / math.sqrt(COUNT)
    one, two = (D.Independent(D.Normal(t(m, 1.0), t(s, 1.0)), 1) for m, s in ((0.0, 1.0), (1.0, 2.0)))
    assert float(D.kl_divergence(one, two)) == pytest.approx(float(D.kl_divergence(*pairs_of(one, two)).sum()))
    probs = t(0.2, 0.8), t(0.5, 0.5)
    for kind in (D.Categorical, D.OneHotCategorical):
        exact = 0.2 * math.log(0.4) + 0.8 * math.log(1.6)
        assert float(D.kl_divergence(kind(probs[0]), kind(probs[1]))) == pytest.approx(exact)
    assert float(D.kl_divergence(D.Categorical(t(0.5, 0.5)), D.Categorical(t(0.0, 1.0)))) == math.inf
    assert float(D.kl_divergence(D.Uniform(0.0, 2.0), D.Uniform(0.0, 1.0))) == math.inf


def pairs_of(p: Any, q: Any) -> tuple[Any, Any]:
    return p.base_dist, q.base_dist


def test_unknown_divergences_are_named_and_can_be_taught() -> None:
    with pytest.raises(NotImplementedError, match=r"p type Normal and q type Bernoulli\. Estimate it"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Bernoulli(0.5))

    class Mine(D.Normal):
        pass

    assert float(D.kl_divergence(Mine(0.0, 1.0), D.Normal(1.0, 1.0))) == 0.5  # by its base

    @D.register_kl(Mine, D.Bernoulli)
    def taught(p: Any, q: Any) -> Any:
        return p.loc + 7

    try:
        assert float(D.kl_divergence(Mine(0.0, 1.0), D.Bernoulli(0.5))) == 7
    finally:
        del D.kl.FORMULAS[Mine, D.Bernoulli]
    with pytest.raises(TypeError, match="expected two classes of distributions"):
        D.register_kl(int, D.Normal)


# Shapes


def test_batches_and_events() -> None:
    base = D.Normal(torch.zeros(4, 3), torch.ones(3))
    assert (base.batch_shape, base.event_shape) == ((4, 3), ())
    assert base.sample((2, 5)).shape == (2, 5, 4, 3)
    one = D.Independent(base, 1)
    assert (one.batch_shape, one.event_shape) == ((4,), (3,))
    assert one.log_prob(torch.zeros(4, 3)).shape == (4,)
    assert one.entropy().shape == (4,)
    assert one.expand((2, 4)).rsample().shape == (2, 4, 3)
    assert repr(one) == "Independent(Normal(loc: torch.Size([4, 3]), scale: torch.Size([4, 3])), 1)"
    three, rows = torch.ones(3), torch.ones(3, 4)
    for d in (
        D.Beta(three, 2.0), D.LogNormal(three, 1.0), D.Bernoulli(logits=three), D.Categorical(rows), D.Dirichlet(rows),
        D.OneHotCategorical(rows), D.Multinomial(5, rows), D.Uniform(three * 0, 1.0), D.Binomial(5, three / 2),
    ):  # fmt: skip
        wide = d.expand((2, 3))
        assert wide.batch_shape == (2, 3)
        assert wide.event_shape == d.event_shape
        x = wide.sample((5,))
        assert x.shape == (5, 2, 3, *d.event_shape)
        assert wide.log_prob(x).shape == (5, 2, 3)
        assert wide.entropy().shape == (2, 3)
        torch.testing.assert_close(wide.mean[0], d.mean, equal_nan=True)
    assert D.Bernoulli(torch.ones(2) / 2).enumerate_support(expand=False).shape == (2, 1)


# What is refused


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: D.Normal(torch.tensor([0.0, 1.0]), torch.tensor([-1.0, 1.0])),
            r"Expected parameter scale \(Tensor of shape \(2,\)\) of distribution Normal\(loc: torch.Size\(\[2\]\), "
            r"scale: torch.Size\(\[2\]\)\) to satisfy the constraint GreaterThan\(lower_bound=0.0\), but found invalid "
            r"values:\ntensor\(\[-1.,  1.\]\)",
        ),
        (lambda: D.Normal(math.nan, 1.0), r"Expected parameter loc .* constraint Real\(\)"),
        (lambda: D.Normal("0", 1.0), "must all be instances of Number or torch.Tensor, got str"),
        (lambda: D.Normal(0.0, 1.0).log_prob(1.0), "The value argument to log_prob must be a Tensor"),
        (
            lambda: D.Normal(torch.zeros(2), 1.0).log_prob(torch.zeros(3)),
            r"Value is not broadcastable with .*\[3\]\) vs",
        ),
        (lambda: D.Dirichlet(torch.ones(3)).log_prob(torch.ones(2)), "right-most size of value must match event_shape"),
        (
            lambda: D.Categorical(torch.ones(3)).log_prob(torch.tensor(3)),
            r"Expected value argument \(Tensor of shape \(\)\) to be within the support "
            r"\(IntegerInterval\(lower_bound=0, upper_bound=2\)\) of the distribution Categorical\(probs: "
            r"torch.Size\(\[3\]\)\), but found invalid values:\n3",
        ),
        (lambda: D.Categorical(torch.tensor([-1.0, 2.0])), r"Expected parameter probs .* constraint Simplex\(\)"),
        (lambda: D.Categorical(), "Either `probs` or `logits` must be specified, but not both"),
        (lambda: D.Bernoulli(0.1, 0.2), "Either `probs` or `logits` must be specified, but not both"),
        (lambda: D.Bernoulli(2.0), r"Interval\(lower_bound=0.0, upper_bound=1.0\)"),
        (lambda: D.Bernoulli(0.3).log_prob(torch.tensor(0.5)), r"support \(Boolean\(\)\)"),
        (lambda: D.Categorical(torch.tensor(1.0)), "`probs` parameter must be at least one-dimensional"),
        (lambda: D.Uniform(1.0, 0.0), r"constraint LessThan\(upper_bound=0.0\)"),
        (lambda: D.Geometric(0.0), "to be positive but found invalid values"),
        (lambda: D.Dirichlet(torch.tensor(1.0)), "`concentration` parameter must be at least one-dimensional"),
        (lambda: D.MultivariateNormal(torch.ones(2)), "Exactly one of covariance_matrix or precision_matrix or"),
        (lambda: D.MultivariateNormal(torch.ones(2), -torch.eye(2)), r"constraint PositiveDefinite\(\)"),
        (
            lambda: D.MultivariateNormal(torch.ones(2), torch.ones(2)),
            "covariance_matrix must be at least two-dimensional",
        ),
        (lambda: D.MultivariateNormal(torch.ones(2), scale_tril=torch.ones(2, 2)), r"constraint LowerCholesky\(\)"),
        (lambda: D.Independent(D.Normal(torch.ones(2), 1.0), 2), "actual 2 vs 1"),
        (lambda: D.OneHotCategorical(torch.ones(3)).log_prob(torch.tensor([0.0, 1.0, 1.0])), r"OneHot\(\)"),
        (lambda: D.Distribution.set_default_validate_args(3), "expected True or False, got 3"),  # type: ignore[arg-type]
    ],
)
def test_bad_input(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_checks_can_be_turned_off() -> None:
    assert math.isnan(float(D.Normal(0.0, -1.0, validate_args=False).log_prob(torch.tensor(0.0))))
    D.Distribution.set_default_validate_args(False)
    try:
        assert float(D.Uniform(0.0, 1.0).log_prob(torch.tensor(5.0))) == -math.inf
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="within the support"):
        D.Uniform(0.0, 1.0).log_prob(torch.tensor(5.0))


def test_a_distribution_of_ones_own() -> None:
    class Dice(D.Distribution):
        arg_constraints: Any = {}  # noqa: RUF012
        support = D.constraints.integer_interval(1, 6)

        def sample(self, sample_shape: Any = ()) -> Any:
            return torch.randint(1, 7, self._extended_shape(sample_shape))

    assert Dice().sample((3,)).shape == (3,)
    with pytest.raises(NotImplementedError, match="Dice does not implement entropy"):
        Dice().entropy()

    class Unfinished(D.Distribution):
        pass

    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        Unfinished()


def test_absent_names_are_named() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'Laplace'"):
        _ = D.Laplase


MODULES = [m.name for m in pkgutil.iter_modules(D.__path__)]


@pytest.mark.parametrize("module", ["", *MODULES])
def test_the_examples_of_the_docstrings_run(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.import_module(f"nanograd.distributions.{module}".rstrip("."))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch.distributions", D)
    assert not doctest.testmod(found, extraglobs={"torch": torch}).failed
