"""Data sets of images."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nanograd.ops.creation import from_numpy, randperm
from nanograd.random import Generator
from nanograd.tensors import Tensor
from nanograd.utils.data import Dataset

__all__ = ["Digits", "VisionDataset"]


class VisionDataset(Dataset[tuple[Any, Any]]):
    """(image, target) samples with a transform for each; prints as torchvision's."""

    def __init__(
        self,
        root: str | Path | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.root = root
        self.transform = transform
        self.target_transform = target_transform

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}: define __len__(self).")

    def extra_repr(self) -> str:
        """What the printed form says besides; for subclasses."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        transforms = [("Transform: ", self.transform), ("Target transform: ", self.target_transform)]
        if self.transform or self.target_transform:
            lines.append("StandardTransform")
        lines += [name + repr(t).replace("\n", "\n    " + " " * len(name)) for name, t in transforms if t]
        return f"Dataset {type(self).__name__}" + "".join(f"\n    {line}" for line in lines)


class Digits(VisionDataset):
    """1,797 handwritten digits of 8 by 8 pixels, with their names 0 ... 9; they ship with the package.

    Sample i is (image, digit): a uint8 array (8, 8), 0 for paper to 255 for ink, through ``transform``, and an int,
    through ``target_transform``.  With ``transforms.ToTensor()`` the image is float32 (1, 8, 8) in [0, 1].  The
    17 levels of ink of the source, k = 0 ... 16, are spread over the range of images: round(255 k / 16).

    1,437 are for training and 360 for testing, drawn once by a fixed seed: the same in every process, and both parts
    have all 13 writers.  ``data`` (N, 8, 8) uint8 and ``targets`` (N,) int64 hold all of a part.  ``root`` is not used.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    1998; its test set.
    """

    classes: ClassVar = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
               "8 - eight", "9 - nine"]  # fmt: skip
    TRAINING: ClassVar = 1437

    data: Tensor
    targets: Tensor

    def __init__(
        self,
        root: str | Path | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(root, transform, target_transform)
        self.train = train
        images, labels = _stored()
        order = randperm(len(labels), generator=Generator().manual_seed(0)).numpy()
        part = order[: self.TRAINING] if train else order[self.TRAINING :]
        self.data = from_numpy(np.round(images[part] * (255 / 16)).astype(np.uint8))
        self.targets = from_numpy(labels[part].astype(np.int64))

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The digit by the name of its class."""
        return {name: i for i, name in enumerate(self.classes)}

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        image: Any = self.data[index].numpy().copy()
        target: Any = int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {'Train' if self.train else 'Test'}"


def _stored() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(images (1797, 8, 8) of 0 ... 16, labels (1797,)) as the package ships them."""
    stored = resources.files("nanograd.vision") / "data" / "digits.npz"
    with resources.as_file(stored) as path, np.load(path, allow_pickle=False) as file:
        return file["images"], file["labels"]
