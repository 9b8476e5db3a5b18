"""``nanograd warmup``: compile the kernels of the usual models ahead, so that no program waits for them.

Each part trains small models of one kind for a step, forward and backward: what they need is compiled and kept.
Ctrl-C loses nothing that was finished.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

import nanograd as torch
from nanograd import nn, optim
from nanograd.kernels import cache
from nanograd.kernels.compile import COMPILED, can_compile
from nanograd.nn import functional as F

__all__ = ["PARTS", "warmup"]

FAILED, INCAPABLE, INTERRUPTED = 1, 8, 130  # exit codes
BATCH = 64  # as in the usual models: small arrays run on NumPy, and would compile nothing


def warmup(out: TextIO | None = None) -> int:
    """Compile what is not compiled yet, and say how it goes; the result is the exit status."""
    out = out or sys.stdout
    if not can_compile():
        print("warmup: numba cannot be imported, or NANOGRAD_JIT is 0: kernels run on NumPy.", file=sys.stderr)
        return INCAPABLE
    print(f"compiled kernels are kept in {cache.directories()[0]}", file=out, flush=True)
    began, before = time.perf_counter(), len(COMPILED)
    # The seed of what a program draws later is none of our business.
    state = torch.get_rng_state()
    try:
        for number, (name, part) in enumerate(PARTS.items(), 1):
            with Line(f"[{number}/{len(PARTS)}] {name}", out):
                part()
    except KeyboardInterrupt:
        print("\ninterrupted: what is compiled is kept; `nanograd warmup` again does the rest.", file=out)
        return INTERRUPTED
    finally:
        torch.set_rng_state(state)
    seconds = time.perf_counter() - began
    print(f"{len(COMPILED) - before} kernels compiled in {seconds:.1f} s", file=out)
    return _report(out)


def _report(out: TextIO) -> int:
    removed, kept = cache.tidy(), cache.files()
    if not kept:
        print("warmup: nothing could be written there. Set NANOGRAD_CACHE_DIR to another directory.", file=sys.stderr)
        return FAILED
    size = 0
    for file in kept:
        with suppress(OSError):  # another process tidies too
            size += file.stat().st_size
    gone = f"; {removed} that nobody used went" if removed else ""
    print(f"{len(kept)} kernels are kept, {size / 1e6:.1f} MB{gone}", file=out)
    return 0


class Line:
    """A line that shows, while something lasts, that it goes on: its time, and how many kernels were compiled."""

    def __init__(self, title: str, out: TextIO) -> None:
        self.title, self.out = title, out
        self.began, self.before = time.perf_counter(), len(COMPILED)
        self.ended = threading.Event()
        self.ticking: threading.Thread | None = None

    def __str__(self) -> str:
        seconds = time.perf_counter() - self.began
        return f"{self.title:<48} {len(COMPILED) - self.before:3} compiled {seconds:6.1f} s"

    def __enter__(self) -> None:
        if self.out.isatty():
            self.ticking = threading.Thread(target=self._tick, daemon=True)
            self.ticking.start()

    def _tick(self) -> None:
        while not self.ended.wait(0.1):
            print(f"\r{self}", end="", file=self.out, flush=True)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.ended.set()
        if self.ticking is not None:
            self.ticking.join()
        if kind is None:
            print(f"\r{self}" if self.ticking is not None else self, file=self.out, flush=True)


# What the usual models are made of


def _step(
    model: nn.Module, x: Any, loss: Callable[[Any], Any], make: Callable[[Any], optim.Optimizer] = optim.SGD
) -> None:
    """Two training steps: the second meets the optimizer's state."""
    optimizer = make(model.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        loss(model(x)).backward()
        optimizer.step()


def _classes(y: Any) -> Any:
    return F.cross_entropy(y, torch.zeros(len(y), dtype=torch.int64))


def _square(y: Any) -> Any:
    return (y * y).mean()


def _linear() -> None:
    x = torch.randn(BATCH, 784)
    for activation in (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.ELU, nn.Softplus):
        _step(nn.Sequential(nn.Linear(784, 128), activation(), nn.Dropout(0.2), nn.Linear(128, 10)), x, _classes)


def _losses() -> None:
    target, truth = torch.rand(BATCH, 128), torch.zeros(BATCH, dtype=torch.int64)
    model, x = nn.Linear(128, 128), torch.randn(BATCH, 128)
    for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.binary_cross_entropy_with_logits):
        _step(model, x, lambda y, loss=loss: loss(y, target))  # type: ignore[misc]
    _step(model, x, lambda y: F.binary_cross_entropy(y.sigmoid(), target))
    _step(model, x, lambda y: F.nll_loss(F.log_softmax(y, dim=1), truth))
    _step(nn.Linear(128, 1), x, lambda y: F.mse_loss(y, target[:, :1]))


