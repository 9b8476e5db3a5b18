"""Random programs of views and recorded in-place writes: torch's gradients, or a refusal."""

import numpy as np
import pytest

import nanograd
import nanograd.errors

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")


VIEWS = {
    "select": lambda x, r: x.select(r[0] % x.dim(), r[1] % x.shape[r[0] % x.dim()]),
    "narrow": lambda x, r: x.narrow(r[0] % x.dim(), 0, 1 + r[1] % x.shape[r[0] % x.dim()]),
    "step": lambda x, r: x[::2],
    "transpose": lambda x, r: x.transpose(r[0] % x.dim(), r[1] % x.dim()),
    "unsqueeze": lambda x, r: x.unsqueeze(r[0] % x.dim()),
}
WRITES = {
    "mul_": lambda x, y: x.mul_(y),
    "add_": lambda x, y: x.add_(y),
    "tanh_": lambda x, y: x.tanh_(),
    "fill_": lambda x, y: x.fill_(0.5),
    "zero_": lambda x, y: x.zero_(),
    "copy_": lambda x, y: x.copy_(y.expand(x.shape)),
    "set": lambda x, y: x.__setitem__(0, y * 2),
    "scale": lambda x, y: x.mul_(1.5),
}


def run(lib, seed):
    """(value, gradient) of one program, or the class of the error."""
    rng = np.random.default_rng(seed)
    w = lib.tensor(rng.standard_normal((3, 4)), requires_grad=True)
    u = lib.tensor(rng.standard_normal(()), requires_grad=True)
    tensors = [w * 2 if rng.random() < 0.7 else lib.zeros((3, 4), dtype=lib.float64)]
    total = (w * 0).sum() + u * 0
    try:
        for _ in range(rng.integers(3, 12)):
            x = tensors[rng.integers(len(tensors))]
            kind, r = rng.random(), rng.integers(0, 100, 2).tolist()
            if kind < 0.4 and x.dim():
                tensors.append(VIEWS[list(VIEWS)[rng.integers(len(VIEWS))]](x, r))
            elif kind < 0.75:
                name = list(WRITES)[rng.integers(len(WRITES))]
                if x.dim() or name != "set":
                    WRITES[name](x, u if rng.random() < 0.6 else u * w[0, 1])
            else:
                total = total + (x * (1.0 + r[0] / 10)).sum() + (x * x).sum() * 0.1
        total.backward()
    except RuntimeError as error:
        return error
    return total.item(), w.grad.numpy(), u.grad.numpy()


def test_random_programs_of_views_and_writes():
    refused = right = 0
    for seed in range(1500):
        wanted = run(torch, seed)
        if isinstance(wanted, RuntimeError):
            continue
        found = run(nanograd, seed)
        if isinstance(found, RuntimeError):
            assert isinstance(found, nanograd.errors.GradError), (seed, found)
            refused += 1
            continue
        right += 1
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=f"seed {seed}")
    assert right > 500, (right, refused)
    assert refused < 0.15 * right, (right, refused)
