"""Layers that read sequences: RNN, GRU, LSTM."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.nn import functional as F
from nanograd.nn import init
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.nn.utils.rnn import PackedSequence
from nanograd.ops import recurrent as ops
from nanograd.ops.creation import empty, zeros
from nanograd.ops.joining import cat, stack
from nanograd.ops.op import titled
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

State = tuple[Tensor, ...]
"""(h,) of RNN and GRU, (h, c) of LSTM."""

_LAYERS: dict[str, tuple[int, Callable[..., State]]] = {
    "RNN_TANH": (1, ops.rnn_tanh_layer),
    "RNN_RELU": (1, ops.rnn_relu_layer),
    "GRU": (3, ops.gru_layer),
    "LSTM": (4, ops.lstm_layer),
}
"""By mode: how many gates, and one layer over a sequence."""


class RNNBase(Module):
    """What RNN, GRU and LSTM share: the weights, the layers and directions, the shapes.

    Weights of layer k: ``weight_ih_lk`` (gates · H, in), ``weight_hh_lk`` (gates · H, out), ``bias_ih_lk`` and
    ``bias_hh_lk`` (gates · H,), with ``proj_size`` also ``weight_hr_lk`` (P, H); those of the second direction end in
    ``_reverse``.  All start uniform in ± 1/√H.
    """

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_options(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        for layer in range(num_layers):
            for reverse in range(1 + bool(bidirectional)):
                for name, shape in self._weight_shapes(layer, bool(reverse)).items():
                    setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def _weight_shapes(self, layer: int, reverse: bool) -> dict[str, tuple[int, ...]]:
        rows, out = _LAYERS[self.mode][0] * self.hidden_size, self.proj_size or self.hidden_size
        width = self.input_size if layer == 0 else out * self._directions
        end = f"l{layer}_reverse" if reverse else f"l{layer}"
        shapes: dict[str, tuple[int, ...]] = {f"weight_ih_{end}": (rows, width), f"weight_hh_{end}": (rows, out)}
        if self.bias:
            shapes |= {f"bias_ih_{end}": (rows,), f"bias_hh_{end}": (rows,)}
        if self.proj_size:
            shapes[f"weight_hr_{end}"] = (self.proj_size, self.hidden_size)
        return shapes

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction."""
        places = [(layer, bool(r)) for layer in range(self.num_layers) for r in range(self._directions)]
        return [[getattr(self, name) for name in self._weight_shapes(*place)] for place in places]

    def flatten_parameters(self) -> None:
        """Nothing: it rearranges memory for cuDNN, which is not used here."""

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        defaults = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False,
        }  # fmt: skip
        options = [f"{name}={getattr(self, name)}" for name, usual in defaults.items() if getattr(self, name) != usual]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *options])

    # From whatever shape to packed rows, and back

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(outputs of all steps, state after the last)."""
        if isinstance(input, PackedSequence):
            return self._of_packed(input, hx)
        name, n = type(self).__name__, input.array.ndim if isinstance(input, Tensor) else None
        if n is None:
            raise DTypeError(f"{name}: expected a tensor or a PackedSequence, got {type(input).__name__}.")
        if n not in (2, 3):
            raise ShapeError(
                f"{name}: Expected input to be 2D or 3D, got {n}D tensor instead, of shape {tuple(input.shape)}: "
                f"{self._layout()}, or (time, input_size) for one sequence."
            )
        self._check_input(input, 3)
        state = None if hx is None else self._given_state(hx, n)
        x = input.unsqueeze(1) if n == 2 else input.transpose(0, 1) if self.batch_first else input  # (T, B, I)
        steps, batch = x.array.shape[:2]
        if not steps:
            raise ShapeError(f"{name}: Expected sequence length to be larger than 0 in RNN, got {tuple(input.shape)}.")
        state = self._checked_state(state, x, batch)
        y, last = self._run(x.flatten(0, 1), state, (batch,) * steps)
        y = self._printed_as_torch(y.reshape(steps, batch, y.array.shape[1]))
        if n == 2:
            return y.squeeze(1), self._public(tuple(s.squeeze(1) for s in last))
        if self.batch_first:
            y = titled(y.transpose(0, 1), f"TransposeBackward{int(self.mode != 'LSTM')}")
        return y, self._public(last)

    def _of_packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        data, going, order, back = input
        self._check_input(data, 2)
        sizes: tuple[int, ...] = tuple(going.tolist())
        state = None if hx is None else self._given_state(hx, 3)
        state = self._checked_state(state, data, sizes[0])
        if order is not None and state is not None:
            state = tuple(s.index_select(1, order) for s in state)
        y, last = self._run(data, state, sizes)
        if back is not None:
            last = tuple(s.index_select(1, back) for s in last)
        return PackedSequence(y, going, order, back), self._public(last)

    def _printed_as_torch(self, y: Tensor) -> Tensor:
        """y (T, B, D · H), whose node prints as torch's on the CPU."""
        if self.bidirectional:
            return titled(y, "CatBackward0")
        quick = self.mode == "LSTM" and not self.proj_size and y.array.dtype.itemsize == 4
        return titled(y, "MkldnnRnnLayerBackward0" if quick else "StackBackward0")

    # The layers

    def _run(self, x: Tensor, state: State | None, sizes: tuple[int, ...]) -> tuple[Tensor, State]:
        """All layers and directions over packed rows: (N, I) → (N, D · H), and the state after the last step.

        They begin with zeros without a state.
        """
        after: list[State] = []
        blank = self._blank(x, sizes[0]) if state is None else ()
        for layer in range(self.num_layers):
            outputs = []
            for reverse in range(self._directions):
                first = blank if state is None else tuple(s[layer * self._directions + reverse] for s in state)
                y, *last = self._layer(x, first, sizes, layer, bool(reverse))
                outputs.append(y)
                after.append(tuple(last))
            x = cat(outputs, 1) if self.bidirectional else outputs[0]
            if self.dropout and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training)
        return x, tuple(titled(stack(s), "StackBackward0") for s in zip(*after, strict=True))

    def _layer(self, x: Tensor, state: State, sizes: tuple[int, ...], layer: int, reverse: bool) -> State:
        end = f"l{layer}_reverse" if reverse else f"l{layer}"
        w_ih, w_hh = getattr(self, f"weight_ih_{end}"), getattr(self, f"weight_hh_{end}")
        b_ih = b_hh = None
        if self.bias:
            b_ih, b_hh = getattr(self, f"bias_ih_{end}"), getattr(self, f"bias_hh_{end}")
        run = _LAYERS[self.mode][1]
        if self.mode != "LSTM":
            return run(x, *state, w_ih, w_hh, b_ih, b_hh, sizes, reverse)
        w_hr = getattr(self, f"weight_hr_{end}") if self.proj_size else None
        return run(x, *state, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse)

    # The state

    def _given_state(self, hx: Any, ndim: int) -> State:
        """The state that the user gave, as (layers · D, B, H).  Raises DTypeError, ShapeError."""
        if not isinstance(hx, Tensor):
            raise DTypeError(
                f"{type(self).__name__}: expected the hidden state as one tensor h_0, got {type(hx).__name__}. "
                "Only LSTM takes a pair (h_0, c_0)."
            )
        self._check_dims((hx,), ndim)
        return (hx.unsqueeze(1) if ndim == 2 else hx,)

    def _check_dims(self, state: State, ndim: int) -> None:
        have = [s.array.ndim for s in state]
        if any(n != ndim for n in have):
            kind = "unbatched 2-D" if ndim == 2 else "batched 3-D"
            also = "hx should also be" if len(have) == 1 else "hx and cx should also be"
            dims = f"{have[0]}-D tensor" if len(have) == 1 else f"({have[0]}-D, {have[1]}-D) tensors"
            raise ShapeError(f"{type(self).__name__}: For {kind} input, {also} {ndim}-D but got {dims}")

    def _state_widths(self) -> tuple[int, ...]:
        return (self.hidden_size,)

    def _public(self, state: State) -> Any:
        return state[0]

    def _blank(self, x: Tensor, batch: int) -> State:
        return tuple(zeros(batch, width, dtype=x.dtype, device=x.device) for width in self._state_widths())

    def _checked_state(self, state: State | None, x: Tensor, batch: int) -> State | None:
        """The state given, if there is one.  Raises ShapeError and DTypeError unless it fits."""
        if state is None:
            return None
        count = self.num_layers * self._directions
        shapes = [(count, batch, width) for width in self._state_widths()]
        for i, (s, shape) in enumerate(zip(state, shapes, strict=True)):
            if s.array.shape != shape:
                which = "hidden size" if len(shapes) == 1 else f"hidden[{i}] size"
                raise ShapeError(
                    f"{type(self).__name__}: Expected {which} {shape}, got {list(s.shape)}: (num_layers * "
                    f"num_directions, batch, features), whatever batch_first; the batch is {batch} where the input is "
                    f"{self._layout()}."
                )
            if s.array.dtype != x.array.dtype:
                raise DTypeError(
                    f"{type(self).__name__}: the hidden state is {s.dtype}, the input {x.dtype}: Convert it: "
                    f"hx.to({x.dtype})."
                )
        return state

    def _layout(self) -> str:
        return "(batch, time, input_size)" if self.batch_first else "(time, batch, input_size)"

    def _check_input(self, x: Tensor, ndim: int) -> None:
        weight = getattr(self, "weight_ih_l0")  # noqa: B009 - weights are attributes by name only
        if x.array.dtype != weight.array.dtype:
            remedy = f"Convert input: input.to({weight.dtype}), or convert model: model.to({x.dtype})."
            if not x.is_floating_point():
                remedy = (
                    f"Convert input: input.to({weight.dtype}), or turn numbers of words into vectors: nn.Embedding."
                )
            raise InputDTypeError(f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). {remedy}")
        if ndim == 2 and x.array.ndim != 2:
            raise ShapeError(
                f"{type(self).__name__}: input must have 2 dimensions, got {x.array.ndim}: the data of a "
                f"PackedSequence is (rows, input_size), got {tuple(x.shape)}."
            )
        if x.array.shape[-1] != self.input_size:
            raise ShapeError(
                f"{type(self).__name__}: input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{x.array.shape[-1]}: the input has shape {tuple(x.shape)}."
            )


