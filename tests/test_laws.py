"""Every registered operation obeys every law, or its sample says why a law does not apply."""

from __future__ import annotations

import importlib
import pkgutil
import types

import pytest

import nanograd.ops
from nanograd.ops.op import FUSED, OPS
from nanograd.tensors import Tensor
from nanograd.testing import LAWS, SAMPLES, applies

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


METHODS = {v.__name__: v for v in vars(Tensor).values() if isinstance(v, types.FunctionType) and v.__module__.startswith("nanograd.ops")}


@pytest.mark.parametrize("name", sorted(METHODS.keys() - RANDOM.keys()))
def test_every_method_has_a_sample(name: str) -> None:
    assert name in SAMPLES, f"the method {name!r} of Tensor has no sample in nanograd/testing"
