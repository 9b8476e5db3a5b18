"""The frame: recording, the way back, ownership, several outputs, writes, switches, hooks."""

import gc
import threading
import weakref

import numpy as np
import pytest

import nanograd as torch
from nanograd import autograd
from nanograd.errors import GradError
from nanograd.ops.op import OPS, op, record, records


def leaf(*shape, seed=0, dtype=np.float64):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(dtype)).requires_grad_()


def test_a_product_and_a_sum_give_the_textbook_gradients():
    a, b = leaf(2, 3), leaf(3, seed=1)
    (a * b).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), np.broadcast_to(b.detach().numpy(), (2, 3)))
    np.testing.assert_allclose(b.grad.numpy(), a.detach().numpy().sum(0))


def test_mixed_dtypes_promote_forward_and_return_to_the_leaf_dtype():
    a, b = leaf(3, dtype=np.float32), leaf(3, seed=1)
    y = a * b
    assert y.dtype is torch.float64
    y.sum().backward()
    assert a.grad.dtype is torch.float32
    assert b.grad.dtype is torch.float64
    np.testing.assert_allclose(a.grad.numpy(), b.detach().numpy().astype(np.float32))


def test_an_integer_operand_takes_part_without_a_gradient():
    a, n = leaf(3), torch.tensor([1, 2, 3])
    (a * n).sum().backward()
    assert a.grad.tolist() == [1.0, 2.0, 3.0]
    assert n.grad is None


def test_a_value_used_twice_gets_both_gradients():
    x = leaf(5)
    y = x * x + x
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.detach().numpy() + 1)


def test_backward_twice_adds_to_grad_in_place():
    x = leaf(3)
    (2 * x).sum().backward()
    first = x.grad
    (2 * x).sum().backward()
    assert x.grad is first
    assert x.grad.tolist() == [4.0, 4.0, 4.0]


def test_gradients_are_owned():
    a, b = leaf(3), leaf(3, seed=1)
    upstream = torch.ones(3, dtype=torch.float64)
    (a + b).backward(upstream)
    assert a.grad is not b.grad
    arrays = [a.grad.numpy(), b.grad.numpy(), upstream.numpy()]
    for i, x in enumerate(arrays):
        assert x.flags.writeable
        assert x.flags.c_contiguous
        for y in arrays[i + 1 :]:
            assert not np.shares_memory(x, y)
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0, 1.0]


def shared(a, b, c, calls):
    """y = a + 2 b + 3 c, the three gradients by one pullback."""

    def back(g):
        calls.append(1)
        return g, 2 * g, 3 * g

    return record(a.array + 2 * b.array + 3 * c.array, (a, back), (b, back), (c, back))


def test_edges_that_share_a_pullback_get_a_gradient_each_of_one_call():
    calls, (a, b, c) = [], (leaf(3, seed=i) for i in range(3))
    (shared(a, b, c, calls) * 10).sum().backward()
    assert [x.grad.tolist() for x in (a, b, c)] == [[10.0] * 3, [20.0] * 3, [30.0] * 3]
    assert len(calls) == 1
    assert not np.shares_memory(a.grad.numpy(), b.grad.numpy())


def test_edges_that_share_a_pullback_are_counted_where_some_are_not_wanted():
    calls, (a, b, c) = [], (leaf(3, seed=i) for i in range(3))
    for wanted, factors in ((b, [2]), (c, [3]), ((a, c), [1, 3])):
        found = autograd.grad(shared(a, b, c, calls).sum(), wanted)
        assert [g.tolist() for g in found] == [[float(f)] * 3 for f in factors]
    found = autograd.grad(shared(a, a, b, calls).sum(), a)
    assert found[0].tolist() == [3.0] * 3


def test_a_gradient_is_added_to_in_place_where_nobody_can_tell():
    x = leaf(3)
    (2 * x).sum().backward()
    first = x.grad
    used = x.grad * torch.ones(3, dtype=torch.float64, requires_grad=True)
    (3 * x).sum().backward()
    assert x.grad is first
    assert first.tolist() == [5.0] * 3
    with pytest.raises(GradError, match="written in place since"):
        used.sum().backward()  # it captured the gradient as it was
    x.grad = torch.ones(3, dtype=torch.float64) * first.detach().clone().requires_grad_()
    (4 * x).sum().backward()
    assert x.grad.tolist() == [9.0] * 3


