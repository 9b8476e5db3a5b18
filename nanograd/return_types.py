"""What operations with several results return: tuples whose members have names, printed as torch's.

>>> torch.tensor([[1, 5], [7, 2]]).max(1)
torch.return_types.max(
values=tensor([5, 7]),
indices=tensor([1, 0]))
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "histogram", "kthvalue", "linalg_cholesky_ex", "linalg_eigh",
    "linalg_inv_ex", "linalg_lstsq", "linalg_lu", "linalg_lu_factor", "linalg_lu_factor_ex", "linalg_qr",
    "linalg_slogdet", "linalg_solve_ex", "linalg_svd", "max", "median", "min", "mode", "named", "nanmedian", "qr",
    "slogdet", "sort", "svd", "topk", "triangular_solve",
]  # fmt: skip


def named(name: str, members: str) -> Any:
    """A class of tuples with these members that prints as ``torch.return_types.<name>``."""
    tuples: Any = namedtuple  # which mypy would have literals given to

    def shown(self: Any) -> str:
        lines = ",\n".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
        return f"torch.return_types.{name}(\n{lines})"

    return type(name, (tuples(name, members),), {"__slots__": (), "__repr__": shown, "__module__": __name__})


aminmax = named("aminmax", "min max")
cummax = named("cummax", "values indices")
cummin = named("cummin", "values indices")
frexp = named("frexp", "mantissa exponent")
histogram = named("histogram", "hist bin_edges")
kthvalue = named("kthvalue", "values indices")
linalg_cholesky_ex = named("linalg_cholesky_ex", "L info")
linalg_eigh = named("linalg_eigh", "eigenvalues eigenvectors")
linalg_inv_ex = named("linalg_inv_ex", "inverse info")
linalg_lstsq = named("linalg_lstsq", "solution residuals rank singular_values")
linalg_lu = named("linalg_lu", "P L U")
linalg_lu_factor = named("linalg_lu_factor", "LU pivots")
linalg_lu_factor_ex = named("linalg_lu_factor_ex", "LU pivots info")
linalg_qr = named("linalg_qr", "Q R")
linalg_slogdet = named("linalg_slogdet", "sign logabsdet")
linalg_solve_ex = named("linalg_solve_ex", "result info")
linalg_svd = named("linalg_svd", "U S Vh")
max = named("max", "values indices")
median = named("median", "values indices")
min = named("min", "values indices")
mode = named("mode", "values indices")
nanmedian = named("nanmedian", "values indices")
qr = named("qr", "Q R")
slogdet = named("slogdet", "sign logabsdet")
sort = named("sort", "values indices")
svd = named("svd", "U S V")
topk = named("topk", "values indices")
triangular_solve = named("triangular_solve", "solution cloned_coefficient")
