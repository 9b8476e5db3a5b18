"""The data sets, grids, and the names of torchvision."""

import doctest
import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nanograd as torch
from nanograd import vision
from nanograd.utils.data import DataLoader
from nanograd.vision import datasets, models, picture, png, transforms, utils
from nanograd.vision import io as image_io
from nanograd.vision.datasets import DatasetFolder, Digits, FakeData, ImageFolder, VisionDataset

pillow = picture.find_pillow()
needs_pillow = pytest.mark.skipif(pillow is None, reason="Pillow is not installed")


@pytest.fixture
def without_pillow(monkeypatch):
    """As if Pillow were not installed."""
    for name in ("PIL", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    picture.find_pillow.cache_clear()
    yield
    monkeypatch.undo()
    picture.find_pillow.cache_clear()


# Digits


def test_the_digits_are_all_there_and_split_once():
    train, test = Digits(train=True), Digits(train=False)
    assert (len(train), len(test)) == (1437, 360)
    assert train.data.shape == (1437, 8, 8)
    assert train.data.dtype is torch.uint8
    assert train.targets.dtype is torch.int64
    with np.load(datasets.digits.resources.files("nanograd.vision") / "data" / "digits.npz") as stored:
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
        "Transform: ToTensor()\n"
        "Target transform: Lambda()"
    )
    assert data.classes[3] == "3 - three"
    assert data.class_to_idx["3 - three"] == 3


def test_a_composed_transform_prints_indented():
    data = Digits(transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]))
    assert repr(data).endswith(
        "    StandardTransform\n"
        "Transform: Compose(\n"
        "               ToTensor()\n"
        "               Normalize(mean=(0.5,), std=(0.5,))\n"
        "           )"
    )


def test_a_loader_batches_the_digits():
    images, digits = next(iter(DataLoader(Digits(transform=transforms.ToTensor()), batch_size=4)))
    assert images.shape == (4, 1, 8, 8)
    assert digits.dtype is torch.int64
    assert next(iter(DataLoader(Digits(), batch_size=4)))[0].dtype is torch.uint8


# VisionDataset


class Pairs(VisionDataset):
    def __getitem__(self, index):
        return self.transformed(index, -index)

    def __len__(self):
        return 3


def test_transforms_of_image_and_target_together():
    data = Pairs("here", lambda image, target: (image + 10, target - 10))
    assert data[2] == (12, -12)
    assert Pairs(None, None, lambda x: x + 1, lambda y: y - 1)[2] == (3, -3)
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform"):
        Pairs(None, lambda x, y: (x, y), lambda x: x)
    data = Pairs("here", transform=str)
    assert data[2] == ("2", -2)
    data.transform = None  # set on a data set that exists
    assert data[2] == (2, -2)
    assert "~" not in str(Pairs("~/data").root)


def test_a_data_set_without_its_methods_says_which():
    for act, name in [(len, "__len__"), (lambda d: d[0], "__getitem__")]:
        with pytest.raises(NotImplementedError, match=f"define {name}"):
            act(VisionDataset("here"))


# Pictures


@needs_pillow
def test_with_pillow_data_sets_give_its_images():
    image, target = FakeData(size=3, image_size=(3, 5, 4))[0]
    assert isinstance(image, pillow.Image)
    assert (image.size, image.mode) == ((4, 5), "RGB")
    assert FakeData(size=3, image_size=(1, 5, 4))[0][0].mode == "L"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "PIL.Image", None)
        picture.find_pillow.cache_clear()
        try:
            array, same = FakeData(size=3, image_size=(3, 5, 4))[0]
        finally:
            patch.undo()
            picture.find_pillow.cache_clear()
    np.testing.assert_array_equal(np.array(image), array)
    assert int(target) == int(same)
    both = [transforms.ToTensor()(x) for x in (image, array)]
    assert torch.equal(*both)


