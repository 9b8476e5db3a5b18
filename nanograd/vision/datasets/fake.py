"""Images of noise, to try a program without data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nanograd.errors import ShapeError
from nanograd.ops.sampling import randint, randn
from nanograd.random import Generator
from nanograd.vision.datasets.dataset import VisionDataset
from nanograd.vision.picture import picture

__all__ = ["FakeData"]


class FakeData(VisionDataset):
    """``size`` images of noise with random classes; sample i is the same in every process.

    Sample i is (image, class): a PIL image, or a uint8 array (H, W, C) where Pillow is not installed, through
    ``transform``, and a tensor, int64 and 0-d, through ``target_transform``.  ``image_size`` is (C, H, W).
    Raises IndexError beyond the last, ShapeError for an image_size other than one to four channels.
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: Sequence[int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(None, transform=transform, target_transform=target_transform)
        if len(image_size) != 3 or not 1 <= image_size[0] <= 4 or min(image_size) < 1:
            raise ShapeError(f"FakeData: expected image_size (C, H, W) of 1 to 4 channels, got {tuple(image_size)}.")
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{type(self).__name__} index out of range: {index} of {len(self)}.")
        own = Generator().manual_seed(int(index) % len(self) + self.random_offset)
        noise = randn(*self.image_size, generator=own).permute(1, 2, 0).numpy()
        target = randint(0, self.num_classes, (1,), generator=own)[0]
        image = (noise * 255).astype(np.int64).astype(np.uint8)  # what lies outside 0 ... 255 comes around
        return self.transformed(picture(image[:, :, 0] if image.shape[2] == 1 else image), target)

    def __len__(self) -> int:
        return self.size
