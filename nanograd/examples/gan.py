"""Imitate eight clouds of points: ``nanograd train gan``.

A generator turns noise into points of the plane, a discriminator tells them from points that are real.  The real ones
stand in eight clouds on a circle.  Such a pair likes to give up some of the clouds (mode collapse), so the result is how
many of the eight the generator still makes.

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

MODES, SPREAD = 8, 0.1  # clouds on the unit circle... their standard deviation

EXAMPLE = Example(
    name="gan",
    about="Eight clouds of points, imitated by a generative adversarial network.",
    lasts="about half a minute",
    epochs=20,
    aims={"": Aim(f"clouds covered, of {MODES}", at_least=7, form="{:.0f}")},
)

NOISE, BATCH, STEPS = 8, 256, 100  # steps per epoch
CENTERS = torch.tensor([[math.cos(a), math.sin(a)] for a in torch.arange(MODES).mul(2 * math.pi / MODES).tolist()])


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
    """How many clouds have at least a third of their fair share of the points (N, 2), and the share in any cloud."""
    distance, nearest = (points.unsqueeze(1) - CENTERS).norm(dim=2).min(1)
    inside = distance < 3 * SPREAD
    counts = torch.bincount(nearest[inside], minlength=MODES)
    return int((counts >= len(points) / MODES / 3).sum()), float(inside.float().mean())