def test_the_gradient_of_a_sum_is_dense_memory():
    x = leaf(2, 3)
    x.sum().backward()
    assert x.grad.stride() == (3, 1)
    assert x.grad.numpy().flags.writeable


def test_the_fourth_derivative_of_a_power():
    x = torch.tensor(1.7, dtype=torch.float64, requires_grad=True)
    y = x**6
    for _ in range(4):
        (y,) = autograd.grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(6 * 5 * 4 * 3 * 1.7**2)


def test_two_outputs_and_a_missing_gradient():
    x = leaf(4, 3)
    values, indices = x.max(1)
    assert indices.dtype is torch.int64
    assert not indices.requires_grad
    values.sum().backward()
    expected = np.zeros((4, 3))
    expected[np.arange(4), x.detach().numpy().argmax(1)] = 1
    np.testing.assert_array_equal(x.grad.numpy(), expected)
    assert autograd.gradgradcheck(lambda t: t.max(1)[0] ** 3, x)


def test_an_operation_with_two_outputs_gets_none_for_the_one_not_used():
    seen = []

    def halves(x):
        return records((x.array[:2] * 1, x.array[2:] * 1), (x, lambda g1, g2: seen.append((g1, g2)) or x.detach() * 0))

    x = leaf(4)
    first, _ = halves(x)
    first.sum().backward()
    assert seen[0][0].tolist() == [1.0, 1.0]
    assert seen[0][1] is None


def test_getitem_reads_a_view_and_returns_its_gradient_to_the_place():
    x = leaf(3, 5)
    y = x[1, ::2]
    assert np.shares_memory(y.detach().numpy(), x.detach().numpy())
    y.backward(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    assert x.grad.tolist() == [[0] * 5, [1, 0, 2, 0, 3], [0] * 5]


def test_relu_in_place_gives_the_gradient_of_relu():
    x = leaf(7)
    y = x * 2
    assert y.relu_() is y
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2.0 * (x.detach().numpy() > 0))


def test_a_tensor_written_after_it_was_captured_is_refused_by_name():
    a, b = leaf(3), leaf(3, seed=1)
    c = b * 1
    y = a * c
    c.add_(1.0)
    with pytest.raises(GradError, match=r"MulBackward0 needs 'b' of shape \(3,\).*written in place since"):
        y.sum().backward()
    assert a.grad is None
    assert b.grad is None


def test_an_output_written_after_its_operation_is_refused():
    x = leaf(3)
    y = x.exp()
    y.mul_(2.0)
    with pytest.raises(GradError, match=r"ExpBackward0 needs 'its output'"):
        y.sum().backward()


def test_a_write_before_the_capture_is_fine():
    a, b = leaf(3), leaf(3, seed=1)
    c = b * 1
    c.add_(1.0)
    (a * c).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.detach().numpy() + 1)


def test_a_write_through_numpy_sharing_is_seen_through_the_view():
    base = torch.zeros(4)
    row = base[1:3]
    row.add_(5.0)
    assert base.tolist() == [0.0, 5.0, 5.0, 0.0]


def test_writing_to_a_leaf_outside_no_grad_is_refused_and_inside_is_not_recorded():
    w = leaf(3)
    with pytest.raises(GradError, match=r"a leaf tensor .* that requires grad cannot be written in place"):
        w.sub_(0.1)
    before = w.detach().numpy().copy()
    with torch.no_grad():
        w.sub_(0.5)
    np.testing.assert_allclose(w.detach().numpy(), before - 0.5)
    assert w.is_leaf
    assert w.requires_grad


def test_a_recorded_write_into_a_view_is_followed_to_its_base():
    x, w = leaf(2, 3), leaf(3, seed=1)
    y = x * 1
    y[0].mul_(w)  # y = [x₀ w, x₁]
    (y * y).sum().backward()
    x0, x1, w0 = x[0].detach(), x[1].detach(), w.detach()
    np.testing.assert_allclose(x.grad.numpy(), torch.stack([2 * x0 * w0 * w0, 2 * x1]).numpy())
    np.testing.assert_allclose(w.grad.numpy(), (2 * w0 * x0 * x0).numpy())


def test_a_view_that_was_written_comes_from_its_base():
    x = leaf(2, 3)
    y = x * 1
    row = y[0]
    row.mul_(2.0)
    y.mul_(5.0)
    row.sum().backward()  # 10 x₀
    assert row.grad_fn.name() == "AsStridedBackward0"
    assert x.grad.tolist() == [[10.0] * 3, [0.0] * 3]


