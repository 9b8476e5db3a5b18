"""Tests of lesson 02: NumPy says what a broadcast, a sum and a join is, finite differences what its gradient is."""

import re

import numpy as np
import pytest

from nanograd.course import assert_close

FITTING = [  # pairs of shapes: equal, stretched on both sides, missing sizes, no axes, no elements
    ((2, 3, 5), (2, 3, 5)),
    ((5,), (2, 3, 5)),
    ((7, 1, 5), (1, 3, 1)),
    ((3, 1), (7, 1, 5)),
    ((), (2, 3)),
    ((11, 2, 3), ()),
    ((1,), (1, 1)),
    ((1, 3), (0, 1)),
    ((0,), (1,)),
]
MISFITS = [((5,), (3,)), ((2, 3), (2,)), ((7, 3, 5), (2, 1)), ((0,), (2,)), ((3, 1, 2), (5, 7, 1))]
COPIED = [  # (shape, the shape it is broadcast to)
    ((3,), (2, 3)),
    ((2, 1), (2, 5)),
    ((3, 1), (7, 3, 5)),
    ((1, 3, 1), (2, 3, 5)),
    ((1, 1), (5, 3)),
    ((), (2, 3)),
    ((2, 1, 5), (11, 2, 3, 5)),
    ((7, 5), (7, 5)),
    ((1, 2), (1, 2)),
]
SUMMED = [  # (shape, dims)
    ((2, 3, 5), (1,)),
    ((2, 3, 5), (-1,)),
    ((2, 3, 5), (0, 2)),
    ((2, 3, 5), (2, 0)),
    ((2, 3, 5, 7), (-3, 3)),
    ((7, 3, 5), (-3,)),
    ((2, 3, 5, 7), (0, 1)),
    ((1, 3, 1), (0,)),
    ((2, 1, 5), (2,)),
    ((7, 3), None),
    ((), None),
]
JOINED = [  # (sizes of the arrays along dim, the shape of the joined array, dim)
    ((3, 2), (7, 5), 1),
    ((5, 2, 4), (11, 3), 0),
    ((1, 7, 3), (2, 11, 5), 1),
    ((2, 5), (2, 3, 7), -1),
    ((5, 3), (2, 8, 3), -2),
    ((4, 0, 1), (5, 3), 0),
    ((5,), (3, 5), 1),
]


def naming(a, b):
    """A pattern for messages in which both shapes stand, in either order."""
    return f"(?s)(?=.*{re.escape(str(a))})(?=.*{re.escape(str(b))})"


def slopes(loss, x, h=1e-6):
    """The gradient of ``loss`` at ``x`` by central differences, element by element."""
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        gradient[index] = (loss(up) - loss(down)) / (2 * h)
    return gradient


def offsets(shape, strides):
    """Where each element of an array of ``shape`` is read, for a stride per axis."""
    index = np.indices(shape).reshape(len(shape), -1)
    return (np.array(strides, dtype=int).reshape(len(shape), 1) * index).sum(axis=0)


@pytest.mark.exercise("broadcast_shape")
def test_the_example(submission):
    assert_close(submission.broadcast_shape((7, 1, 5), (3, 1)), np.broadcast_shapes((7, 1, 5), (3, 1)))


@pytest.mark.exercise("broadcast_shape")
def test_a_row_meets_a_matrix(submission):
    assert_close(submission.broadcast_shape((3,), (2, 3)), np.broadcast_shapes((3,), (2, 3)))


@pytest.mark.exercise("broadcast_shape")
def test_sizes_that_do_not_fit(submission):
    submission.raises("broadcast_shape", (2, 3), (2, 5), error="ValueError", match=naming((2, 3), (2, 5)))


@pytest.mark.hidden
@pytest.mark.exercise("broadcast_shape")
@pytest.mark.parametrize(("a", "b"), FITTING)
def test_shapes_that_fit(submission, a, b):
    assert_close(submission.broadcast_shape(a, b), np.broadcast_shapes(a, b))
    assert_close(submission.broadcast_shape(b, a), np.broadcast_shapes(a, b))


