"""The number of threads: what is set is what is used, and nonsense is refused."""

import pytest

import nanograd as torch


def test_set_and_get():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1
        x = torch.randn(300, 300)
        one = x @ x
        torch.set_num_threads(2)
        assert torch.get_num_threads() in (1, 2)  # no more than there are cores, or another BLAS
        assert torch.allclose(x @ x, one, atol=1e-4)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("number", [0, -1, 1.5, "2"])
def test_nonsense(number):
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        torch.set_num_threads(number)
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        torch.set_num_interop_threads(number)
    assert torch.get_num_interop_threads() == 1
