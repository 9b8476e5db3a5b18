"""Layers without parameters that bend their input, and PReLU, which learns how much."""

from __future__ import annotations

from typing import Any, ClassVar

from nanograd.nn import functional as F
from nanograd.nn import init
from nanograd.nn.module import Module
from nanograd.nn.parameter import Parameter
from nanograd.ops.creation import empty
from nanograd.tensors import Tensor

__all__ = [
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


class _InPlace(Module):
    """An activation that may write into its input, and has no other setting."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Whether it writes into its input."""
        return "inplace=True" if self.inplace else ""


class _Silent(_InPlace):
    """One whose printed form in torch does not say whether it writes into its input."""

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


# Straight lines with a bend


class ReLU(_InPlace):
    """y = max(x, 0)

    >>> nn.ReLU()(torch.tensor([-1., 2.]))
    tensor([0., 2.])
    """

    _function: ClassVar[str] = "torch.relu(x)"

    def forward(self, input: Tensor) -> Tensor:
        """max(x, 0)"""
        return F.relu_(input) if self.inplace else F.relu(input)


class LeakyReLU(Module):
    """y = x for x > 0, else negative_slope · x."""

    _function: ClassVar[str] = "nn.functional.leaky_relu(x)"

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or negative_slope · x"""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class PReLU(Module):
    """y = x for x > 0, else w · x          weight (num_parameters,): one, or one for each channel of x (N, C, …)"""

    _function: ClassVar[str] = "nn.functional.prelu(x, weight)"

    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All slopes as given."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """x, or w · x"""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """How many slopes it learns."""
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """y = x for x > 0, else a · x: a random in [lower, upper] in training, their mean in evaluation."""

    _function: ClassVar[str] = "nn.functional.rrelu(x)"

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or a · x"""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The range of slopes."""
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")


class Threshold(Module):
    """y = x where x > threshold, else value."""

    _function: ClassVar[str] = "nn.functional.threshold(x, threshold, value)"

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or value"""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """The settings."""
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")


class Hardtanh(Module):
    """y = min(max(x, min_val), max_val)"""

    _function: ClassVar[str] = "nn.functional.hardtanh(x)"

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: expected min_val < max_val, got {min_val} and {max_val}.")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x, min_val), max_val)"""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """The bounds."""
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class ReLU6(Hardtanh):
    """y = min(max(x, 0), 6)"""

    _function: ClassVar[str] = "nn.functional.relu6(x)"

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x, 0), 6)"""
        return F.relu6(input, self.inplace)

    def extra_repr(self) -> str:
        """Whether it writes into its input."""
        return "inplace=True" if self.inplace else ""


class Hardsigmoid(_Silent):
    """y = min(max(x + 3, 0), 6) / 6: straight lines in the place of the sigmoid."""

    _function: ClassVar[str] = "nn.functional.hardsigmoid(x)"

    def forward(self, input: Tensor) -> Tensor:
        """min(max(x + 3, 0), 6) / 6"""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_Silent):
    """y = x · min(max(x + 3, 0), 6) / 6"""

    _function: ClassVar[str] = "nn.functional.hardswish(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x · min(max(x + 3, 0), 6) / 6"""
        return F.hardswish(input, self.inplace)


class _Shrink(Module):
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """The width."""
        return str(self.lambd)


class Hardshrink(_Shrink):
    """y = x where |x| > lambd, else 0."""

    _function: ClassVar[str] = "nn.functional.hardshrink(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x, or 0"""
        return F.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """y = x - lambd above lambd, x + lambd below -lambd, else 0."""

    _function: ClassVar[str] = "nn.functional.softshrink(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x - lambd, x + lambd, or 0"""
        return F.softshrink(input, self.lambd)


# Curves


class Tanh(Module):
    """y = tanh x, in (-1, 1)."""

    _function: ClassVar[str] = "torch.tanh(x)"

    def forward(self, input: Tensor) -> Tensor:
        """tanh x"""
        return F.tanh(input)


class Sigmoid(Module):
    """y = 1 / (1 + e⁻ˣ), in (0, 1)."""

    _function: ClassVar[str] = "torch.sigmoid(x)"

    def forward(self, input: Tensor) -> Tensor:
        """σ(x)"""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """y = ln σ(x), finite for very negative x."""

    _function: ClassVar[str] = "nn.functional.logsigmoid(x)"

    def forward(self, input: Tensor) -> Tensor:
        """ln σ(x)"""
        return F.logsigmoid(input)


class Softsign(Module):
    """y = x / (1 + |x|)"""

    _function: ClassVar[str] = "nn.functional.softsign(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x / (1 + |x|)"""
        return F.softsign(input)


class Tanhshrink(Module):
    """y = x - tanh x"""

    _function: ClassVar[str] = "nn.functional.tanhshrink(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x - tanh x"""
        return F.tanhshrink(input)


class _Alpha(Module):
    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The limit."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class ELU(_Alpha):
    """y = x for x > 0, else alpha (eˣ - 1)."""

    _function: ClassVar[str] = "nn.functional.elu(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha (eˣ - 1)"""
        return F.elu(input, self.alpha, self.inplace)


class CELU(_Alpha):
    """y = x for x > 0, else alpha (e^(x/alpha) - 1)."""

    _function: ClassVar[str] = "nn.functional.celu(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha (e^(x/alpha) - 1)"""
        return F.celu(input, self.alpha, self.inplace)


class SELU(_InPlace):
    """y = 1.0507 · (x for x > 0, else 1.6733 (eˣ - 1)): keeps mean 0 and variance 1 from layer to layer."""

    _function: ClassVar[str] = "nn.functional.selu(x)"

    def forward(self, input: Tensor) -> Tensor:
        """1.0507 · (x, or 1.6733 (eˣ - 1))"""
        return F.selu(input, self.inplace)


class SiLU(_InPlace):
    """y = x σ(x)"""

    _function: ClassVar[str] = "nn.functional.silu(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x σ(x)"""
        return F.silu(input, self.inplace)


class Mish(_InPlace):
    """y = x tanh(ln(1 + eˣ))"""

    _function: ClassVar[str] = "nn.functional.mish(x)"

    def forward(self, input: Tensor) -> Tensor:
        """x tanh(ln(1 + eˣ))"""
        return F.mish(input, self.inplace)


class GELU(Module):
    """y = x Φ(x), Φ the normal distribution function; see ``F.gelu``."""

    _function: ClassVar[str] = "nn.functional.gelu(x)"

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """x Φ(x)"""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """The approximation."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """y = ln(1 + e^(βx)) / β; x itself where βx > threshold."""

    _function: ClassVar[str] = "nn.functional.softplus(x)"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """ln(1 + e^(βx)) / β"""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """The sharpness."""
        return f"beta={self.beta}, threshold={self.threshold}"
