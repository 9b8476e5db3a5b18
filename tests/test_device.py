"""A device whose arrays are not ndarrays and that counts its kernels: what runs here runs on any device.

No formula, module or optimizer may touch NumPy: NumPy refuses these arrays.
"""

from collections import Counter
from typing import ClassVar

import numpy as np
import pytest

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import devices, nn
from nanograd.errors import DeviceError
from nanograd.kernels.kernel import KERNELS


class Counted:
    """An array of the counting device: NumPy's attributes, and nothing that NumPy could compute with."""

    __array_ufunc__ = None
    calls: ClassVar[Counter] = Counter()

    def __init__(self, inner):
        assert type(inner) is np.ndarray
        self._inner = inner

    shape = property(lambda self: self._inner.shape)
    ndim = property(lambda self: self._inner.ndim)
    size = property(lambda self: self._inner.size)
    dtype = property(lambda self: self._inner.dtype)
    itemsize = property(lambda self: self._inner.itemsize)
    strides = property(lambda self: self._inner.strides)
    base = property(lambda self: self._inner.base)
    flags = property(lambda self: self._inner.flags)

    def __array__(self, *args, **kwargs):
        raise AssertionError("NumPy was handed an array of the counting device")

    def __len__(self):
        raise AssertionError("len() of an array of the counting device")

    __iter__ = __getitem__ = __bool__ = __float__ = __len__


def unwrap(value):
    if isinstance(value, Counted):
        return value._inner
    return tuple(unwrap(v) for v in value) if type(value) is tuple else value


def wrapped(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return Counted(np.asarray(value))
    return tuple(wrapped(v) for v in value) if type(value) is tuple else value


def version(kernel):
    def run(*args):
        assert not any(type(a) is np.ndarray for a in args) or kernel.name == "memory.from_host"
        Counted.calls[kernel.name] += 1
        y = kernel.reference(*(unwrap(a) for a in args))
        return y if kernel.name == "memory.to_host" else wrapped(y)

    return run


@pytest.fixture(scope="module", autouse=True)
def counting():
    device = devices.register("counting", Counted)
    for kernel in KERNELS.values():
        kernel.versions[Counted] = version(kernel)
    yield device
    for kernel in KERNELS.values():
        del kernel.versions[Counted]
    devices.unregister(device)


@pytest.fixture(autouse=True)
def fresh():
    Counted.calls.clear()


def network():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.25),
        nn.Linear(3 * 4 * 5, 7), nn.Tanh(), nn.Linear(7, 5), nn.Sigmoid(), nn.Linear(5, 4),
    )  # fmt: skip