@pytest.mark.hidden
@pytest.mark.exercise("broadcast_shape")
@pytest.mark.parametrize(("a", "b"), MISFITS)
def test_shapes_that_do_not_fit(submission, a, b):
    submission.raises("broadcast_shape", a, b, error="ValueError", match=naming(a, b))


@pytest.mark.exercise("broadcast_strides")
def test_a_column_is_read_again(submission):
    assert_close(submission.broadcast_strides((3, 1), (1, 1), (7, 3, 5)), (0, 1, 0))


@pytest.mark.exercise("broadcast_strides")
def test_a_row_in_memory_is_many_rows(submission):
    row = np.array([10.0, 20.0, 30.0])
    assert_close(submission.broadcast_strides(row.shape, row.strides, (2, 3)), np.broadcast_to(row, (2, 3)).strides)


@pytest.mark.hidden
@pytest.mark.exercise("broadcast_strides")
@pytest.mark.parametrize(("shape", "out"), COPIED)
def test_the_same_elements_are_read(submission, shape, out):
    x = np.zeros(shape)
    got = submission.broadcast_strides(shape, x.strides, out)
    assert_close(np.shape(got), (len(out),))
    assert_close(offsets(out, got), offsets(out, np.broadcast_to(x, out).strides))


@pytest.mark.hidden
@pytest.mark.exercise("broadcast_strides")
def test_a_transposed_view_keeps_its_strides(submission):
    x = np.zeros((5, 1, 3)).T  # (3, 1, 5), and the last axis moves the farthest
    got = submission.broadcast_strides(x.shape, x.strides, (2, 3, 7, 5))
    assert_close(got, np.broadcast_to(x, (2, 3, 7, 5)).strides)


@pytest.mark.hidden
@pytest.mark.exercise("broadcast_strides")
def test_every_other_element_backward(submission):
    x = np.zeros((7, 11))[::2, ::-3]  # (4, 4): strides of two rows, and of minus three elements
    got = submission.broadcast_strides(x.shape, x.strides, (5, 4, 4))
    assert_close(got, np.broadcast_to(x, (5, 4, 4)).strides)


