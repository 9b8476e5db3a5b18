"""Linear regression from 15 features: ``nanograd train linear``.

The data are made up, so the truth is known: y = w · x + b + noise, with features in different units.  The noise is
what no model can predict; with it, the best possible R² is about 0.97.
"""

from __future__ import annotations

from collections.abc import Sequence

import nanograd as torch
from nanograd import Tensor, nn
from nanograd.examples import running
from nanograd.examples.running import Aim, Example, Run
from nanograd.utils.data import DataLoader, TensorDataset

EXAMPLE = Example(
    name="linear",
    about="Linear regression from 15 features of different units.",
    lasts="a few seconds",
    epochs=30,
    aims={"": Aim("R² on the test part", at_least=0.96, form="{:.3f}")},
)

FEATURES, SAMPLES = 15, 2000
WEIGHTS = torch.linspace(-2, 2, FEATURES)  # of the standardized features; the one in the middle does not matter
BIAS, NOISE = 3.0, 0.9


class LinearRegression(nn.Module):
    """ŷ = w · x + b:  features (N, 15) → predictions (N, 1)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


def measurements() -> tuple[Tensor, Tensor]:
    """Features (2000, 15), each with a mean and a unit of its own, and targets (2000, 1)."""
    generator = torch.Generator().manual_seed(15)  # the data stay the same, whatever the seed of the training
    x = torch.randn(SAMPLES, FEATURES, generator=generator)
    noise = NOISE * torch.randn(SAMPLES, 1, generator=generator)
    y = x @ WEIGHTS.unsqueeze(1) + BIAS + noise
    return x * torch.logspace(-2, 3, FEATURES) + torch.linspace(-50, 50, FEATURES), y


def r_squared(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """1 − Σ(y − ŷ)² / Σ(y − ȳ)²: the share of the variance that the model explains."""
    model.eval()
    with torch.no_grad():
        return float(1 - ((y - model(x)) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def train(run: Run) -> float:
    x, y = (tensor.to(run.device) for tensor in measurements())
    x_train, x_valid, x_test = x.split([1200, 400, 400])
    y_train, y_valid, y_test = y.split([1200, 400, 400])

    mean, std = x_train.mean(0), x_train.std(0)  # of the training part alone: the others are unseen
    x_train, x_valid, x_test = ((part - mean) / std for part in (x_train, x_valid, x_test))

    model = run.keep(LinearRegression(FEATURES))
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    for _ in run.epochs():
        model.train()
        total = 0.0
        for features, targets in loader:
            loss = criterion(model(features), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        run.report(loss=total / len(x_train), validation_R2=r_squared(model, x_valid, y_valid))

    found = model.linear.weight.detach().squeeze(0).cpu()
    run.say("feature       " + "".join(f"{i:6}" for i in range(FEATURES)))
    run.say("true weight   " + "".join(f"{w:6.2f}" for w in WEIGHTS.tolist()))
    run.say("found weight  " + "".join(f"{w:6.2f}" for w in found.tolist()))
    return r_squared(model, x_test, y_test)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and say whether the aim was reached."""
    return running.main(EXAMPLE, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
