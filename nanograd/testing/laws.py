"""The laws: what every operation obeys, tried with its sample.

A law is a function of a sample.  It raises AssertionError, with the case in its words, where the operation breaks it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nanograd import autograd, dtypes
from nanograd.dtypes import DType
from nanograd.errors import DTypeError, GradError
from nanograd.kernels.kernel import Kernel
from nanograd.ops import op as ops
from nanograd.ops.creation import tensor
from nanograd.tape import no_grad
from nanograd.tensors import Tensor
from nanograd.testing.close import assert_close
from nanograd.testing.sample import Array, Case, Sample
from nanograd.testing.trial import (
    LAYOUTS,
    arrays,
    cases,
    compare,
    describe,
    differentiable,
    gradients,
    kind,
    leaves,
    must_refuse,
    outputs,
    placed,
    ruled,
    small,
    varied,
)  # fmt: skip

__all__ = ["LAWS", "applies", "law_kernel"]

Law = Callable[[Sample], None]
LAWS: dict[str, Law] = {}
KERNELS = r"nanograd\.kernels\."  # what `import nanograd` silences


def law(function: Law) -> Law:
    """Register a law under its name, ``law_`` left out."""
    LAWS[function.__name__.removeprefix("law_")] = function
    return function


def applies(name: str, sample: Sample) -> bool:
    """Whether the sample is to obey the law; where not, ``sample.without[name]`` says why."""
    return name not in sample.without


# Forward


@law
def law_forward(sample: Sample) -> None:
    """The result is the formula's."""
    for case in cases(sample):
        check_forward(sample, case)


def check_forward(sample: Sample, case: Case) -> None:
    """The result of one case is the formula's."""
    values = arrays(sample, case)
    with np.errstate(all="ignore"):
        expected = sample.formula(*values, **case.options)
    compare(sample.call(*map(tensor, values), **case.options), expected, describe(case), dtype=False)


@law
def law_broadcast(sample: Sample) -> None:
    """Other shapes, stretched to each other: result and gradients; each gradient has its input's shape."""
    for case in sample.broadcast:
        check_forward(sample, case)
        if applies("gradient", sample):
            xs = leaves(sample, arrays(sample, case))
            for x, g in zip([x for x in xs if x.requires_grad], gradients(sample, xs, case.options), strict=True):
                assert g is None or g.shape == x.shape, f"{describe(case)}: gradient of shape {g.shape}, not {x.shape}"
            autograd.gradcheck(lambda *ts, case=case: sample.call(*ts, **case.options), xs)


@law
def law_zero_dim(sample: Sample) -> None:
    """0-d tensors: result and gradients."""
    for case in sample.zero_dim:
        check_forward(sample, case)
        if applies("gradient", sample):
            autograd.gradcheck(
                lambda *ts, case=case: sample.call(*ts, **case.options), leaves(sample, arrays(sample, case))
            )


@law
def law_empty(sample: Sample) -> None:
    """Tensors without elements: result and gradients."""
    for case in sample.empty:
        check_forward(sample, case)
        if applies("gradient", sample):
            xs = leaves(sample, arrays(sample, case))
            for x, g in zip([x for x in xs if x.requires_grad], gradients(sample, xs, case.options), strict=True):
                assert g is None or g.shape == x.shape, f"{describe(case)}: gradient of shape {g.shape}, not {x.shape}"


@law
def law_noncontiguous(sample: Sample) -> None:
    """Transposed memory, stepped slices and stretched inputs give what dense ones give, in float32 and float64."""
    for case in cases(sample):
        for dtype in (np.float32, np.float64):
            values = arrays(sample, case, dtype)
            xs = leaves(sample, values)
            expected = sample.call(*xs, **case.options)
            wanted = gradients(sample, xs, case.options) if differentiable(expected) else []
            for layout in LAYOUTS:
                _check_layout(sample, case, values, layout, expected, wanted)


def _check_layout(
    sample: Sample, case: Case, values: list[Array], layout: Callable[[Array], Array], expected: Any, wanted: list[Any]
) -> None:
    xs = placed(sample, [layout(a) for a in values])
    what = f"{describe(case)}, {layout.__name__} {values[0].dtype}"
    tolerance = dict(rtol=1e-5, atol=1e-6) if values[0].dtype == np.float32 else dict(rtol=1e-9, atol=1e-9)
    compare(sample.call(*xs, **case.options), expected, what, **tolerance)  # type: ignore[arg-type]
    if wanted:
        pairs = zip(gradients(sample, xs, case.options), wanted, strict=True)
        for g, h in pairs:
            assert (g is None) == (h is None), f"{what}: a gradient is missing"
            if g is not None:
                compare(g, h, f"{what}: gradient", **tolerance)  # type: ignore[arg-type]


