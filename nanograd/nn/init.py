"""Initial values, written into a tensor in place: ``nn.init``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from nanograd.errors import ShapeError
from nanograd.ops.ranges import eye as identity
from nanograd.ops.sampling import rand, randn, randperm
from nanograd.tape import no_grad
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal", "kaiming_normal_",
    "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal", "orthogonal_", "sparse",
    "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal", "xavier_normal_", "xavier_uniform",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

_GAINS = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
_LINEAR = (
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
)


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """By how much a layer's weights must be larger for its activation to keep the variance.

    1 for linear layers and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + slope²)) for leaky_relu (slope 0.01).

    Raises ValueError for another nonlinearity, and for a param that is no number.

    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity in _LINEAR:
        return 1.0
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}: expected one of {', '.join([*_LINEAR, *_GAINS])}.")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Equally likely in [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """From the normal distribution."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """From the part of the normal distribution that lies in [a, b].

    Raises ValueError for std ≤ 0 and for a > b.  Warns where the mean is more than two std outside.
    """
    if not std > 0 or not a <= b:
        raise ValueError(f"trunc_normal_: expected std > 0 and a <= b, got std={std}, a={a}, b={b}.")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be "
            "incorrect.",
            stacklevel=outside(),
        )
    inside = 0.5 * (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2)))
    draw = _normal_draws if inside > 0.3 else _uniform_draws
    with no_grad():
        drawn, accepted = draw(tensor, mean, std, a, b, generator)
        while not bool(accepted.all()):
            more, good = draw(tensor, mean, std, a, b, generator)
            drawn, accepted = drawn.where(accepted, more), accepted | good
        return tensor.copy_(drawn)


def _normal_draws(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> tuple[Tensor, Tensor]:
    x = randn(tensor.shape, generator=generator, dtype=tensor.dtype, device=tensor.device) * std + mean
    return x, (x >= a) & (x <= b)


def _uniform_draws(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any
) -> tuple[Tensor, Tensor]:
    """Draws from [a, b], each accepted with its density over the greatest one: for intervals that normal ones miss."""
    peak = max(a, min(mean, b))
    low, high = max(a, peak - 8 * std), min(b, peak + 8 * std)  # beyond lies nothing, and a or b may be infinite
    x = rand(tensor.shape, generator=generator, dtype=tensor.dtype, device=tensor.device) * (high - low) + low
    density = (-0.5 * ((x - mean) / std) ** 2 + 0.5 * ((peak - mean) / std) ** 2).exp()
    chance = rand(tensor.shape, generator=generator, dtype=tensor.dtype, device=tensor.device)
    return x, (chance < density) & (x >= a) & (x <= b)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number everywhere."""
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix, zeros elsewhere.  Raises ValueError for other than 2 dimensions."""
    if tensor.ndim != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}.")
    with no_grad():
        return tensor.copy_(identity(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight (out, in / groups, *window) that hands its input on: 1 in the middle of window (i, i).

    Raises ValueError for other than 3 to 5 dimensions, and for ``groups`` that do not divide out.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"Only tensors with 3, 4, or 5 dimensions are supported, got shape {tuple(tensor.shape)}.")
    if groups < 1 or tensor.shape[0] % groups != 0:
        raise ValueError(f"dim 0 must be divisible by groups, got {tensor.shape[0]} and groups={groups}.")
    out = tensor.shape[0] // groups
    middle = tuple(size // 2 for size in tensor.shape[2:])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for i in range(min(out, tensor.shape[1])):
                tensor[(group * out + i, i, *middle)] = 1
    return tensor


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """gain times a random matrix whose rows (or columns, the fewer) are orthonormal; further dimensions are flattened.

    Every such matrix is equally likely: normal vectors, each made orthogonal to those before it (Gram and Schmidt).
    (Saxe, McClelland and Ganguli, 2014)  Raises ValueError for fewer than 2 dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError(f"Only tensors with 2 or more dimensions are supported, got shape {tuple(tensor.shape)}.")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    few, many = min(rows, columns), max(rows, columns)
    with no_grad():
        wide = tensor.dtype if tensor.dtype.itemsize >= 4 else "float32"
        q = randn(few, many, generator=generator, dtype=wide, device=tensor.device)
        for i in range(few):
            before, v = q[:i], q[i]
            for _ in range(2):  # once leaves what rounding left of the others
                v = v - (before @ v) @ before
            q[i] = v / v.norm()
        return tensor.copy_(((q if rows <= columns else q.t()) * gain).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal with standard deviation ``std``, but in each column a share ``sparsity`` of zeros  (Martens, 2010).

    Raises ValueError for other than 2 dimensions, and for shares outside [0, 1].
    """
    if tensor.ndim != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}.")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_: expected a sparsity in [0, 1], got {sparsity}.")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows, generator=generator, device=tensor.device)[:zeros], column] = 0
    return tensor


def _fans(tensor: Tensor) -> tuple[int, int]:
    """(inputs of one output, outputs of one input) of a weight (out, in, *window)."""
    shape = tensor.array.shape
    if len(shape) < 2:
        raise ShapeError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions: it has shape "
            f"{tuple(shape)}. Initialize biases with zeros_ or uniform_."
        )
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _fan(tensor: Tensor, mode: str) -> int:
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return _fans(tensor)[mode.lower() == "fan_out"]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform in ± gain √(6 / (fan_in + fan_out))  (Glorot and Bengio, 2010, equation 16)."""
    bound = gain * math.sqrt(6.0 / (sum(_fans(tensor)) or 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain √(2 / (fan_in + fan_out))  (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (sum(_fans(tensor)) or 1)), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform in ± gain √(3 / fan)  (He et al., 2015, equation 14); ``a`` is the slope of leaky_relu."""
    if 0 in tensor.array.shape:
        return _nothing(tensor)
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / _fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with standard deviation gain / √fan  (He et al., 2015, equation 14)."""
    if 0 in tensor.array.shape:
        return _nothing(tensor)
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)), generator)


def _nothing(tensor: Tensor) -> Tensor:
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=outside())
    return tensor


def _old(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The name without the underscore, which torch deprecated."""
    new = function.__name__
    old = new.rstrip("_")

    def deprecated(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=outside()
        )
        return function(*args, **kwargs)

    deprecated.__name__ = deprecated.__qualname__ = old
    deprecated.__doc__ = f"The old name of ``{new}``."
    return deprecated


uniform, normal, constant, eye, dirac = _old(uniform_), _old(normal_), _old(constant_), _old(eye_), _old(dirac_)
xavier_uniform, xavier_normal = _old(xavier_uniform_), _old(xavier_normal_)
kaiming_uniform, kaiming_normal = _old(kaiming_uniform_), _old(kaiming_normal_)
orthogonal, sparse = _old(orthogonal_), _old(sparse_)
