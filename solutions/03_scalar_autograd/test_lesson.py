"""Tests of lesson 03: slopes against formulas and finite differences, the order by its law, training against NumPy."""

import math

import numpy as np
import pytest

from nanograd.course import assert_close, scenario

# A graph as plain data: the leaves, then one step after the other; the last one is the root.
DIAMOND = ({"x": 3.0}, ["h = x * x", "y = h + x"])
TWO_USES = ({"x": 2.0, "three": 3.0}, ["h = x * x", "t = h * three", "y = t + h"])
TWINS = ({"a": 1.5, "b": 1.5}, ["p = a * b", "q = p * a", "y = q + b"])  # two different leaves of equal data
LADDER = ({"a": 1.1, "b": -0.7}, ["p = a + b", "q = p * a", "r = q + p", "s = r * q", "t = s + r", "y = t + b"])
GATES = (
    {"a": 0.9, "b": -1.3, "c": 0.4},
    ["t = tanh a", "p = t * b", "r = relu p", "q = t + a", "z = q * q", "y = z + r"],
)
GRAPHS = [DIAMOND, TWO_USES, TWINS, LADDER, GATES]


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
def order_of_a_long_chain(s, n):
    """How long the order of ``n`` additions is, and whether it goes from the leaf to the root."""
    x = s.Scalar(0.5)
    y = x
    for _ in range(n):
        y = y + x
    order = s.topological_order(y)
    return {"length": len(order), "leaf first": order[0] is x, "root last": order[-1] is y}


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
def two_losses(s, x, w):
    """Gradients after backward of 3 h and then of h * h, which share h = w * x."""
    x, w = s.Scalar(x), s.Scalar(w)
    h = w * x
    s.backward(h * 3.0)
    s.backward(h * h)
    return {"x": x.grad, "w": w.grad, "h": h.grad}


@scenario
def backward_through_a_chain(s, n, factor):
    """The gradients of x and of a constant after ``n`` products with it."""
    x, constant = s.Scalar(0.5), s.Scalar(factor)
    y = x
    for _ in range(n):
        y = y * constant
    s.backward(y)
    return {"x": x.grad, "constant": constant.grad, "result": y.grad}


@scenario
def a_leaf_alone(s, number):
    """The gradient of a leaf after backward at the leaf itself."""
    x = s.Scalar(number)
    s.backward(x)
    return x.grad


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


@scenario
def fit_moons(s, points, targets, steps, lr):
    """Train one tanh neuron on points of the plane."""
    parameters = [s.Scalar(0.1), s.Scalar(-0.2), s.Scalar(0.0)]
    w1, w2, b = parameters

    def loss():
        total = s.Scalar(0.0)
        for (x1, x2), target in zip(points, targets, strict=True):
            total = total + ((w1 * x1 + w2 * x2 + b).tanh() - target) ** 2
        return total * (1 / len(targets))

    losses = s.train(parameters, loss, steps, lr)
    return {"losses": losses, "parameters": [each.data for each in parameters]}


def value(leaves, steps):
    """The root of a graph, in plain numbers."""
    numbers = dict(leaves)
    for step in steps:
        name, _, *of = step.split()
        a, b = numbers[of[-1]], numbers.get(of[0], 0.0)
        numbers[name] = {"+": b + a, "*": b * a, "relu": max(0.0, a), "tanh": math.tanh(a)}[of[-2]]
    return list(numbers.values())[-1]


def slope(function, x, h=1e-6):
    """The slope of ``function`` at ``x`` by a central difference."""
    return (function(x + h) - function(x - h)) / (2 * h)


def slopes(leaves, steps):
    """The slope of a graph's root for each leaf, by central differences."""
    return {name: slope(lambda x, name=name: value({**leaves, name: x}, steps), leaves[name]) for name in leaves}


def random_graph(rng):
    """A graph of random leaves and steps, with many nodes used more than once."""
    leaves = dict(zip("abc", uneven(rng, 3, 1.2), strict=True))
    names, steps = ["a", "b", "c"], []
    for name in "pqrstuy":
        last, other, op = names[-1], str(rng.choice(names)), str(rng.choice(["+", "*"]))
        steps.append(f"{name} = tanh {last}" if name in "ru" else f"{name} = {last} {op} {other}")
        names.append(name)
    return leaves, steps


def uneven(rng, n=5, most=2.3):
    """``n`` random numbers from 0.3 to ``most`` with random signs: neither 0 nor symmetric."""
    return [float(number) for number in rng.uniform(0.3, most, n) * rng.choice([-1, 1], n)]


# ---- the four rules ------------------------------------------------------------------------------------------------


@pytest.mark.exercise("mul_backward")
def test_minus_two_times_three(submission):
    assert_close(submission.mul_backward(3.0, -2.0, upstream=-10.0), (-10.0 * -2.0, -10.0 * 3.0))


