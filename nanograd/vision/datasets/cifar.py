"""CIFAR: small color photographs in ten or a hundred classes."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nanograd.serialization import FileFormatError
from nanograd.vision.datasets.dataset import VisionDataset
from nanograd.vision.datasets.download import check_integrity, checksum, fetch, mirrors_of
from nanograd.vision.datasets.pickles import read_pickle
from nanograd.vision.files import replacing
from nanograd.vision.picture import Array, picture

__all__ = ["CIFAR10", "CIFAR100"]

_MEMBER_LIMIT = 512 << 20  # bytes; the largest member of the archives has 155 MB


class CIFAR10(VisionDataset):
    """60,000 color photographs of 32 by 32 pixels in ten classes: 50,000 to train with, 10,000 to test.

    Sample i is (image, class): a PIL image of mode RGB, or a uint8 array (32, 32, 3) where Pillow is not installed,
    through ``transform``, and an int, through ``target_transform``.  ``data`` (N, 32, 32, 3) is a uint8 array and
    ``targets`` a list of ints, as in torchvision.

    The data is read from the archive ``root/cifar-10-python.tar.gz`` or from the folder ``root/cifar-10-batches-py``
    that unpacking it gives; every file must have its published checksum.  The files are pickles, read without running
    them.  ``download=True`` fetches the archive and unpacks it; see MNIST for mirrors.

    Raises RuntimeError when the data is missing or has another checksum, FileFormatError when it is damaged or asks
    for more than numbers.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """

    base_folder: ClassVar[str] = "cifar-10-batches-py"
    url: ClassVar[str] = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename: ClassVar[str] = "cifar-10-python.tar.gz"
    tgz_md5: ClassVar[str] = "c58f30108f718f92721af3b95e74349a"
    train_list: ClassVar[Sequence[Sequence[str]]] = [  # (file, md5)
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list: ClassVar[Sequence[Sequence[str]]] = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta: ClassVar[dict[str, str]] = {
        "filename": "batches.meta",
        "key": "label_names",
        "md5": "5ff9c542aee3614f3951f8cda6e48888",
    }

    data: Array
    targets: list[int]
    classes: list[str]
    class_to_idx: dict[str, int]

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        wanted = self.train_list if train else self.test_list
        files = self._files([*wanted, [self.meta["filename"], self.meta["md5"]]])
        self.classes = _class_names(files.pop(self.meta["filename"]), self.meta)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        batches = [_batch(name, data, len(self.classes)) for name, data in files.items()]
        self.data = np.concatenate([images for images, _ in batches])
        self.targets = [label for _, labels in batches for label in labels]

    def _files(self, wanted: Sequence[Sequence[str]]) -> dict[str, bytes]:
        """The bytes of files by name, from the folder or else from the archive.  Raises RuntimeError if missing."""
        root = Path(str(self.root))
        folder, archive = root / self.base_folder, root / self.filename
        if all(check_integrity(folder / name, digest) for name, digest in wanted):
            return {name: (folder / name).read_bytes() for name, _ in wanted}
        if check_integrity(archive, self.tgz_md5):
            return _members(archive, self.base_folder, [name for name, _ in wanted])
        raise RuntimeError(
            "Dataset not found or corrupted. You can use download=True to download it. "
            f"{type(self).__name__}: {self._what_is_there(folder, archive, wanted)} To put it there by hand, get "
            f"{self.filename} (md5 {self.tgz_md5}) from {self.url} and copy it to {archive}."
        )

    def _what_is_there(self, folder: Path, archive: Path, wanted: Sequence[Sequence[str]]) -> str:
        if archive.is_file():
            return f"{archive} has md5 {checksum(archive)}, expected {self.tgz_md5}: delete it and get it again."
        if not folder.is_dir():
            return f"there is neither the archive {archive} nor the folder {folder}."
        for name, digest in wanted:
            if not (folder / name).is_file():
                return f"{folder} has no file {name}."
            if not check_integrity(folder / name, digest):
                return f"{folder / name} has md5 {checksum(folder / name)}, expected {digest}."
        return f"{folder} changes while it is read."

    def download(self) -> None:
        """Fetch the archive, unless its files are there, and unpack them."""
        root = Path(str(self.root))
        folder = root / self.base_folder
        wanted = [*self.train_list, *self.test_list, [self.meta["filename"], self.meta["md5"]]]
        if all(check_integrity(folder / name, digest) for name, digest in wanted):
            return
        mirrors = mirrors_of(type(self).__name__, [self.url.removesuffix(self.filename)])
        archive = fetch(mirrors, self.filename, root, self.tgz_md5)
        files = _members(archive, self.base_folder, [name for name, _ in wanted])
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            with replacing(folder / name) as file:
                file.write(data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        return self.transformed(picture(self.data[index].copy()), self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """60,000 color photographs of 32 by 32 pixels in a hundred classes, in the form of CIFAR10.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """

    base_folder: ClassVar[str] = "cifar-100-python"
    url: ClassVar[str] = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename: ClassVar[str] = "cifar-100-python.tar.gz"
    tgz_md5: ClassVar[str] = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list: ClassVar[Sequence[Sequence[str]]] = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list: ClassVar[Sequence[Sequence[str]]] = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta: ClassVar[dict[str, str]] = {
        "filename": "meta",
        "key": "fine_label_names",
        "md5": "7973b15100ade9c7d40fb424638fde48",
    }


def _members(archive: Path, folder: str, names: Sequence[str]) -> dict[str, bytes]:
    """The bytes of the named files of ``folder`` in an archive.  Nothing else is looked at, nothing is written."""
    found: dict[str, bytes] = {}
    wanted = {f"{folder}/{name}": name for name in names}
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                name = wanted.get(member.name)
                if name is None:
                    continue
                if not member.isreg() or member.size > _MEMBER_LIMIT:
                    raise FileFormatError(f"{archive.name}: {member.name} is no file of a size that can be.")
                file = tar.extractfile(member)
                found[name] = b"" if file is None else file.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise FileFormatError(f"{archive.name}: the archive is damaged ({error}).") from None
    missing = [name for name in names if name not in found]
    if missing:
        raise FileFormatError(f"{archive.name}: the archive has no {folder}/{missing[0]}.")
    return {name: found[name] for name in names}


def _class_names(data: bytes, meta: dict[str, str]) -> list[str]:
    read = read_pickle(data, meta["filename"])
    names = read.get(meta["key"]) if isinstance(read, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FileFormatError(f"{meta['filename']}: expected a dict with a list of text {meta['key']!r}.")
    return names


def _batch(name: str, data: bytes, classes: int) -> tuple[Array, list[int]]:
    """(images (N, 32, 32, 3), labels) of one file, whose rows are the red, the green, then the blue of an image."""
    read = read_pickle(data, name)
    rows = read.get("data") if isinstance(read, dict) else None
    labels = read.get("labels", read.get("fine_labels")) if isinstance(read, dict) else None
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != 3072:
        raise FileFormatError(f"{name}: expected a dict with an array 'data', uint8 (N, 3072).")
    if not isinstance(labels, list) or len(labels) != len(rows):
        raise FileFormatError(f"{name}: expected {len(rows)} labels, one for each image.")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise FileFormatError(f"{name}: expected labels from 0 to {classes - 1}.")
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels
