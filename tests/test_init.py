"""nn.init: distributions against their cumulative functions, matrices against what defines them."""

import inspect
import math
import warnings

import numpy as np
import pytest

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import nn
from nanograd.nn import init
from nanograd.random import default_generator


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(11)


def normal_below(x):
    return 0.5 * (1 + np.vectorize(math.erf)(np.asarray(x, float) / math.sqrt(2)))


def truncated_below(a, b, mean=0.0, std=1.0):
    low, high = normal_below((a - mean) / std), normal_below((b - mean) / std)
    return lambda x: (normal_below((x - mean) / std) - low) / (high - low)


def assert_distributed(values, below):
    """The greatest distance between the empirical and the true distribution  (Kolmogorov): 5 σ for this many."""
    values = np.sort(np.asarray(values, float).reshape(-1))
    n = values.size
    expected = below(values)
    distance = max(np.abs(expected - np.arange(n) / n).max(), np.abs(expected - np.arange(1, n + 1) / n).max())
    assert distance < 2.2 / math.sqrt(n)


@pytest.mark.parametrize(
    ("a", "b", "mean", "std"),
    [
        (-2, 2, 0, 1), (-1, 3, 0.5, 2), (-math.inf, math.inf, 1, 2), (1, 3, 0, 1), (-0.1, 0.1, 0, 1), (1.9, 5, 0, 1),
        (0.0, 0.01, 0, 0.02),
    ],
)  # fmt: skip
def test_truncated_normal_numbers(a, b, mean, std):
    w = torch.empty(50, 100, dtype=torch.float64)
    assert init.trunc_normal_(w, mean, std, a, b) is w
    values = w.numpy()
    assert values.min() >= a
    assert values.max() <= b
    assert_distributed(values, truncated_below(a, b, mean, std))


def test_a_far_away_interval_is_warned_about_and_still_right():
    w = torch.empty(20000, dtype=torch.float64)
    with pytest.warns(UserWarning, match="mean is more than 2 std from") as caught:
        init.trunc_normal_(w, a=5.0, b=6.0)
    assert caught[0].filename == __file__
    assert_distributed(w.numpy(), truncated_below(5, 6))
    with pytest.warns(UserWarning, match="mean is more than 2 std"):
        init.trunc_normal_(w, a=4.0, b=math.inf)
    assert_distributed(w.numpy(), truncated_below(4, math.inf))


@pytest.mark.parametrize("options", [{"std": 0}, {"std": -1}, {"a": 2, "b": 1}, {"std": math.nan}])
def test_impossible_truncations_are_refused(options):
    with pytest.raises(ValueError, match="expected std > 0 and a <= b"):
        init.trunc_normal_(torch.zeros(3), **options)


def uniform_within(bound):
    return lambda x: (x + bound) / (2 * bound)


@pytest.mark.parametrize(
    ("fill", "below"),
    [
        (lambda w: init.uniform_(w, -2, 2), uniform_within(2)),
        (lambda w: init.normal_(w, 1, 3), lambda x: normal_below((x - 1) / 3)),
        (lambda w: init.xavier_uniform_(w, 2), uniform_within(2 * math.sqrt(6 / (100 * 6 + 50 * 6)))),
        (lambda w: init.xavier_normal_(w), lambda x: normal_below(x / math.sqrt(2 / 900))),
        (lambda w: init.kaiming_uniform_(w, math.sqrt(5)), uniform_within(1 / math.sqrt(50 * 6))),
        (lambda w: init.kaiming_normal_(w, 0, "fan_out", "relu"), lambda x: normal_below(x / math.sqrt(2 / 600))),
    ],
)
def test_distributions(fill, below):
    """A convolution's weight: 100 outputs, 50 inputs, a window of 2 x 3."""
    w = nn.Parameter(torch.empty(100, 50, 2, 3, dtype=torch.float64))
    assert fill(w) is w
    assert w.requires_grad
    assert w.is_leaf
    assert_distributed(w.detach().numpy(), below)


RANDOM = {
    "uniform_": (), "normal_": (), "trunc_normal_": (), "xavier_uniform_": (), "xavier_normal_": (),
    "kaiming_uniform_": (), "kaiming_normal_": (), "orthogonal_": (), "sparse_": (0.5,),
}  # fmt: skip


@pytest.mark.parametrize("name", RANDOM)
def test_a_generator_decides_and_the_default_one_is_left_alone(name):
    def draw(seed):
        generator = torch.Generator().manual_seed(seed)
        return getattr(init, name)(torch.empty(6, 4), *RANDOM[name], generator=generator)

    state = default_generator.get_state()
    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    assert torch.equal(default_generator.get_state(), state)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 2, 3), (20, 2, 3), (1, 1), (2, 1, 1, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_orthogonal_matrices(shape, dtype):
    w = init.orthogonal_(torch.empty(*shape, dtype=dtype), gain=3.0)
    q = w.numpy().reshape(shape[0], -1)
    product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, 9 * np.eye(min(q.shape)), atol=1e-5 if dtype is torch.float32 else 1e-12)


