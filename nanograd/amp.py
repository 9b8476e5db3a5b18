"""Mixed precision: torch's names, which leave every number as it is where there is no GPU."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from nanograd import cuda

__all__ = ["GradScaler", "autocast"]


class autocast:
    """``with torch.autocast("cuda"):`` everything inside runs in the dtype it has.

    torch would run some operations in 16 bits on a GPU, or in bfloat16 on the CPU; nanograd keeps float32 on the CPU.
    Warns, as torch does, where "cuda" is asked for and there is none.  Raises RuntimeError for another device.
    """

    def __init__(
        self,
        device_type: str = "cuda",
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if isinstance(device_type, bool):  # torch.cuda.amp.autocast(True)
            device_type, enabled = "cuda", device_type
        if device_type not in ("cuda", "cpu", "mps", "xpu"):
            raise RuntimeError(f"autocast: expected device_type 'cuda' or 'cpu', got {device_type!r}.")
        if device_type == "cuda" and enabled and not cuda.is_available():
            warnings.warn(
                "User provided device_type of 'cuda', but CUDA is not available. Disabling", UserWarning, stacklevel=2
            )
        self.device_type = device_type

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper


class GradScaler:
    """Scales a loss so that small 16-bit gradients survive: where nothing is 16 bits wide, it changes nothing."""

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

    def scale(self, outputs: Any) -> Any:
        """The loss as it is."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Nothing: the gradients are not scaled."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(*args)``.  Raises TypeError where it is no optimizer."""
        if not hasattr(optimizer, "step"):
            raise TypeError(f"GradScaler.step: expected an optimizer, got {type(optimizer).__name__}.")
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Nothing: there is no scale."""

    def get_scale(self) -> float:
        """1"""
        return 1.0

    def is_enabled(self) -> bool:
        """False"""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Empty, as torch's where it is disabled."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing."""
