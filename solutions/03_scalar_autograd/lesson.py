# %% [markdown]
# # Scalar autograd
#
# To train a network you must know, for every parameter, which way and how strongly it moves the loss. That number is
# the parameter's **gradient**.
#
# You could find it by trial: nudge one parameter, run the network again, see what the loss did. For a million
# parameters that is a million runs. There is a way to get all of them in *one* pass, and every deep-learning library is
# built on it. In this lesson you write it for plain numbers, in less than a hundred lines. Libraries do the same with
# arrays. (That an engine this small is the way to understand them is the idea of Andrej Karpathy's micrograd.)
#
# Take a tiny loss, $(w x + b)^2$ with $w = 3$, $x = -2$, $b = 1$, and write down every step on the way:
#
# ```text
#     w = 3  ---+
#              (*)--- p = -6 ---+
#     x = -2 ---+               |
#                              (+)--- s = -5 ---(**2)--- loss = 25
#     b = 1  -------------------+
# ```
#
# Now walk it from right to left. Each step has a **slope** for each of its inputs: for a small move, how many times as
# far the result moves as that input does. At each step ask one small question: *if the result moves the loss by so
# much, how much does each of its inputs move the loss?*
#
# - The loss moves the loss by 1.
# - $s^2$ has the slope $2s = -10$, so $s$ moves the loss by $-10 \cdot 1 = -10$.
# - A sum hands on what it gets: $p$ moves the loss by $-10$, and so does $b$.
# - In $p = w x$, $w$ is multiplied by $-2$, so it moves the loss by $-2 \cdot (-10) = 20$. And $x$ is multiplied by
#   $3$: it moves the loss by $3 \cdot (-10) = -30$.
#
# That is the chain rule, and it is all there is: **gradient of an input = local slope × gradient of the result**. The
# gradient of the result is called the **upstream** gradient: it has come down from the loss. You need two things: the
# local slopes (exercises 1 to 4), and an order to walk in (5 and 6). Then a network learns (7).

# %%
import math
import random
from collections.abc import Callable
from itertools import pairwise

from nanograd.course import exercise

# %% [markdown]
# ## 1. The slopes of a product
#
# For $z = x y$: move $x$ by one and $z$ moves by $y$. Move $y$ by one and $z$ moves by $x$. Each input's slope is *the
# other* input. Then the chain rule: times upstream. Never forget upstream. A test that starts with upstream 1 cannot
# see that it is missing, so a bug like that lives long.


# %%
@exercise(
    "mul_backward",
    points=2,
    lines=1,
    hints=[
        "If x grows by one, by how much does x * y grow?",
        "The slope of x is y, and the slope of y is x. Multiply each by upstream.",
        "return upstream * y, and as the second number the same with x",
    ],
)
def mul_backward(x: float, y: float, upstream: float) -> tuple[float, float]:
    """Return the gradients of x and y for z = x y; ``upstream`` is that of z.

    >>> mul_backward(3.0, -2.0, upstream=-10.0)
    (20.0, -30.0)
    """
    # BEGIN SOLUTION
    return upstream * y, upstream * x
    # END SOLUTION


# %% [markdown]
# ## 2. The slope of a power
#
# For $z = x^n$ with a fixed number $n$, the slope is $n\,x^{n-1}$. At $x = 5$: $x^2$ has the slope 10, $x^3$ has 75.
# This one rule also gives you division, because $1/x$ is $x^{-1}$: its slope is $-x^{-2}$.


# %%
@exercise(
    "pow_backward",
    points=2,
    lines=1,
    hints=[
        "What is the slope of x ** 3 at x = 5? Which numbers is it made of?",
        "The exponent comes down as a factor, and is one less above. Then times upstream.",
        "return upstream * n * x ** (n - 1)",
    ],
)
def pow_backward(x: float, n: float, upstream: float) -> float:
    """Return the gradient of x for z = x^n; ``upstream`` is that of z.

    >>> pow_backward(-5.0, 2, upstream=1.5)
    -15.0
    """
    # BEGIN SOLUTION
    return upstream * n * x ** (n - 1)
    # END SOLUTION


