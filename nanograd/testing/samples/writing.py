"""Samples of what a recorded write into a view consists of."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.kernels.window import Window
from nanograd.ops import writing as _writing
from nanograd.testing.sample import Array, Input, sample

# The columns 1 and 3 of a matrix (3, 4) in row-major order.
COLUMNS = Window(12, ((3, 4), (4, 1), 0), ((3, 2), (4, 2), 1))


def _blanked(x: Array, window: Window) -> Array:
    y = x.copy()
    y[:, 1::2] = 0
    return y


def _pasted(x: Array, window: Window) -> Array:
    y = np.zeros((3, 4), x.dtype)
    y[:, 1::2] = x
    return y


WINDOW: Any = ({"window": COLUMNS},)

sample("cut", _writing.cut, lambda x, window: x[:, 1::2], (Input((3, 4)),), WINDOW)
sample("paste", _writing.paste, _pasted, (Input((3, 2)),), WINDOW)
sample("blank", _writing.blank, _blanked, (Input((3, 4)),), WINDOW)
sample(
    "copy_slices",
    lambda x, part, window: _writing.copy_slices(
        _writing.blank(x, window) + _writing.paste(part, window), part, window
    ),
    lambda x, part, window: _blanked(x, window) + _pasted(part, window),
    (Input((3, 4)), Input((3, 2))),
    WINDOW,
    without={"second_gradient": "its second derivative is 0"},
)
