"""Chance as regularization.

What was drawn is a factor, and for alpha dropout a summand: the formulas are products and sums of them.
"""

from __future__ import annotations

import math
import warnings

from nanograd import dtypes
from nanograd.errors import ShapeError
from nanograd.nn.functional.activation import placed
from nanograd.ops.refusing import no_tensor
from nanograd.ops.sampling import rand
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """y = x m / (1 - p), m = 0 with probability p, else 1; x itself when not training.

    Raises ValueError for p outside [0, 1].
    """
    try:
        return _scaled(input, p, training, inplace, tuple(input.array.shape), "dropout_")
    except AttributeError as error:
        raise no_tensor(error) from None


def _scaled(x: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...], name: str) -> Tensor:
    """x times a mask of ``shape`` that makes up for what it drops."""
    check_probability(p)
    if not training or p == 0.0 or not x.array.size:
        return x
    mask = kept(x, shape, p)
    return placed(x, x * (mask * (1 / (1 - p)) if p < 1.0 else mask), inplace, name)


def check_probability(p: float) -> None:
    """Raises ValueError unless p is a probability."""
    if isinstance(p, bool) or not hasattr(p, "__float__") or not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def kept(x: Tensor, shape: tuple[int, ...], p: float) -> Tensor:
    """1 where a part of x stays, 0 with probability p, in the dtype of x."""
    return (rand(shape, dtype=dtypes.float32, device=x.device) >= p).to(x.dtype)


# Whole channels


def _channels(x: Tensor) -> tuple[int, ...]:
    return tuple(n if d < 2 else 1 for d, n in enumerate(x.array.shape))


def _by_channel(x: Tensor, p: float, training: bool, inplace: bool, name: str) -> Tensor:
    if x.array.ndim < 2:
        check_probability(p)
        raise ShapeError(
            f"{name}: Feature dropout requires at least 2 dimensions in the input: (N, C, …), got {tuple(x.shape)}."
        )
    return _scaled(x, p, training, inplace, _channels(x), f"{name}_")


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """As ``dropout``, of whole channels of (N, C, L) or (C, L)."""
    check_probability(p)
    if input.array.ndim not in (2, 3):
        raise ShapeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.array.ndim}D input. Note that dropout1d exists "
            "to provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    return _one_or_many("dropout1d", input, 3, p, training, inplace)


def _one_or_many(name: str, x: Tensor, ndim: int, p: float, training: bool, inplace: bool) -> Tensor:
    if x.array.ndim == ndim:
        return _by_channel(x, p, training, inplace, name)
    y = _by_channel(x.unsqueeze(0), p, training, inplace, name).squeeze(0)
    return x if inplace else y


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """As ``dropout``, of whole channels of (N, C, H, W); three dimensions are taken as (N, C, L), and it warns."""
    check_probability(p)
    ndim = input.array.ndim
    if ndim not in (3, 4):
        _deprecated("dropout2d", ndim, 2, "3D or 4D")
    if ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. Please use dropout1d instead.",
            stacklevel=outside(),
        )
    return _by_channel(input, p, training, inplace, "dropout2d")


def _deprecated(name: str, ndim: int, spatial: int, expected: str) -> None:
    warnings.warn(
        f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an error in a future "
        f"release. To retain the behavior and silence this warning, please use dropout instead. Note that {name} "
        f"exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a channel dimension, and "
        f"an optional batch dimension (i.e. {expected} inputs).",
        stacklevel=outside(),
    )


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """As ``dropout``, of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    check_probability(p)
    ndim = input.array.ndim
    if ndim not in (4, 5):
        _deprecated("dropout3d", ndim, 3, "4D or 5D")
    return _one_or_many("dropout3d", input, 5, p, training, inplace)


# With the mean and the variance kept, for SELU

ALPHA = 1.7580993408473766  # -selu(-∞)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """y = a x + b where x stays, a · (-1.7581) + b with probability p: mean 0 and variance 1 stay what they are.

    Source: G. Klambauer et al., Self-Normalizing Neural Networks, NeurIPS 2017.
    """
    return _alpha(input, p, training, inplace, tuple(input.array.shape), "alpha_dropout_")


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """As ``alpha_dropout``, of whole channels of (N, C, …)."""
    check_probability(p)
    if input.array.ndim < 2:
        raise ShapeError(
            "feature_alpha_dropout: Feature dropout requires at least 2 dimensions in the input: (N, C, …), got "
            f"{tuple(input.shape)}."
        )
    return _alpha(input, p, training, inplace, _channels(input), "feature_alpha_dropout_")


def _alpha(x: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...], name: str) -> Tensor:
    check_probability(p)
    if not training or p == 0.0 or not x.array.size:
        return x
    mask = kept(x, shape, p)
    if p == 1.0:
        return placed(x, x * mask, inplace, name)
    a = 1 / math.sqrt((1 - p) * (1 + p * ALPHA * ALPHA))
    return placed(x, x * (mask * a) + ((mask - 1) * (ALPHA * a) + ALPHA * a * p), inplace, name)