def test_fake_data_is_the_same_every_time_and_leaves_the_generator_alone(without_pillow):
    data = FakeData(20, (3, 6, 5), num_classes=4, random_offset=7)
    torch.manual_seed(3)
    before = torch.rand(3)
    torch.manual_seed(3)
    image, target = data[11]
    assert torch.equal(torch.rand(3), before)
    again = FakeData(20, (3, 6, 5), num_classes=4, random_offset=7)[11]
    np.testing.assert_array_equal(image, again[0])
    assert int(target) == int(again[1])
    assert (image.shape, image.dtype, target.dtype, target.shape) == ((6, 5, 3), np.uint8, torch.int64, ())
    shifted = FakeData(20, (3, 6, 5), num_classes=4)[18]
    np.testing.assert_array_equal(image, shifted[0])  # sample i is drawn from seed i + random_offset
    assert {int(t) for _, t in data} <= {0, 1, 2, 3}
    assert len({im.tobytes() for im, _ in data}) == 20
    with pytest.raises(IndexError, match="20 of 20"):
        data[20]
    with pytest.raises(ValueError, match=r"got \(6, 5\)"):
        FakeData(image_size=(6, 5))


# Folders


def folder(tmp_path, names):
    for k, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image_io.write_png(torch.full((1 if k % 2 else 3, 2, 3), k, dtype=torch.uint8), path)
    return tmp_path


NAMES = ["dog/b.png", "cat/2.PNG", "cat/1.png", "dog/more/a.png"]


def test_a_folder_for_each_class(tmp_path, without_pillow):
    root = folder(tmp_path, NAMES)
    (root / "cat" / "notes.txt").write_text("no image")
    (root / "readme").write_text("no class")
    data = ImageFolder(root, transform=transforms.ToTensor())
    assert data.classes == ["cat", "dog"]
    assert data.class_to_idx == {"cat": 0, "dog": 1}
    assert data.imgs == data.samples == [(str(root / name), c) for name, c in
        [("cat/1.png", 0), ("cat/2.PNG", 0), ("dog/b.png", 1), ("dog/more/a.png", 1)]]  # fmt: skip
    assert data.targets == [0, 0, 1, 1]
    assert [(x.shape, round(float(x.max() * 255)), y) for x, y in data] == [
        ((3, 2, 3), 2, 0), ((3, 2, 3), 1, 0), ((3, 2, 3), 0, 1), ((3, 2, 3), 3, 1),
    ]  # fmt: skip
    assert repr(data).startswith(f"Dataset ImageFolder\n    Number of datapoints: 4\n    Root location: {root}\n")
    batch, labels = next(iter(DataLoader(data, batch_size=4)))
    assert (batch.shape, labels.tolist()) == ((4, 3, 2, 3), [0, 0, 1, 1])


