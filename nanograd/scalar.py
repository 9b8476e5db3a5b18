"""Scalar: a number that remembers how it was made, and so can say how each of its inputs moves it.

Every operation ``z = f(x, y)`` makes a node that holds its value and, for each input, a slope: ``dx = ∂z/∂x`` and
``dy = ∂z/∂y``, worked out at once, while x and y are at hand. ``backward`` then needs only the chain rule: if the
result moves by ``g`` when z moves by one, it moves by ``dx * g`` when x moves by one.

>>> w, x = Scalar(3.0), Scalar(-2.0)
>>> loss = (w * x + 1.0) ** 2
>>> loss.backward()
>>> loss.data, w.grad, x.grad
(25.0, 20.0, -30.0)

The whole engine is this file: one class, no imports from the rest of the library. Tensors follow the same plan with
arrays for numbers (see ``tape.py``). The idea of a scalar engine this small is Andrej Karpathy's micrograd.
"""

from __future__ import annotations

import math
from itertools import count
from numbers import Real
from operator import attrgetter

_next_moment = count().__next__
_moment = attrgetter("moment")


class Scalar:
    """A float ``data``, and its ``grad``: by how much the result of ``backward`` grows when data grows by one.

    ``data`` may be any real number. The arithmetic is that of Python's floats and raises where theirs does: at a
    division by zero, at the logarithm of zero, where e^x or a power leaves the range of floats.

    Raises: TypeError for anything but a real number.
    """

    __slots__ = ("data", "grad", "op", "moment", "x", "dx", "y", "dy")
    __array_ufunc__ = None  # NumPy's numbers leave `numpy_number * scalar` to us

    x: Scalar | None
    y: Scalar | None

    def __init__(self, data: float) -> None:
        self.data = _as_float(data)
        self.grad = 0.0
        self.op = ""  # a leaf: given, not computed
        self.moment = _next_moment()
        self.x = self.y = None
        self.dx = self.dy = 0.0

    @property
    def inputs(self) -> tuple[Scalar, ...]:
        """The Scalars that this one was computed from: none, one or two."""
        return tuple(node for node in (self.x, self.y) if node is not None)

    def backward(self) -> None:
        """grad += ∂self/∂leaf, for every leaf that self was computed from.

        Leaves add up the gradients of repeated calls: set ``leaf.grad = 0.0`` before the next one. Every other node
        holds the gradient of the latest call.
        """
        nodes, waiting = {self}, [self]
        while waiting:  # a list, not recursion: chains may be longer than Python's stack
            node = waiting.pop()
            if node.op:
                node.grad = 0.0
            for source in (node.x, node.y):
                if source is not None and source not in nodes:
                    nodes.add(source)
                    waiting.append(source)
        self.grad += 1.0
        for node in sorted(nodes, key=_moment, reverse=True):  # whatever uses a node was made after it
            if node.x is not None:
                node.x.grad += node.dx * node.grad
            if node.y is not None:
                node.y.grad += node.dy * node.grad

    def __add__(self, other: Scalar | float) -> Scalar:
        other = other if isinstance(other, Scalar) else Scalar(other)
        return _made("add", self.data + other.data, self, 1.0, other, 1.0)

    __radd__ = __add__

    def __sub__(self, other: Scalar | float) -> Scalar:
        other = other if isinstance(other, Scalar) else Scalar(other)
        return _made("sub", self.data - other.data, self, 1.0, other, -1.0)

    def __mul__(self, other: Scalar | float) -> Scalar:
        other = other if isinstance(other, Scalar) else Scalar(other)
        return _made("mul", self.data * other.data, self, other.data, other, self.data)

    __rmul__ = __mul__

    def __truediv__(self, other: Scalar | float) -> Scalar:
        other = other if isinstance(other, Scalar) else Scalar(other)
        if other.data == 0:
            raise ZeroDivisionError(f"div: cannot divide {self.data} by zero. Check the divisor before you divide.")
        quotient = self.data / other.data
        return _made("div", quotient, self, 1.0 / other.data, other, -quotient / other.data)

    def __pow__(self, other: Scalar | float) -> Scalar:
        x, n = self.data, other.data if isinstance(other, Scalar) else _as_float(other)
        z = _power(x, n)
        dx = _power_slope(x, n, z)
        if isinstance(other, Scalar):
            return _made("pow", z, self, dx, other, z * _log(x, "pow with a Scalar exponent"))
        return _made(f"pow {n:g}", z, self, dx)

    def __rsub__(self, other: float) -> Scalar:
        return Scalar(other) - self

    def __rtruediv__(self, other: float) -> Scalar:
        return Scalar(other) / self

    def __rpow__(self, other: float) -> Scalar:
        return Scalar(other) ** self

    def __neg__(self) -> Scalar:
        return _made("neg", -self.data, self, -1.0)

    def relu(self) -> Scalar:
        """z = max(0, x); the slope at 0 is 0."""
        if self.data <= 0:
            return _made("relu", 0.0, self, 0.0)
        return _made("relu", self.data, self, 1.0)

    def tanh(self) -> Scalar:
        """z = (e^x - e^-x) / (e^x + e^-x), ∂z/∂x = 1 - z²."""
        z = math.tanh(self.data)
        return _made("tanh", z, self, 1.0 - z * z)

    def exp(self) -> Scalar:
        """z = e^x, which is also its own slope.  Raises: OverflowError above x = 709.78."""
        try:
            z = math.exp(self.data)
        except OverflowError:
            raise OverflowError(f"exp: e^{self.data} is beyond the largest float. Keep x below 709.78.") from None
        return _made("exp", z, self, z)

    def log(self) -> Scalar:
        """z = log x, ∂z/∂x = 1/x.  Raises: ValueError unless x > 0."""
        z = _log(self.data, "log")
        return _made("log", z, self, 1.0 / self.data)

    def sigmoid(self) -> Scalar:
        """z = 1 / (1 + e^-x), ∂z/∂x = z (1 - z)."""
        e = math.exp(-abs(self.data))  # in (0, 1]: never overflows, and z (1 - z) keeps its digits in the tails
        z = (1.0 if self.data >= 0 else e) / (1.0 + e)
        return _made("sigmoid", z, self, e / (1.0 + e) ** 2)

    def __repr__(self) -> str:
        return f"Scalar(data={self.data}, grad={self.grad})"


