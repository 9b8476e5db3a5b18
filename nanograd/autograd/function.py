"""Function: an operation of your own, with a forward and a backward."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.ops.creation import zeros
from nanograd.ops.op import record, records, save_outputs, share, titled
from nanograd.ops.writing import check_writable, written
from nanograd.storage import Storages
from nanograd.tape import Node, check_written, mode, no_grad, saved_outputs
from nanograd.tensors import Tensor

__all__ = ["Function", "once_differentiable"]


class Context:
    """What ``forward`` leaves for ``backward``: saved tensors, and whatever you set as attributes.

    ``needs_input_grad``  for each argument of ``apply``, whether its gradient is wanted
    """

    needs_input_grad: tuple[bool, ...] = ()
    _materialize = True
    _to_save: tuple[Tensor | None, ...] = ()
    _saved: Callable[[], tuple[Tensor | None, ...]] | None = None
    _constant: tuple[Tensor, ...] = ()
    _dirty: tuple[Tensor, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for ``backward``, where ``saved_tensors`` gives them.  Raises TypeError for other things."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument is of type {type(t).__name__}: "
                    "set it as an attribute, ctx.name = value."
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What ``save_for_backward`` kept.  Raises GradError where one was written in place or freed since."""
        return self._to_save if self._saved is None else self._saved()

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """These outputs carry no gradient."""
        self._constant = args

    def mark_dirty(self, *args: Tensor) -> None:
        """These inputs were written in place, and are returned."""
        self._dirty = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether an output without a gradient gives zeros to ``backward`` (so by default), or None."""
        self._materialize = value


class Function:
    """An operation of your own.  A subclass defines two static methods; ``apply`` runs it.

    ``forward(ctx, *args)`` computes the outputs, ``backward(ctx, *grad_outputs)`` gives one gradient (or None) for
    each argument of ``forward``.  Or ``forward(*args)`` without ctx, and ``setup_context(ctx, inputs, output)``.
    Inside ``forward`` nothing is recorded; ``backward``, written in operations, can be differentiated again.

    >>> class Square(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         x, = ctx.saved_tensors
    ...         return 2 * x * g
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor(6.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self).__name__}: a Function is not made: call {type(self).__name__}.apply(...). "
            "forward and backward are static methods."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; for subclasses.  Raises NotImplementedError where a subclass does not define it."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what ``backward`` needs, where ``forward`` takes no ctx; for subclasses."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the arguments; for subclasses.

        Raises NotImplementedError where a subclass does not define it.
        """
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and record it.

        Raises GradError from ``backward`` where the number of gradients is not that of the arguments, ShapeError
        where a gradient has another shape than its argument.
        """
        ctx = Context()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                outputs = cls.forward(ctx, *args, **kwargs)
            else:
                outputs = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, outputs)
        several = isinstance(outputs, (tuple, list))
        ys = list(outputs) if several else [outputs]
        if mode.enabled and any(ctx.needs_input_grad):
            ys = _Run(cls, ctx, args, ys).record(args, ys)
        return tuple(ys) if several else ys[0]


