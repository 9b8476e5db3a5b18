"""nn.utils: norms of gradients, clipping, vectors of parameters."""

import doctest
import importlib
import math
import warnings

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn
from nanograd.nn import utils


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


def test_unknown_names_are_named():
    with pytest.raises(AttributeError, match="Did you mean 'clip_grad_norm_'"):
        _ = utils.clip_grad_nrm_


@pytest.mark.parametrize("name", ["clip_grad", "convert_parameters"])
def test_examples_of_the_documentation(name):
    module = importlib.import_module(f"nanograd.nn.utils.{name}")
    assert not doctest.testmod(module, extraglobs={"torch": torch, "nn": nn}).failed
