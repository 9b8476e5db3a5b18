"""MNIST and its family: images of 28 by 28 gray pixels in ten classes, in IDX files."""

from __future__ import annotations

import gzip
import shutil
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

from nanograd.dtypes import int64, uint8
from nanograd.errors import ShapeError
from nanograd.ops.shape import to_dtype
from nanograd.serialization import FileFormatError
from nanograd.tensors import Tensor
from nanograd.vision.datasets.dataset import VisionDataset
from nanograd.vision.datasets.download import fetch, mirrors_of
from nanograd.vision.datasets.idx import read_idx
from nanograd.vision.files import replacing
from nanograd.vision.picture import picture

__all__ = ["FashionMNIST", "KMNIST", "MNIST", "read_image_file", "read_label_file"]


def read_image_file(path: str | Path) -> Tensor:
    """The images (N, H, W), uint8, of an IDX file.  Raises FileFormatError for damage, ShapeError for other arrays."""
    return _expect(read_idx(Path(path)), 3, path)


def read_label_file(path: str | Path) -> Tensor:
    """The labels (N,), int64, of an IDX file.  Raises FileFormatError for damage, ShapeError for other arrays."""
    return to_dtype(_expect(read_idx(Path(path)), 1, path), int64)


def _expect(array: Tensor, ndim: int, path: str | Path) -> Tensor:
    if array.ndim != ndim or array.dtype is not uint8:
        what = "images, uint8 (N, H, W)" if ndim == 3 else "labels, uint8 (N,)"
        raise ShapeError(f"{Path(path).name}: expected {what}, got {array.dtype} {tuple(array.shape)}.")
    return array


class MNIST(VisionDataset):
    """70,000 handwritten digits of 28 by 28 pixels: 60,000 to train with, 10,000 to test.

    Sample i is (image, digit): a PIL image of mode L, or a uint8 array (28, 28) where Pillow is not installed, through
    ``transform``, and an int, through ``target_transform``.  ``data`` (N, 28, 28) uint8 and ``targets`` (N,) int64 hold
    all of a part.  The four files lie in ``root/MNIST/raw``, as torchvision lays them, plain or gzip-compressed (.gz).

    ``download=True`` fetches those that are missing from ``mirrors``, a list you may change, and before these from
    the mirror that the environment variable NANOGRAD_MIRROR names: a folder or an address with a folder ``MNIST``.
    Raises RuntimeError when files are missing, FileFormatError when they are damaged.

    Source: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition",
    1998.
    """

    mirrors: ClassVar[list[str]] = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ]
    resources: ClassVar[list[tuple[str, str]]] = [  # (file, md5)
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes: ClassVar[list[str]] = [
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight",
        "9 - nine",
    ]  # fmt: skip

    data: Tensor
    targets: Tensor

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
        part = "train" if train else "t10k"
        images, labels = self._file(f"{part}-images-idx3-ubyte"), self._file(f"{part}-labels-idx1-ubyte")
        self.data, self.targets = read_image_file(images), read_label_file(labels)
        if len(self.data) != len(self.targets):
            raise FileFormatError(
                f"{type(self).__name__}: {images} has {len(self.data)} images, {labels} {len(self.targets)} labels."
            )
        if len(self.targets) and int(self.targets.max()) >= len(self.classes):
            raise FileFormatError(
                f"{labels.name}: a label is {int(self.targets.max())}, of {len(self.classes)} classes."
            )

    @property
    def raw_folder(self) -> str:
        """Where the files lie: ``root/MNIST/raw``."""
        return str(Path(str(self.root)) / type(self).__name__ / "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number by the name of its class."""
        return {name: i for i, name in enumerate(self.classes)}

    def _file(self, name: str) -> Path:
        """The path of a file, plain or compressed.  Raises RuntimeError if there is none."""
        folder = Path(self.raw_folder)
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
        raise RuntimeError(
            f"Dataset not found. You can use download=True to download it. {type(self).__name__}: there is neither "
            f"{folder / name} nor {name}.gz beside it. To put it there by hand, copy the four files "
            f"{', '.join(file for file, _ in self.resources)} into that folder."
        )

    def download(self) -> None:
        """Fetch and unpack the files that are missing."""
        folder = Path(self.raw_folder)
        for name, digest in self.resources:
            plain = folder / name.removesuffix(".gz")
            if not plain.is_file():
                _unpack(fetch(mirrors_of(type(self).__name__, self.mirrors), name, folder, digest), plain)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        return self.transformed(picture(self.data[index].numpy().copy()), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """Which part it is."""
        return f"Split: {'Train' if self.train else 'Test'}"

    train_data = property(lambda self: _renamed(self, "train_data", "data"))
    test_data = property(lambda self: _renamed(self, "test_data", "data"))
    train_labels = property(lambda self: _renamed(self, "train_labels", "targets"))
    test_labels = property(lambda self: _renamed(self, "test_labels", "targets"))


def _renamed(dataset: MNIST, old: Literal["train_data", "test_data", "train_labels", "test_labels"], new: str) -> Any:
    warnings.warn(f"{old} has been renamed {new}", stacklevel=3)
    return getattr(dataset, new)


def _unpack(packed: Path, plain: Path) -> None:
    """Unpack a file whose checksum was right."""
    try:
        with gzip.open(packed) as source, replacing(plain) as target:
            shutil.copyfileobj(source, target)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileFormatError(f"{packed.name}: the file is not gzip-compressed: {error}.") from None


class FashionMNIST(MNIST):
    """70,000 pictures of clothes in ten classes, in the form of MNIST; its files lie in ``root/FashionMNIST/raw``.

    Source: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", 2017.
    """

    mirrors: ClassVar[list[str]] = [
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ]
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes: ClassVar[list[str]] = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ]  # fmt: skip


class KMNIST(MNIST):
    """70,000 handwritten Japanese characters in ten classes, in the form of MNIST; files in ``root/KMNIST/raw``.

    Source: T. Clanuwat et al., "Deep learning for classical Japanese literature", 2018.
    """

    mirrors: ClassVar[list[str]] = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
