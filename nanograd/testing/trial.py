"""Trying a sample: its inputs as arrays and tensors, its results, their gradients, and comparing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nanograd import autograd, dtypes
from nanograd.dtypes import DType
from nanograd.errors import GradError
from nanograd.ops.creation import from_numpy, tensor
from nanograd.tensors import Tensor
from nanograd.testing.close import assert_close
from nanograd.testing.sample import Array, Case, Sample

__all__ = [
    "LAYOUTS", "arrays", "cases", "compare", "describe", "differentiable", "gradients", "kind", "leaves", "must_refuse",
    "outputs", "placed", "ruled", "small", "varied",
]  # fmt: skip


def cases(sample: Sample) -> Iterator[Case]:
    """Its own shapes with each of its options."""
    shapes = tuple(i.shape for i in sample.inputs)
    return (Case(shapes, options) for options in sample.options)


def arrays(sample: Sample, case: Case, dtype: Any = np.float64) -> list[Array]:
    """Arrays for the inputs of ``case``, the same ones every time; floats as ``dtype``."""
    rng = np.random.default_rng(17)
    made = [i.domain(rng, shape) for i, shape in zip(sample.inputs, case.shapes, strict=True)]
    return [np.asarray(a, dtype) if a.dtype.kind == "f" else a for a in made]


def leaves(sample: Sample, values: Sequence[Array]) -> list[Tensor]:
    """Tensors of the arrays; the differentiable ones require grad."""
    made = [tensor(a) for a in values]
    for t, given in zip(made, sample.inputs, strict=True):
        if given.grad and t.is_floating_point():
            t.requires_grad_()
    return made


def outputs(y: Any) -> list[Any]:
    """The results of an operation as a list."""
    return list(y) if isinstance(y, (tuple, list)) else [y]


def differentiable(y: Any) -> list[Tensor]:
    """Those results through which gradients flow."""
    return [t for t in outputs(y) if isinstance(t, Tensor) and t.requires_grad]


def gradients(sample: Sample, xs: Sequence[Tensor], options: dict[str, Any], **more: Any) -> list[Tensor | None]:
    """The gradients of a fixed random weight of every result, in the inputs that require grad."""
    ys = differentiable(sample.call(*xs, **options))
    rng = np.random.default_rng(3)
    weights = [tensor(rng.standard_normal(y.array.shape), dtype=y.dtype) for y in ys]
    wanted = [x for x in xs if x.requires_grad]
    return list(autograd.grad(ys, wanted, weights, allow_unused=True, **more))


def compare(
    actual: Any, expected: Any, what: str, *, dtype: bool = True, rtol: float = 1e-9, atol: float = 1e-9
) -> None:
    """``assert_close`` of all results, with the case in the message."""
    got, wanted = outputs(actual), outputs(expected)
    assert len(got) == len(wanted), f"{what}: {len(got)} results, expected {len(wanted)}"
    for number, (a, b) in enumerate(zip(got, wanted, strict=True)):
        a, b = (np.array(v.numpy_of() if isinstance(v, Tensor) else v) for v in (a, b))
        b = b if dtype else b.astype(a.dtype)
        here = f"{what}: result {number}"
        assert a.shape == b.shape, f"{here}: shape {a.shape}, expected {b.shape}"
        assert_close(
            a, b, rtol=rtol, atol=atol, equal_nan=True, check_dtype=dtype, msg=lambda text, here=here: f"{here}: {text}"
        )


def describe(case: Case) -> str:
    """The case in words."""
    options = ", ".join(f"{k}={v}" for k, v in case.options.items())
    return f"shapes {', '.join(map(str, case.shapes))}" + (f" with {options}" if options else "")


# Layouts of memory


def transposed(a: Array) -> Array:
    """The same elements, the last dimension the slowest in memory."""
    return np.array(a.T, order="C").T


def stepped(a: Array) -> Array:
    """The same elements, every second one of a longer memory."""
    wide = np.zeros((*a.shape, 2), a.dtype)
    wide[..., 0] = a
    return wide[..., 0]


def offset(a: Array) -> Array:
    """The same elements, dense, in the middle of a longer memory."""
    wide = np.zeros(a.size + 2, a.dtype)
    wide[1:-1] = a.reshape(-1)
    return wide[1:-1].reshape(a.shape)


LAYOUTS = (transposed, stepped, offset)


def placed(sample: Sample, values: Sequence[Array]) -> list[Tensor]:
    """Tensors that share the memory of the arrays; the differentiable ones require grad."""
    made = [from_numpy(a) for a in values]
    for t, given in zip(made, sample.inputs, strict=True):
        t.requires_grad_(given.grad and t.is_floating_point())
    return made


# Dtypes


def kind(dtype: DType) -> str:
    """b, i or f."""
    return "bif"[dtype.category]


def varied(sample: Sample) -> list[int]:
    """The inputs whose dtype may vary: those of floats, or all where none is."""
    values = arrays(sample, next(cases(sample)))
    return [i for i, a in enumerate(values) if a.dtype.kind == "f"] or list(range(len(values)))


def small(sample: Sample, given: Sequence[DType]) -> list[Array]:
    """Inputs of the given dtypes; integers are 1, 2 and 3, which every dtype holds."""
    values, rng = arrays(sample, next(cases(sample))), np.random.default_rng(2)
    for i, dtype in zip(varied(sample), given, strict=True):
        if not dtype.is_floating_point:
            low, high = (0, 2) if dtype is dtypes.bool_ else (1, 4)
            values[i] = np.asarray(rng.integers(low, high, values[i].shape))
        values[i] = values[i].astype(dtype.numpy)
    return values


def ruled(rule: str, given: Sequence[DType]) -> DType:
    """The dtype of a result: "same" as the inputs promoted to each other; "float", integers become float32; "sum",
    integers become int64; "number", bool becomes int64; "bool"; "truth", bool but uint8 of uint8; "index", int64."""
    floats = [d for d in given if d.is_floating_point]
    if rule in ("bool", "index"):
        return dtypes.bool_ if rule == "bool" else dtypes.int64
    if floats:  # integers and truth values do not widen a float
        same = max(floats, key=lambda d: d.itemsize)
    else:
        same = dtypes.dtype_of(np.result_type(*(d.numpy for d in given)))
    if rule == "truth":
        return same if same is dtypes.uint8 else dtypes.bool_
    if rule == "float":
        return same if floats else dtypes.float32
    widened = (rule == "sum" and not floats) or (rule == "number" and same is dtypes.bool_)
    return dtypes.int64 if widened else same


# Refusal


def must_refuse(call: Callable[[], Any], words: str, what: str) -> None:
    """The call raises a GradError with these words."""
    try:
        call()
    except GradError as error:
        if words in str(error):
            return
        raise AssertionError(f"{what}: expected {words!r} in the message: {error}") from error
    raise AssertionError(f"{what}: expected a GradError, nothing was raised")
