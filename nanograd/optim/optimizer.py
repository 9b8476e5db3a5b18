"""Optimizer: parameters in groups, their options, and what is remembered about each parameter."""

from __future__ import annotations

import copy
import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from nanograd.errors import MissingError
from nanograd.ops.creation import tensor
from nanograd.settings import get_default_dtype
from nanograd.tape import enable_grad
from nanograd.tensors import RemovableHandle, Tensor
from nanograd.warned import outside

__all__ = [
    "Group", "Optimizer", "accept_switches", "expect", "expect_not_negative", "expect_rate", "number", "required",
]  # fmt: skip

Group = dict[str, Any]
Hooks = OrderedDict[int, Callable[..., Any]]
_UNSAVED = {"_steps", "_stepping", "_hooks", "_scheduled_at"}


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()
"""As a default: every group has to give this option."""


def _between_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """``step``, counted, with the hooks of the optimizer before and after it."""

    @functools.wraps(step)
    def run(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._stepping:  # a subclass's step that calls super().step()
            return step(self, *args, **kwargs)
        self._stepping = True
        self._steps += 1
        try:
            for hook in self._hooks["step_pre"].values():
                args, kwargs = _changed(hook(self, args, kwargs), args, kwargs)
            result = step(self, *args, **kwargs)
            for hook in self._hooks["step_post"].values():
                hook(self, args, kwargs)
            return result
        finally:
            self._stepping = False

    return run


def _changed(answer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    if answer is None:
        return args, kwargs
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise RuntimeError(f"a step pre-hook must return None or a tuple of (new_args, new_kwargs), but got {answer}.")
    return answer


class Optimizer:
    """What all optimizers share; a subclass defines ``update(group)``, or ``step`` itself.

    ``params`` is an iterable of tensors, of (name, tensor) pairs, or of dicts, one per group, whose options take the
    place of ``defaults``.  ``param_groups[i]["lr"]`` may be changed between steps.  ``state[p]`` is what the
    optimizer remembers about p; it begins with the first step.
    """

    _numbers: ClassVar[tuple[str, ...]] = ("step",)
    """Entries of the state that are one number: they stay on the CPU and keep their dtype."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _between_hooks(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._begin()
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        groups = _listed(params)
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def _begin(self) -> None:
        """What is not saved with the optimizer."""
        self._steps = 0  # how often step was called: learning-rate schedules look
        self._stepping = False
        self._hooks: defaultdict[str, Hooks] = defaultdict(OrderedDict)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in _UNSAVED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_hooks" not in self.__dict__:
            self._begin()
        self.__dict__.update(state)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more tensors, with options of their own.

        Raises TypeError for a group that is not a dict, and for what is not a tensor, KeyError for a group without
        params, ValueError for tensors that operations made or that are in a group already, and where some parameters
        have names and others have none.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        if "params" not in param_group:
            raise KeyError(f"params: a group needs its parameters, dict(params=[...], ...); got {list(param_group)}")
        names, tensors = _names_and_tensors(param_group["params"])
        self._check_tensors(tensors)
        self._check_names(bool(names))
        param_group["params"] = tensors
        if names:
            param_group["param_names"] = names
        for name, value in self.defaults.items():
            if value is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, value)
        self.param_groups.append(param_group)

    def _check_tensors(self, tensors: list[Any]) -> None:
        for p in tensors:
            if not isinstance(p, Tensor):
                module = ": give it the module's .parameters()" if hasattr(p, "parameters") else ""
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}{module}"
                )
            if not p.is_leaf and not p._retains:
                raise ValueError(
                    "can't optimize a non-leaf Tensor: it was made by an operation. Optimize the tensors that it was "
                    "made from, or detach() it and let it require grad."
                )
        if len({id(p) for p in tensors}) < len(tensors):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters: each is updated more than once in a "
                "step.",
                stacklevel=outside(),
            )
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in known for p in tensors):
            raise ValueError("some parameters appear in more than one parameter group")

    def _check_names(self, named: bool) -> None:
        if any(("param_names" in group) != named for group in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if named else 'without'} names to the optimizer"
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Take the gradients away, or make them zero: they would add up otherwise."""
        for group in self.param_groups:
            for p in group["params"]:
                g = p._grad
                if set_to_none:
                    p._grad = None
                elif g is not None:
                    if g.node is not None:
                        g = p._grad = g.detach()
                    g.zero_()

    @_between_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step along the gradients that ``backward`` left; with ``closure``, of the loss that it computes."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self.update(group)
        return loss

    def update(self, group: Group) -> None:
        """One step of the tensors of one group."""
        raise MissingError(f"{type(self).__name__}: define update(group), or step().")

    # Saving and loading

    def state_dict(self) -> dict[str, Any]:
        """{"state": what is remembered by parameter number, "param_groups": options and parameter numbers}.

        The tensors are the optimizer's own, not copies.
        """
        for hook in self._hooks["state_dict_pre"].values():
            hook(self)
        numbers: dict[int, int] = {}
        count = 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], count):
                numbers.setdefault(id(p), i)
            count += len(group["params"])
        groups = [{**group, "params": [numbers[id(p)] for p in group["params"]]} for group in self.param_groups]
        for group in groups:
            group["params"] = group.pop("params")  # last, as torch has it
        state = {numbers[id(p)] if isinstance(p, Tensor) else p: values for p, values in self.state.items()}
        found: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._hooks["state_dict_post"].values():
            changed = hook(self, found)
            found = found if changed is None else changed
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from a state that ``state_dict`` gave: copies, of each parameter's dtype and on its device.

        Raises ValueError where groups or their sizes differ.
        """
        _expect_state(state_dict)
        given: Mapping[str, Any] = dict(state_dict)
        for hook in self._hooks["load_state_dict_pre"].values():
            changed = hook(self, given)
            given = given if changed is None else changed
        _expect_state(given)
        pairs = self._paired(given["param_groups"])
        by_number = {n: p for group, other in pairs for n, p in zip(other["params"], group["params"], strict=True)}
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, values in given["state"].items():
            if key in by_number:
                p = by_number[key]
                state[p] = {name: self._restored(name, value, p) for name, value in values.items()}
            else:
                state[key] = copy.deepcopy(values)
        self.state = state
        for group, other in pairs:
            group.update({k: copy.deepcopy(v) for k, v in other.items() if k != "params"})
        for hook in self._hooks["load_state_dict_post"].values():
            hook(self)

    def _paired(self, saved: list[Group]) -> list[tuple[Group, Group]]:
        if len(saved) != len(self.param_groups):
            raise ValueError(
                f"loaded state dict has a different number of parameter groups: {len(saved)}, the optimizer has "
                f"{len(self.param_groups)}."
            )
        pairs = list(zip(self.param_groups, saved, strict=True))
        for i, (group, other) in enumerate(pairs):
            if len(group["params"]) != len(other["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"group {i} has {len(other['params'])} parameters, the optimizer's {len(group['params'])}."
                )
        return pairs

    def _restored(self, name: str, value: Any, p: Tensor) -> Any:
        if isinstance(value, Mapping):
            return {k: self._restored(k, v, p) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)([self._restored("", v, p) for v in value])
        if name in self._numbers:
            return value.detach().clone() if isinstance(value, Tensor) else number(value)
        if not isinstance(value, Tensor):
            return copy.deepcopy(value)
        return value.detach().to(device=p.device, dtype=p.dtype if p.is_floating_point() else None, copy=True)

    # Hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; (args, kwargs) that it returns take their place."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict`` looks."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)``; what it returns takes the state's place."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` with a shallow copy of what is to be loaded; what it returns is."""
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a state was loaded."""
        return self._register("load_state_dict_post", hook, prepend)

    def _register(self, moment: str, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        hooks = self._hooks[moment]
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"


def _listed(params: Any) -> list[Any]:
    """The given parameters as a list that is not empty."""
    start = "params argument given to the optimizer"
    if isinstance(params, Tensor):
        raise TypeError(
            f"{start} should be an iterable of Tensors or dicts, but got {params.type()}: put it in a list, [tensor]."
        )
    if isinstance(params, dict):
        raise TypeError(f"{start} is a dict: put it in a list, [dict(params=...)].")
    if not hasattr(params, "__iter__"):
        if hasattr(params, "parameters"):
            raise TypeError(f"{start} is the module {type(params).__name__}: give it module.parameters().")
        remedy = ": call it, model.parameters()" if callable(params) else ""
        raise TypeError(f"{start} is not iterable: it is a {type(params).__name__}{remedy}.")
    groups = list(params)
    if not groups:
        raise ValueError(
            "optimizer got an empty parameter list: the model has no parameters (a plain tensor is none: make it "
            "nn.Parameter(tensor); layers in a plain list are not found: use nn.ModuleList), or the generator "
            "model.parameters() was used up before."
        )
    return groups


def _names_and_tensors(given: Any) -> tuple[list[str], list[Any]]:
    if isinstance(given, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    members = [given] if isinstance(given, Tensor) else list(given)
    names = [m[0] for m in members if isinstance(m, tuple)]
    if names and len(names) < len(members):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return names, [m[1] if isinstance(m, tuple) else m for m in members]


def _expect_state(given: Any) -> None:
    if not isinstance(given, Mapping) or not {"state", "param_groups"} <= set(given):
        raise ValueError("load_state_dict: expected what an optimizer's state_dict() gave: 'state', 'param_groups'.")


def number(value: float) -> Tensor:
    """A state entry that is one number: 0-d, on the CPU, float32 unless the default dtype is wider."""
    wide = get_default_dtype().itemsize == 8
    return tensor(float(value), dtype="float64" if wide else "float32", device="cpu")


def expect(good: Any, what: str, value: Any) -> None:
    """Raises ValueError in torch's words for an option out of its range (or NaN)."""
    if not good:
        raise ValueError(f"Invalid {what}: {value}")


def expect_not_negative(value: Any, what: str) -> None:
    """Raises ValueError for an option below 0 (or NaN), TypeError for one that is no number."""
    try:
        good = bool(value >= 0.0)
    except TypeError:
        raise TypeError(f"Invalid {what}: expected a number, got {type(value).__name__} {value!r:.60}.") from None
    expect(good, what, value)


def expect_rate(lr: Any) -> None:
    """Raises ValueError for a learning rate that is negative, NaN, or a tensor of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    expect_not_negative(lr, "learning rate")


def accept_switches(defaults: dict[str, Any]) -> None:
    """torch's switches of how a step is computed change nothing here; steps are never recorded.

    Raises MissingError for differentiable=True, RuntimeError for switches that exclude each other.
    """
    if defaults.get("fused") and defaults.get("differentiable"):
        raise RuntimeError("`fused` does not support `differentiable`")
    if defaults.get("fused") and defaults.get("foreach"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if defaults.get("differentiable"):
        raise MissingError(
            "optimizer: differentiable=True is not supported: write the step as operations, p - lr * grad."
        )