def test_a_view_taken_before_a_recorded_write_shows_what_was_written():
    x = leaf(4)
    y = x * 1
    part = y[:2]
    before = part * 1
    y.mul_(3.0)
    (part.sum() + 100 * before.sum()).backward()
    assert x.grad.tolist() == [103.0, 103.0, 0.0, 0.0]


def test_a_write_into_a_plain_tensor_through_a_view_gives_it_a_history():
    w, out = leaf(3), torch.zeros(2, 3, dtype=torch.float64)
    out[1].add_(w)
    out.view(-1)[0] = w.sum()
    (out * torch.arange(6, dtype=torch.float64).reshape(2, 3) + out).sum().backward()
    assert w.grad.tolist() == [5.0, 6.0, 7.0]


def test_a_view_of_a_leaf_is_not_written_outside_no_grad():
    w = leaf(2, 3)
    with pytest.raises(GradError, match=r"a view of a leaf tensor .* cannot be written in place"):
        w[0].mul_(2.0)
    with torch.no_grad():
        w[0].zero_()
    assert w[0].tolist() == [0.0, 0.0, 0.0]


def test_a_view_taken_in_no_grad_is_not_written_where_operations_are_recorded():
    y = leaf(2, 3) * 1
    with torch.no_grad():
        row = y[0]
    with pytest.raises(GradError, match=r"taken in no_grad.*Take the view again"):
        row.mul_(2.0)


def test_second_derivatives_through_a_written_view():
    x, w = leaf(2, 2), leaf(2, seed=1)

    def cubes(x, w):
        y = x * 1
        y[0].mul_(w)
        return (y**3).sum()

    assert torch.autograd.gradcheck(cubes, (x, w))
    assert torch.autograd.gradgradcheck(cubes, (x, w))


def test_a_plain_tensor_with_living_views_cannot_gain_history_by_a_write():
    w, out = leaf(3), torch.zeros(2, 3, dtype=torch.float64)
    row = out[0]
    with pytest.raises(GradError, match=r"has no history but has views"):
        out[1] = w
    del row
    out[1] = w * 2
    out.sum().backward()
    assert w.grad.tolist() == [2.0, 2.0, 2.0]


def test_assignment_sends_gradients_to_the_value_and_to_what_was_left():
    x, v = leaf(2, 3), leaf(3, seed=1)
    y = x * 1
    y[1] = v
    (y * torch.arange(6, dtype=torch.float64).reshape(2, 3)).sum().backward()
    assert x.grad.tolist() == [[0, 1, 2], [0, 0, 0]]
    assert v.grad.tolist() == [3, 4, 5]


def test_a_graph_is_used_once_unless_retained():
    x = leaf(3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(GradError, match=r"SumBackward0 was already used.*retain_graph=True"):
        y.backward()
    np.testing.assert_allclose(x.grad.numpy(), 4 * x.detach().numpy())


def test_backward_needs_a_graph_and_a_scalar():
    with pytest.raises(GradError, match=r"does not require grad"):
        torch.ones(3).sum().backward()
    with pytest.raises(GradError, match=r"only for scalar outputs, this tensor has shape \(3,\)"):
        (leaf(3) * 2).backward()
    with pytest.raises(ValueError, match=r"expected a gradient of shape \(3,\), got \(2,\)"):
        (leaf(3) * 2).backward(torch.ones(2))


def test_grad_returns_gradients_and_touches_no_leaf():
    x, y = leaf(3), leaf(3, seed=1)
    z = (x * y).sum()
    (gx,) = autograd.grad(z, x, retain_graph=True)
    np.testing.assert_array_equal(gx.numpy(), y.detach().numpy())
    assert x.grad is None
    with pytest.raises(GradError, match=r"not have been used in the graph"):
        autograd.grad(z, [x, leaf(2)], retain_graph=True)
    assert autograd.grad(z, [x, leaf(2)], allow_unused=True)[1] is None


def test_grad_of_an_inner_tensor_and_of_what_lies_behind_it():
    x = leaf(3)
    y = x * 2
    z = (y * y).sum()
    gy, gx = autograd.grad(z, [y, x])
    np.testing.assert_allclose(gy.numpy(), 2 * y.detach().numpy())
    np.testing.assert_allclose(gx.numpy(), 4 * y.detach().numpy())


def test_grad_leaves_the_graph_of_its_input_usable():
    x = leaf(3)
    y = x.exp()
    autograd.grad((y * y).sum(), y)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(x.detach().numpy()))


