"""Loading a state: what fits, what does not, and in which words torch says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from nanograd.nn.parameter import Parameter
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

if TYPE_CHECKING:
    from nanograd.nn.module import Module

__all__ = ["IncompatibleKeys", "compare_state", "fill_state"]


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict`` did not find, and found without a place for it."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def compare_state(name: str, have: Mapping[str, Tensor], given: Any, strict: bool) -> IncompatibleKeys:
    """What is missing and unexpected.  Raises RuntimeError with all that keeps ``given`` from being loaded."""
    if not isinstance(given, Mapping):
        raise TypeError(
            f"Expected state_dict to be dict-like, got {type(given)}. Read the file first: "
            "model.load_state_dict(torch.load(path))."
        )
    keys = IncompatibleKeys([k for k in have if k not in given], [k for k in given if k not in have])
    wrong = []
    if strict and keys.unexpected_keys:
        wrong.append(f"Unexpected key(s) in state_dict: {_quoted(keys.unexpected_keys)}. ")
    if strict and keys.missing_keys:
        wrong.append(f"Missing key(s) in state_dict: {_quoted(keys.missing_keys)}. ")
    wrong += [line for k, tensor in have.items() if k in given and (line := _misfit(k, tensor, given[k]))]
    if wrong:
        raise RuntimeError(f"Error(s) in loading state_dict for {name}:\n\t" + "\n\t".join(wrong))
    return keys


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{k}"' for k in keys)


def _misfit(key: str, tensor: Tensor, value: Any) -> str | None:
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
    if value.shape != tensor.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in current "
            f"model is {tensor.shape}."
        )
    return None


def fill_state(module: Module, given: Mapping[str, Tensor], assign: bool) -> None:
    """Copy (or, with ``assign``, take) the tensors that have a place in ``module``."""
    with no_grad():
        for path, part in module.named_modules(remove_duplicate=False):
            kinds: tuple[dict[str, Any], ...] = (part._parameters, part._buffers)
            for members in kinds:
                for name, tensor in members.items():
                    value = given.get(f"{path}.{name}" if path else name)
                    if tensor is None or value is None or name in part._not_saved:
                        continue
                    if assign:
                        members[name] = _assigned(tensor, value)
                    else:
                        tensor.copy_(value)


def _assigned(old: Tensor, value: Tensor) -> Tensor:
    if not isinstance(old, Parameter) or isinstance(value, Parameter):
        return value
    return Parameter(value, requires_grad=old.requires_grad)  # type: ignore[no-any-return]