def test_every_orthogonal_matrix_is_equally_likely():
    """Haar's measure in the plane: the angle is uniform, and half of the matrices are reflections."""
    drawn = np.array([init.orthogonal_(torch.empty(2, 2, dtype=torch.float64)).numpy() for _ in range(1500)])
    angles = np.arctan2(drawn[:, 0, 1], drawn[:, 0, 0])
    assert_distributed(angles, lambda x: (x + math.pi) / (2 * math.pi))
    assert abs((np.linalg.det(drawn) > 0).mean() - 0.5) < 0.07


def test_orthogonal_half_precision_and_nothing():
    q = init.orthogonal_(torch.empty(4, 6, dtype=torch.float16)).numpy().astype(float)
    np.testing.assert_allclose(q @ q.T, np.eye(4), atol=5e-3)
    assert init.orthogonal_(torch.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 4, 3), 1), ((2, 5, 3, 4), 1), ((6, 2, 3, 3), 3), ((3, 2, 1, 2, 3), 1)]
)
def test_a_dirac_convolution_hands_its_input_on(shape, groups):
    w = init.dirac_(torch.ones(*shape), groups)
    expected = np.zeros(shape)
    out = shape[0] // groups
    for group in range(groups):
        for i in range(min(out, shape[1])):
            expected[(group * out + i, i, *(size // 2 for size in shape[2:]))] = 1
    np.testing.assert_array_equal(w.numpy(), expected)


def test_a_dirac_weight_is_the_identity_of_conv2d():
    x = torch.randn(2, 3, 6, 6)
    w = init.dirac_(nn.Parameter(torch.empty(3, 3, 3, 3)))
    np.testing.assert_allclose(F.conv2d(x, w, padding=1).detach().numpy(), x.numpy())


def test_sparse_columns_have_their_share_of_zeros():
    w = init.sparse_(torch.ones(10, 50, dtype=torch.float64), 0.35, std=2.0)
    assert ((w == 0).sum(0) == 4).all()
    zero_rows = (w == 0).sum(1).tolist()
    assert max(zero_rows) < 50
    assert min(zero_rows) > 0
    values = w.numpy()
    assert_distributed(values[values != 0], lambda x: normal_below(x / 2))


def test_constants():
    w = nn.Parameter(torch.randn(2, 3))
    assert init.zeros_(w).tolist() == [[0, 0, 0]] * 2
    assert init.ones_(w).tolist() == [[1, 1, 1]] * 2
    assert init.constant_(w, 2.5).tolist() == [[2.5] * 3] * 2
    assert init.eye_(w).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert w.requires_grad
    assert w.is_leaf


def test_views_are_written_through():
    w = torch.zeros(4, 6)
    init.ones_(w[1:3, ::2])
    assert w.sum() == 6
    init.orthogonal_(w.t())
    q = w.numpy()
    np.testing.assert_allclose(q @ q.T, np.eye(4), atol=1e-5)


def test_no_elements_are_no_problem():
    for fill in (init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.warns(UserWarning, match="zero-element tensors is a no-op") as caught:
            fill(torch.empty(0, 3))
        assert caught[0].filename == __file__
    for fill in (init.xavier_uniform_, init.xavier_normal_, init.uniform_, init.normal_, init.trunc_normal_):
        assert fill(torch.empty(0, 0)).numel() == 0


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: init.dirac_(torch.zeros(2, 2)), "3, 4, or 5 dimensions"),
        (lambda: init.dirac_(torch.zeros(3, 2, 2), 2), "dim 0 must be divisible by groups"),
        (lambda: init.dirac_(torch.zeros(3, 2, 2), 0), "dim 0 must be divisible by groups"),
        (lambda: init.orthogonal_(torch.zeros(3)), "2 or more dimensions"),
        (lambda: init.sparse_(torch.zeros(3), 0.5), "2 dimensions"),
        (lambda: init.sparse_(torch.zeros(3, 3), 1.5), r"a sparsity in \[0, 1\]"),
        (lambda: init.eye_(torch.zeros(3)), "2 dimensions"),
        (lambda: init.xavier_normal_(torch.zeros(3)), "fewer than 2 dimensions"),
        (lambda: init.kaiming_normal_(torch.zeros(3, 3), mode="fan"), "Mode fan not supported"),
        (lambda: init.calculate_gain("swish"), "Unsupported nonlinearity swish"),
        (lambda: init.calculate_gain("leaky_relu", True), "negative_slope True not a valid number"),
    ],
)
def test_wrong_arguments_are_refused(act, words):
    with pytest.raises(ValueError, match=words):
        act()


@pytest.mark.parametrize("name", [n for n in init.__all__ if n + "_" in init.__all__])
def test_old_names_warn_and_do_the_same(name):
    shape = (4, 4, 3) if name == "dirac" else (4, 4)
    needs = [p for p in inspect.signature(getattr(init, name + "_")).parameters.values() if p.default is p.empty][1:]
    generator = {"generator": torch.Generator().manual_seed(1)}
    options = generator if name + "_" in RANDOM else {}
    with pytest.warns(FutureWarning, match=rf"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`"):
        old = getattr(init, name)(torch.ones(*shape), *(0.5 for _ in needs), **options)
    generator["generator"].manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = getattr(init, name + "_")(torch.ones(*shape), *(0.5 for _ in needs), **options)
    assert torch.equal(old, new)
