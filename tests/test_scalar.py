"""Scalar against finite differences, closed forms and micrograd; its depth, its memory and what it refuses."""

from __future__ import annotations

import doctest
import gc
import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd.scalar
from nanograd.scalar import Scalar

# Numbers far enough from the kink of relu, the pole of 1/x and the ends of floats for a central difference.
positive = st.floats(0.3, 3.0)
number = st.one_of(positive, st.floats(-3.0, -0.3))

unhurried = settings(deadline=None)  # no test depends on the clock

UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": lambda x: -x,
    "relu": lambda x: x.relu(),
    "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: x.sigmoid(),
    "exp": lambda x: x.exp(),
    "square": lambda x: x**2,
    "cube": lambda x: x**3.0,
    "inverse": lambda x: x**-1,
    "plus a number": lambda x: x + 1.5,
    "a number minus": lambda x: 1.5 - x,
    "a number times": lambda x: 1.5 * x,
    "a number over": lambda x: 1.5 / x,
    "minus a number": lambda x: x - 1.5,
    "over a number": lambda x: x / 1.5,
    "a number to the": lambda x: 1.5**x,
}
POSITIVE: dict[str, Callable[[Any], Any]] = {"log": lambda x: x.log(), "root": lambda x: x**0.5}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
}


def central_difference(f: Callable[..., Scalar], values: list[float], i: int) -> float:
    h = 1e-6 * max(1.0, abs(values[i]))
    up, down = [list(values) for _ in range(2)]
    up[i] += h
    down[i] -= h
    return (f(*map(Scalar, up)).data - f(*map(Scalar, down)).data) / (2 * h)


def check_slopes(f: Callable[..., Scalar], *values: float) -> None:
    inputs = [Scalar(v) for v in values]
    f(*inputs).backward()
    for i, x in enumerate(inputs):
        assert x.grad == pytest.approx(central_difference(f, list(values), i), rel=2e-5, abs=1e-6)


@pytest.mark.parametrize("name", UNARY)
@unhurried
@given(x=number)
def test_slope_of_one_input(name: str, x: float) -> None:
    check_slopes(UNARY[name], x)


@pytest.mark.parametrize("name", POSITIVE)
@unhurried
@given(x=positive)
def test_slope_of_a_positive_input(name: str, x: float) -> None:
    check_slopes(POSITIVE[name], x)


@pytest.mark.parametrize("name", BINARY)
@unhurried
@given(x=number, y=number)
def test_slopes_of_two_inputs(name: str, x: float, y: float) -> None:
    check_slopes(BINARY[name], x, y)


@unhurried
@given(x=positive, y=number)
def test_slopes_of_a_power_with_scalar_exponent(x: float, y: float) -> None:
    check_slopes(lambda a, b: a**b, x, y)


def smooth(a: Scalar, b: Scalar, kind: int) -> Scalar:
    """One of ten steps that keep every value within a few units, wherever it starts."""
    steps: list[Callable[[], Scalar]] = [
        lambda: (a + b).tanh(),
        lambda: (a - b) * 0.5,
        lambda: (a * b).tanh(),
        lambda: a / (b * b + 1),
        lambda: (a * a + 0.5).log(),
        lambda: (-a).sigmoid() + b,
        lambda: a.tanh().exp(),
        lambda: (b**2 + 1) ** 0.5,
        lambda: 2 - a.sigmoid(),
        lambda: (a.tanh() + 1.5) ** b.tanh(),
    ]
    return steps[kind]()


@unhurried
@given(
    values=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    program=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12),
)
def test_random_expressions_agree_with_finite_differences(
    values: list[float], program: list[tuple[int, int, int]]
) -> None:
    def f(*inputs: Scalar) -> Scalar:
        made = list(inputs)
        for kind, i, j in program:  # any earlier value may be used again, so graphs share and rejoin
            made.append(smooth(made[i % len(made)], made[j % len(made)], kind))
        return sum(made[3:], Scalar(0))

    inputs = [Scalar(v) for v in values]
    f(*inputs).backward()
    for i, x in enumerate(inputs):
        assert x.grad == pytest.approx(central_difference(f, values, i), rel=1e-4, abs=1e-5)


# The graph


def test_an_input_used_twice_and_a_diamond() -> None:
    x = Scalar(3.0)
    (x * x + x).backward()
    assert x.grad == 7.0
    x = Scalar(3.0)
    left, right = x * 2.0, x * 5.0
    (left * right + left).backward()
    assert x.grad == 2 * 10 * 3.0 + 2.0


def test_a_shared_node_is_walked_once_with_its_whole_gradient() -> None:
    x = Scalar(1.0)
    y = x
    for _ in range(60):  # 2^60 paths: a walk per path would never end
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


def test_repeated_backward_adds_up_in_leaves_and_not_between() -> None:
    x = Scalar(2.0)
    middle = x * x
    loss = middle * 3.0
    for times in (1, 2, 3):
        loss.backward()
        assert (x.grad, middle.grad, loss.grad) == (12.0 * times, 3.0, 1.0)
    x.grad = 0.0
    (middle + x).backward()  # another result over the same node
    assert x.grad == 5.0


