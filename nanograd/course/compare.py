"""Compares what a learner's code returned with what was expected, and says where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nanograd.course.wire import Foreign

__all__ = [
    "Difference",
    "MismatchError",
    "alike",
    "assert_close",
    "brief",
    "compare",
    "identical",
    "leaves",
    "number_array",
]

Array = np.ndarray[Any, Any]

#: relative and absolute tolerance for each floating dtype, by its size in bytes per real number
TOLERANCES = {2: (1e-2, 1e-3), 4: (1e-5, 1e-6), 8: (1e-7, 1e-9)}


@dataclass(frozen=True)
class Difference:
    """The first place where two values differ, and how; ``at`` is a path such as ``[1]['grad']``."""

    at: str
    actual: Any
    expected: Any
    says: str


class MismatchError(AssertionError):
    """What ``assert_close`` raises: both values, and their first difference."""

    def __init__(self, actual: Any, expected: Any, difference: Difference) -> None:
        super().__init__(f"{difference.says}{f' (at {difference.at})' if difference.at else ''}")
        self.actual, self.expected, self.difference = actual, expected, difference


def assert_close(actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None) -> None:
    """Assert |actual − expected| ≤ atol + rtol·|expected| element by element; shapes are equal, nothing is broadcast.

    Numbers, arrays, and lists, tuples and dicts of them. NaN equals NaN. The tolerances follow the coarser dtype:
    1e-7 for float64, 1e-5 for float32, exact for integers. Dtypes themselves are not compared.

    Raises:
        MismatchError: an AssertionError that names the first difference and the largest one.

    >>> assert_close([1.0, np.ones(2)], [1.0, np.ones(2)])
    """
    difference = compare(actual, expected, rtol, atol)
    if difference is not None:
        raise MismatchError(actual, expected, difference)


def compare(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, at: str = ""
) -> Difference | None:
    """Find the first difference, as ``assert_close`` sees it; None when there is none."""
    if isinstance(expected, dict):
        return _compare_dicts(actual, expected, rtol, atol, at)
    if isinstance(expected, list | tuple):
        return _compare_sequences(actual, expected, rtol, atol, at)
    x, y = number_array(actual), number_array(expected)
    if x is None or y is None:
        same = type(actual) is type(expected) and bool(actual == expected)
        return None if same else Difference(at, actual, expected, f"expected {brief(expected)}, got {brief(actual)}")
    return _compare_arrays(x, y, rtol, atol, Difference(at, actual, expected, ""))


def _compare_dicts(
    actual: Any, expected: dict[Any, Any], rtol: float | None, atol: float | None, at: str
) -> Difference | None:
    if not isinstance(actual, dict) or set(actual) != set(expected):
        return Difference(at, actual, expected, f"expected a dict with {list(expected)}, got {brief(actual)}")
    found = (compare(actual[key], expected[key], rtol, atol, f"{at}[{key!r}]") for key in expected)
    return next((each for each in found if each), None)


def _compare_sequences(
    actual: Any, expected: Any, rtol: float | None, atol: float | None, at: str
) -> Difference | None:
    if not isinstance(actual, list | tuple):
        return Difference(at, actual, expected, f"expected {len(expected)} values, got {brief(actual)}")
    if len(actual) != len(expected):
        return Difference(at, actual, expected, f"expected {len(expected)} values, got {len(actual)}")
    pairs = enumerate(zip(actual, expected, strict=True))
    found = (compare(x, y, rtol, atol, f"{at}[{index}]") for index, (x, y) in pairs)
    return next((each for each in found if each), None)


def _compare_arrays(x: Array, y: Array, rtol: float | None, atol: float | None, given: Difference) -> Difference | None:
    if x.shape != y.shape:
        return Difference(given.at, given.actual, given.expected, f"expected shape {y.shape}, got {x.shape}")
    default = tolerances(x, y)
    wrong = ~_close(x, y, default[0] if rtol is None else rtol, default[1] if atol is None else atol)
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f"first difference at {list(first)}: " if first else ""
    says = f"{where}yours {_number(x[first])}, expected {_number(y[first])}"
    if wrong.size > 1:
        says += f"; {int(wrong.sum())} of {wrong.size} differ{_largest(x, y)}"
    return Difference(given.at, given.actual, given.expected, says)


def _largest(x: Array, y: Array) -> str:
    with np.errstate(all="ignore"):
        error = np.abs(x.astype(complex) - y.astype(complex))
    finite = error[np.isfinite(error)]
    return f", by {finite.max():.3g} at most" if finite.size else ""


def _close(x: Array, y: Array, rtol: float, atol: float) -> Array:
    with np.errstate(all="ignore"):
        if x.dtype.kind in "biu" and y.dtype.kind in "biu":
            return np.asarray(x == y)
        return np.asarray(np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=True))


def tolerances(x: Array, y: Array) -> tuple[float, float]:
    """Relative and absolute tolerance for two arrays: those of the coarser floating dtype."""
    sizes = [a.dtype.itemsize // (2 if a.dtype.kind == "c" else 1) for a in (x, y) if a.dtype.kind in "fc"]
    return TOLERANCES.get(min(sizes, default=8), TOLERANCES[8])


def number_array(value: Any) -> Array | None:
    """The array that a number or array is, or None for anything else."""
    if isinstance(value, np.ndarray | np.generic | bool | int | float | complex):
        array = np.asarray(value)
        return array if array.dtype.kind in "biufc" else None
    return None


# is it the same?


def identical(x: Any, y: Any) -> bool:
    """Whether two values are of the same types, shapes and dtypes, and equal to within rounding."""
    if isinstance(x, np.ndarray | np.generic) and isinstance(y, np.ndarray | np.generic):
        return type(x) is type(y) and x.dtype == y.dtype and alike(x, y)
    if type(x) is not type(y):
        return False
    if isinstance(x, list | tuple):
        return len(x) == len(y) and all(map(identical, x, y))
    if isinstance(x, dict):
        return list(x) == list(y) and all(identical(x[key], y[key]) for key in x)
    return alike(x, y)


def alike(x: Any, y: Any) -> bool:
    """Whether two values hold the same numbers: a list may be a tuple, a float64 a float32, a number a 0-d array."""
    if isinstance(x, list | tuple) and isinstance(y, list | tuple):
        return len(x) == len(y) and all(map(alike, x, y))
    if isinstance(x, dict) and isinstance(y, dict):
        return set(x) == set(y) and all(alike(x[key], y[key]) for key in x)
    if isinstance(x, Foreign) or isinstance(y, Foreign):
        return isinstance(x, Foreign) and isinstance(y, Foreign) and x.type == y.type
    a, b = number_array(x), number_array(y)
    if a is None or b is None:
        return type(x) is type(y) and bool(x == y)
    rtol, atol = tolerances(a, b)
    return a.shape == b.shape and bool(_close(a, b, rtol / 10, atol / 10).all())


def leaves(actual: Any, expected: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of parts that stand at the same place; a part whose partner has another form is a pair as it is."""
    if isinstance(actual, dict) and isinstance(expected, dict) and set(actual) == set(expected):
        for key in expected:
            yield from leaves(actual[key], expected[key])
    elif isinstance(actual, list | tuple) and isinstance(expected, list | tuple) and len(actual) == len(expected):
        for x, y in zip(actual, expected, strict=True):
            yield from leaves(x, y)
    else:
        yield actual, expected


