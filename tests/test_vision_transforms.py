"""Transforms: against their formulas, on every kind of image, under chance, and against Pillow."""

import colorsys
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd as torch
from nanograd import nn
from nanograd.vision import picture, transforms
from nanograd.vision.transforms import InterpolationMode, resample, v2
from nanograd.vision.transforms import functional as F

pillow = picture.find_pillow()
needs_pillow = pytest.mark.skipif(pillow is None, reason="Pillow is not installed")
T = transforms


@pytest.fixture
def without_pillow(monkeypatch):
    """As if Pillow were not installed."""
    for name in ("PIL", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    picture.find_pillow.cache_clear()
    yield
    monkeypatch.undo()
    picture.find_pillow.cache_clear()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def floats(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape))


# Conversions


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
    x = floats(2, 3, 4, 5)
    mean, std = [0.1, 0.2, 0.3], [1.0, 2.0, 3.0]
    want = (x.numpy() - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(transforms.Normalize(mean, std)(x).numpy(), want)
    np.testing.assert_allclose(F.normalize(x, mean, std).numpy(), want)
    y = x.clone()
    assert transforms.Normalize(mean, std, inplace=True)(y) is y
    np.testing.assert_allclose(y.numpy(), want)


def test_dtypes_are_converted_with_their_range():
    x = torch.tensor([[[0, 1, 128, 255]]], dtype=torch.uint8)
    np.testing.assert_allclose(F.convert_image_dtype(x, torch.float64).numpy(), x.numpy() / 255)
    assert F.convert_image_dtype(x, torch.int16).tolist() == [[[0, 128, 128 * 128, 255 * 128]]]
    assert torch.equal(F.convert_image_dtype(F.convert_image_dtype(x, torch.int16), torch.uint8), x)
    assert torch.equal(T.ConvertImageDtype(torch.uint8)(F.convert_image_dtype(x, torch.float32)), x)
    assert F.convert_image_dtype(torch.tensor([[[0.999, 0.5]]]), torch.uint8).tolist() == [[[255, 127]]]
    assert F.convert_image_dtype(x, torch.uint8) is x
    for have, want in [(torch.float32, torch.int32), (torch.float64, torch.int64)]:
        with pytest.raises(TypeError, match="cannot be performed safely"):
            F.convert_image_dtype(torch.zeros(1, 1, 1, dtype=have), want)


# Every transform on every kind of image


ALL = [
    T.Resize(9), T.Resize((7, 12), InterpolationMode.BICUBIC), T.Resize(5, InterpolationMode.NEAREST),
    T.CenterCrop(8), T.CenterCrop((30, 6)), T.Pad(2), T.Pad((1, 2), padding_mode="reflect"), T.RandomCrop(8, padding=3),
    T.RandomResizedCrop(6), T.RandomHorizontalFlip(1), T.RandomVerticalFlip(1), T.RandomRotation(30),
    T.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), 10, InterpolationMode.BILINEAR, fill=3), T.RandomPerspective(p=1),
    T.GaussianBlur(3), T.ColorJitter(0.3, 0.3, 0.3, 0.1), T.Grayscale(), T.Grayscale(3), T.RandomGrayscale(1),
    T.RandomInvert(1), T.RandomPosterize(3, 1), T.RandomSolarize(128, 1), T.RandomAdjustSharpness(2, 1),
    T.RandomAutocontrast(1), T.RandomEqualize(1), T.RandomApply([T.Pad(1)], 1), T.RandomOrder([T.Pad(1)]),
    T.RandomChoice([T.Pad(1)]),
]  # fmt: skip


@pytest.mark.parametrize("shape", [(13, 17, 3), (13, 17), (13, 17, 1)])
@pytest.mark.parametrize("transform", ALL, ids=repr)
def test_arrays_and_pil_images_give_the_same_pixels(transform, shape):
    array = noise(*shape)
    before = array.copy()
    torch.manual_seed(5)
    from_array = transform(array)
    assert isinstance(from_array, np.ndarray)
    assert from_array.dtype == np.uint8
    np.testing.assert_array_equal(array, before)
    if pillow is not None:
        torch.manual_seed(5)
        from_pil = transform(pillow.fromarray(array.squeeze()))
        assert isinstance(from_pil, pillow.Image)
        np.testing.assert_array_equal(np.array(from_pil), from_array.squeeze())
    torch.manual_seed(5)
    tensor = F.pil_to_tensor(array)
    from_tensor = transform(tensor)
    assert from_tensor.dtype is torch.uint8
    assert from_tensor.shape == F.pil_to_tensor(from_array).shape
    torch.manual_seed(5)
    batch = transform(torch.stack([tensor, tensor]))
    assert torch.equal(batch[1], from_tensor)


@pytest.mark.parametrize(
    "transform", [t for t in ALL if "Posterize" not in repr(t) and "Equalize" not in repr(t)], ids=repr
)
def test_tensors_of_floats_keep_their_dtype_and_are_not_written_to(transform):
    x = floats(3, 13, 17)
    before = x.clone()
    if "Solarize" in repr(transform):
        transform = T.RandomSolarize(0.5, 1)
    assert transform(x).dtype is torch.float64
    assert torch.equal(x, before)