def test_samples_of_ones_own_kind(tmp_path):
    for name in ("a/1.txt", "b/2.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    data = DatasetFolder(tmp_path, lambda path: Path(path).read_text(), extensions=(".txt",), target_transform=str)
    assert list(data) == [("a/1.txt", "0"), ("b/2.txt", "1")]
    odd = DatasetFolder(tmp_path, str, is_valid_file=lambda path: path.endswith("1.txt"), allow_empty=True)
    assert odd.targets == [0]


def test_folders_that_do_not_do_are_refused(tmp_path, without_pillow):
    with pytest.raises(FileNotFoundError, match="no directory"):
        ImageFolder(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder"):
        ImageFolder(tmp_path)
    folder(tmp_path, NAMES)
    (tmp_path / "fish").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no valid file for the classes fish. Supported extensions are: .jpg"):
        ImageFolder(tmp_path)
    assert len(ImageFolder(tmp_path, allow_empty=True)) == 4
    with pytest.raises(ValueError, match="cannot be None or not None"):
        DatasetFolder(tmp_path, str)
    (tmp_path / "fish" / "1.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(NotImplementedError, match=r"fish.*1\.jpg: .*Pillow"):
        ImageFolder(tmp_path)[4]
    (tmp_path / "fish" / "1.jpg").rename(tmp_path / "fish" / "1.png")
    (tmp_path / "fish" / "1.png").write_bytes(png.SIGNATURE)
    with pytest.raises(ValueError, match=r"fish.*1\.png: .*damaged"):
        ImageFolder(tmp_path)[4]


@needs_pillow
def test_images_of_every_format_are_read_with_pillow(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3)).astype(np.uint8)
    for kind in ("png", "bmp", "ppm", "tiff"):
        (tmp_path / kind).mkdir()
        pillow.fromarray(pixels).save(tmp_path / kind / f"x.{kind}")
    for image, _ in ImageFolder(tmp_path):
        np.testing.assert_array_equal(np.array(image), pixels)
    image_io.write_jpeg(torch.from_numpy(pixels).permute(2, 0, 1), tmp_path / "x.jpg", quality=100)
    read = image_io.read_image(tmp_path / "x.jpg")
    assert read.shape == (3, 8, 9)
    want = np.array(pillow.open(tmp_path / "x.jpg"))
    np.testing.assert_array_equal(read.permute(1, 2, 0).numpy(), want)
    with pytest.raises(ValueError, match="damaged or not an image"):
        image_io.decode_image((tmp_path / "x.jpg").read_bytes()[:200])


def test_jpeg_without_pillow_says_so(tmp_path, without_pillow):
    with pytest.raises(NotImplementedError, match=r"JPEG needs Pillow.*pip install Pillow"):
        image_io.write_jpeg(torch.zeros(3, 2, 2).byte(), tmp_path / "x.jpg")
    with pytest.raises(NotImplementedError, match=r"JPG \(PNG does not\) needs Pillow"):
        utils.save_image(torch.zeros(3, 2, 2), tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())


# Grids


def test_a_grid_holds_the_images_row_by_row():
    images = torch.arange(5 * 3 * 2 * 4).reshape(5, 3, 2, 4).float()
    grid = utils.make_grid(images, nrow=3, padding=1, pad_value=-1)
    assert grid.shape == (3, 2 * 3 + 1, 3 * 5 + 1)
    seen = torch.zeros(grid.shape[1:])
    for k in range(5):
        y, x = k // 3 * 3 + 1, k % 3 * 5 + 1
        assert torch.equal(grid[:, y : y + 2, x : x + 4], images[k])
        seen[y : y + 2, x : x + 4] = 1
    assert bool((grid[0] == -1).logical_xor(seen == 1).all())


def test_a_grid_of_gray_and_single_images():
    gray = torch.rand(4, 1, 3, 3)
    grid = utils.make_grid(gray)
    assert grid.shape == (3, 3 + 4, 4 * 5 + 2)
    assert torch.equal(grid[0], grid[2])
    assert torch.equal(utils.make_grid(gray[0]), gray[0].expand(3, 3, 3))  # one image: no border
    assert utils.make_grid(gray[0, 0]).shape == (3, 3, 3)
    assert torch.equal(utils.make_grid(list(gray)), grid)
    assert utils.make_grid((gray * 255).byte()).dtype is torch.uint8


def test_a_grid_is_normalized_together_or_each():
    images = torch.tensor([[0.0, 2.0], [4.0, 8.0]]).reshape(2, 1, 1, 2)
    wide = dict(padding=0, normalize=True)
    assert utils.make_grid(images, **wide)[0].tolist() == [[0, 0.25, 0.5, 1]]
    assert utils.make_grid(images, scale_each=True, **wide)[0].tolist() == [[0, 1, 0, 1]]
    assert utils.make_grid(images, value_range=(2, 6), **wide)[0].tolist() == [[0, 0, 0.5, 1]]
    assert images[1, 0, 0, 1] == 8  # not in place
    assert not bool(torch.isnan(utils.make_grid(torch.ones(2, 3, 2, 2), **wide)).any())


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: utils.make_grid(3), TypeError, "tensor or list of tensors expected, got <class 'int'>"),
        (lambda: utils.make_grid([torch.zeros(2, 2), 3]), TypeError, "a list containing int"),
        (lambda: utils.make_grid([]), TypeError, "an empty list"),
        (lambda: utils.make_grid(torch.zeros(2)), ValueError, r"got \(2,\)"),
        (lambda: utils.make_grid(torch.zeros(0, 3, 2, 2)), ValueError, r"got \(0, 3, 2, 2\)"),
        (lambda: utils.make_grid(torch.zeros(2, 3, 2, 2), normalize=True, value_range=[0, 1]), TypeError, "tuple"),
        (lambda: utils.save_image(torch.zeros(3, 2, 2), "image"), ValueError, "unknown file extension.*'image'"),
        (lambda: utils.save_image(torch.zeros(5, 2, 2), "image.png"), ValueError, "1 to 4 channels, got 5"),
    ],
)
def test_wrong_grids_are_refused(act, error, words):
    with pytest.raises(error, match=words):
        act()