class InputDTypeError(DTypeError, ValueError):
    """An input whose dtype is not that of the weights; torch raises ValueError."""


class OptionError(DTypeError, ValueError):
    """An option of the wrong type."""


MOST_LAYERS = 1 << 16


def _check_options(
    mode: str, input_size: Any, hidden_size: Any, layers: Any, bias: Any, batch_first: Any, dropout: Any, proj: Any
) -> None:
    """Raises TypeError and ValueError as torch, and warns of dropout where there is nothing to drop."""
    if mode not in _LAYERS:
        raise ValueError(f"Unrecognized RNN mode: {mode}: expected one of {', '.join(_LAYERS)}.")
    if not isinstance(dropout, (int, float)) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise OptionError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed, "
            f"got {dropout!r}"
        )
    for name, value in {"bias": bias, "batch_first": batch_first}.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": layers, "proj_size": proj}
    for name, value in sizes.items():
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0 and name != "proj_size":
            raise ValueError(f"{name} must be greater than zero, got {value}")
    if layers > MOST_LAYERS:
        raise ValueError(f"num_layers must be at most {MOST_LAYERS}, got {layers}")
    if proj < 0:
        raise ValueError(f"proj_size should be a positive integer or zero to disable projections, got {proj}")
    if proj >= hidden_size:
        raise ValueError(f"proj_size has to be smaller than hidden_size, got {proj} and {hidden_size}")
    if dropout > 0 and layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={layers}",
            stacklevel=outside(),
        )


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), step by step: y (T, B, D · H) and the last h (layers · D, B, H).

    Input (T, B, I), (B, T, I) under ``batch_first``, (T, I) for one sequence, or a PackedSequence; h_0 as the last h,
    zeros without.  D is 2 if ``bidirectional``, else 1.  ``nonlinearity="relu"`` for relu.  ``dropout`` applies to the
    outputs of all layers but the last.

    Raises ValueError for another nonlinearity.

    >>> y, h = nn.RNN(3, 5)(torch.zeros(7, 2, 3))
    >>> y.shape, h.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _no_projection(kwargs)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.nonlinearity = nonlinearity


