"""The place of torchvision's networks, which nanograd does not have: each fails by name."""

from typing import NoReturn

from nanograd.errors import MissingError

__all__: list[str] = []


def __getattr__(name: str) -> NoReturn:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise MissingError(
        f"torchvision.models.{name}: nanograd has no ready-made networks and no trained weights. Write the network as "
        "an nn.Module of nn.Conv2d, nn.BatchNorm2d, nn.ReLU and nn.Linear; the names and shapes of its state_dict are "
        "torch's, so weights of your own move both ways."
    )
