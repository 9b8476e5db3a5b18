"""Tensors of chance: each distribution from numbers that a seed and a place in its stream name (see random.py)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nanograd import dtypes, random
from nanograd.dtypes import DType, to_dtype
from nanograd.errors import DTypeError, ShapeError
from nanograd.formats import expect_dense, expect_strided
from nanograd.kernels import sample
from nanograd.ops.creation import dtype_or, finish, floating, near, place, positive
from nanograd.ops.kinds import none
from nanograd.ops.op import record, result_type, titled, wrap
from nanograd.ops.refusing import no_tensor
from nanograd.ops.shape import Sizes, sizes
from nanograd.ops.writing import in_place
from nanograd.random import Generator
from nanograd.tape import mode

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "bernoulli", "multinomial", "normal", "poisson", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "randperm",
]  # fmt: skip


class RandomError(DTypeError, NotImplementedError):
    """A dtype that a distribution is not made for; torch calls it not implemented."""


def _drawn(
    name: str, kernel: Any, shape: tuple[int, ...], dtype: DType, device: Any, generator: Generator | None
) -> Any:
    if not dtype.is_floating_point:
        raise RandomError(f"{name}: expected a floating-point dtype, got {dtype}. For integers use torch.randint.")
    words = math.prod(positive(name, shape)) * (1 if dtype.itemsize <= 4 else 2)
    seed, offset = _stream(generator).take(-(-words // 4) + 1)
    return kernel.on(place(device))(shape, seed, offset, dtype)


def _stream(generator: Generator | None) -> Generator:
    if generator is None:
        return random.default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"generator: expected a torch.Generator, got {type(generator).__name__}.")
    return generator


# Tensors of a size


def rand(
    size: Sizes = (),
    *more: int,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random numbers, equally likely in [0, 1)."""
    expect_strided("rand", layout)
    shape = sizes("rand", size, more)
    return finish(_drawn("rand", sample.uniform, shape, floating(dtype), device, generator), requires_grad)


