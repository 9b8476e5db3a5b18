"""Pooling, padding and resizing: what the laws do not say.  Loops stand in the laws, torch's numbers in the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import nn
from nanograd.errors import MissingError


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


# Means


def test_means_of_whole_numbers_are_exact() -> None:
    x = torch.arange(1.0, 10.0).reshape(1, 3, 3)
    assert F.avg_pool2d(x, 3).item() == 5
    assert F.adaptive_avg_pool2d(x.repeat(1, 7, 7), 7).tolist() == [[[5.0] * 7] * 7]


@pytest.mark.parametrize("size", [8, 40])  # small inputs run the reference, large ones the compiled sums
@pytest.mark.parametrize("odd", [float("inf"), float("nan")])
def test_infinity_and_nan_stay_in_their_windows(odd: float, size: int) -> None:
    x = torch.ones(1, 1, size, size)
    x[0, 0, 2, 5] = odd
    for call in (lambda x: F.avg_pool2d(x, 2), lambda x: F.adaptive_avg_pool2d(x, size // 2)):
        y = call(x)[0, 0]
        assert not y[1, 2].isfinite()
        assert int(y.isfinite().sum()) == y.numel() - 1


def test_padding_counts_or_not() -> None:
    x = torch.ones(1, 1, 2, 2)
    counted = F.avg_pool2d(x, 2, stride=1, padding=1)[0, 0]
    assert counted.tolist() == [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]]
    assert F.avg_pool2d(x, 2, stride=1, padding=1, count_include_pad=False).tolist() == [[[[1.0] * 3] * 3]]
    assert F.avg_pool2d(x, 2, divisor_override=1).item() == 4


def test_integers_are_divided_towards_zero() -> None:
    x = torch.tensor([[[-3, 0, 3, 4]]])
    assert F.avg_pool1d(x, 2).tolist() == [[[-1, 3]]]
    assert F.avg_pool1d(x, 2).dtype == torch.int64
    with pytest.raises(TypeError, match=r"avg_pool2d: not implemented for torch.uint8.*x.float\(\)"):
        F.avg_pool2d(torch.ones(1, 2, 2).byte(), 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12))
def test_equal_shares_cover_everything(have: int, want: int) -> None:
    """The mean of the means lies between the extremes, and a constant stays what it is."""
    x = normal(1, 1, have)
    y = F.adaptive_avg_pool1d(x, want)
    assert y.shape == (1, 1, want)
    assert float(x.min()) <= float(y.min())
    assert float(y.max()) <= float(x.max())
    assert float(F.adaptive_max_pool1d(x, want).max()) == float(x.max())


# The greatest


def test_padding_never_wins() -> None:
    x = torch.full((1, 1, 2, 2), -torch.inf)
    y, places = F.max_pool2d(x, 2, stride=1, padding=1, return_indices=True)
    assert not y.isfinite().any()
    assert places[0, 0].tolist() == [[0, 0, 1], [0, 0, 1], [2, 2, 3]]


@pytest.mark.parametrize("size", [2, 80])  # the reference, and the compiled loop
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_of_several_nan_the_last_one_wins(dims: int, size: int) -> None:
    x = torch.ones(size, 1, *(4,) * (dims - 1), 16)
    x[..., 1] = x[..., 2] = float("nan")
    pool: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[dims - 1]
    share: Any = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[dims - 1]
    for y, places in (pool(x, 4, return_indices=True), share(x, (1,) * (dims - 1) + (4,), return_indices=True)):
        assert y.isnan()[..., 0].all()
        assert not y.isnan()[..., 1:].any()
        last = 16 * 4 ** (dims - 1) - 16 + 2  # in the last row of the last plane
        assert (places[..., 0] == last).all()


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_unpooling_puts_the_greatest_back(dims: int) -> None:
    x = normal(2, 3, *(6,) * dims).abs()
    pool = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[dims - 1](2, return_indices=True)
    back: Any = (nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d)[dims - 1](2)
    y, places = pool(x)
    z = back(y, places)
    assert int((z != 0).sum()) == y.numel()
    assert torch.equal(pool(z)[0], y)
    assert torch.equal(z[z != 0], x[z != 0])


def test_a_large_p_norm_is_the_maximum() -> None:
    x = normal(1, 2, 6, 6).abs()
    assert torch.allclose(F.lp_pool2d(x, 200.0, 2), F.max_pool2d(x, 2), rtol=0.01)
    assert torch.allclose(F.lp_pool2d(x, 1, 2), 4 * F.avg_pool2d(x, 2))


@pytest.mark.parametrize("name", ["fractional_max_pool2d", "fractional_max_pool3d"])
def test_fractional_pooling_is_refused_by_name(name: str) -> None:
    with pytest.raises(MissingError, match=f"{name}: nanograd has no fractional pooling. Use F.adaptive_max_pool"):
        getattr(F, name)(torch.ones(1, 4, 4), 2)
    layer = f"FractionalMaxPool{name[-2:]}"
    with pytest.raises(MissingError, match=f"{layer}: nanograd has no fractional pooling. Use nn.AdaptiveMaxPool"):
        getattr(nn, layer)(2, output_size=1)


# Edges


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(-3, 4), st.integers(-3, 4), st.sampled_from(["constant", "replicate"]))
def test_padding_and_cutting_off_again(n: int, before: int, after: int, mode: str) -> None:
    if n + before + after < 1 or max(-before, -after) > n:
        return
    x = normal(1, 1, n)
    y = F.pad(x, (before, after), mode)
    assert y.shape == (1, 1, n + before + after)
    if before >= 0 and after >= 0:
        assert torch.equal(F.pad(y, (-before, -after)), x)


def test_padding_makes_a_copy() -> None:
    x = torch.ones(1, 3)
    for mode in ("constant", "reflect", "replicate", "circular"):
        y = F.pad(x, (0, 0), mode)
        y.zero_()
    assert x.tolist() == [[1.0, 1.0, 1.0]]


def test_padding_layers() -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0]]])
    assert nn.ReflectionPad1d(2)(x).tolist() == [[[3, 2, 1, 2, 3, 2, 1]]]
    assert nn.ReplicationPad1d((1, 2))(x).tolist() == [[[1, 1, 2, 3, 3, 3]]]
    assert nn.CircularPad1d((1, 2))(x).tolist() == [[[3, 1, 2, 3, 1, 2]]]
    assert nn.ConstantPad1d((1, 0), 7.0)(x).tolist() == [[[7, 1, 2, 3]]]
    assert nn.ZeroPad2d((0, 1, 1, 0))(x).tolist() == [[[0, 0, 0, 0], [1, 2, 3, 0]]]
    with pytest.raises(TypeError, match=r"ReflectionPad2d padding: expected .* list of 4 values"):
        nn.ReflectionPad2d((1, 2))


# Another size


def test_resizing_keeps_what_is_constant_and_what_is_straight() -> None:
    ramp = torch.arange(6.0).reshape(1, 1, 6)
    wide = F.interpolate(ramp, size=11, mode="linear", align_corners=True)
    assert torch.allclose(wide[0, 0], torch.arange(11.0) / 2)
    image = torch.ones(1, 2, 5, 4)
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        assert torch.allclose(F.interpolate(image, size=(7, 9), mode=mode), torch.ones(1, 2, 7, 9)), mode
    for mode in ("bilinear", "bicubic", "lanczos"):
        y = F.interpolate(image, scale_factor=0.6, mode=mode, antialias=True)
        assert torch.allclose(y, torch.ones(1, 2, 3, 2)), mode


def test_doubling_and_back() -> None:
    x = normal(2, 3, 4, 5)
    assert torch.equal(nn.Upsample(scale_factor=2)(x)[:, :, ::2, ::2], x)
    assert torch.allclose(F.avg_pool2d(nn.UpsamplingNearest2d(scale_factor=2)(x), 2), x)
    assert torch.equal(
        F.pixel_unshuffle(F.pixel_shuffle(x.reshape(2, 1, 12, 5).repeat(1, 4, 1, 1), 2), 2)[:, 0], x.reshape(2, 12, 5)
    )
    assert torch.equal(F.interpolate(x, x.shape[2:], mode="bilinear"), x)
    assert F.interpolate(torch.ones(1, 1, 2, 2).byte(), scale_factor=2).dtype == torch.uint8


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_reading_an_image_at_its_own_pixels_gives_the_image(mode: str) -> None:
    x = normal(2, 3, 4, 5)
    identity = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=torch.float64).repeat(2, 1, 1)
    for corners in (True, False):
        grid = F.affine_grid(identity, (2, 3, 4, 5), corners)
        assert torch.allclose(F.grid_sample(x, grid, mode, "border", corners), x)
    mirrored = F.affine_grid(identity * torch.tensor([[-1.0], [1.0]]), (2, 3, 4, 5), False)
    assert torch.allclose(F.grid_sample(x, mirrored, mode, align_corners=False), x.flip(3))


def test_points_that_are_no_numbers_read_nothing() -> None:
    grid = torch.tensor([[[[float("nan"), 0.0], [float("inf"), 0.0], [1e30, -1e30]]]])
    assert F.grid_sample(torch.ones(1, 1, 3, 3), grid, align_corners=False).tolist() == [[[[0.0, 0.0, 0.0]]]]


def test_a_spatial_transformer_finds_the_shift() -> None:
    """The gradient reaches the matrix through the grid: a shifted image is brought back."""
    line = torch.linspace(-1, 1, 16)
    blob = (-8 * (line[:, None] ** 2 + line[None, :] ** 2)).exp()[None, None]
    identity = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    moved = F.grid_sample(
        blob,
        F.affine_grid(identity + torch.tensor([[0, 0, 0.3], [0, 0, -0.2]]), blob.shape, False),
        align_corners=False,
    )
    shift = torch.zeros(1, 2, 1, requires_grad=True)
    optimizer = torch.optim.Adam([shift], lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        theta = torch.cat([identity[:, :, :2], shift], 2)
        F.mse_loss(F.grid_sample(moved, F.affine_grid(theta, blob.shape, False), align_corners=False), blob).backward()
        optimizer.step()
    assert torch.allclose(shift.flatten(), torch.tensor([-0.3, 0.2]), atol=0.02)


def test_large_images_take_the_compiled_way_to_the_same_numbers() -> None:
    x = normal(2, 3, 24, 31)
    for call in (
        lambda x: F.avg_pool2d(x, 3, 2, 1), lambda x: F.adaptive_avg_pool2d(x, (7, 5)),
        lambda x: F.interpolate(x, size=(30, 17), mode="bicubic"), lambda x: F.pad(x, (5, 4, 3, 2), "reflect"),
    ):  # fmt: skip
        apart = [call(x[n : n + 1, c : c + 1, :, :].contiguous()) for n in range(2) for c in range(3)]
        small = torch.cat(apart).reshape(2, 3, *apart[0].shape[2:])
        assert torch.allclose(call(x), small, rtol=1e-12, atol=1e-12)
        assert torch.allclose(call(x.mT.contiguous().mT), small, rtol=1e-12, atol=1e-12)  # not dense: the reference
