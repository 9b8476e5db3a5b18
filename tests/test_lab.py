"""The seams: a learner's kernel, pullback, method and class inside the live library, met by every path, and counted."""

import numpy as np
import pytest

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import lab, nn
from nanograd.kernels import matmul as kernels_matmul
from nanograd.nn.functional import linear as imported_linear
from nanograd.ops.linalg import matmul as imported_matmul


def leaf(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).requires_grad_()


def my_matmul(a, b):
    return np.einsum("...ij,...jk->...ik", a, b)


def test_a_kernel_is_met_through_operator_method_function_and_from_import():
    a, b, w = leaf(2, 3), leaf(3, 5, seed=1), leaf(7, 3, seed=2)
    expected = (a @ b).detach().numpy()
    with lab.replace("kernels.matmul.matmul", my_matmul) as mine:
        for path in (lambda: a @ b, lambda: a.matmul(b), lambda: torch.matmul(a, b), lambda: imported_matmul(a, b)):
            before = mine.calls
            np.testing.assert_allclose(path().detach().numpy(), expected)
            assert mine.calls == before + 1
        for path in (lambda: F.linear(a, w), lambda: imported_linear(a, w), lambda: nn.Linear(3, 7).double()(a)):
            before = mine.calls
            path()
            assert mine.calls == before + 1, "the fused linear hid the learner's product"
    total = mine.calls
    a @ b
    assert mine.calls == total


def test_nothing_is_left_behind():
    code = kernels_matmul.matmul.__code__
    scope = set(kernels_matmul.matmul.__globals__)
    with lab.replace("kernels.matmul.matmul", my_matmul):
        assert kernels_matmul.matmul.__code__ is not code
    assert kernels_matmul.matmul.__code__ is code
    assert set(kernels_matmul.matmul.__globals__) == scope


def test_it_is_undone_after_an_exception():
    code = kernels_matmul.matmul.__code__
    with pytest.raises(ZeroDivisionError), lab.replace("kernels.matmul.matmul", lambda a, b: 1 / 0):
        leaf(2, 3) @ leaf(3, 2)
    assert kernels_matmul.matmul.__code__ is code


def test_a_wrong_kernel_shows():
    a, b = leaf(3), leaf(2, 3, seed=1)
    with lab.replace("kernels.reduce.sum_to", lambda g, shape: g[0]) as mine:
        (a * b).sum().backward()
    assert mine.calls == 1
    np.testing.assert_allclose(a.grad.numpy(), b.detach().numpy()[0])


def test_a_pullback_is_met_and_second_derivatives_keep_the_librarys_own():
    a, b = leaf(2, 3), leaf(3, 5, seed=1)
    with lab.replace("ops.linalg.matmul:input", lambda g, a, b: g @ b.T) as mine:
        (a @ b).sum().backward()
        (ga,) = torch.autograd.grad((a @ b).sum(), a, create_graph=True)
    assert mine.calls == 1
    assert ga.shape == (2, 3)
    np.testing.assert_allclose(a.grad.numpy(), ga.detach().numpy())


def test_a_pullback_of_one_tensor_in_two_places():
    a = leaf(3, 3)
    with lab.replace("ops.linalg.matmul:other", lambda g, x, y: 0 * y) as mine:
        (a @ a).sum().backward()
    ones = np.ones((3, 3))
    assert mine.calls == 1
    np.testing.assert_allclose(a.grad.numpy(), ones @ a.detach().numpy().T)


def test_a_pullback_that_the_library_gives_the_output():
    x = leaf(4)
    with lab.replace("ops.elementary.tanh:input", lambda g, x: g * (1 - np.tanh(x) ** 2)) as mine:
        x.tanh().sum().backward()
    assert mine.calls == 1
    np.testing.assert_allclose(x.grad.numpy(), 1 - np.tanh(x.detach().numpy()) ** 2)


def test_a_pullback_refuses_arguments_written_since():
    x = leaf(4)
    y = x * 1
    with lab.replace("ops.elementary.exp:input", lambda g, x: g * np.exp(x)):
        z = y.exp()
        y.add_(1.0)
        with pytest.raises(torch.errors.GradError, match=r"written in place since"):
            z.sum().backward()


def test_a_method_with_a_class_cell_is_met():
    seen = []

    def mine(self, name, value):
        seen.append(name)
        object.__setattr__(self, name, value)

    with lab.replace("nn.module.Module.__setattr__", mine) as used:
        layer = nn.ReLU()
        layer.note = 3
    assert used.calls == len(seen) > 0
    assert "note" in seen
    assert layer.note == 3


def test_a_class_is_met_by_every_name_of_it():
    from nanograd.optim import SGD
    from nanograd.optim.sgd import SGD as same

    class Mine:
        def __init__(self, params, lr):
            self.params, self.lr = list(params), lr

        def step(self):
            with torch.no_grad():
                for p in self.params:
                    p -= self.lr * p.grad

    with lab.replace("optim.sgd.SGD", Mine) as used:
        for cls in (SGD, same, torch.optim.SGD):
            w = leaf(2)
            optimizer = cls([w], lr=0.5)
            assert type(optimizer) is Mine
            w.grad = torch.ones(2, dtype=torch.float64)
            before = w.detach().numpy().copy()
            optimizer.step()
            np.testing.assert_allclose(w.detach().numpy(), before - 0.5)
    assert used.calls == 3
    assert type(SGD([leaf(2)], lr=0.1)) is SGD


def test_a_replacement_class_may_inherit_from_what_it_replaces():
    class Doubled(torch.optim.SGD):
        def __init__(self, params, lr):
            super().__init__(params, lr=2 * lr)

    with lab.replace("optim.sgd.SGD", Doubled) as used:
        assert torch.optim.SGD([leaf(2)], lr=0.25).param_groups[0]["lr"] == 0.5
    assert used.calls == 1


def test_unknown_seams_and_wrong_replacements_are_named():
    with pytest.raises(AttributeError, match=r"'sum_too' is not in nanograd.kernels.reduce. Did you mean 'sum_to'"):
        lab.replace("kernels.reduce.sum_too", my_matmul)
    with pytest.raises(AttributeError, match=r"matmul has the arguments input, other"):
        lab.replace("ops.linalg.matmul:c", my_matmul)
    with pytest.raises(TypeError, match=r"is a class; expected a class"):
        lab.replace("optim.sgd.SGD", my_matmul)
    with (
        lab.replace("kernels.matmul.matmul", lambda a, b: [1]),
        pytest.raises(TypeError, match=r"returned a list; expected a NumPy array"),
    ):
        leaf(2, 3) @ leaf(3, 2)


def test_replacements_of_one_seam_are_undone_in_any_order():
    from nanograd.kernels import elementwise

    code = elementwise.add.__code__
    for order in ((0, 1), (1, 0)):
        both = [lab.replace("kernels.elementwise.add", lambda a, b, n=n: a + b + n) for n in (10, 100)]
        assert (torch.ones(2) + torch.ones(2)).tolist() == [102.0, 102.0]
        both[order[0]].undo()
        assert (torch.ones(2) + torch.ones(2)).tolist() == [[102.0, 102.0], [12.0, 12.0]][order[0]]
        both[order[1]].undo()
        assert (torch.ones(2) + torch.ones(2)).tolist() == [2.0, 2.0]
        assert elementwise.add.__code__ is code
