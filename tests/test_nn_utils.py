"""nn.utils: norms of gradients, clipping, vectors of parameters, weights computed from others."""

import copy
import doctest
import importlib
import math
import pickle
import warnings

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn
from nanograd.nn import utils
from nanograd.nn.utils import parametrizations, parametrize


def leaves(*gradients, dtype=torch.float64):
    tensors = []
    for g in gradients:
        g = None if g is None else torch.tensor(g, dtype=dtype)
        p = torch.zeros(() if g is None else g.shape, dtype=dtype, requires_grad=True)
        p.grad = g
        tensors.append(p)
    return tensors


@pytest.mark.parametrize("order", [1, 2.0, 3, 0.5, math.inf, "inf", 0, -math.inf])
def test_the_total_norm_is_that_of_one_long_vector(order):
    parts = [[3.0, -1.0], [[0.5, 2.0], [0.25, 4.0]], 7.0]
    vector = np.abs(np.concatenate([np.ravel(p) for p in parts]))
    p = float(order)
    if math.isinf(p):
        expected = vector.max() if p > 0 else vector.min()
    else:
        expected = (vector > 0).sum() if p == 0 else (vector**p).sum() ** (1 / p)
    if p == 0:  # torch's: the count of tensors that are not all zeros
        expected = 3
    found = utils.get_total_norm([torch.tensor(x, dtype=torch.float64) for x in parts], order)
    assert found.item() == pytest.approx(expected)
    assert found.dtype is torch.float64


def test_a_norm_of_nothing_is_zero():
    assert utils.get_total_norm([]).item() == 0
    assert utils.get_total_norm([torch.zeros(0, 3)], math.inf).item() == 0
    assert utils.clip_grad_norm_(leaves(None, None), 1.0).item() == 0


def test_one_tensor_will_do():
    (p,) = leaves([3.0, 4.0])
    assert utils.get_total_norm(p.grad).item() == 5
    assert utils.clip_grad_norm_(p, 1.0).item() == 5
    np.testing.assert_allclose(p.grad.tolist(), [0.6, 0.8], rtol=1e-6)
    utils.clip_grad_value_(p, 0.7)
    np.testing.assert_allclose(p.grad.tolist(), [0.6, 0.7], rtol=1e-6)


def test_gradients_are_scaled_in_their_own_memory_and_never_up():
    a, b, c = leaves([3.0, 0.0], [[4.0]], None)
    held = a.grad
    total = utils.clip_grad_norm_((p for p in (a, b, c)), 2.5)
    assert total.item() == pytest.approx(5)
    assert a.grad is held
    np.testing.assert_allclose([*a.grad.tolist(), b.grad.item()], [1.5, 0, 2], rtol=1e-6)
    utils.clip_grad_norm_([a, b], 100.0)
    np.testing.assert_allclose([*a.grad.tolist(), b.grad.item()], [1.5, 0, 2], rtol=1e-6)
    utils.clip_grads_with_norm_([a, b, c], 1.0, torch.tensor(4.0))
    np.testing.assert_allclose([*a.grad.tolist(), b.grad.item()], [0.375, 0, 0.5], rtol=1e-6)


def test_a_used_up_generator_is_warned_about():
    parameters = nn.Linear(1, 1).parameters()
    list(parameters)
    with pytest.warns(UserWarning, match="empty generator, no gradient clipping will occur") as caught:
        assert utils.clip_grad_norm_(parameters, 1.0).item() == 0
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        utils.clip_grad_norm_([], 1.0)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_what_is_not_finite_is_refused_if_asked(bad):
    (p,) = leaves([1.0, bad])
    with pytest.raises(RuntimeError, match=r"order 2\.0 for gradients from `parameters` is non-finite"):
        utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert p.grad[0].item() == 1  # nothing was scaled
    utils.clip_grad_norm_([p], 1.0)
    assert not bool(p.grad.isfinite().all())


def test_the_old_name_warns():
    (p,) = leaves([3.0, 4.0])
    with pytest.warns(FutureWarning, match="deprecated in favor of"):
        assert utils.clip_grad_norm(p, 1.0).item() == 5


def test_parameters_become_a_vector_and_come_back():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector = utils.parameters_to_vector(net.parameters())
    assert vector.shape == (11,)
    (vector * torch.arange(11.0)).sum().backward()
    np.testing.assert_array_equal(net[1].bias.grad.tolist(), [10])
    other = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)).double()
    utils.vector_to_parameters(vector, other.parameters())
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)
        assert q.requires_grad
        assert q.is_leaf
    with torch.no_grad():
        vector.zero_()
    assert bool((other[0].weight != 0).all())  # copies


