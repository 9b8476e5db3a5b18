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


def w5(torch: Any) -> Step:
    """The network of PyTorch's MNIST example (conv 1-32, conv 32-64, pool, dropout, 9216-128-10), SGD, batch 64."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(1),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return _trainer(torch, model, optimizer, nn.NLLLoss(), _images(torch, 64, 1, 28, 28))


def w6(torch: Any) -> Step:
    """LSTM(100, 64) over 50 steps, its last output through 64-32-1, binary cross entropy, Adam, batch 32."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(100, 64, batch_first=True)
            self.head = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 1))

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    rng = np.random.default_rng(0)
    batches = [
        (
            torch.from_numpy(rng.standard_normal((32, 50, 100), dtype=np.float32)),
            torch.from_numpy(rng.integers(0, 2, (32, 1)).astype(np.float32)),
        )
        for _ in range(BATCHES)
    ]
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return _trainer(torch, model, optimizer, nn.BCEWithLogitsLoss(), batches)


LAYERS, HEADS, WIDTH, BLOCK, VOCABULARY = 4, 4, 128, 64, 65


def w7(torch: Any) -> Step:
    """A character GPT: 4 layers, 4 heads, width 128, 64 characters, no biases, tied embeddings, AdamW, batch 12."""
    nn, F = torch.nn, torch.nn.functional

    class Layer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
            self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
            self.mlp = nn.Sequential(
                nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH, bias=False)
            )

        def forward(self, x: Any) -> Any:
            batch, length, width = x.shape
            parts = self.qkv(self.norm1(x)).split(width, dim=2)
            q, k, v = (part.view(batch, length, HEADS, width // HEADS).transpose(1, 2) for part in parts)
            seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(seen.transpose(1, 2).contiguous().view(batch, length, width))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(BLOCK, WIDTH)
            self.layers, self.norm = nn.Sequential(*(Layer() for _ in range(LAYERS))), nn.LayerNorm(WIDTH, bias=False)
            self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
            self.tokens.weight = self.head.weight

        def forward(self, x: Any) -> Any:
            x = self.tokens(x) + self.places(torch.arange(x.shape[1]))
            return self.head(self.norm(self.layers(x)))

    model = GPT()
    for p in model.parameters():
        if p.dim() > 1:
            nn.init.normal_(p, std=0.02)
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))
    rng = np.random.default_rng(0)
    batches = [
        tuple(torch.from_numpy(rng.integers(0, VOCABULARY, (12, BLOCK))) for _ in range(2)) for _ in range(BATCHES)
    ]
    return _trainer(torch, model, optimizer, lambda y, t: F.cross_entropy(y.view(-1, VOCABULARY), t.view(-1)), batches)


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


WORKLOADS: dict[str, Callable[[Any], Step]] = {
    "tiny": tiny, "w2": w2, "w3": w3, "w4": w4, "w5": w5, "w6": w6, "w7": w7,
}  # fmt: skip
