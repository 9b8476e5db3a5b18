"""Losses beside torch: values, gradients, second gradients, reductions, nodes, warnings, refusals, printed forms."""

import itertools
import warnings

import numpy as np
import pytest

import nanograd as ours
from nanograd import nn as our_nn
from nanograd.nn import functional as F

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")

RNG = np.random.default_rng(11)
pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")


def close(a, b, rtol=1e-4, atol=1e-5):
    a, b = a.detach().numpy(), b.detach().numpy()
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    np.testing.assert_allclose(a.astype(np.float64), b.astype(np.float64), rtol, atol)


def node(y):
    return str(y.grad_fn).split()[0]


def normal(*shape):
    return (RNG.standard_normal(shape) * 2).astype(np.float32)


def unit(*shape):
    return RNG.uniform(0.01, 0.99, shape).astype(np.float32)


def simplex(*shape):
    p = RNG.random(shape).astype(np.float32) + 0.05
    return p / p.sum(1, keepdims=True)


def signs(*shape):
    return RNG.choice([-1.0, 1.0], shape).astype(np.float32)


def classes(n, *shape):
    return RNG.integers(0, n, shape)


LABELS = np.array([[0, 2, -1, 1, -1], [3, -1, 0, 0, 0], [4, 3, 2, 1, 0], [-1, 0, 1, 2, 3], [2, 2, -1, 0, 0]])
W3, W5 = np.array([1.0, 3.0, 0.25], np.float32), np.array([1.0, 3.0, 0.25, 2.0, 0.5], np.float32)