def test_gradients_flow_through_what_moves_pixels():
    x = floats(3, 6, 7).requires_grad_()
    for act in (
        lambda x: F.resize(x, (4, 9)),
        lambda x: F.rotate(x, 30, InterpolationMode.BILINEAR),
        lambda x: F.affine(x, 20, (1, 0), 1.1, 5),
        lambda x: F.pad(x, 2, padding_mode="reflect"),
        lambda x: F.gaussian_blur(x, 3),
        lambda x: F.adjust_contrast(x, 0.7),
        lambda x: F.crop(F.hflip(x), 1, 2, 3, 4),
    ):
        weight = torch.from_numpy(np.random.default_rng(1).random(tuple(act(x).shape)))
        x.grad = None
        (act(x) * weight).sum().backward()
        step = torch.from_numpy(np.random.default_rng(2).standard_normal((3, 6, 7))) * 1e-6
        slope = float(((act(x.detach() + step) - act(x.detach() - step)) * weight).sum()) / 2
        assert slope == pytest.approx(float((x.grad * step).sum()), rel=1e-6)


# Cutting and padding


def test_crops_are_slices_and_zeros_outside():
    x = floats(3, 6, 7)
    assert torch.equal(F.crop(x, 1, 2, 3, 4), x[:, 1:4, 2:6])
    out = F.crop(x, -1, 5, 4, 4)
    assert out.shape == (3, 4, 4)
    assert torch.equal(out[:, 1:, :2], x[:, :3, 5:])
    assert float(out[:, 0].abs().sum() + out[:, :, 2:].abs().sum()) == 0
    assert torch.equal(F.center_crop(x, 3), x[:, 2:5, 2:5])  # (6 - 3) / 2 = 1.5 rounds to the even 2
    assert torch.equal(F.center_crop(x, (8, 7))[:, 1:7], x)
    assert torch.equal(F.hflip(x), x.flip(-1))
    assert torch.equal(F.vflip(x), x.flip(-2))


def test_five_and_ten_crops():
    x = floats(1, 5, 6)
    crops = F.five_crop(x, (2, 3))
    want = [x[:, :2, :3], x[:, :2, 3:], x[:, 3:, :3], x[:, 3:, 3:], F.center_crop(x, (2, 3))]
    assert all(torch.equal(a, b) for a, b in zip(crops, want, strict=True))
    ten = T.TenCrop((2, 3))(x)
    assert len(ten) == 10
    assert torch.equal(ten[5], x.flip(-1)[:, :2, :3])
    assert torch.equal(T.TenCrop((2, 3), vertical_flip=True)(x)[5], x.flip(-2)[:, :2, :3])
    with pytest.raises(ValueError, match=r"\(9, 9\) is bigger than input size \(5, 6\)"):
        T.FiveCrop(9)(x)


