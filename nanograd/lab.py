"""Your own implementation in the library's place, counted.

    with lab.replace("kernels.reduce.sum_to", my_unbroadcast) as mine:
        loss.backward()
    print(mine.calls)

A *seam* is the name of what is replaced:

- a kernel, ``kernels.reduce.sum_to``: arrays in, arrays out
- a pullback, ``ops.linalg.matmul:other``: ``f(g, *arguments)`` on arrays gives the gradient of that argument
- a function or method, ``nn.module.Module.__setattr__``
- a class, ``optim.sgd.SGD``

The function object stays and its code is exchanged, so every operator, method, ``F.x`` and from-import meets the
replacement, and nothing costs anything while nothing is replaced.  While a kernel or pullback is replaced, operations
that are defined by composition run as composed, so that the replacement is reached.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Callable
from types import FunctionType, TracebackType
from typing import Any

import numpy as np

from nanograd.errors import GradError, did_you_mean
from nanograd.kernels.kernel import KERNELS
from nanograd.ops.op import OPS, Fused, wrap
from nanograd.storage import tick
from nanograd.tape import mode
from nanograd.tensors import Tensor

__all__ = ["Replacement", "exchange", "replace"]

_numbers = itertools.count(1)
_standing: dict[Any, Any] = {}  # the code of each replacement in force -> the code that it replaced


class Replacement:
    """A replacement in force: ``calls`` counts how often it was met; ``undo()`` takes it back."""

    def __init__(self, seam: str, function: Callable[..., Any]) -> None:
        self.seam = seam
        self.function = function
        self.calls = 0
        self._undo: list[Callable[[], None]] = []

    def undo(self) -> None:
        """Put the library's own back; again does nothing."""
        while self._undo:
            self._undo.pop()()

    def __enter__(self) -> Replacement:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.undo()


def replace(seam: str, function: Callable[..., Any]) -> Replacement:
    """Let ``function`` stand at ``seam`` until ``undo()`` or the end of the ``with`` block.

    Raises AttributeError for a seam that does not exist, TypeError for what cannot be replaced.
    """
    path, _, argument = seam.removeprefix("nanograd.").partition(":")
    found = _resolve(path)
    made = Replacement(seam, function)
    if argument:
        _replace_pullback(made, found, argument)
    elif path.startswith("kernels.") and getattr(found, "name", None) in KERNELS:
        _replace_kernel(made, found)
    elif inspect.isclass(found):
        _replace_class(made, found)
    elif isinstance(found, FunctionType):
        made._undo.append(exchange(found, _counting(made)))
    else:
        raise TypeError(f"lab.replace: {seam!r} is a {type(found).__name__}; expected a function, a method or a class.")
    return made


def _resolve(path: str) -> Any:
    """The object behind ``kernels.reduce.sum_to`` or ``nn.module.Module.__setattr__``."""
    parts = path.split(".")
    found: Any = importlib.import_module("nanograd")
    for i, part in enumerate(parts):
        try:
            found = importlib.import_module("nanograd." + ".".join(parts[: i + 1]))
        except ModuleNotFoundError:
            scope = vars(found)
            if part not in scope:
                hint = did_you_mean(part, scope)
                raise AttributeError(
                    f"lab: there is no seam {path!r}: {part!r} is not in {found.__name__}.{hint}"
                ) from None
            found = scope[part]
    return found