# name -> (loss of a functional module and tensors, data, how many of them need gradients)
LOSSES = {
    "mse": (lambda f, x, t, **k: f.mse_loss(x, t, **k), (normal(4, 3), normal(4, 3)), 2),
    "mse, large": (lambda f, x, t, **k: f.mse_loss(x, t, **k), (normal(64, 30), normal(64, 30)), 2),
    "mse of a number": (lambda f, x, t, **k: f.mse_loss(x, t, **k), (normal(), normal()), 2),
    "mse weighted": (
        lambda f, x, t, w, **k: f.mse_loss(x, t, weight=w, **k),
        (normal(4, 3), normal(4, 3), unit(4, 3)),
        2,
    ),
    "l1": (lambda f, x, t, **k: f.l1_loss(x, t, **k), (normal(4, 3), normal(4, 3)), 2),
    "l1 weighted": (
        lambda f, x, t, w, **k: f.l1_loss(x, t, weight=w, **k),
        (normal(4, 3), normal(4, 3), unit(4, 3)),
        2,
    ),
    "smooth l1": (lambda f, x, t, **k: f.smooth_l1_loss(x, t, **k), (normal(4, 3), normal(4, 3)), 2),
    "smooth l1, 2": (lambda f, x, t, **k: f.smooth_l1_loss(x, t, beta=2.0, **k), (normal(4, 3), normal(4, 3)), 2),
    "smooth l1, 0": (lambda f, x, t, **k: f.smooth_l1_loss(x, t, beta=0.0, **k), (normal(4, 3), normal(4, 3)), 2),
    "huber": (lambda f, x, t, **k: f.huber_loss(x, t, **k), (normal(4, 3), normal(4, 3)), 2),
    "huber, 0.3": (lambda f, x, t, **k: f.huber_loss(x, t, delta=0.3, **k), (normal(4, 3), normal(4, 3)), 2),
    "huber weighted": (
        lambda f, x, t, w, **k: f.huber_loss(x, t, weight=w, **k),
        (normal(4, 3), normal(4, 3), unit(4, 3)),
        2,
    ),
    "bce": (lambda f, x, t, **k: f.binary_cross_entropy(x, t, **k), (unit(4, 3), unit(4, 3)), 2),
    "bce weighted": (lambda f, x, t, w, **k: f.binary_cross_entropy(x, t, w, **k), (unit(4, 3), unit(4, 3), W3), 1),
    "bce with logits": (
        lambda f, x, t, **k: f.binary_cross_entropy_with_logits(x, t, **k),
        (normal(4, 3), unit(4, 3)),
        2,
    ),
    "bce with logits, large": (
        lambda f, x, t, **k: f.binary_cross_entropy_with_logits(x * 100, t, **k),
        (normal(4, 3), unit(4, 3)),
        1,
    ),
    "bce with logits weighted": (
        lambda f, x, t, w, v, **k: f.binary_cross_entropy_with_logits(x, t, w, pos_weight=v, **k),
        (normal(4, 3), unit(4, 3), W3, W3[::-1].copy()),
        1,
    ),
    "cross entropy": (lambda f, x, t, **k: f.cross_entropy(x, t, **k), (normal(6, 3), classes(3, 6)), 1),
    "cross entropy of one": (lambda f, x, t, **k: f.cross_entropy(x, t, **k), (normal(3), np.array(2)), 1),
    "cross entropy of images": (
        lambda f, x, t, **k: f.cross_entropy(x, t, **k),
        (normal(4, 3, 2, 5), classes(3, 4, 2, 5)),
        1,
    ),
    "cross entropy weighted": (
        lambda f, x, t, w, **k: f.cross_entropy(x, t, w, **k),
        (normal(6, 3), classes(3, 6), W3),
        1,
    ),
    "cross entropy ignoring": (
        lambda f, x, t, **k: f.cross_entropy(x, t, ignore_index=1, **k),
        (normal(6, 3), classes(3, 6)),
        1,
    ),
    "cross entropy ignoring -100": (
        lambda f, x, t, **k: f.cross_entropy(x, t, **k),
        (normal(4, 3), np.array([0, -100, 2, -100])),
        1,
    ),
    "cross entropy ignoring all": (
        lambda f, x, t, **k: f.cross_entropy(x, t, **k),
        (normal(2, 3), np.array([-100, -100])),
        1,
    ),
    "cross entropy smoothed": (
        lambda f, x, t, **k: f.cross_entropy(x, t, label_smoothing=0.2, **k),
        (normal(6, 3), classes(3, 6)),
        1,
    ),
    "cross entropy, all at once": (
        lambda f, x, t, w, **k: f.cross_entropy(x, t, w, ignore_index=2, label_smoothing=0.3, **k),
        (normal(5, 3, 4), classes(3, 5, 4), W3),
        1,
    ),
    "cross entropy of probabilities": (
        lambda f, x, t, **k: f.cross_entropy(x, t, **k),
        (normal(6, 3), simplex(6, 3)),
        2,
    ),
    "cross entropy of probabilities of images": (
        lambda f, x, t, w, **k: f.cross_entropy(x, t, w, label_smoothing=0.1, **k),
        (normal(2, 3, 4), simplex(2, 3, 4), W3),
        1,
    ),
    "cross entropy of one's probabilities": (lambda f, x, t, **k: f.cross_entropy(x, t, **k), (normal(3), unit(3)), 1),
    "nll": (lambda f, x, t, **k: f.nll_loss(x, t, **k), (normal(6, 3), classes(3, 6)), 1),
    "nll of images": (
        lambda f, x, t, w, **k: f.nll_loss(x, t, w, ignore_index=0, **k),
        (normal(4, 3, 2), classes(3, 4, 2), W3),
        1,
    ),
    "nll of one": (lambda f, x, t, **k: f.nll_loss(x, t, **k), (normal(3), np.array(1)), 1),
    "kl": (lambda f, x, t, **k: f.kl_div(x, t, **k), (normal(4, 3), simplex(4, 3)), 2),
    "kl of zeros": (lambda f, x, t, **k: f.kl_div(x, t * (t > 0.3), **k), (normal(4, 3), simplex(4, 3)), 1),
    "kl of logarithms": (lambda f, x, t, **k: f.kl_div(x, t, log_target=True, **k), (normal(4, 3), normal(4, 3)), 2),
    "poisson": (
        lambda f, x, t, **k: f.poisson_nll_loss(x, t, **k),
        (normal(4, 3), classes(9, 4, 3).astype(np.float32)),
        1,
    ),
    "poisson full": (
        lambda f, x, t, **k: f.poisson_nll_loss(x, t, full=True, **k),
        (normal(4, 3), classes(9, 4, 3).astype(np.float32)),
        1,
    ),
    "poisson rates": (
        lambda f, x, t, **k: f.poisson_nll_loss(x, t, log_input=False, eps=1e-3, **k),
        (unit(4, 3), classes(9, 4, 3).astype(np.float32)),
        1,
    ),
    "gaussian": (
        lambda f, x, t, v, **k: f.gaussian_nll_loss(x, t, v, **k),
        (normal(4, 3), normal(4, 3), unit(4, 3)),
        3,
    ),
    "gaussian full": (
        lambda f, x, t, v, **k: f.gaussian_nll_loss(x, t, v, full=True, eps=0.5, **k),
        (normal(4, 3), normal(4, 3), unit(4, 3)),
        3,
    ),
    "gaussian of one variance": (
        lambda f, x, t, v, **k: f.gaussian_nll_loss(x, t, v, **k),
        (normal(4, 3), normal(4, 3), unit(4, 1)),
        3,
    ),
    "gaussian of a variance each": (
        lambda f, x, t, v, **k: f.gaussian_nll_loss(x, t, v, **k),
        (normal(4, 3), normal(4, 3), unit(4)),
        3,
    ),
    "gaussian of a number": (lambda f, x, t, **k: f.gaussian_nll_loss(x, t, 0.7, **k), (normal(4, 3), normal(4, 3)), 2),
    "soft margin": (lambda f, x, t, **k: f.soft_margin_loss(x, t, **k), (normal(4, 3), signs(4, 3)), 1),
    "multilabel soft margin": (
        lambda f, x, t, w, **k: f.multilabel_soft_margin_loss(x, t, w, **k),
        (normal(4, 3), unit(4, 3).round(), W3),
        1,
    ),
    "hinge": (lambda f, x, t, **k: f.hinge_embedding_loss(x, t, **k), (normal(4, 3), signs(4, 3)), 1),
    "hinge, 0.3": (lambda f, x, t, **k: f.hinge_embedding_loss(x, t, margin=0.3, **k), (normal(7), signs(7)), 1),
    "ranking": (lambda f, x, z, t, **k: f.margin_ranking_loss(x, z, t, **k), (normal(5), normal(5), signs(5)), 2),
    "ranking, 0.5": (
        lambda f, x, z, t, **k: f.margin_ranking_loss(x, z, t, margin=0.5, **k),
        (normal(5), normal(5), signs(5)),
        2,
    ),
    "multi margin": (lambda f, x, t, **k: f.multi_margin_loss(x, t, **k), (normal(6, 3), classes(3, 6)), 1),
    "multi margin squared": (
        lambda f, x, t, w, **k: f.multi_margin_loss(x, t, p=2, margin=0.7, weight=w, **k),
        (normal(6, 3), classes(3, 6), W3),
        1,
    ),
    "multi margin of one": (lambda f, x, t, **k: f.multi_margin_loss(x, t, **k), (normal(3), np.array(1)), 1),
    "multilabel margin": (lambda f, x, t, **k: f.multilabel_margin_loss(x, t, **k), (normal(5, 5), LABELS), 1),
    "multilabel margin of one": (lambda f, x, t, **k: f.multilabel_margin_loss(x, t, **k), (normal(5), LABELS[0]), 1),
    "triplet": (
        lambda f, a, p, n, **k: f.triplet_margin_loss(a, p, n, **k),
        (normal(4, 3), normal(4, 3), normal(4, 3)),
        3,
    ),
    "triplet swapped": (
        lambda f, a, p, n, **k: f.triplet_margin_loss(a, p, n, margin=2.0, p=1.0, swap=True, **k),
        (normal(4, 3), normal(4, 3), normal(4, 3)),
        3,
    ),
    "triplet of one": (
        lambda f, a, p, n, **k: f.triplet_margin_loss(a, p, n, **k),
        (normal(3), normal(3), normal(3)),
        3,
    ),
    "triplet with distance": (
        lambda f, a, p, n, **k: f.triplet_margin_with_distance_loss(
            a, p, n, distance_function=lambda u, v: (u - v).abs().max(-1)[0], **k
        ),
        (normal(4, 3), normal(4, 3), normal(4, 3)),
        3,
    ),
    "cosine": (
        lambda f, x, z, t, **k: f.cosine_embedding_loss(x, z, t, **k),
        (normal(6, 3), normal(6, 3), signs(6)),
        2,
    ),
    "cosine, 0.2": (
        lambda f, x, z, t, **k: f.cosine_embedding_loss(x, z, t, margin=0.2, **k),
        (normal(6, 3), normal(6, 3), signs(6)),
        2,
    ),
    "cosine of one": (
        lambda f, x, z, t, **k: f.cosine_embedding_loss(x, z, t, **k),
        (normal(3), normal(3), signs()),
        2,
    ),
}


