"""Images: data sets and transforms under torchvision's names."""

from nanograd.vision import datasets, transforms

__all__ = ["datasets", "transforms"]
