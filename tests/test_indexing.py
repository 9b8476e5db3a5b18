"""Indexing: NumPy's meaning where torch has it too, views and copies, gradients, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nanograd as torch
from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.testing import assert_close

unhurried = settings(deadline=None, max_examples=150)


@st.composite
def array_and_index(draw: Any) -> Any:
    """An array, and an index of integers, slices with positive steps, None and Ellipsis."""
    a = draw(
        arrays.arrays(
            np.float64, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5), elements=st.floats(-9, 9)
        )
    )
    index = draw(arrays.basic_indices(a.shape, allow_newaxis=True, allow_ellipsis=True))
    places = index if isinstance(index, tuple) else (index,)
    return a, tuple(slice(i.start, i.stop, abs(i.step or 1)) if isinstance(i, slice) else i for i in places)


@unhurried
@given(array_and_index())
def test_basic_indices_are_numpys_and_views(case: Any) -> None:
    a, index = case
    x = torch.tensor(a)
    y = x[index]
    np.testing.assert_array_equal(y.numpy(), a[index])
    assert y.shape == a[index].shape
    if y.numel():
        assert np.shares_memory(y.numpy(), x.numpy())


@unhurried
@given(array_and_index(), st.floats(-9, 9))
def test_writing_is_numpys_and_its_gradient_is_what_was_kept(case: Any, number: float) -> None:
    a, index = case
    x = torch.tensor(a, requires_grad=True)
    v = torch.tensor(number, dtype=torch.float64, requires_grad=True)
    y = x * 1
    y[index] = v
    expected, kept = a.copy(), np.ones_like(a)
    expected[index], kept[index] = number, 0
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), kept)
    assert v.grad is None or v.grad.item() == a[index].size
    assert v.grad is not None or not a[index].size


@unhurried
@given(st.data(), arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5))
def test_index_arrays_are_numpys_and_their_gradient_counts(data: Any, shape: tuple[int, ...]) -> None:
    index = data.draw(arrays.integer_array_indices(shape, result_shape=arrays.array_shapes(max_dims=2, max_side=4)))
    a = np.random.default_rng(0).standard_normal(shape)
    x = torch.tensor(a, requires_grad=True)
    y = x[tuple(torch.tensor(i) for i in index)]
    np.testing.assert_array_equal(y.detach().numpy(), a[index])
    y.sum().backward()
    counts = np.zeros(shape)
    np.add.at(counts, index, 1)
    np.testing.assert_array_equal(x.grad.numpy(), counts)


@unhurried
@given(arrays.arrays(np.bool_, arrays.array_shapes(max_dims=3, max_side=5)))
def test_masks(mask: Any) -> None:
    a = np.arange(mask.size, dtype=np.float64).reshape(mask.shape)
    x = torch.tensor(a)
    np.testing.assert_array_equal(x[torch.tensor(mask)].numpy(), a[mask])
    np.testing.assert_array_equal(torch.tensor(mask).nonzero().numpy(), np.argwhere(mask))
    places = torch.where(torch.tensor(mask))
    np.testing.assert_array_equal(x[places].numpy(), a[mask])
    x[torch.tensor(mask)] = -1.0
    assert (x.numpy() == np.where(mask, -1, a)).all()


def test_forms_of_one_index() -> None:
    x = torch.arange(12).reshape(3, 4)
    row = [4, 5, 6, 7]
    for index in (1, -2, np.int64(1), torch.tensor(1), (1,), (1, ...), (torch.tensor(1), slice(None))):
        assert x[index].tolist() == row
    for index in (
        [1, 1],
        np.array([1, 1]),
        torch.tensor([1, 1]),
        torch.tensor([1, 1], dtype=torch.int32),
        [torch.tensor(1).item()] * 2,
    ):
        assert x[index].tolist() == [row, row]
    assert x[torch.tensor([0, 1, 0], dtype=torch.uint8)].tolist() == [row]  # uint8 is a mask, as in torch
    assert x[True].shape == (1, 3, 4)
    assert x[False].shape == (0, 3, 4)
    assert x[[]].shape == (0, 4)
    assert x[1, 2].item() == 6
    assert [r.tolist() for r in x] == x.tolist()


def test_a_change_of_the_index_afterwards_changes_nothing() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    index = torch.tensor([0, 0])
    y = x[index]
    index.fill_(2)
    y.sum().backward()
    assert_close(x.grad, torch.tensor([2.0, 0.0, 0.0]))


def test_reading_many_parts_adds_into_one_gradient() -> None:
    x = torch.ones(50, 40, requires_grad=True)
    h = x * 1
    total = sum((h[:, t] * t).sum() for t in range(40))
    total.backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.broadcast_to(np.arange(40.0), (50, 40)))


def test_the_value_may_look_at_what_is_written() -> None:
    x = torch.arange(5)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3]
    y = torch.arange(5.0, requires_grad=True) * 1
    y[1:] = y[:-1]
    assert y.tolist() == [0, 0, 1, 2, 3]


def test_values_are_cast_and_broadcast() -> None:
    x = torch.zeros(2, 3, dtype=torch.int64)
    x[0] = 2.9
    x[1] = torch.tensor([1.5, 2.5, 3.5])
    assert x.tolist() == [[2, 2, 2], [1, 2, 3]]
    x[:, 1] = [7, 8]
    assert x[:, 1].tolist() == [7, 8]
    y = torch.zeros(2, 2)
    y[0] = torch.tensor([[1, 2]])
    assert y.tolist() == [[1, 2], [0, 0]]


def test_several_writes_and_reads_in_one_graph() -> None:
    """The derivative of a chain of writes, beside differences."""

    def chain(x: Any, v: Any) -> Any:
        y = x.clone()
        y[0] = v * y[1].clone()
        z = y[torch.tensor([0, 2, 0])] * 1
        z[1] = z[0].clone() * v
        y[:, 1] = z[:, 0]
        return (y * y).sum() + z.prod()

    x = torch.tensor(np.random.default_rng(0).standard_normal((3, 3)), requires_grad=True)
    v = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(chain, (x, v))
    assert torch.autograd.gradgradcheck(chain, (x, v))


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda x: x[3], IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
    (lambda x: x[0, -5], IndexError, "index -5 is out of bounds for dimension 1 with size 4"),
    (lambda x: x[0, 0, 0], IndexError, r"too many indices for tensor of dimension 2: got 3 for shape \(3, 4\)"),
    (lambda x: x[[0, 3]], IndexError, r"index 3 is out of bounds.*\(3, 4\)"),
    (lambda x: x[torch.tensor([0.0])], IndexError, "must be integer or bool, got torch.float32. Use .long()"),
    (lambda x: x[0.5], IndexError, "only integers, slices.*got float 0.5"),
    (lambda x: x["a"], IndexError, "got str 'a'"),
    (lambda x: x[[0.5]], IndexError, "index: "),
    (lambda x: x[::-1], ValueError, r"slice steps must be greater than 0, got -1. Use .flip\(dim\)"),
    (lambda x: x[::0], ValueError, "slice steps must be greater than 0"),
    (lambda x: x[[True, False]], IndexError, r"index: .*\(3, 4\)"),
    (lambda x: x[torch.ones(3, 3, dtype=torch.bool)], IndexError, r"index: .*\(3, 4\)"),
    (
        lambda x: x[[[0, 1], [1, 2]]],
        IndexError,
        r"can be read in two ways.*x\[tuple\(index\)\].*x\[torch.tensor\(index\)\]",
    ),
    (lambda x: x[[torch.tensor(0), torch.tensor(1)]], IndexError, "can be read in two ways"),
    (lambda x: x[[0, 1], [0, 1, 2]], IndexError, "index: "),
    (lambda x: x.select(0, 3), IndexError, r"select: index 3 out of range for tensor of size \[3, 4\] at dimension 0"),
    (lambda x: x.select(2, 0), IndexError, "select: Dimension out of range"),
    (
        lambda x: x.narrow(0, 4, 0),
        IndexError,
        r"narrow: start out of range \(expected to be in range of \[-3, 3\], but got 4",
    ),
    (lambda x: x.narrow(0, 2, 2), ShapeError, r"narrow: start \(2\) \+ length \(2\) exceeds dimension 0 of size 3"),
    (lambda x: x.narrow(0, 0, -1), ShapeError, "narrow: length must be non-negative"),
    (lambda x: x.gather(0, torch.zeros(3, 5, dtype=torch.int64)), ShapeError, r"the index of shape \(3, 5\)"),
    (lambda x: x.index_select(0, torch.tensor([-4])), IndexError, "out of bounds"),
    (
        lambda x: x.__setitem__(0, torch.ones(3)),
        ShapeError,
        r"setitem: the value of shape \(3,\) cannot be broadcast .* \(4,\)",
    ),
    (lambda x: x.__setitem__(0, "a"), DTypeError, "setitem: expected a tensor or a number to store, got str"),
    (lambda x: x.__setitem__(5, 0), IndexError, "index 5 is out of bounds"),
    (lambda x: x.byte().__setitem__(0, -1), DTypeError, "setitem: the value -1 cannot be converted to type uint8"),
    (lambda x: x.float().requires_grad_().__setitem__(0, 1.0), GradError, r"setitem: a leaf tensor of shape \(3, 4\)"),
    (lambda x: x.float().requires_grad_()[0].__setitem__(0, 1.0), GradError, "setitem: a view of a leaf tensor"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_refused(number: int) -> None:
    call, kind, words = REFUSED[number]
    x = torch.arange(12).reshape(3, 4)
    before = x.tolist()
    with pytest.raises(kind, match=words):
        call(x)
    assert x.tolist() == before


def test_views_of_what_is_written_follow_it() -> None:
    """A view taken before a recorded write must not carry on with the gradient of before."""
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    early = y[:2]
    y[0] = 10.0
    (early * early).sum().backward()
    assert_close(x.grad, torch.tensor([0.0, 4.0, 0.0]))
    x.grad = None
    z = x * 1
    z[0] = 10.0
    (z[:2] * z[:2]).sum().backward()
    assert_close(x.grad, torch.tensor([0.0, 4.0, 0.0]))


# In place

TWINS: dict[str, Callable[[Any, Any, str], Any]] = {
    "scatter": lambda x, v, n: getattr(x, n)(0, torch.tensor([[2, 0, 1, 1]]), v[:1]),
    "scatter_add": lambda x, v, n: getattr(x, n)(0, torch.tensor([[2, 0, 1, 1]]), v[:1]),
    "scatter_reduce": lambda x, v, n: getattr(x, n)(1, torch.tensor([[2, 2, 1, 1]]), v[:1], "prod"),
    "index_add": lambda x, v, n: getattr(x, n)(0, torch.tensor([2, 2]), v[:2], alpha=0.5),
    "index_copy": lambda x, v, n: getattr(x, n)(0, torch.tensor([2, 0]), v[:2]),
    "index_fill": lambda x, v, n: getattr(x, n)(1, torch.tensor([2, 0]), v[0, 0]),
    "index_put": lambda x, v, n: getattr(x, n)((torch.tensor([2, 0]), torch.tensor([1, 1])), v[0, 0]),
    "index_reduce": lambda x, v, n: getattr(x, n)(0, torch.tensor([2, 2]), v[:2], "mean"),
    "put": lambda x, v, n: getattr(x, n)(torch.tensor([5, -1]), v[0, :2]),
    "masked_scatter": lambda x, v, n: getattr(x, n)(torch.tensor([True, False, True, True]), v),
    "tril": lambda x, v, n: getattr(x, n)(1),
    "triu": lambda x, v, n: getattr(x, n)(),
    "squeeze": lambda x, v, n: getattr(x, n)(0),
    "unsqueeze": lambda x, v, n: getattr(x, n)(1),
    "t": lambda x, v, n: getattr(x, n)(),
    "transpose": lambda x, v, n: getattr(x, n)(1, 0),
    "swapaxes": lambda x, v, n: getattr(x, n)(1, 0),
    "swapdims": lambda x, v, n: getattr(x, n)(1, 0),
}


@pytest.mark.parametrize("name", TWINS)
def test_twins(name: str) -> None:
    """x.name_() is x, with what name() gives, and flows the same gradients; on a leaf it is refused."""
    rng = np.random.default_rng(0)
    x, v = (torch.tensor(rng.standard_normal((3, 4)), requires_grad=True) for _ in range(2))
    y = TWINS[name](x * 1, v, name)
    k = x * 1
    z = TWINS[name](k, v, f"{name}_")
    assert z is k
    assert_close(z, y)
    assert z.shape == y.shape
    assert z.stride() == y.stride()
    w = torch.tensor(rng.standard_normal(tuple(y.shape)))
    grads = [torch.autograd.grad((out * w).sum(), (x, v), allow_unused=True) for out in (y, z)]
    for a, b in zip(*grads, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert_close(b, a)
    with pytest.raises(GradError, match=f"{name}_: a"):
        TWINS[name](x, v.detach(), f"{name}_")


def test_a_shape_that_changes_in_place_does_not_mislead_the_way_back() -> None:
    x = torch.ones(3, requires_grad=True)
    h = x * 2
    y = h * h
    h.unsqueeze_(0)
    with pytest.raises(GradError, match="written in place since"):
        y.sum().backward()
    h = x * 2
    early = h[:2]
    with pytest.raises(GradError, match="has views, which know the shape of before"):
        h.unsqueeze_(0)
    assert early.shape == (2,)
    plain = torch.zeros(1, 3)
    view = plain[0]
    assert plain.squeeze_() is plain
    view[1] = 5
    assert plain.tolist() == [0, 5, 0]


def test_filled_diagonals() -> None:
    x = torch.ones(3, 3, requires_grad=True)
    (x * 2).fill_diagonal_(0).sum().backward()
    assert x.grad.tolist() == [[0, 2, 2], [2, 0, 2], [2, 2, 0]]
    assert torch.zeros(7, 3).fill_diagonal_(1, wrap=True).sum(1).tolist() == [1, 1, 1, 0, 1, 1, 1]
    assert torch.zeros(3, 3, 3).fill_diagonal_(2).nonzero().tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]


def test_memory_that_is_resized_or_exchanged() -> None:
    x = torch.arange(6.0)
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.resize_(2, 3).tolist() == [[0, 1, 2], [3, 4, 5]]  # the memory was kept
    assert x.resize_(8).shape == (8,)
    y = torch.zeros(3)
    view = y[:1]
    with pytest.raises(ShapeError, match=r"resize_: .*shares its memory, which is too small"):
        y.resize_(9)
    with pytest.raises(GradError, match="resize_: cannot change the memory of a tensor that requires grad"):
        torch.ones(2, requires_grad=True).resize_(3)
    assert y.set_(x) is y
    x[0] = 9
    assert y[0] == 9
    assert view.shape == (1,)
    assert torch.zeros(3).set_().shape == (0,)


def test_parts_of_memory_by_strides() -> None:
    x = torch.arange(12.0).reshape(3, 4)
    view = x[1:].as_strided((2, 2), (4, 1), 0)  # from the start of the memory, not of the part
    assert view.tolist() == [[0, 1], [4, 5]]
    view[0, 0] = 7
    assert x[0, 0] == 7
    assert x.expand(2, 3, 4).as_strided((3,), (4,)).tolist() == [7, 4, 8]
    base = torch.ones(3, requires_grad=True)
    base.expand(2, 3).as_strided((2,), (1,)).sum().backward()
    assert base.grad.tolist() == [1, 1, 0]


def test_what_repeats_along_a_window_adds_up() -> None:
    x = torch.zeros(5, requires_grad=True)
    x.unfold(0, 3, 1).sum().backward()
    assert x.grad.tolist() == [1, 2, 3, 2, 1]


def test_bytes_read_as_another_dtype() -> None:
    x = torch.tensor([1.0, -2.0])
    assert x.view(torch.int32).tolist() == [0x3F800000, -0x40000000]
    x.view(torch.uint8)[3] = 0x40
    assert x[0] == 4.0
    for call, words in (
        (lambda: torch.zeros(3).view(torch.float64), r"self.size\(-1\) must be divisible by 2"),
        (lambda: torch.tensor(1.0).view(torch.float64), r"self.dim\(\) cannot be 0"),
        (lambda: torch.zeros(3, 2).t().view(torch.int16), r"self.stride\(-1\) must be 1"),
        (lambda: torch.zeros(4)[1:3].view(torch.float64), r"self.storage_offset\(\) and the strides must be divisible"),
    ):
        with pytest.raises(ShapeError, match=words):
            call()


def test_what_is_left_out_of_an_extreme_takes_no_share() -> None:
    x = torch.tensor([3.0, 1.0], requires_grad=True)
    v = torch.tensor([3.0, 2.0], requires_grad=True)
    x.scatter_reduce(0, torch.tensor([0, 0]), v, "amax", include_self=False).sum().backward()
    assert v.grad.tolist() == [1, 0]  # x[0] = 3 is not one of those compared
    assert x.grad.tolist() == [0, 1]


def test_a_slice_filled_twice_counts_once() -> None:
    v = torch.tensor(2.0, requires_grad=True)
    torch.zeros(3, 2).index_fill(0, torch.tensor([2, -1, 2]), v).sum().backward()
    assert v.grad.item() == 2


def test_products_with_zeros_among_them() -> None:
    x = torch.tensor([0.0, 2.0], dtype=torch.float64, requires_grad=True)
    v = torch.tensor([3.0, 0.0, 5.0], dtype=torch.float64, requires_grad=True)
    index = torch.tensor([0, 1, 1])
    x.scatter_reduce(0, index, v, "prod").sum().backward()
    assert x.grad.tolist() == [3, 0]
    assert v.grad.tolist() == [0, 10, 0]


def test_as_strided_in_place_looks_elsewhere() -> None:
    x = torch.arange(6.0)
    memory = x.data_ptr()
    assert x.as_strided_((2, 2), (3, 1)) is x
    assert x.tolist() == [[0.0, 1.0], [3.0, 4.0]]
    assert x.data_ptr() == memory
    assert x.share_memory_() is x
