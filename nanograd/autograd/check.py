"""Derivatives beside finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nanograd import tape
from nanograd.errors import GradError
from nanograd.ops import creation
from nanograd.tensors import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(GradError):
    """An analytical gradient that finite differences contradict."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Whether the gradients of ``func`` agree with central differences (f(x + eps) - f(x - eps)) / 2 eps.

    Inputs that require grad must be float64: float32 has too few digits for eps.  A random weight of every output is
    differentiated, so each entry of the Jacobian counts.  Where no output requires grad they must all be constant.
    Raises GradcheckError naming the input and the entry that differ most, or returns False where ``raise_exception``
    is off.
    """
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    _doubles("gradcheck", args)
    return _agree(func, args, eps, atol, rtol, raise_exception, constants=False)


def _agree(
    func: Callable[..., Any],
    args: list[Any],
    eps: float,
    atol: float,
    rtol: float,
    raise_exception: bool,
    constants: bool,
) -> bool:
    """Compare every output that requires grad; with ``constants``, or where none does, the others too."""
    ys = _outputs(func, args)
    constants = constants or all(y.node is None for y in ys)
    try:
        for number, y in enumerate(ys):
            if constants or y.node is not None:
                _check_output(func, args, number, y, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _doubles(name: str, args: list[Any]) -> None:
    wanting = [x for x in args if isinstance(x, Tensor) and x.requires_grad]
    if not wanting:
        raise GradError(f"{name}: expected at least one input that requires grad.")
    if any(x.array.dtype != np.float64 for x in wanting):
        raise GradError(f"{name}: inputs that require grad must be float64: use x.double().requires_grad_().")


def _outputs(func: Callable[..., Any], args: list[Any]) -> list[Tensor]:
    y = func(*args)
    ys = y if isinstance(y, (tuple, list)) else (y,)
    return [t for t in ys if isinstance(t, Tensor) and t.is_floating_point()]


def _check_output(
    func: Callable[..., Any], args: list[Any], number: int, y: Tensor, eps: float, atol: float, rtol: float
) -> None:
    weight = np.random.default_rng(number).standard_normal(y.array.shape)
    inputs = [(i, x) for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
    places = [(x.node, x.output_nr) for _, x in inputs if x.node is not None]
    root = creation.tensor(weight)
    found = {} if y.node is None else tape.backward([(y.node, y.output_nr, root)], places, True)

    def value() -> float:
        with tape.no_grad():
            return float((_outputs(func, args)[number].numpy_of() * weight).sum())

    for (i, x), place in zip(inputs, places, strict=True):
        g = found.get(place)
        analytical = np.zeros(x.array.shape) if g is None else g.numpy_of()
        numerical = _central_differences(value, x, eps)
        _compare(analytical, numerical, f"input {i}, output {number}", atol, rtol)


def _central_differences(value: Callable[[], float], x: Tensor, eps: float) -> np.ndarray[Any, Any]:
    """(f(x + eps) - f(x - eps)) / 2 eps, one element at a time; x is as it was afterwards."""
    out = np.empty(x.array.shape)
    for place in np.ndindex(out.shape):
        before = x.array[place]
        x.array[place] = before + eps
        above = value()
        x.array[place] = before - eps
        below = value()
        x.array[place] = before
        out[place] = (above - below) / (2 * eps)
    return out


def _compare(
    analytical: np.ndarray[Any, Any], numerical: np.ndarray[Any, Any], what: str, atol: float, rtol: float
) -> None:
    wrong = ~np.isclose(analytical, numerical, rtol, atol, equal_nan=True)
    if not wrong.any():
        return
    error = np.where(wrong, np.nan_to_num(np.abs(analytical - numerical), nan=np.inf), -1)
    worst = np.unravel_index(int(error.argmax()), error.shape)
    raise GradcheckError(
        f"gradcheck: the gradient of {what} is wrong in {int(wrong.sum())} of {wrong.size} entries; worst at "
        f"{tuple(int(i) for i in worst)}: backward gives {analytical[worst]:.6g}, "
        f"differences give {numerical[worst]:.6g}."
    )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """``gradcheck`` of the gradients themselves: second derivatives beside differences of first ones."""
    args = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    _doubles("gradgradcheck", args)
    weights = [
        creation.tensor(np.random.default_rng(7 + i).standard_normal(y.array.shape)).requires_grad_()
        for i, y in enumerate(_outputs(func, args))
        if y.node is not None
    ]
    count = len(args)

    def gradients(*everything: Any) -> Any:
        xs, gs = everything[:count], everything[count:]
        with tape.enable_grad():
            ys = [y for y in _outputs(func, list(xs)) if y.node is not None]
            places = [(x.node, x.output_nr) for x in xs if isinstance(x, Tensor) and x.node is not None]
            roots = [(y.node, y.output_nr, g) for y, g in zip(ys, gs, strict=True)]
            found = tape.backward(roots, places, True, True)  # type: ignore[arg-type]
        return tuple(found[p] for p in places if p in found)

    # A gradient without a graph must be a constant: else the way back lost one.
    return _agree(gradients, [*args, *weights], eps, atol, rtol, raise_exception, constants=True)
