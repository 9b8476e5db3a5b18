"""``assert_close``: what it accepts, what it refuses, and what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nanograd as torch
from nanograd.testing import assert_close

NAN = float("nan")

CLOSE: list[tuple[Any, Any, dict[str, Any]]] = [
    (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 2e-6]), {}),
    (torch.tensor([1.0], dtype=torch.float64), torch.tensor([1.0 + 5e-8], dtype=torch.float64), {}),
    (torch.tensor([1, 2]), torch.tensor([1, 2]), {}),
    (torch.tensor([True]), torch.tensor([True]), {}),
    (torch.tensor([NAN]), torch.tensor([NAN]), {"equal_nan": True}),
    (torch.tensor([float("inf")]), torch.tensor([float("inf")]), {}),
    (torch.tensor([1.0]), torch.tensor([1.4]), {"rtol": 0, "atol": 0.5}),
    (torch.tensor([1.0]), torch.tensor([1], dtype=torch.int64), {"check_dtype": False}),
    ([torch.tensor(1.0), {"a": torch.tensor(2.0)}], [torch.tensor(1.0), {"a": torch.tensor(2.0)}], {}),
    (np.array([1.0, 2.0])[::-1], np.array([2.0, 1.0]), {}),
    (1.0, 1.0 + 1e-8, {}),
    (torch.zeros(0, 3), torch.zeros(0, 3), {}),
    (torch.tensor(2.0, dtype=torch.float64), 2.0, {}),
    (torch.tensor([2**53 + 1]), torch.tensor([2**53 + 1]), {}),
]
FAR: list[tuple[Any, Any, dict[str, Any], str]] = [
    (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]), {}, r"not close.*1 / 2 \(50.0%\).*0\.0999999 at index \(1,\)"),
    (torch.tensor([[1], [9]]), torch.tensor([[1], [4]]), {}, r"equal.*1 / 2.*difference: 5 at index \(1, 0\)"),
    (torch.tensor([1.0]), torch.tensor([1.0, 2.0]), {}, r"'shape' do not match: .*Size\(\[1\]\) != .*Size\(\[2\]\)"),
    (torch.tensor([1.0]), torch.tensor([1]), {}, "'dtype' do not match: torch.float32 != torch.int64"),
    (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64), {}, "'dtype' do not match"),
    (torch.tensor([NAN]), torch.tensor([NAN]), {}, r"inf at index \(0,\)"),
    (torch.tensor([NAN, 1.0]), torch.tensor([1.0, 1.0]), {"equal_nan": True}, r"at index \(0,\).*nan is not 1"),
    (torch.tensor([float("inf")]), torch.tensor([-float("inf")]), {}, "not close"),
    (torch.zeros(2, 3).T, torch.zeros(3, 2), {"check_stride": True}, r"'stride\(\)' do not match"),
    ([torch.tensor(1.0)], [torch.tensor(1.0), torch.tensor(2.0)], {}, "length of the sequences do not match: 1 != 2"),
    ({"a": 1.0}, {"b": 1.0}, {}, "keys of the mappings do not match: 'a', 'b'"),
    ({"a": [1.0, 2.0]}, {"a": [1.0, 3.0]}, {}, r"at item \['a'\]\[1\]"),
    (1, 1.0, {}, "'dtype' do not match"),
    (1.0, 1.1, {}, r"index \(\)"),
    (torch.tensor([2**53 + 1]), torch.tensor([2**53]), {}, "not equal"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CLOSE)))
def test_close(number: int) -> None:
    actual, expected, options = CLOSE[number]
    assert_close(actual, expected, **options)


@pytest.mark.parametrize("number", range(len(FAR)))
def test_far(number: int) -> None:
    actual, expected, options, words = FAR[number]
    with pytest.raises(AssertionError, match=f"(?s){words}"):
        assert_close(actual, expected, **options)


def test_one_tolerance_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="give both rtol and atol or neither"):
        assert_close(torch.ones(1), torch.ones(1), rtol=1e-3)


def test_the_message_can_be_ones_own() -> None:
    with pytest.raises(AssertionError, match=r"^mine$"):
        assert_close(torch.ones(1), torch.zeros(1), msg="mine")
    with pytest.raises(AssertionError, match=r"^layer 3: Tensor-likes are not close"):
        assert_close(torch.ones(1), torch.zeros(1), msg=lambda text: f"layer 3: {text}")
