"""Small models as a beginner trains them, written against torch's names: the subject is nanograd or torch itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], Any]
BATCHES = 8


def _trainer(subject: Any, model: Any, optimizer: Any, loss_of: Callable[[Any, Any], Any], batches: list[Any]) -> Step:
    state = {"i": 0}

    def step() -> Any:
        x, y = batches[state["i"] % BATCHES]
        state["i"] += 1
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def w2(torch: Any) -> Step:
    """Linear(15, 1), mean squared error, SGD, batch 64: nothing but overhead."""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((15, 1), dtype=np.float32)
    xs = [rng.standard_normal((64, 15), dtype=np.float32) for _ in range(BATCHES)]
    model = torch.nn.Linear(15, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    batches = [(torch.from_numpy(x), torch.from_numpy(x @ w)) for x in xs]
    return _trainer(torch, model, optimizer, torch.nn.MSELoss(), batches)


def _images(torch: Any, *shape: int) -> list[Any]:
    rng = np.random.default_rng(0)
    return [
        (
            torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)),
            torch.from_numpy(rng.integers(0, 10, shape[0])),
        )
        for _ in range(BATCHES)
    ]


def w3(torch: Any) -> Step:
    """784-128-64-10 with ReLU, cross entropy, SGD with momentum 0.9, batch 64."""
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return _trainer(torch, model, optimizer, nn.CrossEntropyLoss(), _images(torch, 64, 784))


def w4(torch: Any) -> Step:
    """LeNet: conv 1-6, pool, conv 6-16, pool, 576-120-84-10 on 32x32, SGD with momentum 0.9, batch 64."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(576, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    return _trainer(torch, model, optimizer, nn.CrossEntropyLoss(), _images(torch, 64, 1, 32, 32))


def tiny(torch: Any) -> Step:
    """(a * b + c).sum().backward() on ten elements: the cost of an operation."""
    rng = np.random.default_rng(0)
    a, b, c = (torch.from_numpy(rng.standard_normal(10, dtype=np.float32)).requires_grad_() for _ in range(3))

    def step() -> Any:
        a.grad = b.grad = c.grad = None
        y = (a * b + c).sum()
        y.backward()
        return y

    return step


WORKLOADS: dict[str, Callable[[Any], Step]] = {"tiny": tiny, "w2": w2, "w3": w3, "w4": w4}
