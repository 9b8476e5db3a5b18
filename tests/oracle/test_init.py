"""nn.init and nn.utils beside torch: what is not random is equal, what is random has the same spread."""

import inspect
import math
import random

import numpy as np
import pytest

import nanograd as ours

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
NAMES = [n for n in theirs.nn.init.__all__ if n.endswith("_")]


@pytest.mark.parametrize("name", theirs.nn.init.__all__)
def test_every_name_of_torchs_is_there_with_its_arguments(name):
    mine, other = (inspect.signature(getattr(library.nn.init, name)).parameters for library in (ours, theirs))
    if name.endswith("_"):
        assert [(p.name, p.default) for p in mine.values()] == [(p.name, p.default) for p in other.values()]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("dirac_", "sparse_")])
@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (20, 10, 4, 3)])
def test_the_same_mean_and_spread(name, shape):
    if name == "eye_" and len(shape) > 2:
        shape = shape[:2]
    given = (0.25,) if name == "constant_" else ()
    ours.manual_seed(1)
    theirs.manual_seed(1)
    mine, other = (getattr(library.nn.init, name)(library.empty(*shape), *given).numpy() for library in (ours, theirs))
    spread = float(np.std(other))
    assert float(np.std(mine)) == pytest.approx(spread, rel=0.06, abs=1e-7)
    assert float(np.mean(mine)) == pytest.approx(float(np.mean(other)), abs=0.12 * spread + 1e-7)
    np.testing.assert_allclose(np.abs(mine).max(), np.abs(other).max(), rtol=0.3)


def test_random_gains_and_fans_give_the_same_bounds():
    rng = random.Random(0)
    for _ in range(25):
        shape = [rng.randint(2, 9) for _ in range(rng.randint(2, 4))]
        name, options = rng.choice(
            [
                ("xavier_uniform_", {"gain": rng.uniform(0.5, 2)}),
                (
                    "kaiming_uniform_",
                    {
                        "a": rng.uniform(0, 2),
                        "mode": rng.choice(["fan_in", "fan_out"]),
                        "nonlinearity": rng.choice(["relu", "leaky_relu", "tanh", "selu", "linear", "conv2d"]),
                    },
                ),
            ]
        )
        tops = []
        for library in (ours, theirs):
            library.manual_seed(0)
            filled = [getattr(library.nn.init, name)(library.empty(*shape), **options) for _ in range(30)]
            tops.append(max(float(w.abs().max()) for w in filled))
        assert tops[0] == pytest.approx(tops[1], rel=0.2)


@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 4, 3), 1), ((2, 5, 3, 4), 2), ((6, 2, 3, 3), 3), ((3, 2, 1, 2, 3), 1)]
)
def test_dirac_weights_are_equal(shape, groups):
    mine, other = (library.nn.init.dirac_(library.ones(*shape), groups).numpy() for library in (ours, theirs))
    np.testing.assert_array_equal(mine, other)


def test_sparse_columns_have_as_many_zeros():
    for sparsity in (0, 0.1, 0.35, 0.5, 1):
        mine, other = (library.nn.init.sparse_(library.ones(13, 4), sparsity) for library in (ours, theirs))
        assert (mine == 0).sum(0).tolist() == (other == 0).sum(0).tolist()


@pytest.mark.parametrize(
    "act",
    [
        lambda t: t.nn.init.dirac_(t.zeros(2, 2)),
        lambda t: t.nn.init.dirac_(t.zeros(3, 2, 2), 2),
        lambda t: t.nn.init.orthogonal_(t.zeros(2)),
        lambda t: t.nn.init.sparse_(t.zeros(2), 0.5),
        lambda t: t.nn.init.eye_(t.zeros(2)),
        lambda t: t.nn.init.xavier_uniform_(t.zeros(2)),
        lambda t: t.nn.init.kaiming_uniform_(t.zeros(2, 2), mode="x"),
        lambda t: t.nn.init.calculate_gain("x"),
        lambda t: t.nn.init.calculate_gain("leaky_relu", "x"),
    ],
)
def test_refusals_begin_with_torchs_words(act):
    texts = []
    for library in (ours, theirs):
        with pytest.raises(ValueError, match=" ") as error:
            act(library)
        texts.append(str(error.value))
    assert texts[0].startswith(texts[1][:50])


# nn.utils


def gradients(seed, dtype):
    draw = np.random.default_rng(seed)
    arrays = [np.array(draw.standard_normal(shape), dtype) for shape in ((3, 2), (4,), (), (2, 0))]
    found = []
    for library in (ours, theirs):
        tensors = [library.zeros(a.shape, dtype=getattr(library, dtype)).requires_grad_() for a in arrays]
        for p, a in zip(tensors, arrays, strict=True):
            p.grad = library.from_numpy(a.copy())
        found.append([*tensors, library.zeros(2, requires_grad=True)])
    return found


