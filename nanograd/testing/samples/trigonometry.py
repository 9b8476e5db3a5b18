"""Samples of angles and hyperbolic functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.ops import trigonometry as _trigonometry
from nanograd.testing.pointwise import binary, both, with_twin
from nanograd.testing.sample import away, inside, positive, refuses

A: Any = _trigonometry  # untyped: bad input is among what its functions are given

for name in ("sin", "cos", "tan", "sinh", "cosh", "deg2rad", "rad2deg"):
    with_twin(name, getattr(A, name), getattr(np, name), gives="float")
for name, numpys, domain in (
    ("asin", "arcsin", inside),
    ("acos", "arccos", inside),
    ("atan", "arctan", away),
    ("asinh", "arcsinh", away),
    ("acosh", "arccosh", lambda rng, shape: 1 + positive(rng, shape)),
    ("atanh", "arctanh", inside),
):
    with_twin(name, getattr(A, name), getattr(np, numpys), domain, gives="float")
binary("atan2", A.atan2, np.arctan2, gives="float", twin="atan2_")
integers = refuses(int, both(A.hypot), "hypot: expected floats")
binary("hypot", A.hypot, np.hypot, takes="f", twin="hypot_", bad=(integers,))
