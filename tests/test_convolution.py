"""Convolution, its transpose, windows as columns, and the layers of them: against definitions and each other.

The laws (tests/test_laws.py) try each function against loops and finite differences; torch's numbers stand in
tests/oracle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import nn
from nanograd.errors import ShapeError

Array = np.ndarray[Any, Any]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


CONVS = [F.conv1d, F.conv2d, F.conv3d]
TRANSPOSES = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d]


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_transpose_is_the_adjoint(dims: int) -> None:
    """⟨x ⋆ W, y⟩ = ⟨x, y spread over W⟩ for every geometry."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        groups = int(rng.integers(1, 3))
        stride, dilation, padding = (tuple(int(v) for v in rng.integers(low, 3, dims)) for low in (1, 1, 0))
        w = normal(2 * groups, 2, *rng.integers(1, 4, dims), seed=1)
        x = normal(2, 2 * groups, *rng.integers(6, 9, dims), seed=2)
        y = CONVS[dims - 1](x, w, None, stride, padding, dilation, groups)
        g = normal(*y.shape, seed=3)
        usual = TRANSPOSES[dims - 1](g, w, None, stride, padding, 0, groups, dilation)
        more = tuple(n - m for n, m in zip(x.shape[2:], usual.shape[2:], strict=True))
        back = TRANSPOSES[dims - 1](g, w, None, stride, padding, more, groups, dilation) if any(more) else usual
        assert back.shape == x.shape
        assert float((y * g).sum()) == pytest.approx(float((x * back).sum()), rel=1e-9, abs=1e-9)


def test_a_convolution_is_a_matrix_product_with_the_columns() -> None:
    x, w = normal(2, 3, 7, 6), normal(4, 3, 3, 2, seed=1)
    columns = F.unfold(x, (3, 2), dilation=2, padding=1, stride=2)
    y = (w.reshape(4, -1) @ columns).reshape(2, 4, 3, 3)
    assert torch.allclose(y, F.conv2d(x, w, stride=2, padding=1, dilation=2))


def test_folding_counts_how_often_a_pixel_was_read() -> None:
    ones = torch.ones(1, 1, 5, 5)
    counts = F.fold(F.unfold(ones, 3), 5, 3)[0, 0]
    line = np.array([1, 2, 3, 2, 1])
    assert counts.tolist() == np.outer(line, line).tolist()


def test_a_signal_is_an_image_of_one_row_and_an_image_a_volume_of_one_plane() -> None:
    x, w = normal(2, 4, 3, 9), normal(6, 2, 1, 3, seed=1)
    given = {"groups": 2, "dilation": 2}
    rows = [F.conv1d(x[:, :, r], w[:, :, 0], **given) for r in range(3)]
    y = F.conv2d(x, w, **given)
    assert torch.allclose(torch.stack(rows, 2), y)
    assert torch.allclose(F.conv3d(x.unsqueeze(2), w.unsqueeze(2), **given).squeeze(2), y)


