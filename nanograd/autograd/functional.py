"""Derivatives of functions: ``jacobian``, ``hessian``, and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nanograd.autograd.gradient import grad
from nanograd.errors import GradError, ShapeError
from nanograd.ops.creation import zeros, zeros_like
from nanograd.ops.joining import stack
from nanograd.tape import enable_grad
from nanograd.tensors import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]


def _listed(name: str, what: str, given: Any) -> tuple[Tensor, ...]:
    listed = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    for i, t in enumerate(listed):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"{name}: The {what} must be either a Tensor or a tuple of Tensors, but the value at index {i} has "
                f"type {type(t).__name__}."
            )
    return listed


def _like(given: Any, made: tuple[Any, ...]) -> Any:
    """``made`` as a tuple where ``given`` was one, else its only element."""
    return made if isinstance(given, (tuple, list)) else made[0]


def _apart(inputs: Any, name: str, create_graph: bool) -> tuple[Tensor, ...]:
    """The inputs as variables of their own; connected to what they were with ``create_graph``."""
    xs = _listed(name, "inputs given to the function", inputs)
    if create_graph:
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in xs)
    return tuple(x.detach().requires_grad_() for x in xs)


def _run(name: str, func: Function, xs: tuple[Tensor, ...]) -> tuple[Any, tuple[Tensor, ...]]:
    y = func(*xs)
    return y, _listed(name, "outputs of the user-provided function", y)


def _given(name: str, v: Any, like: tuple[Tensor, ...], what: str) -> list[Tensor]:
    """The vector, checked against the shapes it must have; ones where it is left out for a single number."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise GradError(
                f"{name}: The vector v can only be None if the {what} is a single number; "
                f"{[tuple(t.shape) for t in like]} need one tensor each."
            )
        return [zeros_like(like[0]) + 1]
    vs = _listed(name, "vector v", v)
    if len(vs) != len(like) or any(a.shape != b.shape for a, b in zip(vs, like, strict=True)):
        raise ShapeError(
            f"{name}: v has shapes {[tuple(t.shape) for t in vs]}, expected those of the {what}: "
            f"{[tuple(t.shape) for t in like]}."
        )
    return list(vs)


def _gradients(
    name: str, ys: list[Tensor], xs: tuple[Tensor, ...], vs: list[Tensor], create: bool, strict: bool
) -> tuple[Tensor, ...]:
    """Σ v ∂y/∂x for each x, zeros where nothing leads there."""
    pairs = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
    found: tuple[Any, ...] = (None,) * len(xs)
    if pairs:
        kept = [y for y, _ in pairs]
        found = grad(kept, xs, [v for _, v in pairs], retain_graph=True, create_graph=create, allow_unused=True)
    if strict and any(g is None for g in found):
        missing = next(i for i, g in enumerate(found) if g is None)
        raise GradError(f"{name}: The output of the user-provided function is independent of input {missing}.")
    return tuple(zeros_like(x) if g is None else g for g, x in zip(found, xs, strict=True))


def _finished(ts: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    return ts if create_graph else tuple(t.detach() for t in ts)


@enable_grad()
def vjp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(y, vᵀ J): the function's value, and the product of a vector with its Jacobian.

    ``v`` has the shape of the output; it may be left out for a single number.
    """
    xs = _apart(inputs, "vjp", create_graph)
    y, ys = _run("vjp", func, xs)
    products = _gradients("vjp", list(ys), xs, _given("vjp", v, ys, "output"), create_graph, strict)
    return _like(y, _finished(ys, create_graph)), _like(inputs, _finished(products, create_graph))


@enable_grad()
def jvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(y, J v): the function's value, and the product of its Jacobian with a vector of the shape of the input.

    Two ways back make one forward: vᵀJ is linear in v, and its derivative in v is J.
    """
    xs = _apart(inputs, "jvp", create_graph)
    vs = _given("jvp", v, xs, "input")
    y, ys = _run("jvp", func, xs)
    us = [zeros_like(t).requires_grad_() for t in ys]
    back = _gradients("jvp", list(ys), xs, us, True, strict)
    forward = _gradients("jvp", list(back), tuple(us), vs, create_graph, False)
    return _like(y, _finished(ys, create_graph)), _like(y, _finished(forward, create_graph))


@enable_grad()
def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """J[o, i] = ∂y[o] / ∂x[i], of shape (*y.shape, *x.shape); a tuple for each tuple of inputs or outputs.

    ``vectorize`` and ``strategy`` are torch's and change nothing here.

    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    xs = _apart(inputs, "jacobian", create_graph)
    y, ys = _run("jacobian", func, xs)
    rows = tuple(_like(inputs, _jacobian_of(t, xs, create_graph, strict)) for t in ys)
    return _like(y, rows)


def _jacobian_of(y: Tensor, xs: tuple[Tensor, ...], create_graph: bool, strict: bool) -> tuple[Tensor, ...]:
    rows = []
    for i in range(y.numel()):
        one = zeros(y.numel(), dtype=y.dtype, device=y.device)
        one[i] = 1
        rows.append(_gradients("jacobian", [y], xs, [one.reshape(y.shape)], create_graph, strict))
    made = []
    for k, x in enumerate(xs):
        shape = (*y.shape, *x.shape)
        each = [row[k] for row in rows]
        made.append(stack(each).reshape(shape) if each else zeros(shape, dtype=x.dtype, device=x.device))
    return _finished(tuple(made), create_graph)


def _single(name: str, func: Function) -> Function:
    def checked(*xs: Tensor) -> Tensor:
        y = func(*xs)
        (only,) = _listed(name, "outputs of the user-provided function", y) if isinstance(y, Tensor) else (None,)
        if only is None or only.numel() != 1:
            raise GradError(
                f"{name}: The Tensor returned by the function given to {name} should contain a single element, got "
                f"{tuple(only.shape) if only is not None else type(y).__name__}."
            )
        return only.reshape(())

    return checked


@enable_grad()
def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """H[i, j] = ∂²y / ∂x[i] ∂x[j] of a function with a single number as its value.

    >>> torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    scalar = _single("hessian", func)

    def first(*xs: Tensor) -> Any:
        zs = tuple(x if x.requires_grad else x.detach().requires_grad_() for x in xs)
        return _gradients("hessian", [scalar(*zs)], zs, [scalar(*zs).detach() * 0 + 1], True, strict)

    found = jacobian(first, inputs, create_graph, strict)
    return found if isinstance(inputs, (tuple, list)) else found[0]


@enable_grad()
def vhp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(y, vᵀ H): the value of a function that gives a single number, and a vector times its Hessian."""
    xs = _apart(inputs, "vhp", create_graph)
    vs = _given("vhp", v, xs, "input")
    y = _single("vhp", func)(*xs)
    first = _gradients("vhp", [y], xs, [zeros_like(y) + 1], True, strict)
    products = _gradients("vhp", list(first), xs, vs, create_graph, False)
    return _finished((y,), create_graph)[0], _like(inputs, _finished(products, create_graph))


def hvp(func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(y, H v): as ``vhp``, for the Hessian is symmetric."""
    return vhp(func, inputs, v, create_graph, strict)
