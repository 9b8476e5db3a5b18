"""Modules: what they find, save, load, print and refuse; layers and losses against their formulas in NumPy."""

import copy
import doctest
import gc
import importlib
import math
import pickle
import re
import warnings
import weakref

import numpy as np
import pytest

import nanograd as torch
from nanograd import autograd, nn
from nanograd.nn import functional as F


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def array(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def double(*shape, seed=0, requires_grad=True):
    return torch.from_numpy(array(*shape, seed=seed)).requires_grad_(requires_grad)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 3)
        self.act = nn.Tanh()
        self.second = nn.Linear(3, 2, bias=False)
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("seen", torch.tensor(0))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)

    def forward(self, x):
        return self.second(self.act(self.first(x))) * self.scale


# What a module finds


def test_parameters_buffers_and_modules_are_found_in_torchs_order():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["scale", "first.weight", "first.bias", "second.weight"]
    assert [n for n, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert next(n for n, _ in net.named_parameters(prefix="net")) == "net.scale"
    assert [n for n, _ in net.named_buffers()] == ["seen", "scratch"]
    assert [n for n, _ in net.named_children()] == ["first", "act", "second"]
    assert [n for n, _ in net.named_modules()] == ["", "first", "act", "second"]
    assert sum(p.numel() for p in net.parameters()) == 2 + 12 + 3 + 6
    assert net.get_submodule("first") is net.first
    assert net.get_submodule("") is net
    assert net.get_parameter("first.bias") is net.first.bias
    assert net.get_buffer("seen") is net.seen


def test_a_shared_parameter_is_listed_once_and_saved_under_both_names():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
            self.embed.weight = self.head.weight

    tied = Tied()
    assert [n for n, _ in tied.named_parameters()] == ["embed.weight"]
    assert [n for n, _ in tied.named_parameters(remove_duplicate=False)] == ["embed.weight", "head.weight"]
    assert list(tied.state_dict()) == ["embed.weight", "head.weight"]
    tied.double()
    assert tied.embed.weight is tied.head.weight
    assert tied.head.weight.dtype is torch.float64
    twin = copy.deepcopy(tied)
    assert twin.embed.weight is twin.head.weight
    assert twin.head.weight is not tied.head.weight


def test_a_plain_tensor_or_a_list_of_layers_is_not_found():
    net = nn.Module()
    net.plain = torch.ones(2)
    net.layers = [nn.Linear(2, 2)]
    assert list(net.parameters()) == []
    net.layers = nn.ModuleList(net.layers)
    assert len(list(net.parameters())) == 2


def test_a_name_may_change_its_kind():
    net = nn.Module()
    net.a = 1
    net.a = nn.Parameter(torch.zeros(1))
    assert "a" in net._parameters
    assert "a" not in vars(net)
    net.a = nn.Linear(1, 1)
    assert "a" not in net._parameters
    net.b = nn.Parameter(torch.zeros(1))
    net.b = None
    assert net.b is None
    assert list(net.parameters(recurse=False)) == []
    del net.a
    with pytest.raises(AttributeError):
        net.a  # noqa: B018
    with pytest.raises(AttributeError):
        del net.a


def test_replacing_a_parameter_keeps_its_place_in_the_order():
    net = Net()
    net.first.weight = nn.Parameter(torch.zeros(3, 4))
    assert [n for n, _ in net.first.named_parameters()] == ["weight", "bias"]


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (
            lambda n: setattr(n.first, "weight", torch.zeros(3, 4)),
            TypeError,
            "cannot assign 'torch.FloatTensor' as parameter",
        ),
        (lambda n: setattr(n, "first", 3), TypeError, "cannot assign 'int' as child module 'first'"),
        (lambda n: setattr(n, "seen", "x"), TypeError, "cannot assign 'str' object to buffer 'seen'"),
        (lambda n: n.register_buffer("first", torch.zeros(1)), KeyError, "attribute 'first' already exists"),
        (lambda n: n.register_parameter("a.b", None), KeyError, 'contain "." or be empty'),
        (lambda n: n.add_module("", nn.ReLU()), KeyError, "be empty"),
        (lambda n: n.register_buffer(3, torch.zeros(1)), TypeError, "should be a string"),
        (lambda n: n.register_parameter("w", torch.zeros(1)), TypeError, "nn.Parameter or None expected"),
        (lambda n: n.frist, AttributeError, "'Net' object has no attribute 'frist'. Did you mean 'first'"),
        (lambda n: n.get_submodule("second.wieght"), AttributeError, "Did you mean 'weight'"),
        (lambda n: n.get_submodule("second.weight"), AttributeError, "not an nn.Module"),
        (lambda n: n.get_parameter("first"), AttributeError, "not an nn.Parameter"),
        (lambda n: n.get_buffer("scale"), AttributeError, "not a buffer"),
        (lambda n: n.train("yes"), ValueError, "expected to be boolean"),
        (lambda n: n.to(torch.int64), TypeError, "only accepts floating point"),
        (lambda n: n.cuda(), RuntimeError, "no CUDA device"),
        (lambda n: n.load_state_dict("file.pt"), TypeError, "torch.load"),
    ],
)
def test_wrong_uses_of_a_module_are_refused(act, error, words):
    with pytest.raises(error, match=re.escape(words)):
        act(Net())