# %% [markdown]
# ## 3. The slope of relu
#
# $\mathrm{relu}(x) = \max(0, x)$ is a gate. For a positive $x$ the number passes, slope 1. For a negative one nothing
# passes, slope 0.
#
# ```text
#                           /
#                         /
#                       /       slope 1
#     ________________/
#          slope 0    0
# ```
#
# At the corner, $x = 0$, there is no one slope. Libraries agreed on 0, and so do we: a gate that lets nothing through
# lets no gradient back either.


# %%
@exercise(
    "relu_backward",
    points=2,
    lines=1,
    hints=[
        "There are two cases. Which number decides between them: x or upstream?",
        "If x is positive, the gradient is upstream as it is. Otherwise, x = 0 included, it is 0.",
        "return upstream if x > 0 else 0.0",
    ],
)
def relu_backward(x: float, upstream: float) -> float:
    """Return the gradient of x for z = max(0, x); ``upstream`` is that of z.

    The slope at 0 is 0.

    >>> relu_backward(3.0, upstream=-0.5), relu_backward(-3.0, upstream=-0.5)
    (-0.5, 0.0)
    """
    # BEGIN SOLUTION
    return upstream if x > 0 else 0.0
    # END SOLUTION


# %% [markdown]
# ## 4. The slope of tanh
#
# $y = \tanh(x)$ squeezes any number into -1 to 1. Its slope is a small gift: it can be written with the *result*,
# $1 - y^2$. So we keep $y$ and never compute an exponential again.
#
# Try it in your head. In the middle, $y = 0$: slope 1. Far out, $y = 0.99$: slope 0.02. A neuron that is that sure of
# itself hardly learns, because hardly any gradient gets through. It is called *saturated*.


# %%
@exercise(
    "tanh_backward",
    points=2,
    lines=1,
    hints=[
        "The function gets y, the result of tanh, not x. Which formula for the slope uses only y?",
        "The slope is 1 - y squared. Multiply by upstream.",
        "return upstream * (1 - y * y)",
    ],
)
def tanh_backward(y: float, upstream: float) -> float:
    """Return the gradient of x for ``y`` = tanh(x); ``upstream`` is that of y.

    >>> tanh_backward(0.5, upstream=-4.0)
    -3.0
    """
    # BEGIN SOLUTION
    return upstream * (1 - y * y)
    # END SOLUTION


# %% [markdown]
# ## A number that remembers
#
# The class below is given. Read it well: it is the whole trick. A `Scalar` holds its number in `data`, its gradient in
# `grad`, and how it was made: the `inputs` it was computed from, and a `rule` that takes the upstream gradient and
# returns one gradient for each input. Each operator does its arithmetic *and* writes down the rule. The rules are
# yours.
#
# So an ordinary expression leaves a record behind it, from the result to the very first numbers:
#
# ```python
# w, x, b = Scalar(3.0), Scalar(-2.0), Scalar(1.0)
# loss = (w * x + b) ** 2
# loss.inputs[0].inputs[0].inputs  # (w, x), two steps back
# ```
#
# A Scalar that you made yourself is a **leaf**: it has no inputs, and its rule returns no gradients.


# %%
class Scalar:
    """A number, the Scalars that made it, and the rule that sends a gradient back to them."""

    __slots__ = ("data", "grad", "inputs", "rule")

    def __init__(
        self,
        data: float,
        inputs: tuple["Scalar", ...] = (),
        rule: Callable[[float], tuple[float, ...]] = lambda upstream: (),
    ) -> None:
        self.data = data
        self.grad = 0.0
        self.inputs = inputs
        self.rule = rule  # upstream gradient -> one gradient for each input

    def __add__(self, other: "Scalar | float") -> "Scalar":
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.data + other.data, (self, other), lambda upstream: (upstream, upstream))

    def __mul__(self, other: "Scalar | float") -> "Scalar":
        other = other if isinstance(other, Scalar) else Scalar(other)
        x, y = self.data, other.data  # the rule keeps the numbers of this moment
        return Scalar(x * y, (self, other), lambda upstream: mul_backward(x, y, upstream))

    def __pow__(self, n: float) -> "Scalar":
        x = self.data
        return Scalar(x**n, (self,), lambda upstream: (pow_backward(x, n, upstream),))

    def relu(self) -> "Scalar":
        x = self.data
        return Scalar(max(0.0, x), (self,), lambda upstream: (relu_backward(x, upstream),))

    def tanh(self) -> "Scalar":
        y = math.tanh(self.data)
        return Scalar(y, (self,), lambda upstream: (tanh_backward(y, upstream),))

    def __neg__(self) -> "Scalar":
        return self * -1.0

    def __sub__(self, other: "Scalar | float") -> "Scalar":
        return self + -other

    def __truediv__(self, other: "Scalar | float") -> "Scalar":
        return self * other**-1.0

    def __rsub__(self, other: float) -> "Scalar":
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self) -> str:
        return f"Scalar(data={self.data:g}, grad={self.grad:g})"


