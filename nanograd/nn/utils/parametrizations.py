"""Weights by length and direction, or over their greatest gain: torch's path ``nn.utils.parametrizations``."""

from __future__ import annotations

from typing import NoReturn

from nanograd.errors import MissingError, did_you_mean
from nanograd.nn.functional import normalize
from nanograd.nn.module import Module
from nanograd.nn.utils.parametrize import register_parametrization
from nanograd.ops.sampling import randn
from nanograd.tape import no_grad
from nanograd.tensors import Tensor

__all__ = ["spectral_norm", "weight_norm"]


def norm_except(v: Tensor, dim: int) -> Tensor:
    """The length of each slice of v along ``dim``, all other dimensions kept with size 1; of the whole v for -1."""
    if dim == -1:
        return v.norm()
    others = [d for d in range(v.ndim) if d != dim % v.ndim]
    return v.norm(2, others, True) if others else v.abs()


class _WeightNorm(Module):
    """w = g v / ‖v‖"""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        """The weight of length g in the direction v."""
        return v * (g / norm_except(v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """(length, direction)"""
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """w = g v / ‖v‖: the length and the direction of a weight are trained apart   (Salimans and Kingma, 2016)

    Each slice along ``dim`` has a length of its own (original0); with None the whole weight has one.  v is original1.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.size()
    torch.Size([40, 1])
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


def output_dim(module: Module) -> int:
    """The dimension of a layer's weight that counts its outputs."""
    return 1 if any(kind.__name__.startswith("ConvTranspose") for kind in type(module).__mro__) else 0


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """(outputs, the rest)"""
    return weight.movedim(dim, 0).flatten(1) if weight.ndim > 1 else weight.reshape(-1, 1)


def power_iterations(w: Tensor, u: Tensor, v: Tensor, count: int, eps: float) -> None:
    """Turn u and v, in place, towards the directions that w stretches most: u ← w v, v ← wᵀ u, of length 1."""
    with no_grad():
        for _ in range(count):
            u.copy_(normalize(w.mv(v), dim=0, eps=eps))
            v.copy_(normalize(w.t().mv(u), dim=0, eps=eps))


class _SpectralNorm(Module):
    """w / σ(w), σ = uᵀ w v"""

    _tensors_at_init = 1
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, {weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps, self.n_power_iterations = dim % weight.ndim, eps, n_power_iterations
        if weight.ndim > 1:
            w = as_matrix(weight.detach(), self.dim)
            u, v = (normalize(randn(n, dtype=w.dtype, device=w.device), dim=0, eps=eps) for n in w.shape)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            power_iterations(w, u, v, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight over its greatest singular value, which each call in training estimates better."""
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        w = as_matrix(weight, self.dim)
        if self.training:
            power_iterations(w.detach(), self._u, self._v, self.n_power_iterations, self.eps)
        u, v = self._u.clone(), self._v.clone()  # the next call changes them before this one's way back
        return weight / u.dot(w.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """Any weight with this value; itself."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """w / σ(w): no input is stretched by more than 1   (Miyato et al., 2018)

    σ, the greatest singular value, is estimated by ``n_power_iterations`` at every call in training.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    chosen = output_dim(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, chosen, eps))


def __getattr__(name: str) -> NoReturn:
    if name == "orthogonal":
        raise MissingError(
            "nn.utils.parametrizations.orthogonal does not exist here: start from nn.init.orthogonal_(weight), or "
            "register a parametrization of your own (nn.utils.parametrize.register_parametrization)."
        )
    raise AttributeError(
        f"module 'nanograd.nn.utils.parametrizations' has no attribute {name!r}.{did_you_mean(name, __all__)}"
    )
