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
    "aminmax", "cummax", "cummin", "frexp", "histogram", "kthvalue", "max", "median", "min", "mode", "named",
    "nanmedian", "sort", "topk",
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
max = named("max", "values indices")
median = named("median", "values indices")
min = named("min", "values indices")
mode = named("mode", "values indices")
nanmedian = named("nanmedian", "values indices")
sort = named("sort", "values indices")
topk = named("topk", "values indices")