@law
def law_inputs_unmodified(sample: Sample) -> None:
    """Nothing is written into the inputs, forward and backward: they are read-only here."""
    for case in cases(sample):
        values = arrays(sample, case)
        xs = leaves(sample, values)
        for x in xs:
            x.array.flags.writeable = False
        ys = differentiable(sample.call(*xs, **case.options))
        if ys and applies("gradient", sample):
            gradients(sample, xs, case.options, create_graph=True)
        compare(xs, values, f"{describe(case)}: inputs afterwards", dtype=False)


@law
def law_silent(sample: Sample) -> None:
    """Infinities, NaN, zeros and overflow raise no warning, forward and backward."""
    extreme = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-45, 1.0])
    for case in cases(sample):
        values = arrays(sample, case, np.float32)
        rng = np.random.default_rng(5)
        for a in values:
            if a.dtype.kind == "f":
                a[...] = rng.choice(extreme, a.shape)
        xs = leaves(sample, values)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=KERNELS)
            if differentiable(sample.call(*xs, **case.options)):
                gradients(sample, xs, case.options)


# Dtypes


@law
def law_dtypes(sample: Sample) -> None:
    """The dtype of the result follows torch's promotion, and the values are the formula's; other dtypes are refused."""
    count = len(varied(sample))
    for dtype in dtypes.ALL:
        values = small(sample, [dtype] * count)
        if kind(dtype) not in sample.takes:
            _refused(sample, values, dtype)
            continue
        y = sample.call(*map(tensor, values), **sample.options[0])
        with np.errstate(all="ignore"):
            expected = sample.formula(*(_exact(a, sample) for a in values), **sample.options[0])
        tolerance = 1e-2 if dtype is dtypes.float16 else 1e-5
        compare(y, expected, f"{dtype}", dtype=False, rtol=tolerance, atol=tolerance)
        check_dtypes(sample, y, [dtype], f"{dtype}")
    taken = [d for d in dtypes.ALL if kind(d) in sample.takes]
    for pair in [(a, b) for a in taken for b in taken] if count == 2 else []:
        y = sample.call(*map(tensor, small(sample, pair)), **sample.options[0])
        check_dtypes(sample, y, pair, f"{pair}")
        if applies("broadcast", sample):  # a 0-d tensor counts only where it is of a higher kind
            values, second = small(sample, pair), varied(sample)[1]
            values[second] = values[second].reshape(-1)[0].reshape(())
            y = sample.call(*map(tensor, values), **sample.options[0])
            check_dtypes(sample, y, pair[:1] if pair[0].category >= pair[1].category else pair[1:], f"{pair}, 0-d")


def _exact(a: Array, sample: Sample) -> Array:
    """What the formula computes with: doubles where the result is a float."""
    return a.astype(np.float64) if a.dtype.kind == "f" or sample.gives == "float" else a


def _refused(sample: Sample, values: list[Array], dtype: DType) -> None:
    try:
        y = sample.call(*map(tensor, values), **sample.options[0])
    except DTypeError:
        return
    raise AssertionError(f"{dtype}: expected a DTypeError, got {outputs(y)[0]!r:.80}")


def check_dtypes(sample: Sample, y: Any, given: Sequence[DType], what: str) -> None:
    """Each result has the dtype that the rule of the sample gives."""
    rules = sample.gives.split() if " " in sample.gives else [sample.gives] * len(outputs(y))
    for rule, result in zip(rules, outputs(y), strict=True):
        expected = ruled(rule, given)
        assert result.dtype is expected, f"{what}: the result is {result.dtype}, expected {expected}"


# Gradients


@law
def law_gradient(sample: Sample) -> None:
    """Gradients agree with finite differences."""
    for case in cases(sample):
        _try(autograd.gradcheck, sample, case)


@law
def law_second_gradient(sample: Sample) -> None:
    """Gradients of gradients agree with finite differences."""
    for case in cases(sample):
        _try(autograd.gradgradcheck, sample, case)


