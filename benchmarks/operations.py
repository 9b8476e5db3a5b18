"""Single operations, written against torch's names: a function, and the tensors it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["OPERATIONS", "STEPS", "Case"]


class Case(NamedTuple):
    """``run(*tensors)`` is measured forward, and with the way back; gradients flow to tensors that require them."""

    run: Callable[..., Any]
    tensors: list[Any]


class Maker:
    """Makes the tensors of cases for one subject, always the same."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.rng = torch, np.random.default_rng(0)

    def __call__(self, *shape: int, grad: bool = True) -> Any:
        x = self.torch.from_numpy(self.rng.standard_normal(shape, dtype=np.float32))
        return x.requires_grad_() if grad else x

    def positive(self, *shape: int) -> Any:
        x = np.abs(self.rng.standard_normal(shape, dtype=np.float32)) + np.float32(0.1)
        return self.torch.from_numpy(x).requires_grad_()

    def indices(self, high: int, *shape: int) -> Any:
        return self.torch.from_numpy(self.rng.integers(0, high, shape))


def _elements(torch: Any, t: Maker) -> dict[str, Case]:
    F, big = torch.nn.functional, (1000, 1000)
    return {
        "add, 1000×1000": Case(lambda x, y: x + y, [t(*big), t(*big)]),
        "add a row, 1000×1000": Case(lambda x, y: x + y, [t(*big), t(1000)]),
        "add a column, 1000×1000": Case(lambda x, y: x + y, [t(*big), t(1000, 1)]),
        "mul, 1000×1000": Case(lambda x, y: x * y, [t(*big), t(*big)]),
        "exp, 1000×1000": Case(lambda x: x.exp(), [t(*big)]),
        "log, 1000×1000": Case(lambda x: x.log(), [t.positive(*big)]),
        "tanh, 1000×1000": Case(lambda x: x.tanh(), [t(*big)]),
        "sigmoid, 1000×1000": Case(lambda x: x.sigmoid(), [t(*big)]),
        "relu, 1000×1000": Case(lambda x: F.relu(x), [t(*big)]),
        "gelu, 1000×1000": Case(lambda x: F.gelu(x), [t(*big)]),
        "dropout, 1000×1000": Case(lambda x: F.dropout(x, 0.5, True), [t(*big)]),
        "transpose, 1000×1000": Case(lambda x: x.transpose(0, 1).contiguous(), [t(*big)]),
    }


def _reductions(torch: Any, t: Maker) -> dict[str, Case]:
    F, big = torch.nn.functional, (1000, 1000)
    many, few = t.indices(1000, 1024), t.indices(10, 64)
    return {
        "sum, 1000×1000": Case(lambda x: x.sum(), [t(*big)]),
        "sum of columns, 1000×1000": Case(lambda x: x.sum(0), [t(*big)]),
        "sum of rows, 1000×1000": Case(lambda x: x.sum(1), [t(*big)]),
        "max of rows, 1000×1000": Case(lambda x: x.max(1)[0], [t(*big)]),
        "softmax, 1024×1024": Case(lambda x: F.softmax(x, -1), [t(1024, 1024)]),
        "log_softmax, 1024×1024": Case(lambda x: F.log_softmax(x, -1), [t(1024, 1024)]),
        "layer_norm, 1024×768": Case(lambda x, w, b: F.layer_norm(x, (768,), w, b), [t(1024, 768), t(768), t(768)]),
        "cross_entropy, 1024×1000": Case(lambda x: F.cross_entropy(x, many), [t(1024, 1000)]),
        "cross_entropy, 64×10": Case(lambda x: F.cross_entropy(x, few), [t(64, 10)]),
    }


def _layers(torch: Any, t: Maker) -> dict[str, Case]:
    F = torch.nn.functional
    tokens = t.indices(10000, 4096)
    heads = [t(12, 4, 64, 32) for _ in range(3)]
    return {
        "matmul, 512×512": Case(lambda x, y: x @ y, [t(512, 512), t(512, 512)]),
        "matmul, 48 of 64×32×64": Case(lambda x, y: x @ y, [t(48, 64, 32), t(48, 32, 64)]),
        "linear, 64×784→128": Case(F.linear, [t(64, 784, grad=False), t(128, 784), t(128)]),
        "linear, 768×128→512": Case(F.linear, [t(768, 128), t(512, 128), t(512)]),
        "embedding, 4096 of 10000×128": Case(lambda w: F.embedding(tokens, w), [t(10000, 128)]),
        "conv2d, 16→32 of 32×32": Case(F.conv2d, [t(32, 16, 32, 32), t(32, 16, 3, 3), t(32)]),
        "conv2d, 1→32 of 28×28": Case(F.conv2d, [t(64, 1, 28, 28, grad=False), t(32, 1, 3, 3), t(32)]),
        "conv2d, 32→64 of 26×26": Case(F.conv2d, [t(64, 32, 26, 26), t(64, 32, 3, 3), t(64)]),
        "max_pool2d, 32×32×32×32": Case(lambda x: F.max_pool2d(x, 2), [t(32, 32, 32, 32)]),
        "batch_norm, 32×16×32×32": Case(
            lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [t(32, 16, 32, 32), t(16), t(16)]
        ),
        "attention, 12×4 heads of 64×32": Case(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), heads
        ),
    }


def OPERATIONS(torch: Any) -> dict[str, Case]:
    """Name -> case, for a subject."""
    t = Maker(torch)
    return {**_elements(torch, t), **_reductions(torch, t), **_layers(torch, t)}


def STEPS(torch: Any) -> dict[str, Callable[[], Any]]:
    """Name -> what is measured as it is: steps of optimizers on a million parameters, and tensors of ten numbers."""
    t = Maker(torch)
    a, b, c = t(10), t(10), t(10)
    plain = t(10, grad=False), t(10, grad=False)
    layer, x = torch.nn.Linear(10, 10), t(4, 10, grad=False)

    def recorded_and_back() -> None:
        a.grad = b.grad = c.grad = None
        (a * b + c).sum().backward()

    return {
        "SGD with momentum, 10⁶ parameters": _optimizer(torch, t, "SGD", momentum=0.9),
        "Adam, 10⁶ parameters": _optimizer(torch, t, "Adam"),
        "AdamW, 10⁶ parameters": _optimizer(torch, t, "AdamW"),
        "(a·b + c).sum().backward(), 10": recorded_and_back,
        "(a·b + c).sum(), 10": lambda: (a * b + c).sum(),
        "add, 10": lambda: plain[0] + plain[1],
        "nn.Linear(10, 10), 4 rows": lambda: layer(x),
    }


def _optimizer(torch: Any, t: Maker, name: str, **options: Any) -> Callable[[], Any]:
    parameters = [torch.nn.Parameter(t(250, 200, grad=False)) for _ in range(20)]
    for p in parameters:
        p.grad = t(250, 200, grad=False)
    return getattr(torch.optim, name)(parameters, lr=1e-3, **options).step  # type: ignore[no-any-return]
