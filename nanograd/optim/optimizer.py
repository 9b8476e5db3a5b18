"""Optimizer: parameters in groups, their options, and what is remembered about each parameter."""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nanograd.errors import MissingError
from nanograd.tape import enable_grad
from nanograd.tensors import Tensor

__all__ = ["Optimizer", "refuse_differentiable"]

Group = dict[str, Any]


class Optimizer:
    """What all optimizers share; a subclass defines ``update(group)``, or ``step`` itself.

    ``params`` is an iterable of tensors, of (name, tensor) pairs, or of dicts, one per group, whose options take the
    place of ``defaults``.  ``param_groups[i]["lr"]`` may be changed between steps.  ``state[p]`` is what the
    optimizer remembers about p.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._steps = 0  # how often step was called: learning-rate schedules look
        groups = _listed(params)
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more tensors, with options of their own.

        Raises TypeError for what is not a tensor, ValueError for tensors that operations made, that are in a group
        already, or for a missing option.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections: use a list, not a set.")
        tensors = [given] if isinstance(given, Tensor) else list(given)
        group = {**param_group, "params": tensors}
        if tensors and isinstance(tensors[0], tuple):
            group["param_names"] = [name for name, _ in tensors]
            tensors = group["params"] = [p for _, p in tensors]
        self._check_tensors(tensors)
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        self.param_groups.append(group)

    def _check_tensors(self, tensors: list[Any]) -> None:
        for p in tensors:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError(
                    "can't optimize a non-leaf Tensor: it was made by an operation. Optimize the tensors that it was "
                    "made from, or detach() it and let it require grad."
                )
        if len({id(p) for p in tensors}) < len(tensors):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=4)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in known for p in tensors):
            raise ValueError("some parameters appear in more than one parameter group")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Take the gradients away, or make them zero: they would add up otherwise."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    p._grad = p._grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step along the gradients that ``backward`` left; with ``closure``, of the loss that it computes."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._steps += 1
        for group in self.param_groups:
            self.update(group)
        return loss

    def update(self, group: Group) -> None:
        """One step of the tensors of one group."""
        raise MissingError(f"{type(self).__name__}: define update(group), or step().")

    # Saving and loading

    def state_dict(self) -> dict[str, Any]:
        """{"state": what is remembered by parameter number, "param_groups": options and parameter numbers}."""
        numbers: dict[int, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
        groups = [{**group, "params": [numbers[id(p)] for p in group["params"]]} for group in self.param_groups]
        for group in groups:
            group["params"] = group.pop("params")  # last, as torch has it
        return {"state": {numbers[id(p)]: values for p, values in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from a state that ``state_dict`` gave: copies, of each parameter's dtype and on its device.

        Raises ValueError where groups or their sizes differ.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise ValueError(
                "load_state_dict: expected what an optimizer's state_dict() gave: 'state', 'param_groups'."
            )
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        pairs = list(zip(self.param_groups, saved, strict=True))
        if any(len(group["params"]) != len(other["params"]) for group, other in pairs):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        by_number = {n: p for group, other in pairs for n, p in zip(other["params"], group["params"], strict=True)}
        state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        for number, values in state_dict["state"].items():
            if number in by_number:
                p = by_number[number]
                state[p] = {name: _restored(name, value, p) for name, value in values.items()}
        self.state = state
        for group, other in pairs:
            group.update({k: copy.deepcopy(v) for k, v in other.items() if k != "params"})

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"


def _listed(params: Any) -> list[Any]:
    """The given parameters as a list that is not empty."""
    if isinstance(params, Tensor):
        raise TypeError(
            "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
            f"{params.type()}: put it in a list, [tensor]."
        )
    if callable(params) and not hasattr(params, "__iter__"):
        raise TypeError("params argument given to the optimizer is a function: call it, model.parameters().")
    if isinstance(params, dict):
        raise TypeError("params argument given to the optimizer is a dict: put it in a list, [dict(params=...)].")
    groups = list(params)
    if not groups:
        raise ValueError(
            "optimizer got an empty parameter list: the model has no parameters (are its layers in a plain list? use "
            "nn.ModuleList), or the generator model.parameters() was used up before."
        )
    return groups


def _restored(name: str, value: Any, p: Tensor) -> Any:
    if not isinstance(value, Tensor):
        return copy.deepcopy(value)
    if name == "step":
        return value.item()
    return value.detach().to(device=p.device, dtype=p.dtype if p.is_floating_point() else None, copy=True)


def refuse_differentiable(differentiable: bool) -> None:
    """Say that steps are not recorded."""
    if differentiable:
        raise MissingError(
            "optimizer: differentiable=True is not supported: write the step as operations, p - lr * grad."
        )
