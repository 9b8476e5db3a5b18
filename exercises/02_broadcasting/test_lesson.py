"""Tests of lesson 02: NumPy says what a broadcast, a sum and a join is, finite differences what its gradient is."""

import re

import numpy as np
import pytest

from nanograd.course import assert_close
from nanograd.course.fixtures import submission


def naming(a, b):
    """A pattern for messages in which both shapes stand, in either order."""
    return f"(?s)(?=.*{re.escape(str(a))})(?=.*{re.escape(str(b))})"


@pytest.mark.exercise("broadcast_shape")
def test_the_example(submission):
    assert_close(submission.broadcast_shape((7, 1, 5), (3, 1)), np.broadcast_shapes((7, 1, 5), (3, 1)))


@pytest.mark.exercise("broadcast_shape")
def test_a_row_meets_a_matrix(submission):
    assert_close(submission.broadcast_shape((3,), (2, 3)), np.broadcast_shapes((3,), (2, 3)))


@pytest.mark.exercise("broadcast_shape")
def test_sizes_that_do_not_fit(submission):
    submission.raises("broadcast_shape", (2, 3), (2, 5), error="ValueError", match=naming((2, 3), (2, 5)))


@pytest.mark.exercise("broadcast_strides")
def test_a_column_is_read_again(submission):
    assert_close(submission.broadcast_strides((3, 1), (1, 1), (7, 3, 5)), (0, 1, 0))


@pytest.mark.exercise("broadcast_strides")
def test_a_row_in_memory_is_many_rows(submission):
    row = np.array([10.0, 20.0, 30.0])
    assert_close(submission.broadcast_strides(row.shape, row.strides, (2, 3)), np.broadcast_to(row, (2, 3)).strides)


@pytest.mark.exercise("unbroadcast")
def test_a_row_was_copied_down(submission):
    grad = np.array([[0.5, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert_close(submission.unbroadcast(grad, (3,)), grad.sum(axis=0))


@pytest.mark.exercise("unbroadcast")
def test_a_column_was_copied_right(submission):
    grad = np.array([[0.1, 0.2, 0.3], [4.0, 5.0, 6.0]])
    assert_close(submission.unbroadcast(grad, (2, 1)), grad.sum(axis=1, keepdims=True))


@pytest.mark.exercise("reduced_shape")
def test_the_first_and_the_last_dim(submission):
    assert_close(submission.reduced_shape((2, 3, 5), (0, -1), keepdim=True), (1, 3, 1))


@pytest.mark.exercise("reduced_shape")
def test_the_summed_dim_is_gone(submission):
    assert_close(submission.reduced_shape((2, 3, 5), (1,), keepdim=False), np.zeros((2, 3, 5)).sum(axis=1).shape)


@pytest.mark.exercise("sum_backward")
def test_each_row_has_its_own_gradient(submission):
    got = submission.sum_backward(np.array([0.5, 4.0]), (2, 3), (1,))
    assert_close(got, np.array([[0.5, 0.5, 0.5], [4.0, 4.0, 4.0]]))


@pytest.mark.exercise("sum_backward")
def test_the_sum_of_everything(submission):
    assert_close(submission.sum_backward(np.array(-0.75), (2, 3), None), np.full((2, 3), -0.75))


@pytest.mark.exercise("concat_backward")
def test_three_columns_and_two(submission):
    grad = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert_close(submission.concat_backward(grad, (3, 2), dim=1), [grad[:, :3], grad[:, 3:]])


@pytest.mark.exercise("concat_backward")
def test_rows_of_three_arrays(submission):
    grad = np.arange(14.0).reshape(7, 2)
    got = submission.concat_backward(grad, (1, 4, 2), dim=0)
    assert_close(got, [grad[:1], grad[1:5], grad[5:]])
