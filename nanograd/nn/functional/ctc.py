"""The loss of a sequence whose places in time are not known."""

from __future__ import annotations

import math
from typing import Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.comparison import where
from nanograd.ops.creation import full, tensor
from nanograd.ops.elementary import logaddexp
from nanograd.ops.joining import cat, stack
from nanograd.ops.normalization import reduced
from nanograd.ops.op import titled
from nanograd.ops.ranges import arange
from nanograd.tensors import Tensor

__all__ = ["ctc_loss"]

NEVER = -1e30  # the logarithm of no chance: finite, so that differences of two are numbers


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """loss = -ln Σ of the chances of all paths that spell the target once repeats and blanks are taken out.

    Shapes: log-probabilities (T, N, C) or (T, C), targets (N, S) or all of them in one line, lengths (N,).  "mean"
    divides each loss by the length of its target first.  A target too long for its input has the loss ∞, or 0 with
    ``zero_infinity``.  Source: A. Graves et al., Connectionist Temporal Classification, ICML 2006, equations 5-8.
    """
    single = log_probs.array.ndim == 2
    x = log_probs.unsqueeze(1) if single else log_probs
    steps, sizes = _lengths("input_lengths", input_lengths, x), _lengths("target_lengths", target_lengths, x)
    _check_ctc(x, targets, steps, sizes, blank)
    labels = _labels(targets, sizes, blank, x)
    losses = -_log_chance(x, labels, tensor(steps, device=x.device), tensor(sizes, device=x.device), blank)
    possible = losses < -NEVER / 2
    losses = where(possible, losses, 0.0 if zero_infinity else math.inf)
    if reduction == "mean":
        return (losses / tensor([max(n, 1) for n in sizes], dtype=x.dtype, device=x.device)).mean()
    losses = titled(losses.squeeze(0) if single else losses, "CtcLossBackward0")
    return reduced(losses, reduction, "ctc_loss")


def _lengths(name: str, given: Any, x: Tensor) -> list[int]:
    values = given.tolist() if isinstance(given, Tensor) else given
    values = list(values) if isinstance(values, (list, tuple)) else [values]
    if x.array.ndim != 3 or len(values) != x.array.shape[1]:
        raise ShapeError(
            f"ctc_loss: {name} must be of size batch_size: expected log_probs (T, N, C) and N lengths, got "
            f"{tuple(x.shape)} and {len(values)}."
        )
    return [int(v) for v in values]


def _check_ctc(x: Tensor, targets: Tensor, steps: list[int], sizes: list[int], blank: int) -> None:
    time, batch, classes = x.array.shape
    if not 0 <= blank < classes:
        raise ShapeError(f"ctc_loss: blank must be in label range, 0 to {classes - 1}, got {blank}.")
    if targets.array.dtype.kind not in "iu":
        raise DTypeError(f"ctc_loss: targets must be of an integer dtype, got {targets.dtype}. Use targets.long().")
    if any(not 0 <= n <= time for n in steps):
        raise ShapeError(f"ctc_loss: Expected input_lengths to have value at most {time}, but got {steps}.")
    room = targets.array.shape[-1] if targets.array.ndim == 2 else targets.array.size
    need = max(sizes, default=0) if targets.array.ndim == 2 else sum(sizes)
    if any(n < 0 for n in sizes) or need > room:
        raise ShapeError(f"ctc_loss: Expected tensor to have size at least {need} at dimension 1, but got {room}.")
    if targets.array.ndim == 2 and targets.array.shape[0] != batch:
        raise ShapeError(f"ctc_loss: expected targets ({batch}, S), got {tuple(targets.shape)}.")
    if targets.array.size and (int(targets.amin()) < 0 or int(targets.amax()) >= classes):
        raise ShapeError(f"ctc_loss: targets must be class numbers from 0 to {classes - 1}.")


def _labels(targets: Tensor, sizes: list[int], blank: int, x: Tensor) -> Tensor:
    """(N, 2 S + 1): each target with blanks before, between and after its labels."""
    n, longest = len(sizes), max(sizes, default=0)
    rows = full((n, longest), blank, device=x.device).long()
    start = 0
    for i, size in enumerate(sizes):
        rows[i, :size] = targets[i, :size] if targets.array.ndim == 2 else targets[start : start + size]
        start += size
    blanks = full((n, longest), blank, device=x.device).long()
    return cat([stack([blanks, rows], 2).view(n, 2 * longest), full((n, 1), blank, device=x.device).long()], 1)


def _log_chance(x: Tensor, labels: Tensor, steps: Tensor, sizes: Tensor, blank: int) -> Tensor:
    """(N,): ln Σ over paths.  alpha[n, s] is that of the paths so far that end in place s of the labels."""
    n, places = labels.array.shape
    if not x.array.shape[0]:
        return where(sizes == 0, 0.0, NEVER).to(x.dtype)
    never = full((n, 2), NEVER, dtype=x.dtype, device=x.device)
    back_two = cat([labels[:, :1], labels[:, :1], labels[:, :-2]], 1) if places > 1 else labels
    may_skip = (labels != blank) & (labels != back_two)  # from the label before, over the blank between
    place = arange(places, device=x.device)
    chances = x.gather(2, labels.unsqueeze(0).expand(x.array.shape[0], n, places)).clamp_min(NEVER)
    alpha = where(place < 2, chances[0], NEVER)
    for t in range(1, x.array.shape[0]):
        earlier = cat([never, alpha], 1)
        stay = logaddexp(alpha, earlier[:, 1:-1])
        moved = logaddexp(stay, where(may_skip, earlier[:, :-2], NEVER)) + chances[t]
        alpha = where((t < steps).unsqueeze(1), moved.clamp_min(NEVER), alpha)
    last = (2 * sizes).unsqueeze(1)
    ends = where(sizes.unsqueeze(1) > 0, alpha.gather(1, (last - 1).clamp(min=0)), NEVER)
    total = logaddexp(alpha.gather(1, last), ends).squeeze(1)
    return where(steps == 0, where(sizes == 0, 0.0, NEVER), total)