# in one line


def brief(value: Any, width: int = 72) -> str:
    """Write a value in one line of at most ``width`` characters; arrays with dtype and shape."""
    if isinstance(value, np.ndarray):
        kind = f"{value.dtype} {value.shape}"
        return f"{_cut(_values(value), width - len(kind) - 1)} {kind}" if value.size else kind
    if isinstance(value, np.generic):
        return f"{_number(value)} ({value.dtype})"
    if isinstance(value, list | tuple) and any(isinstance(each, np.ndarray) for each in value):
        inside = ", ".join(brief(each, 40) for each in value[:4]) + (", ..." if len(value) > 4 else "")
        return _cut(f"[{inside}]" if isinstance(value, list) else f"({inside})", width)
    if isinstance(value, type | np.dtype):
        return value.__name__ if isinstance(value, type) else str(value)
    return _cut(" ".join(repr(value).split()), width)


def _values(array: Array) -> str:
    plain = {"float_kind": "{:.4g}".format, "complex_kind": "{:.4g}".format}
    text = np.array2string(array, threshold=12, edgeitems=2, max_line_width=10_000, separator=", ", formatter=plain)  # type: ignore[arg-type]
    return " ".join(text.split()).replace("[ ", "[")


def _number(value: Any) -> str:
    return f"{value:.7g}" if isinstance(value, float | np.floating) else str(value)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."
