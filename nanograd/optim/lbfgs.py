"""L-BFGS: steps along the gradient corrected by the curvature that the last steps met."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nanograd.ops.creation import zeros
from nanograd.ops.joining import cat
from nanograd.optim.line_search import Point, strong_wolfe
from nanograd.optim.optimizer import Optimizer, expect_rate
from nanograd.tape import enable_grad, no_grad
from nanograd.tensors import Tensor

__all__ = ["LBFGS"]

State = dict[str, Any]
Loss = Callable[[], Any]


class LBFGS(Optimizer):
    """p ← p + t d,  d = -H g, H ≈ the inverse Hessian from the last steps   (Nocedal and Wright, 2006, algorithm 7.5)

    Made for full batches.  One ``step(closure)`` takes up to ``max_iter`` iterations and calls ``closure``, which
    zeroes the gradients, calls ``backward`` and returns the loss, up to ``max_eval`` times (1.25 max_iter when None).
    It stops early where no gradient exceeds ``tolerance_grad`` or nothing changes by more than ``tolerance_change``.
    t is lr, or found by the line search ``"strong_wolfe"``.  All parameters form one group.

    Raises ValueError for a negative rate or several groups, RuntimeError for another ``line_search_fn``.

    >>> p = torch.tensor([5.0, -3.0], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - torch.tensor([1.0, 2.0])) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    tensor(41., grad_fn=<SumBackward0>)
    >>> p
    tensor([1.0000, 2.0000], requires_grad=True)
    """

    _numbers = ()

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        expect_rate(lr)
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported, got line_search_fn={line_search_fn!r}.")
        defaults = dict(
            lr=lr, max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad, tolerance_change=tolerance_change, history_size=history_size,
            line_search_fn=line_search_fn,
        )  # fmt: skip
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Accept the first group alone.  Raises ValueError for another."""
        if self.param_groups:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def step(self, closure: Loss | None = None) -> Any:
        """Minimize for up to ``max_iter`` iterations; the loss before them.  Raises TypeError without a closure."""
        if closure is None:
            raise TypeError(
                "LBFGS.step() missing 1 required positional argument: 'closure': a function that calls zero_grad(), "
                "computes the loss, calls loss.backward() and returns the loss."
            )
        with no_grad():
            return self._minimize(closure)

    def _minimize(self, closure: Loss) -> Any:
        group = self.param_groups[0]
        state = self.state[group["params"][0]]  # all of it stands with the first parameter, as torch's
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        before = _ask(closure)
        loss, g = float(before), self._gradient()
        calls = 1
        state["func_evals"] += 1
        if _largest(g) <= group["tolerance_grad"]:
            return before
        for n in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            _turn(state, g, group["history_size"])
            d, previous = state["d"], loss
            state["prev_flat_grad"], state["prev_loss"] = g, loss
            rate = float(group["lr"])
            state["t"] = min(1.0, 1.0 / float(g.abs().sum())) * rate if state["n_iter"] == 1 else rate
            slope = float(g.dot(d))
            if slope > -group["tolerance_change"]:
                break
            more = 0
            if group["line_search_fn"] is not None:
                found, more = self._search(closure, Point(0.0, loss, g, slope), state, group["max_eval"] - calls)
                state["t"], loss, g = found.t, found.loss, found.g
                self._move(found.t, d)
            else:
                self._move(state["t"], d)
                if n < group["max_iter"]:
                    loss, g, more = float(_ask(closure)), self._gradient(), 1
            calls += more
            state["func_evals"] += more
            if calls >= group["max_eval"] or _largest(g) <= group["tolerance_grad"]:
                break
            if state["t"] * _largest(d) <= group["tolerance_change"]:
                break
            if abs(loss - previous) < group["tolerance_change"]:
                break
        return before

    def _search(self, closure: Loss, start: Point, state: State, most: int) -> tuple[Point, int]:
        d, params = state["d"], self.param_groups[0]["params"]
        kept = [p.clone() for p in params]

        def evaluate(t: float) -> Point:
            self._move(t, d)
            loss, g = float(_ask(closure)), self._gradient()
            for p, values in zip(params, kept, strict=True):
                p.copy_(values)
            return Point(t, loss, g, float(g.dot(d)))

        return strong_wolfe(evaluate, start, state["t"], _largest(d), most)

    def _gradient(self) -> Tensor:
        """All gradients one after the other."""
        parts = []
        for p in self.param_groups[0]["params"]:
            g = p._grad
            parts.append(zeros(p.numel(), dtype=p.dtype, device=p.device) if g is None else g.detach().reshape(-1))
        return cat(parts)

    def _move(self, t: float, d: Tensor) -> None:
        """p ← p + t d"""
        start = 0
        for p in self.param_groups[0]["params"]:
            p.add_(d[start : start + p.numel()].reshape(p.shape) * t)
            start += p.numel()


def _ask(closure: Loss) -> Any:
    with enable_grad():
        return closure()


def _largest(x: Tensor) -> float:
    return float(x.abs().max())


def _turn(state: State, g: Tensor, history: int) -> None:
    """The next direction, after taking note of the curvature along the last step."""
    if state["n_iter"] == 1:
        state.update(d=-g, old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return
    changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
    ys = y.dot(s)
    if float(ys) > 1e-10:
        for kept, new in ((changes, y), (steps, s), (ro, 1.0 / ys)):
            del kept[: len(kept) + 1 - history]
            kept.append(new)
        state["H_diag"] = ys / y.dot(y)
    state["al"], state["d"] = _two_loops(g, changes, steps, ro, state["H_diag"], history)


def _two_loops(
    g: Tensor, changes: list[Tensor], steps: list[Tensor], ro: list[Tensor], scale: Any, history: int
) -> tuple[list[Any], Tensor]:
    """-H g by two loops over the changes of the gradient and the steps   (Nocedal and Wright, algorithm 7.4)"""
    shares: list[Any] = [None] * history
    q = -g
    for i in reversed(range(len(changes))):
        shares[i] = steps[i].dot(q) * ro[i]
        q = q - changes[i] * shares[i]
    d = q * scale
    for i in range(len(changes)):
        d = d + steps[i] * (shares[i] - changes[i].dot(d) * ro[i])
    return shares, d
