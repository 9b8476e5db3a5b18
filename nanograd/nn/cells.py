"""One step of a recurrent layer: RNNCell, GRUCell, LSTMCell."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from nanograd.errors import DTypeError, ShapeError
from nanograd.nn import init
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.ops import recurrent as ops
from nanograd.ops.creation import empty, zeros
from nanograd.tensors import Tensor

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]

State = tuple[Tensor, ...]
"""(h,) of RNN and GRU, (h, c) of LSTM."""


class RNNCellBase(Module):
    """What the cells share: weight_ih (gates · H, I), weight_hh (gates · H, H), bias_ih and bias_hh (gates · H,)."""

    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = _size("input_size", input_size)
        self.hidden_size = _size("hidden_size", hidden_size)
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values, uniform in ± 1/√H."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0.0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        bias = "" if self.bias is True else f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        other = "" if nonlinearity == "tanh" else f", nonlinearity={nonlinearity}"
        return f"{self.input_size}, {self.hidden_size}{bias}{other}"

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _step(self, cell: Callable[..., Any], input: Tensor, state: State | None, names: tuple[str, ...]) -> State:
        """The next state of a batch, or of one input without that dimension; the state starts with zeros."""
        kind = type(self).__name__
        checked = [("input", input), *zip(names, state or (), strict=False)]
        for name, x in checked:
            if not isinstance(x, Tensor):
                raise DTypeError(f"{kind}: expected {name} as a tensor, got {type(x).__name__}.")
            if x.array.ndim not in (1, 2):
                raise ShapeError(
                    f"{kind}: Expected {name} to be 1D or 2D, got {x.array.ndim}D instead, of shape {tuple(x.shape)}. "
                    "A cell takes one step: for x in sequence: h = cell(x, h)."
                )
        if input.array.shape[-1] != self.input_size:
            raise ShapeError(
                f"{kind}: input has inconsistent input_size: got {input.array.shape[-1]} expected {self.input_size}: "
                f"shape {tuple(input.shape)}, expected (batch, {self.input_size})."
            )
        batched = input.array.ndim == 2
        x = input if batched else input.unsqueeze(0)
        if state is None:
            blank = zeros(x.array.shape[0], self.hidden_size, dtype=x.dtype, device=x.device)
            state = (blank,) * len(names)
        elif not batched:
            state = tuple(s.unsqueeze(0) for s in state)
        y = cell(x, state, *self._weights())
        return y if batched else tuple(s.squeeze(0) for s in y)


def _size(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
    if value < 0:
        raise ShapeError(f"{name} must be 0 or more, got {value}")
    return value


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh): x (B, I), h (B, H) → (B, H); or without B.

    ``nonlinearity="relu"`` for relu.  Without h it starts with zeros.

    >>> nn.RNNCell(3, 5)(torch.zeros(2, 3)).shape
    torch.Size([2, 5])
    """

    _cells: ClassVar[dict[str, Callable[..., Tensor]]] = {"tanh": ops.rnn_tanh_cell, "relu": ops.rnn_relu_cell}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next hidden state."""
        cell = self._cells.get(self.nonlinearity)
        if cell is None:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}. Select from 'tanh' or 'relu'.")
        state = None if hx is None else (hx,)
        return self._step(lambda x, s, *w: (cell(x, *s, *w),), input, state, ("hidden",))[0]


class GRUCell(RNNCellBase):
    """h' = (1 - z) n + z h, one step of ``GRU``: x (B, I), h (B, H) → (B, H); or without B.

    >>> nn.GRUCell(3, 5)(torch.zeros(2, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next hidden state."""
        state = None if hx is None else (hx,)
        return self._step(lambda x, s, *w: (ops.gru_cell(x, *s, *w),), input, state, ("hidden",))[0]


class LSTMCell(RNNCellBase):
    """(h', c'), one step of ``LSTM``: x (B, I), h and c (B, H) → two of (B, H); or without B.

    >>> h, c = nn.LSTMCell(3, 5)(torch.zeros(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 5]), torch.Size([2, 5]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The next (h, c)."""
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise DTypeError(f"LSTMCell: expected hx as a pair (h, c) of tensors, got {type(hx).__name__}.")
        state = None if hx is None else tuple(hx)
        h, c = self._step(ops.lstm_cell, input, state, ("hx[0]", "hx[1]"))
        return h, c