def tensors(lib, data, count, dtype=None):
    made = []
    for i, a in enumerate(data):
        a = np.array(a)
        t = lib.from_numpy(a.astype(dtype) if dtype is not None and a.dtype.kind == "f" else a)
        made.append(t.requires_grad_() if i < count and a.dtype.kind == "f" else t)
    return made


REDUCTIONS = ["mean", "sum", "none"]


@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_agree(name, reduction):
    act, data, count = LOSSES[name]
    if reduction == "batchmean" and not name.startswith("kl"):
        reduction = "mean"
    xs, ts = tensors(ours, data, count), tensors(theirs, data, count)
    y, u = act(F, *xs, reduction=reduction), act(theirs.nn.functional, *ts, reduction=reduction)
    close(y, u)
    if count == 1 and "weighted" not in name and "mse" not in name:
        assert node(y) == node(u)
    seed = np.random.default_rng(2).standard_normal(tuple(u.shape)).astype(np.float32)
    y.backward(ours.from_numpy(np.array(seed)))
    u.backward(theirs.from_numpy(np.array(seed)))
    for x, t in zip(xs[:count], ts[:count], strict=True):
        close(x.grad, t.grad)


@pytest.mark.parametrize("name", [n for n in LOSSES if not n.startswith(("multi margin", "multilabel margin"))])
def test_second_gradients(name):  # torch has no second derivative of those two
    act, data, count = LOSSES[name]
    found = []
    for lib, f in ((ours, F), (theirs, theirs.nn.functional)):
        xs = tensors(lib, data, count, np.float64)
        y = act(f, *xs)
        (g,) = lib.autograd.grad(y * y, xs[0], create_graph=True)
        (h,) = lib.autograd.grad((g * g * g).sum(), xs[0])
        found.append(h.detach().numpy())
    np.testing.assert_allclose(found[0], found[1], 1e-6, 1e-9)


