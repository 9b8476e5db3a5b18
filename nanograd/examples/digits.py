"""Train a network on handwritten digits: ``nanograd train digits``, or ``python -m nanograd.examples.digits``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import nanograd as torch
from nanograd import nn
from nanograd.utils.data import DataLoader, Dataset, TensorDataset
from nanograd.vision.datasets import Digits

__all__ = ["accuracy", "digits", "main", "network", "train"]


def digits(part: str) -> TensorDataset:
    """The "train" or "test" digits, images (N, 1, 8, 8) in [0, 1]."""
    found = Digits(train=part == "train")
    return TensorDataset(found.data.unsqueeze(1).float() / 255, found.targets)


def network() -> nn.Sequential:
    """Two convolutions, then two linear layers: images (N, 1, 8, 8) → scores (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),  # (N, 32, 4, 4) -> (N, 512)
        nn.Dropout(0.25),
        nn.Linear(32 * 4 * 4, 64),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(64, 10),
    )


def train(
    model: nn.Module,
    data: Dataset[Any],
    epochs: int,
    lr: float,
    after_epoch: Callable[[int, float], None] = lambda epoch, loss: None,
) -> None:
    """Adam on the cross entropy in batches of 32, its rate falling to 0; ``after_epoch`` gets number and mean loss."""
    loader: DataLoader[Any] = DataLoader(data, batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 - epoch / epochs)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, epochs + 1):
        model.train()
        total, count = 0.0, 0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            total, count = total + loss.item() * len(labels), count + len(labels)
        schedule.step()
        after_epoch(epoch, total / count)


def accuracy(model: nn.Module, data: Dataset[Any]) -> float:
    """The share of ``data`` that the model names correctly."""
    model.eval()
    right, count = 0, 0
    with torch.no_grad():
        for images, labels in DataLoader(data, batch_size=256):
            right += int((model(images).argmax(1) == labels).sum().item())
            count += len(labels)
    return right / count


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and print loss and accuracy per epoch."""
    parser = argparse.ArgumentParser(prog="nanograd train digits", description="Train a network on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=12, help="passes over the 1,437 training images (default: 12)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, order and dropout (default: 0)")
    parser.add_argument("--lr", type=float, default=3e-3, help="first learning rate of Adam (default: 0.003)")
    options = parser.parse_args(argv)
    if options.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {options.epochs}")
    if not options.lr > 0:
        parser.error(f"--lr must be positive, got {options.lr}")

    torch.manual_seed(options.seed)
    start = time.perf_counter()
    model, training, testing = network(), digits("train"), digits("test")

    def report(epoch: int, loss: float) -> None:
        print(f"epoch {epoch:3d}   loss {loss:.4f}   test accuracy {100 * accuracy(model, testing):.1f} %")

    train(model, training, options.epochs, options.lr, report)
    seconds = time.perf_counter() - start
    print(f"test accuracy: {100 * accuracy(model, testing):.1f} % in {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
