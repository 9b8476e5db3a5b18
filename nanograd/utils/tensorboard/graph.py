"""The graph of a model, as TensorBoard draws it: its operations on one input, and which made the input of which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanograd.nn.module import Module
from nanograd.tape import Node
from nanograd.tensors import Tensor
from nanograd.utils.tensorboard.records import message, text, varint

__all__ = ["graph"]


def graph(model: Module, inputs: Sequence[Tensor]) -> bytes:
    """A GraphDef of the operations that ``model(*inputs)`` records.  Raises TypeError where its result is no tensor."""
    leaves = [x.detach().requires_grad_() if x.is_floating_point() else x for x in inputs]
    result = model(*leaves)
    outputs = [y for y in (result if isinstance(result, (tuple, list)) else [result]) if isinstance(y, Tensor)]
    if not outputs:
        raise TypeError(f"add_graph: expected a model that returns tensors, got {type(result).__name__}.")
    names = {p.node: f"parameters/{name}" for name, p in model.named_parameters() if p.node is not None}
    names |= {x.node: f"input_{i}" for i, x in enumerate(leaves) if x.node is not None}
    nodes = _reachable([y.node for y in outputs if y.node is not None])
    for i, node in enumerate(nodes):
        names.setdefault(node, f"{type(model).__name__}/{node.name().removesuffix('0').removesuffix('Backward')}_{i}")
    body = [_node(names, node) for node in nodes]
    return b"".join((*body, message(4, varint(1, 22))))  # versions.producer


def _reachable(roots: Sequence[Node]) -> list[Node]:
    """The nodes behind ``roots``, oldest first."""
    found = dict.fromkeys(roots)
    for node in list(found):
        todo = [node]
        while todo:
            for parent, _, _ in todo.pop().edges or ():
                if parent not in found:
                    found[parent] = None
                    todo.append(parent)
    return sorted(found, key=lambda node: node.seq)


def _node(names: dict[Any, str], node: Node) -> bytes:
    inputs = (text(3, names[parent]) for parent, _, _ in node.edges or ())
    sizes = (message(2, varint(1, n)) for n in node.shape)
    attribute = message(5, text(1, "_output_shapes"), message(2, message(1, message(7, *sizes))))
    op = "Parameter" if node.leaf is not None else node.name()
    return message(1, text(1, names[node]), text(2, op), *inputs, attribute)
