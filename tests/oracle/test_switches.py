"""What a machine without a GPU answers: beside torch, where torch finds no GPU either."""

import warnings

import pytest

import nanograd as ng

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
if torch.accelerator.is_available():
    pytest.skip("torch finds an accelerator here", allow_module_level=True)

QUESTIONS = """
cuda.is_available()
cuda.device_count()
cuda.is_initialized()
cuda.is_bf16_supported()
cuda.memory_allocated()
cuda.max_memory_allocated()
cuda.memory_reserved()
cuda.get_arch_list()
cuda.get_rng_state_all()
cuda.manual_seed(1)
cuda.manual_seed_all(1)
cuda.seed()
cuda.empty_cache()
cuda.device(-1).__enter__()
cuda.amp.GradScaler().is_enabled()
cuda.amp.GradScaler(enabled=False).is_enabled()
version.cuda
version.hip
backends.cudnn.is_available()
backends.cudnn.version()
backends.cudnn.enabled
backends.cudnn.benchmark
backends.cudnn.deterministic
backends.cudnn.allow_tf32
backends.cudnn.benchmark_limit
backends.cudnn.fp32_precision
backends.cudnn.conv.fp32_precision
backends.cudnn.rnn.fp32_precision
backends.cuda.is_built()
backends.cuda.matmul.allow_tf32
backends.cuda.matmul.allow_fp16_reduced_precision_reduction
backends.cuda.matmul.allow_bf16_reduced_precision_reduction
backends.cuda.flash_sdp_enabled()
backends.cuda.math_sdp_enabled()
backends.cuda.mem_efficient_sdp_enabled()
backends.cuda.cudnn_sdp_enabled()
backends.mps.is_available()
backends.mps.is_built()
backends.opt_einsum.strategy
backends.fp32_precision
mps.is_available()
mps.device_count()
mps.manual_seed(0)
xpu.is_available()
xpu.device_count()
cpu.is_available()
cpu.device_count()
cpu.current_device()
cpu.synchronize()
accelerator.is_available()
accelerator.current_accelerator()
accelerator.current_accelerator(True)
accelerator.device_count()
get_float32_matmul_precision()
are_deterministic_algorithms_enabled()
is_deterministic_algorithms_warn_only_enabled()
get_deterministic_debug_mode()
is_autocast_enabled()
is_autocast_enabled("cpu")
amp.is_autocast_available("cpu")
amp.is_autocast_available("cuda")
amp.GradScaler("cuda").get_scale()
amp.GradScaler("cuda").is_enabled()
amp.GradScaler("cuda").state_dict()
amp.GradScaler("cuda").load_state_dict({})
amp.GradScaler("cpu").get_scale()
amp.GradScaler("cpu").is_enabled()
amp.GradScaler("cpu", init_scale=4.0, growth_interval=3).state_dict()
amp.GradScaler("cpu").get_growth_factor()
amp.GradScaler("cpu").get_backoff_factor()
amp.GradScaler("cpu").get_growth_interval()
autocast("cpu").device
autocast("cuda").device
autocast("cuda", enabled=False).device
cuda.amp.autocast().device
compiler.is_compiling()
zeros(1).is_cuda
zeros(1).get_device()
device("cuda:1")
device("cuda", 0)
device("cpu").type
""".strip().splitlines()


def answer(library, question):
    """(what it answers, what it warns of)"""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = eval(f"library.{question}", {"library": library})
    return repr(value), [(w.category, str(w.message)) for w in caught]


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_and_warnings(question):
    assert answer(ng, question) == answer(torch, question)


@pytest.mark.parametrize(
    "question",
    [
        "cuda.current_device()", "cuda.get_device_name(0)", "cuda.init()", "cuda.Stream()", "cuda.Event()",
        "cuda.current_stream()", "cuda.mem_get_info()", "cuda.get_rng_state()", "cuda.initial_seed()",
        "accelerator.current_device_index()", "accelerator.set_device_index(0)", "zeros(1).cuda()",
        "zeros(1, device='cuda')", "autocast('gpu')", "device('gpu')",
    ],
)  # fmt: skip
def test_what_raises(question):
    with pytest.raises((RuntimeError, AssertionError)):
        answer(torch, question)
    with pytest.raises(RuntimeError):
        answer(ng, question)


def test_a_scaler_steps_as_torchs_does():
    def run(library):
        p = library.tensor([1.0, 2.0], requires_grad=True)
        optimizer = library.optim.SGD([p], lr=0.125)
        scaler = library.amp.GradScaler("cpu", init_scale=64.0, growth_interval=2)
        seen = []
        for factor in (1.0, 2.0, float("inf"), 1.0, 1.0, float("nan"), 3.0):
            optimizer.zero_grad()
            scaler.scale((p * p * library.tensor([1.0, factor])).sum()).backward()
            scaler.unscale_(optimizer)
            seen.append(p.grad.tolist())
            scaler.step(optimizer)
            scaler.update()
            seen.append((p.tolist(), scaler.get_scale(), scaler.state_dict()))
        return seen

    assert repr(run(ng)) == repr(run(torch))
