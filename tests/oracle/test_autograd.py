"""Derivatives of functions and hooks of modules, beside torch."""

import numpy as np
import pytest

import nanograd

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")


def flat(value):
    """Every tensor in nested tuples, as arrays."""
    if isinstance(value, (list, tuple)):
        return [a for v in value for a in flat(v)]
    return [np.asarray(value.detach() if hasattr(value, "detach") else value)]


def same(program):
    wanted, found = flat(program(torch)), flat(program(nanograd))
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_derivatives_of_functions():
    def program(t):
        f = t.autograd.functional
        x = t.tensor([1.0, 2.0, 3.0], dtype=t.float64)
        z = t.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=t.float64)
        one, ones = (lambda x: (x**2).sum() * x), t.ones(3, dtype=t.float64)
        two = lambda x, z: ((x**3).sum() * z, z.sum() + x)  # noqa: E731
        scalar = lambda x, z: (x**3).sum() * (z**2).sum()  # noqa: E731
        yield_ = [f.jacobian(one, x), f.jacobian(two, (x, z)), f.jacobian(lambda x: x * 0 + z[0, 0], x)]
        yield_ += [f.hessian(scalar, (x, z)), f.hessian(lambda x: (x**3).sum(), x)]
        yield_ += [f.vjp(one, x, ones), f.jvp(one, x, ones), f.vjp(lambda x: (x**2).sum(), x)]
        yield_ += [f.vhp(scalar, (x, z), (x, z)), f.hvp(scalar, (x, z), (x, z))]
        w = x.clone().requires_grad_()
        f.jacobian(one, w, create_graph=True).sum().backward()
        return [*yield_, w.grad]

    same(program)


@pytest.mark.parametrize(
    "bad",
    [
        lambda f, t, x: f.hessian(lambda x: x * 2, x),
        lambda f, t, x: f.jacobian(lambda x: t.ones(2, requires_grad=True) * 1, x, strict=True),
        lambda f, t, x: f.vjp(lambda x: x * 2, x),
        lambda f, t, x: f.jvp(lambda x: x * 2, x, t.ones(2, dtype=t.float64)),
        lambda f, t, x: f.jvp(lambda x: x * 2, x),
        lambda f, t, x: f.jacobian(lambda x: 3.0, x),
        lambda f, t, x: f.jacobian(lambda x: x, 3.0),
    ],
)
def test_functions_that_have_no_such_derivative(bad):
    for t in (torch, nanograd):
        with pytest.raises((RuntimeError, TypeError)):
            bad(t.autograd.functional, t, t.tensor([1.0, 2.0, 3.0], dtype=t.float64))


def two_layers(t):
    model = t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Linear(4, 2)).double()
    with t.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(t.arange(p.numel(), dtype=t.float64).reshape(p.shape) * 0.1 - 0.2 * i)
    return model


def test_backward_hooks_of_modules():
    def program(t):
        model, seen = two_layers(t), []
        x = t.tensor([[1.0, -1.0, 0.5]], dtype=t.float64, requires_grad=True)
        model[0].register_full_backward_hook(lambda m, gi, go: seen.extend([*gi, *go]))
        model[1].register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
        model[2].register_full_backward_pre_hook(lambda m, go: (go[0] * 3,))
        handle = model.register_full_backward_hook(lambda m, gi, go: seen.extend([*gi, *go]))
        model(x).sum().backward()
        handle.remove()
        count = len(seen)
        model(x).sum().backward()
        return [*seen, len(seen) - count, x.grad, *(p.grad for p in model.parameters())]

    same(program)


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_backward_hooks_without_gradients_of_inputs():
    def program(t):
        model, seen = two_layers(t), []
        model.register_full_backward_hook(lambda m, gi, go: seen.append((len(gi), gi[0] is None, go[0])))
        model(t.ones(1, 3, dtype=t.float64)).sum().backward()
        return seen

    same(program)


def test_the_order_of_forward_hooks_and_what_they_change():
    def program(t):
        model, order = two_layers(t), []
        model.register_forward_pre_hook(lambda m, a: order.append(1))
        model.register_forward_pre_hook(lambda m, a: (a[0] * 2,), prepend=True)
        model.register_forward_hook(lambda m, a, y: order.append(2) or y * 3)
        model.register_forward_hook(lambda m, a, k, y: order.append(len(k)), with_kwargs=True)
        model[1].register_forward_hook(lambda m, a, y: order.append(3), always_call=True)
        y = model(t.ones(1, 3, dtype=t.float64))
        with pytest.raises((RuntimeError, ValueError)):
            model(t.ones(1, 5, dtype=t.float64))
        model[1].forward = lambda x: 1 / 0
        with pytest.raises(ZeroDivisionError):
            model(t.ones(1, 3, dtype=t.float64))
        return y, order

    same(program)


def test_hooks_of_the_state():
    def program(t):
        model = two_layers(t)
        model[0].register_state_dict_pre_hook(lambda m, prefix, keep: None)
        model[0].register_state_dict_post_hook(lambda m, state, prefix, meta: state.__setitem__(prefix + "more", 7))
        state = model.state_dict()
        keys = list(state)
        other = two_layers(t)
        other[0].register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: state.pop(prefix + "more"))
        other.register_load_state_dict_post_hook(lambda m, incompatible: keys.append(str(len(incompatible))))
        other.load_state_dict(state)
        return [len("".join(keys)), *other.state_dict().values()]

    same(program)


def test_extra_state():
    def program(t):
        class Counter(t.nn.Module):
            def __init__(self):
                super().__init__()
                self.count = 3

            def get_extra_state(self):
                return {"count": self.count}

            def set_extra_state(self, state):
                self.count = state["count"]

        model = t.nn.Sequential(Counter(), t.nn.Linear(1, 1))
        state = model.state_dict()
        assert list(state) == ["0._extra_state", "1.weight", "1.bias"]
        state["0._extra_state"] = {"count": 9}
        model.load_state_dict(state)
        return model[0].count

    same(program)


def test_buffers_as_attributes_and_submodules_by_path():
    def program(t):
        model = two_layers(t)
        model.register_module("extra", t.nn.Sequential(t.nn.Identity()))
        model.set_submodule("extra.0", t.nn.Linear(1, 1))
        model.scale = t.nn.Buffer(t.ones(2))
        model.hidden = t.nn.Buffer(t.ones(3), persistent=False)
        return len(list(model.state_dict())), len(list(model.buffers())), repr(model) and 1

    same(program)
