"""autograd.Function: several inputs and outputs, what is saved, what is refused."""

import gc
import weakref

import numpy as np
import pytest

import nanograd as torch
from nanograd.errors import GradError, ShapeError


class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Several(torch.autograd.Function):
    """(x z, k Σ x, 5)"""

    @staticmethod
    def forward(ctx, x, k, z):
        ctx.k = k
        ctx.save_for_backward(x, z)
        return x * z, x.sum() * k, 5

    @staticmethod
    def backward(ctx, a, b, c):
        assert c is None
        x, z = ctx.saved_tensors
        ctx_needs.append(ctx.needs_input_grad)
        return a * z + b * ctx.k, None, a * x if ctx.needs_input_grad[2] else None


ctx_needs = []


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_an_output_that_is_saved_and_its_second_derivative():
    x = leaf(0.5, -1.0)
    y = Exp.apply(x)
    assert repr(y.grad_fn).startswith("<ExpBackward")
    assert torch.autograd.gradcheck(Exp.apply, (x,))
    assert torch.autograd.gradgradcheck(Exp.apply, (x,))
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([0.5, -1.0]))


def test_a_saved_output_makes_no_cycle():
    y = Exp.apply(leaf(1.0))
    alive = weakref.ref(y)
    gc.disable()
    try:
        del y
        assert alive() is None
    finally:
        gc.enable()


def test_several_inputs_and_outputs():
    x, z = leaf(1.0, 2.0), leaf(3.0, 4.0)
    a, b, c = Several.apply(x, 7.0, z)
    assert c == 5
    (a.sum() + b).backward()
    assert x.grad.tolist() == [10.0, 11.0]
    assert z.grad.tolist() == [1.0, 2.0]
    assert ctx_needs[-1] == (True, False, True)
    a, b, _ = Several.apply(x, 7.0, z.detach())
    a.sum().backward()  # b has no gradient: zeros are given
    assert x.grad.tolist() == [13.0, 15.0]
    assert ctx_needs[-1] == (True, False, False)


