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

from nanograd.errors import ShapeError
from nanograd.kernels.compile import Jit
from nanograd.kernels.kernel import Array, Kernel, kernel

__all__ = [
    "adadelta", "adagrad", "adam", "adam_amsgrad", "adamax", "asgd", "nadam", "put", "radam", "radam_early", "rmsprop",
    "rmsprop_centered", "rmsprop_centered_momentum", "rmsprop_momentum", "rprop", "sgd", "sgd_momentum",
    "sgd_nesterov",
]  # fmt: skip


def update(formula: Callable[..., Any]) -> Kernel:
    """Make a scalar formula a kernel ``k(p, g, *state, numbers)`` that writes p and the state in place."""
    assert isinstance(formula, FunctionType)
    code = formula.__code__
    arrays = list(code.co_varnames[: code.co_argcount])
    numbers = list(code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount])
    written = [name for name in arrays if name != "g"]

    def reference(*args: Any) -> None:
        _expect_one_shape(formula.__name__, arrays, args)
        dtype = args[0].dtype
        wide = np.promote_types(dtype, np.float32)  # float16 is computed in float32: 1e-8 would be 0
        values = dict(zip(numbers, np.array(args[-1], wide), strict=True))
        results = formula(*args[:-1], **values)
        for name, new in zip(written, results, strict=True):
            np.copyto(args[arrays.index(name)], new, casting="same_kind")

    reference.__name__, reference.__doc__, reference.__module__ = formula.__name__, formula.__doc__, formula.__module__
    reference.formula = formula  # type: ignore[attr-defined]
    made = kernel(reference, [*arrays, "numbers"])
    suits, fast = _compiled(formula, arrays, numbers, written)
    made.cpu(suits)(fast)
    return made


def _expect_one_shape(name: str, arrays: list[str], args: tuple[Any, ...]) -> None:
    for what, x in zip(arrays[1:], args[1:], strict=False):
        if x.shape != args[0].shape:
            which = "gradient" if what == "g" else f"state ({what})"
            remedy = "Call zero_grad()" if what == "g" else "Make a new optimizer"
            raise ShapeError(
                f"{name}: a parameter of shape {tuple(args[0].shape)} has a {which} of shape {tuple(x.shape)}: it was "
                f"replaced by a tensor of another shape, or the state is another model's. {remedy}."
            )


def _compiled(
    formula: FunctionType, arrays: list[str], numbers: list[str], written: list[str]
) -> tuple[Callable[..., bool], Callable[..., Any]]:
    """Whether a flat loop can run on these arrays (float32 or float64, dense, of one shape), and that loop.

    Both are written out for their parameters: they are called once per parameter and step.
    """
    name, given, flat = formula.__name__, ", ".join(arrays), ", ".join(f"{a}.reshape(-1)" for a in arrays)
    same = [f"{a}.dtype is dtype and {a}.shape == shape" for a in arrays[1:]]
    dense = [f"{a}.flags.c_contiguous" for a in arrays]
    source = (
        f"def suits({given}, numbers):\n"
        f"    dtype, shape = {arrays[0]}.dtype, {arrays[0]}.shape\n"
        f"    return dtype.char in 'fd' and {' and '.join(same + dense)}\n"
        f"def {name}({given}, numbers):\n"
        f"    if {arrays[0]}.ndim != 1:\n"
        f"        {given} = {flat}\n"
        f"    loop.call({given}, packed(numbers, {arrays[0]}.dtype))\n"
    )
    scope: dict[str, Any] = {"loop": _loop(formula, arrays, numbers, written), "packed": _packed}
    exec(compile(source, __file__, "exec"), scope)
    return scope["suits"], scope[name]


_last: tuple[Any, Any, Any] = (None, None, None)


def _packed(numbers: tuple[float, ...], dtype: Any) -> Array:
    """The numbers as an array; the last one is kept, for the parameters of a group share their numbers."""
    global _last
    given, of, array = _last
    if given is not numbers or of is not dtype:
        array = np.array(numbers, dtype)
        _last = (numbers, dtype, array)
    return array


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


@kernel
def put(x: Array, value: float) -> float:
    """x ← value, for a state that is one number; what x then holds, rounded to its dtype."""
    x.fill(value)
    return x.item()  # type: ignore[no-any-return]


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


@update
def rmsprop(
    p: Array, g: Array, v: Array, *, lr: float, decay: float, sign: float, alpha: float, rest: float, eps: float
) -> tuple[Array, ...]:
    """v ← α v + (1-α) g²;  p ← p - lr g / (√v + eps)   (Hinton, 2012, Neural Networks, lecture 6)"""
    g = sign * g + decay * p
    v = alpha * v + rest * g * g
    return p - lr * g / (np.sqrt(v) + eps), v


@update
def rmsprop_momentum(
    p: Array,
    g: Array,
    v: Array,
    buf: Array,
    *,
    lr: float,
    decay: float,
    sign: float,
    alpha: float,
    rest: float,
    eps: float,
    momentum: float,
) -> tuple[Array, ...]:
    """v ← α v + (1-α) g²;  b ← momentum b + g / (√v + eps);  p ← p - lr b"""
    g = sign * g + decay * p
    v = alpha * v + rest * g * g
    buf = momentum * buf + g / (np.sqrt(v) + eps)
    return p - lr * buf, v, buf


@update
def rmsprop_centered(
    p: Array,
    g: Array,
    v: Array,
    mean: Array,
    *,
    lr: float,
    decay: float,
    sign: float,
    alpha: float,
    rest: float,
    eps: float,
) -> tuple[Array, ...]:
    """RMSprop whose √v is the standard deviation √(v - mean²)   (Graves, 2013, equations 38 to 45)"""
    g = sign * g + decay * p
    v = alpha * v + rest * g * g
    mean = mean + rest * (g - mean)
    return p - lr * g / (np.sqrt(v - mean * mean) + eps), v, mean


