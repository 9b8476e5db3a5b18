"""Normalization and dropout against their formulas: running statistics, groups, neighbors, chance; refusals."""

import copy
import math
import re

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn
from nanograd.nn import functional as F


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def double(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape) * 2 + 1)


def standard(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def close(y, expected):
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-9, atol=1e-9)


# Over a batch


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d, (8, 3)),
        (nn.BatchNorm1d, (8, 3, 5)),
        (nn.BatchNorm2d, (4, 3, 5, 2)),
        (nn.BatchNorm3d, (4, 3, 2, 2, 2)),
    ],
)
@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_batch_norm_uses_the_batch_and_remembers(layer, shape, momentum):
    norm = layer(3, momentum=momentum).double()
    mean, variance = np.zeros(3), np.ones(3)
    axes = (0, *range(2, len(shape)))
    for step in range(3):
        x = double(*shape, seed=step)
        close(norm(x), standard(x.numpy(), axes))
        share = 1 / (step + 1) if momentum is None else momentum
        mean = (1 - share) * mean + share * x.numpy().mean(axes)
        variance = (1 - share) * variance + share * x.numpy().var(axes, ddof=1)
    close(norm.running_mean, mean)
    close(norm.running_var, variance)
    assert norm.num_batches_tracked.item() == 3
    norm.eval()
    column = (3,) + (1,) * (len(shape) - 2)
    x = double(*shape, seed=9)
    close(norm(x), (x.numpy() - mean.reshape(column)) / np.sqrt(variance.reshape(column) + 1e-5))
    assert norm.num_batches_tracked.item() == 3
    norm.reset_running_stats()
    assert norm.running_var.tolist() == [1, 1, 1]
    assert norm.num_batches_tracked.item() == 0


def test_without_running_statistics_evaluation_uses_the_batch_too():
    norm = nn.BatchNorm1d(3, track_running_stats=False).double().eval()
    x = double(8, 3)
    close(norm(x), standard(x.numpy(), (0,)))
    assert list(norm.state_dict()) == ["weight", "bias"]


def test_the_statistics_carry_no_gradient_and_survive_a_backward():
    norm = nn.BatchNorm1d(3)
    for _ in range(3):
        norm(torch.randn(4, 3, requires_grad=True)).sum().backward()
    assert not norm.running_mean.requires_grad
    twin = copy.deepcopy(norm)
    twin(torch.randn(4, 3))
    assert twin.num_batches_tracked.item() == norm.num_batches_tracked.item() + 1


def test_a_state_of_old_times_has_no_count_of_batches():
    state = nn.BatchNorm1d(3).state_dict()
    del state["num_batches_tracked"]
    norm = nn.Sequential(nn.BatchNorm1d(3))
    assert not norm.load_state_dict({f"0.{n}": t for n, t in state.items()}).missing_keys
    with pytest.raises(RuntimeError, match="running_mean"):
        norm.load_state_dict({"0.weight": torch.ones(3), "0.bias": torch.ones(3)})


def test_instance_norm_treats_every_sample_alone():
    norm = nn.InstanceNorm1d(3, affine=True, track_running_stats=True, momentum=0.5).double()
    x = double(4, 3, 6)
    close(norm(x), standard(x.numpy(), (2,)))
    close(norm.running_mean, 0.5 * x.numpy().mean(2).mean(0))
    close(norm.running_var, 0.5 + 0.5 * x.numpy().var(2, ddof=1).mean(0))
    close(norm.eval()(x[0]), norm(x)[0].detach().numpy())


def test_lazy_batch_norm_takes_its_channels_from_the_first_input():
    norm = nn.LazyBatchNorm2d(eps=0.1, momentum=None)
    norm(torch.ones(2, 5, 3, 3))
    assert type(norm) is nn.BatchNorm2d
    assert repr(norm) == "BatchNorm2d(5, eps=0.1, momentum=None, affine=True, bias=True, track_running_stats=True)"
    other = nn.LazyBatchNorm1d()
    other.load_state_dict(nn.BatchNorm1d(4).state_dict())
    assert other(torch.randn(3, 4)).shape == (3, 4)
    with pytest.raises(ValueError, match="expected 2D or 3D input"):
        nn.LazyBatchNorm1d()(torch.ones(1, 2, 3, 4))


# Over each sample


def test_layer_norm_group_norm_and_rms_norm():
    x = double(4, 6, 5)
    close(nn.LayerNorm((6, 5)).double()(x), standard(x.numpy(), (1, 2)))
    grouped = x.numpy().reshape(4, 3, 10)
    close(nn.GroupNorm(3, 6).double()(x), standard(grouped, (2,)).reshape(4, 6, 5))
    root = np.sqrt((x.numpy() ** 2).mean(2, keepdims=True) + 0.5)
    close(nn.RMSNorm(5, eps=0.5).double()(x), x.numpy() / root)
    norm = nn.LayerNorm(5).double()
    with torch.no_grad():
        norm.weight.copy_(torch.arange(5))
        norm.bias.fill_(2)
    close(norm(x), standard(x.numpy(), (2,)) * np.arange(5) + 2)
    norm.reset_parameters()
    close(norm(x), standard(x.numpy(), (2,)))


def test_response_norm_counts_neighbors_and_zeros_outside():
    x, size = double(2, 5, 3), 3
    expected = np.empty(x.shape)
    for c in range(5):
        near = x.numpy()[:, max(c - 1, 0) : c + 2]
        expected[:, c] = x.numpy()[:, c] / (2 + 0.5 * (near**2).sum(1) / size) ** 0.75
    close(nn.LocalResponseNorm(size, alpha=0.5, k=2.0)(x), expected)