def test_a_forgotten_super_init_is_named():
    class Forgot(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    class ForgotAll(nn.Module):
        def __init__(self):
            self.size = 3

        def forward(self, x):
            return x

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\) first in Forgot.__init__"):
        Forgot()
    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\) first in ForgotAll.__init__"):
        ForgotAll()(1)
    with pytest.raises(AttributeError, match="first in ForgotAll"):
        ForgotAll().register_buffer("b", torch.zeros(1))


def test_a_module_without_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match='Module \\[Empty\\] is missing the required "forward" function'):
        Empty()(torch.ones(1))


def test_a_layer_called_as_a_function_is_told_apart_from_one_that_takes_weights():
    x = torch.zeros(2, 3)
    with pytest.raises(TypeError) as error:
        nn.Tanh(x)
    assert str(error.value) == (
        "nn.Tanh(x): nn.Tanh is a layer: make it once (act = nn.Tanh()), then call it (act(x)). "
        "For the plain function use torch.tanh(x)."
    )
    for wrong in (lambda: nn.ReLU(x), lambda: nn.Flatten(x), lambda: nn.Dropout(x), lambda: nn.Linear(x, 3)):
        with pytest.raises(TypeError, match="is a layer: make it once"):
            wrong()
    for wrong in (lambda: nn.MSELoss(x, x), lambda: nn.CrossEntropyLoss(x, x), lambda: nn.BCELoss(x, x)):
        with pytest.raises(TypeError, match="is a loss: make it once"):
            wrong()
    assert nn.CrossEntropyLoss(torch.ones(3)).weight.tolist() == [1, 1, 1]


def test_unknown_names_are_met_with_the_nearest():
    with pytest.raises(AttributeError, match="Did you mean 'Linear'"):
        nn.Liner  # noqa: B018


# Calling and hooks


def test_hooks_see_and_change_arguments_and_results():
    layer, calls = nn.Linear(2, 1), []
    before = layer.register_forward_pre_hook(lambda m, args: calls.append("before") or (args[0] * 2,))
    after = layer.register_forward_hook(lambda m, args, out: calls.append("after") or out + 100)
    x = torch.ones(1, 2)
    want = layer.forward(x * 2) + 100
    assert torch.allclose(layer(x), want)
    assert calls == ["before", "after"]
    before.remove()
    assert torch.allclose(layer(x), layer.forward(x) + 100)
    with after:
        pass
    assert torch.allclose(layer(x), layer.forward(x))
    assert calls == ["before", "after", "after"]


def test_hooks_run_in_order_and_may_take_keywords():
    class Add(nn.Module):
        def forward(self, x, by=0):
            return x + by

    add, order = Add(), []
    add.register_forward_pre_hook(lambda m, a, k: order.append(2) or (a, {"by": k["by"] + 1}), with_kwargs=True)
    add.register_forward_pre_hook(lambda m, a: order.append(1) or a[0] * 10, prepend=True)
    add.register_forward_hook(lambda m, a, k, y: order.append(k["by"]), with_kwargs=True)
    assert add(torch.tensor(1), by=5).item() == 16
    assert order == [1, 2, 6]


def test_forward_alone_skips_hooks():
    layer, calls = nn.Identity(), []
    layer.register_forward_hook(lambda *_: calls.append(1))
    layer.forward(1)
    assert not calls
    layer(1)
    assert calls == [1]


# Modes, conversions, copies


def test_train_and_eval_reach_all_modules():
    net = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    x = torch.ones(10)
    assert net(x) is x
    net.train()
    assert all(m.training for m in net.modules())


def test_to_converts_floats_in_place_and_leaves_integers():
    net = Net()
    weight, seen = net.first.weight, net.seen
    net(torch.ones(1, 4)).sum().backward()
    assert net.to(torch.float64) is net
    assert net.first.weight is weight
    assert weight.dtype is torch.float64
    assert weight.grad.dtype is torch.float64
    assert net.seen.dtype is seen.dtype is torch.int64
    assert net.scratch.dtype is torch.float64
    net(torch.ones(1, 4).double()).sum().backward()
    assert net.float().first.weight.dtype is torch.float32
    assert net.to("cpu").to(torch.ones(1, dtype=torch.float64)).scale.dtype is torch.float64
    assert weight.requires_grad
    assert weight.is_leaf


