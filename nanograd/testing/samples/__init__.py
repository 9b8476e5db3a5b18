"""One sample per operation; a file here for each file of nanograd/ops."""

import importlib
import pkgutil

from nanograd.testing.sample import SAMPLES

__all__ = ["SAMPLES"]

for _module in pkgutil.iter_modules(__path__):  # each registers its own
    importlib.import_module(f"{__name__}.{_module.name}")