def test_half_precision_is_computed_in_single():
    x = (torch.randn(4, 64) * 200).half()  # their squares overflow float16
    for layer in (nn.LayerNorm(64).half(), nn.RMSNorm(64).half(), nn.GroupNorm(1, 64).half()):
        y = layer(x)
        assert y.dtype is torch.float16
        assert bool(y.isfinite().all())


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (
            lambda: nn.BatchNorm1d(3)(torch.ones(1, 3)),
            ValueError,
            "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])",
        ),
        (lambda: nn.BatchNorm2d(3)(torch.ones(2, 3)), ValueError, "expected 4D input (got 2D input"),
        (lambda: nn.BatchNorm1d(3)(torch.ones(2, 4)), RuntimeError, "running_mean should contain 4 elements not 3"),
        (lambda: nn.InstanceNorm1d(3)(torch.ones(2, 3, 1)), ValueError, "Expected more than 1 spatial element"),
        (lambda: nn.GroupNorm(2, 3), ValueError, "num_channels (3) must be divisible by num_groups (2)"),
        (
            lambda: nn.LayerNorm(3)(torch.ones(2, 4)),
            RuntimeError,
            "expected input with shape [*, 3], but got input of size[2, 4]",
        ),
        (lambda: nn.BatchNorm1d(torch.ones(2, 3)), TypeError, "nn.BatchNorm1d is a layer: make it once"),
        (lambda: nn.LayerNorm(torch.ones(2, 3)), TypeError, "nn.LayerNorm is a layer: make it once"),
        (lambda: nn.Dropout2d(torch.ones(2, 3)), TypeError, "nn.Dropout2d is a layer: make it once"),
        (lambda: nn.Dropout(1.5), ValueError, "dropout probability has to be between 0 and 1, but got 1.5"),
        (
            lambda: F.dropout1d(torch.ones(2)),
            RuntimeError,
            "dropout1d: Expected 2D or 3D input, but received a 1D input",
        ),
    ],
)
def test_wrong_uses_are_refused(act, error, words):
    with pytest.raises(error, match=re.escape(words)):
        act()


# Chance


CHANNELS = {"dropout1d": (50, 40, 6), "dropout2d": (50, 40, 3, 2), "dropout3d": (50, 40, 2, 1, 3)}


@pytest.mark.parametrize("name", CHANNELS)
def test_whole_channels_are_dropped(name):
    y = getattr(F, name)(torch.ones(CHANNELS[name]), 0.3).numpy().reshape(2000, 6)
    assert set(np.unique(y)) <= {0, np.float32(1 / 0.7)}
    assert (y == y[:, :1]).all()
    assert abs((y[:, 0] == 0).mean() - 0.3) < 4 * math.sqrt(0.21 / 2000)
    by_channel = y[:, 0].reshape(50, 40)
    assert by_channel[0].max() > by_channel[0].min()  # the channels of a sample differ
    assert by_channel[:, 0].max() > by_channel[:, 0].min()  # the samples of a channel differ


def test_one_sample_without_a_batch():
    for act, shape in ((F.dropout1d, (40, 6)), (F.dropout3d, (40, 2, 3, 1))):
        y = act(torch.ones(shape), 0.5)
        assert y.shape == shape
        flat = y.numpy().reshape(40, 6)
        assert (flat == flat[:, :1]).all()
    with pytest.warns(UserWarning, match=r"Please use dropout1d instead"):
        F.dropout2d(torch.ones(2, 3, 4))
    with pytest.warns(UserWarning, match="Received a 2-D input to dropout2d, which is deprecated"):
        F.dropout2d(torch.ones(2, 3))


def test_alpha_dropout_keeps_mean_and_variance():
    x = torch.randn(100_000)
    y = nn.AlphaDropout(0.2)(x)
    assert abs(y.mean().item()) < 0.02
    assert abs(y.var().item() - 1) < 0.03
    channels = nn.FeatureAlphaDropout(0.5)(torch.randn(500, 40, 2))
    alpha = 1.7580993408473766  # minus the least value of SELU
    expected = -alpha * 0.5 / math.sqrt(0.5 * (1 + 0.5 * alpha**2))
    dropped = np.abs(channels.numpy() - expected) < 1e-6
    assert (dropped[..., 0] == dropped[..., 1]).all()
    assert abs(dropped.mean() - 0.5) < 0.02
    assert nn.AlphaDropout().eval()(x) is x


@pytest.mark.parametrize("make", [nn.Dropout, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_dropping_in_place(make):
    x = torch.randn(4, 3, 2, 2)
    before = x.clone()
    assert make(0.5, inplace=True)(x) is x
    assert not torch.equal(x, before)
    h = before.requires_grad_() * 1
    torch.manual_seed(1)
    y = make(0.5, inplace=True)(h)
    y.sum().backward()
    torch.manual_seed(1)
    (g,) = torch.autograd.grad(make(0.5)(other := before.detach().requires_grad_()).sum(), other)
    assert torch.equal(before.grad, g)


def test_what_is_dropped_gets_no_gradient():
    x = torch.randn(1000, requires_grad=True)
    y = F.dropout(x, 0.4)
    y.sum().backward()
    assert torch.equal(x.grad == 0, y == 0)
