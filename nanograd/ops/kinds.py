"""The kinds of numbers an operation takes, and the gradient that is 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanograd import settings
from nanograd.errors import DTypeError
from nanograd.kernels import memory
from nanograd.ops.op import as_operand, result_type, same_device, wrap
from nanograd.ops.refusing import no_tensor

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "expect_floats", "expect_integers", "expect_numbers", "expect_one_dtype", "floating", "is_number", "is_truth",
    "lift_all", "none",
]  # fmt: skip


def is_number(x: Any) -> bool:
    """Whether it is a Python number, not a tensor."""
    return isinstance(x, (int, float))


def is_truth(x: Any) -> bool:
    """Whether it is a tensor of truth values, or a truth value."""
    return x.array.dtype.kind == "b" if hasattr(x, "array") else isinstance(x, bool)


def expect_numbers(name: str, x: Tensor) -> None:
    """Raises DTypeError for truth values."""
    try:
        wrong = x.array.dtype.kind == "b"
    except AttributeError as error:
        raise no_tensor(error) from None
    if wrong:
        raise DTypeError(
            f"{name}: expected numbers, got truth values (torch.bool). Convert with .int() or .float() first."
        )


def expect_integers(name: str, x: Tensor) -> None:
    """Raises DTypeError for floats and truth values."""
    try:
        wrong = x.array.dtype.kind not in "iu"
    except AttributeError as error:
        raise no_tensor(error) from None
    if wrong:
        raise DTypeError(f"{name}: expected integers, got {x.dtype}. Convert with .int() or .long() first.")


def expect_floats(name: str, x: Tensor) -> None:
    """Raises DTypeError for integers and truth values."""
    try:
        wrong = x.array.dtype.kind != "f"
    except AttributeError as error:
        raise no_tensor(error) from None
    if wrong:
        raise DTypeError(f"{name}: expected floats, got {x.dtype}. Convert with .float() first.")


def expect_one_dtype(name: str, *tensors: Tensor) -> None:
    """Raises DTypeError for tensors of different dtypes."""
    try:
        several = len({t.array.dtype for t in tensors}) > 1
    except AttributeError as error:
        raise no_tensor(error) from None
    if several:
        found = " and ".join(str(t.dtype) for t in tensors)
        raise DTypeError(f"{name}: expected tensors of one dtype, got {found}. Convert with .to({tensors[0].dtype}).")


def floating(x: Tensor) -> Tensor:
    """x, or x as the default floating-point dtype if it holds integers or truth values."""
    try:
        return x if x.array.dtype.kind == "f" else x.to(settings.get_default_dtype())
    except AttributeError as error:
        raise no_tensor(error) from None


def lift_all(*values: Any) -> tuple[Tensor, ...]:
    """All as tensors of the dtype that torch's promotion gives; see ``lift``."""
    dtype, device = result_type(*values), same_device(*(v for v in values if hasattr(v, "array")))
    return tuple(as_operand(v, dtype, device) for v in values)


def none(g: Tensor) -> Tensor:
    """0: no change of the input reaches the result."""
    return wrap(memory.full.on(g.device)(g.array.shape, 0, g.dtype))