MODES = {"constant": "constant", "edge": "edge", "reflect": "reflect", "symmetric": "symmetric"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", [2, (1, 3), (1, 2, 3, 4), [2]])
def test_padding_is_numpys(mode, padding):
    x = floats(2, 3, 5, 6)
    sides = [padding] * 4 if isinstance(padding, int) else list(padding) * (4 // len(padding))
    left, top, right, bottom = sides
    want = np.pad(x.numpy(), ((0, 0), (0, 0), (top, bottom), (left, right)), mode)
    np.testing.assert_array_equal(F.pad(x, padding, 0, mode).numpy(), want)


def test_padding_with_a_color_and_cutting_with_negative_padding():
    x = floats(3, 4, 5)
    out = F.pad(x, 1, fill=(0.1, 0.2, 0.3))
    np.testing.assert_allclose(out[:, 0, 0].numpy(), [0.1, 0.2, 0.3])
    assert torch.equal(F.pad(x, (-1, 0, 1, -2)), F.pad(x[:, :2, 1:], (0, 0, 1, 0)))


def test_random_crops_are_parts_of_the_padded_image():
    torch.manual_seed(0)
    x = floats(1, 5, 6)
    seen = set()
    for _ in range(200):
        part = T.RandomCrop((4, 3))(x)
        places = [(i, j) for i in range(2) for j in range(4) if torch.equal(part, x[:, i : i + 4, j : j + 3])]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 8
    assert T.RandomCrop(8, pad_if_needed=True)(x).shape == (1, 8, 8)
    assert torch.equal(T.RandomCrop((5, 6))(x), x)
    with pytest.raises(ValueError, match=r"Required crop size \(8, 8\) is larger than input image size \(5, 6\)"):
        T.RandomCrop(8)(x)


def test_random_resized_crops_have_area_and_shape_in_range():
    torch.manual_seed(0)
    x = floats(1, 60, 80)
    for _ in range(100):
        top, left, height, width = T.RandomResizedCrop.get_params(x, (0.1, 0.5), (0.5, 2))
        assert 0 <= top <= 60 - height
        assert 0 <= left <= 80 - width
        assert 0.09 < height * width / 4800 < 0.52
        assert 0.45 < width / height < 2.2
    tall = floats(1, 10, 1000)
    assert T.RandomResizedCrop.get_params(tall, (0.9, 1), (0.5, 2)) == (0, 490, 10, 20)
    assert T.RandomResizedCrop(7)(x).shape == (1, 7, 7)


def test_random_erasing_erases_one_rectangle():
    torch.manual_seed(0)
    x = floats(3, 40, 50) + 1
    for _ in range(30):
        y = T.RandomErasing(p=1)(x)
        gone = (y == 0).all(0)
        rows, columns = gone.any(1).nonzero().reshape(-1), gone.any(0).nonzero().reshape(-1)
        assert int(gone.sum()) == len(rows) * len(columns)
        assert 0.015 < int(gone.sum()) / 2000 < 0.34
        assert 0.25 < len(rows) / len(columns) < 3.7
        assert torch.equal(torch.where(gone, x, y), x)
    assert T.RandomErasing(p=0)(x) is x
    y = T.RandomErasing(p=1, value=(7, 8, 9))(x)
    np.testing.assert_array_equal(np.unique(y.numpy()[2] == 9), [False, True])
    y = T.RandomErasing(p=1, value="random")(x)
    assert int((y != x).any(0).sum()) == int((y != x).all(0).sum())
    y = x.clone()
    assert T.RandomErasing(p=1, inplace=True)(y) is y
    assert not torch.equal(y, x)


# Resampling


@pytest.mark.parametrize(("size", "shape"), [(4, (4, 6)), ([4], (4, 6)), ((5, 3), (5, 3)), (12, (12, 18))])
def test_sizes_that_resize_gives(size, shape):
    assert F.resize(floats(3, 8, 12), size).shape == (3, *shape)
    if not isinstance(size, tuple):
        assert F.resize(floats(3, 12, 8), size).shape == (3, *shape[::-1])
    assert F.resize(floats(8, 12), size).shape == shape


def test_the_longer_side_may_be_bounded():
    assert F.resize(floats(1, 10, 40), 8, max_size=16).shape == (1, 4, 16)
    assert F.resize(floats(1, 10, 12), 8, max_size=16).shape == (1, 8, 9)
    x = floats(1, 8, 9)
    assert F.resize(x, 8) is x


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.sampled_from(["bilinear", "bicubic"]), st.booleans()
)  # fmt: skip
def test_the_weights_of_a_resized_pixel_add_up_to_one_and_keep_what_is_flat(have, want, mode, antialias):
    weights = resample.resize_weights(have, want, mode, antialias)
    assert weights.shape == (want, have)
    np.testing.assert_allclose(weights.sum(1), 1)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-12)  # left and right are alike
    if have == want:
        np.testing.assert_allclose(weights, np.eye(have), atol=1e-12)


