"""torch.testing's ``assert_close``, and the laws that every operation obeys.

``SAMPLES`` says of each operation how to try it; a law is a function of a sample that raises AssertionError where the
operation breaks it.
"""

from nanograd.testing.close import assert_close
from nanograd.testing.laws import LAWS, applies, law_kernel
from nanograd.testing.sample import Sample
from nanograd.testing.samples import SAMPLES

__all__ = ["LAWS", "SAMPLES", "Sample", "applies", "assert_close", "law_kernel"]