def test_no_grad_is_put_back_after_an_exception_and_nests():
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        raise ZeroDivisionError
    assert torch.is_grad_enabled()
    with torch.no_grad():
        with torch.enable_grad():
            assert (leaf(2) * 2).requires_grad
        assert not (leaf(2) * 2).requires_grad


@torch.no_grad()
def without(x):
    return x * 2


def test_no_grad_decorates_functions_and_belongs_to_its_thread():
    assert not without(leaf(2)).requires_grad
    seen = []
    with torch.no_grad():
        other = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        other.start()
        other.join()
    assert seen == [True]


def test_set_grad_enabled_as_a_function_and_as_a_context():
    torch.set_grad_enabled(False)
    try:
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_an_error_on_the_way_back_leaves_every_grad_as_it_was():
    a, b = leaf(3), leaf(3, seed=1)
    c = b * 1
    y = (a * 2).sum() + (a * c).sum()
    c.add_(1.0)
    with pytest.raises(GradError):
        y.backward()
    assert a.grad is None
    assert torch.is_grad_enabled()


def test_hooks_on_leaves_and_inner_tensors():
    x = leaf(3)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    handle = x.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert seen == [[1.0, 1.0, 1.0]]
    assert x.grad.tolist() == [20.0, 20.0, 20.0]
    handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_retain_grad_keeps_an_inner_gradient():
    x = leaf(3)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), 2 * y.detach().numpy())


def test_detach_shares_memory_outside_the_graph():
    x = leaf(3)
    d = x.detach()
    assert not d.requires_grad
    assert np.shares_memory(d.numpy(), x.detach().numpy())


def test_names_are_torchs():
    x = leaf(3)
    assert (x * 2).grad_fn.name() == "MulBackward0"
    assert (x + 1).sum().grad_fn.name() == "SumBackward0"
    assert x.grad_fn is None
    assert (x * 2).grad_fn.next_functions[0][0].name() == "AccumulateGrad"
    assert str((x * 2).sum().detach()).startswith("tensor(")


def test_fifty_thousand_operations_run_backward_without_recursion():
    x, one = leaf(1), torch.ones(1, dtype=torch.float64)
    y = x
    for _ in range(50_000):
        y = y * one
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    del y


@pytest.mark.parametrize(
    "expression", [lambda x: (x * x).sum(), lambda x: x.exp().tanh().max(0)[0].sum(), lambda x: x[0] @ x.T]
)
def test_dropping_a_result_frees_its_graph_with_the_collector_off(expression):
    gc.collect()
    gc.disable()
    try:
        x = leaf(3, 3)
        y = expression(x)
        node = weakref.ref(y.grad_fn.next_functions[0][0])
        inner = weakref.ref(y.grad_fn)
        del y
        assert node() is None or node().leaf is not None
        assert inner() is None
    finally:
        gc.enable()


def test_a_dropped_leaf_is_not_kept_by_the_graph():
    x, w = leaf(3), leaf(3, seed=1)
    y = (x + w).sum()
    gone = weakref.ref(w)
    del w
    assert gone() is None
    y.backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_linear_means_what_it_is_composed_of():
    from nanograd.ops.op import FUSED

    x, w, b = leaf(5, 3), leaf(2, 3, seed=1), leaf(2, seed=2)
    fused, composed = torch.nn.functional.linear(x, w, b), FUSED["linear"].meaning(x, w, b)
    np.testing.assert_allclose(fused.detach().numpy(), composed.detach().numpy())
    assert fused.grad_fn.name() == "AddmmBackward0"
    assert autograd.gradcheck(torch.nn.functional.linear, (x, w, b))
    assert autograd.gradgradcheck(torch.nn.functional.linear, (x, w, b))


def test_create_graph_differentiates_the_meaning_of_a_fused_operation():
    x, t = leaf(5, 3), torch.tensor([0, 2, 1, 1, 0])
    loss = torch.nn.functional.cross_entropy(x, t)
    (g,) = autograd.grad(loss, x, create_graph=True)
    assert g.requires_grad
    assert autograd.gradgradcheck(lambda v: torch.nn.functional.cross_entropy(v, t), x)


