"""Attention as users call it: one set of heads, and the whole multi-head layer."""

from __future__ import annotations

import math
import warnings
from typing import Any

from nanograd.dtypes import DType, bool_
from nanograd.errors import DTypeError, ShapeError
from nanograd.nn.functional.dropout import dropout
from nanograd.nn.functional.padding import pad
from nanograd.ops.attention import attention, attention_scores, attention_weights
from nanograd.ops.creation import zeros_like
from nanograd.ops.joining import cat
from nanograd.ops.linalg import linear
from nanograd.ops.normalization import softmax
from nanograd.ops.op import titled
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


class AttentionError(AssertionError, ShapeError):
    """A shape that multi-head attention cannot take; torch raises AssertionError."""


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """y = softmax(q kᵀ / √E + mask) v: q (…, L, E), k (…, S, E), v (…, S, V) → (…, L, V); leading sizes broadcast.

    ``attn_mask`` (…, L, S): floats are added to the scores, truth values say which keys a query may see (True: it may).
    A query that may see none gets zeros.  ``is_causal`` lets query i see keys 0 … i.  ``scale`` replaces 1/√E,
    ``dropout_p`` drops weights, in evaluation too.  ``enable_gqa`` shares each head (dimension -3) of k and v among
    several of q.

    Raises ShapeError for shapes that do not fit, DTypeError for dtypes that differ or are not floats.

    >>> x = torch.eye(2)
    >>> F.scaled_dot_product_attention(x, x, x, is_causal=True)
    tensor([[1.0000, 0.0000],
            [0.3302, 0.6698]])
    """
    _check_attention(query, key, value, attn_mask)
    if attn_mask is not None and is_causal:
        raise ShapeError(
            "scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True: give one of them."
        )
    if not 0.0 <= dropout_p <= 1.0:
        raise ShapeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if enable_gqa:
        key, value = _shared_heads(query, key), _shared_heads(query, value)
    if scale is None:
        scale = 1 / math.sqrt(max(query.array.shape[-1], 1))
    _check_scores(query, key, value, attn_mask)
    if dropout_p:
        return dropout(attention_weights(query, key, attn_mask, is_causal, scale), dropout_p) @ value
    y = attention(query, key, value, attn_mask, is_causal, scale)
    return titled(y, _node(query, key, value, attn_mask))


def _check_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> None:
    given = {"query": q, "key": k, "value": v} | ({} if mask is None else {"attn_mask": mask})
    for name, x in given.items():
        if not isinstance(x, Tensor):
            raise DTypeError(
                f"scaled_dot_product_attention: expected {name} as a tensor, got {type(x).__name__}: "
                f"argument '{name}' must be Tensor."
            )
    if min(x.array.ndim for x in (q, k, v)) < 2:
        raise ShapeError(
            "scaled_dot_product_attention: Expected query, key, and value to all be at least 2 dimensional, but got "
            f"shapes {tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}: (…, length, features)."
        )
    if q.dtype is not k.dtype or q.dtype is not v.dtype or not q.is_floating_point():
        raise DTypeError(
            "scaled_dot_product_attention: Expected query, key, and value to have the same dtype, of floats, but got "
            f"query.dtype: {q.dtype} key.dtype: {k.dtype} and value.dtype: {v.dtype}."
        )
    if mask is not None and mask.dtype not in (bool_, q.dtype):
        raise DTypeError(
            "scaled_dot_product_attention: Expected attn_mask dtype to be bool or to match query dtype, but got "
            f"attn_mask.dtype: {mask.dtype} and query.dtype: {q.dtype}. For a mask of 0 and 1 use mask.bool()."
        )