class _Run:
    """One run of a Function, and what ``backward`` gave for the last gradients."""

    def __init__(self, cls: type[Function], ctx: Context, args: tuple[Any, ...], ys: list[Any]) -> None:
        self.cls, self.ctx = cls, ctx
        self.args = [a.array.shape if isinstance(a, Tensor) else None for a in args]
        self.places = [i for i, y in enumerate(ys) if isinstance(y, Tensor)]
        self.like = [(y.array.shape, y.dtype, y.device) if isinstance(y, Tensor) else None for y in ys]
        self.last: tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]] | None = None
        self.asked: set[int] = set()

    def record(self, args: tuple[Any, ...], ys: list[Any]) -> list[Any]:
        """The outputs with their history."""
        edges = [(a, self._pullback(i)) for i, a in enumerate(args) if self.ctx.needs_input_grad[i]]
        tensors = [ys[i] for i in self.places]
        made = records(tuple(y.array for y in tensors), *edges)
        node = next((t.node for t in made if t.node is not None), None)
        if node is None:
            return ys
        node.title = f"{self.cls.__name__}Backward"
        out = list(ys)
        for i, y, t in zip(self.places, tensors, made, strict=True):
            out[i] = self._placed(y, t, args)
        placed = [out[i] for i in self.places]
        shared = [t.storage for t in placed if t.node is node and t.base is not None]
        node.view_of = Storages(shared) if shared else None
        save_outputs(node, tuple(placed))
        self._save(node, tensors, placed)
        self.ctx._dirty = self.ctx._constant = ()  # they hold this node: a cycle
        return out

    def _placed(self, y: Tensor, t: Tensor, args: tuple[Any, ...]) -> Tensor:
        """The output that users get: t, or y itself where it carries no gradient or is an input that was written."""
        if any(y is c for c in self.ctx._constant) or t.node is None:
            return y
        if any(y is d for d in self.ctx._dirty):
            check_writable(y, True, f"{self.cls.__name__}.apply")
            written(y, t)
            return y
        if any(y is a for a in args):
            return share(y, t)
        t.storage, t.base = y.storage, y.base
        return t

    def _save(self, node: Node, before: list[Tensor], after: list[Tensor]) -> None:
        """Let ``ctx.saved_tensors`` give what was saved; outputs are rewrapped, for keeping them would be a cycle."""
        kept: list[Any] = []
        for t in self.ctx._to_save:
            index = next((i for i, y in enumerate(before) if y is t), None)
            own = index is not None and (after[index].node is node or any(t is d for d in self.ctx._dirty))
            kept.append(index if own else t)
        self.ctx._to_save = ()
        owner, name = ref(node), node.title

        def saved() -> tuple[Tensor | None, ...]:
            node = owner()
            if node is None or node.saved is None:
                raise GradError(
                    f"backward: {name} was already used and its saved tensors were freed. "
                    "Call backward(retain_graph=True) the first time."
                )
            for t in kept:
                check_written(node, t, "a saved tensor")
            outputs = saved_outputs(node) if any(isinstance(t, int) for t in kept) else ()
            return tuple(outputs[t] if isinstance(t, int) else t for t in kept)

        self.ctx._saved = saved

    def _pullback(self, index: int) -> Callable[..., Tensor | None]:
        return lambda *gradients: self._gradient(index, gradients)

    def _gradient(self, index: int, gradients: tuple[Tensor | None, ...]) -> Any:
        """What ``backward`` gives argument ``index``; on one way back the tape asks once for each argument."""
        written_at = (g.storage.written if g is not None and g.storage is not None else 0 for g in gradients)
        state = (mode.enabled, *written_at)
        last = self.last
        again = last is None or last[1] != state or index in self.asked
        if again or any(g is not h for g, h in zip(last[0], gradients, strict=True)):  # type: ignore[index]
            self.last = last = (gradients, state, self._run(gradients))
            self.asked.clear()
        self.asked.add(index)
        if len(self.asked) == sum(self.ctx.needs_input_grad):
            self.last = None
        return last[2][index]  # type: ignore[index]

    def _run(self, gradients: tuple[Tensor | None, ...]) -> tuple[Any, ...]:
        """``backward`` of these gradients, checked."""
        given: list[Any] = [None] * len(self.like)
        for place, g in zip(self.places, gradients, strict=True):
            given[place] = g
        if self.ctx._materialize:
            for i, like in enumerate(self.like):
                if given[i] is None and like is not None:
                    shape, dtype, device = like
                    given[i] = zeros(shape, dtype=dtype, device=device)
        found = self.cls.backward(self.ctx, *given)
        return self._checked(tuple(found) if isinstance(found, (tuple, list)) else (found,))

    def _checked(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        name, want = f"{self.cls.__name__}Backward", len(self.args)
        if len(found) < want or any(g is not None for g in found[want:]):
            raise GradError(
                f"function {name} returned an incorrect number of gradients (expected {want}, got {len(found)}): one "
                "for each argument of forward after ctx, None for those that need none."
            )
        for i, (g, shape) in enumerate(zip(found[:want], self.args, strict=True)):
            if g is None or shape is None:
                continue
            if not isinstance(g, Tensor):
                raise DTypeError(f"{name} returned a {type(g).__name__} as gradient {i}: expected a Tensor or None.")
            if not _fits(g.array.shape, shape):
                raise ShapeError(
                    f"Function {name} returned an invalid gradient at index {i} - got {list(g.array.shape)} but "
                    f"expected shape compatible with {list(shape)}"
                )
        return found[:want]


def _fits(shape: tuple[int, ...], want: tuple[int, ...]) -> bool:
    """Whether a gradient of ``shape`` can be summed to ``want``."""
    if len(shape) < len(want):
        return False
    return all(w in (1, s) for s, w in zip(shape[len(shape) - len(want) :], want, strict=True))


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """For ``backward``: what it computes is not recorded, and differentiating it again is an error."""

    @functools.wraps(function)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            found = function(ctx, *gradients)
        if not mode.enabled:
            return found
        sources = [g for g in gradients if isinstance(g, Tensor) and g.requires_grad]
        listed = found if isinstance(found, tuple) else (found,)
        ends = tuple(_refusing(g, sources) if isinstance(g, Tensor) else g for g in listed)
        return ends if isinstance(found, tuple) else ends[0]

    return wrapper


def _refusing(g: Tensor, sources: Sequence[Tensor]) -> Tensor:
    def refuse(h: Tensor) -> Tensor:
        raise GradError("trying to differentiate twice a function that was marked with @once_differentiable")

    return titled(record(g.array, *((s, refuse) for s in sources)), "ErrorBackward")
