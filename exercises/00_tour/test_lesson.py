"""Tests of lesson 00: the mean of the squares, by its formula."""

import numpy as np
import pytest

from nanograd.course import assert_close
from nanograd.course.fixtures import submission


def formula(prediction, target):
    """The mean squared error, one number after the other."""
    pairs = list(zip(prediction.ravel().tolist(), target.ravel().tolist(), strict=True))
    return sum((p - t) * (p - t) for p, t in pairs) / len(pairs)


@pytest.mark.exercise("mean_squared_error")
def test_four_predictions(submission):
    prediction, target = np.array([2.0, 3.0, 5.0, 1.0]), np.array([4.0, 3.0, 1.0, 0.0])
    assert_close(submission.mean_squared_error(prediction, target), formula(prediction, target))


@pytest.mark.exercise("mean_squared_error")
def test_a_table_of_predictions(submission):
    prediction, target = np.array([[0.5, -1.0, 2.0], [3.0, 0.0, -2.5]]), np.array([[1.0, 1.5, 2.0], [-1.0, 0.5, 0.0]])
    assert_close(submission.mean_squared_error(prediction, target), formula(prediction, target))
