"""``grad`` and ``backward``: from tensors to gradients, over the tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanograd import tape
from nanograd.errors import GradError, MissingError
from nanograd.ops.creation import zeros_like
from nanograd.tensors import Tensor, backward_into, check_current

__all__ = ["backward", "grad"]

Tensors = Tensor | Sequence[Tensor]


def _listed(tensors: Any) -> list[Any]:
    return [tensors] if isinstance(tensors, Tensor) or tensors is None else list(tensors)


def _roots(name: str, outputs: Tensors, grad_outputs: Any) -> list[tuple[tape.Node, int, Any]]:
    ys = _listed(outputs)
    gradients = _listed(grad_outputs) if grad_outputs is not None else [None] * len(ys)
    if len(gradients) != len(ys):
        raise GradError(f"{name}: got {len(ys)} tensors but {len(gradients)} gradients for them.")
    roots = []
    for i, (y, g) in enumerate(zip(ys, gradients, strict=True)):
        if y.node is None:
            raise GradError(f"{name}: element {i} of tensors does not require grad and does not have a grad_fn.")
        roots.append((y.node, y.output_nr, y.root_gradient(g)))
    return roots


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` in ``inputs``; no ``.grad`` changes.

    ``create_graph`` records the way back, for derivatives of derivatives.  Raises GradError for an input that the
    outputs do not depend on, unless ``allow_unused`` (None then) or ``materialize_grads`` (zeros then),
    and for one that does not require grad; ValueError for ``materialize_grads`` without ``allow_unused``, MissingError
    for ``is_grads_batched``.

    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> torch.autograd.grad(x**3, x)
    (tensor(27.),)
    """
    if not only_inputs or is_grads_batched:
        raise MissingError("grad: only_inputs=False and is_grads_batched=True are not supported: call grad once each.")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: expected allow_unused to be True or not passed when materialize_grads=True.")
    wanted = _listed(inputs)
    for i, x in enumerate(wanted):
        if x.node is None:
            raise GradError(f"grad: input {i} does not require grad. Call requires_grad_() on it first.")
        check_current(x, "grad")
    keep = create_graph if retain_graph is None else retain_graph
    places = [(x.node, x.output_nr) for x in wanted]
    found = tape.backward(_roots("grad", outputs, grad_outputs), places, keep, create_graph)
    unused = [i for i, place in enumerate(places) if place not in found]
    if unused and not (allow_unused or materialize_grads):
        raise GradError(
            f"grad: One of the differentiated Tensors appears to not have been used in the graph (input {unused[0]}). "
            "Set allow_unused=True if this is the desired behavior."
        )
    blank = (lambda x: zeros_like(x)) if materialize_grads else (lambda x: None)
    return tuple(found[p] if p in found else blank(x) for p, x in zip(places, wanted, strict=True))


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of ``tensors`` to ``.grad`` of the leaves they came from, or of the ``inputs`` alone.

    ``grad_variables`` is the old name of ``grad_tensors``.
    """
    keep = create_graph if retain_graph is None else retain_graph
    roots = _roots("backward", tensors, grad_variables if grad_tensors is None else grad_tensors)
    if inputs is None:
        tape.backward(roots, None, keep, create_graph)
    else:
        backward_into(inputs, roots, keep, create_graph)