def test_groups_are_convolutions_side_by_side() -> None:
    x, w, b = normal(2, 6, 5, 5), normal(9, 2, 3, 3, seed=1), normal(9, seed=2)
    apart = [F.conv2d(x[:, 2 * g : 2 * g + 2], w[3 * g : 3 * g + 3], b[3 * g : 3 * g + 3]) for g in range(3)]
    assert torch.allclose(torch.cat(apart, 1), F.conv2d(x, w, b, groups=3))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_same_keeps_the_size_and_puts_the_odd_place_at_the_end(size: int) -> None:
    x, w = normal(1, 1, 6), normal(1, 1, size, seed=1)
    for dilation in (1, 2, 3):
        reach = dilation * (size - 1)
        expected = F.conv1d(F.pad(x, (reach // 2, reach - reach // 2)), w, dilation=dilation)
        assert torch.allclose(F.conv1d(x, w, padding="same", dilation=dilation), expected)


def test_one_sample_is_a_batch_of_one() -> None:
    for dims in (1, 2, 3):
        x, w, b = normal(2, *(5,) * dims), normal(3, 2, *(2,) * dims, seed=1), normal(3, seed=2)
        assert torch.equal(CONVS[dims - 1](x, w, b), CONVS[dims - 1](x.unsqueeze(0), w, b)[0])
        turned = w.transpose(0, 1)
        assert torch.equal(TRANSPOSES[dims - 1](x, turned, b), TRANSPOSES[dims - 1](x.unsqueeze(0), turned, b)[0])


def test_half_precision_adds_up_in_single() -> None:
    """4096 ones add up to 4096; a sum in float16 stops at 2048."""
    x, w = torch.ones(1, 4096, 1, dtype=torch.float16), torch.ones(1, 4096, 1, dtype=torch.float16)
    assert F.conv1d(x, w).item() == 4096
    assert F.avg_pool1d(torch.ones(1, 1, 4096, dtype=torch.float16), 4096).item() == 1


def test_a_zero_batch_flows_both_ways() -> None:
    layer = nn.Conv2d(2, 3, 3)
    x = torch.zeros(0, 2, 5, 5, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.shape == (0, 3, 3, 3)
    assert x.grad is not None
    assert x.grad.shape == x.shape
    assert layer.weight.grad is not None
    assert not layer.weight.grad.any()
    assert nn.ConvTranspose2d(2, 3, 3, stride=2)(x).shape == (0, 3, 11, 11)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_padding_modes_of_layers_continue_the_edges(dims: int, mode: str) -> None:
    make: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1]
    layer = make(2, 3, 3, padding=tuple(range(1, dims + 1)), padding_mode=mode).double()
    x = normal(1, 2, *(5,) * dims)
    edges = [(0, 0), (0, 0), *((p, p) for p in range(1, dims + 1))]
    padded: Any = np.pad(x.numpy(), edges, mode={"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode])
    assert torch.allclose(layer(x), CONVS[dims - 1](torch.from_numpy(padded), layer.weight, layer.bias))


def test_layers_refuse_sizes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"to have 1 channels, but got 3 channels instead.*in_channels must be 3"):
        nn.Conv2d(1, 6, 3)(torch.ones(1, 3, 8, 8))
    with pytest.raises(RuntimeError, match=r"Input type \(torch.float64\) and weight type \(torch.float32\)"):
        nn.Conv1d(1, 6, 3)(torch.ones(1, 1, 8, dtype=torch.float64))
    with pytest.raises(TypeError, match=r"Conv2d kernel_size: expected a single integer value or a list of 2 values"):
        nn.Conv2d(1, 1, (3, 3, 3))
    with pytest.raises(TypeError, match="Conv1d kernel_size: expected an integer"):
        nn.Conv1d(1, 1, "3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected padding as numbers"):
        nn.ConvTranspose1d(1, 1, 3, padding="same")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"nn.Conv2d is a layer.*nn.functional.conv2d"):
        nn.Conv2d(torch.ones(1, 1, 3, 3))  # type: ignore[call-arg]


NOT_TENSORS: dict[str, Any] = {
    "conv2d": lambda x: F.conv2d(x, torch.ones(1, 1, 2, 2)),
    "conv1d": lambda x: F.conv1d(torch.ones(1, 1, 2), x),
    "conv_transpose1d": lambda x: F.conv_transpose1d(torch.ones(1, 1, 2), torch.ones(1, 1, 2), x),
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "avg_pool1d": lambda x: F.avg_pool1d(x, 2),
    "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d(x, 2),
    "max_unpool2d": lambda x: F.max_unpool2d(torch.ones(1, 2, 2), x, 2),
    "unfold": lambda x: F.unfold(x, 2),
    "fold": lambda x: F.fold(x, 2, 2),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x, 2),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2),
    "interpolate": lambda x: F.interpolate(x, 2),
    "pad": lambda x: F.pad(x, (1, 1)),
    "grid_sample": lambda x: F.grid_sample(torch.ones(1, 1, 2, 2), x),
    "affine_grid": lambda x: F.affine_grid(x, (1, 1, 2, 2)),
}


@pytest.mark.parametrize("name", NOT_TENSORS)
def test_what_is_no_tensor_is_named(name: str) -> None:
    for x, kind in ((np.ones((1, 1, 2, 2)), "ndarray"), ([[1.0]], "list"), (2.5, "float")):
        with pytest.raises(TypeError, match=rf"^{name}: argument '\w+' must be Tensor, not {kind}"):
            NOT_TENSORS[name](x)


LAZY: list[tuple[Any, Any, tuple[int, ...]]] = [
    (nn.LazyConv1d, nn.Conv1d, (2, 4, 9)), (nn.LazyConv2d, nn.Conv2d, (2, 4, 5, 6)),
    (nn.LazyConv2d, nn.Conv2d, (4, 5, 6)),
    (nn.LazyConv3d, nn.Conv3d, (2, 4, 4, 4, 4)), (nn.LazyConvTranspose1d, nn.ConvTranspose1d, (2, 4, 9)),
    (nn.LazyConvTranspose2d, nn.ConvTranspose2d, (2, 4, 5, 6)),
    (nn.LazyConvTranspose3d, nn.ConvTranspose3d, (1, 4, 4, 4, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("lazy", "plain", "shape"), LAZY)
def test_lazy_layers_take_their_channels_from_the_input(lazy: Any, plain: Any, shape: tuple[int, ...]) -> None:
    layer = lazy(6, 3, stride=2, groups=2).eval()
    weight = layer.weight
    assert layer.has_uninitialized_params()
    assert repr(layer).startswith(f"{lazy.__name__}(0, 6")
    y = layer(torch.ones(*shape))
    twin = plain(4, 6, 3, stride=2, groups=2).eval()
    assert (type(layer), repr(layer), layer.training) == (plain, repr(twin), False)
    assert [p.shape for p in layer.parameters()] == [p.shape for p in twin.parameters()]
    assert layer.weight is weight
    assert 0.01 < float(layer.weight.detach().std()) < 0.3
    y.sum().backward()
    assert layer.weight.grad is not None
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin(torch.ones(*shape)), y)


def test_a_lazy_layer_loads_a_state_and_says_what_does_not_fit() -> None:
    layer, trained = nn.LazyConv2d(6, 3), nn.Conv2d(4, 6, 3)
    layer.load_state_dict(trained.state_dict())
    x = torch.ones(1, 4, 5, 5)
    assert torch.equal(layer(x), trained(x))
    assert layer.in_channels == 4
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to LazyConv2d"):
        nn.LazyConv2d(6, 3)(torch.ones(5, 5))
    with pytest.raises(ValueError, match="in_channels must be divisible by groups"):
        nn.LazyConv2d(6, 3, groups=2)(torch.ones(3, 5, 5))
    linear = nn.LazyLinear(2).eval()
    held = linear.weight
    linear(torch.ones(3, 5))
    assert linear.weight is held
    assert not linear.training


def test_a_transpose_undoes_the_sizes_of_a_convolution() -> None:
    for size in range(5, 12):
        x = torch.ones(1, 2, size, size + 1)
        y = nn.Conv2d(2, 3, 3, stride=2, padding=1)(x)
        back = nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1)
        assert back(y, output_size=x.size()).shape == x.shape
        assert back(y, x.shape[2:]).shape == x.shape
    with pytest.raises(ValueError, match=r"requested an output size of \(14, 12\), but valid sizes range from"):
        nn.ConvTranspose2d(2, 3, 3, stride=2)(torch.ones(1, 2, 5, 5), output_size=(14, 12))


def test_a_convolution_learns_a_filter() -> None:
    """Sobel's filter is found from examples of what it gives."""
    torch.manual_seed(0)
    sobel = torch.tensor([[[[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]]])
    x = torch.randn(16, 1, 10, 10)
    layer = nn.Conv2d(1, 1, 3, bias=False)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        F.mse_loss(layer(x), F.conv2d(x, sobel)).backward()
        optimizer.step()
    assert torch.allclose(layer.weight, sobel, atol=1e-3)
