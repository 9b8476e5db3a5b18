"""Differentiation: ``grad``, ``backward``, your own operations, switches, checks of gradients."""

from typing import Any

from nanograd.autograd import functional
from nanograd.autograd.check import gradcheck, gradgradcheck
from nanograd.autograd.function import Function
from nanograd.autograd.gradient import backward, grad
from nanograd.autograd.variable import Variable
from nanograd.tape import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "functional", "grad", "gradcheck",
    "gradgradcheck", "inference_mode", "no_grad", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "profiler":  # it takes the time of what is imported after this package
        from importlib import import_module

        return import_module("nanograd.autograd.profiler")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
