"""What scripts for GPUs ask and say: answered as torch answers on a machine without one."""

import pickle
import warnings

import pytest

import nanograd as torch
from nanograd.errors import DeviceError


@pytest.fixture(autouse=True)
def as_before():
    yield
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)


# Questions

ANSWERS = {
    "cuda.is_available()": False,
    "cuda.device_count()": 0,
    "cuda.is_initialized()": False,
    "cuda.is_bf16_supported()": False,
    "cuda.memory_allocated()": 0,
    "cuda.max_memory_allocated()": 0,
    "cuda.memory_reserved()": 0,
    "cuda.memory_stats()": {},
    "cuda.get_arch_list()": [],
    "cuda.get_rng_state_all()": [],
    "cuda.set_rng_state_all([])": None,
    "cuda.manual_seed(1)": None,
    "cuda.manual_seed_all(1)": None,
    "cuda.empty_cache()": None,
    "version.cuda": None,
    "backends.cudnn.is_available()": False,
    "backends.cudnn.version()": None,
    "backends.cudnn.enabled": True,
    "backends.cudnn.benchmark": False,
    "backends.cudnn.deterministic": False,
    "backends.cudnn.allow_tf32": True,
    "backends.cuda.is_built()": False,
    "backends.cuda.matmul.allow_tf32": False,
    "backends.cuda.flash_sdp_enabled()": True,
    "backends.mps.is_available()": False,
    "backends.mps.is_built()": False,
    "backends.opt_einsum.strategy": None,
    "backends.fp32_precision": "none",
    "mps.is_available()": False,
    "mps.device_count()": 0,
    "xpu.is_available()": False,
    "cpu.is_available()": True,
    "cpu.device_count()": 1,
    "cpu.current_device()": "cpu",
    "accelerator.is_available()": False,
    "accelerator.current_accelerator()": None,
    "accelerator.device_count()": 0,
    "get_float32_matmul_precision()": "highest",
    "are_deterministic_algorithms_enabled()": False,
    "get_deterministic_debug_mode()": 0,
    "is_autocast_enabled()": False,
    "amp.is_autocast_available('cpu')": True,
    "compiler.is_compiling()": False,
}


@pytest.mark.parametrize("question", ANSWERS)
def test_answers(question):
    assert eval(f"torch.{question}") == ANSWERS[question]


@pytest.mark.parametrize(
    "request_",
    [
        "cuda.current_device()", "cuda.set_device(0)", "cuda.get_device_name(0)", "cuda.get_device_properties(0)",
        "cuda.get_device_capability()", "cuda.init()", "cuda.Stream()", "cuda.Event(enable_timing=True)",
        "cuda.current_stream()", "cuda.mem_get_info()", "cuda.get_rng_state()", "cuda.set_rng_state_all([1])",
        "cuda.memory_summary()", "cuda.initial_seed()", "cuda.device(0).__enter__()", "accelerator.set_device_index(0)",
        "accelerator.current_device_index()", "accelerator.device_index(0).__enter__()", "zeros(1).cuda()",
        "zeros(1).to('cuda')", "zeros(1, device='cuda:0')", "nn.Linear(1, 1).cuda()", "nn.Linear(1, 1, device='cuda')",
    ],
)  # fmt: skip
def test_what_needs_a_gpu_says_that_there_is_none(request_):
    with pytest.raises(DeviceError, match=r"no GPU|no CUDA|no accelerator"):
        eval(f"torch.{request_}")


def test_contexts_that_change_nothing():
    with torch.cuda.device(-1), torch.cuda.stream(None), torch.cuda.device_of(torch.zeros(1)):
        pass
    with torch.accelerator.device_index(None), torch.backends.cudnn.flags(enabled=False, benchmark=True):
        assert torch.backends.cudnn.enabled


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cuda.nvtx", "Use torch.profiler.profile"),
        ("cuda.FloatTensor", "torch.FloatTensor"),
        ("cuda.is_availabel", "Did you mean 'is_available'?"),
        ("backends.cudn", "Did you mean 'cudnn'?"),
        ("accelerator.is_availabel", "Did you mean 'is_available'?"),
        ("compiler.is_compilin", "Did you mean 'is_compiling'?"),
        ("mps.is_availabel", "Did you mean 'is_available'?"),
        ("xpu.is_availabel", "Did you mean 'is_available'?"),
        ("cpu.is_availabel", "Did you mean 'is_available'?"),
        ("_dynamo", "compiles nothing"),
    ],
)
def test_unknown_names_say_what_there_is(name, hint):
    with pytest.raises(AttributeError, match=r"has no attribute") as caught:
        eval(f"torch.{name}")
    assert hint in str(caught.value)


