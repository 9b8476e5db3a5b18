"""Answers to lesson 00 that beginners give: wrong ones with the sentence that names them, right ones in other words."""

import numpy as np

from nanograd.course import also_right, wrong


@wrong("mean_squared_error", says="you added the squares up; divide by their number, or use .mean()")
def sum_for_mean(prediction, target):
    return ((prediction - target) ** 2).sum()


@wrong("mean_squared_error", says="you did not square the differences, so errors of opposite sign cancel out")
def not_squared(prediction, target):
    return (prediction - target).mean()


@wrong("mean_squared_error", says="you took the absolute differences; that is the mean absolute error")
def absolute(prediction, target):
    return abs(prediction - target).mean()


@wrong("mean_squared_error", says="you took the mean first and squared it; square every difference, then take the mean")
def squared_too_late(prediction, target):
    return (prediction - target).mean() ** 2


@wrong("mean_squared_error", says="you took the square root at the end; the mean squared error has none")
def root(prediction, target):
    return ((prediction - target) ** 2).mean() ** 0.5


@wrong(
    "mean_squared_error", says="you took the mean over the first axis only; the result is one number for all elements"
)
def mean_of_the_first_axis(prediction, target):
    return ((prediction - target) ** 2).mean(axis=0)


@also_right("mean_squared_error")
def sum_divided_by_the_size(prediction, target):
    return np.sum(np.square(target - prediction)) / prediction.size


@also_right("mean_squared_error")
def by_a_dot_product(prediction, target):
    difference = (target - prediction).ravel()
    return difference @ difference / len(difference)
