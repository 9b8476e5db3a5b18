"""One sample per operation; a file here for each file of nanograd/ops."""

from nanograd.testing.sample import SAMPLES
from nanograd.testing.samples import arithmetic, convolution, indexing, linalg, normalization, reduction, shape

__all__ = ["SAMPLES", "arithmetic", "convolution", "indexing", "linalg", "normalization", "reduction", "shape"]
