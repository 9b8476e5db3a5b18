"""Thousands of random graphs beside torch: mixed operations, shapes that broadcast, dtypes, views, writes, reuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nanograd

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")

SHAPES = [(), (1,), (3,), (4,), (2, 3), (3, 1), (1, 4), (3, 4), (2, 1, 3), (2, 3, 4)]
GRAPHS = 300  # for each of the seeds


def fold(x: Any) -> Any:
    """x, kept where exponentials and powers stay small."""
    return x.tanh()


ONE = {
    "tanh": lambda t, x, r: x.tanh(),
    "exp": lambda t, x, r: fold(x).exp(),
    "log1p": lambda t, x, r: (x * x).log1p(),
    "sqrt": lambda t, x, r: (x * x + 0.5).sqrt(),
    "sigmoid": lambda t, x, r: x.sigmoid(),
    "relu": lambda t, x, r: x.relu(),
    "abs": lambda t, x, r: x.abs(),
    "erf": lambda t, x, r: t.erf(x),
    "atan": lambda t, x, r: t.atan(x),
    "gelu": lambda t, x, r: t.nn.functional.gelu(x),
    "softplus": lambda t, x, r: t.nn.functional.softplus(x),
    "leaky_relu": lambda t, x, r: t.nn.functional.leaky_relu(x, 0.2),
    "power": lambda t, x, r: fold(x) ** (2 + r[0] % 2),
    "clamp": lambda t, x, r: x.clamp(-0.8, 1.1),
    "neg": lambda t, x, r: -x,
    "scale": lambda t, x, r: 1.5 - x * 0.5,
    "double": lambda t, x, r: x.double(),
    "float": lambda t, x, r: x.float(),
    "detach": lambda t, x, r: x.detach() * 1,
    "clone": lambda t, x, r: x.clone(),
    "sum": lambda t, x, r: x.sum(r[0] % x.dim()) if x.dim() else x.sum(),
    "mean": lambda t, x, r: x.mean(r[0] % x.dim(), keepdim=True) if x.dim() else x.mean(),
    "var": lambda t, x, r: x.var(-1, unbiased=False) if x.dim() else x * 1,
    "max": lambda t, x, r: x.max(r[0] % x.dim())[0] if x.dim() else x * 1,
    "amin": lambda t, x, r: x.amin(-1, keepdim=True) if x.dim() else x * 1,
    "logsumexp": lambda t, x, r: x.logsumexp(r[0] % x.dim()) if x.dim() else x * 1,
    "softmax": lambda t, x, r: x.softmax(r[0] % x.dim()) if x.dim() else x * 1,
    "cumsum": lambda t, x, r: x.cumsum(r[0] % x.dim()) if x.dim() else x * 1,
    "prod": lambda t, x, r: fold(x).prod(-1) if x.dim() else x * 1,
    "norm": lambda t, x, r: (x + 0.1).norm(dim=-1) if x.dim() else x * 1,
    "sort": lambda t, x, r: x.sort(-1, descending=bool(r[0] % 2))[0] if x.dim() else x * 1,
    "transpose": lambda t, x, r: x.transpose(r[0] % x.dim(), r[1] % x.dim()) if x.dim() else x,
    "permute": lambda t, x, r: x.permute(*reversed(range(x.dim()))) if x.dim() else x,
    "reshape": lambda t, x, r: x.reshape(-1),
    "unsqueeze": lambda t, x, r: x.unsqueeze(r[0] % (x.dim() + 1)) if x.dim() < 3 else x,
    "squeeze": lambda t, x, r: x.squeeze(),
    "select": lambda t, x, r: x.select(r[0] % x.dim(), r[1] % x.shape[r[0] % x.dim()]) if x.numel() and x.dim() else x,
    "step": lambda t, x, r: x[..., ::2] if x.dim() else x,
    "index": lambda t, x, r: x[t.tensor([0, -1, 0])] if x.numel() and x.dim() else x,
    "mask": lambda t, x, r: x[(x > 0).detach()],
    "flip": lambda t, x, r: x.flip(r[0] % x.dim()) if x.dim() else x,
    "roll": lambda t, x, r: x.roll(1, r[0] % x.dim()) if x.dim() else x,
    "chunk": lambda t, x, r: x.chunk(2, -1)[-1] if x.dim() and x.shape[-1] > 1 else x,
    "pad": lambda t, x, r: t.nn.functional.pad(x, (1, 0)) if x.dim() and x.numel() < 100 else x,
    "tril": lambda t, x, r: x.tril() if x.dim() > 1 else x,
    "masked_fill": lambda t, x, r: x.masked_fill((x > 0.5).detach(), 0.25),
}  # fmt: skip
TWO = {
    "add": lambda t, x, y, r: x + y,
    "sub": lambda t, x, y, r: t.sub(x, y, alpha=2),
    "mul": lambda t, x, y, r: x * y,
    "div": lambda t, x, y, r: x / (y * y + 1),
    "maximum": lambda t, x, y, r: t.maximum(x, y),
    "atan2": lambda t, x, y, r: t.atan2(x, y + 3),
    "hypot": lambda t, x, y, r: t.hypot(x, y + 3),
    "where": lambda t, x, y, r: t.where((x > y).detach(), x, y),
    "lerp": lambda t, x, y, r: t.lerp(x, y, 0.3) if x.dtype == y.dtype else x - y,
    "matmul": lambda t, x, y, r: x @ y.transpose(-1, -2) if min(x.dim(), y.dim()) > 1 and x.dtype == y.dtype else x + y,
    "cat": lambda t, x, y, r: t.cat([x.reshape(-1), y.reshape(-1)]) if x.numel() + y.numel() < 100 else x + y,
    "mse": lambda t, x, y, r: ((x - y) ** 2).mean(),
}  # fmt: skip
WRITE = {
    "mul_": lambda t, x, y: x.mul_(y),
    "add_": lambda t, x, y: x.add_(y, alpha=0.5),
    "tanh_": lambda t, x, y: x.tanh_(),
    "clamp_": lambda t, x, y: x.clamp_(max=0.9),
    "set": lambda t, x, y: x.__setitem__(0, 0.5) if x.dim() and x.shape[0] else x,
    "row": lambda t, x, y: x[-1].mul_(0.5) if x.dim() and x.shape[0] else x,
    "zero": lambda t, x, y: x.view(-1)[:1].zero_() if x.is_contiguous() else x,
}


def run(t: Any, seed: int) -> list[np.ndarray[Any, Any]]:
    """Loss, gradients and gradients of gradients of a random graph.  Raises RuntimeError where it is refused."""
    rng = np.random.default_rng(seed)
    leaves = [
        t.tensor(
            rng.standard_normal(SHAPES[rng.integers(len(SHAPES))]), dtype=t.float64 if rng.random() < 0.8 else t.float32
        )
        for _ in range(3)
    ]
    for leaf in leaves:
        leaf.requires_grad_()
    pool = [*leaves, t.tensor(rng.standard_normal((3, 4)))]
    for _ in range(rng.integers(3, 14)):
        r, kind = rng.integers(0, 100, 2).tolist(), rng.random()
        x, y = pool[rng.integers(len(pool))], pool[rng.integers(len(pool))]
        names = list(ONE if kind < 0.5 else TWO if kind < 0.9 else WRITE)
        name = names[rng.integers(len(names))]
        if kind < 0.5:
            pool.append(ONE[name](t, x, r))
        elif kind < 0.9:
            if fits(x, y) and x.numel() * y.numel() < 2000:
                pool.append(TWO[name](t, x, y, r))
        elif not x.is_leaf and fits(x, y) and tuple(np.broadcast_shapes(x.shape, y.shape)) == tuple(x.shape):
            WRITE[name](t, x, y)
    loss = sum((x.double() * x.double()).mean() * (0.1 + 0.1 * i) for i, x in enumerate(pool) if x.numel())
    grads = t.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
    second = sum((g.double() * g.double()).sum() for g in grads if g is not None and g.requires_grad)
    again = t.autograd.grad(second, leaves, allow_unused=True) if hasattr(second, "backward") else [None] * 3
    return [np.array(loss.item()), *(array(g) for g in grads), *(array(g) for g in again)]


def fits(x: Any, y: Any) -> bool:
    """Whether two shapes broadcast."""
    try:
        np.broadcast_shapes(tuple(x.shape), tuple(y.shape))
    except ValueError:
        return False
    return True


def array(g: Any) -> np.ndarray[Any, Any]:
    return np.zeros(()) if g is None else g.detach().numpy().astype(np.float64)


@pytest.mark.parametrize("part", range(10))
def test_random_graphs(part: int) -> None:
    right = refused = 0
    for seed in range(part * GRAPHS, (part + 1) * GRAPHS):
        try:
            wanted = run(torch, seed)
        except RuntimeError:
            continue
        try:
            found = run(nanograd, seed)
        except nanograd.errors.GradError:
            refused += 1
            continue
        right += 1
        for a, b in zip(found, wanted, strict=True):
            if not a.shape:  # None and zeros are the same
                a = np.broadcast_to(a, b.shape)
            b = np.broadcast_to(b, a.shape)
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5, err_msg=f"seed {seed}")
    assert right > 0.8 * GRAPHS, (right, refused)
    assert refused < 0.05 * GRAPHS, (right, refused)
