"""The older ``nn.utils.weight_norm`` and ``nn.utils.spectral_norm``: a hook computes the weight before each call."""

from __future__ import annotations

import warnings
from typing import Any

from nanograd.nn.functional import normalize
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.nn.utils.parametrizations import as_matrix, norm_except, output_dim, power_iterations
from nanograd.ops.sampling import randn
from nanograd.tape import no_grad
from nanograd.tensors import Tensor
from nanograd.warned import outside

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


class _Computed:
    """A weight that is computed before each call of its module; the module keeps it in ``_computed``."""

    kind: str

    def __init__(self, module: Module, name: str) -> None:
        self.name = name
        found = module.__dict__.setdefault("_computed", {})
        if (self.kind, name) in found:
            raise RuntimeError(f"Cannot register two {self.kind} hooks on the same parameter {name}")
        weight = module._parameters.get(name)
        if weight is None:
            raise ValueError(f"{self.kind}: {type(module).__name__} has no parameter {name!r}.")
        self.take(module, weight)
        self.handle = module.register_forward_pre_hook(self)
        found[self.kind, name] = self

    def take(self, module: Module, weight: Parameter) -> None:
        """Put what the weight is computed from in the place of the parameter."""
        raise NotImplementedError

    def compute(self, module: Module, training: bool) -> Tensor:
        """The weight."""
        raise NotImplementedError

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute(module, module.training))


class _WeightNorm(_Computed):
    kind = "weight_norm"

    def __init__(self, module: Module, name: str, dim: int | None) -> None:
        self.dim = -1 if dim is None else dim
        super().__init__(module, name)

    def take(self, module: Module, weight: Parameter) -> None:
        del module._parameters[self.name]
        module.register_parameter(f"{self.name}_g", Parameter(norm_except(weight.detach(), self.dim)))
        module.register_parameter(f"{self.name}_v", Parameter(weight.detach()))
        setattr(module, self.name, self.compute(module, module.training))

    def compute(self, module: Module, training: bool) -> Tensor:
        v: Tensor = getattr(module, f"{self.name}_v")
        g: Tensor = getattr(module, f"{self.name}_g")
        return v * (g / norm_except(v, self.dim))


class _SpectralNorm(_Computed):
    kind = "spectral_norm"

    def __init__(self, module: Module, name: str, iterations: int, eps: float, dim: int) -> None:
        if iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={iterations}")
        self.iterations, self.eps, self.dim = iterations, eps, dim
        super().__init__(module, name)

    def take(self, module: Module, weight: Parameter) -> None:
        w = as_matrix(weight.detach(), self.dim)
        del module._parameters[self.name]
        module.register_parameter(f"{self.name}_orig", weight)
        setattr(module, self.name, weight.detach())
        for letter, n in zip("uv", w.shape, strict=True):
            start = normalize(randn(n, dtype=w.dtype, device=w.device), dim=0, eps=self.eps)
            module.register_buffer(f"{self.name}_{letter}", start)

    def compute(self, module: Module, training: bool) -> Tensor:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        w = as_matrix(weight, self.dim)
        if training:
            power_iterations(w.detach().t(), v, u, self.iterations, self.eps)  # v first
        return weight / u.clone().dot(w.mv(v.clone()))  # type: ignore[no-any-return]


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """The older form of ``nn.utils.parametrizations.weight_norm``, with the parameters weight_g and weight_v."""
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=outside(),
    )
    _WeightNorm(module, name, dim)
    return module


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """The older form of ``nn.utils.parametrizations.spectral_norm``: weight_orig; the buffers weight_u, weight_v."""
    _SpectralNorm(module, name, n_power_iterations, eps, output_dim(module) if dim is None else dim)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a plain parameter again, with the value it has.  Raises ValueError where there is none."""
    return _removed(module, "weight_norm", name, ("_g", "_v"))


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight a plain parameter again, with the value it has.  Raises ValueError where there is none."""
    return _removed(module, "spectral_norm", name, ("_orig", "_u", "_v"))


def _removed(module: Module, kind: str, name: str, parts: tuple[str, ...]) -> Module:
    found = module.__dict__.get("_computed", {}).pop((kind, name), None)
    if found is None:
        raise ValueError(f"{kind} of '{name}' not found in {module}")
    with no_grad():
        value = found.compute(module, False).detach().clone()
    found.handle.remove()
    delattr(module, name)
    for part in parts:
        delattr(module, name + part)
    module.register_parameter(name, Parameter(value))
    return module
