"""Every registered operation obeys every law, or its sample says why a law does not apply."""

from __future__ import annotations

import importlib
import pkgutil
import types
from typing import Any

import numpy as np
import pytest

import nanograd.ops
from nanograd import autograd
from nanograd.dtypes import float64
from nanograd.ops.creation import tensor
from nanograd.ops.op import FUSED, OPS
from nanograd.tape import Node
from nanograd.tensors import Tensor
from nanograd.testing import LAWS, SAMPLES, applies, assert_close, trial
from nanograd.testing.sample import differentiable

for module in pkgutil.iter_modules(nanograd.ops.__path__):  # an operation of a module that nobody imports counts too
    importlib.import_module(f"nanograd.ops.{module.name}")

# Methods of Tensor from nanograd/ops that draw random numbers: no formula gives their result.
RANDOM = {"bernoulli": "tests/test_creation.py", "multinomial": "tests/test_creation.py"}

PAIRS = [pytest.param(name, law, id=f"{name}-{law}") for name, s in SAMPLES.items() for law in LAWS if applies(law, s)]


@pytest.mark.parametrize(("name", "law"), PAIRS)
def test_law(name: str, law: str) -> None:
    LAWS[law](SAMPLES[name])


@pytest.mark.parametrize("name", sorted({*OPS, *FUSED}))
def test_every_operation_has_a_sample(name: str) -> None:
    assert name in SAMPLES, f"the operation {name!r} has no sample in nanograd/testing: no law holds it to anything"


METHODS = {
    v.__name__: v
    for v in vars(Tensor).values()
    if isinstance(v, types.FunctionType) and v.__module__.startswith("nanograd.ops")
}


@pytest.mark.parametrize("name", sorted(METHODS.keys() - RANDOM.keys()))
def test_every_method_has_a_sample(name: str) -> None:
    assert name in SAMPLES, f"the method {name!r} of Tensor has no sample in nanograd/testing"


