"""The one way to define an operation: ``@op``, ``lift``, ``record``.

    @op
    def mul(a, b):
        a, b = lift(a, b)                                # torch's promotion, before any kernel
        return record(k.mul(a.array, b.array),
                      (a, lambda g: g * b),              # one edge per differentiable input:
                      (b, lambda g: g * a))              # the pullback of a gradient g of the output

A pullback that needs the output asks for it by one more parameter, ``lambda g, y: ...``; it never captures it.
One pullback on several edges that follow one another, all of them kept, gives a tuple: a gradient for each.
With several outputs, ``records((y1, y2), (x, lambda g1, g2: ...))``, a gradient that did not come is None.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from nanograd import devices, dtypes, settings
from nanograd.dtypes import DType
from nanograd.errors import DeviceError, DTypeError
from nanograd.kernels import memory as k
from nanograd.kernels.kernel import Array, Kernel
from nanograd.ops.refusing import no_tensor
from nanograd.storage import Storage
from nanograd.tape import TORCH_NAMES, Edge, Node, mode, names

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "FUSED", "OPS", "Number", "fuses", "lift", "lift_float", "op", "record", "records", "result_type",
    "same_device", "share", "tensor_class", "view", "wrap",
]  # fmt: skip

Number = bool | int | float
F = TypeVar("F", bound=Callable[..., Any])

OPS: dict[str, Callable[..., Any]] = {}
FUSED: dict[str, Fused] = {}


@overload
def op(function: F) -> F: ...
@overload
def op(function: str) -> Callable[[F], F]: ...
def op(function: F | str) -> F | Callable[[F], F]:
    """Register an operation and return it itself.  ``@op("Addmm")`` names its node where torch's name differs."""
    if isinstance(function, str):
        title = function

        def named(inner: F) -> F:
            TORCH_NAMES[inner.__name__] = f"{title}Backward0"
            return op(inner)

        return named
    OPS[function.__name__] = function
    return function


# The one late binding: tensors.py hands in the class it defines.
_Tensor: type[Tensor]
_new = object.__new__


def learn(tensor_class: type[Tensor]) -> None:
    """Make ``record`` and ``wrap`` give instances of ``tensor_class``."""
    global _Tensor
    _Tensor = tensor_class


def tensor_class() -> Any:
    """The class that ``learn`` was told."""
    return _Tensor


def wrap(array: Array) -> Tensor:
    """A tensor of ``array`` with no history."""
    t = _new(_Tensor)
    t.array = array
    t.node = t.storage = None
    t.output_nr = 0
    return t


def record(y: Array, *edges: tuple[Tensor, Callable[..., Any]]) -> Tensor:
    """A tensor of the array ``y`` that knows how a change flows back to its inputs."""
    t = _new(_Tensor)
    t.array = y
    t.node = t.storage = None  # the class says so too, but looking there takes four times as long
    t.output_nr = 0
    if mode.enabled:
        kept: list[Edge] = []
        asked = False
        for x, pull in edges:
            if x.node is not None:
                kept.append((x.node, x.output_nr, pull))
                if pull.__code__.co_argcount > 1:
                    asked = True
        if kept:
            t.node = node = Node(tuple(kept), y.shape, y.dtype)
            if asked:
                save_outputs(node, (t,))
    return t


def records(ys: tuple[Array, ...], *edges: tuple[Tensor, Callable[..., Any]]) -> tuple[Tensor, ...]:
    """Tensors of several arrays that one operation made; pullbacks take one gradient, or None, for each."""
    tensors = tuple(wrap(y) for y in ys)
    kept = tuple((x.node, x.output_nr, pull) for x, pull in edges if x.node is not None) if mode.enabled else ()
    if kept:
        node = Node(kept, (), None)
        node.outputs = tuple((y.shape, y.dtype) for y in ys)
        for i, t in enumerate(tensors):
            if t.array.dtype.kind == "f":  # indices carry no gradient
                t.node, t.output_nr = node, i
        if any(pull.__code__.co_argcount > len(ys) for _, _, pull in kept):
            save_outputs(node, tensors)
    return tensors


