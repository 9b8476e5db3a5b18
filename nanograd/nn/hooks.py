"""Hooks of a module: functions that see, and may change, what passes through it forward and backward."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from nanograd.autograd.function import Function
from nanograd.tensors import RemovableHandle, Tensor

if TYPE_CHECKING:
    from nanograd.nn.module import Module

__all__ = ["Hook", "Hooks", "call_with_hooks"]


class Hook(NamedTuple):
    """A function, whether it takes keyword arguments too, and whether it runs although ``forward`` failed."""

    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


class Hooks:
    """The hooks of one module, by kind and number; a module without any has none of this."""

    KINDS = (
        "forward_pre", "forward", "backward_pre", "backward", "state_pre", "state", "load_pre", "load_post",
    )  # fmt: skip

    def __init__(self) -> None:
        self.kinds: dict[str, OrderedDict[int, Hook]] = {kind: OrderedDict() for kind in self.KINDS}

    def add(self, kind: str, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Add a hook, behind the others or before them."""
        if not callable(hook.function):
            raise TypeError(f"expected a function as a {kind} hook, got {type(hook.function).__name__}.")
        hooks = self.kinds[kind]
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def of(self, kind: str) -> list[Hook]:
        """The hooks of a kind, in the order in which they run."""
        return list(self.kinds[kind].values())


def call_with_hooks(module: Module, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward(*args, **kwargs)`` between its hooks."""
    ran: set[int] = set()
    try:
        args, kwargs = _before(module, hooks, args, kwargs)
        watched = hooks.of("backward") or hooks.of("backward_pre")
        gate = _Gate(module, hooks) if watched else None
        args = gate.enter(args) if gate else args
        result = module.forward(*args, **kwargs)
        for hook in hooks.of("forward"):
            ran.add(id(hook.function))
            changed = _after(module, hook, args, kwargs, result)
            result = result if changed is None else changed
        return gate.leave(result) if gate else result
    except Exception:
        for hook in hooks.of("forward"):
            if hook.always_call and id(hook.function) not in ran:
                _after(module, hook, args, kwargs, None)
        raise


def _before(
    module: Module, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    for hook in hooks.of("forward_pre"):
        changed = hook.function(module, args, kwargs) if hook.with_kwargs else hook.function(module, args)
        if changed is None:
            continue
        if not hook.with_kwargs:
            args = changed if isinstance(changed, tuple) else (changed,)
        elif isinstance(changed, tuple) and len(changed) == 2:
            args, kwargs = changed
        else:
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), got {changed}."
            )
    return args, kwargs


def _after(module: Module, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    if hook.with_kwargs:
        return hook.function(module, args, kwargs, result)
    return hook.function(module, args, result)


class _Gate:
    """One call of a module with backward hooks: its inputs and outputs each pass through one node.

    The gradients of all outputs meet at the second, those of all inputs at the first.
    """

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module = module
        self.pre, self.hooks = hooks.of("backward_pre"), hooks.of("backward")
        self.grad_output: tuple[Any, ...] | None = None
        self.inputs = 0
        self.entered = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The inputs, behind the first node."""
        places = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
        self.inputs = len(args)
        if not places or not self.hooks:
            return args
        self.entered = True
        passed = _Pass.apply(lambda gs: self._inlet(gs, places), *(args[i] for i in places))
        entered = list(args)
        for i, x in zip(places, passed, strict=True):
            entered[i] = x
        return tuple(entered)

    def leave(self, result: Any) -> Any:
        """The outputs, behind the second node."""
        several = isinstance(result, tuple)
        outputs = list(result) if several else [result]
        places = [i for i, y in enumerate(outputs) if isinstance(y, Tensor) and y.requires_grad]
        if not places:
            return result
        count = len(outputs)  # the function below must not hold the outputs: a cycle
        passed = _Pass.apply(lambda gs: self._outlet(gs, places, count), *(outputs[i] for i in places))
        for i, y in zip(places, passed, strict=True):
            outputs[i] = y
        return tuple(outputs) if several else outputs[0]

    def _outlet(self, gradients: tuple[Any, ...], places: list[int], count: int) -> tuple[Any, ...]:
        given: list[Any] = [None] * count
        for i, g in zip(places, gradients, strict=True):
            given[i] = g
        for hook in self.pre:
            given = _replaced(hook.function(self.module, tuple(given)), given, "backward pre-hook")
        self.grad_output = tuple(given)
        if not self.entered:  # no input needs a gradient: there is nothing to change
            for hook in self.hooks:
                nothing: list[Any] = [None] * self.inputs
                changed = hook.function(self.module, tuple(nothing), self.grad_output)
                if any(g is not None for g in _replaced(changed, nothing, "backward hook")):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return None or None "
                        "for all gradients."
                    )
        return tuple(given[i] for i in places)

    def _inlet(self, gradients: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
        if self.grad_output is None:  # they came by another way than the outputs, a list or a dict of tensors
            return gradients
        given: list[Any] = [None] * self.inputs
        for i, g in zip(places, gradients, strict=True):
            given[i] = g
        for hook in self.hooks:
            given = _replaced(hook.function(self.module, tuple(given), self.grad_output), given, "backward hook")
        self.grad_output = None
        return tuple(given[i] for i in places)


def _replaced(changed: Any, given: list[Any], what: str) -> list[Any]:
    if changed is None:
        return given
    listed = list(changed) if isinstance(changed, (tuple, list)) else [changed]
    if len(listed) != len(given):
        raise RuntimeError(f"{what}: returned {len(listed)} gradients, expected {len(given)} or None.")
    return listed


class _Pass(Function):
    """The identity, whose gradients go through a function first."""

    @staticmethod
    def forward(ctx: Any, change: Callable[[tuple[Any, ...]], tuple[Any, ...]], *xs: Tensor) -> tuple[Tensor, ...]:
        """The inputs themselves."""
        ctx.change = change
        ctx.set_materialize_grads(False)
        return xs

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Any, ...]:
        """None for the function, and what it makes of the gradients."""
        return None, *ctx.change(gradients)
