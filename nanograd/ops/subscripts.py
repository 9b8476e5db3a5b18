"""Einstein's summation: products of tensors whose dimensions have names, summed over the names left out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd.errors import ShapeError
from nanograd.ops.broadcasting import expand
from nanograd.ops.diagonals import diagonal
from nanograd.ops.kinds import lift_all
from nanograd.ops.linalg import matmul
from nanograd.ops.reduction import sum
from nanograd.ops.shape import permute, to_shape

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["einsum"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DOTS = "..."
Labels = tuple[str, ...]
"""The names of dimensions: letters; DOTS in an equation, "...1", "...2" from the right once its size is known."""


def einsum(*args: Any) -> Tensor:
    """Products of tensors summed over dimensions: ``einsum("ij,jk->ik", a, b)`` is the matrix product.

    A letter names a dimension; dimensions of one letter go together, and letters that are not in the output are
    summed over.  Without ``->`` the output has the letters that occur once, in alphabetical order.  A letter twice in
    one operand takes its diagonal; ``...`` stands for any further dimensions, which broadcast.  Letters may be given
    as numbers too: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.  More than two operands are multiplied two at a time.
    Raises ShapeError for an equation that does not fit its operands.

    >>> torch.einsum("bij,bjk->bik", torch.ones(5, 2, 3), torch.ones(5, 3, 4)).shape
    torch.Size([5, 2, 4])
    >>> torch.einsum("ii", torch.eye(3))
    tensor(3.)
    """
    inputs, output, operands = _read_lists(args) if args and hasattr(args[0], "array") else _read_equation(args)
    labels = [_spelled(names, x, number) for number, (names, x) in enumerate(zip(inputs, operands, strict=True))]
    wanted = _output(labels, output)
    sizes = _sizes(labels, operands)
    terms = [_prepared(x, names, sizes) for x, names in zip(operands, labels, strict=True)]
    if len(terms) == 1:
        return _alone(*terms[0], wanted)
    while len(terms) > 1:
        i, j = _cheapest(terms, wanted, sizes)
        second, first = terms.pop(j), terms.pop(i)
        terms.append(_pair(first, second, {*wanted, *(n for _, names in terms for n in names)}))
    y, names = terms[0]
    return y if names == wanted else _arranged(y, names, wanted)


# Reading what is asked


def _read_equation(args: tuple[Any, ...]) -> tuple[list[Labels], Labels | None, list[Tensor]]:
    """(the labels of each operand, of the output or None, the operands) of ``"ij,jk->ik", a, b``."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    equation, operands = args[0], list(args[1:])
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    left, arrow, right = equation.partition("->")
    start = len(left) + 2
    inputs, place = [], 0
    for number, part in enumerate(left.split(",")):
        inputs.append(_read_labels(part, place, f"for operand {number}"))
        place += len(part) + 1
    output = _read_labels(right, start, "in the output") if arrow else None
    if len(inputs) != len(operands):
        which = "fewer" if len(operands) < len(inputs) else "more"
        raise ShapeError(
            f"einsum(): {which} operands were provided than specified in the equation: {len(operands)} for "
            f"{equation!r}, which names {len(inputs)}."
        )
    return inputs, output, operands


def _read_labels(text: str, start: int, where: str) -> Labels:
    labels: list[str] = []
    i = 0
    while i < len(text):
        if text[i : i + 3] == DOTS:
            if DOTS in labels:
                raise ShapeError(f"einsum(): found '.' {where} for which an ellipsis was already found: {text!r}.")
            labels.append(DOTS)
            i += 3
            continue
        if text[i] == ".":
            which = "for which an ellipsis was already found" if DOTS in labels else "that is not part of any ellipsis"
            raise ShapeError(f"einsum(): found '.' {where} {which}: {text!r}.")
        if text[i] in LETTERS:
            labels.append(text[i])
        elif text[i] != " ":
            raise ShapeError(
                f"einsum(): invalid subscript given at index {start + i} in the equation string, subscripts must be in "
                f"[a-zA-Z], got {text[i]!r}."
            )
        i += 1
    return tuple(labels)


