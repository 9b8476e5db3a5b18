"""Where torch's result lies in row-major order, ours does: what follows may be ``view``."""

import numpy as np
import pytest

import nanograd

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")

CALLS = {
    "sum": lambda t, x: x.sum(1),
    "sum kept": lambda t, x: x.sum(0, keepdim=True),
    "mean": lambda t, x: x.mean(0),
    "amax": lambda t, x: x.amax(1),
    "max": lambda t, x: x.max(1)[0],
    "argmax": lambda t, x: x.argmax(0),
    "var": lambda t, x: x.var(1),
    "norm": lambda t, x: x.norm(dim=1),
    "logsumexp": lambda t, x: x.logsumexp(1),
    "softmax": lambda t, x: x.softmax(0),
    "log_softmax": lambda t, x: x.log_softmax(1),
    "cumsum": lambda t, x: x.cumsum(1),
    "cat": lambda t, x: t.cat([x, x]),
    "stack": lambda t, x: t.stack([x, x], 1),
    "stack of expanded": lambda t, x: t.stack([x[0, 0].expand(3, x.shape[2])] * 2),
    "sort": lambda t, x: x.sort(0)[0],
    "matmul": lambda t, x: x @ x.transpose(1, 2),
    "linear": lambda t, x: t.nn.functional.linear(x, t.ones(2, x.shape[-1])),
    "layer_norm": lambda t, x: t.nn.functional.layer_norm(x, x.shape[-1:]),
    "index": lambda t, x: x[t.tensor([0, 1])],
    "repeat": lambda t, x: x.repeat(2, 1, 1),
    "pad": lambda t, x: t.nn.functional.pad(x, (1, 1)),
    "contiguous": lambda t, x: x.contiguous(),
}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("name", CALLS)
def test_row_major_where_torch_is(name, order):
    values = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
    wanted = CALLS[name](torch, torch.from_numpy(values).permute(order))
    found = CALLS[name](nanograd, nanograd.from_numpy(values).permute(order))
    assert found.is_contiguous() or not wanted.is_contiguous(), (tuple(found.stride()), wanted.stride())