def test_a_ramp_stays_a_ramp_away_from_the_border():
    ramp = torch.arange(40).float().reshape(1, 1, 40)
    for mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        for want in (10, 20, 80):
            out = F.resize(ramp, (1, want), mode)[0, 0].numpy()
            middle = (np.arange(want) + 0.5) * 40 / want - 0.5
            inner = slice(want // 4, -want // 4)
            np.testing.assert_allclose(out[inner], middle[inner], atol=1e-4)


def test_a_blur_is_its_double_sum():
    x = floats(2, 7, 9)
    kernel_x, kernel_y = (np.exp(-0.5 * (np.arange(-k // 2 + 1, k // 2 + 1) / s) ** 2) for k, s in ((5, 1.5), (3, 0.7)))
    kernel = np.outer(kernel_y / kernel_y.sum(), kernel_x / kernel_x.sum())
    padded = np.pad(x.numpy(), ((0, 0), (1, 1), (2, 2)), "reflect")
    want = np.zeros((2, 7, 9))
    for i in range(3):
        for j in range(5):
            want += kernel[i, j] * padded[:, i : i + 7, j : j + 9]
    np.testing.assert_allclose(F.gaussian_blur(x, [5, 3], [1.5, 0.7]).numpy(), want)


def test_turning_by_right_angles_is_exact():
    x = floats(3, 8, 8)
    for quarter in range(-4, 5):
        want = np.rot90(x.numpy(), quarter, axes=(-2, -1))
        for mode in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
            np.testing.assert_allclose(F.rotate(x, 90 * quarter, mode).numpy(), want, atol=1e-12)
    array = noise(5, 9, 3)
    np.testing.assert_array_equal(F.rotate(array, 90, expand=True), np.rot90(array))
    np.testing.assert_array_equal(F.rotate(array, 180, expand=True), np.rot90(array, 2))


def test_an_affine_change_is_its_formula_point_by_point():
    """Where the pixel of the output comes from, by solving rotation · scale · shear · (p - c) + c + t = q."""
    x = floats(1, 9, 11)
    angle, move, scale, shear, center = 25.0, (1.5, -0.5), 1.2, (10.0, -5.0), (4.0, 3.0)
    a, sx, sy = (math.radians(v) for v in (angle, *shear))
    rotation = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    forward = scale * rotation @ np.array([[1, 0], [-math.tan(sy), 1]]) @ np.array([[1, -math.tan(sx)], [0, 1]])
    out = F.affine(x, angle, move, scale, shear, InterpolationMode.BILINEAR, center=center)[0].numpy()
    inside = 0
    for i in range(9):
        for j in range(11):
            q = np.array([j + 0.5, i + 0.5])
            p = np.linalg.solve(forward, q - np.array(center) - np.array(move)) + np.array(center) - 0.5
            px, py = np.floor(p).astype(int)
            if 0 <= px < 10 and 0 <= py < 8:
                fx, fy = p - [px, py]
                part = x[0, py : py + 2, px : px + 2].numpy()
                want = np.array([1 - fy, fy]) @ part @ np.array([1 - fx, fx])
                assert out[i, j] == pytest.approx(want, abs=1e-6)
                inside += 1
    assert inside > 30


def test_what_lies_outside_is_filled():
    x = floats(3, 6, 6) + 1
    out = F.affine(x, 0, (2, 0), 1, 0, fill=[7.0, 8.0, 9.0])
    np.testing.assert_array_equal(out[:, 0, 0].numpy(), [7, 8, 9])
    assert torch.equal(out[:, :, 2:], x[:, :, :4])
    assert float(F.affine(x, 0, (2, 0), 1, 0)[0, 0, 0]) == 0
    flat = F.rotate(torch.ones(1, 9, 9), 45, InterpolationMode.BILINEAR, fill=1)
    np.testing.assert_allclose(flat.numpy(), 1, atol=1e-6)  # the border blends with what lies outside
    assert F.rotate(x[0], 90).shape == (6, 6)


def test_a_perspective_takes_corners_to_corners():
    x = torch.zeros(1, 9, 9)
    x[0, 2, 6] = 1
    corners = [[0, 0], [8, 0], [8, 8], [0, 8]]
    assert torch.equal(F.perspective(x, corners, corners), x)
    turned = F.perspective(x, corners, [[8, 0], [8, 8], [0, 8], [0, 0]], InterpolationMode.NEAREST)
    assert float(turned.sum()) == 1
    with pytest.raises(ValueError, match="lie on a line"):
        F.perspective(x, corners, [[0, 0], [1, 1], [2, 2], [3, 3]])


# Color


def test_brightness_contrast_and_saturation_are_their_formulas():
    x = floats(3, 5, 6)
    a = x.numpy()
    gray = 0.2989 * a[0] + 0.587 * a[1] + 0.114 * a[2]
    for factor in (0.0, 0.4, 1.0, 1.7):
        for act, other in [
            (F.adjust_brightness, 0),
            (F.adjust_contrast, gray.mean()),
            (F.adjust_saturation, gray),
        ]:
            want = np.clip(factor * a + (1 - factor) * other, 0, 1)
            np.testing.assert_allclose(act(x, factor).numpy(), want, rtol=1e-6)
    np.testing.assert_allclose(F.rgb_to_grayscale(x, 3).numpy(), np.stack([gray] * 3), rtol=1e-6)
    assert F.rgb_to_grayscale(x[:1]).shape == (1, 5, 6)
    assert F.adjust_saturation(x[:1], 0.3).equal(x[:1])
    np.testing.assert_allclose(F.adjust_gamma(x, 2.2, 0.9).numpy(), np.clip(0.9 * a**2.2, 0, 1))


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 3), st.floats(-0.5, 0.5))
def test_a_hue_is_turned_as_on_the_circle_of_colors(color, turn):
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in color))
    want = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
    pixel = torch.tensor(color, dtype=torch.float64).reshape(3, 1, 1) / 255
    np.testing.assert_allclose(F.adjust_hue(pixel, turn).numpy().ravel(), want, atol=1e-9)


def test_the_other_colorings_are_their_formulas():
    array = noise(7, 8, 3)
    np.testing.assert_array_equal(F.invert(array), 255 - array)
    np.testing.assert_array_equal(F.posterize(array, 3), array & 0b11100000)
    np.testing.assert_array_equal(F.solarize(array, 100), np.where(array >= 100, 255 - array, array))
    low, high = array.min((0, 1)).astype(float), array.max((0, 1)).astype(float)
    np.testing.assert_allclose(F.autocontrast(array), (array - low) * 255 / (high - low), atol=1)
    flat = np.full((4, 4, 3), 9, np.uint8)
    for act in (F.autocontrast, F.equalize, lambda x: F.adjust_sharpness(x, 3)):
        np.testing.assert_array_equal(act(flat), flat)
    counts = np.bincount(F.equalize(noise(100, 100) // 8 + 50).ravel(), minlength=256)
    assert np.flatnonzero(counts).max() == 255  # 32 levels within 50 ... 81 are spread
    assert np.diff(np.flatnonzero(counts))[:-1].min() >= 7


def test_color_jitter_draws_from_its_ranges():
    torch.manual_seed(0)
    jitter = T.ColorJitter(0.2, (0.5, 0.6), 0, 0.1)
    orders = set()
    for _ in range(60):
        order, brightness, contrast, saturation, hue = jitter.get_params(
            jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue
        )
        assert 0.8 <= brightness <= 1.2
        assert 0.5 <= contrast <= 0.6
        assert saturation is None
        assert -0.1 <= hue <= 0.1
        orders.add(tuple(order.tolist()))
    assert len(orders) > 15


# Chance


RANDOM = [
    T.RandomHorizontalFlip(), T.RandomCrop(5), T.RandomResizedCrop(5), T.RandomRotation(40), T.RandomErasing(),
    T.ColorJitter(0.5, 0.5, 0.5, 0.5), T.RandomAffine(40), T.GaussianBlur(3), T.RandomPerspective(),
    T.RandomOrder([T.Pad(1), T.Resize(4)]), T.RandomChoice([T.Pad(1), T.Resize(4)], p=[0.5, 0.5]),
    T.RandomApply([T.RandomInvert()]),
]  # fmt: skip


@pytest.mark.parametrize("transform", RANDOM, ids=lambda t: type(t).__name__)
def test_the_seed_governs_chance(transform):
    x = floats(3, 9, 11)

    def draw(seed):
        torch.manual_seed(seed)
        return [transform(x).numpy() for _ in range(8)]

    first = draw(1)
    for a, b in zip(first, draw(1), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(a.shape != b.shape or not np.array_equal(a, b) for a, b in zip(first, draw(2), strict=True))
    assert any(a.shape != first[0].shape or not np.array_equal(a, first[0]) for a in first)


def test_things_happen_as_often_as_they_should():
    torch.manual_seed(0)
    x = torch.arange(2).reshape(1, 1, 2)
    for p in (0.0, 0.3, 1.0):
        share = sum(int(T.RandomHorizontalFlip(p)(x)[0, 0, 0]) for _ in range(800)) / 800
        assert share == pytest.approx(p, abs=0.06 * (0 < p < 1))
    share = sum(T.RandomChoice([T.Lambda(lambda x: 0), T.Lambda(lambda x: 1)], p=[1, 3])(x) for _ in range(800)) / 800
    assert share == pytest.approx(0.75, abs=0.06)


# Printed forms, composition


@pytest.mark.parametrize(
    ("transform", "printed"),
    [
        (T.Resize(256), "Resize(size=256, interpolation=bilinear, max_size=None, antialias=True)"),
        (T.CenterCrop(10), "CenterCrop(size=(10, 10))"),
        (T.Pad(2), "Pad(padding=2, fill=0, padding_mode=constant)"),
        (T.RandomCrop(32, padding=4), "RandomCrop(size=(32, 32), padding=4)"),
        (T.RandomHorizontalFlip(), "RandomHorizontalFlip(p=0.5)"),
        (T.RandomVerticalFlip(0.1), "RandomVerticalFlip(p=0.1)"),
        (T.FiveCrop(3), "FiveCrop(size=(3, 3))"),
        (T.ColorJitter(0.5), "ColorJitter(brightness=(0.5, 1.5), contrast=None, saturation=None, hue=None)"),
        (T.RandomRotation(10), "RandomRotation(degrees=[-10.0, 10.0], interpolation=nearest, expand=False, fill=0)"),
        (
            T.RandomAffine(5, translate=(0.1, 0.1), interpolation=InterpolationMode.BILINEAR, fill=1),
            "RandomAffine(degrees=[-5.0, 5.0], translate=(0.1, 0.1), interpolation=bilinear, fill=1)",
        ),
        (T.Grayscale(), "Grayscale(num_output_channels=1)"),
        (T.RandomErasing(), "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)"),
        (T.GaussianBlur(3), "GaussianBlur(kernel_size=(3, 3), sigma=(0.1, 2.0))"),
        (
            T.RandomResizedCrop(224),
            "RandomResizedCrop(size=(224, 224), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, "
            "antialias=True)",
        ),
        (T.PILToTensor(), "PILToTensor()"),
        (T.ToPILImage(), "ToPILImage()"),
        (T.ToPILImage("L"), "ToPILImage(mode=L)"),
        (T.ConvertImageDtype(torch.uint8), "ConvertImageDtype()"),
        (T.RandomApply([T.ToTensor()]), "RandomApply(\n    p=0.5\n    ToTensor()\n)"),
        (T.RandomOrder([T.ToTensor()]), "RandomOrder(\n    ToTensor()\n)"),
        (v2.RandomHorizontalFlip(), "RandomHorizontalFlip(p=0.5)"),
        (v2.Resize(8), "Resize(size=[8], interpolation=InterpolationMode.BILINEAR, antialias=True)"),
        (v2.Normalize((0.5,), (0.5,)), "Normalize(mean=[0.5], std=[0.5], inplace=False)"),
        (
            v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]),
            "Compose(\n      ToImage()\n      ToDtype(scale=True)\n)",
        ),
    ],
)
def test_printed_forms_are_torchvisions(transform, printed):
    assert repr(transform) == printed


def test_transforms_are_modules():
    x = floats(3, 9, 9)
    assert nn.Sequential(T.CenterCrop(5), T.Normalize([0.5] * 3, [0.5] * 3))(x).shape == (3, 5, 5)
    T.RandomApply(nn.ModuleList([T.Pad(1)]), p=1)(x)

    class Halved(nn.Module):
        def forward(self, img):
            return img / 2

    assert torch.equal(T.Compose([Halved(), lambda x: x * 2])(x), x)


# Version 2


def test_version_2_changes_images_and_hands_on_the_rest():
    torch.manual_seed(0)
    x, label = floats(3, 6, 6), 3
    out, same = v2.RandomHorizontalFlip(1)(x, label)
    assert torch.equal(out, x.flip(-1))
    assert same == 3
    sample = {"image": noise(6, 6, 3), "others": [noise(6, 6), "name", torch.zeros(2)]}
    changed = v2.Compose([v2.RandomCrop(3)])(sample)
    assert changed["image"].shape == (3, 3, 3)
    assert changed["others"][0].shape == (3, 3)
    assert changed["others"][1:] == ["name", sample["others"][2]]
    assert v2.RandomCrop(3)("no image") == "no image"
    two = v2.CenterCrop(2)((x, floats(4, 4)))
    assert two[0].shape == (3, 2, 2)
    assert two[1].shape == (4, 4)  # only the first tensor is an image


def test_version_2_changes_an_image_and_its_mask_alike():
    torch.manual_seed(0)
    image = noise(20, 20, 3)
    for _ in range(10):
        a, b = v2.Compose([v2.RandomCrop(9), v2.RandomHorizontalFlip(), v2.RandomRotation(40)])(image, image[:, :, 0])
        np.testing.assert_array_equal(a[:, :, 0], b)


def test_version_2_pipelines_give_floats():
    pipeline = v2.Compose([v2.ToImage(), v2.Resize((4, 4)), v2.ToDtype(torch.float32, scale=True)])
    out = pipeline(noise(8, 8, 3))
    assert out.dtype is torch.float32
    assert 0 <= float(out.min()) < float(out.max()) <= 1
    assert v2.ToDtype(torch.float32)(torch.full((1, 2, 2), 7, dtype=torch.uint8)).max() == 7
    with pytest.warns(UserWarning, match="deprecated"):
        old = v2.ToTensor()
    assert torch.equal(old(noise(8, 8, 3)), T.ToTensor()(noise(8, 8, 3)))
    assert v2.Lambda(lambda x: x + 1)(1, 2) == (2, 3)
    assert v2.Lambda(lambda x: x + 1, float)(1, 2.0) == (1, 3.0)
    assert v2.functional.horizontal_flip is F.hflip
    assert v2.functional.get_size(noise(8, 9, 3)) == [8, 9]


def test_ones_own_version_2_transform():
    class Shift(v2.Transform):
        def make_params(self, flat_inputs):
            return {"by": float(torch.rand(1))}

        def transform(self, inpt, params):
            return inpt + params["by"]

    x = floats(3, 2, 2)
    out, label = Shift()(x, 5)
    assert label == 5
    assert float((out - x).max() - (out - x).min()) == pytest.approx(0, abs=1e-12)
    with pytest.raises(NotImplementedError, match="define transform"):
        v2.Transform()(x)


def test_version_2_has_a_twin_for_each_of_version_1():
    for name in T.__all__:
        assert hasattr(v2, name) or name in ("functional", "v2"), name


# Against Pillow


@needs_pillow
@pytest.mark.parametrize("shape", [(24, 31, 3), (24, 31)])
def test_pil_images_are_changed_as_pillow_changes_them(shape):
    from PIL import ImageEnhance, ImageOps

    array = noise(*shape)
    image = pillow.fromarray(array)

    def close(ours, theirs, most, share):
        a, b = np.asarray(ours).astype(int), np.asarray(theirs).astype(int)
        assert a.shape == b.shape
        assert abs(a - b).max() <= most
        assert (a != b).mean() <= share

    for size in [(10, 12), (48, 62), (24, 50), (9, 31)]:
        for mode, number in [("nearest", 0), ("bilinear", 2), ("bicubic", 3)]:
            theirs = image.resize(size[::-1], number)
            close(F.resize(image, size, InterpolationMode(mode), antialias=False), theirs, number > 0, 0.05)
    for angle in (0, 90, 180, 270, 30.0, -47.3):
        for expand in (False, True):
            for mode, number in [("nearest", 0), ("bilinear", 2)]:
                theirs = image.rotate(angle, number, expand, fillcolor=9 if len(shape) == 2 else (9, 9, 9))
                close(F.rotate(image, angle, InterpolationMode(mode), expand, fill=9), theirs, 255, 0.002)
    close(F.adjust_brightness(image, 1.3), ImageEnhance.Brightness(image).enhance(1.3), 0, 0)
    close(F.adjust_contrast(image, 1.3), ImageEnhance.Contrast(image).enhance(1.3), 1, 1)
    close(F.adjust_saturation(image, 0.3), ImageEnhance.Color(image).enhance(0.3), 1, 1)
    close(F.adjust_sharpness(image, 1.7), ImageEnhance.Sharpness(image).enhance(1.7), 0, 0)
    close(F.rgb_to_grayscale(image), image.convert("L"), 0, 0)
    for ours, theirs in [
        (F.autocontrast(image), ImageOps.autocontrast(image)),
        (F.equalize(image), ImageOps.equalize(image)),
        (F.posterize(image, 3), ImageOps.posterize(image, 3)),
        (F.solarize(image, 100), ImageOps.solarize(image, 100)),
        (F.invert(image), ImageOps.invert(image)),
        (F.hflip(image), ImageOps.mirror(image)),
        (F.pad(image, 3, fill=7), ImageOps.expand(image, 3, 7 if len(shape) == 2 else (7, 7, 7))),
    ]:
        close(ours, theirs, 0, 0)


@needs_pillow
@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "I", "F", "I;16"])
def test_pil_images_keep_their_mode(mode):
    image = pillow.fromarray(noise(6, 8, 3)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = pillow.fromarray(np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000)
    turned = F.hflip(image)
    assert turned.mode == mode
    np.testing.assert_array_equal(np.array(turned), np.array(image)[:, ::-1])
    assert F.get_image_size(image) == [8, 6]
    assert F.get_image_num_channels(image) == {"LA": 2, "RGB": 3, "RGBA": 4}.get(mode, 1)


@needs_pillow
def test_tensors_and_arrays_become_pil_images():
    array = noise(5, 6, 3)
    for x in (array, F.pil_to_tensor(array), F.to_tensor(array)):
        made = T.ToPILImage()(x)
        assert made.mode == "RGB"
        np.testing.assert_array_equal(np.array(made), array)
    assert F.to_pil_image(array[:, :, 0]).mode == "L"
    assert F.to_pil_image(torch.zeros(1, 2, 2), mode="F").mode == "F"
    assert v2.ToPILImage()(F.to_tensor(array)).size == (6, 5)
    with pytest.raises(TypeError, match=r"mode 'P'.*convert\('RGB'\)"):
        F.hflip(made.convert("P"))
    assert set(np.unique(F.to_tensor(made.convert("1")).numpy())) <= {0.0, 1.0}


def test_without_pillow_arrays_do_and_pil_images_say_what_they_need(without_pillow):
    assert F.hflip(noise(3, 4)).shape == (3, 4)
    with pytest.raises(NotImplementedError, match=r"ToPILImage: a PIL image needs Pillow.*pip install Pillow"):
        T.ToPILImage()(torch.zeros(1, 2, 2))


# Bad input


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: T.ToTensor()([1]), TypeError, "PIL Image or ndarray. Got <class 'list'>"),
        (lambda: T.ToTensor()(torch.zeros(2)), TypeError, "got a tensor"),
        (lambda: T.ToTensor()(np.zeros(2)), ValueError, "2/3 dimensional. Got 1"),
        (lambda: T.Normalize([0], [0]), ValueError, "division by zero"),
        (lambda: T.Normalize([0.0], [1.0])(np.zeros((1, 2, 2))), TypeError, r"ToTensor\(\) before"),
        (lambda: T.Normalize([0.0], [1.0])(torch.zeros(1, 2, 2).byte()), TypeError, "torch.uint8"),
        (lambda: T.Normalize([0.0], [1.0])(torch.zeros(2, 2)), ValueError, "expected an image"),
        (lambda: T.Normalize([0.0] * 3, [1.0] * 3)(torch.zeros(1, 2, 2)), ValueError, "mean has 3 values"),
        (lambda: T.Compose([T.ToTensor]), TypeError, r"make it, ToTensor\(\)"),
        (lambda: T.Compose(T.ToTensor()), TypeError, "should be a sequence"),
        (lambda: T.Lambda(3), TypeError, "callable"),
        (lambda: T.Resize("8"), TypeError, "Size should be int or sequence. Got <class 'str'>"),
        (lambda: T.Resize((1, 2, 3)), ValueError, "1 or 2 values"),
        (lambda: T.Resize(8, "linear"), ValueError, "InterpolationMode.BILINEAR.*got 'linear'"),
        (lambda: F.resize(torch.zeros(1, 4, 4), 0), ValueError, "at least 1, got 0"),
        (lambda: F.resize(torch.zeros(1, 4, 4), 8, max_size=4), ValueError, "strictly greater"),
        (lambda: F.resize(torch.zeros(1, 4, 4), (8, 8), max_size=4), ValueError, "smaller edge"),
        (lambda: F.resize("x", 8), TypeError, "expected an image, got str"),
        (lambda: F.resize(torch.zeros(4), 8), ValueError, r"got \(4,\)"),
        (lambda: F.hflip(np.zeros(4)), TypeError, "hflip: expected an image, got ndarray"),
        (lambda: F.pad(torch.zeros(1, 4, 4), (1, 2, 3)), ValueError, "not a 3 element tuple"),
        (lambda: F.pad(torch.zeros(1, 4, 4), "1"), TypeError, "inappropriate padding"),
        (lambda: F.pad(torch.zeros(1, 4, 4), 1, padding_mode="wrap"), ValueError, "constant, edge, reflect"),
        (lambda: F.pad(torch.zeros(1, 4, 4), 4, padding_mode="reflect"), ValueError, "at most 3 pixels .* got 4"),
        (lambda: F.pad(torch.zeros(3, 4, 4), 4, fill=(1, 2)), ValueError, r"\(2 != 3\)"),
        (lambda: T.Pad(1, padding_mode="wrap"), ValueError, "constant, edge"),
        (lambda: T.CenterCrop((1, 2, 3)), ValueError, r"two dimensions \(h, w\)"),
        (lambda: F.crop(torch.zeros(1, 4, 4), 0, 0, 0, 4), ValueError, "at least 1"),
        (lambda: T.RandomHorizontalFlip(2), ValueError, "probability, from 0 to 1, got 2"),
        (lambda: T.RandomRotation(-3), ValueError, "must be positive"),
        (lambda: T.RandomRotation((1, 2, 3)), ValueError, "length"),
        (lambda: F.rotate(torch.zeros(1, 4, 4), 3, InterpolationMode.BICUBIC), ValueError, "NEAREST.*BILINEAR"),
        (lambda: F.rotate(torch.zeros(3, 4, 4), 3, fill=[1, 2]), ValueError, r"\(2 != 3\)"),
        (lambda: F.rotate(torch.zeros(3, 4, 4), 3, center=[1]), ValueError, "length 2"),
        (lambda: F.affine(torch.zeros(3, 4, 4), 3, (1,), 1, 0), ValueError, "translate to be two"),
        (lambda: F.affine(torch.zeros(3, 4, 4), 3, (1, 1), 0, 0), ValueError, "scale should be positive"),
        (lambda: T.RandomAffine(3, translate=(2, 0)), ValueError, "between 0 and 1"),
        (lambda: T.RandomAffine(3, scale=(0, 1)), ValueError, "above 0"),
        (lambda: T.RandomResizedCrop(3, scale=(1, 0.5)), ValueError, r"got \(1, 0.5\)"),
        (lambda: F.perspective(torch.zeros(1, 3, 3), [[0, 0]], [[0, 0]]), ValueError, "four points"),
        (lambda: T.GaussianBlur(4), ValueError, "odd and positive"),
        (lambda: T.GaussianBlur(3, (2, 1)), ValueError, r"\(min, max\)"),
        (lambda: F.gaussian_blur(torch.zeros(1, 2, 2), 5), ValueError, "too small"),
        (lambda: F.gaussian_blur(torch.zeros(1, 9, 9), 3, -1.0), ValueError, "positive values"),
        (lambda: T.ColorJitter(brightness=-1), ValueError, "must be non negative"),
        (lambda: T.ColorJitter(hue=0.7), ValueError, "between"),
        (lambda: T.ColorJitter(hue="a"), TypeError, "single number or a list"),
        (lambda: F.adjust_hue(torch.zeros(3, 2, 2), 0.6), ValueError, r"\[-0.5, 0.5\]"),
        (lambda: F.adjust_brightness(torch.zeros(2, 2, 2), 1), ValueError, r"permitted channel values are \[1, 3\]"),
        (lambda: F.adjust_contrast(torch.zeros(3, 2, 2), -1), ValueError, "not non-negative"),
        (lambda: F.rgb_to_grayscale(torch.zeros(3, 2, 2), 2), ValueError, "either 1 or 3"),
        (lambda: F.posterize(torch.zeros(3, 2, 2), 3), TypeError, "uint8"),
        (lambda: F.equalize(torch.zeros(3, 2, 2)), TypeError, "uint8"),
        (lambda: F.solarize(torch.zeros(3, 2, 2), 2), TypeError, "bound"),
        (lambda: T.RandomErasing(p=1)(np.zeros((3, 3))), TypeError, r"ToTensor\(\) before"),
        (lambda: T.RandomErasing(value="no"), ValueError, "should be 'random'"),
        (lambda: T.RandomErasing(p=1, value=(1, 2))(torch.zeros(3, 9, 9)), ValueError, "got 2"),
        (lambda: T.RandomErasing(scale=(0.1, 2)), ValueError, "between 0 and 1"),
        (lambda: T.RandomChoice([T.Pad(1)], p=[1, 2]), ValueError, "got 2 for 1"),
        (lambda: v2.Compose([]), ValueError, "at least one"),
        (lambda: v2.ToDtype(torch.float32)(noise(3, 3)), TypeError, r"ToImage\(\) before"),
        (lambda: T.ConvertImageDtype(torch.uint8)(noise(3, 3)), TypeError, "got ndarray"),
        (lambda: F.to_pil_image([1]), TypeError, "Tensor or ndarray"),
    ],
)
def test_wrong_images_and_settings_are_refused(act, error, words):
    with pytest.raises(error, match=words):
        act()
