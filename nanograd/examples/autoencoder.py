"""Squeeze digits through a bottleneck of eight numbers: ``nanograd train autoencoder``.

The network learns to write an image as eight numbers, and to draw it again from them.  Principal component analysis
is the best that linear maps can do; the network bends, and must do better.
"""

from __future__ import annotations

from collections.abc import Sequence

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import Tensor, nn
from nanograd.examples import running
from nanograd.examples.running import Aim, Example, Run
from nanograd.utils.data import DataLoader
from nanograd.vision.datasets import Digits

WIDTH = 8
SHADES = " .:-=+*#%@"  # from paper to ink

EXAMPLE = Example(
    name="autoencoder",
    about=f"Handwritten digits through a bottleneck of {WIDTH} numbers, against principal components.",
    lasts="some seconds",
    epochs=60,
    aims={"": Aim("test error, as a share of that of principal components", at_most=0.5)},
)


class Autoencoder(nn.Module):
    """Images (N, 64) → codes (N, 8) → images (N, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, WIDTH))
        self.decoder = nn.Sequential(nn.Linear(WIDTH, 64), nn.ReLU(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64))

    def forward(self, images: Tensor) -> Tensor:
        return self.decoder(self.encoder(images))


def digits(train: bool) -> Tensor:
    """Images (N, 64) in [0, 1]; what they show does not matter here."""
    return Digits(train=train).data.flatten(1).float() / 255


def principal_components(known: Tensor, images: Tensor) -> Tensor:
    """``images`` as seen through the directions along which ``known`` varies most, as many as the bottleneck has."""
    mean = known.mean(0)
    _, _, directions = torch.linalg.svd(known - mean, full_matrices=False)
    basis = directions[:WIDTH]  # (8, 64), orthonormal
    return (images - mean) @ basis.T @ basis + mean


def picture(image: Tensor) -> list[str]:
    """An image (64,) as eight lines of text."""
    shades = (image.clamp(0, 1) * (len(SHADES) - 1)).round().long().view(8, 8)
    return ["".join(2 * SHADES[shade] for shade in row) for row in shades.tolist()]


def show(run: Run, *rows: Tensor) -> None:
    """Print images side by side, one row of them for each tensor (N, 64)."""
    for row in rows:
        for line in zip(*map(picture, row), strict=True):
            run.say("  ".join(line).rstrip())


def train(run: Run) -> float:
    known, unseen = digits(train=True).to(run.device), digits(train=False).to(run.device)
    linear_error = F.mse_loss(principal_components(known, unseen), unseen).item()

    model = run.keep(Autoencoder())
    loader = DataLoader(known, batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.last_epoch)

    for _ in run.epochs():
        total = 0.0
        for images in loader:
            loss = F.mse_loss(model(images), images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        schedule.step()
        run.report(loss=total / len(loader))

    with torch.no_grad():
        seen = model(unseen)
    error = F.mse_loss(seen, unseen).item()
    show(run, unseen[:6], seen[:6])
    run.say(f"test error of the autoencoder {error:.4f}, of {WIDTH} principal components {linear_error:.4f}")
    return error / linear_error


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and say whether the aim was reached."""
    return running.main(EXAMPLE, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