# %% [markdown]
# ## 5. An order to walk in
#
# When a number is used twice, it gets two gradients, and they add up: both uses move the loss. That makes the *order*
# matter. Take $h = x \cdot x$ and $y = 3h + h$, with $x = 2$:
#
# ```text
#     x = 2 ---(*)--- h = 4 ---(*3)--- t = 12 ---(+)--- y = 16
#                       |                         |
#                       +-------------------------+
# ```
#
# From $y$, the sum hands 1 to $t$ and 1 to $h$. The slope of $x \cdot x$ is $2x = 4$. If $h$ passed its 1 on at once,
# $x$ would get $1 \cdot 4 = 4$. Too early: $t$ still has $3 \cdot 1$ to send. Only when $h$ has its full $1 + 3 = 4$
# may it pass on, and $x$ gets $4 \cdot 4 = 16$. (Check: $y = 4x^2$, and its slope is $8x = 16$.)
#
# > **A node may pass its gradient on only after everyone who used it has.**
#
# A list in which every node stands after all of its inputs is called a **topological order**: here `x, h, t, y`, with
# the leaf 3 anywhere before `t`. Walk it from the end, and the rule above holds at every node.
#
# The textbook way is recursion: a function lists the inputs, then the node itself. But Python stops at about 1,000
# calls inside one another, and a loop of 50,000 steps makes a chain 50,000 nodes deep. So keep the waiting nodes in a
# list of your own, a **stack**. Each node is taken from it twice:
#
# - the first time, *open* it: put it back, marked as opened, and put its inputs on top;
# - the second time, everything above it is done, so its inputs are in the order already: append it.
#
# A node that has been opened before is skipped. Tell nodes apart by themselves, not by their `data`: two different
# leaves may both hold 1.0. (A `set` of Scalars does that: they compare by identity. And it answers at once whether it
# holds a node, where a list must search.)


# %%
@exercise(
    "topological_order",
    points=6,
    lines=10,
    hints=[
        "When may a node be appended? What has to be in the list before it?",
        (
            "Keep a stack of pairs (node, opened), beginning with (root, False), and a set of nodes seen. Pop a pair. "
            "If opened, append the node. Else, if it is new, push (node, True) and then (input, False) for each input."
        ),
        (
            "while stack: node, opened = stack.pop(); if opened: order.append(node); elif node not in seen: "
            "seen.add(node); stack.append((node, True)); stack.extend((each, False) for each in node.inputs)"
        ),
    ],
)
def topological_order(root: Scalar) -> list[Scalar]:
    """Return ``root`` and all it was computed from: each once, after all of its inputs.

    >>> x = Scalar(2.0)
    >>> [node.data for node in topological_order(x * x + x)]
    [2.0, 4.0, 6.0]
    """
    # BEGIN SOLUTION
    order: list[Scalar] = []
    seen: set[Scalar] = set()
    stack = [(root, False)]
    while stack:
        node, opened = stack.pop()
        if opened:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((each, False) for each in node.inputs)
    return order
    # END SOLUTION


