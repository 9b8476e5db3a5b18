"""Samples of operations on bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.ops import bitwise as _bitwise
from nanograd.testing.pointwise import binary, both, with_twin
from nanograd.testing.sample import below, refuses

A: Any = _bitwise  # untyped: bad input is among what its functions are given

for name, numpys, takes in (
    ("bitwise_and", "bitwise_and", "bi"),
    ("bitwise_or", "bitwise_or", "bi"),
    ("bitwise_xor", "bitwise_xor", "bi"),
    ("bitwise_left_shift", "left_shift", "i"),
    ("bitwise_right_shift", "right_shift", "i"),
):
    floats = refuses(dtypes.float32, both(getattr(A, name)), f"{name}: expected integers")
    binary(name, getattr(A, name), getattr(np, numpys), below(7), takes=takes, twin=f"{name}_", bad=(floats,))
for name, reverse in (("rlshift", np.left_shift), ("rrshift", np.right_shift)):
    binary(name, getattr(A, name), lambda a, b, reverse=reverse: reverse(b, a), below(7), takes="i")
floats = refuses(dtypes.float32, A.bitwise_not, "bitwise_not: expected")
with_twin("bitwise_not", A.bitwise_not, np.invert, below(7), takes="bi", bad=(floats,))
