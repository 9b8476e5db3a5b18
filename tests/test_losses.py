"""Losses against loops over their definitions, and the words of their refusals."""

import itertools
import math
import re

import numpy as np
import pytest

import nanograd as torch
from nanograd import autograd, nn
from nanograd.nn import functional as F

RNG = np.random.default_rng(5)


def leaf(array):
    return torch.from_numpy(np.array(array, np.float64)).requires_grad_()


X, Z = RNG.standard_normal((4, 5)) * 2, RNG.standard_normal((4, 5)) * 2
SIGNS, CLASSES = RNG.choice([-1.0, 1.0], (4, 5)), RNG.integers(0, 5, 4)
LABELS = np.array([[1, 3, -1, 0, 0], [4, -1, 2, 2, 2], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4]])
P = RNG.random((4, 5)) + 0.1
P /= P.sum(1, keepdims=True)


def multi_margin(x, t, p=1, margin=1.0, weight=None):
    total = np.zeros(len(x))
    for n, c in itertools.product(range(len(x)), range(x.shape[1])):
        if c != t[n]:
            total[n] += (1 if weight is None else weight[t[n]]) * max(0, margin - x[n, t[n]] + x[n, c]) ** p
    return total / x.shape[1]


def multilabel_margin(x, labels):
    total = np.zeros(len(x))
    for n in range(len(x)):
        named = list(itertools.takewhile(lambda label: label >= 0, labels[n]))
        for j, i in itertools.product(named, set(range(x.shape[1])) - set(named)):
            total[n] += max(0, 1 - (x[n, j] - x[n, i]))
    return total / x.shape[1]


def cosine(a, b):
    return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))


SIGMOID = 1 / (1 + np.exp(-X))
W = np.array([1.0, 2.0, 0.5, 3.0, 0.25])
LOSSES = {
    "huber": (lambda x, **k: F.huber_loss(x, leaf(Z), delta=0.7, **k),
              np.where(abs(X - Z) < 0.7, (X - Z) ** 2 / 2, 0.7 * (abs(X - Z) - 0.35))),
    "kl": (lambda x, **k: F.kl_div(x, leaf(P).detach(), **k), P * (np.log(P) - X)),
    "kl of logarithms": (lambda x, **k: F.kl_div(x, leaf(Z).detach(), log_target=True, **k), np.exp(Z) * (Z - X)),
    "poisson": (lambda x, **k: F.poisson_nll_loss(x, leaf(LABELS + 1.0).detach(), full=True, **k),
                np.exp(X) - (LABELS + 1) * X + np.where(
                    LABELS > 0, (LABELS + 1) * np.log(np.maximum(LABELS + 1, 1)) - LABELS - 1
                    + np.log(2 * np.pi * np.maximum(LABELS + 1, 1)) / 2, 0)),
    "gaussian": (lambda x, **k: F.gaussian_nll_loss(x, leaf(Z).detach(), leaf(P).detach(), full=True, **k),
                 (np.log(P) + (X - Z) ** 2 / P + np.log(2 * np.pi)) / 2),
    "soft margin": (lambda x, **k: F.soft_margin_loss(x, leaf(SIGNS).detach(), **k), np.log1p(np.exp(-SIGNS * X))),
    "multilabel soft margin": (
        lambda x, **k: F.multilabel_soft_margin_loss(x, leaf(SIGNS > 0).detach(), leaf(W).detach(), **k),
        (-W * np.where(SIGNS > 0, np.log(SIGMOID), np.log(1 - SIGMOID))).mean(1)),
    "hinge": (lambda x, **k: F.hinge_embedding_loss(x, leaf(SIGNS).detach(), 0.5, **k),
              np.where(SIGNS > 0, X, np.maximum(0, 0.5 - X))),
    "ranking": (lambda x, **k: F.margin_ranking_loss(x, leaf(Z), leaf(SIGNS).detach(), 0.3, **k),
                np.maximum(0, 0.3 - SIGNS * (X - Z))),
    "multi margin": (lambda x, **k: F.multi_margin_loss(x, torch.tensor(CLASSES), **k), multi_margin(X, CLASSES)),
    "multi margin squared": (
        lambda x, **k: F.multi_margin_loss(x, torch.tensor(CLASSES), 2, 0.5, leaf(W).detach(), **k),
        multi_margin(X, CLASSES, 2, 0.5, W)),
    "multilabel margin": (
        lambda x, **k: F.multilabel_margin_loss(x, torch.tensor(LABELS), **k), multilabel_margin(X, LABELS)),
    "triplet": (lambda x, **k: F.triplet_margin_loss(x, leaf(Z), leaf(P), 2.0, eps=0, **k),
                np.maximum(0, 2 + np.linalg.norm(X - Z, axis=1) - np.linalg.norm(X - P, axis=1))),
    "triplet swapped": (
        lambda x, **k: F.triplet_margin_with_distance_loss(
            x, leaf(Z), leaf(P), distance_function=lambda a, b: (a - b).abs().sum(1), margin=9.0, swap=True, **k),
        np.maximum(0, 9 + abs(X - Z).sum(1) - np.minimum(abs(X - P).sum(1), abs(Z - P).sum(1)))),
    "cosine": (lambda x, **k: F.cosine_embedding_loss(x, leaf(Z), leaf(SIGNS[:, 0]).detach(), 0.1, **k),
               np.where(SIGNS[:, 0] > 0, 1 - cosine(X, Z), np.maximum(0, cosine(X, Z) - 0.1))),
}  # fmt: skip


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
def test_losses_are_their_definitions(name, reduction):
    act, expected = LOSSES[name]
    expected = {"none": expected, "sum": expected.sum(), "mean": expected.mean()}[reduction]
    np.testing.assert_allclose(act(leaf(X), reduction=reduction).detach().numpy(), expected, 1e-9, 1e-9)
    assert autograd.gradcheck(lambda x: act(x, reduction=reduction), (leaf(X),))


