"""Switches of torch's backends: they can be set and read, and change nothing here, unless they say so."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

__all__ = ["cpu", "cuda", "cudnn", "fp32_precision", "mkl", "mkldnn", "mps", "nnpack", "openmp", "opt_einsum"]

fp32_precision = "none"


class _Backend(SimpleNamespace):
    """A backend that is not there: its switches can be set, ``is_available()`` is False."""

    def is_available(self) -> bool:
        """False"""
        return False

    def is_built(self) -> bool:
        """False"""
        return False

    def version(self) -> None:
        """None"""

    def flags(self, **switches: Any) -> _Unchanged:
        """A context that changes nothing."""
        return _Unchanged()


class _Unchanged:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


def _sdp_switches(*names: str) -> dict[str, Callable[..., Any]]:
    """``flash_sdp_enabled()`` and ``enable_flash_sdp(False)``, and so on: how attention may be computed on a GPU."""
    chosen = dict.fromkeys(names, True)
    switches: dict[str, Callable[..., Any]] = {}
    for name in names:
        switches[f"{name}_enabled"] = lambda name=name: chosen[name]
        switches[f"enable_{name}"] = lambda enabled, name=name: chosen.update({name: bool(enabled)})
    return switches


cuda = _Backend(
    matmul=SimpleNamespace(
        allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True,
        fp32_precision="none",
    ),
    sdp_kernel=lambda *args, **kwargs: _Unchanged(),
    preferred_linalg_library=lambda backend=None: "default",
    **_sdp_switches("flash_sdp", "mem_efficient_sdp", "math_sdp", "cudnn_sdp"),
)  # fmt: skip
cudnn = _Backend(
    enabled=True, benchmark=False, deterministic=False, allow_tf32=True, benchmark_limit=None,
    conv=SimpleNamespace(fp32_precision="tf32"), rnn=SimpleNamespace(fp32_precision="tf32"), fp32_precision="none",
)  # fmt: skip
mps, mkl, mkldnn, nnpack, openmp = (_Backend(enabled=False) for _ in range(5))
opt_einsum = _Backend(enabled=False, strategy=None)
cpu = SimpleNamespace(get_cpu_capability=lambda: "DEFAULT")


def __getattr__(name: str) -> Any:
    from nanograd.absent import missing

    return missing("backends", name, __all__)