def test_apply_visits_children_first():
    order = []
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()))
    assert net.apply(lambda m: order.append(type(m).__name__)) is net
    assert order == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_freezing_and_zeroing():
    net = Net()
    net.first.requires_grad_(False)
    net(torch.ones(1, 4)).sum().backward()
    assert net.first.weight.grad is None
    grad = net.scale.grad
    net.zero_grad(set_to_none=False)
    assert net.scale.grad.tolist() == [0, 0]
    assert grad is not None
    net.zero_grad()
    assert net.scale.grad is None


def test_a_copy_is_independent_and_a_pickle_comes_back():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    x = torch.ones(1, 2)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(twin(x), net(x))
        with torch.no_grad():
            twin[0].weight.zero_()
        assert not torch.equal(twin(x), net(x))
        assert isinstance(twin[0].weight, nn.Parameter)
        assert twin[0].weight.requires_grad


def test_a_module_dies_by_reference_count():
    gc.disable()
    try:
        net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        gone = weakref.ref(net[0].weight)
        net(torch.ones(1, 2)).sum().backward()
        del net
        assert gone() is None
    finally:
        gc.enable()


# State


def test_a_state_goes_into_another_module_and_shares_no_memory():
    a, b = Net(), Net()
    weight = b.first.weight
    result = b.load_state_dict(a.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert b.first.weight is weight
    assert torch.equal(a.first.weight, b.first.weight)
    with torch.no_grad():
        a.first.weight.zero_()
    assert not torch.equal(a.first.weight, b.first.weight)
    assert list(a.state_dict()) == ["scale", "seen", "first.weight", "first.bias", "second.weight"]
    assert not a.state_dict()["scale"].requires_grad
    assert a.state_dict(keep_vars=True)["scale"] is a.scale
    assert next(iter(a.state_dict(prefix="net."))) == "net.scale"


def test_a_state_that_does_not_fit_changes_nothing_and_names_everything():
    net = Net()
    before = net.scale.detach().clone()
    state = net.state_dict()
    wrong = {**state, "scale": torch.zeros(2), "first.weight": torch.zeros(9), "extra": torch.zeros(1), "seen": 3}
    del wrong["first.bias"]
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(wrong)
    text = str(error.value)
    assert text.startswith("Error(s) in loading state_dict for Net:\n\t")
    assert 'Missing key(s) in state_dict: "first.bias". ' in text
    assert 'Unexpected key(s) in state_dict: "extra". ' in text
    assert (
        "size mismatch for first.weight: copying a param with shape torch.Size([9]) from checkpoint, the shape in "
        "current model is torch.Size([3, 4])." in text
    )
    assert 'While copying the parameter named "seen", expected torch.Tensor' in text
    assert torch.equal(net.scale, before)


def test_a_lenient_load_reports_what_it_did_not_use():
    net = Net()
    keys = net.load_state_dict({"scale": torch.zeros(2), "extra": torch.zeros(1)}, strict=False)
    assert keys.missing_keys == ["seen", "first.weight", "first.bias", "second.weight"]
    assert keys.unexpected_keys == ["extra"]
    assert net.scale.tolist() == [0, 0]


def test_assign_takes_the_tensors_themselves():
    net = nn.Linear(2, 1)
    state = {"weight": torch.zeros(1, 2, dtype=torch.float64), "bias": torch.zeros(1, dtype=torch.float64)}
    net.load_state_dict(state, assign=True)
    assert net.weight.dtype is torch.float64
    assert isinstance(net.weight, nn.Parameter)
    state["bias"].fill_(3)
    assert net.bias.item() == 3


# Printing


def test_printed_forms_are_torchs():
    net = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1, bias=False), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten())
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Conv2d(1, 6, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)\n"
        "  (1): ReLU(inplace=True)\n"
        "  (2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n"
        "  (3): Flatten(start_dim=1, end_dim=-1)\n"
        ")"
    )
    assert repr(nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Tanh()])) == (
        "ModuleList(\n  (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)\n  (2): Tanh()\n)"
    )
    assert repr(nn.ModuleDict({"a": nn.Dropout(0.1)})) == "ModuleDict(\n  (a): Dropout(p=0.1, inplace=False)\n)"
    assert repr(nn.Parameter(torch.tensor([1.0]))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    assert repr(nn.Sequential()) == "Sequential()"


def test_extra_lines_and_children_are_indented():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Tanh())

        def extra_repr(self):
            return "one\ntwo"

    assert repr(Outer()) == "Outer(\n  one\n  two\n  (inner): Sequential(\n    (0): Tanh()\n  )\n)"


# Containers


