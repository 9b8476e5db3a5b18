"""Modules: hooks that change gradients, copies, what subclasses do to a state."""

import copy
import gc
import weakref

import pytest

import nanograd as torch
from nanograd import nn


def test_a_backward_hook_that_returns_gradients_where_no_input_needs_one_is_refused():
    layer = nn.Linear(2, 1)
    handle = layer.register_full_backward_hook(lambda module, gi, go: (torch.ones(1, 2),))
    with pytest.raises(RuntimeError, match="should always return None"):
        layer(torch.ones(1, 2)).sum().backward()
    handle.remove()
    layer.register_full_backward_hook(lambda module, gi, go: (None,))
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0]]


def test_backward_hooks_do_not_run_for_outputs_in_a_dict():
    class Named(nn.Module):
        def forward(self, x):
            return {"y": x * 2}

    seen = []
    module = Named()
    module.register_full_backward_hook(lambda *a: seen.append(a))
    x = torch.ones(1, requires_grad=True)
    module(x)["y"].backward()
    assert x.grad.tolist() == [2.0]
    assert not seen


def test_a_backward_hook_runs_on_every_way_back():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda module, gi, go: seen.append(go[0].item()))
    x = torch.ones(1, 2, requires_grad=True)
    y = layer(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert seen == [1.0, 1.0]


def test_a_copied_parameter_has_no_gradient():
    layer = nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    copied = copy.deepcopy(layer)
    assert all(p.grad is None and p.requires_grad and type(p) is nn.Parameter for p in copied.parameters())
    copied(torch.ones(1, 2)).sum().backward()
    assert copied.weight.grad.tolist() == [[1.0, 1.0]]


def test_a_copied_buffer_keeps_what_it_is():
    buffer = nn.Buffer(torch.zeros(1), persistent=False)
    assert copy.deepcopy(buffer).persistent is False


def test_an_input_written_after_a_module_with_backward_hooks_gave_it_back_is_refused():
    module = nn.Identity()
    module.register_full_backward_hook(lambda *a: None)
    w, u = torch.ones(2, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    a = w * 1
    y = module(a)
    a.mul_(u)
    with pytest.raises(RuntimeError, match="gave a view of memory that was written"):
        y.sum().backward()


def test_subclasses_may_change_what_is_saved_and_what_is_loaded():
    class Old(nn.Linear):
        def _load_from_state_dict(self, state_dict, prefix, *rest):
            state_dict[f"{prefix}bias"] = torch.zeros(1)
            super()._load_from_state_dict(state_dict, prefix, *rest)

        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[f"{prefix}version"] = 2

    model = nn.Sequential(Old(1, 1))
    assert list(model.state_dict()) == ["0.weight", "0.bias", "0.version"]
    model.load_state_dict({"0.weight": torch.full((1, 1), 5.0)})
    assert model[0].weight.item() == 5.0
    assert model[0].bias.item() == 0.0


def test_an_optimizer_made_before_the_first_input_trains_a_lazy_layer():
    for layer, x in [
        (nn.LazyLinear(2), torch.ones(4, 3)),
        (nn.LazyBatchNorm1d(), torch.arange(6.0).reshape(2, 3)),
        (nn.LazyConv2d(2, 3), torch.ones(1, 3, 5, 5)),
    ]:
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
        held = list(layer.parameters())
        layer(x).sum().backward()
        assert [id(p) for p in layer.parameters()] == [id(p) for p in held]
        before = layer.bias.detach().clone()
        optimizer.step()
        assert (layer.bias != before).all()


def test_a_lazy_layer_keeps_its_hooks_and_its_mode():
    layer, seen = nn.LazyLinear(2).eval(), []
    layer.register_forward_hook(lambda *a: seen.append(1))
    layer(torch.ones(1, 3))
    assert seen == [1]
    assert not layer.training


def test_backward_hooks_make_no_cycle():
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda *a: None)
    layer.register_full_backward_pre_hook(lambda *a: None)
    x = torch.ones(1, 2, requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        y = layer(x)
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()