@pytest.mark.exercise("mul_backward")
def test_a_factor_of_zero(submission):
    assert_close(submission.mul_backward(0.0, 7.0, upstream=0.5), (0.5 * 7.0, 0.0))


@pytest.mark.hidden
@pytest.mark.exercise("mul_backward")
def test_slopes_of_a_product(submission, rng):
    for x, y, upstream in zip(uneven(rng), uneven(rng), uneven(rng), strict=True):
        expected = (slope(lambda a, y=y: a * y, x) * upstream, slope(lambda b, x=x: x * b, y) * upstream)
        assert_close(submission.mul_backward(x, y, upstream), expected, rtol=1e-6)


@pytest.mark.exercise("pow_backward")
def test_the_square_of_minus_five(submission):
    assert_close(submission.pow_backward(-5.0, 2, upstream=1.5), 1.5 * 2 * -5.0)


@pytest.mark.exercise("pow_backward")
def test_a_cube(submission):
    assert_close(submission.pow_backward(3.0, 3, upstream=-0.5), -0.5 * 3 * 3.0**2)


@pytest.mark.hidden
@pytest.mark.exercise("pow_backward")
@pytest.mark.parametrize("n", [2, 3, 5, 1, -1, -2])
def test_slopes_of_a_power(submission, rng, n):
    for x, upstream in zip(uneven(rng), uneven(rng), strict=True):
        assert_close(submission.pow_backward(x, n, upstream), slope(lambda a: a**n, x) * upstream, rtol=1e-5)


@pytest.mark.hidden
@pytest.mark.exercise("pow_backward")
@pytest.mark.parametrize("n", [0.5, 1.7, -0.3])
def test_slopes_of_a_broken_power(submission, rng, n):
    for x, upstream in zip(map(abs, uneven(rng)), uneven(rng), strict=True):
        assert_close(submission.pow_backward(x, n, upstream), slope(lambda a: a**n, x) * upstream, rtol=1e-5)


@pytest.mark.exercise("relu_backward")
@pytest.mark.parametrize(("x", "expected"), [(3.0, -0.5), (-3.0, 0.0)])
def test_an_open_and_a_closed_gate(submission, x, expected):
    assert_close(submission.relu_backward(x, upstream=-0.5), expected)


@pytest.mark.hidden
@pytest.mark.exercise("relu_backward")
def test_slopes_of_relu(submission, rng):
    for x, upstream in zip([*uneven(rng), 0.4, -0.4], [*uneven(rng), 1.7, 2.1], strict=True):
        assert_close(submission.relu_backward(x, upstream), slope(lambda a: max(0.0, a), x) * upstream, rtol=1e-6)


@pytest.mark.hidden
@pytest.mark.exercise("relu_backward")
def test_the_corner_of_relu(submission):
    assert_close(submission.relu_backward(0.0, upstream=2.5), 0.0)


@pytest.mark.exercise("tanh_backward")
def test_half_way_up(submission):
    assert_close(submission.tanh_backward(0.5, upstream=-4.0), -4.0 * (1 - 0.5**2))


@pytest.mark.exercise("tanh_backward")
def test_in_the_middle(submission):
    assert_close(submission.tanh_backward(0.0, upstream=0.7), 0.7)


@pytest.mark.hidden
@pytest.mark.exercise("tanh_backward")
def test_slopes_of_tanh(submission, rng):
    for x, upstream in zip(uneven(rng), uneven(rng), strict=True):
        got = submission.tanh_backward(math.tanh(x), upstream)
        assert_close(got, slope(math.tanh, x) * upstream, rtol=1e-5)


@pytest.mark.hidden
@pytest.mark.exercise("tanh_backward")
@pytest.mark.parametrize("x", [-30.0, 800.0])
def test_a_saturated_tanh(submission, x):
    assert_close(submission.tanh_backward(math.tanh(x), upstream=1.3), 0.0)


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


@pytest.mark.hidden
@pytest.mark.exercise("topological_order")
@pytest.mark.parametrize(("leaves", "steps"), [TWINS, LADDER, GATES])
def test_the_law_of_the_order(submission, leaves, steps):
    assert_close(submission.run(facts_of_the_order, leaves=leaves, steps=steps), LAWFUL)


@pytest.mark.hidden
@pytest.mark.exercise("topological_order")
def test_the_law_on_random_graphs(submission, rng):
    for _ in range(5):
        leaves, steps = random_graph(rng)
        assert_close(submission.run(facts_of_the_order, leaves=leaves, steps=steps), LAWFUL)


@pytest.mark.hidden
@pytest.mark.exercise("topological_order")
def test_a_leaf_is_its_own_order(submission):
    facts = submission.run(facts_of_the_order, leaves={"x": 0.5}, steps=[])
    assert_close(facts, {**LAWFUL, "inputs stand behind what uses them": True})  # there are no inputs: both hold