def test_backward_of_a_leaf() -> None:
    x = Scalar(2)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_slopes_belong_to_the_forward_pass() -> None:
    x = Scalar(2.0)
    loss = x * x
    x.data = 100.0  # an optimizer's step before backward changes nothing that was recorded
    loss.backward()
    assert x.grad == 4.0


def test_only_what_the_result_depends_on_gets_a_gradient() -> None:
    x, y = Scalar(2.0), Scalar(3.0)
    beside = x * y
    (x + 1).backward()
    assert (x.grad, y.grad, beside.grad) == (1.0, 0.0, 0.0)


def test_sum_with_and_without_a_start() -> None:
    xs = [Scalar(i) for i in range(4)]
    for total in (sum(xs), sum(xs, Scalar(0.0)), sum(xs, 0.5) - 0.5):
        assert isinstance(total, Scalar)
        assert total.data == 6.0
        total.backward()
    assert [x.grad for x in xs] == [3.0] * 4


def test_the_local_story_is_there_to_read() -> None:
    x, y = Scalar(6.0), Scalar(3.0)
    z = x / y
    assert (z.op, z.inputs, z.dx, z.dy) == ("div", (x, y), 1 / 3, -2 / 3)
    assert (x.op, x.inputs) == ("", ())
    assert (x**2).op == "pow 2"
    assert repr(x) == "Scalar(data=6.0, grad=0.0)"


# Depth and memory


@pytest.mark.parametrize("length", [50_000])
def test_a_long_chain(length: int) -> None:
    x = Scalar(0.5)
    y = x
    for _ in range(length):
        y = y * 1.0001
    y.backward()
    assert x.grad == pytest.approx(1.0001**length)
    del y  # freeing the chain must not recurse either


def alive() -> int:
    return sum(type(o) is Scalar for o in gc.get_objects())


def test_results_die_with_the_last_reference() -> None:
    gc.collect()
    gc.disable()
    try:
        x, y = Scalar(0.3), Scalar(0.7)
        before = alive()
        for _ in range(3):
            loss = ((x * y + x).tanh().exp() / (y + 2) - x.sigmoid().relu() ** 2).log()
            loss.backward()
            assert alive() > before
        del loss
        assert alive() == before
    finally:
        gc.enable()


# Numbers at the edge


def slope(f: Callable[[Scalar], Scalar], x: float) -> tuple[float, float]:
    leaf = Scalar(x)
    z = f(leaf)
    z.backward()
    return z.data, leaf.grad


def test_relu_at_zero_and_with_nan() -> None:
    assert slope(Scalar.relu, 0.0) == (0.0, 0.0)
    assert slope(Scalar.relu, -0.0) == (0.0, 0.0)
    assert math.isnan(Scalar(math.nan).relu().data)


def test_tanh_and_sigmoid_saturate_without_overflow() -> None:
    for x in (1000.0, 1e308, math.inf):
        assert slope(Scalar.tanh, x) == (1.0, 0.0)
        assert slope(Scalar.tanh, -x) == (-1.0, 0.0)
        assert slope(Scalar.sigmoid, x) == (1.0, 0.0)
        assert slope(Scalar.sigmoid, -x) == (0.0, 0.0)
    assert slope(Scalar.sigmoid, 40.0)[1] == pytest.approx(math.exp(-40.0), rel=1e-12)
    assert slope(Scalar.sigmoid, -40.0) == pytest.approx((math.exp(-40.0), math.exp(-40.0)), rel=1e-12)


def test_powers_at_zero_and_of_negative_bases() -> None:
    assert slope(lambda x: x**0, 0.0) == (1.0, 0.0)
    assert slope(lambda x: x**1, 0.0) == (0.0, 1.0)
    assert slope(lambda x: x**2, 0.0) == (0.0, 0.0)
    assert slope(lambda x: x**0.5, 0.0) == (0.0, math.inf)
    assert slope(lambda x: x**3, -2.0) == (-8.0, 12.0)
    assert slope(lambda x: x**-2, -2.0) == (0.25, 0.25)
    assert slope(lambda x: x**-1, 1e-200) == (1e200, -math.inf)
    assert slope(lambda x: x**2, 1e-200) == (0.0, 2e-200)