def test_sequential_indexes_slices_and_grows():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b, c)
    assert net[0] is a
    assert net[-1] is c
    assert list(net[1:]) == [b, c]
    assert type(net[:2]) is nn.Sequential
    assert list(net) == [a, b, c]
    x = torch.ones(4, 2)
    assert torch.equal(net(x), c(b(a(x))))
    net.append(nn.Tanh())
    net.insert(1, nn.Identity())
    assert len(net) == 5
    assert isinstance(net.pop(1), nn.Identity)
    del net[-1]
    net[1] = nn.Tanh()
    assert [type(m).__name__ for m in net] == ["Linear", "Tanh", "Linear"]
    assert list(nn.Sequential({"in": a, "out": c}).state_dict()) == ["in.weight", "in.bias", "out.weight", "out.bias"]
    for wrong, words in (
        (lambda: nn.Sequential(nn.ReLU), r"Make it first: nn.ReLU\(\)"),
        (lambda: nn.Sequential([a, b]), "Unpack the list"),
        (lambda: nn.Sequential(torch.relu), "use the layer"),
    ):
        with pytest.raises(TypeError, match=words):
            wrong()
    with pytest.raises(IndexError, match="out of range"):
        net[7]
    with pytest.raises(TypeError, match="integer or a slice"):
        net["a"]


def test_module_list_and_dict_behave_like_a_list_and_a_dict():
    layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(3))
    layers += [nn.ReLU()]
    assert len(layers + nn.ModuleList([nn.Tanh()])) == 5
    assert [n for n, _ in layers.named_parameters()][-1] == "2.bias"
    assert type(layers[1:]) is nn.ModuleList
    layers.extend([nn.Tanh()])
    del layers[0:2]
    assert [n for n, _ in layers.named_children()] == ["0", "1", "2"]
    heads = nn.ModuleDict({"a": nn.Linear(1, 1)})
    heads["b"] = nn.ReLU()
    heads.update({"c": nn.Tanh()})
    assert list(heads) == list(heads.keys()) == ["a", "b", "c"]
    assert "b" in heads
    assert len(heads) == 3
    assert isinstance(heads.pop("b"), nn.ReLU)
    del heads["c"]
    assert [n for n, _ in heads.items()] == ["a"]
    assert len(heads.values()) == 1
    heads.clear()
    assert not len(heads)


def test_parameter_list_makes_parameters():
    params = nn.ParameterList([torch.zeros(2), nn.Parameter(torch.ones(1))])
    params.append(torch.ones(3)).extend([torch.ones(4)])
    assert [n for n, _ in params.named_parameters()] == ["0", "1", "2", "3"]
    assert all(isinstance(p, nn.Parameter) for p in params)
    params[0] = torch.ones(5)
    assert params[0].shape == (5,)
    assert len(params[1:]) == 3
    assert params[-1].shape == (4,)
    with pytest.raises(IndexError):
        params[9]


def test_parameter_shares_memory_and_refuses_what_cannot_be_trained():
    data = torch.zeros(2)
    p = nn.Parameter(data)
    data.fill_(5)
    assert p.tolist() == [5, 5]
    assert p.is_leaf
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter(torch.arange(2), requires_grad=False).dtype is torch.int64
    x = torch.ones(2, requires_grad=True)
    assert nn.Parameter(x * 2).is_leaf
    with pytest.raises(TypeError, match="expected a tensor, got list"):
        nn.Parameter([1.0])
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(torch.arange(2))


def test_a_write_into_a_parameter_after_its_use_is_noticed():
    layer = nn.Linear(2, 2)
    x = torch.ones(1, 2, requires_grad=True)
    y = layer(x)
    with torch.no_grad():
        layer.weight.mul_(2)
    with pytest.raises(RuntimeError, match="written in place"):
        y.sum().backward()


# Layers against their formulas


def test_linear_and_its_initial_range():
    layer = nn.Linear(400, 50)
    bound = 1 / math.sqrt(400)
    for p in layer.parameters():
        assert float(p.abs().max()) <= bound
        assert float(p.abs().max()) > 0.9 * bound
        assert abs(float(p.mean())) < 0.2 * bound
    x = array(2, 3, 400).astype(np.float32)
    want = x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), want, rtol=1e-4, atol=1e-5)
    assert nn.Linear(3, 2, bias=False).bias is None
    assert nn.Linear(3, 2, dtype=torch.float64).weight.dtype is torch.float64
    assert nn.Linear(0, 2)(torch.ones(3, 0)).shape == (3, 2)
    for wrong in ((2.5, 3), (-1, 3), (True, 3), ("2", 3)):
        with pytest.raises(TypeError, match="integer of 0 or more"):
            nn.Linear(*wrong)