def test_the_meaning_too_refuses_inputs_written_since():
    x, t = leaf(5, 3) * 1, torch.tensor([0, 2, 1, 1, 0])
    loss = torch.nn.functional.cross_entropy(x, t)
    t.zero_()
    with pytest.raises(GradError, match=r"written in place since"):
        autograd.grad(loss, x, create_graph=True)


def test_a_new_operation_is_a_function_and_nothing_more():
    @op
    def cube(x):
        """x³"""
        return record(x.array**3, (x, lambda g: g * 3 * x * x))

    try:
        x = leaf(3)
        assert OPS["cube"] is cube
        assert cube(x).grad_fn.name() == "CubeBackward0"
        assert autograd.gradcheck(cube, x)
        assert autograd.gradgradcheck(cube, x)
    finally:
        del OPS["cube"]


def test_gradcheck_names_the_wrong_entry():
    def wrong(x):
        return record(x.array**2, (x, lambda g: g * x))

    x = torch.tensor([1.0, 3.0], dtype=torch.float64, requires_grad=True)
    with pytest.raises(autograd.check.GradcheckError, match=r"wrong in 2 of 2 entries; worst at \(1,\)"):
        autograd.gradcheck(wrong, x)
    assert not autograd.gradcheck(wrong, x, raise_exception=False)


def test_reading_many_parts_adds_into_one_gradient(monkeypatch):
    from nanograd.kernels import index

    made = []
    zeros = index.add_at.versions[np.ndarray]
    monkeypatch.setitem(index.add_at.versions, np.ndarray, lambda *a: made.append(1) or zeros(*a))
    x, w = leaf(3, 50), leaf(50, seed=1)
    y = x * 1
    total = sum(y[:, t].sum() * w[t] for t in range(50)) + y[torch.tensor([0, 0, 2])].sum()
    total.backward()
    assert len(made) <= 2, "a full-size array of zeros for every part"
    expected = np.tile(w.detach().numpy(), (3, 1))
    expected[0] += 2
    expected[2] += 1
    np.testing.assert_allclose(x.grad.numpy(), expected)
    np.testing.assert_allclose(w.grad.numpy(), x.detach().numpy().sum(0))
    assert type(x.grad) is torch.Tensor
    assert type(w.grad) is torch.Tensor


def test_a_part_of_a_leaf_and_the_whole_of_it():
    x = leaf(4)
    (x[1] * 2 + x.sum() + x[1:3].sum()).backward()
    assert x.grad.tolist() == [1.0, 4.0, 2.0, 1.0]
    assert autograd.gradgradcheck(lambda t: t[1:] ** 3 + t[:-1] * t[1], x)


def test_an_array_whose_dtype_is_another_object_is_as_good():
    import pickle

    x = pickle.loads(pickle.dumps(np.ones(3, np.float32)))
    assert torch.from_numpy(x).array.dtype is np.dtype(np.float32)
    t = pickle.loads(pickle.dumps(torch.ones(3)))
    assert t.array.dtype is np.dtype(np.float32)


def test_a_gradient_of_parts_is_not_added_to_once_others_hold_it():
    x, z = torch.zeros(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    a, b = x * 1, z * 1
    part = a[0]
    total = a + b
    (total[0] + total[1] + 5 * part).backward()
    assert x.grad.tolist() == [6.0, 1.0, 0.0]
    assert z.grad.tolist() == [1.0, 1.0, 0.0]


def test_gradients_of_parts_are_plain_tensors_to_users():
    x = torch.zeros(3, requires_grad=True)
    seen = []
    y = x * 1
    y.register_hook(seen.append)
    (y[0] + y[1]).backward()
    first, second = autograd.grad(x[0], x)[0], autograd.grad(x[1], x)[0]
    assert (first + second).tolist() == [1.0, 1.0, 0.0]
    assert first.tolist() == [1.0, 0.0, 0.0]
    assert (torch.ones(2, 3) + first).tolist() == [[2.0, 1.0, 1.0]] * 2
    assert {type(first), type(second), type(seen[0])} == {torch.Tensor}


def test_what_leaf_hooks_see_and_return_is_not_the_gradient_itself():
    p, q, c = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True), torch.ones(2)
    seen = []
    p.register_hook(lambda g: seen.append(g) or c)
    q.register_hook(lambda g: c)
    for _ in range(2):
        (p * 2 + q).sum().backward()
    assert p.grad.tolist() == q.grad.tolist() == [2.0, 2.0]
    assert c.tolist() == [1.0, 1.0]
    assert seen[0].tolist() == [2.0, 2.0]


