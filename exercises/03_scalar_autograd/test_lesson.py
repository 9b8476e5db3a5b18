"""Tests of lesson 03: slopes against formulas and finite differences, the order by its law, training against NumPy."""

import numpy as np
import pytest

from nanograd.course import assert_close, scenario
from nanograd.course.fixtures import submission

# A graph as plain data: the leaves, then one step after the other; the last one is the root.
DIAMOND = ({"x": 3.0}, ["h = x * x", "y = h + x"])
TWO_USES = ({"x": 2.0, "three": 3.0}, ["h = x * x", "t = h * three", "y = t + h"])


def nodes_of(s, leaves, steps):
    """The Scalars of a graph by their names, in the order in which they are made."""
    nodes = {name: s.Scalar(number) for name, number in leaves.items()}
    for step in steps:
        name, _, *of = step.split()
        if len(of) == 2:
            nodes[name] = getattr(nodes[of[1]], of[0])()
        else:
            a, b = nodes[of[0]], nodes[of[2]]
            nodes[name] = a + b if of[1] == "+" else a * b
    return nodes


@scenario
def facts_of_the_order(s, leaves, steps):
    """What is true of the topological order of a graph."""
    nodes = nodes_of(s, leaves, steps)
    names = {id(node): name for name, node in nodes.items()}
    root = list(nodes.values())[-1]
    listed = [names.get(id(node), "") for node in s.topological_order(root)]
    first = {name: listed.index(name) for name in listed}
    met, waiting = {names[id(root)]}, [root]
    pairs = []  # (an input, what uses it)
    while waiting:
        node = waiting.pop()
        for each in node.inputs:
            pairs.append((names[id(each)], names[id(node)]))
            if names[id(each)] not in met:
                met.add(names[id(each)])
                waiting.append(each)
    return {
        "every leaf is listed": all(name in first for name in met if name in leaves),
        "every other node is listed": all(name in first for name in met if name not in leaves),
        "no node is listed twice": len(listed) == len(first),
        "nothing else is listed": set(listed) <= met,
        "inputs stand before what uses them": all(first.get(a, -1) < first.get(b, len(listed)) for a, b in pairs),
        "inputs stand behind what uses them": all(first.get(a, len(listed)) > first.get(b, -1) for a, b in pairs),
    }


@scenario
def gradients(s, leaves, steps, times=1):
    """The gradients of all nodes after ``times`` calls of backward at the last one: the leaves, and the others."""
    nodes = nodes_of(s, leaves, steps)
    for _ in range(times):
        s.backward(list(nodes.values())[-1])
    return [
        {name: node.grad for name, node in nodes.items() if name in leaves},
        {name: node.grad for name, node in nodes.items() if name not in leaves},
    ]


@scenario
def the_example(s):
    """The gradients of the lesson's first expression."""
    w, x, b = s.Scalar(3.0), s.Scalar(-2.0), s.Scalar(1.0)
    s.backward((w * x + b) ** 2)
    return [w.grad, x.grad, b.grad]


@scenario
def fit_a_line(s, xs, ys, steps, lr, start):
    """Train w * x + b on the mean squared error."""
    w, b = s.Scalar(start[0]), s.Scalar(start[1])

    def loss():
        total = s.Scalar(0.0)
        for x, y in zip(xs, ys, strict=True):
            total = total + (w * x + b - y) ** 2
        return total * (1 / len(xs))

    return {"losses": s.train([w, b], loss, steps, lr), "parameters": [w.data, b.data]}


# ---- the four rules ------------------------------------------------------------------------------------------------


@pytest.mark.exercise("mul_backward")
def test_minus_two_times_three(submission):
    assert_close(submission.mul_backward(3.0, -2.0, upstream=-10.0), (-10.0 * -2.0, -10.0 * 3.0))


@pytest.mark.exercise("mul_backward")
def test_a_factor_of_zero(submission):
    assert_close(submission.mul_backward(0.0, 7.0, upstream=0.5), (0.5 * 7.0, 0.0))


