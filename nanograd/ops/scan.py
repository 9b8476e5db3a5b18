"""Along one dimension: running sums, products and extremes, differences, and areas under points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nanograd import return_types
from nanograd.dtypes import DType
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import scan as k
from nanograd.ops.joining import cat
from nanograd.ops.kinds import floating, none
from nanograd.ops.naming import numpy_names
from nanograd.ops.op import Number, op, record, records, same_device, titled
from nanograd.ops.reduction import before, cast, expect_floats
from nanograd.ops.refusing import no_tensor
from nanograd.ops.scattering import spread
from nanograd.ops.shape import every_dim, one_dim, to_shape
from nanograd.tape import names

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "diff", "gradient", "logcumsumexp", "trapezoid",
    "trapz",
]  # fmt: skip


# Running


@op
@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """y[t] = x[0] + ... + x[t] along ``dim``; integers and truth values add up in int64.

    >>> torch.tensor([1, 2, 3]).cumsum(0)
    tensor([1, 3, 6])
    """
    x, total = cast(input, dtype)
    d = one_dim("cumsum", dim, x.array.ndim)
    if not x.array.ndim:
        return of_one("cumsum", cumsum(to_shape(x, (1,)), 0, dtype=dtype))
    return record(k.cumsum(x.array, d, total), (x, lambda g: g.flip(d).cumsum(d).flip(d)))


@op
@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """y[t] = x[0] · ... · x[t] along ``dim``; of integers and truth values in int64.

    >>> torch.tensor([1, 2, 3]).cumprod(0)
    tensor([1, 2, 6])
    """
    x, total = cast(input, dtype)
    d = one_dim("cumprod", dim, x.array.ndim)
    if not x.array.ndim:
        return of_one("cumprod", cumprod(to_shape(x, (1,)), 0, dtype=dtype))
    # dx[t] = (the product before t) · Σ g[s] · (the product between t and s) over s ≥ t: right also where x is 0
    return record(k.cumprod(x.array, d, total), (x, lambda g: before(x, d) * from_the_end(x, g, d)))


def of_one(name: str, y: Tensor) -> Tensor:
    """What ``name`` gave for a vector of one element, as the 0-d tensor that it was."""
    return titled(to_shape(y, ()), names(name))


def from_the_end(a: Tensor, g: Tensor, d: int) -> Tensor:
    """s[t] = g[t] + a[t + 1] · s[t + 1] along d, with 0 beyond the end."""
    size = a.array.shape[d]
    if size < 2:
        return g
    next_ = cat([a.narrow(d, 1, size - 1), a.narrow(d, 0, 1)], d)  # what stands at the end is multiplied by 0
    return linear_scan(next_.flip(d), g.flip(d), d).flip(d)


@op
def linear_scan(a: Tensor, b: Tensor, dim: int) -> Tensor:
    """y[t] = a[t] · y[t - 1] + b[t] along ``dim``, with y[-1] = 0."""
    size = b.array.shape[dim]
    return record(
        k.linear(a.array, b.array, dim),
        (a, lambda g, y: from_the_end(a, g, dim) * shifted(y, dim, size)),
        (b, lambda g: from_the_end(a, g, dim)),
    )


def shifted(y: Tensor, d: int, size: int) -> Tensor:
    """y one place later along d, with 0 in front."""
    return cat([none(y.narrow(d, 0, 1)), y.narrow(d, 0, size - 1)], d) if size else y


@op
@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """y[t] = log (exp x[0] + ... + exp x[t]) along ``dim``, in a way that does not overflow."""
    x = input
    expect_floats("logcumsumexp", x)
    d = one_dim("logcumsumexp", dim, x.array.ndim)
    if not x.array.ndim:
        return of_one("logcumsumexp", logcumsumexp(to_shape(x, (1,)), 0))
    # dx[t] = exp(x[t] - y[t]) · Σ g[s] exp(y[t] - y[s]) over s ≥ t: no exponent is above 0
    return record(
        k.logcumsumexp(x.array, d),
        (x, lambda g, y: (x - y).exp() * from_the_end((shifted(y, d, y.array.shape[d]) - y).exp(), g, d)),
    )


@numpy_names
def cummax(input: Tensor, dim: int) -> Any:
    """(the greatest so far, its index) along ``dim``; of equal ones the last.

    >>> torch.tensor([1, 3, 2]).cummax(0).values
    tensor([1, 3, 3])
    """
    return return_types.cummax(*running_max(input, dim))


@numpy_names
def cummin(input: Tensor, dim: int) -> Any:
    """(the least so far, its index) along ``dim``; of equal ones the last."""
    return return_types.cummin(*running_min(input, dim))


@op("Cummax")
def running_max(x: Tensor, dim: int) -> tuple[Tensor, ...]:
    """(the greatest so far, its index) along ``dim``."""
    return _running("cummax", k.cummax, x, dim)


@op("Cummin")
def running_min(x: Tensor, dim: int) -> tuple[Tensor, ...]:
    """(the least so far, its index) along ``dim``."""
    return _running("cummin", k.cummin, x, dim)


def _running(name: str, kernel: Any, x: Tensor, dim: int) -> tuple[Tensor, ...]:
    d, full = one_dim(name, dim, x.array.ndim), x.array.shape
    if not full:
        values, places = _running(name, kernel, to_shape(x, (1,)), 0)
        return of_one(name, values), to_shape(places, ())
    values, places = records(kernel(x.array, d), (x, lambda g1, g2, y1, y2: spread(g1, d, y2, full)))
    return titled(values, names(name)), places


# Differences and areas


@numpy_names
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """y[t] = x[t + 1] - x[t] along ``dim``, ``n`` times over; truth values: whether neighbors differ.

    ``prepend`` and ``append`` are joined to x first.

    >>> torch.tensor([1, 4, 9]).diff()
    tensor([3, 5])
    """
    try:
        x = input
    except AttributeError as error:
        raise no_tensor(error) from None
    if not x.array.ndim:
        raise ShapeError("diff: diff expects input to be at least one-dimensional, got a 0-d tensor.")
    if n < 0:
        raise ShapeError(f"diff: order must be non-negative but got n = {n}.")
    d = one_dim("diff", dim, x.array.ndim)
    if n == 0:
        return titled(x.clone(), "CopyBackwards")
    joined = [t for t in (prepend, x, append) if t is not None]
    if any(t.array.ndim != x.array.ndim for t in joined):
        raise ShapeError("diff: diff expects prepend or append to be the same dimension as input.")
    x = cat(joined, d) if len(joined) > 1 else x
    for _ in range(min(n, x.array.shape[d])):  # then nothing is left
        later, earlier = _neighbors(x, d)
        x = later.logical_xor(earlier) if x.array.dtype.kind == "b" else later - earlier
    return x


def _neighbors(x: Tensor, d: int) -> tuple[Tensor, Tensor]:
    """(x without its first slice, x without its last slice) along d."""
    left = max(x.array.shape[d] - 1, 0)
    return x.narrow(d, x.array.shape[d] - left, left), x.narrow(d, 0, left)


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """Σ (y[t] + y[t + 1]) / 2 · (x[t + 1] - x[t]): the area under points that lines join; ``dx`` apart without x.

    Shapes: x (n,) or y's, along ``dim`` of y.

    >>> torch.trapezoid(torch.tensor([1., 5., 10.]))
    tensor(10.5000)
    """
    area = _areas("trapezoid", y, x, dx, dim).sum(dim)
    if not y.array.shape[dim]:
        return area.detach().to(y.dtype)
    return titled(area, "MulBackward1" if x is None else "DivBackward1")


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """The running sums of the areas that ``trapezoid`` adds up."""
    area = cumsum(_areas("cumulative_trapezoid", y, x, dx, dim), dim)
    return area if x is None else titled(area, "DivBackward1")


def trapz(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    """Another name for ``trapezoid``."""
    return trapezoid(y, x, dx=dx, dim=dim)


def _areas(name: str, y: Tensor, x: Tensor | None, dx: Number | None, dim: int) -> Tensor:
    """The area between each two neighbors."""
    if x is not None and dx is not None:
        raise TypeError(f"{name}: got both x= and dx=: the points, or the distance between them.")
    if y.array.dtype.kind == "b" or (x is not None and x.array.dtype.kind == "b"):
        raise DTypeError(f"{name}: received a bool input, but bool is not supported. Convert with .int() or .float().")
    if not y.array.ndim:
        raise IndexError(f"{name}: expected y with a dimension to go along, got a 0-d tensor.")
    d = one_dim(name, dim, y.array.ndim)
    later, earlier = _neighbors(floating(y), d)
    if x is None:
        return (later + earlier) * (0.5 if dx is None else dx / 2)
    x_dim = _beside(name, x, y, d)
    width = diff(floating(x), 1, x_dim)
    return (later + earlier) / 2.0 * (width if x.array.ndim > 1 else _along(width, d, y.array.ndim))


def _beside(name: str, x: Tensor, y: Tensor, d: int) -> int:
    """The dimension of x that goes along dimension d of y."""
    same_device(x, y)
    along = 0 if x.array.ndim == 1 else d - y.array.ndim + x.array.ndim
    if not x.array.ndim or along < 0 or x.array.shape[along] != y.array.shape[d]:
        raise ShapeError(
            f"{name}: There must be one `x` value for each sample point, got x of shape {tuple(x.array.shape)} for "
            f"{y.array.shape[d]} points along dimension {d} of shape {tuple(y.array.shape)}."
        )
    return along


def _along(x: Tensor, d: int, ndim: int) -> Tensor:
    """The vector x so that it lies along dimension d of a tensor of ``ndim`` dimensions."""
    return to_shape(x, (x.array.shape[0],) + (1,) * (ndim - 1 - d))


# Slopes

Spacing = Number | Sequence[Any]


def gradient(
    input: Tensor, *, spacing: Spacing = 1, dim: int | Sequence[int] | None = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The slope at every point along each of ``dim`` (all when None), by central differences.

    ``spacing`` is the distance between points, one per dimension, or their coordinates, one tensor per dimension;
    the ends take one-sided differences that are exact for lines (``edge_order`` 1) or parabolas (2).

    >>> torch.gradient(torch.tensor([1., 2., 4., 8.]))
    (tensor([1.0000, 1.5000, 3.0000, 4.0000]),)
    """
    if input.array.dtype.kind in "bu":
        raise DTypeError(f"gradient: torch.gradient does not support {input.dtype} input. Convert it to float first.")
    dims = every_dim("gradient", dim, input.array.ndim)
    if edge_order not in (1, 2):
        raise ShapeError(f"gradient: only supports edge_order=1 and edge_order=2, got {edge_order!r:.20}.")
    if any_short(input.array.shape, dims, edge_order):
        raise ShapeError(
            f"gradient: expected each dimension size to be at least edge_order+1 = {edge_order + 1}, got shape "
            f"{tuple(input.array.shape)}."
        )
    x = floating(input)
    return tuple([_slope(x, d, h, edge_order) for d, h in zip(dims, _spacings(spacing, dims), strict=True)])