def test_the_divergence_divides_by_the_batch():
    total = (P * (np.log(P) - X)).sum()
    assert F.kl_div(leaf(X), leaf(P), reduction="batchmean").item() == pytest.approx(total / 4)
    assert F.kl_div(leaf(X[0, 0]), leaf(P[0, 0]), reduction="batchmean").item() == pytest.approx(
        P[0, 0] * (np.log(P[0, 0]) - X[0, 0])
    )


# Sequences


def spells(path, blank):
    return tuple(c for i, c in enumerate(path) if c != blank and (i == 0 or c != path[i - 1]))


def of_all_paths(probabilities, target, blank):
    """Σ over every path that spells the target of its probability."""
    steps, classes = probabilities.shape
    return sum(
        math.prod(probabilities[t, c] for t, c in enumerate(path))
        for path in itertools.product(range(classes), repeat=steps)
        if spells(path, blank) == tuple(target)
    )


@pytest.mark.parametrize(
    ("target", "steps", "blank"),
    [([1], 3, 0), ([1, 2], 4, 0), ([2, 2], 5, 0), ([1, 1, 2], 6, 0), ([], 3, 0), ([0, 1], 4, 2), ([1, 2], 2, 0)],
)
def test_ctc_adds_up_every_path(target, steps, blank):
    scores = leaf(np.random.default_rng(3).standard_normal((6, 1, 3)))
    logs = scores.log_softmax(2)
    loss = F.ctc_loss(logs, torch.tensor([target], dtype=torch.int64), [steps], [len(target)], blank, "sum")
    expected = -math.log(of_all_paths(np.exp(logs.detach().numpy()[:steps, 0]), target, blank))
    assert loss.item() == pytest.approx(expected)
    assert autograd.gradcheck(
        lambda s: F.ctc_loss(
            s.log_softmax(2), torch.tensor([target], dtype=torch.int64), [steps], [len(target)], blank, "sum"
        ),
        (scores,),
    )


def test_ctc_of_a_target_that_cannot_fit():
    logs = leaf(np.zeros((3, 1, 3))).log_softmax(2)
    args = torch.tensor([[1, 1]]), [2], [2]
    assert F.ctc_loss(logs, *args).item() == math.inf
    loss = nn.CTCLoss(zero_infinity=True)(logs, *args)
    assert loss.item() == 0
    loss.backward()


# What is refused, and how


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (
            lambda: F.cross_entropy(torch.ones(2, 3), torch.tensor([0, 3])),
            IndexError,
            "Target 3 is out of bounds: there are 3 classes",
        ),
        (
            lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2)),
            RuntimeError,
            "If they are class numbers, use target.long()",
        ),
        (lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2, 1).long()), RuntimeError, "Use target.squeeze(1)"),
        (
            lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2, 3).long()),
            RuntimeError,
            "A one-hot target: use target.argmax(1)",
        ),
        (
            lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(5).long()),
            ValueError,
            "The batch sizes differ, 2 and 5",
        ),
        (lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2).int()), RuntimeError, "expected scalar type Long"),
        (
            lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2).long(), torch.ones(2)),
            RuntimeError,
            "either for all 3 classes",
        ),
        (
            lambda: F.binary_cross_entropy(torch.ones(2), torch.ones(2).double()),
            RuntimeError,
            "Found dtype torch.float64 but expected torch.float32",
        ),
        (
            lambda: F.binary_cross_entropy(torch.ones(2, 1), torch.ones(2)),
            ValueError,
            "Use target.unsqueeze(1) or output.squeeze(1)",
        ),
        (lambda: F.binary_cross_entropy(torch.ones(2) * 2, torch.ones(2)), RuntimeError, "apply torch.sigmoid first"),
        (lambda: F.mse_loss(torch.ones(2), 3), TypeError, "expected two tensors, got Tensor and int"),
        (lambda: nn.HuberLoss()(torch.ones(2), torch.ones(3)), RuntimeError, "do not broadcast"),
        (lambda: nn.KLDivLoss(torch.ones(2), torch.ones(2)), TypeError, "nn.KLDivLoss is a loss: make it once"),
        (lambda: nn.CTCLoss(torch.ones(2)), TypeError, "nn.CTCLoss is a loss: make it once"),
        (lambda: nn.TripletMarginLoss(margin=0), ValueError, "expected margin to be greater than 0, got 0"),
        (
            lambda: F.triplet_margin_loss(torch.ones(2), torch.ones(2), torch.ones(2), margin=-1),
            ValueError,
            "greater than 0, got -1",
        ),
        (
            lambda: F.gaussian_nll_loss(torch.ones(2), torch.ones(2), torch.ones(3)),
            ValueError,
            "var is of incorrect size",
        ),
        (lambda: F.multi_margin_loss(torch.ones(2, 3), torch.tensor([0, 9])), RuntimeError, "target out of range"),
        (
            lambda: F.ctc_loss(torch.ones(4, 1, 3), torch.tensor([[7]]), [4], [1]),
            RuntimeError,
            "class numbers from 0 to 2",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_wrong_uses_are_refused(act, error, words):
    with pytest.raises(error, match=re.escape(words)):
        act()


def test_a_mean_without_elements_is_nan_and_a_sum_zero():
    empty = torch.ones(0, 3, requires_grad=True)
    for loss in (F.mse_loss, F.l1_loss, F.huber_loss):
        assert math.isnan(loss(empty, empty).item())
        assert loss(empty, empty, reduction="sum").item() == 0
