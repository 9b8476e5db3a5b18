"""``summary``: the layers of a model, what each gives for one input, and how many parameters it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nanograd.nn.module import Module
from nanograd.nn.parameter import UninitializedParameter
from nanograd.ops.creation import zeros
from nanograd.tape import no_grad
from nanograd.tensors import RemovableHandle, Tensor

__all__ = ["Row", "Summary", "summary"]


@dataclass
class Row:
    """One module: its path and class, how deep it lies, the shape it gave last, its own parameters, its calls."""

    path: str
    kind: str
    depth: int
    output: str = ""
    parameters: int = 0
    calls: int = 0


class Summary:
    """A table of a model: ``print`` shows it; ``rows``, ``parameters``, ``trainable``, ``bytes`` are its numbers."""

    def __init__(self, rows: list[Row], parameters: int, trainable: int, size: int) -> None:
        self.rows, self.parameters, self.trainable, self.bytes = rows, parameters, trainable, size

    def __repr__(self) -> str:
        table = [("layer", "output", "parameters")]
        for row in self.rows:
            name = row.path.rpartition(".")[2]
            title = "  " * row.depth + (f"{row.kind} ({name})" if name else row.kind)
            table.append((title, row.output, f"{row.parameters:,}" if row.parameters else "-"))
        widths = [max(len(line[i]) for line in table) for i in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in table]
        rule = "-" * max(map(len, lines))
        frozen = self.parameters - self.trainable
        total = f"{self.parameters:,} parameters ({_bytes(self.bytes)})"
        total += f", {frozen:,} of them frozen" if frozen else ""
        return "\n".join([lines[0], rule, *lines[1:], rule, total])

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(repr(self))}</pre>"


def summary(model: Module, input: Any = None) -> Summary:
    """The layers of ``model`` as a table; with an input, the shape that each gives.

    ``input`` is a tensor, a list of the tensors that the model takes, or a shape (with the batch).  The model runs
    once, in evaluation mode and unrecorded, and is left as it was.  A parameter that several modules share counts once.

    Raises TypeError for what is no Module.

    >>> print(summary(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), torch.zeros(5, 3)))
    layer         output  parameters
    --------------------------------
    Sequential    (5, 4)           -
      Linear (0)  (5, 4)          16
      ReLU (1)    (5, 4)           -
    --------------------------------
    16 parameters (64 bytes)
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: expected a Module, got {type(model).__name__}.")
    rows = {m: Row(path, type(m).__name__, path.count(".") + bool(path)) for path, m in model.named_modules()}
    if input is not None:
        _run(model, _inputs(input), rows)
    counted: set[int] = set()
    trainable = size = 0
    for module, row in rows.items():
        row.kind = type(module).__name__  # a lazy module has become a plain one
        for p in module._parameters.values():
            if p is None or id(p) in counted or isinstance(p, UninitializedParameter):
                continue
            counted.add(id(p))
            row.parameters += p.numel()
            trainable += p.numel() if p.requires_grad else 0
            size += p.numel() * p.element_size()
    return Summary(list(rows.values()), sum(row.parameters for row in rows.values()), trainable, size)


def _inputs(given: Any) -> list[Tensor]:
    if isinstance(given, Tensor):
        return [given]
    listed = list(given)
    if listed and all(isinstance(n, int) for n in listed):
        return [zeros(listed)]
    if not all(isinstance(x, Tensor) for x in listed):
        raise TypeError(f"summary: expected a tensor, a list of tensors or a shape, got {given!r:.60}.")
    return listed


def _run(model: Module, inputs: list[Tensor], rows: dict[Module, Row]) -> None:
    """Note what every module gives for the inputs."""

    def note(module: Module, args: Any, output: Any) -> None:
        rows[module].output = _shapes(output)
        rows[module].calls += 1

    modes = {module: module.training for module in rows}
    handles: list[RemovableHandle] = [module.register_forward_hook(note) for module in rows]
    try:
        with no_grad():
            model.eval()(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training


def _shapes(output: Any) -> str:
    """The shapes in an output, in its own order."""
    if isinstance(output, Tensor):
        return str(tuple(output.shape))
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, (tuple, list)):
        return ", ".join(filter(None, map(_shapes, output)))
    return ""


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