@pytest.mark.parametrize("name", [n for n in LOSSES if not n.startswith(("multi margin", "multilabel margin"))])
def test_half_precision(name):
    act, data, count = LOSSES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            u = act(theirs.nn.functional, *tensors(theirs, data, count, np.float16))
        except RuntimeError:
            return  # torch has no such kernel
        y = act(F, *tensors(ours, data, count, np.float16))
    assert y.dtype is ours.float16
    close(y, u, 1e-2, 1e-2)


@pytest.mark.parametrize("name", ["mse", "l1", "smooth l1", "huber", "bce with logits", "bce", "soft margin"])
def test_no_elements(name):
    act = LOSSES[name][0]
    for shape, reduction in itertools.product([(0,), (0, 3)], REDUCTIONS):
        data = (np.zeros(shape, np.float32), np.zeros(shape, np.float32))
        xs, ts = tensors(ours, data, 1), tensors(theirs, data, 1)
        y, u = act(F, *xs, reduction=reduction), act(theirs.nn.functional, *ts, reduction=reduction)
        close(y, u)
        y.sum().backward()
        assert xs[0].grad.shape == shape


def test_no_rows():
    for reduction in REDUCTIONS:
        data = (np.zeros((0, 3), np.float32), np.zeros((0,), np.int64))
        for name in ("cross entropy", "nll"):
            act = LOSSES[name][0]
            y, u = (
                act(F, *tensors(ours, data, 1), reduction=reduction),
                act(theirs.nn.functional, *tensors(theirs, data, 1), reduction=reduction),
            )
            close(y, u)