@pytest.mark.parametrize("order", [2.0, 1, 0.5, 3, math.inf, "inf", 0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_by_norm_agrees(order, dtype):
    for seed in range(6):
        most = random.Random(seed).choice([0.1, 1.0, 100.0])
        both = gradients(seed, dtype)
        if order in (math.inf, "inf"):  # torch has no such norm of an empty tensor; here it does not count
            both[1][3].grad = None
        totals = [
            library.nn.utils.clip_grad_norm_(tensors, most, norm_type=order)
            for library, tensors in zip((ours, theirs), both, strict=True)
        ]
        assert totals[0].item() == pytest.approx(totals[1].item(), rel=1e-5)
        assert str(totals[0].dtype) == str(totals[1].dtype)
        for p, q in zip(*both, strict=True):
            if q.grad is not None:
                np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-5)
                assert p.grad.shape == q.grad.shape


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_gradients_that_are_not_finite_agree(bad):
    both = gradients(0, "float32")
    for library, tensors in zip((ours, theirs), both, strict=True):
        tensors[0].grad[0, 0] = bad
        with pytest.raises(RuntimeError, match="is non-finite, so it cannot be clipped"):
            library.nn.utils.clip_grad_norm_(tensors, 1.0, error_if_nonfinite=True)
        library.nn.utils.clip_grad_norm_(tensors, 1.0)
    for p, q in zip(*both, strict=True):
        if q.grad is not None:
            np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())


def test_clipping_by_value_and_vectors_agree():
    both = gradients(1, "float32")
    vectors = []
    for library, tensors in zip((ours, theirs), both, strict=True):
        library.nn.utils.clip_grad_value_(tensors, 0.5)
        library.nn.utils.vector_to_parameters(library.arange(13.0), tensors)
        vectors.append(library.nn.utils.parameters_to_vector(tensors).tolist())
    for p, q in zip(*both, strict=True):
        if q.grad is not None:
            np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())
    assert vectors[0] == vectors[1]


@pytest.mark.parametrize("name", ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"])
def test_arguments_of_utils_are_torchs(name):
    mine, other = (inspect.signature(getattr(library.nn.utils, name)).parameters for library in (ours, theirs))
    assert [(p.name, p.default) for p in mine.values()] == [(p.name, p.default) for p in other.values()]


def layer(library, kind):
    nn = library.nn
    return nn.Linear(4, 3) if kind == "linear" else nn.Conv2d(2, 3, 3)


def reached(library, path):
    for name in path.split("."):
        library = getattr(library, name)
    return library


def copied(mine, other):
    other.load_state_dict({k: theirs.from_numpy(v.numpy().copy()) for k, v in mine.state_dict().items()})


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("kind", ["linear", "convolution"])
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
def test_normalized_weights_agree(name, old, kind, dim):
    apply = f"nn.utils.{name}" if old else f"nn.utils.parametrizations.{name}"
    remove = f"nn.utils.remove_{name}" if old else "nn.utils.parametrize.remove_parametrizations"
    a, b = layer(ours, kind), layer(theirs, kind)
    copied(a, b)
    reached(ours, apply)(a, dim=dim)
    reached(theirs, apply)(b, dim=dim)
    assert repr(a) == repr(b)
    assert list(a.state_dict()) == list(b.state_dict())
    assert [n for n, _ in a.named_parameters()] == [n for n, _ in b.named_parameters()]
    copied(a, b)
    x = np.random.default_rng(0).standard_normal((5, 4) if kind == "linear" else (2, 2, 6, 6)).astype(np.float32)
    for _ in range(3):
        results = [module(library.from_numpy(x.copy())) for library, module in ((ours, a), (theirs, b))]
        np.testing.assert_allclose(results[0].detach().numpy(), results[1].detach().numpy(), rtol=1e-4, atol=1e-5)
        for module, y in zip((a, b), results, strict=True):
            module.zero_grad()
            (y * y).sum().backward()
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-3, atol=1e-4)
    for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-4, atol=1e-5)
    for library, module in ((ours, a.eval()), (theirs, b.eval())):
        reached(library, remove)(module, "weight")
    assert repr(a) == repr(b)
    assert list(a.state_dict()) == list(b.state_dict())
    np.testing.assert_allclose(a.weight.detach().numpy(), b.weight.detach().numpy(), rtol=1e-3, atol=1e-4)


def test_a_parametrization_of_ones_own_agrees():
    found = []
    for library in (ours, theirs):
        nn = library.nn

        class Symmetric(nn.Module):
            def forward(self, x):
                return x.triu() + x.triu(1).T

            def right_inverse(self, x):
                return x.triu()

        class Twice(nn.Module):
            def forward(self, x):
                return 2 * x

            def right_inverse(self, x):
                return x / 2

        module = nn.Linear(3, 3)
        with library.no_grad():
            module.weight.copy_(library.arange(9.0).reshape(3, 3))
            module.bias.zero_()
        nn.utils.parametrize.register_parametrization(module, "weight", Symmetric())
        seen = [module.weight.tolist()]
        nn.utils.parametrize.register_parametrization(module, "weight", Twice())
        seen += [module.weight.tolist(), module.parametrizations.weight.original.tolist(), repr(module)]
        module.weight = library.ones(3, 3)
        seen += [module.weight.tolist(), module.parametrizations.weight.original.tolist()]
        module(library.ones(1, 3)).sum().backward()
        seen += [module.parametrizations.weight.original.grad.tolist()]
        seen += [type(module).__name__, nn.utils.parametrize.is_parametrized(module, "bias")]
        nn.utils.parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
        seen += [module.weight.tolist(), type(module).__name__, [n for n, _ in module.named_parameters()]]
        found.append(seen)
    assert found[0] == found[1]