@pytest.mark.exercise("pow_backward")
def test_the_square_of_minus_five(submission):
    assert_close(submission.pow_backward(-5.0, 2, upstream=1.5), 1.5 * 2 * -5.0)


@pytest.mark.exercise("pow_backward")
def test_a_cube(submission):
    assert_close(submission.pow_backward(3.0, 3, upstream=-0.5), -0.5 * 3 * 3.0**2)


@pytest.mark.exercise("relu_backward")
@pytest.mark.parametrize(("x", "expected"), [(3.0, -0.5), (-3.0, 0.0)])
def test_an_open_and_a_closed_gate(submission, x, expected):
    assert_close(submission.relu_backward(x, upstream=-0.5), expected)


@pytest.mark.exercise("tanh_backward")
def test_half_way_up(submission):
    assert_close(submission.tanh_backward(0.5, upstream=-4.0), -4.0 * (1 - 0.5**2))


@pytest.mark.exercise("tanh_backward")
def test_in_the_middle(submission):
    assert_close(submission.tanh_backward(0.0, upstream=0.7), 0.7)


# ---- the order -----------------------------------------------------------------------------------------------------

LAWFUL = {
    "every leaf is listed": True,
    "every other node is listed": True,
    "no node is listed twice": True,
    "nothing else is listed": True,
    "inputs stand before what uses them": True,
    "inputs stand behind what uses them": False,
}


@pytest.mark.exercise("topological_order")
def test_x_times_x_plus_x(submission):
    leaves, steps = DIAMOND
    assert_close(submission.run(facts_of_the_order, leaves=leaves, steps=steps), LAWFUL)


@pytest.mark.exercise("topological_order")
def test_an_input_that_is_used_later_too(submission):
    leaves, steps = TWO_USES
    assert_close(submission.run(facts_of_the_order, leaves=leaves, steps=steps), LAWFUL)


# ---- backward ------------------------------------------------------------------------------------------------------


@pytest.mark.exercise("backward")
def test_the_expression_of_the_first_page(submission):
    assert_close(submission.run(the_example), [20.0, -30.0, -10.0])


@pytest.mark.exercise("backward")
def test_a_number_that_is_used_twice(submission):
    leaves, steps = DIAMOND
    got, _ = submission.run(gradients, leaves=leaves, steps=steps)
    assert_close(got, {"x": 2 * leaves["x"] + 1})  # the slope of x * x + x is 2 x + 1


# ---- training ------------------------------------------------------------------------------------------------------


def descend(loss, gradient, parameters, steps, lr):
    """Gradient descent in NumPy."""
    parameters, losses = np.array(parameters), []
    for _ in range(steps):
        losses.append(float(loss(parameters)))
        parameters = parameters - lr * gradient(parameters)
    return {"losses": losses, "parameters": parameters.tolist()}


def line_by_numpy(xs, ys, steps, lr, start):
    """``fit_a_line`` by its formulas."""
    x, y = np.array(xs), np.array(ys)

    def error(p):
        return p[0] * x + p[1] - y

    return descend(
        lambda p: (error(p) ** 2).mean(),
        lambda p: 2 * np.array([(error(p) * x).mean(), error(p).mean()]),
        start,
        steps,
        lr,
    )


@pytest.mark.exercise("train")
def test_three_steps_on_a_line(submission):
    case = {"xs": [1.0, 2.0], "ys": [3.0, 5.0], "steps": 3, "lr": 0.1, "start": [0.0, 0.0]}
    got, expected = submission.run(fit_a_line, **case), line_by_numpy(**case)
    assert_close(got["losses"], expected["losses"])
    assert_close(got["parameters"], expected["parameters"])


@pytest.mark.exercise("train")
def test_no_steps(submission):
    got = submission.run(fit_a_line, xs=[1.0, 2.0], ys=[3.0, 5.0], steps=0, lr=0.1, start=[0.25, -0.75])
    assert_close(got, {"losses": [], "parameters": [0.25, -0.75]})