def save_outputs(node: Node, tensors: tuple[Tensor, ...]) -> None:
    """Let ``node`` rewrap its outputs later without keeping the tensors, which hold the node."""
    kept = [(t.array, storage_of(t), t.node is not None) for t in tensors]

    def saved(owner: Node) -> tuple[Tensor, ...]:
        rewrapped = []
        for i, (array, storage, differentiable) in enumerate(kept):
            t = wrap(array)
            t.storage = storage
            if differentiable:
                t.node, t.output_nr = owner, i
            rewrapped.append(t)
        return tuple(rewrapped)

    node.saved = saved


def storage_of(x: Tensor) -> Storage:
    """The storage of x, made when it is first asked for."""
    if x.storage is None:
        x.storage = Storage()
    return x.storage


def titled(y: Tensor, title: str) -> Tensor:
    """y, whose node prints as ``title``: torch's name, where the operation that made it goes by another."""
    if y.node is not None:
        y.node.title = title
    return y


# Views


def share(x: Tensor, y: Tensor) -> Tensor:
    """``y``, made to share the memory of ``x`` in the eyes of the tape."""
    y.storage = storage_of(x)
    y.base = x if x.base is None else x.base
    return y


def view(x: Tensor, array: Array, pullback: Callable[..., Any]) -> Tensor:
    """A recorded view: ``array`` looks at the memory of ``x``."""
    y: Tensor = share(x, record(array, (x, pullback)))
    if y.node is not None:
        y.node.view_of = y.storage
    return y


def retain(node: Node, output: int, tensor: Callable[[], Tensor | None]) -> None:
    """Let a tensor (a weak reference to it) get the gradient of an output of ``node``."""
    node.retains = {**(node.retains or {}), output: tensor}
    node.hooks = node.hooks or {}


# Promotion


