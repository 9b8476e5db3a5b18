"""Switches of torch's backends: they can be set and read, and change nothing here, unless they say so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]


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


cuda = _Backend(
    matmul=SimpleNamespace(
        allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True,
        fp32_precision="none",
    ),
    enable_flash_sdp=lambda enabled: None, enable_mem_efficient_sdp=lambda enabled: None,
    enable_math_sdp=lambda enabled: None, sdp_kernel=lambda *args, **kwargs: _Unchanged(),
)  # fmt: skip
cudnn = _Backend(
    enabled=True, benchmark=False, deterministic=False, allow_tf32=True, benchmark_limit=10,
    conv=SimpleNamespace(fp32_precision="tf32"), rnn=SimpleNamespace(fp32_precision="tf32"), fp32_precision="none",
)  # fmt: skip
mps, mkl, mkldnn, openmp, opt_einsum = (_Backend(enabled=False) for _ in range(5))
cpu = SimpleNamespace(get_cpu_capability=lambda: "DEFAULT")