def _try(check: Callable[..., Any], sample: Sample, case: Case) -> None:
    try:
        check(lambda *xs: sample.call(*xs, **case.options), leaves(sample, arrays(sample, case)))
    except GradError as error:
        raise AssertionError(f"{describe(case)}: {error}") from error


@law
def law_owned(sample: Sample) -> None:
    """A leaf's .grad is dense, writable memory of its own and of the leaf's dtype, not what came from above."""
    for case in cases(sample):
        for dtype in (np.float32, np.float64):
            xs = leaves(sample, arrays(sample, case, dtype))
            ys = differentiable(sample.call(*xs, **case.options))
            if not ys:
                continue
            above = [tensor(np.ones(y.array.shape), dtype=y.dtype) for y in ys]
            autograd.backward(ys, above)
            grads = [x.grad for x in xs if x.grad is not None]
            _check_owned(xs, grads, [*above, *ys], describe(case))
            before = [g.array.copy() for g in grads]
            autograd.backward(differentiable(sample.call(*xs, **case.options)), above)
            for g, once in zip(grads, before, strict=True):
                assert_close(g.array, 2 * once, rtol=1e-5, atol=1e-6, equal_nan=True)


def _check_owned(xs: list[Tensor], grads: list[Tensor], others: list[Tensor], what: str) -> None:
    for x in xs:
        if x.grad is not None:
            a = x.grad.array
            assert a.dtype == x.array.dtype, f"{what}: the gradient of {x.dtype} is {x.grad.dtype}"
            assert a.shape == x.array.shape, f"{what}: the gradient of shape {x.array.shape} has shape {a.shape}"
            assert a.flags.writeable, f"{what}: the gradient cannot be written"
            assert a.flags.c_contiguous, f"{what}: the gradient is not dense"
            assert not x.grad.requires_grad, f"{what}: the gradient requires grad"
    for i, g in enumerate(grads):
        for other in [*grads[:i], *others, *xs]:
            assert not np.shares_memory(g.array, other.array), f"{what}: a gradient shares memory with another tensor"


@law
def law_written_after(sample: Sample) -> None:
    """Where an input or result was written after the operation, backward refuses or its gradient is the one before."""
    for case in cases(sample):
        expected = gradients(sample, leaves(sample, arrays(sample, case)), case.options)
        count = len(sample.inputs) + len(outputs(sample.call(*leaves(sample, arrays(sample, case)), **case.options)))
        for place in range(count):
            _write_after(sample, case, place, expected)


def _write_after(sample: Sample, case: Case, place: int, expected: list[Tensor | None]) -> None:
    xs = [x.clone() if x.requires_grad else x for x in leaves(sample, arrays(sample, case))]
    y = sample.call(*xs, **case.options)
    ys = differentiable(y)
    rng = np.random.default_rng(3)
    weights = [tensor(rng.standard_normal(t.array.shape), dtype=t.dtype) for t in ys]
    written = [*xs, *outputs(y)][place]
    if 0 in written.stride() and written.numel() > 1:
        return  # stretched: nothing can be written into it
    with no_grad():
        written.copy_(1 - written.int() if not written.is_floating_point() else written * 0.7 + 0.1)
    wanted = [x for x in xs if x.requires_grad]
    try:
        found = autograd.grad(ys, wanted, weights, allow_unused=True)
    except GradError as error:
        if "written in place" in str(error):
            return
        raise AssertionError(f"{describe(case)}: {error}") from error
    for g, h in zip(found, expected, strict=True):
        if g is not None and h is not None:
            compare(g, h, f"{describe(case)}: written at place {place}, and backward did not refuse: gradient")


# Twins


@law
def law_in_place(sample: Sample) -> None:
    """x.name_() writes what the operation gives, returns x, flows the same gradients, and is refused on a leaf."""
    for case in cases(sample):
        _check_in_place(sample, case)


def _check_in_place(sample: Sample, case: Case) -> None:
    values, what = arrays(sample, case), describe(case)
    plain = [tensor(a) for a in values]
    expected = sample.call(*plain, **case.options)
    assert twin(sample)(*plain, **case.options) is plain[0], f"{what}: it does not return the tensor itself"
    compare(plain[0], expected, what, dtype=sample.gives != "bool")  # truth values are written as 0 and 1

    xs = leaves(sample, values)
    if applies("gradient", sample):
        wanted = gradients(sample, xs, case.options)
        found = gradients(_through_clone(sample), xs, case.options)
        for g, h in zip(found, wanted, strict=True):
            compare(g, h, f"{what}: gradient")
    if not xs[0].requires_grad:
        return
    must_refuse(lambda: twin(sample)(*xs, **case.options), "leaf", f"{what}: on a leaf")
    used = leaves(sample, values)
    before = used[0] * 1
    after = before * before
    twin(sample)(before, *used[1:], **case.options)
    must_refuse(lambda: after.sum().backward(), "written in place", f"{what}: after its input was used by mul")