# %% [markdown]
# ## 6. Backward
#
# Now put it together. `backward(root)` fills in `grad` for everything that `root` was computed from.
#
# 1. List the nodes in topological order.
# 2. Set the gradient of every node that is *not* a leaf to 0: what an earlier `backward` left there has been passed on.
#    Leaves keep theirs and go on adding. (So a leaf can collect the gradients of several losses. It also means that
#    somebody has to reset it between two steps of training: you, in exercise 7.)
# 3. The root moves itself by one: its gradient is 1.
# 4. Walk the order from its end. Ask each node's rule for the gradients of its inputs, and **add** each to the `grad`
#    of that input. Add. An `=` there loses all uses but the last: the classic bug of everyone who writes this.


# %%
@exercise(
    "backward",
    points=6,
    lines=8,
    needs=["topological_order"],
    hints=[
        "In which direction do you walk the order, and what is a node's grad worth when its turn comes?",
        "node.rule(node.grad) returns one gradient for each of node.inputs, in the same order. zip pairs them.",
        (
            "for node in reversed(order): for each, gradient in zip(node.inputs, node.rule(node.grad)): each.grad += "
            "gradient. Before that: node.grad = 0.0 where node.inputs is not empty, and root.grad = 1.0."
        ),
    ],
)
def backward(root: Scalar) -> None:
    """Add its gradient to every leaf: how much ``root`` moves when the leaf moves.

    Every other node holds its gradient of this call, ``root`` itself 1.

    >>> w, x, b = Scalar(3.0), Scalar(-2.0), Scalar(1.0)
    >>> backward((w * x + b) ** 2)
    >>> w.grad, x.grad, b.grad
    (20.0, -30.0, -10.0)
    """
    # BEGIN SOLUTION
    order = topological_order(root)
    for node in order:
        if node.inputs:
            node.grad = 0.0
    root.grad = 1.0
    for node in reversed(order):
        for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
            each.grad += gradient
    # END SOLUTION


# %% [markdown]
# ## 7. Training
#
# A gradient says which way is up. Training goes down: move every parameter a small step against its gradient,
# $p \leftarrow p - \mathrm{lr} \cdot \mathrm{grad}$, and repeat. `lr`, the **learning rate**, says how far. One step
# of training has four parts:
#
# 1. call `loss()`. It runs the network and returns a *new* Scalar, because the parameters have moved since the last
#    step and an old record knows nothing of it;
# 2. set the gradients of the parameters to 0;
# 3. run `backward`;
# 4. move `data` of every parameter. Not the parameter: the network holds these very Scalars, and would never see new
#    ones.
#
# Look for these four in every training loop that you read.


# %%
@exercise(
    "train",
    points=5,
    lines=10,
    needs=["backward"],
    hints=[
        "Which of the four steps happen once for each step of training, and which once for each parameter?",
        (
            "In a loop over range(steps): make the loss, note its data, set each p.grad to 0, run backward, then move "
            "each p.data by lr times its grad, downhill."
        ),
        (
            "for _ in range(steps): result = loss(); losses.append(result.data); for p in parameters: p.grad = 0.0; "
            "backward(result); for p in parameters: p.data -= lr * p.grad"
        ),
    ],
)
def train(parameters: list[Scalar], loss: Callable[[], Scalar], steps: int, lr: float) -> list[float]:
    """Do ``steps`` steps of gradient descent; return the loss before each step.

    >>> w = Scalar(0.0)
    >>> train([w], lambda: (w - 3.0) ** 2, steps=3, lr=0.5)
    [9.0, 0.0, 0.0]
    """
    # BEGIN SOLUTION
    losses = []
    for _ in range(steps):
        result = loss()
        losses.append(result.data)
        for parameter in parameters:
            parameter.grad = 0.0
        backward(result)
        for parameter in parameters:
            parameter.data -= lr * parameter.grad
    return losses
    # END SOLUTION


# %% [markdown]
# ## The ending: two moons
#
# Two half moons of points, one inside the arm of the other. Which moon does a point belong to? A **neuron** multiplies
# each coordinate by a weight, adds a bias and squeezes the sum with tanh: near 1 it says *upper moon*, near -1 *lower
# moon*. Its border is a straight line, and no straight line parts these moons. A **network** puts a layer of relu
# neurons in between. Each one folds the plane once, and the border may bend.
#
# Everything below runs on your seven functions: `python lesson.py` trains both and draws what they think.
# `o` and `x` are the points; the shaded side is what the network takes for the moon of the `x`.


