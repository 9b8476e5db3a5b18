"""Where a call with a bad argument works, it gives what torch gives, unless torch refuses it; and ``out=``."""

from __future__ import annotations

import operator
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nanograd

torch = pytest.importorskip("torch")
sys.path.append(str(Path(__file__).parents[1]))
import test_bad_input as bad  # noqa: E402

SHARE = 0.2
SPACES = {"": torch, "F": torch.nn.functional, "linalg": torch.linalg, "special": torch.special, "Tensor": torch.Tensor}
RANDOM = (
    "rand", "bernoulli", "dropout", "normal", "multinomial", "poisson", "gumbel", "rrelu", "empty", "uniform",
    "exponential", "geometric", "cauchy", "binomial", "set_", "seed", "rng_state", "num_interop_threads",
)  # fmt: skip

# What differs, and why
KNOWN = {
    "kthvalue": "among equal elements any index is right", "mode": "the same", "median": "the same",
    "svd": "singular vectors of equal singular values are not unique", "qr": "of a singular matrix, the same",
    "lstsq": "torch's default driver takes no notice of rcond", "lu": "pivots of equal size",
    "pinverse": "torch inverts singular values that are rounding errors", "pinv": "the same",
    "nanmedian": "among equal elements any index is right", "nanquantile": "of integers", "celu": "0 · ∞ at zero",
    "polygamma": "at its poles, where torch's sine is not quite 0", "multi_margin_loss": "torch's max(0, NaN) is 0",
    "lp_pool1d": "of order ∞, torch reads memory that nobody wrote", "lp_pool2d": "the same", "lp_pool3d": "the same",
}  # fmt: skip


def theirs(value: Any) -> Any:
    """The same value for torch."""
    if isinstance(value, nanograd.Tensor):
        return torch.from_numpy(np.array(value.detach().numpy()))
    if type(value) in (list, tuple):
        return type(value)(map(theirs, value))
    if isinstance(value, nanograd.dtype):
        return getattr(torch, str(value).removeprefix("torch."))
    return value


def flat(value: Any) -> Iterator[Any]:
    """The arrays and numbers of an answer."""
    if isinstance(value, (nanograd.Tensor, torch.Tensor)):
        yield value.detach().numpy()
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flat(item)
    else:
        yield value


def alike(mine: Any, other: Any) -> bool:
    """Whether two answers have the same shapes, kinds and numbers."""
    pairs = list(zip(flat(mine), flat(other), strict=False))
    if len(pairs) != len(list(flat(mine))) or len(pairs) != len(list(flat(other))):
        return False
    for a, b in pairs:
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
                return False
            if not np.allclose(a, b, rtol=2e-3, atol=2e-3, equal_nan=True):
                return False
        elif isinstance(a, (bool, int, float)) and not np.isclose(a, b, equal_nan=True):
            return False
    return True


def answer(function: Callable[..., Any], args: Any, options: Any) -> Any:
    """What the call gives, or the exception."""
    try:
        return function(*args, **options)
    except Exception as error:
        return error


def test_an_answer_to_a_bad_argument_is_torchs(capfd: Any) -> None:
    signal.signal(signal.SIGALRM, bad.ring)
    compared, wrong = 0, []
    for name, function, good in bad.functions():
        space, _, short = name.rpartition(".")
        their = getattr(SPACES[space], short, None)
        if their is None or any(word in short for word in RANDOM) or short.strip("_") in KNOWN or short[:2] == "__":
            continue
        for what, make in bad.spoiled(name, function, good):
            call = f"{name}({what})"
            at_infinity = what.endswith("=inf")  # where the order of sums and products decides between ∞ and NaN
            if not bad.in_share(call, SHARE) or call in bad.APART or at_infinity:
                continue
            args, options = make()
            their_args, their_options = theirs(args), {k: theirs(v) for k, v in options.items()}
            with warnings.catch_warnings(), suppress(bad.Hang):
                warnings.simplefilter("ignore")
                signal.setitimer(signal.ITIMER_REAL, bad.SECONDS)
                mine = answer(function, args, options)
                other = mine if isinstance(mine, Exception) else answer(their, their_args, their_options)
                signal.setitimer(signal.ITIMER_REAL, 0)
                if not isinstance(other, Exception):
                    compared += 1
                    if not alike(mine, other):
                        wrong.append(f"{call}: {mine!r:.150}, torch: {other!r:.150}")
        bad.restore()
    assert compared > 500
    assert not wrong, f"{len(wrong)} of {compared}:\n" + "\n".join(wrong)


# out=: wherever torch's function takes it

LEFT_OUT = {"can_cast", "frombuffer", "from_numpy", "as_tensor", "asarray"}  # which make no new numbers
LEFT_OUT |= {"svd", "eigh"}  # whose signs are free


def places(answer: Any, make: Any) -> Any:
    """Empty tensors for an answer; None where it is no tensor."""
    if isinstance(answer, (torch.Tensor, nanograd.Tensor)):
        return make(answer)
    if isinstance(answer, tuple) and all(isinstance(x, (torch.Tensor, nanograd.Tensor)) for x in answer):
        return tuple(make(x) for x in answer)
    return None


def test_functions_that_take_out_in_torch_take_it_here() -> None:
    tried, wrong = 0, []
    for name, function, good in bad.functions():
        space, _, short = name.rpartition(".")
        their = getattr(SPACES[space], short, None)
        if space in ("F", "Tensor") or their is None or any(word in short for word in RANDOM) or short in LEFT_OUT:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            args, options = good()
            their_args, their_options = theirs(args), {k: theirs(v) for k, v in options.items()}
            try:
                answer = their(*their_args, **their_options)
                out = places(answer, torch.empty_like)
                if out is None:
                    continue
                their(*theirs(args), **their_options, out=out)
            except (TypeError, RuntimeError):
                continue  # it takes none, or not with these arguments
            tried += 1
            mine = places(function(*args, **options), nanograd.empty_like)
            args, options = good()
            try:
                returned = function(*args, **options, out=mine)
            except Exception as error:
                wrong.append(f"{name}: {type(error).__name__} {error!s:.120}")
                continue
            same = returned is mine if not isinstance(mine, tuple) else all(map(operator.is_, returned, mine))
            if not same or not alike(mine, out):
                wrong.append(f"{name}: {mine!r:.100} torch: {out!r:.100}")
    assert tried > 200
    assert not wrong, f"{len(wrong)} of {tried}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("shape", [(0,), (2, 3), (4,), (6, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "bool"])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_out_is_resized_cast_and_refused_as_in_torch(shape: Any, dtype: str, requires_grad: bool) -> None:
    found = []
    for library in (torch, nanograd):
        x = library.ones(2, 3, requires_grad=requires_grad)
        out = library.empty(shape, dtype=getattr(library, dtype))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                library.add(x, 1, out=out)
                found.append((tuple(out.shape), out.tolist(), bool(caught)))  # torch warns twice at times
            except RuntimeError:
                found.append("refused")
    assert found[0] == found[1]
