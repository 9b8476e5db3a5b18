"""Several devices at once: on a machine with one, the module itself."""

from __future__ import annotations

from typing import Any, NoReturn

from nanograd.absent import missing as _missing
from nanograd.errors import MissingError
from nanograd.nn.module import Module

__all__ = ["DataParallel", "DistributedDataParallel"]


class DataParallel(Module):
    """y = module(x): batches are not split, as with torch where there is no GPU.

    The module stands under ``.module``, so that the names in ``state_dict`` begin with ``module.``, as torch's do.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """Absent: nanograd trains in one process.  Raises MissingError."""

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        raise MissingError("DistributedDataParallel: nanograd trains in one process. Use the module itself.")


def __getattr__(name: str) -> NoReturn:
    _missing("nn.parallel", name, __all__)
