"""Optimizer updates: one formula each, for one element.

The formula runs on whole arrays as the NumPy reference and, compiled into a loop, on one element at a time.
It takes the parameter, the gradient and the optimizer's state, then plain numbers, and returns what replaces the
parameter and the state.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from nanograd.kernels.compile import Jit
from nanograd.kernels.kernel import Array, Kernel, kernel

__all__ = ["adam", "adam_amsgrad", "sgd", "sgd_momentum", "sgd_nesterov"]


def update(formula: Callable[..., Any]) -> Kernel:
    """Make a scalar formula a kernel ``k(p, g, *state, numbers)`` that writes p and the state in place."""
    assert isinstance(formula, FunctionType)
    code = formula.__code__
    arrays = list(code.co_varnames[: code.co_argcount])
    numbers = list(code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount])
    written = [name for name in arrays if name != "g"]

    def reference(*args: Any) -> None:
        values = dict(zip(numbers, np.asarray(args[-1], args[0].dtype), strict=True))
        results = formula(*args[:-1], **values)
        for name, new in zip(written, results, strict=True):
            np.copyto(args[arrays.index(name)], new)

    reference.__name__, reference.__doc__, reference.__module__ = formula.__name__, formula.__doc__, formula.__module__
    made = kernel(reference, [*arrays, "numbers"])
    loop = _loop(formula, arrays, numbers, written)

    @made.cpu(_dense)
    def _(*args: Any) -> None:
        loop(*[x.reshape(-1) for x in args[:-1]], np.array(args[-1], args[0].dtype))

    return made


def _dense(*args: Any) -> bool:
    """Whether a flat compiled loop can run on these arrays (and numbers, the last)."""
    dtype = args[0].dtype
    for x in args[:-1]:
        if not x.flags.c_contiguous or x.dtype is not dtype:
            return False
    return dtype.char in "fd"


def _loop(formula: FunctionType, arrays: list[str], numbers: list[str], written: list[str]) -> Jit:
    """The compiled loop ``for i: p[i], ... = formula(p[i], g[i], ...)``."""
    name = f"{formula.__name__}_loop"
    results = "".join(f"{a}[i], " for a in written)
    given = ", ".join([f"{a}[i]" for a in arrays] + numbers)
    lines = [f"def {name}({', '.join(arrays)}, numbers):"]
    lines += [f"    {n} = numbers[{i}]" for i, n in enumerate(numbers)]
    lines += ["    for i in range(p.size):", f"        {results}= {formula.__name__}({given})"]
    # numba takes no keyword-only parameters: the same code with all of them positional.
    code = formula.__code__.replace(co_argcount=len(arrays) + len(numbers), co_kwonlyargcount=0)
    body = FunctionType(code, formula.__globals__, formula.__name__)
    scope: dict[str, Any] = {formula.__name__: Jit(body), "__name__": formula.__module__}
    exec(compile("\n" * (formula.__code__.co_firstlineno - 1) + "\n".join(lines), __file__, "exec"), scope)
    return Jit(scope[name])


@update
def sgd(p: Array, g: Array, *, lr: float, decay: float, sign: float) -> tuple[Array, ...]:
    """p ← p - lr (±g + decay p)"""
    return (p - lr * (sign * g + decay * p),)


@update
def sgd_momentum(
    p: Array, g: Array, buf: Array, *, lr: float, decay: float, sign: float, momentum: float, share: float
) -> tuple[Array, ...]:
    """b ← momentum b + share (±g + decay p);  p ← p - lr b"""
    buf = momentum * buf + share * (sign * g + decay * p)
    return p - lr * buf, buf


@update
def sgd_nesterov(
    p: Array, g: Array, buf: Array, *, lr: float, decay: float, sign: float, momentum: float, share: float
) -> tuple[Array, ...]:
    """d = ±g + decay p;  b ← momentum b + share d;  p ← p - lr (d + momentum b)"""
    d = sign * g + decay * p
    buf = momentum * buf + share * d
    return p - lr * (d + momentum * buf), buf


@update
def adam(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    lr: float,  # lr / (1 - β₁ᵗ)
    decay: float,
    sign: float,
    beta1: float,
    beta2: float,
    rest1: float,  # 1 - β₁
    rest2: float,  # 1 - β₂
    root: float,  # √(1 - β₂ᵗ)
    eps: float,
    shrink: float,  # 1, or 1 - lr · weight decay where decay is decoupled
) -> tuple[Array, ...]:
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  p ← p - lr m̂ / (√v̂ + eps)   (Kingma and Ba, 2015, algorithm 1)"""
    g = sign * g + decay * p
    m = beta1 * m + rest1 * g
    v = beta2 * v + rest2 * g * g
    return shrink * p - lr * m / (np.sqrt(v) / root + eps), m, v


@update
def adam_amsgrad(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    top: Array,
    *,
    lr: float,
    decay: float,
    sign: float,
    beta1: float,
    beta2: float,
    rest1: float,
    rest2: float,
    root: float,
    eps: float,
    shrink: float,
) -> tuple[Array, ...]:
    """Adam whose v̂ is the greatest so far (Reddi, Kale and Kumar, 2018)."""
    g = sign * g + decay * p
    m = beta1 * m + rest1 * g
    v = beta2 * v + rest2 * g * g
    top = np.maximum(top, v)
    return shrink * p - lr * m / (np.sqrt(top) / root + eps), m, v, top