@pytest.mark.parametrize(
    ("vector", "error", "words"),
    [
        (torch.zeros(3), ValueError, r"expected a vector of 2 elements, got shape \(3,\)"),
        (torch.zeros(2, 1), ValueError, r"got shape \(2, 1\)"),
        ([0.0, 0.0], TypeError, "expected torch.Tensor, but got: list"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(vector, error, words):
    p = torch.ones(2, requires_grad=True)
    with pytest.raises(error, match=words):
        utils.vector_to_parameters(vector, [p])
    assert p.tolist() == [1, 1]


# Weights computed from others


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T


class Exponential(nn.Module):
    def forward(self, x):
        return x.exp()

    def right_inverse(self, y):
        return y.log()


def test_a_parametrized_weight_is_computed_wherever_it_is_read():
    layer = nn.Linear(3, 3)
    original = layer.weight
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert layer.parametrizations.weight.original is original
    assert [name for name, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    assert torch.equal(layer.weight, layer.weight.T)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    before = layer.weight.detach().clone()
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    assert not torch.equal(layer.weight, before)
    assert torch.equal(layer.weight, layer.weight.T)
    assert isinstance(layer, nn.Linear)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear


def test_a_value_can_be_assigned_where_its_origin_is_known():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    held = layer.weight
    parametrize.register_parametrization(layer, "weight", Exponential())
    np.testing.assert_allclose(layer.weight.tolist(), [[1, 2], [3, 4]], rtol=1e-6)
    layer.weight = torch.full((2, 2), 5.0)
    assert layer.parametrizations.weight.original is held
    np.testing.assert_allclose(held.tolist(), np.full((2, 2), math.log(5)), rtol=1e-6)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    with pytest.raises(RuntimeError, match="Symmetric does not implement right_inverse"):
        layer.weight = torch.ones(2, 2)


def test_a_buffer_can_be_parametrized_and_be_a_buffer_again():
    norm = nn.Module()
    norm.register_buffer("scale", torch.ones(2))
    parametrize.register_parametrization(norm, "scale", Exponential())
    assert list(norm.state_dict()) == ["parametrizations.scale.original"]
    assert norm.scale.tolist() == [1, 1]
    parametrize.remove_parametrizations(norm, "scale")
    assert dict(norm.named_buffers())["scale"].tolist() == [1, 1]
    assert type(norm) is nn.Module
    assert not parametrize.is_parametrized(norm)


def test_within_cached_a_weight_is_computed_once():
    calls = []

    class Counted(nn.Module):
        def forward(self, x):
            calls.append(1)
            return x * 1

    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Counted())
    calls.clear()
    with parametrize.cached():
        first = layer.weight
        with parametrize.cached():
            assert layer.weight is first
        assert layer.weight is first
    assert len(calls) == 1
    assert layer.weight is not first


def test_a_copy_of_a_parametrized_module_has_a_class_of_its_own():
    layer = parametrizations.weight_norm(nn.Sequential(nn.Linear(2, 2))[0])
    other = copy.deepcopy(layer)
    parametrize.remove_parametrizations(other, "weight")
    assert parametrize.is_parametrized(layer, "weight")
    assert torch.equal(layer.weight, other.weight)
    assert type(other) is nn.Linear
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_separates_length_and_direction(dim):
    layer = nn.Linear(4, 3)
    before = layer.weight.detach().numpy().copy()
    parametrizations.weight_norm(layer, dim=dim)
    np.testing.assert_allclose(layer.weight.detach().numpy(), before, rtol=1e-5)
    g, v = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    with torch.no_grad():
        g.fill_(2.0)
        v.mul_(7.0)  # the length of the direction does not matter
    axis = {0: 1, 1: 0, None: (0, 1)}[dim]
    np.testing.assert_allclose(np.linalg.norm(layer.weight.detach().numpy(), axis=axis), 2, rtol=1e-5)


@pytest.mark.parametrize("old", [False, True])
def test_spectral_norm_makes_the_greatest_singular_value_one(old):
    torch.manual_seed(1)
    for layer, x in ((nn.Linear(6, 4), torch.ones(1, 6)), (nn.Conv2d(2, 3, 3), torch.ones(1, 2, 4, 4))):
        before = layer.weight.detach().numpy().copy()
        (utils if old else parametrizations).spectral_norm(layer)
        for _ in range(40):
            layer(x)
        layer.eval()(x)
        w = layer.weight.detach().numpy().reshape(layer.weight.shape[0], -1)
        assert np.linalg.svd(w)[1][0] == pytest.approx(1, rel=1e-4)
        np.testing.assert_allclose(w / w[0, 0], before.reshape(w.shape) / before.ravel()[0], rtol=1e-3)
        kept = layer.weight.detach().clone()
        layer(x)
        assert torch.equal(layer.weight, kept)  # in evaluation mode nothing is estimated


@pytest.mark.parametrize("old", [False, True])
def test_two_calls_before_one_way_back(old):
    """D(real) - D(fake): the second call changes the estimate that the first one used."""
    layer = (utils if old else parametrizations).spectral_norm(nn.Linear(3, 1))
    (layer(torch.ones(1, 3)) - layer(torch.zeros(1, 3))).sum().backward()
    original = layer.weight_orig if old else layer.parametrizations.weight.original
    assert bool(original.grad.isfinite().all())


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_older_forms_are_undone():
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    utils.weight_norm(layer)
    assert sorted(n for n, _ in layer.named_parameters()) == ["bias", "weight_g", "weight_v"]
    with pytest.raises(RuntimeError, match="Cannot register two weight_norm hooks"):
        utils.weight_norm(layer)
    utils.remove_weight_norm(layer)
    np.testing.assert_allclose(layer.weight.detach().numpy(), before.numpy(), rtol=1e-6)
    assert [n for n, _ in layer.named_parameters()] == ["bias", "weight"]
    assert layer(torch.ones(1, 3)).shape == (1, 2)
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found"):
        utils.remove_weight_norm(layer)
    with pytest.raises(ValueError, match="spectral_norm of 'weight' not found"):
        utils.remove_spectral_norm(layer)


def test_the_older_weight_norm_says_that_it_is_old():
    with pytest.warns(FutureWarning, match="in favor of `torch.nn.utils.parametrizations.weight_norm`"):
        utils.weight_norm(nn.Linear(1, 1))


class Returns(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        return self.value


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda m: parametrize.register_parametrization(m, "wieght", Symmetric()), ValueError, "Did you mean 'weight'"),
        (lambda m: parametrize.register_parametrization(m, "weight", Returns(3)), ValueError, "must return a tensor"),
        (
            lambda m: parametrize.register_parametrization(m, "weight", Returns(torch.zeros(1))),
            ValueError,
            "may not change the shape",
        ),
        (
            lambda m: parametrize.register_parametrization(m, "weight", Returns(torch.zeros(2, 2).double())),
            ValueError,
            "may not change the dtype",
        ),
        (lambda m: parametrize.remove_parametrizations(m, "weight"), ValueError, "does not have a parametrization"),
        (
            lambda m: parametrize.remove_parametrizations(
                parametrizations.weight_norm(m), "weight", leave_parametrized=False
            ),
            ValueError,
            "in terms of a sequence of tensors",
        ),
        (lambda m: parametrizations.spectral_norm(m, "w"), ValueError, "has no parameter or buffer with name 'w'"),
        (lambda m: parametrizations.spectral_norm(m, dim=5), IndexError, "Dimension out of range"),
        (lambda m: parametrizations.spectral_norm(m, n_power_iterations=0), ValueError, "to be positive"),
        (lambda m: utils.spectral_norm(m, n_power_iterations=0), ValueError, "to be positive"),
        (lambda m: utils.spectral_norm(m, "w"), ValueError, "Linear has no parameter 'w'"),
        (lambda m: parametrizations.orthogonal, NotImplementedError, "nn.init.orthogonal_"),
        (lambda m: utils.clip_grad_nrm_, AttributeError, "Did you mean 'clip_grad_norm_'"),
    ],
)
def test_wrong_uses_are_refused_and_leave_the_module_as_it_was(act, error, words):
    layer = nn.Linear(2, 2)
    with pytest.raises(error, match=words):
        act(layer)
    assert layer(torch.ones(1, 2)).shape == (1, 2)


@pytest.mark.parametrize("name", ["clip_grad", "convert_parameters", "normalized", "parametrizations", "parametrize"])
def test_examples_of_the_documentation(name):
    module = importlib.import_module(f"nanograd.nn.utils.{name}")
    assert not doctest.testmod(module, extraglobs={"torch": torch, "nn": nn}).failed