def test_a_view_older_than_a_write_as_the_root():
    w = torch.ones(2, requires_grad=True)
    x = w * 1
    view = x[0]
    x.mul_(2)
    view.backward()
    assert w.grad.tolist() == [2.0, 0.0]


def test_set_grad_enabled_as_a_decorator_means_the_function():
    @torch.set_grad_enabled(False)
    def off(x):
        return x * 2

    assert torch.is_grad_enabled()
    assert not off(leaf(2)).requires_grad


def test_retain_grad_sees_the_hooks_follows_writes_and_is_not_counted_twice():
    p = torch.ones(2, requires_grad=True)
    h = p * 2
    h.retain_grad()
    h.register_hook(lambda g: g * 10)
    h.sum().backward()
    assert h.grad.tolist() == [10.0, 10.0]
    h = p * 2
    h.retain_grad()
    h.mul_(5)
    (h * 3).sum().backward()
    assert h.grad.tolist() == [3.0, 3.0]
    h = p * 2
    h.retain_grad()
    (h * 3).sum().backward(inputs=[p, h])
    assert h.grad.tolist() == [3.0, 3.0]


def test_a_leaf_keeps_its_place_when_its_data_or_requires_grad_change():
    w = torch.full((2,), 2.0, requires_grad=True)
    y = (w * 3).sum()
    w.data = torch.ones(2)
    (g,) = autograd.grad(y + (w * 5).sum(), w)
    assert g.tolist() == [8.0, 8.0]
    y = (w * 3).sum()
    w.requires_grad_(False)
    w.requires_grad_(True)
    assert autograd.grad(y, w)[0].tolist() == [3.0, 3.0]


def test_new_data_counts_as_a_write():
    w, x = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    y = (w * x).sum()
    w.data = torch.zeros(2)
    with pytest.raises(GradError, match=r"written in place since"):
        y.backward()


def test_hooks_that_return_something_else_are_refused():
    for value, error, words in (
        (2.0, TypeError, "expected a tensor or None"),
        (torch.ones(3, 2), GradError, r"\(3, 2\)"),
    ):
        x = torch.ones(2, requires_grad=True)
        x.register_hook(lambda g, value=value: value)
        with pytest.raises(error, match=words):
            (x * 2).sum().backward()


def test_detached_tensors_do_not_keep_the_graph_they_come_from():
    gc.collect()
    gc.disable()
    try:
        w = torch.ones(2, requires_grad=True)
        h = w * 2
        alive = weakref.ref(h)
        d = h.detach()
        del h
        assert alive() is None
        d += w * 3
        d.sum().backward()
        assert w.grad.tolist() == [3.0, 3.0]
        model = torch.nn.Linear(2, 2)
        weight = weakref.ref(model.weight)
        model.to("cpu").float().weight.data = model.weight.data
        del model
        assert weight() is None
    finally:
        gc.enable()


def test_a_copy_of_a_tensor_is_no_view_of_it():
    a = torch.ones(2, requires_grad=True)
    source, x = a * 2, torch.zeros(2)
    x.copy_(source)
    source.mul_(2)
    ((x * 3).sum() + source.sum()).backward()
    assert a.grad.tolist() == [10.0, 10.0]


def test_no_grad_on_a_generator_holds_inside_it_only():
    @torch.no_grad()
    def doubled(x):
        for _ in range(2):
            yield x * 2

    x = leaf(2)
    for y in doubled(x):
        assert not y.requires_grad
        assert (x * 2).requires_grad


def test_where_nan_comes_from_is_named():
    x = torch.zeros(3, requires_grad=True)
    with torch.autograd.detect_anomaly():
        assert torch.is_anomaly_enabled()
        with pytest.raises(GradError, match=r"Function 'MulBackward0' returned nan values in its 0th output"):
            (torch.ones(3, requires_grad=True) * (x / x)).sum().backward()
    assert not torch.is_anomaly_enabled()
    torch.autograd.set_detect_anomaly(True)
    try:
        with pytest.raises(GradError, match="SqrtBackward0"):
            (x.sqrt() * 0).sum().backward()  # 0 · ∞
    finally:
        torch.autograd.set_detect_anomaly(False)
    with torch.autograd.set_detect_anomaly(True):
        (x * 2).sum().backward()
    assert not torch.is_anomaly_enabled()


