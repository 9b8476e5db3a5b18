"""Module: what holds parameters, buffers and other modules, and is called like a function."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar

from nanograd.errors import DTypeError, MissingError, did_you_mean
from nanograd.nn.hooks import Hook, Hooks, call_with_hooks
from nanograd.nn.loading import IncompatibleKeys, load_state
from nanograd.nn.parameter import Buffer, Parameter
from nanograd.ops.creation import empty_like
from nanograd.ops.refusing import PYTHONS, explain
from nanograd.tape import no_grad
from nanograd.tensors import RemovableHandle, Tensor, to_arguments

__all__ = ["Module"]

M = TypeVar("M", bound="Module")


def _no_forward(self: Module, *args: Any, **kwargs: Any) -> Any:
    raise MissingError(
        f'Module [{type(self).__name__}] is missing the required "forward" function: define '
        f"`def forward(self, x): ...` in class {type(self).__name__}."
    )


class Module:
    """A part of a network.  A subclass makes its parts in ``__init__`` and uses them in ``forward``.

    Parameters, buffers and modules that become attributes are found again by ``parameters``, ``state_dict``, ``to``,
    ``train`` and the printed form.  Calling the module runs ``forward`` and its hooks.

    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = nn.Linear(2, 1)
    ...     def forward(self, x):
    ...         return self.layer(x).tanh()
    >>> Net()
    Net(
      (layer): Linear(in_features=2, out_features=1, bias=True)
    )
    """

    training: bool
    _hooks: Hooks | None
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    _function: ClassVar[str] = ""
    """For a layer of this library, how to write the plain function it stands for."""
    _tensors_at_init: ClassVar[int] = 0
    """For a layer of this library, how many tensors ``__init__`` takes."""

    forward: Callable[..., Any] = _no_forward

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refuse ``nn.Tanh(x)``: a layer of this library that is called as if it were a function."""
        if args and cls.__module__.startswith("nanograd.nn."):
            tensors = sum(type(a) is Tensor for a in args)
            if tensors > cls._tensors_at_init:
                _refuse_tensors(cls, len(args))
        return super().__new__(cls)

    def __init__(self) -> None:
        values = self.__dict__
        values["training"] = True
        values["_parameters"] = {}
        values["_buffers"] = {}
        values["_modules"] = {}
        values["_not_saved"] = set()  # names of buffers that state_dict leaves out
        values["_hooks"] = None

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is not None:
            return call_with_hooks(self, self._hooks, args, kwargs)
        try:
            return self.forward(*args, **kwargs)
        except PYTHONS as error:
            explain(error, type(self).forward, (self, *args), kwargs, method=True)
            raise

    def _hook(self, kind: str, hook: Hook, prepend: bool = False) -> RemovableHandle:
        self._started("hook")
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks.add(kind, hook, prepend)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; what it returns takes the arguments' place."""
        return self._hook("forward_pre", Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns takes the output's place.

        With ``always_call`` it runs, with the output None, although ``forward`` raised an exception.
        """
        return self._hook("forward", Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` on the way back, before the module; what it returns goes on instead."""
        return self._hook("backward_pre", Hook(hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

        What it returns takes the place of ``grad_input``: a tuple with None for arguments that need no gradient.
        """
        return self._hook("backward", Hook(hook), prepend)

    register_backward_hook = register_full_backward_hook

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict`` reads this module."""
        return self._hook("state_pre", Hook(hook))

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` afterwards; it may change the dict."""
        return self._hook("state", Hook(hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``
        before this module is loaded; it may change its copy of the dict."""
        return self._hook("load_pre", Hook(hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may clear the lists, or raise."""
        return self._hook("load_post", Hook(hook))

    # Attributes

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__
        for kind in ("_parameters", "_buffers", "_modules"):
            members = values.get(kind)
            if members is not None and name in members:
                return members[name]
        return self._no_attribute(name)

    def _no_attribute(self, name: str) -> NoReturn:
        kind = type(self).__name__
        if name in ("_parameters", "_buffers", "_modules", "_hooks", "training"):
            raise AttributeError(
                f"{kind!r} object has no attribute {name!r}: call super().__init__() first in {kind}.__init__."
            )
        raise AttributeError(f"{kind!r} object has no attribute {name!r}.{did_you_mean(name, dir(self))}")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._started("parameters")
            self._make_room(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._started("module")
            self._make_room(name, "_modules")
            self.add_module(name, value)
        elif isinstance(value, Buffer):
            self._started("buffer")
            self._make_room(name, "_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in self.__dict__.get("_parameters", ()):
            self.register_parameter(name, value)
        elif name in self.__dict__.get("_modules", ()):
            self.add_module(name, value)
        elif name in self.__dict__.get("_buffers", ()):
            self.register_buffer(name, value, name not in self._not_saved)
        else:
            super().__setattr__(name, value)

    def _started(self, what: str) -> None:
        if "_parameters" not in self.__dict__:
            kind = type(self).__name__
            raise AttributeError(
                f"cannot assign {what} before Module.__init__() call: call super().__init__() first in {kind}.__init__."
            )

    def _make_room(self, name: str, kind: str) -> None:
        """Forget what ``name`` was, unless it was of the same kind: then its successor takes its place in the order."""
        self.__dict__.pop(name, None)
        for other in ("_parameters", "_buffers", "_modules"):
            if other != kind:
                self.__dict__[other].pop(name, None)

    def __delattr__(self, name: str) -> None:
        for members in (self._parameters, self._buffers, self._modules):
            if name in members:
                del members[name]
                self._not_saved.discard(name)
                return
        if name not in self.__dict__:
            self._no_attribute(name)
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        members = (self.__dict__.get(kind, ()) for kind in ("_parameters", "_buffers", "_modules"))
        return sorted({*super().__dir__(), *(name for names in members for name in names)})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None for a place that has none.

        Raises KeyError for a name that is empty, has a dot or is taken, TypeError for what is not a Parameter,
        ValueError for a tensor that an operation made.
        """
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_type_name(param)}' as parameter {name!r} (torch.nn.Parameter or None expected). "
                f"To write values into it: with torch.no_grad(): module.{name}.copy_(...)"
            )
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"cannot assign non-leaf Tensor to parameter {name!r}: parameters are created by the user. To compute "
                "it from another tensor, do so in forward."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the state but is not trained; ``state_dict`` holds it if ``persistent``.

        Raises KeyError for a name that is empty, has a dot or is taken, TypeError for what is not a tensor.
        """
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_type_name(tensor)}' object to buffer {name!r} (torch.Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._not_saved.discard if persistent else self._not_saved.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under ``name``.

        Raises KeyError for a name that is empty, has a dot or is taken, TypeError for what is not a Module.
        """
        self._check_name("module", name, self._modules)
        if module is not None and not isinstance(module, Module):
            raise TypeError(
                f"cannot assign '{_type_name(module)}' as child module {name!r} (torch.nn.Module or None expected)"
            )
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, what: str, name: str, members: Mapping[str, Any]) -> None:
        self._started(what)
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {_type_name(name)}")
        if "." in name or not name:
            raise KeyError(f'{what} name can\'t contain "." or be empty, got {name!r}')
        if name not in members and hasattr(self, name):
            raise KeyError(f"attribute {name!r} already exists")

    # What it holds

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """(path, module) of this module and all below it; each module once unless asked otherwise."""
        seen = set() if memo is None else memo
        if self in seen:
            return
        if remove_duplicate:
            seen.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(seen, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of the modules right below."""
        seen: set[Module] = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules right below."""
        return (child for _, child in self.named_children())

    def _named(self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        """(path, tensor); a tensor that stands in several places is listed once, under its first name."""
        seen: set[int] = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else iter([(prefix, self)])
        for path, module in modules:
            for name, value in module.__dict__[kind].items():
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield (f"{path}.{name}" if path else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter) of this module and, with ``recurse``, all below it; a shared one is listed once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters: what an optimizer is given."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """(path, buffer) of this module and, with ``recurse``, all below it."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as ``"block.0.linear"``; this one for ``""``.

        Raises AttributeError where there is none.
        """
        module: Module = self
        for name in target.split(".") if target else ():
            found = getattr(module, name)
            if not isinstance(found, Module):
                raise AttributeError(f"`{name}` is not an nn.Module: it is a {type(found).__name__}.")
            module = found
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as ``"block.0.weight"``.  Raises AttributeError where there is none."""
        path, _, name = target.rpartition(".")
        found = getattr(self.get_submodule(path), name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter: it is a {type(found).__name__}.")
        return found

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path such as ``"block.0.linear"``.

        Raises ValueError for an empty path, AttributeError where it does not lead on, and where ``strict`` finds none.
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not isinstance(getattr(parent, name, None), Module):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        setattr(parent, name, module)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as ``"norm.running_mean"``.  Raises AttributeError where there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        getattr(module, name)
        found = module._buffers.get(name)
        if found is None:
            raise AttributeError(f"`{name}` is not a buffer of {type(module).__name__}.")
        return found

    # Modes and conversions

    def train(self: M, mode: bool = True) -> M:
        """Training mode, here and below: Dropout drops, and so on.

        Raises ValueError for a mode that is no truth value.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}.")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Evaluation mode, here and below; not the same as ``no_grad``."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Train all parameters from now on, or freeze them."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Take the gradients away, or make them zero."""
        for p in self.parameters():
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                p.grad = p.grad.detach().zero_()

    def apply(self: M, fn: Callable[[Module], None]) -> M:
        """Call ``fn(module)`` on all modules below, then on this one: made for initialization."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self: M, convert: Callable[[Tensor], Tensor]) -> M:
        """Replace the elements of every parameter, its gradient, and every buffer."""
        with no_grad():
            for module in self.modules():
                for p in module._parameters.values():
                    if p is not None:
                        _convert(p, convert)
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = convert(buffer)
        return self

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """Move to a device, or make floating-point parameters and buffers of a dtype; in place."""
        device, dtype, _ = to_arguments(Tensor(()), args, dict(kwargs))
        if dtype is not None and not dtype.is_floating_point:
            raise DTypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}.")
        return self._apply(lambda t: t.to(device=device, dtype=dtype if t.is_floating_point() else None))

    def type(self: M, dst_type: Any) -> M:
        """All parameters and buffers as a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def to_empty(self: M, *, device: Any, recurse: bool = True) -> M:
        """Move to a device without the values."""
        return self._apply(lambda t: empty_like(t, device=device))

    def share_memory(self: M) -> M:
        """Itself: workers of a DataLoader get modules by fork, other sharing between processes is not supported."""
        return self

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: there is no compiler; the module stays as it is."""

    def float(self: M) -> M:
        """Floating-point parameters and buffers as float32."""
        return self.to(dtype="float32")

    def double(self: M) -> M:
        """Floating-point parameters and buffers as float64."""
        return self.to(dtype="float64")

    def half(self: M) -> M:
        """Floating-point parameters and buffers as float16."""
        return self.to(dtype="float16")

    def cpu(self: M) -> M:
        """To the CPU."""
        return self.to("cpu")

    def cuda(self: M, device: Any = None) -> M:
        """To a GPU.  Raises DeviceError where there is none."""
        return self.to("cuda" if device is None else device)

    # Saving and loading

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Every parameter and persistent buffer by path, detached but sharing memory: clone() what must not change."""
        state = OrderedDict() if destination is None else destination
        if self._hooks is not None:
            for hook in self._hooks.of("state_pre"):
                hook.function(self, prefix, keep_vars)
        self._save_to_state_dict(state, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        if self._hooks is not None:
            for hook in self._hooks.of("state"):
                changed = hook.function(self, state, prefix, {})
                state = state if changed is None else changed
        return state

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Add what this module itself holds; subclasses may add more."""
        members = [*self._parameters.items(), *((n, b) for n, b in self._buffers.items() if n not in self._not_saved)]
        for name, value in members:
            if value is not None:
                destination[prefix + name] = value if keep_vars else value.detach()
        if self.has_extra_state():
            destination[f"{prefix}_extra_state"] = self.get_extra_state()

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """For subclasses that change the state before it is loaded, as old files need it.

        Nothing is copied yet when this returns: that happens once the states of all modules fit.
        """

    def has_extra_state(self) -> bool:
        """Whether the class defines ``get_extra_state``."""
        return type(self).get_extra_state is not Module.get_extra_state

    def _expect_state(self, state: dict[str, Any], prefix: str) -> None:
        """Prepare for the state that is about to be loaded; for modules that wait for their shapes."""

    def get_extra_state(self) -> Any:
        """What ``state_dict`` holds of this module besides tensors; for subclasses, with ``set_extra_state``."""
        raise MissingError("get_extra_state: define get_extra_state and set_extra_state in your class, or neither.")

    def set_extra_state(self, state: Any) -> None:
        """Take back what ``get_extra_state`` gave; for subclasses."""
        raise MissingError("set_extra_state: the state has an _extra_state; define set_extra_state in your class.")

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of ``state_dict`` into the parameters and buffers of the same paths, in place.

        With ``strict`` the keys must match exactly; with ``assign`` the tensors themselves are taken.  Nothing is
        changed unless everything fits.  Raises RuntimeError for keys and shapes that do not, naming them all.
        """
        return load_state(self, state_dict, strict, assign)

    # Printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses of the printed form; for subclasses."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): {_indented(repr(child))}" for name, child in self._modules.items()]
        return self._frame(extra.split("\n") if extra else [], children)

    def _frame(self, extra: list[str], children: list[str]) -> str:
        if len(extra) <= 1 and not children:
            return f"{self._get_name()}({''.join(extra)})"
        lines = "".join(f"\n  {line}" for line in [*extra, *children])
        return f"{self._get_name()}({lines}\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _convert(p: Parameter, convert: Callable[[Tensor], Tensor]) -> None:
    data, grad = p.data, p.grad
    converted = convert(data)
    if converted is not data:
        p.grad = None
        p.data = converted
        p.grad = None if grad is None else convert(grad)


def _type_name(value: Any) -> str:
    """torch's name of a value's type, as in its messages."""
    return str(value.type()) if isinstance(value, Tensor) else type(value).__name__


def _refuse_tensors(kind: type[Module], count: int) -> NoReturn:
    name = kind.__name__
    what, made = ("loss", "loss") if name.endswith("Loss") else ("layer", "act")
    given = "x" if count == 1 else ", ".join(["output", "target", "..."][:count])
    plain = f" For the plain function use {kind._function}." if kind._function else ""
    raise TypeError(
        f"nn.{name}({given}): nn.{name} is a {what}: make it once ({made} = nn.{name}()), then call it "
        f"({made}({given})).{plain}"
    )