def _optimizers() -> None:
    x = torch.randn(BATCH, 128)
    kinds: dict[Any, list[dict[str, Any]]] = {
        optim.SGD: [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
        optim.Adam: [{}, {"amsgrad": True}],
        optim.AdamW: [{}],
        optim.RMSprop: [{}, {"momentum": 0.9}],
        optim.Adagrad: [{}],
        optim.Adadelta: [{}],
    }
    for kind, choices in kinds.items():
        for options in choices:
            _step(
                nn.Sequential(nn.Linear(128, 64), nn.Linear(64, 10)),
                x,
                _classes,
                lambda p, kind=kind, options=options: kind(p, lr=0.01, **options),  # type: ignore[misc]
            )


def _images() -> None:
    x = torch.randn(BATCH, 1, 28, 28)
    for pool in (nn.MaxPool2d(2), nn.AvgPool2d(2)):
        body = [nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), pool, nn.Conv2d(8, 16, 3), nn.ReLU(), pool]
        model = nn.Sequential(*body, nn.Flatten(), nn.Dropout(0.5), nn.Linear(400, 10))
        _step(model, x, _classes)
        model.eval()
        with torch.no_grad():
            model(x)
    for convolution in (nn.Conv2d(1, 32, 3), nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(1, 16, 5, stride=2)):
        _step(nn.Sequential(convolution, nn.Conv2d(convolution.out_channels, 64, 3)), x, _square)
    _step(nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.ConvTranspose2d(8, 1, 4, 2, 1)), x, _square)


def _sequences() -> None:
    x = torch.randn(BATCH, 20, 32)
    tokens = torch.randint(0, 60, (BATCH, 20))
    for recurrent in (nn.LSTM, nn.GRU, nn.RNN):
        _step(Last(recurrent(32, 64, batch_first=True)), x, _classes)
        _step(nn.Sequential(nn.Embedding(60, 32), Last(recurrent(32, 64, batch_first=True))), tokens, _classes)


class Last(nn.Module):
    """What a recurrent layer gives last, through a linear layer."""

    def __init__(self, recurrent: Any) -> None:
        super().__init__()
        self.recurrent, self.out = recurrent, nn.Linear(recurrent.hidden_size, 10)

    def forward(self, x: Any) -> Any:
        return self.out(self.recurrent(x)[0][:, -1])


def _attention() -> None:
    tokens = torch.randint(0, 60, (BATCH, 32))
    for norm_first in (True, False):
        layer = nn.TransformerEncoderLayer(64, 4, 128, 0.1, "gelu" if norm_first else "relu", 1e-5, True, norm_first)
        body = nn.Sequential(
            nn.Embedding(60, 64), layer, nn.LayerNorm(64), nn.LayerNorm(64, bias=False), nn.Linear(64, 60)
        )
        _step(body, tokens, lambda y: F.cross_entropy(y.reshape(-1, 60), tokens.reshape(-1)), optim.AdamW)
    q = torch.randn(8, 4, 64, 32, requires_grad=True)
    for causal in (True, False):
        F.scaled_dot_product_attention(q, q, q, is_causal=causal).sum().backward()


def _elements() -> None:
    x, large = torch.rand(128, 128, requires_grad=True), torch.rand(16, 64, 128, requires_grad=True)
    names = ("exp", "log", "sqrt", "sin", "cos", "abs", "tanh", "sigmoid", "relu", "square", "reciprocal", "rsqrt")
    for name in names:
        getattr(x, name)().sum().backward()
    rows = (x.sum(0), x.sum(1), x.mean(), x.max(1)[0], x.min(0)[0], x.max(), x.std(1), x.cumsum(0), x.cumsum(1))
    spread = (x + x[0], x - x[0], x * x[0], x + x[:, :1], x * x.T, x / x, x**2, large + large[0], large * large[:, :1])
    for y in (*rows, *spread, x.softmax(-1), x.softmax(0), x.log_softmax(-1), x.logsumexp(1)):
        y.sum().backward()
    for draw in (torch.randn, torch.rand):
        draw(128, 128)
    torch.randperm(10000), torch.randint(0, 10, (10000,))


PARTS: dict[str, Callable[[], None]] = {
    "linear layers, activations, dropout": _linear,
    "losses": _losses,
    "optimizers": _optimizers,
    "convolutions, pools, batch norm": _images,
    "embeddings, recurrent layers": _sequences,
    "attention, layer norm": _attention,
    "element by element, sums, softmax": _elements,
}
"""Name -> function that runs the kernels of the part."""
