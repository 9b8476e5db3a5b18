"""The documented errors of what reads and writes files: saving, image files, data sets on disk."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nanograd as torch
from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.serialization import FileFormatError, UnsafeFileError, safetensors
from nanograd.vision import datasets, picture, utils
from nanograd.vision import io as images
from nanograd.vision.datasets import folder as folders
from nanograd.vision.datasets import mnist
from nanograd.vision.datasets import utils as fetching

from .case import Case

FLOATS = torch.tensor([1.0, 2.5])
GRAY = torch.zeros(1, 2, 2).byte()


def with_file(act: Callable[[Path], Any], content: bytes, name: str = "file") -> Callable[[Path], Any]:
    """``act`` on a file of this content."""

    def call(folder: Path) -> Any:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return act(path)

    return call


def checkpoint(program: bytes) -> bytes:
    """A file as torch makes them, around any program."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", program)
        file.writestr("archive/version", "3\n")
    return buffer.getvalue()


class Call:
    """Pickles as the call of a function."""

    def __reduce__(self) -> Any:
        return os.system, ("true",)


def saved(value: Any, **options: Any) -> Callable[[Path], None]:
    return lambda folder: torch.save(value, folder / "a.pt", **options)


SAVING = [
    Case("save", DTypeError, saved({"model": [FLOATS, io.BytesIO()]}), r"BytesIO.*model"),
    Case("save", MissingError, saved(FLOATS, pickle_module=json), r"pickle_module", "pickle_module"),
    Case("save", MissingError, saved(FLOATS, _use_new_zipfile_serialization=False), r"before 1\.6", "format"),
    Case("load", FileFormatError, with_file(torch.load, b"PK\x03\x04 damaged"), r"^load:.*(damaged|zip|archive|end)"),
    Case("load", FileFormatError, with_file(torch.load, b"nothing of the kind"), r"^load:"),
    Case("load", UnsafeFileError, with_file(torch.load, checkpoint(pickle.dumps(Call(), 2))), r"load: .*posix\.system|"
         r"load: .*nt\.system"),
    Case("load", MissingError, with_file(torch.load, checkpoint(b"\x80\x02ctorch\nComplexFloatStorage\n.")),
         r"^load:.*ComplexFloatStorage", "tensors"),
    Case("load", MissingError, lambda folder: torch.load(folder / "a", pickle_module=json), r"pickle_module", "pickle"),
    Case("load", ValueError, lambda folder: torch.load(io.BytesIO(), mmap=True), r"path.*mmap"),
    Case("serialization.safetensors.load_file", FileFormatError, with_file(safetensors.load_file, b"\xff" * 20),
         r"^load:.*claims.*20"),
    Case("serialization.safetensors.load_file", FileFormatError,
         with_file(safetensors.load_file, struct.pack("<Q", 4) + b"[1,2"), r"load:.*header"),
    Case("serialization.safetensors.save_file", DTypeError,
         lambda folder: safetensors.save_file({"a": [1.0]}, folder / "a"), r"'a'.*list"),
    Case("serialization.safetensors.save_file", RuntimeError,
         lambda folder: safetensors.save_file({"a": FLOATS, "b": FLOATS[:1]}, folder / "a"),
         r"share memory: '[ab]' and '[ab]'"),
]  # fmt: skip


IDX = b"\0\0\x08\x03" + struct.pack(">III", 1, 28, 28) + bytes(784)
FLAT_IDX = b"\0\0\x08\x02" + struct.pack(">II", 2, 2) + bytes(4)


def damaged_mnist(folder: Path) -> Any:
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(IDX[:-1])
    (raw / "train-labels-idx1-ubyte").write_bytes(IDX)
    return datasets.MNIST(folder)


def empty_class(folder: Path, **options: Any) -> Any:
    (folder / "cats").mkdir()
    return datasets.ImageFolder(folder, **options)


def loaded_folder(folder: Path) -> Any:
    (folder / "cats").mkdir()
    return datasets.DatasetFolder(folder, loader=open, extensions=(".txt",))


