"""torch's paths to data loading and to TensorBoard: ``utils.data``, ``utils.tensorboard``."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nanograd.absent import missing
from nanograd.utils import data

if TYPE_CHECKING:
    from nanograd.utils import tensorboard as tensorboard
    from nanograd.utils import tensorboard_logger as tensorboard_logger

__all__ = ["data"]


def __getattr__(name: str) -> Any:
    if name in ("tensorboard", "tensorboard_logger"):
        return import_module(f"nanograd.utils.{name}")
    return missing("utils", name, (*__all__, "tensorboard"))
