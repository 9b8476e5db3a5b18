"""Softmax, and the losses that are fused with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.dtypes import DType, to_dtype
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import normalize as k
from nanograd.ops.activation import ActivationError
from nanograd.ops.comparison import where
from nanograd.ops.op import fuses, op, record, titled, wrap
from nanograd.ops.reduction import sum as sum_
from nanograd.ops.refusing import no_tensor
from nanograd.ops.scattering import gather
from nanograd.ops.shape import flatten, one_dim, to_shape
from nanograd.tape import TORCH_NAMES

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["cross_entropy", "log_softmax", "nll_loss", "softmax"]


@op
def softmax(input: Tensor, dim: int | None = None, dtype: DType | None = None) -> Tensor:
    """y = eˣ / Σ eˣ along ``dim``: positive, adding up to 1.

    >>> softmax(torch.tensor([0., 0.]), dim=0)
    tensor([0.5000, 0.5000])
    """
    x, d = _floats("softmax", input, dim, dtype)
    if not x.array.ndim:
        return softmax(to_shape(x, (1,)), 0).squeeze(0)
    return record(k.softmax(x.array, d), (x, lambda g, y: softmax_grad(g, y, d)))


@op("SoftmaxBackwardData")
def softmax_grad(g: Tensor, y: Tensor, dim: int) -> Tensor:
    """y (g - Σ g y): what flows back through y = softmax x."""
    return record(
        k.softmax_grad(g.array, y.array, dim),
        (g, lambda h: softmax_grad(h, y, dim)),
        (y, lambda h: h * (g - (g * y).sum(dim, True)) - g * (h * y).sum(dim, True)),
    )


@op
def log_softmax(input: Tensor, dim: int | None = None, dtype: DType | None = None) -> Tensor:
    """y = x - ln Σ eˣ along ``dim``: the logarithm of softmax, finite where softmax underflows."""
    x, d = _floats("log_softmax", input, dim, dtype)
    if not x.array.ndim:
        return log_softmax(to_shape(x, (1,)), 0).squeeze(0)
    return record(k.log_softmax(x.array, d), (x, lambda g, y: log_softmax_grad(g, y, d)))


@op("LogSoftmaxBackwardData")
def log_softmax_grad(g: Tensor, y: Tensor, dim: int) -> Tensor:
    """g - eʸ Σ g: what flows back through y = log_softmax x."""
    return record(
        k.log_softmax_grad(g.array, y.array, dim),
        (g, lambda h: h - (h * y.exp()).sum(dim, True)),
        (y, lambda h: -h * y.exp() * g.sum(dim, True)),
    )


def _floats(name: str, x: Tensor, dim: int | None, dtype: DType | None) -> tuple[Tensor, int]:
    try:
        if dim is None:
            raise DTypeError(
                f"{name}: dim is missing: say along which dimension the result adds up to 1, such as dim=1."
            )
        x = x if dtype is None else x.to(to_dtype(dtype))
        if x.array.dtype.kind != "f":
            raise ActivationError(
                f"{name}: expected a floating-point tensor, got {x.dtype}: not implemented for it. Use x.float()."
            )
    except AttributeError as error:
        raise no_tensor(error) from None
    return x, one_dim(name, dim, x.array.ndim)


NLL = TORCH_NAMES["cross_entropy_fused"] = "NllLossBackward0"


def reduced(losses: Tensor, reduction: str, name: str) -> Tensor:
    """Losses as they are ("none"), their mean, or their sum.  Raises ValueError for another word."""
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"{name}: {reduction!r} is not a valid value for reduction: expected 'mean', 'sum' or 'none'.")


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """loss = -w[t] x[n, t] of log-probabilities x (N, C, …) and class numbers t (N, …) or C and ().

    The mean divides by the sum of the weights of the targets that are not ignored.
    """
    _check_weight("nll_loss", weight, input)
    x, t = _classes("nll_loss", input, target, ignore_index)
    return _nll(x, t, weight, ignore_index, legacy(size_average, reduce, reduction), input, target)


def legacy(size_average: Any, reduce: Any, reduction: str) -> str:
    """The reduction that torch's old arguments ``size_average`` and ``reduce`` ask for, where they are given."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is not None and not reduce:
        return "none"
    return "mean" if size_average is None or size_average else "sum"


