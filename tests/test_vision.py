"""The digits and the transforms."""

import doctest

import numpy as np
import pytest

import nanograd as torch
from nanograd import vision
from nanograd.utils.data import DataLoader
from nanograd.vision import transforms
from nanograd.vision.datasets import Digits


def test_the_digits_are_all_there_and_split_once():
    train, test = Digits(train=True), Digits(train=False)
    assert (len(train), len(test)) == (1437, 360)
    assert train.data.shape == (1437, 8, 8)
    assert train.data.dtype is torch.uint8
    assert train.targets.dtype is torch.int64
    with np.load(vision.datasets.resources.files("nanograd.vision") / "data" / "digits.npz") as stored:
        images = np.round(stored["images"] * (255 / 16)).astype(np.uint8)
        labels = stored["labels"]
    both = [
        (x.tobytes(), int(y)) for d in (train, test) for x, y in zip(d.data.numpy(), d.targets.numpy(), strict=True)
    ]
    assert sorted(both) == sorted((x.tobytes(), int(y)) for x, y in zip(images, labels, strict=True))
    assert torch.equal(Digits(train=False).targets, test.targets)


def test_the_levels_of_ink_fill_the_range_of_images():
    data = Digits().data
    levels = {round(255 * k / 16) for k in range(17)}
    assert set(np.unique(data.numpy()).tolist()) == levels


def test_each_digit_is_in_both_parts_about_equally_often():
    for part in (Digits(train=True), Digits(train=False)):
        counts = np.bincount(part.targets.numpy(), minlength=10)
        assert counts.min() > 0.6 * len(part) / 10


def test_an_item_is_an_image_and_a_number_and_a_copy():
    data = Digits()
    image, digit = data[3]
    assert isinstance(image, np.ndarray)
    assert image.shape == (8, 8)
    assert image.dtype == np.uint8
    assert type(digit) is int
    before = data.data[3].clone()
    image[:] = 0
    assert torch.equal(data.data[3], before)
    with pytest.raises(IndexError):
        data[1437]


def test_transforms_are_applied_and_printed_as_torchvisions():
    data = Digits(root="data", train=False, transform=transforms.ToTensor(), target_transform=transforms.Lambda(str))
    image, digit = data[0]
    assert image.shape == (1, 8, 8)
    assert image.dtype is torch.float32
    assert 0 <= float(image.min()) < float(image.max()) <= 1
    assert isinstance(digit, str)
    assert repr(data) == (
        "Dataset Digits\n"
        "    Number of datapoints: 360\n"
        "    Root location: data\n"
        "    Split: Test\n"
        "    StandardTransform\n"
        "    Transform: ToTensor()\n"
        "    Target transform: Lambda()"
    )
    assert data.classes[3] == "3 - three"
    assert data.class_to_idx["3 - three"] == 3


def test_a_composed_transform_prints_indented():
    data = Digits(transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]))
    assert repr(data).endswith(
        "    StandardTransform\n"
        "    Transform: Compose(\n"
        "                   ToTensor()\n"
        "                   Normalize(mean=(0.5,), std=(0.5,))\n"
        "               )"
    )


def test_a_loader_batches_the_digits():
    images, digits = next(iter(DataLoader(Digits(transform=transforms.ToTensor()), batch_size=4)))
    assert images.shape == (4, 1, 8, 8)
    assert digits.dtype is torch.int64
    assert next(iter(DataLoader(Digits(), batch_size=4)))[0].dtype is torch.uint8


@pytest.mark.parametrize(
    ("array", "shape", "top"),
    [
        (np.full((2, 3), 255, np.uint8), (1, 2, 3), 1.0),
        (np.full((2, 3, 4), 51, np.uint8), (4, 2, 3), 0.2),
        (np.full((2, 3), 7.0, np.float32), (1, 2, 3), 7.0),
        (np.full((2, 3), 7, np.int32), (1, 2, 3), 7),
    ],
)
def test_to_tensor_puts_channels_first_and_scales_bytes(array, shape, top):
    image = transforms.ToTensor()(array)
    assert image.shape == shape
    assert float(image.max()) == pytest.approx(top)
    array[:] = 0
    assert float(image.max()) == pytest.approx(top)  # a copy


def test_normalize_is_its_formula():
    x = torch.from_numpy(np.random.default_rng(0).random((2, 3, 4, 5)))
    mean, std = [0.1, 0.2, 0.3], [1.0, 2.0, 3.0]
    want = (x.numpy() - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(transforms.Normalize(mean, std)(x).numpy(), want)
    y = x.clone()
    assert transforms.Normalize(mean, std, inplace=True)(y) is y
    np.testing.assert_allclose(y.numpy(), want)


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: transforms.ToTensor()([1]), TypeError, "PIL Image or ndarray. Got <class 'list'>"),
        (lambda: transforms.ToTensor()(torch.zeros(2)), TypeError, "got a tensor"),
        (lambda: transforms.ToTensor()(np.zeros(2)), ValueError, "2/3 dimensional. Got 1"),
        (lambda: transforms.Normalize([0], [0]), ValueError, "division by zero"),
        (lambda: transforms.Normalize([0.0], [1.0])(np.zeros((1, 2, 2))), TypeError, r"ToTensor\(\) before"),
        (lambda: transforms.Normalize([0.0], [1.0])(torch.zeros(1, 2, 2).byte()), TypeError, "torch.uint8"),
        (lambda: transforms.Normalize([0.0], [1.0])(torch.zeros(2, 2)), ValueError, "expected an image"),
        (lambda: transforms.Normalize([0.0] * 3, [1.0] * 3)(torch.zeros(1, 2, 2)), ValueError, "mean has 3 values"),
        (lambda: transforms.Compose([transforms.ToTensor]), TypeError, r"make it, ToTensor\(\)"),
        (lambda: transforms.Lambda(3), TypeError, "callable"),
    ],
)
def test_wrong_images_are_refused(act, error, words):
    with pytest.raises(error, match=words):
        act()


def test_examples_of_the_documentation():
    assert not doctest.testmod(transforms, extraglobs={"torch": torch, "transforms": transforms}).failed
