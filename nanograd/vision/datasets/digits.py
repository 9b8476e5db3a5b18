"""The data set that ships with the package."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nanograd.ops.creation import from_numpy
from nanograd.ops.sampling import randperm
from nanograd.random import Generator
from nanograd.tensors import Tensor
from nanograd.vision.datasets.dataset import VisionDataset

__all__ = ["Digits"]


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
        super().__init__(root, transform=transform, target_transform=target_transform)
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
        return self.transformed(self.data[index].numpy().copy(), int(self.targets[index]))

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