def test_without_zeros_for_outputs_that_have_no_gradient():
    seen = []

    class Pair(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append((a is None, b is None))
            return b * 3

    x = leaf(1.0)
    Pair.apply(x)[1].backward()
    assert seen == [(True, False)]
    assert x.grad.tolist() == [3.0]


def test_setup_context():
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(x, y):
            return x * y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * y, g * x

    assert torch.autograd.gradcheck(Product.apply, (leaf(1.0, 2.0), leaf(3.0, 4.0)))
    assert torch.autograd.gradgradcheck(Product.apply, (leaf(1.0, 2.0), leaf(3.0, 4.0)))


def test_an_input_written_in_place_and_marked():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    w = leaf(1.0, 2.0)
    x = w * 1
    assert Double.apply(x) is x
    (x * x).sum().backward()  # 4 w²
    assert w.grad.tolist() == [8.0, 16.0]
    with pytest.raises(GradError, match="a leaf tensor"):
        Double.apply(w)


def test_an_input_returned_as_it_is_becomes_another_tensor():
    class Same(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    y.backward()
    assert x.grad.tolist() == [3.0]


def test_outputs_without_gradient():
    class Largest(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            value, place = x.max(0)
            ctx.mark_non_differentiable(place)
            ctx.place = place
            ctx.size = x.shape
            return value, place

        @staticmethod
        def backward(ctx, g, _):
            y = torch.zeros(ctx.size, dtype=g.dtype)
            y[ctx.place] = g
            return y

    x = leaf(1.0, 5.0, 2.0)
    value, place = Largest.apply(x)
    assert not place.requires_grad
    value.backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


def test_what_was_saved_is_freed_and_checked():
    x = leaf(1.0, 2.0)
    y = Exp.apply(x)
    y.sum().backward()
    with pytest.raises(GradError, match=r"ExpBackward was already used.*retain_graph"):
        y.sum().backward()
    y = Exp.apply(x)
    y.mul_(2)
    with pytest.raises(GradError, match="written in place since"):
        y.sum().backward()


def test_nothing_is_recorded_inside_forward_or_without_grad():
    class Inside(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            assert not y.requires_grad
            return y

        @staticmethod
        def backward(ctx, g):
            return g * 2

    with torch.no_grad():
        assert not Inside.apply(leaf(1.0)).requires_grad
    assert not Inside.apply(torch.ones(2)).requires_grad


def made(returned):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return returned(g)

    return Wrong


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (lambda g: g, GradError, r"WrongBackward returned an incorrect number of gradients \(expected 2, got 1\)"),
        (lambda g: (g, g, g), GradError, r"expected 2, got 3"),
        (lambda g: (g[:1], g), ShapeError, r"invalid gradient at index 0 - got \[1\] but expected .* \[2\]"),
        (lambda g: (1.0, g), TypeError, r"returned a float as gradient 0"),
    ],
)
def test_what_backward_may_not_return(returned, error, words):
    with pytest.raises(error, match=words):
        made(returned).apply(leaf(1.0, 2.0), leaf(3.0, 4.0)).sum().backward()


def test_other_mistakes():
    with pytest.raises(RuntimeError, match=r"call Exp\.apply"):
        Exp()

    class Keeps(Exp):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)

    with pytest.raises(TypeError, match="save_for_backward can only save variables"):
        Keeps.apply(leaf(1.0))

    class Nothing(torch.autograd.Function):
        pass

    with pytest.raises(NotImplementedError, match="must implement the forward"):
        Nothing.apply(leaf(1.0))


def test_once_differentiable():
    from nanograd.autograd.function import once_differentiable

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = leaf(3.0)
    Square.apply(x).sum().backward()
    assert x.grad.tolist() == [6.0]
    (g,) = torch.autograd.grad(Square.apply(x), x, leaf(1.0), create_graph=True)
    with pytest.raises(GradError, match="once_differentiable"):
        g.sum().backward()


def test_variable_is_a_leaf_of_the_same_memory():
    x = torch.ones(2, dtype=torch.float64)
    v = torch.autograd.Variable(x, requires_grad=True)
    assert v.requires_grad
    assert v.dtype == torch.float64
    assert v.data_ptr() == x.data_ptr()
    assert isinstance(x, torch.autograd.Variable)
    with pytest.raises(TypeError, match="volatile is gone"):
        torch.autograd.Variable(x, volatile=True)


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


def test_a_second_way_back_with_the_same_gradient_runs_backward_again():
    x, g = torch.tensor([1.0, 2.0], requires_grad=True), torch.ones(2)
    y = Double.apply(x)
    y.backward(g, retain_graph=True)
    g.mul_(10)
    x.grad = None
    y.backward(g, retain_graph=True)
    assert x.grad.tolist() == [20.0, 40.0]
    (first,) = torch.autograd.grad(y, x, g, create_graph=True)
    assert torch.autograd.grad(first.sum(), x)[0].tolist() == [20.0, 20.0]


def test_what_backward_gave_is_not_kept():
    made = []

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            found = g * 2
            made.append(weakref.ref(found))
            return found

    x = torch.ones(2, requires_grad=True)
    y = Twice.apply(x * 1).sum()
    y.backward(retain_graph=True)
    assert y.grad_fn is not None
    assert made[0]() is None


class SameMemory(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x[:2]

    @staticmethod
    def backward(ctx, g):
        return torch.cat([g, torch.zeros(1)])


@pytest.mark.parametrize(
    ("use", "wanted", "sum_of_w"), [(lambda v: v, [3.0, 3.0, 0.0], 2.0), (lambda v: v[:1] * 2, [6.0, 0.0, 0.0], 2.0)]
)
def test_a_view_from_a_function_whose_memory_was_written_since_is_refused(use, wanted, sum_of_w):
    w, u = torch.ones(3, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    a = w * 1
    v = SameMemory.apply(a)
    before = v * 5
    a.mul_(u)
    before.sum().backward(retain_graph=True)
    assert w.grad.tolist() == [5.0, 5.0, 0.0]
    with pytest.raises(GradError, match="gave a view of memory that was written in place"):
        use(v).sum().backward()
    fresh = SameMemory.apply(a)
    w.grad = None
    use(fresh).sum().backward()
    assert w.grad.tolist() == wanted
    assert u.grad.item() == sum_of_w


def test_an_input_that_was_marked_dirty_makes_no_cycle():
    class Tripled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            ctx.save_for_backward(x.mul_(3))
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3 * (ctx.saved_tensors[0] / 3)

    w = torch.ones(2, requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        for make in (lambda: w * 1, lambda: (w * 1)[:1]):
            y = Tripled.apply(make())
            y.sum().backward()
            y = Tripled.apply(make())
            node = weakref.ref(y.grad_fn)
            del y
            assert node() is None
    finally:
        gc.enable()