def test_a_quotient_whose_slope_leaves_the_range_of_floats() -> None:
    y = Scalar(1e-200)
    (1.0 / y).backward()
    assert y.grad == -math.inf


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda: Scalar(1) / 0, ZeroDivisionError, r"div: cannot divide 1.0 by zero\. Check"),
        (lambda: 2 / Scalar(-0.0), ZeroDivisionError, r"div: cannot divide 2.0 by zero"),
        (lambda: Scalar(0) ** -1, ZeroDivisionError, r"pow: 0.0 \*\* -1.0 divides by zero\. Keep"),
        (lambda: Scalar(-8) ** (1 / 3), ValueError, r"pow: -8.0 \*\* 0.33\d* is not a real number: .* whole exponents"),
        (lambda: Scalar(1e200) ** 2, OverflowError, r"pow: 1e\+200 \*\* 2.0 is beyond the largest float"),
        (lambda: Scalar(-2) ** Scalar(2), ValueError, r"pow with a Scalar exponent: expected x > 0, got -2.0"),
        (lambda: 0 ** Scalar(2), ValueError, r"pow with a Scalar exponent: expected x > 0, got 0.0"),
        (
            lambda: Scalar(1000).exp(),
            OverflowError,
            r"exp: e\^1000.0 is beyond the largest float\. Keep x below 709.78",
        ),
        (lambda: Scalar(0).log(), ValueError, r"log: expected x > 0, got 0.0"),
        (lambda: Scalar(-1).log(), ValueError, r"log: expected x > 0, got -1.0"),
    ],
)
def test_what_floats_refuse_is_refused_by_name(f: Callable[[], Scalar], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        f()


# What may be a number


@pytest.mark.parametrize(
    "value", [3, True, Fraction(3, 2), np.float64(1.5), np.float32(1.5), np.int64(3), np.uint8(3), 2.5]
)
def test_real_numbers_of_every_kind(value: Any) -> None:
    expected = float(value)
    x = Scalar(value)
    assert type(x.data) is float
    assert x.data == expected
    y = Scalar(2.0)
    for z, right in [
        (y + value, 2 + expected),
        (value + y, 2 + expected),
        (y - value, 2 - expected),
        (value - y, expected - 2),
        (y * value, 2 * expected),
        (value * y, 2 * expected),
        (y / value, 2 / expected),
        (value / y, expected / 2),
        (y**value, 2**expected),
        (value**y, expected**2),
    ]:
        assert type(z) is Scalar
        assert z.data == pytest.approx(right)


OPERATIONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a**b,
]


@pytest.mark.parametrize(
    "wrong", ["3", None, [1.0], 1j, np.ones(3), np.array(2.0), object()], ids=lambda w: repr(type(w))
)
def test_wrong_types_say_what_came_and_what_to_do(wrong: Any) -> None:
    message = f"Scalar: expected a real number or a Scalar, got {type(wrong).__name__}. Pass an int or a float"
    with pytest.raises(TypeError, match=message):
        Scalar(wrong)
    for operation in OPERATIONS:
        with pytest.raises(TypeError, match=message):
            operation(Scalar(1.0), wrong)
        with pytest.raises(TypeError, match=message):
            operation(wrong, Scalar(1.0))


def test_numbers_beyond_floats_and_unknown_attributes() -> None:
    with pytest.raises(ValueError, match="int too large to convert to float"):
        Scalar(10**400)
    with pytest.raises(AttributeError):
        Scalar(1.0).gard = 0.0  # type: ignore[attr-defined]  # slots: a misspelled name is no new attribute


def test_functions_of_floats_do_not_quietly_drop_the_gradient() -> None:
    with pytest.raises(TypeError):
        math.exp(Scalar(1.0))  # type: ignore[arg-type]


# The same as a published engine


def demo(number: Any) -> tuple[list[float], list[float]]:
    """micrograd's demo in small: an MLP 2-5-5-1 with hinge loss and L2; losses and last gradients of three steps."""
    rng = random.Random(7)
    points = [[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(12)]
    signs = [1.0 if a * b > 0 else -1.0 for a, b in points]
    layers = [
        [([number(rng.uniform(-1, 1)) for _ in range(i)], number(0.0)) for _ in range(o)]
        for i, o in [(2, 5), (5, 5), (5, 1)]
    ]
    parameters = [p for layer in layers for w, b in layer for p in (*w, b)]

    def net(x: list[Any]) -> Any:
        for depth, layer in enumerate(layers):
            x = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
            if depth < len(layers) - 1:
                x = [v.relu() for v in x]
        return x[0]

    losses = []
    for _ in range(3):
        hinge = [(1 + -s * net([number(v) for v in p])).relu() for p, s in zip(points, signs, strict=True)]
        loss = sum(hinge) * (1.0 / len(hinge)) + 1e-2 * sum(p * p for p in parameters) / 3
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    return losses, [p.grad for p in parameters]


def test_the_same_numbers_as_micrograd() -> None:
    engine = pytest.importorskip(
        "micrograd.engine", reason="micrograd, the published engine to compare with, is not installed"
    )
    losses, gradients = demo(Scalar)
    expected_losses, expected_gradients = demo(engine.Value)
    assert losses == pytest.approx(expected_losses, rel=1e-12)
    assert gradients == pytest.approx(expected_gradients, rel=1e-12, abs=1e-15)
    assert any(gradients)


def test_the_examples_in_the_docstrings_run() -> None:
    assert doctest.testmod(nanograd.scalar).attempted > 0
    assert doctest.testmod(nanograd.scalar).failed == 0