class GRU(RNNBase):
    """h' = (1 - z) n + z h, gated recurrent units step by step: y (T, B, D · H) and the last h (layers · D, B, H).

    r, z = σ(W_i x + b_i + W_h h + b_h), n = tanh(W_in x + b_in + r (W_hn h + b_hn)); weights in the order r, z, n.
    Shapes and options as ``RNN``.

    >>> y, h = nn.GRU(3, 5, num_layers=2, batch_first=True)(torch.zeros(2, 7, 3))
    >>> y.shape, h.shape
    (torch.Size([2, 7, 5]), torch.Size([2, 2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _no_projection(kwargs)
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )


def _no_projection(kwargs: dict[str, Any]) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if kwargs:
        raise TypeError(f"got an unexpected keyword argument {next(iter(kwargs))!r}")


class LSTM(RNNBase):
    """c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'), long short-term memory step by step.

    i, f, g, o = W_ih x + b_ih + W_hh h + b_hh, weights in this order.  Gives y (T, B, D · H) and the last (h, c), each
    (layers · D, B, H); takes (h_0, c_0) likewise.  With ``proj_size`` P, h becomes W_hr h of size P.  Shapes and
    options as ``RNN``.

    Under ``batch_first`` y is (B, T, H): the outputs of the last step are y[:, -1], for y[-1] is the last sequence.

    >>> y, (h, c) = nn.LSTM(3, 5)(torch.zeros(7, 2, 3))
    >>> y.shape, h.shape, c.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 5]), torch.Size([1, 2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device,
            dtype,
        )  # fmt: skip

    def _given_state(self, hx: Any, ndim: int) -> State:
        if not isinstance(hx, (tuple, list)) or len(hx) != 2 or not all(isinstance(s, Tensor) for s in hx):
            given = f"a tensor of shape {tuple(hx.shape)}" if isinstance(hx, Tensor) else type(hx).__name__
            count = f" of {len(hx)}" if isinstance(hx, (tuple, list)) else ""
            raise DTypeError(f"LSTM: lstm expects two hidden states, a pair (h_0, c_0) of tensors, got {given}{count}.")
        self._check_dims(tuple(hx), ndim)
        return tuple(s.unsqueeze(1) if ndim == 2 else s for s in hx)

    def _state_widths(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def _public(self, state: State) -> Any:
        return state
