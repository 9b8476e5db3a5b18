"""The table of contents of Tensor: each method is one line that names its operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nanograd.ops import arithmetic, creation, indexing, linalg, normalization, reduction
from nanograd.ops import op as ops
from nanograd.ops import shape as layout

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["Methods", "twin"]


def twin(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The operation that writes its result into its first input: ``exp_`` of ``exp``."""
    name = f"{operation.__name__}_"

    def write(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return ops.in_place(self, operation(self, *args, **kwargs), name)

    write.__name__ = write.__qualname__ = name
    write.__doc__ = f"``{operation.__name__}``, written into this tensor, which is returned."
    return write


class Methods:
    """What Tensor inherits: operations, with the tensor as their first input."""

    # Arithmetic
    add = __add__ = __radd__ = arithmetic.add
    sub = subtract = __sub__ = arithmetic.sub
    __rsub__ = rsub = arithmetic.rsub
    mul = multiply = __mul__ = __rmul__ = arithmetic.mul
    div = divide = true_divide = __truediv__ = arithmetic.div
    __rtruediv__ = arithmetic.rdiv
    floor_divide = __floordiv__ = arithmetic.floor_divide
    __rfloordiv__ = arithmetic.rfloor_divide
    remainder = __mod__ = arithmetic.remainder
    __rmod__ = arithmetic.rremainder
    pow = __pow__ = arithmetic.pow
    __rpow__ = arithmetic.rpow
    neg = negative = __neg__ = arithmetic.neg
    abs = absolute = __abs__ = arithmetic.abs
    exp = arithmetic.exp
    log = arithmetic.log
    sqrt = arithmetic.sqrt
    rsqrt = arithmetic.rsqrt
    reciprocal = arithmetic.reciprocal
    square = arithmetic.square
    sin = arithmetic.sin
    cos = arithmetic.cos
    tanh = arithmetic.tanh
    sigmoid = arithmetic.sigmoid
    relu = arithmetic.relu
    sign = arithmetic.sign
    floor = arithmetic.floor
    ceil = arithmetic.ceil
    round = arithmetic.round
    clamp = clip = arithmetic.clamp
    maximum = arithmetic.maximum
    minimum = arithmetic.minimum
    masked_fill = arithmetic.masked_fill

    # Comparisons
    eq = __eq__ = arithmetic.eq  # type: ignore[assignment]
    ne = not_equal = __ne__ = arithmetic.ne  # type: ignore[assignment]
    lt = less = __lt__ = arithmetic.lt
    le = less_equal = __le__ = arithmetic.le
    gt = greater = __gt__ = arithmetic.gt
    ge = greater_equal = __ge__ = arithmetic.ge
    logical_and = arithmetic.logical_and
    logical_or = arithmetic.logical_or
    logical_xor = arithmetic.logical_xor
    logical_not = arithmetic.logical_not
    __and__ = __rand__ = arithmetic.bitwise_and
    __or__ = __ror__ = arithmetic.bitwise_or
    __xor__ = __rxor__ = arithmetic.bitwise_xor
    __invert__ = bitwise_not = arithmetic.bitwise_not
    isnan = arithmetic.isnan
    isinf = arithmetic.isinf
    isfinite = arithmetic.isfinite
    isclose = arithmetic.isclose
    allclose = arithmetic.allclose
    equal = arithmetic.equal

    # Reductions
    sum = reduction.sum
    mean = reduction.mean
    prod = reduction.prod
    cumsum = reduction.cumsum
    max = reduction.max
    min = reduction.min
    amax = reduction.amax
    amin = reduction.amin
    argmax = reduction.argmax
    argmin = reduction.argmin
    sort = reduction.sort
    argsort = reduction.argsort
    topk = reduction.topk
    all = reduction.all
    any = reduction.any
    var = reduction.var
    std = reduction.std
    norm = reduction.norm
    softmax = normalization.softmax
    log_softmax = normalization.log_softmax

    # Shape
    reshape = layout.reshape
    view = layout.view_as_shape
    flatten = layout.flatten
    permute = layout.permute
    movedim = layout.movedim
    transpose = swapaxes = swapdims = layout.transpose
    t = layout.t
    T = property(layout.reversed_dims)
    mT = property(layout.matrix_transpose)
    squeeze = layout.squeeze
    unsqueeze = layout.unsqueeze
    expand = layout.expand
    expand_as = layout.expand_as
    split = layout.split
    chunk = layout.chunk
    unbind = layout.unbind
    clone = layout.clone
    flip = layout.flip
    tril = layout.tril
    triu = layout.triu
    repeat = layout.repeat

    view_as = layout.view_as
    reshape_as = layout.reshape_as

    # Indexing
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem
    select = indexing.select
    narrow = indexing.narrow
    index_select = indexing.index_select
    gather = indexing.gather
    nonzero = indexing.nonzero

    where = arithmetic.where_condition

    # Matrix products
    matmul = linalg.matmul
    __rmatmul__ = linalg.rmatmul
    mm = linalg.mm
    bmm = linalg.bmm
    mv = linalg.mv
    dot = linalg.dot
    outer = linalg.outer

    # Chance
    bernoulli = creation.bernoulli
    multinomial = creation.multinomial

    # In place: the operation, written into this tensor
    add_ = __iadd__ = twin(arithmetic.add)
    sub_ = subtract_ = __isub__ = twin(arithmetic.sub)
    mul_ = multiply_ = __imul__ = twin(arithmetic.mul)
    div_ = divide_ = __itruediv__ = twin(arithmetic.div)
    pow_ = __ipow__ = twin(arithmetic.pow)
    remainder_ = __imod__ = twin(arithmetic.remainder)
    floor_divide_ = __ifloordiv__ = twin(arithmetic.floor_divide)
    neg_ = twin(arithmetic.neg)
    abs_ = twin(arithmetic.abs)
    exp_ = twin(arithmetic.exp)
    log_ = twin(arithmetic.log)
    sqrt_ = twin(arithmetic.sqrt)
    reciprocal_ = twin(arithmetic.reciprocal)
    square_ = twin(arithmetic.square)
    sin_ = twin(arithmetic.sin)
    cos_ = twin(arithmetic.cos)
    tanh_ = twin(arithmetic.tanh)
    sigmoid_ = twin(arithmetic.sigmoid)
    relu_ = twin(arithmetic.relu)
    sign_ = twin(arithmetic.sign)
    floor_ = twin(arithmetic.floor)
    ceil_ = twin(arithmetic.ceil)
    round_ = twin(arithmetic.round)
    clamp_ = clip_ = twin(arithmetic.clamp)
    masked_fill_ = twin(arithmetic.masked_fill)
