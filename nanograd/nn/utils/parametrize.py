"""Parameters computed from others: ``module.weight`` becomes f(original) wherever it is read."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from nanograd.errors import MissingError, did_you_mean
from nanograd.nn.containers import ModuleDict, ModuleList
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "type_before_parametrizations",
]  # fmt: skip

_open = 0  # how many ``with cached()`` are running
_kept: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Within ``with cached():`` every parametrized tensor is computed once, however often it is read."""
    global _open
    _open += 1
    try:
        yield
    finally:
        _open -= 1
        if not _open:
            _kept.clear()


class ParametrizationList(ModuleList):
    """The functions through which a tensor is computed, and the ``original`` (or original0, ...) it comes from."""

    _tensors_at_init = 1

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        values = _inverted(self, original, strict=False)
        self.is_tensor = isinstance(values, Tensor)
        if isinstance(values, Tensor):
            if values.dtype != original.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\noriginal.dtype: "
                    f"{original.dtype}\nright_inverse(original).dtype: {values.dtype}"
                )
            _set(original, values)
            _register(self, "original", original)
            self.ntensors = 1
        else:
            for i, value in enumerate(values):
                keeps = isinstance(original, Parameter)
                _register(self, f"original{i}", Parameter(value, original.requires_grad) if keeps else value)
            self.ntensors = len(values)
        if not unsafe:
            self._check(original)

    def _check(self, before: Tensor) -> None:
        y = self()
        if not isinstance(y, Tensor):
            raise ValueError(f"A parametrization must return a tensor. Got {type(y).__name__}.")
        for what, old, new in (("dtype", before.dtype, y.dtype), ("shape", before.shape, y.shape)):
            if old != new:
                raise ValueError(
                    f"Registering a parametrization may not change the {what} of the tensor, unless `unsafe` flag is "
                    f"enabled.\nunparametrized {what}: {old}\nparametrized {what}: {new}"
                )

    def originals(self) -> list[Tensor]:
        """What the tensor is computed from."""
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def right_inverse(self, value: Tensor) -> None:
        """Give the originals the values from which ``value`` is computed.

        Raises RuntimeError where a function does not say how, ValueError where what it says does not fit.
        """
        values = _inverted(self, value, strict=True)
        given = [values] if isinstance(values, Tensor) else list(values)
        if len(given) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of "
                f"length {len(given)}."
            )
        for original, new in zip(self.originals(), given, strict=True):
            _set(original, new)

    def forward(self) -> Any:
        """The tensor."""
        first, *others = self
        y = first(*self.originals())
        for function in others:
            y = function(y)
        return y


def _inverted(functions: ParametrizationList, value: Tensor, strict: bool) -> Any:
    """What the first function takes for the last one to give ``value``."""
    x: Any = value
    with no_grad():
        for function in reversed(list(functions)):
            if hasattr(function, "right_inverse"):
                x = function.right_inverse(x)
            elif strict:
                raise RuntimeError(f"parametrization {type(function).__name__} does not implement right_inverse.")
    if isinstance(x, Tensor) or (isinstance(x, Sequence) and all(isinstance(t, Tensor) for t in x)):
        return x
    raise ValueError(
        f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got {type(x).__name__}"
    )


def _set(original: Tensor, value: Tensor) -> None:
    """The same Parameter, so that optimizers find it, with other elements."""
    if value.array is not original.array:
        original.data = value.detach().clone()


