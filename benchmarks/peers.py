"""The same work by others: the network of w3 in plain NumPy, mygrad and tinygrad, and a scalar engine's demo."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import BATCHES, Step

__all__ = ["PEERS", "scalar"]

SIZES = (784, 128, 64, 10)
RATE, MOMENTUM = np.float32(0.01), np.float32(0.9)


def _weights() -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(0)
    bounds = [1 / np.sqrt(inputs) for inputs in SIZES[:-1]]
    pairs = zip(SIZES[:-1], SIZES[1:], bounds, strict=True)
    weights = [rng.uniform(-bound, bound, (i, o)).astype(np.float32) for i, o, bound in pairs]
    return weights, [np.zeros(o, np.float32) for o in SIZES[1:]]


def _batches() -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((64, 784), dtype=np.float32), rng.integers(0, 10, 64)) for _ in range(BATCHES)]


def by_numpy() -> Step:
    """w3 with the way back written by hand."""
    weights, biases = _weights()
    parameters = [*weights, *biases]
    velocities = [np.zeros_like(p) for p in parameters]
    batches, state = _batches(), {"i": 0}

    def step() -> Any:
        x, y = batches[state["i"] % BATCHES]
        state["i"] += 1
        layers = [x]
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = layers[-1] @ w + b
            layers.append(np.maximum(z, 0) if i < 2 else z)
        z = layers.pop()
        e = np.exp(z - z.max(1, keepdims=True))
        g = e / e.sum(1, keepdims=True)
        loss = -np.log(g[np.arange(64), y]).mean()
        g[np.arange(64), y] -= 1
        g /= np.float32(64)
        found: list[Any] = []
        for w, h in zip(reversed(weights), reversed(layers), strict=True):
            found.append((h.T @ g, g.sum(0)))
            g = (g @ w.T) * (h > 0)
        gradients = [pair[0] for pair in reversed(found)] + [pair[1] for pair in reversed(found)]
        for p, v, d in zip(parameters, velocities, gradients, strict=True):
            v *= MOMENTUM
            v += d
            p -= RATE * v
        return loss

    return step


def by_mygrad() -> Step:
    """w3 in mygrad."""
    mg = importlib.import_module("mygrad")
    relu = importlib.import_module("mygrad.nnet.activations").relu
    cross_entropy = importlib.import_module("mygrad.nnet.losses").softmax_crossentropy
    weights, biases = ([mg.tensor(p) for p in group] for group in _weights())
    parameters = [*weights, *biases]
    velocities = [np.zeros_like(p.data) for p in parameters]
    batches, state = _batches(), {"i": 0}

    def step() -> Any:
        x, y = batches[state["i"] % BATCHES]
        state["i"] += 1
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            x = mg.matmul(x, w) + b
            x = relu(x) if i < 2 else x
        loss = cross_entropy(x, y)
        loss.backward()
        for p, v in zip(parameters, velocities, strict=True):
            v *= MOMENTUM
            v += p.grad
            p.data[...] -= RATE * v
            p.null_grad()
        return loss

    return step


def by_tinygrad() -> Step:
    """w3 in tinygrad, compiled by its TinyJit."""
    tiny = importlib.import_module("tinygrad")
    optim = importlib.import_module("tinygrad.nn.optim")
    weights, biases = ([_parameter(tiny.Tensor(p)) for p in group] for group in _weights())
    optimizer = optim.SGD([*weights, *biases], lr=float(RATE), momentum=float(MOMENTUM))
    batches = [(tiny.Tensor(x), tiny.Tensor(y.astype(np.int32))) for x, y in _batches()]
    state = {"i": 0}

    @tiny.TinyJit  # type: ignore[untyped-decorator]
    def update(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            x = x @ w + b
            x = x.relu() if i < 2 else x
        loss = x.sparse_categorical_crossentropy(y).backward()
        optimizer.step()
        return loss.realize()

    def step() -> Any:
        x, y = batches[state["i"] % BATCHES]
        state["i"] += 1
        with tiny.Tensor.train() if hasattr(tiny.Tensor, "train") else tiny.Context(TRAINING=1):
            return update(x.realize(), y.realize()).item()

    return step


def _parameter(x: Any) -> Any:
    """x, of which tinygrad takes the gradient."""  # its versions differ in the name of that, and of training
    return x.is_param_() if hasattr(x, "is_param_") else x.requires_grad_()


PEERS: dict[str, Callable[[], Step]] = {"numpy": by_numpy, "mygrad": by_mygrad, "tinygrad": by_tinygrad}
"""Package -> the training step of w3 in it."""


def scalar(subject: str) -> Step:
    """micrograd's demo: 2-16-16-1 on 100 points of two moons, hinge loss and L2, one number at a time."""
    found = importlib.import_module("micrograd.engine" if subject == "micrograd" else subject)
    Value = found.Value if subject == "micrograd" else found.Scalar
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, np.pi, 50)
    moons = [(np.cos(angle), np.sin(angle)), (1 - np.cos(angle), 0.5 - np.sin(angle))]
    points = np.concatenate([np.stack(moon, 1) for moon in moons]) + 0.1 * rng.standard_normal((100, 2))
    xs, ys = points.tolist(), [-1.0] * 50 + [1.0] * 50
    draw = random.Random(1).uniform
    pairs = [(2, 16), (16, 16), (16, 1)]
    layers = [[([Value(draw(-1, 1)) for _ in range(i)], Value(0.0)) for _ in range(o)] for i, o in pairs]
    parameters = [p for layer in layers for w, b in layer for p in (*w, b)]

    def score(x: list[Any]) -> Any:
        for depth, layer in enumerate(layers):
            x = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
            x = x if depth == 2 else [v.relu() for v in x]
        return x[0]

    def step() -> Any:
        losses = [(1 + -y * score([Value(v) for v in x])).relu() for x, y in zip(xs, ys, strict=True)]
        loss = sum(losses, Value(0.0)) * (1.0 / len(losses)) + 1e-4 * sum((p * p for p in parameters), Value(0.0))
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        return loss

    return step
