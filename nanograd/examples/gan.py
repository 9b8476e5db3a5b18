"""Imitate eight clouds of points: ``nanograd train gan``.

A generator turns noise into points of the plane, a discriminator tells them from points that are real.  The real ones
stand in eight clouds on a circle.  Such a pair likes to give up some of the clouds (mode collapse), so the result is
how many of the eight the generator still makes.

Source: I. Goodfellow et al., "Generative adversarial networks", 2014; the penalty is R1 of L. Mescheder et al., "Which
training methods for GANs do actually converge?", 2018.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import Tensor, nn
from nanograd.examples import running
from nanograd.examples.running import Aim, Example, Run

MODES, SPREAD = 8, 0.1  # clouds on the circle of radius 2, and their standard deviation

EXAMPLE = Example(
    name="gan",
    about="Eight clouds of points, imitated by a generative adversarial network.",
    lasts="about twenty seconds",
    epochs=25,
    aims={"": Aim(f"clouds covered, of {MODES}", at_least=7, form="{:.0f}")},
)

NOISE, BATCH, STEPS = 8, 256, 100  # numbers of noise per point, points per step, steps per epoch
PENALTY = 0.1
CENTERS = 2 * torch.tensor([[math.cos(a), math.sin(a)] for a in torch.arange(MODES).mul(2 * math.pi / MODES).tolist()])


def real_points(count: int) -> Tensor:
    """Points (N, 2) of the clouds, as many from each on average."""
    return CENTERS[torch.randint(MODES, (count,))] + SPREAD * torch.randn(count, 2)


def network(inputs: int, outputs: int) -> nn.Sequential:
    """Two hidden layers: (N, inputs) → (N, outputs)."""
    return nn.Sequential(
        nn.Linear(inputs, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, outputs)
    )


def steepness(scores: Tensor, points: Tensor) -> Tensor:
    """The mean of |∂score/∂point|²; it can be differentiated again, so that it can be trained away."""
    (slope,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    return slope.square().sum(1).mean()


def covered(points: Tensor) -> tuple[int, float]:
    """How many clouds have at least half of their fair share of the points (N, 2), and the share in any cloud.

    In a cloud is what is within three standard deviations.  An even ring through all the clouds would cover none.
    """
    distance, nearest = (points.unsqueeze(1) - CENTERS).norm(dim=2).min(1)
    inside = distance < 3 * SPREAD
    counts = torch.bincount(nearest[inside], minlength=MODES)
    return int((counts >= len(points) / MODES / 2).sum()), float(inside.float().mean())


def picture(points: Tensor) -> str:
    """The points (N, 2) in [−2.5, 2.5]² as lines of text, darker where there are more."""
    at = ((points + 2.5) / 5 * torch.tensor([48, 24])).floor().long()
    at = at[((at >= 0) & (at < torch.tensor([48, 24]))).all(1)]
    counts = torch.bincount(at[:, 1] * 48 + at[:, 0], minlength=24 * 48).view(24, 48)
    return "\n".join("".join(" .:*#"[min(count, 4)] for count in row).rstrip() for row in counts.flip(0).tolist())


def train(run: Run) -> float:
    generator, discriminator = network(NOISE, 2), network(2, 1)
    run.keep(nn.ModuleDict({"generator": generator, "discriminator": discriminator}))
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=3e-3, betas=(0.5, 0.99))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=3e-3, betas=(0.5, 0.99))
    schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(o, run.last_epoch) for o in (optimizer_g, optimizer_d)]

    def noise(count: int) -> Tensor:
        return torch.randn(count, NOISE, device=run.device)

    for _ in run.epochs():
        total_d, total_g = 0.0, 0.0
        for _ in range(STEPS):
            real = real_points(BATCH).to(run.device).requires_grad_()
            fake = generator(noise(BATCH))

            # the discriminator: high scores for what is real, low ones for what is made, no cliff where the real is
            scores = discriminator(real)
            loss_d = F.softplus(-scores).mean() + F.softplus(discriminator(fake.detach())).mean()
            loss_d = loss_d + PENALTY / 2 * steepness(scores, real)
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()

            # the generator: high scores for what it made
            loss_g = F.softplus(-discriminator(fake)).mean()
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
            total_d, total_g = total_d + loss_d.item(), total_g + loss_g.item()

        for schedule in schedules:
            schedule.step()
        with torch.no_grad():
            clouds, inside = covered(generator(noise(2000)).cpu())
        run.report(discriminator=total_d / STEPS, generator=total_g / STEPS, clouds=clouds, inside=inside)

    with torch.no_grad():
        made = generator(noise(2000)).cpu()
    run.say(picture(made))
    return covered(made)[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and say whether the aim was reached."""
    return running.main(EXAMPLE, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
