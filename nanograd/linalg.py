"""``torch.linalg``: linear algebra under its names there.

>>> torch.linalg.det(torch.eye(2))
tensor(1.)
"""

from typing import NoReturn

from nanograd.absent import missing as _missing
from nanograd.errors import LinAlgError
from nanograd.ops.factoring import cholesky_ex, lu, lu_factor, lu_factor_ex
from nanograd.ops.factoring import cholesky_of as cholesky
from nanograd.ops.factoring import lu_solved as lu_solve
from nanograd.ops.linalg import matmul
from nanograd.ops.matrices import cond, matrix_norm, vector_norm
from nanograd.ops.matrices import diagonal_of as diagonal
from nanograd.ops.matrices import matrix_exp_of as matrix_exp
from nanograd.ops.matrices import matrix_power_of as matrix_power
from nanograd.ops.matrices import norm_of as norm
from nanograd.ops.matrices import vander_of as vander
from nanograd.ops.products import cross_along as cross
from nanograd.ops.products import multi_dot, vecdot
from nanograd.ops.refusing import guard as _guard
from nanograd.ops.solving import det_of as det
from nanograd.ops.solving import inv, inv_ex, solve, solve_ex, solve_triangular, tensorinv, tensorsolve
from nanograd.ops.solving import slogdet_of as slogdet
from nanograd.ops.spectra import eigh, eigvalsh, lstsq, matrix_rank, pinv, svdvals
from nanograd.ops.spectra import qr_of as qr
from nanograd.ops.spectra import svd_of as svd

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "inv_ex",
    "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power",
    "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd",
    "svdvals", "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip

_guard(globals(), __all__)


def __getattr__(name: str) -> NoReturn:
    _missing("linalg", name, __all__)