def test_a_grid_is_saved_as_png_and_read_back(tmp_path):
    images = torch.rand(4, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    want = (utils.make_grid(images, nrow=2) * 255 + 0.5).byte()
    utils.save_image(images, tmp_path / "grid.png", nrow=2)
    assert torch.equal(image_io.read_image(tmp_path / "grid.png"), want)
    file = io.BytesIO()
    utils.save_image(images, file, nrow=2)
    assert file.getvalue() == (tmp_path / "grid.png").read_bytes()
    utils.save_image(torch.tensor([[-1.0, 0.0, 1.0, 2.0, torch.nan]]), str(tmp_path / "edge.png"))
    assert image_io.read_image(tmp_path / "edge.png")[0].tolist() == [[0, 0, 255, 255, 0]]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["edge.png", "grid.png"]


@needs_pillow
def test_a_grid_is_saved_in_other_formats_with_pillow(tmp_path):
    images = torch.rand(2, 3, 5, 6)
    utils.save_image(images, tmp_path / "grid.bmp")
    want = (utils.make_grid(images) * 255 + 0.5).byte()
    np.testing.assert_array_equal(np.array(pillow.open(tmp_path / "grid.bmp")), want.permute(1, 2, 0).numpy())
    utils.save_image(images, tmp_path / "grid", format="jpeg")
    assert (tmp_path / "grid").read_bytes()[:2] == b"\xff\xd8"
    with pytest.raises(ValueError, match="cannot write 'nonsense'"):
        utils.save_image(images, tmp_path / "x.nonsense")


# Names


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: datasets.LSUN, NotImplementedError, "LSUN.*ImageFolder"),
        (lambda: datasets.CIFAR, AttributeError, "Did you mean 'CIFAR10'"),
        (lambda: models.resnet18, NotImplementedError, "models.resnet18.*nn.Module"),
        (lambda: models.ResNet18_Weights.DEFAULT, NotImplementedError, "ResNet18_Weights"),
        (lambda: transforms.RandAugment, NotImplementedError, "RandAugment.*RandomChoice"),
        (lambda: transforms.ToTensors, AttributeError, "Did you mean 'ToTensor'"),
        (lambda: transforms.v2.MixUp, NotImplementedError, "v2.MixUp"),
        (lambda: transforms.v2.Normalise, AttributeError, "Did you mean 'Normalize'"),
        (lambda: vision.dataset, AttributeError, "Did you mean 'datasets'"),
    ],
)
def test_names_that_are_absent_say_what_to_use(act, error, words):
    with pytest.raises(error, match=words):
        act()


def test_every_name_is_there():
    for module in (vision, datasets, transforms, transforms.functional, transforms.v2, transforms.v2.functional, utils):
        for name in module.__all__:
            assert getattr(module, name) is not None
    assert vision.__version__ == torch.__version__


def test_importing_vision_loads_neither_pillow_nor_numba_nor_tqdm():
    heavy = ("PIL", "numba", "tqdm", "urllib.request", "http.client")
    code = f"import sys, nanograd.vision; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_data_sets_travel_to_worker_processes():
    data = Digits(transform=transforms.Compose([transforms.ToTensor(), transforms.RandomCrop(6)]))
    assert pickle.loads(pickle.dumps(data))[0][0].shape == (1, 6, 6)


@pytest.mark.parametrize("module", [transforms.transform, utils, datasets.download], ids=lambda m: m.__name__)
def test_examples_of_the_documentation(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NANOGRAD_MIRROR", raising=False)
    done = doctest.testmod(module, extraglobs={"torch": torch, "transforms": transforms})
    assert done.attempted
    assert not done.failed