def test_no_grad_on_a_generator_hands_on_what_is_thrown_and_closes_inside():
    seen = []

    @torch.no_grad()
    def steps():
        try:
            yield 1
        except ValueError:
            seen.append(torch.is_grad_enabled())
        try:
            yield 2
        finally:
            seen.append(torch.is_grad_enabled())

    it = steps()
    assert next(it) == 1
    assert it.throw(ValueError()) == 2
    assert torch.is_grad_enabled()
    it.close()
    assert seen == [False, False]
    assert torch.is_grad_enabled()
    with pytest.raises(StopIteration):
        next(it)


def test_set_grad_enabled_by_name():
    with torch.set_grad_enabled(mode=False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("freeze", [lambda w: w.requires_grad_(False), lambda w: w.detach_()])
def test_a_leaf_frozen_since_gets_no_gradient(freeze):
    w, v = torch.tensor([2.0, 3.0], requires_grad=True), torch.tensor([1.0, 1.0], requires_grad=True)
    y = (w * v).sum()
    freeze(w)
    y.backward(retain_graph=True)
    assert w.grad is None
    assert v.grad.tolist() == [2, 3]
    w.requires_grad_()
    assert autograd.grad(y, w)[0].tolist() == [1, 1]


def test_a_view_is_not_detached_in_place():
    with pytest.raises(GradError, match="can't detach views"):
        (torch.tensor([1.0, 2.0], requires_grad=True) * 1)[0].detach_()


def test_a_recorded_write_where_elements_share_memory_is_refused():
    w = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    for view in (lambda a: a.unfold(0, 2, 1), lambda a: a.as_strided((3, 2), (1, 1))):
        with pytest.raises(GradError, match="share their memory"):
            view(w * 1).mul_(2)
    a = w * 1
    a.unfold(0, 2, 2).mul_(3)  # these do not
    a.as_strided((2, 2), (1, 2)).mul_(2)
    a.sum().backward()
    assert w.grad.tolist() == [6, 6, 6, 6]


def test_gradients_for_some_inputs_alone():
    a, b = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0], requires_grad=True)
    autograd.backward((a * b).sum(), inputs=[a])
    assert a.grad.tolist() == [3, 4]
    assert b.grad is None
    (a * b).sum().backward(inputs=b)
    assert a.grad.tolist() == [3, 4]
    assert b.grad.tolist() == [1, 2]
    with pytest.raises(GradError, match="cannot be empty"):
        (a * b).sum().backward(inputs=[])
    with pytest.raises(GradError, match="input 0 does not require grad"):
        (a * b).sum().backward(inputs=[torch.ones(2)])
    with pytest.raises(ValueError, match="allow_unused"):
        autograd.grad((a * 2).sum(), b, allow_unused=False, materialize_grads=True)
    assert autograd.grad((a * 2).sum(), a, None, None, False, True)[0].tolist() == [2, 2]


def test_a_tensor_is_not_its_own_gradient():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(GradError, match="its own gradient"):
        a.grad = a


def test_copies_of_tensors_that_share_memory_share_memory():
    import copy

    a = torch.arange(6.0).reshape(2, 3)
    b, lone = a.T[1:], torch.ones(2)
    lone.tag = "kept"
    copied, part, again, alone = copy.deepcopy([a, b, b, lone])
    part.mul_(10)
    assert copied.tolist() == [[0, 10, 20], [3, 40, 50]]
    assert a[0, 1] == 1
    assert again is part
    assert part.stride() == b.stride()
    assert alone.tag == "kept"
    y = torch.tensor([1.0, 1.0, 1.0], requires_grad=True) * copied[0]
    part.zero_()
    with pytest.raises(GradError, match="written in place since"):
        y.sum().backward()


@pytest.mark.parametrize(
    "ask",
    [
        lambda y, v: autograd.grad(y, v, allow_unused=True),
        lambda y, v: y.backward(inputs=[v]),
        lambda y, v: v.register_hook(print),
        lambda y, v: v.retain_grad(),
    ],
)
def test_the_gradient_of_a_view_older_than_a_write_is_not_asked_for(ask):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    a = w * 1
    v = a[:1]
    a.mul_(3)
    with pytest.raises(GradError, match="Take the view again"):
        ask((v * 2).sum(), v)
    again = a[:1]
    assert autograd.grad((again * 2).sum(), again)[0].tolist() == [2]
