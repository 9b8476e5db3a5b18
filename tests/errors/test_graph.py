"""The documented errors of gradients, devices, switches, and of what looks at tensors: drawings, the lab, Scalar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nanograd as torch
from nanograd import (
    accelerator,
    amp,
    autograd,
    cuda,
    distributed,
    distributions,
    drawing,
    lab,
    nn,
    optim,
    profiler,
    testing,
)
from nanograd.autograd.check import GradcheckError
from nanograd.errors import DeviceError, DTypeError, GradError, MissingError, ShapeError

from .case import Case

FLOATS = torch.tensor([1.0, 2.5])
INTEGERS = torch.tensor([1, 2])


def leaf(*shape: int) -> Any:
    return torch.ones(*shape, requires_grad=True)


def profiled_twice() -> None:
    with profiler.profile() as p:
        p.start()


def result() -> Any:
    return leaf(2) * 2


def twice(y: Any) -> None:
    y.backward()
    y.backward()


def put(x: Any) -> None:
    x[0] = 1.0


class Few(autograd.Function):
    """Gives one gradient for two arguments."""

    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        return a * b

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0]


class Long(Few):
    """Gives gradients of another shape."""

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return torch.ones(5), gradients[0]


class Bare(autograd.Function):
    """Defines nothing."""


class Half(Bare):
    """Does not say how to go back."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2


class Wrong(autograd.Function):
    """Gives the gradient of x where it should give that of x²."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * x

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0]


class Keeping(autograd.Function):
    """Keeps what is not a tensor."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x, "text")
        return x * 2