# %%
class Network:
    """Layers of neurons: relu in between, tanh at the end; ``Network([2, 1], rng)`` is a single neuron."""

    def __init__(self, sizes: list[int], rng: random.Random) -> None:
        self.layers = [
            [([Scalar(rng.uniform(-1, 1)) for _ in range(inputs)], Scalar(0.0)) for _ in range(outputs)]
            for inputs, outputs in pairwise(sizes)
        ]
        self.parameters = [each for layer in self.layers for weights, bias in layer for each in (*weights, bias)]

    def __call__(self, point: tuple[float, float]) -> Scalar:
        values = [Scalar(each) for each in point]
        for layer in self.layers:
            sums = [sum((w * x for w, x in zip(weights, values, strict=True)), bias) for weights, bias in layer]
            values = [each.tanh() if layer is self.layers[-1] else each.relu() for each in sums]
        return values[0]


def two_moons(n: int, rng: random.Random) -> list[tuple[tuple[float, float], float]]:
    """Return ``n`` points of each moon with their targets: 1 for the upper moon and -1 for the lower."""
    points = []
    for _ in range(n):
        a, b = rng.uniform(0, math.pi), rng.uniform(0, math.pi)
        points.append(((math.cos(a) + rng.gauss(0, 0.1), math.sin(a) + rng.gauss(0, 0.1)), 1.0))
        points.append(((1 - math.cos(b) + rng.gauss(0, 0.1), 0.4 - math.sin(b) + rng.gauss(0, 0.1)), -1.0))
    return points


def mean_squared_error(network: Network, points: list[tuple[tuple[float, float], float]]) -> Scalar:
    """Return the mean of (prediction - target)^2."""
    return sum(((network(point) - target) ** 2 for point, target in points), Scalar(0.0)) / len(points)


def accuracy(network: Network, points: list[tuple[tuple[float, float], float]]) -> float:
    """Return the share of points on the right side of 0."""
    return sum((network(point).data > 0) == (target > 0) for point, target in points) / len(points)


def map_of(network: Network, points: list[tuple[tuple[float, float], float]], rows: int = 19, columns: int = 64) -> str:
    """Draw the plane from (-1.5, 1.5) to (2.5, -1.1), shaded where ``network`` is negative, with the points on it."""

    def shade(row: int, column: int) -> str:
        point = (-1.5 + 4 * column / (columns - 1), 1.5 - 2.6 * row / (rows - 1))
        return "." if network(point).data < 0 else " "

    canvas = [[shade(row, column) for column in range(columns)] for row in range(rows)]
    for (x, y), target in points:
        row, column = round((1.5 - y) / 2.6 * (rows - 1)), round((x + 1.5) / 4 * (columns - 1))
        if 0 <= row < rows and 0 <= column < columns:
            canvas[row][column] = "o" if target > 0 else "x"
    return "\n".join("    " + "".join(row) for row in canvas)


# %%
if __name__ == "__main__":
    w, x, b = Scalar(3.0), Scalar(-2.0), Scalar(1.0)
    loss = (w * x + b) ** 2
    backward(loss)
    print("(w * x + b) ** 2, from the result back to the leaves:")
    for node in reversed(topological_order(loss)):
        print("   ", node, "" if node.inputs else "<- leaf")

    rng = random.Random(3)
    points, unseen = two_moons(40, rng), two_moons(100, rng)
    for sizes, steps, lr in (([2, 1], 60, 0.3), ([2, 8, 1], 150, 0.3)):
        network = Network(sizes, rng)
        losses = train(network.parameters, lambda network=network: mean_squared_error(network, points), steps, lr)
        print(
            f"\nlayers {sizes}, {len(network.parameters)} parameters: loss {losses[0]:.3f} -> {losses[-1]:.3f}, ",
            end="",
        )
        print(f"accuracy {accuracy(network, points):.1%}, on points it has not seen {accuracy(network, unseen):.1%}")
        print(map_of(network, points))
