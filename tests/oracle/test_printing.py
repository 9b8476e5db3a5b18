"""Printed forms beside torch's, over many kinds of tensors and settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nanograd as ng
from nanograd import settings

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")

DEFAULTS: dict[str, Any] = dict(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)
LONG = [(1001,), (40, 30), (3, 400), (9, 9, 20), (2, 7, 9, 11), (1, 1500), (2000, 1), (7, 200)]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0]


@pytest.fixture(autouse=True)
def _restore() -> Any:
    yield
    torch.set_printoptions(profile="default")
    ng.set_printoptions(**DEFAULTS)


def random_shape(rng: np.random.Generator) -> tuple[int, ...]:
    if rng.random() < 0.15:
        return LONG[rng.integers(len(LONG))]
    most = [0, 12, 8, 6, 4][rng.integers(5)]
    return (
        tuple(int(v) for v in rng.integers(rng.random() > 0.1, most, {0: 0, 12: 1, 8: 2, 6: 3, 4: 4}[most]))
        if most
        else ()
    )


def random_array(rng: np.random.Generator) -> Any:
    shape, kind = random_shape(rng), rng.integers(9)
    x = rng.standard_normal(shape)
    number = [np.float32, np.float64, np.float16][rng.choice(3, p=[0.7, 0.2, 0.1])]
    values: Any = [
        lambda: x * 10.0 ** rng.uniform(-8, 9),
        lambda: np.round(x * 10.0 ** rng.uniform(0, 6)),
        lambda: x * 10.0 ** rng.integers(-6, 6, shape),
        lambda: np.where(rng.random(shape) < 0.3, rng.choice(SPECIAL, shape), x),
        lambda: rng.choice([*SPECIAL, 1.0, 2.0, 1000.0, 1001.0, 1e8, 1e9, 1e-4, 9e-5, 0.5], shape),
        lambda: rng.choice(SPECIAL, shape),
    ]
    if kind < 6:
        with np.errstate(all="ignore"):
            return np.asarray(values[kind](), number)
    if kind == 6:
        return np.asarray(rng.integers(-(10 ** rng.integers(1, 18)), 10 ** rng.integers(1, 18), shape))
    if kind == 7:
        return np.asarray(rng.integers(0, 100, shape), [np.uint8, np.int32, np.int16, np.int8][rng.integers(4)])
    return np.asarray(rng.random(shape) < 0.5)


@pytest.mark.parametrize("seed", range(12))
def test_random_tensors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(100):
        a = random_array(rng)
        theirs, ours = torch.tensor(a), ng.tensor(a)
        if a.dtype.kind == "f" and rng.random() < 0.5:
            theirs.requires_grad_()
            ours.requires_grad_()
            if rng.random() < 0.5:
                theirs, ours = theirs * 1, ours * 1
        assert repr(ours) == repr(theirs)
        assert str(ours) == str(theirs)


@pytest.mark.parametrize("seed", range(8))
def test_random_settings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        options = dict(
            precision=int(rng.integers(0, 9)),
            threshold=int(rng.integers(0, 100)),
            edgeitems=int(rng.integers(0, 5)),
            linewidth=int(rng.integers(20, 200)),
            sci_mode=[None, True, False][rng.integers(3)],
        )
        torch.set_printoptions(**options)
        ng.set_printoptions(**options)
        a = random_array(rng)
        assert repr(ng.tensor(a)) == repr(torch.tensor(a)), options


@pytest.mark.parametrize("profile", ["default", "short", "full"])
@pytest.mark.parametrize("more", [{}, {"precision": 1}, {"edgeitems": 1, "threshold": 5}, {"linewidth": 30}])
def test_profiles(profile: str, more: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    for m in (torch, ng):
        m.set_printoptions(profile=profile, **more)
    for _ in range(25):
        a = random_array(rng)
        assert repr(ng.tensor(a)) == repr(torch.tensor(a)), (profile, more)


VIEWS = {
    "a row": lambda x: x[1],
    "transposed": lambda x: x.t(),
    "expanded": lambda x: x[:, :1].expand(4, 3),
    "stepped": lambda x: x[::2, 1:],
    "of a leaf": lambda x: x.requires_grad_()[0, 1],
    "a slice of a leaf": lambda x: x.requires_grad_()[:, 1:],
    "joined": lambda x: x.requires_grad_().unbind(0)[1],
    "long": lambda x: x.requires_grad_().repeat(40, 30),
    "nothing of a leaf": lambda x: x.requires_grad_()[:0],
    "half": lambda x: x.half() / 3,
    "integers": lambda x: x.to(x.dtype).long()[0],
    "truth": lambda x: x > 3,
    "bytes": lambda x: x.byte().t(),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_and_results(name: str) -> None:
    theirs, ours = (VIEWS[name](m.arange(12.0).reshape(4, 3) * 1.5) for m in (torch, ng))
    assert repr(ours) == repr(theirs)


def test_default_dtype_is_not_printed() -> None:
    try:
        for m in (torch, ng):
            m.set_default_dtype(m.float64)
        for a in (np.zeros(2), np.zeros(2, np.float32), np.zeros((0, 2)), np.zeros(2, np.int64), np.zeros(0, np.int64)):
            assert repr(ng.tensor(a)) == repr(torch.tensor(a))
    finally:
        for m in (torch, ng):
            m.set_default_dtype(m.float32)
    assert settings.get_default_dtype() is ng.float32


FORMATTED = ["{}", "{:.3f}", "{:>8}", "{:e}", "{:d}", "{!r}", "{!s}"]


@pytest.mark.parametrize("form", FORMATTED)
@pytest.mark.parametrize("value", [2.5, 3, True, [1.0, 2.0], [[1]], 1e20])
def test_format(form: str, value: Any) -> None:
    found = []
    for m in (torch, ng):
        try:
            found.append(form.format(m.tensor(value)))
        except (TypeError, ValueError) as error:
            found.append(type(error).__mro__[-3].__name__)
    assert found[1] == found[0] or "Error" in found[0]


def test_sizes_dtypes_pairs_and_nodes() -> None:
    for call in (
        lambda m: m.zeros(2, 3).shape,
        lambda m: m.zeros(()).shape,
        lambda m: m.float32,
        lambda m: m.bool,
        lambda m: m.int64,
        lambda m: m.tensor([[1.0, 5.0], [7.0, 2.0]]).max(1),
        lambda m: m.tensor([3, 1, 2]).sort(),
        lambda m: m.tensor([3, 1, 2]).topk(2),
        lambda m: m.tensor([[1.0, 5.0]]).min(0, keepdim=True),
        lambda m: m.device("cpu"),
        lambda m: m.zeros(1).device,
        lambda m: [m.ones(1)],
    ):
        assert repr(call(ng)) == repr(call(torch))


NODES = {
    "add": lambda x: x + 1,
    "sub": lambda x: x - 1,
    "mul": lambda x: x * 2,
    "div": lambda x: x / 2,
    "pow": lambda x: x**2,
    "neg": lambda x: -x,
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sqrt": lambda x: x.sqrt(),
    "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: x.sigmoid(),
    "relu": lambda x: x.relu(),
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(),
    "abs": lambda x: x.abs(),
    "clone": lambda x: x.clone(),
    "transpose": lambda x: x.transpose(0, 1),
    "permute": lambda x: x.permute(1, 0),
    "view": lambda x: x.view(-1),
    "t": lambda x: x.t(),
    "T": lambda x: x.T,
    "unsqueeze": lambda x: x.unsqueeze(0),
    "squeeze": lambda x: x.unsqueeze(0).squeeze(0),
    "expand": lambda x: x[:1].expand(3, 2),
    "slice": lambda x: x[:1],
    "select": lambda x: x[0],
    "matmul": lambda x: x @ x,
    "max": lambda x: x.max(1).values,
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(1),
    "sin": lambda x: x.sin(),
    "to": lambda x: x.double(),
    "cumsum": lambda x: x.cumsum(0),
    "prod": lambda x: x.prod(),
    "clamp": lambda x: x.clamp(0, 1),
    "min": lambda x: x.min(),
    "std": lambda x: x.std(),
    "var": lambda x: x.var(),
    "flip": lambda x: x.flip(0),
    "index": lambda x: x[[0, 1]],
    "reciprocal": lambda x: x.reciprocal(),
    "rsub": lambda x: 1 - x,
    "floor": lambda x: x.floor(),
    "tril": lambda x: x.tril(),
}


@pytest.mark.parametrize("name", NODES)
def test_names_of_nodes(name: str) -> None:
    """``grad_fn`` prints torch's name of the operation."""
    x = [[1.0, 2.0], [3.0, 4.0]]
    theirs, ours = (NODES[name](m.tensor(x, requires_grad=True)) for m in (torch, ng))
    assert repr(ours) == repr(theirs)
