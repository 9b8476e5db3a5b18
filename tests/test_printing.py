"""Printed forms: the rules of layout, each by an example of torch's, and properties over random tensors."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nanograd as torch

EXAMPLES = {
    "integers": (lambda: torch.tensor([1, 20, -3]), "tensor([ 1, 20, -3])"),
    "floats": (lambda: torch.tensor([0.5, -1.25]), "tensor([ 0.5000, -1.2500])"),
    "whole floats": (lambda: torch.tensor([1.0, 10.0]), "tensor([ 1., 10.])"),
    "a great ratio": (lambda: torch.tensor([1.0, 1001.0]), "tensor([1.0000e+00, 1.0010e+03])"),
    "large": (lambda: torch.tensor([2e8]), "tensor([2.0000e+08])"),
    "small": (lambda: torch.tensor([5e-5]), "tensor([5.0000e-05])"),
    "zeros do not count": (lambda: torch.tensor([0.0, 5000.0]), "tensor([   0., 5000.])"),
    "nan and infinity": (lambda: torch.tensor([float("nan"), float("inf"), 1.0]), "tensor([nan, inf, 1.])"),
    "nan and a fraction": (lambda: torch.tensor([float("nan"), -0.5]), "tensor([    nan, -0.5000])"),
    "truth": (lambda: torch.tensor([True, False]), "tensor([ True, False])"),
    "a number": (lambda: torch.tensor(3.14159), "tensor(3.1416)"),
    "a matrix": (lambda: torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "tensor([[1., 2.],\n        [3., 4.]])"),
    "three dimensions": (lambda: torch.zeros(2, 1, 2), "tensor([[[0., 0.]],\n\n        [[0., 0.]]])"),
    "four dimensions": (lambda: torch.zeros(2, 1, 1, 1), "tensor([[[[0.]]],\n\n\n        [[[0.]]]])"),
    "another dtype": (lambda: torch.tensor([1.0], dtype=torch.float64), "tensor([1.], dtype=torch.float64)"),
    "uint8": (lambda: torch.tensor([1], dtype=torch.uint8), "tensor([1], dtype=torch.uint8)"),
    "empty": (lambda: torch.tensor([]), "tensor([])"),
    "empty matrix": (lambda: torch.zeros(0, 3), "tensor([], size=(0, 3))"),
    "empty integers": (lambda: torch.zeros(0, dtype=torch.int64), "tensor([], dtype=torch.int64)"),
    "a leaf": (lambda: torch.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
    "a result": (lambda: torch.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
    "summarized": (lambda: torch.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    "wrapped": (
        lambda: torch.arange(25),
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24])",
    ),
    "summarized matrix": (
        lambda: torch.zeros(1000, 2),
        "tensor([[0., 0.],\n        [0., 0.],\n        [0., 0.],\n        ...,\n"
        "        [0., 0.],\n        [0., 0.],\n        [0., 0.]])",
    ),
    "a note that does not fit": (
        lambda: torch.arange(18, dtype=torch.int32),
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17],\n       dtype=torch.int32)",
    ),
    "a note that just does not fit": (
        lambda: torch.ones(18, dtype=torch.int32),
        "tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],\n       dtype=torch.int32)",
    ),
    "a note that just fits": (
        lambda: torch.ones(17, dtype=torch.int32),
        "tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], dtype=torch.int32)",
    ),
    "shape": (lambda: torch.zeros(2, 3).shape, "torch.Size([2, 3])"),
    "dtype": (lambda: torch.bool, "torch.bool"),
    "a pair": (lambda: torch.tensor([1, 5]).max(0), "torch.return_types.max(\nvalues=tensor(5),\nindices=tensor(1))"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str) -> None:
    make, expected = EXAMPLES[name]
    assert repr(make()) == expected
    assert str(make()) == expected


def test_numbers_format_as_numbers() -> None:
    x = torch.tensor(2.5)
    assert f"{x:.2f}" == "2.50"
    assert f"{x}" == "2.5"
    assert f"{torch.tensor([2.5])}" == "tensor([2.5000])"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{torch.tensor([2.5, 1.0]):.2f}"


@pytest.fixture
def _defaults() -> Any:
    yield
    torch.set_printoptions(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)


@pytest.mark.usefixtures("_defaults")
def test_settings() -> None:
    x = torch.tensor([1.23456789, 2.0])
    torch.set_printoptions(precision=2)
    assert repr(x) == "tensor([1.23, 2.00])"
    torch.set_printoptions(sci_mode=True)
    assert repr(x) == "tensor([1.23e+00, 2.00e+00])"
    torch.set_printoptions(sci_mode=False, threshold=1, edgeitems=1, linewidth=20)
    assert repr(torch.arange(9)) == "tensor([0,  ..., 8])"
    assert repr(torch.arange(2)) == "tensor([0, 1])"


# Whatever the tensor: the numbers can be read back, in order, as precisely as they are printed.


@settings(deadline=None, max_examples=150)
@given(
    arrays.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8]),
        arrays.array_shapes(min_dims=0, max_dims=3, max_side=6),
    )
)
def test_what_is_printed_can_be_read_back(a: Any) -> None:
    if a.dtype == np.float64:
        a = np.where(np.abs(a) > 1e300, 1e300, a)  # rounded up, the greatest float would be read as infinite
    text = re.sub(r",\s+dtype=.*", "", repr(torch.tensor(a)))
    read = [float(word) for word in re.findall(r"-?(?:nan|inf|[0-9][0-9.e+-]*)", text.replace("tensor", ""))]
    finite = np.abs(a[np.isfinite(a) & (a != 0)].astype(np.float64))
    near = 5.1e-5 * (1 if "e" not in text.replace("tensor", "") else 0) + 1e-7
    np.testing.assert_allclose(read, a.reshape(-1).astype(np.float64), 6e-5, near if finite.size else 0)


@settings(deadline=None, max_examples=60)
@given(arrays.array_shapes(min_dims=1, max_dims=4, max_side=40))
def test_lines_are_no_longer_than_the_width(shape: tuple[int, ...]) -> None:
    lines = repr(torch.ones(*shape)).splitlines()
    assert max(map(len, lines)) <= 80 + len(shape)
    assert all(line.startswith("       ") or not line for line in lines[1:])
