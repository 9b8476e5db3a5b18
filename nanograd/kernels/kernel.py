"""What a kernel is: a NumPy reference, and versions of it for machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nanograd import devices
from nanograd.errors import DeviceError
from nanograd.kernels.compile import can_compile

__all__ = ["KERNELS", "Array", "Kernel", "kernel"]

Array = Any
"""An array of some device: it has .shape, .ndim, .size and .dtype (NumPy's), and the kernels below take it."""

KERNELS: dict[str, Kernel] = {}


class Kernel:
    """One computation on arrays.

    Calling it runs the version for the class of its first argument.  ``reference`` is its meaning, in NumPy;
    ``@k.cpu`` stands a faster version for the CPU beside it; ``k.versions[cls]`` serves another device.
    """

    def __init__(self, reference: Callable[..., Any]) -> None:
        module = reference.__module__.removeprefix("nanograd.kernels.")
        self.name = f"{module}.{reference.__name__}"
        self.__name__ = reference.__name__
        self.__doc__ = reference.__doc__
        self.reference = reference
        self.versions: dict[type, Callable[..., Any]] = _Versions(self)
        self.versions[np.ndarray] = reference

    def __call__(self, x: Array, *rest: Any) -> Any:
        y = self.versions[type(x)](x, *rest)
        return np.asarray(y) if isinstance(y, np.generic) else y  # NumPy turns 0-d arrays into scalars

    def on(self, device: devices.Device) -> Callable[..., Any]:
        """The version for ``device``, for kernels that make arrays instead of taking them."""
        return self.versions[devices.array_class(device)]

    def cpu(self, suits: Callable[..., bool]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Stand a version for the CPU beside the reference, used where ``suits(*args)``; needs numba."""

        def register(fast: Callable[..., Any]) -> Callable[..., Any]:
            if can_compile():
                reference = self.reference
                self.versions[np.ndarray] = lambda *args: fast(*args) if suits(*args) else reference(*args)
            return fast

        return register

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"


class _Versions(dict[type, Callable[..., Any]]):
    def __init__(self, owner: Kernel) -> None:
        self.owner = owner

    def __missing__(self, kind: type) -> Callable[..., Any]:
        for base in kind.__mro__[1:]:  # a subclass of ndarray (a memory map, say) is served as an ndarray
            if base in self:
                return self[base]
        have = ", ".join(str(devices._DEVICES.get(k, k.__name__)) for k in self)
        raise DeviceError(f"{self.owner.name}: no version for arrays of class {kind.__name__}; there is one for: {have}.")


def kernel(reference: Callable[..., Any]) -> Kernel:
    """Make a NumPy function the meaning of a kernel, and register it under ``file.name``."""
    made = Kernel(reference)
    KERNELS[made.name] = made
    return made
