"""Writes into tensors: what the tape makes of ``x.add_(1)``, also where x is a view.

A recorded write gives x the history of what was written.  Where x is a view, its base gets a history of its own: the
part that x shows comes from what was written, the rest from what the base was before; and x becomes the view of that.
Other views of the base, taken before, still know what the base was then.  The tape sends their gradients to what it
is when they are used (tape.py, ``_routed``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from nanograd import dtypes
from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.kernels import memory
from nanograd.kernels import window as k
from nanograd.kernels.window import Window
from nanograd.ops.op import op, record, retain, save_outputs, storage_of, titled, wrap
from nanograd.storage import Storage, tick
from nanograd.tape import TORCH_NAMES, Node, mode

if TYPE_CHECKING:
    from nanograd.tensors import Tensor


def in_place(x: Tensor, y: Tensor, name: str) -> Tensor:
    """x ← y: the elements are written into x's memory, and x continues with y's history.

    Raises GradError for a leaf that requires grad, ShapeError and DTypeError where y cannot be stored in x.
    """
    if y.array.shape != x.array.shape:
        raise ShapeError(
            f"{name}: the result has shape {tuple(y.array.shape)} and cannot be written into a tensor of shape "
            f"{tuple(x.array.shape)}: an in-place operation cannot change a shape. Use the one without the underscore."
        )
    if y.array.dtype is not x.array.dtype:
        if not dtypes.can_cast(y.dtype, x.dtype):
            raise DTypeError(
                f"{name}: the result has dtype {y.dtype} and cannot be written into a tensor of {x.dtype}. "
                f"Convert first, x = x.to({y.dtype}), or use the operation without the underscore."
            )
        y = y.to(x.dtype)
    check_writable(x, y.node is not None, name)
    if y.node is not None:
        _keep_overwritten(x, y.node, name)
    elif x.node is not None and mode.enabled:
        y = _constant(x, y)
    memory.write(x.array, y.array)
    written(x, y)
    return x


def _constant(x: Tensor, y: Tensor) -> Tensor:
    """y with a history that comes from x and sends nothing back: what x was before is overwritten."""
    shape, dtype, device = x.array.shape, x.dtype, x.device
    return record(y.array, (x, lambda g: wrap(memory.full.on(device)(shape, 0, dtype))))


TORCH_NAMES["_constant"] = "CopyBackwards"


def _keep_overwritten(x: Tensor, node: Node, name: str) -> None:
    """Let the pullbacks of ``node``, which is about to overwrite x, hold a copy of x as it is now."""
    before: Tensor | None = None
    for _, _, pullback in node.edges or ():
        for cell in pullback.__closure__ or ():
            value = cell.cell_contents
            if value is x:
                if before is None:  # recorded: as a user of x before the write, also where x is a view
                    before = record(memory.copy(x.array), (x, lambda g: g))
                cell.cell_contents = before
            elif x.storage is not None and getattr(value, "storage", None) is x.storage:
                raise GradError(
                    f"{name}: the way back needs a tensor of shape {tuple(value.shape)} that shares the memory of the "
                    f"tensor of shape {tuple(x.shape)} that is written. clone() it first, or use the operation without "
                    "the underscore."
                )


def check_writable(x: Tensor, gains_history: bool, name: str) -> None:
    """Refuse a write that the tape could not follow."""
    if not mode.enabled:
        return
    base = x if x.base is None else x.base
    if not (gains_history or x.node is not None or base.node is not None):
        return
    if base.node is not None and base.node.leaf is not None:
        what = "a leaf tensor" if base is x else "a view of a leaf tensor"
        raise GradError(
            f"{name}: {what} of shape {tuple(base.array.shape)} that requires grad cannot be written in place "
            "while operations are recorded. Put the update inside `with torch.no_grad():`."
        )
    if base is not x:
        _check_view(x, base, name)
    if base.node is None and base.storage is not None and base.storage.held_by_more_than(1 if base is x else 2):
        raise GradError(
            f"{name}: the tensor of shape {tuple(base.array.shape)} has no history but has views, which would miss the "
            "gradient of what is written. Take the views after the write."
        )


def _check_view(x: Tensor, base: Tensor, name: str) -> None:
    if x.node is None and base.node is not None:
        raise GradError(
            f"{name}: this view of shape {tuple(x.array.shape)} was taken in no_grad or without grad, and its base of "
            f"shape {tuple(base.array.shape)} has a history. Take the view again where operations are recorded."
        )
    if x.array.dtype != base.array.dtype:
        raise GradError(
            f"{name}: this tensor of {x.dtype} is a view of the bytes of one of {base.dtype}; a recorded write into "
            "it has no derivative. clone() it first."
        )
    if k.overlaps(x.array):
        raise GradError(
            f"{name}: elements of this view of shape {tuple(x.array.shape)} share their memory; a recorded write into "
            "it has no derivative. clone() it first."
        )


def written(x: Tensor, y: Tensor | None = None) -> None:
    """Note that x's memory was just written; while operations are recorded, x continues with y's history."""
    storage = storage_of(x)
    storage.written = tick()
    if y is None or not mode.enabled or y.node is None:
        return
    if x.base is None:
        _continue(x, y)
        _note(storage, x)
        return
    base, window = x.base, k.window_of(x.array, x.base.array)
    _continue(x, y)
    part = wrap(x.array)
    part.node, part.output_nr = x.node, x.output_nr
    _continue(base, copy_slices(base, part, window))
    _note(storage, base)
    # as_strided, a view of what the base is now
    again = record(x.array, (base, lambda g: paste(g, window)))
    _continue(x, titled(again, "AsStridedBackward0"))
    x.node.view_of = storage  # type: ignore[union-attr]


def _note(storage: Storage, whole: Tensor) -> None:
    """From the moment of its node on, the memory has come from there; what was written used it as it was before."""
    node = whole.node
    assert node is not None
    storage.recorded.append((node.seq, ref(node), whole.output_nr))


def _continue(x: Tensor, y: Tensor) -> None:
    """Give x, which was just written, the history of y."""
    node = y.node
    assert node is not None
    node.seq = tick()  # its moment must be later than the write
    node.view_of = None  # y may have been a view of something else; x is written, not a view of it
    if x.node is not None and x.node.retains is not None:
        retained = x.node.retains.pop(x.output_nr, None)
        if retained is not None:
            retain(node, y.output_nr, retained)
    x.node = node
    x.output_nr = y.output_nr
    if node.saved is not None:
        save_outputs(node, (x,))


@op
def copy_slices(x: Tensor, part: Tensor, window: Window) -> Tensor:
    """x, in which ``part`` was written through a view: the window's gradient goes to it, the rest to what x was."""
    return record(x.array, (x, lambda g: blank(g, window)), (part, lambda g: cut(g, window)))


TORCH_NAMES["copy_slices"] = "CopySlices"


@op("AsStrided")
def cut(x: Tensor, window: Window) -> Tensor:
    """The elements of x, shaped as a base, that a view of the base shows."""
    return record(k.cut(x.array, window), (x, lambda g: paste(g, window)))


@op("AsStridedBackward")
def paste(x: Tensor, window: Window) -> Tensor:
    """Zeros shaped as a base, with x where the view looks: the adjoint of ``cut``."""
    return record(k.paste(x.array, window), (x, lambda g: cut(g, window)))


@op("IndexFill")
def blank(x: Tensor, window: Window) -> Tensor:
    """x, shaped as a base, with zeros where the view looks."""
    return record(k.blank(x.array, window), (x, lambda g: blank(g, window)))
