"""``assert_close``: values beside expected ones, with torch's tolerances and a message that says where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nanograd import dtypes
from nanograd.dtypes import DType
from nanograd.ops.creation import tensor
from nanograd.tensors import Tensor

__all__ = ["assert_close"]

Array = np.ndarray[Any, Any]

TOLERANCES = {dtypes.float16: (1e-3, 1e-5), dtypes.float32: (1.3e-6, 1e-5), dtypes.float64: (1e-7, 1e-7)}
"""(rtol, atol) by dtype, as torch's; integers and truth values must be equal."""


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: Any = None,
) -> None:
    """|actual - expected| ≤ atol + rtol |expected| in every element, else AssertionError naming the worst ones.

    Takes tensors, arrays, numbers, and sequences or mappings of them.  Without rtol and atol the tolerances of the
    dtype hold.  Raises ValueError where only one of them is given.

    >>> assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-7]))
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"assert_close: give both rtol and atol or neither, got rtol={rtol} and atol={atol}.")
    tolerances = None if rtol is None or atol is None else (rtol, atol)
    checks = (allow_subclasses, check_device, check_dtype, check_stride)
    found = _difference(actual, expected, tolerances, equal_nan, checks, "")
    if found is not None:
        raise AssertionError(msg(found) if callable(msg) else msg if msg is not None else found)


Checks = tuple[bool, bool, bool, bool]  # subclasses allowed; device, dtype, stride compared


def _difference(
    actual: Any, expected: Any, tolerances: tuple[float, float] | None, equal_nan: bool, checks: Checks, where: str
) -> str | None:
    """What is different, in words, or None."""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if actual.keys() != expected.keys():
            only = sorted(map(repr, actual.keys() ^ expected.keys()))
            return f"The keys of the mappings do not match: {', '.join(only)} {where}stand in one of them only."
        pairs = [(f"[{key!r}]", actual[key], expected[key]) for key in expected]
    elif _listed(actual) and _listed(expected):
        if len(actual) != len(expected):
            return f"The length of the sequences do not match: {len(actual)} != {len(expected)}{where}."
        pairs = [(f"[{i}]", a, b) for i, (a, b) in enumerate(zip(actual, expected, strict=True))]
    else:
        return _unlike(actual, expected, tolerances, equal_nan, checks, where)
    found = (_difference(a, b, tolerances, equal_nan, checks, where + place) for place, a, b in pairs)
    return next((text for text in found if text is not None), None)


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _unlike(
    actual: Any, expected: Any, tolerances: tuple[float, float] | None, equal_nan: bool, checks: Checks, where: str
) -> str | None:
    subclasses, device, dtype, stride = checks
    here = _at(where)
    if not subclasses and type(actual) is not type(expected):
        return f"The types do not match{here}: {type(actual).__name__} != {type(expected).__name__}."
    a, b = _as_tensor(actual), _as_tensor(expected)
    if a.shape != b.shape:
        return f"The values for attribute 'shape' do not match{here}: {a.shape} != {b.shape}."
    if device and a.device != b.device:
        return f"The values for attribute 'device' do not match{here}: {a.device} != {b.device}."
    numbers = [isinstance(v, (bool, int, float)) for v in (actual, expected)]  # they have a kind, but no dtype
    unlike = a.dtype.category != b.dtype.category if any(numbers) else a.dtype is not b.dtype
    if dtype and unlike:
        return f"The values for attribute 'dtype' do not match{here}: {a.dtype} != {b.dtype}."
    if stride and a.stride() != b.stride():
        return f"The values for attribute 'stride()' do not match{here}: {a.stride()} != {b.stride()}."
    rtol, atol = tolerances or _tolerances(a.dtype, b.dtype)
    return _far(_host(actual, a), _host(expected, b), rtol, atol, equal_nan, here)


def _as_tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else tensor(np.array(value) if isinstance(value, np.ndarray) else value)


def _host(value: Any, t: Tensor) -> Array:
    """The elements; a Python number with all its digits."""
    return np.asarray(value) if isinstance(value, float) else t.numpy_of()


def _at(where: str) -> str:
    return f" at item {where}" if where else ""


def _tolerances(*found: DType) -> tuple[float, float]:
    pairs = [TOLERANCES.get(d, (0.0, 0.0)) for d in found]
    return max(rtol for rtol, _ in pairs), max(atol for _, atol in pairs)


def _far(a: Array, b: Array, rtol: float, atol: float, equal_nan: bool, where: str) -> str | None:
    """The words for elements that are too far apart, with the greatest differences and their places."""
    exact = a.dtype.kind in "iub" and b.dtype.kind in "iub"
    if exact and not rtol and not atol:
        wrong, distance = a != b, np.abs(a.astype(np.float64) - b.astype(np.float64))
    else:
        a, b = a.astype(np.float64), b.astype(np.float64)
        with np.errstate(invalid="ignore"):
            distance = np.where(a == b, 0.0, np.abs(a - b))
        wrong = ~np.isclose(a, b, rtol, atol, equal_nan=equal_nan)
    if not wrong.any():
        return None
    distance = np.where(np.isnan(distance), np.inf, distance)  # a NaN is as far away as can be
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = distance / np.abs(b)
    relative = np.where(np.isnan(relative), np.inf, relative)
    head = "Tensor-likes are not equal!" if not rtol and not atol else "Tensor-likes are not close!"
    return (
        f"{head}{where}\n\n"
        f"Mismatched elements: {wrong.sum()} / {wrong.size} ({100 * wrong.mean():.1f}%)\n"
        f"{_greatest('absolute', distance, wrong, a, b, atol)}\n{_greatest('relative', relative, wrong, a, b, rtol)}"
    )


def _greatest(kind: str, difference: Array, wrong: Array, a: Array, b: Array, allowed: float) -> str:
    place = np.unravel_index(int(np.where(wrong, difference, -1.0).argmax()), difference.shape)
    at = tuple(int(i) for i in place)
    limit = f" (up to {allowed:g} allowed)" if allowed else ""
    return f"Greatest {kind} difference: {difference[at]:g} at index {at}{limit}: {a[at]:.9g} is not {b[at]:.9g}"