def test_conv2d_against_loops():
    layer = nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), groups=2).double()
    x = array(2, 2, 5, 4)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)))
    want = np.zeros((2, 4, 3, 3))
    for n, o, r, c in np.ndindex(*want.shape):
        group = o // 2
        want[n, o, r, c] = b[o] + (padded[n, group : group + 1, 2 * r : 2 * r + 3, c : c + 2] * w[o]).sum()
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), want)
    bound = 1 / math.sqrt(1 * 3 * 2)
    assert float(layer.weight.abs().max()) <= bound


@pytest.mark.parametrize(("mode", "numpy_mode"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
def test_conv2d_continues_edges_as_asked(mode, numpy_mode):
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode).double()
    x = array(1, 1, 4, 5)
    padded = torch.from_numpy(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), numpy_mode))
    assert torch.allclose(layer(torch.from_numpy(x)), F.conv2d(padded, layer.weight, layer.bias))
    assert f"padding_mode={mode}" in repr(layer)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.Conv2d(3, 4, 2, groups=2), "in_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 3, 2, groups=2), "out_channels must be divisible by groups"),
        (lambda: nn.Conv2d(4, 4, 2, groups=0), "groups must be a positive integer"),
        (lambda: nn.Conv2d(1, 1, 2, padding_mode="mirror"), "padding_mode must be one of"),
        (lambda: nn.Conv2d(1, 1, 2, padding="full"), "Invalid padding string"),
        (lambda: nn.Conv2d(1, 1, 2, stride=2, padding="same"), "not supported for strided"),
        (lambda: nn.Dropout(1.5), "between 0 and 1, but got 1.5"),
        (lambda: nn.Dropout("a"), "between 0 and 1"),
        (lambda: F.dropout(torch.ones(1), -0.1), "between 0 and 1"),
        (lambda: nn.MSELoss(reduction="avg")(torch.ones(1), torch.ones(1)), "'avg' is not a valid value for reduction"),
        (lambda: nn.GELU("maybe")(torch.ones(1)), "'none' or 'tanh'"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), "within num_embeddings"),
        (lambda: F.one_hot(torch.tensor([3]), 3), "smaller than num_classes"),
        (lambda: F.one_hot(torch.tensor([-1])), "non-negative"),
        (lambda: F.one_hot(torch.tensor([], dtype=torch.int64)), "infer total number"),
        (lambda: F.smooth_l1_loss(torch.ones(1), torch.ones(1), beta=-1), "does not support negative values for beta"),
        (lambda: nn.init.calculate_gain("swish"), "Unsupported nonlinearity"),
        (lambda: nn.init.kaiming_uniform_(torch.zeros(3)), "fewer than 2 dimensions"),
        (lambda: nn.init.kaiming_normal_(torch.zeros(3, 3), mode="fan"), "not supported"),
        (lambda: nn.init.eye_(torch.zeros(3)), "2 dimensions"),
        (lambda: nn.utils.vector_to_parameters(torch.zeros(3), [torch.zeros(2)]), "vector of 2 elements"),
    ],
)
def test_wrong_sizes_and_words_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_max_pool_flatten_and_unflatten():
    x = array(2, 3, 4, 6)
    blocks = x.reshape(2, 3, 2, 2, 3, 2).max((3, 5))
    np.testing.assert_array_equal(nn.MaxPool2d(2)(torch.from_numpy(x)).numpy(), blocks)
    values, places = nn.MaxPool2d(2, return_indices=True)(torch.from_numpy(x))
    np.testing.assert_array_equal(
        np.take_along_axis(x.reshape(2, 3, -1), places.numpy().reshape(2, 3, -1), 2).ravel(), values.numpy().ravel()
    )
    flat = nn.Flatten()(torch.from_numpy(x))
    assert flat.shape == (2, 72)
    assert torch.equal(nn.Unflatten(1, (3, 4, 6))(flat), torch.from_numpy(x))
    assert nn.Unflatten(-1, (-1, 2))(flat).shape == (2, 36, 2)
    with pytest.raises(TypeError, match="tuple of ints"):
        nn.Unflatten(1, 3)


