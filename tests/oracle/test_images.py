"""Padding, resizing, windows as columns, grids, and all their modules beside torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import nanograd as ng

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Array = np.ndarray[Any, Any]
Call = Callable[..., Any]


def traced(m: Any, call: Call, arrays: Sequence[Array], orders: int) -> list[Array | None]:
    """The result, gradients of a random weight of it, and gradients of a random weight of those."""
    xs = [m.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    y = call(m, *xs)
    found, above = [y], [y] if y.requires_grad else []
    for order in range(orders if above else 0):
        rng = np.random.default_rng(order)
        weights = [m.tensor(rng.standard_normal(tuple(t.shape)), dtype=t.dtype) for t in above]
        grads = m.autograd.grad(above, xs, weights, create_graph=order + 1 < orders, allow_unused=True)
        found += grads
        above = [g for g in grads if g is not None and g.requires_grad]
        if not above:
            break
    return [None if t is None else t.detach().numpy() for t in found]


def compare(call: Call, arrays: Sequence[Array], what: str, orders: int = 2, rtol: float = 1e-9) -> None:
    theirs, ours = traced(torch, call, arrays, orders), traced(ng, call, arrays, orders)
    for i in range(max(len(theirs), len(ours))):
        a, b = (found[i] if i < len(found) else None for found in (theirs, ours))
        if a is None or b is None:  # no gradient and a gradient of zeros are the same
            assert all(t is None or not t.any() for t in (a, b)), f"{what}: {i}"
            continue
        assert a.shape == b.shape, f"{what}: {i}: torch {a.shape}, nanograd {b.shape}"
        assert a.dtype == b.dtype, f"{what}: {i}: torch {a.dtype}, nanograd {b.dtype}"
        np.testing.assert_allclose(b, a, rtol, rtol, err_msg=f"{what}: {i}")


def normal(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def f(m: Any) -> Any:
    return m.nn.functional


# Padding


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_pad(dims: int, mode: str) -> None:
    for seed in range(15):
        rng = np.random.default_rng(seed)
        shape = (2, 3, *(int(v) for v in rng.integers(4, 7, dims)))
        x = normal(*shape[seed % 3 == 0 :])
        low = -2 if seed % 2 else 0
        pad = [int(v) for v in rng.integers(low, 4, 2 * dims)]
        value = {"value": 1.5} if mode == "constant" and seed % 2 else {}
        compare(lambda m, t: f(m).pad(t, pad, mode, **value), [x], f"pad {x.shape} {pad} {mode}")  # noqa: B023
        if mode != "circular":
            whole = rng.integers(0, 9, x.shape).astype(np.uint8)
            compare(lambda m, t: f(m).pad(t, pad, mode), [whole], f"pad {x.shape} {pad} {mode}")  # noqa: B023


def test_pad_of_any_dimensions() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = normal(*rng.integers(1, 5, rng.integers(1, 6)))
        pad = [int(v) for v in rng.integers(0, 3, 2 * rng.integers(0, x.ndim + 1))]
        compare(lambda m, t: f(m).pad(t, pad, value=2.0), [x], f"pad {x.shape} {pad}")  # noqa: B023


# Another size


MODES = {
    1: ["nearest", "nearest-exact", "linear", "area"],
    2: ["nearest", "nearest-exact", "bilinear", "bicubic", "area"],
    3: ["nearest", "nearest-exact", "trilinear", "area"],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("dims", "mode"), [(d, m) for d, modes in MODES.items() for m in modes])
def test_interpolate(dims: int, mode: str, dtype: Any) -> None:
    for seed in range(16):
        rng = np.random.default_rng(seed)
        x = normal(1, 2, *rng.integers(1, 9, dims), dtype=dtype, seed=seed)
        given: dict[str, Any] = {}
        if seed % 2:
            given["size"] = tuple(int(v) for v in rng.integers(1, 14, dims))
        else:
            given["scale_factor"] = tuple(float(v) for v in rng.uniform(1, 3, dims)) if seed % 4 else 2
            given["recompute_scale_factor"] = bool(rng.random() < 0.5)
        if mode.endswith(("linear", "cubic")):
            given["align_corners"] = [None, True, False][seed % 3]
        tolerance = 2e-5 if dtype == np.float32 else 1e-9
        call = lambda m, t: f(m).interpolate(t, mode=mode, **given)  # noqa: B023, E731
        # torch's gradient of "nearest" is that of another map where a scale leaves a size as it is
        orders = 0 if mode.startswith("nearest") and "scale_factor" in given else 2
        compare(call, [x], f"interpolate {x.shape} {mode} {given}", orders, tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_interpolate_antialiased(mode: str, dtype: Any) -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = normal(1, 2, *rng.integers(3, 20, 2), dtype=dtype, seed=seed)
        given: dict[str, Any] = {"size": tuple(int(v) for v in rng.integers(2, 14, 2))}
        if seed % 3 == 0:
            given = {"scale_factor": (0.4, 1.7)}
        if mode != "lanczos":
            given["align_corners"] = bool(seed % 2)
        tolerance = 3e-5 if dtype == np.float32 else 1e-9
        call = lambda m, t: f(m).interpolate(t, mode=mode, antialias=True, **given)  # noqa: B023, E731
        compare(call, [x], f"interpolate {x.shape} {mode} {given}", rtol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_which_pixel_is_the_nearest(mode: str, dtype: Any) -> None:
    """Rounding decides at the border of two pixels: every pair of sizes, and scales with fractions."""
    for have in range(1, 40):
        x = np.arange(have, dtype=dtype)[None, None]
        for want in range(1, 60, 3):
            compare(lambda m, t: f(m).interpolate(t, size=want, mode=mode), [x], f"{have} -> {want}", 0)  # noqa: B023
        for scale in (0.7, 1.05, 1.1, 1.5, 2.3):
            if have * scale >= 1:
                compare(lambda m, t: f(m).interpolate(t, scale_factor=scale, mode=mode), [x], f"{have} {scale}", 0)  # noqa: B023


# Columns, pixels, channels


def test_unfold_and_fold() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        size, stride, pad, gap = (
            tuple(int(v) for v in rng.integers(low, high, 2)) for low, high in ((1, 4), (1, 3), (0, 2), (1, 3))
        )
        given = dict(kernel_size=size, stride=stride, padding=pad, dilation=gap)
        x = normal(2, 3, *rng.integers(6, 9, 2))[seed % 4 == 0 :]
        x = x[0] if seed % 4 == 0 else x
        compare(lambda m, t: f(m).unfold(t, **given), [x], f"unfold {x.shape} {given}")  # noqa: B023
        columns = f(torch).unfold(torch.tensor(x), **given).numpy()
        compare(lambda m, t: f(m).fold(t, x.shape[-2:], **given), [columns], f"fold {x.shape} {given}")  # noqa: B023


def test_pixels_and_channels() -> None:
    for shape in ((2, 8, 3, 2), (4, 2, 5), (2, 3, 4, 2, 2)):
        compare(lambda m, t: f(m).pixel_shuffle(t, 2), [normal(*shape)], f"pixel_shuffle {shape}")
    for shape in ((2, 3, 4, 6), (1, 4, 2), (2, 3, 1, 2, 2)):
        compare(lambda m, t: f(m).pixel_unshuffle(t, 2), [normal(*shape)], f"pixel_unshuffle {shape}")
    for shape, groups in (((2, 6, 3, 2), 3), ((1, 4, 2), 2)):
        compare(lambda m, t: f(m).channel_shuffle(t, groups), [normal(*shape)], f"channel_shuffle {shape}")  # noqa: B023


# Grids


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample(mode: str, padding_mode: str) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        dims = 3 if seed % 4 == 3 and mode != "bicubic" else 2
        x = normal(2, 3, *rng.integers(1 if seed == 5 else 3, 6, dims))
        grid = rng.uniform(-2.5, 2.5, (2, *(int(v) for v in rng.integers(1, 4, dims)), dims))
        corners = [None, True, False][seed % 3]
        call = lambda m, *ts: f(m).grid_sample(*ts, mode, padding_mode, corners)  # noqa: B023, E731
        compare(call, [x, grid], f"grid_sample {x.shape} {mode} {padding_mode} {corners}", orders=1)


def test_grid_sample_at_pixels_edges_and_far_outside() -> None:
    x = normal(1, 2, 4, 5)
    lines = np.array([-1e4, -1.6, -1.0, -0.6, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 1e4])
    grid = np.stack(np.meshgrid(lines, lines), -1)[None]
    for mode in ("bilinear", "nearest"):
        for padding_mode in ("zeros", "border"):
            call = lambda m, *ts: f(m).grid_sample(*ts, mode, padding_mode, False)  # noqa: B023, E731
            compare(call, [x, grid], f"{mode} {padding_mode}", orders=0)


def test_affine_grid() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        dims = 2 + seed % 2
        size = (2, 3, *(int(v) for v in rng.integers(1, 5, dims)))
        theta = normal(2, dims, dims + 1, seed=seed)
        compare(lambda m, t: f(m).affine_grid(t, size, bool(seed % 3)), [theta], f"affine_grid {size}")  # noqa: B023


# Names, refusals


def ones(m: Any, *shape: int) -> Any:
    return m.ones(*shape, requires_grad=True)


def printed(y: Any) -> str:
    """The name of the node as the printed tensor has it."""
    return re.findall(r"grad_fn=<(\w+)>", repr(y))[0]


def test_nodes_have_torchs_names() -> None:
    calls: list[Call] = [
        lambda m: f(m).unfold(ones(m, 1, 2, 5, 5), 2), lambda m: f(m).unfold(ones(m, 2, 5, 5), 2),
        lambda m: f(m).fold(ones(m, 1, 8, 16), 5, 2), lambda m: f(m).fold(ones(m, 8, 16), 5, 2),
        lambda m: f(m).pixel_shuffle(ones(m, 1, 4, 2, 2), 2), lambda m: f(m).pixel_unshuffle(ones(m, 1, 1, 4, 4), 2),
        lambda m: f(m).channel_shuffle(ones(m, 1, 4, 2, 2), 2),
        lambda m: f(m).grid_sample(ones(m, 1, 2, 4, 4), ones(m, 1, 3, 3, 2)),
        lambda m: f(m).grid_sample(ones(m, 1, 2, 4, 4, 4), ones(m, 1, 3, 3, 3, 3)),
        lambda m: f(m).affine_grid(ones(m, 1, 2, 3), (1, 1, 3, 3)),
    ]  # fmt: skip
    for d, modes in MODES.items():
        shape = (1, 2) + (6,) * d
        calls += [
            lambda m, s=shape, mode=mode: f(m).interpolate(ones(m, *s), scale_factor=2, mode=mode) for mode in modes
        ]
        for mode in ("constant", "reflect", "replicate", "circular"):
            calls.append(lambda m, s=shape, d=d, mode=mode: f(m).pad(ones(m, *s), (1, 1) * d, mode))
    for mode in ("bilinear", "bicubic", "lanczos"):
        calls.append(lambda m, mode=mode: f(m).interpolate(ones(m, 1, 1, 4, 4), size=2, mode=mode, antialias=True))
    for number, call in enumerate(calls):
        assert printed(call(ng)) == printed(call(torch)), number


REFUSED: dict[str, Call] = {
    "pad odd": lambda m: f(m).pad(ones(m, 4), (1,)),
    "pad too many": lambda m: f(m).pad(ones(m, 4), (1, 1, 1, 1)),
    "pad cut away": lambda m: f(m).pad(ones(m, 4), (-3, -3)),
    "pad mode": lambda m: f(m).pad(ones(m, 1, 4), (1, 1), "mirror"),
    "pad value": lambda m: f(m).pad(ones(m, 1, 4), (1, 1), "reflect", 1.0),
    "pad a vector": lambda m: f(m).pad(ones(m, 4), (1, 1), "reflect"),
    "pad an image by two": lambda m: f(m).pad(ones(m, 1, 1, 4, 4), (1, 1), "replicate"),
    "reflect too far": lambda m: f(m).pad(ones(m, 1, 4, 4), (1, 1, 4, 1), "reflect"),
    "wrap twice": lambda m: f(m).pad(ones(m, 1, 4), (5, 1), "circular"),
    "replicate to nothing": lambda m: f(m).pad(ones(m, 1, 4), (-2, -2), "replicate"),
    "reflect nothing": lambda m: f(m).pad(ones(m, 1, 0), (1, 1), "reflect"),
    "pad with what does not fit": lambda m: f(m).pad(m.ones(3, dtype=m.uint8), (1, 1), value=300),
    "size and scale": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4), size=3, scale_factor=2),
    "neither size nor scale": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4)),
    "too few sizes": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4), size=(3,)),
    "mode": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4), size=3, mode="cubic"),
    "mode of other dimensions": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4), size=3, mode="linear"),
    "no batch": lambda m: f(m).interpolate(ones(m, 4, 4), size=3),
    "corners": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4), size=3, align_corners=True),
    "recomputed": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4), size=3, recompute_scale_factor=True),
    "antialias": lambda m: f(m).interpolate(ones(m, 1, 1, 4), size=3, mode="linear", antialias=True),
    "no size": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4), size=0),
    "scale too small": lambda m: f(m).interpolate(ones(m, 1, 1, 4, 4), scale_factor=0.1, mode="bilinear"),
    "unfold too large": lambda m: f(m).unfold(ones(m, 1, 1, 2, 2), 3),
    "fold channels": lambda m: f(m).fold(ones(m, 1, 7, 16), (5, 5), 2),
    "fold columns": lambda m: f(m).fold(ones(m, 1, 8, 15), (5, 5), 2),
    "pixel shuffle": lambda m: f(m).pixel_shuffle(ones(m, 1, 3, 2, 2), 2),
    "pixel shuffle by nothing": lambda m: f(m).pixel_shuffle(ones(m, 1, 4, 2, 2), 0),
    "pixel shuffle of a matrix": lambda m: f(m).pixel_shuffle(ones(m, 2, 2), 2),
    "pixel unshuffle": lambda m: f(m).pixel_unshuffle(ones(m, 1, 1, 3, 4), 2),
    "channel shuffle": lambda m: f(m).channel_shuffle(ones(m, 1, 3, 2, 2), 2),
    "grid mode": lambda m: f(m).grid_sample(ones(m, 1, 1, 4, 4), ones(m, 1, 2, 2, 2), mode="linear"),
    "grid padding": lambda m: f(m).grid_sample(ones(m, 1, 1, 4, 4), ones(m, 1, 2, 2, 2), padding_mode="edge"),
    "grid batch": lambda m: f(m).grid_sample(ones(m, 2, 1, 4, 4), ones(m, 1, 2, 2, 2)),
    "grid coordinates": lambda m: f(m).grid_sample(ones(m, 1, 1, 4, 4), ones(m, 1, 2, 2, 3)),
    "grid bicubic volume": lambda m: f(m).grid_sample(ones(m, 1, 1, 4, 4, 4), ones(m, 1, 2, 2, 2, 3), mode="bicubic"),
    "theta": lambda m: f(m).affine_grid(ones(m, 2, 3), (1, 1, 2, 2)),
    "affine size": lambda m: f(m).affine_grid(ones(m, 1, 2, 3), (1, 2, 2)),
    "in_channels and groups": lambda m: m.nn.Conv1d(3, 4, 1, groups=2),
    "padding of a transpose": lambda m: m.nn.ConvTranspose2d(3, 4, 1, padding_mode="reflect"),
    "output_size": lambda m: m.nn.ConvTranspose2d(2, 3, 3, stride=2)(ones(m, 1, 2, 5, 5), output_size=(14, 12)),
    "output_size of one": lambda m: m.nn.ConvTranspose2d(2, 3, 3, stride=2)(ones(m, 1, 2, 5, 5), output_size=(12,)),
    "lazy dimensions": lambda m: m.nn.LazyConv2d(4, 3)(ones(m, 5, 5)),
}  # fmt: skip
FREE = re.compile(r"[\w.]+\(\):? |[\[\](){}'\"]|torch.Size")


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_refuses_is_refused_with_its_words(name: str) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        REFUSED[name](torch)
    with pytest.raises(type(theirs.value)) as ours:
        REFUSED[name](ng)
    first = re.split(r", but got|: \[|\. |; |\n|, plus|type uint8_t| \(got| of size: ", str(theirs.value))[0]
    said, wanted = (FREE.sub("", s) for s in (str(ours.value), first))
    assert wanted.rstrip(".") in said, f"torch: {theirs.value}\nnanograd: {ours.value}"


# Modules


MODULES: list[tuple[Call, tuple[int, ...]]] = [
    (lambda nn: nn.Conv1d(3, 4, 3), (2, 3, 9)),
    (lambda nn: nn.Conv1d(3, 4, 3, padding=2, padding_mode="reflect", dilation=2), (3, 9)),
    (lambda nn: nn.Conv2d(3, 4, 2, padding="same"), (2, 3, 5, 6)),
    (lambda nn: nn.Conv2d(3, 4, (2, 3), padding="same", padding_mode="replicate"), (2, 3, 5, 6)),
    (lambda nn: nn.Conv3d(2, 4, (1, 2, 3), stride=(1, 2, 1), groups=2, bias=False), (2, 2, 4, 5, 6)),
    (lambda nn: nn.Conv3d(2, 4, 3, padding=(1, 0, 1), padding_mode="circular"), (2, 2, 4, 5, 6)),
    (lambda nn: nn.ConvTranspose1d(3, 4, 3, stride=2, output_padding=1), (2, 3, 5)),
    (lambda nn: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), (2, 4, 5, 4)),
    (lambda nn: nn.ConvTranspose2d(3, 4, 4, 2, 1, bias=False), (3, 4, 4)),
    (lambda nn: nn.ConvTranspose3d(2, 2, (1, 2, 3), dilation=2, padding=1, groups=2), (1, 2, 4, 4, 4)),
    (lambda nn: nn.MaxPool1d(2), (2, 3, 7)),
    (lambda nn: nn.MaxPool1d(3, 2, 1, 1, ceil_mode=True), (3, 8)),
    (lambda nn: nn.MaxPool3d((1, 2, 3)), (2, 3, 4, 5, 6)),
    (lambda nn: nn.AvgPool1d(3, 2, 1, count_include_pad=False), (2, 3, 7)),
    (lambda nn: nn.AvgPool2d(2), (2, 3, 6, 7)),
    (lambda nn: nn.AvgPool2d((3, 2), ceil_mode=True, divisor_override=5), (2, 3, 6, 7)),
    (lambda nn: nn.AvgPool3d((1, 2, 2), padding=(0, 1, 1)), (2, 3, 4, 5, 6)),
    (lambda nn: nn.LPPool1d(2, 3), (2, 3, 9)),
    (lambda nn: nn.LPPool2d(3.0, (3, 2), ceil_mode=True), (2, 3, 7, 8)),
    (lambda nn: nn.LPPool3d(2, 2), (1, 2, 4, 4, 4)),
    (lambda nn: nn.AdaptiveAvgPool1d(3), (2, 3, 8)),
    (lambda nn: nn.AdaptiveAvgPool2d((None, 3)), (2, 3, 8, 7)),
    (lambda nn: nn.AdaptiveAvgPool2d(1), (2, 3, 8, 7)),
    (lambda nn: nn.AdaptiveAvgPool3d((2, 1, 3)), (2, 3, 4, 5, 6)),
    (lambda nn: nn.AdaptiveMaxPool1d(3), (2, 3, 8)),
    (lambda nn: nn.AdaptiveMaxPool2d((2, 3)), (2, 3, 8, 7)),
    (lambda nn: nn.AdaptiveMaxPool3d(2), (2, 3, 4, 5, 6)),
    (lambda nn: nn.Sequential(nn.ZeroPad1d((1, 2)), nn.ConstantPad1d(1, 0.5)), (2, 3, 4)),
    (lambda nn: nn.Sequential(nn.ZeroPad2d(1), nn.ConstantPad2d((1, 0, 2, 1), 3.5)), (2, 3, 4, 5)),
    (lambda nn: nn.Sequential(nn.ZeroPad3d(1), nn.ConstantPad3d(1, 2)), (2, 3, 4, 5, 3)),
    (lambda nn: nn.Sequential(nn.ReflectionPad1d(1), nn.ReplicationPad1d((0, 2)), nn.CircularPad1d(2)), (2, 3, 4)),
    (lambda nn: nn.Sequential(nn.ReflectionPad2d((1, 0, 2, 1)), nn.ReplicationPad2d(1)), (2, 3, 4, 5)),
    (lambda nn: nn.CircularPad2d(2), (2, 3, 4, 5)),
    (lambda nn: nn.Sequential(nn.ReflectionPad3d(1), nn.ReplicationPad3d(1), nn.CircularPad3d(2)), (1, 2, 3, 4, 3)),
    (lambda nn: nn.Sequential(nn.Unfold(2, padding=1), nn.Fold((4, 5), 2, padding=1)), (2, 3, 4, 5)),
    (lambda nn: nn.Sequential(nn.PixelShuffle(2), nn.PixelUnshuffle(3), nn.ChannelShuffle(2)), (2, 8, 3, 6)),
    (lambda nn: nn.Upsample(scale_factor=2), (2, 3, 4, 5)),
    (lambda nn: nn.Upsample((3, 4), mode="bilinear", align_corners=True), (2, 3, 4, 5)),
    (lambda nn: nn.Upsample(scale_factor=(2, 1.5), mode="bicubic"), (2, 3, 4, 5)),
    (lambda nn: nn.UpsamplingNearest2d(scale_factor=2), (2, 3, 4, 5)),
    (lambda nn: nn.UpsamplingBilinear2d(size=3), (2, 3, 4, 5)),
    (lambda nn: nn.Sequential(nn.LazyConv1d(3, 3), nn.LazyConvTranspose1d(2, 3, stride=2)), (2, 3, 9)),
    (lambda nn: nn.LazyConv2d(4, 3, groups=2, padding=1), (2, 4, 5, 5)),
    (lambda nn: nn.LazyConvTranspose2d(2, 2, bias=False), (2, 4, 5, 5)),
    (lambda nn: nn.Sequential(nn.LazyConv3d(3, 2), nn.LazyConvTranspose3d(2, 2)), (2, 3, 4, 4, 4)),
]  # fmt: skip


def copied(a: Any, b: Any, numpy: Call) -> None:
    """The state of module ``a`` into module ``b`` of the other library."""
    b.load_state_dict({name: numpy(value.detach().numpy().copy()) for name, value in a.state_dict().items()})


@pytest.mark.parametrize("number", range(len(MODULES)))
def test_modules(number: int) -> None:
    make, shape = MODULES[number]
    theirs, ours = make(torch.nn), make(ng.nn)
    assert repr(ours) == repr(theirs)
    x = normal(*shape, dtype=np.float32)
    theirs(torch.tensor(x)), ours(ng.tensor(x))
    assert repr(ours) == repr(theirs)
    states = [[(n, tuple(t.shape)) for n, t in m.state_dict().items()] for m in (theirs, ours)]
    assert states[0] == states[1]
    copied(ours, theirs, torch.from_numpy)  # and there
    copied(theirs, ours, ng.from_numpy)  # and back
    found = []
    for m, module in ((torch, theirs), (ng, ours)):
        t = m.tensor(x, requires_grad=True)
        y = module(t)
        y.backward(m.tensor(normal(*y.shape, dtype=np.float32)))
        found.append([y.detach().numpy(), t.grad.numpy(), *(p.grad.numpy() for p in module.parameters())])
    for a, b in zip(*found, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, 1e-4, 1e-5)


def test_a_transpose_of_the_size_asked_for() -> None:
    for size in ((11, 12), (12, 11), (1, 3, 12, 12)):
        shapes = [
            m.nn.ConvTranspose2d(2, 3, 3, stride=2)(m.ones(1, 2, 5, 5), output_size=size).shape for m in (torch, ng)
        ]
        assert tuple(shapes[0]) == tuple(shapes[1])


def test_initial_weights_have_torchs_spread() -> None:
    for make in (lambda nn: nn.Conv2d(16, 32, 5, groups=2), lambda nn: nn.ConvTranspose2d(16, 32, 5)):
        theirs, ours = make(torch.nn), make(ng.nn)
        for a, b in zip(theirs.parameters(), ours.parameters(), strict=True):
            few = a.numel() < 100
            for measure in (lambda p: p.abs().max(), lambda p: p.std()):
                assert float(measure(a)) == pytest.approx(float(measure(b)), rel=0.5 if few else 0.05)