# Switches


def test_switches_are_remembered():
    torch.set_float32_matmul_precision("medium")
    assert torch.get_float32_matmul_precision() == "medium"
    with pytest.warns(UserWarning, match="odd is not one of 'highest', 'high', or 'medium'"):
        torch.set_float32_matmul_precision("odd")
    assert torch.get_float32_matmul_precision() == "medium"
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.get_deterministic_debug_mode() == 1
    for mode, number in (("error", 2), (1, 1), ("default", 0)):
        torch.set_deterministic_debug_mode(mode)
        assert torch.get_deterministic_debug_mode() == number
    enabled = torch.backends.cuda.math_sdp_enabled()
    torch.backends.cuda.enable_math_sdp(False)
    assert not torch.backends.cuda.math_sdp_enabled()
    torch.backends.cuda.enable_math_sdp(enabled)


def test_bad_switches():
    with pytest.raises(RuntimeError, match="expected 0, 1, 2, 'default', 'warn' or 'error', got 'loud'"):
        torch.set_deterministic_debug_mode("loud")
    with pytest.warns(UserWarning, match="set_flush_denormal"):
        assert torch.set_flush_denormal(True) is False


def test_compile_and_its_like_leave_functions_as_they_are():
    def function(x):
        return x

    assert torch.compile(function) is function
    assert torch.compile(fullgraph=True, mode="max-autotune")(function) is function
    assert torch.compiler.disable(function) is function
    assert torch.compiler.disable(recursive=False)(function) is function
    assert torch.amp.custom_fwd(device_type="cuda")(function) is function
    assert torch.amp.custom_bwd(function, device_type="cuda") is function
    model = torch.nn.Linear(2, 1)
    assert torch.compile(model) is model


# Mixed precision


def test_autocast_leaves_numbers_as_they_are():
    x = torch.ones(2, 2)
    with torch.autocast("cpu"), torch.amp.autocast(device_type="cpu", dtype=torch.float16):
        assert (x @ x).dtype is torch.float32

    @torch.autocast("cpu")
    def double(x):
        """Twice."""
        return 2 * x

    assert double(x).sum().item() == 8
    assert double.__doc__ == "Twice."
    with torch.autocast("cuda", enabled=False), torch.autocast("mps"):
        pass


def test_autocast_for_a_gpu_warns():
    with pytest.warns(UserWarning, match="CUDA is not available or torch_xla is imported. Disabling autocast."):
        torch.autocast("cuda")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.amp.autocast(dtype=torch.float16)
    assert [w.category for w in caught] == [FutureWarning, UserWarning]
    with pytest.raises(RuntimeError, match="autocast: expected 'cpu' or 'cuda' as device_type, got 'gpu'"):
        torch.autocast("gpu")
    with pytest.raises(ValueError, match="expected `device_type` of type `str`"):
        torch.autocast(True)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'device_type'"):
        torch.autocast()


def optimizer_of(*values):
    return torch.optim.SGD([torch.tensor(v, requires_grad=True) for v in values], lr=1.0)


