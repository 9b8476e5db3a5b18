"""Multi-head attention as a layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from nanograd.nn import functional as F
from nanograd.nn import init
from nanograd.nn.functional.attention import AttentionError
from nanograd.nn.linear import Linear
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.ops.creation import empty
from nanograd.tensors import Tensor

__all__ = ["MultiheadAttention", "SDPBackend", "sdpa_kernel"]


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear, under the name by which torch prints the last layer of its attention."""


class MultiheadAttention(Module):
    """y = W_out [head₁ … headₙ], headᵢ = softmax(W_qi q (W_ki k)ᵀ / √d) W_vi v with d = E / heads; and the weights.

    query (L, B, E), key (S, B, kdim), value (S, B, vdim) → y (L, B, E) and the weights (B, L, S), the mean over heads;
    (B, L, E) and so on under ``batch_first``; without B for one sequence.  ``average_attn_weights=False`` gives
    (B, heads, L, S), ``need_weights=False`` None in their place, which is faster.

    ``key_padding_mask`` (B, S) hides keys, ``attn_mask`` (L, S) or (B · heads, L, S) hides keys from queries: where
    True, or by adding a float; ``scaled_dot_product_attention`` takes truth values the other way round.  ``is_causal``
    is a hint that ``attn_mask`` is the causal mask.

    Starts with Xavier-uniform projections and zero biases.  State: ``in_proj_weight`` (3E, E), or ``q_proj_weight``,
    ``k_proj_weight`` and ``v_proj_weight`` where kdim or vdim differ; ``in_proj_bias`` (3E,); ``out_proj``; ``bias_k``
    and ``bias_v`` (1, 1, E) with ``add_bias_kv``.

    >>> x = torch.zeros(7, 2, 8)
    >>> y, w = nn.MultiheadAttention(8, num_heads=4)(x, x, x)
    >>> y.shape, w.shape
    (torch.Size([7, 2, 8]), torch.Size([2, 7, 7]))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} "
                "instead"
            )
        if embed_dim % num_heads:
            raise AttentionError(f"embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}")
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn
        made = {"device": device, "dtype": dtype}
        shapes = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        for name, width in shapes.items():
            separate = None if self._qkv_same_embed_dim else Parameter(empty(embed_dim, width, **made))
            self.register_parameter(name, separate)
        packed = Parameter(empty(3 * embed_dim, embed_dim, **made)) if self._qkv_same_embed_dim else None
        self.register_parameter("in_proj_weight", packed)
        self.register_parameter("in_proj_bias", Parameter(empty(3 * embed_dim, **made)) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **made)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, Parameter(empty(1, 1, embed_dim, **made)) if add_bias_kv else None)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw new initial values."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None and self.out_proj.bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """(y, weights or None)."""
        turned = self.batch_first and query.dim() == 3 and key.dim() == value.dim() == 3
        if turned:
            query, key, value = _turned(query, key, value)
        y, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias,
            self.bias_k, self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias,
            self.training, key_padding_mask, need_weights, attn_mask, not self._qkv_same_embed_dim,
            self.q_proj_weight, self.k_proj_weight, self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return y.transpose(0, 1) if turned else y, weights


def _turned(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, L, E) -> (L, B, E); what was one tensor stays one, so that it is projected by one product."""
    turned = {id(x): x.transpose(0, 1) for x in (q, k, v)}
    return turned[id(q)], turned[id(k)], turned[id(v)]


class SDPBackend(Enum):
    """torch's ways to compute attention; here there is one."""

    ERROR, MATH, FLASH_ATTENTION, EFFICIENT_ATTENTION, CUDNN_ATTENTION, OVERRIDEABLE = -1, 0, 1, 2, 3, 4


@contextmanager
def sdpa_kernel(backends: SDPBackend | Iterable[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """A context that changes nothing: attention is computed in one way.  Raises TypeError for what is no backend."""
    several = isinstance(backends, Iterable) and not isinstance(backends, str)
    for backend in backends if several else [backends]:  # type: ignore[union-attr]
        if not isinstance(backend, SDPBackend):
            raise TypeError(f"sdpa_kernel: expected members of SDPBackend, got {backend!r:.60}.")
    yield
