"""What takes the time while profiles run: functions of the library, exchanged for ones that look at the clock.

The code of operations, of the way back, of optimizers' steps and of data loaders is exchanged when the first profile
begins, and put back when the last one ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from time import perf_counter
from types import FunctionType
from typing import Any, Protocol

from nanograd import tape
from nanograd.kernels.compile import COMPILED
from nanograd.lab import exchange
from nanograd.ops.op import OPS
from nanograd.optim.optimizer import Optimizer
from nanograd.storage import tick
from nanograd.tensors import Tensor
from nanograd.utils.data import DataLoader

__all__ = ["Listener", "begin", "end", "tell"]


class Listener(Protocol):
    """A profile, as it is told what ran."""

    def note(self, name: str, span: tuple[int, int] | None, **more: float) -> None:
        """Add to the row of ``name``; ``span`` says between which moments it ran."""

    def made_by(self, node: tape.Node) -> str:
        """The name of the operation during which a node was made."""


_running: list[Any] = []  # Listeners
_undo: list[Callable[[], None]] = []
_changing = threading.RLock()


class _State(threading.local):
    inside = False  # an operation: those that it calls are its own
    noted = 0.0  # seconds of this thread that rows have already


_state = _State()


def begin(listener: Listener) -> None:
    """Tell a profile what runs from now on."""
    with _changing:
        _running.append(listener)
        if not _undo:
            try:
                for function, handler in _handlers():
                    _undo.append(exchange(function, handler))
            except BaseException:
                end(listener)
                raise


def end(listener: Listener) -> None:
    """Tell it nothing more."""
    with _changing:
        _running.remove(listener)
        while _undo and not _running:
            _undo.pop()()


def tell(what: Callable[[Any], None]) -> None:
    """Do something to all profiles that run, one thread at a time."""
    with _changing:
        for listener in _running:
            what(listener)


def _handlers() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """What is exchanged for what."""
    yield tape._send, _sending
    yield DataLoader.__iter__, _loading
    for cls in [Optimizer, *_subclasses(Optimizer)]:
        if isinstance(step := vars(cls).get("step"), FunctionType):
            yield step, _stepping
    for function in _operations():
        name = function.__name__
        in_place = name.endswith("_") and not name.endswith("__")
        yield function, _operation(name.strip("_") + "_" * in_place)


def _operations() -> list[FunctionType]:
    """The functions of tensors that programs call, and those that they are made of."""
    modules = map(import_module, ("nanograd", "nanograd.nn.functional", "nanograd.linalg", "nanograd.special"))
    spaces: list[Mapping[str, Any]] = [*map(vars, modules), *map(vars, Tensor.__mro__), OPS]
    found: dict[int, FunctionType] = {}
    for space in spaces:
        for value in space.values():
            value = getattr(value, "guards", value)  # whoever calls it goes through it, guarded or not
            if isinstance(value, FunctionType) and value.__module__.startswith(HOMES):
                found[id(value)] = value
    copies = (getattr(vars(Tensor)[name], "guards", vars(Tensor)[name]) for name in COPIES)
    found.update((id(value), value) for value in copies)
    return list(found.values())


HOMES = ("nanograd.ops.", "nanograd.nn.functional.", "nanograd.methods")
COPIES = (
    "to", "contiguous", "float", "double", "half", "long", "int", "short", "char", "byte", "bool", "copy_", "fill_",
    "zero_", "__matmul__",
)  # fmt: skip


def _subclasses(cls: type) -> Iterator[type]:
    children: Iterable[type] = cls.__subclasses__()
    for child in children:
        yield child
        yield from _subclasses(child)


def _operation(name: str) -> Callable[..., Any]:
    """Takes the time of an operation, of which ``name`` is the row."""

    def met(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if _state.inside:
            return original(*args, **kwargs)
        _state.inside = True
        first, compiled, y = tick(), len(COMPILED), None
        began = perf_counter()
        try:
            y = original(*args, **kwargs)
        finally:
            seconds = perf_counter() - began
            _state.inside = False
            if (made := _bytes(y)) is not None:
                count = len(COMPILED) - compiled
                _note(name, seconds, (first, tick()), calls=1, forward=seconds, bytes=made, compiled=count)
        return y

    return met


def _bytes(y: Any) -> int | None:
    """Of the tensors in what an operation gave, those that are not views; None where there is no tensor."""
    if isinstance(y, Tensor):
        return 0 if y.base is not None else y.array.nbytes
    if isinstance(y, (tuple, list)):
        sizes = [size for size in map(_bytes, y) if size is not None]
        return sum(sizes) if sizes else None
    return None


def _note(name: str, seconds: float, span: tuple[int, int] | None, **more: float) -> None:
    _state.noted += seconds
    tell(lambda listener: listener.note(name, span, **more))


def _sending(original: Callable[..., Any], pending: Any, queue: Any, node: tape.Node, *rest: Any) -> Any:
    """Takes the time of one node of the way back, for the operation that made it."""
    if _state.inside:
        return original(pending, queue, node, *rest)
    with _changing:
        told = [(listener, listener.made_by(node)) for listener in _running]  # the node may be freed on its way
    _state.inside = True
    first, compiled = tick(), len(COMPILED)
    began = perf_counter()
    try:
        return original(pending, queue, node, *rest)
    finally:
        seconds = perf_counter() - began
        _state.inside = False
        _state.noted += seconds
        with _changing:
            for listener, name in told:
                listener.note(name, (first, tick()), backward=seconds, compiled=len(COMPILED) - compiled)


def _stepping(original: Callable[..., Any], self: Optimizer, *args: Any, **kwargs: Any) -> Any:
    """Takes the time of an optimizer's step, without what its closure computes."""
    if _state.inside or self._stepping:  # a subclass's step that calls super().step()
        return original(self, *args, **kwargs)
    _state.inside = not (args or kwargs)
    before, compiled = _state.noted, len(COMPILED)
    began = perf_counter()
    try:
        return original(self, *args, **kwargs)
    finally:
        seconds = perf_counter() - began - (_state.noted - before)
        _state.inside = False
        _note(f"{type(self).__name__}.step", seconds, None, calls=1, forward=seconds, compiled=len(COMPILED) - compiled)


def _loading(original: Callable[..., Any], self: Any) -> Iterator[Any]:
    """Takes the time of making batches, with what the data set and its transforms do."""
    return _batches(_loaded(lambda: original(self), 0))  # at once: the loader draws a seed now


def _batches(loader: Iterator[Any]) -> Iterator[Any]:
    while (batch := _loaded(lambda: next(loader, _END), 1)) is not _END:
        yield batch


_END = object()


def _loaded(run: Callable[[], Any], calls: int) -> Any:
    if _state.inside:
        return run()
    _state.inside, y = True, _END
    began = perf_counter()
    try:
        y = run()
        return y
    finally:
        seconds = perf_counter() - began
        _state.inside = False
        _note("DataLoader", seconds, None, calls=0 if y is _END else calls, forward=seconds)