def _check_scores(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> None:
    p, s, t = q.array.shape, k.array.shape, v.array.shape
    if p[-1] != s[-1] or s[-2] != t[-2]:
        raise ShapeError(
            f"scaled_dot_product_attention: query {tuple(p)} and key {tuple(s)} must have the same last size, key and "
            f"value {tuple(t)} the same number of positions (second to last)."
        )
    leading = _broadcast(p[:-2], s[:-2], t[:-2])
    if leading is None:
        raise ShapeError(
            f"scaled_dot_product_attention: the leading sizes of query {tuple(p)}, key {tuple(s)} and value {tuple(t)} "
            "do not broadcast. Use enable_gqa=True where several query heads share one head of key and value."
        )
    scores = (*leading, p[-2], s[-2])
    if mask is not None and _broadcast(mask.array.shape, scores) != scores:
        raise ShapeError(
            f"scaled_dot_product_attention: attn_mask of shape {tuple(mask.shape)} does not broadcast to the scores "
            f"{scores}: (…, positions of query, positions of key)."
        )


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape to which all stretch, or None."""
    ndim = max(map(len, shapes))
    aligned = [(1,) * (ndim - len(p)) + p for p in shapes]
    columns = [{s for s in column if s != 1} for column in zip(*aligned, strict=True)]
    if any(len(column) > 1 for column in columns):
        return None
    return tuple(column.pop() if column else 1 for column in columns)


def _node(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> str:
    """The name of torch's node on the CPU, where it fuses attention over heads of one size."""
    p, s = q.array.shape, k.array.shape
    flash = len(p) == 4 and p[:2] == s[:2] and v.array.shape == s and (mask is None or mask.node is None)
    return "ScaledDotProductFlashAttentionForCpuBackward0" if flash else "UnsafeViewBackward0"


def _shared_heads(q: Tensor, x: Tensor) -> Tensor:
    """x (…, heads, S, E) with each head repeated, for as many heads as q has."""
    if q.array.ndim < 3 or x.array.ndim < 3:
        raise IndexError(
            f"scaled_dot_product_attention: enable_gqa needs heads in dimension -3, got shapes {tuple(q.shape)} and "
            f"{tuple(x.shape)}: Dimension out of range."
        )
    heads, have = q.array.shape[-3], x.array.shape[-3]
    if not have or heads % have:
        raise ShapeError(
            "scaled_dot_product_attention: Number of heads in key and value must divide the number of heads in query: "
            f"got {have} and {heads}."
        )
    repeats = (*x.array.shape[:-2], heads // have, *x.array.shape[-2:])  # (…, have, 1, S, E) -> (…, have, times, S, E)
    return x.unsqueeze(-3).expand(repeats).flatten(-4, -3)


# Several heads


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """y = W_out [head₁ … headₙ], headᵢ = attention(W_qi q, W_ki k, W_vi v); and the weights, if needed.

    Shapes: query (L, B, E) or (L, E), key and value (S, B, ·) or (S, ·); masks as for ``nn.MultiheadAttention``, which
    calls this.  Returns y (L, B, E) and the weights (B, L, S), or (B, heads, L, S) without ``average_attn_weights``.
    """
    batched = _check_heads(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, width = query.array.shape
    _check_widths(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal and attn_mask is None:
        raise ShapeError(
            "multi_head_attention_forward: Need attn_mask if specifying the is_causal hint. You may use the "
            "Transformer module method `generate_square_subsequent_mask` to create this mask."
        )
    padding = additive_mask(key_padding_mask, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
    is_causal = is_causal and padding is None and not need_weights
    mask = None if is_causal else additive_mask(attn_mask, "attn_mask", query.dtype)
    _check_mask(mask, (length, key.array.shape[0]), batch * num_heads)

    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _projected(query, key, value, in_proj_weight, separate, in_proj_bias)
    extra = 0  # positions added after the keys that were given: no mask hides them
    if (bias_k is None) is not (bias_v is None):
        raise AttentionError("bias_k and bias_v must be given together: one of them is set but the other is None")
    if bias_k is not None and bias_v is not None:
        k, v = cat([k, bias_k.expand(1, batch, width)]), cat([v, bias_v.expand(1, batch, width)])
        extra += 1
    q, k, v = (_split_heads(x, num_heads) for x in (q, k, v))
    k = k if static_k is None else _fixed(static_k, "static_k", batch, num_heads, width)
    v = v if static_v is None else _fixed(static_v, "static_v", batch, num_heads, width)
    if add_zero_attn:
        k, v = (cat([x, zeros_like(x[:, :, :1])], 2) for x in (k, v))
        extra += 1
    mask = _merged(mask, padding, extra, batch, num_heads, k.array.shape[2])

    dropout_p = dropout_p if training else 0.0
    if not need_weights:
        y = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
        return _joined_heads(y, out_proj_weight, out_proj_bias, batched), None
    w = softmax(attention_scores(q, k, mask, False, math.sqrt(1 / q.array.shape[-1])), -1)
    w = dropout(w, dropout_p) if dropout_p else w
    y = _joined_heads(w @ v, out_proj_weight, out_proj_bias, batched)
    w = w.mean(1) if average_attn_weights else w
    return y, w if batched else w.squeeze(0)


def additive_mask(
    mask: Tensor | None, name: str, dtype: DType, other: Tensor | None = None, other_name: str = ""
) -> Tensor | None:
    """A mask of truth values as 0 where False and -∞ where True (hidden); one of floats as it is.

    Raises DTypeError for other dtypes, and warns where ``other`` is a mask of another dtype.
    """
    if mask is None:
        return None
    if mask.dtype is not bool_ and not mask.is_floating_point():
        raise MaskError(
            f"only bool and floating types of {name} are supported, got {mask.dtype}. For a mask of 0 and 1 use "
            "mask.bool(): True hides a position here."
        )
    if other is not None and other.dtype is not mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=outside(),
        )
    if mask.is_floating_point():
        return mask
    return zeros_like(mask, dtype=dtype).masked_fill(mask, -math.inf)


class MaskError(AssertionError, DTypeError):
    """A mask of a dtype that multi-head attention cannot take; torch raises AssertionError."""


def _check_heads(q: Tensor, k: Tensor, v: Tensor, padding: Tensor | None, mask: Tensor | None, heads: int) -> bool:
    """Whether there is a batch dimension.  Raises AttentionError for numbers of dimensions that do not fit."""
    n = q.array.ndim
    if n not in (2, 3):
        raise AttentionError(
            f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor of shape "
            f"{tuple(q.shape)}."
        )
    kind = "batched (3-D)" if n == 3 else "unbatched (2-D)"
    if k.array.ndim != n or v.array.ndim != n:
        raise AttentionError(
            f"For {kind} `query`, expected `key` and `value` to be {n}-D but found {k.array.ndim}-D and "
            f"{v.array.ndim}-D tensors respectively"
        )
    if padding is not None and padding.array.ndim != n - 1:
        raise AttentionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {n - 1}-D but found "
            f"{padding.array.ndim}-D tensor instead"
        )
    if mask is not None and mask.array.ndim not in (2, 3):
        raise AttentionError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {mask.array.ndim}-D tensor "
            "instead"
        )
    if n == 2 and mask is not None and mask.array.ndim == 3:
        expected = (heads, q.array.shape[0], k.array.shape[0])
        if mask.array.shape != expected:
            raise AttentionError(f"Expected `attn_mask` shape to be {expected} but got {mask.shape}")
    return bool(n == 3)


def _check_widths(q: Tensor, k: Tensor, v: Tensor, embed_dim: int, heads: int, separate: bool) -> None:
    width = q.array.shape[-1]
    if width != embed_dim:
        raise AttentionError(
            f"was expecting embedding dimension of {embed_dim}, but got {width}: query has shape {tuple(q.shape)}"
        )
    if width % heads:
        raise AttentionError(f"embed_dim {width} not divisible by num_heads {heads}")
    if separate and k.array.shape[:2] != v.array.shape[:2]:
        raise AttentionError(
            f"key's sequence and batch dims {tuple(k.shape[:2])} do not match value's {tuple(v.shape[:2])}"
        )
    if not separate and k.array.shape != v.array.shape:
        raise AttentionError(f"key shape {k.shape} does not match value shape {v.shape}")
    if k.array.shape[1] != q.array.shape[1]:
        raise ShapeError(
            f"multi_head_attention_forward: query of shape {tuple(q.shape)} and key of shape {tuple(k.shape)} have "
            "different batch sizes (dimension 1; dimension 0 of MultiheadAttention under batch_first=True)."
        )


def _check_mask(mask: Tensor | None, size: tuple[int, int], maps: int) -> None:
    if mask is None:
        return
    expected = size if mask.array.ndim == 2 else (maps, *size)
    if mask.array.shape != expected:
        raise ShapeError(
            f"The shape of the {mask.array.ndim}D attn_mask is {mask.shape}, but should be {expected}: "
            f"{'' if mask.array.ndim == 2 else 'batch * num_heads, '}positions of query, positions of key."
        )


def _projected(
    q: Tensor, k: Tensor, v: Tensor, packed: Tensor | None, separate: Any, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """q, k and v, each multiplied by its weight; one product where they are the same tensor."""
    if separate is None and packed is None:
        raise AttentionError("use_separate_proj_weight is False but in_proj_weight is None")
    for name, w in zip("qkv", separate or (), strict=False):
        if w is None:
            raise AttentionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
    if packed is not None and separate is None and q is k and k is v:
        a, b, c = project(q, packed, bias).chunk(3, -1)
        return a, b, c
    weights = separate if separate is not None else packed.chunk(3)  # type: ignore[union-attr]
    biases = (None, None, None) if bias is None else bias.chunk(3)
    a, b, c = (project(x, w, s) for x, w, s in zip((q, k, v), weights, biases, strict=True))
    return a, b, c


def project(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x Wᵀ + b over all positions in one matrix product: (L, B, in) → (L, B, out)."""
    length, batch = x.array.shape[:2]
    return linear(x.flatten(0, 1), weight, bias).reshape(length, batch, weight.array.shape[0])


def _split_heads(x: Tensor, heads: int) -> Tensor:
    """(L, B, E) -> (B, heads, L, E/heads)"""
    length, batch, width = x.array.shape
    return x.reshape(length, batch, heads, width // heads).permute(1, 2, 0, 3)


def _fixed(x: Tensor, name: str, batch: int, heads: int, width: int) -> Tensor:
    """(B · heads, S, E/heads) -> (B, heads, S, E/heads)"""
    if x.array.ndim != 3 or x.array.shape[0] != batch * heads or x.array.shape[2] != width // heads:
        raise AttentionError(
            f"expecting {name} of shape ({batch * heads}, positions, {width // heads}), but got {tuple(x.shape)}"
        )
    return x.reshape(batch, heads, *x.array.shape[1:])


def _merged(
    mask: Tensor | None, padding: Tensor | None, extra: int, batch: int, heads: int, keys: int
) -> Tensor | None:
    """Both masks as one that broadcasts to the scores (B, heads, L, S); the ``extra`` last keys are never hidden."""
    if mask is not None:
        mask = mask if mask.array.ndim == 2 else mask.reshape(batch, heads, *mask.array.shape[1:])
        mask = pad(mask, (0, extra)) if extra else mask
    if padding is None:
        return mask
    padding = pad(padding, (0, extra)) if extra else padding
    for d, expected in enumerate((batch, keys)):
        if padding.array.shape[d] != expected:
            raise AttentionError(
                f"Expected key_padded_mask.shape[{d}] to be {expected}, but got {padding.array.shape[d]}: "
                "key_padding_mask has shape (batch, positions of key)"
            )
    padding = padding.reshape(batch, 1, 1, keys)
    return padding if mask is None else mask + padding


def _joined_heads(y: Tensor, weight: Tensor, bias: Tensor | None, batched: bool) -> Tensor:
    """(B, heads, L, E/heads) -> (L, B, E), multiplied by the last weight."""
    batch, heads, length, size = y.array.shape
    y = linear(y.permute(2, 0, 1, 3).reshape(length * batch, heads * size), weight, bias)
    y = y.reshape(length, batch, weight.array.shape[0])
    return y if batched else y.squeeze(1)
