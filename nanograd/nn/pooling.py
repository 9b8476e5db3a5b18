"""One number for each window: the greatest element, the mean, the p-norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from nanograd.errors import MissingError
from nanograd.nn import functional as F
from nanograd.nn.module import Module
from nanograd.ops.extents import Sizes, each
from nanograd.tensors import Tensor

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "FractionalMaxPool2d", "FractionalMaxPool3d",
    "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d",
    "MaxUnpool3d",
]  # fmt: skip

Shares = int | None | Sequence[int | None]


class _MaxPool(Module):
    """The greatest element under each window."""

    _dims: ClassVar[int]

    def __init__(
        self,
        kernel_size: int | Sizes,
        stride: int | Sizes | None = None,
        padding: int | Sizes = 0,
        dilation: int | Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        each(f"{type(self).__name__} kernel_size", kernel_size, self._dims)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        """The greatest elements, and with ``return_indices`` their places in row-major order."""
        function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self._dims - 1]
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """y = the greatest element under each window: (N, C, L) → (N, C, M); the stride is the window's size.

    >>> nn.MaxPool1d(2)(torch.zeros(1, 3, 8)).shape
    torch.Size([1, 3, 4])
    """

    _function: ClassVar[str] = "nn.functional.max_pool1d(x, kernel_size)"
    _dims = 1


class MaxPool2d(_MaxPool):
    """y = the greatest element under each window: (N, C, H, W) → (N, C, OH, OW); the stride is the window's size.

    >>> nn.MaxPool2d(2)(torch.zeros(1, 3, 8, 8)).shape
    torch.Size([1, 3, 4, 4])
    """

    _function: ClassVar[str] = "nn.functional.max_pool2d(x, kernel_size)"
    _dims = 2


class MaxPool3d(_MaxPool):
    """y = the greatest element under each window: (N, C, D, H, W) → (N, C, OD, OH, OW); see MaxPool2d."""

    _function: ClassVar[str] = "nn.functional.max_pool3d(x, kernel_size)"
    _dims = 3


class _MaxUnpool(Module):
    """The way back from the greatest elements to their places."""

    _dims: ClassVar[int]

    def __init__(self, kernel_size: int | Sizes, stride: int | Sizes | None = None, padding: int | Sizes = 0) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = each(f"{name} kernel_size", kernel_size, self._dims)
        self.stride = self.kernel_size if stride is None else each(f"{name} stride", stride, self._dims)
        self.padding = each(f"{name} padding", padding, self._dims)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The values at the places ``indices``, zeros elsewhere."""
        function = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self._dims - 1]
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The values at the places that MaxPool1d took them from, zeros elsewhere: (N, C, M) → (N, C, L)."""

    _dims = 1


class MaxUnpool2d(_MaxUnpool):
    """The values at the places that MaxPool2d took them from, zeros elsewhere: (N, C, OH, OW) → (N, C, H, W).

    >>> y, places = nn.MaxPool2d(2, return_indices=True)(torch.tensor([[[1., 2.], [4., 3.]]]))
    >>> nn.MaxUnpool2d(2)(y, places)
    tensor([[[0., 0.],
             [4., 0.]]])
    """

    _dims = 2


class MaxUnpool3d(_MaxUnpool):
    """The values at the places that MaxPool3d took them from, zeros elsewhere."""

    _dims = 3


class AvgPool1d(Module):
    """y = the mean under each window: (N, C, L) → (N, C, M); the stride is the window's size.

    >>> nn.AvgPool1d(2)(torch.tensor([[[1., 3., 5., 7.]]]))
    tensor([[[2., 6.]]])
    """

    _function: ClassVar[str] = "nn.functional.avg_pool1d(x, kernel_size)"

    def __init__(
        self,
        kernel_size: int | Sizes,
        stride: int | Sizes | None = None,
        padding: int | Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = each("AvgPool1d kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else each("AvgPool1d stride", stride, 1)
        self.padding = each("AvgPool1d padding", padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    """The mean under each window of an image or a volume."""

    _dims: ClassVar[int]

    def __init__(
        self,
        kernel_size: int | Sizes,
        stride: int | Sizes | None = None,
        padding: int | Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        each(f"{type(self).__name__} kernel_size", kernel_size, self._dims)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        function = F.avg_pool2d if self._dims == 2 else F.avg_pool3d
        return function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """y = the mean under each window: (N, C, H, W) → (N, C, OH, OW); the stride is the window's size.

    The zeros of the padding count unless ``count_include_pad`` is False.

    >>> nn.AvgPool2d(2)(torch.tensor([[[1., 2.], [3., 4.]]]))
    tensor([[[2.5000]]])
    """

    _function: ClassVar[str] = "nn.functional.avg_pool2d(x, kernel_size)"
    _dims = 2


class AvgPool3d(_AvgPool):
    """y = the mean under each window: (N, C, D, H, W) → (N, C, OD, OH, OW); see AvgPool2d."""

    _function: ClassVar[str] = "nn.functional.avg_pool3d(x, kernel_size)"
    _dims = 3


class _LPPool(Module):
    """The p-norm under each window."""

    _dims: ClassVar[int]

    def __init__(
        self, norm_type: float, kernel_size: int | Sizes, stride: int | Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """(Σ xᵖ)^(1/p)"""
        function = (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)[self._dims - 1]
        return function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """The norm and the sizes."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """y = (Σ xᵖ)^(1/p) under each window: (N, C, L) → (N, C, M)"""

    _dims = 1


class LPPool2d(_LPPool):
    """y = (Σ xᵖ)^(1/p) under each window: (N, C, H, W) → (N, C, OH, OW)

    >>> nn.LPPool2d(2, (1, 2))(torch.tensor([[[3., 4.]]]))
    tensor([[[5.]]])
    """

    _dims = 2


class LPPool3d(_LPPool):
    """y = (Σ xᵖ)^(1/p) under each window: (N, C, D, H, W) → (N, C, OD, OH, OW)"""

    _dims = 3


class _AdaptiveAvgPool(Module):
    """The mean of each of so many equal shares."""

    _dims: ClassVar[int]

    def __init__(self, output_size: Shares) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        function: Any = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[self._dims - 1]
        y: Tensor = function(input, self.output_size)
        return y

    def extra_repr(self) -> str:
        """The output size."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """y = the mean of each of ``output_size`` equal shares: (N, C, L) → (N, C, output_size)

    >>> nn.AdaptiveAvgPool1d(2)(torch.tensor([[[1., 3., 5., 7.]]]))
    tensor([[[2., 6.]]])
    """

    _function: ClassVar[str] = "nn.functional.adaptive_avg_pool1d(x, output_size)"
    _dims = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """y = the mean of each of so many equal shares: (N, C, H, W) → (N, C, *output_size); None keeps a size.

    >>> nn.AdaptiveAvgPool2d(1)(torch.ones(2, 3, 5, 7)).shape
    torch.Size([2, 3, 1, 1])
    """

    _function: ClassVar[str] = "nn.functional.adaptive_avg_pool2d(x, output_size)"
    _dims = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """y = the mean of each of so many equal shares: (N, C, D, H, W) → (N, C, *output_size); None keeps a size."""

    _function: ClassVar[str] = "nn.functional.adaptive_avg_pool3d(x, output_size)"
    _dims = 3


class _AdaptiveMaxPool(Module):
    """The greatest element of each of so many equal shares."""

    _dims: ClassVar[int]

    def __init__(self, output_size: Shares, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        """The greatest elements, and with ``return_indices`` their places in row-major order."""
        function: Any = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[self._dims - 1]
        return function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """The output size."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """y = the greatest element of each of ``output_size`` equal shares: (N, C, L) → (N, C, output_size)"""

    _function: ClassVar[str] = "nn.functional.adaptive_max_pool1d(x, output_size)"
    _dims = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """y = the greatest element of each of so many equal shares: (N, C, H, W) → (N, C, *output_size)

    >>> nn.AdaptiveMaxPool2d((1, 2))(torch.arange(8.).reshape(1, 2, 4))
    tensor([[[5., 7.]]])
    """

    _function: ClassVar[str] = "nn.functional.adaptive_max_pool2d(x, output_size)"
    _dims = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """y = the greatest element of each of so many equal shares: (N, C, D, H, W) → (N, C, *output_size)"""

    _function: ClassVar[str] = "nn.functional.adaptive_max_pool3d(x, output_size)"
    _dims = 3


class FractionalMaxPool2d(Module):
    """Absent: windows of random sizes.  Raises MissingError."""

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise MissingError("FractionalMaxPool2d: nanograd has no fractional pooling. Use nn.AdaptiveMaxPool2d.")


class FractionalMaxPool3d(Module):
    """Absent: windows of random sizes.  Raises MissingError."""

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise MissingError("FractionalMaxPool3d: nanograd has no fractional pooling. Use nn.AdaptiveMaxPool3d.")
