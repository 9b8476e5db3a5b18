"""``torch.special``: special functions under their names there."""

from typing import NoReturn

from nanograd.absent import missing as _missing
from nanograd.ops.elementary import exp2, expm1, log1p, logit
from nanograd.ops.elementary import sigmoid as expit
from nanograd.ops.normalization import log_softmax, softmax
from nanograd.ops.reduction import logsumexp
from nanograd.ops.refusing import guard as _guard
from nanograd.ops.rounding import round
from nanograd.ops.special import (
    digamma,
    entr,
    erf,
    erfc,
    erfcx,
    erfinv,
    i0,
    i0e,
    i1,
    i1e,
    log_ndtr,
    ndtr,
    ndtri,
    polygamma,
    sinc,
    xlog1py,
    xlogy,
)
from nanograd.ops.special import digamma as psi
from nanograd.ops.special import lgamma as gammaln
from nanograd.ops.special import mvlgamma as multigammaln

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammaln", "i0", "i0e", "i1", "i1e",
    "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp", "multigammaln", "ndtr", "ndtri", "polygamma", "psi",
    "round", "sinc", "softmax", "xlog1py", "xlogy",
]  # fmt: skip

_guard(globals(), __all__)


def __getattr__(name: str) -> NoReturn:
    _missing("special", name, __all__)
