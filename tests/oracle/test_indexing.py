"""Indexing beside torch's: random index expressions, read, written and differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nanograd as ng

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Item = tuple[str, Any]  # (what it is, its value); arrays become tensors of the module under test


class Expression:
    """A random index: integers, slices, None, Ellipsis, truth values, integer and bool tensors and lists, mixed."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
        self.rng = rng
        self.items: list[Item] = []
        self.common = tuple(int(v) for v in rng.integers(1, 4, rng.integers(0, 3)))  # what index arrays broadcast to
        d = 0
        while d < len(shape) and len(self.items) < 6:
            d += self._add(shape, d)
            if rng.random() < 0.2:
                break
        alone = len(self.items) == 1 and not (self.items[0][0] == "list" and np.ndim(self.items[0][1]) != 1)
        self.tuple = not (alone and rng.random() < 0.5)

    def _add(self, shape: tuple[int, ...], d: int) -> int:
        """Append one item and say how many dimensions it takes."""
        rng, size = self.rng, shape[d]
        kind = rng.choice(
            ["int", "slice", "none", "ellipsis", "tensor", "list", "bool", "truth", "numpy"],
            p=[0.25, 0.25, 0.08, 0.08, 0.1, 0.1, 0.08, 0.03, 0.03],
        )
        if kind == "ellipsis" and ("ellipsis", ...) not in self.items:
            self.items.append((kind, ...))
            return int(rng.integers(0, len(shape) - d + 1))
        if kind in ("none", "truth"):
            self.items.append((kind, None if kind == "none" else bool(rng.random() < 0.5)))
            return 0
        if kind in ("int", "numpy") and size:
            self.items.append((kind, (int if kind == "int" else np.int64)(rng.integers(-size, size))))
            return 1
        if kind in ("tensor", "list"):
            value = self._places(size)
            self.items.append((kind, value if kind == "tensor" else value.tolist()))
            return 1
        if kind == "bool":
            dims = 1 if rng.random() < 0.7 or d + 1 >= len(shape) else 2
            self.items.append((kind, rng.random(shape[d : d + dims]) < 0.5))
            return dims
        bounds = (None if rng.random() < 0.4 else int(rng.integers(-size - 2, size + 3)) for _ in range(2))
        self.items.append(("slice", slice(*bounds, None if rng.random() < 0.5 else int(rng.integers(1, 4)))))
        return 1

    def _places(self, size: int) -> Any:
        shape = [1 if self.rng.random() < 0.2 else n for n in self.common]
        return self.rng.integers(-size, size, shape) if size else np.zeros(0, np.int64)

    def of(self, m: Any) -> Any:
        """The index for the module ``m``."""
        values = [m.tensor(np.array(v)) if kind in ("tensor", "bool") else v for kind, v in self.items]
        return tuple(values) if self.tuple else values[0]


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return error


def cases(seed: int, count: int) -> Any:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        shape = tuple(int(v) for v in rng.integers(0 if rng.random() < 0.1 else 1, 6, rng.integers(0, 4)))
        yield rng, rng.standard_normal(shape), Expression(rng, shape)


@pytest.mark.parametrize("seed", range(10))
def test_reading(seed: int) -> None:
    for rng, a, index in cases(seed, 150):
        x, y = torch.tensor(a, requires_grad=True), ng.tensor(a, requires_grad=True)
        theirs, ours = outcome(lambda x=x, i=index: x[i.of(torch)]), outcome(lambda y=y, i=index: y[i.of(ng)])
        what = f"{a.shape}{index.items}"
        if isinstance(theirs, Exception):
            assert isinstance(ours, IndexError | ValueError), f"{what}: torch raises {theirs}, nanograd gives {ours}"
            continue
        assert not isinstance(ours, Exception), f"{what}: nanograd raises {ours}"
        assert tuple(theirs.shape) == tuple(ours.shape), what
        np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy(), what)
        w = rng.standard_normal(tuple(ours.shape))
        (theirs * torch.tensor(w)).sum().backward()
        (ours * ng.tensor(w)).sum().backward()
        np.testing.assert_allclose(y.grad.numpy(), x.grad.numpy(), err_msg=what)
        base, ours_base = torch.tensor(a), ng.tensor(a)  # what is a view of the base, and what a copy
        base[index.of(torch)].fill_(7)
        ours_base[index.of(ng)].fill_(7)
        np.testing.assert_array_equal(ours_base.numpy(), base.numpy(), what)


def value_for(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """An array that broadcasts to ``shape``, or now and then one that does not."""
    sizes = [1 if rng.random() < 0.2 else n for n in shape]
    if rng.random() < 0.3:
        sizes = sizes[int(rng.integers(0, len(sizes) + 1)) :]
    return rng.standard_normal([1, *sizes] if rng.random() < 0.1 else [*sizes, 2] if rng.random() < 0.05 else sizes)


def store(x: Any, index: Any, value: Any) -> Any:
    x[index] = value
    return x


@pytest.mark.parametrize("seed", range(10))
def test_writing(seed: int) -> None:
    for rng, a, index in cases(100 + seed, 120):
        part = outcome(lambda a=a, i=index: torch.tensor(a)[i.of(torch)])
        if (
            isinstance(part, Exception) or ("truth", False) in index.items
        ):  # torch checks no shape where nothing is written
            continue
        v = value_for(rng, tuple(part.shape))
        leaves = [(m.tensor(a, requires_grad=True), m.tensor(v, requires_grad=True)) for m in (torch, ng)]
        done = [
            outcome(lambda m=m, x=x, t=t, i=index: store(x * 1, i.of(m), t))
            for m, (x, t) in zip((torch, ng), leaves, strict=True)
        ]
        what = f"{a.shape}{index.items} = {v.shape}"
        if isinstance(done[0], Exception):
            assert isinstance(done[1], RuntimeError | IndexError | ValueError), f"{what}: torch raises {done[0]}"
            continue
        assert not isinstance(done[1], Exception), f"{what}: nanograd raises {done[1]}"
        np.testing.assert_array_equal(done[1].detach().numpy(), done[0].detach().numpy(), what)
        w = rng.standard_normal(a.shape)
        for m, y in zip((torch, ng), done, strict=True):
            (y * m.tensor(w)).sum().backward()
        for theirs, ours in zip(*leaves, strict=True):
            assert theirs.grad is not None or ours.grad is None or not ours.grad.numpy().any()
            if theirs.grad is not None:
                np.testing.assert_allclose(
                    0 if ours.grad is None else ours.grad.numpy(), theirs.grad.numpy(), err_msg=what
                )


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("value", [1, 2.7, True, -1.5])
def test_numbers_are_cast_to_the_tensors_dtype(dtype: str, value: Any) -> None:
    def stored(m: Any, what: Any) -> Any:
        return store(m.zeros(3, dtype=getattr(m, dtype)), 1, what).numpy()

    for make in (lambda m: value, lambda m: m.tensor(abs(value))):
        theirs, ours = (
            outcome(lambda make=make: stored(torch, make(torch))),
            outcome(lambda make=make: stored(ng, make(ng))),
        )
        if isinstance(theirs, Exception):
            assert isinstance(ours, RuntimeError), f"torch raises {theirs}, nanograd gives {ours}"
        else:
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