@pytest.mark.hidden
@pytest.mark.exercise("topological_order")
def test_fifty_thousand_additions(submission):
    got = submission.run(order_of_a_long_chain, n=50_000)
    assert_close(got, {"length": 50_001, "leaf first": True, "root last": True})


# ---- backward ------------------------------------------------------------------------------------------------------


@pytest.mark.exercise("backward")
def test_the_expression_of_the_first_page(submission):
    assert_close(submission.run(the_example), [20.0, -30.0, -10.0])


@pytest.mark.exercise("backward")
def test_a_number_that_is_used_twice(submission):
    leaves, steps = DIAMOND
    got, _ = submission.run(gradients, leaves=leaves, steps=steps)
    assert_close(got, {"x": 2 * leaves["x"] + 1})  # the slope of x * x + x is 2 x + 1


@pytest.mark.hidden
@pytest.mark.exercise("backward")
@pytest.mark.parametrize(("leaves", "steps"), GRAPHS)
def test_the_slope_of_every_leaf(submission, leaves, steps):
    got, made = submission.run(gradients, leaves=leaves, steps=steps)
    assert_close(got, slopes(leaves, steps), rtol=1e-6, atol=1e-8)
    assert_close(made["y"], 1.0)


@pytest.mark.hidden
@pytest.mark.exercise("backward")
def test_slopes_in_random_graphs(submission, rng):
    for _ in range(5):
        leaves, steps = random_graph(rng)
        got, _ = submission.run(gradients, leaves=leaves, steps=steps)
        assert_close(got, slopes(leaves, steps), rtol=1e-5, atol=1e-7)


@pytest.mark.hidden
@pytest.mark.exercise("backward")
def test_leaves_add_up_and_other_nodes_do_not(submission):
    leaves, steps = LADDER
    _, once = submission.run(gradients, leaves=leaves, steps=steps)
    got, twice = submission.run(gradients, leaves=leaves, steps=steps, times=2)
    assert_close(got, {name: 2 * gradient for name, gradient in slopes(leaves, steps).items()}, rtol=1e-6)
    assert_close(twice, once)


@pytest.mark.hidden
@pytest.mark.exercise("backward")
def test_two_losses_that_share_a_node(submission, rng):
    x, w = uneven(rng, 2)
    got = submission.run(two_losses, x=x, w=w)
    assert_close(got, {"x": 3 * w + 2 * w * w * x, "w": 3 * x + 2 * w * x * x, "h": 2 * w * x})


@pytest.mark.hidden
@pytest.mark.exercise("backward")
def test_backward_at_a_leaf(submission):
    assert_close(submission.run(a_leaf_alone, number=0.3), 1.0)


@pytest.mark.hidden
@pytest.mark.exercise("backward")
def test_fifty_thousand_products(submission):
    n, factor = 50_000, 1.0001
    got = submission.run(backward_through_a_chain, n=n, factor=factor)
    assert_close(got, {"x": factor**n, "constant": 0.5 * n * factor ** (n - 1), "result": 1.0}, rtol=1e-6)


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


@pytest.mark.hidden
@pytest.mark.exercise("train")
@pytest.mark.parametrize("steps", [1, 2, 17])
def test_a_random_line(submission, rng, steps):
    case = {"xs": uneven(rng, 7), "ys": uneven(rng, 7), "steps": steps, "lr": 0.07, "start": uneven(rng, 2)}
    got, expected = submission.run(fit_a_line, **case), line_by_numpy(**case)
    assert_close(got["losses"], expected["losses"], rtol=1e-7)
    assert_close(got["parameters"], expected["parameters"], rtol=1e-7)


@pytest.mark.hidden
@pytest.mark.exercise("train")
def test_a_neuron_on_two_moons(submission, rng):
    angle = rng.uniform(0, np.pi, 11)
    upper, lower = np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([1 - np.cos(angle), 0.4 - np.sin(angle)], 1)
    points, targets = np.concatenate([upper, lower]), np.repeat([1.0, -1.0], 11)
    got = submission.run(fit_moons, points=points.tolist(), targets=targets.tolist(), steps=23, lr=0.3)

    def output(p):
        return np.tanh(points @ p[:2] + p[2])

    def gradient(p):
        before_tanh = 2 * (output(p) - targets) * (1 - output(p) ** 2) / len(targets)
        return np.append(before_tanh @ points, before_tanh.sum())

    expected = descend(lambda p: ((output(p) - targets) ** 2).mean(), gradient, [0.1, -0.2, 0.0], 23, 0.3)
    assert_close(got["losses"], expected["losses"], rtol=1e-7)
    assert_close(got["parameters"], expected["parameters"], rtol=1e-7)