def _nll(
    x: Tensor, t: Tensor, weight: Tensor | None, ignore: int, reduction: str, input: Tensor, target: Tensor
) -> Tensor:
    counted = t != ignore
    safe = where(counted, t, 0)
    picked = to_shape(gather(x, 1, to_shape(safe, (*safe.array.shape, 1))), safe.array.shape)
    share = counted.to(x.dtype) if weight is None else where(counted, weight[safe], 0.0)
    losses = where(counted, -picked * share, 0.0)
    ndim = input.array.ndim
    title = NLL if ndim < 3 else "ViewBackward0" if reduction == "none" and ndim != 4 else "NllLoss2DBackward0"
    if reduction == "mean":
        return titled(losses.sum() / share.sum(), title)
    return titled(reduced(to_shape(losses, target.array.shape), reduction, "nll_loss"), title)


def _hint(xs: tuple[int, ...], ts: tuple[int, ...], is_float: bool) -> str:
    """What to do with a target that is near to what was expected."""
    if not is_float:
        return " The input must be the scores of the classes, in floats, (N, C): not their argmax."
    if ts == xs:
        return " A one-hot target: use target.argmax(1) for its class numbers, or target.float() for probabilities."
    if len(xs) == 2 and ts == (xs[0], 1):
        return " Use target.squeeze(1)."
    if xs and len(xs) < 3 and ts and xs[0] != ts[0]:
        return f" The batch sizes differ, {xs[0]} and {ts[0]}: a score for each class and sample, (N, C), is expected."
    return ""


def _check_weight(name: str, weight: Tensor | None, x: Tensor) -> None:
    """Raises ShapeError unless there is a weight for each class, or none."""
    try:
        shape = x.array.shape
    except AttributeError as error:
        raise no_tensor(error) from None
    classes = shape[min(1, len(shape) - 1)] if shape else 0
    if weight is not None and tuple(weight.array.shape) != (classes,):
        raise ShapeError(
            f"{name}: weight tensor should be defined either for all {classes} classes or no classes but got weight "
            f"tensor of shape: {list(weight.array.shape)}"
        )


def _classes(name: str, x: Tensor, t: Tensor, ignore: int) -> tuple[Tensor, Tensor]:
    """Input as rows (M, C), target as (M,).  Raises ShapeError, DTypeError, IndexError (torch's class numbers)."""
    try:
        if t.array.dtype.char not in "lB":
            raise DTypeError(
                f"{name}: expected scalar type Long: class numbers of torch.int64 of shape (N,), got {t.dtype} of "
                f"shape {tuple(t.array.shape)}. Class numbers must be integers: target.long()."
            )
        if t.array.dtype.char == "B":
            t = t.long()
    except AttributeError as error:
        raise no_tensor(error) from None
    xs, ts = x.array.shape, t.array.shape
    if not xs or (ts != () if len(xs) == 1 else ts != (xs[0], *xs[2:])):
        raise ShapeError(
            f"{name}: expected an input (N, C, …) and a target (N, …), or (C,) and (), got {tuple(xs)} and {tuple(ts)}."
            + _hint(tuple(xs), tuple(ts), x.array.dtype.kind == "f")
        )
    if t.array.size:
        low, high = int(where(t == ignore, 0, t).amin()), int(where(t == ignore, 0, t).amax())
        classes = xs[0] if len(xs) == 1 else xs[1]
        if low < 0 or high >= classes:
            raise IndexError(
                f"{name}: Target {low if low < 0 else high} is out of bounds: there are {classes} classes."
            )
    if len(xs) == 1:
        return to_shape(x, (1, *xs)), to_shape(t, (1,))
    if len(xs) > 2:
        x = flatten(x.movedim(1, -1), 0, -2)
    return x, t if len(ts) == 1 else flatten(t)