DATASETS = [
    Case("vision.datasets.MNIST", RuntimeError, datasets.MNIST, r"download=True.*train-images-idx3-ubyte.*by hand"),
    Case("vision.datasets.MNIST", FileFormatError, damaged_mnist, r"train-images-idx3-ubyte"),
    *(Case(f"vision.datasets.mnist.{name}", error, with_file(getattr(mnist, name), content), words)
      for name, other in [("read_image_file", "images.*uint8"), ("read_label_file", "labels.*uint8")]
      for error, content, words in [(FileFormatError, IDX[:-1], r"^file:"), (ShapeError, FLAT_IDX, other)]),
    Case("vision.datasets.CIFAR10", RuntimeError, datasets.CIFAR10, r"download=True.*cifar-10-python\.tar\.gz"),
    Case("vision.datasets.CIFAR10", RuntimeError,
         with_file(lambda path: datasets.CIFAR10(path.parent), b"x", datasets.CIFAR10.filename), r"has md5.*expected"),
    Case("vision.datasets.CIFAR10", FileFormatError, lambda folder: hostile_cifar(folder), r"cifar|archive"),
    Case("vision.datasets.DatasetFolder", FileNotFoundError,
         lambda folder: datasets.DatasetFolder(folder / "no", open, (".txt",)), r"no'"),
    Case("vision.datasets.DatasetFolder", FileNotFoundError, loaded_folder, r"cats.*\.txt"),
    Case("vision.datasets.ImageFolder", FileNotFoundError, lambda folder: datasets.ImageFolder(folder / "no"), r"no'"),
    Case("vision.datasets.ImageFolder", FileNotFoundError, empty_class, r"cats.*\.jpg"),
    Case("vision.datasets.folder.find_classes", FileNotFoundError, lambda folder: folders.find_classes(folder / "no"),
         r"no'.*folder for each class"),
    Case("vision.datasets.folder.find_classes", FileNotFoundError, folders.find_classes, r"any class folder"),
    Case("vision.datasets.folder.make_dataset", ValueError, lambda folder: folders.make_dataset(folder, {"a": 0}),
         r"extensions and is_valid_file.*None"),
    Case("vision.datasets.folder.make_dataset", ValueError,
         lambda folder: folders.make_dataset(folder, {"a": 0}, ".png", bool),
         r"extensions and is_valid_file.*not None"),
    Case("vision.datasets.folder.make_dataset", FileNotFoundError,
         lambda folder: folders.make_dataset(folder, {"cats": 0}, ".png"), r"cats.*\.png"),
    Case("vision.datasets.VisionDataset", ValueError,
         lambda folder: datasets.VisionDataset(folder, transforms=max, transform=max), r"transforms.*transform"),
    Case("vision.datasets.FakeData", IndexError, lambda folder: datasets.FakeData(3)[3], r"FakeData.*3 of 3"),
    Case("vision.datasets.FakeData", ShapeError, lambda folder: datasets.FakeData(image_size=(5, 2, 2)),
         r"\(5, 2, 2\)"),
    Case("vision.datasets.utils.download_url", MissingError,
         lambda folder: fetching.download_url("https://example.org/a", folder), r"md5", "checksum"),
    Case("vision.datasets.utils.download_url", MissingError,
         lambda folder: fetching.download_url("https://example.org/a", folder, "b", "0" * 32), r"a .*b;", "name"),
]  # fmt: skip


def hostile_cifar(folder: Path) -> Any:
    """The data set with the right checksum for an archive that is none."""
    from hashlib import md5

    kind = type("CIFAR10", (datasets.CIFAR10,), {"tgz_md5": md5(b"x").hexdigest()})
    (folder / kind.filename).write_bytes(b"x")
    return kind(folder)


PNG_16_BITS = b"\x89PNG\r\n\x1a\n"
IMAGES = [
    Case("vision.io.read_image", FileNotFoundError, lambda folder: images.read_image(folder / "no.png"), r"no\.png"),
    Case("vision.io.read_image", FileFormatError, with_file(images.read_image, PNG_16_BITS),
         r"^decode_png:.*damaged.*ends"),
    Case("vision.io.read_image", MissingError, with_file(images.read_image, b"\xff\xd8\xff\xe0 jpeg"), r"needs Pillow"),
    Case("vision.io.decode_image", TypeError, lambda folder: images.decode_image(FLOATS),
         r"^decode_image:.*bytes.*float32"),
    Case("vision.io.decode_image", FileFormatError, lambda folder: images.decode_image(PNG_16_BITS),
         r"^decode_png:.*damaged.*ends"),
    Case("vision.io.decode_image", ValueError,
         lambda folder: images.decode_image(bytes(images.encode_png(GRAY).tolist()),
         "CMYK"), r"CMYK.*RGB|RGB.*CMYK|CMYK"),
    Case("vision.io.encode_png", TypeError, lambda folder: images.encode_png(FLOATS), r"^encode_png:.*uint8.*float32"),
    Case("vision.io.encode_png", ValueError, lambda folder: images.encode_png(GRAY[0]), r"^encode_png:.*\(2, 2\)",
         "shape"),
    Case("vision.io.encode_png", ValueError, lambda folder: images.encode_png(GRAY, 10), r"0 to 9, got 10", "level"),
    Case("vision.utils.save_image", MissingError, lambda folder: utils.save_image(FLOATS.view(1, 2), folder / "a.jpg"),
         r"Pillow"),
    Case("vision.utils.save_image", ValueError, lambda folder: utils.save_image(FLOATS.view(1, 2), folder / "a"),
         r"extension.*\.png"),
]  # fmt: skip

CASES = [*SAVING, *DATASETS, *IMAGES]


@pytest.fixture(autouse=True)
def _without_pillow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """As if Pillow were not installed."""
    for name in ("PIL", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    picture.find_pillow.cache_clear()
    yield
    monkeypatch.undo()
    picture.find_pillow.cache_clear()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_documented_error(case: Case, tmp_path: Path) -> None:
    case.check(tmp_path)
