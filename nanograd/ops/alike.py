"""New tensors in the dtype and on the device of one: methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd.formats import expect_strided
from nanograd.ops.creation import dtype_or, empty, empty_strided, full, near, ones, tensor, zeros
from nanograd.ops.refusing import no_tensor
from nanograd.ops.shape import Sizes

if TYPE_CHECKING:
    from nanograd.tensors import Tensor


def _own(x: Tensor, dtype: Any, device: Any) -> dict[str, Any]:
    try:
        return {"dtype": dtype_or(dtype, x.dtype), "device": near(device, x)}
    except AttributeError as error:
        raise no_tensor(error) from None


def new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``tensor(data)`` in the dtype and on the device of this one."""
    expect_strided("new_tensor", layout)
    return tensor(data, requires_grad=requires_grad, **_own(self, dtype, device))


def new_full(
    self: Tensor,
    size: Sizes,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``full`` in the dtype and on the device of this one."""
    return full(size, fill_value, layout=layout, requires_grad=requires_grad, **_own(self, dtype, device))


def new_zeros(
    self: Tensor,
    size: Sizes,
    *more: int,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``zeros`` in the dtype and on the device of this one."""
    return zeros(size, *more, layout=layout, requires_grad=requires_grad, **_own(self, dtype, device))


def new_ones(
    self: Tensor,
    size: Sizes,
    *more: int,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``ones`` in the dtype and on the device of this one."""
    return ones(size, *more, layout=layout, requires_grad=requires_grad, **_own(self, dtype, device))


def new_empty(
    self: Tensor,
    size: Sizes,
    *more: int,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``empty`` in the dtype and on the device of this one."""
    return empty(size, *more, layout=layout, requires_grad=requires_grad, **_own(self, dtype, device))


def new_empty_strided(
    self: Tensor,
    size: Sizes,
    stride: Sizes,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``empty_strided`` in the dtype and on the device of this one."""
    return empty_strided(size, stride, layout=layout, requires_grad=requires_grad, **_own(self, dtype, device))