class Reading(autograd.Function):
    """Writes what it has kept."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return ctx.saved_tensors[0] * gradients[0]


def read_written() -> None:
    x = leaf(2)
    y = Reading.apply(x)
    with torch.no_grad():
        x.mul_(2)
    y.sum().backward()


def checked(*, cls: Any = Wrong) -> None:
    autograd.gradcheck(cls.apply, (torch.tensor([1.0, 3.0], dtype=torch.float64, requires_grad=True),))


GRADIENTS = [
    Case("Tensor.numpy", GradError, lambda: leaf(2).numpy(), r"numpy.*requires grad.*detach"),
    Case("Tensor.requires_grad_", DTypeError, lambda: INTEGERS.requires_grad_(), r"^requires_grad_:.*floating.*int64"),
    Case("Tensor.requires_grad_", GradError, lambda: result().requires_grad_(False), r"leaf.*detach"),
    Case("Tensor.backward", GradError, lambda: FLOATS.sum().backward(), r"^backward: .*require", "without a graph"),
    Case("Tensor.backward", GradError, lambda: result().backward(), r"^backward: .*\(2,\)", "several elements"),
    Case("Tensor.backward", GradError, lambda: twice(result().sum()), r"^backward:.*retain_graph=True", "freed"),
    Case("Tensor.detach_", GradError, lambda: result().view(2, 1).detach_(), r"^detach_:.*view.*detach\(\)"),
    Case("Tensor.retain_grad", GradError, lambda: FLOATS.retain_grad(), r"^retain_grad:.*requires_grad=False"),
    Case("Tensor.register_post_accumulate_grad_hook", GradError,
         lambda: FLOATS.register_post_accumulate_grad_hook(print), r"^register_post_accumulate.*require gradient"),
    Case("Tensor.register_post_accumulate_grad_hook", GradError,
         lambda: (leaf(2) * 2).register_post_accumulate_grad_hook(print), r"^register_post_accumulate.*non-leaf"),
    Case("Tensor.register_hook", GradError, lambda: FLOATS.register_hook(print), r"^register_hook:.*require"),
    Case("Tensor.resize_", GradError, lambda: leaf(4).resize_(2), r"^resize_:.*requires grad.*detach"),
    Case("Tensor.set_", GradError, lambda: leaf(4).set_(FLOATS), r"^set_:.*requires grad.*detach"),
    Case("Tensor.set_", GradError, lambda: torch.ones(2).set_(leaf(4)), r"^set_:.*requires grad.*detach"),
    Case("Tensor.__setitem__", GradError, lambda: put(leaf(4)), r"leaf.*(in-place|in place).*no_grad"),
    Case("autograd.grad", GradError, lambda: autograd.grad(result().sum(), leaf(2)), r"^grad:.*input 0.*allow_unused",
         "depend"),
    Case("autograd.grad", GradError, lambda: autograd.grad(result().sum(), FLOATS), r"^grad: input 0 does not require",
         "does not require"),
    Case("autograd.grad", ValueError,
         lambda: autograd.grad(result().sum(), leaf(2), allow_unused=False, materialize_grads=True), r"allow_unused"),
    Case("autograd.grad", MissingError, lambda: autograd.grad(result(), leaf(2), is_grads_batched=True), r"is_grads_b"),
    Case("autograd.Function.forward", NotImplementedError, lambda: Bare.apply(leaf(2)), r"implement the forward"),
    Case("autograd.Function.backward", NotImplementedError, lambda: Half.apply(leaf(2)).sum().backward(),
         r"implement.*backward"),
    Case("autograd.Variable", TypeError, lambda: autograd.Variable([1.0]), r"Variable.*list", "no tensor"),
    Case("autograd.Variable", TypeError, lambda: autograd.Variable(FLOATS, volatile=True), r"volatile.*no_grad",
         "volatile"),
    Case("autograd.Function.apply", GradError, lambda: Few.apply(leaf(2), leaf(2)).sum().backward(),
         r"FewBackward.*expected 2, got 1"),
    Case("autograd.Function.apply", ShapeError, lambda: Long.apply(leaf(2), leaf(2)).sum().backward(),
         r"LongBackward.*gradient.*(\(5,\)|\[5\]).*(\(2,\)|\[2\])"),
    Case("autograd.function.Context.save_for_backward", TypeError, lambda: Keeping.apply(leaf(2)),
         r"save_for_backward.*str"),
    Case("autograd.function.Context.saved_tensors", GradError, read_written,
         r"ReadingBackward.*(\(2,\)|\[2\]).*written|"
         r"ReadingBackward.*in.place"),
    Case("autograd.gradcheck", GradcheckError, checked, r"^gradcheck:.*(input 0|argument 0).*\(1,\).*6"),
]  # fmt: skip


def idle_scaler() -> None:
    scaler = amp.GradScaler("cpu")
    scaler.scale(leaf(1))
    scaler.update()


def scaler(*done: str) -> Any:
    """A scaler and an optimizer that have done what is named since the last update."""
    scaler, optimizer = amp.GradScaler("cpu", init_scale=2.0), optim.SGD([leaf(2)], lr=0.1)
    scaler.scale(optimizer.param_groups[0]["params"][0].sum()).backward()
    for name in done:
        getattr(scaler, name)(optimizer)
    return None


NO_GPU = r"^device: no CUDA device.*'cpu'"
ABSENT = [
    "init", "current_device", "current_stream", "default_stream", "get_device_capability", "get_device_name",
    "get_device_properties", "get_rng_state", "initial_seed", "mem_get_info", "memory_summary", "Stream", "Event",
]  # fmt: skip
"""What torch.cuda cannot say without a GPU, and that takes no arguments."""

MACHINES = [
    *(Case(f"cuda.{name}", DeviceError, getattr(cuda, name), rf"^cuda\.{name}: .*is_available")
      for name in ABSENT),
    Case("cuda.can_device_access_peer", DeviceError, lambda: cuda.can_device_access_peer(0, 1), r"can_device_access"),
    Case("cuda.set_device", DeviceError, lambda: cuda.set_device(0), r"set_device"),
    Case("cuda.set_per_process_memory_fraction", DeviceError, lambda: cuda.set_per_process_memory_fraction(0.5),
         r"set_per_process_memory_fraction"),
    Case("cuda.set_rng_state", DeviceError, lambda: cuda.set_rng_state(torch.get_rng_state()), r"set_rng_state"),
    Case("cuda.set_rng_state_all", DeviceError, lambda: cuda.set_rng_state_all([torch.get_rng_state()]),
         r"set_rng_state_all"),
    Case("Tensor.cuda", DeviceError, lambda: FLOATS.cuda(), NO_GPU),
    Case("nn.Module.cuda", DeviceError, lambda: nn.Linear(1, 1).cuda(), NO_GPU),
    Case("nn.utils.rnn.PackedSequence.cuda", DeviceError, lambda: nn.utils.rnn.pack_sequence([FLOATS]).cuda(),
         NO_GPU),
    Case("device", DeviceError, lambda: torch.device("gpu"), r"^device:.*'gpu'.*Did you mean 'cuda'"),
    Case("device", DeviceError, lambda: torch.device("cpux"), r"^device:.*'cpux'"),
    Case("accelerator.current_device_index", DeviceError, accelerator.current_device_index, r"current_device_index"),
    Case("accelerator.current_stream", DeviceError, accelerator.current_stream, r"accelerator\.current_stream"),
    Case("accelerator.device_index", DeviceError, lambda: accelerator.device_index(0).__enter__(), r"device_index"),
    Case("accelerator.set_device_index", DeviceError, lambda: accelerator.set_device_index(0), r"set_device_index"),
    Case("accelerator.set_stream", DeviceError, lambda: accelerator.set_stream(None), r"accelerator\.set_stream"),
    Case("amp.autocast", DeviceError, lambda: amp.autocast("gpux"), r"autocast.*'gpux'|'gpux'"),
    Case("amp.GradScaler", ValueError, lambda: amp.GradScaler("cpu", growth_factor=1.0), r"growth.*1\.0", "growth"),
    Case("amp.GradScaler", ValueError, lambda: amp.GradScaler("cpu", backoff_factor=1.5), r"backoff.*1\.5", "backoff"),
    Case("amp.GradScaler.scale", ValueError, lambda: amp.GradScaler("cpu").scale(3.0), r"^GradScaler\.scale:.*float"),
    Case("amp.GradScaler.update", RuntimeError, idle_scaler, r"^GradScaler\.update: no step"),
    Case("amp.GradScaler.unscale_", RuntimeError, lambda: scaler("unscale_", "unscale_"), r"unscale_.*already",
         "second time"),
    Case("amp.GradScaler.unscale_", RuntimeError, lambda: scaler("step", "unscale_"), r"unscale_.*after step", "after"),
    Case("amp.GradScaler.step", TypeError, lambda: amp.GradScaler("cpu").step(FLOATS), r"^GradScaler\.step:.*Tensor"),
    Case("amp.GradScaler.step", RuntimeError, lambda: scaler("step", "step"), r"step.*already.*update"),
    Case("amp.GradScaler.load_state_dict", RuntimeError, lambda: amp.GradScaler("cpu").load_state_dict({}),
         r"state dict is empty.*disabled"),
    Case("set_default_device", DeviceError, lambda: torch.set_default_device("cuda"), NO_GPU),
    Case("set_default_dtype", DTypeError, lambda: torch.set_default_dtype(torch.int32), r"^set_default_dtype.*int32"),
    Case("set_deterministic_debug_mode", RuntimeError, lambda: torch.set_deterministic_debug_mode(3), r"'warn'.*got 3"),
    Case("set_deterministic_debug_mode", RuntimeError, lambda: torch.set_deterministic_debug_mode("loud"), r"loud"),
    Case("set_num_threads", RuntimeError, lambda: torch.set_num_threads(0), r"^set_num_threads.*0"),
    Case("set_num_interop_threads", RuntimeError, lambda: torch.set_num_interop_threads(-1), r"interop_threads.*-1"),
]  # fmt: skip

NOWHERE = Path(__file__).parent / "nowhere"
KNOWN = distributions.Normal(0.0, 1.0)
CENTER = torch.zeros(2)

COMPANIONS = [
    *(Case(f"distributed.{name}", MissingError, getattr(distributed, name), rf"^{name}:.*one process")
      for name in ("init_process_group", "destroy_process_group")),
    *(Case(f"distributed.{name}", ValueError, getattr(distributed, name), r"group.*not been initialized.*one process")
      for name in ("get_rank", "get_world_size")),
    Case("nn.parallel.DistributedDataParallel", MissingError,
         lambda: nn.parallel.DistributedDataParallel(nn.Linear(1, 1)), r"^DistributedDataParallel:.*one process"),
    Case("Scalar", TypeError, lambda: torch.Scalar("one"), r"Scalar.*str|Scalar.*'one'"),
    Case("Scalar.exp", OverflowError, lambda: torch.Scalar(710.0).exp(), r"exp.*710"),
    Case("Scalar.log", ValueError, lambda: torch.Scalar(0.0).log(), r"log.*0"),
    Case("drawing.draw", TypeError, lambda: drawing.draw([1.0]), r"^draw:.*list"),
    Case("drawing.draw", ValueError, lambda: drawing.draw(FLOATS), r"^draw:.*no tape.*requires_grad"),
    Case("drawing.Drawing.save", ValueError, lambda: drawing.draw(result()).save(NOWHERE / "a.png"), r"'\.png'.*\.svg"),
    Case("drawing.Drawing.save", OSError, lambda: drawing.draw(result()).save(NOWHERE / "a.svg"), r"nowhere"),
    Case("lab.replace", AttributeError, lambda: lab.replace("nn.Lineer", nn.Linear), r"Lineer.*Linear"),
    Case("lab.replace", TypeError, lambda: lab.replace("settings.PROFILES", nn.Linear), r"PROFILES.*dict"),
    Case("testing.assert_close", ValueError, lambda: testing.assert_close(FLOATS, FLOATS, rtol=0.1), r"rtol.*atol"),
    Case("distributions.Distribution", ValueError, lambda: distributions.Normal(0.0, -1.0), r"scale.*Normal.*-1"),
    Case("distributions.Distribution.rsample", MissingError, lambda: distributions.Bernoulli(0.5).rsample(),
         r"^rsample:.*Bernoulli.*sample\(\)"),
    Case("distributions.Categorical", ValueError, lambda: distributions.Categorical(torch.tensor(0.5)),
         r"`probs`.*one"),
    Case("distributions.Dirichlet", ValueError, lambda: distributions.Dirichlet(torch.tensor(0.5)), r"`concentration`"),
    Case("distributions.MultivariateNormal", ValueError,
         lambda: distributions.MultivariateNormal(torch.tensor(0.5), torch.eye(2)), r"^loc.*one-dim", "loc"),
    Case("distributions.MultivariateNormal", ValueError, lambda: distributions.MultivariateNormal(CENTER),
         r"[Ee]xactly one.*got none", "unless"),
    Case("distributions.kl_divergence", MissingError,
         lambda: distributions.kl_divergence(KNOWN, distributions.Bernoulli(0.5)), r"Normal.*Bernoulli"),
    Case("distributions.Binomial.enumerate_support", MissingError,
         lambda: distributions.Binomial(torch.tensor([1.0, 2.0]), 0.5).enumerate_support(), r"total count"),
    Case("profiler.profile", MissingError, lambda: profiler.profile(schedule=print), r"^profile:.*no schedule"),
    Case("profiler.profile", RuntimeError, profiled_twice, r"^profile: it runs already"),
    Case("profiler.schedule", MissingError, lambda: profiler.schedule(wait=1), r"^schedule"),
]  # fmt: skip

CASES = [*GRADIENTS, *MACHINES, *COMPANIONS]


@pytest.mark.skipif(cuda.is_available(), reason="the errors of a machine without a GPU")
@pytest.mark.parametrize("case", MACHINES, ids=str)
def test_documented_error_without_a_gpu(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", [*GRADIENTS, *COMPANIONS], ids=str)
def test_documented_error(case: Case) -> None:
    case.check()
