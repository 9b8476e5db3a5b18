"""Attention and transformers: against formulas, and by what they promise."""

from __future__ import annotations

import copy
import doctest
import importlib
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import nn
from nanograd.autograd import grad, gradcheck, gradgradcheck
from nanograd.errors import DTypeError, ShapeError
from nanograd.testing import assert_close

unhurried = settings(deadline=None, max_examples=40)
rng = np.random.default_rng(8)
causal = nn.Transformer.generate_square_subsequent_mask


def draw(*shape: int) -> Any:
    return torch.tensor(rng.standard_normal(shape))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# One set of heads


def test_attention_is_its_formula() -> None:
    q, k, v = draw(2, 3, 4), draw(2, 5, 4), draw(2, 5, 6)
    scores = q.numpy() @ k.numpy().swapaxes(1, 2)
    assert_close(F.scaled_dot_product_attention(q, k, v).numpy(), softmax(scores / 2) @ v.numpy())
    assert_close(F.scaled_dot_product_attention(q, k, v, scale=3.0).numpy(), softmax(scores * 3) @ v.numpy())
    added = draw(3, 5)
    assert_close(
        F.scaled_dot_product_attention(q, k, v, added).numpy(), softmax(scores / 2 + added.numpy()) @ v.numpy()
    )


@unhurried
@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_key_that_is_hidden_is_as_good_as_absent(queries: int, keys: int, seed: int) -> None:
    allowed = np.random.default_rng(seed).random((queries, keys)) < 0.6
    q, k, v = draw(queries, 4), draw(keys, 4), draw(keys, 3)
    floats = np.where(allowed, 0.0, -np.inf)
    for mask in (allowed, floats):
        y = F.scaled_dot_product_attention(q, k, v, torch.tensor(mask))
        for i in range(queries):
            left = [j for j in range(keys) if allowed[i, j]]
            alone = F.scaled_dot_product_attention(q[i : i + 1], k[left], v[left])[0] if left else y[i] * 0
            assert_close(y[i], alone)


@unhurried
@given(st.integers(1, 5), st.integers(1, 5))
def test_a_causal_query_sees_no_later_key(queries: int, keys: int) -> None:
    q, k, v = (x.requires_grad_() for x in (draw(queries, 4), draw(keys, 4), draw(keys, 3)))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    for i in range(queries):
        for g in grad(y[i].sum(), [k, v], retain_graph=True):
            assert not g.numpy()[i + 1 :].any()
    lower = torch.tensor(np.tril(np.ones((queries, keys), bool)))
    assert_close(y, F.scaled_dot_product_attention(q, k, v, lower))


def test_the_order_of_keys_does_not_matter() -> None:
    q, k, v, order = draw(3, 4), draw(5, 4), draw(5, 4), torch.tensor([3, 1, 4, 0, 2])
    assert_close(F.scaled_dot_product_attention(q, k[order], v[order]), F.scaled_dot_product_attention(q, k, v))


