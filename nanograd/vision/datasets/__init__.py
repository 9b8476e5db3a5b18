"""Data sets of images, under torchvision's names."""

from typing import NoReturn

from nanograd.errors import MissingError, did_you_mean
from nanograd.vision.datasets.cifar import CIFAR10, CIFAR100
from nanograd.vision.datasets.dataset import StandardTransform, VisionDataset
from nanograd.vision.datasets.digits import Digits
from nanograd.vision.datasets.fake import FakeData
from nanograd.vision.datasets.folder import DatasetFolder, ImageFolder
from nanograd.vision.datasets.mnist import KMNIST, MNIST, FashionMNIST

__all__ = [
    "CIFAR10", "CIFAR100", "DatasetFolder", "Digits", "FakeData", "FashionMNIST", "ImageFolder", "KMNIST", "MNIST",
    "StandardTransform", "VisionDataset",
]  # fmt: skip

_FOLDER = "Unpack the images into a folder for each class and use ImageFolder(root)."
_ABSENT = {
    "LSUN": f"Its files are databases of another library. {_FOLDER}",
    "EMNIST": "MNIST, FashionMNIST and KMNIST have the same form.",
    "QMNIST": "MNIST, FashionMNIST and KMNIST have the same form.",
    "SVHN": f"CIFAR10 has images of the same form. {_FOLDER}",
    "STL10": f"CIFAR10 has images of a similar form. {_FOLDER}",
} | dict.fromkeys(
    ["CelebA", "Caltech101", "Caltech256", "CocoCaptions", "CocoDetection", "Cityscapes", "DTD", "EuroSAT",
     "Flowers102", "Food101", "ImageNet", "OxfordIIITPet", "Places365", "StanfordCars", "VOCDetection",
     "VOCSegmentation"],
    _FOLDER,
)  # fmt: skip


def __getattr__(name: str) -> NoReturn:
    if name in _ABSENT:
        raise MissingError(f"torchvision.datasets.{name}: nanograd does not have this data set. {_ABSENT[name]}")
    hint = did_you_mean(name, __all__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: nanograd does not have this name.{hint}")