def train(device, make_optimizer, steps=4):
    torch.manual_seed(3)
    model = network().to(device)
    optimizer = make_optimizer(model.parameters())
    x = torch.randn(6, 1, 8, 10).to(device)
    y = torch.tensor([0, 3, 1, 2, 2, 0]).to(device)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [p.detach().cpu().numpy().copy() for p in model.parameters()]


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True, weight_decay=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
    "adadelta": lambda p: torch.optim.Adadelta(p),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.01),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.01),
    "radam": lambda p: torch.optim.RAdam(p, lr=0.01),
    "asgd": lambda p: torch.optim.ASGD(p, lr=0.01),
    "rprop": lambda p: torch.optim.Rprop(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_never_touches_numpy_and_gives_the_numbers_of_the_cpu(name):
    ours, weights = train("counting", OPTIMIZERS[name])
    assert Counted.calls["conv.convolve"] == 4
    assert Counted.calls["conv.convolve_weight"] == 4
    assert Counted.calls["matmul.linear"] == 12
    assert Counted.calls["pool.max_pool"] == 4
    assert sum(v for k, v in Counted.calls.items() if k.startswith("update.")) == 4 * 8
    theirs, expected = train("cpu", OPTIMIZERS[name])
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


IMAGES = {
    "conv1d": lambda x, w: F.conv1d(x[:, :, 0], w[:, :, 0], padding="same"),
    "conv3d": lambda x, w: F.conv3d(x.unsqueeze(2), w.unsqueeze(2)),
    "conv_transpose2d": lambda x, w: F.conv_transpose2d(x, w, stride=2, output_padding=1),
    "max_pool3d": lambda x, w: F.max_pool3d(x.unsqueeze(2), (1, 2, 2)),
    "max_unpool2d": lambda x, w: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    "avg_pool2d": lambda x, w: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    "lp_pool2d": lambda x, w: F.lp_pool2d(x * x + 1, 2, 2),
    "adaptive_avg_pool2d": lambda x, w: F.adaptive_avg_pool2d(x, (3, 4)),
    "adaptive_max_pool2d": lambda x, w: F.adaptive_max_pool2d(x, (3, 4)),
    "pad": lambda x, w: F.pad(F.pad(x, (1, 2, 0, 1), "reflect"), (1, 1), value=2.0),
    "interpolate": lambda x, w: F.interpolate(x, scale_factor=1.5, mode="bicubic"),
    "unfold": lambda x, w: F.fold(F.unfold(x, 2) * 3, (6, 6), 2),
    "pixel_shuffle": lambda x, w: F.channel_shuffle(F.pixel_shuffle(x, 2), 1),
    "grid_sample": lambda x, w: F.grid_sample(x, F.affine_grid(w[:2, :2, 0], (2, 4, 3, 5), False), align_corners=False),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_never_touch_numpy_and_give_the_numbers_of_the_cpu(counting, name):
    found = []
    for device in (counting, torch.device("cpu")):
        torch.manual_seed(5)
        x, w = (torch.randn(*shape).to(device).requires_grad_() for shape in ((2, 4, 6, 6), (4, 4, 3, 3)))
        y = IMAGES[name](x, w)
        (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
        (h,) = torch.autograd.grad((g * g).sum(), x, allow_unused=True, materialize_grads=True)
        assert y.device == device
        found.append([t.detach().cpu().numpy() for t in (y, g, h)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_second_derivatives_too(counting):
    x = torch.tensor([0.3, -0.2, 0.9], device=counting, requires_grad=True)
    (g,) = torch.autograd.grad((x.tanh() * x.exp()).sum(), x, create_graph=True)
    g.sum().backward()
    a = x.detach().cpu().numpy().astype(np.float64)
    t, s = np.tanh(a), 1 - np.tanh(a) ** 2
    np.testing.assert_allclose(x.grad.cpu().numpy(), np.exp(a) * (t + 2 * s - 2 * t * s), rtol=1e-5)


def test_indexing_reductions_and_printing_on_the_device(counting):
    x = torch.arange(12, device=counting).reshape(3, 4).float().requires_grad_()
    y = x[torch.tensor([0, 2], device=counting)].max(1)[0].sum() + x[1:, ::2].mean() + torch.cat([x, x]).std()
    y.backward()
    assert repr(x.detach()[0, :2]) == "tensor([0., 1.], device='counting')"
    assert x.grad.device == counting


def test_a_meaning_runs_where_the_fused_kernel_is_absent(counting):
    missing = KERNELS["matmul.linear"].versions.pop(Counted)
    try:
        x, w = torch.randn(2, 3).to(counting), torch.randn(5, 3).to(counting).requires_grad_()
        F.linear(x, w).sum().backward()
        assert Counted.calls["matmul.matmul"] == 2
        assert w.grad.shape == (5, 3)
    finally:
        KERNELS["matmul.linear"].versions[Counted] = missing


def test_a_missing_kernel_answers_with_the_devices_it_has(counting):
    missing = KERNELS["elementary.exp"].versions.pop(Counted)
    try:
        with pytest.raises(
            DeviceError, match=r"elementary.exp: no version for arrays of class Counted; there is one for: ndarray"
        ):
            torch.ones(2, device=counting).exp()
    finally:
        KERNELS["elementary.exp"].versions[Counted] = missing


def test_mixed_devices_are_refused_with_the_remedy(counting):
    with pytest.raises(DeviceError, match=r"one device, got counting and cpu. Move one with x.to\('cpu'\)"):
        torch.ones(2) + torch.ones(2, device=counting)


def test_numpy_needs_the_cpu(counting):
    x = torch.ones(2, device=counting)
    with pytest.raises(TypeError, match=r"can't convert counting tensor to numpy. Use tensor.cpu\(\)"):
        x.numpy()
    assert x.cpu().numpy().tolist() == [1.0, 1.0]


def test_unknown_and_absent_devices_are_named():
    with pytest.raises(DeviceError, match=r"'cpuu' is unknown: expected one of cpu, cuda, .* Did you mean 'cpu'"):
        torch.ones(2, device="cpuu")
    with pytest.raises(DeviceError, match=r"no CUDA device"):
        torch.ones(2).to("cuda")