def any_short(shape: tuple[int, ...], dims: tuple[int, ...], edge_order: int) -> bool:
    """Whether some dimension has too few points for a slope."""
    return min([shape[d] for d in dims], default=edge_order + 1) <= edge_order


def _spacings(spacing: Spacing, dims: tuple[int, ...]) -> list[Any]:
    if hasattr(spacing, "array"):
        raise TypeError("gradient: expected spacing as a number, or a list with a number or tensor for each dimension.")
    if not isinstance(spacing, Sequence):
        return [spacing] * len(dims)
    if len(spacing) != len(dims):
        raise ShapeError(
            f"gradient: expected spacing to be unspecified, a scalar, or a list of length {len(dims)}, one for each "
            f"dimension, but got a list of length {len(spacing)}."
        )
    return list(spacing)


def _slope(x: Tensor, d: int, spacing: Any, edge_order: int) -> Tensor:
    """dx / dt along d, where t are the points."""
    size = x.array.shape[d]
    width, h1, h0 = spacing, spacing, spacing
    if hasattr(spacing, "array"):
        if spacing.array.shape != (size,):
            raise ShapeError(
                f"gradient: expected {size} coordinates along dimension {d}, got a tensor of shape "
                f"{tuple(spacing.array.shape)}."
            )
        width = _along(diff(spacing), d, x.array.ndim)
        h1, h0 = _neighbors(width, 0)
    steps = diff(x, 1, d) / width  # the slope between neighbors
    first, last = steps.narrow(d, 0, 1), steps.narrow(d, size - 2, 1)
    if size == 2:
        return cat([first, last], d)
    s1, s0 = _neighbors(steps, d)
    inner = (s0 * h1 + s1 * h0) / (h0 + h1)  # exact for parabolas, whatever the distances
    if edge_order == 2:
        first = first * 2 - inner.narrow(d, 0, 1)
        last = last * 2 - inner.narrow(d, size - 3, 1)
    return cat([first, inner, last], d)