def test_at_the_ends_bce_is_torchs():
    data = (np.array([0, 0, 1, 1, 1e-8, 1 - 1e-7], np.float32), np.array([0, 1, 0, 1, 1, 0], np.float32))
    xs, ts = tensors(ours, data, 1), tensors(theirs, data, 1)
    y, u = (
        F.binary_cross_entropy(*xs, reduction="none"),
        theirs.nn.functional.binary_cross_entropy(*ts, reduction="none"),
    )
    close(y, u)
    y.sum().backward()
    u.sum().backward()
    close(xs[0].grad, ts[0].grad)


# Sequences


CTC = {
    "padded targets": ((12, 3, 6), (3, 4), [12, 10, 7], [4, 2, 3], 0),
    "targets in one line": ((12, 3, 6), None, [12, 10, 7], [4, 2, 3], 0),
    "another blank": ((12, 3, 6), (3, 4), [12, 12, 12], [1, 2, 3], 5),
    "an empty target": ((6, 2, 4), (2, 3), [6, 5], [0, 3], 0),
    "too short": ((5, 2, 4), (2, 3), [2, 5], [3, 3], 0),
    "repeated labels": ((9, 2, 3), (2, 4), [9, 9], [4, 4], 0),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", CTC)
def test_ctc(name, reduction):
    shape, room, steps, sizes, blank = CTC[name]
    rng = np.random.default_rng(4)
    scores = rng.standard_normal(shape).astype(np.float32)
    low, high = (0, shape[2] - 1) if blank else (1, shape[2])
    target = rng.integers(low, high, room or (sum(sizes),))
    for zero in (False, True):
        found = []
        for lib, f in ((ours, F), (theirs, theirs.nn.functional)):
            x = lib.from_numpy(scores.copy()).requires_grad_()
            loss = f.ctc_loss(
                x.log_softmax(2),
                lib.from_numpy(target.copy()),
                lib.tensor(steps),
                lib.tensor(sizes),
                blank,
                reduction,
                zero,
            )
            loss.sum().backward()
            found.append((loss, x.grad))
        close(found[0][0], found[1][0])
        if np.isfinite(found[1][0].detach().numpy()).all():
            close(found[0][1], found[1][1])


def test_ctc_of_one_sequence():
    scores, target = RNG.standard_normal((8, 5)).astype(np.float32), np.array([1, 2, 2])
    found = [
        f.ctc_loss(
            lib.from_numpy(scores.copy()).log_softmax(1), lib.from_numpy(target.copy()), (8,), (3,), reduction="none"
        )
        for lib, f in ((ours, F), (theirs, theirs.nn.functional))
    ]
    close(*found)


# Modules


MODULES = {
    "mse": lambda nn: nn.MSELoss(reduction="sum"),
    "l1": lambda nn: nn.L1Loss(),
    "smooth l1": lambda nn: nn.SmoothL1Loss(beta=0.5),
    "huber": lambda nn: nn.HuberLoss("sum", 0.5),
    "bce": lambda nn: nn.BCELoss(),
    "bce with logits": lambda nn: nn.BCEWithLogitsLoss(),
    "cross entropy": lambda nn: nn.CrossEntropyLoss(ignore_index=1, label_smoothing=0.1),
    "nll": lambda nn: nn.NLLLoss(),
    "kl": lambda nn: nn.KLDivLoss(reduction="batchmean"),
    "kl of logarithms": lambda nn: nn.KLDivLoss(log_target=True),
    "poisson": lambda nn: nn.PoissonNLLLoss(full=True),
    "gaussian": lambda nn: nn.GaussianNLLLoss(full=True),
    "soft margin": lambda nn: nn.SoftMarginLoss(),
    "hinge": lambda nn: nn.HingeEmbeddingLoss(0.5),
    "ranking": lambda nn: nn.MarginRankingLoss(0.1),
    "multi margin": lambda nn: nn.MultiMarginLoss(p=2, margin=0.5),
    "multilabel margin": lambda nn: nn.MultiLabelMarginLoss(),
    "triplet": lambda nn: nn.TripletMarginLoss(swap=True),
    "triplet with distance": lambda nn: nn.TripletMarginWithDistanceLoss(margin=0.5),
    "cosine": lambda nn: nn.CosineEmbeddingLoss(0.1),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    module, reference = MODULES[name](our_nn), MODULES[name](theirs.nn)
    assert repr(module) == repr(reference)
    _, data, count = LOSSES[name]
    close(module(*tensors(ours, data, count)), reference(*tensors(theirs, data, count)))


def test_weights_of_losses_are_buffers():
    w = ours.tensor([1.0, 2.0])
    for make in (our_nn.CrossEntropyLoss, our_nn.NLLLoss, our_nn.BCELoss, our_nn.MultiLabelSoftMarginLoss):
        loss = make(w)
        reference = getattr(theirs.nn, make.__name__)(theirs.tensor([1.0, 2.0]))
        assert list(loss.state_dict()) == list(reference.state_dict()) == ["weight"]
    loss = our_nn.MultiMarginLoss(weight=w)
    assert loss.double().weight.dtype is ours.float64
    assert repr(our_nn.CTCLoss(zero_infinity=True)) == repr(theirs.nn.CTCLoss(zero_infinity=True))


def test_old_positions_of_arguments():
    x, t = normal(4, 3), classes(3, 4)
    for lib, f in ((ours, F), (theirs, theirs.nn.functional)):
        a, b = lib.from_numpy(x.copy()), lib.from_numpy(t.copy())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = f.cross_entropy(a, b, None, False), f.nll_loss(a, b, None, None, -100, False)
        assert tuple(found[0].shape) == ()
        assert tuple(found[1].shape) == (4,)
        np.testing.assert_allclose(found[0].numpy(), f.cross_entropy(a, b, reduction="sum").numpy(), rtol=1e-6)


def test_kl_warns_of_its_mean():
    with pytest.warns(UserWarning, match="'batchmean' divides"):
        F.kl_div(ours.zeros(2, 2), ours.ones(2, 2))


BAD = {
    "class 3 of 3": lambda lib, f: f.cross_entropy(lib.ones(2, 3), lib.tensor([0, 3])),
    "class -1": lambda lib, f: f.cross_entropy(lib.ones(2, 3), lib.tensor([0, -1])),
    "classes as floats": lambda lib, f: f.cross_entropy(lib.ones(2, 3), lib.tensor([0.0, 1.0])),
    "another batch": lambda lib, f: f.cross_entropy(lib.ones(2, 3), lib.tensor([0, 1, 2])),
    "a matrix of classes": lambda lib, f: f.cross_entropy(lib.ones(2, 3), lib.tensor([[0], [1]])),
    "smoothing 2": lambda lib, f: f.cross_entropy(lib.ones(2, 3), lib.tensor([0, 1]), label_smoothing=2.0),
    "classes as int32": lambda lib, f: f.cross_entropy(lib.ones(2, 3), lib.tensor([0, 1]).int()),
    "weights of other classes": lambda lib, f: f.cross_entropy(lib.ones(2, 3), lib.tensor([0, 1]), lib.ones(2)),
    "nll of floats": lambda lib, f: f.nll_loss(lib.ones(2, 3), lib.ones(2)),
    "no such reduction": lambda lib, f: f.mse_loss(lib.ones(2), lib.ones(2), reduction="avg"),
    "no such reduction of l1": lambda lib, f: f.l1_loss(lib.ones(2), lib.ones(2), reduction="avg"),
    "no such reduction of kl": lambda lib, f: f.kl_div(lib.ones(2), lib.ones(2), reduction="avg"),
    "bce of scores": lambda lib, f: f.binary_cross_entropy(lib.ones(2) * 2, lib.ones(2)),
    "bce of other shapes": lambda lib, f: f.binary_cross_entropy(lib.ones(2, 1) / 2, lib.ones(2)),
    "bce of classes": lambda lib, f: f.binary_cross_entropy(lib.ones(2) / 2, lib.ones(2).long()),
    "bce of doubles": lambda lib, f: f.binary_cross_entropy(lib.ones(2) / 2, lib.ones(2).double()),
    "logits of other shapes": lambda lib, f: f.binary_cross_entropy_with_logits(lib.ones(2, 1), lib.ones(2)),
    "mse of shapes that do not fit": lambda lib, f: f.mse_loss(lib.ones(2, 3), lib.ones(4)),
    "huber, delta 0": lambda lib, f: f.huber_loss(lib.ones(2), lib.ones(2), delta=0.0),
    "smooth l1, beta -1": lambda lib, f: f.smooth_l1_loss(lib.ones(2), lib.ones(2), beta=-1.0),
    "negative variance": lambda lib, f: f.gaussian_nll_loss(lib.ones(2), lib.ones(2), -lib.ones(2)),
    "another variance": lambda lib, f: f.gaussian_nll_loss(lib.ones(2, 3), lib.ones(2, 3), lib.ones(4)),
    "multi margin, p 3": lambda lib, f: f.multi_margin_loss(lib.ones(2, 3), lib.tensor([0, 1]), p=3),
    "multi margin, class 3": lambda lib, f: f.multi_margin_loss(lib.ones(2, 3), lib.tensor([0, 3])),
    "multi margin, another batch": lambda lib, f: f.multi_margin_loss(lib.ones(2, 3), lib.tensor([0, 1, 2])),
    "multilabel margin, label 3": lambda lib, f: f.multilabel_margin_loss(lib.ones(1, 3), lib.tensor([[3, -1, 0]])),
    "ranking of other shapes": lambda lib, f: f.margin_ranking_loss(lib.ones(2, 3), lib.ones(2), lib.ones(2)),
    "cosine of other shapes": lambda lib, f: f.cosine_embedding_loss(lib.ones(2, 3), lib.ones(2, 3), lib.ones(2, 3)),
    "cosine of vectors and a line": lambda lib, f: f.cosine_embedding_loss(lib.ones(3), lib.ones(3), lib.ones(3)),
    "triplet of other dimensions": lambda lib, f: f.triplet_margin_loss(lib.ones(2, 3), lib.ones(3), lib.ones(2, 3)),
    "triplet of margin 0": lambda lib, f: f.triplet_margin_loss(
        lib.ones(2, 3), lib.ones(2, 3), lib.ones(2, 3), margin=0.0
    ),
    "triplet module of margin 0": lambda lib, f: lib.nn.TripletMarginLoss(margin=0.0),
    "ctc of other lengths": lambda lib, f: f.ctc_loss(
        lib.ones(4, 2, 3), lib.ones(2, 2).long(), lib.tensor([4]), lib.tensor([2, 2])
    ),
    "ctc of long inputs": lambda lib, f: f.ctc_loss(
        lib.ones(4, 1, 3), lib.ones(1, 2).long(), lib.tensor([5]), lib.tensor([2])
    ),
    "ctc of no blank": lambda lib, f: f.ctc_loss(
        lib.ones(4, 1, 3), lib.ones(1, 2).long(), lib.tensor([4]), lib.tensor([2]), 3
    ),
    "ctc of long targets": lambda lib, f: f.ctc_loss(
        lib.ones(4, 1, 3), lib.ones(1, 2).long(), lib.tensor([4]), lib.tensor([3])
    ),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_refusals(name):
    found = []
    for lib, f in ((ours, F), (theirs, theirs.nn.functional)):
        with pytest.raises(Exception) as error:  # noqa: PT011
            BAD[name](lib, f)
        found.append(error.value)
    mine, other = found
    assert isinstance(mine, type(other)), f"{mine!r} is no {other!r}"