def _made(op: str, data: float, x: Scalar, dx: float, y: Scalar | None = None, dy: float = 0.0) -> Scalar:
    """The node of ``data = op(x, y)``, with its slopes; past ``__init__``, whose checks it does not need."""
    z: Scalar = object.__new__(Scalar)
    z.data, z.grad, z.op, z.moment = data, 0.0, op, _next_moment()
    z.x, z.dx, z.y, z.dy = x, dx, y, dy
    return z


def _as_float(number: float) -> float:
    if type(number) is float:
        return number
    if isinstance(number, Real):  # int, bool, Fraction and NumPy's numbers too
        return float(number)
    raise TypeError(
        f"Scalar: expected a real number or a Scalar, got {type(number).__name__}. "
        "Pass an int or a float: float(text) for text, a.item() for an array or a tensor with one element."
    )


def _power(x: float, n: float) -> float:
    try:
        return math.pow(x, n)
    except OverflowError:
        raise OverflowError(f"pow: {x} ** {n} is beyond the largest float, about 1.8e308.") from None
    except ValueError:
        if x == 0:
            raise ZeroDivisionError(f"pow: 0.0 ** {n} divides by zero. Keep the base away from 0.") from None
        raise ValueError(f"pow: {x} ** {n} is not a real number: a negative base takes whole exponents only.") from None


def _power_slope(x: float, n: float, z: float) -> float:
    """n x^(n-1), where z = x^n."""
    if n == 0:
        return 0.0
    try:
        return n * math.pow(x, n - 1.0)
    except (OverflowError, ValueError):
        return n * z / x if x else math.inf  # the root of 0, among others: a number, with an infinite slope


def _log(x: float, op: str) -> float:
    try:
        return math.log(x)
    except ValueError:
        raise ValueError(f"{op}: expected x > 0, got {x}. Its logarithm is not a real number.") from None
