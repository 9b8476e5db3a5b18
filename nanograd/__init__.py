"""nanograd: a deep-learning library small enough to read and fast enough to use.

``import nanograd as torch`` runs what beginners' texts teach.  Importing is silent and loads neither numba nor CUDA.

>>> import nanograd as torch
>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

from typing import TYPE_CHECKING, Any, NoReturn

from nanograd import devices as _devices
from nanograd import dtypes as _dtypes
from nanograd.devices import Device as device
from nanograd.dtypes import (
    DType as dtype,
)
from nanograd.dtypes import (
    can_cast,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    uint8,
)
from nanograd.errors import did_you_mean as _did_you_mean
from nanograd.ops.arithmetic import *
from nanograd.ops.creation import *
from nanograd.ops.indexing import *
from nanograd.ops.linalg import *
from nanograd.ops.normalization import log_softmax, softmax
from nanograd.ops.op import result_type
from nanograd.ops.reduction import *
from nanograd.ops.shape import *
from nanograd.random import Generator, initial_seed, manual_seed, seed
from nanograd.scalar import Scalar
from nanograd.settings import get_default_dtype, set_default_dtype, set_printoptions
from nanograd.tape import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from nanograd.tensors import Size, Tensor

from nanograd import autograd, cuda, nn, optim, utils  # isort: skip
from nanograd.serialization import load, save

__version__ = "0.1.0"

float = float32
double = float64
half = float16
long = int64
int = int32
short = int16
bool = _dtypes.bool_

if TYPE_CHECKING:
    from nanograd import lab as lab
    from nanograd import testing as testing
    from nanograd import vision as vision
    from nanograd.drawing import draw as draw


def is_tensor(obj: Any) -> Any:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> Any:
    """The number of elements."""
    return input.numel()


def is_floating_point(input: Tensor) -> Any:
    """Whether the elements are floats."""
    return input.is_floating_point()


_LAZY = {"testing", "lab", "vision", "examples", "course", "simt"}


def __getattr__(name: str) -> Any:
    if name == "draw":
        from nanograd.drawing import draw

        return draw
    if name in _LAZY:
        import importlib
        import importlib.util

        if importlib.util.find_spec(f"nanograd.{name}") is not None:
            return importlib.import_module(f"nanograd.{name}")
    return _missing(name)


def _missing(name: str) -> NoReturn:
    hint = _did_you_mean(name, globals())
    raise AttributeError(f"module 'nanograd' has no attribute {name!r}: nanograd does not have this name.{hint}")
