"""Resizing, turning and padding beside torch's interpolate, grid_sample and pad."""

import math

import numpy as np
import pytest

import nanograd
from nanograd.vision.transforms import InterpolationMode
from nanograd.vision.transforms import functional as F
from nanograd.vision.transforms.resample import at_points

torch = pytest.importorskip("torch")
TF = torch.nn.functional

SIZES = [(5, 7), (9, 4), (17, 30), (12, 16), (1, 1), (3, 40)]


def both(*shape, kind=np.float64, seed=0):
    """The same image for both libraries."""
    rng = np.random.default_rng(seed)
    array = (rng.integers(0, 256, shape) if kind == np.uint8 else rng.random(shape)).astype(kind)
    return nanograd.from_numpy(array), torch.from_numpy(array.copy())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8])
def test_resize_is_torchs_interpolate(size, mode, antialias, kind):
    ours, theirs = both(2, 3, 12, 16, kind=kind)
    exact = TF.interpolate(theirs.double(), size, mode=mode, align_corners=False, antialias=antialias).numpy()
    got = F.resize(ours, size, InterpolationMode(mode), antialias=antialias).numpy()
    assert got.dtype == kind
    if kind != np.uint8:
        np.testing.assert_allclose(got, exact, atol=1e-12 if kind == np.float64 else 2e-6)
        return
    exact = exact.clip(0, 255)  # as torchvision: in float32, cut to the range, rounded
    strange = np.abs(got - exact) > 0.5
    np.testing.assert_allclose(np.abs(got - exact)[strange], 0.5, atol=1e-4)  # float32 cannot tell it from a half


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_resize_to_the_nearest_takes_torchs_pixels(mode):
    for have in range(1, 40):
        row = np.arange(have, dtype=np.float32).reshape(1, 1, have)
        for want in (1, 2, 3, 7, 20, 39, 64, 101):
            theirs = TF.interpolate(torch.from_numpy(row[None]), (1, want), mode=mode)[0].numpy()
            ours = F.resize(nanograd.from_numpy(row), (1, want), InterpolationMode(mode)).numpy()
            np.testing.assert_array_equal(ours, theirs)


def test_the_gradient_of_resize_is_torchs():
    ours, theirs = both(1, 3, 12, 16)
    ours.requires_grad_()
    theirs.requires_grad_()
    weight, same = both(1, 3, 5, 7, seed=1)
    (F.resize(ours, (5, 7)) * weight).sum().backward()
    (TF.interpolate(theirs, (5, 7), mode="bilinear", antialias=True) * same).sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), atol=1e-12)


def sampled(image, matrix, mode, size=None):
    """torch's grid_sample where the matrix, about the middle and in pixels, says that pixels come from."""
    height, width = image.shape[-2:]
    rows, columns = size or (height, width)
    x = torch.arange(columns, dtype=torch.float64) - (columns - 1) / 2
    y = torch.arange(rows, dtype=torch.float64) - (rows - 1) / 2
    (a, b, c), (d, e, f) = matrix
    grid = torch.stack([
        (a * x[None] + b * y[:, None] + c) / (width / 2), (d * x[None] + e * y[:, None] + f) / (height / 2)
    ], -1)  # fmt: skip
    return TF.grid_sample(image, grid[None].expand(len(image), -1, -1, -1), mode, "zeros", align_corners=False)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("angle", [0.0, 13.0, -77.7, 160.0])
def test_rotate_and_affine_are_torchs_grid_sample(mode, angle):
    ours, theirs = both(2, 3, 11, 14)
    a = math.radians(angle)
    turn = [[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0]]  # counter-clockwise, y down
    got = F.rotate(ours, angle, InterpolationMode(mode)).numpy()
    np.testing.assert_allclose(got, sampled(theirs, turn, mode).numpy(), atol=1e-9)
    shrunk = [[math.cos(a) / 1.5, -math.sin(a) / 1.5, 0], [math.sin(a) / 1.5, math.cos(a) / 1.5, 0]]
    shift = -np.array(shrunk)[:, :2] @ [2, -3]
    matrix = np.concatenate([np.array(shrunk)[:, :2], shift[:, None]], 1)
    got = F.affine(ours, -angle, (2, -3), 1.5, 0, InterpolationMode(mode)).numpy()
    np.testing.assert_allclose(got, sampled(theirs, matrix.tolist(), mode).numpy(), atol=1e-9)


def test_affine_grid_says_where_pixels_come_from():
    """torch's affine_grid, in units of half the image, beside our matrix in pixels."""
    ours, theirs = both(1, 2, 8, 12)
    theta = torch.tensor([[[0.8, 0.0, 0.25], [0.0, 1.0, -0.5]]], dtype=torch.float64)
    want = TF.grid_sample(theirs, TF.affine_grid(theta, (1, 2, 8, 12), align_corners=False), align_corners=False)
    x = 0.8 * (np.arange(12) - 5.5) + 0.25 * 6 + 5.5
    y = np.arange(8) - 3.5 - 0.5 * 4 + 3.5
    got = at_points(ours, x[None] + 0 * y[:, None], y[:, None] + 0 * x[None], "bilinear", None, as_pillow=False)
    np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-9)


@pytest.mark.parametrize(("mode", "name"), [("constant", "constant"), ("edge", "replicate"), ("reflect", "reflect")])
def test_pad_is_torchs(mode, name):
    ours, theirs = both(2, 3, 5, 6)
    left, top, right, bottom = 1, 2, 3, 4
    want = TF.pad(theirs, (left, right, top, bottom), name)
    np.testing.assert_array_equal(F.pad(ours, (left, top, right, bottom), 0, mode).numpy(), want.numpy())


def test_a_blur_is_torchs_convolution():
    ours, theirs = both(2, 3, 9, 10)
    at = torch.arange(-2, 3, dtype=torch.float64)
    bell = torch.exp(-0.5 * (at / 1.3) ** 2)
    bell = bell / bell.sum()
    kernel = torch.outer(bell, bell).expand(3, 1, 5, 5)
    want = TF.conv2d(TF.pad(theirs, (2, 2, 2, 2), "reflect"), kernel, groups=3)
    np.testing.assert_allclose(F.gaussian_blur(ours, 5, 1.3).numpy(), want.numpy(), atol=1e-12)
