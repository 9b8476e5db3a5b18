"""Mixed precision: torch's names.  On the CPU numbers keep their dtype; a scaled loss is scaled, and unscaled again."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from nanograd import cuda
from nanograd.errors import DeviceError
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

_DEVICES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia",
)  # fmt: skip


class autocast:
    """``with torch.autocast("cuda"):`` everything inside runs in the dtype it has.

    torch would run some operations in 16 bits on a GPU, or in bfloat16 on the CPU; nanograd keeps float32 on the CPU.
    Warns, as torch does, where "cuda" is asked for and there is none.  Raises DeviceError for an unknown device.
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"autocast: expected `device_type` of type `str`, got: `{type(device_type)}`")
        if device_type not in _DEVICES:
            raise DeviceError(f"autocast: expected 'cpu' or 'cuda' as device_type, got {device_type!r}.")
        if device_type == "cuda" and enabled and not cuda.is_available():
            warnings.warn(
                "CUDA is not available or torch_xla is imported. Disabling autocast.", UserWarning, stacklevel=2
            )
        self.device = device_type

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper


def is_autocast_available(device_type: str) -> bool:
    """Whether ``autocast`` takes this device.

    >>> torch.amp.is_autocast_available("cpu")
    True
    """
    return device_type in ("cpu", "cuda", "mps", "xpu")


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """The ``forward`` of a Function as it is."""
    return fwd if fwd is not None else lambda function: function


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """The ``backward`` of a Function as it is."""
    return bwd if bwd is not None else lambda function: function


class GradScaler:
    """Scales a loss so that small 16-bit gradients survive, and its gradients back before they are used.

    A step whose gradients are not finite is left out, and the scale is reduced; after ``growth_interval`` good ones it
    grows.  For "cuda" without a GPU it warns, as torch does, and changes nothing.

    Raises ValueError for a growth_factor of 1 or less, and for a backoff_factor outside (0, 1).

    >>> scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    >>> w = torch.ones(2, requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.5)
    >>> scaler.scale(w.sum()).backward()
    >>> w.grad
    tensor([4., 4.])
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w.grad, w
    (tensor([1., 1.]), tensor([0.5000, 0.5000], requires_grad=True))
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cuda" and not cuda.is_available():
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                UserWarning,
                stacklevel=2,
            )
            enabled = False
        if growth_factor <= 1.0:
            raise ValueError(f"GradScaler: the growth factor must be > 1.0, got {growth_factor}.")
        if not 0 < backoff_factor < 1.0:
            raise ValueError(f"GradScaler: the backoff factor must be < 1.0, got {backoff_factor}.")
        self._enabled = enabled
        self._scale = float(init_scale)
        self._growth_factor, self._backoff_factor, self._growth_interval = (
            growth_factor, backoff_factor, growth_interval,
        )  # fmt: skip
        self._growth_tracker = 0  # good steps since the scale last changed
        self._finite: dict[int, bool] = {}  # of each optimizer that was unscaled: whether its gradients are finite
        self._stepped: set[int] = set()

    def scale(self, outputs: Any) -> Any:
        """loss · scale, of a tensor or of all in a list or tuple.

        Raises ValueError for what is neither a tensor nor several.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, list | tuple):
            return type(outputs)(self.scale(output) for output in outputs)
        if isinstance(outputs, Iterable):
            return map(self.scale, outputs)
        raise ValueError(f"GradScaler.scale: expected a tensor or a list of them, got {type(outputs).__name__}.")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer by the scale: before clipping them.

        Raises RuntimeError for a second time before ``update``, and after ``step``.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_() is being called after step(). Unscale, step, then update().")
        if id(optimizer) in self._finite:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        finite = True
        with no_grad():
            for gradient in _gradients(optimizer):
                gradient.mul_(1.0 / self._scale)
                finite = finite and bool(gradient.isfinite().all())
        self._finite[id(optimizer)] = finite

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(*args)`` with unscaled gradients, or nothing where they are not finite.

        Raises TypeError where it is no optimizer, RuntimeError for a second step before ``update``.
        """
        if not hasattr(optimizer, "step"):
            raise TypeError(f"GradScaler.step: expected an optimizer, got {type(optimizer).__name__}.")
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("GradScaler.step: a closure cannot be used while the scaler is enabled.")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step() has already been called since the last update().")
        if id(optimizer) not in self._finite:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        return optimizer.step(*args, **kwargs) if self._finite[id(optimizer)] else None

    def update(self, new_scale: Any = None) -> None:
        """Reduce the scale after gradients that were not finite, let it grow after many that were.

        Raises RuntimeError before any step.
        """
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._finite:
            raise RuntimeError("GradScaler.update: no step was taken since the last update().")
        elif not all(self._finite.values()):
            self._scale, self._growth_tracker = self._scale * self._backoff_factor, 0
        else:
            self._grow()
        self._finite, self._stepped = {}, set()

    def _grow(self) -> None:
        self._growth_tracker += 1
        if self._growth_tracker == self._growth_interval:
            grown = self._scale * self._growth_factor
            self._scale, self._growth_tracker = grown if math.isfinite(grown) else self._scale, 0

    def get_scale(self) -> float:
        """The scale, 1 where it is disabled."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """By what the scale grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """By what the scale shall grow."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """By what the scale shrinks."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """By what the scale shall shrink."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """After how many good steps the scale shall grow."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it scales."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The scale and its settings; empty where it is disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what ``state_dict`` gave.  Raises RuntimeError for an empty one, which a disabled scaler saves."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._scale = float(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]


def _gradients(optimizer: Any) -> list[Tensor]:
    return [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
