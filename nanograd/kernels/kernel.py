"""What a kernel is: a NumPy reference, and versions of it for machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from nanograd import devices
from nanograd.errors import DeviceError, DTypeError, ShapeError
from nanograd.kernels.compile import can_compile

__all__ = ["KERNELS", "Array", "Kernel", "kernel"]

Array = Any
"""An array of some device: it has .shape, .ndim, .size and .dtype (NumPy's), and the kernels below take it."""

KERNELS: dict[str, Kernel] = {}


class Kernel(Protocol):
    """One computation on arrays: a function that runs the version for the class of its first argument.

    ``name``       its file and name, ``reduce.sum_to``
    ``reference``  its meaning, in NumPy
    ``versions``   class of array -> the version for it
    ``on``         the version for a device, for kernels that make arrays instead of taking them
    ``cpu``        a decorator: ``@k.cpu(suits)`` stands a faster version for the CPU beside the reference, used where
                   ``suits(*args)``; it needs numba
    """

    name: str
    reference: Callable[..., Any]
    versions: dict[type, Callable[..., Any]]
    on: Callable[[devices.Device], Callable[..., Any]]
    cpu: Callable[[Callable[..., bool]], Callable[[Callable[..., Any]], Callable[..., Any]]]

    def __call__(self, *args: Any) -> Any: ...


def kernel(reference: Callable[..., Any], parameters: list[str] | None = None) -> Kernel:
    """Make a NumPy function the meaning of a kernel, and register it under ``file.name``.

    ``parameters`` names its parameters where the function itself takes ``*args``.
    """
    name = f"{reference.__module__.removeprefix('nanograd.kernels.')}.{reference.__name__}"
    versions = _Versions(name)
    versions[np.ndarray] = reference
    if parameters is None:
        parameters = list(reference.__code__.co_varnames[: reference.__code__.co_argcount])
    first, given = parameters[0], ", ".join(parameters)
    # Written out for its parameters: a call through an object and *args takes half as long again.
    call = _written(
        f"def {reference.__name__}({given}):\n"
        f"    try:\n"
        f"        y = versions[type({first})]({given})\n"
        f"    except (ValueError, TypeError, OverflowError, MemoryError, IndexError) as error:\n"
        f"        raise misfit({reference.__name__!r}, error, {given}) from None\n"
        f"    return asarray(y) if isinstance(y, generic) else y",  # NumPy turns 0-d arrays into scalars
        reference,
        versions=versions,
        asarray=np.asarray,
        generic=np.generic,
        misfit=_misfit,
    )

    def on(device: devices.Device) -> Callable[..., Any]:
        return versions[devices.array_class(device)]

    def cpu(suits: Callable[..., bool]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def register(fast: Callable[..., Any]) -> Callable[..., Any]:
            if can_compile():
                source = (
                    f"def {reference.__name__}({given}):\n"
                    f"    return fast({given}) if suits({given}) else reference({given})"
                )
                versions[np.ndarray] = _written(source, reference, fast=fast, suits=suits, reference=reference)
            return fast

        return register

    call.name, call.reference, call.versions, call.on, call.cpu = name, reference, versions, on, cpu
    made = KERNELS[name] = cast(Kernel, call)
    return made


def _written(source: str, like: Callable[..., Any], **scope: Any) -> Any:
    """The function that ``source`` defines, dressed as ``like``."""
    line = like.__code__.co_firstlineno
    space = dict(scope, __name__=like.__module__)
    exec(compile("\n" * (line - 1) + source, like.__code__.co_filename, "exec"), space)
    function = space[like.__name__]
    function.__doc__, function.__wrapped__ = like.__doc__, like
    return function


def _misfit(name: str, error: Exception, *args: Any) -> Exception:
    """The error to raise for NumPy's: of shapes that do not broadcast, one that says where."""
    if not _is_numpys(error):
        return error
    if isinstance(error, IndexError):
        return IndexError(str(error).replace("axis", "dimension"))
    if isinstance(error, MemoryError):
        return RuntimeError(f"{name}: not enough memory, can't allocate what is asked for. Ask for smaller sizes.")
    if "broadcast" not in str(error) or any(isinstance(x, (list, tuple)) and not _are_sizes(x) for x in args):
        return _unfit(name, error, *args)
    shapes = [tuple(x.shape) for x in args if hasattr(x, "shape")]
    last = max(map(len, shapes))
    for d in range(1, last + 1):
        sizes = [s[-d] for s in shapes if d <= len(s) and s[-d] != 1]
        if len(set(sizes)) > 1:
            return ShapeError(
                f"{name}: shapes {' and '.join(map(str, shapes))} do not broadcast. "
                f"The size of tensor a ({sizes[0]}) must "
                f"match the size of tensor b ({sizes[1]}) at non-singleton dimension {last - d}."
            )
    return _unfit(name, error, *args)


def _is_numpys(error: Exception) -> bool:
    """Whether a kernel of nanograd met it: not what nanograd or a learner's own function raises."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    inside = place is not None and place.tb_frame.f_globals.get("__name__", "").startswith(
        ("nanograd.kernels", "numpy")
    )
    return inside and not type(error).__module__.startswith("nanograd.")


def _are_sizes(x: Any) -> bool:
    return all(type(s) is int for s in x)


def _unfit(name: str, error: Exception, *args: Any) -> Exception:
    """The error to raise where a value is of a kind, or a size, that the elements cannot be computed with."""
    odd = [x for x in args if not (hasattr(x, "shape") or x is None)]
    if not odd or str(error).partition(": ")[0].isidentifier():  # a kernel's own words begin with a name
        return error
    given = ", ".join(f"{x!r:.60}" for x in odd)
    if isinstance(error, OverflowError):
        return ValueError(f"{name}: a number among {given} is too large.")
    return DTypeError(f"{name}: cannot compute with a value among {given}: its type or its form is wrong.")


class _Versions(dict[type, Callable[..., Any]]):
    def __init__(self, owner: str) -> None:
        self.owner = owner

    def __missing__(self, kind: type) -> Callable[..., Any]:
        for base in kind.__mro__[1:]:  # a subclass of ndarray (a memory map, say) is served as an ndarray
            if base in self:
                return self[base]
        if issubclass(kind, np.generic):  # what NumPy makes of a 0-d array, within a kernel that uses another
            return self[np.ndarray]
        have = ", ".join(k.__name__ for k in self)
        raise DeviceError(f"{self.owner}: no version for arrays of class {kind.__name__}; there is one for: {have}.")