@op
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """loss = -Σ_c p[c] log softmax(x)[c] of scores x (N, C, …): p is one-hot at class t, or given as probabilities.

    Shapes: x (N, C, …), t (N, …) of int64 or probabilities (N, C, …); x (C,) with t () or (C,).
    label_smoothing mixes p with the uniform distribution; weight (C,) scales classes; the mean divides by the sum of
    the targets' weights.  Feed it scores, not softmax(x): it takes the softmax itself.

    >>> cross_entropy(torch.tensor([[2., 0.]]), torch.tensor([0]))
    tensor(0.1269)
    """
    try:
        reduction = legacy(size_average, reduce, reduction)
    except AttributeError as error:
        raise no_tensor(error) from None
    dim = 1 if input.array.ndim > 1 else 0
    if not 0 <= label_smoothing <= 1:
        raise ShapeError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    _check_weight("cross_entropy", weight, input)
    if target.array.dtype.kind == "f":
        return _soft(log_softmax(input, dim), target, weight, reduction, label_smoothing, dim)
    if not label_smoothing:
        x, t = _classes("cross_entropy", input, target, ignore_index)
        return _nll(log_softmax(x, 1), t, weight, ignore_index, reduction, input, target)
    return _smooth(input, target, weight, ignore_index, reduction, label_smoothing)


def _soft(logp: Tensor, p: Tensor, weight: Tensor | None, reduction: str, smoothing: float, dim: int) -> Tensor:
    if p.array.shape != logp.array.shape:
        raise ShapeError(
            f"cross_entropy: probabilities need the input's shape {tuple(logp.array.shape)}, "
            f"got {tuple(p.array.shape)} of {p.dtype}. If they are class numbers, use target.long()."
        )
    classes = logp.array.shape[dim]
    p = p * (1 - smoothing) + smoothing / classes if smoothing else p
    if weight is not None:
        p = p * to_shape(weight, (classes,) + (1,) * (logp.array.ndim - 1 - dim))
    losses = -(p * logp).sum(dim)
    if reduction == "mean":
        return titled(losses.sum() / max(losses.array.size, 1), "DivBackward1")
    return titled(reduced(losses, reduction, "cross_entropy"), "NegBackward0")


def _smooth(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore: int, reduction: str, smoothing: float
) -> Tensor:
    x, t = _classes("cross_entropy", input, target, ignore)
    logp = log_softmax(x, 1)
    counted = t != ignore
    w = logp * 0.0 + 1.0 if weight is None else weight.expand(logp.array.shape)
    even = where(counted, -sum_(logp * w.detach(), 1) / logp.array.shape[1], 0.0)
    sharp = _nll(logp, t, weight, ignore, "none", x, t)
    losses = (1 - smoothing) * sharp + smoothing * even
    if reduction != "mean":
        return titled(reduced(to_shape(losses, target.array.shape), reduction, "cross_entropy"), "AddBackward0")
    share = counted.to(x.dtype) if weight is None else where(counted, weight[where(counted, t, 0)], 0.0)
    return titled(losses.sum() / share.sum(), "AddBackward0")


@fuses(cross_entropy, k.cross_entropy, k.cross_entropy_grad)
def cross_entropy_fused(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    size_average: Any,
    ignore_index: int,
    reduce: Any,
    reduction: str,
    label_smoothing: float,
) -> Any:
    """The mean over rows in one pass, keeping softmax(x) for the way back."""
    x, t = input.array, target.array
    if (
        reduction != "mean" or weight is not None or label_smoothing or size_average is not None or reduce is not None
        or x.ndim != 2 or x.dtype.kind != "f" or t.dtype.char != "l" or t.shape != x.shape[:1] or not t.size
        or 0 <= ignore_index < x.shape[1]
    ):  # fmt: skip
        return NotImplemented
    answer = k.cross_entropy(x, t)
    if answer is None:  # a class is ignored or out of range: the composition tells which
        return NotImplemented
    loss, p = answer
    probabilities = wrap(p)
    return record(loss, (input, lambda g: cross_entropy_grad(g, probabilities, target)))


@op("NllLossBackward")
def cross_entropy_grad(g: Tensor, probabilities: Tensor, target: Tensor) -> Tensor:
    """g / N (softmax - onehot(target))."""
    return wrap(k.cross_entropy_grad(g.array, probabilities.array, target.array))
