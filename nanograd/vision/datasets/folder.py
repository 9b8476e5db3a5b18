"""Images of your own: one folder for each class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nanograd.vision.datasets.dataset import VisionDataset
from nanograd.vision.io import open_picture

__all__ = ["DatasetFolder", "IMG_EXTENSIONS", "ImageFolder", "default_loader", "find_classes", "make_dataset"]

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    """Whether a file's name ends in one of these, in whatever case."""
    return filename.lower().endswith(extensions if isinstance(extensions, str) else tuple(extensions))


def is_image_file(filename: str) -> bool:
    """Whether a file's name is that of an image."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def default_loader(path: str) -> Any:
    """The image in a file, in color: a PIL image, or a uint8 array (H, W, 3) where Pillow is not installed."""
    return open_picture(path)


def find_classes(directory: str | Path) -> tuple[list[str], dict[str, int]]:
    """(the names of the folders in ``directory``, in order; the number by the name).

    Raises FileNotFoundError where there is no such folder, or none in it.
    """
    path = Path(directory)
    if not path.is_dir():
        raise FileNotFoundError(f"there is no directory {str(directory)!r}; it should hold a folder for each class.")
    classes = sorted(entry.name for entry in path.iterdir() if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}; it should hold one for each class.")
    return classes, {name: i for i, name in enumerate(classes)}


def make_dataset(
    directory: str | Path,
    class_to_idx: dict[str, int] | None = None,
    extensions: str | tuple[str, ...] | None = None,
    is_valid_file: Callable[[str], bool] | None = None,
    allow_empty: bool = False,
) -> list[tuple[str, int]]:
    """All (path, class) under ``directory``, sorted by class and path.

    Either ``extensions`` or ``is_valid_file`` says which files count.  Raises ValueError for both or neither,
    FileNotFoundError for a class without a file.
    """
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    if class_to_idx is None:
        class_to_idx = find_classes(directory)[1]
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    samples: list[tuple[str, int]] = []
    empty = []
    for name in sorted(class_to_idx):
        found = [
            (path, class_to_idx[name])
            for path in _files(Path(directory) / name)
            if (is_valid_file(path) if is_valid_file else has_file_allowed_extension(path, extensions or ()))
        ]
        samples += found
        if not found:
            empty.append(name)
    if empty and not allow_empty:
        known = extensions if isinstance(extensions, str) else ", ".join(extensions or ())
        hint = f"Supported extensions are: {known}" if known else ""
        raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}. {hint}")
    return samples


def _files(folder: Path) -> list[str]:
    walked = sorted(os.walk(folder, followlinks=True))
    return [str(Path(place) / name) for place, _, names in walked for name in sorted(names)]


class DatasetFolder(VisionDataset):
    """Samples in files, one folder for each class: ``root/cat/1.txt``, ``root/cat/more/2.txt``, ``root/dog/1.txt``.

    Sample i is (``loader(path)`` through ``transform``, the number of the class through ``target_transform``).
    ``classes`` are the folders' names, sorted; ``samples`` all (path, class); ``targets`` the classes.
    Raises FileNotFoundError when there is no folder, or no file in one, unless ``allow_empty``.
    """

    def __init__(
        self,
        root: str | Path,
        loader: Callable[[str], Any],
        extensions: tuple[str, ...] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        where = str(self.root)
        classes, class_to_idx = self.find_classes(where)
        self.samples = self.make_dataset(where, class_to_idx, extensions, is_valid_file, allow_empty)
        self.loader = loader
        self.extensions = extensions
        self.classes = classes
        self.class_to_idx = class_to_idx
        self.targets = [target for _, target in self.samples]

    @staticmethod
    def make_dataset(
        directory: str | Path,
        class_to_idx: dict[str, int],
        extensions: tuple[str, ...] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> list[tuple[str, int]]:
        """All (path, class); a subclass may choose others."""
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """(names of the classes, number by name); a subclass may choose others."""
        return find_classes(directory)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self.transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """Images in files, one folder for each class: ``root/cat/1.png``, ``root/cat/2.jpg``, ``root/dog/1.png``.

    Sample i is (image, class): a PIL image of mode RGB through ``transform``, and an int through ``target_transform``.
    Where Pillow is not installed the image is a uint8 array (H, W, 3), and only PNG files can be read.
    ``classes`` are the folders' names, sorted; ``imgs`` all (path, class).
    Raises FileNotFoundError when there is no folder, or no image in one, unless ``allow_empty``.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
