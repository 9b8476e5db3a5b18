"""How far one distribution is from another: KL(p ‖ q) = the mean over p of ln p - ln q."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from nanograd.distributions.bernoulli import Bernoulli
from nanograd.distributions.beta import Beta
from nanograd.distributions.binomial import Binomial
from nanograd.distributions.categorical import Categorical
from nanograd.distributions.dirichlet import Dirichlet
from nanograd.distributions.distribution import Distribution
from nanograd.distributions.exponential import Exponential
from nanograd.distributions.gamma import Gamma
from nanograd.distributions.geometric import Geometric
from nanograd.distributions.independent import Independent
from nanograd.distributions.laplace import Laplace
from nanograd.distributions.log_normal import LogNormal
from nanograd.distributions.multivariate_normal import MultivariateNormal
from nanograd.distributions.normal import Normal
from nanograd.distributions.one_hot_categorical import OneHotCategorical
from nanograd.distributions.poisson import Poisson
from nanograd.distributions.uniform import Uniform
from nanograd.errors import MissingError
from nanograd.nn.functional import softplus
from nanograd.ops.comparison import where
from nanograd.ops.solving import solve_triangular
from nanograd.ops.special import xlogy
from nanograd.tensors import Tensor

__all__ = ["kl_divergence", "register_kl"]

F = TypeVar("F", bound=Callable[..., Any])
FORMULAS: dict[tuple[type, type], Callable[..., Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[F], F]:
    """A decorator: the function is the KL divergence of these two classes."""
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"register_kl: expected two classes of distributions, got {kind!r}.")

    def register(function: F) -> F:
        FORMULAS[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q) of each pair of the batches: batch_shape.

    Raises MissingError for classes of which no formula is known.

    >>> from torch.distributions import Normal, kl_divergence
    >>> kl_divergence(Normal(0., 1.), Normal(1., 1.))
    tensor(0.5000)
    """
    for mine in type(p).__mro__:
        for other in type(q).__mro__:
            if (mine, other) in FORMULAS:
                return FORMULAS[mine, other](p, q)
    raise MissingError(
        f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}. Estimate it: "
        "x = p.sample((1000,)), then (p.log_prob(x) - q.log_prob(x)).mean(0)."
    )


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(LogNormal, LogNormal)
def _log_normal(p: LogNormal, q: LogNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    # ln(p/q) = softplus(-logit q) - softplus(-logit p); where p is 0 or 1 that term is 0, where only q is, ∞
    yes = where(p.probs == 0, 0.0, p.probs * (softplus(-q.logits) - softplus(-p.logits)))
    no = where(p.probs == 1, 0.0, (1 - p.probs) * (softplus(q.logits) - softplus(p.logits)))
    yes = where((q.probs == 0) & (p.probs != 0), math.inf, yes)
    return yes + where((q.probs == 1) & (p.probs != 1), math.inf, no)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise MissingError("KL between Binomials where q.total_count > p.total_count is not implemented")
    each = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return where(p.total_count > q.total_count, math.inf, each)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    each = p.probs * (p.logits - q.logits)
    each = where(q.probs == 0, math.inf, each)
    return where(p.probs == 0, 0.0, each).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    wider = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), math.inf, wider)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    shape = b.lgamma() - a.lgamma() + (a - b) * a.digamma()
    return shape + b * (p.rate / q.rate).log() + a * (q.rate / p.rate - 1)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1, True)
    sizes = total.squeeze(-1).lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return sizes + ((a - b) * (a.digamma() - total.digamma())).sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + apart / q.scale + ratio * (-apart / p.scale).exp() - 1


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return xlogy(p.rate, p.rate / q.rate) - (p.rate - q.rate)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be computed"
        )
    spread = solve_triangular(q._lower, p._lower, upper=False)
    apart = solve_triangular(q._lower, (q.loc - p.loc).unsqueeze(-1), upper=False).squeeze(-1)
    squares = (spread**2).sum((-2, -1)) + (apart**2).sum(-1)
    return q._log_size() - p._log_size() + 0.5 * (squares - p.event_shape[0])


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise MissingError("KL between Independents of different reinterpreted_batch_ndims is not implemented")
    return p._summed(kl_divergence(p.base_dist, q.base_dist))