def parameters(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def test_a_disabled_scaler_changes_nothing():
    with pytest.warns(UserWarning, match="GradScaler is enabled, but CUDA is not available.  Disabling."):
        scaler = torch.amp.GradScaler()
    with pytest.warns(FutureWarning, match=r"torch.amp.GradScaler\('cuda', args...\)"):
        assert not torch.cuda.amp.GradScaler(enabled=False).is_enabled()
    optimizer = optimizer_of(2.0)
    loss = parameters(optimizer)[0] * 3
    assert scaler.scale(loss) is loss
    loss.backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert parameters(optimizer)[0].item() == -1.0
    assert (scaler.get_scale(), scaler.is_enabled(), scaler.state_dict()) == (1.0, False, {})
    scaler.load_state_dict({})
    with pytest.raises(TypeError, match=r"GradScaler.step: expected an optimizer, got int"):
        scaler.step(3)


def test_a_scaler_scales_the_loss_and_unscales_the_gradients():
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    optimizer = optimizer_of(2.0, 5.0)
    a, b = parameters(optimizer)
    for step in range(2):
        optimizer.zero_grad()
        loss = 0.25 * a + 0.5 * b
        scaler.scale(loss).backward()
        assert (a.grad.item(), b.grad.item()) == (2.0, 4.0)  # 8 times
        if step:
            scaler.unscale_(optimizer)
            assert (a.grad.item(), b.grad.item()) == (0.25, 0.5)
        scaler.step(optimizer)
        scaler.update()
    assert (a.item(), b.item()) == (1.5, 4.0)
    assert scaler.get_scale() == 16.0  # after two good steps


def test_steps_that_are_not_finite_are_left_out():
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    optimizer = optimizer_of([1.0, 2.0])
    (p,) = parameters(optimizer)
    for bad, scale in ((float("inf"), 4.0), (float("nan"), 2.0)):
        scaler.scale((p * torch.tensor([1.0, bad])).sum()).backward()
        assert scaler.step(optimizer) is None
        scaler.update()
        assert p.tolist() == [1.0, 2.0]
        assert scaler.get_scale() == scale
        optimizer.zero_grad()


def test_a_scaler_is_used_in_its_order():
    scaler = torch.amp.GradScaler("cpu")
    optimizer = optimizer_of(1.0)
    scaler.scale(parameters(optimizer)[0] * 1).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) has already been called on this optimizer"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="a closure cannot be used"):
        scaler.step(optimizer, closure=lambda: None)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called since the last update"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) is being called after step"):
        scaler.unscale_(optimizer)
    scaler.update()
    with pytest.raises(RuntimeError, match="no step was taken since the last update"):
        scaler.update()
    scaler.update(3.0)
    assert scaler.get_scale() == 3.0


def test_a_scalers_state_is_saved_and_loaded():
    scaler = torch.amp.GradScaler("cpu", init_scale=32.0, growth_factor=3.0, backoff_factor=0.25, growth_interval=5)
    state = scaler.state_dict()
    assert state == {
        "scale": 32.0, "growth_factor": 3.0, "backoff_factor": 0.25, "growth_interval": 5, "_growth_tracker": 0,
    }  # fmt: skip
    other = torch.amp.GradScaler("cpu")
    assert other.get_scale() == 65536.0
    other.load_state_dict(pickle.loads(pickle.dumps(state)))
    assert other.state_dict() == state
    with pytest.raises(RuntimeError, match="The source state dict is empty"):
        other.load_state_dict({})
    other.set_growth_factor(4.0)
    other.set_backoff_factor(0.125)
    other.set_growth_interval(7)
    assert (other.get_growth_factor(), other.get_backoff_factor(), other.get_growth_interval()) == (4.0, 0.125, 7)


def test_a_scaler_takes_lists_and_refuses_what_cannot_be():
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    x = torch.tensor([1.0, 2.0])
    pair = scaler.scale((x, [x * 2]))
    assert (pair[0].tolist(), pair[1][0].tolist()) == ([2.0, 4.0], [4.0, 8.0])
    assert [y.tolist() for y in scaler.scale(iter([x]))] == [[2.0, 4.0]]
    with pytest.raises(ValueError, match=r"GradScaler.scale: expected a tensor or a list of them, got int"):
        scaler.scale(3)
    with pytest.raises(ValueError, match=r"the growth factor must be > 1.0, got 1.0"):
        torch.amp.GradScaler("cpu", growth_factor=1.0)
    with pytest.raises(ValueError, match=r"the backoff factor must be < 1.0, got 2.0"):
        torch.amp.GradScaler("cpu", backoff_factor=2.0)


def test_asking_costs_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.amp.GradScaler("cuda", enabled=False)
        torch.amp.GradScaler("cpu")
        torch.autocast("cuda", enabled=False)
