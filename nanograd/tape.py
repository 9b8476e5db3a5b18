"""The tape: which operation made which value, and how a change flows back.

A ``Node`` stands for one recorded operation.  Its edges say, for each input that needs a gradient, which node made
that input and the *pullback* that turns the gradient of the output into the gradient of the input.  ``backward``
takes the nodes newest first: an operation is always newer than the operations that made its inputs, so nothing is
visited before its gradient is complete, and nothing recurses.

The tape knows no class and no operation: it adds gradients with ``+`` and fits them to their input with
``value.fit(shape, dtype)``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from operator import attrgetter
from types import CodeType, TracebackType
from typing import Any, NoReturn, TypeVar

from nanograd.errors import GradError
from nanograd.storage import tick

__all__ = [
    "Edge", "Node", "backward", "detect_anomaly", "enable_grad", "inference_mode", "is_anomaly_enabled",
    "is_grad_enabled", "mode", "no_grad", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

Edge = tuple["Node", int, Callable[..., Any]]
"""(the node that made the input, which of its outputs that is, the pullback)"""


class Node:
    """One recorded operation, or a leaf.

    ``seq``      its moment on the clock that also times writes (see storage.py)
    ``edges``    one per input that needs a gradient; None once freed, and for a leaf
    ``shape``, ``dtype``  of its output: what a gradient must fit.  A node with several outputs has ``outputs``,
                 a tuple of (shape, dtype), instead, and its pullbacks take one gradient (or None) per output
    ``leaf``     for a leaf, a weak reference to its tensor
    ``saved``    what is needed to rewrap the output for pullbacks that ask for it: never the tensor (a cycle)
    ``meaning``  for a fused operation, (the composition it stands for, its arguments)
    ``hooks``    functions of the gradient of an output: (output index, function) by number
    """

    __slots__ = (
        "__weakref__", "dtype", "edges", "hooks", "leaf", "meaning", "outputs", "retains", "rule", "saved",
        "seq", "shape", "title", "view_of",
    )  # fmt: skip

    def __init__(self, edges: tuple[Edge, ...] | None, shape: tuple[int, ...], dtype: Any) -> None:
        self.seq = tick()
        self.edges = edges
        self.shape = shape
        self.dtype = dtype
        self.outputs: tuple[tuple[tuple[int, ...], Any], ...] | None = None
        self.leaf: Callable[[], Any] | None = None
        self.saved: Callable[[Node], tuple[Any, ...]] | None = None
        self.meaning: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
        self.hooks: dict[int, tuple[int, Callable[[Any], Any]]] | None = None
        self.retains: dict[int, Callable[[], Any]] | None = None  # output -> weak reference to the tensor
        self.view_of: Any = None  # the storage, where the output is a view
        self.rule: CodeType | None = None  # of a pullback: it names the operation after the edges are freed
        self.title: str | None = None

    def name(self) -> str:
        """torch's name of the operation, ``MulBackward0``."""
        if self.title is not None:
            return self.title
        if self.leaf is not None:
            return "AccumulateGrad"
        code = self.edges[0][2].__code__ if self.edges else self.rule
        return names(code.co_qualname.rsplit(".<locals>", 1)[0].rsplit(".", 1)[-1]) if code is not None else "Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Node, int], ...]:
        """The nodes that made its inputs, as torch's."""
        return tuple((parent, index) for parent, index, _ in self.edges or ())

    @property
    def variable(self) -> Any:
        """The tensor of a leaf, or None."""
        return self.leaf() if self.leaf is not None else None

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"


def names(operation: str) -> str:
    """torch's node name for an operation's name: mul → MulBackward0.  ``ops/op.py`` adds the exceptions."""
    found = TORCH_NAMES.get(operation)
    return found or "".join(part.capitalize() for part in operation.strip("_").split("_")) + "Backward0"


TORCH_NAMES: dict[str, str] = {}


# Whether operations are recorded


class _Mode(threading.local):
    enabled = True
    suspicious = False  # look for NaN on every way back