def test_heads_are_shared_as_if_they_were_repeated() -> None:
    q, k, v = draw(2, 6, 3, 4), draw(2, 2, 5, 4), draw(2, 3, 5, 4)
    each = np.arange(6)
    y = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    assert_close(y, F.scaled_dot_product_attention(q, k[:, each // 3], v[:, each // 2]))


@pytest.mark.parametrize("mask", [None, np.array([[True, False, True], [False, False, False]])])
def test_attention_has_first_and_second_gradients(mask: Any) -> None:
    inputs = [x.requires_grad_() for x in (draw(2, 2), draw(3, 2), draw(3, 2))]
    given_mask = None if mask is None else torch.tensor(mask)

    def run(*xs: Any) -> Any:
        return F.scaled_dot_product_attention(*xs, given_mask)

    assert gradcheck(run, inputs)
    assert gradgradcheck(run, inputs)


def test_dropout_drops_weights_and_keeps_their_mean() -> None:
    torch.manual_seed(1)
    q, k, v = torch.zeros(4000, 1, 2), torch.zeros(4000, 5, 2), torch.eye(5).expand(4000, 5, 5)
    w = F.scaled_dot_product_attention(q, k, v, dropout_p=0.25).numpy().ravel()
    assert set(np.round(w, 4)) == {0.0, np.float32(0.2667)}
    assert abs(w.mean() - 0.2) < 0.005
    assert not F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).numpy().any()


# Several heads


def by_hand(layer: Any, q: Any, k: Any, v: Any) -> tuple[Any, Any]:
    """One sequence through multi-head attention, head by head: (L, E), (S, E), (S, E) → (L, E), (heads, L, S)."""
    w = {name: p.numpy() for name, p in layer.state_dict().items()}
    rows = np.split(w["in_proj_weight"], 3)
    q, k, v = (x @ r.T + b for x, r, b in zip((q, k, v), rows, np.split(w["in_proj_bias"], 3), strict=True))
    heads = [np.split(x, layer.num_heads, axis=1) for x in (q, k, v)]
    weights = [softmax(a @ b.T / np.sqrt(layer.head_dim)) for a, b in zip(heads[0], heads[1], strict=True)]
    y = np.hstack([a @ b for a, b in zip(weights, heads[2], strict=True)])
    return y @ w["out_proj.weight"].T + w["out_proj.bias"], np.stack(weights)


def made(kind: Any, *args: Any, **options: Any) -> Any:
    """A layer of doubles whose biases are no zeros."""
    layer = kind(*args, **options, dtype=torch.float64)
    for p in layer.parameters():
        p.data.uniform_(-0.9, 0.9)
    return layer


def test_multihead_attention_is_its_formula_head_by_head() -> None:
    layer = made(nn.MultiheadAttention, 6, 3, batch_first=True)
    q, k, v = draw(2, 3, 6), draw(2, 5, 6), draw(2, 5, 6)
    y, w = layer(q, k, v, average_attn_weights=False)
    _, mean = layer(q, k, v)
    for i in range(2):
        expected, weights = by_hand(layer, q[i].numpy(), k[i].numpy(), v[i].numpy())
        assert_close(y[i].detach().numpy(), expected)
        assert_close(w[i].detach().numpy(), weights)
        assert_close(mean[i].detach().numpy(), weights.mean(0))
        alone, _ = layer(q[i], k[i], v[i])
        assert_close(alone, y[i])
    faster, none = layer(q, k, v, need_weights=False)
    assert none is None
    assert_close(faster, y)


def test_one_projection_of_one_tensor_is_three_of_its_copies() -> None:
    layer, x = made(nn.MultiheadAttention, 4, 2), draw(5, 2, 4).requires_grad_()
    together, apart = layer(x, x, x)[0], layer(x, x.clone(), x.clone())[0]
    assert_close(together, apart)
    wanted, weight = [x, *layer.parameters()], draw(5, 2, 4)
    for a, b in zip(grad((together * weight).sum(), wanted), grad((apart * weight).sum(), wanted), strict=True):
        assert_close(a, b)


@unhurried
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.booleans(), st.booleans(), st.booleans())
def test_padding_that_is_hidden_changes_nothing(lengths: list[int], wanted: bool, floats: bool, extra: bool) -> None:
    """Each sequence of a padded batch is as if it were alone."""
    layer = made(nn.MultiheadAttention, 4, 2, batch_first=True, add_zero_attn=extra, add_bias_kv=extra)
    seqs = [draw(n, 4) for n in lengths]
    x = nn.utils.rnn.pad_sequence(seqs, batch_first=True, padding_value=9.0)
    hidden = np.arange(max(lengths)) >= np.array(lengths)[:, None]
    mask = torch.tensor(np.where(hidden, -np.inf, 0.0) if floats else hidden)
    y, _ = layer(x, x, x, key_padding_mask=mask, need_weights=wanted)
    for row, s in zip(y, seqs, strict=True):
        assert_close(row[: len(s)], layer(s, s, s)[0])


def test_attention_dropout_acts_in_training_only() -> None:
    torch.manual_seed(2)
    layer, x = made(nn.MultiheadAttention, 4, 2, dropout=0.5), draw(5, 2, 4)
    _, w = layer(x, x, x)
    assert (w.detach().numpy() == 0).any()
    layer.eval()
    y, w = layer(x, x, x)
    assert (w.detach().numpy() > 0).all()
    assert_close(layer(x, x, x, need_weights=False)[0], y)


def test_multihead_attention_has_second_gradients() -> None:
    layer, x = made(nn.MultiheadAttention, 2, 1), draw(3, 1, 2).requires_grad_()
    mask = causal(3, dtype=torch.float64)

    def run(x: Any, *weights: Any) -> Any:
        return layer(x, x, x, attn_mask=mask, need_weights=False)[0]

    assert gradcheck(run, [x, *layer.parameters()])
    assert gradgradcheck(run, [x, *layer.parameters()])


# Transformers


def test_an_encoder_layer_is_its_formula() -> None:
    x = draw(5, 4)

    def norm(x: Any, name: str) -> Any:
        away = x - x.mean(1, keepdims=True)
        y = away / np.sqrt((away**2).mean(1, keepdims=True) + 1e-5)
        return y * w[f"{name}.weight"] + w[f"{name}.bias"]

    def forward(x: Any) -> Any:
        y = np.maximum(x @ w["linear1.weight"].T + w["linear1.bias"], 0)
        return y @ w["linear2.weight"].T + w["linear2.bias"]

    def attend(x: Any) -> Any:
        return by_hand(layer.self_attn, x, x, x)[0]

    for norm_first in (False, True):
        layer = made(nn.TransformerEncoderLayer, 4, 2, 7, 0.0, norm_first=norm_first)
        w = {name: p.numpy() for name, p in layer.state_dict().items()}
        a = x.numpy()
        if norm_first:
            a = a + attend(norm(a, "norm1"))
            a = a + forward(norm(a, "norm2"))
        else:
            a = norm(a + attend(a), "norm1")
            a = norm(a + forward(a), "norm2")
        assert_close(layer(x).detach().numpy(), a)


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_causal_encoder_does_not_look_ahead_and_hints_change_nothing(norm_first: bool) -> None:
    layer = made(nn.TransformerEncoderLayer, 4, 2, 7, 0.0, batch_first=True, norm_first=norm_first)
    stack = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    x, mask = draw(2, 5, 4).requires_grad_(), causal(5, dtype=torch.float64)
    y = stack(x, mask)
    for t in range(5):
        (g,) = grad(y[:, t].sum(), x, retain_graph=True)
        assert not g.numpy()[:, t + 1 :].any()
        assert g.numpy()[:, : t + 1].any()
    for same in (stack(x, mask, is_causal=True), stack(x, mask, is_causal=False), stack(x, mask.isinf())):
        assert_close(same, y)


def test_a_mask_that_is_nearly_causal_is_not_taken_for_it() -> None:
    layer = made(nn.TransformerEncoderLayer, 4, 2, 7, 0.0)
    stack, x = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), draw(5, 2, 4)
    mask = causal(5, dtype=torch.float64)
    mask[3, 1] = -np.inf
    assert_close(stack(x, mask), layer(x, mask))
    assert not np.allclose(stack(x, mask).detach(), stack(x, causal(5, dtype=torch.float64)).detach())