def twin(sample: Sample) -> Callable[..., Tensor]:
    """The operation that writes into its first input."""
    assert sample.twin is not None
    return getattr(Tensor, sample.twin)  # type: ignore[no-any-return]


def _through_clone(sample: Sample) -> Sample:
    return replace(sample, call=lambda x, *rest, **options: twin(sample)(x.clone(), *rest, **options))


# Meaning and machine


@law
def law_fused(sample: Sample) -> None:
    """The fast version is the composition: results, gradients and second gradients, in float32 and float64."""
    fused = ops.FUSED[sample.fused or ""]
    ran = 0
    for case in (*cases(sample), *sample.broadcast, *sample.empty):
        for dtype in (np.float32, np.float64):
            for layout in (np.copy, *LAYOUTS):
                ran += _check_fused(sample, case, [layout(a) for a in arrays(sample, case, dtype)])
    assert ran, f"{fused.name}: the fast version never ran"


def _check_fused(sample: Sample, case: Case, values: list[Array]) -> bool:
    found = []
    for replaced in (1, 0):  # the meaning, then the fast version
        ops.Fused.replaced, before = replaced, ops.Fused.replaced
        try:
            xs = placed(sample, values)
            y = sample.call(*xs, **case.options)
            first = gradients(sample, xs, case.options)
            again = gradients(sample, xs, case.options, create_graph=True)
            total = [(g * g).sum() for g in again if g is not None and g.requires_grad]
            wanted = [x for x in xs if x.requires_grad]
            second = autograd.grad(total, wanted, allow_unused=True, materialize_grads=True)
            found.append([*outputs(y), *first, *again, *second, *_entangled(sample, case, xs)])
            ran = outputs(y)[0].node.meaning is not None
        finally:
            ops.Fused.replaced = before
    tolerance = 2e-4 if values[0].dtype == np.float32 else 1e-9
    compare(found[1], found[0], f"{describe(case)} {values[0].dtype}", rtol=tolerance, atol=tolerance)
    return ran


def _entangled(sample: Sample, case: Case, xs: list[Tensor]) -> list[Tensor | None]:
    """The gradients, differentiably, where every input depends on the first: each path must count once."""
    trunk = xs[0] * 2.0
    inputs = [trunk, *(x + trunk.sum() * 0.1 if x.requires_grad else x for x in xs[1:])]
    ys = differentiable(sample.call(*inputs, **case.options))
    return list(autograd.grad([y.sum() for y in ys], xs[0], create_graph=True, allow_unused=True))


def law_kernel(kernel: Kernel, *args: Any, rtol: float = 0.0, atol: float = 0.0) -> None:
    """The kernel's version for the CPU gives what its NumPy reference gives, and writes what it writes."""
    fast = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
    slow = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
    with np.errstate(all="ignore"):
        got, expected = kernel.versions[np.ndarray](*fast), kernel.reference(*slow)
    assert (got is None) == (expected is None), f"{kernel.name}: {got!r:.40} beside {expected!r:.40}"
    pairs = [] if got is None else list(zip(outputs(got), outputs(expected), strict=True))
    pairs += [(a, b) for a, b in zip(fast, slow, strict=True) if isinstance(a, np.ndarray)]
    for a, b in pairs:
        assert a.dtype == b.dtype, f"{kernel.name}: {a.dtype}, the reference gives {b.dtype}"
        compare(a, b, kernel.name, rtol=rtol, atol=atol)


# Bad input


@law
def law_bad_input(sample: Sample) -> None:
    """Bad input raises the promised class with words that match."""
    for number, (call, promised, words) in enumerate(sample.bad):
        try:
            y = call()
        except promised as error:
            if re.search(words, str(error), re.DOTALL):
                continue
            raise AssertionError(f"bad input {number}: {words!r} does not match: {error}") from error
        raise AssertionError(f"bad input {number}: expected {promised.__name__} with {words!r}, got {y!r:.80}")
