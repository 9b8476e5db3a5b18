"""What every data set of images is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nanograd.errors import MissingError
from nanograd.utils.data import Dataset

__all__ = ["StandardTransform", "VisionDataset"]

Transform = Callable[[Any], Any]


class StandardTransform:
    """One transform for the image and one for the target, each optional."""

    def __init__(self, transform: Transform | None = None, target_transform: Transform | None = None) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        named = [("Transform: ", self.transform), ("Target transform: ", self.target_transform)]
        return "StandardTransform" + "".join(
            "\n" + name + repr(t).replace("\n", "\n" + " " * len(name)) for name, t in named if t is not None
        )


class VisionDataset(Dataset[tuple[Any, Any]]):
    """(image, target) samples, and what is done to each; prints as torchvision's.

    Either ``transforms``, a function of image and target together, or ``transform`` and ``target_transform``, a
    function of each.  Raises ValueError for both.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        apart = transform is not None or target_transform is not None
        if transforms is not None and apart:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.root = str(Path(root).expanduser()) if isinstance(root, str) and root.startswith("~") else root
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if apart else transforms

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        raise MissingError(f"{type(self).__name__}: define __getitem__(self, index).")

    def __len__(self) -> int:
        raise MissingError(f"{type(self).__name__}: define __len__(self).")

    def transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        """The sample after its transforms, as they are now: people set ``transform`` on a data set that exists."""
        if self.transforms is not None and not isinstance(self.transforms, StandardTransform):
            return self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def extra_repr(self) -> str:
        """What the printed form says besides; for subclasses."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transforms is not None:
            lines.append(repr(self.transforms))
        return f"Dataset {type(self).__name__}" + "".join(f"\n    {line}" for line in lines)