@update
def rmsprop_centered_momentum(
    p: Array,
    g: Array,
    v: Array,
    buf: Array,
    mean: Array,
    *,
    lr: float,
    decay: float,
    sign: float,
    alpha: float,
    rest: float,
    eps: float,
    momentum: float,
) -> tuple[Array, ...]:
    """Centered RMSprop with momentum."""
    g = sign * g + decay * p
    v = alpha * v + rest * g * g
    mean = mean + rest * (g - mean)
    buf = momentum * buf + g / (np.sqrt(v - mean * mean) + eps)
    return p - lr * buf, v, buf, mean


@update
def adagrad(p: Array, g: Array, total: Array, *, lr: float, decay: float, sign: float, eps: float) -> tuple[Array, ...]:
    """s ← s + g²;  p ← p - lr g / (√s + eps)   (Duchi, Hazan and Singer, 2011)"""
    g = sign * g + decay * p
    total = total + g * g
    return p - lr * g / (np.sqrt(total) + eps), total


@update
def adadelta(
    p: Array,
    g: Array,
    v: Array,
    u: Array,
    *,
    lr: float,
    decay: float,
    sign: float,
    rho: float,
    rest: float,  # 1 - ρ
    eps: float,
) -> tuple[Array, ...]:
    """v ← ρ v + (1-ρ) g²;  d = g √(u + eps) / √(v + eps);  u ← ρ u + (1-ρ) d²;  p ← p - lr d   (Zeiler, 2012)"""
    g = sign * g + decay * p
    v = rho * v + rest * g * g
    d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
    return p - lr * d, v, rho * u + rest * d * d


@update
def adamax(
    p: Array,
    g: Array,
    m: Array,
    u: Array,
    *,
    lr: float,  # lr / (1 - β₁ᵗ)
    decay: float,
    sign: float,
    rest1: float,  # 1 - β₁
    beta2: float,
    eps: float,
) -> tuple[Array, ...]:
    """m ← β₁ m + (1-β₁) g;  u ← max(β₂ u, |g| + eps);  p ← p - lr m̂ / u   (Kingma and Ba, 2015, algorithm 2)"""
    g = sign * g + decay * p
    m = m + rest1 * (g - m)
    u = np.maximum(beta2 * u, np.abs(g) + eps)
    return p - lr * m / u, m, u


@update
def nadam(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    decay: float,
    sign: float,
    rest1: float,  # 1 - β₁
    beta2: float,
    rest2: float,  # 1 - β₂
    correction: float,  # 1 - β₂ᵗ
    eps: float,
    along_g: float,  # lr (1 - μₜ) / (1 - Π μ)
    along_m: float,  # lr μₜ₊₁ / (1 - μₜ₊₁ Π μ)
    shrink: float,
) -> tuple[Array, ...]:
    """p ← p - (along_g g + along_m m) / (√v̂ + eps), m and v as Adam's   (Dozat, 2016, algorithm 2)"""
    g = sign * g + decay * p
    m = m + rest1 * (g - m)
    v = beta2 * v + rest2 * g * g
    return shrink * p - (along_g * g + along_m * m) / (np.sqrt(v / correction) + eps), m, v


@update
def radam(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    lr: float,  # lr r √(1 - β₂ᵗ) / (1 - β₁ᵗ)
    decay: float,
    sign: float,
    rest1: float,
    beta2: float,
    rest2: float,
    eps: float,
    shrink: float,
) -> tuple[Array, ...]:
    """p ← p - lr r m̂ / (√v̂ + eps), r the rectification of Adam's rate   (Liu et al., 2020, algorithm 2)"""
    g = sign * g + decay * p
    m = m + rest1 * (g - m)
    v = beta2 * v + rest2 * g * g
    return shrink * p - lr * m / (np.sqrt(v) + eps), m, v


@update
def radam_early(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    *,
    lr: float,  # lr / (1 - β₁ᵗ)
    decay: float,
    sign: float,
    rest1: float,
    beta2: float,
    rest2: float,
    eps: float,
    shrink: float,
) -> tuple[Array, ...]:
    """p ← p - lr m̂: RAdam while the variance of its rate cannot be told."""
    g = sign * g + decay * p
    m = m + rest1 * (g - m)
    v = beta2 * v + rest2 * g * g
    return shrink * p - lr * m, m, v


@update
def asgd(
    p: Array, g: Array, average: Array, *, decay: float, sign: float, eta: float, shrink: float, mu: float
) -> tuple[Array, ...]:
    """p ← (1 - λ η) p - η g;  a ← a + μ (p - a)   (Polyak and Juditsky, 1992)"""
    g = sign * g + decay * p
    p = shrink * p - eta * g
    return p, (1 - mu) * average + mu * p


@update
def rprop(
    p: Array,
    g: Array,
    before: Array,
    size: Array,
    *,
    sign: float,
    smaller: float,
    larger: float,
    least: float,
    most: float,
) -> tuple[Array, ...]:
    """s ← s · (larger where g kept its sign, smaller where it turned);  p ← p - s sign(g)

    Where g turned, p stays and g counts as 0 for the next step.  (Riedmiller and Braun, 1993)
    """
    g = sign * g
    turn = np.sign(g * before)
    size = np.minimum(np.maximum(size * np.where(turn > 0, larger, np.where(turn < 0, smaller, 1 + turn)), least), most)
    g = np.where(turn < 0, 0.0, g)
    return p - size * np.sign(g), g, size