mode = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread."""
    return mode.enabled


def _record(enabled: bool) -> None:
    mode.enabled = enabled


class _Switch:
    """A context manager and decorator that sets recording and puts back what was, also after an exception."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(mode.enabled)
        mode.enabled = self.enabled

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        mode.enabled = self._before.pop()

    def __call__(self, function: F) -> F:
        from functools import wraps
        from inspect import isgeneratorfunction

        enabled = self.enabled

        @wraps(function)
        def switched(*args: Any, **kwargs: Any) -> Any:
            with _Switch(enabled):
                return function(*args, **kwargs)

        @wraps(function)
        def stepping(*args: Any, **kwargs: Any) -> Any:
            steps = function(*args, **kwargs)
            resume, given = steps.send, None
            while True:
                try:
                    with _Switch(enabled):
                        value = resume(given)
                except StopIteration as end:
                    return end.value
                try:
                    resume, given = steps.send, (yield value)  # whoever asks for the values keeps a mode of its own
                except GeneratorExit:
                    with _Switch(enabled):
                        steps.close()
                    raise
                except BaseException as error:
                    resume, given = steps.throw, error

        if isgeneratorfunction(function):
            return stepping  # type: ignore[return-value]
        return switched  # type: ignore[return-value]


class no_grad(_Switch):
    """Operations inside are not recorded; ``with no_grad():`` or ``@no_grad()``."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        made = super().__new__(cls)
        if function is None:
            return made
        made.__init__()  # type: ignore[misc]
        return made(function)  # @no_grad without parentheses

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_Switch):
    """Operations inside are recorded, also within ``no_grad``."""

    def __init__(self) -> None:
        super().__init__(True)


class inference_mode(no_grad):
    """As ``no_grad``; ``inference_mode(False)`` records."""

    def __new__(cls, mode: Any = True) -> Any:
        if callable(mode):
            return super().__new__(cls, mode)  # @inference_mode without parentheses
        return super().__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        _Switch.__init__(self, not mode)


class set_grad_enabled(_Switch):
    """Record or not, from now on as a function, or inside as a context manager."""

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self._at_call = is_grad_enabled()
        _record(self.enabled)

    def __enter__(self) -> None:
        self._before.append(self._at_call)
        mode.enabled = self.enabled

    def __call__(self, function: F) -> F:
        mode.enabled = self._at_call  # as a decorator it means the function, not what follows
        return super().__call__(function)


class set_detect_anomaly:
    """Look for NaN on every way back, from now on as a function, or inside as a context manager.

    ``backward`` then raises GradError that names the first operation whose pullback gave NaN.
    """

    def __init__(self, mode_: bool, check_nan: bool = True) -> None:
        self._before = mode.suspicious
        mode.suspicious = bool(mode_ and check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        mode.suspicious = self._before


class detect_anomaly(set_detect_anomaly):
    """Look for NaN on every way back, inside ``with detect_anomaly():``."""

    def __init__(self, check_nan: bool = True) -> None:
        self._asked = check_nan

    def __enter__(self) -> None:
        super().__init__(True, self._asked)


def is_anomaly_enabled() -> bool:
    """Whether every way back is searched for NaN."""
    return mode.suspicious


# The way back


def backward(
    roots: Sequence[tuple[Node, int, Any]],
    inputs: Iterable[tuple[Node, int]] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
    partial: bool = False,
) -> dict[tuple[Node, int], Any]:
    """Send gradients from ``roots`` [(node, output, gradient)] back through the tape.

    Without ``inputs`` the gradients arrive in the leaves' ``.grad``, all of them at the end: an error on the way
    leaves every leaf as it was.  With ``inputs``, only what lies on the way to one of them is visited, leaves stay as
    they are, and the gradients that arrived at the inputs are returned.  ``partial`` derivatives take every input as a
    variable of its own: what lies behind an input is not visited, and its hooks do not run.
    """
    wanted = targets = needed = None
    if inputs is not None:
        wanted = set(inputs)
        targets = {node for node, _ in wanted}
        needed = _on_the_way([root[0] for root in roots], targets)
        if partial:
            needed -= targets
    pending: dict[Node, Any] = {}
    queue: list[tuple[int, Node]] = []  # a heap: the newest node is next
    arrived: dict[tuple[Node, int], Any] = {}
    before, mode.enabled = mode.enabled, create_graph
    suspicious = mode.suspicious
    try:
        for node, index, gradient in roots:
            if node.view_of is not None and node.view_of.recorded:
                node, index, gradient = _routed(node, index, gradient, None)
            _add(pending, queue, node, index, gradient if node.leaf is None else gradient.clone())
        while queue:
            node = heappop(queue)[1]
            gradient = pending.pop(node)
            if type(gradient) in GROWING:
                gradient = _settled(gradient)
            if node.hooks is not None and not (partial and node in targets):  # type: ignore[operator]
                gradient = _run_hooks(node, gradient)
            if wanted is not None:
                _collect(arrived, wanted, node, gradient)
            if needed is None or node in needed:
                _send(pending, queue, node, gradient, needed, targets)
                if suspicious:
                    _look_for_nan(pending, node)
                if not retain_graph:
                    _free(node)
        for node, gradient in pending.items():  # leaves
            if type(gradient) in GROWING:
                gradient = _settled(gradient)
            if node.hooks is not None and not partial:
                gradient = _run_hooks(node, gradient).clone()  # a hook may keep what it saw, or give what others hold
            if wanted is not None:
                _collect(arrived, wanted, node, gradient)
            else:
                leaf = node.leaf()  # type: ignore[misc]
                if leaf is not None and leaf.node is not None:  # it may have been frozen since
                    leaf.accumulate(gradient, create_graph)
    finally:
        mode.enabled = before
    return arrived


def _on_the_way(roots: Iterable[Node], targets: set[Node]) -> set[Node]:
    """The nodes behind which a target lies; of the targets themselves only those behind which another lies.

    Raises GradError where a target may lie behind a node that was used and freed.
    """
    nodes = list(dict.fromkeys(roots))
    seen = set(nodes)
    for node in nodes:  # grows while it runs
        for parent in _sources(node):
            if parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    freed = [node for node in nodes if node.edges is None and node.leaf is None and node not in targets]
    if freed and not targets <= seen:
        _used(freed[0])
    needed: set[Node] = set()
    for node in sorted(nodes, key=attrgetter("seq")):  # oldest first: parents are decided before their children
        if any(parent in needed or parent in targets for parent in _sources(node)):
            needed.add(node)
    return needed


GROWING: set[type] = {list}
"""Classes of gradients that others are added to in place while they wait: those of several outputs, which wait together
in a list, and one of ops/indexing.py."""


def _settled(gradient: Any) -> Any:
    """A gradient that no longer waits, as a plain one: from here on others may hold it."""
    if type(gradient) is list:
        return [_settled(g) for g in gradient]
    return gradient.settled() if type(gradient) in GROWING else gradient


def _collect(arrived: dict[tuple[Node, int], Any], wanted: set[tuple[Node, int]], node: Node, gradient: Any) -> None:
    for index, g in enumerate(gradient if node.outputs is not None else (gradient,)):
        if g is not None and (node, index) in wanted:
            arrived[node, index] = g


def _add(pending: dict[Node, Any], queue: list[tuple[int, Node]], node: Node, index: int, gradient: Any) -> None:
    """Add to the gradient that waits for output ``index`` of ``node``, fitted to that output."""
    waiting = pending.get(node)
    if waiting is None and node.leaf is None:
        heappush(queue, (-node.seq, node))
    if node.outputs is None:
        gradient = gradient.fit(node.shape, node.dtype)
        pending[node] = gradient if waiting is None else waiting + gradient
        return
    if waiting is None:
        waiting = pending[node] = [None] * len(node.outputs)
    gradient = gradient.fit(*node.outputs[index])
    waiting[index] = gradient if waiting[index] is None else waiting[index] + gradient


def _send(
    pending: dict[Node, Any],
    queue: list[tuple[int, Node]],
    node: Node,
    gradient: Any,
    needed: set[Node] | None,
    targets: set[Node] | None,
) -> None:
    """Run the pullbacks of ``node`` and add what they give to what waits for its inputs.

    ``gradient`` is that of its output; of several outputs, a list.
    """
    if node.edges is None:
        _used(node)
    if node.meaning is not None and mode.enabled:
        _send_meaning(pending, queue, node, gradient if node.outputs is not None else (gradient,))
        return
    several, moment = node.outputs is not None, node.seq
    before = joint = None  # the pullback of the edge before; what it gave, if edges share it: a gradient for each
    place = 0
    for parent, index, pullback in node.edges:
        if pullback is before:
            place += 1
        else:
            before, joint, place = pullback, None, 0
        if needed is not None and not (parent in needed or parent in targets or _moved(parent, moment)):  # type: ignore[operator]
            continue
        if joint is None:
            code = pullback.__code__
            known = _ASKED.get(code)
            if known is None:
                known = _ASKED[code] = _asked(pullback)
            cells, count = known
            for cell in cells:
                value = pullback.__closure__[cell].cell_contents  # type: ignore[index]
                if value is not None and value.storage is not None and value.storage.written > moment:
                    _refuse(node, value, code.co_freevars[cell])
            if several:
                c = pullback(*gradient, *saved_outputs(node)) if count > len(gradient) else pullback(*gradient)
            else:
                c = pullback(gradient, *saved_outputs(node)) if count > 1 else pullback(gradient)
            if type(c) is tuple:
                joint, c = c, c[place]
        else:
            c = joint[place]
        if c is None:
            continue
        if parent.view_of is not None and parent.view_of.recorded:
            parent, index, c = _routed(parent, index, c, moment)
            if needed is not None and parent not in needed and parent not in targets:  # type: ignore[operator]
                continue
        if parent.leaf is None:
            _add(pending, queue, parent, index, c)
            continue
        # A leaf's gradient is its own: dense, writable, shared with nobody.
        c = c.fit(parent.shape, parent.dtype)
        c = c.owned(several or c is gradient)
        waiting = pending.get(parent)
        pending[parent] = c if waiting is None else waiting + c


def _look_for_nan(pending: dict[Node, Any], node: Node) -> None:
    """Raises GradError where ``node``, as the first on the way back, sent NaN to one of its inputs."""
    for number, (parent, index, _) in enumerate(node.edges or ()):
        waiting = pending.get(parent)
        gradient = waiting[index] if type(waiting) is list else waiting
        if gradient is not None and bool(_settled(gradient).isnan().any()):
            raise GradError(f"Function '{node.name()}' returned nan values in its {number}th output.")


def _used(node: Node) -> NoReturn:
    raise GradError(
        f"backward: {node.name()} was already used and its saved tensors were freed. "
        "Call backward(retain_graph=True) the first time. A result kept from an earlier step (a hidden state) must "
        "leave the graph: hidden = hidden.detach()."
    )


def _send_meaning(
    pending: dict[Node, Any], queue: list[tuple[int, Node]], node: Node, gradients: Sequence[Any]
) -> None:
    """Differentiate the composition that a fused operation stands for, so that the result has a graph of its own."""
    meaning, args = node.meaning  # type: ignore[misc]
    for value in args:
        check_written(node, value, "an input")
    y = meaning(*args)
    outputs = y if isinstance(y, tuple) else (y,)
    roots = [(t.node, t.output_nr, g) for t, g in zip(outputs, gradients, strict=True) if g is not None]
    places = dict.fromkeys((parent, index) for parent, index, _ in node.edges or ())
    found = backward(roots, places, retain_graph=True, create_graph=True, partial=True)
    if len(found) < len(places):
        raise GradError(f"backward: an input of {node.name()} has left the graph since. Keep it as it was until then.")
    for (parent, index), c in found.items():
        _add(pending, queue, parent, index, c.clone() if parent.leaf is not None else c)


def saved_outputs(node: Node) -> tuple[Any, ...]:
    """The outputs of ``node``, for a pullback that asked for them by further parameters."""
    values = node.saved(node)  # type: ignore[misc]
    for value in values:
        check_written(node, value, "its output")
    return values


def _free(node: Node) -> None:
    if node.edges:
        node.rule = node.edges[0][2].__code__
    node.edges = node.saved = node.meaning = None


# Hooks


def _run_hooks(node: Node, gradient: Any) -> Any:
    """The gradient after the hooks; tensors that retain their gradient get it last."""
    assert node.hooks is not None
    gradients = [gradient] if node.outputs is None else gradient
    kinds = ((node.shape, node.dtype),) if node.outputs is None else node.outputs
    for index, hook in list(node.hooks.values()):
        if gradients[index] is not None:
            changed = hook(gradients[index])
            if changed is not None:
                gradients[index] = _checked(changed, gradients[index]).fit(*kinds[index])
    for index, tensor in (node.retains or {}).items():
        kept = tensor()
        if kept is not None and gradients[index] is not None:
            kept.accumulate(gradients[index].clone(), mode.enabled)
    return gradient if node.outputs is not None else gradients[0]


def _checked(changed: Any, gradient: Any) -> Any:
    if not hasattr(changed, "fit"):
        raise TypeError(f"hook: expected a tensor or None, got {type(changed).__name__} {changed!r:.40}.")
    if changed.shape != gradient.shape:
        raise GradError(
            f"hook: the gradient has shape {tuple(gradient.shape)}, the hook returned {tuple(changed.shape)}."
        )
    return changed


# Views whose memory a recorded write has changed since they were taken


def _latest(view: Node, moment: int | None) -> tuple[Any, int] | None:
    """The (node, output) that the memory of a view came from at a moment (now for None), if a write came between."""
    for since, node, index in reversed(view.view_of.recorded):
        if since < view.seq:
            return None
        if moment is None or since < moment:
            return node(), index
    return None


def is_stale(node: Node) -> bool:
    """Whether a recorded write changed the memory of a view since it was taken: uses after that lead past its node."""
    return node.view_of is not None and bool(node.view_of.recorded) and _latest(node, None) is not None


def _moved(parent: Node, moment: int) -> bool:
    """Whether gradients of a node go elsewhere: it is a view, and its memory was written before ``moment``."""
    return parent.view_of is not None and parent.view_of.recorded and _latest(parent, moment) is not None


def _routed(view: Node, index: int, gradient: Any, moment: int | None) -> tuple[Node, int, Any]:
    """Where the gradient of a view that was used at ``moment`` belongs: the view itself, or what was written into its
    memory since it was taken, with the gradient in the shape of the whole memory."""
    found = _latest(view, moment)
    if found is None:
        return view, index, gradient
    storage, node = view.view_of, view
    while node.view_of is storage and node.outputs is None:
        if node.edges is None:
            _used(node)
        parent, _, pullback = node.edges[0]
        gradient = pullback(gradient.fit(node.shape, node.dtype))
        node = parent
    if node.outputs is not None and node.view_of is not None:
        raise GradError(
            f"backward: {node.name()} gave a view of memory that was written in place since; how that changes the view "
            "only its Function knows. clone() what forward returns, or use the operation without the underscore."
        )
    if found[0] is None:
        _used(view)
    return *found, gradient


def _sources(node: Node) -> list[Node]:
    """The nodes to which gradients of ``node`` go."""
    parents = []
    for parent, _, _ in node.edges or ():
        if parent.view_of is not None and parent.view_of.recorded:
            found = _latest(parent, node.seq)
            if found is not None and found[0] is not None:
                parent = found[0]
        parents.append(parent)
    return parents


# What was written after it was recorded


_ASKED: dict[CodeType, tuple[tuple[int, ...], int]] = {}  # what ``_asked`` found out of each pullback


def _asked(pullback: Any) -> tuple[tuple[int, ...], int]:
    """The closure cells of a pullback that hold a tensor, or None where a tensor may come, and how many arguments it
    takes; a name holds one kind of thing in every call."""
    values = [cell.cell_contents for cell in pullback.__closure__ or ()]
    cells = tuple(i for i, value in enumerate(values) if value is None or hasattr(value, "storage"))
    return cells, pullback.__code__.co_argcount


def check_written(node: Node, value: Any, what: str) -> None:
    """Raises GradError where ``value`` was written since ``node`` was recorded."""
    storage = getattr(value, "storage", None)
    if storage is not None and storage.written > node.seq:
        _refuse(node, value, what)


def _refuse(node: Node, value: Any, what: str) -> None:
    raise GradError(
        f"backward: {node.name()} needs {what!r} of shape {tuple(value.shape)} as it was when the operation ran "
        f"(moment {node.seq}), but it was written in place since (moment {value.storage.written}). "
        "Use the operation without the underscore, or clone() the tensor before writing."
    )
