"""What nanograd does not have, by torch's name: what to use instead, and whether it is planned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from nanograd.errors import MissingError, did_you_mean

__all__ = ["ABSENT", "absent", "explained", "missing"]

_SPARSE = "nanograd has no sparse tensors. Use dense ones: torch.zeros(size).index_put((rows, columns), values)"
_COMPLEX = "nanograd has no complex numbers. Keep the real and the imaginary part as two tensors"
_EIGEN = "nanograd has no complex numbers. Of symmetric matrices use torch.linalg.eigh and eigvalsh"
_FOURIER = (
    "nanograd has no complex numbers, which a transform gives. Use numpy.fft.rfft(x.numpy()), and torch.as_tensor \
of the real and the imaginary part"
)
_PROCESSES = "nanograd trains in one process. Call the model itself, and leave the process group out"
_QUANTIZED = "nanograd has no quantized numbers. Use torch.float32"
_GPU = "there is no GPU that nanograd can use. Use the tensors of the CPU: torch.FloatTensor, torch.LongTensor"
_TEXT = "nanograd has no data sets of texts. Read the file in Python, and pad batches with nn.utils.rnn.pad_sequence"
_NO_TRACE = "nanograd runs Python as it is, and compiles nothing. Leave the line out"
_NO_STREAM = "there is no GPU whose work could be ordered. The CPU does one operation after the other"
_WINDOW = "nanograd does not work on signals. Use numpy.hanning, hamming, blackman, bartlett or kaiser, and from_numpy"
_SOLVE = "torch has removed it. Use torch.linalg.solve(A, B)"
_LOW_RANK = "use torch.linalg.svd, and the first rows and columns of what it gives"
_DLPACK = "share arrays through NumPy: torch.from_numpy(array) and tensor.numpy()"
_PIPES = "use utils.data.IterableDataset and DataLoader"
_STORAGE = "compare x.data_ptr() to see whether two tensors share memory, and x.stride() for how they lie in it"
_TRACED = "nanograd runs Python as it is. Call the function or module itself"

ABSENT = {
    "sparse_coo_tensor": _SPARSE, "sparse_csr_tensor": _SPARSE, "sparse": _SPARSE, "spmm": _SPARSE, "smm": _SPARSE,
    "complex": _COMPLEX, "polar": _COMPLEX, "view_as_complex": _COMPLEX, "view_as_real": _COMPLEX, "stft": _COMPLEX,
    "istft": _COMPLEX, "angle": _COMPLEX, "conj": _COMPLEX,
    "linalg.eig": _EIGEN, "linalg.eigvals": _EIGEN, "fft": _FOURIER,
    "nn.SyncBatchNorm": "nanograd trains in one process. Use nn.BatchNorm2d",
    "multiprocessing": "use Python's multiprocessing: tensors may be sent to other processes",
    "hub": "nanograd downloads no models. Define the model in your program, and load its weights with torch.load",
    "jit": _TRACED, "fx": _TRACED, "export": _TRACED,
    "onnx": "nanograd does not export. Save with torch.save(model.state_dict(), path)",
    "quantization": _QUANTIZED, "ao": _QUANTIZED, "quantize_per_tensor": _QUANTIZED,
    "func": "write the loop over samples in Python, or use torch.autograd.functional",
    "vmap": "nanograd does not map functions. Write operations that take the batch dimension, or a loop",
    "nested": "nanograd has no nested tensors. Use torch.nn.utils.rnn.pad_sequence and a mask",
    "profiler.tensorboard_trace_handler": "profiles are text: print(profile), or read profile.rows()",
    "autograd.profiler.emit_nvtx": "there is no GPU to be profiled. Use profile()",
    "autograd.forward_ad": "nanograd has no forward mode. Use torch.autograd.functional.jvp",
    "utils.cpp_extension": "nanograd's kernels are Python: see `nanograd.kernels`",
    "_dynamo": _NO_TRACE, "_inductor": _NO_TRACE,
    "cuda.FloatTensor": _GPU, "cuda.DoubleTensor": _GPU, "cuda.HalfTensor": _GPU, "cuda.LongTensor": _GPU,
    "cuda.IntTensor": _GPU, "cuda.ByteTensor": _GPU, "cuda.BoolTensor": _GPU,
    "cuda.nvtx": "there is no GPU to be profiled. Use torch.profiler.profile",
    "cuda.nccl": _PROCESSES, "cuda.comm": _PROCESSES,
    "cuda.CUDAGraph": "there is no GPU. Call the model itself", "cuda.graph": "there is no GPU. Call the model itself",
    "torchtext": _TEXT, "torchaudio": "nanograd does not read sound. Use Python's wave module and torch.tensor",
    "utils.bottleneck": "use torch.profiler.profile", "utils.benchmark": "use Python's timeit",
    "utils.model_zoo": "nanograd downloads no models. Load weights of your own with torch.load",
    "sparse_csc_tensor": _SPARSE, "sparse_bsr_tensor": _SPARSE, "sparse_bsc_tensor": _SPARSE,
    "sparse_compressed_tensor": _SPARSE, "hspmm": _SPARSE, "sspaddmm": _SPARSE, "dsmm": _SPARSE, "hsmm": _SPARSE,
    "real": _COMPLEX, "imag": _COMPLEX, "conj_physical": _COMPLEX, "resolve_conj": _COMPLEX, "resolve_neg": _COMPLEX,
    "Tensor.real": _COMPLEX, "Tensor.imag": _COMPLEX, "Tensor.conj": _COMPLEX, "Tensor.angle": _COMPLEX,
    "quantize_per_channel": _QUANTIZED, "quantize_per_tensor_dynamic": _QUANTIZED, "dequantize": _QUANTIZED,
    "nn.quantized": _QUANTIZED, "nn.quantizable": _QUANTIZED, "nn.qat": _QUANTIZED, "nn.intrinsic": _QUANTIZED,
    "Stream": _NO_STREAM, "Event": _NO_STREAM, "mtia": "nanograd knows no such device. Use the CPU",
    "hann_window": _WINDOW, "hamming_window": _WINDOW, "blackman_window": _WINDOW, "bartlett_window": _WINDOW,
    "kaiser_window": _WINDOW,
    "solve": _SOLVE, "lstsq": "torch has removed it. Use torch.linalg.lstsq(A, B)",
    "symeig": "torch has removed it. Use torch.linalg.eigh(A)", "eig": _EIGEN,
    "matrix_rank": "torch has removed it. Use torch.linalg.matrix_rank(A)",
    "lu": "use torch.linalg.solve, det or inv, which factor the matrix themselves",
    "lu_unpack": "use torch.linalg.solve, det or inv, which factor the matrix themselves",
    "svd_lowrank": _LOW_RANK, "pca_lowrank": _LOW_RANK, "lobpcg": _LOW_RANK,
    "from_dlpack": _DLPACK, "to_dlpack": _DLPACK, "utils.dlpack": _DLPACK,
    "futures": _PROCESSES, "fork": _PROCESSES, "overrides": "nanograd's operations take nanograd's own tensors only",
    "package": "nanograd packs no programs. Save weights with torch.save(model.state_dict(), path)",
    "nn.AdaptiveLogSoftmaxWithLoss": "use nn.Linear, nn.LogSoftmax and nn.NLLLoss",
    "nn.CrossMapLRN2d": "use nn.LocalResponseNorm", "nn.NLLLoss2d": "torch has renamed it. Use nn.NLLLoss",
    "optim.SparseAdam": "nanograd has no sparse gradients. Use optim.Adam",
    "optim.Adafactor": "use optim.AdamW", "optim.Muon": "use optim.AdamW",
    "utils.data.IterDataPipe": _PIPES, "utils.data.MapDataPipe": _PIPES, "utils.data.datapipes": _PIPES,
    "utils.collect_env": "use `python -m pip list` and nanograd.__version__",
    "Tensor.to_sparse": _SPARSE,
    "Tensor.untyped_storage": _STORAGE, "Tensor.typed_storage": _STORAGE,
    "Tensor.bfloat16": "nanograd has no bfloat16. Use .float() or .half()",
}  # fmt: skip
"""Path from the package, as torch has it -> what to do."""


def explained(path: str) -> str | None:
    """What is known of a name that nanograd does not have: ``"nn.DataParallel"``, ``"distributed.rpc"``."""
    parts = path.split(".")
    for n in range(len(parts), 0, -1):
        found = ABSENT.get(".".join(parts[:n]))
        if found is not None:
            return found
    return None


def absent(path: str) -> NoReturn:
    """Raises MissingError for a name that stands in torch and has no place here."""
    raise MissingError(f"{path}: {explained(path)}.")


def missing(module: str, name: str, known: Iterable[str]) -> NoReturn:
    """Raises AttributeError for ``module.name``: what to use instead, or the nearest name there is."""
    path = f"{module}.{name}" if module else name
    full = f"nanograd.{module}" if module else "nanograd"
    why = explained(path)
    if why is None:
        hint = did_you_mean(name, known)
        raise AttributeError(f"module {full!r} has no attribute {name!r}: nanograd does not have this name.{hint}")
    raise AttributeError(f"module {full!r} has no attribute {name!r}: {why}.")