def _read_lists(args: tuple[Any, ...]) -> tuple[list[Labels], Labels | None, list[Tensor]]:
    """As ``_read_equation``, of ``a, [0, 1], b, [1, 2], [0, 2]``."""
    pairs = len(args) // 2
    operands, given = list(args[0 : 2 * pairs : 2]), args[1 : 2 * pairs : 2]
    output = _letters(args[-1]) if len(args) % 2 else None
    return [_letters(numbers) for numbers in given], output, operands


def _letters(numbers: Sequence[Any]) -> Labels:
    if isinstance(numbers, str) or not isinstance(numbers, Sequence):
        raise ValueError(f"einsum(): expected a list of subscripts after each operand, got {numbers!r:.40}.")
    for n in numbers:
        if n is not Ellipsis and not 0 <= n < len(LETTERS):
            raise ValueError(f"einsum(): subscript in subscript list is not within the valid range [0, 52), got {n}.")
    return tuple(DOTS if n is Ellipsis else LETTERS[n] for n in numbers)


def _spelled(labels: Labels, x: Tensor, number: int) -> Labels:
    """One name for every dimension of x: what ``...`` stands for is counted from the right."""
    ndim, named = x.array.ndim, len(labels) - (DOTS in labels)
    if DOTS not in labels and named != ndim:
        raise ShapeError(
            f"einsum(): the number of subscripts in the equation ({named}) does not match the number of dimensions "
            f"({ndim}) for operand {number} and no ellipsis was given."
        )
    if named > ndim:
        raise ShapeError(
            f"einsum(): the number of subscripts in the equation ({named}) is more than the number of dimensions "
            f"({ndim}) for operand {number}."
        )
    dots = [f"{DOTS}{n}" for n in range(ndim - named, 0, -1)]
    return tuple(itertools.chain.from_iterable(dots if n == DOTS else [n] for n in labels))


def _output(inputs: list[Labels], output: Labels | None) -> Labels:
    """The names of the output, in order."""
    every = list(itertools.chain.from_iterable(inputs))
    dots = sorted({n for n in every if n.startswith(DOTS)}, reverse=True, key=lambda n: int(n[3:]))
    if output is None:
        return (*dots, *sorted(n for n in every if every.count(n) == 1 and not n.startswith(DOTS)))
    for n in output:
        if output.count(n) > 1:
            raise ShapeError(f"einsum(): output subscript {n} appears more than once in the output.")
        if n != DOTS and n not in every:
            raise ShapeError(f"einsum(): output subscript {n} does not appear in the equation for any input operand.")
    return tuple(itertools.chain.from_iterable(dots if n == DOTS else [n] for n in output))


def _sizes(inputs: list[Labels], operands: list[Tensor]) -> dict[str, int]:
    """The size of each name; a size of 1 broadcasts."""
    sizes: dict[str, int] = {}
    for number, (labels, x) in enumerate(zip(inputs, operands, strict=True)):
        own: dict[str, int] = {}
        for n, size in zip(labels, x.array.shape, strict=True):
            if own.setdefault(n, size) != size:
                raise ShapeError(
                    f"einsum(): subscript {n} is repeated for operand {number} but the sizes don't match, {size} != "
                    f"{own[n]}."
                )
            known = sizes.get(n, 1)
            if known != 1 and size not in (1, known):
                raise ShapeError(
                    f"einsum(): subscript {n} has size {size} for operand {number} which does not broadcast with "
                    f"previously seen size {known}."
                )
            sizes[n] = size if known == 1 else known
    return sizes


# Multiplying


Term = tuple["Tensor", Labels]
"""A tensor and the names of its dimensions, each once."""


def _prepared(x: Tensor, labels: Labels, sizes: dict[str, int]) -> Term:
    """The diagonals of names that repeat, and every dimension in its size."""
    names = list(labels)
    for n in dict.fromkeys(labels):
        while names.count(n) > 1:
            i = names.index(n)
            j = names.index(n, i + 1)
            x = diagonal(x, 0, i, j)  # the diagonal comes last
            names = [m for d, m in enumerate(names) if d not in (i, j)] + [n]
    full = tuple(sizes[n] for n in names)
    return (x if x.array.shape == full else expand(x, full)), tuple(names)