def test_a_name_without_a_sample_is_named() -> None:
    assert set(OPS) <= set(SAMPLES)
    OPS["an_operation_of_tomorrow"] = lambda: None
    try:
        with pytest.raises(AssertionError, match=r"an_operation_of_tomorrow.* has no sample"):
            test_every_operation_has_a_sample("an_operation_of_tomorrow")
    finally:
        del OPS["an_operation_of_tomorrow"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_law_that_does_not_apply_has_a_reason(name: str) -> None:
    sample = SAMPLES[name]
    for law, reason in sample.without.items():
        assert law in LAWS, f"{law} is no law"
        assert len(reason.split()) >= 3, f"{law}: {reason!r} is no reason"


@pytest.mark.parametrize("name", [n for n, s in SAMPLES.items() if not applies("gradient", s)])
def test_without_a_gradient_nothing_flows(name: str) -> None:
    """An operation that is excused from the gradient laws either records nothing or sends back zeros."""
    sample = SAMPLES[name]
    for case in trial.cases(sample):
        xs = trial.leaves(sample, trial.arrays(sample, case))
        if trial.differentiable(sample.call(*xs, **case.options)) and "constant" in sample.without["gradient"]:
            for g in trial.gradients(sample, xs, case.options):
                assert g is None or not g.array.any()


TWINS = {s.twin for s in SAMPLES.values() if s.twin}
FILLING = {"copy_", "fill_", "zero_", "normal_", "uniform_", "requires_grad_", "detach_"}  # tests/test_tensors.py
FILLING |= {
    "squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "resize_", "set_", "scatter_",
    "as_strided_", "share_memory_",
    "scatter_add_", "scatter_reduce_", "index_add_", "index_copy_", "index_fill_", "index_put_", "index_reduce_",
    "put_", "masked_scatter_", "fill_diagonal_",  # tests/test_indexing.py
    "bernoulli_", "exponential_", "log_normal_", "cauchy_", "geometric_", "random_",  # tests/test_creation.py
}  # fmt: skip


MAKES = {"creation", "ranges", "sampling", "chance", "queries", "typed"}  # modules whose functions take no tensor
PARTS = {  # what other operations with a sample are made of, or another name's special case
    "broadcast_shapes", "celu", "fill", "result_type", "selu", "tril_indices", "triu_indices",
}  # fmt: skip


def test_every_public_operation_is_under_the_laws() -> None:
    """Each function of nanograd.ops that ``import nanograd`` offers has a sample, under its name or another of its."""
    held = {sample.call for sample in SAMPLES.values()}
    public = {name: getattr(f, "guards", f) for name, f in vars(nanograd).items() if not name.startswith("_")}
    names = [
        name
        for name, f in public.items()
        if isinstance(f, types.FunctionType) and f.__module__.startswith("nanograd.ops.")
        if f.__module__.rpartition(".")[2] not in MAKES and name not in PARTS
        if f.__name__ not in SAMPLES and f not in held
    ]
    assert names == []


def test_every_twin_is_under_the_law() -> None:
    """Every ``Tensor.name_`` is the twin of a sample, another name of one, or fills without an operation."""
    methods = {n for n in dir(Tensor) if n.endswith("_") and not n.endswith("__")}
    held = {getattr(Tensor, name) for name in TWINS}
    assert [name for name in sorted(methods - FILLING) if getattr(Tensor, name) not in held] == []


def test_equal_elements_share_the_gradient() -> None:
    """Of n equal extremes over some dimensions each gets 1/n; along one dimension the first gets all."""
    value = np.array([[1.0, 3.0, 3.0], [3.0, 0.0, 0.0]])
    expected = {
        "amax": ([[0, 0.5, 0.5], [1, 0, 0]], {"dim": 1}),
        "amin": ([[1, 0, 0], [0, 0.5, 0.5]], {"dim": 1}),
        "max": ([[0, 1 / 3, 1 / 3], [1 / 3, 0, 0]], {}),
        "min": ([[0, 0, 0], [0, 0.5, 0.5]], {}),
        "max_along": ([[0, 1, 0], [1, 0, 0]], {"dim": 1}),
        "min_along": ([[1, 0, 0], [0, 1, 0]], {"dim": 1}),
    }
    for name, (gradient, options) in expected.items():
        x = tensor(value).requires_grad_()
        trial.outputs(SAMPLES[name].call(x, **options))[0].sum().backward()
        assert_close(x.grad, tensor(gradient, dtype=float64))
    for name, of_first in (("maximum", [0.0, 0.5, 1.0]), ("minimum", [1.0, 0.5, 0.0])):
        x = tensor(np.array([1.0, 2.0, 3.0])).requires_grad_()
        SAMPLES[name].call(x, tensor(np.full(3, 2.0))).sum().backward()
        assert_close(x.grad, tensor(of_first, dtype=float64))


# What the tape relies on: it looks up once per pullback which of its closure cells hold tensors.


def kinds_in_closures() -> dict[types.CodeType, dict[str, set[str]]]:
    """pullback -> captured name -> kinds of what it held, over all samples, first and second order."""
    found: dict[types.CodeType, dict[str, set[str]]] = {}
    for sample in SAMPLES.values():
        for case in (*trial.cases(sample), *sample.broadcast, *sample.zero_dim, *sample.empty):
            xs = trial.leaves(sample, trial.arrays(sample, case))
            ys = trial.differentiable(sample.call(*xs, **case.options))
            if not ys:
                continue
            gs = trial.gradients(sample, xs, case.options, create_graph=True)
            for node in nodes([*ys, *(g for g in gs if g is not None and g.requires_grad)]):
                for _, _, pullback in node.edges or ():
                    names = pullback.__code__.co_freevars
                    for name, cell in zip(names, pullback.__closure__ or (), strict=True):
                        held = found.setdefault(pullback.__code__, {}).setdefault(name, set())
                        held.add(kind(cell.cell_contents))
    return found


def nodes(tensors: list[Tensor]) -> list[Node]:
    """Every node behind the tensors."""
    reached = list(dict.fromkeys(t.node for t in tensors))
    for node in reached:
        assert node is not None
        reached += [parent for parent, _, _ in node.edges or () if parent not in reached]
    return reached  # type: ignore[return-value]


def kind(value: Any) -> str:
    """What a closure cell holds: a tensor, None, a raw array, or something plain such as a shape."""
    if isinstance(value, np.ndarray):
        return "array"
    return "tensor" if isinstance(value, Tensor) else "none" if value is None else "plain"


def test_a_name_in_a_pullback_holds_one_kind_of_thing() -> None:
    found = kinds_in_closures()
    assert len(found) > 50
    for code, names in found.items():
        for name, held in names.items():
            where = f"{code.co_qualname} ({code.co_filename}:{code.co_firstlineno}), {name!r}"
            assert not ("plain" in held and len(held) > 1), f"{where} holds {held}: a plain thing in one call only"
            assert "array" not in held, f"{where} holds a raw array: the written-after check cannot see it"


# In place, with itself


@pytest.mark.parametrize(
    "name",
    [
        n
        for n, s in SAMPLES.items()
        if s.twin and len(s.inputs) == 2 and s.gives != "bool" and all(map(differentiable, s.inputs))
    ],
)
def test_in_place_with_itself(name: str) -> None:
    """x.mul_(x): both inputs are what is overwritten."""
    sample = SAMPLES[name]
    value = trial.arrays(sample, next(trial.cases(sample)))[0]
    found = []
    for call in (sample.call, getattr(Tensor, sample.twin or "")):
        x = tensor(value).requires_grad_()
        h = x * 1
        y = call(h, h)
        (g,) = autograd.grad(y.sum(), x)
        found.append((y.detach(), g))
    assert_close(found[1], found[0])


@pytest.mark.parametrize("name", ["mul_", "div_", "pow_", "remainder_"])
def test_in_place_with_a_part_of_itself(name: str) -> None:
    """What the way back needs is about to be overwritten: refused, never silently wrong."""
    h = tensor(np.array([[1.5, 2.5], [3.5, 4.5]])).requires_grad_() * 1
    with pytest.raises(RuntimeError, match=f"{name}: the way back needs a tensor .* shares the memory"):
        getattr(h, name)(h[0])


def test_casts_carry_gradients_between_float_types() -> None:
    x = tensor([1.0, 2.0]).requires_grad_()
    (x.double() * tensor([3.0, 5.0], dtype=float64)).sum().backward()
    assert_close(x.grad, tensor([3.0, 5.0]))


@pytest.mark.parametrize("name", ["copy_", "fill_", "zero_", "normal_", "uniform_"])
def test_what_is_overwritten_by_a_constant_gets_no_gradient(name: str) -> None:
    x = tensor([1.0, 2.0]).requires_grad_()
    h = x * 3
    arguments = {"copy_": (tensor([5.0, 6.0]),), "fill_": (7.0,)}.get(name, ())
    assert getattr(h, name)(*arguments) is h
    (h * h + x).sum().backward()
    assert_close(x.grad, tensor([1.0, 1.0]))
