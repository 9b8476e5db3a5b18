"""Random programs of operations, views and writes in place: the gradient is torch's, or the program is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nanograd as ng

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")

N = 3  # every tensor is N by N
Pool = list[Any]
Step = Callable[[Any, Pool, Any, Any, int, int], Any]


def put_row(m: Any, pool: Pool, x: Any, y: Any, i: int, j: int) -> None:
    x[i % N] = y[j % N] * 1


def put_column(m: Any, pool: Pool, x: Any, y: Any, i: int, j: int) -> None:
    x[:, i % N] = y[j % N] * 2


def scale_unseen(m: Any, pool: Pool, x: Any, y: Any, i: int, j: int) -> None:
    with m.no_grad():
        x.mul_(0.5)


NEW: list[Step] = [  # what they return joins the pool
    lambda m, pool, x, y, i, j: x * y,
    lambda m, pool, x, y, i, j: x + y,
    lambda m, pool, x, y, i, j: x.sin(),
    lambda m, pool, x, y, i, j: x.tanh(),
    lambda m, pool, x, y, i, j: x.relu(),
    lambda m, pool, x, y, i, j: (x * 0.1).exp(),
    lambda m, pool, x, y, i, j: (x @ y) * 0.3,
    lambda m, pool, x, y, i, j: x.T,
    lambda m, pool, x, y, i, j: x.clone(),
    lambda m, pool, x, y, i, j: x.reshape(N * N).reshape(N, N),
    lambda m, pool, x, y, i, j: x[i % N : i % N + 1].expand(N, N),
    lambda m, pool, x, y, i, j: m.cat([x[:1], y[1:]]),
    lambda m, pool, x, y, i, j: x.detach(),
]
WRITES: list[Step] = [
    lambda m, pool, x, y, i, j: x.mul_(y),
    lambda m, pool, x, y, i, j: x.add_(y),
    lambda m, pool, x, y, i, j: x.sin_(),
    lambda m, pool, x, y, i, j: x.tanh_(),
    lambda m, pool, x, y, i, j: x.relu_(),
    lambda m, pool, x, y, i, j: x.copy_(y),
    lambda m, pool, x, y, i, j: x.fill_(0.5),
    lambda m, pool, x, y, i, j: x[i % N].mul_(2.0),
    put_row,
    put_column,
]
UNSEEN: list[Step] = [scale_unseen, lambda m, pool, x, y, i, j: x.detach().add_(0.25)]  # the tape must not record these


def program(rng: np.random.Generator) -> list[tuple[str, int, tuple[int, ...]]]:
    """(kind, number of the step, random numbers) ..."""
    kinds = rng.choice(["new", "write", "unseen"], int(rng.integers(3, 10)), p=[0.66, 0.3, 0.04])
    return [(str(kind), int(rng.integers(1000)), tuple(int(v) for v in rng.integers(0, 1000, 4))) for kind in kinds]


def run(m: Any, steps: Any, first: Any, second: Any) -> tuple[list[Any], float]:
    """(gradients of two leaves, loss) of a program that starts from two results, two leaves and a constant."""
    a, b = (m.tensor(v, requires_grad=True) for v in (first, second))
    pool = [a * 1, b * 1, a, b, m.tensor(np.linspace(-1, 1, N * N).reshape(N, N))]
    table = {"new": NEW, "write": WRITES, "unseen": UNSEEN}
    for kind, number, (p, q, i, j) in steps:
        y = table[kind][number % len(table[kind])](m, pool, pool[p % len(pool)], pool[q % len(pool)], i, j)
        if kind == "new":
            pool.append(y)
    loss = sum((t * t).sum() * (0.1 * (n + 1)) for n, t in enumerate(pool))
    loss.backward()
    return [np.zeros((N, N)) if t.grad is None else t.grad.numpy() for t in (a, b)], loss.item()


@pytest.mark.parametrize("seed", range(10))
def test_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    right = 0
    for _ in range(80):
        steps, values = program(rng), (rng.standard_normal((N, N)), rng.standard_normal((N, N)))
        try:
            ours = run(ng, steps, *values)
        except RuntimeError:
            continue  # refused: never wrong
        try:
            theirs = run(torch, steps, *values)
        except RuntimeError:
            if "unseen" not in [kind for kind, _, _ in steps]:  # torch is stricter: beside differences then
                np.testing.assert_allclose(ours[0][1], differences(steps, *values), 1e-3, 1e-4, err_msg=str(steps))
            continue
        np.testing.assert_allclose(ours[1], theirs[1], err_msg=str(steps))
        for g, expected in zip(ours[0], theirs[0], strict=True):
            np.testing.assert_allclose(g, expected, 1e-6, 1e-9, err_msg=str(steps))
        right += 1
    assert right > 15


def differences(steps: Any, first: Any, second: Any, eps: float = 1e-6) -> Any:
    """The derivative of the loss in the second leaf, by central differences."""
    out = np.empty((N, N))
    for place in np.ndindex(N, N):
        shift = np.zeros((N, N))
        shift[place] = eps
        out[place] = (run(ng, steps, first, second + shift)[1] - run(ng, steps, first, second - shift)[1]) / (2 * eps)
    return out