def _counting(made: Replacement) -> Callable[..., Any]:
    def met(_original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        made.calls += 1
        return made.function(*args, **kwargs)

    return met


def exchange(function: FunctionType, handler: Callable[..., Any]) -> Callable[[], None]:
    """Exchange the code of ``function`` for a call of ``handler(original, *args)``; what to call to take it back."""
    before, name = function.__code__, f"_lab_{next(_numbers)}"
    original = FunctionType(
        before, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    original.__kwdefaults__ = function.__kwdefaults__
    function.__globals__[name] = lambda *args, **kwargs: handler(original, *args, **kwargs)
    mine = function.__code__ = _trampoline(function, name)
    _standing[mine] = before

    def undo() -> None:
        """Take this one out from between what it replaced and what was stood in its place since."""
        replaced = _standing.pop(mine)
        later = next((code for code, under in _standing.items() if under is mine), None)
        if later is None:
            function.__code__ = replaced
            del function.__globals__[name]
        else:  # it still calls this one, which from now on hands through
            _standing[later] = replaced
            function.__globals__[name] = original

    return undo


def _trampoline(function: FunctionType, target: str) -> Any:
    """Code that hands every argument on to the global ``target``, with as many free variables as before."""
    cells = function.__code__.co_freevars
    inner = (
        f"def {function.__name__}(*args, **kwargs):\n"
        f"    {', '.join(cells) or 'pass'}\n"
        f"    return {target}(*args, **kwargs)"
    )
    if not cells:
        source = inner
    else:
        body = "\n".join("    " + line for line in inner.splitlines())
        source = f"def outer({', '.join(cells)}):\n{body}\n    return {function.__name__}"
    scope: dict[str, Any] = {}
    exec(compile(source, "<lab>", "exec"), scope)
    made = scope["outer"](*cells) if cells else scope[function.__name__]
    return made.__code__


def _as_composed(made: Replacement) -> None:
    """Run meanings instead of fused versions while this replacement is in force."""
    Fused.replaced += 1

    def undo() -> None:
        Fused.replaced -= 1

    made._undo.append(undo)


def _replace_kernel(made: Replacement, kernel: Any) -> None:
    def met(original: Callable[..., Any], *args: Any) -> Any:
        if args and not isinstance(args[0], np.ndarray):
            return original(*args)  # another device
        made.calls += 1
        return _array(made.function(*args), made.seam)

    made._undo.append(exchange(kernel, met))
    _as_composed(made)


def _array(y: Any, seam: str) -> Any:
    """What a learner's function returned, as an array; None for kernels that write in place."""
    if y is None or isinstance(y, np.ndarray):
        return y
    if isinstance(y, tuple):
        return tuple(_array(v, seam) for v in y)
    if isinstance(y, (np.generic, int, float)):
        return np.asarray(y)
    raise TypeError(f"lab: the function at {seam!r} returned a {type(y).__name__}; expected a NumPy array.")


def _replace_class(made: Replacement, cls: type) -> None:
    if "__init__" not in vars(cls):
        raise TypeError(f"lab.replace: class {cls.__name__} has no __init__ of its own to stand in for.")
    mine = made.function
    if not inspect.isclass(mine):
        raise TypeError(f"lab.replace: {made.seam!r} is a class; expected a class in its place, got {mine!r:.60}.")

    def met(original: Callable[..., Any], self: Any, *args: Any, **kwargs: Any) -> None:
        if type(self) is not cls:  # a subclass, or the replacement calling super().__init__
            original(self, *args, **kwargs)
            return
        made.calls += 1
        self.__class__ = mine
        mine.__init__(self, *args, **kwargs)

    made._undo.append(exchange(vars(cls)["__init__"], met))


def _replace_pullback(made: Replacement, operation: Any, argument: str) -> None:
    if operation not in OPS.values():
        raise TypeError(f"lab.replace: {made.seam!r}: {operation!r} is not a registered operation.")
    signature = inspect.signature(operation)
    if argument not in signature.parameters:
        have = ", ".join(signature.parameters)
        raise AttributeError(f"lab: there is no seam {made.seam!r}: {operation.__name__} has the arguments {have}.")

    def met(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        y = original(*args, **kwargs)
        if isinstance(y, Tensor) and y.node is not None and y.node.edges:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            _exchange_edge(made, y, bound.arguments, argument)
        return y

    made._undo.append(exchange(operation, met))
    _as_composed(made)


def _exchange_edge(made: Replacement, y: Tensor, arguments: dict[str, Any], argument: str) -> None:
    """Stand the learner's pullback on the edge of ``argument``."""
    target = arguments[argument]
    node = y.node
    if not isinstance(target, Tensor) or node is None or node.edges is None:
        return
    place = (target.node, target.output_nr)
    same = [i for i, edge in enumerate(node.edges) if edge[:2] == place]
    # One tensor may stand in two places: its edges come in the order of the arguments.
    before = list(arguments)[: list(arguments).index(argument)]
    rank = sum(isinstance(v := arguments[n], Tensor) and (v.node, v.output_nr) == place for n in before)
    if rank >= len(same):
        return  # the operation was carried out by others, which meet the replacement themselves
    node.title = node.name()
    edges = list(node.edges)
    parent, index, pullback = edges[same[rank]]
    edges[same[rank]] = (parent, index, _adapted(made, pullback, tuple(arguments.values())))
    node.edges = tuple(edges)


def _adapted(made: Replacement, pullback: Any, arguments: tuple[Any, ...]) -> Any:
    """``f(g, *arrays)`` as a pullback of tensors; the library's own where the way back is recorded."""
    moment = tick()
    tensors = [a for a in arguments if isinstance(a, Tensor)]

    def run(g: Tensor) -> Tensor:
        if any(t.storage is not None and t.storage.written > moment for t in tensors):
            raise GradError(f"backward: an argument of {made.seam!r} was written in place since the operation ran.")
        made.calls += 1
        arrays = [a.array if isinstance(a, Tensor) else a for a in arguments]
        return wrap(_array(made.function(g.array, *arrays), made.seam))

    def pull(g: Tensor) -> Any:
        return pullback(g) if mode.enabled else run(g)

    def pull_with_output(g: Tensor, y: Tensor) -> Any:
        return pullback(g, y) if mode.enabled else run(g)

    return pull_with_output if pullback.__code__.co_argcount > 1 else pull
