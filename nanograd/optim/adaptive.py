"""What optimizers share that count the steps of each parameter and keep arrays of its shape."""

from __future__ import annotations

from typing import Any

from nanograd.kernels import update as k
from nanograd.kernels.kernel import Kernel
from nanograd.ops.creation import zeros_like
from nanograd.ops.writing import written
from nanograd.optim.optimizer import Group, Optimizer, number
from nanograd.tensors import Tensor

__all__ = ["Adaptive"]

State = dict[str, Any]


class Adaptive(Optimizer):
    """One kernel call per tensor, with the arrays that it keeps and numbers that depend on its step.

    A subclass says which arrays it keeps (``arrays``), in the order of its kernel, and what step t of a group computes
    (``rule``): a kernel and its numbers.
    """

    _own_numbers = False
    """Whether the numbers depend on more of the state than the step."""

    def arrays(self, group: Group) -> tuple[str, ...]:
        """The names of the arrays that each parameter of ``group`` keeps."""
        raise NotImplementedError

    def rule(self, group: Group, t: float, state: State) -> tuple[Kernel, tuple[float, ...]]:
        """The kernel of step t and its numbers."""
        raise NotImplementedError

    def first(self, name: str, p: Tensor, group: Group) -> Tensor:
        """What an entry of the state begins with."""
        return number(0.0) if name in self._numbers else zeros_like(p)

    def start(self, p: Tensor, state: State, group: Group) -> None:
        """Give p the entries of the state that it does not have yet."""
        for name in (*self._numbers, *self.arrays(group)):
            if name not in state:
                state[name] = self.first(name, p, group)

    def update(self, group: Group) -> None:
        """One step of the tensors that have a gradient."""
        names = self.arrays(group)
        counted = -1.0  # tensors of one group have nearly always taken the same number of steps
        for p in group["params"]:
            g = p._grad
            if g is None:
                continue
            state = self.state[p]
            try:
                step, kept = state["step"].array, [state[name].array for name in names]
            except KeyError:
                self.start(p, state, group)
                step, kept = state["step"].array, [state[name].array for name in names]
            t = k.put(step, step.item() + 1)
            if t != counted or self._own_numbers:
                counted = t
                kernel, numbers = self.rule(group, t, state)
            kernel(p.array, g.array, *kept, numbers)
            written(p)
