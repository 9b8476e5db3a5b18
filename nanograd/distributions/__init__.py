"""``torch.distributions``: sampling, log-probabilities, entropies and divergences.

>>> from torch.distributions import Categorical
>>> policy = Categorical(logits=torch.tensor([0., 0.]))
>>> policy.log_prob(torch.tensor(1))
tensor(-0.6931)
"""

from typing import NoReturn

from nanograd.absent import missing as _missing
from nanograd.distributions import constraints, kl
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
from nanograd.distributions.kl import kl_divergence, register_kl
from nanograd.distributions.laplace import Laplace
from nanograd.distributions.log_normal import LogNormal
from nanograd.distributions.multinomial import Multinomial
from nanograd.distributions.multivariate_normal import MultivariateNormal
from nanograd.distributions.normal import Normal
from nanograd.distributions.one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from nanograd.distributions.poisson import Poisson
from nanograd.distributions.uniform import Uniform

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Dirichlet", "Distribution", "Exponential", "Gamma", "Geometric",
    "Independent", "Laplace", "LogNormal", "Multinomial", "MultivariateNormal", "Normal", "OneHotCategorical",
    "OneHotCategoricalStraightThrough", "Poisson", "Uniform", "constraints", "kl", "kl_divergence", "register_kl",
]  # fmt: skip


def __getattr__(name: str) -> NoReturn:
    _missing("distributions", name, __all__)
