"""torch's path to data loading: ``utils.data``."""

from nanograd.utils import data

__all__ = ["data"]
