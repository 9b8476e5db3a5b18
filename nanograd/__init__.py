"""nanograd: a deep-learning library small enough to read and fast enough to use.

``import nanograd as torch`` runs what beginners' texts teach.  Importing is silent and loads neither numba nor CUDA.

>>> import nanograd as torch
>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

from typing import TYPE_CHECKING, Any

from nanograd import devices as _devices
from nanograd import dtypes as _dtypes
from nanograd.cuda import OutOfMemoryError
from nanograd.devices import Device as device
from nanograd.dtypes import (
    DType as dtype,
)
from nanograd.dtypes import (
    can_cast,
    finfo,
    float16,
    float32,
    float64,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    uint8,
)
from nanograd.formats import (
    Layout as layout,
)
from nanograd.formats import (
    MemoryFormat as memory_format,
)
from nanograd.formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from nanograd.ops.activation import *
from nanograd.ops.arithmetic import *
from nanograd.ops.bitwise import *
from nanograd.ops.broadcasting import *
from nanograd.ops.chance import *
from nanograd.ops.choosing import *
from nanograd.ops.comparison import *
from nanograd.ops.convolution import *
from nanograd.ops.creation import *
from nanograd.ops.diagonals import *
from nanograd.ops.distances import *
from nanograd.ops.elementary import *
from nanograd.ops.factoring import *
from nanograd.ops.finding import *
from nanograd.ops.indexing import *
from nanograd.ops.joining import *
from nanograd.ops.linalg import *
from nanograd.ops.matrices import *
from nanograd.ops.normalization import log_softmax, softmax
from nanograd.ops.norms import *
from nanograd.ops.op import result_type
from nanograd.ops.ordering import *
from nanograd.ops.pixels import *
from nanograd.ops.placing import *
from nanograd.ops.pooling import *
from nanograd.ops.products import *
from nanograd.ops.queries import *
from nanograd.ops.ranges import *
from nanograd.ops.rearranging import *
from nanograd.ops.recurrent import *
from nanograd.ops.reduction import *
from nanograd.ops.refusing import guard as _guard
from nanograd.ops.rounding import *
from nanograd.ops.sampling import *
from nanograd.ops.scan import *
from nanograd.ops.scattering import *
from nanograd.ops.shape import *
from nanograd.ops.solving import *
from nanograd.ops.special import *
from nanograd.ops.spectra import *
from nanograd.ops.statistics import *
from nanograd.ops.subscripts import *
from nanograd.ops.trigonometry import *
from nanograd.ops.typed import *
from nanograd.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from nanograd.scalar import Scalar
from nanograd.settings import (
    get_default_device,
    get_default_dtype,
    set_default_device,
    set_default_dtype,
    set_default_tensor_type,
    set_printoptions,
)
from nanograd.switches import *
from nanograd.tape import (
    enable_grad,
    inference_mode,
    is_anomaly_enabled,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from nanograd.tensors import Size, Tensor
from nanograd.threads import *
from nanograd.version import __version__

from nanograd import autograd, cuda, fft, linalg, nn, optim, special, utils  # isort: skip
from nanograd.nn.functional import (
    bilinear,
    celu_,
    cosine_similarity,
    group_norm,
    layer_norm,
    pairwise_distance,
    pdist,
    relu_,
    rms_norm,
    rrelu,
    rrelu_,
    selu_,
    threshold_,
)
from nanograd.serialization import load, save

float = float32
double = float64
half = float16
long = int64
int = int32
short = int16
bool = _dtypes.bool_
newaxis = None

if TYPE_CHECKING:
    from nanograd import lab as lab
    from nanograd import testing as testing
    from nanograd import vision as vision
    from nanograd.amp import autocast as autocast
    from nanograd.drawing import draw as draw
    from nanograd.overview import summary as summary
    from nanograd.profiler import profile as profile


def is_tensor(obj: Any) -> Any:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


def typename(obj: Any) -> str:
    """torch's name of the type of an object: ``torch.FloatTensor``, or the path of its class."""
    return obj.type() if isinstance(obj, Tensor) else f"{type(obj).__module__}.{type(obj).__qualname__}"


def is_inference_mode_enabled() -> Any:
    """Whether operations are not recorded."""
    return not is_grad_enabled()


def numel(input: Tensor) -> Any:
    """The number of elements."""
    return input.numel()


def is_floating_point(input: Tensor) -> Any:
    """Whether the elements are floats."""
    return input.is_floating_point()


_guard(globals(), [name for name in globals() if not name.startswith("_") and name != "from_numpy"])

_LAZY = {
    "accelerator", "amp", "backends", "compiler", "course", "cpu", "distributed", "distributions", "examples", "lab",
    "mps", "profiler", "simt", "testing", "version", "vision", "xpu",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "draw":
        from nanograd.drawing import draw

        return draw
    if name == "summary":
        from nanograd.overview import summary

        return summary
    if name == "profile":
        from nanograd.profiler import profile

        return profile
    if name in ("autocast", "GradScaler"):
        from nanograd import amp

        return getattr(amp, name)
    if name == "detach" or (name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name)):
        return getattr(Tensor, name)  # torch.exp_(x) is x.exp_()
    if name in _LAZY:
        import importlib
        import importlib.util

        if importlib.util.find_spec(f"nanograd.{name}") is not None:
            return importlib.import_module(f"nanograd.{name}")
    if name[:-1] in globals() and name.endswith("_") and hasattr(Tensor, name):  # torch.exp_(x) is x.exp_()
        return getattr(Tensor, name)
    if name in _dtypes.ABSENT:
        raise AttributeError(_dtypes.absent(name))
    from nanograd.absent import missing

    return missing("", name, globals())
