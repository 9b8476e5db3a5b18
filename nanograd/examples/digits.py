"""Read handwritten digits: ``nanograd train digits --model mlp`` or ``--model lenet``.

1,797 digits of 8 by 8 pixels ship with the package.  The 360 test digits are looked at once, at the end; while it
trains, the network is watched on a tenth of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import Tensor, nn
from nanograd.examples import running
from nanograd.examples.running import Aim, Example, Run
from nanograd.utils.data import DataLoader, Dataset, TensorDataset, random_split
from nanograd.vision.datasets import Digits

EXAMPLE = Example(
    name="digits",
    about="Handwritten digits, read by a multilayer perceptron or by LeNet.",
    lasts="some seconds",
    epochs=20,
    aims={
        "lenet": Aim("test accuracy", at_least=98.0, form="{:.1f} %"),
        "mlp": Aim("test accuracy", at_least=96.0, form="{:.1f} %"),
    },
    option="model",
    option_help="the network",
)


class MLP(nn.Sequential):
    """Two linear layers:  images (N, 1, 8, 8) → scores (N, 10)."""

    def __init__(self) -> None:
        super().__init__(
            nn.Flatten(),  # (N, 1, 8, 8) -> (N, 64)
            nn.Linear(64, 128),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(128, 10),
        )


class LeNet(nn.Module):
    """Two convolutions, then three linear layers:  images (N, 1, 8, 8) → scores (N, 10).

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86(11), 1998, with
    ReLU and max pooling as it is taught today.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.repeat_interleave(4, 2).repeat_interleave(4, 3)  # LeNet reads 32 by 32 pixels
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (N, 6, 15, 15)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (N, 16, 6, 6)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


MODELS = {"mlp": MLP, "lenet": LeNet}


def digits(part: str, device: str = "cpu") -> TensorDataset:
    """The "train" or "test" digits: images (N, 1, 8, 8) in [0, 1], and what they show (N,)."""
    found = Digits(train=part == "train")
    return TensorDataset(found.data.unsqueeze(1).float().to(device) / 255, found.targets.to(device))


def learn(model: nn.Module, data: Dataset[Any], epochs: Iterable[int]) -> Iterator[tuple[int, float]]:
    """Adam on the cross entropy, its rate a tenth lower each epoch; gives each epoch's number and mean loss."""
    loader: DataLoader[Any] = DataLoader(data, batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in epochs:
        model.train()
        total, count = 0.0, 0
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, count = total + loss.item() * len(labels), count + len(labels)
        schedule.step()
        yield epoch, total / count


def accuracy(model: nn.Module, data: Dataset[Any]) -> float:
    """The share of ``data`` that the model names correctly."""
    model.eval()
    right, count = 0, 0
    with torch.no_grad():
        for images, labels in DataLoader(data, batch_size=256):
            right += int((model(images).argmax(1) == labels).sum())
            count += len(labels)
    return right / count


def train(run: Run) -> float:
    known = digits("train", run.device)
    learning, watching = random_split(known, [0.9, 0.1])
    model = run.keep(MODELS[run.choice]())
    for _, loss in learn(model, learning, run.epochs()):
        run.report(loss=loss, validation_accuracy=accuracy(model, watching))
    return 100 * accuracy(model, digits("test", run.device))


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and say whether the aim was reached."""
    return running.main(EXAMPLE, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