@pytest.mark.exercise("unbroadcast")
def test_a_row_was_copied_down(submission):
    grad = np.array([[0.5, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert_close(submission.unbroadcast(grad, (3,)), grad.sum(axis=0))


@pytest.mark.exercise("unbroadcast")
def test_a_column_was_copied_right(submission):
    grad = np.array([[0.1, 0.2, 0.3], [4.0, 5.0, 6.0]])
    assert_close(submission.unbroadcast(grad, (2, 1)), grad.sum(axis=1, keepdims=True))


@pytest.mark.hidden
@pytest.mark.exercise("unbroadcast")
@pytest.mark.parametrize(("shape", "out"), COPIED)
def test_the_slope_of_a_broadcast(submission, rng, shape, out):
    grad = rng.normal(size=out)
    got = submission.unbroadcast(grad, shape)
    assert_close(
        got, slopes(lambda x: (np.broadcast_to(x, out) * grad).sum(), rng.normal(size=shape)), rtol=1e-6, atol=1e-7
    )
    submission.unmodified()


@pytest.mark.hidden
@pytest.mark.exercise("unbroadcast")
def test_float32_stays_float32(submission, rng):
    grad = rng.normal(size=(7, 3, 5)).astype(np.float32)
    got = submission.unbroadcast(grad, (3, 1))
    assert_close(got, grad.sum(axis=(0, 2))[:, np.newaxis], rtol=1e-5, atol=1e-5)
    assert got.dtype == np.float32


@pytest.mark.exercise("reduced_shape")
def test_the_first_and_the_last_dim(submission):
    assert_close(submission.reduced_shape((2, 3, 5), (0, -1), keepdim=True), (1, 3, 1))


@pytest.mark.exercise("reduced_shape")
def test_the_summed_dim_is_gone(submission):
    assert_close(submission.reduced_shape((2, 3, 5), (1,), keepdim=False), np.zeros((2, 3, 5)).sum(axis=1).shape)


@pytest.mark.hidden
@pytest.mark.exercise("reduced_shape")
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize(("shape", "dims"), [*SUMMED, ((0, 3), (0,))])
def test_the_shape_that_numpy_leaves(submission, shape, dims, keepdim):
    got = submission.reduced_shape(shape, dims, keepdim=keepdim)
    assert_close(got, np.zeros(shape).sum(axis=dims, keepdims=keepdim).shape)


@pytest.mark.hidden
@pytest.mark.exercise("reduced_shape")
@pytest.mark.parametrize(("shape", "dims"), [((2, 3, 5), (3,)), ((2, 3, 5), (0, -4)), ((7,), (1,)), ((), (0,))])
def test_a_dim_that_does_not_exist(submission, shape, dims):
    submission.raises("reduced_shape", shape, dims, keepdim=False, error="IndexError")


@pytest.mark.exercise("sum_backward")
def test_each_row_has_its_own_gradient(submission):
    got = submission.sum_backward(np.array([0.5, 4.0]), (2, 3), (1,))
    assert_close(got, np.array([[0.5, 0.5, 0.5], [4.0, 4.0, 4.0]]))


@pytest.mark.exercise("sum_backward")
def test_the_sum_of_everything(submission):
    assert_close(submission.sum_backward(np.array(-0.75), (2, 3), None), np.full((2, 3), -0.75))


@pytest.mark.hidden
@pytest.mark.exercise("sum_backward")
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize(("shape", "dims"), SUMMED)
def test_the_slope_of_a_sum(submission, rng, shape, dims, keepdim):
    grad = rng.normal(size=np.zeros(shape).sum(axis=dims, keepdims=keepdim).shape)
    got = submission.sum_backward(grad, shape, dims)
    expected = slopes(lambda x: (x.sum(axis=dims, keepdims=keepdim) * grad).sum(), rng.normal(size=shape))
    assert_close(got, expected, rtol=1e-6, atol=1e-7)
    submission.unmodified()


@pytest.mark.hidden
@pytest.mark.exercise("sum_backward")
def test_a_float32_gradient_stays_float32(submission, rng):
    grad = rng.normal(size=(2, 5)).astype(np.float32)
    got = submission.sum_backward(grad, (2, 3, 5), (1,))
    assert_close(got, np.stack([grad, grad, grad], axis=1))
    assert got.dtype == np.float32


@pytest.mark.exercise("concat_backward")
def test_three_columns_and_two(submission):
    grad = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert_close(submission.concat_backward(grad, (3, 2), dim=1), [grad[:, :3], grad[:, 3:]])


@pytest.mark.exercise("concat_backward")
def test_rows_of_three_arrays(submission):
    grad = np.arange(14.0).reshape(7, 2)
    got = submission.concat_backward(grad, (1, 4, 2), dim=0)
    assert_close(got, [grad[:1], grad[1:5], grad[5:]])


@pytest.mark.hidden
@pytest.mark.exercise("concat_backward")
@pytest.mark.parametrize(("sizes", "shape", "dim"), JOINED)
def test_the_slope_of_a_join(submission, rng, sizes, shape, dim):
    grad = rng.normal(size=shape)
    got = submission.concat_backward(grad, sizes, dim=dim)
    shapes = [tuple(n if axis == dim % len(shape) else m for axis, m in enumerate(shape)) for n in sizes]
    inputs = [rng.normal(size=each) for each in shapes]

    def loss(x, place):
        return (np.concatenate([*inputs[:place], x, *inputs[place + 1 :]], axis=dim) * grad).sum()

    expected = [slopes(lambda x, place=place: loss(x, place), x) for place, x in enumerate(inputs)]
    assert_close(got, expected, rtol=1e-6, atol=1e-7)
    submission.unmodified()


@pytest.mark.hidden
@pytest.mark.exercise("concat_backward")
def test_float32_pieces_stay_float32(submission, rng):
    grad = rng.normal(size=(3, 7)).astype(np.float32)
    got = submission.concat_backward(grad, (2, 5), dim=1)
    assert_close(got, [grad[:, :2], grad[:, 2:]])
    assert [piece.dtype for piece in got] == [np.float32, np.float32]