def _alone(x: Tensor, labels: Labels, wanted: Labels) -> Tensor:
    """One tensor, summed over what is not wanted."""
    over = tuple(d for d, n in enumerate(labels) if n not in wanted)
    if not over:
        return _arranged(x, labels, wanted)
    first = permute(x, (*(labels.index(n) for n in wanted), *over))
    return sum(first, tuple(range(len(wanted), len(labels))))


def _arranged(x: Tensor, labels: Labels, wanted: Labels) -> Tensor:
    return permute(x, tuple(labels.index(n) for n in wanted))


def _cheapest(terms: list[Term], wanted: Labels, sizes: dict[str, int]) -> tuple[int, int]:
    """The two terms whose product is smallest beside themselves."""
    if len(terms) == 2:
        return 0, 1

    def growth(pair: tuple[int, int]) -> int:
        rest = [set(labels) for number, (_, labels) in enumerate(terms) if number not in pair]
        both = {*terms[pair[0]][1], *terms[pair[1]][1]}
        kept = both & set(wanted).union(*rest)
        return math.prod(sizes[n] for n in kept) - math.fsum(  # type: ignore[return-value]
            math.prod(sizes[n] for n in terms[i][1]) for i in pair
        )

    return min(itertools.combinations(range(len(terms)), 2), key=growth)


def _pair(first: Term, second: Term, kept: set[str]) -> Term:
    """The product of two terms, summed over the names that are needed no more."""
    (a, p), (b, q) = _reduced(first, second[1], kept), _reduced(second, first[1], kept)
    if first[0].dtype is second[0].dtype:
        a, b = lift_all(a, b)  # integers that were summed are int64
    shared = [n for n in p if n in q]
    batch, summed = [n for n in shared if n in kept], [n for n in shared if n not in kept]
    rows, columns = [n for n in p if n not in q], [n for n in q if n not in p]
    if not summed:
        return _by_element(a, p, b, q, (*batch, *rows, *columns))
    x = _grouped(a, p, batch, rows, summed)
    y = _grouped(b, q, batch, summed, columns)
    size = dict(zip((*p, *q), (*a.array.shape, *b.array.shape), strict=True))
    labels = (*batch, *rows, *columns)
    return to_shape(matmul(x, y), tuple(size[n] for n in labels)), labels


def _reduced(term: Term, other: Labels, kept: set[str]) -> Term:
    """The term summed over the names that only it has and nobody needs."""
    x, labels = term
    over = tuple(d for d, n in enumerate(labels) if n not in other and n not in kept)
    if not over:
        return term
    rest = tuple(n for n in labels if n in other or n in kept)
    if all(x.array.shape[d] == 1 for d in over):
        return to_shape(x, tuple(s for d, s in enumerate(x.array.shape) if d not in over)), rest
    return sum(x, over), rest


def _grouped(x: Tensor, labels: Labels, batch: list[str], rows: list[str], columns: list[str]) -> Tensor:
    """x as matrices: (names of the batch), (names of the rows), (names of the columns)."""
    size = dict(zip(labels, x.array.shape, strict=True))
    ordered = permute(x, tuple(labels.index(n) for n in (*batch, *rows, *columns)))
    shape = tuple(math.prod(size[n] for n in group) for group in (batch, rows, columns))
    return to_shape(ordered, shape if batch else shape[1:])


def _by_element(a: Tensor, p: Labels, b: Tensor, q: Labels, labels: Labels) -> Term:
    """The product element by element, of what broadcasts to ``labels``."""
    return _stretched(a, p, labels) * _stretched(b, q, labels), labels


def _stretched(x: Tensor, own: Labels, labels: Labels) -> Tensor:
    """x with its dimensions in the order of ``labels``, of size 1 where it has none."""
    size = dict(zip(own, x.array.shape, strict=True))
    ordered = permute(x, tuple(own.index(n) for n in labels if n in own))
    return to_shape(ordered, tuple(size.get(n, 1) for n in labels))
