"""Our safetensors files in the safetensors package, and its files here."""

import numpy as np
import pytest

import nanograd as torch
from nanograd.serialization import safetensors as ours

theirs = pytest.importorskip("safetensors.numpy", reason="safetensors is the oracle here, and it is not installed")

DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


def arrays(seed):
    rng = np.random.default_rng(seed)
    found = {}
    for i in range(rng.integers(1, 8)):
        shape = tuple(rng.integers(0, 5, rng.integers(0, 4)))
        found[f"layer.{i}.ü"] = np.asarray(rng.integers(0, 100, shape)).astype(DTYPES[rng.integers(len(DTYPES))])
    return found


@pytest.mark.parametrize("seed", range(20))
def test_both_ways(tmp_path, seed):
    values, path = arrays(seed), tmp_path / "x.safetensors"
    tensors = {k: torch.from_numpy(v.copy()) for k, v in values.items()}
    for write, read in (
        (lambda: ours.save_file(tensors, path, {"format": "pt"}), lambda: theirs.load_file(path)),
        (lambda: theirs.save_file(values, path), lambda: {k: v.numpy() for k, v in torch.load(path).items()}),
    ):
        write()
        found = read()
        assert set(found) == set(values)
        for k, v in values.items():
            assert found[k].dtype == v.dtype
            assert found[k].shape == v.shape
            np.testing.assert_array_equal(found[k], v)


def test_what_is_not_contiguous(tmp_path):
    x = torch.arange(12).reshape(3, 4).T
    ours.save_file({"x": x}, tmp_path / "x.safetensors")
    np.testing.assert_array_equal(theirs.load_file(tmp_path / "x.safetensors")["x"], x.numpy())