def lift(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors of the dtype that torch's promotion gives.

    Tensors with dimensions decide; a 0-d tensor or a number only raises the category (bool < integer < float).
    """
    try:
        x, y = a.array, b.array
        if x.dtype is y.dtype and type(x) is type(y):
            return a, b
    except AttributeError:
        pass
    return _promote(a, b, None)


def lift_float(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """As ``lift``, but integers become the default floating-point dtype."""
    try:
        x, y = a.array, b.array
        if x.dtype is y.dtype and x.dtype.kind == "f" and type(x) is type(y):
            return a, b
    except AttributeError:
        pass
    dtype = result_type(a, b)
    return _promote(a, b, dtype if dtype.is_floating_point else settings.get_default_dtype())


def _promote(a: Any, b: Any, dtype: DType | None) -> tuple[Tensor, Tensor]:
    device = same_device(*(t for t in (a, b) if isinstance(t, _Tensor)))
    chosen = dtype or result_type(a, b)
    return as_operand(a, chosen, device), as_operand(b, chosen, device)


def as_operand(value: Any, dtype: DType, device: devices.Device) -> Tensor:
    """``value`` with ``dtype``: the same place in the graph, for the tape undoes promotion."""
    if isinstance(value, _Tensor):
        if value.array.dtype == dtype.numpy:
            return value
        t = wrap(k.cast(value.array, dtype))
        t.node, t.output_nr = value.node, value.output_nr
        return t
    if isinstance(value, np.ndarray):
        return wrap(k.from_host.on(device)(value, dtype))
    return wrap(k.full.on(device)((), value, dtype))


def result_type(*operands: Any) -> DType:
    """The dtype an operation on these tensors and numbers works in; torch's rule."""
    best: list[DType | None] = [None, None, None]  # tensors with dimensions, 0-d tensors, numbers
    for value in operands:
        if isinstance(value, _Tensor):
            rank, dtype = (0 if value.array.ndim else 1), value.dtype
        elif isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
            rank, dtype = 2, dtypes.of_number(value)  # type: ignore[arg-type]
            if dtype.is_floating_point:
                dtype = settings.get_default_dtype()
        elif isinstance(value, np.ndarray):
            rank, dtype = (0 if value.ndim else 1), dtypes.dtype_of(value.dtype)
        else:
            raise DTypeError(f"expected a tensor or a number, got {type(value).__name__} {value!r:.60}.")
        held = best[rank]
        best[rank] = dtype if held is None else dtypes.promote_types(held, dtype)
    chosen: DType | None = None
    for found in best:
        if found is not None and (chosen is None or found.category > chosen.category):
            chosen = found
    if chosen is None:
        raise TypeError("result_type() missing 2 required positional arguments: 'tensor1' and 'tensor2'")
    return chosen


def same_device(*tensors: Tensor) -> devices.Device:
    """The device all tensors are on.  Raises DeviceError where they differ, and says how to move one."""
    if not tensors:
        return devices.cpu
    try:
        found = {t.device for t in tensors}
    except AttributeError as error:
        raise no_tensor(error) from None
    if len(found) > 1:
        names_ = " and ".join(sorted(str(d) for d in found))
        raise DeviceError(
            f"expected all tensors on one device, got {names_}. Move one with x.to('{tensors[0].device}')."
        )
    return tensors[0].device


# Meaning and machine


class Fused:
    """A composition (the meaning) and the fast version that stands in for it.

    ``call`` runs the fast version, or the meaning.
    """

    __slots__ = ("call", "fast", "kernels", "meaning", "name")
    replaced = 0  # how many kernels and pullbacks are a learner's (see lab.py): meanings run while there are any

    def __init__(
        self, name: str, meaning: Callable[..., Any], fast: Callable[..., Any], kernels: tuple[Kernel, ...]
    ) -> None:
        self.name = name
        self.meaning = meaning
        self.fast = fast
        self.kernels = kernels
        self.call = self._written()

    def runs_on(self, kind: type) -> bool:
        """Whether the device with arrays of this class has all the kernels; the CPU always does."""
        return kind is np.ndarray or all(kind in kernel.versions for kernel in self.kernels)

    def _written(self) -> Callable[..., Any]:
        """``call``, written out for the parameters: with *args it takes half as long again."""
        code = self.meaning.__code__
        names_ = code.co_varnames[: code.co_argcount]
        first, given = names_[0], ", ".join(names_)
        source = (
            f"def made(fast_, meaning_, runs_on_):\n"
            f"    def {self.name}({given}):\n"
            f"        if Fused.replaced or not isinstance({first}, _Tensor) or not runs_on_(type({first}.array)):\n"
            f"            return meaning_({given})\n"
            f"        y_ = fast_({given})\n"
            f"        if y_ is NotImplemented:\n"
            f"            return meaning_({given})\n"
            f"        node_ = (y_[0] if isinstance(y_, tuple) else y_).node\n"
            f"        if node_ is not None and node_.meaning is None:\n"
            f"            node_.meaning = meaning_, ({given},)\n"
            f"        return y_\n"
            f"    return {self.name}"
        )
        scope: dict[str, Any] = {}
        exec(source, globals(), scope)
        return scope["made"](self.fast, self.meaning, self.runs_on)  # type: ignore[no-any-return]


def fuses(function: Callable[..., Any], *kernels: Kernel) -> Callable[[Callable[..., Any]], Fused]:
    """Stand a fast version beside an operation that is defined by composition.

    From then on the operation runs the fast version where the device has its ``kernels`` (and where it does not
    answer NotImplemented), and the composition elsewhere.  ``backward(create_graph=True)`` differentiates the
    composition.  The function that users see, and can go to, stays the one that holds the formula.
    """
    assert isinstance(function, FunctionType)

    def register(fast: Callable[..., Any]) -> Fused:
        meaning = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
        functools.update_wrapper(meaning, function)
        fused = FUSED[function.__name__] = Fused(function.__name__, meaning, fast, kernels)
        TORCH_NAMES.setdefault(fast.__name__, names(function.__name__))
        function.__code__ = _calling(fast.__name__, function.__code__)
        return fused

    return register


def _calling(target: str, code: CodeType) -> CodeType:
    """The code of a function with the same signature that hands its arguments on to ``target.call``, of a global."""
    parameters = ", ".join(code.co_varnames[: code.co_argcount])
    source = f"def {code.co_name}({parameters}):\n    return {target}.call({parameters})"
    scope: dict[str, Any] = {}
    exec(compile("\n" * (code.co_firstlineno - 1) + source, code.co_filename, "exec"), scope)
    return scope[code.co_name].__code__  # type: ignore[no-any-return]
