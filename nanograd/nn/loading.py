"""Loading a state: what fits, what does not, and in which words torch says so."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from nanograd.nn.parameter import Parameter
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

if TYPE_CHECKING:
    from nanograd.nn.module import Module

__all__ = ["IncompatibleKeys", "load_state"]


Parts = list[tuple[str, "Module"]]
"""(prefix of its keys, module) of a module and all below it."""


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` did not find, and found without a place for it."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def load_state(module: Module, state_dict: Any, strict: bool, assign: bool) -> IncompatibleKeys:
    """Load what ``Module.load_state_dict`` is given, between the hooks of all modules."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(state_dict)}. Read the file first: "
            "model.load_state_dict(torch.load(path))."
        )
    parts = [(f"{path}." if path else "", part) for path, part in module.named_modules(remove_duplicate=False)]
    given = OrderedDict(state_dict)  # hooks may change it
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    for prefix, part in parts:
        for hook in part._hooks.of("load_pre") if part._hooks is not None else ():
            hook.function(part, given, prefix, {}, strict, missing, unexpected, errors)
        part._load_from_state_dict(given, prefix, {}, strict, missing, unexpected, errors)
        part._expect_state(given, prefix)
    extra = {f"{prefix}_extra_state": part for prefix, part in parts if part.has_extra_state()}
    keys = compare_state(type(module).__name__, _members(parts), extra, given, strict, errors)
    fill_state(parts, given, assign)
    for key, part in extra.items():
        if key in given:
            part.set_extra_state(given[key])
    for _, part in parts:
        for hook in part._hooks.of("load_post") if part._hooks is not None else ():
            hook.function(part, keys)
    return keys


def _members(parts: Parts) -> dict[str, Tensor]:
    """The parameters and persistent buffers by path."""
    found: dict[str, Tensor] = {}
    for prefix, part in parts:
        for name, p in part._parameters.items():
            if p is not None:
                found[prefix + name] = p
        for name, b in part._buffers.items():
            if b is not None and name not in part._not_saved:
                found[prefix + name] = b
    return found


def compare_state(
    name: str,
    have: Mapping[str, Tensor],
    extra: Collection[str],
    given: Mapping[str, Any],
    strict: bool,
    wrong: list[str],
) -> IncompatibleKeys:
    """What is missing and unexpected.  Raises RuntimeError with all that keeps ``given`` from being loaded."""
    keys = IncompatibleKeys(
        [k for k in (*have, *extra) if k not in given], [k for k in given if k not in have and k not in extra]
    )
    if strict and keys.missing_keys:
        wrong.append(f"Missing key(s) in state_dict: {_quoted(keys.missing_keys)}. ")
    if strict and keys.unexpected_keys:
        wrong.append(f"Unexpected key(s) in state_dict: {_quoted(keys.unexpected_keys)}. ")
        wrong += _prefix_hint(have, given)
    wrong += [line for k, tensor in have.items() if k in given and (line := _misfit(k, tensor, given[k]))]
    if wrong:
        raise RuntimeError(f"Error(s) in loading state_dict for {name}:\n\t" + "\n\t".join(wrong))
    return keys


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{k}"' for k in keys)


def _prefix_hint(have: Mapping[str, Tensor], given: Mapping[str, Any]) -> list[str]:
    """What to do if the keys would fit without the prefix that DataParallel or torch.compile put before them."""
    for prefix in ("module.", "_orig_mod.", "model."):
        if given and all(isinstance(k, str) and k.startswith(prefix) and k[len(prefix) :] in have for k in given):
            return [
                f"All keys fit once the prefix is taken away: {{k.removeprefix({prefix!r}): v for k, v in "
                "state_dict.items()}."
            ]
    return []


def _misfit(key: str, tensor: Tensor, value: Any) -> str | None:
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
    if value.shape != tensor.shape and (tensor.shape, value.shape) != ((), (1,)):  # as files before torch 0.4 have it
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in current "
            f"model is {tensor.shape}."
        )
    return None


def fill_state(parts: Parts, given: Mapping[str, Tensor], assign: bool) -> None:
    """Copy (or, with ``assign``, take) the tensors that have a place in one of the modules."""
    with no_grad():
        for prefix, part in parts:
            kinds: tuple[dict[str, Any], ...] = (part._parameters, part._buffers)
            for members in kinds:
                for name, tensor in members.items():
                    value = given.get(prefix + name)
                    if tensor is None or value is None or name in part._not_saved:
                        continue
                    fitting = value.reshape(()) if value.shape != tensor.shape else value
                    if assign:
                        members[name] = _assigned(tensor, fitting)
                    else:
                        tensor.copy_(fitting)


def _assigned(old: Tensor, value: Tensor) -> Tensor:
    """What takes the place of ``old``: it requires grad as ``old`` did, whatever the state says."""
    if not isinstance(old, Parameter):
        return value
    if isinstance(value, Parameter):
        return value.requires_grad_(old.requires_grad)
    return Parameter(value, requires_grad=old.requires_grad)  # type: ignore[no-any-return]