def _register(module: Module, name: str, value: Tensor) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let ``module.weight`` (say) be ``parametrization(original)`` from now on; several apply one after the other.

    The original is the parameter that is trained: ``module.parametrizations.weight.original``.  A method
    ``right_inverse(value)`` of the parametrization says which original gives a value, at first and when
    ``module.weight = value`` is assigned; it may return several tensors, which ``forward`` then takes.

    Raises ValueError for a name that is no tensor of the module, and where shape or dtype change, unless ``unsafe``.

    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        functions = cast(ParametrizationList, module.parametrizations[tensor_name])
        if not unsafe:
            _check_next(module, tensor_name, parametrization)
        functions.append(parametrization)
        functions.unsafe |= unsafe
        return module
    original: Tensor | None = module._parameters.get(tensor_name)
    if original is None:
        original = module._buffers.get(tensor_name)
    if original is None:
        hint = did_you_mean(tensor_name, [*module._parameters, *module._buffers])
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'.{hint}"
        )
    functions = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _change_class(module)
        module.parametrizations = ModuleDict()
    setattr(type(module), tensor_name, _computed(tensor_name))
    module.parametrizations[tensor_name] = functions
    return module


def _check_next(module: Module, name: str, following: Module) -> None:
    x = getattr(module, name)
    with no_grad():
        y = following(x)
    if not isinstance(y, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(y).__name__}.")
    for what, old, new in (("dtype", x.dtype, y.dtype), ("shape", x.shape, y.shape)):
        if old != new:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless the `unsafe` flag is "
                f"enabled.\nmodule.{name}.{what}: {old}\nparametrization(module.{name}).{what}: {new}"
            )


def _change_class(module: Module) -> None:
    """Give the module a class of its own, a subclass of its class, that can hold properties."""
    before = type(module)
    extra = {"__deepcopy__": _copied, "__reduce_ex__": _refuse_pickle}
    module.__class__ = type(f"Parametrized{before.__name__}", (before,), extra)


def _copied(self: Module, memo: dict[int, Any]) -> Module:
    """A copy with a class of its own, so that what is removed from one stays with the other."""
    made: Module = object.__new__(type_before_parametrizations(self))
    memo[id(self)] = made
    made.__dict__.update(copy.deepcopy(self.__dict__, memo))
    _change_class(made)
    for name in made._modules["parametrizations"]:  # type: ignore[union-attr]
        setattr(type(made), name, _computed(name))
    return made


def _refuse_pickle(self: Module, protocol: Any) -> NoReturn:
    raise RuntimeError(
        f"pickle: a parametrized module ({type(self).__name__}) cannot be pickled. Serialization of parametrized "
        "modules is only supported through state_dict(); or remove_parametrizations first."
    )


def _computed(name: str) -> property:
    def read(self: Module) -> Any:
        if not _open:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _kept:
            _kept[key] = self.parametrizations[name]()
        return _kept[key]

    def write(self: Module, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module has parametrized tensors, or this one is."""
    functions = module.__dict__.get("_modules", {}).get("parametrizations")
    if not isinstance(functions, ModuleDict):
        return False
    return len(functions) > 0 if tensor_name is None else tensor_name in functions


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make the tensor a plain parameter (or buffer) again, with the computed value or, if not, the original one.

    Raises ValueError for a tensor that is not parametrized, or that comes from several originals and is not to be
    left parametrized.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions = cast(ParametrizationList, module.parametrizations[tensor_name])
    if not functions.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    kept = functions.originals()[0]
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach().clone()
        if functions.is_tensor:
            kept.data = value
        else:
            kept = Parameter(value, kept.requires_grad) if isinstance(kept, Parameter) else value
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        del module.parametrizations
        module.__class__ = type_before_parametrizations(module)
    _register(module, tensor_name, kept)
    return module


def type_before_parametrizations(module: Module) -> type[Any]:
    """The class that the module had before its tensors were parametrized."""
    kind = type(module)
    return kind.__bases__[0] if kind.__name__.startswith("Parametrized") and len(kind.__bases__) == 1 else kind


def __getattr__(name: str) -> NoReturn:
    if name == "transfer_parametrizations_and_params":
        raise MissingError(f"nn.utils.parametrize.{name} does not exist here: copy.deepcopy(module) copies all of it.")
    raise AttributeError(
        f"module 'nanograd.nn.utils.parametrize' has no attribute {name!r}.{did_you_mean(name, __all__)}"
    )