def randn(
    size: Sizes = (),
    *more: int,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random numbers from the normal distribution with mean 0 and standard deviation 1."""
    expect_strided("randn", layout)
    shape = sizes("randn", size, more)
    return finish(_drawn("randn", sample.normal, shape, floating(dtype), device, generator), requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """As ``rand``, of the shape, dtype and device of ``input``."""
    try:
        expect_dense("rand_like", memory_format)
    except AttributeError as error:
        raise no_tensor(error) from None
    chosen, where = dtype_or(dtype, input.dtype), near(device, input)
    return rand(
        input.array.shape, generator=generator, dtype=chosen, layout=layout, device=where, requires_grad=requires_grad
    )


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """As ``randn``, of the shape, dtype and device of ``input``."""
    try:
        expect_dense("randn_like", memory_format)
    except AttributeError as error:
        raise no_tensor(error) from None
    chosen, where = dtype_or(dtype, input.dtype), near(device, input)
    return randn(
        input.array.shape, generator=generator, dtype=chosen, layout=layout, device=where, requires_grad=requires_grad
    )


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random integers, equally likely in [low, high); ``randint(high, size)`` starts at 0.

    Raises ShapeError unless low < high, DTypeError where the dtype cannot hold them.
    """
    expect_strided("randint", layout)
    if size is None:
        if isinstance(high, int):
            raise DTypeError(
                f"randint: the size is missing: for one number in [{low}, {high}) write randint({low}, {high}, (1,))."
            )
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None or not hasattr(low, "__index__") or not hasattr(high, "__index__"):
        raise DTypeError(
            "randint: expected randint(low, high, size) or randint(high, size) with integers, such as "
            "randint(0, 10, (3,))."
        )
    chosen = dtypes.int64 if dtype is None else to_dtype(dtype)
    shape = positive("randint", sizes("randint", size))
    drawn = _integers("randint", shape, low.__index__(), high.__index__(), chosen, device, generator)
    return finish(drawn, requires_grad)


def _integers(
    name: str, shape: tuple[int, ...], low: int, high: int, dtype: DType, device: Any, generator: Generator | None
) -> Any:
    if low >= high:
        raise ShapeError(
            f"{name}: expected low < high, got low={low}, high={high}: random_ expects 'from' to be less than 'to'."
        )
    if not dtype.is_floating_point:
        least, most = (0, 1) if dtype is dtypes.bool_ else (dtypes.iinfo(dtype).min, dtypes.iinfo(dtype).max)
        if low < least or high - 1 > most:
            raise DTypeError(
                f"{name}: {low} ... {high - 1} is out of bounds for {dtype}, which holds {least} to {most}."
            )
    seed, offset = _stream(generator).take(-(-math.prod(shape) // 2) + 1)
    return sample.integers.on(place(device))(shape, low, high, seed, offset, dtype)


def randint_like(
    input: Tensor,
    low: Any = 0,
    high: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """As ``randint``, of the shape, dtype and device of ``input``; ``randint_like(x, high)`` starts at 0."""
    expect_dense("randint_like", memory_format)
    if high is None:
        low, high = 0, low
    chosen, where = dtype_or(dtype, input.dtype), near(device, input)
    return randint(
        low, high, tuple(input.array.shape), generator=generator, dtype=chosen, layout=layout, device=where,
        requires_grad=requires_grad,
    )  # fmt: skip


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """0 ... n-1 in random order.  Raises ShapeError for a negative n."""
    expect_strided("randperm", layout)
    if n < 0:
        raise ShapeError(f"randperm: expected n of 0 or more, got {n}.")
    seed, offset = _stream(generator).take(-(-n // 2) + 1)
    chosen = dtypes.int64 if dtype is None else to_dtype(dtype)
    return finish(sample.permutation.on(place(device))(n, seed, offset, chosen), requires_grad)


# Distributions whose parameters are tensors; no gradient flows through what is drawn


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Random numbers from normal distributions: of one mean and std with ``size``, or of tensors of them.

    Raises ShapeError for a negative std.
    """
    expect_strided("normal", layout)
    given = [p for p in (mean, std) if hasattr(p, "array")]
    if size is not None:
        _check_spread("normal", std)
        drawn: Tensor = randn(size, generator=generator, dtype=dtype, device=device) * std + mean
        return drawn.requires_grad_(requires_grad)
    if not given:
        raise DTypeError("normal: with numbers as mean and std, say the size: torch.normal(0.0, 1.0, (2, 3)).")
    if any(p.array.dtype.kind != "f" for p in given):
        raise RandomError("normal: expected means and stds of a floating-point dtype. Use .float().")
    _check_spread("normal", std)
    outer, inner = (p.detach() if hasattr(p, "array") else p for p in (mean, std))
    like = sum((p.detach() for p in given[1:]), given[0].detach())  # of the shape to which both broadcast
    kind = result_type(*given)
    noise = wrap(_drawn("normal", sample.normal, tuple(like.array.shape), kind, like.device, generator))
    number = 3 if len(given) == 2 else 1 if hasattr(mean, "array") else 2
    y = record((noise * inner + outer).array, *((p, lambda g: none(g)) for p in given))
    return titled(y, f"NormalBackward{number}")


def _check_spread(name: str, std: Any) -> None:
    if hasattr(std, "array"):
        if bool((std < 0).any()):
            raise ShapeError(f"{name}: normal expects all elements of std >= 0.0.")
    elif std < 0:
        raise ShapeError(f"{name}: normal expects std >= 0.0, but found std {std}.")


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element says (or ``p`` for all of them), else 0.

    Raises ShapeError for probabilities outside [0, 1].
    """
    try:
        if p is not None:
            chance = _chances("bernoulli", p, input, generator)
            return titled(record(chance, (input, lambda g: none(g))), "BernoulliBackward0")
    except AttributeError as error:
        raise no_tensor(error) from None
    if input.array.dtype.kind != "f":
        raise RandomError(f"bernoulli: expected probabilities as floats, got {input.dtype}. Use .float().")
    return record(_chances("bernoulli", input.detach(), input, generator), (input, lambda g: none(g)))


def _chances(name: str, p: Any, like: Tensor, generator: Generator | None) -> Any:
    """An array like ``like`` of ones and zeros, one with the probability p."""
    outside = bool(((p >= 0) & (p <= 1)).logical_not().any()) if hasattr(p, "array") else not 0 <= p <= 1
    if outside:
        raise ShapeError(
            f"{name}: expects p to be in [0, 1] (Expected p_in >= 0 && p_in <= 1 to be true), got "
            f"{'a tensor with other elements' if hasattr(p, 'array') else p}."
        )
    shape, kind = tuple(like.array.shape), like.dtype if like.is_floating_point() else dtypes.float32
    drawn = wrap(_drawn(name, sample.uniform, shape, max(kind, dtypes.float32, key=_size), like.device, generator))
    return (drawn < p).to(like.dtype).array


def _size(dtype: DType) -> int:
    return int(dtype.itemsize)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """How often something happens that happens ``input`` times on average: whole numbers, as floats.

    Raises ShapeError for negative rates.
    """
    if input.array.dtype.kind != "f":
        raise RandomError(f"poisson: expected rates as floats, got {input.dtype}. Use .float().")
    if bool((input.detach() >= 0).logical_not().any()):
        raise ShapeError("poisson: invalid Poisson rate, expected rate to be non-negative.")
    seed, offset = _stream(generator).take(1)
    return record(sample.poisson(input.array, seed, offset), (input, lambda g: none(g)))


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Indices drawn from each row with probabilities proportional to its elements: (…, C) → (…, num_samples) int64.

    Raises ShapeError when more distinct indices are asked for than there are with a positive weight, and for weights
    that are negative, infinite or NaN.
    """
    try:
        weights = input.detach()
    except AttributeError as error:
        raise no_tensor(error) from None
    _check_weights(weights, num_samples, replacement)
    rows = weights if weights.array.ndim == 2 else weights.reshape(1, -1)
    if rows.dtype is dtypes.float16:
        rows = rows.float()
    if replacement:
        chances = (rows / rows.sum(1, keepdim=True)).cumsum(1)
        shape = (rows.array.shape[0], num_samples, 1)
        marks = wrap(_drawn("multinomial", sample.uniform, shape, rows.dtype, rows.device, generator))
        last = (rows > 0).long().cumsum(1).argmax(1, keepdim=True)  # never one behind the last positive weight
        index = (marks >= chances.unsqueeze(1)).sum(2).minimum(last)
    else:
        noise = wrap(_drawn("multinomial", sample.uniform, tuple(rows.array.shape), rows.dtype, rows.device, generator))
        # The k least of Exp(1) / w are drawn without replacement (Efraimidis and Spirakis, 2006).
        keys = -(1 - noise).log() / rows
        index = keys.argsort(1)[:, :num_samples].clone()
    drawn: Tensor = index if weights.array.ndim == 2 else index.reshape(num_samples)
    return drawn


def _check_weights(weights: Tensor, count: int, replacement: bool) -> None:
    if weights.array.dtype.kind != "f":
        raise DTypeError(
            f"multinomial: only supports floating-point dtypes for input, got: {weights.dtype}. Use .float()."
        )
    if weights.array.ndim not in (1, 2):
        raise ShapeError(f"multinomial: prob_dist must be 1 or 2 dim, got shape {tuple(weights.array.shape)}.")
    if count <= 0:
        raise ShapeError(f"multinomial: cannot sample n_sample <= 0 samples, got {count}.")
    if not bool(weights.isfinite().all()) or bool((weights < 0).any()):
        raise ShapeError(
            "multinomial: weights must be finite, not negative: probability tensor contains either `inf`, `nan` or "
            "element < 0."
        )
    if bool((weights.sum(-1) <= 0).any()):
        raise ShapeError(
            "multinomial: weights must have a positive sum in each row: invalid multinomial distribution (sum of "
            "probabilities <= 0)."
        )
    if not replacement and weights.array.size and count > (least := int((weights > 0).sum(-1).amin())):
        raise ShapeError(
            f"multinomial: cannot draw {count} distinct indices from {least} positive weights: cannot sample n_sample "
            "> prob_dist.size(-1) samples without replacement. Use replacement=True, or draw fewer."
        )


# In place: methods that overwrite a tensor with what was drawn


def _fill(x: Tensor, drawn: Any, name: str, title: str) -> Tensor:
    in_place(x, wrap(drawn), name)
    return titled(x, title) if mode.enabled and x.base is None else x


def _own(name: str, kernel: Any, x: Tensor, generator: Generator | None) -> Tensor:
    """Numbers for every element of x; float16 is computed as float32."""
    try:
        kind = dtypes.float32 if x.dtype is dtypes.float16 else x.dtype
    except AttributeError as error:
        raise no_tensor(error) from None
    return wrap(_drawn(name, kernel, tuple(x.array.shape), kind, x.device, generator))


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write normal random numbers.  Raises ShapeError for a negative std."""
    _check_spread("normal_", std)
    drawn = _own("normal_", sample.normal, self, generator) * std + mean
    return _fill(self, drawn.to(self.dtype).array, "normal_", "NormalBackward0")


def uniform_(self: Tensor, low: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write random numbers, equally likely in [low, to)."""
    if low > to:
        raise ShapeError(f"uniform_: expects to return a [from, to) range, but found from={low} > to={to}.")
    drawn = _own("uniform_", sample.uniform, self, generator) * (to - low) + low
    return _fill(self, drawn.to(self.dtype).array, "uniform_", "UniformBackward0")


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Write 1 with probability ``p``, a number or a tensor that broadcasts to this one, else 0."""
    drawn = _chances("bernoulli_", p, self, generator)
    return _fill(self, drawn, "bernoulli_", f"BernoulliBackward{1 if hasattr(p, 'array') else 2}")


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write random numbers with the density λ e^(-λx) on x > 0."""
    if not lambd > 0:
        raise ShapeError(f"exponential_: expects lambda > 0.0, but found lambda={lambd}.")
    drawn = -(1 - _own("exponential_", sample.uniform, self, generator)).log() / lambd
    return _fill(self, drawn.to(self.dtype).array, "exponential_", "ExponentialBackward0")


def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Write random numbers whose logarithms are normal with this mean and standard deviation."""
    if not std > 0:
        raise ShapeError(f"log_normal_: expects std > 0.0, but found std={std}.")
    drawn = (_own("log_normal_", sample.normal, self, generator) * std + mean).exp()
    return _fill(self, drawn.to(self.dtype).array, "log_normal_", "LogNormalBackward0")


def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write random numbers with the density σ / (π ((x - median)² + σ²))."""
    if not sigma > 0:
        raise ShapeError(f"cauchy_: expects sigma > 0.0, but found sigma={sigma}.")
    turn = (_own("cauchy_", sample.uniform, self, generator) - 0.5) * math.pi
    drawn = turn.sin() / turn.cos() * sigma + median
    return _fill(self, drawn.to(self.dtype).array, "cauchy_", "CauchyBackward0")


def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Write how many trials the first success takes, each of probability p: 1, 2, 3, …"""
    if not 0 < p < 1:
        raise ShapeError(f"geometric_: expects p to be in (0, 1), but got p={p}.")
    shape, kind = tuple(self.array.shape), self.dtype if self.dtype is dtypes.float64 else dtypes.float32
    drawn = wrap(_drawn("geometric_", sample.uniform, shape, kind, self.device, generator))
    trials = ((1 - drawn).log() / math.log1p(-p)).ceil().clamp(min=1)
    return _fill(self, trials.to(self.dtype).array, "geometric_", "GeometricBackward0")


def random_(
    self: Tensor, low: int | None = None, to: int | None = None, *, generator: Generator | None = None
) -> Tensor:
    """Write random integers in [low, to): ``random_(to)`` starts at 0, ``random_()`` takes all the dtype holds.

    A float holds the integers up to 2^(its bits of precision).
    """
    title = f"RandomBackward{0 if to is not None else 1 if low is not None else 2}"
    if low is None:
        low, to = 0, _most(self.dtype) + 1
    elif to is None:
        low, to = 0, low
    drawn = _integers("random_", tuple(self.array.shape), low, to, self.dtype, self.device, generator)
    return _fill(self, drawn, "random_", title)


def _most(dtype: DType) -> int:
    if dtype.is_floating_point:
        return 1 << {2: 11, 4: 24, 8: 53}[dtype.itemsize]
    return 1 if dtype is dtypes.bool_ else dtypes.iinfo(dtype).max