SOFTPLUS = lambda x: np.logaddexp(0, x)  # noqa: E731
ACTIVATIONS = {
    "ReLU": (nn.ReLU(), lambda x: np.maximum(x, 0)),
    "Tanh": (nn.Tanh(), np.tanh),
    "Sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "Softmax": (nn.Softmax(dim=1), lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
    "LogSoftmax": (nn.LogSoftmax(dim=-1), lambda x: x - np.log(np.exp(x).sum(1, keepdims=True))),
    "LeakyReLU": (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "ELU": (nn.ELU(1.5), lambda x: np.where(x > 0, x, 1.5 * np.expm1(x))),
    "SiLU": (nn.SiLU(), lambda x: x / (1 + np.exp(-x))),
    "GELU": (
        nn.GELU("tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "Softplus": (nn.Softplus(2.0), lambda x: SOFTPLUS(2 * x) / 2),
    "Identity": (nn.Identity(1, a=2), lambda x: x),
    "logsigmoid": (F.logsigmoid, lambda x: -SOFTPLUS(-x)),
    "normalize": (F.normalize, lambda x: x / np.sqrt((x * x).sum(1, keepdims=True))),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_against_numpy_and_finite_differences(name):
    layer, formula = ACTIVATIONS[name]
    x = double(3, 4)
    np.testing.assert_allclose(layer(x).detach().numpy(), formula(x.detach().numpy()), rtol=1e-10, atol=1e-12)
    assert autograd.gradcheck(layer, (x,))
    assert autograd.gradgradcheck(layer, (x,))


@pytest.mark.parametrize("f", [F.softplus, F.logsigmoid, F.elu, F.silu], ids=lambda f: f.__name__)
def test_large_arguments_give_finite_values_and_gradients(f):
    x = torch.tensor([-1e4, -100.0, 0.0, 100.0, 1e4], requires_grad=True)
    y = f(x)
    y.sum().backward()
    assert bool(y.isfinite().all())
    assert bool(x.grad.isfinite().all())


def test_in_place_activations_write_into_their_input():
    for f in (
        F.relu_,
        lambda t: F.leaky_relu(t, inplace=True),
        lambda t: F.elu(t, inplace=True),
        nn.ReLU(inplace=True),
    ):
        x = torch.tensor([-1.0, 2.0])
        y = f(x)
        assert y is x
        assert x[0].item() > -1


def test_dropout_keeps_a_share_and_the_mean():
    x = torch.ones(20000, requires_grad=True)
    y = nn.Dropout(0.25)(x)
    kept = y.detach().numpy() != 0
    assert abs(kept.mean() - 0.75) < 4 * math.sqrt(0.25 * 0.75 / 20000)
    np.testing.assert_allclose(y.detach().numpy()[kept], 1 / 0.75)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())
    assert not F.dropout(x, 1.0).detach().numpy().any()
    assert F.dropout(x, 0.5, training=False) is x
    torch.manual_seed(1)
    first = F.dropout(x)
    torch.manual_seed(1)
    assert torch.equal(first, F.dropout(x))
    assert not torch.equal(first, F.dropout(x))


def test_embedding_reads_rows_and_adds_up_their_gradients():
    table = nn.Embedding(5, 3, padding_idx=1).double()
    assert table.weight[1].tolist() == [0, 0, 0]
    index = torch.tensor([[0, 1, 4], [4, 4, 1]])
    y = table(index)
    np.testing.assert_array_equal(y.detach().numpy(), table.weight.detach().numpy()[index.numpy()])
    y.sum().backward()
    assert table.weight.grad[:, 0].tolist() == [1, 0, 0, 0, 3]
    for wrong in ([5], [-1]):
        with pytest.raises(IndexError, match="out of range"):
            table(torch.tensor(wrong))
    with pytest.raises(TypeError, match=r"input\.long\(\)"):
        table(torch.tensor([0.0]))
    frozen = nn.Embedding.from_pretrained(torch.eye(3))
    assert not frozen.weight.requires_grad
    assert frozen(torch.tensor(2)).tolist() == [0, 0, 1]


def test_one_hot_counts_classes():
    assert F.one_hot(torch.tensor([[0], [2]]), 4).tolist() == [[[1, 0, 0, 0]], [[0, 0, 1, 0]]]
    assert F.one_hot(torch.tensor([1])).dtype is torch.int64
    assert F.one_hot(torch.tensor([], dtype=torch.int64), 3).shape == (0, 3)
    with pytest.raises(TypeError):
        F.one_hot(torch.ones(2))


@pytest.mark.parametrize(("mode", "numpy_mode"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
def test_pad_continues_edges(mode, numpy_mode):
    x = double(2, 3, 4)
    np.testing.assert_array_equal(
        F.pad(x, (1, 2, 2, 0), mode=mode).detach().numpy(),
        np.pad(x.detach().numpy(), ((0, 0), (2, 0), (1, 2)), numpy_mode),
    )
    assert autograd.gradcheck(lambda t: F.pad(t, (1, 2, 2, 0), mode=mode), (x,))


def test_pad_fills_and_cuts():
    x = double(2, 3)
    np.testing.assert_array_equal(
        F.pad(x, (1, 0, 0, 2), value=7.0).detach().numpy(),
        np.pad(x.detach().numpy(), ((0, 2), (1, 0)), constant_values=7),
    )
    assert torch.equal(F.pad(x, (-1, 1)), torch.cat([x[:, 1:], torch.zeros(2, 1).double()], 1))
    assert autograd.gradcheck(lambda t: F.pad(t, (1, -1, 0, 2), value=7.0), (x,))
    assert autograd.gradgradcheck(lambda t: F.pad(t * t, (1, -1)), (x,))
    assert F.pad(torch.ones(2, dtype=torch.int64), (1, 1)).tolist() == [0, 1, 1, 0]


# Losses


PROBABILITIES = 1 / (1 + np.exp(-array(4, 3)))
TARGETS = (array(4, 3, seed=5) > 0).astype(float)
WEIGHTS = np.array([1.0, 2.0, 0.5])


def cross_entropy_rows(x, t):
    return np.log(np.exp(x).sum(1)) - x[np.arange(len(t)), t]


CLASSES = np.array([0, 2, 1, 2])
LOSSES = {
    "MSELoss": (nn.MSELoss, array(4, 3), array(4, 3, seed=1), lambda x, t: (x - t) ** 2),
    "L1Loss": (nn.L1Loss, array(4, 3), array(4, 3, seed=1), lambda x, t: abs(x - t)),
    "SmoothL1Loss": (
        lambda reduction: nn.SmoothL1Loss(reduction=reduction, beta=0.7),
        array(4, 3), array(4, 3, seed=1),
        lambda x, t: np.where(abs(x - t) < 0.7, (x - t) ** 2 / 1.4, abs(x - t) - 0.35),
    ),
    "CrossEntropyLoss": (nn.CrossEntropyLoss, array(4, 3), CLASSES, cross_entropy_rows),
    "NLLLoss": (nn.NLLLoss, array(4, 3), CLASSES, lambda x, t: -x[np.arange(4), t]),
    "BCELoss": (
        nn.BCELoss, PROBABILITIES, TARGETS, lambda x, t: -(t * np.log(x) + (1 - t) * np.log(1 - x))
    ),
    "BCELoss weighted": (
        lambda reduction: nn.BCELoss(torch.from_numpy(WEIGHTS), reduction=reduction),
        PROBABILITIES, TARGETS, lambda x, t: -WEIGHTS * (t * np.log(x) + (1 - t) * np.log(1 - x)),
    ),
    "BCEWithLogitsLoss": (
        nn.BCEWithLogitsLoss, 5 * array(4, 3), TARGETS, lambda x, t: t * SOFTPLUS(-x) + (1 - t) * SOFTPLUS(x)
    ),
    "BCEWithLogitsLoss with pos_weight": (
        lambda reduction: nn.BCEWithLogitsLoss(pos_weight=torch.from_numpy(WEIGHTS), reduction=reduction),
        array(4, 3), TARGETS, lambda x, t: WEIGHTS * t * SOFTPLUS(-x) + (1 - t) * SOFTPLUS(x),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_losses_against_numpy_and_finite_differences(name, reduction):
    make, x, t, formula = LOSSES[name]
    loss = make(reduction=reduction)
    want = formula(x, t)
    want = want if reduction == "none" else want.mean() if reduction == "mean" else want.sum()
    given, target = torch.from_numpy(x.copy()).requires_grad_(), torch.from_numpy(t.copy())
    np.testing.assert_allclose(loss(given, target).detach().numpy(), want, rtol=1e-10)
    assert autograd.gradcheck(lambda v: loss(v, target), (given,))
    assert autograd.gradgradcheck(lambda v: loss(v, target), (given,))


def test_the_gradient_of_bce_with_logits_at_zero_is_sigmoid_minus_target():
    x = torch.zeros(2, requires_grad=True)
    nn.BCEWithLogitsLoss(reduction="sum")(x, torch.tensor([0.0, 1.0])).backward()
    assert x.grad.tolist() == [0.5, -0.5]


def test_bce_is_finite_at_the_ends():
    x = torch.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, torch.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
    assert loss.tolist() == [0, 0, 100, 100]
    loss.sum().backward()
    assert bool(x.grad.isfinite().all())


def test_a_mismatch_of_shapes_is_warned_about_or_refused():
    column, row = torch.zeros(3, 1), torch.zeros(3)
    for f in (F.mse_loss, nn.MSELoss(), F.l1_loss, F.smooth_l1_loss):
        with pytest.warns(UserWarning, match=r"Using a target size \(torch.Size\(\[3\]\)\)") as caught:
            f(column, row)
        assert "(N, 1) and (N,)" in str(caught[0].message)
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.mse_loss(row, row)
    for f in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match="must be the same as input size"):
            f(column, row)
    with pytest.raises(ValueError, match="between 0 and 1"):
        F.binary_cross_entropy(row + 2, row)
    with pytest.raises(TypeError, match=r"target\.float\(\)"):
        F.binary_cross_entropy_with_logits(row, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(TypeError, match="expected two tensors"):
        F.mse_loss(row, 0.0)


def test_old_reduction_arguments_still_mean_what_they_did():
    x, t = torch.tensor([1.0, 3.0]), torch.zeros(2)
    assert nn.MSELoss(size_average=False)(x, t).item() == 10
    assert nn.MSELoss(reduce=False)(x, t).tolist() == [1, 9]
    assert F.mse_loss(x, t, size_average=True).item() == 5


# Initialization


def test_gains_are_those_of_the_formulas():
    gain = nn.init.calculate_gain
    assert gain("linear") == gain("sigmoid") == gain("conv2d") == 1
    assert gain("tanh") == 5 / 3
    assert gain("relu") == math.sqrt(2)
    assert gain("leaky_relu", 0.5) == pytest.approx(math.sqrt(2 / 1.25))


@pytest.mark.parametrize(
    ("fill", "spread"),
    [
        (lambda w: nn.init.uniform_(w, -2, 2), 2 / math.sqrt(3)),
        (lambda w: nn.init.normal_(w, std=3), 3),
        (lambda w: nn.init.xavier_uniform_(w, gain=2), 2 * math.sqrt(2 / 500)),
        (lambda w: nn.init.xavier_normal_(w), math.sqrt(2 / 500)),
        (lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu"), math.sqrt(2 / 300)),
        (lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="linear"), math.sqrt(1 / 200)),
        (lambda w: nn.init.trunc_normal_(w, std=1), 0.8796),
    ],
)
def test_initial_values_have_the_promised_spread(fill, spread):
    w = nn.Parameter(torch.zeros(200, 300))
    assert fill(w) is w
    assert w.requires_grad
    assert w.is_leaf
    values = w.detach().numpy()
    assert values.std() == pytest.approx(spread, rel=0.02)
    assert abs(values.mean()) < 0.02 * spread


def test_constants_and_truncation():
    w = torch.zeros(4, 4)
    assert nn.init.ones_(w).sum().item() == 16
    assert nn.init.constant_(w, 0.5).sum().item() == 8
    assert nn.init.eye_(w).sum().item() == 4
    assert nn.init.zeros_(w).sum().item() == 0
    assert float(nn.init.trunc_normal_(torch.zeros(5000), a=-1, b=0.5).max()) <= 0.5
    with pytest.warns(UserWarning, match="no-op"):
        nn.init.kaiming_uniform_(torch.zeros(0, 3))


# Gradients of many parameters


def test_clipping_by_norm_scales_all_gradients_alike():
    a, b = torch.zeros(2, requires_grad=True), torch.zeros(1, requires_grad=True)
    a.grad, b.grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    assert nn.utils.clip_grad_norm_([a, b], 1.0).item() == pytest.approx(5)
    np.testing.assert_allclose([*a.grad.tolist(), *b.grad.tolist()], [0.6, 0, 0.8], rtol=1e-5)
    assert nn.utils.clip_grad_norm_([a, b], 10.0).item() == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(b.grad.tolist(), [0.8], rtol=1e-5)
    nn.utils.clip_grad_value_([a, b], 0.5)
    assert [*a.grad.tolist(), *b.grad.tolist()] == [0.5, 0, 0.5]
    assert nn.utils.clip_grad_norm_(a, 1.0, norm_type=math.inf).item() == 0.5
    a.grad[0] = math.inf
    with pytest.raises(RuntimeError, match="non-finite"):
        nn.utils.clip_grad_norm_([a, b], 1.0, error_if_nonfinite=True)
    assert nn.utils.clip_grad_norm_([torch.zeros(1)], 1.0).item() == 0


def test_parameters_become_a_vector_and_come_back():
    net = nn.Linear(3, 2)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (8,)
    other = nn.Linear(3, 2)
    nn.utils.vector_to_parameters(vector.detach(), other.parameters())
    assert torch.equal(other.weight, net.weight)
    assert torch.equal(other.bias, net.bias)


# Learning


def test_a_small_network_learns_a_product():
    x = torch.from_numpy(array(100, 2))
    y = (x[:, :1] * x[:, 1:] > 0).double()
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)).double()
    loss_function = nn.BCEWithLogitsLoss()
    first = None
    for _ in range(200):
        net.zero_grad()
        loss = loss_function(net(x), y)
        first = loss.item() if first is None else first
        loss.backward()
        with torch.no_grad():
            for p in net.parameters():
                p -= 2.0 * p.grad
    assert loss.item() < 0.3 * first


@pytest.mark.parametrize(
    "name",
    [
        "module", "parameter", "parameters", "containers", "linear", "sparse", "convolution", "activation", "softmax",
        "dropout", "normalization", "batchnorm", "losses", "margins", "distance", "functional", "functional.distance",
        "functional.embedding", "functional.normalization", "init",
    ],
)  # fmt: skip
def test_examples_of_the_documentation(name):
    module = importlib.import_module(f"nanograd.nn.{name}")
    result = doctest.testmod(module, extraglobs={"torch": torch, "nn": nn, "F": F})
    assert not result.failed