def test_a_mask_for_each_head_is_not_taken_for_the_causal_one() -> None:
    layer = made(nn.TransformerEncoderLayer, 4, 2, 7, 0.0)
    stack, x = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), draw(3, 2, 4)
    mask = draw(4, 3, 3)
    assert_close(stack(x, mask), layer(x, mask))
    assert not np.allclose(stack(x, mask).detach(), stack(x, mask * 0).detach())


def test_layers_are_copied_apart_and_functions_are_kept() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, activation=torch.tanh, batch_first=True)
    stack = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    assert len({id(p) for p in stack.parameters()}) == 3 * len(list(layer.parameters()))
    assert all(s.activation is torch.tanh for s in stack.layers)
    twin = copy.deepcopy(stack).eval()
    x = torch.ones(2, 3, 4)
    assert_close(twin(x), stack.eval()(x))


def test_a_transformer_learns_to_copy() -> None:
    torch.manual_seed(0)
    model = nn.Transformer(16, 2, 1, 1, 32, 0.0, batch_first=True)
    table, out = nn.Embedding(6, 16), nn.Linear(16, 6)
    place = nn.Parameter(torch.randn(5, 16) * 0.3)
    parameters = [*model.parameters(), *table.parameters(), *out.parameters(), place]
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    mask = model.generate_square_subsequent_mask(4)
    for _ in range(120):
        words = torch.randint(1, 6, (32, 4))
        start = torch.cat([torch.zeros(32, 1).long(), words[:, :-1]], 1)
        y = out(model(table(words) + place[:4], table(start) + place[:4], tgt_mask=mask))
        loss = F.cross_entropy(y.reshape(-1, 6), words.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2  # guessing costs ln 5 = 1.6


# Mistakes


def heads(*shapes: Any, **options: Any) -> Any:
    return nn.MultiheadAttention(4, 2, batch_first=True)(*(torch.zeros(s) for s in shapes), **options)


MISTAKES = {
    "a mask of 0 and 1": (
        lambda: F.scaled_dot_product_attention(*[torch.ones(3, 4)] * 3, torch.ones(3, 3).long()),
        DTypeError,
        r"For a mask of 0 and 1 use mask.bool\(\)",
    ),
    "heads that differ": (
        lambda: F.scaled_dot_product_attention(torch.ones(4, 3, 2), *[torch.ones(2, 3, 2)] * 2),
        ShapeError,
        "do not broadcast. Use enable_gqa=True",
    ),
    "widths that differ": (
        lambda: F.scaled_dot_product_attention(torch.ones(3, 2), *[torch.ones(3, 5)] * 2),
        ShapeError,
        r"query \(3, 2\) and key \(3, 5\) must have the same last size",
    ),
    "integers": (
        lambda: F.scaled_dot_product_attention(*[torch.ones(3, 2).long()] * 3),
        DTypeError,
        "the same dtype, of floats, but got query.dtype: torch.int64",
    ),
    "a padding mask of 0 and 1": (
        lambda: heads((2, 3, 4), (2, 3, 4), (2, 3, 4), key_padding_mask=torch.zeros(2, 3).long()),
        AssertionError,
        r"only bool and floating types of key_padding_mask .* True hides a position here",
    ),
    "batches that differ": (
        lambda: heads((2, 3, 4), (5, 3, 4), (5, 3, 4)),
        ShapeError,
        "different batch sizes",
    ),
    "words without an embedding": (
        lambda: nn.Transformer(4, 2, 1, 1, 8, batch_first=True)(torch.zeros(2, 3), torch.zeros(2, 3)),
        ShapeError,
        r"equal to d_model \(4\): .* nn.Embedding\(words, d_model\)",
    ),
    "a causal mask of the wrong size": (
        lambda: heads((2, 3, 4), (2, 3, 4), (2, 3, 4), attn_mask=causal(2)),
        ShapeError,
        r"The shape of the 2D attn_mask is torch.Size\(\[2, 2\]\), but should be \(3, 3\)",
    ),
    "a layer called as a function": (lambda: nn.MultiheadAttention(torch.zeros(2, 3, 4), 2), TypeError, "make it once"),
    "half a bias": (
        lambda: F.multi_head_attention_forward(
            *[torch.ones(3, 1, 2)] * 3, 2, 1, torch.ones(6, 2), None, torch.ones(1, 1, 2), None, False, 0.0,
            torch.ones(2, 2), None,
        ),
        AssertionError,
        "bias_k and bias_v must be given together",
    ),
    "no weights": (
        lambda: F.multi_head_attention_forward(
            *[torch.ones(3, 1, 2)] * 3, 2, 1, None, None, None, None, False, 0.0, torch.ones(2, 2), None
        ),
        AssertionError,
        "use_separate_proj_weight is False but in_proj_weight is None",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str) -> None:
    call, kind, match = MISTAKES[name]
    with pytest.raises(kind, match=match):
        call()


def test_keys_given_ready_made_take_the_place_of_projected_ones() -> None:
    layer, x = made(nn.MultiheadAttention, 4, 2), draw(3, 2, 4)
    w, b = layer.in_proj_weight, layer.in_proj_bias
    k, v = (F.linear(x.reshape(6, 4), w[i : i + 4], b[i : i + 4]) for i in (4, 8))
    k, v = (y.reshape(3, 4, 2).transpose(0, 1) for y in (k, v))  # (L, B, E) -> (B · heads, L, E/heads)
    y, _ = F.multi_head_attention_forward(
        x, x * 0, x * 0, 4, 2, w, b, None, None, False, 0.0, layer.out_proj.weight, layer.out_proj.bias,
        static_k=k, static_v=v,
    )  # fmt: skip
    assert_close(y, layer(x, x, x)[0])


@pytest.mark.parametrize("module", ["functional.attention", "attention", "transformer"])
def test_examples_print_what_they_say(module: str) -> None:
    scope = {"torch": torch, "nn": nn, "F": F}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="enable_nested_tensor is True")
        assert not doctest.testmod(importlib.import_module(f"nanograd.nn.{module}"), extraglobs=scope).failed
